package app_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	wardkeep "wardkeep/client"
	"wardkeep/internal/app/apptest"
	"wardkeep/internal/base/db"
	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/notify"
	"wardkeep/internal/staff"
	"wardkeep/internal/stream"
	"wardkeep/internal/vault/vaulttest"
	"wardkeep/internal/webhook"
)

// Invariant 9: canaries in every item, name, contact, reference and secret, of
// families and of persons inside, in what these write and upload, sent rightly and
// wrongly to every route, are found nowhere in plain: not in the files of the store,
// not in any table, jobs included, not in the ledger, not in the log, not in a
// refusal.
func TestInvariant9_CanariesAreFoundNowhere(t *testing.T) {
	apptest.Each(t, func(t *testing.T, in *apptest.Installation) {
		s := newStory(t, in)
		s.live()
		s.reports()
		s.inside()
		s.attack()
		s.brokenGateway()
		s.rawRequests()
		s.hook.await(t, s.child, consent.KindWithdrawn)
		s.hook.await(t, s.gone, family.KindErased)
		s.search("running")
		s.server.Kill()
		s.search("killed")
		if s.tap.refused.Len() < 100_000 || s.tap.statuses[http.StatusOK] < 40 {
			t.Errorf("the story is too short: %v", s.tap.statuses)
		}
		t.Logf("%d canaries, answers by status: %v", len(s.canaries), s.tap.statuses)
	})
}

// A story is a server that is used and misused, with canaries.
type story struct {
	t        *testing.T
	in       *apptest.Installation
	server   *apptest.Process
	tap      *tap
	client   *wardkeep.Client
	hook     *hook // takes all but erasures: those wait
	canaries []apptest.Canary

	fresh   wardkeep.NewChild
	child   string
	gone    string // a child that is erased
	request wardkeep.ConsentRequest
	proof   string
	sealed  map[string]string

	seats       map[string]*seat // of the persons inside
	pagesInside bytes.Buffer     // what they were answered with
	led         string           // where the last answer led one of them

	slots chan struct{} // for requests on their way
	fired sync.WaitGroup
}

