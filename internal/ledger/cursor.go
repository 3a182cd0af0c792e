package ledger

import (
	"context"
	"errors"
	"time"

	"wardkeep/internal/base/db"
)

// Cursor returns the place of the first entry that the named consumer has not
// dealt with: 0 if it never ran.
func Cursor(ctx context.Context, tx *db.Tx, name string) (int64, error) {
	place, err := db.One(ctx, tx, db.Single[int64], `SELECT place FROM ledger_cursor WHERE name = $1`, name)
	if errors.Is(err, db.ErrNone) {
		return 0, nil
	}
	return place, err
}

// Advance moves the named consumer's cursor. Of two that read at the same place
// one succeeds, the other gets ErrCursorMoved.
//
// What the consumer writes in the same transaction happens once. If we crash
// after an effect elsewhere and before this commits, the effect is repeated: it
// must be idempotent by the id of the entry.
func Advance(ctx context.Context, tx *db.Tx, name string, from, to int64) error {
	var n int64
	var err error
	if from == 0 {
		n, err = tx.Exec(ctx, `
			INSERT INTO ledger_cursor (name, place) VALUES ($1, $2)
			ON CONFLICT (name) DO UPDATE SET place = excluded.place WHERE ledger_cursor.place = $3`,
			name, to, from)
	} else {
		n, err = tx.Exec(ctx, `UPDATE ledger_cursor SET place = $1 WHERE name = $2 AND place = $3`, to, name, from)
	}
	if err == nil && n != 1 {
		err = ErrCursorMoved
	}
	return err
}

// EndCursor forgets a consumer that won't run again.
func EndCursor(ctx context.Context, tx *db.Tx, name string) error {
	return tx.Queue(ctx, `DELETE FROM ledger_cursor WHERE name = $1`, name)
}

// PlaceAt returns the place of the first entry of that time or later: none of them
// lies before it, though times don't quite follow places. If there is none, it is the
// place of the next entry to come.
func PlaceAt(ctx context.Context, tx *db.Tx, at time.Time) (int64, error) {
	head, err := Head(ctx, tx)
	if err != nil {
		return 0, err
	}
	first, err := db.One(ctx, tx, db.Single[int64], `SELECT coalesce(min(start), $1) FROM ledger_bundle WHERE max_at >= $2`,
		head.Size, at.UnixMicro())
	if err != nil {
		return 0, err
	}
	place := head.Size
	err = Read(ctx, tx, first, first+width, func(p Placed) error {
		if !p.At.Before(at) {
			place = min(place, p.Place)
		}
		return nil
	})
	return place, err
}
