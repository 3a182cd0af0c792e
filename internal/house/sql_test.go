package house

import (
	"fmt"
	"go/ast"
	"go/constant"
	"go/token"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// One SQL text runs on SQLite, PostgreSQL and Citus, so it keeps to what the
// three agree on. SQLite drivers that number $N by appearance swap values
// silently, which is why the numbers appear in order.
func TestSQL_KeepsToTheCommonSubset(t *testing.T) { holds(t, sqlSubset) }

// twoTexts lists the packages that may speak one engine's dialect.
var twoTexts = []string{"base/db"}

func sqlSubset(tr *tree) (problems []string) {
	for _, p := range tr.pkgs {
		if strings.HasSuffix(p.path, "test") {
			continue // it helps tests, which look at one engine at a time
		}
		for _, f := range p.files {
			for _, s := range strs(p, f) {
				for _, problem := range sqlProblems(s.text, p.in(twoTexts...)) {
					problems = append(problems, tr.at(s.node, "%s", problem))
				}
			}
		}
	}
	err := tr.texts(func(name, text string) {
		for _, problem := range migrationProblems(text) {
			problems = append(problems, name+": "+problem)
		}
	}, ".sql")
	if err != nil {
		problems = append(problems, err.Error())
	}
	return problems
}

// A str is a text as the program puts it together.
type str struct {
	node ast.Node
	text string
}

// strs returns each string of the file, with + already done. A part that only
// the running program knows stands as an ellipsis.
func strs(p *pkg, f *ast.File) (all []str) {
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ImportSpec:
			return false
		case *ast.BinaryExpr, *ast.BasicLit:
			if s, ok := text(p, n.(ast.Expr)); ok {
				all = append(all, str{n, s})
				return false
			}
		}
		return true
	})
	return all
}

func text(p *pkg, e ast.Expr) (string, bool) {
	if v := p.info.Types[e].Value; v != nil {
		if v.Kind() != constant.String {
			return "", false
		}
		return constant.StringVal(v), true
	}
	switch e := e.(type) {
	case *ast.ParenExpr:
		return text(p, e.X)
	case *ast.BinaryExpr:
		x, okX := text(p, e.X)
		y, okY := text(p, e.Y)
		if e.Op != token.ADD || !okX && !okY {
			return "", false
		}
		if !okX {
			x = "…"
		}
		if !okY {
			y = "…"
		}
		return x + y, true
	}
	return "", false
}

var (
	isSQL       = regexp.MustCompile(`^\s*(SELECT\s|INSERT\s+INTO\s|UPDATE\s+\S+\s+SET\s|DELETE\s+FROM\s|WITH\s+(RECURSIVE\s+)?\w+.*\sAS\s)`)
	isLowerSQL  = regexp.MustCompile(`(?is)^\s*(select|insert\s+into|update|delete\s+from)\s.*\$1`)
	sqlComment  = regexp.MustCompile(`--[^\n]*`)
	sqlQuoted   = regexp.MustCompile(`'[^']*'`)
	placeholder = regexp.MustCompile(`\$(\d+)`)
	sumOf       = regexp.MustCompile(`(?i)\bsum\s*\(`)
	castSum     = regexp.MustCompile(`(?i)CAST\s*\((coalesce\s*\()?\s*sum\s*\(`)
)

