package gate_test

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"wardkeep/internal/charter"
	"wardkeep/internal/family"
	"wardkeep/internal/family/age"
	"wardkeep/internal/gate"
)

func look(w *world) (family.Guardian, gate.Access) {
	g := w.facts.Guardians[0]
	g.Child, g.Strength = "ch_1", family.OneTimeCode
	return g, gate.Access{Service: "xiaoxi", Child: "ch_1", Items: []string{"voice"}}
}

// The right to see what is held hangs on no consent and on no officer: what ends
// every use leaves it as it is (PIPL 45).
func TestPIPL45_AGuardianSeesWhateverIsHeld(t *testing.T) {
	for _, name := range []string{"all is in order", "no service", "no charter", "no officer", "no deputy", "frozen", "disputed",
		"unanswered for a day", "turned 14", "age not known", "never asked", "refused", "asked again since", "verified by one-time code",
		"the father refused", "the service ends", "speaking ends", "voice has a second left", "voice is for reports and too old for speaking", "left before there was a club"} {
		w := open(t)
		changes[name](w)
		by, a := look(w)
		if _, reasons := gate.DecideAccess(w.facts, by, a); len(reasons) > 0 {
			t.Errorf("%s: %v", name, reasons)
		}
	}
}

func TestPIPL45_NobodyElseSeesAnything(t *testing.T) {
	for name, c := range map[string]struct {
		code   string
		change func(w *world, by *family.Guardian, a *gate.Access)
	}{
		"another child's guardian": {"gate.child_unknown", func(_ *world, by *family.Guardian, _ *gate.Access) { by.Child = "ch_2" }},
		"another child":            {"gate.child_unknown", func(_ *world, _ *family.Guardian, a *gate.Access) { a.Child = "ch_2" }},
		"another service":          {"gate.child_unknown", func(_ *world, _ *family.Guardian, a *gate.Access) { a.Service = "other" }},
		"an erased child":          {"gate.child_erased", func(w *world, _ *family.Guardian, _ *gate.Access) { w.facts.Child.State = family.Erased }},
		"nobody":                   {"gate.access_not_guardian", func(_ *world, by *family.Guardian, _ *gate.Access) { by.ID = "gu_other" }},
		"a former guardian":        {"gate.access_not_guardian", func(w *world, _ *family.Guardian, _ *gate.Access) { w.facts.Guardians[0].EndedAt = now }},
		"a grandparent":            {"gate.access_not_guardian", func(w *world, _ *family.Guardian, _ *gate.Access) { w.facts.Guardians[0].Relation = family.Grandparent }},
		"an unverified guardian":   {"gate.access_not_guardian", func(w *world, _ *family.Guardian, _ *gate.Access) { w.facts.Guardians[0].VerifiedAt = time.Time{} }},
		"from whom it is hidden": {gate.CodeHidden, func(w *world, _ *family.Guardian, _ *gate.Access) {
			w.facts.Guardians[0].HiddenUntil = now.Add(time.Microsecond)
		}},
		"who has shown nothing": {"gate.access_unproved", func(_ *world, by *family.Guardian, _ *gate.Access) { by.Strength = family.Unproved }},
		"who claims too much":   {"gate.access_unproved", func(_ *world, by *family.Guardian, _ *gate.Access) { by.Strength = family.Document + 1 }},
		"of an adult":           {"gate.access_grown", func(w *world, _ *family.Guardian, _ *gate.Access) { w.facts.Age = age.Adult }},
		"of no age":             {"gate.access_grown", func(w *world, _ *family.Guardian, _ *gate.Access) { w.facts.Age = "" }},
		"nothing":               {"gate.no_items", func(_ *world, _ *family.Guardian, a *gate.Access) { a.Items = nil }},
		"twice":                 {"gate.item_twice", func(_ *world, _ *family.Guardian, a *gate.Access) { a.Items = []string{"voice", "voice"} }},
		"what isn't held":       {"gate.access_not_held", func(w *world, _ *family.Guardian, _ *gate.Access) { w.facts.Held = nil }},
		"what is over": {"gate.value_expired", func(w *world, _ *family.Guardian, _ *gate.Access) {
			for i := range w.facts.Held {
				w.facts.Held[i].Expires = now
			}
		}},
	} {
		w := open(t)
		by, a := look(w)
		if permit, reasons := gate.DecideAccess(w.facts, by, a); len(reasons) > 0 || !permit.Allows("ch_1", gate.View, "voice") || permit.Allows("ch_1", charter.Use, "voice") {
			t.Fatalf("the open world is closed: %v", reasons)
		}
		c.change(w, &by, &a)
		permit, reasons := gate.DecideAccess(w.facts, by, a)
		if !slices.ContainsFunc(reasons, func(d gate.Denial) bool { return d.Code == c.code }) || permit.Allows("ch_1", gate.View, "voice") {
			t.Errorf("%s: %v", name, reasons)
		}
	}
}

