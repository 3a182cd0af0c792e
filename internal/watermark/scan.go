package watermark

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	"strings"

	_ "golang.org/x/image/webp" // so that image.Decode reads it

	"wardkeep/internal/base/pii"
)

// A Scan is a document as somebody sees it who judges what it shows: its pages, one below
// the other, each a PNG, a JPEG or a WebP.
type Scan struct {
	Label   string
	Pages   []pii.Text // the bytes of a file each
	Visible string     // who looks, when, and at which document: over the pages, again and again
	Mark    Mark
}

// The pages, in the pixels of the picture.
const (
	between   = (down + 1) * pitch // free of pages, so that whole tiles stay whole
	maxHeight = 2400               // of a page
	maxScale  = 2                  // nothing is enlarged more
	darkest   = 84                 // of a page, so that dots and words stand out on it

	// maxScanPixels bounds the memory that a page takes while it is read: 16 bytes for each
	// at most, of a progressive JPEG in full colour.
	maxScanPixels = 1 << 24
)

var scanWords = shade{0, 0.22}

// CanDraw reports whether DrawScan can show a page. Errors: ErrPicture, ErrLarge.
func CanDraw(page pii.Text) error {
	size, kind, err := image.DecodeConfig(strings.NewReader(page.Reveal()))
	switch {
	case err != nil || kind != "png" && kind != "jpeg" && kind != "webp" || size.Width < 1 || size.Height < 1 || kind == "webp" && moves(page.Reveal()):
		return ErrPicture
	case size.Width*size.Height > maxScanPixels:
		return ErrLarge
	}
	return nil
}

// moves reports whether a WebP is a film: its extended header says so (RFC 9649, 2.7.1).
func moves(webp string) bool {
	return len(webp) > 20 && webp[12:16] == "VP8X" && webp[20]&0x02 != 0
}

// DrawScan returns the document as PNG, in shades of one colour. It holds one page at a
// time. Errors: those of CanDraw; of a scan that doesn't say who looks.
func DrawScan(s Scan) ([]byte, error) {
	if strings.TrimSpace(s.Visible) == "" || len(s.Pages) == 0 {
		return nil, errVisible
	}
	dotted, err := s.Mark.code()
	if err != nil {
		return nil, err
	}
	var pages []*image.Gray
	height := between
	for _, p := range s.Pages {
		page, err := reduced(p)
		if err != nil {
			return nil, err
		}
		pages = append(pages, page)
		height += page.Rect.Dy() + between
	}
	height = (height + pitch - 1) / pitch * pitch
	on := image.NewGray(image.Rect(0, 0, Width, height))
	for i := range on.Pix {
		on.Pix[i] = paper
	}
	dotted.draw(on)
	top := between
	for _, page := range pages {
		lay(on, page, (Width-page.Rect.Dx())/2, top)
		top += page.Rect.Dy() + between
	}
	if err := overlay(on, s.Visible, scanWords); err != nil {
		return nil, err
	}
	label, err := newPen(labelSize)
	if err != nil {
		return nil, err
	}
	letters, widths, err := label.spell(s.Label)
	if err == nil {
		err = label.write(on, letters, widths, level(margin, 56), soft)
	}
	if err != nil {
		return nil, err
	}
	return encode(on)
}

// lay puts a page on the dotted paper as if it were a film.
func lay(on, page *image.Gray, left, top int) {
	for y := range page.Rect.Dy() {
		for x := range page.Rect.Dx() {
			light := darkest + int(page.Pix[y*page.Stride+x])*(255-darkest)/255
			i := on.PixOffset(left+x, top+y)
			on.Pix[i] = uint8(int(on.Pix[i]) * light / 255)
		}
	}
}

// reduced reads a page, the right way up, in the size in which it is drawn: each pixel is
// the mean of those that it stands for.
func reduced(page pii.Text) (*image.Gray, error) {
	if err := CanDraw(page); err != nil {
		return nil, err
	}
	data := page.Reveal()
	img, _, err := image.Decode(strings.NewReader(data))
	if err != nil {
		return nil, ErrPicture
	}
	light, wide, high := upright(img, orientation([]byte(data)))
	scale := min(float64(Width-2*margin)/float64(wide), float64(maxHeight)/float64(high), maxScale)
	out := image.NewGray(image.Rect(0, 0, max(1, int(float64(wide)*scale)), max(1, int(float64(high)*scale))))
	w, h := out.Rect.Dx(), out.Rect.Dy()
	for y := range h {
		y0, y1 := y*high/h, max(y*high/h+1, (y+1)*high/h)
		for x := range w {
			x0, x1 := x*wide/w, max(x*wide/w+1, (x+1)*wide/w)
			sum := 0
			for v := y0; v < y1; v++ {
				for u := x0; u < x1; u++ {
					sum += int(light(u, v))
				}
			}
			out.Pix[y*out.Stride+x] = uint8(sum / ((y1 - y0) * (x1 - x0)))
		}
	}
	return out, nil
}

