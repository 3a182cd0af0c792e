package console_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"wardkeep/internal/base/id"
	"wardkeep/internal/incident"
	"wardkeep/internal/staff"
	"wardkeep/internal/vault/vaulttest"
)

// Article 21: who writes about a case asks at the console whom it has reached, is answered in
// numbers, and has them put on its list; who may not sees the list and asks nothing.
func TestArticle21_WhomACaseHasReachedAtTheConsole(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		b := d.bureau()
		w := b.boss.post("/console/incidents/new", "service", vaulttest.Service, "kind", "leaked", "words", "一份名单可以公开访问")
		if w.Code != http.StatusSeeOther {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		room, _, _ := strings.Cut(w.Header().Get("Location"), "?")
		at := room + "/reach"
		child := d.Child()
		d.Put(child, "course-progress", "weekly_score", "77")
		if _, err := d.Read(child, "course-progress", "weekly_score"); err != nil {
			t.Fatal(err)
		}
		d.placed()
		ask := func(pairs ...string) string {
			q := url.Values{}
			for i := 0; i < len(pairs); i += 2 {
				q.Set(pairs[i], pairs[i+1])
			}
			return at + "?" + q.Encode()
		}
		if body := b.boss.get(at).Body.String(); !says(body, "console.reached.none") {
			t.Error("it doesn't say that nobody is on the list")
		}
		if w := b.boss.get(ask("by", "key", "name", d.App.ID)); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "weekly_score") || !strings.Contains(w.Body.String(), at+"/add") {
			t.Errorf("a key: %d", w.Code)
		}
		if body := b.boss.get(ask("by", "key", "name", id.New(id.Credential))).Body.String(); !says(body, "console.reached.answer_none") {
			t.Error("a key that has come to nobody")
		}
		for name, q := range map[string]string{"no key": ask("by", "key", "name", "王小明"), "no moment": ask("by", "service", "from", "yesterday"), "nothing": ask("by", "x"),
			"backwards": ask("by", "service", "from", "2026-01-02T00:00", "to", "2026-01-01T00:00")} {
			if w := b.boss.get(q); w.Code != http.StatusUnprocessableEntity {
				t.Errorf("%s: %d", name, w.Code)
			}
		}
		looks := d.browser(d.hire(staff.Auditor).Secret)
		if w := looks.get(ask("by", "service")); w.Code != http.StatusOK || strings.Contains(w.Body.String(), "weekly_score") {
			t.Errorf("an auditor asks: %d", w.Code)
		}
		if w := looks.post(at+"/add", "by", "service"); w.Code != http.StatusForbidden {
			t.Errorf("an auditor puts somebody on it: %d", w.Code)
		}
		if w := b.boss.post(at + "/freeze"); w.Code != http.StatusConflict {
			t.Errorf("a list of nobody is fixed: %d", w.Code)
		}
		if w := b.boss.post(at+"/add", "by", "key", "name", d.App.ID); w.Code != http.StatusSeeOther {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		if body := b.boss.get(at).Body.String(); !says(body, "console.reached.goes") || !strings.Contains(body, d.App.ID) {
			t.Error("what was asked isn't shown")
		}
		if w := b.boss.post(at + "/csv"); w.Code != http.StatusOK || strings.Contains(w.Body.String(), "su_") {
			t.Errorf("a file of nobody: %d", w.Code)
		}
		asked := 0
		for _, p := range d.placed() {
			if p.Kind == incident.KindAsked {
				asked++
			}
		}
		if asked != 1 {
			t.Errorf("%d were asked", asked)
		}
	})
}
