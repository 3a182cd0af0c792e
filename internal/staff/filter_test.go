package staff_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"wardkeep/internal/base/db"
	"wardkeep/internal/staff"
	"wardkeep/internal/vault/vaulttest"
)

// What a person looks at again is the person's own: nobody else finds it, the store has
// none of its letters, and it goes when the person leaves.
func TestAFilterIsThePersonsOwn(t *testing.T) {
	each(t, func(t *testing.T, w *vaulttest.World) {
		boss := officer(w)
		p, other := hire(w, "李雷", staff.Grant{Role: staff.Manager, Service: service}), hire(w, "韩梅梅", staff.Grant{Role: staff.Manager, Service: service})
		keep := func(f staff.Filter) error {
			return w.Try(func(ctx context.Context, tx *db.Tx) error { return staff.KeepFilter(ctx, tx, w.Ring, p, "ledger", f) })
		}
		kept := func(by staff.Person, list string) (all []staff.Filter) {
			w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
				all, err = staff.Filters(ctx, tx, w.Ring, by, list)
				return err
			})
			slices.SortFunc(all, func(a, b staff.Filter) int { return strings.Compare(a.Name, b.Name) })
			return all
		}
		for _, f := range []staff.Filter{{"本月的同意", "kind=consent.granted"}, {"b", "article=9"}, {"b", "article=15"}} {
			if err := keep(f); err != nil {
				t.Fatal(err)
			}
		}
		if got := kept(p, "ledger"); !slices.Equal(got, []staff.Filter{{"b", "article=15"}, {"本月的同意", "kind=consent.granted"}}) {
			t.Errorf("kept %v", got)
		}
		if len(kept(other, "ledger")) != 0 || len(kept(p, "access")) != 0 {
			t.Error("it is found by somebody else, or for another list")
		}
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			return db.Each(ctx, tx, func(row db.Row) error {
				var name, sealed []byte
				err := row.Scan(&name, &sealed)
				if bytes.Contains(append(name, sealed...), []byte("consent")) || bytes.Contains(append(name, sealed...), []byte("同意")) {
					t.Error("the store has it in plain")
				}
				return err
			}, `SELECT name, sealed FROM person_filter ORDER BY name`)
		})
		for name, c := range map[string]struct {
			f    staff.Filter
			want error
		}{
			"no name":     {staff.Filter{Query: "a=b"}, staff.ErrFilterName},
			"two lines":   {staff.Filter{Name: "a\nb", Query: "a=b"}, staff.ErrFilterName},
			"a long name": {staff.Filter{Name: strings.Repeat("字", 41), Query: "a=b"}, staff.ErrFilterName},
			"nothing":     {staff.Filter{Name: "a"}, staff.ErrFilterLong},
			"too much":    {staff.Filter{Name: "a", Query: strings.Repeat("a", 501)}, staff.ErrFilterLong},
		} {
			if err := keep(c.f); !errors.Is(err, c.want) {
				t.Errorf("%s: %v", name, err)
			}
		}
		for i := range staff.MaxFilters - 2 {
			if err := keep(staff.Filter{Name: fmt.Sprint(i), Query: "a=b"}); err != nil {
				t.Fatal(err)
			}
		}
		if err := keep(staff.Filter{Name: "one more", Query: "a=b"}); !errors.Is(err, staff.ErrFiltersFull) {
			t.Errorf("one more: %v", err)
		}
		if err := keep(staff.Filter{Name: "b", Query: "a=c"}); err != nil {
			t.Errorf("another under the same name: %v", err)
		}
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			return staff.ForgetFilter(ctx, tx, w.Ring, p, "ledger", "b")
		})
		// One row in another's place is nobody's.
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			return tx.Queue(ctx, `UPDATE person_filter SET person = $1`, other.ID)
		})
		if got := kept(other, "ledger"); len(got) != 0 {
			t.Errorf("another's: %v", got)
		}
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			if err := tx.Queue(ctx, `UPDATE person_filter SET person = $1`, p.ID); err != nil {
				return err
			}
			_, err := staff.Leave(ctx, tx, boss, p.ID)
			return err
		})
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			n, err := db.One(ctx, tx, db.Single[int64], `SELECT count(*) FROM person_filter`)
			if n != 0 {
				t.Errorf("%d filters of who has left", n)
			}
			return err
		})
	})
}
