package ledger

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"strings"
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
// its number within the transaction (2 bytes), which node made it (2 bytes: see
// NodeOf) and 4 random bytes.
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
	binary.BigEndian.PutUint16(b[10:], tx.Node())
	rand.Read(b[12:]) // never fails (crypto/rand)
	text := make([]byte, 0, 29)
	text = append(text, string(id.Entry)+"_"...)
	return string(letters.AppendEncode(text, b[:])), nil
}

// NodeOf is how entries name the node of a name: by 16 bits of its hash. That takes no
// table and no entry that says who is who; two of a dozen names share one with a
// probability of a thousandth, and then neither is found without the other. As with
// names of hosts, no letter is large or small. It is never 0, which stands for nobody,
// but of a node without a name, about which nobody could ask.
func NodeOf(name string) uint16 {
	if name == "" {
		return 0
	}
	sum := sha256.Sum256([]byte("wardkeep node\n" + strings.ToLower(name)))
	return max(binary.BigEndian.Uint16(sum[:]), 1)
}

// NodeIn returns which node made the entry with this id, 0 where nobody has said, and
// false if it isn't an entry's id.
func NodeIn(entry string) (node uint16, ok bool) {
	b, ok := bytesOf(entry)
	return binary.BigEndian.Uint16(b[10:]), ok
}

// bytesOf returns what the id of an entry holds.
func bytesOf(entry string) (b [16]byte, ok bool) {
	if !id.Is(id.Entry, entry) {
		return b, false
	}
	n, err := letters.Decode(b[:], []byte(entry[len(id.Entry)+1:]))
	return b, err == nil && n == len(b)
}

// timeOf returns the time in an entry's id, in microseconds.
func timeOf(entry string) (at int64, ok bool) {
	b, ok := bytesOf(entry)
	at = int64(binary.BigEndian.Uint64(b[:]))
	return at, ok && at >= 0
}

// TimeOf returns the time of the transaction that made the entry with this id,
// and false if it isn't an entry's id. It says nothing of whether it exists.
func TimeOf(entry string) (time.Time, bool) {
	at, ok := timeOf(entry)
	return time.UnixMicro(at).UTC(), ok
}
