package ledger

import (
	"bytes"
	"context"
	"encoding/binary"
	"flag"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/db/dbtest"
)

// exported fills a store, exports it, and returns its files by path.
func exported(t testing.TB, store *db.DB, n int) (dir string, files map[string][]byte, key string) {
	t.Helper()
	l, key := open(t, store)
	fill(t, store, n)
	flush(t, l)
	dir = filepath.Join(t.TempDir(), "copy")
	if err := Export(t.Context(), store, dir); err != nil {
		t.Fatal(err)
	}
	files = map[string][]byte{}
	if err := fs.WalkDir(os.DirFS(dir), ".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files[path], err = os.ReadFile(filepath.Join(dir, path))
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return dir, files, key
}

// A memory is a copy of the files of an export, for tests that change one byte
// a hundred thousand times. It is read by the code that reads directories.
func (d memory) open(_ context.Context, fn func(copied) error) error { return fn(d) }

type memory map[string][]byte

func (d memory) head(context.Context) (storedHead, error) {
	return storedHead{checkpoint: string(d["checkpoint"])}, nil
}
func (d memory) extent(context.Context) (size int64, err error) {
	for path := range d {
		if t, err := parseTilePath(path); err == nil && t.level < 0 {
			size = max(size, t.n*width+int64(t.width))
		}
	}
	return size, nil
}
func (d memory) part(ctx context.Context, n int64, w int) (*bundle, []byte, error) {
	hashes := d[tilePath{0, n, w}.path()]
	b, ok := d[tilePath{-1, n, w}.path()]
	if !ok {
		return nil, hashes, nil
	}
	return &bundle{start: n * width, entries: b, size: -1}, hashes, nil
}
func (d memory) tile(_ context.Context, level int, n int64, w int) ([]byte, error) {
	return d[tilePath{level, n, w}.path()], nil
}
func (d memory) strays(context.Context, int64, func(string)) error { return nil }

// where returns the place of the entry that the byte of a bundle belongs to,
// and whether the byte is of the length before it.
func where(bundle []byte, first int64, at int) (place int64, length bool) {
	for rest, place := bundle, first; ; place++ {
		begin := len(bundle) - len(rest)
		n := 2 + int(binary.BigEndian.Uint16(rest))
		if at < begin+n {
			return place, at < begin+2
		}
		rest = rest[n:]
	}
}

var every = flag.Bool("every", false, "change every byte of the large files too, not only some 100 of each: two minutes")

// Tampering with any byte of entries, tiles or checkpoint is found and located.
func TestInvariant7_EveryByteCounts(t *testing.T) {
	_, original, key := exported(t, dbtest.New(t), 300)
	copied := memory{}
	for path, b := range original {
		copied[path] = bytes.Clone(b)
	}
	mustVerify(t, copied, key, 300)
	if len(original) != 6 { // two bundles, two tiles, the one above, the checkpoint
		t.Fatalf("%d files", len(original))
	}
	for path, b := range copied {
		step := 1
		if len(b) > 300 && !*every {
			step = len(b)/100 | 1 // entries and hashes are alike: each kind of byte is hit many times
		}
		for at := 0; at < len(b); at += step {
			bit := byte(1) << (at % 8)
			b[at] ^= bit
			r, err := Verify(t.Context(), copied, key)
			b[at] ^= bit
			if err != nil {
				t.Fatalf("%s, byte %d: %v", path, at, err)
			}
			if problem := located(r, path, b, at); problem != "" {
				t.Fatalf("%s, byte %d: %s; found %v", path, at, problem, r.Findings)
			}
		}
	}
}

// located says what is wrong with a report about one changed byte.
func located(r Report, path string, b []byte, at int) string {
	if len(r.Findings) != 1 {
		return fmt.Sprintf("%d findings", len(r.Findings))
	}
	f := r.Findings[0]
	if f.Part != path {
		return "another part"
	}
	if f.Offset > int64(at) || int64(at) >= f.End {
		return "another byte"
	}
	tp, err := parseTilePath(path)
	switch {
	case path == "checkpoint":
		if f.Code != FoundCheckpoint {
			return "not the checkpoint"
		}
	case err != nil:
		return err.Error()
	case tp.level >= 0:
		if h := int64(at / tlog.HashSize); f.Code != FoundHashes || f.First != h || f.Last != h {
			return "another hash"
		}
	default:
		place, length := where(b, tp.n*width, at)
		want := FoundEntry
		if length {
			want = FoundLength
		}
		if f.Code != want || f.First != place || f.Last != place {
			return fmt.Sprintf("not %s of entry %d", want, place)
		}
	}
	return ""
}

// However much is damaged at once, it never passes and never stops the reader.
func TestInvariant7_DamageOfAnyExtentIsFound(t *testing.T) {
	_, original, key := exported(t, dbtest.New(t), 700)
	var paths []string
	for path := range original {
		paths = append(paths, path)
	}
	slices.Sort(paths)
	random := rand.New(rand.NewPCG(1, 2))
	for round := range 80 {
		damaged := memory{}
		for path, b := range original {
			damaged[path] = bytes.Clone(b)
		}
		for range 1 + random.IntN(4) {
			path := paths[random.IntN(len(paths))]
			b := damaged[path]
			switch at := random.IntN(len(b) + 1); random.IntN(5) {
			case 0:
				delete(damaged, path)
			case 1:
				damaged[path] = b[:min(at, max(len(b)-1, 0))]
			case 2:
				damaged[path] = append(b, b[:at]...)
				damaged[path] = append(damaged[path], 1)
			case 3:
				damaged[path] = append(bytes.Clone(original[paths[random.IntN(len(paths))]]), 'x')
			default:
				for i := at; i < min(at+40, len(b)); i++ {
					b[i] ^= 0x55
				}
				if at == len(b) {
					delete(damaged, path)
				}
			}
		}
		r, err := Verify(t.Context(), damaged, key)
		if err != nil || r.OK() {
			t.Fatalf("round %d: %v, %v", round, r, err)
		}
	}
}

// The same in a store, and the columns beside the bytes.
func TestInvariant7_EveryRowCounts(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, store *db.DB) {
		_, _, key := exported(t, store, 300)
		ctx := t.Context()
		type row struct{ table, where, column, part, code string }
		rows := []row{
			{"ledger_bundle", "start = 0", "entries", "tile/entries/000", ""},
			{"ledger_bundle", "start = 256", "entries", "tile/entries/001.p/44", ""},
			{"ledger_tile", "level = 0 AND n = 0", "hashes", "tile/0/000", FoundHashes},
			{"ledger_tile", "level = 0 AND n = 1", "hashes", "tile/0/001.p/44", FoundHashes},
			{"ledger_tile", "level = 1 AND n = 0", "hashes", "tile/1/000.p/1", FoundHashes},
			{"ledger_head", "id = 1", "root", "ledger_head, root", FoundHead},
		}
		for _, r := range rows {
			var b []byte
			view(t, store, func(tx *db.Tx) (err error) {
				b, err = db.One(ctx, tx, db.Single[[]byte], "SELECT "+r.column+" FROM "+r.table+" WHERE "+r.where)
				return err
			})
			put := func(b []byte) {
				if err := store.Update(ctx, func(tx *db.Tx) error {
					return tx.Queue(ctx, "UPDATE "+r.table+" SET "+r.column+" = $1 WHERE "+r.where, b)
				}); err != nil {
					t.Fatal(err)
				}
			}
			for i := range 12 {
				at := i * (len(b) - 1) / 11
				bad := bytes.Clone(b)
				bad[at] ^= 0x10
				put(bad)
				report, err := Verify(ctx, FromStore(store), key)
				if err != nil {
					t.Fatal(err)
				}
				if r.code == FoundHead {
					if len(report.Findings) != 1 || report.Findings[0].Code != FoundHead || report.Findings[0].Part != r.part {
						t.Errorf("%v: %v", r, report.Findings)
					}
				} else if problem := located(report, r.part, b, at); problem != "" {
					t.Errorf("%v, byte %d: %s; found %v", r, at, problem, report.Findings)
				}
			}
			put(b)
		}
		for _, damage := range []struct{ change, undo, code string }{
			{"UPDATE ledger_bundle SET min_at = min_at - 1 WHERE start = 0", "UPDATE ledger_bundle SET min_at = min_at + 1 WHERE start = 0", FoundColumn},
			{"UPDATE ledger_bundle SET max_at = max_at + 1 WHERE start = 0", "UPDATE ledger_bundle SET max_at = max_at - 1 WHERE start = 0", FoundColumn},
			{"UPDATE ledger_bundle SET size = size + 1 WHERE start = 256", "UPDATE ledger_bundle SET size = size - 1 WHERE start = 256", FoundColumn},
			{"UPDATE ledger_head SET size = size - 1", "UPDATE ledger_head SET size = size + 1", FoundHead},
			{"INSERT INTO ledger_tile (level, n, hashes) VALUES (3, 0, 'x')", "DELETE FROM ledger_tile WHERE level = 3", FoundStray},
			{"INSERT INTO ledger_bundle (start, size, min_at, max_at, entries) VALUES (512, 0, 0, 0, 'x')", "DELETE FROM ledger_bundle WHERE start = 512", FoundStray},
			{"INSERT INTO ledger_bundle (start, size, min_at, max_at, entries) VALUES (3, 0, 0, 0, 'x')", "DELETE FROM ledger_bundle WHERE start = 3", FoundStray},
		} {
			for _, statement := range []string{damage.change, damage.undo} {
				if err := store.Update(ctx, func(tx *db.Tx) error { return tx.Queue(ctx, statement) }); err != nil {
					t.Fatal(statement, err)
				}
				report, err := Verify(ctx, FromStore(store), key)
				if err != nil {
					t.Fatal(err)
				}
				bad := statement == damage.change
				if bad && (len(report.Findings) != 1 || report.Findings[0].Code != damage.code) || !bad && !report.OK() {
					t.Errorf("%s: %v", statement, report.Findings)
				}
			}
		}
	})
}

