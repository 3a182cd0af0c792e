// Package web serves pages for people: the guardian's request, the public rules.
//
// Its one invariant: a page is sent whole or not at all, and says nothing to
// anyone but the one it was made for: it is not cached, not framed, loads
// nothing from elsewhere, and its address goes to nobody.
package web

import (
	"bytes"
	"context"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/base/pages"
	"wardkeep/internal/base/watch"
	"wardkeep/internal/base/workday"
	"wardkeep/internal/catalog"
	"wardkeep/internal/consent"
	"wardkeep/internal/message"
	"wardkeep/internal/notify"
	"wardkeep/internal/rights"
	"wardkeep/internal/session"
	"wardkeep/internal/vault"
	"wardkeep/internal/verification"
)

//go:embed layout.html parts/*.html guardian/*.html public/*.html
var pageFiles embed.FS

//go:embed static
var static embed.FS

// A Server serves the pages.
type Server struct {
	Store     *db.DB
	Ring      *keyring.Ring
	Vault     *vault.Vault
	Charters  *catalog.Cache
	Messages  notify.Router
	LedgerKey string // verifies the ledger's checkpoints; public
	PublicURL string
	Log       *slog.Logger
	// Verification offers stronger proofs of who a guardian is; its Consent is the
	// server's own.
	Verification verification.Desk
	// Calendar counts the working days of what is demanded.
	Calendar workday.Calendar
	// Clocks say how many.
	Clocks rights.Clocks
	// Farewell tells those whose contact ends; one of the server's own if nil.
	Farewell *message.Farewell
	// Proxies are believed when they say for whom they ask (X-Forwarded-For).
	Proxies []netip.Prefix
	// Outbox, in a demo only, shows the messages that would have been sent.
	Outbox *notify.Outbox
	// Metrics count requests, and Traces trace them; nil ones don't.
	Metrics *watch.Metrics
	Traces  *watch.Traces

	desk      consent.Desk
	verifier  verification.Desk
	rights    rights.Desk
	templates map[voice]*pages.Set
	limits    limits
	door      session.Door
	codes     limits // of codes to sign in
	passkeys  limits // of tries to sign in by one
	portTries limits // of codes for a copy that a guardian hands to somebody
	reporting reportLimits
	later     later
	copies    copies
	drawn     drawn
	routes    []string          // of all pages and forms
	holders   map[string]string // of a form, by its route, the page that holds it: see form
}

// Handler returns the pages.
func (s *Server) Handler() http.Handler {
	s.desk = consent.Desk{Ring: s.Ring, Charters: s.Charters}
	s.verifier = s.Verification
	s.verifier.Consent = s.desk
	s.rights = rights.Desk{Ring: s.Ring, Charters: s.Charters, Calendar: s.Calendar, Clocks: s.Clocks}
	if s.Farewell == nil {
		s.Farewell = &message.Farewell{Desk: s.desk, Messages: s.Messages, PublicURL: s.PublicURL, Log: s.Log}
	}
	s.limits = newLimits(s.Proxies)
	s.routes, s.holders = nil, make(map[string]string)
	s.templates = parsed()
	mux := http.NewServeMux()
	files, err := fs.Sub(static, "static")
	if err != nil {
		panic(err) // the files are part of the binary
	}
	mux.Handle("GET /static/", s.named("GET /static/", http.StripPrefix("/static/", http.FileServerFS(files))))
	s.public(mux)
	s.guardian(mux)
	s.reports(mux)
	s.warnings(mux)
	s.guide(mux)
	s.homes(mux)
	s.verification(mux)
	if s.Outbox != nil {
		s.handle(mux, "GET /outbox", s.outbox)
	}
	// Who is led here by a page of another site is told so, and nothing is done.
	ours := http.NewCrossOriginProtection()
	ours.SetDenyHandler(s.page("elsewhere", maxForm, func(http.ResponseWriter, *http.Request) error { return ErrElsewhere }))
	return s.observed(s.browser().Secure(ours.Handler(mux)))
}

// ErrElsewhere refuses a form that was sent from another site.
var ErrElsewhere = errs.New(errs.Forbidden, "web.elsewhere")

// A voice is how a page speaks: its language, and whether to a minor, who reads the words
// of key+".minor" where a guardian is addressed otherwise (edge case 4).
type voice struct {
	i18n.Lang
	minor bool
}

// T is Lang.T in the voice.
func (v voice) T(key string, pairs ...any) string {
	if v.minor && v.Has(key+".minor") {
		key += ".minor"
	}
	return v.Lang.T(key, pairs...)
}

// parsed returns all pages. Each is parsed once per voice, so the functions of a template
// never change while requests are served.
var parsed = sync.OnceValue(func() map[voice]*pages.Set {
	all := make(map[voice]*pages.Set)
	for _, lang := range i18n.Langs {
		for _, to := range []voice{{lang, false}, {lang, true}} {
			all[to] = parse(to)
		}
	}
	return all
})

func parse(to voice) *pages.Set {
	funcs := template.FuncMap{
		"t":    to.T,
		"lang": func() string { return string(to.Lang) },
		"dict": pair,
		"date": func(t time.Time) string { return t.In(shanghai).Format("2006-01-02 15:04") },
		"day":  func(t time.Time) string { return t.In(shanghai).Format(time.DateOnly) },
	}
	return pages.Parse(pageFiles, funcs, []string{"layout.html", "parts/*.html"}, []string{"guardian/*.html", "public/*.html"})
}

// pair gives a part of a page two things to show.
func pair(name string, a any, other string, b any) map[string]any {
	return map[string]any{name: a, other: b}
}

// shanghai is the clock that guardians live by.
var shanghai = time.FixedZone("Asia/Shanghai", 8*60*60)

