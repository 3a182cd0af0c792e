package house

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

// testdata/broken.txtar breaks every rule, each breach where problems.txt says, and
// does beside it what comes close and is right. So a rule that goes blind, or
// sees ghosts, fails here.
func TestRules_SeeWhatIsBrokenAndNothingElse(t *testing.T) {
	tr, err := load(broken(t))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range []rule{direction, sqlSubset, everyKey, leftovers, explained, reveals, childKeys, law, asvs} {
		problems := r(tr)
		if len(problems) == 0 {
			t.Error("a rule finds nothing in testdata/broken.txtar")
		}
		got = append(got, problems...)
	}
	slices.Sort(got)

	b, err := os.ReadFile("testdata/problems.txt")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(strings.TrimSpace(string(b)), "\n"), got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// A file that a rule reads is never silently missing.
func TestRules_FailWithoutWhatTheyRead(t *testing.T) {
	tr := &tree{root: t.TempDir(), module: "wardkeep"}
	for name, r := range map[string]rule{
		"ARCHITECTURE.md": direction,
		"docs/law.md":     law,
		"docs/asvs.md":    asvs,
		messages:          everyKey,
	} {
		if problems := strings.Join(r(tr), "\n"); !strings.Contains(problems, name) {
			t.Errorf("without %s: %q", name, problems)
		}
	}
	if _, err := load(t.TempDir()); err == nil {
		t.Error("a directory without a module is read")
	}
}

// broken unpacks testdata/broken.txtar. As one text, no tool takes its contents
// for a part of this repository.
func broken(t *testing.T) string {
	t.Helper()
	archive, err := txtar.ParseFile("testdata/broken.txtar")
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	if err := txtar.Write(archive, root); err != nil {
		t.Fatal(err)
	}
	return root
}
