package catalog

import (
	"context"

	"wardkeep/internal/base/db"
)

// Editions returns the charters of a service in the order of their numbers, those behind
// after and at most limit.
func Editions(ctx context.Context, tx *db.Tx, service string, after int64, limit int) ([]Edition, error) {
	return db.All(ctx, tx, scanEdition, `
		SELECT `+editionColumns+` FROM charter
		WHERE service = $1 AND number > $2 ORDER BY number LIMIT $3`, service, after, int64(limit))
}
