package family

import (
	"context"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/family/age"
)

// CountUnder returns how many children's keys a pool key wraps, for whoever
// looks after the keys.
func CountUnder(ctx context.Context, tx *db.Tx, pool string) (int64, error) {
	return db.One(ctx, tx, db.Single[int64], `SELECT count(*) FROM child WHERE pool = $1`, pool)
}

// CountAges returns of how many persons of a service something is held who are under 14 at this
// moment, and of how many from 14 to 17: whose age is unknown is a child, and who is 18 is in
// neither. What the sweep has told of birthdays doesn't matter. It reads each of the living, by
// the keyed day on which its childhood ends, and opens no birth date: it is for what is done a
// few times a year, and for no page.
func CountAges(ctx context.Context, tx *db.Tx, ring *keyring.Ring, service string) (children, minors int64, err error) {
	children, err = db.One(ctx, tx, db.Single[int64], `
		SELECT count(*) FROM child WHERE service = $1 AND state <> 'erased' AND turns_14 IS NULL`, service)
	if err != nil {
		return 0, 0, err
	}
	left := leftChildhood(ring, tx.Now())
	err = db.Each(ctx, tx, func(row db.Row) error {
		var day []byte
		var n int64
		if err := row.Scan(&day, &n); err != nil {
			return err
		}
		switch left[string(day)] {
		case age.Minor:
			minors += n
		case age.Adult:
		default:
			children += n // the day is to come; or nobody knows it, which makes nobody older
		}
		return nil
	}, `SELECT turns_14, count(*) FROM child WHERE service = $1 AND state <> 'erased' AND turns_14 IS NOT NULL GROUP BY turns_14 ORDER BY turns_14`, service)
	return children, minors, err
}

// countedYears is how far back the days are known on which a childhood has ended. Nobody is
// registered who is 18, so who ended theirs before has been held for longer than that.
const countedYears = 20

// leftChildhood returns what they are by now whose childhood has ended on a day, by the
// hash of that day.
func leftChildhood(ring *keyring.Ring, now time.Time) map[string]age.Class {
	left := make(map[string]age.Class)
	y, m, d := now.In(age.Zone).Date()
	for n := range countedYears * 366 {
		day := time.Date(y, m, d-n, 0, 0, 0, 0, age.Zone)
		if hash := string(dayHash(ring, day)); left[hash] == "" {
			left[hash] = age.Minor
		}
		for _, end := range age.ChildhoodEnds(day) {
			left[string(dayHash(ring, end))] = age.Adult
		}
	}
	return left
}
