package console

import (
	"context"
	"slices"
	"strconv"
	"time"

	"wardkeep/internal/approval"
	"wardkeep/internal/authority"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/family/age"
	"wardkeep/internal/incident"
	"wardkeep/internal/staff"
)

// authorityPage is what authority.html shows: what the authority was told of a case, what has
// changed since, and the form by which it is told more (Article 21).
type authorityPage struct {
	incident.Case
	Path    string
	Runs    []incidentClock // those that the authority waits for
	Rows    []reportRow
	Changed []string         // what is otherwise than the authority was told
	Facts   []authority.Part // that a report drafted now is made of
	Told    bool             // it was told once
	Sole    bool             // that it isn't told can be decided
	Fields  []authority.Field
	Kind    string // of the form that was sent
	Reason  string
	Drafts  bool // whoever looks may draft one
	Fresh   bool
	Problem string
	Field   string
}

// A reportRow is a report of the list: nothing of what it says.
type reportRow struct {
	authority.Report
	To, Drafter, Doer string
}

// Stands is where a report stands, in a word.
func (r reportRow) Stands() string {
	switch {
	case !r.Done():
		return "draft"
	case r.Kind == authority.None:
		return "decided"
	case r.Receipts > 0:
		return "answered"
	}
	return "sent"
}

func authorityPath(service, incident string) string {
	return incidentPath(service, incident) + "/authority"
}

func (v *visit) reportRow(ctx context.Context, names naming, r authority.Report) (row reportRow, err error) {
	row = reportRow{Report: r, To: authorityPath(r.Service, r.Incident) + "/" + strconv.FormatInt(r.Number, 10)}
	if row.Drafter, err = names.ofStaff(ctx, r.DraftedBy); err == nil {
		row.Doer, err = names.ofStaff(ctx, r.DoneBy)
	}
	return row, err
}

func (s *Server) tellings(v *visit) error { return v.authorityPage(nil) }

func (v *visit) authorityPage(problem error) error {
	words, status, fault := v.problem(problem)
	if fault != nil {
		return fault
	}
	page := authorityPage{Problem: words, Fresh: v.in.IsFresh(v.now) == nil}
	var typed authority.Words
	if problem != nil {
		page.Field, page.Kind, typed = errs.Of(problem).Field, v.value("kind"), authority.WordsOf(v.r.PostFormValue)
	}
	err := v.view(func(ctx context.Context, tx *db.Tx) error {
		c, service, err := v.mishapOf(ctx, tx)
		if err != nil {
			return err
		}
		page.Case, page.Path, page.Rows, page.Runs, page.Changed = c, authorityPath(c.Service, c.ID), nil, nil, nil
		page.Drafts = approval.May(v.in.Person, staff.WriteIncidents, service)
		for _, k := range c.Clocks() {
			if k.What == "report" || k.What == "wrap" {
				page.Runs = append(page.Runs, incidentClock{k, k.Late(tx.Now())})
			}
		}
		all, err := authority.Of(ctx, tx, c.ID)
		if err != nil {
			return err
		}
		names := v.names(tx, c.Service)
		for _, r := range all {
			row, err := v.reportRow(ctx, names, r)
			if err != nil {
				return err
			}
			page.Rows = append(page.Rows, row)
		}
		facts, err := authority.FactsOf(ctx, tx, v.s.Vault.Gate.Charters, c)
		if err != nil {
			return err
		}
		page.Facts = authority.Sheet{Facts: facts}.Known(v.lang)
		last, told := authority.LastSent(all)
		page.Told, page.Sole = told, !told && c.Open() && c.Grade == incident.Minor
		if told {
			// What was changed by hand is found by the audit, and shown with the report itself.
			if sheet, err := last.Sheet(v.s.Ring); err == nil {
				page.Changed = sheet.Facts.Changed(facts)
			}
		}
		if problem == nil && page.Drafts {
			typed = lastWords(v, all)
		}
		return nil
	})
	if err != nil {
		return err
	}
	kind := authority.First
	if page.Told {
		kind = authority.Wrap
	}
	page.Fields, page.Reason = typed.Fields(kind), typed.Reason
	return v.show(status, "authority", page)
}

// lastWords are what was written in the last report: whoever drafts the next goes on from them.
func lastWords(v *visit, all []authority.Report) authority.Words {
	for _, r := range slices.Backward(all) {
		if sheet, err := r.Sheet(v.s.Ring); err == nil && r.Kind != authority.None {
			return sheet.Words
		}
	}
	return authority.Words{}
}

