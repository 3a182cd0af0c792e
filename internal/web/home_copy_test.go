package web_test

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/workday"
	"wardkeep/internal/catalog"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/family/age"
	"wardkeep/internal/gate"
	"wardkeep/internal/replay"
	"wardkeep/internal/rights"
	"wardkeep/internal/transcript"
	"wardkeep/internal/vault/vaulttest"
)

var (
	fetchField = regexp.MustCompile(`name="(request|code|part)" value="([^"]+)"`)
	inFile     = regexp.MustCompile(`data-format="([^"]+)" data-salt="([^"]+)" data-nonce="([^"]+)">([A-Za-z0-9+/=]+)</div>`)
)

// copyPage asks for a copy, and returns the page with its code.
func (s *site) copyPage(child, lang string) string {
	s.t.Helper()
	s.post(child+"/demand?lang="+lang, url.Values{"kind": {"copy"}})
	return s.fetchPage(child, lang)
}

// fetchPage returns the page with the code of a copy that was asked for.
func (s *site) fetchPage(child, lang string) string {
	s.t.Helper()
	_, page := s.get(child+"?lang="+lang, "")
	status, body := s.post(child+"/copy?lang="+lang, url.Values{"request": {fetchField.FindStringSubmatch(page[strings.Index(page, `/copy?lang`):])[2]}})
	if status != 200 {
		s.t.Fatalf("%d %s", status, body)
	}
	return body
}

// copyForm is what the page of a copy sends for its first file.
func copyForm(page string) url.Values {
	form := make(url.Values)
	for _, m := range fetchField.FindAllStringSubmatch(page, -1) {
		if !form.Has(m[1]) {
			form.Set(m[1], m[2])
		}
	}
	return form
}

