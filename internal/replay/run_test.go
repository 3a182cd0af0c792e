package replay_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"wardkeep/internal/base/db"
	"wardkeep/internal/replay"
	"wardkeep/internal/vault/vaulttest"
)

// What is kept of the last audit is what it found, and who writes to the database makes
// no other of it.
func TestInvariant7_TheLastAuditIsKeptAsItWas(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		last := func() (r replay.Run, err error) {
			err = w.Store.View(t.Context(), func(tx *db.Tx) (err error) {
				r, err = replay.LastRun(t.Context(), tx, w.Ring)
				return err
			})
			return r, err
		}
		if _, err := last(); !errors.Is(err, replay.ErrNoRun) {
			t.Errorf("before the first: %v", err)
		}
		bad := replay.Run{Took: 1500 * time.Millisecond, Size: 10, Root: tlog.Hash{1}, Entries: 11, Uses: 5, Children: 2, Findings: 1, Differences: 3}
		keep := func(r replay.Run) {
			w.Do(func(ctx context.Context, tx *db.Tx) error { return replay.Keep(ctx, tx, w.Ring, r) })
		}
		keep(replay.Run{Size: 9})
		keep(bad)
		r, err := last()
		if bad.At = r.At; err != nil || r != bad || r.OK() || r.At.IsZero() {
			t.Errorf("got %+v, %v", r, err)
		}
		for _, change := range []string{`at = at + 1`, `took = took + 1`, `size = size + 1`, `root = bound`, `entries = 0`, `uses = 0`, `children = 0`, `findings = 0`,
			`differences = 0`, `bound = root`} {
			w.Do(func(ctx context.Context, tx *db.Tx) error { return tx.Queue(ctx, `UPDATE audit_run SET `+change) })
			if r, err := last(); !errors.Is(err, replay.ErrRunForged) {
				t.Errorf("%s: %+v, %v", change, r, err)
			}
			keep(bad)
		}
	})
}
