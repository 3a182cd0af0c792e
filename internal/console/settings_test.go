package console_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"wardkeep/internal/account"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/base/watch"
	"wardkeep/internal/catalog"
	"wardkeep/internal/console"
	"wardkeep/internal/ledger"
	"wardkeep/internal/message"
	"wardkeep/internal/notify"
	"wardkeep/internal/retention"
	"wardkeep/internal/signin"
	"wardkeep/internal/signin/signintest"
	"wardkeep/internal/staff"
	"wardkeep/internal/vault/vaulttest"
	"wardkeep/internal/webhook"
	"wardkeep/internal/witness"
)

const settingsPath = "/console/settings/services/" + vaulttest.Service

// aSystem is one of which all is here, and the messages that it has sent.
func aSystem() (console.System, *notify.Outbox) {
	sent := notify.NewOutbox(100)
	jobs := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprintf(w, "%s %s", r.Method, r.URL.Path) })
	since := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	return console.System{
		Checks: func() []console.Check {
			return []console.Check{{Name: "store"}, {Name: "keys", Code: "keyring.wrong_kek"}}
		},
		Late: func(context.Context, *db.Tx) (console.Late, error) {
			return console.Late{{What: "demands", Count: 0}, {What: "erasures", Count: 3}}, nil
		},
		Swept: func(context.Context, *db.Tx) (time.Time, error) { return since, nil },
		KEK:   "file:4f1c",
		Keys: func(context.Context, *db.Tx) ([]console.Key, error) {
			return []console.Key{{ID: "pk_4f1c9a02", Purpose: "pool", Suite: "aes-256-gcm", State: "current", Since: since}, {ID: "sk_4f1c9a02", Purpose: "sign", Suite: "aes-256-gcm", State: "current", Since: since}}, nil
		},
		Rotate:   func(context.Context) error { return nil },
		Channels: notify.Router{notify.Email: sent}, Site: "https://wardkeep.example",
		Queues: func(context.Context) (console.Queues, error) {
			return console.Queues{Queues: []console.Queue{{Name: "default", Waiting: 1, Running: 2}, {Name: "messages", Waiting: 3}}, Again: 4, GivenUp: 5}, nil
		},
		Jobs: func() http.Handler { return jobs },
	}, sent
}

// shownSecret finds the secret that a page shows.
var shownSecret = regexp.MustCompile(`<code class="link">([^<]+)</code>`)

// entries returns the entries of a kind by an actor, as they stand.
func (d *desk) entries(by *signintest.Insider, kind string) (all []ledger.Placed) {
	d.T.Helper()
	d.Do(func(ctx context.Context, tx *db.Tx) error {
		all = nil
		return ledger.Pending(ctx, tx, func(p ledger.Placed) error {
			if p.Kind == kind && (by == nil || p.Actor == "staff:"+by.ID) {
				all = append(all, p)
			}
			return nil
		})
	})
	return all
}

