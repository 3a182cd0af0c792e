package console_test

import (
	"context"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"wardkeep/internal/account"
	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/base/workday"
	"wardkeep/internal/catalog"
	"wardkeep/internal/catalog/catalogtest"
	"wardkeep/internal/console"
	"wardkeep/internal/family"
	"wardkeep/internal/family/age"
	"wardkeep/internal/gate"
	"wardkeep/internal/incident"
	"wardkeep/internal/inspection"
	"wardkeep/internal/ledger"
	"wardkeep/internal/order"
	"wardkeep/internal/passkey"
	"wardkeep/internal/rights"
	"wardkeep/internal/session"
	"wardkeep/internal/shield"
	"wardkeep/internal/signin"
	"wardkeep/internal/signin/signintest"
	"wardkeep/internal/staff"
	"wardkeep/internal/vault/vaulttest"
	"wardkeep/internal/warning"
	"wardkeep/internal/webhook"
)

const anotherService = "another"

// neighbours are people inside of another service, in every role that there is of one.
func (d *desk) neighbours() map[string]*browser {
	d.T.Helper()
	c := *d.Charter
	c.Service = anotherService
	var held map[staff.Role]catalog.Officer
	d.Do(func(ctx context.Context, tx *db.Tx) error {
		held = make(map[staff.Role]catalog.Officer)
		_, _, err := catalog.Create(ctx, tx, signintest.By, anotherService, catalog.Test)
		for role, name := range map[staff.Role]string{staff.Officer: "赵敏", staff.Deputy: "王芳"} {
			if err == nil {
				held[role], _, err = catalog.Appoint(ctx, tx, signintest.By, anotherService, catalog.Role(role), name, name+"@another.example")
			}
		}
		if err != nil {
			return err
		}
		draft, _, err := catalog.Propose(ctx, tx, d.Ring, signintest.By, &c, nil)
		if err == nil {
			_, _, err = catalogtest.Publish(ctx, tx, d.Ring, held[staff.Officer], anotherService, draft.Number)
		}
		return err
	})
	all := make(map[string]*browser)
	for _, role := range staff.Roles {
		g := staff.Grant{Role: role, Service: anotherService}
		if role.ByOffice() {
			d.Do(func(ctx context.Context, tx *db.Tx) (err error) {
				g, err = staff.OfOffice(ctx, tx, anotherService, held[role].ID)
				return err
			})
		}
		all[string(role)] = d.browser(signintest.Hire(d.T, d.Store, d.console.Door(), "邻居"+string(role), g).Secret)
	}
	return all
}

// strangers are who is let in elsewhere: an app, and a guardian of the child.
func (d *desk) strangers() map[string]*browser {
	d.T.Helper()
	app := d.browser("")
	app.header.Set("Authorization", "Bearer "+d.Key)
	door := session.Door{Ring: d.Ring, Site: passkey.NewSite("https://home.example")}
	h, err := family.ParseHandle(d.Ring, pii.New("13800000000"))
	if err != nil {
		d.T.Fatal(err)
	}
	var secret string
	kept := id.Secret(32)
	d.Do(func(ctx context.Context, tx *db.Tx) error {
		code, err := door.SendCode(ctx, tx, kept, h)
		if err == nil {
			_, secret, err = door.Enter(ctx, tx, kept, "", code.Code)
		}
		return err
	})
	guardian := d.browser(secret)
	guardian.cookies["__Host-wardkeep_home"] = secret
	return map[string]*browser{"an app": app, "a guardian": guardian}
}

// The belongings of a service are names that are real, and what must not change.
type belongings struct {
	*bureau
	person, proposed, record, app, hook          string // ids, and the number of a version
	open, window, urgent, broken, file, proposal string // paths, as those of
	suspicion, content, paper, demand, birth     string
	shield, incident, notice, report, righted    string
	stream                                       string // a path
	inspection                                   string // "iv_…"
	order                                        string // to the processor
}

