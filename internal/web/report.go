package web

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"time"

	"golang.org/x/time/rate"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/base/visitor"
	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
	"wardkeep/internal/complaint"
)

// What follows is the report desk (Articles 24 and 10(5)): for anybody, without an account, and
// whoever it is. No cookie is set, no address is written down, and no form leads back to
// whoever has sent it: what leads back to a report are its number and its secret, which are
// sent with each form anew.

const (
	reportsPerAddress = rate.Limit(1.0 / 60) // a second; a school or a company has one address
	reportsBurst      = 10
	triesPerNumber    = rate.Limit(1.0 / 360) // wrong secrets of one number, a second
	triesBurst        = 10
	withoutScript     = rate.Limit(1.0 / 300) // of everybody, a second
	withoutBurst      = 12
	reportsAtOnce     = 8 // whose attachments are in memory
)

// The limits of the desk live in memory, and are forgotten with the process.
type reportLimits struct {
	reports limits        // from one address
	tries   limits        // of one number
	plain   *rate.Limiter // of who has no script: without a solved puzzle few are taken
	turns   chan struct{}
}

func (s *Server) reports(mux *http.ServeMux) {
	l := &s.reporting
	l.reports, l.tries = newLimits(s.Proxies), newLimits(nil)
	l.reports.Rate, l.reports.Burst = reportsPerAddress, reportsBurst
	l.tries.Rate, l.tries.Burst = triesPerNumber, triesBurst
	l.plain, l.turns = rate.NewLimiter(withoutScript, withoutBurst), make(chan struct{}, reportsAtOnce)
	s.handle(mux, "GET /report", func(w http.ResponseWriter, r *http.Request) error { return s.reportDesk(w, r, "", nil) })
	s.handle(mux, "GET /rules/{service}/report", func(w http.ResponseWriter, r *http.Request) error { return s.reportForm(w, r, reported{}, nil) })
	s.formUpTo(mux, complaint.MaxForm, "POST /rules/{service}/report/send", "/rules/{service}/report", s.report)
	s.form(mux, "POST /report/follow", "/report", s.followReport)
	s.formUpTo(mux, complaint.MaxForm, "POST /report/add", "/report", s.addToReport)
	s.form(mux, "POST /report/reopen", "/report", s.reopenReport)
}

// reportDeskPage is what public/report.html shows: where to report what, and how to follow it.
type reportDeskPage struct {
	Services  []homeService
	Authority []route
	Number    string
	Problem   string
}

