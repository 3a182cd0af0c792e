package restoration_test

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"wardkeep/internal/access"
	"wardkeep/internal/account"
	"wardkeep/internal/backup"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/family/age"
	"wardkeep/internal/gate"
	"wardkeep/internal/incident"
	"wardkeep/internal/ledger"
	"wardkeep/internal/legal"
	"wardkeep/internal/message"
	"wardkeep/internal/notify"
	"wardkeep/internal/order"
	"wardkeep/internal/party"
	"wardkeep/internal/reach"
	"wardkeep/internal/receipt"
	"wardkeep/internal/retention"
	"wardkeep/internal/rights"
	"wardkeep/internal/signin"
	"wardkeep/internal/signin/signintest"
	"wardkeep/internal/staff"
	"wardkeep/internal/tally"
	"wardkeep/internal/vault/vaulttest"
	"wardkeep/internal/webhook"
)

// A past is what was there when the store was backed up, and what became of it since.
type past struct {
	*world
	// Of gone, refusing and due nothing is left. Of the others something was
	// restricted, but of stays.
	gone, refusing, due, item, withdrawn, frozen, disputed, orphan, unproved, asks, kept, younger, closed, stays family.Child
	corrected, answered                                                                                          family.Child
	app                                                                                                          account.App
	hook, paused, moved                                                                                          webhook.Endpoint
	number                                                                                                       string // of what the child of asks demands
	keeps                                                                                                        rights.Request
	before                                                                                                       []string // checkpoints
	pending                                                                                                      int64    // entries that waited for a place when the backup was made
	putBack                                                                                                      func()
}

// live makes the children, backs the store up, and goes on.
func live(w *world) *past {
	p := &past{world: w}
	for _, c := range []*family.Child{&p.gone, &p.due, &p.item, &p.withdrawn, &p.frozen, &p.disputed, &p.orphan, &p.unproved,
		&p.asks, &p.kept, &p.younger, &p.closed, &p.stays, &p.corrected, &p.answered} {
		*c = w.Child()
		w.Put(*c, "course-progress", "nickname", "小安")
	}
	p.refusing, _ = w.Enrol()
	w.Put(p.closed, "account", "guardian_phone", "13800138000")
	w.Do(func(ctx context.Context, tx *db.Tx) error {
		to, err := webhook.ParseAddress("https://hooks.xiaoxi-english.example/in", nil)
		if err != nil {
			return err
		}
		for _, e := range []*webhook.Endpoint{&p.hook, &p.paused, &p.moved} {
			if *e, _, _, err = webhook.Add(ctx, tx, w.Ring, terminal, service, to, nil, ""); err != nil {
				return err
			}
		}
		p.app, _, _, err = account.IssueApp(ctx, tx, terminal, service, "another", account.AllScopes(), time.Time{})
		return err
	})
	p.keeps = w.demand(p.kept, w.App, rights.Demand{Kind: rights.Delete, Door: rights.ByChild})
	ok(w.T, w.log.Flush(w.T.Context()))
	p.before = append(p.before, w.checkpoint())
	w.Put(p.stays, "course-progress", "weekly_score", "76") // waits for its place
	w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		p.pending, err = ledger.CountPending(ctx, tx)
		return err
	})
	p.putBack = w.backUp()
	p.goOn()
	return p
}

// goOn is what the backup doesn't have.
func (p *past) goOn() {
	w := p.world
	w.Pass(time.Minute)
	w.Do(func(ctx context.Context, tx *db.Tx) error {
		_, err := w.Vault.Erase(ctx, tx, w.App.Ledger(), service, p.gone.ID, family.Requested)
		return err
	})
	w.Answer(p.refusing, consent.ForceRefused)
	done, err := retention.Sweep(w.T.Context(), w.Store, w.Vault)
	if err != nil || done.Unanswered != 1 {
		w.T.Fatal(done, err)
	}
	guardian := func(c family.Child, ask rights.Demand) rights.Request {
		g := w.Guardian(c)
		ask.Door, ask.Guardian = rights.ByGuardian, g.ID
		return w.demand(c, g, ask)
	}
	guardian(p.due, rights.Demand{Kind: rights.Delete}) // and no sweep came
	guardian(p.item, rights.Demand{Kind: rights.DeleteItem, Item: "nickname"})
	r := guardian(p.corrected, rights.Demand{Kind: rights.Correct, Item: "nickname"})
	w.Put(p.corrected, "course-progress", "nickname", "小定")
	w.Do(func(ctx context.Context, tx *db.Tx) error {
		_, _, err := w.rights().Finish(ctx, tx, w.App, r, pii.Text{})
		return err
	})
	p.number = w.demand(p.asks, w.App, rights.Demand{Kind: rights.Close, Door: rights.ByChild}).Number
	w.Do(func(ctx context.Context, tx *db.Tx) error {
		_, _, err := w.rights().Keep(ctx, tx, w.guardian(ctx, tx, p.kept), p.keeps)
		return err
	})
	w.withdraw(p.withdrawn, "course-progress")
	w.withdraw(p.answered, "course-progress")
	w.Do(func(ctx context.Context, tx *db.Tx) error { // yes again: the last word
		c, err := family.Find(ctx, tx, service, p.answered.ID)
		if err != nil {
			return err
		}
		r, _, _, err := w.Desk.Ask(ctx, tx, w.guardian(ctx, tx, c), c, consent.Asking{Purposes: []string{"course-progress"}, Channel: consent.Link, Locale: "zh-CN"})
		if err != nil {
			return err
		}
		_, _, err = w.Desk.Force(ctx, tx, w.App, r, consent.ForceGranted)
		return err
	})
	w.locked(p.frozen, func(ctx context.Context, tx *db.Tx, c family.Child) error {
		_, err := family.Freeze(ctx, tx, w.App, c, family.Death)
		return err
	})
	w.locked(p.disputed, func(ctx context.Context, tx *db.Tx, c family.Child) error {
		_, err := family.Dispute(ctx, tx, "guardian:gu_x", c)
		return err
	})
	orphan := w.Guardian(p.orphan)
	w.locked(p.orphan, func(ctx context.Context, tx *db.Tx, c family.Child) error {
		_, err := w.Desk.EndGuardian(ctx, tx, w.Officer, c, orphan.ID)
		return err
	})
	unproved := w.Guardian(p.unproved)
	w.locked(p.unproved, func(ctx context.Context, tx *db.Tx, c family.Child) error {
		_, _, err := w.Desk.Unverify(ctx, tx, w.Officer, c, unproved.ID)
		return err
	})
	w.locked(p.younger, func(ctx context.Context, tx *db.Tx, c family.Child) error {
		_, _, err := family.Correct(ctx, tx, w.Ring, w.App, c, age.Birth{Year: tx.Now().Year() - 8, Month: 2}, family.FromApp)
		return err
	})
	if _, err := w.Event(p.closed, "account-closed", time.Time{}); err != nil {
		w.T.Fatal(err)
	}
	later := w.Child()
	w.Put(later, "course-progress", "nickname", "小新")
	w.Put(p.stays, "course-progress", "answers", "3 of 4")
	if _, err := w.Read(p.stays, "course-progress", "nickname"); err != nil {
		w.T.Fatal(err)
	}
	w.Do(func(ctx context.Context, tx *db.Tx) error {
		if _, err := account.RevokeApp(ctx, tx, terminal, service, p.app.ID); err != nil {
			return err
		}
		if _, err := webhook.Remove(ctx, tx, terminal, service, p.hook.ID); err != nil {
			return err
		}
		if _, err := webhook.Pause(ctx, tx, terminal, service, p.paused.ID); err != nil {
			return err
		}
		if _, err := webhook.Change(ctx, tx, w.Ring, terminal, service, p.moved.ID, webhook.Address{}, []string{"order.*"}); err != nil {
			return err
		}
		_, err := backup.Record(ctx, tx, terminal, backup.New(), tx.Now(), 7)
		return err
	})
}

