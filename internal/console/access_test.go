package console_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
	"wardkeep/internal/family"
	"wardkeep/internal/gate"
	"wardkeep/internal/ledger"
	"wardkeep/internal/replay"
	"wardkeep/internal/signin"
	"wardkeep/internal/signin/signintest"
	"wardkeep/internal/staff"
	"wardkeep/internal/vault/vaulttest"
	"wardkeep/internal/watermark"
)

// What is kept of the child, and must be in no page.
const nickname, remarks = "小鱼儿", "进步很大，发音很好"

const purpose = "parent-reports"

// An office has a child, and people who ask and decide.
type office struct {
	*desk
	child                   family.Child
	ref                     string
	worker, second, manager *signintest.Insider
	asks, other, decides    *browser
}

func (d *desk) office() *office {
	d.T.Helper()
	o := d.staffed(d.Child())
	d.Put(o.child, purpose, "nickname", nickname)
	d.Put(o.child, purpose, "remarks", remarks)
	return o
}

// staffed hires people who ask about a child of which nothing is kept, and decide.
func (d *desk) staffed(child family.Child) *office {
	d.T.Helper()
	o := &office{desk: d, child: child}
	ref, err := o.child.Ref(d.Ring)
	if err != nil {
		d.T.Fatal(err)
	}
	o.ref = ref.Reveal()
	o.worker, o.second, o.manager = d.hire(staff.Worker), d.hire(staff.Worker), d.hire(staff.Manager)
	o.asks, o.other, o.decides = d.browser(o.worker.Secret), d.browser(o.second.Secret), d.browser(o.manager.Secret)
	return o
}

// asking is the form by which somebody asks.
func (o *office) asking() url.Values {
	return url.Values{"ref": {o.ref}, "item": {"nickname", "remarks"}, "reason": {"support"}, "words": {"家长来电，名字显示不对"}, "minutes": {"30"}}
}

const requestsAt = "/console/access/requests/"

const askPath = "/console/access/new/" + vaulttest.Service + "/" + purpose

// asked asks, and returns the path of the request.
func (o *office) asked(b *browser) string {
	o.T.Helper()
	w := b.do("POST", askPath, o.asking())
	path, _, _ := strings.Cut(w.Header().Get("Location"), "?")
	if w.Code != 303 || !strings.HasPrefix(path, "/console/access/requests/") {
		o.T.Fatalf("asked: %d %s", w.Code, w.Body)
	}
	return path
}

// granted asks, and has the manager agree.
func (o *office) granted(b *browser) string {
	o.T.Helper()
	path := o.asked(b)
	if w := o.decides.post(path+"/decide", "verdict", "granted", "reason", "needed"); w.Code != 303 {
		o.T.Fatalf("granted: %d %s", w.Code, w.Body)
	}
	return path
}

// look asks for a picture as the page does.
func (b *browser) look(path string, form url.Values) *httptest.ResponseRecorder {
	b.d.T.Helper()
	b.header.Set("Sec-Fetch-Dest", "empty")
	defer b.header.Del("Sec-Fetch-Dest")
	return b.do("POST", path+"/view", form)
}

func item(name string) url.Values { return url.Values{"item": {name}} }

func (o *office) request(path string) (r approval.Request) {
	o.T.Helper()
	o.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		r, err = approval.Find(ctx, tx, vaulttest.Service, path[strings.LastIndexByte(path, '/')+1:])
		return err
	})
	return r
}

// marks is what lies over a page.
func marks(page string) string {
	_, src, _ := strings.Cut(html.UnescapeString(page), `class="marks" src="data:image/svg+xml;base64,`)
	src, _, _ = strings.Cut(src, `"`)
	svg, _ := base64.StdEncoding.DecodeString(src)
	return string(svg)
}

// written counts the entries of some kinds that an actor has in the ledger.
func (o *office) written(by *signintest.Insider, kinds ...string) (n int) {
	o.T.Helper()
	o.Do(func(ctx context.Context, tx *db.Tx) error {
		n = 0
		return ledger.Pending(ctx, tx, func(p ledger.Placed) error {
			if p.Actor == "staff:"+by.ID && slices.Contains(kinds, p.Kind) {
				n++
			}
			return nil
		})
	})
	return n
}

