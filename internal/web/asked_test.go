package web_test

import (
	"bytes"
	"context"
	"fmt"

	"maps"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/vault/vaulttest"
)

// parsed returns a copy of a charter, changed.
func parsed(t *testing.T, c *charter.Charter, change func(c *charter.Charter)) *charter.Charter {
	t.Helper()
	copied, err := charter.Parse(c.Canonical())
	if err != nil {
		t.Fatal(err)
	}
	change(copied)
	if copied, err = charter.Parse(copied.Canonical()); err != nil {
		t.Fatal(err)
	}
	return copied
}

func words(zh, en string) charter.Words { return charter.Words{ZH: zh, EN: en} }

// long is a charter that says much: a recipient, a processor abroad, long names,
// and recordings that are kept longer.
func long(t *testing.T, c *charter.Charter) *charter.Charter {
	t.Helper()
	return parsed(t, c, func(c *charter.Charter) {
		c.Recipients = []charter.Recipient{{
			Name: "publisher", Label: words("小溪教育出版（杭州）有限责任公司儿童读物编辑部", "Xiaoxi Educational Publishing (Hangzhou) Co., Ltd., Children's Books"),
			Contact: "privacy@publisher.example", Country: "CN", Why: words("按年级寄送纸质教材", "To post printed books for the school year"), Items: []string{"grade", "nickname"},
		}}
		c.Processors = append(c.Processors, charter.Processor{
			Name: "cloud-abroad", Label: words("海外云服务有限公司", "Cloud Abroad Ltd."), Contact: "dpo@cloud.example", Country: "SG",
			Task: words("保存推送标识并发送提醒", "It keeps push addresses and sends reminders"), Items: []string{"push_token"},
		})
		for i := range c.Purposes {
			switch p := &c.Purposes[i]; p.Name {
			case "course-progress":
				p.Activities, p.Recipients = append(p.Activities, charter.Transfer), []string{"publisher"}
			case "push-notices":
				p.Activities, p.Processors = append(p.Activities, charter.Entrust), []string{"cloud-abroad"}
				p.SeparateConsent, p.CrossBorder = true, &charter.CrossBorder{Mechanism: charter.StandardContract, Reference: "SC-2026-1"}
			case "speaking-practice":
				if err := p.Retention.Period.UnmarshalText([]byte("180d")); err != nil {
					t.Fatal(err)
				}
			}
		}
	})
}

// answers returns what was recorded about a child, by purpose.
func (s *site) answers(child family.Child) map[string]consent.Answer {
	s.t.Helper()
	all := make(map[string]consent.Answer)
	s.w.Do(func(ctx context.Context, tx *db.Tx) error {
		history, err := consent.History(ctx, tx, child.ID)
		for _, a := range history {
			if a.Stands() {
				all[a.Purpose] = a
			}
		}
		return err
	})
	return all
}

func (s *site) answer(token string, form url.Values) (int, string) {
	s.t.Helper()
	return s.post("/r/"+token+"/answer?lang=zh-CN", form)
}

func TestArticle9_WhatIsOffIsANoAndNothingIsPreset(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		child, token, _ := s.ask()
		s.verified(token)
		_, page := s.get("/r/"+token+"?lang=zh-CN", "")
		if strings.Contains(page, " checked") || strings.Contains(page, "selected") || len(switches.FindAllString(page, -1)) != 6 {
			t.Errorf("the switches: %s", page)
		}
		form := s.form(token, "zh-CN")
		form["yes"], form["decision"] = []string{"speaking-practice"}, []string{"agree"}
		if status, body := s.answer(token, form); status != 200 {
			t.Fatalf("%d %s", status, body)
		}
		got := s.answers(child)
		if len(got) != 7 {
			t.Errorf("%d answers", len(got))
		}
		for purpose, a := range got {
			if want := purpose == "account" || purpose == "speaking-practice"; a.Granted != want {
				t.Errorf("%s: %v", purpose, a.Granted)
			}
		}
	})
}

