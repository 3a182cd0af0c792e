package web_test

import (
	"encoding/json"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"wardkeep/internal/gate"
	"wardkeep/internal/notify"
	"wardkeep/internal/rights"
	"wardkeep/internal/transcript"
)

var (
	portSecret = regexp.MustCompile(`/port\?lang=[a-zA-Z-]+#([0-9a-z]{52})`)
	portCode   = regexp.MustCompile(`[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){2}`)
	portsIDs   = regexp.MustCompile(`port\?lang=[a-zA-Z-]+#[0-9a-z]{52}|[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){2}`)
)

// handsOver goes as far as the page with address and code, and returns what it sends and the page.
func (s *site) handsOver(at, lang string, form url.Values) (fetch url.Values, page string) {
	s.t.Helper()
	if status, body := s.post(at+"/port?lang="+lang, form); status != 200 {
		s.t.Fatalf("%d %s", status, body)
	}
	form.Set("code", s.newestCode())
	status, page := s.post(at+"/port/confirm?lang="+lang, form)
	secret, code := portSecret.FindStringSubmatch(page), portCode.FindString(page)
	if status != 200 || secret == nil || code == "" {
		s.t.Fatalf("%d %s", status, page)
	}
	return url.Values{"address": {secret[1]}, "code": {code}}, page
}

