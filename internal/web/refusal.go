package web

import (
	"errors"
	"net/http"
	"path"
	"slices"
	"strings"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/gate"
	"wardkeep/internal/receipt"
	"wardkeep/internal/rights"
	"wardkeep/internal/session"
	"wardkeep/internal/vault"
	"wardkeep/internal/verification"
)

// refusalPage is what public/refusal.html shows: what happened, what to do, and
// the ways on from here, of which there is one at least.
type refusalPage struct {
	Title, Code, Call string
	Text              []string // in paragraphs
	Ways              []way
	Minor             bool // it is the minor itself who is at a page of its own (edge case 4)
}

func (p refusalPage) toMinor() bool { return p.Minor }

// A way leads on from a refusal.
type way struct {
	Label, To string
	Post      bool // it is a button, because it does something
}

// A mishap is how a refusal is told to somebody at a page.
type mishap struct {
	title string         // the key of what happened, in a few words
	told  string         // the key of what to do, where the first of the ways is there; "": as the API says it
	ways  []func(on) way // what can be done
}

// on is where somebody met a refusal. What leads on from an address that has a
// secret is relative to it: a refusal repeats nothing that was sent.
type on struct {
	voice
	route string // of the address; "/" where there is no other
	page  string // the route of the page that the visitor was at, perhaps with a part of it: "/home/{tie}#held"
	get   bool
}

// asksMinor reports whether the link in the path is of a request to a minor itself. Who
// can't be found out about is addressed as a guardian.
func (s *Server) asksMinor(r *http.Request) (minor bool) {
	if r.PathValue("token") == "" {
		return false
	}
	_ = s.Store.View(r.Context(), func(tx *db.Tx) error {
		req, err := s.find(r.Context(), tx, r)
		if req.ID != "" { // whatever became of it
			minor, err = consent.OfMinor(r.Context(), tx, req)
		}
		return err
	})
	return minor
}

// pagesBack are the pages that a refusal leads back to, by their routes, with the
// words that say so.
var pagesBack = map[string]string{
	"/":                   "web.way.home",
	"/c":                  "web.way.code",
	"/ask/{ask}":          "web.way.ask",
	"/r/{token}":          "web.way.request",
	"/r/{token}/receipt":  "web.way.receipt",
	"/r/{token}/identity": "web.identity.again",
	"/home":               "web.way.mine",
	"/home/code":          "web.way.home_code",
	"/home/passkeys":      "web.way.passkeys",
	"/home/{tie}":         "web.way.child",
	"/port":               "web.way.port",
	"/report":             "web.way.report",

	"/rules/{service}/report": "web.way.report_form",
}

// on returns where a request is that came by a pattern of the mux.
func (s *Server) on(pattern string, r *http.Request) on {
	o := on{voice: voice{Lang: lang(r)}, get: r.Method == http.MethodGet || r.Method == http.MethodHead}
	if o.route = pattern[strings.IndexByte(pattern, ' ')+1:]; !strings.HasPrefix(o.route, "/") {
		o.route = "/"
	}
	if o.page = s.holders[pattern]; o.page == "" {
		o.page = o.route
		for pagesBack[o.page] == "" {
			o.page = path.Dir(o.page)
		}
	}
	return o
}

func (o on) below(route string) bool { return strings.HasPrefix(o.route+"/", route+"/") }

// to is the address of a page, with marks in its query. Of one whose route has a
// wildcard the address begins where this one does.
func (o on) to(page string, marks ...string) string {
	page, part, _ := strings.Cut(page, "#")
	to := page
	if strings.Contains(page, "{") {
		up, last := strings.Count(o.route, "/")-strings.Count(page, "/"), path.Base(page)
		switch {
		case page == o.route:
			to = ""
		case !strings.HasPrefix(last, "{"):
			to = strings.Repeat("../", up) + last
		case up == 1:
			to = "./"
		default:
			to = strings.Repeat("../", up-1)
		}
	}
	to += inLang(o.Lang, marks...)
	if part != "" {
		to += "#" + part
	}
	return to
}

