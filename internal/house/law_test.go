package house

import (
	"errors"
	"fmt"
	"go/ast"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// docs/law.md leads from each article to the packages that obey it and the
// tests that hold them to it. It is a table whose first column is the article's
// number, whose fourth names packages (from internal/ or the root) and whose
// fifth names tests, both in backticks:
//
//	| 10 | Notice and refusal | … | `charter`, `consent` | `TestArticle10_RefusalIsOneStep` |
//
// An article for which no code is needed has – in both.
func TestLaw_EveryArticleLeadsToPackagesAndTests(t *testing.T) { holds(t, law) }

const articles = 29

func law(tr *tree) (problems []string) {
	text, err := tr.read("docs/law.md")
	if err != nil {
		return []string{err.Error()}
	}
	rows, err := parseLaw(text)
	if err != nil {
		return []string{err.Error()}
	}
	packages, tests := map[string]bool{}, map[string]bool{}
	for _, p := range tr.pkgs {
		packages[p.short()] = true
		for _, f := range p.tests {
			for _, d := range f.Decls {
				if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && testName.MatchString(fn.Name.Name) {
					tests[fn.Name.Name] = true
				}
			}
		}
	}
	seen := map[int]bool{}
	for _, row := range rows {
		seen[row.article] = true
		say := func(format string, args ...any) {
			problems = append(problems, fmt.Sprintf("docs/law.md: Article %d: ", row.article)+fmt.Sprintf(format, args...))
		}
		for _, name := range row.packages {
			if !packages[strings.TrimSuffix(name, "/")] {
				say("there is no package %s", name)
			}
		}
		for _, name := range row.tests {
			function, _, _ := strings.Cut(name, "/")
			if !tests[function] {
				say("there is no test %s", name)
			}
		}
		if len(row.packages) > 0 && len(row.tests) == 0 {
			say("names packages, but no test")
		}
	}
	var absent []string
	for n := 1; n <= articles; n++ {
		if !seen[n] {
			absent = append(absent, strconv.Itoa(n))
		}
	}
	if absent != nil {
		problems = append(problems, "docs/law.md has no row for Article "+strings.Join(absent, ", "))
	}
	return problems
}

var testName = regexp.MustCompile(`^(Test|Fuzz|Example|Benchmark)`)

// A lawRow is one line of the table.
type lawRow struct {
	article         int
	packages, tests []string
}

var (
	lawNumber = regexp.MustCompile(`^(?:Article |Art\. )?(\d+)$`)
	backticks = regexp.MustCompile("`([^`]+)`")
)

func parseLaw(text string) (rows []lawRow, err error) {
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "|") {
			continue
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		m := lawNumber.FindStringSubmatch(strings.Trim(cells[0], " *"))
		if m == nil && len(cells) == 1 {
			return nil, fmt.Errorf("docs/law.md: %.40q has come off the row of its article", line)
		}
		if m == nil {
			continue // the heading, or another table
		}
		n, err := strconv.Atoi(m[1])
		if err != nil || n < 1 || n > articles {
			return nil, fmt.Errorf("docs/law.md: there is no Article %s", m[1])
		}
		if len(cells) != 5 { // two rows that were joined by hand or by a tool have more
			return nil, fmt.Errorf("docs/law.md: Article %d has %d columns, not 5; packages are the 4th, tests the 5th", n, len(cells))
		}
		row := lawRow{article: n, packages: quoted(cells[3]), tests: quoted(cells[4])}
		for _, c := range []struct {
			cell  string
			names []string
		}{{cells[3], row.packages}, {cells[4], row.tests}} {
			if cell := strings.TrimSpace(c.cell); len(c.names) == 0 && cell != "–" {
				return nil, fmt.Errorf("docs/law.md: Article %d: %q is neither names in backticks nor –", n, cell)
			}
		}
		rows = append(rows, row)
	}
	if rows == nil {
		return nil, errors.New("docs/law.md has no row for an article")
	}
	return rows, nil
}

func quoted(cell string) (names []string) {
	for _, m := range backticks.FindAllStringSubmatch(cell, -1) {
		names = append(names, m[1])
	}
	return names
}

func TestParseLaw(t *testing.T) {
	rows, err := parseLaw("| article | says | how | packages | tests |\n|---|---|---|---|---|\n" +
		"| 1 | aim | – | – | – |\n| **10** | notice | it is made | `charter`, `base/db` | `TestA`, `TestB/x` |\n")
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 2 || rows[1].article != 10 || !slices.Equal(rows[1].packages, []string{"charter", "base/db"}) ||
		!slices.Equal(rows[1].tests, []string{"TestA", "TestB/x"}) {
		t.Errorf("%+v", rows)
	}
	for _, bad := range []string{"", "| 30 | a | b | – | – |", "| 3 | a | b |", "| 3 | a | b | – | b | – | – |", "| 3 | a | b | charter | – |"} {
		if rows, err := parseLaw(bad); err == nil {
			t.Errorf("%q is read as %+v", bad, rows)
		}
	}
}
