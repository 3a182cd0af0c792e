// Package decoy raises the alarm where a child that nobody is was touched without anybody
// having looked it up: by an app's key (Article 15: what has leaked is tried out), or at
// the terminal. What persons inside do with one raises it at once (package approval).
//
// The way of a use knows nothing of decoys, so a use of one takes as long as any, and its
// answer is that of any. A consumer of the ledger finds it there, a second or two later.
//
// Its one invariant: each touch raises one alarm, however often the consumer dies, for the
// alarm and the consumer's place are written in one transaction; and neither the alarm nor
// what the consumer keeps tells which child it was to who doesn't have the keys.
package decoy

import (
	"context"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"time"

	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/charter"
	"wardkeep/internal/gate"
	"wardkeep/internal/ledger"
)

// Watched is the name of the consumer's place in the ledger. What lies before it was
// looked at, but for what came before the first of the decoys.
const Watched = "decoys"

const (
	most = 1 << 13 // entries looked at together
	// rewrite is after how many entries in which there was nothing the place is written: a
	// server that is busy has no commit a second for it. Who dies before reads them again.
	rewrite = 1 << 10
	// linger is how long the row of a decoy that has ended stays after all that was recorded
	// by then has its place.
	linger = time.Minute
)

// Touches reports whether an entry tells that somebody has touched its child who would touch
// no decoy by what they are for: an app, or a party by itself, had something of it released, or tried to, or a
// recipient came for a copy whom a guardian is said to have named; or it was dealt with at the terminal, or by an office. What an app collects or seals of one raises
// nothing, so whoever looks after a decoy keeps it alive. The replay calls it too.
func Touches(p ledger.Placed) bool {
	switch kind, _, _ := strings.Cut(p.Actor, ":"); kind {
	case "app", "party":
		var b gate.UseBody
		return (p.Kind == gate.KindPermitted || p.Kind == gate.KindDenied) && p.Into(&b) == nil &&
			b.Activity != string(charter.Collect) && b.Activity != string(charter.Store)
	case "operator", "officer":
		return p.Subject != ""
	case "port": // nobody who could name a recipient is a decoy's guardian
		return true
	}
	return false
}

// Watch raises the alarms of what the ledger has more, and returns how many entries it has
// passed: 0 when there is nothing left. Of two that watch at once one raises them.
func Watch(ctx context.Context, store *db.DB, ring *keyring.Ring) (int64, error) {
	w := &watch{ring: ring}
	if err := store.View(ctx, func(tx *db.Tx) error { return w.look(ctx, tx) }); err != nil || w.from >= w.to && w.over.IsZero() {
		return 0, err
	}
	if len(w.touched) == 0 && w.to-w.from < rewrite && w.over.IsZero() {
		return 0, nil
	}
	err := store.Update(ctx, func(tx *db.Tx) error { return w.raise(ctx, tx) })
	if errors.Is(err, ledger.ErrCursorMoved) {
		return 0, nil // another process has raised the same
	}
	return w.to - max(w.from, w.first), err
}

// A watch is one round.
type watch struct {
	ring     *keyring.Ring
	from, to int64     // of the ledger
	first    int64     // where it is read from
	over     time.Time // decoys that ended before it are forgotten; zero: none are
	touched  []ledger.Placed
}

// look reads what there is to raise. It reads nothing where there are no decoys, and
// nothing from before the first of them.
func (w *watch) look(ctx context.Context, tx *db.Tx) error {
	*w = watch{ring: w.ring} // it may run again
	decoys, err := approval.ReadDecoys(ctx, tx)
	if err != nil || len(decoys) == 0 {
		return err
	}
	if w.from, err = ledger.Cursor(ctx, tx, Watched); err != nil {
		return err
	}
	head, err := ledger.Head(ctx, tx)
	if err != nil {
		return err
	}
	if w.first = w.from; head.Size-w.from > most {
		since := slices.MinFunc(decoys, func(a, b approval.Marked) int { return a.Since.Compare(b.Since) }).Since
		begin, err := ledger.PlaceAt(ctx, tx, since)
		if err != nil {
			return err
		}
		w.first = max(w.from, begin)
	}
	w.to = min(head.Size, w.first+most)
	err = ledger.ReadKinds(ctx, tx, w.first, w.to, []string{""}, func(p ledger.Placed) error {
		// Most are of no decoy: those aren't read any further.
		if p.Subject != "" && !strings.HasPrefix(p.Actor, "staff:") && decoys.Was(p.Service, hex.EncodeToString(approval.MarkOf(w.ring, p.Subject)), p.At) && Touches(p) {
			w.touched = append(w.touched, p)
		}
		return nil
	})
	if err != nil || w.to < head.Size {
		return err
	}
	return w.forgets(ctx, tx, decoys)
}

// forgets says which decoys that have ended nothing can be found of any more: what was
// recorded before has its place, and was looked at.
func (w *watch) forgets(ctx context.Context, tx *db.Tx, decoys approval.Decoys) error {
	before := tx.Now().Add(-linger)
	ended := func(m approval.Marked) bool { return !m.Ended.IsZero() && m.Ended.Before(before) }
	if !slices.ContainsFunc(decoys, ended) {
		return nil
	}
	waits, err := ledger.OldestPending(ctx, tx)
	if err == nil && (waits.IsZero() || waits.After(before)) {
		w.over = before
	}
	return err
}

// raise writes what was found, with the place. If we crash before its commit, nothing was
// raised, and the same is found again.
func (w *watch) raise(ctx context.Context, tx *db.Tx) error {
	for _, p := range w.touched {
		if err := approval.Raise(ctx, tx, p.Service, "", p.Actor, []approval.Cause{approval.Touched}, p.ID); err != nil {
			return err
		}
	}
	if !w.over.IsZero() {
		if err := approval.ForgetDecoys(ctx, tx, w.over); err != nil {
			return err
		}
	}
	if w.to == w.from {
		return nil
	}
	return ledger.Advance(ctx, tx, Watched, w.from, w.to)
}