// toPage leads back to the page that the visitor was at, unless that page itself
// refused.
func toPage(o on) way {
	page, _, _ := strings.Cut(o.page, "#")
	if o.get && page == o.route {
		return way{}
	}
	return way{Label: o.T(pagesBack[page]), To: o.to(o.page)}
}

// toRetry asks for the same page again.
func toRetry(o on) way {
	if !o.get {
		return way{}
	}
	return way{Label: o.T("web.way.retry"), To: inLang(o.Lang)}
}

func toRequest(o on) way {
	if !o.below("/r/{token}") || o.get && o.route == "/r/{token}" {
		return way{}
	}
	return way{Label: o.T("web.way.request"), To: o.to("/r/{token}")}
}

// toTyping leads back to where a code is typed: the one that was sent still serves.
func toTyping(o on) way {
	to := toRequest(o)
	if to.To != "" {
		to.To = o.to("/r/{token}", "sent")
	}
	return to
}

// toProofs leads back to the stronger proofs, from where one was tried.
func toProofs(o on) way {
	if !o.below("/r/{token}/identity") {
		return way{}
	}
	return way{Label: o.T("web.identity.again"), To: o.to("/r/{token}/identity")}
}

// toAnswers leads to what was answered: the receipt, or the child's page at home.
func toAnswers(o on) way {
	switch {
	case o.below("/home/{tie}"):
		return toPage(o)
	case o.route == "/r/{token}": // which leads to the receipt
		return way{Label: o.T("web.way.receipt"), To: o.to("/r/{token}")}
	case o.below("/r/{token}") && o.route != "/r/{token}/receipt":
		return way{Label: o.T("web.way.receipt"), To: o.to("/r/{token}/receipt")}
	}
	return way{}
}

// toChild leads to the child's page, for who is at home.
func toChild(o on) way {
	if !o.below("/home/{tie}") {
		return way{}
	}
	return toPage(o)
}

// toBack leads back to the request, or to the page at home.
func toBack(o on) way {
	if o.below("/r/{token}") {
		return toRequest(o)
	}
	return toPage(o)
}

func toRenewal(o on) way {
	if !o.below("/r/{token}") || o.minor { // whom nothing is sent
		return way{}
	}
	to := way{Label: o.T("web.way.renew"), To: o.to("/r/{token}"), Post: true}
	if o.route != "/r/{token}" {
		to.To = o.to("/r/{token}/renew")
	}
	return to
}

func toCode(o on) way {
	if o.below("/home") {
		return way{}
	}
	return way{Label: o.T("web.way.code"), To: o.to("/c")}
}

// toHome leads to where everything begins: for who is at home, their children.
func toHome(o on) way {
	home := "/"
	if o.below("/home") {
		home = "/home"
	}
	return way{Label: o.T(pagesBack[home]), To: o.to(home)}
}

