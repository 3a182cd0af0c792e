package console_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"wardkeep/internal/approval"
	"wardkeep/internal/assistance"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/base/workday"
	"wardkeep/internal/catalog"
	"wardkeep/internal/family"
	"wardkeep/internal/family/age"
	"wardkeep/internal/party"
	"wardkeep/internal/retention"
	"wardkeep/internal/rights"
	"wardkeep/internal/signin/signintest"
	"wardkeep/internal/staff"
	"wardkeep/internal/vault/vaulttest"
	"wardkeep/internal/watermark"
)

// What a guardian writes, which is a value about the child, and must be in no page.
const corrected = "小金鱼，不是小鱼儿"

// A counter is an office at which demands come in.
type counter struct {
	*office
	guardian        family.Guardian
	officer, deputy *signintest.Insider
	boss, vice      *browser
}

func (d *desk) counter() *counter {
	d.T.Helper()
	c := &counter{office: d.office(), officer: d.hire(staff.Officer), deputy: d.hire(staff.Deputy)}
	c.guardian, c.boss, c.vice = d.Guardian(c.child), d.browser(c.officer.Secret), d.browser(c.deputy.Secret)
	d.console.Calendar = workday.Default()
	return c
}

// came has a guardian demand something at home.
func (c *counter) came(kind rights.Kind, item, words string) (r rights.Request) {
	c.T.Helper()
	ask := rights.Demand{Kind: kind, Door: rights.ByGuardian, Guardian: c.guardian.ID, Item: item}
	if words != "" {
		ask.Text = pii.New(words)
	}
	c.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		desk := rights.Desk{Ring: c.Ring, Charters: c.Desk.Charters, Calendar: workday.Default()}
		r, _, err = c.Vault.Demand(ctx, tx, desk, c.guardian, c.child, ask)
		return err
	})
	return r
}

func at(r rights.Request) string { return "/console/demands/" + r.Service + "/" + r.ID }

// now is the demand as it stands.
func (c *counter) now(r rights.Request) (now rights.Request) {
	c.T.Helper()
	c.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		now, err = rights.Find(ctx, tx, r.Service, r.ID)
		return err
	})
	return now
}

// words asks for a picture of what was written, as the page does.
func (b *browser) words(r rights.Request, which string) *httptest.ResponseRecorder {
	b.d.T.Helper()
	b.header.Set("Sec-Fetch-Dest", "empty")
	defer b.header.Del("Sec-Fetch-Dest")
	return b.do("POST", at(r)+"/words", url.Values{"item": {which}})
}