// guardian is Guardian within a transaction.
func (w *world) guardian(ctx context.Context, tx *db.Tx, c family.Child) family.Guardian {
	var all []family.Guardian
	if err := tx.Together(ctx, family.ReadGuardians(&all, c.ID)); err != nil || len(all) == 0 {
		w.T.Fatal(all, err)
	}
	return all[0]
}

// came wants each child to be what it was when the store was lost, or less.
func (p *past) came() {
	w := p.world
	w.T.Helper()
	for name, c := range map[string]family.Child{"gone": p.gone, "refusing": p.refusing, "due": p.due} {
		if _, err := w.find(c); !errors.Is(err, family.ErrErased) {
			w.T.Errorf("%s is back: %v", name, err)
		}
	}
	if v, err := w.Read(p.stays, "course-progress", "nickname"); err != nil || v != "小安" {
		w.T.Error("of who stays, what was there is not", err)
	}
	if v, err := w.Read(p.stays, "course-progress", "weekly_score"); err != nil || v != "76" {
		w.T.Error("what waited for its place is not kept", err)
	}
	w.lacks(p.stays, "course-progress", "answers")
	w.lacks(p.item, "course-progress", "nickname")
	w.lacks(p.corrected, "course-progress", "nickname")
	w.denied(p.withdrawn, "course-progress", "nickname", "gate.consent_withdrawn")
	w.lacks(p.answered, "course-progress", "nickname") // it was erased with the withdrawal
	w.denied(p.frozen, "course-progress", "nickname", "gate.frozen")
	w.denied(p.disputed, "course-progress", "nickname", "gate.disputed")
	w.denied(p.orphan, "course-progress", "nickname", "gate.")
	w.denied(p.unproved, "course-progress", "nickname", "gate.guardian_unverified")
	w.denied(p.younger, "course-progress", "nickname", "gate.frozen")
	w.denied(p.asks, "course-progress", "nickname", "gate.frozen")
	if c, err := w.find(p.kept); err != nil || c.Frozen {
		w.T.Error("a guardian kept the child, and it is frozen", err)
	}
	w.Do(func(ctx context.Context, tx *db.Tx) error {
		r, err := rights.ByNumber(ctx, tx, service, p.number)
		if err != nil || r.State != rights.Open || !r.EraseAt.After(tx.Now()) {
			w.T.Errorf("what the child demanded: %+v, %v", r, err)
		}
		c, err := family.Find(ctx, tx, service, p.closed.ID)
		if err != nil || len(c.Endings) == 0 {
			w.T.Errorf("the event is forgotten: %v, %v", c.Endings, err)
		}
		apps, err := account.Apps(ctx, tx, service)
		if err != nil || len(apps) != 1 {
			w.T.Errorf("a revoked app is back: %v, %v", apps, err)
		}
		hooks, err := webhook.Of(ctx, tx, service)
		if err != nil || len(hooks) != 2 || hooks[0].PausedAt.IsZero() || hooks[1].PausedAt.IsZero() {
			w.T.Errorf("a removed receiver is back, or one that was paused or told of less is told of all: %v, %v", hooks, err)
		}
		copies, err := backup.List(ctx, tx)
		if err != nil || len(copies) != 1 || copies[0].Size != 7 {
			w.T.Errorf("a backup of the gap isn't watched: %v, %v", copies, err)
		}
		return nil
	})
	// Edge case 26: who refused everything isn't asked the same again.
	w.Do(func(ctx context.Context, tx *db.Tx) error {
		n, err := db.One(ctx, tx, db.Single[int64], `SELECT count(*) FROM refused_ref`)
		if err != nil || n != 1 {
			w.T.Errorf("%d refusals are remembered: %v", n, err)
		}
		return nil
	})
}

