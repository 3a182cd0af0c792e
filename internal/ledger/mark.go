package ledger

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// Mark is what the ledger keeps of what it mustn't tell, as of a document: a SHA-256 of its
// parts, in hex, with a random salt. Whoever has all of them proves what it was, and without
// the salt nobody can try out others against it (invariant 6).
func Mark(salt []byte, parts ...string) string {
	h := sha256.New()
	fmt.Fprintf(h, "%d:%s", len(salt), salt)
	for _, part := range parts {
		fmt.Fprintf(h, "%d:%s", len(part), part) // so that no two lists read alike
	}
	return hex.EncodeToString(h.Sum(nil))
}

// NewSalt makes the salt of a Mark.
func NewSalt() []byte {
	salt := make([]byte, sha256.Size)
	rand.Read(salt) // never fails (crypto/rand)
	return salt
}
