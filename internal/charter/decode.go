package charter

import (
	"encoding"
	"errors"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// Limits of the text, so that the parser's own stack and time stay bounded.
const (
	maxTokens    = 40_000 // a charter of seven purposes has 1,800; the parser takes the square of their number
	maxFlowDepth = 32     // [[[…
	maxColumn    = 200    // of a block key or list mark: - - - …
)

// A decoder fills a charter from the syntax tree of its YAML. It reads the tree
// itself, because it must find every problem and not only the first, know the
// place of each path, and never guess: `no` is not false and 12377 is not text.
type decoder struct{ *report }

// decode reads charter.yaml, or another form, into v. What could not be read is in the
// report.
func decode(text string, v reflect.Value, r *report) {
	d := decoder{r}
	r.places = map[string]place{}
	root := d.parse(text)
	if root == nil {
		if len(r.problems) == 0 {
			r.add("", "文件是空的，请按照 charter.schema.json 填写", "the file is empty; fill it in as charter.schema.json says")
		}
		r.said[""] = true
		return
	}
	d.value(root, v, "")
}

func (d decoder) parse(text string) (root ast.Node) {
	// The parser is the work of others and this text comes from outside: a
	// panic in there is a problem of the text, not the end of the server.
	defer func() {
		if recover() != nil {
			root = nil
			d.add("", "无法作为 YAML 读取，请改成简单的写法", "it can't be read as YAML; write it more simply")
		}
	}()
	tokens := lexer.Tokenize(text)
	if !d.plain(tokens) {
		return nil
	}
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		d.syntax(err)
		return nil
	}
	if len(file.Docs) > 1 {
		d.here(file.Docs[1], "", "只能有一个文档，请删掉 --- 之后的内容", "there must be one document; delete what follows ---")
	}
	if len(file.Docs) == 0 || file.Docs[0].Body == nil {
		return nil
	}
	return file.Docs[0].Body
}

func (d decoder) syntax(err error) {
	line, column, message := 1, 1, "unreadable"
	if e, ok := errors.AsType[*yaml.SyntaxError](err); ok {
		message = e.Message
		if e.Token != nil && e.Token.Position != nil {
			line, column = e.Token.Position.Line, e.Token.Position.Column
		}
	}
	d.places[""] = place{line, column}
	d.add("", "不是正确的 YAML（%s），请检查这一行的缩进、冒号和引号", "this is not YAML (%s); check the indent, colons and quotes of this line", message)
}

// plain reports whether the text keeps to the part of YAML in which what is
// written is what is meant, and is not nested beyond reason. Anchors and
// aliases are refused: a few lines of them stand for gigabytes.
func (d decoder) plain(tokens token.Tokens) bool {
	if len(tokens) > maxTokens {
		d.add("", "内容太多，请拆成几个服务，各写一份章程", "this is too much for one charter; split it into several services, each with its own")
		return false
	}
	depth, first := 0, (*token.Token)(nil)
	for _, t := range tokens {
		refused := false
		switch t.Type {
		case token.AnchorType, token.AliasType, token.TagType, token.MergeKeyType, token.DirectiveType:
			refused = true
		case token.SequenceStartType, token.MappingStartType:
			depth++
			refused = depth > maxFlowDepth
		case token.SequenceEndType, token.MappingEndType:
			depth--
		case token.SequenceEntryType, token.MappingValueType, token.MappingKeyType:
			refused = depth <= 0 && t.Position.Column > maxColumn
		}
		if refused {
			first = t
			break
		}
	}
	if first == nil {
		return true
	}
	d.places[""] = place{first.Position.Line, first.Position.Column}
	if depth > maxFlowDepth || first.Position.Column > maxColumn {
		d.add("", "嵌套太深，请按照 charter.schema.json 的结构填写", "this is nested too deep; follow the structure of charter.schema.json")
	} else {
		d.add("", "不能使用锚点、别名、标签或指令（& * ! << %%），请把内容直接写出来", "anchors, aliases, tags and directives (& * ! << %%) can't be used; write the content out")
	}
	return false
}

// here reports a problem at a node, and remembers its place for the path.
func (d decoder) here(n ast.Node, path, zh, en string, args ...any) {
	old, had := d.places[path]
	d.places[path] = at(n)
	d.add(path, zh, en, args...)
	if had {
		d.places[path] = old
	}
}

func at(n ast.Node) place {
	if m, ok := n.(*ast.MappingNode); ok && !m.IsFlowStyle && len(m.Values) > 0 {
		n = m.Values[0]
	}
	if v, ok := n.(*ast.MappingValueNode); ok {
		n = v.Key
	}
	if t := n.GetToken(); t != nil && t.Position != nil {
		return place{t.Position.Line, t.Position.Column}
	}
	return place{1, 1}
}

// value reads one node into v.
func (d decoder) value(n ast.Node, v reflect.Value, path string) {
	if _, known := d.places[path]; !known {
		d.places[path] = at(n)
	}
	if n.Type() == ast.NullType {
		return // as if it were not written: the check says what is missing
	}
	if u, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		d.unmarshal(n, u, path)
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		fresh := reflect.New(v.Type().Elem())
		d.value(n, fresh.Elem(), path)
		v.Set(fresh)
	case reflect.Struct:
		d.mapping(n, v, path)
	case reflect.Slice:
		d.list(n, v, path)
	case reflect.String:
		if s, ok := d.text(n, path); ok {
			v.SetString(s)
		}
	case reflect.Bool:
		b, ok := n.(*ast.BoolNode)
		if !ok || b.GetToken().Value != "true" && b.GetToken().Value != "false" {
			d.here(n, path, "请写 true 或 false", "write true or false")
			return
		}
		v.SetBool(b.Value)
	case reflect.Int:
		i, err := strconv.ParseUint(scalar(n), 10, 31)
		if err != nil || n.Type() != ast.IntegerType {
			d.here(n, path, "请写一个不带引号的整数，例如 200", "write a whole number without quotes, such as 200")
			return
		}
		v.SetInt(int64(i))
	case reflect.Float64:
		if !decimal.MatchString(scalar(n)) || n.Type() == ast.StringType {
			d.here(n, path, "请写一个不带引号的数字，例如 0 或 99.5", "write a number without quotes, such as 0 or 99.5")
			return
		}
		f, err := strconv.ParseFloat(scalar(n), 64)
		if err == nil {
			v.SetFloat(f)
		}
	}
}

