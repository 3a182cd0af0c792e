package wardkeep

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// A Party is a processor or a recipient that asks by itself. It signs each request with a key
// of its own (RFC 9421), whose private half never leaves it: there is nothing to steal on the
// way, and nothing to share. It is safe for concurrent use.
type Party struct {
	c *Client

	// As is the address that the server says it is reached by, where the requests go through
	// another one, such as an internal proxy. It is what is signed; empty: the one called.
	As string
	// Now is the clock; time.Now if nil.
	Now func() time.Time
}

// ForParty returns what a party calls the server at base with. Key is the name under which the
// operator has bound the public half of the signer, "kp_…". The signer is an ed25519.PrivateKey,
// or whatever holds one, such as an HSM.
func ForParty(base, key string, signer crypto.Signer) (*Party, error) {
	if _, ok := signer.Public().(ed25519.PublicKey); !ok {
		return nil, errors.New("wardkeep: a party signs with an Ed25519 key")
	}
	c, err := New(base, "", "")
	if err != nil {
		return nil, err
	}
	p := &Party{c: c}
	c.sign = func(q *http.Request, body []byte) error {
		now := time.Now
		if p.Now != nil {
			now = p.Now
		}
		return sign(q, body, p.As, key, signer, now())
	}
	return p, nil
}

// With sets how the client calls: c's HTTP, Lang, Tries and Wait. It returns p.
func (p *Party) With(c *Client) *Party {
	p.c.HTTP, p.c.Lang, p.c.Tries, p.c.Wait = c.HTTP, c.Lang, c.Tries, c.Wait
	return p
}

// Standing returns how the party stands, what it may have, and until when.
func (p *Party) Standing(ctx context.Context) (PartyStanding, error) {
	var out PartyStanding
	_, err := p.c.call(ctx, request{method: http.MethodGet, path: "/v1/party", out: &out})
	return out, err
}

// Read returns values of a child that the operator's app has introduced under a handle, for one
// purpose: what the agreement, or the assessment, and a guardian's yes give the party. An item
// that is not held is missing. Errors: ErrDenied with reasons, ErrOverQuota.
func (p *Party) Read(ctx context.Context, handle string, r Reading) (Values, error) {
	var out Values
	h, err := p.c.call(ctx, request{method: http.MethodPost, path: "/v1/party/children/" + url.PathEscape(handle) + "/items:read", in: r, out: &out})
	out.Entry = h.Get(entryHeader)
	return out, err
}

// Introduce returns the handle by which a party asks for something of a child; the app gives it
// to the party.
func (c *Client) Introduce(ctx context.Context, child string, i Introduction) (Handle, error) {
	var out Handle
	_, err := c.call(ctx, request{method: http.MethodPost, path: c.path("children", url.PathEscape(child), "handles"), in: i, out: &out, once: true})
	return out, err
}

// sign signs a request as the server wants it: method, address, body, and the headers that
// change what is done. Each try is signed anew, with a nonce of its own.
func sign(q *http.Request, body []byte, as, key string, signer crypto.Signer, now time.Time) error {
	target := *q.URL
	target.Fragment, target.Host = "", strings.ToLower(target.Host) // RFC 9421, section 2.2.2
	address := target.String()
	if as != "" {
		u, err := url.Parse(strings.TrimRight(as, "/"))
		if err != nil || u.Host == "" {
			return errors.New("wardkeep: the address to be signed has a scheme and a host")
		}
		u.Host = strings.ToLower(u.Host)
		address = u.String() + q.URL.RequestURI()
	}
	type component struct{ name, value string }
	cover := []component{{"@method", q.Method}, {"@target-uri", address}}
	if body != nil {
		sum := sha256.Sum256(body)
		q.Header.Set("Content-Digest", "sha-256=:"+base64.StdEncoding.EncodeToString(sum[:])+":")
		cover = append(cover, component{"content-digest", q.Header.Get("Content-Digest")})
	}
	for _, name := range []string{"idempotency-key", "if-match"} {
		if v := q.Header.Get(name); v != "" {
			cover = append(cover, component{name, v})
		}
	}
	var base strings.Builder
	var names []string
	for _, c := range cover {
		base.WriteString(`"` + c.name + `": ` + c.value + "\n")
		names = append(names, `"`+c.name+`"`)
	}
	nonce := make([]byte, 16)
	rand.Read(nonce)
	params := "(" + strings.Join(names, " ") + ");created=" + strconv.FormatInt(now.Unix(), 10) +
		`;nonce="` + base64.StdEncoding.EncodeToString(nonce) + `";keyid="` + key + `";alg="ed25519";tag="wardkeep"`
	base.WriteString(`"@signature-params": ` + params)
	signature, err := signer.Sign(rand.Reader, []byte(base.String()), crypto.Hash(0))
	if err != nil {
		return errors.New("wardkeep: the key didn't sign")
	}
	q.Header.Set("Signature-Input", "wardkeep="+params)
	q.Header.Set("Signature", "wardkeep=:"+base64.StdEncoding.EncodeToString(signature)+":")
	return nil
}
