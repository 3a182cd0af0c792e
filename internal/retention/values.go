package retention

import (
	"context"
	"slices"
	"sync/atomic"

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
	togetherChildren = 16
	togetherValues   = 128
)

// sweepValues erases the values past their time (Article 12), in the order in which
// they ended. What fails is passed over and comes back as an error; what is behind it is
// reached in the same sweep. If we crash, what was committed is gone and the rest is due.
func sweepValues(ctx context.Context, store *db.DB, v *vault.Vault) (int, error) {
	var erased atomic.Int64
	var failed failures
	var after vault.Due
	for ctx.Err() == nil {
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
		for _, children := range bundles(due) {
			group.Go(func() error {
				n, err := expire(ctx, store, v, children)
				erased.Add(int64(n))
				failed.add(err)
				return nil
			})
		}
		group.Wait() // what failed is in failed
	}
	return int(erased.Load()), failed.joined()
}

// bundles divides what is due among transactions, each child in one of them.
func bundles(due []vault.Due) (all [][]family.ID) {
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
		all[last] = append(all[last], d.Child)
	}
	return all
}

// expire erases what is due of some children together, and alone of those of whom that
// didn't succeed: one that can't be erased holds up no other.
func expire(ctx context.Context, store *db.DB, v *vault.Vault, children []family.ID) (erased int, err error) {
	var done []vault.Expiry
	together := store.Update(ctx, func(tx *db.Tx) (err error) {
		done, err = v.ExpireTogether(ctx, tx, actor, children)
		return err
	})
	if together != nil {
		done = nil
	}
	for _, d := range done {
		erased += d.Values
	}
	if len(done) == len(children) {
		return erased, nil
	}
	var failed failures
	for _, child := range children {
		if slices.ContainsFunc(done, func(d vault.Expiry) bool { return d.Child == child }) {
			continue
		}
		n := 0
		err := store.Update(ctx, func(tx *db.Tx) (err error) {
			n, err = v.Expire(ctx, tx, actor, child)
			return err
		})
		if err == nil {
			erased += n
		}
		failed.add(gone(err))
	}
	return erased, failed.joined()
}
