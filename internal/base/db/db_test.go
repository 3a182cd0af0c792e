package db_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/db/dbtest"
)

func put(ctx context.Context, tx *db.Tx, name string, place int64) error {
	_, err := tx.Exec(ctx, `INSERT INTO ledger_cursor (name, place) VALUES ($1, $2)`, name, place)
	return err
}

func count(t *testing.T, store *db.DB) (n int64) {
	t.Helper()
	err := store.View(t.Context(), func(tx *db.Tx) (err error) {
		n, err = db.One(t.Context(), tx, db.Single[int64], `SELECT count(*) FROM ledger_cursor`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

var errNo = errors.New("no")

func TestInvariant12_AllOrNothing(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, store *db.DB) {
		ctx := t.Context()
		err := store.Update(ctx, func(tx *db.Tx) error {
			if err := put(ctx, tx, "a", 1); err != nil {
				return err
			}
			return errNo
		})
		if !errors.Is(err, errNo) || count(t, store) != 0 {
			t.Errorf("a refused update left %d rows: %v", count(t, store), err)
		}
		err = store.Update(ctx, func(tx *db.Tx) error {
			if err := put(ctx, tx, "a", 1); err != nil {
				return err
			}
			return db.Recorded(errNo)
		})
		if !errors.Is(err, errNo) || count(t, store) != 1 {
			t.Errorf("a recorded refusal left %d rows: %v", count(t, store), err)
		}
	})
}

// Updates of one moment share a transaction on SQLite: one that fails or
// panics must not take the others with it, nor be kept by them.
func TestInvariant12_NeighboursInAGroupAreIndependent(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, store *db.DB) {
		ctx := t.Context()
		var wg sync.WaitGroup
		for i := range 60 {
			wg.Go(func() {
				defer func() {
					if v := recover(); (v != nil) != (i%3 == 2) {
						t.Errorf("update %d: recovered %v", i, v)
					}
				}()
				err := store.Update(ctx, func(tx *db.Tx) error {
					if err := put(ctx, tx, fmt.Sprint(i), int64(i)); err != nil {
						return err
					}
					switch i % 3 {
					case 1:
						return errNo
					case 2:
						panic("at the disco")
					}
					return nil
				})
				if (err != nil) != (i%3 == 1) {
					t.Errorf("update %d: %v", i, err)
				}
			})
		}
		wg.Wait()
		if n := count(t, store); n != 20 {
			t.Errorf("%d rows, want 20", n)
		}
	})
}

func TestQueueRunsBeforeWhatFollows(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, store *db.DB) {
		ctx := t.Context()
		err := store.Update(ctx, func(tx *db.Tx) error {
			if err := tx.Queue(ctx, `INSERT INTO ledger_cursor (name, place) VALUES ($1, $2)`, "q", 7); err != nil {
				return err
			}
			got, err := db.One(ctx, tx, db.Single[int64], `SELECT place FROM ledger_cursor WHERE name = $1`, "q")
			if got != 7 {
				t.Errorf("read %d after a queued 7", got)
			}
			if err != nil {
				return err
			}
			return tx.Queue(ctx, `UPDATE ledger_cursor SET place = $1 WHERE name = $2`, 8, "q")
		})
		if err != nil {
			t.Fatal(err)
		}
		var places, none []int64
		err = store.View(ctx, func(tx *db.Tx) error {
			return tx.Together(ctx,
				db.ReadInto(&places, db.Single[int64], `SELECT place FROM ledger_cursor WHERE name = $1`, "q"),
				db.ReadInto(&none, db.Single[int64], `SELECT place FROM ledger_cursor WHERE name = $1`, "absent"))
		})
		if err != nil || len(places) != 1 || places[0] != 8 || len(none) != 0 {
			t.Errorf("got %v, %v, %v", places, none, err)
		}
		// A queued statement that fails, fails the transaction.
		err = store.Update(ctx, func(tx *db.Tx) error {
			return tx.Queue(ctx, `INSERT INTO ledger_cursor (name, place) VALUES ($1, $2)`, "q", 9)
		})
		if err == nil {
			t.Error("a queued duplicate was accepted")
		}
		if err := store.Update(ctx, func(tx *db.Tx) error { return put(ctx, tx, "after", 1) }); err != nil {
			t.Errorf("the store doesn't recover: %v", err)
		}
	})
}

func TestViewCanNotWrite(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, store *db.DB) {
		err := store.View(t.Context(), func(tx *db.Tx) error { return put(t.Context(), tx, "x", 1) })
		if err == nil || count(t, store) != 0 {
			t.Errorf("a view wrote: %v", err)
		}
	})
}

func TestTimesKeepTheirMicroseconds(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, store *db.DB) {
		ctx := t.Context()
		var wrote time.Time
		err := store.Update(ctx, func(tx *db.Tx) error {
			wrote = tx.Now()
			_, err := tx.Exec(ctx, `INSERT INTO lease (name, holder, until) VALUES ($1, $2, $3)`, "l", "h", (*db.Time)(&wrote))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		store.View(ctx, func(tx *db.Tx) error {
			read, err := db.One(ctx, tx, func(r db.Row) (at time.Time, err error) {
				err = r.Scan((*db.Time)(&at))
				return at, err
			}, `SELECT until FROM lease WHERE name = $1`, "l")
			if err != nil || !read.Equal(wrote) {
				t.Errorf("wrote %v, read %v, %v", wrote, read, err)
			}
			return nil
		})
	})
}

