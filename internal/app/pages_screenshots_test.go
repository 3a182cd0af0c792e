package app_test

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
	for _, lang := range i18n.Langs {
		t.Run(string(lang), func(t *testing.T) {
			t.Parallel()
			g := ask(t, browsertest.Serve(t), lang)
			g.tour(func(page string) {
				g.everyLook(func(look string) {
					name := strings.ReplaceAll(fmt.Sprintf("%s.%s.%s", page, look, lang), " ", ".")
					g.picture(filepath.Join(dir, name+".png"), 0, 0)
				})
				if doc, ok := inDocs[page]; ok && doc.lang == lang {
					g.show(doc, filepath.Join(dir, "docs", page+".png"))
				}
			})
		})
	}
}

// A doc is a picture of docs/screens.md: the page in this look, from the element
// on that matches from.
type doc struct {
	size browsertest.Size
	dark bool
	lang i18n.Lang
	from string
}

var inDocs = map[string]doc{
	"request":          {browsertest.Phone, false, i18n.Chinese, "main"},
	"request-sent":     {browsertest.Phone, true, i18n.Chinese, `.card:has(input[name=code])`},
	"request-verified": {browsertest.Phone, false, i18n.English, `.decide`},
	"request-chosen":   {browsertest.Tablet, false, i18n.Chinese, `.card:has([role=switch][value=course-progress])`},
	"answered":         {browsertest.Phone, false, i18n.Chinese, "main"},
	"receipt":          {browsertest.Phone, true, i18n.English, "main"},
	"refused-expired":  {browsertest.Phone, false, i18n.Chinese, "main"},
	"rules":            {browsertest.Tablet, false, i18n.English, "main"},
}

// docHeight is how much of a page such a picture shows, at two pixels to a pixel
// of the page.
const docHeight = 720

func (g *guardian) show(d doc, file string) {
	g.t.Helper()
	g.Zoom(d.size, 2)
	g.Darken(d.dark)
	g.picture(file, max(0, g.Top(d.from)-16), docHeight)
	g.Resize(browsertest.Phone)
	g.Darken(false)
}

func (g *guardian) picture(file string, top, height float64) {
	g.t.Helper()
	if err := os.WriteFile(file, g.Screenshot(top, height), 0o644); err != nil {
		g.t.Fatal(err)
	}
}