// Article 19: whoever of the staff handles a demand takes it, reads it marked and on record,
// has it take longer, and answers in writing; every step is that person's.
func TestArticle19_ADemandIsHandledAtTheConsole(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		c := d.counter()
		r := c.came(rights.Correct, "nickname", corrected)
		list := c.asks.get("/console/demands?lang=en").Body.String()
		if !strings.Contains(list, at(r)) || strings.Contains(list, c.ref) || strings.Contains(list, c.child.Subject) {
			t.Error("the list doesn't lead to the demand, or names the child")
		}
		page := c.asks.get(at(r) + "?lang=en").Body.String()
		for _, wants := range []string{r.Number, c.ref, c.child.Subject, i18n.English.T("console.demand.relation.parent"), i18n.English.T("console.demand.left", "Count", 15), i18n.English.T("console.demand.nobody")} {
			if !strings.Contains(page, wants) {
				t.Errorf("the page doesn't say %q", wants)
			}
		}
		if w := c.asks.words(r, "note"); w.Code != 403 || !strings.Contains(w.Body.String(), i18n.Chinese.T("console.demand.not_handled")) || c.written(c.worker, staff.KindTried) != 1 {
			t.Errorf("who doesn't handle it reads it: %d", w.Code)
		}
		if w := c.asks.post(at(r) + "/assign"); w.Code != 303 || c.now(r).Owner != c.worker.ID {
			t.Fatalf("taken: %d %s", w.Code, w.Body)
		}
		w := c.asks.words(r, "note")
		m, err := watermark.Read(bytes.NewReader(w.Body.Bytes()))
		if w.Code != 200 || w.Header().Get("Cache-Control") != "no-store" || err != nil || !m.Ours(d.Ring) || m.Number != r.Number || m.Look != 1 || c.written(c.worker, rights.KindShown) != 1 {
			t.Errorf("read: %d, %+v, %v, %d entries", w.Code, m, err, c.written(c.worker, rights.KindShown))
		}
		for name, form := range map[string]url.Values{"nothing": {}, "two": {"item": {"note", "answer"}}, "without the mark": {"item": {"note"}, "watermark": {"off"}}, "a value": {"item": {"nickname"}}} {
			c.asks.header.Set("Sec-Fetch-Dest", "empty")
			before := c.written(c.worker, staff.KindTried)
			if w := c.asks.do("POST", at(r)+"/words", form); w.Code != 422 || bytes.Contains(w.Body.Bytes(), []byte("PNG")) || c.written(c.worker, staff.KindTried) != before+1 {
				t.Errorf("%s: %d", name, w.Code)
			}
			c.asks.header.Del("Sec-Fetch-Dest")
		}
		for address, status := range map[string]int{at(r) + "/words?item=note": 422, at(r) + "/words?watermark=off": 422, at(r) + "/words/note": 404, at(r) + "/note.png": 404} {
			before := c.written(c.worker, staff.KindTried)
			if w := c.asks.get(address); w.Code != status || strings.Contains(w.Body.String(), corrected) || c.written(c.worker, staff.KindTried) != before+1 {
				t.Errorf("%s: %d, %d on record", address, w.Code, c.written(c.worker, staff.KindTried)-before)
			}
		}
		if w := c.asks.post(at(r)+"/extend", "reason", "complex"); w.Code != 303 || c.now(r).Extended != rights.Complex {
			t.Errorf("extended: %d", w.Code)
		}
		if w := c.asks.post(at(r)+"/extend", "reason", "complex"); w.Code != 409 {
			t.Errorf("extended twice: %d", w.Code)
		}
		if w := c.asks.post(at(r)+"/assign", "to", c.second.ID); w.Code != 303 || c.now(r).Owner != c.second.ID {
			t.Errorf("handed over: %d", w.Code)
		}
		if w := c.asks.post(at(r)+"/assign", "to", "st_00000000000000000000000000"); w.Code != 422 || c.now(r).Owner != c.second.ID {
			t.Errorf("handed to nobody: %d", w.Code)
		}
		if w := c.asks.words(r, "note"); w.Code != 403 {
			t.Errorf("read after it was handed over: %d", w.Code)
		}
		if w := c.other.post(at(r)+"/refuse", "reason", "complex"); w.Code != 422 || c.now(r).State != rights.Open {
			t.Errorf("refused without a reason to refuse: %d", w.Code)
		}
		if w := c.other.post(at(r)+"/refuse", "reason", "already_right", "words", "核对过入学登记"); w.Code != 303 {
			t.Fatalf("refused: %d %s", w.Code, w.Body)
		}
		if w := c.other.post(at(r) + "/finish"); w.Code != 409 {
			t.Errorf("ended twice: %d", w.Code)
		}
		if w := c.other.words(r, "answer"); w.Code != 200 {
			t.Errorf("the answer: %d", w.Code)
		}
		now := c.now(r)
		var actors []string
		for _, step := range now.Steps {
			actors = append(actors, step.Kind+" "+step.Actor)
		}
		if want := strings.Join([]string{rights.KindReceived + " " + c.guardian.Ledger(), rights.KindAssigned + " staff:" + c.worker.ID, rights.KindShown + " staff:" + c.worker.ID, rights.KindExtended + " staff:" + c.worker.ID,
			rights.KindAssigned + " staff:" + c.worker.ID, rights.KindRefused + " staff:" + c.second.ID, rights.KindShown + " staff:" + c.second.ID}, "\n"); now.State != rights.Refused || strings.Join(actors, "\n") != want {
			t.Errorf("%s:\n%s\nwant\n%s", now.State, strings.Join(actors, "\n"), want)
		}
		other := c.came(rights.Supplement, "nickname", "")
		if w := c.boss.post(at(other) + "/assign"); w.Code != 303 || c.now(other).Owner != d.Officer.ID {
			t.Errorf("the officer takes it by the office: %d, %q", w.Code, c.now(other).Owner)
		}
		if w := c.boss.post(at(other)+"/finish", "words", "已补充"); w.Code != 303 || c.now(other).State != rights.Done {
			t.Errorf("finished: %d", w.Code)
		}
		for _, b := range []*browser{c.asks, c.other, c.boss} {
			for _, address := range []string{"/console/demands", "/console/demands?state=ended", at(r), at(r) + "/words", at(other), "/console/due"} {
				if body := b.get(address).Body.String(); strings.Contains(body, corrected) || strings.Contains(body, nickname) || strings.Contains(body, "入学登记") {
					t.Errorf("%s holds what was written, or a value", address)
				}
			}
		}
		if all := d.log.String(); strings.Contains(all, corrected) || strings.Contains(all, c.ref) || strings.Contains(all, "入学登记") {
			t.Errorf("the log says %s", all)
		}
		d.replays()
	})
}

