package rights_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/base/workday"
	"wardkeep/internal/catalog"
	"wardkeep/internal/family"
	"wardkeep/internal/replay"
	"wardkeep/internal/rights"
	"wardkeep/internal/vault/vaulttest"
)

// A world is a service in order, with a desk for demands.
type world struct {
	*vaulttest.World
	t    *testing.T
	desk rights.Desk
}

// each runs fn on both databases, and wants what it did to replay.
func each(t *testing.T, fn func(t *testing.T, w *world)) {
	vaulttest.Each(t, func(t *testing.T, v *vaulttest.World) {
		fn(t, &world{World: v, t: t, desk: rights.Desk{Ring: v.Ring, Charters: v.Desk.Charters, Calendar: workday.Default()}})
		report, err := replay.Audit(t.Context(), v.Store, v.Ring, catalog.NewCache(4), replay.Options{})
		if err != nil || !report.OK() {
			t.Errorf("%v, %v", report.Differences, err)
		}
	})
}

// receive takes a demand.
func (w *world) receive(by family.Actor, c family.Child, ask rights.Demand) (r rights.Request, err error) {
	err = w.Try(func(ctx context.Context, tx *db.Tx) (err error) {
		r, _, err = w.desk.Receive(ctx, tx, by, c, ask)
		return err
	})
	return r, err
}

// received takes a demand that nothing speaks against.
func (w *world) received(by family.Actor, c family.Child, ask rights.Demand) rights.Request {
	w.t.Helper()
	r, err := w.receive(by, c, ask)
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

// grandmother ties somebody to the child who is no guardian.
func (w *world) grandmother(c family.Child) (g family.Guardian) {
	w.t.Helper()
	w.Do(func(ctx context.Context, tx *db.Tx) error {
		child, err := family.Lock(ctx, tx, c.Service, c.ID)
		if err != nil {
			return err
		}
		g, _, err = w.Vault.Gate.AddGuardian(ctx, tx, w.App, child, family.Person{Relation: family.Other, Phone: pii.New("13700000000")})
		return err
	})
	return g
}

// do runs one verb of the desk on a demand.
func (w *world) do(fn func(ctx context.Context, tx *db.Tx) (rights.Request, string, error)) (r rights.Request, err error) {
	err = w.Try(func(ctx context.Context, tx *db.Tx) (err error) {
		r, _, err = fn(ctx, tx)
		return err
	})
	return r, err
}

func (w *world) child(c family.Child) (now family.Child, err error) {
	err = w.Try(func(ctx context.Context, tx *db.Tx) (err error) {
		now, err = family.Find(ctx, tx, c.Service, c.ID)
		return err
	})
	return now, err
}

// isFrozen fails the test unless the child is, or isn't.
func (w *world) isFrozen(c family.Child, want bool) {
	w.t.Helper()
	now, err := w.child(c)
	if err != nil || now.Frozen != want {
		w.t.Errorf("frozen: %v, %v; want %v", now.Frozen, err, want)
	}
}

// isErased fails the test unless the child is erased.
func (w *world) isErased(c family.Child, want bool) {
	w.t.Helper()
	if _, err := w.child(c); errors.Is(err, family.ErrErased) != want {
		w.t.Errorf("erased: %v, want %v", err, want)
	}
}

const day = 24 * time.Hour

func refuses(t testing.TB, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: %v, want %v", what, err, want)
	}
}
