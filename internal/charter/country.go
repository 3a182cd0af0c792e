package charter

import (
	"golang.org/x/text/language"
	"golang.org/x/text/language/display"
)

// CountryIn returns what people call a country or region, given as its two-letter
// code: a notice that says SG tells a guardian nothing. A code that stands for none
// is returned as it is.
func CountryIn(code string, l Lang) string {
	if words, ok := regions[code]; ok {
		return words.In(l)
	}
	region, err := language.ParseRegion(code)
	if err != nil {
		return code
	}
	names := display.Chinese
	if l == English {
		names = display.English
	}
	if name := names.Regions().Name(region); name != "" {
		return name
	}
	return code
}

// IsCountry reports whether it is the two-letter code of a country or region.
func IsCountry(code string) bool { return fits(code, "country", forms["country"]) }

// regions are those whose usual name in China's law isn't that of the Unicode
// consortium.
var regions = map[string]Words{
	"TW": {ZH: "中国台湾地区", EN: "Taiwan, China"},
	"HK": {ZH: "中国香港特别行政区", EN: "Hong Kong, China"},
	"MO": {ZH: "中国澳门特别行政区", EN: "Macao, China"},
}