// readCopy opens a file.
func readCopy(t *testing.T, file, code string) (d transcript.Document) {
	t.Helper()
	m := inFile.FindStringSubmatch(file)
	if m == nil {
		t.Fatalf("no copy: %s", file)
	}
	var parts [3][]byte
	for i := range parts {
		var err error
		if parts[i], err = base64.StdEncoding.DecodeString(strings.ReplaceAll(m[2+i], "&#43;", "+")); err != nil {
			t.Fatal(err)
		}
	}
	code, _ = transcript.ParseCode(code)
	key, err := hkdf.Key(sha256.New, []byte(code), parts[0], m[1], 32)
	if err != nil {
		t.Fatal(err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	text, err := aead.Open(nil, parts[1], parts[2], []byte(m[1]))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	return d
}

// newestDemand returns the id of what was demanded last.
func (s *site) newestDemand(child family.Child) (id string) {
	s.t.Helper()
	s.w.Do(func(ctx context.Context, tx *db.Tx) error {
		all, err := rights.Of(ctx, tx, child.ID)
		if err == nil {
			id = all[0].ID
		}
		return err
	})
	return id
}

// audits wants everything that was done to replay.
func (s *site) audits() {
	s.t.Helper()
	report, err := replay.Audit(s.t.Context(), s.w.Store, s.w.Ring, catalog.NewCache(4), replay.Options{})
	if err != nil || !report.OK() {
		s.t.Errorf("%v, %v", report.Differences, err)
	}
}

// PIPL 45: a guardian takes a copy of everything away, as often as it likes for seven
// days; each file is on record before it leaves, and what is in it is nowhere else.
func TestPIPL45_AGuardianTakesACopyAway(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		child := s.w.Child()
		s.w.Put(child, "course-progress", "nickname", "小满")
		s.w.Put(child, "course-progress", "weekly_score", "77")
		if _, err := s.w.Read(child, "course-progress", "nickname"); err != nil {
			t.Fatal(err)
		}
		s.signIn()
		at := s.tie(child)
		page := s.copyPage(at, "zh-CN")
		if strings.Contains(page, "小满") || s.entries(gate.KindCopied) != 0 {
			t.Error("the page of the code shows a value, or is taken for a copy")
		}
		form := copyForm(page)
		status, file := s.post(at+"/copy/file?lang=zh-CN", form)
		if status != 200 || strings.Contains(file, "小满") || s.entries(gate.KindCopied) != 1 {
			t.Errorf("%d, %d copies on record", status, s.entries(gate.KindCopied))
		}
		d := readCopy(t, file, form.Get("code"))
		value := func(item string) string {
			i := slices.IndexFunc(d.Items, func(it transcript.Item) bool { return it.Name == item })
			if i < 0 {
				return ""
			}
			return d.Items[i].Value
		}
		if len(d.Items) != 2 || value("nickname") != "小满" || value("weekly_score") != "77" || d.Items[0].Label == "" || d.Items[0].Purpose.Label == "" {
			t.Errorf("%+v", d.Items)
		}
		if len(d.Consents) == 0 || !d.Consents[0].Mine || len(d.Uses) != 0 && d.Uses[0].Times == 0 || len(d.Demands) != 1 ||
			d.Child.Phone == "" || d.Child.Reference == "" || len(d.Parties) == 0 || !strings.HasPrefix(d.Entry, "le_") {
			t.Errorf("%+v", d)
		}

		// The same page again has another code, and the first file its own.
		s.places()
		again := copyForm(s.copyPage(at, "en"))
		if again.Get("code") == form.Get("code") || again.Get("request") != form.Get("request") {
			t.Errorf("%v after %v", again, form)
		}
		_, file = s.post(at+"/copy/file?lang=en", again)
		d = readCopy(t, file, again.Get("code"))
		if d.Language != "en" || len(d.Uses) < 2 || d.Uses[0].What.Label == "" {
			t.Errorf("the former copy isn't among who used what: %+v", d.Uses)
		}
		if status, body := s.post(at+"/demand?lang=en", url.Values{"kind": {"copy"}}); status != 409 || !strings.Contains(body, "answered within the last seven days") {
			t.Errorf("twice the same copy: %d %s", status, body)
		}

		for name, change := range map[string]func(url.Values){
			"no code":         func(f url.Values) { f.Del("code") },
			"a weak code":     func(f url.Values) { f.Set("code", "1234") },
			"no part":         func(f url.Values) { f.Set("part", "x") },
			"a part too many": func(f url.Values) { f.Set("part", "2") },
			"part none":       func(f url.Values) { f.Set("part", "0") },
		} {
			bad := copyForm(page)
			change(bad)
			if status, _ := s.post(at+"/copy/file?lang=en", bad); status != 422 && status != 400 {
				t.Errorf("%s: %d", name, status)
			}
		}
		if status, _ := s.post(at+"/copy/file?lang=en", url.Values{"request": {"rr_x"}, "code": form["code"], "part": {"1"}}); status != 404 {
			t.Errorf("no such demand: %d", status)
		}

		// A frozen child's guardian may still take a copy.
		s.w.Do(func(ctx context.Context, tx *db.Tx) error {
			c, err := family.Lock(ctx, tx, child.Service, child.ID)
			if err == nil {
				_, err = family.Freeze(ctx, tx, s.w.Officer, c, family.ByOfficer)
			}
			if err == nil {
				_, err = family.Dispute(ctx, tx, s.w.Officer.Ledger(), c)
			}
			return err
		})
		if status, file := s.post(at+"/copy/file?lang=en", form); status != 200 || len(readCopy(t, file, form.Get("code")).Items) != 2 {
			t.Errorf("of a frozen and disputed child: %d", status)
		}

		s.w.Pass(7*24*time.Hour + time.Minute)
		s.fresh()
		s.signIn()
		n := s.entries(gate.KindCopied)
		if status, body := s.post(at+"/copy/file?lang=en", form); status != 410 || !strings.Contains(body, "are over") || s.entries(gate.KindCopied) != n {
			t.Errorf("after its days: %d %s", status, body)
		}
		s.w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := s.w.Vault.Erase(ctx, tx, s.w.App.Ledger(), child.Service, child.ID, family.UseEnded)
			return err
		})
		if _, body := s.post(at+"/copy/file?lang=en", form); inFile.MatchString(body) {
			t.Error("of an erased child")
		}
		s.audits()
		for _, secret := range []string{"小满", form.Get("code"), again.Get("code")} {
			if strings.Contains(s.log.String(), secret) {
				t.Error("a value or a code is in the log")
			}
		}
	})
}

