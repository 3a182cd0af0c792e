package ledger

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/db/dbtest"
)

func get(t testing.TB, server *httptest.Server, path string) (int, http.Header, []byte) {
	t.Helper()
	resp, err := server.Client().Get(server.URL + "/v1/ledger/" + path)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, b
}

// A reader is a client that knows C2SP tlog-tiles and nothing of us.
type reader struct {
	t      testing.TB
	server *httptest.Server
}

func (reader) Height() int                         { return 8 }
func (reader) SaveTiles(_ []tlog.Tile, _ [][]byte) {}

func (r reader) ReadTiles(tiles []tlog.Tile) (all [][]byte, err error) {
	for _, t := range tiles {
		// C2SP leaves out the height that tlog writes.
		path := strings.Replace(t.Path(), "tile/8/", "tile/", 1)
		status, _, b := get(r.t, r.server, path)
		if status != http.StatusOK {
			return nil, fmt.Errorf("%s: %d", path, status)
		}
		all = append(all, b)
	}
	return all, nil
}

func serve(t testing.TB, l *Log) *httptest.Server {
	mux := http.NewServeMux()
	mux.Handle("/v1/ledger/", http.StripPrefix("/v1/ledger", l.Handler()))
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server
}

func TestC2SP_ClientsOfOtherLogsCanReadIt(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, store *db.DB) {
		l, key := open(t, store)
		server := serve(t, l)
		if status, _, _ := get(t, server, "checkpoint"); status != http.StatusNotFound {
			t.Errorf("a checkpoint before the first round: %d", status)
		}
		var old Checkpoint
		for _, n := range []int{1, 255, 1, 300, 211} { // sizes 1, 256, 257, 557, 768
			fill(t, store, n)
			flush(t, l)
			status, header, b := get(t, server, "checkpoint")
			if status != 200 || header.Get("Content-Type") != "text/plain; charset=utf-8" || header.Get("Cache-Control") != "no-cache" {
				t.Errorf("checkpoint: %d, %v", status, header)
			}
			c, err := OpenCheckpoint(string(b), key)
			if err != nil {
				t.Fatal(err)
			}
			checkTree(t, server, c, old)
			old = c
		}
	})
}

// checkTree reads every entry and proves it, and that the tree continues old.
func checkTree(t *testing.T, server *httptest.Server, c, old Checkpoint) {
	t.Helper()
	hashes := tlog.TileHashReader(tlog.Tree{N: c.Size, Hash: c.Root}, reader{t, server})
	for n := int64(0); n*256 < c.Size; n++ {
		path := fmt.Sprintf("tile/entries/%03d", n)
		if w := c.Size - n*256; w < 256 {
			path += fmt.Sprintf(".p/%d", w)
		}
		status, header, b := get(t, server, path)
		if status != 200 || header.Get("Content-Type") != "application/octet-stream" || !strings.Contains(header.Get("Cache-Control"), "immutable") {
			t.Fatalf("%s: %d, %v", path, status, header)
		}
		entries, err := frames(b)
		if err != nil {
			t.Fatal(err)
		}
		for i, entry := range entries {
			if i%50 != 0 && i != len(entries)-1 {
				continue
			}
			place := n*256 + int64(i)
			p, err := tlog.ProveRecord(c.Size, place, hashes)
			if err != nil {
				t.Fatal(err)
			}
			if err := tlog.CheckRecord(p, c.Size, c.Root, place, tlog.RecordHash(entry)); err != nil {
				t.Errorf("place %d: %v", place, err)
			}
		}
	}
	if old.Size > 0 {
		p, err := tlog.ProveTree(c.Size, old.Size, hashes)
		if err != nil {
			t.Fatal(err)
		}
		if err := tlog.CheckTree(p, c.Size, c.Root, old.Size, old.Root); err != nil {
			t.Error(err)
		}
	}
}

