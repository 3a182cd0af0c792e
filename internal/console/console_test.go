package console_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/db/dbtest"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/console"
	partyDesk "wardkeep/internal/desk"
	"wardkeep/internal/ledger"
	"wardkeep/internal/notify"
	"wardkeep/internal/session/sessiontest"
	"wardkeep/internal/signin"
	"wardkeep/internal/signin/signintest"
	"wardkeep/internal/staff"
	"wardkeep/internal/vault/vaulttest"
)

var update = flag.Bool("update", false, "write docs/access.md and the golden files")

const site = "https://console.example"

// A desk is a world with a console.
type desk struct {
	*vaulttest.World
	console *console.Server
	pages   http.Handler
	log     *strings.Builder
	sent    *notify.Outbox // test messages
	ledger  *ledger.Log
}

func newDesk(w *vaulttest.World) *desk {
	signer, key, err := ledger.NewSigner("ledger.example/xiaoxi", bytes.Repeat([]byte{7}, 32))
	if err != nil {
		w.T.Fatal(err)
	}
	d := &desk{World: w, log: new(strings.Builder), ledger: ledger.Open(w.Store, "ledger.example/xiaoxi", signer)}
	d.console = &console.Server{Store: w.Store, Ring: w.Ring, URL: site, Vault: w.Vault, LedgerKey: key, Log: slog.New(slog.NewTextHandler(d.log, nil))}
	d.console.System, d.sent = aSystem()
	d.console.Bundles = console.Maker{Wake: func() {}, Open: func(string) (*os.File, error) { return nil, os.ErrNotExist }}
	d.pages = d.console.Handler()
	d.console.Refuses(0)
	return d
}

func each(t *testing.T, fn func(t *testing.T, d *desk)) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) { fn(t, newDesk(w)) })
}

// hire hires somebody with a role of the service: of officer and deputy, by office.
func (d *desk) hire(role staff.Role) *signintest.Insider {
	d.T.Helper()
	g := staff.Grant{Role: role, Service: vaulttest.Service}
	if role.ByOffice() {
		d.Do(func(ctx context.Context, tx *db.Tx) error {
			office, err := db.One(ctx, tx, db.Single[string], `SELECT `+string(role)+` FROM service WHERE service = $1`, g.Service)
			if err == nil {
				g, err = staff.OfOffice(ctx, tx, g.Service, office)
			}
			return err
		})
	}
	return signintest.Hire(d.T, d.Store, d.console.Door(), "某"+string(role), g)
}

// A browser holds cookies, and follows nothing by itself.
type browser struct {
	d       *desk
	cookies map[string]string
	header  http.Header
	address string
	loaded  map[string]bool // paths
}

func (d *desk) browser(secret string) *browser {
	b := &browser{d: d, cookies: make(map[string]string), header: http.Header{}, address: "127.0.0.1:1", loaded: make(map[string]bool)}
	if secret != "" {
		b.cookies["__Host-wardkeep_staff"] = secret
	}
	return b
}