// Article 15: an engineer gives an app a key, which is shown once; what it is used for is
// seen, and it ends. Each is in the ledger, with who did it.
func TestArticle15_AKeyIsShownOnceAndEnds(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		in := d.hire(staff.Engineer)
		b, boss := d.browser(in.Secret), d.browser(d.hire(staff.Officer).Secret)
		form := url.Values{"name": {"校园版"}, "scope": {"items:read", "children:read"}, "until": {"2099-12-31"}}
		w := b.do("POST", settingsPath+"/apps", form)
		key := shownSecret.FindStringSubmatch(w.Body.String())
		if w.Code != 200 || key == nil || !strings.HasPrefix(key[1], "wk_") {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		var keys account.Keys
		app, err := keys.App(t.Context(), d.Store, key[1])
		if err != nil || app.Name != "校园版" || !app.May("items:read") || app.May("items:write") || app.ExpiresAt.Year() != 2099 {
			t.Errorf("%+v, %v", app, err)
		}
		at := settingsPath + "/apps/" + app.ID
		if page := b.get(at + "?lang=en").Body.String(); strings.Contains(page, key[1]) || !strings.Contains(page, i18n.English.T("console.settings.never_used")) {
			t.Error("the key is shown twice, or said to be used before that is noted")
		}
		if err := keys.Note(t.Context(), d.Store); err != nil {
			t.Fatal(err)
		}
		if page := b.get(at + "?lang=en").Body.String(); strings.Contains(page, i18n.English.T("console.settings.never_used")) {
			t.Error("it isn't said that the key was used")
		}
		for name, c := range map[string]struct {
			field, value string
			status       int
		}{
			"no name": {"name", "", 422}, "two lines": {"name", "a\nb", 422}, "no scope": {"scope", "", 422}, "a scope that nobody knows": {"scope", "values:all", 422},
			"no day": {"until", "tomorrow", 422}, "a day that is over": {"until", "2020-01-01", 422},
		} {
			wrong := url.Values{"name": {"x"}, "scope": {"items:read"}}
			wrong.Set(c.field, c.value)
			if w := b.do("POST", settingsPath+"/apps", wrong); w.Code != c.status || shownSecret.MatchString(w.Body.String()) {
				t.Errorf("%s: %d", name, w.Code)
			}
		}
		w = b.post(at+"/rotate", "overlap", "24")
		second := shownSecret.FindStringSubmatch(w.Body.String())
		if w.Code != 200 || second == nil || second[1] == key[1] {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		for _, overlap := range []string{"", "-1", "721", "x"} {
			if w := b.post(at+"/rotate", "overlap", overlap); w.Code != 422 {
				t.Errorf("beside it for %q hours: %d", overlap, w.Code)
			}
		}
		if page := boss.get(at).Body.String(); strings.Contains(page, "<form method=\"post\" action=\""+at) {
			t.Error("an officer is offered to change a key")
		}
		if w := boss.post(at + "/revoke"); outcome(w) != mayNot {
			t.Errorf("an officer revokes: %d", w.Code)
		}
		if w := b.post(at + "/revoke"); w.Code != 303 {
			t.Errorf("revoked: %d", w.Code)
		}
		for _, k := range []string{key[1], second[1]} {
			if _, err := new(account.Keys).App(t.Context(), d.Store, k); err == nil {
				t.Error("a revoked key is good")
			}
		}
		if w := b.get(at); w.Code != 404 {
			t.Errorf("a revoked app: %d", w.Code)
		}
		if w := b.post(at + "/revoke"); w.Code != 404 {
			t.Errorf("revoked twice: %d", w.Code)
		}
		if issued, revoked := d.entries(in, account.KindIssued), d.entries(in, account.KindRevoked); len(issued) != 2 || len(revoked) != 1 {
			t.Errorf("%d issued, %d revoked", len(issued), len(revoked))
		}
		if all := d.log.String(); strings.Contains(all, key[1]) || strings.Contains(all, "校园版") {
			t.Errorf("the log says %s", all)
		}
	})
}

// What is set up for one service nobody of another sees, or learns that it is there.
func TestArticle15_SettingsAreOfTheService(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.Do(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := catalog.Create(ctx, tx, signintest.By, "another", catalog.Test)
			return err
		})
		b := d.browser(d.hire(staff.Engineer).Secret)
		for _, at := range []string{"/console/settings/services/another", "/console/settings/services/nowhere", "/console/settings/services/another/apps/ak_x", "/console/settings/services/another/webhooks/wh_x"} {
			if w := b.get(at); w.Code != 404 {
				t.Errorf("%s: %d", at, w.Code)
			}
		}
		if w := b.post("/console/settings/services/another/apps", "name", "x", "scope", "items:read"); w.Code != 404 {
			t.Errorf("a key of another service: %d", w.Code)
		}
		if page := b.get("/console/settings").Body.String(); strings.Contains(page, "services/another") || !strings.Contains(page, settingsPath) {
			t.Error("it sees another service, or not its own")
		}
		d.Pass(signin.Fresh)
		if w := b.post(settingsPath+"/apps", "name", "x", "scope", "items:read"); outcome(w) != toAgain {
			t.Errorf("not fresh: %d", w.Code)
		}
		if page := b.get(settingsPath).Body.String(); strings.Contains(page, `action="`+settingsPath) || !strings.Contains(page, "/console/again") {
			t.Error("who isn't fresh is offered a form")
		}
	})
}

