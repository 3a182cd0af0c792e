package rights_test

import (
	"context"
	"fmt"
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
