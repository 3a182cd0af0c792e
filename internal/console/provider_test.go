package console_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/console"
	"wardkeep/internal/ledger"
	"wardkeep/internal/provider"
	"wardkeep/internal/provider/providertest"
	"wardkeep/internal/signin"
	"wardkeep/internal/signin/signintest"
	"wardkeep/internal/staff"
	"wardkeep/internal/vault/vaulttest"
)

var (
	providerRoles = []signin.Mapped{
		{Group: "keep", Grant: staff.Grant{Role: staff.Worker, Service: vaulttest.Service}},
		{Group: "lead", Grant: staff.Grant{Role: staff.Manager, Service: vaulttest.Service}},
		{Group: "audit", Grant: staff.Grant{Role: staff.Auditor}},
	}
	anna = "subject-of-anna"
)

// askedOf gives the desk a provider, which knows one person.
func (d *desk) askedOf() (*providertest.Provider, *providertest.Person) {
	d.T.Helper()
	p := providertest.Start(d.T, d.Store.Now, site+console.ProviderBack)
	who := &providertest.Person{Name: "安娜", Groups: []string{"keep", "others"}}
	p.Knows(anna, who)
	d.console.Provider = provider.New(provider.Config{
		Issuer: p.URL, Client: providertest.Client, Secret: providertest.Secret, Scopes: []string{"profile", "groups"}, Groups: "groups",
		Back: site + console.ProviderBack, Now: d.Store.Now,
	})
	d.console.Roles = providerRoles
	d.pages = d.console.Handler()
	d.console.Refuses(0)
	return p, who
}

// asks leads the browser to the provider, and returns where that leads it back.
func (b *browser) asks(p *providertest.Provider, path, subject string) (back string) {
	b.d.T.Helper()
	w := b.get(path)
	if to := w.Header().Get("Location"); w.Code == http.StatusSeeOther && strings.HasPrefix(to, p.URL) {
		return p.Goes(to, subject)
	}
	b.d.T.Fatalf("%s: %d to %q: %s", path, w.Code, w.Header().Get("Location"), w.Body)
	return ""
}

// brings takes the browser back as the provider leads it: from another site, without what
// is kept, and on from there.
func (b *browser) brings(back string) *httptest.ResponseRecorder {
	b.d.T.Helper()
	path, ours := strings.CutPrefix(back, site)
	if !ours {
		b.d.T.Fatalf("it leads to %s", back)
	}
	first := b.d.browser("").get(path)
	_, on, refreshes := strings.Cut(first.Header().Get("Refresh"), "url=")
	if first.Code != http.StatusOK || !refreshes || len(first.Result().Cookies()) > 0 {
		b.d.T.Fatalf("back: %d, %q", first.Code, first.Header().Get("Refresh"))
	}
	return b.get(on)
}

// comes signs somebody in by the provider.
func (b *browser) comes(p *providertest.Provider, subject string) *httptest.ResponseRecorder {
	b.d.T.Helper()
	return b.brings(b.asks(p, "/console/in/provider?lang=en&to=/console/account", subject))
}

const held = "__Host-wardkeep_staff"

// whois returns who is signed in by the browser.
func (b *browser) whois() (s signin.Session, err error) {
	ctx := context.Background()
	err = b.d.Store.View(ctx, func(tx *db.Tx) (err error) {
		s, err = b.d.console.Door().Find(ctx, tx, b.cookies[held])
		return err
	})
	return s, err
}

// kinds returns the kinds of the ledger's entries about persons, in their order.
func (d *desk) kinds() (all []string) {
	d.T.Helper()
	signer, _, err := ledger.NewSigner("wardkeep.test", make([]byte, 32))
	if err != nil {
		d.T.Fatal(err)
	}
	if err := ledger.Open(d.Store, "wardkeep.test", signer).Flush(context.Background()); err != nil {
		d.T.Fatal(err)
	}
	d.Do(func(ctx context.Context, tx *db.Tx) error {
		all = nil
		head, err := ledger.Head(ctx, tx)
		if err != nil {
			return err
		}
		return ledger.Read(ctx, tx, 0, head.Size, func(p ledger.Placed) error {
			if strings.HasPrefix(p.Kind, "staff.") || strings.HasPrefix(p.Kind, "signin.") {
				all = append(all, p.Kind)
			}
			return nil
		})
	})
	return all
}

