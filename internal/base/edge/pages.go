package edge

import (
	"encoding/base64"
	"fmt"
	"html/template"
	"io/fs"
	"maps"
	"sync"
	"time"

	"wardkeep/internal/base/i18n"
	"wardkeep/internal/base/pages"
)

// Zone is the clock that the law's days are told by.
var Zone = time.FixedZone("Asia/Shanghai", 8*60*60)

// Pages returns what has all pages of an area, in each language: layout.html and the others of
// the folder pages, parsed at the first call. More is what they may ask besides the functions
// below; nil is nothing.
func Pages(files fs.FS, area string, more func(i18n.Lang) template.FuncMap) func() map[i18n.Lang]*pages.Set {
	return sync.OnceValue(func() map[i18n.Lang]*pages.Set {
		all := make(map[i18n.Lang]*pages.Set)
		for _, lang := range i18n.Langs {
			funcs := said(lang, area)
			if more != nil {
				maps.Copy(funcs, more(lang))
			}
			all[lang] = pages.Parse(files, funcs, []string{"pages/layout.html"}, []string{"pages/*.html"})
		}
		return all
	})
}

// said are the functions of every page: words, of the area or of any, links, and times.
func said(lang i18n.Lang, area string) template.FuncMap {
	return template.FuncMap{
		"t":    lang.T,
		"word": func(group string, name any) string { return lang.T(area + "." + group + "." + fmt.Sprint(name)) },
		"lang": func() string { return string(lang) },
		"to":   func(path string) string { return path + "?lang=" + string(lang) },
		"date": func(t time.Time) string { return t.In(Zone).Format("2006-01-02 15:04") },
		"day":  func(t time.Time) string { return t.In(Zone).Format(time.DateOnly) },
		// To the second, where something ends at it.
		"second": func(t time.Time) string { return t.In(Zone).Format(time.DateTime) },
	}
}

// Overlay is a picture that says something all over, aslant. As a picture, nobody hears it
// read again and again, and nothing of the page is the paler for it.
func Overlay(words string) template.URL {
	width := 28 // of one repetition, with room
	for _, r := range words {
		width += 8
		if r > 0x2e80 {
			width += 6
		}
	}
	svg := fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" width="4000" height="4000"><pattern id="w" width="%d" height="76" patternUnits="userSpaceOnUse" patternTransform="rotate(-20)">`+
		`<text y="40" font-family="sans-serif" font-size="14" fill="#808080" fill-opacity=".2">%s</text></pattern><rect width="4000" height="4000" fill="url(#w)"/></svg>`,
		width, template.HTMLEscapeString(words))
	return template.URL("data:image/svg+xml;base64," + base64.StdEncoding.EncodeToString([]byte(svg)))
}
