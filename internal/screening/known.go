package screening

import (
	"cmp"
	"crypto/rand"
	"encoding/binary"
	"slices"
	"sort"

	"github.com/dchest/siphash"

	"wardkeep/internal/base/pii"
)

const (
	longest = 36 // runes of a value that count: of a longer one, its beginning
	short   = 4  // runes that are looked up at once; longer values begin with a head of so many
	pairs   = 22 // bits of the filter's index
	heads   = 1 << 63
)

// A Known is the set of values of held children, without the values. It doesn't
// change, and any number of screenings use it at once. See the package's doc for
// what it holds and what that protects from.
type Known struct {
	k0, k1 uint64 // of SipHash
	m0, m1 uint64 // of the filter
	filter []byte // for a pair of runes, which lengths of values begin with it
	first  []uint32
	shift  uint
	hash   []uint64 // in order; of a head, too
	child  []Child  // beside hash; of a head: bit n is set where a value of n runes begins so
	kind   []Kind
	values int
}

// A Gathering makes a Known. What is added is hashed at once and not kept.
type Gathering struct {
	known Known
	rows  []row
}

type row struct {
	hash  uint64
	child Child
	kind  Kind
}

// Gather begins a set with a key of its own.
func Gather() *Gathering {
	var b [32]byte
	rand.Read(b[:]) // never fails (crypto/rand)
	u := func(i int) uint64 { return binary.LittleEndian.Uint64(b[i:]) }
	return &Gathering{known: Known{k0: u(0), k1: u(8), m0: u(16) | 1, m1: u(24) | 1, filter: make([]byte, 1<<pairs)}}
}

// Add adds a value of a child, and reports whether it is one that can be looked
// for: it has two letters or digits at least, and if it has no Chinese, four.
func (g *Gathering) Add(c Child, k Kind, value pii.Text) bool {
	t := normal(value.Reveal())
	defer t.done()
	var v [longest]rune
	n, chinese := 0, false
	for i := 0; i < len(t.w) && n < longest; i++ {
		if t.w[i]&(between|ends) == 0 {
			v[n] = t.rune(i)
			chinese = chinese || t.is(i, hanzi)
			n++
		}
	}
	if k == Phone && n > 11 && v[0] == '8' && v[1] == '6' {
		n = copy(v[:], v[2:n])
	}
	defer clear(v[:])
	if n < 2 || !chinese && n < 4 {
		return false
	}
	known := &g.known
	bit := byte(8)
	if n <= short {
		bit = 1 << (n - 2)
	}
	known.filter[known.pair(v[0], v[1])] |= bit
	g.rows = append(g.rows, row{known.sum(v[:n]), c, k})
	if n > short {
		g.rows = append(g.rows, row{known.sum(v[:short]) | heads, Child(n), 0})
	}
	known.values++
	return true
}

// Known returns the set. The Gathering is used up.
func (g *Gathering) Known() *Known {
	k := g.known
	slices.SortFunc(g.rows, func(a, b row) int {
		return cmp.Or(cmp.Compare(a.hash, b.hash), cmp.Compare(a.child, b.child), cmp.Compare(a.kind, b.kind))
	})
	rows := g.rows[:0]
	var lengths uint64
	for i, r := range g.rows {
		if r.hash&heads != 0 {
			lengths |= 1 << r.child
			if i+1 < len(g.rows) && g.rows[i+1].hash == r.hash {
				continue
			}
			// Lengths 5 to 36 are bits 0 to 31.
			r.child, lengths = Child(lengths>>(short+1)), 0
		} else if n := len(rows); n > 0 && rows[n-1].hash == r.hash && rows[n-1].child == r.child {
			continue
		}
		rows = append(rows, r)
	}
	k.shift = 63
	for k.shift > 0 && len(rows)>>(63-k.shift) > 2 {
		k.shift--
	}
	k.hash, k.child, k.kind = make([]uint64, len(rows)), make([]Child, len(rows)), make([]Kind, len(rows))
	k.first = make([]uint32, 1<<(64-k.shift)+1)
	for i, r := range rows {
		k.hash[i], k.child[i], k.kind[i] = r.hash, r.child, r.kind
		k.first[r.hash>>k.shift+1]++
	}
	for i := 1; i < len(k.first); i++ {
		k.first[i] += k.first[i-1]
	}
	clear(g.rows[:cap(g.rows)])
	*g = Gathering{}
	return &k
}

