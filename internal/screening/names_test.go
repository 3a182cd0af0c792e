package screening_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"wardkeep/internal/screening"
)

// readNames reads testdata/names.txt. Its last part teaches nothing: what the rules miss there
// isn't shown, only counted.
func readNames(t *testing.T) (all []sentence) {
	t.Helper()
	file, err := os.ReadFile("testdata/names.txt")
	if err != nil {
		t.Fatal(err)
	}
	half := "learnt"
	for i, line := range strings.Split(string(file), "\n") {
		if strings.HasPrefix(line, "# unseen") {
			half = "unseen"
		}
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		s := sentence{Template: i + 1, Half: half}
		rest := strings.ReplaceAll(line, `\n`, "\n")
		for {
			before, after, ok := strings.Cut(rest, "{")
			s.Text += before
			if !ok {
				break
			}
			name, after, ok := strings.Cut(after, "}")
			if !ok {
				t.Fatalf("line %d: a name has no end", i+1)
			}
			s.Spans = append(s.Spans, span{screening.Pupil.String(), len(s.Text), len(s.Text) + len(name)})
			s.Text += name
			rest = after
		}
		all = append(all, s)
	}
	return all
}

// Article 4: a pupil is found as parents, teachers and pupils write of one, and who is none
// isn't. The rules learn from the one part, and the other says whether they learnt more than
// its sentences.
func TestArticle4_NamesAreFoundAsTheyAreWritten(t *testing.T) {
	all := readNames(t)
	none := 0
	for _, s := range all {
		if len(s.Spans) == 0 {
			none++
		}
	}
	if len(all) < 300 || none < 100 {
		t.Errorf("%d sentences, and %d without a pupil; want 300 and 100", len(all), none)
	}
	for half, want := range map[string]struct{ recall, precision float64 }{"learnt": {0.87, 0.97}, "unseen": {0.7, 0.85}} {
		part := slices.DeleteFunc(slices.Clone(all), func(s sentence) bool { return s.Half != half })
		got := scored(t, part, testing.Verbose() && half == "learnt")[screening.Pupil.String()]
		t.Logf("%s: recall %.3f, precision %.3f of %d names in %d sentences", half, got.recall(), got.precision(), got.right+got.missed, len(part))
		if got.recall() < want.recall || got.precision() < want.precision {
			t.Errorf("%s: recall %.3f and precision %.3f, want %.2f and %.2f", half, got.recall(), got.precision(), want.recall, want.precision)
		}
	}
}