// Edge case 15: after a restore nothing may be done that might not have been done
// before the loss, the ledger replays, and it holds every checkpoint that was given
// out, of the time between, too.
func TestEdgeCase15_WhatHappenedSinceIsReplayed(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		p := live(w)
		source, latest := w.export()
		p.before = append(p.before, w.checkpoint())
		p.putBack()
		if p.pending == 0 {
			t.Error("nothing waited: the test proves less")
		}
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			if err := backup.Check(ctx, tx); !errors.Is(err, backup.ErrNotReplayed) {
				t.Errorf("it may be used: %v", err)
			}
			return nil
		})
		report, err := w.replay(t.Context(), source, latest)
		ok(t, err)
		p.came()
		w.holds(p.before...)
		if report.Erased != 3 || report.Lost[family.KindRegistered] != 1 || report.Lost[consent.KindGranted] == 0 || report.Demands < 2 {
			t.Errorf("%+v", report)
		}
		w.Do(func(ctx context.Context, tx *db.Tx) error { return backup.Check(ctx, tx) })
		w.Pass(4 * 24 * time.Hour)
		// Who was frozen because nobody knows is released by the officer, and by nobody
		// of whom it is demanded to erase the child.
		w.locked(p.younger, func(ctx context.Context, tx *db.Tx, c family.Child) error {
			_, err := rights.Release(ctx, tx, w.Officer, c)
			return err
		})
		err = w.Try(func(ctx context.Context, tx *db.Tx) error {
			c, err := family.Lock(ctx, tx, service, p.asks.ID)
			if err == nil {
				_, err = rights.Release(ctx, tx, w.Officer, c)
			}
			return err
		})
		if !errors.Is(err, rights.ErrDemanded) {
			t.Errorf("it is released: %v", err)
		}
		// It goes on as ever: what waits is erased, and can be audited.
		_, err = retention.Sweep(t.Context(), w.Store, w.Vault)
		ok(t, err)
		w.holds(p.before...)
	})
}

// agreed registers a child whose guardian, with this phone, agrees to everything.
func (w *world) agreed(phone string) (c family.Child) {
	w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		c, _, _, err = w.Vault.Gate.Register(ctx, tx, w.App, family.Enrolment{Service: service, Ref: pii.New(id.Secret(16)),
			Guardian: family.Person{Phone: pii.New(phone), Relation: family.Parent}})
		return err
	})
	w.Answer(c, consent.ForceGranted)
	return c
}

// Article 20: who demanded an erasure that the loss of the store came before is told when
// the restore has made it, and has a certificate of it that names the demand. Who was told
// before the loss isn't told again.
func TestArticle20_AnErasureThatWasDueIsCertifiedByARestore(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		const site = "https://wardkeep.example.com"
		outbox := notify.NewOutbox(10)
		w.told = &message.Farewell{Desk: w.Desk, Messages: notify.Router{notify.SMS: outbox}, PublicURL: site, Log: slog.New(slog.DiscardHandler)}
		due, later, gone := w.agreed("13800000001"), w.agreed("13800000002"), w.agreed("13800000003")
		before := w.demand(later, w.App, rights.Demand{Kind: rights.Close, Door: rights.ByChild})
		ok(t, w.log.Flush(t.Context()))
		putBack := w.backUp()
		numbers := map[string]string{}
		for _, c := range []family.Child{due, later} { // of the second, one takes on what the child has demanded
			g := w.Guardian(c)
			numbers[string(c.ID)] = w.demand(c, g, rights.Demand{Kind: rights.Delete, Door: rights.ByGuardian, Guardian: g.ID}).Number
		}
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := w.Vault.Erase(ctx, tx, w.App.Ledger(), service, gone.ID, family.UseEnded)
			return err
		})
		source, latest := w.export()
		putBack()
		report, err := w.replay(t.Context(), source, latest)
		ok(t, err)
		w.told.Wait()
		if report.Erased != 3 || numbers[string(later.ID)] != before.Number {
			t.Errorf("%+v", report)
		}
		ok(t, w.log.Flush(t.Context()))
		office := receipt.Office{Charters: w.Desk.Charters, Key: w.key, PublicURL: site}
		told := make(map[string]bool)
		for _, m := range outbox.Messages() {
			_, secret, _ := strings.Cut(m.Text.Reveal(), "/certificate/")
			secret, _, _ = strings.Cut(secret, "?")
			secret, _, _ = strings.Cut(secret, " ")
			var c receipt.Certificate
			ok(t, w.Store.View(t.Context(), func(tx *db.Tx) (err error) {
				c, err = office.Certificate(t.Context(), tx, w.Ring, secret)
				return err
			}))
			file, err := c.JSON()
			ok(t, err)
			checked, err := receipt.VerifyCertificate(file, receipt.Against{Key: w.key})
			if err != nil || !checked.OK() {
				t.Errorf("%+v, %v", checked.Findings, err)
			}
			told[c.Number] = c.Door == "guardian"
			ok(t, w.Store.View(t.Context(), func(tx *db.Tx) error {
				left, err := receipt.DemandsOfNumber(t.Context(), tx, w.Ring, service, c.Number, 10)
				if len(left) != 1 || left[0].Secret != secret || left[0].Door != rights.ByGuardian || left[0].ReceivedAt.IsZero() {
					t.Errorf("who demanded it finds %+v", left)
				}
				return err
			}))
		}
		if len(outbox.Messages()) != 2 || !told[numbers[string(due.ID)]] || !told[before.Number] {
			t.Errorf("%d messages, %v", len(outbox.Messages()), told)
		}
		w.holds()
	})
}

// Edge case 26: a no to what nobody had agreed to stands after a restore, and nobody is
// asked again; about what nobody was asked, one may be. A no to a charter that is lost with
// it is counted.
func TestEdgeCase26_ANoToWhatNobodyAgreedToOutlivesARestore(t *testing.T) {
	for name, publish := range map[string]bool{"to a charter that is known": false, "to a charter that is lost": true} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, w *world) {
				var c family.Child
				asks := func(by consent.Asker, purpose string, force consent.Outcome) error {
					return w.Try(func(ctx context.Context, tx *db.Tx) error {
						r, _, _, err := w.Desk.Ask(ctx, tx, by, c, consent.Asking{Purposes: []string{purpose}, Channel: consent.Link, Locale: "zh-CN"})
						if err == nil && force != "" {
							_, _, err = w.Desk.Force(ctx, tx, w.App, r, force)
						}
						return err
					})
				}
				c, _ = w.Enrol()
				ok(t, asks(w.App, "course-progress", consent.ForceGranted))
				ok(t, w.log.Flush(t.Context()))
				putBack := w.backUp()
				if publish {
					second, err := charter.Load(os.DirFS("../../examples/xiaoxi-english-v2"))
					ok(t, err)
					w.Publish(second)
				}
				ok(t, asks(w.App, "class-ranking", consent.ForceRefused))
				source, latest := w.export()
				putBack()
				report, err := w.replay(t.Context(), source, latest)
				ok(t, err)
				if publish {
					w.Publish(w.Charter)
				}
				if lost := report.Lost[consent.KindRefused]; lost == 1 != publish || report.No == 1 == publish || report.Frozen != 0 {
					t.Errorf("%+v", report)
				}
				if err := asks(w.App, "class-ranking", ""); errors.Is(err, consent.ErrRefused) == publish {
					t.Errorf("it is asked again: %v", err)
				}
				ok(t, asks(w.App, "speaking-practice", ""))
				w.holds()
			})
		})
	}
}

