package consent

import (
	"context"

	"wardkeep/internal/base/db"
)

// Unsent returns at most limit requests of a service that wait and were never
// sent, in a fixed order, those behind after; the zero Request is before the
// first. Requests that are handed over as a link are not among them.
func Unsent(ctx context.Context, tx *db.Tx, service string, after Request, limit int) ([]Request, error) {
	now := tx.Now()
	return db.All(ctx, tx, scanRequest, `
		SELECT `+requestColumns+` FROM consent_request
		WHERE (child, id) > ($1, $2) AND service = $3 AND state = 'pending' AND sends = 0 AND channel <> 'link' AND expires_at > $4
		ORDER BY child, id LIMIT $5`, after.Child, after.ID, service, (*db.Time)(&now), limit)
}

// CountUnsent returns how many requests Unsent would return, and how many of
// them are to go by SMS.
func CountUnsent(ctx context.Context, tx *db.Tx, service string) (all, bySMS int64, err error) {
	now := tx.Now()
	err = db.Each(ctx, tx, func(row db.Row) error { return row.Scan(&all, &bySMS) }, `
		SELECT count(*), CAST(coalesce(sum(CASE WHEN channel = 'sms' THEN 1 ELSE 0 END), 0) AS bigint) FROM consent_request
		WHERE service = $1 AND state = 'pending' AND sends = 0 AND channel <> 'link' AND expires_at > $2`, service, (*db.Time)(&now))
	return all, bySMS, err
}
