package ledger

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
)

// What can be wrong with a copy by which a ledger is to be continued. Nothing of
// it is taken then.
var (
	ErrCopyForeign = errs.New(errs.Invalid, "ledger.copy_foreign") // not signed with this ledger's key, under its name, or no copy at all
	ErrCopyOlder   = errs.New(errs.Invalid, "ledger.copy_older")   // it ends before the store does
	ErrCopyShort   = errs.New(errs.Invalid, "ledger.copy_short")   // it ends before a checkpoint that is known
	ErrCopyOther   = errs.New(errs.Invalid, "ledger.copy_other")   // another history, signed with the same key
	ErrCopyDamaged = errs.New(errs.Invalid, "ledger.copy_damaged") // its bytes aren't what was signed
)

// adoptBundles bounds how many bundles of a copy one transaction takes.
const adoptBundles = 16

// Proves verifies a whole copy of the ledger that the key signs, and returns what it
// says. It must hold what the store's checkpoint says, and each of those that are
// known from elsewhere. Memory is bounded whatever the size. Errors: ErrCopyForeign,
// ErrCopyOlder, ErrCopyShort, ErrCopyOther, ErrCopyDamaged with what was found.
func Proves(ctx context.Context, source Source, verifierKey, store string, known ...string) (Checkpoint, error) {
	var text string
	err := source.open(ctx, func(c copied) error {
		head, err := c.head(ctx)
		text = head.checkpoint
		return err
	})
	if err != nil {
		return Checkpoint{}, fmt.Errorf("%w: %w", ErrCopyForeign, err)
	}
	latest, err := OpenCheckpoint(text, verifierKey)
	if err != nil {
		return Checkpoint{}, fmt.Errorf("%w: %w", ErrCopyForeign, err)
	}
	earlier := known
	if store != "" {
		at, err := OpenCheckpoint(store, verifierKey)
		if err != nil {
			return Checkpoint{}, fmt.Errorf("%w: the store's checkpoint: %w", ErrDamaged, err)
		}
		if latest.Size < at.Size {
			return latest, fmt.Errorf("%w: it has %d entries, the store %d", ErrCopyOlder, latest.Size, at.Size)
		}
		earlier = append([]string{store}, known...)
	}
	for _, text := range known {
		c, err := OpenCheckpoint(text, verifierKey)
		if err != nil {
			return latest, fmt.Errorf("%w: the checkpoint: %w", ErrCopyForeign, err)
		}
		if latest.Size < c.Size {
			return latest, fmt.Errorf("%w: it has %d entries, the checkpoint says %d", ErrCopyShort, latest.Size, c.Size)
		}
	}
	report, err := Verify(ctx, source, verifierKey, earlier...)
	if err != nil {
		return latest, err
	}
	if report.OK() {
		return latest, nil
	}
	why := ErrCopyOther // whole, and yet not what the checkpoints say
	var found []error
	for _, f := range report.Findings {
		if f.Code != FoundFork {
			why = ErrCopyDamaged
		}
		found = append(found, errors.New(f.String()))
	}
	return latest, fmt.Errorf("%w: %w", why, errors.Join(found...))
}

// Continue appends what a copy of this ledger has more, as it stands there, up to a
// checkpoint that Proves has returned, so that the store has one history with every
// checkpoint that was given out. Each is called, in the transaction that places them, with
// the ids of the next entries and the place of the first. If we crash, what is
// placed stays placed, and the next call goes on from there. Errors: ErrBusy while a
// server sequences; ErrCopyOther if what is stored doesn't lead to the checkpoint.
func (l *Log) Continue(ctx context.Context, source Source, until Checkpoint, each func(ctx context.Context, tx *db.Tx, place int64, ids []string) error) error {
	return source.open(ctx, func(c copied) error {
		for waits := 0; ; {
			done, err := l.adopt(ctx, c, until, each)
			switch {
			case errors.Is(err, ErrBusy) && waits < busyWaits: // the lease of one that is dead
				waits++
				if err := pause(ctx, busyWait); err != nil {
					return err
				}
			case err != nil || done:
				return err
			}
		}
	})
}

