// Package console serves the pages of the persons inside: the officer and the deputy,
// those whom they authorise, who runs the system, and who audits it (Article 15).
//
// Its one invariant: a route is in one table (table), with who may ask for it, and
// nothing answers that isn't. What a role may is in staff.Matrix and nowhere here. A
// page is sent whole or not at all, to nobody but the one it was made for: it is not
// cached, not framed, and loads nothing from elsewhere.
package console

import (
	"bytes"
	"cmp"
	"context"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/edge"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/base/pages"
	"wardkeep/internal/base/visitor"
	"wardkeep/internal/base/watch"
	"wardkeep/internal/base/workday"
	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
	"wardkeep/internal/complaint"
	"wardkeep/internal/consent"
	"wardkeep/internal/entrance"
	"wardkeep/internal/incident"
	"wardkeep/internal/inspection"
	"wardkeep/internal/message"
	"wardkeep/internal/passkey"
	"wardkeep/internal/provider"
	"wardkeep/internal/rectification"
	"wardkeep/internal/register"
	"wardkeep/internal/rights"
	"wardkeep/internal/shield"
	"wardkeep/internal/signin"
	"wardkeep/internal/staff"
	"wardkeep/internal/stream"
	"wardkeep/internal/suspicion"
	"wardkeep/internal/takedown"
	"wardkeep/internal/vault"
	"wardkeep/internal/verification"
	"wardkeep/internal/warning"
)

//go:embed pages/*.html
var pageFiles embed.FS

//go:embed static
var static embed.FS

// What the console refuses.
var (
	ErrElsewhere = errs.New(errs.Forbidden, "console.elsewhere") // a form was sent from another site
	ErrNoPage    = errs.New(errs.NotFound, "console.no_page")    // nothing is at this address
	ErrSlowDown  = errs.New(errs.TooMany, "console.slow_down")   // too often, from one address
	ErrBusy      = errs.New(errs.Unavailable, "console.busy")    // too many sign in at this moment
	ErrText      = errs.New(errs.Invalid, "console.no_text")     // what was sent can't be written down
	ErrSuspended = errs.New(errs.Forbidden, "console.suspended") // until the office has reviewed what they opened: see approval.Suspended
)

// A Server serves the console.
type Server struct {
	Store *db.DB
	Ring  *keyring.Ring
	// URL is where it is reached, without a slash at the end: passkeys are good there, and
	// links to set up an account begin with it.
	URL string
	// Desk is where the pages of processors and recipients are reached, without a slash at the end.
	Desk string
	// Warnings tells those whom a case has reached.
	Warnings warning.Teller
	// Bundles are archives for an authority.
	Bundles Maker
	Log     *slog.Logger
	// Idle and Most are how long a session lasts; zeros are signin's.
	Idle, Most time.Duration
	// Proxies are believed when they say for whom they ask (X-Forwarded-For).
	Proxies []netip.Prefix
	Metrics *watch.Metrics // nil: nothing is counted
	Traces  *watch.Traces  // nil: nothing is traced
	Vault   *vault.Vault
	// Patience is for how long the system may be late with what it does by itself, before
	// the due list and the board say so; zero is ten minutes.
	Patience time.Duration
	// Calendar counts working days, and Clocks are how long what is demanded may take.
	Calendar workday.Calendar
	Clocks   rights.Clocks
	// LedgerKey verifies the ledger's checkpoints. It is public.
	LedgerKey string
	// Provider knows who persons inside are, and Roles are what its groups give; nil:
	// nobody comes in by one.
	Provider *provider.Provider
	Roles    []signin.Mapped
	// Farewell writes to where somebody was told of alarms before; nil: nobody is told.
	Farewell *message.Farewell
	// Counter counts for the registers; nil: one of its own, for which those who ask count.
	Counter *register.Counter
	// System is the process around it.
	System System

	door      signin.Door
	site      *entrance.Site // at which they come in
	templates map[i18n.Lang]*pages.Set
	asks      *visitor.Limits // for any page
	tests     tests
	taken     hourly        // lists as files
	missed    hourly        // look-ups that found nobody
	reported  hourly        // accounts that may be a child's
	worded    hourly        // what has happened to a child, read
	scans     chan struct{} // documents that are being drawn
}