// Article 20: a demand to delete is refused by the office alone, for its one reason, and
// takes no longer.
func TestArticle20_OnlyTheOfficeRefusesAnErasureAtTheConsole(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		c := d.counter()
		r := c.came(rights.Delete, "", "")
		if page := c.asks.get(at(r)).Body.String(); strings.Contains(page, "/refuse") || strings.Contains(page, "/finish") || strings.Contains(page, "/extend") {
			t.Error("a worker is offered to end it")
		}
		before := c.written(c.worker, staff.KindTried)
		if w := c.asks.post(at(r)+"/refuse", "reason", "not_entitled"); w.Code != 403 || c.now(r).State != rights.Open || c.written(c.worker, staff.KindTried) != before+1 {
			t.Errorf("a worker refuses it: %d", w.Code)
		}
		for _, does := range []string{"/finish", "/extend"} {
			if w := c.boss.post(at(r)+does, "reason", "complex"); w.Code != 409 {
				t.Errorf("%s: %d", does, w.Code)
			}
		}
		if w := c.boss.post(at(r)+"/refuse", "reason", "nothing_held"); w.Code != 422 {
			t.Errorf("for another reason: %d", w.Code)
		}
		if w := c.boss.post(at(r)+"/refuse", "reason", "not_entitled"); w.Code != 303 || c.now(r).State != rights.Refused {
			t.Errorf("the office: %d", w.Code)
		}
		d.replays()
	})
}

// Article 15: who has nothing to do with the demands of a service doesn't learn that there
// are any, and what they try is on record.
func TestArticle15_DemandsAreOfThoseWhoHandleThem(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		c := d.counter()
		r := c.came(rights.Correct, rights.BirthDate, "2014-05-01")
		d.Do(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := catalog.Create(ctx, tx, signintest.By, "another", catalog.Test)
			return err
		})
		stranger := signintest.Hire(t, d.Store, d.console.Door(), "外人", staff.Grant{Role: staff.Manager, Service: "another"})
		for _, in := range []*signintest.Insider{stranger, d.hire(staff.Auditor), d.hire(staff.Engineer)} {
			b := d.browser(in.Secret)
			if w := b.get("/console/demands?lang=en"); w.Code == 200 && strings.Contains(w.Body.String(), r.Number) || in != stranger && outcome(w) != mayNot {
				t.Errorf("%s: the list: %d", in.Name, w.Code)
			}
			for _, page := range []string{at(r), at(r) + "/words", "/console/births/" + r.Service + "/bc_00000000000000000000000000"} {
				if w := b.get(page); outcome(w) != mayNot || strings.Contains(w.Body.String(), r.Number) {
					t.Errorf("%s: %s: %d", in.Name, page, w.Code)
				}
			}
			for _, form := range []string{"/assign", "/help", "/extend", "/refuse", "/finish", "/older"} {
				before := c.written(in, staff.KindTried)
				if w := b.post(at(r)+form, "reason", "complex", "paper", "passport", "number", "E1", "birth", "2011-01-01"); outcome(w) != mayNot || c.written(in, staff.KindTried) != before+1 {
					t.Errorf("%s: %s: %d", in.Name, form, w.Code)
				}
			}
			if w := b.words(r, "note"); w.Code != 403 || bytes.Contains(w.Body.Bytes(), []byte("PNG")) {
				t.Errorf("%s reads it: %d", in.Name, w.Code)
			}
			if w := b.post("/console/demands/new", "service", vaulttest.Service, "ref", c.ref); outcome(w) != mayNot || strings.Contains(w.Body.String(), c.ref) {
				t.Errorf("%s finds the child: %d", in.Name, w.Code)
			}
			if w := b.post("/console/search?lang=en", "q", r.Number); strings.Contains(w.Header().Get("Location")+w.Body.String(), at(r)) {
				t.Errorf("%s finds the demand", in.Name)
			}
		}
		if now := c.now(r); now.State != rights.Open || now.Owner != "" || len(now.Steps) != 1 {
			t.Errorf("%+v", now)
		}
		if w := c.asks.post("/console/search", "q", strings.ToLower(r.Number)); !strings.HasPrefix(w.Header().Get("Location"), at(r)) {
			t.Errorf("who handles it doesn't find it by its number: %s", w.Header().Get("Location"))
		}
		if page := c.asks.get("/console/due").Body.String(); !strings.Contains(page, at(r)) || strings.Contains(page, "wardkeep demand") {
			t.Error("the due list doesn't lead to it")
		}
		d.replays()
	})
}

