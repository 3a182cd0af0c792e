package web_test

import (
	"bytes"
	"context"
	"flag"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/ledger"
	"wardkeep/internal/notify"
	"wardkeep/internal/retention"
	"wardkeep/internal/vault/vaulttest"
	"wardkeep/internal/web"
)

var update = flag.Bool("update", false, "write the golden files again")

// A site is a running server with a guardian's browser.
type site struct {
	t       *testing.T
	w       *vaulttest.World
	outbox  *notify.Outbox
	ledger  *ledger.Log
	key     string // the ledger's
	server  *httptest.Server
	browser *http.Client
	pages   *web.Server
	log     *bytes.Buffer
}

func newSite(t *testing.T, w *vaulttest.World) *site {
	t.Helper()
	return newSiteAt(t, w, "http://example.com")
}

func newSiteAt(t *testing.T, w *vaulttest.World, url string) *site {
	t.Helper()
	s := &site{t: t, w: w, outbox: notify.NewOutbox(100), log: new(bytes.Buffer)}
	signer, key, err := ledger.NewSigner("wardkeep", w.Ring.Signer().Seed())
	if err != nil {
		t.Fatal(err)
	}
	s.ledger, s.key = ledger.Open(w.Store, "wardkeep", signer), key
	pages := &web.Server{
		Store: w.Store, Ring: w.Ring, Vault: w.Vault, Charters: w.Desk.Charters, Outbox: s.outbox, LedgerKey: key,
		Messages:  notify.Router{notify.SMS: s.outbox, notify.Email: s.outbox},
		PublicURL: url, Log: slog.New(slog.NewJSONHandler(s.log, nil)),
	}
	s.pages = pages
	s.server = httptest.NewServer(pages.Handler())
	t.Cleanup(s.server.Close)
	s.fresh()
	return s
}

// places gives every entry of the ledger its place.
func (s *site) places() {
	s.t.Helper()
	if err := s.ledger.Flush(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
}

// fresh gives the guardian another browser.
func (s *site) fresh() {
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	s.browser = &http.Client{Jar: jar}
}

// ask enrols a child and returns the link that its guardian received.
func (s *site) ask() (child family.Child, token, code string) {
	s.t.Helper()
	child, _ = s.w.Enrol()
	s.w.Do(func(ctx context.Context, tx *db.Tx) error {
		_, secrets, _, err := s.w.Desk.Ask(ctx, tx, s.w.App, child, consent.Asking{Channel: consent.SMS, Locale: "zh-CN"})
		token, code = secrets.Token, secrets.Code
		return err
	})
	return child, token, code
}

// asks enrols a child whom the operator calls something, and returns all that
// leads to its request.
func (s *site) asks(nickname, back string) consent.Secrets {
	s.t.Helper()
	child, _ := s.w.Enrol()
	return s.asksAbout(child, consent.Asking{Nickname: pii.New(nickname), ReturnURL: pii.New(back)})
}

func (s *site) asksAbout(child family.Child, a consent.Asking) (secrets consent.Secrets) {
	s.t.Helper()
	a.Channel, a.Locale = consent.Link, "zh-CN"
	s.w.Do(func(ctx context.Context, tx *db.Tx) error {
		child, err := family.Find(ctx, tx, child.Service, child.ID)
		if err == nil {
			_, secrets, _, err = s.w.Desk.Ask(ctx, tx, s.w.App, child, a)
		}
		return err
	})
	return secrets
}

func (s *site) get(path, lang string) (int, string) {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.server.URL+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Accept-Language", lang)
	return s.do(req)
}

func (s *site) post(path string, form url.Values) (int, string) {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, s.server.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return s.do(req)
}

func (s *site) do(req *http.Request) (int, string) {
	s.t.Helper()
	resp, err := s.browser.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	if strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html") {
		for header, want := range map[string]string{"Referrer-Policy": "no-referrer", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"} {
			if got := resp.Header.Get(header); got != want {
				s.t.Errorf("%s: %s is %q, want %q", req.URL.Path, header, got, want)
			}
		}
		if csp := resp.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") {
			s.t.Errorf("the policy is %q", csp)
		}
	}
	return resp.StatusCode, string(body)
}

