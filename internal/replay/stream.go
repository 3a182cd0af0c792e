package replay

import (
	"slices"
	"strings"
	"time"

	"wardkeep/internal/base/id"
	"wardkeep/internal/ledger"
	"wardkeep/internal/staff"
	"wardkeep/internal/stream"
)

// ofStreams are the kinds about what systems keep automatically.
var ofStreams = []string{stream.KindRegistered, stream.KindTested, stream.KindFlipped, stream.KindEnded}

// A logged is what the ledger says of a stream, with the marks of its tests.
type logged struct {
	service, reason, by, mark, test, purpose string
	shared                                   bool
	joins, registered, due, raised, closed   int64
}

func (c *logged) of() string { return c.service }

// A joining is what the ledger says of a test.
type joining struct {
	service, stream, by, mark string
	at                        int64
}

func (c *joining) of() string { return c.service }

// streamEntry folds that a stream was registered, how it was tested, that it counts as a
// child's, and that it has left the register: nothing comes after that.
func (f *fold) streamEntry(p ledger.Placed) fault {
	at, from := p.At.UnixMicro(), source{place: p.Place, entry: p.ID, service: p.Service}
	if p.Kind == stream.KindRegistered {
		return f.streamed(p, from)
	}
	var b struct {
		stream.TestedBody
		State   stream.State `json:"state"`
		Purpose string       `json:"purpose"`
	}
	if p.Into(&b) != nil {
		return fault{what: FoundBody, field: p.Kind}
	}
	c := f.logged[b.Stream]
	system := strings.HasPrefix(p.Actor, "system:")
	switch {
	case c == nil || c.service != p.Service || c.closed != 0:
		return impossible(ruleStream)
	case p.Kind == stream.KindFlipped && !system, p.Kind == stream.KindTested && !byStaff(p), p.Kind == stream.KindEnded && !system && !byStaff(p):
		return impossible(ruleActor)
	}
	switch p.Kind {
	case stream.KindTested:
		switch {
		case !id.Is(id.JoinTest, b.Test) || b.Mark == "":
			return fault{what: FoundBody, field: ruleStream}
		case f.joinings[b.Test] != nil, b.Records < 1 || b.Joined < 0 || b.Joined > b.Records,
			b.Method != stream.Scanned && !slices.Contains(stream.Told, b.Method),
			b.Joined > 0 && b.Due != at, b.Joined == 0 && (b.Due <= at || b.Due > p.At.Add(stream.Valid).UnixMicro()):
			return impossible(ruleStream)
		}
		f.joinings[f.names.keep(b.Test)] = &joining{service: c.service, stream: f.names.keep(b.Stream), by: f.names.keep(p.Actor), mark: b.Mark, at: at}
		c.test, c.joins, c.due, c.raised = f.names.keep(b.Test), b.Joined, b.Due, 0
		return f.actedInside(p, from, b.Inside, staff.TestStreams)
	case stream.KindFlipped:
		if now := c.row().State(p.At); c.raised != 0 || b.State != now || !slices.Contains(stream.Linkable, now) {
			return impossible(ruleStream)
		}
		c.raised = at
	case stream.KindEnded:
		if system && (b.Purpose != "" || !f.closing(p.Service)) {
			return impossible(ruleStream)
		}
		c.purpose, c.closed = f.names.keep(b.Purpose), at
		return f.actedInside(p, from, b.Inside, staff.SignStreams)
	}
	return fault{}
}

// row is as much of the stream as says how it stands.
func (c *logged) row() stream.Stream {
	return stream.Stream{Test: c.test, Joins: c.joins, DueAt: time.UnixMicro(c.due)}
}

func (f *fold) streamed(p ledger.Placed, from source) fault {
	b, x := body[stream.RegisteredBody](p)
	switch {
	case x != (fault{}):
		return x
	case !id.Is(id.Stream, b.Stream) || b.Mark == "":
		return fault{what: FoundBody, field: ruleStream}
	case f.logged[b.Stream] != nil || !slices.Contains(stream.Reasons, b.Reason):
		return impossible(ruleStream)
	case !byStaff(p):
		return impossible(ruleActor)
	}
	at := p.At.UnixMicro()
	f.logged[f.names.keep(b.Stream)] = &logged{service: f.names.keep(p.Service), reason: f.names.keep(string(b.Reason)), by: f.names.keep(p.Actor), mark: b.Mark,
		shared: b.Shared, registered: at, due: at}
	return f.actedInside(p, from, b.Inside, staff.SignStreams)
}

// streamRows compares the streams, whose forms the ledger has marks of.
func (a *audit) streamRows() error {
	return compareCases(a, "log_stream", a.fold.logged, stream.All, func(row stream.Stream) (string, string, bool) { return row.ID, row.Service, true },
		func(r at, c *logged, row stream.Stream) {
			r.text("service", c.service, row.Service)
			r.flag("shared", c.shared, row.Shared)
			r.text("reason", c.reason, string(row.Reason))
			r.time("registered_at", c.registered, micros(row.RegisteredAt))
			r.text("registered_by", c.by, row.RegisteredBy)
			r.text("test", c.test, row.Test)
			r.number("joins", c.joins, row.Joins)
			r.time("due_at", c.due, micros(row.DueAt))
			r.time("raised_at", c.raised, micros(row.RaisedAt))
			r.text("purpose", c.purpose, row.Purpose)
			r.time("closed_at", c.closed, micros(row.ClosedAt))
			if row.Mark() != c.mark {
				r.found(FoundDiffers, "form, salt", "–", "–")
			}
		})
}

// testRows compares the tests.
func (a *audit) testRows() error {
	return compareCases(a, "join_test", a.fold.joinings, stream.EachTest, func(row stream.Made) (string, string, bool) { return row.ID, "", true },
		func(r at, c *joining, row stream.Made) {
			r.service = c.service
			r.text("stream", c.stream, row.Stream)
			r.time("made_at", c.at, micros(row.At))
			r.text("made_by", c.by, row.By)
			if row.Mark() != c.mark {
				r.found(FoundDiffers, "form, salt", "–", "–")
			}
		})
}
