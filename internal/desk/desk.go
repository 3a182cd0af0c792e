// Package desk serves the pages of processors and recipients that have no engineers: a person
// of the party signs in by a seat and does what the party's machines do by the signed API
// (Article 16), but for one thing.
//
// Its one invariant: no page shows a value, and no file has one that anything but the party's own
// key opens. A child is its handle of this party and nothing else, and whatever a person of the party does, the party does: by the same verbs as the API,
// in a transaction in which it is looked again what the seat allows. Who is signed in here is
// nobody to the console, and who is signed in there is nobody here.
package desk

import (
	"bytes"
	"cmp"
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"wardkeep/internal/assistance"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/edge"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/base/pages"
	"wardkeep/internal/base/visitor"
	"wardkeep/internal/base/watch"
	"wardkeep/internal/base/workday"
	"wardkeep/internal/catalog"
	"wardkeep/internal/entrance"
	"wardkeep/internal/incident"
	"wardkeep/internal/order"
	"wardkeep/internal/party"
	"wardkeep/internal/passkey"
	"wardkeep/internal/signin"
	"wardkeep/internal/staff"
	"wardkeep/internal/vault"
)

//go:embed pages/*.html
var pageFiles embed.FS

//go:embed static
var static embed.FS

// What the desk refuses.
var (
	ErrElsewhere = errs.New(errs.Forbidden, "desk.elsewhere") // a form was sent from another site
	ErrNoPage    = errs.New(errs.NotFound, "desk.no_page")    // nothing is at this address
	ErrSlowDown  = errs.New(errs.TooMany, "desk.slow_down")   // too often, from one address
	ErrBusy      = errs.New(errs.Unavailable, "desk.busy")    // too many sign in at this moment
	ErrText      = errs.New(errs.Invalid, "desk.no_text")     // what was sent can't be written down
	ErrUnsure    = errs.New(errs.Invalid, "desk.unsure")      // it wasn't said that what follows is understood
	ErrTooLarge  = errs.New(errs.TooLarge, "desk.too_large")  // a document is
)

// A Server serves the desk.
type Server struct {
	Store    *db.DB
	Ring     *keyring.Ring
	Charters *catalog.Cache
	Vault    *vault.Vault // of which it hands out what is sealed to a party, and nothing else
	Calendar workday.Calendar
	// URL is where it is reached, without a slash at the end: passkeys are good there, and
	// links to set up how to sign in begin with it.
	URL string
	Log *slog.Logger
	// Idle and Most are how long a session lasts; zeros are signin's.
	Idle, Most time.Duration
	// Proxies are believed when they say for whom they ask (X-Forwarded-For).
	Proxies []netip.Prefix
	Metrics *watch.Metrics // nil: nothing is counted
	Traces  *watch.Traces  // nil: nothing is traced

	door      signin.Door
	site      *entrance.Site // at which they come in
	templates map[i18n.Lang]*pages.Set
	asks      *visitor.Limits // for any page
}

const (
	perAddress  = 10 // pages a second of one address
	pageBurst   = 100
	addresses   = 20000    // remembered at most
	atOnce      = 2        // passwords are stretched, at 19 MiB each
	maxForm     = 64 << 10 // bytes
	maxDocument = 5 << 20  // one document, of which its hash is kept
	perPage     = 20
)

// Handler returns the desk, for the paths /party and below.
func (s *Server) Handler() http.Handler {
	s.door = s.Door()
	s.site = entrance.Site{Door: s.door, Store: s.Store, Browser: s.browser(), Cookies: cookies, SlowDown: ErrSlowDown, Busy: ErrBusy}.Open(s.Proxies, atOnce)
	s.asks = visitor.NewLimits(s.Proxies, perAddress, pageBurst, addresses)
	s.templates = parsed()
	mux := http.NewServeMux()
	for _, r := range table() {
		mux.Handle(r.pattern, s.answer(r))
	}
	// Whoever loads the address of a form is led to the page that holds it.
	for _, r := range table() {
		if path, form := strings.CutPrefix(r.pattern, "POST "); form && !hasPage(path) {
			mux.Handle("GET "+path, s.answer(route{"GET " + path, r.who, "", func(_ *Server, v *visit) error { return v.to(r.page) }}))
		}
	}
	files, err := fs.Sub(static, "static")
	if err != nil {
		panic(err) // the files are part of the binary
	}
	kept := http.StripPrefix("/party/static/", http.FileServerFS(files))
	mux.Handle("GET /party/static/", s.observed(route{"GET /party/static/", anybody, "", nil}, func(v *visit) error {
		kept.ServeHTTP(v.w, v.r)
		return nil
	}))
	mux.Handle("/party", s.answer(nowhere))
	mux.Handle("/party/", s.answer(nowhere))
	ours := http.NewCrossOriginProtection()
	ours.SetDenyHandler(s.answer(route{"elsewhere", anybody, "", func(*Server, *visit) error { return ErrElsewhere }}))
	pages := ours.Handler(mux)
	return s.browser().Secure(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cross-Origin-Resource-Policy", "same-origin")
		pages.ServeHTTP(w, r)
	}))
}

