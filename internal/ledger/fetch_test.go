package ledger

import (
	"bytes"
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"wardkeep/internal/base/db/dbtest"
)

// A giver serves a copy of a ledger, in which it lies.
type giver struct {
	*httptest.Server
	asked atomic.Int64
	keys  atomic.Int64 // that it was shown
}

func gives(t *testing.T, answer http.HandlerFunc) *giver {
	g := new(giver)
	g.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g.asked.Add(1)
		if r.Header.Get("Authorization") != "" {
			g.keys.Add(1)
		}
		answer(w, r)
	}))
	t.Cleanup(g.Close)
	return g
}

// endless answers for as long as somebody reads.
func endless(w http.ResponseWriter) {
	for b := bytes.Repeat([]byte("x"), 1<<16); ; {
		if _, err := w.Write(b); err != nil {
			return
		}
	}
}

// bytesIn is how much lies in a folder.
func bytesIn(t *testing.T, dir string) (n int64) {
	t.Helper()
	err := fs.WalkDir(os.DirFS(dir), ".", func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		n += info.Size()
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// Edge case 15: how much there is to fetch says who signs the ledger, and not who
// answers; and a key of an app goes to the server that was named, and nowhere else.
func TestEdgeCase15_ALyingServerIsAskedForNothingMore(t *testing.T) {
	dir, copied, key := exported(t, dbtest.New(t), 300)
	truth := http.FileServer(http.Dir(dir))
	checkpoint := string(copied["checkpoint"])
	other, otherKey, err := NewSigner("wardkeep", bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := sign("wardkeep", 1<<40, [32]byte{}, other)
	if err != nil {
		t.Fatal(err)
	}
	fetch := func(g *giver) (string, error) {
		to := filepath.Join(t.TempDir(), "fetched")
		return to, Fetch(t.Context(), g.URL+"/", "wk_secret", key, to)
	}
	says := func(text string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/checkpoint" {
				w.Write([]byte(text))
				return
			}
			endless(w)
		}
	}
	for what, c := range map[string]struct {
		answer http.HandlerFunc
		want   error
		asked  int64 // at most
	}{
		"a size that nobody signed":   {says(strings.Replace(checkpoint, "\n300\n", "\n281474976710656\n", 1)), ErrCopyForeign, 1},
		"no signature":                {says("wardkeep\n281474976710656\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\n"), ErrCopyForeign, 1},
		"another's signature":         {says(foreign), ErrCopyForeign, 1},
		"nothing":                     {says(""), ErrCopyForeign, 1},
		"a checkpoint without an end": {func(w http.ResponseWriter, _ *http.Request) { endless(w) }, ErrCopyDamaged, 1},
		"a bundle without an end":     {says(checkpoint), ErrCopyDamaged, 2},
		"a tile that is too long": {func(w http.ResponseWriter, r *http.Request) {
			if strings.HasPrefix(r.URL.Path, "/tile/0/") {
				endless(w)
				return
			}
			truth.ServeHTTP(w, r)
		}, ErrCopyDamaged, 4},
	} {
		g := gives(t, c.answer)
		to, err := fetch(g)
		if !errors.Is(err, c.want) || g.asked.Load() > c.asked {
			t.Errorf("%s: %v after %d requests", what, err, g.asked.Load())
		}
		if n := bytesIn(t, to); n > int64(len(copied["tile/entries/000"])+len(copied["tile/entries/001.p/44"])) {
			t.Errorf("%s: %d bytes are kept", what, n)
		}
		if err != nil && strings.Contains(err.Error(), "wk_secret") {
			t.Errorf("%s: the error says the key", what)
		}
	}
	if _, err := OpenCheckpoint(foreign, otherKey); err != nil {
		t.Errorf("what another has signed isn't signed: %v", err)
	}

	// Elsewhere is another port, too.
	stranger := gives(t, truth.ServeHTTP)
	astray := gives(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, stranger.URL+r.URL.Path, http.StatusTemporaryRedirect)
	})
	if _, err := fetch(astray); !errors.Is(err, ErrUnreached) || stranger.asked.Load() != 0 || astray.keys.Load() != 1 {
		t.Errorf("led astray: %v; the stranger was asked %d times", err, stranger.asked.Load())
	}

	// Who tells the truth is believed, wherever on its server that lies.
	honest := gives(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/v1/") {
			http.StripPrefix("/v1", truth).ServeHTTP(w, r)
			return
		}
		http.Redirect(w, r, "/v1"+r.URL.Path, http.StatusTemporaryRedirect)
	})
	to, err := fetch(honest)
	if err != nil {
		t.Fatal(err)
	}
	mustVerify(t, FromDir(to), key, 300)
}
