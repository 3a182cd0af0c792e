package charter_test

import (
	"slices"
	"strings"
	"testing"

	"wardkeep/internal/charter"
)

// Two texts are compared line by line: what differs is there once, and nothing else is.
func TestLinesThatWentAndCame(t *testing.T) {
	for name, c := range map[string]struct{ was, is, gone, come string }{
		"the same":                {"a\nb\nc", "a\nb\nc", "", ""},
		"nothing":                 {"", "", "", ""},
		"all is new":              {"", "a\nb", "", "a b"},
		"all has gone":            {"a\nb", "", "a b", ""},
		"one another":             {"a\nb\nc", "a\nx\nc", "b", "x"},
		"one more":                {"a\nc", "a\nb\nc", "", "b"},
		"one less":                {"a\nb\nc", "a\nc", "b", ""},
		"the same line once more": {"a\nb", "a\nb\na", "", "a"},
		"the same line once less": {"a\nb\na", "a\nb", "a", ""},
		"one moved":               {"a\nb\nc\nd", "b\nc\na\nd", "a", "a"},
		"two changed places":      {"a\nb", "b\na", "a", "a"},
		"moved, and another":      {"a\nb\nc", "c\na\nx", "a b", "a x"},
		"white space only":        {"a\n\n b\r\n", "a\nb  \n\n", "", ""},
		"no end of the last line": {"a\nb\n", "a\nb", "", ""},
	} {
		gone, come := charter.Lines(c.was, c.is)
		if slices.Sort(gone); strings.Join(gone, " ") != c.gone {
			t.Errorf("%s: %q went, want %q", name, gone, c.gone)
		}
		if slices.Sort(come); strings.Join(come, " ") != c.come {
			t.Errorf("%s: %q came, want %q", name, come, c.come)
		}
	}
}
