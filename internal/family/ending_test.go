package family_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"wardkeep/internal/family"
)

// Whatever is reported, and in whatever order, a value that was there before
// ends no later than it did, and one that is dead stays dead although what is
// over is forgotten. Until they are too many, endings are kept as they are.
func TestArticle12_AnEventNeverProlongs(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	day := func(n int) time.Time { return start.AddDate(0, 0, n) }
	purposes := []string{"account", "reports"}
	rapid.Check(t, func(rt *rapid.T) {
		var all, kept family.Endings // all that was reported, and what is kept of it
		full := false                // it was too much to be kept as it was
		for now := 0; now < 200; now += rapid.IntRange(0, 40).Draw(rt, "later") + 1 {
			happened := now - rapid.IntRange(0, 60).Draw(rt, "ago")
			var more []family.Ending
			for _, p := range purposes {
				more = append(more, family.Ending{Event: "closed", Purpose: p, Happened: day(happened),
					Ends: day(happened + rapid.IntRange(1, 50).Draw(rt, "period"))})
			}
			before := kept
			var err error
			if kept, err = kept.With(day(now), more...); err != nil {
				rt.Fatal(err)
			}
			all = append(all, more...)
			full = full || len(kept) == 64
			for _, p := range purposes {
				for collected := -70; collected <= now; collected += 5 {
					was, had := before.Of(p, day(collected))
					is, has := kept.Of(p, day(collected))
					want, ought := all.Of(p, day(collected))
					over := func(at time.Time, ok bool) bool { return ok && !day(now).Before(at) }
					switch {
					case had && !has, had && is.After(was) && !(over(was, had) && over(is, has)):
						rt.Fatalf("day %d: what was collected on day %d ended on %v and now on %v", now, collected, was, is)
					case has != ought, is.After(want) && !(over(is, has) && over(want, ought)),
						!full && is.Before(want) && !(over(is, has) && over(want, ought)):
						rt.Fatalf("day %d: what was collected on day %d ends on %v, not on %v", now, collected, is, want)
					}
				}
			}
		}
	})
}

// A child's row stays small: what is over is forgotten, and of what isn't the
// nearest are merged. A nightly report is never refused, and neither is a real
// event after it.
func TestArticle12_WhatEventsLeaveBehindIsBounded(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	at := func(n int) time.Time { return start.AddDate(0, 0, n) }
	var all, kept family.Endings
	report := func(n int, event string, period time.Duration, purposes ...string) {
		t.Helper()
		var more []family.Ending
		for _, p := range purposes {
			more = append(more, family.Ending{Event: event, Purpose: p, Happened: at(n), Ends: at(n).Add(period)})
		}
		var err error
		if kept, err = kept.With(at(n), more...); err != nil {
			t.Fatalf("day %d: %v", n, err)
		}
		all = append(all, more...)
	}
	for n := range 500 {
		if report(n, "closed", 15*day, "account"); len(kept) > 18 {
			t.Fatalf("day %d: %d are kept", n, len(kept))
		}
	}
	for n := 500; n < 1500; n++ {
		if report(n, "closed", 300*day, "account", "reports", "club"); len(kept) > 64 {
			t.Fatalf("day %d: %d are kept", n, len(kept))
		}
		for _, p := range []string{"account", "reports", "club"} {
			for collected := n - 299; collected <= n; collected += 7 {
				is, has := kept.Of(p, at(collected))
				want, ought := all.Of(p, at(collected))
				if ought && !want.After(at(n)) {
					want = at(n) // over is over
					is = slices.MaxFunc([]time.Time{is, want}, time.Time.Compare)
				}
				if has != ought || is.After(want) || is.Before(want.Add(-40*day)) {
					t.Fatalf("day %d: what was collected on day %d for %s ends on %v, not on %v", n, collected, p, is, want)
				}
			}
		}
	}
	report(1500, "left", 10*day, "account")
	if ends, ok := kept.Of("account", at(1500)); !ok || !ends.Equal(at(1510)) {
		t.Errorf("a real event afterwards ends it on %v", ends)
	}
	again, err := kept.With(at(1500), kept...)
	if err != nil || !slices.Equal(again, kept) {
		t.Errorf("reported again: %d of %d, %v", len(again), len(kept), err)
	}
	if e := kept[0]; e.Event != "closed" || !e.Happened.Equal(start) {
		t.Errorf("the earliest that is kept happened on %v", e.Happened)
	}
	var many []family.Ending
	for n := range 65 {
		many = append(many, family.Ending{Event: fmt.Sprint("e", n), Purpose: "account", Happened: start, Ends: at(9)})
	}
	if _, err := (family.Endings{}).With(start, many...); !errors.Is(err, family.ErrTooManyEvents) {
		t.Errorf("65 different events: %v", err)
	}
}

// A purpose that is declared after an event waits for it, too: the earliest report
// is kept although all that it ended is over.
func TestArticle12_TheEarliestOfAnEventIsKept(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var kept family.Endings
	for _, n := range []int{0, 20, 40, 400} {
		at := start.AddDate(0, 0, n)
		var err error
		if kept, err = kept.With(at, family.Ending{Event: "closed", Purpose: "account", Happened: at, Ends: at.AddDate(0, 0, 15)}); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.ContainsFunc(kept, func(e family.Ending) bool { return e.Happened.Equal(start) }) {
		t.Errorf("kept: %v", kept)
	}
	if len(kept) > 3 {
		t.Errorf("%d are kept", len(kept))
	}
}