func TestC2SP_NarrowTilesOfEarlierCheckpointsStay(t *testing.T) {
	store := dbtest.New(t)
	l, _ := open(t, store)
	server := serve(t, l)
	fill(t, store, 400)
	flush(t, l)
	_, _, full := get(t, server, "tile/0/000")
	_, _, bundle := get(t, server, "tile/entries/001.p/144")
	for _, w := range []int{1, 2, 17, 255} {
		if status, _, b := get(t, server, fmt.Sprintf("tile/0/000.p/%d", w)); status != 200 || !bytes.Equal(b, full[:32*w]) {
			t.Errorf("width %d of tile 0: %d", w, status)
		}
	}
	for _, w := range []int{1, 99, 144} {
		status, _, b := get(t, server, fmt.Sprintf("tile/entries/001.p/%d", w))
		entries, err := frames(b)
		if status != 200 || len(entries) != w || err != nil || !bytes.HasPrefix(bundle, b) {
			t.Errorf("width %d of bundle 1: %d, %d entries, %v", w, status, len(entries), err)
		}
	}
	for _, path := range []string{
		"tile/0/001", "tile/0/001.p/145", "tile/0/002.p/1", "tile/entries/001", "tile/entries/001.p/145", "tile/1/000", "tile/1/000.p/2",
		"tile/2/000.p/1", "tile/64/000", "tile/0/0", "tile/0/000.p/0", "tile/0/000.p/256", "tile/0/000.p/01", "tile/00/000", "tile/-1/000",
		"tile/0/x000/000", "tile/0/001/000", "tile/0/%30%30%30", "tile/0/000/", "tile/data/000", "tile/0/x999/x999/x999/x999/x999/999", "tile", "",
	} {
		if status, _, b := get(t, server, path); status != http.StatusNotFound {
			t.Errorf("%q: %d, %d bytes", path, status, len(b))
		}
	}
	resp, err := http.Post(server.URL+"/v1/ledger/checkpoint", "", nil)
	if err != nil || resp.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST: %v, %v", resp, err)
	}
}

func TestReceiptsAndProofs(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, store *db.DB) {
		ctx := t.Context()
		l, key := open(t, store)
		ids := fill(t, store, 600)
		flush(t, l)
		view(t, store, func(tx *db.Tx) error {
			head, err := Head(ctx, tx)
			if err != nil {
				return err
			}
			for _, i := range []int{0, 255, 256, 511, 512, 599} {
				receipt, p, err := Receipt(ctx, tx, ids[i])
				if err != nil {
					return err
				}
				if at, err := CheckReceipt(receipt, p.Leaf, key); err != nil || at != int64(i) {
					t.Errorf("the receipt of %d is of %d: %v", i, at, err)
				}
				if _, err := CheckReceipt(receipt, append(p.Leaf, ' '), key); err == nil {
					t.Error("a receipt fits another entry")
				}
				proof, err := Prove(ctx, tx, p.Place, 600)
				if err != nil || tlog.CheckRecord(proof, 600, head.Root, p.Place, tlog.RecordHash(p.Leaf)) != nil {
					t.Errorf("place %d: %v", i, err)
				}
			}
			for _, old := range []int64{1, 255, 256, 257, 599, 600} {
				root, err := RootAt(ctx, tx, old)
				if err != nil {
					return err
				}
				proof, err := ProveConsistency(ctx, tx, old, 600)
				if err != nil || tlog.CheckTree(proof, 600, head.Root, old, root) != nil {
					t.Errorf("size %d: %v", old, err)
				}
			}
			for _, outside := range [][2]int64{{-1, 600}, {600, 600}, {5, 601}, {5, 5}, {0, 0}} {
				if _, err := Prove(ctx, tx, outside[0], outside[1]); !errors.Is(err, ErrOutside) {
					t.Errorf("Prove%v = %v", outside, err)
				}
			}
			for _, outside := range [][2]int64{{0, 600}, {5, 4}, {5, 601}} {
				if _, err := ProveConsistency(ctx, tx, outside[0], outside[1]); !errors.Is(err, ErrOutside) {
					t.Errorf("ProveConsistency%v = %v", outside, err)
				}
			}
			return nil
		})
	})
}

