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
	pull := gate.Pull{Key: by.Key.ID, Party: of, Limits: v.Pulls.OrDefault()}
	if pull.Meter, err = party.HoldMeter(ctx, tx, of); err != nil {
		return Opened{}, err
	}
	var out Opened
	if actor := gate.ByParty(pull); transfers {
		out, err = v.handOver(ctx, tx, actor, u, p, c)
	} else {
		out, err = v.release(ctx, tx, actor, u, p, c)
	}
	var reasons []gate.Denial
	if denied, ok := errors.AsType[*gate.Denied](err); ok {
		reasons = denied.Reasons
	} else if err != nil {
		return Opened{}, err
	}
	// An alarm is durable with the denial, as with the release, and so is the count.
	n := int64(max(1, len(items)))
	if failed := approval.Raise(ctx, tx, u.Service, "", by.Ledger(), pull.Alarms(n, reasons), out.Entry); failed != nil {
		return Opened{}, failed
	}
	if failed := pull.After(n, reasons).Keep(ctx, tx, of); failed != nil {
		return Opened{}, failed
	}
	return out, err
}