// busyWaits is how often Continue waits for a lease: more than one lasts.
const busyWaits = 3 * int(leaseMicros*time.Microsecond/busyWait)

// adopt is one transaction of Continue.
func (l *Log) adopt(ctx context.Context, c copied, until Checkpoint, each func(context.Context, *db.Tx, int64, []string) error) (done bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var next *right
	err = l.store.Update(ctx, func(tx *db.Tx) error {
		if err := l.lease(ctx, tx); err != nil {
			return err
		}
		head, err := Head(ctx, tx)
		if err != nil {
			return err
		}
		r, err := load(ctx, tx, head)
		if err != nil {
			return err
		}
		if err := l.recognise(ctx, tx, head); err != nil {
			return err
		}
		if done = head.Size >= until.Size; done {
			next = r
			return until.holds(ctx, tx)
		}
		batch, err := copiedFrom(ctx, c, head.Size, until.Size)
		if err != nil {
			return err
		}
		next = r.grow(batch)
		if next.edge.size == until.Size && next.root != until.Root {
			return ErrCopyOther
		}
		ids := make([]string, len(batch))
		for i, w := range batch {
			ids[i] = w.id
		}
		if err := each(ctx, tx, head.Size, ids); err != nil {
			return err
		}
		if err := next.write(ctx, tx); err != nil {
			return err
		}
		return l.advance(ctx, tx, head, next)
	})
	if err != nil {
		l.right = nil
		return false, err
	}
	next.done, next.tiles = nil, nil
	l.right, l.seen = next, Checkpoint{l.origin, next.edge.size, next.root}
	return done, nil
}

// holds reports whether the stored ledger begins as the checkpoint says.
func (c Checkpoint) holds(ctx context.Context, tx *db.Tx) error {
	root, err := RootAt(ctx, tx, c.Size)
	if err == nil && root != c.Root {
		err = ErrCopyOther
	}
	return err
}

// copiedFrom reads the next entries of a copy, a few bundles at most.
func copiedFrom(ctx context.Context, c copied, from, size int64) (batch []waiting, err error) {
	for n := from / width; n*width < size && n < from/width+adoptBundles; n++ {
		b, _, err := c.part(ctx, n, widthAt(size, -1, n))
		if err != nil {
			return nil, err
		}
		if b == nil {
			return nil, fmt.Errorf("%w: there is no bundle %d", ErrCopyDamaged, n)
		}
		entries, err := frames(b.entries)
		if err != nil {
			return nil, err
		}
		for i, text := range entries {
			if place := n*width + int64(i); place < from || place >= size {
				continue
			}
			p, err := decode(n*width+int64(i), text)
			if err != nil {
				return nil, err
			}
			batch = append(batch, waiting{id: p.ID, at: p.At.UnixMicro(), text: text})
		}
	}
	if len(batch) == 0 {
		return nil, fmt.Errorf("%w: it ends before place %d", ErrCopyDamaged, from)
	}
	return batch, nil
}

// Unqueue removes the entries of these names from those that wait for a place, and
// returns which there were: a copy of the ledger gave them theirs.
func Unqueue(ctx context.Context, tx *db.Tx, ids []string) (waited []string, err error) {
	for start := 0; start < len(ids); start += db.Chunk {
		in, args := db.Placeholders(ids[start:min(start+db.Chunk, len(ids))])
		some, err := db.All(ctx, tx, db.Single[string], `DELETE FROM ledger_pending WHERE id IN `+in+` RETURNING id`, args...)
		if err != nil {
			return nil, err
		}
		waited = append(waited, some...)
	}
	return waited, nil
}

// SkipTo moves every consumer that is behind a place there, but those named.
func SkipTo(ctx context.Context, tx *db.Tx, place int64, but ...string) error {
	behind, err := db.All(ctx, tx, db.Single[string], `SELECT name FROM ledger_cursor WHERE place < $1 ORDER BY name`, place)
	if err != nil {
		return err
	}
	for _, name := range behind {
		if slices.Contains(but, name) {
			continue
		}
		if err := tx.Queue(ctx, `UPDATE ledger_cursor SET place = $1 WHERE name = $2 AND place < $1`, place, name); err != nil {
			return err
		}
	}
	return nil
}
