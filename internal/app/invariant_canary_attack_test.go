package app_test

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	wardkeep "wardkeep/client"
	"wardkeep/internal/app/apptest"
)

// attack sends canaries where they don't belong, to every route that the server
// says it has, and to its pages.
func (s *story) attack() {
	plain := s.canary("misplaced text", "Kanarienvogel"+rand.Text())
	chinese := s.canary("misplaced Chinese text", text(24))
	s.canary("misplaced phone", misplaced)
	for _, r := range s.routes() {
		paths := s.paths(r, plain)
		for _, path := range paths {
			s.fire(r.method, path, nil, nil)
		}
		path := paths[0]
		s.fire(r.method, path+"?"+plain+"="+url.QueryEscape(chinese), nil, nil)
		s.fire(r.method, path+"?lang="+plain+"&after="+plain+"&limit="+plain, nil, nil)
		for _, h := range []http.Header{
			{"Authorization": {"Bearer " + plain}}, {"Authorization": {"Bearer wk_test_" + plain}}, {"Authorization": {plain}}, {"Authorization": nil},
			{"Idempotency-Key": {plain}}, {"Idempotency-Key": {chinese}}, {"If-Match": {plain}}, {"If-None-Match": {plain}}, {"Accept-Language": {plain}},
			{"Content-Type": {"text/" + plain}}, {"Content-Encoding": {plain}}, {"X-Forwarded-For": {plain}}, {"X-Request-Id": {plain}}, {"Wardkeep-Proof": {plain}},
			{"Cookie": {plain + "=" + plain}}, {"Origin": {"https://" + plain + ".example"}},
		} {
			s.fire(r.method, path, s.bodies()[r.path], h)
		}
		for _, body := range hostile(s.bodies()[r.path], plain, chinese) {
			s.fire(r.method, path, body, nil)
		}
	}
	s.pages(plain, chinese)
	s.fired.Wait()
}

// fire is send, without waiting for the answer. A few are on their way at once.
func (s *story) fire(method, path string, body []byte, h http.Header) {
	s.slots <- struct{}{}
	s.fired.Go(func() {
		s.send(method, path, body, h)
		<-s.slots
	})
}

const misplaced = "13712345678"

// A served is a route as the OpenAPI document lists it.
type served struct{ method, path string }

func (s *story) routes() (all []served) {
	var document struct {
		Paths map[string]map[string]json.RawMessage
	}
	if err := json.Unmarshal(s.send(http.MethodGet, "/openapi.json", nil, nil), &document); err != nil {
		s.t.Fatal(err)
	}
	for _, path := range slices.Sorted(maps.Keys(document.Paths)) {
		for _, method := range slices.Sorted(maps.Keys(document.Paths[path])) {
			if len(method) <= len("delete") && path != "/docs" && path != "/openapi.json" {
				all = append(all, served{strings.ToUpper(method), path})
			}
		}
	}
	if len(all) < 25 {
		s.t.Errorf("the server lists only %d routes", len(all))
	}
	return all
}

var parameter = regexp.MustCompile(`\{[a-z.]+\}`)

// paths fills the parameters of a path: with what exists, then each of them with
// a canary.
func (s *story) paths(r served, canary string) []string {
	path := r.path
	real := map[string]string{
		"{service}": apptest.Service, "{child}": s.child, "{request}": s.request.ID, "{token}": apptest.Token(s.request), "{entry}": "le_" + canary,
	}
	if r.method == http.MethodDelete {
		real["{child}"] = s.gone // the story goes on
	}
	fill := func(with map[string]string) string {
		return parameter.ReplaceAllStringFunc(path, func(name string) string { return with[name] })
	}
	all := []string{fill(real)}
	for name := range real {
		if strings.Contains(path, name) {
			for _, value := range []string{canary, "ref:" + canary, "ch_" + canary, "%00" + canary, canary + "%2f.."} {
				wrong := maps.Clone(real)
				wrong[name] = value
				all = append(all, fill(wrong))
			}
		}
	}
	return all
}

