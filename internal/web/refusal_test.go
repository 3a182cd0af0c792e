package web_test

import (
	"bytes"
	"context"
	"fmt"
	"html"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/db/dbtest"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
	"wardkeep/internal/consent"
	"wardkeep/internal/receipt"
	"wardkeep/internal/transcript"
	"wardkeep/internal/vault/vaulttest"
	"wardkeep/internal/verification"
	"wardkeep/internal/warning"
	"wardkeep/internal/web"
)

// A wayOn is a link or a button of a refusal.
type wayOn struct {
	label, to string
	button    bool
}

var (
	mainPart = regexp.MustCompile(`(?s)<main>(.*)</main>`)
	linkOn   = regexp.MustCompile(`<a class="button quiet" href="([^"]*)">([^<]*)</a>`)
	buttonOn = regexp.MustCompile(`<form method="post" action="([^"]*)"><button>([^<]*)</button></form>`)
	codeOf   = regexp.MustCompile(`<code>([a-z0-9_.]+)</code> ·`)
)

// waysOn returns all links and buttons of the refusal that a page is.
func waysOn(page string) (all []wayOn) {
	part := mainPart.FindString(page)
	for _, m := range linkOn.FindAllStringSubmatch(part, -1) {
		all = append(all, wayOn{html.UnescapeString(m[2]), html.UnescapeString(m[1]), false})
	}
	for _, m := range buttonOn.FindAllStringSubmatch(part, -1) {
		all = append(all, wayOn{html.UnescapeString(m[2]), html.UnescapeString(m[1]), true})
	}
	return all
}

// codeOfPage is the code of the refusal that a page is, or "".
func codeOfPage(page string) string {
	if m := codeOf.FindStringSubmatch(page); m != nil {
		return m[1]
	}
	return ""
}

// takes takes a way on from an address, as a browser does.
func (s *site) takes(w wayOn, from string) (int, string) {
	s.t.Helper()
	at, err := url.Parse(from)
	if err != nil {
		s.t.Fatal(err)
	}
	to, err := at.Parse(w.to)
	if err != nil {
		s.t.Fatal(err)
	}
	if w.button {
		return s.post(to.RequestURI(), nil)
	}
	return s.get(to.RequestURI(), "")
}

var inRoute = regexp.MustCompile(`\{[a-z$]+\}`)

// Wherever somebody meets a refusal, whichever it is, something leads on from it:
// to a page that is there, or to a form that is. No refusal repeats what its address
// has. A refusal asks no store, so one engine is enough.
func TestRefusals_EveryWayOnLeadsSomewhere(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) {
		s, _ := proving(t, vaulttest.New(t, dbtest.New(t)), passkeySite)
		child, certificate := s.w.Child(), s.certificate()
		open := s.asks("", "")
		_, token, _ := s.ask()
		s.verified(token)
		s.post("/r/"+token+"/answer", s.agrees(token, "zh-CN"))
		s.places()
		s.verified(token)
		_, page := s.post("/r/"+token+"/identity/official?lang=en", nil)
		s.signIn()
		secret := map[string]string{
			"{secret}": certificate, "{token}": token, "{ask}": open.Ask, "{tie}": strings.TrimPrefix(s.tie(child), "/home/"), "{attempt}": regexp.MustCompile(`ve_[0-9a-z]{26}`).FindString(page),
		}
		words := warning.Words{What: "昵称", Cause: "名单外传", Harm: "诈骗", Remedies: "已删除", Advice: "留意电话", Contact: "王老师", Child: "别理陌生人"}
		told, judge := drafts(s.w, warning.Text{Chinese: words, English: words})
		confirms(s.w, judge, told)
		place := map[string]string{"{notice}": told.ID, "{service}": vaulttest.Service, "{number}": "1", "{$}": ""}
		refusals := []*errs.Error{{Kind: errs.Internal, Code: "internal"}, {Kind: errs.Unavailable, Code: "notify.unavailable"}, {Kind: errs.NotFound, Code: "catalog.not_found"}}
		for _, code := range web.Mishaps() {
			refusals = append(refusals, &errs.Error{Kind: errs.Conflict, Code: code})
		}
		led := make(map[string]bool)
		for _, route := range s.pages.Routes() {
			method, path, ok := strings.Cut(route, " ")
			if !ok {
				continue // where there is no page, which has its own test
			}
			path = inRoute.ReplaceAllStringFunc(path, func(name string) string { return secret[name] + place[name] })
			for _, e := range refusals {
				for _, lang := range []string{"zh-CN", "en"} {
					w := httptest.NewRecorder()
					s.pages.Refuses(route, e).ServeHTTP(w, httptest.NewRequest(method, path+"?lang="+lang, nil))
					page := w.Body.String()
					if codeOfPage(page) != e.Code {
						t.Fatalf("%s, %s: %s", route, e.Code, page)
					}
					for name, value := range secret {
						if strings.Contains(page, value) {
							t.Errorf("%s, %s: the page has the %s", route, e.Code, name)
						}
					}
					ways := waysOn(page)
					if len(ways) == 0 {
						t.Errorf("%s, %s: nothing leads on", route, e.Code)
					}
					for i, way := range ways {
						if way.label == "" || strings.HasPrefix(way.label, "web.") || slices.ContainsFunc(ways[:i], func(w wayOn) bool { return w.to == way.to }) {
							t.Errorf("%s, %s: %+v", route, e.Code, ways)
						}
						key := path + " " + fmt.Sprint(way)
						if led[key] {
							continue
						}
						led[key] = true
						status, page := s.takes(way, s.server.URL+path)
						if code := codeOfPage(page); !way.button && status >= 400 || way.button && code != "consent.answered" {
							t.Errorf("%s, %s: %s leads to %d %s", route, e.Code, way.to, status, code)
						}
					}
				}
			}
		}
	})
}

