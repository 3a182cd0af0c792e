package app_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"wardkeep/internal/app/browsertest"
	"wardkeep/internal/base/i18n"
)

// summary is what a guardian reads before they decide.
const summary = `section.summary`

// Article 10: refusing is offered like agreeing. Both are measured as the eye
// does, at every size, in both languages, light and dark; and both are done with
// one click.
func TestArticle10_AgreeAndRefuseAreEquals(t *testing.T) {
	t.Parallel()
	site := browsertest.Serve(t)
	for _, lang := range i18n.Langs {
		g := ask(t, site, lang)
		g.open()
		g.verify()
		for _, size := range browsertest.Sizes {
			g.Resize(size)
			for _, dark := range []bool{false, true} {
				g.Darken(dark)
				where := string(lang) + " " + size.Name
				if dark {
					where += " dark"
				}
				g.equal(where, agree, refuse)
			}
		}
		g.Resize(browsertest.Phone)
		agreed, refused := g.clicks(agree, "web.receipt.granted"), g.clicks(refuse, "web.receipt.refused")
		if agreed != 1 || refused != 1 {
			t.Errorf("%s: %d clicks agree, %d refuse", lang, agreed, refused)
		}
	}
}

// minContrast is what WCAG 2.2 AA wants of words (1.4.3), and minTarget of what is
// touched (2.5.5).
const (
	minContrast = 4.5
	minTarget   = 44
)

// equal fails the test where a yes and a no look different, or either can't be
// read or touched well.
func (g *guardian) equal(where, yes, no string) {
	g.t.Helper()
	a, b := g.LookOf(yes, summary), g.LookOf(no, summary)
	if diff := cmp.Diff(a, b); diff != "" {
		g.t.Errorf("%s: agreeing and refusing differ (-agree +refuse):\n%s", where, diff)
	}
	if !a.Seen || a.Contrast < minContrast || a.Height < minTarget || a.Below < 0 {
		g.t.Errorf("%s: a button that can't be seen, read or touched: %+v", where, a)
	}
}

// clicks answers about another child, and returns how many clicks that takes
// from the page with the questions to the receipt.
func (g *guardian) clicks(button, said string) (n int) {
	g.t.Helper()
	g.nextChild()
	g.open()
	g.verify()
	for n = 1; n < 5; n++ {
		g.Find(button).Follow()
		if g.Count(button) == 0 {
			break
		}
	}
	g.sees("web.receipt.title", said)
	return n
}
