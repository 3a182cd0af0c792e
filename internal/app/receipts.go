package app

import (
	"context"
	"errors"
	"time"

	"github.com/riverqueue/river"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/consent"
	"wardkeep/internal/ledger"
	"wardkeep/internal/notify"
	"wardkeep/internal/receipt"
)

// receiptArgs ask for the message about one answer or withdrawal. Arguments of
// jobs are stored in clear: these are names that the ledger has, too.
type receiptArgs struct {
	About string `json:"about" river:"unique"`
	Entry string `json:"entry"`
}

// Kind names the job.
func (receiptArgs) Kind() string { return "receipt.send" }

// receiptTries, with pauses that grow (River waits for the fourth power of the
// try, in seconds), are about a day.
const receiptTries = 14

// InsertOpts has one job for one message, though its entries are read again after
// a crash: River looks for the same one among those that are done, too.
func (receiptArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{MaxAttempts: receiptTries, UniqueOpts: river.UniqueOpts{ByArgs: true}}
}

type receiptSender struct {
	river.WorkerDefaults[receiptArgs]
	app  *App
	post receipt.Post
}

func (a *App) receiptSender() *receiptSender {
	return &receiptSender{app: a, post: receipt.Post{
		Store: a.Store, Desk: consent.Desk{Ring: a.Ring, Charters: a.Charters}, Messages: a.Messages, PublicURL: a.Config.PublicURL,
	}}
}

// Work sends one message. A gateway that can't take it now gets it again; one
// that won't, never.
func (s *receiptSender) Work(ctx context.Context, job *river.Job[receiptArgs]) error {
	err := s.post.Send(ctx, receipt.Due{About: job.Args.About, Entry: job.Args.Entry})
	if err == nil || errors.Is(err, receipt.ErrNobody) {
		return nil
	}
	refused := errors.Is(err, notify.ErrRejected) || errors.Is(err, notify.ErrAddress) || errors.Is(err, notify.ErrMessage)
	code := errs.Of(err).Code
	if refused || job.Attempt >= job.MaxAttempts {
		s.app.Log.ErrorContext(ctx, "receipt: not sent", "code", code, "entry", job.Args.Entry, "error", err)
	}
	told := errors.New(code) // a job's error is stored in clear
	if refused {
		return river.JobCancel(told)
	}
	return told
}

// Timeout bounds one attempt.
func (s *receiptSender) Timeout(*river.Job[receiptArgs]) time.Duration { return time.Minute }

const (
	// receiptsCursor is the name of the consumer of the ledger.
	receiptsCursor = "receipts"
	// receiptsWait is between two looks at the ledger: a guardian who has just
	// answered has the message while still at the page.
	receiptsWait = time.Second
)

// followReceipts turns entries of the ledger into jobs, until ctx ends. If we
// crash after a job was made and before the cursor has moved, the job is there
// already when its entry is read again.
func (a *App) followReceipts(ctx context.Context, insert func(context.Context, receiptArgs) error) {
	wait := time.NewTicker(receiptsWait)
	defer wait.Stop()
	for {
		err := a.passReceipts(ctx, insert)
		if err != nil && ctx.Err() == nil && !errors.Is(err, db.ErrClosed) && !errors.Is(err, ledger.ErrCursorMoved) {
			a.Log.ErrorContext(ctx, "receipt: the ledger isn't followed", "error", err)
		}
		select {
		case <-wait.C:
		case <-ctx.Done():
			return
		}
	}
}

// passReceipts looks at the entries that came since the last time. Several nodes
// may look at once: a job is made once, and one of them moves the cursor.
func (a *App) passReceipts(ctx context.Context, insert func(context.Context, receiptArgs) error) error {
	for more := true; more; {
		began := time.Now()
		var due []receipt.Due
		var from, next int64
		err := a.Store.View(ctx, func(tx *db.Tx) (err error) {
			if from, err = ledger.Cursor(ctx, tx, receiptsCursor); err == nil {
				due, next, err = receipt.FromLedger(ctx, tx, from)
			}
			return err
		})
		if err != nil || next == from {
			return err
		}
		for _, d := range due {
			if err := insert(ctx, receiptArgs{d.About, d.Entry}); err != nil {
				return err
			}
		}
		err = a.Store.Update(ctx, func(tx *db.Tx) error { return ledger.Advance(ctx, tx, receiptsCursor, from, next) })
		if err != nil {
			return err
		}
		if more = next-from >= receipt.Round; more {
			breathe(ctx, time.Since(began))
		}
	}
	return nil
}
