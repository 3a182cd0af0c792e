package app_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	wardkeep "wardkeep/client"
	"wardkeep/internal/app"
	"wardkeep/internal/app/apptest"
	"wardkeep/internal/base/db"
	"wardkeep/internal/family"
	"wardkeep/internal/retention"
)

// Invariants 8 and 10: after an erasure and the next sweep, whoever reads every byte
// of the store finds nothing that was kept under the child's key, nor that key, nor a
// hash that leads to it: while a server runs and a system takes none of what it is told, not in
// the queue, the jobs or the log either. PostgreSQL leaves what it deletes in its pages,
// vacuumed or not: there, after a rotation no byte of the key is left that would open it. Its
// write-ahead log has what was written until a segment is gone, sealed, and nothing in plain.
func TestInvariant8_NothingOfAnErasedChildIsLeftRaw(t *testing.T) {
	apptest.Each(t, func(t *testing.T, in *apptest.Installation) {
		h := hooked(t, in, "/in")
		h.refuse = func(wardkeep.Event) bool { return true }
		server := in.Start().Await()
		a := in.Open(apptest.Discard())
		client := in.Client(server.Base)
		ctx := t.Context()
		wal := walFrom(t, in)
		child := agreed(t, client, nil)
		values := map[string]string{"nickname": "小溪同学", "school": "文三路小学"}
		if _, err := client.Collect(ctx, child, "", wardkeep.Collection{Purpose: "class-ranking", Values: values}); err != nil {
			t.Fatal(err)
		}
		if _, err := client.Demand(ctx, child, wardkeep.Demanding{Kind: "delete", Door: "contact", Text: "请删除"}); err != nil {
			t.Fatal(err)
		}
		h.await(t, child, family.KindRegistered)
		kept := traces(t, a, child)
		if len(kept) < 12 {
			t.Fatalf("only %d things are kept of a child", len(kept))
		}
		pool := poolOf(t, a, child)
		kept["pool"] = pool
		if found := raw(t, in, kept); len(found) < len(kept) {
			t.Fatalf("before the erasure only %d of %d are found: the search is blind", len(found), len(kept))
		}
		delete(kept, "pool")

		if _, err := client.Erase(ctx, child); err != nil {
			t.Fatal(err)
		}
		if _, err := retention.Sweep(ctx, a.Store, a.Vault); err != nil {
			t.Fatal(err)
		}
		tables := in.Tables()
		if len(tables["webhook_delivery"]) == 0 {
			t.Error("the queue is empty, so the search in it proves nothing")
		}
		for name, b := range tables {
			for what, trace := range kept {
				if bytes.Contains(b, trace) {
					t.Errorf("table %s still has %s", name, what)
				}
			}
		}
		plain := make(map[string][]byte)
		for what, value := range values {
			plain[what] = []byte(value)
		}
		for what, trace := range plain {
			if bytes.Contains(server.Log(), trace) {
				t.Errorf("%s is in the log", what)
			}
		}
		for what, where := range raw(t, in, plain) {
			t.Errorf("%s is in %s", what, where)
		}
		if in.URL == "" {
			left := raw(t, in, kept) // the server may have read it a moment ago: then the next sweep overwrites it
			for end := time.Now().Add(20 * time.Second); len(left) > 0 && time.Now().Before(end); left = raw(t, in, kept) {
				if err := a.Store.Scrub(ctx); err != nil {
					t.Fatal(err)
				}
			}
			for what, where := range left {
				t.Errorf("%s is still in %s", what, where)
			}
			return
		}
		sealed := false
		for name, b := range wal() {
			for what, trace := range plain {
				if bytes.Contains(b, trace) {
					t.Errorf("%s is in %s", what, name)
				}
			}
			for _, trace := range kept {
				sealed = sealed || bytes.Contains(b, trace)
			}
		}
		if !sealed {
			t.Error("nothing of the child is in the write-ahead log: the search is blind")
		}
		if _, err := a.Rotate(ctx, func(int) {}); err != nil {
			t.Fatal(err)
		}
		scrubbed(t, in, a, pool)
	})
}

