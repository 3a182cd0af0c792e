package rights

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"wardkeep/internal/account"
	"wardkeep/internal/approval"
	"wardkeep/internal/assistance"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
	"wardkeep/internal/family"
	"wardkeep/internal/family/age"
	"wardkeep/internal/incident"
	"wardkeep/internal/order"
	"wardkeep/internal/staff"
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
// who is neither: the child is erased. How that came, and what was written with it, is
// kept beside what the demand had. Errors: ErrMayNot, those of the child's key.
func (d Desk) takeOn(ctx context.Context, tx *db.Tx, by family.Actor, c family.Child, r Request, ask Demand) (Request, string, error) {
	inside, err := insideOf(ctx, tx, by, r.Service)
	if err != nil {
		return r, "", err
	}
	r.Guardian, r.Door, r.EraseAt = ask.Guardian, ask.Door, d.erasure(tx.Now(), ask)
	r.Reached = cmp.Or(ask.Reached, r.Reached)
	if r.note, err = d.beside(c, r.note, ask.Text, r.bound("note")); err != nil {
		return r, "", err
	}
	if r.paper, err = d.beside(c, r.paper, pii.New(ask.Paper), r.bound("paper")); err != nil {
		return r, "", err
	}
	r.Paper = r.paper != nil
	entry, err := r.step(ctx, tx, c, KindConfirmed, by.Ledger(), ConfirmedBody{Request: r.ID, Door: r.Door, Guardian: r.Guardian, Erase: r.EraseAt.UnixMicro(),
		Note: !ask.Text.IsZero(), Reached: ask.Reached, Paper: ask.Paper != "", Inside: inside})
	if err != nil {
		return r, "", err
	}
	r.Entry += " " + entry
	return r, entry, tx.Queue(ctx, `
		UPDATE rights_request SET guardian = $1, door = $2, erase_at = $3, entry = $4, note = $5, reached = $6, paper = $7, steps = $8
		WHERE child = $9 AND id = $10`,
		r.Guardian, r.Door, (*db.Time)(&r.EraseAt), r.Entry, r.note, r.Reached, r.paper, r.steps, r.Child, r.ID)
}