func (b *browser) do(method, path string, form url.Values) *httptest.ResponseRecorder {
	b.d.T.Helper()
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	r := httptest.NewRequest(method, site+path, body)
	if method == "GET" {
		b.loaded[r.URL.Path] = true
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return b.send(r)
}

// send sends a request with what the browser keeps, and keeps what it is given.
func (b *browser) send(r *http.Request) *httptest.ResponseRecorder {
	b.d.T.Helper()
	r.RemoteAddr = b.address
	for name, values := range b.header {
		r.Header[name] = values
	}
	for name, value := range b.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	w := httptest.NewRecorder()
	b.d.pages.ServeHTTP(w, r)
	for _, c := range w.Result().Cookies() {
		if c.MaxAge < 0 {
			delete(b.cookies, c.Name)
			continue
		}
		b.cookies[c.Name] = c.Value
		if !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != "/" || !strings.HasPrefix(c.Name, "__Host-") {
			b.d.T.Errorf("the cookie %s is not kept as it should be", c.Name)
		}
	}
	return w
}

func (b *browser) get(path string) *httptest.ResponseRecorder { return b.do("GET", path, nil) }

func (b *browser) post(path string, pairs ...string) *httptest.ResponseRecorder {
	form := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	return b.do("POST", path, form)
}

// What becomes of a request, as far as the matrix says.
const (
	through = "through"
	toDoor  = "to the door"
	toAgain = "to show once more who it is"
	mayNot  = "may not"
	isHeld  = "is suspended"
)

func outcome(w *httptest.ResponseRecorder) string {
	to := w.Header().Get("Location")
	switch {
	case strings.HasPrefix(to, "/console/in?") && strings.Contains(to, "to="):
		return toDoor
	case strings.HasPrefix(to, "/console/again?") && strings.Contains(to, "to="):
		return toAgain
	case w.Code == http.StatusForbidden && (strings.Contains(w.Body.String(), "<code>staff.may_not</code>") || strings.Contains(w.Body.String(), `"code":"staff.may_not"`)):
		return mayNot
	case w.Code == http.StatusForbidden && (strings.Contains(w.Body.String(), "<code>console.suspended</code>") || strings.Contains(w.Body.String(), `"code":"console.suspended"`)):
		return isHeld
	}
	return through
}

// open are the routes that anybody may ask for: they lead in. Own are those of everybody
// who is signed in; what is grave among them, of who has shown within minutes who it is. All others are the matrix's.
var (
	open = []string{"GET /console/in", "POST /console/in", "POST /console/in/ask", "POST /console/in/passkey",
		"GET /console/in/provider", "GET /console/in/provider/back", "GET /console/in/provider/go", "POST /console/in/provider/out",
		"GET /console/setup/{link}", "POST /console/setup/{link}"}
	grave = []string{"POST /console/account/end", "POST /console/account/renew", "POST /console/account/passkeys/offer", "POST /console/account/passkeys", "POST /console/account/passkeys/remove",
		"POST /console/account/key", "POST /console/account/key/end", "POST /console/account/reach", "POST /console/account/reach/end"}
	// What shows a value, or opens it with another, is of who may ask for it, and has shown within minutes who it is.
	shows = []string{"POST /console/access/requests/{service}/{request}/view", "POST /console/access/requests/{service}/{request}/join",
		"POST /console/access/requests/{service}/{request}/export"}
	// Of them the gate denies these to who is suspended, and says so in the ledger.
	denied = []string{shows[0], shows[2]}
	// What leaves as a file is taken by who may see the list, and has shown within minutes who it is.
	takes = []string{"POST /console/ledger/csv", "POST /console/access/csv", "POST /console/people/csv", "POST /console/charters/csv", "POST /console/register/csv", "POST /console/suspicions/csv", "POST /console/takedowns/csv", "POST /console/incidents/csv", "POST /console/incidents/{service}/{incident}/reach/csv", "POST /console/incidents/{service}/{incident}/authority/{note}/receipts/{receipt}", "POST /console/streams/csv", "POST /console/rectifications/csv", "POST /console/rectifications/{service}/{rectification}/words", "POST /console/rectifications/{service}/{rectification}/documents/{note}", "POST /console/inspections/csv", "POST /console/yearly/csv", "POST /console/yearly/{service}/{year}/receipts/{note}", "POST /console/yearly/{service}/{year}/packs/{note}/zip", "POST /console/bundles/{bundle}", "POST /console/shields/csv", "POST /console/reports/csv", "POST /console/parties/csv", "POST /console/borders/csv", "POST /console/orders/csv", "POST /console/evidence/csv", "POST /console/pictures/{picture}",
		"POST /console/offices/{service}/records/{record}", "POST /console/ledger/entries/{place}/file",
		"POST /console/due/csv", "POST /console/board/csv", "POST /console/urgent/csv", "POST /console/offices/csv", "POST /console/records/csv", "POST /console/apps/csv", "POST /console/receivers/csv", "POST /console/deliveries/csv",
		"POST /console/services/csv", "POST /console/health/csv", "POST /console/keyring/csv", "POST /console/queues/csv"}
	own = slices.Concat(grave, []string{"GET /console", "GET /console/account",
		"GET /console/again", "POST /console/again", "POST /console/again/ask", "POST /console/again/passkey", "GET /console/again/provider",
		"GET /console/files", "POST /console/filters", "POST /console/filters/forget", "GET /console/search", "POST /console/search", "GET /console/keys",
		"POST /console/out"})
)

// Article 15: every route, as every role, as nobody, as who has left, as who is suspended, as who
// showed too long ago who they are, and as whose time is over, does what the matrix says. A route
// that isn't in the table, or says nothing about who may, fails here. That is decided before
// the store is asked for anything but who it is, so one engine tells.
func TestArticle15_EveryRouteAsEveryRole(t *testing.T) {
	d := newDesk(vaulttest.New(t, dbtest.New(t)))
	type actor struct {
		name string
		role staff.Role // "": it may nothing
		in   *browser
		out  bool // it isn't signed in
		held bool // it is suspended
	}
	var actors []actor
	for _, role := range staff.Roles {
		actors = append(actors, actor{string(role), role, d.browser(d.hire(role).Secret), false, false})
	}
	leaver := d.hire(staff.Manager)
	d.Do(func(ctx context.Context, tx *db.Tx) error {
		_, err := signin.Leave(ctx, tx, signintest.By, leaver.ID)
		return err
	})
	roleless := d.hire(staff.Manager)
	d.Do(func(ctx context.Context, tx *db.Tx) error {
		_, err := staff.Take(ctx, tx, signintest.By, roleless.ID, staff.Grant{Role: staff.Manager, Service: vaulttest.Service})
		return err
	})
	suspended := d.hire(staff.Manager)
	d.Do(func(ctx context.Context, tx *db.Tx) error { // by what nobody has reviewed in time
		now := tx.Now()
		return tx.Queue(ctx, `
			INSERT INTO broken_glass (request, service, asker, second, opened_at, review_by, reviewer, finding, bound)
			VALUES ('sa_00000000000000000000000001', $1, $2, 'st_x', $3, $3, '', '', $4)`, vaulttest.Service, suspended.ID, (*db.Time)(&now), []byte("x"))
	})
	actors = append(actors, actor{"nobody", "", d.browser(""), true, false}, actor{"who has left", "", d.browser(leaver.Secret), true, false},
		actor{"a forged cookie", "", d.browser(strings.Repeat("0", 52)), true, false}, actor{"who has no role", "", d.browser(roleless.Secret), false, false},
		actor{"who is suspended", staff.Manager, d.browser(suspended.Secret), false, true})

	all := console.Routes()
	for _, name := range slices.Concat(open, own) {
		if !slices.ContainsFunc(all, func(r console.Route) bool { return r.Pattern == name }) {
			t.Errorf("there is no route %s", name)
		}
	}
	want := func(r console.Route, a actor, fresh, over bool) string {
		switch {
		case slices.Contains(open, r.Pattern):
			return through
		case a.out || over:
			return toDoor
		case slices.Contains(grave, r.Pattern) && !fresh:
			return toAgain
		case a.held && r.Pattern == "POST /console/search":
			return isHeld
		case slices.Contains(own, r.Pattern):
			return through
		case a.role == "" || !staff.RuleOf(r.Action).Allows(a.role):
			return mayNot
		case a.held && !slices.Contains(denied, r.Pattern):
			return isHeld
		case strings.HasPrefix(r.Pattern, "POST ") && (staff.RuleOf(r.Action).Fresh || slices.Contains(slices.Concat(shows, takes), r.Pattern)) && !fresh:
			return toAgain
		}
		return through
	}
	try := func(fresh, over bool, when string) {
		for _, r := range all {
			if r.Action == "" && !slices.Contains(open, r.Pattern) && !slices.Contains(own, r.Pattern) {
				t.Errorf("%s: nothing says who may", r.Pattern)
			}
			if r.Action != "" && !slices.ContainsFunc(staff.Matrix, func(rule staff.Rule) bool { return rule.Action == r.Action }) {
				t.Errorf("%s: %s isn't in the matrix", r.Pattern, r.Action)
			}
			if r.Pattern == "POST /console/out" && !over {
				continue // last
			}
			method, path, _ := strings.Cut(r.Pattern, " ")
			path = strings.NewReplacer("{person}", "st_00000000000000000000000000", "{service}", vaulttest.Service, "{purpose}", "parent-reports", "{request}", "sa_00000000000000000000000000", "{link}", strings.Repeat("0", 52),
				"{app}", "ak_00000000000000000000000000", "{endpoint}", "wh_00000000000000000000000000", "{article}", "8", "{picture}", "consents", "{rest...}", "", "{version}", "1", "{record}", "ro_00000000000000000000000000", "{place}", "0", "{demand}", "rr_00000000000000000000000000", "{claim}", "bc_00000000000000000000000000",
				"{suspicion}", "sp_00000000000000000000000000", "{takedown}", "td_00000000000000000000000000", "{incident}", "in_00000000000000000000000000", "{stream}", "ls_00000000000000000000000000", "{rectification}", "rc_00000000000000000000000000", "{inspection}", "iv_00000000000000000000000000", "{note}", "0", "{notice}", "wn_00000000000000000000000000", "{receipt}", "1", "{year}", "2025", "{bundle}", "ev_00000000000000000000000000", "{shield}", "sh_00000000000000000000000000", "{complaint}", "rp_00000000000000000000000000", "{role}", "processor", "{party}", vaulttest.Processor, "{form}", "assessment", "{attempt}", "ve_00000000000000000000000000", "{order}", "or_00000000000000000000000000").Replace(path)
			for _, a := range actors {
				form := url.Values{}
				if method == "GET" {
					form = nil
				}
				held := a.in.cookies["__Host-wardkeep_staff"]
				w := a.in.do(method, path, form)
				if got, want := outcome(w), want(r, a, fresh, over); got != want {
					t.Errorf("%s, %s as %s: %s, want %s (%d %s)", when, r.Pattern, a.name, got, want, w.Code, w.Header().Get("Location"))
				}
				if w.Code >= 500 {
					t.Errorf("%s, %s as %s: %d", when, r.Pattern, a.name, w.Code)
				}
				if held != "" {
					a.in.cookies["__Host-wardkeep_staff"] = held
				}
				if method == "POST" { // its address, loaded
					if got := outcome(a.in.get(path)); got != through && got != want(r, a, true, over) && !(a.held && got == isHeld) {
						t.Errorf("%s, GET %s as %s: %s", when, path, a.name, got)
					}
				}
			}
		}
	}
	try(true, false, "just signed in")
	d.Pass(signin.Fresh)
	try(false, false, "five minutes later")
	for _, a := range actors {
		if got := outcome(a.in.post("/console/out")); got != map[bool]string{true: toDoor, false: through}[a.out] {
			t.Errorf("out, as %s: %s", a.name, got)
		}
	}
	for i, role := range staff.Roles { // who signed out is out
		if got := outcome(actors[i].in.get("/console")); got != toDoor {
			t.Errorf("%s signed out: %s", role, got)
		}
	}
	for i := range actors[:2] { // and whose time is over, too
		in := d.hire(staff.Manager)
		actors[i] = actor{"whose time is over", staff.Manager, d.browser(in.Secret), false, false}
	}
	actors = actors[:2]
	d.Pass(signin.Idle)
	try(false, true, "a quarter of an hour later")
}

// What the matrix has, the start page leads to: an action that is no page's, nor below one,
// would send a person to a place that isn't there.
func TestEachActionHasItsPage(t *testing.T) {
	for action, want := range map[staff.Action]string{
		staff.HandleDemands: "/console/demands", staff.DecideSuspicions: "/console/suspicions", staff.DecideTakedowns: "/console/takedowns", staff.ManageWebhooks: "/console/settings",
		staff.ManageSystem: "/console/settings/system", staff.ReviewAccess: "/console/reviews", staff.PublishCharter: "/console/charters",
	} {
		if got := console.PageOf(action); got != want {
			t.Errorf("%s is done at %q, want %q", action, got, want)
		}
	}
	for _, r := range staff.Matrix {
		if to := console.PageOf(r.Action); to == "/console" || !console.HasPage(to) {
			t.Errorf("%s has no page: %q", r.Action, to)
		}
	}
}

// Nothing answers that isn't in the table.
func TestArticle15_NothingAnswersBesideTheTable(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	handles := 0
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for range regexp.MustCompile(`\.Handle(Func)?\(`).FindAll(text, -1) {
			if name != "console.go" {
				t.Errorf("%s handles a route of its own", name)
			}
			handles++
		}
	}
	if handles != 5 { // the table, the addresses of its forms, the style, and twice that there is nothing
		t.Errorf("%d calls of Handle", handles)
	}
	each(t, func(t *testing.T, d *desk) {
		b := d.browser(d.hire(staff.Officer).Secret)
		for _, path := range []string{"/console/values", "/console/people/x/y/z", "/console/account/export", "/console//people/..", "/console/%2e%2e/"} {
			for _, method := range []string{"GET", "POST", "PUT", "DELETE", "PATCH"} {
				if w := b.do(method, path, nil); w.Code < 300 || w.Code >= 300 && w.Code < 400 && !strings.HasPrefix(w.Header().Get("Location"), "/console") {
					t.Errorf("%s %s: %d", method, path, w.Code)
				}
			}
		}
		for _, r := range console.Routes() {
			_, path, _ := strings.Cut(r.Pattern, " ")
			for _, method := range []string{"PUT", "DELETE", "PATCH"} {
				if w := b.do(method, path, nil); w.Code != http.StatusNotFound {
					t.Errorf("%s %s: %d", method, path, w.Code)
				}
			}
		}
	})
}

