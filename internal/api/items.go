package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"sync"
	"unicode/utf8"

	"wardkeep/client"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/charter"
	"wardkeep/internal/family"
	"wardkeep/internal/gate"
	"wardkeep/internal/vault"
)

// ErrChanged refuses a change of a child that isn't any more what the caller has
// read.
var ErrChanged = errs.New(errs.Precondition, "api.precondition_failed")

type collectInput struct{ Body wardkeep.Collection }

// collect keeps values. Those of a denied collection are kept in no form; the
// denial is.
func collect(s *Server, ctx context.Context, c *call, in *collectInput) (answer[wardkeep.Collected], error) {
	values := hidden(in.Body.Values)
	return change(ctx, s, c, func(tx *db.Tx) (answer[wardkeep.Collected], error) {
		var out answer[wardkeep.Collected]
		child, err := s.childID(ctx, tx, c.app.Service, c.param("child"))
		if err != nil {
			return out, err
		}
		w, err := s.Vault.Put(ctx, tx, c.by, c.app.Service, child, in.Body.Purpose, values)
		if err != nil {
			return out, err
		}
		// Put has locked the child and raised its version by one, so what the
		// caller must have seen is the one before; no other transaction comes
		// between.
		now, err := family.Find(ctx, tx, c.app.Service, child)
		if err != nil {
			return out, err
		}
		if tag := c.header("If-Match"); tag != "" && !matches(tag, etagOf(now.Version-1)) {
			return out, ErrChanged.At("If-Match")
		}
		return answer[wardkeep.Collected]{
			Body: wardkeep.Collected{Child: string(child), Expires: w.Expires}, Entry: w.Entry, ETag: etagOf(now.Version),
		}, nil
	})
}

// hidden wraps values so that nothing prints them by accident.
func hidden(values map[string]string) map[string]pii.Text {
	out := make(map[string]pii.Text, len(values))
	for item, value := range values {
		out[item] = pii.New(value)
	}
	return out
}

// readItems releases values; the answer leaves after the commit of what records
// it (Invariant 2).
func readItems(s *Server, w http.ResponseWriter, r *http.Request, c *call) error {
	purpose, items, err := parseReading(c.body)
	if err != nil {
		return err
	}
	use := gate.Use{Service: c.app.Service, Activity: charter.Use, Purpose: purpose, Items: items}
	out, err := s.readings.Ask(r.Context(), reading{c.param("child"), vault.Opening{By: c.by, Use: use}})
	if out.Entry != "" && (err == nil || errors.Is(err, gate.ErrDenied)) {
		w.Header()[entryHeader] = []string{out.Entry} // of a denial, too
	}
	if err != nil {
		return err
	}
	b := buffers.Get().(*bytes.Buffer)
	defer giveBack(b)
	writeValues(b, items, out.Values)
	send(w, http.StatusOK, jsonType, b.Bytes())
	return nil
}

// buffers hold answers until they are sent. They are emptied, not only reset:
// values don't lie about in memory.
var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

func giveBack(b *bytes.Buffer) {
	if b.Cap() > maxBody {
		return
	}
	clear(b.Bytes())
	b.Reset()
	buffers.Put(b)
}

// parseReading reads {"purpose": …, "items": […]}.
func parseReading(body []byte) (purpose string, items []string, err error) {
	if !utf8.Valid(body) {
		return "", nil, ErrNotUTF8
	}
	s := scanner{b: body}
	var seen fields
	err = s.object(func(name []byte) (err error) {
		switch string(name) {
		case "purpose":
			if purpose, err = s.field(&seen, 0, "purpose"); err == nil && purpose == "" {
				err = ErrTooShort.At("purpose")
			}
			return err
		case "items":
			if err := seen.once(1); err != nil {
				return err
			}
			items, err = s.names("items")
			return err
		}
		return ErrUnknownField
	})
	switch {
	case err != nil:
	case s.end() != nil:
		err = ErrMalformed
	case !seen.has(0):
		err = ErrMissing.At("purpose")
	case !seen.has(1):
		err = ErrMissing.At("items")
	case len(items) == 0:
		err = ErrTooShort.At("items")
	}
	return purpose, items, err
}

// fields remembers which fields of an object were there.
type fields uint32

func (f *fields) once(i int) error {
	if f.has(i) {
		return ErrTwice
	}
	*f |= 1 << i
	return nil
}

func (f *fields) has(i int) bool { return *f&(1<<i) != 0 }

// maxName bounds names of purposes, items and parties, in characters.
const maxName = 100

// field returns the text of a field that may be there once.
func (s *scanner) field(seen *fields, i int, name string) (string, error) {
	if err := seen.once(i); err != nil {
		return "", err
	}
	return s.name(name, maxName)
}

func (s *scanner) name(field string, limit int) (string, error) {
	if s.peek() != '"' {
		return "", s.wrong(field)
	}
	text, err := s.word()
	if err == nil && utf8.RuneCountInString(text) > limit {
		err = ErrTooLong.At(field)
	}
	return text, err
}

// wrong is the refusal of a value of another type, if it is one at all.
func (s *scanner) wrong(field string) error {
	switch c := s.peek(); {
	case c == '{', c == '[', c == '"', c == '-', c >= '0' && c <= '9', c == 't', c == 'f', c == 'n':
		if json.Valid(s.b) {
			return ErrType.At(field)
		}
	}
	return ErrMalformed
}

// names returns an array of names.
func (s *scanner) names(field string) ([]string, error) {
	if s.peek() != '[' {
		return nil, s.wrong(field)
	}
	all := make([]string, 0, 4)
	err := s.array(func(i int) error {
		if i >= vault.MaxItems {
			return ErrTooLong.At(field)
		}
		name, err := s.name(field, maxName)
		all = append(all, name)
		return err
	})
	return all, err
}

// writeValues writes {"values":{…}}, in the order that was asked for. Each was
// checked to be UTF-8 when it was collected.
func writeValues(b *bytes.Buffer, items []string, values map[string]pii.Text) {
	b.WriteString(`{"values":{`)
	first := true
	for i, item := range items {
		v, ok := values[item]
		if !ok || slices.Contains(items[:i], item) {
			continue
		}
		if !first {
			b.WriteByte(',')
		}
		first = false
		b.Write(quote(b.AvailableBuffer(), item))
		b.WriteByte(':')
		b.Write(quote(b.AvailableBuffer(), v.Reveal()))
	}
	b.WriteString("}}\n")
}

// quote appends a text as JSON.
func quote(to []byte, text string) []byte {
	plain := true
	for i := range len(text) {
		if c := text[i]; c < ' ' || c == '"' || c == '\\' || c == 0x7f {
			plain = false
			break
		}
	}
	if plain {
		to = append(to, '"')
		to = append(to, text...)
		return append(to, '"')
	}
	b, err := json.Marshal(text)
	if err != nil {
		return append(to, `""`...) // a string always marshals
	}
	return append(to, b...)
}