// banned are the words outside the subset; dialect ones are base/db's own.
var banned = []struct {
	words   *regexp.Regexp
	say     string
	dialect bool
}{
	{regexp.MustCompile(`(?i)\bI?LIKE\b`), "LIKE compares differently on each engine", false},
	{regexp.MustCompile(`(?i)\b(now|datetime|strftime|clock_timestamp)\s*\(|\bCURRENT_(TIMESTAMP|TIME|DATE)\b`), "the time is tx.Now(), never the database's", false},
	{regexp.MustCompile(`(?i)\b(SELECT|DISTINCT|RETURNING)\s+\*|\w\.\*`), "columns are enumerated", false},
	{regexp.MustCompile(`(?i)\bINSERT\s+INTO\s+\w+\s+(VALUES|SELECT)\b`), "columns are enumerated", false},
	{regexp.MustCompile(`(?i)\bON\s+CONFLICT\s+ON\s+CONSTRAINT\b`), "constraint names aren't portable: name the columns", false},
	{regexp.MustCompile(`\?`), "placeholders are $1, $2, …", false},
	{regexp.MustCompile(`(?is)^\s*WITH\b.*\b(INSERT\s+INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM)\b`), "a CTE doesn't write", false},
	{regexp.MustCompile(`(?i)\b(ANY|unnest)\s*\(|\bARRAY\s*\[|\[\]`), "there are no arrays", true},
	{regexp.MustCompile(`(?i)\bFOR\s+(UPDATE|SHARE|NO\s+KEY|KEY\s+SHARE)\b`), "row locks belong to base/db", true},
	{regexp.MustCompile(`::`), "CAST(x AS type), not x::type", true},
}

// sqlProblems returns what a query text does outside the subset, and nothing
// for a text that isn't SQL.
func sqlProblems(text string, dialect bool) (problems []string) {
	text = sqlQuoted.ReplaceAllString(sqlComment.ReplaceAllString(text, ""), "''")
	if !isSQL.MatchString(text) {
		if isLowerSQL.MatchString(text) {
			problems = append(problems, "SQL keywords are written in capitals")
		}
		return problems
	}
	problems = append(problems, bannedWords(text, dialect)...)
	highest := 0
	for _, m := range placeholder.FindAllStringSubmatch(text, -1) {
		switch n, err := strconv.Atoi(m[1]); {
		case err != nil || n < 1 || n > highest+1:
			return append(problems, fmt.Sprintf("placeholders are numbered in the order of first appearance: %s after $%d", m[0], highest))
		case n == highest+1:
			highest = n
		}
	}
	return problems
}

func bannedWords(text string, dialect bool) (problems []string) {
	for _, b := range banned {
		if found := b.words.FindString(text); found != "" && !(b.dialect && dialect) {
			problems = append(problems, fmt.Sprintf("SQL %q: %s", lastLine(found), b.say))
		}
	}
	if len(sumOf.FindAllString(text, -1)) > len(castSum.FindAllString(text, -1)) {
		problems = append(problems, "CAST(sum(x) AS bigint): a bare sum has another type on each engine")
	}
	return problems
}

func lastLine(s string) string {
	s = strings.TrimSpace(s)
	return strings.TrimSpace(s[strings.LastIndex(s, "\n")+1:])
}

var (
	createTable = regexp.MustCompile(`(?i)\bCREATE\s+TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?(\w+)\s*\(`)
	primaryKey  = regexp.MustCompile(`(?i)^PRIMARY\s+KEY\s*\(([^)]*)\)`)
	tableRule   = regexp.MustCompile(`(?i)^(PRIMARY|UNIQUE|CHECK|FOREIGN|CONSTRAINT)\b`)
	notNull     = regexp.MustCompile(`(?i)\bNOT\s+NULL\b`)
	isKey       = regexp.MustCompile(`(?i)\bPRIMARY\s+KEY\b`)
	trigger     = regexp.MustCompile(`(?i)\bCREATE\s+(OR\s+REPLACE\s+)?(TRIGGER|FUNCTION)\b`)
)

var columnTypes = []string{"text", "bigint", "boolean", "bytea"}

