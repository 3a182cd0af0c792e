package vault

import (
	"context"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/family"
	"wardkeep/internal/gate"
)

// ErrNotHeld says that there is no such value.
var ErrNotHeld = errs.New(errs.NotFound, "vault.not_held")

// View shows a guardian one value about its child, if the gate permits the look
// (PIPL 45). Its entry is durable before the value leaves, as with every use; it
// is no use, and prolongs nothing. Errors: ErrNotHeld, of which nothing is
// recorded; *gate.Denied; family.ErrErased, family.ErrNotFound.
func (v *Vault) View(ctx context.Context, tx *db.Tx, by family.Guardian, service, item string) (Opened, error) {
	a := gate.Access{Service: service, Child: by.Child, Items: []string{item}}
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
