package api

import (
	"bytes"
	"context"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/charter"
	"wardkeep/internal/gate"
	"wardkeep/internal/vault"
)

// maxChecks bounds a batch of dry questions.
const maxChecks = 1000

// A check is one question of a batch, with the child as it was named.
type check struct {
	child string
	use   gate.Use
}

// decide answers dry questions about any of the service's children, on one
// snapshot: the facts of each child are read once.
func decide(s *Server, w http.ResponseWriter, r *http.Request, c *call) error {
	checks, err := parseChecks(c.body)
	if err != nil {
		return err
	}
	ask := s.inquiries.Ask
	if len(checks) > fewChecks {
		ask = s.inquireAlone
	}
	out, err := ask(r.Context(), inquiry{c.app.Service, c.by, checks})
	if err != nil {
		return err
	}
	b := buffers.Get().(*bytes.Buffer)
	defer giveBack(b)
	writeDecisions(b, c.lang, out)
	send(w, http.StatusOK, jsonType, b.Bytes())
	return nil
}

// decideAll answers inquiries, each with a decision for each of its checks.
func (s *Server) decideAll(ctx context.Context, tx *db.Tx, all []inquiry) ([][]vault.Decision, error) {
	type part struct {
		inquiry int
		checks  []int // those of the inquiry that are about one child
	}
	var parts []part
	var names []string
	out := make([][]vault.Decision, len(all))
	for i, q := range all {
		out[i] = make([]vault.Decision, len(q.checks))
		order, of := group(q.checks)
		for _, name := range order {
			names, parts = append(names, name), append(parts, part{i, of[name]})
		}
	}
	ids, err := s.childIDs(ctx, tx, names, func(n int) string { return all[parts[n].inquiry].service })
	if err != nil {
		return nil, err
	}
	questions := make([]vault.Question, len(parts))
	for n, p := range parts {
		q := all[p.inquiry]
		uses := make([]gate.Use, len(p.checks))
		for j, i := range p.checks {
			uses[j] = q.checks[i].use
			uses[j].Service, uses[j].Child = q.service, ids[n] // an unknown child is a reason, not an error
		}
		questions[n] = vault.Question{By: q.by, Uses: uses}
	}
	decisions, err := s.Vault.Decide(ctx, tx, questions)
	if err != nil {
		return nil, err
	}
	for n, p := range parts {
		for j, i := range p.checks {
			out[p.inquiry][i] = discreet(decisions[n][j])
		}
	}
	return out, nil
}

// group returns the children in the order in which they come, and the questions
// about each.
func group(checks []check) (order []string, of map[string][]int) {
	of = make(map[string][]int)
	for i, c := range checks {
		if _, ok := of[c.child]; !ok {
			order = append(order, c.child)
		}
		of[c.child] = append(of[c.child], i)
	}
	return order, of
}

// discreet ends the reasons at "unknown": of what may be another service's child
// nothing more is told.
func discreet(d vault.Decision) vault.Decision {
	for i, r := range d.Reasons {
		if r.Code == "gate.child_unknown" {
			d.Reasons = d.Reasons[:i+1]
			break
		}
	}
	return d
}

// parseChecks reads {"checks": [{child, activity, purpose, items, party}, …]}.
func parseChecks(body []byte) ([]check, error) {
	if !utf8.Valid(body) {
		return nil, ErrNotUTF8
	}
	s := scanner{b: body}
	var checks []check
	var seen fields
	err := s.object(func(name []byte) error {
		if string(name) != "checks" {
			return ErrUnknownField
		}
		if err := seen.once(0); err != nil {
			return err
		}
		if s.peek() != '[' {
			return s.wrong("checks")
		}
		checks = make([]check, 0, min(maxChecks, 1+len(body)/100))
		return s.array(func(i int) error {
			if i >= maxChecks {
				return ErrTooLong.At("checks")
			}
			c, err := s.check()
			if err != nil {
				return within(err, "checks", i)
			}
			checks = append(checks, c)
			return nil
		})
	})
	switch {
	case err != nil:
	case s.end() != nil:
		err = ErrMalformed
	case !seen.has(0):
		err = ErrMissing.At("checks")
	case len(checks) == 0:
		err = ErrTooShort.At("checks")
	}
	return checks, err
}

