package house

import (
	"go/ast"
	"go/types"
	"testing"
)

// Article 20 (3): what a no leaves without a ground is erased in the transaction that
// takes it. Consent is below the vault, so each edge has to ask for it.
func TestArticle20_WhoTakesAnAnswerErasesWhatItLeaves(t *testing.T) { holds(t, withdrawn) }

// takesNo are the verbs of consent.Desk after which values may rest on nothing.
var takesNo = map[string]bool{"Give": true, "ForceAt": true, "Withdraw": true, "EndGuardian": true}

func withdrawn(tr *tree) (problems []string) {
	found := 0
	for _, p := range tr.pkgs {
		if !p.in("api", "web", "app", "cmd/wardkeep") {
			continue
		}
		for _, f := range p.files {
			for _, d := range f.Decls {
				fn, ok := d.(*ast.FuncDecl)
				if !ok {
					continue
				}
				takes, erases := false, false
				ast.Inspect(fn, func(n ast.Node) bool {
					id, ok := n.(*ast.Ident)
					if !ok {
						return true
					}
					called, ok := p.info.Uses[id].(*types.Func)
					if !ok || called.Pkg() == nil {
						return true
					}
					takes = takes || called.Pkg().Path() == tr.module+"/internal/consent" && takesNo[called.Name()]
					erases = erases || called.Name() == "EraseUnfounded"
					return true
				})
				if takes {
					found++
				}
				if takes && !erases {
					problems = append(problems, tr.at(fn, "%s takes an answer and doesn't call vault.EraseUnfounded", fn.Name.Name))
				}
			}
		}
	}
	if found < 5 {
		problems = append(problems, "the edges that take answers weren't found")
	}
	return problems
}
