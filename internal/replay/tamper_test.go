package replay_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"testing"
	"time"

	"wardkeep/internal/account"
	"wardkeep/internal/assistance"
	"wardkeep/internal/backup"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/base/workday"
	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/family/age"
	"wardkeep/internal/incident"
	"wardkeep/internal/ledger"
	"wardkeep/internal/legal"
	"wardkeep/internal/order"
	"wardkeep/internal/party"
	"wardkeep/internal/replay"
	"wardkeep/internal/rights"
	"wardkeep/internal/suspicion"
	"wardkeep/internal/takedown"
	"wardkeep/internal/vault/vaulttest"
	"wardkeep/internal/webhook"
)

// A scene is a story so far, for somebody to tamper with.
type scene struct {
	*story
	// Mei has values, a withdrawal, a birth date that was corrected, and requests:
	// an answered one, a cancelled one, and one whose links were forgotten. Bo
	// waits for an answer, with a request that was sent and opened. Gone is erased.
	mei, bo, gone family.Child
	ann           family.Child    // she asked to close her account, and her guardian to correct two things
	lan           family.Child    // her guardian is proved in three ways, and waits with another document
	aunt          family.Guardian // mei's, with a name and an address
	revoked       account.App
	hook          webhook.Endpoint // whose secret was changed; another was removed
	paper         string           // an agreement
	doubt         string           // a suspicion that somebody looks after; another was decided
	harm          string           // content that has to come down; other may stay, or is down
	cold          family.Child     // frozen with all on the list of the case that is closed
	contained     string           // that case
	leak          string           // a case that was graded; another is closed, and a third the processor has reported
	partner       party.Key        // of the processor
	task          string           // that the processor has answered; another is open
	before        former
	approvals     map[string]string // ids of what a law demands to keep: of all children, of mei, and what was taken back
	orders        map[string]string // ids of orders: about mei, of whom is erased and overdue, of whom is erased and attested

	copied   backup.Backup      // that is kept; another is gone
	restored backup.Restoration // to a backup, when nothing had happened since
}

// A former is what stood in mei's rows before, as an old backup has it.
type former struct {
	birth, turns14, value      []byte
	birthVersion, valueVersion int64
}

func play(t *testing.T, w *vaulttest.World) *scene {
	t.Helper()
	s := &scene{story: begin(t, w)}
	s.revoked = s.App
	s.revoke()
	s.issue(account.AllScopes())
	s.hooks()
	s.copies()
	s.mei = s.Child()
	s.engaged()
	s.cancelled(s.mei)
	s.ordered()
	s.Pass(31 * 24 * time.Hour)
	ok(t, s.sweep())
	s.attested()
	s.cancelled(s.mei)
	s.gone = s.Child()
	_, refusing := s.Enrol()
	s.bo, _ = s.Enrol()
	s.lan = s.Child()
	for _, way := range []string{"number", "official", "document", "waits"} {
		ok(t, s.prove(s.guardians(s.lan.ID)[0], way))
	}
	s.waits(s.bo)
	s.demands()
	s.suspects()
	s.harms()
	s.leaks()
	s.helps()
	ok(t, s.says(refusing, none), s.erase(refusing.Child),
		s.put(s.mei.ID, "course-progress", map[string]string{"weekly_score": "76"}))
	s.remember()
	ok(t, s.put(s.mei.ID, "course-progress", map[string]string{"weekly_score": "77"}),
		s.put(s.gone.ID, "course-progress", map[string]string{"weekly_score": "78"}),
		s.correct(s.mei.ID, age.Birth{Year: s.Store.Now().Year() - 8, Month: 2}),
		s.use(s.mei.ID, charter.Use, "course-progress", "", "weekly_score"),
		s.withdraw(s.guardians(s.mei.ID)[0], "class-ranking"),
		s.happens(s.mei.ID, "account-closed", time.Time{}),
		s.put(s.mei.ID, "account", map[string]string{"guardian_phone": "13800138000"}),
		s.erase(s.gone.ID))
	former, err := s.guardian(s.mei.ID, family.Parent)
	ok(t, err, s.end(former), s.locked(s.mei.ID, func(ctx context.Context, tx *db.Tx, c family.Child) (err error) {
		s.aunt, _, err = family.AddGuardian(ctx, tx, s.Ring, s.App, c, family.Person{Relation: family.Other,
			Name: pii.New("某姨"), Phone: pii.New("13700000000"), Email: pii.New("aunt@xiaoxi-english.example")})
		return err
	}))
	s.change()
	s.fill(catalog.RoleOfficer)
	s.Pass(time.Minute)
	ok(t, s.ceases("push-notices", 0), s.ceased("push-notices"))
	s.Pass(time.Minute)
	ok(t, s.flush())
	s.replays(t)
	return s
}

// ceases has the officer announce an end, and everybody told of it.
func (s *story) ceases(purpose string, window time.Duration) error {
	var c catalog.Cessation
	err := s.Try(func(ctx context.Context, tx *db.Tx) (err error) {
		c, _, err = catalog.Cease(ctx, tx, s.Officer, service, purpose, catalog.Discontinued, tx.Now().Add(window))
		return err
	})
	if err != nil {
		return err
	}
	s.Pass(time.Minute)
	return s.Try(func(ctx context.Context, tx *db.Tx) error {
		all, err := family.List(ctx, tx, service, "", 1000)
		if err != nil {
			return err
		}
		for _, child := range all {
			if child, err = family.Lock(ctx, tx, service, child.ID); err != nil {
				return err
			}
			if _, err := family.TellCeasing(ctx, tx, "system:cessation", child, purpose, c.EndsAt); err != nil {
				return err
			}
		}
		return c.TellUpto(ctx, tx, "ch_z", int64(len(all)), true)
	})
}

// ceased erases what was collected for a purpose, and ends it.
func (s *story) ceased(purpose string) error {
	return s.Try(func(ctx context.Context, tx *db.Tx) error {
		all, err := family.List(ctx, tx, service, "", 1000)
		if err != nil {
			return err
		}
		for _, child := range all {
			if _, err := s.Vault.EraseCeased(ctx, tx, "system:cessation", service, child.ID, purpose); err != nil {
				return err
			}
		}
		c, err := catalog.FindCessation(ctx, tx, service, purpose)
		if err == nil {
			_, err = catalog.Ceased(ctx, tx, "system:cessation", c, int64(len(all)))
		}
		return err
	})
}

// engaged has a processor assessed twice and agreed with, given something of mei, and then
// suspended because it entrusts others; and its end is set.
func (s *scene) engaged() {
	s.T.Helper()
	s.Do(func(ctx context.Context, tx *db.Tx) error {
		if _, _, err := party.Register(ctx, tx, s.Officer, vaulttest.ProcessorID(), vaulttest.Identity()); err != nil {
			return err
		}
		f := s.Assessment(party.ScopeOf(s.Charter, party.Processor, vaulttest.Processor))
		f.Staff.Score = party.Unacceptable
		_, _, err := party.Assess(ctx, tx, s.Officer, vaulttest.ProcessorID(), f)
		return err
	})
	denied(s.T, s.use(s.mei.ID, charter.Entrust, "speaking-practice", vaulttest.Processor, "gender"), "gate.assessment_failed")
	s.Engage(s.Store.Now().Add(1000 * 24 * time.Hour))
	ok(s.T, s.use(s.mei.ID, charter.Entrust, "speaking-practice", vaulttest.Processor, "gender"))
	s.partner, _ = s.Bind(vaulttest.ProcessorID())
	gone, _ := s.Bind(vaulttest.ProcessorID())
	ok(s.T, s.pull(s.partner.ID, s.mei.ID, "gender"))
	s.Do(func(ctx context.Context, tx *db.Tx) error {
		of := vaulttest.ProcessorID()
		from, until := tx.Now().Format(time.RFC3339), tx.Now().AddDate(1, 0, 0).Format(time.RFC3339)
		if _, _, err := party.File(ctx, tx, s.Officer, of, party.Mechanism{Mechanism: charter.StandardContract, Reference: "12",
			Document: strings.Repeat("cd", 32), From: from, Until: until}); err != nil {
			return err
		}
		if _, _, err := party.Revoke(ctx, tx, s.Officer, of, gone.ID); err != nil {
			return err
		}
		d := s.Deed(party.ScopeOf(s.Charter, party.Processor, vaulttest.Processor), tx.Now().Add(-time.Hour), tx.Now().Add(1000*24*time.Hour))
		d.SupervisedEvery = 1 // the alarm comes with the sweep of the next month
		if _, _, err := party.Agree(ctx, tx, s.Officer, of, d); err != nil {
			return err
		}
		if _, _, err := party.Check(ctx, tx, s.Officer, of, party.Inspection{On: tx.Now().In(age.Zone).Format(time.DateOnly), By: "负责人", Manner: "远程",
			Checked: "日志", Findings: "无", Outcome: party.Met, Document: strings.Repeat("ef", 32)}); err != nil {
			return err
		}
		if _, _, err := party.Suspend(ctx, tx, s.Officer, of, party.Incident); err != nil {
			return err
		}
		if _, _, err := party.Resume(ctx, tx, s.Officer, of); err != nil {
			return err
		}
		if _, _, err := party.Declare(ctx, tx, s.Officer, of, []string{"某云计算公司"}); err != nil {
			return err
		}
		p, _, err := party.End(ctx, tx, s.Officer, of, tx.Now().AddDate(2, 0, 0))
		s.paper = p.Agreement.ID
		return err
	})
	denied(s.T, s.use(s.mei.ID, charter.Entrust, "speaking-practice", vaulttest.Processor, "gender"), "gate.sub_processor")
}

// ordered has a processor told to correct something of mei, and to delete what it has
// of two children who are erased.
func (s *scene) ordered() {
	s.T.Helper()
	late, done := s.Child(), s.Child()
	s.keeps(late)
	ok(s.T, s.locked(s.mei.ID, func(ctx context.Context, tx *db.Tx, c family.Child) error {
		return s.book().Item(ctx, tx, s.App.Ledger(), c, order.Correct, "voice")
	}))
	s.orders = map[string]string{"mei": s.orderOf(s.mei.ID)}
	ok(s.T, s.erase(late.ID))
	s.orders["overdue"] = s.orderOf("")
	ok(s.T, s.erase(done.ID))
	s.orders["attested"] = s.orderOf("")
}

// keeps has the law demand that something is kept: of all children, and of mei alone. So
// something is kept of late, who is about to be erased, and of mei, who lives.
func (s *scene) keeps(late family.Child) {
	s.T.Helper()
	s.approvals = map[string]string{}
	for name, child := range map[string]family.ID{"all": "", "mei": s.mei.ID, "gone": ""} {
		s.Do(func(ctx context.Context, tx *db.Tx) error {
			a, _, err := legal.Approve(ctx, tx, s.Officer, legal.Approval{
				Service: service, Child: child, Items: []string{"school"}, Basis: legal.Other,
				Paper: legal.Paper{Number: name, Document: hex.EncodeToString(sha256.New().Sum([]byte(name))[:32])}, Until: tx.Now().Add(1000 * 24 * time.Hour),
			}, func(string) bool { return true })
			s.approvals[name] = a.ID
			if name == "gone" && err == nil {
				_, err = legal.End(ctx, tx, s.Officer, service, a.ID)
			}
			return err
		})
	}
	for _, c := range []family.Child{late, s.mei} {
		ok(s.T, s.put(c.ID, "class-ranking", map[string]string{"school": "文三路小学"}))
	}
	g := s.guardians(s.mei.ID)[0]
	s.Do(func(ctx context.Context, tx *db.Tx) error {
		desk := rights.Desk{Ring: s.Ring, Charters: s.Desk.Charters, Calendar: workday.Default()}
		_, _, err := s.Vault.Demand(ctx, tx, desk, g, s.mei, rights.Demand{Kind: rights.DeleteItem, Door: rights.ByGuardian, Guardian: g.ID, Item: "school"})
		return err
	})
}

func (s *scene) book() order.Book {
	return order.Book{Ring: s.Ring, Charters: s.Desk.Charters, Calendar: workday.Default()}
}

// orderOf returns the newest order about a child, or about those who are erased.
func (s *scene) orderOf(child family.ID) (id string) {
	s.T.Helper()
	s.Do(func(ctx context.Context, tx *db.Tx) error {
		all, err := order.Of(ctx, tx, child)
		if child == "" {
			all, err = order.List(ctx, tx, vaulttest.Service, order.IsOpen, "", 100)
			all = slices.DeleteFunc(all, func(o order.Order) bool { return o.Child != "" })
			slices.Reverse(all)
		}
		if err == nil {
			id = all[0].ID
		}
		return err
	})
	return id
}

// attested has the processor attest one of its orders, all of which are overdue.
func (s *scene) attested() {
	s.T.Helper()
	for _, which := range []string{"mei", "attested"} {
		s.Do(func(ctx context.Context, tx *db.Tx) error {
			by := family.Actor(s.Officer)
			if which == "mei" { // by itself
				is, err := party.ClientOf(ctx, tx, s.partner.ID)
				if err != nil {
					return err
				}
				by = is
			}
			_, _, err := s.book().Attest(ctx, tx, by, service, s.orders[which], "yuping-assessment", strings.Repeat("ab", 32))
			return err
		})
	}
}

// hooks names where events go: one that stays, with another secret, and one that ends.
func (s *scene) hooks() {
	s.T.Helper()
	to, err := webhook.ParseAddress("https://hooks.xiaoxi-english.example/in", nil)
	if err != nil {
		s.T.Fatal(err)
	}
	s.Do(func(ctx context.Context, tx *db.Tx) error {
		var gone webhook.Endpoint
		for _, e := range []*webhook.Endpoint{&s.hook, &gone} {
			if *e, _, _, err = webhook.Add(ctx, tx, s.Ring, terminal, service, to, []string{"consent.*", "child.erased"}, ""); err != nil {
				return err
			}
		}
		if _, _, err := webhook.Rotate(ctx, tx, s.Ring, terminal, service, s.hook.ID, time.Hour); err != nil {
			return err
		}
		if _, err := webhook.Change(ctx, tx, s.Ring, terminal, service, s.hook.ID, to, []string{"consent.*", "child.erased"}); err != nil {
			return err
		}
		if _, err := webhook.Pause(ctx, tx, terminal, service, s.hook.ID); err != nil {
			return err
		}
		if _, err := webhook.Resume(ctx, tx, terminal, service, s.hook.ID); err != nil {
			return err
		}
		if _, err := webhook.ReplaySince(ctx, tx, terminal, service, s.hook.ID, time.Time{}); err != nil {
			return err
		}
		_, err := webhook.Remove(ctx, tx, terminal, service, gone.ID)
		return err
	})
}

