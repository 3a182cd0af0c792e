package console_test

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/base/workday"
	"wardkeep/internal/catalog"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/replay"
	"wardkeep/internal/signin"
	"wardkeep/internal/signin/signintest"
	"wardkeep/internal/staff"
	"wardkeep/internal/suspicion"
	"wardkeep/internal/takedown"
	"wardkeep/internal/vault/vaulttest"
	"wardkeep/internal/verification"
	"wardkeep/internal/watermark"
)

// suspect reports an account, and returns the path of the suspicion.
func (d *desk) suspect(ref string) (path string) {
	d.T.Helper()
	d.Do(func(ctx context.Context, tx *db.Tx) error {
		s, _, err := suspicion.Report(ctx, tx, d.Ring, workday.Default(), d.App, pii.New(ref), suspicion.Signal)
		path = "/console/suspicions/" + vaulttest.Service + "/" + s.ID
		return err
	})
	return path
}

// scanned is a page of a document.
func scanned(t *testing.T) string {
	t.Helper()
	m := image.NewGray(image.Rect(0, 0, 300, 200))
	for i := range m.Pix {
		m.Pix[i] = 240
	}
	for x := 40; x < 260; x++ {
		m.SetGray(x, 100, color.Gray{})
	}
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// paper walks a guardian to a document that waits, and returns the path of its page.
func (d *desk) paper(pages ...string) string {
	d.T.Helper()
	desk := verification.Desk{Consent: d.Desk, Documents: true}
	var r consent.Request
	var code consent.OneTime
	var proof string
	var sent verification.Attempt
	child, _ := d.Enrol()
	d.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		r, _, _, err = d.Desk.Ask(ctx, tx, d.App, child, consent.Asking{Channel: consent.Link, Locale: "zh-CN"})
		return err
	})
	d.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		r, _, _, err = d.Desk.Open(ctx, tx, r, "zh-CN", consent.OnPage)
		return err
	})
	d.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		code, err = d.Desk.SendCode(ctx, tx, r)
		return err
	})
	d.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		r, proof, _, err = d.Desk.VerifyCode(ctx, tx, r, code.Code)
		return err
	})
	d.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		var u verification.Upload
		for _, p := range pages {
			u.Pages = append(u.Pages, pii.New(p))
		}
		sent, err = desk.SendDocument(ctx, tx, r, proof, u)
		return err
	})
	return "/console/evidence/" + vaulttest.Service + "/" + sent.ID
}

func lastOf(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }

func (d *desk) attempt(path string) (a verification.Attempt) {
	d.T.Helper()
	d.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		a, _, err = verification.Document(ctx, tx, vaulttest.Service, lastOf(path))
		return err
	})
	return a
}

func (d *desk) audited() {
	d.T.Helper()
	if r, err := replay.Audit(d.T.Context(), d.Store, d.Ring, catalog.NewCache(4), replay.Options{}); err != nil || !r.OK() {
		d.T.Errorf("%v, %v", r.Differences, err)
	}
}

// tried counts the attempts of a person that are on record.
func (d *desk) tried(by *signintest.Insider) int {
	return (&office{desk: d}).written(by, staff.KindTried)
}

