package gate

import (
	"slices"
	"time"

	"wardkeep/internal/approval"
	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
	"wardkeep/internal/party"
	"wardkeep/internal/staff"
)

// A Look is the authority of a person inside: what another person has decided, and how
// often this one has looked. The zero Look opens nothing.
type Look struct {
	Person  staff.Person     // as it is at this moment
	Request approval.Request // about this child; zero: there is none
	Intact  bool             // the request is as it was written
	Looks   approval.Looks   // of the person, in this hour and on this day
	// Suspended says that what the person opened without the office was not reviewed in time.
	Suspended bool
	PerHour   int64 // how many are allowed
	PerDay    int64

	// Export says that what was granted is to leave as a file, sealed to the key of the
	// person, all of it and once. It counts as a look at each item.
	Export bool
	Key    staff.Recipient // zero: there is none

	// What the ledger keeps beside the decision: which alarms the look raises, and by what.
	Burst, BurstIn int64 // looks, and microseconds
	Alarms         []approval.Cause
	Decoy          bool // nobody is this child: a try is an alarm, too
}

// A LookBody is what the ledger keeps of a look beside the use: by which approval, at
// which version of the person, and within which limits.
type LookBody struct {
	Approval string `json:"approval,omitempty"`
	Forged   bool   `json:"forged,omitempty"` // its row was not as it was written
	Person   int64  `json:"person"`
	PerHour  int64  `json:"per_hour"`
	PerDay   int64  `json:"per_day"`
	Export   bool   `json:"export,omitempty"`

	Role staff.Role `json:"role,omitempty"` // by which the person may ask; empty: by none

	Burst   int64            `json:"burst"`
	BurstIn int64            `json:"burst_in"`         // microseconds
	Alarms  []approval.Cause `json:"alarms,omitempty"` // that were raised: each has an entry of its own
}

// ByStaff returns a person inside as an actor. It may use one item at a time, of the one
// child and for the one purpose of its approval, while that lasts; or, as a file, all that
// two have agreed to.
//
// The ground of a look is that of any use for the purpose: the consent that stands for it
// (Article 9). An approval adds to it and replaces nothing, so there is none without a
// guardian's yes, nor while the child is frozen or an office is vacant: unless it names a
// basis that takes the place of the yes (see basis). What a guardian
// demands without one (a copy, a deletion) is answered by doors of its own, through which
// nobody inside sees a value.
func ByStaff(l Look) Actor {
	return Actor{name: l.Person.Ledger(), look: &l}
}

// known returns a use with no name that the actor could have made up.
func (a Actor) known(u Use, c *charter.Charter) Use {
	if a.look != nil {
		return u.KnownInside(c)
	}
	return u.Known(c)
}

// Raises returns the alarms of the look, permitted or not.
func (l Look) Raises(permitted bool) (all []approval.Cause) {
	if permitted {
		all = slices.Clone(l.Alarms)
	}
	if l.Decoy {
		all = append(all, approval.Touched)
	}
	if l.Request.ID != "" && !l.Intact {
		all = append(all, approval.Forged)
	}
	return all
}

// body is what the ledger keeps of the look at something of that service, or nil for an
// app's use.
func (a Actor) body(permitted bool, s catalog.Service) *LookBody {
	if a.look == nil {
		return nil
	}
	return &LookBody{Burst: a.look.Burst, BurstIn: a.look.BurstIn, Alarms: a.look.Raises(permitted), Export: a.look.Export,
		Approval: a.look.Request.ID, Forged: a.look.Request.ID != "" && !a.look.Intact, Person: a.look.Person.Version, PerHour: a.look.PerHour, PerDay: a.look.PerDay,
		Role: approval.RoleFor(a.look.Person, staff.AskAccess, s)}
}

// approval denies what nobody else has approved, or what goes beyond it (Article 15).
func (d *decision) approval() {
	l := d.by.look
	if l.Person.ID == "" {
		d.deny("15", "gate.actor_unknown")
		return
	}
	if !approval.May(l.Person, staff.AskAccess, d.facts.Service) {
		d.deny("15", "gate.approval_role")
	}
	if l.Suspended {
		d.deny("15", "gate.approval_suspended")
	}
	if d.use.Activity != l.activity() || len(d.use.Items) > 1 && !l.Export {
		d.deny("15", "gate.approval_one_item")
	}
	r := l.Request
	if r.ID != "" && !l.Intact {
		d.deny("15", "gate.approval_forged") // nothing that it says is believed
		return
	}
	if r.ID == "" || r.Child != d.use.Child || r.Service != d.use.Service {
		d.deny("15", "gate.approval_missing") // of another child's nothing is told
		return
	}
	if r.Asker != l.Person.ID {
		d.deny("15", "gate.approval_of_other")
		return
	}
	d.decided(r)
	if r.Export != l.Export {
		d.deny("15", "gate.approval_form")
	} else if l.Export {
		d.export(r)
	}
	if r.Purpose != d.use.Purpose {
		d.deny("15", "gate.approval_purpose")
	}
	for i, item := range d.use.Items {
		if !slices.Contains(r.Granted, item) && !slices.Contains(d.use.Items[:i], item) {
			d.denyItem("15", "gate.approval_item", item)
		}
	}
	n := int64(max(1, len(d.use.Items)))
	if l.Looks.InHour+n > l.PerHour {
		d.deny("15", "gate.approval_hour")
	}
	if l.Looks.InDay+n > l.PerDay {
		d.deny("15", "gate.approval_day")
	}
}

