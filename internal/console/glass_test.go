package console_test

import (
	"context"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/family"
	"wardkeep/internal/gate"
	"wardkeep/internal/signin/signintest"
	"wardkeep/internal/staff"
	"wardkeep/internal/vault/vaulttest"
)

var reviewedRequest = regexp.MustCompile(`/console/reviews/[^"?/]+/[^"?]*`)

const urgentPath = "/console/urgent/new/" + vaulttest.Service + "/" + purpose

// urges is the form by which somebody asks for what can't wait.
func (o *office) urges() url.Values {
	form := o.asking()
	form.Set("reason", "safety")
	form.Set("words", "孩子走失，找不到人审批")
	form.Set("minutes", "10")
	return form
}

// urged asks, and returns the path of the request.
func (o *office) urged(b *browser) string {
	o.T.Helper()
	w := b.do("POST", urgentPath, o.urges())
	path, _, _ := strings.Cut(w.Header().Get("Location"), "?")
	if w.Code != 303 || !strings.HasPrefix(path, "/console/access/requests/") {
		o.T.Fatalf("asked: %d %s", w.Code, w.Body)
	}
	return path
}

// allowed has a look of the worker's granted, whatever its pages let it ask for.
func (o *office) allowed() string {
	o.T.Helper()
	desk := approval.Desk{Ring: o.Ring, Charters: o.Vault.Gate.Charters}
	var r approval.Request
	o.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		if r, _, err = desk.Ask(ctx, tx, o.worker.Session.Person, o.child, approval.Asking{Purpose: purpose, Items: []string{"nickname"}, Reason: approval.ForSupport, Text: pii.New("x")}); err == nil {
			_, _, err = desk.Decide(ctx, tx, o.manager.Session.Person, vaulttest.Service, r.ID, approval.Decision{Verdict: approval.Granted, Reason: approval.Needed})
		}
		return err
	})
	return "/console/access/requests/" + r.Service + "/" + r.ID
}

func reviewOf(path string) string {
	return strings.Replace(path, "/console/access/requests/", "/console/reviews/", 1)
}

// again signs somebody in anew: time has passed.
func (o *office) again(in *signintest.Insider) *browser {
	o.T.Helper()
	b := o.browser("")
	if w := b.enter(in, in.Code()); w.Code != 303 {
		o.T.Fatalf("in again: %d", w.Code)
	}
	return b
}

