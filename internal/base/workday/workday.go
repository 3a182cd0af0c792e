// Package workday counts working days in Asia/Shanghai.
//
// Which days of a year are off, and which weekends are worked in exchange (调休),
// is announced by the General Office of the State Council each autumn for the
// next year. So it is data: holidays.csv, and whatever the operator adds to it in
// the same form.
//
// Its one invariant: nothing is guessed. Where no notice is known, weekends and
// the festivals with a fixed date are off, the lunar ones are not, and every
// deadline that was counted over such a day says that it is provisional.
package workday

import (
	"bytes"
	_ "embed"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/family/age"
)

// ErrHolidays refuses a file of holidays; the Problems say what is wrong in it.
var ErrHolidays = errs.New(errs.Invalid, "workday.holidays_invalid")

// A Date is a calendar day in Asia/Shanghai: the days since 1970-01-01. Dates
// compare and count like numbers. Shanghai has no summer time, so each has 24
// hours.
type Date int

// On returns the day on which t falls.
func On(t time.Time) Date {
	y, m, d := t.In(age.Zone).Date()
	return Date(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / (24 * 60 * 60))
}

// Start returns the first instant of the day. That of the next day is its end,
// 24:00.
func (d Date) Start() time.Time { return time.Date(1970, time.January, 1+int(d), 0, 0, 0, 0, age.Zone) }

// String returns the day as 2006-01-02.
func (d Date) String() string { return d.Start().Format(time.DateOnly) }

func (d Date) year() int { return d.Start().Year() }

func (d Date) weekend() bool {
	w := d.Start().Weekday()
	return w == time.Saturday || w == time.Sunday
}

// fixed are the festivals of all citizens whose dates need no lunar calendar:
// 全国年节及纪念日放假办法 (Regulation on Public Holidays for National Annual Festivals
// and Memorial Days), Article 2, as revised on 2024-11-10.
var fixed = []struct {
	month time.Month
	day   int
}{{time.January, 1}, {time.May, 1}, {time.May, 2}, {time.October, 1}, {time.October, 2}, {time.October, 3}}

func (d Date) festival() bool {
	_, m, day := d.Start().Date()
	for _, f := range fixed {
		if f.month == m && f.day == day {
			return true
		}
	}
	return false
}

// An Entry is what a notice says of one day.
type Entry struct {
	Works            bool   // a weekend that is worked; otherwise the day is off
	Chinese, English string // the festival for whose sake
	Notice           string // "国办发明电〔2025〕7号"
	Published        Date
}

// A Calendar knows the days of the years that were announced. The zero Calendar
// knows of no notice: all that it says is provisional.
type Calendar struct {
	years map[int]map[Date]Entry // by the year that the notice is about
}

//go:embed holidays.csv
var holidays []byte

var builtIn = sync.OnceValue(func() Calendar {
	c, err := Parse(bytes.NewReader(holidays), "holidays.csv")
	if err != nil {
		panic(err) // the file is part of the binary
	}
	return c
})

// Default returns the calendar that comes with the program: holidays.csv.
func Default() Calendar { return builtIn() }

// With returns c with the years of more. A year that both have is that of more
// as a whole, so that a notice that was amended can be given anew.
func (c Calendar) With(more Calendar) Calendar {
	years := make(map[int]map[Date]Entry, len(c.years)+len(more.years))
	maps.Copy(years, c.years)
	maps.Copy(years, more.years)
	return Calendar{years}
}

// lastWeek is how many days before its year a notice may begin: that about 2019
// made 29 December 2018 a working day, and gave the two days after it.
const lastWeek = 7

// within reports whether the notice about year may speak of the day.
func (d Date) within(year int) bool { return d.year() == year || (d+lastWeek).year() == year }

// Announced reports whether all that is announced about the day is known: the
// notice about its year and, in the last week of December, the one about the
// next year too.
func (c Calendar) Announced(d Date) bool {
	return c.years[d.year()] != nil && c.years[(d+lastWeek).year()] != nil
}

// Entry returns what a notice says of the day, if one names it. Most days are
// named by none.
func (c Calendar) Entry(d Date) (e Entry, ok bool) {
	if e, ok = c.years[d.year()+1][d]; !ok {
		e, ok = c.years[d.year()][d]
	}
	return e, ok
}

// Is reports whether the day is a working day.
func (c Calendar) Is(d Date) bool {
	if e, ok := c.Entry(d); ok {
		return e.Works
	}
	return !d.weekend() && !d.festival()
}

// Add returns the end of the n-th working day after the day on which from falls:
// 24:00, the first instant that is no longer in time. The day itself doesn't
// count, whatever it is (Civil Code, Articles 201 and 203); with n = 0 it is its
// end that is returned. Provisional is true if the count passed a day about which
// not all is announced: the deadline may then move by some days.
func (c Calendar) Add(from time.Time, n int) (due time.Time, provisional bool) {
	d := On(from)
	for n > 0 {
		d++
		provisional = provisional || !c.Announced(d)
		if c.Is(d) {
			n--
		}
	}
	return (d + 1).Start(), provisional
}

// Between returns how many whole working days lie after the day on which from
// falls and before to: what is left until a deadline, 0 on its last day and
// afterwards. It turns Add around.
func (c Calendar) Between(from, to time.Time) (n int) {
	for d := On(from) + 1; d < On(to); d++ {
		if c.Is(d) {
			n++
		}
	}
	return n
}

// A Problem is one thing in a file of holidays that must be changed, and what to
// write instead. It holds no value of the file.
type Problem struct {
	File  string
	Line  int    // from 1; 0 for the file as a whole
	Code  string // of the words in base/i18n
	Names string // what is missing, or what may stand there
}

