package charter

import (
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

const (
	exampleDir = "../../examples/xiaoxi-english"
	secondDir  = "../../examples/xiaoxi-english-v2"
)

// files copies a charter's folder into memory, to be edited.
func files(t testing.TB, dir string) fstest.MapFS {
	t.Helper()
	copied := fstest.MapFS{}
	names, err := filepath.Glob(filepath.Join(dir, "*.*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		copied[filepath.Base(name)] = &fstest.MapFile{Data: data}
	}
	return copied
}

func load(t testing.TB, fsys fs.FS) *Charter {
	t.Helper()
	c, err := Load(fsys)
	if err != nil {
		t.Fatalf("load: %v", err)
	}
	return c
}

func example(t testing.TB) *Charter { return load(t, files(t, exampleDir)) }
func second(t testing.TB) *Charter  { return load(t, files(t, secondDir)) }

// clone copies a charter through its canonical form.
func clone(t testing.TB, c *Charter) *Charter {
	t.Helper()
	d, err := Parse(c.Canonical())
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// broken loads the edited example and returns its problems and its text.
func broken(t testing.TB, edits ...string) (Problems, string) {
	t.Helper()
	fsys := files(t, exampleDir)
	text := string(fsys[File].Data)
	for i := 0; i < len(edits); i += 2 {
		if !strings.Contains(text, edits[i]) {
			t.Fatalf("the example has no %q", edits[i])
		}
		text = strings.Replace(text, edits[i], edits[i+1], 1)
	}
	fsys[File].Data = []byte(text)
	c, err := Load(fsys)
	if err == nil {
		return nil, text
	}
	if c != nil {
		t.Fatal("a charter beside an error")
	}
	problems, ok := err.(Problems)
	if !ok {
		t.Fatalf("the error is %T, not Problems", err)
	}
	return problems, text
}

// lineOf returns the line of the last occurrence of a text.
func lineOf(t testing.TB, text, what string) int {
	t.Helper()
	i := strings.LastIndex(text, what)
	if i < 0 {
		t.Fatalf("no %q in the text", what)
	}
	return 1 + strings.Count(text[:i], "\n")
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s differs (-want +got), run with -update if it should:\n%s", name, diff)
	}
}

// A leaf is one value of a charter and a way to change it.
type leaf struct {
	path  string
	value reflect.Value
}

// leaves visits every value that can differ, absent ones as well: it is how the
// tests reach fields that are added to the types later.
func leaves(path string, v reflect.Value, visit func(leaf)) {
	switch {
	case v.Type() == reflect.TypeFor[Period](), v.Kind() == reflect.Map:
		visit(leaf{path, v})
	case v.Kind() == reflect.Struct:
		for _, f := range fields(v.Type()) {
			leaves(join(path, f.name), v.Field(f.index), visit)
		}
	case v.Kind() == reflect.Pointer:
		visit(leaf{path, v})
		if !v.IsNil() && v.Elem().Kind() == reflect.Struct {
			leaves(path, v.Elem(), visit)
		}
	case v.Kind() == reflect.Slice:
		visit(leaf{path, v})
		for i := range v.Len() {
			if v.Index(i).Kind() == reflect.Struct {
				leaves(join(path, i), v.Index(i), visit)
			}
		}
	default:
		visit(leaf{path, v})
	}
}

// mutate changes a leaf to something else of its type.
func mutate(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(v.String() + "x")
	case reflect.Int:
		v.SetInt(v.Int() + 1)
	case reflect.Float64:
		v.SetFloat(v.Float() + 1)
	case reflect.Bool:
		v.SetBool(!v.Bool())
	case reflect.Pointer:
		if v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
		} else {
			v.SetZero()
		}
	case reflect.Slice:
		v.Set(reflect.Append(v, reflect.Zero(v.Type().Elem())))
	case reflect.Map:
		v.Set(reflect.ValueOf(map[Lang]string{Chinese: "别的", English: "else"}))
	case reflect.Struct: // Period
		p := v.Interface().(Period)
		v.Set(reflect.ValueOf(Period{p.n + 1, 'd'}))
	}
}

// copied copies a charter, whole or not.
func copied(c *Charter) *Charter {
	d := &Charter{}
	deepCopy(reflect.ValueOf(d).Elem(), reflect.ValueOf(c).Elem())
	return d
}

// deepCopy copies a value so that a mutation of the copy never shows in the original.
func deepCopy(to, from reflect.Value) {
	switch {
	case from.Type() == reflect.TypeFor[Period]():
		to.Set(from)
	case from.Kind() == reflect.Struct:
		for i := range from.NumField() {
			deepCopy(to.Field(i), from.Field(i))
		}
	case from.Kind() == reflect.Slice && !from.IsNil():
		to.Set(reflect.MakeSlice(from.Type(), from.Len(), from.Len()))
		for i := range from.Len() {
			deepCopy(to.Index(i), from.Index(i))
		}
	case from.Kind() == reflect.Pointer && !from.IsNil():
		to.Set(reflect.New(from.Type().Elem()))
		deepCopy(to.Elem(), from.Elem())
	case from.Kind() == reflect.Map:
		to.Set(reflect.MakeMap(from.Type()))
		for _, k := range from.MapKeys() {
			to.SetMapIndex(k, from.MapIndex(k))
		}
	default:
		to.Set(from)
	}
}
