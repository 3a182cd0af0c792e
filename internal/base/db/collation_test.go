package db_test

import (
	"context"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/db/dbtest"
)

// A page of a list goes on behind the last row of the one before, and lists are merged in the
// order of bytes. In a database that orders text as a dictionary does, in which hyphens and case
// hardly count, each row still comes once.
func TestInAnyDatabaseTextIsOrderedByItsBytes(t *testing.T) {
	at := dbtest.DatabaseURL(t, "LOCALE_PROVIDER icu ICU_LOCALE 'und-u-ka-shifted' LOCALE 'C'")
	store, err := db.OpenPostgres(at)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if err := store.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	names := []string{"B", "a-c", "aa", "ab", "a-b", "b"}
	var all, pages []string
	err = store.Update(t.Context(), func(tx *db.Tx) error {
		ctx := t.Context()
		for _, name := range names {
			err := tx.Queue(ctx, `
				INSERT INTO service (service, state, version, charter, officer, deputy, closed, successor, overdue, recalled, created_at)
				VALUES ($1, 'test', 1, 0, '', '', '', '', '', false, 1)`, name)
			if err != nil {
				return err
			}
		}
		all, err = db.All(ctx, tx, db.Single[string], `SELECT service FROM service ORDER BY service`)
		for last := ""; err == nil; {
			var page []string
			page, err = db.All(ctx, tx, db.Single[string], `SELECT service FROM service WHERE service > $1 ORDER BY service LIMIT 2`, last)
			if len(page) == 0 {
				break
			}
			pages, last = append(pages, page...), page[len(page)-1]
		}
		return err
	})
	if slices.Sort(names); err != nil || !slices.Equal(all, names) || !slices.Equal(pages, names) {
		t.Errorf("%v, page by page %v, want %v; %v", all, pages, names, err)
	}
	// And so is each column that there is, and that there will be.
	conn, err := pgx.Connect(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	var others []string
	err = conn.QueryRow(t.Context(), `
		SELECT coalesce(array_agg(table_name || '.' || column_name), '{}') FROM information_schema.columns
		WHERE table_schema = 'public' AND data_type = 'text' AND table_name NOT LIKE 'goose%' AND collation_name IS DISTINCT FROM 'C'`).Scan(&others)
	if err != nil || len(others) != 0 {
		t.Errorf("not in the order of bytes: %v, %v", others, err)
	}
}
