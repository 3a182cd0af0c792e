package charter

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func number(f float64) *float64 { return &f }

var valueNow = time.Date(2026, 3, 5, 16, 30, 0, 0, time.UTC) // 6 March in Shanghai

func TestArticle11_ValuesAreCheckedAtTheEdge(t *testing.T) {
	png := "\x89PNG\r\n\x1a\n0000"
	b64 := base64.StdEncoding.EncodeToString
	text := Item{Name: "x", Kind: Text, MaxLength: 5}
	lines := Item{Name: "x", Kind: Text, MaxLength: 9, Lines: true}
	num := Item{Name: "x", Kind: Number, Min: number(-1), Max: number(100)}
	choice := Item{Name: "x", Kind: OneOf, Choices: []Choice{{Value: "男"}, {Value: "女"}}}
	image := Item{Name: "x", Kind: Image, MaxBytes: 16}
	audio := Item{Name: "x", Kind: Audio, MaxBytes: 4}
	of := func(k Kind) Item { return Item{Name: "x", Kind: k} }
	for _, test := range []struct {
		item  Item
		value string
		code  string // "" is right
	}{
		{text, "沈思沈思沈", ""}, {text, "沈思沈思沈思", ValueTooLong}, {text, "", ValueBlank}, {text, " 　", ValueBlank}, {text, "\u200d", ValueBlank},
		{text, "a\nb", ValueControl}, {text, "a\x00", ValueControl}, {text, "a\u202eb", ValueControl}, {text, "\xff", ValueNotUTF8},
		{text, strings.Repeat("a", 1<<20), ValueTooLong}, {text, "👨‍👩‍👧", ""}, {text, "\ufeffab", ValueControl}, {text, "a\u2028", ValueControl},
		{lines, "a\nb", ""}, {lines, "a\r\nb", ValueControl}, {lines, "a\tb", ValueControl},
		{of(Date), "2012-02-29", ""}, {of(Date), "2012-02-30", ValueNotDate}, {of(Date), "2026-03-06", ""}, {of(Date), "2026-03-07", ValueFuture},
		{of(Date), "2012-2-9", ValueNotDate}, {of(Date), "2012/02/29", ValueNotDate}, {of(Date), "1899-12-31", ValueNotDate}, {of(Date), "２０１２-01-01", ValueNotDate},
		{of(Phone), "13800000000", ""}, {of(Phone), "12800000000", ValueNotPhone}, {of(Phone), "+8613800000000", ValueNotPhone}, {of(Phone), "1380000000", ValueNotPhone},
		{of(Phone), "138 0000 0000", ValueNotPhone}, {of(Phone), "１3800000000", ValueNotPhone},
		{of(Email), "a@example.com", ""}, {of(Email), "@qq.com", ValueNotEmail}, {of(Email), "A <a@example.com>", ValueNotEmail}, {of(Email), "a@b", ValueNotEmail},
		{of(Email), "a@b@c.d", ValueNotEmail}, {of(Email), strings.Repeat("a", 250) + "@b.cn", ValueNotEmail},
		{of(IdentityNumber), "11010519491231002X", ""}, {of(IdentityNumber), "11010519491231002x", ValueNotIdentity}, {of(IdentityNumber), "110105194912310021", ValueNotIdentity},
		{of(IdentityNumber), "440524188001010014", ValueNotIdentity}, // right check character, born 1880
		{of(IdentityNumber), "11010519490230002X", ValueNotIdentity}, {of(IdentityNumber), "1101051949123100", ValueNotIdentity}, {of(IdentityNumber), "1101051949１31002X", ValueNotIdentity},
		{num, "0", ""}, {num, "-1", ""}, {num, "99.5", ""}, {num, "100.1", ValueOutOfRange}, {num, "-1.1", ValueOutOfRange},
		{num, "1e3", ValueNotNumber}, {num, "NaN", ValueNotNumber}, {num, "Inf", ValueNotNumber}, {num, "0x1", ValueNotNumber}, {num, "1,5", ValueNotNumber},
		{num, "007", ValueNotNumber}, {num, "+1", ValueNotNumber}, {num, strings.Repeat("9", 400), ValueNotNumber}, {of(Number), "1", ValueOutOfRange},
		{choice, "男", ""}, {choice, "其他", ValueNotChoice}, {choice, "男 ", ValueNotChoice},
		{of(Location), "30.2741,120.1551", ""}, {of(Location), "91,0", ValueNotLocation}, {of(Location), "0,181", ValueNotLocation}, {of(Location), "30.2741", ValueNotLocation},
		{of(Location), "-90,-180", ""}, {of(Location), "30,120,1", ValueNotLocation}, {of(Location), "30 ,120", ValueNotLocation}, {of(Location), "NaN,0", ValueNotLocation},
		{image, b64([]byte(png)), ""}, {image, b64([]byte("\xff\xd8\xff\xe0")), ""}, {image, b64([]byte("RIFF0000WEBP")), ""}, {image, b64([]byte("<svg onload>")), ValueNotImage},
		{image, b64([]byte(png + "00000")), ValueTooLong}, {image, "", ValueBlank},
		{audio, b64([]byte{0, 1, 2, 3}), ""}, {audio, b64([]byte{0, 1, 2, 3, 4}), ValueTooLong}, {audio, "AAE", ValueNotBase64}, {audio, "A\nAE=", ValueNotBase64},
		{audio, "AAF=", ValueNotBase64}, {audio, "AA-_", ValueNotBase64}, {audio, strings.Repeat("A", 1<<20), ValueTooLong},
		{of("odd"), "x", ValueUnknownKind}, {Item{}, "x", ValueUnknownKind},
	} {
		err := test.item.Check(test.value, valueNow)
		e, _ := errors.AsType[*ValueError](err)
		got := ""
		if e != nil {
			got = e.Code
		}
		if got != test.code {
			t.Errorf("%s %.40q: %q, want %q", test.item.Kind, test.value, got, test.code)
		}
		if got != "" && !contains(ValueCodes, got) {
			t.Errorf("%q is not among the codes", got)
		}
	}
}

// No item takes a value that another kind of attack hides in, no check panics,
// and no error repeats the value.
func TestInvariant9_ErrorsNeverHoldTheValue(t *testing.T) {
	c := example(t)
	rapid.Check(t, func(t *rapid.T) {
		it := rapid.SampledFrom(c.Items).Draw(t, "item")
		value := rapid.OneOf(rapid.String(), rapid.StringMatching(`[0-9A-Za-z,.:@+/=-]{1,40}`), rapid.Just("canary-7731")).Draw(t, "value")
		err := it.Check(value, valueNow)
		if err == nil {
			return
		}
		if e, ok := errors.AsType[*ValueError](err); !ok || e.Item != it.Name || !contains(ValueCodes, e.Code) {
			t.Fatalf("error %v", err)
		}
		if len(value) > 3 && !strings.Contains(it.Name, value) && strings.Contains(err.Error(), value) {
			t.Fatalf("the error repeats the value")
		}
	})
}
