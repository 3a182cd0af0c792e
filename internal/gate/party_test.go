package gate_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"wardkeep/internal/charter"
	"wardkeep/internal/family"
	"wardkeep/internal/gate"
	"wardkeep/internal/party"
)

// A combination is one of all there are, in words: each is a point of one dimension.
type combination struct {
	role, state, assessment, agreement, border, storage, count, grant string
	unnamed, ungiven, subs, overdue                                   bool
}

// dimensions are the points of each.
var dimensions = struct{ states, assessments, agreements, borders, storages, counts, grants []string }{
	states:      []string{"nobody", "another role", "well", "suspended", "ended now", "ends later"},
	assessments: []string{"none", "failed", "over", "other purpose", "one item", "valid", "last second"},
	agreements:  []string{"none", "to come", "over", "other purpose", "one item", "valid", "first second", "last second"},
	borders: []string{"home", "charter untold", "charter none", "charter other", "charter over", "charter to come", "charter filed",
		"register untold", "register none", "register filed", "elsewhere filed"},
	storages: []string{"home", "untold", "none", "other", "over", "to come", "suspended", "elsewhere", "filed"},
	counts:   []string{"few", "last", "reached", "among them", "year before", "by an assessment"},
	grants:   []string{"yes", "one-time code", "none"},
}

// facts builds what the gate is given.
func (c combination) facts(t testing.TB) (*world, gate.Use) {
	w := open(t)
	w.facts.Held = nil
	f, before, after := &w.facts, now.Add(-time.Hour), now.Add(time.Hour)
	u := gate.Use{Service: "xiaoxi", Child: "ch_1", Activity: charter.Entrust, Purpose: "speaking", Items: []string{"voice", "score"}, Party: "yuping"}
	of := party.ID{Service: "xiaoxi", Role: party.Processor, Name: "yuping"}
	q, r := &w.charter.Processors[0], &w.charter.Recipients[0]
	if c.role == "recipient" {
		u.Activity, u.Party = charter.Transfer, "examiner"
		of.Role, of.Name = party.Recipient, "examiner"
	}
	if c.unnamed {
		w.charter.Purposes[0].Processors, w.charter.Purposes[0].Recipients = nil, nil
	}
	if c.ungiven {
		q.Items, r.Items = []string{"voice"}, []string{"voice"}
	}
	if c.overdue {
		f.Service.Overdue = "somebody " + u.Party
	}
	both := party.Scope{"speaking": {"score", "voice"}}
	term := func(point string) party.Term {
		is := party.Term{ID: "pp_1", Passed: true, Scope: both, From: before, Until: after}
		switch point {
		case "none":
			return party.Term{}
		case "failed":
			is.Passed = false
		case "to come":
			is.From = now.Add(time.Microsecond)
		case "first second":
			is.From = now
		case "over":
			is.Until = now
		case "last second":
			is.Until = now.Add(time.Microsecond)
		case "other purpose":
			is.Scope = party.Scope{"reports": {"score", "voice"}}
		case "one item":
			is.Scope = party.Scope{"speaking": {"voice"}}
		}
		return is
	}
	f.Party = party.Standing{ID: of, Country: charter.Home, Assessment: term(c.assessment), Agreement: term(c.agreement)}
	if c.role == "recipient" {
		f.Party.Agreement = party.Term{}
	}
	if c.subs {
		f.Party.Subs = []string{"somebody"}
	}
	if where, point, abroad := strings.Cut(c.border, " "); abroad {
		if where != "register" {
			q.Country, r.Country = "HK", "HK"
		}
		if where != "charter" {
			f.Party.Country = map[string]string{"register": "HK", "elsewhere": "SG"}[where]
		}
		kind := party.Contract
		if point != "untold" {
			w.charter.Purposes[0].CrossBorder = &charter.CrossBorder{Mechanism: charter.StandardContract}
		}
		if point == "other" {
			kind = party.Certified
		}
		f.Party.Mechanism = term(point)
		f.Party.Mechanism.Kind = kind
	}
	if c.storage != "home" {
		w.charter.Storage.Country = "SG"
		f.Storage = party.Standing{ID: party.StorageOf("xiaoxi"), Country: "SG", Mechanism: term(c.storage)}
		f.Storage.Mechanism.Kind = party.Contract
		switch c.storage {
		case "untold":
			w.charter.Purposes[0].CrossBorder = nil
		case "other":
			f.Storage.Mechanism.Kind = party.Certified
		case "suspended":
			f.Storage.Halted = party.Other
		case "elsewhere":
			f.Storage.Country = "HK"
		}
		if c.storage != "untold" {
			w.charter.Purposes[0].CrossBorder = &charter.CrossBorder{Mechanism: charter.StandardContract}
		}
	}
	f.Border.Persons = map[string]int64{"few": 5, "last": 9_998}[c.count]
	switch c.count {
	case "reached", "among them", "by an assessment":
		f.Border.Persons, f.Border.Crossed = 9_999, c.count == "among them"
	case "year before":
		f.Border.Year--
	}
	if told := w.charter.Purposes[0].CrossBorder; told != nil && c.count == "by an assessment" {
		told.Mechanism = charter.SecurityAssessment
		for _, m := range []*party.Term{&f.Party.Mechanism, &f.Storage.Mechanism} {
			if m.Kind == party.Contract {
				m.Kind = party.CAC
			}
		}
	}
	switch c.state {
	case "nobody":
		f.Party = party.Standing{}
	case "another role":
		f.Party.Role = map[party.Role]party.Role{party.Processor: party.Recipient, party.Recipient: party.Processor}[of.Role]
	case "suspended":
		f.Party.Halted = party.Other
	case "ended now":
		f.Party.EndsAt = now
	case "ends later":
		f.Party.EndsAt = now.Add(time.Microsecond)
	}
	switch c.grant {
	case "one-time code":
		f.Answers[0].Strength = family.OneTimeCode
	case "none":
		f.Answers = nil
	}
	return w, u
}

