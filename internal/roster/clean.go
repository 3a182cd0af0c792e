package roster

import (
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"wardkeep/internal/base/pii"
	"wardkeep/internal/family/age"
)

// limits are the longest values, in characters. A longer one is left out: half
// a value is a wrong one.
var limits = map[Column]int{
	ColRef: 64, ColNickname: 64, ColGrade: 32, ColSchool: 128, ColGuardian: 64, ColDevice: 128, ColRemark: 500,
}

// asText is how a spreadsheet is told to keep the zeros of a number: ="00123".
var asText = regexp.MustCompile(`^="([^"]*)"$`)

// scientific is what a spreadsheet makes of a long number: digits are lost.
var scientific = regexp.MustCompile(`^[0-9](\.[0-9]+)?[eE]\+[0-9]+$`)

// clean understands one record. With faults the Row must not be used, except
// that its Ref, if there is one, is about a child with this birth date.
func (rd *Reader) clean(rec record) (row Row, faults []Reason) {
	switch {
	case rec.broken:
		return row, []Reason{{Code: Quotes, Line: rec.last}}
	case len(rec.fields) < rd.header.width:
		return row, []Reason{{Code: TooFewColumns}}
	case len(rec.fields) > rd.header.full || !blank(rec.fields[rd.header.width:]):
		return row, []Reason{{Code: TooManyColumns}}
	}
	row.Line = rec.line
	for _, p := range rd.header.at {
		fault, warnings := row.set(p.column, rec.fields[p.index], rd.opts.Now)
		if fault != "" {
			faults = append(faults, Reason{Code: fault, Column: p.column})
		}
		for _, w := range warnings {
			row.Warnings = append(row.Warnings, Reason{Code: w, Column: p.column})
		}
	}
	// Edge case 5: a child is imported to ask its guardian, so somebody must be there to ask.
	if row.Guardian.Phone.IsZero() && row.Guardian.Email.IsZero() {
		faults = append(faults, Reason{Code: NoContact, Column: rd.header.contact()})
	}
	return row, faults
}

// contact returns the column in which a contact is to be written.
func (h header) contact() Column {
	if h.has(ColPhone) {
		return ColPhone
	}
	return ColEmail
}

// set reads one cell into the row.
func (row *Row) set(column Column, cell string, now time.Time) (fault Code, warnings []Code) {
	warn := func(c Code) {
		if c != "" {
			warnings = append(warnings, c)
		}
	}
	var value string
	var code Code
	switch column {
	case ColRef:
		value, fault = reference(cell)
		row.Ref = pii.New(value)
	case ColBirth:
		row.Birth, code = birth(cell, now)
		warn(code)
	case ColPhone:
		value, code = phone(cell)
		row.Guardian.Phone = pii.New(value)
		warn(code)
	case ColEmail:
		value, code = email(cell)
		row.Guardian.Email = pii.New(value)
		warn(code)
	case ColRelation:
		row.Guardian.Relation, code = relation(cell)
		warn(code)
	case ColGender:
		value, code = gender(cell)
		row.Gender = pii.New(value)
		warn(code)
	case ColRegistered:
		row.RegisteredAt, code = registered(cell, now)
		warn(code)
	default:
		value, warnings = text(cell, limits[column])
		*row.plain(column) = pii.New(value)
	}
	return fault, warnings
}

// plain returns the field of a column that holds any text.
func (row *Row) plain(column Column) *pii.Text {
	switch column {
	case ColNickname:
		return &row.Nickname
	case ColGrade:
		return &row.Grade
	case ColSchool:
		return &row.School
	case ColGuardian:
		return &row.Guardian.Name
	case ColDevice:
		return &row.Device
	}
	return &row.Remark
}

// reference reads the operator's name for the child. It is kept to the letter,
// because the operator will ask for it again: nothing in it is repaired.
func reference(cell string) (string, Code) {
	s, changes := text(cell, limits[ColRef])
	for _, c := range changes {
		if c != TextFormula {
			return "", RefMalformed
		}
	}
	switch {
	case s == "":
		return "", RefMissing
	case s[0] == '=', scientific.MatchString(s):
		return "", RefMalformed
	}
	return s, ""
}

// text reads a cell that may hold anything: blanks around it, line breaks and
// invisible characters go, and what is longer than limit is left out.
func text(cell string, limit int) (string, []Code) {
	if !utf8.ValidString(cell) || strings.ContainsRune(cell, utf8.RuneError) {
		return "", []Code{TextUnreadable}
	}
	var codes []Code
	s := unwrap(strings.TrimSpace(cell))
	if strings.ContainsAny(s, "\r\n\u2028\u2029") {
		s = strings.NewReplacer("\r\n", " ", "\r", " ", "\n", " ", "\u2028", " ", "\u2029", " ").Replace(s)
		codes = append(codes, TextLineBreak)
	}
	if strings.ContainsFunc(s, invisible) {
		s = strings.TrimSpace(strings.Map(dropInvisible, s))
		codes = append(codes, TextControl)
	}
	if utf8.RuneCountInString(s) > limit {
		return "", append(codes, TextTooLong)
	}
	if s != "" && strings.ContainsRune("=+-@", rune(s[0])) {
		codes = append(codes, TextFormula)
	}
	return s, codes
}

// invisible reports whether c is a control character, a direction mark or a
// blank of no width. The joiner within an emoji is none of them.
func invisible(c rune) bool {
	return unicode.IsControl(c) || c >= 0x202a && c <= 0x202e || c >= 0x2066 && c <= 0x2069 ||
		c == 0x200b || c == 0x200e || c == 0x200f || c == 0x2060 || c == 0xfeff
}

func dropInvisible(c rune) rune {
	if invisible(c) {
		return -1
	}
	return c
}

// unwrap takes the text out of ="…".
func unwrap(s string) string {
	if m := asText.FindStringSubmatch(s); m != nil {
		return strings.TrimSpace(m[1])
	}
	return s
}

// fold returns a cell as a number, date or address would be typed on a plain
// keyboard: half width, one kind of dash, nothing invisible, no blanks around.
func fold(s string) string {
	s = strings.Map(func(c rune) rune {
		switch {
		case c < 0x7f && c >= ' ':
			return c
		case c >= 0xff01 && c <= 0xff5e:
			return c - 0xfee0
		case c >= 0x2010 && c <= 0x2015 || c == 0x2212:
			return '-'
		case unicode.IsSpace(c):
			return ' '
		}
		return dropInvisible(c)
	}, s)
	return unwrap(strings.TrimSpace(s))
}

// gender reads male or female.
func gender(cell string) (string, Code) {
	switch strings.ToLower(fold(cell)) {
	case "":
		return "", ""
	case "男", "男孩", "男生", "male", "m", "boy":
		return "male", ""
	case "女", "女孩", "女生", "female", "f", "girl":
		return "female", ""
	}
	return "", ValueUnknown
}

// registered reads when the child was registered, in Asia/Shanghai.
func registered(cell string, now time.Time) (time.Time, Code) {
	s := strings.ReplaceAll(fold(cell), "/", "-")
	if s == "" {
		return time.Time{}, ""
	}
	for _, layout := range []string{"2006-1-2 15:04:05", "2006-1-2 15:04", "2006-1-2", time.RFC3339} {
		if t, err := time.ParseInLocation(layout, s, age.Zone); err == nil && !t.After(now) && t.Year() >= 1990 {
			return t, ""
		}
	}
	return time.Time{}, ValueUnknown
}
