package verification

import (
	"context"
	"errors"

	"wardkeep/internal/base/db"
	"wardkeep/internal/family"
)

// sweeper is the sweep's name in the ledger.
const sweeper = "system:retention"

// Expire ends the attempts that ran out, with their documents, and forgets the
// finished ones that aren't counted any more: at most limit of both. It returns
// how many it found. If we crash before the commit, all of it is still due.
func Expire(ctx context.Context, tx *db.Tx, limit int) (int, error) {
	now := tx.Now()
	// By child, so that two sweeps that meet wait for one another and don't block
	// each other.
	due, err := db.All(ctx, tx, scan, `
		SELECT `+columns+` FROM (
			SELECT `+columns+` FROM verification WHERE due_at <= $1 ORDER BY due_at, child, id LIMIT $2
		) due ORDER BY child, id`, (*db.Time)(&now), int64(limit))
	if err != nil {
		return 0, err
	}
	for _, a := range due {
		if err := expire(ctx, tx, a); err != nil {
			return 0, err
		}
	}
	return len(due), nil
}

func expire(ctx context.Context, tx *db.Tx, a Attempt) error {
	waits := a.State == Started
	c, a, err := lock(ctx, tx, a)
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
