package replay

import (
	"slices"
	"strings"

	"wardkeep/internal/account"
	"wardkeep/internal/base/id"
	"wardkeep/internal/ledger"
	"wardkeep/internal/staff"
	"wardkeep/internal/takedown"
)

// ofTakedowns are the kinds about content that has to come down.
var ofTakedowns = []string{takedown.KindOpened, takedown.KindTaken, takedown.KindDecided, takedown.KindDone, takedown.KindLapsed}

// A harmful is what the ledger says of a case: nothing of the content.
type harmful struct {
	service, source, harm, reporter, owner, outcome, ground string
	opened, taken, decided, due, closed                     int64
}

// takedownEntry folds that content was reported, that somebody looks after it, what was
// decided, and that it is down: in this order, and nothing after the end.
func (f *fold) takedownEntry(p ledger.Placed) fault {
	at, from := p.At.UnixMicro(), source{place: p.Place, entry: p.ID, service: p.Service}
	if p.Kind == takedown.KindOpened {
		return f.reported(p)
	}
	var b struct {
		takedown.DecidedBody
		Owner string `json:"owner"`
	}
	if p.Into(&b) != nil {
		return fault{what: FoundBody, field: p.Kind}
	}
	c := f.harmful[b.Case]
	if c == nil || c.service != p.Service || c.closed != 0 {
		return impossible(ruleTakedown)
	}
	switch p.Kind {
	case takedown.KindTaken:
		switch {
		case !byStaff(p) || staffOf(p) != b.Owner:
			return impossible(ruleActor)
		case c.decided != 0, c.taken != 0 && b.Due != c.due, c.taken == 0 && b.Due <= at:
			return impossible(ruleTakedown)
		}
		if c.taken == 0 {
			c.taken = at
		}
		c.owner, c.due = f.names.keep(b.Owner), b.Due
		return f.actedInside(p, from, b.Inside, staff.DecideTakedowns)
	case takedown.KindDecided:
		switch {
		case !byStaff(p):
			return impossible(ruleActor)
		case c.taken == 0 || c.decided != 0 || !slices.Contains(takedown.Decidable, b.Outcome) || (b.Outcome == takedown.Stays) != (b.Ground != ""),
			staffOf(p) != c.owner, b.Outcome == takedown.Down && b.Due <= at, b.Outcome != takedown.Down && b.Due != c.due:
			return impossible(ruleTakedown)
		}
		c.outcome, c.ground, c.decided, c.due = f.names.keep(string(b.Outcome)), f.names.keep(string(b.Ground)), at, b.Due
		if b.Outcome != takedown.Down {
			c.closed = at
		}
		return f.actedInside(p, from, b.Inside, staff.DecideTakedowns)
	case takedown.KindDone:
		switch {
		case !f.byApp(p, account.TakedownsWrite):
			return impossible(ruleActor)
		case c.outcome != string(takedown.Down):
			return impossible(ruleTakedown)
		}
		c.closed = at
	case takedown.KindLapsed:
		switch {
		case !strings.HasPrefix(p.Actor, "system:"):
			return impossible(ruleActor)
		case !f.closing(p.Service):
			return impossible(ruleTakedown)
		}
		c.outcome, c.ground, c.closed = string(takedown.Lapsed), "", at
	}
	return fault{}
}

func (f *fold) reported(p ledger.Placed) fault {
	b, x := body[takedown.OpenedBody](p)
	reporter, may := reporter(p)
	switch {
	case x != (fault{}):
		return x
	case !id.Is(id.Takedown, b.Case):
		return fault{what: FoundBody, field: ruleTakedown}
	case f.harmful[b.Case] != nil || b.Due <= p.At.UnixMicro() || !slices.Contains(takedown.Sources, b.Source) || !slices.Contains(takedown.Harms, b.Harm):
		return impossible(ruleTakedown)
	}
	f.harmful[f.names.keep(b.Case)] = &harmful{service: f.names.keep(p.Service), source: f.names.keep(string(b.Source)), harm: f.names.keep(string(b.Harm)),
		reporter: f.names.keep(reporter), opened: p.At.UnixMicro(), due: b.Due}
	if !may {
		return impossible(ruleActor)
	}
	return f.actedInside(p, source{place: p.Place, entry: p.ID, service: p.Service}, b.Inside, staff.ReportTakedowns)
}

// takedownRows compares the cases. What leads to the content is sealed, found by a keyed
// hash of it, and gone with the case.
func (a *audit) takedownRows() error {
	return compareCases(a, "takedown", a.fold.harmful, takedown.All, func(row takedown.Case) (string, string, bool) {
		return row.ID, row.Service, a.ring == nil || row.Intact(a.ring)
	},
		func(r at, c *harmful, row takedown.Case) {
			r.text("service", c.service, row.Service)
			r.text("source", c.source, string(row.Source))
			r.text("harm", c.harm, string(row.Harm))
			r.text("reporter", c.reporter, row.Reporter)
			r.text("owner", c.owner, row.Owner)
			r.text("outcome", c.outcome, string(row.Outcome))
			r.text("ground", c.ground, string(row.Ground))
			r.time("opened_at", c.opened, micros(row.OpenedAt))
			r.time("taken_at", c.taken, micros(row.TakenAt))
			r.time("decided_at", c.decided, micros(row.DecidedAt))
			r.time("due_at", c.due, micros(row.DueAt))
			r.time("closed_at", c.closed, micros(row.ClosedAt))
		})
}

func (c *harmful) of() string { return c.service }
