package charter

import (
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func moment(t *testing.T, s string) time.Time {
	t.Helper()
	m, err := time.ParseInLocation("2006-01-02 15:04:05", s, shanghai)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func period(t testing.TB, s string) Period {
	t.Helper()
	p, err := ParsePeriod(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestArticle12_PeriodOnTheCalendar(t *testing.T) {
	for _, test := range []struct{ period, from, to string }{
		{"90d", "2026-01-01 00:00:00", "2026-04-01 00:00:00"},
		{"1d", "2024-02-28 23:59:59", "2024-02-29 23:59:59"},
		{"1m", "2026-01-31 12:00:00", "2026-02-28 12:00:00"},
		{"1m", "2024-01-31 12:00:00", "2024-02-29 12:00:00"},
		{"18m", "2026-08-31 08:00:00", "2028-02-29 08:00:00"},
		{"12m", "2026-03-05 00:00:00", "2027-03-05 00:00:00"},
		{"1y", "2024-02-29 00:00:00", "2025-02-28 00:00:00"},
		{"4y", "2024-02-29 00:00:00", "2028-02-29 00:00:00"},
		{"3m", "2026-11-30 00:30:00", "2027-02-28 00:30:00"}, // still 29 November in UTC
	} {
		got := period(t, test.period).After(moment(t, test.from).UTC())
		if !got.Equal(moment(t, test.to)) || got.Location() != time.UTC {
			t.Errorf("%s after %s is %v, want %s", test.period, test.from, got.In(shanghai), test.to)
		}
	}
}

func TestArticle12_NoPeriodIsForever(t *testing.T) {
	for _, s := range []string{"", "d", "0d", "-1d", "1", "1w", "1.5y", "21y", "7500d", "9999999999y", "1 y", "01d", "+1d", "1Y", "٣d", "forever", "241m"} {
		if p, err := ParsePeriod(s); err == nil {
			t.Errorf("%q is read as %s", s, p)
		}
	}
	for _, s := range []string{"1d", "90d", "18m", "3y", "20y", "240m", "7320d"} {
		if p := period(t, s); p.String() != s {
			t.Errorf("%q became %q", s, p)
		}
	}
}

func TestArticle12_Retention(t *testing.T) {
	collected, used := moment(t, "2026-01-10 10:00:00"), moment(t, "2026-03-01 09:00:00")
	fixed := Retention{From: FromCollection, Period: period(t, "90d")}
	use := Retention{From: FromLastUse, Period: period(t, "90d"), AtMost: period(t, "6m")}
	event := Retention{From: FromEvent, Event: "closed", Period: period(t, "15d"), AtMost: period(t, "1y")}
	for _, test := range []struct {
		name string
		got  time.Time
		want string
	}{
		{"collection", fixed.Expiry(collected), "2026-04-10 10:00:00"},
		{"collection, used", fixed.AfterUse(collected, used), "2026-04-10 10:00:00"},
		{"collection, event", fixed.AfterEvent(collected, used), "2026-04-10 10:00:00"},
		{"last use, never used", use.Expiry(collected), "2026-04-10 10:00:00"},
		{"last use, used", use.AfterUse(collected, used), "2026-05-30 09:00:00"},
		{"last use, capped", use.AfterUse(collected, moment(t, "2026-06-30 00:00:00")), "2026-07-10 10:00:00"},
		{"last use before collection", use.AfterUse(collected, moment(t, "2025-01-01 00:00:00")), "2026-04-10 10:00:00"},
		{"event to come", event.Expiry(collected), "2027-01-10 10:00:00"},
		{"event, used", event.AfterUse(collected, used), "2027-01-10 10:00:00"},
		{"event came", event.AfterEvent(collected, used), "2026-03-16 09:00:00"},
		{"event before collection", event.AfterEvent(collected, moment(t, "2026-01-09 00:00:00")), "2027-01-10 10:00:00"},
		{"event came late", event.AfterEvent(collected, moment(t, "2027-01-09 00:00:00")), "2027-01-10 10:00:00"},
	} {
		if !test.got.Equal(moment(t, test.want)) {
			t.Errorf("%s: %v, want %s", test.name, test.got.In(shanghai), test.want)
		}
	}
}

var anyPeriod = rapid.Custom(func(t *rapid.T) Period {
	unit := rapid.SampledFrom([]byte("dmy")).Draw(t, "unit")
	most := map[byte]int{'d': 7000, 'm': 240, 'y': 20}[unit]
	return Period{rapid.IntRange(1, most).Draw(t, "n"), unit}
})

// Nothing lives longer than was said: a period ends after it begins, a later
// beginning never ends earlier, and no use goes beyond the longest time.
func TestArticle12_RetentionProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, q := anyPeriod.Draw(t, "p"), anyPeriod.Draw(t, "q")
		start := time.Unix(rapid.Int64Range(1_000_000_000, 3_000_000_000).Draw(t, "start"), 0)
		later := start.Add(time.Duration(rapid.Int64Range(0, 400*24*3600).Draw(t, "later")) * time.Second)
		end := p.After(start)
		if !end.After(start) || p.After(later).Before(end.AddDate(0, 0, -1)) {
			t.Fatalf("%s after %v is %v", p, start, end)
		}
		if again, err := ParsePeriod(p.String()); err != nil || again != p {
			t.Fatalf("%s is read as %s, %v", p, again, err)
		}
		if end.After(q.After(start)) && !p.longer(q) {
			t.Fatalf("%s outlives %s from %v, but isn't called longer", p, q, start)
		}
		if p.longer(q) != p.sometimes(q) {
			t.Fatalf("%s is longer than %s: %t, but on a calendar %t", p, q, p.longer(q), p.sometimes(q))
		}
		r := Retention{From: FromLastUse, Period: p, AtMost: q}
		if r.AfterUse(start, later).After(q.After(start)) {
			t.Fatalf("a use of %+v goes beyond %s", r, q)
		}
	})
}

// Article 12: what is said of accounts that nobody uses is said where it is said how long
// things are kept, and only where there is such a rule; one that comes asks nobody again.
func TestArticle12_TheNoticeSaysWhenAnUnusedAccountEnds(t *testing.T) {
	with := example(t)
	without := clone(t, with)
	without.Inactive = Period{}
	for _, lang := range Langs {
		n, err := Notice(with, lang)
		if err != nil {
			t.Fatal(err)
		}
		s, _ := n.Section("storage")
		mustSay(t, s.Points[len(s.Points)-1].Text, with.Inactive.In(lang), strconv.Itoa(InactiveLead))
		if n, err = Notice(without, lang); err != nil {
			t.Fatal(err)
		}
		if other, _ := n.Section("storage"); len(other.Points) != len(s.Points)-1 {
			t.Errorf("%s: without the rule: %v", lang, other.Points)
		}
	}
	if m := Material(Diff(without, with)); len(m) > 0 {
		t.Errorf("asked again for a rule that came: %v", m)
	}
	if clone(t, without).Inactive != (Period{}) {
		t.Error("a charter without the rule has one")
	}
	for _, s := range []string{"3m", "89d", "90d", "1y", "36m", "3y"} {
		c := clone(t, with)
		if c.Inactive = period(t, s); c.Hash() == with.Hash() {
			t.Errorf("%s: the same charter", s)
		}
		if _, err := Parse(c.Canonical()); err != nil {
			t.Errorf("%s: %v", s, err)
		}
	}
}
