package app

import (
	"context"
	"errors"
	"time"

	"wardkeep/internal/access"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/border"
	"wardkeep/internal/decoy"
	"wardkeep/internal/message"
	"wardkeep/internal/replay"
	"wardkeep/internal/retention"
)

const (
	// alarmEvery is between two looks at what the store itself says.
	alarmEvery = time.Minute
	// auditNews is for how long that an audit has found something is new, or that many have crossed
	// a border: for less than the day that a job which is done is kept, so that the letter comes
	// once.
	auditNews = 20 * time.Hour
)

// watchDuties makes letters to whoever holds an office of what no entry of the ledger
// tells, until ctx ends: a sweep that is behind (Article 12), an audit that has found
// something (Article 22), that many children's information has crossed a border this year.
func (a *App) watchDuties(ctx context.Context, insert func(context.Context, messageArgs) error) {
	tick := time.NewTicker(alarmEvery)
	defer tick.Stop()
	for {
		if err := a.passDuties(ctx, insert); err != nil && ctx.Err() == nil && !errors.Is(err, db.ErrClosed) {
			a.Log.ErrorContext(ctx, "message: alarms aren't looked for", "error", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// passDuties looks once. Whatever is so still is asked for again, and a job is made once:
// of a sweep one a day, of an audit one.
func (a *App) passDuties(ctx context.Context, insert func(context.Context, messageArgs) error) error {
	var due []message.Due
	err := a.Store.View(ctx, func(tx *db.Tx) (err error) {
		due, err = a.duties(ctx, tx)
		return err
	})
	if err != nil {
		return err
	}
	for _, d := range due {
		if err := insert(ctx, argsOf(d)); err != nil {
			return err
		}
	}
	return nil
}

func (a *App) duties(ctx context.Context, tx *db.Tx) (due []message.Due, err error) {
	now := tx.Now()
	swept, err := retention.LastSweep(ctx, tx)
	if err != nil {
		return nil, err
	}
	if behind := swept.Add(a.sweepPatience()); !swept.IsZero() && behind.Before(now) {
		if due, err = message.ToOffices(ctx, tx, message.SweepBehind, access.DayOf(now), behind); err != nil {
			return nil, err
		}
	}
	crossed, err := border.ThisYear(ctx, tx)
	if err != nil {
		return nil, err
	}
	if at := crossed.MarkedAt; !at.IsZero() && now.Sub(at) <= auditNews {
		near, err := message.ToOffices(ctx, tx, message.BordersNear, at.UnixMicro(), at)
		if err != nil {
			return nil, err
		}
		due = append(due, near...)
	}
	run, err := replay.LastRun(ctx, tx, a.Ring)
	switch e := errs.Of(err); {
	case e.Is(replay.ErrNoRun):
		return due, nil
	case e.Is(replay.ErrRunForged): // nobody knows when
		forged, err := message.ToOffices(ctx, tx, message.AuditDiffers, access.DayOf(now), now)
		return append(due, forged...), err
	case err != nil:
		return nil, err
	case run.OK() || now.Sub(run.At) > auditNews:
		return due, nil
	}
	found, err := message.ToOffices(ctx, tx, message.AuditDiffers, run.At.UnixMicro(), run.At)
	return append(due, found...), err
}

// watchDecoys raises the alarms of decoys that were touched, a second or two after it was
// recorded, until ctx ends. It is no job: those are kept, and one a second would be many.
func (a *App) watchDecoys(ctx context.Context) {
	tick := time.NewTicker(messageWait)
	defer tick.Stop()
	for {
		began := time.Now()
		n, err := decoy.Watch(ctx, a.Store, a.Ring)
		if err != nil && ctx.Err() == nil && !errors.Is(err, db.ErrClosed) {
			a.Log.ErrorContext(ctx, "approval: decoys aren't watched", "error", err)
		}
		if n > 0 && err == nil {
			breathe(ctx, time.Since(began))
			if ctx.Err() == nil {
				continue
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}
