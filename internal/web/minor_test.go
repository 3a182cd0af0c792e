package web_test

import (
	"context"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/family/age"
	"wardkeep/internal/retention"
	"wardkeep/internal/transcript"
	"wardkeep/internal/vault/vaulttest"
	"wardkeep/internal/web"
)

// turns14 enrols a child whose 14th birthday is today, whose guardian agrees to
// everything, and lets the day go by.
func (s *site) turns14() family.Child {
	s.t.Helper()
	var child family.Child
	s.w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		y, m, d := tx.Now().In(age.Zone).Date()
		birth := age.Birth{Year: y - 14, Month: int(m), Day: d}
		if birth.Check() != nil { // 29 February: of a year without one the 28th is as good
			birth.Day--
		}
		child, _, _, err = s.w.Vault.Gate.Register(ctx, tx, s.w.App, family.Enrolment{
			Service: vaulttest.Service, Ref: pii.New(id.Secret(16)), Birth: birth, BirthSource: family.FromApp,
			Guardian: family.Person{Phone: pii.New(number), Relation: family.Parent},
		})
		return err
	})
	s.w.Answer(child, consent.ForceGranted)
	s.w.Pass(24 * time.Hour)
	return child
}

func (s *site) birth(child family.Child) (birth age.Birth) {
	s.t.Helper()
	s.w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		birth, err = child.Birth(s.w.Ring)
		return err
	})
	return birth
}

// shown has the app show a code for the request that a link leads to.
func (s *site) shown(token string) (code string, err error) {
	err = s.w.Try(func(ctx context.Context, tx *db.Tx) error {
		r, err := s.w.Desk.ByToken(ctx, tx, token)
		if err != nil && r.State != consent.Answered {
			return err
		}
		c, err := s.w.Desk.ShowCode(ctx, tx, s.w.App, r)
		code = c.Code.Reveal()
		return err
	})
	return code, err
}

// Edge case 4: a minor reads a page of its own words, types the code that its app
// shows, and answers, takes back and thinks again for itself. Nothing is sent to
// anybody, and no proof of an identity is offered.
func TestEdgeCase4_AMinorAnswersOnThePage(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		child := s.turns14()
		asked := s.asksAbout(child, consent.Asking{Minor: true, Purposes: []string{"course-progress", "class-ranking"}})
		token, path := asked.Token, "/r/"+asked.Token
		if _, err := s.shown(token); err == nil {
			t.Error("a code comes before anything was shown")
		}
		goldenMinor(t, s, "request-minor", path)
		if status, body := s.post(path+"/code?lang=zh-CN", nil); status < 400 {
			t.Errorf("a code was sent: %d %s", status, body)
		}
		if _, body := s.post(path+"/verify?lang=zh-CN", url.Values{"code": {"000000"}}); !strings.Contains(body, "验证码") {
			t.Errorf("a code that nobody was shown: %s", body)
		}
		s.typed(token)
		goldenMinor(t, s, "request-minor-verified", path)
		if status, _ := s.post(path+"/identity/number?lang=zh-CN", url.Values{"name": {"x"}, "number": {"11010519491231002X"}}); status < 400 {
			t.Errorf("a minor may prove itself: %d", status)
		}
		form := s.form(token, "zh-CN")
		form["yes"] = []string{"course-progress", "class-ranking"}
		form.Set("decision", "agree")
		if status, body := s.post(path+"/answer?lang=zh-CN", form); status != 200 || !strings.Contains(body, "已同意") {
			t.Fatalf("%d %s", status, body)
		}
		s.w.Put(child, "course-progress", "nickname", "小溪")
		s.typed(token)
		goldenMinor(t, s, "receipt-minor", path+"/receipt")
		if status, body := s.post(path+"/withdraw?lang=zh-CN", url.Values{"purpose": {"course-progress"}}); status != 200 || !strings.Contains(body, "已撤回") {
			t.Errorf("%d %s", status, body)
		}
		if _, err := s.w.Read(child, "course-progress", "nickname"); err == nil || !strings.Contains(err.Error(), "gate.consent_withdrawn") {
			t.Errorf("taken back: %v", err)
		}
		next, _ := s.again(token, "course-progress")
		if _, body := s.get("/r/"+next, "zh-CN"); !strings.Contains(body, "先输入应用里显示的验证码") {
			t.Errorf("to think again: %s", body)
		}
		s.fresh()
		goldenMinor(t, s, "receipt-minor-locked", path+"/receipt")
	})
}

// polite is how Chinese addresses an adult.
const (
	polite = "您"
	quoted = "“您”" // … of whom a page of a minor speaks
)

