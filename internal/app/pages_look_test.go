package app_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"wardkeep/internal/app/browsertest"
	"wardkeep/internal/base/i18n"
)

// Nobody is kept from a page by how they see, hear or move: axe-core finds no
// violation on any page, light and dark, and nobody scrolls sideways, at all
// sizes, in both languages.
func TestEveryPageIsOpenToEverybody(t *testing.T) {
	t.Parallel()
	for _, lang := range i18n.Langs {
		t.Run(string(lang), func(t *testing.T) {
			t.Parallel()
			g := ask(t, browsertest.Serve(t), lang)
			g.tour(func(page string) {
				// A scheme changes colours, and a size where things lie: two looks show
				// both. Colours are the same in each language.
				g.isOpen(page + " phone light")
				g.Resize(browsertest.Tablet)
				g.fits(page + " tablet")
				g.Resize(browsertest.Desk)
				if lang == i18n.Chinese {
					g.Darken(true)
					g.isOpen(page + " desk dark")
					g.Darken(false)
				} else {
					g.fits(page + " desk")
				}
				g.Resize(browsertest.Phone)
			})
			g.Visit(g.site.URL + "/docs")
			for _, dark := range []bool{false, true} {
				g.Darken(dark)
				g.isOpen(fmt.Sprint("docs, dark ", dark))
			}
		})
	}
}

// everyLook gives the page each size and scheme, and leaves it as a light phone's.
func (g *guardian) everyLook(each func(look string)) {
	g.t.Helper()
	for _, size := range browsertest.Sizes {
		g.Resize(size)
		for _, scheme := range []string{"light", "dark"} {
			g.Darken(scheme == "dark")
			each(size.Name + " " + scheme)
		}
	}
	g.Resize(browsertest.Phone)
	g.Darken(false)
}

func (g *guardian) isOpen(where string) {
	g.t.Helper()
	if violations := g.Violations(); len(violations) > 0 {
		g.t.Errorf("%s:\n\t%s", where, strings.Join(violations, "\n\t"))
	}
	g.fits(where)
}

func (g *guardian) fits(where string) {
	g.t.Helper()
	if n := g.Overflow(); n > 0 {
		g.t.Errorf("%s: %d pixels stick out on the right", where, n)
	}
}

// No page asks anybody but the server for anything, and its address goes to
// nobody.
func TestNoThirdPartyRequests(t *testing.T) {
	t.Parallel()
	g := ask(t, browsertest.Serve(t), i18n.Chinese)
	g.Visit(g.site.URL + "/")
	g.Visit(g.site.URL + "/docs")
	g.answering(func(string) {})
	g.comingBack(func(string) {})
	g.atHome(func(string) {})
	all := g.Requests()
	if len(all) < 20 {
		t.Fatalf("the browser made %d requests only", len(all))
	}
	for _, r := range all {
		u, err := url.Parse(r.URL)
		if err != nil {
			t.Fatal(err)
		}
		if u.Scheme != "data" && u.Scheme+"://"+u.Host != g.site.URL {
			t.Errorf("a request to %s", u.Host)
		}
		if r.Referrer != "" {
			t.Errorf("a request for a %s says where it comes from", r.Kind)
		}
	}
}

// maxWeight is what the first page may weigh with all that it needs, in bytes
// over the wire: a second on a slow phone's network.
const maxWeight = 60_000

func TestTheFirstPageIsLight(t *testing.T) {
	t.Parallel()
	site := browsertest.Serve(t)
	for _, lang := range i18n.Langs {
		g := ask(t, site, lang)
		g.open()
		sum := int64(0)
		for _, r := range g.Requests() {
			if r.Bytes == 0 && !strings.HasPrefix(r.URL, "data:") {
				t.Errorf("nobody knows what the %s weighs", r.Kind)
			}
			sum += r.Bytes
		}
		t.Logf("%s: %d bytes in %d requests", lang, sum, len(g.Requests()))
		if sum > maxWeight {
			t.Errorf("%s: the first page weighs %d bytes", lang, sum)
		}
	}
}

// What a browser is told with each page, and what it keeps.
func TestPagesAndTheirCookiesStayInTheBrowser(t *testing.T) {
	t.Parallel()
	g := ask(t, browsertest.Serve(t), i18n.English)
	g.tour(func(page string) {
		header := g.Page().Header
		for name, want := range map[string]string{
			"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff",
			"Cross-Origin-Opener-Policy": "same-origin", "Strict-Transport-Security": "max-age=31536000",
		} {
			if got := header.Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", page, name, got, want)
			}
		}
		policy := header.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"} {
			if !strings.Contains(policy, want) {
				t.Errorf("%s: the policy lacks %s", page, want)
			}
		}
		if strings.Contains(policy, "unsafe") || strings.Contains(policy, "*") {
			t.Errorf("%s: the policy is %s", page, policy)
		}
		if cookies := g.Cookies(g.asked.URL); len(cookies) != keeps[page] {
			t.Errorf("%s: the browser keeps %d cookies, want %d", page, len(cookies), keeps[page])
		}
		for _, c := range g.Cookies(g.asked.URL) {
			if !c.Secure || !c.HTTPOnly || c.SameSite != "Strict" || c.Domain != browsertest.Host {
				t.Errorf("%s: the cookie is secure %t, http-only %t, same-site %q, of %s", page, c.Secure, c.HTTPOnly, c.SameSite, c.Domain)
			}
			if !strings.HasPrefix(c.Path, "/r/") && !strings.HasPrefix(c.Name, "__Host-") {
				t.Errorf("%s: the cookie is sent to %s", page, c.Path)
			}
		}
	})
}

// keeps is how many cookies the browser has for the link on each page: the proof
// of who answers, and in the guardian's home the session, or before it the code.
var keeps = map[string]int{
	"request-verified": 1, "request-chosen": 1, "answered": 1, "refused-twice": 1, "receipt-reading": 1, "receipt-print": 1, "receipt-locked": 1,
	"receipt-sent": 1, "receipt": 1, "receipt-withdraw": 1, "receipt-withdrawn": 1, "request-again": 1,
	"mine-door": 1, "mine-code": 2, "mine-list": 2, "mine-passkeys": 2, "mine-passkey-added": 2, "mine": 2, "mine-revealed": 2, "mine-unfolded": 2,
	"refused-link": 1, "refused-address": 1, "answered-refused": 1,
}
