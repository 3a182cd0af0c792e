package console

import (
	"fmt"
	"strconv"
)

// chartNumbers are what a picture is drawn of: groups of numbers, one of each series.
type chartNumbers struct {
	Of      string   // what the groups are
	Series  []string // their names
	Groups  []chartGroup
	Upright bool  // it is drawn in columns, and not in rows
	Most    int64 // up to how many are counted; 0: all are
}

// A chartGroup is a column or a row.
type chartGroup struct {
	Label string
	N     []int64
}

// Sum is that of the group.
func (g chartGroup) Sum() int64 { return sum(g.N) }

func sum(all []int64) (n int64) {
	for _, one := range all {
		n += one
	}
	return n
}

// A chart is numbers with their drawing.
type chart struct {
	chartNumbers
	Total         int64
	Width, Height int
	Bars          []chartBar
	Texts         []chartText
	Lines         []chartLine
}

// A chartBar is a rectangle of a series.
type chartBar struct {
	X, Y, W, H string
	Series     int
	Title      string
}

// A chartText is a text in the drawing, a chartLine a line of its scale.
type chartText struct {
	X, Y   string
	Anchor string // start, middle, end
	Text   string
}

type chartLine struct{ X1, Y1, X2, Y2 string }

// The sizes of a drawing, in the units of its own.
const (
	chartWidth  = 720
	chartHeight = 220 // of columns
	chartFoot   = 24  // under columns
	chartSide   = 48  // left of columns, for the scale
	rowThick    = 26  // of a row
	rowNames    = 220 // left of rows
	mostRows    = 20  // are drawn: the table has all
)

// draw makes the drawing of numbers.
func draw(n chartNumbers) chart {
	c := chart{chartNumbers: n, Width: chartWidth}
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
	for unit := int64(1); unit < 1e17; unit *= 10 {
		for _, times := range []int64{1, 2, 5} {
			if times*unit >= n {
				return times * unit
			}
		}
	}
	return n
}

// at writes a coordinate.
func at(x float64) string { return strconv.FormatFloat(x, 'f', 1, 64) }

func (c *chart) columns(top int64) {
	c.Height = chartHeight + chartFoot
	up := func(n int64) float64 { return chartHeight - float64(n)/float64(top)*(chartHeight-16) }
	for _, n := range scale(top) {
		c.Lines = append(c.Lines, chartLine{at(chartSide), at(up(n)), at(chartWidth), at(up(n))})
		c.Texts = append(c.Texts, chartText{at(chartSide - 6), at(up(n) + 4), "end", strconv.FormatInt(n, 10)})
	}
	each := float64(chartWidth-chartSide) / float64(max(len(c.Groups), 1))
	for i, g := range c.Groups {
		x, from := chartSide+float64(i)*each, int64(0)
		for s, n := range g.N {
			if n == 0 {
				continue
			}
			y := up(from + n)
			c.Bars = append(c.Bars, chartBar{at(x + each/8), at(y), at(each * 3 / 4), at(up(from) - y), s, c.title(g, s)})
			from += n
		}
	}
	for _, i := range edges(len(c.Groups)) {
		anchor := map[int]string{0: "start", len(c.Groups) - 1: "end"}[i]
		x := chartSide + (float64(i)+.5)*each
		switch anchor {
		case "start":
			x = chartSide
		case "end":
			x = chartWidth
		default:
			anchor = "middle"
		}
		c.Texts = append(c.Texts, chartText{at(x), at(chartHeight + chartFoot - 6), anchor, c.Groups[i].Label})
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
	drawn := c.Groups[:min(len(c.Groups), mostRows)]
	c.Height = len(drawn)*rowThick + 8
	wide := float64(chartWidth - rowNames - 56)
	for i, g := range drawn {
		y, from := float64(i*rowThick+4), int64(0)
		c.Texts = append(c.Texts, chartText{at(rowNames - 8), at(y + 15), "end", shorten(g.Label)})
		for s, n := range g.N {
			if n == 0 {
				continue
			}
			x := rowNames + float64(from)/float64(top)*wide
			c.Bars = append(c.Bars, chartBar{at(x), at(y), at(float64(n) / float64(top) * wide), at(rowThick - 8), s, c.title(g, s)})
			from += n
		}
		c.Texts = append(c.Texts, chartText{at(rowNames + float64(from)/float64(top)*wide + 6), at(y + 15), "start", strconv.FormatInt(from, 10)})
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
func (c *chart) title(g chartGroup, series int) string {
	return fmt.Sprintf("%s · %s · %d", g.Label, c.Series[series], g.N[series])
}
