package gate_test

import (
	"reflect"
	"slices"
	"testing"

	"wardkeep/internal/charter"
	"wardkeep/internal/family"
	"wardkeep/internal/family/age"
	"wardkeep/internal/gate"
)

// comparing is the authority over what the open world's charter marks: the score.
func comparing(t testing.TB, w *world) (gate.Authority, []gate.Denial) {
	t.Helper()
	for i := range w.charter.Items {
		if w.charter.Items[i].Name == "score" {
			w.charter.Items[i].ScreenedAs = charter.AsOther
		}
	}
	return gate.DecideComparing(w.facts.Service, w.facts.Published, gate.Comparing{Service: "xiaoxi", Items: []string{"score"}})
}

// Article 4: what is looked for is what the charter in force marks, and no more than that
// is opened, of one child, to be compared and for nothing else.
func TestArticle4_OnlyWhatTheCharterMarksIsCompared(t *testing.T) {
	w := open(t)
	a, reasons := comparing(t, w)
	if len(reasons) > 0 || !slices.Equal(a.Items(), []string{"score"}) {
		t.Fatalf("%v, %v", a, reasons)
	}
	w.facts.Held = []gate.Held{{Item: "score", Purpose: "speaking", Collected: now, Expires: now.AddDate(0, 1, 0)}, {Item: "voice", Purpose: "speaking", Collected: now, Expires: now.AddDate(0, 1, 0)}}
	p := a.Permit(w.facts)
	if !p.Allows("ch_1", gate.Compare, "score") || p.Allows("ch_1", charter.Use, "score") || p.Allows("ch_1", gate.View, "score") || p.Allows("ch_1", gate.Compare, "voice") || p.Allows("ch_2", gate.Compare, "score") {
		t.Errorf("%+v", p)
	}
	for name, c := range map[string]struct {
		code string
		ask  gate.Comparing
	}{
		"another service": {"gate.service_unknown", gate.Comparing{Service: "other", Items: []string{"score"}}},
		"nothing":         {"gate.no_items", gate.Comparing{Service: "xiaoxi"}},
		"unmarked":        {"gate.item_not_screened", gate.Comparing{Service: "xiaoxi", Items: []string{"voice"}}},
		"unknown":         {"gate.item_unknown", gate.Comparing{Service: "xiaoxi", Items: []string{"shoe"}}},
		"twice":           {"gate.item_twice", gate.Comparing{Service: "xiaoxi", Items: []string{"score", "score"}}},
	} {
		a, reasons := gate.DecideComparing(w.facts.Service, w.facts.Published, c.ask)
		if !slices.ContainsFunc(reasons, func(d gate.Denial) bool { return d.Code == c.code }) || a.Permit(w.facts).Allows("ch_1", gate.Compare, "score") {
			t.Errorf("%s: %v", name, reasons)
		}
	}
}

// What a child's own facts speak against isn't opened, whatever the authority says; a
// vacancy and the end that was announced take the protection from nobody.
func TestArticle4_WhoseValuesAreCompared(t *testing.T) {
	held := func(w *world) {
		w.facts.Held = []gate.Held{{Item: "score", Purpose: "speaking", Collected: now, Expires: now.AddDate(0, 1, 0)}}
	}
	for name, c := range map[string]struct {
		want   bool
		change func(w *world)
	}{
		"all is in order":            {true, func(*world) {}},
		"no officer":                 {true, func(w *world) { w.facts.Service.OfficerID = "" }},
		"in dispute":                 {true, func(w *world) { w.facts.Child.Disputed = true }},
		"frozen":                     {false, func(w *world) { w.facts.Child.Frozen = true }},
		"erased":                     {false, func(w *world) { w.facts.Child.State = family.Erased }},
		"nobody has answered":        {false, func(w *world) { w.facts.Child.State = family.Unconsented }},
		"of another service":         {false, func(w *world) { w.facts.Child.Service = "other" }},
		"grown up":                   {false, func(w *world) { w.facts.Age = age.Adult }},
		"its time is over":           {false, func(w *world) { w.facts.Held[0].Expires = now }},
		"for what nobody agreed to":  {false, func(w *world) { w.facts.Answers = nil }},
		"under a charter since":      {false, func(w *world) { w.facts.Service.Charter++ }},
		"of a charter recalled":      {false, func(w *world) { w.facts.Service.Recalled = true }},
		"for a purpose asked anew":   {false, func(w *world) { w.facts.Published.AskedSince = nil }},
		"of a guardian whose office": {false, func(w *world) { w.facts.Guardians[0].EndedAt = now }},
	} {
		w := open(t)
		a, reasons := comparing(t, w)
		if len(reasons) > 0 {
			t.Fatal(reasons)
		}
		held(w)
		c.change(w)
		if got := a.Permit(w.facts).Allows("ch_1", gate.Compare, "score"); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

// Invariant 3: a fact that is missing never permits.
func TestInvariant3_MissingFactsNeverCompare(t *testing.T) {
	fields := reflect.TypeFor[gate.Facts]()
	for i := range fields.NumField() {
		w := open(t)
		a, _ := comparing(t, w)
		w.facts.Held = []gate.Held{{Item: "score", Purpose: "speaking", Collected: now, Expires: now.AddDate(0, 1, 0)}}
		reflect.ValueOf(&w.facts).Elem().Field(i).SetZero()
		beside := []string{"Now", "Party", "Access", "Storage", "Border", "Key"} // what ends is the value's own, and nothing leaves
		if name := fields.Field(i).Name; a.Permit(w.facts).Allows("ch_1", gate.Compare, "score") != slices.Contains(beside, name) {
			t.Errorf("without the fact %s", name)
		}
	}
	if (gate.Authority{}).Permit(open(t).facts).Allows("ch_1", gate.Compare, "score") {
		t.Error("nothing permits something")
	}
}
