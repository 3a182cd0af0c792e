package db_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
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

// What a path may hold, and the address of a file may not.
func TestAStoreLiesWhereItsPathSays(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a#b?c%20d e", "store.db")
	if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	store, err := db.OpenSQLite(path)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if err := store.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := count(t, store); n != 0 {
		t.Errorf("%d rows", n)
	}
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
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

// What was read ahead is checked in the transaction that rests on it: a change
// that commits in between is seen, also by one that waits for it.
func TestUnchangedSeesWhatCommittedMeanwhile(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, store *db.DB) {
		ctx := t.Context()
		if err := store.Update(ctx, func(tx *db.Tx) error { return put(ctx, tx, "a", 1) }); err != nil {
			t.Fatal(err)
		}
		want := func(n int64) db.Version {
			return db.Version{Table: "ledger_cursor", Key: "name", Column: "place", Row: "a", Want: n, Hold: true}
		}
		checked := func(n int64, entry string) (changed bool, err error) {
			err = store.Update(ctx, func(tx *db.Tx) error {
				err := tx.Unchanged(ctx, want(n))
				changed = errors.Is(err, db.ErrChanged)
				if err != nil && !changed {
					return err
				}
				return put(ctx, tx, entry, 0)
			})
			return changed, err
		}
		if changed, err := checked(1, "as read"); changed || err != nil {
			t.Errorf("an unchanged row: changed %v, %v", changed, err)
		}
		if changed, err := checked(7, "stale"); !changed || err != nil {
			t.Errorf("a changed row: changed %v, %v", changed, err)
		}
		held, done := make(chan struct{}), make(chan error, 1)
		go func() {
			done <- store.Update(ctx, func(tx *db.Tx) error {
				_, err := tx.Exec(ctx, `UPDATE ledger_cursor SET place = place + 1 WHERE name = $1`, "a")
				close(held)
				time.Sleep(100 * time.Millisecond) // the other one asks now, and waits
				return err
			})
		}()
		<-held
		if changed, err := checked(1, "waited"); !changed || err != nil {
			t.Errorf("a row that changed while it was waited for: changed %v, %v", changed, err)
		}
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if n := count(t, store); n != 4 {
			t.Errorf("%d rows, want one of each", n)
		}
	})
}

// A row that Unchanged holds can't change before the transaction has committed.
func TestUnchangedHoldsTheRow(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, store *db.DB) {
		ctx := t.Context()
		if err := store.Update(ctx, func(tx *db.Tx) error { return put(ctx, tx, "a", 0) }); err != nil {
			t.Fatal(err)
		}
		var changes sync.WaitGroup
		for range 4 {
			changes.Go(func() {
				for range 25 {
					err := store.Update(ctx, func(tx *db.Tx) error {
						_, err := tx.Exec(ctx, `UPDATE ledger_cursor SET place = place + 1 WHERE name = $1`, "a")
						return err
					})
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		read := func(tx *db.Tx) (int64, error) {
			return db.One(ctx, tx, db.Single[int64], `SELECT place FROM ledger_cursor WHERE name = $1`, "a")
		}
		for range 50 {
			var ahead int64
			if err := store.View(ctx, func(tx *db.Tx) (err error) { ahead, err = read(tx); return err }); err != nil {
				t.Fatal(err)
			}
			err := store.Update(ctx, func(tx *db.Tx) error {
				err := tx.Unchanged(ctx, db.Version{Table: "ledger_cursor", Key: "name", Column: "place", Row: "a", Want: ahead, Hold: true})
				if errors.Is(err, db.ErrChanged) {
					return nil
				}
				now, err2 := read(tx)
				if err := errors.Join(err, err2); err != nil {
					return err // on PostgreSQL perhaps that it has changed: then this runs again
				}
				if now != ahead {
					t.Errorf("read %d ahead, held, and found %d", ahead, now)
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		changes.Wait()
	})
}

func TestPlaceholdersHaveFewLengths(t *testing.T) {
	for n, want := range map[int]int{1: 1, 2: 8, 8: 8, 9: 16, 17: 32, 33: db.Chunk, db.Chunk: db.Chunk} {
		keys := make([]int, n)
		for i := range keys {
			keys[i] = i
		}
		in, args := db.Placeholders(keys)
		if len(args) != want || args[len(args)-1] != n-1 || !strings.HasSuffix(in, fmt.Sprintf("$%d)", want)) {
			t.Errorf("%d keys: %s with %d arguments, the last %v", n, in, len(args), args[len(args)-1])
		}
	}
}

// A statement that failed undoes the transaction, even if fn passes over it.
func TestInvariant12_APassedOverFailureIsNoCommit(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, store *db.DB) {
		ctx := t.Context()
		if err := store.Update(ctx, func(tx *db.Tx) error { return put(ctx, tx, "a", 1) }); err != nil {
			t.Fatal(err)
		}
		for _, result := range []error{nil, db.Recorded(errNo)} {
			err := store.Update(ctx, func(tx *db.Tx) error {
				if err := put(ctx, tx, "b", 1); err != nil {
					return err
				}
				put(ctx, tx, "a", 1) // fails: it is there
				return result
			})
			// SQLite undoes the statement alone, PostgreSQL the transaction: either
			// way what Update says is what is there.
			kept := err == nil || errors.Is(err, errNo) && store.Engine() == "sqlite"
			if n := count(t, store); kept != (n == 2) {
				t.Errorf("Update said %v, and %d rows are there", err, n)
			}
			store.Update(ctx, func(tx *db.Tx) error {
				_, err := tx.Exec(ctx, `DELETE FROM ledger_cursor WHERE name = $1`, "b")
				return err
			})
		}
	})
}

func TestAPanicInAViewLeavesTheReadersWhole(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, store *db.DB) {
		for range 20 {
			func() {
				defer func() { recover() }()
				store.View(t.Context(), func(tx *db.Tx) error { panic("at the disco") })
			}()
		}
		for range 20 {
			if n := count(t, store); n != 0 {
				t.Fatalf("%d rows", n)
			}
		}
	})
}

// The server's defaults may be weaker than what is promised.
func TestInvariant12_PostgresCommitsReachTheDisk(t *testing.T) {
	store := dbtest.Postgres(t)
	var on string
	if err := store.View(t.Context(), func(tx *db.Tx) (err error) {
		on, err = db.One(t.Context(), tx, db.Single[string], `SELECT current_setting('synchronous_commit') || ' ' || current_setting('lock_timeout')`)
		return err
	}); err != nil || on != "on 5s" {
		t.Errorf("got %q, %v", on, err)
	}
}
