package replay_test

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"wardkeep/internal/account"
	"wardkeep/internal/assistance"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/base/workday"
	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/gate"
	"wardkeep/internal/incident"
	"wardkeep/internal/ledger"
	"wardkeep/internal/order"
	"wardkeep/internal/party"
	"wardkeep/internal/publication"
	"wardkeep/internal/replay"
	"wardkeep/internal/retention"
	"wardkeep/internal/rights"
	"wardkeep/internal/suspicion"
	"wardkeep/internal/takedown"
	"wardkeep/internal/vault"
	"wardkeep/internal/vault/vaulttest"
	"wardkeep/internal/webhook"
)

// forge appends an entry about a child that no domain package wrote. By is added
// to the child's version.
func (s *scene) forge(c family.Child, by int64, kind, actor string, body any) {
	s.T.Helper()
	s.do(func(ctx context.Context, tx *db.Tx) error {
		var now []family.Child
		if err := tx.Together(ctx, family.ReadChild(&now, c.ID)); err != nil {
			return err
		}
		_, err := ledger.Append(ctx, tx, ledger.Entry{Kind: kind, Service: service, Subject: c.Subject,
			Version: now[0].Version + by, Actor: actor, Body: body})
		return err
	})
}

// forgeReach puts a child on the list of the open case, as who is no other than it says, behind
// the hash that the list has.
func (s *scene) forgeReach(actor string, children int64, subject string) {
	s.T.Helper()
	b := incident.ReachedBody{Case: s.leak, Children: children, Sets: []incident.ReachedSet{{Children: []string{subject}}}}
	s.do(func(ctx context.Context, tx *db.Tx) error {
		list, err := incident.ListOf(ctx, tx, s.leak)
		b.Batch, b.Chain = list.Batches+1, list.Chain
		return err
	})
	b.Chain = b.Chained(b.Chain)
	s.forgeAs(actor, incident.KindReached, b)
}

// fair is the body of a use that the gate would permit.
func (s *scene) fair() gate.UseBody {
	var sv catalog.Service
	s.do(func(ctx context.Context, tx *db.Tx) (err error) {
		sv, err = catalog.Find(ctx, tx, service)
		return err
	})
	return gate.UseBody{Activity: "use", Purpose: "course-progress", Items: []string{"weekly_score"}, Catalog: sv.Version, Charter: sv.Charter, Age: "child"}
}

func (s *scene) forgeUse(change func(b *gate.UseBody)) {
	s.T.Helper()
	b := s.fair()
	change(&b)
	kind := gate.KindPermitted
	if b.Reasons != nil {
		kind = gate.KindDenied
	}
	s.forge(s.mei, 0, kind, s.App.Ledger(), b)
}

// event forges one that a purpose waits for.
func (s *scene) event(change func(b *vault.EventBody)) {
	s.T.Helper()
	fair := s.fair()
	b := vault.EventBody{Event: "account-closed", Catalog: fair.Catalog, Charter: fair.Charter}
	s.do(func(ctx context.Context, tx *db.Tx) error {
		ends := tx.Now().Add(15 * 24 * time.Hour).UnixMicro()
		b.Happened, b.Ends = tx.Now().UnixMicro(), map[string]int64{"account": ends}
		held, err := vault.Holdings(ctx, tx, s.mei)
		for _, h := range held {
			if h.Item == "guardian_phone" {
				b.Values = []gate.Span{{Item: h.Item, Purpose: h.Purpose, Collected: h.Collected.UnixMicro(), Expires: ends}}
			}
		}
		return err
	})
	change(&b)
	s.forge(s.mei, 1, vault.KindEvent, s.App.Ledger(), b)
}

func (s *scene) answer(change func(b *consent.AnswerBody)) {
	s.T.Helper()
	g := s.guardians(s.mei.ID)[0]
	var stands []consent.Answer
	s.do(func(ctx context.Context, tx *db.Tx) error {
		stands = nil
		return tx.Together(ctx, consent.ReadStanding(&stands, s.mei.ID))
	})
	a := stands[slices.IndexFunc(stands, func(a consent.Answer) bool { return a.Purpose == "class-ranking" })]
	b := consent.AnswerBody{Consent: id.New(id.Consent), Guardian: g.ID, Purpose: "class-ranking", Charter: a.Charter, Notice: a.Notice,
		Lang: a.Lang, Channel: a.Channel, Shown: a.ShownAt.UnixMicro(), Strength: 1, Ends: a.ID}
	change(&b)
	s.forge(s.mei, 1, consent.KindGranted, g.Ledger(), b)
}

