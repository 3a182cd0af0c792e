package stories

import (
	"context"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pquerna/otp/totp"

	"wardkeep/internal/account"
	"wardkeep/internal/app/apptest"
	"wardkeep/internal/app/browsertest"
	"wardkeep/internal/approval"
	"wardkeep/internal/backup"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/base/workday"
	"wardkeep/internal/catalog"
	"wardkeep/internal/catalog/catalogtest"
	"wardkeep/internal/charter"
	"wardkeep/internal/console"
	"wardkeep/internal/party"
	"wardkeep/internal/provider/providertest"
	"wardkeep/internal/receipt"
	"wardkeep/internal/rights"
	"wardkeep/internal/signin/signintest"
	"wardkeep/internal/staff"
	"wardkeep/internal/suspicion"
	"wardkeep/internal/tally"
	"wardkeep/internal/vault/vaulttest"
)

// An insider is a person inside, at a browser on a desk.
type insider struct {
	guardian // who they would be on the other side: what is looked at on a page is the same
	name     string
	stops    *[]string
	paths    *[]string // of the pages at which anybody stops
	secret   string    // of the authenticator
	provider *providertest.Provider
	looks    func(p *insider, stop string)
}

// typedSecret is what an authenticator is told by hand.
var typedSecret = regexp.MustCompile(`(?:[A-Z2-7]{4} ){7}[A-Z2-7]{4}`)

// rawKey is the key of words that there aren't.
var rawKey = regexp.MustCompile(`\bconsole\.[a-z_]+[a-z_.]*`)

// wide are the sizes that the console is made for.
var wide = []browsertest.Size{{Name: "narrow desk", Width: 1024, Height: 768}, browsertest.Desk}

// TestConsole tells how an officer sets up an account, adds a passkey, asks to see a value
// and sees it, decides about another's request, invites somebody, shows once more who it
// is, and comes in by each way; and how a worker comes in by the operator's provider, sees
// what was left of a request, gets no further, and leaves. Each page is looked at in both
// sizes, light and dark, and axe-core examines it; one on which nobody stops fails.
func TestConsole(t *testing.T) {
	t.Parallel()
	told := make(map[i18n.Lang][]string)
	for _, lang := range i18n.Langs {
		t.Run(string(lang), func(t *testing.T) { told[lang] = tellConsole(t, lang, (*insider).examine) })
	}
	if zh, en := told[i18n.Chinese], told[i18n.English]; zh != nil && en != nil { // both were told, to their ends
		if diff := cmp.Diff(zh, en); diff != "" {
			t.Errorf("the story stops elsewhere in English, so somewhere it is examined whole in neither language (-zh +en):\n%s", diff)
		}
	}
}

