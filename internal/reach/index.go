package reach

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"wardkeep/internal/base/db"
	"wardkeep/internal/ledger"
)

// Indexed is the name of the consumer's place in the ledger: what lies before it is in the index.
// Nothing rests on it but where the consumer goes on.
const Indexed = "reach"

// A sorter collects who has come to whom in one stretch of the ledger.
type sorter struct {
	minAt, maxAt int64
	keys         map[shape][]Key
	reader       reader
}

func newSorter() *sorter { return &sorter{keys: make(map[shape][]Key), reader: make(reader)} }

// add takes the next entry. Errors: ledger.ErrDamaged.
func (t *sorter) add(p ledger.Placed) error {
	at := p.At.UnixMicro()
	if t.maxAt == 0 {
		t.minAt = at
	}
	t.minAt, t.maxAt = min(t.minAt, at), max(t.maxAt, at)
	s, child, is, err := t.reader.shape(p)
	if is && err == nil {
		t.keys[s] = append(t.keys[s], child)
	}
	return err
}

// A sheet is a stretch as it is written: its row, and the parts.
type sheet struct {
	segment
	parts [][]byte
}

// sheet returns the stretch, the first of its level that isn't written.
func (t *sorter) sheet(n int64) (sheet, error) {
	narrow(t.keys)
	s := sheet{segment: segment{n: n, minAt: t.minAt, maxAt: t.maxAt}}
	var all []posting
	for _, of := range sortedShapes(t.keys) {
		keys := t.keys[of]
		slices.Sort(keys)
		var c cutter
		for _, k := range slices.Compact(keys) {
			c.add(k)
		}
		c.end()
		all = append(all, posting{shape: of, First: int64(len(s.parts)), Parts: c.marks, Keys: c.count})
		s.parts = append(s.parts, c.parts...)
	}
	return s, s.list(all)
}

// list writes the directory.
func (s *segment) list(all []posting) (err error) {
	s.directory, err = json.Marshal(all)
	return err
}

// postings reads the directory of a stretch whose hash holds.
func (s segment) postings() (all []posting, err error) {
	if err := json.Unmarshal(s.directory, &all); err != nil {
		return nil, fmt.Errorf("%w: the directory of %d, %d", ErrDamaged, s.level, s.n)
	}
	for _, p := range all {
		if slices.ContainsFunc(p.Parts, func(mark []byte) bool { return len(mark) != markSize }) {
			return nil, fmt.Errorf("%w: the directory of %d, %d", ErrDamaged, s.level, s.n)
		}
	}
	return all, nil
}

// narrow has the sets of items of one actor count as one where there are too many: a question
// then finds more than there was, and never less.
func narrow[T any](all map[shape][]T) {
	number := make(map[shape]int)
	for s := range all {
		s.Items = ""
		number[s]++
	}
	for of, n := range number {
		if n <= sets {
			continue
		}
		var names []string
		var joined []T
		for _, s := range sortedShapes(all) {
			if without := s; func() bool { without.Items = ""; return without == of }() {
				names, joined = append(names, strings.Fields(s.Items)...), append(joined, all[s]...)
				delete(all, s)
			}
		}
		of.Items = inOrder(names)
		all[of] = joined
	}
}

func sortedShapes[T any](all map[shape]T) []shape {
	shapes := make([]shape, 0, len(all))
	for s := range all {
		shapes = append(shapes, s)
	}
	slices.SortFunc(shapes, shape.compare)
	return shapes
}

const selectSegment = `SELECT level, n, min_at, max_at, directory, bound FROM reach_segment`

func scanSegment(row db.Row) (s segment, err error) {
	err = row.Scan(&s.level, &s.n, &s.minAt, &s.maxAt, &s.directory, &s.bound)
	return s, err
}

// load returns the stretches of a level from one to another that the index has, by their number.
// Errors: ErrDamaged for one that isn't as it was written.
func (x Index) load(ctx context.Context, tx *db.Tx, level, from, to int64) (map[int64]segment, error) {
	rows, err := db.All(ctx, tx, scanSegment, selectSegment+` WHERE level = $1 AND n >= $2 AND n < $3 ORDER BY n`, level, from, to)
	if err != nil {
		return nil, err
	}
	found := make(map[int64]segment, len(rows))
	for _, s := range rows {
		if bound := x.bind(s); len(bound) == 0 || subtle.ConstantTimeCompare(bound, s.bound) != 1 {
			return nil, fmt.Errorf("%w: the row of %d, %d", ErrDamaged, s.level, s.n)
		}
		found[s.n] = s
	}
	return found, nil
}

// Make puts the next stretch of the ledger into the index, and what it completes, and returns how
// many entries it has passed: 0 when there are too few left. If we crash anywhere in it, what is
// missing is made by the next call; until then the entries are read instead. Of two that make
// the same at once, both write the same.
func (x Index) Make(ctx context.Context, store *db.DB) (int64, error) {
	var cursor, from int64
	var next sheet
	full := false
	err := store.View(ctx, func(tx *db.Tx) (err error) {
		if cursor, err = ledger.Cursor(ctx, tx, Indexed); err != nil {
			return err
		}
		// It may have been moved past entries (see ledger.SkipTo): a stretch is made from its first
		// entry on all the same, since what its row says is true of all of it.
		from = cursor - cursor%x.span()
		head, err := ledger.Head(ctx, tx)
		if err != nil {
			return err
		}
		if full = from+x.span() <= head.Size; !full {
			return nil
		}
		t := newSorter()
		if err := ledger.Read(ctx, tx, from, from+x.span(), t.add); err != nil {
			return err
		}
		next, err = t.sheet(from / x.span())
		return err
	})
	if err != nil {
		return 0, err
	}
	if err := x.join(ctx, store, from); err != nil || !full {
		return 0, err
	}
	err = store.Update(ctx, func(tx *db.Tx) error {
		for i, text := range next.parts {
			if err := putPart(ctx, tx, 0, next.n, int64(i), text); err != nil {
				return err
			}
		}
		if err := x.put(ctx, tx, next.segment); err != nil {
			return err
		}
		return ledger.Advance(ctx, tx, Indexed, cursor, from+x.span())
	})
	if errors.Is(err, ledger.ErrCursorMoved) {
		return 0, nil // another process has made it
	}
	return x.span(), err
}

