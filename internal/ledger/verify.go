package ledger

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"strconv"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// maxFindings bounds a report.
const maxFindings = 100

// maxAbsent is how many bundles may be missing before no more of them are looked for.
const maxAbsent = 1 << 10

// Verify recomputes the ledger from the bytes of its entries up, and compares
// with all that is stored: the tiles of every level, the root, the signed
// checkpoint, and checkpoints of earlier times that were kept elsewhere. Memory
// is bounded whatever the size. An error says that the copy could not be read;
// what is wrong with it is in the report.
//
// Where two stored things disagree, the signature decides: going down from the
// signed root, a tile is genuine if it hashes to what a genuine tile above it
// says, and what doesn't is at fault.
func Verify(ctx context.Context, source Source, verifierKey string, earlier ...string) (Report, error) {
	return VerifyEach(ctx, source, verifierKey, nil, earlier...)
}

// VerifyEach is Verify, and calls each with every entry on the way, in order, that is what
// its tile says: so a copy is read once. What they say is true only if the report is OK.
func VerifyEach(ctx context.Context, source Source, verifierKey string, each func(Placed) error, earlier ...string) (Report, error) {
	if _, err := note.NewVerifier(verifierKey); err != nil {
		return Report{}, fmt.Errorf("ledger: the verifier's key: %w", err)
	}
	v := &verification{each: each, differ: make(map[node]*difference), replaced: make(map[node]bool)}
	err := source.open(ctx, func(c copied) error { return v.run(ctx, c, verifierKey, earlier) })
	return v.report, err
}

type verification struct {
	report Report
	copy   copied
	each   func(Placed) error   // may be nil
	edge   edge                 // grows with the entries
	differ map[node]*difference // tiles that are not what was recomputed
	// replaced holds the tiles for which the signature vouches that neither what
	// is stored nor what was recomputed is genuine.
	replaced map[node]bool
	absent   int64
	crowded  bool // there are more differences than differ holds
	searched int  // how often a length was searched for in vain
	earlier  []Checkpoint
}

// A node names a tile.
type node struct {
	level int
	n     int64
}

// A difference is a stored tile that is not what was recomputed from below.
type difference struct {
	width              int
	stored, recomputed []byte
	at                 []int // of level 0: where each entry begins in its bundle, and the last ends
	genuine            bool  // the signature vouches for what is stored
}

func (v *verification) found(f Finding) {
	if len(v.report.Findings) < maxFindings {
		v.report.Findings = append(v.report.Findings, f)
	} else {
		v.report.More++
	}
}

// at makes a finding about the bytes of a part.
func at(code, part string, offset, end int, want, got string) Finding {
	return Finding{Code: code, Part: part, First: -1, Last: -1, Offset: int64(offset), End: int64(end), Want: want, Got: got}
}

func (v *verification) run(ctx context.Context, c copied, key string, earlier []string) error {
	v.copy = c
	head, err := c.head(ctx)
	if err != nil {
		return err
	}
	signed, err := v.checkpoint(ctx, head, key)
	if err != nil {
		return err
	}
	v.keep(earlier, key)
	if err := v.entries(ctx); err != nil {
		return err
	}
	if err := v.rightEdge(ctx); err != nil {
		return err
	}
	v.report.Root = v.edge.root()
	v.judge(signed)
	return c.strays(ctx, v.report.Size, func(part string) { v.found(at(FoundStray, part, -1, -1, "", "")) })
}

// checkpoint returns what was signed, or nil if nothing can be trusted; then
// the size is that of what is stored.
func (v *verification) checkpoint(ctx context.Context, head storedHead, key string) (*Checkpoint, error) {
	extent, err := v.copy.extent(ctx)
	if err != nil {
		return nil, err
	}
	v.report.Size = extent
	if head.checkpoint == "" {
		if extent > 0 || !isStore(v.copy) || head.row {
			v.found(at(FoundMissing, "checkpoint", -1, -1, "", ""))
		}
		return nil, nil // else a store before its first round
	}
	c, err := OpenCheckpoint(head.checkpoint, key)
	if err != nil {
		v.found(at(FoundCheckpoint, "checkpoint", 0, len(head.checkpoint), "", err.Error()))
		return nil, nil
	}
	v.report.Size = c.Size
	if head.row && head.size != c.Size {
		v.found(at(FoundHead, "ledger_head, size", -1, -1, strconv.FormatInt(c.Size, 10), strconv.FormatInt(head.size, 10)))
	}
	if head.row && !bytes.Equal(head.root, c.Root[:]) {
		v.found(at(FoundHead, "ledger_head, root", -1, -1, fmt.Sprintf("%x", c.Root), fmt.Sprintf("%x", head.root)))
	}
	return &c, nil
}

func isStore(c copied) bool {
	_, ok := c.(stored)
	return ok
}

