package consent

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"wardkeep/internal/family"
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
		if got := Standing(c.answers, c.guardians, "play", c.since); got != c.want {
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
		g.Relation = rapid.SampledFrom([]family.Relation{family.Parent, family.Teacher, family.Institution}).Draw(t, "relation")
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
		guardians := drawGuardians(t)
		since := rapid.Int64Range(0, 4).Draw(t, "since")
		before := Standing(answers, guardians, "play", since)
		never := func(what string, v Verdict) {
			if v.Granted && !before.Granted {
				t.Fatalf("%s grants: %+v before, %+v after", what, before, v)
			}
		}

		more := drawAnswer(t, "one more")
		more.Granted = false
		at := rapid.IntRange(0, len(answers)).Draw(t, "where")
		never("a refusal", Standing(slices.Insert(slices.Clone(answers), at, more), guardians, "play", since))
		if since > 0 { // 0 is not knowing, the strictest of all
			never("a later change", Standing(answers, guardians, "play", since+1))
			never("not knowing since when", Standing(answers, guardians, "play", 0))
		}
		if len(guardians) > 0 {
			i := rapid.IntRange(0, len(guardians)-1).Draw(t, "lost")
			never("a lost guardian", Standing(answers, slices.Delete(slices.Clone(guardians), i, i+1), "play", since))
			unverified := slices.Clone(guardians)
			unverified[i].VerifiedAt, unverified[i].Strength = time.Time{}, 0
			never("a guardian who isn't verified", Standing(answers, unverified, "play", since))
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
		guardians := drawGuardians(t)
		since := rapid.Int64Range(0, 4).Draw(t, "since")
		shuffled := rapid.Permutation(answers).Draw(t, "shuffled")
		if a, b := Standing(answers, guardians, "play", since), Standing(shuffled, guardians, "play", since); a != b {
			t.Fatalf("%+v, shuffled %+v", a, b)
		}
	})
}

// Edge case 24: when a proof turns out to be false, what was granted with it is
// worth what is still proved.
func TestEdgeCase24_AGrantIsNoStrongerThanItsGuardianIsNow(t *testing.T) {
	g := family.Guardian{ID: "gu_a", Relation: family.Parent, Strength: family.OneTimeCode, VerifiedAt: time.Unix(1, 0)}
	a := Answer{ID: "co_a", Guardian: "gu_a", Purpose: "p", Charter: 1, Granted: true, GivenAt: time.Unix(2, 0), Strength: family.Document}
	v := Standing([]Answer{a}, []family.Guardian{g}, "p", 1)
	if !v.Granted || v.Strength != family.OneTimeCode {
		t.Errorf("a grant given with a document of a guardian who is at a one-time code now: %+v", v)
	}
}
