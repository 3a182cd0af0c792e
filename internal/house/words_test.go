package house

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/constant"
	"go/types"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Whatever the program may say, it can say in each language.
func TestWords_EveryKeyIsThereInEveryLanguage(t *testing.T) { holds(t, everyKey) }

// Each area of the program has its messages, a flat JSON object per language:
// consent.zh-CN.json, consent.en.json.
const messages = "internal/base/i18n/messages"

var languages = []string{"zh-CN", "en"} // the first is the default

func everyKey(tr *tree) (problems []string) {
	words := map[string]map[string]string{} // language → key → file
	for _, lang := range languages {
		var more []string
		words[lang], more = keysOf(tr, lang)
		problems = append(problems, more...)
	}
	used, more := usedKeys(tr)
	problems = append(problems, more...)
	for _, lang := range languages {
		for key, file := range words[lang] {
			if _, ok := used[key]; !ok {
				used[key] = file
			}
		}
	}
	for key, place := range used {
		for _, lang := range languages {
			if _, ok := words[lang][key]; !ok {
				problems = append(problems, fmt.Sprintf("%s: %s has no words for %q", place, lang, key))
			}
		}
	}
	slices.Sort(problems)
	return problems
}

// keysOf returns the keys of a language and the file that has each.
func keysOf(tr *tree, lang string) (keys map[string]string, problems []string) {
	keys = map[string]string{}
	names, err := filepath.Glob(filepath.Join(tr.root, messages, "*"+lang+".json"))
	if err != nil || len(names) == 0 {
		return nil, []string{fmt.Sprintf("%s has no messages in %s (%v)", messages, lang, err)}
	}
	for _, name := range names {
		name = tr.rel(name)
		text, err := tr.read(name)
		if err != nil {
			return nil, []string{err.Error()}
		}
		var area map[string]string
		if err := json.Unmarshal([]byte(text), &area); err != nil {
			return nil, []string{fmt.Sprintf("%s: %v", name, err)}
		}
		for key, word := range area {
			if strings.TrimSpace(word) == "" {
				problems = append(problems, fmt.Sprintf("%s: %q is empty", name, key))
			}
			if keys[key] != "" {
				problems = append(problems, fmt.Sprintf("%s: %q is in %s too", name, key, keys[key]))
			}
			keys[key] = name
		}
	}
	return keys, problems
}

// A key in a template is the constant after t, the function that is bound to
// the page's language.
var (
	templateAction = regexp.MustCompile(`(?s)\{\{.*?\}\}`)
	templateKey    = regexp.MustCompile("[\\s({|]t\\s+[\"`]([^\"`]+)[\"`]")
)

// usedKeys returns the keys in the source and where each is used first.
func usedKeys(tr *tree) (used map[string]string, problems []string) {
	used = map[string]string{}
	for _, p := range tr.pkgs {
		for _, f := range p.files {
			ast.Inspect(f, func(n ast.Node) bool {
				call, ok := n.(*ast.CallExpr)
				if !ok {
					return true
				}
				arg, must := keyArgument(tr, p, call)
				if arg == nil {
					return true
				}
				switch v := p.info.Types[arg].Value; {
				case v != nil && v.Kind() == constant.String:
					used[constant.StringVal(v)] = tr.place(arg)
				case must:
					problems = append(problems, tr.at(arg, "the code of a refusal is a constant"))
				}
				return true
			})
		}
	}
	err := tr.texts(func(name, text string) {
		for _, action := range templateAction.FindAllString(text, -1) {
			for _, m := range templateKey.FindAllStringSubmatch(action, -1) {
				used[m[1]] = name
			}
		}
	}, ".html", ".tmpl", ".gohtml")
	if err != nil {
		problems = append(problems, err.Error())
	}
	return used, problems
}

// keyArgument returns the argument of a call that is a key: the code of
// errs.New, which must be a constant, or what base/i18n calls key.
func keyArgument(tr *tree, p *pkg, call *ast.CallExpr) (arg ast.Expr, must bool) {
	fn := callee(p, call)
	if fn == nil || fn.Pkg() == nil {
		return nil, false
	}
	params := fn.Signature().Params()
	switch fn.Pkg().Path() {
	case tr.module + "/internal/base/errs":
		if fn.Name() == "New" && len(call.Args) == 2 {
			return call.Args[1], true
		}
	case tr.module + "/internal/base/i18n":
		for i := range min(params.Len(), len(call.Args)) {
			if params.At(i).Name() == "key" {
				return call.Args[i], false
			}
		}
	}
	return nil, false
}

// callee is the function or method that is called by its name, or nil.
func callee(p *pkg, call *ast.CallExpr) *types.Func {
	var id *ast.Ident
	switch fun := ast.Unparen(call.Fun).(type) {
	case *ast.Ident:
		id = fun
	case *ast.SelectorExpr:
		id = fun.Sel
	default:
		return nil
	}
	fn, _ := p.info.Uses[id].(*types.Func)
	return fn
}