// Articles 15 and 20: where events go is said, changed, paused and ended through the pages;
// the secret is shown once, and of the address its host alone.
func TestArticle15_WhereEventsGoThroughThePages(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		in := d.hire(staff.Engineer)
		b := d.browser(in.Secret)
		for url, status := range map[string]int{"http://hooks.example.com/x": 422, "https://127.0.0.1/x": 422, "https://localhost/": 422, "https://10.0.0.1/": 422, "": 422, "https://u:p@hooks.example.com/": 422} {
			if w := b.post(settingsPath+"/webhooks", "url", url); w.Code != status {
				t.Errorf("%s: %d", url, w.Code)
			}
		}
		if w := b.post(settingsPath+"/webhooks", "url", "https://hooks.example.com/x", "types", "child.read"); w.Code != 422 {
			t.Errorf("a type that there isn't: %d", w.Code)
		}
		w := b.post(settingsPath+"/webhooks", "url", "https://hooks.example.com/in?token=geheim", "types", "consent.* child.erased")
		secret := shownSecret.FindStringSubmatch(w.Body.String())
		if w.Code != 200 || secret == nil || !strings.HasPrefix(secret[1], "whsec_") || strings.Contains(w.Body.String(), "geheim") {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		e := d.endpoint()
		at := settingsPath + "/webhooks/" + e.ID
		page := b.get(at + "?lang=en").Body.String()
		if strings.Contains(page, secret[1]) || strings.Contains(page, "geheim") || !strings.Contains(page, "hooks.example.com") || !strings.Contains(page, "child.erased") {
			t.Error(page)
		}
		if w := b.post(at+"/change", "url", "https://127.0.0.1/"); w.Code != 422 {
			t.Errorf("changed to an address of our own: %d", w.Code)
		}
		if w := b.post(at+"/change", "types", "order.*"); w.Code != 303 || !slices.Equal(d.endpoint().Types, []string{"order.*"}) || d.host() != "hooks.example.com" {
			t.Errorf("told of something else: %d", w.Code)
		}
		if w := b.post(at+"/change", "url", "https://other.example.com/", "types", "order.*"); w.Code != 303 || d.host() != "other.example.com" || d.endpoint().Version() != 3 {
			t.Errorf("elsewhere: %d", w.Code)
		}
		w = b.post(at+"/rotate", "overlap", "0")
		if second := shownSecret.FindStringSubmatch(w.Body.String()); w.Code != 200 || second == nil || second[1] == secret[1] {
			t.Errorf("another secret: %d", w.Code)
		}
		if w := b.post(at + "/resume"); w.Code != 409 {
			t.Errorf("not paused: %d", w.Code)
		}
		if w := b.post(at + "/pause"); w.Code != 303 || d.endpoint().PausedAt.IsZero() {
			t.Errorf("paused: %d", w.Code)
		}
		if w := b.post(at + "/pause"); w.Code != 409 {
			t.Errorf("paused twice: %d", w.Code)
		}
		if w := b.post(at + "/resume"); w.Code != 303 || !d.endpoint().PausedAt.IsZero() {
			t.Errorf("resumed: %d", w.Code)
		}
		if w := b.post(at+"/replay", "event", "le_nothing"); w.Code != 404 {
			t.Errorf("an event that there isn't: %d", w.Code)
		}
		if w := b.post(at + "/remove"); w.Code != 303 || b.get(at).Code != 404 {
			t.Errorf("removed: %d", w.Code)
		}
		for kind, n := range map[string]int{webhook.KindAdded: 1, webhook.KindChanged: 2, webhook.KindRotated: 1, webhook.KindPaused: 1, webhook.KindResumed: 1, webhook.KindRemoved: 1} {
			if got := len(d.entries(in, kind)); got != n {
				t.Errorf("%d entries %s", got, kind)
			}
		}
		if all := d.log.String(); strings.Contains(all, "geheim") || strings.Contains(all, secret[1]) {
			t.Errorf("the log says %s", all)
		}
	})
}

// endpoint returns the one endpoint that there is.
func (d *desk) endpoint() (e webhook.Endpoint) {
	d.T.Helper()
	d.Do(func(ctx context.Context, tx *db.Tx) error {
		all, err := webhook.Of(ctx, tx, vaulttest.Service)
		if err == nil && len(all) != 1 {
			d.T.Fatalf("%d endpoints", len(all))
		}
		e = all[0]
		return err
	})
	return e
}

func (d *desk) host() string {
	to, err := d.endpoint().Address(d.Ring)
	if err != nil {
		d.T.Fatal(err)
	}
	return to.Host()
}

// hooked makes an endpoint, with events in its queue: of one that is parked, one whose
// tries fail and one that waits, and then of as many more.
func (d *desk) hooked(more int) webhook.Endpoint {
	d.T.Helper()
	signer, _, err := ledger.NewSigner("wardkeep.example.com/ledger", d.Ring.Signer().Seed())
	if err != nil {
		d.T.Fatal(err)
	}
	if err := ledger.Open(d.Store, "wardkeep.example.com/ledger", signer).Flush(d.T.Context()); err != nil {
		d.T.Fatal(err)
	}
	to, err := webhook.ParseAddress("https://hooks.xiaoxi-english.example/in", nil)
	if err != nil {
		d.T.Fatal(err)
	}
	var e webhook.Endpoint
	d.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		if e, _, _, err = webhook.Add(ctx, tx, d.Ring, signintest.By, vaulttest.Service, to, nil, ""); err != nil {
			return err
		}
		now := tx.Now()
		all, err := ledger.Since(ctx, tx, 0, 100)
		first := slices.IndexFunc(all, func(p ledger.Placed) bool { return p.Kind == catalog.KindPublished })
		if err != nil || first < 0 {
			return fmt.Errorf("no charter was published: %w", err)
		}
		for i := range int64(3 + more) {
			place, due, tries, failure, status := all[first].Place+i, &now, int64(0), "", int64(0)
			switch i {
			case 0:
				due, tries, failure, status = new(time.Time), 30, "webhook.answer", 503
			case 1:
				tries, failure = 1, "webhook.timeout"
			}
			_, err := tx.Exec(ctx, `
				INSERT INTO webhook_delivery (endpoint, place, subject, queued_at, tries, due_at, failure, status)
				VALUES ($1, $2, '', $3, $4, $5, $6, $7)`, e.ID, place, (*db.Time)(&now), tries, (*db.Time)(due), failure, status)
			if err != nil {
				return err
			}
		}
		return nil
	})
	return e
}

