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
	return slices.DeleteFunc(all, func(f form) bool { return len(f.bytes) < 8 })
}
