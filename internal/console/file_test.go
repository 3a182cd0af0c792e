package console_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
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
	"wardkeep/internal/signin"
	"wardkeep/internal/signin/signintest"
	"wardkeep/internal/staff"
	"wardkeep/internal/vault/vaulttest"
	"wardkeep/internal/watermark"
)

const filePath = "/console/exports/new/" + vaulttest.Service + "/" + purpose

// A bureau is an office in which files leave: the worker has a key, and the officer and
// the deputy are there.
type bureau struct {
	*office
	key             *age.X25519Identity
	officer, deputy *signintest.Insider
	boss, vice      *browser
}

func (d *desk) bureau() *bureau {
	d.T.Helper()
	return d.office().bureau()
}

// bureau has files leave an office.
func (o *office) bureau() *bureau {
	d := o.desk
	d.T.Helper()
	b := &bureau{office: o, key: newKey(d.T), officer: d.hire(staff.Officer), deputy: d.hire(staff.Deputy)}
	if w := b.asks.post("/console/account/key", "recipient", b.key.Recipient().String()); w.Code != 303 {
		d.T.Fatalf("key: %d %s", w.Code, w.Body)
	}
	d.Pass(staff.CoolingOff)
	b.everybody()
	return b
}

// everybody signs in anew.
func (b *bureau) everybody() {
	b.T.Helper()
	b.asks, b.other, b.decides, b.boss, b.vice = b.again(b.worker), b.again(b.second), b.again(b.manager), b.again(b.officer), b.again(b.deputy)
}

