package vault

import (
	"context"
	"errors"
	"slices"
	"strconv"

	"wardkeep/internal/access"
	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/border"
	"wardkeep/internal/catalog"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/incident"
	"wardkeep/internal/ledger"
	"wardkeep/internal/legal"
	"wardkeep/internal/party"
	"wardkeep/internal/rights"
	"wardkeep/internal/shield"
	"wardkeep/internal/verification"
	"wardkeep/internal/warning"
)

// Erase destroys a child's key and removes every row about the child but the
// fact that it was erased (Article 20). Sealed values in the operator's own
// databases die with the key. It can't be undone: there is nothing to undo it
// from. Actor is who asked, as the ledger writes it. It returns the entries that tell
// it: of the values, if any were kept or erased, of the orders to processors and recipients, and of the child.
func (v *Vault) Erase(ctx context.Context, tx *db.Tx, actor, service string, id family.ID, ground family.Ground) (entries []string, err error) {
	child, err := family.Lock(ctx, tx, service, id)
	if err != nil {
		return nil, err
	}
	keep, err := Keeping(ctx, tx, child)
	if err != nil {
		return nil, err
	}
	return v.EraseLocked(ctx, tx, actor, child, ground, keep)
}

// EraseLocked is Erase for a locked child, of which that is kept what Keeping has said: so
// what is told of it, and done, is decided once.
func (v *Vault) EraseLocked(ctx context.Context, tx *db.Tx, actor string, child family.Child, ground family.Ground, keep []legal.Keep) (entries []string, err error) {
	id := child.ID
	// Edge case 14: what a law demands to keep goes where nobody reads it, and all else
	// of the child goes now.
	if _, err := v.keep(ctx, tx, actor, child, keep); err != nil {
		return nil, err
	}
	keeping, entries, kept, err := v.keepOn(ctx, tx, child)
	if err != nil {
		return nil, err
	}
	items, err := db.All(ctx, tx, db.Single[string], `DELETE FROM value WHERE child = $1 RETURNING item`, id)
	if err != nil {
		return nil, err
	}
	if len(items) > 0 {
		entry, err := v.erased(ctx, tx, actor, child, items, string(ground))
		if err != nil {
			return nil, err
		}
		entries = append(entries, entry)
	}
	// Article 16 (2): whoever else has something of the child is told in the same
	// transaction, while its consents say who that may be.
	service, err := catalog.Find(ctx, tx, child.Service)
	if err != nil {
		return nil, err
	}
	var except catalog.Successor
	if ground == family.Cessation && !child.HandedAt.IsZero() {
		// What a guardian let it have, it keeps, as long as nobody has taken that back or
		// says no (edge cases 7 and 18).
		stands, err := consent.Desk{Ring: v.Ring, Charters: v.Gate.Charters}.SuccessionStands(ctx, tx, child, service.Successor)
		if err != nil {
			return nil, err
		}
		if stands {
			except = service.Successor
		}
	}
	orders, err := v.orders().Erase(ctx, tx, actor, child, except)
	if err != nil {
		return nil, err
	}
	entries = append(entries, orders...)
	refused, err := consent.RefusedAll(ctx, tx, child)
	if err != nil {
		return nil, err
	}
	if err := consent.Forget(ctx, tx, id); err != nil {
		return nil, err
	}
	if err := access.Forget(ctx, tx, id); err != nil {
		return nil, err
	}
	if err := verification.Forget(ctx, tx, id); err != nil {
		return nil, err
	}
	if err := rights.Forget(ctx, tx, id); err != nil {
		return nil, err
	}
	if err := party.ForgetHandles(ctx, tx, id); err != nil {
		return nil, err
	}
	if err := forgetBundles(ctx, tx, id); err != nil {
		return nil, err
	}
	if err := border.Forget(ctx, tx, id); err != nil {
		return nil, err
	}
	if err := incident.Forget(ctx, tx, id); err != nil {
		return nil, err
	}
	if err := approval.Forget(ctx, tx, id); err != nil {
		return nil, err
	}
	if err := shield.Forget(ctx, tx, id); err != nil {
		return nil, err
	}
	if err := warning.Forget(ctx, tx, v.Ring, actor, child); err != nil {
		return nil, err
	}
	err = approval.EndDecoy(ctx, tx, v.Ring, actor, child)
	if err != nil && !errors.Is(err, approval.ErrNoDecoy) {
		return nil, err
	}
	if err := legal.Forget(ctx, tx, child); err != nil {
		return nil, err
	}
	entry, err := family.Erase(ctx, tx, v.Ring, actor, child, ground, family.Undone{Values: len(items), Orders: len(orders), Kept: kept, Keeping: keeping, Refused: refused,
		Successor: service.Successor.Recipient})
	return append(entries, entry), err
}

