package evidence_test

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"wardkeep/internal/base/db/dbtest"
	"wardkeep/internal/evidence"
	"wardkeep/internal/vault/vaulttest"
)

// Article 22: the ledger in an archive is verified without any of our code, by the
// packages of Go's checksum database (docs/evidence.md): the note, its tree, and the proof of each
// entry from the tiles.
//
// Of an archive that was unpacked into EVIDENCE_DIR it verifies that, by EVIDENCE_KEY.
func TestArticle22_TheLedgerOfAnArchiveIsVerifiedByPublicTools(t *testing.T) {
	if dir := os.Getenv("EVIDENCE_DIR"); dir != "" {
		n, err := independently(onDisk(t, dir), os.Getenv("EVIDENCE_KEY"))
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("the checkpoint is signed by this key, and each of its %d entries is proved by the tiles", n)
		return
	}
	s := play(t, vaulttest.New(t, dbtest.New(t)))
	_, files := unpacked(t, s.makes(t, evidence.Scope{}))
	n, err := independently(files, s.key)
	if err != nil || n < 30 {
		t.Fatalf("%d entries: %v", n, err)
	}
	for name, b := range files {
		if strings.HasPrefix(name, "ledger/") {
			b[len(b)/2] ^= 1
			if _, err := independently(files, s.key); err == nil {
				t.Errorf("%s can be changed", name)
			}
			b[len(b)/2] ^= 1
		}
	}
}

// onDisk reads the files of an archive that was unpacked.
func onDisk(t *testing.T, dir string) map[string][]byte {
	files := make(map[string][]byte)
	err := fs.WalkDir(os.DirFS(dir), "ledger", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files[path], err = os.ReadFile(filepath.Join(dir, path))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// independently verifies a ledger as files with public packages alone, and returns how
// many entries it holds.
func independently(files map[string][]byte, key string) (int64, error) {
	verifier, err := note.NewVerifier(key)
	if err != nil {
		return 0, err
	}
	signed, err := note.Open(files["ledger/checkpoint"], note.VerifierList(verifier))
	if err != nil {
		return 0, err
	}
	lines := strings.Split(signed.Text, "\n") // C2SP tlog-checkpoint: origin, size, root
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || lines[0] != verifier.Name() {
		return 0, fmt.Errorf("%q: %v", lines[0], err)
	}
	root, err := base64.StdEncoding.DecodeString(lines[2])
	if err != nil || len(root) != tlog.HashSize {
		return 0, fmt.Errorf("the root: %v", err)
	}
	tree := tlog.Tree{N: size, Hash: tlog.Hash(root)}
	hashes := tlog.TileHashReader(tree, tiles(files))
	for place := range size {
		proof, err := tlog.ProveRecord(size, place, hashes)
		if err != nil {
			return 0, err
		}
		entry, err := entryAt(files, size, place)
		if err != nil {
			return 0, err
		}
		if err := tlog.CheckRecord(proof, size, tree.Hash, place, tlog.RecordHash(entry)); err != nil {
			return 0, fmt.Errorf("entry %d: %w", place, err)
		}
	}
	return size, nil
}

// tiles reads the hashes for tlog. C2SP tlog-tiles has the layout of Go's, without the
// height, and "entries" for the data.
type tiles map[string][]byte

func (tiles) Height() int                         { return 8 }
func (tiles) SaveTiles(_ []tlog.Tile, _ [][]byte) {}
func (files tiles) ReadTiles(all []tlog.Tile) (data [][]byte, err error) {
	for _, t := range all {
		path := strings.Replace(t.Path(), "tile/8/", "ledger/tile/", 1)
		b, ok := files[path]
		if !ok {
			return nil, fmt.Errorf("there is no %s", path)
		}
		data = append(data, b)
	}
	return data, nil
}

// entryAt returns the bytes of an entry.
func entryAt(files map[string][]byte, size, place int64) ([]byte, error) {
	t := tlog.Tile{H: 8, L: -1, N: place / 256, W: int(min(size-place/256*256, 256))}
	b := bytes.Clone(files[strings.Replace(t.Path(), "tile/8/data/", "ledger/tile/entries/", 1)])
	for i := int64(0); len(b) >= 2; i++ {
		n := int(binary.BigEndian.Uint16(b))
		if len(b) < 2+n {
			break
		}
		if i == place%256 {
			return b[2 : 2+n], nil
		}
		b = b[2+n:]
	}
	return nil, fmt.Errorf("entry %d is cut off", place)
}
