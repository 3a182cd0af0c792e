package console_test

import (
	"context"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/db/dbtest"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/console"
	"wardkeep/internal/console/consoletest"
	"wardkeep/internal/rights"
	"wardkeep/internal/signin/signintest"
	"wardkeep/internal/staff"
	"wardkeep/internal/vault/vaulttest"
	"wardkeep/internal/webhook"
)

// many is how many rows each list has, heavy how many bytes no page of one may have, and
// some how many pages are read of a list that isn't read whole.
const many, heavy, some = 10_000, 60_000, 15

// urgent is how many of the requests can't wait for the office: none waits for half an hour,
// so there are never as many of them.
const urgent = 400

// fills makes the rows of every list.
func (o *office) fills(endpoint string) {
	o.T.Helper()
	const each = 20 // that somebody may ask about one child at once
	desk := approval.Desk{Ring: o.Ring, Charters: o.Vault.Gate.Charters}
	ask := func(by *signintest.Insider, n int, a approval.Asking) {
		a.Purpose, a.Items, a.Text, a.Minutes = purpose, []string{"nickname"}, pii.New("x"), 5
		for range n / each {
			c, _ := o.Enrol()
			o.Do(func(ctx context.Context, tx *db.Tx) error {
				for range each {
					if _, _, err := desk.Ask(ctx, tx, by.Session.Person, c, a); err != nil {
						return err
					}
				}
				return nil
			})
		}
	}
	ask(o.worker, many, approval.Asking{Reason: approval.ForFault})
	ask(o.second, urgent, approval.Asking{Reason: approval.ForSafety, Glass: true})
	if err := o.ledger.Flush(context.Background()); err != nil {
		o.T.Fatal(err)
	}
	o.Do(func(ctx context.Context, tx *db.Tx) error {
		return consoletest.Rows(ctx, tx, many, vaulttest.Service, o.Officer.ID, endpoint)
	})
}

var nextPage = regexp.MustCompile(`href="([^"]*[?;]from=[^"]+)"`)

// walks reads so many pages of a list, or to its end, and fails the test where a row comes
// twice, or a page is heavy. It returns how many rows there were.
func (b *browser) walks(at string, row *regexp.Regexp, pages int) int {
	b.d.T.Helper()
	seen, to := make(map[string]bool), at+"?lang=zh-CN"
	for page := 1; ; page++ {
		w := b.get(to)
		body := w.Body.String()
		if w.Code != 200 || len(body) > heavy {
			b.d.T.Fatalf("%s, page %d: %d, %d bytes", at, page, w.Code, len(body))
		}
		if _, all, ok := strings.Cut(body, `id="all"`); ok {
			body = all // behind what waits
		}
		found := make(map[string]bool)
		for _, m := range row.FindAllStringSubmatch(body, -1) {
			found[m[1]] = true
		}
		for name := range found {
			if seen[name] {
				b.d.T.Errorf("%s, page %d: %s comes twice", at, page, name)
			}
			seen[name] = true
		}
		next := nextPage.FindStringSubmatch(body)
		if next == nil || page == pages {
			return len(seen)
		}
		to = html.UnescapeString(next[1])
		if strings.HasPrefix(to, "?") {
			to = at + to
		}
	}
}