// upright returns how light a picture is at a place, as it is seen once it is turned as its
// camera says, and its size then.
func upright(img image.Image, turned int) (light func(x, y int) uint8, wide, high int) {
	b := img.Bounds()
	raw := lightOf(img)
	wide, high = b.Dx(), b.Dy()
	right, bottom := wide-1, high-1
	if turned >= 5 {
		wide, high = high, wide
	}
	at := func(x, y int) (int, int) { return x, y }
	switch turned {
	case 2:
		at = func(x, y int) (int, int) { return right - x, y }
	case 3:
		at = func(x, y int) (int, int) { return right - x, bottom - y }
	case 4:
		at = func(x, y int) (int, int) { return x, bottom - y }
	case 5:
		at = func(x, y int) (int, int) { return y, x }
	case 6:
		at = func(x, y int) (int, int) { return y, bottom - x }
	case 7:
		at = func(x, y int) (int, int) { return right - y, bottom - x }
	case 8:
		at = func(x, y int) (int, int) { return right - y, x }
	}
	return func(x, y int) uint8 {
		u, v := at(x, y)
		return raw(b.Min.X+u, b.Min.Y+v)
	}, wide, high
}

// lightOf returns how light a picture is at a place, on white paper: without a detour of
// what cameras and scanners write.
func lightOf(img image.Image) func(x, y int) uint8 {
	switch img := img.(type) {
	case *image.YCbCr:
		return func(x, y int) uint8 { return img.Y[img.YOffset(x, y)] }
	case *image.Gray:
		return func(x, y int) uint8 { return img.Pix[img.PixOffset(x, y)] }
	case *image.RGBA:
		return func(x, y int) uint8 {
			p := img.Pix[img.PixOffset(x, y):][:4:4]
			return lightness(int(p[0]), int(p[1]), int(p[2]), int(p[3]))
		}
	case *image.NRGBA:
		return func(x, y int) uint8 {
			p := img.Pix[img.PixOffset(x, y):][:4:4]
			a := int(p[3])
			return lightness(int(p[0])*a/255, int(p[1])*a/255, int(p[2])*a/255, a)
		}
	}
	return func(x, y int) uint8 {
		c := color.RGBAModel.Convert(img.At(x, y)).(color.RGBA)
		return lightness(int(c.R), int(c.G), int(c.B), int(c.A))
	}
}

// lightness is that of a colour whose parts are multiplied by alpha, on white.
func lightness(r, g, b, a int) uint8 { return uint8(min(255, (299*r+587*g+114*b)/1000+255-a)) }

// orientation returns how a JPEG says that it is to be turned (Exif 2.32, tag 0x0112), 1 to
// 8; 1 where it says nothing, or something else.
func orientation(data []byte) int {
	for i := 2; i+4 <= len(data) && data[i] == 0xff; {
		marker, size := data[i+1], int(binary.BigEndian.Uint16(data[i+2:]))
		if marker == 0xda || size < 2 || i+2+size > len(data) {
			return 1
		}
		part := data[i+4 : i+2+size]
		if exif, is := bytes.CutPrefix(part, []byte("Exif\x00\x00")); marker == 0xe1 && is {
			return tagged(exif)
		}
		i += 2 + size
	}
	return 1
}

// tagged reads the orientation of a TIFF header's first directory.
func tagged(tiff []byte) int {
	if len(tiff) < 8 {
		return 1
	}
	order := binary.ByteOrder(binary.BigEndian)
	if string(tiff[:2]) == "II" {
		order = binary.LittleEndian
	}
	at := uint64(order.Uint32(tiff[4:]))
	if at+2 > uint64(len(tiff)) {
		return 1
	}
	tags := tiff[at+2:]
	for range order.Uint16(tiff[at:]) {
		if len(tags) < 12 {
			return 1
		}
		if order.Uint16(tags) == 0x0112 {
			if n := int(order.Uint16(tags[8:])); n >= 1 && n <= 8 {
				return n
			}
			return 1
		}
		tags = tags[12:]
	}
	return 1
}