// Articles 19 and 20: what comes by phone or letter has a number and a clock, says how it
// came and by whom it was recorded, and goes with the fingerprint of its document.
func TestArticle19_WhatCameByLetterIsRecorded(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		c := d.counter()
		const address = "/console/demands/new"
		if w := c.asks.post(address+"?lang=en", "service", vaulttest.Service, "ref", "nobody-has-this"); w.Code != 404 || !strings.Contains(w.Body.String(), template(i18n.English.T("console.ask.no_child"))) {
			t.Errorf("no such child: %d", w.Code)
		}
		w := c.asks.post(address+"?lang=en", "service", vaulttest.Service, "ref", c.ref)
		who := "guardian:" + string(c.guardian.ID)
		if w.Code != 200 || !strings.Contains(w.Body.String(), who) || strings.Contains(w.Body.String(), nickname) || c.written(c.worker, approval.KindSearched) != 2 { // the miss, too
			t.Fatalf("found: %d %s", w.Code, w.Body)
		}
		form := func(pairs ...string) sheet {
			s := sheet{values: map[string]string{"service": vaulttest.Service, "ref": c.ref, "who": who, "kind": "correct", "item": "nickname", "reached": "letter", "words": corrected}}
			for i := 0; i+1 < len(pairs); i += 2 {
				s.values[pairs[i]] = pairs[i+1]
			}
			return s
		}
		for name, s := range map[string]sheet{
			"by nobody": form("who", ""), "in no way": form("reached", ""), "in another way": form("reached", "pigeon"), "of nothing": form("kind", "everything"),
			"of no item": form("item", ""), "of what nobody knows": form("item", "shoe_size"), "by a stranger": form("who", "guardian:gu_00000000000000000000000000"),
		} {
			if w := c.asks.sends(address, s); w.Code < 400 || w.Code >= 500 || strings.Contains(w.Body.String(), corrected) {
				t.Errorf("%s: %d", name, w.Code)
			}
		}
		s := form()
		s.files = map[string]upload{"document": {"来信.pdf", "%PDF-1.7 请更正孩子的昵称"}}
		w = c.asks.sends(address, s)
		path, _, _ := strings.Cut(w.Header().Get("Location"), "?")
		if w.Code != 303 || !strings.HasPrefix(path, "/console/demands/"+vaulttest.Service+"/rr_") {
			t.Fatalf("recorded: %d %s", w.Code, w.Body)
		}
		r := c.now(rights.Request{Service: vaulttest.Service, ID: path[strings.LastIndexByte(path, '/')+1:]})
		if r.Reached != rights.ByLetter || !r.Paper || r.Owner != c.worker.ID || r.Door != rights.ByGuardian || r.Steps[0].Actor != "staff:"+c.worker.ID {
			t.Errorf("%+v", r)
		}
		page := c.asks.get(path + "?lang=en").Body.String()
		for _, wants := range []string{i18n.English.T("console.demand.reached.letter"), i18n.English.T("console.demand.paper"), "某staff"} {
			if !strings.Contains(page, wants) {
				t.Errorf("the page doesn't say %q", wants)
			}
		}
		if w := c.asks.sends(address, form()); w.Code != 409 {
			t.Errorf("twice: %d", w.Code)
		}
		if w := c.asks.sends(address, form("kind", "delete_item", "item", "remarks")); w.Code != 303 {
			t.Errorf("one value: %d %s", w.Code, w.Body)
		}
		if w := c.asks.sends(address, form("who", "child", "kind", "delete", "item", "")); w.Code != 303 {
			t.Errorf("by the child: %d %s", w.Code, w.Body)
		}
		if now, err := c.find(); err != nil || !now.Frozen {
			t.Errorf("it isn't frozen: %v", err)
		}
		if all := d.log.String(); strings.Contains(all, corrected) || strings.Contains(all, c.ref) || strings.Contains(all, "来信") {
			t.Errorf("the log says %s", all)
		}
		d.replays()
	})
}

