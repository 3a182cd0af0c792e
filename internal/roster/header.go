package roster

import (
	"slices"
	"strings"

	"wardkeep/internal/base/errs"
)

// A Column is what a column of the file means.
type Column string

const (
	ColRef        Column = "ref"
	ColNickname   Column = "nickname"
	ColBirth      Column = "birth"
	ColGender     Column = "gender"
	ColGrade      Column = "grade"
	ColSchool     Column = "school"
	ColGuardian   Column = "guardian_name"
	ColPhone      Column = "guardian_phone"
	ColEmail      Column = "guardian_email"
	ColRelation   Column = "relation"
	ColRegistered Column = "registered_at"
	ColDevice     Column = "device"
	ColRemark     Column = "remark"
)

// names lists the usual headers of each column, the one of our reports first.
// The remark has none beyond its own: Article 11, it is read only on demand.
var names = []struct {
	column  Column
	headers []string
}{
	{ColRef, []string{"用户ID", "用户编号", "用户标识", "账号ID", "userid", "user_id", "ref"}},
	{ColNickname, []string{"昵称", "用户昵称", "nickname"}},
	{ColBirth, []string{"出生日期", "生日", "出生年月", "出生年月日", "birthdate", "birth_date", "birthday", "birth"}},
	{ColGender, []string{"性别", "gender", "sex"}},
	{ColGrade, []string{"年级", "grade"}},
	{ColSchool, []string{"学校", "学校名称", "school"}},
	{ColGuardian, []string{"监护人姓名", "家长姓名", "guardian_name", "parent_name"}},
	{ColPhone, []string{"监护人手机", "监护人手机号", "监护人电话", "家长手机", "家长手机号", "家长电话", "guardian_phone", "parent_phone"}},
	{ColEmail, []string{"监护人邮箱", "监护人电子邮箱", "家长邮箱", "guardian_email", "parent_email"}},
	{ColRelation, []string{"关系", "与儿童关系", "监护人关系", "relation"}},
	{ColRegistered, []string{"注册时间", "注册日期", "registered_at", "created_at"}},
	{ColDevice, []string{"设备号", "设备ID", "device", "device_id"}},
	{ColRemark, []string{"备注"}},
}

// Label returns the Chinese name of the column, as the reports write it.
func (c Column) Label() string {
	for _, n := range names {
		if n.column == c {
			return n.headers[0]
		}
	}
	return ""
}

// A place is where a column stands in the file.
type place struct {
	column Column
	index  int
}

// A header is the first line of a file, understood.
type header struct {
	at    []place // in the order of the file
	width int     // without the empty columns that a spreadsheet adds at the end
	full  int     // with them
}

// readHeader finds the columns. It needs a reference, a birth date and a way to
// reach the guardian; that the file has no birth dates must be said explicitly,
// because a misspelt header would make every age unknown.
func readHeader(cells []string, mapping map[string]string) (header, error) {
	h := header{width: len(cells), full: len(cells)}
	for h.width > 0 && fold(cells[h.width-1]) == "" {
		h.width--
	}
	for key := range mapping {
		if Column(key).Label() == "" {
			return h, ErrMapping
		}
	}
	for _, n := range names {
		wanted, explicit := n.headers, false
		if name, ok := mapping[string(n.column)]; ok {
			wanted, explicit = []string{name}, true
		}
		if explicit && wanted[0] == "" || !explicit && n.column == ColRemark {
			continue
		}
		i, err := locate(cells[:h.width], wanted)
		switch {
		case err != nil:
			return h, err.At(string(n.column))
		case i >= 0:
			h.at = append(h.at, place{n.column, i})
		case explicit:
			return h, ErrHeader.At(string(n.column))
		}
	}
	slices.SortFunc(h.at, func(a, b place) int { return a.index - b.index })
	for i := 1; i < len(h.at); i++ {
		if h.at[i].index == h.at[i-1].index {
			return h, ErrHeaderTwice.At(string(h.at[i].column))
		}
	}
	return h, h.complete(mapping)
}

func (h header) complete(mapping map[string]string) error {
	_, said := mapping[string(ColBirth)]
	switch {
	case !h.has(ColRef):
		return ErrHeader.At(string(ColRef))
	case !h.has(ColBirth) && !said:
		return ErrHeader.At(string(ColBirth))
	case !h.has(ColPhone) && !h.has(ColEmail):
		return ErrHeader.At(string(ColPhone))
	}
	return nil
}

// columns returns what is read, in the order of the file.
func (h header) columns() (out []Column) {
	for _, p := range h.at {
		out = append(out, p.column)
	}
	return out
}

func (h header) has(c Column) bool {
	return slices.ContainsFunc(h.at, func(p place) bool { return p.column == c })
}

// locate returns the index of the one cell that has one of the wanted names, -1
// if there is none, and ErrHeaderTwice if there are two.
func locate(cells, wanted []string) (int, *errs.Error) {
	found := -1
	for i, cell := range cells {
		if !slices.ContainsFunc(wanted, func(w string) bool { return sameName(cell, w) }) {
			continue
		}
		if found >= 0 {
			return found, ErrHeaderTwice
		}
		found = i
	}
	return found, nil
}

// sameName compares headers without regard to case, width and blanks.
func sameName(a, b string) bool {
	squeeze := func(s string) string { return strings.ToLower(strings.Join(strings.Fields(fold(s)), "")) }
	return squeeze(a) == squeeze(b)
}
