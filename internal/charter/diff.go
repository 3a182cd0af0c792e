package charter

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"sort"
	"strconv"
	"strings"
)

// A Change is one difference between two versions of a charter.
type Change struct {
	Path     string   // "purposes/speaking-practice/retention/period": names, not numbers
	Purposes []string // the purposes it affects, sorted; all of them when it concerns the whole charter
	Words    Words    // the change in words, what was beside what is
	What     Words    // what changed, without the old and the new
	Was, Is  Words    // the old and the new, to stand side by side; both zero where only Words say it
	Material bool     // whether guardians must be asked again (Article 10)
	Why      Words    // why it is material, or why not
}

// Diff lists every difference between two versions, in the order of the file.
// An old charter of nil is none: everything is new.
//
// Edge case 12 decides what is material. A difference that the table of rules
// doesn't name is material. New wording is material too, unless the officer
// signed it off: the new charter's wording_signed_off names the old charter's
// hash and the path. Some texts can't be signed off, because they are the
// substance: the storage place, what happens at expiry, the consequences of
// refusing, the names of the operator, of processors, of recipients.
func Diff(old, new *Charter) []Change {
	first := old == nil
	if first {
		old = &Charter{}
	}
	before, after := old.Canonical(), new.Canonical()
	if bytes.Equal(before, after) {
		return nil
	}
	d := &differ{old: old, new: new, first: first}
	if s := new.SignedOff; s != nil && s.Previous == hash(before) {
		d.signed = s.Paths
	}
	d.structure("", "", reflect.ValueOf(*old), reflect.ValueOf(*new))
	if len(d.changes) == 0 {
		// The bytes differ and no rule saw why: the most careful answer.
		d.report("", "", altered, Words{"章程有变化", "The charter changed"})
	}
	return d.changes
}

// Material returns the names of the purposes for which guardians must be asked
// again, sorted. It names purposes that are gone as well: consents to them end,
// and nobody is asked.
func Material(changes []Change) (purposes []string) {
	seen := map[string]bool{}
	for _, c := range changes {
		for _, p := range c.Purposes {
			if c.Material && !seen[p] {
				seen[p] = true
				purposes = append(purposes, p)
			}
		}
	}
	sort.Strings(purposes)
	return purposes
}

// A differ walks two charters side by side. It keeps two paths: one with the
// names of things, for people, and one with * in their place, for the rules.
type differ struct {
	old, new *Charter
	first    bool     // there is no old version
	signed   []string // the paths that the officer signed off, if they count
	changes  []Change
}

func (d *differ) walk(path, rule string, a, b reflect.Value) {
	switch {
	case a.Type() == reflect.TypeFor[Words]():
		d.words(path, rule, a.Interface().(Words), b.Interface().(Words))
	case a.Type() == reflect.TypeFor[Period]():
		d.period(path, rule, a.Interface().(Period), b.Interface().(Period))
	case a.Kind() == reflect.Pointer:
		d.pointer(path, rule, a, b)
	case a.Kind() == reflect.Struct:
		d.structure(path, rule, a, b)
	case a.Kind() == reflect.Map:
		d.prose(path, rule, a, b)
	case a.Kind() == reflect.Slice && a.Type().Elem().Kind() == reflect.Struct:
		d.things(path, rule, a, b)
	case a.Kind() == reflect.Slice:
		d.set(path, rule, a, b)
	default:
		d.scalar(path, rule, a, b)
	}
}

func (d *differ) structure(path, rule string, a, b reflect.Value) {
	for _, f := range fields(a.Type()) {
		d.walk(join(path, f.name), join(rule, f.name), a.Field(f.index), b.Field(f.index))
	}
}

func (d *differ) words(path, rule string, a, b Words) {
	if a != b {
		d.changed(path, rule, altered, quoted(a), quoted(b))
	}
}

func (d *differ) period(path, rule string, a, b Period) {
	if a == b {
		return
	}
	kind := altered
	switch {
	case a.IsZero() || b.IsZero():
		// A cap that comes shortens, a cap that goes prolongs.
		kind = shorter
		if b.IsZero() {
			kind = longer
		}
	case b.longer(a):
		kind = longer
	default:
		kind = shorter
	}
	d.changed(path, rule, kind, periodWords(a), periodWords(b))
}

