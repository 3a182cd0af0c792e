package web

import (
	"context"
	"errors"
	"net/http"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
	"wardkeep/internal/notify"
)

// ErrNoPage is the refusal of an address that leads nowhere.
var ErrNoPage = errs.New(errs.NotFound, "web.no_page")

func (s *Server) public(mux *http.ServeMux) {
	s.handle(mux, "GET /{$}", s.home)
	s.handle(mux, "GET /", func(http.ResponseWriter, *http.Request) error { return ErrNoPage })
	s.handle(mux, "GET /rules/{service}", s.rules)
}

// homePage is what public/home.html shows.
type homePage struct {
	Services []homeService
	Outbox   bool
}

type homeService struct{ Name, Label string }

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
		for _, sv := range services {
			name, err := s.serviceName(ctx, tx, sv.Name, lang(r))
			if errors.Is(err, catalog.ErrNoCharter) {
				continue // nothing to read yet
			}
			if err != nil {
				return err
			}
			page.Services = append(page.Services, homeService{sv.Name, name})
		}
		return nil
	})
	if err != nil {
		return err
	}
	return s.render(w, r, http.StatusOK, "public/home.html", page)
}

// rulesPage is what public/rules.html shows: what Article 8 wants to be public.
type rulesPage struct {
	Service, Name    string
	Charter          int64
	Hash             string
	Rules, Agreement []block
	Notice           charter.NoticeDoc
	Officers         []catalog.Officer
	OtherLang        i18n.Lang
}

func (s *Server) rules(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	var page rulesPage
	err := s.Store.View(ctx, func(tx *db.Tx) error { return s.fillRules(ctx, tx, &page, r.PathValue("service"), lang(r)) })
	if err != nil {
		return err
	}
	return s.render(w, r, http.StatusOK, "public/rules.html", page)
}

func (s *Server) fillRules(ctx context.Context, tx *db.Tx, page *rulesPage, service string, l i18n.Lang) error {
	p, err := s.Charters.Current(ctx, tx, service)
	if err != nil {
		return err
	}
	// The notice as it was published: a later release may word one differently.
	document, err := catalog.FindDocument(ctx, tx, service, catalog.Notice, charter.Lang(l), p.Number)
	if err != nil {
		return err
	}
	notice, err := document.NoticeDoc()
	if err != nil {
		return err
	}
	officers, err := catalog.InOffice(ctx, tx, service)
	if err != nil {
		return err
	}
	*page = rulesPage{
		Service: service, Name: p.Charter.Name.In(charter.Lang(l)), Charter: p.Number, Hash: p.Hash,
		Rules: blocks(p.Charter.Rules[charter.Lang(l)]), Agreement: blocks(p.Charter.Agreement[charter.Lang(l)]),
		Notice: notice, Officers: officers, OtherLang: other(l),
	}
	return nil
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