// meetings are refusals that somebody meets at a site, by their codes.
type meetings struct {
	*site
	met map[string]bool
}

// refused sends a request, which must be refused so, and takes each way on: it
// must lead to what isn't refused. Before that, wait is called, unless it is nil.
func (m *meetings) refused(code string, req *http.Request, wait func()) {
	m.t.Helper()
	m.met[code] = true
	status, page := m.do(req)
	if got := codeOfPage(page); got != code || status < 400 {
		m.t.Errorf("%s is refused as %s, want %s: %d", req.URL.Path, got, code, status)
		return
	}
	if wait != nil {
		wait()
	}
	ways := waysOn(page)
	if len(ways) == 0 {
		m.t.Errorf("%s: nothing leads on", code)
	}
	for _, w := range ways {
		if status, page := m.takes(w, req.URL.String()); status >= 400 {
			m.t.Errorf("%s: %s leads from %s to %d %s", code, w.to, req.URL.Path, status, codeOfPage(page))
		}
	}
}

func (m *meetings) request(method, path, kind string, body io.Reader) *http.Request {
	m.t.Helper()
	req, err := http.NewRequestWithContext(m.t.Context(), method, m.server.URL+path+"?lang=zh-CN", body)
	if err != nil {
		m.t.Fatal(err)
	}
	req.Header.Set("Content-Type", kind)
	return req
}

func (m *meetings) gets(code, path string) {
	m.t.Helper()
	m.refused(code, m.request(http.MethodGet, path, "", nil), nil)
}

// posts sends a form of one field.
func (m *meetings) posts(code, path, field, value string) {
	m.t.Helper()
	m.sends(code, path, url.Values{field: {value}})
}

func (m *meetings) sends(code, path string, form url.Values) {
	m.t.Helper()
	m.refused(code, m.request(http.MethodPost, path, "application/x-www-form-urlencoded", strings.NewReader(form.Encode())), nil)
}

// afresh verifies the guardian once codes may be sent again.
func (m *meetings) afresh(token string) {
	m.t.Helper()
	m.w.Pass(time.Hour + time.Minute)
	m.verified(token)
}