var sixDigits = regexp.MustCompile(`\b\d{6}\b`)

// verified sends a code and types it.
func (s *site) verified(token string) {
	s.t.Helper()
	s.get("/r/"+token+"?lang=zh-CN", "")
	if status, body := s.post("/r/"+token+"/code?lang=zh-CN", nil); status != 200 {
		s.t.Fatalf("code: %d %s", status, body)
	}
	s.pages.Farewell.Wait() // for a letter that may come after the code
	sent := s.outbox.Messages()
	code := sixDigits.FindString(sent[slices.IndexFunc(sent, func(m notify.Sent) bool { return m.Kind == notify.KindCode })].Text.Reveal())
	if status, body := s.post("/r/"+token+"/verify?lang=zh-CN", url.Values{"code": {code[:3] + " " + code[3:]}}); status != 200 || !strings.Contains(body, "账本编号") && !strings.Contains(body, `value="agree"`) {
		s.t.Fatalf("verify: %d %s", status, body)
	}
}

var hidden = regexp.MustCompile(`<input type="hidden"[^>]* name="(notice|page|ask)" value="([^"]*)"`)

// form is the form of the page as a guardian finds it: nothing is switched on.
func (s *site) form(token, lang string) url.Values {
	s.t.Helper()
	status, body := s.get("/r/"+token+"?lang="+lang, "")
	form := make(url.Values)
	for _, m := range hidden.FindAllStringSubmatch(body, -1) {
		form.Add(m[1], m[2])
	}
	if status != 200 || len(form["ask"]) == 0 || len(form.Get("page")) != 64 {
		s.t.Fatalf("%d %s", status, body)
	}
	return form
}

var switches = regexp.MustCompile(`role="switch" form="answer" name="yes" value="([^"]*)"`)

// agrees is the form with every switch on, and agreed to.
func (s *site) agrees(token, lang string) url.Values {
	s.t.Helper()
	form := s.form(token, lang)
	_, body := s.get("/r/"+token+"?lang="+lang, "")
	for _, m := range switches.FindAllStringSubmatch(body, -1) {
		form.Add("yes", m[1])
	}
	form.Set("decision", "agree")
	return form
}

// refuses is the form, refused.
func (s *site) refuses(token, lang string) url.Values {
	s.t.Helper()
	form := s.form(token, lang)
	form.Set("decision", "refuse")
	return form
}

func each(t *testing.T, fn func(t *testing.T, s *site)) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) { fn(t, newSite(t, w)) })
}

