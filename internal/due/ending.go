package due

import (
	"context"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/vault"
)

// Weeks is of how many weeks is told what ends in them.
const Weeks = 4

// Ends are how many values of a purpose end within each of the next weeks, up to Many of
// each.
type Ends struct {
	Purpose string
	Weeks   [Weeks]int64
}

// Ending returns of each purpose of a service how many values end soon (Article 12). It
// costs what is counted, and not what is held.
func Ending(ctx context.Context, tx *db.Tx, service string) (all []Ends, err error) {
	purposes, err := vault.Purposes(ctx, tx, service, time.Time{})
	if err != nil {
		return nil, err
	}
	for _, p := range purposes {
		e := Ends{Purpose: p.Purpose}
		from := tx.Now()
		for i := range e.Weeks {
			to := from.Add(7 * 24 * time.Hour)
			e.Weeks[i], err = db.One(ctx, tx, db.Single[int64], `
				SELECT count(*) FROM (
					SELECT child FROM value WHERE service = $1 AND purpose = $2 AND expires_at > $3 AND expires_at <= $4 LIMIT $5
				) AS ending`, service, p.Purpose, from.UnixMicro(), to.UnixMicro(), int64(Many))
			if err != nil {
				return nil, err
			}
			from = to
		}
		all = append(all, e)
	}
	return all, nil
}
