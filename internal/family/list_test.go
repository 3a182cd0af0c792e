package family_test

import (
	"fmt"
	"strings"
	"testing"

	"wardkeep/internal/base/db"
	"wardkeep/internal/family"
)

func TestList_PagesTheLivingOfOneService(t *testing.T) {
	each(t, func(w *world) {
		var all []family.ID
		for i := range 5 {
			c, _ := w.enrol(w.enrolment(fmt.Sprintf("r%d", i)))
			all = append(all, c.ID)
		}
		w.erase(all[2])
		other := w.enrolment("r9")
		other.Service = "another"
		w.enrol(other)
		seen := map[family.ID]bool{}
		after, pages := family.ID(""), 0
		for {
			var page []family.Child
			w.do(func(tx *db.Tx) (err error) {
				page, err = family.List(w.ctx, tx, service, after, 3)
				return err
			})
			if len(page) == 0 {
				break
			}
			pages++
			for _, c := range page {
				if c.ID <= after || seen[c.ID] || c.Service != service || c.State == family.Erased {
					w.Errorf("%+v after %s", c, after)
				}
				seen[c.ID], after = true, c.ID
			}
		}
		if len(seen) != 4 || pages != 2 || seen[all[2]] {
			w.Errorf("%d children in %d pages", len(seen), pages)
		}
	})
}

// A page costs its length: neither the living behind it nor those that were
// erased before it are read.
func TestList_CostsTheSameForAnyNumberOfChildren(t *testing.T) {
	each(t, func(w *world) {
		// The names of children are random, so whoever is erased lies anywhere among the others.
		add := func(from, n int, state string) {
			w.do(func(tx *db.Tx) error {
				for i := range n {
					name := fmt.Sprintf("%026d", 2*i+from)
					err := tx.Queue(w.ctx, `
						INSERT INTO child (child, service, subject, version, state, frozen, disputed, birth_from, birth_version, endings, created_at, aged)
						VALUES ($1, 'xiaoxi', $2, 1, $3, false, false, '', 0, '', 0, 0)`, "ch_"+name, "su_"+name, state)
					if err != nil {
						return err
					}
				}
				return nil
			})
		}
		add(0, 5000, "erased")
		add(1, 5000, "active")
		if w.store.Engine() == "sqlite" {
			w.do(func(tx *db.Tx) error {
				plan, err := db.All(w.ctx, tx, func(row db.Row) (s string, err error) {
					var a, b, c int64
					err = row.Scan(&a, &b, &c, &s)
					return s, err
				}, `EXPLAIN QUERY PLAN SELECT child FROM child WHERE service = $1 AND child > $2 AND state <> 'erased' ORDER BY child LIMIT $3`, service, "", 10)
				if text := strings.Join(plan, "; "); !strings.Contains(text, "INDEX child_service (service=? AND child>?)") || strings.Contains(text, "TEMP") {
					w.Errorf("%s", text)
				}
				return err
			})
			return
		}
		w.do(func(tx *db.Tx) error {
			if err := tx.Queue(w.ctx, `ANALYZE child`); err != nil {
				return err
			}
			read := func() (n int64) {
				n, err := db.One(w.ctx, tx, db.Single[int64], `
					SELECT CAST(coalesce(sum(seq_tup_read + coalesce(idx_tup_fetch, 0)), 0) AS bigint) FROM pg_stat_xact_user_tables
					WHERE relname = 'child' AND schemaname = current_schema()`)
				if err != nil {
					w.Fatal(err)
				}
				return n
			}
			before := read()
			page, err := family.List(w.ctx, tx, service, "", 10)
			if n := read() - before; n > 40 || len(page) != 10 {
				w.Errorf("%d rows were read for a page of %d", n, len(page))
			}
			return err
		})
	})
}
