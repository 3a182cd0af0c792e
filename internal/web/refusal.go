package web

import (
	"net/http"
	"strings"

	"wardkeep/internal/base/errs"
	"wardkeep/internal/consent"
	"wardkeep/internal/verification"
)

// refusalPage is what public/refusal.html shows: what happened, what to do, and
// the ways on from here.
type refusalPage struct {
	Title, Code, Text, Call string
	Ways                    []way
}

// A way leads on from a refusal.
type way struct {
	Label, To string
	Post      bool // it is a button, because it does something
}

// A mishap is how a refusal is told to somebody at a page.
type mishap struct {
	title string         // the key of what happened, in a few words
	ways  []func(on) way // what can be done
}

// on is where somebody met a refusal. A way from there is relative to it: a
// refusal repeats nothing that was sent, and the address holds a secret.
type on struct {
	t    func(key string, pairs ...any) string
	lang string
	at   place
}

// A place is how an address begins, and whether there is more of it.
type place struct {
	request, ask, below, proving bool
	base                         string // leads to where the addresses below the page begin
}

func placeOf(r *http.Request) place {
	// /r/{token}, or one or two steps below it
	depth := strings.Count(r.URL.EscapedPath(), "/")
	at := place{
		request: r.PathValue("token") != "", ask: r.PathValue("ask") != "", below: depth > 2,
		proving: depth == 4 && strings.Contains(r.URL.EscapedPath(), "/identity/"),
	}
	if at.below {
		at.base = strings.Repeat("../", depth-3)
	}
	return at
}

func toRequest(o on) way {
	to := way{To: o.at.base + "?lang=" + o.lang}
	if o.at.below && o.at.base == "" {
		to.To = "./" + to.To
	}
	switch {
	case o.at.request:
		to.Label = o.t("web.way.request")
	case o.at.ask:
		to.Label = o.t("web.way.ask")
	default:
		return way{}
	}
	return to
}

// toTyping leads back to where a code is typed: the one that was sent still serves.
func toTyping(o on) way {
	to := toRequest(o)
	if to.To != "" {
		to.To += "&sent"
	}
	return to
}

// toProofs leads back to the stronger proofs, from where one was tried.
func toProofs(o on) way {
	if !o.at.request || !o.at.proving {
		return way{}
	}
	return way{Label: o.t("web.identity.again"), To: "../identity?lang=" + o.lang}
}

func toReceipt(o on) way {
	if !o.at.request || !o.at.below {
		return way{}
	}
	return way{Label: o.t("web.way.receipt"), To: o.at.base + "receipt?lang=" + o.lang}
}

func toRenewal(o on) way {
	if !o.at.request {
		return way{}
	}
	to := way{Label: o.t("web.way.renew"), To: "?lang=" + o.lang, Post: true}
	if o.at.below {
		to.To = o.at.base + "renew" + to.To
	}
	return to
}

func toCode(o on) way { return way{Label: o.t("web.way.code"), To: "/c?lang=" + o.lang} }
func toHome(o on) way { return way{Label: o.t("web.way.home"), To: "/?lang=" + o.lang} }

// mishaps are the refusals that people at a page meet. What isn't here is told
// in general words.
var mishaps = map[string]mishap{
	consent.ErrLink.Code:          {"web.mishap.link", []func(on) way{toCode, toHome}},
	consent.ErrExpired.Code:       {"web.mishap.expired", []func(on) way{toRenewal, toHome}},
	consent.ErrAsked.Code:         {"web.mishap.asked_again", []func(on) way{toRenewal, toHome}},
	consent.ErrCancelled.Code:     {"web.mishap.cancelled", []func(on) way{toHome}},
	consent.ErrAnswered.Code:      {"web.mishap.answered", []func(on) way{toReceipt}},
	consent.ErrVerified.Code:      {"web.mishap.not_verified", []func(on) way{toRequest}},
	consent.ErrNotShown.Code:      {"web.mishap.not_shown", []func(on) way{toRequest}},
	consent.ErrNotice.Code:        {"web.mishap.notice_changed", []func(on) way{toRequest}},
	consent.ErrMayNot.Code:        {"web.mishap.may_not", []func(on) way{toHome}},
	consent.ErrSent.Code:          {"web.mishap.too_often", []func(on) way{toRequest}},
	consent.ErrCodeWrong.Code:     {"web.mishap.code", []func(on) way{toTyping}},
	consent.ErrCodeExpired.Code:   {"web.mishap.code", []func(on) way{toRequest}},
	consent.ErrCodeSpent.Code:     {"web.mishap.code", []func(on) way{toRequest}},
	consent.ErrCodeLocked.Code:    {"web.mishap.code", []func(on) way{toRequest}},
	consent.ErrCodeSends.Code:     {"web.mishap.too_often", []func(on) way{toRequest}},
	consent.ErrFollowed.Code:      {"web.mishap.too_often", []func(on) way{toHome}},
	consent.ErrWithdrawn.Code:     {"web.mishap.withdrawn", []func(on) way{toReceipt}},
	verification.ErrName.Code:     {"web.mishap.identity", []func(on) way{toProofs}},
	verification.ErrNumber.Code:   {"web.mishap.identity", []func(on) way{toProofs}},
	verification.ErrMinor.Code:    {"web.mishap.identity", []func(on) way{toProofs}},
	verification.ErrTries.Code:    {"web.mishap.too_often", []func(on) way{toProofs}},
	verification.ErrPages.Code:    {"web.mishap.identity", []func(on) way{toProofs}},
	verification.ErrPageSize.Code: {"web.mishap.identity", []func(on) way{toProofs}},
	verification.ErrPageKind.Code: {"web.mishap.identity", []func(on) way{toProofs}},
	ErrForm.Code:                  {"web.mishap.form", []func(on) way{toRequest}},
	ErrNothingOn.Code:             {"web.mishap.nothing_on", []func(on) way{toRequest}},
	ErrNoPage.Code:                {"web.mishap.no_page", []func(on) way{toCode, toHome}},
	ErrSlowDown.Code:              {"web.mishap.too_often", []func(on) way{toRequest}},
}

// refuse tells the visitor what errs.Of lets them know.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, e *errs.Error, call string) {
	l := lang(r)
	page := refusalPage{Title: l.T("web.mishap.title"), Code: e.Code, Text: l.T(e.Code), Call: call}
	o := on{t: l.T, lang: string(l), at: placeOf(r)}
	if m, ok := mishaps[e.Code]; ok {
		page.Title = l.T(m.title)
		for _, to := range m.ways {
			if way := to(o); way.To != "" {
				page.Ways = append(page.Ways, way)
			}
		}
	}
	if err := s.render(w, r, int(e.Kind), "public/refusal.html", page); err != nil {
		http.Error(w, page.Text, int(e.Kind))
	}
}
