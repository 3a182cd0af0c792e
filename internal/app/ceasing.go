package app

import (
	"context"
	"errors"
	"time"

	"github.com/riverqueue/river"

	"wardkeep/internal/base/db"
	"wardkeep/internal/cessation"
	"wardkeep/internal/ledger"
)

// endArgs asks for what an announced end waits for (Article 23). It has no arguments,
// as a sweep has none.
type endArgs struct{}

// Kind names the job.
func (endArgs) Kind() string { return "cessation.round" }

// InsertOpts keeps two from waiting at once.
func (endArgs) InsertOpts() river.InsertOpts { return sweepArgs{}.InsertOpts() }

type ender struct {
	river.WorkerDefaults[endArgs]
	app   *App
	waits func(context.Context) (bool, error) // whether messages about an end wait to be sent
}

// Work takes every step that can be taken now.
func (e *ender) Work(ctx context.Context, _ *river.Job[endArgs]) error {
	done, err := cessation.Round(ctx, e.app.Store, e.app.Vault, e.app.Farewell(), e.told)
	if done != (cessation.Done{}) {
		e.app.Log.InfoContext(ctx, "cessation: went on", "told", done.Told, "erased", done.Erased, "cleared", done.Cleared,
			"ended", done.Ended, "parted", done.Parted, "trimmed", done.Trimmed, "webhooks", done.Webhooks)
	}
	if ctx.Err() != nil {
		return river.JobSnooze(0) // its time is over, and there may be more
	}
	if err != nil {
		e.app.Log.ErrorContext(ctx, "cessation: what was announced doesn't end", "error", err)
		return errors.New("what was announced doesn't end; the log says why") // a job's error is stored in clear
	}
	return nil
}

// Timeout bounds one run; the next goes on where it was.
func (e *ender) Timeout(*river.Job[endArgs]) time.Duration { return 10 * time.Minute }

// told reports whether each message that the ledger asks for up to a place was sent or
// given up: its job is made before the place is passed, and has ended.
func (e *ender) told(ctx context.Context, place int64) (bool, error) {
	var passed int64
	err := e.app.Store.View(ctx, func(tx *db.Tx) (err error) {
		passed, err = ledger.Cursor(ctx, tx, messageCursor)
		return err
	})
	if err != nil || passed < place {
		return false, err
	}
	waits, err := e.waits(ctx)
	return !waits, err
}
