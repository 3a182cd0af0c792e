package gate_test

import (
	"bufio"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"wardkeep/internal/account"
	"wardkeep/internal/approval"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/border"
	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/family/age"
	"wardkeep/internal/gate"
	"wardkeep/internal/party"
	"wardkeep/internal/staff"
)

var now = time.Date(2026, 6, 1, 4, 0, 0, 0, time.UTC)

// world is what a line of a table changes.
type world struct {
	facts   gate.Facts
	charter *charter.Charter
	app     account.App
	look    gate.Look // of the worker who asked, by what the manager has decided
	pull    gate.Pull // of yuping, by a key of its own
}

// open returns the world of "nothing stands in the way": a service in order, a
// nine-year-old whose verified mother agreed to speaking practice.
func open(t testing.TB) *world {
	t.Helper()
	ninety, err := charter.ParsePeriod("90d")
	if err != nil {
		t.Fatal(err)
	}
	all := []charter.Activity{charter.Collect, charter.Store, charter.Use, charter.Transfer, charter.Disclose, charter.Entrust}
	fifteen, err := charter.ParsePeriod("15d")
	if err != nil {
		t.Fatal(err)
	}
	year, err := charter.ParsePeriod("1y")
	if err != nil {
		t.Fatal(err)
	}
	c := &charter.Charter{
		Service: "xiaoxi",
		Storage: charter.Storage{Country: charter.Home},
		Items:   []charter.Item{{Name: "voice"}, {Name: "score"}, {Name: "school"}},
		Purposes: []charter.Purpose{
			{
				Name: "speaking", Activities: all, Items: []string{"voice", "score"},
				Retention:  charter.Retention{From: charter.FromCollection, Period: ninety},
				Processors: []string{"yuping"}, Recipients: []string{"examiner"},
				Audiences: []charter.Audience{{Name: "class", Items: []string{"score"}}},
			},
			{
				Name: "reports", Activities: []charter.Activity{charter.Use}, Items: []string{"score"},
				Retention: charter.Retention{From: charter.FromCollection, Period: ninety},
			},
			{
				Name: "club", Activities: []charter.Activity{charter.Use}, Items: []string{"voice", "score"},
				Retention: charter.Retention{From: charter.FromEvent, Event: "left", Period: fifteen, AtMost: year},
			},
		},
		Processors: []charter.Processor{{Name: "yuping", Country: charter.Home, Items: []string{"voice", "score"}}},
		Recipients: []charter.Recipient{{Name: "examiner", Country: charter.Home, Items: []string{"voice", "score"}}},
	}
	scopes, err := account.ParseScopes("items:read items:write")
	if err != nil {
		t.Fatal(err)
	}
	mother := family.Guardian{ID: "gu_1", Child: "ch_1", Relation: family.Parent, Strength: family.NameAndNumber, VerifiedAt: now}
	return &world{
		charter: c,
		app:     account.App{ID: "ak_1", Service: "xiaoxi", Scopes: scopes, Country: charter.Home},
		look: gate.Look{
			Person: staff.Person{ID: "st_li", State: staff.Active, Version: 3, Country: charter.Home, Grants: []staff.Grant{{Role: staff.Worker, Service: "xiaoxi"}}},
			Request: approval.Request{ID: "sa_1", Child: "ch_1", Service: "xiaoxi", Asker: "st_li", Purpose: "speaking", Items: []string{"voice", "score"},
				State: approval.Granted, Decider: "st_han", Granted: []string{"voice", "score"}, From: now.Add(-time.Minute), Until: now.Add(time.Minute), Quota: 20},
			Intact:  true,
			PerHour: 60, PerDay: 200,
		},
		pull: gate.Pull{Key: "kp_1", Party: party.ID{Service: "xiaoxi", Role: party.Processor, Name: "yuping"}, Limits: party.Limits{PerHour: 10, PerDay: 20, Burst: 5}},
		facts: gate.Facts{
			Key:       party.Key{ID: "kp_1", Party: party.ID{Service: "xiaoxi", Role: party.Processor, Name: "yuping"}, Version: 8, Paper: "pp_2", Country: charter.Home, Until: now.Add(time.Hour)},
			Now:       now,
			Service:   catalog.Service{Name: "xiaoxi", State: catalog.Live, Version: 9, Charter: 3, OfficerID: "st_1", DeputyID: "st_2"},
			Published: catalog.Published{Number: 3, Charter: c, AskedSince: map[string]int64{"speaking": 2, "reports": 2, "club": 2}},
			Child:     family.Child{ID: "ch_1", Service: "xiaoxi", Subject: "su_1", Version: 4, State: family.Active},
			Age:       age.Child,
			Border:    border.Count{Year: 2026, Persons: 5},
			Guardians: []family.Guardian{mother},
			Answers: []consent.Answer{{ID: "co_1", Child: "ch_1", Guardian: "gu_1", Purpose: "speaking", Charter: 2,
				Granted: true, Takeover: true, Strength: family.NameAndNumber, GivenAt: now}},
			Held: []gate.Held{
				{Item: "voice", Purpose: "speaking", Collected: now.Add(-time.Hour), Expires: now.Add(time.Hour)},
				{Item: "score", Purpose: "speaking", Collected: now.Add(-time.Hour), Expires: now.Add(time.Hour)},
			},
			Party: party.Standing{
				ID: party.ID{Service: "xiaoxi", Role: party.Processor, Name: "yuping"}, Version: 8, Country: charter.Home,
				Assessment: party.Term{ID: "pp_1", Kind: party.Assessed, Passed: true, Scope: party.Scope{"speaking": {"score", "voice"}}, From: now.Add(-time.Hour), Until: now.Add(time.Hour)},
				Agreement:  party.Term{ID: "pp_2", Kind: party.Agreed, Scope: party.Scope{"speaking": {"score", "voice"}}, From: now.Add(-time.Hour), Until: now.Add(time.Hour)},
			},
		},
	}
}

