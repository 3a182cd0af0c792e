package age

import (
	"fmt"
	"io"
	"log/slog"
	"time"

	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/pii"
)

var (
	// ErrMalformed refuses what isn't YYYY-MM-DD, YYYY-MM or YYYY.
	ErrMalformed = errs.New(errs.Invalid, "family.birth_malformed")
	// ErrImpossible refuses a date that no calendar has, and years before 1900.
	ErrImpossible = errs.New(errs.Invalid, "family.birth_impossible")
)

// firstYear is the first year of birth that is believed. Earlier ones are the
// placeholders of spreadsheets and databases (1899-12-31, 0000-00-00).
const firstYear = 1900

// A Birth is a birth date, or the part of it that is known: Day 0, or Month and
// Day 0, are unknown. The zero Birth is no birth date. It is a personal value:
// every formatting path shows ‹redacted›, and ISO is the one way to the text.
type Birth struct{ Year, Month, Day int }

// ParseBirth reads "2012-03-05", "2012-03" or "2012". It refuses everything else
// with ErrMalformed, and dates that can't be with ErrImpossible. The errors never
// contain the text.
func ParseBirth(s string) (Birth, error) {
	var b Birth
	switch len(s) {
	case len("2012-03-05"):
		if s[7] != '-' || !digits(s[8:], &b.Day) {
			return Birth{}, ErrMalformed
		}
		fallthrough
	case len("2012-03"):
		if s[4] != '-' || !digits(s[5:7], &b.Month) {
			return Birth{}, ErrMalformed
		}
		fallthrough
	case len("2012"):
		if !digits(s[:4], &b.Year) {
			return Birth{}, ErrMalformed
		}
	default:
		return Birth{}, ErrMalformed
	}
	// A zero that is written is impossible: what is unknown is left out.
	if b.Year == 0 || len(s) > 4 && b.Month == 0 || len(s) > 7 && b.Day == 0 || b.Check() != nil {
		return Birth{}, ErrImpossible
	}
	return b, nil
}

// Check returns ErrImpossible unless b is the zero Birth or a date, whole or in
// part, that the calendar has since 1900.
func (b Birth) Check() error {
	switch {
	case b.IsZero():
		return nil
	case !b.known(), b.Month < 0, b.Month > 12, b.Month == 0 && b.Day != 0, b.Day < 0,
		b.Day > 0 && b.Day > lastDay(b.Year, time.Month(b.Month)):
		return ErrImpossible
	}
	return nil
}

// digits reads s, which must be ASCII digits only, into n.
func digits(s string, n *int) bool {
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return false
		}
		*n = *n*10 + int(c-'0')
	}
	return true
}

// IsZero reports whether there is no birth date.
func (b Birth) IsZero() bool { return b == Birth{} }

// known reports whether there is a year to go by. A value that Check refuses
// counts as young as its parts allow, so that a mistake never makes older.
func (b Birth) known() bool { return b.Year >= firstYear && b.Year <= 9999 }

// precision counts the known parts after the year.
func (b Birth) precision() int {
	return min(max(b.Month, 0), 1) + min(max(b.Day, 0), 1)
}

// Latest returns the latest day that b allows: 31 December of a year, the last
// day of a month. Of the zero Birth it returns zeros.
func (b Birth) Latest() (year int, month time.Month, day int) {
	if !b.known() {
		return 0, 0, 0
	}
	if b.Month < 1 || b.Month > 12 {
		return b.Year, time.December, 31
	}
	month = time.Month(b.Month)
	last := lastDay(b.Year, month)
	if b.Day < 1 || b.Day > last {
		return b.Year, month, last
	}
	return b.Year, month, b.Day
}

// ISO reveals the birth date as "2012-03-05", "2012-03", "2012", or "" for none.
// ParseBirth reads it back.
func (b Birth) ISO() string {
	switch {
	case b.IsZero():
		return ""
	case b.Month == 0:
		return fmt.Sprintf("%04d", b.Year)
	case b.Day == 0:
		return fmt.Sprintf("%04d-%02d", b.Year, b.Month)
	}
	return fmt.Sprintf("%04d-%02d-%02d", b.Year, b.Month, b.Day)
}

// String returns ‹redacted›.
func (b Birth) String() string { return pii.Text{}.String() }

// GoString returns ‹redacted›, for %#v.
func (b Birth) GoString() string { return b.String() }

// Format writes ‹redacted› for every verb.
func (b Birth) Format(w fmt.State, _ rune) { io.WriteString(w, b.String()) }

// LogValue returns ‹redacted›, for slog.
func (b Birth) LogValue() slog.Value { return slog.StringValue(b.String()) }

// MarshalText returns ‹redacted›, for JSON, YAML, XML and URLs.
func (b Birth) MarshalText() ([]byte, error) { return []byte(b.String()), nil }
