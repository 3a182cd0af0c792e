package vault

import (
	"context"

	"wardkeep/internal/base/db"
	"wardkeep/internal/family"
)

// EraseCeased erases what was collected of a child for a purpose that has ended, and
// returns the items (Article 23). What is sealed for it in the operator's own databases
// opens no more, since the gate is closed for good.
func (v *Vault) EraseCeased(ctx context.Context, tx *db.Tx, actor, service string, id family.ID, purpose string) (items []string, err error) {
	child, err := family.Lock(ctx, tx, service, id)
	if err != nil {
		return nil, err
	}
	items, err = db.All(ctx, tx, db.Single[string], `DELETE FROM value WHERE child = $1 AND purpose = $2 RETURNING item`, id, purpose)
	if err != nil || len(items) == 0 {
		return nil, err
	}
	_, err = erased(ctx, tx, actor, child, items, string(family.Cessation))
	return items, err
}
