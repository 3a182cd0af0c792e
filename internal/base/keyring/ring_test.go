package keyring

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/emmansun/gmsm/sm3"
	"github.com/google/go-cmp/cmp"

	"wardkeep/internal/base/errs"
)

// keyFile returns the KEK of a fresh key file.
func keyFile(t testing.TB) KEK {
	t.Helper()
	path := filepath.Join(t.TempDir(), "kek")
	if err := CreateKeyFile(path, ""); err != nil {
		t.Fatal(err)
	}
	kek, err := OpenKeyFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return kek
}

// fresh returns a ring, with what a caller would have in its table.
func fresh(t testing.TB, suite Suite) (*Ring, []Stored, KEK) {
	t.Helper()
	kek := keyFile(t)
	stored, err := Generate(context.Background(), kek, suite)
	if err != nil {
		t.Fatal(err)
	}
	r, err := Open(context.Background(), kek, stored)
	if err != nil {
		t.Fatal(err)
	}
	return r, stored, kek
}

// rotate does what a caller does: stores the new pool as current and the others
// as retiring, then reloads.
func rotate(t testing.TB, r *Ring, kek KEK, stored []Stored, suite Suite) []Stored {
	t.Helper()
	s, err := r.NewPoolOf(context.Background(), kek, suite)
	if err != nil {
		t.Fatal(err)
	}
	var next []Stored
	for _, old := range stored {
		if old.Purpose == PurposePool {
			old.State = StateRetiring
		}
		next = append(next, old)
	}
	next = append(next, s)
	if err := r.Reload(context.Background(), kek, next); err != nil {
		t.Fatal(err)
	}
	return next
}

func wantErr(t *testing.T, what string, err error, want *errs.Error) {
	t.Helper()
	if !errors.Is(err, want) || errs.Of(err).Code != want.Code {
		t.Errorf("%s: %v, want %s", what, err, want.Code)
	}
}

func TestARingOpensOnlyUnderItsKEK(t *testing.T) {
	_, stored, _ := fresh(t, AES256GCM)
	other := keyFile(t)
	_, err := Open(context.Background(), other, stored)
	wantErr(t, "another key file", err, ErrWrongKEK)

	for i := range stored {
		stored[i].KEK = other.Name() // the row lies about who wrapped it
	}
	_, err = Open(context.Background(), other, stored)
	wantErr(t, "another key file under the same name", err, ErrWrongKEK)
}

func TestAChangedStoredKeyDoesNotOpen(t *testing.T) {
	for _, suite := range []Suite{AES256GCM, SM4GCM} {
		_, stored, kek := fresh(t, suite)
		for i, s := range stored {
			for at := range s.Wrapped {
				bad := s
				bad.Wrapped = bytes.Clone(s.Wrapped)
				bad.Wrapped[at] ^= 1
				changed := append([]Stored(nil), stored...)
				changed[i] = bad
				if _, err := Open(context.Background(), kek, changed); !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrWrongKEK) {
					t.Fatalf("%s key with byte %d changed: %v", s.Purpose, at, err)
				}
			}
			for at := range s.Wrapped {
				bad := s
				bad.Wrapped = s.Wrapped[:at]
				if _, err := unwrap(context.Background(), kek, bad); err == nil {
					t.Fatalf("%s key cut to %d bytes opens", s.Purpose, at)
				}
			}
		}
	}
}

func TestAStoredKeyIsBoundToItsRow(t *testing.T) {
	_, stored, kek := fresh(t, AES256GCM)
	pool, index, sign := stored[0], stored[1], stored[2]
	cases := map[string]func() []Stored{
		"another ID":    func() []Stored { p := pool; p.ID = "pk_00000000"; return []Stored{p, index, sign} },
		"another suite": func() []Stored { p := pool; p.Suite = SM4GCM; return []Stored{p, index, sign} },
		"index as sign": func() []Stored {
			i, s := index, sign
			i.Wrapped, s.Wrapped = sign.Wrapped, index.Wrapped
			return []Stored{pool, i, s}
		},
		"unknown purpose":     func() []Stored { p := pool; p.Purpose = "door"; return []Stored{pool, index, sign, p} },
		"unknown suite":       func() []Stored { p := pool; p.Suite = "rot13"; return []Stored{p, index, sign} },
		"unknown state":       func() []Stored { p := pool; p.State = "new"; return []Stored{p, index, sign} },
		"no state":            func() []Stored { p := pool; p.State = ""; return []Stored{p, index, sign} },
		"a retiring index":    func() []Stored { i := index; i.State = StateRetiring; return []Stored{pool, i, sign} },
		"no current pool":     func() []Stored { p := pool; p.State = StateRetiring; return []Stored{p, index, sign} },
		"no index":            func() []Stored { return []Stored{pool, sign} },
		"no sign":             func() []Stored { return []Stored{pool, index} },
		"nothing":             func() []Stored { return nil },
		"a pool twice":        func() []Stored { return []Stored{pool, pool, index, sign} },
		"an index twice":      func() []Stored { return []Stored{pool, index, index, sign} },
		"a sign key twice":    func() []Stored { return []Stored{pool, index, sign, sign} },
		"a pool without text": func() []Stored { p := pool; p.Wrapped = nil; return []Stored{p, index, sign} },
	}
	for name, stored := range cases {
		r, err := Open(context.Background(), kek, stored())
		if !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrWrongKEK) || r != nil {
			t.Errorf("%s: ring %v, error %v", name, r, err)
		}
	}
}