// Article 12: what a restore says once more for a guardian is no use of the account: it
// counts on the day on which the guardian did it.
func TestArticle12_ANoThatARestoreKeepsIsNoUse(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		asks := func(c family.Child, purpose string, force consent.Outcome) {
			t.Helper()
			w.Do(func(ctx context.Context, tx *db.Tx) error {
				r, _, _, err := w.Desk.Ask(ctx, tx, w.App, c, consent.Asking{Purposes: []string{purpose}, Channel: consent.Link, Locale: "zh-CN"})
				if err == nil {
					_, _, err = w.Desk.Force(ctx, tx, w.App, r, force)
				}
				return err
			})
		}
		refuses, _ := w.Enrol()
		asks(refuses, "course-progress", consent.ForceGranted)
		withdraws, keeps := w.Child(), w.Child()
		demand := w.demand(keeps, w.App, rights.Demand{Kind: rights.Delete, Door: rights.ByChild})
		registered := access.DayOf(w.Store.Now())
		ok(t, w.log.Flush(t.Context()))
		_, err := tally.Count(t.Context(), w.Store) // up to here, and the gap later
		ok(t, err)
		putBack := w.backUp()
		w.Pass(3 * 24 * time.Hour)
		asks(refuses, "class-ranking", consent.ForceRefused) // by its app: nobody has used anything
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			var all []family.Guardian
			err := tx.Together(ctx, family.ReadGuardians(&all, withdraws.ID))
			if err == nil {
				_, err = w.Desk.Withdraw(ctx, tx, all[0], withdraws, "class-ranking")
			}
			return err
		})
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := w.rights().Keep(ctx, tx, w.guardian(ctx, tx, keeps), demand)
			return err
		})
		withdrawn := access.DayOf(w.Store.Now())
		source, latest := w.export()
		putBack()
		w.Pass(10 * 24 * time.Hour)
		report, err := w.replay(t.Context(), source, latest)
		ok(t, err)
		if report.No != 2 || report.Demands != 1 {
			t.Errorf("%+v", report)
		}
		ok(t, w.log.Flush(t.Context()))
		_, err = access.Count(t.Context(), w.Store)
		ok(t, err)
		_, err = tally.Count(t.Context(), w.Store)
		ok(t, err)
		for c, want := range map[family.ID]int64{refuses.ID: registered, withdraws.ID: withdrawn, keeps.ID: withdrawn} {
			w.Do(func(ctx context.Context, tx *db.Tx) error {
				a, err := access.ActivityOf(ctx, tx, c)
				if a.Last != want {
					t.Errorf("it was used last on day %d, want %d", a.Last, want)
				}
				return err
			})
		}
		w.holds()
	})
}

// Articles 16, 19 and 20: what processors were ordered about one item since the backup they
// are ordered once more, since the orders are lost; and once only, however often the
// replay is interrupted.
func TestArticle16_OrdersAboutOneItemAreIssuedAgainByARestore(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ch := *w.Charter
		ch.Processors = slices.Clone(ch.Processors)
		ch.Processors[0].Items = append(slices.Clone(ch.Processors[0].Items), "nickname")
		ch.Purposes = slices.Clone(ch.Purposes)
		for i, p := range ch.Purposes {
			if p.Name == "course-progress" {
				ch.Purposes[i].Processors = []string{ch.Processors[0].Name}
				ch.Purposes[i].Activities = append(slices.Clone(p.Activities), charter.Entrust)
			}
		}
		w.Publish(&ch)
		c := w.Child()
		g := w.Guardian(c)
		for item, v := range map[string]string{"nickname": "小安", "weekly_score": "77"} {
			w.Put(c, "course-progress", item, v)
		}
		early := w.demand(c, g, rights.Demand{Kind: rights.Correct, Door: rights.ByGuardian, Guardian: g.ID, Item: "nickname"})
		ok(t, w.log.Flush(t.Context()))
		said := func() (all []string) {
			w.Do(func(ctx context.Context, tx *db.Tx) error {
				orders, err := order.Of(ctx, tx, c.ID)
				for _, o := range orders {
					all = append(all, string(o.What)+" "+strings.Join(o.Items, ","))
				}
				return err
			})
			slices.Sort(all)
			return all
		}
		if len(said()) != 0 {
			t.Fatal("there are orders to begin with")
		}
		putBack := w.backUp()
		w.Pass(time.Minute)
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := w.rights().Finish(ctx, tx, w.App, early, pii.Text{})
			return err
		})
		w.demand(c, g, rights.Demand{Kind: rights.DeleteItem, Door: rights.ByGuardian, Guardian: g.ID, Item: "nickname"})
		want := said()
		if len(want) != 2 {
			t.Fatalf("ordered: %v", want)
		}
		source, latest := w.export()
		putBack()
		ctx, cancel := context.WithCancel(t.Context())
		steps := 0
		w.step = func() { // die when the child is done, and the store isn't open yet
			if steps++; steps == 5 {
				cancel()
			}
		}
		if _, err := w.replay(ctx, source, latest); err == nil {
			t.Error("it wasn't interrupted")
		}
		w.step = nil
		if got := said(); !slices.Equal(got, want) {
			t.Errorf("before it was interrupted: %v, want %v", got, want)
		}
		w.sequencer()
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := tx.Exec(ctx, `DELETE FROM lease WHERE name = $1`, "ledger")
			return err
		})
		_, err := w.replay(t.Context(), source, latest)
		ok(t, err)
		if got := said(); !slices.Equal(got, want) {
			t.Errorf("ordered again: %v, want %v", got, want)
		}
		w.holds()
	})
}

