package watermark

import (
	"image"
	"image/color"
	_ "image/jpeg" // what a camera writes
	_ "image/png"
	"io"
	"math"
	"slices"
)

// maxPixels bounds the memory that a picture takes: a quarter of a gigabyte for each copy.
const maxPixels = 60_000_000

// Read returns the mark in a photo, or in a copy, of a picture that Draw has made: whole
// or a part of it, scaled, turned, aslant, in poor light; or in a text that Sheet has made,
// and in each of its lines. Errors: ErrPicture, ErrLarge, ErrNone.
func Read(r io.ReadSeeker) (Mark, error) {
	size, _, err := image.DecodeConfig(r)
	if err != nil {
		return readText(r)
	}
	if size.Width*size.Height > maxPixels {
		return Mark{}, ErrLarge
	}
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return Mark{}, err
	}
	img, _, err := image.Decode(r)
	if err != nil {
		return Mark{}, ErrPicture
	}
	p := newPlane(img)
	// A dot has to have some pixels, and not too many.
	for _, scale := range []float64{1, 0.5, 2, 0.25, 0.7, 1.4, 0.35} {
		if float64(p.w)*scale > 6000 || float64(p.h)*scale > 6000 || float64(min(p.w, p.h))*scale < 48 {
			continue
		}
		if m, ok := p.scaled(scale).read(); ok {
			return m, nil
		}
	}
	return Mark{}, ErrNone
}

// readText looks for a mark in what is no picture.
func readText(r io.ReadSeeker) (Mark, error) {
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return Mark{}, err
	}
	text, err := io.ReadAll(io.LimitReader(r, maxSheet+1))
	switch {
	case err != nil:
		return Mark{}, err
	case len(text) > maxSheet:
		return Mark{}, ErrLarge
	}
	if m, ok := readSheet(text); ok {
		return m, nil
	}
	return Mark{}, ErrPicture
}

// A plane is the brightness of a picture. Nobody but its reader has it, so what works on each of its
// pixels isn't watched by the race detector, under which it would take ten times as long.
type plane struct {
	w, h int
	v    []float32
}

//go:norace
func newPlane(img image.Image) plane {
	b := img.Bounds()
	p := plane{b.Dx(), b.Dy(), make([]float32, b.Dx()*b.Dy())}
	light := func(x, y int) float32 { return brightness(img.At(x, y)) }
	switch img := img.(type) { // what cameras and screens write, without a detour
	case *image.YCbCr:
		light = func(x, y int) float32 { return float32(img.Y[img.YOffset(x, y)]) }
	case *image.Gray:
		light = func(x, y int) float32 { return float32(img.Pix[img.PixOffset(x, y)]) }
	case *image.Paletted:
		var of [256]float32
		for i, c := range img.Palette {
			of[i] = brightness(c)
		}
		light = func(x, y int) float32 { return of[img.Pix[img.PixOffset(x, y)]] }
	}
	for y := range p.h {
		for x := range p.w {
			p.v[y*p.w+x] = light(b.Min.X+x, b.Min.Y+y)
		}
	}
	return p
}

// brightness is that of a colour, from 0 to 255.
//
//go:norace
func brightness(c color.Color) float32 {
	r, g, b, _ := c.RGBA()
	return float32(0.299*float64(r)+0.587*float64(g)+0.114*float64(b)) / 257
}

// at returns the brightness between pixels.
//
//go:norace
func (p plane) at(x, y float64) float32 {
	x, y = min(max(x, 0), float64(p.w-1)), min(max(y, 0), float64(p.h-1))
	ix, iy := min(int(x), max(p.w-2, 0)), min(int(y), max(p.h-2, 0))
	fx, fy := float32(x-float64(ix)), float32(y-float64(iy))
	i := iy*p.w + ix
	right, down := min(1, p.w-1), min(1, p.h-1)*p.w
	return (p.v[i]*(1-fx)+p.v[i+right]*fx)*(1-fy) + (p.v[i+down]*(1-fx)+p.v[i+down+right]*fx)*fy
}

//go:norace
func (p plane) scaled(by float64) plane {
	if by == 1 {
		return p
	}
	from := p
	if by < 1 {
		from = p.blurred(0.4 / by)
	}
	out := plane{w: int(float64(p.w) * by), h: int(float64(p.h) * by)}
	out.v = make([]float32, out.w*out.h)
	for y := range out.h {
		for x := range out.w {
			out.v[y*out.w+x] = from.at((float64(x)+0.5)/by-0.5, (float64(y)+0.5)/by-0.5)
		}
	}
	return out
}