// Each refusal that somebody can meet at a page leads on as things are then.
func TestRefusals_LeadOnAsThingsAre(t *testing.T) {
	eachProving(t, func(t *testing.T, s *site, b *bureau) {
		m := &meetings{s, map[string]bool{
			"family.erased": true, "family.not_found": true, // where an erasure ends between two looks of one request
			"verification.not_offered": true, "web.slow_down": true, "session.signed_out": true, "consent.grown_up": true, "consent.guardian_past_14": true, "consent.minors_link_over": true, "web.closed": true, "web.copying": true, "web.copies": true, // elsewhere
		}}
		m.links()
		m.codes()
		m.answers()
		m.ends()
		m.proofs(b)
		m.refusals()
		m.atHome()
		m.ending()
		for _, code := range web.Mishaps() {
			if !m.met[code] {
				t.Errorf("nobody has met %s", code)
			}
		}
	})
}

// What ends asks nobody any more (Article 23), at none of its doors.
func (m *meetings) ending() {
	_, token, _ := m.ask()
	child := m.w.Child()
	m.fresh()
	m.signIn()
	at := m.tie(child)
	m.ceases("")
	m.gets("consent.ceasing", "/r/"+token)
	m.posts("consent.ceasing", at+"/again", "purpose", "class-ranking")
	m.sends("gate.denied", at+"/invite", url.Values{"contact": {"13911112222"}, "relation": {"parent"}})
}

// Links and short codes.
func (m *meetings) links() {
	m.gets(receipt.ErrNoCertificate.Code, "/certificate/"+strings.Repeat("0", 52))
	for _, path := range []string{"/r/" + strings.Repeat("0", 52), "/r/" + strings.Repeat("0", 52) + "/receipt", "/ask/" + strings.Repeat("0", 52)} {
		m.gets("consent.link_unknown", path)
	}
	m.posts("consent.link_unknown", "/c", "code", "0000-0000")
	m.posts("consent.link_unknown", "/r/"+strings.Repeat("0", 52)+"/identity/number", "name", "")
	for _, path := range []string{"/nowhere", "/r/", "/home/x/y/z"} {
		m.gets("web.no_page", path)
		m.posts("web.no_page", path, "", "")
	}
	m.posts("web.no_page", "/guide", "", "") // a page, and no form
	secrets := m.asks("", "")
	m.post("/ask/"+secrets.Ask+"/send", nil)
	m.posts("consent.sent_too_often", "/ask/"+secrets.Ask+"/send", "", "")
	for range 4 {
		m.w.Pass(2 * time.Minute)
		m.post("/ask/"+secrets.Ask+"/send", nil)
	}
	m.posts("consent.sends_used_up", "/ask/"+secrets.Ask+"/send", "", "")
	for range 40 {
		m.post("/c", url.Values{"code": {secrets.Code}})
	}
	m.posts("consent.code_followed", "/c", "code", secrets.Code)
}

// One-time codes.
func (m *meetings) codes() {
	m.w.Pass(2 * time.Hour)
	_, token, _ := m.ask()
	at := "/r/" + token
	m.posts("consent.not_shown", at+"/code", "", "")
	m.posts("consent.code_expired", at+"/verify", "code", "000000")
	m.posts("consent.not_verified", at+"/answer", "decision", "agree")
	m.gets("consent.not_verified", at+"/identity")
	m.gets("consent.not_verified", at+"/receipt/print")
	m.posts("consent.not_answered", at+"/renew", "", "")
	m.posts("consent.not_answered", at, "", "")
	for sends := range 5 {
		m.post(at+"/code", nil)
		right := m.newestCode()
		for range 5 {
			m.posts("consent.code_wrong", at+"/verify", "code", right[1:]+"x")
		}
		if sends == 0 {
			m.posts("consent.code_spent", at+"/verify", "code", right)
		}
	}
	m.posts("consent.code_too_many", at+"/code", "", "")
	m.w.Pass(2 * time.Hour)
	m.posts("consent.code_locked", at+"/code", "", "")
}

