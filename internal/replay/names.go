package replay

import (
	"encoding/base32"
	"hash/maphash"
	"strings"

	"wardkeep/internal/base/id"
)

// A key is the random part of a name of base/id: 16 bytes for 29.
type key [16]byte

var letters = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// lastLetters are those that 26 letters for 16 bytes can end with: two bits of
// the last are unused, and two spellings must not be one name.
const lastLetters = "048cgmrw"

// keyOf returns the key of a name with this prefix, and false for what base/id
// doesn't make.
func keyOf(p id.Prefix, s string) (k key, ok bool) {
	rest, ok := strings.CutPrefix(s, string(p)+"_")
	if !ok || len(rest) != 26 || strings.IndexByte(lastLetters, rest[25]) < 0 {
		return k, false
	}
	n, err := letters.Decode(k[:], []byte(rest))
	return k, err == nil && n == len(k)
}

func (k key) name(p id.Prefix) string { return string(p) + "_" + letters.EncodeToString(k[:]) }

// A sym stands for a text that many children share: a service, an item.
type sym uint32

// names keeps each shared text once. What is in it came from the ledger and so
// names nobody; a text that isn't is not shown.
type names struct {
	syms  map[string]sym
	texts []string
	seed  maphash.Seed
}

func newNames() *names {
	n := &names{syms: make(map[string]sym), seed: maphash.MakeSeed()}
	for _, s := range []string{"", "unconsented", "active", "erased", "live", "test", "officer", "deputy",
		"parent", "legal_guardian", "institution", "grandparent", "teacher", "other"} {
		n.sym(s)
	}
	return n
}

func (n *names) sym(s string) sym {
	if y, ok := n.syms[s]; ok {
		return y
	}
	y := sym(len(n.texts))
	s = strings.Clone(s)
	n.syms[s] = y
	n.texts = append(n.texts, s)
	return y
}

func (n *names) text(y sym) string { return n.texts[y] }

// shown returns a text from a table if the ledger has it too, or if it is a name
// of base/id, and else "?": whoever wrote to the table by hand may have written
// anything.
func (n *names) shown(s string) string {
	if _, known := n.syms[s]; known {
		return orNone(s)
	}
	if prefix, _, ok := strings.Cut(s, "_"); ok && id.Is(id.Prefix(prefix), s) {
		return s
	}
	return "?"
}

// sum hashes texts and numbers with a seed of this run, so that nobody can make
// two contents with one sum.
func (n *names) sum(texts []string, numbers ...int64) uint64 {
	var h maphash.Hash
	h.SetSeed(n.seed)
	for _, s := range texts {
		h.WriteString(s)
		h.WriteByte(0xff) // in no UTF-8 text
	}
	for _, v := range numbers {
		for i := range 8 {
			h.WriteByte(byte(v >> (8 * i)))
		}
	}
	return h.Sum64()
}