var shownNext = regexp.MustCompile(`from=([0-9a-z_]+)"`)

// Deliveries are read page by page, with how far each is; what is parked is found at once,
// and each is sent again.
func TestDeliveriesAreListedAndSentAgain(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		e := d.hooked(42)
		in := d.hire(staff.Engineer)
		b := d.browser(in.Secret)
		at := settingsPath + "/webhooks/" + e.ID
		rows, from := 0, ""
		for pages := 1; ; pages++ {
			page := b.get(at + "?lang=en&from=" + from).Body.String()
			rows += strings.Count(page, `<th scope="row">`)
			next := shownNext.FindStringSubmatch(page)
			if next == nil {
				if rows != 45 || pages != 3 {
					t.Errorf("%d rows on %d pages", rows, pages)
				}
				break
			}
			from = next[1]
		}
		page := b.get(at + "?lang=en&parked").Body.String()
		event := regexp.MustCompile(`name="event" value="(le_[0-9a-z]+)"`).FindStringSubmatch(page)
		if strings.Count(page, `<th scope="row">`) != 1 || !strings.Contains(page, "webhook.answer") || !strings.Contains(page, "HTTP 503") || event == nil {
			t.Fatal(page)
		}
		if w := b.post(at+"/replay", "event", event[1]); w.Code != 303 {
			t.Errorf("once more: %d", w.Code)
		}
		d.Do(func(ctx context.Context, tx *db.Tx) error {
			n, err := tx.Exec(ctx, `UPDATE webhook_delivery SET due_at = NULL WHERE endpoint = $1`, e.ID)
			if n != 45 {
				t.Errorf("%d are in the queue", n)
			}
			return err
		})
		if w := b.post(at+"/replay", "parked", "all"); w.Code != 303 {
			t.Errorf("all that is parked: %d", w.Code)
		}
		if page := b.get(at + "?lang=en&parked").Body.String(); !strings.Contains(page, template(i18n.English.T("console.settings.no_delivery"))) {
			t.Error("it is parked still")
		}
		if n := len(d.entries(in, webhook.KindReplayed)); n != 2 {
			t.Errorf("%d entries say who has sent it again", n)
		}
		for _, from := range []string{"x", "-1", "99999999999999999999999", "'"} {
			if w := b.get(at + "?from=" + url.QueryEscape(from)); w.Code != 200 {
				t.Errorf("%q: %d", from, w.Code)
			}
		}
	})
}

// A long list of keys is read page by page.
func TestKeysAreListedPageByPage(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.Do(func(ctx context.Context, tx *db.Tx) error {
			for range 44 { // and the one that the world has
				if _, _, _, err := account.IssueApp(ctx, tx, signintest.By, vaulttest.Service, "app", account.AllScopes(), time.Time{}); err != nil {
					return err
				}
			}
			return nil
		})
		b := d.browser(d.hire(staff.Engineer).Secret)
		seen, from := make(map[string]bool), ""
		for pages := 1; ; pages++ {
			page := b.get(settingsPath + "?lang=en&from=" + from).Body.String()
			for _, path := range regexp.MustCompile(`/apps/ak_[0-9a-z]+`).FindAllString(page, -1) {
				seen[path] = true
			}
			next := shownNext.FindStringSubmatch(page)
			if next == nil {
				if len(seen) != 45 || pages != 3 {
					t.Errorf("%d apps on %d pages", len(seen), pages)
				}
				break
			}
			from = next[1]
		}
	})
}

