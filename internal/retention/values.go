package retention

import (
	"context"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"wardkeep/internal/base/db"
	"wardkeep/internal/family"
	"wardkeep/internal/vault"
)

const (
	// lookValues is how many due values one look takes.
	lookValues = 2048
	// togetherChildren and togetherValues bound one transaction: on SQLite, whose one
	// writer it takes, to a few milliseconds. Reads are recorded, and wait for no longer.
	togetherChildren = 32
	togetherValues   = 256
)

// sweepValues erases the values past their time (Article 12), in the order in which
// they ended, and adds up how many there were of each service. What is behind one that fails is
// reached in the same sweep. If we crash, what was committed is gone and the rest is due.
// Began becomes the moment at which it began.
func sweepValues(store *db.DB, v *vault.Vault, began *time.Time) work {
	var after vault.Due
	return func(ctx context.Context, until time.Time) (did int, more bool, err error) {
		if began.IsZero() {
			*began = store.Now().UTC()
		}
		erased := make(map[string]int)
		var mu sync.Mutex
		var failed failures
		for calm := newPace(store); ; {
			var due []vault.Due
			err := store.View(ctx, func(tx *db.Tx) (err error) {
				due, err = vault.DueValues(ctx, tx, after, lookValues)
				return err
			})
			if failed.add(err); err != nil || len(due) == 0 || failed.storeIsAway() {
				break
			}
			after = due[len(due)-1]
			var group errgroup.Group
			group.SetLimit(max(1, store.Abreast()))
			for _, some := range bundles(due) {
				group.Go(func() error {
					done, err := expire(ctx, calm, v, some)
					failed.add(err)
					mu.Lock()
					defer mu.Unlock()
					for _, e := range done {
						erased[e.Service] += e.Values
						did += e.Values
					}
					return nil
				})
			}
			group.Wait() // what failed is in failed
			if more = over(ctx, until); more {
				break
			}
		}
		failed.add(count(ctx, store, erased))
		return did, more, failed.joined()
	}
}

// bundles divides what is due among transactions, each child in one of them.
func bundles(due []vault.Due) (all [][]vault.Due) {
	seen := make(map[family.ID]bool, len(due))
	values := 0
	for _, d := range due {
		values++
		if seen[d.Child] {
			continue
		}
		seen[d.Child] = true
		last := len(all) - 1
		if last < 0 || len(all[last]) == togetherChildren || values > togetherValues {
			all, last, values = append(all, nil), last+1, 1
		}
		all[last] = append(all[last], d)
	}
	return all
}

// expire erases what is due of some children together, and alone of those of whom that
// didn't succeed: one that can't be erased holds up no other.
func expire(ctx context.Context, calm *pace, v *vault.Vault, due []vault.Due) ([]vault.Expiry, error) {
	ids := make([]family.ID, len(due))
	for i, d := range due {
		ids[i] = d.Child
	}
	var done []vault.Expiry
	err := calm.update(ctx, func(tx *db.Tx) (err error) {
		done, err = v.ExpireTogether(ctx, tx, actor, ids)
		return err
	})
	if err != nil {
		done = nil
	}
	if len(done) == len(due) {
		return done, nil
	}
	var failed failures
	for _, d := range due {
		if slices.ContainsFunc(done, func(e vault.Expiry) bool { return e.Child == d.Child }) {
			continue
		}
		var one vault.Expiry
		err := calm.update(ctx, func(tx *db.Tx) (err error) {
			one, err = v.Expire(ctx, tx, actor, d.Service, d.Child)
			return err
		})
		if failed.add(Gone(err)); err == nil {
			done = append(done, one)
		}
	}
	return done, failed.joined()
}