// Article 20: what may not have been told, since the messages of the last day were lost with
// the store, is named by kind and number; what is older was told or given up.
func TestEdgeCase15_WhatMayNotHaveBeenToldIsCounted(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c, gone, early := w.Child(), w.Child(), w.Child()
		w.withdraw(early, "class-ranking") // longer ago
		w.Pass(30 * time.Hour)
		w.withdraw(c, "class-ranking") // before the backup, and on its way when the store is lost
		ok(t, w.log.Flush(t.Context()))
		// Article 21: who indexes whom something has reached, and who opens cases by alarms, go on
		// where the copy was: what they would skip nobody was told of.
		behind := map[string]int64{reach.Indexed: 2, incident.Watched: 3}
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			for name, place := range behind {
				if err := ledger.Advance(ctx, tx, name, 0, place); err != nil {
					return err
				}
			}
			return nil
		})
		putBack := w.backUp()
		w.withdraw(c, "speaking-practice")
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := w.Vault.Erase(ctx, tx, w.App.Ledger(), service, gone.ID, family.Requested)
			return err
		})
		source, latest := w.export()
		putBack()
		report, err := w.replay(t.Context(), source, latest)
		ok(t, err)
		if want := map[string]int64{consent.KindWithdrawn: 2, family.KindErased: 1, order.KindIssued: 2}; !maps.Equal(report.Untold, want) {
			t.Errorf("%v, want %v", report.Untold, want)
		}
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			for name, place := range behind {
				if got, err := ledger.Cursor(ctx, tx, name); err != nil || got != place {
					t.Errorf("%s goes on at %d, and was at %d: %v", name, got, place, err)
				}
			}
			return nil
		})
		w.holds()
	})
}

// A gap that is read in parts gives what it gives as a whole.
func TestEdgeCase15_AGapInPartsIsReplayedAsAWhole(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		p := live(w)
		source, latest := w.export()
		p.before = append(p.before, w.checkpoint())
		p.putBack()
		w.most = 2
		report, err := w.replay(t.Context(), source, latest)
		ok(t, err)
		p.came()
		w.holds(p.before...)
		if report.Erased != 3 || report.Lost[consent.KindGranted] == 0 {
			t.Errorf("%+v", report)
		}
	})
}

// What closes a whole service closes it after a restore: offices, and a charter that
// nobody has any more.
func TestEdgeCase15_AServiceThatChangedIsClosed(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c := w.Child()
		w.Put(c, "course-progress", "nickname", "小安")
		ok(t, w.log.Flush(t.Context()))
		putBack := w.backUp()
		second, err := charter.Load(os.DirFS("../../examples/xiaoxi-english-v2"))
		ok(t, err)
		w.Publish(second)
		source, latest := w.export()
		putBack()
		report, err := w.replay(t.Context(), source, latest)
		ok(t, err)
		if len(report.Services) != 1 {
			t.Errorf("%+v", report)
		}
		w.denied(c, "course-progress", "nickname", "gate.no_charter")
		w.holds()
		// What is published next opens it again, though it is what was published before.
		w.Publish(w.Charter)
		if _, err := w.Read(c, "course-progress", "nickname"); err != nil {
			t.Error(err)
		}
		w.holds()
	})
}

// On what a processor stands the store that was put back doesn't know any more: it gets
// nothing until somebody in office has seen to it (Article 16).
func TestEdgeCase15_APartyThatChangedIsSuspended(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		of := vaulttest.ProcessorID()
		w.Engage(w.Store.Now().Add(time.Hour))
		ok(t, w.log.Flush(t.Context()))
		putBack := w.backUp()
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := party.End(ctx, tx, w.Officer, of, time.Time{})
			return err
		})
		source, latest := w.export()
		putBack()
		_, err := w.replay(t.Context(), source, latest)
		ok(t, err)
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			p, err := party.Find(ctx, tx, of)
			if p.Halted != party.Restored || p.State(tx.Now()) != party.Suspended {
				t.Errorf("%+v", p.Standing)
			}
			return err
		})
		w.holds()
	})
}

// A key that was revoked is none in the store that was put back, and may not even tell us
// something: somebody else may have it (Article 16).
func TestEdgeCase15_AKeyOfAPartyThatWasRevokedIsNone(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		of := vaulttest.ProcessorID()
		w.Engage(w.Store.Now().Add(time.Hour))
		key, _ := w.Bind(of)
		other, _ := w.Bind(of)
		ok(t, w.log.Flush(t.Context()))
		putBack := w.backUp()
		late, _ := w.Bind(of)
		w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
			for _, k := range []party.Key{key, late} {
				if _, _, err = party.Revoke(ctx, tx, w.Officer, of, k.ID); err != nil {
					return err
				}
			}
			return nil
		})
		source, latest := w.export()
		putBack()
		_, err := w.replay(t.Context(), source, latest)
		ok(t, err)
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			is, err := party.ClientOf(ctx, tx, key.ID)
			if err != nil || !errors.Is(is.Deaf(tx.Now()), party.ErrKeyRevoked) {
				t.Errorf("the key that was revoked: %+v, %v", is.Key, err)
			}
			if is, err = party.ClientOf(ctx, tx, other.ID); err != nil || is.Deaf(tx.Now()) != nil {
				t.Errorf("another key: %+v, %v", is.Key, err)
			}
			if _, err := party.ClientOf(ctx, tx, late.ID); !errors.Is(err, party.ErrKeyNotFound) {
				t.Errorf("one that was bound in the gap: %v", err)
			}
			return nil
		})
		w.holds()
	})
}

