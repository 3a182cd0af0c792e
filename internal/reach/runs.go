package reach

import (
	"encoding/binary"
	"fmt"
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

// next drops the first key.
func (r *run) next() error {
	if r.keys = r.keys[1:]; len(r.keys) > 0 || r.more == nil {
		return nil
	}
	return r.fill()
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
// holds one part of each run, however many keys there are.
func unite(runs []*run, sets *items, each func(k Key, set int32) error) error {
	heap := runs[:0:0]
	for _, r := range runs {
		if len(r.keys) == 0 {
			if err := r.fill(); err != nil {
				return err
			}
		}
		if len(r.keys) > 0 {
			heap = append(heap, r)
		}
	}
	for i := len(heap)/2 - 1; i >= 0; i-- {
		sink(heap, i)
	}
	for len(heap) > 0 {
		key, set := heap[0].keys[0], heap[0].set
		for len(heap) > 0 && heap[0].keys[0] == key {
			r := heap[0]
			if r.set != set {
				set = sets.join(set, r.set)
			}
			if err := r.next(); err != nil {
				return err
			}
			if len(r.keys) == 0 {
				heap[0] = heap[len(heap)-1]
				heap = heap[:len(heap)-1]
			}
			sink(heap, 0)
		}
		if err := each(key, set); err != nil {
			return err
		}
	}
	return nil
}

// sink puts the run at i where it belongs in a heap by first keys.
func sink(heap []*run, i int) {
	if i >= len(heap) {
		return
	}
	r := heap[i]
	first := r.keys[0]
	for {
		child := 2*i + 1
		if child >= len(heap) {
			break
		}
		if child+1 < len(heap) && heap[child+1].keys[0] < heap[child].keys[0] {
			child++
		}
		if first <= heap[child].keys[0] {
			break
		}
		heap[i] = heap[child]
		i = child
	}
	heap[i] = r
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
