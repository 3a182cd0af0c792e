package main

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestLatenciesFallIntoNarrowClasses(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := time.Duration(rapid.Int64Range(0, int64(time.Minute)).Draw(t, "duration"))
		from := floor(class(d))
		if from > d || float64(d-from) > max(float64(d)/64, 1) {
			t.Fatalf("%v falls into the class from %v on", d, from)
		}
	})
}

func TestLatenciesGiveTheQuantilesOfASortedList(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := rapid.SliceOfN(rapid.Int64Range(1, int64(time.Second)), 1, 500).Draw(t, "all")
		var one, other latencies
		for i, d := range all {
			[]*latencies{&one, &other}[i%2].count(time.Duration(d))
		}
		one.add(&other)
		slices.Sort(all)
		for _, q := range []float64{0, 0.5, 0.9, 0.99} {
			want := time.Duration(all[int(q*float64(len(all)))])
			got := one.quantile(q)
			if got > want || float64(want-got) > max(float64(want)/64, 1) {
				t.Fatalf("quantile %v is %v, want %v", q, got, want)
			}
		}
	})
}
