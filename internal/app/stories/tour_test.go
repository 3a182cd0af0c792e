package stories

import (
	"hash/fnv"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"wardkeep/internal/app/browsertest"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/console"
	"wardkeep/internal/notify"
	"wardkeep/internal/web"
)

// TestStories tells what guardians live through, in a browser, in both languages.
// Each story is told in one look, so that all of them together are told in all,
// and one in two is told by the keyboard alone, without script. Wherever a story
// stops, at, the page is looked at in every size, light and dark.
//
// A page on which no story stops, or a route that none asks for, fails the test.
func TestStories(t *testing.T) {
	t.Parallel()
	told := tell(t, (*guardian).examine)
	whole, tinged := make(map[string]bool), make(map[string]bool)
	for _, tour := range told {
		for _, stop := range tour.whole {
			whole[stop] = true
		}
		for kind, looked := range tour.met {
			tinged[kind] = tinged[kind] || looked
		}
	}
	for _, lang := range i18n.Langs {
		if t.Failed() || told[lang].told < len(storiesIn(lang)) {
			return // only some were told
		}
		for _, page := range templates(t) {
			if !slices.ContainsFunc(told[lang].stops, func(stop string) bool { return templateOf(stop) == page }) {
				t.Errorf("%s: no story stops at a page of the template %s", lang, page)
			}
		}
		for _, stop := range told[lang].stops {
			if !whole[stop] || inEach && !slices.Contains(told[lang].whole, stop) {
				t.Errorf("%s: nobody examined %s whole", lang, stop)
			}
		}
		for _, route := range routes() {
			if !told[lang].site.Answered(route) {
				t.Errorf("%s: no story asks for %s", lang, route)
			}
		}
	}
	for kind, looked := range tinged {
		if !looked {
			t.Errorf("nobody looked in both schemes at %s", kind)
		}
	}
}

// A tour is the stories in one language: they share a server, one after the other.
// Tours share nothing: they go on at the same time, and what is looked at in which
// of them is the same every time.
type tour struct {
	site  *browsertest.Site
	told  int
	stops []string
	met   map[string]bool // kinds of things on pages; true: looked at in the other scheme
	whole []string        // stops that axe-core examined whole
	alone bool            // the story is told in no other language
	had   map[string]int  // stops at pages of a template that fell to one of the languages
	lang  i18n.Lang
	look  func(g *guardian, page string)
}

// inEach has what is to be looked at in one of the languages looked at in each: make axe.
var inEach = os.Getenv("WARDKEEP_AXE") == "each"

// falls reports whether what is to be looked at in one of the languages is looked at
// in this one.
func (r *tour) falls(name string) bool {
	sum := fnv.New32a()
	sum.Write([]byte(name))
	return inEach || r.alone || i18n.Langs[sum.Sum32()%uint32(len(i18n.Langs))] == r.lang
}

// turns reports whether a stop is to be examined whole in this language: the stops at pages of
// one template take turns, so that where there are two, it is in both.
func (r *tour) turns(stop string) bool {
	if r.alone {
		return true
	}
	page := templateOf(stop)
	if r.had == nil {
		r.had = make(map[string]int)
	}
	r.had[page]++
	sum := fnv.New32a()
	sum.Write([]byte(page))
	return inEach || i18n.Langs[(int(sum.Sum32()%2)+r.had[page])%len(i18n.Langs)] == r.lang
}

// meets reports whether one of these kinds wasn't met before, and whether one of
// those is to be looked at in the other scheme here.
func (r *tour) meets(kinds ...string) (isNew, isTinged bool) {
	if r.met == nil {
		r.met = make(map[string]bool)
	}
	for _, kind := range kinds {
		if _, was := r.met[kind]; was {
			continue
		}
		r.met[kind] = r.falls(kind)
		isNew, isTinged = true, isTinged || r.met[kind]
	}
	return isNew, isTinged
}

// tell tells every story, both languages at the same time, and calls look for each
// stop when a story is there first.
func tell(t *testing.T, look func(g *guardian, page string)) map[i18n.Lang]*tour {
	t.Helper()
	told := make(map[i18n.Lang]*tour)
	for _, lang := range i18n.Langs {
		told[lang] = &tour{look: look, lang: lang}
	}
	t.Run("in", func(t *testing.T) {
		for j, lang := range i18n.Langs {
			t.Run(string(lang), func(t *testing.T) {
				t.Parallel()
				tour := told[lang]
				tour.site = browsertest.Serve(t)
				for i, s := range storiesIn(lang) {
					t.Run(s.name, func(t *testing.T) { tour.tell(t, s, lang, looks[(i+3*j)%len(looks)], (i/2+j)%2 == 1) })
				}
			})
		}
	})
	return told
}