func (s *Server) reportDesk(w http.ResponseWriter, r *http.Request, number string, problem error) error {
	words, status, fault := problemOf(r, problem)
	if fault != nil {
		return fault
	}
	page := reportDeskPage{Number: number, Problem: words}
	err := s.Store.View(r.Context(), func(tx *db.Tx) error {
		services, err := catalog.List(r.Context(), tx)
		if err != nil {
			return err
		}
		for _, sv := range services {
			p, err := s.Charters.Current(r.Context(), tx, sv.Name)
			if errors.Is(err, catalog.ErrNoCharter) {
				continue
			}
			if err != nil {
				return err
			}
			page.Services = append(page.Services, homeService{Name: sv.Name, Label: p.Charter.Name.In(charter.Lang(lang(r)))})
			for _, to := range routes(p.Charter.Channels.Authority, lang(r)) {
				if !slices.Contains(page.Authority, to) {
					page.Authority = append(page.Authority, to)
				}
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return s.render(w, r, status, "public/report.html", page)
}

// problemOf returns what a page of the desk says of what went wrong, with the status of the
// page. What isn't the visitor's to put right is a refusal.
func problemOf(r *http.Request, problem error) (words string, status int, fault error) {
	if problem == nil {
		return "", http.StatusOK, nil
	}
	e := errs.Of(problem)
	if e.Kind >= errs.Internal || e.Is(catalog.ErrNotFound) || e.Is(catalog.ErrNoCharter) {
		return "", 0, problem
	}
	return lang(r).T(e.Code), int(e.Kind), nil
}

// reportFormPage is what public/report_form.html shows.
type reportFormPage struct {
	Service, Name        string
	Complaint, Authority []route
	Kinds                []complaint.Kind
	Puzzle               complaint.Puzzle
	Clocks               complaint.Clocks
	Sent                 reported // what was typed, where it has to be typed again
	Problem, Field       string
	Again, Years         int
	Files                int
	Words                int
}

// reported is what a form has sent.
type reported struct {
	complaint.Report
	Proof          complaint.Proof
	Number, Secret string
}

// reportForm shows the form, with the ways to the authority beside it: nobody has to come here
// first (Article 24).
func (s *Server) reportForm(w http.ResponseWriter, r *http.Request, sent reported, problem error) error {
	words, status, fault := problemOf(r, problem)
	if fault != nil {
		return fault
	}
	page := reportFormPage{Service: r.PathValue("service"), Kinds: complaint.Kinds, Sent: sent, Problem: words, Again: complaint.Again,
		Clocks: s.reportDeskOf().Clocks.Or(complaint.Defaults), Years: int(complaint.Kept / (365 * 24 * time.Hour)), Files: complaint.MaxFiles, Words: complaint.MaxWords}
	if problem != nil {
		page.Field = errs.Of(problem).Field
	}
	err := s.Store.View(r.Context(), func(tx *db.Tx) error {
		p, err := s.Charters.Current(r.Context(), tx, page.Service)
		if err != nil {
			return err
		}
		page.Name = p.Charter.Name.In(charter.Lang(lang(r)))
		page.Complaint, page.Authority = routes(p.Charter.Channels.Complaint, lang(r)), routes(p.Charter.Channels.Authority, lang(r))
		page.Puzzle, err = complaint.NewPuzzle(r.Context(), tx, s.Ring)
		return err
	})
	if err != nil {
		return err
	}
	visitor.Script(w)
	return s.render(w, r, status, "public/report_form.html", page)
}

// reportSentPage is what public/report_sent.html shows, once.
type reportSentPage struct {
	Name, Number, Secret string
	Due                  time.Time
	Again                int
}

// report takes a report. The puzzle is looked at before anything that is large is read.
func (s *Server) report(w http.ResponseWriter, r *http.Request) error {
	if err := s.reporting.reports.take(r); err != nil {
		return s.reportForm(w, r, reported{}, err)
	}
	desk, leave := s.reportDeskOf(), func() {}
	defer func() { leave() }()
	sent, err := readReport(r, func(sent reported) error {
		solved, err := desk.Solved(sent.Proof, s.Store.Now())
		if err == nil && !solved && !s.reporting.plain.Allow() {
			err = ErrSlowDown
		}
		return err
	}, func() (err error) { leave, err = s.reportTurn(); return err })
	sent.Service = r.PathValue("service")
	if err != nil {
		return s.reportForm(w, r, sent, err)
	}
	var page reportSentPage
	err = s.Store.Update(r.Context(), func(tx *db.Tx) error {
		p, err := s.Charters.Current(r.Context(), tx, sent.Service)
		if err != nil {
			return err
		}
		c, secret, err := desk.Receive(r.Context(), tx, sent.Proof, sent.Report)
		if err != nil {
			return err
		}
		page = reportSentPage{Name: p.Charter.Name.In(charter.Lang(lang(r))), Number: c.Number(), Secret: secret, Due: c.DueAt, Again: complaint.Again}
		return nil
	})
	if err != nil {
		return s.reportForm(w, r, sent, err)
	}
	return s.render(w, r, http.StatusOK, "public/report_sent.html", page)
}

func (s *Server) reportDeskOf() complaint.Desk {
	return complaint.Desk{Ring: s.Ring, Calendar: s.Calendar, Clocks: complaint.Clocks{Acknowledge: s.Clocks.Acknowledge, Finish: s.Clocks.Finish}}
}

// reportTurn lets so many forms with attachments be in memory at once: each of whoever has
// solved a puzzle, or has a secret. Errors:
// ErrSlowDown.
func (s *Server) reportTurn() (leave func(), err error) {
	select {
	case s.reporting.turns <- struct{}{}:
		return func() { <-s.reporting.turns }, nil
	default:
		return func() {}, ErrSlowDown
	}
}

// readReport reads a form in memory: http.Request would put large files on the disk, in plain
// (Invariant 9). May says once, before the first file is read, by the fields before it, whether
// it is read on, and turn whether there is room for files: who sends none needs none, so whoever
// has files come slowly keeps nobody from writing. The names of the files are not read at all.
func readReport(r *http.Request, may func(reported) error, turn func() error) (sent reported, err error) {
	form, err := r.MultipartReader()
	if err != nil {
		return sent, ErrForm
	}
	allowed := false
	for {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			if !allowed {
				return sent, may(sent)
			}
			return sent, nil
		}
		if err != nil {
			return sent, reportCutOff(err)
		}
		if part.FormName() != "file" {
			b, err := io.ReadAll(io.LimitReader(part, 4*complaint.MaxWords+1000))
			if err != nil {
				return sent, reportCutOff(err)
			}
			if !visitor.IsText(string(b)) || !sent.field(part.FormName(), string(b)) {
				return sent, ErrForm
			}
			continue
		}
		first := make([]byte, 1)
		if _, err := io.ReadFull(part, first); errors.Is(err, io.EOF) {
			continue // a field that was left empty is no attachment
		} else if err != nil {
			return sent, reportCutOff(err)
		}
		if !allowed {
			if err := may(sent); err != nil {
				return sent, err
			}
			if err := turn(); err != nil {
				return sent, err
			}
			allowed = true
		}
		b, err := io.ReadAll(io.LimitReader(io.MultiReader(bytes.NewReader(first), part), complaint.MaxFile+1))
		switch {
		case err != nil:
			return sent, reportCutOff(err)
		case len(b) > complaint.MaxFile:
			return sent, complaint.ErrFileSize.At("file")
		case len(sent.Files) == complaint.MaxFiles:
			return sent, complaint.ErrFiles.At("file")
		default:
			sent.Files = append(sent.Files, pii.New(string(b)))
		}
	}
}

// reportCutOff tells a form that is too long from one that was cut off.
func reportCutOff(err error) error {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return complaint.ErrFileSize.At("file")
	}
	return ErrForm
}

// field keeps one field of a form, and reports whether there is such a field.
func (sent *reported) field(name, value string) bool {
	switch name {
	case "challenge":
		sent.Proof.Challenge = value
	case "solution":
		sent.Proof.Solution = value
	case "whole":
		sent.Whole = value == "yes"
	case "kind":
		sent.Kind = complaint.Kind(value)
	case "words":
		sent.Words = pii.New(value)
	case "name":
		sent.Name = pii.New(value)
	case "contact":
		sent.Contact = pii.New(value)
	case "number":
		sent.Number = value
	case "secret":
		sent.Secret = value
	default:
		return false
	}
	return true
}

// reportPage is what public/report_follow.html shows to who has number and secret. Both are in
// its forms, and nowhere else.
type reportPage struct {
	complaint.Complaint
	Name, Secret string
	State        complaint.State
	Texts        []complaint.Text
	Reopens      bool
	Until        time.Time // until when it may be opened once more
	Files        int
	Words        string
	Problem      string
	Done         bool // what was sent is there
}

func (s *Server) followReport(w http.ResponseWriter, r *http.Request) error {
	return s.followed(w, r, reported{Number: r.PostFormValue("number"), Secret: r.PostFormValue("secret")}, nil)
}

// followed shows a report to who has its number and its secret, and doesn't ask too often.
func (s *Server) followed(w http.ResponseWriter, r *http.Request, by reported, do func(ctx context.Context, tx *db.Tx) error) error {
	if err := s.limits.take(r); err != nil {
		return s.reportDesk(w, r, by.Number, err)
	}
	return s.showReport(w, r, by, do)
}

// showReport is followed of who is within the limits. Of one number so many wrong secrets are
// taken, from wherever they come, and then for a while none.
func (s *Server) showReport(w http.ResponseWriter, r *http.Request, by reported, do func(ctx context.Context, tx *db.Tx) error) error {
	number, ok := id.ParseNumber(by.Number)
	if !ok {
		return s.reportDesk(w, r, "", complaint.ErrSecret)
	}
	if !s.reporting.tries.Left(number) {
		return s.reportDesk(w, r, number, ErrSlowDown)
	}
	desk, page := s.reportDeskOf(), reportPage{Secret: by.Secret}
	var problem error
	err := s.Store.View(r.Context(), func(tx *db.Tx) error {
		_, err := desk.Follow(r.Context(), tx, number, by.Secret)
		return err
	})
	if err == nil && do != nil {
		problem = s.Store.Update(r.Context(), func(tx *db.Tx) error { return do(r.Context(), tx) })
	}
	if err == nil {
		err = s.Store.View(r.Context(), func(tx *db.Tx) error { return s.fillReport(r, tx, desk, &page, number) })
	}
	switch {
	case errs.Of(err).Is(complaint.ErrSecret):
		s.reporting.tries.Took(number)
		return s.reportDesk(w, r, number, err)
	case err != nil:
		return err
	}
	words, status, fault := problemOf(r, problem)
	if fault != nil {
		return fault
	}
	page.Problem, page.Done = words, do != nil && problem == nil
	if problem != nil {
		page.Words = by.Words.Reveal()
	}
	return s.render(w, r, status, "public/report_follow.html", page)
}

func (s *Server) fillReport(r *http.Request, tx *db.Tx, desk complaint.Desk, page *reportPage, number string) (err error) {
	ctx, now := r.Context(), tx.Now()
	if page.Complaint, err = desk.Follow(ctx, tx, number, page.Secret); err != nil {
		return err
	}
	if page.Texts, err = desk.Texts(ctx, tx, page.Complaint); err != nil {
		return err
	}
	page.State, page.Reopens, page.Files = page.Complaint.State(now), page.MayReopen(now), complaint.MaxFiles
	if page.Reopens {
		page.Until = page.ClosedAt.AddDate(0, 0, complaint.Again)
	}
	if page.Name, err = s.serviceName(ctx, tx, page.Service, lang(r)); errors.Is(err, catalog.ErrNoCharter) {
		page.Name, err = page.Service, nil
	}
	return err
}

// addToReport takes more from who has reported. Whoever may not follow the report is refused
// before anything that is large is read, by the same limits.
func (s *Server) addToReport(w http.ResponseWriter, r *http.Request) error {
	if err := s.limits.take(r); err != nil {
		return s.reportDesk(w, r, "", err)
	}
	leave := func() {}
	defer func() { leave() }()
	sent, err := readReport(r, func(sent reported) error {
		if number, ok := id.ParseNumber(sent.Number); ok && !s.reporting.tries.Left(number) {
			return ErrSlowDown
		}
		return s.Store.View(r.Context(), func(tx *db.Tx) error {
			_, err := s.reportDeskOf().Follow(r.Context(), tx, sent.Number, sent.Secret)
			return err
		})
	}, func() (err error) { leave, err = s.reportTurn(); return err })
	return s.showReport(w, r, sent, func(ctx context.Context, tx *db.Tx) error {
		if err != nil {
			return err
		}
		_, err := s.reportDeskOf().Add(ctx, tx, sent.Number, sent.Secret, sent.Words, sent.Files)
		return err
	})
}

func (s *Server) reopenReport(w http.ResponseWriter, r *http.Request) error {
	sent := reported{Number: r.PostFormValue("number"), Secret: r.PostFormValue("secret"), Report: complaint.Report{Words: pii.New(r.PostFormValue("words"))}}
	return s.followed(w, r, sent, func(ctx context.Context, tx *db.Tx) error {
		_, err := s.reportDeskOf().Reopen(ctx, tx, sent.Number, sent.Secret, sent.Words)
		return err
	})
}
