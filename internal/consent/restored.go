package consent

import (
	"context"
	"errors"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/id"
	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
	"wardkeep/internal/family"
)

// ErrCharterLost says that a no was to a charter that a store which was put back doesn't
// know.
var ErrCharterLost = errs.New(errs.Gone, "consent.charter_lost")

// WithdrawAgain is Withdraw in a store that was put back and doesn't know it, as the ledger
// tells it (edge case 15): the guardian itself does nothing. Errors: those of Withdraw.
func (d Desk) WithdrawAgain(ctx context.Context, tx *db.Tx, by family.Guardian, child family.Child, purpose string) (Answer, error) {
	return d.withdraw(ctx, tx, by, child, purpose, true)
}

// RefuseAgain records a no once more in a store that was put back and doesn't know it, as
// the ledger tells it (edge case 15): nobody has agreed to the purpose here, and nobody is
// asked about it again (edge case 26). What it answered and the page that was shown may be
// lost, so it names neither. Errors: ErrWithdrawn where one stands, ErrMayNot, ErrNotYours,
// ErrCharterLost; ErrPast14 where the guardian's answer counts no more.
func (d Desk) RefuseAgain(ctx context.Context, tx *db.Tx, by family.Guardian, child family.Child, was AnswerBody) (Answer, error) {
	if by.Child != child.ID || by.ID != was.Guardian {
		return Answer{}, ErrNotYours
	}
	c, err := family.Lock(ctx, tx, child.Service, child.ID)
	if err != nil {
		return Answer{}, err
	}
	answers, guardians, err := standing(ctx, tx, c.ID)
	if err != nil {
		return Answer{}, err
	}
	class, err := c.Class(d.Ring, tx.Now())
	if err != nil {
		return Answer{}, err
	}
	g, ok := guardian(guardians, by.ID)
	strength := min(was.Strength, g.Strength)
	switch {
	case !ok || !g.Proved() || strength < family.OneTimeCode:
		return Answer{}, ErrMayNot
	case class != classOf(g):
		return Answer{}, ErrPast14
	case own(answers, g.ID, was.Purpose).ID != "":
		return Answer{}, ErrWithdrawn
	}
	p, err := d.Charters.Version(ctx, tx, c.Service, was.Charter)
	if errors.Is(err, catalog.ErrVersionNotFound) || err == nil && p.Notices[charter.Lang(was.Lang)] != was.Notice {
		err = ErrCharterLost
	}
	if err != nil {
		return Answer{}, err
	}
	a := Answer{
		ID: id.New(id.Consent), Child: c.ID, Guardian: g.ID, Purpose: was.Purpose, Charter: was.Charter, Notice: was.Notice,
		Lang: was.Lang, Channel: was.Channel, ShownAt: time.UnixMicro(was.Shown).UTC(), GivenAt: tx.Now(), Strength: strength,
	}
	if a, err = a.write(ctx, tx, by.Ledger(), c, Answer{}, EndedByNewAnswer, g.Relation == family.Self, false, true); err != nil {
		return Answer{}, err
	}
	return a, d.Review(ctx, tx, by.Ledger(), c)
}