func TestArticle9_AGuardianAnswersOnThePage(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		child, token, code := s.ask()
		status, body := s.get("/r/"+token, "zh-CN")
		if status != 200 || !strings.Contains(body, "发送验证码") || strings.Contains(body, `value="agree"`) {
			t.Fatalf("before the code the page is %d %s", status, body)
		}
		if strings.Contains(body, " checked") {
			t.Error("something is preset")
		}
		if status, body := s.post("/c", url.Values{"code": {" " + strings.ReplaceAll(strings.ToLower(code), "-", " ")}}); status != 200 || !strings.Contains(body, "发送验证码") {
			t.Errorf("the short code leads to %d %s", status, body)
		}
		if status, body := s.post("/r/"+token+"/answer?lang=zh-CN", url.Values{"decision": {"agree"}}); status != 403 {
			t.Errorf("the link alone answers: %d %s", status, body)
		}
		s.verified(token)
		for name, c := range map[string]struct {
			change func(url.Values)
			status int
		}{
			"a purpose that isn't named":  {func(f url.Values) { f["ask"] = f["ask"][1:] }, 422},
			"a purpose that wasn't asked": {func(f url.Values) { f.Add("yes", "astrology") }, 422},
			"another notice":              {func(f url.Values) { f.Set("notice", strings.Repeat("0", 64)) }, 409},
			"another page":                {func(f url.Values) { f.Set("page", strings.Repeat("0", 64)) }, 409},
			"no decision":                 {func(f url.Values) { f.Del("decision") }, 422},
			"two decisions":               {func(f url.Values) { f.Add("decision", "refuse") }, 422},
		} {
			form := s.agrees(token, "zh-CN")
			c.change(form)
			if status, body := s.post("/r/"+token+"/answer?lang=zh-CN", form); status != c.status && status != 400 {
				t.Errorf("%s: %d %s", name, status, body)
			}
		}
		status, body = s.post("/r/"+token+"/answer?lang=zh-CN", s.agrees(token, "zh-CN"))
		if status != 200 || !strings.Contains(body, "已记录您的答复") || !strings.Contains(body, "le_") {
			t.Fatalf("the receipt is %d %s", status, body)
		}
		s.w.Put(child, "course-progress", "nickname", "小溪")
		if status, _ := s.post("/r/"+token+"/withdraw?lang=zh-CN", url.Values{"purpose": {"course-progress"}}); status != 403 {
			t.Errorf("the proof of the answer withdraws too: %d", status)
		}
		s.verified(token)
		if status, body := s.post("/r/"+token+"/withdraw?lang=zh-CN", url.Values{"purpose": {"course-progress"}}); status != 200 || !strings.Contains(body, "已撤回") {
			t.Errorf("withdraw: %d %s", status, body)
		}
		if got, err := s.w.Read(child, "course-progress", "nickname"); err == nil {
			t.Errorf("after the withdrawal it opens: %q", got)
		}
		s.fresh()
		if _, body := s.get("/r/"+token+"/receipt", "zh-CN"); strings.Contains(body, "已记录您的答复") {
			t.Error("another browser sees the receipt without a code")
		}
		if strings.Contains(s.log.String(), token) || strings.Contains(s.log.String(), "13800000000") {
			t.Error("the log holds a link or a number")
		}
	})
}

// Edge case 5: of what silence ends, the page says when that is, which isn't the
// end of a request of a short life.
func TestEdgeCase5_SilenceIsSaidAsItIs(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		child, _ := s.w.Enrol()
		secrets := s.asksAbout(child, consent.Asking{TTL: time.Hour})
		ends := child.ExpiresAt.In(time.FixedZone("", 8*60*60)).Format("2006-01-02 15:04")
		if _, body := s.get("/r/"+secrets.Token, "zh-CN"); !strings.Contains(body, "到 "+ends+" 还没有监护人同意的话，为这个孩子登记的联系方式会被删除") {
			t.Errorf("it ends at %s: %s", ends, body)
		}
	})
}

func TestArticle10_RefusalIsOneStep(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		_, token, _ := s.ask()
		s.verified(token)
		_, page := s.get("/r/"+token, "zh-CN")
		agree := strings.Count(page, `<button id="agree" form="answer" name="decision" value="agree">`)
		refuse := strings.Count(page, `<button id="refuse" form="answer" name="decision" value="refuse">`)
		if agree != 1 || refuse != 1 {
			t.Errorf("%d buttons to agree, %d to refuse", agree, refuse)
		}
		status, body := s.post("/r/"+token+"/answer?lang=zh-CN", s.refuses(token, "zh-CN"))
		if status != 200 || strings.Contains(body, "已同意") || !strings.Contains(body, "未同意") {
			t.Errorf("refused: %d %s", status, body)
		}
	})
}

