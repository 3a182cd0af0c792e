package web

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
	"wardkeep/internal/notify"
	"wardkeep/internal/register"
	"wardkeep/internal/warning"
)

// ErrNoPage is the refusal of an address that leads nowhere.
var ErrNoPage = errs.New(errs.NotFound, "web.no_page")

func (s *Server) public(mux *http.ServeMux) {
	s.handle(mux, "GET /{$}", s.home)
	// By whatever method: what has no page is told in a page.
	s.handle(mux, "/", func(http.ResponseWriter, *http.Request) error { return ErrNoPage })
	s.handle(mux, "GET /rules/{service}", s.rules)
	s.handle(mux, "GET /rules/{service}/child", s.childRules)
	s.handle(mux, "GET /rules/{service}/register", s.register)
	s.handle(mux, "GET /rules/{service}/history", s.history)
	s.handle(mux, "GET /rules/{service}/history/{number}", s.version)
}

// homePage is what public/home.html shows.
type homePage struct {
	Services []homeService
	Warnings bool // the public is warned of something
	Outbox   bool
}

type homeService struct {
	Name, Label string
	Ending      ending
}

// home leads to the rules of every service: within four taps of anywhere (App
// violation method), and within one of here.
func (s *Server) home(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	page := homePage{Outbox: s.Outbox != nil}
	err := s.Store.View(ctx, func(tx *db.Tx) error {
		services, err := catalog.List(ctx, tx)
		if err != nil {
			return err
		}
		warnings, err := warning.Public(ctx, tx, 1)
		if err != nil {
			return err
		}
		page.Warnings = len(warnings) > 0
		for _, sv := range services {
			p, err := s.Charters.Current(ctx, tx, sv.Name)
			if errors.Is(err, catalog.ErrNoCharter) {
				continue // nothing to read yet
			}
			if err != nil {
				return err
			}
			end, err := s.ending(ctx, tx, sv.Name, "", p, lang(r))
			if err != nil {
				return err
			}
			page.Services = append(page.Services, homeService{sv.Name, p.Charter.Name.In(charter.Lang(lang(r))), end})
		}
		return nil
	})
	if err != nil {
		return err
	}
	return s.render(w, r, http.StatusOK, "public/home.html", page)
}

// rulesPage is what public/rules.html shows: what Article 8 wants to be public,
// of the version in force or of an earlier one.
type rulesPage struct {
	Service, Name        string
	Ending               ending
	Charter              int64
	Hash                 string
	Since                time.Time
	Rules, Agreement     []block
	Notice               charter.NoticeDoc
	Officers             []catalog.Officer
	Complaint, Authority []route
	Correction, Deletion []route
	Earlier              bool // another version is in force
	Former               int64
	Changes              []publicChange // against Former
}

// A route is a way to reach someone.
type route struct{ How, To string }

// A publicChange is a change of the charter in words, and whether guardians had
// to be asked again.
type publicChange struct {
	change
	Words, Why string
	Material   bool
}

func (s *Server) rules(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	var page rulesPage
	err := s.Store.View(ctx, func(tx *db.Tx) error {
		p, err := s.Charters.Current(ctx, tx, r.PathValue("service"))
		if err != nil {
			return err
		}
		return s.fillRules(ctx, tx, &page, r.PathValue("service"), p, lang(r))
	})
	if err != nil {
		return err
	}
	return s.render(w, r, http.StatusOK, "public/rules.html", page)
}

func (s *Server) fillRules(ctx context.Context, tx *db.Tx, page *rulesPage, service string, p catalog.Published, l i18n.Lang) error {
	// The notice as it was published: a later release may word one differently.
	notice, _, err := s.Charters.Notice(ctx, tx, service, p.Number, charter.Lang(l))
	if err != nil {
		return err
	}
	officers, err := catalog.InOffice(ctx, tx, service)
	if err != nil {
		return err
	}
	end, err := s.ending(ctx, tx, service, "", p, l)
	if err != nil {
		return err
	}
	ch := p.Charter.Channels
	*page = rulesPage{
		Service: service, Name: p.Charter.Name.In(charter.Lang(l)), Ending: end, Charter: p.Number, Hash: p.Hash, Since: p.PublishedAt,
		Rules: blocks(p.Charter.Rules[charter.Lang(l)]), Agreement: blocks(p.Charter.Agreement[charter.Lang(l)]),
		Notice: notice, Officers: officers,
		Complaint: routes(ch.Complaint, l), Authority: routes(ch.Authority, l), Correction: routes(ch.Correction, l), Deletion: routes(ch.Deletion, l),
	}
	return nil
}

func routes(all []charter.Route, l i18n.Lang) (out []route) {
	for _, r := range all {
		out = append(out, route{How: r.How.In(charter.Lang(l)), To: r.To})
	}
	return out
}

// childPage is what public/child.html shows.
type childPage struct {
	Service, Name string
	Items         []string
	Purposes      []childPurpose
	Others        []string // who else gets to see something
}

type childPurpose struct{ Label, Why string }

