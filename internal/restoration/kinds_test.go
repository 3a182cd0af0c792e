package restoration_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"wardkeep/internal/restoration"
)

// Whoever adds a kind of entry says what a restore does about it: without that, the
// child is frozen or the service closed.
func TestEdgeCase15_EachKindIsDoneAgainOrHasAReason(t *testing.T) {
	files, err := filepath.Glob("../*/*.go")
	ok(t, err)
	seen := 0
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") || strings.HasPrefix(name, "../notify/") {
			continue // kinds of messages
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		ok(t, err)
		ast.Inspect(f, func(n ast.Node) bool {
			v, is := n.(*ast.ValueSpec)
			if !is || !strings.HasPrefix(v.Names[0].Name, "Kind") || len(v.Values) != 1 {
				return true
			}
			lit, is := v.Values[0].(*ast.BasicLit)
			if !is || lit.Kind != token.STRING {
				return true
			}
			kind, err := strconv.Unquote(lit.Value)
			ok(t, err)
			if seen++; !restoration.Knows(kind) {
				t.Errorf("%s of %s: neither done again nor with a reason why not", kind, name)
			}
			return true
		})
	}
	if seen < 50 {
		t.Errorf("only %d kinds", seen)
	}
}
