package age_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"wardkeep/internal/family/age"
)

const layout = "2006-01-02 15:04:05.999999999"

func at(t testing.TB, s string) time.Time {
	t.Helper()
	when, err := time.ParseInLocation(layout, s, age.Zone)
	if err != nil {
		t.Fatal(err)
	}
	return when
}

func birth(t testing.TB, s string) age.Birth {
	t.Helper()
	b, err := age.ParseBirth(s)
	if err != nil {
		t.Fatalf("%q: %v", s, err)
	}
	return b
}

// Edge cases 1 to 3 of the Provisions, each vector with its last instant before
// and its first instant after.
func TestArticle2_AChildThrough24HoursOfThe14thBirthday(t *testing.T) {
	for _, c := range []struct{ birth, released, grown string }{
		{"2012-03-05", "2026-03-06", "2030-03-06"},
		{"2012-02-29", "2026-03-01", "2030-03-01"},
		{"2014-02-28", "2028-02-29", "2032-02-29"}, // a leap year has a day more, but the birthday is the 28th
		{"2010-02-29", "", ""},                     // no such day
		{"2011-12-31", "2026-01-01", "2030-01-01"},
		{"2012-01-01", "2026-01-02", "2030-01-02"},
		{"2012", "2027-01-01", "2031-01-01"},    // edge case 3: 31 December
		{"2012-02", "2026-03-01", "2030-03-01"}, // 29 February, which completes on the 28th
		{"2013-02", "2027-03-01", "2031-03-01"},
		{"2012-04", "2026-05-01", "2030-05-01"},
		{"2012-12", "2027-01-01", "2031-01-01"},
	} {
		b, err := age.ParseBirth(c.birth)
		if c.released == "" {
			if !errors.Is(err, age.ErrImpossible) {
				t.Errorf("%s: got %v, want impossible", c.birth, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.birth, err)
			continue
		}
		for _, border := range []struct {
			at            string
			n             int
			before, after age.Class
		}{{c.released, 14, age.Child, age.Minor}, {c.grown, 18, age.Minor, age.Adult}} {
			end := at(t, border.at+" 00:00:00")
			if got := b.Turns(border.n); !got.Equal(end) {
				t.Errorf("%s turns %d at %s, want %s", c.birth, border.n, got.Format(layout), end.Format(layout))
			}
			if got := b.ClassAt(end.Add(-1)); got != border.before {
				t.Errorf("%s the instant before %s: %s, want %s", c.birth, border.at, got, border.before)
			}
			if got := b.ClassAt(end); got != border.after {
				t.Errorf("%s from %s: %s, want %s", c.birth, border.at, got, border.after)
			}
			// The caller's zone is of no account: the same instants in UTC, 16:00 of the day before.
			if got := b.ClassAt(end.Add(-1).UTC()); got != border.before {
				t.Errorf("%s in UTC: %s, want %s", c.birth, got, border.before)
			}
		}
	}
}

// Whoever is 18 is found by the day on which the childhood ended, whatever the birth
// date, and by no other.
func TestEdgeCase4_WhoIs18IsFoundByTheEndOfTheChildhood(t *testing.T) {
	ends := func(b age.Birth) bool {
		days := age.ChildhoodEnds(b.Turns(18))
		return slices.ContainsFunc(days, b.Turns(14).Equal) && len(days) <= 2
	}
	for _, s := range []string{"2012-02-29", "2012-02-28", "2011-02-28", "2012-03-01", "2082-02-28", "2084-02-29", "2086-02-28", "2012", "2012-02", "2011-12-31"} {
		if !ends(birth(t, s)) {
			t.Errorf("%s isn't found", s)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		if b := births.Draw(t, "birth"); !ends(b) {
			t.Fatal("a birth date isn't found")
		}
		grown := time.Date(2030, 1, 1, 0, 0, 0, 0, age.Zone).AddDate(0, 0, rapid.IntRange(-20000, 40000).Draw(t, "days"))
		for _, end := range age.ChildhoodEnds(grown.Add(time.Duration(rapid.IntRange(0, 86399).Draw(t, "seconds")) * time.Second)) {
			y, m, d := end.AddDate(0, 0, -1).Date()
			b := age.Birth{Year: y - 14, Month: int(m), Day: d}
			if b.Check() == nil && !b.Turns(18).Equal(grown) && !(m == time.February && d >= 28) {
				t.Fatalf("%s finds who isn't 18", grown.Format(time.DateOnly))
			}
		}
	})
}

func TestArticle2_UnknownAgeIsAChild(t *testing.T) {
	for _, b := range []age.Birth{{}, {Year: -5}, {Year: 1899, Month: 12, Day: 31}} {
		if got := b.ClassAt(at(t, "2026-11-23 12:00:00")); got != age.Child {
			t.Errorf("no usable birth date is %s, want child", got)
		}
		if !b.Turns(14).IsZero() {
			t.Error("without a birth date there is an end of childhood")
		}
	}
}

func TestEdgeCase3_TheLaterOfTwoSources(t *testing.T) {
	for _, c := range []struct{ a, b, want string }{
		{"2017-07-07", "2018-01-07", "2018-01-07"},
		{"2017-07-07", "2017", "2017"},       // 31 December
		{"2017-12-31", "2017", "2017-12-31"}, // same day, more precise
		{"2017-12", "2017-12-31", "2017-12-31"},
		{"2012-02", "2012-02-28", "2012-02"},
		{"", "2017", "2017"},
		{"", "", ""},
	} {
		var a, b age.Birth
		if c.a != "" {
			a = birth(t, c.a)
		}
		if c.b != "" {
			b = birth(t, c.b)
		}
		if x, y := age.Later(a, b).ISO(), age.Later(b, a).ISO(); x != c.want || y != c.want {
			t.Errorf("later of %q and %q = %q, and swapped %q, want %q", c.a, c.b, x, y, c.want)
		}
	}
}

func TestParseBirthRefusesWithoutRepeating(t *testing.T) {
	for s, want := range map[string]error{
		"2012-02-30": age.ErrImpossible, "2011-02-29": age.ErrImpossible, "2012-13-01": age.ErrImpossible, "2012-13": age.ErrImpossible,
		"2012-00-10": age.ErrImpossible, "2012-03-00": age.ErrImpossible, "2012-00": age.ErrImpossible, "2012-04-31": age.ErrImpossible,
		"0000-00-00": age.ErrImpossible, "1899-12-31": age.ErrImpossible, "1900-02-29": age.ErrImpossible, "0000": age.ErrImpossible,
		"": age.ErrMalformed, "12-03-05": age.ErrMalformed, "2012-3-5": age.ErrMalformed, "2012/03/05": age.ErrMalformed, "20120305": age.ErrMalformed,
		"２０１２": age.ErrMalformed, "2012-03-05 ": age.ErrMalformed, "2012-0a": age.ErrMalformed, "2012-03x05": age.ErrMalformed, "去年": age.ErrMalformed,
	} {
		b, err := age.ParseBirth(s)
		if !errors.Is(err, want) || s != "" && strings.Contains(fmt.Sprintf("%v%#v", err, err), s) {
			t.Errorf("%q: got %v, want %v", s, err, want)
		}
		if want == age.ErrMalformed && !b.IsZero() {
			t.Errorf("%q: a refusal came with a date", s)
		}
	}
	for _, s := range []string{"1900-01-01", "2012-02-29", "2000-02-29", "2012", "2012-12"} {
		if got := birth(t, s).ISO(); got != s {
			t.Errorf("%s came back as %s", s, got)
		}
	}
}

func TestInFutureOnlyWhenEvenTheEarliestDayIs(t *testing.T) {
	now := at(t, "2026-11-23 00:00:00")
	for s, want := range map[string]bool{
		"2026-11-23": false, "2026-11-24": true, "2026": false, "2026-11": false, "2026-12": true, "2027": true, "2012-01-01": false,
	} {
		if got := birth(t, s).InFuture(now); got != want {
			t.Errorf("%s in the future: %v, want %v", s, got, want)
		}
	}
	if !birth(t, "2026-11-23").InFuture(now.Add(-1)) {
		t.Error("one instant before its day begins, it isn't in the future")
	}
}

// Invariant 9: a birth date shows on no formatting path.
func TestInvariant9_ABirthDateCantBePrinted(t *testing.T) {
	b := birth(t, "2013-04-17")
	row := struct{ B age.Birth }{b}
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "b", b, "row", row)
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "b", b, "row", row)
	js, err := json.Marshal(row)
	if err != nil {
		t.Fatal(err)
	}
	out := log.String() + string(js) + fmt.Sprintf("%v %+v %#v %s %d %x", b, b, b, b, b, b) + fmt.Sprintf("%v %+v %#v", row, row, row) + fmt.Sprint(b, row, &row)
	if strings.Contains(strings.ReplaceAll(out, time.Now().Format("2006-01-02"), ""), "2013") || strings.Contains(out, "17}") {
		t.Errorf("it shows in %s", out)
	}
}