// blurred returns the plane with each pixel spread as a bell of that width: three boxes
// come close to it, at a price that doesn't grow with the width.
func (p plane) blurred(sigma float64) plane {
	out := plane{p.w, p.h, slices.Clone(p.v)}
	r := max(1, int(math.Round(math.Sqrt(sigma*sigma*4+1)/2-0.5)))
	row := make([]float32, max(p.w, p.h))
	for range 3 {
		for y := range p.h {
			box(out.v[y*p.w:], 1, p.w, r, row)
		}
		for x := range p.w {
			box(out.v[x:], p.w, p.h, r, row)
		}
	}
	return out
}

// box replaces n values, step apart, by the means of those up to r away.
//
//go:norace
func box(v []float32, step, n, r int, row []float32) {
	for i := range n {
		row[i] = v[i*step]
	}
	sum := float32(0)
	for i := -r; i <= r; i++ {
		sum += row[min(max(i, 0), n-1)]
	}
	each := 1 / float32(2*r+1)
	for i := range n {
		v[i*step] = sum * each
		sum += row[min(i+r+1, n-1)] - row[max(i-r, 0)]
	}
}

// A spot is what may be a dot: where it is, and how much darker than what is around it.
type spot struct{ x, y, dark float64 }

// read looks for dots that are a few pixels wide, for lattices of them, and for a code
// in each.
func (p plane) read() (Mark, bool) {
	for _, sigma := range []float64{1.2, 2.2} {
		all := newField(p.spots(sigma), p.w, p.h)
		tried := make(map[int]bool)
		for range 6 {
			l := all.largest(tried)
			if l == nil {
				break
			}
			if m, ok := l.read(); ok {
				return m, true
			}
		}
	}
	return Mark{}, false
}

// spots finds what is darker than its surroundings, and as wide as sigma.
//
//go:norace
func (p plane) spots(sigma float64) []spot {
	fine, coarse := p.blurred(sigma), p.blurred(sigma*2.2)
	d := make([]float32, len(p.v))
	sample := make([]float32, 0, 4096)
	for i := range d {
		d[i] = coarse.v[i] - fine.v[i]
		if i%(len(d)/4096+1) == 0 {
			sample = append(sample, max(d[i], -d[i]))
		}
	}
	slices.Sort(sample)
	least := max(0.4, sample[len(sample)/2]*0.8)
	var all []spot
	for y := 1; y < p.h-1; y++ {
		for x := 1; x < p.w-1; x++ {
			i := y*p.w + x
			v := d[i]
			if v < least || v < d[i-1] || v <= d[i+1] || v < d[i-p.w] || v <= d[i+p.w] ||
				v < d[i-p.w-1] || v < d[i-p.w+1] || v <= d[i+p.w-1] || v <= d[i+p.w+1] {
				continue
			}
			top := func(a, b, c float32) float64 {
				if bend := a - 2*b + c; bend < 0 {
					return float64((a - c) / (2 * bend))
				}
				return 0
			}
			all = append(all, spot{float64(x) + top(d[i-1], v, d[i+1]), float64(y) + top(d[i-p.w], v, d[i+p.w]), float64(v)})
		}
	}
	return all
}

// A field finds spots by where they are: in cells of some pixels.
type field struct {
	spots []spot
	w, h  int // cells
	at    [][]int
}

const cell = 12

func newField(spots []spot, w, h int) *field {
	f := &field{spots: spots, w: w/cell + 1, h: h/cell + 1}
	f.at = make([][]int, f.w*f.h)
	for i, s := range spots {
		x, y := f.cellOf(s.x, s.y)
		f.at[y*f.w+x] = append(f.at[y*f.w+x], i)
	}
	return f
}

// cellOf returns the cell of a point, or the nearest to it.
func (f *field) cellOf(x, y float64) (cx, cy int) {
	return min(max(int(x)/cell, 0), f.w-1), min(max(int(y)/cell, 0), f.h-1)
}

// near returns the spot that is nearest to a point, within some distance; -1: none.
//
//go:norace
func (f *field) near(x, y, within float64) int {
	best, least := -1, within*within
	left, top := f.cellOf(x-within, y-within)
	right, bottom := f.cellOf(x+within, y+within)
	for cy := top; cy <= bottom; cy++ {
		for cx := left; cx <= right; cx++ {
			for _, i := range f.at[cy*f.w+cx] {
				s := f.spots[i]
				if d := (s.x-x)*(s.x-x) + (s.y-y)*(s.y-y); d < least {
					best, least = i, d
				}
			}
		}
	}
	return best
}

