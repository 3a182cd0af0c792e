package console_test

import (
	"bytes"
	"context"
	"io"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/charter"
	"wardkeep/internal/gate"
	"wardkeep/internal/replay"
	"wardkeep/internal/signin/signintest"
	"wardkeep/internal/staff"
	"wardkeep/internal/vault/vaulttest"
)

const (
	lawPath    = "/console/legal/new/" + vaulttest.Service + "/" + purpose
	rescuePath = "/console/rescue/new/" + vaulttest.Service + "/" + purpose
)

// lawful is the form by which somebody asks for what a court demands.
func (o *office) lawful() url.Values {
	form := o.files()
	form.Del("reason")
	for name, value := range map[string]string{"receiver": "court", "authority": "北京市朝阳区人民法院", "country": "CN", "level": "law",
		"provision": "《民事诉讼法》第七十条", "number": "（2026）京0105民初7号", "document": strings.Repeat("ab", 32), "silence": "",
		"ends": o.Store.Now().AddDate(0, 0, 10).Format(time.DateOnly), "need-nickname": "核对当事人身份", "need-remarks": "核对学习情况"} {
		form.Set(name, value)
	}
	return form
}

// rescues is the form by which somebody asks for what a hospital needs at once.
func (o *office) rescues() url.Values {
	form := o.urges()
	form.Del("reason")
	form.Set("receiver", "hospital")
	form.Set("authority", "市第一人民医院急诊科")
	form.Set("country", "CN")
	form.Set("minutes", "60")
	return form
}

// withdrawn has the guardian take back what it has agreed to.
func (o *office) withdrawn() {
	o.T.Helper()
	g := o.Guardian(o.child)
	o.Do(func(ctx context.Context, tx *db.Tx) error {
		_, err := o.World.Desk.Withdraw(ctx, tx, g, o.child, purpose)
		return err
	})
}