// nowhere answers for every address that no route has.
var nowhere = route{"/party/", anybody, "", func(*Server, *visit) error { return ErrNoPage }}

// Door is how persons of parties sign in here.
func (s *Server) Door() signin.Door {
	return signin.Door{Ring: s.Ring, Site: passkey.NewSite(s.URL), Idle: s.Idle, Most: s.Most, Parties: true}
}

// SetUpURL is the address of a link by which a person of a party sets up how to sign in.
func SetUpURL(base, link string) string { return base + "/party/setup/" + link }

// A visit is a request, and who sends it.
type visit struct {
	s    *Server
	seen *edge.Request // what the log says of it
	w    *visitor.Answered
	r    *http.Request
	call string // "rq_…"
	lang i18n.Lang
	in   signin.Session // the zero Session: nobody is signed in
	by   party.Client   // the party of who is signed in
	// late is why the party stands no more, or not yet: then it is shown what it owes, and
	// nothing of what it gets. It is nil of one that stands.
	late *errs.Error
	now  time.Time

	attempt *errs.Error // the first refusal that is one: see tried
}

// answer returns a handler of a route: who is it, may they, and then what the route does. A
// refusal is a page, too.
func (s *Server) answer(rt route) http.Handler {
	return s.observed(rt, func(v *visit) error { return s.admit(rt, v) })
}

// observed is the way of every request, also of a file and of one that no route takes.
func (s *Server) observed(rt route, does func(*visit) error) http.Handler {
	return edge.Edge{Name: "desk", Log: s.Log, Metrics: s.Metrics, Traces: s.Traces}.Observe(rt.pattern, func(o *edge.Request) error {
		o.R.Body = http.MaxBytesReader(o.W.ResponseWriter, o.R.Body, cmp.Or(withFiles[rt.pattern], maxForm))
		v := &visit{s: s, seen: o, w: o.W, r: o.R, lang: edge.Lang(o.R), call: o.Call}
		o.Refuse = func(err error) { s.refuse(v, rt, err) }
		defer func() {
			if v.in.ID != "" {
				o.Actor = "party"
			}
		}()
		err := does(v)
		if err != nil {
			v.notes(errs.Of(err))
		}
		s.tried(v)
		return err
	})
}

// attempts are the refusals that tell of somebody who looks for what is another's: they are in
// the ledger; of bundles see bundleRefused. No other site can have a browser load an address for somebody who is signed in.
var attempts = []*errs.Error{assistance.ErrNotFound, order.ErrNotFound, order.ErrParty, incident.ErrNotFound, ErrText}

// notes keeps the first refusal that tells of an attempt.
func (v *visit) notes(e *errs.Error) {
	if v.attempt == nil && slices.ContainsFunc(attempts, func(a *errs.Error) bool { return a.Code == e.Code }) {
		v.attempt = e
	}
}

// tried records an attempt. It was refused, whether this succeeds or not.
func (s *Server) tried(v *visit) {
	if v.attempt == nil || v.in.ID == "" {
		return
	}
	ctx := context.WithoutCancel(v.r.Context())
	err := s.Store.Update(ctx, func(tx *db.Tx) error {
		_, err := staff.Tried(ctx, tx, v.in.Person, v.attempt, "")
		return err
	})
	if err != nil {
		s.Log.ErrorContext(ctx, "desk: an attempt isn't recorded", "code", v.attempt.Code, "error", err)
	}
}

