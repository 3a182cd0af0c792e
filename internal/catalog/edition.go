package catalog

import (
	"context"
	"errors"

	"wardkeep/internal/base/db"
)

// EditionOf returns a version, draft or not. Errors: ErrVersionNotFound.
func EditionOf(ctx context.Context, tx *db.Tx, service string, number int64) (Edition, error) {
	e, err := db.One(ctx, tx, scanEdition, `SELECT `+editionColumns+` FROM charter WHERE service = $1 AND number = $2`, service, number)
	if errors.Is(err, db.ErrNone) {
		err = ErrVersionNotFound
	}
	return e, err
}

// Editions returns the charters of a service in the order of their numbers, those behind
// after and at most limit.
func Editions(ctx context.Context, tx *db.Tx, service string, after int64, limit int) ([]Edition, error) {
	return db.All(ctx, tx, scanEdition, `
		SELECT `+editionColumns+` FROM charter
		WHERE service = $1 AND number > $2 ORDER BY number LIMIT $3`, service, after, int64(limit))
}