// Withhold takes the items of a locked child out of use, and returns which were held:
// what a law demands to keep goes where nobody reads it (edge case 14), the others are
// erased.
func (v *Vault) Withhold(ctx context.Context, tx *db.Tx, actor string, child family.Child, items []string, ground string) (gone []string, err error) {
	if len(items) == 0 {
		return nil, nil
	}
	kept, err := v.keepOf(ctx, tx, actor, child, items...)
	if err != nil {
		return nil, err
	}
	gone, err = v.EraseItems(ctx, tx, actor, child, items, ground)
	return append(kept, gone...), err
}

// EraseItems erases those of the items that are held of a locked child, and returns
// which they were.
func (v *Vault) EraseItems(ctx context.Context, tx *db.Tx, actor string, child family.Child, items []string, ground string) (gone []string, err error) {
	for _, item := range items {
		some, err := db.All(ctx, tx, db.Single[string], `DELETE FROM value WHERE child = $1 AND item = $2 RETURNING item`, child.ID, item)
		if err != nil {
			return nil, err
		}
		gone = append(gone, some...)
	}
	if len(gone) > 0 {
		_, err = v.erased(ctx, tx, actor, child, gone, ground)
	}
	return gone, err
}

func (v *Vault) erased(ctx context.Context, tx *db.Tx, actor string, child family.Child, items []string, ground string) (string, error) {
	if err := v.loseBundles(ctx, tx, child, items); err != nil {
		return "", err
	}
	return told(ctx, tx, actor, child, items, ground)
}

// told records which values are gone.
func told(ctx context.Context, tx *db.Tx, actor string, child family.Child, items []string, ground string) (string, error) {
	return ledger.Append(ctx, tx, ledger.Entry{Kind: KindErased, Service: child.Service, Subject: child.Subject,
		Version: child.Version, Actor: actor, Body: ErasedBody{Items: items, Ground: ground}})
}

// An Expiry is how many values of a child have ended.
type Expiry struct {
	Child   family.ID
	Service string
	Values  int
}

// ExpireTogether removes the expired values of at most db.Chunk children in one
// transaction: each change and each entry is that of one child. Those of whom it says nothing
// are being changed by somebody else, or erased, or had nothing due: see Expire. If we crash before
// the commit, all of them are due again.
func (v *Vault) ExpireTogether(ctx context.Context, tx *db.Tx, actor string, children []family.ID) ([]Expiry, error) {
	locked, err := family.LockFree(ctx, tx, children)
	if err != nil || len(locked) == 0 {
		return nil, err
	}
	ids := make([]family.ID, len(locked))
	for i, c := range locked {
		ids[i] = c.ID
	}
	now := tx.Now()
	in, args := db.Placeholders(ids)
	due := ` FROM value WHERE child IN ` + in + ` AND expires_at <= $` + strconv.Itoa(len(args)+1)
	args = append(args, (*db.Time)(&now))
	gone := make(map[family.ID][]string, len(locked))
	// The children are held, so what is read is what goes. SQLite deletes in a third less of the
	// writer's time what it needn't return.
	err = db.Each(ctx, tx, func(row db.Row) error {
		var child family.ID
		var item string
		err := row.Scan(&child, &item)
		gone[child] = append(gone[child], item)
		return err
	}, `SELECT child, item`+due, args...)
	if err != nil {
		return nil, err
	}
	if err := tx.Queue(ctx, `DELETE`+due, args...); err != nil {
		return nil, err
	}
	if err := v.loseOf(ctx, tx, locked, func(child family.ID) []string { return gone[child] }); err != nil {
		return nil, err
	}
	done := make([]Expiry, 0, len(locked))
	for _, c := range locked {
		items := gone[c.ID]
		if len(items) == 0 {
			continue
		}
		slices.Sort(items)
		if _, err := told(ctx, tx, actor, c, items, groundExpired); err != nil {
			return nil, err
		}
		done = append(done, Expiry{c.ID, c.Service, len(items)})
	}
	return done, nil
}

// groundExpired is why a value ends by itself (Article 12).
const groundExpired = "expired"

// Expire removes the expired values of one child and says how many there
// were: it waits for whoever is changing the child. If we crash before the commit, they are due again.
func (v *Vault) Expire(ctx context.Context, tx *db.Tx, actor, service string, id family.ID) (Expiry, error) {
	done := Expiry{Child: id, Service: service}
	child, err := family.Lock(ctx, tx, service, id)
	if err != nil {
		return done, err
	}
	now := tx.Now()
	items, err := db.All(ctx, tx, db.Single[string], `
		DELETE FROM value WHERE child = $1 AND expires_at <= $2 RETURNING item`, id, (*db.Time)(&now))
	if err != nil || len(items) == 0 {
		return done, err
	}
	slices.Sort(items)
	done.Values = len(items)
	_, err = v.erased(ctx, tx, actor, child, items, groundExpired)
	return done, err
}
