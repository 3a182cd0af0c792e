package desk_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"mime/multipart"
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

	"github.com/google/go-cmp/cmp"

	"wardkeep/internal/assistance"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/db/dbtest"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/base/workday"
	"wardkeep/internal/catalog"
	"wardkeep/internal/desk"
	"wardkeep/internal/family"
	"wardkeep/internal/incident"
	"wardkeep/internal/ledger"
	"wardkeep/internal/order"
	"wardkeep/internal/party"
	"wardkeep/internal/replay"
	"wardkeep/internal/rights"
	"wardkeep/internal/session/sessiontest"
	"wardkeep/internal/signin"
	"wardkeep/internal/signin/signintest"
	"wardkeep/internal/staff"
	"wardkeep/internal/vault/vaulttest"
)

var update = flag.Bool("update", false, "write the golden files again")

const (
	site = "https://wardkeep.example"
	kept = "__Host-wardkeep_party"
)

// A counter is a world with a desk, and somebody in office who invites.
type counter struct {
	*vaulttest.World
	desk   *desk.Server
	pages  http.Handler
	log    *strings.Builder
	boss   *signintest.Insider
	ledger *ledger.Log
}

func newCounter(w *vaulttest.World) *counter {
	w.Engage(w.Store.Now().Add(100 * 24 * time.Hour))
	signer, _, err := ledger.NewSigner("wardkeep.test", make([]byte, 32))
	if err != nil {
		w.T.Fatal(err)
	}
	c := &counter{World: w, log: new(strings.Builder), ledger: ledger.Open(w.Store, "wardkeep.test", signer)}
	c.desk = &desk.Server{Store: w.Store, Ring: w.Ring, Charters: w.Desk.Charters, Vault: w.Vault, Calendar: workday.Default(), URL: site, Log: slog.New(slog.NewTextHandler(c.log, nil))}
	c.pages = c.desk.Handler()
	c.desk.Refuses(0)
	var office staff.Grant
	w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		office, err = staff.OfOffice(ctx, tx, vaulttest.Service, w.Officer.ID)
		return err
	})
	c.boss = signintest.Hire(w.T, w.Store, signin.Door{Ring: w.Ring}, "林静", office)
	return c
}

// each runs fn at a desk on each engine, and replays what it left.
func each(t *testing.T, fn func(t *testing.T, c *counter)) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		fn(t, newCounter(w))
		report, err := replay.Audit(t.Context(), w.Store, w.Ring, catalog.NewCache(4), replay.Options{})
		if err != nil || !report.OK() {
			t.Errorf("%v, %v", report.Differences, err)
		}
	})
}

// invites gives a person of the processor a seat, and returns the link.
func (c *counter) invites(name string) (link string, err error) {
	err = c.Try(func(ctx context.Context, tx *db.Tx) (err error) {
		link, _, err = c.desk.Door().Seat(ctx, tx, c.boss.Session.Person, vaulttest.ProcessorID(), name)
		return err
	})
	return link, err
}

// sits invites a person who has set up how to sign in.
func (c *counter) sits(name string) *signintest.Insider {
	c.T.Helper()
	link, err := c.invites(name)
	if err != nil {
		c.T.Fatal(err)
	}
	in := &signintest.Insider{T: c.T, Store: c.Store, Door: c.desk.Door()}
	in.SetUp(link)
	in.ID = in.Session.Person.ID
	return in
}

func (c *counter) unseats(in *signintest.Insider) {
	c.T.Helper()
	c.Do(func(ctx context.Context, tx *db.Tx) error {
		return signin.Unseat(ctx, tx, c.boss.Session.Person, vaulttest.ProcessorID(), in.Session.Person.Seat)
	})
}

// owes has a guardian demand, the operator correct and so the processor owe something about a
// child.
func (c *counter) owes(kind rights.Kind) family.Child {
	c.T.Helper()
	child := c.Child()
	g := c.Guardian(child)
	c.Do(func(ctx context.Context, tx *db.Tx) error {
		locked, err := family.Lock(ctx, tx, vaulttest.Service, child.ID)
		if err != nil {
			return err
		}
		if err := c.book().Item(ctx, tx, c.App.Ledger(), locked, order.Correct, "voice"); err != nil {
			return err
		}
		d := rights.Desk{Ring: c.Ring, Charters: c.Desk.Charters, Calendar: workday.Default()}
		_, _, err = d.Receive(ctx, tx, g, locked, rights.Demand{Kind: kind, Door: rights.ByGuardian, Guardian: g.ID, Item: map[rights.Kind]string{rights.Correct: "voice"}[kind]})
		return err
	})
	return child
}