// docs/access.md is the matrix and the table of routes in words: `go test -update`
// writes it.
func TestArticle15_TheAccessMatrixIsWrittenDown(t *testing.T) {
	text := accessText()
	const file = "../../docs/access.md"
	if *update {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	is, err := os.ReadFile(file)
	if err != nil || string(is) != text {
		t.Errorf("docs/access.md isn't the matrix (%v): go test ./internal/console -update", err)
	}
}

func accessText() string {
	var b strings.Builder
	word := i18n.English.T
	fmt.Fprint(&b, "# Who may what\n\nWritten by `go test ./internal/console -update` from `internal/staff/matrix.go` and the table of routes of `internal/console`; a test\n"+
		"compares it, and another asks for every route as every role, as nobody, as somebody who has left, and with sessions that are\n"+
		"over or not fresh.\n\nNobody has standing access to a value about a child (Article 15): no row lets anybody read one. Who needs to see something asks,\n"+
		"and somebody else decides. What a guardian sends to prove who they are isn't kept, and waits for two persons to look at it\n"+
		"(Article 9): who judges it (`evidence.judge`) sees it marked, each look recorded before it is shown.\n\nOfficer and deputy have their role by the office that they hold, of one service, while they hold it. Manager and staff are of one\n"+
		"service. Engineer and auditor are of one service, or of every one. What runs or shows the whole installation takes the role in every\n"+
		"service that there is: `system.manage`, and `GET /console/settings/system`. **Fresh**: whoever does it has shown within 5 minutes who they are.\n"+
		"Where no route of the console stands, it is done at the server's terminal.\n\n")
	fmt.Fprint(&b, "| action |")
	for _, role := range staff.Roles {
		fmt.Fprintf(&b, " %s |", role)
	}
	fmt.Fprint(&b, " fresh | console |\n|---|")
	for range staff.Roles {
		fmt.Fprint(&b, ":-:|")
	}
	fmt.Fprint(&b, ":-:|---|\n")
	for _, r := range staff.Matrix {
		fmt.Fprintf(&b, "| %s (`%s`) |", word("console.action."+string(r.Action)), r.Action)
		for _, may := range append(slices.Clone(r.May[:]), r.Fresh) {
			fmt.Fprintf(&b, " %s |", map[bool]string{true: "●", false: " "}[may])
		}
		var at []string
		for _, route := range console.Routes() {
			if route.Action == r.Action {
				at = append(at, "`"+route.Pattern+"`")
			}
		}
		if len(at) == 0 {
			at = []string{"terminal"}
		}
		fmt.Fprintf(&b, " %s |\n", strings.Join(at, "<br>"))
	}
	fmt.Fprintf(&b, "\nFresh, too, is whoever sees what was granted, or opens it with another: `%s`. It answers by another person's decision, and by no role.\n", strings.Join(shows, "`, `"))
	fmt.Fprintf(&b, "\nFresh, too, is whoever takes a list or a file away that holds no values: `%s`. It is who may see what is in it.\n", strings.Join(takes, "`, `"))
	fmt.Fprintf(&b, "\nWhoever is signed in, with a role or without: `%s`. Fresh: `%s`.\n", strings.Join(own[len(grave):], "`, `"), strings.Join(grave, "`, `"))
	fmt.Fprintf(&b, "\nWho opened something without the office that nobody has reviewed within a day is suspended: of all this only what is of whoever is signed in is open to them, without the search; a look and a file the gate denies.\n")
	fmt.Fprintf(&b, "\nAnybody, to come in: `%s`.\n", strings.Join(open, "`, `"))
	fmt.Fprintf(&b, "\nNone of them is anybody at the desk of processors and recipients, and nobody there is one of them. Who sits for a party (Article 16) asks there,\n"+
		"for as long as the party stands or owes something still, for what is the party's alone: `%s`.\n", strings.Join(partyDesk.Routes(), "`, `"))
	return b.String()
}

// enter signs in at the door.
func (b *browser) enter(in *signintest.Insider, code string) *httptest.ResponseRecorder {
	return b.post("/console/in?lang=en", "name", in.Name, "password", in.Password, "code", code, "to", "/console/account")
}

func TestArticle15_FromTheLinkToTheSignOut(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		boss := d.browser(d.hire(staff.Officer).Secret)
		w := boss.post("/console/people?lang=en", "name", "韩梅梅", "role", "manager", "service", vaulttest.Service)
		link := regexp.MustCompile(regexp.QuoteMeta(site) + `(/console/setup/[0-9a-z]{52})`).FindStringSubmatch(w.Body.String())
		if w.Code != 200 || link == nil {
			t.Fatalf("%d: %s", w.Code, w.Body)
		}
		if again := boss.get("/console/people?lang=en"); strings.Contains(again.Body.String(), "/console/setup/") {
			t.Error("the link is shown twice")
		}
		b := d.browser("")
		page := b.get(link[1] + "?lang=en").Body.String()
		secret := regexp.MustCompile(`<code class="link">([A-Z2-7 ]+)</code>`).FindStringSubmatch(page)
		if secret == nil || !strings.Contains(page, `class="qr"`) {
			t.Fatal(page)
		}
		in := &signintest.Insider{T: t, Store: d.Store, Authenticator: strings.ReplaceAll(secret[1], " ", "")}
		w = b.post(link[1]+"?lang=en", "name", "lilou", "password", "too short", "code", in.Code())
		if w.Code != 422 || !strings.Contains(w.Body.String(), `value="lilou"`) || strings.Contains(w.Body.String(), "too short") {
			t.Errorf("a short password: %d", w.Code)
		}
		w = b.post(link[1]+"?lang=en", "name", "lilou", "password", "a sentence to remember", "code", in.Code())
		codes := regexp.MustCompile(`<li><code>([0-9a-z-]{29})</code>`).FindAllStringSubmatch(w.Body.String(), -1)
		if w.Code != 200 || len(codes) != 10 {
			t.Fatalf("%d, %d codes", w.Code, len(codes))
		}
		if w := b.get("/console?lang=en"); w.Code != 200 || !strings.Contains(w.Body.String(), i18n.English.T("console.role.manager")) {
			t.Errorf("home: %d", w.Code)
		}
		if w := d.browser("").get(link[1] + "?lang=en"); w.Code != http.StatusGone {
			t.Errorf("the link again: %d", w.Code)
		}
		secretBefore := b.cookies["__Host-wardkeep_staff"]
		b.post("/console/out")
		if len(b.cookies) != 0 {
			t.Errorf("it keeps %v", b.cookies)
		}
		if got := outcome(d.browser(secretBefore).get("/console")); got != toDoor {
			t.Errorf("the secret of before: %s", got)
		}
		in.Name, in.Password = "lilou", "a sentence to remember"
		if w := b.enter(in, codes[0][1]); w.Code != 303 || !strings.HasPrefix(w.Header().Get("Location"), "/console/account?") {
			t.Errorf("%d to %s", w.Code, w.Header().Get("Location"))
		}
		// Its letters, unlike those of many a name, stand in no id.
		if all := d.log.String(); strings.Contains(all, "lilou") || strings.Contains(all, "韩") || strings.Contains(all, link[1]) || strings.Contains(all, "sentence") {
			t.Errorf("the log says %s", all)
		}
	})
}