// keep opens the checkpoints of earlier times.
func (v *verification) keep(earlier []string, key string) {
	for i, text := range earlier {
		c, err := OpenCheckpoint(text, key)
		switch part := fmt.Sprintf("earlier checkpoint %d", i+1); {
		case err != nil:
			v.found(at(FoundEarlier, part, -1, -1, "", err.Error()))
		case c.Size > v.report.Size:
			v.found(at(FoundRollback, part, -1, -1, strconv.FormatInt(c.Size, 10), strconv.FormatInt(v.report.Size, 10)))
		default:
			v.earlier = append(v.earlier, c)
		}
	}
	v.compareEarlier()
}

// compareEarlier compares the recomputed tree with the checkpoints of its size.
func (v *verification) compareEarlier() {
	for _, c := range v.earlier {
		if c.Size != v.edge.size {
			continue
		}
		if root := v.edge.root(); c.Root != root {
			f := at(FoundFork, "earlier checkpoint", -1, -1, fmt.Sprintf("%x", c.Root), fmt.Sprintf("%x", root))
			f.Last = c.Size - 1
			v.found(f)
		}
	}
}

// entries goes through the bundles, and compares each tile as soon as all
// below it is known.
func (v *verification) entries(ctx context.Context) error {
	for n := int64(0); n*width < v.report.Size; n++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		w := widthAt(v.report.Size, 0, n)
		b, hashes, err := v.copy.part(ctx, n, w)
		if err != nil {
			return err
		}
		if b == nil && hashes == nil {
			// A checkpoint may be signed, and say that there are more entries than anybody can look for.
			if v.absent++; v.absent > maxAbsent {
				v.found(Finding{FoundMissing, tilePath{-1, n, w}.path(), n * width, v.report.Size - 1, -1, -1, "", ""})
				return nil
			}
		}
		hashes = v.fit(node{0, n}, w, hashes)
		leaves, offsets, err := v.bundle(n, w, b, hashes)
		if err != nil {
			return err
		}
		v.compare(node{0, n}, w, hashes, leaves, offsets)
		var full []tile
		for i := range w {
			v.edge.add(tlog.Hash(leaves[i*tlog.HashSize:]), func(t tile) { full = append(full, t) })
			v.compareEarlier()
		}
		for _, t := range full {
			if t.level == 0 {
				continue
			}
			if err := v.upper(ctx, t); err != nil {
				return err
			}
		}
	}
	return nil
}

// rightEdge compares the tiles above level 0 that are not full.
func (v *verification) rightEdge(ctx context.Context) error {
	for _, t := range v.edge.partial() {
		if t.level == 0 {
			continue
		}
		if err := v.upper(ctx, t); err != nil {
			return err
		}
	}
	return nil
}

func (v *verification) upper(ctx context.Context, t tile) error {
	w := len(t.hashes) / tlog.HashSize
	hashes, err := v.copy.tile(ctx, t.level, t.n, w)
	if err != nil {
		return err
	}
	at := node{t.level, t.n}
	v.compare(at, w, v.fit(at, w, hashes), t.hashes, nil)
	return nil
}

// fit reports a tile that is missing, too short or too long, and returns it if
// it is long enough, or nil.
func (v *verification) fit(at node, w int, hashes []byte) []byte {
	part := tilePath{at.level, at.n, w}.path()
	want := w * tlog.HashSize
	f := Finding{Part: part, First: int64(len(hashes) / tlog.HashSize), Last: int64(w) - 1,
		Offset: int64(len(hashes)), End: int64(want), Want: strconv.Itoa(want), Got: strconv.Itoa(len(hashes))}
	switch {
	case hashes == nil:
		f.Code, f.First = FoundMissing, 0
	case len(hashes) < want:
		f.Code = FoundCut
	case len(hashes) > want:
		f.Code, f.First, f.Last, f.Offset, f.End = FoundExtra, int64(w), -1, int64(want), int64(len(hashes))
		v.found(f)
		return hashes[:want]
	default:
		return hashes
	}
	v.found(f)
	return nil
}

func (v *verification) compare(at node, w int, stored, recomputed []byte, offsets []int) {
	if stored == nil || bytes.Equal(stored, recomputed) {
		return
	}
	if len(v.differ) >= 2*maxFindings {
		v.crowded = true
		v.report.More++
		return
	}
	v.differ[at] = &difference{width: w, stored: bytes.Clone(stored), recomputed: bytes.Clone(recomputed), at: offsets}
}

