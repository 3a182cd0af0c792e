package restoration_test

import (
	"context"
	"testing"

	"wardkeep/internal/base/db"
	"wardkeep/internal/border"
	"wardkeep/internal/charter"
	"wardkeep/internal/family"
)

// Edge cases 15 and 20: a store that was put back counts no fewer children than had something
// leave the country. Which of them did in the gap it doesn't know: whose does again is counted
// again.
func TestEdgeCase15_ARestoreLosesNobodyWhoCrossedABorder(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		all := make([]family.Child, 3)
		for i := range all { // at home
			all[i], _ = w.Enrol()
		}
		before, stays, lost := all[0], all[1], all[2]
		w.StoreAbroad(charter.StandardContract, w.Store.Now().AddDate(1, 0, 0))
		for _, c := range all {
			w.AnswerProved(c)
		}
		w.Put(before, "course-progress", "weekly_score", "77")
		ok(t, w.log.Flush(t.Context()))
		putBack := w.backUp()
		w.Put(stays, "course-progress", "weekly_score", "78")
		w.Put(lost, "course-progress", "weekly_score", "79")
		w.Enrol() // and is counted by that
		source, latest := w.export()
		putBack()
		_, err := w.replay(t.Context(), source, latest)
		ok(t, err)
		persons := func(want int64) {
			t.Helper()
			w.Do(func(ctx context.Context, tx *db.Tx) error {
				y, err := border.ThisYear(ctx, tx)
				if y.Persons != want {
					t.Errorf("%d are counted, want %d", y.Persons, want)
				}
				return err
			})
		}
		persons(4)
		w.holds()
		w.Put(before, "course-progress", "weekly_score", "80")
		persons(4)
		w.Put(stays, "course-progress", "weekly_score", "81")
		persons(5)
		w.holds()
	})
}
