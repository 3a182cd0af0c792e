package rights_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"wardkeep/internal/base/db"
	"wardkeep/internal/rights"
	"wardkeep/internal/vault/vaulttest"
)

// Articles 19 and 20: a list has each demand once, whatever the size of its pages: of those
// that are open what is due first comes first, of others what has ended last.
func TestArticle19_AListHasEachDemandOnce(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		services := []string{"another", vaulttest.Service}
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			n := 0
			for _, service := range services {
				for _, state := range []rights.State{rights.Open, rights.Done, rights.Refused, rights.Cancelled} {
					for _, kind := range []rights.Kind{rights.Correct, rights.Copy} {
						for i := range 6 {
							n++
							closed := any(nil)
							if state != rights.Open {
								closed = int64(100 + i/3) // several ended at one moment
							}
							name := fmt.Sprintf("%026d", n)
							if err := tx.Queue(ctx, `
								INSERT INTO rights_request (child, id, service, number, kind, door, guardian, item, state, owner, reason, received_at, due_at, extended, froze, told, entry, reached, steps, closed_at)
								VALUES ($1, $2, $3, '7K2M-9QXT', $4, 'guardian', '', '', $5, '', '', 0, $6, '', false, '', '', '', '', $7)`,
								"ch_"+name, "rr_"+name, service, string(kind), string(state), int64(200+i/3), closed); err != nil {
								return err
							}
						}
					}
				}
			}
			return nil
		})
		for _, from := range []string{"1." + vaulttest.Service + ".open.x", "1." + vaulttest.Service + ".open.\x00", "1." + vaulttest.Service + ".open.st_" + strings.Repeat("0", 26)} {
			if c := rights.ParseCursor(from); c.String() != "" {
				t.Errorf("a list goes on behind %q", c)
			}
		}
		list := func(want rights.Wanted, limit int) (all []rights.Request) {
			t.Helper()
			for from, first := (rights.Cursor{}), true; first || from.String() != ""; first = false {
				w.Do(func(ctx context.Context, tx *db.Tx) error {
					some, next, err := rights.List(ctx, tx, want, rights.ParseCursor(from.String()), limit)
					all, from = append(all, some...), next
					return err
				})
			}
			return all
		}
		for _, c := range []struct {
			want rights.Wanted
			n    int
		}{
			{rights.Wanted{Services: services}, 24}, {rights.Wanted{Services: services[1:]}, 12}, {rights.Wanted{}, 0},
			{rights.Wanted{Services: services, Kind: rights.Copy}, 12}, {rights.Wanted{Services: services, State: rights.Ended}, 72},
			{rights.Wanted{Services: services, State: rights.Refused}, 24}, {rights.Wanted{Services: services, State: rights.Ended, Kind: rights.Copy}, 36},
			{rights.Wanted{Services: services, State: "lost"}, 0}, {rights.Wanted{Services: services, Kind: "everything"}, 0},
			{rights.Wanted{Services: services, State: "\x00"}, 0}, {rights.Wanted{Services: services, Kind: "\x00"}, 0},
		} {
			whole := list(c.want, 1000)
			if len(whole) != c.n {
				t.Errorf("%+v: %d demands, want %d", c.want, len(whole), c.n)
			}
			for i := range max(len(whole)-1, 0) {
				a, b := whole[i], whole[i+1]
				if a.State == rights.Open && b.DueAt.Before(a.DueAt) || a.State != rights.Open && b.ClosedAt.After(a.ClosedAt) {
					t.Errorf("%+v: %s stands before %s", c.want, a.ID, b.ID)
				}
			}
			for _, limit := range []int{1, 2, 5, 7} {
				if some := list(c.want, limit); fmt.Sprint(some) != fmt.Sprint(whole) {
					t.Errorf("%+v: pages of %d have %d demands, or others", c.want, limit, len(some))
				}
			}
		}
	})
}

// However many demands there are, a page of the list costs what it shows.
func TestArticle19_AListReadsAnIndex(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		const before = `SELECT id FROM rights_request WHERE service = $1 AND `
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			for i := range 10_000 {
				name := fmt.Sprintf("%026d", i)
				state, closed := "open", any(nil)
				if i%2 == 0 {
					state, closed = "done", int64(i)
				}
				if err := tx.Queue(ctx, `
					INSERT INTO rights_request (child, id, service, number, kind, door, guardian, item, state, owner, reason, received_at, due_at, extended, froze, told, entry, reached, steps, closed_at)
					VALUES ($1, $2, $3, '7K2M-9QXT', 'copy', 'guardian', '', '', $4, '', '', 0, $5, '', false, '', '', '', '', $6)`,
					"ch_"+name, "rr_"+name, vaulttest.Service, state, int64(i), closed); err != nil {
					return err
				}
			}
			return nil
		})
		if w.Store.Engine() == "sqlite" {
			for index, query := range map[string]string{
				"rights_request_open (service=? AND (due_at,child,id)>":       `state = 'open' AND (due_at, child, id) > ($2, $3, $4) ORDER BY due_at, child, id LIMIT 20`,
				"rights_request_ended (service=? AND state=? AND closed_at":   `state = 'done' AND closed_at IS NOT NULL AND (closed_at, child, id) < ($2, $3, $4) ORDER BY closed_at DESC, child DESC, id DESC LIMIT 20`,
				"rights_request_ended_kind (service=? AND kind=? AND state=?": `kind = 'copy' AND state = 'done' AND closed_at IS NOT NULL AND (closed_at, child, id) < ($2, $3, $4) ORDER BY closed_at DESC, child DESC, id DESC LIMIT 20`,
			} {
				w.Do(func(ctx context.Context, tx *db.Tx) error {
					plan, err := db.All(ctx, tx, func(row db.Row) (s string, err error) {
						var a, b, c int64
						err = row.Scan(&a, &b, &c, &s)
						return s, err
					}, `EXPLAIN QUERY PLAN `+before+query, vaulttest.Service, int64(5000), "", "")
					if text := strings.Join(plan, "; "); !strings.Contains(text, index) || strings.Contains(text, "TEMP") {
						t.Errorf("%s: %s", index, text)
					}
					return err
				})
			}
			return
		}
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			if err := tx.Queue(ctx, `ANALYZE rights_request`); err != nil {
				return err
			}
			read := func() int64 {
				n, err := db.One(ctx, tx, db.Single[int64], `
					SELECT CAST(coalesce(sum(seq_tup_read + coalesce(idx_tup_fetch, 0)), 0) AS bigint) FROM pg_stat_xact_user_tables
					WHERE relname = 'rights_request' AND schemaname = current_schema()`)
				if err != nil {
					t.Fatal(err)
				}
				return n
			}
			for _, want := range []rights.Wanted{{}, {Kind: rights.Copy}, {State: rights.Ended}, {State: rights.Done, Kind: rights.Copy}} {
				want.Services = []string{vaulttest.Service}
				was := read()
				page, next, err := rights.List(ctx, tx, want, rights.Cursor{}, 20)
				if n := read() - was; err != nil || n > 70 || len(page) != 20 || next.String() == "" {
					t.Errorf("%+v: %d rows were read for a page of %d, %v", want, n, len(page), err)
				}
			}
			return nil
		})
	})
}