// A page that was sent stays the only one, also where the store then can't write down that
// its session is used.
func TestAPageIsFollowedByNoOther(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		first, second := d.browser(d.hire(staff.Manager).Secret), d.browser(d.hire(staff.Manager).Secret)
		d.Pass(2 * time.Minute)
		now := d.Store.Now()
		d.Store.Now = func() time.Time { return now }
		d.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := tx.Exec(ctx, `CREATE UNIQUE INDEX one_at_a_time ON person_session (seen_at)`)
			return err
		})
		for _, b := range []*browser{first, second} {
			if w := b.get("/console?lang=en"); w.Code != 200 || strings.Count(w.Body.String(), "</html>") != 1 {
				t.Errorf("%d %s", w.Code, w.Body)
			}
		}
		if n := strings.Count(d.log.String(), "isn't noted"); n != 1 {
			t.Errorf("the log says it %d times: %s", n, d.log)
		}
	})
}

// What a stranger is told doesn't say which part was wrong, and tries are slowed down by
// name and by address, with when to come back.
func TestArticle15_TheDoorTellsNothingAndSlowsDown(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		in := d.hire(staff.Manager)
		d.Pass(time.Minute)
		b := d.browser("")
		said := make(map[string]bool)
		for _, try := range [][3]string{{in.Name, in.Password, "000000"}, {in.Name, "wrong wrong wrong", in.Code()}, {"nobody", in.Password, in.Code()}, {"", "", ""}} {
			w := b.post("/console/in?lang=en", "name", try[0], "password", try[1], "code", try[2])
			said[fmt.Sprint(w.Code, w.Body)] = true
		}
		if len(said) != 1 {
			t.Errorf("%d different answers", len(said))
		}
		for range 5 {
			b.post("/console/in?lang=en", "name", "nobody", "password", "x", "code", "x")
		}
		w := b.post("/console/in?lang=en", "name", "nobody", "password", "x", "code", "x")
		if wait := w.Header().Get("Retry-After"); w.Code != 429 || wait == "" || len(wait) > 2 {
			t.Errorf("%d, Retry-After %q", w.Code, wait)
		}
		b.address = "192.0.2.1:1"
		slowed := false
		for range 30 {
			w := b.post("/console/in?lang=en", "name", "x", "password", "x", "code", "x")
			slowed = slowed || w.Code == 429 && strings.Contains(w.Body.String(), i18n.English.T("console.slow_down"))
		}
		if !slowed {
			t.Error("nobody slows down an address")
		}
		if s := d.browser(""); s.enter(in, in.Code()).Code != 303 {
			t.Error("and nobody else is kept out")
		}
	})
}

