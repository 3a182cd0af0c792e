package reach

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/bits"
	"slices"
	"strings"
	"sync"

	"wardkeep/internal/base/db"
)

// encode writes keys, which are in order and each once: the differences, as varints.
func encode(keys []Key) []byte {
	text := make([]byte, 0, 8*len(keys))
	before := Key(0)
	for _, k := range keys {
		text = binary.AppendUvarint(text, uint64(k-before))
		before = k
	}
	return text
}

// decode appends what encode wrote to keys.
func decode(text []byte, keys []Key) ([]Key, error) {
	before, most := Key(0), len(keys)+part
	for first := true; len(text) > 0; first = false {
		d, n := varint(text)
		if n <= 0 || d == 0 && !first || len(keys) == most {
			return nil, fmt.Errorf("%w: a part that nobody wrote", ErrDamaged)
		}
		before += Key(d)
		keys, text = append(keys, before), text[n:]
	}
	return keys, nil
}

// varint is binary.Uvarint, of which a question reads ten million: where eight bytes are there and
// the number has no more, they are read at once, and their 7 bits put together in three steps.
func varint(text []byte) (n uint64, length int) {
	if len(text) < 8 {
		return binary.Uvarint(text)
	}
	n = binary.LittleEndian.Uint64(text)
	ends := ^n & 0x8080808080808080
	if ends == 0 {
		return binary.Uvarint(text)
	}
	n &= (ends ^ (ends - 1)) & 0x7f7f7f7f7f7f7f7f // up to the first byte that ends it
	n = n&0x007f007f007f007f | n&0x7f007f007f007f00>>1
	n = n&0x00003fff00003fff | n&0x3fff00003fff0000>>2
	n = n&0x000000000fffffff | n&0x0fffffff00000000>>4
	return n, bits.TrailingZeros64(ends)/8 + 1
}

// A run hands out the keys of one shape in one stretch, in order: those that were read, and then
// its parts that weren't yet.
type run struct {
	keys []Key // that come next
	set  int32 // of items: see items
	room []Key // the memory of keys
	of   source
	next int // of its parts
}

// due reports whether a run lacks a part in which keys before an end may be.
func (r *run) due(end Key) bool {
	return r.next < len(r.of.Parts) && (r.next == 0 || r.of.last(r.next-1) < end)
}

// A shelf is where parts are read. Several may do so at once: they take turns, and what they do
// with what they have read they do beside each other.
type shelf struct {
	tx   *db.Tx
	turn sync.Mutex // a transaction does one thing at a time
}

// carried is how many parts are read in one round trip.
const carried = 64

// fill reads the parts that runs lack before an end.
func (s *shelf) fill(ctx context.Context, runs []*run, from, end Key) error {
	for {
		var due []*run
		for _, r := range runs {
			if r.due(end) {
				due = append(due, r)
			}
		}
		if len(due) == 0 {
			return nil
		}
		for some := range slices.Chunk(due, carried) {
			if err := s.read(ctx, some, from); err != nil {
				return err
			}
		}
	}
}

// read reads the next part of each run, and leaves out the keys before one.
func (s *shelf) read(ctx context.Context, runs []*run, from Key) error {
	texts, reads := make([][][]byte, len(runs)), make([]db.Read, len(runs))
	for i, r := range runs {
		reads[i] = r.of.read(&texts[i], r.next)
	}
	s.turn.Lock()
	err := s.tx.Together(ctx, reads...)
	s.turn.Unlock()
	for i, r := range runs {
		if err != nil {
			return err
		}
		left := copy(r.room[:cap(r.room)], r.keys)
		if r.room, err = r.of.decode(texts[i], r.next, slices.Grow(r.room[:left], int(min(part, r.of.Keys)))); err == nil {
			r.keys = r.room
			r.next++
			if r.keys[0] < from {
				first, _ := slices.BinarySearch(r.keys, from)
				r.keys = r.keys[first:]
			}
		}
	}
	return err
}

// Items numbers sets of items, and joins them.
type items struct {
	names  []string
	number map[string]int32
	table  []int32 // the joins of the first sets, and one more: 0 is none yet; nil before the first
	joins  map[[2]int32]int32
}

// tabled is how many sets are the first.
const tabled = 256

func newItems() *items {
	return &items{number: make(map[string]int32), joins: make(map[[2]int32]int32)}
}

// clone returns sets with the same numbers, for whoever joins them beside others.
func (t *items) clone() *items {
	c := newItems()
	for _, names := range t.names {
		c.of(names)
	}
	return c
}

func (t *items) of(names string) int32 {
	n, known := t.number[names]
	if !known {
		n = int32(len(t.names))
		t.names, t.number[names] = append(t.names, names), n
	}
	return n
}