const (
	perAddress  = 10 // pages a second of one address
	pageBurst   = 100
	addresses   = 20000           // remembered at most
	atOnce      = 4               // passwords are stretched, at 19 MiB each
	maxForm     = 64 << 10        // bytes
	maxDraft    = 8 << 20         // the files of a charter
	maxDocument = 5 << 20         // one document
	maxWait     = 5 * time.Second // for the document before
)

// withFiles is how many bytes the forms have that bring files. They fit into the memory that
// is taken for them: no file of a form is ever on disk (invariant 9).
var withFiles = map[string]int64{
	"POST /console/charters/{service}/new":                         maxDraft,
	"POST /console/demands/new":                                    maxDocument,
	"POST /console/offices/{service}/fill":                         maxDocument,
	"POST /console/offices/{service}/handover":                     maxDocument,
	"POST /console/offices/{service}/records":                      maxDocument,
	"POST /console/rectifications/{service}/{rectification}/prove": maxDocument,
	"POST /console/yearly/{service}/{year}":                        maxDocument,
	"POST /console/yearly/{service}/{year}/new":                    maxDocument,
	"POST /console/parties/{service}/{role}/{party}/{form}":        maxDocument,
	"POST /console/charters/{service}/{version}/impact/{purpose}":  maxDocument,
}

// Handler returns the console, for the paths /console and below.
func (s *Server) Handler() http.Handler {
	s.door = s.Door()
	s.site = entrance.Site{Door: s.door, Store: s.Store, Browser: s.browser(), Cookies: cookies, SlowDown: ErrSlowDown, Busy: ErrBusy}.Open(s.Proxies, atOnce)
	s.asks = visitor.NewLimits(s.Proxies, perAddress, pageBurst, addresses)
	s.scans = make(chan struct{}, 1)
	s.templates = parsed()
	if s.Counter == nil {
		s.Counter = new(register.Counter)
	}
	if s.Warnings.Consent.Ring == nil {
		s.Warnings.Consent = consent.Desk{Ring: s.Ring, Charters: s.Vault.Gate.Charters}
	}
	mux := http.NewServeMux()
	for _, r := range table() {
		mux.Handle(r.pattern, s.answer(r))
	}
	// Whoever loads the address of a form is led to the page that holds it.
	for _, r := range table() {
		if path, form := strings.CutPrefix(r.pattern, "POST "); form && !hasPage(path) {
			mux.Handle("GET "+path, s.answer(route{"GET " + path, r.who, r.action, "", func(s *Server, v *visit) error { return v.to(r.page) }}))
		}
	}
	files, err := fs.Sub(static, "static")
	if err != nil {
		panic(err) // the files are part of the binary
	}
	kept := http.StripPrefix("/console/static/", http.FileServerFS(files))
	mux.Handle("GET /console/static/", s.observed(route{"GET /console/static/", anybody, "", "", nil}, func(v *visit) error {
		kept.ServeHTTP(v.w, v.r)
		return nil
	}))
	mux.Handle("/console", s.answer(nowhere))
	mux.Handle("/console/", s.answer(nowhere))
	ours := http.NewCrossOriginProtection()
	ours.SetDenyHandler(s.answer(route{"elsewhere", anybody, "", "", func(*Server, *visit) error { return ErrElsewhere }}))
	pages := ours.Handler(mux)
	return s.browser().Secure(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cross-Origin-Resource-Policy", "same-origin")
		pages.ServeHTTP(w, r)
	}))
}

// nowhere answers for every address that no route has.
var nowhere = route{"/console/", anybody, "", "", func(*Server, *visit) error { return ErrNoPage }}

// Door is how persons inside sign in here.
func (s *Server) Door() signin.Door {
	return signin.Door{Ring: s.Ring, Site: passkey.NewSite(s.URL), Provider: s.Provider, Roles: s.Roles, Idle: s.Idle, Most: s.Most}
}

// SetUpURL is the address of a link by which a person sets up how to sign in.
func SetUpURL(base, link string) string { return base + "/console/setup/" + link }

// ProviderBack is the address at which the operator's provider leads browsers back, and
// ProviderOut the one at which it says that somebody has signed out there.
const (
	ProviderBack = "/console/in/provider/back"
	ProviderOut  = "/console/in/provider/out"
)

// A visit is a request, and who sends it.
type visit struct {
	s     *Server
	seen  *edge.Request // what the log says of it
	w     *visitor.Answered
	r     *http.Request
	call  string // "rq_…"
	lang  i18n.Lang
	in    signin.Session // the zero Session: nobody is signed in
	held  bool           // whoever is signed in is suspended
	now   time.Time
	all   []catalog.Service // that there are, where the route is about the system
	keeps url.Values        // of the address: what the same page in the other language is of, too
	rule  staff.Action

	attempt *errs.Error // the first refusal that is one: see tried
}