// tellConsole tells it in one language, calls looks for each stop, and returns the stops.
func tellConsole(t *testing.T, lang i18n.Lang, looks func(p *insider, stop string)) []string {
	var provider *providertest.Provider
	site := browsertest.Serve(t, func(s *browsertest.Site) { provider = directory(t, s) })
	p := &insider{guardian: guardian{t: t, site: site, tour: &tour{lang: lang}, lang: lang, look: look{browsertest.Desk, false}}, name: "林静", stops: new([]string), paths: new([]string), provider: provider, looks: looks}
	p.asked.URL = site.URL + "/console"
	p.sit()
	phone := p.Keychain()

	p.Visit(p.invited())
	p.secret = strings.ReplaceAll(typedSecret.FindString(p.Text()), " ", "")
	p.at("setup")
	const password = "一句我自己记得住的话，别人猜不到"
	p.fill(`input[name=name]`, "lin.jing")
	p.fill(`input[name=password]`, password)
	p.fill(`input[name=code]`, "000000")
	p.follow(`main form button`)
	p.sees("signin.code_wrong")
	p.at("setup-wrong")
	p.fill(`input[name=password]`, password)
	p.fill(`input[name=code]`, p.code())
	p.follow(`main form button`)
	p.sees("console.codes.what")
	p.at("codes")
	p.follow(`main a.button`)
	p.sees("console.role.officer", "console.home.values")
	p.at("home")

	p.goes("/console/account")
	p.at("account-empty")
	p.follow(`form[action^="/console/account/passkeys?"] button`)
	p.sees("console.account.done.added")
	p.at("account")
	if names := phone.Names(); !slices.Contains(names, "林静") {
		t.Errorf("the phone shows %q", names)
	}
	ref, manager, worker := p.looksAtValues()
	worker.Visit(worker.asked.URL + "/view")
	site.Pass(6 * time.Minute)
	worker.comesTooLate()
	worker.leaves()
	for _, chapter := range []func(){func() { p.handlesADemand(ref) }, p.readsTheLedger, p.looksAfter, p.judgesWhatWaits, p.dealsWithAnIncident, p.keepsLogs, func() { p.hidesFromAGuardian(ref) }, p.runsTheSystem,
		p.provesTheOffice, p.dealsWithAParty, p.decidesAboutACharter, p.followsAParty, p.hiresMany} {
		p.isKnownAgain()
		chapter()
	}
	p.goes("/console/people")
	if n := p.Count(`main nav a[rel=next]`); n != 1 {
		t.Errorf("%d links lead on", n)
	}
	p.at("people")
	p.fill(`main input[name=name]`, "韩梅梅")
	p.follow(`form[action^="/console/people?"] button`)
	p.sees("console.link.title")
	p.at("people-invited")
	p.follow(`tbody tr:first-child a`)
	p.unfold()
	p.at("person")

	site.Pass(6 * time.Minute)
	p.Reload()
	p.sees("console.again.first")
	p.at("person-stale")
	p.follow(`main a[href*="/console/again"]`)
	p.at("again")
	p.fill(`input[name=password]`, password)
	p.fill(`input[name=code]`, p.code())
	p.follow(`form[action^="/console/again?"] button`)
	p.misses("console.again.first") // back at the person
	p.unfold()
	p.follow(`form[action*="/left"] button`)
	p.misses("console.again.first")

	p.follow(`.who button`)
	p.at("door")
	site.Pass(time.Minute)
	p.fill(`input[name=name]`, "lin.jing")
	p.fill(`input[name=password]`, password)
	p.fill(`input[name=code]`, p.code())
	p.follow(`form[action^="/console/in?"] button`)
	p.sees("console.home.title")
	site.Pass(6 * time.Minute)
	p.Visit(site.URL + "/console/again?to=/console/account")
	p.follow(`form[action^="/console/again/passkey"] button`)
	p.sees("console.account.sessions")
	p.follow(`.who button`)
	p.follow(`form[action^="/console/in/passkey"] button`)
	p.sees("console.home.title")
	p.takesAFile(ref, manager)
	p.filesAnAudit()
	p.Visit(site.URL + "/console/in/provider/back")
	p.sees("console.back.title")
	p.at("back")
	p.Visit(site.URL + "/console/nowhere")
	p.sees("console.no_page")
	p.at("refusal")

	names, err := filepath.Glob("../../console/pages/*.html")
	if err != nil || len(names) == 0 {
		t.Fatal("no pages", err)
	}
	for _, name := range names {
		name = strings.TrimSuffix(filepath.Base(name), ".html")
		if name != "layout" && !slices.ContainsFunc(*p.stops, func(stop string) bool { return templateOf(stop) == name }) {
			t.Errorf("nobody stops at a page of %s", name)
		}
	}
	stoppedAt := http.NewServeMux()
	patterns := make(map[string]bool)
	for _, r := range console.Routes() {
		if strings.HasPrefix(r.Pattern, "GET ") {
			stoppedAt.HandleFunc(r.Pattern, func(http.ResponseWriter, *http.Request) {})
			patterns[r.Pattern] = false
		}
	}
	for _, path := range *p.paths {
		_, pattern := stoppedAt.Handler(&http.Request{Method: http.MethodGet, URL: &url.URL{Path: path}})
		patterns[pattern] = true
	}
	for pattern, seen := range patterns {
		if why := nobodyStops[pattern]; seen == (why != "") && pattern != "" {
			t.Errorf("%s: somebody stops there: %v, reason %q", pattern, seen, why)
		}
	}
	return *p.stops
}

// nobodyStops has the addresses at which nobody stops, and why.
var nobodyStops = map[string]string{
	"GET /console/in/provider":    "leads to the operator's provider",
	"GET /console/in/provider/go": "leads on from there",
	"GET /console/again/provider": "leads to the operator's provider",
	"GET /console/jobs/{rest...}": "River's own page, a guest: how it is made isn't ours. That it asks nobody else for anything, and keeps what WCAG asks for, is looked at",
}

