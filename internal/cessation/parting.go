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
// the order of their keys (Article 16(4)). Its row says how far that is; after a crash a
// batch is gone over again, and what was ordered since the end isn't ordered twice. Where a
// child can't be come to, the row says that, too, and all are gone over again afterwards.
func partings(ctx context.Context, store *db.DB, v *vault.Vault, done *Done) error {
	var all []party.Party
	err := store.View(ctx, func(tx *db.Tx) (err error) {
		all, err = party.Leaving(ctx, tx)
		return err
	})
	failed := []error{err}
	for _, p := range all {
		failed = append(failed, part(ctx, store, v, p, done))
	}
	return errors.Join(failed...)
}

func part(ctx context.Context, store *db.DB, v *vault.Vault, p party.Party, done *Done) error {
	book := order.Book{Ring: v.Ring, Charters: v.Gate.Charters, Calendar: v.Calendar}
	var seen int64
	var failed []error
	// What somebody has written there by hand isn't gone by: all children are come by.
	at, missed, _ := p.Walked(v.Ring, store.Now())
	for last := false; !last; {
		var some []family.Child
		err := store.View(ctx, func(tx *db.Tx) (err error) {
			some, err = family.List(ctx, tx, p.Service, family.ID(at), batch)
			return err
		})
		if err != nil {
			return errors.Join(append(failed, err)...)
		}
		err = retention.Each(some, retention.AtOnce, func(c family.Child) error {
			return retention.Gone(store.Update(ctx, func(tx *db.Tx) error { return leave(ctx, tx, book, p, c.ID) }))
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
			is := p // it may run again
			var on bool
			var err error
			switch {
			case !last:
				on, err = is.PartUpto(ctx, tx, v.Ring, at, missed)
			case missed:
				on, err = is.PartUpto(ctx, tx, v.Ring, "", false)
			default:
				on, err = is.Part(ctx, tx, system{}.Ledger(), seen)
			}
			moved = !on
			if err == nil {
				p = is
			}
			return err
		})
		if err != nil || moved {
			return errors.Join(append(failed, err)...)
		}
	}
	if !missed {
		done.Parted++
	}
	return errors.Join(failed...)
}

// leave orders the party to delete what it may have of one child.
func leave(ctx context.Context, tx *db.Tx, book order.Book, p party.Party, id family.ID) error {
	child, err := family.Lock(ctx, tx, p.Service, id)
	if err != nil {
		return err
	}
	return book.Parted(ctx, tx, system{}.Ledger(), child, order.Role(p.Role), p.Name, p.EndedAt(tx.Now()))
}
