package vault

import (
	"context"

	"wardkeep/internal/base/db"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
)

// EraseCeased erases what was collected of a child for a purpose that has ended, and
// returns the items (Article 23). Processors and recipients are told, also where nothing
// is held: they may have what was collected for another purpose, or has expired here. What is sealed for it in the operator's own databases
// opens no more, since the gate is closed for good.
func (v *Vault) EraseCeased(ctx context.Context, tx *db.Tx, actor, service string, id family.ID, purpose string) (items []string, err error) {
	child, err := family.Lock(ctx, tx, service, id)
	if err != nil {
		return nil, err
	}
	if err := v.orderEnd(ctx, tx, actor, child, purpose); err != nil {
		return nil, err
	}
	items, err = db.All(ctx, tx, db.Single[string], `SELECT item FROM value WHERE child = $1 AND purpose = $2 ORDER BY item`, id, purpose)
	if err != nil || len(items) == 0 {
		return nil, err
	}
	if _, err := v.keepOf(ctx, tx, actor, child, items...); err != nil {
		return nil, err
	}
	items, err = db.All(ctx, tx, db.Single[string], `DELETE FROM value WHERE child = $1 AND purpose = $2 RETURNING item`, id, purpose)
	if err != nil || len(items) == 0 {
		return nil, err
	}
	_, err = v.erased(ctx, tx, actor, child, items, string(family.Cessation))
	return items, err
}

// orderEnd tells processors and recipients that a purpose has ended.
func (v *Vault) orderEnd(ctx context.Context, tx *db.Tx, actor string, c family.Child, purpose string) error {
	published, err := v.Gate.Charters.Current(ctx, tx, c.Service)
	if err != nil {
		return err
	}
	var grants []consent.Grant
	var answers []consent.Answer
	var guardians []family.Guardian
	if err := tx.Together(ctx, consent.ReadGrants(&grants, c.ID), consent.ReadStanding(&answers, c.ID), family.ReadGuardians(&guardians, c.ID)); err != nil {
		return err
	}
	class, err := c.Class(v.Ring, tx.Now())
	if err != nil {
		return err
	}
	return v.orders().Ended(ctx, tx, actor, c, grants, purpose, func(other string) bool {
		return consent.Standing(answers, guardians, class, other, published.AskedSince[other]).Granted
	})
}
