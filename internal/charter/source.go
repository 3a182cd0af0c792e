package charter

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
)

// Source returns the charter as a charter.yaml without its prose: Load reads the same
// charter from it. Comments, and where who wrote it broke lines, are in no charter.
func (c *Charter) Source() string { return sourceOf(c.Canonical()) }

func sourceOf(canonical []byte) string {
	w := sourceWriter{d: json.NewDecoder(bytes.NewReader(canonical))}
	w.d.UseNumber()
	w.d.Token() // of the whole
	w.mapping("", false)
	return strings.TrimPrefix(w.b.String(), "\n") + "\n"
}

// A sourceWriter turns the canonical JSON into block YAML, key by key in its order.
type sourceWriter struct {
	d *json.Decoder
	b strings.Builder
}

// plainScalar is a text that YAML reads as that text without quotes: no number, no date,
// no word of its own.
var plainScalar = regexp.MustCompile(`^[a-z]+([-_][a-z]+)+$`)

// mapping writes what follows an opening brace. In a list, the first key stands beside its
// dash.
func (w *sourceWriter) mapping(indent string, listed bool) {
	for w.d.More() {
		key, _ := w.d.Token()
		if indent == "" && (key == "rules" || key == "agreement") {
			var prose map[Lang]string
			_ = w.d.Decode(&prose) // it is of files of its own
			continue
		}
		if !listed {
			w.b.WriteString("\n" + indent)
		}
		listed = false
		w.b.WriteString(key.(string) + ":")
		w.value(indent+"  ", " ")
	}
	w.d.Token()
}

func (w *sourceWriter) list(indent string) {
	if !w.d.More() {
		w.b.WriteString(" []")
	}
	for w.d.More() {
		w.b.WriteString("\n" + indent + "- ")
		w.value(indent+"  ", "")
	}
	w.d.Token()
}

// value writes the next value; before stands between it and its key if it is one word.
func (w *sourceWriter) value(indent, before string) {
	t, _ := w.d.Token()
	switch t {
	case json.Delim('{'):
		w.mapping(indent, before == "")
		return
	case json.Delim('['):
		w.list(indent)
		return
	}
	w.b.WriteString(before)
	if text, ok := t.(string); ok && plainScalar.MatchString(text) {
		w.b.WriteString(text)
		return
	}
	w.b.Write(encode(t))
}
