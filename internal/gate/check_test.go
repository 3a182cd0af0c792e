package gate_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/db/dbtest"
	"wardkeep/internal/family"
	"wardkeep/internal/gate"
	"wardkeep/internal/vault/vaulttest"
)

// A use and a withdrawal that meet come one after the other because the child is
// held before anything else about it is read: the other way round, what was read
// first could be older than the hold, and PostgreSQL would not tell. Whoever has
// come as far as the guardians keeps others from changing the child.
func TestInvariant5_TheChildIsHeldBeforeAnythingElseIsRead(t *testing.T) {
	url := dbtest.PostgresURL(t) + "&lock_timeout=60s"
	store, loading := connect(t, url), connect(t, url+"&pool_max_conns=1")
	if err := store.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	w := vaulttest.New(t, store)
	child := w.Child()
	g := w.Vault.Gate
	for name, load := range map[string]func(ctx context.Context, tx *db.Tx) error{
		"one child": func(ctx context.Context, tx *db.Tx) error {
			_, _, err := g.Fresh(ctx, tx, vaulttest.Service, child.ID, nil)
			return err
		},
		"several": func(ctx context.Context, tx *db.Tx) error {
			_, err := g.LoadFree(ctx, tx, []gate.Whose{{Service: vaulttest.Service, Child: child.ID}})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			run := func(ctx context.Context) error {
				return loading.Update(ctx, func(tx *db.Tx) error { return load(ctx, tx) })
			}
			// The first time, its one connection prepares what it reads.
			if err := run(t.Context()); err != nil {
				t.Fatal(err)
			}
			loaded := make(chan error, 1)
			w.Do(func(ctx context.Context, tx *db.Tx) error {
				if _, err := tx.Exec(ctx, `LOCK TABLE guardian IN ACCESS EXCLUSIVE MODE`); err != nil {
					return err
				}
				go func() { loaded <- run(ctx) }()
				waits(w)
				if err := lockAtOnce(w, child.ID); !errors.Is(err, db.ErrLocked) {
					t.Errorf("the child can be changed while its guardians are still to be read: %v", err)
				}
				return nil
			})
			if err := <-loaded; err != nil {
				t.Error(err)
			}
			if err := lockAtOnce(w, child.ID); err != nil {
				t.Errorf("afterwards: %v", err)
			}
		})
	}
}

func connect(t *testing.T, url string) *db.DB {
	t.Helper()
	store, err := db.OpenPostgres(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return store
}

// waits returns when somebody waits for the table of guardians.
func waits(w *vaulttest.World) {
	w.T.Helper()
	for range 3000 {
		var n int64
		w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
			n, err = db.One(ctx, tx, db.Single[int64], `SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'guardian'::regclass`)
			return err
		})
		if n > 0 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	w.T.Error("nobody came as far as the guardians")
}

// lockAtOnce locks the child, or returns db.ErrLocked if somebody holds it.
func lockAtOnce(w *vaulttest.World, child family.ID) error {
	return w.Try(func(ctx context.Context, tx *db.Tx) error {
		if _, err := tx.Exec(ctx, `SET LOCAL lock_timeout = '50ms'`); err != nil {
			return err
		}
		_, err := family.Lock(ctx, tx, vaulttest.Service, child)
		return err
	})
}