// TestInvariant7_ForgedEntriesAreFound writes entries that the domain packages
// never would, whole and well signed. Beside each stands what must be found.
func TestInvariant7_ForgedEntriesAreFound(t *testing.T) {
	forgeries := map[string]struct {
		found string // what and field
		by    func(s *scene)
	}{
		"a use that nobody agreed to": {"verdict ", func(s *scene) {
			s.forgeUse(func(b *gate.UseBody) { b.Purpose, b.Items = "class-ranking", []string{"weekly_score"} })
		}},
		"a denial without a reason in the facts": {"verdict ", func(s *scene) {
			s.forgeUse(func(b *gate.UseBody) { b.Reasons = []gate.Denial{{Code: "gate.frozen", Article: "20"}} })
		}},
		"a denial with another reason": {"verdict ", func(s *scene) {
			s.forgeUse(func(b *gate.UseBody) {
				b.Purpose, b.Reasons = "class-ranking", []gate.Denial{{Code: "gate.consent_missing", Article: "9"}}
			})
		}},
		"a permit with a reason": {"verdict ", func(s *scene) {
			b := s.fair()
			b.Reasons = []gate.Denial{{Code: "gate.frozen", Article: "20"}}
			s.forge(s.mei, 0, gate.KindPermitted, s.App.Ledger(), b)
		}},
		"a use of a sealed value past its time": {"verdict ", func(s *scene) {
			s.forgeUse(func(b *gate.UseBody) {
				b.Held = []gate.Span{{Item: "weekly_score", Purpose: "course-progress", Collected: 1, Expires: 2}}
			})
		}},
		"a use by a key that never was":   {"actor actor", func(s *scene) { s.forge(s.mei, 0, gate.KindPermitted, "app:"+id.New(id.Credential), s.fair()) }},
		"a use by a key that was revoked": {"actor actor", func(s *scene) { s.forge(s.mei, 0, gate.KindPermitted, s.revoked.Ledger(), s.fair()) }},
		"a use by an officer":             {"actor actor", func(s *scene) { s.forge(s.mei, 0, gate.KindPermitted, s.Officer.Ledger(), s.fair()) }},
		"an entrusting to who entrusts others": {"verdict ", func(s *scene) {
			s.forgeUse(func(b *gate.UseBody) {
				b.Activity, b.Purpose, b.Items, b.Party = "entrust", "speaking-practice", []string{"voice"}, vaulttest.Processor
			})
		}},
		"a use that rests on a version to come": {"catalog catalog", func(s *scene) {
			s.forgeUse(func(b *gate.UseBody) { b.Catalog += 7 })
		}},
		"a use that rests on a version long gone": {"catalog catalog", func(s *scene) { s.forgeUse(func(b *gate.UseBody) { b.Catalog-- }) }},
		"a use under another charter":             {"catalog charter", func(s *scene) { s.forgeUse(func(b *gate.UseBody) { b.Charter = 1 }) }},
		"a use that names what the charter lacks": {"strange items", func(s *scene) {
			s.forgeUse(func(b *gate.UseBody) {
				b.Items, b.Reasons = []string{secret}, []gate.Denial{{Code: "gate.item_unknown", Article: "11", Item: secret}}
			})
		}},
		"a use of a fourteen-year-old": {"age birth", func(s *scene) {
			s.forgeUse(func(b *gate.UseBody) {
				b.Age, b.Reasons = "minor", []gate.Denial{{Code: "gate.not_a_child", Article: "2"}}
			})
		}},
		"a yes of a minor before it is one": {"age birth", func(s *scene) {
			s.forgeSelf()
		}},
		"a decision about who may be a child by an app": {"impossible actor", func(s *scene) {
			s.forgeAs(s.App.Ledger(), suspicion.KindDecided, suspicion.DecidedBody{Suspicion: s.doubt, Outcome: suspicion.NotAChild, Basis: suspicion.ParentSaid})
		}},
		"a decision about who may be a child on no basis": {"impossible suspicion", func(s *scene) {
			s.forgeAs(s.Officer.Ledger(), suspicion.KindDecided, suspicion.DecidedBody{Suspicion: s.doubt, Outcome: suspicion.NotAChild})
		}},
		"a suspicion that no app reported": {"impossible actor", func(s *scene) {
			s.forgeAs(s.Officer.Ledger(), suspicion.KindOpened, suspicion.OpenedBody{Suspicion: id.New(id.Suspicion), Source: suspicion.Staff, Due: 1 << 60})
		}},
		"a suspicion that lapses though the service goes on": {"impossible suspicion", func(s *scene) {
			s.forgeAs("system:retention", suspicion.KindDecided, suspicion.DecidedBody{Suspicion: s.doubt, Outcome: suspicion.Lapsed})
		}},
		"a suspicion that another looks after": {"impossible actor", func(s *scene) {
			s.forgeAs(s.Officer.Ledger(), suspicion.KindTaken, suspicion.TakenBody{Suspicion: s.doubt, Owner: "st_x"})
		}},
		"a suspicion that another than its owner decides": {"impossible suspicion", func(s *scene) {
			s.forgeAs("staff:"+id.New(id.Staff), suspicion.KindDecided, suspicion.DecidedBody{Suspicion: s.doubt, Outcome: suspicion.Withdrawn})
		}},
		"a suspicion that an app gives to somebody": {"impossible actor", func(s *scene) {
			s.forgeAs(s.App.Ledger(), suspicion.KindTaken, suspicion.TakenBody{Suspicion: s.doubt, Owner: id.New(id.Staff)})
		}},
		"a suspicion that nobody reported": {"impossible suspicion", func(s *scene) {
			s.forgeAs(s.Officer.Ledger(), suspicion.KindTaken, suspicion.TakenBody{Suspicion: id.New(id.Suspicion), Owner: s.Officer.ID})
		}},
		"content that nobody reported comes down": {"impossible takedown", func(s *scene) {
			s.forgeAs(s.Officer.Ledger(), takedown.KindDecided, takedown.DecidedBody{Case: id.New(id.Takedown), Outcome: takedown.Down, Due: 1 << 60})
		}},
		"content that is decided about twice": {"impossible takedown", func(s *scene) {
			s.forgeAs(s.Officer.Ledger(), takedown.KindDecided, takedown.DecidedBody{Case: s.harm, Outcome: takedown.Withdrawn})
		}},
		"content that an app decides about": {"impossible actor", func(s *scene) {
			s.forgeAs(s.App.Ledger(), takedown.KindDecided, takedown.DecidedBody{Case: s.harm, Outcome: takedown.Stays, Ground: takedown.NoChild})
		}},
		"content that the office says is down": {"impossible actor", func(s *scene) {
			s.forgeAs(s.Officer.Ledger(), takedown.KindDone, takedown.DoneBody{Case: s.harm})
		}},
		"content that an app of nobody's says is down": {"impossible actor", func(s *scene) {
			s.forgeAs("app:"+id.New(id.Credential), takedown.KindDone, takedown.DoneBody{Case: s.harm})
		}},
		"content that somebody inside decides about whom nothing lets": {"impossible actor", func(s *scene) {
			s.forgeAs("staff:st_x", takedown.KindTaken, takedown.TakenBody{Case: s.harm, Owner: "st_x", Due: 1 << 60})
		}},
		"content that nobody reports": {"impossible actor", func(s *scene) {
			s.forgeAs(s.Officer.Ledger(), takedown.KindOpened, takedown.OpenedBody{Case: id.New(id.Takedown), Source: takedown.User, Harm: takedown.Other, Due: 1 << 60})
		}},
		"a leak that an app reports": {"impossible actor", func(s *scene) {
			s.forgeAs(s.App.Ledger(), incident.KindOpened, incident.OpenedBody{Case: id.New(id.Incident), Source: incident.Staff, Kind: incident.Lost, Noticed: 1, Due: 1 << 60, Mark: "x"})
		}},
		"a leak that a party reports which isn't one": {"impossible actor", func(s *scene) {
			s.forgeAs("party:x", incident.KindOpened, incident.OpenedBody{Case: id.New(id.Incident), Source: incident.Party, Role: party.Processor, Party: "nobody",
				Kind: incident.Lost, Noticed: 1, Due: 1 << 60, Mark: "x"})
		}},
		"a leak that a processor reports with another's key": {"impossible actor", func(s *scene) {
			s.forgeAs("party:kp_x", incident.KindOpened, incident.OpenedBody{Case: id.New(id.Incident), Source: incident.Party, Role: party.Processor, Party: vaulttest.Processor,
				Kind: incident.Lost, Noticed: 1, Due: 1 << 60, Mark: "x"})
		}},
		"a leak that a processor reports as a recipient": {"impossible actor", func(s *scene) {
			s.forgeAs("party:"+s.partner.ID, incident.KindOpened, incident.OpenedBody{Case: id.New(id.Incident), Source: incident.Party, Role: party.Recipient, Party: vaulttest.Processor,
				Kind: incident.Lost, Noticed: 1, Due: 1 << 60, Mark: "x"})
		}},
		"an order that another party attests": {"impossible actor", func(s *scene) {
			s.forgeAs("party:kp_x", order.KindAttested, order.AttestedBody{Order: s.orders["overdue"], Number: id.NumberOf(s.orders["overdue"]), Party: vaulttest.Processor})
		}},
		"an end that an officer attests": {"impossible actor", func(s *scene) {
			s.forgeAs(s.Officer.Ledger(), order.KindStated, order.StatedBody{Party: vaulttest.Processor, Role: order.Processor, Ended: 1, Mark: "x"})
		}},
		"a task that is answered twice": {"impossible assistance", func(s *scene) {
			s.forge(s.mei, 1, assistance.KindAnswered, "party:"+s.partner.ID, assistance.AnsweredBody{Task: s.task, Answer: assistance.Nothing})
		}},
		"a task about a demand that has ended": {"impossible assistance", func(s *scene) {
			r := s.ended()
			s.forge(s.mei, 1, assistance.KindAsked, s.Officer.Ledger(), assistance.AskedBody{Task: id.New(id.Assistance), Demand: r.ID, Kind: string(r.Kind),
				Item: r.Item, Role: party.Processor, Party: vaulttest.Processor, Items: []string{"voice"}, Due: 1 << 60})
		}},
		"a task that is answered after its demand has ended": {"impossible assistance", func(s *scene) {
			r := s.ended()
			var task string
			s.do(func(ctx context.Context, tx *db.Tx) error {
				all, err := assistance.Of(ctx, tx, s.mei.ID, r.ID)
				task = all[0].ID
				return err
			})
			s.forge(s.mei, 1, assistance.KindAnswered, "party:"+s.partner.ID, assistance.AnsweredBody{Task: task, Answer: assistance.Nothing})
		}},
		"an end that a party attests which it hasn't come to": {"impossible order", func(s *scene) {
			s.forgeAs("party:"+s.partner.ID, order.KindStated, order.StatedBody{Party: vaulttest.Processor, Role: order.Processor, Ended: s.Store.Now().Add(-time.Hour).UnixMicro(), Mark: "x"})
		}},
		"a leak that was noticed when it was due": {"impossible incident", func(s *scene) {
			s.forgeAs(s.Officer.Ledger(), incident.KindOpened, incident.OpenedBody{Case: id.New(id.Incident), Source: incident.Staff, Kind: incident.Lost, Noticed: 1 << 60, Due: 1 << 60, Mark: "x"})
		}},
		"a leak of a million that is minor": {"impossible incident", func(s *scene) {
			s.forgeAs(s.Officer.Ledger(), incident.KindGraded, incident.GradedBody{Case: s.leak, Note: 2, Mark: "x", Grade: incident.Minor, Children: incident.Larger, Due: 1 << 60})
		}},
		"a leak that an app closes": {"impossible actor", func(s *scene) {
			s.forgeAs(s.App.Ledger(), incident.KindClosed, incident.ClosedBody{Case: s.leak, Note: 2, Mark: "x", Outcome: incident.Remedied})
		}},
		"a note between two others": {"impossible incident", func(s *scene) {
			s.forgeAs(s.Officer.Ledger(), incident.KindNoted, incident.NotedBody{Case: s.leak, Note: 1, Mark: "x"})
		}},
		"a leak that ends without its steps": {"impossible incident", func(s *scene) {
			s.forgeAs(s.Officer.Ledger(), incident.KindClosed, incident.ClosedBody{Case: s.leak, Note: 2, Mark: "x", Outcome: incident.Remedied})
		}},
		"a leak that one person calls minor and then nothing": {"impossible incident", func(s *scene) {
			var grader string
			s.do(func(ctx context.Context, tx *db.Tx) error {
				c, err := incident.Find(ctx, tx, service, s.leak)
				grader = c.GradedBy
				return err
			})
			s.forgeAs(grader, incident.KindClosed, incident.ClosedBody{Case: s.leak, Note: 2, Mark: "x", Outcome: incident.Unfounded})
		}},
		"a note of a leak by somebody inside whom nothing lets": {"impossible actor", func(s *scene) {
			s.forgeAs("staff:st_x", incident.KindNoted, incident.NotedBody{Case: s.leak, Note: 2, Mark: "x"})
		}},
		"a leak that an app reads": {"impossible actor", func(s *scene) {
			s.forgeAs(s.App.Ledger(), incident.KindRead, incident.ReadBody{Case: s.leak, Notes: 2})
		}},
		"a leak of which more is read than was written": {"impossible incident", func(s *scene) {
			s.forgeAs(s.Officer.Ledger(), incident.KindRead, incident.ReadBody{Case: s.leak, Notes: 3})
		}},
		"a case that no alarm has opened": {"impossible alarm", func(s *scene) {
			s.forgeAs("system:incident", incident.KindOpened, incident.OpenedBody{Case: id.New(id.Incident), Source: incident.Alarm, Kind: incident.Leaked, Suspected: true, Noticed: 1, Due: 1 << 60, Mark: "x",
				Cause: incident.Burst, Suspect: s.App.Ledger(), Alarm: id.New(id.Entry), Plan: 1, ReportIn: 240})
		}},
		"a case of an alarm that somebody has opened": {"impossible actor", func(s *scene) {
			s.forgeAs(s.Officer.Ledger(), incident.KindOpened, incident.OpenedBody{Case: id.New(id.Incident), Source: incident.Alarm, Kind: incident.Altered, Suspected: true, Noticed: 1, Due: 1 << 60, Mark: "x",
				Cause: incident.Audited, Plan: 1, ReportIn: 240})
		}},
		"a leak that follows no plan": {"impossible incident", func(s *scene) {
			s.forgeAs(s.Officer.Ledger(), incident.KindOpened, incident.OpenedBody{Case: id.New(id.Incident), Source: incident.Staff, Kind: incident.Lost, Noticed: 1, Due: 1 << 60, Mark: "x", ReportIn: 240})
		}},
		"a leak that may be told later": {"impossible incident", func(s *scene) {
			s.forgeAs(s.Officer.Ledger(), incident.KindOpened, incident.OpenedBody{Case: id.New(id.Incident), Source: incident.Staff, Kind: incident.Lost, Noticed: 1, Due: 1 << 60, Mark: "x", Plan: 1, ReportIn: 1440})
		}},
		"an emergency plan after the next": {"impossible incident", func(s *scene) {
			s.forgeAs(s.Officer.Ledger(), incident.KindPlanned, incident.PlannedBody{Plan: 3, Minutes: []int64{1}, Mark: "x"})
		}},
		"an emergency plan of who holds no office": {"impossible actor", func(s *scene) {
			s.forgeAs(s.App.Ledger(), incident.KindPlanned, incident.PlannedBody{Plan: 2, Minutes: []int64{1}, Mark: "x"})
		}},
		"a step of a plan that is done twice": {"impossible incident", func(s *scene) {
			s.forgeAs(s.Officer.Ledger(), incident.KindTicked, incident.TickedBody{Case: s.leak})
		}},
		"a leak of which nothing is stopped": {"impossible incident", func(s *scene) {
			s.forgeAs(s.Officer.Ledger(), incident.KindContained, incident.ContainedBody{Case: s.leak, Note: 2, Mark: "x", Step: incident.StepRevoked, Target: "王小明"})
		}},
		"a leak that is stopped by an app": {"impossible actor", func(s *scene) {
			s.forgeAs(s.App.Ledger(), incident.KindContained, incident.ContainedBody{Case: s.leak, Note: 2, Mark: "x", Step: incident.StepRevoked, Target: s.App.ID})
		}},
		"a list that an app makes":           {"impossible actor", func(s *scene) { s.forgeReach(s.App.Ledger(), 4, s.bo.Subject) }},
		"a list that grows by who is on it":  {"impossible list", func(s *scene) { s.forgeReach(s.Officer.Ledger(), 3, s.lan.Subject) }},
		"a list with a stranger":             {"impossible list", func(s *scene) { s.forgeReach(s.Officer.Ledger(), 4, id.New(id.Subject)) }},
		"a list that is longer than it says": {"impossible list", func(s *scene) { s.forgeReach(s.Officer.Ledger(), 3, s.bo.Subject) }},
		"a list of which a step is left out": {"impossible list", func(s *scene) {
			b := incident.ReachedBody{Case: s.leak, Batch: 5, Sets: []incident.ReachedSet{{Children: []string{s.bo.Subject}}}, Children: 4}
			s.forgeAs(s.Officer.Ledger(), incident.KindReached, b)
		}},
		"a question about what is to come": {"impossible list", func(s *scene) {
			s.forgeAs(s.Officer.Ledger(), incident.KindAsked, incident.AskedBody{Case: s.leak, Question: 3, Kind: "service", To: 1 << 60})
		}},
		"an answer to no question": {"impossible list", func(s *scene) {
			s.forgeAs("system:incident", incident.KindAnswered, incident.AnsweredBody{Case: s.leak, Question: 3})
		}},
		"an answer by somebody": {"impossible actor", func(s *scene) {
			s.forgeAs(s.Officer.Ledger(), incident.KindAnswered, incident.AnsweredBody{Case: s.leak, Question: 1})
		}},
		"what nobody has ordered for all on a list": {"impossible list", func(s *scene) {
			s.forgeAs("system:incident", incident.KindCarriedOut, incident.CarriedBody{Case: s.leak, Note: 1, Left: []string{s.mei.Subject}})
		}},
		"what was ordered for all is done again": {"impossible list", func(s *scene) {
			s.forgeAs("system:incident", incident.KindCarriedOut, incident.CarriedBody{Case: s.contained, Note: 2, Frozen: []string{s.cold.Subject}})
		}},
		"what was ordered for all is done by somebody": {"impossible actor", func(s *scene) {
			s.forgeAs(s.Officer.Ledger(), incident.KindCarriedOut, incident.CarriedBody{Case: s.contained, Note: 2, Left: []string{s.cold.Subject}})
		}},
		"a child that is let go for a leak of which nobody said so": {"impossible list", func(s *scene) {
			s.forge(s.cold, 1, family.KindUnfrozen, "system:incident", family.UnfrozenBody{})
		}},
		"a list that is fixed as it never was": {"impossible list", func(s *scene) {
			s.forgeAs(s.Officer.Ledger(), incident.KindFrozen, incident.FrozenBody{Case: s.leak, Batch: 3, Children: 2})
		}},
		"a leak that nobody reported": {"impossible incident", func(s *scene) {
			s.forgeAs(s.Officer.Ledger(), incident.KindClosed, incident.ClosedBody{Case: id.New(id.Incident), Note: 1, Mark: "x", Outcome: incident.Remedied})
		}},
		"a takedown that lapses though the service goes on": {"impossible takedown", func(s *scene) {
			s.forgeAs("system:retention", takedown.KindLapsed, takedown.DoneBody{Case: s.harm})
		}},
		"values hashed that no charter marks": {"verdict ", func(s *scene) {
			b := s.fair()
			s.forgeAs(gate.Screener, gate.KindCompared, gate.ComparingBody{Items: []string{"weekly_score"}, Catalog: b.Catalog, Charter: b.Charter})
		}},
		"values hashed by an app": {"impossible actor", func(s *scene) {
			b := s.fair()
			s.forgeAs(s.App.Ledger(), gate.KindCompared, gate.ComparingBody{Items: []string{"weekly_score"}, Catalog: b.Catalog, Charter: b.Charter})
		}},
		"a refusal to hash that has another reason": {"verdict ", func(s *scene) {
			b := s.fair()
			s.forgeAs(gate.Screener, gate.KindCompareRefused, gate.ComparingBody{Items: []string{"weekly_score"}, Catalog: b.Catalog, Charter: b.Charter,
				Reasons: []gate.Denial{{Code: "gate.no_charter", Article: "8"}}})
		}},
		"an alarm about a key that never was": {"impossible actor", func(s *scene) {
			s.forgeAs("app:"+id.New(id.Credential), publication.KindAlarm, publication.AlarmBody{Cause: publication.Burst, Hits: 101})
		}},
		"an alarm about nothing": {"impossible alarm", func(s *scene) {
			s.forgeAs(s.App.Ledger(), publication.KindAlarm, publication.AlarmBody{Cause: publication.Burst})
		}},
		"a use of no age": {"body age", func(s *scene) { s.forgeUse(func(b *gate.UseBody) { b.Age = "" }) }},
		"a use at an earlier version": {"order version", func(s *scene) {
			s.forge(s.mei, -2, gate.KindPermitted, s.App.Ledger(), s.fair())
		}},
		"a change at a version of before": {"order version", func(s *scene) {
			s.forge(s.mei, -1, family.KindFrozen, s.App.Ledger(), family.FrozenBody{Why: family.Death})
		}},
		"an unknown kind": {"kind ", func(s *scene) { s.forge(s.mei, 1, "child."+secret, s.App.Ledger(), struct{}{}) }},
		"a body with something more": {"body child.frozen", func(s *scene) {
			s.forge(s.mei, 1, family.KindFrozen, s.App.Ledger(), map[string]string{"why": "death", "name": secret})
		}},
		"a body of another kind": {"body use.permitted", func(s *scene) {
			s.forge(s.mei, 0, gate.KindPermitted, s.App.Ledger(), family.FrozenBody{Why: family.Death})
		}},
		"a child frozen in the ledger alone": {"row_differs frozen", func(s *scene) {
			s.forge(s.mei, 1, family.KindFrozen, s.App.Ledger(), family.FrozenBody{Why: family.Death})
		}},
		"an end to what never began": {"impossible state", func(s *scene) {
			s.forge(s.mei, 1, family.KindSettled, s.App.Ledger(), family.SettledBody{})
		}},
		"something after the erasure": {"erased use.permitted", func(s *scene) { s.forge(s.gone, 1, gate.KindPermitted, s.App.Ledger(), s.fair()) }},
		"an erasure of one who lives": {"row_differs state", func(s *scene) {
			s.forge(s.bo, 1, family.KindErased, s.App.Ledger(), family.ErasedBody{Ground: family.Requested})
		}},
		"an erasure before its time": {"impossible expires_at", func(s *scene) {
			s.forge(s.bo, 1, family.KindErased, "system:retention", family.ErasedBody{Ground: family.ExpiredUnconsented})
		}},
		"an erasure that leaves values": {"impossible held", func(s *scene) {
			s.forge(s.mei, 1, family.KindErased, s.App.Ledger(), family.ErasedBody{Ground: family.Requested})
		}},
		"an erasure that forgets a no": {"impossible state", func(s *scene) {
			s.half(s.request(s.bo).Purposes[0])
			s.forge(s.bo, 1, family.KindErased, s.App.Ledger(), family.ErasedBody{Ground: family.Requested})
		}},
		"an erasure that remembers a no to another charter": {"impossible state", func(s *scene) {
			s.half(s.request(s.bo).Purposes[0])
			s.forge(s.bo, 1, family.KindErased, s.App.Ledger(), family.ErasedBody{Ground: family.Requested, Refused: s.request(s.bo).Charter + 1})
		}},
		"an erasure that remembers a no that nobody said": {"impossible state", func(s *scene) {
			s.forge(s.bo, 1, family.KindErased, s.App.Ledger(), family.ErasedBody{Ground: family.Requested, Refused: s.request(s.bo).Charter})
		}},
		"a value erased before its time": {"impossible expires_at", func(s *scene) {
			s.forge(s.mei, 1, vault.KindErased, "system:retention", vault.ErasedBody{Items: []string{"weekly_score"}, Ground: "expired"})
		}},
		"a value collected without a permit": {"impossible permit", func(s *scene) {
			now := s.Store.Now().UnixMicro()
			s.forge(s.mei, 1, vault.KindCollected, s.App.Ledger(), vault.CollectedBody{Values: []gate.Span{
				{Item: "lesson_progress", Purpose: "course-progress", Collected: now, Expires: now + 1}}})
		}},
		"a collection that wrote nothing": {"impossible collected", func(s *scene) {
			s.forgeUse(func(b *gate.UseBody) { b.Activity = "collect" })
		}},
		"a value that lives longer than the charter says": {"impossible expires_at", func(s *scene) { s.collect(48 * time.Hour) }},
		"a value kept on without a use": {"impossible permit", func(s *scene) {
			s.forge(s.mei, 1, vault.KindKept, s.App.Ledger(), vault.KeptBody{Values: []gate.Span{{Item: "weekly_score", Purpose: "course-progress"}}})
		}},
		"an event in the ledger alone": {"row_differs endings", func(s *scene) { s.event(func(*vault.EventBody) {}) }},
		"an event that no charter names": {"impossible event", func(s *scene) {
			s.event(func(b *vault.EventBody) { b.Event = "moved" })
		}},
		"an event that ends values later": {"impossible event", func(s *scene) {
			s.event(func(b *vault.EventBody) { b.Ends["account"]++; b.Values[0].Expires++ })
		}},
		"an event that ends another purpose": {"impossible event", func(s *scene) {
			s.event(func(b *vault.EventBody) { b.Ends["speaking-practice"] = b.Ends["account"] })
		}},
		"an event that ends nothing": {"impossible event", func(s *scene) { s.event(func(b *vault.EventBody) { b.Ends, b.Values = nil, nil }) }},
		"an event to come": {"impossible event", func(s *scene) {
			s.event(func(b *vault.EventBody) { b.Happened += time.Hour.Microseconds() })
		}},
		"an event that spares a value": {"impossible held", func(s *scene) {
			s.event(func(b *vault.EventBody) { b.Values = nil })
		}},
		"an event under a charter to come": {"catalog catalog", func(s *scene) { s.event(func(b *vault.EventBody) { b.Catalog += 7 }) }},
		"an event of a service long gone":  {"catalog catalog", func(s *scene) { s.event(func(b *vault.EventBody) { b.Catalog-- }) }},
		"a grant by one who was never verified": {"impossible guardian", func(s *scene) {
			g := s.guardians(s.bo.ID)[0]
			s.forge(s.bo, 1, consent.KindGranted, g.Ledger(), consent.AnswerBody{Consent: id.New(id.Consent), Guardian: g.ID, Purpose: "account",
				Charter: 2, Notice: "x", Lang: "en", Strength: 1})
		}},
		"a grant to another notice":     {"notice notice", func(s *scene) { s.answer(func(b *consent.AnswerBody) { b.Notice = strings.Repeat("0", 64) }) }},
		"a grant to a charter to come":  {"notice notice", func(s *scene) { s.answer(func(b *consent.AnswerBody) { b.Charter = 9 }) }},
		"a grant of too great strength": {"impossible strength", func(s *scene) { s.answer(func(b *consent.AnswerBody) { b.Strength = 3 }) }},
		"a second answer beside the first": {"impossible answer", func(s *scene) {
			s.answer(func(b *consent.AnswerBody) { b.Ends = "" })
		}},
		"a grant in the ledger alone": {"row_missing ", func(s *scene) { s.answer(func(*consent.AnswerBody) {}) }},
		"a guardian verified in the ledger alone": {"row_differs strength", func(s *scene) {
			s.forge(s.bo, 1, family.KindGuardianVerified, s.Officer.Ledger(), family.GuardianVerifiedBody{Guardian: s.guardians(s.bo.ID)[0].ID, Strength: 4})
		}},
		"a request that ran out before its time": {"impossible request", func(s *scene) {
			s.forge(s.bo, 1, consent.KindExpired, "system:retention", consent.RequestBody{Request: s.request(s.bo).ID})
		}},
		"a request cancelled in the ledger alone": {"row_extra ", func(s *scene) {
			s.forge(s.bo, 1, consent.KindCancelled, s.App.Ledger(), consent.RequestBody{Request: s.request(s.bo).ID})
		}},
		"a request sent more often than it was": {"impossible request", func(s *scene) {
			s.forge(s.bo, 1, consent.KindSent, s.App.Ledger(), consent.RequestBody{Request: s.request(s.bo).ID, Sends: 7})
		}},
		"a request that nobody made": {"impossible request", func(s *scene) {
			s.forge(s.bo, 1, consent.KindSent, s.App.Ledger(), consent.RequestBody{Request: id.New(id.Request), Sends: 1})
		}},
		"a notice shown to an answer": {"impossible request", func(s *scene) {
			r := s.request(s.mei)
			s.forge(s.mei, 1, consent.KindOpened, "link:"+r.ID, consent.OpenedBody{Request: r.ID, Notice: r.Shown.Notice, Lang: "en", Channel: "page"})
		}},
		"somebody else verified": {"impossible request", func(s *scene) {
			s.forge(s.bo, 1, consent.KindVerified, s.App.Ledger(), consent.VerifiedBody{Request: s.request(s.bo).ID, Guardian: s.aunt.ID, Strength: 1})
		}},
		"a request that outlives its child": {"impossible request", func(s *scene) {
			r := s.request(s.bo)
			s.forge(s.bo, 1, consent.KindRequested, s.App.Ledger(), consent.RequestedBody{Request: id.New(id.Request), Guardian: r.Guardian,
				Charter: r.Charter, Purposes: r.Purposes, Channel: consent.Link, Locale: "en", Expires: r.ExpiresAt.UnixMicro() + 1})
		}},
		"an answer to one of many purposes":        {"impossible request", func(s *scene) { s.half(s.request(s.bo).Purposes[0]) }},
		"an answer to a purpose that wasn't asked": {"impossible request", func(s *scene) { s.half("ghost") }},
		"a child that was never registered": {"impossible registered", func(s *scene) {
			s.do(func(ctx context.Context, tx *db.Tx) error {
				_, err := ledger.Append(ctx, tx, ledger.Entry{Kind: family.KindFrozen, Service: service, Subject: id.New(id.Subject), Version: 2,
					Actor: s.App.Ledger(), Body: family.FrozenBody{Why: family.Death}})
				return err
			})
		}},
		"a change of the service in the ledger alone": {"row_differs officer", func(s *scene) {
			s.forgeService(1, catalog.KindAppointed, catalog.AppointedBody{ID: id.New(id.Staff), Role: catalog.RoleOfficer, Replaces: s.Officer.ID})
		}},
		"a change of the service left out": {"order version", func(s *scene) {
			s.forgeService(2, catalog.KindEnded, catalog.EndedBody{ID: s.Officer.ID, Role: catalog.RoleOfficer})
		}},
		"more sub-processors than there can be": {"row_hash subs", func(s *scene) {
			s.forgeParty(party.KindDeclared, party.DeclaredBody{Party: vaulttest.Processor, Role: party.Processor, Count: 1 << 62, Mark: "x"})
		}},
		"a party that tells of itself by nobody's key": {"impossible party", func(s *scene) {
			s.forgeServiceAs("party:"+id.New(id.PartyKey), 1, party.KindDeclared, party.DeclaredBody{Party: vaulttest.Processor, Role: party.Processor, Count: 50, Mark: "x"})
		}},
		"a party where the charter doesn't have it": {"impossible party", func(s *scene) {
			s.forgeParty(party.KindRegistered, party.RegisteredBody{Party: vaulttest.Processor, Role: party.Processor, Country: "HK", Mark: "x"})
		}},
		"a key that the officer didn't bind": {"impossible office", func(s *scene) {
			s.forgeService(1, party.KindBound, party.BoundBody{Party: vaulttest.Processor, Role: party.Processor, Key: id.New(id.PartyKey), Paper: s.paper,
				Print: strings.Repeat("ab", 32), Until: s.Store.Now().Add(time.Hour).UnixMicro()})
		}},
		"a key of a party that is suspended": {"impossible party", func(s *scene) {
			s.forgeParty(party.KindBound, party.BoundBody{Party: vaulttest.Processor, Role: party.Processor, Key: id.New(id.PartyKey), Paper: s.paper,
				Print: strings.Repeat("ab", 32), Until: s.Store.Now().Add(time.Hour).UnixMicro()})
		}},
		"a key revoked that was never bound": {"impossible party", func(s *scene) {
			s.forgeParty(party.KindRevoked, party.RevokedBody{Party: vaulttest.Processor, Role: party.Processor, Key: id.New(id.PartyKey)})
		}},
		"a party ordered to delete after no end": {"impossible party", func(s *scene) {
			s.forgeServiceAs("system:cessation", 1, party.KindParted, party.PartedBody{Party: vaulttest.Processor, Role: party.Processor, Ended: time.Time{}.UnixMicro()})
		}},
		"a charter that was never proposed": {"impossible number", func(s *scene) {
			s.forgeService(1, catalog.KindPublished, catalog.PublishedBody{Number: 9, Hash: "x", AskedSince: map[string]int64{"account": 1}})
		}},
		"a key of a wider scope": {"row_differs scopes", func(s *scene) {
			s.do(func(ctx context.Context, tx *db.Tx) error {
				_, err := tx.Exec(ctx, `UPDATE credential SET scopes = $1 WHERE id = $2`, "seal", s.App.ID)
				return err
			})
		}},
		"a child made older by nobody's document": {"impossible birth claim", func(s *scene) {
			s.forge(s.mei, 1, family.KindCorrected, s.Officer.Ledger(), family.CorrectedBody{What: "birth", Class: "minor", Source: family.FromDocument, Claim: id.New(id.BirthClaim)})
		}},
		"a child made older by one person": {"impossible actor", func(s *scene) {
			claim := id.New(id.BirthClaim)
			s.forge(s.mei, 1, rights.KindClaimed, s.Officer.Ledger(), rights.ClaimedBody{Claim: claim, Paper: rights.Passport, Expires: math.MaxInt64})
			s.forge(s.mei, 2, family.KindCorrected, s.Officer.Ledger(), family.CorrectedBody{What: "birth", Class: "minor", Source: family.FromDocument, Claim: claim})
		}},
		"a document that no claim names": {"body child.corrected", func(s *scene) {
			s.forge(s.mei, 1, family.KindCorrected, s.Officer.Ledger(), family.CorrectedBody{What: "birth", Class: "minor", Source: family.FromDocument})
		}},
		"a demand taken on by a guardian who isn't the one": {"impossible actor", func(s *scene) {
			s.takenOn("guardian:"+id.New(id.Guardian), rights.Inside{})
		}},
		"a demand taken on by the sweep":     {"impossible actor", func(s *scene) { s.takenOn("system:retention", rights.Inside{}) }},
		"a demand taken on by nobody inside": {"impossible actor", func(s *scene) { s.takenOn("staff:x", rights.Inside{}) }},
		"a demand taken on by whom the matrix doesn't let": {"actor actor", func(s *scene) {
			s.takenOn("staff:"+id.New(id.Staff), rights.Inside{Person: 1, Catalog: 1})
		}},
		"a demand taken on by an app that is somebody inside": {"impossible actor", func(s *scene) { s.takenOn(s.App.Ledger(), rights.Inside{Person: 1, Catalog: 1}) }},
		"a demand given to nobody": {"impossible demand", func(s *scene) {
			s.forge(s.mei, 1, rights.KindAssigned, s.Officer.Ledger(), rights.AssignedBody{Request: id.New(id.Rights), Owner: s.Officer.ID})
		}},
		"a demand taken back once more without a restore": {"impossible demand", func(s *scene) {
			desk, r := rights.Desk{Ring: s.Ring, Charters: s.Desk.Charters, Calendar: workday.Default()}, rights.Request{}
			s.do(func(ctx context.Context, tx *db.Tx) (err error) {
				r, _, err = desk.Receive(ctx, tx, s.App, s.mei, rights.Demand{Kind: rights.Delete, Door: rights.ByChild})
				return err
			})
			g := s.guardians(s.mei.ID)[0].Ledger()
			s.forge(s.mei, 1, family.KindUnfrozen, g, family.UnfrozenBody{})
			s.forge(s.mei, 2, rights.KindCancelled, g, rights.EndedBody{Request: r.ID, Again: true})
		}},
		"an answer that came sooner than it did": {"body demand", func(s *scene) {
			desk, r := rights.Desk{Ring: s.Ring, Charters: s.Desk.Charters, Calendar: workday.Default()}, rights.Request{}
			s.do(func(ctx context.Context, tx *db.Tx) (err error) {
				r, _, err = desk.Receive(ctx, tx, s.App, s.mei, rights.Demand{Kind: rights.Correct, Door: rights.ByChild, Item: "weekly_score", Held: []string{"weekly_score"}})
				return err
			})
			s.forge(s.mei, 1, rights.KindDone, s.Officer.Ledger(), rights.EndedBody{Request: r.ID, Received: r.ReceivedAt.UnixMicro() + 1})
		}},
		"a guardian told of a demand that nobody made": {"impossible demand", func(s *scene) {
			s.forge(s.mei, 1, rights.KindTold, "system:messages", rights.ToldBody{Request: id.New(id.Rights), Guardian: s.guardians(s.mei.ID)[0].ID, Channel: "sms"})
		}},
		"a key revoked twice": {"impossible actor", func(s *scene) {
			s.forgeService(-100, account.KindRevoked, account.RevokedBody{ID: s.revoked.ID})
		}},
		"an endpoint in the ledger alone": {"row_missing ", func(s *scene) {
			s.forgeService(-100, webhook.KindAdded, webhook.AddedBody{Endpoint: id.New(id.Webhook), Host: "hooks.example.com"})
		}},
		"an endpoint removed in the ledger alone": {"row_extra ", func(s *scene) {
			s.forgeService(-100, webhook.KindRemoved, webhook.RemovedBody{Endpoint: s.hook.ID})
		}},
		"an endpoint with a name that is none": {"body webhook", func(s *scene) {
			s.forgeService(-100, webhook.KindAdded, webhook.AddedBody{Endpoint: secret, Host: "hooks.example.com"})
		}},
		"an endpoint added twice": {"impossible webhook", func(s *scene) {
			s.forgeService(-100, webhook.KindAdded, webhook.AddedBody{Endpoint: s.hook.ID, Host: "hooks.example.com"})
		}},
		"a sweep that left something and says it didn't": {"impossible swept", func(s *scene) {
			s.forgeService(-100, vault.KindSwept, vault.SweptBody{Until: 2, Purposes: []vault.SweptPurpose{{Purpose: "account", Collected: 0, Ends: 1}}})
		}},
		"a sweep of what is yet to come": {"impossible swept", func(s *scene) {
			s.forgeService(-100, vault.KindSwept, vault.SweptBody{Until: s.Store.Now().Add(time.Hour).UnixMicro()})
		}},
		"a secret left out": {"impossible webhook", func(s *scene) {
			s.forgeService(-100, webhook.KindRotated, webhook.RotatedBody{Endpoint: s.hook.ID, Version: 9})
		}},
		"an address changed in between": {"impossible webhook", func(s *scene) {
			s.forgeService(-100, webhook.KindChanged, webhook.ChangedBody{Endpoint: s.hook.ID, Version: 9, Host: "hooks.example.com"})
		}},
		"a pause ended that never began": {"impossible webhook", func(s *scene) {
			s.forgeService(-100, webhook.KindResumed, webhook.PausedBody{Endpoint: s.hook.ID})
		}},
		"an endpoint removed that never was": {"impossible webhook", func(s *scene) {
			s.forgeService(-100, webhook.KindRemoved, webhook.RemovedBody{Endpoint: id.New(id.Webhook)})
		}},
		"events replayed to nobody": {"impossible webhook", func(s *scene) {
			s.forgeService(-100, webhook.KindReplayed, webhook.ReplayedBody{Endpoint: id.New(id.Webhook), What: "parked"})
		}},
	}
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		s := play(t, w)
		for name, f := range sampled(t, forgeries) {
			forgery(t, name, s.once(t, func() { f.by(s) }), f.found)
		}
		s.replays(t)

		// It makes no difference whether the forgery has its place.
		s.forgeUse(func(b *gate.UseBody) { b.Purpose = "class-ranking" })
		ok(t, s.flush())
		report := s.audit(t)
		forgery(t, "a placed one", report, "verdict ")
		if d := report.Differences[0]; d.Place != report.Size-1 || d.Subject != s.mei.Subject || report.Pending != 0 {
			t.Errorf("%+v of %d", d, report.Size)
		}
	})
}

