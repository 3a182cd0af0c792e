package rights

import (
	"context"
	"time"

	"wardkeep/internal/base/db"
)

// A Late says what should be over: demands past their day, on all services, and
// children who should be erased by now. Each counts to 1000 at most.
type Late struct{ Demands, Erasures int64 }

// CountLate returns what is late. An erasure is, once it has been due for as long
// as patience: a sweep takes a while. It reads the two indexes of those times, so
// that it costs what is late, and not much of that.
func CountLate(ctx context.Context, tx *db.Tx, patience time.Duration) (late Late, err error) {
	now := tx.Now()
	late.Demands, err = db.One(ctx, tx, db.Single[int64], `
		SELECT count(*) FROM (SELECT due_at FROM rights_request WHERE due_at <= $1 AND state = 'open' LIMIT 1000) AS late`, (*db.Time)(&now))
	if err != nil {
		return late, err
	}
	since := now.Add(-patience)
	late.Erasures, err = db.One(ctx, tx, db.Single[int64], `
		SELECT count(*) FROM (SELECT erase_at FROM rights_request WHERE erase_at <= $1 LIMIT 1000) AS late`, (*db.Time)(&since))
	return late, err
}
