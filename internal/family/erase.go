package family

import (
	"context"
	"errors"
	"strconv"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/keyring"
)

// ErrGround refuses an erasure without a reason that the law or this product knows.
var ErrGround = errs.New(errs.Invalid, "family.ground_unknown")

// A Ground is why a child is erased.
type Ground string

// The grounds. The first four are those that Article 20 names; it says that they
// are not all.
const (
	Unlawful           Ground = "unlawful"            // Article 20 (1)
	BeyondPeriod       Ground = "beyond_period"       // Article 20 (2)
	ConsentWithdrawn   Ground = "withdrawn"           // Article 20 (3)
	UseEnded           Ground = "use_ended"           // Article 20 (4)
	Requested          Ground = "request"             // a bare request is enough
	ExpiredUnconsented Ground = "expired_unconsented" // nobody agreed in time (edge case 5)
	Cessation          Ground = "cessation"           // Article 23
	Inactive           Ground = "inactive"            // nobody used it for as long as the charter says, and its guardians were told (Article 12)
)

func (g Ground) known() bool {
	switch g {
	case Unlawful, BeyondPeriod, ConsentWithdrawn, UseEnded, Requested, ExpiredUnconsented, Cessation, Inactive:
		return true
	}
	return false
}

// TraceLife is how long after an erasure the operator can be told which of its
// children it was.
const TraceLife = 72 * time.Hour

// What was Undone with a child by whoever calls Erase.
type Undone struct {
	Values  int // that were erased
	Kept    int // that a law demands to keep
	Keeping Keeping
	Orders  int   // to processors and recipients
	Refused int64 // the charter that a guardian refused as a whole, or 0

	Successor string // who takes over the service: whatever was agreed to, the child was handed over or it wasn't
}

// A Keeping is the key that outlives a child's, for what a law demands to keep (edge case
// 14), wrapped by a pool key, and until when it is needed. The zero Keeping keeps nothing.
type Keeping struct {
	Wrapped []byte
	Pool    string
	Until   time.Time
}

// Erase destroys the key of a locked child and all that names it, here: whoever
// calls it has removed what other packages keep about the child. What is left is
// a row that says that there was a child, of which service, and on which day it
// was erased (edge case 16). The entry is the last of its pseudonym. If we crash
// before the commit, nothing is erased; after it, nothing can be undone. Errors:
// ErrGround, ErrErased.
func Erase(ctx context.Context, tx *db.Tx, ring *keyring.Ring, actor string, c Child, ground Ground, with Undone) (string, error) {
	switch {
	case !ground.known():
		return "", ErrGround
	case c.State == Erased:
		return "", ErrErased
	}
	// To the microsecond, or with its version, the row would be found again in the
	// ledger: only the day is kept, and nothing of how it began.
	day, until := tx.Now().Truncate(24*time.Hour), tx.Now().Add(TraceLife)
	var pool *string
	if with.Keeping.Pool != "" {
		pool = &with.Keeping.Pool
	}
	err := changed(tx.Exec(ctx, `
		UPDATE child SET state = 'erased', subject = '', version = 0, frozen = false, disputed = false,
			ref = NULL, ref_hash = NULL, birth = NULL, birth_from = '', birth_version = 0, turns_14 = NULL, aged = 0,
			pool = $1, wrapped = $2, kept_until = $3, created_at = 0, expires_at = NULL, endings = '', handed_at = NULL, erased_at = $4
		WHERE child = $5 AND version = $6 AND state <> 'erased'`,
		pool, with.Keeping.Wrapped, (*db.Time)(&with.Keeping.Until), (*db.Time)(&day), c.ID, c.Version))
	if err != nil {
		return "", err
	}
	for _, query := range []string{`DELETE FROM proof WHERE child = $1`, `DELETE FROM guardian WHERE child = $1`, `DELETE FROM ceasing_left WHERE child = $1`} {
		if err := tx.Queue(ctx, query, c.ID); err != nil {
			return "", err
		}
	}
	if err := tx.Queue(ctx, `DELETE FROM child_ref WHERE service = $1 AND ref_hash = $2 AND child = $3`,
		c.Service, c.refHash, c.ID); err != nil {
		return "", err
	}
	hash := subjectHash(ring, c.Subject)
	if err := tx.Queue(ctx, `INSERT INTO erased_subject (subject, child, until, bound) VALUES ($1, $2, $3, $4)`,
		hash, c.ID, (*db.Time)(&until), traceBound(ring, hash, c.ID, until)); err != nil {
		return "", err
	}
	if with.Refused > 0 {
		if err := RememberNo(ctx, tx, ring, c, with.Refused); err != nil {
			return "", err
		}
	}
	body := ErasedBody{Ground: ground, Values: int64(with.Values), Kept: int64(with.Kept), Orders: int64(with.Orders), Refused: with.Refused, Successor: with.Successor}
	if !c.HandedAt.IsZero() {
		body.Handed = c.HandedAt.UnixMicro()
	}
	return c.note(ctx, tx, actor, KindErased, body)
}

