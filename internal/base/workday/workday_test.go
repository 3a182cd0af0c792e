package workday_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"wardkeep/internal/base/i18n"
	"wardkeep/internal/base/workday"
	"wardkeep/internal/family/age"
)

func at(t testing.TB, s string) time.Time {
	t.Helper()
	when, err := time.ParseInLocation("2006-01-02 15:04:05", s, age.Zone)
	if err != nil {
		t.Fatal(err)
	}
	return when
}

func day(t testing.TB, s string) workday.Date {
	t.Helper()
	return workday.On(at(t, s+" 00:00:00"))
}

// Whatever weekends a notice moves, it gives as many days as the Regulation on
// Public Holidays does, for what falls on a weekend is made up for: 11, from 2025
// on 13. So one wrong date in the file changes the sum of its year. In 2020 two
// days more were given: 31 January, and 1 February, which was to be worked.
func TestNotices_GiveWhatTheRegulationGives(t *testing.T) {
	c := workday.Default()
	for year, given := range map[int]int{2020: 13, 2021: 11, 2022: 11, 2023: 11, 2024: 11, 2025: 13, 2026: 13} {
		first, next := day(t, fmt.Sprintf("%d-01-01", year)), day(t, fmt.Sprintf("%d-01-01", year+1))
		weekdays, working := 0, 0
		for d := first; d < next; d++ {
			if w := d.Start().Weekday(); w != time.Saturday && w != time.Sunday {
				weekdays++
			}
			if c.Is(d) {
				working++
			}
		}
		if weekdays-working != given {
			t.Errorf("%d: %d of %d days are worked, which gives %d days, want %d", year, working, weekdays, weekdays-working, given)
		}
	}
}

// Each kind of day, as the notices have it.
func TestNotices_DayByDay(t *testing.T) {
	c := workday.Default()
	for _, n := range []struct{ kind, days string }{
		{"off", "2020-01-24 2020-01-31 2020-02-01 2021-02-17 2021-09-21 2022-01-31 2022-04-05 2022-12-31 2023-01-02 2023-10-06 2024-02-16 2024-09-17"},
		{"off", "2025-01-01 2025-01-28 2025-02-04 2025-06-02 2025-10-08 2026-01-02 2026-02-16 2026-02-23 2026-04-06 2026-05-05 2026-06-19 2026-09-25 2026-10-07"},
		{"worked", "2020-01-19 2020-06-28 2021-02-20 2021-09-18 2022-01-29 2022-10-09 2023-01-29 2023-10-08 2024-02-04 2024-05-11 2024-10-12"},
		{"worked", "2025-01-26 2025-02-08 2025-04-27 2025-09-28 2025-10-11 2026-01-04 2026-02-14 2026-02-28 2026-05-09 2026-09-20 2026-10-10"},
		{"plain", "2020-02-03 2024-02-09 2025-01-02 2025-09-03 2026-02-13 2026-02-24 2026-09-18 2026-10-08"}, // 2024-02-09: leave was only recommended
		{"weekend", "2025-01-04 2026-09-19 2026-10-11 2026-12-26"},
	} {
		for s := range strings.FieldsSeq(n.days) {
			d := day(t, s)
			e, named := c.Entry(d)
			got := map[[2]bool]string{{true, false}: "off", {true, true}: "worked", {false, true}: "plain", {false, false}: "weekend"}[[2]bool{named, c.Is(d)}]
			if got != n.kind {
				t.Errorf("%s is %s, want %s", s, got, n.kind)
			}
			if named && (e.Chinese == "" || e.English == "" || !strings.HasPrefix(e.Notice, "国办发明电〔") || e.Published >= d) {
				t.Errorf("%s: %+v", s, e)
			}
		}
	}
}

