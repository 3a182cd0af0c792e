package cessation

import (
	"context"
	"errors"
	"sync/atomic"

	"wardkeep/internal/base/db"
	"wardkeep/internal/catalog"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/retention"
	"wardkeep/internal/suspicion"
)

// errLeft says that children are left who couldn't be erased, or came meanwhile.
var errLeft = errors.New("cessation: children are left")

// erase erases all children of a service, batch by batch, until none is left.
func (w *work) erase(ctx context.Context) error {
	if w.Held < 0 {
		var n int64
		var t catalog.Tally
		// It takes seconds for a million, and keeps nobody from writing: after the window
		// nothing of it comes, and what ends meanwhile was there at its end.
		err := w.store.View(ctx, func(tx *db.Tx) (err error) {
			if n, err = Living(ctx, tx, w.Service); err == nil {
				t, err = w.tally(ctx, tx)
			}
			return err
		})
		if err != nil {
			return err
		}
		if err := w.change(ctx, func(tx *db.Tx) error { return w.BeginErasing(ctx, tx, n, t) }); err != nil {
			return err
		}
	}
	var failed []error
	for after, more := family.ID(""), true; more && ctx.Err() == nil; {
		var some []family.Child
		err := w.store.View(ctx, func(tx *db.Tx) (err error) {
			some, err = family.List(ctx, tx, w.Service, after, batch)
			return err
		})
		if err != nil {
			return errors.Join(append(failed, err)...)
		}
		if more = len(some) == batch; len(some) > 0 {
			after = some[len(some)-1].ID
		}
		w.farewell.Room(ctx)
		n, err := retention.EraseAll(ctx, w.store, w.vault, w.farewell, system{}.Ledger(), family.Cessation, some)
		w.done.Erased += n
		failed = append(failed, err)
	}
	if err := errors.Join(append(failed, ctx.Err())...); err != nil {
		return err
	}
	for more := true; more; {
		err := w.store.Update(ctx, func(tx *db.Tx) error {
			n, err := suspicion.Lapse(ctx, tx, system{}.Ledger(), w.Service, batch)
			more = n == batch
			return err
		})
		if err != nil {
			return err
		}
	}
	return w.finish(ctx, func(ctx context.Context, tx *db.Tx) (int64, error) {
		left, err := Living(ctx, tx, w.Service)
		if err == nil && left > 0 {
			err = errLeft
		}
		return w.Held, err
	})
}

// tally counts the answers about who takes over, which nobody can give any more.
func (w *work) tally(ctx context.Context, tx *db.Tx) (catalog.Tally, error) {
	if w.Takeover == (catalog.Takeover{}) {
		return catalog.Tally{}, nil
	}
	service, err := catalog.Find(ctx, tx, w.Service)
	if err != nil {
		return catalog.Tally{}, err
	}
	return consent.TallySuccession(ctx, tx, w.Service, service.Successor)
}

// clear erases what was collected for a purpose, of each child in the order of the
// keys, and has processors and recipients told. The gate lets nothing more come.
func (w *work) clear(ctx context.Context) error {
	for ctx.Err() == nil {
		var some []found
		err := w.store.View(ctx, func(tx *db.Tx) (err error) {
			some, err = page(ctx, tx, w.Service, w.Purpose, w.ErasedUpto)
			return err
		})
		if err != nil {
			return err
		}
		var cleared atomic.Int64
		err = retention.Each(some, retention.AtOnce, func(c found) error {
			if !c.concerned {
				return nil
			}
			var items []string
			err := w.store.Update(ctx, func(tx *db.Tx) (err error) {
				items, err = w.vault.EraseCeased(ctx, tx, system{}.Ledger(), w.Service, c.child, w.Purpose)
				return err
			})
			if err == nil && len(items) > 0 {
				cleared.Add(1)
			}
			return retention.Gone(err)
		})
		w.done.Cleared += int(cleared.Load())
		if err != nil {
			return err
		}
		if len(some) == 0 {
			return w.finish(ctx, func(context.Context, *db.Tx) (int64, error) { return w.Children, nil })
		}
		upto := string(some[len(some)-1].child)
		if err := w.change(ctx, func(tx *db.Tx) error { return w.EraseUpto(ctx, tx, upto, cleared.Load()) }); err != nil {
			return err
		}
	}
	return ctx.Err()
}