// leavesOut takes score out of a scope.
func leavesOut(s party.Scope) {
	for purpose, items := range s {
		s[purpose] = slices.DeleteFunc(slices.Clone(items), func(item string) bool { return item == "score" })
	}
}

const day = 24 * time.Hour

// left says how long ago the child left the club, and when the values of the
// purpose that waited for it end from now.
func (w *world) left(purpose string, ago, ends time.Duration) {
	w.facts.Child.Endings = append(w.facts.Child.Endings, family.Ending{Event: "left", Purpose: purpose, Happened: now.Add(-ago), Ends: now.Add(ends)})
}

// closes says that the end of a purpose, or of all, was announced.
func (w *world) closes(what string) {
	w.facts.Service.Closed = strings.TrimSpace(w.facts.Service.Closed + " " + what)
}

// self has the minor answer for itself about speaking (edge case 4).
func (w *world) self(granted bool) {
	w.facts.Guardians = append(w.facts.Guardians, family.Guardian{ID: "gu_self", Child: "ch_1", Relation: family.Self, Strength: 1, VerifiedAt: now})
	w.facts.Answers = append(w.facts.Answers, consent.Answer{ID: "co_self", Child: "ch_1", Guardian: "gu_self", Purpose: "speaking", Charter: 2,
		Granted: granted, Takeover: true, Strength: family.OneTimeCode, GivenAt: now})
}

