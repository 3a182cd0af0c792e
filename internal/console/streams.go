package console

import (
	"context"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"time"

	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/catalog"
	"wardkeep/internal/family/age"
	"wardkeep/internal/staff"
	"wardkeep/internal/stream"
)

// streamFields are the fields of the filter, as they stand in an address.
var streamFields = []string{"service", "reason", "state"}

// streamStates are what the list can be narrowed to; the last two have left the register.
var streamStates = []stream.State{stream.Exempt, stream.Untested, stream.Joined, stream.Expired, stream.Covered, stream.Stopped}

// streamsPage is what streams.html shows.
type streamsPage struct {
	casePage[streamRow]
	Reasons []stream.Reason
	States  []stream.State
	Signs   []string // services for which whoever looks may register one
	Own     []stream.Own
	Days    int // for how long a test counts
}

// A streamRow is a row of the list.
type streamRow struct {
	stream.Stream
	Is   stream.State
	Said stream.Form
	Late bool
	To   string
}

func streamPath(service, name string) string { return "/console/streams/" + service + "/" + name }

func streamRowOf(s stream.Stream, now time.Time) streamRow {
	return streamRow{s, s.State(now), s.Form(), s.Late(now), streamPath(s.Service, s.ID)}
}

// testDays is for how many days a test counts.
const testDays = int(stream.Valid / (24 * time.Hour))

// streamCases lists what systems keep automatically.
var streamCases = cases[streamRow]{
	name: listStreams, page: "streams", parse: stream.ParseCursor, read: keptStreams,
	columns: []string{"number", "id", "service", "stream", "system", "kept_at", "months", "network", "shared", "held_by", "reason", "state", "registered_at", "counts_until", "purpose", "closed_at"},
	cells: func(_ *visit, r streamRow) []string {
		return []string{r.Number(), r.ID, r.Service, r.Said.Name, r.Said.System, r.Said.Place, strconv.Itoa(r.Said.Months), strconv.FormatBool(r.Said.Network), strconv.FormatBool(r.Shared),
			r.Said.Office, string(r.Reason), string(r.Is), inFile(r.RegisteredAt), inFile(r.DueAt), r.Purpose, inFile(r.ClosedAt)}
	},
}

func keptStreams(ctx context.Context, tx *db.Tx, _ *visit, services []string, filter url.Values, from db.Cursor, limit int) (rows []streamRow, next db.Cursor, err error) {
	want := stream.Wanted{State: stream.State(filter.Get("state")), Reason: stream.Reason(filter.Get("reason"))}
	want.Closed = want.State == stream.Covered || want.State == stream.Stopped
	found, next, err := stream.List(ctx, tx, services, want, from, limit)
	for _, s := range found {
		rows = append(rows, streamRowOf(s, tx.Now()))
	}
	return rows, next, err
}

// maxSigns is how many services a page leads to the form of.
const maxSigns = 20

// streams lists what systems keep automatically (Article 28).
func (s *Server) streams(v *visit) error {
	return streamCases.show(v, func(l casePage[streamRow]) any {
		signs := slices.DeleteFunc(only(slices.Clone(l.Services), l.Filter["service"]), func(name string) bool { return !v.in.Person.May(staff.SignStreams, name) })
		return streamsPage{l, stream.Reasons, streamStates, signs[:min(len(signs), maxSigns)], stream.Owned, testDays}
	})
}

func (s *Server) streamsFile(v *visit) error { return streamCases.file(v) }

// streamAsking says how the forms about a stream are asked for.
func (v *visit) streamAsking(more bool) *asking {
	a := &asking{lang: v.lang, more: more}
	var reasons, methods []string
	for _, r := range stream.Reasons {
		reasons = append(reasons, string(r))
	}
	for _, m := range stream.Told {
		methods = append(methods, string(m))
	}
	if !more {
		methods = append(methods, string(stream.Scanned)) // it is recorded by the terminal alone
	}
	a.choose("reason", reasons...)
	a.choose("method", methods...)
	a.choose("months", "1", "2", "3", "6", "12", "24", "36", "60", "120")
	for _, name := range []string{"name", "system", "place", "office", "made_by", "records", "joined"} {
		a.kinds[name] = asText
	}
	a.kinds["on"], a.kinds["document"] = asDay, asFile
	return a
}

