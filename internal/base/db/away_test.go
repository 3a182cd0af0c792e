package db_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/db/dbtest"
)

// A killer ends connections of a store from others, as an administrator does.
type killer struct {
	t    *testing.T
	pool *pgxpool.Pool
	all  sync.WaitGroup
}

func newKiller(t *testing.T, url string) *killer {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return &killer{t: t, pool: pool}
}

// kill ends a connection, and waits until it is gone.
func (k *killer) kill(pid int64) {
	k.t.Helper()
	var gone bool
	if err := k.pool.QueryRow(context.Background(), `SELECT pg_terminate_backend($1, 5000)`, pid).Scan(&gone); err != nil || !gone {
		k.t.Errorf("the connection %d lives on: %v", pid, err)
	}
}

// killAsleep ends a connection while it runs a statement that sleeps.
func (k *killer) killAsleep(pid int64) {
	k.all.Go(func() {
		for range 500 {
			var asleep bool
			err := k.pool.QueryRow(context.Background(), `
				SELECT coalesce(wait_event = 'PgSleep', false) FROM pg_stat_activity WHERE pid = $1`, pid).Scan(&asleep)
			if err != nil {
				k.t.Error(err)
				return
			}
			if asleep {
				k.kill(pid)
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
		k.t.Error("it never slept")
	})
}

func pid(ctx context.Context, tx *db.Tx) (int64, error) {
	return db.One(ctx, tx, db.Single[int64], `SELECT CAST(pg_backend_pid() AS bigint)`)
}

func whole(t *testing.T, store *db.DB, name string) {
	t.Helper()
	if err := store.Update(t.Context(), func(tx *db.Tx) error { return put(t.Context(), tx, name, 1) }); err != nil {
		t.Errorf("the store doesn't recover: %v", err)
	}
}

// A connection that is ended at any moment before the COMMIT: nothing is done,
// and who asked is told so.
func TestALostConnectionIsSaidToBeAway(t *testing.T) {
	url := dbtest.PostgresURL(t)
	store, err := db.OpenPostgres(url)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	ctx := t.Context()
	if err := store.Migrate(ctx); err != nil {
		t.Fatal(err)
	}
	k := newKiller(t, url)
	sleep := func(tx *db.Tx) error {
		return db.Each(ctx, tx, func(db.Row) error { return nil }, `SELECT CAST(pg_sleep(20) AS text)`)
	}
	for _, c := range []struct {
		name string
		do   func(tx *db.Tx, pid int64) error
	}{
		{"before a statement", func(tx *db.Tx, pid int64) error { k.kill(pid); return put(ctx, tx, "b", 1) }},
		{"during a statement", func(tx *db.Tx, pid int64) error { k.killAsleep(pid); return sleep(tx) }},
		{"before queued statements", func(tx *db.Tx, pid int64) error {
			k.kill(pid)
			if err := tx.Queue(ctx, `UPDATE ledger_cursor SET place = $1 WHERE name = $2`, 2, "a"); err != nil {
				return err
			}
			return put(ctx, tx, "b", 1)
		}},
		{"and passed over", func(tx *db.Tx, pid int64) error { k.kill(pid); put(ctx, tx, "b", 1); return nil }},
		{"and passed over with a refusal", func(tx *db.Tx, pid int64) error { k.kill(pid); put(ctx, tx, "b", 1); return db.Recorded(errNo) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := store.Update(ctx, func(tx *db.Tx) error {
				pid, err := pid(ctx, tx)
				if err == nil {
					err = put(ctx, tx, "a", 1)
				}
				if err != nil {
					return err
				}
				return c.do(tx, pid)
			})
			k.all.Wait()
			if !errors.Is(err, db.ErrAway) || errors.Is(err, db.ErrUnknown) {
				t.Errorf("Update = %v, want %v", err, db.ErrAway)
			}
			if n := count(t, store); n != 0 {
				t.Errorf("%d rows", n)
			}
		})
	}
	// The server may tell of its end in the place of its answer to the COMMIT:
	// whether that means something is not known for certain.
	t.Run("between the last statement and the commit", func(t *testing.T) {
		err := store.Update(ctx, func(tx *db.Tx) error {
			pid, err := pid(ctx, tx)
			if err != nil {
				return err
			}
			defer k.kill(pid)
			return put(ctx, tx, "a", 1)
		})
		if !errors.Is(err, db.ErrAway) && !errors.Is(err, db.ErrUnknown) {
			t.Errorf("Update = %v, want %v or %v", err, db.ErrAway, db.ErrUnknown)
		}
		if n := count(t, store); n != 0 {
			t.Errorf("%d rows", n)
		}
	})
	t.Run("during a view", func(t *testing.T) {
		err := store.View(ctx, func(tx *db.Tx) error {
			pid, err := pid(ctx, tx)
			if err != nil {
				return err
			}
			k.killAsleep(pid)
			return sleep(tx)
		})
		k.all.Wait()
		if !errors.Is(err, db.ErrAway) {
			t.Errorf("View = %v, want %v", err, db.ErrAway)
		}
	})
	t.Run("after a view's last statement", func(t *testing.T) {
		err := store.View(ctx, func(tx *db.Tx) error {
			pid, err := pid(ctx, tx)
			k.kill(pid)
			return err
		})
		if err != nil && !errors.Is(err, db.ErrAway) {
			t.Errorf("View = %v, want nil or %v", err, db.ErrAway)
		}
	})
	whole(t, store, "after")
}

// A server that can't be reached, at the start and in the middle.
func TestAServerThatIsGoneIsSaidToBeAway(t *testing.T) {
	store, wire := dbtest.Wired(t)
	ctx := t.Context()
	err := store.Update(ctx, func(tx *db.Tx) error {
		if err := put(ctx, tx, "a", 1); err != nil {
			return err
		}
		wire.Cut()
		return put(ctx, tx, "b", 1)
	})
	if !errors.Is(err, db.ErrAway) {
		t.Errorf("in the middle: %v, want %v", err, db.ErrAway)
	}
	for _, try := range []func(context.Context, func(*db.Tx) error) error{store.Update, store.View} {
		err := try(ctx, func(tx *db.Tx) error { _, err := pid(ctx, tx); return err })
		if !errors.Is(err, db.ErrAway) {
			t.Errorf("at the start: %v, want %v", err, db.ErrAway)
		}
	}
	if err := store.Migrate(ctx); !errors.Is(err, db.ErrAway) {
		t.Errorf("Migrate = %v, want %v", err, db.ErrAway)
	}
	wire.Mend()
	whole(t, store, "after")
	if n := count(t, store); n != 1 {
		t.Errorf("%d rows", n)
	}
}

// The caller's own end is no failure of the database.
func TestACancelledStatementIsNotSaidToBeAway(t *testing.T) {
	store := dbtest.Postgres(t)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	err := store.Update(ctx, func(tx *db.Tx) error {
		return db.Each(ctx, tx, func(db.Row) error { return nil }, `SELECT CAST(pg_sleep(20) AS text)`)
	})
	if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, db.ErrAway) {
		t.Errorf("Update = %v, want %v", err, context.DeadlineExceeded)
	}
}

// Once COMMIT is sent and the connection breaks, nobody knows: so it is said,
// whether it was done or not.
func TestInvariant12_ABrokenCommitIsSaidToBeUnknown(t *testing.T) {
	t.Run("done", func(t *testing.T) {
		store, wire := dbtest.Wired(t)
		ctx := t.Context()
		for i, write := range []func(tx *db.Tx) error{
			func(tx *db.Tx) error { return put(ctx, tx, "a", 1) },
			func(tx *db.Tx) error {
				return tx.Queue(ctx, `INSERT INTO ledger_cursor (name, place) VALUES ($1, $2)`, "b", 1)
			},
		} {
			whole(t, store, []string{"warm", "again"}[i]) // so that BEGIN and COMMIT are prepared
			wire.LoseCommit()
			if err := store.Update(ctx, write); !errors.Is(err, db.ErrUnknown) || errors.Is(err, db.ErrAway) {
				t.Errorf("Update = %v, want %v", err, db.ErrUnknown)
			}
			if n := count(t, store); n != int64(2*i+2) {
				t.Errorf("%d rows: the server has answered the COMMIT", n)
			}
		}
	})
	t.Run("not done", func(t *testing.T) {
		url := dbtest.PostgresURL(t)
		store, err := db.OpenPostgres(url)
		if err != nil {
			t.Fatal(err)
		}
		defer store.Close()
		ctx := t.Context()
		if err := store.Migrate(ctx); err != nil {
			t.Fatal(err)
		}
		k := newKiller(t, url)
		if _, err := k.pool.Exec(ctx, `
			CREATE FUNCTION doze() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(20); RETURN NULL; END';
			CREATE CONSTRAINT TRIGGER doze AFTER INSERT ON ledger_cursor DEFERRABLE INITIALLY DEFERRED
			FOR EACH ROW EXECUTE FUNCTION doze()`); err != nil {
			t.Fatal(err)
		}
		err = store.Update(ctx, func(tx *db.Tx) error {
			pid, err := pid(ctx, tx)
			if err != nil {
				return err
			}
			k.killAsleep(pid)
			return put(ctx, tx, "a", 1)
		})
		k.all.Wait()
		if !errors.Is(err, db.ErrUnknown) {
			t.Errorf("Update = %v, want %v", err, db.ErrUnknown)
		}
		if n := count(t, store); n != 0 {
			t.Errorf("%d rows", n)
		}
	})
}
