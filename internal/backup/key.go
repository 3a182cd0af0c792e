package backup

import (
	"context"
	"slices"
	"strings"
	"time"

	"wardkeep/internal/base/db"
)

// KeyLife is how long a copy of a key file counts: paper fades, and whoever knew the passphrase leaves.
const KeyLife = 365 * 24 * time.Hour

// A KeyCopy is a key file by which keys of the store are wrapped, and when it was last copied. A
// new pool key needs no new copy: it lies, wrapped, in the copies of the store.
type KeyCopy struct {
	KEK      string // "file:…"
	Since    time.Time
	CopiedAt time.Time // zero: never
}

// Due is when the next copy is to be made: at once, where there was none.
func (c KeyCopy) Due() time.Time {
	if c.CopiedAt.IsZero() {
		return c.Since
	}
	return c.CopiedAt.Add(KeyLife)
}

// copied is how a heartbeat begins that tells when a key file was copied.
const copied = "keys.copied "

// CopiedKey notes that the key file was copied, whoever loses which loses everything (Article 13).
func CopiedKey(ctx context.Context, tx *db.Tx, kek string) error { return db.Beat(ctx, tx, copied+kek) }

// KeyCopies returns the key files by which keys of the store are wrapped: one, but in the midst of a
// change. What an outside service wraps by it keeps itself.
func KeyCopies(ctx context.Context, tx *db.Tx) ([]KeyCopy, error) {
	all, err := db.All(ctx, tx, func(row db.Row) (c KeyCopy, err error) {
		err = row.Scan(&c.KEK, (*db.Time)(&c.Since))
		return c, err
	}, `SELECT kek, min(created_at) FROM keyring_key GROUP BY kek ORDER BY kek`)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(c KeyCopy) bool { return !strings.HasPrefix(c.KEK, "file:") })
	for i := range all {
		if all[i].CopiedAt, err = db.LastBeat(ctx, tx, copied+all[i].KEK); err != nil {
			return nil, err
		}
	}
	return all, nil
}