// lapses has the child's guardian demand something with which the processor is asked to help, and the
// demand refused; it returns the page of the task.
func (c *counter) lapses(child family.Child) (page string) {
	c.T.Helper()
	g := c.Guardian(child)
	c.Do(func(ctx context.Context, tx *db.Tx) error {
		d := rights.Desk{Ring: c.Ring, Charters: c.Desk.Charters, Calendar: workday.Default()}
		r, _, err := d.Receive(ctx, tx, g, child, rights.Demand{Kind: rights.Correct, Door: rights.ByGuardian, Guardian: g.ID, Item: "voice", Held: []string{"voice"}})
		if err != nil {
			return err
		}
		task, _, err := d.Help(ctx, tx, c.Officer, r, vaulttest.ProcessorID())
		if err != nil {
			return err
		}
		page = "/party/tasks/" + task.ID
		_, _, err = d.Refuse(ctx, tx, c.Officer, r, rights.AlreadyRight, pii.Text{})
		return err
	})
	return page
}

func (c *counter) book() order.Book {
	return order.Book{Ring: c.Ring, Charters: c.Desk.Charters, Calendar: workday.Default()}
}

// ends ends the processor, and with parted orders what follows of a child.
func (c *counter) ends(child family.Child) (parted func()) {
	c.T.Helper()
	c.Do(func(ctx context.Context, tx *db.Tx) error {
		_, _, err := party.End(ctx, tx, c.Officer, vaulttest.ProcessorID(), tx.Now())
		return err
	})
	return func() {
		c.T.Helper()
		// An entry that rests on another's place comes after it.
		if err := c.ledger.Flush(context.Background()); err != nil {
			c.T.Fatal(err)
		}
		c.Do(func(ctx context.Context, tx *db.Tx) error {
			locked, err := family.Lock(ctx, tx, vaulttest.Service, child.ID)
			if err == nil {
				err = c.book().Parted(ctx, tx, "system:cessation", locked, order.Processor, vaulttest.Processor, tx.Now())
			}
			if err != nil {
				return err
			}
			all, err := party.Walks(ctx, tx)
			if err == nil {
				err = all[0].Part(ctx, tx, "system:cessation", 1)
			}
			return err
		})
	}
}

// written counts the entries of a kind.
func (c *counter) written(kind string) (n int) {
	c.T.Helper()
	c.Do(func(ctx context.Context, tx *db.Tx) error {
		n = 0
		return ledger.Pending(ctx, tx, func(p ledger.Placed) error {
			if p.Kind == kind {
				n++
			}
			return nil
		})
	})
	return n
}

// A browser holds cookies, and follows nothing by itself.
type browser struct {
	c       *counter
	cookies map[string]string
	header  http.Header
	address string
}

func (c *counter) browser(secret string) *browser {
	b := &browser{c: c, cookies: make(map[string]string), header: http.Header{}, address: "127.0.0.1:1"}
	if secret != "" {
		b.cookies[kept] = secret
	}
	return b
}

func (b *browser) do(method, path, kind string, body io.Reader) *httptest.ResponseRecorder {
	b.c.T.Helper()
	r := httptest.NewRequest(method, site+path, body)
	r.RemoteAddr = b.address
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	for name, values := range b.header {
		r.Header[name] = values
	}
	for name, value := range b.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	w := httptest.NewRecorder()
	b.c.pages.ServeHTTP(w, r)
	for _, k := range w.Result().Cookies() {
		if k.MaxAge < 0 {
			delete(b.cookies, k.Name)
			continue
		}
		b.cookies[k.Name] = k.Value
		if !k.Secure || !k.HttpOnly || k.SameSite != http.SameSiteStrictMode || !strings.HasPrefix(k.Name, "__Host-wardkeep_party") {
			b.c.T.Errorf("the cookie %s is not kept as it should be", k.Name)
		}
	}
	return w
}

func (b *browser) get(path string) *httptest.ResponseRecorder { return b.do("GET", path, "", nil) }

func (b *browser) post(path string, pairs ...string) *httptest.ResponseRecorder {
	form := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	return b.do("POST", path, "application/x-www-form-urlencoded", strings.NewReader(form.Encode()))
}

// sends sends a form with a document.
func (b *browser) sends(path, document string) *httptest.ResponseRecorder {
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	file, err := form.CreateFormFile("file", "删除证明.pdf")
	if err == nil {
		_, err = io.WriteString(file, document)
	}
	if err == nil {
		err = form.Close()
	}
	if err != nil {
		b.c.T.Fatal(err)
	}
	return b.do("POST", path, form.FormDataContentType(), &body)
}

