package web

import (
	"errors"
	"fmt"
	"html/template"
	"strings"

	"github.com/skip2/go-qrcode"
)

// QR draws an address as a QR code, in the page itself: nothing else is loaded,
// and it is sharp at every size. It is black on white in the dark too, with its
// quiet zone, because a camera expects that.
func QR(address string, label string) (template.HTML, error) {
	code, err := qrcode.New(address, qrcode.Medium)
	if err != nil {
		return "", errors.New("web: the link doesn't fit a QR code") // err may quote it
	}
	dots := code.Bitmap()
	var path strings.Builder
	for y, row := range dots {
		for x := 0; x < len(row); x++ {
			run := x
			for run < len(row) && row[run] {
				run++
			}
			if run > x {
				fmt.Fprintf(&path, "M%d %dh%dv1H%dz", x, y, run-x, x)
				x = run
			}
		}
	}
	return template.HTML(fmt.Sprintf(
		`<svg class="qr" viewBox="0 0 %d %d" role="img" aria-label="%s" shape-rendering="crispEdges"><path fill="#fff" d="M0 0h%[1]dv%[1]dH0z"/><path fill="#000" d="%[4]s"/></svg>`,
		len(dots), len(dots), template.HTMLEscapeString(label), path.String())), nil
}