// neverToMinors are words on templates that minors see too, in a place that they don't.
var neverToMinors = []string{
	"web.request.your_child", "web.request.proved", "web.request.prove", "web.request.sent", "web.asked.takeover",
}

// mishapsElsewhere meet guardians alone, at home or with a link of their own.
var mishapsElsewhere = []string{"receipt.no_certificate", "session.signed_out", "web.copying", "consent.guardian_past_14", "web.closed"}

var (
	wordOfPage = regexp.MustCompile("[\\s({]t \"([^\"]+)\"")
	fullNotice = regexp.MustCompile(`(?s)<details class="full" id="notice">.*?</details>`)
)

// Edge case 4: whoever is 14 or older is addressed as such, in one way, by whatever a page
// of its own says by itself. What the charter says was written for parents, and the page
// says so.
func TestEdgeCase4_AMinorIsAddressedAsOne(t *testing.T) {
	for _, glob := range []string{"layout.html", "parts/*.html", "guardian/request.html", "guardian/receipt.html", "guardian/print.html", "public/refusal.html"} {
		files, err := filepath.Glob(glob)
		if err != nil || len(files) == 0 {
			t.Fatal(glob, err)
		}
		for _, name := range files {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range wordOfPage.FindAllStringSubmatch(string(text), -1) {
				if strings.Contains(strings.ReplaceAll(web.ToMinor(m[1]), quoted, ""), polite) && !slices.Contains(neverToMinors, m[1]) {
					t.Errorf("%s: %s says %q", name, m[1], web.ToMinor(m[1]))
				}
			}
		}
	}
	each(t, func(t *testing.T, s *site) {
		child := s.turns14()
		asked := s.asksAbout(child, consent.Asking{Minor: true, Purposes: []string{"course-progress", "class-ranking"}})
		at := "/r/" + asked.Token
		says := func(name, page string) {
			t.Helper()
			page = strings.ReplaceAll(fullNotice.ReplaceAllString(page, ""), quoted, "")
			for _, p := range s.w.Charter.Purposes {
				page = strings.ReplaceAll(page, p.Manner.In("zh-CN"), "")
			}
			for _, it := range s.w.Charter.Items {
				page = strings.ReplaceAll(page, it.Necessity.In("zh-CN"), "")
			}
			if i := strings.Index(page, polite); i >= 0 {
				t.Errorf("%s says …%s…", name, page[max(0, i-60):min(len(page), i+60)])
			}
		}
		refusals := func(state string) {
			t.Helper()
			for _, route := range s.pages.Routes() {
				method, path, _ := strings.Cut(route, " ")
				rest, ok := strings.CutPrefix(path, "/r/{token}")
				if !ok || strings.Contains(rest, "identity") { // where no minor is led to
					continue
				}
				for _, code := range web.Mishaps() {
					if slices.Contains(mishapsElsewhere, code) {
						continue
					}
					w := httptest.NewRecorder()
					req := httptest.NewRequest(method, at+rest+"?lang=zh-CN", nil)
					req.SetPathValue("token", asked.Token)
					s.pages.Refuses(route, &errs.Error{Kind: errs.Conflict, Code: code}).ServeHTTP(w, req)
					says(state+", "+route+", "+code, w.Body.String())
				}
			}
		}
		_, body := s.get(at, "zh-CN")
		says("the request", body)
		refusals("before the code")
		s.typed(asked.Token)
		_, body = s.get(at, "zh-CN")
		says("the form", body)
		form := s.form(asked.Token, "zh-CN")
		form["yes"] = []string{"course-progress"}
		form.Set("decision", "agree")
		_, body = s.post(at+"/answer?lang=zh-CN", form)
		says("the answer", body)
		_, body = s.get(at+"/receipt/print", "zh-CN")
		says("the print that has no place in the ledger yet", body)
		s.places()
		_, body = s.get(at+"/receipt/print", "zh-CN")
		if says("the print", body); !strings.Contains(body, "你在账本里的代号") {
			t.Errorf("the print is a guardian's: %s", body)
		}
		s.typed(asked.Token)
		s.post(at+"/withdraw?lang=zh-CN", url.Values{"purpose": {"course-progress"}})
		_, body = s.get(at+"/receipt", "zh-CN")
		says("what was taken back", body)
		refusals("after the answer")
		s.fresh()
		_, body = s.get(at+"/receipt", "zh-CN")
		says("the receipt before the code", body)

		// What nobody answered ends, and is led on to the app, for no link is sent.
		asked = s.asksAbout(child, consent.Asking{Minor: true, Purposes: []string{"account"}, TTL: time.Hour})
		s.w.Pass(2 * time.Hour)
		if _, body = s.get("/r/"+asked.Token, "zh-CN"); !strings.Contains(body, "请打开应用") || strings.Contains(body, "renew") {
			t.Errorf("what has ended: %s", body)
		}
		says("what has ended", body)
	})
}

