package apptest

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
)

// A Canary is a value that nothing else looks like.
type Canary struct{ Name, Value string }

// In returns how the canary shows in b, or "": as UTF-8, UTF-16, hex, base64,
// percent-encoded, or with the escapes of JSON and Go.
func (c Canary) In(b []byte) string {
	for _, f := range c.forms() {
		if bytes.Contains(b, f.bytes) {
			return f.name
		}
	}
	return ""
}

// A Flock is canaries that are looked for together: what is looked through is read once,
// however many they are.
type Flock struct {
	forms  [][]form                // of each canary
	starts [1 << 16]bool           // by the first two bytes of any form
	by     map[[minForm]byte][]one // by the first bytes of each
}

// one is a form of a canary, by their places.
type one struct{ canary, form int }

// NewFlock returns the canaries as a flock.
func NewFlock(all []Canary) *Flock {
	f := &Flock{by: make(map[[minForm]byte][]one)}
	for i, c := range all {
		f.forms = append(f.forms, c.forms())
		for j, form := range f.forms[i] {
			f.starts[int(form.bytes[0])<<8|int(form.bytes[1])] = true
			first := [minForm]byte(form.bytes)
			f.by[first] = append(f.by[first], one{i, j})
		}
	}
	return f
}

// In returns how each canary shows in b that does, by its place: as Canary.In says it.
func (f *Flock) In(b []byte) map[int]string {
	found := make(map[int]string)
	for at := f.next(b, 0); at >= 0; at = f.next(b, at+1) {
		for _, o := range f.by[[minForm]byte(b[at:])] {
			if form := f.forms[o.canary][o.form]; found[o.canary] == "" && bytes.HasPrefix(b[at:], form.bytes) {
				found[o.canary] = form.name
			}
		}
	}
	return found
}

// next returns where a form may begin, from a place on, or -1. It goes over megabytes that
// nobody else has, which the race detector needn't watch byte by byte.
//
//go:norace
func (f *Flock) next(b []byte, from int) int {
	for i := from; i+minForm <= len(b); i++ {
		if f.starts[int(b[i])<<8|int(b[i+1])] {
			return i
		}
	}
	return -1
}

// minForm is how long a form is at least: a shorter one may show by chance.
const minForm = 8

type form struct {
	name  string
	bytes []byte
}

func (c Canary) forms() []form {
	v := []byte(c.Value)
	var little, big []byte
	for _, u := range utf16.Encode([]rune(c.Value)) {
		little, big = append(little, byte(u), byte(u>>8)), append(big, byte(u>>8), byte(u))
	}
	ascii := strconv.QuoteToASCII(c.Value)
	escaped, err := json.Marshal(c.Value)
	if err != nil {
		escaped = v
	}
	all := []form{
		{"UTF-8", v}, {"UTF-16LE", little}, {"UTF-16BE", big},
		{"hex", []byte(hex.EncodeToString(v))}, {"HEX", bytes.ToUpper([]byte(hex.EncodeToString(v)))},
		{"escaped", []byte(ascii[1 : len(ascii)-1])}, {"JSON", escaped[1 : len(escaped)-1]},
		{"percent", []byte(url.PathEscape(c.Value))}, {"query", []byte(url.QueryEscape(c.Value))},
	}
	// In base64 a text looks like one of three, by where it begins. Only what no
	// neighbour changes is looked for.
	for shift := range 3 {
		padded := append(bytes.Repeat([]byte{0}, shift), v...)
		padded = padded[:len(padded)-len(padded)%3]
		if text := base64.StdEncoding.EncodeToString(padded); len(text) >= 16 {
			text = text[min(shift*4, 4):]
			all = append(all, form{"base64", []byte(text)}, form{"base64url", []byte(strings.NewReplacer("+", "-", "/", "_").Replace(text))})
		}
	}
	return slices.DeleteFunc(all, func(f form) bool { return len(f.bytes) < minForm })
}
