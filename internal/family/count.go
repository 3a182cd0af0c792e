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

// CountAges returns of how many persons of a service something is held who are under 14, and of
// how many from 14 to 17, as the last sweep has told of their birthdays: whose age is unknown is
// a child, and who is 18 is in neither. It reads each of the living, and opens no birth date: it is
// for what is done once a year, and for no page.
func CountAges(ctx context.Context, tx *db.Tx, service string) (children, minors int64, err error) {
	err = db.Each(ctx, tx, func(row db.Row) error {
		var aged Aged
		var n int64
		if err := row.Scan(&aged, &n); err != nil {
			return err
		}
		switch aged {
		case AgedNot, AgedTurning:
			children += n
		case AgedTurned:
			minors += n
		}
		return nil
	}, `SELECT aged, count(*) FROM child WHERE service = $1 AND state <> 'erased' GROUP BY aged ORDER BY aged`, service)
	return children, minors, err
}
