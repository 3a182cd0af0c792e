package screening

import (
	"cmp"
	"crypto/rand"
	"encoding/binary"
	"slices"
	"sort"
	"unsafe"

	"github.com/dchest/siphash"

	"wardkeep/internal/base/pii"
)

const (
	longest = 36 // runes of a value that count: of a longer one, its beginning
	short   = 4  // runes that are looked up at once; longer values begin with a head of so many
	pairs   = 22 // bits of the filter's index
	singles = 14 // bits of the index of those that values begin with: 2 kB, which stay in a core's nearest memory
	heads   = 1 << 63
)

// A Known is the set of values of held children, without the values; the zero Known has
// none, and takes no memory. It doesn't change, and any number of screenings use it at
// once, until Wipe. See the package's doc for what it holds and what that protects from.
type Known struct {
	keys
	begins []uint64 // a bit for each rune: whether a value begins with it
	filter []byte   // for a pair of runes, which lengths of values begin with it
	first  []uint32
	shift  uint
	hash   []uint64 // in order; of a head, too
	child  []Child  // beside hash; of a head: bit n is set where a value of n runes begins so
	what   []uint16 // beside hash: its kind, and above that how many runes it has, where it has a head
	head   []uint32 // beside hash: a part of the hash of its head, 0 where it has none
	values int
}

// keys are made with a set, lie in memory and nowhere else, and go with it.
type keys struct {
	k0, k1 uint64 // of SipHash
	m0, m1 uint64 // of the filter
}

// A Gathering makes a Known. What is added is hashed at once and not kept.
type Gathering struct {
	keys
	begins []uint64
	filter []byte
	rows   []row
}

type row struct {
	hash  uint64
	child Child
	what  uint16
	head  uint32
}

const kindBits = 8 // of what

func (r row) isHead() bool { return r.hash&heads != 0 }

// Gather begins a set with a key of its own.
func Gather() *Gathering {
	var b [32]byte
	rand.Read(b[:]) // never fails (crypto/rand)
	u := func(i int) uint64 { return binary.LittleEndian.Uint64(b[i:]) }
	return &Gathering{keys: keys{k0: u(0), k1: u(8), m0: u(16) | 1, m1: u(24) | 1}, begins: make([]uint64, 1<<singles/64), filter: make([]byte, 1<<pairs)}
}

// Gather begins what is to be added to the set: see With.
func (k *Known) Gather() *Gathering {
	return &Gathering{keys: k.keys, begins: slices.Clone(k.begins), filter: slices.Clone(k.filter)}
}

// Add adds a value of a child, and reports whether it is one that can be looked
// for: it has two letters or digits at least, and if it has no Chinese, four.
func (g *Gathering) Add(c Child, k Kind, value pii.Text) bool { return g.add(c, k, value.Reveal()) }

// Lend is Add for a value in bytes of which nothing is left behind: whoever lends them
// clears them.
func (g *Gathering) Lend(c Child, k Kind, value []byte) bool {
	return len(value) > 0 && g.add(c, k, unsafe.String(&value[0], len(value)))
}

func (g *Gathering) add(c Child, k Kind, value string) bool {
	t := normal(value)
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
	bit := byte(8)
	if n <= short {
		bit = 1 << (n - 2)
	}
	b := g.single(v[0])
	g.begins[b>>6] |= 1 << (b & 63)
	g.filter[g.pair(v[0], v[1])] |= bit
	r := row{hash: g.sum(v[:n]), child: c, what: uint16(k)}
	if n > short {
		h := g.sum(v[:short])
		r.head, r.what = uint32(h)|1, r.what|uint16(n)<<kindBits
		// Lengths 5 to 36 are bits 0 to 31.
		g.rows = append(g.rows, row{hash: h | heads, child: 1 << (n - short - 1), head: r.head})
	}
	g.rows = append(g.rows, r)
	return true
}

// Empty reports whether nothing was added.
func (g *Gathering) Empty() bool { return len(g.rows) == 0 }

func compareRows(a, b row) int {
	return cmp.Or(cmp.Compare(a.hash, b.hash), cmp.Compare(a.child, b.child), cmp.Compare(a.what, b.what))
}

// Known returns the set. The Gathering is used up.
func (g *Gathering) Known() *Known { return new(Known).With(g, nil) }

// With returns the set without the values of the children that are gone, and with what was
// gathered for it; the Gathering is used up. Of a value that is gone neither its hash nor
// that of its head is in the new set; that some value begins with its first two runes may
// be, in the filter, as long as the set has the same keys. The old set is as it was: Wipe
// it once nobody reads with it.
func (k *Known) With(g *Gathering, gone func(Child) bool) *Known {
	slices.SortFunc(g.rows, compareRows)
	out := &Known{keys: g.keys, begins: g.begins, filter: g.filter}
	out.grow(len(k.hash) + len(g.rows))
	lost := make(map[uint32]Child) // the heads of what is gone, and which lengths are left of them
	i, j := 0, 0
	for i < len(k.hash) || j < len(g.rows) {
		var r row
		if i < len(k.hash) {
			r = row{k.hash[i], k.child[i], k.what[i], k.head[i]}
		}
		if i < len(k.hash) && (j == len(g.rows) || compareRows(r, g.rows[j]) <= 0) {
			i++
			if gone != nil && !r.isHead() && gone(r.child) {
				if r.head != 0 {
					lost[r.head] = 0
				}
				continue
			}
		} else {
			r = g.rows[j]
			j++
		}
		out.append(r)
	}
	if len(lost) > 0 {
		out.behead(lost)
	}
	out.index()
	clear(g.rows[:cap(g.rows)])
	*g = Gathering{}
	return out
}