func TestZeroValuesOpenNothing(t *testing.T) {
	good, _, _ := fresh(t, AES256GCM)
	key, wrapped, pool, err := good.NewChildKey("ch_1")
	if err != nil {
		t.Fatal(err)
	}
	sealed := key.Seal([]byte("x"))
	for _, r := range []*Ring{nil, new(Ring)} {
		_, err := r.OpenChildKey("ch_1", pool, wrapped)
		wantErr(t, "zero ring, open", err, ErrNoRing)
		_, _, _, err = r.NewChildKey("ch_1")
		wantErr(t, "zero ring, new", err, ErrNoRing)
		_, _, _, err = r.RewrapChildKey("ch_1", pool, wrapped)
		wantErr(t, "zero ring, rewrap", err, ErrNoRing)
		_, err = r.NewPool(context.Background(), keyFile(t))
		wantErr(t, "zero ring, new pool", err, ErrNoRing)
		if r.Index("ref", "x") != nil || r.CurrentPool() != "" || r.Signer().Seed() != nil || r.Signer().Public() != nil {
			t.Error("the zero ring holds something")
		}
	}
	if _, err := (ChildKey{}).Open(sealed); !errors.Is(err, ErrOpen) {
		t.Errorf("zero ChildKey: %v", err)
	}
	if got := (ChildKey{}).Seal([]byte("x")); got != nil || !(ChildKey{}).IsZero() {
		t.Errorf("zero ChildKey sealed %x", got)
	}
	if _, err := (SigningKey{}).Sign(nil, []byte("x"), crypto.Hash(0)); err == nil {
		t.Error("zero SigningKey signed")
	}
	if _, err := (box{}).open(sealed, nil); !errors.Is(err, ErrOpen) {
		t.Errorf("zero box: %v", err)
	}
	for _, kek := range []KEK{new(fileKEK), new(transit)} {
		if _, err := kek.Unwrap(context.Background(), sealed, nil); err == nil {
			t.Errorf("zero %T opened", kek)
		}
		if _, err := kek.Wrap(context.Background(), sealed, nil); err == nil {
			t.Errorf("zero %T wrapped", kek)
		}
	}
}

func TestRotationKeepsOldValuesOpen(t *testing.T) {
	r, stored, kek := fresh(t, AES256GCM)
	key, wrapped, pool, err := r.NewChildKey("ch_1")
	if err != nil {
		t.Fatal(err)
	}
	sealed := key.Seal([]byte("三年二班"), "svc", "ch_1", "class")

	// A new pool that isn't stored yet is not used.
	if _, err := r.NewPool(context.Background(), kek); err != nil || r.CurrentPool() != pool {
		t.Fatalf("the ring uses a pool key that nobody has stored (%v)", err)
	}
	stored = rotate(t, r, kek, stored, AES256GCM)
	if r.CurrentPool() == pool {
		t.Fatal("the new pool isn't used")
	}
	wrapped2, pool2, changed, err := r.RewrapChildKey("ch_1", pool, wrapped)
	if err != nil || !changed || pool2 != r.CurrentPool() || bytes.Equal(wrapped, wrapped2) {
		t.Fatalf("rewrap: %s %v %v", pool2, changed, err)
	}
	if _, _, changed, err := r.RewrapChildKey("ch_1", pool2, wrapped2); changed || err != nil {
		t.Errorf("a second rewrap changed something (%v)", err)
	}
	if _, _, _, err := r.RewrapChildKey("ch_2", pool, wrapped); !errors.Is(err, ErrOpen) {
		t.Errorf("rewrapped as another child's: %v", err)
	}
	for p, w := range map[string][]byte{pool: wrapped, pool2: wrapped2} {
		k, err := r.OpenChildKey("ch_1", p, w)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := k.Open(sealed, "svc", "ch_1", "class"); err != nil || string(got) != "三年二班" {
			t.Errorf("under %s: %q, %v", p, got, err)
		}
	}
	if _, err := r.OpenChildKey("ch_1", pool2, wrapped); !errors.Is(err, ErrOpen) {
		t.Errorf("a wrapped key opens under another pool: %v", err)
	}

	// Once the old pool is gone, a copy of the old wrapped key is dead.
	var left []Stored
	for _, s := range stored {
		if s.ID != pool {
			left = append(left, s)
		}
	}
	if err := r.Reload(context.Background(), kek, left); err != nil {
		t.Fatal(err)
	}
	_, err = r.OpenChildKey("ch_1", pool, wrapped)
	wantErr(t, "a retired pool", err, ErrUnknownPool)
}

