package cessation

import (
	"context"
	"errors"

	"wardkeep/internal/base/db"
	"wardkeep/internal/catalog"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/retention"
	"wardkeep/internal/stream"
	"wardkeep/internal/suspicion"
	"wardkeep/internal/takedown"
)

var (
	// errLeft says that children are left who couldn't be erased, or came meanwhile.
	errLeft = errors.New("cessation: children are left")
	// errBehind says that something is held of who was come by already.
	errBehind = errors.New("cessation: something is held behind the walk")
)

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
		var some []found
		err := w.store.View(ctx, func(tx *db.Tx) (err error) {
			some, err = page(ctx, tx, w.Service, "", string(after))
			return err
		})
		if err != nil {
			return errors.Join(append(failed, err)...)
		}
		if more = len(some) == batch; len(some) > 0 {
			after = some[len(some)-1].child
		}
		var told []family.Child // as it is, each is read with its erasure
		for _, id := range ids(some, func(c found) bool { return !c.waits }) {
			told = append(told, family.Child{ID: id, Service: w.Service})
		}
		w.farewell.Room(ctx)
		n, err := retention.EraseAll(ctx, w.store, w.vault, w.farewell, system{}.Ledger(), family.Cessation, told)
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
	for more := true; more; {
		err := w.store.Update(ctx, func(tx *db.Tx) error {
			n, err := takedown.Lapse(ctx, tx, system{}.Ledger(), w.Service, batch)
			more = n == batch
			return err
		})
		if err != nil {
			return err
		}
	}
	for more := true; more; {
		err := w.store.Update(ctx, func(tx *db.Tx) error {
			n, err := stream.Lapse(ctx, tx, system{}.Ledger(), w.Service, batch)
			more = n == batch
			return err
		})
		if err != nil {
			return err
		}
	}
	if w.store.Now().Before(w.LastAt) {
		return nil // who was told late can look still
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
func (w *work) clear(ctx context.Context) (err error) {
	defer func() {
		n, failed := w.cleared(ctx)
		w.done.Cleared += n
		err = errors.Join(err, failed)
	}()
	one := func(tx *db.Tx, child family.ID) error {
		items, err := w.vault.EraseCeased(ctx, tx, system{}.Ledger(), w.Service, child, w.Purpose)
		if err != nil || len(items) == 0 {
			return err
		}
		return w.CountErased(ctx, tx)
	}
	_, on, err := w.again(ctx, true, func(tx *db.Tx, child family.ID) error {
		if err := one(tx, child); err != nil {
			return err
		}
		return tx.Queue(ctx, `DELETE FROM ceasing_left WHERE child = $1 AND purpose = $2`, child, w.Purpose)
	})
	failed := []error{err}
	for on {
		var some []found
		err := w.store.View(ctx, func(tx *db.Tx) (err error) {
			some, err = page(ctx, tx, w.Service, w.Purpose, w.ErasedUpto)
			return err
		})
		if err != nil {
			return errors.Join(append(failed, err)...)
		}
		if len(some) == 0 {
			break
		}
		var left []family.ID
		left, on, err = w.each(ctx, ids(some, func(c found) bool { return c.concerned && !c.waits }), one)
		if failed = append(failed, err); !on {
			break
		}
		upto := string(some[len(some)-1].child)
		err = w.change(ctx, func(tx *db.Tx) error {
			if err := w.leave(ctx, tx, left, true); err != nil {
				return err
			}
			return w.EraseUpto(ctx, tx, upto)
		})
		if err != nil {
			return errors.Join(append(failed, err)...)
		}
	}
	now := w.store.Now()
	if err := errors.Join(append(failed, ctx.Err())...); err != nil || now.Before(w.AnnouncedAt.Add(lasting)) || now.Before(w.LastAt) {
		return err
	}
	err = w.finish(ctx, func(ctx context.Context, tx *db.Tx) (int64, error) {
		left, err := w.left(ctx, tx)
		if err == nil && left > 0 {
			err = errLeft
		}
		if err == nil {
			err = w.empty(ctx, tx)
		}
		if err != nil {
			return 0, err
		}
		c, err := catalog.FindCessation(ctx, tx, w.Service, w.Purpose)
		return c.Children, err
	})
	if errors.Is(err, errBehind) {
		return w.change(ctx, func(tx *db.Tx) error { return w.EraseUpto(ctx, tx, "") })
	}
	return err
}

// cleared returns of how many children more than at the beginning of this round something
// was erased.
func (w *work) cleared(ctx context.Context) (n int, err error) {
	err = w.store.View(context.WithoutCancel(ctx), func(tx *db.Tx) error {
		c, err := catalog.FindCessation(ctx, tx, w.Service, w.Purpose)
		n = int(c.Children - w.Children)
		return err
	})
	return n, err
}

// empty returns errBehind if something of a living child is held for the purpose: the use
// that brought it was decided before the announcement, and ended behind the walk.
func (w *work) empty(ctx context.Context, tx *db.Tx) error {
	held, err := db.One(ctx, tx, db.Single[bool], `
		SELECT EXISTS (SELECT 1 FROM value v JOIN child c ON c.child = v.child
			WHERE v.service = $1 AND v.purpose = $2 AND c.state <> 'erased')`, w.Service, w.Purpose)
	if err == nil && held {
		err = errBehind
	}
	return err
}