// telling does something about the report of the address, as the person whom the matrix lets; who
// it is was shown within minutes.
func (v *visit) telling(fn func(ctx context.Context, tx *db.Tx, by staff.Acting, service, about string, n int64) error) error {
	n, err := strconv.ParseInt(v.r.PathValue("note"), 10, 32)
	if err != nil {
		return authority.ErrNotFound
	}
	return v.acting(func(ctx context.Context, tx *db.Tx, by staff.Acting, service, about, _ string) error {
		return fn(ctx, tx, by, service, about, n)
	})
}

// draftReport makes a report of what is on record, or writes down why the authority isn't told.
func (s *Server) draftReport(v *visit) error {
	var one authority.Report
	err := v.acting(func(ctx context.Context, tx *db.Tx, by staff.Acting, service, about, _ string) (err error) {
		one, _, err = authority.Draft(ctx, tx, s.Ring, s.Vault.Gate.Charters, by, service, about, authority.Kind(v.value("kind")), authority.WordsOf(v.r.PostFormValue))
		return err
	})
	switch {
	case err == nil:
		return v.to(authorityPath(one.Service, one.Incident) + "/" + strconv.FormatInt(one.Number, 10))
	case errs.Of(err).Is(staff.ErrMayNot):
		return err
	}
	return v.authorityPage(err)
}

// tellingPage is what report.html shows: one version of a report, as it is sent.
type tellingPage struct {
	reportRow
	Case     incident.Case
	Back     string
	Says     []reportIn // in Chinese first, which is what the authority reads
	Reason   string     // of one that says why there is none
	Broken   bool       // it was changed by hand
	Answers  []reportAnswer
	Last     bool // it is the last version, and can be sent
	Channels []authority.Channel
	Typed    map[string]string
	Confirms bool
	Writes   bool // whoever looks may send it
	Fresh    bool
	Problem  string
	Field    string
}

// A reportIn is what a report says in one language.
type reportIn struct {
	Lang             i18n.Lang
	To, Title, Drill string // Drill: that it is practised, or empty
	Parts            []authority.Part
}

func reportedIn(lang i18n.Lang, r authority.Report, s authority.Sheet) reportIn {
	in := reportIn{Lang: lang, To: lang.T("console.authority.heading") + lang.T("web.colon") + s.Words.To, Title: lang.T("console.authority.kind." + string(r.Kind)), Parts: s.Parts(lang)}
	if s.Facts.Drill {
		in.Drill = lang.T("console.authority.drill")
	}
	return in
}

// Paper reports whether it is what is printed.
func (r reportIn) Paper() bool { return r.Lang == i18n.Chinese }

// A reportAnswer is what the authority has answered.
type reportAnswer struct {
	authority.Receipt
	Ref, Who, To string
	Broken       bool
}

func (s *Server) tellingOne(v *visit) error { return v.tellingPage(nil) }

func (v *visit) tellingPage(problem error) error {
	words, status, fault := v.problem(problem)
	if fault != nil {
		return fault
	}
	page := tellingPage{Problem: words, Fresh: v.in.IsFresh(v.now) == nil, Channels: authority.Channels, Typed: make(map[string]string)}
	if problem != nil {
		page.Field = errs.Of(problem).Field
		for _, field := range []string{"channel", "sent", "ref"} {
			page.Typed[field] = v.value(field)
		}
	}
	err := v.view(func(ctx context.Context, tx *db.Tx) error {
		c, service, err := v.mishapOf(ctx, tx)
		if err != nil {
			return err
		}
		n, err := strconv.ParseInt(v.r.PathValue("note"), 10, 32)
		if err != nil {
			return authority.ErrNotFound
		}
		r, err := authority.Find(ctx, tx, c.Service, c.ID, n)
		if err != nil {
			return err
		}
		names := v.names(tx, c.Service)
		if page.reportRow, err = v.reportRow(ctx, names, r); err != nil {
			return err
		}
		all, err := authority.Of(ctx, tx, c.ID)
		if err != nil {
			return err
		}
		page.Case, page.Back, page.Last = c, authorityPath(c.Service, c.ID), r.Number == int64(len(all))
		page.Writes = approval.May(v.in.Person, staff.WriteIncidents, service)
		page.Confirms = r.Kind == authority.None && r.DraftedBy != v.in.Person.ID && approval.May(v.in.Person, staff.JudgeIncidents, service)
		if err := page.says(v, r); err != nil {
			return err
		}
		return page.answers(ctx, tx, v, names, r)
	})
	if err != nil {
		return err
	}
	return v.show(status, "report", page)
}

