package restoration_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/cessation"
	"wardkeep/internal/charter"
	"wardkeep/internal/order"
	"wardkeep/internal/party"
	"wardkeep/internal/vault/vaulttest"
)

// Edge case 15, Article 16(5): a party that has narrowed in the gap holds what it held before until
// its charter narrows it again, and then is ordered all of it; one that was narrowing when the copy
// was made goes on, and is ordered anew what was ordered in the gap.
func TestEdgeCase15_APartyThatNarrowedInTheGapIsOrderedAnew(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.Engage(w.Store.Now().AddDate(0, 6, 0))
		c := w.Child()
		less := *w.Charter
		less.Processors, less.Purposes = nil, slices.Clone(less.Purposes)
		for i, p := range less.Purposes {
			if len(p.Processors) > 0 {
				less.Purposes[i].Processors = nil
				less.Purposes[i].Activities = slices.DeleteFunc(slices.Clone(p.Activities), func(a charter.Activity) bool { return a == charter.Entrust })
			}
		}
		stands := func(narrowing bool, orders int) {
			t.Helper()
			w.Do(func(ctx context.Context, tx *db.Tx) error {
				p, err := party.Find(ctx, tx, vaulttest.ProcessorID())
				if err != nil {
					return err
				}
				if p.Narrowing(tx.Now()) != narrowing {
					t.Errorf("it holds %s, and may not %s", p.Held, p.Excess)
				}
				all, err := order.Of(ctx, tx, c.ID)
				if len(all) != orders {
					t.Errorf("%d orders, want %d", len(all), orders)
				}
				return err
			})
			w.holds()
		}
		round := func() {
			t.Helper()
			w.Pass(time.Minute)
			_, err := cessation.Round(t.Context(), w.Store, w.Vault, nil, nil)
			ok(t, err)
		}
		restored := func(putBack func()) {
			t.Helper()
			source, latest := w.export()
			putBack()
			_, err := w.replay(t.Context(), source, latest)
			ok(t, err)
		}
		ok(t, w.log.Flush(t.Context()))
		putBack := w.backUp()
		w.Publish(&less)
		round()
		stands(false, 1)
		restored(putBack)
		stands(false, 0) // nobody knows any more what the charter said: see catalog.Recall
		w.Publish(&less)
		stands(true, 0)
		ok(t, w.log.Flush(t.Context()))
		putBack = w.backUp()
		round()
		stands(false, 1)
		restored(putBack)
		stands(true, 0)
		round()
		stands(false, 1)
	})
}