func TestArticle15_NoFormOfAnotherSiteDoesAnything(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		b := d.browser(d.hire(staff.Officer).Secret)
		for name, header := range map[string]http.Header{
			"another site":   {"Sec-Fetch-Site": {"cross-site"}},
			"another origin": {"Origin": {"https://evil.example"}},
			"a sub-domain":   {"Sec-Fetch-Site": {"same-site"}},
		} {
			b.header = header
			w := b.post("/console/people", "name", "朋友", "role", "manager", "service", vaulttest.Service)
			if w.Code != http.StatusForbidden || !strings.Contains(w.Body.String(), "console.elsewhere") {
				t.Errorf("%s: %d", name, w.Code)
			}
		}
		b.header = http.Header{"Sec-Fetch-Site": {"same-origin"}}
		if w := b.post("/console/people", "name", "朋友", "role", "manager", "service", vaulttest.Service); w.Code != 200 {
			t.Errorf("our own: %d", w.Code)
		}
	})
}

// A form leads on within the console, whatever it was sent.
func TestArticle15_NothingLeadsElsewhere(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		in := d.hire(staff.Manager)
		for _, to := range []string{"https://evil.example", "//evil.example", "/\\evil.example", "/console/../../x", "/console//evil.example", "/consoles", "/console?x=y", "/home", "javascript:alert(1)", "", "/console/{person}"} {
			b := d.browser(in.Secret)
			w := b.get("/console/in?lang=en&to=" + url.QueryEscape(to))
			if got := w.Header().Get("Location"); got != "/console?lang=en" {
				t.Errorf("%q leads to %q", to, got)
			}
		}
	})
}