// Article 2: a suspicion is somebody's, who is led to the account and decides; nobody else
// sees what it is called, and with the decision nobody does.
func TestArticle2_ASuspicionIsTakenAndDecided(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		const ref = "player-77-小鱼"
		path := d.suspect(ref)
		number := id.NumberOf(lastOf(path))
		first, second := d.hire(staff.Worker), d.hire(staff.Manager)
		one, two, auditor := d.browser(first.Secret), d.browser(second.Secret), d.browser(d.hire(staff.Auditor).Secret)
		for at, b := range map[string]*browser{"/console/suspicions": one, "/console/suspicions?owner=nobody": two, "/console/suspicions?source=signal": auditor, "/console/due": auditor} {
			if page := b.get(at).Body.String(); !strings.Contains(page, path+"?") || !strings.Contains(page, number) || strings.Contains(page, ref) {
				t.Errorf("%s: %s", at, page)
			}
		}
		for _, b := range []*browser{one, auditor} {
			if page := b.get(path).Body.String(); strings.Contains(page, ref) || strings.Contains(page, path+"/decide") || strings.Contains(page, path+"/take") == (b == auditor) {
				t.Errorf("before anybody has taken it: %s", page)
			}
		}
		if w := one.post(path+"/decide", "outcome", "withdrawn"); w.Code != 409 || d.tried(first) != 1 {
			t.Errorf("decided by who doesn't know the account: %d, %d on record", w.Code, d.tried(first))
		}
		if w := one.post(path + "/take"); w.Code != 303 {
			t.Fatalf("taken: %d %s", w.Code, w.Body)
		}
		if page := one.get(path).Body.String(); !strings.Contains(page, ref) || !strings.Contains(page, path+"/decide") {
			t.Errorf("who looks after it isn't led to the account: %s", page)
		}
		if page := two.get(path).Body.String(); strings.Contains(page, ref) || strings.Contains(page, path+"/decide") || !strings.Contains(page, "某staff") {
			t.Errorf("who doesn't look after it sees %s", page)
		}
		if page := one.get("/console/suspicions?owner=mine").Body.String(); !strings.Contains(page, path+"?") {
			t.Error("it isn't among one's own")
		}
		if w := one.post(path+"/hand", "to", "st_nobody"); w.Code != 422 {
			t.Errorf("handed to nobody: %d", w.Code)
		}
		if w := one.post(path+"/hand", "to", d.hire(staff.Auditor).ID); w.Code != 422 {
			t.Errorf("handed to an auditor: %d", w.Code)
		}
		if w := one.post(path+"/hand", "to", second.ID); w.Code != 303 {
			t.Fatalf("handed over: %d %s", w.Code, w.Body)
		}
		if w := one.post(path+"/decide", "outcome", "withdrawn"); w.Code != 409 || strings.Contains(w.Body.String(), ref) {
			t.Errorf("decided by who did look after it: %d", w.Code)
		}
		for name, form := range map[string][]string{"no basis": {"outcome", "not_a_child"}, "no outcome": {}, "a child that nobody registered": {"outcome", "child"}, "lapsed by hand": {"outcome", "lapsed"},
			"a basis of something else": {"outcome", "withdrawn", "basis", "parent_said"}} {
			if w := two.post(path+"/decide", form...); w.Code != 422 || !strings.Contains(w.Body.String(), `id="problem"`) {
				t.Errorf("%s: %d", name, w.Code)
			}
		}
		d.audited()
		if w := two.post(path+"/decide", "outcome", "not_a_child", "basis", "document_seen"); w.Code != 303 {
			t.Fatalf("decided: %d %s", w.Code, w.Body)
		}
		if w := two.post(path+"/decide", "outcome", "withdrawn"); w.Code != 409 {
			t.Errorf("decided twice: %d", w.Code)
		}
		page := two.get(path + "?lang=en").Body.String()
		if strings.Contains(page, ref) || !strings.Contains(page, i18n.English.T("console.suspicions.basis.document_seen")) {
			t.Errorf("after the decision: %s", page)
		}
		if page := two.get("/console/suspicions?stands=decided").Body.String(); !strings.Contains(page, path+"?") {
			t.Error("it isn't among those that are decided")
		}
		if page := two.get("/console/suspicions").Body.String(); strings.Contains(page, path+"?") {
			t.Error("it waits on")
		}
		for _, q := range []string{number, lastOf(path)} {
			if w := auditor.post("/console/search", "q", q); !strings.HasPrefix(w.Header().Get("Location"), path+"?") {
				t.Errorf("%s leads to %q", q, w.Header().Get("Location"))
			}
		}
		for who, n := range map[*signintest.Insider]int{first: 2, second: 1} {
			if got := (&office{desk: d}).written(who, suspicion.KindTaken, suspicion.KindDecided); got != n {
				t.Errorf("%d entries, want %d", got, n)
			}
		}
		if all := d.log.String(); strings.Contains(all, ref) {
			t.Errorf("the log says %s", all)
		}
		d.audited()
	})
}

