package access_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"wardkeep/internal/access"
	"wardkeep/internal/base/db"
	"wardkeep/internal/charter"
	"wardkeep/internal/family"
	"wardkeep/internal/gate"
	"wardkeep/internal/ledger"
	"wardkeep/internal/vault/vaulttest"
)

// A book is a world with a sequencer.
type book struct {
	*vaulttest.World
	log *ledger.Log
}

func each(t *testing.T, fn func(t *testing.T, b *book)) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		signer, _, err := ledger.NewSigner("wardkeep.test", make([]byte, 32))
		if err != nil {
			t.Fatal(err)
		}
		fn(t, &book{w, ledger.Open(w.Store, "wardkeep.test", signer)})
	})
}

func (b *book) flush() {
	b.T.Helper()
	if err := b.log.Flush(context.Background()); err != nil {
		b.T.Fatal(err)
	}
}

func (b *book) count() {
	b.T.Helper()
	for {
		n, err := access.Count(context.Background(), b.Store)
		if err != nil {
			b.T.Fatal(err)
		}
		if n == 0 {
			return
		}
	}
}

// told returns the lines about a child in short.
func (b *book) told(c family.Child) (lines []string) {
	b.T.Helper()
	b.Do(func(ctx context.Context, tx *db.Tx) error {
		lines = nil
		now, err := family.Find(ctx, tx, vaulttest.Service, c.ID)
		if err != nil {
			return err
		}
		all, until, err := access.Of(ctx, tx, now, 50)
		if !until.IsZero() {
			b.T.Errorf("told until %v", until)
		}
		for _, u := range all {
			lines = append(lines, fmt.Sprintf("%s %s %v %v %d", u.Activity, u.Purpose, u.Items, u.Permitted, u.Times))
		}
		slices.Sort(lines)
		return err
	})
	return lines
}

func (b *book) tells(c family.Child, want ...string) {
	b.T.Helper()
	slices.Sort(want)
	if got := b.told(c); !slices.Equal(got, want) {
		b.T.Errorf("got  %q\nwant %q", got, want)
	}
}

// What is told is the same before, while and after it is counted.
func TestPIPL45_WhoUsedWhatIsToldToTheGuardian(t *testing.T) {
	each(t, func(t *testing.T, b *book) {
		c, other := b.Child(), b.Child()
		b.Put(c, "course-progress", "nickname", "小满")
		b.Put(other, "course-progress", "nickname", "小雨")
		read := func() {
			if _, err := b.Read(c, "course-progress", "nickname"); err != nil {
				t.Fatal(err)
			}
			if _, err := b.Read(c, "course-progress", "school"); !errors.Is(err, gate.ErrDenied) {
				t.Fatal(err)
			}
		}
		read()
		read()
		b.flush()
		b.tells(c, "collect course-progress [nickname] true 1", "use course-progress [nickname] true 2", "use course-progress [school] false 2")
		b.count()
		b.tells(c, "collect course-progress [nickname] true 1", "use course-progress [nickname] true 2", "use course-progress [school] false 2")
		b.tells(other, "collect course-progress [nickname] true 1")
		read()
		b.flush()
		b.tells(c, "collect course-progress [nickname] true 1", "use course-progress [nickname] true 3", "use course-progress [school] false 3")
		b.count()
		b.tells(c, "collect course-progress [nickname] true 1", "use course-progress [nickname] true 3", "use course-progress [school] false 3")
	})
}

// If the process dies between the rows and the cursor, what was counted isn't
// counted again, also when there is more meanwhile.
func TestPIPL45_EachUseIsCountedOnce(t *testing.T) {
	each(t, func(t *testing.T, b *book) {
		c := b.Child()
		b.Put(c, "course-progress", "nickname", "小满")
		b.flush()
		back := func() {
			b.Do(func(ctx context.Context, tx *db.Tx) error {
				_, err := tx.Exec(ctx, `DELETE FROM ledger_cursor WHERE name = $1`, access.Counted)
				return err
			})
		}
		b.count()
		back()
		b.tells(c, "collect course-progress [nickname] true 1")
		if _, err := b.Read(c, "course-progress", "nickname"); err != nil {
			t.Fatal(err)
		}
		b.flush()
		b.tells(c, "collect course-progress [nickname] true 1", "use course-progress [nickname] true 1")
		b.count()
		b.tells(c, "collect course-progress [nickname] true 1", "use course-progress [nickname] true 1")
		results := make(chan error, 4)
		for range 4 { // several nodes
			go func() { _, err := access.Count(context.Background(), b.Store); results <- err }()
		}
		for range 4 {
			if err := <-results; err != nil {
				t.Error(err)
			}
		}
		b.tells(c, "collect course-progress [nickname] true 1", "use course-progress [nickname] true 1")
	})
}

