package db

import (
	"strconv"
	"strings"
	"time"

	"wardkeep/internal/base/id"
)

// A Cursor is where a list that is ordered by a time and a name goes on: behind this one.
// The zero Cursor is the beginning.
type Cursor struct {
	At time.Time
	ID string
}

// ParseCursor reads what Cursor.String has written of things of type p. What it can't read
// is the beginning.
func ParseCursor(p id.Prefix, s string) Cursor {
	at, name, _ := strings.Cut(s, ".")
	micros, err := strconv.ParseInt(at, 10, 64)
	if err != nil || micros <= 0 || !id.Is(p, name) {
		return Cursor{}
	}
	return Cursor{time.UnixMicro(micros), name}
}

// String returns the cursor for an address, and "" for the beginning.
func (c Cursor) String() string {
	if c.ID == "" {
		return ""
	}
	return strconv.FormatInt(c.At.UnixMicro(), 10) + "." + c.ID
}

// lookedAt is how many rows are looked at for those that are wanted, at most: where they
// are rare, a page may have none, and say where it goes on.
const lookedAt = 500

// Rows is how many rows are read for a page of at most limit: of a list of which everything
// is wanted, or only some.
func Rows(limit int, everything bool) int {
	if everything {
		return limit + 1
	}
	return max(lookedAt, limit+1)
}

// Cut returns a page of at most limit that are wanted, of a list of which so many rows were
// read (Rows), and where the next one begins: nowhere, after the last.
func Cut[T, C any](list []T, rows, limit int, wanted func(T) bool, at func(T) C) (page []T, next C) {
	for i, one := range list[:min(len(list), rows)] {
		if wanted(one) {
			if len(page) == limit {
				return page, at(page[limit-1])
			}
			page = append(page, one)
		}
		if i == rows-1 {
			next = at(one)
		}
	}
	return page, next
}
