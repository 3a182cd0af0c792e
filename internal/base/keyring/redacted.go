package keyring

import (
	"fmt"
	"io"
	"log/slog"
)

const hidden = "‹key›"

// redacted, embedded, makes every formatting path of a type show ‹key›. Types
// that embed it also keep their keys behind two pointers: fmt doesn't call the
// methods of unexported fields. It follows no pointer from inside a struct,
// unless the verb doesn't suit one (%s), and then a single one.
type redacted struct{}

// String returns ‹key›.
func (redacted) String() string { return hidden }

// GoString returns ‹key›, for %#v.
func (redacted) GoString() string { return hidden }

// Format writes ‹key› for every verb.
func (redacted) Format(w fmt.State, _ rune) { io.WriteString(w, hidden) }

// LogValue returns ‹key›, for slog.
func (redacted) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalText returns ‹key›, for JSON, YAML, XML and URLs.
func (redacted) MarshalText() ([]byte, error) { return []byte(hidden), nil }
