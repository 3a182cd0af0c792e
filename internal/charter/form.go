package charter

import (
	"io/fs"
	"reflect"
	"strings"
)

// Say reports a problem at a path of a form, in Chinese and in English; both texts take the
// same arguments.
type Say func(path, zh, en string, args ...any)

// ReadForm reads a file that is written like a charter, such as an assessment of a purpose,
// into a struct whose tags are as those of Charter; rules report what doesn't fit together.
// The error is Problems: everything that is wrong, in the order of the text.
func ReadForm(fsys fs.FS, name string, into any, rules func(Say)) error {
	r := newReport(name)
	v := reflect.ValueOf(into).Elem()
	if text, ok := readFile(fsys, r, name); ok {
		decode(text, v, r)
	} else {
		r.said[""] = true
	}
	return checkForm(r, v, rules)
}

// CheckForm holds a form against what ReadForm wants, however it was made.
func CheckForm(name string, form any, rules func(Say)) error {
	return checkForm(newReport(name), reflect.ValueOf(form).Elem(), rules)
}

func checkForm(r *report, v reflect.Value, rules func(Say)) error {
	if !r.silent("") {
		shape(v, "", r)
	}
	if len(r.problems) == 0 { // what is missing doesn't fit together, either
		r.shaped = true
		rules(r.add)
	}
	return r.err()
}

// WriteForm returns a form as one text, for a mark of it and to be kept: equal forms have
// equal texts.
func WriteForm(form any) []byte { return encode(form) }

// FormSource returns a form as a file: ReadForm reads the same form from it.
func FormSource(form any) string { return sourceOf(encode(form)) }

// Described returns the hash of what the charter says of a purpose: itself, its items,
// whom they go to, where they are kept and how they are protected. It is empty for a
// purpose that there isn't.
func (c *Charter) Described(purpose string) string {
	p, ok := c.Purpose(purpose)
	if !ok {
		return ""
	}
	d := struct {
		Service    string
		Purpose    Purpose
		Items      []Item
		Processors []Processor
		Recipients []Recipient
		Storage    Storage
		Safeguards []Safeguard
	}{Service: c.Service, Purpose: p, Storage: c.Storage, Safeguards: c.Safeguards}
	for _, it := range c.Items {
		if p.Has(it.Name) {
			d.Items = append(d.Items, it)
		}
	}
	for _, q := range c.Processors {
		if contains(p.Processors, q.Name) {
			d.Processors = append(d.Processors, q)
		}
	}
	for _, q := range c.Recipients {
		if contains(p.Recipients, q.Name) {
			d.Recipients = append(d.Recipients, q)
		}
	}
	return hash(encode(d))
}

// describing are the parts of a charter of which Described is made.
var describing = []string{"purposes", "items", "processors", "recipients", "storage", "safeguards"}

// Redescribed reports whether a new version says something materially else of a purpose
// than an old one (edge case 12): other words that the officer has signed off don't count,
// nor does what the rest of the charter says.
func Redescribed(old, new *Charter, purpose string) bool {
	if d := new.Described(purpose); d == "" || d == old.Described(purpose) {
		return d == ""
	}
	for _, c := range Diff(old, new) {
		if c.Material && contains(c.Purposes, purpose) && contains(describing, strings.SplitN(c.Path, "/", 2)[0]) {
			return true
		}
	}
	return false
}