// Roles, resets and leavers through the pages: what the matrix doesn't let, the pages
// don't do, and what is wrong they say.
func TestArticle15_ThePagesOfPeople(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		in, colleague, auditor := d.hire(staff.Officer), d.hire(staff.Worker), d.hire(staff.Auditor)
		boss := d.browser(in.Secret)
		at := "/console/people/" + colleague.ID
		for name, c := range map[string]struct {
			path  string
			pairs []string
			want  int
		}{
			"a role":                         {at + "/give", []string{"role", "manager", "service", vaulttest.Service}, 303},
			"the same again":                 {at + "/give", []string{"role", "manager", "service", vaulttest.Service}, 409},
			"a role of every service":        {at + "/give", []string{"role", "auditor"}, 403},
			"an office":                      {at + "/give", []string{"role", "officer", "service", vaulttest.Service}, 422},
			"no role":                        {at + "/give", nil, 403},
			"another service":                {at + "/give", []string{"role", "manager", "service", "another"}, 403},
			"oneself":                        {"/console/people/" + in.ID + "/give", []string{"role", "manager", "service", vaulttest.Service}, 403},
			"oneself leaves":                 {"/console/people/" + in.ID + "/left", nil, 403},
			"nobody":                         {"/console/people/st_x/give", []string{"role", "manager", "service", vaulttest.Service}, 404},
			"a role that wasn't given":       {at + "/take", []string{"role", "engineer", "service", vaulttest.Service}, 409},
			"an account without a name":      {"/console/people", []string{"name", " ", "role", "manager", "service", vaulttest.Service}, 422},
			"an account of another role":     {"/console/people", []string{"name", "x", "role", "king", "service", vaulttest.Service}, 422},
			"an account of somebody nowhere": {"/console/people", []string{"name", "x", "role", "manager", "service", vaulttest.Service, "country", "Singapore"}, 422},
			"abroad":                         {at + "/locate", []string{"country", "sg"}, 303},
			"nowhere":                        {at + "/locate", []string{"country", "XX"}, 422},
			"oneself abroad":                 {"/console/people/" + in.ID + "/locate", []string{"country", "SG"}, 403},
		} {
			if name == "the same again" {
				boss.post(c.path, c.pairs...)
			}
			if w := boss.post(c.path, c.pairs...); w.Code != c.want && !(name == "a role" && w.Code == 409) {
				t.Errorf("%s: %d, want %d", name, w.Code, c.want)
			}
		}
		if page := boss.get(at + "?lang=en").Body.String(); !strings.Contains(page, "Singapore") {
			t.Error("it isn't said where somebody sits")
		}
		if w := boss.post("/console/people", "name", "新人", "role", "manager", "service", vaulttest.Service, "country", "HK"); w.Code != 200 {
			t.Errorf("somebody abroad is invited: %d", w.Code)
		}
		d.Do(func(ctx context.Context, tx *db.Tx) error {
			all, err := staff.List(ctx, tx)
			if i := slices.IndexFunc(all, func(p staff.Person) bool { return p.Name == "新人" }); i < 0 || all[i].Country != "HK" {
				t.Error("who was invited abroad isn't there")
			}
			return err
		})
		if w := boss.post(at + "/confirm"); w.Code != 409 {
			t.Errorf("who gave the role confirms it: %d", w.Code)
		}
		other := d.hire(staff.Deputy)
		if w := d.browser(other.Secret).get(at + "?lang=en"); !strings.Contains(w.Body.String(), at+"/confirm") {
			t.Error("the deputy has no button")
		}
		if w := d.browser(other.Secret).post(at + "/confirm"); w.Code != 303 {
			t.Errorf("the deputy confirms: %d", w.Code)
		}
		if w := boss.post("/console/people/" + other.ID + "/reset"); w.Code != 403 {
			t.Errorf("an officer resets the deputy: %d", w.Code)
		}
		w := boss.post(at + "/reset?lang=en")
		if w.Code != 200 || !strings.Contains(w.Body.String(), site+"/console/setup/") {
			t.Errorf("reset: %d", w.Code)
		}
		if got := outcome(d.browser(colleague.Secret).get("/console")); got != toDoor {
			t.Errorf("who was reset: %s", got)
		}
		if w := boss.post(at + "/left"); w.Code != 303 {
			t.Errorf("left: %d", w.Code)
		}
		if w := boss.get(at); w.Code != 404 { // with the roles went the service in which it could be seen
			t.Errorf("who has left: %d", w.Code)
		}
		// Who holds a role of every service holds it in this one, and its officer sees that.
		everywhere := signintest.Hire(t, d.Store, d.console.Door(), "审计", staff.Grant{Role: staff.Auditor})
		if page := boss.get("/console/people?lang=en").Body.String(); !strings.Contains(page, everywhere.ID) {
			t.Error("an officer doesn't see an auditor of every service")
		}
		if w := boss.post("/console/people/" + everywhere.ID + "/left"); w.Code != 403 {
			t.Errorf("an officer ends an account of every service: %d", w.Code)
		}
		page := d.browser(auditor.Secret).get("/console/people?lang=en").Body.String()
		if !strings.Contains(page, in.ID) || strings.Contains(page, `action="/console/people?`) {
			t.Error("an auditor sees, and has no form")
		}
	})
}

// missed reads the entries of tries that failed, in their order.
func (d *desk) missed() (all []signin.TriedBody) {
	d.T.Helper()
	d.Do(func(ctx context.Context, tx *db.Tx) error {
		all = nil
		return ledger.Pending(ctx, tx, func(p ledger.Placed) error {
			if p.Kind != signin.KindFailed {
				return nil
			}
			var body signin.TriedBody
			err := json.Unmarshal(p.Body, &body)
			all = append(all, body)
			return err
		})
	})
	return all
}

// Article 15: a passkey of somebody inside that opens nothing is a try to be that person, and
// in the ledger as a wrong code is, so many times that nobody fills it; nobody is shut out by
// it. A device that isn't known names nobody.
func TestArticle15_APasskeyThatIsRefusedIsInTheLedger(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		in, second := d.hire(staff.Manager), d.hire(staff.Worker)
		b, other := d.browser(in.Secret), d.browser(second.Secret)
		phone, theirs, strange := &sessiontest.Device{T: t}, &sessiontest.Device{T: t}, &sessiontest.Device{T: t}
		for device, by := range map[*sessiontest.Device]*browser{phone: b, theirs: other} {
			if w := by.post("/console/account/passkeys", "answer", string(device.Make(by.post("/console/account/passkeys/offer").Body.Bytes()))); w.Code != 303 {
				t.Fatalf("added: %d", w.Code)
			}
		}
		strange.Make(b.post("/console/account/passkeys/offer").Body.Bytes()) // and nobody heard of it
		n := 0
		shows := func(what string, by *browser, at string, device *sessiontest.Device, code, entries int) {
			t.Helper()
			n++
			by.address = fmt.Sprintf("192.0.2.%d:1", n) // each has few tries
			before := len(d.missed())
			answer := string(device.Show(by.post(at + "/ask").Body.Bytes()))
			if w := by.post(at+"/passkey", "answer", answer); w.Code != code {
				t.Errorf("%s: %d", what, w.Code)
			}
			if got := len(d.missed()) - before; got != entries {
				t.Errorf("%s: %d entries, want %d", what, got, entries)
			}
		}
		phone.Unverified = true
		shows("nobody looked who holds it", d.browser(""), "/console/in", phone, 403, 1)
		all := d.missed()
		if last := all[len(all)-1]; last.Person != in.ID || !strings.HasPrefix(last.Passkey, "sk_") {
			t.Errorf("it says %+v", last)
		}
		shows("a device that isn't known", d.browser(""), "/console/in", strange, 403, 0)
		shows("once more who it is", b, "/console/again", phone, 403, 1)
		phone.Unverified = false
		shows("somebody else's, in the session of this one", b, "/console/again", theirs, 403, 1)
		all = d.missed()
		if last := all[len(all)-1]; last.Person != in.ID || last.Passkey != "" {
			t.Errorf("it says %+v", last)
		}
		phone.Forged = true
		shows("signed by another", d.browser(""), "/console/in", phone, 403, 1)
		shows("the fifth", d.browser(""), "/console/in", phone, 403, 1)
		shows("the sixth, which comes too soon to be told", d.browser(""), "/console/in", phone, 403, 0)
		phone.Forged = false
		shows("the right one, all the same", d.browser(""), "/console/in", phone, 303, 0)
		d.Pass(time.Minute)
		phone.Forged = true
		shows("a minute later", d.browser(""), "/console/in", phone, 403, 1)
		d.replays()
	})
}

