package ledger

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"wardkeep/internal/base/db"
)

// A Root is the head of the ledger: how many entries have places, and the hash
// of the tree over them.
type Root struct {
	Size       int64
	Root       tlog.Hash
	Checkpoint string    // C2SP tlog-checkpoint, signed; "" before the first round
	At         time.Time // of the round that made it
}

// Head returns the head. Before the first round it is that of the empty tree,
// without a checkpoint.
func Head(ctx context.Context, tx *db.Tx) (Root, error) {
	head, err := db.One(ctx, tx, scanHead, `SELECT size, root, checkpoint, at FROM ledger_head WHERE id = $1`, 1)
	if errors.Is(err, db.ErrNone) {
		return Root{Root: edge{}.root()}, nil
	}
	return head, err
}

func scanHead(row db.Row) (h Root, err error) {
	var root []byte
	if err := row.Scan(&h.Size, &root, &h.Checkpoint, (*db.Time)(&h.At)); err != nil {
		return h, err
	}
	if len(root) != tlog.HashSize || h.Size < 0 || h.Size > maxSize {
		return h, fmt.Errorf("%w: the head has a size or a root that can't be", ErrDamaged)
	}
	h.Root = tlog.Hash(root)
	return h, nil
}

const selectBundle = `SELECT start, size, min_at, max_at, entries FROM ledger_bundle`

func scanBundle(row db.Row) (b bundle, err error) {
	err = row.Scan(&b.start, &b.size, &b.minAt, &b.maxAt, &b.entries)
	return b, err
}

const selectTile = `SELECT level, n, hashes FROM ledger_tile`

func scanTile(row db.Row) (t tile, err error) {
	err = row.Scan(&t.level, &t.n, &t.hashes)
	return t, err
}

// Read calls each with the entries at places from to to-1 that have a place, in
// order, holding one bundle at a time. Each must not use tx; its error ends the
// reading and is returned.
func Read(ctx context.Context, tx *db.Tx, from, to int64, each func(Placed) error) error {
	return ReadKind(ctx, tx, from, to, "", each)
}

// ReadKind is Read for the entries whose kind begins with prefix. The others
// cost a look at their bytes: a consumer that waits for one event among a
// million uses doesn't parse the uses.
func ReadKind(ctx context.Context, tx *db.Tx, from, to int64, prefix string, each func(Placed) error) error {
	return ReadKinds(ctx, tx, from, to, []string{prefix}, each)
}

// ReadKinds is ReadKind for kinds that begin with one of several prefixes.
func ReadKinds(ctx context.Context, tx *db.Tx, from, to int64, prefixes []string, each func(Placed) error) error {
	if from < 0 || from >= to {
		return nil
	}
	place := from
	return db.Each(ctx, tx, func(row db.Row) error {
		b, err := scanBundle(row)
		if err != nil {
			return err
		}
		entries, err := frames(b.entries)
		if err != nil {
			return fmt.Errorf("the bundle at place %d: %w", b.start, err)
		}
		if b.start > place {
			return fmt.Errorf("%w: there is no bundle at place %d", ErrDamaged, place)
		}
		for ; place < min(b.start+int64(len(entries)), to); place++ {
			text := entries[place-b.start]
			if !ofKind(text, prefixes) {
				continue
			}
			p, err := decode(place, text)
			if err != nil {
				return err
			}
			if err := each(p); err != nil {
				return err
			}
		}
		return nil
	}, selectBundle+` WHERE start >= $1 AND start < $2 ORDER BY start`, from-from%width, to)
}

// ofKind reports whether the kind in the bytes of an entry begins with one of the
// prefixes. Before its kind an entry has an id and a number, so the first member
// of that name is it.
func ofKind(text []byte, prefixes []string) bool {
	_, kind, found := bytes.Cut(text, []byte(`,"kind":"`))
	return slices.ContainsFunc(prefixes, func(prefix string) bool {
		return prefix == "" || found && bytes.HasPrefix(kind, []byte(prefix))
	})
}

// Since returns up to limit entries from a place on, in order: what a consumer
// whose cursor is at place has not seen. None means that it is at the end.
func Since(ctx context.Context, tx *db.Tx, place int64, limit int) ([]Placed, error) {
	var all []Placed
	err := Read(ctx, tx, place, place+int64(limit), func(p Placed) error {
		all = append(all, p)
		return nil
	})
	return all, err
}

// nearby bounds how many bundles Find looks at. Entries lie in the order of
// their times but for what waited in a transaction or came from a node whose
// clock is off; a million entries is more than can pass meanwhile.
const nearby = 4096

// Find returns the entry with this id, or ErrNotFound if none has a place. An
// entry that was just appended gets its place within about a second.
func Find(ctx context.Context, tx *db.Tx, entry string) (Placed, error) {
	at, ok := timeOf(entry)
	if !ok {
		return Placed{}, ErrNotFound
	}
	// The id is made of letters and digits only, so this is how its leaf begins.
	prefix := []byte(`{"id":"` + entry + `"`)
	after := bundle{maxAt: at, start: -1}
	for seen, page := 0, 8; seen < nearby; page *= 8 {
		near, err := db.All(ctx, tx, func(row db.Row) (b bundle, err error) {
			err = row.Scan(&b.start, &b.minAt, &b.maxAt)
			return b, err
		}, `
			SELECT start, min_at, max_at FROM ledger_bundle
			WHERE (max_at, start) > ($1, $2) ORDER BY max_at, start LIMIT $3`,
			after.maxAt, after.start, page)
		if err != nil {
			return Placed{}, err
		}
		for _, b := range near {
			if b.minAt > at {
				continue
			}
			if p, err := findIn(ctx, tx, b.start, prefix); !errors.Is(err, ErrNotFound) {
				return p, err
			}
		}
		if len(near) < page {
			break
		}
		seen += len(near)
		after = near[len(near)-1]
	}
	return Placed{}, ErrNotFound
}

// findIn looks for the leaf with this beginning in one bundle.
func findIn(ctx context.Context, tx *db.Tx, start int64, prefix []byte) (Placed, error) {
	b, err := db.One(ctx, tx, scanBundle, selectBundle+` WHERE start = $1`, start)
	if err != nil {
		return Placed{}, err
	}
	entries, err := frames(b.entries)
	if err != nil {
		return Placed{}, fmt.Errorf("the bundle at place %d: %w", start, err)
	}
	for i, text := range entries {
		if bytes.HasPrefix(text, prefix) {
			return decode(start+int64(i), text)
		}
	}
	return Placed{}, ErrNotFound
}