// mishaps are the refusals that people at a page meet. What isn't here is told
// in general words.
var mishaps = map[string]mishap{
	consent.ErrLink.Code:            {"web.mishap.link", "", []func(on) way{toCode, toHome}},
	receipt.ErrNoCertificate.Code:   {"web.mishap.no_certificate", "", []func(on) way{toHome}},
	consent.ErrExpired.Code:         {"web.mishap.expired", "web.told.expired", []func(on) way{toRenewal, toHome}},
	consent.ErrAsked.Code:           {"web.mishap.asked_again", "web.told.asked_again", []func(on) way{toRenewal, toHome}},
	consent.ErrCancelled.Code:       {"web.mishap.cancelled", "", []func(on) way{toHome}},
	consent.ErrCeasing.Code:         {"web.mishap.ceasing", "", []func(on) way{toPage, toHome}},
	consent.ErrOver.Code:            {"web.mishap.over", "", []func(on) way{toHome}},
	consent.ErrAnswered.Code:        {"web.mishap.answered", "", []func(on) way{toAnswers}},
	consent.ErrUnanswered.Code:      {"web.mishap.unanswered", "", []func(on) way{toRequest}},
	consent.ErrVerified.Code:        {"web.mishap.not_verified", "", []func(on) way{toRequest}},
	consent.ErrNotShown.Code:        {"web.mishap.not_shown", "", []func(on) way{toRequest}},
	consent.ErrNotice.Code:          {"web.mishap.notice_changed", "", []func(on) way{toRequest}},
	consent.ErrPast14.Code:          {"web.mishap.minor_decides", "", []func(on) way{toChild, toHome}},
	consent.ErrMinorsEnd.Code:       {"web.mishap.expired", "", []func(on) way{toHome}},
	consent.ErrPast18.Code:          {"web.mishap.grown", "web.told.grown", []func(on) way{toHome}},
	consent.ErrMayNot.Code:          {"web.mishap.may_not", "", []func(on) way{toHome}},
	consent.ErrSent.Code:            {"web.mishap.too_often", "web.told.sent", []func(on) way{toPage}},
	consent.ErrSends.Code:           {"web.mishap.too_often", "web.told.sends", []func(on) way{toPage}},
	consent.ErrRenewals.Code:        {"web.mishap.too_often", "", []func(on) way{toHome}},
	consent.ErrRefused.Code:         {"web.mishap.refused", "web.told.refused", []func(on) way{toPage, toHome}},
	consent.ErrCodeWrong.Code:       {"web.mishap.code", "", []func(on) way{toTyping}},
	consent.ErrCodeExpired.Code:     {"web.mishap.code", "", []func(on) way{toRequest}},
	consent.ErrCodeSpent.Code:       {"web.mishap.code", "", []func(on) way{toRequest}},
	consent.ErrCodeLocked.Code:      {"web.mishap.code", "", []func(on) way{toRequest}},
	consent.ErrCodeSends.Code:       {"web.mishap.too_often", "", []func(on) way{toRequest}},
	consent.ErrFollowed.Code:        {"web.mishap.too_often", "", []func(on) way{toHome}},
	consent.ErrWithdrawn.Code:       {"web.mishap.withdrawn", "", []func(on) way{toAnswers}},
	consent.ErrNotFound.Code:        {"web.mishap.no_answer", "web.told.no_answer", []func(on) way{toBack}},
	consent.ErrUnasked.Code:         {"web.mishap.unasked", "web.told.unasked", []func(on) way{toAnswers}},
	consent.ErrMany.Code:            {"web.mishap.many", "web.told.many", []func(on) way{toAnswers}},
	family.ErrErased.Code:           {"web.mishap.erased", "", []func(on) way{toHome}},
	family.ErrNotFound.Code:         {"web.mishap.erased", "web.told.not_here", []func(on) way{toHome}},
	family.ErrHandle.Code:           {"web.mishap.invitation", "", []func(on) way{toPage}},
	family.ErrTied.Code:             {"web.mishap.invitation", "", []func(on) way{toPage}},
	rights.ErrFetched.Code:          {"web.mishap.copy", "", []func(on) way{toPage}},
	rights.ErrStands.Code:           {"web.mishap.stands", "", []func(on) way{toPage}},
	session.ErrSignedOut.Code:       {"web.mishap.signed_out", "", []func(on) way{toHome}},
	vault.ErrNotHeld.Code:           {"web.mishap.not_held", "", []func(on) way{toPage}},
	gate.ErrDenied.Code:             {"web.mishap.denied", "", []func(on) way{toPage}},
	receipt.ErrNotYet.Code:          {"web.mishap.not_yet", "web.told.not_yet", []func(on) way{toRetry, toAnswers}},
	verification.ErrNotFound.Code:   {"web.mishap.identity", "", []func(on) way{toProofs}},
	verification.ErrNotOffered.Code: {"web.mishap.identity", "", []func(on) way{toProofs}},
	verification.ErrName.Code:       {"web.mishap.identity", "", []func(on) way{toProofs}},
	verification.ErrNumber.Code:     {"web.mishap.identity", "", []func(on) way{toProofs}},
	verification.ErrMinor.Code:      {"web.mishap.identity", "", []func(on) way{toProofs}},
	verification.ErrTries.Code:      {"web.mishap.too_often", "", []func(on) way{toProofs}},
	verification.ErrPages.Code:      {"web.mishap.identity", "", []func(on) way{toProofs}},
	verification.ErrPageSize.Code:   {"web.mishap.identity", "", []func(on) way{toProofs}},
	verification.ErrPageKind.Code:   {"web.mishap.identity", "", []func(on) way{toProofs}},
	ErrForm.Code:                    {"web.mishap.form", "", []func(on) way{toPage}},
	ErrNothingOn.Code:               {"web.mishap.nothing_on", "", []func(on) way{toRequest}},
	ErrDark.Code:                    {"web.mishap.dark", "", []func(on) way{toHome}},
	ErrClosed.Code:                  {"web.closed.title", "", []func(on) way{toPage, toHome}},
	ErrNoPage.Code:                  {"web.mishap.no_page", "", []func(on) way{toCode, toHome}},
	ErrSlowDown.Code:                {"web.mishap.too_often", "", []func(on) way{toRetry, toPage}},
	ErrCopying.Code:                 {"web.mishap.copying", "", []func(on) way{toPage}},
	ErrCopies.Code:                  {"web.mishap.copying", "", []func(on) way{toPage}},
}

