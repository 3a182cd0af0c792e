package reach

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"math"

	"wardkeep/internal/base/db"
	"wardkeep/internal/ledger"
)

// A Check compares the index with the ledger, in an audit: it makes what the index should have of
// each of the shortest stretches while the entries pass, and keeps a hash of it.
type Check struct {
	x    Index
	upto int64 // how many of the shortest stretches there are, by the number of the last
	next int64 // the place of the next entry
	t    *sorter
	want [][sha256.Size]byte
}

// NewCheck begins to compare. What isn't in the index needn't be.
func (x Index) NewCheck(ctx context.Context, tx *db.Tx) (*Check, error) {
	last, err := lastOf(ctx, tx, 0)
	return &Check{x: x, upto: min(last, math.MaxInt64-1) + 1, t: newSorter()}, err
}

// lastOf returns the number of the last stretch of a level, and -1 where there is none.
func lastOf(ctx context.Context, tx *db.Tx, level int64) (int64, error) {
	return db.One(ctx, tx, db.Single[int64], `SELECT coalesce(max(n), -1) FROM reach_segment WHERE level = $1`, level)
}

// Add takes the next entry, from the first on, if it has a place. One that can't be understood is
// no matter of the index: nothing behind it is in it.
func (c *Check) Add(p ledger.Placed) {
	if p.Place != c.next || c.next/c.x.span() >= c.upto {
		return
	}
	if c.t.add(p) != nil {
		c.upto = 0
		return
	}
	if c.next++; c.next%c.x.span() > 0 {
		return
	}
	if s, err := c.t.sheet(c.next/c.x.span() - 1); err == nil {
		c.want = append(c.want, s.digest())
	}
	c.t = newSorter()
}

// digest is a hash of all that a row says of its stretch.
func (s segment) digest() [sha256.Size]byte {
	var text []byte
	for _, n := range []int64{s.level, s.n, s.minAt, s.maxAt} {
		text = binary.BigEndian.AppendUint64(text, uint64(n))
	}
	return sha256.Sum256(append(text, s.directory...))
}

// What a Check finds of a stretch.
const (
	FoundMissing = "missing"   // it isn't in the index, and later ones are
	FoundExtra   = "extra"     // there aren't that many entries
	FoundBound   = "bound"     // its row wasn't written by who has the keys
	FoundRow     = "directory" // it isn't what the entries give
	FoundPart    = "keys"      // a part of it is gone, or was altered
)

// extras is how many stretches are compared of which there are no entries: a hand can write any
// number.
const extras = 1000

// Compare calls found with each stretch that isn't as the entries that were added give it, and
// with what is wrong with it. It reads all of the index, one part at a time.
func (c *Check) Compare(ctx context.Context, tx *db.Tx, found func(what string, level, n int64)) error {
	for level := int64(0); level < levels; level++ {
		last, err := lastOf(ctx, tx, level)
		if err != nil {
			return err
		}
		whole := int64(len(c.want)) * c.x.span() / c.x.size(level)
		others, err := db.All(ctx, tx, db.Single[int64], `SELECT n FROM reach_segment WHERE level = $1 AND (n < 0 OR n >= $2) ORDER BY n LIMIT $3`, level, whole, int64(extras))
		if err != nil {
			return err
		}
		for n := int64(0); n <= min(last, whole-1); n++ {
			if err := c.compare(ctx, tx, level, n, found); err != nil {
				return err
			}
		}
		for _, n := range others {
			if err := c.compare(ctx, tx, level, n, found); err != nil {
				return err
			}
		}
	}
	return ctx.Err()
}

func (c *Check) compare(ctx context.Context, tx *db.Tx, level, n int64, found func(what string, level, n int64)) error {
	what, err := c.judge(ctx, tx, level, n)
	if err == nil && what != "" {
		found(what, level, n)
	}
	return err
}

// judge says what is wrong with a stretch.
func (c *Check) judge(ctx context.Context, tx *db.Tx, level, n int64) (what string, err error) {
	all, err := c.x.load(ctx, tx, level, n, n+1)
	if errors.Is(err, ErrDamaged) {
		return FoundBound, nil
	}
	if err != nil {
		return "", err
	}
	s, there := all[n]
	switch {
	case !there:
		return FoundMissing, nil
	case (n+1)*c.x.size(level) > int64(len(c.want))*c.x.span():
		return FoundExtra, nil
	case level == 0 && s.digest() != c.want[n]:
		return FoundRow, nil
	case level > 0:
		if what, err := c.longer(ctx, tx, s); what != "" || err != nil {
			return what, err
		}
	}
	postings, err := s.postings()
	if err != nil {
		return FoundRow, nil
	}
	var room []Key
	for _, p := range postings {
		for i := range p.Parts {
			of, text := source{s.level, s.n, p}, [][]byte(nil)
			if err := tx.Together(ctx, of.read(&text, i)); err != nil {
				return "", err
			}
			if room, err = of.decode(text, i, room[:0]); err != nil {
				return FoundPart, nil
			}
		}
	}
	return "", nil
}

// longer makes a longer stretch out of shorter ones once more, and keeps nothing of it but its
// directory.
func (c *Check) longer(ctx context.Context, tx *db.Tx, is segment) (what string, err error) {
	s := segment{level: is.level, n: is.n}
	shapes, whole, err := c.x.below(ctx, tx, &s)
	if errors.Is(err, ErrDamaged) || err == nil && !whole {
		return "", nil // that was found of the shorter ones
	}
	var all []posting
	written := int64(0)
	for _, of := range sortedShapes(shapes) {
		p := posting{shape: of, First: written}
		for from, more := Key(0), true; more && err == nil; {
			var k cutter
			more, err = cut(ctx, tx, shapes[of], from, &k)
			from = k.last + 1
			p.Parts, p.Keys, written = append(p.Parts, k.marks...), p.Keys+k.count, written+int64(len(k.parts))
		}
		all = append(all, p)
	}
	if errors.Is(err, ErrDamaged) {
		return "", nil
	}
	if err == nil {
		err = s.list(all)
	}
	if err == nil && (s.minAt != is.minAt || s.maxAt != is.maxAt || !bytes.Equal(s.directory, is.directory)) {
		what = FoundRow
	}
	return what, err
}