// Article 15: one asks, another agrees to less, and a value is seen as a picture that says
// who has seen it. No page holds it.
func TestArticle15_AskedForDecidedAndSeen(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		o := d.office()
		path := o.asked(o.asks)
		if page := o.decides.get("/console/decisions?lang=en").Body.String(); !strings.Contains(page, path) || strings.Contains(page, o.ref) {
			t.Error("who decides doesn't find it, or the list names the child")
		}
		page := o.decides.get(path + "?lang=zh-CN").Body.String()
		for _, wants := range []string{o.ref, "家长来电，名字显示不对", "某staff", i18n.Chinese.T("console.reason.support"), "verdict"} {
			if !strings.Contains(page, wants) {
				t.Errorf("who decides isn't told %q", wants)
			}
		}
		if page := o.asks.get(path).Body.String(); strings.Contains(page, "verdict") || strings.Contains(page, "/view") {
			t.Error("who asks is offered to decide, or to look")
		}
		if w := o.asks.get(path + "/view"); w.Code != 303 {
			t.Errorf("looked at before the decision: %d", w.Code)
		}
		if w := o.decides.post(path+"/decide", "verdict", "narrowed", "item", "nickname", "minutes", "10", "reason", "less_suffices", "words", "名字就够了"); w.Code != 303 {
			t.Fatalf("narrowed: %d %s", w.Code, w.Body)
		}
		if page := o.asks.get(path).Body.String(); !strings.Contains(page, path+"/view") || !strings.Contains(page, "名字就够了") {
			t.Error("who asks isn't led on")
		}
		before := d.Store.Now().Truncate(time.Second)
		view := o.asks.get(path + "/view?lang=zh-CN")
		if view.Code != 200 || !strings.Contains(view.Body.String(), `value="nickname"`) || strings.Contains(view.Body.String(), `value="remarks"`) ||
			!strings.Contains(view.Body.String(), o.request(path).Number) || !strings.Contains(marks(view.Body.String()), "某staff") || !strings.Contains(marks(view.Body.String()), o.request(path).Number) {
			t.Errorf("%d %s", view.Code, view.Body)
		}
		stamp := regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d`).FindString(marks(view.Body.String()))
		if at, err := time.ParseInLocation(time.DateTime, stamp, time.FixedZone("", 8*60*60)); err != nil || at.Before(before) || at.After(d.Store.Now()) {
			t.Errorf("what lies over the page says %q, not when somebody looks", stamp)
		}
		if csp := view.Header().Get("Content-Security-Policy"); !strings.Contains(csp, "script-src 'self'") || strings.Contains(csp, "unsafe") {
			t.Error(csp)
		}
		for n := int64(1); n <= 2; n++ {
			w := o.asks.look(path, item("nickname"))
			m, err := watermark.Read(bytes.NewReader(w.Body.Bytes()))
			if w.Code != 200 || w.Header().Get("Content-Type") != "image/png" || w.Header().Get("Cache-Control") != "no-store" || w.Header().Get("Wardkeep-Looks-Left") != strconv.FormatInt(20-n, 10) {
				t.Errorf("%d %v", w.Code, w.Header())
			}
			if err != nil || !m.Ours(d.Ring) || m.Number != o.request(path).Number || m.Look != n {
				t.Errorf("the picture says %+v, %v", m, err)
			}
		}
		if r := o.request(path); r.Looks != 2 || o.written(o.worker, gate.KindPermitted) != 2 {
			t.Errorf("%d looks, %d entries", r.Looks, o.written(o.worker, gate.KindPermitted))
		}
		for _, b := range []*browser{o.asks, o.decides} {
			for _, at := range []string{"/console/access", "/console/decisions", path, path + "/view"} {
				for _, value := range []string{nickname, remarks} {
					if strings.Contains(b.get(at).Body.String(), value) {
						t.Errorf("%s holds a value", at)
					}
				}
			}
		}
		if all := d.log.String(); strings.Contains(all, nickname) || strings.Contains(all, o.ref) || strings.Contains(all, "家长") {
			t.Errorf("the log says %s", all)
		}
		if w := o.asks.post(path + "/end"); w.Code != 303 || o.request(path).State != approval.Ended {
			t.Errorf("given back: %d", w.Code)
		}
		if w := o.asks.get(path + "/view"); w.Code != 303 {
			t.Errorf("looked at after the end: %d", w.Code)
		}
	})
}

// Article 15: whose request is over is a matter of who has asked and who has decided: nobody
// else who may decide reads for good whom it was about, and what was written.
func TestArticle15_WhatIsOverIsShownToWhoTookPart(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		o := d.office()
		boss := d.browser(d.hire(staff.Officer).Secret)
		path := o.asked(o.asks)
		const why, answer = "家长来电，名字显示不对", "名字就够了"
		tells := func(by *browser, whether bool, words ...string) {
			t.Helper()
			page := by.get(path + "?lang=zh-CN")
			for _, text := range append(words, o.ref, why) {
				if page.Code != http.StatusOK || strings.Contains(page.Body.String(), text) != whether {
					t.Errorf("%d, it tells %q: %v", page.Code, text, !whether)
				}
			}
			if strings.Contains(page.Body.String(), i18n.Chinese.T("console.request.hidden")) == whether {
				t.Error("it isn't said that something is hidden, or it is")
			}
		}
		tells(boss, true)
		if w := o.decides.post(path+"/decide", "verdict", "narrowed", "item", "nickname", "minutes", "10", "reason", "less_suffices", "words", answer); w.Code != 303 {
			t.Fatalf("narrowed: %d", w.Code)
		}
		tells(boss, true, answer) // who may take it back knows what
		if w := o.asks.post(path + "/end"); w.Code != 303 {
			t.Fatalf("given back: %d", w.Code)
		}
		tells(boss, false, answer)
		tells(o.asks, true, answer)
		tells(o.decides, true, answer)
		path = o.asked(o.asks)
		d.Pass(approval.Defaults.Answer)
		tells(d.browser(d.hire(staff.Manager).Secret), false) // nobody has answered
	})
}

// elsewhere hires somebody with a role of another service: of the officer, by office.
func (d *desk) elsewhere(role staff.Role) *signintest.Insider {
	d.T.Helper()
	g := staff.Grant{Role: role, Service: "another"}
	d.Do(func(ctx context.Context, tx *db.Tx) error {
		_, err := catalog.Find(ctx, tx, g.Service)
		if errors.Is(err, catalog.ErrNotFound) {
			_, _, err = catalog.Create(ctx, tx, signintest.By, g.Service, catalog.Test)
		}
		if err != nil || !role.ByOffice() {
			return err
		}
		o, _, err := catalog.Appoint(ctx, tx, signintest.By, g.Service, catalog.Role(role), "别处", "elsewhere@example.com")
		if err == nil {
			g, err = staff.OfOffice(ctx, tx, g.Service, o.ID)
		}
		return err
	})
	return signintest.Hire(d.T, d.Store, d.console.Door(), "别处的"+string(role), g)
}

// Invariants 2, 3 and 11, as an administrator with somebody's cookie would try: each way
// around is refused, and who tried is in the ledger.
func TestInvariant11_AStolenCookieGetsNoFurther(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		o := d.office()
		boss := d.hire(staff.Officer)
		self := d.browser(boss.Secret)
		theirs := o.granted(o.other) // another person's, about the same child
		elsewhere := d.office()      // another child
		stranger, rival, builder := d.elsewhere(staff.Manager), d.elsewhere(staff.Officer), d.elsewhere(staff.Engineer)
		strange, rivals, builds := d.browser(stranger.Secret), d.browser(rival.Secret), d.browser(builder.Secret)
		for _, b := range []*browser{strange, rivals, builds} {
			b.address = "127.0.0.2:1"
		}
		post := func(b *browser, path string, pairs ...string) func() *httptest.ResponseRecorder {
			return func() *httptest.ResponseRecorder { return b.post(path, pairs...) }
		}
		about := elsewhere.granted(o.asks)
		path := o.granted(o.asks)
		mine, less := o.asked(self), o.asked(o.decides)
		if w := self.post(less+"/decide", "verdict", "narrowed", "item", "nickname", "minutes", "5", "reason", "less_suffices"); w.Code != 303 {
			t.Fatalf("narrowed: %d %s", w.Code, w.Body)
		}
		forged := func(pairs ...string) url.Values {
			form := item("nickname")
			for i := 0; i+1 < len(pairs); i += 2 {
				form.Add(pairs[i], pairs[i+1])
			}
			return form
		}
		tries := []struct {
			name   string
			by     *signintest.Insider
			does   func() *httptest.ResponseRecorder
			status int
			code   string
			writes string // what the ledger has more
		}{
			{"agrees to one's own request", boss, func() *httptest.ResponseRecorder {
				return self.post(mine+"/decide", "verdict", "granted", "reason", "needed")
			}, 403, "approval.self", staff.KindTried},
			{"narrows one's own request, and agrees to that", boss, func() *httptest.ResponseRecorder {
				return self.post(mine+"/decide", "verdict", "narrowed", "item", "nickname", "minutes", "5", "reason", "less_suffices")
			}, 403, "approval.self", staff.KindTried},
			{"agrees to what another has left of one's own", o.manager, func() *httptest.ResponseRecorder {
				return o.decides.post(less+"/decide", "verdict", "granted", "reason", "needed")
			}, 403, "approval.self", staff.KindTried},
			{"narrows that once more", o.manager, func() *httptest.ResponseRecorder {
				return o.decides.post(less+"/decide", "verdict", "narrowed", "item", "remarks", "minutes", "5", "reason", "less_suffices")
			}, 403, "approval.self", staff.KindTried},
			{"looks at what wasn't left of one's own", o.manager, func() *httptest.ResponseRecorder { return o.decides.look(less, item("remarks")) }, 403, "gate.denied", gate.KindDenied},
			{"gives oneself a role", boss, func() *httptest.ResponseRecorder {
				return self.post("/console/people/"+boss.ID+"/give", "role", "manager", "service", vaulttest.Service)
			}, 403, "staff.self", staff.KindTried},
			{"looks without a decision", boss, func() *httptest.ResponseRecorder { return self.look(mine, item("nickname")) }, 403, "gate.denied", gate.KindDenied},
			{"a worker decides", o.worker, func() *httptest.ResponseRecorder {
				return o.asks.post(theirs+"/decide", "verdict", "granted", "reason", "needed")
			}, 403, "staff.may_not", staff.KindTried},
			{"another's request", o.worker, func() *httptest.ResponseRecorder { return o.asks.look(theirs, item("nickname")) }, 403, "gate.denied", gate.KindDenied},
			{"another item of the child", o.worker, func() *httptest.ResponseRecorder { return o.asks.look(path, item("weekly_score")) }, 403, "gate.denied", gate.KindDenied},
			{"an item that nobody knows", o.worker, func() *httptest.ResponseRecorder { return o.asks.look(path, item("' OR 1=1")) }, 403, "gate.denied", gate.KindDenied},
			{"two items", o.worker, func() *httptest.ResponseRecorder { return o.asks.look(path, forged("item", "remarks")) }, 422, "console.view.fields", staff.KindTried},
			{"without the mark", o.worker, func() *httptest.ResponseRecorder { return o.asks.look(path, forged("watermark", "off")) }, 422, "console.view.fields", staff.KindTried},
			{"without the mark, in the address", o.worker, func() *httptest.ResponseRecorder {
				o.asks.header.Set("Sec-Fetch-Dest", "empty")
				defer o.asks.header.Del("Sec-Fetch-Dest")
				return o.asks.do("POST", path+"/view?watermark=off", item("nickname"))
			}, 422, "console.view.fields", staff.KindTried},
			{"by its address", o.worker, func() *httptest.ResponseRecorder { return o.asks.get(path + "/view?item=nickname") }, 422, "console.view.fields", staff.KindTried},
			{"by its address, as a script", o.worker, func() *httptest.ResponseRecorder {
				o.asks.header.Set("Sec-Fetch-Dest", "empty")
				defer o.asks.header.Del("Sec-Fetch-Dest")
				return o.asks.get(path + "/view?format=png")
			}, 422, "console.view.fields", staff.KindTried},
			{"as text", o.worker, func() *httptest.ResponseRecorder { return o.asks.look(path, forged("format", "text")) }, 422, "console.view.fields", staff.KindTried},
			{"another child", o.worker, func() *httptest.ResponseRecorder {
				return o.asks.look(path, forged("child", string(elsewhere.child.ID)))
			}, 422, "console.view.fields", staff.KindTried},
			{"another purpose", o.worker, func() *httptest.ResponseRecorder { return o.asks.look(path, forged("purpose", "lessons")) }, 422, "console.view.fields", staff.KindTried},
			{"as a page of its own", o.worker, func() *httptest.ResponseRecorder {
				o.asks.header.Set("Sec-Fetch-Dest", "document")
				defer o.asks.header.Del("Sec-Fetch-Dest")
				return o.asks.do("POST", path+"/view", item("nickname"))
			}, 403, "console.view.not_by_script", staff.KindTried},
			{"decides, of another service", stranger, post(strange, theirs+"/decide", "verdict", "granted", "reason", "needed"), 404, "approval.not_found", staff.KindTried},
			{"ends a colleague's request", o.worker, post(o.asks, theirs+"/end"), 404, "approval.not_found", staff.KindTried},
			{"joins what waits for no second", o.worker, post(o.asks, mine+"/join"), 404, "approval.not_found", staff.KindTried},
			{"reviews, of another service", rival, post(rivals, reviewOf(theirs), "finding", "rightful", "words", "好"), 404, "approval.not_found", staff.KindTried},
			{"approves a charter of another service", rival, post(rivals, charters+"/1/decide", "verdict", "approved"), 404, "catalog.not_found", staff.KindTried},
			{"refuses a charter of another service", rival, post(rivals, charters+"/1/decide", "verdict", "refused", "words", "不"), 404, "catalog.not_found", staff.KindTried},
			{"fills an office of another service", rival, post(rivals, "/console/offices/"+vaulttest.Service+"/fill", "role", "deputy", "name", "x", "contact", "x"), 404, "catalog.not_found", staff.KindTried},
			{"records about an office of another service", rival, post(rivals, "/console/offices/"+vaulttest.Service+"/records", "kind", "training"), 404, "catalog.not_found", staff.KindTried},
			{"gives a role of another service", rival, post(rivals, "/console/people/"+o.worker.ID+"/give", "role", "manager", "service", vaulttest.Service), 404, "staff.not_found", staff.KindTried},
			{"resets a person of another service", rival, post(rivals, "/console/people/"+o.worker.ID+"/reset"), 404, "staff.not_found", staff.KindTried},
			{"ends a person of another service", rival, post(rivals, "/console/people/"+o.worker.ID+"/left"), 404, "staff.not_found", staff.KindTried},
			{"makes a key of another service", builder, post(builds, settingsPath+"/apps", "name", "x", "scope", "items:read"), 404, "catalog.not_found", staff.KindTried},
			{"from another site", o.worker, func() *httptest.ResponseRecorder {
				o.asks.header.Set("Sec-Fetch-Site", "cross-site")
				defer o.asks.header.Del("Sec-Fetch-Site")
				return o.asks.look(path, item("nickname"))
			}, 403, "console.elsewhere", ""},
		}
		for _, try := range tries {
			before := o.written(try.by, try.writes)
			w := try.does()
			if w.Code != try.status || bytes.Contains(w.Body.Bytes(), []byte("PNG")) || strings.Contains(w.Body.String(), nickname) || !strings.Contains(d.log.String(), "code="+try.code) {
				t.Errorf("%s: %d, want %d", try.name, w.Code, try.status)
			}
			if n := o.written(try.by, try.writes) - before; try.writes != "" && n != 1 {
				t.Errorf("%s: %d entries %s", try.name, n, try.writes)
			}
			d.log.Reset()
		}
		if r := o.request(path); r.Looks != 0 {
			t.Errorf("%d looks", r.Looks)
		}
		// No address has a value, whoever loads it; and who looks for one is in the ledger.
		loads := func(by *signintest.Insider, b *browser, method, at string, status int, recorded bool) {
			t.Helper()
			before := len(d.entries(by, staff.KindTried))
			w := b.do(method, at, nil)
			if h := w.Header().Get("Content-Type"); w.Code != status || strings.HasPrefix(h, "image/") || strings.Contains(w.Body.String(), nickname) {
				t.Errorf("%s %s: %d %s, want %d", method, at, w.Code, h, status)
			}
			all := d.entries(by, staff.KindTried)[before:]
			if recorded != (len(all) == 1) || len(all) > 1 {
				t.Errorf("%s %s: %d entries", method, at, len(all))
			}
			for _, p := range all {
				if request := filepath.Base(theirs); strings.Contains(at, request) != strings.Contains(string(p.Body), request) {
					t.Errorf("%s %s: %s", method, at, p.Body)
				}
			}
		}
		for _, method := range []string{"GET", "HEAD", "PUT"} {
			loads(o.worker, o.asks, method, path+"/view?item=nickname", map[bool]int{true: 404, false: 422}[method == "PUT"], true)
			loads(o.worker, o.asks, method, path+"/view/nickname", 404, true)
			loads(o.worker, o.asks, method, path+"/nickname.png", 404, true)
			loads(o.worker, o.asks, method, "/console/static/nickname", 404, false)
			loads(o.worker, o.asks, method, requestsAt+vaulttest.Service+"/"+string(o.child.ID), 404, true)
			loads(o.worker, o.asks, method, theirs+"/view", 404, true)
			loads(o.worker, o.asks, method, theirs+"/nickname.png", 404, true)
			loads(stranger, strange, method, theirs, 404, true)
			loads(builder, builds, method, theirs+"/view", map[bool]int{true: 404, false: 403}[method == "PUT"], true)
		}
		// The first look is right, and so are others in the window; then it is over.
		if w := o.asks.look(path, item("nickname")); w.Code != 200 {
			t.Fatalf("the right one: %d %s", w.Code, w.Body)
		}
		if w := o.asks.look(about, item("nickname")); w.Code != 200 {
			t.Errorf("of the other child: %d %s", w.Code, w.Body)
		}
		d.Pass(31 * time.Minute)
		again := d.browser("")
		if w := again.enter(o.worker, o.worker.Code()); w.Code != 303 {
			t.Fatalf("in again: %d", w.Code)
		}
		before := o.written(o.worker, gate.KindDenied)
		if w := again.look(path, item("nickname")); w.Code != 403 || !strings.Contains(w.Body.String(), i18n.Chinese.T("gate.approval_over")) || o.written(o.worker, gate.KindDenied) != before+1 {
			t.Errorf("after the window: %d %s", w.Code, w.Body)
		}
		if r, err := replay.Reconcile(t.Context(), d.Store); err != nil || len(r.Mismatches) != 0 {
			t.Errorf("%+v, %v", r, err)
		}
	})
}

// A value is shown to who has shown within minutes who it is, and to nobody who has lost
// the role or whose child is frozen; and what isn't kept isn't made up.
func TestArticle15_TheViewFailsClosed(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		o := d.office()
		path := o.granted(o.asks)
		d.Do(func(ctx context.Context, tx *db.Tx) error {
			c, err := family.Lock(ctx, tx, vaulttest.Service, o.child.ID)
			if err == nil {
				_, err = family.Freeze(ctx, tx, signintest.By, c, family.ByOfficer)
			}
			return err
		})
		if w := o.asks.look(path, item("nickname")); w.Code != 403 || w.Header().Get("Content-Type") != "text/plain; charset=utf-8" {
			t.Errorf("frozen: %d", w.Code)
		}
		d.Do(func(ctx context.Context, tx *db.Tx) error {
			c, err := family.Lock(ctx, tx, vaulttest.Service, o.child.ID)
			if err == nil {
				_, err = family.Unfreeze(ctx, tx, signintest.By, c)
			}
			return err
		})
		if w := o.asks.look(path, item("nickname")); w.Code != 200 {
			t.Errorf("no longer frozen: %d %s", w.Code, w.Body)
		}
		d.Pass(signin.Fresh)
		if w := o.asks.look(path, item("nickname")); outcome(w) != toAgain {
			t.Errorf("not fresh: %d", w.Code)
		}
		if page := o.asks.get(path + "/view").Body.String(); strings.Contains(page, "data-reveal") || !strings.Contains(page, "/console/again") {
			t.Error("who isn't fresh is offered a look")
		}
		d.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := staff.Take(ctx, tx, signintest.By, o.worker.ID, staff.Grant{Role: staff.Worker, Service: vaulttest.Service})
			return err
		})
		if w := o.asks.look(path, item("nickname")); outcome(w) != mayNot {
			t.Errorf("without the role: %d", w.Code)
		}
	})
}

// keepsMedia publishes a charter by which some items are pictures or sound.
func (d *desk) keepsMedia(kinds map[string]charter.Kind) {
	d.T.Helper()
	next := *d.Charter
	next.Items = slices.Clone(next.Items)
	for item, kind := range kinds {
		i := &next.Items[slices.IndexFunc(next.Items, func(i charter.Item) bool { return i.Name == item })]
		*i = charter.Item{Name: i.Name, Label: i.Label, Kind: kind, MaxBytes: 100_000, Necessity: i.Necessity, Effect: i.Effect, Sensitivity: charter.HighlySensitive}
	}
	d.Publish(&next)
}

// A picture of a child is shown as any value is: once, with the marks of the look. What can't
// be drawn with them isn't shown.
func TestArticle15_APictureIsSeenWithItsMarks(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.keepsMedia(map[string]charter.Kind{"nickname": charter.Image, "remarks": charter.Image, "weekly_score": charter.Audio})
		o := d.staffed(d.Child())
		d.Put(o.child, purpose, "nickname", base64.StdEncoding.EncodeToString([]byte(scanned(t))))
		d.Put(o.child, purpose, "remarks", base64.StdEncoding.EncodeToString([]byte("RIFF\x00\x00\x00\x00WEBPVP8 ")))
		ask := o.asks.get(askPath + "?lang=en").Body.String()
		if !strings.Contains(ask, `value="nickname"`) || strings.Contains(ask, `value="weekly_score"`) || !strings.Contains(ask, "Can&#39;t be marked") {
			t.Errorf("a picture isn't offered, or sound is: %s", ask)
		}
		if file := o.asks.get(filePath).Body.String(); !strings.Contains(file, `value="nickname"`) || !strings.Contains(file, `value="weekly_score"`) {
			t.Error("a picture or sound isn't offered as a file")
		}
		path := o.granted(o.asks)
		w := o.asks.look(path, item("nickname"))
		m, err := watermark.Read(bytes.NewReader(w.Body.Bytes()))
		if w.Code != 200 || w.Header().Get("Content-Type") != "image/png" || w.Header().Get("Cache-Control") != "no-store" || err != nil || !m.Ours(d.Ring) || m.Number != o.request(path).Number || m.Look != 1 {
			t.Errorf("%d %v: %+v, %v", w.Code, w.Header(), m, err)
		}
		if w := o.asks.look(path, item("remarks")); w.Code != 422 || !strings.Contains(w.Body.String(), i18n.Chinese.T("console.view.no_picture")) {
			t.Errorf("what can't be drawn: %d", w.Code)
		}
		if n := o.written(o.worker, gate.KindPermitted); o.request(path).Looks != 1 || n != 1 {
			t.Errorf("%d looks, %d entries", o.request(path).Looks, n)
		}
		if r, err := replay.Reconcile(t.Context(), d.Store); err != nil || len(r.Mismatches) != 0 {
			t.Errorf("%+v, %v", r, err)
		}
	})
}

// What is wrong with a request is said beside what was typed.
func TestArticle15_WhatIsWrongWithARequestIsSaid(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		o := d.office()
		for name, c := range map[string]struct {
			field, value string
			status       int
			code         string
		}{
			"no such child":   {"ref", "nobody-has-this", 404, "console.ask.no_child"},
			"no reference":    {"ref", "", 404, "console.ask.no_child"},
			"no item":         {"item", "", 422, "approval.items_invalid"},
			"a foreign item":  {"item", "identity_number", 422, "approval.items_invalid"},
			"no reason":       {"reason", "", 422, "approval.reason_unknown"},
			"no words":        {"words", " ", 422, "approval.text_invalid"},
			"too many words":  {"words", strings.Repeat("字", 501), 422, "approval.text_invalid"},
			"no minutes":      {"minutes", "", 422, "approval.minutes_invalid"},
			"minutes of none": {"minutes", "0", 422, "approval.minutes_invalid"},
			"too many":        {"minutes", "61", 422, "approval.minutes_invalid"},
		} {
			form := o.asking()
			form.Set(c.field, c.value)
			w := o.asks.do("POST", askPath+"?lang=en", form)
			if body := w.Body.String(); w.Code != c.status || !strings.Contains(body, template(i18n.English.T(c.code))) || c.field != "words" && !strings.Contains(body, "家长来电") {
				t.Errorf("%s: %d", name, w.Code)
			}
		}
		for _, at := range []string{"/console/access/new/" + vaulttest.Service + "/nothing", "/console/access/new/nowhere/" + purpose} {
			if w := o.asks.get(at); w.Code != 422 && w.Code != 404 {
				t.Errorf("%s: %d", at, w.Code)
			}
		}
		path := o.asked(o.asks)
		for name, pairs := range map[string][]string{
			"no verdict":      {"verdict", ""},
			"nothing less":    {"verdict", "narrowed", "item", "nickname", "item", "remarks", "minutes", "30", "reason", "less_suffices"},
			"more minutes":    {"verdict", "narrowed", "item", "nickname", "minutes", "31", "reason", "less_suffices"},
			"minutes of none": {"verdict", "narrowed", "item", "nickname", "minutes", "x", "reason", "less_suffices"},
			"no reason":       {"verdict", "refused"},
		} {
			form := url.Values{}
			for i := 0; i+1 < len(pairs); i += 2 {
				form.Add(pairs[i], pairs[i+1])
			}
			if w := o.decides.do("POST", path+"/decide", form); w.Code != 422 || o.request(path).State != approval.Open {
				t.Errorf("%s: %d", name, w.Code)
			}
		}
		if w := o.decides.post(path+"/decide", "verdict", "refused", "reason", "other_way"); w.Code != 303 || o.request(path).State != approval.Refused {
			t.Errorf("refused: %d", w.Code)
		}
		if w := o.decides.post(path+"/decide", "verdict", "granted", "reason", "needed"); w.Code != 409 {
			t.Errorf("decided twice: %d", w.Code)
		}
		if w := o.other.get(path); w.Code != 404 {
			t.Errorf("who has nothing to do with it: %d", w.Code)
		}
	})
}

// template is a text as html/template writes it.
func template(s string) string {
	return strings.NewReplacer("'", "&#39;").Replace(s)
}

var listedRequest = regexp.MustCompile(`/console/access/requests/[^"?]*`)
var olderOnes = regexp.MustCompile(`from=([^"]+)"`)

// A long list is read page by page: each request is on one page, and none is left out,
// while others are added.
func TestLongListsArePages(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		o := d.office()
		const many = 45
		all := approval.Desk{Ring: d.Ring, Charters: d.Vault.Gate.Charters, Limits: approval.Limits{}}
		ask := func(by *signintest.Insider) {
			c := d.Child()
			for range many / 3 {
				d.Do(func(ctx context.Context, tx *db.Tx) error {
					_, _, err := all.Ask(ctx, tx, by.Session.Person, c, approval.Asking{Purpose: purpose, Items: []string{"nickname"}, Reason: approval.ForFault, Text: pii.New("x"), Minutes: 5})
					return err
				})
			}
		}
		for range 3 {
			ask(o.worker)
		}
		for at, b := range map[string]*browser{"/console/access": o.asks, "/console/decisions": o.decides} {
			seen, from := make(map[string]bool), ""
			for pages := 1; ; pages++ {
				page := b.get(at + "?lang=en&from=" + from).Body.String()
				for _, path := range listedRequest.FindAllString(page, -1) {
					if seen[path] {
						t.Errorf("%s is on two pages", path)
					}
					seen[path] = true
				}
				next := olderOnes.FindStringSubmatch(page)
				if next == nil {
					if len(seen) != many || pages != 3 {
						t.Errorf("%s: %d requests on %d pages", at, len(seen), pages)
					}
					break
				}
				from = next[1]
				if pages == 1 && at == "/console/access" {
					w := o.other.do("POST", askPath, o.asking()) // somebody else's is added meanwhile
					if w.Code != 303 {
						t.Fatalf("%d %s", w.Code, w.Body)
					}
					id := w.Header().Get("Location")
					if w := o.other.post(strings.Split(id, "?")[0] + "/end"); w.Code != 303 {
						t.Fatalf("%d", w.Code)
					}
				}
			}
		}
		for _, from := range []string{"x", "1.sa_x", "-1.sa_00000000000000000000000000", "99999999999999999999.sa_00000000000000000000000000", "'"} {
			if w := o.asks.get("/console/access?from=" + url.QueryEscape(from)); w.Code != http.StatusOK {
				t.Errorf("%q: %d", from, w.Code)
			}
		}
	})
}

