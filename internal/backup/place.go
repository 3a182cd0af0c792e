package backup

import (
	"context"
	"errors"
	"fmt"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/ledger"
)

// ErrRolledBack refuses all work on a store that holds less than was seen of it, or
// something else: it was put back by a tool that leaves no mark, or has lost what it had
// promised. wardkeep restore --database-restored says what must be done again.
var ErrRolledBack = errs.New(errs.Unavailable, "backup.rolled_back")

// ErrSeenForeign refuses all work where what a node has seen of its ledger is there, and is
// damaged or of another ledger: then nothing tells whether the store was put back.
var ErrSeenForeign = errs.New(errs.Unavailable, "backup.seen_foreign")

// Place returns where the store says that it lies, or "" where it says nothing.
func Place(ctx context.Context, tx *db.Tx) (string, error) {
	place, err := db.One(ctx, tx, db.Single[string], `SELECT place FROM whereabouts WHERE id = $1`, 1)
	if errors.Is(err, db.ErrNone) {
		return "", nil
	}
	return place, err
}

// Settle writes down where the store lies.
func Settle(ctx context.Context, tx *db.Tx, place string) error {
	return tx.Queue(ctx, `
		INSERT INTO whereabouts (id, place) VALUES ($1, $2)
		ON CONFLICT (id) DO UPDATE SET place = excluded.place`, 1, place)
}

// Reaches returns ErrRolledBack unless the store's ledger begins with what a checkpoint
// says of it. The zero checkpoint says nothing.
func Reaches(ctx context.Context, tx *db.Tx, seen ledger.Checkpoint) error {
	if seen.Size == 0 {
		return nil
	}
	head, err := ledger.Head(ctx, tx)
	if err != nil {
		return err
	}
	if head.Size < seen.Size {
		return fmt.Errorf("%w: its ledger has %d entries, and had %d", ErrRolledBack, head.Size, seen.Size)
	}
	root, err := ledger.RootAt(ctx, tx, seen.Size)
	if err == nil && root != seen.Root {
		err = fmt.Errorf("%w: the first %d entries of its ledger are others", ErrRolledBack, seen.Size)
	}
	return err
}