// join returns the set of what is in either.
func (t *items) join(a, b int32) int32 {
	switch {
	case a == b:
		return a
	case a < tabled && b < tabled:
		if t.table == nil {
			t.table = make([]int32, tabled*tabled)
		}
		n := &t.table[a*tabled+b]
		if *n == 0 {
			*n = t.joined(a, b) + 1
		}
		return *n - 1
	}
	n, known := t.joins[[2]int32{a, b}]
	if !known {
		n = t.joined(a, b)
		t.joins[[2]int32{a, b}] = n
	}
	return n
}

func (t *items) joined(a, b int32) int32 {
	return t.of(inOrder(slices.Concat(strings.Fields(t.names[a]), strings.Fields(t.names[b]))))
}

// keysEnd is behind the last key that there can be.
const keysEnd = Key(1) << (5 * keyLetters)

// windowed is how many keys are about taken together: a few that don't fit where a processor has
// what it works on cost more than many that do.
const windowed = 1 << 16

// unite calls each with each key of the runs from one to before another, once, in order, and with
// all that came with it. It goes through them by windows of the same width: pseudonyms are random,
// so each has about as many. It holds a window, and of each run a part or two.
func (s *shelf) unite(ctx context.Context, runs []*run, sets *items, from, upto Key, each func(k Key, set int32) error) error {
	many := 0
	for _, r := range runs {
		many += len(r.keys) + int(r.of.Keys)
	}
	width := keysEnd / Key(many/windowed+1)
	left := slices.Clone(runs)
	var w window
	for first := from; first < upto && len(left) > 0; first += width {
		end := min(upto, first+width)
		if err := s.fill(ctx, left, from, end); err != nil {
			return err
		}
		w.pairs = w.pairs[:0]
		still := left[:0]
		for _, r := range left {
			w.take(r, end)
			if len(r.keys) > 0 || r.next < len(r.of.Parts) {
				still = append(still, r)
			} else {
				r.room = nil
			}
		}
		left = still
		w.sort(first, end-1)
		for i := 0; i < len(w.pairs); {
			at := w.pairs[i]
			for i++; i < len(w.pairs) && w.pairs[i].key == at.key; i++ {
				at.set = sets.join(at.set, w.pairs[i].set)
			}
			if err := each(at.key, at.set); err != nil {
				return err
			}
		}
	}
	return nil
}

// A pair is a key and what came with it.
type pair struct {
	key Key
	set int32
}

// A window is some pairs, and the memory in which they are sorted.
type window struct {
	pairs, room []pair
	ends        []int32
}

// take takes the keys of a run before an end.
func (w *window) take(r *run, end Key) {
	for i, k := range r.keys {
		if k >= end {
			r.keys = r.keys[i:]
			return
		}
		w.pairs = append(w.pairs, pair{k, r.set})
	}
	r.keys = nil
}

// sort sorts pairs whose keys are from first to last. Pseudonyms are random, so where one belongs
// is known but for a few places: each is put there, and then moved on.
func (w *window) sort(first, last Key) {
	n := len(w.pairs)
	shift := max(0, bits.Len64(uint64(last-first))-bits.Len(uint(n)))
	w.ends = slices.Grow(w.ends[:0], int((last-first)>>shift)+2)[:int((last-first)>>shift)+2]
	clear(w.ends)
	for _, p := range w.pairs {
		w.ends[(p.key-first)>>shift+1]++
	}
	for i := 1; i < len(w.ends); i++ {
		w.ends[i] += w.ends[i-1]
	}
	w.room = slices.Grow(w.room[:0], n)[:n]
	for _, p := range w.pairs {
		at := &w.ends[(p.key-first)>>shift]
		w.room[*at] = p
		*at++
	}
	w.pairs, w.room = w.room, w.pairs
	for i := 1; i < n; i++ {
		p, j := w.pairs[i], i
		for ; j > 0 && w.pairs[j-1].key > p.key; j-- {
			w.pairs[j] = w.pairs[j-1]
		}
		w.pairs[j] = p
	}
}

// A cutter cuts keys that come in order into parts.
type cutter struct {
	keys  []Key
	parts [][]byte // that are whole
	marks [][]byte // of them
	count int64
	last  Key
}

func (c *cutter) add(k Key) {
	c.keys = append(c.keys, k)
	c.count++
	c.last = k
	if len(c.keys) == part {
		c.end()
	}
}

// end ends the last part.
func (c *cutter) end() {
	if len(c.keys) > 0 {
		text := encode(c.keys)
		c.parts, c.marks = append(c.parts, text), append(c.marks, markOf(text, c.last))
		c.keys = c.keys[:0]
	}
}
