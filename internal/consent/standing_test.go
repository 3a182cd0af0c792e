package consent

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"wardkeep/internal/family"
	"wardkeep/internal/family/age"
)

var day = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

func parent(id family.GuardianID) family.Guardian {
	return family.Guardian{ID: id, Relation: family.Parent, Strength: 1, VerifiedAt: day}
}

func yes(id string, by family.GuardianID, charter int64) Answer {
	return Answer{ID: id, Guardian: by, Purpose: "play", Charter: charter, Granted: true, Strength: 1, GivenAt: day}
}

func no(id string, by family.GuardianID, charter int64) Answer {
	a := yes(id, by, charter)
	a.Granted = false
	return a
}

func TestArticle9_StandingIsByTable(t *testing.T) {
	mother, father := parent("mother"), parent("father")
	unverified := family.Guardian{ID: "mother", Relation: family.Parent}
	teacher := family.Guardian{ID: "mother", Relation: family.Teacher, Strength: 1, VerifiedAt: day}
	left := father
	left.EndedAt = day.Add(time.Hour)
	ended := yes("1", "mother", 2)
	ended.EndedAt = day
	withdrawal := no("2", "father", 2)
	withdrawal.Withdraws = "1"
	strong, anew := yes("2", "father", 2), yes("3", "mother", 2)
	strong.Strength = 4
	proved := father
	proved.Strength = 4
	anew.GivenAt = left.EndedAt.Add(time.Hour)
	other := yes("1", "mother", 2)
	other.Purpose = "ads"

	for name, c := range map[string]struct {
		answers   []Answer
		guardians []family.Guardian
		since     int64
		want      Verdict
	}{
		"silence":                        {nil, []family.Guardian{mother}, 1, Verdict{}},
		"another purpose":                {[]Answer{other}, []family.Guardian{mother}, 1, Verdict{}},
		"granted":                        {[]Answer{yes("1", "mother", 2)}, []family.Guardian{mother}, 2, Verdict{Granted: true, Strength: 1, Consent: "1"}},
		"replaced":                       {[]Answer{ended}, []family.Guardian{mother}, 1, Verdict{}},
		"article 10: changed since":      {[]Answer{yes("1", "mother", 2)}, []family.Guardian{mother}, 3, Verdict{Why: Stale, Consent: "1"}},
		"unknown since when":             {[]Answer{yes("1", "mother", 2)}, []family.Guardian{mother}, 0, Verdict{Why: Stale, Consent: "1"}},
		"nobody verified":                {[]Answer{yes("1", "mother", 2)}, []family.Guardian{unverified}, 1, Verdict{Why: Unverified, Consent: "1"}},
		"edge case 11: a teacher":        {[]Answer{yes("1", "mother", 2)}, []family.Guardian{teacher}, 1, Verdict{Why: Unverified, Consent: "1"}},
		"a guardian nobody knows":        {[]Answer{yes("1", "mother", 2)}, nil, 1, Verdict{Why: Unverified, Consent: "1"}},
		"refused":                        {[]Answer{no("1", "mother", 2)}, []family.Guardian{mother}, 1, Verdict{Why: Refused, Consent: "1"}},
		"edge case 7: the other refuses": {[]Answer{yes("1", "mother", 2), no("2", "father", 2)}, []family.Guardian{mother, father}, 1, Verdict{Why: Refused, Consent: "2"}},
		"edge case 7: of long ago":       {[]Answer{no("2", "father", 1), yes("1", "mother", 2)}, []family.Guardian{mother, father}, 2, Verdict{Why: Refused, Consent: "2"}},
		"edge case 7: withdrawn":         {[]Answer{yes("1", "mother", 2), withdrawal}, []family.Guardian{mother, father}, 1, Verdict{Why: Withdrawn, Consent: "2"}},
		"a refusal of someone unknown":   {[]Answer{yes("1", "mother", 2), no("2", "father", 2)}, []family.Guardian{mother}, 1, Verdict{Why: Refused, Consent: "2"}},
		"the stronger of two":            {[]Answer{yes("1", "mother", 2), strong}, []family.Guardian{mother, proved}, 1, Verdict{Granted: true, Strength: 4, Consent: "2"}},
		"edge case 8: who left":          {[]Answer{yes("1", "father", 2)}, []family.Guardian{left}, 1, Verdict{Why: Unverified, Consent: "1"}},
		"edge case 8: who left said no":  {[]Answer{yes("1", "mother", 2), no("2", "father", 2)}, []family.Guardian{mother, left}, 1, Verdict{Why: Refused, Consent: "2"}},
		"edge case 8: confirmed since":   {[]Answer{anew, no("2", "father", 2)}, []family.Guardian{mother, left}, 1, Verdict{Granted: true, Strength: 1, Consent: "3"}},
	} {
		if got := Standing(c.answers, c.guardians, age.Child, "play", c.since); got != c.want {
			t.Errorf("%s: got %+v, want %+v", name, got, c.want)
		}
	}
}