// isKnownAgain shows once more who it is, by the passkey, and comes back to the page: what
// follows asks for that, however long the way there has taken.
func (p *insider) isKnownAgain() {
	p.t.Helper()
	here, err := url.Parse(p.Page().URL)
	if err != nil {
		p.t.Fatal(err)
	}
	p.Visit(p.site.URL + "/console/again?to=" + url.QueryEscape(here.Path))
	p.follow(`form[action^="/console/again/passkey"] button`)
}

// handlesADemand tells how the officer records what a guardian has demanded by letter, reads
// what was written, and sees the document that the deputy will see, too (Article 19).
func (p *insider) handlesADemand(ref string) {
	p.t.Helper()
	const words = "孩子是2015年3月2日出生的"
	p.goes("/console/demands")
	p.sees("console.demands.none")
	p.at("demands-empty")
	p.follow(`main a.button`)
	p.fill(`input[name=ref]`, ref)
	p.follow(`main form button`)
	p.Find(`select[name=who]`).Choose(p.Find(`select[name=who] option[value^="guardian:"]`).Value("value"))
	p.Find(`select[name=kind]`).Choose("correct")
	p.Find(`select[name=item]`).Choose("birth_date")
	p.Find(`select[name=reached]`).Choose("letter")
	p.fill(`textarea[name=words]`, words)
	p.at("demand_new")
	p.follow(`main form button`)
	p.sees("console.demand.mine", "console.demand.reached.letter")
	p.at("demand")
	p.follow(`main a[href*="/words?"]`)
	p.press(`form[data-reveal] button[data-show]`)
	p.awaits("console.view.shown")
	if strings.Contains(p.Text(), words) {
		p.t.Error("the page holds what was written")
	}
	p.at("demand_words")
	p.reachesNothingBy("note")
	p.follow(`main p:first-child a`)
	p.fill(`form[action*="/older"] input[name=number]`, "HK-4471")
	p.Find(`form[action*="/older"] input[name=birth]`).Choose("2015-03-02")
	p.follow(`form[action*="/older"] button`)
	p.sees("console.demand.older_waits")
	p.follow(`main a[href*="/console/births/"]`)
	p.sees("console.birth.mine")
	p.at("birth")
	gone := rights.Request{ID: id.New(id.Rights), Service: apptest.Service, Number: id.Number(), Kind: rights.Delete, Door: rights.ByGuardian}
	p.site.Do(p.site.App, func(ctx context.Context, tx *db.Tx) error {
		gone.ReceivedAt, gone.DueAt = tx.Now(), tx.Now()
		return receipt.KeepDemand(ctx, tx, p.site.App.Ring, gone, receipt.NewSecret())
	})
	p.Visit(p.site.URL + "/console/demands/" + gone.Service + "/" + gone.ID)
	p.sees("console.demand.certificate_what")
	p.at("demand_done")
	p.goes("/console/demands")
	p.at("demands")
}

// reachesNothingBy tells how what the page shows as a picture is neither selected, copied,
// dragged nor printed, and gone once somebody looks away; and how it is tried by its address,
// and without its marks.
func (p *insider) reachesNothingBy(item string) {
	p.t.Helper()
	const seen = `canvas:not([hidden])`
	show := func() {
		p.press(`form[data-reveal]:has(input[value=` + item + `]) button[data-show]`)
		for end := time.Now().Add(20 * time.Second); p.Count(seen) != 1; time.Sleep(5 * time.Millisecond) {
			if time.Now().After(end) {
				p.t.Fatal("nothing is shown")
			}
		}
	}
	show()
	if lets := p.Lets(seen, "copy", "cut", "dragstart", "contextmenu", "selectstart"); len(lets) != 0 {
		p.t.Errorf("the page lets %v happen to what is seen", lets)
	}
	if text := p.Selected("[data-view]"); strings.TrimSpace(text) != "" {
		p.t.Errorf("%q can be selected", text)
	}
	if p.Prints() || p.Count(seen) != 0 {
		p.t.Error("what is seen can be printed")
	}
	show()
	p.LookAway()
	if p.Count(seen) != 0 {
		p.t.Error("what was seen is there after somebody looked away")
	}
	page, _, _ := strings.Cut(p.Page().URL, "?")
	path := strings.TrimPrefix(page, p.site.URL)
	p.isCaught(staff.KindTried, 422, "console.view.fields", func() browsertest.Said { return p.Fetch(path, url.Values{"item": {item}, "watermark": {"off"}}) })
	p.isCaught(staff.KindTried, 422, "console.view.fields", func() browsertest.Said { return p.Fetch(path+"?watermark=off", url.Values{"item": {item}}) })
	p.isCaught(staff.KindTried, 403, "console.view.not_by_script", func() browsertest.Said { return p.posts(path, url.Values{"item": {item}}) })
	p.isCaught(staff.KindTried, 422, "console.view.fields", func() browsertest.Said { p.Visit(page + "?item=" + item); return p.said() })
	p.isCaught(staff.KindTried, 404, "console.no_page", func() browsertest.Said { p.Visit(page + "/" + item); return p.said() })
	p.Visit(page)
}

