package keyring

import (
	"crypto/hkdf"
	"crypto/rand"
	"fmt"
)

// sealSalt is the length of the salt in front of what Ring.Seal returns.
const sealSalt = 16

// Seal encrypts a short-lived text that belongs to no child, such as the answer
// to a request, and binds it to domain and ad. The result is 45 bytes longer
// than plain: salt, suite byte, nonce, ciphertext, tag.
//
// Each text has a key of its own, derived from the index key and a random salt
// (HKDF, RFC 5869), so no number of texts wears a key out, and rotating the
// pools leaves them readable. What must die with a child is sealed under the
// child's key instead. Errors: ErrNoRing.
func (r *Ring) Seal(domain string, plain []byte, ad ...string) ([]byte, error) {
	k := r.load()
	if k == nil {
		return nil, ErrNoRing
	}
	salt := make([]byte, sealSalt)
	rand.Read(salt) // never fails (crypto/rand)
	b, err := k.index.sealer(domain, salt, k.current.suite)
	if err != nil {
		return nil, fmt.Errorf("seal in %s: %w", domain, err)
	}
	return append(salt, b.seal(plain, bind(labelRing, append([]string{domain}, ad...)...))...), nil
}

// Open decrypts what Seal made, under whichever suite. Errors: ErrNoRing; ErrOpen,
// which doesn't say why, if anything differs.
func (r *Ring) Open(domain string, sealed []byte, ad ...string) ([]byte, error) {
	k := r.load()
	if k == nil {
		return nil, ErrNoRing
	}
	if len(sealed) <= sealSalt {
		return nil, ErrOpen
	}
	salt, rest := sealed[:sealSalt], sealed[sealSalt:]
	b, err := k.index.sealer(domain, salt, suiteByte(rest[0]))
	if err != nil {
		return nil, ErrOpen
	}
	return b.open(rest, bind(labelRing, append([]string{domain}, ad...)...))
}

// sealer derives the cipher of one text. Its label keeps it apart from the
// hashes of the same domain.
func (x *index) sealer(domain string, salt []byte, s suiteByte) (box, error) {
	key, err := hkdf.Key(x.hash, x.key, salt, "wardkeep seal v1 "+domain, materialLen)
	if err != nil {
		return box{}, err
	}
	defer clear(key)
	return (*material)(key).box(s)
}
