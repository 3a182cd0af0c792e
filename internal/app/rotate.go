package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/catalog"
	"wardkeep/internal/family"
	"wardkeep/internal/staff"
)

// ErrKeysChanged says that another command changed the keys at the same moment.
var ErrKeysChanged = errs.New(errs.Conflict, "app.keys_changed")

const (
	// watchEvery is how often a node looks whether the keys changed.
	watchEvery = time.Second
	// settleTime is how long a rotation waits before it re-wraps: until then
	// every running node has met the new key.
	settleTime = 3 * watchEvery
	// rewrapBatch bounds how long a rotation holds the one writer of SQLite.
	rewrapBatch = 200
)

// reload makes the ring what the store says, if that differs from seen, and
// returns what it read. ErrWrongKEK says, at each look, that another key-encryption key
// wraps the keys: what the ring has in memory still opens, and what will be new never will.
func (a *App) reload(ctx context.Context, seen []keyring.Stored) (_ []keyring.Stored, err error) {
	defer func() { a.state.keysAre(err) }()
	stored, err := readKeys(ctx, a.Store)
	if err != nil {
		return seen, err
	}
	if !slices.EqualFunc(seen, stored, sameKey) {
		if err := a.Ring.Reload(ctx, a.KEK, stored); err != nil {
			return seen, err
		}
	}
	for _, s := range stored {
		if s.KEK != a.KEK.Name() {
			return stored, fmt.Errorf("%w: %q wraps the keys, this process has %q: restart it with the new one", keyring.ErrWrongKEK, s.KEK, a.KEK.Name())
		}
	}
	return stored, nil
}

func sameKey(a, b keyring.Stored) bool { return a.ID == b.ID && a.State == b.State && a.KEK == b.KEK }

// watchKeys keeps the ring what the store says while another process rotates
// the keys, until ctx ends. Between a rotation and the next look, what was
// wrapped by the new key is refused (keyring.ErrUnknownPool: try again), never
// misread. If the key-encryption key is out of reach, the ring stays as it was.
func (a *App) watchKeys(ctx context.Context) error {
	var seen []keyring.Stored
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	said := ""
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		var err error
		if seen, err = a.reload(ctx, seen); err != nil && ctx.Err() == nil && err.Error() != said {
			said = err.Error()
			a.Log.ErrorContext(ctx, "keys: the new keys can't be opened", "error", err)
		}
	}
}

// Rotate makes a new pool key of the configured cipher, moves the key of every
// child to it, batch by batch, while servers run, and deletes the former pool
// keys: with one of them and an old backup, a thief of the key file would open
// what the backup holds of it, but nothing that is stored. Values stay as they
// are. Step is called with the number of keys moved since its last call. Left is
// how many former keys still wrap something, because a server that was cut off
// used one: the next rotation moves that, too.
//
// If we crash before the new key is stored, nothing has happened. Afterwards all
// keys open, and another rotation moves and deletes what was left.
func (a *App) Rotate(ctx context.Context, step func(moved int)) (left int, err error) {
	fresh, err := a.Ring.NewPoolOf(ctx, a.KEK, a.Config.Cipher)
	if err != nil {
		return 0, err
	}
	if err := a.Store.Update(ctx, func(tx *db.Tx) error { return a.succeed(ctx, tx, fresh) }); err != nil {
		return 0, err
	}
	// Twice: at first until every server uses the new key, then until every request
	// that read a child before its key was moved has ended.
	for range 2 {
		select {
		case <-time.After(settleTime):
		case <-ctx.Done():
			return 0, ctx.Err()
		}
		if err := a.Finish(ctx, step); err != nil {
			return 0, err
		}
	}
	if left, err = a.prune(ctx); err != nil {
		return left, err
	}
	// Article 20: what an erasure has left of a child's key in a page or a log is
	// useless once no file holds the key that wrapped it. If we crash before it, the
	// next rotation does it.
	return left, a.scrubKeys(ctx)
}

// renewPool is Rotate where nothing is served, so that nobody has to be waited for. If we
// crash in it, whoever begins anew makes another key.
func (a *App) renewPool(ctx context.Context) error {
	fresh, err := a.Ring.NewPoolOf(ctx, a.KEK, a.Config.Cipher)
	if err != nil {
		return err
	}
	if err := a.Store.Update(ctx, func(tx *db.Tx) error { return a.succeed(ctx, tx, fresh) }); err != nil {
		return err
	}
	if err := a.Finish(ctx, func(int) {}); err != nil {
		return err
	}
	if _, err := a.prune(ctx); err != nil {
		return err
	}
	return a.scrubKeys(ctx)
}

// scrubKeys lets no file of a table hold the keys that were deleted. Where a transaction
// that is older goes on, the sweep does that once it is over.
func (a *App) scrubKeys(ctx context.Context) error {
	whole, err := a.Store.ScrubTable(ctx, "keyring_key")
	if err == nil && !whole {
		a.Log.WarnContext(ctx, "keys: an older transaction could still read the former keys: the sweep removes them from the file once it is over")
	}
	return err
}

