package family

import (
	"context"

	"wardkeep/internal/base/db"
)

// CountUnder returns how many children's keys a pool key wraps, for whoever
// looks after the keys.
func CountUnder(ctx context.Context, tx *db.Tx, pool string) (int64, error) {
	return db.One(ctx, tx, db.Single[int64], `SELECT count(*) FROM child WHERE pool = $1`, pool)
}