// admit lets a visit through to what the route does.
func (s *Server) admit(rt route, v *visit) error {
	if !s.asks.Allow(v.r) {
		return ErrSlowDown
	}
	ctx := v.r.Context()
	err := v.view(func(ctx context.Context, tx *db.Tx) error {
		v.now = tx.Now()
		return v.who(ctx, tx)
	})
	over := errs.Of(err)
	if err != nil && !over.Is(signin.ErrSignedOut) && !over.Is(party.ErrKeyOver) {
		return err
	}
	if err := v.legible(); err != nil {
		return err
	}
	switch {
	case rt.who == anybody:
		return rt.does(s, v)
	case err != nil && over.Is(party.ErrKeyOver):
		return err
	case v.in.ID == "":
		return v.to("/party/in", "to", v.back(rt))
	case v.r.Method == http.MethodPost && rt.who == freshlyTheirs && v.in.IsFresh(v.now) != nil:
		return v.to("/party/in", "to", v.back(rt), "again", "")
	case rt.who != theirs && rt.who != freshlyTheirs:
		return ErrNoPage // a route that says nothing is nobody's
	}
	stale := v.in.Stale(v.now)
	if err := rt.does(s, v); err != nil || !stale {
		return err
	}
	// In a transaction of its own: a page that only looks takes no writer, but for once a
	// minute. The page has been sent: if this fails, the session ends the sooner.
	if err := s.Store.Update(ctx, func(tx *db.Tx) error { return s.door.Seen(ctx, tx, v.in) }); err != nil {
		s.Log.WarnContext(ctx, "desk: that a session is used isn't noted", "error", err)
	}
	return nil
}

// who finds out who is signed in, and how the party stands. Errors: signin.ErrSignedOut;
// party.ErrKeyOver, once it may not even tell us anything.
func (v *visit) who(ctx context.Context, tx *db.Tx) error {
	v.in, v.by, v.late = signin.Session{}, party.Client{}, nil
	in, err := v.s.door.Find(ctx, tx, v.s.site.Kept(v.r))
	if err != nil {
		return err
	}
	by, err := party.ClientAt(ctx, tx, in.Person.Seat)
	if err != nil {
		return err
	}
	switch deaf := by.Deaf(tx.Now()); {
	case errors.Is(deaf, party.ErrKeyRevoked):
		return signin.ErrSignedOut // who sat there was signed out with it
	case deaf != nil:
		return deaf
	}
	if err := by.May(ctx, tx, false); err != nil {
		if v.late = errs.Of(err); v.late.Kind == errs.Internal {
			return err
		}
	}
	v.in, v.by = in, by
	return nil
}

// legible refuses an address or a form that holds what is no text: the stores don't agree on
// what becomes of it, and no browser sends it by itself.
func (v *visit) legible() error {
	if !visitor.IsText(v.r.URL.Path) {
		return ErrNoPage
	}
	if v.r.Method == http.MethodPost {
		err := v.r.ParseMultipartForm(maxDocument)
		var large *http.MaxBytesError
		switch {
		case errors.As(err, &large):
			return ErrTooLarge
		case err != nil && !errors.Is(err, http.ErrNotMultipart):
			return ErrText
		}
	}
	if !visitor.AreText(v.r.URL.Query(), v.r.PostForm) {
		return ErrText
	}
	return nil
}

// back is the page that a visit comes back to once its person has signed in.
func (v *visit) back(rt route) string {
	if v.r.Method == http.MethodGet && rt.page == "" {
		return v.r.URL.Path
	}
	return v.path(rt.page)
}

// path fills in the wildcards of a page's route.
func (v *visit) path(page string) string {
	for _, name := range []string{"task", "order", "bundle", "leak"} {
		page = strings.ReplaceAll(page, "{"+name+"}", url.PathEscape(v.r.PathValue(name)))
	}
	return page
}

// to leads to a page, in the same language, with what stands in its query.
func (v *visit) to(page string, pairs ...string) error {
	q := url.Values{"lang": {string(v.lang)}}
	for i := 0; i+1 < len(pairs); i += 2 {
		q.Set(pairs[i], pairs[i+1])
	}
	http.Redirect(v.w, v.r, v.path(page)+"?"+q.Encode(), http.StatusSeeOther)
	return nil
}

// next is where a form says to go on: a page of the desk, whatever was sent.
func (v *visit) next() string { return visitor.Within("/party", v.r.FormValue("to")) }

// view runs fn in a transaction that only reads.
func (v *visit) view(fn func(ctx context.Context, tx *db.Tx) error) error {
	ctx := v.r.Context()
	return v.s.Store.View(ctx, func(tx *db.Tx) error { return fn(ctx, tx) })
}

// act runs fn for whoever is signed in, in a transaction that may write, in which it is looked
// up again who that is, and that the party may still tell us something.
func (v *visit) act(fn func(ctx context.Context, tx *db.Tx) error) error {
	ctx := v.r.Context()
	return v.s.Store.Update(ctx, func(tx *db.Tx) error {
		if err := v.who(ctx, tx); err != nil {
			return err
		}
		return fn(ctx, tx)
	})
}

// None is one of the console's.
var cookies = entrance.Cookies{Session: "wardkeep_party", Passkey: "wardkeep_party_passkey", SetUp: "wardkeep_party_setup"}

func (s *Server) browser() visitor.Browser { return visitor.At(s.URL) }