// A seat that was taken is taken in the store that was put back, and its person gone: it may be
// who isn't the party's any more (Article 16).
func TestEdgeCase15_ASeatOfAPartyThatWasTakenIsNone(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		of := vaulttest.ProcessorID()
		w.Engage(w.Store.Now().Add(time.Hour))
		var office staff.Grant
		w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
			office, err = staff.OfOffice(ctx, tx, service, w.Officer.ID)
			return err
		})
		boss := signintest.Hire(t, w.Store, signin.Door{Ring: w.Ring}, "林静", office)
		door := signin.Door{Ring: w.Ring, Parties: true}
		sits := func() staff.Person {
			in := &signintest.Insider{T: t, Store: w.Store, Door: door}
			var link string
			w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
				link, _, err = door.Seat(ctx, tx, boss.Session.Person, of, "周舟")
				return err
			})
			in.SetUp(link)
			return in.Session.Person
		}
		gone, stays := sits(), sits()
		ok(t, w.log.Flush(t.Context()))
		putBack := w.backUp()
		late := sits()
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			return signin.Unseat(ctx, tx, boss.Session.Person, of, gone.Seat)
		})
		source, latest := w.export()
		putBack()
		_, err := w.replay(t.Context(), source, latest)
		ok(t, err)
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			for p, want := range map[*staff.Person]error{&gone: party.ErrKeyRevoked, &stays: nil} {
				is, err := party.ClientAt(ctx, tx, p.Seat)
				if err != nil || !errors.Is(is.Deaf(tx.Now()), want) {
					t.Errorf("%+v, %v, want %v", is.Key, is.Deaf(tx.Now()), want)
				}
				who, err := staff.Find(ctx, tx, p.ID)
				if err != nil || (who.State == staff.Left) != (want != nil) {
					t.Errorf("%s, %v", who.State, err)
				}
			}
			if _, err := party.FindSeat(ctx, tx, late.Seat); !errors.Is(err, party.ErrSeatNotFound) {
				t.Errorf("one that was given in the gap: %v", err)
			}
			return nil
		})
		w.holds()
	})
}

// A vacancy that began after the backup is one after the restore (Article 8).
func TestEdgeCase15_AnOfficeThatEndedIsVacant(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c := w.Child()
		w.Put(c, "course-progress", "nickname", "小安")
		ok(t, w.log.Flush(t.Context()))
		putBack := w.backUp()
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := catalog.EndOffice(ctx, tx, terminal, service, w.Officer.ID)
			return err
		})
		source, latest := w.export()
		putBack()
		_, err := w.replay(t.Context(), source, latest)
		ok(t, err)
		w.denied(c, "course-progress", "nickname", "gate.no_officer")
		w.holds()
	})
}

// What was announced to end after the backup ends, and nothing is used meanwhile
// (Article 23).
func TestEdgeCase15_AnAnnouncedEndStands(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c := w.Child()
		w.Put(c, "course-progress", "nickname", "小安")
		ok(t, w.log.Flush(t.Context()))
		putBack := w.backUp()
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := catalog.Cease(ctx, tx, w.Officer, service, "", catalog.ClosingDown, tx.Now().Add(8*24*time.Hour))
			return err
		})
		source, latest := w.export()
		putBack()
		_, err := w.replay(t.Context(), source, latest)
		ok(t, err)
		w.denied(c, "course-progress", "nickname", "gate.")
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			is, err := catalog.FindCessation(ctx, tx, service, "")
			if err == nil && is.Reason != catalog.ClosingDown {
				t.Errorf("%+v", is)
			}
			return err
		})
		w.holds()
	})
}

// Article 23: a purpose that a lost charter had brought, and whose end was announced, has
// ended when that charter is published again.
func TestArticle23_TheEndOfAPurposeOfALostCharterStands(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		const stickers = "stickers"
		c := w.Child()
		ok(t, w.log.Flush(t.Context()))
		putBack := w.backUp()
		ch := *w.Charter
		i := slices.IndexFunc(ch.Purposes, func(p charter.Purpose) bool { return p.Name == "class-ranking" })
		more := ch.Purposes[i]
		more.Name = stickers
		ch.Purposes = append(slices.Clone(ch.Purposes), more)
		w.Publish(&ch)
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := catalog.Cease(ctx, tx, w.Officer, service, stickers, catalog.Discontinued, tx.Now().Add(8*24*time.Hour))
			return err
		})
		source, latest := w.export()
		putBack()
		_, err := w.replay(t.Context(), source, latest)
		ok(t, err)
		w.Publish(&ch)
		w.denied(c, stickers, "nickname", "gate.purpose_ceasing")
		err = w.Try(func(ctx context.Context, tx *db.Tx) error {
			_, _, _, err := w.Desk.Ask(ctx, tx, w.App, c, consent.Asking{Purposes: []string{stickers}, Channel: consent.Link, Locale: "zh-CN"})
			return err
		})
		if !errors.Is(err, consent.ErrCeasing) {
			t.Errorf("it is asked about: %v", err)
		}
		w.holds()
	})
}

// Edge case 18: who was to take over takes over still, after guardians have answered anew;
// that a child was handed over is known, also of one that is erased then.
func TestEdgeCase15_ATakeoverStands(t *testing.T) {
	for name, lost := range map[string]bool{"the charter is known": false, "the charter is lost": true} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, w *world) {
				if !lost {
					w.Publish(vaulttest.Takeover(w.Charter))
				}
				c := w.Child()
				w.Put(c, "course-progress", "nickname", "小安")
				ok(t, w.log.Flush(t.Context()))
				putBack := w.backUp()
				if lost {
					w.Publish(vaulttest.Takeover(w.Charter))
				}
				w.Pass(time.Minute)
				ends := w.CeaseTo(8 * 24 * time.Hour).EndsAt
				w.Do(func(ctx context.Context, tx *db.Tx) error {
					r, _, _, err := w.Desk.Ask(ctx, tx, w.App, c, consent.Asking{Purposes: []string{vaulttest.Handover}, Channel: consent.Link, Locale: "en"})
					if err == nil {
						_, _, err = w.Desk.ForceAt(ctx, tx, w.App, r, consent.ForceGranted, family.NameAndNumber)
					}
					return err
				})
				hand := func() error {
					return w.Try(func(ctx context.Context, tx *db.Tx) error {
						_, err := w.Vault.Transfer(ctx, tx, w.By(), gate.Use{Service: service, Child: c.ID, Activity: charter.Transfer,
							Purpose: vaulttest.Handover, Items: []string{"nickname"}, Party: vaulttest.Successor})
						return err
					})
				}
				ok(t, hand())
				source, latest := w.export()
				putBack()
				_, err := w.replay(t.Context(), source, latest)
				ok(t, err)
				if err := hand(); err == nil {
					t.Error("handed over on a yes that is lost")
				}
				w.Do(func(ctx context.Context, tx *db.Tx) error {
					is, err := catalog.FindCessation(ctx, tx, service, "")
					if err == nil && ((is.Takeover.Recipient == vaulttest.Successor) == lost || is.EndsAt.Before(ends)) {
						t.Errorf("%+v", is)
					}
					return err
				})
				if is, err := w.find(c); err != nil || is.HandedAt.IsZero() {
					t.Errorf("that it was handed over is forgotten: %+v, %v", is, err)
				}
				w.holds()
			})
		})
	}
}

