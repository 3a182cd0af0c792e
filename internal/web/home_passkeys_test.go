package web_test

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/session"
	"wardkeep/internal/session/sessiontest"
	"wardkeep/internal/vault/vaulttest"
)

// passkeySite is where a browser makes passkeys; the test's own server plays it. As
// no cookie of it is for TLS alone, the test's browser keeps them.
const passkeySite = "http://home.localhost"

// A keeper is a guardian with a device, at a browser.
type keeper struct {
	*site
	device *sessiontest.Device
}

func newKeeper(t *testing.T, w *vaulttest.World) *keeper {
	t.Helper()
	return &keeper{newSiteAt(t, w, passkeySite), &sessiontest.Device{T: t, Origin: passkeySite}}
}

// script asks what the script of a page asks.
func (k *keeper) script(path string) (status int, body string) {
	k.t.Helper()
	return k.post(path, nil)
}

// adds adds the device's passkey, as the script does.
func (k *keeper) adds() (int, string) {
	k.t.Helper()
	status, options := k.script("/home/passkeys?lang=en")
	if status != 200 {
		k.t.Fatalf("%d %s", status, options)
	}
	return k.post("/home/passkeys/add?lang=en", url.Values{"answer": {string(k.device.Make([]byte(options)))}})
}

// shows signs in with it.
func (k *keeper) shows() (int, string) {
	k.t.Helper()
	status, options := k.script("/home/passkey?lang=en")
	if status != 200 {
		k.t.Fatalf("%d %s", status, options)
	}
	return k.post("/home/passkey/enter?lang=en", url.Values{"answer": {string(k.device.Show([]byte(options)))}})
}

var passkeyName = regexp.MustCompile(`name="passkey" value="(pk_[0-9a-z]{26})"`)

func TestPasskeys_SignInAndOut(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		k := newKeeper(t, w)
		w.Child()
		k.signIn()
		if status, body := k.adds(); status != 200 || !strings.Contains(body, "The passkey was added") || !strings.Contains(body, "Passkey 1") {
			t.Fatalf("%d %s", status, body)
		}
		k.post("/home/out", nil)
		status, body := k.shows()
		if status != 200 || !strings.Contains(body, "My children") || !strings.Contains(body, "You signed in with a passkey") {
			t.Fatalf("%d %s", status, body)
		}
		status, body = k.get("/home/passkeys?lang=en", "")
		if status != 200 || !strings.Contains(body, "You signed in with this one") || strings.Contains(body, "data-ask") {
			t.Errorf("%d %s", status, body)
		}
		if status, body := k.script("/home/passkeys?lang=en"); status != 403 || !strings.Contains(body, "sign in with a code") {
			t.Errorf("a passkey adds another: %d %s", status, body)
		}
		name := passkeyName.FindStringSubmatch(body)
		if name == nil {
			t.Fatalf("no name: %s", body)
		}
		if status, body := k.post("/home/passkeys/remove?lang=en", url.Values{"passkey": {name[1]}}); status != 200 || !strings.Contains(body, "Send a code") {
			t.Errorf("whoever removes what it came by is out: %d %s", status, body)
		}
		status, body = k.shows()
		if status != 403 || !strings.Contains(body, "This passkey was not accepted") || !strings.Contains(body, "Send a code") {
			t.Errorf("%d %s", status, body)
		}
	})
}

