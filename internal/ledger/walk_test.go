package ledger

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/db/dbtest"
)

// mixed appends n entries of several kinds, services, subjects and actors, twenty to a
// transaction.
func mixed(t testing.TB, store *db.DB, n int) {
	t.Helper()
	for at := 0; at < n; at += 20 {
		err := store.Update(t.Context(), func(tx *db.Tx) error {
			for i := at; i < min(at+20, n); i++ {
				e := Entry{Kind: []string{"use.permitted", "consent.granted", "staff.added"}[i%3], Service: []string{"xiaoxi", "qingniao", ""}[i%7%3],
					Subject: fmt.Sprintf("su_%d", i%11), Version: int64(i), Actor: fmt.Sprintf("app:ak_%d", i%5), Body: body{"speaking", i}}
				if _, err := Append(t.Context(), tx, e); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// A walk finds what reading everything finds, whatever is sought, each entry once and in
// the order of places, also where it is cut and goes on.
func TestAWalkFindsWhatReadingAllFinds(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, store *db.DB) {
		l, _ := open(t, store)
		const many = 1100
		mixed(t, store, many)
		flush(t, l)
		view(t, store, func(tx *db.Tx) error {
			ctx := t.Context()
			var all []Placed
			if err := Read(ctx, tx, 0, many, func(p Placed) error { all = append(all, p); return nil }); err != nil {
				return err
			}
			rnd := rand.New(rand.NewPCG(1, 2))
			pick := func(of ...string) string { return of[rnd.IntN(len(of))] }
			for range 60 {
				s := Sought{Subject: pick("", "su_3", "su_10", "su_none"), Actor: pick("", "", "app:ak_1"), Kinds: [][]string{nil, {"use.permitted"}, {"staff.added", "consent.granted"}}[rnd.IntN(3)],
					Services: [][]string{nil, {"xiaoxi"}, {"qingniao", ""}, {}}[rnd.IntN(4)]}
				if rnd.IntN(2) == 0 {
					s.From = all[rnd.IntN(many)].At
				}
				if rnd.IntN(2) == 0 {
					s.To = all[rnd.IntN(many)].At
				}
				var want []int64
				for _, p := range slices.Backward(all) {
					if s.is(p) {
						want = append(want, p.Place)
					}
				}
				limit, most := 1+rnd.IntN(40), 1+rnd.IntN(3)
				var got []int64
				for before, rounds := int64(0), 0; ; rounds++ {
					w, err := walk(ctx, tx, s, before, limit, most)
					if err != nil || len(w.Found) > limit || rounds > many {
						t.Fatalf("%+v before %d: %d found, %v", s, before, len(w.Found), err)
					}
					for _, p := range w.Found {
						got = append(got, p.Place)
					}
					if w.Cut && (w.Back.IsZero() || w.Next%width != 0) {
						t.Errorf("%+v: cut at %d, %v", s, w.Next, w.Back)
					}
					if w.Next == 0 {
						break
					}
					before = w.Next
				}
				if !slices.Equal(got, want) {
					t.Fatalf("%+v, %d at a time: %d found, want %d", s, limit, len(got), len(want))
				}
			}
			return nil
		})
	})
}

// Who looks for an entry isn't told that there is none where a bundle is missing, or is
// shorter than the head says.
func TestInvariant3_AWalkPassesOverNoBundle(t *testing.T) {
	for name, damage := range map[string]string{
		"a bundle in the middle": `DELETE FROM ledger_bundle WHERE start = 512`,
		"the last bundle":        `DELETE FROM ledger_bundle WHERE start = 768`,
		"the first bundle":       `DELETE FROM ledger_bundle WHERE start = 0`,
		"a bundle cut short":     `UPDATE ledger_bundle SET entries = (SELECT b.entries FROM ledger_bundle b WHERE b.start = 768) WHERE start = 512`,
	} {
		t.Run(name, func(t *testing.T) {
			dbtest.Each(t, func(t *testing.T, store *db.DB) {
				l, _ := open(t, store)
				mixed(t, store, 900)
				flush(t, l)
				if err := store.Update(t.Context(), func(tx *db.Tx) error { return tx.Queue(t.Context(), damage) }); err != nil {
					t.Fatal(err)
				}
				err := store.View(t.Context(), func(tx *db.Tx) error {
					_, err := Walk(t.Context(), tx, Sought{Kinds: []string{"no.such"}}, 0, 10)
					return err
				})
				if !errors.Is(err, ErrDamaged) {
					t.Errorf("got %v", err)
				}
			})
		})
	}
}

func TestAtFindsAnEntryByItsPlace(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, store *db.DB) {
		l, _ := open(t, store)
		mixed(t, store, 300)
		flush(t, l)
		view(t, store, func(tx *db.Tx) error {
			for _, place := range []int64{0, 255, 256, 299} {
				if p, err := At(t.Context(), tx, place); err != nil || p.Place != place || p.Version != place {
					t.Errorf("%d: %+v, %v", place, p, err)
				}
			}
			for _, place := range []int64{-1, 300, 1 << 60} {
				if _, err := At(t.Context(), tx, place); !errors.Is(err, ErrOutside) {
					t.Errorf("%d: %v", place, err)
				}
			}
			return nil
		})
	})
}

// BenchmarkWalk looks for what isn't there: the most that a walk can cost.
func BenchmarkWalk(b *testing.B) {
	store := dbtest.New(b)
	l, _ := open(b, store)
	mixed(b, store, walkAtMost*width+width)
	flush(b, l)
	for name, s := range map[string]Sought{
		"no subject": {Subject: "su_none"}, "no kind": {Kinds: []string{"no.such"}}, "no service": {Services: []string{}},
		"all": {}, "long ago": {To: time.UnixMicro(1)},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				err := store.View(context.Background(), func(tx *db.Tx) error {
					_, err := Walk(context.Background(), tx, s, 0, 50)
					return err
				})
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