// Answers, and what comes after them.
func (m *meetings) answers() {
	_, token, _ := m.ask()
	at := "/r/" + token
	m.afresh(token)
	m.gets("consent.not_found", at+"/receipt")
	m.gets("consent.not_found", at+"/receipt.json")
	form := m.agrees(token, "zh-CN")
	m.posts("web.form", at+"/answer", "decision", "agree")
	form.Set("page", strings.Repeat("0", 64))
	m.sends("consent.notice_changed", at+"/answer", form)
	m.post(at+"/answer?lang=zh-CN", m.agrees(token, "zh-CN"))
	for _, path := range []string{"/receipt.json", "/receipt/print"} {
		m.refused("receipt.not_yet", m.request(http.MethodGet, at+path, "", nil), m.places)
		m.afresh(token)
		m.post(at+"/withdraw?lang=zh-CN", url.Values{"purpose": {map[string]string{"/receipt.json": "push-notices"}[path]}})
	}
	m.sends("consent.answered", at+"/answer", m.loose("agree"))
	m.sends("consent.answered", at+"/renew", nil)
	m.sends("consent.answered", at, nil)
	m.posts("consent.withdrawn", at+"/withdraw", "purpose", "push-notices")
	m.posts("consent.not_found", at+"/withdraw", "purpose", "astrology")
	m.posts("consent.purpose_unknown", at+"/again", "purpose", "astrology")
	m.posts("web.form", at+"/again", "purpose", "")

	child, _ := m.w.Enrol()
	optional := m.asksAbout(child, consent.Asking{Purposes: []string{"push-notices", "safety-audit"}}).Token
	m.afresh(optional)
	form = m.form(optional, "zh-CN")
	form.Set("decision", "agree")
	m.sends("web.nothing_on", "/r/"+optional+"/answer", form)
}

// Requests that have ended, and children who have.
func (m *meetings) ends() {
	_, refused, _ := m.ask()
	m.afresh(refused)
	m.post("/r/"+refused+"/answer?lang=zh-CN", m.refuses(refused, "zh-CN"))
	m.afresh(refused)
	m.posts("consent.child_expired", "/r/"+refused+"/again", "purpose", "class-ranking")

	child := m.w.Child()
	one := consent.Asking{Purposes: []string{"class-ranking"}, TTL: time.Hour}
	secrets := m.asksAbout(child, one)
	m.w.Pass(2 * time.Hour)
	m.gets("consent.expired", "/r/"+secrets.Token)
	m.w.Pass(2 * time.Minute)
	m.posts("consent.expired", "/r/"+secrets.Token+"/code", "", "")
	m.gets("consent.expired", "/ask/"+secrets.Ask)
	for range 5 {
		m.renews("/r/" + secrets.Token)
	}
	for _, path := range []string{"", "/renew"} {
		m.posts("consent.renewed_too_often", "/r/"+secrets.Token+path, "", "")
	}

	secrets = m.asksAbout(child, one)
	m.w.Do(func(ctx context.Context, tx *db.Tx) error {
		r, err := m.w.Desk.ByToken(ctx, tx, secrets.Token)
		if err == nil {
			_, _, err = consent.Cancel(ctx, tx, m.w.App, r)
		}
		return err
	})
	m.gets("consent.cancelled", "/r/"+secrets.Token)
	m.posts("consent.cancelled", "/r/"+secrets.Token+"/renew", "", "")

	one.TTL = 0
	secrets = m.asksAbout(child, one)
	m.afresh(secrets.Token)
	form := m.agrees(secrets.Token, "zh-CN")
	m.overtakes("class-ranking")
	m.sends("consent.asked_again", "/r/"+secrets.Token+"/answer", form)
	m.w.Pass(2 * time.Minute)
	m.gets("consent.asked_again", "/r/"+secrets.Token)
	m.posts("consent.asked_again", "/ask/"+secrets.Ask+"/send", "", "")

	secrets = m.asksAbout(child, one)
	m.afresh(secrets.Token)
	m.post("/r/"+secrets.Token+"/answer?lang=zh-CN", m.agrees(secrets.Token, "zh-CN"))
	m.w.Pass(time.Hour)
	m.signIn()
	m.post(m.tie(child)+"/leave", nil)
	m.posts("consent.guardian_may_not", "/r/"+secrets.Token+"/code", "", "")
}

// overtakes publishes a charter that keeps what one purpose collects for longer:
// who was asked about it is asked anew.
func (s *site) overtakes(purpose string) {
	s.t.Helper()
	s.w.Publish(parsed(s.t, s.w.Charter, func(c *charter.Charter) {
		for i := range c.Purposes {
			if c.Purposes[i].Name != purpose {
				continue
			}
			if err := c.Purposes[i].Retention.Period.UnmarshalText([]byte("2y")); err != nil {
				s.t.Fatal(err)
			}
		}
	}))
}

