package house

import (
	"fmt"
	"go/ast"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// docs/asvs.md leads from each requirement of OWASP ASVS 5.0, levels 1 and 2, of four
// chapters to the tests that hold us to it, or to a reason. It is tables whose first column
// is the requirement's number and whose third has both.
func TestASVS_EveryRequirementLeadsToTestsOrAReason(t *testing.T) { holds(t, asvs) }

// wanted are how many requirements each section has, and those of level 3 among them.
var wanted = map[string]struct {
	last  int
	third []int
}{
	"6.1": {3, nil}, "6.2": {12, nil}, "6.3": {8, []int{5, 6, 7, 8}}, "6.4": {6, []int{5, 6}}, "6.5": {8, []int{6, 7, 8}},
	"6.6": {4, []int{4}}, "6.7": {2, []int{1, 2}}, "6.8": {4, nil},
	"7.1": {3, nil}, "7.2": {4, nil}, "7.3": {2, nil}, "7.4": {5, nil}, "7.5": {3, []int{3}}, "7.6": {2, nil},
	"8.1": {4, []int{3, 4}}, "8.2": {4, []int{4}}, "8.3": {3, []int{2, 3}}, "8.4": {2, []int{2}},
	"10.1": {2, nil}, "10.2": {3, []int{3}}, "10.3": {5, []int{5}}, "10.4": {16, []int{12, 13, 14, 15, 16}}, "10.5": {5, nil}, "10.6": {2, nil}, "10.7": {3, nil},
}

var asvsRow = regexp.MustCompile(`(?m)^\| (\d+\.\d+\.\d+) \| (.+?) \| (.+) \|$`)

func asvs(tr *tree) (problems []string) {
	const file = "docs/asvs.md"
	text, err := tr.read(file)
	if err != nil {
		return []string{err.Error()}
	}
	tests := map[string]bool{}
	for _, p := range tr.pkgs {
		for _, f := range p.tests {
			for _, d := range f.Decls {
				if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil {
					tests[fn.Name.Name] = true
				}
			}
		}
	}
	seen := map[string]bool{}
	for _, m := range asvsRow.FindAllStringSubmatch(text, -1) {
		if seen[m[1]] {
			problems = append(problems, fmt.Sprintf("%s has %s twice", file, m[1]))
		}
		seen[m[1]] = true
		for _, name := range backticks.FindAllStringSubmatch(m[3], -1) {
			if testName.MatchString(name[1]) && !tests[name[1]] {
				problems = append(problems, fmt.Sprintf("%s: %s: there is no test %s", file, m[1], name[1]))
			}
		}
		if len(strings.TrimSpace(m[3])) < 10 {
			problems = append(problems, fmt.Sprintf("%s: %s leads to nothing", file, m[1]))
		}
	}
	for _, section := range slices.Sorted(maps.Keys(wanted)) {
		var absent []string
		for n := 1; n <= wanted[section].last; n++ {
			if number := fmt.Sprintf("%s.%d", section, n); !slices.Contains(wanted[section].third, n) && !seen[number] {
				absent = append(absent, number)
			}
		}
		if absent != nil {
			problems = append(problems, fmt.Sprintf("%s has no row for %s", file, strings.Join(absent, ", ")))
		}
	}
	slices.Sort(problems)
	return problems
}
