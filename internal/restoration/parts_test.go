package restoration_test

import (
	"fmt"
	"testing"

	"wardkeep/internal/base/id"
	"wardkeep/internal/ledger"
	"wardkeep/internal/restoration"
)

// However many children a gap tells of, no more than a bounded part of them is in memory
// at once, and each is in one part, with all that is told of it.
func TestEdgeCase15_AGapOfManyChildrenIsReadInParts(t *testing.T) {
	const most = 500
	for _, children := range []int{0, 1, most, 20_000} {
		var entries []ledger.Placed
		for range children {
			subject := id.New(id.Subject)
			for _, kind := range []string{"child.frozen", "a kind of a later release"} {
				p, err := ledger.ParseLeaf(int64(len(entries)), fmt.Appendf(nil,
					`{"id":"le_00000000000000000000000000","at":0,"kind":%q,"service":"s","subject":%q,"version":1,"actor":"x","body":{}}`, kind, subject))
				ok(t, err)
				entries = append(entries, p)
			}
		}
		parts, err := restoration.Held(entries, most)
		ok(t, err)
		seen := make(map[string]bool)
		for _, part := range parts {
			if len(part) > most {
				t.Errorf("of %d children, %d are in memory at once", children, len(part))
			}
			for _, subject := range part {
				if seen[subject] {
					t.Error("a child is in two parts")
				}
				seen[subject] = true
			}
		}
		if len(seen) != children {
			t.Errorf("%d of %d children are in some part", len(seen), children)
		}
	}
}
