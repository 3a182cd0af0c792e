package replay

import (
	"maps"
	"slices"
	"strings"
	"time"

	"wardkeep/internal/charter"
	"wardkeep/internal/ledger"
	"wardkeep/internal/order"
	"wardkeep/internal/party"
)

// A holding is what the ledger gives of what a party may hold, and of each time that it narrowed.
type holding struct {
	party.Holding
	narrowed   int64 // see party.Party
	since      time.Time
	narrowings map[int64]*narrowing // by version
	unread     bool                 // a charter couldn't be read, which is reported: then nobody knows
}

// A narrowing is one time that a party may have less than before.
type narrowing struct {
	excess       party.Scope
	at           int64
	done         bool  // all was ordered
	said, orders int64 // how many orders that was
}

// follow has a party hold what a charter and its papers give it, as party.Follow does. Whoever
// may have less has an entry that says so, next.
func (s *service) follow(of party.ID, c *charter.Charter, at time.Time) {
	r := s.parties[of]
	switch {
	case r == nil || !r.now().EndedAt(at).IsZero():
		return
	case c == nil:
		r.unread = true
		return
	}
	next, narrows := r.Under(r.now().May(c))
	r.Holding = next
	if narrows {
		s.owes = append(s.owes, of)
	}
}

// followAll has all parties do so, once a charter is in force.
func (s *service) followAll(c *charter.Charter, at time.Time) {
	for _, of := range sortedParties(s.parties) {
		s.follow(of, c, at)
	}
}

// owing judges an entry that comes where another is owed, which says that a party has narrowed.
func (s *service) owing(p ledger.Placed) fault {
	if len(s.owes) == 0 || p.Kind == party.KindNarrowed {
		return fault{}
	}
	s.owes = nil
	return impossible(ruleParty)
}

// narrows folds that a party may have less than before: what follows from the entry before it.
func (f *fold) narrows(p ledger.Placed, s *service, now *version) fault {
	b, x := body[party.NarrowedBody](p)
	if x != (fault{}) {
		return x
	}
	of := party.ID{Service: s.name, Role: b.Role, Name: b.Party}
	r := s.parties[of]
	if r == nil {
		return impossible(ruleParty)
	}
	// In whatever order they come: how a store sorts names is its own.
	i := slices.Index(s.owes, of)
	owed := i >= 0
	if owed {
		s.owes = slices.Delete(s.owes, i, i+1)
	}
	x = s.partyChanged(now, whose{b.Party, b.Role}, func(*party.Standing) bool {
		return r.unread || owed && b.Excess.String() == r.Excess.String()
	})
	r.narrowed, r.since = now.number, p.At
	r.narrowings[now.number] = &narrowing{excess: b.Excess, at: p.At.UnixMicro()}
	return x
}

// trimmed folds that all was ordered that follows a narrowing.
func (f *fold) trimmed(p ledger.Placed, s *service, now *version) fault {
	b, x := body[party.TrimmedBody](p)
	if x != (fault{}) {
		return x
	}
	x = s.partyChanged(now, whose{b.Party, b.Role}, func(is *party.Standing) bool {
		r := s.parties[is.ID]
		n := r.narrowings[r.narrowed]
		ok := n != nil && b.Narrowed == r.narrowed && p.Actor == "system:cessation" && b.Children >= 0 && b.Orders >= 0 && is.EndedAt(p.At).IsZero()
		if ok {
			n.done, n.said = true, b.Orders
		}
		r.Holding, r.narrowed, r.since = r.Trimmed(), 0, moment(0)
		return ok
	})
	return x
}

// narrowingOf returns the narrowing that an order follows from, if it can.
func (f *fold) narrowingOf(o *partyOrder) *narrowing {
	s := f.services[o.of]
	if s == nil {
		return nil
	}
	r := s.parties[party.ID{Service: o.of, Role: party.Role(o.role), Name: o.party}]
	if r == nil || r.narrowings[o.narrowed] == nil {
		return nil
	}
	n, purposes := r.narrowings[o.narrowed], strings.Fields(o.purposes)
	for _, item := range strings.Fields(o.items) {
		if !slices.ContainsFunc(purposes, func(purpose string) bool { return n.excess.Has(purpose, item) }) {
			return nil
		}
	}
	if o.what == order.Correct || o.issued < n.at {
		return nil
	}
	return n
}

// checkNarrowings judges what only the end tells: that each narrowing that an entry gives is there,
// and that as many orders followed as was said.
func (f *fold) checkNarrowings() {
	for _, name := range slices.Sorted(maps.Keys(f.services)) {
		s := f.services[name]
		for _, of := range s.owes {
			f.report(Difference{Place: -1, What: FoundImpossible, Service: name, Table: "party", Row: f.names.shown(of.Name), Field: ruleParty})
		}
		for _, of := range sortedParties(s.parties) {
			for _, v := range slices.Sorted(maps.Keys(s.parties[of].narrowings)) {
				if n := s.parties[of].narrowings[v]; n.done && n.said != n.orders {
					f.report(Difference{Place: -1, What: FoundImpossible, Service: name, Table: "party", Row: f.names.shown(of.Name), Field: ruleOrder,
						Want: number(n.said), Got: number(n.orders)})
				}
			}
		}
	}
}

// compare compares what a party may hold with its row.
func (h *holding) compare(r at, row party.Party) {
	if !h.unread {
		// What is there instead may be anybody's.
		if h.Held.String() != row.Held.String() {
			r.found(FoundDiffers, "held", "–", "–")
		}
		if h.Excess.String() != row.Excess.String() {
			r.found(FoundDiffers, "excess", "–", "–")
		}
	}
	r.number("narrowed", h.narrowed, row.Narrowed)
	r.time("narrowed_at", micros(h.since), micros(row.NarrowedAt))
}
