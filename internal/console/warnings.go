package console

import (
	"context"
	"slices"
	"strconv"

	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
	"wardkeep/internal/family"
	"wardkeep/internal/incident"
	"wardkeep/internal/notify"
	"wardkeep/internal/signin"
	"wardkeep/internal/staff"
	"wardkeep/internal/warning"
)

// noticesPage is what notices.html shows: what is told of a case, and the form by which more is
// drafted (Article 21).
type noticesPage struct {
	incident.Case
	Path    string
	Rows    []noticeRow
	Drafts  bool // whoever looks may draft one
	Fresh   bool
	Anew    string // the notice that the form drafts anew; empty: a new one
	Langs   []noticeWords
	Reason  string
	Problem string
	Field   string
}

// A noticeWords is what the form has in one language.
type noticeWords struct {
	Lang  string // as fields name it: "zh", "en"
	Parts []warning.Part
}

// A noticeRow is a notice of the list.
type noticeRow struct {
	warning.Notice
	To, Drafter, Confirmer string
	Untold                 int64 // children who came to the list of the case after it went through that
}

// Stands is where a notice stands, in a word.
func (r noticeRow) Stands() string {
	switch {
	case !r.Confirmed():
		return "draft"
	case r.Withheld:
		return "withheld"
	case r.Paused:
		return "paused"
	case r.PreparedAt.IsZero():
		return "preparing"
	}
	return "running"
}

func noticesPath(service, incident string) string {
	return incidentPath(service, incident) + "/notices"
}

func (v *visit) noticeRow(ctx context.Context, names naming, n warning.Notice) (r noticeRow, err error) {
	r = noticeRow{Notice: n, To: noticesPath(n.Service, n.Incident) + "/" + n.ID}
	if r.Drafter, err = names.ofStaff(ctx, n.DraftedBy); err == nil {
		r.Confirmer, err = names.ofStaff(ctx, n.ConfirmedBy)
	}
	return r, err
}

// mishapOf returns the case of the address, of a service in which the person sees any.
func (v *visit) mishapOf(ctx context.Context, tx *db.Tx) (incident.Case, catalog.Service, error) {
	service, err := v.of(ctx, tx, staff.SeeIncidents)
	if errs.Of(err).Is(catalog.ErrNotFound) {
		err = incident.ErrNotFound
	}
	if err != nil {
		return incident.Case{}, service, err
	}
	c, err := incident.Find(ctx, tx, service.Name, v.r.PathValue("incident"))
	return c, service, err
}

func (s *Server) notices(v *visit) error { return v.noticesPage(nil) }

