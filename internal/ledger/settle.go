package ledger

import (
	"context"

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