// Who agrees to nothing hasn't agreed, and hasn't refused either.
func TestArticle9_AgreeingWithNothingOnRecordsNothing(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		child := s.w.Child()
		s.w.Publish(parsed(t, s.w.Charter, func(c *charter.Charter) {
			for i := range c.Purposes {
				c.Purposes[i].IfRefused.ZH += "。"
			}
		}))
		secrets := s.asksAbout(child, consent.Asking{Purposes: []string{"push-notices", "safety-audit"}})
		s.verified(secrets.Token)
		before := s.answers(child)
		form := s.form(secrets.Token, "zh-CN")
		form.Set("decision", "agree")
		if status, body := s.answer(secrets.Token, form); status != 422 || !strings.Contains(body, "还没有打开任何一项") || !strings.Contains(body, "回到请求页") {
			t.Errorf("%d %s", status, body)
		}
		if !maps.Equal(before, s.answers(child)) {
			t.Error("something was recorded")
		}
		if status, _ := s.answer(secrets.Token, s.refuses(secrets.Token, "zh-CN")); status != 200 {
			t.Error("and then nothing can be answered any more")
		}
	})
}

// One purpose is one question: the button answers it, and no switch is needed.
func TestArticle9_OnePurposeIsOneQuestion(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		child, _ := s.w.Enrol()
		secrets := s.asksAbout(child, consent.Asking{Purposes: []string{"class-ranking"}})
		s.verified(secrets.Token)
		if _, page := s.get("/r/"+secrets.Token+"?lang=zh-CN", ""); strings.Contains(page, "role=\"switch\"") || !strings.Contains(page, "就是同意上面这一项") {
			t.Errorf("%s", page)
		}
		form := s.form(secrets.Token, "zh-CN")
		form.Set("decision", "agree")
		if status, body := s.answer(secrets.Token, form); status != 200 || !s.answers(child)["class-ranking"].Granted {
			t.Errorf("%d %s", status, body)
		}
	})
}

// Invariant 4: the page is kept as it was shown, says nothing about whom it was
// shown to, and its hash is in the answer.
func TestArticle9_ThePageIsKeptWithTheAnswer(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		child, _ := s.w.Enrol()
		secrets := s.asksAbout(child, consent.Asking{Nickname: pii.New("小溪canary")})
		s.verified(secrets.Token)
		_, page := s.get("/r/"+secrets.Token+"?lang=zh-CN", "")
		if !strings.Contains(page, "小溪canary") {
			t.Error("the page doesn't say which child it is about")
		}
		form := s.agrees(secrets.Token, "zh-CN")
		if status, _ := s.answer(secrets.Token, form); status != 200 {
			t.Fatal(status)
		}
		a := s.answers(child)["speaking-practice"]
		var kept string
		s.w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
			kept, err = consent.Page(ctx, tx, a.Page)
			return err
		})
		if a.Page != form.Get("page") || consent.PageOf(kept) != a.Page {
			t.Errorf("the answer is to page %q, the form was %q", a.Page, form.Get("page"))
		}
		// Between its halves stands what is about this guardian alone.
		summary, questions, _ := strings.Cut(kept, "</section>")
		before, after, ok := strings.Cut(page, summary+"</section>")
		if !ok || strings.Contains(before, "<section") || !strings.Contains(after, questions) {
			t.Errorf("what is kept isn't what was shown: %s", kept)
		}
		for _, secret := range []string{"canary", secrets.Token, string(child.ID)} {
			if strings.Contains(kept, secret) {
				t.Errorf("what is kept has %q", secret)
			}
		}
		for _, said := range []string{"口语练习", "第十条第七项", "没有打开的就是不同意", `value="refuse"`, "/guide?"} {
			if !strings.Contains(kept, said) {
				t.Errorf("what is kept lacks %q", said)
			}
		}
	})
}

// Article 17, edge case 20: what others receive, or what goes abroad, is asked on
// its own, with a list of who they are.
func TestArticle17_RecipientsAndAbroadAreAskedOnTheirOwn(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		s.w.Publish(long(t, s.w.Charter))
		child, token, _ := s.ask()
		s.verified(token)
		_, page := s.get("/r/"+token+"?lang=en", "")
		_, own, ok := strings.Cut(page, "Asked on its own")
		if !ok || !strings.Contains(own, "Xiaoxi Educational Publishing") || !strings.Contains(own, "goes abroad") {
			t.Fatalf("%s", own)
		}
		for _, purpose := range []string{"course-progress", "push-notices", "class-ranking"} {
			if !strings.Contains(own, `role="switch" form="answer" name="yes" value="`+purpose+`"`) {
				t.Errorf("%s is not a question of its own", purpose)
			}
		}
		form := s.form(token, "zh-CN")
		form.Set("decision", "agree")
		if status, _ := s.answer(token, form); status != 200 {
			t.Fatal(status)
		}
		if got := s.answers(child); !got["account"].Granted || got["course-progress"].Granted || got["push-notices"].Granted {
			t.Errorf("%+v", got)
		}
	})
}

