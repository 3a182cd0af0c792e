package vault

import (
	"context"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/family"
	"wardkeep/internal/legal"
)

// A Row is a row of value, for an audit. What is sealed stays so.
type Row struct {
	Child              family.ID
	Item, Purpose      string
	Service            string // as the row says
	Version            int64
	Collected, Expires int64 // microseconds

	sealed []byte
}

func scanRow(row db.Row) (r Row, err error) {
	err = row.Scan(&r.Child, &r.Item, &r.Service, &r.Purpose, &r.Version, &r.sealed, &r.Collected, &r.Expires)
	return r, err
}

// Rows calls each with the values of a stretch of children, in order, holding one
// at a time: a value may be a picture. Each must not use tx.
func Rows(ctx context.Context, tx *db.Tx, of family.Stretch, each func(Row)) error {
	where, args := of.Where("child")
	return db.Each(ctx, tx, func(row db.Row) error {
		r, err := scanRow(row)
		if err == nil {
			each(r)
		}
		return err
	}, `
		SELECT child, item, service, purpose, version, sealed, collected_at, expires_at FROM value
		WHERE `+where+`
		ORDER BY child, item`, args...)
}

// Intact reports whether the value would open for its child, item and version. It
// needs no permit, for it hands out nothing (invariant 1). Errors: ErrCannotOpen.
func (r Row) Intact(ring *keyring.Ring, child family.Child) error {
	key, err := child.Key(ring)
	if err == nil {
		err = key.Intact(r.sealed, stored{item: r.Item, version: r.Version}.ad(child)...)
	}
	if err != nil {
		return ErrCannotOpen
	}
	return nil
}

// A KeptRow is a row of kept_value with what its child's row says, for an audit.
type KeptRow struct {
	Child             family.ID
	ID, Item, Service string
	Approval          string
	Basis             legal.Basis
	Until             int64 // microseconds
	Entry             string
	Subject           string // of its living child; empty once that is erased

	sealed, wrapped []byte
	pool            string
}

// KeptRows calls each with all values that a law demands to keep, holding one at a time.
// Each must not use tx.
func KeptRows(ctx context.Context, tx *db.Tx, each func(KeptRow)) error {
	return db.Each(ctx, tx, func(row db.Row) error {
		var r KeptRow
		err := row.Scan(&r.Child, &r.ID, &r.Item, &r.Service, &r.Approval, &r.Basis, &r.Until, &r.sealed, &r.Entry, &r.pool, &r.wrapped, &r.Subject)
		if err == nil {
			each(r)
		}
		return err
	}, `
		SELECT k.child, k.id, k.item, k.service, k.approval, k.basis, k.until, k.sealed, k.entry,
			coalesce(c.pool, ''), c.wrapped, coalesce(c.subject, '')
		FROM kept_value k LEFT JOIN child c ON c.child = k.child
		ORDER BY k.child, k.id, k.item`)
}

// Intact reports whether the value would open under the key that it lies under, and hands
// out nothing. Errors: ErrCannotOpen.
func (r KeptRow) Intact(ring *keyring.Ring) error {
	key, err := ring.OpenChildKey(string(r.Child), r.pool, r.wrapped)
	if err == nil {
		err = key.Intact(r.sealed, keptAD(r.Service, r.Child, r.ID, r.Item)...)
	}
	if err != nil {
		return ErrCannotOpen
	}
	return nil
}
