package console_test

import (
	"context"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/base/workday"
	"wardkeep/internal/signin"
	"wardkeep/internal/signin/signintest"
	"wardkeep/internal/staff"
	"wardkeep/internal/takedown"
	"wardkeep/internal/vault/vaulttest"
)

// harmful reports published content, and returns the path of the case.
func (d *desk) harmful(ref string) (path string) {
	d.T.Helper()
	d.Do(func(ctx context.Context, tx *db.Tx) error {
		c, _, err := takedown.Report(ctx, tx, d.Ring, workday.Default(), d.App, pii.New(ref), takedown.User, takedown.Identifiers)
		path = "/console/takedowns/" + vaulttest.Service + "/" + c.ID
		return err
	})
	return path
}

// Article 4: a reported content is somebody's, who is led to it and decides; it comes down
// when the app says so, and stays on a ground. Nobody else is told what it is called, and
// who may not do that gets no further, which is on record (Article 15).
func TestArticle4_ATakedownIsTakenAndDecidedAtTheConsole(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		const ref, address = "post-77-小鱼", "/console/takedowns/new"
		d.console.Calendar = workday.Default()
		path := d.harmful(ref)
		number := id.NumberOf(lastOf(path))
		first, second := d.hire(staff.Worker), d.hire(staff.Manager)
		one, two, auditor := d.browser(first.Secret), d.browser(second.Secret), d.browser(d.hire(staff.Auditor).Secret)
		for at, b := range map[string]*browser{"/console/takedowns": one, "/console/takedowns?owner=nobody": two, "/console/takedowns?harm=identifiers&source=user": auditor, "/console/due": auditor} {
			if page := b.get(at).Body.String(); !strings.Contains(page, path+"?") || !strings.Contains(page, number) || strings.Contains(page, ref) {
				t.Errorf("%s: %s", at, page)
			}
		}
		for _, at := range []string{"/console/takedowns?harm=picture", "/console/takedowns?source=authority", "/console/takedowns?service=another", "/console/takedowns?stands=closed"} {
			if page := one.get(at).Body.String(); strings.Contains(page, path+"?") {
				t.Errorf("%s has it", at)
			}
		}
		for _, b := range []*browser{one, auditor} {
			if page := b.get(path).Body.String(); strings.Contains(page, ref) || strings.Contains(page, path+"/decide") || strings.Contains(page, path+"/take") == (b == auditor) {
				t.Errorf("before anybody has taken it: %s", page)
			}
		}
		if w := one.post(path+"/decide", "outcome", "take_down"); w.Code != 409 || d.tried(first) != 1 {
			t.Errorf("decided by who doesn't know the content: %d, %d on record", w.Code, d.tried(first))
		}
		if w := one.post(path + "/take"); w.Code != 303 {
			t.Fatalf("taken: %d %s", w.Code, w.Body)
		}
		if page := one.get(path).Body.String(); !strings.Contains(page, ref) || !strings.Contains(page, path+"/decide") {
			t.Errorf("who looks after it isn't led to the content: %s", page)
		}
		if page := two.get(path).Body.String(); strings.Contains(page, ref) || strings.Contains(page, path+"/decide") || !strings.Contains(page, "某staff") {
			t.Errorf("who doesn't look after it sees %s", page)
		}
		if w := two.post(path + "/take"); w.Code != 303 {
			t.Fatalf("taken over: %d", w.Code)
		}
		if w := one.post(path+"/decide", "outcome", "take_down"); w.Code != 409 || strings.Contains(w.Body.String(), ref) {
			t.Errorf("decided by who did look after it: %d", w.Code)
		}
		for name, form := range map[string][]string{"no ground": {"outcome", "stays"}, "no outcome": {}, "lapsed by hand": {"outcome", "lapsed"}, "a ground of something else": {"outcome", "take_down", "ground", "no_child"}} {
			if w := two.post(path+"/decide", form...); w.Code != 422 || !strings.Contains(w.Body.String(), `id="problem"`) {
				t.Errorf("%s: %d", name, w.Code)
			}
		}
		if w := two.post(path+"/decide", "outcome", "take_down"); w.Code != 303 {
			t.Fatalf("decided: %d %s", w.Code, w.Body)
		}
		if page := two.get(path + "?lang=en").Body.String(); !strings.Contains(page, ref) || strings.Contains(page, path+"/decide") || !strings.Contains(page, i18n.English.T("console.takedown.next.ordered")) {
			t.Errorf("it has to come down: %s", page)
		}
		d.audited()
		d.Do(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := takedown.Done(ctx, tx, d.App, lastOf(path))
			return err
		})
		if page := two.get(path + "?lang=en").Body.String(); strings.Contains(page, ref) || !strings.Contains(page, i18n.English.T("console.takedowns.became.take_down")) {
			t.Errorf("it is down: %s", page)
		}
		for _, q := range []string{number, lastOf(path)} {
			if w := auditor.post("/console/search", "q", q); !strings.HasPrefix(w.Header().Get("Location"), path+"?") {
				t.Errorf("%s leads to %q", q, w.Header().Get("Location"))
			}
		}

		// Somebody of the staff reports one, and sees it as any other does.
		send := func(b *browser, pairs ...string) *httptest.ResponseRecorder {
			form := url.Values{"service": {vaulttest.Service}, "ref": {ref}, "source": {"authority"}, "harm": {"picture"}}
			for i := 0; i+1 < len(pairs); i += 2 {
				form.Set(pairs[i], pairs[i+1])
			}
			return b.do("POST", address, form)
		}
		for name, w := range map[string]*httptest.ResponseRecorder{
			"no content": send(one, "ref", ""), "two lines": send(one, "ref", "a\nb"), "by a search": send(one, "source", "screening"), "by nobody": send(one, "source", ""), "no harm": send(one, "harm", "none"),
		} {
			if w.Code != 422 || !strings.Contains(w.Body.String(), `id="problem"`) {
				t.Errorf("%s: %d", name, w.Code)
			}
		}
		for name, w := range map[string]*httptest.ResponseRecorder{"of another service": send(one, "service", "another"), "by an auditor": send(auditor)} {
			if outcome(w) != mayNot {
				t.Errorf("%s: %d", name, w.Code)
			}
		}
		w := send(one)
		again, _, _ := strings.Cut(w.Header().Get("Location"), "?")
		if w.Code != 303 || !strings.HasPrefix(again, "/console/takedowns/"+vaulttest.Service+"/td_") || strings.Contains(one.get(again).Body.String(), ref) {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		if w := send(two); w.Code != 409 {
			t.Errorf("twice: %d", w.Code)
		}
		one.post(again + "/take")
		if w := one.post(again+"/decide", "outcome", "stays", "ground", "harmless"); w.Code != 303 {
			t.Fatalf("may stay: %d %s", w.Code, w.Body)
		}
		if page := one.get(again + "?lang=en").Body.String(); strings.Contains(page, ref) || !strings.Contains(page, i18n.English.T("console.takedowns.ground.harmless")) {
			t.Errorf("it may stay: %s", page)
		}
		for who, n := range map[*signintest.Insider]int{first: 4, second: 2} {
			if got := (&office{desk: d}).written(who, takedown.KindOpened, takedown.KindTaken, takedown.KindDecided); got != n {
				t.Errorf("%d entries, want %d", got, n)
			}
		}
		if file := one.post("/console/takedowns/csv?lang=en", "filter", "stands=closed"); len(rowsOf(t, file.Body.Bytes())) != 3 || strings.Contains(file.Body.String(), ref) {
			t.Errorf("the file: %d %s", file.Code, file.Body)
		}

		// Who isn't of the service, runs the system, or showed too long ago who they are.
		third := d.harmful("post-78")
		for _, in := range []struct {
			role  staff.Role
			there bool
		}{{staff.Worker, false}, {staff.Engineer, true}, {staff.Auditor, true}} {
			who := d.hire(in.role)
			if !in.there {
				who = d.elsewhere(in.role)
			}
			b := d.browser(who.Secret)
			for _, w := range []*httptest.ResponseRecorder{b.post(third + "/take"), b.post(third+"/decide", "outcome", "withdrawn")} {
				if w.Code != 403 {
					t.Errorf("%s: %d", in.role, w.Code)
				}
			}
			if d.tried(who) != 2 {
				t.Errorf("%s: %d on record", in.role, d.tried(who))
			}
			if w := b.get(third); (w.Code == 200) != (in.role == staff.Auditor) {
				t.Errorf("%s sees: %d", in.role, w.Code)
			}
		}
		if w := one.post("/console/takedowns/" + vaulttest.Service + "/td_00000000000000000000000000/take"); w.Code != 404 {
			t.Errorf("a case of nobody: %d", w.Code)
		}
		d.Pass(signin.Fresh)
		if w := one.post(third + "/take"); outcome(w) != toAgain {
			t.Errorf("not fresh: %d", w.Code)
		}
		if page := one.get(third).Body.String(); strings.Contains(page, `<form method="post" action="`+third) {
			t.Error("who isn't fresh is offered something")
		}
		if all := d.log.String(); strings.Contains(all, ref) {
			t.Errorf("the log says %s", all)
		}
		d.audited()
	})
}

// The pages as they are sent: empty, before, and after.
func TestPagesOfTakedowns(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.console.Calendar = workday.Default()
		o := &office{desk: d, ref: "post-1"}
		worker := d.browser(d.hire(staff.Worker).Secret)
		o.check("takedowns-empty", worker, "/console/takedowns")
		o.check("takedown_new", worker, "/console/takedowns/new")
		path := d.harmful("post-1")
		o.check("takedown-open", worker, path)
		worker.post(path + "/take")
		o.check("takedowns", worker, "/console/takedowns")
		o.check("takedown", worker, path)
		worker.post(path+"/decide", "outcome", "take_down")
		o.check("takedown-ordered", worker, path)
		d.Do(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := takedown.Done(ctx, tx, d.App, lastOf(path))
			return err
		})
		o.check("takedown-down", worker, path)
		d.Pass(time.Minute)
		stays := d.harmful("post-1")
		worker.post(stays + "/take")
		worker.post(stays+"/decide", "outcome", "stays", "ground", "permitted")
		o.check("takedown-stays", worker, stays)
	})
}
