// Package gatetest says what the law makes of handing a child's items to somebody else, and of
// reading them from abroad, for tests of whatever decides that.
//
// Its one invariant: it imports nothing of ours. It is written from the words of Articles 9, 12,
// 14, 16, 17, 20 and 23, and of the edge cases: so it can't agree with the gate by asking it.
package gatetest

import (
	"slices"
	"time"
)

// A Way is how something gets to a party, or to whoever reads it here.
type Way string

// The ways.
const (
	App    Way = "the app gives it"
	Key    Way = "the party asks by its key"
	Push   Way = "the app seals it to the party's key"
	Bundle Way = "what was sealed goes"
	Use    Way = "the app uses it itself"
	Look   Way = "a person inside looks at it"
)

// A Period holds from its first moment on, and no more at its last.
type Period struct{ From, Until time.Time }

func (p Period) begun(at time.Time) bool { return !at.Before(p.From) }
func (p Period) over(at time.Time) bool  { return !at.Before(p.Until) }

// A Paper is an assessment, an agreement, or a mechanism by which something crosses a border.
type Paper struct {
	Signed bool
	Passed bool   // of an assessment
	Kind   string // of a mechanism, as a charter calls it
	Period
	Items []string // that it covers for the purpose; none: it doesn't cover the purpose
}

// An Answer is what stands of what a guardian has said about the purpose.
type Answer struct {
	Yes      bool
	Withdrew bool // of a no: there was a yes before
	Notice   int  // the number of the notice that it answers
	Proved   bool // who gave it was verified by more than a one-time code
	Informed bool // of the takeover

	Unverified bool // nobody has verified who gave it
	Former     bool // who gave it is the child's guardian no more
}

// A Case is a use that has something leave to a party, or that somebody reads something by, with all
// that the law asks about it.
type Case struct {
	At       time.Time
	Way      Way
	Transfer bool // to a recipient; else a processor is entrusted with it
	Items    []string
	Ended    []string // of those, whose value is over

	// What the charter in force says of the purpose.
	Does      bool     // that, at all
	Has       []string // its items
	Names     bool     // the party, under the purpose
	Gives     []string // to the party
	Mechanism string   // by which it goes abroad; empty: it doesn't say
	Abroad    string   // where it says that the party is; empty: at home
	Stored    string   // where it says that everything is kept; empty: at home
	Asked     int      // the number of the notice from which on the purpose is as it is
	ReadFrom  []string // where abroad it says that the purpose is read

	// What is on file of the party.
	Registered bool
	Suspended  bool
	EndsAt     time.Time // zero: no end was set
	Entrusts   bool      // others, with what it was entrusted with
	Overdue    bool      // it hasn't done what it was ordered to
	Is         string    // where the register says that it is; empty: at home
	Assessment Paper
	Agreement  Paper
	Crossing   Paper

	// The key, where there is one.
	Bound      bool // there is a key
	BoundOther bool // to what the party stands on no more
	Revoked    bool
	KeyUntil   time.Time

	// Where whoever has the items in hand is, by the way that they go; empty: at home.
	AppIn  string
	KeyIn  string // where the party's key is used
	SitsIn string // where the person inside sits

	// What is on file of reading from a place abroad.
	Access          Paper
	AccessIs        string // which place that is; empty: none
	AccessSuspended bool

	// The storage, where that is abroad.
	Storage          Paper
	StorageIs        string // where it is registered; empty: nowhere
	StorageSuspended bool

	// How many children have had something leave the country this year, if the count is this year's.
	Counted bool
	Persons int
	Among   bool // the child is one of them

	// What is said of the child.
	Answers  []Answer
	Frozen   bool // its deletion was asked for
	Disputed bool // its guardians differ about another purpose

	// The end of the service, where that was announced.
	Ending   bool
	TakeOver bool      // the party takes it over, by this purpose
	Window   time.Time // until when that is handed over
}

// A Reason is why not, by an article.
type Reason struct{ Article, Code, Item string }

// A Verdict is what the law says of a case.
type Verdict struct {
	All   []Reason // each of them speaks against it
	OneOf []Reason // of what is wrong with the consent, each is true, and one is to be told
}

// Permits reports whether nothing speaks against it.
func (v Verdict) Permits() bool { return len(v.All)+len(v.OneOf) == 0 }

// Is reports whether what was told is all that the law says, and nothing else.
func (v Verdict) Is(told []Reason) bool {
	all, one := 0, 0
	for _, r := range told {
		switch {
		case slices.Contains(v.All, r):
			all++
		case slices.Contains(v.OneOf, r):
			one++
		default:
			return false
		}
	}
	return all == len(v.All) && one == min(1, len(v.OneOf))
}

