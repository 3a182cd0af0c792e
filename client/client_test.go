package wardkeep_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"wardkeep/client"
	"wardkeep/internal/vault/vaulttest"
)

// A flaky is a network between client and server that loses requests, and
// answers, and a proxy that is busy.
type flaky struct {
	to   http.Handler
	mu   sync.Mutex
	keys []string // the idempotency keys that came
	does []string // what happens to the next requests
}

func (f *flaky) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	f.keys = append(f.keys, r.Header.Get("Idempotency-Key"))
	do := "pass"
	if len(f.does) > 0 {
		do, f.does = f.does[0], f.does[1:]
	}
	f.mu.Unlock()
	switch do {
	case "lose":
		panic(http.ErrAbortHandler)
	case "lose the answer":
		f.to.ServeHTTP(httptest.NewRecorder(), r)
		panic(http.ErrAbortHandler)
	case "busy":
		w.Header().Set("Retry-After", "0")
		w.WriteHeader(http.StatusServiceUnavailable)
	case "bad":
		http.Error(w, "<html>a proxy's page</html>", http.StatusBadGateway)
	default:
		f.to.ServeHTTP(w, r)
	}
}

func between(t *testing.T, s *server, does ...string) (*flaky, *wardkeep.Client) {
	t.Helper()
	u, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	f := &flaky{to: httputil.NewSingleHostReverseProxy(u), does: does}
	front := httptest.NewServer(f)
	t.Cleanup(front.Close)
	c, err := wardkeep.New(front.URL, vaulttest.Service, s.key)
	if err != nil {
		t.Fatal(err)
	}
	c.Wait = time.Millisecond
	return f, c
}

var someone = wardkeep.NewChild{Ref: "r1", Guardian: wardkeep.GuardianContact{Phone: "13800138000"}}

// A call is done once, whatever the network does.
func TestRetriesDoNothingTwice(t *testing.T) {
	s := start(t)
	f, c := between(t, s, "lose", "lose the answer", "busy")
	child, err := c.Register(t.Context(), someone)
	if err != nil {
		t.Fatal(err)
	}
	if len(f.keys) != 4 || f.keys[0] == "" {
		t.Fatalf("%q", f.keys)
	}
	for _, k := range f.keys {
		if k != f.keys[0] {
			t.Errorf("another key for the same call: %q", f.keys)
		}
	}
	if child.ID == "" || child.Entry == "" {
		t.Errorf("%+v", child)
	}
	if _, err := c.Register(t.Context(), someone); !errors.Is(err, wardkeep.ErrRefTaken) {
		t.Errorf("a second call is a call of its own: %v", err)
	}
	if f.keys[4] == f.keys[0] {
		t.Error("the key of the first call")
	}
}

func TestRetriesEnd(t *testing.T) {
	s := start(t)
	f, c := between(t, s, "busy", "busy", "busy", "busy", "busy")
	_, err := c.Register(t.Context(), someone)
	var p *wardkeep.Problem
	if !errors.As(err, &p) || p.Status != 503 || len(f.keys) != 4 {
		t.Errorf("%v after %d tries", err, len(f.keys))
	}
	// What the server refuses isn't tried again, nor what a proxy can't tell.
	f, c = between(t, s, "bad")
	_, err = c.Register(t.Context(), someone)
	if !errors.As(err, &p) || p.Status != 502 || len(f.keys) != 1 || strings.Contains(err.Error(), "html") {
		t.Errorf("%v after %d tries", err, len(f.keys))
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, c = between(t, s, "busy", "busy", "busy", "busy")
	c.Wait = time.Minute
	if _, err := c.Register(ctx, someone); !errors.Is(err, context.DeadlineExceeded) && !errors.As(err, &p) {
		t.Errorf("%v", err)
	}
}

func TestOneKeyOverARestart(t *testing.T) {
	s := start(t)
	ctx := wardkeep.WithIdempotencyKey(t.Context(), "import-7")
	first, err := s.client().Register(ctx, someone)
	if err != nil {
		t.Fatal(err)
	}
	again, err := s.client().Register(ctx, someone)
	if err != nil || again.ID != first.ID || again.Entry != first.Entry {
		t.Errorf("%+v, %v", again, err)
	}
	other := someone
	other.Ref = "r2"
	if _, err := s.client().Register(ctx, other); !errors.Is(err, wardkeep.ErrIdempotencyReused) {
		t.Errorf("%v", err)
	}
}

func TestErrorsAreTyped(t *testing.T) {
	p := &wardkeep.Problem{Code: "gate.denied", Reasons: []wardkeep.Reason{{Code: "gate.consent_missing"}, {Code: "gate.frozen"}}}
	err := fmt.Errorf("wrapped: %w", p)
	for _, is := range []error{wardkeep.ErrDenied, wardkeep.ErrConsentMissing, wardkeep.ErrFrozen} {
		if !errors.Is(err, is) {
			t.Errorf("not %v", is)
		}
	}
	if errors.Is(err, wardkeep.ErrConsentStale) || !p.Has("gate.frozen") {
		t.Error("a reason that isn't there, or none that is")
	}
}

// A key and a reference are in no text that a program prints by accident.
func TestClientTellsNothing(t *testing.T) {
	c, err := wardkeep.New("https://127.0.0.1:1", "s", "wk_live_secret")
	if err != nil {
		t.Fatal(err)
	}
	c.Tries = 1
	_, err = c.Child(t.Context(), wardkeep.Ref("zhang-san"))
	text := fmt.Sprintf("%v %+v %#v %s", c, c, c, err)
	if strings.Contains(text, "secret") || strings.Contains(text, "zhang-san") || err == nil {
		t.Error(text)
	}
	for _, bad := range []string{"", "wardkeep", "ftp://x", "https://u:p@x", "https://x?y"} {
		if _, err := wardkeep.New(bad, "s", "k"); err == nil {
			t.Errorf("%q is an address", bad)
		}
	}
}
