package stories

import (
	"slices"
	"strings"
	"time"

	"wardkeep/internal/app/apptest"
	"wardkeep/internal/app/browsertest"
)

// The controls of passkeys.
const (
	addPasskey    = `form[action^="/home/passkeys/add"] button`
	showPasskey   = `form[action^="/home/passkey/enter"] button`
	morePasskey   = `details:has(form[action^="/home/passkeys/remove"]) > summary`
	removePasskey = `form[action^="/home/passkeys/remove"] button`
)

// Edge case 8: a guardian adds a passkey after a code, comes in by it, sees nobody
// who came later, and removes it.
func aPasskey(g *guardian) {
	phone := g.Keychain()
	g.agreed()
	g.signIn()
	g.Visit(g.site.URL + "/home/passkeys")
	g.sees("web.passkey.none", "web.passkey.add.what")
	g.at("home_passkeys-none")
	phone.Recognises(false) // a child holds it (edge case 24)
	g.Find(addPasskey).Click()
	g.awaits("web.passkey.cancelled")
	g.at("home_passkeys-cancelled")
	phone.Recognises(true)
	g.Find(addPasskey).Follow()
	g.sees("web.passkey.added")
	g.unfold()
	g.at("home_passkeys")
	if names := phone.Names(); !slices.Equal(names, []string{browsertest.Host, g.lang.T("web.passkey.holder"), g.lang.T("web.passkey.holder")}) {
		g.t.Errorf("the phone shows %q", names)
	}
	g.Find(addPasskey).Click()
	g.awaits("web.passkey.exists")

	g.childAgain()
	g.agreed()
	g.Visit(g.site.URL + "/home")
	if n := g.Count(homeChild); n != 2 {
		g.t.Errorf("by the code %d children are seen", n)
	}
	g.Find(signOut).Follow()
	phone.Recognises(false)
	g.Find(showPasskey).Click()
	g.awaits("web.passkey.cancelled")
	phone.Recognises(true)
	g.Find(showPasskey).Follow()
	g.sees("web.passkey.in")
	g.at("home_list-passkey")
	if n := g.Count(homeChild); n != 1 {
		g.t.Errorf("by the passkey %d children are seen", n)
	}
	g.Visit(g.site.URL + "/home/passkeys")
	g.sees("web.passkey.here", "session.passkey_needs_code")
	g.at("home_passkeys-here")
	if g.Count(addPasskey) != 0 {
		g.t.Error("a passkey adds another")
	}
	g.Find(morePasskey).Click()
	g.Find(removePasskey).Follow()
	g.Find(showPasskey).Follow() // it is still in the phone
	g.sees("session.passkey")
	g.at("home_door-passkey")
	if status := g.Page().Status; status != 403 {
		g.t.Errorf("a removed passkey: status %d", status)
	}
	g.signIn()
	if n := g.Count(homeChild); n != 2 {
		g.t.Errorf("by the code again %d children are seen", n)
	}
}

// Without script the code is all there is, and nothing says otherwise.
func noPasskeyWithoutScript(g *guardian) {
	g.Script(false)
	g.plays("granted")
	g.Visit(g.site.URL + "/home")
	g.misses("web.passkey.door.go")
	g.signIn()
	g.Visit(g.site.URL + "/home/passkeys")
	g.sees("web.passkey.add.without")
	g.misses("web.passkey.add.go")
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
	g.ask()
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