func putPart(ctx context.Context, tx *db.Tx, level, n, i int64, text []byte) error {
	return tx.Queue(ctx, `
		INSERT INTO reach_part (level, n, part, keys) VALUES ($1, $2, $3, $4)
		ON CONFLICT (level, n, part) DO UPDATE SET keys = excluded.keys`, level, n, i, text)
}

func (x Index) put(ctx context.Context, tx *db.Tx, s segment) error {
	return tx.Queue(ctx, `
		INSERT INTO reach_segment (level, n, min_at, max_at, directory, bound) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (level, n) DO UPDATE SET min_at = excluded.min_at, max_at = excluded.max_at, directory = excluded.directory, bound = excluded.bound`,
		s.level, s.n, s.minAt, s.maxAt, s.directory, x.bind(s))
}

// join makes the longer stretches that are whole before a place and aren't there: at most one of
// each level, since it runs with each of the shortest.
func (x Index) join(ctx context.Context, store *db.DB, before int64) error {
	for level := int64(1); level < levels && before >= x.size(level); level++ {
		n := before/x.size(level) - 1
		there := false
		err := store.View(ctx, func(tx *db.Tx) error {
			found, err := db.One(ctx, tx, db.Single[int64], `SELECT count(*) FROM reach_segment WHERE level = $1 AND n = $2`, level, n)
			there = found > 0
			return err
		})
		if err != nil {
			return err
		}
		if there {
			continue
		}
		if err := x.longer(ctx, store, level, n); err != nil {
			return err
		}
	}
	return nil
}

// together is how many parts are written in one transaction.
const together = 32

// longer makes one stretch out of shorter ones, some parts at a time, so that neither memory nor
// the time for which it has the store to itself grows with it. It counts once its own row is
// there, which comes last.
func (x Index) longer(ctx context.Context, store *db.DB, level, n int64) error {
	s := segment{level: level, n: n}
	var shapes map[shape][]source
	whole := false
	err := store.View(ctx, func(tx *db.Tx) (err error) {
		shapes, whole, err = x.below(ctx, tx, &s)
		return err
	})
	if err != nil || !whole {
		return err // where one is gone, the shorter ones are read instead
	}
	var all []posting
	written := int64(0)
	for _, of := range sortedShapes(shapes) {
		p := posting{shape: of, First: written}
		for from, more := Key(0), true; more; {
			var c cutter
			err := store.View(ctx, func(tx *db.Tx) (err error) {
				c = cutter{}
				more, err = cut(ctx, tx, shapes[of], from, &c)
				return err
			})
			if err != nil {
				return err
			}
			if len(c.parts) == 0 {
				break
			}
			err = store.Update(ctx, func(tx *db.Tx) error {
				for i, text := range c.parts {
					if err := putPart(ctx, tx, level, n, written+int64(i), text); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				return err
			}
			from, written = c.last+1, written+int64(len(c.parts))
			p.Parts, p.Keys = append(p.Parts, c.marks...), p.Keys+c.count
		}
		all = append(all, p)
	}
	if err := s.list(all); err != nil {
		return err
	}
	return store.Update(ctx, func(tx *db.Tx) error { return x.put(ctx, tx, s) })
}

// sourcesOf returns the postings of stretches by their shapes, or those that are wanted.
func sourcesOf(stretches map[int64]segment, wanted func(shape) bool) (map[shape][]source, error) {
	all := make(map[shape][]source)
	for _, s := range stretches {
		postings, err := s.postings()
		if err != nil {
			return nil, err
		}
		for _, p := range postings {
			if wanted == nil || wanted(p.shape) {
				all[p.shape] = append(all[p.shape], source{s.level, s.n, p})
			}
		}
	}
	return all, nil
}

// below returns what a longer stretch is made of, with the times of it, and false where the index
// lacks a part of that.
func (x Index) below(ctx context.Context, tx *db.Tx, s *segment) (shapes map[shape][]source, whole bool, err error) {
	shorter, err := x.load(ctx, tx, s.level-1, s.n*fan, (s.n+1)*fan)
	if err != nil || len(shorter) != fan {
		return nil, false, err
	}
	s.minAt, s.maxAt = shorter[s.n*fan].minAt, shorter[s.n*fan].maxAt
	for _, b := range shorter {
		s.minAt, s.maxAt = min(s.minAt, b.minAt), max(s.maxAt, b.maxAt)
	}
	if shapes, err = sourcesOf(shorter, nil); err == nil {
		narrow(shapes)
	}
	return shapes, true, err
}

var errEnough = errors.New("reach: enough for one transaction")

// cut collects the keys of some postings from one on, until there are enough parts for one
// transaction, and reports whether there are more.
func cut(ctx context.Context, tx *db.Tx, of []source, from Key, c *cutter) (more bool, err error) {
	var runs []*run
	for _, s := range of {
		runs = append(runs, s.run(0, from))
	}
	err = (&shelf{tx: tx}).unite(ctx, runs, newItems(), from, keysEnd, func(k Key, _ int32) error {
		if len(c.parts) == together {
			return errEnough
		}
		c.add(k)
		return nil
	})
	if errors.Is(err, errEnough) {
		return true, nil
	}
	c.end()
	return false, err
}
