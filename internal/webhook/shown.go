package webhook

import (
	"context"
	"time"

	"wardkeep/internal/base/db"
)

// A Known is an endpoint whose secret a person was shown: whoever has it writes to the receiver in our name.
type Known struct {
	Endpoint, Service string
	Person            string
	LeftAt            time.Time // of the person; zero: it hasn't left
}

func scanKnown(row db.Row) (k Known, err error) {
	err = row.Scan(&k.Endpoint, &k.Service, &k.Person, (*db.Time)(&k.LeftAt))
	return k, err
}

const known = `
	SELECT e.endpoint, e.service, e.shown_to, p.left_at FROM webhook_endpoint e JOIN person p ON p.id = e.shown_to`

// KnownTo returns the endpoints whose secret the person was shown last, at most limit (Article 15). That
// a former secret signs beside the new one, for as long as its overlap, is not told: it ends by itself.
func KnownTo(ctx context.Context, tx *db.Tx, person string, limit int) ([]Known, error) {
	return db.All(ctx, tx, scanKnown, known+` WHERE e.shown_to = $1 ORDER BY e.service, e.endpoint LIMIT $2`, person, int64(limit))
}

// KnownOutside returns the endpoints of a service whose secret somebody was shown who has left since:
// until it is rotated, or the endpoint removed.
func KnownOutside(ctx context.Context, tx *db.Tx, service string) ([]Known, error) {
	return db.All(ctx, tx, scanKnown, known+` WHERE e.service = $1 AND p.state = 'left' ORDER BY e.endpoint`, service)
}