// Article 18: what a law demands is asked for with its basis, agreed to by two who read it,
// one of them in office, and leaves once; a foreign authority is refused in words.
func TestArticle18_WhatALawDemandsFromTheAskToTheFile(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		b := d.bureau()
		b.withdrawn()
		if page := b.asks.get("/console/access/new?lang=en").Body.String(); !strings.Contains(page, lawPath) {
			t.Error("who may ask isn't led to it")
		}
		for name, c := range map[string]struct {
			field, value, code string
			status             int
		}{
			"without a provision":    {"provision", "", "approval.provision_invalid", 422},
			"without an end":         {"ends", "", "approval.ends_invalid", 422},
			"an end that is none":    {"ends", "tomorrow", "approval.ends_invalid", 422},
			"an item without a need": {"need-remarks", "", "approval.needs_invalid", 422},
			"silent without a day":   {"silence", "secret", "approval.silence_invalid", 422},
			"a day that is none":     {"silent_until", "x", "approval.silence_invalid", 422},
			"a foreign authority":    {"country", "US", "approval.authority_foreign", 403},
		} {
			form := b.lawful()
			form.Set(c.field, c.value)
			w := b.asks.do("POST", lawPath+"?lang=en", form)
			if page := w.Body.String(); w.Code != c.status || !strings.Contains(page, template(i18n.English.T(c.code))) || !strings.Contains(page, "北京市朝阳区人民法院") {
				t.Errorf("%s: %d", name, w.Code)
			}
		}
		if page := b.asks.get("/console/access?lang=en").Body.String(); !strings.Contains(page, i18n.English.T("console.state.refused")) {
			t.Error("what the foreign authority asked isn't on the list")
		}
		w := b.asks.do("POST", lawPath, b.lawful())
		path, _, _ := strings.Cut(w.Header().Get("Location"), "?")
		if w.Code != 303 {
			t.Fatalf("asked: %d %s", w.Code, w.Body)
		}
		page := b.boss.get(path + "?lang=zh-CN").Body.String()
		for _, wants := range []string{"北京市朝阳区人民法院", "《民事诉讼法》第七十条", "（2026）京0105民初7号", "核对当事人身份", strings.Repeat("ab", 32), i18n.Chinese.T("console.legal.decide_what")} {
			if !strings.Contains(page, wants) {
				t.Errorf("who decides isn't told %q", wants)
			}
		}
		if page := b.boss.get("/console/due?lang=en").Body.String(); !strings.Contains(page, path) {
			t.Error("it isn't in the due list")
		}
		b.agrees(b.decides, path)
		third := d.browser(d.hire(staff.Manager).Secret)
		if w := third.post(path+"/decide?lang=en", "verdict", "granted", "reason", "needed"); w.Code != 403 || !strings.Contains(w.Body.String(), template(i18n.English.T("approval.no_officer"))) {
			t.Errorf("two without the office: %d", w.Code)
		}
		b.agrees(b.boss, path)
		w = b.asks.post(path + "/export?lang=zh-CN")
		if w.Code != 200 {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		plain, err := age.Decrypt(bytes.NewReader(w.Body.Bytes()), b.key)
		if err != nil {
			t.Fatal(err)
		}
		all, err := io.ReadAll(plain)
		text := strings.NewReplacer("\u2063", "", "\u200b", "", "\u200c", "").Replace(string(all))
		if err != nil || !strings.Contains(text, nickname) || !strings.Contains(text, remarks) || !strings.Contains(text, "北京市朝阳区人民法院") {
			t.Errorf("it says %q, %v", text, err)
		}
		if n := b.written(b.worker, approval.KindReleased); n != 1 {
			t.Errorf("%d entries", n)
		}
		if page := b.boss.get(path + "?lang=en").Body.String(); strings.Contains(page, i18n.English.T("console.basis.not_released")) || strings.Contains(page, i18n.English.T("console.basis.not_told")) {
			t.Error("the page doesn't say that it left, and that the guardian was told")
		}
		if all := d.log.String(); strings.Contains(all, "法院") || strings.Contains(all, nickname) {
			t.Errorf("the log says %s", all)
		}
		if r, err := replay.Reconcile(t.Context(), d.Store); err != nil || len(r.Mismatches) != 0 || r.Exported != 1 {
			t.Errorf("%+v, %v", r, err)
		}
	})
}

// Article 18: a law may demand what is collected and kept, and used by nobody. The form for
// that is offered, and no other.
func TestArticle18_ALawReachesWhatNobodyUses(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		next := *d.Charter
		next.Purposes = slices.Clone(next.Purposes)
		kept := &next.Purposes[slices.IndexFunc(next.Purposes, func(p charter.Purpose) bool { return p.Name == purpose })]
		kept.Activities = []charter.Activity{charter.Collect, charter.Store}
		d.Publish(&next)
		b := d.bureau()
		for at, paths := range map[string][2]string{"/console/access/new": {lawPath, askPath}, "/console/urgent/new": {rescuePath, urgentPath}} {
			if page := b.asks.get(at).Body.String(); !strings.Contains(page, paths[0]) || strings.Contains(page, paths[1]) {
				t.Errorf("%s offers a look, or doesn't lead to the form of a law", at)
			}
		}
		for at, status := range map[string]int{lawPath: 200, rescuePath: 200, askPath: 422, urgentPath: 422, filePath: 422} {
			if w := b.asks.get(at); w.Code != status {
				t.Errorf("%s: %d", at, w.Code)
			}
		}
		w := b.asks.do("POST", lawPath, b.lawful())
		path, _, _ := strings.Cut(w.Header().Get("Location"), "?")
		if w.Code != 303 {
			t.Fatalf("asked: %d %s", w.Code, w.Body)
		}
		b.agrees(b.decides, path)
		b.agrees(b.boss, path)
		if w := b.asks.post(path + "/export"); w.Code != 200 || b.written(b.worker, approval.KindReleased) != 1 {
			t.Errorf("%d %s", w.Code, w.Body)
		}
		if r, err := replay.Reconcile(t.Context(), d.Store); err != nil || len(r.Mismatches) != 0 || r.Exported != 1 {
			t.Errorf("%+v, %v", r, err)
		}
	})
}

