package vault

import (
	"context"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/family"
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