// Article 20: who took a demand to delete finds the link to the certificate on its page, by
// its address and by its number, once the child is erased; so does the office. A colleague
// sees that it was done.
func TestArticle20_WhoTookADemandFindsTheCertificate(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		c := d.counter()
		w := c.asks.sends("/console/demands/new", sheet{values: map[string]string{"service": vaulttest.Service, "ref": c.ref,
			"who": "guardian:" + string(c.guardian.ID), "kind": "delete", "reached": "phone"}})
		path, _, _ := strings.Cut(w.Header().Get("Location"), "?")
		r := c.now(rights.Request{Service: vaulttest.Service, ID: path[strings.LastIndexByte(path, '/')+1:]})
		if w.Code != 303 || r.Owner != c.worker.ID {
			t.Fatalf("recorded: %d %s", w.Code, w.Body)
		}
		if _, err := retention.Sweep(t.Context(), d.Store, d.Vault); err != nil {
			t.Fatal(err)
		}
		link := d.console.System.Site + "/certificate/"
		for name, sees := range map[*browser]bool{c.asks: true, c.boss: true, c.vice: true, c.other: false} {
			page := name.get(path + "?lang=en")
			body := page.Body.String()
			if page.Code != 200 || page.Header().Get("Cache-Control") != "no-store" || !strings.Contains(body, r.Number) || strings.Contains(body, link) != sees {
				t.Errorf("sees the link: want %v: %d %s", sees, page.Code, body)
			}
			for _, of := range []string{c.ref, c.child.Subject, string(c.child.ID), string(c.guardian.ID), nickname} {
				if strings.Contains(body, of) {
					t.Errorf("the page has %.3s… of the child", of)
				}
			}
		}
		for _, q := range []string{r.Number, r.ID} {
			if w := c.asks.post("/console/search", "q", q); w.Code != 303 || !strings.HasPrefix(w.Header().Get("Location"), path+"?") && w.Header().Get("Location") != path {
				t.Errorf("found by %.3s…: %d %s", q, w.Code, w.Header().Get("Location"))
			}
		}
		if w := c.asks.post(path + "/assign"); w.Code != 404 {
			t.Errorf("handled after it was done: %d", w.Code)
		}
		if all := d.log.String(); strings.Contains(all, "/certificate/") {
			t.Error("the link is in the log")
		}
		for _, lang := range i18n.Langs {
			w := c.asks.get(path + "?lang=" + string(lang))
			before, rest, _ := strings.Cut(w.Body.String(), link)
			_, after, _ := strings.Cut(rest, "<")
			w.Body = bytes.NewBufferString(before + link + "SECRET<" + after)
			d.isGolden("demand_done."+string(lang)+".html", w)
		}
		d.replays()
	})
}

// Article 19: a demand with a long history is a page like another: its last steps lead to
// their entries, and the child's entries have all.
func TestArticle19_ALongHistoryIsNotLookedUp(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		c := d.counter()
		r := c.came(rights.Correct, "nickname", corrected)
		c.Do(func(ctx context.Context, tx *db.Tx) error {
			inOffice, _, err := rights.Handlers(ctx, tx, r.Service)
			desk := rights.Desk{Ring: c.Ring, Charters: c.Desk.Charters, Calendar: workday.Default()}
			for i := 0; err == nil && i < 30; i++ {
				r, _, err = desk.Assign(ctx, tx, inOffice[0], r, inOffice[i%2])
			}
			return err
		})
		d.flush()
		page := c.boss.get(at(r) + "?lang=en").Body.String()
		if rows, led := strings.Count(page, `<td class="when">`), strings.Count(page, `href="/console/ledger/entries/`); rows != 31 || led != 20 || !strings.Contains(page, "subject="+c.child.Subject) {
			t.Errorf("%d steps, of which %d lead to their entries", rows, led)
		}
	})
}

func (c *counter) find() (now family.Child, err error) {
	err = c.Try(func(ctx context.Context, tx *db.Tx) (err error) {
		now, err = family.Find(ctx, tx, c.child.Service, c.child.ID)
		return err
	})
	return now, err
}