// Article 15: whoever the operator's provider names comes in with the roles of its groups,
// as they are at that moment: what a group gave is taken with it, and who is in none is out.
func TestArticle15_TheProvidersGroupsAreTheRoles(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p, who := d.askedOf()
		b := d.browser("")
		if w := b.comes(p, anna); w.Code != 303 || !strings.HasPrefix(w.Header().Get("Location"), "/console/account?lang=en") {
			t.Fatalf("%d to %q: %s", w.Code, w.Header().Get("Location"), w.Body)
		}
		s, err := b.whois()
		if err != nil || s.Way != signin.ByProvider || s.Person.Name != "安娜" || !slices.Equal(s.Person.Grants, []staff.Grant{providerRoles[0].Grant}) {
			t.Fatalf("%+v, %v", s.Person, err)
		}
		// Invariants 6 and 9: what the provider calls her is nowhere in plain.
		d.Do(func(ctx context.Context, tx *db.Tx) error {
			for _, query := range []string{`SELECT subject FROM person_identity`, `SELECT bound FROM person_identity`, `SELECT entry FROM ledger_pending`} {
				if err := db.Each(ctx, tx, func(row db.Row) error {
					var b []byte
					err := row.Scan(&b)
					if bytes.Contains(b, []byte(anna)) || bytes.Contains(b, []byte("安娜")) {
						t.Errorf("%s has it", query)
					}
					return err
				}, query); err != nil {
					return err
				}
			}
			return nil
		})
		kinds := d.kinds()
		if want := []string{"staff.added", "staff.granted", "signin.linked", "signin.opened"}; !slices.Equal(kinds, want) {
			t.Errorf("the ledger has %v", kinds)
		}
		if w := b.get("/console/account?lang=en"); w.Code != 200 || !strings.Contains(w.Body.String(), i18n.English.T("console.account.provider")) {
			t.Errorf("her account: %d", w.Code)
		}

		who.Groups = []string{"lead", "audit"}
		if w := b.comes(p, anna); w.Code != 303 {
			t.Fatalf("again: %d %s", w.Code, w.Body)
		}
		again, err := b.whois()
		if err != nil || again.Person.ID != s.Person.ID {
			t.Fatalf("%+v, %v", again.Person, err)
		}
		if got := again.Person.Grants; len(got) != 2 || again.Person.May(staff.HandleDemands, "") || !again.Person.May(staff.SeeLedger, "") || !again.Person.May(staff.DecideAccess, vaulttest.Service) {
			t.Errorf("in other groups: %v", got)
		}

		// Told beside the token, and told by nobody.
		who.Beside, who.Groups = true, []string{"keep"}
		if w := b.comes(p, anna); w.Code != 303 {
			t.Fatalf("beside: %d %s", w.Code, w.Body)
		}
		if s, err := b.whois(); err != nil || !slices.Equal(s.Person.Grants, []staff.Grant{providerRoles[0].Grant}) {
			t.Errorf("beside: %v, %v", s.Person.Grants, err)
		}
		who.Groups = nil
		other := d.browser("")
		if w := other.comes(p, anna); w.Code != 403 || !strings.Contains(w.Body.String(), "signin.provider_no_role") {
			t.Errorf("in no group: %d %s", w.Code, w.Body)
		}
		if _, err := b.whois(); err == nil {
			t.Error("a session of before is open")
		}
		d.Do(func(ctx context.Context, tx *db.Tx) error {
			p, err := staff.Find(ctx, tx, s.Person.ID)
			if len(p.Grants) != 0 || p.State != staff.Active {
				t.Errorf("it is left with %v", p.Grants)
			}
			return err
		})

		p.Knows("subject-of-bo", &providertest.Person{Name: "波", Groups: []string{"others"}})
		if w := d.browser("").comes(p, "subject-of-bo"); w.Code != 403 || !strings.Contains(w.Body.String(), "signin.provider_no_role") {
			t.Errorf("a stranger: %d", w.Code)
		}
		p.Knows("subject-of-nobody", &providertest.Person{Groups: []string{"keep"}})
		if w := d.browser("").comes(p, "subject-of-nobody"); w.Code != 403 || !strings.Contains(w.Body.String(), "signin.provider_unnamed") {
			t.Errorf("without a name: %d", w.Code)
		}
	})
}

