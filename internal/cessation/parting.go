package cessation

import (
	"context"
	"errors"

	"wardkeep/internal/base/db"
	"wardkeep/internal/family"
	"wardkeep/internal/order"
	"wardkeep/internal/party"
	"wardkeep/internal/retention"
	"wardkeep/internal/vault"
)

// partings orders each party that has ended to delete what it may have, child by child in
// the order of their keys (Article 16(4)), and each that may have less than before to delete the
// rest (Articles 16(5) and 20). Its row says how far that is; after a crash a batch is gone over
// again, and what was ordered since isn't ordered twice. Where a child can't be come to, the
// row says that, too, and all are gone over again afterwards.
func partings(ctx context.Context, store *db.DB, v *vault.Vault, done *Done) error {
	var all []party.Walk
	err := store.View(ctx, func(tx *db.Tx) (err error) {
		all, err = party.Walks(ctx, tx)
		return err
	})
	failed := []error{err}
	for _, w := range all {
		failed = append(failed, part(ctx, store, v, w, done))
	}
	return errors.Join(failed...)
}

func part(ctx context.Context, store *db.DB, v *vault.Vault, w party.Walk, done *Done) error {
	book := order.Book{Ring: v.Ring, Charters: v.Gate.Charters, Calendar: v.Calendar}
	var seen int64
	var failed []error
	// What somebody has written there by hand isn't gone by: all children are come by.
	at, missed, _ := w.Walked(v.Ring, store.Now())
	for last := false; !last; {
		var some []family.Child
		err := store.View(ctx, func(tx *db.Tx) (err error) {
			some, err = family.List(ctx, tx, w.Service, family.ID(at), batch)
			return err
		})
		if err != nil {
			return errors.Join(append(failed, err)...)
		}
		err = retention.Each(some, retention.AtOnce, func(c family.Child) error {
			return retention.Gone(store.Update(ctx, func(tx *db.Tx) error { return leave(ctx, tx, book, w, c.ID) }))
		})
		failed, seen, missed = append(failed, err), seen+int64(len(some)), missed || err != nil
		if ctx.Err() != nil || retention.Away(err) {
			return errors.Join(failed...)
		}
		if last = len(some) < batch; !last {
			at = string(some[len(some)-1].ID)
		}
		moved := false
		err = store.Update(ctx, func(tx *db.Tx) error {
			is := w // it may run again
			var on bool
			var err error
			switch {
			case !last:
				on, err = is.PartUpto(ctx, tx, v.Ring, at, missed)
			case missed:
				on, err = is.PartUpto(ctx, tx, v.Ring, "", false)
			default:
				on, err = finish(ctx, tx, &is, seen)
			}
			moved = !on
			if err == nil {
				w = is
			}
			return err
		})
		if err != nil || moved {
			return errors.Join(append(failed, err)...)
		}
	}
	switch {
	case missed:
	case w.Ends():
		done.Parted++
	default:
		done.Trimmed++
	}
	return errors.Join(failed...)
}

// finish records that all children were looked at. What it counts nobody adds to any more: who
// orders holds the party as it stands.
func finish(ctx context.Context, tx *db.Tx, w *party.Walk, seen int64) (bool, error) {
	on, err := w.Hold(ctx, tx)
	switch {
	case err != nil || !on:
		return false, err
	case w.Ends():
		return true, w.Part(ctx, tx, system{}.Ledger(), seen)
	}
	orders, err := order.CountNarrowed(ctx, tx, w.ID, w.Narrowed)
	if err != nil {
		return false, err
	}
	return true, w.Trim(ctx, tx, system{}.Ledger(), seen, orders)
}

// leave orders the party to delete what it may have of one child, or may have no longer: what it
// was given again since the walk began it keeps.
func leave(ctx context.Context, tx *db.Tx, book order.Book, w party.Walk, id family.ID) error {
	child, err := family.Lock(ctx, tx, w.Service, id)
	if err != nil {
		return err
	}
	p, on, err := w.Steady(ctx, tx)
	switch {
	case err != nil || !on:
		return err
	case w.Ends():
		return book.Parted(ctx, tx, system{}.Ledger(), child, order.Role(p.Role), p.Name, p.EndedAt(tx.Now()))
	}
	return book.Trimmed(ctx, tx, system{}.Ledger(), child, p)
}
