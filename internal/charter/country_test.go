package charter_test

import (
	"testing"

	"wardkeep/internal/charter"
)

// Article 10: the notice says in plain words where information goes.
func TestArticle10_CountriesAreSaidInWords(t *testing.T) {
	for code, want := range map[string]charter.Words{
		"CN": {ZH: "中国", EN: "China"}, "SG": {ZH: "新加坡", EN: "Singapore"}, "US": {ZH: "美国", EN: "United States"},
		"HK": {ZH: "中国香港特别行政区", EN: "Hong Kong, China"}, "TW": {ZH: "中国台湾地区", EN: "Taiwan, China"},
		"": {}, "Atlantis": {ZH: "Atlantis", EN: "Atlantis"},
	} {
		if zh, en := charter.CountryIn(code, charter.Chinese), charter.CountryIn(code, charter.English); zh != want.ZH || en != want.EN {
			t.Errorf("%q is %q and %q", code, zh, en)
		}
	}
}