// bodies are what routes want, so that a hostile body differs in one place.
func (s *story) bodies() map[string][]byte {
	const service = "/v1/services/{service}"
	const guardian = "/v1/guardian/requests/{token}"
	items := wardkeep.Collection{Purpose: "course-progress", Values: map[string]string{"nickname": "小溪", "lesson_progress": "7"}}
	batch := wardkeep.Batch{Purpose: "course-progress", Children: []wardkeep.ChildValues{{Child: s.child, Values: items.Values}}}
	opening := batch
	opening.Children = []wardkeep.ChildValues{{Child: s.child, Values: s.sealed}}
	// A wrong outcome, an ended request and a spent code: nothing of this succeeds.
	in := map[string]any{
		service + "/age-checks":                       wardkeep.AgeCheck{BirthDate: "2016"},
		service + "/children":                         s.fresh,
		service + "/children/{child}/items":           items,
		service + "/children/{child}/items:read":      wardkeep.Reading{Purpose: "account", Items: []string{"nickname"}},
		service + "/decisions":                        wardkeep.Checks{Checks: []wardkeep.Check{{Child: s.child, Activity: "use", Purpose: "account", Items: []string{"nickname"}, Party: "class"}}},
		service + "/seal":                             batch,
		service + "/open":                             opening,
		service + "/consent-requests":                 wardkeep.Asking{Child: s.child, Purposes: []string{"account"}, Channel: "sms", Locale: "en", ReturnURL: "https://app.xiaoxi-english.example"},
		service + "/consent-requests/{request}:force": wardkeep.Outcome{Outcome: "granted"},
		guardian + ":verify":                          wardkeep.CodeTyped{Code: "1234567"},
		guardian + ":answer":                          wardkeep.GuardianAnswer{Proof: s.proof, Answers: map[string]bool{"account": true}, NoticeHash: "0", Lang: "en"},
		guardian + ":withdraw":                        wardkeep.Withdrawal{Proof: "0", Purpose: "account"},
	}
	out := make(map[string][]byte)
	for path, body := range in {
		b, err := json.Marshal(body)
		if err != nil {
			s.t.Fatal(err)
		}
		out[path] = b
	}
	return out
}

// hostile returns bodies that are wrong in one place each, where a canary stands.
func hostile(valid []byte, plain, chinese string) (all [][]byte) {
	quoted, _ := json.Marshal(chinese)
	for _, text := range []string{
		`{"` + plain + `":` + string(quoted) + `}`, `[` + string(quoted) + `]`, string(quoted), plain, `{"purpose":` + string(quoted),
		`{"a":"` + plain + "\xff" + `"}`, `{"a":"` + plain + `","a":"` + plain + `"}`, strings.Repeat(`{"`+plain+`":`, 40),
		`{"a":"` + plain + "\x01" + `"}`, `{"a":"\ud800` + plain + `"}`, misplaced,
	} {
		all = append(all, []byte(text))
	}
	if len(valid) == 0 {
		return all
	}
	all = append(all, valid[:len(valid)-1], append(slices.Clone(valid), plain...),
		bytes.Replace(valid, []byte(`{`), []byte(`{"`+plain+`":"`+plain+`",`), 1))
	var body any
	if json.Unmarshal(valid, &body) != nil {
		return all
	}
	for _, bad := range []any{plain, chinese, "\x00" + plain, plain + "\u202e", strings.Repeat(chinese, 400), []any{plain}, map[string]any{plain: chinese}, 13712345678, true, nil} {
		leaves := 0
		count(body, &leaves)
		for at := range leaves {
			n := at
			b, err := json.Marshal(replace(body, bad, &n))
			if err == nil {
				all = append(all, b)
			}
		}
	}
	return all
}

// count counts the values and the names in a JSON value.
func count(v any, n *int) {
	*n++
	switch v := v.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			*n++
			count(v[name], n)
		}
	case []any:
		for _, e := range v {
			count(e, n)
		}
	}
}

// replace returns v with its n-th value replaced by bad, or its n-th name.
func replace(v, bad any, n *int) any {
	*n--
	if *n == -1 {
		return bad
	}
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for _, name := range slices.Sorted(maps.Keys(v)) {
			as := name
			if *n--; *n == -1 {
				if text, ok := bad.(string); ok {
					as = text
				}
			}
			out[as] = replace(v[name], bad, n)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = replace(e, bad, n)
		}
		return out
	}
	return v
}