// keep has the browser keep the secret of a session.
func (v *visit) keep(in signin.Session, secret string) { v.s.site.Keep(v.w, in, secret, v.now) }

// parsed returns all pages, which each server of this process shows.
var parsed = edge.Pages(pageFiles, "desk", nil)

// A frame is what layout.html shows around a page.
type frame struct {
	Page   any
	Person staff.Person
	Menu   []item
	Other  i18n.Lang
	Switch string // "" where the page can't be had again
}

// An item of the menu leads to a page.
type item struct {
	Name, To string
	Here     bool
}

func (v *visit) menu() (all []item) {
	if v.in.ID == "" {
		return nil
	}
	for _, to := range []string{"/party", "/party/tasks", "/party/orders", "/party/bundles", "/party/leaks", "/party/end", "/party/account"} {
		_, name, _ := strings.Cut(strings.TrimPrefix(to, "/"), "/")
		all = append(all, item{cmp.Or(name, "home"), to, to == v.r.URL.Path})
	}
	return all
}

// show sends a page. It renders to memory first, so that a page is sent whole or not at all.
func (v *visit) show(status int, name string, page any) error {
	f := frame{Page: page, Person: v.in.Person, Menu: v.menu(), Other: other(v.lang)}
	if v.r.Method == http.MethodGet {
		q := v.r.URL.Query()
		kept := url.Values{"lang": {string(f.Other)}}
		for _, name := range []string{"from", "again"} {
			if q.Has(name) && status == http.StatusOK { // what led nowhere isn't repeated
				kept.Set(name, q.Get(name))
			}
		}
		if q.Has("to") {
			kept.Set("to", v.next())
		}
		f.Switch = "?" + kept.Encode()
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

// words are those of a refusal for whoever fills in a form: some are written for programmers,
// and are said otherwise here.
func (v *visit) words(e *errs.Error) string {
	if own := "desk.says." + e.Code; v.lang.Has(own) {
		return v.lang.T(own)
	}
	return v.lang.T(e.Code)
}

// problem says in words what a form did wrong; an error that isn't the visitor's is returned.
func (v *visit) problem(err error) (words, field string, status int, fault error) {
	if err == nil {
		return "", "", http.StatusOK, nil
	}
	e := errs.Of(err)
	if e.Kind == errs.Internal || e.Kind == errs.NotFound || e.Is(signin.ErrSignedOut) {
		return "", "", 0, err
	}
	entrance.RetryAfter(v.w.Header(), err, v.now)
	v.seen.Code = e.Code
	v.notes(e)
	return v.words(e), e.Field, int(e.Kind), nil
}

// refusalPage is what refusal.html shows.
type refusalPage struct {
	Text, Code, Call string
	To               string // where it goes on
}

// refuse tells the visitor what errs.Of lets them know, and leads them on.
func (s *Server) refuse(v *visit, rt route, err error) {
	e := errs.Of(err)
	if e.Is(signin.ErrSignedOut) {
		_ = v.to("/party/in")
		return
	}
	entrance.RetryAfter(v.w.Header(), err, v.now)
	page := refusalPage{Text: v.words(e), Code: e.Code, Call: v.call, To: "/party"}
	if err := v.show(int(e.Kind), "refusal", page); err != nil {
		http.Error(v.w, page.Text, int(e.Kind))
	}
}

func other(l i18n.Lang) i18n.Lang {
	if l == i18n.English {
		return i18n.Chinese
	}
	return i18n.English
}

// pager has the addresses of the other pages of a list, "" where there is none.
type pager struct {
	First string // on any other page than the first
	Next  string
}

// paged reads a page of a list that goes on behind the row which the address names.
func paged[T any](v *visit, find func(id string) (T, error), list func(after T, limit int) ([]T, error), name func(T) string) (all []T, p pager, err error) {
	from, next := v.r.URL.Query().Get("from"), ""
	var after T
	if from != "" {
		if after, err = find(from); err != nil {
			return nil, p, err
		}
	}
	if all, err = list(after, perPage+1); err != nil {
		return nil, p, err
	}
	if len(all) > perPage {
		all, next = all[:perPage], name(all[perPage-1])
	}
	return all, v.pager(from, next), nil
}

// pager returns them for the page that begins behind from, "" on the first; next is what the
// following one begins behind, "" on the last.
func (v *visit) pager(from, next string) (p pager) {
	page := func(q url.Values) string {
		q.Set("lang", string(v.lang))
		return "?" + q.Encode()
	}
	if from != "" {
		p.First = page(url.Values{})
	}
	if next != "" {
		p.Next = page(url.Values{"from": {next}})
	}
	return p
}