func newKey(t testing.TB) *age.X25519Identity {
	t.Helper()
	key, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// files is the form by which somebody asks for a file.
func (o *office) files() url.Values {
	form := o.asking()
	form.Set("reason", "authority")
	form.Set("words", "监管部门来函调取")
	return form
}

func (b *bureau) wants(by *browser) string {
	b.T.Helper()
	w := by.do("POST", filePath, b.files())
	path, _, _ := strings.Cut(w.Header().Get("Location"), "?")
	if w.Code != 303 {
		b.T.Fatalf("asked: %d %s", w.Code, w.Body)
	}
	return path
}

func (b *bureau) agrees(by *browser, path string) {
	b.T.Helper()
	if w := by.post(path+"/decide", "verdict", "granted", "reason", "needed"); w.Code != 303 {
		b.T.Fatalf("agreed: %d %s", w.Code, w.Body)
	}
}

// Article 15: one asks for a file, two others agree, and it leaves once, marked, and
// sealed to the key of who has asked.
func TestArticle15_AFileFromTheKeyToTheDownload(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		o := d.office()
		key := newKey(t)
		if w := o.asks.do("POST", filePath+"?lang=en", o.files()); w.Code != 409 || !strings.Contains(w.Body.String(), template(i18n.English.T("approval.export_no_key"))) {
			t.Errorf("without a key: %d", w.Code)
		}
		for name, typed := range map[string]string{"nothing": "", "the secret half": key.String(), "something else": "age1xyz"} {
			w := o.asks.post("/console/account/key?lang=en", "recipient", typed)
			if w.Code != 422 || !strings.Contains(w.Body.String(), template(i18n.English.T("staff.recipient_invalid"))) {
				t.Errorf("%s: %d", name, w.Code)
			}
		}
		b := &bureau{office: o, key: key, officer: d.hire(staff.Officer), deputy: d.hire(staff.Deputy)}
		if w := o.asks.post("/console/account/key", "recipient", key.Recipient().String()); w.Code != 303 || o.written(o.worker, staff.KindRecipient) != 1 {
			t.Fatalf("key: %d", w.Code)
		}
		if page := o.asks.get("/console/account?lang=en").Body.String(); !strings.Contains(page, key.Recipient().String()) || !strings.Contains(page, "good from") {
			t.Error("the key isn't shown, or not that it waits")
		}
		if page := o.asks.get(filePath + "?lang=en").Body.String(); !strings.Contains(page, template(i18n.English.T("approval.export_no_key"))) {
			t.Error("that the key waits isn't said where one asks")
		}
		d.Pass(staff.CoolingOff)
		b.everybody()
		path := b.wants(b.asks)
		page := b.boss.get(path + "?lang=zh-CN").Body.String()
		for _, wants := range []string{o.ref, "监管部门来函调取", i18n.Chinese.T("console.export.grant_first"), "verdict"} {
			if !strings.Contains(page, wants) {
				t.Errorf("the first isn't told %q", wants)
			}
		}
		if w := b.boss.post(path+"/decide", "verdict", "narrowed", "item", "nickname", "reason", "less_suffices", "words", "名字就够了"); w.Code != 303 {
			t.Fatalf("narrowed: %d %s", w.Code, w.Body)
		}
		if page := b.vice.get("/console/decisions").Body.String(); !strings.Contains(page, path) || strings.Contains(b.boss.get("/console/decisions").Body.String(), path) {
			t.Error("the second doesn't find it, or the first still does")
		}
		if page := b.boss.get(path).Body.String(); strings.Contains(page, "verdict") {
			t.Error("the first is offered to decide again")
		}
		page = b.vice.get(path + "?lang=zh-CN").Body.String()
		if !strings.Contains(page, "名字就够了") || !strings.Contains(page, "某officer") || strings.Contains(page, `value="remarks"`) {
			t.Error("the second isn't told what the first has left")
		}
		b.agrees(b.vice, path)
		if page := b.asks.get(path).Body.String(); !strings.Contains(page, path+"/export") || strings.Contains(page, path+"/view") {
			t.Error("who asks isn't led on")
		}
		before := d.Store.Now()
		w := b.asks.post(path + "/export?lang=zh-CN")
		number := o.request(path).Number
		if w.Code != 200 || w.Header().Get("Content-Type") != "application/octet-stream" || w.Header().Get("Cache-Control") != "no-store" ||
			w.Header().Get("Content-Disposition") != "attachment; filename="+number+".txt.age" {
			t.Fatalf("%d %v", w.Code, w.Header())
		}
		if !bytes.HasPrefix(w.Body.Bytes(), []byte("age-encryption.org/v1\n-> X25519 ")) || bytes.Contains(w.Body.Bytes(), []byte(nickname)) {
			t.Error("it isn't sealed")
		}
		if _, err := age.Decrypt(bytes.NewReader(w.Body.Bytes()), newKey(t)); err == nil {
			t.Error("somebody else opens it")
		}
		plain, err := age.Decrypt(bytes.NewReader(w.Body.Bytes()), key)
		if err != nil {
			t.Fatal(err)
		}
		all, err := io.ReadAll(plain)
		if err != nil {
			t.Fatal(err)
		}
		text := strings.NewReplacer("\u2063", "", "\u200b", "", "\u200c", "").Replace(string(all))
		lines := strings.Split(text, "\n")
		if !strings.HasPrefix(lines[0], "某staff  ") || !strings.HasSuffix(lines[0], "  "+number) || !strings.Contains(text, nickname) || strings.Contains(text, remarks) || !strings.Contains(text, o.ref) {
			t.Errorf("it says %q", text)
		}
		ends := before.Add(7 * 24 * time.Hour).In(time.FixedZone("", 8*60*60)).Format("2006-01-02")
		if !strings.Contains(lines[1], ends) {
			t.Errorf("it ends: %s, want %s", lines[1], ends)
		}
		for _, line := range strings.Split(strings.TrimSuffix(string(all), "\n"), "\n") {
			if m, err := watermark.Read(strings.NewReader(line)); err != nil || !m.Ours(d.Ring) || m.Number != number || m.Look != 1 {
				t.Errorf("the line %q says %+v, %v", line, m, err)
			}
		}
		if n := o.written(o.worker, gate.KindPermitted); n != 1 {
			t.Errorf("%d entries", n)
		}
		if n := o.written(o.worker, approval.KindAlarm); n < 1 {
			t.Error("the office isn't told")
		}
		if page := b.asks.get(path + "?lang=en").Body.String(); strings.Contains(page, path+"/export") || !strings.Contains(page, i18n.English.T("console.export.made")) {
			t.Error("it is offered once more")
		}
		for _, at := range []string{"/console/access", path} {
			if strings.Contains(b.asks.get(at).Body.String(), nickname) {
				t.Errorf("%s holds a value", at)
			}
		}
		if all := d.log.String(); strings.Contains(all, nickname) || strings.Contains(all, o.ref) || strings.Contains(all, "监管") || strings.Contains(all, key.Recipient().String()) {
			t.Errorf("the log says %s", all)
		}
		if w := b.asks.post("/console/account/key/end"); w.Code != 303 || o.written(o.worker, staff.KindRecipientEnded) != 1 {
			t.Errorf("removed: %d", w.Code)
		}
		if r, err := replay.Reconcile(t.Context(), d.Store); err != nil || len(r.Mismatches) != 0 || r.Exported != 1 {
			t.Errorf("%+v, %v", r, err)
		}
	})
}