// Edge case 23: where a life is in danger, two persons see one item after the other without
// a guardian's yes, and the office has it to review until it has.
func TestEdgeCase23_ARescueFromTheAskToTheReview(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		b := d.bureau()
		b.withdrawn()
		if page := b.asks.get("/console/urgent/new?lang=en").Body.String(); !strings.Contains(page, rescuePath) {
			t.Error("who may ask isn't led to it")
		}
		w := b.asks.do("POST", rescuePath, b.rescues())
		path, _, _ := strings.Cut(w.Header().Get("Location"), "?")
		if w.Code != 303 {
			t.Fatalf("asked: %d %s", w.Code, w.Body)
		}
		if page := b.other.get(path + "?lang=zh-CN").Body.String(); !strings.Contains(page, "市第一人民医院急诊科") || !strings.Contains(page, path+"/join") {
			t.Error("who joins isn't told for whom it is")
		}
		if w := b.other.post(path + "/join"); w.Code != 303 {
			t.Fatalf("joined: %d %s", w.Code, w.Body)
		}
		if w := b.asks.look(path, item("nickname")); w.Code != 200 {
			t.Fatalf("looks: %d %s", w.Code, w.Body)
		}
		if n := b.written(b.worker, approval.KindReleased); n != 1 {
			t.Errorf("%d entries", n)
		}
		at := reviewOf(path)
		if page := b.boss.get("/console/due?lang=en").Body.String(); !strings.Contains(page, at) {
			t.Error("its review isn't in the due list")
		}
		if w := b.boss.post(at, "finding", "rightful", "words", "孩子走失，等不了"); w.Code != 303 {
			t.Fatalf("reviewed: %d %s", w.Code, w.Body)
		}
		if page := b.boss.get("/console/due?lang=en").Body.String(); strings.Contains(page, at) {
			t.Error("what was reviewed is due")
		}
	})
}