// What comes with an office is the office's: no group gives it or takes it.
func TestArticle8_AGroupNeitherGivesAnOfficeNorTakesIt(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p, who := d.askedOf()
		b := d.browser("")
		b.comes(p, anna)
		s, err := b.whois()
		if err != nil {
			t.Fatal(err)
		}
		d.Do(func(ctx context.Context, tx *db.Tx) error {
			g, err := staff.OfOffice(ctx, tx, vaulttest.Service, d.Officer.ID)
			if err == nil {
				_, err = staff.Give(ctx, tx, signintest.By, s.Person.ID, g)
			}
			return err
		})
		who.Groups = nil
		if w := b.comes(p, anna); w.Code != 303 {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		if s, err := b.whois(); err != nil || len(s.Person.Grants) != 1 || s.Person.Office(vaulttest.Service) == "" {
			t.Errorf("%v, %v", s.Person.Grants, err)
		}
	})
}

// Who has left here has left, whatever the provider says, and comes back as nobody else.
func TestArticle15_WhoHasLeftComesBackByNoProvider(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p, _ := d.askedOf()
		b := d.browser("")
		b.comes(p, anna)
		s, err := b.whois()
		if err != nil {
			t.Fatal(err)
		}
		back := b.asks(p, "/console/in/provider", anna) // on its way when it leaves
		d.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := signin.Leave(ctx, tx, signintest.By, s.Person.ID)
			return err
		})
		for name, w := range map[string]*httptest.ResponseRecorder{"on its way": b.brings(back), "anew": d.browser("").comes(p, anna)} {
			if w.Code != 403 || !strings.Contains(w.Body.String(), "signin.provider_left") {
				t.Errorf("%s: %d", name, w.Code)
			}
		}
		if n := count(d, `SELECT count(*) FROM person`); n != 1 {
			t.Errorf("%d accounts", n)
		}
	})
}

// Whoever comes in by the provider comes in by nothing else: who is shut out there is shut
// out here.
func TestArticle15_WhoComesByTheProviderComesByNothingElse(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p, _ := d.askedOf()
		b := d.browser("")
		b.comes(p, anna)
		s, err := b.whois()
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{"/console/account/renew", "/console/account/passkeys/offer", "/console/account/passkeys"} {
			if w := b.post(path, "answer", "{}"); w.Code != 409 {
				t.Errorf("%s: %d", path, w.Code)
			}
		}
		boss := d.browser(d.hire(staff.Officer).Secret)
		if w := boss.post("/console/people/" + s.Person.ID + "/reset?lang=en"); w.Code != 409 || strings.Contains(w.Body.String(), "/console/setup/") {
			t.Errorf("reset: %d", w.Code)
		}
		if _, err := b.whois(); err == nil {
			t.Error("after a reset the session is as good as before")
		}
		if n := count(d, `SELECT count(*) FROM person_invite`); n != 0 {
			t.Errorf("%d links", n)
		}
	})
}

func count(d *desk, query string) (n int64) {
	d.T.Helper()
	d.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		n, err = db.One(ctx, tx, db.Single[int64], query)
		return err
	})
	return n
}

