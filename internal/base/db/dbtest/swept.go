package dbtest

import (
	"context"
	"crypto/rand"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"wardkeep/internal/base/db"
)

// schemas are those of this test binary in a PostgreSQL that is thrown away: one serves test
// after test, since to make all tables and to drop them takes longer than most tests do. What a
// test has written is deleted after it; a schema in which it has changed more than rows is
// dropped, and serves nobody again.
var schemas struct {
	mu    sync.Mutex
	conn  *pgx.Conn // opened by the first; ends with the process
	free  []string
	whole string // what the catalog says of one that nobody has changed
}

// describes tells all that stands in a schema but the rows, and its version.
func describes(ctx context.Context, schema string) (text string, err error) {
	err = schemas.conn.QueryRow(ctx, catalog+schema+`.goose_db_version) AS described`, schema).Scan(&text)
	return text, err
}

const catalog = `
	SELECT md5(string_agg(line, ' ' ORDER BY line)) FROM (
		SELECT concat_ws('/', c.relname, c.relkind, a.attname, a.atttypid, a.attnotnull, a.attisdropped) AS line
			FROM pg_class c LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 WHERE c.relnamespace = to_regnamespace($1)
		UNION ALL SELECT concat_ws('/', conname, contype, convalidated) FROM pg_constraint WHERE connamespace = to_regnamespace($1)
		UNION ALL SELECT tgname FROM pg_trigger t JOIN pg_class c ON c.oid = tgrelid WHERE c.relnamespace = to_regnamespace($1) AND NOT tgisinternal
		UNION ALL SELECT proname FROM pg_proc WHERE pronamespace = to_regnamespace($1)
		UNION ALL SELECT concat_ws('/', version_id, is_applied) FROM `

// written names the tables that have held a row since they were made or truncated, those that
// refer to others before these, and whether a table has grown.
const written = `
	SELECT relname, pg_relation_size(oid) > 65536 FROM pg_class
	WHERE relnamespace = to_regnamespace($1) AND relkind = 'r' AND relname <> 'goose_db_version' AND pg_relation_size(oid) > 0
	ORDER BY oid DESC`

// swept returns a store in a schema that was made for it, or that was swept.
func swept(t testing.TB) *db.DB {
	t.Helper()
	schemas.mu.Lock()
	defer schemas.mu.Unlock()
	ctx := context.Background()
	url := os.Getenv("TEST_POSTGRES")
	if schemas.conn == nil {
		conn, err := pgx.Connect(ctx, url)
		if err != nil {
			t.Fatal(err)
		}
		schemas.conn = conn
	}
	var schema string
	if n := len(schemas.free); n > 0 {
		schema, schemas.free = schemas.free[n-1], schemas.free[:n-1]
	}
	isNew := schema == ""
	if isNew {
		schema = "test_" + strings.ToLower(rand.Text())
		if _, err := schemas.conn.Exec(ctx, "CREATE SCHEMA "+schema); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { sweep(t, schema) })
	store, err := db.OpenPostgres(url + "&search_path=" + schema)
	if !isNew {
		return opened(t, store, err)
	}
	migrated(t, store, err)
	if schemas.whole == "" {
		if schemas.whole, err = describes(ctx, schema); err != nil {
			t.Fatal(err)
		}
	}
	return store
}

// sweep deletes what a test has written, and gives the schema to the next; or drops it, where
// the test has changed more than rows.
func sweep(t testing.TB, schema string) {
	t.Helper()
	schemas.mu.Lock()
	defer schemas.mu.Unlock()
	ctx := context.Background()
	if is, err := describes(ctx, schema); err != nil || is != schemas.whole {
		if _, err := schemas.conn.Exec(ctx, "DROP SCHEMA "+schema+" CASCADE"); err != nil {
			t.Error(err)
		}
		return
	}
	rows, err := schemas.conn.Query(ctx, written, schema)
	if err != nil {
		t.Error(err)
		return
	}
	var statements strings.Builder
	var table string
	var grown bool
	_, err = pgx.ForEachRow(rows, []any{&table, &grown}, func() error {
		verb := "DELETE FROM "
		if grown { // what was deleted would slow down who reads it next
			verb = "TRUNCATE "
		}
		statements.WriteString(verb + schema + "." + table + ";")
		return nil
	})
	if err == nil {
		_, err = schemas.conn.Exec(ctx, statements.String())
	}
	if err != nil {
		t.Error(err)
		return
	}
	schemas.free = append(schemas.free, schema)
}
