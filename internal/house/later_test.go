package house

import (
	"fmt"
	"go/ast"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Nothing is left for later, nothing runs before main, and no test is skipped.
func TestLater_NothingIsLeft(t *testing.T) { holds(t, leftovers) }

// The words are written in halves: this file is read too.
var later = regexp.MustCompile(`\b(` + strings.Join([]string{"TO" + "DO", "FIX" + "ME", "X" + "XX", "HA" + "CK"}, "|") + `)\b`)

func leftovers(tr *tree) (problems []string) {
	err := tr.texts(func(name, text string) {
		for i, line := range strings.Split(text, "\n") {
			if found := later.FindString(line); found != "" {
				problems = append(problems, fmt.Sprintf("%s:%d: %s", name, i+1, found))
			}
		}
	}, ".go", ".html", ".tmpl", ".sql", ".css", ".js", ".sh", ".yaml")
	if err != nil {
		problems = append(problems, err.Error())
	}
	for _, p := range tr.pkgs {
		for _, f := range slices.Concat(p.files, p.tests) {
			problems = append(problems, inits(tr, f)...)
			if !p.in("base/db/dbtest") {
				problems = append(problems, skips(tr, f)...)
			}
		}
	}
	return problems
}

func inits(tr *tree, f *ast.File) (problems []string) {
	for _, d := range f.Decls {
		if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
			problems = append(problems, tr.at(fn, "there is no init: what must run is called"))
		}
	}
	return problems
}

// skips finds t.Skip and its kin. Only dbtest may skip, where there is no
// PostgreSQL; a test that can't run anywhere else is no test.
func skips(tr *tree, f *ast.File) (problems []string) {
	ast.Inspect(f, func(n ast.Node) bool {
		sel, ok := n.(*ast.SelectorExpr)
		if !ok || !slices.Contains([]string{"Skip", "Skipf", "SkipNow"}, sel.Sel.Name) {
			return true
		}
		if x, ok := sel.X.(*ast.Ident); ok && slices.Contains([]string{"t", "tb", "b", "f"}, x.Name) {
			problems = append(problems, tr.at(sel, "only base/db/dbtest skips a test"))
		}
		return true
	})
	return problems
}