// Edge case 24: each page says what a yes by a code alone doesn't let happen, and no
// more than that: what leaves, or, where the storage is abroad, everything.
func TestEdgeCase24_PagesSayWhatACodeDoesntCarry(t *testing.T) {
	leaves, nothing := "不会提供给第三方", "不会收集，也不会使用"
	for name, c := range map[string]struct {
		change     func(c *charter.Charter)
		says, hush string
	}{
		// Its processor at home goes on working: that nobody else gets anything would be false.
		"at home": {func(c *charter.Charter) {
			i := slices.IndexFunc(c.Purposes, func(p charter.Purpose) bool { return p.Name == "class-ranking" })
			p := &c.Purposes[i]
			by := &c.Processors[0]
			by.Items = append(by.Items, p.Items[0])
			p.Activities, p.Processors = append(p.Activities, charter.Entrust), []string{by.Name}
		}, leaves, nothing},
		"abroad": {func(c *charter.Charter) {
			c.Storage.Country = "SG"
			for i := range c.Purposes {
				c.Purposes[i].SeparateConsent, c.Purposes[i].CrossBorder = true, &charter.CrossBorder{Mechanism: charter.StandardContract, Reference: "SC-2026-1"}
			}
		}, nothing, leaves},
	} {
		t.Run(name, func(t *testing.T) {
			vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
				w.Publish(parsed(t, w.Charter, c.change))
				if name == "abroad" { // nobody is registered there without
					w.FileStorage(charter.StandardContract, w.Store.Now().AddDate(0, 6, 0))
				}
				for _, s := range []*site{newSite(t, w), first(proving(t, w, "http://example.com"))} {
					child, _ := w.Enrol()
					secrets := s.asksAbout(child, consent.Asking{})
					says := func(where, page string) {
						t.Helper()
						if !strings.Contains(page, c.says) || strings.Contains(page, c.hush) || strings.Contains(page, "不会给别人") {
							t.Errorf("%s doesn't say %q, or says more: %s", where, c.says, page)
						}
					}
					at := "/r/" + secrets.Token
					_, page := s.get(at+"?lang=zh-CN", "")
					says("the request", page)
					s.verified(secrets.Token)
					_, page = s.get(at+"?lang=zh-CN", "")
					says("the request of a verified guardian", page)
					form := s.agrees(secrets.Token, "zh-CN")
					form["yes"] = slices.DeleteFunc(slices.Clone(form["ask"]), func(p string) bool {
						return !strings.Contains(page, `role="switch" form="answer" name="yes" value="`+p+`"`)
					})
					_, page = s.answer(secrets.Token, form)
					says("the answer", page)
					if leads := strings.Contains(page, `class="button quiet" href="`+at+`/receipt?`); leads != (s.pages.Verification.Number != nil) {
						t.Errorf("it leads to proving: %t", leads)
					}
					s.places()
					_, page = s.get(at+"/receipt/print?lang=zh-CN", "")
					says("the paper", page)
					s.signIn()
					_, page = s.get(s.tie(child)+"?lang=zh-CN", "")
					says("the home", page)
					w.Pass(time.Hour)
				}
			})
		})
	}
}

func first(s *site, _ *bureau) *site { return s }

func TestArticle10_AskedAgainShowsTheOldBesideTheNew(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		child := s.w.Child()
		s.w.Publish(parsed(t, s.w.Charter, func(c *charter.Charter) {
			if err := c.Purposes[2].Retention.Period.UnmarshalText([]byte("180d")); err != nil {
				t.Fatal(err)
			}
		}))
		if _, err := s.w.Read(child, "speaking-practice", "speaking_score"); err == nil {
			t.Error("the old answer still serves")
		}
		secrets := s.asksAbout(child, consent.Asking{})
		s.verified(secrets.Token)
		_, page := s.get("/r/"+secrets.Token+"?lang=zh-CN", "")
		for _, want := range []string{"和您上次答复时相比", "<del>90 天</del>", "<ins>180 天</ins>", "不会替您选上"} {
			if !strings.Contains(page, want) {
				t.Errorf("it doesn't say %q: %s", want, page)
			}
		}
		if form := s.form(secrets.Token, "zh-CN"); !slices.Equal(form["ask"], []string{"speaking-practice"}) || strings.Contains(page, " checked") {
			t.Errorf("%v", form)
		}
		if status, _ := s.answer(secrets.Token, s.agrees(secrets.Token, "zh-CN")); status != 200 || !s.answers(child)["speaking-practice"].Granted {
			t.Error(status)
		}
	})
}

