package app

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/db/dbtest"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/ledger"
)

// A probed is a node that a load balancer asks.
type probed struct {
	*App
	t    *testing.T
	h    http.Handler
	late time.Duration
	log  *lockedBuffer
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// probe opens a node, on another store if one is given.
func probe(t *testing.T, c Config, store *db.DB) *probed {
	p := &probed{App: node(t, c), t: t, log: new(lockedBuffer)}
	if store != nil {
		p.Store = store
	}
	began := time.Now()
	p.Store.Now = func() time.Time { return began.Add(p.late) }
	p.Log = slog.New(slog.NewJSONHandler(p.log, nil))
	p.h = p.Handler()
	return p
}

// asked asks both, a second later, and fails the test unless this is what they say. A
// stranger is told nothing else.
func (p *probed) asked(ready bool) {
	p.t.Helper()
	p.late += readyFor
	for path, ok := range map[string]bool{livePath: true, readyPath: ready} {
		want, says := http.StatusOK, "ok\n"
		if !ok {
			want, says = http.StatusServiceUnavailable, "no\n"
		}
		w := httptest.NewRecorder()
		p.h.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		if w.Code != want || w.Body.String() != says || len(w.Header()) != 3 {
			p.t.Errorf("%s: %d %q %v, want %d", path, w.Code, w.Body, w.Header(), want)
		}
	}
}

func (p *probed) do(query string, args ...any) {
	p.t.Helper()
	if err := p.Store.Update(p.t.Context(), func(tx *db.Tx) error { _, err := tx.Exec(p.t.Context(), query, args...); return err }); err != nil {
		p.t.Fatal(err)
	}
}

func TestReadyz_TakesANodeOutThatCanNotAnswer(t *testing.T) {
	eachEngine(t, func(t *testing.T, c Config) {
		p := probe(t, c, nil)
		p.asked(true)

		// An entry waits too long for its place.
		if err := p.Store.Update(t.Context(), func(tx *db.Tx) error {
			_, err := ledger.Append(t.Context(), tx, ledger.Entry{Kind: "test.kind", Actor: "test"})
			return err
		}); err != nil {
			t.Fatal(err)
		}
		p.asked(true)
		p.late += 31 * time.Second
		p.asked(false)
		p.asked(false)
		if n := strings.Count(p.log.String(), `"not ready","checks":"ledger api.ledger_behind"`); n != 1 {
			t.Errorf("the log says why %d times:\n%s", n, p.log)
		}
		if _, err := p.Ledger.Sequence(t.Context()); err != nil {
			t.Fatal(err)
		}
		p.asked(true)

		// A later release has migrated the store.
		p.do(`INSERT INTO goose_db_version (version_id, is_applied) VALUES ($1, $2)`, 999, true)
		p.asked(false)
		p.do(`DELETE FROM goose_db_version WHERE version_id = $1`, 999)
		p.asked(true)

		// The keys are wrapped by another key-encryption key than this process has.
		p.do(`UPDATE keyring_key SET kek = 'another' WHERE id <> $1`, "")
		var seen []keyring.Stored
		for range 2 { // the second look finds nothing new, and what was wrong still is
			var err error
			if seen, err = p.reload(t.Context(), seen); err == nil {
				t.Error("another key-encryption key is no error")
			}
			p.asked(false)
		}
		p.do(`UPDATE keyring_key SET kek = $1 WHERE kek = 'another'`, p.KEK.Name())
		if _, err := p.reload(t.Context(), seen); err != nil {
			t.Error(err)
		}
		p.asked(true)
		for _, check := range []string{"store db.newer", "keys keyring."} {
			if !strings.Contains(p.log.String(), check) {
				t.Errorf("the log doesn't say %s", check)
			}
		}

		// One look serves everybody for a second, however long it took.
		at := p.Store.Now().Add(readyFor)
		p.Store.Now = func() time.Time { at = at.Add(readyFor * 2 / 5); return at }
		p.asked(true)
		p.do(`INSERT INTO goose_db_version (version_id, is_applied) VALUES ($1, $2)`, 999, true)
		w := httptest.NewRecorder()
		p.h.ServeHTTP(w, httptest.NewRequest("GET", readyPath, nil))
		if w.Code != http.StatusOK {
			t.Error("who asks twice within a second has the store asked twice")
		}
	})
}

func TestReadyz_WhereTheDatabaseIsAway(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) {
		c := Config{DataDir: t.TempDir() + "/data", KeyFile: t.TempDir() + "/key"}
		c.defaults()
		p := probe(t, c, nil)
		p.asked(true)
		if err := p.Store.Scrub(t.Context()); err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(c.storePath())
		if err != nil {
			t.Fatal(err)
		}
		f, err := os.OpenFile(c.storePath(), os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if _, err := f.Write(bytes.Repeat([]byte{0xa5}, len(b))); err != nil { // the disk has died
			t.Fatal(err)
		}
		p.Store.Update(t.Context(), func(tx *db.Tx) error { return db.Beat(t.Context(), tx, "test") }) // whoever writes finds it out
		p.asked(false)
		p.asked(false)
	})
	t.Run("postgres", func(t *testing.T) {
		c := Config{DataDir: t.TempDir() + "/data", KeyFile: t.TempDir() + "/key"}
		c.defaults()
		store, wire := dbtest.Wired(t)
		p := probe(t, c, store)
		p.asked(true)
		wire.Cut()
		p.asked(false)
		wire.Mend()
		p.asked(true)
		if !strings.Contains(p.log.String(), `"checks":"store db.away ledger db.away"`) {
			t.Errorf("%s", p.log)
		}
	})
}

func TestProbes_TakeNothingButGet(t *testing.T) {
	c := Config{DataDir: t.TempDir() + "/data", KeyFile: t.TempDir() + "/key"}
	c.defaults()
	p := probe(t, c, nil)
	for _, path := range []string{livePath, readyPath} {
		for method, want := range map[string]int{"GET": 200, "HEAD": 200, "POST": 405, "DELETE": 405, "BREW": 405} {
			w := httptest.NewRecorder()
			p.h.ServeHTTP(w, httptest.NewRequest(method, path, nil))
			if w.Code != want || (method == "HEAD") != (w.Body.Len() == 0) {
				t.Errorf("%s %s: %d %q", method, path, w.Code, w.Body)
			}
		}
	}
	if strings.Contains(p.log.String(), livePath) {
		t.Error("a probe has a line in the log")
	}
}

// A server that is told to stop says so first, and answers everybody meanwhile.
func TestDrain_ReadyzFailsBeforeConnectionsDo(t *testing.T) {
	c := Config{DataDir: t.TempDir() + "/data", KeyFile: t.TempDir() + "/key", Drain: 700 * time.Millisecond}
	c.defaults()
	a := node(t, c)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	get := func(path string) int {
		r, err := http.Get("http://" + l.Addr().String() + path)
		if err != nil {
			return 0
		}
		defer r.Body.Close()
		io.Copy(io.Discard, r.Body)
		return r.StatusCode
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- a.Serve(ctx, l) }()
	if get(readyPath) != 200 {
		t.Error("it isn't ready")
	}
	told := time.Now()
	stop()
	for get(readyPath) == 200 && time.Since(told) < 10*time.Second {
	}
	if ready, live, page := get(readyPath), get(livePath), get("/openapi.json"); ready != 503 || live != 200 || page != 200 {
		t.Errorf("while it drains: ready %d, live %d, API %d", ready, live, page)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if took := time.Since(told); took < c.Drain {
		t.Errorf("it ended after %v", took)
	}
	if got := get(livePath); got != 0 {
		t.Errorf("it still answers %d", got)
	}
}
