package ledger

import (
	"encoding/binary"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What is read quickly is read as slowly: of each entry, and of each with one byte changed or
// gone, both say the same, or the quick one says nothing.
func TestEntriesAreReadQuicklyAsSlowly(t *testing.T) {
	slowly := func(text []byte) (Placed, bool) {
		spaced := append([]byte(" "), text...) // which Append doesn't write, and quickly doesn't take
		p, err := decode(7, spaced)
		if err != nil {
			return Placed{}, false
		}
		p.Leaf = text
		return p, true
	}
	made := func(at int64) string {
		return "le_" + letters.EncodeToString(append(binary.BigEndian.AppendUint64(nil, uint64(at)), make([]byte, 8)...))
	}
	for _, text := range []string{
		`{"id":"` + made(1) + `","at":1,"kind":"use.permitted","service":"xiaoxi","subject":"su_x","version":3,"actor":"app:ak_x","body":{"activity":"use","items":["a","b"],"n":0}}`,
		`{"id":"` + made(1767225600000000) + `","at":1767225600000000,"kind":"","service":"","subject":"","version":0,"actor":"","body":null}`,
		`{"id":"` + made(5) + `","at":5,"kind":"王","service":"a\"b","subject":"","version":0,"actor":"","body":"x"}`,
	} {
		if _, ok := slowly([]byte(text)); !ok {
			t.Fatalf("%s is no entry", text)
		}
		for at := range len(text) {
			for _, c := range []byte{text[at], '0', '"', '}', ' ', '\\', ',', 'x', 0} {
				for _, changed := range [][]byte{append(append([]byte(text[:at]), c), text[at+1:]...), []byte(text[:at] + text[at+1:])} {
					quick, ok := quickly(7, changed)
					if !ok {
						continue
					}
					slow, is := slowly(changed)
					if !is || cmp.Diff(quick, slow) != "" {
						t.Fatalf("%s: %v", changed, is)
					}
				}
			}
		}
	}
	if _, ok := quickly(0, []byte(`{"id":"`+made(1)+`","at":1,"kind":"k","service":"s","subject":"","version":1,"actor":"a","body":{}}`)); !ok {
		t.Error("an entry as Append writes it is read slowly")
	}
}
