package party

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"testing"
)

// By a key of small order everybody signs: the signature of the point 1 and the number 0 is
// good for about one text in eight, and there are many nonces. None of them is bound.
func TestArticle16_NoKeyByWhichEverybodySigns(t *testing.T) {
	one := make([]byte, ed25519.SignatureSize)
	one[0] = 1
	for _, s := range small {
		raw, err := hex.DecodeString(s)
		if err != nil {
			t.Fatal(err)
		}
		forged := false
		for n := range 200 {
			forged = forged || ed25519.Verify(raw, []byte{byte(n)}, one)
		}
		if !forged {
			t.Errorf("%s is no such key", s)
		}
		for _, sign := range []byte{0, 0x80} {
			raw[31] |= sign
			if _, err := ParseKey(base64.StdEncoding.EncodeToString(raw)); !errors.Is(err, ErrKeyWeak) {
				t.Errorf("%x: %v", raw, err)
			}
		}
	}
}

// A key is read as openssl writes it and as base64; its private half is told to be one.
func TestArticle16_OnlyThePublicHalfOfAKeyIsTaken(t *testing.T) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	in := func(kind string, der []byte, err error) string {
		if err != nil {
			t.Fatal(err)
		}
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	pkix, failed := x509.MarshalPKIXPublicKey(public)
	spki := in("PUBLIC KEY", pkix, failed)
	pkcs8, failed := x509.MarshalPKCS8PrivateKey(private)
	text := base64.StdEncoding.EncodeToString
	for name, c := range map[string]struct {
		text string
		want error
	}{
		"as openssl writes it": {spki, nil},
		"as base64":            {"  " + text(public) + "\n", nil},
		"the private half":     {in("PRIVATE KEY", pkcs8, failed), ErrKeyPrivate},
		"… of openssh":         {"-----BEGIN OPENSSH PRIVATE KEY-----", ErrKeyPrivate},
		"… as base64":          {text(private), ErrKeyPrivate},
		"half of it":           {text(public[:16]), ErrKeyForm},
		"nothing":              {"", ErrKeyForm},
		"two":                  {spki + spki, ErrKeyForm},
		"another kind":         {in("CERTIFICATE", pkix[:10], nil), ErrKeyForm},
		"a word":               {"王小明", ErrKeyForm},
	} {
		got, err := ParseKey(c.text)
		if !errors.Is(err, c.want) || err == nil && !got.Equal(public) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