// Edge case 3: older makes a child only a document that two in office have read alike. The
// second one is shown nothing of what the first has typed, and isn't the first.
func TestEdgeCase3_TwoReadTheDocumentAtTheConsole(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		c := d.counter()
		r := c.came(rights.Correct, rights.BirthDate, "她2012年出生")
		seen := []string{"paper", "household_register", "number", "HK-4471", "birth", "2015-03-02"}
		if w := c.asks.post(at(r)+"/older", seen...); w.Code != 403 || c.written(c.worker, staff.KindTried) != 1 {
			t.Errorf("a worker: %d", w.Code)
		}
		for name, wrong := range map[string][]string{"no number": {"number", ""}, "no day": {"birth", ""}, "no document": {"paper", "letter"}, "a day to come": {"birth", "2190-01-01"}} {
			form := url.Values{}
			for i := 0; i+1 < len(seen); i += 2 {
				form.Set(seen[i], seen[i+1])
			}
			form.Set(wrong[0], wrong[1])
			if w := c.boss.do("POST", at(r)+"/older", form); w.Code != 422 {
				t.Errorf("%s: %d", name, w.Code)
			}
		}
		if w := c.boss.post(at(r)+"/older", seen...); w.Code != 303 {
			t.Fatalf("the first: %d %s", w.Code, w.Body)
		}
		page := c.vice.get(at(r) + "?lang=en").Body.String()
		_, rest, found := strings.Cut(page, `href="/console/births/`)
		path := "/console/births/" + rest[:max(strings.IndexByte(rest, '?'), 0)]
		if !found || strings.Contains(page, "HK-4471") {
			t.Fatal(page)
		}
		if due := c.vice.get("/console/due").Body.String(); !strings.Contains(due, path) {
			t.Error("the due list doesn't lead to the claim")
		}
		for _, b := range []*browser{c.boss, c.vice, c.asks} {
			if page := b.get(path); page.Code != 200 || strings.Contains(page.Body.String(), "HK-4471") || strings.Contains(page.Body.String(), "2015-03-02") {
				t.Errorf("%d, or the page says what the first has typed", page.Code)
			}
		}
		if strings.Contains(c.boss.get(path).Body.String(), "/approve") || strings.Contains(c.asks.get(path).Body.String(), "/approve") {
			t.Error("the first, or a worker, is offered to approve")
		}
		for who, b := range map[*signintest.Insider]*browser{c.officer: c.boss, c.worker: c.asks} {
			before := c.written(who, staff.KindTried)
			if w := b.post(path+"/approve", seen...); w.Code != 403 || c.written(who, staff.KindTried) != before+1 {
				t.Errorf("%s approves: %d, %d entries", who.Name, w.Code, c.written(who, staff.KindTried)-before)
			}
		}
		if w := c.vice.post(path+"/approve", "paper", "household_register", "number", "HK-4472", "birth", "2015-03-02"); w.Code != 409 {
			t.Errorf("another number: %d", w.Code)
		}
		w := c.vice.post(path+"/approve", seen...)
		if w.Code != 303 || !strings.HasPrefix(w.Header().Get("Location"), at(r)) {
			t.Fatalf("the second: %d %s", w.Code, w.Body)
		}
		d.Do(func(ctx context.Context, tx *db.Tx) error {
			now, err := family.Find(ctx, tx, c.child.Service, c.child.ID)
			if err == nil && now.BirthFrom != family.FromDocument {
				t.Errorf("it is from %q", now.BirthFrom)
			}
			return err
		})
		if w := c.vice.get(path); w.Code != 404 {
			t.Errorf("the claim once it is decided: %d", w.Code)
		}
		if w := c.vice.post(at(r) + "/finish"); w.Code != 303 || c.now(r).State != rights.Done {
			t.Errorf("the demand: %d", w.Code)
		}
		if all := d.log.String(); strings.Contains(all, "HK-447") || strings.Contains(all, "2015-03-02") {
			t.Errorf("the log says %s", all)
		}
		d.replays()
	})
}

// The list as a file has codes and names of items, and no child; that it was taken is on
// record.
func TestArticle15_DemandsAsAFileHoldNoValues(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		c := d.counter()
		r := c.came(rights.Correct, "nickname", corrected)
		c.came(rights.Copy, "", "")
		w := c.asks.post("/console/demands/csv?lang=en", "filter", "kind=correct")
		rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(w.Body.String(), "\ufeff"))).ReadAll()
		if w.Code != 200 || err != nil || len(rows) != 2 || rows[1][0] != r.Number || c.written(c.worker, staff.KindExported) != 1 {
			t.Fatalf("%d, %v, %v", w.Code, rows, err)
		}
		for _, secret := range []string{c.ref, c.child.Subject, string(c.child.ID), string(c.guardian.ID), nickname, corrected} {
			if strings.Contains(w.Body.String(), secret) {
				t.Error("the file says more than codes")
			}
		}
		if w := c.asks.post("/console/demands/csv", "filter", "state=done"); strings.Count(w.Body.String(), "\n") != 2 {
			t.Errorf("what was answered by itself: %s", w.Body)
		}
	})
}

