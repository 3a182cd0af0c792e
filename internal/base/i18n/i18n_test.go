package i18n_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"wardkeep/internal/base/i18n"
)

var place = regexp.MustCompile(`\{\{\s*\.(\w+)\s*\}\}`)

func TestEveryLanguageHasEveryKeyWithTheSamePlaces(t *testing.T) {
	for _, a := range i18n.Langs {
		for _, b := range i18n.Langs {
			for key, text := range i18n.Keys(a) {
				other, ok := i18n.Keys(b)[key]
				if !ok || strings.TrimSpace(other) == "" {
					t.Errorf("%s has %q, %s has not", a, key, b)
					continue
				}
				if !slices.Equal(places(text), places(other)) {
					t.Errorf("%q has other places in %s than in %s", key, a, b)
				}
			}
		}
	}
}

func places(text string) []string {
	var names []string
	for _, m := range place.FindAllStringSubmatch(text, -1) {
		names = append(names, m[1])
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func TestMatch(t *testing.T) {
	for header, want := range map[string]i18n.Lang{
		"": i18n.Chinese, "zh": i18n.Chinese, "en-GB,en;q=0.9": i18n.English, "en;q=0.1, zh-CN": i18n.Chinese,
		"fr": i18n.English, "\x00;;": i18n.Chinese, "zh-Hant-TW": i18n.Chinese,
	} {
		if got := i18n.Match(header); got != want {
			t.Errorf("Match(%q) = %s, want %s", header, got, want)
		}
	}
}