// storiesIn returns the stories that are told in a language.
func storiesIn(lang i18n.Lang) (all []pageStory) {
	for _, s := range stories {
		if s.only == "" || s.only == lang {
			all = append(all, s)
		}
	}
	return all
}

func (r *tour) tell(t *testing.T, s pageStory, lang i18n.Lang, l look, byKeys bool) {
	g := &guardian{t: t, site: r.site, tour: r, lang: lang, look: l, byKeys: byKeys && !s.byHand}
	g.sit()
	g.nextChild()
	r.alone = s.only != ""
	s.tell(g)
	r.told++
}

// at is a stop of the story. The name begins with that of the page's template; the
// rest tells its states apart.
func (g *guardian) at(stop string) {
	g.t.Helper()
	if name := templateOf(stop); !g.site.Shows(name) {
		g.t.Errorf("%s isn't a page of the template %s", stop, name)
	}
	if !slices.Contains(g.tour.stops, stop) {
		g.tour.stops = append(g.tour.stops, stop)
		g.tour.look(g, stop)
	}
}

// templateOf returns the name of the template that a stop is a page of.
func templateOf(stop string) string {
	name, _, _ := strings.Cut(stop, "-")
	return name
}

// templates returns the names of all templates of pages.
func templates(t *testing.T) (names []string) {
	t.Helper()
	files, err := filepath.Glob("../../web/*/*.html")
	if err != nil || len(files) == 0 {
		t.Fatal("no templates", err)
	}
	for _, f := range files {
		if dir := filepath.Base(filepath.Dir(f)); dir != "parts" && dir != "testdata" {
			names = append(names, strings.TrimSuffix(filepath.Base(f), ".html"))
		}
	}
	return names
}

// routes returns all routes of the pages.
func routes() []string {
	pages := web.Server{Outbox: notify.NewOutbox(1)} // with the page of a demo
	pages.Handler()
	return pages.Routes()
}

// examine looks at a page in every size, and leaves it as it was. Axe-core examines
// it whole in the story's look in one of the languages, which take turns: all but
// the words is the same in the other, and make axe examines it there, too. Where there is
// something on it that wasn't on a page before, it examines in both languages, in every size,
// what the length of words moves, and in the other scheme its colours, which are the same in
// every language.
func (g *guardian) examine(page string) {
	g.t.Helper()
	g.keepsToItself(page)
	g.tellsApart(page)
	isNew, isTinged := g.tour.meets(g.Kinds()...)
	decides := g.Count(agree)+g.Count(refuse) > 0
	switch where := page + " " + g.look.String(); {
	case g.tour.turns(page):
		g.tour.whole = append(g.tour.whole, page)
		g.isClean(where, g.Violations)
	case isNew:
		g.isClean(where, g.Misplaced)
	}
	for _, l := range looks {
		otherSize, otherScheme := l.size != g.look.size, l.dark != g.look.dark
		if otherScheme && (otherSize || !isTinged) && !decides {
			continue
		}
		where := page + " " + l.String()
		g.see(l)
		switch {
		case isTinged && otherScheme && !otherSize:
			g.isClean(where, g.Discoloured)
		case isNew && otherSize && !otherScheme:
			g.isClean(where, g.Misplaced)
		}
		if n := g.Overflow(); n > 0 {
			g.t.Errorf("%s: %d pixels stick out on the right", where, n)
		}
		if decides {
			g.equal(where)
		}
		if templateOf(page) == "request" && l.size == browsertest.Phone {
			g.isOnOneScreen(where)
		}
	}
	g.see(g.look)
}

// isClean fails the test where axe-core finds anything.
func (g *guardian) isClean(where string, look func() []string) {
	g.t.Helper()
	if g.byKeys {
		g.Script(true) // axe's; the page stays as it came
		defer g.Script(false)
	}
	if violations := look(); len(violations) > 0 {
		g.t.Errorf("%s:\n\t%s", where, strings.Join(violations, "\n\t"))
	}
}

// tellsApart fails the test where two controls sound alike to somebody who has them
// listed, and sees nothing of what stands around them.
func (g *guardian) tellsApart(page string) {
	g.t.Helper()
	names := g.Heard("button", "switch", "DisclosureTriangle")
	slices.Sort(names)
	for i, name := range names {
		if name == "" || i > 0 && name == names[i-1] {
			g.t.Errorf("%s: more than one control is called %q, or one has no name", page, name)
		}
	}
}