// childRules says to a child what a service wants to know and what for, in the
// charter's own labels, beside the notice that its guardian reads.
func (s *Server) childRules(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	page := childPage{Service: r.PathValue("service")}
	err := s.Store.View(ctx, func(tx *db.Tx) error {
		p, err := s.Charters.Current(ctx, tx, page.Service)
		if err != nil {
			return err
		}
		page.fill(p.Charter, charter.Lang(lang(r)))
		return nil
	})
	if err != nil {
		return err
	}
	return s.render(w, r, http.StatusOK, "public/child.html", page)
}

func (page *childPage) fill(c *charter.Charter, l charter.Lang) {
	page.Name = c.Name.In(l)
	for _, it := range c.Items {
		page.Items = append(page.Items, it.Label.In(l))
	}
	for _, p := range c.Processors {
		page.Others = append(page.Others, p.Label.In(l))
	}
	for _, p := range c.Recipients {
		page.Others = append(page.Others, p.Label.In(l))
	}
	for _, p := range c.Purposes {
		page.Purposes = append(page.Purposes, childPurpose{p.Label.In(l), p.Why.In(l)})
		for _, a := range p.Audiences {
			page.Others = append(page.Others, a.Label.In(l))
		}
	}
}

// registerPage is what public/register.html shows: what a service does with children's
// information, and who else gets some, as a list (Network Data Regulations 21). How many
// children there are is nobody's business.
type registerPage struct {
	register.Register
	Ending ending
}

func (s *Server) register(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	var page registerPage
	err := s.Store.View(ctx, func(tx *db.Tx) error {
		service := r.PathValue("service")
		p, err := s.Charters.Current(ctx, tx, service)
		if err != nil {
			return err
		}
		if page.Register, err = register.Read(ctx, tx, s.Charters, service, lang(r)); err != nil {
			return err
		}
		page.Ending, err = s.ending(ctx, tx, service, "", p, lang(r)) // Article 23: nothing is done any more
		return err
	})
	if err != nil {
		return err
	}
	return s.render(w, r, http.StatusOK, "public/register.html", page)
}

// historyPage is what public/history.html shows: every published version.
type historyPage struct {
	Service, Name string
	Versions      []catalog.Edition
}

func (s *Server) history(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	page := historyPage{Service: r.PathValue("service")}
	err := s.Store.View(ctx, func(tx *db.Tx) (err error) {
		if page.Name, err = s.serviceName(ctx, tx, page.Service, lang(r)); err != nil {
			return err
		}
		page.Versions, err = published(ctx, tx, page.Service)
		return err
	})
	if err != nil {
		return err
	}
	return s.render(w, r, http.StatusOK, "public/history.html", page)
}

// published returns the published versions, the newest first. A draft is
// nobody's business yet.
func published(ctx context.Context, tx *db.Tx, service string) (out []catalog.Edition, err error) {
	all, err := catalog.History(ctx, tx, service)
	for _, e := range all {
		if !e.PublishedAt.IsZero() {
			out = append(out, e)
		}
	}
	return out, err
}

// version shows one version, and how it differs from the one before, in words.
func (s *Server) version(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	service := r.PathValue("service")
	number, err := strconv.ParseInt(r.PathValue("number"), 10, 64)
	if err != nil {
		return ErrNoPage
	}
	var page rulesPage
	err = s.Store.View(ctx, func(tx *db.Tx) error {
		p, err := s.Charters.Version(ctx, tx, service, number)
		if err != nil {
			return err
		}
		if err := s.fillRules(ctx, tx, &page, service, p, lang(r)); err != nil {
			return err
		}
		all, err := published(ctx, tx, service)
		if err != nil {
			return err
		}
		page.Earlier = len(all) > 0 && all[0].Number != number
		for i, e := range all {
			if e.Number == number && i+1 < len(all) {
				page.Former = all[i+1].Number
			}
		}
		if page.Former == 0 {
			return nil
		}
		former, err := s.Charters.Version(ctx, tx, service, page.Former)
		if err != nil {
			return err
		}
		page.compare(former.Charter, p.Charter, charter.Lang(lang(r)))
		return nil
	})
	if err != nil {
		return err
	}
	return s.render(w, r, http.StatusOK, "public/rules.html", page)
}

func (page *rulesPage) compare(former, now *charter.Charter, l charter.Lang) {
	for _, ch := range charter.Diff(former, now) {
		c := publicChange{change: beside(ch, l), Words: ch.Words.In(l), Why: ch.Why.In(l), Material: ch.Material}
		page.Changes = append(page.Changes, c)
	}
}

// outboxPage is what public/outbox.html shows, in a demo.
type outboxPage struct{ Messages []outboxMessage }

type outboxMessage struct{ To, Subject, Text string }

func (s *Server) outbox(w http.ResponseWriter, r *http.Request) error {
	var page outboxPage
	for _, sent := range s.Outbox.Messages() {
		m := sent.Message
		page.Messages = append(page.Messages, outboxMessage{
			To: string(m.Channel) + " " + m.To.Reveal(), Subject: m.Subject.Reveal(), Text: text(m),
		})
	}
	return s.render(w, r, http.StatusOK, "public/outbox.html", page)
}

func text(m notify.Message) string { return m.Text.Reveal() }