// Article 2: somebody of the staff reports that an account may be a child's, for themselves or
// for who has called; it waits as any other. That an account is registered they learn as by a
// look-up: it is on record, and of a decoy an alarm.
func TestArticle2_AnAccountIsReportedAtTheConsole(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		const address, account = "/console/suspicions/new", "user-20418"
		o := d.office()
		two, auditor := d.browser(d.hire(staff.Manager).Secret), d.browser(d.hire(staff.Auditor).Secret)
		if list := o.asks.get("/console/suspicions").Body.String(); !strings.Contains(list, address) {
			t.Error("the list doesn't lead to it")
		}
		if list := auditor.get("/console/suspicions").Body.String(); strings.Contains(list, address) {
			t.Error("an auditor is led to it")
		}
		send := func(b *browser, pairs ...string) *httptest.ResponseRecorder {
			form := url.Values{"service": {vaulttest.Service}, "ref": {account}, "source": {"parent"}}
			for i := 0; i+1 < len(pairs); i += 2 {
				form.Set(pairs[i], pairs[i+1])
			}
			return b.do("POST", address, form)
		}
		for name, w := range map[string]*httptest.ResponseRecorder{
			"no account": send(o.asks, "ref", ""), "two lines": send(o.asks, "ref", "a\nb"), "by a rule": send(o.asks, "source", "signal"), "by nobody": send(o.asks, "source", ""),
		} {
			if w.Code != 422 {
				t.Errorf("%s: %d", name, w.Code)
			}
		}
		if w := send(o.asks, "service", "another"); outcome(w) != mayNot {
			t.Errorf("of another service: %d", w.Code)
		}
		if w := send(auditor); outcome(w) != mayNot {
			t.Errorf("by an auditor: %d", w.Code)
		}
		w := send(o.asks)
		path, _, _ := strings.Cut(w.Header().Get("Location"), "?")
		if w.Code != 303 || !strings.HasPrefix(path, "/console/suspicions/"+vaulttest.Service+"/sp_") {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		if n := o.written(o.worker, suspicion.KindOpened); n != 1 {
			t.Errorf("%d on record", n)
		}
		if page := o.asks.get(path).Body.String(); strings.Contains(page, account) {
			t.Error("who has reported it is shown the account without taking it")
		}
		two.post(path + "/take")
		if page := two.get(path + "?lang=en").Body.String(); !strings.Contains(page, account) || !strings.Contains(page, i18n.English.T("console.due.about.parent")) {
			t.Error("who takes it isn't led to the account")
		}
		if w := send(two); w.Code != 409 {
			t.Errorf("twice: %d", w.Code)
		}
		searched := o.written(o.worker, approval.KindSearched)
		if w := send(o.asks, "ref", o.ref); w.Code != 409 || o.written(o.worker, approval.KindSearched) != searched+1 || o.written(o.worker, approval.KindAlarm) != 0 {
			t.Errorf("who is registered: %d", w.Code)
		}
		d.Do(func(ctx context.Context, tx *db.Tx) error {
			return approval.Decoy(ctx, tx, d.Ring, d.Officer, o.child.ID)
		})
		if w := send(o.asks, "ref", o.ref); w.Code != 409 || o.written(o.worker, approval.KindAlarm) != 1 {
			t.Errorf("a decoy: %d", w.Code)
		}
		last := 0
		for i := range 70 {
			if last = send(o.asks, "ref", fmt.Sprint("player-", i)).Code; last != 303 {
				break
			}
		}
		if last != 429 {
			t.Errorf("after sixty within an hour: %d", last)
		}
		if all := d.log.String(); strings.Contains(all, account) || strings.Contains(all, o.ref) {
			t.Errorf("the log says %s", all)
		}
		d.audited()
	})
}