// scrubbed fails the test if PostgreSQL's pages still have the key that wrapped those of
// children. Other tests may have a transaction that goes on for longer than a rotation waits:
// then it is the sweep that has it gone.
func scrubbed(t *testing.T, in *apptest.Installation, a *app.App, pool []byte) {
	t.Helper()
	left := raw(t, in, map[string][]byte{"": pool})
	for end := time.Now().Add(time.Minute); len(left) > 0 && time.Now().Before(end); left = raw(t, in, map[string][]byte{"": pool}) {
		if err := a.Store.Scrub(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for _, where := range left {
		t.Errorf("the key that wrapped the child's is still in %s", where)
	}
}

// traces returns whatever is kept of a child in binary: sealed values, its wrapped
// key, hashes.
func traces(t *testing.T, a *app.App, child string) map[string][]byte {
	t.Helper()
	columns := `SELECT m.name || '.' || p.name FROM sqlite_master m JOIN pragma_table_info(m.name) p
		WHERE m.type = 'table' AND p.type = 'bytea' AND EXISTS (SELECT 1 FROM pragma_table_info(m.name) q WHERE q.name = 'child')`
	if a.Store.Engine() == "postgres" {
		columns = `SELECT c.table_name || '.' || c.column_name FROM information_schema.columns c
			WHERE c.table_schema = current_schema() AND c.data_type = 'bytea' AND EXISTS (SELECT 1 FROM information_schema.columns q
				WHERE q.table_schema = c.table_schema AND q.table_name = c.table_name AND q.column_name = 'child')`
	}
	found := make(map[string][]byte)
	err := a.Store.View(t.Context(), func(tx *db.Tx) error {
		all, err := db.All(t.Context(), tx, db.Single[string], columns)
		if err != nil {
			return err
		}
		for _, name := range all {
			table, column, _ := strings.Cut(name, ".")
			values, err := db.All(t.Context(), tx, db.Single[[]byte], `SELECT `+column+` FROM `+table+` WHERE child = $1 AND `+column+` IS NOT NULL`, child)
			if err != nil {
				return err
			}
			for i, v := range values {
				found[fmt.Sprint(name, " ", i)] = v
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// poolOf returns the wrapped key that wraps a child's.
func poolOf(t *testing.T, a *app.App, child string) (wrapped []byte) {
	t.Helper()
	err := a.Store.View(t.Context(), func(tx *db.Tx) (err error) {
		wrapped, err = db.One(t.Context(), tx, db.Single[[]byte],
			`SELECT k.wrapped FROM child JOIN keyring_key k ON k.id = child.pool WHERE child.child = $1`, child)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return wrapped
}

// raw returns in which file of the store each of these bytes is, if in any: on
// PostgreSQL the files of all its tables and indexes.
func raw(t *testing.T, in *apptest.Installation, what map[string][]byte) map[string]string {
	t.Helper()
	files := in.Files()
	if in.URL != "" {
		files = pages(t, in)
	}
	found := make(map[string]string)
	for name, bytesOf := range what {
		for file, b := range files {
			if bytes.Contains(b, bytesOf) {
				found[name] = file
			}
		}
	}
	return found
}

// walFrom returns what reads the segments of PostgreSQL's write-ahead log that were written
// from this moment on.
func walFrom(t *testing.T, in *apptest.Installation) func() map[string][]byte {
	t.Helper()
	if in.URL == "" {
		return nil
	}
	conn, err := pgx.Connect(t.Context(), in.URL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	// Without a slot a checkpoint, of another test's database too, would give the segments away
	// before they are read.
	var from string
	if err := conn.QueryRow(t.Context(), `
		SELECT pg_walfile_name(lsn) FROM pg_create_physical_replication_slot($1, true, true)`,
		fmt.Sprintf("wardkeep_%d", time.Now().UnixNano())).Scan(&from); err != nil {
		t.Fatal(err)
	}
	return func() map[string][]byte {
		rows, err := conn.Query(t.Context(), `
			SELECT name, pg_read_binary_file('pg_wal/' || name) FROM pg_ls_waldir()
			WHERE name >= $1 AND name <= pg_walfile_name(pg_current_wal_lsn()) AND length(name) = 24`, from)
		if err != nil {
			t.Fatal(err)
		}
		files := make(map[string][]byte)
		var name string
		var b []byte
		if _, err := pgx.ForEachRow(rows, []any{&name, &b}, func() error {
			files[name] = bytes.Clone(b)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		return files
	}
}

// pages reads the files of PostgreSQL that hold our tables.
func pages(t *testing.T, in *apptest.Installation) map[string][]byte {
	t.Helper()
	ctx := t.Context()
	conn, err := pgx.Connect(ctx, in.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	for _, statement := range []string{"VACUUM", "CHECKPOINT"} {
		if _, err := conn.Exec(ctx, statement); err != nil {
			t.Fatal(err)
		}
	}
	rows, err := conn.Query(ctx, `
		SELECT c.relname::text, pg_read_binary_file(pg_relation_filepath(c.oid)) FROM pg_class c
		WHERE c.relkind IN ('r', 'i', 't') AND pg_relation_filepath(c.oid) IS NOT NULL
		AND (c.relnamespace = current_schema()::regnamespace OR c.relnamespace = 'pg_toast'::regnamespace)`)
	if err != nil {
		t.Fatal(err)
	}
	files := make(map[string][]byte)
	var name string
	var b []byte
	_, err = pgx.ForEachRow(rows, []any{&name, &b}, func() error {
		files[name] = bytes.Clone(b)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
