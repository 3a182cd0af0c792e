package vault

import (
	"context"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/charter"
	"wardkeep/internal/family"
	"wardkeep/internal/gate"
)

// Transfer returns the values that the app hands over to a recipient, if the gate permits
// it (Article 17). That something of the child has gone to who takes over its service is kept
// with the child, as it is told to its guardians in the end (edge case 18): so the child is
// locked, and of two at once one comes after the other. The activity is transfer.
func (v *Vault) Transfer(ctx context.Context, tx *db.Tx, by gate.Actor, u gate.Use) (Opened, error) {
	switch {
	case u.Activity != charter.Transfer:
		return Opened{}, ErrActivity
	case len(u.Items) > MaxItems:
		return Opened{}, ErrTooMany
	}
	child, err := family.Lock(ctx, tx, u.Service, u.Child)
	if err != nil {
		return Opened{}, err
	}
	values := new([]stored)
	l, err := v.Gate.Load(ctx, tx, u.Service, u.Child, reads(values, u)...)
	if err != nil {
		return Opened{}, err
	}
	p := &Prepared{l, values}
	// The lock made child.Version; the decision rests on the one before.
	permit, entry, err := gate.Check(ctx, tx, by, u, l, child.Version-1, p.held(), nil)
	if err != nil {
		return Opened{Entry: entry}, err
	}
	out := Opened{Values: make(map[string]pii.Text, len(*values)), Entry: entry}
	for _, s := range *values {
		if out.Values[s.item], err = v.decrypt(permit, u.Activity, child, s.item, s.sealed, s.ad(child)); err != nil {
			return Opened{}, err
		}
	}
	if len(out.Values) == 0 || !l.Facts(tx.Now(), nil).HandsOver(u) {
		return out, nil // nothing of the child has gone anywhere, or not to who takes over
	}
	_, err = family.HandOver(ctx, tx, by.Ledger(), child, family.HandedOverBody{Recipient: u.Party, Purpose: u.Purpose, At: tx.Now().UnixMicro()})
	return out, err
}