var copyField = regexp.MustCompile(`readonly value="([^"]+)"`)

// The page for the child's device has a secret of its own: neither the id of the
// request nor the link opens it, and it opens nothing else.
func TestWaysIn_ThePageForTheChildsDevice(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		child, _ := s.w.Enrol()
		secrets := s.asksAbout(child, consent.Asking{Nickname: pii.New("小溪"), ReturnURL: pii.New("https://app.xiaoxi-english.example/done")})
		status, page := s.get("/ask/"+secrets.Ask+"?lang=zh-CN", "")
		ways := copyField.FindAllStringSubmatch(page, -1)
		if status != 200 || len(ways) != 2 || ways[0][1] != "http://example.com/r/"+secrets.Token || ways[1][1] != secrets.Code || !strings.Contains(page, "<svg") {
			t.Fatalf("%d %s", status, page)
		}
		if !strings.Contains(page, "“小溪”") || !strings.Contains(page, `href="https://app.xiaoxi-english.example/done"`) || strings.Contains(page, "13800000000") {
			t.Errorf("%s", page)
		}
		var request string
		s.w.Do(func(ctx context.Context, tx *db.Tx) error {
			all, err := consent.Requests(ctx, tx, child.ID)
			request = all[0].ID
			return err
		})
		for _, closed := range []string{"/ask/" + request, "/ask/" + secrets.Token, "/ask/" + secrets.Code, "/r/" + secrets.Ask, "/r/" + request} {
			if status, body := s.get(closed, "zh-CN"); status != 404 || strings.Contains(body, "小溪") {
				t.Errorf("%d", status)
			}
		}
		if status, body := s.post("/c?lang=zh-CN", url.Values{"code": {secrets.Code}}); status != 200 || !strings.Contains(body, "发送验证码") {
			t.Errorf("the code: %d", status)
		}
		for i := range 6 {
			status, body := s.post("/ask/"+secrets.Ask+"/send?lang=zh-CN", nil)
			if i < 5 && (status != 200 || !strings.Contains(body, "已发送")) || i == 5 && status != 409 {
				t.Errorf("sending %d: %d %s", i, status, body)
			}
			// Where waiting helps, it is said how long; after five times it doesn't.
			status, body = s.post("/ask/"+secrets.Ask+"/send?lang=zh-CN", nil)
			if i < 4 && (status != 429 || !strings.Contains(body, "一分钟后再试")) || i >= 4 && (status != 409 || !strings.Contains(body, "已经发送过五次") || strings.Contains(body, "再试")) {
				t.Errorf("twice in a moment: %d %s", status, body)
			}
			s.w.Pass(time.Minute + time.Second)
		}
		s.verified(secrets.Token)
		status, body := s.answer(secrets.Token, s.agrees(secrets.Token, "zh-CN"))
		if status != 200 || !strings.Contains(body, `href="https://app.xiaoxi-english.example/done"`) {
			t.Errorf("after the answer there is no way back to the app: %d %s", status, body)
		}
		if status, body := s.get("/ask/"+secrets.Ask, "zh-CN"); status != 409 || !strings.Contains(body, "已经答复过了") || strings.Contains(body, secrets.Token) {
			t.Errorf("%d %s", status, body)
		}
		if log := s.log.String(); strings.Contains(log, secrets.Ask) || strings.Contains(log, secrets.Token) || strings.Contains(log, "小溪") {
			t.Error("the log has a secret")
		}
	})
}

// An address that the charter doesn't name any more leads nobody away.
func TestReturnURL_OnlyToOriginsOfTheCharterInForce(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		secrets := s.asks("", "https://app.xiaoxi-english.example/done")
		s.w.Publish(parsed(t, s.w.Charter, func(c *charter.Charter) { c.ReturnOrigins = nil }))
		for _, path := range []string{"/ask/" + secrets.Ask, "/r/" + secrets.Token} {
			if status, page := s.get(path, "zh-CN"); status != 200 || strings.Contains(page, "example/done") {
				t.Errorf("%d %s", status, page)
			}
		}
	})
}

// renews asks for a new link and waits until it is sent, or isn't.
func (s *site) renews(path string) (int, string) {
	s.t.Helper()
	status, body := s.post(path, nil)
	s.pages.Wait()
	return status, body
}

