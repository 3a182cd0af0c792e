// Package inspector serves the pages of somebody of an authority whom the office has invited to look
// at evidence (Article 22).
//
// Its one invariant: a page of evidence is shown only after the ledger has that it is looked at, by
// whom and which, in a transaction in which the invitation stood and had it in its scope; and what is
// shown is read in another, in which it still does. Whatever isn't in the scope isn't there. No page
// has a value, nor who a child or a guardian is; none changes anything, but that somebody is in or
// out. Who is in here is nobody to the console, to parties or to guardians.
package inspector

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
	"strconv"
	"strings"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/edge"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/base/pages"
	"wardkeep/internal/base/visitor"
	"wardkeep/internal/base/watch"
	"wardkeep/internal/board"
	"wardkeep/internal/catalog"
	"wardkeep/internal/inspection"
)

//go:embed pages/*.html
var pageFiles embed.FS

//go:embed static
var static embed.FS

// What the portal refuses.
var (
	ErrElsewhere = errs.New(errs.Forbidden, "inspector.elsewhere") // a form was sent from another site
	ErrSlowDown  = errs.New(errs.TooMany, "inspector.slow_down")   // too often, from one address
	ErrText      = errs.New(errs.Invalid, "inspector.no_text")     // what was sent can't be written down
)

// A Server serves the portal.
type Server struct {
	Store    *db.DB
	Ring     *keyring.Ring
	Charters *catalog.Cache
	// Patience is for how long the system may be late with what it does by itself.
	Patience time.Duration
	// LedgerKey is the public key by which what is taken away is verified.
	LedgerKey string
	// URL is where it is reached, without a slash at the end.
	URL string
	Log *slog.Logger
	// Proxies are believed when they say for whom they ask (X-Forwarded-For).
	Proxies []netip.Prefix
	Metrics *watch.Metrics // nil: nothing is counted
	Traces  *watch.Traces  // nil: nothing is traced

	templates map[i18n.Lang]*pages.Set
	asks      *visitor.Limits // for any page
	tries     *visitor.Limits // of codes
}

const (
	perAddress = 5 // pages a second of one address
	pageBurst  = 60
	tryEvery   = 1.0 / 10 // codes a second of one address
	tryBurst   = 10
	addresses  = 20000    // remembered at most
	maxForm    = 16 << 10 // bytes
	samples    = 20       // children who are drawn
)

// cookie is the name of what a browser keeps that is in. It is nobody's elsewhere.
const cookie = "wardkeep_inspector"

// Handler returns the portal, for the paths /inspector and below.
func (s *Server) Handler() http.Handler {
	s.asks = visitor.NewLimits(s.Proxies, perAddress, pageBurst, addresses)
	s.tries = visitor.NewLimits(s.Proxies, tryEvery, tryBurst, addresses)
	s.templates = parsed()
	mux := http.NewServeMux()
	for _, r := range table() {
		mux.Handle(r.pattern, s.answer(r))
		// Whoever loads the address of a form is led to the first page.
		if path, form := strings.CutPrefix(r.pattern, "POST "); form && !hasPage(path) {
			mux.Handle("GET "+path, s.answer(route{pattern: "GET " + path, does: func(v *visit) error { return v.to("/inspector") }}))
		}
	}
	files, err := fs.Sub(static, "static")
	if err != nil {
		panic(err) // the files are part of the binary
	}
	kept := http.StripPrefix("/inspector/static/", http.FileServerFS(files))
	mux.Handle("GET /inspector/static/", s.observed("GET /inspector/static/", func(v *visit) error {
		kept.ServeHTTP(v.w, v.r)
		return nil
	}))
	nowhere := s.answer(route{pattern: "/inspector/", does: func(*visit) error { return inspection.ErrScope }})
	mux.Handle("/inspector", nowhere)
	mux.Handle("/inspector/", nowhere)
	ours := http.NewCrossOriginProtection()
	ours.SetDenyHandler(s.answer(route{pattern: "elsewhere", does: func(*visit) error { return ErrElsewhere }}))
	pages := ours.Handler(mux)
	return s.browser().Secure(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cross-Origin-Resource-Policy", "same-origin")
		pages.ServeHTTP(w, r)
	}))
}

func (s *Server) browser() visitor.Browser { return visitor.At(s.URL) }

// parsed returns all pages, which each server of this process shows.
var parsed = edge.Pages(pageFiles, "inspector", func(lang i18n.Lang) template.FuncMap {
	return template.FuncMap{"cell": func(column, cell string) string { return cellOf(lang, column, cell) }}
})

// A visit is a request, and who sends it.
type visit struct {
	s    *Server
	seen *edge.Request // what the log says of it
	w    *visitor.Answered
	r    *http.Request
	call string // "rq_…"
	lang i18n.Lang
	in   inspection.Invitation // the zero Invitation: nobody is in
	look inspection.Look       // that is on record; the zero Look: nothing of evidence is shown
	mark string                // what lies over a page of evidence: who, when, by which invitation
}

// observed is the way of every request, also of a file and of one that no route takes.
func (s *Server) observed(pattern string, does func(v *visit) error) http.Handler {
	return edge.Edge{Name: "inspector", Log: s.Log, Metrics: s.Metrics, Traces: s.Traces}.Observe(pattern, func(o *edge.Request) error {
		o.R.Body = http.MaxBytesReader(o.W.ResponseWriter, o.R.Body, maxForm)
		v := &visit{s: s, seen: o, w: o.W, r: o.R, lang: edge.Lang(o.R), call: o.Call}
		o.Refuse = v.refuse
		defer func() {
			if v.in.ID != "" {
				o.Actor = "inspection"
			}
		}()
		return does(v)
	})
}