// Edge case 14: what was kept for a law's sake is not in use again after a restore, by an
// approval that is known or not, and nothing is kept by one that was taken back.
func TestEdgeCase14_AfterARestoreNoMoreIsKeptThanBefore(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		kept, unknown, gone := w.Child(), w.Child(), w.Child()
		for _, c := range []family.Child{kept, unknown, gone} {
			w.Put(c, "course-progress", "nickname", "小安")
		}
		approve := func(c family.Child) (a legal.Approval) {
			w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
				a, _, err = legal.Approve(ctx, tx, w.Officer, legal.Approval{Service: service, Child: c.ID, Items: []string{"nickname"}, Basis: legal.Other,
					Paper: legal.Paper{Number: "〔2026〕12号", Document: strings.Repeat("aa", 32)}, Until: tx.Now().Add(365 * 24 * time.Hour)}, func(string) bool { return true })
				return err
			})
			return a
		}
		approve(kept)
		ended := approve(gone)
		ok(t, w.log.Flush(t.Context()))
		putBack := w.backUp()
		approve(unknown)
		for _, c := range []family.Child{kept, unknown} {
			g := w.Guardian(c)
			w.demand(c, g, rights.Demand{Kind: rights.DeleteItem, Door: rights.ByGuardian, Guardian: g.ID, Item: "nickname"})
			w.Put(c, "course-progress", "nickname", "小定")
		}
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			if _, err := legal.End(ctx, tx, w.Officer, service, ended.ID); err != nil {
				return err
			}
			_, err := w.Vault.Erase(ctx, tx, w.App.Ledger(), service, gone.ID, family.Requested)
			return err
		})
		source, latest := w.export()
		putBack()
		_, err := w.replay(t.Context(), source, latest)
		ok(t, err)
		w.lacks(kept, "course-progress", "nickname")
		w.lacks(unknown, "course-progress", "nickname")
		if _, err := w.find(gone); !errors.Is(err, family.ErrErased) {
			t.Errorf("who was erased is back: %v", err)
		}
		for c, want := range map[family.ID]int64{kept.ID: 1, unknown.ID: 0, gone.ID: 0} {
			w.Do(func(ctx context.Context, tx *db.Tx) error {
				n, err := db.One(ctx, tx, db.Single[int64], `SELECT count(*) FROM kept_value WHERE child = $1`, c)
				if n != want {
					t.Errorf("%d values are kept, want %d", n, want)
				}
				return err
			})
		}
		w.holds()
	})
}

// What was on its way to guardians is lost with the jobs: of an end that had been
// announced before the backup they are told once more, before anything is erased for it
// (Article 23).
func TestEdgeCase15_OfAnEndThatWasAnnouncedGuardiansAreToldOnceMore(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.Child()
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			c, _, err := catalog.Cease(ctx, tx, w.Officer, service, "", catalog.ClosingDown, tx.Now().Add(8*24*time.Hour))
			if err == nil {
				err = c.TellUpto(ctx, tx, "ch_z", 1, true)
			}
			if err == nil {
				err = c.TellPlaced(ctx, tx, 1)
			}
			return err
		})
		ok(t, w.log.Flush(t.Context()))
		putBack := w.backUp()
		source, latest := w.export()
		putBack()
		_, err := w.replay(t.Context(), source, latest)
		ok(t, err)
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			c, err := catalog.FindCessation(ctx, tx, service, "")
			if !c.ToldAt.IsZero() || c.ToldPlace >= 0 || c.Told != 0 || c.ToldUpto != "" {
				t.Errorf("all are told already: %+v", c)
			}
			return err
		})
		w.holds()
	})
}

// Article 12: who was erased in the gap since nobody used the account is erased again; who was used is
// kept, though its guardians were told before; and whoever was told in the gap is told once more,
// and has the lead again.
func TestEdgeCase15_AnUnusedAccountIsToldOfOnceMore(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		day := 24 * time.Hour
		sweep := func(told, erased int) {
			t.Helper()
			ok(t, w.log.Flush(t.Context()))
			done, err := retention.Sweep(t.Context(), w.Store, w.Vault)
			if err != nil || done.Idle != told || done.Inactive != erased {
				t.Fatalf("%+v, %v; want %d told and %d erased", done, err, told, erased)
			}
			ok(t, w.log.Flush(t.Context()))
		}
		ends := func() time.Time {
			return access.Begin(access.IdleFrom(w.Charter.Inactive, access.DayOf(w.Store.Now())))
		}
		until := func(at time.Time) { w.Pass(at.Sub(w.Store.Now())) }
		gone, used := w.Child(), w.Child()
		w.Put(used, "account", "guardian_phone", "13800138000")
		first := ends()
		w.Pass(5 * day)
		told := w.Child()
		ok(t, w.log.Flush(t.Context()))
		_, err := access.Count(t.Context(), w.Store)
		ok(t, err)
		until(first.Add(-31*day + time.Hour))
		sweep(2, 0)
		putBack := w.backUp()
		until(first.Add(-time.Hour))
		_, err = w.Read(used, "account", "guardian_phone")
		ok(t, err)
		sweep(1, 0)
		w.Pass(2 * time.Hour)
		sweep(0, 1)
		source, latest := w.export()
		putBack()
		w.Pass(2 * day)
		_, err = w.replay(t.Context(), source, latest)
		ok(t, err)
		if _, err := w.find(gone); !errors.Is(err, family.ErrErased) {
			t.Errorf("erased in the gap: %v", err)
		}
		sweep(1, 0)
		if _, err := w.find(used); err != nil {
			t.Errorf("used in the gap: %v", err)
		}
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			a, err := access.ActivityOf(ctx, tx, told.ID)
			if access.Begin(a.EraseOn).Sub(tx.Now()) < charter.InactiveLead*day {
				t.Errorf("told in the gap: %v before %v", tx.Now(), access.Begin(a.EraseOn))
			}
			return err
		})
		w.holds()
		_, err = access.Count(t.Context(), w.Store)
		ok(t, err)
		w.holds()
	})
}