// leads is where an answer leads to, without its query.
func leads(w *httptest.ResponseRecorder) string {
	to, _, _ := strings.Cut(w.Header().Get("Location"), "?")
	return to
}

var (
	secretOf = regexp.MustCompile(`(?:[A-Z2-7]{4} ){7}[A-Z2-7]{4}`)
	// changing differs from one run to the next.
	changing = regexp.MustCompile(`\b(?:as|or|in|hd|rq|sk|ss|bn|kx)_[0-9a-z]{26}|\d{4}-\d\d-\d\d(?: \d\d:\d\d(?::\d\d)?)?|\b[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}\b|(?:[A-Z2-7]{4} ){7}[A-Z2-7]{4}|(?s)<svg.*?</svg>|<code>(?:[0-9a-z]{4}-)+[0-9a-z]{4}</code>`)
	keys     = regexp.MustCompile(`\bdesk\.[a-z_]+(?:\.[a-z_.]+)?`)
	loads    = regexp.MustCompile(`(?:src|href|action|data-ask)="([^"]*)"`)
	ours     = regexp.MustCompile(`^(/party(?:[/?]|$)|/static/|\?|data:,$)`)
	found    = regexp.MustCompile(`/party/(?:tasks|orders|leaks)/[a-z]{2}_[0-9a-z]{26}`)
)

// shows compares a page in both languages with its golden files, and with what holds of each.
func (b *browser) shows(name, path string) {
	b.c.T.Helper()
	for _, lang := range i18n.Langs {
		sep := "?"
		if strings.Contains(path, "?") {
			sep = "&"
		}
		w := b.get(path + sep + "lang=" + string(lang))
		body := w.Body.String()
		b.c.holds(name, lang, w)
		golden(b.c.T, name+"."+string(lang)+".html", changing.ReplaceAllString(body, "…"))
	}
}

// holds says what holds of every page: words and no keys, nothing from elsewhere, nothing kept.
func (c *counter) holds(name string, lang i18n.Lang, w *httptest.ResponseRecorder) {
	c.T.Helper()
	body := w.Body.String()
	if !strings.Contains(body, `<html lang="`+string(lang)+`">`) || strings.Contains(body, "{{") || strings.Contains(body, "<no value>") ||
		w.Code == 200 && keys.MatchString(strings.ReplaceAll(body, "desk.css", "")) {
		c.T.Errorf("%s %s: not all is in words: %q", name, lang, keys.FindString(body))
	}
	for _, m := range loads.FindAllStringSubmatch(body, -1) {
		if !ours.MatchString(m[1]) {
			c.T.Errorf("%s %s: leads to %q", name, lang, m[1])
		}
	}
	if h := w.Header(); h.Get("Cache-Control") != "no-store" || !strings.HasPrefix(h.Get("Content-Security-Policy"), "default-src 'none'") ||
		strings.Contains(h.Get("Content-Security-Policy"), "unsafe") || h.Get("Referrer-Policy") != "no-referrer" {
		c.T.Errorf("%s %s: %v", name, lang, h)
	}
	if strings.Contains(body, "<script>") || strings.Contains(body, " style=") || strings.Contains(body, " onclick") {
		c.T.Errorf("%s %s: script or style in the page", name, lang)
	}
}

func golden(t testing.TB, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (go test -update writes it again):\n%s", name, diff)
	}
}

