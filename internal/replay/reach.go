package replay

import (
	"maps"
	"slices"
	"strings"

	"wardkeep/internal/base/id"
	"wardkeep/internal/incident"
	"wardkeep/internal/ledger"
	"wardkeep/internal/reach"
	"wardkeep/internal/staff"
)

// ofReach are the kinds about whom cases have reached.
var ofReach = []string{incident.KindAsked, incident.KindReached, incident.KindAnswered, incident.KindFrozen, incident.KindCarriedOut}

// An askedOf is what it says of a question about whom a case has reached.
type askedOf struct {
	kind, name, by                     string
	from, to, at, done, found, gone, n int64
	seen                               bool // its row was found
}

// answerer is who puts on a list whom a question has found.
const answerer = "system:incident"

// A reachedList is what the ledger says of the list of a case.
type reachedList struct {
	children, batches int64
	chain             string
	frozen, frozenAt  int64
	frozenBy          string
	seen              bool // its row was found
	questions         []askedOf
}

// open returns a question of which not all are on the list, or nil.
func (l *reachedList) open(n int64) *askedOf {
	if n < 1 || n > int64(len(l.questions)) || l.questions[n-1].done != 0 {
		return nil
	}
	return &l.questions[n-1]
}

// A reachedChild is what it says of one child on one. Children that are on one are few among
// all, so a child itself knows nothing of it.
type reachedChild struct {
	incident  string
	items     sym // in order, separated by spaces
	batch, at int64
	carried   int64 // the last note that was carried out on it
	held      bool  // by the case
	seen      bool
}

// reachEntry folds that children were put on the list of a case, and that it was fixed. Whether a
// child lives that is named doesn't matter here: between its erasure and a list there is no order.
func (f *fold) reachEntry(p ledger.Placed, s source) fault {
	switch p.Kind {
	case incident.KindCarriedOut:
		return f.carriedOut(p, s)
	case incident.KindAsked:
		b, x := body[incident.AskedBody](p)
		c, at := f.mishaps[b.Case], p.At.UnixMicro()
		switch {
		case x != (fault{}):
			return x
		case c == nil || c.service != p.Service || b.Question != int64(len(c.list.questions))+1 || b.Kind == "" || b.From >= b.To || b.To > at:
			return impossible(ruleList)
		case !byStaff(p):
			return impossible(ruleActor)
		}
		c.list.questions = append(c.list.questions, askedOf{kind: f.names.keep(b.Kind), name: f.names.keep(b.Name), by: f.names.keep(p.Actor), from: b.From, to: b.To, at: at})
		return f.actedInside(p, s, b.Inside, staff.WriteIncidents)
	case incident.KindAnswered:
		b, x := body[incident.AnsweredBody](p)
		c := f.mishaps[b.Case]
		switch {
		case x != (fault{}):
			return x
		// Whom it has put there may be gone when it goes through them once more.
		case c == nil || c.service != p.Service || c.list.open(b.Question) == nil || b.Gone < 0 || b.Found+b.Gone < c.list.open(b.Question).n:
			return impossible(ruleList)
		case p.Actor != answerer:
			return impossible(ruleActor)
		}
		q := c.list.open(b.Question)
		q.done, q.found, q.gone = p.At.UnixMicro(), b.Found, b.Gone
		return fault{}
	case incident.KindFrozen:
		b, x := body[incident.FrozenBody](p)
		c := f.mishaps[b.Case]
		switch {
		case x != (fault{}):
			return x
		case c == nil || c.service != p.Service || c.list.batches == 0 || b.Batch != c.list.batches || b.Batch == c.list.frozen,
			b.Children != c.list.children, b.Chain != c.list.chain:
			return impossible(ruleList)
		case !byStaff(p):
			return impossible(ruleActor)
		}
		c.list.frozen, c.list.frozenAt, c.list.frozenBy = b.Batch, p.At.UnixMicro(), f.names.keep(p.Actor)
		return f.actedInside(p, s, b.Inside, staff.WriteIncidents)
	}
	b, x := body[incident.ReachedBody](p)
	c := f.mishaps[b.Case]
	switch {
	case x != (fault{}):
		return x
	case c == nil || c.service != p.Service || b.Batch != c.list.batches+1 || len(b.Sets) == 0, b.Chain != b.Chained(c.list.chain):
		return impossible(ruleList)
	case b.Question != 0 && c.list.open(b.Question) == nil:
		return impossible(ruleList)
	case b.Question == 0 && !byStaff(p), b.Question != 0 && p.Actor != answerer:
		return impossible(ruleActor)
	}
	before := c.list.children
	c.list.batches, c.list.chain = b.Batch, b.Chain
	named := make(map[key]bool)
	for _, set := range b.Sets {
		for _, subject := range set.Children {
			k, ok := keyOf(id.Subject, subject)
			of := f.children[k]
			if !ok || of == nil || f.names.text(of.service) != p.Service || named[k] {
				return impossible(ruleList)
			}
			named[k] = true
			if !f.reaches(k, b, set.Items, p.At.UnixMicro()) {
				return impossible(ruleList)
			}
		}
	}
	if b.Children != c.list.children {
		return impossible(ruleList)
	}
	if b.Question != 0 {
		c.list.open(b.Question).n += c.list.children - before
		return fault{}
	}
	return f.actedInside(p, s, b.Inside, staff.WriteIncidents)
}

