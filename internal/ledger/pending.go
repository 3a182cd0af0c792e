package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"wardkeep/internal/base/db"
)

// CountPending returns how many entries have no place yet.
func CountPending(ctx context.Context, tx *db.Tx) (int64, error) {
	return db.One(ctx, tx, db.Single[int64], `SELECT count(*) FROM ledger_pending`)
}

// manyPending is how far CountPendingToMany counts.
const manyPending = 100_000

// CountPendingToMany is CountPending for whoever asks all the time: at most 100000, so
// that a backlog costs them no more.
func CountPendingToMany(ctx context.Context, tx *db.Tx) (int64, error) {
	return db.One(ctx, tx, db.Single[int64], `SELECT count(*) FROM (SELECT id FROM ledger_pending LIMIT $1) AS first`, manyPending)
}

// OldestPending returns when the entry was made that waits longest for its
// place; zero: none waits.
func OldestPending(ctx context.Context, tx *db.Tx) (time.Time, error) {
	first, err := db.One(ctx, tx, db.Single[string], `SELECT id FROM ledger_pending ORDER BY id LIMIT 1`)
	if errors.Is(err, db.ErrNone) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, err
	}
	at, ok := TimeOf(first)
	if !ok {
		return time.Time{}, fmt.Errorf("%w: an entry that waits has no id", ErrDamaged)
	}
	return at, nil
}

// Pending calls each with the entries that have no place yet, holding one at a
// time. Those about one subject (or one service) come in the order in which the
// sequencer will place them; between subjects the order is another one, since
// only a round can give places. Their Place is -1. Each must not use tx; its
// error ends the reading and is returned.
func Pending(ctx context.Context, tx *db.Tx, each func(Placed) error) error {
	return db.Each(ctx, tx, func(row db.Row) error {
		w, err := scanWaiting(row)
		if err != nil {
			return err
		}
		p, err := decode(-1, w.text)
		if err != nil {
			return err
		}
		return each(p)
	}, `
		SELECT id, subject, service, version, entry FROM ledger_pending
		ORDER BY subject, service, version, id`)
}

// PendingAbout is Pending for the entries about one subject, in the order in which they
// get their places. It looks at all that wait, which are few where the oldest of them
// isn't old.
func PendingAbout(ctx context.Context, tx *db.Tx, subject string, each func(Placed) error) error {
	if subject == "" {
		return nil
	}
	return db.Each(ctx, tx, func(row db.Row) error {
		w, err := scanWaiting(row)
		if err != nil {
			return err
		}
		p, err := decode(-1, w.text)
		if err != nil {
			return err
		}
		return each(p)
	}, `
		SELECT id, subject, service, version, entry FROM ledger_pending WHERE subject = $1
		ORDER BY version, id`, subject)
}

// Misfiled calls each with the pending entries whose columns don't say what the
// entry itself says: its id, and the first column that differs. By them the
// sequencer orders; what is recorded is the entry.
func Misfiled(ctx context.Context, tx *db.Tx, each func(entry, column string)) error {
	return db.Each(ctx, tx, func(row db.Row) error {
		w, err := scanWaiting(row)
		if err != nil {
			return err
		}
		p, err := decode(-1, w.text)
		switch {
		case err != nil:
			return err
		case p.ID != w.id:
			each(p.ID, "id")
		case p.Subject != w.subject:
			each(p.ID, "subject")
		case p.Service != w.service:
			each(p.ID, "service")
		case rank(p.Kind, p.Version) != w.rank:
			each(p.ID, "version")
		}
		return nil
	}, `
		SELECT id, subject, service, version, entry FROM ledger_pending
		ORDER BY subject, service, version, id`)
}
