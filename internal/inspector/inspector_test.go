package inspector_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/base/id"
	"wardkeep/internal/catalog"
	"wardkeep/internal/evidence"
	"wardkeep/internal/inspection"
	"wardkeep/internal/inspector"
	"wardkeep/internal/ledger"
	"wardkeep/internal/replay"
	"wardkeep/internal/staff"
	"wardkeep/internal/vault/vaulttest"
)

const (
	site = "https://wardkeep.example"
	kept = "__Host-wardkeep_inspector"
)

// A portal is a world with the pages of inspectors, and an officer who invites.
type portal struct {
	*vaulttest.World
	pages   http.Handler
	officer staff.Person
	log     *ledger.Log
	lines   *strings.Builder
}

func each(t *testing.T, fn func(t *testing.T, p *portal)) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		signer, _, err := ledger.NewSigner("wardkeep.test", make([]byte, 32))
		if err != nil {
			t.Fatal(err)
		}
		p := &portal{World: w, log: ledger.Open(w.Store, "wardkeep.test", signer), lines: new(strings.Builder)}
		s := &inspector.Server{Store: w.Store, Ring: w.Ring, Charters: w.Desk.Charters, Patience: time.Hour, LedgerKey: "wardkeep.test+key", URL: site,
			Log: slog.New(slog.NewTextHandler(p.lines, nil))}
		p.pages = s.Handler()
		p.Do(func(ctx context.Context, tx *db.Tx) error {
			g, err := staff.OfOffice(ctx, tx, vaulttest.Service, w.Officer.ID)
			if err == nil {
				p.officer, err = staff.Add(ctx, tx, catalog.Operator{ID: "test"}, "林静", g)
			}
			return err
		})
		fn(t, p)
		if err := p.log.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		report, err := replay.Audit(t.Context(), w.Store, w.Ring, catalog.NewCache(4), replay.Options{})
		if err != nil || !report.OK() {
			t.Errorf("%v, %v", report.Differences, err)
		}
	})
}

func (p *portal) invite(days int, articles ...int) (i inspection.Invitation, keys inspection.Keys) {
	p.T.Helper()
	p.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		i, keys, err = inspection.Invite(ctx, tx, p.Ring, staff.Acting{Person: p.officer, Action: staff.InviteInspectors}, vaulttest.Service,
			inspection.Scope{Articles: articles}, days, inspection.NewText("赵督", "某市网信办", "第二十二条", "网信检〔2026〕3号"))
		return err
	})
	return i, keys
}

// looks are the pages of an invitation that are on record, the first first.
func (p *portal) looks(i inspection.Invitation) (pages []string) {
	p.T.Helper()
	p.Do(func(ctx context.Context, tx *db.Tx) error {
		all, err := inspection.LooksOf(ctx, tx, i, 0, 1000)
		pages = nil
		for _, l := range slices.Backward(all) {
			pages = append(pages, string(l.Page))
		}
		return err
	})
	return pages
}

// A browser holds the cookie, and follows nothing by itself.
type browser struct {
	p      *portal
	secret string
	header http.Header
}

func (p *portal) browser() *browser { return &browser{p: p, header: http.Header{}} }

func (b *browser) do(method, path string, body io.Reader) *httptest.ResponseRecorder {
	b.p.T.Helper()
	r := httptest.NewRequest(method, site+path, body)
	r.RemoteAddr = "127.0.0.1:1"
	if body != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for name, values := range b.header {
		r.Header[name] = values
	}
	if b.secret != "" {
		r.AddCookie(&http.Cookie{Name: kept, Value: b.secret})
	}
	w := httptest.NewRecorder()
	b.p.pages.ServeHTTP(w, r)
	for _, k := range w.Result().Cookies() {
		if k.Name != kept || !k.Secure || !k.HttpOnly || k.SameSite != http.SameSiteStrictMode {
			b.p.T.Errorf("the cookie %s is not kept as it should be", k.Name)
		}
		if b.secret = k.Value; k.MaxAge < 0 {
			b.secret = ""
		}
	}
	if h := w.Header(); h.Get("Cache-Control") != "no-store" || h.Get("Content-Security-Policy") == "" {
		b.p.T.Errorf("%s: %v", path, h)
	}
	return w
}

func (b *browser) get(path string) *httptest.ResponseRecorder { return b.do("GET", path, nil) }

func (b *browser) post(path string, pairs ...string) *httptest.ResponseRecorder {
	form := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	return b.do("POST", path, strings.NewReader(form.Encode()))
}

