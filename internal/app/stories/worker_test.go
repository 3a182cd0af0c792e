package stories

import (
	"context"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"

	"wardkeep/internal/app"
	"wardkeep/internal/app/apptest"
	"wardkeep/internal/app/browsertest"
	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/console"
	"wardkeep/internal/family"
	"wardkeep/internal/gate"
	"wardkeep/internal/ledger"
	"wardkeep/internal/provider/providertest"
	"wardkeep/internal/signin/signintest"
	"wardkeep/internal/staff"
)

// anna is what the operator's provider calls the worker, and keep the group by which she is
// one.
const anna, keep = "subject-of-anna", "keep"

// sessionOf is the cookie of whoever is signed in.
const sessionOf = "__Host-wardkeep_staff"

// directory gives a site a provider that knows the worker.
func directory(t *testing.T, s *browsertest.Site) *providertest.Provider {
	t.Helper()
	p := providertest.Start(t, func() time.Time { return s.App.Store.Now() }, s.URL+console.ProviderBack)
	p.Knows(anna, &providertest.Person{Name: "安娜", Groups: []string{keep}})
	secret := filepath.Join(s.Dir, "provider")
	if err := os.WriteFile(secret, []byte(providertest.Secret), 0o600); err != nil {
		t.Fatal(err)
	}
	s.Config.Console.Provider = &app.OpenID{Issuer: p.URL, Client: providertest.Client, SecretFile: secret, Scopes: []string{"profile", "groups"}, GroupsClaim: "groups",
		Roles: []app.GroupRole{{Group: keep, Role: staff.Worker, Service: apptest.Service}}}
	return p
}

// colleague is somebody else inside, at a browser of their own.
func (p *insider) colleague(name string) *insider {
	p.t.Helper()
	other := *p
	other.name, other.trap = name, p.provider.URL
	other.sit()
	return &other
}

// comesByTheProvider tells how a worker comes in whom nobody here has invited.
func (p *insider) comesByTheProvider() *insider {
	p.t.Helper()
	w := p.colleague("安娜")
	w.Visit(w.site.URL + "/console")
	w.at("door-provider")
	w.isKnownThere(`main a[href^="/console/in/provider"]`)
	w.sees("console.role.staff")
	w.at("home-worker")
	return w
}

// isKnownThere follows a link to the provider, says there who it is, and is led back: by a
// page of ours that comes without a cookie, and goes on with it.
func (p *insider) isKnownThere(link string) {
	p.t.Helper()
	p.follow(link)
	p.Find(`button[value="` + anna + `"]`).FollowOn(func(r browsertest.Request) bool {
		return !strings.HasPrefix(r.URL, p.site.URL) || strings.HasPrefix(r.URL, p.site.URL+console.ProviderBack)
	})
}

// grantsAnother has one ask about another child, and a second agree.
func (p *insider) grantsAnother(asks, agrees *signintest.Insider) (r approval.Request) {
	p.t.Helper()
	child := apptest.NewChild()
	if _, err := p.site.API.Register(p.t.Context(), child); err != nil {
		p.t.Fatal(err)
	}
	desk := approval.Desk{Ring: p.site.App.Ring, Charters: p.site.App.Charters}
	p.site.Do(p.site.App, func(ctx context.Context, tx *db.Tx) error {
		c, err := family.FindByRef(ctx, tx, p.site.App.Ring, apptest.Service, pii.New(child.Ref))
		if err != nil {
			return err
		}
		if r, _, err = desk.Ask(ctx, tx, asks.Session.Person, c, approval.Asking{Purpose: "parent-reports", Items: []string{"remarks"},
			Reason: approval.ForSupport, Text: pii.New("家长来电"), Minutes: 20}); err == nil {
			_, _, err = desk.Decide(ctx, tx, agrees.Session.Person, apptest.Service, r.ID, approval.Decision{Verdict: approval.Granted, Reason: approval.Needed})
		}
		return err
	})
	return r
}

