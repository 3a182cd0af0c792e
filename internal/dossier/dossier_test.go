package dossier_test

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/board"
	"wardkeep/internal/catalog"
	"wardkeep/internal/dossier"
	"wardkeep/internal/family/age"
	"wardkeep/internal/rectification"
	"wardkeep/internal/staff"
	"wardkeep/internal/vault/vaulttest"
	"wardkeep/internal/yearly"
)

// code is a unified social credit code that nobody has.
const code = "91110108MA01ABCD0"

func registration(t *testing.T) string {
	for _, last := range "0123456789ABCDEFGHJKLMNPQRTUWXY" {
		if s := code + string(last); dossier.IsRegistration(s) {
			return s
		}
	}
	t.Fatal("no check fits")
	return ""
}

// Regulation 37: the code of who files is one (GB 32100-2015), whatever character of it is changed.
func TestACreditCodeIsCheckedByItsLastCharacter(t *testing.T) {
	if !dossier.IsRegistration("91350100M000100Y43") { // the example of the standard
		t.Error("the example of the standard is refused")
	}
	whole := registration(t)
	for i := range whole {
		for _, other := range "0A7" {
			if s := whole[:i] + string(other) + whole[i+1:]; s != whole && dossier.IsRegistration(s) {
				t.Errorf("%s is taken for one", s)
			}
		}
	}
	for _, s := range []string{"", whole[:17], whole + "0", strings.ToLower(whole), "91110108MA01ABCDI" + whole[17:], "儿童儿童儿童"} {
		if dossier.IsRegistration(s) {
			t.Errorf("%q is taken for one", s)
		}
	}
}

