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
	"wardkeep/internal/family/age"
	"wardkeep/internal/incident"
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
	var found []incident.Finding
	err := a.Store.View(ctx, func(tx *db.Tx) (err error) {
		due, found, err = a.duties(ctx, tx)
		return err
	})
	if err != nil {
		return err
	}
	// Article 21: what the store says of itself is a case of each service that it may concern, once.
	// A case that can't be opened keeps no letter from whoever would open it by hand.
	var failed []error
	for _, f := range found {
		failed = append(failed, a.openCases(ctx, f))
	}
	for _, d := range due {
		failed = append(failed, insert(ctx, argsOf(d)))
	}
	return errors.Join(failed...)
}

// openCases opens the cases of what was found about the whole installation: one that fails holds
// up no other service's.
func (a *App) openCases(ctx context.Context, f incident.Finding) error {
	var services []string
	failed := []error{a.Store.View(ctx, func(tx *db.Tx) (err error) {
		services, err = incident.Unraised(ctx, tx, f)
		return err
	})}
	for _, service := range services {
		failed = append(failed, a.Store.Update(ctx, func(tx *db.Tx) error {
			_, _, err := a.incidents().Raise(ctx, tx, service, f)
			if errors.Is(err, incident.ErrMany) {
				err = nil // the office has its hands full
			}
			return err
		}))
	}
	return errors.Join(failed...)
}

func (a *App) incidents() incident.Desk { return incident.Desk{Ring: a.Ring, Charters: a.Charters} }

func (a *App) duties(ctx context.Context, tx *db.Tx) (due []message.Due, found []incident.Finding, err error) {
	now := tx.Now()
	swept, err := retention.LastSweep(ctx, tx)
	if err != nil {
		return nil, nil, err
	}
	if behind := swept.Add(a.sweepPatience()); !swept.IsZero() && behind.Before(now) {
		found = append(found, incident.Finding{Cause: incident.Unswept, At: behind})
		if due, err = message.ToOffices(ctx, tx, message.SweepBehind, access.DayOf(now), behind); err != nil {
			return nil, nil, err
		}
	}
	crossed, err := border.ThisYear(ctx, tx)
	if err != nil {
		return nil, nil, err
	}
	if at := crossed.MarkedAt; !at.IsZero() && now.Sub(at) <= auditNews {
		near, err := message.ToOffices(ctx, tx, message.BordersNear, at.UnixMicro(), at)
		if err != nil {
			return nil, nil, err
		}
		due = append(due, near...)
	}
	run, err := replay.LastRun(ctx, tx, a.Ring)
	switch e := errs.Of(err); {
	case e.Is(replay.ErrNoRun):
		return due, found, nil
	case e.Is(replay.ErrRunForged): // nobody knows when
		forged, err := message.ToOffices(ctx, tx, message.AuditDiffers, access.DayOf(now), now)
		// One case a day, as there is one letter: who has closed it doesn't have the next a minute later.
		today := time.Date(now.In(age.Zone).Year(), now.In(age.Zone).Month(), now.In(age.Zone).Day(), 0, 0, 0, 0, age.Zone)
		return append(due, forged...), append(found, incident.Finding{Cause: incident.Audited, At: today}), err
	case err != nil:
		return nil, nil, err
	case run.OK() || now.Sub(run.At) > auditNews:
		return due, found, nil
	}
	differs, err := message.ToOffices(ctx, tx, message.AuditDiffers, run.At.UnixMicro(), run.At)
	return append(due, differs...), append(found, incident.Finding{Cause: incident.Audited, At: run.At}), err
}

// watchDecoys raises the alarms of decoys that were touched, and opens the cases of alarms, a second or two after it was
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
		opened, failed := a.incidents().Watch(ctx, a.Store)
		if failed != nil && ctx.Err() == nil && !errors.Is(failed, db.ErrClosed) {
			a.Log.ErrorContext(ctx, "incident: no cases are opened by alarms", "error", failed)
		}
		n, err = max(n, opened), errors.Join(err, failed)
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