// Article 16: a person of a party without engineers sets up how to sign in, helps to answer a
// guardian, confirms what the party was told to do, reports a leak and states that all is
// deleted after the end: by the verbs of the signed API, and without a value.
func TestArticle16_APersonOfAPartyThroughThePages(t *testing.T) {
	each(t, func(t *testing.T, c *counter) {
		of := vaulttest.ProcessorID()
		c.Put(c.Child(), "parent-reports", "nickname", "小鱼儿")
		link, err := c.invites("周舟")
		if err != nil {
			t.Fatal(err)
		}
		b := c.browser("")
		if w := b.get("/party/tasks"); leads(w) != "/party/in" {
			t.Errorf("who isn't signed in: %d", w.Code)
		}
		b.shows("door", "/party/in")
		b.shows("setup", "/party/setup/"+link)
		page := b.get("/party/setup/" + link).Body.String()
		in := &signintest.Insider{T: t, Store: c.Store, Authenticator: strings.ReplaceAll(secretOf.FindString(page), " ", "")}
		const password = "一句我自己记得住的话，别人猜不到"
		if w := b.post("/party/setup/"+link, "name", "zhou.zhou", "password", password, "code", "000000"); w.Code != 422 || !strings.Contains(w.Body.String(), `value="zhou.zhou"`) {
			t.Errorf("a wrong code: %d", w.Code)
		}
		// That somebody inside has the same name is nobody's business here.
		w := b.post("/party/setup/"+link, "name", c.boss.Name, "password", password, "code", in.Code())
		if w.Code != 200 || b.cookies[kept] == "" {
			t.Fatalf("set up: %d %s", w.Code, w.Body)
		}
		c.holds("codes", i18n.Chinese, w)
		golden(t, "codes.zh-CN.html", changing.ReplaceAllString(w.Body.String(), "…"))
		b.shows("home-empty", "/party")
		for _, name := range []string{"tasks", "orders", "leaks", "end"} {
			b.shows(name+"-empty", "/party/"+name)
		}
		b.shows("account", "/party/account")

		child := c.owes(rights.Access)
		handle := party.HandleOf(c.Ring, of, child.ID)
		b.shows("home", "/party")
		b.shows("tasks", "/party/tasks")
		b.shows("orders", "/party/orders")
		task, order := found.FindString(b.get("/party/tasks").Body.String()), found.FindString(b.get("/party/orders").Body.String())
		for _, path := range []string{"/party/tasks", task, "/party/orders", order} {
			if body := b.get(path).Body.String(); !strings.Contains(body, handle) || strings.Contains(body, string(child.ID)) || strings.Contains(body, child.Subject) {
				t.Errorf("%s: a child isn't its handle", path)
			}
		}
		b.shows("task", task)
		for name, w := range map[string]*httptest.ResponseRecorder{
			"nothing chosen":        b.post(task, "words", "查过三处"),
			"an answer of its own":  b.post(task, "answer", "perhaps", "words", "查过三处"),
			"something, and what":   b.post(task, "answer", "has"),
			"a novel":               b.post(task, "answer", "nothing", "words", strings.Repeat("长", 2001)),
			"of control characters": b.post(task, "answer", "nothing", "words", "查过三处\x07"),
		} {
			body := w.Body.String()
			if w.Code != 422 || !strings.Contains(body, `id="problem"`) || name != "something, and what" && name != "a novel" && !strings.Contains(body, "查过三处") {
				t.Errorf("%s: %d", name, w.Code)
			}
		}
		if w := b.post(task, "answer", "has", "words", "五月的录音\r\n三段"); leads(w) != "/party/tasks" {
			t.Fatalf("answered: %d %s", w.Code, w.Body)
		}
		b.shows("task-answered", task)
		if w := b.post(task, "answer", "nothing"); leads(w) != task || c.written(assistance.KindAnswered) != 1 {
			t.Errorf("answered twice: %d", w.Code)
		}
		// One whose demand has ended waits for no answer, and says so.
		over := c.lapses(child)
		if body := b.get(over).Body.String(); !strings.Contains(body, "您不必再答复") || strings.Contains(body, "<textarea") {
			t.Errorf("the page of a task whose demand has ended: %s", body)
		}
		if w := b.post(over, "answer", "nothing"); leads(w) != over || c.written(assistance.KindAnswered) != 1 {
			t.Errorf("answered when its demand had ended: %d", w.Code)
		}

		b.shows("order", order)
		if w := b.post(order, "document", "x"); w.Code != 422 || !strings.Contains(w.Body.String(), `value="x"`) || !strings.Contains(w.Body.String(), `id="problem"`) {
			t.Errorf("by what is no hash: %d", w.Code)
		}
		if w := b.sends(order, strings.Repeat("长", 2<<20)); w.Code != 413 {
			t.Errorf("a document that is too large: %d", w.Code)
		}
		if w := b.sends(order, "已经更正"); leads(w) != "/party/orders" {
			t.Fatalf("attested: %d %s", w.Code, w.Body)
		}
		b.shows("order-attested", order)
		if w := b.sends(order, "已经更正"); leads(w) != order {
			t.Errorf("attested twice: %d", w.Code)
		}

		for name, form := range map[string][]string{
			"kind": {"words", "录音文件夹可公开访问"}, "words": {"kind", "leaked", "words", " ", "children", "12"}, "children": {"kind", "leaked", "words", "录音文件夹可公开访问", "children", "几个"},
			"noticed": {"kind", "leaked", "words", "录音文件夹可公开访问", "noticed", "2999-01-01T00:00"}, "began": {"kind", "leaked", "words", "录音文件夹可公开访问", "began", "昨天"},
			"item": {"kind", "leaked", "words", "录音文件夹可公开访问", "item", "shoe_size"},
		} {
			w := b.post("/party/leaks", form...)
			body := w.Body.String()
			for i := 1; i < len(form); i += 2 {
				if w.Code != 422 || !strings.Contains(body, `id="problem"`) || form[i] != " " && form[i] != "shoe_size" && !strings.Contains(body, form[i]) {
					t.Errorf("a leak without its %s: %d, %q", name, w.Code, form[i])
				}
			}
		}
		w = b.post("/party/leaks", "kind", "leaked", "suspected", "yes", "item", "voice", "children", "12", "words", "录音文件夹可公开访问")
		leak := leads(w)
		if w.Code != 303 || !found.MatchString(leak) {
			t.Fatalf("reported: %d %s", w.Code, w.Body)
		}
		if w := b.post("/party/leaks", "kind", "leaked", "suspected", "yes", "item", "voice", "children", "12", "words", "录音文件夹可公开访问"); leads(w) != leak || c.written(incident.KindOpened) != 1 {
			t.Errorf("sent twice: %d to %s", w.Code, leads(w))
		}
		b.shows("leak", leak+"?done=")
		b.shows("leaks", "/party/leaks")
		for name, form := range map[string][]string{"other words": {"kind", "leaked", "suspected", "yes", "item", "voice", "children", "12", "words", "另一个文件夹可公开访问"},
			"more of it": {"kind", "leaked", "suspected", "yes", "children", "120", "words", "录音文件夹可公开访问"}} {
			if w := b.post("/party/leaks", form...); w.Code != 303 || leads(w) == leak {
				t.Errorf("%s are the same case: %d", name, w.Code)
			}
		}
		if w := b.post(leak, "words", " "); w.Code != 422 {
			t.Errorf("added nothing: %d", w.Code)
		}
		if w := b.post(leak, "words", "链接已关闭"); leads(w) != leak {
			t.Errorf("added: %d", w.Code)
		}

		if w := b.sends("/party/end", "都删了"); w.Code != 409 {
			t.Errorf("stated before the end: %d", w.Code)
		}
		parted := c.ends(child)
		b.shows("home-ended", "/party")
		if body := b.get("/party").Body.String(); strings.Contains(body, "entrusted") || !strings.Contains(body, `href="/party/end`) {
			t.Error("after the end it is shown what it gets, or not what it owes")
		}
		b.shows("end-parting", "/party/end")
		parted()
		b.shows("end", "/party/end")
		if w := b.post("/party/end"); w.Code != 422 {
			t.Errorf("stated without a document: %d", w.Code)
		}
		if w := b.sends("/party/end", "都删了"); leads(w) != "/party/end" {
			t.Fatalf("stated: %d %s", w.Code, w.Body)
		}
		b.shows("end-stated", "/party/end")
		b.shows("home-stated", "/party")
		if w := b.sends("/party/end", "都删了"); w.Code != 409 {
			t.Errorf("stated twice: %d", w.Code)
		}
		b.shows("refusal", "/party/nowhere")
		if w := b.post("/party/out"); leads(w) != "/party/in" || leads(b.get("/party")) != "/party/in" {
			t.Error("who has signed out is in")
		}
		for _, text := range []string{"录音", "周舟", "zhou", c.boss.Name, string(child.ID), handle, link} {
			if strings.Contains(c.log.String(), text) {
				t.Errorf("the log tells %q", text)
			}
		}
	})
}