func (v *visit) noticesPage(problem error) error {
	words, status, fault := v.problem(problem)
	if fault != nil {
		return fault
	}
	page := noticesPage{Problem: words, Fresh: v.in.IsFresh(v.now) == nil}
	var text warning.Text
	if problem != nil {
		page.Field, page.Anew = errs.Of(problem).Field, v.value("notice")
		text = warning.TextOf(v.r.PostFormValue)
	}
	err := v.view(func(ctx context.Context, tx *db.Tx) error {
		c, service, err := v.mishapOf(ctx, tx)
		if err != nil {
			return err
		}
		page.Case, page.Path, page.Rows = c, noticesPath(c.Service, c.ID), nil
		page.Drafts = approval.May(v.in.Person, staff.WriteIncidents, service)
		all, err := warning.Of(ctx, tx, c.ID)
		if err != nil {
			return err
		}
		names := v.names(tx, c.Service)
		for _, n := range all {
			row, err := v.noticeRow(ctx, names, n)
			if err != nil {
				return err
			}
			if row.Untold, err = warning.Untold(ctx, tx, n); err != nil {
				return err
			}
			page.Rows = append(page.Rows, row)
			// What waits to be confirmed is drafted anew rather than beside it.
			if problem == nil && page.Drafts && !n.Confirmed() {
				page.Anew = n.ID
				// One that was changed by hand is written anew from nothing.
				if text, err = n.Text(v.s.Ring); err != nil && !errs.Of(err).Is(warning.ErrSealed) {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	page.Reason = text.Reason
	page.Langs = []noticeWords{{"zh", text.Chinese.Parts()}, {"en", text.English.Parts()}}
	return v.show(status, "notices", page)
}

// acting does something about a notice of the case in the address, as the person whom the matrix
// lets; who it is was shown within minutes.
func (v *visit) acting(fn func(ctx context.Context, tx *db.Tx, by staff.Acting, service, about, name string) error) error {
	return v.actFreshly(func(ctx context.Context, tx *db.Tx, in signin.Session) error {
		by, err := staff.Acts(ctx, tx, in.Person, v.rule)
		if err != nil {
			return err
		}
		service, err := catalog.Find(ctx, tx, v.r.PathValue("service"))
		if err == nil && !approval.May(by.Person, by.Action, service) || errs.Of(err).Is(catalog.ErrNotFound) {
			err = staff.ErrMayNot
		}
		if err != nil {
			return err
		}
		return fn(ctx, tx, by, service.Name, v.r.PathValue("incident"), v.r.PathValue("notice"))
	})
}

// actingOn does something about the notice of the address, which must be one of the case in it.
func (v *visit) actingOn(fn func(ctx context.Context, tx *db.Tx, by staff.Acting, service, name string) error) error {
	return v.acting(func(ctx context.Context, tx *db.Tx, by staff.Acting, service, about, name string) error {
		n, err := warning.Find(ctx, tx, service, name)
		if err == nil && n.Incident != about {
			err = warning.ErrNotFound
		}
		if err != nil {
			return err
		}
		return fn(ctx, tx, by, service, name)
	})
}

// draftNotice writes what is told of a case, or why nobody is told.
func (s *Server) draftNotice(v *visit) error {
	var one warning.Notice
	err := v.acting(func(ctx context.Context, tx *db.Tx, by staff.Acting, service, about, _ string) (err error) {
		text := warning.TextOf(v.r.PostFormValue)
		one, _, err = warning.Draft(ctx, tx, s.Ring, by, service, about, v.value("notice"), v.value("withheld") != "", text)
		return err
	})
	switch {
	case err == nil:
		return v.to(noticesPath(one.Service, one.Incident) + "/" + one.ID)
	case errs.Of(err).Is(staff.ErrMayNot):
		return err
	}
	return v.noticesPage(err)
}

// noticePage is what notice.html shows: what a notice says, and who was told.
type noticePage struct {
	noticeRow
	Case     string // its page
	Previews []noticePreview
	Reason   string // of one that is withheld
	Broken   bool   // it was changed by hand
	Counts   []warning.Count
	Sheets   []warning.State // whom somebody calls or writes to
	Returns  []warning.State // of whom somebody may hear that what they were sent came back

	Writes, Confirms, Judges, Tells bool // what whoever looks may do

	Sheet   *noticeSheet // that was asked for
	Fresh   bool
	Problem string
	Field   string
}

// A noticePreview is what a message says in one language.
type noticePreview struct {
	Lang                i18n.Lang
	SMS, Subject, Email string
}

// A noticeSheet is whom to call or to write to: shown once that is on record.
type noticeSheet struct {
	State warning.State
	Lines []noticeLine
	Most  int
}

type noticeLine struct {
	warning.Line
	Who, Number, Reference string
	Subject, Letter        string // in the language of who reads it
	Outcomes               []warning.Outcome
}

func (s *Server) notice(v *visit) error { return v.noticePage(nil, nil) }

func (v *visit) noticePage(problem error, sheet *noticeSheet) error {
	words, status, fault := v.problem(problem)
	if fault != nil {
		return fault
	}
	page := noticePage{Problem: words, Fresh: v.in.IsFresh(v.now) == nil, Sheet: sheet}
	if problem != nil {
		page.Field = errs.Of(problem).Field
	}
	err := v.view(func(ctx context.Context, tx *db.Tx) error {
		c, service, err := v.mishapOf(ctx, tx)
		if err != nil {
			return err
		}
		n, err := warning.Find(ctx, tx, c.Service, v.r.PathValue("notice"))
		if err == nil && n.Incident != c.ID {
			err = warning.ErrNotFound
		}
		if err != nil {
			return err
		}
		if page.noticeRow, err = v.noticeRow(ctx, v.names(tx, c.Service), n); err != nil {
			return err
		}
		page.Case = incidentPath(c.Service, c.ID)
		page.Writes, page.Judges = approval.May(v.in.Person, staff.WriteIncidents, service), approval.May(v.in.Person, staff.JudgeIncidents, service)
		page.Tells = n.Confirmed() && !n.Withheld && approval.May(v.in.Person, staff.TellFamilies, service)
		page.Confirms = page.Judges && !n.Confirmed() && n.DraftedBy != v.in.Person.ID
		if err := page.says(ctx, tx, v, n); err != nil {
			return err
		}
		if page.noticeRow.Untold, err = warning.Untold(ctx, tx, n); err != nil {
			return err
		}
		page.Counts, err = warning.Counts(ctx, tx, n)
		page.Sheets, page.Returns = nil, nil
		for _, k := range page.Counts {
			switch {
			case slices.Contains(warning.Sheets, k.State) && !n.Paused:
				page.Sheets = append(page.Sheets, k.State)
			case slices.Contains(warning.Returns, k.State):
				page.Returns = append(page.Returns, k.State)
			}
		}
		return err
	})
	if err != nil {
		return err
	}
	return v.show(status, "notice", page)
}

// says fills in what a notice says, as those who are told read it.
func (p *noticePage) says(ctx context.Context, tx *db.Tx, v *visit, n warning.Notice) error {
	text, err := n.Text(v.s.Ring)
	if p.Broken = errs.Of(err).Is(warning.ErrSealed); err != nil {
		if p.Broken {
			err = nil
		}
		return err
	}
	p.Reason, p.Previews = text.Reason, nil
	if n.Withheld {
		return nil
	}
	for _, lang := range i18n.Langs {
		sms, email, err := v.s.Warnings.Preview(ctx, tx, n, lang)
		if err != nil {
			return err
		}
		p.Previews = append(p.Previews, noticePreview{lang, sms.Text.Reveal(), email.Subject.Reveal(), email.Text.Reveal()})
	}
	return nil
}

// changedNotice does something about the notice of the address, and shows what became of it.
func (v *visit) changedNotice(fn func(ctx context.Context, tx *db.Tx, by staff.Acting, service, name string) error) error {
	err := v.actingOn(fn)
	switch {
	case err == nil:
		return v.to("/console/incidents/{service}/{incident}/notices/{notice}")
	case errs.Of(err).Is(staff.ErrMayNot):
		return err
	}
	return v.noticePage(err, nil)
}

// onNotice answers a request with one verb on the notice of its address.
func onNotice(verb func(ctx context.Context, tx *db.Tx, by staff.Acting, service, name string) (warning.Notice, string, error)) func(*Server, *visit) error {
	return func(_ *Server, v *visit) error {
		return v.changedNotice(func(ctx context.Context, tx *db.Tx, by staff.Acting, service, name string) error {
			_, _, err := verb(ctx, tx, by, service, name)
			return err
		})
	}
}

func (s *Server) confirmNotice(v *visit) error {
	return v.changedNotice(func(ctx context.Context, tx *db.Tx, by staff.Acting, service, name string) error {
		version, err := strconv.ParseInt(v.value("version"), 10, 64)
		if err != nil {
			return warning.ErrVersion
		}
		_, _, err = warning.Confirm(ctx, tx, s.Ring, by, service, name, version)
		return err
	})
}

func (s *Server) publishWarning(v *visit) error {
	return v.changedNotice(func(ctx context.Context, tx *db.Tx, by staff.Acting, service, name string) error {
		_, _, err := warning.Publish(ctx, tx, s.Ring, by, service, name)
		return err
	})
}

// showSheet shows whom to call or to write to: that is on record before (Invariant 2).
func (s *Server) showSheet(v *visit) error {
	sheet := &noticeSheet{State: warning.State(v.value("state")), Most: warning.SheetLines}
	err := v.actingOn(func(ctx context.Context, tx *db.Tx, by staff.Acting, service, name string) error {
		n, lines, err := s.Warnings.Sheet(ctx, tx, by, service, name, sheet.State, pii.New(v.value("ref")))
		if err != nil {
			return err
		}
		// A letter says what the e-mail does, and by telephone it is read out.
		says := make(map[i18n.Lang]notify.Message)
		for _, lang := range i18n.Langs {
			if _, says[lang], err = s.Warnings.Preview(ctx, tx, n, lang); err != nil {
				return err
			}
		}
		sheet.Lines = nil
		for _, l := range lines {
			m := says[l.Lang]
			sheet.Lines = append(sheet.Lines, noticeLine{l, l.Person.Reveal(), l.Phone.Reveal(), l.Ref.Reveal(), m.Subject.Reveal(), m.Text.Reveal(), warning.OutcomesOf(sheet.State)})
		}
		return nil
	})
	switch {
	case errs.Of(err).Is(staff.ErrMayNot):
		return err
	case err != nil:
		sheet = nil
	}
	return v.noticePage(err, sheet)
}

// noteTold writes down what came of a call or a letter.
func (s *Server) noteTold(v *visit) error {
	return v.changedNotice(func(ctx context.Context, tx *db.Tx, by staff.Acting, service, name string) error {
		_, err := s.Warnings.Note(ctx, tx, by, service, name, family.ID(v.value("child")), family.GuardianID(v.value("guardian")), warning.Outcome(v.value("outcome")))
		return err
	})
}
