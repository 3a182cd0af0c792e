package gate_test

import (
	"reflect"
	"slices"
	"testing"

	"wardkeep/internal/charter"
	"wardkeep/internal/gate"
)

// Nobody inside sees anything by an approval of which a fact is missing, nor by none
// (invariants 3 and 11).
func TestInvariant11_TheZeroLookOpensNothing(t *testing.T) {
	u := gate.Use{Service: "xiaoxi", Child: "ch_1", Activity: charter.Use, Purpose: "speaking", Items: []string{"voice"}}
	w := open(t)
	if permit, reasons := gate.Decide(w.facts, gate.ByStaff(w.look), u); len(reasons) > 0 || !permit.Allows("ch_1", charter.Use, "voice") {
		t.Fatalf("the open world is closed: %v", reasons)
	}
	if permit, reasons := gate.Decide(w.facts, gate.ByStaff(gate.Look{}), u); len(reasons) == 0 || permit.Allows("ch_1", charter.Use, "voice") {
		t.Error("the zero look opens something")
	}
	// Counts begin with none, and what was asked, when and why is weighed by who decides.
	unweighed := []string{"Looks", "Suspended", "Glass", "Export", "Key", "First", "FirstFor", "Burst", "BurstIn", "Alarms", "Decoy", "Number", "Items", "Reason", "Minutes", "AskedAt", "AnswerBy", "Answer", "EndedAt", "EndedBy", "Why",
		"Basis", "Officer", "ReleasedAt", "ToldAt"}
	zeroes := func(of func(w *world) reflect.Value) {
		for i := range of(open(t)).NumField() {
			w := open(t)
			field, name := of(w).Field(i), of(w).Type().Field(i).Name
			if !field.CanSet() {
				continue
			}
			field.SetZero()
			if _, reasons := gate.Decide(w.facts, gate.ByStaff(w.look), u); (len(reasons) == 0) != slices.Contains(unweighed, name) {
				t.Errorf("without %s: %v", name, reasons)
			}
		}
	}
	zeroes(func(w *world) reflect.Value { return reflect.ValueOf(&w.look).Elem() })
	zeroes(func(w *world) reflect.Value { return reflect.ValueOf(&w.look.Request).Elem() })
}

// Article 18: a basis of which a fact is missing releases nothing, but who is told of it and
// when; nor does one without an officer's yes.
func TestArticle18_ABasisWithoutAFactReleasesNothing(t *testing.T) {
	law := func() *world {
		w := open(t)
		apply(w, "a law demands it")
		apply(w, "refused") // by the guardian
		w.look.Export = true
		return w
	}
	decide := func(w *world) (gate.Permit, []gate.Denial) {
		return gate.Decide(w.facts, gate.ByStaff(w.look), gate.UseBy(w.look.Request, "voice", "score"))
	}
	if permit, reasons := decide(law()); len(reasons) > 0 || !permit.Allows("ch_1", charter.Disclose, "voice") || permit.Allows("ch_1", charter.Use, "voice") {
		t.Fatalf("by a whole basis: %v", reasons)
	}
	of := reflect.TypeOf(law().look.Request.Basis)
	for i := range of.NumField() {
		w, name := law(), of.Field(i).Name
		reflect.ValueOf(&w.look.Request.Basis).Elem().Field(i).SetZero()
		if _, reasons := decide(w); (len(reasons) == 0) != slices.Contains([]string{"Silence", "SilentUntil"}, name) {
			t.Errorf("without %s: %v", name, reasons)
		}
	}
	w := law()
	w.look.Request.Officer = false
	if _, reasons := decide(w); len(reasons) == 0 {
		t.Error("without an officer's yes something is released")
	}
}