// copies makes backups, and puts the store back to one.
func (s *scene) copies() {
	s.T.Helper()
	s.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		if s.copied, err = backup.Record(ctx, tx, terminal, backup.New(), tx.Now(), 7); err != nil {
			return err
		}
		gone, err := backup.Record(ctx, tx, terminal, backup.New(), tx.Now(), 0)
		if err != nil {
			return err
		}
		return backup.End(ctx, tx, terminal, gone.ID, backup.Destroyed)
	})
	ok(s.T, s.flush())
	s.Do(func(ctx context.Context, tx *db.Tx) error {
		r, err := backup.Mark(ctx, tx, s.copied.ID)
		if err == nil {
			err = r.Reaches(ctx, tx, r.From)
		}
		return err
	})
	s.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		if s.restored, err = backup.Open(ctx, tx); err != nil {
			return err
		}
		if s.restored, err = s.restored.Close(ctx, tx, terminal); err != nil {
			return err
		}
		return s.restored.Finish(ctx, tx, terminal, backup.ReplayedBody{})
	})
}

// suspects has two accounts reported, of which one is found to be no child's.
func (s *scene) suspects() {
	s.T.Helper()
	s.Do(func(ctx context.Context, tx *db.Tx) error {
		for _, ref := range []string{"one", "another"} {
			got, _, err := suspicion.Report(ctx, tx, s.Ring, workday.Default(), s.App, pii.New(ref), suspicion.Signal)
			if err != nil {
				return err
			}
			if _, _, err := suspicion.Take(ctx, tx, s.Officer, s.Officer.Service, got.ID); err != nil {
				return err
			}
			s.doubt, got.ID = got.ID, s.doubt
			if got.ID == "" {
				continue
			}
			if _, _, err := suspicion.Decide(ctx, tx, s.Officer, s.Officer.Service, got.ID, suspicion.NotAChild, suspicion.DocumentSeen); err != nil {
				return err
			}
		}
		return nil
	})
}

// harms has two contents reported, of which one may stay, and the other has to come down.
func (s *scene) harms() {
	s.T.Helper()
	s.Do(func(ctx context.Context, tx *db.Tx) error {
		for ref, outcome := range map[string]takedown.Outcome{"post-1": takedown.Stays, "post-2": takedown.Down} {
			got, _, err := takedown.Report(ctx, tx, s.Ring, workday.Default(), s.App, pii.New(ref), takedown.User, takedown.Picture)
			if err != nil {
				return err
			}
			if _, _, err := takedown.Take(ctx, tx, workday.Default(), s.Officer, s.Officer.Service, got.ID); err != nil {
				return err
			}
			ground := takedown.NoChild
			if outcome == takedown.Down {
				s.harm, ground = got.ID, ""
			}
			if _, _, err := takedown.Settle(ctx, tx, workday.Default(), s.Officer, s.Officer.Service, got.ID, outcome, ground); err != nil {
				return err
			}
		}
		return nil
	})
}

// leaks has two cases opened, of which one is closed: all on its list are frozen, who is one.
func (s *scene) leaks() {
	s.T.Helper()
	s.cold = s.Child()
	ok(s.T, s.flush())
	s.Do(func(ctx context.Context, tx *db.Tx) error {
		desk := incident.Desk{Ring: s.Ring, Charters: s.Desk.Charters}
		if _, _, err := incident.Adopt(ctx, tx, s.Ring, s.Officer, s.Officer.Service, incident.Sheet{Steps: []incident.Task{{Minutes: 30, Who: "who is on duty", What: "close the link"}},
			Contacts: []incident.Contact{{Who: "the officer", How: "by phone"}}}); err != nil {
			return err
		}
		for _, outcome := range []incident.Outcome{incident.Unfounded, ""} {
			c, _, err := desk.Open(ctx, tx, s.Officer, s.Officer.Service, incident.Report{Kind: incident.Leaked, Items: []string{"nickname"}, Children: 3,
				BeganAt: tx.Now().Add(-time.Hour), NoticedAt: tx.Now(), Words: pii.New("a list was public")})
			if err != nil {
				return err
			}
			if _, _, err = incident.Triage(ctx, tx, s.Ring, s.Officer, s.Officer.Service, c.ID, incident.Minor, 4, pii.New("nobody has seen it")); err != nil {
				return err
			}
			if _, _, err = incident.Done(ctx, tx, s.Officer, s.Officer.Service, c.ID, 0); err != nil {
				return err
			}
			if s.leak = c.ID; outcome == "" {
				if err := s.reached(ctx, tx); err != nil {
					return err
				}
				continue
			}
			s.contained = c.ID
			if _, _, err := incident.Reach(ctx, tx, s.Officer, s.Officer.Service, c.ID, []incident.Found{{Subject: s.cold.Subject}}); err != nil {
				return err
			}
			if _, _, err := incident.Contain(ctx, tx, s.Ring, s.Officer, s.Officer.Service, c.ID, incident.StepFrozen, incident.Everyone, "", pii.New("to be safe")); err != nil {
				return err
			}
			for _, step := range []incident.Step{"", incident.StepPlan, incident.StepRemedy, incident.StepUntold} {
				if _, _, err = incident.Write(ctx, tx, s.Ring, s.Officer, s.Officer.Service, c.ID, step, pii.New("its link is dead")); err != nil {
					return err
				}
			}
			if _, _, err := incident.Read(ctx, tx, s.Officer, s.Officer.Service, c.ID); err != nil {
				return err
			}
			deputy, err := catalog.Holder(ctx, tx, s.Officer.Service, catalog.RoleDeputy)
			if err != nil {
				return err
			}
			if _, _, err = incident.Close(ctx, tx, s.Ring, deputy, s.Officer.Service, c.ID, outcome, pii.New("done")); err != nil {
				return err
			}
		}
		return nil
	})
	if n, err := incident.CarryOut(s.T.Context(), s.Store, rights.Desk{Ring: s.Ring, Charters: s.Desk.Charters}.Carrying()); err != nil || n != 1 {
		s.T.Fatalf("%d children, %v", n, err)
	}
}

// reached has the open case reach three children, and the list fixed in between. One of them is
// found by a question, and gone when it goes through them once more.
func (s *scene) reached(ctx context.Context, tx *db.Tx) error {
	for _, some := range [][]incident.Found{
		{{Subject: s.mei.Subject, Items: []string{"nickname"}}},
		{{Subject: s.mei.Subject, Items: []string{"voice"}}, {Subject: s.lan.Subject}},
	} {
		list, _, err := incident.Reach(ctx, tx, s.Officer, s.Officer.Service, s.leak, some)
		if err == nil && list.Batches == 1 {
			if _, _, err = incident.Freeze(ctx, tx, s.Officer, s.Officer.Service, s.leak); err == nil {
				_, _, err = incident.AskWhom(ctx, tx, s.Officer, incident.Question{Case: s.leak, Service: s.Officer.Service, Kind: "charter", Name: "1"})
			}
		}
		if err != nil {
			return err
		}
	}
	q, _, err := incident.AskWhom(ctx, tx, s.Officer, incident.Question{Case: s.leak, Service: s.Officer.Service, Kind: "service"})
	if err == nil {
		err = incident.Answer(ctx, tx, s.Ring, q, []incident.Found{{Subject: s.gone.Subject, Items: []string{"nickname"}}}, incident.Walk{Found: 1, Again: true}, false)
	}
	if err != nil {
		return err
	}
	all, err := incident.Asked(ctx, tx, s.leak)
	if err != nil {
		return err
	}
	return incident.Answer(ctx, tx, s.Ring, all[1], nil, incident.Walk{Gone: 1}, true)
}

// helps has the processor report a leak, and answer one of two tasks, though it is suspended.
func (s *scene) helps() {
	s.T.Helper()
	kim := s.Child()
	mother := s.guardians(kim.ID)[0]
	s.Do(func(ctx context.Context, tx *db.Tx) error {
		by, err := party.ClientOf(ctx, tx, s.partner.ID)
		if err != nil {
			return err
		}
		_, _, err = incident.Desk{Ring: s.Ring, Charters: s.Desk.Charters}.Leak(ctx, tx, by, incident.Report{Kind: incident.Lost, Suspected: true, NoticedAt: tx.Now(), Words: pii.New("a disk")})
		if err != nil {
			return err
		}
		desk := rights.Desk{Ring: s.Ring, Charters: s.Desk.Charters, Calendar: workday.Default()}
		for _, kind := range []rights.Kind{rights.Access, rights.Copy} {
			if _, _, err := desk.Receive(ctx, tx, mother, kim, rights.Demand{Kind: kind, Door: rights.ByGuardian, Guardian: mother.ID}); err != nil {
				return err
			}
		}
		tasks, err := assistance.Waiting(ctx, tx, by.Key.Party, assistance.Task{}, 10)
		if err != nil {
			return err
		}
		s.task = tasks[0].ID
		_, _, err = assistance.Reply(ctx, tx, s.Ring, by, s.task, assistance.Has, pii.New("recordings of May"))
		return err
	})
}

// cancelled asks a guardian of the child and takes it back.
func (s *scene) cancelled(c family.Child) {
	s.T.Helper()
	mother := s.guardians(c.ID)[0]
	s.Do(func(ctx context.Context, tx *db.Tx) error {
		r, _, _, err := s.Desk.Ask(ctx, tx, mother, c, consent.Asking{Channel: consent.Link, Locale: "en", Purposes: []string{"account"}, Payload: pii.New("x")})
		if err == nil {
			_, _, err = consent.Cancel(ctx, tx, mother, r)
		}
		return err
	})
}

// demands has a guardian ask for two corrections, of which one is refused in
// writing and one takes longer, and the child alone ask to close the account.
func (s *scene) demands() {
	s.T.Helper()
	s.ann = s.Child()
	ok(s.T, s.put(s.ann.ID, "course-progress", map[string]string{"weekly_score": "76", "nickname": "小安"}))
	desk, g := rights.Desk{Ring: s.Ring, Charters: s.Desk.Charters, Calendar: workday.Default()}, s.guardians(s.ann.ID)[0]
	demand := func(by family.Actor, ask rights.Demand, then func(ctx context.Context, tx *db.Tx, r rights.Request) error) {
		s.Do(func(ctx context.Context, tx *db.Tx) error {
			ask.Held = []string{"weekly_score", "nickname"}
			r, _, err := desk.Receive(ctx, tx, by, s.ann, ask)
			if err != nil || then == nil {
				return err
			}
			return then(ctx, tx, r)
		})
	}
	demand(g, rights.Demand{Kind: rights.Correct, Door: rights.ByGuardian, Guardian: g.ID, Item: "weekly_score", Text: pii.New("It was 77.")},
		func(ctx context.Context, tx *db.Tx, r rights.Request) error {
			_, _, err := desk.Refuse(ctx, tx, s.Officer, r, rights.AlreadyRight, pii.New("We have looked at the paper: 76."))
			return err
		})
	demand(s.Officer, rights.Demand{Kind: rights.Supplement, Door: rights.ByGuardian, Guardian: g.ID, Item: "nickname", Text: pii.New("小安安"), Reached: rights.ByLetter, Paper: strings.Repeat("0f", 32)}, nil)
	demand(s.App, rights.Demand{Kind: rights.Correct, Door: rights.ByGuardian, Guardian: g.ID, Item: "nickname"},
		func(ctx context.Context, tx *db.Tx, r rights.Request) error {
			if _, _, err := desk.Assign(ctx, tx, s.Officer, r, s.Officer); err != nil {
				return err
			}
			if _, _, err := desk.Show(ctx, tx, s.Officer, r); err != nil {
				return err
			}
			_, _, err := desk.Extend(ctx, tx, s.Officer, r, rights.Complex)
			return err
		})
	s.Do(func(ctx context.Context, tx *db.Tx) error {
		_, _, err := desk.ClaimOlder(ctx, tx, s.Officer, s.ann, rights.Seen{Paper: rights.Passport, Number: pii.New("E12345678"), Birth: age.Birth{Year: 2015}})
		return err
	})
	demand(g, rights.Demand{Kind: rights.Copy, Door: rights.ByGuardian, Guardian: g.ID}, nil)
	demand(s.App, rights.Demand{Kind: rights.Close, Door: rights.ByChild}, func(ctx context.Context, tx *db.Tx, r rights.Request) error {
		return rights.Tell(ctx, tx, r, g.ID, "sms")
	})
}

// waits asks, sends, and shows the notice.
func (s *scene) waits(c family.Child) {
	s.T.Helper()
	var r consent.Request
	s.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		r, _, _, err = s.Desk.Ask(ctx, tx, s.App, c, consent.Asking{Channel: consent.SMS, Locale: "zh-CN", Payload: pii.New("order 7")})
		return err
	})
	s.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		r, _, _, _, err = s.Desk.Send(ctx, tx, s.App, r)
		return err
	})
	s.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		for _, lang := range []string{"zh-CN", "en", "zh-CN"} {
			if r, _, _, err = s.Desk.Open(ctx, tx, r, lang, consent.OnPage); err != nil {
				return err
			}
		}
		_, _, err = s.Desk.ShowPage(ctx, tx, r, "<p>a page with questions</p>")
		return err
	})
}

// remember keeps what a correction and a second collection will replace.
func (s *scene) remember() {
	s.T.Helper()
	s.Do(func(ctx context.Context, tx *db.Tx) error {
		err := db.Each(ctx, tx, func(row db.Row) error {
			return row.Scan(&s.before.birth, &s.before.turns14, &s.before.birthVersion)
		}, `SELECT birth, turns_14, birth_version FROM child WHERE child = $1`, s.mei.ID)
		if err != nil {
			return err
		}
		return db.Each(ctx, tx, func(row db.Row) error { return row.Scan(&s.before.value, &s.before.valueVersion) },
			`SELECT sealed, version FROM value WHERE child = $1 AND item = 'weekly_score'`, s.mei.ID)
	})
}

// secret is what somebody writes where it doesn't belong.
const secret = "王小明"

// A change is what somebody does to the tables with SQL. Found is what must be
// said of it: what, table and field.
type change struct {
	name  string
	query string
	args  func(s *scene) []any
	found string
}

// The arguments of changes.

func mei(s *scene) []any      { return []any{s.mei.ID} }
func bo(s *scene) []any       { return []any{s.bo.ID} }
func lan(s *scene) []any      { return []any{s.lan.ID} }
func ann(s *scene) []any      { return []any{s.ann.ID} }
func gone(s *scene) []any     { return []any{s.gone.ID} }
func aunt(s *scene) []any     { return []any{s.aunt.ID} }
func app(s *scene) []any      { return []any{s.App.ID} }
func hook(s *scene) []any     { return []any{s.hook.ID} }
func owing(s *scene) []any    { return []any{s.orders["overdue"]} }
func done(s *scene) []any     { return []any{s.orders["attested"]} }
func allowed(s *scene) []any  { return []any{s.approvals["all"]} }
func alone(s *scene) []any    { return []any{s.approvals["mei"]} }
func back(s *scene) []any     { return []any{s.approvals["gone"]} }
func told(s *scene) []any     { return []any{s.orders["mei"]} }
func here(*scene) []any       { return []any{service} }
func nobody(*scene) []any     { return nil }
func copied(s *scene) []any   { return []any{s.copied.ID} }
func restored(s *scene) []any { return []any{s.restored.ID} }
func doubt(s *scene) []any    { return []any{s.doubt} }
func harm(s *scene) []any     { return []any{s.harm} }
func leak(s *scene) []any     { return []any{s.leak} }
func cold(s *scene) []any     { return []any{s.cold.ID} }
func task(s *scene) []any     { return []any{s.task} }
func paper(s *scene) []any    { return []any{s.paper} }

