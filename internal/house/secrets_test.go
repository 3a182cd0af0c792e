package house

import (
	"go/ast"
	"go/types"
	"maps"
	"slices"
	"strings"
	"testing"
)

// Personal values are unwrapped in a few places, which a reviewer knows.
func TestSecrets_PersonalValuesAreRevealedInFewPlaces(t *testing.T) { holds(t, reveals) }

// mayReveal lists the packages that unwrap a personal value, and why.
var mayReveal = map[string]string{
	"base/pii":      "its own",
	"roster":        "reads the operator's list of children and guardians",
	"family":        "seals contacts, and computes ages and look-up hashes",
	"consent":       "addresses the guardian who is asked",
	"session":       "compares the code that a guardian typed",
	"signin":        "stretches and compares what a person inside typed",
	"notify":        "hands the message to the mail or SMS server",
	"vault":         "seals and opens values",
	"web":           "shows a person what is theirs",
	"api":           "answers the operator's app after the gate permitted it",
	"account":       "compares what a visitor presented",
	"rights":        "measures what somebody wrote with a demand",
	"approval":      "measures what somebody wrote with a request for a look",
	"shield":        "measures what somebody wrote of what happened",
	"staff":         "seals where a person inside is told of alarms",
	"assistance":    "measures what a party has written about a demand",
	"incident":      "seals what was written about a leak, and computes its mark",
	"complaint":     "seals what was written in a report, and computes its mark",
	"inspection":    "seals who of an authority is invited, and by which document",
	"inspector":     "shows who of an authority is invited, and by which document, to whom that is",
	"yearly":        "seals to which authority an audit was handed in and why that was corrected, and the receipt",
	"rectification": "seals what an authority demands and what was done, and documents that prove it",
	"takedown":      "seals what the operator calls a content, and computes its look-up hash",
	"suspicion":     "seals what the operator calls an account, and computes its look-up hash",
	"verification":  "asks a provider about a number, hashes it, and looks at the bytes of a document",
	"console":       "shows who asks for a look, and who decides, which child it is and what they wrote; never a value",
	"screening":     "hashes the values that it looks for",
	"publication":   "reads what is about to be published, and keeps nothing of it",
	"watermark":     "draws a value as a picture with its marks",
	"cmd/wardkeep":  "reads secrets from files",
}

func reveals(tr *tree) (problems []string) {
	allowed := slices.Collect(maps.Keys(mayReveal))
	for _, p := range tr.pkgs {
		if p.in(allowed...) {
			continue
		}
		for id, obj := range p.info.Uses {
			if fn, ok := obj.(*types.Func); ok && fn.Name() == "Reveal" && own(tr, fn) {
				problems = append(problems, tr.at(id, "%s isn't among the packages that may Reveal a personal value", p.short()))
			}
		}
	}
	err := tr.texts(func(name, text string) {
		for _, action := range templateAction.FindAllString(text, -1) {
			if strings.Contains(action, ".Reveal") && !strings.HasPrefix(name, "internal/web/") {
				problems = append(problems, name+": only pages of internal/web Reveal a personal value")
			}
		}
	}, ".html", ".tmpl", ".gohtml")
	if err != nil {
		problems = append(problems, err.Error())
	}
	slices.Sort(problems)
	return problems
}

func own(tr *tree, fn *types.Func) bool {
	return fn.Pkg() != nil && strings.HasPrefix(fn.Pkg().Path(), tr.module+"/")
}

// Invariant 1: no plaintext without a permit. The type of vault.Open asks for
// the permit; this shows that there is no other door: a child's key opens
// nothing outside the vault, and in family nothing but contacts.
func TestInvariant1_ChildKeysOpenOnlyInFamilyAndVault(t *testing.T) { holds(t, childKeys) }

func childKeys(tr *tree) (problems []string) {
	guarded := false
	for _, p := range tr.pkgs {
		if p.in("base/keyring") {
			guarded = guarded || slices.ContainsFunc(p.files, declaresOpening)
			continue
		}
		if p.in("family", "vault") {
			continue
		}
		for id, obj := range p.info.Uses {
			if fn, ok := obj.(*types.Func); ok && opensChildKey(tr, fn) {
				problems = append(problems, tr.at(id, "Invariant 1: only family and vault open with a child's key"))
			}
		}
	}
	if !guarded {
		problems = append(problems, "base/keyring declares neither ChildKey.Open nor OpenChildKey: this rule guards nothing")
	}
	slices.Sort(problems)
	return problems
}

func opensChildKey(tr *tree, fn *types.Func) bool {
	if fn.Pkg() == nil || !below(fn.Pkg().Path(), tr.module+"/internal/base/keyring") {
		return false
	}
	recv := fn.Signature().Recv()
	if recv == nil {
		return fn.Name() == "OpenChildKey"
	}
	typ := types.Unalias(recv.Type())
	if ptr, ok := typ.(*types.Pointer); ok {
		typ = types.Unalias(ptr.Elem())
	}
	named, ok := typ.(*types.Named)
	return fn.Name() == "OpenChildKey" || ok && named.Obj().Name() == "ChildKey" && fn.Name() == "Open"
}

func declaresOpening(f *ast.File) bool {
	return slices.ContainsFunc(f.Decls, func(d ast.Decl) bool {
		fn, ok := d.(*ast.FuncDecl)
		return ok && (fn.Name.Name == "OpenChildKey" || fn.Name.Name == "Open" && fn.Recv != nil && receiver(fn) == "ChildKey")
	})
}
