package dossier

import (
	"archive/zip"
	"bytes"
	"encoding/csv"
	"reflect"
	"strconv"
	"strings"

	"wardkeep/internal/base/i18n"
)

// A Line is a field of the form, in words.
type Line struct{ Name, Label, Text string }

// Label is what a field of the form is called.
func Label(lang i18n.Lang, name string) string {
	for f := range reflect.TypeFor[Form]().Fields() {
		if of, _, _ := strings.Cut(f.Tag.Get("json"), ","); of == name {
			zh, en, _ := strings.Cut(f.Tag.Get("doc"), "|")
			if lang == i18n.English {
				return en
			}
			return zh
		}
	}
	return name
}

// Lines are what the form says, in its order, with the numbers that are counted in their places.
func (doc Document) Lines(lang i18n.Lang) (all []Line) {
	v := reflect.ValueOf(doc.Form)
	for f, value := range v.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		text := value.String()
		if text != "" && (name == "auditor" || name == "conclusion") {
			text = lang.T("console.form." + name + "." + text)
		}
		all = append(all, Line{name, Label(lang, name), text})
		if name != "total" {
			continue
		}
		for _, c := range []struct {
			name string
			n    int64
		}{{"under_18", doc.Counts.Under18}, {"under_14", doc.Counts.Under14}} {
			all = append(all, Line{c.name, lang.T("dossier.count." + c.name), lang.T("dossier.count", "TenThousands", TenThousands(c.n), "N", c.n)})
		}
	}
	return all
}

// Says is the state of an answer in words.
func (a Answer) Says(lang i18n.Lang) string { return lang.T("console.board.state." + string(a.State)) }

// Title is what an article is about.
func (a Answer) Title(lang i18n.Lang) string { return title(lang, a.Article) }

func title(lang i18n.Lang, article int) string {
	return lang.T("console.board.article." + strconv.Itoa(article))
}

// Why is of what the state of an answer is made: it says no more than that.
func (a Answer) Why(lang i18n.Lang) string {
	return lang.T("console.board.why." + strconv.Itoa(a.Article))
}

// In is what a number is of, in words.
func (f Figure) In(lang i18n.Lang) string { return figure(lang, f.Name) }

// partOf has of what the figures are a part whose words begin with "of them". On the board the
// one stands above the other; here each stands for itself.
var partOf = map[string]string{
	"suspicions_late": "suspicions", "takedowns_late": "takedowns", "uses_activity": "uses_looked", "uses_items": "uses_looked", "uses_purpose": "uses_looked",
	"storage_unfiled": "stored_abroad", "access_unfiled": "read_abroad", "looks_waiting": "looks_asked", "orders_overdue": "orders_open", "helps_late": "helps_open",
	"transferred_bare": "transferred", "incidents_late": "incidents_open", "entries_uncounted": "entries", "ends_late": "ends", "reports_late": "reports_open",
	"rectified_in_time": "rectified", "sanctions_late": "sanctions_open", "credits_late": "credits_open",
}

// figure is what a number of the board is of, for who doesn't see the numbers around it.
func figure(lang i18n.Lang, name string) string {
	words := lang.T("console.board.figure." + name)
	if of := partOf[name]; of != "" {
		words = lang.T("dossier.part", "Of", lang.T("console.board.figure."+of), "Part", words)
	}
	return words
}

// In is what was counted, in words.
func (n Number) In(lang i18n.Lang) string { return lang.T("dossier.number." + n.What) }

// In is what a table is of, in words.
func (t Table) In(lang i18n.Lang) string { return lang.T("dossier.table." + t.Name) }

// Archive returns a pack as one zip: the document, whose hash the ledger has, and beside it what it says as
// tables in a language, that a spreadsheet opens. Of one document it is the same each time.
func Archive(doc Document, text []byte, hash string, lang i18n.Lang) ([]byte, error) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	put := func(name string, content []byte) error {
		w, err := z.Create(name)
		if err == nil {
			_, err = w.Write(content)
		}
		return err
	}
	err := put("README.txt", []byte(lang.T("dossier.readme", "Service", doc.Service, "Year", doc.Year, "Number", doc.Number, "Drawn", doc.Drawn, "Hash", hash)+"\n"))
	if err == nil {
		err = put("pack.json", text)
	}
	for _, t := range doc.sheets(lang) {
		if err == nil {
			var s []byte
			if s, err = sheet(t); err == nil {
				err = put(t.Name, s)
			}
		}
	}
	if err == nil {
		err = z.Close()
	}
	return b.Bytes(), err
}

// sheets are the tables of an archive, by the names of their files.
func (doc Document) sheets(lang i18n.Lang) []Table {
	n := func(n int64) string { return strconv.FormatInt(n, 10) }
	head := func(names ...string) (all []string) {
		for _, name := range names {
			all = append(all, lang.T("dossier.column."+name))
		}
		return all
	}
	form := Table{Name: "form.csv", Columns: head("field", "says")}
	for _, l := range doc.Lines(lang) {
		form.Rows = append(form.Rows, []string{l.Label, l.Text})
	}
	answers := Table{Name: "answers.csv", Columns: head("article", "about", "state", "figure", "n", "why")}
	for _, a := range doc.Answers {
		says := []string{strconv.Itoa(a.Article), a.Title(lang), a.Says(lang)}
		if len(a.Figures) == 0 {
			answers.Rows = append(answers.Rows, append(says, "", "", a.Why(lang)))
		}
		for _, f := range a.Figures {
			answers.Rows = append(answers.Rows, append(says[:3:3], f.In(lang), n(f.N), a.Why(lang)))
		}
	}
	numbers := Table{Name: "year.csv", Columns: head("figure", "n")}
	for _, one := range doc.Numbers {
		numbers.Rows = append(numbers.Rows, []string{one.In(lang), n(one.N)})
	}
	gaps := Table{Name: "gaps.csv", Columns: head("gap")}
	for _, g := range doc.Gaps {
		gaps.Rows = append(gaps.Rows, []string{g.In(lang)})
	}
	all := []Table{form, answers, numbers, gaps}
	for _, t := range doc.Tables {
		t.Name = "attachments/" + t.Name + ".csv" // its columns are called as in an evidence bundle
		all = append(all, t)
	}
	return all
}

// sheet writes a table for spreadsheets (RFC 4180): none takes what somebody wrote for a formula.
func sheet(t Table) ([]byte, error) {
	b := bytes.NewBufferString("\ufeff")
	w := csv.NewWriter(b)
	w.UseCRLF = true
	err := w.Write(t.Columns)
	for _, row := range t.Rows {
		cells := make([]string, len(row))
		for i, c := range row {
			if c != "" && strings.ContainsAny(c[:1], "=+-@\t\r\n") || strings.HasPrefix(c, "＝") || strings.HasPrefix(c, "＋") || strings.HasPrefix(c, "－") || strings.HasPrefix(c, "＠") {
				c = "'" + c
			}
			cells[i] = c
		}
		if err == nil {
			err = w.Write(cells)
		}
	}
	w.Flush()
	if err == nil {
		err = w.Error()
	}
	return b.Bytes(), err
}
