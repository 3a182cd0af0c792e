package db_test

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/db/dbtest"
)

// Article 20: what was deleted on PostgreSQL is in no file of its table once the table is
// scrubbed, though an older transaction could still read it: that is waited for, and where it
// goes on for too long the next look finishes it.
func TestArticle20_ADeletedRowOutlivesNoOlderTransaction(t *testing.T) {
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
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	secret := []byte("a-key-that-must-go-0123456789abcdef")
	holds := func() bool {
		t.Helper()
		var file []byte
		if _, err := conn.Exec(ctx, "CHECKPOINT"); err != nil {
			t.Fatal(err)
		}
		if err := conn.QueryRow(ctx, `SELECT pg_read_binary_file(pg_relation_filepath('keyring_key'::regclass))`).Scan(&file); err != nil {
			t.Fatal(err)
		}
		return bytes.Contains(file, secret)
	}
	do := func(query string, args ...any) {
		t.Helper()
		if err := store.Update(ctx, func(tx *db.Tx) error {
			_, err := tx.Exec(ctx, query, args...)
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	// older reads, and goes on until it is let go.
	older := func() (release func()) {
		t.Helper()
		reads, ends, over := make(chan struct{}), make(chan struct{}), make(chan error, 1)
		go func() {
			over <- store.View(ctx, func(tx *db.Tx) error {
				_, err := db.One(ctx, tx, db.Single[int64], `SELECT count(*) FROM heartbeat`)
				close(reads)
				<-ends
				return err
			})
		}()
		<-reads
		return func() {
			close(ends)
			if err := <-over; err != nil {
				t.Error(err)
			}
		}
	}
	for name, waits := range map[string]bool{"it ends in time": true, "it goes on": false} {
		t.Run(name, func(t *testing.T) {
			do(`INSERT INTO keyring_key (id, purpose, suite, wrapped, kek, state, created_at) VALUES ($1, $1, $1, $2, $1, $1, $3)`, "x", secret, 1)
			release := older()
			do(`DELETE FROM keyring_key WHERE id = $1`, "x")
			if waits {
				time.AfterFunc(300*time.Millisecond, release)
				whole := false
				// Transactions of other tests may go on, too.
				for end := time.Now().Add(time.Minute); !whole && time.Now().Before(end); {
					if whole, err = store.ScrubTable(ctx, "keyring_key"); err != nil {
						t.Fatal(err)
					}
				}
				if !whole || holds() {
					t.Errorf("whole %v, and it is still in the file: %v", whole, holds())
				}
				return
			}
			if whole, err := db.ScrubWithin(store, ctx, "keyring_key", 0); err != nil || whole {
				t.Fatalf("whole %v, %v", whole, err)
			}
			if !holds() {
				t.Error("the search is blind")
			}
			release()
			// Transactions of other tests may go on, too.
			for end := time.Now().Add(time.Minute); holds() && time.Now().Before(end); {
				if err := store.Scrub(ctx); err != nil {
					t.Fatal(err)
				}
			}
			if holds() {
				t.Error("nobody has finished it")
			}
		})
	}
}
