package witness_test

import (
	"bytes"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"wardkeep/internal/ledger"
	"wardkeep/internal/witness"
)

// A store of objects that sends without end fills no memory.
func TestEdgeCase15_ABucketThatSendsWithoutEndIsAway(t *testing.T) {
	sent := 0
	page := []byte(strings.Repeat("<Contents><Key>"+strings.Repeat("a", 1000)+"</Key></Contents>", 100))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Write([]byte("<ListBucketResult>"))
		for r.Context().Err() == nil {
			n, err := w.Write(page)
			if sent += n; err != nil || sent > 64<<20 {
				return
			}
		}
	}))
	defer server.Close()
	bucket, err := witness.OpenBucket(witness.BucketConfig{Endpoint: server.URL, Region: "cn-test", Name: "kept", Access: "key", Secret: "secret"})
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = (witness.Place{Shelf: bucket}).Newest(t.Context(), 0)
	server.Close() // what it has sent is counted
	if !errors.Is(err, witness.ErrAway) || sent > 32<<20 {
		t.Errorf("%d bytes are read: %v", sent, err)
	}
}

// Two processes may write one file at the same time: neither cuts off what the other writes.
func TestEdgeCase15_EachWritesUnderANameOfItsOwn(t *testing.T) {
	dir := t.TempDir()
	l := newTree(t, 1).grow("a")
	text, c := l.at(1)
	other := filepath.Join(dir, ".part-"+witness.Mark(c)+".checkpoint")
	half := []byte(text[:9])
	if err := os.WriteFile(other, half, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := (witness.Place{Shelf: witness.Folder(dir), Key: l.key}).Keep(t.Context(), c, text); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(other); err != nil || !bytes.Equal(b, half) {
		t.Errorf("another's part is %q, %v", b, err)
	}
	if names, err := filepath.Glob(filepath.Join(dir, ".part-*")); err != nil || len(names) != 1 {
		t.Errorf("left are %q, %v", names, err)
	}
}

// A bucket of an object store keeps what a folder does, by the protocol that both speak.
func TestEdgeCase15_ABucketKeepsWhatAFolderKeeps(t *testing.T) {
	store := s3mem.New()
	if err := store.CreateBucket("kept"); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(gofakes3.New(store).Server())
	defer server.Close()
	bucket, err := witness.OpenBucket(witness.BucketConfig{Endpoint: server.URL, Region: "cn-test", Name: "kept", Prefix: "a/", Access: "key", Secret: "secret"})
	if err != nil {
		t.Fatal(err)
	}
	other, err := witness.OpenBucket(witness.BucketConfig{Endpoint: server.URL, Region: "cn-test", Name: "missing", Access: "key", Secret: "secret"})
	if err != nil {
		t.Fatal(err)
	}
	for name, shelf := range map[string]witness.Shelf{"bucket": bucket, "folder": witness.Folder(t.TempDir())} {
		l := newTree(t, 1).grow("a", "b", "c", "d", "e")
		p := witness.Place{Name: name, Shelf: shelf, Key: l.key}
		if c, text, err := p.Newest(t.Context(), 0); err != nil || c.Size != 0 || text != "" {
			t.Errorf("%s: empty: %d, %q, %v", name, c.Size, text, err)
		}
		if _, _, err := p.Newest(t.Context(), 3); !errors.Is(err, witness.ErrEmptied) {
			t.Errorf("%s: emptied: %v", name, err)
		}
		for _, size := range []int64{2, 5, 3} {
			text, c := l.at(size)
			if err := p.Keep(t.Context(), c, text); err != nil {
				t.Fatal(name, err)
			}
		}
		want, last := l.at(5)
		for _, from := range []int64{0, 2, 5} {
			if c, text, err := p.Newest(t.Context(), from); err != nil || c != last || text != want {
				t.Errorf("%s: from %d: %d, %v", name, from, c.Size, err)
			}
		}
		if err := p.GiveUp(t.Context(), last); err != nil {
			t.Fatal(name, err)
		}
		if c, _, err := p.Newest(t.Context(), 0); err != nil || c.Size != 3 {
			t.Errorf("%s: after 5 was given up: %d, %v", name, c.Size, err)
		}
		if n, err := p.GivenUp(t.Context(), 0); err != nil || n != 5 {
			t.Errorf("%s: given up is %d, %v", name, n, err)
		}
		var seen []int64
		if err := p.Each(t.Context(), 2, func(c ledger.Checkpoint, _ string) (bool, error) {
			seen = append(seen, c.Size)
			return true, nil
		}); err != nil || !slices.Equal(seen, []int64{3, 2}) {
			t.Errorf("%s: those that count are %d, %v", name, seen, err)
		}
	}
	if _, _, err := (witness.Place{Shelf: other}).Newest(t.Context(), 0); !errors.Is(err, witness.ErrAway) {
		t.Errorf("there is no bucket: %v", err)
	}
	server.Close()
	if _, _, err := (witness.Place{Shelf: bucket}).Newest(t.Context(), 0); !errors.Is(err, witness.ErrAway) {
		t.Errorf("there is no server: %v", err)
	}
}