// oracle says what the law makes of a combination, from its words and not from the facts.
func (c combination) oracle() []string {
	codes := make(map[string]bool)
	deny := func(code string, when bool) {
		if when {
			codes[code] = true
		}
	}
	processor := c.role == "processor"
	article := map[bool]string{true: "16:", false: "17:"}[processor]
	where, point, _ := strings.Cut(c.border, " ")
	// What the charter tells of a purpose, it tells of the storage and of who else is abroad.
	switch {
	case c.storage == "untold" && where != "home":
		point = "untold"
	case c.storage != "home" && point == "untold":
		point = "filed"
	}
	// One child more, by what carries fewer than 10,000.
	if told := point != "untold" && c.storage != "untold"; told && (c.count == "reached" || c.count == "year before") {
		deny(map[bool]string{true: article, false: "3:"}[c.storage == "home"]+"border_threshold", c.storage != "home" || where == "charter" || where == "elsewhere")
	}
	deny("3:storage_undeclared", c.storage == "untold" || c.storage == "elsewhere")
	deny("3:storage_mechanism_missing", c.storage == "none" || c.storage == "other")
	deny("3:storage_mechanism_over", c.storage == "over" || c.storage == "to come")
	deny("3:storage_suspended", c.storage == "suspended")
	deny("9:consent_missing", c.grant == "none")
	deny("9:verification_too_weak", c.grant == "one-time code" && (!processor || c.storage != "home" || where == "charter" || where == "elsewhere"))
	deny("16:orders_overdue", c.overdue)
	deny(map[bool]string{true: "16:processor_unknown", false: "17:recipient_unknown"}[processor], c.unnamed)
	if c.state == "nobody" || c.state == "another role" {
		deny(map[bool]string{true: "16:processor_not_engaged", false: "17:recipient_not_assessed"}[processor], true)
		return slices.Sorted(maps.Keys(codes))
	}
	deny(article+"party_suspended", c.state == "suspended")
	deny(article+"party_ended", c.state == "ended now")
	deny(article+"sub_processor", c.subs)
	deny(article+"item_not_for_party voice", c.unnamed)
	deny(article+"item_not_for_party score", c.unnamed || c.ungiven)
	deny(map[bool]string{true: "16:processor_not_assessed", false: "17:recipient_not_assessed"}[processor], c.assessment == "none")
	deny(article+"assessment_failed", c.assessment == "failed")
	deny(article+"assessment_over", c.assessment == "over")
	deny(article+"purpose_not_assessed", c.assessment == "other purpose")
	deny(article+"item_not_assessed score", c.assessment == "one item")
	deny("16:agreement_missing", processor && c.agreement == "none")
	deny("16:agreement_not_begun", processor && c.agreement == "to come")
	deny("16:agreement_over", processor && c.agreement == "over")
	deny("16:purpose_not_agreed", processor && c.agreement == "other purpose")
	deny("16:item_not_agreed score", processor && c.agreement == "one item")
	deny(article+"border_undeclared", point == "untold" || where == "register" || where == "elsewhere") // guardians were told that it is at home, or in another country
	deny(article+"border_mechanism_missing", where == "charter" && (point == "none" || point == "other"))
	deny(article+"border_mechanism_over", where == "charter" && (point == "over" || point == "to come"))
	return slices.Sorted(maps.Keys(codes))
}

