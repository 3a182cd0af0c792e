package replay_test

import (
	"context"
	"testing"
	"time"

	"wardkeep/internal/account"
	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/base/workday"
	"wardkeep/internal/catalog"
	"wardkeep/internal/passkey"
	"wardkeep/internal/signin"
	"wardkeep/internal/signin/signintest"
	"wardkeep/internal/staff"
	"wardkeep/internal/suspicion"
	"wardkeep/internal/vault/vaulttest"
	"wardkeep/internal/verification"
)

// Persons inside look at a document, approve it, and look after suspected accounts, each by
// the version by which the matrix lets them; nobody else does, and no two who may be one.
func TestInvariant7_WhatPersonsInsideJudgeReplays(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		s := &scene{story: begin(t, w)}
		s.issue(account.AllScopes())
		s.lan = s.Child()
		door := signin.Door{Ring: w.Ring, Site: passkey.NewSite("https://console.example")}
		var office staff.Grant
		w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
			office, err = staff.OfOffice(ctx, tx, service, s.Officer.ID)
			return err
		})
		boss := signintest.Hire(t, w.Store, door, "赵敏", office)
		auditor := signintest.Hire(t, w.Store, door, "周正", staff.Grant{Role: staff.Auditor, Service: service})
		worker := signintest.Hire(t, w.Store, door, "李雷", staff.Grant{Role: staff.Worker, Service: service})
		var theirs, far staff.Person // whom the boss has let in, and who sits abroad
		var on int64                 // the version of the service
		find := func(name string) (p staff.Person) {
			s.do(func(ctx context.Context, tx *db.Tx) (err error) {
				p, err = staff.Find(ctx, tx, name)
				return err
			})
			return p
		}
		by := find(boss.ID)
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			sv, err := catalog.Find(ctx, tx, service)
			if err != nil {
				return err
			}
			on = sv.Version
			if theirs, err = staff.Add(ctx, tx, by, "王芳", staff.Grant{Role: staff.Worker, Service: service}); err != nil {
				return err
			}
			if far, err = staff.Add(ctx, tx, by, "陈静", staff.Grant{Role: staff.Worker, Service: service}); err == nil {
				far, err = staff.Locate(ctx, tx, by, far.ID, "SG")
			}
			return err
		})
		as := func(name string, a staff.Action) staff.Acting { return staff.Acting{Person: find(name), Action: a} }
		lan := s.guardians(s.lan.ID)[0]
		var waits verification.Attempt
		desk := verification.Desk{Consent: s.Desk, Documents: true}
		shows := func(name string) error {
			judge := as(name, staff.JudgeEvidence)
			return s.Try(func(ctx context.Context, tx *db.Tx) error {
				_, _, _, err := desk.Show(ctx, tx, judge, waits.ID)
				return err
			})
		}
		r, proof, err := s.sits(lan)
		ok(t, err)
		w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
			waits, err = desk.SendDocument(ctx, tx, r, proof, verification.Upload{Number: pii.New("11010519491231002X"), Pages: []pii.Text{pii.New(page)}})
			return err
		})
		for _, name := range []string{boss.ID, worker.ID, theirs.ID} {
			ok(t, shows(name))
		}
		first, deals := as(boss.ID, staff.JudgeEvidence), as(worker.ID, staff.DecideSuspicions)
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := desk.Approve(ctx, tx, first, waits.ID, tx.Now().Add(time.Hour))
			return err
		})
		var doubt suspicion.Suspicion
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			for _, ref := range []string{"one", "another"} {
				one, _, err := suspicion.Report(ctx, tx, s.Ring, workday.Default(), s.App, pii.New(ref), suspicion.Signal)
				if err == nil {
					doubt, _, err = suspicion.Take(ctx, tx, deals, service, one.ID)
				}
				if err == nil && ref == "one" {
					_, _, err = suspicion.Decide(ctx, tx, deals, service, doubt.ID, suspicion.Withdrawn, "")
				}
				if err != nil {
					return err
				}
			}
			return nil
		})
		ok(t, s.flush())
		s.replays(t)
		rests := func(name string) approval.Inside { return approval.Inside{Person: find(name).Version, Catalog: on} }
		seen := func(actor string, rests approval.Inside) func() {
			return func() {
				s.forge(s.lan, 1, verification.KindSeen, actor, verification.SeenBody{Verification: waits.ID, PerHour: 60, PerDay: 200, Inside: rests})
			}
		}
		takes := func(name string, rests approval.Inside) func() {
			return func() {
				s.forgeAs("staff:"+name, suspicion.KindTaken, suspicion.TakenBody{Suspicion: doubt.ID, Owner: name, Inside: rests})
			}
		}
		stranger := id.New(id.Staff)
		for name, x := range map[string]struct {
			found string
			by    func()
		}{
			"who may not judge looks":      {"impossible actor", seen("staff:"+auditor.ID, rests(auditor.ID))},
			"who sits abroad looks":        {"impossible actor", seen("staff:"+far.ID, rests(far.ID))},
			"nobody looks":                 {"actor actor", seen("staff:"+stranger, approval.Inside{Person: 1, Catalog: on})},
			"a look that rests on nothing": {"catalog catalog", seen("staff:"+worker.ID, approval.Inside{})},
			"a look beyond what the person may": {"impossible approval", func() {
				s.forge(s.lan, 1, verification.KindSeen, "staff:"+worker.ID, verification.SeenBody{Verification: waits.ID, PerDay: 200, Inside: rests(worker.ID)})
			}},
			"who may not report a suspicion": {"impossible actor", func() {
				s.forgeAs("staff:"+auditor.ID, suspicion.KindOpened, suspicion.OpenedBody{Suspicion: id.New(id.Suspicion), Source: suspicion.Parent,
					Due: s.Store.Now().Add(time.Hour).UnixMicro(), Inside: rests(auditor.ID)})
			}},
			"an officer's look rests on a person": {"impossible actor", seen(s.Officer.Ledger(), rests(worker.ID))},
			"who may not judge refuses": {"impossible actor", func() {
				s.forge(s.lan, 1, verification.KindFailed, "staff:"+auditor.ID, verification.FailedBody{Verification: waits.ID, Why: verification.RefusedBy, Flaw: verification.Unreadable, Inside: rests(auditor.ID)})
			}},
			"whom the first has let in is second": {"impossible actor", func() {
				s.forge(s.lan, 1, verification.KindSucceeded, "staff:"+theirs.ID, verification.AttemptBody{Verification: waits.ID, Inside: rests(theirs.ID)})
			}},
			"who may not decide takes one":   {"impossible actor", takes(auditor.ID, rests(auditor.ID))},
			"nobody takes one":               {"actor actor", takes(stranger, approval.Inside{Person: 1, Catalog: on})},
			"what is taken rests on nothing": {"catalog catalog", takes(worker.ID, approval.Inside{})},
			"who lost the role decides": {"impossible actor", func() {
				s.do(func(ctx context.Context, tx *db.Tx) error {
					_, err := staff.Take(ctx, tx, terminal, worker.ID, staff.Grant{Role: staff.Worker, Service: service})
					return err
				})
				s.forgeAs("staff:"+worker.ID, suspicion.KindDecided, suspicion.DecidedBody{Suspicion: doubt.ID, Outcome: suspicion.Withdrawn, Inside: rests(worker.ID)})
			}},
		} {
			forgery(t, name, s.once(t, x.by), x.found)
		}
	})
}