// A list has twenty rows a page, and each is on one.
func TestArticle16_ManyTasksArePaged(t *testing.T) {
	c := newCounter(vaulttest.New(t, dbtest.New(t)))
	b := c.browser(c.sits("周舟").Secret)
	for range 23 {
		c.owes(rights.Access)
	}
	for _, list := range []string{"/party/tasks", "/party/orders"} {
		all := make(map[string]bool)
		next := list
		for pages := 0; next != "" && pages < 5; pages++ {
			body := b.get(next).Body.String()
			for _, one := range found.FindAllString(body, -1) {
				if strings.HasPrefix(one, list) {
					all[one] = true
				}
			}
			_, after, more := strings.Cut(body, `" rel="next"`)
			next = ""
			if more && after != "" {
				before, _, _ := strings.Cut(body, `" rel="next"`)
				next = list + strings.ReplaceAll(before[strings.LastIndex(before, `href="`)+len(`href="`):], "&amp;", "&")
			}
		}
		if len(all) != 23 {
			t.Errorf("%s: %d rows on all pages", list, len(all))
		}
	}
	if body := b.get("/party?lang=en").Body.String(); !strings.Contains(body, i18n.English.T("desk.home.open", "N", 23)) {
		t.Error("the first page doesn't count them")
	}
	// With ten thousand orders a page is no longer than it was.
	c.Do(func(ctx context.Context, tx *db.Tx) error {
		for i := range 10_000 {
			if err := tx.Queue(ctx, `INSERT INTO party_order (id, number, service, party, role, what, items, purposes, narrowed, child, issued_at, due_at, attested_by, document, issued, attested, reminded)
				VALUES ($1, $1, $2, $3, 'processor', 'delete', 'voice', '', 0, '', 1, $4, '', '', $1, '', 0)`,
				fmt.Sprintf("or_%026d", i), vaulttest.Service, vaulttest.Processor, int64(1)<<60+int64(i/3)); err != nil {
				return err
			}
		}
		return nil
	})
	for _, at := range []string{"/party", "/party/orders"} {
		if w := b.get(at); w.Code != http.StatusOK || w.Body.Len() > 60_000 {
			t.Errorf("%s: %d, %d bytes", at, w.Code, w.Body.Len())
		}
	}
}