// changes are the words of the first column of a table.
var changes = map[string]func(*world){
	"all is in order":           func(*world) {},
	"no service":                func(w *world) { w.facts.Service = catalog.Service{} },
	"no charter":                func(w *world) { w.facts.Service.Charter = 0; w.facts.Published = catalog.Published{} },
	"another charter is loaded": func(w *world) { w.facts.Published.Number = 2 },
	"no officer":                func(w *world) { w.facts.Service.OfficerID = "" },
	"no deputy":                 func(w *world) { w.facts.Service.DeputyID = "" },
	"the service ends":          func(w *world) { w.closes(catalog.All) },
	"speaking ends":             func(w *world) { w.closes("speaking") },
	"reports ends":              func(w *world) { w.closes("reports") },
	"examiner takes it over": func(w *world) {
		w.facts.Service.Successor = catalog.Successor{Purpose: "speaking", Recipient: "examiner", Until: now.Add(time.Second)}
	},
	"the window is over":           func(w *world) { w.facts.Service.Successor.Until = now },
	"agreed when it was announced": func(w *world) { w.facts.Answers[0].Takeover = false },
	"the father agreed since": func(w *world) {
		w.facts.Guardians = append(w.facts.Guardians, family.Guardian{ID: "gu_2", Child: "ch_1", Relation: family.Parent, Strength: family.NameAndNumber, VerifiedAt: now})
		w.facts.Answers = append(w.facts.Answers, consent.Answer{ID: "co_2", Child: "ch_1", Guardian: "gu_2", Purpose: "speaking", Charter: 2,
			Granted: true, Takeover: true, Strength: family.NameAndNumber, GivenAt: now})
	},
	"orders to yuping are overdue":    func(w *world) { w.facts.Service.Overdue = "examiner-2 yuping" },
	"orders to examiner are overdue":  func(w *world) { w.facts.Service.Overdue = "examiner" },
	"erased but for what a law keeps": func(w *world) { w.facts.Child.State = family.Erased; w.facts.Child.KeptUntil = now.Add(time.Hour) },
	"no child":                        func(w *world) { w.facts.Child = family.Child{} },
	"a child of another service":      func(w *world) { w.facts.Child.Service = "other" },
	"erased":                          func(w *world) { w.facts.Child.State = family.Erased },
	"frozen":                          func(w *world) { w.facts.Child.Frozen = true },
	"disputed":                        func(w *world) { w.facts.Child.Disputed = true },
	"unanswered for a day":            func(w *world) { w.facts.Child.ExpiresAt = now },
	"unanswered for an hour":          func(w *world) { w.facts.Child.ExpiresAt = now.Add(23 * time.Hour) },
	"turned 14":                       func(w *world) { w.facts.Age = age.Minor },
	"turned 18":                       func(w *world) { w.facts.Age = age.Adult },
	"age not known":                   func(w *world) { w.facts.Age = (age.Birth{}).ClassAt(now) },
	"age fact missing":                func(w *world) { w.facts.Age = "" },
	"never asked":                     func(w *world) { w.facts.Answers = nil },
	"refused":                         func(w *world) { w.facts.Answers[0].Granted = false },
	"asked again since": func(w *world) {
		if w.facts.Published.AskedSince != nil {
			w.facts.Published.AskedSince["speaking"] = 3
		}
	},
	"asked-since unknown":       func(w *world) { delete(w.facts.Published.AskedSince, "speaking") },
	"guardian not verified":     func(w *world) { w.facts.Guardians[0].VerifiedAt = time.Time{}; w.facts.Guardians[0].Strength = 0 },
	"guardian ended":            func(w *world) { w.facts.Guardians[0].EndedAt = now },
	"guardian is the teacher":   func(w *world) { w.facts.Guardians[0].Relation = family.Teacher },
	"guardian unknown":          func(w *world) { w.facts.Guardians = nil },
	"verified by one-time code": func(w *world) { w.facts.Answers[0].Strength = family.OneTimeCode },
	"yuping is abroad":          func(w *world) { w.charter.Processors[0].Country = "HK" },
	"examiner is abroad":        func(w *world) { w.charter.Recipients[0].Country = "HK" },
	"the storage is abroad":     func(w *world) { w.charter.Storage.Country = "HK" },
	"the father refused": func(w *world) {
		w.facts.Guardians = append(w.facts.Guardians, family.Guardian{ID: "gu_2", Child: "ch_1", Relation: family.Parent, Strength: 1, VerifiedAt: now})
		w.facts.Answers = append(w.facts.Answers, consent.Answer{ID: "co_2", Child: "ch_1", Guardian: "gu_2", Purpose: "speaking", Charter: 2, GivenAt: now})
	},
	"the father refused reports": func(w *world) {
		w.facts.Guardians = append(w.facts.Guardians, family.Guardian{ID: "gu_2", Child: "ch_1", Relation: family.Parent, Strength: 1, VerifiedAt: now})
		w.facts.Answers = append(w.facts.Answers, consent.Answer{ID: "co_2", Child: "ch_1", Guardian: "gu_2", Purpose: "reports", Charter: 2, GivenAt: now})
	},
	"a child again": func(w *world) { w.facts.Guardians[len(w.facts.Guardians)-1].EndedAt = now.Add(time.Minute) },
	"the mother agreed anew": func(w *world) {
		w.facts.Answers[0].GivenAt = now.Add(time.Hour)
	},
	"the minor agreed":        func(w *world) { w.self(true) },
	"the minor refused":       func(w *world) { w.self(false) },
	"voice ended this second": func(w *world) { w.facts.Held[0].Expires = now },
	"voice has a second left": func(w *world) { w.facts.Held[0].Expires = now.Add(time.Second) },
	"voice is for reports and too old for speaking": func(w *world) {
		w.facts.Held[0] = gate.Held{Item: "voice", Purpose: "reports", Collected: now.AddDate(0, 0, -90), Expires: now.AddDate(1, 0, 0)}
	},
	"score was collected for reports": func(w *world) { w.facts.Held[1].Purpose = "reports" },
	"reports agreed too": func(w *world) {
		w.facts.Answers = append(w.facts.Answers, consent.Answer{ID: "co_3", Child: "ch_1", Guardian: "gu_1", Purpose: "reports", Charter: 2,
			Granted: true, Takeover: true, Strength: family.NameAndNumber, GivenAt: now})
	},
	"club agreed too": func(w *world) {
		w.facts.Answers = append(w.facts.Answers, consent.Answer{ID: "co_4", Child: "ch_1", Guardian: "gu_1", Purpose: "club", Charter: 2,
			Granted: true, Takeover: true, Strength: family.NameAndNumber, GivenAt: now})
	},
	"voice is a month old": func(w *world) { w.facts.Held[0].Collected = now.AddDate(0, 0, -30) },
	"voice is a month old and for the club": func(w *world) {
		w.facts.Held[0] = gate.Held{Item: "voice", Purpose: "club", Collected: now.AddDate(0, 0, -30), Expires: now.AddDate(0, 11, 0)}
	},
	"left the club 15 days ago":                   func(w *world) { w.left("club", 15*day, 0) },
	"left the club yesterday":                     func(w *world) { w.left("club", day, 14*day) },
	"left the club 40 days ago":                   func(w *world) { w.left("club", 40*day, -25*day) },
	"left the club yesterday under shorter terms": func(w *world) { w.left("club", day, 0) },
	"left before there was a club":                func(w *world) { w.left("former-club", 15*day, 300*day) },
	"nothing was asked":                           func(w *world) { w.look.Request = approval.Request{} },
	"another person asked":                        func(w *world) { w.look.Request.Asker = "st_wang" },
	"nobody has decided":                          func(w *world) { w.look.Request.State, w.look.Request.Decider = approval.Open, "" },
	"the request was refused":                     func(w *world) { w.look.Request.State = approval.Refused },
	"the approval was ended":                      func(w *world) { w.look.Request.State = approval.Ended },
	"a state that nobody knows":                   func(w *world) { w.look.Request.State = "super" },
	"the row was written by hand":                 func(w *world) { w.look.Intact = false },
	"who asked has decided":                       func(w *world) { w.look.Request.Decider = w.look.Request.Asker },
	"no decider is known":                         func(w *world) { w.look.Request.Decider = "" },
	"voice was left out":                          func(w *world) { w.look.Request.State, w.look.Request.Granted = approval.Narrowed, []string{"score"} },
	"the minutes are over":                        func(w *world) { w.look.Request.Until = now },
	"the minutes haven't begun":                   func(w *world) { w.look.Request.From = now.Add(time.Second) },
	"a second is left":                            func(w *world) { w.look.Request.Until = now.Add(time.Second) },
	"approved for another child":                  func(w *world) { w.look.Request.Child = "ch_2" },
	"approved in another service":                 func(w *world) { w.look.Request.Service = "other" },
	"approved for reports":                        func(w *world) { w.look.Request.Purpose = "reports" },
	"looked as often as approved":                 func(w *world) { w.look.Request.Looks = w.look.Request.Quota },
	"one look is left":                            func(w *world) { w.look.Request.Looks = w.look.Request.Quota - 1 },
	"looked too often this hour":                  func(w *world) { w.look.Looks.InHour = w.look.PerHour },
	"looked too often today":                      func(w *world) { w.look.Looks.InDay = w.look.PerDay },
	"a review is late":                            func(w *world) { w.look.Suspended = true },
	"the person has left":                         func(w *world) { w.look.Person.State, w.look.Person.Grants = staff.Left, nil },
	"the role is of another service":              func(w *world) { w.look.Person.Grants = []staff.Grant{{Role: staff.Worker, Service: "other"}} },
	"the person is an engineer":                   func(w *world) { w.look.Person.Grants = []staff.Grant{{Role: staff.Engineer}} },
	"the person was officer": func(w *world) {
		w.look.Person.Grants = []staff.Grant{{Role: staff.Officer, Service: "xiaoxi", Office: "st_0"}}
	},
	"the person is officer": func(w *world) {
		w.look.Person.Grants = []staff.Grant{{Role: staff.Officer, Service: "xiaoxi", Office: "st_1"}}
	},
	"two have agreed to a file": func(w *world) {
		w.look.Request.Export, w.look.Request.First, w.look.Request.Quota = true, "st_zhou", 2
		w.look.Key = staff.Recipient{Person: "st_li", GoodFrom: now}
	},
	"a law demands it": func(w *world) {
		w.look.Request.Export, w.look.Request.First, w.look.Request.Quota, w.look.Request.Officer = true, "st_zhou", 2, true
		w.look.Request.AskedAt = now.Add(-time.Hour)
		w.look.Request.Basis = approval.Basis{Ground: approval.OnLaw, Receiver: approval.Court, Level: approval.Statute, Country: "CN", Ends: now.Add(time.Minute)}
		w.look.Key = staff.Recipient{Person: "st_li", GoodFrom: now}
	},
	"it is kept from the guardian": func(w *world) {
		w.look.Request.Silence, w.look.Request.SilentUntil = approval.Secret, now.Add(day)
	},
	"its time is over":                   func(w *world) { w.look.Request.Ends = now },
	"a second of it is left":             func(w *world) { w.look.Request.Ends = now.Add(time.Second) },
	"it has no end":                      func(w *world) { w.look.Request.Ends = time.Time{} },
	"it has no receiver":                 func(w *world) { w.look.Request.Receiver = "" },
	"it is for a hospital":               func(w *world) { w.look.Request.Receiver = approval.Hospital },
	"a rule of lower rank demands it":    func(w *world) { w.look.Request.Level = "rule" },
	"the authority is in Singapore":      func(w *world) { w.look.Request.Country = "SG" },
	"nobody knows whose authority it is": func(w *world) { w.look.Request.Country = "" },
	"a silence without an end":           func(w *world) { w.look.Request.Silence = approval.Impedes },
	"a silence that nobody knows":        func(w *world) { w.look.Request.Silence, w.look.Request.SilentUntil = "shy", now.Add(day) },
	"neither was the officer":            func(w *world) { w.look.Request.Officer = false },
	"it isn't a file":                    func(w *world) { w.look.Request.Export, w.look.Export = false, false },
	"a life is in danger": func(w *world) {
		w.look.Request.Glass, w.look.Request.Answer, w.look.Request.Until = true, approval.Joined, w.look.Request.From.Add(24*time.Hour)
		w.look.Request.Basis = approval.Basis{Ground: approval.OnLife, Receiver: approval.Hospital, Country: "CN"}
	},
	"it is for the police":          func(w *world) { w.look.Request.Receiver = approval.Police },
	"for longer than a day":         func(w *world) { w.look.Request.Until = w.look.Request.From.Add(24*time.Hour + time.Microsecond) },
	"nobody joined":                 func(w *world) { w.look.Request.Glass = false },
	"a ground that nobody knows":    func(w *world) { w.look.Request.Ground = "business" },
	"one alone has agreed":          func(w *world) { w.look.Request.State, w.look.Request.Decider = approval.Agreed, "" },
	"nobody was the first to agree": func(w *world) { w.look.Request.First = "" },
	"the same has agreed twice":     func(w *world) { w.look.Request.First = w.look.Request.Decider },
	"who asked was the first":       func(w *world) { w.look.Request.First = w.look.Request.Asker },
	"there is no key":               func(w *world) { w.look.Key = staff.Recipient{} },
	"the key is too new":            func(w *world) { w.look.Key.GoodFrom = now.Add(time.Second) },
	"the file was made":             func(w *world) { w.look.Request.Looks = 2 },
	"one look is left this hour":    func(w *world) { w.look.Looks.InHour = w.look.PerHour - 1 },
	"one look is left today":        func(w *world) { w.look.Looks.InDay = w.look.PerDay - 1 },
	"nobody looks":                  func(w *world) { w.look.Person = staff.Person{} },
	"yuping isn't registered":       func(w *world) { w.facts.Party = party.Standing{} },
	"examiner is assessed": func(w *world) {
		w.facts.Party.ID, w.facts.Party.Agreement = party.ID{Service: "xiaoxi", Role: party.Recipient, Name: "examiner"}, party.Term{}
	},
	"yuping isn't assessed":                 func(w *world) { w.facts.Party.Assessment = party.Term{} },
	"the assessment was failed":             func(w *world) { w.facts.Party.Assessment.Passed = false },
	"the assessment ends now":               func(w *world) { w.facts.Party.Assessment.Until = now },
	"a second is left of the assessment":    func(w *world) { w.facts.Party.Assessment.Until = now.Add(time.Second) },
	"the assessment doesn't cover speaking": func(w *world) { delete(w.facts.Party.Assessment.Scope, "speaking") },
	"the assessment leaves out score":       func(w *world) { leavesOut(w.facts.Party.Assessment.Scope) },
	"nothing is agreed":                     func(w *world) { w.facts.Party.Agreement = party.Term{} },
	"the agreement begins in a second":      func(w *world) { w.facts.Party.Agreement.From = now.Add(time.Second) },
	"the agreement begins now":              func(w *world) { w.facts.Party.Agreement.From = now },
	"the agreement ends now":                func(w *world) { w.facts.Party.Agreement.Until = now },
	"a second is left of the agreement":     func(w *world) { w.facts.Party.Agreement.Until = now.Add(time.Second) },
	"the agreement doesn't cover speaking":  func(w *world) { delete(w.facts.Party.Agreement.Scope, "speaking") },
	"the agreement leaves out score":        func(w *world) { leavesOut(w.facts.Party.Agreement.Scope) },
	"the party is suspended":                func(w *world) { w.facts.Party.Halted = party.Incident },
	"yuping has a sub-processor":            func(w *world) { w.facts.Party.Subs = []string{"somebody"} },
	"the party ends now":                    func(w *world) { w.facts.Party.EndsAt = now },
	"the party ends in a second":            func(w *world) { w.facts.Party.EndsAt = now.Add(time.Second) },
	"the charter gives no score": func(w *world) {
		w.charter.Processors[0].Items, w.charter.Recipients[0].Items = []string{"voice"}, []string{"voice"}
	},
	"the register says that it is abroad": func(w *world) { w.facts.Party.Country = "SG" },
	"the charter tells of a contract": func(w *world) {
		w.charter.Purposes[0].CrossBorder = &charter.CrossBorder{Mechanism: charter.StandardContract, Reference: "12"}
	},
	"the contract is on file": func(w *world) {
		w.facts.Party.Mechanism = party.Term{ID: "pp_3", Kind: party.Contract, From: now.Add(-time.Hour), Until: now.Add(time.Hour)}
	},
	"the storage is registered": func(w *world) {
		w.facts.Storage = party.Standing{ID: party.StorageOf("xiaoxi"), Version: 8, Country: "HK"}
	},
	"its contract is on file": func(w *world) {
		w.facts.Storage.Mechanism = party.Term{ID: "pp_4", Kind: party.Contract, From: now.Add(-time.Hour), Until: now.Add(time.Second)}
	},
	"the app is in Singapore":                    func(w *world) { w.app.Country = "SG" },
	"nobody says where the app is":               func(w *world) { w.app.Country = "" },
	"the worker sits in Singapore":               func(w *world) { w.look.Person.Country = "SG" },
	"the key is used in Singapore":               func(w *world) { w.facts.Key.Country = "SG" },
	"the key is used where the party is":         func(w *world) { w.facts.Key.Country = "HK"; w.facts.Party.Country = "HK" },
	"the charter tells that it is read there":    func(w *world) { w.charter.Purposes[0].AccessFrom = []charter.Region{"SG"} },
	"the charter tells that it is read in Japan": func(w *world) { w.charter.Purposes[0].AccessFrom = []charter.Region{"JP"} },
	"who reads there is registered": func(w *world) {
		w.facts.Access = party.Standing{ID: party.AccessFrom("xiaoxi", "SG"), Version: 8, Country: "SG"}
	},
	"a contract for there is on file": func(w *world) {
		w.facts.Access = party.Standing{ID: party.AccessFrom("xiaoxi", "SG"), Version: 8, Country: "SG",
			Mechanism: party.Term{ID: "pp_5", Kind: party.Contract, From: now.Add(-time.Hour), Until: now.Add(time.Second)}}
	},
	"the contract for there ends now":           func(w *world) { w.facts.Access.Mechanism.Until = now },
	"the contract for there begins in a second": func(w *world) { w.facts.Access.Mechanism.From = now.Add(time.Second) },
	"it is a certification for there":           func(w *world) { w.facts.Access.Mechanism.Kind = party.Certified },
	"reading there is suspended":                func(w *world) { w.facts.Access.Halted = party.Authority },
	"another country's contract is known":       func(w *world) { w.facts.Access.Name = "JP" },
	"another service's contract is known":       func(w *world) { w.facts.Access.Service = "other" },
	"9998 have crossed this year":               func(w *world) { w.facts.Border.Persons = border.AssessFrom - 2 },
	"9999 have crossed this year":               func(w *world) { w.facts.Border.Persons = border.AssessFrom - 1 },
	"the child is among them":                   func(w *world) { w.facts.Border.Crossed = true },
	"the count is of the year before":           func(w *world) { w.facts.Border.Year = 2025 },
	"it is by an assessment": func(w *world) {
		w.charter.Purposes[0].CrossBorder.Mechanism = charter.SecurityAssessment
		w.facts.Party.Mechanism.Kind, w.facts.Storage.Mechanism.Kind = party.CAC, party.CAC
		w.facts.Access.Mechanism.Kind = party.CAC
	},
	"its contract ends now":                  func(w *world) { w.facts.Storage.Mechanism.Until = now },
	"its contract begins in a second":        func(w *world) { w.facts.Storage.Mechanism.From = now.Add(time.Second) },
	"its mechanism is a certification":       func(w *world) { w.facts.Storage.Mechanism.Kind = party.Certified },
	"the storage is suspended":               func(w *world) { w.facts.Storage.Halted = party.Restored },
	"the storage is registered in Singapore": func(w *world) { w.facts.Storage.Country = "SG" },
	"another service's storage is known":     func(w *world) { w.facts.Storage.Service = "other" },
	"it is a certification":                  func(w *world) { w.facts.Party.Mechanism.Kind = party.Certified },
	"the contract ends now":                  func(w *world) { w.facts.Party.Mechanism.Until = now },
	"the contract begins in a second":        func(w *world) { w.facts.Party.Mechanism.From = now.Add(time.Second) },
	"nobody has the key":                     func(w *world) { w.facts.Key = party.Key{} },
	"another key has signed":                 func(w *world) { w.pull.Key = "kp_2" },
	"the party's key is of another service":  func(w *world) { w.facts.Key.Party.Service, w.pull.Party.Service = "other", "other" },
	"another party's values are counted":     func(w *world) { w.pull.Party.Name = "examiner" },
	"the party has nothing to seal to":       func(w *world) { w.facts.Key, w.pull.Key = party.Key{}, "" },
	"the key is examiner's": func(w *world) {
		w.facts.Key.Party, w.facts.Key.Paper = party.ID{Service: "xiaoxi", Role: party.Recipient, Name: "examiner"}, "pp_1"
		w.pull.Party = w.facts.Key.Party
	},
	"the party's key was revoked":                func(w *world) { w.facts.Key.RevokedAt = now.Add(-time.Second) },
	"the party's key ends now":                   func(w *world) { w.facts.Key.Until = now },
	"the party's key ends in a second":           func(w *world) { w.facts.Key.Until = now.Add(time.Second) },
	"the key is bound to what was agreed before": func(w *world) { w.facts.Key.Paper = "pp_0" },
	"the party has one value left this hour":     func(w *world) { w.pull.Meter.InHour = 9 },
	"the party has one value left today":         func(w *world) { w.pull.Meter.InDay = 19 },
	"key of another service":                     func(w *world) { w.app.Service = "other" },
	"key without scopes":                         func(w *world) { w.app.Scopes = account.Scopes{} },
	"key ended":                                  func(w *world) { w.app.ExpiresAt = now },
}