// minContrast is what WCAG 2.2 AA wants of words (1.4.3), and minTarget of what is
// touched (2.5.5).
const (
	minContrast = 4.5
	minTarget   = 44
)

// summary is what a guardian reads before they decide.
const summary = `section.summary`

// Article 10: refusing is offered like agreeing. Both are measured as the eye
// does, on every page where one of them is.
func (g *guardian) equal(where string) {
	g.t.Helper()
	a, b := g.LookOf(agree, summary), g.LookOf(refuse, summary)
	if diff := cmp.Diff(a, b); diff != "" {
		g.t.Errorf("%s: agreeing and refusing differ (-agree +refuse):\n%s", where, diff)
	}
	if !a.Seen || a.Contrast < minContrast || a.Height < minTarget || a.Below < 0 {
		g.t.Errorf("%s: a button that can't be seen, read or touched: %+v", where, a)
	}
}

// isOnOneScreen fails the test where a guardian must scroll to read what is asked.
func (g *guardian) isOnOneScreen(where string) {
	g.t.Helper()
	if end := g.EndOf(summary); end > float64(browsertest.Phone.Height) {
		g.t.Errorf("%s: the summary ends at %.1f pixels, the screen at %d", where, end, browsertest.Phone.Height)
	}
}

// keepsToItself fails the test where a browser isn't told to keep a page to
// itself, or where a cookie could go elsewhere.
func (g *guardian) keepsToItself(page string) {
	g.t.Helper()
	header := g.Page().Header
	for name, want := range map[string]string{
		"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff",
		"Cross-Origin-Opener-Policy": "same-origin", "Strict-Transport-Security": "max-age=31536000",
	} {
		if got := header.Get(name); got != want {
			g.t.Errorf("%s: %s is %q, want %q", page, name, got, want)
		}
	}
	policy := header.Get("Content-Security-Policy")
	for _, want := range []string{"default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"} {
		if !strings.Contains(policy, want) {
			g.t.Errorf("%s: the policy lacks %s", page, want)
		}
	}
	if strings.Contains(policy, "unsafe") || strings.Contains(policy, "*") {
		g.t.Errorf("%s: the policy is %s", page, policy)
	}
	for _, c := range g.Cookies(g.asked.URL) {
		if !c.Secure || !c.HTTPOnly || c.SameSite != "Strict" || c.Domain != browsertest.Host {
			g.t.Errorf("%s: the cookie is secure %t, http-only %t, same-site %q, of %s", page, c.Secure, c.HTTPOnly, c.SameSite, c.Domain)
		}
		if !strings.HasPrefix(c.Path, "/r/") && !strings.HasPrefix(c.Name, "__Host-") {
			g.t.Errorf("%s: the cookie is sent to %s", page, c.Path)
		}
	}
}

// toldNobody fails the test where the browser has asked anybody but the server for
// anything, or has said where it came from.
func (g *guardian) toldNobody() {
	g.t.Helper()
	for _, r := range g.Requests() {
		u, err := url.Parse(r.URL)
		if err != nil {
			g.t.Fatal(err)
		}
		at := u.Scheme + "://" + u.Host
		if g.trap != "" && (at == g.trap || strings.HasPrefix(r.Referrer, g.trap)) {
			continue // to or from the page of somebody else
		}
		if u.Scheme != "data" && at != g.site.URL {
			g.t.Errorf("a request to %s", u.Host)
		}
		// Of redirects behind a page that goes on by itself the browser reports it, and doesn't
		// send it.
		if r.Referrer != "" && !strings.HasPrefix(r.Referrer, g.site.URL+console.ProviderBack) {
			g.t.Errorf("a request for a %s says where it comes from", r.Kind)
		}
	}
}

// maxWeight is what the first page may weigh with all that it needs, in bytes
// over the wire: a second on a slow phone's network.
const maxWeight = 60_000

// isLight fails the test where the browser has had to fetch more so far.
func (g *guardian) isLight() {
	g.t.Helper()
	sum := int64(0)
	for _, r := range g.Requests() {
		if r.Bytes == 0 && !strings.HasPrefix(r.URL, "data:") {
			g.t.Errorf("nobody knows what the %s weighs", r.Kind)
		}
		sum += r.Bytes
	}
	if sum > maxWeight {
		g.t.Errorf("the first page weighs %d bytes in %d requests", sum, len(g.Requests()))
	}
}