// Edge case 5: who refuses everything for a child for whom nobody has agreed isn't
// invited to come back to what is about to be gone.
func TestEdgeCase5_WhoRefusesAllReadsWhatBecomesOfIt(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		back, over, until := "随时可以回到这个链接", "很快就会删除", "还有一份请求在等答复"
		child, token, _ := s.ask()
		s.verified(token)
		form := s.refuses(token, "zh-CN")
		other := s.asksAbout(child, consent.Asking{}) // another request waits
		_, body := s.post("/r/"+token+"/answer?lang=zh-CN", form)
		if strings.Contains(body, back) || strings.Contains(body, over) || !strings.Contains(body, until) {
			t.Errorf("while another request waits: %s", body)
		}
		s.w.Pass(time.Hour)
		s.verified(other.Token)
		_, body = s.post("/r/"+other.Token+"/answer?lang=zh-CN", s.refuses(other.Token, "zh-CN"))
		if strings.Contains(body, back) || !strings.Contains(body, over) {
			t.Errorf("after the last no: %s", body)
		}
		s.pages.Farewell.Wait()
		if m := s.outbox.Messages()[0]; m.Kind != notify.KindRefusal {
			t.Errorf("after the last no %s is sent", m.Kind)
		}
		if _, err := retention.Sweep(t.Context(), s.w.Store, s.w.Vault); err != nil {
			t.Fatal(err)
		}
		if status, body := s.get("/r/"+other.Token+"/receipt", "zh-CN"); status != http.StatusNotFound {
			t.Errorf("after the sweep: %d %s", status, body)
		}

		// Nobody is waited for any more once the other request has run out.
		child, token, _ = s.ask()
		s.w.Pass(time.Hour)
		s.verified(token)
		form = s.refuses(token, "zh-CN")
		s.asksAbout(child, consent.Asking{TTL: time.Hour})
		if _, body := s.post("/r/"+token+"/answer?lang=zh-CN", form); !strings.Contains(body, until) {
			t.Errorf("while another request waits: %s", body)
		}
		s.w.Pass(2 * time.Hour)
		s.verified(token)
		if _, body := s.get("/r/"+token+"/receipt", "zh-CN"); strings.Contains(body, until) || strings.Contains(body, over) || !strings.Contains(body, "还没有监护人同意的话") {
			t.Errorf("after it ran out: %s", body)
		}

		// A yes keeps the child, and its link leads back.
		_, token, _ = s.ask()
		s.allBut(token, "class-ranking")
		if _, body := s.get("/r/"+token+"/receipt", "zh-CN"); !strings.Contains(body, back) {
			t.Errorf("after a yes: %s", body)
		}
	})
}

// allBut answers each purpose for itself: no to one, yes to the others.
func (s *site) allBut(token, refused string) {
	s.t.Helper()
	s.w.Pass(time.Hour) // codes to one contact are limited
	s.verified(token)
	form := s.agrees(token, "zh-CN")
	form["yes"] = slices.DeleteFunc(form["yes"], func(p string) bool { return p == refused })
	if status, body := s.post("/r/"+token+"/answer?lang=zh-CN", form); status != 200 {
		s.t.Fatalf("answer: %d %s", status, body)
	}
}

var link = regexp.MustCompile(`action="/r/([0-9a-z]{52})/`)

// again clicks on thinking again, and returns the link of the new request.
func (s *site) again(token, purpose string) (string, int) {
	s.t.Helper()
	status, body := s.post("/r/"+token+"/again?lang=zh-CN", url.Values{"purpose": {purpose}})
	m := link.FindStringSubmatch(body)
	if m == nil {
		return "", status
	}
	return m[1], status
}