// A link that ran out is renewed by whoever has it, to the contact on file alone,
// and what is answered says nothing about the family.
func TestWaysIn_AnExpiredLinkIsRenewedToTheContactOnFile(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		child := s.w.Child()
		s.w.Publish(long(t, s.w.Charter))
		old := s.asksAbout(child, consent.Asking{TTL: time.Hour})
		if status, _ := s.renews("/r/" + old.Token + "/renew?lang=zh-CN"); status != 409 {
			t.Errorf("a link that is good is renewed: %d", status)
		}
		s.w.Pass(2 * time.Hour)
		status, page := s.get("/r/"+old.Token+"?lang=zh-CN", "")
		if status != 410 || !strings.Contains(page, "已经过期") || !strings.Contains(page, `<form method="post" action="?lang=zh-CN">`) || strings.Contains(page, old.Token) {
			t.Fatalf("%d %s", status, page)
		}
		sent := len(s.outbox.Messages())
		status, neutral := s.renews("/r/" + old.Token + "?lang=zh-CN")
		if status != 200 || link.MatchString(neutral) || len(s.outbox.Messages()) != sent+1 {
			t.Fatalf("%d %s", status, neutral)
		}
		m := s.outbox.Messages()[0].Message
		token := regexp.MustCompile(`/r/([0-9a-z]{52})`).FindStringSubmatch(m.Text.Reveal())
		if m.To.Reveal() != "13800000000" && m.To.Reveal() != "+8613800000000" || token == nil {
			t.Fatal("it went elsewhere, or has no link")
		}
		// Twice in a moment: it is on its way, and the limit is for all alike.
		if status, body := s.renews("/r/" + old.Token + "/renew?lang=zh-CN"); status != 200 || body != neutral || len(s.outbox.Messages()) != sent+1 {
			t.Errorf("twice in a moment: %d, %d messages", status, len(s.outbox.Messages())-sent)
		}
		s.verified(token[1])
		if status, _ := s.answer(token[1], s.refuses(token[1], "zh-CN")); status != 200 {
			t.Fatal(status)
		}
		// Edge case 26: what was refused since isn't asked again by an old link.
		sent = len(s.outbox.Messages())
		s.w.Pass(time.Hour)
		for i := range 5 {
			if status, body := s.renews("/r/" + old.Token + "/renew?lang=zh-CN"); status != 200 || body != neutral {
				t.Errorf("renewal %d: %d %s", i, status, body)
			}
			s.w.Pass(2 * time.Minute)
		}
		if status, body := s.renews("/r/" + old.Token + "/renew?lang=zh-CN"); status != 429 || !strings.Contains(body, "一小时后再试") || strings.Contains(body, "一分钟") {
			t.Errorf("the sixth in an hour: %d %s", status, body)
		}
		if len(s.outbox.Messages()) != sent {
			t.Error("it was sent")
		}
	})
}

// Whoever has an old link and asks for a new one twice is answered the same,
// whether the request waits, was refused, or was agreed to since.
func TestEdgeCase26_AnOldLinkTellsNobodyWhatBecameOfIt(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		children := make(map[string]family.Child)
		for _, became := range []string{"waits", "refused", "agreed"} {
			children[became] = s.w.Child()
		}
		s.w.Publish(long(t, s.w.Charter))
		said := make(map[string][]string)
		for _, became := range []string{"waits", "refused", "agreed"} {
			old := s.asksAbout(children[became], consent.Asking{TTL: time.Minute})
			s.w.Pass(time.Minute)
			now := s.asksAbout(children[became], consent.Asking{})
			if became != "waits" {
				s.verified(now.Token)
				form := s.agrees(now.Token, "zh-CN")
				if became == "refused" {
					form = s.refuses(now.Token, "zh-CN")
				}
				if status, body := s.answer(now.Token, form); status != 200 {
					t.Fatalf("%d %s", status, body)
				}
			}
			for range 8 {
				status, body := s.renews("/r/" + old.Token + "/renew?lang=zh-CN")
				said[became] = append(said[became], fmt.Sprint(status, changing.ReplaceAllString(body, "…")))
				s.w.Pass(10 * time.Second)
			}
			s.w.Pass(time.Hour)
		}
		for became, answers := range said {
			if !slices.Equal(answers, said["waits"]) {
				t.Errorf("what was %s is answered %q, and what waits %q", became, answers, said["waits"])
			}
		}
	})
}