// PIPL 45: whoever handles demands sees how a copy stands that a guardian hands to somebody, and
// neither whom nor what is in it before its words are shown; and records none on a guardian's behalf.
func TestPIPL45_WhatIsHandedOverIsSeenWithoutWhom(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		c := d.counter()
		var r rights.Request
		d.Do(func(ctx context.Context, tx *db.Tx) (err error) {
			desk := rights.Desk{Ring: d.Ring, Charters: d.Desk.Charters, Calendar: workday.Default()}
			r, _, err = d.Vault.DemandPort(ctx, tx, desk, c.guardian, c.child, rights.Demand{Items: []string{"nickname"},
				To: rights.Recipient{Name: pii.New("Dr. Li"), Contact: pii.New("li@dentist.example"), Home: true}})
			return err
		})
		page := c.asks.get(at(r) + "?lang=en").Body.String()
		for _, key := range []string{"console.demand.kind.port", "console.demand.port.waiting"} {
			if !strings.Contains(page, i18n.English.T(key)) {
				t.Errorf("%s isn't said", key)
			}
		}
		if strings.Contains(page, "Dr. Li") || strings.Contains(page, "dentist") || strings.Contains(page, nickname) {
			t.Error("the page says whom, or what")
		}
		if page := c.asks.get("/console/demands/new?lang=en").Body.String(); strings.Contains(page, `value="port"`) {
			t.Error("it can be recorded on a guardian's behalf")
		}
		if w := c.asks.post(at(r) + "/recall"); w.Code != 303 {
			t.Errorf("recalled: %d", w.Code)
		}
		if page := c.asks.get(at(r) + "?lang=en").Body.String(); !strings.Contains(page, i18n.English.T("console.demand.port.recalled")) || strings.Contains(page, "/recall") {
			t.Error("it waits still")
		}
		if w := c.asks.post(at(r) + "/recall"); w.Code != 409 {
			t.Errorf("recalled twice: %d", w.Code)
		}
		d.replays()
	})
}

// Article 16(2): who handles a demand asks a processor that may have what is demanded, once, and
// sees what it was asked and says, but not what it has written.
func TestArticle16_ADemandIsHelpedWith(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		c := d.counter()
		d.Put(c.child, "speaking-practice", "gender", "女")
		r := c.came(rights.Correct, "gender", "")
		form, asked := at(r)+"/help", i18n.English.T("console.demand.help_open")
		if page := c.asks.get(at(r) + "?lang=en").Body.String(); strings.Contains(page, form) {
			t.Error("who has no key can be asked")
		}
		if w := c.asks.post(form, "party", "processor "+vaulttest.Processor); w.Code != 409 {
			t.Errorf("who has no key: %d", w.Code)
		}
		d.Engage(d.Store.Now().Add(24 * time.Hour))
		key, _ := d.Bind(vaulttest.ProcessorID())
		if page := c.asks.get(at(r) + "?lang=en").Body.String(); !strings.Contains(page, form) || strings.Contains(page, asked) {
			t.Error("nobody can be asked")
		}
		if w := c.asks.post(form, "party", "recipient "+vaulttest.Processor); w.Code != 409 {
			t.Errorf("who has nothing: %d", w.Code)
		}
		if w := c.asks.post(form, "party", "processor "+vaulttest.Processor); w.Code != 303 || c.written(c.worker, assistance.KindAsked) != 1 {
			t.Errorf("asked: %d %s", w.Code, w.Body)
		}
		if w := c.asks.post(form, "party", "processor "+vaulttest.Processor); w.Code != 409 {
			t.Errorf("asked twice: %d", w.Code)
		}
		if page := c.asks.get(at(r) + "?lang=en").Body.String(); strings.Contains(page, form) || !strings.Contains(page, asked) {
			t.Error("the page doesn't say that it was asked")
		}
		d.Do(func(ctx context.Context, tx *db.Tx) error {
			by, err := party.ClientOf(ctx, tx, key.ID)
			if err != nil {
				return err
			}
			tasks, err := assistance.Of(ctx, tx, c.child.ID, r.ID)
			if err == nil {
				_, _, err = assistance.Reply(ctx, tx, d.Ring, by, tasks[0].ID, assistance.Has, pii.New("三段录音"))
			}
			return err
		})
		if page := c.asks.get(at(r) + "?lang=en").Body.String(); !strings.Contains(page, i18n.English.T("console.demand.help.has")) || strings.Contains(page, "三段录音") || !strings.Contains(page, form) {
			t.Error("the page doesn't say what it answers, or says too much")
		}
		// What it has written whoever handles the demand reads as all that was written: as a picture,
		// on record.
		c.asks.post(at(r) + "/assign")
		words := at(r) + "/words"
		task := regexp.MustCompile(`id="([a-z]{2}_[0-9a-z]{26})"`).FindStringSubmatch(c.asks.get(words).Body.String())
		if task == nil {
			t.Fatal("what was written isn't there")
		}
		before := c.written(c.worker, rights.KindShown)
		if w := c.asks.words(r, task[1]); w.Code != 200 || w.Header().Get("Content-Type") != "image/png" || c.written(c.worker, rights.KindShown) != before+1 {
			t.Errorf("what a party has written: %d", w.Code)
		}
		if w := c.asks.words(r, strings.ToUpper(task[1])); w.Code == 200 || c.written(c.worker, rights.KindShown) != before+1 {
			t.Errorf("another text: %d", w.Code)
		}
	})
}

