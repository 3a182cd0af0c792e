package ledger

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"

	"golang.org/x/mod/sumdb/tlog"
)

// judge says of each difference who is at fault.
func (v *verification) judge(signed *Checkpoint) {
	known := signed != nil && v.trust(*signed)
	if signed != nil && !known {
		v.found(at(FoundRoot, "checkpoint", -1, -1, fmt.Sprintf("%x", signed.Root), fmt.Sprintf("%x", v.report.Root)))
	}
	nodes := make([]node, 0, len(v.differ)+len(v.replaced))
	for n := range v.differ {
		nodes = append(nodes, n)
	}
	for n := range v.replaced {
		if v.differ[n] == nil {
			nodes = append(nodes, n)
		}
	}
	slices.SortFunc(nodes, func(a, b node) int {
		return cmp.Or(cmp.Compare(a.level, b.level), cmp.Compare(a.n, b.n))
	})
	for _, n := range nodes {
		v.blame(n, known)
	}
}

// trust goes down from the signed root and marks what is genuine. It returns
// false if nothing that is stored or recomputed leads to that root.
func (v *verification) trust(signed Checkpoint) bool {
	partial := v.edge.partial()
	var differ []*difference // of the right edge
	var at []node
	for _, t := range partial {
		if d := v.differ[node{t.level, t.n}]; d != nil {
			differ, at = append(differ, d), append(at, node{t.level, t.n})
		}
	}
	// Of each tile at the right edge either what is stored or what was recomputed
	// is genuine: at most 7 levels, so at most 128 trees to try.
	for choice := range 1 << len(differ) {
		e := edge{size: v.edge.size, tiles: slices.Clone(v.edge.tiles)}
		for i, d := range differ {
			if choice>>i&1 == 1 {
				e.tiles[at[i].level] = d.stored
			}
		}
		if e.root() != signed.Root {
			continue
		}
		for i, d := range differ {
			if choice>>i&1 == 1 {
				d.genuine = true
				v.descend(at[i], d)
			}
		}
		return true
	}
	return false
}

// descend follows the hashes of a genuine tile to the tiles below that don't
// have them as recomputed: there the stored tile is genuine, or neither is.
func (v *verification) descend(at node, d *difference) {
	if at.level == 0 {
		return
	}
	for i := range d.width {
		want := d.stored[i*tlog.HashSize : (i+1)*tlog.HashSize]
		if bytes.Equal(want, d.recomputed[i*tlog.HashSize:(i+1)*tlog.HashSize]) {
			continue
		}
		child := node{at.level - 1, at.n*width + int64(i)}
		below := v.differ[child]
		if below == nil && v.crowded {
			continue // counted, not kept
		}
		if below == nil || treeOf(below.stored) != tlog.Hash(want) {
			v.replaced[child] = true
			continue
		}
		below.genuine = true
		v.descend(child, below)
	}
}

// blame reports one tile, and what lies below it.
func (v *verification) blame(at node, known bool) {
	d := v.differ[at]
	w := width
	if d != nil {
		w = d.width
	}
	part := tilePath{at.level, at.n, w}.path()
	if v.replaced[at] {
		f := Finding{Code: FoundReplaced, Part: part, First: 0, Last: int64(w) - 1, Offset: -1, End: -1}
		if at.level == 0 {
			f.Part, f.First, f.Last = tilePath{-1, at.n, w}.path()+", "+part, at.n*width, at.n*width+int64(w)-1
		}
		v.found(f)
		return
	}
	for _, r := range d.ranges(func(i int) bool { return !known && v.follows(at, d, i) }) {
		f := Finding{Part: part, First: int64(r[0]), Last: int64(r[1]) - 1,
			Offset: int64(r[0]) * tlog.HashSize, End: int64(r[1]) * tlog.HashSize,
			Want: fmt.Sprintf("%x", d.recomputed[r[0]*tlog.HashSize:][:tlog.HashSize]),
			Got:  fmt.Sprintf("%x", d.stored[r[0]*tlog.HashSize:][:tlog.HashSize])}
		switch {
		case !known:
			f.Code = FoundEither
		case !d.genuine:
			f.Code = FoundHashes
		case at.level > 0:
			continue // what lies below is at fault, and reported there
		default:
			f.Code, f.Want, f.Got = FoundEntry, f.Got, f.Want
			f.Part = tilePath{-1, at.n, w}.path()
			f.First, f.Last = at.n*width+f.First, at.n*width+f.Last
			f.Offset, f.End = int64(d.at[r[0]]), int64(d.at[r[1]])
		}
		v.found(f)
	}
}

// follows reports whether a hash differs only because of what was recomputed
// below it: the stored tile there is the one that it belongs to.
func (v *verification) follows(at node, d *difference, i int) bool {
	below := v.differ[node{at.level - 1, at.n*width + int64(i)}]
	return at.level > 0 && below != nil && treeOf(below.stored) == tlog.Hash(d.stored[i*tlog.HashSize:])
}

// ranges returns the runs of hashes that differ and are not to be skipped, each
// as first and behind last.
func (d *difference) ranges(skip func(i int) bool) (all [][2]int) {
	for i := range d.width {
		if bytes.Equal(d.stored[i*tlog.HashSize:(i+1)*tlog.HashSize], d.recomputed[i*tlog.HashSize:(i+1)*tlog.HashSize]) || skip(i) {
			continue
		}
		if n := len(all); n > 0 && all[n-1][1] == i {
			all[n-1][1]++
		} else {
			all = append(all, [2]int{i, i + 1})
		}
	}
	return all
}