func TestArticle15_APasskeyThroughThePages(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		in := d.hire(staff.Manager)
		b, phone := d.browser(in.Secret), &sessiontest.Device{T: t}
		options := b.post("/console/account/passkeys/offer").Body.Bytes()
		if w := b.post("/console/account/passkeys", "answer", string(phone.Make(options))); w.Code != 303 {
			t.Fatalf("added: %d", w.Code)
		}
		other := d.browser("")
		options = other.post("/console/in/ask").Body.Bytes()
		if w := other.post("/console/in/passkey", "answer", string(phone.Show(options)), "to", "/console/account"); w.Code != 303 {
			t.Fatalf("in: %d", w.Code)
		}
		d.Pass(signin.Fresh)
		if w := other.post("/console/account/passkeys/remove", "passkey", "x"); outcome(w) != toAgain {
			t.Errorf("not fresh: %d", w.Code)
		}
		if w := other.post("/console/account/renew"); outcome(w) != toAgain {
			t.Errorf("renewed, not fresh: %d", w.Code)
		}
		options = other.post("/console/again/ask").Body.Bytes()
		kept, wrong, slowed := other.cookies["__Host-wardkeep_staff_passkey"], 0, false
		other.address = "192.0.2.7:1"
		for range 40 { // as often as at the door, and no more
			w := other.post("/console/again/passkey", "answer", "{}")
			if w.Code == 403 {
				wrong++
			}
			slowed = slowed || w.Code == 429
		}
		if wrong == 0 || !slowed {
			t.Errorf("%d were looked at, slowed: %v", wrong, slowed)
		}
		other.address, other.cookies["__Host-wardkeep_staff_passkey"] = "127.0.0.1:1", kept
		former := other.cookies["__Host-wardkeep_staff"]
		if w := other.post("/console/again/passkey", "answer", string(phone.Show(options)), "to", "/console/account"); w.Code != 303 {
			t.Fatalf("again: %d", w.Code)
		}
		if other.cookies["__Host-wardkeep_staff"] == former {
			t.Error("the secret is the same")
		}
		if w := other.post("/console/account/renew"); !strings.HasPrefix(w.Header().Get("Location"), "/console/setup/") {
			t.Errorf("renewed: %s", w.Header().Get("Location"))
		}
		d.console.URL = "http://10.0.0.1:8080" // where no browser makes one
		d.pages = d.console.Handler()
		if w := d.browser("").post("/console/in/ask"); w.Code != 404 {
			t.Errorf("asked without a site: %d", w.Code)
		}
	})
}

var (
	shown   = regexp.MustCompile(`(?s)<style.*?</style>|<[^>]*>`)
	loads   = regexp.MustCompile(`(?:src|href|action|data-ask)="([^"]*)"`)
	allowed = regexp.MustCompile(`^(/console|/rules/|/static/|\?lang=|data:,$)`)
)

// Every page in both languages: words and no keys, nothing from elsewhere, nothing kept.
func TestPages(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		in := d.hire(staff.Officer)
		var link string
		invited := d.hireOutside()
		d.Do(func(ctx context.Context, tx *db.Tx) (err error) {
			link, _, err = d.console.Door().Invite(ctx, tx, signintest.By, invited.ID)
			return err
		})
		boss, nobody := d.browser(in.Secret), d.browser("")
		suspected, waits := d.suspect("user-20417"), d.paper(scanned(t))
		if w := boss.post(suspected + "/take"); w.Code != http.StatusSeeOther {
			t.Fatalf("taken: %d", w.Code)
		}
		for _, lang := range i18n.Langs {
			for _, p := range []struct {
				by   *browser
				path string
			}{
				{nobody, "/console/in"}, {nobody, "/console/setup/" + link}, {nobody, "/console/setup/x"}, {nobody, "/console/nowhere"}, {nobody, "/console/in/provider/back"},
				{boss, "/console/access"}, {boss, "/console/access/new"}, {boss, "/console/access/new/" + vaulttest.Service + "/parent-reports"}, {boss, "/console/decisions"},
				{boss, "/console/settings"}, {boss, "/console/settings/system"}, {boss, settingsPath},
				{boss, "/console/charters"}, {boss, "/console/charters/" + vaulttest.Service}, {boss, "/console/charters/" + vaulttest.Service + "/new"}, {boss, "/console/charters/" + vaulttest.Service + "/1"}, {boss, "/console/register"}, {boss, registerAt}, {boss, "/console/borders"}, {boss, "/console/offices"}, {boss, "/console/offices/" + vaulttest.Service},
				{boss, "/console"}, {boss, "/console/account"}, {boss, "/console/again"}, {boss, "/console/people"}, {boss, "/console/people/" + in.ID},
				{boss, "/console/suspicions"}, {boss, suspected}, {boss, "/console/evidence"}, {boss, waits},
				{boss, "/console/due"}, {boss, "/console/board"}, {boss, "/console/board/8"}, {boss, "/console/board/12"}, {boss, "/console/pictures"},
			} {
				w := p.by.get(p.path + "?lang=" + string(lang))
				body := w.Body.String()
				text := shown.ReplaceAllString(body, " ")
				if !strings.Contains(body, `<html lang="`+string(lang)+`">`) || strings.Contains(text, "{{") || strings.Contains(text, "<no value>") ||
					regexp.MustCompile(`\b(console|staff|signin|web)\.[a-z]+[._][a-z_.]+`).MatchString(strings.ReplaceAll(text, "console.no_page", "")) && w.Code == 200 {
					t.Errorf("%s %s: %s", lang, p.path, text)
				}
				for _, m := range loads.FindAllStringSubmatch(body, -1) {
					if !allowed.MatchString(m[1]) {
						t.Errorf("%s %s: leads to %q", lang, p.path, m[1])
					}
				}
				if h := w.Header(); h.Get("Cache-Control") != "no-store" || !strings.HasPrefix(h.Get("Content-Security-Policy"), "default-src 'none'") ||
					strings.Contains(h.Get("Content-Security-Policy"), "unsafe") || h.Get("Referrer-Policy") != "no-referrer" {
					t.Errorf("%s %s: %v", lang, p.path, h)
				}
				// ASVS 7.4.4: who is signed in can sign out, wherever it is.
				if p.by == boss != strings.Contains(body, `<form method="post" action="/console/out?`) {
					t.Errorf("%s %s: one can't sign out, or nobody is signed in", lang, p.path)
				}
				// The keys are on each page, and ? shows them: who is signed in is led to the list without a script, too.
				if p.by == boss != (strings.Contains(body, `<script src="/console/static/keys.js" defer>`) && strings.Contains(body, "data-keys-page") && strings.Contains(w.Header().Get("Content-Security-Policy"), "script-src 'self'")) {
					t.Errorf("%s %s: the keys aren't there, or nobody has them", lang, p.path)
				}
				if strings.Contains(body, "<script>") || strings.Contains(body, " style=") || strings.Contains(body, " onclick") {
					t.Errorf("%s %s: script or style in the page", lang, p.path)
				}
			}
			for _, r := range staff.Matrix {
				if !lang.Has("console.action." + string(r.Action)) {
					t.Errorf("%s has no words for %s", lang, r.Action)
				}
			}
			for _, role := range staff.Roles {
				if !lang.Has("console.role." + string(role)) {
					t.Errorf("%s has no words for %s", lang, role)
				}
			}
			for _, way := range []signin.Way{signin.ByPassword, signin.ByRecovery, signin.ByPasskey, signin.ByProvider, signin.BySetUp} {
				if !lang.Has("console.way." + string(way)) {
					t.Errorf("%s has no words for %s", lang, way)
				}
			}
		}
	})
}