// Law returns what the law makes of a case.
func (c *Case) Law() (v Verdict) {
	deny := func(article, code string) { v.All = append(v.All, Reason{article, code, ""}) }
	beyond := func(article, code string, allowed []string) {
		for _, item := range c.Items {
			if slices.Contains(c.Has, item) && !slices.Contains(allowed, item) {
				v.All = append(v.All, Reason{article, code, item})
			}
		}
	}
	article := "16"
	if c.Transfer {
		article = "17"
	}
	// Edge case 18: within its window, who takes a service over gets what was agreed to since.
	takesOver := c.Transfer && c.Ending && c.TakeOver && c.At.Before(c.Window)

	// Article 23: what ends is used no more.
	if c.Ending && !takesOver {
		deny("23", "service_ceasing")
	}
	// Article 20: from the request on, it is kept and nothing else.
	if c.Frozen {
		deny("20", "frozen")
	}
	// Article 14: beyond what is declared is beyond what was agreed to.
	if !c.Does {
		deny("14", "activity_not_in_purpose")
	}
	// Article 11.
	for _, item := range c.Items {
		if !slices.Contains(c.Has, item) {
			v.All = append(v.All, Reason{"11", "item_not_in_purpose", item})
		}
	}
	// Article 12.
	for _, item := range c.Ended {
		if slices.Contains(c.Items, item) {
			v.All = append(v.All, Reason{"12", "value_expired", item})
		}
	}
	c.consent(&v, takesOver)
	c.storage(deny)
	c.read(deny)
	c.crosses(article, deny)
	if c.Way == Use || c.Way == Look {
		return v // nobody else gets anything
	}
	c.key(article, deny)

	// Edge case 13.
	if c.Overdue {
		deny("16", "orders_overdue")
	}
	switch {
	case c.Names:
	case c.Transfer:
		deny("17", "recipient_unknown")
	default:
		deny("16", "processor_unknown")
	}
	switch {
	case c.Registered:
	case c.Transfer: // Article 17 of who takes a service over, too
		deny("17", "recipient_not_assessed")
		return v
	default:
		deny("16", "processor_not_engaged")
		return v
	}
	// Articles 16 and 17: whom somebody in office has stopped gets nothing.
	if c.Suspended {
		deny(article, "party_suspended")
	}
	if !c.EndsAt.IsZero() && !c.At.Before(c.EndsAt) {
		deny(article, "party_ended")
	}
	// Edge case 19: a hard no.
	if c.Entrusts {
		deny(article, "sub_processor")
	}
	// What guardians read is that the party gets these, and no others.
	given := c.Gives
	if !c.Names {
		given = nil
	}
	beyond(article, "item_not_for_party", given)
	c.border(article, deny)
	switch a := c.Assessment; {
	case !a.Signed && c.Transfer:
		deny("17", "recipient_not_assessed")
	case !a.Signed:
		deny("16", "processor_not_assessed")
	case !a.Passed:
		deny(article, "assessment_failed")
	case !a.begun(c.At), a.over(c.At):
		deny(article, "assessment_over")
	case len(a.Items) == 0:
		deny(article, "purpose_not_assessed")
	default:
		beyond(article, "item_not_assessed", a.Items)
	}
	if c.Transfer {
		return v // it has purposes of its own, and signs nothing
	}
	switch g := c.Agreement; {
	case !g.Signed:
		deny("16", "agreement_missing")
	case !g.begun(c.At):
		deny("16", "agreement_not_begun")
	case g.over(c.At):
		deny("16", "agreement_over")
	case len(g.Items) == 0:
		deny("16", "purpose_not_agreed")
	default:
		beyond("16", "item_not_agreed", g.Items)
	}
	return v
}

// consent is Articles 9, 10 and 20, and edge cases 7, 8, 18 and 24: a verified guardian has said
// yes to what is done, and nobody no.
func (c *Case) consent(v *Verdict, takesOver bool) {
	one := func(article, code string) { v.OneOf = append(v.OneOf, Reason{article, code, ""}) }
	var carries, proved, no, yes bool
	var stale, unverified, before bool
	for _, a := range c.Answers {
		switch {
		case !a.Yes && a.Withdrew:
			no = true
			one("20", "consent_withdrawn")
		case !a.Yes:
			no = true
			one("9", "consent_refused")
		case takesOver && !a.Informed:
			before = true
		case a.Unverified || a.Former:
			unverified = true
		case a.Notice < c.Asked:
			stale = true
		default:
			carries, proved = true, proved || a.Proved
		}
		yes = yes || a.Yes && !a.Unverified && !a.Former
	}
	// Edge case 7: they differ.
	if no && yes || c.Disputed {
		v.All = append(v.All, Reason{"9", "disputed", ""})
	}
	leaves := c.goes() && (c.Transfer || c.Abroad != "") || c.Stored != "" || c.readIn() != ""
	switch {
	case no:
	case carries && leaves && !proved:
		v.All = append(v.All, Reason{"9", "verification_too_weak", ""})
	case carries:
	case stale || unverified:
		if stale {
			one("10", "consent_stale")
		}
		if unverified {
			one("9", "guardian_unverified")
		}
	case before:
		one("17", "consent_before_takeover")
	default:
		one("9", "consent_missing")
	}
}