// A link that is opened in two languages by turns fills no ledger.
func TestArticle10_EachLanguageIsRecordedOnce(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		_, token, _ := s.ask()
		entries := func() (n int64) {
			s.w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
				n, err = db.One(ctx, tx, db.Single[int64], `SELECT count(*) FROM ledger_pending`)
				return err
			})
			return n
		}
		opens := func() {
			for range 4 {
				for _, lang := range []string{"zh-CN", "en"} {
					if status, _ := s.get("/r/"+token+"?lang="+lang, ""); status != 200 {
						t.Fatal(status)
					}
				}
			}
		}
		before := entries()
		opens()
		if n := entries() - before; n != 2 {
			t.Errorf("%d entries for two languages", n)
		}
		s.verified(token)
		form := s.agrees(token, "zh-CN")
		before = entries()
		opens()
		if n := entries() - before; n != 1 {
			t.Errorf("%d entries for the questions in one more language", n)
		}
		// Her form is what she was shown, whatever she looked at after it.
		if status, body := s.answer(token, form); status != 200 {
			t.Errorf("%d %s", status, body)
		}
	})
}

// Invariant 4: whoever has the link reads the notice in every language, without the
// questions. A form that names such a page names nothing that was asked.
func TestInvariant4_NobodyAnswersAPageWithoutTheQuestions(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		child, token, _ := s.ask()
		s.get("/r/"+token+"?lang=en", "")
		s.verified(token)
		form := s.agrees(token, "zh-CN")
		notice, err := charter.Notice(s.w.Charter, charter.English)
		if err != nil {
			t.Fatal(err)
		}
		form.Set("notice", notice.Hash())
		form.Set("page", "")
		status, body := s.post("/r/"+token+"/answer?lang=en", form)
		if status != 409 || codeOfPage(body) != "consent.not_shown" || len(s.answers(child)) != 0 {
			t.Errorf("%d %s", status, body)
		}
		if status, body := s.answer(token, s.agrees(token, "zh-CN")); status != 200 {
			t.Errorf("%d %s", status, body)
		}
	})
}

// Each mishap says what happened and what to do, and nothing is half done.
func TestMishaps_SayWhatHappenedAndLeadOn(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		child, token, _ := s.ask()
		says := func(name string, status int, body string, want int, words ...string) {
			t.Helper()
			if status != want {
				t.Errorf("%s: %d", name, status)
			}
			for _, w := range words {
				if !strings.Contains(body, w) {
					t.Errorf("%s doesn't say %q: %s", name, w, body)
				}
			}
		}
		status, body := s.get("/r/"+token[:40], "zh-CN")
		says("a link that was cut off", status, body, 404, "这个链接打不开", `href="/c?`)
		status, body = s.get("/r/"+strings.Repeat("z", 52), "zh-CN")
		says("a forged link", status, body, 404, "这个链接打不开")
		_, body = s.get("/r/"+token, "zh-CN")
		says("a child", 200, body, 200, "如果你是孩子", "/rules/"+vaulttest.Service+"/child")
		status, body = s.answer(token, url.Values{"decision": {"agree"}})
		says("a link without a proof", status, body, 403, "请先确认您是监护人", `href="./?lang=zh-CN">回到请求页`)
		status, body = s.get("/r/"+token+"/?lang=zh-CN", "")
		says("the way back from there", status, body, 200, "发送验证码")

		s.verified(token)
		form := s.agrees(token, "zh-CN")
		first := s.browser
		s.fresh()                                            // another person with the same link
		for _, lang := range []string{"en", "zh-CN", "en"} { // in another language, it takes nothing from the first
			if _, page := s.get("/r/"+token, lang); strings.Contains(page, `value="agree"`) {
				t.Error("a second browser is verified with the first")
			}
		}
		s.browser = first
		if status, body := s.answer(token, form); status != 200 {
			t.Fatalf("%d %s", status, body)
		}
		recorded := s.answers(child)
		for range 2 {
			status, body = s.answer(token, form)
			says("the same form again", status, body, 409, "没有再记一次", `href="receipt?`)
		}
		s.fresh()
		status, body = s.answer(token, s.loose("refuse"))
		says("the second person's form", status, body, 409, "没有再记一次")
		if !maps.Equal(recorded, s.answers(child)) {
			t.Error("something was recorded twice")
		}

		_, token, _ = s.ask()
		s.w.Pass(time.Hour)
		s.verified(token)
		form = s.agrees(token, "zh-CN")
		s.w.Publish(parsed(t, s.w.Charter, func(c *charter.Charter) {
			c.Purposes = slices.DeleteFunc(c.Purposes, func(p charter.Purpose) bool { return p.Name == "push-notices" })
			c.Items = slices.DeleteFunc(c.Items, func(it charter.Item) bool { return it.Name == "push_token" })
		}))
		status, body = s.answer(token, form)
		says("a purpose that is gone meanwhile", status, body, 409, "什么都没有记下", `action="renew?`)
		if status, _ = s.renews("/r/" + token + "/renew?lang=zh-CN"); status != 200 {
			t.Errorf("it can't be asked anew: %d", status)
		}
		says("the new question", 0, s.outbox.Messages()[0].Message.Text.Reveal(), 0, "/r/")
	})
}

