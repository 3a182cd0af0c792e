package watermark

import (
	"bytes"
	"compress/gzip"
	_ "embed" // the font
	"fmt"
	"image"
	"image/draw"
	"io"
	"math"
	"sync"
	"unicode"

	"golang.org/x/image/font"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
	"golang.org/x/image/vector"
)

// packed is a part of Noto Sans CJK SC: see font/README.md.
//
//go:embed font/sans.otf.gz
var packed []byte

// letterforms returns the font. It is unpacked when the first value is shown.
var letterforms = sync.OnceValues(func() (*sfnt.Font, error) {
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	return sfnt.Parse(text)
})

// A pen writes in one size. Whatever the font lacks is written as its code point in
// brackets: a letter that is left out would be a wrong value.
type pen struct {
	font *sfnt.Font
	buf  sfnt.Buffer
	size fixed.Int26_6
	mask vector.Rasterizer
}

func newPen(size float64) (*pen, error) {
	f, err := letterforms()
	if err != nil {
		return nil, fmt.Errorf("watermark: the font: %w", err)
	}
	return &pen{font: f, size: fixed.Int26_6(size * 64)}, nil
}

// spell returns the letters by which a text is written. What has no width has no letter.
func (p *pen) spell(text string) (out []sfnt.GlyphIndex, widths []float64, err error) {
	add := func(r rune) error {
		g, err := p.font.GlyphIndex(&p.buf, r)
		if err != nil {
			return err
		}
		w, err := p.font.GlyphAdvance(&p.buf, g, p.size, font.HintingNone)
		out, widths = append(out, g), append(widths, float64(w)/64)
		return err
	}
	for _, r := range text {
		if r == '\t' {
			r = '\u3000'
		}
		g, err := p.font.GlyphIndex(&p.buf, r)
		if err != nil {
			return nil, nil, err
		}
		switch {
		case g != 0:
			err = add(r)
		case unicode.Is(unicode.Variation_Selector, r) || r == '\u200d' || r == '\u200c' || r == '\ufeff':
		default:
			for _, r := range fmt.Sprintf("[U+%04X]", r) {
				if err = add(r); err != nil {
					break
				}
			}
		}
		if err != nil {
			return nil, nil, err
		}
	}
	return out, widths, nil
}

// A turn places letters: along a line that is turned, from a point of the picture.
type turn struct{ x, y, cos, sin float64 }

func level(x, y float64) turn { return turn{x, y, 1, 0} }

// write writes letters from a point on, in a shade, on the paper.
func (p *pen) write(on *image.Gray, letters []sfnt.GlyphIndex, widths []float64, at turn, ink shade) error {
	along := 0.0
	for i, g := range letters {
		if err := p.letter(on, g, turn{at.x + along*at.cos, at.y + along*at.sin, at.cos, at.sin}, ink); err != nil {
			return err
		}
		along += widths[i]
	}
	return nil
}

// A shade is a grey, and how much of it covers what lies below.
type shade struct{ grey, cover float64 }

func (s shade) on(below uint8, part float64) uint8 {
	c := s.cover * part
	return uint8(math.Round(float64(below)*(1-c) + s.grey*c))
}

// letter draws one letter.
func (p *pen) letter(on *image.Gray, g sfnt.GlyphIndex, at turn, ink shade) error {
	outline, err := p.font.LoadGlyph(&p.buf, g, p.size, nil)
	if err != nil {
		return err
	}
	if len(outline) == 0 {
		return nil
	}
	place := func(q fixed.Point26_6) (x, y float64) {
		px, py := float64(q.X)/64, float64(q.Y)/64
		return at.x + px*at.cos - py*at.sin, at.y + px*at.sin + py*at.cos
	}
	left, top, right, bottom := math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)
	for _, s := range outline {
		for _, q := range s.Args[:points(s.Op)] {
			x, y := place(q)
			left, top, right, bottom = min(left, x), min(top, y), max(right, x), max(bottom, y)
		}
	}
	box := image.Rect(int(math.Floor(left)), int(math.Floor(top)), int(math.Ceil(right))+1, int(math.Ceil(bottom))+1)
	if !box.Overlaps(on.Rect) {
		return nil
	}
	p.mask.Reset(box.Dx(), box.Dy())
	p.mask.DrawOp = draw.Src
	to := func(q fixed.Point26_6) (float32, float32) {
		x, y := place(q)
		return float32(x - float64(box.Min.X)), float32(y - float64(box.Min.Y))
	}
	for _, s := range outline {
		ax, ay := to(s.Args[0])
		switch s.Op {
		case sfnt.SegmentOpMoveTo:
			p.mask.ClosePath()
			p.mask.MoveTo(ax, ay)
		case sfnt.SegmentOpLineTo:
			p.mask.LineTo(ax, ay)
		case sfnt.SegmentOpQuadTo:
			bx, by := to(s.Args[1])
			p.mask.QuadTo(ax, ay, bx, by)
		case sfnt.SegmentOpCubeTo:
			bx, by := to(s.Args[1])
			cx, cy := to(s.Args[2])
			p.mask.CubeTo(ax, ay, bx, by, cx, cy)
		}
	}
	p.mask.ClosePath()
	ink.stamp(on, box, &p.mask)
	return nil
}

// stamp lays what a mask covers on the paper.
func (s shade) stamp(on *image.Gray, box image.Rectangle, mask *vector.Rasterizer) {
	covered := image.NewAlpha(image.Rect(0, 0, box.Dx(), box.Dy()))
	mask.Draw(covered, covered.Rect, image.Opaque, image.Point{})
	in := box.Intersect(on.Rect)
	for y := in.Min.Y; y < in.Max.Y; y++ {
		for x := in.Min.X; x < in.Max.X; x++ {
			if a := covered.AlphaAt(x-box.Min.X, y-box.Min.Y).A; a > 0 {
				i := on.PixOffset(x, y)
				on.Pix[i] = s.on(on.Pix[i], float64(a)/255)
			}
		}
	}
}

func points(op sfnt.SegmentOp) int {
	switch op {
	case sfnt.SegmentOpQuadTo:
		return 2
	case sfnt.SegmentOpCubeTo:
		return 3
	}
	return 1
}
