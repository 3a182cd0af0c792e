package console_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"wardkeep/internal/authority"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/incident"
	"wardkeep/internal/staff"
	"wardkeep/internal/vault/vaulttest"
)

// toldOf has the authority told of a case, and answer.
func toldOf(ctx context.Context, tx *db.Tx, b *bureau, about string) error {
	by := staff.Acting{Person: b.officer.Session.Person, Action: staff.WriteIncidents}
	r, _, err := authority.Draft(ctx, tx, b.Ring, b.Desk.Charters, by, vaulttest.Service, about, authority.First, authority.Words{To: "某市网信办"})
	if err == nil {
		_, _, err = authority.Send(ctx, tx, b.Ring, by, vaulttest.Service, about, r.Number, "hotline", tx.Now())
	}
	if err == nil {
		_, _, err = authority.Answer(ctx, tx, b.Ring, by, vaulttest.Service, about, r.Number, "2026-1", []byte("%PDF-1.7"))
	}
	return err
}

// tellsOf has the authority told of the case at that path, in a first report and in one that ends it.
func (b *bureau) tellsOf(path string) {
	b.T.Helper()
	at := path + "/authority"
	b.check("authority-empty", b.boss, at)
	drafts := func(by *browser, code int, pairs ...string) string {
		b.T.Helper()
		w := by.post(at+"/draft", pairs...)
		if w.Code != code {
			b.T.Fatalf("drafted: %d %s", w.Code, w.Body)
		}
		to, _, _ := strings.Cut(w.Header().Get("Location"), "?")
		return to
	}
	drafts(b.asks, http.StatusForbidden, "kind", "first", "to", "某市网信办")
	if w := b.boss.post(at+"/draft", "kind", "first", "cause", "配置错误"); w.Code != http.StatusUnprocessableEntity || !strings.Contains(w.Body.String(), "配置错误") {
		b.T.Errorf("to nobody: %d", w.Code)
	}
	first := drafts(b.decides, http.StatusSeeOther, "kind", "first", "to", "某市网信办")
	b.check("report-draft", b.boss, first)
	if body := b.boss.get(first).Body.String(); !says(body, "authority.unknown") || !strings.Contains(body, "某市网信办") {
		b.T.Error("what nobody knows isn't said to be unknown")
	}
	audits := b.browser(b.hire(staff.Auditor).Secret)
	if w := audits.get(at); w.Code != http.StatusOK || strings.Contains(w.Body.String(), "某市网信办") {
		b.T.Errorf("who audits reads what was written: %d", w.Code)
	}
	for _, step := range []struct {
		by    *browser
		form  string
		code  int
		pairs []string
	}{
		{audits, "/send", 403, []string{"channel", "hotline"}},
		{b.boss, "/answer", 409, []string{"ref", "2026-1"}},
		{b.boss, "/confirm", 409, nil},
		{b.boss, "/send", 422, []string{"channel", "pigeon"}},
		{b.boss, "/send", 422, []string{"channel", "hotline", "sent", "2001-01-01T00:00"}},
		{b.decides, "/send", 303, []string{"channel", "hotline"}}, // at night a manager is enough
		{b.boss, "/send", 409, []string{"channel", "fax"}},
	} {
		if w := step.by.post(first+step.form, step.pairs...); w.Code != step.code {
			b.T.Errorf("%s %v: %d %s", step.form, step.pairs, w.Code, w.Body)
		}
	}
	answer := sheet{values: map[string]string{"ref": "网信〔2026〕1号"}, files: map[string]upload{"document": {"回执.pdf", letter}}}
	if w := b.boss.sends(first+"/answer", answer); w.Code != http.StatusSeeOther {
		b.T.Fatalf("answered: %d %s", w.Code, w.Body)
	}
	b.check("report-answered", b.boss, first)
	if w := b.boss.post(first + "/receipts/1"); w.Code != http.StatusOK || w.Body.String() != string(letter) {
		b.T.Errorf("its document: %d", w.Code)
	}
	b.boss.post(path+"/note", "step", "remedy", "words", "又补了一处")
	if body := b.boss.get(at).Body.String(); !says(body, "console.authority.changed") {
		b.T.Error("nobody is told that the facts have changed")
	}
	if w := b.boss.post(path+"/close", "outcome", "reported", "words", "x"); w.Code != http.StatusConflict || !says(w.Body.String(), "console.incidents.lacks.wrapped") {
		b.T.Errorf("closed without a wrap-up: %d", w.Code)
	}
	last := drafts(b.boss, http.StatusSeeOther, "kind", "wrap", "to", "某市网信办", "harm", "无", "measures", "已关闭", "cause", "配置错误", "lessons", "专人复核")
	if w := b.boss.post(last+"/send", "channel", "site"); w.Code != http.StatusSeeOther {
		b.T.Errorf("the wrap-up: %d %s", w.Code, w.Body)
	}
	b.check("authority", b.boss, at)
}

// Edge case 21: that the authority isn't told of what is minor one person writes down, and
// another one in office confirms.
func TestEdgeCase21_SilenceAtTheConsole(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		b := d.bureau()
		var leak incident.Case
		d.Do(func(ctx context.Context, tx *db.Tx) (err error) {
			leak, _, err = incident.Desk{Ring: d.Ring, Charters: d.Desk.Charters}.Open(ctx, tx, d.Officer, vaulttest.Service,
				incident.Report{Kind: incident.Leaked, NoticedAt: tx.Now(), Words: pii.New("名单可以公开访问")})
			return err
		})
		path := "/console/incidents/" + vaulttest.Service + "/" + leak.ID
		silent := []string{"kind", "none", "reason", "只涉及测试数据"}
		if w := b.boss.post(path+"/authority/draft", silent...); w.Code != http.StatusConflict || says(b.boss.get(path+"/authority").Body.String(), "console.authority.silence") {
			t.Errorf("about what nobody has graded: %d", w.Code)
		}
		b.boss.post(path+"/grade", "grade", "minor", "words", "没有人看到")
		w := b.boss.post(path+"/authority/draft", silent...)
		if w.Code != http.StatusSeeOther {
			t.Fatalf("drafted: %d %s", w.Code, w.Body)
		}
		at, _, _ := strings.Cut(w.Header().Get("Location"), "?")
		for _, step := range []struct {
			by   *browser
			code int
		}{{b.decides, 403}, {b.boss, 409}, {b.vice, 303}, {b.vice, 409}} {
			if w := step.by.post(at + "/confirm"); w.Code != step.code {
				t.Errorf("confirmed: %d, want %d", w.Code, step.code)
			}
		}
		if body := b.boss.get(path).Body.String(); !says(body, "console.incidents.step.unreported") {
			t.Error("the case doesn't say that nobody is told")
		}
		b.check("report-none", b.vice, at)
	})
}
