package gate_test

import (
	"maps"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"wardkeep/internal/approval"
	"wardkeep/internal/border"
	"wardkeep/internal/charter"
	"wardkeep/internal/family"
	"wardkeep/internal/gate"
	"wardkeep/internal/party"
)

// relaxing changes set a fact back, or put one in the place of a worse one.
var relaxing = []string{"all is in order", "age not known", "age fact missing", "voice has a second left", "unanswered for an hour",
	"voice is for reports and too old for speaking", "turned 14", "turned 18", "the minor agreed", "a child again", "the mother agreed anew", "reports agreed too",
	"club agreed too", "voice is a month old and for the club",
	"examiner is assessed", "a second is left of the assessment", "a second is left of the agreement", "the agreement begins now", "the party ends in a second",
	"the charter tells of a contract", "the contract is on file", "the storage is registered", "its contract is on file",
	"9998 have crossed this year", "the child is among them", "it is by an assessment"}

var uses = []gate.Use{
	{Service: "xiaoxi", Child: "ch_1", Activity: charter.Collect, Purpose: "speaking", Items: []string{"voice"}},
	{Service: "xiaoxi", Child: "ch_1", Activity: charter.Use, Purpose: "speaking", Items: []string{"voice", "score"}},
	{Service: "xiaoxi", Child: "ch_1", Activity: charter.Disclose, Purpose: "speaking", Items: []string{"score"}, Party: "class"},
	{Service: "xiaoxi", Child: "ch_1", Activity: charter.Use, Purpose: "reports", Items: []string{"score"}},
	{Service: "xiaoxi", Child: "ch_1", Activity: charter.Use, Purpose: "club", Items: []string{"voice"}},
	{Service: "xiaoxi", Child: "ch_1", Activity: charter.Entrust, Purpose: "speaking", Items: []string{"voice", "score"}, Party: "yuping"},
}

func TestARestrictionNeverTurnsADenialIntoAPermit(t *testing.T) {
	restricting := slices.DeleteFunc(slices.Sorted(maps.Keys(changes)), func(name string) bool { return slices.Contains(relaxing, name) })
	rapid.Check(t, func(rt *rapid.T) {
		some := rapid.SliceOfN(rapid.SampledFrom(restricting), 0, 4).Draw(rt, "given")
		more := rapid.SampledFrom(restricting).Draw(rt, "more")
		u := rapid.SampledFrom(uses).Draw(rt, "use")
		w := open(t)
		for _, name := range some {
			apply(w, name)
		}
		_, before := gate.Decide(w.facts, gate.ByApp(w.app), u)
		apply(w, more)
		permit, after := gate.Decide(w.facts, gate.ByApp(w.app), u)
		if len(before) > 0 && len(after) == 0 {
			rt.Fatalf("%v is denied, but with %q permitted", some, more)
		}
		if (len(after) == 0) != permit.Allows(u.Child, u.Activity, u.Items[0]) {
			rt.Fatalf("the permit and the reasons disagree: %v", after)
		}
	})
}

// An event never turns a denial into a permit, and never makes a permit last
// longer, whatever was reported before.
func TestArticle12_AnEventNeverTurnsADenialIntoAPermit(t *testing.T) {
	moment := func(rt *rapid.T, label string) time.Time {
		return now.Add(time.Duration(rapid.IntRange(-40, 40).Draw(rt, label)) * day)
	}
	rapid.Check(t, func(rt *rapid.T) {
		w := open(t)
		apply(w, "club agreed too")
		apply(w, "reports agreed too")
		for i := range w.facts.Held {
			w.facts.Held[i] = gate.Held{Item: w.facts.Held[i].Item, Purpose: rapid.SampledFrom([]string{"speaking", "reports", "club"}).Draw(rt, "for"),
				Collected: moment(rt, "collected"), Expires: moment(rt, "expires")}
		}
		u := rapid.SampledFrom(uses).Draw(rt, "use")
		before, reasons := gate.Decide(w.facts, gate.ByApp(w.app), u)
		for range rapid.IntRange(1, 4).Draw(rt, "events") {
			w.facts.Child.Endings = append(w.facts.Child.Endings, family.Ending{Event: rapid.SampledFrom([]string{"left", "moved"}).Draw(rt, "event"),
				Purpose: rapid.SampledFrom([]string{"speaking", "club", "former"}).Draw(rt, "ends"), Happened: moment(rt, "happened"), Ends: moment(rt, "end")})
			after, more := gate.Decide(w.facts, gate.ByApp(w.app), u)
			if len(reasons) > 0 && len(more) == 0 {
				rt.Fatalf("denied for %v, but with %v permitted", reasons, w.facts.Child.Endings)
			}
			if len(more) == 0 && slices.ContainsFunc(u.Items, func(item string) bool { return after.Expires(item) > before.Expires(item) }) {
				rt.Fatalf("with %v it lasts longer", w.facts.Child.Endings)
			}
			before, reasons = after, more
		}
	})
}

func denials(f gate.Facts, by gate.Actor, u gate.Use) []gate.Denial {
	_, reasons := gate.Decide(f, by, u)
	return reasons
}

// apply makes a change, unless what it changes is gone already.
func apply(w *world, name string) {
	if name == "the father refused" || name == "the father refused reports" || len(w.facts.Guardians) > 0 && len(w.facts.Answers) > 0 {
		changes[name](w)
	}
}