// loose is a form of somebody who never had the page.
func (s *site) loose(decision string) url.Values { return url.Values{"decision": {decision}} }

var href = regexp.MustCompile(`href="(/[^"#]*)"`) // the relative ones lead to the same page, or to a request

// Rules, agreement, their history, the officer and the ways to complain are
// within four taps of every page a guardian can meet.
func TestArticle8_RulesAreWithinFourTaps(t *testing.T) {
	eachProving(t, func(t *testing.T, s *site, _ *bureau) {
		secrets := s.asks("小溪", "")
		wanted := map[string]string{
			"the rules": `id="rules"`, "the agreement": `id="agreement"`, "the officer": "林静", "complaints": `id="complain"`, "the authority": "12377",
			"the history": "历史版本和每次的变化", "the register": `id="recipients"`,
		}
		// leads taps from a page, which shows a sign of what it is.
		leads := func(page, sign, body string) {
			t.Helper()
			if !strings.Contains(body, sign) {
				t.Errorf("%s doesn't show %s", page, sign)
			}
			missing := maps.Clone(wanted)
			seen, at := map[string]bool{}, []string{body}
			for tapped := range 5 { // the page itself, and four taps
				var next []string
				for _, body := range at {
					for name, sign := range missing {
						if strings.Contains(body, sign) {
							delete(missing, name)
						}
					}
					for _, m := range href.FindAllStringSubmatch(body, -1) {
						path := strings.ReplaceAll(m[1], "&amp;", "&")
						if tapped == 4 || seen[path] || strings.HasPrefix(path, "/static") || strings.HasPrefix(path, "/v1") || strings.Contains(path, "lang=en") {
							continue
						}
						seen[path] = true
						_, body := s.get(path, "zh-CN")
						next = append(next, body)
					}
				}
				if at = next; len(missing) == 0 {
					return
				}
			}
			t.Errorf("from %s, which shows %s, four taps don't lead to %v", page, sign, slices.Sorted(maps.Keys(missing)))
		}
		taps := func(start, sign string) {
			t.Helper()
			_, body := s.get(start, "zh-CN")
			leads(strings.Split(start, "/")[1], sign, body)
		}
		request := "/r/" + secrets.Token
		for start, sign := range map[string]string{
			"/ask/" + secrets.Ask: `class="qr"`, request: "先确认您是监护人", "/c": `action="/c?`, "/nowhere": "web.no_page",
			"/guide": "<article>", "/guide/child": "for-child", "/": "/rules/xiaoxi-english?", "/home": `action="/home/code?`, "/home/code": `action="/home/enter?`,
			request + "/receipt": "查看答复前请先验证",
		} {
			taps(start, sign)
		}
		s.verified(secrets.Token)
		taps(request, `value="agree"`)
		taps(request+"/identity", `/identity/number?`)
		_, attempt := s.post(request+"/identity/official?lang=zh-CN", nil)
		taps(request+"/identity/"+regexp.MustCompile(`ve_[0-9a-z]{26}`).FindString(attempt), "/identity/ve_")
		if status, body := s.post(request+"/answer?lang=zh-CN", s.agrees(secrets.Token, "zh-CN")); status != 200 {
			t.Fatalf("%d %s", status, body)
		}
		taps(request+"/receipt", "账本编号")
		s.places()
		taps(request+"/receipt/print", "账本编号")
		child := s.w.Child()
		old := s.asksAbout(child, consent.Asking{Purposes: []string{"class-ranking"}, TTL: time.Hour})
		s.signIn()
		taps("/home", "/home/out-everywhere?")
		taps("/home/passkeys", `action="/home/passkeys`)
		taps(s.tie(child), "/leave?")
		s.w.Pass(2 * time.Hour)
		taps("/r/"+old.Token, "已经过期")
		_, renewed := s.renews("/r/" + old.Token + "?lang=zh-CN")
		leads("what was renewed", "请查看手机或邮箱", renewed)
	})
}

