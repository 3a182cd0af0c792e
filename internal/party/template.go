package party

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
)

// Forms are what somebody fills in, by what it is for.
var Forms = map[string]any{"identity": Identity{}, "assessment": Form{}, "agreement": Deed{}, "mechanism": Mechanism{}, "check": Inspection{}}

// Decode reads a form that is written in YAML or JSON. Nothing may be in it that the form
// doesn't have. Errors: ErrForm.
func Decode(text []byte, into any) error {
	data, err := yaml.YAMLToJSON(text)
	if err == nil {
		err = strict(string(data), into)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrForm, err)
	}
	return nil
}

// Template returns a form to be filled in: YAML, in which each line is explained in both
// languages the first time that it comes. As it is printed, it is refused.
func Template(form any) string {
	w := templateWriter{told: make(map[string]bool)}
	w.fields(reflect.TypeOf(form), "")
	return w.b.String()
}

type templateWriter struct {
	b    strings.Builder
	told map[string]bool
}

func (w *templateWriter) fields(t reflect.Type, indent string) {
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if at := t.Name() + "." + name; !w.told[at] {
			w.told[at] = true
			zh, en, _ := strings.Cut(f.Tag.Get("doc"), "|")
			fmt.Fprintf(&w.b, "%s# %s\n%s# %s\n", indent, zh, indent, en)
		}
		example := f.Tag.Get("example")
		switch f.Type.Kind() {
		case reflect.Struct:
			fmt.Fprintf(&w.b, "%s%s:\n", indent, name)
			w.fields(f.Type, indent+"  ")
		case reflect.Slice:
			fmt.Fprintf(&w.b, "%s%s:\n", indent, name)
			inner := templateWriter{told: w.told}
			inner.fields(f.Type.Elem(), "    ")
			w.b.WriteString(listed(inner.b.String(), indent))
		case reflect.Map:
			fmt.Fprintf(&w.b, "%s%s:\n%s  %s\n", indent, name, indent, example)
		case reflect.Int:
			fmt.Fprintf(&w.b, "%s%s: %s\n", indent, name, example)
		default:
			fmt.Fprintf(&w.b, "%s%s: %s\n", indent, name, strconv.Quote(example))
		}
	}
}

// listed puts the dash of a list before the first line of an entry that is no comment.
func listed(entry, indent string) string {
	var out strings.Builder
	dashed := false
	for line := range strings.Lines(entry) {
		line = strings.TrimPrefix(line, "    ")
		if !dashed && !strings.HasPrefix(line, "#") {
			dashed = true
			out.WriteString(indent + "  - " + line)
			continue
		}
		out.WriteString(indent + "    " + line)
	}
	return out.String()
}