// A test message goes to who asks for it, as often as is of use; what is kept of it is that
// it was sent.
func TestArticle15_ATestMessageIsKeptNowhere(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		in := d.hire(staff.Engineer)
		b := d.browser(in.Secret)
		const at, mine = "/console/settings/system/test", "engineer.wang@xiaoxi-english.example"
		for name, c := range map[string]struct {
			channel, to string
			status      int
		}{"no channel": {"pigeon", mine, 422}, "one that isn't set up": {"sms", "13800000000", 503}, "two addresses": {"email", "a@b.example, c@d.example", 422}} {
			if w := b.post(at, "channel", c.channel, "to", c.to); w.Code != c.status {
				t.Errorf("%s: %d", name, w.Code)
			}
		}
		for n := 2; n <= 6; n++ { // the two addresses were a try
			w := b.post(at, "channel", "email", "to", mine)
			if want := map[bool]int{true: 303, false: 429}[n <= 5]; w.Code != want {
				t.Errorf("message %d: %d", n, w.Code)
			}
		}
		if sent := d.sent.Messages(); len(sent) != 4 || sent[0].Kind != notify.KindTest || sent[0].To.Reveal() != mine {
			t.Errorf("sent %+v", sent)
		}
		all := d.entries(in, staff.KindOperated)
		for _, p := range all {
			if !strings.Contains(string(p.Body), string(staff.TestedEmail)) || strings.Contains(string(p.Body), "wang") {
				t.Errorf("the ledger says %s", p.Body)
			}
		}
		if len(all) != 5 || strings.Contains(d.log.String(), "wang") {
			t.Errorf("%d entries; the log says %s", len(all), d.log)
		}
		if w := d.browser(d.hire(staff.Officer).Secret).post(at, "channel", "email", "to", mine); outcome(w) != mayNot {
			t.Errorf("an officer: %d", w.Code)
		}
	})
}

// A rotation is asked for by who may, and recorded before it begins.
func TestArticle15_WhoRotatesKeysIsOnRecord(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		in := d.hire(staff.Engineer)
		b, recorded := d.browser(in.Secret), 0
		d.console.System.Rotate = func(context.Context) error {
			recorded = len(d.entries(in, staff.KindOperated))
			return nil
		}
		d.pages = d.console.Handler()
		if w := b.post("/console/settings/system/rotate"); w.Code != 303 || recorded != 1 {
			t.Errorf("%d, %d entries", w.Code, recorded)
		}
		d.Pass(signin.Fresh)
		if w := b.post("/console/settings/system/rotate"); outcome(w) != toAgain {
			t.Errorf("not fresh: %d", w.Code)
		}
	})
}

// Article 15: who is an engineer of one service runs no other: while there are two, the whole
// installation is run, and seen, by who has the role in each; and who tries is on record.
func TestArticle15_NobodyRunsTheSystemByOneService(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		in, boss := d.hire(staff.Engineer), d.browser(d.hire(staff.Officer).Secret)
		b := d.browser(in.Secret)
		if w := b.get("/console/settings/system"); w.Code != http.StatusOK {
			t.Errorf("of the only service: %d", w.Code)
		}
		d.elsewhere(staff.Engineer)
		both := d.browser(signintest.Hire(t, d.Store, d.console.Door(), "全部", staff.Grant{Role: staff.Engineer}).Secret)
		rotated := 0
		d.console.System.Rotate = func(context.Context) error { rotated++; return nil }
		d.pages = d.console.Handler()
		for name, w := range map[string]*httptest.ResponseRecorder{
			"rotates":          b.post("/console/settings/system/rotate"),
			"tries a channel":  b.post("/console/settings/system/test", "channel", "email", "to", "a@b.example"),
			"sees the system":  b.get("/console/settings/system"),
			"sees the jobs":    b.get("/console/jobs/"),
			"an officer sees":  boss.get("/console/settings/system"),
			"has jobs retried": b.send(httptest.NewRequest("POST", site+"/console/jobs/api/jobs/retry", strings.NewReader(`{"ids":["1"]}`))),
		} {
			if outcome(w) != mayNot {
				t.Errorf("%s: %d", name, w.Code)
			}
		}
		if n := len(d.entries(in, staff.KindTried)); n != 3 || rotated != 0 || len(d.entries(in, staff.KindOperated)) != 0 || len(d.sent.Messages()) != 0 {
			t.Errorf("%d attempts on record, %d rotations", n, rotated)
		}
		late := i18n.English.T("console.late.erasures")
		for _, one := range []*browser{b, boss} {
			if page := one.get("/console/settings?lang=en").Body.String(); strings.Contains(page, late) || strings.Contains(page, "/console/settings/system") || !strings.Contains(page, settingsPath) {
				t.Error("who has a role in one service sees how others do, or not their own")
			}
			if page := one.get("/console?lang=en").Body.String(); strings.Contains(page, "/console/settings/system") {
				t.Error("they are led to what isn't theirs")
			}
		}
		if page := both.get("/console/settings?lang=en").Body.String(); !strings.Contains(page, late) || !strings.Contains(page, "/console/settings/system") {
			t.Error("an engineer of every service doesn't see how all do")
		}
		if w := both.post("/console/settings/system/rotate"); w.Code != http.StatusSeeOther || rotated != 1 {
			t.Errorf("an engineer of every service: %d", w.Code)
		}
		d.replays()
	})
}

