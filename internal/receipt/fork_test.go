package receipt_test

import (
	"testing"

	"github.com/transparency-dev/formats/log"
	"golang.org/x/mod/sumdb/note"
)

// ledgerOf is the checkpoint of another ledger of that size, with the right
// signature: the one that an operator shows to somebody else.
func ledgerOf(t *testing.T, signer note.Signer, size int64) string {
	t.Helper()
	root := make([]byte, 32)
	root[0] = 1
	text := log.Checkpoint{Origin: origin, Size: uint64(size), Hash: root}.Marshal()
	signed, err := note.Sign(&note.Note{Text: string(text)}, signer)
	if err != nil {
		t.Fatal(err)
	}
	return string(signed)
}