// OpenID Connect Core, 3.1.3.7: what isn't said by this provider, to us, about this
// question, and now, lets nobody in, and each has its own reason.
func TestASVS_10_5_EachTokenThatIsNoneHasItsReason(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p, _ := d.askedOf()
		now := func(after time.Duration) float64 { return float64(d.Store.Now().Add(after).Unix()) }
		for code, c := range map[string]struct {
			forge func(claims map[string]any)
			sign  func(p *providertest.Provider, claims []byte) string
		}{
			"provider.issuer":    {forge: func(c map[string]any) { c["iss"] = "https://id.example.com" }},
			"provider.audience":  {forge: func(c map[string]any) { c["aud"] = "another"; delete(c, "azp") }},
			"provider.nonce":     {forge: func(c map[string]any) { c["nonce"] = strings.Repeat("0", 64) }},
			"provider.expired":   {forge: func(c map[string]any) { c["exp"] = now(-2 * time.Minute) }},
			"provider.early":     {forge: func(c map[string]any) { c["nbf"] = now(10 * time.Minute) }},
			"provider.unsigned":  {sign: providertest.Unsigned},
			"provider.signature": {sign: providertest.ByAnother},
			"provider.no_token":  {sign: func(*providertest.Provider, []byte) string { return "nonsense" }},
		} {
			p.Forge, p.Sign = c.forge, c.sign
			b := d.browser("")
			if w := b.comes(p, anna); w.Code != 403 || !strings.Contains(w.Body.String(), "<code>"+code+"</code>") || b.cookies[held] != "" {
				t.Errorf("%s: %d %s", code, w.Code, w.Body)
			}
		}
		for name, c := range map[string]struct {
			code  string
			forge func(claims map[string]any)
			sign  func(p *providertest.Provider, claims []byte) string
		}{
			"made for others, too":          {"provider.audience", func(c map[string]any) { c["aud"] = []string{providertest.Client, "another"}; delete(c, "azp") }, nil},
			"made for others by our name":   {"provider.audience", func(c map[string]any) { c["azp"] = "another" }, nil},
			"of nobody":                     {"provider.no_token", func(c map[string]any) { c["sub"] = "" }, nil},
			"made in the future":            {"provider.early", func(c map[string]any) { c["iat"] = now(5 * time.Minute) }, nil},
			"without a nonce":               {"provider.nonce", func(c map[string]any) { delete(c, "nonce") }, nil},
			"without an end":                {"provider.expired", func(c map[string]any) { delete(c, "exp") }, nil},
			"signed by the client's secret": {"provider.unsigned", nil, providertest.BySecret},
			"of another access token":       {"provider.signature", func(c map[string]any) { c["at_hash"] = "AAAAAAAAAAAAAAAAAAAAAA" }, nil},
		} {
			p.Forge, p.Sign = c.forge, c.sign
			if w := d.browser("").comes(p, anna); w.Code != 403 || !strings.Contains(w.Body.String(), "<code>"+c.code+"</code>") {
				t.Errorf("%s: %d %s", name, w.Code, w.Body)
			}
		}
		// Clocks may differ by a minute.
		for name, forge := range map[string]func(c map[string]any){
			"it ended a moment ago":  func(c map[string]any) { c["exp"] = now(-30 * time.Second) },
			"it holds from now on":   func(c map[string]any) { c["nbf"], c["iat"] = now(30*time.Second), now(30*time.Second) },
			"it says its own client": func(c map[string]any) { c["azp"] = providertest.Client },
		} {
			p.Forge, p.Sign = forge, nil
			if w := d.browser("").comes(p, anna); w.Code != 303 {
				t.Errorf("%s: %d %s", name, w.Code, w.Body)
			}
		}
		if n := count(d, `SELECT count(*) FROM person`); n != 1 {
			t.Errorf("%d accounts", n)
		}
	})
}

// The provider signs with new keys whenever it likes.
func TestASVS_10_5_KeysOfTheProviderMayChange(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p, _ := d.askedOf()
		for range 3 {
			if w := d.browser("").comes(p, anna); w.Code != 303 {
				t.Fatalf("%d %s", w.Code, w.Body)
			}
			p.Rotate()
		}
	})
}