func TestAnotherNodeLearnsThePoolByReload(t *testing.T) {
	a, stored, kek := fresh(t, AES256GCM)
	b, err := Open(context.Background(), kek, stored)
	if err != nil {
		t.Fatal(err)
	}
	stored = rotate(t, a, kek, stored, AES256GCM)
	_, wrapped, pool, _ := a.NewChildKey("ch_1")
	_, err = b.OpenChildKey("ch_1", pool, wrapped)
	wantErr(t, "before Reload", err, ErrUnknownPool)
	if err := b.Reload(context.Background(), kek, stored); err != nil {
		t.Fatal(err)
	}
	if _, err := b.OpenChildKey("ch_1", pool, wrapped); err != nil {
		t.Error(err)
	}
	if err := b.Reload(context.Background(), kek, nil); !errors.Is(err, ErrDamaged) {
		t.Errorf("Reload of nothing: %v", err)
	}
	if _, err := b.OpenChildKey("ch_1", pool, wrapped); err != nil {
		t.Errorf("a failed Reload took the ring away: %v", err)
	}
}

func TestReloadAsksTheKEKOnlyForWhatIsNew(t *testing.T) {
	r, stored, kek := fresh(t, AES256GCM)
	// A KEK that can't open anything shows that nothing was asked of it.
	if err := r.Reload(context.Background(), keyFile(t), stored); err != nil {
		t.Errorf("known keys were unwrapped again: %v", err)
	}
	s, err := r.NewPool(context.Background(), kek)
	if err != nil {
		t.Fatal(err)
	}
	stored[0].State = StateRetiring
	err = r.Reload(context.Background(), keyFile(t), append(stored, s))
	wantErr(t, "a new key under a wrong KEK", err, ErrWrongKEK)
}

func TestRewrapMovesARingToAnotherKEK(t *testing.T) {
	ctx := context.Background()
	r, stored, from := fresh(t, AES256GCM)
	to := keyFile(t)
	key, wrapped, pool, _ := r.NewChildKey("ch_1")
	sealed := key.Seal([]byte("x"))
	var moved []Stored
	for _, s := range stored {
		m, err := Rewrap(ctx, from, to, s)
		if err != nil {
			t.Fatal(err)
		}
		if m.KEK != to.Name() || m.ID != s.ID || m.State != s.State {
			t.Errorf("rewrapped %+v", m)
		}
		moved = append(moved, m)
	}
	if _, err := Rewrap(ctx, from, to, moved[0]); !errors.Is(err, ErrWrongKEK) {
		t.Errorf("rewrapped from a KEK that it isn't under: %v", err)
	}
	_, err := Open(ctx, from, moved)
	wantErr(t, "the old KEK", err, ErrWrongKEK)
	again, err := Open(ctx, to, moved)
	if err != nil {
		t.Fatal(err)
	}
	k, err := again.OpenChildKey("ch_1", pool, wrapped)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := k.Open(sealed); err != nil || string(got) != "x" {
		t.Errorf("%q, %v", got, err)
	}
	if !bytes.Equal(r.Index("ref", "1"), again.Index("ref", "1")) || !bytes.Equal(r.Signer().Seed(), again.Signer().Seed()) {
		t.Error("the index or sign key changed")
	}
}

// forgetful is a KEK that loses what it wraps.
type forgetful struct{ KEK }

func (forgetful) Unwrap(context.Context, []byte, []byte) ([]byte, error) { return []byte("?"), nil }

func TestAKeyThatDoesNotComeBackIsNeverUsed(t *testing.T) {
	if s, err := Generate(context.Background(), forgetful{keyFile(t)}, AES256GCM); err == nil {
		t.Errorf("generated %d keys that nothing opens", len(s))
	}
}

