// Package pii holds personal values that can't be printed by accident.
//
// Its one invariant: every formatting path of a Text (fmt, slog, JSON, text,
// errors) shows ‹redacted›. The one way to the value is Reveal, so that
// `grep Reveal` lists each place where a personal value leaves its wrapping.
package pii

import (
	"fmt"
	"io"
	"log/slog"
)

const redacted = "‹redacted›"

// Text is a personal value. The zero Text is the empty value. Texts can't be
// compared with ==.
//
// The value lies behind a pointer, because fmt calls no methods on unexported
// fields: there it would print a string, and prints an address.
type Text struct {
	_ [0]func()
	s *string
}

// New wraps a personal value.
func New(s string) Text { return Text{s: &s} }

// Reveal returns the value itself.
func (t Text) Reveal() string {
	if t.s == nil {
		return ""
	}
	return *t.s
}

// IsZero reports whether there is no value.
func (t Text) IsZero() bool { return t.s == nil || *t.s == "" }

// String returns ‹redacted›.
func (t Text) String() string { return redacted }

// GoString returns ‹redacted›, for %#v.
func (t Text) GoString() string { return redacted }

// Format writes ‹redacted› for every verb.
func (t Text) Format(w fmt.State, _ rune) { io.WriteString(w, redacted) }

// LogValue returns ‹redacted›, for slog.
func (t Text) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText returns ‹redacted›, for JSON, YAML, XML and URLs.
func (t Text) MarshalText() ([]byte, error) { return []byte(redacted), nil }
