package app

import (
	"context"
	"errors"
	"time"

	"github.com/riverqueue/river"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/ledger"
	"wardkeep/internal/message"
	"wardkeep/internal/notify"
)

// messageArgs ask for one message. Arguments of jobs are stored in clear: these are
// names that the ledger has, too.
type messageArgs struct {
	About    string            `json:"about" river:"unique"`
	Entry    string            `json:"entry"`
	What     string            `json:"what,omitempty"` // the kind of message
	Guardian family.GuardianID `json:"guardian,omitempty"`
	Person   string            `json:"person,omitempty"` // inside, who is told of an alarm
	Cause    string            `json:"cause,omitempty"`  // of the alarm
	At       int64             `json:"at,omitempty"`
}

func argsOf(d message.Due) messageArgs {
	return messageArgs{d.About, d.Entry, d.Kind, d.Guardian, d.Person, d.Cause, d.At}
}

// Kind names the job.
func (messageArgs) Kind() string { return "message.send" }

// messageTries, with pauses that grow (River waits for the fourth power of the try,
// in seconds), are about a day.
const messageTries = 14

// messageQueue is one of their own: a gateway that answers nobody keeps those who
// wait for it waiting, and no sweep (Article 12).
const messageQueue = "messages"

// ceasingQueue is that of the end of a service: where a gateway takes a million slowly,
// no receipt waits behind them, and it is seen when none is left.
const ceasingQueue = "ceasing"

func (m messageArgs) queue() string {
	if m.What == notify.KindCeasing || m.What == notify.KindPurposeCeasing {
		return ceasingQueue
	}
	return messageQueue
}

// InsertOpts has one job for one message, though its entries are read again after
// a crash: River looks for the same one among those that are done, too.
func (m messageArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: m.queue(), MaxAttempts: messageTries, UniqueOpts: river.UniqueOpts{ByArgs: true}}
}

type teller struct {
	river.WorkerDefaults[messageArgs]
	app *App
	message.Teller
}

func (a *App) teller() *teller {
	return &teller{app: a, Teller: message.Teller{
		Store: a.Store, Desk: consent.Desk{Ring: a.Ring, Charters: a.Charters}, Messages: a.Messages, PublicURL: a.Config.PublicURL,
		Proofs: len(a.Verification.Offered()) > 0, ConsoleURL: a.Config.Console.URL,
	}}
}

// Farewell tells those whose contact ends. There is one for all of the program,
// made with the senders that there are at the first call.
func (a *App) Farewell() *message.Farewell {
	a.farewellOnce.Do(func() {
		a.farewell = &message.Farewell{
			Desk: consent.Desk{Ring: a.Ring, Charters: a.Charters}, Messages: a.Messages, PublicURL: a.Config.PublicURL, Log: a.Log,
			Going: a.going,
		}
	})
	return a.farewell
}

// Work sends one message. A gateway that can't take it now gets it again; one
// that won't, never.
func (t *teller) Work(ctx context.Context, job *river.Job[messageArgs]) error {
	err := t.Send(ctx, message.Due{About: job.Args.About, Entry: job.Args.Entry, Kind: job.Args.What, Guardian: job.Args.Guardian,
		Person: job.Args.Person, Cause: job.Args.Cause, At: job.Args.At})
	if err == nil || errors.Is(err, message.ErrNobody) {
		return nil
	}
	refused := errors.Is(err, notify.ErrRejected) || errors.Is(err, notify.ErrAddress) || errors.Is(err, notify.ErrMessage)
	code := errs.Of(err).Code
	if refused || job.Attempt >= job.MaxAttempts {
		t.app.Log.ErrorContext(ctx, "message: not sent", "code", code, "entry", job.Args.Entry, "error", err)
	}
	told := errors.New(code) // a job's error is stored in clear
	if refused {
		return river.JobCancel(told)
	}
	return told
}

// Timeout bounds one attempt.
func (t *teller) Timeout(*river.Job[messageArgs]) time.Duration { return time.Minute }

const (
	// messageCursor is the name of the consumer of the ledger.
	messageCursor = "messages"
	// messageWait is between two looks at the ledger: a guardian who has just
	// answered has the message while still at the page.
	messageWait = time.Second
)

// followLedger turns entries of the ledger into jobs, until ctx ends. If we
// crash after a job was made and before the cursor has moved, the job is there
// already when its entry is read again.
func (a *App) followLedger(ctx context.Context, insert func(context.Context, messageArgs) error) {
	wait := time.NewTicker(messageWait)
	defer wait.Stop()
	for {
		err := a.passLedger(ctx, insert)
		if err != nil && ctx.Err() == nil && !errors.Is(err, db.ErrClosed) && !errors.Is(err, ledger.ErrCursorMoved) {
			a.Log.ErrorContext(ctx, "message: the ledger isn't followed", "error", err)
		}
		select {
		case <-wait.C:
		case <-ctx.Done():
			return
		}
	}
}

// passLedger looks at the entries that came since the last time. Several nodes
// may look at once: a job is made once, and one of them moves the cursor.
func (a *App) passLedger(ctx context.Context, insert func(context.Context, messageArgs) error) error {
	for more := true; more; {
		began := time.Now()
		var due []message.Due
		var from, next int64
		err := a.Store.View(ctx, func(tx *db.Tx) (err error) {
			if from, err = ledger.Cursor(ctx, tx, messageCursor); err == nil {
				due, next, err = message.FromLedger(ctx, tx, a.Ring, from)
			}
			return err
		})
		if err != nil || next == from {
			return err
		}
		for _, d := range due {
			if err := insert(ctx, argsOf(d)); err != nil {
				return err
			}
		}
		err = a.Store.Update(ctx, func(tx *db.Tx) error { return ledger.Advance(ctx, tx, messageCursor, from, next) })
		if err != nil {
			return err
		}
		if more = next-from >= message.Round; more {
			breathe(ctx, time.Since(began))
		}
	}
	return nil
}