// both are two children of whom the first lends something to the second.
func both(s *scene) []any { return []any{s.bo.ID, s.mei.ID} }

// restOfAnswer is what of an answer is kept as a sum, and restOfRequest of an
// answered request.
const (
	restOfAnswer  = "notice, page, lang, channel, shown_at, request, withdraws, entry"
	restOfRequest = "guardian, charter, purposes, channel, locale, notice, page, shown_lang, shown_on, shown_at, " +
		"shown_before, sends, sent_at, takeover, created_at, expires_at, answered_at, payload"
)

// changes are read by TestInvariant7_EveryColumnIsCompared too: one that sets a
// single column stands for that column.
var changes = []change{
	{"a no becomes a yes", `UPDATE consent SET granted = true WHERE child = $1 AND granted = false AND ended_at IS NULL`, mei, "row_differs consent granted"},
	{"a yes becomes a no", `UPDATE consent SET granted = false WHERE child = $1 AND purpose = 'account'`, mei, "row_differs consent granted"},
	{"a withdrawal never was", `DELETE FROM consent WHERE child = $1 AND withdraws <> ''`, mei, "row_missing consent "},
	{"what was withdrawn stands again", `UPDATE consent SET ended_at = NULL WHERE child = $1 AND ended_at IS NOT NULL`, mei, "row_extra consent "},
	{"an answer that ended is gone", `DELETE FROM consent WHERE child = $1 AND ended_at IS NOT NULL`, mei, "row_differs consent answers"},
	{"an answer that ended says no", `UPDATE consent SET granted = false WHERE child = $1 AND ended_at IS NOT NULL`, mei, "row_differs consent ended"},
	{"an answer was given to another notice", `UPDATE consent SET notice = 'x' WHERE child = $1 AND purpose = 'account'`, mei, "row_differs consent " + restOfAnswer},
	{"an answer to a newer charter", `UPDATE consent SET charter = 2 WHERE child = $1 AND purpose = 'speaking-practice'`, mei, "row_differs consent charter"},
	{"a value lives longer", `UPDATE value SET expires_at = expires_at + 1 WHERE child = $1`, mei, "row_differs value expires_at"},
	{"a value is younger", `UPDATE value SET collected_at = collected_at + 1 WHERE child = $1`, mei, "row_differs value collected_at"},
	{"a value serves another purpose", `UPDATE value SET purpose = 'parent-reports' WHERE child = $1`, mei, "row_differs value purpose"},
	{"a value is another service's", `UPDATE value SET service = 'elsewhere' WHERE child = $1`, mei, "row_differs value service"},
	{"a value is another's", `UPDATE value SET child = $1 WHERE child = $2`, func(s *scene) []any { return []any{s.bo.ID, s.mei.ID} }, "row_extra value "},
	{"a value is gone", `DELETE FROM value WHERE child = $1`, mei, "row_missing value "},
	{"an event never was", `UPDATE child SET endings = '' WHERE child = $1`, mei, "row_differs child endings"},
	{"an event was for another", `UPDATE child SET endings = (SELECT endings FROM child WHERE child = $1) WHERE child = $2`, func(s *scene) []any { return []any{s.mei.ID, s.bo.ID} }, "row_differs child endings"},
	{"an event tells a name", `UPDATE child SET endings = '王小明' WHERE child = $1`, bo, "row_differs child endings"},
	{"an erased child has events", `UPDATE child SET endings = '王小明' WHERE child = $1`, gone, "row_differs child endings"},
	{"a value of nobody", `UPDATE value SET child = 'zz' WHERE child = $1`, mei, "row_extra value "},
	{"a value is another item's", `UPDATE value SET item = '王小明' WHERE child = $1 AND item = 'weekly_score'`, mei, "row_extra value "},
	{"an erased child lives", `UPDATE child SET state = 'active', erased_at = NULL WHERE child = $1`, gone, "row_extra child "},
	{"an erased child lives under its pseudonym", `UPDATE child SET state = 'active', subject = $1 WHERE child = $2`,
		func(s *scene) []any { return []any{s.gone.Subject, s.gone.ID} }, "row_differs child state"},
	{"a child is erased in the table alone", `UPDATE child SET state = 'erased' WHERE child = $1`, bo, "row_missing child "},
	{"a child is gone", `DELETE FROM child WHERE child = $1`, bo, "row_missing child "},
	{"a tombstone is gone", `DELETE FROM child WHERE child = $1`, gone, "row_differs child erased"},
	{"a child is active without an answer", `UPDATE child SET state = 'active', expires_at = NULL WHERE child = $1`, bo, "row_differs child state"},
	{"a child's wait is longer", `UPDATE child SET expires_at = expires_at + 1 WHERE child = $1`, bo, "row_differs child expires_at"},
	{"a child has another pseudonym", `UPDATE child SET subject = '王小明' WHERE child = $1`, bo, "row_extra child "},
	{"a state says a name", `UPDATE child SET state = '王小明' WHERE child = $1`, bo, "row_differs child state"},
	{"a child is frozen", `UPDATE child SET frozen = true WHERE child = $1`, mei, "row_differs child frozen"},
	{"a child is disputed", `UPDATE child SET disputed = true WHERE child = $1`, mei, "row_differs child disputed"},
	{"a version is set back", `UPDATE child SET version = 1 WHERE child = $1`, mei, "row_differs child version"},
	{"a birth date is another's", `UPDATE child SET birth = (SELECT birth FROM child WHERE child = $1) WHERE child = $2`,
		func(s *scene) []any { return []any{s.bo.ID, s.mei.ID} }, "row_sealed child birth"},
	{"a guardian is gone", `DELETE FROM guardian WHERE child = $1 AND ended_at IS NULL`, mei, "row_missing guardian "},
	{"a guardian's end never was", `UPDATE guardian SET ended_at = NULL WHERE child = $1 AND ended_at IS NOT NULL`, mei, "row_differs guardian ended_at"},
	{"a guardian is better verified", `UPDATE guardian SET strength = 4 WHERE child = $1`, mei, "row_differs guardian strength"},
	{"a guardian is verified", `UPDATE guardian SET verified_at = 1 WHERE child = $1`, bo, "row_differs guardian verified_at"},
	{"a proof never was", `DELETE FROM proof WHERE child = $1 AND kind = 'guardianship'`, lan, "row_missing proof "},
	{"a proof is stronger", `UPDATE proof SET strength = 5 WHERE child = $1 AND kind = 'adulthood'`, lan, "row_differs proof strength"},
	{"a proof is of another method", `UPDATE proof SET method = 'official' WHERE child = $1 AND kind = 'adulthood'`, lan, "row_differs proof method"},
	{"a proof proves something else", `UPDATE proof SET kind = '王小明' WHERE child = $1 AND kind = 'guardianship'`, lan, "row_extra proof "},
	{"a proof is younger", `UPDATE proof SET at = at + 1 WHERE child = $1`, lan, "row_differs proof at"},
	{"a proof never ends", `UPDATE proof SET expires_at = NULL WHERE child = $1`, lan, "row_differs proof expires_at"},
	{"a proof is another's", `UPDATE proof SET child = $1 WHERE child = $2`, func(s *scene) []any { return []any{s.bo.ID, s.lan.ID} }, "row_extra proof "},
	{"a proof is another guardian's", `UPDATE proof SET guardian = '王小明' WHERE child = $1`, lan, "row_extra proof "},
	{"an attempt never was", `DELETE FROM verification WHERE child = $1 AND state = 'started'`, lan, "row_missing verification "},
	{"an attempt of nobody", `UPDATE verification SET child = 'zz' WHERE child = $1`, lan, "row_extra verification "},
	{"an attempt has another name", `UPDATE verification SET id = '王小明' WHERE child = $1 AND state = 'started'`, lan, "row_extra verification "},
	{"an attempt waits again", `UPDATE verification SET state = 'started' WHERE child = $1`, lan, "row_differs verification state"},
	{"an attempt is of another method", `UPDATE verification SET method = 'number' WHERE child = $1`, lan, "row_differs verification method"},
	{"an attempt is of another service", `UPDATE verification SET service = '王小明' WHERE child = $1`, lan, "row_differs verification service"},
	{"an attempt began at another request", `UPDATE verification SET request = '王小明' WHERE child = $1`, lan, "row_differs verification request"},
	{"an attempt is another guardian's", `UPDATE verification SET guardian = '王小明' WHERE child = $1`, lan, "row_differs verification guardian"},
	{"a document was seen by another", `UPDATE verification SET seen = '王小明' WHERE child = $1`, lan, "row_differs verification seen"},
	{"a document was approved by another", `UPDATE verification SET first = '王小明' WHERE child = $1`, lan, "row_differs verification first"},
	{"a document was approved by whom nobody stood behind", `UPDATE verification SET behind = '王小明' WHERE child = $1`, lan, "row_differs verification behind"},
	{"a document proves longer", `UPDATE verification SET until = 1 WHERE child = $1`, lan, "row_differs verification until"},
	{"an attempt lives longer", `UPDATE verification SET expires_at = expires_at + 1 WHERE child = $1`, lan, "row_differs verification expires_at"},
	{"an attempt began later", `UPDATE verification SET started_at = started_at + 1 WHERE child = $1`, lan, "row_differs verification started_at"},
	{"a guardian is something else", `UPDATE guardian SET relation = '王小明' WHERE child = $1`, bo, "row_differs guardian relation"},
	{"a guardian is another's", `UPDATE guardian SET child = $1 WHERE child = $2`, func(s *scene) []any { return []any{s.gone.ID, s.bo.ID} }, "row_extra guardian "},
	{"asked since is forged", `UPDATE charter_purpose SET asked_since = 1 WHERE service = $1 AND charter = 2 AND purpose = 'speaking-practice'`, here, "row_differs charter_purpose asked_since"},
	{"a purpose is gone", `DELETE FROM charter_purpose WHERE service = $1 AND charter = 2 AND purpose = 'account'`, here, "row_missing charter_purpose "},
	{"a charter's text is another", `UPDATE charter SET canonical = (SELECT canonical FROM charter WHERE service = $1 AND number = 2) WHERE service = $1 AND number = 1`, here, "row_damaged charter canonical"},
	{"a charter's hash is another", `UPDATE charter SET hash = '王小明' WHERE service = $1 AND number = 1`, here, "row_differs charter hash"},
	{"a charter was published by another", `UPDATE charter SET published_by = '王小明' WHERE service = $1 AND number = 1`, here, "row_differs charter published_by"},
	{"a charter was never published", `UPDATE charter SET published_at = NULL WHERE service = $1 AND number = 2`, here, "row_differs charter published_at"},
	{"a charter is gone", `DELETE FROM charter WHERE service = $1 AND number = 1`, here, "row_missing charter "},
	{"the rules say something else", `UPDATE document SET body = '王小明' WHERE service = $1 AND kind = 'rules'`, here, "row_damaged document body"},
	{"the notice is gone", `DELETE FROM document WHERE service = $1 AND kind = 'notice' AND lang = 'en'`, here, "row_missing document "},
	{"a page says something else", `UPDATE shown_page SET body = '王小明'`, nobody, "row_damaged shown_page body"},
	{"a page is gone", `DELETE FROM shown_page`, nobody, "row_missing shown_page "},
	{"a page has another name", `UPDATE shown_page SET hash = '王小明'`, nobody, "row_extra shown_page "},
	{"a page that nobody was shown", `INSERT INTO shown_page (hash, body) VALUES ('王小明', '')`, nobody, "row_extra shown_page "},
	{"an older charter is in force", `UPDATE service SET charter = 1 WHERE service = $1`, here, "row_differs service charter"},
	{"another officer", `UPDATE service SET officer = deputy WHERE service = $1`, here, "row_differs service officer"},
	{"a vacancy", `UPDATE service SET deputy = '' WHERE service = $1`, here, "row_differs service deputy"},
	{"what ends goes on", `UPDATE service SET closed = '' WHERE service = $1`, here, "row_differs service closed"},
	{"an announcement never was", `DELETE FROM cessation WHERE service = $1`, here, "row_missing cessation "},
	{"the end is another service's", `UPDATE cessation SET service = '王小明' WHERE service = $1`, here, "row_extra cessation "},
	{"the end is another purpose's", `UPDATE cessation SET purpose = '' WHERE service = $1`, here, "row_extra cessation "},
	{"it ends for another reason", `UPDATE cessation SET reason = 'ordered' WHERE service = $1`, here, "row_differs cessation reason"},
	{"it was announced earlier", `UPDATE cessation SET announced_at = announced_at - 1 WHERE service = $1`, here, "row_differs cessation announced_at"},
	{"another announced it", `UPDATE cessation SET announced_by = '王小明' WHERE service = $1`, here, "row_differs cessation announced_by"},
	{"another entry announced it", `UPDATE cessation SET entry = '王小明' WHERE service = $1`, here, "row_differs cessation entry"},
	{"the window is shorter", `UPDATE cessation SET ends_at = ends_at - 1 WHERE service = $1`, here, "row_differs cessation ends_at"},
	{"somebody was told late", `UPDATE cessation SET last_at = ends_at + 1 WHERE service = $1`, here, "row_differs cessation last_at"},
	{"it hasn't ended", `UPDATE cessation SET ended_at = NULL WHERE service = $1`, here, "row_differs cessation ended_at"},
	{"somebody takes it over", `UPDATE cessation SET successor = '王小明' WHERE service = $1`, here, "row_differs cessation successor"},
	{"a purpose hands it over", `UPDATE cessation SET handover = '王小明' WHERE service = $1`, here, "row_differs cessation handover"},
	{"an assessment has another salt", `UPDATE cessation SET assessment_salt = '王小明' WHERE service = $1`, here, "row_differs cessation assessment"},
	{"there was an assessment", `UPDATE cessation SET assessment = '王小明' WHERE service = $1`, here, "row_differs cessation assessment"},
	{"it was assessed", `UPDATE cessation SET assessed = '2026-01-01' WHERE service = $1`, here, "row_differs cessation assessed"},
	{"somebody was asked", `UPDATE cessation SET asked = 1 WHERE service = $1`, here, "row_differs cessation asked"},
	{"somebody agreed", `UPDATE cessation SET agreed = 1 WHERE service = $1`, here, "row_differs cessation agreed"},
	{"somebody refused", `UPDATE cessation SET refused = 1 WHERE service = $1`, here, "row_differs cessation refused"},
	{"somebody was handed over", `UPDATE cessation SET handed = 1 WHERE service = $1`, here, "row_differs cessation handed"},
	{"the gate lets somebody take it over", `UPDATE service SET successor = 'handover 王小明 1 9223372036854775' WHERE service = $1`, here, "row_differs service successor"},
	{"it concerned fewer", `UPDATE cessation SET children = 0 WHERE service = $1`, here, "row_differs cessation children"},
	{"a test is live", `UPDATE service SET state = 'live' WHERE service = $1`, here, "row_differs service state"},
	{"an officer's end never was", `UPDATE officer SET ended_at = NULL WHERE service = $1`, here, "row_differs officer ended_at"},
	{"an officer never was", `DELETE FROM officer WHERE service = $1 AND role = 'deputy'`, here, "row_missing officer "},
	{"a key may do less", `UPDATE credential SET scopes = 'seal' WHERE id = $1`, app, "row_differs credential scopes"},
	{"a key ends", `UPDATE credential SET expires_at = 1 WHERE id = $1`, app, "row_differs credential expires_at"},
	{"a revoked key is good", `UPDATE credential SET revoked_at = NULL WHERE id <> $1`, app, "row_differs credential revoked_at"},
	{"a key of nobody", `UPDATE credential SET id = '王小明' WHERE id = $1`, app, "row_extra credential "},

	// Children, their references and their keys.
	{"a child has another name", `UPDATE child SET child = 'ch_00000000000000000000000000' WHERE child = $1`, mei, "row_sealed child wrapped"},
	{"a child is another service's", `UPDATE child SET service = 'stories' WHERE child = $1`, mei, "row_differs child service"},
	{"two children change pseudonyms", `UPDATE child SET subject = CASE WHEN child = $1 THEN $2 ELSE $3 END WHERE child = $1 OR child = $4`,
		func(s *scene) []any { return []any{s.bo.ID, s.mei.Subject, s.bo.Subject, s.mei.ID} }, "row_extra guardian "},
	{"a reference is another's", `UPDATE child SET ref = (SELECT ref FROM child WHERE child = $1) WHERE child = $2`, both, "row_sealed child ref"},
	{"a reference is gone", `UPDATE child SET ref = NULL WHERE child = $1`, mei, "row_differs child ref"},
	{"two children share a reference's hash", `UPDATE child SET ref_hash = (SELECT ref_hash FROM child WHERE child = $1) WHERE child = $2`, both, "row_hash child ref_hash"},
	{"a birth date is gone", `UPDATE child SET birth = NULL WHERE child = $1`, mei, "row_differs child birth"},
	{"a birth date from before the correction", `UPDATE child SET birth = $1 WHERE child = $2`,
		func(s *scene) []any { return []any{s.before.birth, s.mei.ID} }, "row_sealed child birth"},
	{"all of a birth date from before the correction", `UPDATE child SET birth = $1, birth_version = $2, turns_14 = $3 WHERE child = $4`,
		func(s *scene) []any { return []any{s.before.birth, s.before.birthVersion, s.before.turns14, s.mei.ID} }, "row_differs child birth_version"},
	{"a birth date is of another version", `UPDATE child SET birth_version = birth_version + 1 WHERE child = $1`, mei, "row_differs child birth_version"},
	{"a birth date was given by another", `UPDATE child SET birth_from = 'guardian' WHERE child = $1`, mei, "row_differs child birth_from"},
	{"a child turns 14 on another's day", `UPDATE child SET turns_14 = (SELECT turns_14 FROM child WHERE child = $1) WHERE child = $2`, both, "row_hash child turns_14"},
	{"a child never turns 14", `UPDATE child SET turns_14 = NULL WHERE child = $1`, mei, "row_differs child turns_14"},
	{"a key is another's", `UPDATE child SET wrapped = (SELECT wrapped FROM child WHERE child = $1) WHERE child = $2`, both, "row_sealed child wrapped"},
	{"a key is gone", `UPDATE child SET wrapped = NULL WHERE child = $1`, mei, "row_differs child wrapped"},
	{"a key is of another pool", `UPDATE child SET pool = (SELECT id FROM keyring_key WHERE purpose = 'index') WHERE child = $1`, mei, "row_sealed child pool"},
	{"a child is older here", `UPDATE child SET created_at = created_at - 1 WHERE child = $1`, mei, "row_differs child created_at"},
	{"a living child has a day of erasure", `UPDATE child SET erased_at = 1 WHERE child = $1`, mei, "row_differs child erased_at"},
	{"an erasure was on another day", `UPDATE child SET erased_at = erased_at - 86400000000 WHERE child = $1`, gone, "row_differs child erased"},
	{"a tombstone says more than it may", `UPDATE child SET created_at = 1 WHERE child = $1`, gone, "row_differs child created_at"},
	{"a reference leads to another", `UPDATE child_ref SET child = $1 WHERE child = $2`, both, "row_missing child_ref "},
	{"a reference leads to the erased", `UPDATE child_ref SET child = $1 WHERE child = $2`, func(s *scene) []any { return []any{s.gone.ID, s.mei.ID} }, "row_extra child_ref "},
	{"a reference leads nowhere", `DELETE FROM child_ref WHERE child = $1`, mei, "row_missing child_ref "},
	{"a reference is of another service", `UPDATE child_ref SET service = 'stories' WHERE child = $1`, mei, "row_extra child_ref "},
	{"a reference is another", `UPDATE child_ref SET ref_hash = (SELECT turns_14 FROM child WHERE child = $1) WHERE child = $1`, mei, "row_extra child_ref "},
	{"a second reference leads to a child", `INSERT INTO child_ref (service, ref_hash, child) SELECT service, turns_14, child FROM child WHERE child = $1`, mei, "row_extra child_ref "},

	// What is remembered of those who are gone.
	{"an erasure is of another child", `UPDATE erased_subject SET child = $1 WHERE child = $2`, func(s *scene) []any { return []any{s.mei.ID, s.gone.ID} }, "row_hash erased_subject bound"},
	{"an erasure is told for longer", `UPDATE erased_subject SET until = until + 1 WHERE child = $1`, gone, "row_differs erased_subject until"},
	{"an erasure is of another pseudonym", `UPDATE erased_subject SET subject = bound WHERE child = $1`, gone, "row_extra erased_subject "},
	{"an erasure's mark is another", `UPDATE erased_subject SET bound = subject WHERE child = $1`, gone, "row_hash erased_subject bound"},
	{"an erasure is not told", `DELETE FROM erased_subject WHERE child = $1`, gone, "row_missing erased_subject "},
	{"a no is forgotten", `DELETE FROM refused_ref`, nobody, "row_missing refused_ref "},
	{"a no is another service's", `UPDATE refused_ref SET service = 'stories'`, nobody, "row_extra refused_ref "},
	{"a no is another child's", `UPDATE refused_ref SET ref_hash = (SELECT ref_hash FROM child WHERE child = $1)`, mei, "row_hash refused_ref bound"},
	{"a no was to a newer charter", `UPDATE refused_ref SET charter = 2`, nobody, "row_extra refused_ref "},
	{"a no ends earlier", `UPDATE refused_ref SET until = until - 1`, nobody, "row_missing refused_ref "},
	{"a no has another mark", `UPDATE refused_ref SET bound = ref_hash`, nobody, "row_hash refused_ref bound"},
	{"a no that nobody said", `INSERT INTO refused_ref (service, ref_hash, charter, until, bound) SELECT service, bound, charter, until, bound FROM refused_ref`, nobody, "row_extra refused_ref "},

	// Guardians and how they are reached.
	{"a guardian has another name here", `UPDATE guardian SET guardian = 'gu_00000000000000000000000000' WHERE guardian = $1`, aunt, "row_extra guardian "},
	{"a guardian came earlier", `UPDATE guardian SET created_at = 1 WHERE guardian = $1`, aunt, "row_differs guardian created_at"},
	{"a person has no name", `UPDATE guardian SET name = NULL WHERE guardian = $1`, aunt, "row_differs guardian name"},
	{"a phone number stands for a name", `UPDATE guardian SET name = phone WHERE guardian = $1`, aunt, "row_sealed guardian name"},
	{"a phone number is another's", `UPDATE guardian SET phone = (SELECT phone FROM guardian WHERE child = $1) WHERE guardian = $2`,
		func(s *scene) []any { return []any{s.bo.ID, s.aunt.ID} }, "row_sealed guardian phone"},
	{"a phone number is gone", `UPDATE guardian SET phone = NULL WHERE guardian = $1`, aunt, "row_differs guardian phone"},
	{"an address is gone", `UPDATE guardian SET email = NULL WHERE guardian = $1`, aunt, "row_differs guardian email"},
	{"a phone number leads to another", `UPDATE guardian SET phone_hash = (SELECT phone_hash FROM guardian WHERE child = $1) WHERE guardian = $2`,
		func(s *scene) []any { return []any{s.bo.ID, s.aunt.ID} }, "row_hash guardian phone_hash"},
	{"a phone number leads nowhere", `UPDATE guardian SET phone_hash = NULL WHERE guardian = $1`, aunt, "row_hash guardian phone_hash"},
	{"an address leads nowhere", `UPDATE guardian SET email_hash = NULL WHERE guardian = $1`, aunt, "row_hash guardian email_hash"},
	{"a former guardian is found by phone", `UPDATE guardian SET phone_hash = (SELECT phone_hash FROM guardian WHERE guardian = $1) WHERE ended_at IS NOT NULL`, aunt, "row_hash guardian phone_hash"},

	// Requests, and what leads to them.
	{"a request is another child's", `UPDATE consent_request SET child = $1 WHERE child = $2`, func(s *scene) []any { return []any{s.mei.ID, s.bo.ID} }, "row_extra consent_request "},
	{"a request has another name", `UPDATE consent_request SET id = 'cr_00000000000000000000000000' WHERE child = $1`, bo, "row_extra consent_request "},
	{"a request is another service's", `UPDATE consent_request SET service = 'stories' WHERE child = $1`, bo, "row_differs consent_request service"},
	{"a request asks another", `UPDATE consent_request SET guardian = $1 WHERE child = $2`, func(s *scene) []any { return []any{s.aunt.ID, s.bo.ID} }, "row_differs consent_request guardian"},
	{"a request is of a newer charter", `UPDATE consent_request SET charter = 2 WHERE child = $1`, bo, "row_differs consent_request charter"},
	{"a request asks for more", `UPDATE consent_request SET purposes = '王小明' WHERE child = $1`, bo, "row_differs consent_request purposes"},
	{"a request goes another way", `UPDATE consent_request SET channel = 'email' WHERE child = $1`, bo, "row_differs consent_request channel"},
	{"a request speaks another language", `UPDATE consent_request SET locale = 'en' WHERE child = $1`, bo, "row_differs consent_request locale"},
	{"a request is verified", `UPDATE consent_request SET state = 'verified' WHERE child = $1`, bo, "row_differs consent_request state"},
	{"a request has ended", `UPDATE consent_request SET state = 'cancelled' WHERE child = $1`, bo, "row_differs consent_request state"},
	{"an answered request waits again", `UPDATE consent_request SET state = 'verified' WHERE child = $1 AND state = 'answered'`, mei, "row_differs consent_request state"},
	{"a cancelled request waits again", `UPDATE consent_request SET state = 'opened' WHERE child = $1 AND state = 'cancelled'`, mei, "row_extra consent_request "},
	{"a cancelled request asked something else", `UPDATE consent_request SET purposes = 'parent-reports' WHERE child = $1 AND state = 'cancelled'`, mei, "row_differs consent_request ended"},
	{"a cancelled request never was", `DELETE FROM consent_request WHERE child = $1 AND state = 'cancelled'`, mei, "row_differs consent_request requests"},
	{"an answered request never was", `DELETE FROM consent_request WHERE child = $1 AND state = 'answered'`, mei, "row_missing consent_request "},
	{"a request never was", `DELETE FROM consent_request WHERE child = $1`, bo, "row_missing consent_request "},
	{"a guardian was shown another page", `UPDATE consent_request SET page = 'x' WHERE child = $1`, bo, "row_differs consent_request page"},
	{"an answer was to another page", `UPDATE consent SET page = 'x' WHERE child = $1 AND purpose = 'account'`, mei, "row_differs consent " + restOfAnswer},
	{"what was answered was another notice", `UPDATE consent_request SET notice = 'x' WHERE child = $1 AND state = 'answered'`, mei,
		"row_differs consent_request " + restOfRequest},
	{"what the operator gave is gone", `UPDATE consent_request SET payload = NULL WHERE child = $1`, bo, "row_differs consent_request payload"},
	{"what the operator gave is something else", `UPDATE consent_request SET payload = (SELECT payload FROM consent_request WHERE child = $1 AND due_at IS NOT NULL) WHERE child = $2`,
		func(s *scene) []any { return []any{s.mei.ID, s.bo.ID} }, "row_sealed consent_request payload"},
	{"another notice was shown", `UPDATE consent_request SET notice = 'x' WHERE child = $1`, bo, "row_differs consent_request notice"},
	{"it was shown in another language", `UPDATE consent_request SET shown_lang = 'en' WHERE child = $1`, bo, "row_differs consent_request shown_lang"},
	{"it was shown elsewhere", `UPDATE consent_request SET shown_on = 'api' WHERE child = $1`, bo, "row_differs consent_request shown_on"},
	{"it was shown at another time", `UPDATE consent_request SET shown_at = shown_at - 1 WHERE child = $1`, bo, "row_differs consent_request shown_at"},
	{"what else was shown was another notice", `UPDATE consent_request SET shown_before = replace(shown_before, 'en page', 'en api') WHERE child = $1`, bo,
		"row_differs consent_request shown_before"},
	{"it was never sent", `UPDATE consent_request SET sends = 0 WHERE child = $1`, bo, "row_differs consent_request sends"},
	{"it was sent at another time", `UPDATE consent_request SET sent_at = sent_at - 1 WHERE child = $1`, bo, "row_differs consent_request sent_at"},
	{"a request asks about a takeover", `UPDATE consent_request SET takeover = true WHERE child = $1`, bo, "row_differs consent_request takeover"},
	{"a request is older", `UPDATE consent_request SET created_at = created_at - 1 WHERE child = $1`, bo, "row_differs consent_request created_at"},
	{"a request runs for longer", `UPDATE consent_request SET expires_at = expires_at + 1 WHERE child = $1`, bo, "row_differs consent_request expires_at"},
	{"a guardian was verified at another time", `UPDATE consent_request SET verified_at = verified_at - 1 WHERE child = $1 AND state = 'answered'`, mei, "row_differs consent_request verified_at"},
	{"a request was answered", `UPDATE consent_request SET answered_at = 1 WHERE child = $1`, bo, "row_differs consent_request answered_at"},
	{"a proof that nobody gave", `UPDATE consent_request SET proof = (SELECT ref_hash FROM child WHERE child = $1) WHERE child = $1`, bo, "row_differs consent_request proof_until"},
	{"a proof of a cancelled request", `UPDATE consent_request SET proof = (SELECT ref_hash FROM child WHERE child = $1) WHERE child = $1 AND state = 'cancelled'`, mei, "row_differs consent_request proof"},
	{"a receipt can be read before the answer", `UPDATE consent_request SET reading = (SELECT ref_hash FROM child WHERE child = $1) WHERE child = $1`, bo, "row_differs consent_request reading"},
	{"a receipt can be read for ever", `UPDATE consent_request SET reading_until = 4102444800000000 WHERE child = $1 AND state = 'answered'`, mei, "row_differs consent_request reading_until"},
	{"a proof is good for ever", `UPDATE consent_request SET proof_until = 4102444800000000 WHERE child = $1 AND state = 'answered'`, mei, "row_differs consent_request proof_until"},
	{"the sweep forgets a request", `UPDATE consent_request SET due_at = NULL WHERE child = $1`, bo, "row_differs consent_request due_at"},
	{"the sweep forgets what the operator gave", `UPDATE consent_request SET due_at = NULL WHERE child = $1 AND due_at IS NOT NULL`, mei, "row_differs consent_request payload"},
	{"a link leads to another child's request", `UPDATE consent_link SET child = $1 WHERE child = $2`, both, "row_extra consent_link "},
	{"all of a link leads to another child's request", `UPDATE consent_link SET child = $1, request = (SELECT id FROM consent_request WHERE child = $1) WHERE child = $2`, both, "row_hash consent_link bound"},
	{"a link leads to another request", `UPDATE consent_link SET request = (SELECT id FROM consent_request WHERE child = $1 AND state = 'answered') WHERE child = $1`, mei, "row_hash consent_link bound"},
	{"a link leads to no request", `UPDATE consent_link SET request = 'cr_00000000000000000000000000' WHERE child = $1`, bo, "row_extra consent_link "},
	{"a link that was forgotten", `UPDATE consent_link SET request = (SELECT id FROM consent_request WHERE child = $1 AND state = 'cancelled' AND due_at IS NULL) WHERE child = $1`, mei, "row_extra consent_link "},
	{"a link is one that somebody knows", `UPDATE consent_link SET token = (SELECT bound FROM consent_link WHERE child <> $1 ORDER BY token LIMIT 1) WHERE token = (SELECT token FROM consent_link WHERE child = $1 ORDER BY token LIMIT 1)`, bo, "row_hash consent_link bound"},
	{"a short code outlives its request", `UPDATE consent_link SET short = false WHERE child = $1`, bo, "row_hash consent_link bound"},
	{"a link's mark is another", `UPDATE consent_link SET bound = token WHERE child = $1`, bo, "row_hash consent_link bound"},
	{"no link leads to a request that waits", `DELETE FROM consent_link WHERE child = $1`, bo, "row_differs consent_link links"},

	// Answers and values.
	{"an answer is about another child", `UPDATE consent SET child = $1 WHERE child = $2`, both, "row_extra consent "},
	{"an answer has another name", `UPDATE consent SET id = 'co_00000000000000000000000000' WHERE child = $1 AND purpose = 'account'`, mei, "row_missing consent "},
	{"an answer is another guardian's", `UPDATE consent SET guardian = $1 WHERE guardian <> $1`, aunt, "row_differs consent guardian"},
	{"an answer is to another request", `UPDATE consent SET request = 'x' WHERE child = $1 AND purpose = 'account'`, mei, "row_differs consent " + restOfAnswer},
	{"an answer is about another purpose", `UPDATE consent SET purpose = 'parent-reports' WHERE child = $1 AND purpose = 'account'`, mei, "row_differs consent purpose"},
	{"an answer was shown in another language", `UPDATE consent SET lang = 'x' WHERE child = $1 AND purpose = 'account'`, mei, "row_differs consent " + restOfAnswer},
	{"an answer was given elsewhere", `UPDATE consent SET channel = 'x' WHERE child = $1 AND purpose = 'account'`, mei, "row_differs consent " + restOfAnswer},
	{"an answer was shown at another time", `UPDATE consent SET shown_at = 1 WHERE child = $1 AND purpose = 'account'`, mei, "row_differs consent " + restOfAnswer},
	{"a yes is one to a takeover", `UPDATE consent SET takeover = true WHERE child = $1 AND purpose = 'account'`, mei, "row_differs consent takeover"},
	{"an answer was given at another time", `UPDATE consent SET given_at = 1 WHERE child = $1 AND purpose = 'account'`, mei, "row_differs consent given_at"},
	{"a withdrawal is a plain no", `UPDATE consent SET withdraws = '' WHERE child = $1 AND withdraws <> ''`, mei, "row_differs consent " + restOfAnswer},
	{"an answer is of greater strength", `UPDATE consent SET strength = 4 WHERE child = $1 AND purpose = 'account'`, mei, "row_differs consent strength"},
	{"an answer was superseded", `UPDATE consent SET ending = 'superseded' WHERE child = $1 AND ended_at IS NULL`, mei, "row_differs consent ending"},
	{"an answer is of another entry", `UPDATE consent SET entry = 'x' WHERE child = $1 AND purpose = 'account'`, mei, "row_differs consent " + restOfAnswer},
	{"a value is something else", `UPDATE value SET sealed = (SELECT ref FROM child WHERE child = $1) WHERE child = $1`, mei, "row_sealed value sealed"},
	{"a value is the one from before", `UPDATE value SET sealed = $1 WHERE child = $2 AND item = 'weekly_score'`,
		func(s *scene) []any { return []any{s.before.value, s.mei.ID} }, "row_sealed value sealed"},
	{"a value and its version are those from before", `UPDATE value SET sealed = $1, version = $2 WHERE child = $3 AND item = 'weekly_score'`,
		func(s *scene) []any { return []any{s.before.value, s.before.valueVersion, s.mei.ID} }, "row_differs value version"},
	{"a value is of another version", `UPDATE value SET version = version - 1 WHERE child = $1`, mei, "row_differs value version"},

	{"a child was handed over", `UPDATE child SET handed_at = 1 WHERE child = $1`, mei, "row_differs child handed_at"},
	{"an erased child was handed over", `UPDATE child SET handed_at = 1 WHERE child = $1`, gone, "row_differs child handed_at"},
	{"a child's turning 14 was told", `UPDATE child SET aged = 2 WHERE child = $1`, mei, "row_differs child aged"},

	// Demands.
	{"a demand never was", `DELETE FROM rights_request WHERE child = $1 AND kind = 'close'`, ann, "row_missing rights_request "},
	{"a demand is about nobody", `UPDATE rights_request SET child = 'zz' WHERE child = $1`, ann, "row_extra rights_request "},
	{"a demand has another name", `UPDATE rights_request SET id = '王小明' WHERE child = $1 AND kind = 'close'`, ann, "row_extra rights_request "},
	{"a demand is another service's", `UPDATE rights_request SET service = '王小明' WHERE child = $1`, ann, "row_differs rights_request service"},
	{"a demand has another number", `UPDATE rights_request SET number = '王小明' WHERE child = $1`, ann, "row_differs rights_request number"},
	{"a demand is for something else", `UPDATE rights_request SET kind = 'supplement' WHERE child = $1`, ann, "row_differs rights_request kind"},
	{"a demand came through another door", `UPDATE rights_request SET door = 'contact' WHERE child = $1`, ann, "row_differs rights_request door"},
	{"a demand is another guardian's", `UPDATE rights_request SET guardian = '王小明' WHERE child = $1`, ann, "row_differs rights_request guardian"},
	{"a demand is about another item", `UPDATE rights_request SET item = '王小明' WHERE child = $1`, ann, "row_differs rights_request item"},
	{"a demand is somebody else's to handle", `UPDATE rights_request SET owner = '王小明' WHERE child = $1`, ann, "row_differs rights_request owner"},
	{"a demand was carried out", `UPDATE rights_request SET state = 'done' WHERE child = $1`, ann, "row_differs rights_request state"},
	{"a demand was refused for another reason", `UPDATE rights_request SET reason = 'nothing_held' WHERE child = $1`, ann, "row_differs rights_request reason"},
	{"a demand came later", `UPDATE rights_request SET received_at = received_at + 1 WHERE child = $1`, ann, "row_differs rights_request received_at"},
	{"nobody was told before a child is erased", `UPDATE rights_request SET told = '' WHERE child = $1`, ann, "row_differs rights_request told"},
	{"somebody was told who wasn't", `UPDATE rights_request SET told = told || ' gu_x/sms/1' WHERE child = $1`, ann, "row_differs rights_request told"},
	{"a demand may take longer", `UPDATE rights_request SET due_at = due_at + 1 WHERE child = $1`, ann, "row_differs rights_request due_at"},
	{"a demand was extended for another reason", `UPDATE rights_request SET extended = 'unreachable' WHERE child = $1`, ann, "row_differs rights_request extended"},
	{"a child isn't erased that asked for it", `UPDATE rights_request SET erase_at = NULL WHERE child = $1`, ann, "row_differs rights_request erase_at"},
	{"a demand ended later", `UPDATE rights_request SET closed_at = 1 WHERE child = $1`, ann, "row_differs rights_request closed_at"},
	{"a copy can be fetched longer", `UPDATE rights_request SET fetch_until = fetch_until + 1 WHERE child = $1`, ann, "row_differs rights_request fetch_until"},
	{"a claim never was", `DELETE FROM birth_claim WHERE child = $1`, ann, "row_missing birth_claim "},
	{"a claim is about nobody", `UPDATE birth_claim SET child = 'zz' WHERE child = $1`, ann, "row_extra birth_claim "},
	{"a claim has another name", `UPDATE birth_claim SET id = '王小明' WHERE child = $1`, ann, "row_extra birth_claim "},
	{"a claim is another service's", `UPDATE birth_claim SET service = '王小明' WHERE child = $1`, ann, "row_differs birth_claim service"},
	{"a claim is by somebody else", `UPDATE birth_claim SET claimed_by = '王小明' WHERE child = $1`, ann, "row_differs birth_claim claimed_by"},
	{"a claim rests on another document", `UPDATE birth_claim SET paper = 'identity_card' WHERE child = $1`, ann, "row_differs birth_claim paper"},
	{"a claim says another day", `UPDATE birth_claim SET birth = number WHERE child = $1`, ann, "row_sealed birth_claim birth, number"},
	{"a claim has another number", `UPDATE birth_claim SET number = birth WHERE child = $1`, ann, "row_sealed birth_claim birth, number"},
	{"a claim is older", `UPDATE birth_claim SET claimed_at = claimed_at - 1 WHERE child = $1`, ann, "row_differs birth_claim claimed_at"},
	{"a claim lasts longer", `UPDATE birth_claim SET expires_at = expires_at + 1 WHERE child = $1`, ann, "row_differs birth_claim expires_at"},
	{"a demand didn't freeze", `UPDATE rights_request SET froze = false WHERE child = $1`, ann, "row_differs rights_request froze"},
	{"a demand says nothing", `UPDATE rights_request SET note = NULL WHERE child = $1`, ann, "row_differs rights_request note"},
	{"a demand says something else", `UPDATE rights_request SET note = answer WHERE child = $1 AND answer IS NOT NULL`, ann, "row_sealed rights_request note, answer, paper"},
	{"a demand came another way", `UPDATE rights_request SET reached = 'phone' WHERE child = $1`, ann, "row_differs rights_request reached"},
	{"a demand came without a document", `UPDATE rights_request SET paper = NULL WHERE child = $1 AND paper IS NOT NULL`, ann, "row_differs rights_request paper"},
	{"a demand came with another document", `UPDATE rights_request SET paper = note WHERE child = $1 AND paper IS NOT NULL`, ann, "row_sealed rights_request note, answer, paper"},
	{"a demand was somebody else's step", `UPDATE rights_request SET steps = '' WHERE child = $1`, ann, "row_differs rights_request steps"},
	{"a demand is of another entry", `UPDATE rights_request SET entry = 'x' WHERE child = $1`, ann, "row_differs rights_request entry"},
	{"an answer in writing is gone", `UPDATE rights_request SET answer = NULL WHERE child = $1`, ann, "row_differs rights_request answer"},

	// Services, and what is public.
	{"a service has another name", `UPDATE service SET service = 'stories' WHERE service = $1`, here, "row_extra service "},
	{"a service is of an earlier version", `UPDATE service SET version = 1 WHERE service = $1`, here, "row_differs service version"},
	{"a service is older", `UPDATE service SET created_at = 1 WHERE service = $1`, here, "row_differs service created_at"},
	{"a charter is another service's", `UPDATE charter SET service = 'stories' WHERE service = $1`, here, "row_extra charter "},
	{"a charter has another number", `UPDATE charter SET number = 7 WHERE service = $1 AND number = 1`, here, "row_missing charter "},
	{"a charter was proposed at another time", `UPDATE charter SET proposed_at = 1 WHERE service = $1`, here, "row_differs charter proposed_at"},
	{"a charter was proposed by another", `UPDATE charter SET proposed_by = '王小明' WHERE service = $1`, here, "row_differs charter proposed_by"},
	{"a purpose is another service's", `UPDATE charter_purpose SET service = 'stories' WHERE service = $1`, here, "row_extra charter_purpose "},
	{"a purpose is another charter's", `UPDATE charter_purpose SET charter = 7 WHERE service = $1 AND charter = 1`, here, "row_missing charter_purpose "},
	{"a purpose is another", `UPDATE charter_purpose SET purpose = '王小明' WHERE service = $1 AND charter = 2 AND purpose = 'account'`, here, "row_missing charter_purpose "},
	{"a document is another service's", `UPDATE document SET service = 'stories' WHERE service = $1`, here, "row_extra document "},
	{"a document is another charter's", `UPDATE document SET charter = 7 WHERE service = $1 AND charter = 1`, here, "row_missing document "},
	{"a document is of another kind", `UPDATE document SET kind = 'x' WHERE service = $1 AND kind = 'rules'`, here, "row_missing document "},
	{"a document is in another language", `UPDATE document SET lang = 'x' WHERE service = $1 AND lang = 'en'`, here, "row_missing document "},
	{"a document has another hash", `UPDATE document SET hash = 'x' WHERE service = $1 AND kind = 'rules'`, here, "row_differs document hash"},
	{"an officer is another service's", `UPDATE officer SET service = 'stories' WHERE service = $1`, here, "row_extra officer "},
	{"an officer is another", `UPDATE officer SET id = 'st_00000000000000000000000000' WHERE service = $1 AND role = 'deputy'`, here, "row_missing officer "},
	{"a deputy is the officer", `UPDATE officer SET role = 'officer' WHERE service = $1`, here, "row_differs officer role"},
	{"an officer has another name", `UPDATE officer SET name = '王小明' WHERE service = $1`, here, "row_hash officer name, contact"},
	{"an officer is reached elsewhere", `UPDATE officer SET contact = '王小明' WHERE service = $1`, here, "row_hash officer name, contact"},
	{"an officer's salt is another", `UPDATE officer SET salt = (SELECT hash FROM credential ORDER BY hash LIMIT 1) WHERE service = $1`, here, "row_hash officer name, contact"},
	{"an officer was appointed earlier", `UPDATE officer SET appointed_at = 1 WHERE service = $1`, here, "row_differs officer appointed_at"},
	{"a key is one that somebody knows", `UPDATE credential SET hash = (SELECT salt FROM officer ORDER BY salt LIMIT 1) WHERE id = $1`, app, "row_hash credential hash, name"},
	{"a key is another service's", `UPDATE credential SET service = 'stories' WHERE id = $1`, app, "row_differs credential service"},
	{"a key is of another app", `UPDATE credential SET name = '王小明' WHERE id = $1`, app, "row_hash credential hash, name"},
	{"a key is older", `UPDATE credential SET created_at = 1 WHERE id = $1`, app, "row_differs credential created_at"},
	{"a key was shown to somebody else", `UPDATE credential SET shown_to = 'st_00000000000000000000000000' WHERE id = $1`, app, "row_differs credential shown_to"},
	{"an app is used elsewhere", `UPDATE credential SET country = 'SG' WHERE id = $1`, app, "row_differs credential country"},
	{"a second key of an app", `INSERT INTO credential (hash, id, service, name, scopes, shown_to, country, created_at) SELECT salt, $1, service, 'another', 'seal', '', 'CN', 1 FROM officer WHERE role = 'deputy'`, app, "row_extra credential "},

	// Where events go.
	{"an endpoint is told of everything", `UPDATE webhook_endpoint SET party = '王小明' WHERE endpoint = $1`, hook, "row_differs webhook_endpoint party"},
	{"the gate opens for a party", `UPDATE service SET overdue = '' WHERE service = $1`, here, "row_differs service overdue"},
	{"an approval is gone", `DELETE FROM legal_approval WHERE id = $1`, allowed, "row_missing legal_approval "},
	{"an approval has another name", `UPDATE legal_approval SET id = '王小明' WHERE id = $1`, allowed, "row_extra legal_approval "},
	{"an approval is of another service", `UPDATE legal_approval SET service = '王小明' WHERE id = $1`, allowed, "row_differs legal_approval service"},
	{"an approval is about all", `UPDATE legal_approval SET child = '' WHERE id = $1`, alone, "row_differs legal_approval child"},
	{"an approval is about more", `UPDATE legal_approval SET items = 'nickname school' WHERE id = $1`, allowed, "row_differs legal_approval items"},
	{"an approval has another basis", `UPDATE legal_approval SET basis = 'ecommerce' WHERE id = $1`, allowed, "row_differs legal_approval basis"},
	{"an approval has another number", `UPDATE legal_approval SET number = '王小明' WHERE id = $1`, allowed, "row_hash legal_approval number, document"},
	{"an approval's salt is another", `UPDATE legal_approval SET salt = (SELECT salt FROM officer ORDER BY salt LIMIT 1) WHERE id = $1`, allowed, "row_hash legal_approval number, document"},
	{"an approval has another document", `UPDATE legal_approval SET document = '王小明' WHERE id = $1`, allowed, "row_hash legal_approval number, document"},
	{"an approval ends later", `UPDATE legal_approval SET until = until + 1 WHERE id = $1`, allowed, "row_differs legal_approval until"},
	{"an approval came later", `UPDATE legal_approval SET approved_at = approved_at + 1 WHERE id = $1`, allowed, "row_differs legal_approval approved_at"},
	{"somebody else has approved", `UPDATE legal_approval SET approved_by = '王小明' WHERE id = $1`, allowed, "row_differs legal_approval approved_by"},
	{"an approval counts again", `UPDATE legal_approval SET ended_at = NULL WHERE id = $1`, back, "row_differs legal_approval ended_at"},
	{"an approval rests on another entry", `UPDATE legal_approval SET entry = '王小明' WHERE id = $1`, allowed, "row_differs legal_approval entry"},
	{"what is kept is gone", `DELETE FROM kept_value`, nobody, "row_missing kept_value "},
	{"what is kept is another child's", `UPDATE kept_value SET child = (SELECT child FROM child WHERE state = 'active' AND child <> $1 ORDER BY child LIMIT 1) WHERE child = $1`, mei, "row_differs kept_value child"},
	{"what is kept has another name", `UPDATE kept_value SET id = '王小明' WHERE child = $1`, mei, "row_extra kept_value "},
	{"what is kept is another item", `UPDATE kept_value SET item = 'nickname' WHERE child = $1`, mei, "row_extra kept_value "},
	{"what is kept is of another service", `UPDATE kept_value SET service = '王小明' WHERE child = $1`, mei, "row_differs kept_value service"},
	{"what is kept was approved otherwise", `UPDATE kept_value SET approval = '王小明' WHERE child = $1`, mei, "row_differs kept_value approval"},
	{"what is kept has another basis", `UPDATE kept_value SET basis = '王小明' WHERE child = $1`, mei, "row_differs kept_value basis"},
	{"what is kept ends later", `UPDATE kept_value SET until = until + 1 WHERE child = $1`, mei, "row_differs kept_value until"},
	{"what is kept doesn't open", `UPDATE kept_value SET sealed = (SELECT wrapped FROM child WHERE wrapped IS NOT NULL ORDER BY child LIMIT 1) WHERE child = $1`, mei, "row_sealed kept_value sealed"},
	{"what is kept rests on another entry", `UPDATE kept_value SET entry = '王小明' WHERE child = $1`, mei, "row_differs kept_value entry"},
	{"a key outlives what is kept", `UPDATE child SET kept_until = kept_until + 1 WHERE kept_until IS NOT NULL`, nobody, "row_differs child kept_until"},
	{"a party is gone", `DELETE FROM party`, nobody, "row_missing party "},
	{"a party is of another service", `UPDATE party SET service = '王小明'`, nobody, "row_extra party "},
	{"a party has another role", `UPDATE party SET role = 'recipient'`, nobody, "row_extra party "},
	{"a party has another name", `UPDATE party SET name = '王小明'`, nobody, "row_extra party "},
	{"a party changed later", `UPDATE party SET version = version + 1`, nobody, "row_differs party version"},
	{"a party is elsewhere", `UPDATE party SET country = '王小明'`, nobody, "row_differs party country"},
	{"a party says another legal_name", `UPDATE party SET legal_name = '王小明'`, nobody, "row_hash party identity"},
	{"a party says another registration", `UPDATE party SET registration = '王小明'`, nobody, "row_hash party identity"},
	{"a party says another contact", `UPDATE party SET contact = '王小明'`, nobody, "row_hash party identity"},
	{"a party says another address", `UPDATE party SET address = '王小明'`, nobody, "row_hash party identity"},
	{"a party says another task", `UPDATE party SET task = '王小明'`, nobody, "row_hash party identity"},
	{"a party's salt is another", `UPDATE party SET salt = (SELECT salt FROM officer ORDER BY salt LIMIT 1)`, nobody, "row_hash party identity"},
	{"a party was registered later", `UPDATE party SET registered_at = registered_at + 1`, nobody, "row_differs party registered_at"},
	{"somebody else has registered a party", `UPDATE party SET registered_by = '王小明'`, nobody, "row_differs party registered_by"},
	{"a party isn't suspended", `UPDATE party SET halted = ''`, nobody, "row_differs party halted"},
	{"a party has no sub-processors", `UPDATE party SET subs = ''`, nobody, "row_hash party subs"},
	{"a party has another sub-processor", `UPDATE party SET subs = '王小明' WHERE subs <> ''`, nobody, "row_hash party subs"},
	{"a party doesn't end", `UPDATE party SET ends_at = NULL`, nobody, "row_differs party ends_at"},
	{"a party stands on another assessment", `UPDATE party SET assessment = '王小明'`, nobody, "row_differs party assessment"},
	{"a party has agreed to nothing", `UPDATE party SET agreement = ''`, nobody, "row_differs party agreement"},
	{"a party has no mechanism", `UPDATE party SET mechanism = ''`, nobody, "row_differs party mechanism"},
	{"a party was ordered before", `UPDATE party SET parted_at = 1`, nobody, "row_differs party parted_at"},
	{"a party may hold less", `UPDATE party SET held = '王小明'`, nobody, "row_differs party held"},
	{"a party is to delete more", `UPDATE party SET excess = '王小明'`, nobody, "row_differs party excess"},
	{"a party has narrowed", `UPDATE party SET narrowed = narrowed + 1`, nobody, "row_differs party narrowed"},
	{"a party has narrowed before", `UPDATE party SET narrowed_at = 1`, nobody, "row_differs party narrowed_at"},
	{"a walk over children was moved on", `UPDATE party SET parted_upto = 'zz'`, nobody, "row_sealed party parted_upto"},
	{"somebody has looked at what a party told", `UPDATE party SET told_at = 1`, nobody, "row_differs party told_at"},
	{"a party is checked later", `UPDATE party SET check_by = check_by + 1`, nobody, "row_differs party check_by"},
	{"an alarm of a party is gone", `DELETE FROM party_alarm`, nobody, "row_missing party_alarm "},
	{"an alarm is of another service", `UPDATE party_alarm SET service = '王小明'`, nobody, "row_extra party_alarm "},
	{"an alarm is of a recipient", `UPDATE party_alarm SET role = 'recipient'`, nobody, "row_extra party_alarm "},
	{"an alarm is of another party", `UPDATE party_alarm SET party = '王小明'`, nobody, "row_extra party_alarm "},
	{"an alarm is of another paper", `UPDATE party_alarm SET what = 'agreement'`, nobody, "row_extra party_alarm "},
	{"an alarm is of another day", `UPDATE party_alarm SET due_at = due_at + 1`, nobody, "row_extra party_alarm "},
	{"a paper is gone", `DELETE FROM party_paper WHERE id = $1`, paper, "row_missing party_paper "},
	{"a paper has another name", `UPDATE party_paper SET id = '王小明' WHERE id = $1`, paper, "row_extra party_paper "},
	{"a paper says another service", `UPDATE party_paper SET service = '王小明' WHERE id = $1`, paper, "row_differs party_paper service"},
	{"a paper says another role", `UPDATE party_paper SET role = '王小明' WHERE id = $1`, paper, "row_differs party_paper role"},
	{"a paper says another party", `UPDATE party_paper SET party = '王小明' WHERE id = $1`, paper, "row_differs party_paper party"},
	{"a paper says another kind", `UPDATE party_paper SET kind = '王小明' WHERE id = $1`, paper, "row_differs party_paper kind"},
	{"a paper says another signed_by", `UPDATE party_paper SET signed_by = '王小明' WHERE id = $1`, paper, "row_differs party_paper signed_by"},
	{"a paper says another entry", `UPDATE party_paper SET entry = '王小明' WHERE id = $1`, paper, "row_differs party_paper entry"},
	{"a paper says something else", `UPDATE party_paper SET form = '王小明' WHERE id = $1`, paper, "row_hash party_paper form"},
	{"a paper's salt is another", `UPDATE party_paper SET salt = (SELECT salt FROM officer ORDER BY salt LIMIT 1) WHERE id = $1`, paper, "row_hash party_paper form"},
	{"an assessment that failed was passed", `UPDATE party_paper SET passed = true WHERE passed = false AND kind = 'assessment'`, nobody, "row_differs party_paper passed"},
	{"a paper covers less", `UPDATE party_paper SET scope = '王小明' WHERE id = $1`, paper, "row_differs party_paper scope"},
	{"a paper's from_at is another", `UPDATE party_paper SET from_at = from_at + 1 WHERE id = $1`, paper, "row_differs party_paper from_at"},
	{"a paper's until_at is another", `UPDATE party_paper SET until_at = until_at + 1 WHERE id = $1`, paper, "row_differs party_paper until_at"},
	{"a paper's signed_at is another", `UPDATE party_paper SET signed_at = signed_at + 1 WHERE id = $1`, paper, "row_differs party_paper signed_at"},
	{"a party's key is gone", `DELETE FROM party_key`, nobody, "row_missing party_key "},
	{"a key has another name", `UPDATE party_key SET id = '王小明' WHERE revoked_at IS NULL`, nobody, "row_extra party_key "},
	{"a key is for another service", `UPDATE party_key SET service = '王小明'`, nobody, "row_differs party_key service"},
	{"a key is for another role", `UPDATE party_key SET role = 'recipient'`, nobody, "row_differs party_key role"},
	{"a key is another party's", `UPDATE party_key SET party = '王小明'`, nobody, "row_differs party_key party"},
	{"a key is of another version", `UPDATE party_key SET version = version + 1`, nobody, "row_differs party_key version"},
	{"a key is bound to another paper", `UPDATE party_key SET paper = '王小明'`, nobody, "row_differs party_key paper"},
	{"somebody else signs as a party", `UPDATE party_key SET public = (SELECT salt FROM officer ORDER BY salt LIMIT 1) WHERE revoked_at IS NULL`, nobody, "row_hash party_key public"},
	{"a key is used elsewhere", `UPDATE party_key SET country = 'SG'`, nobody, "row_differs party_key country"},
	{"a key was bound later", `UPDATE party_key SET bound_at = bound_at + 1`, nobody, "row_differs party_key bound_at"},
	{"somebody else has bound a key", `UPDATE party_key SET bound_by = '王小明'`, nobody, "row_differs party_key bound_by"},
	{"a key holds longer", `UPDATE party_key SET until_at = until_at + 1`, nobody, "row_differs party_key until_at"},
	{"a key was never revoked", `UPDATE party_key SET revoked_at = NULL`, nobody, "row_differs party_key revoked_at"},
	{"a party's meter is gone", `DELETE FROM party_meter`, nobody, "row_missing party_meter "},
	{"a meter is another party's", `UPDATE party_meter SET party = '王小明'`, nobody, "row_extra party_meter "},
	{"a meter is of another service", `UPDATE party_meter SET service = '王小明'`, nobody, "row_extra party_meter "},
	{"a meter is of another role", `UPDATE party_meter SET role = 'recipient'`, nobody, "row_extra party_meter "},
	{"a party has had less in a minute", `UPDATE party_meter SET in_minute = in_minute - 1`, nobody, "row_differs party_meter in_minute"},
	{"a party has had less in an hour", `UPDATE party_meter SET in_hour = in_hour - 1`, nobody, "row_differs party_meter in_hour"},
	{"a party has had less on a day", `UPDATE party_meter SET in_day = in_day - 1`, nobody, "row_differs party_meter in_day"},
	{"a party's minute is another", `UPDATE party_meter SET minute = minute + 1`, nobody, "row_differs party_meter minute"},
	{"a party's hour is another", `UPDATE party_meter SET hour = hour + 1`, nobody, "row_differs party_meter hour"},
	{"a party's day is another", `UPDATE party_meter SET day = day + 1`, nobody, "row_differs party_meter day"},
	{"an alarm about a party was raised already", `UPDATE party_meter SET warned = hour`, nobody, "row_differs party_meter warned"},
	{"an order is gone", `DELETE FROM party_order WHERE id = $1`, owing, "row_missing party_order "},
	{"an order has another name", `UPDATE party_order SET id = '王小明' WHERE id = $1`, owing, "row_extra party_order "},
	{"an order has another number", `UPDATE party_order SET number = '王小明' WHERE id = $1`, owing, "row_differs party_order number"},
	{"an order is of another service", `UPDATE party_order SET service = '王小明' WHERE id = $1`, owing, "row_differs party_order service"},
	{"an order is for another party", `UPDATE party_order SET party = '王小明' WHERE id = $1`, owing, "row_differs party_order party"},
	{"an order is for a recipient", `UPDATE party_order SET role = 'recipient' WHERE id = $1`, owing, "row_differs party_order role"},
	{"an order says less", `UPDATE party_order SET what = 'stop' WHERE id = $1`, owing, "row_differs party_order what"},
	{"an order is about less", `UPDATE party_order SET items = 'voice' WHERE id = $1`, owing, "row_differs party_order items"},
	{"an order is about a purpose", `UPDATE party_order SET purposes = '王小明' WHERE id = $1`, owing, "row_differs party_order purposes"},
	{"an order follows from another narrowing", `UPDATE party_order SET narrowed = narrowed + 1 WHERE id = $1`, owing, "row_differs party_order narrowed"},
	{"an order leads to somebody", `UPDATE party_order SET child = (SELECT child FROM child WHERE state = 'active' ORDER BY child LIMIT 1) WHERE id = $1`, owing, "row_differs party_order child"},
	{"an order is about another child", `UPDATE party_order SET child = '' WHERE id = $1`, told, "row_differs party_order child"},
	{"nobody can be told of an order", `UPDATE party_order SET sealed = NULL WHERE id = $1`, owing, "row_differs party_order sealed"},
	{"an order leads to another child", `UPDATE party_order SET sealed = (SELECT wrapped FROM child WHERE wrapped IS NOT NULL ORDER BY child LIMIT 1) WHERE id = $1`, owing, "row_sealed party_order sealed"},
	{"an attested order leads to somebody", `UPDATE party_order SET sealed = (SELECT wrapped FROM child WHERE wrapped IS NOT NULL ORDER BY child LIMIT 1) WHERE id = $1`, done, "row_differs party_order sealed"},
	{"an order was issued later", `UPDATE party_order SET issued_at = issued_at + 1 WHERE id = $1`, owing, "row_differs party_order issued_at"},
	{"an order is due later", `UPDATE party_order SET due_at = due_at + 1 WHERE id = $1`, owing, "row_differs party_order due_at"},
	{"an order was reminded of", `UPDATE party_order SET reminded = reminded + 1 WHERE id = $1`, owing, "row_differs party_order reminded"},
	{"an order is reminded of later", `UPDATE party_order SET remind_at = due_at WHERE id = $1`, owing, "row_differs party_order remind_at"},
	{"an order isn't overdue", `UPDATE party_order SET overdue_at = NULL WHERE id = $1`, owing, "row_differs party_order overdue_at"},
	{"an order is attested", `UPDATE party_order SET attested_at = 1 WHERE id = $1`, owing, "row_differs party_order attested_at"},
	{"somebody else has attested", `UPDATE party_order SET attested_by = '王小明' WHERE id = $1`, done, "row_differs party_order attested_by"},
	{"another document proves it", `UPDATE party_order SET document = '王小明' WHERE id = $1`, done, "row_differs party_order document"},
	{"an order rests on another entry", `UPDATE party_order SET issued = '王小明' WHERE id = $1`, owing, "row_differs party_order issued"},
	{"another salt proves it", `UPDATE party_order SET salt = (SELECT wrapped FROM child WHERE wrapped IS NOT NULL ORDER BY child LIMIT 1) WHERE id = $1`, done, "row_differs party_order document"},
	{"an attestation rests on another entry", `UPDATE party_order SET attested = '王小明' WHERE id = $1`, done, "row_differs party_order attested"},
	{"a charter that is lost was found", `UPDATE service SET recalled = true WHERE service = $1`, here, "row_differs service recalled"},
	{"a backup never was", `DELETE FROM backup WHERE id = $1`, copied, "row_missing backup "},
	{"a backup has another name", `UPDATE backup SET id = '王小明' WHERE id = $1`, copied, "row_extra backup "},
	{"a backup is younger", `UPDATE backup SET made_at = made_at + 1 WHERE id = $1`, copied, "row_differs backup made_at"},
	{"a backup may be kept", `UPDATE backup SET until = until + 1 WHERE id = $1`, copied, "row_differs backup until"},
	{"a backup holds more", `UPDATE backup SET size = size + 1 WHERE id = $1`, copied, "row_differs backup size"},
	{"a backup is gone", `UPDATE backup SET gone_at = 1 WHERE id = $1`, copied, "row_differs backup gone_at"},
	{"the store was never put back", `DELETE FROM restoration WHERE id = $1`, restored, "row_missing restoration "},
	{"the store was put back once more", `UPDATE restoration SET id = '王小明' WHERE id = $1`, restored, "row_extra restoration "},
	{"the store was put back to another backup", `UPDATE restoration SET backup = '王小明' WHERE id = $1`, restored, "row_differs restoration backup"},
	{"entries are hidden before a gap", `UPDATE restoration SET from_place = 0 WHERE id = $1`, restored, "row_differs restoration from_place"},
	{"entries are hidden behind a gap", `UPDATE restoration SET to_place = to_place + 1 WHERE id = $1`, restored, "row_extra restoration "},
	{"entries of a gap are believed", `UPDATE restoration SET kept = '0-1' WHERE id = $1`, restored, "row_differs restoration kept"},
	{"a gap is told elsewhere", `UPDATE restoration SET entry = '王小明' WHERE id = $1`, restored, "row_differs restoration entry"},
	{"a gap was replayed before", `UPDATE restoration SET done_at = 1 WHERE id = $1`, restored, "row_differs restoration done_at"},
	{"a takedown never was", `DELETE FROM takedown WHERE id = $1`, harm, "row_missing takedown "},
	{"a takedown has another name", `UPDATE takedown SET id = '王小明' WHERE id = $1`, harm, "row_extra takedown "},
	{"a takedown is another service's", `UPDATE takedown SET service = '王小明' WHERE id = $1`, harm, "row_differs takedown service"},
	{"a takedown has another source", `UPDATE takedown SET source = 'staff' WHERE id = $1`, harm, "row_differs takedown source"},
	{"a takedown is about another harm", `UPDATE takedown SET harm = 'other' WHERE id = $1`, harm, "row_differs takedown harm"},
	{"a takedown was reported by another", `UPDATE takedown SET reporter = '王小明' WHERE id = $1`, harm, "row_differs takedown reporter"},
	{"nobody looks after a takedown", `UPDATE takedown SET owner = '' WHERE id = $1`, harm, "row_differs takedown owner"},
	{"what has to come down may stay", `UPDATE takedown SET outcome = 'stays' WHERE id = $1`, harm, "row_differs takedown outcome"},
	{"what may stay does on another ground", `UPDATE takedown SET ground = 'by_law' WHERE ground <> '' AND id <> $1`, harm, "row_differs takedown ground"},
	{"a takedown came later", `UPDATE takedown SET opened_at = opened_at + 1 WHERE id = $1`, harm, "row_differs takedown opened_at"},
	{"a takedown was taken later", `UPDATE takedown SET taken_at = taken_at + 1 WHERE id = $1`, harm, "row_differs takedown taken_at"},
	{"a takedown was decided later", `UPDATE takedown SET decided_at = decided_at + 1 WHERE id = $1`, harm, "row_differs takedown decided_at"},
	{"a takedown may wait longer", `UPDATE takedown SET due_at = due_at + 1 WHERE id = $1`, harm, "row_differs takedown due_at"},
	{"what has to come down is down", `UPDATE takedown SET closed_at = 1 WHERE id = $1`, harm, "row_differs takedown closed_at"},
	{"a takedown is about nothing", `UPDATE takedown SET ref = NULL WHERE id = $1`, harm, "row_sealed takedown ref, ref_hash"},
	{"a takedown isn't found", `UPDATE takedown SET ref_hash = NULL WHERE id = $1`, harm, "row_sealed takedown ref, ref_hash"},
	{"a task never was", `DELETE FROM party_task WHERE id = $1`, task, "row_missing party_task "},
	{"a task has another name", `UPDATE party_task SET id = '王小明' WHERE id = $1`, task, "row_extra party_task "},
	{"a task is about another child", `UPDATE party_task SET child = (SELECT max(child) FROM child WHERE child <> party_task.child AND state = 'active') WHERE id = $1`, task, "row_extra party_task "},
	{"a task is another service's", `UPDATE party_task SET service = '王小明' WHERE id = $1`, task, "row_differs party_task service"},
	{"a task is a recipient's", `UPDATE party_task SET role = 'recipient' WHERE id = $1`, task, "row_differs party_task role"},
	{"a task is another party's", `UPDATE party_task SET party = '王小明' WHERE id = $1`, task, "row_differs party_task party"},
	{"a task is about another demand", `UPDATE party_task SET demand = '王小明' WHERE id = $1`, task, "row_differs party_task demand"},
	{"a task is of another kind", `UPDATE party_task SET kind = 'delete' WHERE id = $1`, task, "row_differs party_task kind"},
	{"a task is about one item", `UPDATE party_task SET item = '王小明' WHERE id = $1`, task, "row_differs party_task item"},
	{"a task is about other items", `UPDATE party_task SET items = '王小明' WHERE id = $1`, task, "row_differs party_task items"},
	{"a task was asked later", `UPDATE party_task SET asked_at = asked_at + 1 WHERE id = $1`, task, "row_differs party_task asked_at"},
	{"a task was asked by another", `UPDATE party_task SET asked_by = '王小明' WHERE id = $1`, task, "row_differs party_task asked_by"},
	{"a task may wait longer", `UPDATE party_task SET due_at = due_at + 1 WHERE id = $1`, task, "row_differs party_task due_at"},
	{"a task is open", `UPDATE party_task SET answered_at = NULL WHERE id = $1`, task, "row_differs party_task answered_at"},
	{"a task was answered by another", `UPDATE party_task SET answered_by = '王小明' WHERE id = $1`, task, "row_differs party_task answered_by"},
	{"a party has nothing", `UPDATE party_task SET answer = 'nothing' WHERE id = $1`, task, "row_differs party_task answer"},
	{"a party has written nothing", `UPDATE party_task SET words = NULL WHERE id = $1`, task, "row_differs party_task words"},
	{"a party has written something else", `UPDATE party_task SET words = (SELECT wrapped FROM child WHERE child.child = party_task.child) WHERE id = $1`, task, "row_sealed party_task words"},
	{"a leak never was", `DELETE FROM incident WHERE id = $1`, leak, "row_missing incident "},
	{"a leak has another name", `UPDATE incident SET id = '王小明' WHERE id = $1`, leak, "row_extra incident "},
	{"a leak is another service's", `UPDATE incident SET service = '王小明' WHERE id = $1`, leak, "row_differs incident service"},
	{"a leak has another source", `UPDATE incident SET source = 'party' WHERE id = $1`, leak, "row_differs incident source"},
	{"a leak has a role", `UPDATE incident SET role = 'processor' WHERE id = $1`, leak, "row_differs incident role"},
	{"a leak is a party's", `UPDATE incident SET party = '王小明' WHERE id = $1`, leak, "row_differs incident party"},
	{"a leak was reported by another", `UPDATE incident SET reporter = '王小明' WHERE id = $1`, leak, "row_differs incident reporter"},
	{"a leak is a loss", `UPDATE incident SET kind = 'lost' WHERE id = $1`, leak, "row_differs incident kind"},
	{"a leak is only suspected", `UPDATE incident SET suspected = NOT suspected WHERE id = $1`, leak, "row_differs incident suspected"},
	{"a leak is of other items", `UPDATE incident SET items = '王小明' WHERE id = $1`, leak, "row_differs incident items"},
	{"a leak is of fewer children", `UPDATE incident SET children = 1 WHERE id = $1`, leak, "row_differs incident children"},
	{"a leak began later", `UPDATE incident SET began_at = began_at + 1 WHERE id = $1`, leak, "row_differs incident began_at"},
	{"a leak was noticed later", `UPDATE incident SET noticed_at = noticed_at + 1 WHERE id = $1`, leak, "row_differs incident noticed_at"},
	{"a leak came later", `UPDATE incident SET opened_at = opened_at + 1 WHERE id = $1`, leak, "row_differs incident opened_at"},
	{"a leak is unclear", `UPDATE incident SET grade = 'unclear' WHERE id = $1`, leak, "row_differs incident grade"},
	{"a leak was graded by another", `UPDATE incident SET graded_by = '王小明' WHERE id = $1`, leak, "row_differs incident graded_by"},
	{"a leak was graded earlier", `UPDATE incident SET triaged_at = triaged_at - 1 WHERE id = $1`, leak, "row_differs incident triaged_at"},
	{"a leak may wait longer", `UPDATE incident SET due_at = due_at + 1 WHERE id = $1`, leak, "row_differs incident due_at"},
	{"a leak ended otherwise", `UPDATE incident SET outcome = 'remedied' WHERE outcome <> '' AND id <> $1`, leak, "row_differs incident outcome"},
	{"a leak was closed by another", `UPDATE incident SET closed_by = '王小明' WHERE outcome <> '' AND id <> $1`, leak, "row_differs incident closed_by"},
	{"a leak is closed", `UPDATE incident SET closed_at = 1 WHERE id = $1`, leak, "row_differs incident closed_at"},
	{"a leak has fewer notes", `UPDATE incident SET notes = 1 WHERE id = $1`, leak, "row_differs incident notes"},
	{"a leak was told of", `UPDATE incident SET steps = 'plan remedy report' WHERE id = $1`, leak, "row_differs incident steps"},
	{"a leak was found by an alarm", `UPDATE incident SET cause = 'burst' WHERE id = $1`, leak, "row_differs incident cause"},
	{"a leak is somebody's doing", `UPDATE incident SET suspect = '王小明' WHERE id = $1`, leak, "row_differs incident suspect"},
	{"a leak is practised", `UPDATE incident SET drill = NOT drill WHERE id = $1`, leak, "row_differs incident drill"},
	{"a leak follows another plan", `UPDATE incident SET plan = 0 WHERE id = $1`, leak, "row_differs incident plan"},
	{"a leak may be told later", `UPDATE incident SET report_in = report_in + 1 WHERE id = $1`, leak, "row_differs incident report_in"},
	{"a note of a leak stops something else", `UPDATE incident_note SET target = '王小明' WHERE incident = $1 AND number = 1`, leak, "row_differs incident_note target"},
	{"an emergency plan never was", `DELETE FROM incident_plan WHERE number = 1`, nobody, "row_missing incident_plan "},
	{"an emergency plan is another service's", `UPDATE incident_plan SET service = '王小明' WHERE number = 1`, nobody, "row_extra incident_plan "},
	{"an emergency plan is another", `UPDATE incident_plan SET number = 7 WHERE number = 1`, nobody, "row_extra incident_plan "},
	{"an emergency plan gives more time", `UPDATE incident_plan SET critical = NOT critical WHERE number = 1`, nobody, "row_differs incident_plan critical"},
	{"an emergency plan has other minutes", `UPDATE incident_plan SET minutes = '90' WHERE number = 1`, nobody, "row_differs incident_plan minutes"},
	{"an emergency plan is older", `UPDATE incident_plan SET adopted_at = adopted_at - 1 WHERE number = 1`, nobody, "row_differs incident_plan adopted_at"},
	{"an emergency plan is another's word", `UPDATE incident_plan SET adopted_by = '王小明' WHERE number = 1`, nobody, "row_differs incident_plan adopted_by"},
	{"an emergency plan says something else", `UPDATE incident_plan SET sealed = (SELECT sealed FROM incident_note WHERE number = 0 LIMIT 1) WHERE number = 1`, nobody, "row_sealed incident_plan sealed, salt"},
	{"an emergency plan has another salt", `UPDATE incident_plan SET salt = sealed WHERE number = 1`, nobody, "row_sealed incident_plan sealed, salt"},
	{"a step of a plan isn't done", `DELETE FROM incident_tick WHERE incident = $1`, leak, "row_missing incident_tick "},
	{"a step of a plan is done about another leak", `UPDATE incident_tick SET incident = '王小明' WHERE incident = $1`, leak, "row_extra incident_tick "},
	{"another step of a plan is done", `UPDATE incident_tick SET step = 7 WHERE incident = $1`, leak, "row_extra incident_tick "},
	{"a step of a plan was done earlier", `UPDATE incident_tick SET ticked_at = ticked_at - 1 WHERE incident = $1`, leak, "row_differs incident_tick ticked_at"},
	{"a step of a plan was done by another", `UPDATE incident_tick SET ticked_by = '王小明' WHERE incident = $1`, leak, "row_differs incident_tick ticked_by"},
	{"a note of a leak is of another step", `UPDATE incident_note SET step = 'report' WHERE incident = $1 AND number = 1`, leak, "row_differs incident_note step"},
	{"a note of a leak never was", `DELETE FROM incident_note WHERE incident = $1 AND number = 1`, leak, "row_missing incident_note "},
	{"a note is of another leak", `UPDATE incident_note SET incident = '王小明' WHERE incident = $1 AND number = 1`, leak, "row_extra incident_note "},
	{"a note of a leak is another", `UPDATE incident_note SET number = 7 WHERE incident = $1 AND number = 1`, leak, "row_extra incident_note "},
	{"a note of a leak is later", `UPDATE incident_note SET written_at = written_at + 1 WHERE incident = $1 AND number = 1`, leak, "row_differs incident_note written_at"},
	{"a note of a leak is another's", `UPDATE incident_note SET written_by = '王小明' WHERE incident = $1 AND number = 1`, leak, "row_differs incident_note written_by"},
	{"a note of a leak says something else", `UPDATE incident_note SET sealed = (SELECT sealed FROM incident_note WHERE incident = $1 AND number = 0) WHERE number = 1`, leak, "row_sealed incident_note sealed, salt"},
	{"a note of a leak has another salt", `UPDATE incident_note SET salt = sealed WHERE incident = $1 AND number = 1`, leak, "row_sealed incident_note sealed, salt"},
	{"nobody is on a list", `DELETE FROM incident_list WHERE incident = $1`, leak, "row_missing incident_list "},
	{"a list is of another leak", `UPDATE incident_list SET incident = '王小明' WHERE incident = $1`, leak, "row_extra incident_list "},
	{"fewer are on a list", `UPDATE incident_list SET children = 2 WHERE incident = $1`, leak, "row_differs incident_list children"},
	{"a list grew in fewer steps", `UPDATE incident_list SET batches = 1 WHERE incident = $1`, leak, "row_differs incident_list batches"},
	{"a list has another hash", `UPDATE incident_list SET chain = '王小明' WHERE incident = $1`, leak, "row_differs incident_list chain"},
	{"a list is fixed as it stands", `UPDATE incident_list SET frozen = 2 WHERE incident = $1`, leak, "row_differs incident_list frozen"},
	{"a list was fixed later", `UPDATE incident_list SET frozen_at = frozen_at + 1 WHERE incident = $1`, leak, "row_differs incident_list frozen_at"},
	{"a list was fixed by another", `UPDATE incident_list SET frozen_by = '王小明' WHERE incident = $1`, leak, "row_differs incident_list frozen_by"},
	{"a question was never asked", `DELETE FROM incident_question WHERE incident = $1`, leak, "row_missing incident_question "},
	{"a question is about another leak", `UPDATE incident_question SET incident = '王小明' WHERE incident = $1`, leak, "row_extra incident_question "},
	{"a question is another", `UPDATE incident_question SET number = number + 7 WHERE incident = $1`, leak, "row_extra incident_question "},
	{"a question is about another kind", `UPDATE incident_question SET kind = '王小明' WHERE incident = $1`, leak, "row_differs incident_question kind"},
	{"a question is about another", `UPDATE incident_question SET name = '王小明' WHERE incident = $1`, leak, "row_differs incident_question name"},
	{"a question begins", `UPDATE incident_question SET from_at = 1 WHERE incident = $1`, leak, "row_differs incident_question from_at"},
	{"a question ends earlier", `UPDATE incident_question SET to_at = to_at - 1 WHERE incident = $1`, leak, "row_differs incident_question to_at"},
	{"a question was asked later", `UPDATE incident_question SET asked_at = asked_at + 1 WHERE incident = $1`, leak, "row_differs incident_question asked_at"},
	{"a question was asked by another", `UPDATE incident_question SET asked_by = '王小明' WHERE incident = $1`, leak, "row_differs incident_question asked_by"},
	{"a question is answered", `UPDATE incident_question SET done_at = 1 WHERE incident = $1`, leak, "row_differs incident_question done_at"},
	{"a question has found more", `UPDATE incident_question SET found = found + 1 WHERE incident = $1`, leak, "row_differs incident_question found"},
	{"a question has found more who are gone", `UPDATE incident_question SET gone = gone + 1 WHERE incident = $1`, leak, "row_differs incident_question gone"},
	{"a child isn't on a list", `DELETE FROM incident_child WHERE child = $1`, mei, "row_missing incident_child "},
	{"a child is on another list", `UPDATE incident_child SET incident = '王小明' WHERE child = $1`, mei, "row_extra incident_child "},
	{"another child is on a list", `UPDATE incident_child SET child = $1 WHERE child = $2`, both, "row_extra incident_child "},
	{"an erased child is on a list", `INSERT INTO incident_child SELECT $1, incident, items, batch, added_at, carried, held FROM incident_child WHERE batch = 2`, gone, "row_extra incident_child "},
	{"less of a child is concerned", `UPDATE incident_child SET items = 'nickname' WHERE child = $1`, mei, "row_differs incident_child items"},
	{"a child came to a list with others", `UPDATE incident_child SET batch = 2 WHERE child = $1`, mei, "row_differs incident_child batch"},
	{"a child came to a list later", `UPDATE incident_child SET added_at = added_at + 1 WHERE child = $1`, mei, "row_differs incident_child added_at"},
	{"a child on a list is done with later", `UPDATE incident_child SET carried = carried + 1 WHERE child = $1`, cold, "row_differs incident_child carried"},
	{"a child isn't held by a leak", `UPDATE incident_child SET held = false WHERE child = $1`, cold, "row_differs incident_child held"},
	{"a suspicion never was", `DELETE FROM suspicion WHERE id = $1`, doubt, "row_missing suspicion "},
	{"a suspicion has another name", `UPDATE suspicion SET id = '王小明' WHERE id = $1`, doubt, "row_extra suspicion "},
	{"a suspicion is another service's", `UPDATE suspicion SET service = '王小明' WHERE id = $1`, doubt, "row_differs suspicion service"},
	{"a suspicion has another source", `UPDATE suspicion SET source = 'staff' WHERE id = $1`, doubt, "row_differs suspicion source"},
	{"a suspicion was reported by another", `UPDATE suspicion SET reporter = '王小明' WHERE id = $1`, doubt, "row_differs suspicion reporter"},
	{"nobody looks after a suspicion", `UPDATE suspicion SET owner = '' WHERE id = $1`, doubt, "row_differs suspicion owner"},
	{"a suspicion is decided", `UPDATE suspicion SET outcome = 'withdrawn' WHERE id = $1`, doubt, "row_differs suspicion outcome"},
	{"a suspicion was decided on another basis", `UPDATE suspicion SET basis = 'parent_said' WHERE id <> $1`, doubt, "row_differs suspicion basis"},
	{"a suspicion came later", `UPDATE suspicion SET opened_at = opened_at + 1 WHERE id = $1`, doubt, "row_differs suspicion opened_at"},
	{"a suspicion may wait longer", `UPDATE suspicion SET due_at = due_at + 1 WHERE id = $1`, doubt, "row_differs suspicion due_at"},
	{"a suspicion is over", `UPDATE suspicion SET closed_at = 1 WHERE id = $1`, doubt, "row_differs suspicion closed_at"},
	{"a suspicion is about nobody", `UPDATE suspicion SET ref = NULL WHERE id = $1`, doubt, "row_sealed suspicion ref, ref_hash"},
	{"a suspicion isn't found", `UPDATE suspicion SET ref_hash = NULL WHERE id = $1`, doubt, "row_sealed suspicion ref, ref_hash"},
	{"events go nowhere", `DELETE FROM webhook_endpoint WHERE endpoint = $1`, hook, "row_missing webhook_endpoint "},
	{"events go elsewhere", `UPDATE webhook_endpoint SET sealed = (SELECT wrapped FROM child WHERE wrapped IS NOT NULL ORDER BY child LIMIT 1) WHERE endpoint = $1`, hook, "row_sealed webhook_endpoint sealed"},
	{"an endpoint has another name", `UPDATE webhook_endpoint SET endpoint = '王小明' WHERE endpoint = $1`, hook, "row_extra webhook_endpoint "},
	{"an endpoint is of another service", `UPDATE webhook_endpoint SET service = '王小明' WHERE endpoint = $1`, hook, "row_differs webhook_endpoint service"},
	{"an endpoint has its former secret", `UPDATE webhook_endpoint SET version = 1 WHERE endpoint = $1`, hook, "row_differs webhook_endpoint version"},
	{"an endpoint is told of more", `UPDATE webhook_endpoint SET types = '' WHERE endpoint = $1`, hook, "row_differs webhook_endpoint types"},
	{"a secret was shown to somebody else", `UPDATE webhook_endpoint SET shown_to = 'st_00000000000000000000000000' WHERE endpoint = $1`, hook, "row_differs webhook_endpoint shown_to"},
	{"an endpoint is paused", `UPDATE webhook_endpoint SET paused_at = 1 WHERE endpoint = $1`, hook, "row_differs webhook_endpoint paused_at"},
	{"an endpoint came later", `UPDATE webhook_endpoint SET created_at = created_at + 1 WHERE endpoint = $1`, hook, "row_differs webhook_endpoint created_at"},

	// What waits for its place, and who has read how far.
	{"an entry waits under another name", `UPDATE ledger_pending SET id = (SELECT max(entry) FROM consent)`, nobody, "row_differs ledger_pending id"},
	{"an entry waits as another child's", `UPDATE ledger_pending SET subject = 'x'`, nobody, "row_differs ledger_pending subject"},
	{"an entry waits as another service's", `UPDATE ledger_pending SET service = 'stories'`, nobody, "row_differs ledger_pending service"},
	{"an entry waits in another order", `UPDATE ledger_pending SET version = version + 2`, nobody, "row_differs ledger_pending version"},
	{"an entry that waits is none", `UPDATE ledger_pending SET entry = $1`, func(*scene) []any { return []any{[]byte("{}")} }, "unreadable  "},
	{"an entry that waited is gone", `DELETE FROM ledger_pending`, nobody, "row_differs child frozen"},
	{"a consumer is ahead of the ledger", `UPDATE ledger_cursor SET place = 1000000`, nobody, "row_differs ledger_cursor place"},
}