func (k *Known) grow(n int) {
	k.hash, k.child, k.what, k.head = make([]uint64, 0, n), make([]Child, 0, n), make([]uint16, 0, n), make([]uint32, 0, n)
}

// append appends a row behind those before it, once: of a head, all lengths are one row.
func (k *Known) append(r row) {
	if n := len(k.hash); n > 0 && k.hash[n-1] == r.hash {
		switch {
		case r.isHead():
			k.child[n-1] |= r.child
			return
		case k.child[n-1] == r.child:
			return
		}
	}
	k.hash, k.child, k.what, k.head = append(k.hash, r.hash), append(k.child, r.child), append(k.what, r.what), append(k.head, r.head)
	if !r.isHead() {
		k.values++
	}
}

// behead takes away the heads, and lengths of heads, that no value has any more.
func (k *Known) behead(lost map[uint32]Child) {
	for i, h := range k.head {
		if left, ok := lost[h]; ok && k.hash[i]&heads == 0 {
			lost[h] = left | 1<<(int(k.what[i]>>kindBits)-short-1)
		}
	}
	n := 0
	for i := range k.hash {
		if left, ok := lost[k.head[i]]; ok && k.hash[i]&heads != 0 {
			if k.child[i] &= left; k.child[i] == 0 {
				continue
			}
		}
		k.hash[n], k.child[n], k.what[n], k.head[n] = k.hash[i], k.child[i], k.what[i], k.head[i]
		n++
	}
	clear(k.hash[n:])
	k.hash, k.child, k.what, k.head = k.hash[:n], k.child[:n], k.what[:n], k.head[:n]
}

// index makes first, and gives back what was made room for in vain.
func (k *Known) index() {
	if n := len(k.hash); cap(k.hash) > n+n/8 {
		wide := *k
		k.hash, k.child, k.what, k.head = slices.Clone(k.hash), slices.Clone(k.child), slices.Clone(k.what), slices.Clone(k.head)
		clear(wide.hash)
	}
	k.shift = 63
	for k.shift > 0 && len(k.hash)>>(63-k.shift) > 2 {
		k.shift--
	}
	k.first = make([]uint32, 1<<(64-k.shift)+1)
	for _, h := range k.hash {
		k.first[h>>k.shift+1]++
	}
	for i := 1; i < len(k.first); i++ {
		k.first[i] += k.first[i-1]
	}
}

// Wipe leaves nothing of the set in memory. Nobody reads with it any more.
func (k *Known) Wipe() {
	clear(k.hash[:cap(k.hash)])
	clear(k.head[:cap(k.head)])
	clear(k.child[:cap(k.child)])
	clear(k.begins)
	clear(k.filter)
	*k = Known{}
}

// Len is the number of values.
func (k *Known) Len() int { return k.values }

// Size is the memory that the set takes, in bytes.
func (k *Known) Size() int {
	return 8*len(k.begins) + len(k.filter) + 4*len(k.first) + 8*cap(k.hash) + 4*cap(k.child) + 2*cap(k.what) + 4*cap(k.head)
}

func (k *keys) single(r rune) uint64 { return uint64(r) * k.m0 >> (64 - singles) }

func (k *keys) pair(a, b rune) uint64 {
	return (uint64(a)*k.m0 + uint64(b)*k.m1) * 0x9e3779b97f4a7c15 >> (64 - pairs)
}

// mayBegin reports whether a value may begin with the rune.
func (k *Known) mayBegin(r rune) bool {
	b := k.single(r)
	return k.begins[b>>6]&(1<<(b&63)) != 0
}

func (k *keys) sum(v []rune) uint64 {
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

// whose returns the children whose value is what stands from i to before j, nil if nobody's is.
func (s *screen) whose(i, j int) []Child {
	if s.known == nil {
		return nil
	}
	var b [longest]rune
	value := b[:0]
	for ; i < j && len(value) < longest; i++ {
		value = append(value, s.t.rune(i))
	}
	return s.known.whose(value)
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
	f := s.found(Kind(k.what[from]&(1<<kindBits-1)), i, at[best-1]+1, Possible)
	f.Children = k.child[from:to:to]
	// What another has for a nickname makes nobody's name less of one.
	f.named = to-from <= few && slices.ContainsFunc(k.what[from:to], func(w uint16) bool { return Kind(w&(1<<kindBits-1)) == Name })
	s.add(f)
}