func TestPagesOfDemands(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		c := d.counter()
		check := c.check
		check("demands-empty", c.asks, "/console/demands")
		check("demand_new", c.asks, "/console/demands/new")
		r := c.came(rights.Correct, rights.BirthDate, corrected)
		check("demand", c.asks, at(r))
		c.boss.post(at(r) + "/assign")
		check("demands", c.asks, "/console/demands")
		check("demand-officer", c.boss, at(r))
		check("demand_words", c.boss, at(r)+"/words")
		d.Do(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := rights.Desk{Ring: d.Ring, Charters: d.Desk.Charters}.ClaimOlder(ctx, tx, d.Officer, c.child,
				rights.Seen{Paper: rights.Passport, Number: pii.New("E12345678"), Birth: age.Birth{Year: 2015, Month: 3, Day: 2}})
			return err
		})
		page := c.boss.get(at(r)).Body.String()
		_, rest, _ := strings.Cut(page, `href="/console/births/`)
		check("birth", c.vice, "/console/births/"+rest[:max(strings.IndexByte(rest, '?'), 0)])
		c.boss.post(at(r)+"/extend", "reason", "complex")
		c.boss.post(at(r)+"/refuse", "reason", "already_right")
		check("demand-refused", c.boss, at(r))
		erased := c.came(rights.Delete, "", "")
		check("demand-erases", c.asks, at(erased))
		for _, lang := range i18n.Langs {
			w := c.asks.post("/console/demands/new?lang="+string(lang), "service", vaulttest.Service, "ref", c.ref)
			w.Body = bytes.NewBufferString(strings.ReplaceAll(w.Body.String(), c.ref, "ref-1"))
			d.isGolden("demand_new-found."+string(lang)+".html", w)
		}
		if w := c.asks.get("/console/demands?kind=correct&state=ended&service=" + vaulttest.Service); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), at(r)) {
			t.Errorf("narrowed: %d", w.Code)
		}
	})
}

// Whoever tries references out by the form for demands finds no more of them after a while,
// and each that nobody has is on record, whatever was asked with it.
func TestArticle15_TryingReferencesOutByDemandsEnds(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		o := d.office()
		tries := func(ref string, more ...string) int {
			return o.asks.post("/console/demands/new", append([]string{"service", vaulttest.Service, "ref", ref}, more...)...).Code
		}
		whole := []string{"kind", "delete", "who", "child", "reached", "phone"}
		for i := range 60 {
			more := whole
			if i%2 == 0 {
				more = nil
			}
			if code := tries("u"+strconv.Itoa(i), more...); code != http.StatusNotFound {
				t.Fatalf("%d: %d", i, code)
			}
		}
		for _, more := range [][]string{nil, whole} {
			if code := tries(o.ref, more...); code != http.StatusTooManyRequests {
				t.Errorf("a child is found: %d", code)
			}
		}
		if n := o.written(o.worker, approval.KindSearched); n != 60 {
			t.Errorf("%d entries", n)
		}
	})
}
