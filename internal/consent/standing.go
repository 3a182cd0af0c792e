package consent

import (
	"slices"
	"time"

	"wardkeep/internal/family"
	"wardkeep/internal/family/age"
)

// A Verdict says whether a purpose may rest on the answers about a child, and
// why not. The zero Verdict grants nothing.
type Verdict struct {
	Granted  bool
	Why      Why             // None when granted
	Strength family.Strength // with which the guardian was verified when granting, and still is
	Consent  string          // "co_…": the grant, or the refusal that weighs against it
}

// A Why is the reason against a purpose.
type Why string

// The reasons. The zero Why is None.
const (
	None       Why = "" // nobody answered; of a granted Verdict: no reason against it
	Refused    Why = "refused"
	Withdrawn  Why = "withdrawn"
	Stale      Why = "stale"               // the purpose changed materially since (Article 10)
	Unverified Why = "guardian_unverified" // or not a guardian at all (edge case 11)
)

// Standing decides on what stands of the answers about one child: a purpose is
// granted if a verified guardian granted it to a charter numbered askedSince or
// later, and no refusal or withdrawal by anyone weighs against it (edge case 7). From
// 14 to 17 it is the minor whose answer counts, and nobody else's (edge case 4); of
// who is of no class that answers, nothing stands. Who is a child again, by another birth
// date, keeps its no: see Counting.
// It is pure; the gate and the replay both call it. AskedSince below 1 is
// unknown, and makes every grant stale.
func Standing(answers []Answer, guardians []family.Guardian, class age.Class, purpose string, askedSince int64) Verdict {
	if class != age.Child && class != age.Minor {
		return Verdict{}
	}
	answers = Counting(answers, guardians, class)
	best, against := Verdict{}, Verdict{}
	var at time.Time // when the answer of best or against was given
	for _, a := range answers {
		if a.Purpose != purpose || !a.Stands() || a.Granted {
			continue
		}
		if weighs(a, answers, guardians, class, askedSince) && (against.Consent == "" || later(a, at, against.Consent)) {
			against, at = Verdict{Why: Refused, Consent: a.ID}, a.GivenAt
			if a.Withdraws != "" {
				against.Why = Withdrawn
			}
		}
	}
	if against.Consent != "" {
		return against
	}
	at = time.Time{}
	for _, a := range answers {
		if a.Purpose != purpose || !a.Stands() || !a.Granted {
			continue
		}
		v := weigh(a, guardians, class, askedSince)
		if best.Consent == "" || better(v, best) || !better(best, v) && later(a, at, best.Consent) {
			best, at = v, a.GivenAt
		}
	}
	return best
}

// Fresh returns the answers without each yes to the purpose that is none to a takeover: what
// it answers was asked before that was announced, or while nobody could read of it yet
// (edge case 18). No clock decides that. A no counts whenever it was given.
func Fresh(answers []Answer, purpose string) []Answer {
	before := func(a Answer) bool { return a.Purpose == purpose && a.Granted && !a.Takeover }
	if !slices.ContainsFunc(answers, before) {
		return answers
	}
	return slices.DeleteFunc(slices.Clone(answers), before)
}

// of returns the answers that are weighed for somebody of that class: a child's are its
// guardians', a minor's its own. What somebody unknown said belongs to both.
func of(answers []Answer, guardians []family.Guardian, class age.Class) []Answer {
	side := func(a Answer) bool {
		g, known := guardian(guardians, a.Guardian)
		return !known || (g.Relation == family.Self) == (class == age.Minor)
	}
	if !slices.ContainsFunc(answers, func(a Answer) bool { return !side(a) }) {
		return answers // as nearly always
	}
	return slices.DeleteFunc(slices.Clone(answers), func(a Answer) bool { return !side(a) })
}

// Counting returns the answers that count for somebody of that class: a child's are its
// guardians', a minor's its own. A minor that has become a child again, by a birth date that
// was corrected, is one that was asked itself: what it said no to stays a no, as that
// of a former guardian, and no guardian's yes from before comes back, for it had
// ended (edge cases 3 and 4). The guardians are asked anew.
func Counting(answers []Answer, guardians []family.Guardian, class age.Class) []Answer {
	if class != age.Child || !slices.ContainsFunc(guardians, func(g family.Guardian) bool { return g.Relation == family.Self }) {
		return of(answers, guardians, class)
	}
	return slices.DeleteFunc(slices.Clone(answers), func(a Answer) bool {
		g, known := guardian(guardians, a.Guardian)
		return known && a.Granted && (g.Relation == family.Self || !anew(a, guardians))
	})
}

