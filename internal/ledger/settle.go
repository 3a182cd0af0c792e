package ledger

import (
	"context"
	"errors"

	"wardkeep/internal/base/db"
)

// Settle is Flush for a process that ends: it does nothing where nothing waits,
// and gives the lease up afterwards.
func (l *Log) Settle(ctx context.Context) error {
	work, err := l.work(ctx)
	if err != nil || !work {
		return err
	}
	if err := l.Flush(ctx); err != nil {
		return err
	}
	return l.Release(ctx)
}

// Release gives the lease up, if this process has it, so that the next one need
// not wait until it runs out. If we crash before it, the next one waits.
func (l *Log) Release(ctx context.Context) error {
	return l.store.Update(ctx, func(tx *db.Tx) error {
		return tx.Queue(ctx, `
			UPDATE lease SET until = $1 WHERE name = $2 AND holder = $3`, 0, "ledger", l.holder)
	})
}

// Leads reports whether this process was the last to have the lease, so that it is the
// one that numbers, or would if anything waited.
func (l *Log) Leads(ctx context.Context, tx *db.Tx) (bool, error) {
	holder, err := db.One(ctx, tx, db.Single[string], `SELECT holder FROM lease WHERE name = $1 AND until > $2`, "ledger", 0)
	if errors.Is(err, db.ErrNone) {
		return false, nil
	}
	return holder == l.holder, err
}
