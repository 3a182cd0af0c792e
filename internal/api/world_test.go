package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"wardkeep/client"
	"wardkeep/internal/account"
	"wardkeep/internal/api"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/db/dbtest"
	"wardkeep/internal/ledger"
	"wardkeep/internal/notify"
	"wardkeep/internal/vault/vaulttest"
)

// A world is the real server on a real store, reached over HTTP.
type world struct {
	*vaulttest.World
	server *httptest.Server
	client *wardkeep.Client
	outbox *notify.Outbox
	log    *logBuffer
	key    string // of the ledger
	ledger *ledger.Log
}

func each(t *testing.T, fn func(t *testing.T, w *world)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, store *db.DB) { fn(t, newWorld(t, store, noLimits)) })
}

func newWorld(t testing.TB, store *db.DB, limits api.Limits) *world {
	t.Helper()
	w := &world{World: vaulttest.New(t, store), outbox: notify.NewOutbox(100), log: new(logBuffer)}
	signer, key, err := ledger.NewSigner("wardkeep.example/test", w.Ring.Signer().Seed())
	if err != nil {
		t.Fatal(err)
	}
	w.key, w.ledger = key, ledger.Open(store, "wardkeep.example/test", signer)
	return w.behind(t, func(s *api.Server) { s.Limits = limits })
}

// behind puts another server in front of the world's store.
func (w *world) behind(t testing.TB, change func(*api.Server)) *world {
	t.Helper()
	s := &api.Server{
		Store: w.Store, Ring: w.Ring, Vault: w.Vault, Charters: w.Desk.Charters, Ledger: w.ledger, LedgerKey: w.key,
		Messages:  notify.Router{notify.SMS: w.outbox, notify.Email: w.outbox},
		PublicURL: "https://wardkeep.example", Log: slog.New(slog.NewJSONHandler(w.log, nil)),
	}
	change(s)
	next := *w
	next.server = httptest.NewServer(s.Handler())
	t.Cleanup(next.server.Close)
	next.client = next.connect(w.Key)
	return &next
}

// connect returns a client that tries once, so that a test sees each answer.
func (w *world) connect(key string) *wardkeep.Client {
	w.T.Helper()
	c, err := wardkeep.New(w.server.URL, vaulttest.Service, key)
	if err != nil {
		w.T.Fatal(err)
	}
	c.HTTP, c.Lang, c.Tries = w.server.Client(), "en", 1
	return c
}

// keyWith issues a key with some scopes.
func (w *world) keyWith(scopes ...account.Scope) (app account.App, key string) {
	w.T.Helper()
	set, err := account.NewScopes(scopes...)
	if err != nil {
		w.T.Fatal(err)
	}
	w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		app, key, _, err = account.IssueApp(ctx, tx, w.Officer, vaulttest.Service, "narrow", set, time.Time{})
		return err
	})
	return app, key
}

// sequence gives every entry its place.
func (w *world) sequence() {
	w.T.Helper()
	if _, err := w.ledger.Sequence(context.Background()); err != nil {
		w.T.Fatal(err)
	}
}

// guardian returns the guardian's side of a request.
func (w *world) guardian(r wardkeep.ConsentRequest) *wardkeep.GuardianClient {
	w.T.Helper()
	_, token, ok := strings.Cut(r.URL, "/r/")
	if !ok {
		w.T.Fatal("the request has no link")
	}
	g, err := wardkeep.ForGuardian(w.server.URL, token)
	if err != nil {
		w.T.Fatal(err)
	}
	return g.With(w.client)
}

var sixDigits = regexp.MustCompile(`\b[0-9]{6}\b`)

// code is the newest one-time code.
func (w *world) code() string {
	w.T.Helper()
	return sixDigits.FindString(w.newest(notify.KindCode))
}

// newest is the text of the newest message of a kind. A farewell is sent after the
// answer, so it waits for one.
func (w *world) newest(kind string) string {
	w.T.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		for _, m := range w.outbox.Messages() {
			if m.Kind == kind {
				return m.Text.Reveal()
			}
		}
	}
	w.T.Fatalf("no %s was sent", kind)
	return ""
}

// child registers a child whose guardian agreed to all.
func (w *world) child(ref string) string {
	w.T.Helper()
	ctx := context.Background()
	c := w.must(w.client.Register(ctx, wardkeep.NewChild{Ref: ref, BirthDate: "2017", Guardian: wardkeep.GuardianContact{Phone: "13800138000"}})).(wardkeep.Child)
	r := w.must(w.client.Ask(ctx, wardkeep.Asking{Child: c.ID, Channel: "link", Locale: "zh-CN"})).(wardkeep.ConsentRequest)
	w.must(w.client.Force(ctx, r.ID, "granted"))
	return c.ID
}

func (w *world) must(v any, err error) any {
	w.T.Helper()
	if err != nil {
		w.T.Fatal(err)
	}
	return v
}

// An exchange is an answer, read.
type exchange struct {
	status  int
	header  http.Header
	body    string
	problem wardkeep.Problem
}

// send sends a request as it is given: body may be anything.
func (w *world) send(method, path, body string, headers ...string) exchange {
	w.T.Helper()
	r, err := http.NewRequest(method, w.server.URL+path, strings.NewReader(body))
	if err != nil {
		w.T.Fatal(err)
	}
	if body == "" {
		r.Body = nil
		r.ContentLength = 0
	} else {
		r.Header.Set("Content-Type", "application/json")
	}
	r.Header.Set("Authorization", "Bearer "+w.Key)
	r.Header.Set("Accept-Language", "en")
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
		if headers[i+1] == "" {
			r.Header.Del(headers[i])
		}
	}
	a, err := w.server.Client().Do(r)
	if err != nil {
		w.T.Fatal(err)
	}
	defer a.Body.Close()
	b, err := io.ReadAll(a.Body)
	if err != nil {
		w.T.Fatal(err)
	}
	x := exchange{status: a.StatusCode, header: a.Header, body: string(b)}
	if a.StatusCode >= 400 {
		if got := a.Header.Get("Content-Type"); got != "application/problem+json" {
			w.T.Errorf("%s: a refusal of type %q", path, got)
		}
		if err := json.Unmarshal(b, &x.problem); err != nil {
			w.T.Errorf("%s: %v", path, err)
		}
	}
	return x
}

// refused fails the test unless the answer is this refusal, with its words.
func (x exchange) refused(t testing.TB, status int, code string) {
	t.Helper()
	p := x.problem
	if x.status != status || p.Code != code {
		t.Errorf("got %d %s (%s), want %d %s", x.status, p.Code, p.Field, status, code)
		return
	}
	if p.Status != status || p.Title == "" || p.Type != "/docs#"+code || !strings.HasPrefix(p.RequestID, "rq_") ||
		p.RequestID != x.header.Get("X-Request-Id") || p.Detail == "" || p.Detail == code {
		t.Errorf("not a whole problem: %+v", p)
	}
}

const base = "/v1/services/" + vaulttest.Service

// A logBuffer collects the log.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

var noLimits = api.Limits{PerParty: 20_000}

// storeOf returns an empty SQLite store, for tests that don't depend on it.
func storeOf(t testing.TB) *db.DB { return dbtest.New(t) }