// Every word that a request can need is there.
func TestRequestsHaveWords(t *testing.T) {
	for _, lang := range i18n.Langs {
		var keys []string
		for _, r := range approval.Reasons {
			keys = append(keys, "reason."+string(r))
		}
		for verdict, answers := range approval.Answers {
			keys = append(keys, "state."+string(verdict))
			for _, a := range answers {
				keys = append(keys, "answer."+string(a))
			}
		}
		for _, why := range []approval.Why{approval.GivenBack, approval.Revoked, approval.Restored} {
			keys = append(keys, "why."+string(why))
		}
		for _, key := range append(keys, "state.open", "state.ended", "state.over") {
			if !lang.Has("console." + key) {
				t.Errorf("%s has no words for %s", lang, key)
			}
		}
	}
}

// changes is what differs from one run to the next, and what stands for it in the golden
// files.
var changes = []struct {
	what *regexp.Regexp
	as   string
}{
	{regexp.MustCompile(`base64,[^"]*`), "base64,…"},
	{regexp.MustCompile(`((?:哈希（SHA-256）|Hash \(SHA-256\))</dt><dd><code>)[0-9a-f]{64}`), "${1}…"},
	{regexp.MustCompile(`\b(st|sa|sh|su|ro|rc|sp|td|ls|jt|pp|ia|ve|rr|bc|gu|ak|kp|or|ps|rp|in|wn|ev)_[0-9a-z]{26}`), "${1}_…"},
	{regexp.MustCompile(`\b\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)?\b`), "2026-03-02 15:04"},
	{regexp.MustCompile(`(<dd>|until |有效至 )\d{4}-\d\d-\d\d(</dd>|,|，)`), "${1}2026-03-02${2}"},
	{regexp.MustCompile(`\b[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}\b`), "7K2M-9QXT"},
	{regexp.MustCompile(`(class="when">|<dd>|document of |下载 )\d{4}-\d\d-\d\d\b`), "${1}2026-03-02"},
	{regexp.MustCompile(`(max|min|value)="\d{4}-\d\d-\d\d"`), `${1}="2026-03-02"`},
	{regexp.MustCompile(`((?:最后一天|demand)</dt><dd>)\d{4}-\d\d-\d\d`), "${1}2026-03-02"},
	{regexp.MustCompile(`data-left="\d+"`), `data-left="899"`},
	{regexp.MustCompile(`\bage1[0-9a-z]{58}\b`), "age1…"},
	{regexp.MustCompile(`<th scope="row">20\d\d</th>`), `<th scope="row">2026</th>`},
	{regexp.MustCompile(`(Audit of |/console/yearly/[a-z-]+/)20\d\d\b`), "${1}2026"},
	{regexp.MustCompile(`\b20\d\d( 年度审计|-01-31|</a></th>)`), "2026${1}"},
}

