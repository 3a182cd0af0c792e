package ledger_test

import (
	"context"
	"testing"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/db/dbtest"
	"wardkeep/internal/ledger"
)

// Article 21: an entry says which node made it, and when, and two of one transaction are two.
func TestArticle21_AnEntrySaysWhichNodeMadeIt(t *testing.T) {
	store := dbtest.New(t)
	for _, name := range []string{"", "keep-1", "keep-2"} {
		store.Node = ledger.NodeOf(name)
		if err := store.Update(t.Context(), func(tx *db.Tx) error {
			first, err := ledger.Append(t.Context(), tx, ledger.Entry{Kind: "test"})
			if err != nil {
				return err
			}
			second, err := ledger.Append(context.Background(), tx, ledger.Entry{Kind: "test"})
			node, is := ledger.NodeIn(second)
			at, dated := ledger.TimeOf(second)
			if first >= second || !is || !dated || node != store.Node || !at.Equal(tx.Now()) {
				t.Errorf("%q: %s, then %s of %d at %v", name, first, second, node, at)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	if _, is := ledger.NodeIn("ch_00000000000000000000000000"); is || ledger.NodeOf("keep-1") == ledger.NodeOf("keep-2") || ledger.NodeOf("Keep-1") != ledger.NodeOf("keep-1") {
		t.Error("a node is taken for another")
	}
	if ledger.NodeOf("") != 0 {
		t.Error("what a node without a name has done is found by no question")
	}
}