// readsTheLedger tells how the officer finds an entry and has it proved, compares a
// checkpoint, searches, and goes by keys.
func (p *insider) readsTheLedger() {
	p.t.Helper()
	if err := p.site.App.Ledger.Flush(p.t.Context()); err != nil {
		p.t.Fatal(err)
	}
	p.goes("/console/ledger")
	p.Find(`select[name=article]`).Choose("15")
	p.follow(`form[action="/console/ledger"] button`)
	p.sees("console.last.title")
	p.unfold()
	p.at("ledger")
	p.follow(`main tbody tr:first-child a`)
	p.at("entry-unproved")
	p.follow(`main a.button`)
	p.sees("console.entry.root")
	p.at("entry")
	p.Visit(p.site.URL + "/console/ledger/checkpoint?size=1")
	p.sees("console.checkpoint.continued")
	p.at("checkpoint")
	p.Visit(p.site.URL + "/console/bundles")
	p.sees("console.bundles.verify", "console.bundles.now")
	p.at("bundles")

	p.Press("?")
	p.awaits("console.keys.rows")
	p.press(`dialog.keys button`)
	p.Press("/")
	if !p.focused("#find") {
		p.t.Error("/ doesn't lead to the search")
	}
	p.fill("#find", "nobody and nothing")
	p.follow(`form[role=search] button`)
	p.sees("console.search.none")
	p.at("search-none")
	p.fill("#find", "1") // what a browser types after a key that was taken, the test's types all the same
	p.follow(`form[role=search] button`)
	p.sees("console.hit.checkpoint", "console.hit.entry")
	p.at("search")
	p.Press("j")
	if !p.focused("main tbody tr:first-child a") {
		p.t.Error("j leads to no row")
	}
	p.follow(`footer a[href^="/console/keys"]`)
	p.misses("console.keys.without")
	p.at("keys")
	p.unfoldsTheMenu()
	p.follow(`footer a[href^="/console/files"]`)
	p.at("files")
	p.PressTo("g", "l")
	p.sees("console.ledger.what")
}

// unfoldsTheMenu tells how the menu, which is one row on the narrowest desk, is gone through by the
// keyboard: what is in a fold is reached, and the fold is out of the way again.
func (p *insider) unfoldsTheMenu() {
	p.t.Helper()
	const fold, open = `header nav details:has(a[href^="/console/decisions"]) > summary`, `header nav details[open]`
	p.see(look{wide[0], false})
	if high := p.EndOf(`header nav`) - p.Top(`header nav`); high > 1.5*minTarget {
		p.t.Errorf("the menu is %.0f pixels high", high)
	}
	p.see(p.look)
	p.TabTo(fold)
	p.Press(browsertest.KeySpace)
	p.TabTo(`header nav a[href^="/console/decisions"]`)
	p.at("keys-menu")
	p.Press(browsertest.KeyEscape)
	if p.Count(open) != 0 || !p.focused(fold) {
		p.t.Error("Escape doesn't close the fold, or loses the focus")
	}
	p.Press(browsertest.KeySpace)
	p.TabTo(`header nav details:has(a[href^="/console/decisions"]) + details > summary`)
	if p.Count(open) != 0 {
		p.t.Error("the fold lies over what has the focus")
	}
}

// focused reports whether the element has the focus.
func (p *insider) focused(selector string) bool { return p.Count(selector+":focus") == 1 }

