package incident

import (
	"context"
	"errors"
	"time"

	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
	"wardkeep/internal/ledger"
)

// A Cause is the alarm that has opened a case.
type Cause string

// The causes.
const (
	Burst   Cause = "burst" // somebody reads more, and faster, than anybody needs
	Touched Cause = "decoy" // a child that nobody is was touched
	Audited Cause = "audit" // what is stored isn't what was recorded
	Unswept Cause = "sweep" // what is over isn't deleted
)

// Causes lists them.
var Causes = []Cause{Burst, Touched, Audited, Unswept}

// Of returns the cause of a case that an alarm opens, and "" of one that opens none: what
// somebody has done at night, say, is looked at, and no case by itself.
func Of(alarm approval.Cause) Cause {
	switch alarm {
	case approval.Burst:
		return Burst
	case approval.Touched:
		return Touched
	}
	return ""
}

// Kind is what may have happened.
func (c Cause) Kind() Kind {
	switch c {
	case Audited:
		return Altered
	case Unswept:
		return Misused // what is kept for longer than was agreed to
	}
	return Leaked
}

// recorder is who opens cases by alarms, as the ledger names actors.
const recorder = "system:incident"

// A Finding is what Wardkeep has found by itself.
type Finding struct {
	Cause   Cause
	Suspect string    // whose doing it is, as the ledger names actors; empty: nobody's
	At      time.Time // since when it is so
	Alarm   string    // the entry of the alarm, where there is one
}

// Raise opens a case by an alarm (Article 21), and returns it with its entry; where one is open
// by that cause and of that doing, or was since the finding is so, it returns that, and no entry:
// a burst that goes on is one case, and so is what is looked at again. It holds the service, so
// that of two nodes one opens it. Errors: catalog.ErrNotFound, ErrMany.
func (d Desk) Raise(ctx context.Context, tx *db.Tx, service string, f Finding) (Case, string, error) {
	if _, err := catalog.Hold(ctx, tx, service); err != nil {
		return Case{}, "", err
	}
	c, err := raised(ctx, tx, service, f)
	if !errors.Is(err, ErrNotFound) {
		return c, "", err
	}
	if err := few(ctx, tx, service, recorder); err != nil {
		return Case{}, "", err
	}
	key, noticed := "incident.alarm."+string(f.Cause), f.At
	if now := tx.Now(); noticed.After(now) || noticed.Before(first) {
		noticed = now // a clock that was put right, or a hand: no reason to open no case
	}
	r := Report{Kind: f.Cause.Kind(), Suspected: true, NoticedAt: noticed, Words: pii.New(i18n.Chinese.T(key) + "\n" + i18n.English.T(key))}
	return d.open(ctx, tx, Case{Service: service, Source: Alarm, Reporter: recorder, Cause: f.Cause, Suspect: f.Suspect}, r, OpenedBody{Alarm: f.Alarm})
}

// raised returns the case that was opened by a finding. Errors: ErrNotFound.
func raised(ctx context.Context, tx *db.Tx, service string, f Finding) (Case, error) {
	c, err := db.One(ctx, tx, scan, `
		SELECT `+columns+` FROM incident
		WHERE service = $1 AND cause = $2 AND suspect = $3 AND cause <> '' AND (closed_at IS NULL OR opened_at >= $4)
		ORDER BY opened_at DESC, id LIMIT 1`, service, f.Cause, f.Suspect, micros(f.At))
	if errors.Is(err, db.ErrNone) {
		err = ErrNotFound
	}
	return c, err
}

// few refuses a reporter of whom maxOpen cases are open. Errors: ErrMany.
func few(ctx context.Context, tx *db.Tx, service, reporter string) error {
	open, err := db.One(ctx, tx, db.Single[int64], `
		SELECT count(*) FROM (
			SELECT id FROM incident WHERE service = $1 AND reporter = $2 AND closed_at IS NULL LIMIT $3
		) AS open`, service, reporter, int64(maxOpen))
	if err == nil && open >= maxOpen {
		err = ErrMany
	}
	return err
}

// Unraised returns the services that hold something of children's and have no case by a finding
// about the whole installation.
func Unraised(ctx context.Context, tx *db.Tx, f Finding) (without []string, err error) {
	all, err := catalog.List(ctx, tx)
	if err != nil {
		return nil, err
	}
	for _, s := range all {
		holds, err := s.OwesPlan(ctx, tx)
		if err != nil {
			return nil, err
		}
		if !holds {
			continue
		}
		if _, err = raised(ctx, tx, s.Name, f); errors.Is(err, ErrNotFound) {
			without = append(without, s.Name)
		} else if err != nil {
			return nil, err
		}
	}
	return without, nil
}

// Watched is the name of the place in the ledger up to which its alarms have opened cases.
const Watched = "incidents"

const (
	most    = 1 << 13 // entries looked at together
	rewrite = 1 << 10 // after how many in which there was nothing the place is written: see package decoy
)

// Watch opens the cases of the alarms that the ledger has more, and returns how many entries it
// has passed: 0 when there is nothing left. Cases and place are written in one transaction: if we
// crash before its commit no case was opened, and the same alarms are found again.
func (d Desk) Watch(ctx context.Context, store *db.DB) (int64, error) {
	var from, to int64
	var found []ledger.Placed
	err := store.View(ctx, func(tx *db.Tx) error {
		found = nil // it may run again
		var err error
		if from, err = ledger.Cursor(ctx, tx, Watched); err != nil {
			return err
		}
		head, err := ledger.Head(ctx, tx)
		if err != nil {
			return err
		}
		to = min(head.Size, from+most)
		return ledger.ReadKinds(ctx, tx, from, to, []string{approval.KindAlarm}, func(p ledger.Placed) error {
			found = append(found, p)
			return nil
		})
	})
	if err != nil || from >= to || len(found) == 0 && to-from < rewrite {
		return 0, err
	}
	err = store.Update(ctx, func(tx *db.Tx) error {
		for _, p := range found {
			if err := d.raise(ctx, tx, p); err != nil {
				return err
			}
		}
		return ledger.Advance(ctx, tx, Watched, from, to)
	})
	if errors.Is(err, ledger.ErrCursorMoved) {
		return 0, nil // another process has opened the same
	}
	return to - from, err
}

// raise opens the case of an alarm. Where a hundred are open already the office has its hands
// full, and the alarm is on record. An entry that can't be read is nobody's alarm: the audit
// finds it, and those behind it open their cases.
func (d Desk) raise(ctx context.Context, tx *db.Tx, p ledger.Placed) error {
	var b approval.AlarmBody
	if p.Into(&b) != nil {
		return nil
	}
	cause := Of(b.Cause)
	if cause == "" {
		return nil
	}
	_, _, err := d.Raise(ctx, tx, p.Service, Finding{Cause: cause, Suspect: p.Actor, At: p.At, Alarm: p.ID})
	if errors.Is(err, ErrMany) || errors.Is(err, catalog.ErrNotFound) {
		err = nil
	}
	return err
}
