package replay_test

import (
	"context"
	"errors"
	"testing"

	"wardkeep/internal/base/db"
	"wardkeep/internal/replay"
	"wardkeep/internal/vault/vaulttest"
)

// What is kept of the last reconciliation is what it found, and who writes to the database
// makes no other of it.
func TestArticle15_TheLastReconciliationIsKeptAsItWas(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		last := func() (m replay.Matched, err error) {
			err = w.Store.View(t.Context(), func(tx *db.Tx) (err error) {
				m, err = replay.LastMatched(t.Context(), tx, w.Ring)
				return err
			})
			return m, err
		}
		if _, err := last(); !errors.Is(err, replay.ErrNoMatching) {
			t.Errorf("before the first: %v", err)
		}
		keep := func(r replay.Reconciliation) {
			w.Do(func(ctx context.Context, tx *db.Tx) error { return replay.KeepMatched(ctx, tx, w.Ring, r) })
		}
		bad := replay.Reconciliation{Size: 10, Asked: 5, Approved: 4, Looks: 3, Exported: 2, Mismatches: []replay.Mismatch{{Why: replay.NoApproval}}}
		want := replay.Matched{Size: 10, Asked: 5, Approved: 4, Looks: 3, Exported: 2, Unmatched: 1}
		keep(replay.Reconciliation{Size: 9})
		keep(bad)
		m, err := last()
		if want.At = m.At; err != nil || m != want || m.At.IsZero() {
			t.Errorf("got %+v, %v", m, err)
		}
		for _, change := range []string{`at = at + 1`, `size = size + 1`, `asked = 0`, `approved = 0`, `looks = 0`, `exported = 0`, `unmatched = 0`} {
			w.Do(func(ctx context.Context, tx *db.Tx) error { return tx.Queue(ctx, `UPDATE matching_run SET `+change) })
			if m, err := last(); !errors.Is(err, replay.ErrMatchingForged) {
				t.Errorf("%s: %+v, %v", change, m, err)
			}
			keep(bad)
		}
	})
}
