package charter

import (
	"encoding/json"
	"reflect"
	"testing"
)

func TestCharter_SchemaComesFromTheTypes(t *testing.T) {
	schema := Schema()
	golden(t, "charter.schema.json", schema)
	var parsed struct {
		Required   []string
		Properties map[string]json.RawMessage
		Closed     *bool          `json:"additionalProperties"`
		Defs       map[string]any `json:"$defs"`
	}
	if err := json.Unmarshal(schema, &parsed); err != nil {
		t.Fatal(err)
	}
	if parsed.Closed == nil || *parsed.Closed {
		t.Error("unknown keys are allowed")
	}
	for _, f := range fields(reflect.TypeFor[Charter]()) {
		if _, ok := parsed.Properties[f.name]; ok == f.prose {
			t.Errorf("%s: in the schema %v, prose %v", f.name, ok, f.prose)
		}
	}
	for _, name := range []string{"Item", "Purpose", "Retention", "Processor", "Recipient", "Words", "Route"} {
		if parsed.Defs[name] == nil {
			t.Errorf("no %s", name)
		}
	}
}

// Every key explains itself in both languages: the words are in the schema and
// in the message about a missing key.
func TestCharter_EveryKeyIsExplained(t *testing.T) {
	seen := map[reflect.Type]bool{}
	var visit func(typ reflect.Type)
	visit = func(typ reflect.Type) {
		for typ.Kind() == reflect.Slice || typ.Kind() == reflect.Pointer {
			typ = typ.Elem()
		}
		if typ.Kind() != reflect.Struct || typ == reflect.TypeFor[Period]() || seen[typ] {
			return
		}
		seen[typ] = true
		for _, f := range fields(typ) {
			if !f.prose && (blank(f.doc.ZH) || blank(f.doc.EN)) {
				t.Errorf("%s.%s has no doc", typ.Name(), f.name)
			}
			if f.form != "" && forms[f.form].pattern == nil {
				t.Errorf("%s.%s has the unknown form %q", typ.Name(), f.name, f.form)
			}
			visit(typ.Field(f.index).Type)
		}
	}
	visit(reflect.TypeFor[Charter]())
	for typ, words := range enums {
		for _, w := range words {
			if blank(w.words.ZH) || blank(w.words.EN) {
				t.Errorf("%s %s has no words", typ.Name(), w.value)
			}
		}
	}
}
