package web_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/complaint"
	"wardkeep/internal/vault/vaulttest"
)

const reportAt = "/rules/" + vaulttest.Service + "/report"

var challengeIn = regexp.MustCompile(`name="challenge" value="([^"]+)"`)

// A paper is what a form of the report desk sends.
type paper struct {
	fields [][2]string // in their order
	files  []string
	header map[string]string
}

// solves puts a challenge of the form, and its solution, before the fields.
func (s *site) solves(fields ...[2]string) [][2]string {
	s.t.Helper()
	_, body := s.get(reportAt, "zh-CN")
	found := challengeIn.FindStringSubmatch(body)
	if found == nil {
		s.t.Fatal(body)
	}
	proof := complaint.Puzzle{Challenge: found[1], Bits: 15}.Solve()
	return append([][2]string{{"challenge", proof.Challenge}, {"solution", proof.Solution}}, fields...)
}

// papers sends them as somebody who is known by nothing but an address.
func (s *site) papers(path string, p paper) (int, string) {
	s.t.Helper()
	return s.papersFrom("203.0.113.77:4711", path, p)
}

func (s *site) papersFrom(address, path string, p paper) (int, string) {
	s.t.Helper()
	var body bytes.Buffer
	m := multipart.NewWriter(&body)
	for _, f := range p.fields {
		if err := m.WriteField(f[0], f[1]); err != nil {
			s.t.Fatal(err)
		}
	}
	for _, file := range p.files {
		w, err := m.CreateFormFile("file", "王小明.pdf")
		if err == nil {
			_, err = io.WriteString(w, file)
		}
		if err != nil {
			s.t.Fatal(err)
		}
	}
	if err := m.Close(); err != nil {
		s.t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodPost, path+"?lang=zh-CN", &body)
	r.RemoteAddr = address
	r.Header.Set("Content-Type", m.FormDataContentType())
	for name, value := range p.header {
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	s.server.Config.Handler.ServeHTTP(w, r)
	if w.Header().Get("Set-Cookie") != "" {
		s.t.Error("a cookie is set")
	}
	return w.Code, w.Body.String()
}

var written = regexp.MustCompile(`<code>([0-9A-Z]{4}-[0-9A-Z]{4}(?:-[0-9A-Z]{4}-[0-9A-Z]{4})?)</code>`)

// Articles 24 and 10(5): anybody reports something without an account, gets a number and a secret
// once, follows it, adds to it and opens it once more; nothing of who it was is anywhere but in
// their sealed words, and what they wrote is text, whatever it is.
func TestArticle24_AnybodyReportsAndFollowsIt(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		s := newSite(t, w)
		_, form := s.get(reportAt, "zh-CN")
		for _, to := range w.Charter.Channels.Authority {
			if !strings.Contains(form, to.To) {
				t.Error("the form doesn't say how to report to the authority")
			}
		}
		for _, path := range []string{"/", "/rules/" + vaulttest.Service, "/report", "/guide"} {
			if _, body := s.get(path, "zh-CN"); !strings.Contains(body, "/report?lang=") {
				t.Errorf("%s doesn't lead to the desk", path)
			}
		}
		const words = "孩子被录音<script>alert(1)</script>"
		agent := map[string]string{"User-Agent": "Canary/77 agent", "Referer": "https://canary77.example/", "X-Forwarded-For": "198.51.100.77", "Accept-Language": "zh-CN-canary77"}
		fields := s.solves([2]string{"whole", "no"}, [2]string{"kind", "collects"}, [2]string{"words", words}, [2]string{"name", "周女士canary"}, [2]string{"contact", "13700137077"})
		code, body := s.papers(reportAt+"/send", paper{fields, []string{"%PDF-1.7 canary77"}, agent})
		found := written.FindAllStringSubmatch(body, -1)
		if code != http.StatusOK || len(found) != 2 {
			t.Fatalf("%d %s", code, body)
		}
		number, secret := found[0][1], found[1][1]
		if code, body := s.papers(reportAt+"/send", paper{fields, nil, agent}); code != http.StatusConflict || written.MatchString(body) {
			t.Errorf("the same form again: %d", code)
		}
		code, body = s.post("/report/follow?lang=zh-CN", url.Values{"number": {number}, "secret": {secret}})
		if code != http.StatusOK || !strings.Contains(body, "孩子被录音&lt;script&gt;") || strings.Contains(body, "<script>alert") || strings.Contains(body, "周女士") {
			t.Errorf("followed: %d %s", code, body)
		}
		if code, _ := s.papers("/report/add", paper{[][2]string{{"number", number}, {"secret", secret}, {"words", "补充一点"}}, nil, agent}); code != http.StatusOK {
			t.Errorf("added: %d", code)
		}
		desk := complaint.Desk{Ring: w.Ring}
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			c, err := desk.Follow(ctx, tx, number, secret)
			if err == nil {
				_, err = desk.Answer(ctx, tx, w.Officer, vaulttest.Service, c.ID, complaint.Founded, pii.New("已停止录音"))
			}
			return err
		})
		if _, body := s.post("/report/follow?lang=zh-CN", url.Values{"number": {number}, "secret": {secret}}); !strings.Contains(body, "已停止录音") || !strings.Contains(body, "/report/reopen") {
			t.Errorf("the answer: %s", body)
		}
		again := url.Values{"number": {number}, "secret": {secret}, "words": {"还在录"}}
		if code, body := s.post("/report/reopen?lang=zh-CN", again); code != http.StatusOK || !strings.Contains(body, "还在录") {
			t.Errorf("opened once more: %d", code)
		}
		if code, _ := s.post("/report/reopen?lang=zh-CN", again); code != http.StatusConflict {
			t.Errorf("and again: %d", code)
		}
		for _, canary := range []string{"203.0.113.77", "203.0.113", "Canary/77", "canary77", "198.51.100.77", "周女士", "13700137077", "孩子被录音", "王小明.pdf", secret, strings.ToLower(strings.ReplaceAll(secret, "-", ""))} {
			if strings.Contains(s.log.String(), canary) {
				t.Error("the log tells who has reported, or what")
			}
		}
	})
}