// Len is the number of values.
func (k *Known) Len() int { return k.values }

// Size is the memory that the set takes, in bytes.
func (k *Known) Size() int {
	return len(k.filter) + 4*len(k.first) + 8*len(k.hash) + 4*len(k.child) + len(k.kind)
}

func (k *Known) pair(a, b rune) uint64 {
	return (uint64(a)*k.m0 + uint64(b)*k.m1) * 0x9e3779b97f4a7c15 >> (64 - pairs)
}

func (k *Known) sum(v []rune) uint64 {
	var b [4 * longest]byte
	for i, r := range v {
		binary.LittleEndian.PutUint32(b[4*i:], uint32(r))
	}
	return siphash.Hash(k.k0, k.k1, b[:4*len(v)]) &^ heads
}

// find returns from where to where in the set a hash stands. A name that
// thousands share stands there as often.
func (k *Known) find(h uint64) (i, j int) {
	b := h >> k.shift
	i, j = int(k.first[b]), int(k.first[b+1])
	for n := 0; i < j && k.hash[i] < h; n++ {
		if i++; n == 8 {
			i += sort.Search(j-i, func(n int) bool { return k.hash[i+n] >= h })
		}
	}
	end := i
	for n := 0; end < j && k.hash[end] == h; n++ {
		if end++; n == 8 {
			end += sort.Search(j-end, func(n int) bool { return k.hash[end+n] > h })
		}
	}
	return i, end
}

// whose returns the children who have exactly this value, nil if none has.
func (k *Known) whose(value []rune) []Child {
	if len(value) < 2 {
		return nil
	}
	i, j := k.find(k.sum(value[:min(len(value), longest)]))
	if i == j {
		return nil
	}
	return k.child[i:j:j]
}

// look looks for values that begin at i, where the filter's byte is mask, and adds
// the longest.
func (s *screen) look(i int, mask byte) {
	t, k := s.t, s.known
	var v [longest]rune
	var at [longest]int
	n, gap := 0, 0
	limit := short
	if mask&8 != 0 {
		limit = longest
	}
	for j := i; j < len(t.w) && n < limit && gap < 4; j++ {
		w := t.w[j]
		switch {
		case w&(between|ends) == 0:
			v[n], at[n], gap = rune(w&runes), j, 0
			n++
		case w&ends != 0:
			j = len(t.w)
		default:
			gap++
		}
	}
	best, from, to := 0, 0, 0
	try := func(m int) {
		if last := at[m-1]; t.is(last, ascii) && t.is(last+1, ascii) {
			return // a part of a longer word
		}
		if a, b := k.find(k.sum(v[:m])); b > a {
			best, from, to = m, a, b
		}
	}
	if mask&8 != 0 && n > short {
		if a, b := k.find(k.sum(v[:short]) | heads); b > a {
			for lengths, m := k.child[a], short+1; lengths != 0; lengths, m = lengths>>1, m+1 {
				if lengths&1 != 0 && m <= n {
					try(m)
				}
			}
		}
	}
	for m := min(n, short); m >= 2 && best == 0; m-- {
		if mask&(1<<(m-2)) != 0 {
			try(m)
		}
	}
	if best == 0 {
		return
	}
	f := s.found(k.kind[from], i, at[best-1]+1, Possible)
	f.Children = k.child[from:to:to]
	s.add(f)
}