func TestEdgeCase26_ThinkingAgainIsOneClickOfTheGuardian(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		child, token, _ := s.ask()
		s.allBut(token, "class-ranking")
		if next, status := s.again(token, "class-ranking"); status != 403 || next != "" {
			t.Errorf("the proof of the answer starts another request: %d", status)
		}
		s.verified(token)
		_, page := s.get("/r/"+token+"/receipt?lang=zh-CN", "")
		if strings.Count(page, "/again?") != 1 || strings.Count(page, "重新考虑") != 1 {
			t.Fatalf("one purpose was refused: %s", page)
		}
		next, status := s.again(token, "class-ranking")
		if status != 200 || next == "" || next == token {
			t.Fatalf("thinking again: %d %q", status, next)
		}
		if _, page := s.get("/r/"+next+"?lang=zh-CN", ""); strings.Contains(page, `value="agree"`) || strings.Contains(page, "课程进度") == strings.Contains(page, "班级排行") {
			t.Errorf("the new request asks one purpose, of whoever has a code: %s", page)
		}
		s.verified(next)
		if status, body := s.post("/r/"+next+"/answer?lang=zh-CN", s.agrees(next, "zh-CN")); status != 200 {
			t.Fatalf("%d %s", status, body)
		}
		s.w.Put(child, "class-ranking", "nickname", "小溪")
		s.w.Pass(time.Hour)
		s.verified(token)
		if _, page := s.get("/r/"+token+"/receipt?lang=zh-CN", ""); !strings.Contains(page, "您之后又作了新的答复") || strings.Contains(page, "/again?") {
			t.Errorf("the old receipt: %s", page)
		}
		for purpose, want := range map[string]int{"": 400, "王小美": 422} {
			if _, status := s.again(token, purpose); status != want {
				t.Errorf("%q: %d", purpose, status)
			}
		}
		if strings.Contains(s.log.String(), next) {
			t.Error("the log holds a link")
		}
	})
}

// Edge case 5: where everything was refused, the child is on its way out, and
// nothing leads back.
func TestEdgeCase5_NobodyThinksAgainAboutAChildThatIsErased(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		_, token, _ := s.ask()
		s.verified(token)
		s.post("/r/"+token+"/answer?lang=zh-CN", s.refuses(token, "zh-CN"))
		s.verified(token)
		if _, page := s.get("/r/"+token+"/receipt?lang=zh-CN", ""); !strings.Contains(page, "未同意") || strings.Contains(page, "/again?") {
			t.Errorf("%s", page)
		}
		if _, status := s.again(token, "class-ranking"); status != 410 {
			t.Errorf("%d", status)
		}
	})
}

// Whoever came by the short code comes back by the link that it led to: the code
// itself ends with the request.
func TestShortCodesLeadToALinkThatStays(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		_, _, code := s.ask()
		_, page := s.post("/c?lang=zh-CN", url.Values{"code": {code}})
		m := link.FindStringSubmatch(page)
		if m == nil {
			t.Fatalf("%s", page)
		}
		s.allBut(m[1], "class-ranking")
		if status, body := s.post("/c", url.Values{"code": {code}}); status != 404 || !strings.Contains(body, "consent.link_unknown") {
			t.Errorf("the code of an answered request: %d", status)
		}
		s.verified(m[1])
		if status, page := s.get("/r/"+m[1]+"/receipt?lang=zh-CN", ""); status != 200 || !strings.Contains(page, "未同意") {
			t.Errorf("the way back: %d %s", status, page)
		}
	})
}

func TestStrangersMeetClosedDoors(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		_, token, _ := s.ask()
		for name, c := range map[string]struct {
			path   string
			form   url.Values // POST unless nil
			status int
			code   string
		}{
			"unknown link":       {"/r/" + strings.Repeat("0", 52), nil, 404, "consent.link_unknown"},
			"unknown short code": {"/r/0000-0000", nil, 404, "consent.link_unknown"},
			"odd short code":     {"/c", url.Values{"code": {"<script>"}}, 404, "consent.link_unknown"},
			"no page":            {"/nowhere", nil, 404, "web.no_page"},
			"wrong one-time":     {"/r/" + token + "/verify", url.Values{"code": {"000000"}}, 409, ""},
			"no such service":    {"/rules/nothing", nil, 404, "catalog.not_found"},
		} {
			var status int
			var body string
			if c.form == nil {
				status, body = s.get(c.path, "en")
			} else {
				status, body = s.post(c.path, c.form)
			}
			if c.code != "" && (status != c.status || !strings.Contains(body, c.code)) {
				t.Errorf("%s: %d %s", name, status, body)
			}
			if status < 400 || status >= 500 || strings.Contains(body, "<script>") {
				t.Errorf("%s: %d %s", name, status, body)
			}
		}
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, s.server.URL+"/r/"+token+"/code", nil)
		req.Header.Set("Sec-Fetch-Site", "cross-site")
		if status, _ := s.do(req); status != 403 {
			t.Errorf("a form on another site: %d", status)
		}
		if status, _ := s.post("/c", url.Values{"code": {strings.Repeat("A", 100_000)}}); status < 400 {
			t.Errorf("a form of 100 kB: %d", status)
		}
	})
}

