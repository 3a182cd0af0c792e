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
