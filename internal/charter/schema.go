package charter

import (
	"bytes"
	"encoding/json"
	"reflect"
)

// Schema returns the JSON Schema (draft 2020-12) of charter.yaml, for editors.
// It comes from the same tags as the reader; what ties several keys together,
// such as a purpose's items, only Load checks.
func Schema() []byte {
	s := schemas{defs: map[string]any{}}
	root := s.object(reflect.TypeFor[Charter]())
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["title"] = "Wardkeep charter"
	root["description"] = "儿童个人信息章程 charter.yaml. The charter of one service."
	root["$defs"] = s.defs
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(root); err != nil {
		return nil // maps of strings, numbers and lists always encode
	}
	return b.Bytes()
}

type schemas struct{ defs map[string]any }

func (s schemas) object(t reflect.Type) map[string]any {
	properties, required := map[string]any{}, []string{}
	for _, f := range fields(t) {
		if f.prose {
			continue
		}
		ft := t.Field(f.index).Type
		p := s.of(ft, f)
		p["description"] = f.doc.ZH + " · " + f.doc.EN
		properties[f.name] = p
		// As in the reader: numbers and booleans may be left out, being zero.
		if !f.optional {
			required = append(required, f.name)
			if ft.Kind() == reflect.Slice {
				p["minItems"] = 1
			}
		}
		if f.name == "sub_processors" {
			p["maxItems"] = 0 // Article 16(5)
		}
	}
	return map[string]any{
		"type": "object", "properties": properties, "required": required, "additionalProperties": false,
	}
}

func (s schemas) of(t reflect.Type, f field) map[string]any {
	switch {
	case t == reflect.TypeFor[Period]():
		return map[string]any{"type": "string", "pattern": "^[1-9][0-9]*[dmy]$"}
	case enums[t] != nil:
		values := make([]string, len(enums[t]))
		for i, e := range enums[t] {
			values[i] = e.value
		}
		return map[string]any{"type": "string", "enum": values}
	case t.Kind() == reflect.Pointer:
		return s.of(t.Elem(), f)
	case t.Kind() == reflect.Struct:
		if _, done := s.defs[t.Name()]; !done {
			s.defs[t.Name()] = nil // a place for it, should it hold itself
			s.defs[t.Name()] = s.object(t)
		}
		return map[string]any{"$ref": "#/$defs/" + t.Name()}
	case t.Kind() == reflect.Slice:
		list := map[string]any{"type": "array", "maxItems": maxList, "items": s.of(t.Elem(), field{})}
		if t.Elem().Kind() == reflect.String {
			list["uniqueItems"] = true
		}
		return list
	case t.Kind() == reflect.Bool:
		return map[string]any{"type": "boolean"}
	case t.Kind() == reflect.Float64:
		return map[string]any{"type": "number"}
	case t.Kind() == reflect.Int:
		n := map[string]any{"type": "integer", "minimum": 0}
		if most, ok := (map[string]int{"app_type": 39, "max_length": maxText, "max_bytes": maxMedia})[f.name]; ok {
			n["maximum"] = most
		}
		return n
	}
	switch t {
	case reflect.TypeFor[Origin]():
		f.form = "origin"
	case reflect.TypeFor[Region]():
		f.form = "country"
	}
	text := map[string]any{"type": "string", "minLength": 1}
	if form, ok := forms[f.form]; ok {
		text["pattern"] = form.pattern.String()
	}
	return text
}
