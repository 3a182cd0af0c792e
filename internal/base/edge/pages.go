package edge

import (
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