// mutate changes a copy of an export, and returns the findings as
// "code part first-last".
func mutate(t *testing.T, original map[string][]byte, key string, change func(dir string, files map[string][]byte)) (findings []string) {
	t.Helper()
	dir := t.TempDir()
	files := map[string][]byte{}
	for path, b := range original {
		files[path] = bytes.Clone(b)
		if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(path)), 0o700); err != nil {
			t.Fatal(err)
		}
		put(t, dir, path, b)
	}
	change(dir, files)
	r, err := Verify(t.Context(), FromDir(dir), key)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range r.Findings {
		if strings.Contains(f.String(), "<no value>") {
			t.Errorf("words are missing: %s", f)
		}
		findings = append(findings, fmt.Sprintf("%s %s %d-%d", strings.TrimPrefix(f.Code, "ledger.finding."), f.Part, f.First, f.Last))
	}
	return findings
}

func put(t *testing.T, dir, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, path), b, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestTamperingIsLocated(t *testing.T) {
	const bundle0, bundle1, bundle2 = "tile/entries/000", "tile/entries/001", "tile/entries/002.p/188"
	const tile0, tile1, tile2, top = "tile/0/000", "tile/0/001", "tile/0/002.p/188", "tile/1/000.p/2"
	_, original, key := exported(t, dbtest.New(t), 700)
	for name, c := range map[string]struct {
		change func(t *testing.T, dir string, f map[string][]byte)
		want   []string
	}{
		"nothing": {func(*testing.T, string, map[string][]byte) {}, nil},
		"bundle cut off": {func(t *testing.T, dir string, f map[string][]byte) {
			put(t, dir, bundle1, f[bundle1][:len(f[bundle1])-5])
		}, []string{"cut tile/entries/001 511-511"}},
		"bundle cut off at the border of an entry": {func(t *testing.T, dir string, f map[string][]byte) {
			b, _ := cut(f[bundle2], 100)
			put(t, dir, bundle2, b)
		}, []string{"cut tile/entries/002.p/188 612-699"}},
		"bundle longer": {func(t *testing.T, dir string, f map[string][]byte) {
			put(t, dir, bundle2, append(f[bundle2], 0, 1, 'x'))
		}, []string{"extra tile/entries/002.p/188 700--1"}},
		"bundle missing": {func(t *testing.T, dir string, f map[string][]byte) {
			os.Remove(filepath.Join(dir, bundle0))
		}, []string{"missing tile/entries/000 0-255"}},
		"tile missing": {func(t *testing.T, dir string, f map[string][]byte) {
			os.Remove(filepath.Join(dir, tile2))
		}, []string{"missing tile/0/002.p/188 0-187"}},
		"tile cut off": {func(t *testing.T, dir string, f map[string][]byte) {
			put(t, dir, top, f[top][:40])
		}, []string{"cut tile/1/000.p/2 1-1"}},
		"tiles swapped": {func(t *testing.T, dir string, f map[string][]byte) {
			put(t, dir, tile0, f[tile1])
			put(t, dir, tile1, f[tile0])
		}, []string{"hashes tile/0/000 0-255", "hashes tile/0/001 0-255"}},
		"bundles swapped": {func(t *testing.T, dir string, f map[string][]byte) {
			put(t, dir, bundle0, f[bundle1])
			put(t, dir, bundle1, f[bundle0])
		}, []string{"entry tile/entries/000 0-255", "entry tile/entries/001 256-511"}},
		"an entry and its hash": {func(t *testing.T, dir string, f map[string][]byte) {
			fake(f, bundle0, tile0, 17)
			put(t, dir, bundle0, f[bundle0])
			put(t, dir, tile0, f[tile0])
		}, []string{"replaced tile/entries/000, tile/0/000 0-255"}},
		"an entry, its hash and the hash above": {func(t *testing.T, dir string, f map[string][]byte) {
			fake(f, bundle0, tile0, 17)
			h := treeOf(f[tile0])
			copy(f[top], h[:])
			for _, path := range []string{bundle0, tile0, top} {
				put(t, dir, path, f[path])
			}
		}, []string{"root checkpoint -1--1"}},
		"entries in two bundles, and a tile": {func(t *testing.T, dir string, f map[string][]byte) {
			f[bundle0][40]++
			f[bundle2][40]++
			f[tile1][33]++
			for _, path := range []string{bundle0, bundle2, tile1} {
				put(t, dir, path, f[path])
			}
		}, []string{"entry tile/entries/000 0-0", "hashes tile/0/001 1-1", "entry tile/entries/002.p/188 512-512"}},
		"an entry and the checkpoint": {func(t *testing.T, dir string, f map[string][]byte) {
			f[bundle0][40]++
			put(t, dir, bundle0, f[bundle0])
			put(t, dir, "checkpoint", nil)
		}, []string{"missing checkpoint -1--1", "either tile/0/000 0-0"}},
		"a stray file": {func(t *testing.T, dir string, f map[string][]byte) {
			put(t, dir, "tile/0/003", f[tile0])
		}, []string{"stray tile/0/003 -1--1"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := mutate(t, original, key, func(dir string, f map[string][]byte) { c.change(t, dir, f) })
			if fmt.Sprint(got) != fmt.Sprint(c.want) {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
		})
	}
}

// fake changes an entry and the hash of it.
func fake(f map[string][]byte, bundle, tile string, i int) {
	entries, _ := frames(f[bundle])
	entries[i][len(entries[i])-3]++ // a digit in its body
	h := tlog.RecordHash(entries[i])
	copy(f[tile][i*tlog.HashSize:], h[:])
}

// A store that was set back is consistent in itself: only what was kept
// elsewhere can tell.
func TestARollbackShowsAgainstAnEarlierCheckpoint(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, store *db.DB) {
		ctx := t.Context()
		l, key := open(t, store)
		var kept []string
		for range 3 {
			fill(t, store, 130)
			flush(t, l)
			view(t, store, func(tx *db.Tx) error {
				head, err := Head(ctx, tx)
				kept = append(kept, head.Checkpoint)
				return err
			})
		}
		mustVerify(t, FromStore(store), key, 390, kept...)

		// Only the head is set back: the rest lies beyond it.
		c, err := OpenCheckpoint(kept[1], key)
		if err != nil {
			t.Fatal(err)
		}
		if err := store.Update(ctx, func(tx *db.Tx) error {
			return tx.Queue(ctx, `UPDATE ledger_head SET size = $1, root = $2, checkpoint = $3`, c.Size, c.Root[:], kept[1])
		}); err != nil {
			t.Fatal(err)
		}
		r, err := Verify(ctx, FromStore(store), key, kept...)
		if err != nil {
			t.Fatal(err)
		}
		codes := map[string]bool{}
		for _, f := range r.Findings {
			codes[f.Code] = true
		}
		if r.Size != 260 || !codes[FoundRollback] || !codes[FoundExtra] {
			t.Errorf("size %d, findings %v", r.Size, r.Findings)
		}

		// Another history, signed with the same key.
		other := dbtest.New(t)
		o, _ := open(t, other)
		fill(t, other, 500)
		flush(t, o)
		r, err = Verify(ctx, FromStore(other), key, kept...)
		if err != nil || len(r.Findings) != 3 || r.Findings[0].Code != FoundFork || r.Findings[0].Last != 129 {
			t.Errorf("findings %v, %v", r.Findings, err)
		}
		r, err = Verify(ctx, FromStore(other), key, strings.Replace(kept[0], "130", "131", 1))
		if err != nil || len(r.Findings) != 1 || r.Findings[0].Code != FoundEarlier {
			t.Errorf("findings %v, %v", r.Findings, err)
		}
	})
}

func TestVerifyOfAnEmptyLedger(t *testing.T) {
	store := dbtest.New(t)
	l, key := open(t, store)
	mustVerify(t, FromStore(store), key, 0)
	flush(t, l)
	mustVerify(t, FromStore(store), key, 0)
	dir := t.TempDir()
	if err := Export(t.Context(), store, dir); err != nil {
		t.Fatal(err)
	}
	mustVerify(t, FromDir(dir), key, 0)
	if err := Export(t.Context(), store, dir); err == nil {
		t.Error("an export went over another")
	}
	if _, err := Verify(t.Context(), FromDir(dir), "no key"); err == nil {
		t.Error("verified without a key")
	}
}

func BenchmarkVerify(b *testing.B) {
	store := dbtest.New(b)
	l, key := open(b, store)
	fill(b, store, 20_000)
	flush(b, l)
	for b.Loop() {
		if r, err := Verify(b.Context(), FromStore(store), key); err != nil || !r.OK() {
			b.Fatal(r, err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/20_000, "µs/entry")
}
