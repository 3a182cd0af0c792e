package screening_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"wardkeep/internal/screening"
)

// score counts what was found of a kind.
type score struct{ right, wrong, missed int }

func (s score) recall() float64    { return ratio(s.right, s.right+s.missed) }
func (s score) precision() float64 { return ratio(s.right, s.right+s.wrong) }

func ratio(a, b int) float64 {
	if b == 0 {
		return 1
	}
	return float64(a) / float64(b)
}

func readCorpus(t *testing.T) (all []sentence) {
	t.Helper()
	file, err := os.ReadFile(corpus)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(file)) {
		var s sentence
		if err := json.Unmarshal([]byte(line), &s); err != nil {
			t.Fatal(err)
		}
		all = append(all, s)
	}
	return all
}

// measure is scored for a part of the corpus.
func measure(t *testing.T, half string, verbose bool) map[string]score {
	return scored(t, slices.DeleteFunc(readCorpus(t), func(s sentence) bool { return s.Half != half }), verbose)
}

// scored compares findings with spans. A number or a name is found where exactly
// its bytes are, an address where they share more than half.
func scored(t *testing.T, sentences []sentence, verbose bool) map[string]score {
	scores := map[string]score{}
	for _, s := range sentences {
		found := read(s.Text, nil)
		used := make([]bool, len(found))
		for _, want := range s.Spans {
			sc := scores[want.Kind]
			hit := slices.IndexFunc(found, func(f screening.Finding) bool { return f.Kind.String() == want.Kind && same(f, want) })
			if hit >= 0 && !used[hit] {
				used[hit] = true
				sc.right++
			} else {
				sc.missed++
				if verbose {
					t.Logf("missed %s %s in %d: %s", want.Kind, s.Text[want.Start:want.End], s.Template, s.Text)
				}
			}
			scores[want.Kind] = sc
		}
		for i, f := range found {
			if !used[i] {
				sc := scores[f.Kind.String()]
				sc.wrong++
				scores[f.Kind.String()] = sc
				if verbose {
					t.Logf("wrong %s %s in %d: %s", f.Kind, s.Text[f.Start:f.End], s.Template, s.Text)
				}
			}
		}
	}
	return scores
}

func same(f screening.Finding, want span) bool {
	if f.Kind != screening.Address {
		return f.Start == want.Start && f.End == want.End
	}
	both := min(f.End, want.End) - max(f.Start, want.Start)
	return 2*both > max(f.End, want.End)-min(f.Start, want.Start)
}

// Article 4: identifiers are found at 0.98 and rightly at 0.97, names beside a
// school at 0.9, on the half of the corpus that no rule was tuned with. What is
// printed of the tuning half is what to mend; the other half prints numbers only.
func TestArticle4_IdentifiersAreFound(t *testing.T) {
	measure(t, "tuning", testing.Verbose())
	scores := measure(t, "held-out", false)
	table, all := tableOf("held-out half", scores)
	first := measure(t, "fresh", false)
	fresh, _ := tableOf("fresh templates", first)
	again := measure(t, "anew", false)
	anew, _ := tableOf("templates written anew", again)
	t.Log("\n" + table + "\n" + fresh + "\n" + anew)
	if all.recall() < 0.98 || all.precision() < 0.97 {
		t.Errorf("identifiers: recall %.4f, want 0.98; precision %.4f, want 0.97", all.recall(), all.precision())
	}
	// Where a rule of one kind is gone, others don't hide it.
	for kind, s := range scores {
		if kind == screening.Pupil.String() {
			continue
		}
		least := 0.98
		if kind == screening.QQ.String() {
			least = 0.9 // one template in ten has it by a word that no rule knows, and wasn't opened to learn it
		}
		if s.recall() < least || s.precision() < 0.97 {
			t.Errorf("%s: recall %.4f, want %.2f; precision %.4f, want 0.97", kind, s.recall(), least, s.precision())
		}
	}
	for where, p := range map[string]score{"the held-out half": scores[screening.Pupil.String()], "the fresh templates": first[screening.Pupil.String()],
		"what was written anew": again[screening.Pupil.String()]} {
		if p.recall() < 0.9 || p.precision() < 0.9 {
			t.Errorf("names with a school in %s: recall %.4f and precision %.4f, want 0.9", where, p.recall(), p.precision())
		}
	}
	if *update {
		writeTable(t, table+"\n"+fresh+"\n"+anew)
	}
}

// tableOf is the scores as a table, and those of all identifiers together.
func tableOf(name string, scores map[string]score) (table string, all score) {
	table = "| kind | in the " + name + " | recall | precision |\n|---|---|---|---|\n"
	row := func(kind string, s score) {
		table += fmt.Sprintf("| %s | %d | %.3f | %.3f |\n", kind, s.right+s.missed, s.recall(), s.precision())
	}
	for _, kind := range slices.Sorted(maps.Keys(scores)) {
		s := scores[kind]
		row(kind, s)
		if kind != screening.Pupil.String() {
			all.right, all.wrong, all.missed = all.right+s.right, all.wrong+s.wrong, all.missed+s.missed
		}
	}
	row("identifiers together", all)
	return table, all
}

func writeTable(t *testing.T, table string) {
	const name, from, to = "../../docs/screening.md", "<!-- measured -->\n", "<!-- /measured -->\n"
	file, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(file), from)
	_, after, ok2 := strings.Cut(rest, to)
	if !ok || !ok2 {
		t.Fatalf("%s has no place for the table", name)
	}
	if err := os.WriteFile(name, []byte(before+from+table+to+after), 0o644); err != nil {
		t.Fatal(err)
	}
}