// Article 15: two open it without the office, it is reviewed within a day, or both accounts are
// suspended, which is said wherever they go.
func TestArticle15_AnEmergencyFromTheAskToTheReview(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		o := d.office()
		officer := d.hire(staff.Officer)
		boss := d.browser(officer.Secret)
		suspended := template(i18n.English.T("console.suspended"))
		if page := o.asks.get("/console/access/new?lang=en").Body.String(); !strings.Contains(page, urgentPath) {
			t.Error("who may ask isn't led to it")
		}
		path := o.urged(o.asks)
		r := o.request(path)
		if !r.Glass || r.Minutes != 10 {
			t.Errorf("%+v", r)
		}
		if page := o.asks.get(path + "?lang=en").Body.String(); !strings.Contains(page, r.Number) || strings.Contains(page, "/join") || strings.Contains(page, path+"/view") {
			t.Error("who asks isn't told whom to call, or can go on alone")
		}
		if page := o.decides.get("/console/decisions").Body.String(); strings.Contains(page, path) {
			t.Error("it waits for a decision")
		}
		list := o.other.get("/console/urgent?lang=en").Body.String()
		if !strings.Contains(o.other.get("/console?lang=en").Body.String(), i18n.English.T("console.home.join")) || strings.Contains(o.asks.get("/console?lang=en").Body.String(), i18n.English.T("console.home.join")) {
			t.Error("whoever may join isn't told where they begin, or who asks is")
		}
		if !strings.Contains(list, path) || strings.Contains(list, o.ref) || strings.Contains(o.asks.get("/console/urgent").Body.String(), path) {
			t.Error("whoever may join doesn't find it, or who asks does")
		}
		page := o.other.get(path + "?lang=zh-CN").Body.String()
		for _, wants := range []string{o.ref, "孩子走失，找不到人审批", path + "/join"} {
			if !strings.Contains(page, wants) {
				t.Errorf("who joins isn't told %q", wants)
			}
		}
		if w := o.other.post(path + "/join"); w.Code != 303 {
			t.Fatalf("joined: %d %s", w.Code, w.Body)
		}
		if n := o.written(o.second, approval.KindBroken); n != 1 {
			t.Errorf("%d entries", n)
		}
		if w := o.asks.look(path, item("nickname")); w.Code != 200 {
			t.Errorf("looks: %d %s", w.Code, w.Body)
		}
		if page := o.other.get(path).Body.String(); strings.Contains(page, path+"/view") {
			t.Error("who has joined is led to the values")
		}

		// The office hears of it, and says nothing in time.
		at := reviewOf(path)
		if page := boss.get("/console/reviews?lang=en").Body.String(); !strings.Contains(page, at) {
			t.Error("the office isn't shown it")
		}
		if page := boss.get("/console?lang=en").Body.String(); !strings.Contains(page, i18n.English.T("console.home.review")) {
			t.Error("the office isn't told where it begins")
		}
		for name, b := range map[string]*browser{"one of the two": o.asks, "a manager": o.decides} {
			if w := b.get(at); outcome(w) != mayNot {
				t.Errorf("%s reads the review: %d", name, w.Code)
			}
		}
		d.Pass(approval.ReviewIn)
		o.asks, o.other, boss = o.again(o.worker), o.again(o.second), o.again(officer)
		for _, b := range []*browser{o.asks, o.other} {
			for at, code := range map[string]int{"/console": 200, "/console/access": 403, "/console/urgent": 403, path: 403} {
				if w := b.get(at + "?lang=en"); w.Code != code || !strings.Contains(w.Body.String(), suspended) || strings.Contains(w.Body.String(), o.ref) {
					t.Errorf("%s doesn't say why nothing is shown: %d", at, w.Code)
				}
			}
			if page := b.get("/console/account").Body.String(); strings.Contains(page, `href="/console/access`) {
				t.Error("the menu leads to what is shut")
			}
		}
		if w := o.asks.do("POST", urgentPath+"?lang=en", o.urges()); w.Code != 403 || !strings.Contains(w.Body.String(), suspended) {
			t.Errorf("another one: %d", w.Code)
		}
		if w := o.asks.post("/console/search", "q", o.ref); w.Code != 403 || o.written(o.worker, approval.KindSearched) != 0 {
			t.Errorf("looks for the child: %d", w.Code)
		}
		if n := o.written(o.worker, staff.KindTried); n == 0 {
			t.Error("that somebody tried isn't recorded")
		}
		o.decides = o.again(o.manager)
		next := o.allowed()
		if w := o.asks.look(next, item("nickname")); w.Code != 403 || !strings.Contains(w.Body.String(), i18n.Chinese.T("gate.approval_suspended")) {
			t.Errorf("looks while it is late: %d %s", w.Code, w.Body)
		}
		for name, c := range map[string]struct {
			finding, words, code string
		}{
			"no finding": {"", "好", "approval.review_unknown"},
			"no words":   {"rightful", " ", "approval.text_invalid"},
			"too many":   {"rightful", strings.Repeat("字", 501), "approval.text_invalid"},
		} {
			if w := boss.post(at+"?lang=en", "finding", c.finding, "words", c.words); w.Code != 422 || !strings.Contains(w.Body.String(), template(i18n.English.T(c.code))) {
				t.Errorf("%s: %d", name, w.Code)
			}
		}
		if w := boss.post(at, "finding", "rightful", "words", "走失属实，只看了名字"); w.Code != 303 {
			t.Fatalf("reviewed: %d %s", w.Code, w.Body)
		}
		if page := boss.get(at).Body.String(); !strings.Contains(page, "走失属实，只看了名字") || strings.Contains(page, `name="finding"`) {
			t.Error("the review isn't there, or can be written again")
		}
		if page := o.asks.get(path).Body.String(); strings.Contains(page, "走失属实，只看了名字") || !strings.Contains(page, i18n.Chinese.T("console.finding.rightful")) {
			t.Error("the two aren't told the finding, or read the words")
		}
		if w := boss.post(at, "finding", "wrongful", "words", "再想想"); w.Code != 409 {
			t.Errorf("twice: %d", w.Code)
		}
		if page := o.asks.get("/console?lang=en").Body.String(); strings.Contains(page, suspended) {
			t.Error("the suspension is still said")
		}
		if w := o.asks.look(next, item("nickname")); w.Code != 200 {
			t.Errorf("looks once it is reviewed: %d %s", w.Code, w.Body)
		}
		if all := d.log.String(); strings.Contains(all, nickname) || strings.Contains(all, o.ref) || strings.Contains(all, "走失") {
			t.Errorf("the log says %s", all)
		}

		// Of a child that is gone who, when and the finding are kept.
		gone := o.urged(o.asks)
		if w := o.other.post(gone + "/join"); w.Code != 303 {
			t.Fatalf("joined: %d", w.Code)
		}
		d.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := d.Vault.Erase(ctx, tx, "test", vaulttest.Service, o.child.ID, family.Requested)
			return err
		})
		if page := boss.get(reviewOf(gone) + "?lang=en").Body.String(); !strings.Contains(page, template(i18n.English.T("console.review.gone_what"))) {
			t.Error("that the child is gone isn't said")
		}
		if w := boss.post(reviewOf(gone), "finding", "wrongful", "words", "可以等"); w.Code != 303 {
			t.Errorf("its child is gone: %d", w.Code)
		}
	})
}

