package app

import (
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/i18n"
)

// What can be wrong with a configuration and what it names.
var (
	ErrConfig      = errs.New(errs.Invalid, "app.config_invalid")        // the ConfigProblems say what
	ErrConfigFile  = errs.New(errs.Unavailable, "app.config_unreadable") // it can't be read, or a file that it names
	ErrDataDir     = errs.New(errs.Unavailable, "app.data_dir")
	ErrDataDirOpen = errs.New(errs.Unavailable, "app.data_dir_open") // others can read it
)

// A ConfigProblem is one thing in a configuration that must be changed, and
// what to write instead. It holds no value of the file.
type ConfigProblem struct {
	File         string
	Line, Column int    // from 1; 0 for what isn't written
	Key          string // "smtp.port", or ""
	Code         string // of the words in base/i18n
	Known        string // the keys that may stand there, for an unknown one
}

// In returns file:line:column: key: and what to write instead.
func (p ConfigProblem) In(lang i18n.Lang) string {
	at := p.File
	if p.Line > 0 {
		at = fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
	}
	var parts []string
	for _, part := range []string{at, p.Key, lang.T(p.Code, "Known", p.Known, "Names", p.Known)} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, ": ")
}

// ConfigProblems are all that is wrong with a configuration.
type ConfigProblems []ConfigProblem

// In returns one problem a line.
func (ps ConfigProblems) In(lang i18n.Lang) string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.In(lang)
	}
	return strings.Join(lines, "\n")
}

// Error returns the problems in English.
func (ps ConfigProblems) Error() string { return ps.In(i18n.English) }

// Unwrap returns ErrConfig.
func (ps ConfigProblems) Unwrap() error { return ErrConfig }

// maxConfig bounds a configuration file, in bytes.
const maxConfig = 1 << 20

// A configFile is what was read: where each key stands, and what is wrong.
type configFile struct {
	path     string
	at       map[string]*token.Position
	bad      map[string]bool // keys whose value couldn't be read
	problems ConfigProblems
}

// readConfig reads the file at path into c, as far as it can be read.
func readConfig(path string, c *Config) (f configFile, err error) {
	f = configFile{path: path, at: map[string]*token.Position{}, bad: map[string]bool{}}
	file, err := os.Open(path)
	if err != nil {
		return f, fmt.Errorf("%w: %w", ErrConfigFile, err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxConfig+1))
	if err != nil {
		return f, fmt.Errorf("%w: %w", ErrConfigFile, err)
	}
	if len(text) > maxConfig {
		f.say("", "app.config.too_large", nil)
		return f, nil
	}
	if root := f.parse(string(text)); root != nil {
		f.fields(root, reflect.ValueOf(c).Elem(), "")
	}
	return f, nil
}

// parse returns the outermost value, or nil if there is none.
func (f *configFile) parse(text string) ast.Node {
	tree, err := parser.Parse(lexer.Tokenize(text), 0)
	if err != nil {
		var at *token.Position
		if e, ok := errors.AsType[*yaml.SyntaxError](err); ok && e.Token != nil {
			at = e.Token.Position
		}
		f.say("", "app.config.yaml", at)
		return nil
	}
	if len(tree.Docs) == 0 || tree.Docs[0].Body == nil || tree.Docs[0].Body.Type() == ast.NullType {
		return nil
	}
	if len(tree.Docs) > 1 {
		f.say("", "app.config.documents", nil)
	}
	return tree.Docs[0].Body
}

// fields reads the keys of one mapping into the struct v.
func (f *configFile) fields(n ast.Node, v reflect.Value, path string) {
	values, ok := n.(ast.MapNode)
	if !ok {
		f.wrong(path, "app.config.mapping", n)
		return
	}
	known := map[string]reflect.Value{}
	var names []string
	for i := range v.NumField() {
		name := v.Type().Field(i).Tag.Get("yaml")
		known[name], names = v.Field(i), append(names, name)
	}
	for each := values.MapRange(); each.Next(); {
		key, value := each.Key().GetToken().Value, each.Value()
		field, ok := known[key]
		if path != "" {
			key = path + "." + key
		}
		if !ok {
			p := ConfigProblem{Key: key, Code: "app.config.unknown", Known: strings.Join(names, ", ")}
			f.at[key] = each.Key().GetToken().Position
			f.problems = append(f.problems, f.place(p))
			continue
		}
		f.at[key] = each.Key().GetToken().Position
		f.value(value, field, key)
	}
}

func (f *configFile) value(n ast.Node, v reflect.Value, key string) {
	if n.Type() == ast.NullType {
		return // as if it were not written
	}
	if v.Kind() == reflect.Pointer {
		fresh := reflect.New(v.Type().Elem())
		v.Set(fresh)
		v = fresh.Elem()
	}
	if v.Kind() == reflect.Struct {
		f.fields(n, v, key)
		return
	}
	if err := yaml.NodeToValue(n, v.Addr().Interface()); err != nil {
		f.wrong(key, "app.config.value", n)
	}
}

func (f *configFile) wrong(key, code string, n ast.Node) {
	f.bad[key] = true
	f.say(key, code, n.GetToken().Position)
}

func (f *configFile) say(key, code string, at *token.Position) {
	p := ConfigProblem{File: f.path, Key: key, Code: code}
	if at != nil {
		p.Line, p.Column = at.Line, at.Column
	}
	f.problems = append(f.problems, p)
}

// place says where the key of a problem stands.
func (f *configFile) place(p ConfigProblem) ConfigProblem {
	p.File = f.path
	if at := f.at[p.Key]; at != nil {
		p.Line, p.Column = at.Line, at.Column
	}
	return p
}