// key is Article 16 of a credential: it is bound to the one agreement, or assessment, and ends with it.
func (c *Case) key(article string, deny func(article, code string)) {
	if c.Way == App {
		return
	}
	if !c.Bound {
		if c.Way == Key {
			deny("16", "actor_unknown")
		} else {
			deny(article, "party_cannot_open")
		}
		return
	}
	if c.Revoked {
		deny(article, "key_revoked")
	}
	if !c.At.Before(c.KeyUntil) {
		deny(article, "key_over")
	}
	stands := c.Agreement
	if c.Transfer {
		stands = c.Assessment
	}
	if c.BoundOther || !c.Registered || !stands.Signed {
		deny(article, "key_of_other_paper")
	}
}

// storage is edge case 20 of what is kept abroad.
func (c *Case) storage(deny func(article, code string)) {
	if c.Stored == "" {
		return
	}
	if c.StorageSuspended {
		deny("3", "storage_suspended")
	}
	if c.Mechanism == "" || c.StorageIs != "" && c.StorageIs != c.Stored {
		deny("3", "storage_undeclared")
		return
	}
	switch m := c.Storage; {
	case !m.Signed, m.Kind != c.Mechanism:
		deny("3", "storage_mechanism_missing")
	case !m.begun(c.At), m.over(c.At):
		deny("3", "storage_mechanism_over")
	}
}

// goes reports whether it goes to a party.
func (c *Case) goes() bool { return c.Way != Use && c.Way != Look }

// readIn returns where abroad somebody has the items in hand; empty: nowhere that isn't known
// already. By a push the app has nothing of them, and the party has what its key opens. Without a
// key nobody has. That a party is abroad is a border of its own, and a key that is used there, too.
func (c *Case) readIn() string {
	switch {
	case c.Way == App, c.Way == Use:
		return c.AppIn
	case c.Way == Look:
		return c.SitsIn
	case !c.Bound, c.Registered && c.KeyIn == c.Is:
		return ""
	}
	return c.KeyIn
}

// read is edge case 20 of who reads from abroad: guardians were told from where, and by what it
// goes there, and that is on file for the place.
func (c *Case) read(deny func(article, code string)) {
	in := c.readIn()
	if in == "" {
		return
	}
	filed := c.AccessIs == in
	if filed && c.AccessSuspended {
		deny("3", "access_suspended")
	}
	if c.Mechanism == "" || !slices.Contains(c.ReadFrom, in) {
		deny("3", "access_abroad")
		return
	}
	switch m := c.Access; {
	case !filed, !m.Signed, m.Kind != c.Mechanism:
		deny("3", "access_mechanism_missing")
	case !m.begun(c.At), m.over(c.At):
		deny("3", "access_mechanism_over")
	}
}

// border is edge case 20 of a party abroad: guardians were told where, and by what it goes there.
func (c *Case) border(article string, deny func(article, code string)) {
	if c.Abroad == "" && c.Is == "" {
		return
	}
	if c.Abroad == "" || c.Mechanism == "" || c.Is != "" && c.Is != c.Abroad {
		deny(article, "border_undeclared")
		return
	}
	switch m := c.Crossing; {
	case !m.Signed, m.Kind != c.Mechanism:
		deny(article, "border_mechanism_missing")
	case !m.begun(c.At), m.over(c.At):
		deny(article, "border_mechanism_over")
	}
}

// crosses is Articles 7 and 8 of the Cross-border provisions: the 10,000th child of a year needs
// the authority's assessment.
func (c *Case) crosses(article string, deny func(article, code string)) {
	switch {
	case c.Stored == "" && c.goes() && c.Abroad != "":
	case c.Stored != "", c.readIn() != "":
		article = "3"
	default:
		return
	}
	if c.Mechanism == "" || c.Mechanism == "security_assessment" {
		return
	}
	if !c.Counted || !c.Among && c.Persons+1 >= 10_000 {
		deny(article, "border_threshold")
	}
}
