package house

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A package imports only from lower lines of the table in ARCHITECTURE.md. The
// table is the fenced block after the line <!-- layers -->:
//
//	0  base/errs  base/id  charter   (charter imports base/errs)
//	1  base/db
//	2  consent  approval             facts (consent imports approval)
//	3  cmd/wardkeep
//
// A line is a number, higher than the one before it, and packages, one or two
// spaces apart and named from internal/ or, outside of it, from the root. Three
// spaces or a parenthesis begin the words, which say what they like; but
// "(a imports b, a imports c)" in them allows an import within the line. What
// lies below a listed package belongs to it: base/db/dbtest to base/db. Each
// package of the repository has a line, and each listed one exists.
//
// Packages whose names end in "test" help tests, and no other package imports
// them.
func TestDirection_ImportsPointDownTheTable(t *testing.T) { holds(t, direction) }

// layers is the table: which line a package is on, and the imports within lines.
type layers struct {
	line   map[string]int
	within map[[2]string]bool
}

func direction(tr *tree) (problems []string) {
	text, err := tr.read("ARCHITECTURE.md")
	if err != nil {
		return []string{err.Error()}
	}
	table, err := parseLayers(text)
	if err != nil {
		return []string{err.Error()}
	}
	exists, used := map[string]bool{}, map[[2]string]bool{}
	for _, p := range tr.pkgs {
		if p.short() == "house" {
			continue // imports nothing, and nothing imports it
		}
		from, ok := table.owner(p.short())
		if !ok {
			problems = append(problems, fmt.Sprintf("ARCHITECTURE.md: the table of layers has no line for %s", p.short()))
			continue
		}
		exists[from] = true
		for _, path := range p.imports {
			to, ok := table.owner(short(path))
			pair := [2]string{from, to}
			switch {
			case !strings.HasSuffix(p.path, "test") && strings.HasSuffix(path, "test"):
				problems = append(problems, fmt.Sprintf("%s imports %s, which is for tests only", p.short(), short(path)))
			case !ok || from == to: // said above, or one package and its parts
			case table.line[from] == table.line[to] && table.within[pair]:
				used[pair] = true
			case table.line[from] <= table.line[to]:
				problems = append(problems, fmt.Sprintf("%s (line %d) imports %s (line %d): imports point down the table of ARCHITECTURE.md",
					p.short(), table.line[from], short(path), table.line[to]))
			}
		}
	}
	for name := range table.line {
		if !exists[name] {
			problems = append(problems, fmt.Sprintf("ARCHITECTURE.md: the table of layers lists %s, and there is no such package", name))
		}
	}
	for pair := range table.within {
		if !used[pair] {
			problems = append(problems, fmt.Sprintf("ARCHITECTURE.md: (%s imports %s) isn't so", pair[0], pair[1]))
		}
	}
	slices.Sort(problems)
	return problems
}

// owner is the listed package that path is, or lies below most closely.
func (l layers) owner(path string) (string, bool) {
	best, ok := "", false
	for name := range l.line {
		if below(path, name) && len(name) >= len(best) {
			best, ok = name, true
		}
	}
	return best, ok
}

var (
	layersBlock = regexp.MustCompile("(?s)\n<!-- layers -->\\s*\n```[a-z]*\n(.*?)\n```")
	layerLine   = regexp.MustCompile(`^(\d+) +(.+)$`)
	layerWords  = regexp.MustCompile(`   | \(`)
	layerName   = regexp.MustCompile(`^[a-z][a-z0-9/_-]*$`)
	layerNote   = regexp.MustCompile(`([a-z][a-z0-9/_-]*) imports ([a-z][a-z0-9/_-]*)`)
	parentheses = regexp.MustCompile(`\([^)]*\)`)
)

func parseLayers(text string) (layers, error) {
	l := layers{line: map[string]int{}, within: map[[2]string]bool{}}
	block := layersBlock.FindStringSubmatch("\n" + text)
	if block == nil {
		return l, errors.New("ARCHITECTURE.md: there is no fenced block after a line <!-- layers -->")
	}
	last := -1
	for line := range strings.Lines(block[1]) {
		line = strings.TrimRight(line, " \n")
		if line == "" {
			continue
		}
		m := layerLine.FindStringSubmatch(line)
		if m == nil {
			return l, fmt.Errorf("ARCHITECTURE.md: layer %q doesn't begin with its number", line)
		}
		n, err := strconv.Atoi(m[1])
		if err != nil || n <= last {
			return l, fmt.Errorf("ARCHITECTURE.md: layer %q isn't above layer %d", line, last)
		}
		last = n
		if err := l.add(n, m[2]); err != nil {
			return l, err
		}
	}
	return l, nil
}

// add reads one line of the table after its number.
func (l layers) add(n int, line string) error {
	names, words := line, ""
	if i := layerWords.FindStringIndex(line); i != nil {
		names, words = line[:i[0]], line[i[0]:]
	}
	for _, name := range strings.Fields(names) {
		if !layerName.MatchString(name) {
			return fmt.Errorf("ARCHITECTURE.md: %q in layer %d isn't a package (words begin after three spaces)", name, n)
		}
		if _, twice := l.line[name]; twice {
			return fmt.Errorf("ARCHITECTURE.md: %s has two layers", name)
		}
		l.line[name] = n
	}
	for _, note := range parentheses.FindAllString(words, -1) {
		for _, m := range layerNote.FindAllStringSubmatch(note, -1) {
			for _, name := range m[1:] {
				if at, ok := l.line[name]; !ok || at != n {
					return fmt.Errorf("ARCHITECTURE.md: %s speaks of %s, which isn't in layer %d", note, name, n)
				}
			}
			l.within[[2]string{m[1], m[2]}] = true
		}
	}
	return nil
}

func TestParseLayers(t *testing.T) {
	got, err := parseLayers("# A\n\n<!-- layers -->\n```\n" +
		"0  base/errs  charter (charter imports base/errs)\n\n" +
		"2  consent approval    facts, which (as we know) are owned (consent imports approval)\n" +
		"10 cmd/wardkeep\n```\n")
	if err != nil {
		t.Fatal(err)
	}
	want := layers{
		line:   map[string]int{"base/errs": 0, "charter": 0, "consent": 2, "approval": 2, "cmd/wardkeep": 10},
		within: map[[2]string]bool{{"charter", "base/errs"}: true, {"consent", "approval"}: true},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(layers{})); diff != "" {
		t.Error(diff)
	}
	if got, _ := got.owner("consent/pages"); got != "consent" {
		t.Errorf("consent/pages belongs to %q", got)
	}
	if got, ok := got.owner("consents"); ok {
		t.Errorf("consents belongs to %q", got)
	}
}

func TestParseLayers_Refuses(t *testing.T) {
	bad := map[string]string{
		"no mark":           "```\n0  a\n```\n",
		"no number":         "<!-- layers -->\n```\nbase  a\n```\n",
		"numbers fall":      "<!-- layers -->\n```\n1  a\n0  b\n```\n",
		"same number":       "<!-- layers -->\n```\n1  a\n1  b\n```\n",
		"words too near":    "<!-- layers -->\n```\n0  app → cmd\n```\n",
		"listed twice":      "<!-- layers -->\n```\n0  a\n1  a\n```\n",
		"note across lines": "<!-- layers -->\n```\n0  a\n1  b (a imports b)\n```\n",
	}
	for _, name := range slices.Sorted(maps.Keys(bad)) {
		if l, err := parseLayers(bad[name]); err == nil {
			t.Errorf("%s: accepted as %v", name, l)
		}
	}
}
