package dossier

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"

	"wardkeep/internal/base/i18n"
	"wardkeep/internal/board"
)

// Regulation 37: of a table that is too long the last rows are attached, whatever the order in which they are read,
// and how many are left out is said.
func TestAnAttachmentHasTheLastRows(t *testing.T) {
	const left = 7
	var l latest
	for n := range 2*maxRows + left {
		at := int64(n*997) % (2*maxRows + left) // each once, in no order of their times
		l.add(at, []string{strconv.FormatInt(at, 10)})
	}
	rows, more := l.rows()
	if len(rows) != maxRows || more != maxRows+left {
		t.Fatalf("%d rows, and %d left out", len(rows), more)
	}
	for i, row := range rows {
		if want := strconv.Itoa(maxRows + left + i); row[0] != want {
			t.Fatalf("row %d is of %s, want %s", i, row[0], want)
		}
	}
	if rows, more := new(latest).rows(); rows == nil || len(rows) > 0 || more != 0 {
		t.Errorf("of nothing: %v, %d", rows, more)
	}
}

// Regulation 37: the office can't conclude what is computed otherwise, nor name fewer persons than the minors who are counted.
func TestArticle22_NothingFilledInContradictsWhatIsComputed(t *testing.T) {
	holds, broken := Answer{State: board.Attention}, Answer{State: board.Broken}
	for name, c := range map[string]struct {
		doc  Document
		want error
	}{
		"it holds":                        {Document{Form: Form{Conclusion: Conforms}, Answers: []Answer{holds}, Gaps: []Gap{{Code: GapAudit}}}, nil},
		"an article is broken":            {Document{Form: Form{Conclusion: Conforms}, Answers: []Answer{holds, broken}}, ErrConclusion},
		"the ledger gives something else": {Document{Form: Form{Conclusion: Conforms}, Answers: []Answer{holds}, Gaps: []Gap{{Code: GapTampered}}}, ErrConclusion},
		"it says so":                      {Document{Form: Form{Conclusion: Partly}, Answers: []Answer{broken}, Gaps: []Gap{{Code: GapTampered}}}, nil},
		"no total":                        {Document{Counts: Counts{Under18: 20_000}}, nil},
		"as many":                         {Document{Form: Form{Total: "2"}, Counts: Counts{Under18: 20_000}}, nil},
		"rounded down":                    {Document{Form: Form{Total: "1"}, Counts: Counts{Under18: 19_999}}, nil},
		"fewer":                           {Document{Form: Form{Total: "1"}, Counts: Counts{Under18: 20_000}}, ErrFew},
		"rounded to a hundred":            {Document{Form: Form{Total: "1.99"}, Counts: Counts{Under18: 19_999}}, nil},
		"fewer by a hundred":              {Document{Form: Form{Total: "1.99"}, Counts: Counts{Under18: 20_000}}, ErrFew},
		"to the person":                   {Document{Form: Form{Total: "0.0003"}, Counts: Counts{Under18: 4}}, ErrFew},
	} {
		if err := c.doc.contradicted(); !errors.Is(err, c.want) || c.want == nil && err != nil {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

// Regulation 37: a gap, and a number in a table, stand for themselves: whose words say "of them" say of what.
func TestEachNumberSaysOfWhatItIs(t *testing.T) {
	const figures = "console.board.figure."
	for lang, begins := range map[i18n.Lang]string{i18n.Chinese: "其中", i18n.English: "Of the"} {
		var parts []string
		for key, words := range i18n.Keys(lang) {
			name, is := strings.CutPrefix(key, figures)
			if !is || !strings.HasPrefix(words, begins) {
				continue
			}
			parts = append(parts, name)
			whole := lang.T(figures + partOf[name])
			if said := (Figure{Name: name}).In(lang); !strings.HasPrefix(said, whole) || !strings.HasSuffix(said, words) {
				t.Errorf("%s: %q", name, said)
			}
			if said := (Gap{Article: 3, Code: GapFigure, About: name, N: 2}).In(lang); !strings.Contains(said, whole) || !strings.Contains(said, lang.T("console.board.article.3")) {
				t.Errorf("the gap of %s: %q", name, said)
			}
		}
		for name := range partOf {
			if !slices.Contains(parts, name) {
				t.Errorf("%s: the words of %s are of no part", lang, name)
			}
		}
	}
}
