package watermark

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"math"
	"strings"

	"golang.org/x/image/font/sfnt"

	"wardkeep/internal/base/pii"
)

// A Card is one value as somebody sees it.
type Card struct {
	Label   string // what the value is
	Value   pii.Text
	Note    string             // said below it; may be empty
	Rest    func(n int) string // says that so many letters of a long value aren't shown
	Visible string             // who looks, when, and by which request: over the value, again and again
	Mark    Mark               // the same, in dots
}

// Width is that of every picture, in pixels. A page shows it in half of that.
const Width = 1280

// MaxLetters is how much of a value is drawn.
const MaxLetters = 4000

// The picture, in its pixels.
const (
	pitch        = 16 // from dot to dot
	small, large = 2.1, 3.5
	margin       = 64
	labelSize    = 28
	valueSize    = 48
	longSize     = 36 // of a value that is long
	long         = 200
	lineHeight   = 1.5
	above, below = 88, 96 // free of the value, so that whole tiles stay whole
	wordsSize    = 27
	wordsApart   = 104 // from line to line of the visible words
	minHeight    = 24 * pitch
	paper        = 255
	turned       = -20.0 // degrees of the visible words
)

var (
	dots  = shade{150, 0.56}
	ink   = shade{0, 1}
	soft  = shade{72, 1}
	words = shade{0, 0.105}
)

// Draw returns the card as PNG. Errors: of a card that doesn't say who looks.
func Draw(c Card) ([]byte, error) {
	if strings.TrimSpace(c.Visible) == "" {
		return nil, errVisible
	}
	dotted, err := c.Mark.code()
	if err != nil {
		return nil, err
	}
	text, size := []rune(c.Value.Reveal()), float64(valueSize)
	if len(text) > long {
		size = longSize
	}
	if rest := len(text) - MaxLetters; rest > 0 {
		text, c.Note = text[:MaxLetters], c.Rest(rest)
	}
	label, err := newPen(labelSize)
	if err != nil {
		return nil, err
	}
	value, err := newPen(size)
	if err != nil {
		return nil, err
	}
	lines, err := value.wrap(string(text), Width-2*margin)
	if err != nil {
		return nil, err
	}
	height := max(minHeight, int(above+below+float64(len(lines))*size*lineHeight)+labelSize)
	height = (height + pitch - 1) / pitch * pitch
	on := image.NewGray(image.Rect(0, 0, Width, height))
	for i := range on.Pix {
		on.Pix[i] = paper
	}
	dotted.draw(on)
	if err := overlay(on, c.Visible, words); err != nil {
		return nil, err
	}
	letters, widths, err := label.spell(c.Label)
	if err == nil {
		err = label.write(on, letters, widths, level(margin, 56), soft)
	}
	if err == nil && c.Note != "" {
		if letters, widths, err = label.spell(c.Note); err == nil {
			err = label.write(on, letters, widths, level(margin, float64(height-32)), soft)
		}
	}
	y := above + size
	for _, l := range lines {
		if err == nil {
			err = value.write(on, l.letters, l.widths, level(margin, y), ink)
		}
		y += size * lineHeight
	}
	if err != nil {
		return nil, err
	}
	return encode(on)
}

// A line is one of a value.
type line struct {
	letters []sfnt.GlyphIndex
	widths  []float64
}

// wrap breaks a text into lines that fit. Chinese breaks anywhere, and so does this: a
// value has no word that may not be cut.
func (p *pen) wrap(text string, width float64) (all []line, err error) {
	text = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text)
	for part := range strings.SplitSeq(text, "\n") {
		letters, widths, err := p.spell(part)
		if err != nil {
			return nil, err
		}
		var l line
		along := 0.0
		for i, g := range letters {
			if along+widths[i] > width && len(l.letters) > 0 {
				all, l, along = append(all, l), line{}, 0
			}
			l.letters, l.widths = append(l.letters, g), append(l.widths, widths[i])
			along += widths[i]
		}
		all = append(all, l)
	}
	return all, nil
}

// draw covers the paper with the dots of a code, tile by tile.
func (c code) draw(on *image.Gray) {
	for j := 0; j*pitch < on.Rect.Dy(); j++ {
		for i := 0; i*pitch < on.Rect.Dx(); i++ {
			r := small
			if c[i%across+j%down*across] {
				r = large
			}
			dot(on, float64(i*pitch)+pitch/2, float64(j*pitch)+pitch/2, r)
		}
	}
}

// dot draws a disc with a soft edge.
func dot(on *image.Gray, cx, cy, r float64) {
	for y := int(cy - r - 1); y <= int(cy+r+1); y++ {
		for x := int(cx - r - 1); x <= int(cx+r+1); x++ {
			if !(image.Point{X: x, Y: y}).In(on.Rect) {
				continue
			}
			part := min(1, max(0, r+0.5-math.Hypot(float64(x)+0.5-cx, float64(y)+0.5-cy)))
			i := on.PixOffset(x, y)
			on.Pix[i] = dots.on(on.Pix[i], part)
		}
	}
}

// overlay writes the visible words over the whole paper, aslant, so that no part that
// shows a letter is without some of them.
func overlay(on *image.Gray, text string, in shade) error {
	p, err := newPen(wordsSize)
	if err != nil {
		return err
	}
	letters, widths, err := p.spell(text)
	if err != nil {
		return err
	}
	whole := 0.0
	for _, w := range widths {
		whole += w
	}
	if whole == 0 {
		return errVisible
	}
	whole += 2 * wordsSize
	sin, cos := math.Sincos(turned * math.Pi / 180)
	// The lines of words run along (cos, sin); they are told apart along (-sin, cos).
	w, h := float64(on.Rect.Dx()), float64(on.Rect.Dy())
	first, last := 0.0, w*-sin+h*cos
	for n, across := 0, first-wordsApart; across < last+wordsApart; n, across = n+1, across+wordsApart {
		start := h*sin - whole + float64(n%3)*whole/3
		for along := start; along < w*cos+whole; along += whole {
			at := turn{along*cos - across*sin, along*sin + across*cos, cos, sin}
			if err := p.write(on, letters, widths, at, in); err != nil {
				return err
			}
		}
	}
	return nil
}

// encode writes the picture, with warm paper and green ink instead of grey.
func encode(on *image.Gray) ([]byte, error) {
	tones := make(color.Palette, 256)
	for i := range tones {
		t := float64(i) / 255
		mix := func(ink, paper float64) uint8 { return uint8(math.Round(ink + (paper-ink)*t)) }
		tones[i] = color.RGBA{mix(0x1c, 0xff), mix(0x2a, 0xfd), mix(0x24, 0xf9), 255}
	}
	out := &image.Paletted{Pix: on.Pix, Stride: on.Stride, Rect: on.Rect, Palette: tones}
	var b bytes.Buffer
	err := (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(&b, out)
	return b.Bytes(), err
}
