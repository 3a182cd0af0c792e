package rights

import (
	"context"
	"errors"
	"time"

	"wardkeep/internal/account"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
	"wardkeep/internal/family"
	"wardkeep/internal/family/age"
	"wardkeep/internal/order"
)

// lock locks the child of a demand and reads the demand again. Errors: ErrEnded;
// those of family.Lock.
func lock(ctx context.Context, tx *db.Tx, r Request) (family.Child, Request, error) {
	c, err := family.Lock(ctx, tx, r.Service, r.Child)
	if err != nil {
		return c, r, err
	}
	r, err = db.One(ctx, tx, scan, `SELECT `+columns+` FROM rights_request WHERE child = $1 AND id = $2`, r.Child, r.ID)
	switch {
	case errors.Is(err, db.ErrNone):
		err = ErrNotFound
	case err == nil && r.State != Open:
		err = ErrEnded
	}
	return c, r, err
}

// takeOn has a guardian take on a demand that somebody else made, or the child one of
// who is neither: the child is erased.
func (d Desk) takeOn(ctx context.Context, tx *db.Tx, actor string, c family.Child, r Request, ask Demand) (Request, string, error) {
	r.Guardian, r.Door, r.EraseAt = ask.Guardian, ask.Door, d.erasure(tx.Now(), ask.Door)
	entry, err := record(ctx, tx, c, KindConfirmed, actor, ConfirmedBody{Request: r.ID, Door: r.Door, Guardian: r.Guardian, Erase: r.EraseAt.UnixMicro()})
	if err != nil {
		return r, "", err
	}
	r.Entry += " " + entry
	return r, entry, tx.Queue(ctx, `
		UPDATE rights_request SET guardian = $1, door = $2, erase_at = $3, entry = $4 WHERE child = $5 AND id = $6`,
		r.Guardian, r.Door, (*db.Time)(&r.EraseAt), r.Entry, r.Child, r.ID)
}

// Keep ends a demand to erase that a guardian doesn't want carried out: the child's, or
// one of somebody who is neither. A guardian's stands, whoever made it, and so does that
// of whoever is 14: no guardian's word weighs against it (edge case 4). Errors:
// ErrMayNot, ErrEnded, those of family.Lock.
func (d Desk) Keep(ctx context.Context, tx *db.Tx, by family.Guardian, r Request) (Request, string, error) {
	c, r, err := lock(ctx, tx, r)
	if err != nil {
		return r, "", err
	}
	if err := speaks(ctx, tx, by, r); err != nil {
		return r, "", err
	}
	class, err := c.Class(d.Ring, tx.Now())
	if err != nil {
		return r, "", err
	}
	if r.Door == ByGuardian || !r.Kind.Erases() || r.Door == ByChild && class != age.Child {
		return r, "", ErrMayNot
	}
	return d.end(ctx, tx, by, c, r, Cancelled, EndedBody{}, pii.Text{})
}

// speaks refuses who isn't a guardian of the child, in office and verified.
func speaks(ctx context.Context, tx *db.Tx, by family.Guardian, r Request) error {
	if by.Child != r.Child || by.Strength < family.OneTimeCode {
		return ErrMayNot
	}
	return inOffice(ctx, tx, r.Child, by.ID)
}

// Extend gives a demand more time, once, with a reason that whoever asked is told.
// What erases takes no longer: the child is frozen and waits for nothing. Errors:
// ErrMayNot, ErrReason, ErrExtended, ErrNotOfKind, ErrEnded, those of family.Lock.
func (d Desk) Extend(ctx context.Context, tx *db.Tx, by family.Actor, r Request, why Reason) (Request, string, error) {
	c, r, err := lock(ctx, tx, r)
	switch {
	case err != nil:
		return r, "", err
	case !handles(by, r):
		return r, "", ErrMayNot
	case why != Complex && why != Unreachable:
		return r, "", ErrReason.At("reason")
	case r.Kind.Erases():
		return r, "", ErrNotOfKind
	case r.Extended != "":
		return r, "", ErrExtended
	}
	from := r.DueAt.Add(-1) // within its last day
	if now := tx.Now(); from.Before(now) {
		from = now
	}
	r.Extended, r.DueAt = why, d.after(from, d.Clocks.Or(Defaults).Extend)
	err = tx.Queue(ctx, `UPDATE rights_request SET extended = $1, due_at = $2 WHERE child = $3 AND id = $4`,
		r.Extended, (*db.Time)(&r.DueAt), r.Child, r.ID)
	if err != nil {
		return r, "", err
	}
	entry, err := record(ctx, tx, c, KindExtended, by.Ledger(), ExtendedBody{Request: r.ID, Reason: why, Due: r.DueAt.UnixMicro()})
	return r, entry, err
}