func forgery(t *testing.T, name string, report replay.Report, want string) {
	t.Helper()
	var all []string
	for _, d := range report.Differences {
		all = append(all, strings.TrimPrefix(d.What, "replay.")+" "+d.Field)
		if text := d.String(); strings.Contains(text, secret) {
			t.Errorf("it says %q", text)
		}
	}
	if !slices.Contains(all, want) {
		t.Errorf("%s: want %q, got:\n%s", name, want, strings.Join(all, "\n"))
	}
}

// takenOn forges that a guardian has taken on what the child asked for.
func (s *scene) takenOn(actor string, inside rights.Inside) {
	s.T.Helper()
	desk, r := rights.Desk{Ring: s.Ring, Charters: s.Desk.Charters, Calendar: workday.Default()}, rights.Request{}
	var now time.Time
	s.do(func(ctx context.Context, tx *db.Tx) (err error) {
		now = tx.Now()
		r, _, err = desk.Receive(ctx, tx, s.App, s.mei, rights.Demand{Kind: rights.Delete, Door: rights.ByChild})
		return err
	})
	s.forge(s.mei, 1, rights.KindConfirmed, actor, rights.ConfirmedBody{Request: r.ID, Door: rights.ByGuardian,
		Guardian: s.guardians(s.mei.ID)[0].ID, Erase: now.UnixMicro(), Inside: inside})
}

