package retention_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
	"wardkeep/internal/family"
	"wardkeep/internal/family/age"
	"wardkeep/internal/replay"
	"wardkeep/internal/retention"
	"wardkeep/internal/vault/vaulttest"
)

// Edge case 4: more children than one look takes fail on a day, and their like on the day
// after: who is behind them is told and asked in the same sweep, of one day and of another.
func TestEdgeCase4_WhoFailsHoldsUpNobodyBehind(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		const fail = 205 // more than one look takes
		birth := age.Birth{Year: 2013, Month: 5, Day: 5}
		if end := time.Date(2027, 1, 1, 0, 0, 0, 0, age.Zone); w.Store.Now().Before(end) {
			w.Pass(end.Sub(w.Store.Now()))
		}
		enrol := func(b age.Birth, n int) (all []family.Child) {
			w.Do(func(ctx context.Context, tx *db.Tx) error {
				for range n {
					c, _, _, err := w.Vault.Gate.Register(ctx, tx, w.App, family.Enrolment{
						Service: vaulttest.Service, Ref: pii.New(id.Secret(16)), Birth: b, BirthSource: family.FromApp,
						Guardian: family.Person{Phone: pii.New("13800000000"), Relation: family.Parent}})
					if err != nil {
						return err
					}
					all = append(all, c)
				}
				return nil
			})
			return all
		}
		same := enrol(birth, fail+3)
		next := enrol(age.Birth{Year: 2013, Month: 5, Day: 6}, 1)
		// The order is that of their IDs.
		slices.SortFunc(same, func(a, b family.Child) int { return strings.Compare(string(a.ID), string(b.ID)) })
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			for _, c := range same[:fail] {
				if err := spoil(ctx, tx, c.ID); err != nil {
					return err
				}
			}
			_, err := tx.Exec(ctx, `UPDATE child SET state = 'active', expires_at = NULL WHERE state = 'unconsented'`)
			return err
		})
		w.Pass(age.Birth{Year: 2013, Month: 5, Day: 6}.Turns(14).Sub(w.Store.Now()))
		done, err := retention.Sweep(t.Context(), w.Store, w.Vault)
		if err == nil || done.Aged != 4 {
			t.Errorf("of %d behind those that fail %d were told; %v", 3+len(next), done.Aged, err)
		}
		if n := count(t, w, `SELECT count(*) FROM child WHERE aged = 2`); n != 4 {
			t.Errorf("%d have turned 14, want 4", n)
		}
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			last, err := retention.LastSweep(ctx, tx)
			if !last.IsZero() {
				t.Error("a sweep that left somebody counts as one that left nothing")
			}
			return err
		})
	})
}

// Edge case 4: who turned 14 while the server stood still, for however long, is found when
// it is back; and who can't be told is not lost from sight: the sweep fails until it can.
func TestEdgeCase4_NobodyWhoTurnedIsLostFromSight(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		c, broken := w.Child(), w.Child()
		w.Do(func(ctx context.Context, tx *db.Tx) error { return spoil(ctx, tx, broken.ID) })
		if _, err := retention.Sweep(t.Context(), w.Store, w.Vault); err != nil {
			t.Fatal(err)
		}
		var birth age.Birth
		w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
			birth, err = c.Birth(w.Ring)
			return err
		})
		w.Pass(birth.Turns(14).AddDate(0, 0, 100).Sub(w.Store.Now()))
		done, err := retention.Sweep(t.Context(), w.Store, w.Vault)
		if err == nil || done.Aged != 1 {
			t.Errorf("100 days later: %d, %v", done.Aged, err)
		}
		w.Pass(400 * day)
		if done, err := retention.Sweep(t.Context(), w.Store, w.Vault); err == nil || done.Aged != 0 {
			t.Errorf("a sweep that leaves somebody counts as one that left nothing: %d, %v", done.Aged, err)
		}
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := tx.Exec(ctx, `UPDATE child SET endings = '' WHERE child = $1`, broken.ID)
			return err
		})
		if done, err := retention.Sweep(t.Context(), w.Store, w.Vault); err != nil || done.Aged != 1 {
			t.Errorf("once it can be read: %d, %v", done.Aged, err)
		}
	})
}

// Edge case 4: that a child turns 14 is told a month before and when it has, each
// once; from then on nothing is used, and the guardian still sees what is held. It is
// found by the day, also by a server that stood still on it.
func TestEdgeCase4_TurningFourteenIsToldOnceAndEndsTheUse(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		c := w.Child()
		var birth age.Birth
		w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
			birth, err = c.Birth(w.Ring)
			return err
		})
		until := func(at time.Time) { w.Pass(at.Sub(w.Store.Now())) }
		aged := func(what string, want int) {
			t.Helper()
			done, err := retention.Sweep(t.Context(), w.Store, w.Vault)
			if err != nil || done.Aged != want {
				t.Errorf("%s: %d, want %d, %v", what, done.Aged, want, err)
			}
		}
		turns := birth.Turns(14)
		until(turns.Add(-family.TurningLead - time.Hour))
		aged("an hour before the lead", 0)
		w.Put(c, "course-progress", "nickname", "小溪")
		until(turns.Add(-family.TurningLead + time.Hour))
		aged("in the lead", 1)
		aged("again", 0)
		if _, err := w.Read(c, "course-progress", "nickname"); err != nil {
			t.Errorf("a child until the end of the birthday: %v", err)
		}
		until(turns.Add(12 * 24 * time.Hour)) // it stood still
		if _, err := w.Read(c, "course-progress", "nickname"); err == nil || !strings.Contains(err.Error(), "gate.not_a_child") {
			t.Errorf("used after 14: %v", err)
		}
		aged("turned", 1)
		aged("again", 0)
		tie := w.Guardian(c)
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			if _, err := w.Vault.View(ctx, tx, tie, c.Service, "nickname"); err != nil {
				t.Errorf("the guardian's door is closed before 18: %v", err)
			}
			return nil
		})
		report, err := replay.Audit(t.Context(), w.Store, w.Ring, catalog.NewCache(4), replay.Options{})
		if err != nil || !report.OK() {
			t.Errorf("%v, %v", report.Differences, err)
		}
	})
}