// runsTheSystem tells how somebody who is engineer, too, gives an app a key, says where
// events go, tries whether e-mail arrives, and looks at the jobs.
func (p *insider) runsTheSystem() {
	p.t.Helper()
	id := p.person().ID
	p.site.Do(p.site.App, func(ctx context.Context, tx *db.Tx) error {
		_, err := staff.Give(ctx, tx, catalog.Operator{ID: "test"}, id, staff.Grant{Role: staff.Engineer})
		return err
	})
	p.goes("/console/settings")
	p.sees("console.settings.well", "console.settings.held")
	p.at("settings")
	p.follow(`main tbody a`)
	p.unfold()
	p.fill(`input[name=name]`, "校园版")
	p.press(`input[name=scope][value="items:read"]`)
	p.follow(`form[action*="/apps?"] button`)
	p.sees("console.settings.secret.key")
	p.unfold()
	p.fill(`input[name=url]`, "https://127.0.0.1/in")
	p.follow(`form[action*="/webhooks?"] button`)
	p.sees("webhook.url_private")
	p.fill(`input[name=url]`, "https://hooks.xiaoxi-english.example/in?token=secret")
	p.follow(`form[action*="/webhooks?"] button`)
	p.sees("console.settings.secret.webhook")
	p.unfold()
	p.at("settings_service")
	p.follow(`main tr:last-child a[href*="/apps/"]`)
	p.unfold()
	p.at("settings_app")
	p.follow(`main p:first-child a`)
	p.at("settings_service-again") // by its address
	p.follow(`main tbody a[href*="/webhooks/"]`)
	p.unfold()
	p.follow(`form[action*="/pause"] button`)
	p.sees("console.settings.hook.paused")
	p.site.Do(p.site.App, func(ctx context.Context, tx *db.Tx) error { // as they are after three days
		_, err := tx.Exec(ctx, `
			INSERT INTO webhook_delivery (endpoint, place, subject, queued_at, tries, due_at, failure, status)
			SELECT endpoint, 0, '', created_at, 30, NULL, 'webhook.timeout', 0 FROM webhook_endpoint WHERE endpoint <> '' ON CONFLICT DO NOTHING`)
		return err
	})
	p.Reload()
	p.unfold()
	p.at("settings_hook")
	p.follow(`main p:first-child a`)
	p.follow(`main p:first-child a`)
	p.follow(`main a[href^="/console/settings/system"]`)
	p.fill(`input[id=to-email]`, "lin.jing@xiaoxi-english.example")
	p.follow(`form:has(input[id=to-email]) button`)
	p.sees("console.settings.system.sent")
	p.unfold()
	p.at("settings_system")

	p.Visit(p.site.URL + "/console/jobs/jobs?state=completed")
	for end := time.Now().Add(20 * time.Second); !strings.Contains(p.Text(), "retention.sweep"); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			p.t.Fatalf("the page of jobs shows none: %s", p.Text())
		}
	}
	p.toldNobody()
	for _, found := range p.Violations() {
		if rule, _, _ := strings.Cut(found, ":"); !slices.Contains(rivers, rule) {
			p.t.Errorf("the page of jobs: %s", found)
		}
	}
	header := p.Page().Header
	if policy := header.Get("Content-Security-Policy"); header.Get("Cache-Control") != "no-store" || !strings.HasPrefix(policy, "default-src 'none'") || !strings.Contains(policy, "script-src 'self';") {
		p.t.Errorf("the page of jobs may be kept, or run anything: %v", header)
	}
	p.Visit(p.asked.URL)
}

// rivers are the rules of axe-core that River's own page doesn't keep: both are best practice,
// and of no criterion of WCAG (docs/screens.md).
var rivers = []string{"landmark-unique", "page-has-heading-one"}

// looksAfter tells how the officer looks at what has a clock, at how the articles stand, at
// what is behind one of them, and at the pictures.
func (p *insider) looksAfter() {
	p.t.Helper()
	p.goes("/console/due")
	p.sees("console.due.title")
	p.at("due-empty")
	operator := catalog.Operator{ID: "test"}
	p.site.Do(p.site.App, func(ctx context.Context, tx *db.Tx) error {
		app, _, _, err := account.IssueApp(ctx, tx, operator, apptest.Service, "app", account.AllScopes(), time.Time{})
		if err == nil {
			_, _, err = suspicion.Report(ctx, tx, p.site.App.Ring, workday.Default(), app, pii.New("user-20417"), suspicion.UserReport)
		}
		if err == nil {
			_, err = backup.Record(ctx, tx, operator, backup.New(), tx.Now(), 1)
		}
		return err
	})
	p.Find(`select[name=kind]`).Choose("suspicion")
	p.follow(`main form.filter button`)
	p.sees("console.due.about.user_report")
	p.at("due")
	p.goes("/console/pictures")
	p.sees("console.pictures.none")
	p.at("pictures-empty")
	for _, count := range []func() (int64, error){
		func() (int64, error) { return 0, p.site.App.Ledger.Flush(context.Background()) },
		func() (int64, error) { return tally.Count(context.Background(), p.site.App.Store) },
	} {
		if _, err := count(); err != nil {
			p.t.Fatal(err)
		}
	}
	p.goes("/console/board")
	p.sees("console.board.article.1", "console.board.state.holds", "console.board.state.not_yet")
	p.at("board")
	p.follow(`main a[href*="/console/board/2?"]`)
	p.sees("console.board.why.2", "console.board.clocks")
	p.at("article")
	p.goes("/console/pictures")
	p.sees("console.pictures.picture.consents")
	p.unfold()
	p.at("pictures")
}

