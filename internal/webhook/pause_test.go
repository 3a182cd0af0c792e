package webhook_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/vault/vaulttest"
	"wardkeep/internal/webhook"
)

// act does something about the endpoint, and returns what came of it.
func (p *post) act(fn func(ctx context.Context, tx *db.Tx, by webhook.Actor, service, endpoint string) (string, error)) error {
	return p.Try(func(ctx context.Context, tx *db.Tx) error {
		_, err := fn(ctx, tx, terminal, vaulttest.Service, p.endpoint.ID)
		return err
	})
}

// What happens during a pause waits, in its order, and nothing of it is parked for it.
func TestWebhook_APauseLosesNothing(t *testing.T) {
	each(t, func(t *testing.T, p *post) {
		p.receiver.answers(func(http.ResponseWriter, *http.Request, got) int { return http.StatusServiceUnavailable })
		p.Child()
		p.pass()
		if len(p.waits(false)) == 0 {
			t.Fatal("nothing waits")
		}
		if err := p.act(webhook.Resume); !errors.Is(err, webhook.ErrNotPaused) {
			t.Errorf("resumed before it was paused: %v", err)
		}
		if err := p.act(webhook.Pause); err != nil {
			t.Fatal(err)
		}
		if err := p.act(webhook.Pause); !errors.Is(err, webhook.ErrPaused) {
			t.Errorf("paused twice: %v", err)
		}
		p.receiver.all()
		p.receiver.answers(nil)
		p.Pass(2 * webhook.Patience)
		p.Child()
		p.pass()
		if n := p.receiver.count(); n != 0 {
			t.Errorf("%d events were sent during the pause", n)
		}
		p.view(func(ctx context.Context, tx *db.Tx) error {
			e, err := webhook.Find(ctx, tx, vaulttest.Service, p.endpoint.ID)
			if err != nil {
				return err
			}
			through, err := e.Through(ctx, tx, tx.Now())
			if through {
				t.Error("a paused endpoint has had what waits for it")
			}
			return err
		})
		if err := p.act(webhook.Resume); err != nil {
			t.Fatal(err)
		}
		p.pass()
		if got, want := sorted(ids(p.receiver.all(), "")), sorted(p.told("")); !slices.Equal(got, want) || len(p.waits(true)) != 0 {
			t.Errorf("%d of %d events arrived, %d are parked", len(got), len(want), len(p.waits(true)))
		}
	})
}

// An endpoint that is changed is told of the new types at the new address, under its own
// secret; what its row said before opens nothing.
func TestWebhook_AChangeKeepsTheSecret(t *testing.T) {
	each(t, func(t *testing.T, p *post) {
		var before []byte
		p.view(func(ctx context.Context, tx *db.Tx) (err error) {
			before, err = db.One(ctx, tx, db.Single[[]byte], `SELECT sealed FROM webhook_endpoint WHERE endpoint = $1`, p.endpoint.ID)
			return err
		})
		to, err := webhook.ParseAddress(p.receiver.server.URL+"/elsewhere", loopback)
		if err != nil {
			t.Fatal(err)
		}
		change := func(to webhook.Address, types ...string) error {
			return p.Try(func(ctx context.Context, tx *db.Tx) error {
				_, err := webhook.Change(ctx, tx, p.Ring, terminal, vaulttest.Service, p.endpoint.ID, to, types)
				return err
			})
		}
		if err := change(to, "child.read"); !errors.Is(err, webhook.ErrType) {
			t.Errorf("a type that there isn't: %v", err)
		}
		if err := change(to, "consent.*"); err != nil {
			t.Fatal(err)
		}
		if err := change(webhook.Address{}, "child.*"); err != nil {
			t.Fatal(err)
		}
		var at []string
		p.receiver.answers(func(_ http.ResponseWriter, r *http.Request, g got) int {
			at = append(at, r.URL.Path+" "+g.event.Type)
			return http.StatusNoContent
		})
		p.Child()
		p.pass()
		if len(at) == 0 || slices.ContainsFunc(at, func(s string) bool { return s[:len("/elsewhere child.")] != "/elsewhere child." }) {
			t.Errorf("it was told %q", at)
		}
		for _, g := range p.receiver.all() {
			if !signed(t, p.secret, g) {
				t.Error("it is signed by another secret")
			}
		}
		p.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := tx.Exec(ctx, `UPDATE webhook_endpoint SET sealed = $1 WHERE endpoint = $2`, before, p.endpoint.ID)
			return err
		})
		p.view(func(ctx context.Context, tx *db.Tx) error {
			e, err := webhook.Find(ctx, tx, vaulttest.Service, p.endpoint.ID)
			if err != nil {
				return err
			}
			if _, err := e.Address(p.Ring); !errors.Is(err, webhook.ErrNotIntact) {
				t.Errorf("its former address opens: %v", err)
			}
			return nil
		})
		p.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := webhook.Remove(ctx, tx, terminal, vaulttest.Service, p.endpoint.ID)
			return err
		})
	})
}

// Deliveries are read in pages, all or those alone that are parked.
func TestWebhook_DeliveriesArePages(t *testing.T) {
	each(t, func(t *testing.T, p *post) {
		p.receiver.answers(func(http.ResponseWriter, *http.Request, got) int { return http.StatusServiceUnavailable })
		for range 4 {
			p.Child()
		}
		p.pass()
		list := func(parked bool, after int64) (all []webhook.Delivery) {
			p.view(func(ctx context.Context, tx *db.Tx) (err error) {
				all, err = p.endpoint.Deliveries(ctx, tx, parked, after, 3)
				return err
			})
			return all
		}
		var places []int64
		for after := int64(-1); ; {
			page := list(false, after)
			if len(page) == 0 {
				break
			}
			for _, d := range page {
				places = append(places, d.Place)
			}
			after = page[len(page)-1].Place
		}
		if n := p.numbers(); int64(len(places)) != n.Waiting || !slices.IsSorted(places) || len(places) < 4 {
			t.Errorf("%v, of %d", places, n.Waiting)
		}
		if parked := list(true, -1); len(parked) != 0 {
			t.Errorf("parked: %v", parked)
		}
		p.Pass(webhook.Patience + time.Hour)
		p.pass()
		if parked := list(true, -1); len(parked) != 3 || parked[0].Failure == "" || parked[0].Tries == 0 {
			t.Errorf("parked: %v", parked)
		}
	})
}
