package dbtest

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"wardkeep/internal/base/db"
)

// does runs statements, of which each must work.
func does(t *testing.T, store *db.DB, statements ...string) {
	t.Helper()
	err := store.Update(t.Context(), func(tx *db.Tx) error {
		for _, s := range statements {
			if _, err := tx.Exec(t.Context(), s); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

const aKey = `INSERT INTO keyring_key (id, purpose, suite, wrapped, kek, state, created_at) VALUES ('pk_1', 'pool', '', '', '', '金', 0)`

// What a test leaves behind, rows or tables, the next doesn't find: what one could do, it can
// do again.
func TestEachTestBeginsWithAnEmptyStore(t *testing.T) {
	leaves := [][]string{
		{aKey, `INSERT INTO heartbeat (name, at) VALUES ('sweep', 1)`}, {`CREATE TABLE left_behind (n bigint)`}, {`ALTER TABLE heartbeat RENAME TO heartbeat_gone`},
		{`ALTER TABLE whereabouts RENAME COLUMN place TO another`}, {`DROP TABLE whereabouts`}, {`DROP INDEX ledger_bundle_max_at`},
		{`INSERT INTO goose_db_version (version_id, is_applied) VALUES (99, true)`}, {`DROP TABLE goose_db_version`},
	}
	for engine, open := range map[string]func(t testing.TB) *db.DB{"sqlite": New, "postgres": Postgres} {
		t.Run(engine, func(t *testing.T) {
			for i := range 2 * len(leaves) {
				statements := leaves[i%len(leaves)]
				t.Run(fmt.Sprint(i), func(t *testing.T) {
					store := open(t)
					if is := Keep(t, store); len(is.tables) > 0 {
						t.Errorf("there are rows already: %+v", is)
					}
					err := store.View(t.Context(), func(tx *db.Tx) error { return db.CheckSchema(t.Context(), tx) })
					if err != nil {
						t.Error(err)
					}
					does(t, store, statements...)
				})
			}
		})
	}
}

// Rows that were kept are written as they were.
func TestRowsAreWrittenAsTheyWereKept(t *testing.T) {
	kept := make(map[string]*Rows)
	fill := func(t *testing.T, store *db.DB) {
		does(t, store, aKey, `INSERT INTO heartbeat (name, at) VALUES ('sweep', 1)`, `INSERT INTO heartbeat (name, at) VALUES ('scrub', -1)`)
		if kept[store.Engine()] = Keep(t, store); len(kept[store.Engine()].tables) != 2 {
			t.Errorf("not all was kept: %+v", kept)
		}
	}
	write := func(t *testing.T, store *db.DB) {
		k := kept[store.Engine()]
		if err := store.Update(t.Context(), func(tx *db.Tx) error { return k.Write(t.Context(), tx) }); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(k, Keep(t, store), cmp.AllowUnexported(Rows{}, table{})); diff != "" {
			t.Errorf("what was written isn't what was kept (-kept +written):\n%s", diff)
		}
	}
	Each(t, fill)
	Each(t, write)
}
