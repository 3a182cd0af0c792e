package consent

import (
	"strings"
	"testing"

	"wardkeep/internal/base/id"
)

func TestShortCodes_AreReadAsPeopleTypeThem(t *testing.T) {
	for in, want := range map[string]string{
		"7K3M-Q9TX": "7K3MQ9TX", "7k3m q9tx": "7K3MQ9TX", " 7k3mq9tx ": "7K3MQ9TX", "OIL0-1111": "01101111",
		"7K3M-Q9T": "", "7K3M-Q9TXX": "", "7K3M-Q9TU": "", "": "", "７ｋ３ｍ－Ｑ９ＴＸ": "7K3MQ9TX", "7K3M\u3000Q9TX\u200b": "7K3MQ9TX", "7K3M–Q9TX": "7K3MQ9TX", "７K3MQ9T": "", "7K3M\x00Q9TX": "",
	} {
		if got, ok := typed(in); ok != (want != "") || ok && got != want {
			t.Errorf("typed(%q) = %q, %v", in, got, ok)
		}
	}
	for range 200 {
		code := shortCode([]byte(id.Secret(16)))
		if plain, ok := typed(code); !ok || len(code) != 9 || code[4] != '-' || plain != code[:4]+code[5:] {
			t.Fatalf("short code %q reads as %q, %v", code, plain, ok)
		}
	}
}

// Six digits each, and over many of them no digit is more than seven standard
// deviations rarer or commoner than a tenth.
func TestOneTimeCodes_AreUnbiased(t *testing.T) {
	const n = 20_000
	var seen [6][10]int
	for range n {
		code, err := Digits()
		if err != nil || len(code) != 6 {
			t.Fatalf("%q, %v", code, err)
		}
		for i, c := range code {
			seen[i][c-'0']++
		}
	}
	for i, digits := range seen {
		for d, count := range digits {
			if count < n/10-300 || count > n/10+300 {
				t.Errorf("digit %d at place %d: %d of %d", d, i, count, n)
			}
		}
	}
}

// Strangers type short codes: whatever they type is refused or is eight letters
// of the alphabet, and reads the same when it is written as we write it.
func FuzzShortCode(f *testing.F) {
	for _, s := range []string{"7K3M-Q9TX", "oil0 1111", "", "７K3MQ9TX", "\xff\xfe", strings.Repeat("-", 50)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		code, ok := typed(s)
		if !ok {
			return
		}
		if len(code) != codeLen || strings.Trim(code, letters) != "" {
			t.Fatalf("%q reads as %q", s, code)
		}
		if again, ok := typed(code[:4] + "-" + code[4:]); !ok || again != code {
			t.Fatalf("%q reads as %q, and that as %q", s, code, again)
		}
	})
}
