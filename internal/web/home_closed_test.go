package web_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/base/workday"
	"wardkeep/internal/catalog"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/gate"
	"wardkeep/internal/shield"
	"wardkeep/internal/staff"
	"wardkeep/internal/vault/vaulttest"
)

// hides has two of the staff hide what is held of a child from its guardian, and returns until
// when.
func (s *site) hides(child family.Child) (until time.Time) {
	s.t.Helper()
	guardian := s.w.Guardian(child).ID
	s.w.Do(func(ctx context.Context, tx *db.Tx) error {
		terminal := catalog.Operator{ID: "test"}
		g, err := staff.OfOffice(ctx, tx, vaulttest.Service, s.w.Officer.ID)
		if err != nil {
			return err
		}
		officer, err := staff.Add(ctx, tx, terminal, "林静", g)
		if err != nil {
			return err
		}
		manager, err := staff.Add(ctx, tx, terminal, "韩梅梅", staff.Grant{Role: staff.Manager, Service: vaulttest.Service})
		if err != nil {
			return err
		}
		asked, _, err := shield.Ask(ctx, tx, s.w.Ring, workday.Default(), staff.Acting{Person: manager, Action: staff.AskShield}, vaulttest.Service, child.ID,
			shield.Asking{Guardian: guardian, Reason: shield.Violence, Days: 30, Text: pii.New("孩子告诉老师，父亲打她")})
		if err != nil {
			return err
		}
		raised, _, err := shield.Raise(ctx, tx, s.w.Ring, staff.Acting{Person: officer, Action: staff.DecideShield}, vaulttest.Service, asked.ID)
		until = raised.DueAt
		return err
	})
	return until
}

// Edge case 22: whatever a guardian tries from whom what is held is hidden, it learns no value,
// not what is held, nor what others have done, nor that somebody has decided anything: each
// refusal is the same. What it says goes on counting.
func TestEdgeCase22_WhoIsTheThreatLearnsNothing(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		child := s.w.Child()
		s.w.Put(child, "course-progress", "nickname", "小满")
		s.w.Put(child, "course-progress", "weekly_score", "77")
		s.signIn()
		at := s.tie(child)
		copied := copyForm(s.copyPage(at, "zh-CN")) // it was demanded before, and is fetched after
		asked := s.asksAbout(child, consent.Asking{Nickname: pii.New("豆豆"), Purposes: []string{"class-ranking"}})
		if _, body := s.get("/r/"+asked.Token, ""); !strings.Contains(body, "豆豆") {
			t.Error("what the child is called isn't on the page of a request")
		}
		father := s.w.Guardian(child)
		until := s.hides(child)

		values := []string{"小满", "豆豆", "shield", "violence", "view_hidden", "隐藏", "家暴", "威胁"}
		held := append([]string{"weekly_score", "昵称", ">77<"}, values...)
		silent := func(what, body string, words []string) {
			t.Helper()
			for _, word := range words {
				if strings.Contains(body, word) {
					t.Errorf("%s tells %q", what, word)
				}
			}
		}
		// The notice of a request tells what the service collects, of whatever child.
		for path, words := range map[string][]string{"/home": held, at: held, "/r/" + asked.Token: values, "/ask/" + asked.Ask: values} {
			status, body := s.get(path+"?lang=zh-CN", "")
			if silent(path, body, words); status != http.StatusOK {
				t.Errorf("%s: %d", path, status)
			}
		}
		for _, lang := range []string{"zh-CN", "en"} {
			_, body := s.get(at+"?lang="+lang, "")
			golden(t, "home-closed."+lang+".html", changingAtHome.ReplaceAllString(body, "…"))
			_, body = s.get("/home?lang="+lang, "")
			golden(t, "home-list-closed."+lang+".html", changingAtHome.ReplaceAllString(body, "…"))
		}
		seen := s.entries(gate.KindViewed) + s.entries(gate.KindCopied)
		first := ""
		for what, try := range map[string]struct {
			form   string
			values url.Values
		}{
			"a value":                  {"/reveal", url.Values{"item": {"nickname"}}},
			"a value that isn't held":  {"/reveal", url.Values{"item": {"answers"}}},
			"the code of a copy":       {"/copy", url.Values{"request": copied["request"]}},
			"a file of a copy":         {"/copy/file", copied},
			"a copy for somebody else": {"/port", url.Values{"recipient": {"Dr. Li"}, "contact": {"li@dentist.example"}, "where": {"home"}, "all": {"yes"}}},
			"that copy, confirmed":     {"/port/confirm", url.Values{"recipient": {"Dr. Li"}, "contact": {"li@dentist.example"}, "where": {"home"}, "all": {"yes"}, "code": {"000000"}}},
			"a purpose once more":      {"/again", url.Values{"purpose": {"class-ranking"}}},
			"another way in":           {"/invite", url.Values{"contact": {"13911112222"}, "relation": {"parent"}}},
			"to be somebody else":      {"/leave", nil},
			"to hand a copy on":        {"/port", url.Values{"recipient": {"Dr. Li"}, "contact": {"li@dentist.example"}, "where": {"home"}, "all": {"yes"}}},
			"to keep what is demanded": {"/keep", url.Values{"request": copied["request"]}},
			"one value to be erased":   {"/demand", url.Values{"kind": {"delete_item"}, "item": {"nickname"}}},
			"one that isn't held":      {"/demand", url.Values{"kind": {"delete_item"}, "item": {"answers"}}},
		} {
			status, body := s.post(at+try.form+"?lang=zh-CN", try.values)
			silent(what, body, held)
			said, _, _ := strings.Cut(body[max(0, strings.Index(body, "<h1>")):], "<nav")
			said, _, _ = strings.Cut(said, "<a ")
			said = changing.ReplaceAllString(said, "…")
			if first == "" {
				first = said
			}
			if status != http.StatusConflict || said != first || !strings.Contains(said, "由负责人答复您") {
				t.Errorf("%s: %d %s", what, status, body)
			}
		}
		if after := s.entries(gate.KindViewed) + s.entries(gate.KindCopied); after != seen {
			t.Errorf("%d looks and copies after %d", after, seen)
		}
		if views, copies := s.entries(gate.KindViewDenied), s.entries(gate.KindCopyDenied); views != 2 || copies != 1 {
			t.Errorf("%d looks and %d copies are recorded as denied", views, copies) // with the reason: see the audit
		}

		for _, kind := range []string{"access", "delete"} {
			if status, body := s.post(at+"/demand?lang=zh-CN", url.Values{"kind": {kind}}); status != http.StatusOK || !strings.Contains(body, "最晚") {
				t.Errorf("%s: %d %s", kind, status, body)
			}
		}
		if status, body := s.post(at+"/withdraw?lang=zh-CN", url.Values{"purpose": {"course-progress"}}); status != http.StatusOK {
			t.Errorf("a withdrawal: %d %s", status, body)
		}
		if _, err := s.w.Read(child, "course-progress", "nickname"); err == nil {
			t.Error("used after the withdrawal")
		}
		_, body := s.get(at+"?lang=zh-CN", "")
		silent("after it all", body, held)
		s.audits()
		if logged := s.log.String(); strings.Contains(logged, "小满") || strings.Contains(logged, string(father.ID)) {
			t.Error("the log tells of somebody")
		}

		// It ends in its second: nothing has run.
		s.w.Pass(until.Sub(s.w.Store.Now()) + time.Second)
		s.fresh()
		s.signIn()
		if _, body := s.get(at+"?lang=zh-CN", ""); !strings.Contains(body, "weekly_score") {
			t.Error("it isn't shown again")
		}
	})
}
