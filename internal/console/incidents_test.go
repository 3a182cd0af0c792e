package console_test

import (
	"context"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/family"
	"wardkeep/internal/family/age"
	"wardkeep/internal/incident"
	"wardkeep/internal/staff"
	"wardkeep/internal/vault/vaulttest"
)

// says reports whether a page has the words of a key.
func says(body, key string) bool { return strings.Contains(body, i18n.Chinese.T(key)) }

// Article 21: a case is opened at the console in one step, graded, told of and closed by those
// in office; nothing of what was written is shown before its reading is on record, and what it
// still lacks is named.
func TestArticle21_TheRoomOfACase(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		b := d.bureau()
		const at, words = "/console/incidents/new", "一份名单可以公开访问"
		b.check("incidents-empty", b.boss, "/console/incidents")
		b.check("incident_new", b.boss, at)
		if w := b.asks.get(at); w.Code != http.StatusForbidden {
			t.Errorf("a worker opens one: %d", w.Code)
		}
		if w := b.boss.post(at, "service", vaulttest.Service, "kind", "leaked", "item", "王小明", "words", words); w.Code != http.StatusUnprocessableEntity || !strings.Contains(w.Body.String(), words) {
			t.Errorf("of what the charter lacks: %d", w.Code)
		}
		runs := d.browser(d.hire(staff.Engineer).Secret)
		w := runs.post(at, "service", vaulttest.Service, "kind", "leaked", "suspected", "yes", "item", "voice, nickname", "children", "30", "words", words)
		if w.Code != http.StatusSeeOther {
			t.Fatalf("an engineer opens one: %d %s", w.Code, w.Body)
		}
		path, _, _ := strings.Cut(w.Header().Get("Location"), "?")
		again := []string{"service", vaulttest.Service, "kind", "leaked", "suspected", "yes", "item", "voice, nickname", "children", "30", "words", words}
		if w := runs.post(at, again...); w.Code != http.StatusSeeOther || !strings.HasPrefix(w.Header().Get("Location"), path) {
			t.Errorf("who presses twice is led to %s", w.Header().Get("Location"))
		}
		b.check("incidents", b.boss, "/console/incidents")
		if body := b.boss.get(path).Body.String(); !says(body, "console.incidents.plan_none") {
			t.Error("the room doesn't say that there is no plan")
		}
		plan := sheet{values: map[string]string{"officer": d.Officer.ID, "kind": "plan", "day": d.Store.Now().In(age.Zone).Format(time.DateOnly), "title": "泄露应急预案"}}
		if w := b.boss.sends(officeAt+"/records", plan); w.Code != http.StatusUnprocessableEntity {
			t.Errorf("a plan without its document: %d", w.Code)
		}
		plan.files = map[string]upload{"document": {"a.pdf", letter}}
		if w := b.boss.sends(officeAt+"/records", plan); w.Code != http.StatusSeeOther {
			t.Fatalf("a plan: %d %s", w.Code, w.Body)
		}
		there := regexp.MustCompile(officeAt + `/records/ro_[0-9a-z]{26}`)
		if body := b.boss.get(path).Body.String(); !strings.Contains(body, "泄露应急预案") || !there.MatchString(body) {
			t.Error("the room doesn't lead to the plan")
		} else if w := b.boss.post(there.FindString(body)); w.Code != http.StatusOK || w.Body.String() != letter {
			t.Errorf("the plan: %d", w.Code)
		}
		if body := runs.get(path).Body.String(); !strings.Contains(body, "泄露应急预案") || there.MatchString(body) {
			t.Error("an engineer is led to a paper of the office, or isn't told of the plan")
		}
		b.check("incident-open", b.boss, path)
		if body := b.boss.get("/console/due?kind=incident").Body.String(); !strings.Contains(body, path) {
			t.Error("it isn't among what is due")
		}
		if w := b.boss.post("/console/search", "q", lastOf(path)); w.Code != http.StatusSeeOther || !strings.HasPrefix(w.Header().Get("Location"), path) {
			t.Errorf("it isn't found: %d", w.Code)
		}
		read := func() (n int) {
			for _, p := range d.placed() {
				if p.Kind == incident.KindRead {
					n++
				}
			}
			return n
		}
		audits := d.browser(d.hire(staff.Auditor).Secret)
		for who, by := range map[string]*browser{"the officer": b.boss, "who audits": audits, "who has opened it": runs} {
			if w := by.get(path); w.Code != http.StatusOK || strings.Contains(w.Body.String(), words) {
				t.Errorf("%s sees unasked what was written: %d", who, w.Code)
			}
		}
		for who, by := range map[string]*browser{"who audits": audits, "an engineer": runs, "a worker": b.asks} {
			for _, form := range []string{"/words", "/note", "/grade", "/close"} {
				if w := by.post(path+form, "words", "x", "grade", "minor", "outcome", "unfounded"); w.Code != http.StatusForbidden {
					t.Errorf("%s: %s: %d", who, form, w.Code)
				}
			}
		}
		if w := b.decides.post(path+"/grade", "grade", "serious", "words", "x"); w.Code != http.StatusForbidden {
			t.Errorf("a manager grades: %d", w.Code)
		}
		if w := b.decides.post(path + "/words"); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), words) || read() != 1 {
			t.Errorf("a manager reads it: %d, %d on record", w.Code, read())
		}
		for _, step := range []struct {
			by    *browser
			form  string
			code  int
			pairs []string
		}{
			{b.boss, "/grade", 303, []string{"grade", "unclear", "words", "不清楚谁看过"}},
			{b.boss, "/grade", 409, []string{"grade", "minor", "words", "没有什么"}}, // edge case 21
			{b.decides, "/note", 403, []string{"step", "untold", "words", "没有必要"}},
			{b.decides, "/note", 303, []string{"step", "plan", "words", "已启动"}},
			{b.vice, "/note", 422, []string{"step", "unreported", "words", "没有必要"}}, // by no hand
			{b.vice, "/note", 303, []string{"step", "notice", "words", "已短信告知"}},
		} {
			if w := step.by.post(path+step.form, step.pairs...); w.Code != step.code {
				t.Errorf("%s %v: %d %s", step.form, step.pairs, w.Code, w.Body)
			}
		}
		b.check("incident-graded", b.boss, path)
		w = b.boss.post(path+"/close", "outcome", "reported", "words", "页面已关闭")
		if body := w.Body.String(); w.Code != http.StatusConflict || !says(body, "console.incidents.lacks.remedy") || !says(body, "console.incidents.lacks.report") || says(body, "console.incidents.lacks.plan") {
			t.Errorf("closed without remedies and report: %d %s", w.Code, w.Body)
		}
		b.boss.post(path+"/note", "step", "remedy", "words", "已办")
		b.tellsOf(path)
		if w := b.boss.post(path+"/close", "outcome", "reported", "words", "页面已关闭"); w.Code != http.StatusSeeOther {
			t.Fatalf("closed: %d %s", w.Code, w.Body)
		}
		b.check("incident-closed", b.boss, path)
		if n := strings.Count(b.boss.get(path).Body.String(), "<small>林静"); n != 2 {
			t.Errorf("%d times who has graded and closed it", n)
		}
		if w := b.boss.post(path+"/close", "outcome", "reported", "words", "x"); w.Code != http.StatusConflict {
			t.Errorf("closed again: %d", w.Code)
		}
		if w := audits.post("/console/incidents/csv", "filter", "stands=closed"); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "plan notice remedy report wrapped") || strings.Contains(w.Body.String(), words) {
			t.Errorf("as a file: %d %s", w.Code, w.Body)
		}
		b.stops()
		b.audited()
	})
}