func (b *browser) enters(keys inspection.Keys) *browser {
	b.p.T.Helper()
	if w := b.post("/inspector/in/"+keys.Link, "code", keys.Code); w.Code != 303 || b.secret == "" {
		b.p.T.Fatalf("in: %d %s", w.Code, w.Body)
	}
	return b
}

func leads(w *httptest.ResponseRecorder) string {
	path, _, _ := strings.Cut(w.Header().Get("Location"), "?")
	return path
}

var drawn = regexp.MustCompile(`/inspector/samples/su_[0-9a-z]{26}`)

// Article 22: an inspector comes in by a link and a code, sees the articles of the invitation with their
// numbers, the registers behind them and the samples, each page with its mark and on record; and nothing
// of what a child or a guardian has told.
func TestArticle22_AnInspectorLooksAtEvidence(t *testing.T) {
	each(t, func(t *testing.T, p *portal) {
		c := p.Child()
		p.Put(c, "course-progress", "nickname", "小安")
		i, keys := p.invite(3, 9, 15, 22)
		b := p.browser()
		if w := b.get("/inspector/in/" + keys.Link); w.Code != 200 || !strings.Contains(w.Body.String(), i.Number()) || strings.Contains(w.Body.String(), "赵督") {
			t.Fatalf("the door: %d %s", w.Code, w.Body)
		}
		if w := b.post("/inspector/in/"+keys.Link, "code", "0000-0000"); w.Code != 403 || !strings.Contains(w.Body.String(), i18n.Chinese.T("inspection.code_wrong")) {
			t.Errorf("a wrong code: %d", w.Code)
		}
		b.enters(keys)
		sample := drawn.FindString(b.get("/inspector/samples").Body.String())
		if !strings.HasSuffix(sample, c.Subject) {
			t.Fatalf("drawn was %q, not %s", sample, c.Subject)
		}
		paths := map[string][]string{ // in the order of their looks, and what must be on each
			"/inspector":                       {"赵督", "某市网信办", "网信检〔2026〕3号", "/inspector/articles/15"},
			"/inspector/articles/15":           {"/inspector/articles/15/approvals"},
			"/inspector/articles/9":            {"/inspector/articles/9/consents", "/inspector/samples"},
			"/inspector/articles/9/consents":   {c.Subject, "course-progress"},
			"/inspector/articles/9/documents":  {"notice"},
			"/inspector/articles/15/approvals": {},
			"/inspector/articles/22/audits":    {},
			"/inspector/samples":               {sample},
			sample:                             {c.Subject, "course-progress"},
			"/inspector/bundle":                {"wardkeep evidence --to evidence.zip --service " + vaulttest.Service + " --article 9 --article 15 --article 22", "wardkeep.test"},
		}
		marks := regexp.MustCompile(`赵督  \d{4}-\d\d-\d\d \d\d:\d\d:\d\d  ` + i.Number() + `/\d+`)
		for path, has := range paths {
			for _, lang := range []string{"zh-CN", "en"} {
				before := len(p.looks(i))
				w := b.get(path + "?lang=" + lang)
				body := w.Body.String()
				if w.Code != 200 || !marks.MatchString(body) || !strings.Contains(body, `class="marks" src="data:image/svg`) {
					t.Fatalf("%s: %d %s", path, w.Code, body)
				}
				for _, one := range has {
					if !strings.Contains(body, one) {
						t.Errorf("%s lacks %q: %s", path, one, body)
					}
				}
				for _, secret := range []string{"小安", "13800", "gu_", "ch_", string(c.ID), keys.Link, keys.Code, "inspector.", "console.board"} {
					if strings.Contains(strings.ReplaceAll(body, "/inspector.css", ""), secret) {
						t.Errorf("%s has %q", path, secret)
					}
				}
				if strings.Count(body, "<form") != 1 || !strings.Contains(body, `action="/inspector/out?`) {
					t.Errorf("%s has a form that changes something", path)
				}
				if len(p.looks(i)) != before+1 {
					t.Errorf("%s isn't on record", path)
				}
			}
		}
		if w := b.post("/inspector/out"); leads(w) != "/inspector/in" || b.secret != "" {
			t.Errorf("out: %d", w.Code)
		}
		if lines := p.lines.String(); strings.Contains(lines, keys.Link) || strings.Contains(lines, "赵督") || strings.Contains(lines, c.Subject) || !strings.Contains(lines, "actor=inspection") {
			t.Error("the log names somebody, or holds a secret")
		}
	})
}