// Every combination of how a party stands, its papers, the charter, the border and the
// consent: the gate says of each exactly what the oracle does, and permits where that has
// nothing to say. In none of them is it pleased by anything else.
func TestArticle16_EveryCombinationAgainstTheOracle(t *testing.T) {
	yesNo := []bool{false, true}
	n, permits := 0, 0
	try := func(c combination) {
		w, u := c.facts(t)
		permit, reasons := gate.Decide(w.facts, gate.ByApp(w.app), u)
		got := make([]string, 0, len(reasons))
		for _, r := range reasons {
			got = append(got, strings.TrimSpace(r.Article+":"+strings.TrimPrefix(r.Code, "gate.")+" "+r.Item))
		}
		slices.Sort(got)
		if want := c.oracle(); !slices.Equal(got, want) || permit.Allows("ch_1", u.Activity, "voice") != (len(want) == 0) {
			t.Fatalf("%+v:\ngot  %v\nwant %v", c, got, want)
		}
		if n++; len(got) == 0 {
			permits++
		}
	}
	for _, role := range []string{"processor", "recipient"} {
		agreements := dimensions.agreements
		if role == "recipient" {
			agreements = agreements[:1] // it signs none
		}
		for _, state := range dimensions.states {
			for _, assessment := range dimensions.assessments {
				for _, agreement := range agreements {
					for _, border := range dimensions.borders {
						for _, grant := range dimensions.grants {
							for i := range 16 {
								try(combination{role, state, assessment, agreement, border, "home", "few", grant, yesNo[i&1], yesNo[i>>1&1], yesNo[i>>2&1], yesNo[i>>3&1]})
							}
						}
					}
				}
			}
		}
	}
	home := permits
	// What is stored abroad, beside each border that a party may lie behind. What it was assessed
	// for, and has agreed to, has nothing to do with that.
	for _, storage := range dimensions.storages[1:] {
		for _, role := range []string{"processor", "recipient"} {
			for _, assessment := range []string{"failed", "valid"} {
				for _, border := range dimensions.borders {
					for _, grant := range dimensions.grants {
						for i := range 16 {
							try(combination{role, "well", assessment, map[string]string{"processor": "valid", "recipient": "none"}[role], border, storage, "few", grant,
								yesNo[i&1], yesNo[i>>1&1], yesNo[i>>2&1], yesNo[i>>3&1]})
						}
					}
				}
			}
		}
	}
	// A mechanism for the storage, and a party that is at home, or of which one is on file, too.
	if want := 2 * 3; permits-home != want {
		t.Errorf("%d combinations are permitted that are stored abroad; want %d", permits-home, want)
	}
	abroad := permits
	// How many have crossed this year, beside what crosses and by what.
	for _, count := range dimensions.counts[1:] {
		for _, storage := range []string{"home", "untold", "none", "filed"} {
			for _, role := range []string{"processor", "recipient"} {
				for _, border := range dimensions.borders {
					for _, grant := range dimensions.grants {
						try(combination{role, "well", "valid", map[string]string{"processor": "valid", "recipient": "none"}[role], border, storage, count, grant, false, false, false, false})
					}
				}
			}
		}
	}
	// At home the count is nobody's: with a code, too, for a processor. Else it must be low, or the
	// child counted, or the mechanism one without a limit: to a party, and with the storage to one
	// of three.
	if want := 5*(2+1) + 3*(2*1+2*3); permits-abroad != want {
		t.Errorf("%d combinations are permitted beside a count; want %d", permits-abroad, want)
	}
	permits = home
	// Two states, two assessments, three agreements; at home, where a one-time code is enough
	// for a processor, or as the charter says it of abroad.
	if want := 2*2*3*(2+1) + 2*2*(1+1); n < 150_000 || permits != want {
		t.Errorf("%d combinations, of which %d are permitted; want %d", n, permits, want)
	}
}