// mishapsAt are those that mean something else at one form, by code and route.
var mishapsAt = map[[2]string]mishap{
	{consent.ErrSent.Code, "/home/{tie}/invite"}: {"web.mishap.too_often", "web.told.sent_invitation", []func(on) way{toPage}},
	{gate.ErrDenied.Code, "/home/{tie}/invite"}:  {"web.mishap.invitation", "", []func(on) way{toPage}},
	{gate.ErrDenied.Code, "/home/{tie}/reveal"}:  {"web.mishap.look", "", []func(on) way{toPage}},
}

// inGeneral is any other mishap: what may pass by itself can be tried again.
func inGeneral(e *errs.Error) mishap {
	m := mishap{"web.mishap.title", "", []func(on) way{toPage, toHome}}
	if e.Kind >= errs.Internal || e.Kind == errs.TooMany {
		m.ways = []func(on) way{toRetry, toPage, toHome}
	}
	return m
}

// refuse tells the visitor what errs.Of lets them know, and leads them on.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, pattern string, err error, call string) {
	e, o := errs.Of(err), s.on(pattern, r)
	// Nothing is read for who asks too often, nor where reading may be what failed.
	o.minor = e.Kind < errs.Internal && e.Code != ErrSlowDown.Code && s.asksMinor(r)
	m, ok := mishapsAt[[2]string{e.Code, o.route}]
	if !ok {
		m, ok = mishaps[e.Code]
	}
	if !ok {
		m = inGeneral(e)
	}
	page := refusalPage{Title: o.T(m.title), Code: e.Code, Text: said(o.voice, err), Call: call, Minor: o.minor}
	for i, leads := range m.ways {
		to := leads(o)
		if to.To == "" || slices.ContainsFunc(page.Ways, func(there way) bool { return there.To == to.To }) {
			continue
		}
		page.Ways = append(page.Ways, to)
		if i == 0 && m.told != "" {
			page.Text = []string{o.T(m.told)}
		}
	}
	if len(page.Ways) == 0 { // nobody is left without a way
		page.Ways = []way{toHome(o)}
	}
	if err := s.render(w, r, int(e.Kind), "public/refusal.html", page); err != nil {
		http.Error(w, strings.Join(page.Text, " "), int(e.Kind))
	}
}

// said is what a refusal says: of the gate's, every reason, and what a guardian can
// do about it. Against any but a look the operator can do something.
func said(l voice, err error) (text []string) {
	denied, ok := errors.AsType[*gate.Denied](err)
	if !ok {
		return []string{l.T(errs.Of(err).Code)}
	}
	operator := false
	for _, reason := range denied.Reasons {
		text = append(text, l.T(reason.Code))
		if strings.HasPrefix(reason.Code, "gate.access_") {
			text = append(text, l.T(reason.Code+".remedy"))
		} else {
			operator = true
		}
	}
	if operator {
		text = append(text, l.T("web.told.operator"))
	}
	return text
}
