package keyring

import (
	"bytes"
	"errors"
	"testing"
)

func TestArticle13_ASealedTextOpensOnlyWhereItBelongs(t *testing.T) {
	for _, suite := range []Suite{AES256GCM, SM4GCM} {
		r, _, _ := fresh(t, suite)
		plain := []byte("an answer")
		sealed, err := r.Seal("answers", plain, "ak_1", "slot")
		if err != nil {
			t.Fatal(err)
		}
		if len(sealed) != len(plain)+45 || bytes.Contains(sealed, plain) {
			t.Errorf("%s: sealed is %d bytes", suite, len(sealed))
		}
		if got, err := r.Open("answers", sealed, "ak_1", "slot"); err != nil || !bytes.Equal(got, plain) {
			t.Errorf("%s: Open = %q, %v", suite, got, err)
		}
		again, err := r.Seal("answers", plain, "ak_1", "slot")
		if err != nil || bytes.Equal(again, sealed) {
			t.Errorf("%s: two sealings are equal (%v)", suite, err)
		}
		for name, open := range map[string]func() ([]byte, error){
			"another domain": func() ([]byte, error) { return r.Open("questions", sealed, "ak_1", "slot") },
			"another owner":  func() ([]byte, error) { return r.Open("answers", sealed, "ak_2", "slot") },
			"parts joined":   func() ([]byte, error) { return r.Open("answers", sealed, "ak_1slot") },
			"cut short":      func() ([]byte, error) { return r.Open("answers", sealed[:16], "ak_1", "slot") },
			"nothing":        func() ([]byte, error) { return r.Open("answers", nil, "ak_1", "slot") },
		} {
			if got, err := open(); !errors.Is(err, ErrOpen) || got != nil {
				t.Errorf("%s: %s: Open = %q, %v", suite, name, got, err)
			}
		}
		for i := range sealed {
			changed := bytes.Clone(sealed)
			changed[i] ^= 1
			if _, err := r.Open("answers", changed, "ak_1", "slot"); !errors.Is(err, ErrOpen) {
				t.Fatalf("%s: byte %d changed: %v", suite, i, err)
			}
		}
	}
	var zero Ring
	if _, err := zero.Seal("answers", nil); !errors.Is(err, ErrNoRing) {
		t.Errorf("zero Seal: %v", err)
	}
	if _, err := zero.Open("answers", make([]byte, 64)); !errors.Is(err, ErrNoRing) {
		t.Errorf("zero Open: %v", err)
	}
}
