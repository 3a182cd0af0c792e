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
	"time"

	"wardkeep/internal/catalog"
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

// A party that is suspended or has ended gets nothing, and may still tell what it owes: until
// its key is revoked, or long over.
func TestArticle16_WhoHasEndedMayStillTell(t *testing.T) {
	now := time.Date(2026, 6, 1, 4, 0, 0, 0, time.UTC)
	of := ID{Service: "xiaoxi", Role: Processor, Name: "yuping"}
	term := Term{ID: "pp_1", Kind: Agreed, From: now.Add(-time.Hour), Until: now.Add(time.Hour)}
	for name, c := range map[string]struct {
		change     func(c *Client, s *catalog.Service)
		asks, says error
	}{
		"all is in order":          {func(*Client, *catalog.Service) {}, nil, nil},
		"suspended":                {func(c *Client, _ *catalog.Service) { c.Standing.Halted = Incident }, ErrHalted, nil},
		"with a sub-processor":     {func(c *Client, _ *catalog.Service) { c.Standing.Subs = []string{"x"} }, ErrEntrusts, nil},
		"not assessed any more":    {func(c *Client, _ *catalog.Service) { c.Standing.Assessment.Until = now }, ErrHalted, nil},
		"the agreement ends now":   {func(c *Client, _ *catalog.Service) { c.Standing.Agreement.Until, c.Key.Until = now, now }, ErrOver, nil},
		"the agreement begins":     {func(c *Client, _ *catalog.Service) { c.Standing.Agreement.From = now.Add(1) }, ErrNotYet, nil},
		"another agreement":        {func(c *Client, _ *catalog.Service) { c.Standing.Agreement.ID = "pp_2" }, ErrKeyOther, nil},
		"the key ends now":         {func(c *Client, _ *catalog.Service) { c.Key.Until = now }, ErrKeyOver, nil},
		"long over":                {func(c *Client, _ *catalog.Service) { c.Key.Until = now.Add(-Lingers) }, ErrKeyOver, ErrKeyOver},
		"revoked":                  {func(c *Client, _ *catalog.Service) { c.Key.RevokedAt = now }, ErrKeyRevoked, ErrKeyRevoked},
		"the service ends":         {func(_ *Client, s *catalog.Service) { s.Closed = catalog.All }, ErrClosed, nil},
		"a purpose ends":           {func(_ *Client, s *catalog.Service) { s.Closed = "speaking" }, nil, nil},
		"another service":          {func(_ *Client, s *catalog.Service) { s.Name = "other" }, ErrKeyNotFound, nil},
		"another party's standing": {func(c *Client, _ *catalog.Service) { c.Standing.Name = "other" }, ErrKeyNotFound, ErrKeyNotFound},
		"nobody":                   {func(c *Client, _ *catalog.Service) { *c = Client{} }, ErrKeyNotFound, ErrKeyNotFound},
	} {
		s := catalog.Service{Name: "xiaoxi"}
		client := Client{Key: Key{ID: "kp_1", Party: of, Paper: "pp_1", Until: now.Add(time.Hour)},
			Standing: Standing{ID: of, Assessment: Term{ID: "pp_0", Kind: Assessed, Passed: true, From: now.Add(-time.Hour), Until: now.Add(time.Hour)}, Agreement: term}}
		c.change(&client, &s)
		if err := client.Fault(s, now); !errors.Is(err, c.asks) {
			t.Errorf("%s: asks: %v, want %v", name, err, c.asks)
		}
		if err := client.Deaf(now); !errors.Is(err, c.says) {
			t.Errorf("%s: tells: %v, want %v", name, err, c.says)
		}
	}
}