// Article 15: looks at documents count in the hour and on the day as looks at values do, of
// each person for themselves; one too many shows nothing.
func TestArticle15_DocumentsAreLookedAtWithinLimits(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.PassToHalfPast()
		d.Vault.Looks = approval.Limits{PerHour: 3}
		path := d.paper(scanned(t))
		first, second := d.hire(staff.Worker), d.hire(staff.Manager)
		one, two := d.browser(first.Secret), d.browser(second.Secret)
		looks := func(b *browser, want int) {
			t.Helper()
			w := b.look(path, item("document"))
			if w.Code != want || want != 200 && bytes.Contains(w.Body.Bytes(), []byte("PNG")) {
				t.Errorf("%d, want %d", w.Code, want)
			}
		}
		for range 3 {
			looks(one, 200)
		}
		looks(one, 429)
		looks(two, 200)
		if n := (&office{desk: d}).written(first, verification.KindSeen); n != 3 {
			t.Errorf("%d looks on record", n)
		}
		d.Vault.Looks = approval.Limits{PerHour: 60, PerDay: 4}
		looks(one, 200)
		looks(one, 429)
		d.audited()
	})
}

// Edge case 24: two different persons look at a document, each as a picture that says who
// they are, and judge it; no page holds it, and with the decision it is gone.
func TestEdgeCase24_TwoPersonsInsideJudgeADocument(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		path := d.paper(scanned(t), scanned(t))
		number := id.NumberOf(lastOf(path))
		first, second := d.hire(staff.Worker), d.hire(staff.Manager)
		one, two, auditor := d.browser(first.Secret), d.browser(second.Secret), d.browser(d.hire(staff.Auditor).Secret)
		for at, b := range map[string]*browser{"/console/evidence": one, "/console/evidence?waits=first": auditor, "/console/due": two} {
			if page := b.get(at).Body.String(); !strings.Contains(page, path+"?") || !strings.Contains(page, number) {
				t.Errorf("%s: %s", at, page)
			}
		}
		if page := auditor.get(path).Body.String(); strings.Contains(page, "/view") || strings.Contains(page, "<form method=\"post\" action=\""+path) {
			t.Error("an auditor is offered to look, or to judge")
		}
		if w := one.post(path + "/approve"); w.Code != 409 || d.tried(first) != 1 {
			t.Errorf("approved unseen: %d, %d on record", w.Code, d.tried(first))
		}
		view := one.get(path + "/view")
		if view.Code != 200 || !strings.Contains(view.Body.String(), `value="document"`) || !strings.Contains(marks(view.Body.String()), "某staff") || !strings.Contains(marks(view.Body.String()), number) {
			t.Errorf("%d %s", view.Code, view.Body)
		}
		if len(d.attempt(path).Seen) != 0 {
			t.Error("a page that shows nothing counts as a look")
		}
		look := func(b *browser, nth int64) {
			w := b.look(path, item("document"))
			m, err := watermark.Read(bytes.NewReader(w.Body.Bytes()))
			if w.Code != 200 || w.Header().Get("Content-Type") != "image/png" || w.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
			}
			if err != nil || !m.Ours(d.Ring) || m.Number != number || m.Look != nth {
				t.Errorf("the picture says %+v, %v", m, err)
			}
		}
		look(one, 1)
		look(one, 1)
		if n := (&office{desk: d}).written(first, verification.KindSeen); n != 2 {
			t.Errorf("%d looks on record", n)
		}
		if w := one.post(path+"/approve", "until", "31.1.2030"); w.Code != 422 {
			t.Errorf("a day that is none: %d", w.Code)
		}
		until := d.Store.Now().AddDate(1, 0, 0).Format(time.DateOnly)
		if w := one.post(path+"/approve", "until", until); w.Code != 303 {
			t.Fatalf("the first: %d %s", w.Code, w.Body)
		}
		before := d.tried(first)
		if w := one.post(path+"/approve", "until", until); w.Code != 409 || d.tried(first) != before+1 {
			t.Errorf("the first is the second: %d, %d on record", w.Code, d.tried(first)-before)
		}
		if page := two.get(path).Body.String(); !strings.Contains(page, "某staff") || !strings.Contains(page, until) || strings.Contains(page, path+"/approve") {
			t.Errorf("the second isn't told who was the first, or needn't look: %s", page)
		}
		if w := two.post(path + "/approve"); w.Code != 409 {
			t.Errorf("the second hasn't looked: %d", w.Code)
		}
		look(two, 2)
		if w := two.post(path+"/approve", "until", d.Store.Now().AddDate(2, 0, 0).Format(time.DateOnly)); w.Code != 422 {
			t.Errorf("the second reads another end: %d", w.Code)
		}
		d.audited()
		if w := two.post(path+"/approve", "until", until); w.Code != 303 {
			t.Fatalf("the second: %d %s", w.Code, w.Body)
		}
		if d.attempt(path).State != verification.Succeeded {
			t.Errorf("it is %+v", d.attempt(path))
		}
		if w := two.look(path, item("document")); w.Code == 200 {
			t.Error("it is shown after the decision")
		}
		if w := two.get(path + "/view"); w.Code != 303 {
			t.Errorf("looked at after the decision: %d", w.Code)
		}
		if page := auditor.get(path + "?lang=en").Body.String(); !strings.Contains(page, i18n.English.T("console.document.state.succeeded")) {
			t.Error("what came of it isn't said")
		}
		d.audited()
	})
}

