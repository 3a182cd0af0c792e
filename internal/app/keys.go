package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/keyring"
)

// ErrNoKey is returned for a store that has keys when the key file is missing.
var ErrNoKey = errs.New(errs.Unavailable, "keyring.file_missing")

func scanStored(row db.Row) (s keyring.Stored, err error) {
	err = row.Scan(&s.ID, &s.Purpose, &s.Suite, &s.Wrapped, &s.KEK, &s.State)
	return s, err
}

// storedKeys returns the wrapped keys.
func storedKeys(ctx context.Context, tx *db.Tx) ([]keyring.Stored, error) {
	return db.All(ctx, tx, scanStored, `SELECT id, purpose, suite, wrapped, kek, state FROM keyring_key ORDER BY id`)
}

func insertKey(ctx context.Context, tx *db.Tx, s keyring.Stored) error {
	now := tx.Now()
	_, err := tx.Exec(ctx, `
		INSERT INTO keyring_key (id, purpose, suite, wrapped, kek, state, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		s.ID, s.Purpose, s.Suite, s.Wrapped, s.KEK, s.State, (*db.Time)(&now))
	return err
}

// openRing unwraps the keys of the store, and makes them for a new one. Of
// nodes that start on a new store together one makes them: the row in lease is
// the one that only one can insert, in the transaction that stores the keys. If
// we crash before it commits there are no keys, and the next start makes some.
// Fresh reports whether the store had none.
func openRing(ctx context.Context, store *db.DB, kek keyring.KEK, suite keyring.Suite) (ring *keyring.Ring, fresh bool, err error) {
	stored, err := readKeys(ctx, store)
	if err != nil {
		return nil, false, err
	}
	if fresh = len(stored) == 0; fresh {
		if stored, err = makeKeys(ctx, store, kek, suite); err != nil {
			return nil, false, err
		}
	}
	ring, err = keyring.Open(ctx, kek, stored)
	return ring, fresh, err
}

func readKeys(ctx context.Context, store *db.DB) (stored []keyring.Stored, err error) {
	err = store.View(ctx, func(tx *db.Tx) (err error) {
		stored, err = storedKeys(ctx, tx)
		return err
	})
	return stored, err
}

func makeKeys(ctx context.Context, store *db.DB, kek keyring.KEK, suite keyring.Suite) (stored []keyring.Stored, err error) {
	fresh, err := keyring.Generate(ctx, kek, suite)
	if err != nil {
		return nil, err
	}
	err = store.Update(ctx, func(tx *db.Tx) (err error) {
		n, err := tx.Exec(ctx, `
			INSERT INTO lease (name, holder, until) VALUES ($1, $2, $3)
			ON CONFLICT (name) DO NOTHING`, "keyring", "made", 0)
		if err != nil {
			return err
		}
		if n == 1 {
			for _, s := range fresh {
				if err := insertKey(ctx, tx, s); err != nil {
					return err
				}
			}
		}
		stored, err = storedKeys(ctx, tx)
		return err
	})
	return stored, err
}

// openKEK opens the key-encryption key. A key file is made only for a store
// that has no keys yet: for any other, a missing file is a loss to report, not
// to paper over.
func openKEK(ctx context.Context, c *Config, store *db.DB) (keyring.KEK, error) {
	if c.Transit != nil {
		return keyring.OpenTransit(*c.Transit)
	}
	kek, err := keyring.OpenKeyFile(c.KeyFile)
	if !errors.Is(err, keyring.ErrFileMissing) && !errors.Is(err, fs.ErrNotExist) {
		return kek, err
	}
	stored, err := readKeys(ctx, store)
	if err != nil {
		return nil, err
	}
	if len(stored) > 0 {
		return nil, fmt.Errorf("%w: %s is missing; restore it with `wardkeep keys restore`", ErrNoKey, c.KeyFile)
	}
	if err := keyring.CreateKeyFile(c.KeyFile, c.DataDir); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	return keyring.OpenKeyFile(c.KeyFile)
}
