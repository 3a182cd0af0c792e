package db_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"wardkeep/internal/base/db"
)

const page = 4096

// overwritten returns the path of a store with 2,000 rows, the last pages of its file, in
// which the pages have been overwritten that are said, of so many.
func overwritten(t *testing.T, with func(page, of int) bool) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s.db")
	store, err := db.OpenSQLite(path)
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	if err := store.Migrate(ctx); err != nil {
		t.Fatal(err)
	}
	if err := store.Update(ctx, func(tx *db.Tx) error {
		for i := range 2000 {
			if _, err := tx.Exec(ctx, `INSERT INTO ledger_tile (level, n, hashes) VALUES ($1, $2, $3)`, 9, i, make([]byte, 400)); err != nil {
				return err
			}
		}
		return put(ctx, tx, "a", 1)
	}); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(store.Scrub(ctx), store.Close()); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range len(b) / page {
		if with(i, len(b)/page) {
			for j := range page {
				b[i*page+j] = 0xa5
			}
		}
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func tiles(ctx context.Context, tx *db.Tx) (n int, err error) {
	err = db.Each(ctx, tx, func(db.Row) error { n++; return nil }, `SELECT hashes FROM ledger_tile ORDER BY level, n`)
	return n, err
}

// The end of a file is overwritten while its beginning, with the tables' names
// and the smaller ones, is whole.
func TestADamagedStoreIsRefusedAsAWhole(t *testing.T) {
	for _, c := range []struct {
		name string
		meet func(ctx context.Context, store *db.DB) error
	}{
		{"in a view", func(ctx context.Context, store *db.DB) error {
			return store.View(ctx, func(tx *db.Tx) error { _, err := tiles(ctx, tx); return err })
		}},
		{"in a view that passes over it", func(ctx context.Context, store *db.DB) error {
			return store.View(ctx, func(tx *db.Tx) error { tiles(ctx, tx); return nil })
		}},
		{"in an update", func(ctx context.Context, store *db.DB) error {
			return store.Update(ctx, func(tx *db.Tx) error {
				if err := put(ctx, tx, "b", 1); err != nil {
					return err
				}
				_, err := tiles(ctx, tx)
				return err
			})
		}},
		{"in an update that passes over it", func(ctx context.Context, store *db.DB) error {
			return store.Update(ctx, func(tx *db.Tx) error {
				if err := put(ctx, tx, "b", 1); err != nil {
					return err
				}
				tiles(ctx, tx)
				return db.Recorded(errNo)
			})
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := overwritten(t, func(i, of int) bool { return i > of-100 })
			store, err := db.OpenSQLite(path)
			if err != nil {
				t.Fatal(err)
			}
			defer store.Close()
			ctx := t.Context()
			if n := count(t, store); n != 1 {
				t.Fatalf("%d rows before the damage is met", n)
			}
			if err := c.meet(ctx, store); !errors.Is(err, db.ErrDamaged) {
				t.Errorf("got %v, want %v", err, db.ErrDamaged)
			}
			// What could still be read is refused as well.
			if err := store.View(ctx, func(*db.Tx) error { return nil }); !errors.Is(err, db.ErrDamaged) {
				t.Errorf("a view afterwards: %v, want %v", err, db.ErrDamaged)
			}
			if err := store.Update(ctx, func(tx *db.Tx) error { return put(ctx, tx, "c", 1) }); !errors.Is(err, db.ErrDamaged) {
				t.Errorf("an update afterwards: %v, want %v", err, db.ErrDamaged)
			}
			again, err := db.OpenSQLite(path)
			if err != nil {
				t.Fatal(err)
			}
			defer again.Close()
			if n := count(t, again); n != 1 {
				t.Errorf("%d rows: something was written to a damaged store", n)
			}
		})
	}
}

func TestAnotherFileThanADatabaseIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.db")
	text := []byte("These are the accounts of last year, and no database at all.\n")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := db.OpenSQLite(path); !errors.Is(err, db.ErrDamaged) {
		t.Errorf("a text: %v, want %v", err, db.ErrDamaged)
	}
	if b, err := os.ReadFile(path); err != nil || string(b) != string(text) {
		t.Errorf("it was changed: %v", err)
	}
	for name, with := range map[string]func(page, of int) bool{
		"no header": func(i, _ int) bool { return i == 0 },
		"one page":  func(i, _ int) bool { return i > 0 },
	} {
		store, err := db.OpenSQLite(overwritten(t, with))
		if err == nil {
			err = store.Migrate(t.Context())
			store.Close()
		}
		if !errors.Is(err, db.ErrDamaged) {
			t.Errorf("%s: %v, want %v", name, err, db.ErrDamaged)
		}
	}
	cut := overwritten(t, func(int, int) bool { return false })
	if err := os.Truncate(cut, 20*page); err != nil {
		t.Fatal(err)
	}
	store, err := db.OpenSQLite(cut)
	if err == nil {
		err = store.Migrate(t.Context())
		store.Close()
	}
	if !errors.Is(err, db.ErrDamaged) {
		t.Errorf("cut off: %v, want %v", err, db.ErrDamaged)
	}
}