// Edge case 24: where stronger proofs are offered, no copy leaves on a code alone, and
// the page leads to the proof.
func TestEdgeCase24_ACopyWaitsForAProof(t *testing.T) {
	eachProving(t, func(t *testing.T, s *site, _ *bureau) {
		child := s.w.Child()
		s.w.Put(child, "course-progress", "nickname", "小满")
		s.signIn()
		at := s.tie(child)
		page := s.copyPage(at, "en")
		if strings.Contains(page, `name="code"`) || !strings.Contains(page, "First prove who you are") {
			t.Errorf("%s", page)
		}
		form := copyForm(page)
		mother := s.w.Guardian(child)
		form.Set("request", s.newestDemand(child))
		form.Set("code", transcript.NewCode())
		form.Set("part", "1")
		if status, body := s.post(at+"/copy/file?lang=en", form); status != 403 || !strings.Contains(body, "stronger proof") || s.entries(gate.KindCopyDenied) != 1 {
			t.Errorf("%d %s", status, body)
		}
		_, body := s.post(at+"/again?lang=en", url.Values{"purpose": {regexp.MustCompile(`name="purpose" value="([^"]+)"`).FindStringSubmatch(page)[1]}})
		if !strings.Contains(body, "Send the code") {
			t.Errorf("the way to the proof: %s", body)
		}
		s.w.Do(func(ctx context.Context, tx *db.Tx) error {
			c, err := family.Lock(ctx, tx, child.Service, child.ID)
			if err == nil {
				_, _, err = family.ReverifyGuardian(ctx, tx, s.w.Officer, c, mother.ID, family.NameAndNumber)
			}
			return err
		})
		if status, file := s.post(at+"/copy/file?lang=en", form); status != 200 || len(readCopy(t, file, form.Get("code")).Items) != 1 {
			t.Errorf("after the proof: %d", status)
		}
	})
}

// Edge cases 4 and 24: the right to a copy doesn't end where a guardian that has shown a
// code alone is asked nothing any more, in which more could be shown: from the 14th birthday
// on, and while the service ends.
func TestEdgeCase24_ACopyWaitsForNoProofThatCannotBeGiven(t *testing.T) {
	eachProving(t, func(t *testing.T, s *site, _ *bureau) {
		takes := func(child family.Child) {
			t.Helper()
			page := s.copyPage(s.tie(child), "en")
			form := copyForm(page)
			if status, file := s.post(s.tie(child)+"/copy/file?lang=en", form); status != 200 || len(readCopy(t, file, form.Get("code")).Consents) == 0 {
				t.Errorf("%d %s", status, file)
			}
		}
		minor := s.turns14()
		child := s.w.Child()
		s.signIn()
		takes(minor)
		s.ceases(s.w.Charter.Purposes[0].Name)
		page := s.copyPage(s.tie(child), "en")
		prove := regexp.MustCompile(`name="purpose" value="([^"]+)"`).FindStringSubmatch(page)
		if prove == nil {
			t.Fatalf("no way to the proof: %s", page)
		}
		if status, body := s.post(s.tie(child)+"/again?lang=en", url.Values{"purpose": {prove[1]}}); status != 200 || !strings.Contains(body, "Send the code") {
			t.Errorf("the way to the proof leads by a purpose that ends: %d %s", status, body)
		}
		s.ceases("")
		form := copyForm(s.fetchPage(s.tie(child), "en"))
		if status, file := s.post(s.tie(child)+"/copy/file?lang=en", form); status != 200 || len(readCopy(t, file, form.Get("code")).Consents) == 0 {
			t.Errorf("while the service ends: %d %s", status, file)
		}
	})
}

