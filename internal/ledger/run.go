package ledger

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"wardkeep/internal/base/db"
)

// The rhythm of Run. Rounds are apart so that batches grow: on SQLite a round
// takes its turn among the requests. An entry waits for its place for about
// restWait, so a checkpoint is far younger than a second.
const (
	restWait = 75 * time.Millisecond  // after a round that placed all there was
	idleWait = 150 * time.Millisecond // between two looks for work
	busyWait = 500 * time.Millisecond // while another process has the lease
	failWait = 2 * time.Second        // after an error
)

// Run sequences until ctx ends, and then returns nil. An error is logged, and
// tried again: entries that can't be placed stay where they are, durable. A
// damaged ledger stays as it is until someone looks (wardkeep verify).
func (l *Log) Run(ctx context.Context) error {
	for {
		wait, err := l.step(ctx)
		if ctx.Err() != nil || errors.Is(err, db.ErrClosed) {
			return nil
		}
		if err != nil {
			slog.ErrorContext(ctx, "ledger: no round", "error", err)
		}
		if pause(ctx, wait) != nil {
			return nil
		}
	}
}

// step does one round if there is work, and returns how long to wait.
func (l *Log) step(ctx context.Context) (time.Duration, error) {
	work, err := l.work(ctx)
	if err != nil {
		return failWait, err
	}
	if !work {
		return idleWait, nil
	}
	_, full, err := l.sequence(ctx)
	switch {
	case errors.Is(err, ErrBusy):
		return busyWait, nil
	case err != nil:
		return failWait, err
	case full:
		return time.Millisecond, nil // more waits: only let others have the writer
	}
	return restWait, nil
}

// work reports whether a round has anything to do: entries wait, or there is
// no head yet.
func (l *Log) work(ctx context.Context) (bool, error) {
	var pending, heads []int64
	err := l.store.View(ctx, func(tx *db.Tx) error {
		pending, heads = nil, nil
		return tx.Together(ctx,
			db.ReadInto(&pending, db.Single[int64], `SELECT version FROM ledger_pending LIMIT 1`),
			db.ReadInto(&heads, db.Single[int64], `SELECT size FROM ledger_head WHERE id = $1`, 1))
	})
	return len(pending) > 0 || len(heads) == 0, err
}

// pause waits, or returns ctx's error if it ends first.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
