package app_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	wardkeep "wardkeep/client"
	"wardkeep/internal/app/apptest"
	"wardkeep/internal/app/browsertest"
	"wardkeep/internal/base/i18n"
)

// The controls of passkeys.
const (
	addPasskey    = `form[action^="/home/passkeys/add"] button`
	showPasskey   = `form[action^="/home/passkey/enter"] button`
	morePasskey   = `details:has(form[action^="/home/passkeys/remove"]) > summary`
	removePasskey = `form[action^="/home/passkeys/remove"] button`
)

// A guardian adds a passkey after a code, comes in by it, sees nobody who came
// later (edge case 8), and removes it.
func TestEdgeCase8_TheWholeStoryOfAPasskeyInABrowser(t *testing.T) {
	t.Parallel()
	site := browsertest.Serve(t)
	for _, lang := range i18n.Langs {
		g := ask(t, site, lang)
		phone := g.Keychain()
		g.agree()
		g.signIn()
		g.Visit(site.URL + "/home/passkeys")
		g.sees("web.passkey.none", "web.passkey.add.what")
		phone.Recognises(false) // a child holds it (edge case 24)
		g.Find(addPasskey).Click()
		g.awaits("web.passkey.cancelled")
		phone.Recognises(true)
		g.Find(addPasskey).Follow()
		g.sees("web.passkey.added")
		if names := phone.Names(); !slices.Equal(names, []string{browsertest.Host, lang.T("web.passkey.holder"), lang.T("web.passkey.holder")}) {
			t.Errorf("the phone shows %q", names)
		}
		g.Find(addPasskey).Click()
		g.awaits("web.passkey.exists")

		g.childAgain()
		g.agree()
		g.Visit(site.URL + "/home")
		if n := g.Count(homeChild); n != 2 {
			t.Errorf("by the code %d children are seen", n)
		}
		g.Find(signOut).Follow()
		phone.Recognises(false)
		g.Find(showPasskey).Click()
		g.awaits("web.passkey.cancelled")
		phone.Recognises(true)
		g.Find(showPasskey).Follow()
		g.sees("web.passkey.in")
		if n := g.Count(homeChild); n != 1 {
			t.Errorf("by the passkey %d children are seen", n)
		}
		g.Visit(site.URL + "/home/passkeys")
		g.sees("web.passkey.here", "session.passkey_needs_code")
		if g.Count(addPasskey) != 0 {
			t.Error("a passkey adds another")
		}
		g.Find(morePasskey).Click()
		g.Find(removePasskey).Follow()
		g.Find(showPasskey).Follow() // it is still in the phone
		g.sees("session.passkey")
		if status := g.Page().Status; status != 403 {
			t.Errorf("a removed passkey: status %d", status)
		}
		g.signIn()
		if n := g.Count(homeChild); n != 2 {
			t.Errorf("by the code again %d children are seen", n)
		}
	}
}

// Without script the code is all there is, and nothing says otherwise.
func TestPasskeys_AreNotMissedWithoutScript(t *testing.T) {
	t.Parallel()
	g := ask(t, browsertest.Serve(t), i18n.Chinese)
	g.NoScript()
	g.agree()
	g.Visit(g.site.URL + "/home")
	if strings.Contains(g.Text(), g.lang.T("web.passkey.door.go")) {
		t.Error("a passkey is offered that can't be shown")
	}
	g.signIn()
	g.Visit(g.site.URL + "/home/passkeys")
	g.sees("web.passkey.add.without")
	if strings.Contains(g.Text(), g.lang.T("web.passkey.add.go")) {
		t.Error("a passkey is offered that can't be made")
	}
}

// agree answers yes to all that is asked.
func (g *guardian) agree() {
	g.t.Helper()
	g.open()
	g.verify()
	g.switchOn()
	g.Find(agree).Follow()
}

// signIn goes home by a code.
func (g *guardian) signIn() {
	g.t.Helper()
	_, before := g.site.Phone.Received(g.phone, "home.code")
	g.Visit(g.site.URL + "/home")
	g.Find(homeContact).Fill(g.phone)
	g.Find(homeAsk).Follow()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if _, n := g.site.Phone.Received(g.phone, "home.code"); n > before {
			break // the newest code is the one that counts
		}
	}
	g.Find(homeCode).Fill(g.homeCode())
	g.Find(homeEnter).Follow()
}

// childAgain registers another child under the same number, and asks about it.
func (g *guardian) childAgain() {
	g.t.Helper()
	n := apptest.NewChild()
	n.Guardian.Phone = g.phone
	var err error
	if g.child, err = g.site.API.Register(g.t.Context(), n); err != nil {
		g.t.Fatal(err)
	}
	if g.asked, err = g.site.API.Ask(g.t.Context(), wardkeep.Asking{Child: g.child.ID, Channel: "sms", Locale: string(g.lang)}); err != nil {
		g.t.Fatal(err)
	}
}

// awaits waits until the page says the words of a key.
func (g *guardian) awaits(key string) {
	g.t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if strings.Contains(g.Text(), g.lang.T(key)) {
			return
		}
	}
	g.t.Fatalf("the page never says %s", key)
}