// Stronger proofs.
func (m *meetings) proofs(b *bureau) {
	_, token, _ := m.ask()
	m.afresh(token)
	at := "/r/" + token + "/identity"
	m.sends("verification.name_invalid", at+"/number", url.Values{"number": {somebody}})
	m.sends("verification.number_invalid", at+"/number", url.Values{"name": {"王芳"}, "number": {"123"}})
	m.sends("verification.minor", at+"/number", url.Values{"name": {"王芳"}, "number": {resident(time.Now().Year() - 10)}})
	b.reply.Result = verification.ResultNoMatch
	for range 5 {
		m.post(at+"/number", url.Values{"name": {"王芳"}, "number": {somebody}})
	}
	m.sends("verification.too_many", at+"/number", url.Values{"name": {"王芳"}, "number": {somebody}})
	m.gets("verification.not_found", at+"/ve_00000000000000000000000000")
	for code, page := range map[string]string{"verification.pages": "", "verification.page_kind": "<html>", "verification.page_size": "%PDF-1.7" + strings.Repeat("x", verification.MaxPage)} {
		var form bytes.Buffer
		parts := multipart.NewWriter(&form)
		w, err := parts.CreateFormFile("page", "scan.pdf")
		if err == nil {
			_, err = io.WriteString(w, page)
		}
		if err := parts.Close(); err != nil {
			m.t.Fatal(err)
		}
		if err != nil {
			m.t.Fatal(err)
		}
		m.refused(code, m.request(http.MethodPost, at+"/document", parts.FormDataContentType(), &form), nil)
	}
	m.posts("web.form", at+"/document", "number", "")
}

// resident is a resident identity number of somebody born on the first day of a
// year (GB 11643).
func resident(year int) string {
	number := fmt.Sprintf("110105%d0101002", year)
	sum := 0
	for i, digit := range number {
		sum += int(digit-'0') * []int{7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2}[i]
	}
	return number + string("10X98765432"[sum%11])
}

// What somebody else has refused since.
func (m *meetings) refusals() {
	m.w.Pass(2 * time.Hour)
	child := m.w.Child()
	waits := m.asksAbout(child, consent.Asking{Purposes: []string{"class-ranking"}})
	m.signIn()
	m.post(m.tie(child)+"/invite", url.Values{"contact": {"father@example.com"}, "relation": {"parent"}})
	invited := sentLink.FindStringSubmatch(m.outbox.Messages()[0].Text.Reveal())[1]
	m.afresh(invited)
	m.post("/r/"+invited+"/answer?lang=zh-CN", m.refuses(invited, "zh-CN"))
	m.posts("consent.refused_before", "/ask/"+waits.Ask+"/send", "", "")
}

