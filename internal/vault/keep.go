package vault

import (
	"context"
	"maps"
	"slices"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/family"
	"wardkeep/internal/ledger"
	"wardkeep/internal/legal"
)

// Keeping returns what a law demands to keep of a child's values if it were erased now
// (edge case 14).
func Keeping(ctx context.Context, tx *db.Tx, c family.Child) ([]legal.Keep, error) {
	var values []stored
	if err := tx.Together(ctx, held(&values, c.ID)); err != nil {
		return nil, err
	}
	items := make(map[string]time.Time, len(values))
	for _, s := range values {
		items[s.item] = s.collected
	}
	return legal.Plan(ctx, tx, c, items)
}

// Kept returns what is kept of a living child because a law demands it.
func Kept(ctx context.Context, tx *db.Tx, child family.ID) ([]legal.Keep, error) {
	return db.All(ctx, tx, func(row db.Row) (k legal.Keep, err error) {
		err = row.Scan(&k.Item, &k.Approval, &k.Basis, &k.Number, &k.Document, &k.Salt, (*db.Time)(&k.Until))
		return k, err
	}, `
		SELECT kept_value.item, kept_value.approval, kept_value.basis, legal_approval.number, legal_approval.document, legal_approval.salt, kept_value.until
		FROM kept_value JOIN legal_approval ON legal_approval.id = kept_value.approval
		WHERE kept_value.child = $1 ORDER BY kept_value.until, kept_value.id, kept_value.item`, child)
}

// keptAD is what a value that is kept is bound to: otherwise than one in use, so that
// nothing that opens those opens it.
func keptAD(service string, child family.ID, kept, item string) []string {
	return []string{"kept", service, string(child), kept, item}
}

// keepOf is keep for some items.
func (v *Vault) keepOf(ctx context.Context, tx *db.Tx, actor string, c family.Child, items ...string) (kept []string, err error) {
	all, err := Keeping(ctx, tx, c)
	if err != nil {
		return nil, err
	}
	return v.keep(ctx, tx, actor, c, slices.DeleteFunc(all, func(k legal.Keep) bool { return !slices.Contains(items, k.Item) }))
}