// Invariant 11: nobody opens a window alone, nor reviews their own; and who tried is in
// the ledger.
func TestInvariant11_NobodyBreaksTheGlassAlone(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		o := d.office()
		officer, deputy := d.hire(staff.Officer), d.hire(staff.Deputy)
		boss := d.browser(officer.Secret)
		normal, urgent := o.asked(o.asks), o.urged(o.asks)
		engineer := d.hire(staff.Engineer)
		builds := d.browser(engineer.Secret)
		tries := []struct {
			name   string
			by     *signintest.Insider
			does   func() *httptest.ResponseRecorder
			status int
			code   string
			writes string
		}{
			{"joins one's own", o.worker, func() *httptest.ResponseRecorder { return o.asks.post(urgent + "/join") }, 403, "approval.self", staff.KindTried},
			{"the officer joins", officer, func() *httptest.ResponseRecorder { return boss.post(urgent + "/join") }, 403, "approval.in_office", staff.KindTried},
			{"the officer asks for one", officer, func() *httptest.ResponseRecorder { return boss.do("POST", urgentPath, o.urges()) }, 403, "approval.in_office", staff.KindTried},
			{"an engineer joins", engineer, func() *httptest.ResponseRecorder { return builds.post(urgent + "/join") }, 403, "staff.may_not", staff.KindTried},
			{"it is decided about", officer, func() *httptest.ResponseRecorder {
				return boss.post(urgent+"/decide", "verdict", "granted", "reason", "needed")
			}, 409, "approval.glass", ""},
			{"what waits for a decision is joined", o.second, func() *httptest.ResponseRecorder { return o.other.post(normal + "/join") }, 404, "approval.not_found", staff.KindTried},
			{"looks before anybody has joined", o.worker, func() *httptest.ResponseRecorder { return o.asks.look(urgent, item("nickname")) }, 403, "gate.denied", gate.KindDenied},
			{"reviews what nobody has opened", officer, func() *httptest.ResponseRecorder {
				return boss.post(reviewOf(urgent), "finding", "rightful", "words", "好")
			}, 404, "approval.not_found", ""},
			{"one of the two reviews", o.worker, func() *httptest.ResponseRecorder {
				return o.asks.post(reviewOf(urgent), "finding", "rightful", "words", "好")
			}, 403, "staff.may_not", staff.KindTried},
		}
		for _, try := range tries {
			before := 0
			if try.writes != "" {
				before = o.written(try.by, try.writes)
			}
			d.log.Reset()
			w := try.does()
			if w.Code != try.status || !strings.Contains(d.log.String(), "code="+try.code) || strings.Contains(w.Body.String(), nickname) {
				t.Errorf("%s: %d, want %d (%s)", try.name, w.Code, try.status, d.log)
			}
			if try.writes != "" && o.written(try.by, try.writes) != before+1 {
				t.Errorf("%s: it isn't recorded", try.name)
			}
		}
		// The deputy reviews as the officer does; who was one of the two by a role of before doesn't.
		if w := o.other.post(urgent + "/join"); w.Code != 303 {
			t.Fatalf("joined: %d", w.Code)
		}
		d.Do(func(ctx context.Context, tx *db.Tx) error {
			g, err := staff.OfOffice(ctx, tx, vaulttest.Service, deputy.Session.Person.Grants[0].Office)
			if err == nil {
				_, err = staff.Leave(ctx, tx, signintest.By, deputy.ID)
			}
			if err == nil {
				_, err = staff.Take(ctx, tx, signintest.By, o.second.ID, staff.Grant{Role: staff.Worker, Service: vaulttest.Service})
			}
			if err == nil {
				_, err = staff.Give(ctx, tx, signintest.By, o.second.ID, g)
			}
			return err
		})
		if page := o.other.get(reviewOf(urgent) + "?lang=en").Body.String(); !strings.Contains(page, i18n.English.T("console.review.mine")) {
			t.Error("who was one of the two is offered to review")
		}
		before := o.written(o.second, staff.KindTried)
		if w := o.other.post(reviewOf(urgent), "finding", "rightful", "words", "好"); w.Code != 403 || o.written(o.second, staff.KindTried) != before+1 {
			t.Errorf("who was one of the two reviews: %d", w.Code)
		}
		d.Pass(time.Duration(approval.Defaults.GlassMinutes) * time.Minute)
		if w := o.again(o.worker).look(urgent, item("nickname")); w.Code != 403 {
			t.Errorf("after the minutes: %d", w.Code)
		}
	})
}