// Invariants 2, 3 and 11, as an administrator with somebody's cookie would try to have a
// file: each way around is refused, and who tried is in the ledger.
func TestInvariant11_AStolenCookieGetsNoFile(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		b := d.bureau()
		elsewhere := d.office()
		path := b.wants(b.asks)
		half := b.wants(b.asks)
		b.agrees(b.boss, half)
		theirs := b.granted(b.other)
		look := b.granted(b.asks)
		export := func(by *browser, path string, form url.Values) func() *httptest.ResponseRecorder {
			return func() *httptest.ResponseRecorder { return by.do("POST", path+"/export", form) }
		}
		decide := func(by *browser, path string, pairs ...string) func() *httptest.ResponseRecorder {
			return func() *httptest.ResponseRecorder {
				return by.post(path+"/decide", append([]string{"reason", "needed"}, pairs...)...)
			}
		}
		type try struct {
			name   string
			by     *signintest.Insider
			does   func() *httptest.ResponseRecorder
			status int
			code   string
			writes string
		}
		none := url.Values{}
		all := func(tries ...try) {
			t.Helper()
			for _, try := range tries {
				before := b.written(try.by, try.writes)
				d.log.Reset()
				w := try.does()
				if w.Code != try.status || !strings.Contains(d.log.String(), "code="+try.code) || strings.Contains(w.Body.String(), nickname) || strings.HasPrefix(w.Body.String(), "age-encryption") {
					t.Errorf("%s: %d, want %d (%s)", try.name, w.Code, try.status, d.log)
				}
				if n := b.written(try.by, try.writes) - before; n != 1 {
					t.Errorf("%s: %d entries %s", try.name, n, try.writes)
				}
			}
		}
		self := b.asked(b.decides)
		all(
			try{"agrees to one's own look", b.manager, decide(b.decides, self, "verdict", "granted"), 403, "approval.self", staff.KindTried},
			try{"a worker agrees to a file", b.worker, decide(b.asks, path, "verdict", "granted"), 403, "staff.may_not", staff.KindTried},
			try{"before anybody has agreed", b.worker, export(b.asks, path, none), 403, "gate.denied", gate.KindDenied},
			try{"with one who has agreed", b.worker, export(b.asks, half, none), 403, "gate.denied", gate.KindDenied},
			try{"the same agrees twice", b.officer, decide(b.boss, half, "verdict", "granted"), 403, "approval.agreed_before", staff.KindTried},
			try{"the same narrows what it agreed to", b.officer, decide(b.boss, half, "verdict", "narrowed", "item", "nickname", "reason", "less_suffices"), 403, "approval.agreed_before", staff.KindTried},
			try{"looks at it instead", b.worker, func() *httptest.ResponseRecorder { return b.asks.look(half, item("nickname")) }, 403, "gate.denied", gate.KindDenied},
			try{"a look as a file", b.worker, export(b.asks, look, none), 403, "gate.denied", gate.KindDenied},
			try{"another's look as a file", b.worker, export(b.asks, theirs, none), 403, "gate.denied", gate.KindDenied},
		)
		b.agrees(b.vice, half)
		all(
			try{"another takes it", b.second, export(b.other, half, none), 403, "gate.denied", gate.KindDenied},
			try{"who agreed takes it", b.officer, export(b.boss, half, none), 403, "gate.denied", gate.KindDenied},
			try{"other items", b.worker, export(b.asks, half, url.Values{"item": {"weekly_score"}}), 422, "console.view.fields", staff.KindTried},
			try{"another child", b.worker, export(b.asks, half, url.Values{"child": {string(elsewhere.child.ID)}}), 422, "console.view.fields", staff.KindTried},
			try{"without the mark", b.worker, export(b.asks, half, url.Values{"watermark": {"off"}}), 422, "console.view.fields", staff.KindTried},
			try{"for another key", b.worker, export(b.asks, half, url.Values{"recipient": {newKey(t).Recipient().String()}}), 422, "console.view.fields", staff.KindTried},
			try{"without the mark, in the address", b.worker, func() *httptest.ResponseRecorder { return b.asks.do("POST", half+"/export?watermark=off", none) }, 422, "console.view.fields", staff.KindTried},
		)
		if r := b.request(half); r.Looks != 0 {
			t.Fatalf("%d looks", r.Looks)
		}
		number := b.request(half).Number
		for at, recorded := range map[string]bool{half + "/export/" + number + ".txt.age": true, half + "/" + number + ".txt.age": true, theirs + "/export.txt.age": true,
			half + "/export": false, "/console/static/" + number + ".txt.age": false, "/console/exports/" + number: false} {
			for _, method := range []string{"GET", "HEAD", "PUT"} {
				before := b.written(b.worker, staff.KindTried)
				w := b.asks.do(method, at, nil)
				status, writes := http.StatusNotFound, recorded
				if at == half+"/export" { // the address of a form leads to its page
					status, writes = map[bool]int{true: http.StatusNotFound, false: http.StatusSeeOther}[method == "PUT"], method == "PUT"
				}
				if w.Code != status || strings.HasPrefix(w.Header().Get("Content-Type"), "application/") || strings.HasPrefix(w.Body.String(), "age-") {
					t.Errorf("%s %s: %d", method, at, w.Code)
				}
				if n := b.written(b.worker, staff.KindTried) - before; writes != (n == 1) || n > 1 {
					t.Errorf("%s %s: %d entries", method, at, n)
				}
			}
		}
		// Who swaps the key in a stolen session waits a day, and the window is over by then.
		thief := newKey(t)
		swapped := b.wants(b.asks)
		b.agrees(b.boss, swapped)
		b.agrees(b.vice, swapped)
		if w := b.asks.do("POST", half+"/export", none); w.Code != http.StatusOK {
			t.Fatalf("the right one: %d %s", w.Code, w.Body)
		}
		all(try{"once more", b.worker, export(b.asks, half, none), 403, "gate.denied", gate.KindDenied})
		if w := b.asks.post("/console/account/key", "recipient", thief.Recipient().String()); w.Code != 303 {
			t.Fatalf("another key: %d", w.Code)
		}
		all(try{"with a key of a moment ago", b.worker, export(b.asks, swapped, none), 403, "gate.denied", gate.KindDenied})
		if w := b.asks.do("POST", swapped+"/export?lang=en", none); !strings.Contains(w.Body.String(), template(i18n.English.T("gate.approval_key"))) {
			t.Errorf("why isn't said: %s", w.Body)
		}
		d.Pass(staff.CoolingOff)
		b.everybody()
		all(try{"a day later", b.worker, export(b.asks, swapped, none), 403, "gate.denied", gate.KindDenied})
		if w := b.asks.do("POST", swapped+"/export?lang=en", none); !strings.Contains(w.Body.String(), template(i18n.English.T("gate.approval_over"))) {
			t.Errorf("why isn't said: %s", w.Body)
		}
		d.Pass(signin.Fresh)
		if w := b.asks.do("POST", swapped+"/export", none); outcome(w) != toAgain {
			t.Errorf("not fresh: %d", w.Code)
		}
		if w := b.asks.post("/console/account/key", "recipient", newKey(t).Recipient().String()); outcome(w) != toAgain {
			t.Errorf("a key, not fresh: %d", w.Code)
		}
		// A decoy alarms, as a look at it does.
		if r, err := replay.Reconcile(t.Context(), d.Store); err != nil || len(r.Mismatches) != 0 || r.Exported != 1 {
			t.Errorf("%+v, %v", r, err)
		}
	})
}

