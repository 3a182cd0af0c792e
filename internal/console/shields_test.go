package console_test

import (
	"net/http"
	"strings"
	"testing"

	"wardkeep/internal/approval"
	"wardkeep/internal/base/workday"
	"wardkeep/internal/staff"
	"wardkeep/internal/vault/vaulttest"
)

// Edge case 22: at the console one asks, led from the child to its guardians, and another
// decides; nobody decides their own, nobody else is shown what happened, and of the decision
// both are named.
func TestEdgeCase22_TwoDecideAtTheConsole(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		b := d.bureau()
		b.console.Calendar = workday.Default()
		manages := b.decides // a manager
		at := "/console/shields/new"
		const words = "孩子告诉老师，父亲打她"
		father := string(b.Guardian(b.child).ID)
		b.check("shields-empty", b.boss, "/console/shields")
		b.check("shield_new", b.boss, at)
		if w := b.asks.get(at); w.Code != http.StatusForbidden {
			t.Errorf("a worker asks: %d", w.Code)
		}
		tried := func() (n int) {
			for _, p := range d.placed() {
				if p.Kind == approval.KindSearched {
					n++
				}
			}
			return n
		}
		before := tried()
		for what, ref := range map[string]string{"of nobody": "nobody", "of somebody": b.ref} { // Article 15
			if w := manages.post(at, "service", vaulttest.Service, "ref", ref, "guardian", "gu_00000000000000000000000000", "reason", "violence", "days", "30", "words", words); w.Code < 400 {
				t.Errorf("%s: %d", what, w.Code)
			}
		}
		if n := tried() - before; n != 2 {
			t.Errorf("%d of two references that were tried are on record", n)
		}
		if w := manages.post(at, "service", vaulttest.Service, "ref", "nobody"); w.Code != http.StatusNotFound || strings.Contains(w.Body.String(), father) {
			t.Errorf("of no child: %d", w.Code)
		}
		if w := manages.post(at, "service", vaulttest.Service, "ref", b.ref); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), father) {
			t.Errorf("the guardians: %d %s", w.Code, w.Body)
		}
		if w := manages.post(at, "service", vaulttest.Service, "ref", b.ref, "guardian", father, "reason", "violence", "days", "91", "words", words); w.Code != http.StatusUnprocessableEntity || !strings.Contains(w.Body.String(), words) {
			t.Errorf("for too long: %d %s", w.Code, w.Body)
		}
		w := manages.post(at, "service", vaulttest.Service, "ref", b.ref, "guardian", father, "reason", "violence", "days", "30", "words", words)
		if w.Code != http.StatusSeeOther {
			t.Fatalf("asked: %d %s", w.Code, w.Body)
		}
		path, _, _ := strings.Cut(w.Header().Get("Location"), "?")
		b.check("shields", b.boss, "/console/shields")
		b.check("shield-asked", b.boss, path)
		if body := b.boss.get("/console/due?kind=shield").Body.String(); !strings.Contains(body, path) {
			t.Error("it isn't among what is due")
		}
		if body := b.boss.get(path).Body.String(); strings.Contains(body, words) || !strings.Contains(body, path+"/words") {
			t.Error("what happened is shown without being asked for, and so without a record")
		}
		if w := b.boss.post(path + "/words"); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), words) {
			t.Errorf("who decides reads it: %d %s", w.Code, w.Body)
		}
		for range 20 { // so often an hour, and no more
			w = b.boss.post(path + "/words")
		}
		if w.Code != http.StatusTooManyRequests || strings.Contains(w.Body.String(), words) {
			t.Errorf("who reads it again and again: %d", w.Code)
		}
		audits := d.browser(d.hire(staff.Auditor).Secret)
		if w := audits.get(path); w.Code != http.StatusOK || strings.Contains(w.Body.String(), words) {
			t.Errorf("who audits: %d", w.Code)
		}
		if w := audits.post(path + "/words"); w.Code != http.StatusForbidden || strings.Contains(w.Body.String(), words) {
			t.Errorf("who audits reads it: %d", w.Code)
		}
		if w := manages.post(path + "/raise"); w.Code != http.StatusForbidden {
			t.Errorf("who has asked decides: %d", w.Code)
		}
		if w := b.boss.post(path + "/raise"); w.Code != http.StatusSeeOther {
			t.Fatalf("raised: %d %s", w.Code, w.Body)
		}
		b.check("shield-raised", b.boss, path)
		if w := b.boss.post(path + "/refuse"); w.Code != http.StatusConflict {
			t.Errorf("refused after that: %d", w.Code)
		}
		if w := manages.post(path + "/lift"); w.Code != http.StatusSeeOther {
			t.Errorf("lifted: %d %s", w.Code, w.Body)
		}
		b.check("shield-lifted", b.boss, path)
		b.audited()
	})
}
