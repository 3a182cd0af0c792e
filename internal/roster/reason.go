package roster

import (
	"strconv"
	"strings"
)

// A Code is the stable name of something that is wrong with a record.
type Code string

// Why a record is rejected.
const (
	Quotes         Code = "roster.quotes"
	TooFewColumns  Code = "roster.columns_missing"
	TooManyColumns Code = "roster.columns_extra"
	RefMissing     Code = "roster.ref_missing"
	RefMalformed   Code = "roster.ref_malformed"
	NoContact      Code = "roster.no_contact"
	Minor          Code = "roster.minor"
	Adult          Code = "roster.adult"
	Duplicate      Code = "roster.duplicate"
	Conflict       Code = "roster.conflict"
)

// What was lost or left out of a record that is read.
const (
	BirthMissing     Code = "roster.birth_missing"
	BirthUnreadable  Code = "roster.birth_unreadable"
	BirthImpossible  Code = "roster.birth_impossible"
	BirthPlaceholder Code = "roster.birth_placeholder"
	BirthFuture      Code = "roster.birth_future"
	BirthPartial     Code = "roster.birth_partial"
	BirthAmbiguous   Code = "roster.birth_ambiguous"
	BirthSerial      Code = "roster.birth_serial"
	BirthDiffers     Code = "roster.birth_differs"
	PhoneUnreadable  Code = "roster.phone_unreadable"
	PhoneFixedLine   Code = "roster.phone_fixed_line"
	PhoneForeign     Code = "roster.phone_foreign"
	EmailUnreadable  Code = "roster.email_unreadable"
	RelationMissing  Code = "roster.relation_missing"
	NotAGuardian     Code = "roster.not_a_guardian"
	ValueUnknown     Code = "roster.value_unknown"
	TextUnreadable   Code = "roster.text_unreadable"
	TextLineBreak    Code = "roster.text_line_break"
	TextControl      Code = "roster.text_control"
	TextTooLong      Code = "roster.text_too_long"
	TextFormula      Code = "roster.text_formula"
)

// A Reason is one thing that is wrong with a record: where, what, and in Words
// what to do about it. It holds no value of the file.
type Reason struct {
	Code   Code
	Column Column // "" if it is about the whole record
	Line   int    // another line that it is about, or 0
}

// Words returns the reason as a sentence, in "zh-CN" or else in English.
func (r Reason) Words(lang string) string {
	w := words[r.Code]
	s := w.en
	if lang == "zh-CN" {
		s = w.zh
	}
	return strings.ReplaceAll(s, "{line}", strconv.Itoa(r.Line))
}