// The pages of looks are as they were: make golden writes them again.
func TestPagesOfLooks(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		o := d.office()
		path := o.asked(o.asks)
		check := o.check
		check("access-empty", o.other, "/console/access")
		check("access", o.asks, "/console/access")
		check("where", o.asks, "/console/access/new")
		check("ask", o.asks, askPath)
		check("decisions", o.decides, "/console/decisions")
		check("request-open", o.asks, path)
		check("request", o.decides, path)
		o.decides.post(path+"/decide", "verdict", "narrowed", "item", "nickname", "minutes", "15", "reason", "less_suffices", "words", "名字就够了")
		check("request-narrowed", o.asks, path)
		check("view", o.asks, path+"/view")
		check("decisions-empty", o.decides, "/console/decisions")
		o.asks.post(path + "/end")
		check("request-ended", o.decides, path)
	})
}

// check compares a page with its golden files.
func (o *office) check(name string, b *browser, at string) {
	o.T.Helper()
	for _, lang := range i18n.Langs {
		w := b.get(at + "?lang=" + string(lang))
		body := strings.ReplaceAll(w.Body.String(), o.ref, "ref-1")
		for _, c := range changes {
			body = c.what.ReplaceAllString(body, c.as)
		}
		if w.Code != http.StatusOK {
			o.T.Errorf("%s: %d", name, w.Code)
		}
		golden(o.T, name+"."+string(lang)+".html", body)
	}
}

func golden(t testing.TB, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (make golden writes it again):\n%s", name, diff)
	}
}