// One person is enough to say no, and says why; what can't be marked isn't shown here; of
// an office and its holder's account, two aren't made.
func TestEdgeCase24_WhoIsOneIsNotTwo(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		boss := d.hire(staff.Officer)
		b, worker := d.browser(boss.Secret), d.browser(d.hire(staff.Worker).Secret)
		path := d.paper(scanned(t))
		desk := verification.Desk{Consent: d.Desk, Documents: true}
		d.Do(func(ctx context.Context, tx *db.Tx) error { // at the terminal, by the office
			if _, _, _, err := desk.Show(ctx, tx, d.Officer, lastOf(path)); err != nil {
				return err
			}
			_, _, err := desk.Approve(ctx, tx, d.Officer, lastOf(path), time.Time{})
			return err
		})
		if w := b.look(path, item("document")); w.Code != 200 {
			t.Fatalf("looked: %d %s", w.Code, w.Body)
		}
		if w := b.post(path + "/approve"); w.Code != 409 || d.tried(boss) != 1 || d.attempt(path).State != verification.Started {
			t.Errorf("the officer's account follows the officer: %d, %d on record", w.Code, d.tried(boss))
		}
		if w := worker.look(path, item("document")); w.Code != 200 {
			t.Fatalf("looked: %d", w.Code)
		}
		if w := worker.post(path+"/refuse", "flaw", "ugly"); w.Code != 422 {
			t.Errorf("a flaw that there isn't: %d", w.Code)
		}
		if w := worker.post(path+"/refuse", "flaw", "unreadable"); w.Code != 303 || d.attempt(path).State != verification.Failed {
			t.Errorf("refused: %d", w.Code)
		}
		// Whom the officer has let in isn't somebody else.
		made := d.hire(staff.Manager)
		d.Do(func(ctx context.Context, tx *db.Tx) error {
			return tx.Queue(ctx, `INSERT INTO person_maker (person, maker) VALUES ($1, $2)`, made.ID, boss.ID)
		})
		path, m := d.paper(scanned(t)), d.browser(made.Secret)
		for _, in := range []*browser{b, m} {
			if w := in.look(path, item("document")); w.Code != 200 {
				t.Fatalf("looked: %d", w.Code)
			}
		}
		if w := b.post(path + "/approve"); w.Code != 303 {
			t.Fatalf("the first: %d", w.Code)
		}
		if w := m.post(path + "/approve"); w.Code != 403 || d.tried(made) != 1 {
			t.Errorf("who was made by the first: %d, %d on record", w.Code, d.tried(made))
		}
		// A PDF isn't shown here, and nobody has looked.
		pdf := d.paper(scanned(t), "%PDF-1.7 nothing in it")
		if page := b.get(pdf).Body.String(); !strings.Contains(page, "wardkeep verification show") || strings.Contains(page, pdf+"/view") {
			t.Errorf("a PDF: %s", page)
		}
		if w := b.look(pdf, item("document")); w.Code != 422 || strings.Contains(w.Body.String(), "%PDF") || len(d.attempt(pdf).Seen) != 0 {
			t.Errorf("a PDF: %d", w.Code)
		}
	})
}

