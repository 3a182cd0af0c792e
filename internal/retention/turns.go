package retention

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"wardkeep/internal/base/db"
)

// slice is how long one kind of what is due is worked on before the next has its turn: a
// sweep may last some minutes, and a million expired values keep no child that nobody
// answered for waiting (edge case 5), nor the other way round.
const slice = 10 * time.Second

// A work does what is due of one kind until none is left or until is over, whichever comes
// first, and goes on behind that when it is called again. It returns how much it did and
// whether there is more. What fails is passed over and comes back as an error.
type work func(ctx context.Context, until time.Time) (did int, more bool, err error)

// A task is a work, and where what it did is added up.
type task struct {
	did  *int
	work work
}

// takeTurns works on each of the tasks in their order, for a slice of time, and then on
// those again of which there is more, until nothing is or ctx ends. It returns what went
// wrong.
func takeTurns(ctx context.Context, slice time.Duration, tasks []task) error {
	var failed []error
	for len(tasks) > 0 && ctx.Err() == nil {
		var left []task
		for _, t := range tasks {
			did, more, err := t.work(ctx, time.Now().Add(slice))
			*t.did += did
			failed = append(failed, err)
			if more {
				left = append(left, t)
			}
		}
		tasks = left
	}
	return errors.Join(failed...)
}

func over(ctx context.Context, until time.Time) bool {
	return ctx.Err() != nil || !time.Now().Before(until)
}

// through calls fn for all that is due, a few at once. Look returns the next
// that are due behind one, in order. What is behind something that fails is reached in the same sweep.
func through[T any](store *db.DB, look func(ctx context.Context, tx *db.Tx, after T, limit int) ([]T, error), fn func(context.Context, T) (int, error)) work {
	var after T
	return func(ctx context.Context, until time.Time) (int, bool, error) {
		var did atomic.Int64
		var failed failures
		for {
			var due []T
			err := store.View(ctx, func(tx *db.Tx) (err error) {
				due, err = look(ctx, tx, after, batch)
				return err
			})
			failed.add(err)
			if len(due) > 0 && err == nil {
				after = due[len(due)-1]
				failed.add(Each(due, AtOnce, func(one T) error {
					n, err := fn(ctx, one)
					did.Add(int64(n))
					return Gone(err)
				}))
			}
			switch {
			case err != nil, len(due) < batch, failed.storeIsAway():
				return int(did.Load()), false, failed.joined()
			case over(ctx, until):
				return int(did.Load()), true, failed.joined()
			}
		}
	}
}

// bulk does what is due by one statement or a few, a batch at once: fewer than a batch
// that were looked at are the last.
func bulk(store *db.DB, fn func(ctx context.Context, tx *db.Tx, limit int) (looked, did int, err error)) work {
	return func(ctx context.Context, until time.Time) (sum int, more bool, err error) {
		for {
			looked, did := 0, 0
			err := store.Update(ctx, func(tx *db.Tx) (err error) {
				looked, did, err = fn(ctx, tx, batch)
				return err
			})
			if err != nil {
				return sum, false, err
			}
			switch sum += did; {
			case looked < batch:
				return sum, false, nil
			case over(ctx, until):
				return sum, true, nil
			}
		}
	}
}

// forget is bulk for what is gone once it was looked at.
func forget(store *db.DB, fn func(ctx context.Context, tx *db.Tx, limit int) (int, error)) work {
	return bulk(store, func(ctx context.Context, tx *db.Tx, limit int) (int, int, error) {
		n, err := fn(ctx, tx, limit)
		return n, n, err
	})
}