// Article 24: who sends too often, too much or what isn't a form is told so in a page, who
// guesses secrets of a number is soon taken none, and who has no script waits a minute.
func TestArticle24_TheDeskIsNotFlooded(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		s := newSite(t, w)
		say := [][2]string{{"kind", "something"}, {"words", "好"}}
		for name, c := range map[string]struct {
			p    paper
			want int
		}{
			"without a puzzle":        {paper{fields: say}, http.StatusUnprocessableEntity},
			"with another's":          {paper{fields: append([][2]string{{"challenge", "1.2.3.4.5"}, {"solution", "6"}}, say...)}, http.StatusUnprocessableEntity},
			"of no kind":              {paper{fields: s.solves([2]string{"words", "好"})}, http.StatusUnprocessableEntity},
			"with a page":             {paper{fields: s.solves(say...), files: []string{"<!doctype html><script>"}}, http.StatusUnprocessableEntity},
			"with four files":         {paper{fields: s.solves(say...), files: []string{"%PDF-1", "%PDF-2", "%PDF-3", "%PDF-4"}}, http.StatusUnprocessableEntity},
			"with a large file":       {paper{fields: s.solves(say...), files: []string{"%PDF-" + strings.Repeat("x", complaint.MaxFile)}}, http.StatusUnprocessableEntity},
			"with a field of its own": {paper{fields: s.solves(append(say, [2]string{"ref", "x"})...)}, http.StatusUnprocessableEntity},
			"of bytes":                {paper{fields: s.solves([2]string{"kind", "something"}, [2]string{"words", "\xff"})}, http.StatusUnprocessableEntity},
		} {
			code, body := s.papers(reportAt+"/send", c.p)
			if code != c.want && code != http.StatusBadRequest || written.MatchString(body) {
				t.Errorf("%s: %d", name, code)
			}
		}
		last := 0
		for range 5 {
			last, _ = s.papers(reportAt+"/send", paper{fields: say})
		}
		if last != http.StatusTooManyRequests {
			t.Errorf("the thirteenth of one address: %d", last)
		}
		for n := range 12 {
			code, _ := s.post("/report/follow?lang=zh-CN", url.Values{"number": {"7K2M-9QXT"}, "secret": {"0000-0000-0000-0000"}})
			if want := map[bool]int{true: http.StatusNotFound, false: http.StatusTooManyRequests}[n < 10]; code != want {
				t.Errorf("guess %d: %d", n, code)
			}
		}
		fields := s.solves(say...)
		fields[1][1] = "" // of who has no script
		w.Pass(complaint.Patience + time.Second)
		if code, body := s.papersFrom("198.51.100.9:1", reportAt+"/send", paper{fields: fields}); code != http.StatusOK {
			t.Errorf("without a script: %d %s", code, body)
		}
		// Whose files come slowly hold the room for files, and keep nobody from writing.
		slow := s.solves(say...)
		for n := range 8 {
			release := s.sendsSlowly(fmt.Sprintf("198.51.100.%d:1", 20+n), slow)
			defer release()
		}
		if code, _ := s.papersFrom("198.51.100.10:1", reportAt+"/send", paper{fields: s.solves(say...), files: []string{"%PDF-1.7"}}); code != http.StatusTooManyRequests {
			t.Errorf("a ninth with a file: %d", code)
		}
		if code, body := s.papersFrom("198.51.100.10:1", reportAt+"/send", paper{fields: s.solves(say...), files: []string{""}}); code != http.StatusOK {
			t.Errorf("a report without a file: %d %s", code, body)
		}
	})
}

// sendsSlowly sends a report whose file doesn't end, and returns once it is being read. Release
// breaks it off.
func (s *site) sendsSlowly(address string, fields [][2]string) (release func()) {
	s.t.Helper()
	body, to := io.Pipe()
	m := multipart.NewWriter(to)
	r := httptest.NewRequest(http.MethodPost, reportAt+"/send", body)
	r.RemoteAddr = address
	r.Header.Set("Content-Type", m.FormDataContentType())
	over := make(chan struct{})
	go func() {
		defer close(over)
		s.server.Config.Handler.ServeHTTP(httptest.NewRecorder(), r)
		body.Close()
	}()
	for _, f := range fields {
		if err := m.WriteField(f[0], f[1]); err != nil {
			s.t.Fatal(err)
		}
	}
	w, err := m.CreateFormFile("file", "x")
	if err == nil {
		_, err = io.WriteString(w, strings.Repeat("x", 64<<10)) // more than is buffered: most of it was read
	}
	if err != nil {
		s.t.Fatal(err)
	}
	return func() {
		to.CloseWithError(io.ErrUnexpectedEOF)
		<-over
	}
}
