package app_test

import (
	"bytes"
	"crypto/rand"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"wardkeep/internal/app/apptest"
	"wardkeep/internal/complaint"
)

var (
	challengeIn = regexp.MustCompile(`name="challenge" value="([^"]+)"`)
	shownOnce   = regexp.MustCompile(`<code>([0-9A-Z-]{9,19})</code>`)
)

// reports has somebody report something to the desk, from an address and a browser that are
// canaries as what they write is (Article 24): they follow it, add to it, and try others' secrets.
func (s *story) reports() {
	s.t.Helper()
	who := http.Header{"Authorization": nil, "X-Forwarded-For": {s.canary("address of who reports", "198.51.100.217")}, "User-Agent": {s.canary("browser of who reports", "Kanarie/"+rand.Text())},
		"Referer": {"https://intranet.example/" + s.canary("where who reports came from", rand.Text())}}
	const at = "/rules/" + apptest.Service + "/report"
	form := s.send(http.MethodGet, at, nil, who)
	challenge := challengeIn.FindSubmatch(form)
	if challenge == nil {
		s.t.Fatalf("no puzzle in %s", form)
	}
	proof := complaint.Puzzle{Challenge: string(challenge[1]), Bits: 15}.Solve()
	answer := s.papers(at+"/send", who, s.canary("attachment of a report", rand.Text()+rand.Text()), [][2]string{{"challenge", proof.Challenge}, {"solution", proof.Solution},
		{"kind", "unsafe"}, {"words", s.canary("words of a report", text(60))}, {"name", s.canary("name of who reports", text(12))}, {"contact", s.canary("contact of who reports", apptest.NewPhoneNumber())}})
	found := shownOnce.FindAllSubmatch(answer, -1)
	if len(found) != 2 {
		s.t.Fatalf("not taken: %s", answer)
	}
	number, secret := string(found[0][1]), s.canary("secret of a report", string(found[1][1]))
	s.canary("secret of a report, in one", strings.ToLower(strings.ReplaceAll(secret, "-", "")))
	s.papers("/report/add", who, s.canary("a second attachment", rand.Text()+rand.Text()), [][2]string{{"number", number}, {"secret", secret}, {"words", s.canary("more words", text(40))}})
	who.Set("Content-Type", "application/x-www-form-urlencoded")
	for _, typed := range []string{secret, s.canary("secret that opens nothing", rand.Text()[:16])} {
		s.send(http.MethodPost, "/report/follow", []byte(url.Values{"number": {number}, "secret": {typed}}.Encode()), who)
	}
}

// papers sends a form with an attachment whose name is a canary.
func (s *story) papers(path string, who http.Header, attached string, fields [][2]string) []byte {
	s.t.Helper()
	var body bytes.Buffer
	m := multipart.NewWriter(&body)
	for _, f := range fields {
		s.must(m.WriteField(f[0], f[1]))
	}
	w, err := m.CreateFormFile("file", s.canary("name of an attachment", rand.Text())+".pdf")
	s.must(err)
	_, err = io.WriteString(w, "%PDF-1.7 "+attached)
	s.must(err)
	s.must(m.Close())
	h := who.Clone()
	h.Set("Content-Type", m.FormDataContentType())
	return s.send(http.MethodPost, path, body.Bytes(), h)
}