// A replay that is interrupted before any of its transactions leaves a store that
// serves nothing, and goes on when it is run again, as if nothing had been.
func TestEdgeCase15_InterruptedAnywhereItFinishes(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		p := live(w)
		source, latest := w.export()
		p.before = append(p.before, w.checkpoint())
		p.putBack()
		steps := 0
		for at := 1; ; at++ {
			ctx, cancel := context.WithCancel(t.Context())
			n := 0
			w.step = func() {
				if n++; n == at {
					cancel()
				}
			}
			_, err := w.replay(ctx, source, latest)
			cancel()
			if err == nil {
				break
			}
			steps++
			if steps > 200 || !errors.Is(err, context.Canceled) {
				t.Fatal(steps, err)
			}
			w.sequencer() // another process
			w.Do(func(ctx context.Context, tx *db.Tx) error {
				_, err := tx.Exec(ctx, `DELETE FROM lease WHERE name = $1`, "ledger")
				return err
			})
			w.Do(func(ctx context.Context, tx *db.Tx) error {
				if err := backup.Check(ctx, tx); !errors.Is(err, backup.ErrNotReplayed) {
					t.Errorf("after step %d it may be used: %v", at, err)
				}
				return nil
			})
		}
		if steps < 15 {
			t.Errorf("only %d steps", steps)
		}
		w.step = nil
		p.came()
		w.holds(p.before...)
	})
}

// A gap without children, and no gap at all.
func TestEdgeCase15_NothingHappenedSince(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c := w.Child()
		w.Put(c, "course-progress", "nickname", "小安")
		putBack := w.backUp()
		source, latest := w.export()
		putBack()
		report, err := w.replay(t.Context(), source, latest)
		ok(t, err)
		if report.Entries != 0 || report.Children != 0 {
			t.Errorf("%+v", report)
		}
		if _, err := w.Read(c, "course-progress", "nickname"); err != nil {
			t.Error(err)
		}
		w.holds()
	})
}

// Edge cases 4 and 15: what a guardian took back before the 18th birthday was over is gone
// after a restore beyond it, and nothing about that is unclear.
func TestEdgeCase15_AWithdrawalBeforeThe18thBirthday(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		now := w.Store.Now().In(age.Zone)
		birth := age.Birth{Year: now.Year() - 13, Month: int(now.Month()), Day: 1}
		var c family.Child
		w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
			c, _, _, err = w.Vault.Gate.Register(ctx, tx, w.App, family.Enrolment{
				Service: service, Ref: pii.New("grows up"), Birth: birth, BirthSource: family.FromApp,
				Guardian: family.Person{Phone: pii.New("13800000000"), Relation: family.Parent},
			})
			return err
		})
		w.Answer(c, consent.ForceGranted)
		w.Put(c, "course-progress", "nickname", "小安")
		w.Pass(birth.Turns(18).Sub(now) - time.Hour)
		putBack := w.backUp()
		w.withdraw(c, "course-progress")
		source, latest := w.export()
		w.Pass(2 * time.Hour)
		putBack()
		_, err := w.replay(t.Context(), source, latest)
		ok(t, err)
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			is, err := family.Find(ctx, tx, service, c.ID)
			if err != nil || is.Frozen {
				t.Errorf("it is taken for unclear: %v", err)
			}
			held, err := db.One(ctx, tx, db.Single[int64], `SELECT count(*) FROM value WHERE child = $1`, c.ID)
			if held != 0 {
				t.Error("what was erased is back")
			}
			return err
		})
		w.holds()
	})
}

// A store that was put back, used, and lost again is put back to the same backup: the
// second gap holds the first with all that was done about it.
func TestEdgeCase15_PutBackTwice(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		p := live(w)
		source, latest := w.export()
		again := p.putBack
		again()
		_, err := w.replay(t.Context(), source, latest)
		ok(t, err)
		w.withdraw(p.stays, "class-ranking")
		source, latest = w.export()
		again()
		_, err = w.replay(t.Context(), source, latest)
		ok(t, err)
		p.came()
		w.denied(p.stays, "class-ranking", "nickname", "gate.consent_withdrawn")
		w.holds(p.before...)
	})
}

// What a copy of the ledger must be.
func TestEdgeCase15_ACopyThatProvesNothingIsRefused(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c := w.Child()
		ok(t, w.log.Flush(t.Context()))
		older, _ := w.export()
		w.Put(c, "course-progress", "nickname", "小安")
		ok(t, w.log.Flush(t.Context()))
		store := w.checkpoint()
		w.withdraw(c, "course-progress")
		source, _ := w.export()
		latest := w.checkpoint()
		_, other, err := ledger.NewSigner("elsewhere", make([]byte, 32))
		ok(t, err)
		prove := func(s ledger.Source, key string, known ...string) error {
			_, err := ledger.Proves(t.Context(), s, key, store, known...)
			return err
		}
		ok(t, prove(source, w.key, latest))
		for name, got := range map[string]struct{ err, want error }{
			"older than the store":      {prove(older, w.key), ledger.ErrCopyOlder},
			"of another ledger":         {prove(source, other), ledger.ErrDamaged},
			"no copy":                   {prove(ledger.FromDir(t.TempDir()), w.key), ledger.ErrCopyForeign},
			"short of a checkpoint":     {func() error { _, err := ledger.Proves(t.Context(), older, w.key, "", latest); return err }(), ledger.ErrCopyShort},
			"with another's checkpoint": {prove(source, w.key, strings.Replace(latest, "wardkeep.test", "elsewhere", 1)), ledger.ErrCopyForeign},
		} {
			if !errors.Is(got.err, got.want) && !(name == "of another ledger" && errors.Is(got.err, ledger.ErrCopyForeign)) {
				t.Errorf("%s: %v, want %v", name, got.err, got.want)
			}
		}
	})
}
