// Package i18n holds the words of the program in each language.
//
// Its one invariant: a key exists in every language or in none, which a test
// proves, so that nobody is shown a key. Notices and agreements are not here:
// they are versioned data.
package i18n

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"strings"
	"sync"

	goi18n "github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"
)

// A Lang is a language tag with files in messages.
type Lang string

// The languages. Chinese is the first and the default.
const (
	Chinese Lang = "zh-CN"
	English Lang = "en"
)

// Langs lists the languages; the first is the default.
var Langs = []Lang{Chinese, English}

// Match returns the language that an Accept-Language header asks for.
func Match(acceptLanguage string) Lang {
	tags, _, err := language.ParseAcceptLanguage(acceptLanguage)
	if err != nil || len(tags) == 0 {
		return Langs[0]
	}
	_, i, _ := matcher.Match(tags...)
	return Langs[i]
}

var matcher = language.NewMatcher([]language.Tag{language.MustParse(string(Chinese)), language.MustParse(string(English))})

// messages holds one file per language and area: "consent.en.json".
//
//go:embed messages/*.json
var files embed.FS

// places is what a message has that is filled with something.
const places = "{{"

// words are the messages of one language.
type words struct {
	plain     map[string]string
	localizer *goi18n.Localizer // for messages with {{.Name}}
}

// all are read when somebody first asks for a word of theirs: a command speaks one language.
var all = func() map[Lang]func() words {
	lazy := make(map[Lang]func() words)
	for _, lang := range Langs {
		lazy[lang] = sync.OnceValue(func() words {
			w, err := read(lang)
			if err != nil {
				panic(err) // the files are part of the binary
			}
			return w
		})
	}
	return lazy
}()

// words returns those of the language; of one that there isn't, none.
func (lang Lang) words() (w words) {
	if of, ok := all[lang]; ok {
		w = of()
	}
	return w
}

func read(lang Lang) (words, error) {
	tag := language.MustParse(string(lang))
	bundle := goi18n.NewBundle(tag)
	w := words{plain: make(map[string]string), localizer: goi18n.NewLocalizer(bundle, string(lang))}
	names, err := fs.Glob(files, "messages/*."+string(lang)+".json")
	if err != nil {
		return w, err
	}
	for _, name := range names {
		b, err := files.ReadFile(name)
		if err != nil {
			return w, err
		}
		var area map[string]string
		if err := json.Unmarshal(b, &area); err != nil {
			return w, fmt.Errorf("%s: %w", name, err)
		}
		for key, text := range area {
			if _, twice := w.plain[key]; twice {
				return w, fmt.Errorf("%s: %q is in another file too", name, key)
			}
			w.plain[key] = text
			if !strings.Contains(text, places) {
				continue
			}
			if err := bundle.AddMessages(tag, &goi18n.Message{ID: key, Other: text}); err != nil {
				return w, fmt.Errorf("%s: %q: %w", name, key, err)
			}
		}
	}
	return w, nil
}

// T returns the message with the given key. Pairs are the names and values of
// its places: T("demo.asked", "Count", 12) fills {{.Count}}. A key that doesn't
// exist returns itself; a test keeps that from shipping.
func (lang Lang) T(key string, pairs ...any) string {
	if _, ok := all[lang]; !ok {
		lang = Langs[0]
	}
	w := lang.words()
	text, ok := w.plain[key]
	if !ok {
		return key
	}
	if len(pairs) == 0 || !strings.Contains(text, places) {
		return text
	}
	data := make(map[string]any, len(pairs)/2)
	for i := 0; i+1 < len(pairs); i += 2 {
		data[fmt.Sprint(pairs[i])] = pairs[i+1]
	}
	out, err := w.localizer.Localize(&goi18n.LocalizeConfig{MessageID: key, TemplateData: data})
	if err != nil {
		return text
	}
	return out
}

// Has reports whether the key exists in lang.
func (lang Lang) Has(key string) bool {
	_, ok := lang.words().plain[key]
	return ok
}

// Keys returns the keys and texts of a language. The caller must not change it.
func Keys(lang Lang) map[string]string { return lang.words().plain }
