package browsertest

import (
	"bytes"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"slices"
)

// fewerColors writes a PNG again with 256 colours at most. A page is letters on
// paper: that takes a third of the bytes, and nobody sees it.
func fewerColors(b []byte) ([]byte, error) {
	from, err := png.Decode(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	picture := image.NewRGBA(from.Bounds())
	draw.Draw(picture, picture.Bounds(), from, from.Bounds().Min, draw.Src)
	small := image.NewPaletted(picture.Bounds(), nil)
	var place [kinds]uint8
	small.Palette, place = palette(picture)
	for i := range small.Pix {
		small.Pix[i] = place[kind(picture.Pix[4*i:])]
	}
	var out bytes.Buffer
	err = (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&out, small)
	return out.Bytes(), err
}

// kinds is how many kinds of colour there are: those of a kind differ in the
// last bits only.
const kinds = 1 << 15

func kind(p []uint8) int { return int(p[0]>>3)<<10 | int(p[1]>>3)<<5 | int(p[2]>>3) }

// palette returns the colours that the picture has most of, and which of them
// stands for each kind.
func palette(picture *image.RGBA) (all color.Palette, place [kinds]uint8) {
	var count [kinds]int
	var sum [kinds][3]int
	for i := 0; i < len(picture.Pix); i += 4 {
		k := kind(picture.Pix[i:])
		count[k]++
		for c := range 3 {
			sum[k][c] += int(picture.Pix[i+c])
		}
	}
	var most []int
	for k := range kinds {
		if count[k] > 0 {
			most = append(most, k)
		}
	}
	slices.SortStableFunc(most, func(a, b int) int { return count[b] - count[a] })
	for i, k := range most {
		c := color.RGBA{uint8(sum[k][0] / count[k]), uint8(sum[k][1] / count[k]), uint8(sum[k][2] / count[k]), 255}
		if i < 256 {
			place[k] = uint8(i)
			all = append(all, c)
		} else {
			place[k] = uint8(all.Index(c))
		}
	}
	return all, place
}
