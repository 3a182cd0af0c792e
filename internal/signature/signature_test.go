package signature

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/dunglas/httpsfv"
)

// The example of RFC 9421, section B.2.6, with its key and its signature: what others sign, we
// verify, and no other base.
func TestArticle16_TheSignatureOfTheStandardVerifies(t *testing.T) {
	block, _ := pem.Decode([]byte("-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAJrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=\n-----END PUBLIC KEY-----"))
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequest("POST", "/foo?param=Value&Pet=dog", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header = http.Header{"Date": {"Tue, 20 Apr 2021 02:07:55 GMT"}, "Content-Type": {"application/json"}, "Content-Length": {"18"}}
	at, _ := url.Parse("https://example.com")
	const input = `sig=("date" "@method" "@path" "@authority" "content-type" "content-length");created=1618884473;keyid="test-key-ed25519"`
	d, err := httpsfv.UnmarshalDictionary([]string{input})
	if err != nil {
		t.Fatal(err)
	}
	member, _ := d.Get("sig")
	list := member.(httpsfv.InnerList)
	var s Signature
	for _, item := range list.Items {
		s.covers = append(s.covers, item.Value.(string))
	}
	if s.params, err = httpsfv.Marshal(list); err != nil {
		t.Fatal(err)
	}
	s.bytes, err = base64.StdEncoding.DecodeString("wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Verify(r, at, key.(ed25519.PublicKey)); err != nil {
		t.Error(err)
	}
	r.Method = "PUT"
	if err := s.Verify(r, at, key.(ed25519.PublicKey)); !errors.Is(err, ErrWrong) {
		t.Errorf("another method: %v", err)
	}
	if err := s.Verify(r, at, nil); !errors.Is(err, ErrWrong) {
		t.Errorf("no key: %v", err)
	}
}

// What is signed is the address that callers write, whatever a proxy made of its beginning.
func TestTarget(t *testing.T) {
	for _, c := range []struct{ at, asked, want string }{
		{"https://Wardkeep.Example", "/v1/party", "https://wardkeep.example/v1/party"},
		{"https://wardkeep.example/keep", "/v1/party?a=%2F&b", "https://wardkeep.example/keep/v1/party?a=%2F&b"},
		{"https://wardkeep.example", "/v1/a%2Fb?", "https://wardkeep.example/v1/a%2Fb?"},
		{"http://[::1]:8080", "http://elsewhere.example/v1/party", "http://[::1]:8080/v1/party"},
	} {
		r, err := http.NewRequest("GET", c.asked, nil)
		if err != nil {
			t.Fatal(err)
		}
		at, err := url.Parse(c.at)
		if err != nil {
			t.Fatal(err)
		}
		if got := Target(r, at); got != c.want {
			t.Errorf("%s at %s: got %s, want %s", c.asked, c.at, got, c.want)
		}
	}
}

// The digest is that of the body as it was read, and no other algorithm counts.
func TestDigest(t *testing.T) {
	const good = "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:"
	for name, c := range map[string]struct {
		header []string
		body   string
		want   error
	}{
		"nothing":            {nil, "", ErrMissing},
		"of nothing":         {[]string{good}, "", nil},
		"another body":       {[]string{good}, "x", ErrDigest},
		"another first":      {[]string{"sha-512=:AAAA:", good}, "", nil},
		"only another":       {[]string{"sha-512=:AAAA:"}, "", ErrMalformed},
		"twice, last counts": {[]string{good, "sha-256=:AAAA:"}, "", ErrDigest},
		"as text":            {[]string{`sha-256="x"`}, "", ErrMalformed},
		"a list":             {[]string{`sha-256=("x")`}, "", ErrMalformed},
		"nonsense":           {[]string{`:`}, "", ErrMalformed},
	} {
		h := http.Header{}
		for _, v := range c.header {
			h.Add("Content-Digest", v)
		}
		if err := Digest(h, []byte(c.body)); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
	}
}

// Whatever a stranger sends is refused by one of ours, and nothing panics.
// However far off the time in a signature is, it is told to be so by a number of seconds.
func TestArticle16_ATimeThatIsCenturiesOffIsToldAsOne(t *testing.T) {
	for created, want := range map[string]error{"999999999999999": ErrNew, "-999999999999999": ErrOld, "0": ErrOld, "62": ErrNew} {
		r, err := http.NewRequest("GET", "/v1/party", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Signature-Input", `wardkeep=("@method" "@target-uri");created=`+created+`;keyid="k";alg="ed25519";nonce="aaaaaaaaaaaaaaaaaaaaaa";tag="wardkeep"`)
		r.Header.Set("Signature", "wardkeep=:AAAA:")
		now := time.Unix(1, 0)
		if want == ErrOld {
			now = time.Unix(61, 0).Add(time.Millisecond)
		}
		_, err = Read(r, now)
		if off, is := errors.AsType[*Off](err); !is || !errors.Is(err, want) || off.Seconds < 61 {
			t.Errorf("%s: %v", created, err)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(`wardkeep=("@method" "@target-uri");created=1;keyid="k";alg="ed25519";nonce="aaaaaaaaaaaaaaaaaaaaaa";tag="wardkeep"`, "wardkeep=:AAAA:", "")
	f.Add(`a=1, b=("x";y=?1);tag="wardkeep"`, `b=(1 2)`, `sha-256=:AA==:`)
	f.Add(`a=();tag="wardkeep";created=1.5;keyid=x;nonce=:AA==:`, `a`, `:`)
	key := ed25519.NewKeyFromSeed(make([]byte, 32)).Public().(ed25519.PublicKey)
	at, _ := url.Parse("https://wardkeep.example")
	f.Fuzz(func(t *testing.T, input, signature, digest string) {
		r, err := http.NewRequest("GET", "/v1/party", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header = http.Header{"Signature-Input": {input}, "Signature": {signature}, "Content-Digest": {digest}}
		if Digest(r.Header, nil) == nil && digest == "" {
			t.Error("no digest is one")
		}
		s, err := Read(r, time.Unix(1, 0))
		if off, is := errors.AsType[*Off](err); is && off.Seconds <= 0 {
			t.Errorf("%d seconds off", off.Seconds)
		}
		if err != nil {
			return
		}
		if !s.Covers("@method") || s.Key == "" && len(s.Nonce) < minNonce {
			t.Error("it covers less than it has to")
		}
		_ = s.Verify(r, at, key)
	})
}