func TestArticle8_EveryVersionIsPublicAndNoDraftIs(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		s.w.Publish(long(t, s.w.Charter))
		s.w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := catalog.Propose(ctx, tx, s.w.Ring, catalog.Operator{ID: "test"}, parsed(t, s.w.Charter, func(c *charter.Charter) { c.Other.ZH = "草稿" }), nil)
			return err
		})
		_, page := s.get("/rules/"+vaulttest.Service+"/history", "zh-CN")
		if !strings.Contains(page, "/history/1?") || !strings.Contains(page, "/history/2?") || strings.Contains(page, "/history/3?") {
			t.Errorf("%s", page)
		}
		if status, page := s.get("/rules/"+vaulttest.Service+"/history/2", "zh-CN"); status != 200 || !strings.Contains(page, "<del>90 天</del>") || !strings.Contains(page, "重大变化") {
			t.Errorf("%d %s", status, page)
		}
		if status, page := s.get("/rules/"+vaulttest.Service+"/history/1", "zh-CN"); status != 200 || !strings.Contains(page, "看现行规则") {
			t.Errorf("%d %s", status, page)
		}
		for _, no := range []string{"3", "0", "-1", "x", "99999999999999999999"} {
			if status, _ := s.get("/rules/"+vaulttest.Service+"/history/"+no, "zh-CN"); status != 404 {
				t.Errorf("version %s: %d", no, status)
			}
		}
	})
}

// A first page costs less than 60 kB, whatever the charter says.
func TestFirstPageIsSmall(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		s.w.Publish(long(t, s.w.Charter))
		secrets := s.asks("小溪", "")
		for _, path := range []string{"/ask/" + secrets.Ask, "/r/" + secrets.Token} {
			total := 0
			for _, part := range []string{path, "/static/wardkeep.css"} {
				_, body := s.get(part, "zh-CN")
				total += len(body)
			}
			if total > 60_000 {
				t.Errorf("%d bytes", total)
			}
		}
	})
}

// Article 5: both guides exist in both languages, and say as much in each; that
// they were offered is in the ledger with what was shown.
func TestArticle5_GuidanceIsOffered(t *testing.T) {
	for _, whom := range []string{"guardian", "child"} {
		var shape []string
		for _, lang := range []string{"zh-CN", "en"} {
			b, err := os.ReadFile("guide/" + whom + "." + lang + ".md")
			if err != nil {
				t.Fatal(err)
			}
			shape = append(shape, regexp.MustCompile(`(?m)^(#+|-)( ).*$|(?m)^.+$`).ReplaceAllString(string(b), "$1"))
		}
		if shape[0] != shape[1] {
			t.Errorf("%s: the languages differ", whom)
		}
	}
	each(t, func(t *testing.T, s *site) {
		_, token, _ := s.ask()
		_, page := s.get("/r/"+token, "zh-CN")
		for _, to := range []string{"/guide?", "/guide/child?", "/rules/" + vaulttest.Service + "/child?"} {
			if !strings.Contains(page, to) {
				t.Errorf("the request doesn't lead to %s", to)
			}
		}
		offered := 0
		s.w.Do(func(ctx context.Context, tx *db.Tx) error {
			entries, err := db.All(ctx, tx, db.Single[[]byte], `SELECT entry FROM ledger_pending`)
			for _, e := range entries {
				if bytes.Contains(e, []byte(consent.KindOpened)) && bytes.Contains(e, []byte(`"guidance":true`)) {
					offered++
				}
			}
			return err
		})
		if offered != 1 {
			t.Errorf("%d entries say that guidance was offered", offered)
		}
		for _, path := range []string{"/guide", "/guide/child", "/rules/" + vaulttest.Service + "/child"} {
			if status, _ := s.get(path, "en"); status != http.StatusOK {
				t.Errorf("%s: %d", path, status)
			}
		}
	})
}

// Whatever stands in an address that leads on, it leads to a page of this site.
func TestRedirects_LeadNowhereElse(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		s.browser.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		for _, evil := range []string{"..%2F%5Cevil.example", "%2F%2Fevil.example", "..%2F..%2F%2Fevil.example", "%5Cevil.example", "..", "%2E%2E%2F%5C%5Cevil.example"} {
			for _, step := range []string{"code", "verify", "answer", "withdraw", "again", "renew", ""} {
				r, err := s.browser.Get(s.server.URL + "/r/" + evil + "/" + step)
				if err != nil {
					t.Fatal(err)
				}
				r.Body.Close()
				// A browser reads a backslash as a slash.
				to := strings.ReplaceAll(r.Header.Get("Location"), `\`, "/")
				if r.StatusCode < 400 && (!strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//")) {
					t.Errorf("%s/%s: %d, to %s", evil, step, r.StatusCode, to)
				}
			}
		}
	})
}
