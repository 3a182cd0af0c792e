package pages_test

import (
	"fmt"
	"html/template"
	"strings"
	"testing"
	"testing/fstest"

	"wardkeep/internal/base/pages"
)

func files(extra ...string) fstest.MapFS {
	all := fstest.MapFS{
		"layout.html": {Data: []byte(`{{define "top"}}<title>{{end}}{{define "middle"}} · {{call}}</title><main>{{end}}{{define "bottom"}}</main>{{end}}{{define "shared"}}<b>{{.}}</b>{{end}}`)},
		"a.html":      {Data: []byte(`{{define "a.title"}}A {{.}}{{end}}{{define "a.main"}}{{template "shared" .}}{{end}}`)},
		"b.html":      {Data: []byte(`{{define "b.title"}}B{{end}}{{define "b.main"}}<a title="{{template "shared" .}}">b</a>{{end}}`)},
	}
	for i, text := range extra {
		all[fmt.Sprintf("extra%d.html", i)] = &fstest.MapFile{Data: []byte(text)}
	}
	return all
}

func parse(f fstest.MapFS) *pages.Set {
	return pages.Parse(f, template.FuncMap{"call": func() string { return "Wardkeep" }}, []string{"layout.html"}, []string{"*.html"})
}

// What a page shows is escaped for the place where it stands.
func TestPages_AreEscapedWhereTheyStand(t *testing.T) {
	set := parse(files())
	for page, want := range map[string]string{
		"a": `<title>A &lt;i&gt;&#34; · Wardkeep</title><main><b>&lt;i&gt;&#34;</b></main>`,
		"b": `<title>B · Wardkeep</title><main><a title="<b>&lt;i&gt;&#34;</b>">b</a></main>`,
	} {
		var b strings.Builder
		if err := set.Execute(&b, page, map[string]string{"Page": `<i>"`}); err != nil {
			t.Fatal(err)
		}
		if b.String() != want {
			t.Errorf("page %s is\n%s\nand not\n%s", page, b.String(), want)
		}
	}
	var b strings.Builder
	if err := set.Execute(&b, "c", nil); err == nil {
		t.Errorf("a page that isn't there was shown: %s", b.String())
	}
}

// A file that takes another's name, defines no main, or calls what isn't there is no page.
func TestPages_ANameHasOneMeaning(t *testing.T) {
	for name, text := range map[string]string{
		"another's":   `{{define "a.main"}}x{{end}}`,
		"a part's":    `{{define "shared"}}x{{end}}`,
		"a function":  `{{define "extra0.title"}}{{nothing}}{{end}}{{define "extra0.main"}}{{end}}`,
		"a main less": `{{define "extra0.title"}}x{{end}}`,
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("it was taken")
				}
			}()
			parse(files(text))
		})
	}
}