// migrationProblems returns what a migration does outside the subset.
func migrationProblems(text string) (problems []string) {
	text = sqlQuoted.ReplaceAllString(sqlComment.ReplaceAllString(text, ""), "''")
	problems = bannedWords(text, false)
	if trigger.MatchString(text) {
		problems = append(problems, "there are no triggers and no functions")
	}
	for _, m := range createTable.FindAllStringSubmatchIndex(text, -1) {
		table := text[m[2]:m[3]]
		required := map[string]bool{}
		var key []string
		for _, def := range definitions(text[m[1]:]) {
			if tableRule.MatchString(def) {
				if m := primaryKey.FindStringSubmatch(def); m != nil {
					key = strings.FieldsFunc(m[1], func(r rune) bool { return r == ',' || r == ' ' })
				}
				continue
			}
			words := strings.Fields(def)
			if len(words) < 2 || !slices.Contains(columnTypes, words[1]) {
				problems = append(problems, fmt.Sprintf("%s: column %q isn't text, bigint, boolean or bytea", table, def))
				continue
			}
			required[words[0]] = notNull.MatchString(def)
			if isKey.MatchString(def) {
				key = append(key, words[0])
			}
		}
		for _, column := range key {
			if !required[column] {
				problems = append(problems, fmt.Sprintf("%s: key column %s is NOT NULL (SQLite accepts NULL in a key)", table, column))
			}
		}
	}
	return problems
}

// definitions splits the inside of a CREATE TABLE at its commas, up to the
// parenthesis that closes it.
func definitions(text string) (defs []string) {
	depth, start := 0, 0
	add := func(end int) {
		if def := strings.TrimSpace(text[start:end]); def != "" {
			defs = append(defs, def)
		}
		start = end + 1
	}
	for i, r := range text {
		switch {
		case r == '(':
			depth++
		case r == ')' && depth == 0:
			add(i)
			return defs
		case r == ')':
			depth--
		case r == ',' && depth == 0:
			add(i)
		}
	}
	return defs
}

func TestSQLProblems(t *testing.T) {
	good := []string{
		"Select the purpose you mean.",
		"SELECT a, count(*) FROM t WHERE b = $1 AND (c = $2 OR d = $1) -- LIKE now()\nORDER BY a",
		"SELECT CAST(coalesce(sum(n), 0) AS bigint) FROM t WHERE kind = 'what?'",
		"INSERT INTO t (a, b) VALUES ($1, $2) ON CONFLICT (a) DO UPDATE SET b = $2",
		"INSERT INTO t (a) SELECT a FROM u WHERE b = $1",
		"WITH due AS (SELECT a FROM t) SELECT a FROM due UNION ALL SELECT a FROM u",
	}
	for _, text := range good {
		if got := sqlProblems(text, false); got != nil {
			t.Errorf("%q: %v", text, got)
		}
	}
	bad := []string{
		"SELECT a FROM t WHERE b = $2 AND c = $1",
		"SELECT a FROM t WHERE b = $1 AND c = $3",
		"SELECT a FROM t WHERE b = $0",
		"UPDATE t SET a = $2 WHERE b = $1",
		"SELECT a FROM t WHERE b = ?",
		"SELECT a FROM t WHERE b LIKE $1",
		"SELECT a FROM t WHERE b ilike $1",
		"DELETE FROM t WHERE at < now()",
		"DELETE FROM t WHERE at < CURRENT_TIMESTAMP",
		"SELECT * FROM t",
		"SELECT t.*, u.a FROM t, u",
		"DELETE FROM t WHERE a = $1 RETURNING *",
		"INSERT INTO t VALUES ($1)",
		"INSERT INTO t (a) VALUES ($1) ON CONFLICT ON CONSTRAINT t_pkey DO NOTHING",
		"SELECT a FROM t WHERE b = ANY($1)",
		"SELECT a FROM t WHERE b = $1 FOR UPDATE",
		"SELECT a::text FROM t",
		"SELECT sum(n) FROM t",
		"WITH gone AS (DELETE FROM t WHERE a = $1) SELECT b FROM u",
		"\n\tselect a from t where b = $1",
	}
	for _, text := range bad {
		if got := sqlProblems(text, false); got == nil {
			t.Errorf("%q is accepted", text)
		}
	}
	if got := sqlProblems("SELECT a FROM t WHERE b = ANY($1::text[]) FOR UPDATE", true); got != nil {
		t.Errorf("base/db may not speak its dialect: %v", got)
	}
	if got := sqlProblems("SELECT a FROM t WHERE b = $2", true); got == nil {
		t.Error("base/db may number placeholders at will")
	}
}
