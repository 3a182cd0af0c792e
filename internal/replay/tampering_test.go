package replay_test

import (
	"context"
	"iter"
	"maps"
	"slices"
	"strings"
	"testing"

	"wardkeep/internal/base/db"
	"wardkeep/internal/replay"
)

// A tampering is what somebody does to rows with SQL. Found is what must be said of it: what,
// table and field.
type tampering struct {
	name, query string
	args        []any
	found       string
	first       func(ctx context.Context, tx *db.Tx) error // done before it, if it isn't nil
}

func (c tampering) table() string { return changed(c.query) }

// changed returns the table that a statement changes.
func changed(query string) string {
	return strings.Fields(strings.NewReplacer("DELETE FROM", "", "INSERT INTO", "", "UPDATE", "").Replace(query))[0]
}

// tries count the changes of each table. What is compared is the same on both engines, and that
// each table is read is tried on both by some of its changes.
type tries map[string]int

// enough counts a change, and reports whether it is tried on SQLite alone.
func (n tries) enough(t *testing.T, query string) bool {
	n[changed(query)]++
	return n[changed(query)] > 2 && onPostgres(t)
}

// sampled gives every forgery, and on PostgreSQL one in four: an entry is judged alike, whatever
// it was read from.
func sampled[F any](t *testing.T, forgeries map[string]F) iter.Seq2[string, F] {
	return func(yield func(string, F) bool) {
		for i, name := range slices.Sorted(maps.Keys(forgeries)) {
			if (i%4 == 0 || !onPostgres(t)) && !yield(name, forgeries[name]) {
				return
			}
		}
	}
}

func onPostgres(t *testing.T) bool { return strings.HasSuffix(t.Name(), "/postgres") }

// hungOn are the tables on whose rows those of others hang: what is changed there may be said of
// these, too. It is changed by itself, and so is whatever the ledger is made of.
var hungOn = []string{"child", "consent_request", "kept_value", "restoration"}

// tampered fails the test unless each change is found. An audit costs the same for one and for many: so
// several are made and undone together, no two of them in one table, since a difference names its
// table. If anything is said of a table that nobody has changed, or isn't said, each is tried by itself.
func (s *story) tampered(t *testing.T, all []tampering) {
	t.Helper()
	for _, round := range rounds(all) {
		report := s.touched(t, round...)
		if len(round) > 1 && !isOf(round, report) {
			for _, c := range round {
				found(t, c.name, s.touched(t, c), c.found)
			}
			continue
		}
		for _, c := range round {
			found(t, c.name, report, c.found)
		}
	}
}

// rounds puts the nth change of each table beside those of the others.
func rounds(all []tampering) [][]tampering {
	var alone, together [][]tampering
	had := make(map[string]int)
	for _, c := range all {
		table := c.table()
		if slices.Contains(hungOn, table) || strings.Contains(c.query, " ledger_") {
			alone = append(alone, []tampering{c})
			continue
		}
		n := had[table]
		if had[table]++; n == len(together) {
			together = append(together, nil)
		}
		together[n] = append(together[n], c)
	}
	return append(together, alone...)
}

// isOf reports whether what must be said of each change is said, and nothing of other tables.
func isOf(round []tampering, report replay.Report) bool {
	said, tables := make(map[string]bool), make(map[string]bool)
	for _, d := range report.Differences {
		said[strings.TrimPrefix(d.What, "replay.")+" "+d.Table+" "+d.Field], tables[d.Table] = true, true
	}
	for _, c := range round {
		if !said[c.found] {
			return false
		}
		delete(tables, c.table())
	}
	return len(tables) == 0
}

// touched makes changes, audits, and undoes them.
func (s *story) touched(t *testing.T, changes ...tampering) replay.Report {
	t.Helper()
	return s.once(t, func() {
		s.do(func(ctx context.Context, tx *db.Tx) error {
			for _, c := range changes {
				if c.first != nil {
					if err := c.first(ctx, tx); err != nil {
						return err
					}
				}
				n, err := tx.Exec(ctx, c.query, c.args...)
				if err != nil {
					return err
				}
				if n == 0 {
					t.Errorf("%s: nothing was changed", c.name)
				}
			}
			return nil
		})
	})
}
