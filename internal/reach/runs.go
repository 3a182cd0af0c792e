package reach

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"slices"
	"strings"
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

// decode reads what encode wrote, into the memory of keys.
func decode(text []byte, keys []Key) ([]Key, error) {
	keys, before := keys[:0], Key(0)
	for len(text) > 0 {
		d, n := binary.Uvarint(text)
		if n <= 0 || d == 0 && len(keys) > 0 || len(keys) == part {
			return nil, fmt.Errorf("%w: a part that nobody wrote", ErrDamaged)
		}
		before += Key(d)
		keys, text = append(keys, before), text[n:]
	}
	return keys, nil
}

// A run hands out the keys of one shape in one stretch, in order, a part at a time.
type run struct {
	keys []Key // that come next
	set  int32 // of items: see items
	room []Key // the memory of keys
	// more reads the next part into the memory of keys: nothing, at the end. Nil: there is none.
	more func(keys []Key) ([]Key, error)
}

// fill reads the next part, if there is one.
func (r *run) fill() (err error) {
	if r.more != nil {
		r.room, err = r.more(r.room)
		r.keys = r.room
	}
	return err
}

// Items numbers sets of items, and joins them.
type items struct {
	names  []string
	number map[string]int32
	joins  map[[2]int32]int32
}

func newItems() *items {
	return &items{number: make(map[string]int32), joins: make(map[[2]int32]int32)}
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
	if a == b {
		return a
	}
	if a > b {
		a, b = b, a
	}
	n, known := t.joins[[2]int32{a, b}]
	if !known {
		n = t.of(inOrder(slices.Concat(strings.Fields(t.names[a]), strings.Fields(t.names[b]))))
		t.joins[[2]int32{a, b}] = n
	}
	return n
}

// unite calls each with each key of the runs once, in order, and with all that came with it. It
// holds one part of each run, however many keys there are, and takes them together up to the
// least key with which a part ends.
func unite(runs []*run, sets *items, each func(k Key, set int32) error) error {
	left := make([]*run, 0, len(runs))
	for _, r := range runs {
		if len(r.keys) == 0 {
			if err := r.fill(); err != nil {
				return err
			}
		}
		if len(r.keys) > 0 {
			left = append(left, r)
		}
	}
	var w window
	for len(left) > 0 {
		first, last := left[0].keys[0], left[0].keys[len(left[0].keys)-1]
		for _, r := range left {
			first, last = min(first, r.keys[0]), min(last, r.keys[len(r.keys)-1])
		}
		w.pairs = w.pairs[:0]
		still := left[:0]
		for _, r := range left {
			n, found := slices.BinarySearch(r.keys, last)
			if found {
				n++
			}
			for _, k := range r.keys[:n] {
				w.pairs = append(w.pairs, pair{k, r.set})
			}
			if r.keys = r.keys[n:]; len(r.keys) == 0 {
				if err := r.fill(); err != nil {
					return err
				}
			}
			if len(r.keys) > 0 {
				still = append(still, r)
			}
		}
		left = still
		w.sort(first, last)
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