// Every route, as everybody: only who sits on a seat comes through, whether the party stands
// or has ended; somebody inside is nobody here, and who was let in before isn't any more once
// the seat is taken, or the ninety days after the end are over.
func TestArticle16_EveryRouteOfTheDeskAsEverybody(t *testing.T) {
	c := newCounter(vaulttest.New(t, dbtest.New(t)))
	open := []string{"GET /party/in", "POST /party/in", "POST /party/in/ask", "POST /party/in/passkey", "GET /party/setup/{link}", "POST /party/setup/{link}"}
	grave := []string{"POST /party/account/end", "POST /party/account/passkeys/offer", "POST /party/account/passkeys", "POST /party/account/passkeys/remove", "POST /party/sub-processors"}
	sits, gone := c.sits("周舟"), c.sits("李雷")
	c.unseats(gone)
	ids := strings.NewReplacer("{link}", strings.Repeat("0", 52), "{task}", "as_"+strings.Repeat("0", 26), "{order}", "or_"+strings.Repeat("0", 26), "{bundle}", "bn_"+strings.Repeat("0", 26), "{leak}", "in_"+strings.Repeat("0", 26))
	try := func(when, as, secret string, in, fresh bool) {
		t.Helper()
		for _, pattern := range desk.Routes() {
			if pattern == "POST /party/out" && in {
				continue
			}
			method, path, _ := strings.Cut(pattern, " ")
			b := c.browser(secret)
			w := b.get(ids.Replace(path))
			if method == "POST" {
				w = b.post(ids.Replace(path))
			}
			to := w.Header().Get("Location")
			want, got := "through", "through"
			if strings.HasPrefix(to, "/party/in?") && strings.Contains(to, "to=") {
				got = "to the door"
			}
			if !slices.Contains(open, pattern) && (!in || !fresh && slices.Contains(grave, pattern)) {
				want = "to the door"
			}
			if got != want || w.Code >= 500 {
				t.Errorf("%s, %s as %s: %s, want %s (%d)", when, pattern, as, got, want, w.Code)
			}
		}
	}
	try("at first", "nobody", "", false, false)
	try("at first", "a forged cookie", strings.Repeat("0", 52), false, false)
	try("at first", "somebody inside", c.boss.Secret, false, false)
	try("at first", "who sat there", gone.Secret, false, false)
	try("at first", "a person of the party", sits.Secret, true, true)
	c.Pass(signin.Fresh)
	try("five minutes later", "a person of the party", sits.Secret, true, false)
	// And nobody here is somebody inside.
	c.Do(func(ctx context.Context, tx *db.Tx) error {
		if _, err := (signin.Door{Ring: c.Ring}).Find(ctx, tx, sits.Secret); err == nil {
			t.Error("a person of a party is in at the console")
		}
		p, err := staff.Find(ctx, tx, sits.ID)
		for _, r := range staff.Matrix {
			if p.MaySomewhere(r.Action) {
				t.Errorf("a person of a party may %s", r.Action)
			}
		}
		return err
	})
	c.Do(func(ctx context.Context, tx *db.Tx) error {
		_, _, err := party.Suspend(ctx, tx, c.Officer, vaulttest.ProcessorID(), party.Other)
		return err
	})
	try("suspended", "a person of the party", sits.Secret, true, false)
	if body := c.browser(sits.Secret).get("/party?lang=en").Body.String(); strings.Contains(body, `id="entrusted"`) || !strings.Contains(body, i18n.English.T("desk.says.party.client_suspended")) {
		t.Error("a party that is suspended is shown what it gets, or not why it gets nothing")
	}
	c.Pass(110 * 24 * time.Hour) // the agreement was over ten days ago
	_, secret, err := sits.Enters(sits.Name, sits.Password, sits.Code())
	if err != nil {
		t.Fatal(err)
	}
	try("after the end", "a person of the party", secret, true, true)
	c.Pass(party.Lingers)
	if _, secret, err = sits.Enters(sits.Name, sits.Password, sits.Code()); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/party", "/party/tasks", "/party/orders", "/party/bundles", "/party/sub-processors", "/party/leaks", "/party/end", "/party/account"} {
		if w := c.browser(secret).get(path + "?lang=en"); w.Code != 401 || !strings.Contains(w.Body.String(), i18n.English.T("desk.says.party.key_over")) {
			t.Errorf("ninety days after the end, %s: %d", path, w.Code)
		}
	}
}