// Article 12: that a sweep is behind stands where an engineer looks, and only while it is; so do
// a check that fails, and what was left undone.
func TestArticle12_ALateSweepStandsInTheSettings(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		b := d.browser(d.hire(staff.Engineer).Secret)
		var left int64
		wrong := ""
		d.console.System.Swept = retention.LastSweep
		d.console.System.Late = func(context.Context, *db.Tx) (console.Late, error) {
			return console.Late{{What: "values", Count: left}}, nil
		}
		d.console.System.Checks = func() []console.Check { return []console.Check{{Name: "keys", Code: wrong}} }
		d.pages = d.console.Handler()
		says := func(when string, keys ...string) {
			t.Helper()
			page := b.get("/console/settings?lang=en").Body.String()
			for _, key := range []string{"console.settings.never", "console.settings.sweep_behind", "console.settings.wrong", "keyring.wrong_kek"} {
				if strings.Contains(page, template(i18n.English.T(key))) != slices.Contains(keys, key) {
					t.Errorf("%s: %s is said, or isn't", when, key)
				}
			}
			if strings.Contains(page, fmt.Sprintf("<strong>%d</strong>", left)) != (left > 0) {
				t.Errorf("%s: of %d left undone it says something else", when, left)
			}
		}
		says("before the first sweep", "console.settings.never")
		d.Do(func(ctx context.Context, tx *db.Tx) error { return db.Beat(ctx, tx, "sweep") })
		says("just swept")
		d.Do(func(ctx context.Context, tx *db.Tx) error {
			return tx.Queue(ctx, `UPDATE heartbeat SET at = at - $1 WHERE name = 'sweep'`, int64(11*time.Minute/time.Microsecond))
		})
		left, wrong = 7, "keyring.wrong_kek"
		says("long ago", "console.settings.sweep_behind", "console.settings.wrong", "keyring.wrong_kek")
		left, wrong = 0, ""
		d.Do(func(ctx context.Context, tx *db.Tx) error { return db.Beat(ctx, tx, "sweep") })
		says("swept again")
	})
}

// json posts what a script does.
func (b *browser) json(path, body string) (status int, says string) {
	w := b.send(httptest.NewRequest("POST", site+path, strings.NewReader(body)))
	return w.Code, w.Body.String()
}

// Article 15: River's page of jobs is the engineer's. It has jobs tried again, which is
// recorded, and keeps none from being done; nobody sends it a form from elsewhere, and
// what it asks by itself keeps no session alive.
func TestArticle15_ThePageOfJobsIsTheEngineers(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		in := d.hire(staff.Engineer)
		b := d.browser(in.Secret)
		w := b.get("/console/jobs/")
		csp := w.Header().Get("Content-Security-Policy")
		if w.Code != 200 || w.Body.String() != "GET /console/jobs/" || !strings.HasPrefix(csp, "default-src 'none'") || !strings.HasSuffix(csp, "; script-src 'self'; connect-src 'self'") || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%d %s, %s", w.Code, w.Body, csp)
		}
		for _, role := range []staff.Role{staff.Officer, staff.Deputy, staff.Manager, staff.Worker, staff.Auditor} {
			other := d.browser(d.hire(role).Secret)
			if w := other.get("/console/jobs/api/jobs"); w.Code != 403 || strings.Contains(w.Body.String(), "/api/jobs") {
				t.Errorf("%s: %d %s", role, w.Code, w.Body)
			}
		}
		const again = "/console/jobs/api/jobs/retry"
		if status, says := b.json(again, `{"ids":["12","7"]}`); status != 200 || says != "POST "+again {
			t.Errorf("%d %s", status, says)
		}
		all := d.entries(in, staff.KindOperated)
		if len(all) != 1 || !strings.Contains(string(all[0].Body), `"about":"12 7"`) {
			t.Errorf("recorded: %v", all)
		}
		for _, body := range []string{"", "{}", `{"ids":[]}`, `{"ids":["王小明"]}`, `{"ids":["-1"]}`, `{"ids":["+1"]}`, `{"ids":[` + strings.Repeat(`"1",`, 100) + `"1"]}`, strings.Repeat("x", 70_000)} {
			if status, says := b.json(again, body); status != 422 || !strings.Contains(says, `{"message":`) {
				t.Errorf("%.20s: %d %s", body, status, says)
			}
		}
		for _, verb := range []string{"cancel", "delete"} {
			if status, says := b.json("/console/jobs/api/jobs/"+verb, `{"ids":["12"]}`); status != 403 || !strings.Contains(says, "message") {
				t.Errorf("%s: %d %s", verb, status, says)
			}
		}
		if tried := d.entries(in, staff.KindTried); len(tried) != 2 {
			t.Errorf("%d attempts", len(tried))
		}
		for _, method := range []string{"PUT", "PATCH", "DELETE"} {
			if w := b.do(method, "/console/jobs/api/queues/default/pause", nil); w.Code != 404 {
				t.Errorf("%s: %d", method, w.Code)
			}
		}
		b.header = http.Header{"Sec-Fetch-Site": {"cross-site"}}
		if status, _ := b.json(again, `{"ids":["12"]}`); status != 403 || len(d.entries(in, staff.KindOperated)) != 1 {
			t.Errorf("from another site: %d", status)
		}
		b.header = http.Header{"Sec-Fetch-Mode": {"cors"}, "Sec-Fetch-Site": {"same-origin"}}
		d.Pass(signin.Fresh)
		if status, says := b.json(again, `{"ids":["12"]}`); status != 403 || !strings.Contains(says, i18n.Chinese.T("signin.stale")) {
			t.Errorf("not fresh: %d %s", status, says)
		}
		b.header = http.Header{}
		for range 4 { // it asks, and nobody does
			d.Pass(signin.Idle / 4)
			b.get("/console/jobs/api/states")
		}
		if w := b.get("/console"); outcome(w) != toDoor {
			t.Errorf("a session that nobody uses: %d", w.Code)
		}
		d.console.System.Jobs = func() http.Handler { return nil }
		d.pages = d.console.Handler()
		if w := d.browser(d.hire(staff.Engineer).Secret).get("/console/jobs/"); w.Code != 503 {
			t.Errorf("before jobs are worked on: %d", w.Code)
		}
	})
}