// held runs fn while somebody else has the one writer of SQLite.
func (s *site) held(fn func()) {
	s.t.Helper()
	has, end := make(chan struct{}), make(chan struct{})
	done := make(chan error, 1)
	go func() {
		done <- s.w.Store.Update(context.WithoutCancel(s.t.Context()), func(*db.Tx) error {
			close(has)
			<-end
			return nil
		})
	}()
	<-has
	defer func() {
		close(end)
		if err := <-done; err != nil {
			s.t.Error(err)
		}
	}()
	fn()
}

// Whoever guesses links, codes and cookies holds up nobody who has one: where there is
// nothing to write, the writer isn't asked for.
func TestStrangersTakeNoWriter(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		s := newKeeper(t, w)
		_, token, _ := s.ask()
		s.allBut(token, "class-ranking")
		s.browser.Timeout = 20 * time.Second // a writer that is waited for never comes
		home, err := url.Parse(s.server.URL + "/home")
		if err != nil {
			t.Fatal(err)
		}
		strange := strings.Repeat("0", 52)
		s.browser.Jar.SetCookies(home, []*http.Cookie{{Name: "wardkeep_home", Value: strange}, {Name: "wardkeep_code", Value: strange}})
		s.device.Make([]byte(`{"challenge":"AAAA","rp":{"id":"home.localhost"},"user":{"id":"AAAA"}}`))
		_, challenge := s.script("/home/passkey")
		s.held(func() {
			for _, c := range []struct {
				path   string
				form   url.Values // POST unless nil
				status int
			}{
				{"/r/" + strange, nil, 404},
				{"/r/" + token + "?lang=en", nil, 200}, // answered: to the receipt
				{"/c", url.Values{"code": {"7K3M-Q9TX"}}, 404},
				{"/c", url.Values{"code": {"<script>"}}, 404},
				{"/ask/" + strange + "/send", url.Values{}, 404},
				{"/r/" + strange, url.Values{}, 404},
				{"/r/" + strange + "/renew", url.Values{}, 404},
				{"/r/" + strange + "/code", url.Values{}, 404},
				{"/r/" + strange + "/verify", url.Values{"code": {"000000"}}, 404},
				{"/r/" + strange + "/answer", url.Values{"decision": {"agree"}}, 404},
				{"/r/" + token + "/answer", url.Values{"decision": {"agree"}}, 409},
				{"/r/" + strange + "/withdraw", url.Values{"purpose": {"account"}}, 404},
				{"/r/" + strange + "/again", url.Values{"purpose": {"account"}}, 404},
				{"/r/" + strange + "/identity/number", url.Values{}, 404},
				{"/r/" + strange + "/identity/official", url.Values{}, 404},
				{"/r/" + strange + "/identity/document", url.Values{}, 404},
				{"/home", nil, 200},
				{"/home/enter", url.Values{"code": {"000000"}}, 403},
				{"/home/g/withdraw", url.Values{"purpose": {"account"}}, 200}, // to the door
				{"/home/out", url.Values{}, 200},
				{"/home/passkey/enter", url.Values{}, 403}, // no challenge
				{"/home/passkey/enter", url.Values{"answer": {"{}"}}, 403},
				{"/home/passkey/enter", url.Values{"answer": {string(s.device.Show([]byte(challenge)))}}, 403},
			} {
				status, body := 0, ""
				if c.form == nil {
					status, body = s.get(c.path, "en")
				} else {
					status, body = s.post(c.path, c.form)
				}
				if status != c.status {
					t.Errorf("%s: %d, want %d: %s", strings.ReplaceAll(c.path, token, "…"), status, c.status, body)
				}
			}
		})
	})
}