// Article 22, and regulation 37: a pack answers each article with what the board computes at that moment, counts ages
// by itself, names its own gaps, attaches what an evidence bundle states, and is kept version by version under a
// hash that is in the ledger. Nothing that the office fills in contradicts what is computed.
func TestArticle22_APackAnswersWithWhatIsStored(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		w.PassTo("03-01")
		held, _ := w.Launch()
		officer := w.Inside(held)
		acts := staff.Acting{Person: officer, Action: staff.FileYearly}
		year := w.PassTo("11-03")
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			day := w.Ring.Index("family.turns_14", tx.Now().In(age.Zone).AddDate(-2, 0, 0).Format(time.DateOnly))
			for i, turns := range [][]byte{nil, nil, day} {
				if _, err := tx.Exec(ctx, `
					INSERT INTO child (child, service, subject, version, state, frozen, disputed, birth_from, birth_version, created_at, endings, aged, turns_14)
					VALUES ($1, $2, $1, 1, 'active', $3, $3, '', 0, 1, '', 0, $4)`, fmt.Sprint("ch_", i), vaulttest.LiveService, false, turns); err != nil {
					return err
				}
			}
			_, _, err := rectification.Record(ctx, tx, w.Ring, staff.Acting{Person: officer, Action: staff.ManageRectifications},
				rectification.Matter{What: rectification.Summons, Service: vaulttest.LiveService, Owner: officer.ID, Dated: tx.Now().In(age.Zone).Format(time.DateOnly)},
				tx.Now().In(age.Zone).AddDate(0, 0, 9).Format(time.DateOnly),
				rectification.Text{Authority: pii.New("某市网信办"), Document: pii.New("7号"), Provision: pii.New("第二十五条"), Words: pii.New("收集位置")})
			return err
		})
		desk := board.Desk{Ring: w.Ring, Charters: w.Desk.Charters, Patience: 10 * time.Minute}
		draw := func(f dossier.Form) (p yearly.Pack, err error) {
			err = w.Try(func(ctx context.Context, tx *db.Tx) (err error) {
				p, _, err = dossier.Draw(ctx, tx, desk, acts, vaulttest.LiveService, year, f)
				return err
			})
			return p, err
		}
		var service catalog.Service
		prefilled := func(lang i18n.Lang) (f dossier.Form) {
			w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
				if service, err = catalog.Find(ctx, tx, vaulttest.LiveService); err == nil {
					f, err = dossier.Prefilled(ctx, tx, desk, service, year, lang)
				}
				return err
			})
			return f
		}
		f := prefilled(i18n.Chinese)
		if f.Operator == "" || f.City == "" || !strings.HasPrefix(f.Officer, "林静") || f.Reach != "lin@xiaoxi-english.example" || f.Products == "" || f.Auditor != "" ||
			!strings.Contains(f.Findings, i18n.Chinese.T("console.board.figure.plan_none")+"：1") || !strings.HasSuffix(f.Remedies, "未完成 1 项。") {
			t.Errorf("what is known beforehand: %+v", f)
		}
		for name, c := range map[string]struct {
			change func(*dossier.Form)
			want   error
			field  string
		}{
			"a name in two lines":       {func(f *dossier.Form) { f.Operator = "一\n二" }, dossier.ErrForm, "operator"},
			"what can't be printed":     {func(f *dossier.Form) { f.Notes = "一\x00" }, dossier.ErrForm, "notes"},
			"what is too long":          {func(f *dossier.Form) { f.Findings = strings.Repeat("长", 4001) }, dossier.ErrForm, "findings"},
			"another code":              {func(f *dossier.Form) { f.Registration = code + "?" }, dossier.ErrRegistration, "registration"},
			"no number":                 {func(f *dossier.Form) { f.Total = "12万" }, dossier.ErrTotal, "total"},
			"an endless number":         {func(f *dossier.Form) { f.Total = "0.12345" }, dossier.ErrTotal, "total"},
			"audited by somebody":       {func(f *dossier.Form) { f.Auditor = "friend" }, dossier.ErrAuditor, "auditor"},
			"an institution of our own": {func(f *dossier.Form) { f.Auditor, f.Firm = dossier.Itself, "某所" }, dossier.ErrAuditor, "firm"},
			"audited tomorrow":          {func(f *dossier.Form) { f.Audited = fmt.Sprintf("%d-11-04", year) }, dossier.ErrDay, "audited"},
			"audited the year before":   {func(f *dossier.Form) { f.Audited = fmt.Sprintf("%d-12-31", year-1) }, dossier.ErrDay, "audited"},
			"a report without hash":     {func(f *dossier.Form) { f.Report = "report.pdf" }, dossier.ErrReport, "report_hash"},
			"another conclusion":        {func(f *dossier.Form) { f.Conclusion = "fine" }, dossier.ErrForm, "conclusion"},
			"what the board denies":     {func(f *dossier.Form) { f.Conclusion = dossier.Conforms }, dossier.ErrConclusion, "conclusion"}, // there is no emergency plan
		} {
			g := f
			c.change(&g)
			if _, err := draw(g); !errors.Is(err, c.want) || errs.Of(err).Field != c.field {
				t.Errorf("%s: %v, want %v of %s", name, err, c.want, c.field)
			}
		}
		if p, err := draw(f); err != nil || p.Number != 1 {
			t.Fatalf("as it was filled in beforehand: %+v, %v", p, err)
		}
		f.Registration, f.Total, f.Auditor, f.Firm, f.Audited, f.Conclusion, f.Contact, f.Notes = registration(t), "12.5", dossier.Institution, "某所", fmt.Sprintf("%d-11-02", year), dossier.Partly, "王芳 010-12345678", "=1+1"
		if g := prefilled(i18n.English); g.Findings == "" || g.Operator != f.Operator {
			t.Errorf("the last version isn't gone on from: %+v", g)
		}
		p, err := draw(f)
		if err != nil || p.Number != 2 || p.Children != 2 || p.Minors != 1 {
			t.Fatalf("drawn up: %+v, %v", p, err)
		}
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, doc, text, err := dossier.Read(ctx, tx, desk, vaulttest.LiveService, year, 2)
			if err != nil {
				return err
			}
			sum := sha256.Sum256(text)
			if hex.EncodeToString(sum[:]) != p.Hash || doc.Form != f || doc.Counts != (dossier.Counts{Under14: 2, From14To17: 1, Under18: 3}) || len(doc.Salt) < 20 {
				t.Errorf("the document: %+v", doc)
			}
			of, err := desk.Of(ctx, tx, []catalog.Service{service})
			if err != nil {
				return err
			}
			for i, a := range of { // no answer but that of the board
				said := doc.Answers[i]
				if said.Article != a.Number || said.State != a.State || len(said.Figures) != len(a.Figures) {
					t.Errorf("article %d: %+v, the board has %+v", a.Number, said, a)
					continue
				}
				for j, figure := range a.Figures {
					if said.Figures[j] != (dossier.Figure{Name: figure.Name, N: figure.N, Speaks: figure.Speaks()}) {
						t.Errorf("article %d: %+v, the board has %+v", a.Number, said.Figures[j], figure)
					}
					if figure.Speaks() && !slices.Contains(doc.Gaps, dossier.Gap{Article: a.Number, Code: dossier.GapFigure, About: figure.Name, N: figure.N}) {
						t.Errorf("%s of article %d isn't named as a gap", figure.Name, a.Number)
					}
				}
			}
			for _, want := range []dossier.Gap{{Article: 8, Code: dossier.GapTraining}, {Article: 22, Code: dossier.GapAudit}, {Article: 1, Code: dossier.GapOutside}} {
				if !slices.Contains(doc.Gaps, want) {
					t.Errorf("%+v isn't named", want)
				}
			}
			if slices.ContainsFunc(doc.Gaps, func(g dossier.Gap) bool { return g.Code == dossier.GapBlank }) || int64(len(doc.Gaps)) != p.Gaps {
				t.Errorf("%d gaps, %+v", p.Gaps, doc.Gaps)
			}
			rows := make(map[string]int)
			for _, table := range doc.Tables {
				rows[table.Name] = len(table.Rows)
				if slices.Contains(table.Columns, "service") || slices.Contains(table.Columns, "subject") {
					t.Errorf("%s has %q", table.Name, table.Columns)
				}
			}
			if rows["charters"] != 1 || rows["documents"] < 6 || rows["offices"] != 2 || rows["rectifications"] != 1 || rows["incidents"] != 0 {
				t.Errorf("attached: %v", rows)
			}
			archived(t, doc, text, p.Hash)
			return nil
		})
		if err := w.Try(func(ctx context.Context, tx *db.Tx) error {
			_, err := tx.Exec(ctx, `UPDATE yearly_pack SET hash = $1 WHERE number = 2`, strings.Repeat("0", 64))
			if err == nil {
				_, _, _, err = dossier.Read(ctx, tx, desk, vaulttest.LiveService, year, 2)
			}
			return err
		}); !errors.Is(err, yearly.ErrSealed) {
			t.Errorf("a document that isn't the one: %v", err)
		}
	})
}