func drawAnswer(t *rapid.T, label string) Answer {
	return Answer{
		ID:       rapid.StringMatching(`[a-f]{4}`).Draw(t, label+" id"),
		Guardian: family.GuardianID(rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, label+" guardian")),
		Purpose:  rapid.SampledFrom([]string{"play", "ads"}).Draw(t, label+" purpose"),
		Charter:  rapid.Int64Range(1, 3).Draw(t, label+" charter"),
		Granted:  rapid.Bool().Draw(t, label+" granted"),
		Strength: family.Strength(rapid.IntRange(0, 4).Draw(t, label+" strength")),
		GivenAt:  day.Add(time.Duration(rapid.IntRange(0, 3).Draw(t, label+" at")) * time.Hour),
	}
}

// Edge case 4: before the end of the 14th birthday guardians answer, then the minor
// itself, and from 18 on nobody.
func TestEdgeCase4_WhoseAnswerCountsIsByAge(t *testing.T) {
	mother, self := parent("mother"), parent("self")
	self.Relation = family.Self
	both, unproved := []family.Guardian{mother, self}, self
	former := self
	former.EndedAt = day.Add(time.Hour)
	again := []family.Guardian{mother, former}
	anew := yes("3", "mother", 2)
	anew.GivenAt = former.EndedAt.Add(time.Hour)
	withdrawal := no("2", "self", 2)
	withdrawal.Withdraws = "4"
	unproved.VerifiedAt, unproved.Strength = time.Time{}, 0
	hers, own := yes("1", "mother", 2), yes("2", "self", 2)
	granted := func(id string) Verdict { return Verdict{Granted: true, Strength: 1, Consent: id} }
	for name, c := range map[string]struct {
		answers []Answer
		people  []family.Guardian
		class   age.Class
		want    Verdict
	}{
		"a child":                           {[]Answer{hers}, []family.Guardian{mother}, age.Child, granted("1")},
		"a child, both say yes":             {[]Answer{hers, own}, both, age.Child, Verdict{}}, // it was a minor since she did
		"a child, it alone says yes":        {[]Answer{own}, both, age.Child, Verdict{}},
		"a child that says no":              {[]Answer{hers, no("2", "self", 2)}, both, age.Child, Verdict{Why: Refused, Consent: "2"}},
		"a child again, asked in between":   {[]Answer{hers}, again, age.Child, Verdict{}},
		"a child again that said yes":       {[]Answer{hers, own}, again, age.Child, Verdict{}},
		"a child again that said no":        {[]Answer{hers, no("2", "self", 2)}, again, age.Child, Verdict{Why: Refused, Consent: "2"}},
		"a child again that took it back":   {[]Answer{hers, withdrawal}, again, age.Child, Verdict{Why: Withdrawn, Consent: "2"}},
		"a child again, the guardian anew":  {[]Answer{no("2", "self", 2), anew}, again, age.Child, granted("3")},
		"a minor again that said yes":       {[]Answer{own, anew}, again, age.Minor, Verdict{Why: Unverified, Consent: "2"}},
		"a minor again that said no":        {[]Answer{no("2", "self", 2), anew}, again, age.Minor, Verdict{Why: Refused, Consent: "2"}},
		"a minor, both say yes":             {[]Answer{hers, own}, both, age.Minor, granted("2")},
		"a minor, the guardian alone":       {[]Answer{hers}, both, age.Minor, Verdict{}},
		"a minor, the guardian says no":     {[]Answer{no("1", "mother", 2), own}, both, age.Minor, granted("2")},
		"a minor that says no":              {[]Answer{hers, no("2", "self", 2)}, both, age.Minor, Verdict{Why: Refused, Consent: "2"}},
		"a minor before it typed a code":    {[]Answer{own}, []family.Guardian{mother, unproved}, age.Minor, Verdict{Why: Unverified, Consent: "2"}},
		"a minor, and somebody unknown":     {[]Answer{own, no("3", "who", 2)}, both, age.Minor, Verdict{Why: Refused, Consent: "3"}},
		"a minor, to a charter of long ago": {[]Answer{yes("2", "self", 1)}, both, age.Minor, Verdict{Why: Stale, Consent: "2"}},
		"an adult":                          {[]Answer{hers, own}, both, age.Adult, Verdict{}},
		"nobody knows what":                 {[]Answer{hers, own}, both, "", Verdict{}},
	} {
		if got := Standing(c.answers, c.people, c.class, "play", 2); got != c.want {
			t.Errorf("%s: got %+v, want %+v", name, got, c.want)
		}
	}
}

// Edge case 4: whatever guardians say changes nothing of a minor's verdict, and no yes of
// a minor anything of a child's.
func TestEdgeCase4_TheOtherSideNeverWeighs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		answers, guardians, class := drawAnswers(t), drawGuardians(t), drawClass(t)
		since := rapid.Int64Range(0, 4).Draw(t, "since")
		own := slices.DeleteFunc(slices.Clone(answers), func(a Answer) bool {
			g, known := guardian(guardians, a.Guardian)
			return known && (g.Relation == family.Self) != (class == age.Minor) && (class == age.Minor || a.Granted)
		})
		if all, alone := Standing(answers, guardians, class, "play", since), Standing(own, guardians, class, "play", since); all != alone {
			t.Fatalf("of a %s: %+v, without the other side %+v", class, all, alone)
		}
	})
}