func TestConcurrentIncrementsAreNotLost(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, store *db.DB) {
		ctx := t.Context()
		if err := store.Update(ctx, func(tx *db.Tx) error { return put(ctx, tx, "n", 0) }); err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for range 16 {
			wg.Go(func() {
				for range 20 {
					if err := store.Update(ctx, func(tx *db.Tx) error {
						_, err := tx.Exec(ctx, `UPDATE ledger_cursor SET place = place + 1 WHERE name = $1`, "n")
						return err
					}); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		store.View(ctx, func(tx *db.Tx) error {
			n, err := db.One(ctx, tx, db.Single[int64], `SELECT place FROM ledger_cursor WHERE name = $1`, "n")
			if n != 320 || err != nil {
				t.Errorf("got %d, %v, want 320", n, err)
			}
			return nil
		})
	})
}

func TestANewerStoreIsRefusedUntouched(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, store *db.DB) {
		ctx := t.Context()
		err := store.Update(ctx, func(tx *db.Tx) error {
			_, err := tx.Exec(ctx, `INSERT INTO goose_db_version (version_id, is_applied) VALUES ($1, $2)`, 9999, true)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := store.Migrate(ctx); !errors.Is(err, db.ErrNewer) {
			t.Errorf("Migrate = %v, want %v", err, db.ErrNewer)
		}
	})
}

func TestALockedStoreIsRefusedNotCorrupted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.db")
	store, err := db.OpenSQLite(path)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	ctx := t.Context()
	if err := store.Migrate(ctx); err != nil {
		t.Fatal(err)
	}
	other, err := sql.Open("sqlite", "file:"+path+"?_txlock=immediate")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	tx, err := other.Begin()
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Update(ctx, func(tx *db.Tx) error { return put(ctx, tx, "a", 1) }); !errors.Is(err, db.ErrLocked) {
		t.Errorf("Update = %v, want %v", err, db.ErrLocked)
	}
	tx.Rollback()
	if err := store.Update(ctx, func(tx *db.Tx) error { return put(ctx, tx, "a", 1) }); err != nil {
		t.Errorf("after the lock: %v", err)
	}
}

func TestAFullDiskIsRefusedAndNothingIsHalfDone(t *testing.T) {
	store := dbtest.New(t)
	ctx := t.Context()
	if err := store.Update(ctx, func(tx *db.Tx) error {
		return db.Each(ctx, tx, func(db.Row) error { return nil }, `PRAGMA max_page_count = 80`)
	}); err != nil {
		t.Fatal(err)
	}
	big := make([]byte, 20_000)
	var full int
	for i := range 40 {
		err := store.Update(ctx, func(tx *db.Tx) error {
			if err := put(ctx, tx, fmt.Sprint(i), 1); err != nil {
				return err
			}
			_, err := tx.Exec(ctx, `INSERT INTO ledger_tile (level, n, hashes) VALUES ($1, $2, $3)`, 9, i, big)
			return err
		})
		if err != nil {
			if !errors.Is(err, db.ErrFull) {
				t.Fatalf("update %d: %v, want %v", i, err, db.ErrFull)
			}
			full++
		}
	}
	if full == 0 {
		t.Fatal("the disk never filled: the test proves nothing")
	}
	if n := count(t, store); n != int64(40-full) {
		t.Errorf("%d rows for %d acknowledged updates", n, 40-full)
	}
}

func TestAfterCloseTheStoreIsShut(t *testing.T) {
	store := dbtest.New(t)
	if err := errors.Join(store.Close(), store.Close()); err != nil {
		t.Error(err)
	}
	for range 10 {
		if err := store.View(t.Context(), func(*db.Tx) error { return nil }); !errors.Is(err, db.ErrClosed) {
			t.Errorf("view: got %v, want %v", err, db.ErrClosed)
		}
	}
	if err := store.Update(t.Context(), func(*db.Tx) error { return nil }); !errors.Is(err, db.ErrClosed) {
		t.Errorf("got %v, want %v", err, db.ErrClosed)
	}
}

func BenchmarkUpdateGroup(b *testing.B) {
	store := dbtest.New(b)
	b.SetParallelism(16)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := store.Update(context.Background(), func(tx *db.Tx) error {
				if err := db.Each(context.Background(), tx, func(db.Row) error { return nil }, `SELECT version FROM child WHERE child = $1`, "x"); err != nil {
					return err
				}
				return tx.Queue(context.Background(), `INSERT INTO ledger_pending (id, subject, service, version, entry) VALUES ($1, $2, $3, $4, $5)`,
					fmt.Sprint(time.Now().UnixNano(), pb), "su_", "s", 1, make([]byte, 300))
			}); err != nil {
				b.Fatal(err)
			}
		}
	})
}