// Each wrong code counts, whether or not anything is written of it.
func TestWrongShortCodesAreLimited(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		refused := 0
		for range 40 {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.server.URL+"/c", strings.NewReader("code=7K3M-Q9TX"))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			req.Header.Set("X-Forwarded-For", "192.0.2.9")
			switch status, _ := s.do(req); status {
			case 404:
			case 429:
				refused++
			default:
				t.Fatalf("status %d", status)
			}
		}
		if refused == 0 {
			t.Error("40 wrong codes at once, and none was too many")
		}
	})
}

var changing = regexp.MustCompile(`1\.\d{10}\.\d\d\.[0-9a-z]{26}\.[0-9a-z]{52}|d="M[^"]{100,}"|"[0-9a-f]{64}"|[0-9a-hjkmnp-tv-z]{52}|(?:le|rq|cr|su)_[0-9a-z]{26}|20\d\d-\d\d-\d\d \d\d:\d\d|[0-9A-Z]{4}-[0-9A-Z]{4}`)

// inLedger is what a record says of places and of the checkpoint.
var inLedger = regexp.MustCompile(`((?:Ledger entry|账本编号) |<pre><code>)[^<…]*( <code>|</code></pre>)`)

// anyDay is when something ends.
var anyDay = regexp.MustCompile(`20\d\d-\d\d-\d\d`)