// Who asks for a file of a child that nobody is, or takes it, raises an alarm.
func TestArticle15_AFileOfADecoyRaisesAnAlarm(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		b := d.bureau()
		d.Do(func(ctx context.Context, tx *db.Tx) error {
			return approval.Decoy(ctx, tx, d.Ring, d.Officer, b.child.ID)
		})
		var alarms []approval.Cause
		d.Store.Announced = func(what any) {
			if a, is := what.(approval.Alarm); is && a.What == approval.Touched {
				alarms = append(alarms, a.What)
			}
		}
		path := b.wants(b.asks)
		b.agrees(b.boss, path)
		b.asks.do("POST", path+"/export", url.Values{})
		b.agrees(b.vice, path)
		if w := b.asks.do("POST", path+"/export", url.Values{}); w.Code != http.StatusOK {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		if len(alarms) != 3 {
			t.Errorf("asked, tried and taken: %v", alarms)
		}
	})
}

// The pages of files are as they were: make golden writes them again.
func TestPagesOfFiles(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		o := d.office()
		o.check("ask-export-without-key", o.asks, filePath)
		o.check("account-without-key", o.asks, "/console/account")
		b := d.bureau()
		o.ref = b.ref
		b.check("account-key", b.asks, "/console/account")
		b.check("account-reach-none", b.boss, "/console/account")
		if w := b.boss.post("/console/account/reach?lang=zh-CN", "address", "lin@office.example"); w.Code != 303 {
			t.Fatalf("an address: %d", w.Code)
		}
		b.check("account-reach", b.boss, "/console/account")
		b.check("ask-export", b.asks, filePath)
		path := b.wants(b.asks)
		b.check("request-export-open", b.asks, path)
		b.check("request-export", b.boss, path)
		b.boss.post(path+"/decide", "verdict", "narrowed", "item", "nickname", "reason", "less_suffices", "words", "名字就够了")
		b.check("request-export-agreed", b.asks, path)
		b.check("request-export-second", b.vice, path)
		b.check("decisions-export", b.vice, "/console/decisions")
		b.agrees(b.vice, path)
		b.check("request-export-ready", b.asks, path)
		b.asks.do("POST", path+"/export", url.Values{})
		b.check("request-export-made", b.asks, path)
	})
}

