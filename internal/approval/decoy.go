package approval

import (
	"context"
	"encoding/hex"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/catalog"
	"wardkeep/internal/family"
)

// What can be wrong with a decoy.
var (
	ErrDecoy   = errs.New(errs.Conflict, "approval.decoy_held")
	ErrNoDecoy = errs.New(errs.NotFound, "approval.decoy_unknown")
)

// A DecoyBody says that a child became a decoy, or is none any more: by a keyed hash of
// its id, so that neither the ledger nor the table tells which child it is.
type DecoyBody struct {
	Mark string `json:"mark"`
}

// markOf is what is kept of a decoy.
func markOf(ring *keyring.Ring, child family.ID) []byte {
	return ring.Index("approval.decoy", string(child))
}

// Decoy marks a child that nobody is: who registered it made it up, with a contact and
// values of their own. Whoever asks about it, or looks at it, raises an alarm, and sees
// nothing of that. Errors: ErrMayNot, ErrDecoy, those of family.Find.
func Decoy(ctx context.Context, tx *db.Tx, ring *keyring.Ring, by catalog.Officer, child family.ID) error {
	c, err := family.Lock(ctx, tx, by.Service, child)
	if err != nil {
		return err
	}
	if !by.Governs(c.Service) {
		return ErrMayNot
	}
	mark := markOf(ring, c.ID)
	n, err := tx.Exec(ctx, `INSERT INTO decoy (mark, service) VALUES ($1, $2) ON CONFLICT DO NOTHING`, mark, c.Service)
	if err == nil && n != 1 {
		err = ErrDecoy
	}
	if err != nil {
		return err
	}
	_, err = note(ctx, tx, c.Service, KindDecoy, by.Ledger(), DecoyBody{hex.EncodeToString(mark)})
	return err
}

// NoDecoy has a child be a decoy no more. Errors: ErrMayNot, ErrNoDecoy.
func NoDecoy(ctx context.Context, tx *db.Tx, ring *keyring.Ring, by catalog.Officer, child family.ID) error {
	if !by.Governs(by.Service) {
		return ErrMayNot
	}
	return EndDecoy(ctx, tx, ring, by.Ledger(), by.Service, child)
}

// EndDecoy says that a child is a decoy no more: somebody says so, or it is erased.
// Errors: ErrNoDecoy.
func EndDecoy(ctx context.Context, tx *db.Tx, ring *keyring.Ring, actor, service string, child family.ID) error {
	mark := markOf(ring, child)
	n, err := tx.Exec(ctx, `DELETE FROM decoy WHERE mark = $1 AND service = $2`, mark, service)
	if err == nil && n != 1 {
		err = ErrNoDecoy
	}
	if err != nil {
		return err
	}
	_, err = note(ctx, tx, service, KindDecoyEnded, actor, DecoyBody{hex.EncodeToString(mark)})
	return err
}

// IsDecoy reports whether a child is a decoy.
func IsDecoy(ctx context.Context, tx *db.Tx, ring *keyring.Ring, child family.ID) (bool, error) {
	n, err := db.One(ctx, tx, db.Single[int64], `SELECT count(*) FROM decoy WHERE mark = $1`, markOf(ring, child))
	return n > 0, err
}

// EachDecoy calls fn with every row, in order, for an audit.
func EachDecoy(ctx context.Context, tx *db.Tx, fn func(mark, service string) error) error {
	return db.Each(ctx, tx, func(row db.Row) error {
		var mark []byte
		var service string
		if err := row.Scan(&mark, &service); err != nil {
			return err
		}
		return fn(hex.EncodeToString(mark), service)
	}, `SELECT mark, service FROM decoy ORDER BY mark`)
}
