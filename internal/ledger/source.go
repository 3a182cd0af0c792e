package ledger

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"wardkeep/internal/base/db"
)

// A Source is a copy of the ledger that can be verified: a directory or a
// store. What it holds is not believed.
type Source interface {
	// open gives fn one unchanging view of the copy.
	open(ctx context.Context, fn func(copied) error) error
}

// copied is what can be asked of a copy. What is missing is nil, without an error.
type copied interface {
	head(ctx context.Context) (storedHead, error)
	// extent is how many entries there seem to be, when no checkpoint says so.
	extent(ctx context.Context) (int64, error)
	// part returns bundle n and its tile, in a tree where they have this width.
	part(ctx context.Context, n int64, width int) (*bundle, []byte, error)
	tile(ctx context.Context, level int, n int64, width int) ([]byte, error)
	// strays names what doesn't belong to a tree of this size.
	strays(ctx context.Context, size int64, stray func(part string)) error
}

// A storedHead is a checkpoint and, in a store, the row that it stands in.
type storedHead struct {
	checkpoint string
	row        bool
	size       int64
	root       []byte
}

// FromStore returns the ledger in a store as a source.
func FromStore(store *db.DB) Source { return inStore{store} }

type inStore struct{ store *db.DB }

func (s inStore) open(ctx context.Context, fn func(copied) error) error {
	return s.store.View(ctx, func(tx *db.Tx) error { return fn(stored{tx}) })
}

type stored struct{ tx *db.Tx }

func (s stored) head(ctx context.Context) (storedHead, error) {
	h, err := db.One(ctx, s.tx, func(row db.Row) (h storedHead, err error) {
		h.row = true
		err = row.Scan(&h.size, &h.root, &h.checkpoint)
		return h, err
	}, `SELECT size, root, checkpoint FROM ledger_head WHERE id = $1`, 1)
	if errors.Is(err, db.ErrNone) {
		return storedHead{}, nil
	}
	return h, err
}

func (s stored) extent(ctx context.Context) (int64, error) {
	last, err := db.One(ctx, s.tx, scanBundle, selectBundle+` ORDER BY start DESC LIMIT 1`)
	if errors.Is(err, db.ErrNone) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	entries, _ := frames(last.entries) // damage is found later
	return min(max(last.start, 0)+int64(max(len(entries), 1)), maxSize), nil
}

func (s stored) part(ctx context.Context, n int64, _ int) (*bundle, []byte, error) {
	var bundles []bundle
	var tiles []tile
	if err := s.tx.Together(ctx,
		db.ReadInto(&bundles, scanBundle, selectBundle+` WHERE start = $1`, n*width),
		db.ReadInto(&tiles, scanTile, selectTile+` WHERE level = $1 AND n = $2`, 0, n)); err != nil {
		return nil, nil, err
	}
	var b *bundle
	if len(bundles) == 1 {
		b = &bundles[0]
	}
	if len(tiles) == 1 {
		return b, nonNil(tiles[0].hashes), nil
	}
	return b, nil, nil
}

func (s stored) tile(ctx context.Context, level int, n int64, _ int) ([]byte, error) {
	t, err := db.One(ctx, s.tx, scanTile, selectTile+` WHERE level = $1 AND n = $2`, level, n)
	if errors.Is(err, db.ErrNone) {
		return nil, nil
	}
	return nonNil(t.hashes), err
}

func (s stored) strays(ctx context.Context, size int64, stray func(string)) error {
	if err := db.Each(ctx, s.tx, func(row db.Row) error {
		var start int64
		if err := row.Scan(&start); err != nil {
			return err
		}
		stray(fmt.Sprintf("ledger_bundle, start %d", start))
		return nil
	}, `SELECT start FROM ledger_bundle WHERE start >= $1 OR start < 0 OR start % 256 <> 0 ORDER BY start`, size); err != nil {
		return err
	}
	return db.Each(ctx, s.tx, func(row db.Row) error {
		var level, n int64
		if err := row.Scan(&level, &n); err != nil {
			return err
		}
		if level < 0 || level > 63 || widthAt(size, int(level), n) == 0 {
			stray(fmt.Sprintf("ledger_tile, level %d, n %d", level, n))
		}
		return nil
	}, `SELECT level, n FROM ledger_tile ORDER BY level, n`)
}