// reaches puts a child on the list of a case, or adds to what is concerned of it, and reports
// whether any of that was new.
func (f *fold) reaches(k key, b incident.ReachedBody, items []string, at int64) bool {
	on := f.reached[k]
	i := slices.IndexFunc(on, func(r reachedChild) bool { return r.incident == b.Case })
	if i < 0 {
		f.mishaps[b.Case].list.children++
		f.reached[k] = append(on, reachedChild{incident: f.names.keep(b.Case), items: f.names.sym(inOrder(items)), batch: b.Batch, at: at})
		return true
	}
	before := f.names.text(on[i].items)
	on[i].items = f.names.sym(inOrder(append(strings.Fields(before), items...)))
	return f.names.text(on[i].items) != before
}

// inOrder is how a row has items.
func inOrder(items []string) string {
	return strings.Join(slices.Compact(slices.Sorted(slices.Values(items))), " ")
}

// incidentListRows compares the lists of cases.
func (a *audit) incidentListRows() error {
	err := incident.AllLists(a.ctx, a.tx, func(row incident.CaseList) error {
		r := at{audit: a, table: "incident_list", row: a.names.shown(row.Case)}
		c := a.fold.mishaps[row.Case]
		if c == nil || c.list.batches == 0 {
			r.extra()
			return nil
		}
		c.list.seen, r.service = true, c.service
		r.number("children", c.list.children, row.Children)
		r.number("batches", c.list.batches, row.Batches)
		r.text("chain", c.list.chain, row.Chain)
		r.number("frozen", c.list.frozen, row.Frozen)
		r.time("frozen_at", c.list.frozenAt, micros(row.FrozenAt))
		r.text("frozen_by", c.list.frozenBy, row.FrozenBy)
		return a.ctx.Err()
	})
	for _, name := range slices.Sorted(maps.Keys(a.fold.mishaps)) {
		if c := a.fold.mishaps[name]; err == nil && c.list.batches > 0 && !c.list.seen {
			at{audit: a, table: "incident_list", service: c.service, row: name}.missing()
		}
	}
	return err
}

// incidentQuestionRows compares what was asked about the cases.
func (a *audit) incidentQuestionRows() error {
	err := incident.AllQuestions(a.ctx, a.tx, func(row incident.Question) error {
		r := at{audit: a, table: "incident_question", row: a.names.shown(row.Case) + " " + number(row.Number)}
		c := a.fold.mishaps[row.Case]
		if c == nil || row.Number < 1 || row.Number > int64(len(c.list.questions)) {
			r.extra()
			return nil
		}
		q := &c.list.questions[row.Number-1]
		q.seen, r.service = true, c.service
		r.text("kind", q.kind, row.Kind)
		r.text("name", q.name, row.Name)
		r.time("from_at", q.from, micros(row.From))
		r.time("to_at", q.to, micros(row.To))
		r.time("asked_at", q.at, micros(row.AskedAt))
		r.text("asked_by", q.by, row.AskedBy)
		r.time("done_at", q.done, micros(row.DoneAt))
		r.number("found", q.found, row.Found)
		r.number("gone", q.gone, row.Gone)
		return a.ctx.Err()
	})
	for _, name := range slices.Sorted(maps.Keys(a.fold.mishaps)) {
		for i, q := range a.fold.mishaps[name].list.questions {
			if !q.seen && err == nil {
				at{audit: a, table: "incident_question", service: a.fold.mishaps[name].service, row: name + " " + number(int64(i+1))}.missing()
			}
		}
	}
	return err
}

// compareReached compares who of a batch is on which lists. Who was erased is on none.
func (a *audit) compareReached(b batch, found map[string]*tally) {
	for _, row := range b.reached {
		t := found[string(row.Child)]
		r := a.of(t, "incident_child", string(row.Child), a.names.shown(row.Case))
		if t == nil {
			r.extra()
			continue
		}
		k, _ := keyOf(id.Subject, t.at.subject)
		on := a.fold.reached[k]
		i := slices.IndexFunc(on, func(c reachedChild) bool { return c.incident == row.Case })
		if i < 0 {
			r.extra()
			continue
		}
		on[i].seen = true
		r.text("items", a.names.text(on[i].items), strings.Join(row.Items, " "))
		r.number("batch", on[i].batch, row.Batch)
		r.time("added_at", on[i].at, micros(row.AddedAt))
		r.number("carried", on[i].carried, row.Carried)
		r.flag("held", on[i].held, row.Held)
	}
	for _, row := range b.children {
		t := found[row.id]
		if t == nil {
			continue
		}
		k, _ := keyOf(id.Subject, row.subject)
		for _, on := range a.fold.reached[k] {
			if !on.seen {
				a.of(t, "incident_child", row.id, on.incident).missing()
			}
		}
	}
}

// readIndex begins to make the index anew by which it is found whom something has reached.
func (a *audit) readIndex() (err error) {
	a.index, err = reach.Index{Ring: a.ring}.NewCheck(a.ctx, a.tx)
	return err
}

// compareIndex compares it. Without keys nobody can say who has written it.
func (a *audit) compareIndex() error {
	if a.ring == nil {
		return nil
	}
	return a.index.Compare(a.ctx, a.tx, func(what string, level, n int64) {
		r := at{audit: a, table: "reach_segment", row: number(level) + " " + number(n)}
		switch what {
		case reach.FoundMissing:
			r.missing()
		case reach.FoundExtra:
			r.extra()
		default:
			r.found(FoundDiffers, what, "?", "?")
		}
	})
}
