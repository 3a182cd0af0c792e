package replay_test

import (
	"context"
	"errors"
	"testing"

	"wardkeep/internal/base/db"
	"wardkeep/internal/catalog"
	"wardkeep/internal/gate"
	"wardkeep/internal/publication"
	"wardkeep/internal/vault/vaulttest"
)

// Invariant 7: that values are hashed to be found in what is published, that this was
// refused, and that somebody finds too much, replays.
func TestInvariant7_WhatIsScreenedReplays(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		s := begin(t, w)
		s.Publish(vaulttest.Screened(w.Charter))
		compare := func(ctx context.Context, tx *db.Tx) error {
			_, _, err := s.Vault.Gate.CheckComparing(ctx, tx, service)
			return err
		}
		s.Do(compare)
		s.Do(func(ctx context.Context, tx *db.Tx) error {
			return publication.Raise(ctx, tx, s.App, []publication.AlarmBody{{Cause: publication.Burst, Hits: 101}, {Cause: publication.Spent, Hits: 601}})
		})
		s.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := catalog.Recall(ctx, tx, catalog.Operator{ID: "test"}, service)
			return err
		})
		if err := s.Try(compare); !errors.Is(err, gate.ErrDenied) {
			t.Errorf("under a charter that was recalled: %v", err)
		}
		ok(t, s.flush())
		s.replays(t)
	})
}