var settingsChanges = []struct {
	what *regexp.Regexp
	as   string
}{
	{regexp.MustCompile(`\b(ak|wh|le)_[0-9a-z]{26}`), "${1}_…"},
	{regexp.MustCompile(`\b\d{4}-\d\d-\d\d \d\d:\d\d\b`), "2026-03-02 15:04"},
}

// The pages of settings are as they were: make golden writes them again.
func TestPagesOfSettings(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		b, boss := d.browser(d.hire(staff.Engineer).Secret), d.browser(d.hire(staff.Officer).Secret)
		check := func(name string, b *browser, at string) {
			t.Helper()
			for _, lang := range i18n.Langs {
				path, query, _ := strings.Cut(at, "?")
				w := b.get(path + "?lang=" + string(lang) + "&" + query)
				body := w.Body.String()
				for _, c := range settingsChanges {
					body = c.what.ReplaceAllString(body, c.as)
				}
				if w.Code != http.StatusOK {
					t.Errorf("%s: %d", name, w.Code)
				}
				golden(t, name+"."+string(lang)+".html", body)
			}
		}
		check("settings", boss, "/console/settings")
		check("settings_service-empty", b, settingsPath)
		e := d.hooked(0)
		check("settings_service", b, settingsPath)
		check("settings_service-officer", boss, settingsPath)
		check("settings_app", b, settingsPath+"/apps/"+d.App.ID)
		check("settings_hook", b, settingsPath+"/webhooks/"+e.ID)
		check("settings_hook-parked", b, settingsPath+"/webhooks/"+e.ID+"?parked&paused")
		check("settings_system", b, "/console/settings/system?sent")
		check("settings_system-officer", boss, "/console/settings/system")
		d.console.System = console.System{}
		d.pages = d.console.Handler()
		d.Do(func(ctx context.Context, tx *db.Tx) error {
			return errors.Join(witness.Took(ctx, tx, "folder /mnt/elsewhere", 1234, tx.Now()), witness.Failed(ctx, tx, "witness example.com/w1", witness.ErrUnreached, time.Time{}))
		})
		check("settings-bare", boss, "/console/settings")
		check("settings_system-bare", b, "/console/settings/system")
	})
}

