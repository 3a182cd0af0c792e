package vault

import (
	"context"

	"wardkeep/internal/access"
	"wardkeep/internal/base/db"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/ledger"
	"wardkeep/internal/rights"
	"wardkeep/internal/verification"
)

// Erase destroys a child's key and removes every row about the child but the
// fact that it was erased (Article 20). Sealed values in the operator's own
// databases die with the key. It can't be undone: there is nothing to undo it
// from. Actor is who asked, as the ledger writes it. It returns the entries that tell
// it: of the values, if any were held, and of the child.
func (v *Vault) Erase(ctx context.Context, tx *db.Tx, actor, service string, id family.ID, ground family.Ground) (entries []string, err error) {
	child, err := family.Lock(ctx, tx, service, id)
	if err != nil {
		return nil, err
	}
	items, err := db.All(ctx, tx, db.Single[string], `DELETE FROM value WHERE child = $1 RETURNING item`, id)
	if err != nil {
		return nil, err
	}
	if len(items) > 0 {
		entry, err := erased(ctx, tx, actor, child, items, string(ground))
		if err != nil {
			return nil, err
		}
		entries = append(entries, entry)
	}
	refused, err := consent.RefusedAll(ctx, tx, child)
	if err != nil {
		return nil, err
	}
	if err := consent.Forget(ctx, tx, id); err != nil {
		return nil, err
	}
	if err := access.Forget(ctx, tx, id); err != nil {
		return nil, err
	}
	if err := verification.Forget(ctx, tx, id); err != nil {
		return nil, err
	}
	if err := rights.Forget(ctx, tx, id); err != nil {
		return nil, err
	}
	entry, err := family.Erase(ctx, tx, v.Ring, actor, child, ground, len(items), refused)
	return append(entries, entry), err
}

func erased(ctx context.Context, tx *db.Tx, actor string, child family.Child, items []string, ground string) (string, error) {
	return ledger.Append(ctx, tx, ledger.Entry{Kind: KindErased, Service: child.Service, Subject: child.Subject,
		Version: child.Version, Actor: actor, Body: ErasedBody{Items: items, Ground: ground}})
}

// Due is a child with values past their time.
type Due struct {
	Child   family.ID
	Service string
}

// DueValues returns children with expired values, oldest first, at most limit.
// It reads the expiry index: its cost is what is due, not what is held.
func DueValues(ctx context.Context, tx *db.Tx, limit int) ([]Due, error) {
	now := tx.Now()
	return db.All(ctx, tx, func(row db.Row) (d Due, err error) {
		err = row.Scan(&d.Child, &d.Service)
		return d, err
	}, `
		SELECT DISTINCT child.child, child.service
		FROM (SELECT child FROM value WHERE expires_at <= $1 ORDER BY expires_at, child, item LIMIT $2) due
		JOIN child ON child.child = due.child
		ORDER BY child.child`, (*db.Time)(&now), limit)
}

// Expire removes the expired values of one child and returns how many there
// were. If we crash before the commit, they are due again.
func (v *Vault) Expire(ctx context.Context, tx *db.Tx, actor string, due Due) (int, error) {
	child, err := family.Lock(ctx, tx, due.Service, due.Child)
	if err != nil {
		return 0, err
	}
	now := tx.Now()
	items, err := db.All(ctx, tx, db.Single[string], `
		DELETE FROM value WHERE child = $1 AND expires_at <= $2 RETURNING item`, due.Child, (*db.Time)(&now))
	if err != nil || len(items) == 0 {
		return 0, err
	}
	_, err = erased(ctx, tx, actor, child, items, "expired")
	return len(items), err
}
