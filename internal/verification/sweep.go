package verification

import (
	"context"
	"errors"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/family"
)

// sweeper is the sweep's name in the ledger.
const sweeper = "system:retention"

// A Due is an attempt with which the sweep has something to do, in that order.
type Due struct {
	At time.Time
	Attempt
}

// DueAttempts returns attempts that ran out, and finished ones that aren't counted any
// more: those behind after, the oldest first, at most limit. Its cost is what is due.
func DueAttempts(ctx context.Context, tx *db.Tx, after Due, limit int) ([]Due, error) {
	now := tx.Now()
	return db.All(ctx, tx, func(row db.Row) (d Due, err error) {
		err = row.Scan((*db.Time)(&d.At), &d.Child, &d.ID, &d.Service, &d.State)
		return d, err
	}, `
		SELECT due_at, child, id, service, state FROM verification
		WHERE due_at <= $1 AND (due_at, child, id) > ($2, $3, $4)
		ORDER BY due_at, child, id LIMIT $5`,
		(*db.Time)(&now), after.At.UnixMicro(), after.Child, after.ID, int64(limit))
}

// Expire ends an attempt that ran out, with its documents, or forgets a finished one
// that isn't counted any more. If we crash before the commit, it is still due.
func Expire(ctx context.Context, tx *db.Tx, due Due) error {
	waits := due.State == Started
	c, a, err := lock(ctx, tx, due.Attempt)
	switch {
	case errors.Is(err, family.ErrErased), errors.Is(err, family.ErrNotFound), errors.Is(err, ErrNotFound):
		return nil // the erasure of the child took the attempt with it
	case err != nil:
		return err
	case !waits:
		return tx.Queue(ctx, `DELETE FROM verification WHERE child = $1 AND id = $2 AND state <> 'started'`, a.Child, a.ID)
	case a.State != Failed:
		return nil // it was finished since we looked
	}
	if _, _, err = a.fail(ctx, tx, c, sweeper, RanOut); errors.Is(err, ErrEnded) {
		return nil
	}
	return err
}

// ExpireProofs ends the proofs of one child that are past their time, and what
// rested on them. It returns how many there were.
func (d Desk) ExpireProofs(ctx context.Context, tx *db.Tx, due family.DueProof) (int, error) {
	c, err := family.Lock(ctx, tx, due.Service, due.Child)
	if err != nil {
		return 0, err
	}
	n, err := family.ExpireProofs(ctx, tx, sweeper, c)
	if err != nil || n == 0 {
		return n, err
	}
	return n, d.Consent.Review(ctx, tx, sweeper, c)
}

// Forget removes all rows about a child. It is a part of erasing the child
// (Article 20).
func Forget(ctx context.Context, tx *db.Tx, child family.ID) error {
	for _, query := range []string{
		`DELETE FROM verification_document WHERE child = $1`,
		`DELETE FROM verification WHERE child = $1`,
	} {
		if err := tx.Queue(ctx, query, child); err != nil {
			return err
		}
	}
	return nil
}