// Article 15: pictures, sound and film leave in a file alone, about which two have decided: in
// one archive, sealed as a whole, with the sheet that says who has taken them. A picture has
// its marks; what can't carry any is as it is held.
func TestArticle15_PicturesAndSoundLeaveInOneSealedFile(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.keepsMedia(map[string]charter.Kind{"nickname": charter.Image, "remarks": charter.Audio})
		o := d.staffed(d.Child())
		sound := "RIFF\x04\x00\x00\x00WAVE"
		d.Put(o.child, purpose, "nickname", base64.StdEncoding.EncodeToString([]byte(scanned(t))))
		d.Put(o.child, purpose, "remarks", base64.StdEncoding.EncodeToString([]byte(sound)))
		b := o.bureau()
		path := b.wants(b.asks)
		b.agrees(b.boss, path)
		if w := b.asks.post(path + "/export"); w.Code != 403 || b.written(b.worker, gate.KindPermitted) != 0 {
			t.Fatalf("one has agreed: %d", w.Code)
		}
		b.agrees(b.vice, path)
		w := b.asks.post(path + "/export?lang=en")
		number := b.request(path).Number
		if w.Code != 200 || !strings.Contains(w.Header().Get("Content-Disposition"), number+".zip.age") || bytes.Contains(w.Body.Bytes(), []byte("WAVE")) {
			t.Fatalf("%d %v", w.Code, w.Header())
		}
		plain, err := age.Decrypt(bytes.NewReader(w.Body.Bytes()), b.key)
		if err != nil {
			t.Fatal(err)
		}
		all, err := io.ReadAll(plain)
		if err != nil {
			t.Fatal(err)
		}
		z, err := zip.NewReader(bytes.NewReader(all), int64(len(all)))
		if err != nil {
			t.Fatal(err)
		}
		parts := make(map[string][]byte)
		for _, f := range z.File {
			r, err := f.Open()
			if err == nil {
				parts[f.Name], err = io.ReadAll(r)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		for _, name := range []string{number + ".txt", "nickname.png"} {
			m, err := watermark.Read(bytes.NewReader(parts[name]))
			if err != nil || !m.Ours(d.Ring) || m.Number != number {
				t.Errorf("%s says %+v, %v", name, m, err)
			}
		}
		text := strings.NewReplacer("\u2063", "", "\u200b", "", "\u200c", "").Replace(string(parts[number+".txt"]))
		if string(parts["remarks.wav"]) != sound || len(parts) != 3 || !strings.Contains(text, "nickname.png") || !strings.Contains(text, "remarks.wav") {
			t.Errorf("%d parts, the sheet says %q", len(parts), text)
		}
		if w := b.asks.post(path + "/export"); w.Code != 403 {
			t.Errorf("once more: %d", w.Code)
		}
		if r, err := replay.Reconcile(t.Context(), d.Store); err != nil || len(r.Mismatches) != 0 || r.Exported != 1 {
			t.Errorf("%+v, %v", r, err)
		}
	})
}
