package charter

import (
	"reflect"
	"strings"
	"time"
	"unicode/utf8"
)

// Limits of a charter, so that a notice fits a telephone and a server's memory.
const (
	maxList  = 200
	maxText  = 4000 // characters of a text item
	maxWords = 2000 // characters in one language
	maxLabel = 200
	maxLine  = 300     // characters of a plain text
	maxMedia = 8 << 20 // bytes of an image, sound or film
)

// check reports everything that is wrong with a charter. First the shape, as
// the tags of the types say; then the rules that tie its parts together.
func check(c *Charter, r *report) {
	if r.silent("") {
		checkProse(c, r)
		return
	}
	shape(reflect.ValueOf(*c), "", r)
	checkProse(c, r)
	r.shaped = true
	checkNames(c, r)
	checkSafety(c, r)
	checkItems(c, r)
	checkPurposes(c, r)
	checkInactive(c, r)
	checkParties(c, r)
}

func shape(v reflect.Value, path string, r *report) {
	for _, f := range fields(v.Type()) {
		if f.prose {
			continue
		}
		shapeField(v.Field(f.index), f, join(path, f.name), r)
	}
}

func shapeField(v reflect.Value, f field, path string, r *report) {
	if v.IsZero() || v.Kind() == reflect.Slice && v.Len() == 0 {
		// Numbers and booleans are whole at zero; an app type of 0 is none.
		if !f.optional && v.Kind() != reflect.Int && !r.silent(path) {
			r.add(path, "缺少 %s（%s），请写上", "%s is missing (%s); write it", f.name, f.doc)
		}
		return
	}
	switch {
	case r.said[path]:
	case v.Type() == reflect.TypeFor[Words]():
		shapeWords(v.Interface().(Words), f, path, r)
	case v.Type() == reflect.TypeFor[Period]():
	case v.Kind() == reflect.Pointer && v.Elem().Kind() == reflect.Struct:
		shape(v.Elem(), path, r)
	case v.Kind() == reflect.Struct:
		shape(v, path, r)
	case v.Kind() == reflect.Slice:
		shapeList(v, path, r)
	case v.Kind() == reflect.String:
		shapeText(v, f, path, r)
	}
}

func shapeList(v reflect.Value, path string, r *report) {
	if v.Len() > maxList {
		r.add(path, "最多 %d 项", "write at most %d entries", maxList)
		return
	}
	seen := map[string]bool{}
	for i := range v.Len() {
		e, p := v.Index(i), join(path, i)
		if e.Kind() == reflect.Struct {
			shape(e, p, r)
			continue
		}
		form := ""
		switch e.Type() {
		case reflect.TypeFor[Origin]():
			form = "origin"
		case reflect.TypeFor[Region]():
			form = "country"
		}
		shapeText(e, field{form: form}, p, r)
		if s := e.String(); s != "" && seen[s] && !r.silent(p) {
			r.add(p, "“%s” 写了两次，请删掉一个", "%q is listed twice; delete one of them", short(s))
		}
		seen[e.String()] = true
	}
}

func shapeWords(w Words, f field, path string, r *report) {
	limit := maxWords
	if f.name == "label" || f.name == "event_label" || f.name == "name" {
		limit = maxLabel
	}
	for _, lang := range Langs {
		p, s := join(path, lang), w.In(lang)
		switch {
		case r.silent(p):
		case blank(s):
			r.add(p, "缺少 %s 的文字（%s），两种语言都要写", "the words in %s are missing (%s); write them in both languages", lang, f.doc)
		case utf8.RuneCountInString(s) > limit:
			r.add(p, "超过 %d 个字，请缩短", "it is longer than %d characters; shorten it", limit)
		case !clean(s):
			r.add(p, "有看不见的控制字符，请删掉", "it has invisible control characters; delete them")
		}
	}
}

func shapeText(v reflect.Value, f field, path string, r *report) {
	s := v.String()
	known, enumerated := enums[v.Type()]
	form, formed := forms[f.form]
	switch {
	case r.silent(path):
	case blank(s):
		r.add(path, "是空的，请写上或删掉", "it is blank; write something or delete it")
	case enumerated:
		if _, ok := find(known, s, func(e word) string { return e.value }); !ok {
			r.add(path, "没有 “%s”，请写其中之一：%s", "%q is not known; write one of: %s", short(s), enumList(v.Type()))
		}
	case utf8.RuneCountInString(s) > maxLine:
		r.add(path, "超过 %d 个字，请缩短", "it is longer than %d characters; shorten it", maxLine)
	case !clean(s) || strings.Contains(s, "\n"):
		r.add(path, "有换行或看不见的控制字符，请删掉", "it has line ends or invisible control characters; delete them")
	case formed && !fits(s, f.form, form):
		r.add(path, "请写%s", "write %s", form.what)
	}
}

func clean(s string) bool {
	for line := range strings.SplitSeq(s, "\n") {
		if !cleanLine(line) {
			return false
		}
	}
	return true
}

func fits(s, name string, f form) bool {
	switch {
	case !f.pattern.MatchString(s):
		return false
	case name == "slug":
		return len(s) <= 64
	case name == "country":
		return strings.Contains(" "+strings.Join(strings.Fields(countries), " ")+" ", " "+s+" ")
	case name == "date":
		_, err := time.Parse(time.DateOnly, s)
		return err == nil
	}
	return true
}

func checkProse(c *Charter, r *report) {
	for _, lang := range Langs {
		for _, text := range []struct {
			kind  string
			prose map[Lang]string
		}{{"rules", c.Rules}, {"agreement", c.Agreement}} {
			s := text.prose[lang]
			file := ProseFile(text.kind, lang)
			switch {
			case r.said[join(text.kind, lang)]:
			case blank(s):
				r.addIn(file, 0, "是空的：第八条要求专门的规则和用户协议，请写上", "it is blank; Article 8 demands rules and an agreement of their own: write them")
			case len(s) > maxFile:
				r.addIn(file, 0, "文件超过 %d 字节，请缩短", "it is larger than %d bytes; shorten it", maxFile)
			case !clean(s):
				r.addIn(file, 0, "有看不见的控制字符，请删掉", "it has invisible control characters; delete them")
			}
		}
	}
	for _, prose := range []map[Lang]string{c.Rules, c.Agreement} {
		for lang := range prose {
			if !contains(Langs, lang) {
				r.add("", "不支持语言 “%s”", "there is no language %q", short(string(lang)))
			}
		}
	}
}