// HoldErased holds the row of a child, living or erased, to the end of the transaction.
// Errors: ErrNotFound.
func HoldErased(ctx context.Context, tx *db.Tx, child ID) error {
	n, err := tx.Exec(ctx, `UPDATE child SET state = state WHERE child = $1`, child)
	if err == nil && n == 0 {
		err = ErrNotFound
	}
	return err
}

// EndKeeping destroys the key that outlived an erased child, as nothing is kept under it
// any more. Of a living child it changes nothing.
func EndKeeping(ctx context.Context, tx *db.Tx, child ID) error {
	return tx.Queue(ctx, `
		UPDATE child SET pool = NULL, wrapped = NULL, kept_until = NULL WHERE child = $1 AND state = 'erased'`, child)
}

func subjectHash(ring *keyring.Ring, subject string) []byte {
	return ring.Index("family.subject", subject)
}

// traceBound is what only whoever has the keys can write beside a trace.
func traceBound(ring *keyring.Ring, hash []byte, child ID, until time.Time) []byte {
	return ring.Index("family.trace", string(hash), string(child), strconv.FormatInt(until.UnixMicro(), 10))
}

// ChildOf returns the child behind a pseudonym of the ledger, for the operator's
// events. It still finds a child for 72 hours after its erasure, and then never
// again. Errors: ErrNotFound.
func ChildOf(ctx context.Context, tx *db.Tx, ring *keyring.Ring, subject string) (ID, error) {
	if !id.Is(id.Subject, subject) {
		return "", ErrNotFound
	}
	child, err := db.One(ctx, tx, db.Single[ID], `SELECT child FROM child WHERE subject = $1`, subject)
	if errors.Is(err, db.ErrNone) {
		var t Trace
		if t, err = findTrace(ctx, tx, subjectHash(ring, subject)); err == nil && !t.Intact(ring) {
			return "", ErrNotFound // turned to another child by hand
		}
		child = t.Child
	}
	if errors.Is(err, db.ErrNone) {
		return "", ErrNotFound
	}
	return child, err
}

// ForgetTraces removes, at most limit of each at a time, what ChildOf and
// RefusedBefore don't use any more, and returns how many there were.
func ForgetTraces(ctx context.Context, tx *db.Tx, limit int) (int, error) {
	now := tx.Now()
	n, err := tx.Exec(ctx, `
		DELETE FROM erased_subject WHERE subject IN (
			SELECT subject FROM erased_subject WHERE until <= $1 ORDER BY until, subject LIMIT $2)`,
		(*db.Time)(&now), limit)
	if err != nil {
		return 0, err
	}
	refusals, err := forgetRefusals(ctx, tx, limit)
	return int(n + refusals), err
}

// DueUnconsented returns children whose wait is over, the longest first, those
// behind after and at most limit. It reads the expiry index: its cost is what is due, not what is held.
// The guardian may answer until the child is locked, so look again then: of each there
// is only which it is, and when its wait ended.
func DueUnconsented(ctx context.Context, tx *db.Tx, after Child, limit int) ([]Child, error) {
	now := tx.Now()
	return db.All(ctx, tx, func(row db.Row) (c Child, err error) {
		err = row.Scan(&c.ID, &c.Service, (*db.Time)(&c.ExpiresAt))
		return c, err
	}, `
		SELECT child, service, expires_at FROM child WHERE expires_at <= $1 AND (expires_at, child) > ($2, $3)
		ORDER BY expires_at, child LIMIT $4`, (*db.Time)(&now), after.ExpiresAt.UnixMicro(), after.ID, int64(limit))
}