// PIPL 45: a guardian names somebody, confirms by a code, and passes address and code on; who
// has both gets the file, once, and nobody is told anything else.
func TestPIPL45_WhoHasAddressAndCodeGetsTheFileOnce(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		child := s.w.Child()
		s.w.Put(child, "course-progress", "nickname", "小满")
		s.w.Put(child, "course-progress", "weekly_score", "77")
		s.signIn()
		at := s.tie(child)
		asks := func(pairs ...string) url.Values {
			form := url.Values{"recipient": {"Dr. Li"}, "contact": {"li@dentist.example"}, "where": {"home"}}
			for i := 0; i < len(pairs); i += 2 {
				form.Add(pairs[i], pairs[i+1])
			}
			return form
		}
		stays := func(name, body string) {
			t.Helper()
			golden(t, name, changingAtHome.ReplaceAllString(portsIDs.ReplaceAllString(body, "…"), "…"))
		}

		// What is missing, or isn't held, sends no code; and without the right one nothing happens.
		sent := len(s.outbox.Messages())
		for code, form := range map[string]url.Values{
			"web.port_nothing_chosen": asks(), "vault.not_held": asks("item", "voice"),
			"rights.port_abroad":       {"recipient": {"Dr. Li"}, "contact": {"li@dentist.example"}, "where": {"abroad"}, "all": {"yes"}},
			"rights.port_where":        {"recipient": {"Dr. Li"}, "contact": {"li@dentist.example"}, "all": {"yes"}},
			"rights.recipient_invalid": {"recipient": {"Dr. Li"}, "contact": {"li"}, "all": {"yes"}},
		} {
			for _, to := range []string{"/port", "/port/confirm"} {
				if status, body := s.post(at+to+"?lang=en", form); status < 400 || codeOfPage(body) != code && to == "/port" {
					t.Errorf("%s: %d %s", code, status, codeOfPage(body))
				}
			}
		}
		form := asks("item", "nickname")
		for _, lang := range []string{"zh-CN", "en"} {
			_, body := s.post(at+"/port?lang="+lang, form)
			stays("home-port."+lang+".html", body)
		}
		form.Set("code", "000000")
		if status, body := s.post(at+"/port/confirm?lang=en", form); status != 403 && status != 400 || !strings.Contains(body, `id="problem"`) {
			t.Errorf("%d %s", status, body)
		} else {
			stays("home-port-wrong.en.html", body)
		}
		if n := s.entries(rights.KindReceived); n != 0 || len(s.outbox.Messages()) != sent+2 {
			t.Errorf("%d demands, %d messages", n, len(s.outbox.Messages())-sent)
		}

		fetch, page := s.handsOver(at, "zh-CN", asks("item", "nickname"))
		stays("home-port-made.zh-CN.html", page)
		mail := s.outbox.Messages()[0]
		if text := mail.Text.Reveal(); mail.Kind != notify.KindPortAddress || mail.To.Reveal() != "li@dentist.example" || !strings.Contains(text, fetch.Get("address")) ||
			strings.Contains(text, fetch.Get("code")) || strings.Contains(text, "小满") || strings.Contains(text, "小溪") {
			t.Errorf("%s: %s", mail.Kind, text)
		}
		_, body := s.get(at+"?lang=en", "")
		if body = html.UnescapeString(body); !strings.Contains(body, "Dr. Li (li@dentist.example)") || !strings.Contains(body, "It waits to be fetched") || !strings.Contains(body, "Recall the copy") {
			t.Error("the guardian doesn't see where it stands")
		}

		// The recipient's browser, which is nobody's here.
		s.fresh()
		for _, lang := range []string{"zh-CN", "en"} {
			_, body := s.get("/port?lang="+lang, "")
			stays("port."+lang+".html", body)
		}
		wrong := url.Values{"address": {fetch.Get("address")}, "code": {"7K2M-9QXT-4HB3"}}
		status, body := s.post("/port/file?lang=en", wrong)
		if status != 403 || !strings.Contains(body, "That is not the code") || !strings.Contains(body, "<div data-typed hidden>") {
			t.Errorf("%d %s", status, body)
		}
		stays("port-wrong.en.html", strings.ReplaceAll(body, fetch.Get("address"), "…"))
		if status, body := s.post("/port/file?lang=en", url.Values{"code": {fetch.Get("code")}}); status != 404 || !strings.Contains(body, "nothing to fetch") {
			t.Errorf("%d %s", status, body)
		}
		// Where there is no script the key is typed: a wrong one can be mended.
		lost := strings.Repeat("0", 52)
		if status, body := s.post("/port/file?lang=en", url.Values{"address": {lost}, "code": {fetch.Get("code")}}); status != 404 || !strings.Contains(body, "<div data-typed>") || !strings.Contains(body, lost) {
			t.Errorf("%d %s", status, body)
		}
		status, file := s.post("/port/file?lang=en", fetch)
		var d transcript.Portable
		if err := json.Unmarshal([]byte(file), &d); err != nil || status != 200 {
			t.Fatalf("%d %v", status, err)
		}
		if d.Format != transcript.PortableFormat || len(d.Items) != 1 || d.Items[0].Name != "nickname" || d.Items[0].Value != "小满" || len(d.Missing) != 0 ||
			strings.Contains(file, string(child.ID)) || s.entries(gate.KindPorted) != 1 {
			t.Errorf("%s", file)
		}
		if status, body := s.post("/port/file?lang=en", fetch); status != 404 || strings.Contains(body, "小满") || s.entries(gate.KindPorted) != 1 {
			t.Errorf("a second time: %d %s", status, body)
		}

		// Who tries codes is slowed down, whatever the address.
		slowed := httptest.NewRecorder()
		for range 20 {
			slowed = httptest.NewRecorder()
			from := httptest.NewRequest(http.MethodPost, "/port/file?lang=en", strings.NewReader(wrong.Encode()))
			from.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			s.server.Config.Handler.ServeHTTP(slowed, from)
		}
		if body := slowed.Body.String(); slowed.Code != http.StatusTooManyRequests || !strings.Contains(body, `id="problem"`) {
			t.Errorf("%d %s", slowed.Code, body)
		}
		if log := s.log.String(); strings.Contains(log, fetch.Get("address")) || strings.Contains(log, fetch.Get("code")) || strings.Contains(log, "dentist") {
			t.Errorf("in the log: %s", log)
		}

		// Recalled at home, before anybody came.
		s.w.Pass(time.Hour)
		s.signIn()
		s.handsOver(at, "en", asks("all", "yes"))
		if status, _ := s.post(at+"/port/recall?lang=en", url.Values{"request": {s.newestDemand(child)}}); status != 200 || s.entries(rights.KindRecalled) != 1 {
			t.Errorf("%d", status)
		}
		s.places()
		_, body = s.get(at+"?lang=en", "")
		if body = html.UnescapeString(body); !strings.Contains(body, "Recalled on") || !strings.Contains(body, "Fetched on") || !strings.Contains(body, "Whom a guardian has named") {
			t.Error("the guardian doesn't see what became of it")
		}
		s.audits()
	})
}
