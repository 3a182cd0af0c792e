// Package pages makes the pages of a server of template files. Invariant: a name has one
// meaning: no two files of a set define the same one.
package pages

import (
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// A Set holds the pages of one voice. Its parts are parsed once, whatever the number of
// pages that show them: a copy of them for each page was three quarters of what lived on
// the heap (docs/performance.md).
type Set struct {
	all   *template.Template
	funcs template.FuncMap
}

// entry is a page: what stands around it, with what NAME.html defines in its places.
const entry = `{{template "top" .}}{{template "%[1]s.title" .Page}}{{template "middle" .}}{{template "%[1]s.main" .Page}}{{template "bottom" .}}`

// Parse returns the set of the files that match globs. Among them are parts, which define
// what several pages show, "top", "middle" and "bottom" with it; and pages, of which each
// NAME.html defines NAME.title and NAME.main. It panics where that isn't so: the files
// are part of the binary.
func Parse(files fs.FS, funcs template.FuncMap, parts, pages []string) *Set {
	s := &Set{all: template.New("").Funcs(funcs), funcs: funcs}
	shared := match(files, parts)
	for _, name := range shared {
		s.add(files, name)
	}
	for _, name := range match(files, pages) {
		if slices.Contains(shared, name) {
			continue
		}
		s.add(files, name)
		page := Name(name)
		for _, part := range []string{page + ".title", page + ".main"} {
			if s.all.Lookup(part) == nil {
				panic(fmt.Sprintf("%s defines no %s", name, part))
			}
		}
		template.Must(s.all.New(page).Parse(fmt.Sprintf(entry, page)))
	}
	return s
}

// Name is that of the page which a file holds.
func Name(file string) string { return strings.TrimSuffix(path.Base(file), ".html") }

func match(files fs.FS, globs []string) (all []string) {
	for _, glob := range globs {
		names, err := fs.Glob(files, glob)
		if err != nil || len(names) == 0 {
			panic(fmt.Sprintf("no page matches %s: %v", glob, err))
		}
		all = append(all, names...)
	}
	return all
}

// add adds what a file defines. To the package of templates a second definition of a
// name replaces the first, so that one page would show what is another's.
func (s *Set) add(files fs.FS, name string) {
	text, err := fs.ReadFile(files, name)
	if err != nil {
		panic(err)
	}
	own := template.Must(template.New(name).Funcs(s.funcs).Parse(string(text)))
	for _, t := range own.Templates() {
		if s.all.Lookup(t.Name()) != nil {
			panic(fmt.Sprintf("%s defines %s, which another file defines", name, t.Name()))
		}
		template.Must(s.all.AddParseTree(t.Name(), t.Tree))
	}
}

// Execute writes a page, or a part by itself.
func (s *Set) Execute(w io.Writer, name string, data any) error {
	return s.all.ExecuteTemplate(w, name, data)
}
