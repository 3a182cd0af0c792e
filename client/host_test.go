package wardkeep_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http/httptest"
	"os"
	"testing"

	"wardkeep/client"
	"wardkeep/internal/api"
	"wardkeep/internal/base/db/dbtest"
	"wardkeep/internal/ledger"
	"wardkeep/internal/notify"
	"wardkeep/internal/vault/vaulttest"
)

// A server is the real server in process, with a service in order: examples and
// tests talk to it over HTTP.
type server struct {
	*httptest.Server
	key    string
	outbox *notify.Outbox
	ledger *ledger.Log
}

func start(t testing.TB) *server {
	t.Helper()
	w := vaulttest.New(t, dbtest.New(t))
	signer, verifier, err := ledger.NewSigner("wardkeep.example/sdk", w.Ring.Signer().Seed())
	if err != nil {
		t.Fatal(err)
	}
	s := &server{key: w.Key, outbox: notify.NewOutbox(10), ledger: ledger.Open(w.Store, "wardkeep.example/sdk", signer)}
	edge := &api.Server{
		Store: w.Store, Ring: w.Ring, Vault: w.Vault, Charters: w.Desk.Charters, Ledger: s.ledger, LedgerKey: verifier,
		Messages: notify.Router{notify.SMS: s.outbox}, PublicURL: "https://wardkeep.example", Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
	}
	s.Server = httptest.NewServer(edge.Handler())
	t.Cleanup(s.Close)
	return s
}

// client returns a client of the server's service.
func (s *server) client() *wardkeep.Client {
	c, err := wardkeep.New(s.URL, vaulttest.Service, s.key)
	if err != nil {
		panic(err)
	}
	c.Lang = "en"
	return c
}

// A stage is what an example has in place of a test.
type stage struct {
	testing.TB
	ends []func()
}

// example starts a server for an example; end closes it.
func example() (s *server, end func()) {
	on := new(stage)
	s = start(on)
	return s, func() {
		for i := len(on.ends) - 1; i >= 0; i-- {
			on.ends[i]()
		}
	}
}

func (*stage) Helper()                  {}
func (*stage) Context() context.Context { return context.Background() }
func (s *stage) Cleanup(end func())     { s.ends = append(s.ends, end) }
func (*stage) Fatal(args ...any)        { panic(fmt.Sprint(args...)) }

func (s *stage) TempDir() string {
	dir, err := os.MkdirTemp("", "wardkeep-example-")
	if err != nil {
		panic(err)
	}
	s.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}