// Invariants 2, 3 and 11, as an administrator with somebody's cookie would try to have what
// a law or a life in danger opens: each way around is refused, and who tried is in the ledger.
func TestInvariant11_AStolenCookieReleasesNothingOnABasis(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		b := d.bureau()
		third := d.hire(staff.Manager)
		asked := func(at string, form url.Values) string {
			w := b.asks.do("POST", at, form)
			if w.Code != 303 {
				t.Fatalf("asked: %d %s", w.Code, w.Body)
			}
			path, _, _ := strings.Cut(w.Header().Get("Location"), "?")
			return path
		}
		caught := func(name string, by *signintest.Insider, w func() *httptest.ResponseRecorder, status int, code, writes string) {
			t.Helper()
			before := b.written(by, writes)
			d.log.Reset()
			got := w()
			if text := got.Body.String(); got.Code != status || !strings.Contains(d.log.String(), "code="+code) || strings.Contains(text, nickname) || strings.Contains(text, "PNG") || strings.HasPrefix(text, "age-") {
				t.Errorf("%s: %d, want %d (%s)", name, got.Code, status, d.log)
			}
			if n := b.written(by, writes) - before; n != 1 {
				t.Errorf("%s: %d entries %s", name, n, writes)
			}
		}
		post := func(by *browser, path string, pairs ...string) func() *httptest.ResponseRecorder {
			return func() *httptest.ResponseRecorder { return by.post(path, pairs...) }
		}
		law := asked(lawPath, b.lawful())
		agree := []string{"verdict", "granted", "reason", "needed"}
		caught("who has asked agrees", b.worker, post(b.asks, law+"/decide", agree...), 403, "staff.may_not", staff.KindTried)
		caught("before anybody has agreed", b.worker, post(b.asks, law+"/export"), 403, "gate.denied", gate.KindDenied)
		b.agrees(b.decides, law)
		caught("with one who has agreed", b.worker, post(b.asks, law+"/export"), 403, "gate.denied", gate.KindDenied)
		caught("the same agrees twice", b.manager, post(b.decides, law+"/decide", agree...), 403, "approval.agreed_before", staff.KindTried)
		caught("two agree without the office", third, post(d.browser(third.Secret), law+"/decide", agree...), 403, "approval.no_officer", staff.KindTried)
		caught("it is looked at instead", b.worker, func() *httptest.ResponseRecorder { return b.asks.look(law, item("nickname")) }, 403, "gate.denied", gate.KindDenied)
		b.agrees(b.boss, law)
		caught("another takes it", b.second, post(b.other, law+"/export"), 403, "gate.denied", gate.KindDenied)
		caught("who agreed takes it", b.officer, post(b.boss, law+"/export"), 403, "gate.denied", gate.KindDenied)
		for _, field := range []string{"watermark", "receiver", "item", "child", "recipient"} {
			caught("with another "+field, b.worker, post(b.asks, law+"/export", field, "x"), 422, "console.view.fields", staff.KindTried)
		}
		if n := b.written(b.worker, approval.KindReleased); n != 0 {
			t.Fatalf("%d releases", n)
		}
		if w := b.asks.post(law + "/export"); w.Code != 200 {
			t.Fatalf("the right one: %d %s", w.Code, w.Body)
		}
		caught("once more", b.worker, post(b.asks, law+"/export"), 403, "gate.denied", gate.KindDenied)

		life := asked(rescuePath, b.rescues())
		view := func(by *browser, name string) func() *httptest.ResponseRecorder {
			return func() *httptest.ResponseRecorder { return by.look(life, item(name)) }
		}
		caught("before anybody has joined", b.worker, view(b.asks, "nickname"), 403, "gate.denied", gate.KindDenied)
		caught("one joins one's own", b.worker, post(b.asks, life+"/join"), 403, "approval.self", staff.KindTried)
		caught("the officer joins", b.officer, post(b.boss, life+"/join"), 403, "approval.in_office", staff.KindTried)
		if w := b.other.post(life + "/join"); w.Code != 303 {
			t.Fatalf("joined: %d", w.Code)
		}
		caught("who has joined looks", b.second, view(b.other, "nickname"), 403, "gate.denied", gate.KindDenied)
		caught("another item", b.worker, view(b.asks, "weekly_score"), 403, "gate.denied", gate.KindDenied)
		d.Pass(2 * time.Hour)
		b.asks = b.again(b.worker)
		caught("after its minutes", b.worker, view(b.asks, "nickname"), 403, "gate.denied", gate.KindDenied)
		if r, err := replay.Reconcile(t.Context(), d.Store); err != nil || len(r.Mismatches) != 0 || r.Exported != 1 {
			t.Errorf("%+v, %v", r, err)
		}
	})
}

// The pages of what is released without a guardian's yes are as they were: make golden
// writes them again.
func TestPagesOfBases(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		b := d.bureau()
		b.check("ask-law", b.asks, lawPath)
		b.check("ask-life", b.asks, rescuePath)
		w := b.asks.do("POST", lawPath, b.lawful())
		path, _, _ := strings.Cut(w.Header().Get("Location"), "?")
		b.check("request-law", b.boss, path)
		b.agrees(b.decides, path)
		b.agrees(b.boss, path)
		if w := b.asks.post(path + "/export"); w.Code != 200 {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		b.check("request-law-released", b.boss, path)
		w = b.asks.do("POST", rescuePath, b.rescues())
		path, _, _ = strings.Cut(w.Header().Get("Location"), "?")
		b.check("request-life", b.other, path)
	})
}
