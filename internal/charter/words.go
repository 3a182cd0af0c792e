package charter

import (
	"strings"
	"unicode"
)

// A Lang is a language that every charter speaks, as a BCP 47 tag.
type Lang string

// The two languages. Chinese is the first.
const (
	Chinese Lang = "zh-CN"
	English Lang = "en"
)

// Langs are all languages, the first one first.
var Langs = []Lang{Chinese, English}

// Words say one thing in every language.
type Words struct {
	ZH string `json:"zh-CN" doc:"中文|Chinese"`
	EN string `json:"en" doc:"英文|English"`
}

// In returns the words in a language, and "" for a language no charter speaks.
func (w Words) In(lang Lang) string {
	switch lang {
	case Chinese:
		return w.ZH
	case English:
		return w.EN
	}
	return ""
}

// IsZero reports whether nothing is said in any language.
func (w Words) IsZero() bool { return w == Words{} }

// blank reports whether a reader would see nothing: white space and characters
// that take no room, such as a zero-width space, are not words.
func blank(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool {
		return !unicode.IsSpace(r) && !unicode.Is(unicode.Cf, r) && !unicode.Is(unicode.Cc, r)
	}) < 0
}
