package vault

import (
	"context"
	"errors"

	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/family"
	"wardkeep/internal/gate"
	"wardkeep/internal/party"
)

// Pull returns the values that a party asks for by itself, if the gate permits it (Articles 16
// and 17): to a processor as the app entrusts it with something, to a recipient as it hands
// something over. How many values the party has had is counted with the release, so that of two
// at once one is first; and what is too many, or too fast, raises an alarm with the entry. It
// is a use that prolongs nothing. Errors: *gate.Denied; family.ErrErased, family.ErrNotFound.
func (v *Vault) Pull(ctx context.Context, tx *db.Tx, by party.Client, child family.ID, purpose string, items []string) (Opened, error) {
	if len(items) > MaxItems {
		return Opened{}, ErrTooMany
	}
	of := by.Key.Party
	u := gate.Use{Service: of.Service, Child: child, Activity: gate.Activity(of.Role), Purpose: purpose, Items: items, Party: of.Name}
	transfers := of.Role == party.Recipient
	var c family.Child
	p, err := new(Prepared), error(nil)
	if transfers {
		c, p, err = v.locked(ctx, tx, u)
	} else if p, err = v.fresh(ctx, tx, u, nil); err == nil {
		c, err = p.loaded.Child(u.Service)
	}
	if err != nil {
		return Opened{}, err
	}
	return v.counted(ctx, tx, gate.Pull{Key: by.Key.ID, Party: of}, by.Ledger(), len(items), func(pull gate.Pull) (Opened, error) {
		if transfers {
			return v.handOver(ctx, tx, gate.ByParty(pull), u, p, c)
		}
		return v.release(ctx, tx, gate.ByParty(pull), u, p, c)
	})
}

// counted has so many values released to a party, and counts them with the release: so of two at
// once one is first. What is too many, or too fast, raises an alarm with the entry; it is
// durable with a denial, too, and so is the count. The child is held before.
func (v *Vault) counted(ctx context.Context, tx *db.Tx, pull gate.Pull, actor string, items int, release func(gate.Pull) (Opened, error)) (out Opened, err error) {
	pull.Limits = v.Pulls.OrDefault()
	if pull.Meter, err = party.HoldMeter(ctx, tx, pull.Party); err != nil {
		return Opened{}, err
	}
	out, err = release(pull)
	var reasons []gate.Denial
	if denied, ok := errors.AsType[*gate.Denied](err); ok {
		reasons = denied.Reasons
	} else if err != nil {
		return Opened{}, err
	}
	n := int64(max(1, items))
	if failed := approval.Raise(ctx, tx, pull.Party.Service, "", actor, pull.Alarms(n, reasons), out.Entry); failed != nil {
		return Opened{}, failed
	}
	if failed := pull.After(n, reasons).Keep(ctx, tx, pull.Party); failed != nil {
		return Opened{}, failed
	}
	return out, err
}