// Article 15, as an administrator with somebody's cookie would try: who isn't of the
// service, runs the system, audits it, or showed too long ago who they are, gets no
// further, and that they tried is on record.
func TestArticle15_TheQueuesAreOfWhoMay(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		suspect, paper := d.suspect("player-1"), d.paper(scanned(t))
		worker := d.hire(staff.Worker)
		mine := d.browser(worker.Secret)
		if w := mine.post(suspect + "/take"); w.Code != 303 {
			t.Fatalf("taken: %d", w.Code)
		}
		tries := map[string]func(b *browser) *httptest.ResponseRecorder{
			"take":    func(b *browser) *httptest.ResponseRecorder { return b.post(suspect + "/take") },
			"hand":    func(b *browser) *httptest.ResponseRecorder { return b.post(suspect+"/hand", "to", worker.ID) },
			"decide":  func(b *browser) *httptest.ResponseRecorder { return b.post(suspect+"/decide", "outcome", "withdrawn") },
			"look":    func(b *browser) *httptest.ResponseRecorder { return b.look(paper, item("document")) },
			"approve": func(b *browser) *httptest.ResponseRecorder { return b.post(paper + "/approve") },
			"refuse":  func(b *browser) *httptest.ResponseRecorder { return b.post(paper+"/refuse", "flaw", "doubtful") },
		}
		for _, in := range []*signintest.Insider{d.elsewhere(staff.Worker), d.elsewhere(staff.Manager), d.hire(staff.Engineer), d.hire(staff.Auditor)} {
			b := d.browser(in.Secret)
			for name, try := range tries {
				before := d.tried(in)
				if w := try(b); w.Code != 403 || d.tried(in) != before+1 || bytes.Contains(w.Body.Bytes(), []byte("PNG")) || strings.Contains(w.Body.String(), "player-1") {
					t.Errorf("%s tries to %s: %d, %d on record", in.Session.Person.Grants[0].Role, name, w.Code, d.tried(in)-before)
				}
			}
			sees := staff.RuleOf(staff.SeeSuspicions).Allows(in.Session.Person.Grants[0].Role) && in.Session.Person.Grants[0].Service == vaulttest.Service
			for _, at := range []string{suspect, paper} {
				if w := b.get(at); (w.Code == 200) != sees || w.Code != 200 && w.Code != 403 && w.Code != 404 {
					t.Errorf("%s, as %s: %d", at, in.Session.Person.Grants[0].Role, w.Code)
				}
			}
			for list, path := range map[string]string{"/console/suspicions": suspect, "/console/evidence": paper} {
				if page := b.get(list).Body.String(); strings.Contains(page, path) != sees {
					t.Errorf("%s, as %s: %s", list, in.Session.Person.Grants[0].Role, page)
				}
			}
			if w := b.post("/console/search", "q", lastOf(suspect)); (w.Code == 303) != sees {
				t.Errorf("searched by %s: %d", in.Session.Person.Grants[0].Role, w.Code)
			}
		}
		// What there isn't, or is another's, isn't found under another name either.
		for name, w := range map[string]*httptest.ResponseRecorder{
			"a suspicion of nobody":     mine.post("/console/suspicions/" + vaulttest.Service + "/sp_00000000000000000000000000/take"),
			"a name that is none":       mine.post("/console/suspicions/" + vaulttest.Service + "/%27%20OR%201=1/take"),
			"a document as a suspicion": mine.post("/console/suspicions/" + vaulttest.Service + "/" + lastOf(paper) + "/take"),
			"a document of nobody":      mine.post("/console/evidence/" + vaulttest.Service + "/ve_00000000000000000000000000/approve"),
			"a picture of nobody":       mine.look("/console/evidence/"+vaulttest.Service+"/ve_00000000000000000000000000", item("document")),
			"a suspicion as a document": mine.post("/console/evidence/" + vaulttest.Service + "/" + lastOf(suspect) + "/refuse"),
		} {
			if w.Code != 404 {
				t.Errorf("%s: %d", name, w.Code)
			}
		}
		if w := mine.post("/console/evidence/another/" + lastOf(paper) + "/approve"); w.Code != 403 {
			t.Errorf("under another service: %d", w.Code)
		}
		// A picture is asked for by its page, and of the document alone.
		for name, form := range map[string]url.Values{"another item": item("page"), "more": {"item": {"document"}, "watermark": {"off"}}, "two": {"item": {"document", "document"}}} {
			before := d.tried(worker)
			if w := mine.look(paper, form); w.Code != 422 || d.tried(worker) != before+1 {
				t.Errorf("%s: %d", name, w.Code)
			}
		}
		if w := mine.do("POST", paper+"/view", item("document")); w.Code != 403 || bytes.Contains(w.Body.Bytes(), []byte("PNG")) {
			t.Errorf("as a page of its own: %d", w.Code)
		}
		// No address has a document, whoever loads it, and who looks for one is on record.
		for at, status := range map[string]int{paper + "/view?item=document": 422, paper + "/view?watermark=off": 422, paper + "/view/document": 404, paper + "/document.png": 404,
			"/console/evidence/another/" + lastOf(paper) + "/view": 404, "/console/evidence/" + vaulttest.Service + "/" + lastOf(suspect): 404,
			"/console/suspicions/another/" + lastOf(suspect): 404, "/console/takedowns/" + vaulttest.Service + "/" + lastOf(suspect): 404} {
			before := d.tried(worker)
			if w := mine.get(at); w.Code != status || strings.HasPrefix(w.Header().Get("Content-Type"), "image/") || d.tried(worker) != before+1 {
				t.Errorf("%s: %d, %d on record", at, w.Code, d.tried(worker)-before)
			}
		}
		if len(d.attempt(paper).Seen) != 0 {
			t.Error("somebody has looked")
		}
		d.Pass(signin.Fresh)
		for name, try := range tries {
			if w := try(mine); outcome(w) != toAgain {
				t.Errorf("not fresh, to %s: %d", name, w.Code)
			}
		}
		for _, at := range []string{suspect, paper} {
			if page := mine.get(at).Body.String(); strings.Contains(page, `<form method="post" action="`+at) {
				t.Errorf("who isn't fresh is offered something: %s", at)
			}
		}
		d.audited()
	})
}

