package web_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"wardkeep/internal/catalog"
	"wardkeep/internal/notify"
	"wardkeep/internal/replay"
	"wardkeep/internal/vault/vaulttest"
	"wardkeep/internal/verification"
	"wardkeep/internal/web"
)

// bureau answers as it was made to.
type bureau struct {
	reply verification.Reply
	away  bool
	asked []string
}

func (b *bureau) Ask(_ context.Context, q verification.Question) (verification.Reply, error) {
	b.asked = append(b.asked, q.Number.Reveal())
	if b.away {
		return verification.Reply{}, notify.ErrUnavailable
	}
	return b.reply, nil
}

func (b *bureau) Signed(http.Header, []byte, time.Time) bool { return false }

// proving is a site that offers every proof.
func proving(t *testing.T, w *vaulttest.World, url string) (*site, *bureau) {
	t.Helper()
	s, b := newSiteAt(t, w, url), &bureau{reply: verification.Reply{Result: verification.ResultMatch, URL: "https://id.example/go"}}
	pages := &web.Server{
		Store: w.Store, Ring: w.Ring, Vault: w.Vault, Charters: w.Desk.Charters, Outbox: s.outbox, LedgerKey: s.key,
		Messages:  notify.Router{notify.SMS: s.outbox, notify.Email: s.outbox},
		PublicURL: url, Log: slog.New(slog.NewJSONHandler(s.log, nil)),
		Verification: verification.Desk{Number: b, Official: b, Documents: true, Hosts: []string{"id.example"}},
	}
	s.server.Close()
	s.pages = pages
	s.server = httptest.NewServer(pages.Handler())
	t.Cleanup(s.server.Close)
	return s, b
}

func eachProving(t *testing.T, fn func(t *testing.T, s *site, b *bureau)) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		s, b := proving(t, w, passkeySite)
		fn(t, s, b)
		report, err := replay.Audit(t.Context(), w.Store, w.Ring, catalog.NewCache(4), replay.Options{})
		if err != nil || !report.OK() {
			t.Errorf("%v, %v", report.Differences, err)
		}
	})
}

