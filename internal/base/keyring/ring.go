package keyring

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/hmac"
	"errors"
	"fmt"
	"hash"
	"io"
	"sync"
	"sync/atomic"
)

// A Ring is the unwrapped keys, in memory. It is safe for concurrent use. The
// zero Ring opens nothing and hashes nothing.
type Ring struct {
	redacted
	keys   atomic.Pointer[keys]
	reload sync.Mutex // one Reload at a time
}

// keys never change once they are in a Ring; a Reload replaces them all.
type keys struct {
	pools   map[string]*pool
	current *pool
	index   *index
	sign    *signKey
}

type pool struct {
	id    string
	suite suiteByte
	box   box
}

type signKey struct {
	id   string
	priv *ed25519.PrivateKey
}

// Open unwraps the stored keys: exactly one current pool, one index and one
// sign key, and any number of retiring pools. Errors: ErrWrongKEK; ErrDamaged;
// those of the KEK.
func Open(ctx context.Context, kek KEK, stored []Stored) (*Ring, error) {
	r := new(Ring)
	if err := r.Reload(ctx, kek, stored); err != nil {
		return nil, err
	}
	return r, nil
}

// Reload makes the ring what stored says it is: after NewPool was stored, here
// or on another node, or after a pool was retired. Only keys that the ring
// doesn't know yet cost a call to the KEK. If it fails, the ring stays as it was.
func (r *Ring) Reload(ctx context.Context, kek KEK, stored []Stored) error {
	r.reload.Lock()
	defer r.reload.Unlock()
	old := r.keys.Load()
	if old == nil {
		old = new(keys)
	}
	next := &keys{pools: make(map[string]*pool)}
	for _, s := range stored {
		if err := next.add(ctx, kek, s, old); err != nil {
			return err
		}
	}
	if next.current == nil || next.index == nil || next.sign == nil {
		return fmt.Errorf("%w: a current pool key, an index key or a sign key is missing", ErrDamaged)
	}
	r.keys.Store(next)
	return nil
}

// add puts s into k, taken from old if it is there.
func (k *keys) add(ctx context.Context, kek KEK, s Stored, old *keys) error {
	current := s.State == StateCurrent
	twice := false
	var err error
	switch s.Purpose {
	case PurposePool:
		twice = k.pools[s.ID] != nil || current && k.current != nil
		p := old.pools[s.ID]
		if p == nil || twice {
			p, err = openPool(ctx, kek, s)
		}
		k.pools[s.ID] = p
		if current {
			k.current = p
		}
	case PurposeIndex:
		twice = k.index != nil
		if k.index = old.index; k.index == nil || k.index.id != s.ID {
			k.index, err = openIndex(ctx, kek, s)
		}
	case PurposeSign:
		twice = k.sign != nil
		if k.sign = old.sign; k.sign == nil || k.sign.id != s.ID {
			k.sign, err = openSign(ctx, kek, s)
		}
	default:
		return fmt.Errorf("key %s: %w: unknown purpose", s.ID, ErrDamaged)
	}
	switch {
	case err != nil:
		return err
	case twice:
		return fmt.Errorf("key %s: %w: two of a kind", s.ID, ErrDamaged)
	case !current && (s.State != StateRetiring || s.Purpose != PurposePool):
		return fmt.Errorf("key %s: %w: its state", s.ID, ErrDamaged)
	}
	return nil
}

func openPool(ctx context.Context, kek KEK, s Stored) (*pool, error) {
	plain, err := unwrap(ctx, kek, s)
	if err != nil {
		return nil, err
	}
	defer clear(plain)
	suite := suites[s.Suite]
	b, err := (*material)(plain).box(suite)
	if err != nil {
		return nil, err
	}
	return &pool{id: s.ID, suite: suite, box: b}, nil
}

// NewPool makes a pool key under kek, of the suite of the current one. The ring
// doesn't use it yet: the caller stores it as current and the others as
// retiring, in one transaction, and then calls Reload. So no child key is ever
// wrapped by a pool key that a crash could lose.
func (r *Ring) NewPool(ctx context.Context, kek KEK) (Stored, error) {
	suite, err := r.Suite()
	if err != nil {
		return Stored{}, err
	}
	return generate(ctx, kek, PurposePool, suite)
}

// NewPoolOf is NewPool for another suite. From its Reload on, whatever is new
// is sealed under that suite; what is old stays readable. The hash of Index
// stays that of Generate: look-ups would miss otherwise.
func (r *Ring) NewPoolOf(ctx context.Context, kek KEK, suite Suite) (Stored, error) {
	suite, err := ParseSuite(string(suite))
	if err != nil {
		return Stored{}, err
	}
	return generate(ctx, kek, PurposePool, suite)
}

