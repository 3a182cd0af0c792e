package roster

import (
	"regexp"
	"strconv"
	"time"

	"wardkeep/internal/family/age"
)

// The ways in which a birth date is written. A time of day in an unnamed zone is
// ignored; with a zone it would move the date, so such a text isn't read.
var (
	yearMonthDay = regexp.MustCompile(`^(\d{4}) ?[-/.年] ?(\d{1,2}) ?[-/.月] ?(\d{1,2}) ?日?(?:[ T]+\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?)?$`)
	eightDigits  = regexp.MustCompile(`^(\d{4})(\d{2})(\d{2})$`)
	yearMonth    = regexp.MustCompile(`^(\d{4}) ?([-/.年]) ?(\d{1,2}) ?月?$`)
	yearOnly     = regexp.MustCompile(`^(\d{4}) ?年?$`)
	yearLast     = regexp.MustCompile(`^(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})$`)
	serial       = regexp.MustCompile(`^(\d{5})(?:\.0+)?$`)
)

// firstSerial is 1990-01-01 as a spreadsheet counts days. Five digits below it
// are hardly a date.
const firstSerial = 32874

// birth reads a birth date. What can't be trusted is no birth date, which is a
// child (edge case 3), and what can be trusted in part is read in part. The code
// says what was lost.
func birth(cell string, now time.Time) (age.Birth, Code) {
	b, code := written(fold(cell))
	switch {
	case b.IsZero():
		return b, code
	case b.Year < 1900:
		return age.Birth{}, BirthPlaceholder
	case b.Check() != nil:
		return age.Birth{}, BirthImpossible
	case b.InFuture(now):
		return age.Birth{}, BirthFuture
	}
	return b, code
}

// written returns the numbers that s is made of. They may be no date at all, as
// in 20130140, but for Month and Day 0, which are returned as 99.
func written(s string) (age.Birth, Code) {
	switch {
	case s == "":
		return age.Birth{}, BirthMissing
	case yearMonthDay.MatchString(s):
		m := yearMonthDay.FindStringSubmatch(s)
		return given(m[1], m[2], m[3]), ""
	case eightDigits.MatchString(s):
		m := eightDigits.FindStringSubmatch(s)
		return given(m[1], m[2], m[3]), ""
	case yearMonth.MatchString(s):
		m := yearMonth.FindStringSubmatch(s)
		if m[2] == "." && m[3] == "1" {
			return age.Birth{Year: number(m[1])}, BirthAmbiguous // 2012.10, once taken for a number, is 2012.1
		}
		b := given(m[1], m[3], "1")
		b.Day = 0
		return b, BirthPartial
	case yearOnly.MatchString(s):
		b := given(yearOnly.FindStringSubmatch(s)[1], "1", "1")
		return age.Birth{Year: b.Year}, BirthPartial
	case yearLast.MatchString(s):
		m := yearLast.FindStringSubmatch(s)
		return yearAtEnd(given(m[3], m[2], m[1]), given(m[3], m[1], m[2]))
	case serial.MatchString(s):
		if n := number(serial.FindStringSubmatch(s)[1]); n >= firstSerial {
			y, m, d := time.Date(1899, time.December, 30+n, 0, 0, 0, 0, time.UTC).Date()
			return age.Birth{Year: y, Month: int(m), Day: d}, BirthSerial
		}
	}
	return age.Birth{}, BirthUnreadable
}

// yearAtEnd decides between 31/12/2015 and 12/31/2015. If both readings are
// dates, only the year is sure.
func yearAtEnd(dayFirst, monthFirst age.Birth) (age.Birth, Code) {
	switch {
	case dayFirst == monthFirst, monthFirst.Check() != nil:
		return dayFirst, ""
	case dayFirst.Check() != nil:
		return monthFirst, ""
	}
	return age.Birth{Year: dayFirst.Year}, BirthAmbiguous
}

// given makes a Birth of numbers that are all written out. A month or day 0 is
// written, and wrong, not unknown; so is the year 0.
func given(year, month, day string) age.Birth {
	b := age.Birth{Year: number(year), Month: number(month), Day: number(day)}
	if b.Month == 0 {
		b.Month = 99
	}
	if b.Day == 0 {
		b.Day = 99
	}
	if b.Year == 0 {
		b.Year = -1
	}
	return b
}

// number reads up to five digits.
func number(digits string) int {
	n, _ := strconv.Atoi(digits) // the patterns allow nothing but digits
	return n
}
