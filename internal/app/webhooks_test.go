package app_test

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	wardkeep "wardkeep/client"
	"wardkeep/internal/app"
	"wardkeep/internal/app/apptest"
	"wardkeep/internal/base/db"
	"wardkeep/internal/catalog"
	"wardkeep/internal/webhook"
)

// A hook is a system of the operator's that is told of events.
type hook struct {
	*httptest.Server
	mu    sync.Mutex
	ids   []string          // of the events that arrived first, in order
	body  map[string]string // by id
	child map[string]string
	twice int                 // how many arrived again
	held  chan struct{}       // while it isn't nil, no answer is given before it is closed
	came  chan struct{}       // one for each arrival
	wrong map[string]struct{} // ids that came with another body
	kinds map[string]struct{} // a child and what happened to it

	refuse func(wardkeep.Event) bool // nil: it takes all
	secret string
}

// hooked gives an installation an endpoint on this machine, at a path.
func hooked(t *testing.T, in *apptest.Installation, path string) *hook {
	t.Helper()
	h := &hook{body: map[string]string{}, child: map[string]string{}, came: make(chan struct{}, 100_000), wrong: map[string]struct{}{}, kinds: map[string]struct{}{}}
	h.Server = httptest.NewUnstartedServer(h)
	h.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError) // of those who were killed
	h.StartTLS()
	t.Cleanup(h.Close)
	authority := filepath.Join(in.Dir, "receiver.pem")
	text, err := os.ReadFile(in.File)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{
		authority: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: h.Certificate().Raw}),
		in.File:   fmt.Appendf(text, "webhooks:\n  allow: [127.0.0.1/32]\n  ca_file: %s\n", authority),
	} {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if in.Config, err = app.LoadConfig(in.File); err != nil {
		t.Fatal(err)
	}
	a := in.Open(apptest.Discard())
	to, err := webhook.ParseAddress(h.URL+path, a.Allowed())
	if err != nil {
		t.Fatal(err)
	}
	in.Do(a, func(ctx context.Context, tx *db.Tx) (err error) {
		_, h.secret, _, err = webhook.Add(ctx, tx, a.Ring, catalog.Operator{ID: "test"}, apptest.Service, to, nil, "")
		return err
	})
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	return h
}

// ServeHTTP keeps what arrives.
func (h *hook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	var e wardkeep.Event
	json.Unmarshal(body, &e)
	id := r.Header.Get("webhook-id")
	h.mu.Lock()
	if former, seen := h.body[id]; seen {
		h.twice++
		if former != string(body) {
			h.wrong[id] = struct{}{}
		}
	} else {
		h.ids, h.body[id], h.child[id] = append(h.ids, id), string(body), e.Child
	}
	h.kinds[e.Child+" "+e.Type] = struct{}{}
	held := h.held
	h.mu.Unlock()
	h.came <- struct{}{}
	if held != nil {
		<-held
	}
	if h.refuse != nil && h.refuse(e) {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
}

// await waits until it was told that something happened to a child.
func (h *hook) await(t *testing.T, child, kind string) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		h.mu.Lock()
		_, came := h.kinds[child+" "+kind]
		h.mu.Unlock()
		if came {
			return
		}
	}
	t.Errorf("no %s was told", kind)
}

// bodies returns all that has arrived.
func (h *hook) bodies() []byte {
	h.mu.Lock()
	defer h.mu.Unlock()
	return []byte(strings.Join(slices.Collect(maps.Values(h.body)), "\n"))
}

// hold keeps everybody waiting until release.
func (h *hook) hold() (release func()) {
	held := make(chan struct{})
	h.mu.Lock()
	defer h.mu.Unlock()
	h.held = held
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.held = nil
		close(held)
	}
}

// kill -9 loses no event, whether it comes before the receiver has answered or right
// after. What is sent again has the same id and the same body, and of a child no event
// arrives before the one that it followed.
func TestInvariant12_KillNineLosesNoWebhook(t *testing.T) {
	apptest.EachAtOnce(t, func(t *testing.T, in *apptest.Installation) {
		h := hooked(t, in, "")
		for round := range 4 {
			release := func() {}
			if round%2 == 0 {
				release = h.hold()
			}
			server := in.Start().Await()
			c := in.Client(server.Base)
			for range 3 {
				if _, err := c.Register(t.Context(), apptest.NewChild()); err != nil {
					t.Fatal(err)
				}
			}
			for range round + 1 { // so many arrivals, and it is killed in the middle of the next
				select {
				case <-h.came:
				case <-time.After(30 * time.Second):
					t.Fatalf("round %d: nothing arrives\n%s", round, server.Log())
				}
			}
			server.Kill()
			release()
			if bytes.Contains(server.Log(), []byte(`"level":"ERROR"`)) {
				t.Errorf("the server complains:\n%s", server.Log())
			}
			a := in.Open(apptest.Discard())
			in.Do(a, func(ctx context.Context, tx *db.Tx) error { // as if its time went by
				_, err := tx.Exec(ctx, `DELETE FROM lease WHERE name = $1`, "webhooks")
				return err
			})
			if err := a.Close(); err != nil {
				t.Fatal(err)
			}
		}
		server := in.Start().Await()
		want := happened(t, in, server.Base, 4*3*2)
		for end := time.Now().Add(60 * time.Second); ; time.Sleep(50 * time.Millisecond) {
			h.mu.Lock()
			n := len(h.ids)
			h.mu.Unlock()
			if n >= len(want) {
				break
			}
			if time.Now().After(end) {
				t.Fatalf("%d of %d arrived\n%s", n, len(want), server.Log())
			}
		}
		server.Kill()
		h.mu.Lock()
		defer h.mu.Unlock()
		if h.twice == 0 || len(h.wrong) > 0 {
			t.Errorf("%d arrived twice, %d of them with another body", h.twice, len(h.wrong))
		}
		got := map[string][]string{}
		for _, id := range h.ids {
			got[h.child[id]] = append(got[h.child[id]], id)
		}
		for child, ids := range byChild(want) {
			if !slices.Equal(got[child], ids) {
				t.Errorf("of %s arrived %v, want %v", child, got[child], ids)
			}
		}
		if len(got) != len(byChild(want)) {
			t.Errorf("of %v arrived something, want %v", slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(byChild(want))))
		}
	})
}

// happened waits until there are so many events about children, and returns them.
func happened(t *testing.T, in *apptest.Installation, base string, least int) (all []wardkeep.Event) {
	t.Helper()
	c := in.Client(base)
	for end := time.Now().Add(30 * time.Second); len(all) < least; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d events", len(all))
		}
		page, err := c.Events(t.Context(), "", 1000)
		if err != nil {
			t.Fatal(err)
		}
		all = slices.DeleteFunc(page.Events, func(e wardkeep.Event) bool { return e.Child == "" })
	}
	return all
}

func byChild(events []wardkeep.Event) map[string][]string {
	all := map[string][]string{}
	for _, e := range events {
		all[e.Child] = append(all[e.Child], e.ID)
	}
	return all
}
