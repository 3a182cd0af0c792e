// Package age says whether a person is a child, a minor or an adult.
//
// Its one invariant: it never makes anybody older than the law does. A child is
// a minor under 14 (Article 2); what is unknown about a birth date is filled in
// so that the person is as young as it allows, and no birth date at all is a
// child. Nothing else in the product compares birth dates.
package age

import (
	"slices"
	"time"
)

// Zone is China Standard Time, in which birthdays begin and end. It is a fixed
// offset, so that no answer depends on the machine's time zone database. China
// had summer time from 1986 to 1991 only; of an instant the package uses nothing
// but the calendar date, and the law it applies is in force since 2019.
var Zone = time.FixedZone("Asia/Shanghai", 8*60*60)

// A Class is what a person is by age.
type Class string

const (
	Child Class = "child" // under 14, and whoever's age is unknown (Article 2)
	Minor Class = "minor" // 14 to 17
	Adult Class = "adult" // 18 and older
)

// The birthdays at the end of which a person leaves a class.
const (
	childEnds = 14
	minorEnds = 18
)

// ClassAt returns what the person is at t. The zero Birth is a Child.
func (b Birth) ClassAt(t time.Time) Class {
	switch {
	case !b.known() || t.Before(b.Turns(childEnds)):
		return Child
	case t.Before(b.Turns(minorEnds)):
		return Minor
	}
	return Adult
}

// Turns returns the instant from which the person is older than n years: the end
// of the n-th birthday, 24:00 in Asia/Shanghai. Born 2012-03-05, n = 14, it is
// 2026-03-06 00:00. Who was born on 29 February completes a year on the last day
// of February. Without a birth date it returns the zero time: never.
func (b Birth) Turns(n int) time.Time {
	if !b.known() {
		return time.Time{}
	}
	y, m, d := b.Latest()
	d = min(d, lastDay(y+n, m))
	return time.Date(y+n, m, d+1, 0, 0, 0, 0, Zone)
}

// ChildhoodEnds returns what Turns(14) is of those for whom Turns(18) is a given day in
// Asia/Shanghai: one day, but for 29 February. So whoever keeps no more than the end
// of a childhood finds who is grown up.
func ChildhoodEnds(grown time.Time) (days []time.Time) {
	y, m, d := grown.In(Zone).AddDate(0, 0, -1).Date()
	births := []Birth{{y - minorEnds, int(m), d}}
	if m == time.February && d == 28 {
		births = append(births, Birth{y - minorEnds, 2, 29})
	}
	for _, b := range births {
		if b.Check() != nil || !sameDay(b.Turns(minorEnds), grown) {
			continue
		}
		if end := b.Turns(childEnds); !slices.ContainsFunc(days, end.Equal) {
			days = append(days, end)
		}
	}
	return days
}

func sameDay(a, b time.Time) bool {
	return a.In(Zone).Format(time.DateOnly) == b.In(Zone).Format(time.DateOnly)
}

// InFuture reports whether even the earliest day that b allows comes after the
// calendar day of t in Asia/Shanghai. Such a birth date is wrong. A birth date
// of this year without month is not in the future; the zero Birth never is.
func (b Birth) InFuture(t time.Time) bool {
	if !b.known() {
		return false
	}
	first := time.Date(b.Year, time.Month(max(b.Month, 1)), max(b.Day, 1), 0, 0, 0, 0, Zone)
	return first.After(t)
}

// Later returns the birth date to go by when two sources differ: the later one,
// until a document decides. Of two that end on the same day it returns the more
// precise one. A source without a birth date says nothing, so the other holds.
func Later(a, b Birth) Birth {
	switch {
	case !a.known():
		return b
	case !b.known():
		return a
	}
	switch c := a.last().Compare(b.last()); {
	case c > 0, c == 0 && a.precision() >= b.precision():
		return a
	}
	return b
}

// last returns the latest day that b allows, for comparisons.
func (b Birth) last() time.Time {
	y, m, d := b.Latest()
	return time.Date(y, m, d, 0, 0, 0, 0, Zone)
}

// lastDay returns the number of days of a month.
func lastDay(year int, month time.Month) int {
	return time.Date(year, month+1, 0, 0, 0, 0, 0, time.UTC).Day()
}