// Edge cases 18 and 24: while guardians are asked about the successor, more than a code can be
// shown in that question, whatever was answered to it, and a copy takes it.
func TestEdgeCase24_ACopyInATakeoverTakesAProof(t *testing.T) {
	eachProving(t, func(t *testing.T, s *site, _ *bureau) {
		s.w.Publish(vaulttest.Takeover(s.w.Charter))
		child := s.w.Child()
		s.w.Put(child, "course-progress", "nickname", "小满")
		s.w.Pass(time.Minute)
		s.w.CeaseTo(8 * 24 * time.Hour)
		s.signIn()
		at := s.tie(child)
		page := s.copyPage(at, "en")
		if prove := regexp.MustCompile(`name="purpose" value="([^"]+)"`).FindStringSubmatch(page); prove == nil || prove[1] != vaulttest.Handover {
			t.Fatalf("no way to the proof: %s", page)
		}
		for _, answered := range []consent.Outcome{"", consent.ForceGranted, consent.ForceRefused} {
			if answered != "" {
				s.w.Pass(time.Minute)
				s.w.Answer(child, answered, vaulttest.Handover)
			}
			if status, body := s.post(at+"/again?lang=en", url.Values{"purpose": {vaulttest.Handover}}); status != 200 || !strings.Contains(body, "Send the code") {
				t.Errorf("the way to the proof, answered %q: %d %s", answered, status, body)
			}
		}
		mother := s.w.Guardian(child)
		s.w.Do(func(ctx context.Context, tx *db.Tx) error {
			c, err := family.Lock(ctx, tx, child.Service, child.ID)
			if err == nil {
				_, _, err = family.ReverifyGuardian(ctx, tx, s.w.Officer, c, mother.ID, family.NameAndNumber)
			}
			return err
		})
		form := copyForm(s.fetchPage(at, "en"))
		if status, file := s.post(at+"/copy/file?lang=en", form); status != 200 || len(readCopy(t, file, form.Get("code")).Items) != 1 {
			t.Errorf("after the proof: %d", status)
		}
	})
}

// Article 23: nobody is told to take its time with a copy beyond the end of the service.
func TestArticle23_ACopyIsFetchedBeforeTheEnd(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		child := s.w.Child()
		s.signIn()
		s.ceases("")
		last := s.w.Store.Now().Add(7 * 24 * time.Hour).In(age.Zone).Format(time.DateOnly)
		s.w.Pass(5 * 24 * time.Hour)
		s.signIn()
		for _, page := range []string{s.copyPage(s.tie(child), "en"), func() string { _, body := s.get(s.tie(child)+"?lang=en", ""); return body }()} {
			if !strings.Contains(page, "Can be fetched until "+last) {
				t.Errorf("no word of %s: %s", last, page)
			}
		}
	})
}

// A slowReader has sent a form, and takes the answer only once it is let.
type slowReader struct {
	*httptest.ResponseRecorder
	begun, let chan struct{}
	once       sync.Once
}

func (r *slowReader) Write(b []byte) (int, error) {
	r.once.Do(func() { close(r.begun) })
	<-r.let
	return r.ResponseRecorder.Write(b)
}

// slowly sends a form of the signed-in browser.
func (s *site) slowly(path string, form url.Values) (r *slowReader, done chan struct{}) {
	s.t.Helper()
	req := httptest.NewRequestWithContext(s.t.Context(), http.MethodPost, path+"?lang=en", strings.NewReader(form.Encode()))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.RemoteAddr = "127.0.0.1:1"
	home, err := url.Parse(s.server.URL)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, c := range s.browser.Jar.Cookies(home) {
		req.AddCookie(c)
	}
	r, done = &slowReader{ResponseRecorder: httptest.NewRecorder(), begun: make(chan struct{}), let: make(chan struct{})}, make(chan struct{})
	go func() {
		defer close(done)
		s.server.Config.Handler.ServeHTTP(r, req)
	}()
	select {
	case <-r.begun:
	case <-time.After(30 * time.Second):
		s.t.Fatal("no answer")
	}
	return r, done
}