// What isn't in the invitation isn't there, whoever asks, and isn't on record; who is out, has ended, or
// is another's inspector reads so in words and sees nothing.
func TestArticle22_NothingIsShownOutsideOfTheInvitation(t *testing.T) {
	each(t, func(t *testing.T, p *portal) {
		c := p.Child()
		i, keys := p.invite(3, 15)
		wide, its := p.invite(1)
		narrow, all := p.browser().enters(keys), p.browser().enters(its)
		child := "/inspector/samples/" + c.Subject
		for _, path := range []string{"/inspector/articles/9", "/inspector/articles/9/consents", "/inspector/articles/15/consents", "/inspector/articles/15/王小明", "/inspector/articles/015",
			"/inspector/articles/30", "/inspector/articles/x", "/inspector/samples", child, "/inspector/x", "/inspector/articles"} {
			if w := narrow.get(path); w.Code != 404 || strings.Contains(w.Body.String(), c.Subject) {
				t.Errorf("%s: %d", path, w.Code)
			}
		}
		for _, path := range []string{"/inspector/samples/" + id.New(id.Subject), "/inspector/samples/" + string(c.ID), "/inspector/articles/9/approvals", "/inspector/articles/0"} {
			if w := all.get(path); w.Code != 404 {
				t.Errorf("%s: %d", path, w.Code)
			}
		}
		if n := len(p.looks(i)) + len(p.looks(wide)); n != 0 {
			t.Errorf("%d looks at what isn't there are on record", n)
		}
		if w := all.get(child); w.Code != 200 {
			t.Errorf("a sample: %d", w.Code)
		}
		// A child whose information was erased is no sample any more.
		p.Do(func(ctx context.Context, tx *db.Tx) error {
			some, err := evidence.Drawn(ctx, tx, vaulttest.Service, "x", 5)
			if !slices.Equal(some, []string{c.Subject}) {
				t.Errorf("drawn was %v", some)
			}
			if none, err := evidence.Drawn(ctx, tx, "another", "x", 5); len(none) != 0 || err != nil {
				t.Errorf("of another service: %v, %v", none, err)
			}
			return err
		})
		// Of more than are drawn it is the one behind the point that the seed gives.
		second, _ := p.Enrol()
		subjects := []string{c.Subject, second.Subject}
		slices.Sort(subjects)
		p.Do(func(ctx context.Context, tx *db.Tx) error {
			for seed := range 16 {
				sum := sha256.Sum256([]byte(strconv.Itoa(seed) + " 0"))
				at, _ := slices.BinarySearch(subjects, "su_"+id.Text(sum[:16]))
				some, err := evidence.Drawn(ctx, tx, vaulttest.Service, strconv.Itoa(seed), 1)
				if err != nil {
					return err
				}
				if want := subjects[at%2]; !slices.Equal(some, []string{want}) {
					t.Errorf("drawn by %d was %v of %v, want %s", seed, some, subjects, want)
				}
			}
			return nil
		})

		// As nobody, by a forged cookie, by another site: to the door, and no page.
		for _, secret := range []string{"", strings.Repeat("0", 52), keys.Link} {
			b := p.browser()
			b.secret = secret
			for _, pattern := range inspector.Routes() {
				method, path, _ := strings.Cut(pattern, " ")
				if strings.HasPrefix(path, "/inspector/in") {
					continue
				}
				path = strings.NewReplacer("{article}", "15", "{register}", "approvals", "{sample}", c.Subject).Replace(path)
				if w := b.do(method, path, nil); leads(w) != "/inspector/in" {
					t.Errorf("%s as %q: %d", pattern, secret, w.Code)
				}
			}
		}
		narrow.header.Set("Sec-Fetch-Site", "cross-site")
		if w := narrow.post("/inspector/out"); w.Code != 403 || narrow.secret == "" {
			t.Errorf("a form of another site: %d", w.Code)
		}
		narrow.header.Del("Sec-Fetch-Site")
		if w := narrow.post("/inspector/in/"+keys.Link, "code", "x\xff"); w.Code != 422 {
			t.Errorf("no text: %d", w.Code)
		}
		if w := narrow.get("/inspector/in/" + strings.Repeat("0", 52)); w.Code != 404 || !strings.Contains(w.Body.String(), i18n.Chinese.T("inspection.link")) {
			t.Errorf("a link that is none: %d", w.Code)
		}
		if w := narrow.post("/inspector/in/"+keys.Link, "code", keys.Code); w.Code != 409 {
			t.Errorf("a code that was used: %d", w.Code)
		}

		// Ended by the office, and over by its time: a page in words, by the link as by the cookie.
		p.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := inspection.End(ctx, tx, p.Ring, staff.Acting{Person: p.officer, Action: staff.ReceiveInspectors}, vaulttest.Service, i.ID)
			return err
		})
		p.Pass(24 * time.Hour)
		for words, b := range map[string]*browser{"inspection.ended": narrow, "inspection.over": all} {
			link := map[*browser]string{narrow: keys.Link, all: its.Link}[b]
			for _, path := range []string{"/inspector", "/inspector/articles/15", "/inspector/in/" + link} {
				if w := b.get(path); w.Code != 410 || !strings.Contains(w.Body.String(), i18n.Chinese.T(words)) || strings.Contains(w.Body.String(), "赵督") {
					t.Errorf("%s, %s: %d", words, path, w.Code)
				}
			}
		}
		if pages := p.looks(i); len(pages) != 0 {
			t.Errorf("%v are on record", pages)
		}
	})
}

