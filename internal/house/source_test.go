package house

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// A tree is a module as the compiler sees it.
type tree struct {
	root   string // the directory of go.mod
	module string // the module's path
	fset   *token.FileSet
	pkgs   []*pkg
}

// A pkg is one package of the module, type-checked without its tests.
type pkg struct {
	path    string // from the module's root: "internal/base/errs"
	name    string
	files   []*ast.File
	tests   []*ast.File // parsed, not type-checked
	imports []string    // packages of the module, from its root
	info    *types.Info
}

// short is the name that ARCHITECTURE.md and docs/law.md use: the path without
// "internal/".
func (p *pkg) short() string { return short(p.path) }

func short(path string) string { return strings.TrimPrefix(path, "internal/") }

// in reports whether the package is one of names, or lies below one.
func (p *pkg) in(names ...string) bool {
	return slices.ContainsFunc(names, func(name string) bool { return below(p.short(), name) })
}

func below(path, dir string) bool { return path == dir || strings.HasPrefix(path, dir+"/") }

// at says where a problem is, from the module's root.
func (tr *tree) at(n ast.Node, format string, args ...any) string {
	return tr.place(n) + ": " + fmt.Sprintf(format, args...)
}

// place is the file and line of a node.
func (tr *tree) place(n ast.Node) string {
	pos := tr.fset.Position(n.Pos())
	return fmt.Sprintf("%s:%d", tr.rel(pos.Filename), pos.Line)
}

func (tr *tree) rel(file string) string {
	rel, err := filepath.Rel(tr.root, file)
	if err != nil {
		return file
	}
	return filepath.ToSlash(rel)
}

// read returns a file of the tree.
func (tr *tree) read(name string) (string, error) {
	b, err := os.ReadFile(filepath.Join(tr.root, name))
	if err != nil {
		return "", fmt.Errorf("%s can't be read: %w", name, errors.Unwrap(err))
	}
	return string(b), nil
}

// texts calls fn for each file with one of the extensions, but for those that
// tests use as their input.
func (tr *tree) texts(fn func(name, text string), exts ...string) error {
	return filepath.WalkDir(tr.root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			hidden := strings.HasPrefix(d.Name(), ".") && path != tr.root
			if hidden || slices.Contains([]string{"testdata", "node_modules", "vendor", "bin", "dist"}, d.Name()) {
				return filepath.SkipDir
			}
			return nil
		}
		if !slices.Contains(exts, filepath.Ext(path)) {
			return nil
		}
		b, err := os.ReadFile(path)
		if err == nil {
			fn(tr.rel(path), string(b))
		}
		return err
	})
}

// listed is what `go list` says of a package.
type listed struct {
	ImportPath, Dir, Name, Export      string
	GoFiles, TestGoFiles, XTestGoFiles []string
	Imports                            []string
	DepOnly                            bool
	Module                             *struct{ Path string }
}

// load reads the module in root. It fails where the compiler does.
func load(root string) (*tree, error) {
	cmd := exec.Command("go", "list", "-deps", "-export",
		"-json=ImportPath,Dir,Name,Export,GoFiles,TestGoFiles,XTestGoFiles,Imports,DepOnly,Module", "./...")
	cmd.Dir = root
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list in %s: %w\n%s", root, err, stderr.Bytes())
	}
	tr := &tree{root: root, fset: token.NewFileSet()}
	exports := map[string]string{}
	var own []listed
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var l listed
		if err := dec.Decode(&l); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, fmt.Errorf("go list: %w", err)
		}
		exports[l.ImportPath] = l.Export
		if !l.DepOnly {
			own = append(own, l)
			tr.module = l.Module.Path
		}
	}
	imp := importer.ForCompiler(tr.fset, "gc", func(path string) (io.ReadCloser, error) {
		return os.Open(exports[path])
	})
	for _, l := range own {
		p, err := tr.check(l, imp)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", l.ImportPath, err)
		}
		tr.pkgs = append(tr.pkgs, p)
	}
	return tr, nil
}

// check parses and type-checks one package.
func (tr *tree) check(l listed, imp types.Importer) (*pkg, error) {
	p := &pkg{
		path: strings.TrimPrefix(strings.TrimPrefix(l.ImportPath, tr.module), "/"),
		name: l.Name,
		info: &types.Info{
			Types: map[ast.Expr]types.TypeAndValue{},
			Uses:  map[*ast.Ident]types.Object{},
		},
	}
	for _, path := range l.Imports {
		if rel, ok := strings.CutPrefix(path, tr.module+"/"); ok {
			p.imports = append(p.imports, rel)
		}
	}
	parse := func(names []string) (files []*ast.File, err error) {
		for _, name := range names {
			f, err := parser.ParseFile(tr.fset, filepath.Join(l.Dir, name), nil, parser.ParseComments)
			if err != nil {
				return nil, err
			}
			files = append(files, f)
		}
		return files, nil
	}
	var err error
	if p.files, err = parse(l.GoFiles); err != nil {
		return nil, err
	}
	if p.tests, err = parse(append(l.TestGoFiles, l.XTestGoFiles...)); err != nil {
		return nil, err
	}
	conf := types.Config{Importer: imp}
	_, err = conf.Check(l.ImportPath, tr.fset, p.files, p.info)
	return p, err
}

// repo is this repository, read once for all rules.
var repo = sync.OnceValues(func() (*tree, error) {
	root, err := filepath.Abs("../..")
	if err != nil {
		return nil, err
	}
	return load(root)
})

// A rule returns what breaks it, each with its place and what to do.
type rule func(*tree) []string

// holds fails the test with each breach of the rule in this repository.
func holds(t *testing.T, r rule) {
	t.Helper()
	tr, err := repo()
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range r(tr) {
		t.Error(problem)
	}
}