// answer returns a handler of a route: who is it, may they, and then what the route
// does. A refusal is a page, too.
func (s *Server) answer(rt route) http.Handler {
	return s.observed(rt, func(v *visit) error { return s.admit(rt, v) })
}

// observed is the way of every request, also of a file and of one that no route takes.
func (s *Server) observed(rt route, does func(*visit) error) http.Handler {
	return edge.Edge{Name: "console", Log: s.Log, Metrics: s.Metrics, Traces: s.Traces}.Observe(rt.pattern, func(o *edge.Request) error {
		o.R.Body = http.MaxBytesReader(o.W.ResponseWriter, o.R.Body, cmp.Or(withFiles[rt.pattern], maxForm))
		v := &visit{s: s, seen: o, w: o.W, r: o.R, lang: edge.Lang(o.R), rule: rt.action, call: o.Call}
		o.Refuse = func(err error) { s.refuse(v, rt, err) }
		defer func() {
			if v.in.ID != "" {
				o.Actor = "staff"
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

// attempts are the refusals that tell of somebody who looks for a way around: they are in
// the ledger, as what the gate denies is.
var attempts = []*errs.Error{staff.ErrMayNot, approval.ErrMayNot, approval.ErrSelf, approval.ErrMade, approval.ErrMaker, approval.ErrForged, approval.ErrInOffice, approval.ErrSuspended, ErrSuspended, approval.ErrAgreed, approval.ErrBehind, approval.ErrNotTwo, approval.ErrOfficer, approval.ErrLooked,
	staff.ErrSelf, staff.ErrTerminal, ErrFields, ErrText, ErrNotByScript, ErrOnlyAgain, catalog.ErrOwn, catalog.ErrForged,
	rights.ErrMayNot, rights.ErrSecondPerson, rights.ErrOffice, ErrNotHandled,
	suspicion.ErrMayNot, suspicion.ErrNotTaken, takedown.ErrMayNot, takedown.ErrNotTaken, stream.ErrMayNot, shield.ErrMayNot, incident.ErrMayNot, incident.ErrSecond, warning.ErrMayNot, warning.ErrSecond, warning.ErrMaybeOne, complaint.ErrMayNot, rectification.ErrMayNot, inspection.ErrMayNot, rectification.ErrSecond, rectification.ErrMaybeOne, approval.ErrNoOffice, verification.ErrNotStaff, verification.ErrUnseen, verification.ErrSameStaff, verification.ErrMaybeOne}

// requestsAt is what the address of every request for a look begins with, and shownAt those
// of all pages on which something of a child or a guardian is shown, or what an account or a
// content is called.
const requestsAt = "/console/access/requests/"

var shownAt = []string{requestsAt, "/console/evidence/", "/console/demands/", "/console/suspicions/", "/console/takedowns/", "/console/incidents/", "/console/rectifications/", "/console/shields/", "/console/reports/"}

// notes keeps the first refusal that tells of an attempt: what is shown after it may be
// another, for who may not see a page isn't told that it is there. Of a form it is one of
// attempts. Whoever only loads addresses looks for a way around where values are shown:
// there (shownAt), each that isn't theirs, or leads nowhere, is one. No other site can have a browser
// load it for somebody who is signed in.
func (v *visit) notes(e *errs.Error) {
	is := slices.ContainsFunc(attempts, func(a *errs.Error) bool { return a.Code == e.Code })
	if v.r.Method != http.MethodPost {
		shown := slices.ContainsFunc(shownAt, func(begins string) bool { return strings.HasPrefix(v.r.URL.Path, begins) })
		is = e.Code == ErrFields.Code || shown && (e.Kind == errs.Forbidden || e.Kind == errs.NotFound)
	}
	if is && v.attempt == nil {
		v.attempt = e
	}
}

// notTheirs notes that a form is about something that is there, and not for the person.
func (v *visit) notTheirs() {
	if v.r.Method == http.MethodPost {
		v.notes(staff.ErrMayNot)
	}
}

// tried records an attempt. It was refused, whether this succeeds or not.
func (s *Server) tried(v *visit) {
	if v.attempt == nil || v.in.ID == "" {
		return
	}
	request := v.r.PathValue("request")
	if below, is := strings.CutPrefix(v.r.URL.Path, requestsAt); is && request == "" {
		_, request, _ = strings.Cut(below, "/")
		request, _, _ = strings.Cut(request, "/")
	}
	if !id.Is(id.Look, request) {
		request = "" // what a stranger writes is no name, and gets nowhere
	}
	ctx := context.WithoutCancel(v.r.Context())
	err := s.Store.Update(ctx, func(tx *db.Tx) error {
		_, err := staff.Tried(ctx, tx, v.in.Person, v.attempt, request)
		return err
	})
	if err != nil {
		s.Log.ErrorContext(ctx, "console: an attempt isn't recorded", "code", v.attempt.Code, "error", err)
	}
}

// admit lets a visit through to what the route does, if the table of routes and the
// matrix let it.
func (s *Server) admit(rt route, v *visit) error {
	if !s.asks.Allow(v.r) {
		return ErrSlowDown
	}
	stale := false
	ctx := v.r.Context()
	err := s.Store.View(ctx, func(tx *db.Tx) (err error) {
		v.now = tx.Now()
		v.in, err = s.door.Find(ctx, tx, s.site.Kept(v.r))
		stale = err == nil && v.in.Stale(tx.Now())
		if err == nil {
			v.held, err = approval.Suspended(ctx, tx, s.Ring, v.in.Person.ID)
		}
		if err == nil && (rt.action == staff.SeeSystem || rt.ofAll()) {
			v.all, err = catalog.List(ctx, tx)
		}
		return err
	})
	if err != nil && !errs.Of(err).Is(signin.ErrSignedOut) {
		return err
	}
	if err := v.legible(); err != nil {
		return err
	}
	switch {
	case rt.who == anybody:
		return rt.does(s, v)
	case v.in.ID == "":
		return v.to("/console/in", "to", v.back(rt))
	case (rt.who == whoMay || rt.who == freshlyMay) && !v.in.Person.MaySomewhere(rt.action), rt.ofAll() && !v.in.Person.MayEverywhere(rt.action, v.all):
		return staff.ErrMayNot
	case v.held && rt.shut(): // Article 15: what two have opened is reviewed within a day
		return ErrSuspended
	case v.r.Method == http.MethodPost && (rt.who == freshlyIn || rt.who == freshlyMay || rt.who == whoMay && staff.RuleOf(rt.action).Fresh) && v.in.IsFresh(v.now) != nil:
		if v.isJobs() && v.r.Header.Get("Sec-Fetch-Mode") == "cors" {
			return v.in.IsFresh(v.now) // a script can't show who somebody is
		}
		return v.to("/console/again", "to", v.back(rt))
	case rt.who != whoMay && rt.who != freshlyMay && rt.who != signedIn && rt.who != freshlyIn:
		return staff.ErrMayNot // a route that says nothing is nobody's
	}
	// A page that asks by itself is nobody who uses the session.
	if err := rt.does(s, v); err != nil || !stale || v.isJobs() && v.r.Method == http.MethodGet {
		return err
	}
	// In a transaction of its own: a page that only looks takes no writer, but for once
	// a minute. The page has been sent: if this fails, the session ends the sooner.
	if err := s.Store.Update(ctx, func(tx *db.Tx) error { return s.door.Seen(ctx, tx, v.in) }); err != nil {
		s.Log.WarnContext(ctx, "console: that a session is used isn't noted", "error", err)
	}
	return nil
}

// legible refuses an address or a form that holds what is no text: the stores don't agree
// on what becomes of it, and no browser sends it by itself. What comes with a file is read,
// and refused, where the file is.
func (v *visit) legible() error {
	if !visitor.IsText(v.r.URL.Path) {
		return ErrNoPage
	}
	if v.r.Method == http.MethodPost {
		if err := v.r.ParseForm(); err != nil {
			return ErrText
		}
	}
	return areText(v.r.URL.Query(), v.r.PostForm)
}

// areText refuses fields that hold what is no text.
func areText(all ...url.Values) error {
	if !visitor.AreText(all...) {
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
	for _, name := range []string{"person", "service", "purpose", "request", "app", "endpoint", "article", "picture", "version", "record", "place", "demand", "claim", "suspicion", "takedown", "incident", "stream", "rectification", "inspection", "year", "note", "notice", "shield", "complaint", "attempt", "role", "party", "form", "order"} {
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

// next is where a form says to go on: a page of the console, whatever was sent.
func (v *visit) next() string { return within(v.r.FormValue("to")) }

// within returns the address if it is one of the console's, and else its first page.
func within(to string) string { return visitor.Within("/console", to) }

// view runs fn in a transaction that only reads.
func (v *visit) view(fn func(ctx context.Context, tx *db.Tx) error) error {
	ctx := v.r.Context()
	return v.s.Store.View(ctx, func(tx *db.Tx) error { return fn(ctx, tx) })
}

// act runs fn for whoever is signed in, in a transaction that may write, in which it is
// looked up again who that is and what they may.
func (v *visit) act(fn func(ctx context.Context, tx *db.Tx, in signin.Session) error) error {
	ctx := v.r.Context()
	return v.s.Store.Update(ctx, func(tx *db.Tx) error {
		in, err := v.s.door.Find(ctx, tx, v.s.site.Kept(v.r))
		if err != nil {
			return err
		}
		if v.rule != "" && !in.Person.MaySomewhere(v.rule) {
			return staff.ErrMayNot
		}
		return fn(ctx, tx, in)
	})
}

// actFreshly is act for who has shown within minutes who they are.
func (v *visit) actFreshly(fn func(ctx context.Context, tx *db.Tx, in signin.Session) error) error {
	return v.act(func(ctx context.Context, tx *db.Tx, in signin.Session) error {
		if err := in.IsFresh(tx.Now()); err != nil {
			return err
		}
		return fn(ctx, tx, in)
	})
}

var cookies = entrance.Cookies{Session: "wardkeep_staff", Passkey: "wardkeep_staff_passkey", SetUp: "wardkeep_staff_setup"}

// askedCookie is what binds a question that the operator's provider is asked to the browser.
const askedCookie = "wardkeep_staff_asked"

func (s *Server) browser() visitor.Browser { return visitor.At(s.URL) }

// keep has the browser keep the secret of a session.
func (v *visit) keep(in signin.Session, secret string) { v.s.site.Keep(v.w, in, secret, v.now) }

// parsed returns all pages, which each server of this process shows.
var parsed = edge.Pages(pageFiles, "console", func(lang i18n.Lang) template.FuncMap {
	return template.FuncMap{"country": func(code string) string { return charter.CountryIn(code, charter.Lang(lang)) }}
})

// shanghai is the clock that the law's days are told by.
var shanghai = edge.Zone

// A frame is what layout.html shows around a page.
type frame struct {
	Page   any
	Person staff.Person
	Menu   []group
	Other  i18n.Lang
	Switch string // "" where the page can't be had again
}

// show sends a page. It renders to memory first, so that a page is sent whole or not at
// all.
func (v *visit) show(status int, name string, page any) error {
	f := frame{Page: page, Person: v.in.Person, Menu: v.menu(), Other: other(v.lang)}
	if v.r.Method == http.MethodGet {
		q := url.Values{"lang": {string(f.Other)}}
		for name := range v.keeps {
			q.Set(name, v.keeps.Get(name))
		}
		if to := v.r.URL.Query().Get("to"); to != "" {
			q.Set("to", v.next())
		}
		f.Switch = "?" + q.Encode()
	}
	var b bytes.Buffer
	if err := v.s.templates[v.lang].Execute(&b, name, f); err != nil {
		return fmt.Errorf("render %s: %w", name, err)
	}
	if v.in.ID != "" {
		visitor.Script(v.w) // the keys
	}
	v.seen.Shows = name
	v.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	v.w.WriteHeader(status)
	_, err := b.WriteTo(v.w)
	return err
}

// problem says in words what a form did wrong; an error that isn't the visitor's is
// returned.
func (v *visit) problem(err error) (words string, status int, fault error) {
	if err == nil {
		return "", http.StatusOK, nil
	}
	e := errs.Of(err)
	if e.Kind == errs.Internal || e.Is(signin.ErrSignedOut) {
		return "", 0, err
	}
	entrance.RetryAfter(v.w.Header(), err, v.now)
	v.seen.Code = e.Code
	v.notes(e)
	return v.lang.T(e.Code), int(e.Kind), nil
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
		_ = v.to("/console/in")
		return
	}
	entrance.RetryAfter(v.w.Header(), err, v.now)
	if v.isJobs() {
		v.refuseJSON(e)
		return
	}
	page := refusalPage{Text: v.lang.T(e.Code), Code: e.Code, Call: v.call, To: "/console"}
	if rt.page != "" {
		page.To = v.path(rt.page)
	}
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