// A list has pages, each row once, in the order of its clock, and what it holds is in the
// file.
func TestTheQueuesHavePagesAndFiles(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		var suspects, contents, papers []string
		for i := range 45 {
			suspects, contents = append(suspects, d.suspect(fmt.Sprint("player-", i))), append(contents, d.harmful(fmt.Sprint("player-", i)))
			d.Pass(time.Minute)
		}
		for range 3 {
			papers = append(papers, d.paper(scanned(t)))
		}
		d.Do(func(ctx context.Context, tx *db.Tx) error { // some wait for the second of two
			_, err := tx.Exec(ctx, `UPDATE verification SET first = $1 WHERE id = $2`, d.Officer.ID, lastOf(papers[1]))
			return err
		})
		b := d.browser(d.hire(staff.Worker).Secret)
		walk := func(at string, want []string) {
			t.Helper()
			var got []string
			list, _, _ := strings.Cut(at, "?")
			for range 10 {
				page := b.get(at).Body.String()
				for _, part := range strings.Split(page, `<th scope="row"><a href="`)[1:] {
					path, _, _ := strings.Cut(part, "?")
					got = append(got, path)
				}
				next := goesOn.FindStringSubmatch(page)
				if next == nil {
					break
				}
				at = list + strings.ReplaceAll(next[1], "&amp;", "&")
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s: %d rows, want %d", at, len(got), len(want))
			}
		}
		var sorted []string
		d.Do(func(ctx context.Context, tx *db.Tx) error {
			all, err := suspicion.Waiting(ctx, tx, vaulttest.Service, 100)
			for _, s := range all {
				sorted = append(sorted, "/console/suspicions/"+vaulttest.Service+"/"+s.ID)
			}
			if err != nil {
				return err
			}
			reported, err := takedown.Waiting(ctx, tx, vaulttest.Service, 100)
			for i, c := range reported {
				contents[i] = "/console/takedowns/" + vaulttest.Service + "/" + c.ID
			}
			return err
		})
		walk("/console/suspicions?lang=en", sorted)
		walk("/console/suspicions?lang=en&source=signal", sorted)
		walk("/console/suspicions?lang=en&source=parent", nil)
		walk("/console/suspicions?lang=en&service=another", nil)
		walk("/console/takedowns?lang=en", contents)
		walk("/console/takedowns?lang=en&harm=picture", nil)
		walk("/console/evidence?lang=en", papers)
		walk("/console/evidence?lang=en&waits=second", papers[1:2])
		for list, rows := range map[string]int{"suspicions": len(suspects), "takedowns": len(contents), "evidence": len(papers)} {
			file := b.post("/console/"+list+"/csv?lang=en", "filter", "")
			all := rowsOf(t, file.Body.Bytes())
			if file.Code != http.StatusOK || len(all) != rows+1 || strings.Contains(file.Body.String(), "player-") {
				t.Errorf("%s: %d, %d rows", list, file.Code, len(all))
			}
		}
	})
}