// answer returns a handler of a route: who is it, what is looked at, which is on record from then on,
// and what is shown. A refusal is a page, too.
func (s *Server) answer(rt route) http.Handler {
	return s.observed(rt.pattern, func(v *visit) error {
		if !s.asks.Allow(v.r) {
			return ErrSlowDown
		}
		if err := v.legible(); err != nil {
			return err
		}
		if rt.asks == nil {
			return rt.does(v)
		}
		l := rt.asks(v)
		if err := v.there(l); err != nil {
			return err
		}
		if err := v.record(l); err != nil {
			return err
		}
		return rt.shows(v)
	})
}

// record writes down that the inspector looks at a page. It is durable when this returns (Invariant 2):
// if we crash before the page is sent, something is on record that nobody has seen.
func (v *visit) record(l inspection.Look) error {
	ctx := v.r.Context()
	err := v.s.Store.Update(ctx, func(tx *db.Tx) (err error) {
		v.in, v.look, err = inspection.Looks(ctx, tx, v.s.Ring, v.kept(), l)
		return err
	})
	if err != nil {
		return err
	}
	text, err := v.in.Text(v.s.Ring)
	if err != nil {
		return err
	}
	v.mark = strings.Join([]string{text.Inspector.Reveal(), v.look.At.In(edge.Zone).Format(time.DateTime), v.in.Number() + "/" + strconv.FormatInt(v.look.Number, 10)}, "  ")
	return nil
}

// view runs fn in a transaction that only reads, in which the invitation still stands.
func (v *visit) view(fn func(ctx context.Context, tx *db.Tx) error) error {
	ctx := v.r.Context()
	return v.s.Store.View(ctx, func(tx *db.Tx) (err error) {
		if v.in, err = inspection.Find(ctx, tx, v.s.Ring, v.kept()); err != nil {
			return err
		}
		return fn(ctx, tx)
	})
}

func (v *visit) kept() string { return v.s.browser().Kept(v.r, cookie) }

// legible refuses an address or a form that holds what is no text: the stores don't agree on
// what becomes of it, and no browser sends it by itself.
func (v *visit) legible() error {
	if !visitor.IsText(v.r.URL.Path) {
		return inspection.ErrScope
	}
	if v.r.Method == http.MethodPost {
		if err := v.r.ParseForm(); err != nil {
			return ErrText
		}
	}
	if !visitor.AreText(v.r.URL.Query(), v.r.PostForm) {
		return ErrText
	}
	return nil
}

// to leads to a page, in the same language.
func (v *visit) to(page string) error {
	http.Redirect(v.w, v.r, page+"?"+url.Values{"lang": {string(v.lang)}}.Encode(), http.StatusSeeOther)
	return nil
}

// A frame is what layout.html shows around a page.
type frame struct {
	Page   any
	Number string // of the invitation; "": nobody is in
	Mark   string // what lies over the page; "": it shows no evidence
	Marks  template.URL
	Menu   []item
	Other  i18n.Lang
	Switch string // "" where the page can't be had again
}

// An item of the menu leads to a page.
type item struct {
	Name, To string
	Here     bool
}

// menu has the pages that the invitation has.
func (v *visit) menu() (all []item) {
	for _, one := range []item{{string(inspection.Matrix), "/inspector", false}, {string(inspection.Samples), "/inspector/samples", false}, {string(inspection.Bundle), "/inspector/bundle", false}} {
		if one.Here = one.To == v.r.URL.Path; (inspection.Look{Page: inspection.Page(one.Name)}).Fits(v.in.Scope) {
			all = append(all, one)
		}
	}
	return all
}

// show sends a page. It renders to memory first, so that a page is sent whole or not at all.
func (v *visit) show(status int, name string, page any) error {
	f := frame{Page: page, Other: other(v.lang)}
	if v.look.Number != 0 {
		f.Number, f.Menu, f.Mark, f.Marks = v.in.Number(), v.menu(), v.mark, edge.Overlay(v.mark)
	}
	if v.r.Method == http.MethodGet {
		f.Switch = "?" + url.Values{"lang": {string(f.Other)}}.Encode()
	}
	var b bytes.Buffer
	if err := v.s.templates[v.lang].Execute(&b, name, f); err != nil {
		return fmt.Errorf("render %s: %w", name, err)
	}
	v.seen.Shows = name
	v.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	v.w.WriteHeader(status)
	_, err := b.WriteTo(v.w)
	return err
}

// refusalPage is what refusal.html shows.
type refusalPage struct {
	Text, Code, Call string
	Over             bool // there is nothing to go on to
}

// refuse tells the visitor what errs.Of lets them know. Of what isn't in the scope nobody learns
// whether there is any.
func (v *visit) refuse(err error) {
	e := errs.Of(err)
	if e.Is(inspection.ErrSignedOut) {
		_ = v.to("/inspector/in")
		return
	}
	if e.Kind == errs.TooMany {
		v.w.Header().Set("Retry-After", "60")
	}
	v.look = inspection.Look{} // what is refused shows no evidence
	page := refusalPage{Text: v.lang.T(e.Code), Code: e.Code, Call: v.call, Over: e.Kind == errs.Gone || e.Is(inspection.ErrLink)}
	if err := v.show(int(e.Kind), "refusal", page); err != nil {
		http.Error(v.w, page.Text, int(e.Kind))
	}
}

func (s *Server) board() board.Desk {
	return board.Desk{Ring: s.Ring, Charters: s.Charters, Patience: s.Patience}
}

func other(l i18n.Lang) i18n.Lang {
	if l == i18n.English {
		return i18n.Chinese
	}
	return i18n.English
}
