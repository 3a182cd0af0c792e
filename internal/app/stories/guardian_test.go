package stories

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
	t      *testing.T
	site   *browsertest.Site
	tour   *tour
	lang   i18n.Lang
	look   look
	byKeys bool // without a mouse, and without script
	trap   string
	child  wardkeep.Child
	asked  wardkeep.ConsentRequest
	phone  string // where codes go,
	mail   string // or, if it isn't "", here
	used   string // the last code to the home
}

// A look is what a visitor holds in their hands, and whether they want it dark.
type look struct {
	size browsertest.Size
	dark bool
}

func (l look) String() string {
	if l.dark {
		return l.size.Name + " dark"
	}
	return l.size.Name + " light"
}

// looks are those that each page is made for, in each language.
var looks = []look{
	{browsertest.Phone, false}, {browsertest.Phone, true}, {browsertest.Tablet, false},
	{browsertest.Tablet, true}, {browsertest.Desk, false}, {browsertest.Desk, true},
}

// see gives the page a look; what is on it stays.
func (g *guardian) see(l look) {
	g.t.Helper()
	g.Resize(l.size)
	g.Darken(l.dark)
}

// sit opens a browser.
func (g *guardian) sit() {
	g.t.Helper()
	g.Tab = browsertest.Open(g.t, g.lang)
	g.see(g.look)
	if g.byKeys {
		g.Script(false)
	}
	g.t.Cleanup(g.toldNobody)
}

// another is somebody else, at a browser of their own.
func (g *guardian) another() *guardian {
	g.t.Helper()
	other := *g
	other.sit()
	return &other
}

// nextChild asks the guardian about a child that nobody has heard of.
func (g *guardian) nextChild() {
	g.t.Helper()
	g.register()
	g.ask()
}

// register has the operator register a child, perhaps one that is given.
func (g *guardian) register(given ...wardkeep.NewChild) {
	g.t.Helper()
	n := apptest.NewChild()
	if len(given) > 0 {
		n = given[0]
	}
	g.phone = n.Guardian.Phone
	var err error
	if g.child, err = g.site.API.Register(g.t.Context(), n); err != nil {
		g.t.Fatal(err)
	}
}

// ask has the operator ask for some purposes, or for whatever the guardian hasn't
// answered.
func (g *guardian) ask(purposes ...string) {
	g.t.Helper()
	a := wardkeep.Asking{Child: g.child.ID, Purposes: purposes, Channel: "sms", Locale: string(g.lang), Nickname: nicknames[g.lang]}
	var err error
	if g.asked, err = g.site.API.Ask(g.t.Context(), a); err != nil {
		g.t.Fatal(err)
	}
}

var nicknames = map[i18n.Lang]string{i18n.Chinese: "小满", i18n.English: "Poppy"}

// The controls of the pages, by what their forms do: words and places may change.
const (
	askSend      = `form[action^="/ask/"] button`
	sendCode     = `form[action*="/code"] button`
	codeField    = `form[action*="/verify"] input[name=code]`
	confirm      = `form[action*="/verify"] button`
	agree        = `button[name=decision][value=agree]`
	refuse       = `button[name=decision][value=refuse]`
	switches     = `input[name=yes][role=switch]`
	wayOn        = `main a.button`    // from a refusal
	doOn         = `main form button` // where that takes doing something
	download     = `a[href*="/receipt.json"]`
	prove        = `a[href*="/identity"]`
	proveAgain   = `main a[href*="/identity?"]`
	toReceipt    = `main a[href*="/receipt?"]`
	lookAgain    = `main a[href*="/identity/"]`
	homeContact  = `form[action^="/home/code"] input[name=contact]`
	homeAsk      = `form[action^="/home/code"] button`
	homeCode     = `form[action^="/home/enter"] input[name=code]`
	homeEnter    = `form[action^="/home/enter"] button`
	signOut      = `form[action^="/home/out?"] button`
	signOutAll   = `form[action^="/home/out-everywhere"] button`
	homeChild    = `.answers a[href^="/home/"]`
	inviteFold   = `details:has(form[action*="/invite"]) > summary`
	inviteWhom   = `form[action*="/invite"] input[name=contact]`
	inviteParent = `form[action*="/invite"] input[name=relation][value=parent]`
	invite       = `form[action*="/invite"] button`
	leaveFold    = `details:has(form[action*="/leave"]) > summary`
	leave        = `form[action*="/leave"] button`
	shortCode    = `form[action^="/c"] input[name=code]`
	shortGo      = `form[action^="/c"] button`
	closedFold   = `main details:not([open]) > summary`
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

// reveal shows the value of an item.
func reveal(item string) string {
	return `form[action*="/reveal"]:has(input[name=item][value="` + item + `"]) button`
}

// provesBy is the form of a stronger proof.
func provesBy(method string) string { return `form[action*="/identity/` + method + `"]` }

// follow presses the one control that matches a selector, with the mouse or by
// the keyboard alone, and waits for the page that it leads to.
func (g *guardian) follow(selector string) {
	g.t.Helper()
	e := g.Find(selector)
	if !g.byKeys {
		e.Follow()
		return
	}
	g.TabTo(selector)
	g.Enter()
}

// press is follow for what stays on the page: a switch, a fold, a choice.
func (g *guardian) press(selector string) {
	g.t.Helper()
	if !g.byKeys {
		g.First(selector).Click()
		return
	}
	g.TabTo(selector)
	g.Press(browsertest.KeySpace)
}

// fill types into the one field that matches a selector.
func (g *guardian) fill(selector, text string) {
	g.t.Helper()
	e := g.Find(selector)
	if g.byKeys {
		g.TabTo(selector)
	}
	e.Fill(text)
}

// open opens the link that the message brought.
func (g *guardian) open() {
	g.t.Helper()
	g.Visit(g.asked.URL)
}

// verify has a code sent, and types it.
func (g *guardian) verify() {
	g.t.Helper()
	g.follow(sendCode)
	g.typeCode(g.code())
}

// code is what the phone, or the mailbox, shows.
func (g *guardian) code() string {
	g.t.Helper()
	code := g.site.Phone.Code(g.phone)
	if g.mail != "" {
		code = sixDigits.FindString(g.mailed("consent.code"))
	}
	if code == "" {
		g.t.Fatal("no code came")
	}
	return code
}

// mailed returns the newest mail of a kind to the guardian, or "".
func (g *guardian) mailed(kind string) string {
	for _, m := range g.site.App.Outbox.Messages() {
		if m.Kind == kind && m.To.Reveal() == g.mail {
			return m.Text.Reveal()
		}
	}
	return ""
}

// texted returns the newest text message of a kind to the guardian, or "".
func (g *guardian) texted(kind string) string {
	text, _ := g.site.Phone.Received(g.phone, kind)
	return text
}

// homeCode is what the phone or the mailbox shows of the code to the home, which
// is sent after the page has come.
func (g *guardian) homeCode() string {
	g.t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		text := g.texted("home.code")
		if g.mail != "" {
			text = g.mailed("home.code")
		}
		if code := sixDigits.FindString(text); code != "" && code != g.used {
			return code
		}
	}
	g.t.Fatal("no code to the home came")
	return ""
}

