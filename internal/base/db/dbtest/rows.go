package dbtest

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"wardkeep/internal/base/db"
)

// Rows are all that a store holds, to be written into empty ones of its engine: a test begins
// where another has begun, without doing again what that did to come there.
type Rows struct{ tables []table }

type table struct {
	name    string
	columns []string
	values  []any // of its rows, one row after the other
}

// columns names those of each table, in the order in which the tables were made: what a row
// refers to is written before it.
var columns = map[string]string{
	"sqlite": `
		SELECT m.name, c.name FROM sqlite_master m JOIN pragma_table_info(m.name) c
		WHERE m.type = 'table' AND m.name NOT IN ('goose_db_version', 'sqlite_sequence') ORDER BY m.rowid, c.cid`,
	"postgres": `
		SELECT c.relname::text, a.attname::text FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
		WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r' AND c.relname <> 'goose_db_version' ORDER BY c.oid, a.attnum`,
}

// Keep returns what the store holds.
func Keep(t testing.TB, store *db.DB) *Rows {
	t.Helper()
	r, ctx := new(Rows), context.Background()
	err := store.View(ctx, func(tx *db.Tx) error {
		var all []table
		err := db.Each(ctx, tx, func(row db.Row) error {
			var name, column string
			err := row.Scan(&name, &column)
			if n := len(all); n == 0 || all[n-1].name != name {
				all = append(all, table{name: name})
			}
			of := &all[len(all)-1]
			of.columns = append(of.columns, column)
			return err
		}, columns[store.Engine()])
		for _, one := range all {
			if err == nil {
				err = one.read(ctx, tx)
			}
			if len(one.values) > 0 {
				r.tables = append(r.tables, one)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (t *table) read(ctx context.Context, tx *db.Tx) error {
	return db.Each(ctx, tx, func(row db.Row) error {
		at := len(t.values)
		t.values = append(t.values, make([]any, len(t.columns))...)
		into := make([]any, len(t.columns))
		for i := range into {
			into[i] = &t.values[at+i]
		}
		return row.Scan(into...)
	}, "SELECT "+strings.Join(t.columns, ", ")+" FROM "+t.name)
}

// Write writes them into an empty store.
func (r *Rows) Write(ctx context.Context, tx *db.Tx) error {
	for _, t := range r.tables {
		places := make([]string, len(t.columns))
		for i := range places {
			places[i] = fmt.Sprintf("$%d", i+1)
		}
		query := "INSERT INTO " + t.name + " (" + strings.Join(t.columns, ", ") + ") VALUES (" + strings.Join(places, ", ") + ")"
		for at := 0; at < len(t.values); at += len(t.columns) {
			if err := tx.Queue(ctx, query, t.values[at:at+len(t.columns)]...); err != nil {
				return err
			}
		}
	}
	return nil
}