// keep puts where nobody reads it what a law demands to keep, as Keeping says, and returns
// which items. It opens none for anybody: each is sealed anew inside the keyring. What
// can't be opened isn't kept.
func (v *Vault) keep(ctx context.Context, tx *db.Tx, actor string, c family.Child, all []legal.Keep) (kept []string, err error) {
	if len(all) == 0 {
		return nil, nil
	}
	key, err := c.Key(v.Ring)
	if err != nil {
		return nil, err
	}
	body := legal.KeptBody{Kept: id.New(id.Kept)}
	moved := make(map[string][]byte)
	for _, k := range all {
		s, err := db.One(ctx, tx, scan, whole, c.ID, k.Item)
		if err != nil {
			return nil, err
		}
		sealed, err := key.Reseal(key, s.sealed, s.ad(c), keptAD(c.Service, c.ID, body.Kept, k.Item))
		if err != nil {
			continue
		}
		kept, moved[k.Item] = append(kept, k.Item), sealed
		body.Values = append(body.Values, legal.Span{Item: k.Item, Approval: k.Approval, Basis: k.Basis, Mark: k.Mark(k.Approval), Until: k.Until.UnixMicro()})
	}
	if len(kept) == 0 {
		return nil, nil
	}
	entry, err := ledger.Append(ctx, tx, ledger.Entry{Kind: legal.KindKept, Service: c.Service, Subject: c.Subject,
		Version: c.Version, Actor: actor, Body: body})
	if err != nil {
		return nil, err
	}
	if err := v.loseBundles(ctx, tx, c, kept); err != nil {
		return nil, err
	}
	for _, k := range body.Values {
		if err := tx.Queue(ctx, `
			INSERT INTO kept_value (child, id, item, service, approval, basis, until, sealed, entry)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
			c.ID, body.Kept, k.Item, c.Service, k.Approval, k.Basis, k.Until, moved[k.Item], entry); err != nil {
			return nil, err
		}
		if err := tx.Queue(ctx, `DELETE FROM value WHERE child = $1 AND item = $2`, c.ID, k.Item); err != nil {
			return nil, err
		}
	}
	return kept, nil
}

// A keptRow is a row of kept_value.
type keptRow struct {
	id, item, entry string
	until           time.Time
	sealed          []byte
}

// keepOn moves what is kept of a child that is about to be erased under a key that
// outlives the child's, which is destroyed: what is sealed elsewhere dies with it. Keeping
// is zero if nothing is kept. It returns the entries that tell what is, and how much.
func (v *Vault) keepOn(ctx context.Context, tx *db.Tx, c family.Child) (to family.Keeping, entries []string, kept int, err error) {
	rows, err := db.All(ctx, tx, func(row db.Row) (k keptRow, err error) {
		err = row.Scan(&k.id, &k.item, (*db.Time)(&k.until), &k.sealed, &k.entry)
		return k, err
	}, `SELECT id, item, until, sealed, entry FROM kept_value WHERE child = $1 ORDER BY id, item`, c.ID)
	if err != nil || len(rows) == 0 {
		return to, nil, 0, err
	}
	from, err := c.Key(v.Ring)
	if err != nil {
		return to, nil, 0, err
	}
	var key keyring.ChildKey
	if key, to.Wrapped, to.Pool, err = v.Ring.NewChildKey(string(c.ID)); err != nil {
		return to, nil, 0, err
	}
	for _, k := range rows {
		if k.until.After(to.Until) {
			to.Until = k.until
		}
		if k.until.After(tx.Now()) {
			kept++
			if !slices.Contains(entries, k.entry) {
				entries = append(entries, k.entry)
			}
		}
		ad := keptAD(c.Service, c.ID, k.id, k.item)
		sealed, err := from.Reseal(key, k.sealed, ad, ad)
		if err != nil {
			continue // it opens for nobody, and ends on its date
		}
		if err := tx.Queue(ctx, `UPDATE kept_value SET sealed = $1 WHERE child = $2 AND id = $3 AND item = $4`, sealed, c.ID, k.id, k.item); err != nil {
			return to, nil, 0, err
		}
	}
	return to, entries, kept, nil
}

// A KeptDue is a child of whom something is kept past its date.
type KeptDue struct {
	Child   family.ID
	Service string
}

// DueKept returns the next children behind one of whom something is kept past its date, at
// most limit. It reads the index of those dates: its cost is what is due.
func DueKept(ctx context.Context, tx *db.Tx, after KeptDue, limit int) ([]KeptDue, error) {
	now := tx.Now()
	return db.All(ctx, tx, func(row db.Row) (d KeptDue, err error) {
		err = row.Scan(&d.Child, &d.Service)
		return d, err
	}, `
		SELECT DISTINCT child, service FROM kept_value
		WHERE until <= $1 AND child > $2
		ORDER BY child, service LIMIT $3`, (*db.Time)(&now), after.Child, limit)
}

// EndKept erases what is kept of a child past its date, with the key that it lies under if
// nothing else does, and returns how many values there were. If we crash before the
// commit, they are due again.
func (v *Vault) EndKept(ctx context.Context, tx *db.Tx, actor string, due KeptDue) (int, error) {
	if err := family.HoldErased(ctx, tx, due.Child); err != nil {
		return 0, err
	}
	now := tx.Now()
	rows, err := db.All(ctx, tx, func(row db.Row) (k keptRow, err error) {
		err = row.Scan(&k.id, &k.item)
		return k, err
	}, `DELETE FROM kept_value WHERE child = $1 AND until <= $2 RETURNING id, item`, due.Child, (*db.Time)(&now))
	if err != nil {
		return 0, err
	}
	gone := make(map[string][]string)
	for _, k := range rows {
		gone[k.id] = append(gone[k.id], k.item)
	}
	for _, kept := range slices.Sorted(maps.Keys(gone)) {
		slices.Sort(gone[kept])
		_, err := ledger.Append(ctx, tx, ledger.Entry{Kind: legal.KindErased, Service: due.Service, Actor: actor,
			Body: legal.ErasedBody{Kept: kept, Items: gone[kept]}})
		if err != nil {
			return 0, err
		}
	}
	left, err := db.All(ctx, tx, db.Single[db.Time], `SELECT until FROM kept_value WHERE child = $1 ORDER BY until DESC, id, item LIMIT 1`, due.Child)
	if err != nil || len(left) > 0 {
		return len(rows), err
	}
	return len(rows), family.EndKeeping(ctx, tx, due.Child)
}
