package gate

import (
	"context"
	"errors"
	"slices"
	"time"

	"wardkeep/internal/approval"
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
	KindCopied     = "access.copied" // a file with the values left the house
	KindCopyDenied = "access.copy_denied"
	KindPorted     = "access.ported" // a file was fetched by whom a guardian has named
	KindPortDenied = "access.port_denied"
)

// View, Copy and Port are the activities of a permit for an Access. No charter can declare
// them, so no permit for a use allows them, nor the other way round.
const (
	View charter.Activity = "access"
	Copy charter.Activity = "copy"
	Port charter.Activity = "port"
)

// An Access is a look at what is held about a child, by one of its guardians. It
// is a right (PIPL 45; Minors' network protection regulation 34) and no purpose of
// a charter: no consent is its ground, so none that is withdrawn, no vacancy, no
// dispute and no freezing takes it away. What a guardian has carried over to somebody else
// (PIPL 45) leaves its hands, too: that waits while guardians disagree (edge case 7), and
// from a demand to delete on (Article 20).
type Access struct {
	Service string
	Child   family.ID
	Items   []string // each of them held
	// Demand, "rr_…", is set for a copy of the values, as a file: the demand that it
	// answers. A copy of nothing is one, too.
	Demand string
	// Needs is how well the guardian must have been verified for a copy, whatever it has
	// shown since it came in: a file is out of reach of all that is here (edge case 24).
	Needs family.Strength
	Port  bool // a recipient fetches the copy whom the guardian has named
	// Forged says that somebody has changed by hand what is hidden from the guardian: CheckAccess
	// sees to it.
	Forged bool
}

// Activity is View, Copy, or Port.
func (a Access) Activity() charter.Activity {
	switch {
	case a.Port:
		return Port
	case a.Demand != "":
		return Copy
	}
	return View
}

// actor is how the ledger names who looks: a recipient by the demand alone, since it has no
// other name here.
func (a Access) actor(by family.Guardian) string {
	if a.Port {
		return "port:" + a.Demand
	}
	return by.Ledger()
}

// kind is that of the entry.
func (a Access) kind(permitted bool) string {
	switch {
	case a.Port && permitted:
		return KindPorted
	case a.Port:
		return KindPortDenied
	case a.Demand != "" && permitted:
		return KindCopied
	case a.Demand != "":
		return KindCopyDenied
	case permitted:
		return KindViewed
	}
	return KindViewDenied
}

// An AccessBody is what the ledger keeps of an access: what was looked at, and the
// facts that no other entry tells.
type AccessBody struct {
	Items    []string        `json:"items"`
	Age      string          `json:"age"`      // the class of that day
	Strength family.Strength `json:"strength"` // that the guardian has shown since it came in
	Demand   string          `json:"request,omitempty"`
	Needs    family.Strength `json:"needs,omitempty"`
	Forged   bool            `json:"forged,omitempty"` // what is hidden from the guardian was not as it was written
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
	d.speaks(by, a)
	d.seen(by, a)
	if a.Port {
		d.leaves()
	}
	// Edge case 4: the guardian's door stays open until 18, and not longer. An
	// unknown age is a child's; a class that nobody knows opens nothing.
	if f.Age != age.Child && f.Age != age.Minor {
		d.deny("2", "gate.access_grown")
	}
	var ends []int64
	if len(a.Items) > 0 || a.Demand == "" {
		ends = d.heldUntil(a.Items)
	}
	if len(d.reasons) > 0 {
		return Permit{}, d.reasons
	}
	return Permit{child: a.Child, activity: a.Activity(), items: a.Items, ends: ends}, nil
}

// speaks denies whoever isn't a verified guardian in office of this child, or has
// shown nothing since it came in, or too little was ever proved of for a copy (edge
// cases 8, 11 and 24).
func (d *decision) speaks(by family.Guardian, a Access) {
	i := slices.IndexFunc(d.facts.Guardians, func(g family.Guardian) bool { return g.ID == by.ID })
	switch {
	case i < 0 || !d.facts.Guardians[i].MayAnswer():
		d.deny("9", "gate.access_not_guardian")
	case by.Strength < family.OneTimeCode || by.Strength > d.facts.Guardians[i].Strength:
		d.deny("9", "gate.access_unproved")
	case a.Demand != "" && d.facts.Guardians[i].Strength < max(a.Needs, family.OneTimeCode):
		d.deny("9", "gate.access_weak")
	}
}

// leaves denies what leaves a guardian's hands as well while it is only kept.
func (d *decision) leaves() {
	// Article 20: from the request for deletion on, nothing but keeping.
	if d.facts.Child.Frozen {
		d.deny("20", "gate.frozen")
	}
	// Edge case 7: one guardian alone gives nothing away about which another one differs.
	if d.facts.Child.Disputed && d.facts.Age != age.Minor {
		d.deny("9", "gate.disputed")
	}
}

// seen denies a guardian from whom what is held is hidden (edge case 22). Where two duties
// collide the child's interest is weighed first (Article 1; Law on the Protection of Minors
// 4). What isn't as two have written it is believed in nothing, and hides (invariant 3). The code
// is for the ledger: a page says nothing of it.
func (d *decision) seen(by family.Guardian, a Access) {
	if a.Forged || slices.ContainsFunc(d.facts.Guardians, func(g family.Guardian) bool { return g.ID == by.ID && d.facts.Now.Before(g.HiddenUntil) }) {
		d.deny("1", CodeHidden)
	}
}

// CodeHidden is the reason for which a guardian sees nothing that is the threat.
const CodeHidden = "gate.view_hidden"

// Hid reports whether an access was denied because what is held is hidden from whoever
// looks, whatever else spoke against it.
func Hid(err error) bool {
	denied, ok := errors.AsType[*Denied](err)
	return ok && slices.ContainsFunc(denied.Reasons, func(r Denial) bool { return r.Code == CodeHidden })
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
	span := tx.Span(ctx, "gate.check")
	f := l.Facts(tx.Now(), held)
	a.Forged = slices.ContainsFunc(f.Guardians, func(g family.Guardian) bool { return g.ID == by.ID && g.HiddenForged(l.ring) })
	permit, reasons := DecideAccess(f, by, a)
	decided(tx, span, "access", reasons)
	entry, err := ledger.Append(ctx, tx, ledger.Entry{Kind: a.kind(len(reasons) == 0), Service: a.Service, Subject: child.Subject,
		Version: child.Version, Actor: a.actor(by), Body: AccessBody{Items: a.Items, Age: string(f.Age), Strength: by.Strength,
			Demand: a.Demand, Needs: a.Needs, Forged: a.Forged, Reasons: reasons}})
	if err == nil && a.Forged { // whoever can write to the database wants to see, or to hide
		err = approval.Raise(ctx, tx, a.Service, "", a.actor(by), []approval.Cause{approval.Forged}, entry)
	}
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