func (p *tellingPage) says(v *visit, r authority.Report) error {
	p.Says = nil
	sheet, err := r.Sheet(v.s.Ring)
	if p.Broken = errs.Of(err).Is(authority.ErrSealed); err != nil {
		if p.Broken {
			err = nil
		}
		return err
	}
	if p.Reason = sheet.Words.Reason; r.Kind == authority.None {
		return nil
	}
	p.Says = []reportIn{reportedIn(i18n.Chinese, r, sheet)}
	if v.lang != i18n.Chinese {
		p.Says = append(p.Says, reportedIn(v.lang, r, sheet))
	}
	return nil
}

func (p *tellingPage) answers(ctx context.Context, tx *db.Tx, v *visit, names naming, r authority.Report) error {
	p.Answers = nil
	all, err := authority.ReceiptsOf(ctx, tx, r)
	for _, one := range all {
		a := reportAnswer{Receipt: one, To: p.To + "/receipts/" + strconv.FormatInt(one.Number, 10)}
		if a.Who, err = names.ofStaff(ctx, one.By); err != nil {
			return err
		}
		a.Ref, err = one.Ref(v.s.Ring)
		if a.Broken = errs.Of(err).Is(authority.ErrSealed); err != nil && !a.Broken {
			return err
		}
		p.Answers, err = append(p.Answers, a), nil
	}
	return err
}

// changedReport does something about the report of the address, and shows what became of it.
func (v *visit) changedReport(fn func(ctx context.Context, tx *db.Tx, by staff.Acting, service, about string, n int64) error) error {
	switch err := v.telling(fn); {
	case err == nil:
		return v.to("/console/incidents/{service}/{incident}/authority/{note}")
	case errs.Of(err).Is(staff.ErrMayNot):
		return err
	default:
		return v.tellingPage(err)
	}
}

// sendReport says that a report was sent, by which way and when.
func (s *Server) sendReport(v *visit) error {
	return v.changedReport(func(ctx context.Context, tx *db.Tx, by staff.Acting, service, about string, n int64) error {
		at := tx.Now()
		if text := v.value("sent"); text != "" {
			var err error
			if at, err = time.ParseInLocation("2006-01-02T15:04", text, age.Zone); err != nil {
				return authority.ErrTime.At("sent")
			}
		}
		_, _, err := authority.Send(ctx, tx, s.Ring, by, service, about, n, authority.Channel(v.value("channel")), at)
		return err
	})
}

// confirmSilence decides, as another person in office, that the authority isn't told.
func (s *Server) confirmSilence(v *visit) error {
	return v.changedReport(func(ctx context.Context, tx *db.Tx, by staff.Acting, service, about string, n int64) error {
		_, _, err := authority.Confirm(ctx, tx, s.Ring, by, service, about, n)
		return err
	})
}

// answerReport keeps what the authority has answered.
func (s *Server) answerReport(v *visit) error {
	document, err := v.document()
	if err != nil {
		return v.tellingPage(err)
	}
	return v.changedReport(func(ctx context.Context, tx *db.Tx, by staff.Acting, service, about string, n int64) error {
		_, _, err := authority.Answer(ctx, tx, s.Ring, by, service, about, n, v.value("ref"), document)
		return err
	})
}

// reportReceipt sends a document of the authority's, to be kept by who may write about the case.
func (s *Server) reportReceipt(v *visit) error {
	var of authority.Receipt
	var document []byte
	err := v.view(func(ctx context.Context, tx *db.Tx) error {
		c, _, err := v.mishapOf(ctx, tx)
		if err != nil {
			return err
		}
		n, errNumber := strconv.ParseInt(v.r.PathValue("note"), 10, 32)
		receipt, errReceipt := strconv.ParseInt(v.r.PathValue("receipt"), 10, 32)
		if errNumber != nil || errReceipt != nil {
			return authority.ErrNotFound
		}
		r, err := authority.Find(ctx, tx, c.Service, c.ID, n)
		if err == nil {
			of, document, err = authority.Document(ctx, tx, s.Ring, r, receipt)
		}
		return err
	})
	if err == nil {
		err = v.takes(fileAnswer)
	}
	if err != nil {
		return err
	}
	v.seen.Shows = "record"
	return v.attach(of.Incident+"-"+strconv.FormatInt(of.Report, 10)+"-"+strconv.FormatInt(of.Number, 10), of.File, document)
}