// Every list of the console with 10,000 rows: each page is as small as any, and nothing comes
// twice; of the two that persons read most nothing is left out from the first page to the last,
// and of the others, which go on in the same way, the first pages are read. The texts of the
// statements are the same on both engines.
func TestListsOfTenThousandRows(t *testing.T) {
	d := newDesk(vaulttest.New(t, dbtest.New(t)))
	o := d.office()
	boss, writes, reads := d.browser(d.hire(staff.Officer).Secret), d.browser(d.hire(staff.Engineer).Secret),
		d.browser(signintest.Hire(t, d.Store, d.console.Door(), "审计", staff.Grant{Role: staff.Auditor}).Secret)
	to, err := webhook.ParseAddress("https://hooks.xiaoxi-english.example/in", nil)
	if err != nil {
		t.Fatal(err)
	}
	var endpoint webhook.Endpoint
	d.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		endpoint, _, _, err = webhook.Add(ctx, tx, d.Ring, signintest.By, vaulttest.Service, to, nil, "")
		return err
	})
	o.fills(endpoint.ID)
	demand := (&counter{office: o, guardian: d.Guardian(o.child)}).came(rights.Correct, "nickname", "x")
	suspect := d.suspect("player-1")
	request := regexp.MustCompile(`/console/access/requests/[^/"?]+/(sa_[0-9a-z]{26})`)
	for _, list := range []struct {
		by   *browser
		at   string
		row  string
		more int // rows of before
	}{
		{o.asks, "/console/access", "", 0},
		{o.decides, "/console/decisions", "", 0},
		{boss, "/console/due", `/console/reviews/[^/"?]+/(sa_[0-9a-z]{26})`, 0},
		{o.asks, "/console/urgent", "", 0},
		{boss, "/console/demands", `/console/demands/[^/"?]+/(rr_[0-9a-z]{26})`, 0},
		{boss, "/console/suspicions", `/console/suspicions/[^/"?]+/(sp_[0-9a-z]{26})`, 0},
		{boss, "/console/takedowns", `/console/takedowns/[^/"?]+/(td_[0-9a-z]{26})`, 0},
		{boss, "/console/incidents", `/console/incidents/[^/"?]+/(in_[0-9a-z]{26})`, 0},
		{boss, "/console/shields", `/console/shields/[^/"?]+/(sh_[0-9a-z]{26})`, 0},
		{boss, "/console/reports", `/console/reports/[^/"?]+/(rp_[0-9a-z]{26})`, 0},
		{boss, "/console/streams", `/console/streams/[^/"?]+/(ls_[0-9a-z]{26})`, 0},
		{boss, "/console/rectifications", `/console/rectifications/[^/"?]+/(rc_[0-9a-z]{26})`, 0},
		{boss, "/console/inspections", `/console/inspections/[^/"?]+/(iv_[0-9a-z]{26})`, 0},
		{boss, "/console/orders", `/console/orders/[^/"?]+/(or_[0-9a-z]{26})`, 0},
		{boss, "/console/evidence", `/console/evidence/[^/"?]+/(ve_[0-9a-z]{26})`, 0},
		{boss, "/console/people", `/console/people/(st_[0-9a-z]{26})`, 6},
		{boss, "/console/reviews", `/console/reviews/[^/"?]+/(sa_[0-9a-z]{26})`, 0},
		{boss, charters, charters + `/(\d+)\?`, 1},
		{boss, officeAt, `/records/(ro_[0-9a-z]{26})`, 0},
		{writes, settingsPath, `/apps/(ak_[0-9a-z]{26})`, 1},
		{writes, settingsPath + "/webhooks/" + endpoint.ID, `name="event" value="(le_[0-9a-z]{26})"`, 0},
	} {
		row := request
		if list.row != "" {
			row = regexp.MustCompile(list.row)
		}
		whole := list.at == "/console/access" || list.at == "/console/people"
		pages := some
		if whole {
			pages = many
		}
		if n := list.by.walks(list.at, row, pages); whole && n != many+list.more || n < 20*some {
			t.Errorf("%s has %d rows, want %d", list.at, n, many+list.more)
		}
	}
	if n := boss.walks("/console/ledger", regexp.MustCompile(`/console/ledger/entries/(\d+)`), some); n < 20*some {
		t.Errorf("the ledger has %d rows", n)
	}
	for _, at := range []string{"/console", "/console/board", "/console/pictures", "/console/offices", "/console/charters", "/console/search?q=某", "/console/files", "/console/people/" + o.worker.ID} {
		if w := boss.get(at); w.Code != 200 || w.Body.Len() > 2*heavy {
			t.Errorf("%s: %d, %d bytes", at, w.Code, w.Body.Len())
		}
	}
	// Whoever hands something over chooses among as many colleagues: by name, or where several
	// have it by id.
	for at, form := range map[string]string{at(demand): "/assign", suspect: "/hand"} {
		w := o.asks.get(at)
		if w.Code != 200 || w.Body.Len() > heavy || strings.Contains(w.Body.String(), "<select id=\"to\"") {
			t.Errorf("%s: %d, %d bytes", at, w.Code, w.Body.Len())
		}
		for to, code := range map[string]int{"某人": 409, "无此人": 422, "st_00000000000000000001000007": 303, "某manager": 303} {
			if w := o.asks.post(at+form, "to", to); w.Code != code {
				t.Errorf("%s, to %s: %d %s", at, to, w.Code, w.Body)
			}
		}
	}
	w := boss.post("/console/search", "q", "某人")
	if w.Code != 200 || w.Body.Len() > heavy {
		t.Errorf("a search that finds everybody: %d, %d bytes", w.Code, w.Body.Len())
	}
	w = reads.post("/console/people/csv")
	if n := strings.Count(w.Body.String(), "\r\n"); w.Code != 200 || n != 1+many+6 {
		t.Errorf("the file of persons: %d, %d lines", w.Code, n)
	}

	// And as many services, for who sees each of them: a form has the name of one typed.
	d.Do(func(ctx context.Context, tx *db.Tx) error { return consoletest.Services(ctx, tx, many) })
	everywhere := func(role staff.Role) *browser {
		return d.browser(signintest.Hire(t, d.Store, d.console.Door(), "某人", staff.Grant{Role: role}).Secret)
	}
	runs, audits := everywhere(staff.Engineer), everywhere(staff.Auditor) // others have a role of each service
	for at, by := range map[string]*browser{"/console/settings": runs, "/console/offices": audits, "/console/charters": audits, "/console/register": audits, "/console/parties": audits, "/console/borders": audits, "/console/yearly": audits} {
		if n := by.walks(at, regexp.MustCompile(`<code>(service-\d+)</code>`), some); n < 20*some-1 {
			t.Errorf("%s lists %d services", at, n)
		}
	}
	for _, at := range []string{"/console/board", "/console/board/16"} { // of 20 services at a time
		w := audits.get(at)
		if body := w.Body.String(); w.Code != 200 || w.Body.Len() > heavy || !strings.Contains(body, "10001") || !strings.Contains(body, "?from=service-10000") {
			t.Errorf("%s with as many services: %d, %d bytes", at, w.Code, w.Body.Len())
		}
	}
	if n := audits.walks("/console/board/16", regexp.MustCompile(`<code>(service-\d+)</code>`), some); n < 20*some-1 {
		t.Errorf("an article is told of %d services", n)
	}
	for by, all := range map[*browser][]string{audits: {"/console", "/console/ledger", "/console/due", "/console/pictures", "/console/suspicions", "/console/evidence", "/console/takedowns", "/console/streams", "/console/orders", "/console/people"},
		o.asks: {"/console/access/new", "/console/urgent/new", "/console/demands/new", "/console/suspicions/new", "/console/takedowns/new"},
		runs:   {"/console", "/console/settings/system"}} {
		for _, at := range all {
			if w := by.get(at); w.Code != 200 || w.Body.Len() > heavy || strings.Count(w.Body.String(), "<option>service-") > 0 {
				t.Errorf("%s with as many services: %d, %d bytes", at, w.Code, w.Body.Len())
			}
		}
	}
	d.Do(func(ctx context.Context, tx *db.Tx) error { // the rows of a file are read of 20 services at a time
		_, err := tx.Exec(ctx, `DELETE FROM service WHERE service > 'service-1000044' AND service < 'service-2'`)
		return err
	})
	rows := rowsOf(t, audits.post("/console/board/csv", "filter", "").Body.Bytes())
	told := make(map[string]bool)
	for _, row := range rows[1:] {
		told[row[0]+row[5]] = true
	}
	if want := 29 * 45; len(told) != want { // 44 of them and the first
		t.Errorf("the file of the board has %d articles of services, want %d", len(told), want)
	}
	tried := http.NewServeMux()
	for _, r := range console.Routes() {
		if strings.HasPrefix(r.Pattern, "GET ") {
			tried.HandleFunc(r.Pattern, func(http.ResponseWriter, *http.Request) {})
		}
	}
	seen := make(map[string]bool)
	for _, by := range []*browser{o.asks, o.decides, boss, writes, reads, runs, audits} {
		for path := range by.loaded {
			_, pattern := tried.Handler(&http.Request{Method: http.MethodGet, URL: &url.URL{Path: path}})
			seen[pattern] = true
		}
	}
	for _, r := range console.Routes() {
		if why := notMany[r.Pattern]; strings.HasPrefix(r.Pattern, "GET ") && seen[r.Pattern] == (why != "") {
			t.Errorf("%s is tried with many rows: %v, reason %q", r.Pattern, seen[r.Pattern], why)
		}
	}
}