// A refusal looks the same whatever is wrong, and repeats nothing of it.
func TestPasskeys_RefusalsLookTheSame(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		k := newKeeper(t, w)
		w.Child()
		k.signIn()
		k.adds()
		k.fresh()
		k.device.Unverified = true
		_, want := k.shows()
		k.device.Unverified = false
		for name, answer := range map[string]string{
			"nothing": "", "no JSON": "王小明{", "another shape": `{"id":"王小明"}`, "too much": strings.Repeat("王", 10<<10), "more than a form": strings.Repeat("x", 70<<10),
		} {
			status, got := k.post("/home/passkey/enter?lang=en", url.Values{"answer": {answer}})
			if status != 403 || got != want || strings.Contains(got, "王") {
				t.Errorf("%s: %d %s", name, status, got)
			}
		}
		strange := &sessiontest.Device{T: t, Origin: passkeySite}
		strange.Make([]byte(`{"challenge":"AAAA","rp":{"id":"home.localhost"},"user":{"id":"AAAA"}}`))
		k.device, strange = strange, k.device
		if status, got := k.shows(); status != 403 || got != want {
			t.Errorf("a stranger: %d", status)
		}
		k.device = strange
		k.signIn()
		for name, answer := range map[string]string{"nothing": "", "no JSON": "王小明{", "more than a form": strings.Repeat("x", 70<<10)} {
			k.script("/home/passkeys")
			status, got := k.post("/home/passkeys/add?lang=en", url.Values{"answer": {answer}})
			if status != 403 || !strings.Contains(got, "The passkey was not added") || strings.Contains(got, "王") {
				t.Errorf("%s: %d %s", name, status, got)
			}
		}
		if strings.Contains(k.log.String(), "王") || strings.Contains(k.log.String(), "pk_") {
			t.Error("the log repeats it")
		}
	})
}

// Who isn't signed in, or comes from another site, does nothing here.
func TestPasskeys_AreTheGuardiansAlone(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		k := newKeeper(t, w)
		w.Child()
		if status, body := k.get("/home/passkeys?lang=en", ""); status != 200 || !strings.Contains(body, "Send a code") {
			t.Errorf("%d %s", status, body)
		}
		if status, _ := k.script("/home/passkeys"); status != 401 {
			t.Errorf("a stranger is offered one: %d", status)
		}
		for _, path := range []string{"/home/passkeys/add?lang=en", "/home/passkeys/remove?lang=en"} {
			if status, body := k.post(path, url.Values{"answer": {"{}"}, "passkey": {"pk_00000000000000000000000000"}}); status != 200 || !strings.Contains(body, "Send a code") {
				t.Errorf("%s: %d %s", path, status, body)
			}
		}
		k.signIn()
		for _, path := range []string{"/home/passkey", "/home/passkey/enter", "/home/passkeys", "/home/passkeys/add", "/home/passkeys/remove"} {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, k.server.URL+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Sec-Fetch-Site", "cross-site")
			if status, _ := k.do(req); status != 403 {
				t.Errorf("%s from another site: %d", path, status)
			}
		}
	})
}

// Edge case 24: who comes in by e-mail sees the passkeys of the phone, too, and which
// they are, and removes them. Ten of the phone leave room for one of the mailbox.
func TestEdgeCase24_PasskeysOfThePhoneAreRemovedByEmail(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		const mailbox = "wang.fang@example.com"
		k := newKeeper(t, w)
		var child family.Child
		w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
			child, _, _, err = w.Vault.Gate.Register(ctx, tx, w.App, family.Enrolment{
				Service: vaulttest.Service, Ref: pii.New("r-1"),
				Guardian: family.Person{Phone: pii.New(number), Email: pii.New(mailbox), Relation: family.Parent},
			})
			return err
		})
		w.Answer(child, consent.ForceGranted)
		k.signIn()
		k.adds()
		k.fresh()
		k.signInBy(mailbox)
		k.adds()
		for _, lang := range []string{"zh-CN", "en"} {
			_, body := k.get("/home/passkeys?lang="+lang, "")
			golden(t, "home-passkeys-both."+lang+".html", changingAtHome.ReplaceAllString(body, "…"))
		}
		k.fresh()
		k.signIn()
		for range session.MaxPasskeys - 1 {
			k.adds()
		}
		_, body := k.get("/home/passkeys?lang=en", "")
		if strings.Count(body, `name="passkey"`) != session.MaxPasskeys+1 || strings.Contains(body, "data-ask") || !strings.Contains(body, "ten passkeys") {
			t.Errorf("by the phone: %s", body)
		}
		k.fresh()
		k.signInBy(mailbox)
		_, body = k.get("/home/passkeys?lang=en", "")
		if strings.Count(body, `name="passkey"`) != session.MaxPasskeys+1 || !strings.Contains(body, "data-ask") {
			t.Errorf("by e-mail: %s", body)
		}
		_, body = k.post("/home/passkeys/remove?lang=en", url.Values{"passkey": {passkeyName.FindStringSubmatch(body)[1]}})
		if strings.Count(body, `name="passkey"`) != session.MaxPasskeys || strings.Contains(body, "Passkey 1 (added by phone number)") {
			t.Errorf("the first of the phone is left: %s", body)
		}
	})
}

