package charter_test

import (
	"os"
	"testing"
	"testing/fstest"

	"wardkeep/internal/charter"
)

// What is edited is what was published: a charter that is written out reads as itself.
func TestArticle8_ACharterIsWrittenOutAsItIs(t *testing.T) {
	for _, dir := range []string{"../../examples/xiaoxi-english", "../../examples/xiaoxi-english-v2"} {
		c, err := charter.Load(os.DirFS(dir))
		if err != nil {
			t.Fatal(err)
		}
		files := fstest.MapFS{charter.File: {Data: []byte(c.Source())}}
		for _, lang := range charter.Langs {
			files[charter.ProseFile("rules", lang)] = &fstest.MapFile{Data: []byte(c.Rules[lang])}
			files[charter.ProseFile("agreement", lang)] = &fstest.MapFile{Data: []byte(c.Agreement[lang])}
		}
		again, err := charter.Load(files)
		if err != nil {
			t.Fatalf("%v\n%s", err, c.Source())
		}
		if again.Hash() != c.Hash() {
			t.Errorf("%s: %v", dir, charter.Diff(c, again))
		}
	}
}