// notMany has the pages that aren't tried with many rows, and why.
var notMany = map[string]string{
	"GET /console/in":                                              "leads in, and lists nothing",
	"GET /console/in/provider":                                     "leads on to the operator's provider",
	"GET /console/in/provider/back":                                "comes back from there",
	"GET /console/in/provider/go":                                  "comes back from there",
	"GET /console/setup/{link}":                                    "one person's first visit",
	"GET /console/again":                                           "one form",
	"GET /console/again/provider":                                  "leads on to the operator's provider",
	"GET /console/keys":                                            "the keys of the keyboard: as many as the menu has pages",
	"GET /console/account":                                         "one's own: who was signed in within a quarter of an hour, and signin.MaxPasskeys",
	"GET /console/jobs/{rest...}":                                  "River's own page, which cuts its lists itself",
	"GET /console/ledger/checkpoint":                               "one comparison",
	"GET /console/reviews/{service}/{request}":                     "one emergency",
	"GET /console/access/new/{service}/{purpose}":                  "one purpose: its items are the charter's, of which each form has as many",
	"GET /console/urgent/new/{service}/{purpose}":                  "one purpose",
	"GET /console/exports/new/{service}/{purpose}":                 "one purpose",
	"GET /console/legal/new/{service}/{purpose}":                   "one purpose",
	"GET /console/rescue/new/{service}/{purpose}":                  "one purpose",
	"GET /console/access/requests/{service}/{request}":             "one request",
	"GET /console/access/requests/{service}/{request}/view":        "one request",
	"GET /console/demands/{service}/{demand}/words":                "one demand",
	"GET /console/births/{service}/{claim}":                        "one claim",
	"GET /console/takedowns/{service}/{takedown}":                  "one case; whom it may be handed to is tried of suspicions",
	"GET /console/incidents/new":                                   "one form",
	"GET /console/incidents/{service}/{incident}":                  "one case and its notes, of which there are 1,000 at most",
	"GET /console/incidents/{service}/{incident}/authority":        "the reports about one case, of which there are 200 at most",
	"GET /console/incidents/{service}/{incident}/authority/{note}": "one report, and 20 answers at most",
	"GET /console/incidents/{service}/{incident}/notices":          "the notices about one case, of which there are 100 at most",
	"GET /console/incidents/{service}/{incident}/notices/{notice}": "one notice: of those who are told how many stand how, and 20 at a time whom somebody calls",
	"GET /console/incidents/{service}/{incident}/reach":            "one case and what was asked about it, a hundred questions at most; of who was found, numbers",
	"GET /console/streams/{service}/new":                           "one form",
	"GET /console/streams/{service}/{stream}":                      "one stream: of its tests maxTests are shown",
	"GET /console/streams/{service}/{stream}/test":                 "one form",
	"GET /console/rectifications/new":                              "one form",
	"GET /console/rectifications/{service}/{rectification}":        "one matter, of which maxNotes texts and maxParts parts are read",
	"GET /console/rectifications/{service}/{rectification}/part":   "one form",
	"GET /console/bundles":                                         "the archives that were asked for, of which evidence's maxBundles are read",
	"GET /console/yearly/{service}/{year}/new":                     "one form",
	"GET /console/yearly/{service}/{year}/packs/{note}":            "one version, of which dossier's maxRows rows a table are kept, and none is shown",
	"GET /console/yearly/{service}/{year}":                         "one audit, of which yearly's maxFilings filings are read",
	"GET /console/inspections/new":                                 "one form",
	"GET /console/inspections/{service}/{inspection}":              "one invitation, of whose looks a page is read",
	"GET /console/shields/new":                                     "one form: of a child there are at most as many guardians as may be tied to it",
	"GET /console/shields/{service}/{shield}":                      "one case",
	"GET /console/orders/{service}/{order}":                        "one order",
	"GET /console/reports/{service}/{complaint}":                   "one report, with complaint's limits of texts and attachments",
	"GET /console/evidence/{service}/{attempt}":                    "one document",
	"GET /console/evidence/{service}/{attempt}/view":               "one document",
	"GET /console/charters/{service}/new":                          "one form",
	"GET /console/charters/{service}/{version}":                    "one charter: of its changes maxChanges are shown",
	"GET /console/charters/{service}/{version}/impact/{purpose}":   "one form",
	"GET /console/register/{service}":                              "one charter",
	"GET /console/parties/{service}/{role}/{party}":                "one party, on a few papers",
	"GET /console/parties/{service}/{role}/{party}/keys":           "as many as were bound under each paper, of which party.MaxKeys hold",
	"GET /console/parties/{service}/{role}/{party}/{form}":         "one form",
	"GET /console/ledger/entries/{place}":                          "one entry",
	"GET /console/ledger/entries/{place}/proof":                    "one entry: its proof grows with the logarithm of the ledger",
	"GET /console/settings/services/{service}/apps/{app}":          "one app",
}