func TestArticle20_WhatIsToldGoesWithTheChild(t *testing.T) {
	each(t, func(t *testing.T, b *book) {
		rows := func() (n int64) {
			b.Do(func(ctx context.Context, tx *db.Tx) (err error) {
				n, err = db.One(ctx, tx, db.Single[int64], `SELECT count(*) FROM child_access`)
				return err
			})
			return n
		}
		erase := func(c family.Child) {
			b.Do(func(ctx context.Context, tx *db.Tx) error {
				_, err := b.Vault.Erase(ctx, tx, b.App.Ledger(), vaulttest.Service, c.ID, family.Requested)
				return err
			})
		}
		counted, waiting, stays := b.Child(), b.Child(), b.Child()
		for _, c := range []family.Child{counted, waiting, stays} {
			b.Put(c, "course-progress", "nickname", "小满")
			if c.ID == counted.ID {
				b.flush()
				b.count()
			}
		}
		if rows() != 1 {
			t.Errorf("%d rows", rows())
		}
		erase(counted)
		erase(waiting)
		b.flush()
		b.count()
		if rows() != 1 {
			t.Errorf("%d rows, one child is left", rows())
		}
		b.Pass(access.Keep * 24 * time.Hour)
		b.Do(func(ctx context.Context, tx *db.Tx) error {
			n, err := access.Sweep(ctx, tx, 10)
			if n != 1 {
				t.Errorf("swept %d", n)
			}
			return err
		})
	})
}

func TestDayIsThatOfBeijing(t *testing.T) {
	for at, want := range map[string]string{"2026-03-05T15:59:59Z": "2026-03-05", "2026-03-05T16:00:00Z": "2026-03-06"} {
		moment, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		if got := (access.Use{Day: access.DayOf(moment)}).Date().Format(time.DateOnly); got != want {
			t.Errorf("%s is in %s, want %s", at, got, want)
		}
	}
	if (access.Use{Activity: charter.Use}).Permitted {
		t.Error("the zero use is permitted")
	}
}

// Nothing is unused for the whole period before it is, whenever on its last day it was used; and
// the latest such day is found.
func TestArticle12_AnUnusedPeriodIsWhole(t *testing.T) {
	first := access.DayOf(time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC))
	for _, text := range []string{"89d", "3m", "18m", "1y", "3y"} {
		p, err := charter.ParsePeriod(text)
		if err != nil {
			t.Fatal(err)
		}
		for last := first; last < first+800; last++ {
			from := access.IdleFrom(p, last)
			if late := access.Begin(last + 1).Add(-time.Second); access.Begin(from).Before(p.After(late)) || access.Begin(from-1).After(p.After(late)) {
				t.Fatalf("%s after %v: from %v on", text, late, access.Begin(from))
			}
			if access.DayOf(access.Begin(last)) != last || access.DayOf(access.Begin(last).Add(-time.Second)) != last-1 {
				t.Fatalf("day %d doesn't begin at %v", last, access.Begin(last))
			}
			if got := access.LastIdle(p, from); got < last || access.IdleFrom(p, got) > from || access.IdleFrom(p, got+1) <= from {
				t.Fatalf("%s: by %d it is %d", text, from, got)
			}
		}
	}
}

// Being registered is the first use, and what isn't permitted is none; who is erased has no day.
func TestArticle12_TheDayOfTheLastUse(t *testing.T) {
	each(t, func(t *testing.T, b *book) {
		c := b.Child()
		day := func(want int64) {
			t.Helper()
			b.flush()
			b.count()
			b.Do(func(ctx context.Context, tx *db.Tx) error {
				a, err := access.ActivityOf(ctx, tx, c.ID)
				if a.Last != want || a.EraseOn != 0 {
					t.Errorf("%+v, want %d", a, want)
				}
				return err
			})
		}
		today := func() int64 { return access.DayOf(b.Store.Now()) }
		first := today()
		day(first)
		b.Pass(49 * time.Hour)
		if _, err := b.Read(c, "course-progress", "school"); !errors.Is(err, gate.ErrDenied) {
			t.Fatal(err)
		}
		day(first)
		b.Put(c, "course-progress", "nickname", "小满")
		day(today())
		second := today()
		b.Pass(2 * access.Keep * 24 * time.Hour) // longer than a use is told
		b.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := access.Sweep(ctx, tx, 10)
			return err
		})
		day(second)
		b.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := b.Vault.Erase(ctx, tx, b.App.Ledger(), vaulttest.Service, c.ID, family.Requested)
			return err
		})
		day(0)
	})
}

// A use that gets its place in the ledger while it is looked for is not overlooked.
func TestArticle12_AUseThatGetsItsPlaceMeanwhileIsFound(t *testing.T) {
	each(t, func(t *testing.T, b *book) {
		if b.Store.Engine() != "postgres" {
			return // it has one writer: nothing gets its place beside a transaction
		}
		c := b.Child()
		for range 20 {
			b.flush()
			before := access.DayOf(b.Store.Now())
			b.Pass(24 * time.Hour)
			b.Put(c, "course-progress", "nickname", "小满")
			b.Do(func(ctx context.Context, tx *db.Tx) error {
				locked, err := family.Lock(ctx, tx, vaulttest.Service, c.ID)
				if err != nil {
					return err
				}
				placed := make(chan struct{})
				go func() {
					defer close(placed)
					b.flush()
				}()
				for {
					select {
					case <-placed:
						return nil
					default:
					}
					used, err := access.UsedSince(ctx, tx, locked, before)
					if err != nil {
						return err
					}
					if !used {
						<-placed
						t.Fatal("the use is overlooked")
					}
				}
			})
		}
	})
}
