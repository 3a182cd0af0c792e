package app_test

import (
	"fmt"
	"html"
	"net/http"
	"strings"
	"testing"
	"time"

	"wardkeep/internal/app/browsertest"
	"wardkeep/internal/base/i18n"
)

// Article 9: from the link in the message to the withdrawal, in both languages.
func TestArticle9_TheWholeStoryInABrowser(t *testing.T) {
	t.Parallel()
	site := browsertest.Serve(t)
	for _, lang := range i18n.Langs {
		g := ask(t, site, lang)
		all := len(g.asked.Purposes)
		g.open()
		g.sees("web.request.verify_why")
		g.holds(0, "opened")
		g.Find(sendCode).Follow()
		g.sees("web.request.sent")
		g.typeCode(wrong(g.code()))
		g.refused(403, "consent.code_wrong")
		g.holds(0, "opened")
		g.Back()
		g.typeCode(g.code())
		g.holds(0, "verified")
		g.Resize(browsertest.Tablet)
		g.switchOn()
		g.Find(agree).Follow()
		g.sees("web.receipt.thanks", "web.receipt.granted")
		g.holds(all, "answered")

		g.Resize(browsertest.Desk)
		g.comeBack()
		g.Find(more("withdraw", "class-ranking")).Click()
		g.sees("web.receipt.withdraw_what") // what happens is said first
		g.holds(all, "answered")
		g.Find(about("withdraw", "class-ranking")).Follow()
		g.sees("web.receipt.withdrawn")
		g.holds(all-1, "answered")
		if g.Count(about("withdraw", "class-ranking")) != 0 {
			t.Error("what was withdrawn can be withdrawn again")
		}
		g.Find(about("again", "class-ranking")).Follow()
		g.sees("web.request.verify_why")
		g.holds(all-1, "answered")
	}
}

// wrong is a code that isn't this one.
func wrong(code string) string {
	last := len(code) - 1
	return fmt.Sprintf("%s%d", code[:last], (code[last]-'0'+1)%10)
}

// Article 10: whoever refuses everything is done, and nothing is left.
func TestArticle10_RefusingInABrowser(t *testing.T) {
	t.Parallel()
	site := browsertest.Serve(t)
	g := ask(t, site, i18n.Chinese)
	g.open()
	g.verify()
	g.Find(refuse).Follow()
	g.sees("web.receipt.thanks_over", "web.receipt.refused")
	if strings.Contains(g.Text(), g.lang.T("web.receipt.granted")) {
		t.Errorf("something was granted: %s", g.Text())
	}
	g.nothingLeft()
}

// Article 9: nothing is preset, a switch that is off is a no, and Enter presses
// neither button by itself. With script off, and without a mouse.
func TestArticle9_ChoosingOneByOneWithoutScriptOrMouse(t *testing.T) {
	t.Parallel()
	site := browsertest.Serve(t)
	for _, lang := range i18n.Langs {
		g := ask(t, site, lang)
		g.NoScript()
		g.open()
		g.TabTo(sendCode)
		g.Enter()
		g.TabTo(codeField)
		g.Type(g.code())
		g.Enter()
		if n := g.Count(`:checked, [open]`); n != 0 {
			t.Errorf("%d controls are preset", n)
		}
		g.TabTo(switchOf("course-progress"))
		g.Press(browsertest.KeyEnter) // presses a button of the form in some browsers, and must not be an answer
		g.Press(browsertest.KeySpace)
		if g.Count(switches+":checked") != 1 || g.Count(switchOf("course-progress")+":checked") != 1 {
			t.Error("the space bar doesn't turn on the one switch that has the focus")
		}
		g.TabTo(agree)
		g.Enter()
		g.sees("web.receipt.thanks", "web.receipt.granted", "web.receipt.refused")
		g.holds(2, "answered") // with the account, which is necessary and agreed to with the button
	}
}

