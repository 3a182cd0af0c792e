package reach

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"wardkeep/internal/base/db"
)

// markSize is how long a mark is.
const markSize = sha256.Size + 8

// markOf is what a directory says of a part: its SHA-256, and the last key in it.
func markOf(text []byte, last Key) []byte {
	hash := sha256.Sum256(text)
	return binary.BigEndian.AppendUint64(hash[:], uint64(last))
}

// A source is a posting and the stretch that it is in.
type source struct {
	level, n int64
	posting
}

// last returns the last key of a part.
func (s source) last(i int) Key { return Key(binary.BigEndian.Uint64(s.Parts[i][sha256.Size:])) }

// read is the query for a part.
func (s source) read(text *[][]byte, i int) db.Read {
	return db.ReadInto(text, db.Single[[]byte], `SELECT keys FROM reach_part WHERE level = $1 AND n = $2 AND part = $3`, s.level, s.n, s.First+int64(i))
}

// decode appends the keys of a part to others. Errors: ErrDamaged where it is gone or isn't as it
// was written.
func (s source) decode(text [][]byte, i int, keys []Key) ([]Key, error) {
	if len(text) == 0 {
		return nil, fmt.Errorf("%w: part %d of %d, %d is gone", ErrDamaged, s.First+int64(i), s.level, s.n)
	}
	all, err := decode(text[0], keys)
	if err == nil && (len(all) == len(keys) || !bytes.Equal(markOf(text[0], all[len(all)-1]), s.Parts[i])) {
		err = fmt.Errorf("%w: part %d of %d, %d", ErrDamaged, s.First+int64(i), s.level, s.n)
	}
	return all, err
}

// run hands out the keys of a posting from one on, and reads only the parts that may have them.
func (s source) run(set int32, from Key) *run {
	r := &run{set: set, of: s}
	for r.next < len(s.Parts) && s.last(r.next) < from {
		r.next++
	}
	return r
}