func TestNoProofComesFromADamagedTile(t *testing.T) {
	store := dbtest.New(t)
	l, _ := open(t, store)
	ids := fill(t, store, 600)
	flush(t, l)
	if err := store.Update(t.Context(), func(tx *db.Tx) error {
		return tx.Queue(t.Context(), `UPDATE ledger_tile SET hashes = $1 WHERE level = 0 AND n = 0`, make([]byte, 8192))
	}); err != nil {
		t.Fatal(err)
	}
	view(t, store, func(tx *db.Tx) error {
		if _, _, err := Receipt(t.Context(), tx, ids[3]); !errors.Is(err, ErrDamaged) {
			t.Errorf("Receipt = %v, want %v", err, ErrDamaged)
		}
		return nil
	})
}

func TestSignerRefusesWhatCanNotBeAnOrigin(t *testing.T) {
	for _, bad := range []string{"", "a b", "a+b", "a\nb", "a\xff"} {
		if _, _, err := NewSigner(bad, seed); err == nil {
			t.Errorf("origin %q was accepted", bad)
		}
	}
	if _, _, err := NewSigner(origin, seed[1:]); err == nil {
		t.Error("a short seed was accepted")
	}
}

func FuzzTilePath(f *testing.F) {
	for _, seed := range []string{"tile/0/000", "tile/entries/x001/x234/067.p/9", "tile/63/x999/999.p/255", "tile//", "tile/0/x000/001", "tile/0/+01"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, path string) {
		tp, err := parseTilePath(path)
		if err != nil {
			return
		}
		if tp.path() != path || tp.level < -1 || tp.level > 63 || tp.n < 0 || tp.width < 1 || tp.width > 256 {
			t.Errorf("%q became %+v", path, tp)
		}
		if tp.level >= 0 {
			want, err := tlog.ParseTilePath("tile/8" + strings.TrimPrefix(path, "tile"))
			if err != nil || want.L != tp.level || want.N != tp.n || want.W != tp.width {
				t.Errorf("tlog reads %q as %+v, %v", path, want, err)
			}
		}
		widthAt(1<<40, tp.level, tp.n)
	})
}

func FuzzBundle(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{0, 0})
	f.Add(appendFrame(appendFrame(nil, []byte("a")), []byte(`{"id":"le_00000000000000000000000000"}`)))
	f.Add([]byte{255, 255, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		entries, err := frames(b)
		var again []byte
		for i, entry := range entries {
			again = appendFrame(again, entry)
			decode(int64(i), entry)
		}
		if err == nil && !bytes.Equal(again, b) {
			t.Error("not what was read")
		}
		for n := range 4 {
			if part, err := cut(b, n); err == nil && !bytes.HasPrefix(b, part) {
				t.Error("not a beginning")
			}
		}
		// Whatever a bundle holds, verifying it says what is wrong and no more.
		v := &verification{differ: map[node]*difference{}, replaced: map[node]bool{}}
		hashes := make([]byte, 3*tlog.HashSize)
		if len(entries) > 1 {
			h := tlog.RecordHash(entries[1])
			copy(hashes[tlog.HashSize:], h[:])
		}
		v.bundle(0, 3, &bundle{entries: b, size: 3}, hashes)
	})
}

// Article 22: in a forged copy of any length the search for what an entry's length was is over after
// a while, and each of its bundles is found to be wrong all the same.
func TestArticle22_AForgedCopyIsSearchedForAWhile(t *testing.T) {
	v := &verification{differ: map[node]*difference{}, replaced: map[node]bool{}}
	frames := bytes.Repeat([]byte{0, 1, 'x'}, width)
	hashes := make([]byte, width*tlog.HashSize) // of no entry
	for n := range int64(maxSearches) {
		if _, _, err := v.bundle(n, width, &bundle{entries: frames, size: -1}, hashes); err != nil {
			t.Fatal(err)
		}
	}
	if v.searched != maxSearches {
		t.Errorf("%d searches in vain, want %d", v.searched, maxSearches)
	}
	if v.bundle(maxSearches, width, &bundle{entries: frames[:len(frames)-1], size: -1}, hashes); len(v.report.Findings) != 1 || v.report.Findings[0].Code != FoundCut {
		t.Errorf("found: %+v", v.report.Findings)
	}
}