// decidesAboutACharter tells how an engineer's proposal is read and approved by the officer,
// who then writes one, is told what is wrong as they type, and approves nothing that they
// have proposed themselves (Article 8).
func (p *insider) decidesAboutACharter() {
	p.t.Helper()
	engineer := signintest.Hire(p.t, p.site.App.Store, p.site.App.StaffDoor(), "工程师", staff.Grant{Role: staff.Engineer, Service: apptest.Service})
	next, err := charter.Load(os.DirFS("../../../examples/xiaoxi-english-v2"))
	if err != nil {
		p.t.Fatal(err)
	}
	p.goes("/console/register")
	p.at("registers")
	p.follow(`main tbody a`)
	p.sees("console.register.processors")
	p.at("register")
	p.goes("/console/charters")
	p.sees("console.charters.nothing")
	p.at("charters")
	p.follow(`main tbody a`)
	p.at("charter")
	p.site.Do(p.site.App, func(ctx context.Context, tx *db.Tx) error {
		_, _, err := approval.ProposeCharter(ctx, tx, p.site.App.Ring, engineer.Session.Person, next, catalog.Touches{"speaking-practice": 1})
		return err
	})
	p.Reload()
	p.sees("console.charters.state.waiting")
	p.follow(`section[aria-labelledby=waiting] tbody a`)
	p.unfold()
	p.sees("console.charters.lacking")
	p.at("version")
	p.follow(`section[aria-labelledby=lacking] li a`)
	p.sees("console.impact.assess")
	p.unfold()
	p.at("impact")
	p.follow(`main a[href^="/console/charters/"]`)
	p.site.Do(p.site.App, func(ctx context.Context, tx *db.Tx) error { // PIPL 55
		return catalogtest.Assess(ctx, tx, p.site.App.Ring, p.site.Officer, apptest.Service, 2)
	})
	p.fill(`#words-approve`, "已核对")
	p.follow(`form:has(input[value=approved]) button`)
	p.sees("console.charters.state.in_force")
	p.follow(`main > p a[href^="/console/charters/"]`)
	p.follow(`main a.button`)
	p.at("draft")
	p.fill(`textarea[name="charter.yaml"]`, "service: xiaoxi-english")
	p.awaits("console.draft.problems") // as it is typed
	p.at("draft-wrong")
	p.site.Do(p.site.App, func(ctx context.Context, tx *db.Tx) error {
		again, err := charter.Load(os.DirFS("../../../examples/xiaoxi-english"))
		if err == nil {
			_, _, err = approval.ProposeCharter(ctx, tx, p.site.App.Ring, p.inside(ctx, tx), again, nil)
		}
		return err
	})
	const third = "/console/charters/" + apptest.Service + "/3"
	p.Visit(p.site.URL + third)
	p.sees("console.charters.own")
	p.isCaught(staff.KindTried, 403, "catalog.own_proposal", func() browsertest.Said { return p.posts(third+"/decide", url.Values{"verdict": {"approved"}}) })
	p.Visit(p.site.URL + third)
	p.follow(`form[action*="/takeback"] button`)
}

