package charter

import (
	"bytes"
	"testing"
	"testing/fstest"
)

// FuzzLoad: whatever is in charter.yaml, Load answers with a whole charter or
// with problems, and what it takes survives the database.
func FuzzLoad(f *testing.F) {
	fsys := files(f, exampleDir)
	f.Add(fsys[File].Data)
	f.Add([]byte("service: a\nname: {zh-CN: 一, en: a}\nitems:\n  - {name: b, kind: text}\n"))
	f.Add([]byte("a: &a [*a]"))
	f.Add([]byte("? - - {[: |\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		in := fstest.MapFS{}
		for name, file := range fsys {
			in[name] = file
		}
		in[File] = &fstest.MapFile{Data: data}
		c, err := Load(in)
		if err != nil {
			if ps, ok := err.(Problems); !ok || len(ps) == 0 || c != nil {
				t.Fatalf("%T beside %v", err, c)
			}
			return
		}
		whole(t, c)
	})
}

// FuzzParse: what Parse takes is canonical and whole.
func FuzzParse(f *testing.F) {
	f.Add(example(f).Canonical())
	f.Add([]byte(`{"service":"a"}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := Parse(data)
		if err != nil {
			return
		}
		if !bytes.Equal(c.Canonical(), data) {
			t.Fatal("not canonical")
		}
		whole(t, c)
	})
}

func whole(t *testing.T, c *Charter) {
	back, err := Parse(c.Canonical())
	if err != nil || back.Hash() != c.Hash() {
		t.Fatalf("doesn't come back: %v", err)
	}
	for _, lang := range Langs {
		if _, err := Notice(c, lang); err != nil {
			t.Fatalf("a whole charter without a notice: %v", err)
		}
	}
}