// Edge case 22: who is the threat sees nothing and takes no copy, not even of nothing, until
// the very moment at which it ends; the other guardian isn't touched.
func TestEdgeCase22_WhoIsTheThreatSeesNothing(t *testing.T) {
	for name, c := range map[string]struct {
		until  time.Time
		hidden bool
	}{"never": {}, "a moment left": {now.Add(time.Microsecond), true}, "ninety days": {now.Add(90 * 24 * time.Hour), true}, "over now": {now, false}, "long over": {now.Add(-time.Hour), false}} {
		for _, demand := range []string{"", "rr_1"} {
			w := open(t)
			by, a := look(w)
			a.Demand = demand
			other := w.facts.Guardians[0]
			other.ID = "gu_other"
			w.facts.Guardians = append(w.facts.Guardians, other)
			w.facts.Guardians[0].HiddenUntil = c.until
			permit, reasons := gate.DecideAccess(w.facts, by, a)
			if hid := slices.Equal(reasons, []gate.Denial{{Code: gate.CodeHidden, Article: "1"}}); hid != c.hidden || hid == permit.Allows("ch_1", a.Activity(), "voice") {
				t.Errorf("%s: %v", name, reasons)
			}
			other.Child, other.Strength = "ch_1", family.OneTimeCode
			if _, reasons := gate.DecideAccess(w.facts, other, a); len(reasons) > 0 {
				t.Errorf("%s: the other guardian: %v", name, reasons)
			}
			if a.Items = nil; demand != "" {
				if _, reasons := gate.DecideAccess(w.facts, by, a); (len(reasons) > 0) != c.hidden {
					t.Errorf("%s: a copy of nothing: %v", name, reasons)
				}
			}
		}
	}
}

// Edge case 24: what leaves as a file takes more than a code, where the caller says so;
// what a guardian has shown since it came in doesn't count for it, and what it has proved
// does. A copy of nothing is one, and a permit for it shows nothing at home.
func TestEdgeCase24_ACopyTakesAStrongerProof(t *testing.T) {
	w := open(t)
	by, a := look(w)
	a.Demand, a.Needs = "rr_1", family.NameAndNumber
	for strength, want := range map[family.Strength]bool{family.OneTimeCode: false, family.NameAndNumber: true, family.Document: true} {
		w.facts.Guardians[0].Strength = strength
		permit, reasons := gate.DecideAccess(w.facts, by, a)
		if (len(reasons) == 0) != want || permit.Allows("ch_1", gate.Copy, "voice") != want || permit.Allows("ch_1", gate.View, "voice") {
			t.Errorf("%d: %v", strength, reasons)
		}
		if !want && reasons[0].Code != "gate.access_weak" {
			t.Error(reasons)
		}
	}
	w.facts.Guardians[0].Strength, a.Needs = family.OneTimeCode, family.Unproved
	if _, reasons := gate.DecideAccess(w.facts, by, a); len(reasons) > 0 {
		t.Errorf("nothing stronger is offered: %v", reasons)
	}
	a.Items, w.facts.Held = nil, nil
	if _, reasons := gate.DecideAccess(w.facts, by, a); len(reasons) > 0 {
		t.Errorf("a copy of nothing: %v", reasons)
	}
	w.facts.Guardians[0].EndedAt = now
	if _, reasons := gate.DecideAccess(w.facts, by, a); len(reasons) == 0 {
		t.Error("a former guardian gets a copy of nothing")
	}
}

// Invariant 3: a fact that is missing never permits.
func TestInvariant3_MissingFactsNeverShow(t *testing.T) {
	// No charter, service, party or answer is weighed, and the time isn't loaded.
	unweighed := []string{"Now", "Service", "Published", "Answers", "Party", "Access", "Storage", "Border", "Key"}
	fields := reflect.TypeFor[gate.Facts]()
	for i := range fields.NumField() {
		w := open(t)
		by, a := look(w)
		reflect.ValueOf(&w.facts).Elem().Field(i).SetZero()
		_, reasons := gate.DecideAccess(w.facts, by, a)
		if name := fields.Field(i).Name; (len(reasons) == 0) != slices.Contains(unweighed, name) {
			t.Errorf("without the fact %s: %v", name, reasons)
		}
	}
	if _, reasons := gate.DecideAccess(gate.Facts{}, family.Guardian{}, gate.Access{}); len(reasons) == 0 {
		t.Error("nothing permits nothing")
	}
}
