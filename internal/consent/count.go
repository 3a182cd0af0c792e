package consent

import (
	"context"
	"fmt"
	"strings"

	"wardkeep/internal/base/db"
)

// Affected returns how many guardians of a service must be asked again when
// these purposes change materially: those with a standing grant of one of them.
// A guardian of two children counts once for each. The database counts; no row
// comes here.
func Affected(ctx context.Context, tx *db.Tx, service string, purposes []string) (guardians int64, err error) {
	if len(purposes) == 0 {
		return 0, nil
	}
	args := []any{service}
	places := make([]string, len(purposes))
	for i, p := range purposes {
		places[i] = fmt.Sprintf("$%d", i+2)
		args = append(args, p)
	}
	return db.One(ctx, tx, db.Single[int64], `
		SELECT count(*)
		FROM child c
		JOIN guardian g ON g.child = c.child
		WHERE c.service = $1 AND c.state <> 'erased' AND g.ended_at IS NULL AND EXISTS (
			SELECT 1 FROM consent a
			WHERE a.child = g.child AND a.guardian = g.guardian AND a.granted AND a.ended_at IS NULL
				AND a.purpose IN (`+strings.Join(places, ", ")+`))`, args...)
}

// Touched returns of how many children somebody has a standing grant of each purpose of
// the service. It reads all of them, so nobody waits for it in a transaction that writes.
func Touched(ctx context.Context, tx *db.Tx, service string) (children map[string]int64, err error) {
	children = make(map[string]int64)
	return children, db.Each(ctx, tx, func(row db.Row) error {
		var purpose string
		var n int64
		err := row.Scan(&purpose, &n)
		children[purpose] = n
		return err
	}, `
		SELECT a.purpose, count(DISTINCT a.child)
		FROM child c
		JOIN consent a ON a.child = c.child
		JOIN guardian g ON g.child = a.child AND g.guardian = a.guardian
		WHERE c.service = $1 AND c.state <> 'erased' AND g.ended_at IS NULL AND a.granted AND a.ended_at IS NULL
		GROUP BY a.purpose
		ORDER BY a.purpose`, service)
}