// Edge case 4: after 14 the guardian still comes in, sees and takes back, and
// decides nothing more; it isn't told what the minor says. From 18 on it doesn't come in.
func TestEdgeCase4_TheGuardiansHomeAfter14(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		child := s.turns14()
		own := s.asksAbout(child, consent.Asking{Minor: true, Purposes: []string{"course-progress"}})
		s.typed(own.Token)
		form := s.form(own.Token, "zh-CN")
		form.Set("decision", "refuse")
		s.post("/r/"+own.Token+"/answer?lang=zh-CN", form)
		s.signIn()
		status, body := s.get(s.tie(child)+"?lang=en", "")
		if status != 200 || strings.Count(body, "your child decides about this itself") != len(s.w.Charter.Purposes) || strings.Contains(body, "Think again") || strings.Contains(body, "Refused") {
			t.Errorf("%d %s", status, body)
		}
		if status, body := s.post(s.tie(child)+"/withdraw?lang=en", url.Values{"purpose": {"class-ranking"}}); status != 200 {
			t.Errorf("taking back: %d %s", status, body)
		}
		if status, body := s.post(s.tie(child)+"/again?lang=en", url.Values{"purpose": {"class-ranking"}}); status != 409 || !strings.Contains(body, "the minor itself is asked") {
			t.Errorf("deciding: %d %s", status, body)
		}
		form = copyForm(s.copyPage(s.tie(child), "en"))
		_, file := s.post(s.tie(child)+"/copy/file?lang=en", form)
		answered := readCopy(t, file, form.Get("code")).Consents
		if len(answered) != len(s.w.Charter.Purposes) || slices.ContainsFunc(answered, func(c transcript.Consent) bool { return !c.Mine }) {
			t.Errorf("a copy tells a guardian what the minor said: %+v", answered)
		}
		_, err := s.shown(s.guardians(child))
		if err == nil {
			t.Error("an app stands in for a guardian")
		}
		s.w.Pass(5 * 365 * 24 * time.Hour)
		s.fresh()
		s.askCode(number)
		if status, body := s.post("/home/enter?lang=en", url.Values{"code": {s.newestCode()}}); strings.Contains(body, "/home/gu_") {
			t.Errorf("at 18 the door is open: %d %s", status, body)
		}
	})
}

// Edge case 4: an old link of a minor leads back to its app, for nothing is sent to anybody; and what
// a guardian was asked before the 14th birthday was over says at once that it is the minor's to say.
func TestEdgeCase4_AnOldLinkLeadsWhereTheAnswerIs(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		child := s.turns14()
		s.w.Pass(s.birth(child).Turns(14).Add(-time.Hour).Sub(s.w.Store.Now()))
		before := s.asksAbout(child, consent.Asking{Purposes: []string{"class-ranking"}})
		if status, _ := s.get("/r/"+before.Token+"?lang=en", ""); status != 200 {
			t.Errorf("what a guardian is asked of a child: %d", status)
		}
		s.w.Pass(time.Hour)
		for _, path := range []string{"/r/" + before.Token, "/ask/" + before.Ask} {
			if status, body := s.get(path+"?lang=en", ""); status != 409 || !strings.Contains(body, "consent.guardian_past_14") || !strings.Contains(body, "decides this itself") {
				t.Errorf("%d %s", status, body)
			}
		}
		own := s.asksAbout(child, consent.Asking{Minor: true, Purposes: []string{"push-notices"}})
		s.w.Pass(8 * 24 * time.Hour)
		said := len(s.outbox.Messages())
		for _, refused := range []func() (int, string){
			func() (int, string) { return s.get("/r/"+own.Token+"?lang=en", "") },
			func() (int, string) { return s.post("/r/"+own.Token+"?lang=en", nil) },
			func() (int, string) { return s.post("/r/"+own.Token+"/renew?lang=en", nil) },
		} {
			status, body := refused()
			if status != 410 || !strings.Contains(body, "open the app") || strings.Contains(body, "phone or mailbox") {
				t.Errorf("%d %s", status, body)
			}
		}
		s.pages.Wait()
		if now := len(s.outbox.Messages()); now != said {
			t.Errorf("%d messages went out", now-said)
		}
		if status, body := s.post("/r/"+before.Token+"/renew?lang=en", nil); status != 409 || !strings.Contains(body, "consent.guardian_past_14") {
			t.Errorf("%d %s", status, body)
		}
	})
}