func (b *bureau) belongings() belongings {
	b.T.Helper()
	all := belongings{bureau: b, person: b.second.ID}
	builds := b.browser(b.hire(staff.Engineer).Secret)
	all.proposal = builds.proposes(written(b.T.(*testing.T), "xiaoxi-english-v2", asIs))
	all.proposed = lastOf(all.proposal)
	training := sheet{values: map[string]string{"officer": b.Officer.ID, "kind": "training", "day": "2026-01-05", "title": "培训"}, files: map[string]upload{"document": {"a.pdf", letter}}}
	if w := b.boss.sends(officeAt+"/records", training); w.Code != http.StatusSeeOther {
		b.T.Fatalf("recorded: %d", w.Code)
	}
	to, err := webhook.ParseAddress("https://hooks.xiaoxi-english.example/in", nil)
	if err != nil {
		b.T.Fatal(err)
	}
	b.Do(func(ctx context.Context, tx *db.Tx) error {
		e, _, _, err := webhook.Add(ctx, tx, b.Ring, signintest.By, vaulttest.Service, to, nil, "")
		if err != nil {
			return err
		}
		a, _, _, err := account.IssueApp(ctx, tx, signintest.By, vaulttest.Service, "app", account.AllScopes(), time.Time{})
		if err != nil {
			return err
		}
		all.hook, all.app = e.ID, a.ID
		all.record, err = db.One(ctx, tx, db.Single[string], `SELECT id FROM officer_record ORDER BY added_at DESC, id LIMIT 1`)
		return err
	})
	all.open, all.window, all.urgent, all.broken, all.file = b.asked(b.asks), b.granted(b.asks), b.urged(b.asks), b.urged(b.asks), b.wants(b.asks)
	all.content = b.harmful("post-20417")
	all.suspicion, all.paper = b.suspect("user-20417"), b.paper(scanned(b.T.(*testing.T)))
	b.console.Calendar = workday.Default()
	all.demand = at((&counter{office: b.office, guardian: b.Guardian(b.child)}).came(rights.Correct, rights.BirthDate, "出生日期不对"))
	guardian := b.Guardian(b.child).ID
	b.Do(func(ctx context.Context, tx *db.Tx) error {
		claim, _, err := rights.Desk{Ring: b.Ring, Charters: b.Desk.Charters}.ClaimOlder(ctx, tx, b.Officer, b.child,
			rights.Seen{Paper: rights.Passport, Number: pii.New("E12345678"), Birth: age.Birth{Year: 2015, Month: 3, Day: 2}})
		all.birth = claim.ID
		if err != nil {
			return err
		}
		hidden, _, err := shield.Ask(ctx, tx, b.Ring, workday.Default(), staff.Acting{Person: b.officer.Session.Person, Action: staff.AskShield}, vaulttest.Service, b.child.ID,
			shield.Asking{Guardian: guardian, Reason: shield.Abuse, Days: 30, Text: pii.New("老师报告")})
		if all.shield = hidden.ID; err != nil {
			return err
		}
		leak, _, err := incident.Desk{Ring: b.Ring, Charters: b.Desk.Charters}.Open(ctx, tx, b.Officer, vaulttest.Service,
			incident.Report{Kind: incident.Leaked, NoticedAt: tx.Now(), Words: pii.New("名单可以公开访问")})
		all.incident = leak.ID
		if err != nil {
			return err
		}
		told, _, err := warning.Draft(ctx, tx, b.Ring, staff.Acting{Person: b.officer.Session.Person, Action: staff.WriteIncidents}, vaulttest.Service, leak.ID, "", true,
			warning.Text{Reason: "没有涉及任何孩子"})
		if all.notice = told.ID; err != nil {
			return err
		}
		if err := toldOf(ctx, tx, b, leak.ID); err != nil {
			return err
		}
		all.report, err = reported(ctx, tx, b.Ring, "周女士说孩子被录音")
		return err
	})
	all.righted = b.records(b.boss, "/console/rectifications/new", "what", "item", "source", "own")
	if w := b.boss.sends(all.righted+"/prove", b.proof()); w.Code != http.StatusSeeOther {
		b.T.Fatalf("proved: %d", w.Code)
	}
	all.order = b.orders(b.Child())[0].ID
	all.stream = b.streamed(b.boss)
	b.Do(func(ctx context.Context, tx *db.Tx) error {
		i, _, err := inspection.Invite(ctx, tx, b.Ring, staff.Acting{Person: b.officer.Session.Person, Action: staff.InviteInspectors}, vaulttest.Service, inspection.Scope{}, 10,
			inspection.NewText("赵督", "某市网信办", "第二十二条", "网信检〔2026〕3号"))
		all.inspection = i.ID
		return err
	})
	b.agrees(b.boss, all.file)
	b.agrees(b.vice, all.file)
	if w := b.other.post(all.broken + "/join"); w.Code != http.StatusSeeOther {
		b.T.Fatalf("joined: %d %s", w.Code, w.Body)
	}
	return all
}