// Where no browser makes a passkey nobody is shown any, and no page runs a script.
func TestPasskeys_AreNotOfferedWhereTheyCantBeGood(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		s := newSiteAt(t, w, "https://192.0.2.1")
		w.Child()
		for _, path := range []string{"/home/passkey", "/home/passkey/enter"} {
			if status, body := s.post(path+"?lang=en", nil); status != 404 || !strings.Contains(body, "session.passkeys_none") {
				t.Errorf("%s: %d %s", path, status, body)
			}
		}
		if status, _ := s.get("/home/passkeys", ""); status != 404 {
			t.Errorf("the list: %d", status)
		}
		if _, body := s.get("/home?lang=en", ""); strings.Contains(body, "asskey") || strings.Contains(body, "<script") {
			t.Errorf("%s", body)
		}
	})
}

// Of all pages two run a script, the one that there is, and these load it from here
// alone.
func TestPasskeys_TwoPagesRunAScript(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		k := newKeeper(t, w)
		child := w.Child()
		policyOf := func(path string) (policy, body string) {
			t.Helper()
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, k.server.URL+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := k.browser.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			b, err := io.ReadAll(resp.Body)
			if err != nil {
				t.Fatal(err)
			}
			return resp.Header.Get("Content-Security-Policy"), string(b)
		}
		runs := func(path string, want bool) {
			t.Helper()
			policy, body := policyOf(path)
			may := strings.Contains(policy, "; script-src 'self'; connect-src 'self'")
			if may != want || strings.Contains(body, "<script") != want || !strings.HasPrefix(policy, "default-src 'none'; ") {
				t.Errorf("%s: %s", path, policy)
			}
			if strings.Count(body, "<script") != strings.Count(body, `<script src="/static/passkey.js" defer></script>`) {
				t.Errorf("%s has another script", path)
			}
		}
		runs("/home", true) // the door
		for _, path := range []string{"/", "/home/code", "/guide", "/nowhere", "/static/passkey.js"} {
			runs(path, false)
		}
		k.signIn()
		runs("/home/passkeys", true)
		runs("/home", false)
		runs(k.tie(child), false)
		k.adds()
		k.shows()
		runs("/home/passkeys", false) // nothing can be added
	})
}

// Who tries passkeys is slowed down as who asks for codes is.
func TestPasskeys_TriesAreLimited(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		k := newKeeper(t, w)
		last := 0
		for range 12 {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, k.server.URL+"/home/passkey/enter", nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("X-Forwarded-For", "192.0.2.7")
			last, _ = k.do(req)
		}
		if last != 429 {
			t.Errorf("the twelfth try: %d", last)
		}
	})
}

// TestPasskeyPages compares the pages with their golden files.
func TestPasskeyPages(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		k := newKeeper(t, w)
		check := func(name, path string) {
			t.Helper()
			for _, lang := range []string{"zh-CN", "en"} {
				_, body := k.get(path+"?lang="+lang, "")
				golden(t, name+"."+lang+".html", changingAtHome.ReplaceAllString(body, "…"))
			}
		}
		w.Child()
		check("home-door-passkey", "/home")
		_, body := k.post("/home/passkey/enter?lang=zh-CN", nil)
		golden(t, "home-door-refused.zh-CN.html", body)
		k.signIn()
		check("home-passkeys-empty", "/home/passkeys")
		k.adds()
		w.Pass(time.Minute)
		_, body = k.post("/home/passkeys/add?lang=zh-CN", nil)
		golden(t, "home-passkeys-refused.zh-CN.html", changingAtHome.ReplaceAllString(body, "…"))
		k.shows()
		check("home-list-passkey", "/home")
		check("home-passkeys", "/home/passkeys")
		k.signIn()
		for range session.MaxPasskeys - 1 {
			k.adds()
		}
		_, body = k.get("/home/passkeys?lang=en", "")
		if strings.Count(body, `name="passkey"`) != session.MaxPasskeys || strings.Contains(body, "data-ask") || !strings.Contains(body, "ten passkeys") {
			t.Errorf("%s", body)
		}
	})
}