// Edge case 4: from the end of the 18th birthday on each link, the person's own and
// the former guardian's, says so and where to turn, whether or not the sweep was there; and
// nothing is done by one.
func TestEdgeCase4_WhoIs18IsToldWhereToTurn(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		child := s.turns14()
		former := s.guardians(child)
		answered := s.asksAbout(child, consent.Asking{Minor: true, Purposes: []string{"course-progress"}}).Token
		s.typed(answered)
		if status, body := s.post("/r/"+answered+"/answer?lang=zh-CN", s.agrees(answered, "zh-CN")); status != 200 {
			t.Fatalf("%d %s", status, body)
		}
		s.w.Pass(s.birth(child).Turns(18).Add(-time.Hour).Sub(s.w.Store.Now()))
		waits := s.asksAbout(child, consent.Asking{Minor: true, Purposes: []string{"push-notices"}})
		if status, _ := s.get("/r/"+waits.Token+"?lang=en", ""); status != 200 {
			t.Errorf("an hour before: %d", status)
		}
		s.typed(answered)
		s.w.Pass(time.Hour)
		for _, swept := range []bool{false, true} {
			if swept {
				if done, err := retention.Sweep(t.Context(), s.w.Store, s.w.Vault); err != nil || done.Aged != 1 {
					t.Fatal(done, err)
				}
			}
			for _, path := range []string{"/r/" + waits.Token, "/ask/" + waits.Ask, "/r/" + answered, "/r/" + answered + "/receipt", "/r/" + former, "/r/" + former + "/receipt"} {
				status, body := s.get(path+"?lang=en", "")
				if status != 409 || !strings.Contains(body, "consent.grown_up") || !strings.Contains(body, "This person is 18") || !strings.Contains(body, "in the app or through the operator") {
					t.Errorf("swept %v: %d %s", swept, status, body)
				}
				if _, body := s.get(path+"?lang=zh-CN", ""); !strings.Contains(body, "本人已满 18 周岁") || !strings.Contains(body, "由本人在应用里或者向运营者提出") {
					t.Errorf("swept %v: %s", swept, body)
				}
			}
			for path, form := range map[string]url.Values{
				"/r/" + answered + "/withdraw": {"purpose": {"course-progress"}}, "/r/" + former + "/withdraw": {"purpose": {"course-progress"}},
				"/r/" + answered + "/again": {"purpose": {"course-progress"}}, "/r/" + waits.Token + "/renew": nil, "/r/" + former + "/code": nil,
			} {
				if status, body := s.post(path+"?lang=en", form); status != 409 || !strings.Contains(body, "consent.grown_up") {
					t.Errorf("swept %v: %d %s", swept, status, body)
				}
			}
			s.fresh()
			if _, body := s.get("/home?lang=en", ""); !strings.Contains(body, "From its 18th birthday on a child speaks for itself") {
				t.Errorf("at the door: %s", body)
			}
		}
	})
}

// guardians returns the token of what the child's guardian was asked once.
func (s *site) guardians(child family.Child) (token string) {
	s.t.Helper()
	s.w.Do(func(ctx context.Context, tx *db.Tx) error {
		all, err := consent.Requests(ctx, tx, child.ID)
		if err != nil {
			return err
		}
		token, err = s.w.Desk.Lead(ctx, tx, all[0], "test")
		return err
	})
	return token
}

// typed opens a request and types the code that the app shows.
func (s *site) typed(token string) {
	s.t.Helper()
	s.get("/r/"+token+"?lang=zh-CN", "")
	code, err := s.shown(token)
	if err != nil {
		s.t.Fatal(err)
	}
	if status, body := s.post("/r/"+token+"/verify?lang=zh-CN", url.Values{"code": {code}}); status != 200 {
		s.t.Fatalf("%d %s", status, body)
	}
}

func goldenMinor(t *testing.T, s *site, name, path string) {
	t.Helper()
	for _, lang := range []string{"zh-CN", "en"} {
		_, body := s.get(path+"?lang="+lang, "")
		for _, wrong := range []string{"您的孩子", "监护人本人", "asks about your child", "give them the phone"} {
			if strings.Contains(body, wrong) {
				t.Errorf("%s says %q to a minor", name, wrong)
			}
		}
		golden(t, name+"."+lang+".html", inLedger.ReplaceAllString(changing.ReplaceAllString(body, "…"), "$1…$2"))
	}
}