// provesTheOffice tells how the officer is reached elsewhere, puts a training on record,
// and sees who is in office.
func (p *insider) provesTheOffice() {
	p.t.Helper()
	paper := filepath.Join(p.t.TempDir(), "paper.pdf")
	if err := os.WriteFile(paper, []byte("%PDF-1.7 结业证书"), 0o600); err != nil {
		p.t.Fatal(err)
	}
	p.goes("/console/offices")
	p.at("offices")
	p.follow(`main tbody a`)
	p.sees("console.offices.no_record")
	p.unfold()
	p.at("office-empty")
	p.fill(`form[action*="/contact"] input[name=contact]`, "400-123-4567")
	p.follow(`form[action*="/contact"] button`)
	p.sees("console.offices.done.reached")
	p.fill(`form[action*="/records?"] input[name=title]`, "未成年人网络保护培训")
	p.Find(`form[action*="/records?"] input[name=document]`).Attach(paper)
	p.follow(`form[action*="/records?"] button`)
	p.sees("console.offices.done.recorded", "console.offices.download")
	p.at("office")
}

// dealsWithAParty tells how the officer registers the processor that the charter names, and
// is asked for its assessment (Article 16).
func (p *insider) dealsWithAParty() {
	p.t.Helper()
	p.goes("/console/parties")
	p.sees("console.parties.unregistered")
	p.at("parties")
	p.follow(`main a[href^="/console/borders"]`)
	p.sees("console.borders.none")
	p.at("borders")
	p.follow(`main a[href^="/console/parties"]`)
	p.follow(`main tbody a`)
	p.sees("console.party.unregistered")
	p.follow(`main a[href*="/identity"]`)
	for name, value := range map[string]string{"legal_name": "语评科技（杭州）有限公司", "registration": "91330106MA2CGR7T4X", "contact": "privacy@yuping-assessment.example", "address": "杭州市西湖区", "task": "评分"} {
		p.fill(`input[name=`+name+`]`, value)
	}
	p.at("sign-identity")
	p.follow(`button[value=sign]`)
	p.sees("console.parties.state.draft")
	p.at("party")
	p.follow(`main a[href*="/keys"]`)
	p.sees("console.party_keys.none")
	p.at("party_keys")
	p.follow(`main a`)
	p.follow(`main a[href*="/assessment"]`)
	p.sees("console.sign.compute")
	p.at("sign-assessment")
	p.follow(`button[value=check]`)
	p.sees("console.sign.against")
	p.at("sign-checked")
}

// followsAParty tells how a party that stands is followed: by what it was told to do, and through
// its suspension to its end. The orders are made by hand: their children are in no page.
func (p *insider) followsAParty() {
	p.t.Helper()
	of := party.ID{Service: apptest.Service, Role: party.Processor, Name: vaulttest.Processor}
	p.engages(of)
	p.site.Do(p.site.App, func(ctx context.Context, tx *db.Tx) error {
		_, err := tx.Exec(ctx, `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30)
			INSERT INTO party_order (id, number, service, party, role, what, items, purposes, narrowed, child, sealed, issued_at, due_at, overdue_at, attested_at, attested_by, document, salt, issued, attested, reminded)
			SELECT 'or_0000000000000000000' || (1000000 + i), '7K2M-9QXT', $1, $2, $3, 'stop', 'voice', 'speaking-practice', 0, '', NULL, $4, $4 + i, NULL, NULL, '', '', NULL, 'le_0000000000000000000' || (1000000 + i), '', 0 FROM n`,
			of.Service, of.Name, of.Role, tx.Now().UnixMicro()-1_000_000)
		return err
	})
	p.goes("/console/parties")
	p.follow(`main tbody a`)
	p.sees("console.parties.state.active", "console.orders.see_late")
	p.at("party-active")
	page := p.Page().URL
	p.follow(`main a[href*="stands=overdue"]`)
	p.at("orders")
	p.follow(`main tbody tr:first-child th a`)
	p.sees("console.order.nothing")
	p.at("order")
	p.site.Do(p.site.App, func(ctx context.Context, tx *db.Tx) error {
		_, _, err := party.Suspend(ctx, tx, p.site.Officer, of, party.Incident)
		return err
	})
	p.Visit(page)
	p.sees("console.parties.state.suspended")
	p.at("party-suspended")
	p.site.Do(p.site.App, func(ctx context.Context, tx *db.Tx) error {
		_, _, err := party.End(ctx, tx, p.site.Officer, of, time.Time{})
		return err
	})
	p.Visit(page)
	p.sees("console.parties.state.ended")
	p.at("party-ended")
}

// inside is whoever sits there, in a transaction.
func (p *insider) inside(ctx context.Context, tx *db.Tx) staff.Person {
	p.t.Helper()
	all, err := staff.Called(ctx, tx, p.name)
	if err != nil || len(all) != 1 {
		p.t.Fatalf("%d are called %s: %v", len(all), p.name, err)
	}
	return all[0]
}