// anew reports whether an answer was given after the minor's tie had ended. While there is
// one, none was.
func anew(a Answer, guardians []family.Guardian) bool {
	return !slices.ContainsFunc(guardians, func(g family.Guardian) bool {
		return g.Relation == family.Self && (g.EndedAt.IsZero() || !a.GivenAt.After(g.EndedAt))
	})
}

// classOf is the class whose answers a person gives.
func classOf(g family.Guardian) age.Class {
	if g.Relation == family.Self {
		return age.Minor
	}
	return age.Child
}

// weigh says what a standing grant is worth on its own.
func weigh(a Answer, guardians []family.Guardian, class age.Class, askedSince int64) Verdict {
	g, known := guardian(guardians, a.Guardian)
	switch {
	// Edge cases 8 and 11: who isn't a verified guardian of this child, or isn't
	// any more, grants nothing.
	case !known || !g.MayAnswerFor(class) || a.Strength < 1:
		return Verdict{Why: Unverified, Consent: a.ID}
	// Article 10: after a material change, consent again.
	case askedSince < 1 || a.Charter < askedSince:
		return Verdict{Why: Stale, Consent: a.ID}
	}
	// Edge case 24: a proof that turned out to be weaker carries its grants no
	// further.
	return Verdict{Granted: true, Strength: min(a.Strength, g.Strength), Consent: a.ID}
}

// better orders verdicts on grants: granted and stronger first, then stale,
// which a new answer can mend.
func better(a, b Verdict) bool {
	if a.Granted != b.Granted {
		return a.Granted
	}
	if a.Granted {
		return a.Strength > b.Strength
	}
	return a.Why == Stale && b.Why == Unverified
}

// weighs reports whether a refusal still counts. That of a former guardian
// counts until a guardian has answered anew, after the change (edge case 8). One
// by somebody unknown counts: a missing fact never permits.
func weighs(no Answer, answers []Answer, guardians []family.Guardian, class age.Class, askedSince int64) bool {
	g, known := guardian(guardians, no.Guardian)
	if !known || g.EndedAt.IsZero() {
		return true
	}
	for _, a := range answers {
		if a.Purpose == no.Purpose && a.Stands() && a.Granted && a.GivenAt.After(g.EndedAt) && weigh(a, guardians, class, askedSince).Granted {
			return false
		}
	}
	return true
}

// disputed reports whether two guardians in office say different things about
// one purpose (edge case 7). AskedSince has the purposes of the charter in
// force: what isn't asked any more can't be disputed, or a child whose guardians
// once differed about a purpose that is gone would stay so for ever. With what the
// minor says of itself nobody is in dispute.
func disputed(answers []Answer, guardians []family.Guardian, askedSince map[string]int64) bool {
	answers = of(answers, guardians, age.Child)
	for _, yes := range answers {
		if _, asked := askedSince[yes.Purpose]; !asked {
			continue
		}
		g, known := guardian(guardians, yes.Guardian)
		if !yes.Granted || !yes.Stands() || !known || !g.MayAnswer() {
			continue
		}
		for _, no := range answers {
			h, known := guardian(guardians, no.Guardian)
			if no.Purpose == yes.Purpose && no.Guardian != yes.Guardian &&
				!no.Granted && no.Stands() && (!known || h.EndedAt.IsZero()) {
				return true
			}
		}
	}
	return false
}

func guardian(all []family.Guardian, id family.GuardianID) (family.Guardian, bool) {
	for _, g := range all {
		if g.ID == id {
			return g, true
		}
	}
	return family.Guardian{}, false
}

// later orders answers by time, and by name within one moment, so that the
// verdict doesn't depend on the order of the slice.
func later(a Answer, at time.Time, id string) bool {
	if !a.GivenAt.Equal(at) {
		return a.GivenAt.After(at)
	}
	return a.ID > id
}