// A request has one line in the log and one count, also when it panics: what went wrong is
// told by its type, and whoever asked gets a page.
func TestInvariant9_APanicTellsNothing(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		b := d.browser(d.hire(staff.Officer).Secret)
		d.console.Metrics = watch.New()
		d.console.System.Checks = func() []console.Check { panic("王小明") }
		d.pages = d.console.Handler()
		d.log.Reset()
		w := b.get("/console/settings?lang=en")
		if w.Code != 500 || !strings.Contains(w.Body.String(), "</html>") || strings.Contains(w.Body.String(), "王小明") {
			t.Errorf("%d %s", w.Code, w.Body)
		}
		all := d.log.String()
		if strings.Count(all, "msg=console ") != 1 || !strings.Contains(all, `msg="console: panic"`) || !strings.Contains(all, "type=string") || strings.Contains(all, "王小明") || !strings.Contains(all, "actor=staff") {
			t.Errorf("the log says %s", all)
		}
		d.log.Reset()
		b.post("/console/people", "name", " ", "role", "manager", "service", vaulttest.Service)
		d.browser("").get("/console/in")
		b.get("/console/static/console.css")
		b.get("/console/nowhere")
		lines := strings.Split(strings.TrimSpace(d.log.String()), "\n")
		for i, want := range []string{"status=422", "actor=none", `route="GET /console/static/"`, "status=404"} {
			if len(lines) != 4 || !strings.Contains(lines[i], want) || !strings.Contains(lines[i], "msg=console ") {
				t.Fatalf("%q has no %s", lines, want)
			}
		}
		numbers := httptest.NewRecorder()
		d.console.Metrics.Handler().ServeHTTP(numbers, httptest.NewRequest("GET", "/metrics", nil))
		for _, want := range []string{
			`wardkeep_http_requests_total{class="5xx",edge="console",method="GET",route="/console/settings"} 1`,
			`wardkeep_http_requests_total{class="4xx",edge="console",method="POST",route="/console/people"} 1`,
			`wardkeep_http_requests_total{class="2xx",edge="console",method="GET",route="/console/static/"} 1`,
		} {
			if !strings.Contains(numbers.Body.String(), want) {
				t.Errorf("no %s", want)
			}
		}
	})
}

// The lists of services are cut to pages, each service once, for who sees all of them.
func TestListsOfServicesAreCutToPages(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		const more = 44
		d.Do(func(ctx context.Context, tx *db.Tx) error {
			for i := range more {
				if _, _, err := catalog.Create(ctx, tx, signintest.By, fmt.Sprintf("service-%02d", i), catalog.Test); err != nil {
					return err
				}
			}
			return nil
		})
		hire := func(role staff.Role) *browser {
			return d.browser(signintest.Hire(t, d.Store, d.console.Door(), "某人", staff.Grant{Role: role}).Secret)
		}
		engineer, auditor := hire(staff.Engineer), hire(staff.Auditor)
		for at, by := range map[string]*browser{"/console/settings": engineer, "/console/offices": auditor, "/console/charters": auditor, "/console/register": auditor} {
			if n := by.walks(at, regexp.MustCompile(`<code>(service-\d+)</code>`), 10); n != more {
				t.Errorf("%s lists %d services, want %d", at, n, more)
			}
			if n := strings.Count(by.get(at).Body.String(), "service-"); n == 0 || n > 4*20+more { // and the filter has each once
				t.Errorf("a page of %s names services %d times", at, n)
			}
			if w := by.get(at + "?from=%27%22%3E%3Cscript"); w.Code != 200 || strings.Contains(w.Body.String(), "<script>") {
				t.Errorf("%s from nowhere: %d", at, w.Code)
			}
		}
	})
}

// Article 15: whoever has alarms sent elsewhere at the console has a letter go to where they
// went until then.
func TestArticle15_TheFormerAddressIsToldByTheConsole(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		boss := d.browser(d.hire(staff.Officer).Secret)
		d.console.Farewell = &message.Farewell{Desk: d.Desk, Messages: notify.Router{notify.Email: d.sent}, PublicURL: "https://wardkeep.example", Log: slog.New(slog.DiscardHandler)}
		for i, does := range []func() *httptest.ResponseRecorder{
			func() *httptest.ResponseRecorder {
				return boss.post("/console/account/reach", "address", "lin@office.example")
			},
			func() *httptest.ResponseRecorder { return boss.post("/console/account/reach", "address", "nobody") },
			func() *httptest.ResponseRecorder {
				return boss.post("/console/account/reach", "address", "lin@elsewhere.example")
			},
			func() *httptest.ResponseRecorder { return boss.post("/console/account/reach/end") },
		} {
			code := does().Code
			d.console.Farewell.Wait()
			var to []string
			for _, m := range d.sent.Messages() {
				to = append(to, m.To.Reveal())
			}
			want := [][]string{nil, nil, {"lin@office.example"}, {"lin@elsewhere.example", "lin@office.example"}}[i]
			if !slices.Equal(to, want) || (code == 303) == (i == 1) {
				t.Errorf("%d: %d, told %q, want %q", i, code, to, want)
			}
		}
	})
}
