package console_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"wardkeep/internal/family/age"
	"wardkeep/internal/rectification"
	"wardkeep/internal/signin"
	"wardkeep/internal/signin/signintest"
	"wardkeep/internal/staff"
	"wardkeep/internal/vault/vaulttest"
)

// dayIn is so many days from today, as forms have it.
func (d *desk) dayIn(n int) string {
	return d.Store.Now().In(age.Zone).AddDate(0, 0, n).Format(time.DateOnly)
}

// records records something by a form, and returns the path of its page.
func (d *desk) records(by *browser, at string, pairs ...string) string {
	d.T.Helper()
	w := by.post(at, append([]string{"service", vaulttest.Service, "authority", "某市网信办", "document", "网信约〔2026〕7号", "provision", "第二十五条",
		"words", "未经同意收集位置", "due", d.dayIn(10)}, pairs...)...)
	to, _, _ := strings.Cut(w.Header().Get("Location"), "?")
	if w.Code != http.StatusSeeOther || !strings.Contains(to, "/rc_") {
		d.T.Fatalf("%d %s", w.Code, problemOf.FindString(w.Body.String()))
	}
	return to
}

var problemOf = regexp.MustCompile(`(?s)<p class="problem".*?</p>`)

func (d *desk) proof() sheet {
	return sheet{values: map[string]string{"words": "1.8 版已停止收集", "day": d.dayIn(0)}, files: map[string]upload{"document": {"a.pdf", letter}}}
}