// A deadline is the end of its day.
func TestAdd(t *testing.T) {
	for _, c := range []struct {
		from        string
		n           int
		due         string // the first instant that is too late
		provisional bool
	}{
		{"2026-11-24 09:00:00", 0, "2026-11-25", false},
		{"2026-11-24 09:00:00", 1, "2026-11-26", false},
		// A Friday before a Sunday that is worked for National Day, and Mid-Autumn Festival after it.
		{"2026-09-18 09:00:00", 1, "2026-09-21", false},
		{"2026-09-18 23:59:59", 5, "2026-09-25", false},
		{"2026-09-18 00:00:00", 6, "2026-09-29", false},
		{"2026-09-18 09:00:00", 15, "2026-10-16", false},
		// Spring Festival 2026: the Saturday before and the one after are worked.
		{"2026-02-13 17:00:00", 1, "2026-02-15", false},
		{"2026-02-13 17:00:00", 2, "2026-02-25", false},
		{"2026-02-13 17:00:00", 6, "2026-03-01", false},
		// Received on a day off, or on a weekend that is worked: it doesn't count either.
		{"2026-10-03 10:00:00", 0, "2026-10-04", false},
		{"2026-10-03 10:00:00", 1, "2026-10-09", false},
		{"2026-01-04 10:00:00", 1, "2026-01-06", false},
		// 2020 was prolonged.
		{"2020-01-17 10:00:00", 1, "2020-01-20", false},
		{"2020-01-23 10:00:00", 1, "2020-02-04", false},
		// From one announced year into the next; the notice about 2023 begins in 2022.
		{"2025-12-29 10:00:00", 5, "2026-01-07", false},
		{"2022-12-30 10:00:00", 1, "2023-01-04", false},
		// Into a year that isn't announced. The last week of December is its too.
		{"2026-12-10 10:00:00", 10, "2026-12-25", false},
		{"2026-12-10 10:00:00", 11, "2026-12-26", true},
		{"2026-12-10 10:00:00", 15, "2027-01-01", true},
		{"2026-12-10 10:00:00", 16, "2027-01-05", true},
		{"2028-04-28 10:00:00", 1, "2028-05-04", true},  // 1 and 2 May are fixed
		{"2027-09-30 10:00:00", 1, "2027-10-05", true},  // 1 to 3 October are
		{"2027-02-05 10:00:00", 1, "2027-02-09", true},  // Spring Festival isn't guessed
		{"2019-12-31 10:00:00", 1, "2020-01-03", false}, // what was before doesn't matter
		{"2019-12-30 10:00:00", 5, "2020-01-08", true},  // one day that isn't announced is enough
	} {
		due, provisional := workday.Default().Add(at(t, c.from), c.n)
		if want := at(t, c.due+" 00:00:00"); !due.Equal(want) || provisional != c.provisional {
			t.Errorf("%d days after %s: %s, provisional %v; want %s, %v", c.n, c.from, due, provisional, want, c.provisional)
		}
		// The caller's zone is of no account.
		if utc, _ := workday.Default().Add(at(t, c.from).UTC(), c.n); !utc.Equal(due) {
			t.Errorf("%d days after %s: %s for the same instant in UTC", c.n, c.from, utc)
		}
	}
}

func TestBetween(t *testing.T) {
	for _, c := range []struct {
		from, to string
		want     int
	}{
		{"2026-09-24 15:00:00", "2026-10-09 00:00:00", 4}, // 28, 29 and 30 September, 8 October
		{"2026-10-07 15:00:00", "2026-10-09 00:00:00", 1},
		{"2026-10-08 00:00:00", "2026-10-09 00:00:00", 0}, // the last day
		{"2026-10-08 23:59:59", "2026-10-09 00:00:00", 0},
		{"2026-10-09 00:00:00", "2026-10-09 00:00:00", 0}, // too late
		{"2026-11-09 00:00:00", "2026-10-09 00:00:00", 0},
		{"2026-09-18 00:00:00", "2026-09-22 12:00:00", 2}, // the day of to isn't whole
	} {
		if got := workday.Default().Between(at(t, c.from), at(t, c.to)); got != c.want {
			t.Errorf("from %s to %s: %d, want %d", c.from, c.to, got, c.want)
		}
	}
}

func TestAddProperties(t *testing.T) {
	calendars := []workday.Calendar{{}, workday.Default()}
	first, last := at(t, "2019-01-01 00:00:00"), at(t, "2028-12-31 23:59:59")
	rapid.Check(t, func(t *rapid.T) {
		c := rapid.SampledFrom(calendars).Draw(t, "calendar")
		from := time.UnixMicro(rapid.Int64Range(first.UnixMicro(), last.UnixMicro()).Draw(t, "from"))
		later := from.Add(time.Duration(rapid.Int64Range(0, int64(1000*time.Hour)).Draw(t, "later")))
		n := rapid.IntRange(0, 60).Draw(t, "n")
		due, provisional := c.Add(from, n)

		if h, m, s := due.In(age.Zone).Clock(); h+m+s+due.Nanosecond() != 0 || !due.After(from) {
			t.Fatalf("%s isn't the end of a day after %s", due, from)
		}
		if n > 0 && !c.Is(workday.On(due)-1) {
			t.Fatalf("%s ends a day that isn't worked", due)
		}
		if next, p := c.Add(from, n+1); !next.After(due) || provisional && !p {
			t.Fatalf("a day more makes %s of %s", next, due)
		}
		if then, _ := c.Add(later, n); then.Before(due) {
			t.Fatalf("received at %s it is due at %s, and at %s already at %s", from, due, later, then)
		}
		if got := c.Between(from, due); got != n {
			t.Fatalf("%d of %d days are left at the beginning", got, n)
		}
		if !provisional {
			for d := workday.On(from) + 1; d < workday.On(due); d++ {
				if !c.Announced(d) {
					t.Fatalf("%s is counted and isn't announced", d)
				}
			}
		}
		d := workday.On(from)
		if workday.On(d.Start()) != d || workday.On((d+1).Start().Add(-1)) != d || (d+1).Start().Sub(d.Start()) != 24*time.Hour {
			t.Fatalf("%s doesn't have 24 hours", d)
		}
	})
}