func drawClass(t *rapid.T) age.Class {
	return rapid.SampledFrom([]age.Class{age.Child, age.Minor}).Draw(t, "class")
}

// drawAnswers returns answers of which no two have one name.
func drawAnswers(t *rapid.T) (all []Answer) {
	for i := range rapid.IntRange(0, 6).Draw(t, "answers") {
		a := drawAnswer(t, "an answer")
		a.ID += strconv.Itoa(i)
		all = append(all, a)
	}
	return all
}

func drawGuardians(t *rapid.T) (all []family.Guardian) {
	for _, id := range []family.GuardianID{"a", "b", "c"} {
		if !rapid.Bool().Draw(t, "there is "+string(id)) {
			continue
		}
		g := parent(id)
		g.Relation = rapid.SampledFrom([]family.Relation{family.Parent, family.Teacher, family.Institution, family.Self}).Draw(t, "relation")
		if rapid.IntRange(0, 3).Draw(t, "unverified") == 0 {
			g.VerifiedAt, g.Strength = time.Time{}, 0
		}
		if rapid.IntRange(0, 3).Draw(t, "ended") == 0 {
			g.EndedAt = day.Add(time.Duration(rapid.IntRange(0, 3).Draw(t, "ended at")) * time.Hour)
		}
		all = append(all, g)
	}
	return all
}

// Edge case 7: whatever else was said, one more no, or one guardian or one
// answer fewer, never makes a yes.
func TestEdgeCase7_ARestrictionNeverGrants(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		answers := drawAnswers(t)
		guardians, class := drawGuardians(t), drawClass(t)
		since := rapid.Int64Range(0, 4).Draw(t, "since")
		before := Standing(answers, guardians, class, "play", since)
		never := func(what string, v Verdict) {
			if v.Granted && !before.Granted {
				t.Fatalf("%s grants: %+v before, %+v after", what, before, v)
			}
		}

		more := drawAnswer(t, "one more")
		more.Granted = false
		at := rapid.IntRange(0, len(answers)).Draw(t, "where")
		never("a refusal", Standing(slices.Insert(slices.Clone(answers), at, more), guardians, class, "play", since))
		if since > 0 { // 0 is not knowing, the strictest of all
			never("a later change", Standing(answers, guardians, class, "play", since+1))
			never("not knowing since when", Standing(answers, guardians, class, "play", 0))
		}
		if len(guardians) > 0 {
			i := rapid.IntRange(0, len(guardians)-1).Draw(t, "lost")
			if guardians[i].Relation != family.Self { // that a minor was asked is a restriction, too
				never("a lost guardian", Standing(answers, slices.Delete(slices.Clone(guardians), i, i+1), class, "play", since))
			}
			unverified := slices.Clone(guardians)
			unverified[i].VerifiedAt, unverified[i].Strength = time.Time{}, 0
			never("a guardian who isn't verified", Standing(answers, unverified, class, "play", since))
		}
		if before.Granted {
			a := answers[slices.IndexFunc(answers, func(a Answer) bool { return a.ID == before.Consent && a.Granted })]
			if a.Charter < since || since < 1 || a.Purpose != "play" {
				t.Fatalf("granted by %+v, asked since %d", a, since)
			}
		}
	})
}

// The same facts in another order are the same facts: the replay meets them in
// the ledger's order.
func TestInvariant7_TheVerdictDoesNotDependOnOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		answers := drawAnswers(t)
		guardians, class := drawGuardians(t), drawClass(t)
		since := rapid.Int64Range(0, 4).Draw(t, "since")
		shuffled := rapid.Permutation(answers).Draw(t, "shuffled")
		if a, b := Standing(answers, guardians, class, "play", since), Standing(shuffled, guardians, class, "play", since); a != b {
			t.Fatalf("%+v, shuffled %+v", a, b)
		}
	})
}

// Edge case 24: when a proof turns out to be false, what was granted with it is
// worth what is still proved.
func TestEdgeCase24_AGrantIsNoStrongerThanItsGuardianIsNow(t *testing.T) {
	g := family.Guardian{ID: "gu_a", Relation: family.Parent, Strength: family.OneTimeCode, VerifiedAt: time.Unix(1, 0)}
	a := Answer{ID: "co_a", Guardian: "gu_a", Purpose: "p", Charter: 1, Granted: true, GivenAt: time.Unix(2, 0), Strength: family.Document}
	v := Standing([]Answer{a}, []family.Guardian{g}, age.Child, "p", 1)
	if !v.Granted || v.Strength != family.OneTimeCode {
		t.Errorf("a grant given with a document of a guardian who is at a one-time code now: %+v", v)
	}
}