// A look finds out whether there is anything behind what a visitor sent.
type look func(context.Context, *db.Tx) error

// change runs fn in a transaction that may write, if a look at what there is doesn't
// refuse it. The look takes nothing of the one writer, so that whoever guesses links
// and codes holds up nobody who has one. Nothing rests on it: what has changed since,
// fn finds out by itself.
func (s *Server) change(ctx context.Context, first look, fn func(*db.Tx) error) error {
	if err := s.Store.View(ctx, func(tx *db.Tx) error { return first(ctx, tx) }); err != nil {
		return err
	}
	return s.Store.Update(ctx, fn)
}

// maxForm bounds a form, in bytes.
const maxForm = 64 << 10

// handle adds a route whose handler returns its refusal.
func (s *Server) handle(mux *http.ServeMux, pattern string, h func(http.ResponseWriter, *http.Request) error) {
	s.handleUpTo(mux, maxForm, pattern, h)
}

// handleUpTo is handle for a form of at most that many bytes.
func (s *Server) handleUpTo(mux *http.ServeMux, limit int64, pattern string, h func(http.ResponseWriter, *http.Request) error) {
	s.routes = append(s.routes, pattern)
	mux.Handle(pattern, s.page(pattern, limit, h))
}

// Routes returns the routes of all pages and forms, as the log names them, once
// Handler was called.
func (s *Server) Routes() []string { return slices.Clone(s.routes) }

// form adds the route of a form that the page of another route holds. A page that
// answers a form has the form's address, which people reload and keep: whoever
// comes back to it is led to that page.
func (s *Server) form(mux *http.ServeMux, pattern, page string, h func(http.ResponseWriter, *http.Request) error) {
	s.formUpTo(mux, maxForm, pattern, page, h)
}

// formUpTo is form for one of at most that many bytes.
func (s *Server) formUpTo(mux *http.ServeMux, limit int64, pattern, page string, h func(http.ResponseWriter, *http.Request) error) {
	s.holders[pattern] = page
	s.handleUpTo(mux, limit, pattern, h)
	s.handle(mux, "GET "+strings.TrimPrefix(pattern, "POST "), func(w http.ResponseWriter, r *http.Request) error {
		http.Redirect(w, r, at(r, page), http.StatusSeeOther)
		return nil
	})
}

var wildcard = regexp.MustCompile(`\{[a-z]+\}`)

// at is the address of a page, by its route, in the language that this one is read
// in, with marks in its query. What stands in a path may be anything: escaped, it
// leads nowhere else.
func at(r *http.Request, page string, marks ...string) string {
	page, part, _ := strings.Cut(page, "#")
	to := wildcard.ReplaceAllStringFunc(page, func(name string) string {
		return url.PathEscape(r.PathValue(strings.Trim(name, "{}")))
	}) + inLang(lang(r), marks...)
	if part != "" {
		to += "#" + part
	}
	return to
}

// inLang is the query of an address of a page in a language, with marks in it.
func inLang(l i18n.Lang, marks ...string) string {
	return "?" + strings.Join(append([]string{"lang=" + string(l)}, marks...), "&")
}

// page returns a handler that answers with a page, also where h refuses.
func (s *Server) page(pattern string, limit int64, h func(http.ResponseWriter, *http.Request) error) http.Handler {
	return s.named(pattern, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a := w.(*answer)
		r.Body = http.MaxBytesReader(w, r.Body, limit)
		if err := h(a, r); err != nil {
			e := errs.Of(err)
			a.code = e.Code
			if e.Kind == errs.Internal {
				s.Log.ErrorContext(r.Context(), "page failed", "route", pattern, "request", a.call, "error", err)
			}
			s.refuse(a, r, pattern, err, a.call)
		}
	}))
}

// named has the log and the counts know the route of a handler. One that is served by
// itself is observed all the same.
func (s *Server) named(pattern string, h http.Handler) http.Handler {
	seen := s.Metrics.Route("web", pattern)
	inner := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.(*answer).is(pattern, seen)
		h.ServeHTTP(w, r)
	})
	alone := s.observed(inner)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, ok := w.(*answer); ok {
			inner.ServeHTTP(w, r)
			return
		}
		alone.ServeHTTP(w, r)
	})
}

// render sends a page. It renders to memory first, so that a page is sent whole
// or not at all.
func (s *Server) render(w http.ResponseWriter, r *http.Request, status int, name string, page any) error {
	to := voice{lang(r), false}
	if p, ok := page.(interface{ toMinor() bool }); ok {
		to.minor = p.toMinor()
	}
	var b bytes.Buffer
	if err := s.templates[to].Execute(&b, pages.Name(name), view{Page: page, Other: other(lang(r)), Switch: switchTo(r)}); err != nil {
		return fmt.Errorf("render %s: %w", name, err)
	}
	if a, ok := w.(*answer); ok {
		a.page = name
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, err := b.WriteTo(w)
	return err
}

// A view is what layout.html shows: a page, and the way to its other language.
type view struct {
	Page   any
	Other  i18n.Lang
	Switch string // "" where the page can't be had again
}

// switchTo is the address of the same page in the other language, seen from
// there: nothing of the address or its query is repeated. What a form was answered
// with has none.
func switchTo(r *http.Request) string {
	if r.Method != http.MethodGet {
		return ""
	}
	to := "?lang=" + string(other(lang(r)))
	if r.URL.Query().Has("sent") {
		to += "&sent"
	}
	return to
}

// lang is the language that the visitor chose, or that the browser asks for.
func lang(r *http.Request) i18n.Lang {
	for _, l := range i18n.Langs {
		if r.URL.Query().Get("lang") == string(l) {
			return l
		}
	}
	if header := r.Header.Get("Accept-Language"); header != "" {
		return i18n.Match(header)
	}
	return i18n.Langs[0]
}