// bundle returns the leaf hashes of a bundle, and where its entries begin.
// Where entries are missing the hashes of the tile stand in, so that one gap
// doesn't spoil all that lies above.
func (v *verification) bundle(n int64, w int, b *bundle, hashes []byte) (leaves []byte, offsets []int, err error) {
	part := tilePath{-1, n, w}.path()
	leaves = make([]byte, w*tlog.HashSize)
	copy(leaves, hashes)
	if b == nil {
		v.found(Finding{FoundMissing, part, n * width, n*width + int64(w) - 1, -1, -1, "", ""})
		return leaves, nil, nil
	}
	tries := min(2, maxSearches-v.searched) // a search for a length may fail twice: then more than a length is wrong
	var times []int64
	rest := b.entries
	for i := range w {
		at := len(b.entries) - len(rest)
		offsets = append(offsets, at)
		var want []byte
		if hashes != nil {
			want = hashes[i*tlog.HashSize : (i+1)*tlog.HashSize]
		}
		entry, after, err := nextFrame(rest)
		next := hashes[min((i+1)*tlog.HashSize, len(hashes)):]
		if tries == 0 || leads(entry, after, want, next, err) {
			// The frame is right, whatever is in it.
		} else if length, ok := resync(rest, want); !ok {
			tries--
			v.searched++
		} else {
			place := n*width + int64(i)
			got := 0
			if len(rest) >= 2 {
				got = int(rest[0])<<8 | int(rest[1])
			}
			v.found(Finding{FoundLength, part, place, place, int64(at), int64(at) + 2, strconv.Itoa(length), strconv.Itoa(got)})
			entry, after, err = rest[2:2+length], rest[2+length:], nil
		}
		if err != nil {
			v.found(Finding{FoundCut, part, n*width + int64(i), n*width + int64(w) - 1, int64(at), int64(len(b.entries)), strconv.Itoa(w), strconv.Itoa(i)})
			return leaves, offsets, nil
		}
		h := tlog.RecordHash(entry)
		copy(leaves[i*tlog.HashSize:], h[:])
		rest = after
		if bytes.Equal(want, h[:]) {
			if p, err := decode(n*width+int64(i), entry); err == nil {
				times = append(times, p.At.UnixMicro())
				if v.each != nil {
					if err := v.each(p); err != nil {
						return nil, nil, err
					}
				}
			} else {
				v.found(Finding{FoundMalformed, part, n*width + int64(i), n*width + int64(i), int64(at), int64(at + 2 + len(entry)), "", ""})
			}
		}
	}
	end := len(b.entries) - len(rest)
	offsets = append(offsets, end)
	if len(rest) > 0 {
		v.found(Finding{FoundExtra, part, n*width + int64(w), -1, int64(end), int64(len(b.entries)), strconv.Itoa(end), strconv.Itoa(len(b.entries))})
	} else if len(times) == w && b.size >= 0 {
		v.columns(part, *b, times)
	}
	return leaves, offsets, nil
}

// columns compares the columns of a bundle's row with the times of its entries.
func (v *verification) columns(part string, b bundle, times []int64) {
	for _, c := range []struct {
		name      string
		want, got int64
	}{{"size", int64(len(times)), b.size}, {"min_at", slices.Min(times), b.minAt}, {"max_at", slices.Max(times), b.maxAt}} {
		if c.want != c.got {
			v.found(at(FoundColumn, part+", "+c.name, -1, -1, strconv.FormatInt(c.want, 10), strconv.FormatInt(c.got, 10)))
		}
	}
}

// leads reports whether a frame is where it should be: its entry is what the
// tile expects or, if that was altered, the entry behind it is.
func leads(entry, after, want, next []byte, err error) bool {
	if err != nil || len(want) == 0 {
		return len(want) == 0
	}
	if h := tlog.RecordHash(entry); bytes.Equal(h[:], want) {
		return true
	}
	if len(next) == 0 {
		return len(after) == 0
	}
	entry, _, err = nextFrame(after)
	h := tlog.RecordHash(entry)
	return err == nil && bytes.Equal(h[:], next[:tlog.HashSize])
}

// maxSearches is how often a length is searched for in vain: a search hashes 64 KiB at each of its lengths, and
// whoever sends a forged copy of millions of entries has nobody wait for all of them. What comes
// after is found all the same, and read as its own lengths say.
const maxSearches = 100

// resync looks for the length at which the entry at the beginning of rest has
// the hash that its tile expects: one wrong byte in a length must not make all
// that follows unreadable.
func resync(rest, want []byte) (length int, ok bool) {
	if len(rest) < 2 {
		return 0, false
	}
	sum := sha256.New()
	sum.Write([]byte{0}) // RFC 6962, section 2.1: a leaf
	var h [sha256.Size]byte
	for length := 0; length <= min(len(rest)-2, 1<<16-1); length++ {
		if length > 0 {
			sum.Write(rest[1+length : 2+length])
		}
		if bytes.Equal(sum.Sum(h[:0]), want) {
			return length, true
		}
	}
	return 0, false
}