func TestIndexIsEqualityAndNothingElse(t *testing.T) {
	r, _, _ := fresh(t, AES256GCM)
	same := r.Index("phone", "svc", "13800000000")
	if len(same) != 32 || !bytes.Equal(same, r.Index("phone", "svc", "13800000000")) {
		t.Fatal("the same input gives another hash")
	}
	other, _, _ := fresh(t, AES256GCM)
	for name, h := range map[string][]byte{
		"another domain":          r.Index("email", "svc", "13800000000"),
		"moved border":            r.Index("phone", "svc1", "3800000000"),
		"joined parts":            r.Index("phone", "svc13800000000"),
		"one part more":           r.Index("phone", "svc", "13800000000", ""),
		"no parts":                r.Index("phone"),
		"another ring":            other.Index("phone", "svc", "13800000000"),
		"domain run into a part":  r.Index("phonesvc", "13800000000"),
		"plain SHA-256, no key":   plainHash("13800000000"),
		"the parts' order":        r.Index("phone", "13800000000", "svc"),
		"the empty domain":        r.Index("", "svc", "13800000000"),
		"a part of another width": r.Index("phone", "svc", "013800000000"),
	} {
		if bytes.Equal(same, h) {
			t.Errorf("%s: the same hash", name)
		}
	}
}

func plainHash(s string) []byte { h := sha256.Sum256([]byte(s)); return h[:] }

func TestIndexUsesTheHashOfItsSuite(t *testing.T) {
	for _, suite := range []Suite{AES256GCM, SM4GCM} {
		r, stored, kek := fresh(t, suite)
		x := r.keys.Load().index
		key, err := x.domain("d")
		if err != nil {
			t.Fatal(err)
		}
		mac := hmac.New(sha256.New, key)
		if suite == SM4GCM {
			mac = hmac.New(sm3.New, key)
		}
		mac.Write(bind(labelIndex, "a", "b"))
		before := r.Index("d", "a", "b")
		if !bytes.Equal(mac.Sum(nil), before) {
			t.Errorf("%s: not the HMAC of its hash", suite)
		}
		// Another suite for values must not make every look-up miss.
		for _, to := range []Suite{SM4GCM, AES256GCM} {
			stored = rotate(t, r, kek, stored, to)
			if !bytes.Equal(before, r.Index("d", "a", "b")) {
				t.Errorf("%s → %s: the index changed", suite, to)
			}
		}
	}
}

func TestManyDomainsCostNoMemory(t *testing.T) {
	r, _, _ := fresh(t, AES256GCM)
	for i := range 3 * keepDomains {
		if r.Index("d"+strings.Repeat("x", i), "1") == nil {
			t.Fatal("no hash")
		}
	}
	n := 0
	r.keys.Load().index.domains.Range(func(any, any) bool { n++; return true })
	if n > keepDomains {
		t.Errorf("%d domains kept", n)
	}
	far := "d" + strings.Repeat("x", 3*keepDomains-1)
	if !bytes.Equal(r.Index(far, "1"), r.Index(far, "1")) {
		t.Error("a domain that isn't kept gives another hash each time")
	}
}

func TestSignerIsTheSameKeyAfterReopening(t *testing.T) {
	r, stored, kek := fresh(t, SM4GCM)
	again, err := Open(context.Background(), kek, stored)
	if err != nil {
		t.Fatal(err)
	}
	sig, err := r.Signer().Sign(nil, []byte("checkpoint"), crypto.Hash(0))
	if err != nil {
		t.Fatal(err)
	}
	pub := again.Signer().Public().(ed25519.PublicKey)
	if !ed25519.Verify(pub, []byte("checkpoint"), sig) || ed25519.Verify(pub, []byte("Checkpoint"), sig) {
		t.Error("the signature isn't that of the key")
	}
	seed := r.Signer().Seed()
	if diff := cmp.Diff([]byte(pub), []byte(ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey))); diff != "" {
		t.Error("Seed is of another key")
	}
	clear(seed)
	if bytes.Equal(seed, r.Signer().Seed()) {
		t.Error("Seed handed out the key's own memory")
	}
	if r.Signer().ID() != stored[2].ID {
		t.Errorf("ID %q", r.Signer().ID())
	}
}

func TestARingIsSafeForConcurrentUse(t *testing.T) {
	r, stored, kek := fresh(t, AES256GCM)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 100 {
				k, w, p, err := r.NewChildKey("ch")
				if err != nil {
					t.Error(err)
					return
				}
				s := k.Seal([]byte("v"), "a")
				k2, err := r.OpenChildKey("ch", p, w)
				if err != nil {
					t.Error(err)
					return
				}
				if _, err := k2.Open(s, "a"); err != nil {
					t.Error(err)
				}
				r.Index("d", hex.EncodeToString(s))
			}
		})
	}
	wg.Go(func() {
		for i := range 10 {
			stored = rotate(t, r, kek, stored, []Suite{AES256GCM, SM4GCM}[i%2])
		}
	})
	wg.Wait()
}