// What somebody tries who looks for a way around is refused, each time, and written down where
// it is another's.
func TestArticle16_NoWayAroundTheDesk(t *testing.T) {
	each(t, func(t *testing.T, c *counter) {
		link, err := c.invites("李雷")
		if err != nil {
			t.Fatal(err)
		}
		first := &signintest.Insider{T: t, Store: c.Store, Door: c.desk.Door()}
		first.SetUp(link)
		if w := c.browser("").get("/party/setup/" + link); w.Code != 410 {
			t.Errorf("a link that was used: %d", w.Code)
		}
		if link, err = c.invites("韩梅梅"); err != nil {
			t.Fatal(err)
		}
		if _, err := c.inside().Try(link); err == nil {
			t.Error("a link for a person of a party is good at the console")
		}
		c.Pass(24 * time.Hour)
		if w := c.browser("").get("/party/setup/" + link); w.Code != 410 {
			t.Errorf("a link that is too old: %d", w.Code)
		}
		for range 3 {
			if _, err := c.invites("韩梅梅"); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := c.invites("韩梅梅"); err != party.ErrSeats {
			t.Errorf("a sixth: %v", err)
		}
		c.unseats(&signintest.Insider{Session: first.Session})
		in := c.sits("周舟")
		b := c.browser(in.Secret)

		// By a name of those inside nobody comes in here, nor the other way round.
		boss := *c.boss
		boss.Door = c.desk.Door()
		if _, _, err := boss.Enters(boss.Name, boss.Password, boss.Code()); err == nil {
			t.Error("somebody inside comes in at the desk")
		}
		other := *in
		other.Door = signin.Door{Ring: c.Ring}
		c.Pass(signintest.Period)
		if _, _, err := other.Enters(in.Name, in.Password, in.Code()); err == nil {
			t.Error("a person of a party comes in at the console")
		}
		if err := c.Try(func(ctx context.Context, tx *db.Tx) error {
			_, err := staff.Give(ctx, tx, signintest.By, in.ID, staff.Grant{Role: staff.Manager, Service: vaulttest.Service})
			return err
		}); err == nil {
			t.Error("a person of a party has a role")
		}
		if err := c.Try(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := c.desk.Door().Seat(ctx, tx, in.Session.Person, vaulttest.ProcessorID(), "自己的人")
			return err
		}); err == nil {
			t.Error("a person of a party invites another")
		}

		c.owes(rights.Access)
		tried := 0
		for _, path := range []string{"/party/tasks/as_" + strings.Repeat("0", 26), "/party/orders/or_" + strings.Repeat("0", 26), "/party/leaks/in_" + strings.Repeat("0", 26), "/party/tasks?from=as_x", "/party/tasks/x"} {
			w := b.get(path)
			tried++
			if !strings.Contains(path, "?") {
				tried++
				w = b.post(path, "answer", "nothing", "words", "x")
			}
			if w.Code != 404 || c.written(staff.KindTried) != tried {
				t.Errorf("%s: %d, %d are written down, want %d", path, w.Code, c.written(staff.KindTried), tried)
			}
		}
		task := found.FindString(b.get("/party/tasks").Body.String())
		b.header.Set("Sec-Fetch-Site", "cross-site")
		if w := b.post(task, "answer", "nothing"); w.Code != 403 || c.written(assistance.KindAnswered) != 0 {
			t.Errorf("a form of another site: %d", w.Code)
		}
		b.header.Del("Sec-Fetch-Site")
		if w := b.post(task, "answer", "nothing\xff"); w.Code != 422 {
			t.Errorf("no text: %d", w.Code)
		}
		if w := b.get("/party/in?to=https://elsewhere.example"); leads(w) != "/party" {
			t.Errorf("leads elsewhere: %s", leads(w))
		}
		c.unseats(in)
		if w := b.post(task, "answer", "nothing"); leads(w) != "/party/in" || c.written(assistance.KindAnswered) != 0 {
			t.Errorf("by a cookie of a seat that was taken: %d", w.Code)
		}
		if _, _, err := in.Enters(in.Name, in.Password, in.Code()); err == nil {
			t.Error("who was sent away comes in")
		}
	})
}

