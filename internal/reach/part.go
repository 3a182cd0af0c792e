package reach

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"wardkeep/internal/base/db"
)

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

// last returns the last key of a part. Errors: ErrDamaged.
func (s source) last(i int) (Key, error) {
	if len(s.Parts[i]) != sha256.Size+8 {
		return 0, fmt.Errorf("%w: the directory of %d, %d", ErrDamaged, s.level, s.n)
	}
	return Key(binary.BigEndian.Uint64(s.Parts[i][sha256.Size:])), nil
}

// part reads a part, into the memory of keys. Errors: ErrDamaged where it is gone or isn't as it
// was written.
func (s source) part(ctx context.Context, tx *db.Tx, i int, keys []Key) ([]Key, error) {
	text, err := db.One(ctx, tx, db.Single[[]byte], `SELECT keys FROM reach_part WHERE level = $1 AND n = $2 AND part = $3`, s.level, s.n, s.First+int64(i))
	if errors.Is(err, db.ErrNone) {
		return nil, fmt.Errorf("%w: part %d of %d, %d is gone", ErrDamaged, s.First+int64(i), s.level, s.n)
	}
	if err != nil {
		return nil, err
	}
	keys, err = decode(text, keys)
	if err == nil && (len(keys) == 0 || !bytes.Equal(markOf(text, keys[len(keys)-1]), s.Parts[i])) {
		err = fmt.Errorf("%w: part %d of %d, %d", ErrDamaged, s.First+int64(i), s.level, s.n)
	}
	return keys, err
}

// run hands out the keys of a posting from one on, and reads only the parts that may have them.
func (s source) run(ctx context.Context, tx *db.Tx, set int32, from Key) *run {
	next := 0
	return &run{set: set, more: func(keys []Key) ([]Key, error) {
		for ; next < len(s.Parts); next++ {
			last, err := s.last(next)
			if err != nil {
				return nil, err
			}
			if last < from {
				continue
			}
			keys, err := s.part(ctx, tx, next, keys)
			if err != nil {
				return nil, err
			}
			next++
			i, _ := slices.BinarySearch(keys, from)
			return keys[i:], nil
		}
		return nil, nil
	}}
}