// RFC 9700, 2.1: an answer counts in the browser that asked, for what it asked, once, and
// for five minutes; and a code is of no use to who has it and not what it was bound to.
func TestASVS_10_2_AnAnswerIsOfTheBrowserThatAsked(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p, _ := d.askedOf()
		refused := func(name string, w *httptest.ResponseRecorder) {
			t.Helper()
			if w.Code != 403 || !strings.Contains(w.Body.String(), "<code>provider.asked</code>") && !strings.Contains(w.Body.String(), "<code>provider.code</code>") {
				t.Errorf("%s: %d %s", name, w.Code, w.Body)
			}
		}
		thief, victim := d.browser(""), d.browser("")
		back := thief.asks(p, "/console/in/provider", anna)
		refused("a browser that asked nothing", victim.brings(back))
		victim.asks(p, "/console/in/provider", anna)
		refused("a browser that asked something else", victim.brings(back))
		if victim.cookies[held] != "" {
			t.Error("it is signed in")
		}

		// The thief's question with a code of the victim's: PKCE.
		back = victim.asks(p, "/console/in/provider", anna)
		stolen, err := url.Parse(back)
		if err != nil {
			t.Fatal(err)
		}
		own, err := url.Parse(thief.asks(p, "/console/in/provider", anna))
		if err != nil {
			t.Fatal(err)
		}
		own.RawQuery = url.Values{"state": {own.Query().Get("state")}, "code": {stolen.Query().Get("code")}}.Encode()
		refused("a stolen code", thief.brings(own.String()))

		once := d.browser("")
		back = once.asks(p, "/console/in/provider", anna)
		asked := once.cookies["__Host-wardkeep_staff_asked"]
		if w := once.brings(back); w.Code != 303 {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		once.cookies["__Host-wardkeep_staff_asked"] = asked
		refused("twice", once.brings(back))

		late := d.browser("")
		back = late.asks(p, "/console/in/provider", anna)
		d.Pass(6 * time.Minute)
		refused("six minutes later", late.brings(back))

		no := d.browser("")
		if w := no.brings(no.asks(p, "/console/in/provider", "")); w.Code != 403 || !strings.Contains(w.Body.String(), "<code>provider.denied</code>") {
			t.Errorf("who says no: %d", w.Code)
		}
		mixed := d.browser("")
		if w := mixed.brings(mixed.asks(p, "/console/in/provider", anna) + "&iss=https%3A%2F%2Fevil.example"); w.Code != 403 || !strings.Contains(w.Body.String(), "<code>provider.issuer</code>") {
			t.Errorf("an answer of another provider: %d", w.Code)
		}
		// What we ask: a code, a proof of it, and neither secret nor token on the way.
		w := d.browser("").get("/console/in/provider")
		to, err := url.Parse(w.Header().Get("Location"))
		if err != nil {
			t.Fatal(err)
		}
		q := to.Query()
		if q.Get("response_type") != "code" || q.Get("code_challenge_method") != "S256" || len(q.Get("code_challenge")) != 43 || len(q.Get("nonce")) != 64 ||
			len(q.Get("state")) != 64 || q.Get("redirect_uri") != site+console.ProviderBack || q.Get("scope") != "openid profile groups" || strings.Contains(to.String(), "secret") {
			t.Errorf("it asks %s", to)
		}
		if all := d.log.String(); strings.Contains(all, "安娜") || strings.Contains(all, anna) || strings.Contains(all, stolen.Query().Get("code")) {
			t.Errorf("the log says %s", all)
		}
	})
}

// A role that was taken at the provider, which told nobody of it, ends here within an hour: so
// long a session lasts after the provider has said in which groups its person is. To show there
// once more who one is has the groups read anew, in every session.
func TestArticle15_ARoleTakenThereEndsHereWithinAnHour(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p, who := d.askedOf()
		b, other := d.browser(""), d.browser("")
		goOn := func(minutes int) {
			for range minutes / 10 {
				d.Pass(10 * time.Minute)
				b.get("/console/account")
				other.get("/console/account")
			}
		}
		b.comes(p, anna)
		other.comes(p, anna)
		goOn(50)
		if _, err := other.whois(); err != nil {
			t.Fatalf("after 50 minutes: %v", err)
		}
		who.Groups = []string{"audit"}
		if w := b.brings(b.asks(p, "/console/again/provider?to=/console/account", anna)); w.Code != 303 {
			t.Fatalf("shown once more: %d %s", w.Code, w.Body)
		}
		if s, err := other.whois(); err != nil || s.Person.May(staff.AskAccess, vaulttest.Service) || !s.Person.May(staff.SeeLedger, "") {
			t.Errorf("in the other session the groups of before count: %v, %v", s.Person.Grants, err)
		}
		d.replays()
		who.Groups = nil
		goOn(10)
		if _, err := other.whois(); err == nil {
			t.Error("a session of an hour ago is open")
		}
		goOn(40)
		if _, err := b.whois(); err != nil {
			t.Errorf("50 minutes after it was shown once more: %v", err)
		}
		goOn(10)
		if _, err := b.whois(); err == nil {
			t.Error("who is in no group any more is signed in after an hour")
		}
	})
}

