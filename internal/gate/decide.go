package gate

import (
	"slices"
	"time"

	"wardkeep/internal/border"
	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/family/age"
	"wardkeep/internal/party"
)

// Facts are all that a decision rests on. The zero Facts permit nothing.
type Facts struct {
	Now       time.Time
	Service   catalog.Service
	Published catalog.Published // the charter in force; zero while there is none
	Child     family.Child      // zero ID: unknown
	Age       age.Class
	Guardians []family.Guardian
	Answers   []consent.Answer // those that stand
	Held      []Held
	Party     party.Standing // whom the use names, where it entrusts or transfers; zero: nobody on the register
	Access    party.Standing // of the country in which whoever asks gets the items, if that is abroad and no party's own; zero: it isn't on the register
	Storage   party.Standing // where the items are, if the charter says that it is abroad; zero: it isn't on the register
	Border    border.Count   // how many children had something leave the country this year, if the use would have something leave
	Key       party.Key      // with which that party asks by itself, or to which something is sealed for it; zero: there is no such key
}

// Held says of a value only what it was collected for and how old it is.
type Held struct {
	Item      string
	Purpose   string
	Collected time.Time
	Expires   time.Time
}

// Decide returns a permit, or every reason against the use in a fixed order.
func Decide(f Facts, by Actor, u Use) (Permit, []Denial) {
	d := decision{facts: f, by: by, use: u}
	d.actor()
	d.service()
	known := d.child()
	if purpose, ok := d.purpose(); ok && known {
		if d.grounded() {
			d.basis()
		} else {
			d.consent(purpose)
			d.stored(purpose)
			d.party(purpose)
			d.read(purpose)
			d.counted(purpose)
		}
		d.expiry(purpose)
	}
	if len(d.reasons) > 0 {
		return Permit{}, d.reasons
	}
	return Permit{
		child:    u.Child,
		activity: u.Activity,
		purpose:  u.Purpose,
		items:    u.Items,
		ends:     d.ends,
	}, nil
}

type decision struct {
	facts   Facts
	by      Actor
	use     Use
	ends    []int64 // of the items of use, microseconds
	reasons []Denial
}

func (d *decision) deny(article, code string) {
	d.reasons = append(d.reasons, Denial{Code: code, Article: article})
}

func (d *decision) denyItem(article, code, item string) {
	d.reasons = append(d.reasons, Denial{Code: code, Article: article, Item: item})
}

// scopes an actor needs, per activity.
var scopes = map[charter.Activity]string{
	charter.Collect:  "items:write",
	charter.Store:    "items:write",
	charter.Use:      "items:read",
	charter.Entrust:  "items:read",
	charter.Transfer: "items:read",
	charter.Disclose: "items:read",
}

// Article 15: whoever touches information has been given the authority, and
// no more of it than the task needs.
func (d *decision) actor() {
	if d.by.look != nil {
		d.approval()
		return
	}
	if d.by.pull != nil {
		d.pulls()
		if d.by.pull.Bundle == "" || d.by.sends {
			return
		}
	}
	switch {
	case d.by.name == "":
		d.deny("15", "gate.actor_unknown")
	case d.by.service != d.use.Service:
		d.deny("15", "gate.actor_of_other_service")
	}
	if d.by.expires != 0 && d.facts.Now.UnixMicro() >= d.by.expires {
		d.deny("15", "gate.actor_expired")
	}
	if scope := scopes[d.use.Activity]; scope == "" || !d.by.scopes.Has(scope) {
		d.deny("15", "gate.scope_missing")
	}
}

// Article 8: rules, agreement, a person in charge and a deputy come before any
// processing. A vacancy closes the gate.
func (d *decision) service() {
	s := d.facts.Service
	if s.Name == "" || s.Name != d.use.Service {
		d.deny("8", "gate.service_unknown")
		return
	}
	if s.Charter == 0 || s.Recalled || d.facts.Published.Charter == nil || d.facts.Published.Number != s.Charter {
		// Rules and agreement are published with the charter, or it is not published.
		d.deny("8", "gate.no_charter")
	}
	if s.OfficerID == "" {
		d.deny("8", "gate.no_officer")
	}
	if s.DeputyID == "" {
		d.deny("8", "gate.no_deputy")
	}
	// Article 23: from the announcement on nothing is done for what ends. What is held
	// is there for guardians to look at: see DecideAccess.
	switch {
	case d.handsOver(), d.grounded():
	case s.Ceases(""):
		d.deny("23", "gate.service_ceasing")
	case s.Ceases(d.use.Purpose):
		d.deny("23", "gate.purpose_ceasing")
	}
}

func (d *decision) handsOver() bool { return d.facts.HandsOver(d.use) }