// Suite returns the suite under which new values are sealed.
func (r *Ring) Suite() (Suite, error) {
	k := r.load()
	if k == nil {
		return "", ErrNoRing
	}
	if k.current.suite == suiteSM4 {
		return SM4GCM, nil
	}
	return AES256GCM, nil
}

// CurrentPool returns the ID of the pool that wraps new child keys, or "" from
// the zero Ring.
func (r *Ring) CurrentPool() string {
	if k := r.load(); k != nil {
		return k.current.id
	}
	return ""
}

// Knows reports whether the ring has the pool with this ID.
func (r *Ring) Knows(pool string) bool {
	k := r.load()
	return k != nil && k.pools[pool] != nil
}

func (r *Ring) load() *keys {
	if r == nil {
		return nil
	}
	return r.keys.Load()
}

// index holds the key of the keyed hashes, and those derived from it.
type index struct {
	id      string
	hash    func() hash.Hash
	key     []byte
	domains sync.Map // domain → key
	kept    atomic.Int32
}

// keepDomains bounds the derived keys in memory. Domains are words of the code,
// a dozen of them; were one ever taken from a request, it costs time, not memory.
const keepDomains = 256

func openIndex(ctx context.Context, kek KEK, s Stored) (*index, error) {
	plain, err := unwrap(ctx, kek, s)
	if err != nil {
		return nil, err
	}
	return &index{id: s.ID, hash: s.Suite.hash(), key: plain}, nil
}

// Index returns the keyed hash of parts in a domain, 32 bytes, for look-up by
// equality: HMAC-SHA-256, or HMAC-SM3 in a ring generated for SM4GCM, under a
// key for that domain (HKDF, RFC 5869). Without the ring nobody can try out
// phone numbers against it. The zero Ring returns nil, which no key column takes
// and no look-up finds.
func (r *Ring) Index(domain string, parts ...string) []byte {
	k := r.load()
	if k == nil {
		return nil
	}
	key, err := k.index.domain(domain)
	if err != nil {
		return nil
	}
	mac := hmac.New(k.index.hash, key)
	mac.Write(bind(labelIndex, parts...))
	return mac.Sum(nil)
}

// domain returns the key of one domain.
func (x *index) domain(name string) ([]byte, error) {
	if key, ok := x.domains.Load(name); ok {
		return key.([]byte), nil
	}
	key, err := hkdf.Key(x.hash, x.key, nil, "wardkeep index v1 "+name, 32)
	if err != nil {
		return nil, err
	}
	if x.kept.Load() < keepDomains {
		if _, had := x.domains.LoadOrStore(name, key); !had {
			x.kept.Add(1)
		}
	}
	return key, nil
}

func openSign(ctx context.Context, kek KEK, s Stored) (*signKey, error) {
	plain, err := unwrap(ctx, kek, s)
	if err != nil {
		return nil, err
	}
	defer clear(plain)
	priv := ed25519.NewKeyFromSeed(plain)
	return &signKey{id: s.ID, priv: &priv}, nil
}

// A SigningKey is the Ed25519 key (RFC 8032) that signs the ledger's
// checkpoints. It is a crypto.Signer. The zero SigningKey signs nothing.
type SigningKey struct {
	redacted
	k *signKey
}

var errNoSigner = errors.New("keyring: no signing key")

// Signer returns the signing key. It is for Ed25519 in every suite, because the
// signatures of C2SP checkpoints are.
func (r *Ring) Signer() SigningKey {
	if k := r.load(); k != nil {
		return SigningKey{k: k.sign}
	}
	return SigningKey{}
}

// ID returns the name of the key, or "".
func (s SigningKey) ID() string {
	if s.k == nil {
		return ""
	}
	return s.k.id
}

// Public returns the ed25519.PublicKey, or nil from the zero SigningKey.
func (s SigningKey) Public() crypto.PublicKey {
	if s.k == nil {
		return nil
	}
	return s.k.priv.Public()
}

// Sign returns the Ed25519 signature of message, 64 bytes. opts.HashFunc must
// be 0 for plain Ed25519; rand is not used.
func (s SigningKey) Sign(rand io.Reader, message []byte, opts crypto.SignerOpts) ([]byte, error) {
	if s.k == nil {
		return nil, errNoSigner
	}
	return s.k.priv.Sign(rand, message, opts)
}

// Seed returns a copy of the seed, 32 bytes (RFC 8032), or nil from the zero
// SigningKey. It is for signers that want the key itself, such as that of the
// signed-note format, and the one way by which a key leaves this package.
func (s SigningKey) Seed() []byte {
	if s.k == nil {
		return nil
	}
	return append([]byte(nil), s.k.priv.Seed()...)
}
