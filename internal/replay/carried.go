package replay

import (
	"slices"

	"wardkeep/internal/base/id"
	"wardkeep/internal/family"
	"wardkeep/internal/incident"
	"wardkeep/internal/ledger"
)

// carriedOut folds that what was ordered for everyone on the list of a case is done to some of them: each
// is on it, what is said of it is what the orders since the last time come to, and no other.
func (f *fold) carriedOut(p ledger.Placed, s source) fault {
	b, x := body[incident.CarriedBody](p)
	c := f.mishaps[b.Case]
	switch {
	case x != (fault{}):
		return x
	case c == nil || c.service != p.Service || b.Note < 0 || b.Note >= int64(len(c.notes)) || c.notes[b.Note].target != incident.Everyone:
		return impossible(ruleList)
	case p.Actor != answerer:
		return impossible(ruleActor)
	}
	done := make(map[key]*carrying)
	for i, subjects := range [][]string{b.Frozen, b.Released, b.Left, b.Unverified} {
		for _, subject := range subjects {
			k, ok := keyOf(id.Subject, subject)
			one := done[k]
			if one == nil {
				one = new(carrying)
				done[k] = one
			}
			if !ok || one.did[i] {
				return impossible(ruleList)
			}
			one.did[i] = true
		}
	}
	for k, one := range done {
		at := slices.IndexFunc(f.reached[k], func(r reachedChild) bool { return r.incident == b.Case })
		if at < 0 {
			return impossible(ruleList)
		}
		on := &f.reached[k][at]
		if fits := one.fits(on, c.orders(on.carried, b.Note)) || b.Note == on.carried && one.again(on, c.orders(0, b.Note)); !fits {
			return impossible(ruleList)
		}
		on.carried = b.Note
		for i, did := range one.did[:2] {
			if did {
				f.behalf(k, i, 1, p, s)
			}
		}
	}
	return fault{}
}

// A carrying is what an entry says of one child: that it was frozen, released, left as it is, and that its
// guardians have to prove anew who they are.
type carrying struct{ did [4]bool }

// fits reports whether that is what the orders come to for the child, and notes whether the case holds
// it from then on.
func (d carrying) fits(on *reachedChild, orders []incident.Order) bool {
	frozen, released, left, unverified := d.did[0], d.did[1], d.did[2], d.did[3]
	last, unverify := incident.Net(orders)
	switch {
	case len(orders) == 0 || frozen && released || left && (frozen || released || unverified),
		frozen && last != incident.StepFrozen, released && (last != incident.StepReleased || !on.held), unverified && !unverify:
		return false
	}
	on.held = frozen || on.held && last != incident.StepReleased
	return true
}

// again reports whether it is that the child was frozen once more, as the orders want it that were carried out
// on it before, and the case holds it from then on; or that it was let go by hand, and the case, which has held
// it, doesn't any more.
func (d carrying) again(on *reachedChild, orders []incident.Order) bool {
	last, _ := incident.Net(orders)
	frozen, left := d.did == [4]bool{0: true}, d.did == [4]bool{2: true}
	fits := frozen && last == incident.StepFrozen || left && on.held
	on.held = frozen
	return fits
}

// orders returns what was ordered for everyone behind a note, up to another.
func (c *mishap) orders(after, last int64) (all []incident.Order) {
	for i := after + 1; i <= last; i++ {
		if c.notes[i].target == incident.Everyone {
			all = append(all, incident.Order{Note: i, Step: incident.Step(c.notes[i].step)})
		}
	}
	return all
}

// A change of a child is that it was frozen, 0, or released, 1.
type change struct {
	child key
	what  int
}

// A behalf is by how many more cases say so than entries of the child itself, and the last entry that
// says it: both are written in one transaction, and come in any order.
type behalf struct {
	source
	more int
	at   int64
}

// behalf notes that a case says of a child that it was frozen or released on its account, or that the
// child's own entry does. What comes out even is forgotten.
func (f *fold) behalf(k key, what, more int, p ledger.Placed, s source) {
	a := f.behalves[change{k, what}]
	a.source, a.at = s, p.At.UnixMicro()
	if a.more += more; a.more == 0 {
		delete(f.behalves, change{k, what})
		return
	}
	f.behalves[change{k, what}] = a
}

// onAccount notes that an entry says that a child was frozen or released, if that was on the account of a
// case.
func (f *fold) onAccount(p ledger.Placed, s source, k key) {
	if p.Actor != answerer {
		return
	}
	what := 0
	if p.Kind == family.KindUnfrozen {
		what = 1
	}
	f.behalf(k, what, -1, p, s)
}

// checkBehalves judges that whoever was frozen or released on the account of a case is in what the case has
// carried out, and the other way about.
func (f *fold) checkBehalves() {
	for _, a := range f.behalves {
		if !f.goesOn(a.at) {
			f.blame(a.source, fault{what: FoundImpossible, field: ruleList})
		}
	}
}