// Before what is grave a person shows once more who it is, and the provider's word that it
// was asked is wanted, not that it is signed in there.
func TestArticle15_TheProviderAsksAgainBeforeWhatIsGrave(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p, _ := d.askedOf()
		b := d.browser("")
		b.comes(p, anna)
		if s, err := b.whois(); err != nil || s.IsFresh(d.Store.Now()) != nil {
			t.Fatalf("who has just shown it there isn't fresh: %v", err)
		}
		d.Pass(10 * time.Minute)
		// She is signed in there still, and nobody asks: so she isn't fresh here.
		b.comes(p, anna)
		if s, err := b.whois(); err != nil || s.IsFresh(d.Store.Now()) == nil {
			t.Errorf("fresh without having shown who it is: %v", err)
		}
		if w := b.post("/console/account/end"); outcome(w) != toAgain {
			t.Errorf("not fresh: %d", w.Code)
		}
		if w := b.get("/console/again?lang=en&to=/console/account"); !strings.Contains(w.Body.String(), "/console/again/provider?lang=en&amp;to=/console/account") || strings.Contains(w.Body.String(), `name="password"`) {
			t.Error("the page doesn't lead to the provider")
		}
		again := "/console/again/provider?lang=en&to=/console/account"
		p.Ignores = true
		if w := b.brings(b.asks(p, again, anna)); w.Code != 403 || !strings.Contains(w.Body.String(), "<code>provider.stale</code>") {
			t.Errorf("a provider that asks nobody: %d", w.Code)
		}
		p.Ignores = false
		p.Forge = func(c map[string]any) { delete(c, "auth_time") }
		if w := b.brings(b.asks(p, again, anna)); w.Code != 403 || !strings.Contains(w.Body.String(), "<code>provider.stale</code>") {
			t.Errorf("a provider that doesn't say when: %d", w.Code)
		}
		p.Forge = nil
		p.Knows("subject-of-bo", &providertest.Person{Name: "波", Groups: []string{"keep"}})
		if w := b.brings(b.asks(p, again, "subject-of-bo")); w.Code != 403 || !strings.Contains(w.Body.String(), "<code>signin.provider_somebody</code>") {
			t.Errorf("somebody else: %d", w.Code)
		}
		if n := len(slices.DeleteFunc(d.kinds(), func(kind string) bool { return kind != signin.KindFailed })); n != 1 {
			t.Errorf("%d entries say that somebody else has shown who they are", n)
		}
		// An answer to the door isn't one to this, and neither is one to another session.
		mine := d.browser("")
		mine.comes(p, anna)
		back := mine.asks(p, again, anna)
		b.cookies["__Host-wardkeep_staff_asked"] = mine.cookies["__Host-wardkeep_staff_asked"]
		if w := b.brings(back); w.Code != 403 || !strings.Contains(w.Body.String(), "<code>provider.asked</code>") {
			t.Errorf("another session's: %d %s", w.Code, w.Body)
		}
		former := b.cookies[held]
		if w := b.brings(b.asks(p, again, anna)); w.Code != 303 || !strings.HasPrefix(w.Header().Get("Location"), "/console/account?") {
			t.Fatalf("again: %d %s", w.Code, w.Body)
		}
		if s, err := b.whois(); err != nil || s.IsFresh(d.Store.Now()) != nil || b.cookies[held] == former {
			t.Errorf("not fresh, or under the same secret: %v", err)
		}
	})
}

// Who signs out at the provider, or is signed out there, is out here, by its word alone.
func TestASVS_10_5_WhoIsSignedOutAtTheProviderIsOut(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p, _ := d.askedOf()
		b := d.browser("")
		b.comes(p, anna)
		machine := d.browser("")
		for name, change := range map[string]func(c map[string]any){
			"of another provider": func(c map[string]any) { c["iss"] = "https://id.example.com" },
			"for somebody else":   func(c map[string]any) { c["aud"] = "another" },
			"a token of a person": func(c map[string]any) { c["nonce"] = "x" },
			"of no event":         func(c map[string]any) { delete(c, "events") },
			"of nobody":           func(c map[string]any) { delete(c, "sub"); c["sid"] = "x" },
			"an old one":          func(c map[string]any) { c["iat"] = d.Store.Now().Add(-11 * time.Minute).Unix() },
			"of later":            func(c map[string]any) { c["iat"] = d.Store.Now().Add(5 * time.Minute).Unix() },
		} {
			word := p.Word(anna)
			change(word)
			if w := machine.post(console.ProviderOut, "logout_token", p.Token(word)); w.Code != 400 {
				t.Errorf("%s: %d", name, w.Code)
			}
		}
		p.Sign = providertest.ByAnother
		if w := machine.post(console.ProviderOut, "logout_token", p.Token(p.Word(anna))); w.Code != 400 {
			t.Errorf("by another: %d", w.Code)
		}
		p.Sign = nil
		if w := machine.post(console.ProviderOut); w.Code != 400 {
			t.Errorf("nothing: %d", w.Code)
		}
		if _, err := b.whois(); err != nil {
			t.Fatal("nobody has signed out")
		}
		word := p.Token(p.Word(anna))
		if w := machine.post(console.ProviderOut, "logout_token", word); w.Code != 200 || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%d", w.Code)
		}
		if _, err := b.whois(); err == nil {
			t.Error("she is in still")
		}
		b.comes(p, anna)
		if w := machine.post(console.ProviderOut, "logout_token", word); w.Code != 400 {
			t.Errorf("twice: %d", w.Code)
		}
		if _, err := b.whois(); err != nil {
			t.Error("a word counts twice")
		}
		if w := machine.post(console.ProviderOut, "logout_token", p.Token(p.Word("subject-of-nobody"))); w.Code != 200 {
			t.Errorf("who was never here: %d", w.Code)
		}
	})
}