// Invariant 3: a fact that is missing never permits.
func TestInvariant3_MissingFactsNeverPermit(t *testing.T) {
	fields := reflect.TypeFor[gate.Facts]()
	for _, u := range append(slices.Clone(uses[:3]), uses[5]) {
		for i := range fields.NumField() {
			name := fields.Field(i).Name
			w := open(t)
			if _, reasons := gate.Decide(w.facts, gate.ByApp(w.app), u); len(reasons) > 0 {
				t.Fatalf("the open world is closed: %v", reasons)
			}
			reflect.ValueOf(&w.facts).Elem().Field(i).SetZero()
			_, reasons := gate.Decide(w.facts, gate.ByApp(w.app), u)
			// Without a value there is nothing to read: that is no reason. And the
			// time is not loaded, it is the transaction's; nor is a party that isn't named, nor a
			// key where none has signed, nor a storage at home, nor who has crossed no border.
			if len(reasons) == 0 && name != "Held" && name != "Now" && name != "Key" && name != "Access" && name != "Storage" && name != "Border" && (name != "Party" || u.Party == "yuping") {
				t.Errorf("%s is permitted without the fact %s", u.Activity, name)
			}
			if _, reasons := gate.Decide(w.facts, gate.ByParty(w.pull), u); len(reasons) == 0 && name != "Held" && name != "Now" && name != "Access" && name != "Storage" && name != "Border" {
				t.Errorf("%s is permitted to a party without the fact %s", u.Activity, name)
			}
		}
		w := open(t)
		for _, name := range []string{"the storage is abroad", "the charter tells of a contract", "the storage is registered", "its contract is on file"} {
			apply(w, name)
		}
		if _, reasons := gate.Decide(w.facts, gate.ByApp(w.app), u); len(reasons) > 0 {
			t.Fatalf("the world abroad is closed: %v", reasons)
		}
		if w.facts.Storage = (party.Standing{}); len(denials(w.facts, gate.ByApp(w.app), u)) == 0 {
			t.Errorf("%s is permitted abroad without the fact Storage", u.Activity)
		}
		apply(w, "the storage is registered")
		apply(w, "its contract is on file")
		if w.facts.Border = (border.Count{}); len(denials(w.facts, gate.ByApp(w.app), u)) == 0 {
			t.Errorf("%s is permitted abroad without the fact Border", u.Activity)
		}
		w = open(t)
		for _, name := range []string{"the charter tells of a contract", "the charter tells that it is read there", "who reads there is registered"} {
			apply(w, name)
		}
		abroad := w.app
		abroad.Country = "SG"
		if _, reasons := gate.Decide(w.facts, gate.ByApp(abroad), u); len(reasons) == 0 {
			t.Errorf("%s is permitted to somebody abroad without the mechanism", u.Activity)
		}
		w = open(t)
		if _, reasons := gate.Decide(w.facts, gate.Actor{}, u); len(reasons) == 0 {
			t.Errorf("%s is permitted to nobody", u.Activity)
		}
		if _, reasons := gate.Decide(gate.Facts{}, gate.Actor{}, gate.Use{}); len(reasons) == 0 {
			t.Error("nothing permits nothing")
		}
	}
}

func TestInvariant1_TheZeroPermitOpensNothing(t *testing.T) {
	for _, a := range charter.Activities {
		if (gate.Permit{}).Allows("", a, "") || (gate.Permit{}).Allows("ch_1", a, "voice") {
			t.Errorf("the zero permit allows to %s", a)
		}
	}
	w := open(t)
	permit, reasons := gate.Decide(w.facts, gate.ByApp(w.app), uses[1])
	if len(reasons) > 0 {
		t.Fatal(reasons)
	}
	for _, wrong := range []bool{
		permit.Allows("ch_2", charter.Use, "voice"), permit.Allows("ch_1", charter.Collect, "voice"), permit.Allows("ch_1", charter.Use, "school"),
	} {
		if wrong {
			t.Error("a permit allows more than was asked")
		}
	}
}

// What a caller sends as a name never gets into the ledger.
func TestKnownHidesNamesThatTheCharterLacks(t *testing.T) {
	w := open(t)
	sent := []string{"王小明", "voice", "王小明", "138"}
	u := gate.Use{Service: "xiaoxi", Child: "ch_1", Activity: "偷看", Purpose: "给爸爸", Items: sent, Party: "同学"}
	got := u.Known(w.facts.Published.Charter)
	want := []string{"?3", "voice", "?3", "?4"}
	if !slices.Equal(got.Items, want) || got.Purpose != "?1" || got.Party != "?2" || got.Activity != "?" || sent[0] != "王小明" {
		t.Errorf("got %+v", got)
	}
	if got := (gate.Use{Purpose: "x", Items: []string{"y"}}).Known(nil); got.Purpose != "?1" || got.Items[0] != "?2" {
		t.Errorf("without a charter: %+v", got)
	}
}

// Article 18: to what kind of body something goes on a basis is for persons inside to say.
func TestArticle18_AnAppNamesNoReceiverOfABasis(t *testing.T) {
	w := open(t)
	for _, name := range approval.Parties() {
		u := gate.Use{Service: "xiaoxi", Child: "ch_1", Activity: charter.Disclose, Purpose: "speaking", Items: []string{"score"}, Party: name}
		if got := u.Known(w.facts.Published.Charter); got.Party != "?1" {
			t.Errorf("an app's use names %s", got.Party)
		}
		if got := u.KnownInside(w.facts.Published.Charter); got.Party != name {
			t.Errorf("the use of a person inside names %s and not %s", got.Party, name)
		}
	}
}

func BenchmarkDecide(b *testing.B) {
	w := open(b)
	by := gate.ByApp(w.app)
	for b.Loop() {
		if _, reasons := gate.Decide(w.facts, by, uses[1]); len(reasons) > 0 {
			b.Fatal(reasons)
		}
	}
}