// sealKey is the name of a key that something is sealed to.
const sealKey = "kx_00000000000000000000000000"

// TestDecisionTables reads testdata/article*.txt. Each line is
//
//	given | activity items for purpose [to party] | permit, or the reasons
//
// The app does it; where the use begins with "look" or "export", a person inside, who
// discloses what a request with a basis is about; where it begins with "pull", the party whose
// key it is; where it begins with "push", the app, to a party that can't ask, and with "send", what
// was pushed, before it goes.
func TestDecisionTables(t *testing.T) {
	files, err := filepath.Glob("testdata/article*.txt")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d tables, %v", len(files), err)
	}
	used := make(map[string]bool)
	for _, name := range files {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txt"), func(t *testing.T) { table(t, name, used) })
	}
	for name := range changes {
		if !used[name] {
			t.Errorf("no table says what holds when %q", name)
		}
	}
}

func table(t *testing.T, name string, used map[string]bool) {
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		columns := strings.Split(line, "|")
		if len(columns) != 3 {
			t.Fatalf("%s:%d: want three columns", name, n)
		}
		w := open(t)
		for given := range strings.SplitSeq(columns[0], ",") {
			given = strings.TrimSpace(given)
			change, ok := changes[given]
			if !ok {
				t.Fatalf("%s:%d: nobody knows what %q means", name, n, given)
			}
			used[given] = true
			change(w)
		}
		by := gate.ByApp(w.app)
		what, looks := strings.CutPrefix(strings.TrimSpace(columns[1]), "look")
		rest, exports := strings.CutPrefix(what, "export")
		if exports {
			looks, what, w.look.Export = true, rest, true
		}
		if looks {
			by, what = gate.ByStaff(w.look), string(w.look.Request.Activity())+what
		}
		what, pulls := strings.CutPrefix(what, "pull")
		if pulls {
			by, what = gate.ByParty(w.pull), string(gate.Activity(w.facts.Key.Party.Role))+what
		}
		rest, pushes := strings.CutPrefix(what, "push")
		rest, sends := strings.CutPrefix(rest, "send")
		if pushes || sends {
			if w.pull.Key != "" && w.facts.Key.ID == w.pull.Key {
				w.facts.Key.ID, w.pull.Key = sealKey, sealKey
			}
			w.pull.Bundle, pulls, what = "bn_1", true, string(gate.Activity(w.facts.Key.Party.Role))+rest
			if by = by.Pushing(w.pull); sends {
				by = gate.ByBundle(w.pull)
			}
		}
		u := use(t, what)
		if pulls && u.Party == "" {
			u.Party = w.facts.Key.Party.Name
		}
		if looks && u.Party == "" {
			u.Party = w.look.Request.Party()
		}
		_, reasons := gate.Decide(w.facts, by, u)
		if diff := cmp.Diff(strings.Fields(strings.TrimSpace(columns[2])), words(reasons)); diff != "" {
			t.Errorf("%s:%d: %s\n%s", name, n, line, diff)
		}
	}
}