func newStory(t *testing.T, in *apptest.Installation) *story {
	path := "/" + rand.Text()
	hook := hooked(t, in, path)
	hook.refuse = func(e wardkeep.Event) bool { return e.Type == family.KindErased }
	seats := seated(t, in)
	seats["party"] = engaged(t, in, hook.URL, seats["officer"].name)
	s := &story{t: t, in: in, hook: hook, seats: seats, server: in.Start().Await(), tap: &tap{statuses: make(map[int]int)}, slots: make(chan struct{}, 8)}
	s.client = in.Client(s.server.Base)
	s.client.HTTP = &http.Client{Transport: s.tap, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	s.canary("app key", in.Key)
	s.canary("address of a webhook", path)
	s.canary("secret of a webhook", hook.secret)
	return s
}

// engaged has a processor that can't ask, and listens to nothing at the moment: what is pushed to
// it waits. A person of it is invited.
func engaged(t *testing.T, in *apptest.Installation, url, officer string) *seat {
	t.Helper()
	at := &seat{name: "Kanarienfreund" + rand.Text(), door: "/party", cookies: make(map[string]string)}
	a := in.Open(apptest.Discard())
	w := &vaulttest.World{T: t, Store: a.Store, Officer: in.Officer, Charter: in.Charter}
	w.Engage(a.Store.Now().Add(100 * 24 * time.Hour))
	w.BindSeal(vaulttest.ProcessorID())
	to, err := webhook.ParseAddress(url+"/bundles", a.Allowed())
	if err != nil {
		t.Fatal(err)
	}
	in.Do(a, func(ctx context.Context, tx *db.Tx) error {
		by := catalog.Operator{ID: "test"}
		e, _, _, err := webhook.Add(ctx, tx, a.Ring, by, apptest.Service, to, nil, vaulttest.Processor)
		if err == nil {
			_, err = webhook.Pause(ctx, tx, by, apptest.Service, e.ID)
		}
		if err != nil {
			return err
		}
		invites, err := staff.Called(ctx, tx, officer)
		if err == nil {
			at.link, _, err = a.PartyDoor().Seat(ctx, tx, invites[0], vaulttest.ProcessorID(), at.name)
		}
		return err
	})
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	return at
}

// canary remembers a value that must not show, and returns it.
func (s *story) canary(name, value string) string {
	s.canaries = append(s.canaries, apptest.Canary{Name: name, Value: value})
	return value
}

func (s *story) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// text is a canary of n characters of which some are Chinese.
func text(n int) string { return "金丝雀" + (rand.Text() + rand.Text() + rand.Text())[:n-3] }

// live is the story as it should be: a child is registered, its guardian asked
// and verified, every item collected, read and sealed.
func (s *story) live() {
	ctx := s.t.Context()
	s.fresh = wardkeep.NewChild{
		Ref: s.canary("reference", text(30)), BirthDate: s.canary("birth date of the child", "2017-02-13"),
		Guardian: wardkeep.GuardianContact{
			Name:  s.canary("guardian's name", text(12)),
			Phone: s.canary("guardian's phone", apptest.NewPhoneNumber()),
			Email: s.canary("guardian's e-mail", strings.ToLower(rand.Text())+"@canary.example"), Relation: "parent",
		},
	}
	child, err := s.client.Register(ctx, s.fresh)
	s.must(err)
	s.child = child.ID
	s.request, err = s.client.Ask(wardkeep.WithIdempotencyKey(ctx, s.canary("idempotency key", rand.Text())), wardkeep.Asking{
		Child: wardkeep.Ref(s.fresh.Ref), Channel: "sms", Locale: "zh-CN", ExternalPayload: s.canary("payload", text(40)),
		ReturnURL: s.canary("return address", "https://app.xiaoxi-english.example/"+rand.Text()), Nickname: s.canary("nickname", text(10)),
	})
	s.must(err)
	_, ask, _ := strings.Cut(s.request.AskURL, "/ask/")
	s.canary("secret of the page for the child's device", ask)
	s.canary("link", apptest.Token(s.request))
	s.canary("short code", s.request.Code)
	s.answer(ctx)
	s.values(ctx)
	s.copy()
	gone := apptest.NewChild()
	gone.Ref = s.canary("reference of an erased child", text(20))
	erased, err := s.client.Register(ctx, gone)
	s.must(err)
	s.gone = erased.ID
	_, err = s.client.Erase(ctx, s.gone)
	s.must(err)
}

func (s *story) answer(ctx context.Context) {
	g := s.in.Guardian(s.server.Base, s.request).With(s.client)
	shown, err := g.Open(ctx, "")
	s.must(err)
	_, err = g.SendCode(ctx)
	s.must(err)
	v, err := g.Verify(ctx, s.in.Phone.Code(s.fresh.Guardian.Phone))
	s.must(err)
	s.canary("proof", v.Proof)
	answers := make(map[string]bool)
	for _, p := range shown.Purposes {
		answers[p] = true
	}
	_, err = g.Answer(ctx, wardkeep.GuardianAnswer{Proof: v.Proof, Answers: answers, NoticeHash: shown.NoticeHash, Lang: shown.Lang})
	s.must(err)
	_, err = g.SendCode(ctx)
	s.must(err)
	v, err = g.Verify(ctx, s.in.Phone.Code(s.fresh.Guardian.Phone))
	s.must(err)
	s.proof = s.canary("second proof", v.Proof)
}

// values collects, reads, seals and opens a canary of every item for every
// purpose, as its kind wants it, and has other uses denied.
func (s *story) values(ctx context.Context) {
	for _, p := range s.in.Charter.Purposes {
		values := make(map[string]string)
		for _, name := range p.Items {
			item, _ := s.in.Charter.Item(name)
			values[name] = s.item(p.Name+" "+name, item)
		}
		_, err := s.client.Collect(ctx, s.child, "", wardkeep.Collection{Purpose: p.Name, Values: values})
		s.must(err)
		got, err := s.client.Read(ctx, s.child, wardkeep.Reading{Purpose: p.Name, Items: p.Items})
		s.must(err)
		if !maps.Equal(got.Values, values) {
			s.t.Fatalf("%s: what was collected isn't what is read", p.Name)
		}
		batch := wardkeep.Batch{Purpose: p.Name, Children: []wardkeep.ChildValues{{Child: s.child, Values: values}}}
		sealed, err := s.client.Seal(ctx, batch)
		s.must(err)
		s.sealed = sealed[0].Values
		batch.Children[0].Values = s.sealed
		opened, err := s.client.Open(ctx, batch)
		s.must(err)
		if !maps.Equal(opened[0].Values, values) {
			s.t.Fatalf("%s: what was sealed isn't what is opened: %v", p.Name, opened[0].Problem)
		}
	}
	_, err := s.client.Push(ctx, s.child, wardkeep.Push{Role: "processor", Party: vaulttest.Processor, Purpose: "speaking-practice", Items: []string{"gender", "voice"}})
	s.must(err)
	g := s.in.Guardian(s.server.Base, s.request).With(s.client)
	_, err = g.Withdraw(ctx, wardkeep.Withdrawal{Proof: s.proof, Purpose: "safety-audit"})
	s.must(err)
	if _, err = s.client.Read(ctx, s.child, wardkeep.Reading{Purpose: "safety-audit", Items: []string{"device_id"}}); err == nil {
		s.t.Error("read after the withdrawal")
	}
}

var (
	homeOfTie  = regexp.MustCompile(`/home/gu_[0-9a-z]{26}`)
	hiddenCopy = regexp.MustCompile(`name="(request|code|part)" value="((?:rr_|[0-9A-Z]{4}-|\d)[^"]*)"`)
)

// copy has the guardian take a copy of everything away. The file leaves with every
// value, and none of it in plain; its code is a canary of its own.
func (s *story) copy() {
	s.t.Helper()
	jar, err := cookiejar.New(nil)
	s.must(err)
	browser := &http.Client{Jar: jar}
	send := func(path string, form url.Values) string {
		s.t.Helper()
		a, err := browser.PostForm(s.server.Base+path, form)
		s.must(err)
		defer a.Body.Close()
		body, err := io.ReadAll(a.Body)
		s.must(err)
		if a.StatusCode != http.StatusOK {
			s.t.Fatalf("%s: %d", path, a.StatusCode)
		}
		return string(body)
	}
	send("/home/code", url.Values{"contact": {s.fresh.Guardian.Phone}})
	home := homeOfTie.FindString(send("/home/enter", url.Values{"code": {s.homeCode()}}))
	fields := func(page string) url.Values {
		form := make(url.Values)
		for _, m := range hiddenCopy.FindAllStringSubmatch(page, -1) {
			form.Set(m[1], m[2])
		}
		return form
	}
	form := fields(send(home+"/copy", fields(send(home+"/demand", url.Values{"kind": {"copy"}}))))
	s.canary("code of a copy", form.Get("code"))
	s.canary("code of a copy, typed", strings.ReplaceAll(form.Get("code"), "-", ""))
	file := send(home+"/copy/file", form)
	if len(file) < 8_000 {
		s.t.Errorf("the copy has %d bytes", len(file))
	}
	for _, c := range s.canaries {
		if form := c.In([]byte(file)); form != "" {
			s.t.Errorf("the copy holds the %s, as %s", c.Name, form)
		}
	}
}

// homeCode waits for the code to sign in, which comes after the page.
func (s *story) homeCode() string {
	s.t.Helper()
	for range 1000 {
		if text, _ := s.in.Phone.Received(s.fresh.Guardian.Phone, notify.KindHomeCode); text != "" {
			return sixDigits.FindString(text)
		}
		time.Sleep(10 * time.Millisecond)
	}
	s.t.Fatal("no code to sign in has come")
	return ""
}

// item returns a canary that the item takes. The values of a choice are in the
// charter, which is public: there can be no canary among them.
func (s *story) item(name string, item charter.Item) string {
	switch item.Kind {
	case charter.OneOf:
		return item.Choices[len(item.Choices)-1].Value
	case charter.Phone:
		return s.canary(name, apptest.NewPhoneNumber())
	case charter.Email:
		return s.canary(name, strings.ToLower(rand.Text())+"@canary.example")
	case charter.Date:
		return s.canary(name, "2018-11-23")
	case charter.Number:
		return s.canary(name, fmt.Sprintf("%d.%06d", 11+pick(80), 100_000+pick(900_000)))
	case charter.Audio:
		sound := make([]byte, 48)
		rand.Read(sound)
		s.canary(name+" as bytes", string(sound))
		return s.canary(name, base64.StdEncoding.EncodeToString(sound))
	}
	return s.canary(name, text(min(item.MaxLength, 40)))
}

// search looks for every canary in all that is kept or told.
func (s *story) search(when string) {
	s.t.Helper()
	places := map[string][]byte{"the log": s.server.Log(), "the refusals": s.tap.refused.Bytes(), "headers": s.tap.headers.Bytes(),
		"what the webhook got": s.hook.bodies()}
	for name, b := range s.in.Files() {
		places["the file "+name] = b
	}
	for name, b := range s.in.Tables() {
		places["the table "+name] = b
	}
	for _, want := range []string{"value", "consent_request", "guardian", "idempotency", "river_job", "ledger_bundle", "webhook_endpoint", "webhook_delivery",
		"complaint", "complaint_note", "complaint_file", "approval", "broken_glass", "officer_record", "person_login", "person_recovery", "person_recipient", "person_filter", "person_session", "person_guess",
		"inspection", "inspection_look"} {
		if _, ok := places["the table "+want]; !ok {
			s.t.Errorf("there is no table %s to search", want)
		}
	}
	if !bytes.Contains(places["the table party_bundle"], []byte("bn_")) {
		s.t.Errorf("%s: nothing waits for a party", when)
	}
	if !bytes.Contains(places["the table person_login"], []byte("$argon2id$v=19$m=19456,t=2,p=1$")) {
		s.t.Errorf("%s: passwords aren't kept as OWASP asks", when)
	}
	// Article 28: what this program keeps by itself is on the register, by this proof.
	ours := map[string][]byte{"access": places["the log"], "ledger": places["the table ledger_bundle"]}
	for _, own := range stream.Owned {
		if strings.HasPrefix(s.t.Name(), own.Proof) && len(ours[own.Name]) == 0 {
			s.t.Errorf("%s: nothing of the stream %s is searched", when, own.Name)
		}
	}
	flock := apptest.NewFlock(s.canaries)
	for name, b := range places {
		for i, form := range flock.In(b) {
			s.t.Errorf("%s: %s holds the %s, as %s", when, name, s.canaries[i].Name, form)
		}
	}
}

// A tap keeps what the server answers where no personal value belongs.
type tap struct {
	mu       sync.Mutex
	calls    int
	statuses map[int]int
	refused  bytes.Buffer // bodies of refusals, and of answers that release nothing
	headers  bytes.Buffer // theirs
}

// RoundTrip sends each request in the name of another address.
func (p *tap) RoundTrip(r *http.Request) (*http.Response, error) {
	p.mu.Lock()
	p.calls++
	if r.Header.Get("X-Forwarded-For") == "" {
		r.Header.Set("X-Forwarded-For", fmt.Sprintf("10.1.%d.%d", p.calls/256%256, p.calls%256))
	}
	p.mu.Unlock()
	a, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return a, err
	}
	body, err := io.ReadAll(a.Body)
	a.Body.Close()
	a.Body = io.NopCloser(bytes.NewReader(body))
	p.mu.Lock()
	defer p.mu.Unlock()
	p.statuses[a.StatusCode]++
	// Who looks stands on each page of an inspector.
	own := strings.HasPrefix(r.URL.Path, "/inspector") && a.StatusCode < http.StatusBadRequest
	if own || strings.HasPrefix(r.URL.Path, "/console") || strings.HasPrefix(r.URL.Path, "/party") || strings.Contains(r.URL.Path, "/report") { // a page shows what was typed again, to whoever typed it
		a.Header.WriteSubset(&p.headers, map[string]bool{"Set-Cookie": true})
		return a, err
	}
	if a.StatusCode >= http.StatusBadRequest || !releases(r) {
		p.refused.Write(body)
		a.Header.Write(&p.headers)
	}
	return a, err
}

// releases reports whether a good answer may hold what the caller has a right
// to: values, the operator's own reference and payload, a link, a proof, a page.
func releases(r *http.Request) bool {
	path := r.URL.Path
	return strings.HasSuffix(path, "/items:read") || strings.HasSuffix(path, "/open") || strings.HasSuffix(path, "/children") ||
		r.Method == http.MethodGet && strings.Contains(path, "/children/") && !strings.HasSuffix(path, "/permissions") ||
		strings.Contains(path, "/consent-requests") || strings.Contains(path, "/guardian/") || strings.HasPrefix(path, "/r/")
}
