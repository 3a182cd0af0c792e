// Package replay proves that the ledger tells what is (invariant 7): folded from
// zero it gives the tables, and every recorded use decided again by gate.Decide
// gives the recorded answer.
//
// Its one invariant: what can't be understood is a difference. An unknown kind,
// a body with an unknown member, a row that no entry made, a use whose facts are
// not there: none of them is passed over.
//
// # What the ledger doesn't name
//
// The ledger names nobody, so it can't say what a name, a phone number or a value
// is. Where a ring is at hand, the audit opens all that is sealed, hands out
// nothing of it, and compares the keyed hashes beside it: what was exchanged
// doesn't open, for it is bound to its child, its item and its version, and the
// ledger knows the versions. Rows that lead from a hash to a child carry a keyed
// hash of themselves. Of a birth date it also compares the class with the last use
// as a child and with the first as none, which is all the gate asks.
//
// Each column of each table is compared, or stands with a reason in the list of
// TestInvariant7_EveryColumnIsCompared.
//
// # What it can't see
//
// After an erasure there is nothing to open, and of a tombstone only the day is
// told. Codes and their counters are never in the ledger. An entry that waits for
// its place, about a second, is not signed yet. An attempt to prove who a guardian
// is that has ended may be gone: it was only kept to be counted.
package replay

import (
	"context"
	"errors"

	"golang.org/x/mod/sumdb/tlog"

	"wardkeep/internal/backup"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/catalog"
	"wardkeep/internal/family"
	"wardkeep/internal/ledger"
	"wardkeep/internal/reach"
)

// Options are what an audit may be told.
type Options struct {
	// Progress is called now and then with how much is done of what there is to
	// do: entries, then rows of children. It may be nil.
	Progress func(done, total int64)

	// MaxDifferences bounds Report.Differences; 0 is 100. More are counted.
	MaxDifferences int
}

const defaultMax = 100

// A Report is what an audit found.
type Report struct {
	Entries     int64     // folded, those without a place included
	Pending     int64     // of these, those without a place
	Missed      int64     // of these, those of a gap: the store was put back to what it was before them
	Uses        int64     // decided again
	Children    int64     // that the ledger knows, erased ones included
	Size        int64     // of the ledger's head
	Root        tlog.Hash // of the ledger's head, as stored: see ledger.Verify
	Differences []Difference
	More        int64 // differences beyond those
}

// OK reports that the ledger and the tables say the same.
func (r Report) OK() bool { return len(r.Differences) == 0 }

// Audit folds the whole ledger, decides every use again, and compares the result
// with the tables, all on one snapshot. It writes nothing. What it finds is in
// the report; an error says that it could not look. Memory is that of what the
// children hold, about 1 KB each, not that of the entries.
//
// Ring may be nil: then what is sealed stays so, and no keyed hash and no age is
// compared. Errors: keyring.ErrUnknownPool for a ring from before a rotation.
// Charters, which may be nil, is asked for a charter whose row is damaged, so
// that the uses under it can still be decided if this process has seen it.
func Audit(ctx context.Context, store *db.DB, ring *keyring.Ring, charters *catalog.Cache, opts Options) (Report, error) {
	var report Report
	err := store.View(ctx, func(tx *db.Tx) (err error) {
		report, err = auditIn(ctx, tx, ring, charters, opts)
		return err
	})
	return report, err
}

// auditIn is Audit on what tx sees.
func auditIn(ctx context.Context, tx *db.Tx, ring *keyring.Ring, charters *catalog.Cache, opts Options) (Report, error) {
	if opts.MaxDifferences <= 0 {
		opts.MaxDifferences = defaultMax
	}
	a := &audit{ctx: ctx, tx: tx, ring: ring, charters: charters, opts: opts, names: newNames()}
	if err := a.run(); err != nil {
		return Report{}, err
	}
	return a.report, nil
}

