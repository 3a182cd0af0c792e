package vault

import (
	"context"

	"wardkeep/internal/base/db"
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
	child, p, err := v.locked(ctx, tx, u)
	if err != nil {
		return Opened{}, err
	}
	return v.handOver(ctx, tx, by, u, p, child)
}

// locked locks the child of a use, and reads what the use needs.
func (v *Vault) locked(ctx context.Context, tx *db.Tx, u gate.Use) (family.Child, *Prepared, error) {
	child, err := family.Lock(ctx, tx, u.Service, u.Child)
	if err != nil {
		return child, nil, err
	}
	values := new([]stored)
	l, err := v.Gate.Load(ctx, tx, u.Service, u.Child, reads(values, u)...)
	return child, &Prepared{l, values}, err
}

// handOver releases to a recipient what is held of a locked child.
func (v *Vault) handOver(ctx context.Context, tx *db.Tx, by gate.Actor, u gate.Use, p *Prepared, child family.Child) (Opened, error) {
	// The lock made child.Version; the decision rests on the one before.
	out, err := v.releaseAt(ctx, tx, by, u, p, child, child.Version-1)
	if err != nil || len(out.Values) == 0 || !p.loaded.Facts(tx.Now(), nil).HandsOver(u) {
		return out, err // nothing of the child has gone anywhere, or not to who takes over
	}
	_, err = family.HandOver(ctx, tx, by.Ledger(), child, family.HandedOverBody{Recipient: u.Party, Purpose: u.Purpose, At: tx.Now().UnixMicro()})
	return out, err
}
