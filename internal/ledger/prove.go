package ledger

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/transparency-dev/formats/proof"
	"golang.org/x/mod/sumdb/tlog"

	"wardkeep/internal/base/db"
)

// Prove returns the proof that the tree of this size holds the entry at place
// (RFC 6962, section 2.1.1). ErrOutside says that it doesn't. Each tile is
// checked against the head on the way, so a wrong proof is never given.
func Prove(ctx context.Context, tx *db.Tx, place, size int64) (tlog.RecordProof, error) {
	head, err := Head(ctx, tx)
	if err != nil {
		return nil, err
	}
	if place < 0 || place >= size || size > head.Size {
		return nil, ErrOutside
	}
	return tlog.ProveRecord(size, place, authentic(ctx, tx, head))
}

// ProveConsistency returns the proof that the tree of the new size continues
// that of the old (RFC 6962, section 2.1.2), for 1 ≤ old ≤ new ≤ the head's size.
func ProveConsistency(ctx context.Context, tx *db.Tx, old, new int64) (tlog.TreeProof, error) {
	head, err := Head(ctx, tx)
	if err != nil {
		return nil, err
	}
	if old < 1 || old > new || new > head.Size {
		return nil, ErrOutside
	}
	return tlog.ProveTree(new, old, authentic(ctx, tx, head))
}

// RootAt returns the hash of the tree when it had this size, at most the head's.
func RootAt(ctx context.Context, tx *db.Tx, size int64) (tlog.Hash, error) {
	head, err := Head(ctx, tx)
	if err != nil {
		return tlog.Hash{}, err
	}
	if size < 0 || size > head.Size {
		return tlog.Hash{}, ErrOutside
	}
	return tlog.TreeHash(size, authentic(ctx, tx, head))
}

// An Inclusion proves, with a checkpoint, that the ledger holds an entry.
type Inclusion struct {
	Placed
	Hashes tlog.RecordProof // RFC 6962, section 2.1.1
}

// Include returns what proves to anyone with the verifier's key that the entries
// with these ids are in the ledger, in the tree of one signed checkpoint. Errors:
// ErrNotFound while one of them has no place.
func Include(ctx context.Context, tx *db.Tx, entries ...string) (checkpoint string, all []Inclusion, err error) {
	for _, entry := range entries {
		p, err := Find(ctx, tx, entry)
		if err != nil {
			return "", nil, err
		}
		all = append(all, Inclusion{Placed: p})
	}
	// After the entries, so that the head is none from before their places.
	head, err := Head(ctx, tx)
	if err != nil {
		return "", nil, err
	}
	tree := Checkpoint{Size: head.Size, Root: head.Root}
	for i, in := range all {
		hashes, err := tlog.ProveRecord(head.Size, in.Place, authentic(ctx, tx, head))
		if err != nil {
			return "", nil, fmt.Errorf("%w: %w", ErrDamaged, err)
		}
		if err := tree.Holds(in.Place, in.Leaf, hashes); err != nil {
			return "", nil, fmt.Errorf("%w: the entry at place %d: %w", ErrDamaged, in.Place, err)
		}
		all[i].Hashes = hashes
	}
	return head.Checkpoint, all, nil
}

// Holds checks offline that the entry at place, given by its bytes, is in the
// tree that the checkpoint is of.
func (c Checkpoint) Holds(place int64, leaf []byte, hashes tlog.RecordProof) error {
	if place < 0 || place >= c.Size {
		return fmt.Errorf("place %d isn't in a tree of %d entries", place, c.Size)
	}
	return tlog.CheckRecord(hashes, c.Size, c.Root, place, tlog.RecordHash(leaf))
}

// Receipt returns, as C2SP tlog-proof, what proves to anyone with the
// verifier's key that the entry with this id is in the ledger: its place, the
// inclusion proof and the signed checkpoint. The bytes of the entry, which are
// what the proof is about, are in the second result.
func Receipt(ctx context.Context, tx *db.Tx, entry string) (receipt string, p Placed, err error) {
	checkpoint, all, err := Include(ctx, tx, entry)
	if err != nil {
		return "", p, err
	}
	text := proof.TLogProof{Index: uint64(all[0].Place), Checkpoint: []byte(checkpoint)}
	for _, h := range all[0].Hashes {
		text.Hashes = append(text.Hashes, h)
	}
	return string(text.Marshal()), all[0].Placed, nil
}