// Invariant 2: where it can't be recorded that a page is looked at, it isn't shown.
func TestInvariant2_AnInspectorsLookIsRecordedBeforeThePage(t *testing.T) {
	each(t, func(t *testing.T, p *portal) {
		i, keys := p.invite(3)
		b := p.browser().enters(keys)
		p.Do(func(ctx context.Context, tx *db.Tx) error { // the next one has its number already
			_, err := tx.Exec(ctx, `INSERT INTO inspection_look (inspection, number, looked_at, page, article, about) VALUES ($1, 1, 0, 'matrix', 0, '')`, i.ID)
			return err
		})
		for _, path := range []string{"/inspector", "/inspector/articles/15", "/inspector/samples", "/inspector/bundle"} {
			if w := b.get(path); w.Code != 500 || strings.Contains(w.Body.String(), "赵督") || strings.Contains(w.Body.String(), `class="marks"`) {
				t.Errorf("%s: %d", path, w.Code)
			}
		}
		p.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := tx.Exec(ctx, `DELETE FROM inspection_look WHERE looked_at = 0`)
			return err
		})
		if w := b.get("/inspector"); w.Code != 200 {
			t.Errorf("afterwards: %d", w.Code)
		}
	})
}

// A page of a register has what an archive states of the service, the latest first: of no other
// service, however much that has, and no more than somebody reads.
func TestArticle22_ARegisterShowsOneService(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		c := w.Child()
		w.Put(c, "course-progress", "nickname", "小安")
		undone := errors.New("undone")
		err := w.Try(func(ctx context.Context, tx *db.Tx) error {
			for article := 1; article <= 29; article++ {
				for _, name := range evidence.Registers(article) {
					r, err := evidence.RegisterOf(name)
					var want int
					if err == nil {
						of := slices.Index(r.Columns, "service")
						err = r.Each(ctx, tx, func(cells []string) error {
							if cells[of] == vaulttest.Service {
								want++
							}
							return nil
						})
					}
					is, err2 := evidence.Rows(ctx, tx, name, vaulttest.Service, evidence.Scope{})
					none, err3 := evidence.Rows(ctx, tx, name, "another", evidence.Scope{})
					if err := errors.Join(err, err2, err3); err != nil {
						return err
					}
					if len(is.Rows) != want || is.More || len(none.Rows) != 0 || none.More {
						t.Errorf("%s: %d rows of %d, and %d of another service", name, len(is.Rows), want, len(none.Rows))
					}
				}
			}
			const many = 2001
			for n := range many {
				day := int64(10_000 + n*7%many) // in no order
				if _, err := tx.Exec(ctx, `INSERT INTO tally (service, what, day, purpose, actor, detail, n) VALUES ('another', 'x', $1, '', '', '', 1)`, day); err != nil {
					return err
				}
			}
			s, err := evidence.Rows(ctx, tx, "days", "another", evidence.Scope{})
			if err != nil {
				return err
			}
			for i, cells := range s.Rows {
				if want := strconv.Itoa(10_000 + many - 1 - i); cells[2] != want {
					t.Fatalf("row %d is of day %s, not %s", i, cells[2], want)
				}
			}
			if len(s.Rows) != 500 || !s.More {
				t.Errorf("%d rows, more: %v", len(s.Rows), s.More)
			}
			return undone
		})
		if !errors.Is(err, undone) {
			t.Error(err)
		}
	})
}