func nonNil(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// FromDir returns a directory as a source: a file "checkpoint" and files
// "tile/…" as C2SP tlog-tiles names them, as Export writes them.
func FromDir(dir string) Source { return inDir(dir) }

type inDir string

func (d inDir) open(_ context.Context, fn func(copied) error) error {
	root, err := os.OpenRoot(string(d))
	if err != nil {
		return err
	}
	defer root.Close()
	return fn(files{dirFiles{root}})
}

// Files are a copy of the ledger as files, wherever they lie: a file "checkpoint" and
// files "tile/…".
type Files interface {
	// Read returns what a file holds, nil without an error if there is none. It may
	// end after MaxFile bytes.
	Read(name string) ([]byte, error)
	// Walk calls each with the name of every file below "tile".
	Walk(each func(name string)) error
}

// FromFiles returns files as a source.
func FromFiles(f Files) Source { return inFiles{f} }

type inFiles struct{ files Files }

func (f inFiles) open(_ context.Context, fn func(copied) error) error { return fn(files(f)) }

type files struct{ files Files }

func (f files) read(name string) ([]byte, error) { return f.files.Read(name) }

func (f files) walk(each func(name string)) error { return f.files.Walk(each) }

type dirFiles struct{ root *os.Root }

// MaxFile is more bytes than a bundle of the longest entries has, and so than any file
// of a copy.
const MaxFile = width*(2+1<<16) + 1

// Read is that of Files.
func (f dirFiles) Read(name string) ([]byte, error) {
	file, err := f.root.Open(filepath.FromSlash(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	b, err := io.ReadAll(io.LimitReader(file, MaxFile))
	return nonNil(b), err
}

func (f files) head(context.Context) (storedHead, error) {
	b, err := f.read("checkpoint")
	return storedHead{checkpoint: string(b)}, err
}

// Walk is that of Files.
func (f dirFiles) Walk(each func(name string)) error {
	err := fs.WalkDir(f.root.FS(), "tile", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			each(path)
		}
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// extent is no more than there is room for in so many files, whatever one of them is called.
func (f files) extent(context.Context) (size int64, err error) {
	var room int64
	err = f.walk(func(path string) {
		if t, err := parseTilePath(path); err == nil && t.level < 0 {
			size = max(size, min(t.n*width+int64(t.width), maxSize))
			room += width
		}
	})
	return min(size, room), err
}

func (f files) part(ctx context.Context, n int64, w int) (*bundle, []byte, error) {
	entries, err := f.read(tilePath{-1, n, w}.path())
	if err != nil {
		return nil, nil, err
	}
	t, err := f.tile(ctx, 0, n, w)
	if entries == nil {
		return nil, t, err
	}
	return &bundle{start: n * width, entries: entries, size: -1}, t, err // a file has no columns
}

func (f files) tile(_ context.Context, level int, n int64, w int) ([]byte, error) {
	return f.read(tilePath{level, n, w}.path())
}

func (f files) strays(_ context.Context, size int64, stray func(string)) error {
	return f.walk(func(path string) {
		t, err := parseTilePath(path)
		if err != nil || widthAt(size, t.level, t.n) != t.width {
			stray(path)
		}
	})
}

// Export writes a copy of the ledger into dir, which must be empty or missing:
// what FromDir reads, and what can be served as files to any client of C2SP
// tlog-tiles. The checkpoint comes last: a copy without one is unfinished.
func Export(ctx context.Context, store *db.DB, dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if there, err := os.ReadDir(dir); err != nil || len(there) > 0 {
		return errors.Join(err, fmt.Errorf("ledger: %s is not empty", dir))
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	return store.View(ctx, func(tx *db.Tx) error {
		return Copy(ctx, tx, func(name string, file []byte) error { return write(root, name, file) })
	})
}

// Copy calls put with each file of a copy of the ledger, in the order of Export, holding
// one at a time.
func Copy(ctx context.Context, tx *db.Tx, put func(name string, file []byte) error) error {
	head, err := Head(ctx, tx)
	if err != nil {
		return err
	}
	if err := db.Each(ctx, tx, func(row db.Row) error {
		b, err := scanBundle(row)
		if err != nil {
			return err
		}
		n := b.start / width
		return put(tilePath{-1, n, widthAt(head.Size, -1, n)}.path(), b.entries)
	}, selectBundle+` WHERE start < $1 ORDER BY start`, head.Size); err != nil {
		return err
	}
	if err := db.Each(ctx, tx, func(row db.Row) error {
		t, err := scanTile(row)
		w := widthAt(head.Size, t.level, t.n)
		if err != nil || w == 0 {
			return err
		}
		return put(tilePath{t.level, t.n, w}.path(), t.hashes[:min(len(t.hashes), w*tlog.HashSize)])
	}, selectTile+` ORDER BY level, n`); err != nil {
		return err
	}
	return put("checkpoint", []byte(head.Checkpoint))
}

func write(root *os.Root, name string, b []byte) error {
	if i := strings.LastIndexByte(name, '/'); i > 0 {
		if err := root.MkdirAll(filepath.FromSlash(name[:i]), 0o700); err != nil {
			return err
		}
	}
	return root.WriteFile(filepath.FromSlash(name), b, 0o600)
}