// An audit is one run of Audit.
type audit struct {
	ctx      context.Context
	tx       *db.Tx
	ring     *keyring.Ring
	charters *catalog.Cache
	opts     Options
	names    *names

	report      Report
	done, total int64
	fold        *fold
	keptUntil   map[string]int64 // child → until when something is kept of it

	restorations []backup.Restoration
	tallies      tallies
	touches      touches
	index        *reach.Check
}

func (a *audit) run() error {
	head, err := ledger.Head(a.ctx, a.tx)
	if err != nil {
		return err
	}
	a.report.Size, a.report.Root = head.Size, head.Root
	if a.report.Pending, err = ledger.CountPending(a.ctx, a.tx); err != nil {
		return err
	}
	children, err := db.One(a.ctx, a.tx, db.Single[int64], `SELECT count(*) FROM child`)
	if err != nil {
		return err
	}
	a.total = head.Size + a.report.Pending + children
	rows, err := a.readCharters()
	if err != nil {
		return err
	}
	a.fold = newFold(a.names, rows, a.found)
	if a.fold.counts, err = a.readCounts(); err != nil {
		return err
	}
	if err := a.readTallies(); err != nil {
		return err
	}
	if err := a.readTouches(); err != nil {
		return err
	}
	if err := a.readIndex(); err != nil {
		return err
	}
	a.fold.now = a.tx.Now().UnixMicro()
	if err := a.readRestorations(); err != nil {
		return err
	}
	if a.ring != nil {
		if err := a.knowsPools(); err != nil {
			return err
		}
		a.fold.trace = func(subject string) []byte { return family.TraceOf(a.ring, subject) }
	}
	whole, err := a.entries()
	if err != nil {
		return err
	}
	a.report.Uses, a.report.Children = a.fold.uses, int64(len(a.fold.children))
	if !whole {
		return nil // what follows an unreadable entry is not known, so there is nothing to compare
	}
	a.fold.finish()
	if err := a.compareServices(rows); err != nil {
		return err
	}
	if err := a.compareSessions(); err != nil {
		return err
	}
	if err := a.compareStaff(); err != nil {
		return err
	}
	if err := a.keptRows(); err != nil {
		return err
	}
	if err := a.compareStore(); err != nil {
		return err
	}
	if err := a.compareTallies(); err != nil {
		return err
	}
	if err := a.compareTouches(); err != nil {
		return err
	}
	if err := a.compareIndex(); err != nil {
		return err
	}
	if err := a.compareChildren(); err != nil {
		return err
	}
	a.missingHelp()
	a.missingBundles()
	return a.compareTraces()
}

// entries folds what has a place, then what waits for one. It returns false if
// it could not read to the end.
func (a *audit) entries() (whole bool, err error) {
	each := func(p ledger.Placed) error {
		a.report.Entries++
		a.tallies.add(p, a.fold.bodies)
		a.index.Add(p)
		if a.missed(p.Place) {
			a.report.Missed++
			a.fold.miss(p)
		} else {
			a.fold.entry(p)
			a.touch(p)
		}
		a.step()
		return a.ctx.Err()
	}
	err = ledger.Read(a.ctx, a.tx, 0, a.report.Size, each)
	if err == nil && a.report.Entries != a.report.Size {
		a.found(Difference{Place: a.report.Entries, What: FoundShort, Want: number(a.report.Size), Got: number(a.report.Entries)})
		return false, nil
	}
	if err == nil {
		err = ledger.Pending(a.ctx, a.tx, each)
	}
	if errors.Is(err, ledger.ErrDamaged) {
		a.found(Difference{Place: a.report.Entries, What: FoundUnreadable})
		return false, nil
	}
	return err == nil, err
}

// step counts one entry or one child.
func (a *audit) step() {
	a.done++
	if a.opts.Progress != nil && (a.done%1024 == 0 || a.done == a.total) {
		a.opts.Progress(a.done, a.total)
	}
}

func (a *audit) found(d Difference) {
	if len(a.report.Differences) >= a.opts.MaxDifferences {
		a.report.More++
		return
	}
	a.report.Differences = append(a.report.Differences, d)
}