// Whoever reads a copy slowly holds up nobody else's, and of its own the large ones.
func TestPIPL45_SlowReadersHoldUpNobodysCopy(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		voice := base64.StdEncoding.EncodeToString(make([]byte, 900<<10))
		var forms []url.Values
		var ties []string
		for range 4 {
			child := s.w.Child()
			s.w.Put(child, "speaking-practice", "voice", voice)
			ties = append(ties, s.tie(child))
		}
		s.signIn()
		for _, at := range ties {
			forms = append(forms, copyForm(s.copyPage(at, "en")))
		}
		first, taken := s.slowly(ties[0]+"/copy/file", forms[0])
		second, over := s.slowly(ties[1]+"/copy/file", forms[1])
		for i := 2; i < 4; i++ {
			if status, file := s.post(ties[i]+"/copy/file?lang=en", forms[i]); status != 200 || len(readCopy(t, file, forms[i].Get("code")).Items) != 1 {
				t.Errorf("while two read slowly: %d %.200s", status, file)
			}
		}
		n := s.entries(gate.KindCopied)
		patient := s.pages.HurryCopies()
		m := &meetings{s, make(map[string]bool)}
		m.sends("web.copying", ties[0]+"/copy/file", forms[0])
		patient() // a busy machine takes more than a moment to find that there is room
		if s.entries(gate.KindCopied) != n {
			t.Error("what didn't leave is on record as a copy")
		}
		for _, r := range []*slowReader{first, second} {
			close(r.let)
		}
		<-taken
		<-over
		if d := readCopy(t, first.Body.String(), forms[0].Get("code")); len(d.Items) != 1 || d.Items[0].Value != voice {
			t.Error("who was waited for has another file")
		}
		if status, _ := s.post(ties[0]+"/copy/file?lang=en", forms[0]); status != 200 {
			t.Errorf("after it was read: %d", status)
		}
		s.audits()
	})
}

// PIPL 45: that it was asked what is held has a number and is on record, and what the
// app takes for a child is answered to its guardian.
func TestPIPL45_WhatIsHeldIsToldAndOnRecord(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		child := s.w.Child()
		s.signIn()
		at := s.tie(child)
		if status, body := s.post(at+"/demand?lang=en", url.Values{"kind": {"access"}}); status != 200 || !strings.Contains(body, "The answer is on this page") {
			t.Errorf("%d %s", status, body)
		}
		desk := rights.Desk{Ring: s.w.Ring, Charters: s.w.Desk.Charters, Calendar: workday.Default()}
		s.w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := s.w.Vault.Demand(ctx, tx, desk, s.w.App, child, rights.Demand{Kind: rights.Copy, Door: rights.ByChild})
			return err
		})
		if _, body := s.get(at+"?lang=en", ""); !strings.Contains(body, "The child asked for it.") || !strings.Contains(body, "Fetch the copy") {
			t.Errorf("%s", body)
		}
		s.audits()
	})
}

// Edge case 17: who was told of what the child demands alone reads when and by what; who
// wasn't isn't told otherwise.
func TestEdgeCase17_TheGuardianSeesThatItWasTold(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		child := s.w.Child()
		desk := rights.Desk{Ring: s.w.Ring, Charters: s.w.Desk.Charters, Calendar: workday.Default()}
		var r rights.Request
		s.w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
			r, _, err = s.w.Vault.Demand(ctx, tx, desk, s.w.App, child, rights.Demand{Kind: rights.Close, Door: rights.ByChild})
			return err
		})
		s.signIn()
		if _, body := s.get(s.tie(child)+"?lang=en", ""); strings.Contains(body, "You were told") || !strings.Contains(body, "to be deleted") {
			t.Errorf("before: %s", body)
		}
		mother := s.w.Guardian(child)
		s.w.Do(func(ctx context.Context, tx *db.Tx) error { return rights.Tell(ctx, tx, r, mother.ID, "sms") })
		if _, body := s.get(s.tie(child)+"?lang=en", ""); !strings.Contains(body, "You were told by text message at 20") {
			t.Errorf("after: %s", body)
		}
		s.audits()
	})
}