// names are what no page of somebody else's says.
func (b belongings) names() []string {
	names := []string{b.ref, string(b.child.ID), b.person, b.worker.ID, b.officer.ID, b.record, b.app, b.hook, nickname, remarks}
	for _, path := range []string{b.open, b.window, b.urgent, b.broken, b.file} {
		names = append(names, lastOf(path), b.request(path).Number)
	}
	return append(names, lastOf(b.suspicion), lastOf(b.content), lastOf(b.paper), lastOf(b.demand), b.birth, b.shield, b.incident, b.notice, lastOf(b.righted), b.report, b.order, lastOf(b.stream), b.inspection)
}

// address is that of a route, about what is really there.
func (b belongings) address(pattern string) string {
	request := map[string]string{"/view": b.window, "/join": b.urgent, "/export": b.file, "/reviews/{service}/{request}": b.broken}
	at := b.open
	for end, path := range request {
		if strings.HasSuffix(pattern, end) {
			at = path
		}
	}
	real := map[string]string{"{service}": vaulttest.Service, "{purpose}": purpose, "{person}": b.person, "{request}": lastOf(at),
		"{version}": b.proposed, "{record}": b.record, "{app}": b.app, "{endpoint}": b.hook, "{suspicion}": lastOf(b.suspicion), "{takedown}": lastOf(b.content), "{stream}": lastOf(b.stream), "{incident}": b.incident, "{rectification}": lastOf(b.righted), "{inspection}": b.inspection, "{note}": "1", "{notice}": b.notice, "{receipt}": "1", "{year}": "2025", "{bundle}": "ev_00000000000000000000000000", "{shield}": b.shield, "{complaint}": b.report, "{role}": "processor", "{party}": vaulttest.Processor, "{form}": "mechanism", "{attempt}": lastOf(b.paper), "{demand}": lastOf(b.demand), "{claim}": b.birth, "{order}": b.order, "{article}": "15", "{picture}": "consents", "{place}": "1", "{rest...}": "jobs"}
	_, path, _ := strings.Cut(pattern, " ")
	return inBraces.ReplaceAllStringFunc(path, func(name string) string {
		if real[name] == "" {
			b.T.Errorf("%s: there is nothing real that is called %s", pattern, name)
		}
		return real[name]
	})
}

var inBraces = regexp.MustCompile(`\{[a-z.]+\}`)

