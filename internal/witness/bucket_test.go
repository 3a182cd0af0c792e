package witness_test

import (
	"errors"
	"net/http/httptest"
	"testing"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"wardkeep/internal/witness"
)

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
		if n, err := p.GivenUp(t.Context()); err != nil || n != 5 {
			t.Errorf("%s: given up is %d, %v", name, n, err)
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
