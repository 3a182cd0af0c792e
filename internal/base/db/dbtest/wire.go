package dbtest

import (
	"bytes"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"wardkeep/internal/base/db"
)

// A Wire lies between a store and PostgreSQL, and can break.
type Wire struct {
	losing atomic.Bool
	down   atomic.Bool

	mu    sync.Mutex
	ends  map[net.Conn]bool
	lines sync.WaitGroup
}

// LoseCommit breaks the wire at the next commit: when PostgreSQL has answered
// it, and before the store hears.
func (w *Wire) LoseCommit() { w.losing.Store(true) }

// Cut breaks all connections; until Mend there are no new ones.
func (w *Wire) Cut() {
	w.down.Store(true)
	w.mu.Lock()
	defer w.mu.Unlock()
	for c := range w.ends {
		c.Close()
	}
}

// Mend takes connections again.
func (w *Wire) Mend() { w.down.Store(false) }

// Wired returns an empty, migrated PostgreSQL store that is reached over a Wire.
func Wired(t testing.TB) (*db.DB, *Wire) {
	t.Helper()
	direct := PostgresURL(t)
	config, err := pgx.ParseConfig(direct)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &Wire{ends: make(map[net.Conn]bool)}
	w.lines.Go(func() { w.take(l, config) })
	t.Cleanup(func() {
		l.Close()
		w.Cut()
		w.lines.Wait()
	})
	u, err := url.Parse(direct)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Del("host")
	q.Set("sslmode", "disable")
	u.Host, u.RawQuery = l.Addr().String(), q.Encode()
	store, err := db.OpenPostgres(u.String())
	return migrated(t, store, err), w
}

func (w *Wire) take(l net.Listener, config *pgx.ConnConfig) {
	network, address := pgconn.NetworkAddress(config.Host, config.Port)
	for {
		near, err := l.Accept()
		if err != nil {
			return
		}
		far, err := net.Dial(network, address)
		if err != nil || !w.keep(near, far) {
			near.Close()
			continue
		}
		w.lines.Go(func() { carry(far, near, func([]byte) bool { return false }) })
		w.lines.Go(func() { carry(near, far, w.lost) })
	}
}

// keep remembers the two ends of a connection, unless the wire is down.
func (w *Wire) keep(near, far net.Conn) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.down.Load() {
		far.Close()
		return false
	}
	w.ends[near], w.ends[far] = true, true
	return true
}

// committed is PostgreSQL's answer to COMMIT: CommandComplete, its length, the tag.
var committed = []byte("C\x00\x00\x00\x0bCOMMIT\x00")

func (w *Wire) lost(b []byte) bool {
	return bytes.Contains(b, committed) && w.losing.CompareAndSwap(true, false)
}

// carry copies until an end closes, or breaks says so of what would be next.
func carry(to, from net.Conn, breaks func([]byte) bool) {
	defer to.Close()
	defer from.Close()
	b := make([]byte, 64<<10)
	for {
		n, err := from.Read(b)
		if err != nil || breaks(b[:n]) {
			return
		}
		if _, err := to.Write(b[:n]); err != nil {
			return
		}
	}
}
