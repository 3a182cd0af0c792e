package replay

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"wardkeep/internal/family"
	"wardkeep/internal/gate"
	"wardkeep/internal/ledger"
	"wardkeep/internal/vault"
)

// An event is one that was reported, with what its ends follow from. It waits
// while an entry about its service is missing.
type event struct {
	source
	body  vault.EventBody
	at    int64
	terms []term
}

// A term is a purpose with the charter to which a standing answer was given.
type term struct {
	purpose sym
	charter int64
}

// event folds an event that was reported, and the new ends that it gave.
func (f *fold) event(p ledger.Placed, s source, c *child) fault {
	b, x := body[vault.EventBody](p)
	if x != (fault{}) {
		return x
	}
	happened := moment(b.Happened)
	var more []family.Ending
	for _, purpose := range slices.Sorted(maps.Keys(b.Ends)) {
		more = append(more, family.Ending{Event: b.Event, Purpose: purpose, Happened: happened, Ends: moment(b.Ends[purpose])})
	}
	all, err := c.appendEndings(nil, f.names).With(p.At, more...)
	if err != nil || len(more) == 0 || happened.After(p.At) {
		return impossible(ruleEvent)
	}
	c.endings = make([]ending, len(all))
	for i, e := range all {
		c.endings[i] = ending{f.names.sym(e.Event), f.names.sym(e.Purpose), e.Happened.UnixMicro(), e.Ends.UnixMicro()}
	}
	if !slices.Equal(c.end(f.names, b), b.Values) {
		x = impossible(ruleHeld)
	}
	e := &event{source: s, body: b, at: p.At.UnixMicro()}
	for _, a := range c.answers {
		e.terms = append(e.terms, term{a.purpose, int64(a.charter)})
	}
	switch y, wait := f.told(e); {
	case wait && len(f.events) < maxLate:
		f.events = append(f.events, e)
	case x == (fault{}):
		x = y
	}
	return x
}

// end gives the values that waited for an event their new end, and returns what
// the entry must say of them.
func (c *child) end(n *names, b vault.EventBody) (moved []gate.Span) {
	for i, v := range c.values {
		ends, waited := b.Ends[n.text(v.purpose)]
		if !waited || v.collected > b.Happened || ends >= v.expires {
			continue
		}
		c.values[i].expires = ends
		moved = append(moved, gate.Span{Item: n.text(v.item), Purpose: n.text(v.purpose), Collected: v.collected, Expires: ends})
	}
	slices.SortFunc(moved, func(a, b gate.Span) int { return cmp.Compare(a.Item, b.Item) })
	return moved
}

// told compares the ends of an event with those that its child's guardians were
// told (Article 12). Wait says that what is missing may still come.
func (f *fold) told(e *event) (x fault, wait bool) {
	s, v, x, wait := f.inForce(e.service, e.body.Catalog, e.body.Charter, e.at)
	if x != (fault{}) {
		return x, wait
	}
	inForce := s.editions[v.charter]
	if inForce == nil {
		return impossible(ruleEvent), false
	}
	var terms []gate.Term
	of := func(e *edition, only func(purpose string) bool) bool {
		if e == nil || e.published.Charter == nil {
			return false
		}
		for _, p := range e.published.Charter.Purposes {
			if only(p.Name) {
				terms = append(terms, gate.Term{Purpose: p.Name, Retention: p.Retention})
			}
		}
		return true
	}
	whole := of(inForce, func(string) bool { return true })
	for _, a := range e.terms {
		if a.charter < v.charter {
			whole = of(s.editions[a.charter], func(name string) bool { return name == f.names.text(a.purpose) }) && whole
		}
	}
	if !whole {
		inForce.undecided++
		return fault{}, false
	}
	same := func(micros int64, t time.Time) bool { return micros == t.UnixMicro() }
	if !maps.EqualFunc(e.body.Ends, gate.Ends(terms, e.body.Event, moment(e.body.Happened)), same) {
		return impossible(ruleEvent), false
	}
	return fault{}, false
}

// appendEndings returns the child's endings as the gate wants them.
func (c *child) appendEndings(all family.Endings, n *names) family.Endings {
	for _, e := range c.endings {
		all = append(all, family.Ending{Event: n.text(e.event), Purpose: n.text(e.purpose), Happened: moment(e.happened), Ends: moment(e.ends)})
	}
	return all
}

// endedBy reports whether an event has set the value's end.
func (c *child) endedBy(v value) bool {
	return slices.ContainsFunc(c.endings, func(e ending) bool { return e.purpose == v.purpose && e.happened >= v.collected })
}
