package verification_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"wardkeep/internal/base/pii"
	"wardkeep/internal/notify"
	"wardkeep/internal/verification"
)

// The one test against a real HTTP server: what is asked is signed, whole and
// nothing more; what is answered is taken only as it must be.
func TestAProviderIsAskedOverHTTP(t *testing.T) {
	secret := []byte(strings.Repeat("s", 32))
	// A handler may still write when its question has been given up.
	var mu sync.Mutex
	var next func(w http.ResponseWriter)
	var body []byte
	var header http.Header
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got, _ := io.ReadAll(r.Body)
		mu.Lock()
		header, body = r.Header.Clone(), got
		answer := next
		mu.Unlock()
		answer(w)
	}))
	answers := func(fn func(w http.ResponseWriter)) {
		mu.Lock()
		defer mu.Unlock()
		next = fn
	}
	defer server.Close()
	h := hook(t, server.URL+"/check", secret)
	p := verification.Webhook(h)
	q := verification.Question{Type: verification.QuestionMatch, Verification: "ve_1", Name: pii.New("王芳"), Number: pii.New(adult)}
	says := func(status int, text string) func(w http.ResponseWriter) {
		return func(w http.ResponseWriter) { w.WriteHeader(status); io.WriteString(w, text) }
	}

	answers(says(200, `{"result":"match","reference":"a-1","extra":true}`))
	reply, err := p.Ask(t.Context(), q)
	if err != nil || reply.Result != verification.ResultMatch || reply.Reference != "a-1" {
		t.Fatalf("%+v, %v", reply, err)
	}
	if !p.Signed(header, body, time.Now()) || header.Get("webhook-id") != "ve_1" || header.Get("User-Agent") != "" {
		t.Errorf("the question isn't signed: %v", header)
	}
	var got map[string]string
	if err := json.Unmarshal(body, &got); err != nil || len(got) != 4 || got["name"] != "王芳" || got["number"] != adult || got["type"] != "identity.match" {
		t.Errorf("asked %d fields, %v", len(got), err)
	}

	// A reference that is the number, or could be a name, isn't kept.
	for _, text := range []string{adult, "王芳", "a b", strings.Repeat("x", 65)} {
		answers(says(200, `{"result":"no_match","reference":"`+text+`"}`))
		if reply, err = p.Ask(t.Context(), q); err != nil || reply.Reference != "" || reply.Result != verification.ResultNoMatch {
			t.Errorf("%+v, %v", reply, err)
		}
	}
	for name, a := range map[string]func(w http.ResponseWriter){
		"no JSON":       says(200, adult),
		"no result":     says(200, `{}`),
		"a new result":  says(200, `{"result":"maybe"}`),
		"an error":      says(500, `{"result":"match"}`),
		"a refusal":     says(400, `{"result":"match"}`),
		"another place": func(w http.ResponseWriter) { w.Header().Set("Location", server.URL+"/x"); w.WriteHeader(302) },
		"too much":      says(200, `{"result":"match"`+strings.Repeat(" ", 70<<10)+`}`),
		"half of it": func(w http.ResponseWriter) {
			w.Header().Set("Content-Length", "100")
			io.WriteString(w, `{"result":"match"}`)
		},
		"nothing": func(http.ResponseWriter) { panic(http.ErrAbortHandler) },
	} {
		answers(a)
		reply, err := p.Ask(t.Context(), q)
		if err == nil || reply != (verification.Reply{}) {
			t.Errorf("%s: %+v, %v", name, reply, err)
		}
		if err != nil && (strings.Contains(err.Error(), adult) || strings.Contains(err.Error(), server.URL)) {
			t.Errorf("%s: the error tells %v", name, err)
		}
	}
	server.Close()
	if _, err := p.Ask(t.Context(), q); !errors.Is(err, notify.ErrUnavailable) {
		t.Errorf("nobody there: %v", err)
	}
}

func TestAHookIsSecretAndEncrypted(t *testing.T) {
	for _, url := range []string{"", "http://provider.example/", "https://user:pass@provider.example/", "ftp://provider.example/", "://"} {
		if _, err := notify.NewHook(notify.HookConfig{URL: url, SecretFile: "none"}); err == nil || !strings.Contains(err.Error(), "url") {
			t.Errorf("%q: %v", url, err)
		}
	}
	if _, err := notify.NewHook(notify.HookConfig{URL: "https://provider.example/", SecretFile: "nowhere"}); err == nil {
		t.Error("it needs no secret")
	}
}