// TestInvariant7_TamperedTablesAreFound changes rows by hand. Each change must be
// named, and what was written must not be repeated.
func TestInvariant7_TamperedTablesAreFound(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		s := play(t, w)
		s.most = 1000 // where entries are hidden, all that comes after them differs
		tried := make(tries)
		var all []tampering
		for _, c := range changes {
			if tried.enough(t, c.query) {
				continue
			}
			all = append(all, tampering{name: c.name, query: c.query, args: c.args(s), found: c.found,
				first: func(ctx context.Context, tx *db.Tx) error { return s.unplaced(ctx, tx, c) }})
		}
		s.tampered(t, all)
		s.replays(t)
	})
}

// unplaced makes something that a change of the ledger's own tables can touch: an
// entry that waits for its place, and a consumer.
func (s *scene) unplaced(ctx context.Context, tx *db.Tx, c change) error {
	if !strings.Contains(c.query, " ledger_") {
		return nil
	}
	child, err := family.Lock(ctx, tx, service, s.mei.ID)
	if err != nil {
		return err
	}
	if _, err := family.Freeze(ctx, tx, s.App, child, family.Death); err != nil {
		return err
	}
	return ledger.Advance(ctx, tx, "webhooks", 0, 1)
}

// An erased child's row holds no ciphertext and no key (invariant 8).
func TestInvariant7_WhatIsLeftOfAnErasedChildIsFound(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		s := play(t, w)
		s.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := tx.Exec(ctx, `
				UPDATE child SET wrapped = (SELECT wrapped FROM child WHERE child = $1), ref_hash = (SELECT ref_hash FROM child WHERE child = $1)
				WHERE child = $2`, s.bo.ID, s.gone.ID)
			return err
		})
		report := s.audit(t)
		found(t, "a key is back", report, "row_differs child wrapped")
		found(t, "a key is back", report, "row_differs child ref_hash")
	})
}

// found fails the test unless the report has such a difference, and repeats
// nothing that it mustn't.
func found(t *testing.T, name string, report replay.Report, want string) {
	t.Helper()
	var all []string
	hit := false
	for _, d := range report.Differences {
		got := strings.TrimPrefix(d.What, "replay.") + " " + d.Table + " " + d.Field
		hit = hit || got == want
		all = append(all, got)
		for _, lang := range i18n.Langs {
			if text := d.In(lang); strings.Contains(text, secret) || strings.Contains(text, "{{") || strings.Contains(text, "replay.") {
				t.Errorf("it says %q", text)
			}
		}
		if d.Subject != "" && !id.Is(id.Subject, d.Subject) {
			t.Errorf("%q is no pseudonym", d.Subject)
		}
	}
	if !hit {
		t.Errorf("%s: want %q, got %d differences:\n%s", name, want, len(all), strings.Join(all, "\n"))
	}
}
