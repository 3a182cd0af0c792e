package family_test

import (
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"

	"wardkeep/internal/family"
)

// Whatever is reported, and in whatever order, a value that was there before
// ends no later than it did, and one that is dead stays dead although what is
// over is forgotten.
func TestArticle12_AnEventNeverProlongs(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	day := func(n int) time.Time { return start.AddDate(0, 0, n) }
	purposes := []string{"account", "reports"}
	rapid.Check(t, func(rt *rapid.T) {
		var all, kept family.Endings // all that was reported, and what is kept of it
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
			for _, p := range purposes {
				for collected := -70; collected <= now; collected += 5 {
					was, had := before.Of(p, day(collected))
					is, has := kept.Of(p, day(collected))
					want, ought := all.Of(p, day(collected))
					over := func(at time.Time, ok bool) bool { return ok && !day(now).Before(at) }
					switch {
					case had && !has, had && is.After(was) && !(over(was, had) && over(is, has)):
						rt.Fatalf("day %d: what was collected on day %d ended on %v and now on %v", now, collected, was, is)
					case has != ought, !is.Equal(want) && !(over(is, has) && over(want, ought)):
						rt.Fatalf("day %d: what was collected on day %d ends on %v, not on %v", now, collected, is, want)
					}
				}
			}
		}
	})
}

// A child's row stays small: what is over is forgotten, and what isn't is
// bounded.
func TestArticle12_WhatEventsLeaveBehindIsBounded(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var kept family.Endings
	report := func(n int, period time.Duration) (err error) {
		at := start.AddDate(0, 0, n)
		all, err := kept.With(at, family.Ending{Event: "closed", Purpose: "account", Happened: at, Ends: at.Add(period)})
		if err == nil {
			kept = all
		}
		return err
	}
	for n := range 500 {
		if err := report(n, 15*24*time.Hour); err != nil || len(kept) > 17 {
			t.Fatalf("day %d: %d are kept, %v", n, len(kept), err)
		}
	}
	for n := 500; ; n++ {
		err := report(n, 300*24*time.Hour)
		if errors.Is(err, family.ErrTooManyEvents) {
			break
		}
		if err != nil || n > 600 {
			t.Fatalf("day %d: %d are kept, %v", n, len(kept), err)
		}
	}
	if len(kept) != 64 {
		t.Errorf("%d are kept", len(kept))
	}
	again, err := kept.With(start.AddDate(0, 0, 600), kept...)
	if err != nil || len(again) != len(kept) {
		t.Errorf("reported again: %d, %v", len(again), err)
	}
}
