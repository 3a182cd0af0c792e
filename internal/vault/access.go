package vault

import (
	"context"
	"slices"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/family"
	"wardkeep/internal/gate"
	"wardkeep/internal/rights"
)

// ErrNotHeld says that there is no such value.
var ErrNotHeld = errs.New(errs.NotFound, "vault.not_held")

// View shows a guardian one value about its child, if the gate permits the look
// (PIPL 45). Its entry is durable before the value leaves, as with every use; it
// is no use, and prolongs nothing. Errors: ErrNotHeld, of which nothing is
// recorded; *gate.Denied; family.ErrErased, family.ErrNotFound.
func (v *Vault) View(ctx context.Context, tx *db.Tx, by family.Guardian, service, item string) (Opened, error) {
	a := gate.Access{Service: service, Child: by.Child, Items: []string{item}}
	if by.Hidden(v.Ring, tx.Now()) {
		return v.hidden(ctx, tx, by, a)
	}
	values := new([]stored)
	l, _, err := v.Gate.Fresh(ctx, tx, service, by.Child, nil, reads(values, gate.Use{Child: by.Child, Items: a.Items})...)
	if err != nil {
		return Opened{}, err
	}
	child, err := l.Child(service)
	if err != nil {
		return Opened{}, err
	}
	if len(*values) != 1 {
		return Opened{}, ErrNotHeld
	}
	s := (*values)[0]
	permit, entry, err := gate.CheckAccess(ctx, tx, by, a, l, []gate.Held{s.held()})
	if err != nil {
		return Opened{Entry: entry}, err
	}
	value, err := v.decrypt(permit, gate.View, child, item, s.sealed, s.ad(child))
	return Opened{Values: map[string]pii.Text{item: value}, Entry: entry}, err
}

// hidden has the gate deny a look of a guardian from whom what is held is hidden (edge case 22).
// Nothing that is held is read for it, and its entry names no item: what is asked for and isn't
// held is answered in the same way, and after the same time, as what is.
func (v *Vault) hidden(ctx context.Context, tx *db.Tx, by family.Guardian, a gate.Access) (Opened, error) {
	l, _, err := v.Gate.Fresh(ctx, tx, a.Service, by.Child, nil)
	if err != nil {
		return Opened{}, err
	}
	a.Items = []string{}
	_, entry, err := gate.CheckAccess(ctx, tx, by, a, l, nil)
	if err == nil {
		err = ErrNotHeld // the gate permits no look at nothing
	}
	return Opened{Entry: entry}, err
}

// MaxPart bounds the sealed values in one file of a copy, in bytes; a value that is
// larger is a file by itself. No value is larger than the body of the request that
// brought it.
const MaxPart = 16 << 20

// A Part is what goes into one file of a copy, by item, and how large its values are,
// sealed, in bytes.
type Part struct {
	Held  []Holding
	Bytes int64
}

// Parts splits what can still be read of a child into the files of a copy: one at
// least, so that a copy of nothing is one, too.
func Parts(ctx context.Context, tx *db.Tx, c family.Child) ([]Part, error) {
	all, err := Holdings(ctx, tx, c)
	if err != nil {
		return nil, err
	}
	sizes := make(map[string]int64, len(all))
	_, err = db.All(ctx, tx, func(row db.Row) (none struct{}, err error) {
		var item string
		var size int64
		err = row.Scan(&item, &size)
		sizes[item] = size
		return none, err
	}, `SELECT item, length(sealed) FROM value WHERE child = $1 ORDER BY item`, c.ID)
	if err != nil {
		return nil, err
	}
	parts := make([]Part, 1)
	for _, h := range all {
		last, size := &parts[len(parts)-1], sizes[h.Item]
		if last.Bytes+size > MaxPart && len(last.Held) > 0 {
			parts = append(parts, Part{})
			last = &parts[len(parts)-1]
		}
		last.Held, last.Bytes = append(last.Held, h), last.Bytes+size
	}
	return parts, nil
}

// Copy opens values for a file that a guardian takes away, as its demand r wants it, if
// the gate permits it (PIPL 45). Needs is how well that guardian must have been
// verified. All that View says of a look is true of it: the entry names each item, and
// is durable before the file leaves. Errors: those of rights.Fetch; ErrNotHeld where
// one of the items isn't held any more; those of View.
func (v *Vault) Copy(ctx context.Context, tx *db.Tx, by family.Guardian, r rights.Request, needs family.Strength, items []string) (Opened, error) {
	values := new([]stored)
	l, _, err := v.Gate.Fresh(ctx, tx, r.Service, by.Child, nil, reads(values, gate.Use{Child: by.Child, Items: items})...)
	if err != nil {
		return Opened{}, err
	}
	child, err := l.Child(r.Service)
	if err != nil {
		return Opened{}, err
	}
	if r, err = rights.Fetch(ctx, tx, by, r.Service, r.ID); err != nil {
		return Opened{}, err
	}
	if len(*values) != len(items) {
		return Opened{}, ErrNotHeld
	}
	held := (&Prepared{l, values}).held()
	a := gate.Access{Service: r.Service, Child: by.Child, Items: slices.Clone(items), Demand: r.ID, Needs: needs}
	permit, entry, err := gate.CheckAccess(ctx, tx, by, a, l, held)
	if err != nil {
		return Opened{Entry: entry}, err
	}
	out := Opened{Values: make(map[string]pii.Text, len(items)), Entry: entry}
	for _, s := range *values {
		if out.Values[s.item], err = v.decrypt(permit, gate.Copy, child, s.item, s.sealed, s.ad(child)); err != nil {
			return Opened{}, err
		}
	}
	return out, nil
}