// upload sends a form with files.
func (s *site) upload(path string, number string, pages ...string) (int, string) {
	s.t.Helper()
	var form bytes.Buffer
	m := multipart.NewWriter(&form)
	ok := m.WriteField("number", number)
	for _, p := range pages {
		w, err := m.CreateFormFile("page", "scan.png")
		if err == nil {
			_, err = io.WriteString(w, p)
		}
		ok = errors.Join(ok, err)
	}
	if err := errors.Join(ok, m.Close()); err != nil {
		s.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, s.server.URL+path, &form)
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Content-Type", m.FormDataContentType())
	resp, err := s.browser.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

const somebody = "11010519491231002X" // the example of GB 11643

var ofAttempts = regexp.MustCompile(`ve_[0-9a-z]{26}|[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}`)

func TestEdgeCase24_StrongerProofsOnThePages(t *testing.T) {
	eachProving(t, func(t *testing.T, s *site, b *bureau) {
		check := func(name, body string) {
			t.Helper()
			golden(t, name, ofAttempts.ReplaceAllString(changing.ReplaceAllString(body, "…"), "…"))
		}
		_, token, _ := s.ask()
		page := "/r/" + token + "/identity"
		if status, body := s.get(page, "en"); status != 403 || strings.Contains(body, "identity/number") {
			t.Errorf("without a code: %d", status)
		}
		if status, _ := s.post(page+"/number?lang=en", url.Values{"name": {"王芳"}, "number": {somebody}}); status != 403 || len(b.asked) != 0 {
			t.Errorf("without a code: %d", status)
		}
		s.verified(token)
		if _, body := s.get("/r/"+token+"?lang=en", ""); !strings.Contains(body, page) {
			t.Error("nothing leads there")
		}
		for _, lang := range []string{"zh-CN", "en"} {
			_, body := s.get(page+"?lang="+lang, "")
			check("identity."+lang+".html", body)
		}
		b.reply.Result = verification.ResultNoMatch
		status, body := s.post(page+"/number?lang=en", url.Values{"name": {"王芳"}, "number": {somebody}})
		if status != 200 {
			t.Fatalf("%d %s", status, body)
		}
		check("identity-failed.en.html", body)
		b.away = true
		_, body = s.post(page+"/number?lang=zh-CN", url.Values{"name": {"王芳"}, "number": {somebody}})
		check("identity-unavailable.zh-CN.html", body)
		_, body = s.post(page+"/official?lang=en", nil)
		if !strings.Contains(body, "can&#39;t be reached") && !strings.Contains(body, "can't be reached") {
			t.Error(body)
		}
		b.away = false
		_, body = s.post(page+"/official?lang=en", nil)
		check("identity-official.en.html", body)
		if !strings.Contains(body, `href="https://id.example/go"`) {
			t.Error("the way to the service is missing")
		}
		b.reply = verification.Reply{Result: verification.ResultMatch}
		_, body = s.post(page+"/number?lang=zh-CN", url.Values{"name": {"王芳"}, "number": {strings.ToLower(somebody)}})
		check("identity-succeeded.zh-CN.html", body)
		for _, bad := range []string{"123", strings.Repeat("9", 18)} {
			if status, body := s.post(page+"/number?lang=en", url.Values{"name": {"王芳"}, "number": {bad}}); status != 422 || strings.Contains(body, bad) {
				t.Errorf("%d %s", status, body)
			}
		}
		for _, text := range []string{somebody, "王芳", token} {
			if strings.Contains(s.log.String(), text) {
				t.Error("the log has a personal value or a secret")
			}
		}
	})
}

func TestEdgeCase24_ADocumentIsSentOnThePage(t *testing.T) {
	eachProving(t, func(t *testing.T, s *site, _ *bureau) {
		_, token, _ := s.ask()
		page := "/r/" + token + "/identity/document?lang=en"
		if status, _ := s.upload(page, "", "%PDF-1.7"); status != 403 {
			t.Errorf("without a code: %d", status)
		}
		s.verified(token)
		for status, pages := range map[int][]string{422: {"<html>"}, 413: {"%PDF-1.7" + strings.Repeat("x", verification.MaxPage)}} {
			if got, body := s.upload(page, "", pages...); got != status {
				t.Errorf("%d %s", got, body)
			}
		}
		if got, _ := s.post(page, url.Values{"page": {"%PDF"}}); got != 400 {
			t.Errorf("another form: %d", got)
		}
		status, body := s.upload(page, somebody, "%PDF-1.7 a", "", "%PDF-1.7 b")
		if status != 200 {
			t.Fatalf("%d %s", status, body)
		}
		golden(t, "identity-document.en.html", ofAttempts.ReplaceAllString(changing.ReplaceAllString(body, "…"), "…"))
		if status, _ := s.get("/r/"+token+"/identity/ve_00000000000000000000000000", "en"); status != 404 {
			t.Errorf("no attempt: %d", status)
		}
	})
}

// A refusal below the pages of a request leads back to the request, from wherever
// it is met.
func TestMishaps_LeadBackFromDeepAddresses(t *testing.T) {
	eachProving(t, func(t *testing.T, s *site, _ *bureau) {
		_, token, _ := s.ask()
		status, body := s.post("/r/"+token+"/identity/number?lang=zh-CN", url.Values{"name": {"王芳"}, "number": {"11010519491231002X"}})
		if status != 403 || !strings.Contains(body, `href="../?lang=zh-CN">回到请求页`) {
			t.Fatalf("%d %s", status, body)
		}
		if status, body := s.get("/r/"+token+"/?lang=zh-CN", ""); status != 200 || !strings.Contains(body, "发送验证码") {
			t.Errorf("%d %s", status, body)
		}
	})
}
