package console

import (
	"context"
	"net/http"
	"reflect"
	"strconv"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/dossier"
	"wardkeep/internal/staff"
	"wardkeep/internal/yearly"
)

// A packRow is a version of what is handed in with an audit, as it is listed.
type packRow struct {
	yearly.Pack
	Who string
	To  string
}

func packPath(service string, year, number int64) string {
	return auditPath(service, year) + "/packs/" + strconv.FormatInt(number, 10)
}

func (v *visit) packRow(ctx context.Context, tx *db.Tx, p yearly.Pack) (packRow, error) {
	who, err := v.names(tx, p.Service).of(ctx, p.By)
	return packRow{p, who, packPath(p.Service, p.Year, p.Number)}, err
}

func (v *visit) packs(ctx context.Context, tx *db.Tx, of auditRow) (rows []packRow, err error) {
	all, err := yearly.Packs(ctx, tx, of.Service, of.Year.Year)
	if err != nil {
		return nil, err
	}
	for _, p := range all {
		row, err := v.packRow(ctx, tx, p)
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// packFormPage is what pack_new.html shows: the form that the authority asks for.
type packFormPage struct {
	auditRow
	Path    string
	Fields  []formField
	Fresh   bool
	Problem string
}

// packAsking says how the form is asked for.
func (v *visit) packAsking() *asking {
	a := &asking{lang: v.lang, more: true}
	var auditors, conclusions []string
	for _, by := range dossier.Auditors {
		auditors = append(auditors, string(by))
	}
	for _, c := range dossier.Conclusions {
		conclusions = append(conclusions, string(c))
	}
	a.choose("auditor", auditors...)
	a.choose("conclusion", conclusions...)
	for _, name := range []string{"operator", "registration", "city", "officer", "reach", "contact", "total", "firm"} {
		a.kinds[name] = asText
	}
	a.kinds["audited"], a.kinds["report_hash"] = asDay, asFile
	return a
}

func (s *Server) showPackNew(v *visit) error {
	var f dossier.Form
	err := v.view(func(ctx context.Context, tx *db.Tx) error {
		y, service, err := v.audited(ctx, tx, staff.FileYearly)
		if err == nil && y.State(tx.Now()) == yearly.None {
			err = yearly.ErrNotOwed
		}
		if err == nil {
			f, err = dossier.Prefilled(ctx, tx, s.board(), service, y.Year, v.lang)
		}
		return err
	})
	if err != nil {
		return err
	}
	return v.packFormPage(f, nil)
}

func (v *visit) packFormPage(f dossier.Form, problem error) error {
	words, status, fault := v.problem(problem)
	if fault != nil {
		return fault
	}
	page := packFormPage{Problem: words, Fresh: v.in.IsFresh(v.now) == nil}
	err := v.view(func(ctx context.Context, tx *db.Tx) error {
		y, service, err := v.audited(ctx, tx, staff.FileYearly)
		page.auditRow = auditRowOf(y, tx.Now())
		page.To = auditPath(service.Name, y.Year)
		page.Path = page.To + "/new"
		return err
	})
	if err != nil {
		return err
	}
	asks := v.packAsking()
	if problem != nil {
		asks.bad = errs.Of(problem).Field
	}
	page.Fields = asks.fields(reflect.ValueOf(f), "")
	for i := range page.Fields {
		page.Fields[i].loosen() // what is left empty is named as a gap
	}
	if label := calls(page.Fields, asks.bad); label != "" {
		page.Problem = label + v.lang.T("web.colon") + words
	}
	return v.show(status, "pack_new", page)
}

// drawPack draws up a version of what is handed in with an audit.
func (s *Server) drawPack(v *visit) error {
	if err := v.multipart(); err != nil {
		return err
	}
	year, ok := v.year()
	if !ok {
		return ErrNoPage
	}
	var f dossier.Form
	if err := v.read(v.packAsking(), reflect.ValueOf(&f).Elem(), ""); err != nil {
		return err
	}
	var p yearly.Pack
	err := v.dealt(func(ctx context.Context, tx *db.Tx, by staff.Acting, service string) (err error) {
		p, _, err = dossier.Draw(ctx, tx, s.board(), by, service, year, f)
		return err
	})
	switch {
	case err == nil:
		return v.to(packPath(p.Service, p.Year, p.Number))
	case errs.Of(err).Kind == errs.Forbidden:
		return err
	}
	return v.packFormPage(f, err)
}

// packPage is what pack.html shows, and is printed.
type packPage struct {
	packRow
	Lines   []dossier.Line
	Gaps    []string
	Answers []packAnswer
	Numbers []packNumber // of the year
	Tables  []packNumber // and how many rows each has
	Back    string
	Broken  bool // it was changed by hand
}

// A packAnswer is an answer to an article, in words.
type packAnswer struct {
	dossier.Answer
	Title, Says, Why string
	Figures          []packNumber
}

// A packNumber is a number with what it is of.
type packNumber struct {
	What   string
	N      int64
	Speaks bool // it keeps an article from holding
}

// says fills in what a document says, in a language.
func (p *packPage) says(doc dossier.Document, lang i18n.Lang) {
	p.Lines, p.Gaps, p.Answers, p.Numbers, p.Tables = doc.Lines(lang), nil, nil, nil, nil
	for _, g := range doc.Gaps {
		p.Gaps = append(p.Gaps, g.In(lang))
	}
	for _, a := range doc.Answers {
		answer := packAnswer{Answer: a, Title: a.Title(lang), Says: a.Says(lang), Why: a.Why(lang)}
		for _, f := range a.Figures {
			answer.Figures = append(answer.Figures, packNumber{f.In(lang), f.N, f.Speaks})
		}
		p.Answers = append(p.Answers, answer)
	}
	for _, n := range doc.Numbers {
		p.Numbers = append(p.Numbers, packNumber{What: n.In(lang), N: n.N})
	}
	for _, t := range doc.Tables {
		p.Tables = append(p.Tables, packNumber{What: t.In(lang), N: int64(len(t.Rows))})
	}
}

// packHere returns the version of the address, of a service in which the person may see it.
func (v *visit) packHere(ctx context.Context, tx *db.Tx) (yearly.Pack, dossier.Document, []byte, error) {
	y, service, err := v.audited(ctx, tx, staff.SeeYearly)
	if err != nil {
		return yearly.Pack{}, dossier.Document{}, nil, err
	}
	number, err := strconv.ParseInt(v.r.PathValue("note"), 10, 32)
	if err != nil {
		return yearly.Pack{}, dossier.Document{}, nil, yearly.ErrNoPack
	}
	return dossier.Read(ctx, tx, v.s.board(), service.Name, y.Year, number)
}

// pack shows a version: the form, the answers, what is attached and the gaps.
func (s *Server) pack(v *visit) error {
	var page packPage
	err := v.view(func(ctx context.Context, tx *db.Tx) error {
		p, doc, _, err := v.packHere(ctx, tx)
		if page.Broken = errs.Of(err).Is(yearly.ErrSealed); err != nil && !page.Broken {
			return err
		}
		page.says(doc, v.lang)
		page.Back = auditPath(p.Service, p.Year)
		page.packRow, err = v.packRow(ctx, tx, p)
		return err
	})
	if err != nil {
		return err
	}
	return v.show(http.StatusOK, "pack", page)
}

// packFile sends a version as one zip, to be kept by who may see it: that it is taken is
// recorded before the first byte.
func (s *Server) packFile(v *visit) error {
	var p yearly.Pack
	var doc dossier.Document
	var text []byte
	err := v.view(func(ctx context.Context, tx *db.Tx) (err error) {
		p, doc, text, err = v.packHere(ctx, tx)
		return err
	})
	if err == nil {
		err = v.takes(filePack)
	}
	if err != nil {
		return err
	}
	file, err := dossier.Archive(doc, text, p.Hash, v.lang)
	if err != nil {
		return err
	}
	v.seen.Shows = "record"
	return v.attach(p.Service+"-"+strconv.FormatInt(p.Year, 10)+"-pack-"+strconv.FormatInt(p.Number, 10), "application/zip", file)
}
