package console_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/family"
	"wardkeep/internal/incident"
	"wardkeep/internal/vault/vaulttest"
	"wardkeep/internal/warning"
)

// Article 21: a notice is drafted at the console by one and confirmed by another, who has read what
// goes out; whom no message reaches is shown to who telephones, on record before; then the public
// is warned.
func TestArticle21_ANoticeAtTheConsole(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		b := d.bureau()
		teller := &b.console.Warnings
		teller.Store, teller.Reached = d.Store, func(_ context.Context, _ *db.Tx, _ string, after family.ID, _ int) (all []family.ID, err error) {
			if after < b.child.ID {
				all = append(all, b.child.ID)
			}
			return all, nil
		}
		var leak incident.Case
		d.Do(func(ctx context.Context, tx *db.Tx) (err error) {
			leak, _, err = incident.Desk{Ring: d.Ring, Charters: d.Desk.Charters}.Open(ctx, tx, d.Officer, vaulttest.Service,
				incident.Report{Kind: incident.Leaked, NoticedAt: tx.Now(), Words: pii.New("名单可以公开访问")})
			return err
		})
		at := "/console/incidents/" + vaulttest.Service + "/" + leak.ID + "/notices"
		b.check("notices-empty", b.boss, at)
		var parts []string
		for _, lang := range []string{"zh", "en"} {
			for _, p := range (warning.Words{}).Parts() {
				parts = append(parts, lang+"."+p.Name, lang+" "+p.Name+" 内容")
			}
		}
		if w := b.asks.post(at+"/draft", parts...); w.Code != http.StatusForbidden {
			t.Errorf("a worker drafts: %d", w.Code)
		}
		if w := b.decides.post(at+"/draft", parts[2:]...); w.Code != http.StatusUnprocessableEntity || !strings.Contains(w.Body.String(), "zh harm 内容") {
			t.Errorf("without its first part: %d", w.Code)
		}
		w := b.decides.post(at+"/draft", parts...)
		if w.Code != http.StatusSeeOther {
			t.Fatalf("drafted: %d %s", w.Code, w.Body)
		}
		path, _, _ := strings.Cut(w.Header().Get("Location"), "?")
		b.check("notice-draft", b.boss, path)
		b.check("notices", b.boss, at)
		if body := b.boss.get(path).Body.String(); !strings.Contains(body, "en remedies 内容") || !strings.Contains(body, "/warnings/"+lastOf(path)) {
			t.Error("whoever confirms it doesn't see what goes out")
		}
		for _, step := range []struct {
			by    *browser
			form  string
			code  int
			pairs []string
		}{
			{b.decides, "/confirm", 403, []string{"version", "1"}},
			{b.boss, "/publish", 409, nil},
			{b.boss, "/confirm", 409, []string{"version", "2"}},
			{b.boss, "/confirm", 303, []string{"version", "1"}},
			{b.vice, "/confirm", 409, []string{"version", "1"}},
			{b.asks, "/sheet", 403, []string{"state", "call"}},
			{b.decides, "/pause", 303, nil},
			{b.decides, "/resume", 303, nil},
		} {
			if w := step.by.post(path+step.form, step.pairs...); w.Code != step.code {
				t.Errorf("%s %v: %d %s", step.form, step.pairs, w.Code, w.Body)
			}
		}
		if _, err := teller.Round(t.Context()); err != nil { // no gateway is set up: somebody telephones
			t.Fatal(err)
		}
		const phone = "13800000000"
		if body := b.boss.get(path).Body.String(); !says(body, "console.warnings.stand.call") || strings.Contains(body, phone) {
			t.Error("who is to be called isn't counted, or is shown unasked")
		}
		listed := func() (n int) {
			for _, p := range d.placed() {
				if p.Kind == warning.KindListed {
					n++
				}
			}
			return n
		}
		sheet := b.decides.post(path+"/sheet", "state", "call")
		if body := sheet.Body.String(); sheet.Code != http.StatusOK || !strings.Contains(body, phone) || listed() != 1 {
			t.Errorf("the call sheet: %d, %d on record", sheet.Code, listed())
		}
		guardian := d.Guardian(b.child)
		if w := b.decides.post(path+"/note", "child", string(b.child.ID), "guardian", string(guardian.ID), "outcome", "reached"); w.Code != http.StatusSeeOther {
			t.Errorf("reached: %d %s", w.Code, w.Body)
		}
		if w := b.decides.post(path+"/sheet", "state", "posted", "ref", "nobody's"); w.Code != http.StatusNotFound || listed() != 1 || strings.Contains(w.Body.String(), phone) {
			t.Errorf("a letter that nobody was sent comes back: %d", w.Code)
		}
		if body := b.boss.get(path).Body.String(); !says(body, "console.warnings.stand.told") {
			t.Error("who was told isn't counted")
		}
		if w := b.boss.post(path + "/publish"); w.Code != http.StatusSeeOther {
			t.Errorf("the public is warned: %d", w.Code)
		}
		b.check("notice", b.boss, path)
		if body := b.boss.get("/console/incidents/" + vaulttest.Service + "/" + leak.ID).Body.String(); !says(body, "console.incidents.step.notice") || !says(body, "console.incidents.step.warning") {
			t.Error("the case doesn't say that they were told")
		}
		// A notice is done something about at the case it is about, and at no other.
		var other incident.Case
		d.Do(func(ctx context.Context, tx *db.Tx) (err error) {
			other, _, err = incident.Desk{Ring: d.Ring, Charters: d.Desk.Charters}.Open(ctx, tx, d.Officer, vaulttest.Service,
				incident.Report{Kind: incident.Lost, NoticedAt: tx.Now(), Words: pii.New("硬盘坏了")})
			return err
		})
		elsewhere := strings.Replace(path, leak.ID, other.ID, 1)
		for _, form := range []string{"/pause", "/withdraw", "/sheet", "/note"} {
			if w := b.boss.post(elsewhere+form, "state", "call"); w.Code != http.StatusNotFound {
				t.Errorf("%s of another case's notice: %d", form, w.Code)
			}
		}
		const why = "只涉及测试数据"
		if w := b.decides.post(at+"/draft", "withheld", "1", "reason", why); w.Code != http.StatusSeeOther || !strings.Contains(b.decides.get(at).Body.String(), why) {
			t.Errorf("why nobody is told is written anew from nothing: %d", w.Code)
		}
		// What somebody has changed by hand is said to be, and the others are shown still.
		d.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := tx.Exec(ctx, `UPDATE breach_notice SET sealed = salt`)
			return err
		})
		for _, at := range []string{at, path} {
			if w := b.decides.get(at); w.Code != http.StatusOK {
				t.Errorf("%s: %d", at, w.Code)
			}
		}
	})
}