// The pages of emergencies are as they were: make golden writes them again.
func TestPagesOfEmergencies(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		o := d.office()
		officer := d.hire(staff.Officer)
		boss := d.browser(officer.Secret)
		o.check("urgent-empty", o.asks, "/console/urgent")
		o.check("reviews-empty", boss, "/console/reviews")
		o.check("where-urgent", o.asks, "/console/urgent/new")
		o.check("ask-urgent", o.asks, urgentPath)
		path := o.urged(o.asks)
		o.check("urgent", o.other, "/console/urgent")
		for query, want := range map[string]bool{"": true, "?reason=safety": true, "?reason=support": false, "?service=other": false} {
			if page := o.other.get("/console/urgent" + query).Body.String(); strings.Contains(page, path) != want {
				t.Errorf("urgent%s: %v", query, !want)
			}
		}
		o.check("request-urgent", o.asks, path)
		o.check("request-join", o.other, path)
		o.other.post(path + "/join")
		o.check("request-broken", o.other, path)
		o.check("review", boss, reviewOf(path))
		d.Pass(approval.ReviewIn)
		o.asks, boss = o.again(o.worker), o.again(officer)
		o.check("home-suspended", o.asks, "/console")
		o.check("reviews", boss, "/console/reviews")
		boss.post(reviewOf(path), "finding", "wrongful", "words", "可以等到早上")
		o.check("review-done", boss, reviewOf(path))
		for query, want := range map[string]bool{"": true, "?finding=wrongful": true, "?finding=rightful": false, "?service=other": false} {
			if page := boss.get("/console/reviews" + query).Body.String(); strings.Contains(page, reviewOf(path)) != want {
				t.Errorf("reviews%s: %v", query, !want)
			}
			filter := strings.TrimPrefix(query, "?")
			if w := boss.post("/console/reviews/csv", "filter", filter); strings.Contains(w.Body.String(), vaulttest.Service) != want {
				t.Errorf("the file of reviews, %s: %d", filter, w.Code)
			}
		}
		o.check("reviews-done", boss, "/console/reviews")
		d.Do(func(ctx context.Context, tx *db.Tx) error { // the officer alone has let everybody in
			return tx.Queue(ctx, `UPDATE person_role SET granted_by = $1 WHERE office = ''`, officer.ID)
		})
		o.check("urgent-alone", o.asks, "/console/urgent")
		o.check("ask-urgent-alone", o.asks, urgentPath)
	})
}

// A long list of emergencies is read page by page.
func TestLongListsOfEmergenciesArePages(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		o := d.office()
		boss := d.browser(d.hire(staff.Officer).Secret)
		const many = 45
		both := approval.Desk{Ring: d.Ring, Charters: d.Vault.Gate.Charters}
		for range many {
			d.Do(func(ctx context.Context, tx *db.Tx) error {
				r, _, err := both.Ask(ctx, tx, o.worker.Session.Person, o.child, approval.Asking{Purpose: purpose, Items: []string{"nickname"}, Reason: approval.ForSafety, Text: pii.New("x"), Glass: true})
				if err == nil {
					_, _, err = both.Join(ctx, tx, o.second.Session.Person, vaulttest.Service, r.ID)
				}
				return err
			})
		}
		seen, from := make(map[string]bool), ""
		for pages := 1; ; pages++ {
			page := boss.get("/console/reviews?lang=en&from=" + from).Body.String()
			_, all, _ := strings.Cut(page, `id="all"`)
			for _, path := range reviewedRequest.FindAllString(all, -1) {
				if seen[path] {
					t.Errorf("%s is on two pages", path)
				}
				seen[path] = true
			}
			next := olderOnes.FindStringSubmatch(page)
			if next == nil {
				if len(seen) != many || pages != 3 {
					t.Errorf("%d windows on %d pages", len(seen), pages)
				}
				break
			}
			from = next[1]
		}
	})
}
