package app

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"wardkeep/internal/api"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/console"
	"wardkeep/internal/ledger"
)

// ErrDraining is what a server that has been told to stop says to a load balancer.
var ErrDraining = errs.New(errs.Unavailable, "app.draining")

const (
	// readyFor is how long one look serves everybody who asks: so asking costs the
	// store a read a second, whoever asks and however often.
	readyFor = time.Second
	// readyTime bounds one look: a load balancer gives up soon.
	readyTime = 3 * time.Second
)

// readiness is what /readyz says, and what the log and the metrics say of it.
type readiness struct {
	app      *App
	edge     atomic.Pointer[api.Server] // nil until somebody is served
	draining atomic.Bool
	locked   atomic.Pointer[error] // why new keys can't be opened, if they can't

	mu     sync.Mutex
	looked time.Time
	told   string // what the log said last
	ok     bool
	last   []console.Check
}

// checks are those of the last look, or of one that is made now.
func (y *readiness) checks() []console.Check {
	y.ready()
	y.mu.Lock()
	defer y.mu.Unlock()
	all := slices.Clone(y.last)
	if y.draining.Load() {
		all = slices.DeleteFunc(all, func(c console.Check) bool { return c.Name == "draining" })
		all = append(all, console.Check{Name: "draining", Code: ErrDraining.Code})
	}
	return all
}

// drain has /readyz say no from now on.
func (y *readiness) drain() { y.draining.Store(true) }

// ready reports whether requests should be sent here.
func (y *readiness) ready() bool {
	if y.draining.Load() {
		y.app.Metrics.Ready("draining", false)
		return false
	}
	y.mu.Lock()
	defer y.mu.Unlock()
	now := y.app.Store.Now()
	if age := now.Sub(y.looked); !y.looked.IsZero() && age >= 0 && age < readyFor {
		return y.ok
	}
	// Not the caller's: one that goes away says nothing of the store.
	ctx, cancel := context.WithTimeout(context.Background(), readyTime)
	defer cancel()
	y.ok = y.look(ctx)
	y.looked = y.app.Store.Now() // those who waited while it took its time are served by it, too
	return y.ok
}

// look looks once. What it can't find out counts as a failure (Invariant 3). Who asks
// is told yes or no; which check failed, and why, is for the operator, in the log, once.
func (y *readiness) look(ctx context.Context) bool {
	var waiting time.Time
	read := y.app.Store.View(ctx, func(tx *db.Tx) (err error) {
		if err := db.CheckSchema(ctx, tx); err != nil {
			return err
		}
		waiting, err = ledger.OldestPending(ctx, tx)
		return err
	})
	numbered := read
	if read == nil {
		numbered = y.edge.Load().Numbering(y.app.Store.Now(), waiting)
	}
	ok, why := true, ""
	y.last = nil
	for _, c := range []struct {
		name string
		err  error
	}{{"store", read}, {"keys", y.keys()}, {"ledger", numbered}, {"draining", nil}} {
		y.app.Metrics.Ready(c.name, c.err == nil)
		check := console.Check{Name: c.name}
		if c.err != nil {
			ok, check.Code = false, errs.Of(c.err).Code
			why += c.name + " " + check.Code + " "
		}
		y.last = append(y.last, check)
	}
	if why != y.told {
		y.told = why
		if ok {
			y.app.Log.LogAttrs(ctx, slog.LevelInfo, "ready")
		} else {
			y.app.Log.LogAttrs(ctx, slog.LevelError, "not ready", slog.String("checks", why[:len(why)-1]))
		}
	}
	return ok
}

// keysAre notes whether the newest keys could be opened.
func (y *readiness) keysAre(err error) {
	if err == nil {
		y.locked.Store(nil)
		return
	}
	y.locked.Store(&err)
}

// keys returns why what is stored can't be opened, or nil.
func (y *readiness) keys() error {
	if y.app.Ring.CurrentPool() == "" {
		return keyring.ErrNoRing
	}
	if err := y.locked.Load(); err != nil {
		return *err
	}
	return nil
}

// probes adds the two addresses at which machines ask how this process does. They take
// no key, and say one word. Neither has a line in the log: a load balancer asks every
// second, and what it is told stands there when it changes.
func (y *readiness) probes(path string) http.Handler {
	seen := y.app.Metrics.Route("probe", "GET "+path)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began, status, says := time.Now(), http.StatusOK, "ok\n"
		switch {
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			status, says = http.StatusMethodNotAllowed, "GET\n"
		case path == readyPath && !y.ready():
			status, says = http.StatusServiceUnavailable, "no\n"
		}
		h := w.Header()
		h.Set("Content-Type", "text/plain; charset=utf-8")
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		w.WriteHeader(status)
		if r.Method != http.MethodHead {
			io.WriteString(w, says) // whoever has gone needs no answer
		}
		seen.Done(status, time.Since(began))
	})
}

const (
	livePath  = "/livez"
	readyPath = "/readyz"
)

// edges leads each request to the edge that answers it. It is no ServeMux: what that
// answers itself, such as a redirect to a path in its one form, nobody would see.
type edges struct {
	api, pages, inside, parties, inspectors http.Handler
	live, ready                             http.Handler
}

// ServeHTTP leads on.
func (e *edges) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch path := r.URL.Path; {
	case path == livePath:
		e.live.ServeHTTP(w, r)
	case path == readyPath:
		e.ready.ServeHTTP(w, r)
	case strings.HasPrefix(path, "/v1/"), path == "/docs", path == "/openapi.json":
		e.api.ServeHTTP(w, r)
	case path == "/console", strings.HasPrefix(path, "/console/"):
		e.inside.ServeHTTP(w, r)
	case path == "/party", strings.HasPrefix(path, "/party/"):
		e.parties.ServeHTTP(w, r)
	case path == "/inspector", strings.HasPrefix(path, "/inspector/"):
		e.inspectors.ServeHTTP(w, r)
	default:
		e.pages.ServeHTTP(w, r)
	}
}