var (
	sixDigits = regexp.MustCompile(`\b[0-9]{6}\b`)
	sentLink  = regexp.MustCompile(`https://\S+/r/[0-9a-z]+`)
)

// wrong is a code that isn't this one.
func wrong(code string) string {
	last := len(code) - 1
	return code[:last] + string('0'+(code[last]-'0'+1)%10)
}

func (g *guardian) typeCode(code string) {
	g.t.Helper()
	g.fill(codeField, code)
	g.follow(confirm)
}

// switchOn agrees to every purpose that has a switch, but for some.
func (g *guardian) switchOn(but ...string) {
	g.t.Helper()
	for _, p := range g.asked.Purposes {
		if !slices.Contains(but, p) && g.Count(switchOf(p)) > 0 {
			g.press(switchOf(p))
		}
	}
}

// agreed has the guardian agree to everything that was asked.
func (g *guardian) agreed() {
	g.t.Helper()
	g.open()
	g.verify()
	g.switchOn()
	g.follow(agree)
	g.sees("web.receipt.thanks")
}

// plays has the operator play the guardian's answer to everything that was asked:
// where the story begins after it.
func (g *guardian) plays(outcome string) {
	g.t.Helper()
	if _, err := g.site.API.Force(g.t.Context(), g.asked.ID, outcome); err != nil {
		g.t.Fatal(err)
	}
}

// signIn signs the guardian in to their home.
func (g *guardian) signIn() {
	g.t.Helper()
	g.Visit(g.site.URL + "/home")
	contact := g.phone
	if g.mail != "" {
		contact = g.mail
	}
	g.fill(homeContact, contact)
	g.follow(homeAsk)
	g.used = g.enterWith(g.homeCode())
}

// enterWith types the code to the home.
func (g *guardian) enterWith(code string) string {
	g.t.Helper()
	g.fill(homeCode, code)
	g.follow(homeEnter)
	return code
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

// misses fails the test where the page has the words of a key.
func (g *guardian) misses(keys ...string) {
	g.t.Helper()
	text := g.Text()
	for _, key := range keys {
		if strings.Contains(text, g.lang.T(key)) {
			g.t.Errorf("the page says %s", key)
		}
	}
}

// refused fails the test where the page isn't the refusal of this code, with its
// words, or those that a guardian reads instead, and a way on.
func (g *guardian) refused(status int64, code string, instead ...string) {
	g.t.Helper()
	if got := g.Page().Status; got != status {
		g.t.Errorf("%s: status %d, want %d", code, got, status)
	}
	if len(instead) == 0 {
		instead = []string{code}
	}
	g.sees(append(instead, "web.refusal.back")...)
	if g.Count(wayOn)+g.Count(doOn) == 0 {
		g.t.Errorf("%s: nothing leads on", code)
	}
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
	if n := g.permitted(); n != permitted || r.State != state {
		g.t.Errorf("%d purposes are permitted and the request is %s, want %d and %s", n, r.State, permitted, state)
	}
}

// permitted returns for how many purposes the operator may collect: none about a
// child that is erased.
func (g *guardian) permitted() (n int) {
	g.t.Helper()
	p, err := g.site.API.Permissions(g.t.Context(), g.child.ID, "")
	if errors.Is(err, wardkeep.ErrChildErased) || errors.Is(err, wardkeep.ErrChildNotFound) {
		return 0
	}
	if err != nil {
		g.t.Fatal(err)
	}
	for _, purpose := range p.Purposes {
		for _, a := range purpose.Activities {
			if a.Activity == "collect" && a.Permitted {
				n++
			}
		}
	}
	return n
}

// keeps fails the test where the browser has another number of cookies for the
// guardian's link and the home.
func (g *guardian) keeps(n int) {
	g.t.Helper()
	if cookies := g.Cookies(g.asked.URL); len(cookies) != n {
		g.t.Errorf("the browser keeps %d cookies, want %d", len(cookies), n)
	}
}