func (s *Server) showStreamNew(v *visit) error {
	return v.streamNewPage(stream.Form{}, nil)
}

// registerStream puts a stream on the register: it counts as a child's until it is tested.
func (s *Server) registerStream(v *visit) error {
	if err := v.multipart(); err != nil {
		return err
	}
	var f stream.Form
	if err := v.read(v.streamAsking(true), reflect.ValueOf(&f).Elem(), ""); err != nil {
		return err
	}
	var one stream.Stream
	err := v.dealt(func(ctx context.Context, tx *db.Tx, by staff.Acting, service string) (err error) {
		one, _, err = stream.Register(ctx, tx, by, service, f)
		return err
	})
	switch {
	case err == nil:
		return v.to(streamPath(one.Service, one.ID))
	case errs.Of(err).Kind == errs.Forbidden:
		return err
	}
	return v.streamNewPage(f, err)
}

func (v *visit) streamNewPage(f stream.Form, problem error) error {
	return v.streamForm("stream", reflect.ValueOf(f), problem, func(ctx context.Context, tx *db.Tx) (of, path, back string, err error) {
		service, err := v.of(ctx, tx, staff.SignStreams)
		return service.Name, "/console/streams/" + service.Name + "/new", "/console/streams", err
	})
}

// streamForm shows a form about a stream, as it was sent.
func (v *visit) streamForm(title string, form reflect.Value, problem error, about func(ctx context.Context, tx *db.Tx) (of, path, back string, err error)) error {
	words, status, fault := v.problem(problem)
	if fault != nil {
		return fault
	}
	page := signPage{Title: title, Problem: words, Fresh: v.in.IsFresh(v.now) == nil}
	err := v.view(func(ctx context.Context, tx *db.Tx) (err error) {
		page.Of, page.Path, page.Back, err = about(ctx, tx)
		return err
	})
	if err != nil {
		return err
	}
	asks := v.streamAsking(true)
	if problem != nil {
		asks.bad = errs.Of(problem).Field
	}
	page.Fields = asks.fields(form, "")
	if label := calls(page.Fields, asks.bad); label != "" {
		page.Problem = label + v.lang.T("web.colon") + words
	}
	return v.show(status, "sign", page)
}

// streamHere returns the stream of the address, of a service in which the person may do that.
// Of others nobody learns that there are any.
func (v *visit) streamHere(ctx context.Context, tx *db.Tx, a staff.Action) (stream.Stream, catalog.Service, error) {
	service, err := v.of(ctx, tx, a)
	if errs.Of(err).Is(catalog.ErrNotFound) {
		err = stream.ErrNotFound
	}
	if err != nil {
		return stream.Stream{}, service, err
	}
	one, err := stream.Find(ctx, tx, service.Name, v.r.PathValue("stream"))
	return one, service, err
}

// streamPage is what stream.html shows.
type streamPage struct {
	streamRow
	Who      string // has registered it
	Fields   []formField
	Tests    []testRow
	Covers   bool // the charter in force has the purpose by which it left the register
	Signs    bool // whoever looks may take it off
	Measures bool // and may test it
	Fresh    bool
	Purposes []named
	Days     int
	Problem  string
	Field    string
}

// A testRow is a test as a form that one can read.
type testRow struct {
	stream.Made
	Who    string
	Passed bool
	Fields []formField
}

// maxTests is how many tests a page shows: the newest.
const maxTests = 20

func (s *Server) stream(v *visit) error { return v.streamPage(nil) }

