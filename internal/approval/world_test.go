package approval_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
	"wardkeep/internal/family"
	"wardkeep/internal/staff"
	"wardkeep/internal/vault/vaulttest"
)

const service = vaulttest.Service

var terminal = catalog.Operator{ID: "test"}

// A world has a child and people inside.
type world struct {
	*vaulttest.World
	desk                             approval.Desk
	child                            family.Child
	officer, manager, worker, second staff.Person
}

func each(t *testing.T, fn func(t *testing.T, w *world)) {
	vaulttest.Each(t, func(t *testing.T, v *vaulttest.World) {
		w := &world{World: v, desk: approval.Desk{Ring: v.Ring, Charters: v.Vault.Gate.Charters}, child: v.Child()}
		w.Put(w.child, "parent-reports", "nickname", "小鱼")
		w.Put(w.child, "parent-reports", "remarks", "进步很大")
		w.officer = w.inOffice(v.Officer.ID, "林静")
		w.manager = w.hire("韩梅梅", staff.Manager)
		w.worker = w.hire("李雷", staff.Worker)
		w.second = w.hire("王芳", staff.Worker)
		fn(t, w)
	})
}

func (w *world) hire(name string, role staff.Role) (p staff.Person) {
	w.T.Helper()
	w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		p, err = staff.Add(ctx, tx, terminal, name, staff.Grant{Role: role, Service: service})
		return err
	})
	return p
}

func (w *world) inOffice(office, name string) (p staff.Person) {
	w.T.Helper()
	w.Do(func(ctx context.Context, tx *db.Tx) error {
		g, err := staff.OfOffice(ctx, tx, service, office)
		if err == nil {
			p, err = staff.Add(ctx, tx, terminal, name, g)
		}
		return err
	})
	return p
}

func (w *world) leave(p staff.Person) {
	w.T.Helper()
	w.Do(func(ctx context.Context, tx *db.Tx) error { _, err := staff.Leave(ctx, tx, terminal, p.ID); return err })
}

func asking() approval.Asking {
	return approval.Asking{Purpose: "parent-reports", Items: []string{"nickname", "remarks"}, Reason: approval.ForSupport,
		Text: pii.New("家长来电，课程显示不对"), Minutes: 30}
}

func (w *world) ask(by staff.Person, a approval.Asking) (r approval.Request, err error) {
	err = w.Try(func(ctx context.Context, tx *db.Tx) (err error) {
		r, _, err = w.desk.Ask(ctx, tx, by, w.child, a)
		return err
	})
	return r, err
}

func (w *world) asked(by staff.Person) approval.Request {
	w.T.Helper()
	r, err := w.ask(by, asking())
	if err != nil {
		w.T.Fatal(err)
	}
	return r
}

var grant = approval.Decision{Verdict: approval.Granted, Reason: approval.Needed}

func (w *world) decide(by staff.Person, r approval.Request, a approval.Decision) (out approval.Request, err error) {
	err = w.Try(func(ctx context.Context, tx *db.Tx) (err error) {
		out, _, err = w.desk.Decide(ctx, tx, by, service, r.ID, a)
		return err
	})
	return out, err
}

func (w *world) end(by staff.Person, r approval.Request) error {
	return w.Try(func(ctx context.Context, tx *db.Tx) error {
		_, _, err := w.desk.End(ctx, tx, by, service, r.ID)
		return err
	})
}

func (w *world) find(r approval.Request) (now approval.Request) {
	w.T.Helper()
	w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		now, err = approval.Find(ctx, tx, service, r.ID)
		return err
	})
	return now
}

func wants(t *testing.T, what string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

// beside runs one, and the other while one is under way: it must wait.
func (w *world) beside(t *testing.T, one, other func(ctx context.Context, tx *db.Tx) error) (first, late error) {
	t.Helper()
	var group sync.WaitGroup
	var once sync.Once
	first = w.Try(func(ctx context.Context, tx *db.Tx) error {
		if err := one(ctx, tx); err != nil {
			return err
		}
		done := make(chan struct{})
		once.Do(func() {
			group.Go(func() { late = w.Try(other); close(done) })
			select {
			case <-done:
				t.Error("nobody waited")
			case <-time.After(50 * time.Millisecond):
			}
		})
		return nil
	})
	group.Wait()
	return first, late
}
