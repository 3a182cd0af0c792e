package gate

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"testing"

	"wardkeep/internal/ledger"
)

// A body that is remembered is read as one that isn't: whoever appends to what it has changes
// nobody else's, and what can't be read is refused each time.
func TestInvariant7_BodiesAreReadAsTheyStand(t *testing.T) {
	of := func(body string) ledger.Placed {
		return ledger.Placed{Kind: KindPermitted, Body: json.RawMessage(body)}
	}
	remembered := make(Bodies)
	for _, body := range []string{
		`{"activity":"use","purpose":"p","items":["a","b","c"],"catalog":1,"charter":1,"age":"child"}`,
		`{"activity":"use","purpose":"p","items":["` + strings.Repeat("a", bodyKept) + `"],"catalog":1,"charter":1,"age":"child"}`,
	} {
		for range 2 {
			b, err := remembered.Of(of(body))
			plain, alone := Bodies(nil).Of(of(body))
			if err != nil || alone != nil || !slices.Equal(b.Items, plain.Items) || b.Age != "child" {
				t.Fatalf("%+v, %v; alone %+v, %v", b, err, plain, alone)
			}
			if grown := append(b.Items, "x"); len(b.Items) > 0 && &grown[0] == &b.Items[0] {
				t.Error("what is shared can be written into")
			}
		}
	}
	if len(remembered) != 1 {
		t.Errorf("%d are remembered", len(remembered)) // one is too long
	}
	for range 2 {
		if _, err := remembered.Of(of(`{"activity":"use","strange":1}`)); err == nil {
			t.Error("a member that nobody knows was passed over")
		}
	}
	for i := range bodiesKept + 10 {
		if _, err := remembered.Of(of(`{"catalog":` + strconv.Itoa(i) + `}`)); err != nil {
			t.Fatal(err)
		}
	}
	if len(remembered) > bodiesKept {
		t.Errorf("%d are remembered", len(remembered))
	}
}