func (d decoder) unmarshal(n ast.Node, u encoding.TextUnmarshaler, path string) {
	s, ok := d.text(n, path)
	if ok && u.UnmarshalText([]byte(s)) != nil {
		d.here(n, path, "“%s” 不是期限，请写成 90d（天）、18m（月）或 3y（年），最长 20y", "%q is not a period; write 90d (days), 18m (months) or 3y (years), at most 20y", short(s))
	}
}

func (d decoder) text(n ast.Node, path string) (string, bool) {
	var s string
	switch n := n.(type) {
	case *ast.StringNode:
		s = n.Value
	case *ast.LiteralNode:
		s = n.Value.Value
	case *ast.MappingNode, *ast.MappingValueNode, *ast.SequenceNode:
		d.here(n, path, "这里请写一段文字", "write one text here")
		return "", false
	default:
		d.here(n, path, "请给文字加上引号：\"%s\"", "put quotes around the text: %q", short(scalar(n)))
		return "", false
	}
	return strings.TrimSpace(s), true
}

func (d decoder) list(n ast.Node, v reflect.Value, path string) {
	seq, ok := n.(*ast.SequenceNode)
	if !ok {
		d.here(n, path, "这里请写一个列表，每项以 “- ” 开头", "write a list here, each entry after \"- \"")
		return
	}
	if len(seq.Values) > maxList {
		d.here(n, path, "最多 %d 项", "write at most %d entries", maxList)
		return
	}
	list := reflect.MakeSlice(v.Type(), len(seq.Values), len(seq.Values))
	for i, e := range seq.Values {
		d.value(e, list.Index(i), join(path, i))
	}
	v.Set(list)
}

func (d decoder) mapping(n ast.Node, v reflect.Value, path string) {
	pairs, ok := entries(n)
	if !ok {
		d.notMapping(n, v, path)
		return
	}
	known := fields(v.Type())
	seen := map[string]bool{}
	for _, pair := range pairs {
		key := pair.Key.GetToken().Value
		f, ok := find(known, key, func(f field) string { return f.name })
		switch {
		case !ok || f.prose:
			d.unknown(pair, known, key, path)
		case seen[key]:
			d.here(pair, join(path, key), "“%s” 写了两次，请删掉一个", "%q is written twice; delete one of them", key)
		default:
			seen[key] = true
			d.places[join(path, key)] = at(pair)
			d.value(pair.Value, v.Field(f.index), join(path, key))
		}
	}
}

func (d decoder) notMapping(n ast.Node, v reflect.Value, path string) {
	if v.Type() == reflect.TypeFor[Words]() {
		d.here(n, path, "请用两种语言写：{zh-CN: \"…\", en: \"…\"}", "write it in both languages: {zh-CN: \"…\", en: \"…\"}")
		return
	}
	d.here(n, path, "这里请写：%s", "write these keys here: %s", keys(fields(v.Type())))
}

func (d decoder) unknown(pair *ast.MappingValueNode, known []field, key, path string) {
	old, had := d.places[path]
	d.places[path] = at(pair)
	silent := d.said[path]
	if meant := nearest(known, key); meant != "" {
		d.add(path, "没有 “%s” 这个键，是不是 “%s”？", "there is no key %q; did you mean %q?", short(key), meant)
	} else {
		d.add(path, "没有 “%s” 这个键，请删掉，或改成其中之一：%s", "there is no key %q; delete it, or write one of: %s", short(key), keys(known))
	}
	// The key is unknown, its neighbours are not: go on checking them.
	d.said[path] = silent
	if delete(d.places, path); had {
		d.places[path] = old
	}
}

func entries(n ast.Node) ([]*ast.MappingValueNode, bool) {
	switch n := n.(type) {
	case *ast.MappingNode:
		return n.Values, true
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{n}, true
	}
	return nil, false
}

func scalar(n ast.Node) string {
	if t := n.GetToken(); t != nil {
		return t.Value
	}
	return ""
}

func keys(known []field) string {
	var names []string
	for _, f := range known {
		if !f.prose {
			names = append(names, f.name)
		}
	}
	return strings.Join(names, ", ")
}

// short cuts a text that is repeated in a message.
func short(s string) string {
	runes := []rune(s)
	if len(runes) > 40 {
		return string(runes[:40]) + "…"
	}
	return s
}

var separators = regexp.MustCompile(`[-_ ]`)

// nearest returns the key that was probably meant: one that differs in
// separators and case, or by at most two letters.
func nearest(known []field, key string) string {
	plain := func(s string) string { return strings.ToLower(separators.ReplaceAllString(s, "")) }
	best, least := "", 3
	for _, f := range known {
		if f.prose || len(key) > 40 {
			continue
		}
		if n := distance(plain(f.name), plain(key)); n < least && n < len(f.name)/2 {
			best, least = f.name, n
		}
	}
	return best
}

// distance is the Levenshtein distance of two short texts.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		last := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := last
			if a[i] != b[j] {
				cost++
			}
			last = row[j+1]
			row[j+1] = min(cost, row[j]+1, last+1)
		}
	}
	return row[len(b)]
}
