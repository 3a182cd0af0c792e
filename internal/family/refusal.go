package family

import (
	"context"
	"errors"
	"time"

	"wardkeep/internal/base/db"
)

// refusalLife is how long it is remembered that somebody said no to everything.
// Nothing is kept forever (Article 12).
const refusalLife = 365 * 24 * time.Hour

// RememberNo keeps, of a child that is about to be erased because its guardian
// refused everything, what it takes not to ask the same again: the keyed hash
// of the operator's reference, and the number of the charter (edge case 26).
func RememberNo(ctx context.Context, tx *db.Tx, c Child, charter int64) error {
	until := tx.Now().Add(refusalLife)
	return tx.Queue(ctx, `
		INSERT INTO refused_ref (service, ref_hash, charter, until) VALUES ($1, $2, $3, $4)
		ON CONFLICT (service, ref_hash) DO UPDATE SET charter = excluded.charter, until = excluded.until`,
		c.Service, c.refHash, charter, (*db.Time)(&until))
}

// RefusedBefore returns the number of the charter that a guardian of the same
// reference refused as a whole, or 0.
func RefusedBefore(ctx context.Context, tx *db.Tx, c Child) (charter int64, err error) {
	now := tx.Now()
	charter, err = db.One(ctx, tx, db.Single[int64], `
		SELECT charter FROM refused_ref WHERE service = $1 AND ref_hash = $2 AND until > $3`,
		c.Service, c.refHash, (*db.Time)(&now))
	if errors.Is(err, db.ErrNone) {
		return 0, nil
	}
	return charter, err
}

// forgetRefusals removes what RefusedBefore doesn't use any more.
func forgetRefusals(ctx context.Context, tx *db.Tx, limit int) (int64, error) {
	now := tx.Now()
	return tx.Exec(ctx, `
		DELETE FROM refused_ref WHERE (service, ref_hash) IN (
			SELECT service, ref_hash FROM refused_ref WHERE until <= $1 ORDER BY until, service, ref_hash LIMIT $2)`,
		(*db.Time)(&now), limit)
}