// Articles 25 to 27: what an authority demands is recorded, proved by who looks after it and
// confirmed by another; whoever may not is refused, and the pages say what is so.
func TestArticle25_WhatHasToBePutRightAtTheConsole(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		o := &office{desk: d, ref: "no-child"}
		officer, deputy, manager := d.hire(staff.Officer), d.hire(staff.Deputy), d.hire(staff.Manager)
		boss, vice, does := d.browser(officer.Secret), d.browser(deputy.Secret), d.browser(manager.Secret)
		audits := d.browser(signintest.Hire(t, d.Store, d.console.Door(), "审计", staff.Grant{Role: staff.Auditor}).Secret)
		const list, add = "/console/rectifications", "/console/rectifications/new"
		stands := func(at, key string, by *browser) {
			t.Helper()
			if page := by.get(at + "?lang=en").Body.String(); !strings.Contains(page, `<span class="badge">`+key+`</span></h1>`) {
				t.Errorf("%s isn't %s", at, key)
			}
		}
		refused := func(what string, code int, w interface{ Result() *http.Response }) {
			t.Helper()
			if got := w.Result().StatusCode; got != code {
				t.Errorf("%s: %d, want %d", what, got, code)
			}
		}
		o.check("rectifications-empty", does, list)
		o.check("rectification_new", boss, add)
		for _, what := range []string{"summons", "sanction", "item"} {
			if w := boss.get(add + "?lang=zh-CN&what=" + what); w.Code != 200 || !strings.Contains(w.Body.String(), `name="what" value="`+what+`"`) {
				t.Errorf("the form of %s: %d", what, w.Code)
			}
		}
		summons := d.records(boss, add, "what", "summons", "dated", d.dayIn(-1))
		item := d.records(vice, summons+"/part", "what", "item", "owner", manager.Session.Person.Name)
		o.check("rectification_new-part", boss, summons+"/part")
		refused("an item of no day", 422, vice.post(summons+"/part", "what", "item", "words", "x"))
		refused("a summons of no authority", 422, boss.post(add, "what", "summons", "service", vaulttest.Service, "dated", d.dayIn(0), "due", d.dayIn(1), "words", "x"))
		refused("the sender gets its words back", 422, boss.post(add, "what", "summons", "service", vaulttest.Service))
		refused("a manager records", 403, does.post(add, "what", "item", "service", vaulttest.Service))
		refused("an auditor proves", 403, audits.sends(item+"/prove", d.proof()))
		refused("without a document", 422, does.post(item+"/prove", "words", "x", "day", d.dayIn(0)))
		refused("answered too early", 409, boss.sends(summons+"/prove", d.proof()))
		refused("postponed without a reason", 422, boss.post(item+"/postpone", "due", d.dayIn(20)))
		refused("postponed", 303, boss.post(item+"/postpone", "due", d.dayIn(20), "words", "等新版本"))
		o.check("rectification", does, item)
		refused("proved", 303, does.sends(item+"/prove", d.proof()))
		stands(item, "to be confirmed", audits)
		refused("confirmed by who has proved it", 403, does.post(item+"/confirm"))
		o.check("rectification-proved", boss, item)
		refused("sent back", 303, boss.post(item+"/reopen", "due", d.dayIn(12), "words", "截图不全"))
		refused("handed to nobody", 422, boss.post(item+"/hand", "to", "某人"))
		refused("handed over", 303, boss.post(item+"/hand", "to", deputy.ID))
		refused("proved by who looked after it", 409, does.sends(item+"/prove", d.proof()))
		refused("proved", 303, vice.sends(item+"/prove", d.proof()))
		if n := strings.Count(boss.get(item).Body.String(), "<dd>"+deputy.Session.Person.Name+" <small class"); n != 2 {
			t.Errorf("%d times who has recorded and proved it", n)
		}
		refused("confirmed by oneself", 409, vice.post(item+"/confirm"))
		refused("confirmed", 303, boss.post(item+"/confirm"))
		stands(item, "closed", audits)
		refused("answered", 303, boss.sends(summons+"/prove", d.proof()))
		o.check("rectification-own", boss, summons)
		refused("the answer confirmed", 303, vice.post(summons+"/confirm"))
		if page := boss.get(item).Body.String(); strings.Contains(page, "等新版本") || !strings.Contains(page, item+"/words") {
			t.Error("what was written is shown before it is on record that it is read")
		}
		if w := audits.post(item + "/words"); w.Code != 200 || !strings.Contains(w.Body.String(), "等新版本") || !strings.Contains(w.Body.String(), item+"/documents/2") {
			t.Errorf("read: %d", w.Code)
		}
		if w := audits.post(item + "/documents/2"); w.Code != 200 || w.Body.String() != letter || w.Header().Get("Content-Type") != "application/pdf" {
			t.Errorf("the proof: %d", w.Code)
		}
		refused("a text has no document", 404, audits.post(item+"/documents/1"))
		refused("no number", 404, audits.post(item+"/documents/x"))

		fine := d.records(boss, add, "what", "sanction", "sort", "fine", "amount", "50000.5", "dated", d.dayIn(-2))
		refused("a fine of nothing", 422, boss.post(add, "what", "sanction", "service", vaulttest.Service, "sort", "fine", "amount", "ten", "dated", d.dayIn(0), "due", d.dayIn(1), "words", "x",
			"authority", "x", "document", "x", "provision", "x"))
		entry := d.records(boss, fine+"/part", "what", "credit", "dated", d.dayIn(-1), "due", d.dayIn(300))
		refused("appealed", 303, boss.post(fine+"/appeal", "words", "金额有误"))
		o.check("rectification-sanction", boss, fine)
		o.check("rectifications", does, list)
		for filter, want := range map[string]int{"": 2, "what=sanction": 1, "what=credit": 1, "what=rectify": 0, "what=rectify&stands=closed": 2, "owner=mine": 2, "what=item&stands=closed": 1} {
			if got := strings.Count(boss.get(list+"?"+filter).Body.String(), `<th scope="row"><a href="`); got != want {
				t.Errorf("%s: %d rows, want %d", filter, got, want)
			}
		}
		file := boss.post(list+"/csv", "filter", "stands=").Body.String()
		if !strings.Contains(file, "50000.50") || !strings.Contains(file, lastOf(entry)) || strings.Contains(file, "网信办") {
			t.Errorf("the file: %s", file)
		}
		for _, at := range []string{fine, entry} {
			if w := boss.post("/console/search", "q", lastOf(at)); !strings.HasPrefix(w.Header().Get("Location"), at) {
				t.Errorf("%s isn't found", at)
			}
			if page := boss.get("/console/due?kind=rectification").Body.String(); !strings.Contains(page, at) || !strings.Contains(page, "· 某officer") {
				t.Errorf("%s isn't due, or nobody's", at)
			}
		}
		if page := boss.get("/console/board/27").Body.String(); !strings.Contains(page, "/console/rectifications?") {
			t.Error("the board leads nowhere")
		}
		elsewhere := d.browser(d.elsewhere(staff.Officer).Secret)
		refused("another service's officer looks", 404, elsewhere.get(fine))
		refused("another service's officer confirms", 403, elsewhere.post(item+"/confirm"))
		refused("no such matter", 404, boss.get(list+"/"+vaulttest.Service+"/rc_00000000000000000000000000"))
		d.Pass(signin.Fresh)
		if w := vice.post(fine + "/confirm"); outcome(w) != toAgain {
			t.Errorf("not fresh: %d", w.Code)
		}
		if page := vice.get(fine).Body.String(); strings.Contains(page, `<form method="post" action="`+fine+`/postpone`) {
			t.Error("who isn't fresh is offered something")
		}
		if all := d.log.String(); strings.Contains(all, "网信") || strings.Contains(all, "截图") {
			t.Errorf("the log says %s", all)
		}
		if err := d.ledger.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		read := 0
		for _, p := range d.placed() {
			if p.Kind == rectification.KindRead {
				read++
			}
		}
		if read != 2 {
			t.Errorf("%d readings are on record, want 2", read)
		}
		d.audited()
	})
}
