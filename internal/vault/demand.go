package vault

import (
	"context"

	"wardkeep/internal/base/db"
	"wardkeep/internal/family"
	"wardkeep/internal/order"
	"wardkeep/internal/rights"
)

// Demand takes what a child or its guardian demands (Articles 19 and 20), and erases
// at once the one value that a guardian wants to be gone. Errors: those of
// rights.Desk.Receive.
func (v *Vault) Demand(ctx context.Context, tx *db.Tx, desk rights.Desk, by family.Actor, child family.Child, ask rights.Demand) (rights.Request, string, error) {
	held, err := Holdings(ctx, tx, child)
	if err != nil {
		return rights.Request{}, "", err
	}
	ask.Held = Items(held)
	r, entry, err := desk.Receive(ctx, tx, by, child, ask)
	if err != nil || r.Kind != rights.DeleteItem {
		return r, entry, err
	}
	c, err := family.Lock(ctx, tx, child.Service, child.ID)
	if err != nil {
		return r, "", err
	}
	kept, err := v.keepOf(ctx, tx, by.Ledger(), c, r.Item)
	if err != nil {
		return r, "", err
	}
	gone, err := db.All(ctx, tx, db.Single[string], `DELETE FROM value WHERE child = $1 AND item = $2 RETURNING item`, c.ID, r.Item)
	if err != nil || len(gone)+len(kept) == 0 {
		return r, entry, err
	}
	if err := v.orders().Item(ctx, tx, by.Ledger(), c, order.Delete, r.Item); err != nil {
		return r, "", err
	}
	if len(kept) > 0 {
		return r, entry, nil
	}
	entry, err = v.erased(ctx, tx, by.Ledger(), c, gone, string(family.Requested))
	return r, entry, err
}
