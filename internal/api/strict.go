package api

import (
	"encoding/json"
	"unicode/utf16"
	"unicode/utf8"

	"wardkeep/internal/base/errs"
)

// What can be wrong with a body before anybody asks what it means.
var (
	ErrMalformed = errs.New(errs.Malformed, "api.malformed_json") // not one JSON value, or something after it
	ErrTwice     = errs.New(errs.Malformed, "api.duplicate_field")
	ErrNotUTF8   = errs.New(errs.Malformed, "api.not_utf8")
	ErrTooDeep   = errs.New(errs.Malformed, "api.too_deep")
)

// maxDepth bounds how deep arrays and objects nest.
const maxDepth = 16

// strict reports what encoding/json would let pass: a field that is there twice
// (which of the two counts differs between programs), text that isn't UTF-8, and
// nesting without end.
func strict(body []byte) error {
	if !utf8.Valid(body) {
		return ErrNotUTF8
	}
	if !json.Valid(body) {
		return ErrMalformed
	}
	s := scanner{b: body}
	if err := s.value(0); err != nil {
		return err
	}
	return s.end()
}

// A scanner reads JSON from left to right. The hot routes read their bodies with
// it directly; its errors never hold what it read.
type scanner struct {
	b []byte
	i int

	// words keeps texts that come again: a batch names few purposes and children.
	words map[string]string
}

func (s *scanner) space() {
	for s.i < len(s.b) {
		switch s.b[s.i] {
		case ' ', '\t', '\n', '\r':
			s.i++
		default:
			return
		}
	}
}

// peek returns the next byte that isn't white space, or 0.
func (s *scanner) peek() byte {
	s.space()
	if s.i < len(s.b) {
		return s.b[s.i]
	}
	return 0
}

// take skips c if it comes next.
func (s *scanner) take(c byte) bool {
	if s.peek() == c {
		s.i++
		return true
	}
	return false
}

// end refuses whatever comes after the value.
func (s *scanner) end() error {
	if s.peek() != 0 || s.i < len(s.b) {
		return ErrMalformed
	}
	return nil
}

// raw returns the bytes of a string, without quotes, and whether it has escapes.
func (s *scanner) raw() (text []byte, escaped bool, err error) {
	if !s.take('"') {
		return nil, false, ErrMalformed
	}
	start := s.i
	for s.i < len(s.b) {
		switch c := s.b[s.i]; {
		case c == '"':
			text = s.b[start:s.i]
			s.i++
			return text, escaped, nil
		case c == '\\':
			escaped = true
			s.i += 2
		case c < ' ':
			return nil, false, ErrMalformed
		default:
			s.i++
		}
	}
	return nil, false, ErrMalformed
}

// text returns a string.
func (s *scanner) text() (string, error) {
	raw, escaped, err := s.raw()
	if err != nil {
		return "", err
	}
	if escaped {
		return unescape(raw)
	}
	return string(raw), nil
}

// word is text for what comes again and again.
func (s *scanner) word() (string, error) {
	raw, escaped, err := s.raw()
	if err != nil {
		return "", err
	}
	if escaped {
		return unescape(raw)
	}
	if w, ok := s.words[string(raw)]; ok {
		return w, nil
	}
	if s.words == nil {
		s.words = make(map[string]string, 16)
	}
	w := string(raw)
	s.words[w] = w
	return w, nil
}

// unescape refuses half a surrogate pair, which encoding/json would replace.
func unescape(raw []byte) (string, error) {
	for i := 0; i < len(raw); i++ {
		if raw[i] != '\\' {
			continue
		}
		i++
		if i >= len(raw) || raw[i] != 'u' {
			continue
		}
		r := hex4(raw[i+1:])
		i += 4
		if !utf16.IsSurrogate(r) {
			continue
		}
		if i+2 >= len(raw) || raw[i+1] != '\\' || raw[i+2] != 'u' || utf16.DecodeRune(r, hex4(raw[i+3:])) == utf8.RuneError {
			return "", ErrNotUTF8
		}
		i += 6
	}
	quoted := make([]byte, 0, len(raw)+2)
	quoted = append(append(append(quoted, '"'), raw...), '"')
	var text string
	if json.Unmarshal(quoted, &text) != nil {
		return "", ErrMalformed
	}
	return text, nil
}

// hex4 reads four hexadecimal digits, or returns -1.
func hex4(b []byte) rune {
	if len(b) < 4 {
		return -1
	}
	var r rune
	for _, c := range b[:4] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return -1
		}
		r = r<<4 | rune(c)
	}
	return r
}

// array calls each at the beginning of every element.
func (s *scanner) array(each func(i int) error) error {
	if !s.take('[') {
		return ErrMalformed
	}
	if s.take(']') {
		return nil
	}
	for i := 0; ; i++ {
		if err := each(i); err != nil {
			return err
		}
		switch {
		case s.take(','):
		case s.take(']'):
			return nil
		default:
			return ErrMalformed
		}
	}
}

// object calls each at the beginning of every field's value.
func (s *scanner) object(each func(name []byte) error) error {
	if !s.take('{') {
		return ErrMalformed
	}
	if s.take('}') {
		return nil
	}
	for {
		name, escaped, err := s.raw()
		if err != nil {
			return err
		}
		if escaped {
			text, err := unescape(name)
			if err != nil {
				return err
			}
			name = []byte(text)
		}
		if !s.take(':') {
			return ErrMalformed
		}
		if err := each(name); err != nil {
			return err
		}
		switch {
		case s.take(','):
		case s.take('}'):
			return nil
		default:
			return ErrMalformed
		}
	}
}

// value skips a value of a body that is valid JSON, and looks into it.
func (s *scanner) value(depth int) error {
	if depth > maxDepth {
		return ErrTooDeep
	}
	switch s.peek() {
	case '{':
		seen := make(map[string]struct{})
		return s.object(func(name []byte) error {
			if _, twice := seen[string(name)]; twice {
				return ErrTwice
			}
			seen[string(name)] = struct{}{}
			return s.value(depth + 1)
		})
	case '[':
		return s.array(func(int) error { return s.value(depth + 1) })
	case '"':
		_, err := s.text()
		return err
	}
	for s.i < len(s.b) { // a number, true, false or null
		switch s.b[s.i] {
		case ',', ']', '}', ' ', '\t', '\n', '\r':
			return nil
		}
		s.i++
	}
	return nil
}