// form is what its own people would send there.
func (b belongings) form(pattern, hash string) url.Values {
	of := func(pairs ...string) url.Values {
		form := url.Values{}
		for i := 0; i+1 < len(pairs); i += 2 {
			form.Add(pairs[i], pairs[i+1])
		}
		return form
	}
	switch _, path, _ := strings.Cut(pattern, " "); {
	case strings.HasPrefix(path, "/console/access/new/"):
		return b.asking()
	case strings.HasPrefix(path, "/console/urgent/new/"):
		return b.urges()
	case strings.HasPrefix(path, "/console/exports/new/"):
		return b.files()
	case strings.HasPrefix(path, "/console/legal/new/"):
		return b.lawful()
	case strings.HasPrefix(path, "/console/rescue/new/"):
		return b.rescues()
	case path == "/console/evidence/{service}/{attempt}/view":
		return item("document")
	case strings.HasSuffix(path, "/view"):
		return item("nickname")
	case path == "/console/incidents/new":
		return of("service", vaulttest.Service, "kind", "lost", "words", "硬盘丢失")
	case path == "/console/incidents/{service}/{incident}/note":
		return of("step", "remedy", "words", "已经关闭")
	case path == "/console/incidents/{service}/{incident}/tick":
		return of("step", "0")
	case path == "/console/incidents/{service}/{incident}/contain":
		return of("step", "frozen", "ref", "nobody", "words", "已经冻结")
	case path == "/console/offices/{service}/plan":
		return of("steps", "15 | 负责人 | 关闭", "contacts", "网信办 | 电话")
	case path == "/console/incidents/{service}/{incident}/grade":
		return of("grade", "minor", "words", "没有人看到")
	case path == "/console/incidents/{service}/{incident}/reach/add":
		return of("by", "service")
	case path == "/console/incidents/{service}/{incident}/close":
		return of("outcome", "unfounded", "words", "没有涉及")
	case path == "/console/incidents/{service}/{incident}/authority/draft":
		return of("kind", "more", "to", "某市网信办")
	case path == "/console/incidents/{service}/{incident}/authority/{note}/send":
		return of("channel", "fax")
	case path == "/console/incidents/{service}/{incident}/authority/{note}/answer":
		return of("ref", "2026-1")
	case path == "/console/incidents/{service}/{incident}/notices/draft":
		return of("withheld", "1", "reason", "没有涉及")
	case path == "/console/incidents/{service}/{incident}/notices/{notice}/confirm":
		return of("version", "1")
	case path == "/console/incidents/{service}/{incident}/notices/{notice}/sheet":
		return of("state", "call")
	case strings.HasSuffix(path, "/words"):
		return item("note")
	case strings.HasSuffix(path, "/extend"), path == "/console/demands/{service}/{demand}/refuse":
		return of("reason", "complex", "words", "好")
	case strings.HasSuffix(path, "/help"):
		return of("party", "processor "+vaulttest.Processor)
	case strings.HasSuffix(path, "/older"), path == "/console/births/{service}/{claim}/approve":
		return of("paper", "passport", "number", "E12345678", "birth", "2015-03-02")
	case path == "/console/evidence/{service}/{attempt}/refuse":
		return of("flaw", "unreadable")
	case path == "/console/suspicions/new":
		return of("service", vaulttest.Service, "ref", "user-20418", "source", "parent")
	case path == "/console/suspicions/{service}/{suspicion}/hand":
		return of("to", b.officer.ID)
	case path == "/console/suspicions/{service}/{suspicion}/decide":
		return of("outcome", "not_a_child", "basis", "document_seen")
	case path == "/console/parties/{service}/{role}/{party}/suspend":
		return of("reason", "incident")
	case path == "/console/parties/{service}/{role}/{party}/keys":
		return of("public", "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=")
	case path == "/console/parties/{service}/{role}/{party}/keys/revoke":
		return of("key", "kp_00000000000000000000000001")
	case path == "/console/parties/{service}/{role}/{party}/seats":
		return of("name", "周舟")
	case path == "/console/parties/{service}/{role}/{party}/seats/take":
		return of("seat", "ps_00000000000000000000000000")
	case path == "/console/parties/{service}/{role}/{party}/declare":
		return of("subs", "另一家公司")
	case strings.HasPrefix(path, "/console/reports/{service}/"):
		if strings.HasSuffix(path, "/dismiss") {
			return of("outcome", "repeated")
		}
		return of("outcome", "founded", "words", "好", "file", "0", "case", "7K2M-9QXT")
	case path == "/console/shields/new":
		return of("service", vaulttest.Service, "ref", "user-20418")
	case path == "/console/streams/{service}/{stream}/cover":
		return of("purpose", purpose)
	case path == "/console/takedowns/new":
		return of("service", vaulttest.Service, "ref", "post-20418", "harm", "picture", "source", "user")
	case strings.HasPrefix(path, "/console/yearly/"):
		return of("dated", b.dayIn(0), "authority", "某市网信办")
	case strings.HasPrefix(path, "/console/rectifications/"):
		return of("service", vaulttest.Service, "what", "item", "source", "own", "words", "好", "due", b.dayIn(9), "to", b.officer.ID)
	case path == "/console/inspections/new":
		return of("service", vaulttest.Service, "inspector", "赵督", "authority", "某市网信办", "provision", "第二十二条", "document", "3号", "days", "3")
	case path == "/console/takedowns/{service}/{takedown}/decide":
		return of("outcome", "stays", "ground", "no_child")
	case strings.HasSuffix(path, "/give"), strings.HasSuffix(path, "/take"):
		return of("role", "staff", "service", vaulttest.Service)
	case strings.HasPrefix(path, "/console/reviews/"):
		return of("finding", "rightful", "words", "好")
	case path == "/console/charters/{service}/{version}/decide":
		return of("verdict", "approved", "hash", hash, "against", "1", "words", "好")
	case strings.HasSuffix(path, "/decide"):
		return of("verdict", "granted", "reason", "needed")
	case strings.HasSuffix(path, "/laydown"):
		return of("typed", vaulttest.Service)
	case strings.HasSuffix(path, "/contact"):
		return of("contact", "010-12345678")
	case strings.HasSuffix(path, "/apps"):
		return of("name", "应用", "scope", account.ItemsRead)
	case strings.HasSuffix(path, "/webhooks"):
		return of("url", "https://hooks.another.example/in")
	case strings.HasSuffix(path, "/change"):
		return of("types", "child.erased")
	}
	return url.Values{}
}