// A vec leads from one dot to the next.
type vec struct{ x, y float64 }

func (a vec) len() float64             { return math.Hypot(a.x, a.y) }
func (a vec) mix(b vec, t float64) vec { return vec{a.x + (b.x-a.x)*t, a.y + (b.y-a.y)*t} }

// basis returns the two ways from a spot to its neighbours in a lattice, and how many of
// the 12 next places have a spot.
func (f *field) basis(i int) (u, v vec, found int) {
	s := f.spots[i]
	type neighbour struct {
		vec
		d float64
	}
	var all []neighbour
	const reach = 44
	left, top := f.cellOf(s.x-reach, s.y-reach)
	right, bottom := f.cellOf(s.x+reach, s.y+reach)
	for cy := top; cy <= bottom; cy++ {
		for cx := left; cx <= right; cx++ {
			for _, j := range f.at[cy*f.w+cx] {
				n := vec{f.spots[j].x - s.x, f.spots[j].y - s.y}
				if d := n.len(); j != i && d > 3 && d < reach {
					all = append(all, neighbour{n, d})
				}
			}
		}
	}
	slices.SortFunc(all, func(a, b neighbour) int {
		if a.d < b.d {
			return -1
		}
		return 1
	})
	all = all[:min(len(all), 6)]
	for _, a := range all {
		for _, b := range all {
			if cross := a.x*b.y - a.y*b.x; cross < 0.75*a.d*b.d || max(a.d, b.d) > 1.35*min(a.d, b.d) {
				continue
			}
			n, within := 0, 0.16*min(a.d, b.d)
			for dy := -1.0; dy <= 1; dy++ {
				for dx := -1.0; dx <= 1; dx++ {
					if (dx != 0 || dy != 0) && f.near(s.x+dx*a.x+dy*b.x, s.y+dx*a.y+dy*b.y, within) >= 0 {
						n++
					}
				}
			}
			for _, d := range [][2]float64{{2, 0}, {-2, 0}, {0, 2}, {0, -2}} {
				if f.near(s.x+d[0]*a.x+d[1]*b.x, s.y+d[0]*a.y+d[1]*b.y, 1.5*within) >= 0 {
					n++
				}
			}
			if n > found {
				u, v, found = a.vec, b.vec, n
			}
		}
	}
	return u, v, found
}

// A place is a dot's in a lattice.
type place struct{ i, j int }

// A lattice is what grows from a dot to its neighbours. Each step learns the way from the
// last one, so a picture that is aslant, or bent by a lens, is followed.
type lattice struct{ dark map[place]float64 }

// largest returns a lattice of what wasn't tried, the largest of some, or nil.
func (f *field) largest(tried map[int]bool) (best *lattice) {
	step := max(1, len(f.spots)/400)
	for i := step / 2; i < len(f.spots); i += step {
		if tried[i] {
			continue
		}
		u, v, found := f.basis(i)
		if found < 9 {
			continue
		}
		l, in := f.grow(i, u, v)
		for _, k := range in {
			tried[k] = true
		}
		if best == nil || len(l.dark) > len(best.dark) {
			best = l
		}
		if len(l.dark) > len(f.spots)/2 {
			break
		}
	}
	if best == nil || len(best.dark) < tile {
		return nil
	}
	return best
}

// A step is a place of a lattice that was reached.
type step struct {
	place
	x, y  float64
	u, v  vec
	blind int // how many places there were no spots at
}

const maxBlind = 4

