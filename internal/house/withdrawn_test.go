package house

import (
	"go/ast"
	"go/types"
	"strings"
	"testing"
)

// Article 20 (3): what a no leaves without a ground is erased in the transaction that
// takes it. Consent is below the vault, so each edge has to ask for it.
func TestArticle20_WhoTakesAnAnswerErasesWhatItLeaves(t *testing.T) { holds(t, withdrawn) }

// takesNo are the verbs of the desks after which values may rest on nothing. Of who is a
// child again by its birth date a guardian's no counts anew (edge case 3).
var takesNo = map[string]bool{"consent.Give": true, "consent.ForceAt": true, "consent.Withdraw": true, "consent.EndGuardian": true,
	"consent.Correct": true, "rights.ApproveOlder": true}

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
					within, ok := strings.CutPrefix(called.Pkg().Path(), tr.module+"/internal/")
					takes = takes || ok && takesNo[within+"."+called.Name()]
					erases = erases || called.Name() == "EraseUnfounded"
					return true
				})
				if takes {
					found++
				}
				if takes && !erases {
					problems = append(problems, tr.at(fn, "%s takes an answer or an age and doesn't call vault.EraseUnfounded", fn.Name.Name))
				}
			}
		}
	}
	if found < 5 {
		problems = append(problems, "the edges that take answers weren't found")
	}
	return problems
}
