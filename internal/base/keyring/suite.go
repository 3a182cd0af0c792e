package keyring

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"

	"github.com/emmansun/gmsm/sm3"
	"github.com/emmansun/gmsm/sm4"
)

// A Suite is a family of algorithms. What was made under one suite stays
// readable when another is configured: every ciphertext names its own.
type Suite string

// The suites. The cipher is an AEAD with a random nonce of 96 bits; the hash
// serves Ring.Index.
const (
	AES256GCM Suite = "aes-256-gcm" // NIST SP 800-38D; SHA-256; the default
	SM4GCM    Suite = "sm4-gcm"     // GB/T 32907, RFC 8998; SM3 (GB/T 32905)
)

var suites = map[Suite]suiteByte{AES256GCM: suiteAES, SM4GCM: suiteSM4}

// ParseSuite returns the suite of that name; the empty name is AES256GCM.
func ParseSuite(name string) (Suite, error) {
	if name == "" {
		return AES256GCM, nil
	}
	if _, ok := suites[Suite(name)]; !ok {
		return "", fmt.Errorf("suite %q: %w", name, ErrSuite)
	}
	return Suite(name), nil
}

// hash returns the constructor of the suite's hash of 32 bytes.
func (s Suite) hash() func() hash.Hash {
	if s == SM4GCM {
		return sm3.New
	}
	return sha256.New
}

// suiteByte is the first byte of every ciphertext.
type suiteByte byte

const (
	suiteAES suiteByte = 1
	suiteSM4 suiteByte = 2
)

// material is a key for each suite: 32 bytes for AES-256, then 16 for SM4. They
// are independent, so that no key ever serves two ciphers, and each child can
// be sealed for under either without deriving anything.
type material [materialLen]byte

const materialLen = 32 + 16

// box seals and opens under one key of one suite. The zero box does neither.
type box struct {
	suite suiteByte
	aead  cipher.AEAD
}

// box returns the cipher of suite s.
func (m *material) box(s suiteByte) (box, error) {
	switch s {
	case suiteAES:
		block, err := aes.NewCipher(m[:32])
		if err != nil {
			return box{}, err
		}
		gcm, err := cipher.NewGCMWithRandomNonce(block)
		return box{s, gcm}, err
	case suiteSM4:
		block, err := sm4.NewCipher(m[32:])
		if err != nil {
			return box{}, err
		}
		gcm, err := cipher.NewGCM(block)
		return box{s, gcm}, err
	}
	return box{}, ErrSuite
}

// seal returns suite byte, nonce (12), ciphertext and tag (16).
func (b box) seal(plain, ad []byte) []byte {
	n := b.aead.NonceSize() // 0 where the AEAD brings its own nonce
	out := make([]byte, 1+n, 1+n+len(plain)+b.aead.Overhead())
	out[0] = byte(b.suite)
	if n == 0 {
		return b.aead.Seal(out, nil, plain, ad)
	}
	rand.Read(out[1:]) // never fails (crypto/rand)
	return b.aead.Seal(out, out[1:], plain, ad)
}

// open undoes seal. It says no more than that it failed.
func (b box) open(sealed, ad []byte) ([]byte, error) {
	if b.aead == nil {
		return nil, ErrOpen
	}
	n := b.aead.NonceSize()
	if len(sealed) < 1+n || sealed[0] != byte(b.suite) {
		return nil, ErrOpen
	}
	plain, err := b.aead.Open(nil, sealed[1:1+n], sealed[1+n:], ad)
	if err != nil {
		return nil, ErrOpen
	}
	return plain, nil
}

// A label keeps what is sealed for one use from opening in another.
type label byte

const (
	labelValue  label = 'v' // a value, under a child key
	labelChild  label = 'c' // a child key, under a pool key
	labelStored label = 's' // a stored key, under a KEK
	labelFile   label = 'f' // anything, under the key of a key file
	labelIndex  label = 'i' // the input of a keyed hash
	labelRing   label = 'r' // a text of no child, under a key derived from the index key
)

// bind returns label and parts as associated data. Each part has its length
// before it, so that ("a", "bc") is not ("ab", "c").
func bind(l label, parts ...string) []byte {
	n := 1
	for _, p := range parts {
		n += 4 + len(p)
	}
	out := append(make([]byte, 0, n), byte(l))
	for _, p := range parts {
		out = binary.BigEndian.AppendUint32(out, uint32(len(p)))
		out = append(out, p...)
	}
	return out
}