// In returns file:line: and what to write.
func (p Problem) In(lang i18n.Lang) string {
	at := p.File
	if p.Line > 0 {
		at += ":" + strconv.Itoa(p.Line)
	}
	return at + ": " + lang.T(p.Code, "Names", p.Names)
}

// Problems are all that is wrong with a file of holidays.
type Problems []Problem

// In returns one problem a line.
func (ps Problems) In(lang i18n.Lang) string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.In(lang)
	}
	return strings.Join(lines, "\n")
}

// Error returns the problems in English.
func (ps Problems) Error() string { return ps.In(i18n.English) }

// Unwrap returns ErrHolidays.
func (ps Problems) Unwrap() error { return ErrHolidays }

// maxFile bounds a file of holidays, in bytes. A year takes about 1200.
const maxFile = 1 << 20

var columns = []string{"year", "from", "to", "day", "chinese", "english", "notice", "published"}

// Parse reads a file in the form of holidays.csv, whose comments explain it. Name
// is what the file is called in Problems, which are its error if it can be read
// and anything in it is wrong. A year is taken whole or not at all: a notice that
// was typed in by half would move deadlines silently.
func Parse(r io.Reader, name string) (Calendar, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil {
		return Calendar{}, fmt.Errorf("read %s: %w", name, err)
	}
	f := file{name: name, years: map[int]map[Date]Entry{}, ends: map[int]int{}}
	switch {
	case len(text) > maxFile:
		f.say(0, "workday.too_large", "")
	case !utf8.Valid(text):
		f.say(0, "workday.encoding", "")
	default:
		f.read(bytes.TrimPrefix(text, []byte("\ufeff"))) // spreadsheets write it
	}
	if f.problems != nil {
		return Calendar{}, f.problems
	}
	return Calendar{f.years}, nil
}

// A file is what was read so far.
type file struct {
	name     string
	years    map[int]map[Date]Entry
	ends     map[int]int // the last line of each year
	last     Date        // the last day that was read
	problems Problems
}

func (f *file) say(line int, code, names string) {
	f.problems = append(f.problems, Problem{f.name, line, code, names})
}

func (f *file) read(text []byte) {
	rows := csv.NewReader(bytes.NewReader(text))
	rows.Comment = '#'
	rows.FieldsPerRecord = len(columns)
	for headed := false; ; headed = true {
		fields, err := rows.Read()
		if err == io.EOF {
			break
		}
		if e, ok := errors.AsType[*csv.ParseError](err); ok {
			f.say(e.Line, "workday.columns", strings.Join(columns, ","))
			return
		}
		line, _ := rows.FieldPos(0)
		if headed {
			f.row(line, fields)
		} else if !slices.Equal(fields, columns) {
			f.say(line, "workday.columns", strings.Join(columns, ","))
			return
		}
	}
	if f.problems == nil {
		f.whole()
	}
}

// row reads a period. One problem a line is enough.
func (f *file) row(line int, fields []string) {
	year, err := strconv.Atoi(fields[0])
	from, fromOK := date(fields[1])
	to, toOK := date(fields[2])
	published, publishedOK := date(fields[7])
	e := Entry{Works: fields[3] == "work", Chinese: fields[4], English: fields[5], Notice: fields[6], Published: published}
	switch {
	case err != nil || len(fields[0]) != 4:
		f.say(line, "workday.year", "")
	case !fromOK || !toOK || !publishedOK:
		f.say(line, "workday.date", "")
	case to < from:
		f.say(line, "workday.period", "")
	case !from.within(year) || !to.within(year):
		f.say(line, "workday.outside", "")
	case from <= f.last:
		f.say(line, "workday.order", "")
	case fields[3] != "off" && fields[3] != "work":
		f.say(line, "workday.day", "")
	case e.Works && !weekends(from, to):
		f.say(line, "workday.not_a_weekend", "")
	case strings.TrimSpace(e.Chinese) == "" || strings.TrimSpace(e.English) == "" || strings.TrimSpace(e.Notice) == "":
		f.say(line, "workday.names", "")
	default:
		if f.years[year] == nil {
			f.years[year] = map[Date]Entry{}
		}
		for d := from; d <= to; d++ {
			f.years[year][d] = e
		}
		f.ends[year], f.last = line, to
	}
}

// festivals are those that every notice names.
var festivals = []string{"元旦", "春节", "清明节", "劳动节", "端午节", "中秋节", "国庆节"}

// whole says what is missing in each year.
func (f *file) whole() {
	if len(f.years) == 0 {
		f.say(0, "workday.empty", "")
	}
	for _, year := range slices.Sorted(maps.Keys(f.years)) {
		var missing []string
		for _, name := range festivals {
			given := false
			for _, e := range f.years[year] {
				given = given || !e.Works && strings.Contains(e.Chinese, name)
			}
			if !given {
				missing = append(missing, name)
			}
		}
		for _, x := range fixed {
			d := On(time.Date(year, x.month, x.day, 0, 0, 0, 0, age.Zone))
			if e, given := f.years[year][d]; !given || e.Works {
				missing = append(missing, d.String())
			}
		}
		if missing != nil {
			f.say(f.ends[year], "workday.incomplete", strings.Join(missing, ", "))
		}
	}
}

func date(s string) (Date, bool) {
	t, err := time.ParseInLocation(time.DateOnly, s, age.Zone)
	return On(t), err == nil
}

func weekends(from, to Date) bool {
	for d := from; d <= to; d++ {
		if !d.weekend() {
			return false
		}
	}
	return true
}
