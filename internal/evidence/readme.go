package evidence

import (
	"strings"
	"time"

	"wardkeep/internal/base/i18n"
)

// readme is the text that says what the archive is, in Chinese first.
func readme(m Manifest) []byte {
	var b strings.Builder
	for i, lang := range []i18n.Lang{i18n.Chinese, i18n.English} {
		if i > 0 {
			b.WriteString("\n\n----------------------------------------------------------------\n\n")
		}
		articles := lang.T("evidence.readme.all")
		if m.Articles != nil {
			var some []string
			for _, a := range m.Articles {
				some = append(some, number(int64(a)))
			}
			articles = strings.Join(some, lang.T("evidence.readme.comma"))
		}
		services := lang.T("evidence.readme.all")
		if m.Services != nil {
			services = strings.Join(m.Services, lang.T("evidence.readme.comma"))
		}
		b.WriteString(lang.T("evidence.readme.text", "Services", services, "Bundle", m.Bundle, "Origin", m.Origin, "Made", instant(m.Made, ""),
			"From", instant(m.From, lang.T("evidence.readme.first")), "To", instant(m.To, lang.T("evidence.readme.last")), "Articles", articles))
		if m.Recipient != "" {
			b.WriteString("\n\n" + lang.T("evidence.readme.samples"))
		}
		b.WriteString("\n")
	}
	return []byte(b.String())
}

func instant(micros int64, none string) string {
	if micros == 0 {
		return none
	}
	return time.UnixMicro(micros).In(time.FixedZone("+08:00", 8*60*60)).Format("2006-01-02 15:04:05 -07:00")
}