// request is the child's first.
func (s *scene) request(c family.Child) consent.Request {
	s.T.Helper()
	var all []consent.Request
	s.do(func(ctx context.Context, tx *db.Tx) (err error) {
		all, err = consent.Requests(ctx, tx, c.ID)
		return err
	})
	return all[0]
}

// half appends that bo's guardian was verified, and one answer.
func (s *scene) half(purpose string) {
	s.T.Helper()
	r := s.request(s.bo)
	g := s.guardians(s.bo.ID)[0]
	s.forge(s.bo, 1, family.KindGuardianVerified, g.Ledger(), family.GuardianVerifiedBody{Guardian: g.ID, Strength: 1})
	s.forge(s.bo, 1, consent.KindVerified, g.Ledger(), consent.VerifiedBody{Request: r.ID, Guardian: g.ID, Strength: 1})
	s.forge(s.bo, 1, consent.KindRefused, g.Ledger(), consent.AnswerBody{Consent: id.New(id.Consent), Guardian: g.ID, Request: r.ID,
		Purpose: purpose, Charter: r.Charter, Notice: r.Shown.Notice, Lang: r.Shown.Lang, Channel: r.Shown.Channel,
		Shown: r.Shown.At.UnixMicro(), Strength: 1})
}

// collect appends a permitted collection and what it wrote, with values that
// live for so long.
func (s *scene) collect(life time.Duration) {
	s.T.Helper()
	b := s.fair()
	b.Activity = string(charter.Collect)
	s.do(func(ctx context.Context, tx *db.Tx) error {
		now := tx.Now().UnixMicro()
		c, err := family.Lock(ctx, tx, service, s.mei.ID)
		if err != nil {
			return err
		}
		_, err = ledger.Append(ctx, tx, ledger.Entry{Kind: gate.KindPermitted, Service: service, Subject: c.Subject,
			Version: c.Version - 1, Actor: s.App.Ledger(), Body: b})
		if err != nil {
			return err
		}
		_, err = ledger.Append(ctx, tx, ledger.Entry{Kind: vault.KindCollected, Service: service, Subject: c.Subject,
			Version: c.Version, Actor: s.App.Ledger(), Body: vault.CollectedBody{Values: []gate.Span{
				{Item: "weekly_score", Purpose: "course-progress", Collected: now, Expires: now + life.Microseconds()}}}})
		return err
	})
}