// HandsOver reports whether a use hands something to who takes over the service that
// ends, for the purpose that asks about it and within the window (edge case 18). Its
// security assessment was on file before that was announced (Article 17).
func (f Facts) HandsOver(u Use) bool {
	s := f.Service
	return u.Activity == charter.Transfer && u.Party == s.Successor.Recipient && s.Succeeds(u.Purpose, f.Now)
}

// child reports whether there is a child to go on about: of another service's,
// or of none, nothing more is told.
func (d *decision) child() bool {
	c := d.facts.Child
	switch {
	case c.ID == "" || c.ID != d.use.Child || c.Service != d.use.Service:
		d.deny("9", "gate.child_unknown")
		return false
	case c.State == family.Erased && !c.KeptUntil.IsZero():
		// Edge case 14: what a law demands to keep is for nobody to use.
		d.deny("20", "gate.legally_retained")
		return false
	case c.State == family.Erased:
		d.deny("20", "gate.child_erased")
		return false
	case c.State != family.Unconsented && c.State != family.Active:
		d.deny("9", "gate.child_unknown") // a state that nobody knows opens nothing
		return false
	}
	// Edge case 4: whoever is 18 is nobody's child any more, and nothing is used on. An
	// unknown age is a child's; a class that nobody knows opens nothing.
	if d.facts.Age != age.Child && d.facts.Age != age.Minor {
		d.deny("2", "gate.grown_up")
	}
	if d.grounded() {
		// Neither a law nor a rescue waits for what guardians say, or for the sweep that
		// erases: see basis.
		return d.lives()
	}
	// Article 20: from the request for deletion on, nothing but keeping.
	if c.Frozen {
		d.deny("20", "gate.frozen")
	}
	// Edge case 7: while guardians disagree, storage and security only. After 14 none of
	// them is asked (edge case 4).
	if c.Disputed && d.facts.Age != age.Minor && d.use.Activity != charter.Store {
		d.deny("9", "gate.disputed")
	}
	return d.lives()
}

// lives denies what comes after an unanswered child's short life (edge case 5).
func (d *decision) lives() bool {
	if c := d.facts.Child; !c.ExpiresAt.IsZero() && !d.facts.Now.Before(c.ExpiresAt) {
		d.deny("9", "gate.unconsented_expired")
	}
	return true
}

// Articles 11 and 14: nothing beyond the purpose, its activities and its items.
func (d *decision) purpose() (charter.Purpose, bool) {
	c := d.facts.Published.Charter
	if c == nil {
		return charter.Purpose{}, false
	}
	purpose, ok := c.Purpose(d.use.Purpose)
	if !ok {
		d.deny("7", "gate.purpose_unknown")
		return purpose, false
	}
	if !purpose.Does(d.use.Activity) && !d.grounded() {
		d.deny("14", "gate.activity_not_in_purpose")
	}
	if len(d.use.Items) == 0 {
		d.deny("11", "gate.no_items")
	}
	for i, item := range d.use.Items {
		if _, ok := c.Item(item); !ok {
			d.denyItem("11", "gate.item_unknown", item)
		} else if !purpose.Has(item) {
			d.denyItem("11", "gate.item_not_in_purpose", item)
		}
		if slices.Contains(d.use.Items[:i], item) {
			d.denyItem("11", "gate.item_twice", item)
		}
	}
	return purpose, true
}

// Articles 9, 10 and 14: a live grant of a verified guardian for this purpose, or
// from 14 on of the minor itself, given to a notice that still says what is done.
func (d *decision) consent(purpose charter.Purpose) {
	since, ok := d.facts.Published.AskedSince[purpose.Name]
	if !ok {
		d.deny("10", "gate.consent_stale")
		return
	}
	if slices.ContainsFunc(d.facts.Answers, func(a consent.Answer) bool {
		return a.Purpose == purpose.Name && a.Charter > d.facts.Published.Number
	}) {
		d.deny("10", "gate.consent_stale") // nobody can have answered to a charter to come
		return
	}
	if d.facts.Age != age.Child && d.facts.Age != age.Minor {
		return // nobody's yes carries anything: see child
	}
	answers := d.facts.Answers
	if d.handsOver() {
		// Edge case 18: fresh consent. What was agreed to before anybody knew of it is none.
		answers = consent.Fresh(answers, purpose.Name)
	}
	v := consent.Standing(answers, d.facts.Guardians, d.facts.Age, purpose.Name, since)
	if !v.Granted && len(answers) < len(d.facts.Answers) && v.Why == consent.None {
		d.deny("17", "gate.consent_before_takeover")
		return
	}
	if v.Granted {
		// Edge case 24: what leaves the operator needs more than a one-time code.
		needs := consent.Needs(d.facts.Published.Charter, d.use.Activity, d.use.Party)
		if d.facts.readAbroad(d.by) {
			needs = max(needs, consent.NeedsAbroad)
		}
		if v.Strength < needs {
			d.deny("9", "gate.verification_too_weak")
		}
		return
	}
	// Edge case 4: after 14 the guardian's grant is no basis any more; the minor is asked.
	if d.facts.Age == age.Minor && v.Why == consent.None {
		d.deny("2", "gate.not_a_child")
		return
	}
	switch v.Why {
	case consent.Refused:
		d.deny("9", "gate.consent_refused")
	case consent.Withdrawn:
		d.deny("20", "gate.consent_withdrawn")
	case consent.Stale:
		d.deny("10", "gate.consent_stale")
	case consent.Unverified:
		d.deny("9", "gate.guardian_unverified")
	default:
		d.deny("9", "gate.consent_missing")
	}
}