// send asks for a route as whoever it is, about what is another's.
func (b belongings) send(by *browser, pattern, hash string) *httptest.ResponseRecorder {
	b.T.Helper()
	method, _, _ := strings.Cut(pattern, " ")
	at := b.address(pattern)
	switch {
	case method == "GET":
		return by.get(at)
	case strings.HasSuffix(at, "/view"), strings.HasSuffix(at, "/words"):
		by.header.Set("Sec-Fetch-Dest", "empty") // as the page asks for a picture
		defer by.header.Del("Sec-Fetch-Dest")
	case strings.HasSuffix(at, "/new") && strings.HasPrefix(at, "/console/charters/"):
		files := written(b.T.(*testing.T), "xiaoxi-english-v2", asIs)
		files["do"] = "propose"
		return by.sends(at, sheet{values: files})
	case strings.HasSuffix(at, "/fill"), strings.HasSuffix(at, "/handover"):
		return by.sends(at, appointing("deputy", "王芳"))
	case strings.HasSuffix(at, "/prove"):
		return by.sends(at, b.proof())
	case strings.HasSuffix(at, "/records"):
		return by.sends(at, sheet{values: map[string]string{"officer": b.Officer.ID, "kind": "training", "day": "2026-01-05", "title": "培训"}, files: map[string]upload{"document": {"a.pdf", letter}}})
	}
	return by.do(method, at, b.form(pattern, hash))
}

// finds searches, and returns the addresses to which that leads.
func (b *browser) finds(q string) (to []string) {
	b.d.T.Helper()
	w := b.post("/console/search?lang=en", "q", q)
	_, page, _ := strings.Cut(w.Body.String(), "<main>")
	main, _, listed := strings.Cut(page, "</main>")
	switch {
	case w.Code == http.StatusSeeOther:
		return []string{w.Header().Get("Location")}
	case w.Code != http.StatusOK || !listed:
		b.d.T.Errorf("searched for %s: %d", q, w.Code)
	}
	for _, link := range anyLink.FindAllStringSubmatch(main, -1) {
		to = append(to, html.UnescapeString(link[1]))
	}
	return to
}

// oursOrTyped reports whether an address is of the other service, or is made of what was typed
// alone, whatever there is.
func oursOrTyped(at, q string) bool {
	u, err := url.Parse(at)
	if err != nil {
		return false
	}
	return slices.Contains(strings.Split(u.Path, "/"), anotherService) || u.Query().Get("service") == anotherService ||
		u.Path == "/console/ledger" && u.Query().Get("subject") == q && id.Is(id.Subject, q) || u.Path == "/console/ledger/checkpoint" && u.Query().Get("size") == q
}

var (
	anyLink = regexp.MustCompile(`<a href="([^"]*)"`)
	aHit    = regexp.MustCompile(`\.hit\("([a-z]+)"`)
)