// A provider whose keys can't be had is away, and nobody's token is said to be forged.
func TestASVS_10_5_KeysThatCanNotBeHad(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p, _ := d.askedOf()
		p.Keyless = true
		if w := d.browser("").comes(p, anna); w.Code != 503 || !strings.Contains(w.Body.String(), "<code>provider.away</code>") || strings.Contains(d.log.String(), "no keys") {
			t.Errorf("%d %s", w.Code, d.log)
		}
		p.Keyless = false
		if w := d.browser("").comes(p, anna); w.Code != 303 {
			t.Errorf("once it tells them: %d", w.Code)
		}
	})
}

// ASVS 7.6.2: another site's link to the provider begins nothing: it leads to the page that
// has ours.
func TestASVS_7_6_NoOtherSiteBeginsASignIn(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.askedOf()
		for site, there := range map[string]bool{"cross-site": false, "same-site": false, "same-origin": true, "none": true, "": true} {
			b := d.browser("")
			if site != "" {
				b.header = http.Header{"Sec-Fetch-Site": {site}}
			}
			w := b.get("/console/in/provider")
			if to := w.Header().Get("Location"); w.Code != 303 || strings.HasPrefix(to, "/console/in?") == there || (b.cookies["__Host-wardkeep_staff_asked"] != "") != there {
				t.Errorf("%q: %d to %s", site, w.Code, to)
			}
		}
	})
}

// Without a provider, or when it is away, nobody comes in by it, and others do.
func TestArticle15_AProviderThatIsAwayLetsNobodyIn(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		if w := d.browser("").get("/console/in/provider"); w.Code != 404 {
			t.Errorf("without one: %d", w.Code)
		}
		d.console.Provider = provider.New(provider.Config{Issuer: "http://127.0.0.1:1", Client: "x", Back: site + console.ProviderBack})
		d.pages = d.console.Handler()
		if w := d.browser("").get("/console/in/provider"); w.Code != 503 || !strings.Contains(w.Body.String(), "<code>provider.away</code>") {
			t.Errorf("away: %d", w.Code)
		}
		ill := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "王小明 asked for this", http.StatusInternalServerError)
		}))
		t.Cleanup(ill.Close)
		d.console.Provider = provider.New(provider.Config{Issuer: ill.URL, Client: "x", Back: site + console.ProviderBack})
		d.pages = d.console.Handler()
		if w := d.browser("").get("/console/in/provider"); w.Code != 503 || strings.Contains(d.log.String(), "王小明") {
			t.Errorf("ill: %d, and the log says %s", w.Code, d.log)
		}
		in := d.hire(staff.Manager)
		d.Pass(time.Minute)
		if w := d.browser("").enter(in, in.Code()); w.Code != 303 {
			t.Errorf("by password: %d", w.Code)
		}
	})
}

// ASVS 10.5.3: a provider whose own document names another issuer is none.
func TestASVS_10_5_3_AnotherProvidersDocumentIsNone(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p, _ := d.askedOf()
		other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, p.URL+r.URL.Path, http.StatusFound)
		}))
		t.Cleanup(other.Close)
		relay := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			answer, err := http.Get(p.URL + r.URL.Path)
			if err != nil {
				t.Error(err)
				return
			}
			defer answer.Body.Close()
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.Copy(w, answer.Body)
		}))
		t.Cleanup(relay.Close)
		for name, issuer := range map[string]string{"led elsewhere": other.URL, "another's document": relay.URL} {
			d.console.Provider = provider.New(provider.Config{Issuer: issuer, Client: providertest.Client, Secret: providertest.Secret, Groups: "groups", Back: site + console.ProviderBack, Now: d.Store.Now})
			d.pages = d.console.Handler()
			if w := d.browser("").get("/console/in/provider"); w.Code != 503 || !strings.Contains(w.Body.String(), "<code>provider.away</code>") {
				t.Errorf("%s: %d", name, w.Code)
			}
		}
	})
}