// stops has a plan adopted, and something stopped from the room of a case that it starts; and of
// a drill nothing.
func (b *bureau) stops() {
	b.T.Helper()
	const at = "/console/incidents/new"
	plan := []string{"steps", "15 | 值班工程师 | 撤销密钥\n60｜负责人｜起草报告", "contacts", "网信办 | 电话", "critical", "yes"}
	if w := b.boss.post(officeAt+"/plan", "steps", "撤销密钥", "contacts", "x | y"); w.Code != http.StatusUnprocessableEntity || !strings.Contains(w.Body.String(), "撤销密钥") {
		b.T.Errorf("a plan without minutes: %d", w.Code)
	}
	if w := b.boss.post(officeAt+"/plan", plan...); w.Code != http.StatusSeeOther {
		b.T.Fatalf("a plan: %d %s", w.Code, w.Body)
	}
	if body := b.boss.get(officeAt).Body.String(); !strings.Contains(body, "15 | 值班工程师 | 撤销密钥") {
		b.T.Error("the office doesn't have its plan")
	}
	opened := func(more ...string) string {
		w := b.boss.post(at, append([]string{"service", vaulttest.Service, "kind", "leaked", "words", "又一份"}, more...)...)
		path, _, _ := strings.Cut(w.Header().Get("Location"), "?")
		if w.Code != http.StatusSeeOther {
			b.T.Fatalf("opened: %d %s", w.Code, w.Body)
		}
		return path
	}
	rotated := 0
	b.console.System.Rotate = func(context.Context) error { rotated++; return nil }
	path := opened()
	if body := b.boss.get(path).Body.String(); !strings.Contains(body, "起草报告") || !strings.Contains(body, "网信办") || !says(body, "console.incidents.tick") {
		b.T.Error("the room doesn't have the plan")
	}
	for _, one := range []struct {
		by    *browser
		form  string
		code  int
		pairs []string
	}{
		{b.decides, "/tick", 303, []string{"step", "0"}},
		{b.boss, "/tick", 409, []string{"step", "0"}},
		{b.boss, "/tick", 422, []string{"step", "2"}},
		{b.asks, "/tick", 403, []string{"step", "1"}},
		{b.decides, "/contain", 403, []string{"step", "revoked", "app", b.App.ID, "words", "x"}},
		{b.boss, "/contain", 422, []string{"step", "everything", "words", "x"}},
		{b.boss, "/contain", 422, []string{"step", "revoked", "app", b.App.ID}}, // without a reason nothing is stopped
		{b.boss, "/contain", 303, []string{"step", "revoked", "app", b.App.ID, "words", "密钥外泄"}},
		{b.boss, "/contain", 404, []string{"step", "revoked", "app", b.App.ID, "words", "密钥外泄"}},
		{b.boss, "/contain", 404, []string{"step", "suspended", "party", "processor nobody", "words", "x"}},
		{b.boss, "/contain", 404, []string{"step", "frozen", "ref", "nobody-has-this", "words", "x"}},
		{b.vice, "/contain", 303, []string{"step", "unverified", "ref", b.ref, "words", "手机被盗"}},
		{b.vice, "/contain", 303, []string{"step", "rotated", "words", "保险起见"}},
		{b.vice, "/contain", 422, []string{"step", "frozen", "everyone", "yes"}}, // nor is everybody
		{b.vice, "/contain", 303, []string{"step", "frozen", "everyone", "yes", "words", "名单上的都冻结"}},
		{b.vice, "/contain", 303, []string{"step", "frozen", "ref", b.ref, "words", "手机被盗"}},
		{b.vice, "/contain", 303, []string{"step", "released", "ref", b.ref, "words", "手机已找回"}},
		{b.vice, "/contain", 303, []string{"step", "frozen", "ref", b.ref, "words", "还是不放心"}},
	} {
		if w := one.by.post(path+one.form, one.pairs...); w.Code != one.code {
			b.T.Errorf("%s %v: %d %s", one.form, one.pairs, w.Code, w.Body)
		}
	}
	if rotated != 1 {
		b.T.Errorf("%d rotations", rotated)
	}
	frozen, unproved := false, b.Guardian(b.child).Strength == family.Unproved
	b.Do(func(ctx context.Context, tx *db.Tx) error {
		c, err := family.Find(ctx, tx, vaulttest.Service, b.child.ID)
		frozen = c.Frozen
		return err
	})
	body := b.boss.get(path).Body.String()
	if !frozen || !unproved || !strings.Contains(body, "<code>"+b.App.ID+"</code>") || !says(body, "console.incidents.step.frozen") || !says(body, "console.incidents.everyone_done") || strings.Contains(body, b.ref) {
		b.T.Errorf("stopped: frozen %t, unproved %t", frozen, unproved)
	}
	b.check("incident-plan", b.boss, path)
	drill := opened("drill", "yes")
	if body := b.boss.get(drill).Body.String(); !says(body, "console.incidents.drill_what") || says(body, "console.incidents.contain") {
		b.T.Error("a drill isn't told from a case")
	}
	if w := b.boss.post(drill+"/contain", "step", "frozen", "ref", b.ref, "words", "x"); w.Code != http.StatusConflict {
		b.T.Errorf("something real is stopped by a drill: %d", w.Code)
	}
}