// Articles 16, 17 and 18: who else gets to see it.
func (d *decision) party(purpose charter.Purpose) {
	switch d.use.Activity {
	case charter.Entrust:
		// Edge case 13: who hasn't done what it was ordered to do gets nothing new.
		if d.facts.Service.IsOverdue(d.use.Party) {
			d.deny("16", "gate.orders_overdue")
		}
		if !slices.Contains(purpose.Processors, d.use.Party) {
			d.deny("16", "gate.processor_unknown")
		}
		d.engaged(party.Processor, purpose)
	case charter.Transfer:
		if d.facts.Service.IsOverdue(d.use.Party) {
			d.deny("16", "gate.orders_overdue")
		}
		if !slices.Contains(purpose.Recipients, d.use.Party) {
			d.deny("17", "gate.recipient_unknown")
		}
		// Edge case 18: who takes over a service is a recipient as any other, and its assessment
		// must hold by then: that one was named with the announcement is a word (Article 17).
		d.engaged(party.Recipient, purpose)
	case charter.Disclose:
		audience, ok := purpose.Audience(d.use.Party)
		if !ok {
			d.deny("18", "gate.audience_unknown")
			return
		}
		for _, item := range d.use.Items {
			if !slices.Contains(audience.Items, item) {
				d.denyItem("18", "gate.item_not_for_audience", item)
			}
		}
	}
}

// Article 12: a value ends when its own time is over, or that of another
// purpose it is used for, or that of an event that has happened since it was
// collected, whichever is earliest, whether or not the sweep has run.
func (d *decision) expiry(purpose charter.Purpose) {
	d.ends = make([]int64, len(d.use.Items))
	end := purpose.Retention.Expiry(d.facts.Now).UnixMicro()
	for i := range d.ends {
		d.ends[i] = end
	}
	if d.use.Activity == charter.Collect || d.use.Activity == charter.Store {
		return // what comes in is new
	}
	for _, h := range d.facts.Held {
		i := slices.Index(d.use.Items, h.Item)
		if i < 0 {
			continue
		}
		if h.Purpose != purpose.Name && !d.grounded() {
			d.origin(h)
		}
		ends := d.end(h, purpose)
		d.ends[i] = ends.UnixMicro()
		if !d.facts.Now.Before(ends) {
			d.denyItem("12", "gate.value_expired", h.Item)
		}
	}
}

// end returns when a value ends for the purpose that it is used for.
func (d *decision) end(h Held, purpose charter.Purpose) time.Time {
	ends := h.Expires
	atMost := func(t time.Time) {
		if t.Before(ends) {
			ends = t
		}
	}
	if h.Purpose != purpose.Name {
		atMost(purpose.Retention.Expiry(h.Collected))
	}
	for _, e := range d.facts.Child.Endings {
		if e.Happened.Before(h.Collected) {
			continue // it hasn't come for this value
		}
		if e.Purpose == h.Purpose || e.Purpose == purpose.Name {
			atMost(e.Ends)
		}
		// A purpose that was declared after the event has no ending of its own.
		if h.Purpose != purpose.Name && e.Event == purpose.Retention.Event {
			atMost(purpose.Retention.AfterEvent(h.Collected, e.Happened))
		}
	}
	return ends
}

// origin denies a value whose own purpose has lost its consent, or ends: what was
// collected for it is not kept in use by another (Articles 20(3) and 23).
func (d *decision) origin(h Held) {
	if d.facts.Service.GaveUp(h.Purpose) && (!d.facts.Service.Ceases("") || d.handsOver()) {
		d.denyItem("23", "gate.value_ceasing", h.Item)
	}
	since, ok := d.facts.Published.AskedSince[h.Purpose]
	if !ok || !consent.Standing(d.facts.Answers, d.facts.Guardians, d.facts.Age, h.Purpose, since).Granted {
		d.denyItem("20", "gate.value_without_ground", h.Item)
	}
}