// forgeSelf ties mei, who is eight, to itself, and has it agree.
func (s *scene) forgeSelf() {
	s.T.Helper()
	self := family.Guardian{ID: family.GuardianID(id.New(id.Guardian))}
	var stands []consent.Answer
	s.do(func(ctx context.Context, tx *db.Tx) error {
		stands = nil
		return tx.Together(ctx, consent.ReadStanding(&stands, s.mei.ID))
	})
	a := stands[0]
	s.forge(s.mei, 1, family.KindGuardianAdded, s.App.Ledger(), family.GuardianAddedBody{Guardian: self.ID, Relation: family.Self, Known: []string{}})
	s.forge(s.mei, 1, family.KindGuardianVerified, self.Ledger(), family.GuardianVerifiedBody{Guardian: self.ID, Strength: family.OneTimeCode})
	s.forge(s.mei, 1, consent.KindRefused, self.Ledger(), consent.AnswerBody{Consent: id.New(id.Consent), Guardian: self.ID, Request: a.Request,
		Purpose: a.Purpose, Charter: a.Charter, Notice: a.Notice, Lang: a.Lang, Channel: a.Channel, Shown: a.ShownAt.UnixMicro(), Strength: 1, Self: true})
}

// ended has a guardian of mei demand a correction, with which the processor is asked to help, and the
// demand refused.
func (s *scene) ended() (r rights.Request) {
	s.T.Helper()
	desk, g := rights.Desk{Ring: s.Ring, Charters: s.Desk.Charters, Calendar: workday.Default()}, s.guardians(s.mei.ID)[0]
	s.do(func(ctx context.Context, tx *db.Tx) (err error) {
		ask := rights.Demand{Kind: rights.Correct, Door: rights.ByGuardian, Guardian: g.ID, Item: "voice", Held: []string{"voice"}}
		if r, _, err = desk.Receive(ctx, tx, g, s.mei, ask); err == nil {
			_, _, err = desk.Help(ctx, tx, s.Officer, r, vaulttest.ProcessorID())
		}
		if err == nil {
			_, _, err = desk.Refuse(ctx, tx, s.Officer, r, rights.AlreadyRight, pii.Text{})
		}
		return err
	})
	return r
}