// getsNoFurther tells how the worker looks at what was left of the request, and tries, with
// the browser's own tools, whatever else there may be: each try is refused and recorded
// (invariants 2, 3 and 11).
func (w *insider) getsNoFurther(mine, other approval.Request) {
	w.t.Helper()
	w.Reload()
	w.sees("console.state.narrowed")
	w.follow(`main a[href*="/view?"]`)
	if n := w.Count(`form[data-reveal]`); n != 1 {
		w.t.Errorf("%d items are offered, and one was left", n)
	}
	w.shows("remarks")

	path, remarks := pathOf(mine), url.Values{"item": {"remarks"}}
	add := func(name, value string) string {
		return `form.append(Object.assign(document.createElement("input"), {type: "hidden", name: "` + name + `", value: "` + value + `"}))`
	}
	for _, try := range []struct {
		kind   string
		status int
		code   string
		does   func() browsertest.Said
	}{
		{gate.KindDenied, 403, "gate.approval_item", func() browsertest.Said { return w.edits(`form.querySelector("[name=item]").value = "nickname"`) }},
		{gate.KindDenied, 403, "gate.approval_of_other", func() browsertest.Said { return w.edits(`form.action = "` + pathOf(other) + `/view"`) }},
		{staff.KindTried, 422, "console.view.fields", func() browsertest.Said { return w.edits(add("child", string(other.Child))) }},
		{staff.KindTried, 422, "console.view.fields", func() browsertest.Said { return w.edits(add("item", "nickname")) }},
		{staff.KindTried, 422, "console.view.fields", func() browsertest.Said { return w.edits(add("watermark", "off")) }},
		{staff.KindTried, 422, "console.view.fields", func() browsertest.Said { return w.edits(`form.action += "&watermark=off"`) }},
		{staff.KindTried, 403, "console.view.not_by_script", func() browsertest.Said { return w.posts(path+"/view", remarks) }},
		{staff.KindTried, 403, "console.view.not_by_script", func() browsertest.Said { w.Reload(); return w.said() }}, // the form is sent again
		{staff.KindTried, 422, "console.view.fields", func() browsertest.Said { w.Visit(w.asked.URL + "/view?item=remarks"); return w.said() }},
		{staff.KindTried, 403, "staff.may_not", func() browsertest.Said { return w.posts(path+"/decide", grants) }},
	} {
		w.isCaught(try.kind, try.status, try.code, try.does)
	}
	for _, at := range []string{"/view/remarks", "/remarks.png"} {
		w.isCaught(staff.KindTried, 404, "console.no_page", func() browsertest.Said { w.Visit(w.asked.URL + at); return w.said() })
	}
	// What lies over the page can be taken away in the browser. What is in the picture can't.
	w.Visit(w.asked.URL + "/view")
	w.Tamper(`document.querySelector("img.marks").remove()`)
	w.shows("remarks")
	w.isMarked(mine.Number, 2)
}

// rescuesNobody tells how the worker asks for what a hospital needs at once, and has it alone,
// and how the officer joins, who reviews it: each is refused and recorded (edge case 23).
func (w *insider) rescuesNobody(ref string, office *insider) {
	w.t.Helper()
	w.fill(`input[name=ref]`, ref)
	w.press(`input[name=item][value=nickname]`)
	w.Find(`select[name=receiver]`).Choose("hospital")
	w.fill(`input[name=authority]`, "市第一人民医院急诊科")
	w.fill(`textarea[name=words]`, "孩子昏迷，医生要知道怎么称呼")
	w.follow(`main form button`)
	w.sees("console.basis.title")
	at, _, _ := strings.Cut(w.Page().URL, "?")
	path := strings.TrimPrefix(at, w.site.URL)
	w.isCaught(staff.KindTried, 403, "approval.self", func() browsertest.Said { return w.posts(path+"/join", url.Values{}) })
	w.isCaught(gate.KindDenied, 403, "gate.approval_open", func() browsertest.Said { return w.Fetch(path+"/view", url.Values{"item": {"nickname"}}) })
	office.isKnownAgain()
	office.isCaught(staff.KindTried, 403, "approval.in_office", func() browsertest.Said { return office.posts(path+"/join", url.Values{}) })
	w.Visit(at)
	w.follow(`form[action*="/end"] button`)
	w.sees("console.why.given_back")
	w.Visit(w.site.URL + "/console/urgent/new")
}

// opensItWith tells how the worker has something that can't wait, and a second person joins.
func (w *insider) opensItWith(ref string, in *signintest.Insider, office *insider) {
	w.t.Helper()
	w.Visit(w.site.URL + "/console/again?to=/console")
	w.isKnownThere(`main a[href^="/console/again/provider"]`) // however long it has taken until here
	w.goes("/console/urgent")
	w.follow(`main a.button`)
	w.at("where-urgent")
	w.follow(`main a[href*="/console/rescue/new/"][href*="/parent-reports"]`)
	w.sees("console.basis.receiver")
	w.at("ask-life")
	w.rescuesNobody(ref, office)
	w.follow(`main a[href*="/console/urgent/new/"][href*="/parent-reports"]`)
	w.at("ask-urgent")
	w.asks(ref, "safety", "孩子走失，找不到人审批", "nickname")
	w.at("request-urgent")
	at, _, _ := strings.Cut(w.Page().URL, "?")
	path := strings.TrimPrefix(at, w.site.URL)
	w.isCaught(staff.KindTried, 403, "approval.self", func() browsertest.Said { return w.posts(path+"/join", url.Values{}) })
	w.isCaught(gate.KindDenied, 403, "gate.approval_open", func() browsertest.Said { return w.Fetch(path+"/view", url.Values{"item": {"nickname"}}) })

	second := w.colleague("李雷")
	second.Bring(second.site.URL, sessionOf, in.Secret)
	second.Visit(second.site.URL + "/console")
	second.sees("console.home.join")
	second.goes("/console/urgent")
	second.at("urgent-join")
	second.follow(`section[aria-labelledby=join] tbody a`)
	second.at("request-join")
	second.follow(`form[action*="/join"] button`)
	if second.Count(`main a[href*="/view?"], form[action*="/join"]`) != 0 {
		second.t.Error("who has joined is led to the values, or may join again")
	}
	w.Visit(at)
	w.follow(`main a[href*="/view?"]`)
	w.shows("nickname")
	w.Visit(at)
}

