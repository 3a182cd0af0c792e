package account

import (
	"context"
	"strings"
	"time"

	"wardkeep/internal/base/db"
)

// ShownTo returns the person of an actor of the ledger, "st_…" of "staff:st_…", or "": whoever is at
// the terminal has no account, and never leaves.
func ShownTo(actor string) string {
	person, ok := strings.CutPrefix(actor, "staff:")
	if !ok {
		return ""
	}
	return person
}

// A Known is an app, a key of which is good that a person was shown.
type Known struct {
	ID, Service, Name string
	Person            string
	LeftAt            time.Time // of the person; zero: it hasn't left
}

func scanKnown(row db.Row) (k Known, err error) {
	err = row.Scan(&k.ID, &k.Service, &k.Name, &k.Person, (*db.Time)(&k.LeftAt))
	return k, err
}

const knownKeys = `
	SELECT DISTINCT c.id, c.service, c.name, c.shown_to, p.left_at FROM credential c JOIN person p ON p.id = c.shown_to
	WHERE c.revoked_at IS NULL AND (c.expires_at IS NULL OR c.expires_at > $1)`

// KnownTo returns the apps a key of which is good that the person was shown, at most limit: what it goes on
// knowing when it leaves (Article 15).
func KnownTo(ctx context.Context, tx *db.Tx, person string, limit int) ([]Known, error) {
	now := tx.Now()
	return db.All(ctx, tx, scanKnown, knownKeys+` AND c.shown_to = $2 ORDER BY c.service, c.id LIMIT $3`, (*db.Time)(&now), person, int64(limit))
}

// KnownOutside returns the apps of a service a key of which is good that somebody was shown who has
// left since: of each such person, until that key is rotated, and its overlap over, or revoked.
func KnownOutside(ctx context.Context, tx *db.Tx, service string) ([]Known, error) {
	now := tx.Now()
	return db.All(ctx, tx, scanKnown, knownKeys+` AND c.service = $2 AND p.state = 'left' ORDER BY c.id, c.shown_to`, (*db.Time)(&now), service)
}