// beside seals a text on a line of its own after what is sealed already. Where there is no
// text, what is there stays.
func (d Desk) beside(c family.Child, sealed []byte, text pii.Text, bound []string) ([]byte, error) {
	if text.IsZero() {
		return sealed, nil
	}
	was, err := open(d.Ring, c, sealed, bound)
	if err != nil {
		return nil, err
	}
	if !was.IsZero() {
		text = pii.New(was.Reveal() + "\n" + text.Reveal())
	}
	return c.SealNote(d.Ring, text, bound...)
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
	if err := d.speaks(ctx, tx, by, r); err != nil {
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

// speaks refuses who isn't a guardian of the child, in office and verified, or is the threat:
// that one doesn't keep what the child wants to be erased (edge case 22).
func (d Desk) speaks(ctx context.Context, tx *db.Tx, by family.Guardian, r Request) error {
	if by.Child != r.Child || by.Strength < family.OneTimeCode {
		return ErrMayNot
	}
	if err := inOffice(ctx, tx, r.Child, by.ID); err != nil {
		return err
	}
	g, err := family.FindGuardian(ctx, tx, r.Child, by.ID)
	if err == nil && g.Hidden(d.Ring, tx.Now()) {
		err = ErrNotHere
	}
	return err
}

// Withhold has the demands of a guardian of the locked child to erase it wait for the office,
// if they were received before what is held was hidden from that one and no sweep has come to
// them yet (edge case 22).
func Withhold(ctx context.Context, tx *db.Tx, c family.Child, guardian family.GuardianID) error {
	return tx.Queue(ctx, `
		UPDATE rights_request SET erase_at = NULL WHERE child = $1 AND guardian = $2 AND door = 'guardian' AND state = 'open' AND erase_at IS NOT NULL`,
		c.ID, guardian)
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
	case !slices.Contains(ToExtend, why):
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
	inside, err := insideOf(ctx, tx, by, r.Service)
	if err != nil {
		return r, "", err
	}
	r.Extended, r.DueAt = why, d.after(from, d.Clocks.Or(Defaults).Extend)
	entry, err := r.step(ctx, tx, c, KindExtended, by.Ledger(), ExtendedBody{Request: r.ID, Reason: why, Due: r.DueAt.UnixMicro(), Inside: inside})
	if err != nil {
		return r, "", err
	}
	return r, entry, tx.Queue(ctx, `UPDATE rights_request SET extended = $1, due_at = $2, steps = $3 WHERE child = $4 AND id = $5`,
		r.Extended, (*db.Time)(&r.DueAt), r.steps, r.Child, r.ID)
}

// Finish ends a demand that was carried out, with an answer in writing if there is
// more to say. What erases is finished by erasing: one that waits for the office is carried
// out by the next sweep, which tells of it (edge case 22). Errors: ErrMayNot, ErrOffice, ErrText,
// ErrNotOfKind, ErrEnded, those of family.Lock.
func (d Desk) Finish(ctx context.Context, tx *db.Tx, by family.Actor, r Request, answer pii.Text) (Request, string, error) {
	c, r, err := lock(ctx, tx, r)
	switch {
	case err != nil:
		return r, "", err
	case !handles(by, r):
		return r, "", ErrMayNot
	case r.Waits():
		if _, officer := by.(catalog.Officer); !officer {
			return r, "", ErrOffice
		}
		return d.takeOn(ctx, tx, by, c, r, Demand{Kind: r.Kind, Door: ByGuardian, Guardian: r.Guardian})
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
// entitled to ask. Errors: ErrMayNot, ErrOffice, ErrReason, ErrText, ErrEnded,
// those of family.Lock.
func (d Desk) Refuse(ctx context.Context, tx *db.Tx, by family.Actor, r Request, why Reason, answer pii.Text) (Request, string, error) {
	c, r, err := lock(ctx, tx, r)
	_, officer := by.(catalog.Officer)
	switch _, inside := by.(staff.Acting); {
	case err != nil:
		return r, "", err
	case !handles(by, r), r.Kind.Erases() && !officer && !inside:
		return r, "", ErrMayNot
	case r.Kind.Erases() && !officer:
		return r, "", ErrOffice
	case !slices.Contains(r.ToRefuse(), why):
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
	case staff.Acting:
		return governs(by, r.Service)
	}
	return false
}

// governs reports whether the matrix lets the person handle demands of the service.
func governs(by staff.Acting, service string) bool {
	return by.Action == staff.HandleDemands && by.Governs(service)
}

// insideOf holds a person inside who handles demands to the end of the transaction, and
// returns what their act rests on; of anybody else, nothing. The child is locked before.
// Errors: ErrMayNot where the matrix doesn't let them any more.
func insideOf(ctx context.Context, tx *db.Tx, by family.Actor, service string) (Inside, error) {
	inside, err := approval.InsideOf(ctx, tx, by, staff.HandleDemands, service)
	if errors.Is(err, approval.ErrMayNot) {
		err = ErrMayNot
	}
	return inside, err
}

// OwnerOf is how a demand names its owner, if that is the actor: "st_…", of the term of
// office or of the person inside; "" for whoever is no handler.
func OwnerOf(by family.Actor) string {
	switch by := by.(type) {
	case catalog.Officer:
		return by.ID
	case staff.Acting:
		return by.ID
	}
	return ""
}

var endings = map[State]string{Done: KindDone, Refused: KindRefused, Cancelled: KindCancelled}

// end ends an open demand of the locked child, as the body says. A child that it froze is free again, unless
// a case wants it frozen, and no party has to help with it any more.
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
	var err error
	if !body.Again {
		if body.Inside, err = insideOf(ctx, tx, by, r.Service); err != nil {
			return r, "", err
		}
	}
	free := r.froze && c.Frozen
	if free {
		if _, err := family.Unfreeze(ctx, tx, by, c); err != nil {
			return r, "", err
		}
	}
	body.Request, body.Received, body.Answer = r.ID, r.ReceivedAt.UnixMicro(), r.answer != nil
	entry, err := r.step(ctx, tx, c, endings[state], by.Ledger(), body)
	if err != nil {
		return r, "", err
	}
	if err := assistance.Lapse(ctx, tx, r.Child, r.ID); err != nil {
		return r, "", err
	}
	if free {
		// Article 21: what a case has ordered for all on its list isn't over with the demand.
		if err := incident.Again(ctx, tx, c, d.Carrying()); err != nil {
			return r, "", err
		}
	}
	return r, entry, tx.Queue(ctx, `
		UPDATE rights_request SET state = $1, reason = $2, closed_at = $3, answer = $4, erase_at = NULL, steps = $5
		WHERE child = $6 AND id = $7`,
		r.State, r.Reason, (*db.Time)(&r.ClosedAt), r.answer, r.steps, r.Child, r.ID)
}