// The guardian's home.
func (m *meetings) atHome() {
	m.w.Pass(2 * time.Hour)
	child := m.w.Child()
	m.w.Put(child, "class-ranking", "weekly_score", "77")
	m.signIn()
	at := m.tie(child)
	m.gets("web.no_page", "/home/x")
	m.posts("web.no_page", "/home/x/reveal", "item", "nickname")
	m.posts("vault.not_held", at+"/reveal", "item", "nickname")
	m.post(at+"/withdraw", url.Values{"purpose": {"push-notices"}})
	m.posts("consent.withdrawn", at+"/withdraw", "purpose", "push-notices")
	m.posts("consent.not_found", at+"/withdraw", "purpose", "astrology")
	m.posts("consent.purpose_unknown", at+"/again", "purpose", "astrology")
	m.posts("web.form", at+"/again", "purpose", "")
	m.sends("family.handle_invalid", at+"/invite", url.Values{"contact": {"x"}, "relation": {"parent"}})
	m.sends("family.guardian_tied", at+"/invite", url.Values{"contact": {number}, "relation": {"parent"}})
	m.sends("web.form", at+"/invite", url.Values{"contact": {"a@example.com"}, "relation": {"teacher"}})
	for range 8 {
		m.asksAbout(child, consent.Asking{Purposes: []string{"class-ranking"}})
	}
	m.posts("consent.too_many_open", at+"/again", "purpose", "push-notices")
	copied := url.Values{"request": {copyForm(m.copyPage(at, "en")).Get("request")}, "code": {transcript.NewCode()}, "part": {"1"}}
	if copied.Get("request") == "" { // it waits for a proof, and the page says how
		copied.Set("request", m.newestDemand(child))
	}
	m.posts("rights.answer_stands", at+"/demand", "kind", "copy")
	m.sends("gate.denied", at+"/copy/file", copied)
	m.w.Pass(3 * 366 * 24 * time.Hour) // the value has ended, swept or not
	m.signIn()
	m.sends("rights.copy_over", at+"/copy/file", copied)
	m.posts("gate.denied", at+"/reveal", "item", "weekly_score")
	var birth []byte
	m.w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		if birth, err = db.One(ctx, tx, db.Single[[]byte], `SELECT birth FROM child WHERE child = $1`, child.ID); err == nil {
			_, err = tx.Exec(ctx, `UPDATE child SET birth = ref WHERE child = $1`, child.ID)
		}
		return err
	})
	m.gets("web.child_dark", at)
	m.posts("web.child_dark", at+"/reveal", "item", "weekly_score")
	m.w.Do(func(ctx context.Context, tx *db.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE child SET birth = $1 WHERE child = $2`, birth, child.ID)
		return err
	})
}

// What the gate says against a look is on the page, and nothing that the operator
// is to do.
func TestRefusals_SayWhyALookIsDenied(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		child := s.w.Child()
		s.w.Put(child, "class-ranking", "weekly_score", "77")
		s.w.Pass(3 * 366 * 24 * time.Hour)
		s.signIn()
		status, page := s.post(s.tie(child)+"/reveal?lang=zh-CN", url.Values{"item": {"weekly_score"}})
		if status != 403 || !strings.Contains(page, "这项信息已过保存期限") || strings.Contains(page, "重新收集") || strings.Contains(page, "逐条列出") {
			t.Errorf("%d %s", status, page)
		}
	})
}

// Nobody is invited while an office is vacant (Article 8): that is no look, and only
// the operator can do something.
func TestRefusals_SayWhyAnInvitationIsDenied(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		child := s.w.Child()
		s.signIn()
		s.w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := catalog.EndOffice(ctx, tx, catalog.Operator{ID: "test"}, vaulttest.Service, s.w.Officer.ID)
			return err
		})
		for lang, says := range map[string][4]string{
			"zh-CN": {"邀请没有发出", "没有在任的儿童个人信息保护负责人", "请联系运营者", "不能查看"},
			"en":    {"The invitation was not sent", "No officer for children&#39;s information", "Contact the operator", "be shown"},
		} {
			status, page := s.post(s.tie(child)+"/invite?lang="+lang, url.Values{"contact": {"father@example.com"}, "relation": {"parent"}})
			for _, there := range says[:3] {
				if status != 403 || !strings.Contains(page, there) {
					t.Errorf("%d, it doesn't say %q: %s", status, there, page)
				}
			}
			if strings.Contains(page, says[3]) {
				t.Errorf("it speaks of a look: %s", page)
			}
		}
	})
}

// Words and button say the same: where a new link can be had, nobody is sent
// elsewhere for it, and where it can't, nobody looks for a button.
func TestRefusals_WordsAndButtonsAgree(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		child := s.w.Child()
		expired := s.asksAbout(child, consent.Asking{Purposes: []string{"class-ranking"}, TTL: time.Hour})
		s.w.Pass(2 * time.Hour)
		overtaken := s.asksAbout(child, consent.Asking{Purposes: []string{"class-ranking"}})
		s.overtakes("class-ranking")
		for _, secrets := range []consent.Secrets{expired, overtaken} {
			for lang, says := range map[string][3]string{
				"zh-CN": {"点下面的按钮", "重新发起", "等待新的请求"}, "en": {"the button below", "started again", "wait for the new"},
			} {
				_, page := s.get("/r/"+secrets.Token+"?lang="+lang, "")
				if !strings.Contains(page, says[0]) || strings.Contains(page, says[1]) || strings.Contains(page, says[2]) || !strings.Contains(page, "<button>") {
					t.Errorf("where there is a button: %s", page)
				}
				if _, page := s.post("/ask/"+secrets.Ask+"/send?lang="+lang, nil); strings.Contains(page, says[0]) || strings.Contains(page, "<button>") || !strings.Contains(page, says[1]) && !strings.Contains(page, says[2]) {
					t.Errorf("where there is none: %s", page)
				}
			}
		}
	})
}

// A visitor who comes too often is told so where they are, and can go on there.
func TestRefusals_TooOftenLeadsBack(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		child := s.w.Child()
		secrets := s.asks("", "")
		s.signIn()
		m := &meetings{s, make(map[string]bool)}
		often := func(n int, method, path string) *http.Request {
			req := func() *http.Request {
				r := m.request(method, path, "application/x-www-form-urlencoded", strings.NewReader("contact="+number))
				r.Header.Set("X-Forwarded-For", "203.0.113."+fmt.Sprint(len(path)))
				return r
			}
			for range n {
				s.do(req())
			}
			return req()
		}
		for _, path := range []string{"/r/" + secrets.Token, "/r/" + secrets.Token + "/receipt", "/ask/" + secrets.Ask, s.tie(child)} {
			m.refused("web.slow_down", often(40, http.MethodGet, path), nil)
		}
		m.refused("web.slow_down", often(40, http.MethodPost, s.tie(child)+"/withdraw"), nil)
		// The doors stay open: what was typed can be sent again.
		for path, form := range map[string]string{"/home/code": `action="/home/code?`, "/home/enter": `action="/home/enter?`, "/home/passkey/enter": `action="/home/code?`} {
			if status, page := s.do(often(40, http.MethodPost, path)); status != 429 || !strings.Contains(page, form) || !strings.Contains(page, "请稍等一会儿再试") {
				t.Errorf("%s: %d %s", path, status, page)
			}
		}
		s.pages.Wait()
	})
}

