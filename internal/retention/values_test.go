package retention_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"wardkeep/internal/access"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/ledger"
	"wardkeep/internal/replay"
	"wardkeep/internal/retention"
	"wardkeep/internal/vault"
	"wardkeep/internal/vault/vaulttest"
)

// spoil makes a child impossible to change: its row can't be read.
func spoil(ctx context.Context, tx *db.Tx, id family.ID) error {
	_, err := tx.Exec(ctx, `UPDATE child SET endings = 'not an ending' WHERE child = $1`, id)
	return err
}

// More children than one look takes can't be erased, and their values ended first: the
// due ones behind them go in the same sweep, and those that share a transaction with one.
func TestArticle12_WhatFailsHoldsUpNothingBehindIt(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		const fail, behind = 210, 3
		children := make([]family.Child, fail+behind)
		for i := range children {
			children[i], _ = w.Enrol()
		}
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			for i, c := range children {
				if _, err := tx.Exec(ctx, `UPDATE child SET expires_at = $1 WHERE child = $2`, tx.Now().UnixMicro()+int64(i), c.ID); err != nil {
					return err
				}
				if i >= fail {
					continue
				}
				if err := spoil(ctx, tx, c.ID); err != nil {
					return err
				}
			}
			return nil
		})
		w.Pass(time.Minute)
		done, err := retention.Sweep(t.Context(), w.Store, w.Vault)
		if err == nil || done.Unanswered != behind {
			t.Errorf("%d children behind those that fail are erased, want %d; %v", done.Unanswered, behind, err)
		}
	})
}

// One child whose values can't be erased keeps those of nobody else: neither of whoever
// shares its transaction, nor of whoever is behind it.
func TestArticle12_AChildThatFailsLosesNoOthersTheirEnd(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		children := make([]family.Child, 40)
		for i := range children {
			children[i] = w.Child()
			w.Put(children[i], "speaking-practice", "voice", "AAAA") // 90 days
		}
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			return errors.Join(spoil(ctx, tx, children[0].ID), spoil(ctx, tx, children[20].ID))
		})
		w.Pass(90 * day)
		done, err := retention.Sweep(t.Context(), w.Store, w.Vault)
		if err == nil || done.Values != 38 {
			t.Errorf("%d values erased, want 38; %v", done.Values, err)
		}
		if n := count(t, w, `SELECT count(*) FROM value`); n != 2 {
			t.Errorf("%d values are left, want 2", n)
		}
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			last, err := retention.LastSweep(ctx, tx)
			if !last.IsZero() {
				t.Error("a sweep that left something due counts as one that left nothing")
			}
			held, err2 := vault.Purposes(ctx, tx, vaulttest.Service, tx.Now())
			if len(held) != 1 || held[0].Overdue != 2 || held[0].Purpose != "speaking-practice" {
				t.Errorf("what is overdue is not told: %+v", held)
			}
			return errors.Join(err, err2)
		})
	})
}

// Values of several children go together, each child with an entry of its own, and what
// was swept replays.
func TestArticle12_OneEntryPerChildAndSweep(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		const children = 70 // more than share a transaction
		for range children {
			c := w.Child()
			w.Do(func(ctx context.Context, tx *db.Tx) error {
				_, err := w.Vault.Put(ctx, tx, w.By(), vaulttest.Service, c.ID, "course-progress", map[string]pii.Text{
					"nickname": pii.New("小溪"), "grade": pii.New("三年级"), "lesson_progress": pii.New("12")})
				return err
			})
		}
		w.Pass(600 * day)
		done, err := retention.Sweep(t.Context(), w.Store, w.Vault)
		if err != nil || done.Values != 3*children {
			t.Fatalf("swept %+v, %v", done, err)
		}
		erased := 0
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			return ledger.Pending(ctx, tx, func(p ledger.Placed) error {
				if p.Kind == vault.KindErased {
					erased++
				}
				return nil
			})
		})
		if erased != children {
			t.Errorf("%d entries for %d children", erased, children)
		}
		audit(t, w)
	})
}

func audit(t *testing.T, w *vaulttest.World) {
	t.Helper()
	report, err := replay.Audit(t.Context(), w.Store, w.Ring, catalog.NewCache(4), replay.Options{})
	if err != nil || !report.OK() {
		t.Errorf("%v, %v", report.Differences, err)
	}
}

