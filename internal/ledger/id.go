package ledger

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/id"
)

// letters is base32 in the order of the bytes, so that ids sort by their time.
var letters = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// maxOrdinal is how many entries one transaction may append.
const maxOrdinal = 1 << 16

// newID returns the id of an entry: "le_" and 26 characters, which hold
// the time of its transaction (8 bytes, microseconds since 1970, big-endian),
// its number within the transaction (2 bytes) and 6 random bytes.
//
// Unlike other names it begins with its time. That time stands in the entry
// anyway, so nothing is given away; and an entry is found by it through the
// times of the bundles, which spares an index with a row per entry for ever.
func newID(tx *db.Tx) (string, error) {
	n := tx.Ordinal()
	if n >= maxOrdinal {
		return "", fmt.Errorf("ledger: more than %d entries in one transaction", maxOrdinal)
	}
	var b [16]byte
	binary.BigEndian.PutUint64(b[:], uint64(tx.Now().UnixMicro()))
	binary.BigEndian.PutUint16(b[8:], uint16(n))
	rand.Read(b[10:]) // never fails (crypto/rand)
	text := make([]byte, 0, 29)
	text = append(text, string(id.Entry)+"_"...)
	return string(letters.AppendEncode(text, b[:])), nil
}

// timeOf returns the time in an entry's id, in microseconds.
func timeOf(entry string) (at int64, ok bool) {
	if !id.Is(id.Entry, entry) {
		return 0, false
	}
	b, err := letters.DecodeString(entry[len(id.Entry)+1:])
	if err != nil || len(b) != 16 {
		return 0, false
	}
	at = int64(binary.BigEndian.Uint64(b))
	return at, at >= 0
}

// TimeOf returns the time of the transaction that made the entry with this id,
// and false if it isn't an entry's id. It says nothing of whether it exists.
func TimeOf(entry string) (time.Time, bool) {
	at, ok := timeOf(entry)
	return time.UnixMicro(at).UTC(), ok
}