// next is a notice about 2027 such as an operator may write. The dates are made up.
const next = `year,from,to,day,chinese,english,notice,published
2027,2026-12-31,2027-01-02,off,元旦,New Year's Day,a notice,2026-11-10
2027,2027-02-05,2027-02-12,off,春节,Spring Festival,a notice,2026-11-10
2027,2027-02-20,2027-02-20,work,春节,Spring Festival,a notice,2026-11-10
2027,2027-04-05,2027-04-05,off,清明节,Qingming Festival,a notice,2026-11-10
2027,2027-05-01,2027-05-05,off,劳动节,Labour Day,a notice,2026-11-10
2027,2027-06-09,2027-06-09,off,端午节,Dragon Boat Festival,a notice,2026-11-10
2027,2027-09-15,2027-09-15,off,中秋节,Mid-Autumn Festival,a notice,2026-11-10
2027,2027-10-01,2027-10-07,off,国庆节,National Day,a notice,2026-11-10
`

func TestWith_ANoticeMakesDeadlinesFinal(t *testing.T) {
	more, err := workday.Parse(strings.NewReader("\ufeff# as of November\r\n"+strings.ReplaceAll(next, "\n", "\r\n")), "next.csv")
	if err != nil {
		t.Fatal(err)
	}
	c := workday.Default().With(more)
	for _, w := range []struct {
		from string
		n    int
		due  string
	}{
		{"2026-12-10 10:00:00", 14, "2026-12-31"}, // 31 December is off, which only the notice about 2027 says
		{"2026-12-10 10:00:00", 15, "2027-01-05"},
		{"2027-02-04 10:00:00", 6, "2027-02-21"},
	} {
		if due, provisional := c.Add(at(t, w.from), w.n); !due.Equal(at(t, w.due+" 00:00:00")) || provisional {
			t.Errorf("%d days after %s: %s, provisional %v", w.n, w.from, due, provisional)
		}
	}
	if _, provisional := workday.Default().Add(at(t, "2026-12-10 10:00:00"), 15); !provisional {
		t.Error("With changed the calendar that comes with the program")
	}

	// A year that is given anew replaces the one that was known as a whole.
	anew := strings.NewReplacer("2026-12-31", "2026-01-01", "2027-02-20", "2026-02-28", "2027", "2026").Replace(next)
	if more, err = workday.Parse(strings.NewReader(anew), "anew.csv"); err != nil {
		t.Fatal(err)
	}
	c = workday.Default().With(more)
	if c.Is(day(t, "2026-09-20")) || c.Is(day(t, "2026-02-05")) || !c.Is(day(t, "2026-02-16")) || !c.Is(day(t, "2025-10-11")) {
		t.Error("the former notice about 2026 still holds, or the one about 2025 doesn't")
	}
}

// The zero Calendar is no trap: it counts weekends and fixed dates, and says so.
func TestCalendarZero(t *testing.T) {
	var c workday.Calendar
	due, provisional := c.Add(at(t, "2026-09-30 10:00:00"), 1)
	if !due.Equal(at(t, "2026-10-06 00:00:00")) || !provisional {
		t.Errorf("%s, provisional %v", due, provisional)
	}
	if due, provisional = c.With(workday.Default()).Add(at(t, "2026-09-30 10:00:00"), 1); !due.Equal(at(t, "2026-10-09 00:00:00")) || provisional {
		t.Errorf("%s, provisional %v", due, provisional)
	}
}

