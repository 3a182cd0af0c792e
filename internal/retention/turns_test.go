package retention_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/family"
	"wardkeep/internal/ledger"
	"wardkeep/internal/retention"
	"wardkeep/internal/vault"
	"wardkeep/internal/vault/vaulttest"
)

// Edge case 5: who is due has a day, and no other kind of what is due takes it away: each
// works for its slice of time, and those of which there is more have another turn when
// all had theirs. What fails in one is told, and is no reason to end another.
func TestEdgeCase5_NoKindOfWhatIsDueHoldsUpAnother(t *testing.T) {
	var order string
	kind := func(name string, turns int, err error) retention.Work {
		return func(_ context.Context, until time.Time) (int, bool, error) {
			order += name
			if left := time.Until(until); left <= 0 || left > time.Minute {
				t.Errorf("%s has a turn of %s", name, left)
			}
			turns--
			return 10, turns > 0, err
		}
	}
	broken := errors.New("broken")
	did, err := retention.TakeTurns(t.Context(), time.Minute, kind("a", 4, nil), kind("b", 1, broken), kind("c", 2, nil))
	if order != "abcacaa" || !slices.Equal(did, []int{40, 10, 20}) || !errors.Is(err, broken) {
		t.Errorf("%s, %v, %v", order, did, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	rounds := 0
	retention.TakeTurns(ctx, time.Minute, func(context.Context, time.Time) (int, bool, error) {
		if rounds++; rounds == 3 {
			cancel()
		}
		return 0, true, nil
	})
	if rounds != 3 {
		t.Errorf("it went on for %d rounds when it had to end", rounds)
	}
}

// A kind that had its turn goes on where it was: it meets each once, also those that fail.
func TestEdgeCase5_ATurnGoesOnWhereTheLastOneEnded(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		const all = 2*retention.Batch + 50
		seen := make([]int, all+1)
		look := func(_ context.Context, _ *db.Tx, after int, limit int) (due []int, err error) {
			for n := after + 1; n <= all && len(due) < limit; n++ {
				due = append(due, n)
			}
			return due, nil
		}
		due := retention.Through(w.Store, look, func(_ context.Context, n int) (int, error) {
			seen[n]++ // each at another place
			if n <= retention.Batch {
				return 0, fmt.Errorf("%d fails", n)
			}
			return 1, nil
		})
		// The time of each turn is over when it begins: it does one look's worth.
		for i, want := range []struct {
			did  int
			more bool
		}{{0, true}, {retention.Batch, true}, {50, false}} {
			did, more, err := due(t.Context(), time.Now())
			if did != want.did || more != want.more || (err != nil) != (i == 0) {
				t.Errorf("turn %d: %d, %v, %v", i, did, more, err)
			}
		}
		for n, times := range seen[1:] {
			if times != 1 {
				t.Fatalf("%d was met %d times", n+1, times)
			}
		}
		// So do values.
		for range 3 {
			c := w.Child()
			w.Do(func(ctx context.Context, tx *db.Tx) error {
				for i := range 1000 {
					if err := tx.Queue(ctx, `
						INSERT INTO value (child, item, service, purpose, version, sealed, collected_at, expires_at)
						SELECT child, CAST($1 AS text), service, 'speaking-practice', 1, wrapped, 1, 2 FROM child WHERE child = $2`, fmt.Sprintf("item_%04d", i), c.ID); err != nil {
						return err
					}
				}
				return nil
			})
		}
		values := retention.ValuesWork(w.Store, w.Vault)
		did, more, err := values(t.Context(), time.Now())
		if err != nil || !more || did == 0 {
			t.Errorf("%d, %v, %v", did, more, err)
		}
		rest, more, err := values(t.Context(), time.Now().Add(time.Minute))
		if err != nil || more || did+rest != 3000 {
			t.Errorf("%d and %d, %v, %v", did, rest, more, err)
		}
		if n := count(t, w, `SELECT erased FROM sweep WHERE service = $1`, vaulttest.Service); n != 3000 {
			t.Errorf("%d are counted", n)
		}
	})
}

// Edge case 5: a child that nobody has answered for goes before values that have ended,
// which nobody reads.
func TestEdgeCase5_ChildrenGoBeforeValues(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		w.Put(w.Child(), "speaking-practice", "voice", "AAAA") // 90 days
		w.Pass(90 * day)
		w.Enrol()
		w.Pass(day)
		done, err := retention.Sweep(t.Context(), w.Store, w.Vault)
		if err != nil || done.Values != 1 || done.Unanswered != 1 {
			t.Fatalf("swept %+v, %v", done, err)
		}
		var order []string // ids of entries begin with their time
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			return ledger.Pending(ctx, tx, func(p ledger.Placed) error {
				if p.Kind == vault.KindErased || p.Kind == family.KindErased {
					order = append(order, p.ID+" "+p.Kind)
				}
				return nil
			})
		})
		slices.Sort(order)
		if len(order) != 2 || !strings.HasSuffix(order[0], family.KindErased) {
			t.Errorf("%v", order)
		}
	})
}