// births draws whole and partial birth dates.
var births = rapid.Custom(func(t *rapid.T) age.Birth {
	b := age.Birth{Year: rapid.IntRange(1900, 2100).Draw(t, "year"), Month: rapid.IntRange(0, 12).Draw(t, "month")}
	if b.Month > 0 {
		last := time.Date(b.Year, time.Month(b.Month)+1, 0, 0, 0, 0, 0, time.UTC).Day()
		b.Day = rapid.IntRange(0, last).Draw(t, "day")
	}
	return b
})

func TestPropertyTextThereAndBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := births.Draw(t, "birth")
		back, err := age.ParseBirth(b.ISO())
		if err != nil || back != b || b.Check() != nil {
			t.Fatal("a birth date doesn't come back as it was")
		}
	})
}

// A naive reading of the law, day by day, must agree: count the birthdays that
// are over, each of which ends with its own calendar day.
func TestPropertyTurnsAgreesWithCountingBirthdays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := births.Draw(t, "birth")
		y, m, d := b.Latest()
		now := time.Date(y, m, d, 0, 0, 0, 0, age.Zone).Add(time.Duration(rapid.Int64Range(0, 40*366*24*3600).Draw(t, "seconds")) * time.Second)
		over := 0
		for n := 1; n <= 41; n++ {
			day, month := d, m
			leap := (y+n)%4 == 0 && ((y+n)%100 != 0 || (y+n)%400 == 0)
			if m == time.February && d == 29 && !leap {
				day = 28
			}
			ny, nm, nd := now.In(age.Zone).Date()
			if [3]int{ny, int(nm), nd} == [3]int{y + n, int(month), day} || now.Before(time.Date(y+n, month, day, 0, 0, 0, 0, age.Zone)) {
				break
			}
			over++
		}
		want := age.Child
		if over >= 18 {
			want = age.Adult
		} else if over >= 14 {
			want = age.Minor
		}
		if got := b.ClassAt(now); got != want {
			t.Fatalf("%s, want %s after %d birthdays", got, want, over)
		}
	})
}