// person is whoever sits there.
func (p *insider) person() (who staff.Person) {
	p.t.Helper()
	p.site.Do(p.site.App, func(ctx context.Context, tx *db.Tx) error {
		who = p.inside(ctx, tx)
		return nil
	})
	return who
}

// hiresMany makes ten thousand colleagues, by hand: a page of them is as any page.
func (p *insider) hiresMany() {
	p.t.Helper()
	p.site.Do(p.site.App, func(ctx context.Context, tx *db.Tx) error {
		const rows = `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000) INSERT INTO `
		_, err := tx.Exec(ctx, rows+`person (id, name, salt, state, version, seat, country, added_at, left_at)
			SELECT 'st_0000000000000000000' || (1000000 + i), '阿依古丽·麦麦提', $1, 'active', 1, '', 'CN', $2 + i, NULL FROM n`, []byte("salt"), tx.Now().UnixMicro()-20_000)
		if err == nil {
			_, err = tx.Exec(ctx, rows+`person_role (person, service, role, office, granted_at, granted_by)
				SELECT 'st_0000000000000000000' || (1000000 + i), $1, 'staff', '', 1, '' FROM n`, apptest.Service)
		}
		return err
	})
}

// invited returns the link that the terminal prints for whoever holds the office.
func (p *insider) invited() (link string) {
	p.t.Helper()
	operator := catalog.Operator{ID: "test"}
	p.site.Do(p.site.App, func(ctx context.Context, tx *db.Tx) error {
		g, err := staff.OfOffice(ctx, tx, apptest.Service, p.site.Officer.ID)
		if err != nil {
			return err
		}
		person, err := staff.Add(ctx, tx, operator, "林静", g)
		if err == nil {
			link, _, err = p.site.App.StaffDoor().Invite(ctx, tx, operator, person.ID)
		}
		return err
	})
	return console.SetUpURL(p.site.URL, link)
}

// code is what the authenticator shows.
func (p *insider) code() string {
	p.t.Helper()
	code, err := totp.GenerateCode(p.secret, p.site.App.Store.Now())
	if err != nil {
		p.t.Fatal(err)
	}
	return code
}

// goes goes to a page of the menu, out of the fold in which it lies, if it does.
func (p *insider) goes(path string) {
	p.t.Helper()
	link := `a[href^="` + path + `?"]`
	if fold := `header nav details:not([open]):has(` + link + `) > summary`; p.Count(fold) > 0 {
		p.press(fold)
	}
	p.follow(`header nav ` + link)
}

// at is a stop of the story.
func (p *insider) at(stop string) {
	p.t.Helper()
	*p.stops = append(*p.stops, stop)
	if u, err := url.Parse(p.Page().URL); err == nil {
		*p.paths = append(*p.paths, u.Path)
	}
	p.looks(p, stop)
}

// examine looks at a page in each size, light and dark, and leaves it as it was. Axe-core
// examines it whole, and its colours in the dark, in one of the languages, which take turns: all
// but the words is the same in the other, and make axe examines it there, too. What the length
// of words moves is looked at in both, where there is something that was on no page before.
func (p *insider) examine(stop string) {
	p.t.Helper()
	p.keepsToItself(stop)
	p.tellsApart(stop)
	whole := p.tour.turns(stop)
	isNew, _ := p.tour.meets(p.Kinds()...)
	if whole {
		p.isClean(stop, p.Violations)
	}
	if key := rawKey.FindString(p.Text()); key != "" && templateOf(stop) != "refusal" { // a refusal says its code, too
		p.t.Errorf("%s: the page says %s", stop, key)
	}
	schemes := []bool{false}
	if whole {
		schemes = []bool{true, false}
	}
	for _, size := range wide {
		for _, dark := range schemes {
			p.see(look{size, dark})
			where := stop + " " + look{size, dark}.String()
			if dark && size == browsertest.Desk {
				p.isClean(where, p.Discoloured)
			}
			if !dark && (isNew || inEach) && (size != browsertest.Desk || !whole) {
				p.isClean(where, p.Misplaced)
			}
			if n := p.Overflow(); n > 0 {
				p.t.Errorf("%s: %d pixels stick out on the right", where, n)
			}
		}
	}
	p.see(p.look)
}