// sought are texts by which those of the service find whatever search knows.
func (b belongings) sought() (queries []string) {
	b.T.Helper()
	var demanded, ordered, place, entry string
	b.Do(func(ctx context.Context, tx *db.Tx) error {
		r, err := rights.Find(ctx, tx, vaulttest.Service, lastOf(b.demand))
		if err != nil {
			return err
		}
		o, err := order.FindIn(ctx, tx, []string{vaulttest.Service}, b.order)
		demanded, ordered = r.Number, o.Number
		return err
	})
	for at, p := range b.placed() {
		if p.Service == vaulttest.Service {
			place, entry = strconv.Itoa(at), p.ID
		}
	}
	engineer, auditor := b.browser(b.hire(staff.Engineer).Secret), b.everywhere()
	at := func(area, name string) string { return "/console/" + area + "/" + vaulttest.Service + "/" + name }
	numbered := func(name string) []string { return []string{name, id.NumberOf(name)} }
	known := make(map[string]bool)
	for _, c := range []struct {
		kinds   string
		by      *browser
		to      string
		queries []string
	}{
		{"subject", b.boss, "/console/ledger?", []string{b.child.Subject}},
		{"entry", auditor, "/console/ledger/entries/" + place, []string{entry, place}},
		{"checkpoint", auditor, "/console/ledger/checkpoint?", []string{place}},
		{"request", b.asks, b.open, []string{lastOf(b.open), b.request(b.open).Number}},
		{"request", b.asks, b.window, []string{lastOf(b.window), b.request(b.window).Number}},
		{"request", b.asks, b.file, []string{lastOf(b.file), b.request(b.file).Number}},
		{"demand", b.boss, b.demand, []string{lastOf(b.demand), demanded}},
		{"suspicion", b.boss, b.suspicion, numbered(lastOf(b.suspicion))},
		{"takedown", b.boss, b.content, numbered(lastOf(b.content))},
		{"incident", b.boss, at("incidents", b.incident), numbered(b.incident)},
		{"stream", b.boss, b.stream, numbered(lastOf(b.stream))},
		{"rectification", b.boss, b.righted, numbered(lastOf(b.righted))},
		{"inspection", b.boss, at("inspections", b.inspection), numbered(b.inspection)},
		{"shield", b.boss, at("shields", b.shield), []string{b.shield}},
		{"complaint", b.boss, at("reports", b.report), numbered(b.report)},
		{"order", b.boss, at("orders", b.order), []string{b.order, ordered}},
		{"document", b.boss, b.paper, numbered(lastOf(b.paper))},
		{"person", b.boss, "/console/people/", []string{b.person, b.worker.ID, b.officer.ID, "某staff"}},
		{"app", engineer, settingsPath + "/apps/", []string{b.app}},
		{"receiver", engineer, settingsPath + "/webhooks/", []string{b.hook}},
		{"version", b.boss, "/console/charters/" + vaulttest.Service + "/1", []string{"1"}},
		{"office", b.boss, officeAt, []string{b.Officer.Name}},
		{"service", b.boss, "/console/ledger?", []string{vaulttest.Service}},
		{"settings", engineer, settingsPath, []string{vaulttest.Service}},
		{"charter", b.asks, "/console/charters/" + vaulttest.Service, []string{vaulttest.Service}},
		{"purpose", b.asks, askPath, []string{purpose}},
		{"party", b.boss, partyAt, []string{vaulttest.Processor}},
		{"child ask", b.boss, "/console/ledger?", []string{b.ref}},
	} {
		for _, kind := range strings.Fields(c.kinds) {
			known[kind] = true
		}
		for _, q := range c.queries {
			if to := c.by.finds(q); !slices.ContainsFunc(to, func(one string) bool { return strings.HasPrefix(one, c.to) }) {
				b.T.Errorf("%s: whose it is finds %s", c.kinds, to)
			}
		}
		queries = append(queries, c.queries...)
	}
	source, err := os.ReadFile("search.go")
	if err != nil {
		b.T.Fatal(err)
	}
	for _, hit := range aHit.FindAllStringSubmatch(string(source), -1) {
		if !known[hit[1]] {
			b.T.Errorf("nobody of another service searches for %s", hit[1])
		}
	}
	return queries
}

// done counts the entries of each kind, but those that say that somebody was refused, or
// has looked for a child and found none.
func (d *desk) done() (kinds map[string]int) {
	d.T.Helper()
	d.Do(func(ctx context.Context, tx *db.Tx) error {
		kinds = make(map[string]int)
		return ledger.Pending(ctx, tx, func(p ledger.Placed) error {
			var body approval.SearchedBody
			if p.Kind == staff.KindTried || p.Kind == gate.KindDenied || p.Kind == approval.KindSearched && p.Into(&body) == nil && body.Nobody {
				return nil
			}
			kinds[p.Kind]++
			return nil
		})
	})
	return kinds
}

