package vault

import (
	"context"
	"errors"
	"slices"
	"time"

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
	out, err := v.look(ctx, tx, by, u, request, false)
	return out.Opened, err
}

// Exported are values that leave as a file, sealed to a key, after the commit.
type Exported struct {
	Opened
	Key    staff.Recipient
	EndsAt time.Time // when the first of the values ends for this purpose (Article 12); zero: none is held
}

// Export opens all that two others have agreed to, once, if the gate permits it (Article
// 15). All that is said of Reveal holds of it; each item counts as a look. Errors: those of
// Reveal.
func (v *Vault) Export(ctx context.Context, tx *db.Tx, by staff.Person, u gate.Use, request string) (Exported, error) {
	return v.look(ctx, tx, by, u, request, true)
}

func (v *Vault) look(ctx context.Context, tx *db.Tx, by staff.Person, u gate.Use, request string, export bool) (out Exported, err error) {
	if len(u.Items) > MaxItems {
		return out, ErrTooMany
	}
	// Whoever looks changes what is left of the approval: the child is locked, so that of
	// two looks, of a look and a decision, one is first.
	child, err := family.Lock(ctx, tx, u.Service, u.Child)
	if err != nil {
		return out, err
	}
	limits := v.Looks.Or(approval.Defaults)
	look := gate.Look{Burst: int64(limits.Burst), BurstIn: limits.BurstIn.Microseconds(), Export: export}
	// The person comes before the service: what the service says of an office is newer.
	if look.Person, look.Looks, err = approval.Hold(ctx, tx, by.ID); err != nil {
		return out, err
	}
	n := int64(max(1, len(u.Items)))
	look.PerHour, look.PerDay = limits.Of(look.Person, u.Service)
	look.Looks = look.Looks.Within(tx.Now(), limits.BurstIn)
	look.Alarms = limits.Alarms(look.Looks, n, tx.Now(), v.Calendar)
	if look.Decoy, err = approval.IsDecoy(ctx, tx, v.Ring, child); err != nil {
		return out, err
	}
	if look.Suspended, err = approval.Suspended(ctx, tx, v.Ring, look.Person.ID); err != nil {
		return out, err
	}
	look.Request, err = approval.OfChild(ctx, tx, child.ID, request)
	if err != nil && !errors.Is(err, approval.ErrNotFound) {
		return out, err
	}
	look.Intact = look.Request.Intact(v.Ring)
	if export {
		if err := v.key(ctx, tx, &look); err != nil {
			return out, err
		}
	}
	values := new([]stored)
	l, err := v.Gate.Load(ctx, tx, u.Service, child.ID, reads(values, u)...)
	if err != nil {
		return out, err
	}
	p := &Prepared{l, values}
	permit, entry, err := gate.Check(ctx, tx, gate.ByStaff(look), u, l, child.Version, p.held(), nil)
	out.Entry = entry
	if err != nil && !errors.Is(err, gate.ErrDenied) {
		return out, err
	}
	// An alarm is durable with the denial, as with the look.
	if failed := approval.Raise(ctx, tx, u.Service, look.Request.ID, look.Person.Ledger(), look.Raises(err == nil), entry); failed != nil {
		return Exported{}, failed
	}
	if err != nil {
		return out, err
	}
	if err := approval.Count(ctx, tx, v.Ring, child, look.Request, look.Looks, n); err != nil {
		return Exported{}, err
	}
	out.Values, out.Key = make(map[string]pii.Text, len(*values)), look.Key
	for _, s := range *values {
		if out.Values[s.item], err = v.decrypt(permit, u.Activity, child, s.item, s.sealed, s.ad(child)); err != nil {
			return Exported{}, err
		}
		if ends := time.UnixMicro(permit.Expires(s.item)).UTC(); out.EndsAt.IsZero() || ends.Before(out.EndsAt) {
			out.EndsAt = ends
		}
	}
	return out, nil
}

// key adds to a look what its file is sealed to. A row that was written by hand is no key,
// and such an export is told of.
func (v *Vault) key(ctx context.Context, tx *db.Tx, look *gate.Look) error {
	look.Alarms = append(slices.Clone(look.Alarms), approval.Exported)
	key, err := staff.RecipientOf(ctx, tx, look.Person.ID)
	if errors.Is(err, staff.ErrNoRecipient) {
		return nil
	}
	if err != nil {
		return err
	}
	if !key.Intact(v.Ring) {
		look.Intact = false
		return nil
	}
	look.Key = key
	return nil
}
