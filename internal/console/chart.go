package console

import (
	"fmt"
	"strconv"
)

// numbers are what a picture is drawn of: groups of numbers, one of each series.
type numbers struct {
	Of      string   // what the groups are
	Series  []string // their names
	Groups  []group
	Upright bool  // it is drawn in columns, and not in rows
	Most    int64 // up to how many are counted; 0: all are
}

// A group is a column or a row.
type group struct {
	Label string
	N     []int64
}

// Sum is that of the group.
func (g group) Sum() int64 { return sum(g.N) }

func sum(all []int64) (n int64) {
	for _, one := range all {
		n += one
	}
	return n
}

// A chart is numbers with their drawing.
type chart struct {
	numbers
	Total         int64
	Width, Height int
	Bars          []bar
	Texts         []label
	Lines         []stroke
}

// A bar is a rectangle of a series.
type bar struct {
	X, Y, W, H string
	Series     int
	Title      string
}

// A label is a text in the drawing, a stroke a line of its scale.
type label struct {
	X, Y   string
	Anchor string // start, middle, end
	Text   string
}

type stroke struct{ X1, Y1, X2, Y2 string }

// The sizes of a drawing, in the units of its own.
const (
	width  = 720
	height = 220 // of columns
	foot   = 24  // under columns
	side   = 48  // left of columns, for the scale
	thick  = 26  // of a row
	names  = 220 // left of rows
)

// draw makes the drawing of numbers.
func draw(n numbers) chart {
	c := chart{numbers: n, Width: width}
	top := int64(0)
	for _, g := range n.Groups {
		c.Total += g.Sum()
		top = max(top, g.Sum())
	}
	top = round(top)
	if n.Upright {
		c.columns(top)
	} else {
		c.rows(top)
	}
	return c
}

// round returns a number at which a scale may end: 1, 2 or 5 with zeros, at least 1.
func round(n int64) int64 {
	for unit := int64(1); ; unit *= 10 {
		for _, times := range []int64{1, 2, 5} {
			if times*unit >= n {
				return times * unit
			}
		}
	}
}

// at writes a coordinate.
func at(x float64) string { return strconv.FormatFloat(x, 'f', 1, 64) }

func (c *chart) columns(top int64) {
	c.Height = height + foot
	up := func(n int64) float64 { return height - float64(n)/float64(top)*(height-16) }
	for _, n := range scale(top) {
		c.Lines = append(c.Lines, stroke{at(side), at(up(n)), at(width), at(up(n))})
		c.Texts = append(c.Texts, label{at(side - 6), at(up(n) + 4), "end", strconv.FormatInt(n, 10)})
	}
	each := float64(width-side) / float64(max(len(c.Groups), 1))
	for i, g := range c.Groups {
		x, from := side+float64(i)*each, int64(0)
		for s, n := range g.N {
			if n == 0 {
				continue
			}
			y := up(from + n)
			c.Bars = append(c.Bars, bar{at(x + each/8), at(y), at(each * 3 / 4), at(up(from) - y), s, c.title(g, s)})
			from += n
		}
	}
	for _, i := range edges(len(c.Groups)) {
		anchor := map[int]string{0: "start", len(c.Groups) - 1: "end"}[i]
		x := side + (float64(i)+.5)*each
		switch anchor {
		case "start":
			x = side
		case "end":
			x = width
		default:
			anchor = "middle"
		}
		c.Texts = append(c.Texts, label{at(x), at(height + foot - 6), anchor, c.Groups[i].Label})
	}
}

// scale are the numbers at which a scale has a line.
func scale(top int64) []int64 {
	if top%2 != 0 {
		return []int64{0, top}
	}
	return []int64{0, top / 2, top}
}

// edges are the groups that are named under columns: the first, the middle and the last.
func edges(n int) []int {
	switch {
	case n == 0:
		return nil
	case n < 3:
		return []int{0}
	}
	return []int{0, n / 2, n - 1}
}

func (c *chart) rows(top int64) {
	c.Height = len(c.Groups)*thick + 8
	wide := float64(width - names - 56)
	for i, g := range c.Groups {
		y, from := float64(i*thick+4), int64(0)
		c.Texts = append(c.Texts, label{at(names - 8), at(y + 15), "end", shorten(g.Label)})
		for s, n := range g.N {
			if n == 0 {
				continue
			}
			x := names + float64(from)/float64(top)*wide
			c.Bars = append(c.Bars, bar{at(x), at(y), at(float64(n) / float64(top) * wide), at(thick - 8), s, c.title(g, s)})
			from += n
		}
		c.Texts = append(c.Texts, label{at(names + float64(from)/float64(top)*wide + 6), at(y + 15), "start", strconv.FormatInt(from, 10)})
	}
}

// shorten keeps a name within its place; the table has all of it.
func shorten(s string) string {
	width := 0
	for i, r := range s {
		if width++; r > 0x2e80 {
			width++ // as wide as two letters
		}
		if width > 30 {
			return s[:i] + "…"
		}
	}
	return s
}

// title is what a bar says.
func (c *chart) title(g group, series int) string {
	return fmt.Sprintf("%s · %s · %d", g.Label, c.Series[series], g.N[series])
}
