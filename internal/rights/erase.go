package rights

import (
	"context"
	"errors"

	"wardkeep/internal/assistance"
	"wardkeep/internal/base/db"
	"wardkeep/internal/family"
)

// DueErasures returns the demands whose child is to be erased by now, the oldest
// first, those behind after and at most limit. It reads the index of those times: its cost is what is due.
// A guardian may have kept the child since: Due says so under the lock.
func DueErasures(ctx context.Context, tx *db.Tx, after Request, limit int) ([]Request, error) {
	now := tx.Now()
	return db.All(ctx, tx, scan, `
		SELECT `+columns+` FROM rights_request WHERE erase_at <= $1 AND (erase_at, child, id) > ($2, $3, $4)
		ORDER BY erase_at, child, id LIMIT $5`,
		(*db.Time)(&now), after.EraseAt.UnixMicro(), after.Child, after.ID, int64(limit))
}

// Due locks the child of a demand, and returns the demand as it stands and whether the
// child is still to be erased.
func Due(ctx context.Context, tx *db.Tx, r Request) (family.Child, Request, bool, error) {
	c, r, err := lock(ctx, tx, r)
	if errors.Is(err, ErrEnded) {
		return c, r, false, nil
	}
	return c, r, err == nil && !r.EraseAt.IsZero() && !tx.Now().Before(r.EraseAt), err
}

// Forget removes the demands about a child, the copies that wait for a recipient, what parties were asked about them, and a claim about its age. It is a part of erasing the child
// (Article 20).
func Forget(ctx context.Context, tx *db.Tx, child family.ID) error {
	if err := tx.Queue(ctx, `DELETE FROM birth_claim WHERE child = $1`, child); err != nil {
		return err
	}
	if err := assistance.Forget(ctx, tx, child); err != nil {
		return err
	}
	if err := tx.Queue(ctx, `DELETE FROM rights_port WHERE child = $1`, child); err != nil {
		return err
	}
	return tx.Queue(ctx, `DELETE FROM rights_request WHERE child = $1`, child)
}