// Knowing less never makes older, nor does time running make younger.
func TestPropertyKnowingLessNeverMakesOlder(t *testing.T) {
	rank := map[age.Class]int{age.Child: 0, age.Minor: 1, age.Adult: 2}
	rapid.Check(t, func(t *rapid.T) {
		b := births.Draw(t, "birth")
		now := time.Unix(rapid.Int64Range(0, 5e9).Draw(t, "now"), 0)
		for _, less := range []age.Birth{{Year: b.Year, Month: b.Month}, {Year: b.Year}, {}} {
			if rank[less.ClassAt(now)] > rank[b.ClassAt(now)] {
				t.Fatal("with less known the person is older")
			}
		}
		other := births.Draw(t, "other")
		later := age.Later(b, other)
		if rank[later.ClassAt(now)] > min(rank[b.ClassAt(now)], rank[other.ClassAt(now)]) {
			t.Fatal("the later of two dates makes older than one of them")
		}
		if later.ClassAt(now) != age.Later(other, b).ClassAt(now) {
			t.Fatal("the order of sources matters")
		}
		if rank[b.ClassAt(now.Add(time.Hour))] < rank[b.ClassAt(now)] {
			t.Fatal("time made younger")
		}
	})
}

// Whatever numbers a Birth is filled with, the functions are total and what
// Check refuses is treated as young as its parts allow.
func TestPropertyAnyNumbersAreHarmless(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := age.Birth{Year: rapid.IntRange(-1, 12000).Draw(t, "y"), Month: rapid.IntRange(-20, 20).Draw(t, "m"), Day: rapid.IntRange(-40, 40).Draw(t, "d")}
		now := time.Date(2026, 11, 23, 0, 0, 0, 0, age.Zone)
		_, _, _ = b.ClassAt(now), b.InFuture(now), b.ISO()
		if y, m, d := b.Latest(); y != 0 && (m < 1 || m > 12 || d < 1 || d > 31) {
			t.Fatal("the latest day isn't a day")
		}
		if b.Check() != nil && b.Year >= 1900 && b.Year <= 9999 && b.ClassAt(now) != (age.Birth{Year: b.Year}).ClassAt(now) &&
			(b.Month < 1 || b.Month > 12) {
			t.Fatal("an impossible month isn't treated as unknown")
		}
	})
}

func FuzzParseBirth(f *testing.F) {
	for _, s := range []string{"2012-03-05", "2012-02-30", "2012-03", "2012", "", "去年", "0000-00-00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		b, err := age.ParseBirth(s)
		if err == nil && b.ISO() != s {
			t.Error("accepted, but it comes back different")
		}
	})
}