// UseBy returns the use of some items that a request is about.
func UseBy(r approval.Request, items ...string) Use {
	return Use{Service: r.Service, Child: r.Child, Activity: r.Activity(), Purpose: r.Purpose, Items: items, Party: r.Party()}
}

// activity is what the look does with the items: what was written by hand discloses nothing.
func (l Look) activity() charter.Activity {
	if !l.Intact {
		return charter.Use
	}
	return l.Request.Activity()
}

// grounded reports whether the use rests on something else than a guardian's yes: a basis
// that was asked for about this child, as it was written.
func (d *decision) grounded() bool {
	l := d.by.look
	return l != nil && l.Intact && l.Request.Ground != approval.OnConsent && l.Request.Child == d.use.Child && l.Request.Service == d.use.Service
}

// basis denies what no law demands, or what no danger excuses. A law or an administrative
// regulation, one of those in charge among the two who agree, and the demand's last second
// (Article 18); two persons and some hours (edge case 23). It stands in place of the
// guardian's grant and of nothing else: officer and deputy, the approval, the items and
// their ends are asked for as ever.
func (d *decision) basis() {
	r := d.by.look.Request
	if d.use.Party != r.Party() {
		d.deny("18", "gate.basis_receiver")
	}
	// Nobody's signature provides a foreign authority with what is stored here (PIPL 41,
	// Data Security Law 36).
	if r.Foreign() {
		d.deny("18", "gate.authority_foreign")
	}
	switch {
	case r.Ground == approval.OnLaw && !r.Export, r.Ground == approval.OnLife && (!r.Glass || r.Until.Sub(r.From) > approval.LongestLife*time.Minute),
		r.Fault(r.AskedAt) != nil:
		d.deny("18", "gate.basis_unknown")
		return
	}
	if r.Ground != approval.OnLaw {
		return
	}
	// What a law demands is answered in the country (PIPL 41), so nobody abroad takes it there first. Who
	// saves a life may be anywhere (Cross-border provisions, Article 5(3)).
	if d.facts.readAbroad(d.by) {
		d.deny(party.Access.Article(), "gate.access_abroad")
	}
	if !r.Officer {
		d.deny("18", "gate.basis_no_officer")
	}
	if !d.facts.Now.Before(r.Ends) {
		d.deny("18", "gate.basis_over")
	}
}

// export denies a file about which not two others have decided, that holds anything but
// what they agreed to, or that nobody but the person could be sure to open.
func (d *decision) export(r approval.Request) {
	if r.First == "" || r.First == r.Decider || r.First == r.Asker {
		d.deny("15", "gate.approval_two")
	}
	if !slices.Equal(d.use.Items, r.Granted) {
		d.deny("15", "gate.approval_whole")
	}
	if !d.by.look.Key.Good(d.facts.Now) {
		d.deny("15", "gate.approval_key")
	}
}

// decided denies what stands in no window that somebody else has opened.
func (d *decision) decided(r approval.Request) {
	switch r.State {
	case approval.Granted, approval.Narrowed:
	case approval.Agreed:
		d.deny("15", "gate.approval_two")
		return
	case approval.Refused:
		d.deny("15", "gate.approval_refused")
		return
	case approval.Ended:
		d.deny("15", "gate.approval_ended")
		return
	default:
		d.deny("15", "gate.approval_open") // and a state that nobody knows opens nothing
		return
	}
	if r.Decider == "" || r.Decider == r.Asker {
		d.deny("15", "gate.approval_self")
	}
	if r.From.IsZero() || d.facts.Now.Before(r.From) || !d.facts.Now.Before(r.Until) {
		d.deny("15", "gate.approval_over")
	}
	if r.Looks >= r.Quota {
		d.deny("15", "gate.approval_used_up")
	}
}