func TestParseRefuses(t *testing.T) {
	replace := func(old, new string) string { return strings.Replace(next, old, new, 1) }
	for _, c := range []struct {
		text string
		want []string // line code, and what is named
	}{
		{"", []string{"0 workday.empty "}},
		{"# nothing\n", []string{"0 workday.empty "}},
		{strings.Join(strings.SplitAfter(next, "\n")[:1], ""), []string{"0 workday.empty "}},
		{strings.Repeat("#", 1<<20+1), []string{"0 workday.too_large "}},
		{replace("元旦", "\xd4\xaa\xb5\xa9"), []string{"0 workday.encoding "}},
		{replace("published", "date"), []string{"1 workday.columns year,from,to,day,chinese,english,notice,published"}},
		{strings.SplitAfterN(next, "\n", 2)[1], []string{"1 workday.columns year,from,to,day,chinese,english,notice,published"}},
		{replace("work,春节", "work,春节,more"), []string{"4 workday.columns year,from,to,day,chinese,english,notice,published"}},
		{replace("New Year's", `New "Year's`), []string{"2 workday.columns year,from,to,day,chinese,english,notice,published"}},
		{replace("2027,2027-02-05", "27,2027-02-05"), []string{"3 workday.year "}},
		{replace("2027,2027-02-05", ",2027-02-05"), []string{"3 workday.year "}},
		{replace("2027-02-05", "2027/2/5"), []string{"3 workday.date "}},
		{replace("2027-02-12", "2027-02-30"), []string{"3 workday.date "}},
		{replace("notice,2026-11-10", "notice,"), []string{"2 workday.date "}},
		{replace("2027-02-05,2027-02-12", "2027-02-12,2027-02-05"), []string{"3 workday.period "}},
		{replace("2026-12-31", "2026-12-24"), []string{"2 workday.outside "}},
		{replace("2027-10-07", "2028-01-01"), []string{"9 workday.outside "}},
		{replace("2027,2027-05-01", "2026,2027-05-01"), []string{"6 workday.outside "}},
		{replace("2027-02-20,2027-02-20", "2027-02-07,2027-02-07"), []string{"4 workday.order "}}, // worked, and off
		{replace("2027-04-05,2027-04-05", "2027-02-14,2027-02-14"), []string{"5 workday.order "}},
		{replace("off,春节", "Off,春节"), []string{"3 workday.day "}},
		{replace("2027-02-20,2027-02-20", "2027-02-19,2027-02-20"), []string{"4 workday.not_a_weekend "}},
		{replace("Spring Festival", " "), []string{"3 workday.names "}},
		{replace("a notice", ""), []string{"2 workday.names "}},
		{replace("off,清明节", "off,清明"), []string{"9 workday.incomplete 清明节"}},
		{replace("2027-05-01", "2027-05-03"), []string{"9 workday.incomplete 2027-05-01, 2027-05-02"}},
		{replace("2027-10-01,2027-10-07,off", "2027-10-02,2027-10-03,work"), []string{"9 workday.incomplete 国庆节, 2027-10-01, 2027-10-02, 2027-10-03"}},
		{strings.Join(strings.SplitAfter(next, "\n")[:6], ""), []string{"6 workday.incomplete 端午节, 中秋节, 国庆节, 2027-10-01, 2027-10-02, 2027-10-03"}},
		{strings.NewReplacer("off,春节", "no,春节", "2027-09-15", "x").Replace(next), []string{"3 workday.day ", "8 workday.date "}},
	} {
		_, err := workday.Parse(strings.NewReader(c.text), "next.csv")
		var problems workday.Problems
		if !errors.As(err, &problems) || !errors.Is(err, workday.ErrHolidays) {
			t.Errorf("want %q, got %v", c.want, err)
			continue
		}
		var got []string
		for _, p := range problems {
			got = append(got, fmt.Sprintf("%d %s %s", p.Line, p.Code, p.Names))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("got %q, want %q", got, c.want)
		}
		for _, lang := range i18n.Langs {
			if said := problems.In(lang); !strings.HasPrefix(said, "next.csv:") || strings.Contains(said, "workday.") || strings.Contains(said, "{{") {
				t.Errorf("%s: %s", lang, said)
			}
		}
	}
	broken := errors.New("broken")
	if _, err := workday.Parse(reader{broken}, "next.csv"); !errors.Is(err, broken) || errors.Is(err, workday.ErrHolidays) {
		t.Errorf("a file that can't be read: %v", err)
	}
}

type reader struct{ err error }

func (r reader) Read([]byte) (int, error) { return 0, r.err }

func ExampleCalendar_Add() {
	c := workday.Default()
	received := time.Date(2026, time.September, 18, 9, 0, 0, 0, age.Zone) // a Friday
	due, provisional := c.Add(received, 15)
	fmt.Println(due.Format(time.DateTime), provisional, c.Between(received, due))
	// Output: 2026-10-16 00:00:00 false 15
}
