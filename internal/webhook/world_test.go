package webhook_test

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"wardkeep/client"
	"wardkeep/internal/base/db"
	"wardkeep/internal/catalog"
	"wardkeep/internal/family"
	"wardkeep/internal/ledger"
	"wardkeep/internal/replay"
	"wardkeep/internal/vault/vaulttest"
	"wardkeep/internal/webhook"
)

const origin = "wardkeep.example.com/ledger"

var terminal = catalog.Operator{ID: "cli"}

var loopback = webhook.Networks{netip.MustParsePrefix("127.0.0.1/32")}

// tryTime bounds a try in tests.
const tryTime = 400 * time.Millisecond

// A post is a world whose events go to a receiver on this machine.
type post struct {
	*vaulttest.World
	t        *testing.T
	log      *ledger.Log
	said     strings.Builder // what was logged
	receiver *receiver
	d        *webhook.Deliverer
	endpoint webhook.Endpoint
	secret   string
}

// each runs fn with an endpoint that is told of all events from now on. Afterwards the
// ledger must replay.
func each(t *testing.T, fn func(t *testing.T, p *post)) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		signer, _, err := ledger.NewSigner(origin, w.Ring.Signer().Seed())
		if err != nil {
			t.Fatal(err)
		}
		p := &post{World: w, t: t, log: ledger.Open(w.Store, origin, signer), receiver: receive(t)}
		p.flush()
		p.d = p.node(p.client(nil))
		p.endpoint, p.secret = p.add(p.receiver.server.URL + "/hooks?key=of-the-receiver")
		fn(t, p)
		p.flush()
		report, err := replay.Audit(t.Context(), w.Store, w.Ring, catalog.NewCache(4), replay.Options{})
		if err != nil || !report.OK() {
			t.Errorf("%v, %v", report.Differences, err)
		}
	})
}

func (p *post) client(look *net.Resolver) *webhook.Client {
	return webhook.NewClient(webhook.ClientConfig{Allow: loopback, Roots: p.receiver.roots(), Look: look, Time: tryTime})
}

// node is a process that delivers.
func (p *post) node(c *webhook.Client) *webhook.Deliverer {
	return webhook.NewDeliverer(p.Store, p.Vault, c, slog.New(slog.NewTextHandler(&p.said, nil)))
}

func (p *post) add(url string, types ...string) (e webhook.Endpoint, secret string) {
	p.t.Helper()
	to, err := webhook.ParseAddress(url, loopback)
	if err != nil {
		p.t.Fatal(err)
	}
	p.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		e, secret, _, err = webhook.Add(ctx, tx, p.Ring, terminal, vaulttest.Service, to, types, "")
		return err
	})
	return e, secret
}

func (p *post) flush() {
	p.t.Helper()
	if err := p.log.Flush(p.t.Context()); err != nil {
		p.t.Fatal(err)
	}
}

// pass gives what has happened its place and delivers what is due.
func (p *post) pass() {
	p.t.Helper()
	p.flush()
	if turn, err := p.d.Pass(p.t.Context()); err != nil || !turn {
		p.t.Fatalf("%v, %v", turn, err)
	}
}

// waits returns what the endpoint hasn't taken though it was tried.
func (p *post) waits(parked bool) (all []webhook.Delivery) {
	p.t.Helper()
	p.view(func(ctx context.Context, tx *db.Tx) (err error) {
		all, err = p.endpoint.Waiting(ctx, tx, parked, 1000)
		return err
	})
	return all
}

func (p *post) numbers() (n webhook.Numbers) {
	p.t.Helper()
	p.view(func(ctx context.Context, tx *db.Tx) (err error) {
		n, err = p.endpoint.Count(ctx, tx)
		return err
	})
	return n
}

func (p *post) view(fn func(ctx context.Context, tx *db.Tx) error) {
	p.t.Helper()
	ctx := p.t.Context()
	if err := p.Store.View(ctx, func(tx *db.Tx) error { return fn(ctx, tx) }); err != nil {
		p.t.Fatal(err)
	}
}

// told returns the ids of the events in the ledger, in its order: of a child, or all
// with the zero child.
func (p *post) told(child family.ID) (ids []string) {
	p.t.Helper()
	p.flush()
	for _, e := range p.events() {
		if child == "" || e.Child == string(child) {
			ids = append(ids, e.ID)
		}
	}
	return ids
}

// events are all events since the endpoint was added.
func (p *post) events() (all []wardkeep.Event) {
	p.t.Helper()
	p.view(func(ctx context.Context, tx *db.Tx) error {
		entries, err := ledger.Since(ctx, tx, 0, 1<<20)
		if err != nil {
			return err
		}
		children := map[string]family.ID{}
		for _, entry := range entries {
			if !webhook.Tells(entry.Kind) || entry.At.Before(p.endpoint.CreatedAt) {
				continue
			}
			e, err := webhook.Event(ctx, tx, p.Ring, entry, children)
			if err != nil {
				return err
			}
			all = append(all, e)
		}
		return nil
	})
	return all
}

// A got is a POST that arrived.
type got struct {
	header http.Header
	body   []byte
	event  wardkeep.Event
	status int // that it was answered
}

// A receiver is a system of the operator's, with https.
type receiver struct {
	server *httptest.Server

	mu     sync.Mutex
	got    []got
	answer func(w http.ResponseWriter, r *http.Request, g got) int // 0: it did it all itself
}

func receive(t *testing.T) *receiver {
	r := &receiver{}
	r.server = httptest.NewUnstartedServer(r)
	r.server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	r.server.StartTLS()
	t.Cleanup(r.server.Close)
	return r
}

func (r *receiver) roots() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(r.server.Certificate())
	return pool
}

// ServeHTTP keeps what arrives, and answers 204 unless it was told otherwise.
func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	g := got{header: req.Header.Clone(), status: http.StatusNoContent}
	g.body, _ = io.ReadAll(req.Body)
	json.Unmarshal(g.body, &g.event)
	r.mu.Lock()
	answer := r.answer
	r.mu.Unlock()
	if answer != nil {
		g.status = answer(w, req, g)
	}
	r.mu.Lock()
	r.got = append(r.got, g)
	r.mu.Unlock()
	if g.status != 0 {
		w.WriteHeader(g.status)
	}
}

// answers changes what it answers.
func (r *receiver) answers(fn func(w http.ResponseWriter, req *http.Request, g got) int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = fn
}

// all returns what has arrived, and forgets it.
func (r *receiver) all() []got {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := r.got
	r.got = nil
	return all
}

func (r *receiver) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.got)
}

// ids are the events of a child, or all with "", that arrived, in order.
func ids(all []got, child family.ID) (list []string) {
	for _, g := range all {
		if child == "" || g.event.Child == string(child) {
			list = append(list, g.event.ID)
		}
	}
	return list
}

func sorted(list []string) []string { return slices.Sorted(slices.Values(list)) }

// signed reports whether the reference implementation takes a POST with a secret.
func signed(t *testing.T, secret string, g got) bool {
	t.Helper()
	w, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	return w.Verify(g.body, g.header) == nil
}