func (d *differ) pointer(path, rule string, a, b reflect.Value) {
	switch {
	case a.IsNil() && b.IsNil():
	case a.IsNil():
		d.report(path, rule, added, d.subject(path, rule, "新增：%s", "New: %s"))
	case b.IsNil():
		d.report(path, rule, removed, d.subject(path, rule, "去掉：%s", "Gone: %s"))
	case a.Elem().Kind() == reflect.Struct:
		d.structure(path, rule, a.Elem(), b.Elem())
	default:
		d.scalar(path, rule, a.Elem(), b.Elem())
	}
}

func (d *differ) scalar(path, rule string, a, b reflect.Value) {
	if a.Interface() != b.Interface() {
		d.changed(path, rule, altered, scalarWords(a), scalarWords(b))
	}
}

func (d *differ) prose(path, rule string, a, b reflect.Value) {
	for _, lang := range Langs {
		was, is := proseText(a, lang), proseText(b, lang)
		if was == is {
			continue
		}
		gone, come := Lines(was, is)
		zh, en := fmt.Sprintf("%%s：去掉 %d 行，新增 %d 行", len(gone), len(come)), fmt.Sprintf("%%s: %d lines gone, %d lines new", len(gone), len(come))
		if len(gone)+len(come) == 0 {
			zh, en = "%s：只有空白不同", "%s: nothing but white space differs"
		}
		w := d.subject(join(path, lang), join(rule, lang), zh, en)
		d.report(join(path, lang), join(rule, lang), altered, w)
	}
}

// set compares lists of names or verbs, whose order means nothing.
func (d *differ) set(path, rule string, a, b reflect.Value) {
	n := len(d.changes)
	for i := range a.Len() {
		if s := a.Index(i); !holds(b, s) {
			d.reportEntry(path, rule, removed, s)
		}
	}
	for i := range b.Len() {
		if s := b.Index(i); !holds(a, s) {
			d.reportEntry(path, rule, added, s)
		}
	}
	d.order(path, rule, n, a, b)
}

// order reports a list that differs although nothing in it came, went or changed.
func (d *differ) order(path, rule string, n int, a, b reflect.Value) {
	if n != len(d.changes) || a.Len()+b.Len() == 0 || reflect.DeepEqual(a.Interface(), b.Interface()) {
		return
	}
	if sameEntries(a, b) {
		d.report(path, rule, reordered, d.subject(path, rule, "%s：顺序不同", "%s: another order"))
		return
	}
	d.report(path, rule, altered, d.subject(path, rule, "%s：内容不同", "%s: something differs")) // two of one name
}

// sameEntries reports whether two lists differ in order only.
func sameEntries(a, b reflect.Value) bool {
	if a.Len() != b.Len() {
		return false
	}
	count := map[string]int{}
	for i := range a.Len() {
		count[string(encode(a.Index(i).Interface()))]++
		count[string(encode(b.Index(i).Interface()))]--
	}
	for _, n := range count {
		if n != 0 {
			return false
		}
	}
	return true
}

func (d *differ) reportEntry(path, rule string, kind kind, entry reflect.Value) {
	zh, en := "%s：新增 ", "%s: new is "
	if kind == removed {
		zh, en = "%s：去掉 ", "%s: gone is "
	}
	w := d.label(rule, entry.String())
	if enum, ok := enumWord(entry.Type(), entry.String()); ok {
		w = enum
	}
	escape := func(s string) string { return strings.ReplaceAll(s, "%", "%%") }
	said := d.subject(path, rule, zh+"“"+escape(w.ZH)+"”", en+`"`+escape(w.EN)+`"`)
	was, is := nothing, quoted(w)
	if kind == removed {
		was, is = is, was
	}
	d.reportBeside(join(path, entry.String()), join(rule, "*"), kind, d.subject(path, rule, "%s", "%s"), was, is, said)
}