// Whoever isn't signed in, or uses what isn't there, is led on too, and so is
// whoever was led here by a page of another site.
func TestRefusals_StrangersAreLedOn(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		_, token, _ := s.ask()
		s.verified(token)
		m := &meetings{s, make(map[string]bool)}
		m.sends("verification.not_offered", "/r/"+token+"/identity/number", url.Values{"name": {"王芳"}, "number": {somebody}})
		m.posts("session.signed_out", "/home/passkeys", "", "")
		m.gets("session.passkeys_none", "/home/passkeys")
		m.gets("catalog.not_found", "/rules/nothing")
		m.gets("catalog.version_not_found", "/rules/"+vaulttest.Service+"/history/9")
		for _, path := range []string{"/r/" + token + "/answer", "/home/out", "/nowhere"} {
			req := m.request(http.MethodPost, path, "", nil)
			req.Header.Set("Sec-Fetch-Site", "cross-site")
			m.refused("web.elsewhere", req, nil)
		}
	})
}

// The address of a form that was sent is one that people reload and keep: it leads
// back to the page that holds the form, in the language it was read in. What stands
// in the path may be anything.
func TestForms_TheirAddressesLeadBackToTheirPages(t *testing.T) {
	eachProving(t, func(t *testing.T, s *site, _ *bureau) {
		s.browser.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		led := 0
		for _, route := range s.pages.Routes() {
			path, isForm := strings.CutPrefix(route, "POST ")
			if !isForm {
				continue
			}
			if !slices.Contains(s.pages.Routes(), "GET "+path) {
				t.Errorf("nothing answers who loads %s", path)
			}
			for _, text := range []string{"abc", "%2F%2Fevil.example", "%5Cevil.example", "a%3Fb%23c"} {
				at := inRoute.ReplaceAllString(path, text)
				resp, err := s.browser.Get(s.server.URL + at + "?lang=en")
				if err != nil {
					t.Fatal(err)
				}
				resp.Body.Close()
				if resp.StatusCode != http.StatusSeeOther {
					continue // a page has this address
				}
				led++
				page, query, _ := strings.Cut(resp.Header.Get("Location"), "?")
				if !strings.HasPrefix(at, page+"/") && page != "/home/code" || !strings.HasPrefix(query, "lang=en") {
					t.Errorf("%s leads to %s?%s", at, page, query)
				}
			}
		}
		if led < 80 {
			t.Errorf("%d addresses led back", led)
		}
	})
}
