package consent

import (
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/family"
)

// A Grant is a yes that a guardian has given at some time, whether or not it stands.
type Grant struct {
	Purpose string
	Charter int64 // that it was given to
	GivenAt time.Time
	EndedAt time.Time // zero while it stands
}

// ReadGrants reads every yes that there ever was about a child, in the order in which
// they were given.
func ReadGrants(into *[]Grant, child family.ID) db.Read {
	return db.ReadInto(into, func(row db.Row) (g Grant, err error) {
		err = row.Scan(&g.Purpose, &g.Charter, (*db.Time)(&g.GivenAt), (*db.Time)(&g.EndedAt))
		return g, err
	}, `
		SELECT purpose, charter, given_at, ended_at FROM consent
		WHERE child = $1 AND granted = true
		ORDER BY given_at, id`, child)
}