// things compares lists of things with names, by name.
func (d *differ) things(path, rule string, a, b reflect.Value) {
	n := len(d.changes)
	for i := range a.Len() {
		name := nameOf(a.Index(i))
		p, r := join(path, name), join(rule, "*")
		switch e, ok := named(b, name); {
		case !ok:
			d.report(p, r, removed, d.subject(p, r, "去掉：%s", "Gone: %s"))
		default:
			d.walk(p, r, a.Index(i), e)
		}
	}
	for i := range b.Len() {
		name := nameOf(b.Index(i))
		p, r := join(path, name), join(rule, "*")
		if _, ok := named(a, name); !ok {
			d.report(p, r, added, d.subject(p, r, "新增：%s", "New: %s"))
		}
	}
	d.order(path, rule, n, a, b)
}

func (d *differ) changed(path, rule string, kind kind, was, is Words) {
	what := d.subject(path, rule, "%s", "%s")
	d.reportBeside(path, rule, kind, what, was, is, Words{
		what.ZH + "：原来是" + was.ZH + "，现在是" + is.ZH,
		what.EN + ": was " + was.EN + ", is " + is.EN,
	})
}

func (d *differ) report(path, rule string, kind kind, words Words) {
	d.reportBeside(path, rule, kind, words, Words{}, Words{}, words)
}

// reportBeside reports a change with what was and what is.
func (d *differ) reportBeside(path, rule string, kind kind, what, was, is, words Words) {
	material, why := judge(rule, kind)
	if d.first {
		material, why = true, whyFirst
	}
	if wording[rule] && kind == altered && contains(d.signed, path) {
		material, why = false, whySignedOff
	}
	d.changes = append(d.changes, Change{
		Path: path, Purposes: d.affected(path), Words: words, What: what, Was: was, Is: is, Material: material, Why: why,
	})
}

// affected are the purposes that a change touches: those that name the item or
// the party, in either version, or all.
func (d *differ) affected(path string) (purposes []string) {
	parts := strings.SplitN(path, "/", 3)
	touches := func(Purpose) bool { return true }
	if len(parts) > 1 {
		name := parts[1]
		switch parts[0] {
		case "purposes":
			return []string{name}
		case "items":
			touches = func(p Purpose) bool { return p.Has(name) }
		case "processors", "recipients":
			touches = func(p Purpose) bool { return contains(p.names(parts[0]), name) }
		}
	}
	seen := map[string]bool{}
	for _, c := range []*Charter{d.new, d.old} {
		for _, p := range c.Purposes {
			if touches(p) && !seen[p.Name] {
				seen[p.Name] = true
				purposes = append(purposes, p.Name)
			}
		}
	}
	sort.Strings(purposes)
	return purposes
}

func nameOf(v reflect.Value) string {
	key := v.FieldByName("Name")
	if !key.IsValid() {
		key = v.FieldByName("Value") // of a Choice
	}
	return key.String()
}

func named(list reflect.Value, name string) (reflect.Value, bool) {
	for i := range list.Len() {
		if nameOf(list.Index(i)) == name {
			return list.Index(i), true
		}
	}
	return reflect.Value{}, false
}

func holds(list, v reflect.Value) bool {
	for i := range list.Len() {
		if list.Index(i).String() == v.String() {
			return true
		}
	}
	return false
}

func proseText(m reflect.Value, lang Lang) string {
	if v := m.MapIndex(reflect.ValueOf(lang)); v.IsValid() {
		return v.String()
	}
	return ""
}

func quoted(w Words) Words {
	if w.IsZero() {
		return nothing
	}
	return Words{"“" + w.ZH + "”", strconv.Quote(w.EN)}
}

func periodWords(p Period) Words {
	if p.IsZero() {
		return nothing
	}
	return Words{p.In(Chinese), p.In(English)}
}

func scalarWords(v reflect.Value) Words {
	if w, ok := enumWord(v.Type(), v.String()); ok {
		return w
	}
	switch v.Kind() {
	case reflect.Bool:
		if v.Bool() {
			return Words{"是", "yes"}
		}
		return Words{"否", "no"}
	case reflect.String:
		if v.String() == "" {
			return nothing
		}
		return Words{"“" + v.String() + "”", strconv.Quote(v.String())}
	}
	b, err := json.Marshal(v.Interface())
	if err != nil || v.IsZero() && v.Kind() == reflect.Int {
		return nothing
	}
	return Words{string(b), string(b)}
}
