package rights

import (
	"context"
	"errors"
	"slices"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/incident"
)

// ErrDemanded keeps a child frozen of whom somebody demands that it is erased.
var ErrDemanded = errs.New(errs.Conflict, "rights.erasure_demanded")

// Again takes a demand once more that a store which was put back doesn't know: under
// its name and number, with what is left of its clock, as the ledger tells them (edge
// case 15). What was written with it is lost. The zero erase is a demand that a
// guardian decides about first, or that erases nothing; one whose time has come is
// the caller's to carry out. Errors: ErrMayNot where the guardian isn't one here;
// those of family.Lock.
func (d Desk) Again(ctx context.Context, tx *db.Tx, by family.Actor, child family.Child, was ReceivedBody, erase time.Time) (string, error) {
	c, err := family.Lock(ctx, tx, child.Service, child.ID)
	if err != nil {
		return "", err
	}
	all, err := Of(ctx, tx, c.ID)
	if err != nil {
		return "", err
	}
	now := tx.Now()
	r := Request{
		ID: was.Request, Child: c.ID, Service: c.Service, Number: was.Number, Kind: was.Kind, Door: was.Door, Guardian: was.Guardian,
		Item: was.Item, Reached: was.Reached, State: Open, ReceivedAt: now, DueAt: later(time.UnixMicro(was.Due).UTC(), now), EraseAt: erase,
	}
	if i := slices.IndexFunc(all, func(o Request) bool { return o.ID == r.ID }); i >= 0 {
		if o := all[i]; o.State == Open && o.Door == ByContact && r.Door == ByChild {
			_, entry, err := d.takeOn(ctx, tx, by, c, o, Demand{Kind: o.Kind, Door: ByChild})
			return entry, err
		}
		return "", nil
	}
	if slices.ContainsFunc(all, func(o Request) bool { return o.State == Open && o.Kind.Erases() && r.Kind.Erases() }) {
		return "", nil // it is demanded already
	}
	if err := inOffice(ctx, tx, c.ID, r.Guardian); err != nil {
		if r.Door == ByGuardian {
			return "", ErrMayNot
		}
		r.Guardian = ""
	}
	if r.Kind.Erases() {
		if !r.EraseAt.IsZero() {
			r.EraseAt = later(r.EraseAt, now)
		}
		if r.froze = !c.Frozen; r.froze {
			if _, err := family.Freeze(ctx, tx, by, c, freezes(r.Kind)); err != nil {
				return "", err
			}
		}
	}
	r.Entry, err = r.step(ctx, tx, c, KindReceived, by.Ledger(), ReceivedBody{
		Request: r.ID, Number: r.Number, Kind: r.Kind, Door: r.Door, Guardian: r.Guardian, Item: r.Item,
		Due: r.DueAt.UnixMicro(), Erase: micros(r.EraseAt), Froze: r.froze, Reached: r.Reached,
	})
	if err != nil {
		return "", err
	}
	return r.Entry, r.insert(ctx, tx)
}

// later returns t, or a moment after now if t is over.
func later(t, now time.Time) time.Time {
	if t.After(now) {
		return t
	}
	return now.Add(time.Second)
}

// EndAgain ends a demand once more, as the ledger tells that it ended, in the name of
// who did: a store that was put back has it open. What was answered is lost. Errors:
// ErrNotFound, ErrEnded; those of family.Lock.
func (d Desk) EndAgain(ctx context.Context, tx *db.Tx, by family.Actor, r Request, state State, why Reason) error {
	c, r, err := lock(ctx, tx, r)
	if err != nil {
		return err
	}
	_, _, err = d.end(ctx, tx, by, c, r, state, EndedBody{Reason: why, Again: true}, pii.Text{})
	return err
}

// Release lets a locked child's information be used again that was frozen for another
// reason than a demand: because a restore didn't know what had become of it, above all.
// The officer has found that out. Errors: ErrMayNot; ErrDemanded while somebody
// demands that the child is erased; family.ErrNotFrozen.
func Release(ctx context.Context, tx *db.Tx, by catalog.Officer, c family.Child) (string, error) {
	if !by.Governs(c.Service) {
		return "", ErrMayNot
	}
	entry, err := release(ctx, tx, by, c)
	if err == nil {
		err = incident.LetGo(ctx, tx, c)
	}
	return entry, err
}

// Carrying is how a case takes the steps that were ordered for all on its list. A child of whom
// somebody demands that it is erased stays frozen for that.
func (d Desk) Carrying() incident.Doing {
	desk := consent.Desk{Ring: d.Ring, Charters: d.Charters}
	return incident.Doing{
		Freeze: func(ctx context.Context, tx *db.Tx, c family.Child) (bool, error) {
			_, err := family.Freeze(ctx, tx, incident.Carrier{}, c, family.ByOfficer)
			return err == nil, err
		},
		Release: func(ctx context.Context, tx *db.Tx, c family.Child) (bool, error) {
			_, err := release(ctx, tx, incident.Carrier{}, c)
			if errors.Is(err, ErrDemanded) {
				return false, nil
			}
			return err == nil, err
		},
		Unverify: func(ctx context.Context, tx *db.Tx, c family.Child) (bool, error) {
			entry, err := desk.UnverifyAll(ctx, tx, incident.Carrier{}, c)
			return entry != "", err
		},
	}
}

func release(ctx context.Context, tx *db.Tx, by family.Actor, c family.Child) (string, error) {
	all, err := Of(ctx, tx, c.ID)
	if err != nil {
		return "", err
	}
	if slices.ContainsFunc(all, func(r Request) bool { return r.State == Open && r.Kind.Erases() }) {
		return "", ErrDemanded
	}
	return family.Unfreeze(ctx, tx, by, c)
}
