package replay

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"strconv"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/keyring"
)

// What can be wrong with what is kept of the last audit.
var (
	ErrNoRun     = errs.New(errs.NotFound, "replay.no_run")
	ErrRunForged = errs.New(errs.Conflict, "replay.run_forged") // the row isn't as an audit wrote it
)

// A Run is what is kept of the last audit: when it was, how much of which ledger it
// folded, and how much it found. What it found it has printed, and isn't kept.
type Run struct {
	At          time.Time     // when it was done
	Took        time.Duration // to the millisecond
	Size        int64         // of the ledger that it folded
	Root        tlog.Hash     // of that ledger: it tells whether today's continues it
	Entries     int64
	Uses        int64
	Children    int64
	Findings    int64 // where the ledger isn't what was signed
	Differences int64 // where it doesn't give the tables
}

// OK reports that the audit found nothing.
func (r Run) OK() bool { return r.Findings == 0 && r.Differences == 0 }

// Keep keeps the last run, with a keyed hash over all of it: whoever writes to the
// database makes no audit, and turns none that found something into one that didn't.
func Keep(ctx context.Context, tx *db.Tx, ring *keyring.Ring, r Run) error {
	r.At = tx.Now()
	return tx.Queue(ctx, `
		INSERT INTO audit_run (id, at, took, size, root, entries, uses, children, findings, differences, bound)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
		ON CONFLICT (id) DO UPDATE SET at = excluded.at, took = excluded.took, size = excluded.size, root = excluded.root,
			entries = excluded.entries, uses = excluded.uses, children = excluded.children, findings = excluded.findings,
			differences = excluded.differences, bound = excluded.bound`,
		int64(1), (*db.Time)(&r.At), r.Took.Milliseconds(), r.Size, r.Root[:], r.Entries, r.Uses, r.Children, r.Findings, r.Differences, r.bind(ring))
}

// LastRun returns what is kept of the last audit. Errors: ErrNoRun, ErrRunForged.
func LastRun(ctx context.Context, tx *db.Tx, ring *keyring.Ring) (Run, error) {
	var bound []byte
	r, err := db.One(ctx, tx, func(row db.Row) (r Run, err error) {
		var took int64
		var root []byte
		err = row.Scan((*db.Time)(&r.At), &took, &r.Size, &root, &r.Entries, &r.Uses, &r.Children, &r.Findings, &r.Differences, &bound)
		r.Took = time.Duration(took) * time.Millisecond
		copy(r.Root[:], root)
		return r, err
	}, `SELECT at, took, size, root, entries, uses, children, findings, differences, bound FROM audit_run WHERE id = $1`, int64(1))
	switch {
	case errors.Is(err, db.ErrNone):
		return Run{}, ErrNoRun
	case err != nil:
		return Run{}, fmt.Errorf("the last audit: %w", err)
	case subtle.ConstantTimeCompare(bound, r.bind(ring)) != 1:
		return Run{}, ErrRunForged
	}
	return r, nil
}

func (r Run) bind(ring *keyring.Ring) []byte {
	n := func(v int64) string { return strconv.FormatInt(v, 10) }
	return ring.Index("replay.run", n(r.At.UnixMicro()), n(r.Took.Milliseconds()), n(r.Size), string(r.Root[:]), n(r.Entries), n(r.Uses), n(r.Children),
		n(r.Findings), n(r.Differences))
}