// TestPages compares every page, in both languages, with its golden file.
func TestPages(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		s := newSite(t, w)
		check := func(name, path string) {
			t.Helper()
			for _, lang := range []string{"zh-CN", "en"} {
				sep := "?"
				if strings.Contains(path, "?") {
					sep = "&"
				}
				_, body := s.get(path+sep+"lang="+lang, "")
				body = inLedger.ReplaceAllString(changing.ReplaceAllString(body, "…"), "$1…$2")
				if strings.Contains(name, "-end") {
					body = anyDay.ReplaceAllString(body, "…")
				}
				golden(t, name+"."+lang+".html", body)
			}
		}
		check("outbox-empty", "/outbox")
		check("guide", "/guide")
		check("guide-child", "/guide/child")
		secrets := s.asks("小溪", "https://app.xiaoxi-english.example/done")
		check("ask", "/ask/"+secrets.Ask)
		check("request-named", "/r/"+secrets.Token)
		check("ask-sent", "/ask/"+secrets.Ask+"?sent")
		_, token, _ := s.ask()
		check("ask-unnamed", "/ask/"+s.asks("", "").Ask)
		check("home", "/")
		check("code", "/c")
		check("rules", "/rules/"+vaulttest.Service)
		check("rules-child", "/rules/"+vaulttest.Service+"/child")
		check("report", "/report")
		check("report_form", "/rules/"+vaulttest.Service+"/report")
		check("register", "/rules/"+vaulttest.Service+"/register")
		check("history", "/rules/"+vaulttest.Service+"/history")
		check("version", "/rules/"+vaulttest.Service+"/history/1")
		check("request", "/r/"+token)
		check("request-sent", "/r/"+token+"?sent")
		s.verified(token)
		check("request-verified", "/r/"+token)
		_, body := s.post("/r/"+token+"/answer?lang=zh-CN", s.agrees(token, "zh-CN"))
		golden(t, "answered.zh-CN.html", changing.ReplaceAllString(body, "…"))
		check("receipt-reading", "/r/"+token+"/receipt")
		check("receipt-not-yet", "/r/"+token+"/receipt/print")
		s.places()
		check("print", "/r/"+token+"/receipt/print")
		_, body = s.post("/r/"+token+"/answer?lang=zh-CN", url.Values{})
		golden(t, "refusal-twice.zh-CN.html", changing.ReplaceAllString(body, "…"))
		s.verified(token)
		check("receipt", "/r/"+token+"/receipt")
		s.post("/r/"+token+"/withdraw?lang=zh-CN", url.Values{"purpose": {"class-ranking"}})
		check("receipt-withdrawn", "/r/"+token+"/receipt")
		s.places()
		check("print-withdrawn", "/r/"+token+"/receipt/print")
		_, token, _ = s.ask()
		s.allBut(token, "class-ranking")
		s.verified(token)
		check("receipt-refused", "/r/"+token+"/receipt")
		next, _ := s.again(token, "class-ranking")
		s.verified(next)
		s.post("/r/"+next+"/answer?lang=zh-CN", s.agrees(next, "zh-CN"))
		s.w.Pass(time.Hour)
		s.verified(token)
		check("receipt-renewed", "/r/"+token+"/receipt")
		s.fresh()
		check("receipt-unverified", "/r/"+token+"/receipt")
		check("receipt-sent", "/r/"+token+"/receipt?sent")
		check("refusal", "/nowhere")
		check("refusal-link", "/r/"+strings.Repeat("0", 30))
		child := s.w.Child()
		s.w.Publish(long(t, s.w.Charter))
		check("history-two", "/rules/"+vaulttest.Service+"/history")
		check("version-two", "/rules/"+vaulttest.Service+"/history/2")
		again := s.asksAbout(child, consent.Asking{TTL: time.Hour})
		check("request-again", "/r/"+again.Token)
		s.verified(again.Token)
		check("request-again-verified", "/r/"+again.Token)
		s.w.Pass(2 * time.Hour)
		check("refusal-expired", "/r/"+again.Token)
		_, body = s.post("/r/"+again.Token+"/renew?lang=zh-CN", nil)
		golden(t, "renewed.zh-CN.html", changing.ReplaceAllString(body, "…"))
		_, token, _ = s.ask()
		s.w.Pass(time.Hour)
		s.verified(token)
		s.post("/r/"+token+"/answer?lang=zh-CN", s.refuses(token, "zh-CN"))
		check("receipt-over", "/r/"+token+"/receipt")
		_, token, _ = s.ask()
		s.ceases("class-ranking")
		check("rules-ending-purpose", "/rules/"+vaulttest.Service)
		check("register-ending-purpose", "/rules/"+vaulttest.Service+"/register")
		s.ceases("")
		check("home-ending", "/")
		check("rules-ending", "/rules/"+vaulttest.Service)
		check("refusal-ending", "/r/"+token)
		s.w.Do(func(ctx context.Context, tx *db.Tx) error {
			c, err := catalog.FindCessation(ctx, tx, vaulttest.Service, "")
			if err == nil {
				_, err = catalog.Ceased(ctx, tx, "system:cessation", c, 9)
			}
			return err
		})
		check("home-ended", "/")
		check("rules-ended", "/rules/"+vaulttest.Service)
	})
}

// ceases has the officer announce an end, a week from now.
func (s *site) ceases(purpose string) {
	s.t.Helper()
	s.w.Do(func(ctx context.Context, tx *db.Tx) error {
		_, _, err := catalog.Cease(ctx, tx, s.w.Officer, vaulttest.Service, purpose, catalog.Discontinued, tx.Now().Add(7*24*time.Hour))
		return err
	})
}

func golden(t *testing.T, name, got string) {
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

// The words of a page are never its templates' keys.
func TestNoPageShowsAKey(t *testing.T) {
	files, err := filepath.Glob("testdata/*.html")
	if err != nil || len(files) == 0 {
		t.Fatal(err)
	}
	key := regexp.MustCompile(`>\s*(web|consent|catalog)\.[a-z_.]+\s*<`)
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if m := key.Find(b); m != nil && !strings.Contains(name, "refusal") {
			t.Errorf("%s shows %s", name, m)
		}
	}
}
