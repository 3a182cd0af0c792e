package party_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/catalog"
	"wardkeep/internal/family/age"
	"wardkeep/internal/party"
)

func (w *world) check(want error, change func(*party.Inspection)) {
	w.t.Helper()
	i := party.Inspection{On: w.Store.Now().In(age.Zone).Format(time.DateOnly), By: "安全负责人", Manner: "现场", Checked: "日志、删除、人员", Findings: "无",
		Outcome: party.Met, Document: strings.Repeat("EF", 32)}
	if change != nil {
		change(&i)
	}
	w.verb(want, func(ctx context.Context, tx *db.Tx, by catalog.Officer) (party.Party, string, error) {
		return party.Check(ctx, tx, by, yuping, i)
	})
}

// clocks fails the test unless the processor has these, in order; it returns when the first
// of them is over.
func (w *world) clocks(want ...party.Kind) (first time.Time) {
	w.t.Helper()
	w.Do(func(ctx context.Context, tx *db.Tx) error {
		p, err := party.Find(ctx, tx, yuping)
		var got []party.Kind
		for i, c := range p.Clocks(tx.Now()) {
			got = append(got, c.What)
			if i == 0 {
				first = c.At
			}
		}
		same(w.t, got, want)
		return err
	})
	return first
}

func same(t *testing.T, got, want []party.Kind) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("got %v, want %v", got, want)
	}
	for i := range got {
		if got[i] != want[i] {
			t.Errorf("got %v, want %v", got, want)
		}
	}
}

// raised raises what is to be raised, which must be this, and not a second time.
func (w *world) raised(want ...party.Kind) {
	w.t.Helper()
	w.flush()
	var all []party.Clock
	w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		all, err = party.ToRaise(ctx, tx)
		return err
	})
	var got []party.Kind
	for _, c := range all {
		got = append(got, c.What)
		for _, first := range []bool{true, false} {
			w.Do(func(ctx context.Context, tx *db.Tx) error {
				done, err := party.Raise(ctx, tx, "system:retention", c)
				if done != first {
					w.t.Errorf("%s is raised: %t, want %t", c.What, done, first)
				}
				return err
			})
		}
	}
	same(w.t, got, want)
	w.Do(func(ctx context.Context, tx *db.Tx) error {
		left, err := party.ToRaise(ctx, tx)
		if len(left) > 0 {
			w.t.Errorf("to be raised once more: %v", left)
		}
		return err
	})
	w.flush()
}

// PIPL 21: whoever entrusts supervises. The day of the next check is computed, and no new
// agreement puts it off; one that finds a breach suspends at once; each alarm comes once.
func TestArticle16_AProcessorIsCheckedByItsDay(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		const day = 24 * time.Hour
		w.check(party.ErrNotFound, nil)
		w.register(nil, nil)
		w.check(party.ErrUnagreed, nil)
		w.assess(nil, nil)
		w.agree(nil, 0, 400*day, nil)
		first := w.clocks(party.Checked, party.Assessed, party.Agreed)
		w.raised()
		w.Pass(first.Sub(w.Store.Now()) - time.Second)
		w.raised()
		w.Pass(time.Second)
		w.raised(party.Checked)
		late := func(want int64) {
			t.Helper()
			w.Do(func(ctx context.Context, tx *db.Tx) error {
				n, err := party.CountLate(ctx, tx)
				if n.Checks != want || n.Partings != 0 {
					t.Errorf("%+v are late, want %d", n, want)
				}
				return err
			})
		}
		late(1)
		w.agree(nil, 0, 400*day, nil)
		if owed := w.clocks(party.Checked, party.Assessed, party.Agreed); !owed.Equal(first) {
			t.Errorf("a new agreement puts the check off to %s", owed)
		}
		for _, wrong := range []func(*party.Inspection){
			func(i *party.Inspection) { i.On = "yesterday" },
			func(i *party.Inspection) { i.On = w.Store.Now().Add(2 * day).In(age.Zone).Format(time.DateOnly) },
			func(i *party.Inspection) { i.By = "" },
			func(i *party.Inspection) { i.Manner = "" },
			func(i *party.Inspection) { i.Checked = "" },
			func(i *party.Inspection) { i.Findings = "" },
			func(i *party.Inspection) { i.Outcome = "fine" },
			func(i *party.Inspection) { i.Document = "none" },
		} {
			w.check(party.ErrForm, wrong)
		}
		// One that is so long ago that the next is owed is none.
		w.check(party.ErrLongAgo, func(i *party.Inspection) { i.On = w.Store.Now().Add(-100 * day).In(age.Zone).Format(time.DateOnly) })
		late(1)
		// Nor is one of the agreement that was made before that began.
		w.check(party.ErrBefore, func(i *party.Inspection) { i.On = w.Store.Now().Add(-2 * day).In(age.Zone).Format(time.DateOnly) })
		late(1)
		w.check(nil, nil)
		late(0)
		next := w.clocks(party.Checked, party.Assessed, party.Agreed)
		if today, err := time.ParseInLocation(time.DateOnly, w.Store.Now().In(age.Zone).Format(time.DateOnly), age.Zone); err != nil || !next.Equal(party.NextCheck(today, 3)) {
			t.Errorf("the next is owed by %s", next)
		}
		w.check(nil, func(i *party.Inspection) { i.Outcome = party.Breached })
		w.is(party.Suspended)
		w.check(nil, nil)
		w.is(party.Suspended) // that it is mended somebody says
		w.resume(nil)
		w.Pass(204 * day) // since the assessment was signed more than 293 days
		w.raised(party.Checked, party.Assessed)
		w.end(nil, time.Time{})
		w.clocks(party.Parting)
		// It is written down anew who it is, in the middle of the walk that follows: nobody has
		// changed that by hand.
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			all, err := party.Walks(ctx, tx)
			if on, err := all[0].PartUpto(ctx, tx, w.Ring, "ch_1", false); err != nil || !on {
				t.Errorf("how far it is: %t %v", on, err)
			}
			return err
		})
		w.register(nil, nil)
		w.replays()
		w.check(party.ErrEnded, nil)
		w.Pass(party.PartWithin)
		w.raised(party.Parting)
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			n, err := party.CountLate(ctx, tx)
			if n.Checks != 0 || n.Partings != 1 {
				t.Errorf("%+v", n)
			}
			return err
		})
		w.parted()
		w.clocks()
		w.replays()
	})
}

func TestTheNextCheckIsOnTheSameDayOfTheMonth(t *testing.T) {
	for _, c := range []struct {
		last   string
		months int
		next   string
	}{
		{"2026-01-15", 1, "2026-02-15"}, {"2026-01-31", 1, "2026-02-28"}, {"2028-01-31", 1, "2028-02-29"}, {"2026-08-31", 6, "2027-02-28"},
		{"2026-12-01", 12, "2027-12-01"}, {"2026-11-30", 3, "2027-02-28"},
	} {
		last, err := time.ParseInLocation(time.DateOnly, c.last, age.Zone)
		if err != nil {
			t.Fatal(err)
		}
		if got := party.NextCheck(last, c.months).In(age.Zone).Format(time.DateOnly); got != c.next {
			t.Errorf("%d months after %s is %s, want %s", c.months, c.last, got, c.next)
		}
	}
}
