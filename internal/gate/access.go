package gate

import (
	"context"
	"slices"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/charter"
	"wardkeep/internal/family"
	"wardkeep/internal/family/age"
	"wardkeep/internal/ledger"
)

// The kinds of entries that CheckAccess writes.
const (
	KindViewed     = "access.viewed"
	KindViewDenied = "access.denied"
)

// View is the activity of a permit for an Access. No charter can declare it, so no
// permit for a use allows it, nor the other way round.
const View charter.Activity = "access"

// An Access is a look at what is held about a child, by one of its guardians. It
// is a right (PIPL 45; Minors' network protection regulation 34) and no purpose of
// a charter: no consent is its ground, so none that is withdrawn, no vacancy, no
// dispute and no freezing takes it away.
type Access struct {
	Service string
	Child   family.ID
	Items   []string // each of them held
}

// An AccessBody is what the ledger keeps of an access: what was looked at, and the
// facts that no other entry tells.
type AccessBody struct {
	Items    []string        `json:"items"`
	Age      string          `json:"age"`      // the class of that day
	Strength family.Strength `json:"strength"` // that the guardian has shown since it came in
	Reasons  []Denial        `json:"reasons,omitempty"`
}

// DecideAccess returns a permit, or every reason against the access in a fixed
// order. Of the facts it weighs the child, its age, its guardians and what is held.
func DecideAccess(f Facts, by family.Guardian, a Access) (Permit, []Denial) {
	d := decision{facts: f}
	c := f.Child
	switch {
	case c.ID == "" || c.ID != a.Child || c.Service != a.Service || by.Child != a.Child:
		d.deny("9", "gate.child_unknown")
		return Permit{}, d.reasons
	case c.State != family.Unconsented && c.State != family.Active:
		d.deny("20", "gate.child_erased")
		return Permit{}, d.reasons
	}
	d.speaks(by)
	// Edge case 4: the guardian's door stays open until 18, and not longer. An
	// unknown age is a child's; a class that nobody knows opens nothing.
	if f.Age != age.Child && f.Age != age.Minor {
		d.deny("2", "gate.access_grown")
	}
	ends := d.heldUntil(a.Items)
	if len(d.reasons) > 0 {
		return Permit{}, d.reasons
	}
	return Permit{child: a.Child, activity: View, items: a.Items, ends: ends}, nil
}

// speaks denies whoever isn't a verified guardian in office of this child, or has
// shown nothing since it came in (edge cases 8, 11 and 24).
func (d *decision) speaks(by family.Guardian) {
	i := slices.IndexFunc(d.facts.Guardians, func(g family.Guardian) bool { return g.ID == by.ID })
	switch {
	case i < 0 || !d.facts.Guardians[i].MayAnswer():
		d.deny("9", "gate.access_not_guardian")
	case by.Strength < family.OneTimeCode || by.Strength > d.facts.Guardians[i].Strength:
		d.deny("9", "gate.access_unproved")
	}
}

// heldUntil returns when the values end, or denies what isn't held any more
// (Article 12).
func (d *decision) heldUntil(items []string) []int64 {
	if len(items) == 0 {
		d.deny("11", "gate.no_items")
	}
	ends := make([]int64, len(items))
	for i, item := range items {
		if slices.Contains(items[:i], item) {
			d.denyItem("11", "gate.item_twice", item)
			continue
		}
		h := slices.IndexFunc(d.facts.Held, func(h Held) bool { return h.Item == item })
		if h < 0 {
			d.denyItem("12", "gate.access_not_held", item)
			continue
		}
		end := d.end(d.facts.Held[h], charter.Purpose{Name: d.facts.Held[h].Purpose})
		ends[i] = end.UnixMicro()
		if !d.facts.Now.Before(end) {
			d.denyItem("12", "gate.value_expired", item)
		}
	}
	return ends
}

// CheckAccess decides on fresh facts and records the decision in tx, as Check does
// for a use. The caller names only items that are held: what else somebody sends
// as a name is recorded nowhere. Version is the child's.
func CheckAccess(ctx context.Context, tx *db.Tx, by family.Guardian, a Access, l *Loaded, held []Held) (Permit, string, error) {
	child, err := l.Child(a.Service)
	if err != nil {
		return Permit{}, "", err
	}
	f := l.Facts(tx.Now(), held)
	permit, reasons := DecideAccess(f, by, a)
	kind := KindViewed
	if len(reasons) > 0 {
		kind = KindViewDenied
	}
	entry, err := ledger.Append(ctx, tx, ledger.Entry{Kind: kind, Service: a.Service, Subject: child.Subject, Version: child.Version,
		Actor: by.Ledger(), Body: AccessBody{Items: a.Items, Age: string(f.Age), Strength: by.Strength, Reasons: reasons}})
	switch {
	case err != nil:
		return Permit{}, "", err
	case len(reasons) > 0:
		return Permit{}, entry, db.Recorded(&Denied{Reasons: reasons})
	}
	return permit, entry, nil
}

// HeldUntil returns when a value ends for whoever looks at it: its own time, or
// that of an event of its purpose, whichever is earlier.
func HeldUntil(c family.Child, h Held) time.Time {
	d := decision{facts: Facts{Child: c}}
	return d.end(h, charter.Purpose{Name: h.Purpose})
}
