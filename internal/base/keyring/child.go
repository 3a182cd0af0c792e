package keyring

import (
	"crypto/rand"
	"fmt"
)

// A ChildKey seals and opens the values of one child. It is safe for concurrent
// use. The zero ChildKey opens nothing and seals nothing.
//
// Nonces are random, 96 bits: after 2³² values under one child key the chance
// that two share a nonce is about 2⁻³³, which is where NIST SP 800-38D sets the
// limit. A child has thousands of values.
type ChildKey struct {
	redacted
	k *childKey
}

type childKey struct {
	m    *material
	fast box // of the ring's suite; the other is made when it is met
}

// newChildKey returns a childKey with room for its material, in one allocation.
func newChildKey() *childKey {
	mem := new(struct {
		k childKey
		m material
	})
	mem.k.m = &mem.m
	return &mem.k
}

// NewChildKey makes a child's key and wraps it under the current pool, bound to
// the child: wrapped (77 bytes) opens for no other. The caller stores wrapped
// and pool before it seals anything that must be opened again. Errors: ErrNoRing.
func (r *Ring) NewChildKey(child string) (key ChildKey, wrapped []byte, pool string, err error) {
	k := r.load()
	if k == nil {
		return ChildKey{}, nil, "", ErrNoRing
	}
	c := newChildKey()
	rand.Read(c.m[:]) // never fails (crypto/rand)
	if c.fast, err = c.m.box(k.current.suite); err != nil {
		return ChildKey{}, nil, "", fmt.Errorf("make a child key: %w", err)
	}
	return ChildKey{k: c}, k.current.wrapChild(child, c.m), k.current.id, nil
}

// OpenChildKey unwraps the key of a child. Errors: ErrUnknownPool when this node
// hasn't seen the pool yet, or when it is gone; ErrOpen for anything else.
func (r *Ring) OpenChildKey(child, pool string, wrapped []byte) (ChildKey, error) {
	k := r.load()
	if k == nil {
		return ChildKey{}, ErrNoRing
	}
	p := k.pools[pool]
	if p == nil {
		return ChildKey{}, ErrUnknownPool
	}
	c := newChildKey()
	if err := p.unwrapChild(child, wrapped, c.m); err != nil {
		return ChildKey{}, err
	}
	var err error
	if c.fast, err = c.m.box(k.current.suite); err != nil {
		return ChildKey{}, ErrOpen
	}
	return ChildKey{k: c}, nil
}

// RewrapChildKey moves a child's key to the current pool; the values stay as
// they are. changed is false where it is there already. The caller replaces its
// row if it still holds wrapped, so that two of these, or an erasure beside
// one, can't undo each other. Errors: as OpenChildKey.
func (r *Ring) RewrapChildKey(child, pool string, wrapped []byte) (newWrapped []byte, newPool string, changed bool, err error) {
	k := r.load()
	if k == nil {
		return nil, "", false, ErrNoRing
	}
	if pool == k.current.id {
		return wrapped, pool, false, nil
	}
	p := k.pools[pool]
	if p == nil {
		return nil, "", false, ErrUnknownPool
	}
	var m material
	defer clear(m[:])
	if err := p.unwrapChild(child, wrapped, &m); err != nil {
		return nil, "", false, err
	}
	return k.current.wrapChild(child, &m), k.current.id, true, nil
}

func (p *pool) wrapChild(child string, m *material) []byte {
	return p.box.seal(m[:], bind(labelChild, p.id, child))
}

func (p *pool) unwrapChild(child string, wrapped []byte, into *material) error {
	plain, err := p.box.open(wrapped, bind(labelChild, p.id, child))
	if err != nil {
		return err
	}
	defer clear(plain)
	if len(plain) != materialLen {
		return ErrOpen
	}
	copy(into[:], plain)
	return nil
}

// IsZero reports whether k is no key.
func (k ChildKey) IsZero() bool { return k.k == nil }

// Seal encrypts plain and binds it to ad, such as service, child, item and
// version: it opens only with the same parts in the same order. The result is
// 29 bytes longer than plain: suite byte, nonce, ciphertext, tag. The zero
// ChildKey returns nil.
func (k ChildKey) Seal(plain []byte, ad ...string) []byte {
	if k.k == nil {
		return nil
	}
	return k.k.fast.seal(plain, bind(labelValue, ad...))
}

// Intact reports whether Open would open what Seal made, and hands out nothing of
// it. It fails with ErrOpen.
func (k ChildKey) Intact(sealed []byte, ad ...string) error {
	plain, err := k.Open(sealed, ad...)
	clear(plain)
	return err
}

// Reseal seals under another key what Seal made under k, bound to other parts, and hands
// out nothing of it. It fails with ErrOpen.
func (k ChildKey) Reseal(to ChildKey, sealed []byte, from, into []string) ([]byte, error) {
	plain, err := k.Open(sealed, from...)
	if err != nil || to.k == nil {
		return nil, ErrOpen
	}
	defer clear(plain)
	return to.Seal(plain, into...), nil
}

// Open decrypts what Seal made, under whichever suite. It fails with ErrOpen,
// and doesn't say why, if anything differs: the child, ad, or a single bit.
func (k ChildKey) Open(sealed []byte, ad ...string) ([]byte, error) {
	if k.k == nil || len(sealed) == 0 {
		return nil, ErrOpen
	}
	b := k.k.fast
	if s := suiteByte(sealed[0]); s != b.suite {
		var err error
		if b, err = k.k.m.box(s); err != nil {
			return nil, ErrOpen
		}
	}
	return b.open(sealed, bind(labelValue, ad...))
}
