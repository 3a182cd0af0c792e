package vault

import (
	"context"
	"slices"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/family"
	"wardkeep/internal/gate"
	"wardkeep/internal/rights"
)

// DemandPort takes a guardian's demand that a copy is carried over to somebody of its choice
// (PIPL 45). Errors: those of rights.Desk.Port; rights.ErrLarge, where it would be more than
// one file.
func (v *Vault) DemandPort(ctx context.Context, tx *db.Tx, desk rights.Desk, by family.Guardian, child family.Child, ask rights.Demand) (rights.Request, rights.Secrets, error) {
	held, err := Holdings(ctx, tx, child)
	if err == nil {
		_, err = Ported(ctx, tx, child, ask.Items)
	}
	if err != nil {
		return rights.Request{}, rights.Secrets{}, err
	}
	ask.Held = Items(held)
	return desk.Port(ctx, tx, by, child, ask)
}

// Ported returns what of some items is held, for the one file in which it is carried over; of
// all that is held, where none is named. Errors: rights.ErrLarge where it takes several.
func Ported(ctx context.Context, tx *db.Tx, c family.Child, items []string) (one Part, err error) {
	parts, err := Parts(ctx, tx, c)
	for _, p := range parts {
		some := slices.DeleteFunc(p.Held, func(h Holding) bool { return len(items) > 0 && !slices.Contains(items, h.Item) })
		if len(some) == 0 {
			continue
		}
		if len(one.Held) > 0 {
			err = rights.ErrLarge
		}
		one.Held, one.Bytes = append(one.Held, some...), one.Bytes+p.Bytes
	}
	return one, err
}

// Port opens what a guardian has carried over to somebody of its choice, if the gate permits
// it now: as a copy of the guardian's, by what is known of it now, and besides only while no
// guardian differs and nothing is to be deleted. The child is locked (rights.Desk.TryPort), so
// of two who fetch at once one does. Its entry, which names the demand alone, and that it was
// fetched are durable before anything leaves; if we crash after the commit, nothing was
// released, and it was fetched: the guardian may have another one made. What is denied waits
// on. Needs is as in Copy. Errors: ErrNotHeld where an item went a moment ago; *gate.Denied.
func (v *Vault) Port(ctx context.Context, tx *db.Tx, r rights.Request, p rights.Ported, needs family.Strength, items []string) (Opened, error) {
	values := new([]stored)
	l, err := v.Gate.Load(ctx, tx, r.Service, r.Child, reads(values, gate.Use{Child: r.Child, Items: items})...)
	if err != nil {
		return Opened{}, err
	}
	child, err := l.Child(r.Service)
	if err != nil {
		return Opened{}, err
	}
	if len(*values) != len(items) {
		return Opened{}, ErrNotHeld
	}
	// The guardian has shown a code when it demanded this, and isn't here now.
	by := family.Guardian{ID: r.Guardian, Child: r.Child, Strength: family.OneTimeCode}
	a := gate.Access{Service: r.Service, Child: r.Child, Items: slices.Clone(items), Demand: r.ID, Needs: needs, Port: true}
	permit, entry, err := gate.CheckAccess(ctx, tx, by, a, l, (&Prepared{l, values}).held())
	if err != nil {
		return Opened{Entry: entry}, err
	}
	if err := p.Carried(ctx, tx, entry); err != nil {
		return Opened{}, err
	}
	out := Opened{Values: make(map[string]pii.Text, len(items)), Entry: entry}
	for _, s := range *values {
		if out.Values[s.item], err = v.decrypt(permit, gate.Port, child, s.item, s.sealed, s.ad(child)); err != nil {
			return Opened{}, err
		}
	}
	return out, nil
}