// prune deletes the former pool keys that wrap no child's key, and returns how
// many it had to leave. No time makes it safe, for a server may have been cut off
// for any time: the reference from child to its pool key does. A child that is
// being enrolled under a former key keeps it, and a child that comes after its
// deletion is refused (db.ErrGone).
func (a *App) prune(ctx context.Context) (left int, err error) {
	stored, err := readKeys(ctx, a.Store)
	if err != nil {
		return 0, err
	}
	for _, s := range stored {
		if s.Purpose != keyring.PurposePool || s.State != keyring.StateRetiring {
			continue
		}
		var deleted int64
		err := a.Store.Update(ctx, func(tx *db.Tx) (err error) {
			deleted, err = tx.Exec(ctx, `
				DELETE FROM keyring_key WHERE id = $1 AND state = 'retiring'
				AND NOT EXISTS (SELECT 1 FROM child WHERE pool = $1)`, s.ID)
			return err
		})
		if err != nil && !errors.Is(err, db.ErrGone) {
			return left, err
		}
		if deleted == 0 || err != nil {
			left++
		}
	}
	return left, nil
}

// succeed stores a pool key as the current one, in place of the former.
func (a *App) succeed(ctx context.Context, tx *db.Tx, fresh keyring.Stored) error {
	n, err := tx.Exec(ctx, `
		UPDATE keyring_key SET state = 'retiring' WHERE id = $1 AND state = 'current'`, a.Ring.CurrentPool())
	if err != nil {
		return err
	}
	if n != 1 {
		return ErrKeysChanged
	}
	stored, err := storedKeys(ctx, tx)
	if err != nil {
		return err
	}
	for _, s := range stored {
		if s.KEK != a.KEK.Name() {
			return fmt.Errorf("%w: %w", ErrKeysChanged, keyring.ErrWrongKEK)
		}
	}
	return insertKey(ctx, tx, fresh)
}

// Finish moves the keys of the children that an earlier rotation left under a
// former pool key.
func (a *App) Finish(ctx context.Context, step func(moved int)) error {
	seen, err := a.reload(ctx, nil)
	if err != nil {
		return err
	}
	for {
		var moved int
		err := a.Store.Update(ctx, func(tx *db.Tx) (err error) {
			moved, err = family.Rewrap(ctx, tx, a.Ring, rewrapBatch)
			return err
		})
		if errors.Is(err, keyring.ErrUnknownPool) || errors.Is(err, db.ErrGone) { // another rotation, just now
			now, failed := a.reload(ctx, seen)
			if failed != nil {
				return failed
			}
			if !slices.EqualFunc(seen, now, sameKey) {
				seen = now
				continue
			}
		}
		if err != nil {
			return err
		}
		if moved == 0 {
			return nil
		}
		step(moved)
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}

// Rekey wraps every stored key under another key-encryption key, in one
// transaction: a crash leaves all under the old or all under the new. The
// configuration has to name the new one from then on. The ledger says with it that
// somebody did.
func (a *App) Rekey(ctx context.Context, by catalog.Operator, to keyring.KEK) error {
	stored, err := readKeys(ctx, a.Store)
	if err != nil {
		return err
	}
	fresh := make([]keyring.Stored, len(stored))
	for i, s := range stored {
		if fresh[i], err = keyring.Rewrap(ctx, a.KEK, to, s); err != nil {
			return err
		}
	}
	err = a.Store.Update(ctx, func(tx *db.Tx) error {
		for i, s := range fresh {
			n, err := tx.Exec(ctx, `
				UPDATE keyring_key SET wrapped = $1, kek = $2 WHERE id = $3 AND kek = $4`, s.Wrapped, s.KEK, s.ID, stored[i].KEK)
			if err != nil {
				return err
			}
			if n != 1 {
				return ErrKeysChanged
			}
		}
		now, err := storedKeys(ctx, tx)
		switch {
		case err != nil:
			return err
		case len(now) != len(fresh):
			return ErrKeysChanged
		}
		return staff.AtTerminal(ctx, tx, by, staff.Rekeyed)
	})
	if err != nil {
		return err
	}
	return a.scrubKeys(ctx) // what the former one wrapped
}

// A Key is what may be told of a stored key.
type Key struct {
	keyring.Stored
	CreatedAt time.Time
	Children  int64 // whose keys it wraps, for a pool key
}

// Keys returns the stored keys, without what they wrap.
func (a *App) Keys(ctx context.Context) (keys []Key, err error) {
	err = a.Store.View(ctx, func(tx *db.Tx) error {
		if keys, err = toldKeys(ctx, tx); err != nil {
			return err
		}
		for i, k := range keys {
			if k.Purpose != keyring.PurposePool {
				continue
			}
			if keys[i].Children, err = family.CountUnder(ctx, tx, k.ID); err != nil {
				return err
			}
		}
		return nil
	})
	return keys, err
}

// toldKeys are the stored keys, without how much they wrap.
func toldKeys(ctx context.Context, tx *db.Tx) ([]Key, error) {
	return db.All(ctx, tx, func(row db.Row) (k Key, err error) {
		err = row.Scan(&k.ID, &k.Purpose, &k.Suite, &k.KEK, &k.State, (*db.Time)(&k.CreatedAt))
		return k, err
	}, `SELECT id, purpose, suite, kek, state, created_at FROM keyring_key ORDER BY created_at, id`)
}

// Settle gives what a command appended its place in the ledger, for at most d.
// What it doesn't reach is durable all the same, and gets its place from the
// next server or command.
func (a *App) Settle(ctx context.Context, d time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	if err := a.Ledger.Settle(ctx); err != nil && ctx.Err() == nil {
		a.Log.WarnContext(ctx, "ledger: entries wait for their places", "error", err)
	}
}
