package vault

import (
	"context"
	"errors"

	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/family"
	"wardkeep/internal/gate"
	"wardkeep/internal/staff"
)

// Reveal shows a person inside one value of a child, if somebody else has approved that
// and the gate permits it (Article 15). Its entry, and that it counts, are durable before
// the value leaves; so are those of a denial. It is a use that prolongs nothing. Whoever
// calls shows an item at a time: the gate denies more. What isn't held is missing from the
// answer, and counts. Errors: *gate.Denied; approval.ErrMayNot where there is no such
// person; family.ErrErased, family.ErrNotFound.
func (v *Vault) Reveal(ctx context.Context, tx *db.Tx, by staff.Person, u gate.Use, request string) (Opened, error) {
	if len(u.Items) > MaxItems {
		return Opened{}, ErrTooMany
	}
	// Whoever looks changes what is left of the approval: the child is locked, so that of
	// two looks, of a look and a decision, one is first.
	child, err := family.Lock(ctx, tx, u.Service, u.Child)
	if err != nil {
		return Opened{}, err
	}
	limits := v.Looks.Or(approval.Defaults)
	look := gate.Look{Burst: int64(limits.Burst), BurstIn: limits.BurstIn.Microseconds()}
	// The person comes before the service: what the service says of an office is newer.
	if look.Person, look.Looks, err = approval.Hold(ctx, tx, by.ID); err != nil {
		return Opened{}, err
	}
	look.PerHour, look.PerDay = limits.Of(look.Person, u.Service)
	look.Looks = look.Looks.Within(tx.Now(), limits.BurstIn)
	look.Alarms = limits.Alarms(look.Looks, tx.Now(), v.Calendar)
	if look.Decoy, err = approval.IsDecoy(ctx, tx, v.Ring, child.ID); err != nil {
		return Opened{}, err
	}
	if look.Suspended, err = approval.Suspended(ctx, tx, v.Ring, look.Person.ID); err != nil {
		return Opened{}, err
	}
	look.Request, err = approval.OfChild(ctx, tx, child.ID, request)
	if err != nil && !errors.Is(err, approval.ErrNotFound) {
		return Opened{}, err
	}
	if look.Intact = look.Request.Intact(v.Ring); !look.Intact && look.Request.ID != "" {
		tx.Announce(approval.Alarm{What: approval.Forged})
	}
	values := new([]stored)
	l, err := v.Gate.Load(ctx, tx, u.Service, child.ID, reads(values, u)...)
	if err != nil {
		return Opened{}, err
	}
	p := &Prepared{l, values}
	permit, entry, err := gate.Check(ctx, tx, gate.ByStaff(look), u, l, child.Version, p.held(), nil)
	if err != nil && !errors.Is(err, gate.ErrDenied) {
		return Opened{Entry: entry}, err
	}
	// An alarm is durable with the denial, as with the look.
	if failed := approval.Raise(ctx, tx, u.Service, look.Request.ID, look.Person.Ledger(), look.Raises(err == nil), entry); failed != nil {
		return Opened{}, failed
	}
	if err != nil {
		return Opened{Entry: entry}, err
	}
	if err := approval.Count(ctx, tx, v.Ring, look.Request, look.Looks); err != nil {
		return Opened{}, err
	}
	out := Opened{Values: make(map[string]pii.Text, len(*values)), Entry: entry}
	for _, s := range *values {
		if out.Values[s.item], err = v.decrypt(permit, u.Activity, child, s.item, s.sealed, s.ad(child)); err != nil {
			return Opened{}, err
		}
	}
	return out, nil
}
