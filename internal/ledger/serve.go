package ledger

import (
	"compress/gzip"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"wardkeep/internal/base/db"
)

// Handler serves the ledger to clients of transparency logs (C2SP tlog-tiles):
// GET /checkpoint, /tile/<L>/<N>[.p/<W>] and /tile/entries/<N>[.p/<W>]. Who may
// ask is decided by whoever mounts it.
func (l *Log) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /checkpoint", l.serveCheckpoint)
	mux.HandleFunc("GET /tile/{path...}", l.serveTile)
	return mux
}

func (l *Log) serveCheckpoint(w http.ResponseWriter, r *http.Request) {
	var head Root
	err := l.store.View(r.Context(), func(tx *db.Tx) (err error) {
		head, err = Head(r.Context(), tx)
		return err
	})
	if err == nil && head.Checkpoint == "" {
		err = ErrNotFound
	}
	if err != nil {
		refuse(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-cache")
	w.Write([]byte(head.Checkpoint))
}

// serveTile serves a tile or bundle of any width up to what is stored: earlier
// checkpoints need the narrower ones.
func (l *Log) serveTile(w http.ResponseWriter, r *http.Request) {
	// The raw path: an escaped one is not a tile's.
	t, err := parseTilePath(strings.TrimPrefix(r.URL.EscapedPath(), "/"))
	if err != nil {
		refuse(w, r, err)
		return
	}
	var data []byte
	err = l.store.View(r.Context(), func(tx *db.Tx) (err error) {
		data, err = t.read(r.Context(), tx)
		return err
	})
	if err != nil {
		refuse(w, r, err)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/octet-stream")
	// What a path holds never changes, whatever its width.
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	if t.level >= 0 {
		w.Write(data)
		return
	}
	// The specification lets entries be compressed without negotiation; hashes
	// can't be.
	h.Set("Content-Encoding", "gzip")
	z, _ := gzip.NewWriterLevel(w, gzip.BestSpeed) // the level is a constant that exists
	z.Write(data)
	z.Close()
}

// refuse answers what can't be served. Nothing of err goes out.
func refuse(w http.ResponseWriter, r *http.Request, err error) {
	w.Header().Set("Cache-Control", "no-store")
	if errors.Is(err, ErrNotFound) || errors.Is(err, ErrOutside) {
		http.Error(w, "not found", http.StatusNotFound)
		return
	}
	slog.ErrorContext(r.Context(), "ledger: not served", "path", r.Pattern, "error", err)
	http.Error(w, "internal", http.StatusInternalServerError)
}

// A tilePath is what a path names. Level -1 is that of the bundles.
type tilePath struct {
	level int
	n     int64
	width int // 1 to 256
}

// path returns the only path of t: "tile/0/x001/234.p/17".
func (t tilePath) path() string {
	level := "entries"
	if t.level >= 0 {
		level = strconv.Itoa(t.level)
	}
	n := t.n
	digits := three(n % 1000)
	for n /= 1000; n > 0; n /= 1000 {
		digits = "x" + three(n%1000) + "/" + digits
	}
	if t.width < width {
		digits += ".p/" + strconv.Itoa(t.width)
	}
	return "tile/" + level + "/" + digits
}

func three(n int64) string { return strconv.FormatInt(1000+n, 10)[1:] }

// parseTilePath reads what path writes, and refuses every other spelling.
func parseTilePath(path string) (tilePath, error) {
	if len(path) > 80 {
		return tilePath{}, ErrNotFound
	}
	f := strings.Split(path, "/")
	if len(f) < 3 || f[0] != "tile" {
		return tilePath{}, ErrNotFound
	}
	t := tilePath{level: -1, width: width}
	if f[1] != "entries" {
		level, err := strconv.Atoi(f[1])
		if err != nil || level < 0 || level > 63 {
			return tilePath{}, ErrNotFound
		}
		t.level = level
	}
	f = f[2:]
	if n := len(f); n >= 2 && strings.HasSuffix(f[n-2], ".p") {
		w, err := strconv.Atoi(f[n-1])
		if err != nil || w < 1 || w >= width {
			return tilePath{}, ErrNotFound
		}
		t.width = w
		f[n-2] = strings.TrimSuffix(f[n-2], ".p")
		f = f[:n-1]
	}
	for _, digits := range f {
		n, err := strconv.ParseInt(strings.TrimPrefix(digits, "x"), 10, 64)
		if err != nil || n < 0 || n > 999 || t.n > maxSize {
			return tilePath{}, ErrNotFound
		}
		t.n = t.n*1000 + n
	}
	if t.n > maxSize || t.path() != path {
		return tilePath{}, ErrNotFound
	}
	return t, nil
}

// read returns what is stored under t, cut to its width, or ErrOutside if the
// tree under the head has no such tile.
func (t tilePath) read(ctx context.Context, tx *db.Tx) ([]byte, error) {
	head, err := Head(ctx, tx)
	if err != nil {
		return nil, err
	}
	if widthAt(head.Size, t.level, t.n) < t.width {
		return nil, ErrOutside
	}
	if t.level >= 0 {
		found, err := tileStore{ctx, tx}.ReadTiles([]tlog.Tile{{H: height, L: t.level, N: t.n, W: t.width}})
		if err != nil {
			return nil, err
		}
		return found[0], nil
	}
	b, err := db.One(ctx, tx, scanBundle, selectBundle+` WHERE start = $1`, t.n*width)
	if errors.Is(err, db.ErrNone) {
		err = ErrDamaged
	}
	if err != nil {
		return nil, err
	}
	return cut(b.entries, t.width)
}

// cut returns the first n entries of a bundle.
func cut(entries []byte, n int) ([]byte, error) {
	rest := entries
	for range n {
		var err error
		if _, rest, err = nextFrame(rest); err != nil {
			return nil, errors.Join(ErrDamaged, err)
		}
	}
	return entries[:len(entries)-len(rest)], nil
}