func use(t *testing.T, text string) gate.Use {
	t.Helper()
	words := strings.Fields(text)
	i := slices.Index(words, "for")
	if i < 1 || i+1 >= len(words) {
		t.Fatalf("%q is no use", text)
	}
	u := gate.Use{Service: "xiaoxi", Child: "ch_1", Activity: charter.Activity(words[0]), Items: words[1:i], Purpose: words[i+1]}
	if len(words) == i+4 && words[i+2] == "to" {
		u.Party = words[i+3]
	}
	return u
}

func words(reasons []gate.Denial) []string {
	if len(reasons) == 0 {
		return []string{"permit"}
	}
	var all []string
	for _, r := range reasons {
		all = append(all, r.Article+":"+strings.TrimPrefix(r.Code, "gate."))
	}
	return all
}

// Every reason must have words for people, in both languages, and say what to
// do about it.
func TestEveryReasonHasWordsAndARemedy(t *testing.T) {
	source, err := os.ReadFile("decide.go")
	if err != nil {
		t.Fatal(err)
	}
	looks, err := os.ReadFile("look.go")
	if err != nil {
		t.Fatal(err)
	}
	parties, err := os.ReadFile("party.go")
	if err != nil {
		t.Fatal(err)
	}
	source = append(append(source, looks...), parties...)
	n := 0
	for _, word := range strings.FieldsFunc(string(source), func(r rune) bool { return r == '"' }) {
		if !strings.HasPrefix(word, "gate.") || strings.ContainsAny(word, " \n(") {
			continue
		}
		n++
		for _, lang := range i18n.Langs {
			for _, key := range []string{word, word + ".remedy"} {
				if !lang.Has(key) {
					t.Errorf("%s lacks %q", lang, key)
				}
			}
		}
	}
	if n < 60 {
		t.Errorf("only %d reasons found: the test no longer reads the source right", n)
	}
}
