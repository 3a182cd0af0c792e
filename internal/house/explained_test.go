package house

import (
	"go/ast"
	"slices"
	"strings"
	"testing"
)

// Each package says what it is, and each exported name what it gives.
func TestDocs_EverythingExportedIsExplained(t *testing.T) { holds(t, explained) }

func explained(tr *tree) (problems []string) {
	for _, p := range tr.pkgs {
		if len(p.files) == 0 {
			continue
		}
		documented := slices.ContainsFunc(p.files, func(f *ast.File) bool {
			doc := f.Doc.Text()
			return strings.HasPrefix(doc, "Package "+p.name+" ") || p.name == "main" && doc != ""
		})
		if !documented {
			problems = append(problems, tr.at(p.files[0].Name, "the package has no doc that begins with “Package %s ”", p.name))
		}
		if p.name == "main" {
			continue
		}
		for _, f := range p.files {
			if !ast.IsGenerated(f) {
				problems = append(problems, unexplained(tr, p, f)...)
			}
		}
	}
	return problems
}

func unexplained(tr *tree, p *pkg, f *ast.File) (problems []string) {
	bare := func(id *ast.Ident) {
		problems = append(problems, tr.at(id, "%s is exported and has no comment", id.Name))
	}
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Doc == nil && d.Name.IsExported() && (d.Recv == nil || ast.IsExported(receiver(d))) {
				bare(d.Name)
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				switch s := spec.(type) {
				case *ast.TypeSpec:
					if d.Doc == nil && s.Doc == nil && s.Comment == nil && s.Name.IsExported() {
						bare(s.Name)
					}
				case *ast.ValueSpec:
					if d.Doc != nil || s.Doc != nil || s.Comment != nil || speaksForItself(tr, p, s) {
						continue
					}
					for _, id := range s.Names {
						if id.IsExported() {
							bare(id)
						}
					}
				}
			}
		}
	}
	return problems
}

// speaksForItself reports whether values need no comment: a refusal has its
// code and its words, and a value of a type of this package has the type's.
func speaksForItself(tr *tree, p *pkg, s *ast.ValueSpec) bool {
	if id, ok := s.Type.(*ast.Ident); ok && p.info.Uses[id] != nil && p.info.Uses[id].Pkg() != nil {
		return true
	}
	return len(s.Values) > 0 && !slices.ContainsFunc(s.Values, func(e ast.Expr) bool {
		call, ok := e.(*ast.CallExpr)
		if !ok {
			return true
		}
		_, refusal := keyArgument(tr, p, call)
		return !refusal
	})
}

// receiver is the name of the type that a method belongs to.
func receiver(d *ast.FuncDecl) string {
	e := d.Recv.List[0].Type
	for {
		switch x := e.(type) {
		case *ast.StarExpr:
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.IndexListExpr:
			e = x.X
		case *ast.Ident:
			return x.Name
		default:
			return ""
		}
	}
}
