package account

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"wardkeep/internal/base/db"
)

// A key is "wk_", the state of its service, "_" and 32 random bytes as text:
// "wk_live_…". Scanners for leaked secrets know it by that.
const (
	keyPrefix = "wk_"
	secretLen = 32
	maxKey    = 100 // bytes of what a stranger may present
)

// hashOf returns the SHA-256 of a key. One round is enough: a key has 256
// random bits, so there is nothing to guess, unlike with a password.
func hashOf(key string) []byte {
	sum := sha256.Sum256([]byte(key))
	return sum[:]
}

func looksLikeKey(key string) bool { return len(key) <= maxKey && strings.HasPrefix(key, keyPrefix) }

// FindApp returns the app that holds the key, or ErrRefused.
//
// The look-up is by hash, so how long it takes tells only how far the hash of
// the guess agrees with a stored hash. Nobody can steer that: to approach a hash
// bit by bit one would have to invert SHA-256, and the hashes are no secret
// that opens anything. The key itself is never compared.
func FindApp(ctx context.Context, tx *db.Tx, key string) (App, error) {
	if !looksLikeKey(key) {
		return App{}, ErrRefused
	}
	now := tx.Now()
	a, err := db.One(ctx, tx, scan, `
		SELECT `+columns+` FROM credential
		WHERE hash = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2)`,
		hashOf(key), (*db.Time)(&now))
	if errors.Is(err, db.ErrNone) {
		return App{}, ErrRefused
	}
	return a, err
}

// KeyLife is how long Keys believes what it read. A revoked key works at most
// this much longer, on a node that saw it just before.
const KeyLife = time.Second

// maxKeys bounds the keys in memory: a few MB.
const maxKeys = 10_000

// Keys remembers for a second who holds a key, so that an app that asks
// thousands of times a second costs one look-up. It holds hashes, never keys,
// and only good ones: a flood of wrong keys displaces nothing. It is safe for
// concurrent use; the zero Keys is empty and ready.
type Keys struct {
	mu   sync.Mutex
	seen map[[sha256.Size]byte]seen
	used map[[sha256.Size]byte]time.Time // since the last Note
}

type seen struct {
	app App
	at  time.Time // just before it was read
}

// App returns the app that holds the key, or ErrRefused. It opens a read
// transaction where memory doesn't answer, so it is called by an edge, before
// the edge's own transaction. An expiry holds to the microsecond; a revocation
// within KeyLife.
func (k *Keys) App(ctx context.Context, store *db.DB, key string) (App, error) {
	if !looksLikeKey(key) {
		return App{}, ErrRefused
	}
	hash := sha256.Sum256([]byte(key))
	now := store.Now()
	if a, ok := k.fresh(hash, now); ok {
		if !a.ExpiresAt.IsZero() && !now.Before(a.ExpiresAt) {
			return App{}, ErrRefused
		}
		return a, nil
	}
	var a App
	err := store.View(ctx, func(tx *db.Tx) (err error) {
		a, err = FindApp(ctx, tx, key)
		return err
	})
	if err != nil {
		k.forget(hash)
		return App{}, err
	}
	k.keep(hash, seen{a, now})
	return a, nil
}

func (k *Keys) fresh(hash [sha256.Size]byte, now time.Time) (App, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	s, ok := k.seen[hash]
	// A clock that was set back makes the age negative: then it is read again.
	age := now.Sub(s.at)
	ok = ok && age >= 0 && age < KeyLife
	if ok && (s.app.ExpiresAt.IsZero() || now.Before(s.app.ExpiresAt)) {
		k.use(hash, now)
	}
	return s.app, ok
}

// use remembers when a key was used. Of more keys than are kept in memory it forgets some:
// what isn't shown then is only a time.
func (k *Keys) use(hash [sha256.Size]byte, now time.Time) {
	if _, had := k.used[hash]; !had && len(k.used) >= maxKeys {
		return
	}
	if k.used == nil {
		k.used = make(map[[sha256.Size]byte]time.Time)
	}
	k.used[hash] = now
}

// Note writes down when keys were used since the last time. It is called every few
// minutes: a use writes nothing by itself, and if we crash, the last minutes are lost.
func (k *Keys) Note(ctx context.Context, store *db.DB) error {
	k.mu.Lock()
	used := k.used
	k.used = nil
	k.mu.Unlock()
	if len(used) == 0 {
		return nil
	}
	// In one order, so that two nodes don't wait for each other.
	hashes := slices.SortedFunc(maps.Keys(used), func(a, b [sha256.Size]byte) int { return bytes.Compare(a[:], b[:]) })
	return store.Update(ctx, func(tx *db.Tx) error {
		for _, hash := range hashes {
			at := used[hash]
			err := tx.Queue(ctx, `
				UPDATE credential SET used_at = $1 WHERE hash = $2 AND (used_at IS NULL OR used_at < $1)`, (*db.Time)(&at), hash[:])
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func (k *Keys) keep(hash [sha256.Size]byte, s seen) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.seen == nil {
		k.seen = make(map[[sha256.Size]byte]seen)
	}
	if _, had := k.seen[hash]; !had && len(k.seen) >= maxKeys {
		k.makeRoom(s.at)
	}
	k.seen[hash] = s
	k.use(hash, s.at)
}

// makeRoom drops what is too old to be believed, or else any one.
func (k *Keys) makeRoom(now time.Time) {
	for hash, s := range k.seen {
		if now.Sub(s.at) >= KeyLife {
			delete(k.seen, hash)
		}
	}
	for hash := range k.seen {
		if len(k.seen) < maxKeys {
			return
		}
		delete(k.seen, hash)
	}
}

func (k *Keys) forget(hash [sha256.Size]byte) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.seen, hash)
}
