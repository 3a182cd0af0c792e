package retention_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/catalog"
	"wardkeep/internal/family"
	"wardkeep/internal/family/age"
	"wardkeep/internal/replay"
	"wardkeep/internal/retention"
	"wardkeep/internal/vault/vaulttest"
)

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