// archived wants a zip with all of it, the document byte by byte, and no cell that is a formula.
func archived(t *testing.T, doc dossier.Document, text []byte, hash string) {
	t.Helper()
	for _, lang := range i18n.Langs {
		b, err := dossier.Archive(doc, text, hash, lang)
		again, _ := dossier.Archive(doc, text, hash, lang)
		if err != nil || !bytes.Equal(b, again) {
			t.Fatalf("it isn't the same each time: %v", err)
		}
		z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			t.Fatal(err)
		}
		files := make(map[string]string)
		for _, f := range z.File {
			r, err := f.Open()
			if err != nil {
				t.Fatal(err)
			}
			content, err := io.ReadAll(r)
			if err != nil {
				t.Fatal(err)
			}
			files[f.Name] = string(content)
		}
		var read dossier.Document
		if files["pack.json"] != string(text) || json.Unmarshal([]byte(files["pack.json"]), &read) != nil || !strings.Contains(files["README.txt"], hash) {
			t.Error("the document isn't in it as it is")
		}
		if form := files["form.csv"]; !strings.Contains(form, ",12.5\r\n") || !strings.Contains(form, "0 ") || !strings.Contains(form, ",'=1+1\r\n") ||
			!strings.Contains(form, lang.T("dossier.count.under_14")) {
			t.Errorf("the form: %s", form)
		}
		for _, a := range doc.Answers { // how a state came about stands beside it, and of when the numbers are
			if !strings.Contains(strings.ReplaceAll(files["answers.csv"], `""`, `"`), a.Why(lang)) {
				t.Errorf("article %d is %s, and nothing says why", a.Article, a.State)
			}
		}
		if !strings.Contains(files["README.txt"], map[i18n.Lang]string{i18n.Chinese: "30 天", i18n.English: "30 days"}[lang]) {
			t.Error("nothing says that what has happened is of the last 30 days")
		}
		if n := strings.Count(files["answers.csv"], "\r\n"); n < 29 || strings.Count(files["gaps.csv"], "\r\n") != len(doc.Gaps)+1 {
			t.Errorf("%d answers, %s", n, files["gaps.csv"])
		}
		for _, name := range dossier.TableNames {
			if _, there := files["attachments/"+name+".csv"]; !there {
				t.Errorf("%s isn't attached", name)
			}
			if !lang.Has("dossier.table." + name) {
				t.Errorf("%s has no words", name)
			}
		}
		for _, n := range doc.Numbers {
			if !lang.Has("dossier.number." + n.What) {
				t.Errorf("%s has no words", n.What)
			}
		}
	}
}
