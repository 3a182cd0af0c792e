package family

import (
	"context"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/keyring"
)

// held is a wrapped key as it lies in its row.
type held struct {
	child   ID
	pool    string
	wrapped []byte
}

// Rewrap moves the keys of at most limit children to the current pool and returns
// how many it moved: 0 when none is left under another. It changes no value and
// no version. If we crash, those moved are moved and the others open as before.
// Errors: those of the ring.
func Rewrap(ctx context.Context, tx *db.Tx, ring *keyring.Ring, limit int) (int, error) {
	// An erased child has no pool. Two ranges of the index, so that the
	// millions who have moved are not read again for each batch.
	var all []held
	current := ring.CurrentPool()
	for _, query := range []string{
		`SELECT child, pool, wrapped FROM child WHERE pool < $1 ORDER BY pool, child LIMIT $2`,
		`SELECT child, pool, wrapped FROM child WHERE pool > $1 ORDER BY pool, child LIMIT $2`,
	} {
		more, err := db.All(ctx, tx, func(row db.Row) (h held, err error) {
			err = row.Scan(&h.child, &h.pool, &h.wrapped)
			return h, err
		}, query, current, limit-len(all))
		if err != nil {
			return 0, err
		}
		all = append(all, more...)
	}
	moved := 0
	for _, h := range all {
		wrapped, pool, differs, err := ring.RewrapChildKey(string(h.child), h.pool, h.wrapped)
		if err != nil {
			return 0, err
		}
		if !differs {
			continue
		}
		// Only over what was read: a child erased meanwhile stays erased.
		if err := tx.Queue(ctx, `UPDATE child SET wrapped = $1, pool = $2 WHERE child = $3 AND wrapped = $4`,
			wrapped, pool, h.child, h.wrapped); err != nil {
			return 0, err
		}
		moved++
	}
	return moved, nil
}
