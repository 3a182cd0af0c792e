// Package backup keeps watch over copies of the store, and over a store that was put
// back to one (Article 20, edge case 15). A copy holds the wrapped keys of children
// who are erased later, so each has an end, 35 days after it was made.
//
// Its one invariant: a copy is a store that serves nothing. It has, from its making
// on, an open row of restoration, and that is closed only in the transaction that
// ends the replay of what its ledger tells to have happened since.
package backup

import (
	"context"
	"errors"
	"fmt"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/id"
	"wardkeep/internal/ledger"
)

// What can be wrong with a backup that is watched.
var (
	ErrNotFound = errs.New(errs.NotFound, "backup.not_found")
	ErrGone     = errs.New(errs.Conflict, "backup.gone_already")
	ErrMade     = errs.New(errs.Invalid, "backup.made_invalid") // in the future
	ErrLate     = errs.New(errs.Unavailable, "backup.late")     // some should be gone, and nobody has said that they are
)

// Life is how long a backup may be kept.
const Life = 35 * 24 * time.Hour

// The kinds of ledger entries about the store as a whole. They are about no service
// and no child.
const (
	KindMade     = "backup.made"
	KindGone     = "backup.gone"
	KindRestored = "store.restored"
	KindReplayed = "store.replayed"
)

// A MadeBody says which copy of the store there is. Times are microseconds.
type MadeBody struct {
	Backup string `json:"backup"`
	Made   int64  `json:"made"`
	Until  int64  `json:"until"`          // when it must be gone
	Size   int64  `json:"size,omitempty"` // of the ledger in it, where that is known
}

// A GoneBody says that a copy isn't there any more.
type GoneBody struct {
	Backup string `json:"backup"`
	Why    Why    `json:"why"`
}

// A Why is the reason for which a copy is gone.
type Why string

// The reasons.
const (
	Destroyed Why = "destroyed" // the operator says so
	Pruned    Why = "pruned"    // its file was deleted after its time
	Failed    Why = "failed"    // it was never whole, and its file is deleted
)

func (w Why) known() bool { return w == Destroyed || w == Pruned || w == Failed }

// Known reports whether there is such a reason.
func (w Why) Known() bool { return w.known() }

// A Backup is a copy of the store that was made.
type Backup struct {
	ID     string // "bk_…"
	MadeAt time.Time
	Until  time.Time
	Size   int64     // of the ledger in it; 0 where that isn't known
	GoneAt time.Time // zero while it is kept
}

// Late reports whether the copy should be gone.
func (b Backup) Late(now time.Time) bool { return b.GoneAt.IsZero() && !now.Before(b.Until) }

const columns = `id, made_at, until, size, gone_at`

func scan(row db.Row) (b Backup, err error) {
	err = row.Scan(&b.ID, (*db.Time)(&b.MadeAt), (*db.Time)(&b.Until), &b.Size, (*db.Time)(&b.GoneAt))
	return b, err
}

// An Actor is who makes copies: the person at the terminal.
type Actor interface{ Ledger() string }

// New returns the name of a copy that is to be made.
func New() string { return id.New(id.Backup) }

// Record notes that a copy is there from now on, though perhaps not yet whole: from
// the commit on it is watched. Size is that of the ledger in it, 0 where that isn't
// known. Errors: ErrMade.
func Record(ctx context.Context, tx *db.Tx, by Actor, name string, made time.Time, size int64) (Backup, error) {
	b := Backup{ID: name, MadeAt: made.UTC().Truncate(time.Microsecond), Size: size}
	b.Until = b.MadeAt.Add(Life)
	if b.MadeAt.After(tx.Now()) {
		return Backup{}, ErrMade
	}
	err := tx.Queue(ctx, `INSERT INTO backup (id, made_at, until, size) VALUES ($1, $2, $3, $4)`,
		b.ID, (*db.Time)(&b.MadeAt), (*db.Time)(&b.Until), b.Size)
	if err != nil {
		return Backup{}, err
	}
	return b, note(ctx, tx, by, KindMade, MadeBody{Backup: b.ID, Made: b.MadeAt.UnixMicro(), Until: b.Until.UnixMicro(), Size: b.Size})
}

// End notes that a copy isn't there any more. Errors: ErrNotFound, ErrGone.
func End(ctx context.Context, tx *db.Tx, by Actor, name string, why Why) error {
	if !why.known() {
		return fmt.Errorf("backup: %q is no reason", why)
	}
	now := tx.Now()
	n, err := tx.Exec(ctx, `UPDATE backup SET gone_at = $1 WHERE id = $2 AND gone_at IS NULL`, (*db.Time)(&now), name)
	if err != nil {
		return err
	}
	if n == 0 {
		if _, err = Find(ctx, tx, name); err == nil {
			err = ErrGone
		}
		return err
	}
	return note(ctx, tx, by, KindGone, GoneBody{Backup: name, Why: why})
}

func note(ctx context.Context, tx *db.Tx, by Actor, kind string, body any) error {
	_, err := ledger.Append(ctx, tx, ledger.Entry{Kind: kind, Actor: by.Ledger(), Body: body})
	return err
}

// Find returns a copy that was made, or ErrNotFound.
func Find(ctx context.Context, tx *db.Tx, name string) (Backup, error) {
	b, err := db.One(ctx, tx, scan, `SELECT `+columns+` FROM backup WHERE id = $1`, name)
	if errors.Is(err, db.ErrNone) {
		err = ErrNotFound
	}
	return b, err
}

// List returns every copy that was ever made, the oldest first.
func List(ctx context.Context, tx *db.Tx) ([]Backup, error) {
	return db.All(ctx, tx, scan, `SELECT `+columns+` FROM backup ORDER BY made_at, id`)
}

// A Watch says how things stand with the copies.
type Watch struct {
	Late   int64     // that should be gone
	Newest time.Time // when the newest was made that is kept; zero: none is
}

// Look returns how things stand with the copies.
func Look(ctx context.Context, tx *db.Tx) (w Watch, err error) {
	now := tx.Now()
	if w.Late, err = db.One(ctx, tx, db.Single[int64], `SELECT count(*) FROM backup WHERE gone_at IS NULL AND until <= $1`, (*db.Time)(&now)); err != nil {
		return w, err
	}
	newest, err := db.One(ctx, tx, db.Single[int64], `SELECT coalesce(max(made_at), 0) FROM backup WHERE gone_at IS NULL`)
	if newest > 0 {
		w.Newest = time.UnixMicro(newest).UTC()
	}
	return w, err
}