// The pages as they are sent: empty, before, and after.
func TestPagesOfTheQueues(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		o := &office{desk: d, ref: "player-1"}
		worker := d.browser(d.hire(staff.Worker).Secret)
		o.check("suspicions-empty", worker, "/console/suspicions")
		o.check("evidence-empty", worker, "/console/evidence")
		o.check("suspicion_new", worker, "/console/suspicions/new")
		suspect := d.suspect("player-1")
		o.check("suspicion-open", worker, suspect)
		worker.post(suspect + "/take")
		o.check("suspicions", worker, "/console/suspicions")
		o.check("suspicion", worker, suspect)
		worker.post(suspect+"/decide", "outcome", "not_a_child", "basis", "official_check")
		o.check("suspicion-decided", worker, suspect)
		paper := d.paper(scanned(t))
		a := d.attempt(paper)
		d.Do(func(ctx context.Context, tx *db.Tx) error {
			c, err := family.Find(ctx, tx, vaulttest.Service, a.Child)
			if err != nil {
				return err
			}
			ref, err := c.Ref(d.Ring)
			o.ref = ref.Reveal()
			return err
		})
		o.check("document-unseen", worker, paper)
		o.check("document_view", worker, paper+"/view")
		worker.look(paper, item("document"))
		o.check("document", worker, paper)
		worker.post(paper + "/approve")
		o.check("evidence", worker, "/console/evidence")
		o.check("document-first", worker, paper)
		worker.post(paper+"/refuse", "flaw", "doubtful")
		o.check("document-over", worker, paper)
	})
}