// A task, an order and a case of another party aren't there, by whatever real name they are asked
// for, and that somebody did is written down.
func TestArticle16_WhatIsAnothersIsNotThere(t *testing.T) {
	c := newCounter(vaulttest.New(t, dbtest.New(t)))
	b := c.browser(c.sits("周舟").Secret)
	c.owes(rights.Access)
	theirs := []string{found.FindString(b.get("/party/tasks").Body.String()), found.FindString(b.get("/party/orders").Body.String()),
		leads(b.post("/party/leaks", "kind", "lost", "words", "一块硬盘"))}
	for _, path := range theirs {
		if w := b.get(path); w.Code != 200 {
			t.Fatalf("its own %s: %d", path, w.Code)
		}
	}
	c.Do(func(ctx context.Context, tx *db.Tx) error {
		for _, table := range []string{"party_task", "party_order", "incident"} {
			if _, err := tx.Exec(ctx, `UPDATE `+table+` SET party = 'another'`); err != nil {
				return err
			}
		}
		return nil
	})
	for i, path := range theirs {
		for _, w := range []*httptest.ResponseRecorder{b.get(path), b.post(path, "answer", "nothing", "words", "x")} {
			if w.Code != 404 {
				t.Errorf("another's %s: %d", path, w.Code)
			}
		}
		if n := c.written(staff.KindTried); n != 2*(i+1) {
			t.Errorf("%d are written down", n)
		}
	}
	if n := c.written(assistance.KindAnswered) + c.written(order.KindAttested); n != 0 {
		t.Errorf("%d were answered or attested", n)
	}
}

// An outside is a console's door.
type outside struct{ c *counter }

func (c *counter) inside() outside { return outside{c} }

// Try opens a link there.
func (o outside) Try(link string) (at signin.SettingUp, err error) {
	err = o.c.Try(func(ctx context.Context, tx *db.Tx) (err error) {
		at, err = signin.Door{Ring: o.c.Ring}.Open(ctx, tx, link, signin.Browser{Kept: signin.Keep()})
		return err
	})
	return at, err
}

// A passkey is added by who has just shown who it is, and opens from then on.
func TestArticle16_APasskeyAtTheDesk(t *testing.T) {
	c := newCounter(vaulttest.New(t, dbtest.New(t)))
	b, phone := c.browser(c.sits("周舟").Secret), &sessiontest.Device{T: t}
	if w := b.post("/party/account/passkeys", "answer", string(phone.Make(b.post("/party/account/passkeys/offer").Body.Bytes()))); w.Code != 303 {
		t.Fatalf("added: %d", w.Code)
	}
	b.shows("account-passkey", "/party/account?added=")
	other := c.browser("")
	if w := other.post("/party/in/passkey", "answer", string(phone.Show(other.post("/party/in/ask").Body.Bytes())), "to", "/party/orders"); leads(w) != "/party/orders" {
		t.Fatalf("in: %d", w.Code)
	}
	c.Pass(signin.Fresh)
	other.shows("account-stale", "/party/account")
	other.shows("door-again", "/party/in?to=%2Fparty%2Faccount&again=")
	c.owes(rights.Access)
	phone.Forged = true
	if w := other.post("/party/in/passkey", "answer", string(phone.Show(other.post("/party/in/ask").Body.Bytes()))); w.Code != 403 || c.written(signin.KindFailed) != 1 {
		t.Errorf("one that is refused: %d, %d entries", w.Code, c.written(signin.KindFailed))
	}
	phone.Forged = false
	former := other.cookies[kept]
	if w := other.post("/party/in/passkey", "answer", string(phone.Show(other.post("/party/in/ask").Body.Bytes())), "to", "/party/account"); leads(w) != "/party/account" || other.cookies[kept] == former {
		t.Fatalf("again: %d", w.Code)
	}
	_, name, _ := strings.Cut(other.get("/party/account").Body.String(), `name="passkey" value="`)
	name, _, _ = strings.Cut(name, `"`)
	if w := other.post("/party/account/passkeys/remove", "passkey", name); leads(w) != "/party/account" {
		t.Errorf("removed: %d", w.Code)
	}
	if w := b.get("/party"); leads(w) != "/party/in" {
		t.Errorf("the session of before lives on: %d", w.Code)
	}
}