// within prefixes the field of a refusal with an element of an array.
func within(err error, array string, i int) error {
	e := errs.Of(err)
	if e.Kind == errs.Internal || e.Kind == errs.Malformed {
		return err
	}
	field := array + "[" + strconv.Itoa(i) + "]"
	if e.Field != "" {
		field += "." + e.Field
	}
	return e.At(field)
}

var checkFields = []string{"child", "activity", "purpose", "items", "party"}

func (s *scanner) check() (c check, err error) {
	if s.peek() != '{' {
		return c, s.wrong("")
	}
	var seen fields
	err = s.object(func(name []byte) (err error) {
		switch string(name) {
		case "child":
			if err = seen.once(0); err == nil {
				c.child, err = s.name("child", len(refPrefix)+maxChild/4)
			}
		case "activity":
			var a string
			a, err = s.field(&seen, 1, "activity")
			c.use.Activity = charter.Activity(a)
			if err == nil && !activity(c.use.Activity) {
				err = ErrChoice.At("activity")
			}
		case "purpose":
			c.use.Purpose, err = s.field(&seen, 2, "purpose")
		case "items":
			if err = seen.once(3); err == nil {
				c.use.Items, err = s.names("items")
			}
		case "party":
			c.use.Party, err = s.field(&seen, 4, "party")
		default:
			err = ErrUnknownField
		}
		return err
	})
	for i, name := range checkFields[:4] {
		if err == nil && !seen.has(i) {
			err = ErrMissing.At(name)
		}
	}
	return c, err
}

func activity(a charter.Activity) bool {
	for _, known := range charter.Activities {
		if a == known {
			return true
		}
	}
	return false
}

// words are the reasons of the gate as JSON, per language and code, without the
// article and the item: in a batch they come a thousand times.
var words = sync.OnceValue(reasonWords)

func reasonWords() map[i18n.Lang]map[string][]byte {
	all := make(map[i18n.Lang]map[string][]byte)
	for _, lang := range i18n.Langs {
		all[lang] = make(map[string][]byte)
		for key, text := range i18n.Keys(lang) {
			if !strings.HasPrefix(key, "gate.") || !lang.Has(key+".remedy") {
				continue
			}
			b := append(quote([]byte(`{"code":`), key), `,"detail":`...)
			b = append(quote(b, text), `,"remedy":`...)
			all[lang][key] = quote(b, lang.T(key+".remedy"))
		}
	}
	return all
}

func writeDecisions(b *bytes.Buffer, lang i18n.Lang, all []vault.Decision) {
	b.WriteString(`{"decisions":[`)
	for i, d := range all {
		if i > 0 {
			b.WriteByte(',')
		}
		if d.Permitted {
			b.WriteString(`{"permitted":true}`)
			continue
		}
		b.WriteString(`{"permitted":false,"reasons":[`)
		for j, r := range d.Reasons {
			if j > 0 {
				b.WriteByte(',')
			}
			writeReason(b, lang, r)
		}
		b.WriteString(`]}`)
	}
	b.WriteString("]}\n")
}

func writeReason(b *bytes.Buffer, lang i18n.Lang, r gate.Denial) {
	text, ok := words()[lang][r.Code]
	if !ok {
		text = append(quote([]byte(`{"code":`), r.Code), `,"detail":"","remedy":""`...)
	}
	b.Write(text)
	b.WriteString(`,"article":`)
	b.Write(quote(b.AvailableBuffer(), r.Article))
	if r.Item != "" {
		b.WriteString(`,"item":`)
		b.Write(quote(b.AvailableBuffer(), r.Item))
	}
	b.WriteByte('}')
}