// hireOutside makes an account that isn't set up.
func (d *desk) hireOutside() (p staff.Person) {
	d.T.Helper()
	d.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		p, err = staff.Add(ctx, tx, signintest.By, "新人", staff.Grant{Role: staff.Worker, Service: vaulttest.Service})
		return err
	})
	return p
}

// Setting up wrongly costs one try and not two: an office of ten people behind one address
// can make mistakes.
func TestArticle15_AMistakeInSettingUpIsOneTry(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		var link string
		invited := d.hireOutside()
		d.Do(func(ctx context.Context, tx *db.Tx) (err error) {
			link, _, err = d.console.Door().Invite(ctx, tx, signintest.By, invited.ID)
			return err
		})
		b := d.browser("")
		b.address = "192.0.2.8:1"
		n := 0
		for b.post("/console/setup/"+link, "name", "lilou", "password", "short", "code", "000000").Code == 422 {
			n++
		}
		if n < 20 {
			t.Errorf("%d mistakes", n)
		}
	})
}

// However far a try comes, it is refused after the same time: neither the password, nor
// whether somebody has the name, can be told by it.
func TestArticle15_ARefusalTakesItsTimeWhateverIsWrong(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		in := d.hire(staff.Manager)
		d.Pass(time.Minute)
		const due = 200 * time.Millisecond // longer than anything that is done meanwhile
		d.console.Refuses(due)
		b := d.browser("")
		for name, try := range map[string][3]string{
			"a wrong code": {in.Name, in.Password, "000000"}, "a wrong password": {in.Name, "wrong wrong wrong", in.Code()}, "nobody": {"nobody", in.Password, in.Code()},
		} {
			since := time.Now()
			if w := b.post("/console/in", "name", try[0], "password", try[1], "code", try[2]); w.Code != 403 {
				t.Errorf("%s: %d", name, w.Code)
			}
			if took := time.Since(since); took < due {
				t.Errorf("%s is refused after %v", name, took)
			}
		}
		if since := time.Now(); b.enter(in, in.Code()).Code != 303 || time.Since(since) > 10*due {
			t.Error("who is right waits, too")
		}
	})
}

// ASVS 6.2.6 and 6.2.7: a password isn't shown while it is typed, may be pasted, and may be
// kept by a manager.
func TestASVS_6_2_PasswordsAreTypedAsTheyShould(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		in := d.hire(staff.Manager)
		var link string
		invited := d.hireOutside()
		d.Do(func(ctx context.Context, tx *db.Tx) (err error) {
			link, _, err = d.console.Door().Invite(ctx, tx, signintest.By, invited.ID)
			return err
		})
		for path, b := range map[string]*browser{"/console/in": d.browser(""), "/console/again": d.browser(in.Secret), "/console/setup/" + link: d.browser("")} {
			page := b.get(path).Body.String()
			field := regexp.MustCompile(`<input[^>]*name="password"[^>]*>`).FindString(page)
			if !strings.Contains(field, `type="password"`) || !regexp.MustCompile(`autocomplete="(current|new)-password"`).MatchString(field) ||
				!strings.Contains(field, `maxlength="256"`) || strings.Contains(page, "onpaste") {
				t.Errorf("%s: %s", path, field)
			}
		}
	})
}

// Whom one sees is narrowed by role and service, in the address, in what is kept of it, and in the file.
func TestPeopleAreNarrowedByRoleAndService(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		boss, engineer, worker := d.browser(d.hire(staff.Officer).Secret), d.hire(staff.Engineer), d.hire(staff.Worker)
		everywhere := signintest.Hire(t, d.Store, d.console.Door(), "审计", staff.Grant{Role: staff.Auditor})
		for query, want := range map[string][]string{
			"":              {engineer.ID, worker.ID, everywhere.ID},
			"role=engineer": {engineer.ID},
			"service=" + vaulttest.Service + "&role=staff": {worker.ID},
			"service=" + vaulttest.Service:                 {engineer.ID, worker.ID, everywhere.ID},
			"service=another":                              {everywhere.ID},
			"role=king":                                    nil,
		} {
			page := boss.get("/console/people?lang=en&" + query).Body.String()
			for _, one := range []string{engineer.ID, worker.ID, everywhere.ID} {
				if strings.Contains(page, one) != slices.Contains(want, one) {
					t.Errorf("%q shows %s: %v", query, one, !slices.Contains(want, one))
				}
			}
		}
		if w := boss.post("/console/filters", "list", "people", "name", "谁修系统", "filter", "role=engineer"); w.Code != 303 || !strings.Contains(boss.get("/console/people").Body.String(), "谁修系统") {
			t.Errorf("kept: %d", w.Code)
		}
		file := boss.post("/console/people/csv", "filter", "role=engineer").Body.String()
		if !strings.Contains(file, engineer.ID) || strings.Contains(file, worker.ID) {
			t.Error(file)
		}
	})
}