// pages sends canaries to what people see in a browser.
func (s *story) pages(plain, chinese string) {
	token := apptest.Token(s.request)
	form := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Authorization": nil}
	values := url.Values{"code": {plain}, "notice": {plain}, "all": {chinese}, "p.account": {plain}, "purpose": {plain}, plain: {chinese}}.Encode()
	for _, path := range []string{"/" + plain, "/r/" + plain, "/ask/" + plain, "/rules/" + plain, "/rules/" + plain + "/history", "/rules/xiaoxi-english/history/" + plain, "/static/" + plain, "/c?" + plain, "/v1/" + plain, "/r/" + token + "?lang=" + plain, "/outbox?" + plain} {
		s.fire(http.MethodGet, path, nil, form)
		s.fire(http.MethodPost, path, []byte(values), form)
	}
	for _, path := range []string{"/c", "/r/" + token + "/code", "/r/" + token + "/verify", "/r/" + token + "/answer", "/r/" + token + "/withdraw", "/r/" + token + "/receipt"} {
		s.fire(http.MethodPost, path, []byte(values), form)
		s.fire(http.MethodPost, path, []byte("%zz"+plain), form)
		s.fire(http.MethodGet, path+"?code="+plain, nil, http.Header{"Cookie": {"proof=" + plain}, "Authorization": nil})
	}
}

// send sends a request as it is, with the app's key unless h has another, and
// returns the body of the answer.
func (s *story) send(method, path string, body []byte, h http.Header) []byte {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.server.Base+path, bytes.NewReader(body))
	if err != nil {
		s.t.Errorf("%s: %v", path, err)
		return nil
	}
	r.Header.Set("Authorization", "Bearer "+s.in.Key)
	if len(body) > 0 {
		r.Header.Set("Content-Type", "application/json")
	}
	maps.Copy(r.Header, h)
	a, err := s.client.HTTP.Do(r)
	if err != nil {
		s.t.Error(err)
		return nil
	}
	defer a.Body.Close()
	text, err := io.ReadAll(a.Body)
	if err != nil || a.StatusCode == http.StatusInternalServerError {
		s.t.Errorf("%s %s with %q: %s, %v", method, path, body, text, err)
	}
	return text
}

// brokenGateway has messages refused, by a gateway that repeats what it got.
func (s *story) brokenGateway() {
	for _, status := range []int{http.StatusInternalServerError, http.StatusBadRequest, http.StatusFound} {
		s.in.Phone.Break(func(w http.ResponseWriter, r *http.Request) {
			said, err := io.ReadAll(r.Body)
			if err != nil {
				return
			}
			w.Header().Set("Location", "http://127.0.0.1:1/?"+url.QueryEscape(string(said)))
			w.WriteHeader(status)
			w.Write(said)
		})
		fresh := apptest.NewChild()
		fresh.Ref = s.canary("reference behind a broken gateway", text(24))
		s.canary("phone behind a broken gateway", fresh.Guardian.Phone)
		child, err := s.client.Register(s.t.Context(), fresh)
		s.must(err)
		r, err := s.client.Ask(s.t.Context(), wardkeep.Asking{Child: child.ID, Channel: "sms", Locale: "en"})
		if err != nil || r.Undelivered == nil {
			s.t.Errorf("a message that was refused with %d counts as sent: %v", status, err)
		}
	}
	s.in.Phone.Break(nil)
}

// rawRequests says what is no HTTP.
func (s *story) rawRequests() {
	canary := s.canary("no HTTP", "Kanarienvogel"+rand.Text())
	address := strings.TrimPrefix(s.server.Base, "http://")
	for _, text := range []string{
		canary + "\r\n\r\n", "GET /" + canary + " HTTP/9.9\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\n" + canary + "\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: " + canary + "/\r\n\r\n", "POST /v1/" + canary + " HTTP/1.1\r\nHost: a\r\nContent-Length: -" + canary + "\r\n\r\n",
		"POST /v1/events HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: " + canary + "\r\n\r\n", "GET /%zz" + canary + " HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat(canary, 3000) + "\r\n\r\n", "\x16\x03\x01" + canary,
	} {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			s.t.Fatal(err)
		}
		conn.SetDeadline(time.Now().Add(300 * time.Millisecond))
		io.WriteString(conn, text)
		answer, _ := io.ReadAll(conn) // ends with the connection, or the deadline
		s.tap.refused.Write(answer)
		conn.Close()
	}
}