// words are the sentences. Each says what to do, in words for whoever keeps the file.
var words = map[Code]struct{ zh, en string }{
	Quotes:         {"引号不成对，本行到第{line}行都没有读取。请补上或删除多余的引号。", "The quotation marks don't match; nothing from here to line {line} was read. Add or remove a quotation mark."},
	TooFewColumns:  {"列数比表头少，可能有一个换行没有加引号。请补齐。", "There are fewer columns than in the header; perhaps a line break isn't quoted. Complete the line."},
	TooManyColumns: {"列数比表头多，可能有一个逗号没有加引号。请给含逗号的内容加引号。", "There are more columns than in the header; perhaps a comma isn't quoted. Quote what contains a comma."},
	RefMissing:     {"没有用户编号。请填写您系统中这名儿童的编号。", "There is no reference. Enter the child's number in your system."},
	RefMalformed:   {"用户编号不可用：过长、含不可见字符、是公式，或被表格软件改成了科学计数。请以文本格式重新导出。", "The reference can't be used: too long, with invisible characters, a formula, or turned into a rounded number by a spreadsheet. Export it again as text."},
	NoContact:      {"没有可用的监护人手机或邮箱，无法征求同意。请补充其中一项。", "There is no usable mobile number or e-mail address of the guardian, so nobody can be asked. Add one of them."},
	Minor:          {"按出生日期已满14周岁，不是儿童，不导入。若日期有误请更正。", "By the birth date this person is 14 or older, not a child, and isn't imported. If the date is wrong, correct it."},
	Adult:          {"按出生日期已成年，不导入。若填写的是家长的日期，请改为儿童的出生日期或留空。", "By the birth date this person is an adult and isn't imported. If it is the parent's date, enter the child's or leave it empty."},
	Duplicate:      {"与第{line}行完全相同，只导入一次。无需处理。", "The same as line {line}, and imported once. Nothing needs to be done."},
	Conflict:       {"与第{line}行编号相同但内容不同，采用第{line}行。请核对并只保留一行。", "It has the same reference as line {line} but says something else; that line is used. Check both and keep one."},

	BirthMissing:     {"没有出生日期，按儿童保护。", "There is no birth date; protected as a child."},
	BirthUnreadable:  {"出生日期无法识别，未采用，按儿童保护。请写成 2012-03-05 的形式。", "The birth date can't be read and wasn't used; protected as a child. Write it as 2012-03-05."},
	BirthImpossible:  {"日历上没有这个出生日期，未采用，按儿童保护。请更正。", "No calendar has this birth date; it wasn't used; protected as a child. Correct it."},
	BirthPlaceholder: {"出生日期早于1900年，像是系统的空值，未采用，按儿童保护。请更正。", "The birth date is before 1900, which looks like a system's empty value; it wasn't used; protected as a child. Correct it."},
	BirthFuture:      {"出生日期在将来，未采用，按儿童保护。请更正。", "The birth date is in the future; it wasn't used; protected as a child. Correct it."},
	BirthPartial:     {"出生日期不完整，按可能的最晚一天计算。", "The birth date is incomplete; the latest possible day is used."},
	BirthAmbiguous:   {"出生日期的月和日分不清，只采用年份，按该年12月31日计算。请写成 2012-03-05 的形式。", "Month and day of the birth date can't be told apart; only the year is used, as 31 December. Write it as 2012-03-05."},
	BirthSerial:      {"出生日期是表格软件的序号，已换算成日期。请核对。", "The birth date is a spreadsheet's day number and was converted. Check it."},
	BirthDiffers:     {"同一编号有不同的出生日期，先采用较晚的一个，直到有证明文件。", "Lines with this reference give different birth dates; the later one is used until a document decides."},
	PhoneUnreadable:  {"监护人手机不是有效号码，未采用。请只写一个手机号。", "The guardian's phone isn't a valid number and wasn't used. Write exactly one mobile number."},
	PhoneFixedLine:   {"监护人手机是座机，收不到短信，未采用。请写手机号。", "The guardian's phone is a fixed line, which gets no text messages; it wasn't used. Write a mobile number."},
	PhoneForeign:     {"监护人手机是境外号码。请确认可以向境外发送短信。", "The guardian's phone is a number outside the mainland. Make sure that messages may be sent there."},
	EmailUnreadable:  {"监护人邮箱不是有效地址，未采用。请更正。", "The guardian's e-mail address isn't valid and wasn't used. Correct it."},
	RelationMissing:  {"没有填写与儿童的关系，监护人身份待证明。", "The relation to the child is missing; that this is the guardian remains to be proved."},
	NotAGuardian:     {"这位联系人不是父母或监护人：可以联系，但不能代为同意，除非有证明文件。", "This contact is not a parent or guardian: may be contacted, but can't agree without a document."},
	ValueUnknown:     {"内容无法识别，未采用。", "The content isn't understood and wasn't used."},
	TextUnreadable:   {"含有无法识别的字符（编码错误），未采用。请重新导出。", "It has broken characters (wrong encoding) and wasn't used. Export it again."},
	TextLineBreak:    {"内容中的换行已改为空格。", "A line break in it was replaced by a blank."},
	TextControl:      {"内容中的不可见字符已删除。", "Invisible characters in it were removed."},
	TextTooLong:      {"内容过长，未采用。", "It is too long and wasn't used."},
	TextFormula:      {"内容像表格公式，按普通文字保存。在表格软件中打开原文件时请小心。", "It looks like a spreadsheet formula and is kept as plain text. Take care when you open the original in a spreadsheet."},
}