// Whatever a link has become, its page says what happened and what to do.
func TestLinksThatLeadNowhereSaySo(t *testing.T) {
	t.Parallel()
	site := browsertest.Serve(t)
	for _, lang := range i18n.Langs {
		g := ask(t, site, lang)
		link := g.asked.URL
		for name, url := range map[string]string{
			"cut off": link[:len(link)-5], "forged": link[:len(link)-1] + "!", "too long": link + strings.Repeat("0", 200), "another's": site.URL + "/r/" + strings.Repeat("0", 52),
		} {
			g.Visit(url)
			g.refused(404, "consent.link_unknown")
			if t.Failed() {
				t.Fatal(name)
			}
		}
		g.Visit(site.URL + "/r/")
		g.refused(404, "web.no_page")
		g.holds(0, "pending") // none of them opened the request

		g.Visit(site.URL + "/c")
		g.Find(shortCode).Fill("0000-0000")
		g.Press(browsertest.KeyTab)
		g.Enter()
		g.refused(404, "consent.link_unknown")
		g.Back()
		g.Find(shortCode).Fill(" " + strings.ToLower(g.asked.Code))
		g.Press(browsertest.KeyTab)
		g.Enter()
		g.sees("web.request.verify_why")

		// A child with the link alone gets no further: the code goes to the phone.
		if g.Count(agree) != 0 {
			t.Error("a link alone answers")
		}
		if _, err := site.API.Cancel(t.Context(), g.asked.ID); err != nil {
			t.Fatal(err)
		}
		g.Find(sendCode).Follow()
		g.refused(410, "consent.cancelled")
		g.open()
		g.refused(410, "consent.cancelled")
		g.nextChild()
		g.open()
		g.Find(sendCode).Follow()
		site.Pass(11 * time.Minute)
		g.typeCode(g.code())
		g.refused(410, "consent.code_expired")
		g.Back()
		g.verify()
		site.Pass(8 * 24 * time.Hour)
		g.Find(agree).Follow()
		if status := g.Page().Status; status != 410 && status != 404 {
			t.Errorf("too late: status %d", status)
		}
		g.sees("web.refusal.back")
		g.open()
		g.sees("web.refusal.back")
	}
}

// The browser's own button, a reload and a second click answer nothing twice,
// and each leads to a page that says how things stand.
func TestGoingBackAndClickingTwiceAnswerOnce(t *testing.T) {
	t.Parallel()
	site := browsertest.Serve(t)
	g := ask(t, site, i18n.Chinese)
	all := len(g.asked.Purposes)
	g.open()
	g.verify()
	g.switchOn()
	g.Find(agree).Follow()
	g.sees("web.receipt.thanks")
	g.Reload() // sends the form again
	g.refused(409, "consent.answered")
	g.holds(all, "answered")
	g.Back()
	if g.Count(refuse) != 0 { // the browser kept the questions as they were
		g.Find(refuse).Follow()
		g.refused(409, "consent.answered")
	}
	g.holds(all, "answered")
	g.open()
	g.sees("web.receipt.verify_to_act") // what is left of the proof reads, and changes nothing

	g.nextChild()
	g.open()
	g.verify()
	g.Find(refuse).FollowTwice()
	if !strings.Contains(g.Text(), g.lang.T("web.receipt.thanks_over")) {
		g.refused(409, "consent.answered")
	}
	g.nothingLeft()

	g.nextChild()
	g.open()
	g.verify()
	answering := g.Page().URL
	g.switchOn()
	other := browsertest.Open(t, g.lang)
	other.Visit(g.asked.URL) // the same link in another browser, at the same time
	g.Find(agree).Follow()
	g.holds(all, "answered")
	other.Find(sendCode).Follow()
	other.Find(codeField).Fill(g.code())
	other.Find(confirm).Follow()
	if !strings.Contains(other.Text(), g.lang.T("web.receipt.granted")) {
		t.Errorf("the second reader of a link sees %s", other.Text())
	}

	// The address of a form that was sent is one that people reload and keep.
	for _, step := range []string{"code", "verify", "answer", "withdraw", "again"} {
		path, query, _ := strings.Cut(answering, "?")
		g.Visit(path + "/" + step + "?" + query)
		g.sees("web.receipt.verify_why")
	}
}

// A page of somebody else can send a form to us, and it does nothing.
func TestFormsOfOtherSitesAnswerNothing(t *testing.T) {
	t.Parallel()
	site := browsertest.Serve(t)
	g := ask(t, site, i18n.English)
	g.open()
	g.verify()
	hidden := ""
	for _, name := range []string{"notice", "page"} {
		value := g.Find(`input[name=` + name + `]`).Value("value")
		hidden += fmt.Sprintf(`<input type="hidden" name="%s" value="%s">`, name, html.EscapeString(value))
	}
	for _, p := range g.asked.Purposes {
		hidden += fmt.Sprintf(`<input type="hidden" name="ask" value="%s">`, html.EscapeString(p))
	}
	trap := browsertest.Stranger(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(w, `<!doctype html><html lang="en"><title>Prizes</title><form method="post" action="%s/answer?lang=en">
			%s<button name="decision" value="agree">Win</button></form>`, html.EscapeString(g.asked.URL), hidden)
	}))
	g.Visit(trap)
	g.Named("button", "Win").Follow()
	g.refused(403, "web.elsewhere")
	g.holds(0, "verified")
}
