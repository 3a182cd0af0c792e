// Package dbtest gives each test an empty store of its own.
//
// Its one invariant: what a test sees was written by that test.
package dbtest

import (
	"context"
	"crypto/rand"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"wardkeep/internal/base/db"
)

// New returns an empty, migrated SQLite store.
func New(t testing.TB) *db.DB {
	t.Helper()
	path := filepath.Join(t.TempDir(), "test.db")
	if err := os.WriteFile(path, empty(t), 0o600); err != nil {
		t.Fatal(err)
	}
	store, err := db.OpenSQLite(path)
	return opened(t, store, err)
}

// file is a migrated SQLite store in which nothing was written: each test has a copy.
var file struct {
	once  sync.Once
	bytes []byte
	err   error
}

func empty(t testing.TB) []byte {
	t.Helper()
	file.once.Do(func() { file.bytes, file.err = migrate(filepath.Join(t.TempDir(), "empty.db")) })
	if file.err != nil {
		t.Fatal(file.err)
	}
	return file.bytes
}

func migrate(path string) ([]byte, error) {
	store, err := db.OpenSQLite(path)
	if err != nil {
		return nil, err
	}
	ctx := context.Background()
	err = store.Migrate(ctx)
	if err == nil {
		err = store.Scrub(ctx) // from the log into the file
	}
	if err = errors.Join(err, store.Close()); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
}

// Each runs fn on SQLite and, if TEST_POSTGRES is set, on PostgreSQL.
// `make test` always sets it.
func Each(t *testing.T, fn func(t *testing.T, store *db.DB)) {
	t.Run("sqlite", func(t *testing.T) { fn(t, New(t)) })
	t.Run("postgres", func(t *testing.T) { fn(t, Postgres(t)) })
}

// Postgres returns an empty, migrated PostgreSQL store.
func Postgres(t testing.TB) *db.DB {
	t.Helper()
	if os.Getenv("TEST_POSTGRES") == "" || os.Getenv("TEST_POSTGRES_THROWAWAY") == "" {
		store, err := db.OpenPostgres(PostgresURL(t))
		return migrated(t, store, err)
	}
	return swept(t)
}

// PostgresURL returns the URL of a schema that is dropped after the test, for
// a process that the test starts.
func PostgresURL(t testing.TB) string {
	t.Helper()
	url := os.Getenv("TEST_POSTGRES")
	if url == "" {
		t.Skip("TEST_POSTGRES is not set")
	}
	schema := "test_" + strings.ToLower(rand.Text())
	run(t, url, "CREATE SCHEMA "+schema)
	t.Cleanup(func() { run(t, url, "DROP SCHEMA "+schema+" CASCADE") })
	return url + "&search_path=" + schema
}

// DatabaseURL returns the URL of a database that is made with these options, and dropped after
// the test.
func DatabaseURL(t testing.TB, options string) string {
	t.Helper()
	at := os.Getenv("TEST_POSTGRES")
	if at == "" {
		t.Skip("TEST_POSTGRES is not set")
	}
	of, err := url.Parse(at)
	if err != nil {
		t.Fatal(err)
	}
	name := "test_" + strings.ToLower(rand.Text())
	run(t, at, "CREATE DATABASE "+name+" TEMPLATE template0 "+options)
	t.Cleanup(func() { run(t, at, "DROP DATABASE "+name+" WITH (FORCE)") })
	of.Path = "/" + name
	return of.String()
}

func run(t testing.TB, url, statement string) {
	t.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, statement); err != nil {
		t.Error(err)
	}
}

func migrated(t testing.TB, store *db.DB, err error) *db.DB {
	t.Helper()
	if err := opened(t, store, err).Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return store
}

func opened(t testing.TB, store *db.DB, err error) *db.DB {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return store
}

// PoolKey stores a pool key by its name alone, for a test whose ring was never
// stored: a child's row names the pool key above it.
func PoolKey(t testing.TB, store *db.DB, id string) {
	t.Helper()
	ctx := context.Background()
	if err := store.Update(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(ctx, `
			INSERT INTO keyring_key (id, purpose, suite, wrapped, kek, state, created_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7)`, id, "pool", "", []byte{}, "", "retiring", 0)
		return err
	}); err != nil {
		t.Fatal(err)
	}
}