// A sweep proves that it left nothing behind: once a day an entry says of each purpose which value
// ends next, and anybody sees it between sweeps.
func TestArticle12_ASweepProvesThatNothingIsOverdue(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		a, b := w.Child(), w.Child()
		w.Put(a, "speaking-practice", "voice", "AAAA") // 90 days
		w.Pass(day)
		w.Put(b, "speaking-practice", "voice", "AAAA")
		w.Put(b, "parent-reports", "remarks", "认真") // a year
		show := func() (line string) {
			w.Do(func(ctx context.Context, tx *db.Tx) error {
				all, err := retention.Show(ctx, tx, w.Vault.Gate.Charters, vaulttest.Service)
				for _, p := range all {
					if p.Held {
						line += fmt.Sprintf("%s %s overdue %d ends %dd; ", p.Purpose.Purpose, p.Retention.Period, p.Overdue, int(p.Ends.Sub(tx.Now()).Hours()+23)/24)
					}
				}
				return err
			})
			return line
		}
		if got, want := show(), "speaking-practice 90d overdue 0 ends 89d; parent-reports 1y overdue 0 ends 365d; "; got != want && got != strings.Replace(want, "365", "366", 1) {
			t.Errorf("before: %s", got)
		}
		w.Pass(89 * day)
		if got := show(); !strings.HasPrefix(got, "speaking-practice 90d overdue 1 ") {
			t.Errorf("due: %s", got)
		}
		reports := func() (all []vault.SweptBody) {
			if _, err := retention.Sweep(t.Context(), w.Store, w.Vault); err != nil {
				t.Fatal(err)
			}
			w.Do(func(ctx context.Context, tx *db.Tx) error {
				return ledger.Pending(ctx, tx, func(p ledger.Placed) error {
					if p.Kind != vault.KindSwept {
						return nil
					}
					var body vault.SweptBody
					if p.Service != vaulttest.Service || p.Subject != "" {
						t.Errorf("a report on %s, %s", p.Service, p.Subject)
					}
					err := p.Into(&body)
					all = append(all, body)
					return err
				})
			})
			return all
		}
		got := reports()
		if len(got) != 1 || got[0].Erased != 1 || len(got[0].Purposes) != 2 {
			t.Fatalf("reported %+v", got)
		}
		for _, p := range got[0].Purposes {
			if p.Overdue != 0 || p.Ends <= got[0].Until {
				t.Errorf("%+v at %d", p, got[0].Until)
			}
		}
		if again := reports(); len(again) != 1 {
			t.Errorf("%d reports on one day", len(again))
		}
		w.Pass(day)
		if next := reports(); len(next) != 2 {
			t.Errorf("%d reports on two days", len(next))
		}
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			swept, err := vault.LastSwept(ctx, tx, vaulttest.Service)
			if swept.Erased != 2 || access.DayOf(swept.ReportedAt) != access.DayOf(tx.Now()) {
				t.Errorf("%+v", swept)
			}
			return err
		})
		audit(t, w)
	})
}

// A child that somebody is changing is not waited for with others held, and not forgotten.
func TestArticle12_AChildThatIsBeingChangedIsErasedToo(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		if w.Store.Engine() == "sqlite" {
			return // it has one writer: nobody is changing a child while another one writes
		}
		busy, free := w.Child(), w.Child()
		for _, c := range []family.Child{busy, free} {
			w.Put(c, "speaking-practice", "voice", "AAAA")
		}
		w.Pass(90 * day)
		held, let := make(chan bool), make(chan bool)
		ended := make(chan error)
		go func() {
			ended <- w.Store.Update(context.WithoutCancel(t.Context()), func(tx *db.Tx) error {
				_, err := family.Lock(t.Context(), tx, vaulttest.Service, busy.ID)
				held <- true
				<-let
				return err
			})
		}()
		<-held
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			done, err := w.Vault.ExpireTogether(ctx, tx, "system:test", []family.ID{busy.ID, free.ID})
			if len(done) != 1 || done[0].Child != free.ID {
				t.Errorf("together: %+v", done)
			}
			return err
		})
		let <- true
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
		if done, err := retention.Sweep(t.Context(), w.Store, w.Vault); err != nil || done.Values != 1 {
			t.Errorf("swept %+v, %v", done, err)
		}
	})
}

// Two sweeps at once, as when one was rescued that still runs: each finds done what the
// other has done, and neither is alarmed.
func TestArticle12_TwoSweepsAtOnceAreNotAlarmed(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		for range 3 {
			for range 25 {
				c := w.Child()
				w.Put(c, "speaking-practice", "voice", "AAAA")
				g := w.Guardian(c)
				w.Do(func(ctx context.Context, tx *db.Tx) error {
					_, _, _, err := w.Desk.Ask(ctx, tx, w.App, c, consent.Asking{Guardian: g.ID, Purposes: []string{"class-ranking"}, Channel: consent.Link, Locale: "en"})
					return err
				})
				w.Enrol()
			}
			w.Pass(91 * day)
			var failed [2]error
			var both sync.WaitGroup
			for i := range failed {
				both.Go(func() { _, failed[i] = retention.Sweep(t.Context(), w.Store, w.Vault) })
			}
			both.Wait()
			if err := errors.Join(failed[:]...); err != nil {
				t.Fatal(err)
			}
		}
	})
}
