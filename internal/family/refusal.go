package family

import (
	"context"
	"strconv"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/keyring"
)

// RefusalLife is how long it is remembered that somebody said no to everything.
// Nothing is kept forever (Article 12).
const RefusalLife = 365 * 24 * time.Hour

// RefusedUntil returns when a no is forgotten that is remembered at an erasure. To
// the microsecond, it would lead from the operator's reference to the entry of
// the erasure, and so to the pseudonym: only the day is kept.
func RefusedUntil(erased time.Time) time.Time {
	return erased.Add(RefusalLife).Truncate(24 * time.Hour)
}

// RememberNo keeps, of a child that is about to be erased and whose guardian
// refused everything, what it takes not to ask the same again: the keyed hash
// of the operator's reference, and the number of the charter (edge case 26). Each
// no has a row of its own, so that none can be taken away unseen: the same
// reference comes twice on one day only with a later charter, for who refused one
// isn't asked about it again. Whatever comes, no erasure fails for it.
func RememberNo(ctx context.Context, tx *db.Tx, ring *keyring.Ring, c Child, charter int64) error {
	until := RefusedUntil(tx.Now())
	return tx.Queue(ctx, `
		INSERT INTO refused_ref (service, ref_hash, charter, until, bound) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (service, ref_hash, until, charter) DO NOTHING`,
		c.Service, c.refHash, charter, (*db.Time)(&until), refusalBound(ring, c.Service, c.refHash, charter, until))
}

// refusalBound is what only whoever has the keys can write beside a refusal.
func refusalBound(ring *keyring.Ring, service string, refHash []byte, charter int64, until time.Time) []byte {
	return ring.Index("family.refusal", service, string(refHash),
		strconv.FormatInt(charter, 10), strconv.FormatInt(until.UnixMicro(), 10))
}

// RefusedBefore returns the number of the latest charter that a guardian of the
// same reference refused as a whole, or 0.
func RefusedBefore(ctx context.Context, tx *db.Tx, c Child) (charter int64, err error) {
	now := tx.Now()
	return db.One(ctx, tx, db.Single[int64], `
		SELECT coalesce(max(charter), 0) FROM refused_ref WHERE service = $1 AND ref_hash = $2 AND until > $3`,
		c.Service, c.refHash, (*db.Time)(&now))
}

// forgetRefusals removes what RefusedBefore doesn't use any more.
func forgetRefusals(ctx context.Context, tx *db.Tx, limit int) (int64, error) {
	now := tx.Now()
	return tx.Exec(ctx, `
		DELETE FROM refused_ref WHERE (service, ref_hash, until, charter) IN (
			SELECT service, ref_hash, until, charter FROM refused_ref WHERE until <= $1
			ORDER BY until, service, ref_hash, charter LIMIT $2)`,
		(*db.Time)(&now), limit)
}