// comesTooLate tells how the page of a look is left open until the window is over: the
// worker shows once more who she is, and sees nothing.
func (w *insider) comesTooLate() {
	w.t.Helper()
	w.follow(`form[data-reveal] button[data-show]`)
	w.at("again-provider")
	w.isKnownThere(`main a[href^="/console/again/provider"]`)
	w.sees("console.state.over")
	path := strings.TrimPrefix(w.asked.URL, w.site.URL)
	w.isCaught(gate.KindDenied, 403, "gate.approval_over", func() browsertest.Said { return w.Fetch(path+"/view", url.Values{"item": {"remarks"}}) })
}

// leaves tells how the worker leaves the operator: its provider says so, and neither her
// browser nor whoever has stolen its cookie is in any more, nor comes in again.
func (w *insider) leaves() {
	w.t.Helper()
	thief := w.colleague("")
	all := w.Cookies(w.site.URL + "/console")
	thief.Bring(w.site.URL, sessionOf, all[slices.IndexFunc(all, func(c *network.Cookie) bool { return c.Name == sessionOf })].Value)
	thief.Visit(w.site.URL + "/console")
	thief.sees("console.role.staff")

	w.provider.Knows(anna, &providertest.Person{Name: "安娜"})
	answer, err := w.site.API.HTTP.PostForm(w.site.URL+console.ProviderOut, url.Values{"logout_token": {w.provider.Token(w.provider.Word(anna))}})
	if err != nil {
		w.t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		w.t.Errorf("the provider's word: %d", answer.StatusCode)
	}
	for _, b := range []*insider{w, thief} {
		b.Visit(w.site.URL + "/console/access")
		b.sees("console.door.title")
	}
	w.isKnownThere(`main a[href^="/console/in/provider"]`)
	if said := w.said(); said.Status != http.StatusForbidden || !strings.Contains(said.Text, w.lang.T("signin.provider_no_role")) {
		w.t.Errorf("in no group: %d", said.Status)
	}
}

// grants is the form by which somebody agrees to a request.
var grants = url.Values{"verdict": {"granted"}, "reason": {"needed"}}

func pathOf(r approval.Request) string { return "/console/access/requests/" + r.Service + "/" + r.ID }

// said is what the page in the tab answers.
func (p *insider) said() browsertest.Said {
	p.t.Helper()
	return browsertest.Said{Status: int(p.Page().Status), Text: p.Text()}
}

// posts sends a form that no page offers.
func (p *insider) posts(path string, form url.Values) browsertest.Said {
	p.t.Helper()
	p.Post(path, form)
	return p.said()
}

// edits changes the form of a look in the page, and presses its button.
func (p *insider) edits(script string) browsertest.Said {
	p.t.Helper()
	p.Visit(p.asked.URL + "/view")
	p.Tamper(`const form = document.querySelector("form[data-reveal]"); ` + script)
	p.press(`form[data-reveal] button[data-show]`)
	for end := time.Now().Add(20 * time.Second); p.Count(`form[data-reveal] [role=alert] p`) == 0; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			p.t.Fatalf("%s: nothing is said", script)
		}
	}
	if p.Count(`canvas:not([hidden])`) != 0 {
		p.t.Errorf("%s: something is shown", script)
	}
	said := p.said()
	for _, r := range p.Requests() {
		if r.Method == http.MethodPost {
			said.Status = int(r.Status)
		}
	}
	return said
}

// isCaught fails the test where what somebody tries isn't refused in these words, shows
// anything, or isn't in the ledger, once.
func (p *insider) isCaught(kind string, status int, code string, tries func() browsertest.Said) {
	p.t.Helper()
	before := p.recorded(kind)
	said := tries()
	if said.Status != status || !strings.Contains(said.Text, p.lang.T(code)) || strings.HasPrefix(said.Type, "image/") || strings.Contains(said.Text, nicknames[p.lang]) {
		p.t.Errorf("%s: answered with %d: %.400s", code, said.Status, said.Text)
	}
	n := 0
	for end := time.Now().Add(5 * time.Second); n == 0 && time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		n = p.recorded(kind) - before // an attempt is recorded once it was refused
	}
	if n != 1 {
		p.t.Errorf("%s: %d entries %s", code, n, kind)
	}
}

// recorded returns how many entries of a kind the ledger has by the person.
func (p *insider) recorded(kind string) (n int) {
	p.t.Helper()
	who := "staff:" + p.person().ID
	err := p.site.App.Store.View(p.t.Context(), func(tx *db.Tx) error {
		ctx := p.t.Context()
		head, err := ledger.Head(ctx, tx)
		if err != nil {
			return err
		}
		count := func(e ledger.Placed) error {
			if e.Kind == kind && e.Actor == who {
				n++
			}
			return nil
		}
		if err := ledger.ReadKind(ctx, tx, 0, head.Size, kind, count); err != nil {
			return err
		}
		return ledger.Pending(ctx, tx, count)
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return n
}
