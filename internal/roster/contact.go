package roster

import (
	"regexp"
	"strings"
)

// A Relation is what the contact is to the child, as the operator has it.
type Relation string

const (
	RelationUnknown Relation = "unknown"
	Parent          Relation = "parent"         // by birth or adoption
	LegalGuardian   Relation = "legal_guardian" // as the file says; it remains to be proved
	Grandparent     Relation = "grandparent"    // edge case 11: a contact, unless a document says more
	Teacher         Relation = "teacher"
	Institution     Relation = "institution" // edge case 10: a guardian with document and officer, or else a contact
	Other           Relation = "other"
)

// relations are the words for each Relation.
var relations = map[Relation][]string{
	Parent:        {"母亲", "妈妈", "妈", "母", "父亲", "爸爸", "爸", "父", "父母", "家长", "养父", "养母", "mother", "father", "mom", "mum", "dad", "parent"},
	LegalGuardian: {"监护人", "法定监护人", "guardian", "legal guardian"},
	Grandparent:   {"爷爷", "奶奶", "外公", "外婆", "姥姥", "姥爷", "祖父", "祖母", "外祖父", "外祖母", "祖父母", "外祖父母", "grandparent", "grandmother", "grandfather"},
	Teacher:       {"老师", "教师", "班主任", "辅导员", "园长", "teacher"},
	Institution:   {"学校", "幼儿园", "福利院", "儿童福利院", "民政局", "居委会", "村委会", "机构", "school", "institution"},
	Other: {"其他", "其它", "亲戚", "亲属", "哥哥", "姐姐", "叔叔", "阿姨", "伯伯", "舅舅", "姑姑", "姨妈", "继父", "继母", "保姆", "朋友", "邻居",
		"other", "brother", "sister", "uncle", "aunt", "nanny"},
}

// ClaimsGuardianship reports whether the file says that the contact is a parent
// or legal guardian. Edge case 11: everybody else may be a contact, and can't
// grant anything unless a document says that they are the guardian.
func (r Relation) ClaimsGuardianship() bool { return r == Parent || r == LegalGuardian }

// relation reads what the contact is to the child.
func relation(cell string) (Relation, Code) {
	s := strings.ToLower(fold(cell))
	if s == "" {
		return RelationUnknown, RelationMissing
	}
	for r, words := range relations {
		for _, w := range words {
			switch {
			case w != s:
			case r.ClaimsGuardianship():
				return r, ""
			default:
				return r, NotAGuardian
			}
		}
	}
	return RelationUnknown, ValueUnknown
}

var (
	mainlandMobile = regexp.MustCompile(`^(?:(?:\+|00)?86)?(1[3-9]\d{9})$`)
	foreignNumber  = regexp.MustCompile(`^(?:\+|00)([1-9]\d{7,14})$`)
	fixedLine      = regexp.MustCompile(`^(?:(?:\+|00)86)?0?[1-9]\d{1,2}[2-8]\d{6,7}$`)
	punctuation    = strings.NewReplacer(" ", "", "-", "", "(", "", ")", "", ".", "")
)

// phone reads a number that can receive a code: a mobile number of the mainland,
// however it is written, or a full international one. It returns it as in E.164.
func phone(cell string) (string, Code) {
	s := strings.TrimPrefix(fold(cell), "'") // a spreadsheet's mark for text
	if s == "" {
		return "", ""
	}
	s = punctuation.Replace(strings.TrimSuffix(s, ".0"))
	if m := mainlandMobile.FindStringSubmatch(s); m != nil {
		return "+86" + m[1], ""
	}
	if m := foreignNumber.FindStringSubmatch(s); m != nil && !strings.HasPrefix(m[1], "86") {
		return "+" + m[1], PhoneForeign
	}
	if fixedLine.MatchString(s) && (s[0] == '0' || s[0] == '+') {
		return "", PhoneFixedLine
	}
	return "", PhoneUnreadable
}

// address is the part of RFC 5321 that mail providers hand out: a dot-atom, and
// a domain of at least two labels.
var address = regexp.MustCompile(`^[A-Za-z0-9!#$%&'*+/=?^_{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_{|}~-]+)*@((?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z][A-Za-z0-9-]{0,61}[A-Za-z0-9])$`)

// email reads an e-mail address. Its domain is returned in lower case; what is
// before the @ is the provider's to compare.
func email(cell string) (string, Code) {
	s := fold(cell)
	if s == "" {
		return "", ""
	}
	at := strings.LastIndexByte(s, '@')
	if len(s) > 254 || at > 64 || !address.MatchString(s) {
		return "", EmailUnreadable
	}
	return s[:at] + strings.ToLower(s[at:]), ""
}
