package approval

import (
	"context"
	"encoding/hex"
	"errors"
	"slices"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/catalog"
	"wardkeep/internal/family"
)

// What can be wrong with a decoy.
var (
	ErrDecoy   = errs.New(errs.Conflict, "approval.decoy_held")
	ErrNoDecoy = errs.New(errs.NotFound, "approval.decoy_unknown")
)

// A DecoyBody says that a child became a decoy, or is none any more: by a keyed hash of
// its pseudonym, so that neither the ledger nor the table tells which child it is.
type DecoyBody struct {
	Mark string `json:"mark"`
}

// MarkOf is what is kept of a decoy with that pseudonym.
func MarkOf(ring *keyring.Ring, subject string) []byte {
	return ring.Index("approval.decoy", subject)
}

// Decoy marks a child that nobody is: who registered it made it up, with a contact and
// values of their own. Whoever asks about it, or looks at it, raises an alarm, and sees
// nothing of that; whose key uses it, or who touches it at the terminal, raises one within
// seconds (package decoy). Errors: ErrMayNot, ErrDecoy, those of family.Find.
func Decoy(ctx context.Context, tx *db.Tx, ring *keyring.Ring, by catalog.Officer, child family.ID) error {
	c, err := family.Lock(ctx, tx, by.Service, child)
	if err != nil {
		return err
	}
	if !by.Governs(c.Service) {
		return ErrMayNot
	}
	// The child is held, so nobody else marks it meanwhile.
	is, err := IsDecoy(ctx, tx, ring, c)
	if err == nil && is {
		err = ErrDecoy
	}
	if err != nil {
		return err
	}
	mark, now := MarkOf(ring, c.Subject), tx.Now()
	err = tx.Queue(ctx, `INSERT INTO decoy (mark, since, service, ended_at) VALUES ($1, $2, $3, NULL)`, mark, (*db.Time)(&now), c.Service)
	if err != nil {
		return err
	}
	_, err = note(ctx, tx, c.Service, KindDecoy, by.Ledger(), DecoyBody{hex.EncodeToString(mark)})
	return err
}

// NoDecoy has a child be a decoy no more. Errors: ErrMayNot, ErrNoDecoy.
func NoDecoy(ctx context.Context, tx *db.Tx, ring *keyring.Ring, by catalog.Officer, child family.ID) error {
	if !by.Governs(by.Service) {
		return ErrMayNot
	}
	c, err := family.Lock(ctx, tx, by.Service, child)
	if errors.Is(err, family.ErrErased) || errors.Is(err, family.ErrNotFound) {
		err = ErrNoDecoy
	}
	if err != nil {
		return err
	}
	return EndDecoy(ctx, tx, ring, by.Ledger(), c)
}

// EndDecoy says that a locked child is a decoy no more: somebody says so, or it is erased.
// The row stays until whatever was done with the child before has raised its alarm
// (ForgetDecoys). Errors: ErrNoDecoy.
func EndDecoy(ctx context.Context, tx *db.Tx, ring *keyring.Ring, actor string, c family.Child) error {
	mark, now := MarkOf(ring, c.Subject), tx.Now()
	n, err := tx.Exec(ctx, `UPDATE decoy SET ended_at = $1 WHERE mark = $2 AND service = $3 AND ended_at IS NULL`, (*db.Time)(&now), mark, c.Service)
	if err == nil && n != 1 {
		err = ErrNoDecoy
	}
	if err != nil {
		return err
	}
	_, err = note(ctx, tx, c.Service, KindDecoyEnded, actor, DecoyBody{hex.EncodeToString(mark)})
	return err
}

// IsDecoy reports whether a child is a decoy.
func IsDecoy(ctx context.Context, tx *db.Tx, ring *keyring.Ring, c family.Child) (bool, error) {
	n, err := db.One(ctx, tx, db.Single[int64], `SELECT count(*) FROM decoy WHERE mark = $1 AND ended_at IS NULL`, MarkOf(ring, c.Subject))
	return n > 0, err
}

// A Marked is a while in which a child was a decoy, as its row has it.
type Marked struct {
	Mark    string // in hexadecimal
	Service string
	Since   time.Time
	Ended   time.Time // zero: it is one still
}

// Covers reports whether it was one at that moment.
func (m Marked) Covers(at time.Time) bool {
	return !at.Before(m.Since) && (m.Ended.IsZero() || at.Before(m.Ended))
}

// Decoys are which children are decoys, or were.
type Decoys []Marked

// Was reports whether a child of a service, by its mark, was a decoy at that moment.
func (d Decoys) Was(service, mark string, at time.Time) bool {
	return slices.ContainsFunc(d, func(m Marked) bool { return m.Mark == mark && m.Service == service && m.Covers(at) })
}

// ReadDecoys returns those of the store, in order. There are few.
func ReadDecoys(ctx context.Context, tx *db.Tx) (Decoys, error) {
	return db.All(ctx, tx, func(row db.Row) (m Marked, err error) {
		var mark []byte
		err = row.Scan(&mark, (*db.Time)(&m.Since), &m.Service, (*db.Time)(&m.Ended))
		m.Mark = hex.EncodeToString(mark)
		return m, err
	}, `SELECT mark, since, service, ended_at FROM decoy ORDER BY mark, since`)
}

// ForgetDecoys removes those that ended before a moment.
func ForgetDecoys(ctx context.Context, tx *db.Tx, before time.Time) error {
	return tx.Queue(ctx, `DELETE FROM decoy WHERE ended_at < $1`, (*db.Time)(&before))
}
