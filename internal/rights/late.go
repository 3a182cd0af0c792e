package rights

import (
	"context"
	"time"

	"wardkeep/internal/base/db"
)

// A Late says what should be over: demands past their day, and children who should
// be erased by now. Each counts to 1000 at most.
type Late struct{ Demands, Erasures int64 }

// CountLate returns what is late on all services. An erasure is, once it has been
// due for as long as patience: a sweep takes a while. It reads the two indexes of
// those times, so that it costs what is late, and not much of that.
func CountLate(ctx context.Context, tx *db.Tx, patience time.Duration) (Late, error) {
	now := tx.Now()
	since := now.Add(-patience)
	demands, err := db.One(ctx, tx, db.Single[int64], `
		SELECT count(*) FROM (SELECT id FROM rights_request WHERE due_at <= $1 AND state = 'open' LIMIT 1000) AS late`, (*db.Time)(&now))
	if err != nil {
		return Late{}, err
	}
	erasures, err := db.One(ctx, tx, db.Single[int64], `
		SELECT count(*) FROM (SELECT id FROM rights_request WHERE erase_at <= $1 LIMIT 1000) AS late`, (*db.Time)(&since))
	return Late{demands, erasures}, err
}

// CountLateOf is CountLate of one service.
func CountLateOf(ctx context.Context, tx *db.Tx, service string, patience time.Duration) (Late, error) {
	now := tx.Now()
	since := now.Add(-patience)
	demands, err := db.One(ctx, tx, db.Single[int64], `
		SELECT count(*) FROM (SELECT id FROM rights_request WHERE service = $1 AND due_at <= $2 AND state = 'open' LIMIT 1000) AS late`,
		service, (*db.Time)(&now))
	if err != nil {
		return Late{}, err
	}
	erasures, err := db.One(ctx, tx, db.Single[int64], `
		SELECT count(*) FROM (SELECT id FROM rights_request WHERE erase_at <= $1 AND service = $2 LIMIT 1000) AS late`,
		(*db.Time)(&since), service)
	return Late{demands, erasures}, err
}