// Article 15: whoever has every role there is of one service has none of another: no route
// shows, or does, anything about what is another's, by whatever real name, and nothing
// changes.
func TestArticle15_EveryRouteAsTheRolesOfAnotherService(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		b := d.bureau().belongings()
		hash, names := b.boss.hashOf(b.proposal), b.names()
		everybody := d.neighbours()
		queries := append(b.sought(), b.proposed, string(b.child.ID), b.birth, b.notice, b.record)
		before, tried := d.done(), 0
		holds := func(w *httptest.ResponseRecorder) string {
			all := html.UnescapeString(w.Body.String()) + w.Header().Get("Location")
			if i := slices.IndexFunc(names, func(name string) bool { return strings.Contains(all, name) }); i >= 0 {
				return names[i]
			}
			return ""
		}
		for _, r := range console.Routes() {
			about := strings.ContainsAny(strings.NewReplacer("{rest...}", "", "{link}", "", "{article}", "", "{picture}", "", "{place}", "", "{purpose}", "").Replace(r.Pattern), "{")
			if !about && (!strings.HasPrefix(r.Pattern, "GET ") || strings.Contains(r.Pattern, "{")) {
				continue // it is about nothing of a service's, or an entry's
			}
			for role, by := range everybody {
				if !about {
					for _, query := range []string{"", "&service=" + vaulttest.Service} {
						_, path, _ := strings.Cut(r.Pattern, " ")
						if w := by.get(path + "?lang=en" + query); holds(w) != "" {
							t.Errorf("%s%s as %s of another service says %s", r.Pattern, query, role, holds(w))
						}
					}
					continue
				}
				tried++
				w := b.send(by, r.Pattern, hash)
				if w.Code != http.StatusForbidden && w.Code != http.StatusNotFound {
					t.Errorf("%s as %s of another service: %d %s", r.Pattern, role, w.Code, w.Header().Get("Location"))
				}
				if strings.HasPrefix(r.Pattern, "GET ") && holds(w) != "" || leaks(w) != "" {
					t.Errorf("%s as %s of another service says %s%s", r.Pattern, role, holds(w), leaks(w))
				}
			}
		}
		if tried < 250 {
			t.Errorf("only %d tries", tried)
		}
		for role, by := range everybody {
			for _, q := range queries {
				for _, to := range by.finds(q) {
					if !oursOrTyped(to, q) {
						t.Errorf("%s of another service, by %s, finds %s", role, q, to)
					}
				}
			}
			if w := by.post("/console/people?lang=en", "name", "朋友", "role", "staff", "service", vaulttest.Service); w.Code != http.StatusForbidden {
				t.Errorf("%s of another service invites: %d", role, w.Code)
			}
			if w := by.post("/console/ledger/child?lang=en", "service", vaulttest.Service, "ref", b.ref); w.Code != http.StatusForbidden && w.Code != http.StatusNotFound {
				t.Errorf("%s of another service is led to a child: %d %s", role, w.Code, w.Header().Get("Location"))
			}
		}
		if diff := cmp.Diff(before, d.done()); diff != "" {
			t.Errorf("something has happened:\n%s", diff)
		}
		for role, by := range everybody { // what leaves as a file is on record, whatever it holds
			for _, list := range takes {
				if w := by.post(b.address(list), "filter", "service="+vaulttest.Service); holds(w) != "" {
					t.Errorf("%s as %s of another service says %s", list, role, holds(w))
				}
			}
		}
	})
}

// An app's key, a guardian's cookie and that of a person of a party lead to the door of the console,
// whatever they ask for.
func TestArticle15_EveryRouteAsWhoIsLetInElsewhere(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.console.Desk = "https://wardkeep.example"
		d.Engage(d.Store.Now().Add(100 * 24 * time.Hour))
		b := d.bureau().belongings()
		hash, strangers := b.boss.hashOf(b.proposal), d.strangers()
		link := invitation.FindStringSubmatch(b.boss.post(partyAt+"/seats", "name", "周舟").Body.String())
		if link == nil {
			t.Fatal("nobody of a party is invited")
		}
		seat := &signintest.Insider{T: t, Store: d.Store, Door: signin.Door{Ring: d.Ring, Parties: true}}
		seat.SetUp(link[1])
		strangers["a person of a party"] = d.browser(seat.Secret)
		strangers["a person of a party"].cookies["__Host-wardkeep_party"] = seat.Secret
		before := d.done()
		for _, r := range console.Routes() {
			if slices.Contains(open, r.Pattern) {
				continue
			}
			for name, by := range strangers {
				w := b.send(by, r.Pattern, hash)
				if outcome(w) != toDoor || leaks(w) != "" {
					t.Errorf("%s as %s: %d %s", r.Pattern, name, w.Code, w.Header().Get("Location"))
				}
			}
		}
		if diff := cmp.Diff(before, d.done()); diff != "" {
			t.Errorf("something has happened:\n%s", diff)
		}
		if _, err := (&signintest.Insider{T: t, Store: d.Store, Door: d.console.Door()}).Find(strangers["a guardian"].cookies["__Host-wardkeep_home"]); err == nil {
			t.Error("a guardian's session is one of a person inside")
		}
	})
}
