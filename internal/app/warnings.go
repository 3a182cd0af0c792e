package app

import (
	"context"
	"errors"
	"time"

	"github.com/riverqueue/river"

	"wardkeep/internal/base/db"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/incident"
	"wardkeep/internal/warning"
)

// Warnings tells those whom a case has reached.
func (a *App) Warnings() warning.Teller {
	return warning.Teller{Store: a.Store, Reached: reached,
		Desk: warning.Desk{Consent: consent.Desk{Ring: a.Ring, Charters: a.Charters}, Messages: a.Messages, PublicURL: a.Config.PublicURL}}
}

// reached returns the children on the list of a case.
func reached(ctx context.Context, tx *db.Tx, about string, after family.ID, limit int) (ids []family.ID, err error) {
	some, err := incident.Reached(ctx, tx, about, after, limit)
	for _, c := range some {
		ids = append(ids, c.Child)
	}
	return ids, err
}

// warnArgs ask for a round of those who are told of cases. They have no arguments, as a sweep has none.
type warnArgs struct{}

// Kind names the job.
func (warnArgs) Kind() string { return "warning.round" }

// InsertOpts keeps two from waiting at once.
func (warnArgs) InsertOpts() river.InsertOpts { return sweepArgs{}.InsertOpts() }

// warnEvery is between two rounds: who is told at once is told within a minute (Article 21).
const warnEvery = 20 * time.Second

type warner struct {
	river.WorkerDefaults[warnArgs]
	app *App
}

// Work prepares and tells whose turn it is.
func (w *warner) Work(ctx context.Context, _ *river.Job[warnArgs]) error {
	done, err := w.app.Warnings().Round(ctx)
	if done != (warning.Done{}) {
		w.app.Log.InfoContext(ctx, "warning: told", "prepared", done.Prepared, "sent", done.Sent, "failed", done.Failed, "waits", done.Waits)
	}
	if ctx.Err() != nil {
		return river.JobSnooze(0) // its time is over, and there may be more
	}
	if err != nil {
		w.app.Log.ErrorContext(ctx, "warning: somebody isn't told", "error", err)
		return errors.New("somebody isn't told; the log says why") // a job's error is stored in clear
	}
	return nil
}

// Timeout bounds one run; the next goes on where it was.
func (w *warner) Timeout(*river.Job[warnArgs]) time.Duration { return 10 * time.Minute }
