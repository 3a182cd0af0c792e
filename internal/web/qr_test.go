package web

import (
	"fmt"
	"regexp"
	"testing"

	"github.com/skip2/go-qrcode"
)

// What is drawn is the code, dot by dot, quiet zone and all.
func TestQR_DrawsEveryDotOfTheCode(t *testing.T) {
	address := "https://consent.example/r/0123456789abcdefghjkmnpqrstvwxyz0123456789abcdefghjk"
	svg, err := QR(address, `a "label"`)
	if err != nil {
		t.Fatal(err)
	}
	code, err := qrcode.New(address, qrcode.Medium)
	if err != nil {
		t.Fatal(err)
	}
	want := code.Bitmap()
	got := make([][]bool, len(want))
	for y := range got {
		got[y] = make([]bool, len(want))
	}
	for _, m := range regexp.MustCompile(`M(\d+) (\d+)h(\d+)v1H(\d+)z`).FindAllStringSubmatch(string(svg), -1) {
		var x, y, n, back int
		if _, err := fmt.Sscan(m[1]+" "+m[2]+" "+m[3]+" "+m[4], &x, &y, &n, &back); err != nil || back != x {
			t.Fatalf("%v, %v", m, err)
		}
		for i := range n {
			got[y][x+i] = true
		}
	}
	for y := range want {
		for x := range want[y] {
			if want[y][x] != got[y][x] {
				t.Fatalf("dot %d, %d", x, y)
			}
		}
	}
	if regexp.MustCompile(`aria-label="a &#34;label&#34;"`).FindString(string(svg)) == "" {
		t.Errorf("the label: %.200s", svg)
	}
}