// forgeAs appends an entry about the service that no version is of.
func (s *scene) forgeAs(actor, kind string, body any) {
	s.T.Helper()
	s.do(func(ctx context.Context, tx *db.Tx) error {
		_, err := ledger.Append(ctx, tx, ledger.Entry{Kind: kind, Service: service, Actor: actor, Body: body})
		return err
	})
}

// forgeService appends an entry about the service, by versions after the last.
func (s *scene) forgeService(by int64, kind string, body any) {
	s.T.Helper()
	s.forgeServiceAs(terminal.Ledger(), by, kind, body)
}

// forgeParty appends an entry of the officer's about a party.
func (s *scene) forgeParty(kind string, body any) {
	s.T.Helper()
	s.forgeServiceAs(s.Officer.Ledger(), 1, kind, body)
}

func (s *story) forgeServiceAs(actor string, by int64, kind string, body any) {
	s.T.Helper()
	s.do(func(ctx context.Context, tx *db.Tx) error {
		sv, err := catalog.Find(ctx, tx, service)
		if err == nil {
			_, err = ledger.Append(ctx, tx, ledger.Entry{Kind: kind, Service: service, Version: max(sv.Version+by, 0), Actor: actor, Body: body})
		}
		return err
	})
}

// An erasure that the sweep makes for a demand rests on one whose time had come: a row
// that somebody wrote by hand erases, and is found though it went with its child.
func TestInvariant7_AnErasureWithoutADemandIsFound(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		s := begin(t, w)
		asked, waits := s.Child(), s.Child()
		desk := rights.Desk{Ring: s.Ring, Charters: s.Desk.Charters, Calendar: workday.Default()}
		s.Do(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := desk.Receive(ctx, tx, s.App, waits, rights.Demand{Kind: rights.Delete, Door: rights.ByContact})
			return err
		})
		ok(t, s.flush())
		s.replays(t)
		for name, query := range map[string]string{
			"a demand that nobody made": `
				INSERT INTO rights_request (child, id, service, number, kind, door, guardian, item, state, owner, reason, received_at, due_at, extended,
					erase_at, froze, told, entry, reached, steps)
				VALUES ($1, 'rr_00000000000000000000000000', 'xiaoxi-english', 'x', 'delete', 'guardian', '', '', 'open', '', '', 0, 0, '', 1, false, '', '', '', '')`,
			"a demand that waits for a guardian": `UPDATE rights_request SET erase_at = 1 WHERE child = $1`,
		} {
			child := asked
			if strings.HasPrefix(query, "UPDATE") {
				child = waits
			}
			s.Do(func(ctx context.Context, tx *db.Tx) error {
				_, err := tx.Exec(ctx, query, child.ID)
				return err
			})
			if done, err := retention.Sweep(t.Context(), s.Store, s.Vault); err != nil || done.Demanded != 1 {
				t.Fatalf("%s: %+v, %v", name, done, err)
			}
			ok(t, s.flush())
			found := s.audit(t).Differences
			if !slices.ContainsFunc(found, func(d replay.Difference) bool { return d.What == replay.FoundImpossible && d.Field == "demand" }) {
				t.Errorf("%s: %v", name, found)
			}
		}
	})
}
