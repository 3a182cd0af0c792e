package app_test

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"html"
	"io"
	"maps"
	"mime/multipart"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/pquerna/otp/totp"

	"wardkeep/internal/app/apptest"
	"wardkeep/internal/base/db"
	"wardkeep/internal/console"
	"wardkeep/internal/desk"
	"wardkeep/internal/evidence"
	"wardkeep/internal/inspector"
	"wardkeep/internal/signin/signintest"
	"wardkeep/internal/staff"
)

const (
	lookedFor = "parent-reports"
	lookedAt  = "nickname"
)

// A seat is a person inside, at a browser, who talks to the server as a browser does.
type seat struct {
	s       *story
	name    string // as colleagues see it
	link    string // to set up how to sign in
	door    string // where; empty: at the console's
	cookies map[string]string
}

// seated gives people inside accounts. The worker has had a key for files for a day.
func seated(t *testing.T, in *apptest.Installation) map[string]*seat {
	t.Helper()
	key, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	a, seats := in.Open(apptest.Discard()), make(map[string]*seat)
	for name, role := range map[string]staff.Role{"worker": staff.Worker, "second": staff.Worker, "manager": staff.Manager, "officer": staff.Officer, "deputy": staff.Deputy} {
		at := &seat{name: "Kanarienwart" + rand.Text(), cookies: make(map[string]string)}
		var who staff.Person
		in.Do(a, func(ctx context.Context, tx *db.Tx) error {
			g := staff.Grant{Role: role, Service: apptest.Service}
			if role.ByOffice() {
				office, err := db.One(ctx, tx, db.Single[string], `SELECT `+string(role)+` FROM service WHERE service = $1`, g.Service)
				if err != nil {
					return err
				}
				if g, err = staff.OfOffice(ctx, tx, g.Service, office); err != nil {
					return err
				}
			}
			var err error
			if who, err = staff.Add(ctx, tx, signintest.By, at.name, g); err == nil {
				at.link, _, err = a.StaffDoor().Invite(ctx, tx, signintest.By, who.ID)
			}
			return err
		})
		if name == "worker" {
			in.Pass(-staff.CoolingOff - time.Hour)
			in.Do(a, func(ctx context.Context, tx *db.Tx) error {
				_, err := staff.SetRecipient(ctx, tx, a.Ring, who, key.Recipient().String())
				return err
			})
			in.Pass(staff.CoolingOff + time.Hour)
		}
		seats[name] = at
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	return seats
}

// inside is what people inside do with canaries: they set up how to sign in, ask, decide,
// see, take away, open in an emergency, review, appoint and search. What the pages hold of
// the child is what it is called outside, and no value.
func (s *story) inside() {
	s.t.Helper()
	values, held := slices.Clone(s.canaries), len(s.canaries)
	for _, who := range s.seats {
		who.s = s
		who.setUp()
	}
	worker, second, manager, officer, deputy := s.seats["worker"], s.seats["second"], s.seats["manager"], s.seats["officer"], s.seats["deputy"]
	words := func(of string) string { return s.canary("words of "+of, text(40)) }

	asked := worker.asks("access", "support", words("a request"))
	worker.posts(asked+"/end", nil, http.StatusSeeOther)
	asked = worker.asks("access", "support", words("another request"))
	manager.posts(asked+"/decide", url.Values{"verdict": {"granted"}, "reason": {"needed"}, "words": {words("a decision")}}, http.StatusSeeOther)
	worker.looks(asked)

	file := worker.asks("exports", "authority", words("a request for a file"))
	officer.posts(file+"/decide", url.Values{"verdict": {"granted"}, "reason": {"needed"}, "words": {words("the first of two")}}, http.StatusSeeOther)
	deputy.posts(file+"/decide", url.Values{"verdict": {"granted"}, "reason": {"needed"}, "words": {words("the second of two")}}, http.StatusSeeOther)
	if sealed := worker.posts(file+"/export", nil, http.StatusOK); !strings.HasPrefix(sealed, "age-encryption.org/v1\n") {
		s.t.Error("what leaves is no sealed file")
	}

	urgent := worker.asks("urgent", "safety", words("an emergency"))
	second.posts(urgent+"/join", nil, http.StatusSeeOther)
	worker.looks(urgent)
	officer.posts(strings.Replace(urgent, "access/requests", "reviews", 1), url.Values{"finding": {"rightful"}, "words": {words("a review")}}, http.StatusSeeOther)

	const office = "/console/offices/" + apptest.Service
	officer.sends(office+"/records", map[string]string{"officer": s.in.Officer.ID, "kind": "training", "day": "2026-01-05", "title": "培训"}, "record of a training")
	deputy.posts(office+"/laydown", url.Values{"typed": {apptest.Service}}, http.StatusSeeOther)
	officer.sends(office+"/fill", map[string]string{"role": "deputy", "to": "other", "name": "王芳", "contact": "010-12345678"}, "document of an appointment")

	party := s.seats["party"]
	party.posts("/party/leaks", url.Values{"kind": {"leaked"}, "words": {words("a leak")}}, http.StatusSeeOther)
	leak, _, _ := strings.Cut(s.led, "?")
	party.posts(leak, url.Values{"words": {words("more of a leak")}}, http.StatusSeeOther)
	for _, at := range []string{leak, "/party", "/party/leaks", "/party/tasks", "/party/orders", "/party/end", "/party/account"} {
		party.gets(at)
	}

	officer.posts("/console/search", url.Values{"q": {s.fresh.Ref}}, http.StatusSeeOther, http.StatusOK)
	officer.posts("/console/search", url.Values{"q": {s.canary("search for nobody", text(24))}}, http.StatusOK)
	officer.posts("/console/ledger/child", url.Values{"service": {apptest.Service}, "ref": {s.fresh.Ref}}, http.StatusSeeOther)
	officer.posts("/console/filters", url.Values{"list": {"ledger"}, "filter": {"article=15"}, "name": {s.canary("name of a filter", text(20))}}, http.StatusSeeOther)
	s.wrongDoor()

	for _, at := range []string{asked, asked + "/view", file, urgent, "/console/access", "/console/urgent", "/console", "/console/account"} {
		worker.gets(at)
	}
	for _, at := range []string{"/console/decisions", "/console/reviews", "/console/due", "/console/ledger", "/console/board/15", "/console/people", "/console/pictures", office} {
		officer.gets(at)
	}
	s.inspects(values)
	s.misusedInside()
	s.misusedByAParty()
	if len(s.canaries) < held+40 {
		s.t.Errorf("only %d canaries inside", len(s.canaries)-held)
	}
	for _, c := range values {
		if form := c.In(s.pagesInside.Bytes()); form != "" && c.Name != "reference" {
			s.t.Errorf("a page of the console holds the %s, as %s", c.Name, form)
		}
	}
	for name, who := range s.seats {
		if form := (apptest.Canary{Value: who.name}).In(s.server.Log()); form != "" {
			s.t.Errorf("the log names the %s, as %s", name, form)
		}
	}
}

var (
	typedInside = regexp.MustCompile(`(?:[A-Z2-7]{4} ){7}[A-Z2-7]{4}`)
	codeInside  = regexp.MustCompile(`<li><code>([0-9a-z-]{29})</code>`)
)

// setUp sets up how to sign in, and signs in by it.
func (p *seat) setUp() {
	p.s.t.Helper()
	at := cmp.Or(p.door, "/console") + "/setup/" + p.s.canary("link to set up", p.link)
	secret := strings.ReplaceAll(typedInside.FindString(p.gets(at)), " ", "")
	p.s.canary("secret of an authenticator", secret)
	code, err := totp.GenerateCode(secret, time.Now())
	p.s.must(err)
	name, password := p.s.canary("name to sign in", "kanarie"+strings.ToLower(rand.Text())), p.s.canary("password", text(30))
	p.posts(at, url.Values{"name": {name}, "password": {text(30)}, "code": {"000000"}}, http.StatusUnprocessableEntity)
	codes := codeInside.FindAllStringSubmatch(p.posts(at, url.Values{"name": {name}, "password": {password}, "code": {code}}, http.StatusOK), -1)
	if len(codes) != 10 {
		p.s.t.Fatalf("%d codes to come back by", len(codes))
	}
	for _, c := range codes {
		p.s.canary("recovery code", c[1])
	}
}

// asks asks to see an item, and returns the path of the request.
func (p *seat) asks(form, reason, words string) string {
	p.s.t.Helper()
	p.posts("/console/"+form+"/new/"+apptest.Service+"/"+lookedFor, url.Values{"ref": {p.s.fresh.Ref}, "item": {lookedAt}, "reason": {reason}, "words": {words}, "minutes": {"10"}}, http.StatusSeeOther)
	path, _, _ := strings.Cut(p.s.led, "?")
	if !strings.HasPrefix(path, "/console/access/requests/") {
		p.s.t.Fatalf("asking leads to %q", path)
	}
	return path
}

func (p *seat) looks(path string) {
	p.s.t.Helper()
	r := p.request(http.MethodPost, path+"/view", strings.NewReader(url.Values{"item": {lookedAt}}.Encode()), "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Dest", "empty")
	if picture := p.does(r, http.StatusOK); !strings.HasPrefix(picture, "\x89PNG") {
		p.s.t.Error("a look brings no picture")
	}
}

func (p *seat) gets(path string) string {
	p.s.t.Helper()
	return p.does(p.request(http.MethodGet, path, nil, ""), http.StatusOK)
}

func (p *seat) posts(path string, form url.Values, want ...int) string {
	p.s.t.Helper()
	return p.does(p.request(http.MethodPost, path, strings.NewReader(form.Encode()), "application/x-www-form-urlencoded"), want...)
}

// sends sends a form with a document, which is a canary as its name is.
func (p *seat) sends(path string, values map[string]string, what string) {
	p.s.t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for name, value := range values {
		p.s.must(w.WriteField(name, value))
	}
	part, err := w.CreateFormFile("document", p.s.canary("name of the "+what, text(20))+".pdf")
	p.s.must(err)
	_, err = io.WriteString(part, "%PDF-1.7 "+p.s.canary(what, text(60)))
	p.s.must(err)
	p.s.must(w.Close())
	p.does(p.request(http.MethodPost, path, &body, w.FormDataContentType()), http.StatusSeeOther)
}

func (p *seat) request(method, path string, body io.Reader, kind string) *http.Request {
	p.s.t.Helper()
	r, err := http.NewRequestWithContext(p.s.t.Context(), method, p.s.server.Base+path, body)
	p.s.must(err)
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	for name, value := range p.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	return r
}

// does sends a request, keeps what it is answered with, and returns the body.
func (p *seat) does(r *http.Request, want ...int) string {
	p.s.t.Helper()
	a, err := p.s.client.HTTP.Do(r)
	p.s.must(err)
	defer a.Body.Close()
	body, err := io.ReadAll(a.Body)
	p.s.must(err)
	if len(want) > 0 && !slices.Contains(want, a.StatusCode) {
		p.s.t.Fatalf("%s %s as %s: %d, want %d", r.Method, r.URL.Path, p.name, a.StatusCode, want)
	}
	if a.StatusCode >= http.StatusInternalServerError {
		p.s.t.Errorf("%s %s: %d", r.Method, r.URL.Path, a.StatusCode)
	}
	for _, c := range a.Cookies() {
		if c.Value != "" && c.MaxAge >= 0 {
			p.cookies[c.Name] = p.s.canary("cookie of the console", c.Value)
		}
	}
	p.s.led = a.Header.Get("Location")
	p.s.pagesInside.WriteString(html.UnescapeString(string(body)))
	return string(body)
}

// wrongDoor is somebody who guesses, outside and in a session of somebody else's.
func (s *story) wrongDoor() {
	s.t.Helper()
	form := url.Values{"name": {s.canary("name that nobody has", text(20))}, "password": {s.canary("wrong password", text(30))}, "code": {s.canary("wrong code", text(12))}}
	for path, p := range map[string]*seat{"/console/in": {s: s, cookies: make(map[string]string)}, "/console/again": s.seats["worker"]} {
		p.posts(path, form, http.StatusForbidden, http.StatusUnauthorized, http.StatusUnprocessableEntity)
	}
}

// misusedInside sends canaries where they don't belong, to every route of the console.
func (s *story) misusedInside() {
	s.t.Helper()
	plain, chinese := s.canary("misplaced text inside", "Kanarienhof"+rand.Text()), s.canary("misplaced Chinese text inside", text(24))
	form := url.Values{plain: {chinese}}
	for _, name := range []string{"ref", "item", "reason", "words", "minutes", "verdict", "finding", "name", "role", "service", "contact", "typed", "title", "day", "kind", "officer", "q", "list", "filter", "to", "hash", "against", "checkpoint", "recipient", "session", "passkey", "answer", "scope", "url", "types", "party", "until", "event", "overlap", "channel", "logout_token"} {
		form.Set(name, plain)
	}
	for _, route := range console.Routes() {
		method, path, _ := strings.Cut(route.Pattern, " ")
		if strings.HasSuffix(path, "/out") || strings.HasSuffix(path, "/laydown") || strings.HasSuffix(path, "/contact") || strings.HasPrefix(path, "/console/in") || strings.HasPrefix(path, "/console/again") {
			continue // it would end the visit, publish what it is sent, or take half a second each time
		}
		real := strings.NewReplacer("{service}", apptest.Service, "{purpose}", lookedFor, "{version}", "1", "{article}", "15", "{picture}", "consents", "{place}", "1", "{rest...}", "jobs")
		for _, fill := range []*strings.Replacer{real, strings.NewReplacer("{service}", plain, "{purpose}", plain, "{version}", plain, "{article}", plain, "{picture}", plain, "{place}", plain, "{rest...}", plain)} {
			at := inBraces.ReplaceAllLiteralString(fill.Replace(path), plain)
			for _, p := range []*seat{s.seats["officer"], s.seats["worker"]} {
				r := p.request(method, at+"?"+url.Values{plain: {chinese}, "from": {plain}, "actor": {plain}}.Encode(), nil, "")
				if method == http.MethodPost {
					r = p.request(method, at, strings.NewReader(form.Encode()), "application/x-www-form-urlencoded")
				}
				r.Header.Set("Referer", "https://"+plain+".example/")
				kept := maps.Clone(p.cookies)
				p.does(r)
				p.cookies = kept
			}
		}
	}
}

// misusedByAParty does so to every route of the desk.
func (s *story) misusedByAParty() {
	s.t.Helper()
	plain, chinese := s.canary("misplaced text of a party", "Kanarienbauer"+rand.Text()), s.canary("misplaced Chinese text of a party", text(24))
	form, p := url.Values{plain: {chinese}}, s.seats["party"]
	for _, name := range []string{"kind", "suspected", "item", "children", "began", "noticed", "words", "answer", "document", "session", "passkey", "to"} {
		form.Set(name, plain)
	}
	for _, route := range desk.Routes() {
		method, path, _ := strings.Cut(route, " ")
		if strings.HasSuffix(path, "/out") || strings.HasPrefix(path, "/party/in") {
			continue // it would end the visit, or take half a second each time
		}
		for _, kind := range []string{"application/x-www-form-urlencoded", "multipart/form-data; boundary=" + plain} {
			at := inBraces.ReplaceAllLiteralString(path, plain)
			r := p.request(method, at+"?"+url.Values{plain: {chinese}, "from": {plain}, "lang": {plain}}.Encode(), nil, "")
			if method == http.MethodPost {
				r = p.request(method, at, strings.NewReader(form.Encode()), kind)
			}
			kept := maps.Clone(p.cookies)
			p.does(r)
			p.cookies = kept
		}
	}
}

var (
	linkOfInspector = regexp.MustCompile(`/inspector/in/([0-9a-z]{52})`)
	codeOfInspector = regexp.MustCompile(`<code class="link">([0-9A-Z]{4}-[0-9A-Z]{4})</code>`)
	aSample         = regexp.MustCompile(`/inspector/samples/su_[0-9a-z]{26}`)
)

// inspects has somebody of an authority look at all that there is, and try what there isn't. No page
// has anything of a family, nor what an app calls a child (Article 22).
func (s *story) inspects(family []apptest.Canary) {
	s.t.Helper()
	form := url.Values{"service": {apptest.Service}, "days": {"3"}}
	for _, field := range []string{"inspector", "authority", "provision", "document"} {
		form.Set(field, s.canary(field+" of an inspection", text(20)))
	}
	shown := s.seats["officer"].posts("/console/inspections/new", form, http.StatusOK)
	link, code := linkOfInspector.FindStringSubmatch(shown), codeOfInspector.FindStringSubmatch(shown)
	if link == nil || code == nil {
		s.t.Fatalf("nobody is invited: %s", shown)
	}
	s.canary("link of an inspector", link[1])
	s.canary("code of an inspector", code[1])
	p := &seat{s: s, name: "an inspector", cookies: make(map[string]string)}
	p.posts(link[0], url.Values{"code": {s.canary("no code of an inspector", text(12))}}, http.StatusForbidden)
	p.posts(link[0], url.Values{"code": {code[1]}}, http.StatusSeeOther)
	pages, seen := p.gets("/inspector")+p.gets("/inspector/bundle"), make(map[string]bool)
	for article := 1; article <= 29; article++ { // each register once: nobody reads more than 60 pages a minute
		at, fresh := "/inspector/articles/"+strconv.Itoa(article), false
		for _, register := range evidence.Registers(article) {
			if !seen[register] {
				pages += p.gets(at + "/" + register)
				seen[register], fresh = true, true
			}
		}
		if fresh {
			pages += p.gets(at)
		}
	}
	samples := p.gets("/inspector/samples")
	found := aSample.FindAllString(samples, -1)
	if len(found) == 0 {
		s.t.Error("nobody is drawn")
	}
	for _, at := range found {
		pages += p.gets(at)
	}
	for _, c := range family {
		if form := c.In([]byte(pages + samples)); form != "" {
			s.t.Errorf("a page of an inspector holds the %s, as %s", c.Name, form)
		}
	}
	plain, chinese := s.canary("misplaced text of an inspector", "Kanarienrat"+rand.Text()), s.canary("misplaced Chinese text of an inspector", text(24))
	for _, route := range inspector.Routes() {
		method, path, _ := strings.Cut(route, " ")
		if strings.HasSuffix(path, "/out") {
			continue // it would end the visit
		}
		r := p.request(method, inBraces.ReplaceAllLiteralString(path, plain)+"?"+url.Values{plain: {chinese}, "lang": {plain}}.Encode(), nil, "")
		if method == http.MethodPost {
			r = p.request(method, inBraces.ReplaceAllLiteralString(path, plain), strings.NewReader(url.Values{"code": {plain}, plain: {chinese}}.Encode()), "application/x-www-form-urlencoded")
		}
		p.does(r)
	}
	p.posts("/inspector/out", nil, http.StatusSeeOther)
}

var inBraces = regexp.MustCompile(`\{[a-z.]+\}`)