func (v *visit) streamPage(problem error) error {
	words, status, fault := v.problem(problem)
	if fault != nil {
		return fault
	}
	page := streamPage{Problem: words, Fresh: v.in.IsFresh(v.now) == nil, Days: testDays}
	if problem != nil {
		page.Field = errs.Of(problem).Field
	}
	err := v.view(func(ctx context.Context, tx *db.Tx) error {
		one, service, err := v.streamHere(ctx, tx, staff.SeeStreams)
		if err != nil {
			return err
		}
		asks, names := v.streamAsking(false), v.names(tx, service.Name)
		page.streamRow = streamRowOf(one, tx.Now())
		page.Fields = asks.fields(reflect.ValueOf(page.Said), "")
		page.Signs = one.Open() && approval.May(v.in.Person, staff.SignStreams, service)
		page.Measures = one.Open() && approval.May(v.in.Person, staff.TestStreams, service)
		if page.Who, err = names.of(ctx, one.RegisteredBy); err != nil {
			return err
		}
		tests, err := stream.Tests(ctx, tx, one, maxTests)
		if err != nil {
			return err
		}
		page.Tests = nil
		for _, m := range tests {
			row := testRow{Made: m, Passed: m.Test().Joined == 0, Fields: asks.fields(reflect.ValueOf(m.Test()), "")}
			if row.Who, err = names.of(ctx, m.By); err != nil {
				return err
			}
			page.Tests = append(page.Tests, row)
		}
		c, err := v.s.inForce(ctx, tx, service.Name)
		if err != nil {
			return err
		}
		page.Purposes = nil
		for _, p := range c.Purposes {
			if !service.Ceases(p.Name) {
				page.Purposes = append(page.Purposes, named{Name: p.Name, Label: v.label(p.Label, p.Name), On: p.Name == v.value("purpose")})
				page.Covers = page.Covers || p.Name == one.Purpose
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return v.show(status, "stream", page)
}

func (s *Server) showStreamTest(v *visit) error {
	return v.streamTestPage(stream.Test{On: v.now.In(age.Zone).Format(time.DateOnly), Records: -1, Joined: -1}, nil)
}

func (v *visit) streamTestPage(t stream.Test, problem error) error {
	return v.streamForm("join", reflect.ValueOf(t), problem, func(ctx context.Context, tx *db.Tx) (of, path, back string, err error) {
		one, _, err := v.streamHere(ctx, tx, staff.TestStreams)
		if err == nil && !one.Open() {
			err = stream.ErrEnded
		}
		at := streamPath(one.Service, one.ID)
		return one.Form().Name, at + "/test", at, err
	})
}

// testStream records a test that was made elsewhere.
func (s *Server) testStream(v *visit) error {
	if err := v.multipart(); err != nil {
		return err
	}
	var t stream.Test
	if err := v.read(v.streamAsking(true), reflect.ValueOf(&t).Elem(), ""); err != nil {
		return err
	}
	err := v.dealt(func(ctx context.Context, tx *db.Tx, by staff.Acting, service string) error {
		_, _, _, err := stream.Record(ctx, tx, by, service, v.r.PathValue("stream"), t)
		return err
	})
	switch {
	case err == nil:
		return v.to("/console/streams/{service}/{stream}")
	case errs.Of(err).Kind == errs.Forbidden:
		return err
	}
	return v.streamTestPage(t, err)
}

// endedStream takes a stream off the register, and shows what became of it.
func (v *visit) endedStream(fn func(ctx context.Context, tx *db.Tx, by staff.Acting, service, name string) error) error {
	err := v.dealt(func(ctx context.Context, tx *db.Tx, by staff.Acting, service string) error {
		return fn(ctx, tx, by, service, v.r.PathValue("stream"))
	})
	switch {
	case err == nil:
		return v.to("/console/streams/{service}/{stream}")
	case errs.Of(err).Kind == errs.Forbidden:
		return err
	}
	return v.streamPage(err)
}

// coverStream says by which purpose the charter covers a stream that is a child's.
func (s *Server) coverStream(v *visit) error {
	return v.endedStream(func(ctx context.Context, tx *db.Tx, by staff.Acting, service, name string) error {
		_, _, err := stream.Cover(ctx, tx, by, service, name, v.value("purpose"))
		return err
	})
}

// stopStream says that a stream isn't kept any more.
func (s *Server) stopStream(v *visit) error {
	return v.endedStream(func(ctx context.Context, tx *db.Tx, by staff.Acting, service, name string) error {
		_, _, err := stream.Stop(ctx, tx, by, service, name)
		return err
	})
}
