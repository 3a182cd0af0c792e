package vault

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"wardkeep/client"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/id"
	"wardkeep/internal/family"
	"wardkeep/internal/gate"
	"wardkeep/internal/party"
)

// What can be wrong with a push that the gate permits.
var (
	ErrUnheld     = errs.New(errs.Conflict, "vault.push_not_held")     // what isn't held can't be pushed
	ErrLarge      = errs.New(errs.Invalid, "vault.push_too_large")     // a bundle is at most MaxBundle
	ErrWaiting    = errs.New(errs.Conflict, "vault.push_waiting")      // the party hasn't taken MaxWaiting of them
	ErrNoRegister = errs.New(errs.Conflict, "vault.push_unregistered") // nobody of that name could open it
)

const (
	// BundleLife is how long a bundle waits at most: as long as an event is tried. What a party
	// hasn't taken in three days is pushed anew, by what holds then.
	BundleLife = 72 * time.Hour
	// MaxBundle bounds what is in a bundle, in bytes: it is one POST to somebody else's machine.
	MaxBundle = 2 << 20
	// MaxWaiting bounds the bundles that wait for one party, so that one that takes nothing fills
	// no disk.
	MaxWaiting = 1000
)

// Pushed is the answer to Push.
type Pushed struct {
	Bundle string    // "bn_…"
	Handle string    // by which the party knows the child
	Until  time.Time // the bundle waits no longer
	Entry  string
}

// Push gives items of a child to a party that can't ask by itself, if the gate permits it
// (Articles 16 and 17): sealed to a key of the party at once, and under the child's key beside,
// so that nobody reads what waits, and what waits ends with the child. It counts as what the
// party asks for does. It is a use that prolongs nothing. Whether the bundle may still go is
// decided once more before each try: see Send. Errors: *gate.Denied, ErrUnheld, ErrLarge,
// ErrWaiting, ErrNoRegister; family.ErrErased, family.ErrNotFound.
func (v *Vault) Push(ctx context.Context, tx *db.Tx, by gate.Actor, of party.ID, child family.ID, purpose string, items []string) (Pushed, error) {
	if len(items) > MaxItems {
		return Pushed{}, ErrTooMany
	}
	u := gate.Use{Service: of.Service, Child: child, Activity: gate.Activity(of.Role), Purpose: purpose, Items: items, Party: of.Name}
	c, p, err := v.locked(ctx, tx, u)
	if err != nil {
		return Pushed{}, err
	}
	is, err := party.Find(ctx, tx, of)
	if errors.Is(err, party.ErrNotFound) {
		// A stranger's word: it is counted nowhere, and the gate hides it.
		out, err := v.pushes(ctx, tx, by, u, p, c)
		if err == nil {
			err = ErrNoRegister // before anybody is registered who takes over (edge case 18)
		}
		return Pushed{Entry: out.Entry}, err
	}
	if err != nil {
		return Pushed{}, err
	}
	key, err := party.SealKey(ctx, tx, is.Standing)
	if err != nil {
		return Pushed{}, err
	}
	b := Bundle{ID: id.New(id.Bundle), Child: c.ID, Party: of, Key: key.ID, Purpose: purpose, Items: items, PushedAt: tx.Now(), UntilAt: tx.Now().Add(BundleLife)}
	if key.ID != "" {
		b.UntilAt = soonest(b.UntilAt, key.Until, is.EndsAt) // at an agreement's last second nothing waits any more
	}
	pull := gate.Pull{Key: b.Key, Party: of, Bundle: b.ID, Until: b.UntilAt.UnixMicro()}
	opened, err := v.counted(ctx, tx, pull, by.Ledger(), len(items), func(pull gate.Pull) (Opened, error) {
		return v.pushes(ctx, tx, by.Pushing(pull), u, p, c)
	})
	if err != nil {
		return Pushed{Entry: opened.Entry}, err
	}
	b.UntilAt = soonest(b.UntilAt, opened.EndsAt) // Article 12
	handle, err := party.Introduce(ctx, tx, v.Ring, of, c)
	if err != nil {
		return Pushed{}, err
	}
	if b.sealed, err = v.wrap(b, handle, is.Standing, key, c, opened); err != nil {
		return Pushed{}, err
	}
	return Pushed{Bundle: b.ID, Handle: handle, Until: b.UntilAt, Entry: opened.Entry}, b.wait(ctx, tx)
}

// pushes opens what is held of a locked child, to seal it. Nothing is handed over by that: see
// Delivered.
func (v *Vault) pushes(ctx context.Context, tx *db.Tx, by gate.Actor, u gate.Use, p *Prepared, c family.Child) (Opened, error) {
	// The lock made c.Version; the decision rests on the one before.
	return v.releaseAt(ctx, tx, by, u, p, c, c.Version-1)
}

// wrap seals values to the party's key, and that under the child's.
func (v *Vault) wrap(b Bundle, handle string, is party.Standing, key party.Key, c family.Child, opened Opened) ([]byte, error) {
	values := make(map[string]string, len(b.Items))
	for _, item := range b.Items {
		value, ok := opened.Values[item]
		if !ok {
			return nil, ErrUnheld.At("items")
		}
		values[item] = value.Reveal()
	}
	use := opened.EndsAt
	if is.Role == party.Processor {
		use = soonest(use, is.Agreement.Until, is.EndsAt) // Article 16 (4)
	}
	plain, err := json.Marshal(wardkeep.Bundle{ID: b.ID, Service: b.Party.Service, Role: string(b.Party.Role), Party: b.Party.Name, Handle: handle,
		Purpose: b.Purpose, Values: values, SealedAt: b.PushedAt, UseUntil: use})
	if err != nil {
		return nil, err
	}
	defer clear(plain)
	if len(plain) > MaxBundle {
		return nil, ErrLarge.At("items")
	}
	sealed, err := key.Seal(plain)
	if err != nil {
		return nil, err
	}
	own, err := c.Key(v.Ring)
	if err != nil {
		return nil, err
	}
	return own.Seal(sealed, b.ad()...), nil
}

// soonest returns the first of the moments that there are: a zero one never comes.
func soonest(at time.Time, others ...time.Time) time.Time {
	for _, other := range others {
		if !other.IsZero() && other.Before(at) {
			at = other
		}
	}
	return at
}

// wait keeps the bundle until its party has taken it.
func (b Bundle) wait(ctx context.Context, tx *db.Tx) error {
	n, err := db.One(ctx, tx, db.Single[int64], `
		SELECT count(*) FROM (
			SELECT bundle FROM party_bundle WHERE service = $1 AND party = $2 LIMIT $3
		) AS waiting`, b.Party.Service, b.Party.Name, MaxWaiting)
	if err != nil {
		return err
	}
	if n >= MaxWaiting {
		return ErrWaiting
	}
	return tx.Queue(ctx, `
		INSERT INTO party_bundle (`+bundleColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $9, $11, $12, $11, $13)`,
		b.Child, b.ID, b.Party.Service, b.Party.Role, b.Party.Name, b.Key, b.Purpose, b.items(), (*db.Time)(&b.PushedAt), (*db.Time)(&b.UntilAt),
		0, "", b.sealed)
}

// stale reports whether something else is held now of what is in the bundle, or it isn't any
// more: the party would work on what a guardian has had corrected.
func (b Bundle) stale(values []stored) bool {
	for _, item := range b.Items {
		i := slices.IndexFunc(values, func(s stored) bool { return s.item == item })
		if i < 0 || values[i].collected.After(b.PushedAt) {
			return true
		}
	}
	return false
}