func (f *field) grow(from int, u, v vec) (*lattice, []int) {
	s := f.spots[from]
	l := &lattice{map[place]float64{{}: s.dark}}
	seen, taken := map[place]bool{{}: true}, make([]bool, len(f.spots))
	taken[from] = true
	in := []int{from}
	// Who has seen its neighbours goes first: what is guessed is reached from all sides.
	queues := make([][]step, maxBlind+1)
	queues[0] = []step{{place{}, s.x, s.y, u, v, 0}}
	for {
		q := slices.IndexFunc(queues, func(q []step) bool { return len(q) > 0 })
		if q < 0 {
			return l, in
		}
		at := queues[q][0]
		queues[q] = queues[q][1:]
		for _, d := range []place{{1, 0}, {-1, 0}, {0, 1}, {0, -1}} {
			next := place{at.i + d.i, at.j + d.j}
			if seen[next] || len(seen) > 200_000 {
				continue
			}
			di, dj := float64(d.i), float64(d.j)
			x, y := at.x+di*at.u.x+dj*at.v.x, at.y+di*at.u.y+dj*at.v.y
			within := 0.22 * min(at.u.len(), at.v.len())
			k := f.near(x, y, within)
			if k >= 0 && taken[k] {
				k = -1
			}
			to := step{next, x, y, at.u, at.v, at.blind + 1}
			if k >= 0 {
				found := f.spots[k]
				to.x, to.y, to.blind = found.x, found.y, 0
				way := vec{di * (found.x - at.x), di * (found.y - at.y)}
				if d.i != 0 {
					to.u = at.u.mix(way, 0.2)
				} else {
					way = vec{dj * (found.x - at.x), dj * (found.y - at.y)}
					to.v = at.v.mix(way, 0.2)
				}
				taken[k] = true
				in = append(in, k)
				l.dark[next] = found.dark
			} else if to.blind > maxBlind {
				continue
			}
			seen[next] = true
			queues[to.blind] = append(queues[to.blind], to)
		}
	}
}

// soft returns what each dot says, from -1, a small one, to 1, a large one, compared with
// those around it: light and paper differ from here to there.
func (l *lattice) soft() map[place]float64 {
	const reach = 6
	left, top, right, bottom := 0, 0, 0, 0
	for p := range l.dark {
		left, top, right, bottom = min(left, p.i), min(top, p.j), max(right, p.i), max(bottom, p.j)
	}
	left, top, right, bottom = left-reach, top-reach, right+reach, bottom+reach
	wide := right - left + 1
	all := make([]float64, wide*(bottom-top+1)) // 0: there is none
	for p, d := range l.dark {
		all[(p.j-top)*wide+p.i-left] = d
	}
	out := make(map[place]float64, len(l.dark))
	around := make([]float64, 0, (2*reach+1)*(2*reach+1))
	for p, d := range l.dark {
		around = around[:0]
		for j := -reach; j <= reach; j++ {
			for i := -reach; i <= reach; i++ {
				if o := all[(p.j+j-top)*wide+p.i-left+i]; o > 0 {
					around = append(around, o)
				}
			}
		}
		if len(around) < 24 {
			continue
		}
		slices.Sort(around)
		few, many := around[len(around)/5], around[len(around)*4/5]
		if many <= few || d > 3*many {
			continue // the text, and no dot
		}
		out[p] = min(1, max(-1, (d-(few+many)/2)/((many-few)/2)))
	}
	return out
}

// read reads the code of a lattice, whichever way up it is.
func (l *lattice) read() (Mark, bool) {
	says := l.soft()
	for _, way := range [][4]int{{1, 0, 0, 1}, {0, -1, 1, 0}, {-1, 0, 0, -1}, {0, 1, -1, 0}, {-1, 0, 0, 1}, {0, 1, 1, 0}, {1, 0, 0, -1}, {0, -1, -1, 0}} {
		var sum [tile]float64
		for p, v := range says {
			i, j := p.i*way[0]+p.j*way[1], p.i*way[2]+p.j*way[3]
			sum[mod(i, across)+mod(j, down)*across] += v
		}
		for b := range down {
			for a := range across {
				var turned [tile]float64
				for j := range down {
					for i := range across {
						turned[i+j*across] = sum[(i+a)%across+(j+b)%down*across]
					}
				}
				if m, ok := best(turned); ok {
					return m, true
				}
			}
		}
	}
	return Mark{}, false
}

func mod(a, n int) int { return (a%n + n) % n }

// doubtful is how many of the dots that say least are tried as the other kind, too.
const doubtful = 5

// best returns the mark of the code that the dots say, or of one that differs where they
// say little.
func best(says [tile]float64) (Mark, bool) {
	var c code
	least := make([]int, tile)
	for i, v := range says {
		c[i], least[i] = v > 0, i
	}
	if m, ok := c.mark(); ok {
		return m, true
	}
	slices.SortFunc(least, func(a, b int) int {
		if math.Abs(says[a]) < math.Abs(says[b]) {
			return -1
		}
		return 1
	})
	for flips := 1; flips < 1<<doubtful; flips++ {
		try := c
		for k := range doubtful {
			if flips>>k&1 == 1 {
				try[least[k]] = !try[least[k]]
			}
		}
		if m, ok := try.mark(); ok {
			return m, true
		}
	}
	return Mark{}, false
}
