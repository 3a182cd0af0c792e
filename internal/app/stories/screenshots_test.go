package stories

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"wardkeep/internal/app/browsertest"
	"wardkeep/internal/base/i18n"
)

// make screenshots: a picture of every page at all sizes, in both languages,
// light and dark, for somebody to look at; and those that docs/screens.md shows.
func TestScreenshots(t *testing.T) {
	dir := os.Getenv("WARDKEEP_SCREENSHOTS")
	if dir == "" {
		return // nobody wants to look
	}
	if err := os.MkdirAll(filepath.Join(dir, "docs"), 0o755); err != nil {
		t.Fatal(err)
	}
	tell(t, func(g *guardian, page string) {
		for _, l := range looks {
			g.see(l)
			name := strings.ReplaceAll(fmt.Sprintf("%s.%s.%s", page, l, g.lang), " ", ".")
			g.picture(filepath.Join(dir, name+".png"), 0, 0)
		}
		for _, d := range inDocs {
			if d.page == page && d.lang == g.lang {
				g.show(d, filepath.Join(dir, "docs", d.name+".png"))
			}
		}
		g.see(g.look)
	})
	for _, lang := range i18n.Langs {
		tellDesk(t, lang, func(p *insider, stop string) {
			for _, l := range []look{{handy[0], false}, {handy[1], true}} {
				p.see(l)
				p.picture(filepath.Join(dir, strings.ReplaceAll(fmt.Sprintf("desk-%s.%s.%s.png", stop, l, lang), " ", ".")), 0, 0)
			}
			p.see(p.look)
		})
		tellInspector(t, lang, func(p *insider, stop string) {
			p.see(look{handy[2], false})
			p.picture(filepath.Join(dir, fmt.Sprintf("%s.%s.png", stop, lang)), 0, 0)
			p.see(p.look)
		})
		tellConsole(t, lang, func(p *insider, stop string) {
			for _, l := range []look{{wide[0], false}, {wide[1], true}} {
				p.see(l)
				p.picture(filepath.Join(dir, strings.ReplaceAll(fmt.Sprintf("console-%s.%s.%s.png", stop, l, lang), " ", ".")), 0, 0)
			}
			p.see(p.look)
		})
	}
}

// A doc is a picture of docs/screens.md: the page in this look, from the element
// on that matches from.
type doc struct {
	name, page string
	look
	lang i18n.Lang
	from string
}

var inDocs = []doc{
	{"ask", "ask", look{browsertest.Phone, false}, i18n.Chinese, "main"},
	{"request", "request", look{browsertest.Phone, false}, i18n.Chinese, "main"},
	{"request-sent", "request-sent", look{browsertest.Phone, true}, i18n.Chinese, `.card:has(input[name=code])`},
	{"request-verified", "request-verified", look{browsertest.Phone, false}, i18n.English, `.decide`},
	{"request-chosen", "request-chosen", look{browsertest.Tablet, false}, i18n.Chinese, `.card:has([role=switch][value=course-progress])`},
	{"request-changed", "request-changed", look{browsertest.Phone, false}, i18n.Chinese, ".changes"},
	{"answered", "receipt-answered", look{browsertest.Phone, false}, i18n.Chinese, "main"},
	{"receipt", "receipt", look{browsertest.Phone, true}, i18n.English, "main"},
	{"mine", "home_child-revealed", look{browsertest.Phone, false}, i18n.Chinese, "main"},
	{"answered-unproved", "receipt-answered-unproved", look{browsertest.Phone, false}, i18n.Chinese, `.answers > li:nth-child(4)`},
	{"mine-demands", "home_child-refused", look{browsertest.Phone, false}, i18n.Chinese, `section[aria-labelledby=demands]`},
	{"mine-disputed", "home_child-disputed", look{browsertest.Phone, true}, i18n.Chinese, "main"},
	{"refused-expired", "refusal-expired", look{browsertest.Phone, false}, i18n.Chinese, "main"},
	{"rules", "rules", look{browsertest.Tablet, false}, i18n.English, "main"},
}

// docHeight is how much of a page such a picture shows, at two pixels to a pixel
// of the page.
const docHeight = 720

func (g *guardian) show(d doc, file string) {
	g.t.Helper()
	g.Zoom(d.size, 2)
	g.Darken(d.dark)
	g.picture(file, max(0, g.Top(d.from)-16), docHeight)
}

func (g *guardian) picture(file string, top, height float64) {
	g.t.Helper()
	if err := os.WriteFile(file, g.Screenshot(top, height), 0o644); err != nil {
		g.t.Fatal(err)
	}
}
