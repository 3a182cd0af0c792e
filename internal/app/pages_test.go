package app_test

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	wardkeep "wardkeep/client"
	"wardkeep/internal/app/apptest"
	"wardkeep/internal/app/browsertest"
	"wardkeep/internal/base/i18n"
)

// The tests of the pages go through the server's own edges in a browser. What
// the two databases make of an answer is tested without one; here it is SQLite.

// A guardian is a person with a phone, who was asked about a child, at a browser.
type guardian struct {
	*browsertest.Tab
	t     *testing.T
	site  *browsertest.Site
	lang  i18n.Lang
	child wardkeep.Child
	asked wardkeep.ConsentRequest
	phone string
}

// ask registers a child and asks its guardian, whose browser it opens.
func ask(t *testing.T, site *browsertest.Site, lang i18n.Lang) *guardian {
	t.Helper()
	g := &guardian{Tab: browsertest.Open(t, lang), t: t, site: site, lang: lang}
	g.nextChild()
	return g
}

// nextChild asks the guardian about a child that nobody has heard of.
func (g *guardian) nextChild() {
	g.t.Helper()
	n := apptest.NewChild()
	g.phone = n.Guardian.Phone
	var err error
	if g.child, err = g.site.API.Register(g.t.Context(), n); err != nil {
		g.t.Fatal(err)
	}
	a := wardkeep.Asking{Child: g.child.ID, Channel: "sms", Locale: string(g.lang)}
	if g.asked, err = g.site.API.Ask(g.t.Context(), a); err != nil {
		g.t.Fatal(err)
	}
}

// The controls of the pages, by what their forms do: words and places may change.
const (
	sendCode    = `form[action*="/code"] button`
	codeField   = `form[action*="/verify"] input[name=code]`
	confirm     = `form[action*="/verify"] button`
	agree       = `button[name=decision][value=agree]`
	refuse      = `button[name=decision][value=refuse]`
	switches    = `input[name=yes][role=switch]`
	homeContact = `form[action^="/home/code"] input[name=contact]`
	homeAsk     = `form[action^="/home/code"] button`
	homeCode    = `form[action^="/home/enter"] input[name=code]`
	homeEnter   = `form[action^="/home/enter"] button`
	reveal      = `form[action*="/reveal"] button`
	signOut     = `form[action^="/home/out?"] button`
	homeChild   = `.answers a[href^="/home/"]`
	shortCode   = `form[action^="/c"] input[name=code]`
)

// about is the control of a form that does something about one purpose.
func about(verb, purpose string) string {
	return `form[action*="/` + verb + `"]:has(input[name=purpose][value="` + purpose + `"]) button`
}

// more opens what the form of about is hidden in.
func more(verb, purpose string) string {
	return `details:has(form[action*="/` + verb + `"] input[name=purpose][value="` + purpose + `"]) > summary`
}

// switchOf is the control of a yes to one purpose.
func switchOf(purpose string) string { return switches + `[value="` + purpose + `"]` }

// open opens the link that the message brought.
func (g *guardian) open() {
	g.t.Helper()
	g.Visit(g.asked.URL)
}

// verify has a code sent, and types it.
func (g *guardian) verify() {
	g.t.Helper()
	g.Find(sendCode).Follow()
	g.typeCode(g.code())
}

// code is what the phone shows.
func (g *guardian) code() string {
	g.t.Helper()
	code := g.site.Phone.Code(g.phone)
	if code == "" {
		g.t.Fatal("no code came")
	}
	return code
}

// homeCode is what the phone shows of the code to the home, which is sent after
// the page has come.
func (g *guardian) homeCode() string {
	g.t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		text, _ := g.site.Phone.Received(g.phone, "home.code")
		if code := sixDigits.FindString(text); code != "" {
			return code
		}
	}
	g.t.Fatal("no code to the home came")
	return ""
}

var sixDigits = regexp.MustCompile(`\b[0-9]{6}\b`)

func (g *guardian) typeCode(code string) {
	g.t.Helper()
	g.Find(codeField).Fill(code)
	g.Find(confirm).Follow()
}

// switchOn agrees to every purpose that has a switch, but for some.
func (g *guardian) switchOn(but ...string) {
	g.t.Helper()
	for _, p := range g.asked.Purposes {
		if !slices.Contains(but, p) && g.Count(switchOf(p)) > 0 {
			g.Find(switchOf(p)).Click()
		}
	}
}

// comeBack opens the link again, and proves anew who is there.
func (g *guardian) comeBack() {
	g.t.Helper()
	g.open()
	g.verify()
}

// sees fails the test where the page lacks the words of a key.
func (g *guardian) sees(keys ...string) {
	g.t.Helper()
	text := g.Text()
	for _, key := range keys {
		if !strings.Contains(text, g.lang.T(key)) {
			g.t.Errorf("the page doesn't say %s", key)
		}
	}
}

// refused fails the test where the page isn't the refusal of this code, with
// words of its own and a way on.
func (g *guardian) refused(status int64, code string) {
	g.t.Helper()
	if got := g.Page().Status; got != status {
		g.t.Errorf("%s: status %d, want %d", code, got, status)
	}
	g.sees(code, "web.refusal.back")
	if !strings.Contains(g.Text(), code) {
		g.t.Errorf("the page doesn't name %s for the operator", code)
	}
}

// holds fails the test where the operator may collect for another number of
// purposes, or the request is in another state.
func (g *guardian) holds(permitted int, state string) {
	g.t.Helper()
	r, err := g.site.API.Request(g.t.Context(), g.asked.ID)
	if err != nil {
		g.t.Fatal(err)
	}
	p, err := g.site.API.Permissions(g.t.Context(), g.child.ID, "")
	if err != nil {
		g.t.Fatal(err)
	}
	n := 0
	for _, purpose := range p.Purposes {
		for _, a := range purpose.Activities {
			if a.Activity == "collect" && a.Permitted {
				n++
			}
		}
	}
	if n != permitted || r.State != state {
		g.t.Errorf("%d purposes are permitted and the request is %s, want %d and %s", n, r.State, permitted, state)
	}
}

// nothingLeft fails the test where the operator may do anything about the child.
// Where everything was refused, it is erased at once.
func (g *guardian) nothingLeft() {
	g.t.Helper()
	_, err := g.site.API.Child(g.t.Context(), g.child.ID)
	if !errors.Is(err, wardkeep.ErrChildErased) && !errors.Is(err, wardkeep.ErrChildNotFound) {
		g.holds(0, "answered")
	}
}
