package app_test

import (
	"fmt"
	"html"
	"net/http"
	"strings"
	"time"

	wardkeep "wardkeep/client"
	"wardkeep/internal/app/apptest"
	"wardkeep/internal/app/browsertest"
)

// tour leads a guardian to every page there is, in each of its states, and calls
// look at each with a name of its own.
func (g *guardian) tour(look func(page string)) {
	g.t.Helper()
	g.public(look)
	g.answering(look)
	g.comingBack(look)
	g.atHome(look)
	g.refusals(look)
}

// public leads to what anybody may read.
func (g *guardian) public(look func(string)) {
	g.t.Helper()
	rules := "/rules/" + apptest.Service
	for _, page := range []struct{ name, path string }{
		{"home", "/"}, {"rules", rules}, {"rules-child", rules + "/child"}, {"history", rules + "/history"}, {"version", rules + "/history/1"},
		{"guide", "/guide"}, {"guide-child", "/guide/child"}, {"short-code", "/c"},
	} {
		g.Visit(g.site.URL + page.path)
		look(page.name)
		if page.name == "rules" {
			g.unfold()
			look("rules-unfolded")
		}
	}
}

// unfold opens every fold of the page.
func (g *guardian) unfold() {
	g.t.Helper()
	for g.Count("details:not([open])") > 0 {
		g.First("details:not([open]) > summary").Click()
	}
}

func (g *guardian) answering(look func(string)) {
	g.t.Helper()
	g.Visit(g.asked.AskURL)
	look("ask")
	g.open()
	look("request")
	g.unfold()
	look("request-unfolded")
	g.Find(sendCode).Follow()
	look("request-sent")
	g.typeCode(wrong(g.code()))
	look("refused-code")
	g.Back()
	g.typeCode(g.code())
	look("request-verified")
	g.switchOn("class-ranking")
	look("request-chosen")
	g.Find(agree).Follow()
	look("answered")
	g.Reload()
	look("refused-twice")
}

func (g *guardian) comingBack(look func(string)) {
	g.t.Helper()
	g.open()
	look("receipt-reading")
	g.Visit(g.asked.URL + "/receipt/print")
	look("receipt-print")
	g.site.Pass(31 * time.Minute) // the proof has ended
	g.open()
	look("receipt-locked")
	g.Find(sendCode).Follow()
	look("receipt-sent")
	g.typeCode(g.code())
	look("receipt")
	g.Find(more("withdraw", "push-notices")).Click()
	look("receipt-withdraw")
	g.Find(about("withdraw", "push-notices")).Follow()
	look("receipt-withdrawn")
	g.Find(about("again", "class-ranking")).Follow()
	look("request-again")
}

// atHome signs the guardian in who has answered about a child.
func (g *guardian) atHome(look func(string)) {
	g.t.Helper()
	_, err := g.site.API.Collect(g.t.Context(), g.child.ID, "", wardkeep.Collection{Purpose: "course-progress", Values: map[string]string{"grade": "四年级"}})
	if err != nil {
		g.t.Fatal(err)
	}
	g.Visit(g.site.URL + "/home")
	look("mine-door")
	g.Find(homeContact).Fill(g.phone)
	g.Find(homeAsk).Follow()
	look("mine-code")
	g.Find(homeCode).Fill(g.homeCode())
	g.Find(homeEnter).Follow()
	look("mine-list")
	g.Keychain()
	g.Visit(g.site.URL + "/home/passkeys")
	look("mine-passkeys")
	g.Find(addPasskey).Follow()
	g.unfold()
	look("mine-passkey-added")
	g.Visit(g.site.URL + "/home")
	g.First(homeChild).Follow()
	look("mine")
	g.Find(reveal).Follow()
	look("mine-revealed")
	g.unfold()
	look("mine-unfolded")
	g.Find(signOut).Follow()
}

// refusals leads to the pages that say no.
func (g *guardian) refusals(look func(string)) {
	g.t.Helper()
	g.Visit(g.site.URL + "/r/" + strings.Repeat("0", 52))
	look("refused-link")
	g.Visit(g.site.URL + "/nowhere")
	look("refused-address")
	g.nextChild()
	g.open()
	g.verify()
	g.Find(refuse).Follow()
	look("answered-refused")
	g.nextChild()
	trap := browsertest.Stranger(g.t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(w, `<!doctype html><html lang="en"><title>Prizes</title><form method="post" action="%s/code"><button>Win</button></form>`,
			html.EscapeString(g.asked.URL))
	}))
	g.Visit(trap)
	g.Named("button", "Win").Follow()
	look("refused-elsewhere")
	if _, err := g.site.API.Cancel(g.t.Context(), g.asked.ID); err != nil {
		g.t.Fatal(err)
	}
	g.open()
	look("refused-cancelled")
	g.nextChild()
	g.open()
	g.site.Pass(23*time.Hour + 59*time.Minute)
	look("request-last-minute")
	g.site.Pass(2 * time.Minute)
	g.open()
	look("refused-expired")
}
