// Package keyring holds the keys of the server: it makes them, wraps them,
// unwraps them into memory, and uses them for its callers.
//
//	KEK         outside the database: a key file, or a transit engine
//	 └ pool key     wrapped by the KEK; few; unwrapped once (Ring)
//	    └ child key     one per child, wrapped by a pool key (ChildKey)
//	       └ value          sealed under the child key
//	index key   wrapped by the KEK; keyed hashes for look-up (Ring.Index)
//	sign key    wrapped by the KEK; signs checkpoints (Ring.Signer)
//
// It keeps nothing: its callers store the wrapped keys that it returns. Whoever
// destroys the last copy of a child's wrapped key has erased the child
// (Article 13, Article 20).
//
// Its one invariant: no key leaves the package in plain, except to the KEK that
// wraps it and through SigningKey.Seed; and the zero value of every type opens
// nothing.
package keyring

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"fmt"

	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/id"
)

// The refusals of the ring. Those of the KEKs are beside them.
var (
	ErrOpen        = errs.New(errs.Internal, "keyring.cannot_open")     // a value or child key: wrong key, wrong place, or tampered with
	ErrWrongKEK    = errs.New(errs.Unavailable, "keyring.wrong_kek")    // the keys were wrapped by another KEK
	ErrDamaged     = errs.New(errs.Unavailable, "keyring.damaged")      // the stored keys are not a whole ring
	ErrUnknownPool = errs.New(errs.Unavailable, "keyring.unknown_pool") // Reload, then try again
	ErrNoRing      = errs.New(errs.Unavailable, "keyring.no_ring")      // the ring was never opened
	ErrSuite       = errs.New(errs.Invalid, "keyring.unknown_suite")
)

// A KEK is a key-encryption key that stays outside the database.
//
// Unwrap returns plain only for the very wrapped and ad that Wrap was given.
// It fails with ErrWrongKEK where another key wrapped it, and the other errors
// say what the operator can mend. Name identifies the key, never its secret,
// and stays the same for as long as Unwrap can open what Wrap made.
type KEK interface {
	Wrap(ctx context.Context, plain, ad []byte) ([]byte, error)
	Unwrap(ctx context.Context, wrapped, ad []byte) ([]byte, error)
	Name() string
}

// A Purpose is what a stored key does.
type Purpose = string

// The purposes of stored keys.
const (
	PurposePool  Purpose = "pool"  // wraps child keys
	PurposeIndex Purpose = "index" // hashes for look-up
	PurposeSign  Purpose = "sign"  // signs checkpoints
)

// The states of stored keys.
const (
	StateCurrent  = "current"  // used for what is new
	StateRetiring = "retiring" // a pool that still opens, until every child key has been re-wrapped
)

// Stored is a wrapped key as its caller keeps it, one row each. Nothing in it
// is secret. ID, Purpose and Suite are bound to Wrapped: changed, it no longer
// opens.
type Stored struct {
	ID      string // "pk_…", 11 characters
	Purpose Purpose
	Suite   Suite
	Wrapped []byte
	KEK     string // the Name of the KEK that wrapped it
	State   string
}

// Generate makes the keys of a fresh ring under kek: one pool, one index and
// one sign key, all current. Nothing uses them until the caller has stored all
// three and opened them: a crash before that leaves nothing behind.
func Generate(ctx context.Context, kek KEK, suite Suite) ([]Stored, error) {
	suite, err := ParseSuite(string(suite))
	if err != nil {
		return nil, err
	}
	var fresh []Stored
	for _, p := range []Purpose{PurposePool, PurposeIndex, PurposeSign} {
		s, err := generate(ctx, kek, p, suite)
		if err != nil {
			return nil, err
		}
		fresh = append(fresh, s)
	}
	return fresh, nil
}

// generate makes one wrapped key.
func generate(ctx context.Context, kek KEK, p Purpose, suite Suite) (Stored, error) {
	plain := make([]byte, keyLen(p))
	defer clear(plain)
	rand.Read(plain) // never fails (crypto/rand)
	s := Stored{ID: keyID(p), Purpose: p, Suite: suite, State: StateCurrent}
	return wrap(ctx, kek, s, plain)
}

// Rewrap returns s wrapped by another KEK; the key itself stays the same. The
// caller replaces its row; until then the old one is still good.
func Rewrap(ctx context.Context, from, to KEK, s Stored) (Stored, error) {
	plain, err := unwrap(ctx, from, s)
	if err != nil {
		return Stored{}, err
	}
	defer clear(plain)
	return wrap(ctx, to, s, plain)
}

// wrap fills in what kek makes of plain. It opens it again before it trusts it:
// a wrapped key that doesn't open is the loss of every value below it.
func wrap(ctx context.Context, kek KEK, s Stored, plain []byte) (Stored, error) {
	kek = under(kek, s.Suite)
	wrapped, err := kek.Wrap(ctx, plain, s.ad())
	if err != nil {
		return Stored{}, fmt.Errorf("wrap %s: %w", s.ID, err)
	}
	back, err := kek.Unwrap(ctx, wrapped, s.ad())
	if err != nil {
		return Stored{}, fmt.Errorf("check %s: %w", s.ID, err)
	}
	defer clear(back)
	if subtle.ConstantTimeCompare(plain, back) != 1 || bytes.Contains(wrapped, plain) {
		return Stored{}, fmt.Errorf("check %s: %w", s.ID, ErrDamaged)
	}
	s.Wrapped, s.KEK = wrapped, kek.Name()
	return s, nil
}

// unwrap returns the key of s, after everything that can be checked without
// the KEK has been.
func unwrap(ctx context.Context, kek KEK, s Stored) ([]byte, error) {
	if _, ok := suites[s.Suite]; !ok || keyLen(s.Purpose) == 0 {
		return nil, fmt.Errorf("key %s: %w", s.ID, ErrDamaged)
	}
	if s.KEK != kek.Name() {
		return nil, fmt.Errorf("key %s was wrapped by %q, this is %q: %w", s.ID, s.KEK, kek.Name(), ErrWrongKEK)
	}
	plain, err := kek.Unwrap(ctx, s.Wrapped, s.ad())
	if err != nil {
		return nil, fmt.Errorf("unwrap %s: %w", s.ID, err)
	}
	if len(plain) != keyLen(s.Purpose) {
		return nil, fmt.Errorf("unwrap %s: %w", s.ID, ErrDamaged)
	}
	return plain, nil
}

func (s Stored) ad() []byte {
	return bind(labelStored, s.ID, s.Purpose, string(s.Suite))
}

// keyLen returns the length of a key in bytes, or 0 for an unknown purpose.
func keyLen(p Purpose) int {
	switch p {
	case PurposePool:
		return materialLen
	case PurposeIndex, PurposeSign:
		return 32
	}
	return 0
}

// keyID names a key. 40 random bits tell a handful of pools apart, and the name
// of a pool is repeated in each child's row.
func keyID(p Purpose) string { return p[:1] + "k_" + id.Secret(16)[:8] }

// An underer is a KEK that can wrap under either suite, so that a ring of one
// suite is of that suite from top to bottom.
type underer interface{ under(Suite) KEK }

func under(kek KEK, s Suite) KEK {
	if u, ok := kek.(underer); ok {
		return u.under(s)
	}
	return kek
}