// CheckReceipt checks a receipt for an entry, given by its bytes, offline.
func CheckReceipt(receipt string, leaf []byte, verifierKey string) (place int64, err error) {
	var p proof.TLogProof
	if err := p.Unmarshal([]byte(receipt)); err != nil {
		return 0, err
	}
	c, err := OpenCheckpoint(string(p.Checkpoint), verifierKey)
	if err != nil {
		return 0, err
	}
	if p.Index > maxSize {
		return 0, fmt.Errorf("the receipt is for place %d, which no ledger has", p.Index)
	}
	hashes := make(tlog.RecordProof, len(p.Hashes))
	for i, h := range p.Hashes {
		hashes[i] = h
	}
	return int64(p.Index), c.Holds(int64(p.Index), leaf, hashes)
}

// evidenceAtMost is how long an entry may be to lie in its own receipt: readers of such
// files take lines of 64 KiB.
const evidenceAtMost = 45_000

// Evidence returns a receipt, as C2SP tlog-proof, that holds the bytes of the entry as its
// extra data: one file that proves by itself what it says. Entries of more than 45,000
// bytes aren't in it.
func Evidence(ctx context.Context, tx *db.Tx, entry string) (string, error) {
	receipt, p, err := Receipt(ctx, tx, entry)
	if err != nil || len(p.Leaf) > evidenceAtMost {
		return receipt, err
	}
	var text proof.TLogProof
	if err := text.Unmarshal([]byte(receipt)); err != nil {
		return "", fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	text.ExtraData = p.Leaf
	return string(text.Marshal()), nil
}

// IsEvidence reports whether a file may be a C2SP tlog-proof.
func IsEvidence(file []byte) bool { return bytes.HasPrefix(file, []byte("c2sp.org/tlog-proof@v1\n")) }

// CheckEvidence checks offline what Evidence returned, and returns the entry and the
// tree that holds it.
func CheckEvidence(file, verifierKey string) (Placed, Checkpoint, error) {
	var p proof.TLogProof
	if err := p.Unmarshal([]byte(file)); err != nil {
		return Placed{}, Checkpoint{}, err
	}
	if string(p.Marshal()) != file { // two texts could say one proof: each byte must count
		return Placed{}, Checkpoint{}, errors.New("the proof isn't in its one form")
	}
	c, err := OpenCheckpoint(string(p.Checkpoint), verifierKey)
	if err != nil {
		return Placed{}, Checkpoint{}, err
	}
	place, err := CheckReceipt(file, p.ExtraData, verifierKey)
	if err != nil {
		return Placed{}, Checkpoint{}, err
	}
	entry, err := ParseLeaf(place, p.ExtraData)
	return entry, c, err
}

// authentic returns the hashes of the tree, each checked against the head.
func authentic(ctx context.Context, tx *db.Tx, head Root) tlog.HashReader {
	return tlog.TileHashReader(tlog.Tree{N: head.Size, Hash: head.Root}, tileStore{ctx, tx})
}

// tileStore reads tiles for tlog, in one round trip.
type tileStore struct {
	ctx context.Context
	tx  *db.Tx
}

// Height is that of the stored tiles.
func (tileStore) Height() int { return height }

// SaveTiles does nothing: they are saved.
func (tileStore) SaveTiles([]tlog.Tile, [][]byte) {}

// ReadTiles returns the tiles, cut to the width that is asked for.
func (s tileStore) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	found := make([][]tile, len(tiles))
	reads := make([]db.Read, len(tiles))
	for i, t := range tiles {
		reads[i] = db.ReadInto(&found[i], scanTile, selectTile+` WHERE level = $1 AND n = $2`, t.L, t.N)
	}
	if err := s.tx.Together(s.ctx, reads...); err != nil {
		return nil, err
	}
	data := make([][]byte, len(tiles))
	for i, t := range tiles {
		if len(found[i]) != 1 || len(found[i][0].hashes) < t.W*tlog.HashSize {
			return nil, fmt.Errorf("%w: tile %d of level %d is missing or too short", ErrDamaged, t.N, t.L)
		}
		data[i] = found[i][0].hashes[:t.W*tlog.HashSize]
	}
	return data, nil
}
