package ledger

import (
	"crypto/sha256"
	"math/bits"

	"golang.org/x/mod/sumdb/tlog"
)

// height is that of a tile (C2SP tlog-tiles): 2^8 hashes.
const height = 8

// An edge is the right edge of the tree: of each level, the tile that isn't
// full. It is all that growing the tree needs. The zero edge is the empty tree.
type edge struct {
	size  int64
	tiles [][]byte // by level: 0 to 255 hashes of 32 bytes
}

// A tile is one that has been written to.
type tile struct {
	level  int
	n      int64
	hashes []byte
}

// clone returns a copy that grows apart from e.
func (e edge) clone() edge {
	c := edge{size: e.size, tiles: make([][]byte, len(e.tiles))}
	for i, t := range e.tiles {
		c.tiles[i] = append(make([]byte, 0, width*tlog.HashSize), t...)
	}
	return c
}

// add puts a leaf hash behind the last. Each tile that becomes full is handed
// to full, and its hash goes up.
func (e *edge) add(h tlog.Hash, full func(tile)) {
	e.size++
	for level := 0; ; level++ {
		if level == len(e.tiles) {
			e.tiles = append(e.tiles, make([]byte, 0, width*tlog.HashSize))
		}
		t := append(e.tiles[level], h[:]...)
		e.tiles[level] = t
		if len(t) < width*tlog.HashSize {
			return
		}
		full(tile{level, e.size>>(height*(level+1)) - 1, t})
		h = treeOf(t)
		e.tiles[level] = make([]byte, 0, width*tlog.HashSize)
	}
}

// partial returns the tiles of the edge that hold anything.
func (e edge) partial() (all []tile) {
	for level, t := range e.tiles {
		if len(t) > 0 {
			all = append(all, tile{level, e.size >> (height * (level + 1)), t})
		}
	}
	return all
}

// root returns the hash of the tree. The last, incomplete subtree of a level
// stands at the end of the level above it, so folding the edge from below
// gives what RFC 6962, section 2.1, defines.
func (e edge) root() tlog.Hash {
	var below []byte
	for _, t := range e.tiles {
		list := append(append(make([]byte, 0, len(t)+tlog.HashSize), t...), below...)
		if len(list) == 0 {
			continue
		}
		h := treeOf(list)
		below = h[:]
	}
	if below == nil {
		return sha256.Sum256(nil) // RFC 6962: the empty tree
	}
	return tlog.Hash(below)
}

// treeOf returns the RFC 6962 tree hash of a list of at least one hash.
func treeOf(list []byte) tlog.Hash {
	n := len(list) / tlog.HashSize
	if n == 1 {
		return tlog.Hash(list)
	}
	left := tlog.HashSize << (bits.Len(uint(n-1)) - 1) // the largest power of two below n
	return tlog.NodeHash(treeOf(list[:left]), treeOf(list[left:]))
}

// widthAt returns how many hashes tile n of a level has in a tree of this
// size: 0 to 256. Level -1 is that of the bundles.
func widthAt(size int64, level int, n int64) int {
	if level < 0 {
		level = 0
	}
	if n < 0 || n > maxSize || level > 62/height {
		return 0
	}
	return int(min(max(size>>(height*level)-n*width, 0), width))
}
