package console_test

import (
	"context"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/inspection"
	"wardkeep/internal/staff"
	"wardkeep/internal/vault/vaulttest"
)

var (
	entryLink = regexp.MustCompile(`/inspector/in/([0-9a-z]{52})`)
	entryCode = regexp.MustCompile(`<code class="link">([0-9A-Z]{4}-[0-9A-Z]{4})</code>`)
	inspects  = regexp.MustCompile(`/console/inspections/[^/"?]+/iv_[0-9a-z]{26}`)
)

// Article 22: the officer invites an inspector by the document, is shown link and code once, gives a new
// code, sees each look with its time, and ends the inspection; who only looks does none of it.
func TestArticle22_TheOfficeInvitesAnInspector(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		boss, manager, auditor, worker := d.browser(d.hire(staff.Officer).Secret), d.browser(d.hire(staff.Manager).Secret), d.browser(d.hire(staff.Auditor).Secret), d.browser(d.hire(staff.Worker).Secret)
		form := func(pairs ...string) []string {
			return append([]string{"service", vaulttest.Service, "inspector", "赵督", "authority", "某市网信办", "provision", "第二十二条", "document", "网信检〔2026〕3号", "days", "7"}, pairs...)
		}
		for name, c := range map[string]struct {
			by   *browser
			form []string
			code int
			says string
		}{
			"for what is no article": {boss, form("articles", "9 30"), 422, "inspection.articles_invalid"},
			"for what is no day":     {boss, form("from", "yesterday"), 422, "inspection.time_invalid"},
			"for too long":           {boss, form("days", "31"), 422, "inspection.days_invalid"},
			"without a document":     {boss, form("document", ""), 422, "inspection.line_invalid"},
			"for another service":    {boss, form("service", "another"), 403, ""},
			"by a manager":           {manager, form(), 403, ""},
			"by an auditor":          {auditor, form(), 403, ""},
		} {
			w := c.by.post("/console/inspections/new", c.form...)
			if w.Code != c.code || !strings.Contains(w.Body.String(), i18n.Chinese.T(c.says)) && c.says != "" || entryLink.MatchString(w.Body.String()) {
				t.Errorf("%s: %d", name, w.Code)
			}
		}
		w := boss.post("/console/inspections/new", form("articles", "15、9", "from", "2026-01-01")...)
		link, code := entryLink.FindStringSubmatch(w.Body.String()), entryCode.FindStringSubmatch(w.Body.String())
		if w.Code != http.StatusOK || link == nil || code == nil {
			t.Fatalf("invited: %d %s", w.Code, w.Body)
		}
		path := inspects.FindString(boss.get("/console/inspections").Body.String())
		if path == "" {
			t.Fatal("the list doesn't lead to it")
		}
		for who, b := range map[string]*browser{"officer": boss, "manager": manager, "auditor": auditor} {
			body := b.get(path).Body.String()
			if !strings.Contains(body, "网信检〔2026〕3号") || !strings.Contains(body, "9 15") || strings.Contains(body, link[1]) || strings.Contains(body, code[1]) {
				t.Errorf("the page of it as %s: %s", who, body)
			}
			if forms := strings.Contains(body, path+"/end"); forms != (who != "auditor") {
				t.Errorf("%s may end it: %v", who, forms)
			}
		}
		if w := worker.get(path); w.Code != 403 && w.Code != 404 {
			t.Errorf("who handles demands sees it: %d", w.Code)
		}
		w = manager.post(path + "/code")
		if next := entryCode.FindStringSubmatch(w.Body.String()); w.Code != http.StatusOK || next == nil || next[1] == code[1] || entryLink.MatchString(w.Body.String()) {
			t.Fatalf("a new code: %d %s", w.Code, w.Body)
		} else {
			code = next
		}
		d.Do(func(ctx context.Context, tx *db.Tx) error {
			_, secret, err := inspection.Enter(ctx, tx, d.Ring, link[1], code[1])
			if err == nil {
				_, _, err = inspection.Looks(ctx, tx, d.Ring, secret, inspection.Look{Page: inspection.Register, Article: 15, About: "approvals"})
			}
			return err
		})
		if body := boss.get(path).Body.String(); !strings.Contains(body, i18n.Chinese.T("console.inspections.page.register")) || !strings.Contains(body, i18n.Chinese.T("evidence.register.approvals")) {
			t.Errorf("what was looked at: %s", body)
		}
		for _, change := range []string{`UPDATE inspection SET due_at = due_at + 1`, `UPDATE inspection SET due_at = due_at - 1`} { // by hand, and back
			d.Do(func(ctx context.Context, tx *db.Tx) error {
				_, err := tx.Exec(ctx, change)
				return err
			})
			for at, says := range map[string]string{path: "inspection.not_intact", "/console/inspections": "console.inspections.broken"} {
				if said := strings.Contains(boss.get(at).Body.String(), i18n.Chinese.T(says)); said != strings.Contains(change, "+") {
					t.Errorf("%s after %q says that it was changed by hand: %v", at, change, said)
				}
			}
		}
		if w := auditor.post(path + "/end"); w.Code != 403 {
			t.Errorf("an auditor ends it: %d", w.Code)
		}
		if w := boss.post(path + "/end"); w.Code != http.StatusSeeOther {
			t.Errorf("ended: %d", w.Code)
		}
		if w := boss.post(path + "/code"); w.Code != http.StatusGone {
			t.Errorf("a code for what is ended: %d", w.Code)
		}
		if body := boss.get("/console/inspections?stands=closed").Body.String(); !strings.Contains(body, path) {
			t.Error("the list of those that were ended lacks it")
		}
	})
}
