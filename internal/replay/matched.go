package replay

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"strconv"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/keyring"
)

// What can be wrong with what is kept of the last reconciliation.
var (
	ErrNoMatching     = errs.New(errs.NotFound, "replay.no_matching")
	ErrMatchingForged = errs.New(errs.Conflict, "replay.matching_forged") // the row isn't as a reconciliation wrote it
)

// A Matched is what is kept of the last reconciliation: when it was, how much of the ledger
// it read, and how much it found. What it found it has printed, and isn't kept.
type Matched struct {
	At        time.Time
	Size      int64 // of the ledger that was read
	Asked     int64
	Approved  int64
	Looks     int64
	Exported  int64
	Unmatched int64
}

// KeepMatched keeps what the last reconciliation found, with a keyed hash over all of it, as
// Keep does for an audit.
func KeepMatched(ctx context.Context, tx *db.Tx, ring *keyring.Ring, r Reconciliation) error {
	m := Matched{At: tx.Now(), Size: r.Size, Asked: r.Asked, Approved: r.Approved, Looks: r.Looks, Exported: r.Exported, Unmatched: int64(len(r.Mismatches))}
	return tx.Queue(ctx, `
		INSERT INTO matching_run (id, at, size, asked, approved, looks, exported, unmatched, bound)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
		ON CONFLICT (id) DO UPDATE SET at = excluded.at, size = excluded.size, asked = excluded.asked, approved = excluded.approved,
			looks = excluded.looks, exported = excluded.exported, unmatched = excluded.unmatched, bound = excluded.bound`,
		int64(1), (*db.Time)(&m.At), m.Size, m.Asked, m.Approved, m.Looks, m.Exported, m.Unmatched, m.bind(ring))
}

// LastMatched returns what is kept of the last reconciliation. Errors: ErrNoMatching,
// ErrMatchingForged.
func LastMatched(ctx context.Context, tx *db.Tx, ring *keyring.Ring) (Matched, error) {
	var bound []byte
	m, err := db.One(ctx, tx, func(row db.Row) (m Matched, err error) {
		err = row.Scan((*db.Time)(&m.At), &m.Size, &m.Asked, &m.Approved, &m.Looks, &m.Exported, &m.Unmatched, &bound)
		return m, err
	}, `SELECT at, size, asked, approved, looks, exported, unmatched, bound FROM matching_run WHERE id = $1`, int64(1))
	switch {
	case errors.Is(err, db.ErrNone):
		return Matched{}, ErrNoMatching
	case err != nil:
		return Matched{}, fmt.Errorf("the last reconciliation: %w", err)
	case subtle.ConstantTimeCompare(bound, m.bind(ring)) != 1:
		return Matched{}, ErrMatchingForged
	}
	return m, nil
}

func (m Matched) bind(ring *keyring.Ring) []byte {
	n := func(v int64) string { return strconv.FormatInt(v, 10) }
	return ring.Index("replay.matched", n(m.At.UnixMicro()), n(m.Size), n(m.Asked), n(m.Approved), n(m.Looks), n(m.Exported), n(m.Unmatched))
}