// Finish ends a demand that was carried out, with an answer in writing if there is
// more to say. What erases is finished by erasing. Errors: ErrMayNot, ErrText,
// ErrNotOfKind, ErrEnded, those of family.Lock.
func (d Desk) Finish(ctx context.Context, tx *db.Tx, by family.Actor, r Request, answer pii.Text) (Request, string, error) {
	c, r, err := lock(ctx, tx, r)
	switch {
	case err != nil:
		return r, "", err
	case !handles(by, r):
		return r, "", ErrMayNot
	case r.Kind.Erases():
		return r, "", ErrNotOfKind
	}
	if r.Kind != Correct && r.Kind != Supplement {
		return d.end(ctx, tx, by, c, r, Done, EndedBody{}, answer)
	}
	// Article 19: whoever else has the item corrects it too.
	orders := order.Book{Ring: d.Ring, Charters: d.Charters, Calendar: d.Calendar}
	if err := orders.Item(ctx, tx, by.Ledger(), c, order.Correct, r.Item); err != nil {
		return r, "", err
	}
	return d.end(ctx, tx, by, c, r, Done, EndedBody{}, answer)
}

// Refuse ends a demand with a reason, which whoever asked gets in writing (Minors'
// regulation 34). To delete is refused by the officer alone, and only to who isn't
// entitled to ask. Errors: ErrMayNot, ErrReason, ErrText, ErrEnded, those of
// family.Lock.
func (d Desk) Refuse(ctx context.Context, tx *db.Tx, by family.Actor, r Request, why Reason, answer pii.Text) (Request, string, error) {
	c, r, err := lock(ctx, tx, r)
	switch _, officer := by.(catalog.Officer); {
	case err != nil:
		return r, "", err
	case !handles(by, r), r.Kind.Erases() && !officer:
		return r, "", ErrMayNot
	case why != NotEntitled && (r.Kind.Erases() || why != NothingHeld && why != AlreadyRight):
		return r, "", ErrReason.At("reason")
	}
	return d.end(ctx, tx, by, c, r, Refused, EndedBody{Reason: why}, answer)
}

// handles reports whether the actor answers demands of the service.
func handles(by family.Actor, r Request) bool {
	switch by := by.(type) {
	case account.App:
		return by.Service == r.Service && by.May(account.RequestsWrite)
	case catalog.Officer:
		return by.Governs(r.Service)
	}
	return false
}

var endings = map[State]string{Done: KindDone, Refused: KindRefused, Cancelled: KindCancelled}

// end ends an open demand of the locked child, as the body says. A child that it froze is free again.
func (d Desk) end(ctx context.Context, tx *db.Tx, by family.Actor, c family.Child, r Request, state State, body EndedBody, answer pii.Text) (Request, string, error) {
	if !isText(answer) {
		return r, "", ErrText.At("answer")
	}
	r.State, r.Reason, r.ClosedAt, r.EraseAt = state, body.Reason, tx.Now(), time.Time{}
	if !answer.IsZero() {
		var err error
		if r.answer, err = c.SealNote(d.Ring, answer, r.bound("answer")...); err != nil {
			return r, "", err
		}
	}
	err := tx.Queue(ctx, `
		UPDATE rights_request SET state = $1, reason = $2, closed_at = $3, answer = $4, erase_at = NULL
		WHERE child = $5 AND id = $6`,
		r.State, r.Reason, (*db.Time)(&r.ClosedAt), r.answer, r.Child, r.ID)
	if err != nil {
		return r, "", err
	}
	if r.froze && c.Frozen {
		if _, err := family.Unfreeze(ctx, tx, by, c); err != nil {
			return r, "", err
		}
	}
	body.Request, body.Received, body.Answer = r.ID, r.ReceivedAt.UnixMicro(), r.answer != nil
	entry, err := record(ctx, tx, c, endings[state], by.Ledger(), body)
	return r, entry, err
}
