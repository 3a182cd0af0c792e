package consent

import (
	"context"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/id"
	"wardkeep/internal/family"
	"wardkeep/internal/family/age"
)

// Withdraw takes back the consent to a purpose: the guardian's own, or, for a
// guardian who gave none, that of another one (edge case 7: any withdrawal
// wins). What was done before stays lawful; from the commit on no permit rests on
// it (Article 20(3)), and the withdrawal stands against the purpose until this
// guardian answers anew. Errors: ErrWithdrawn the second time, ErrNotFound where
// there is nothing to withdraw, ErrNotYours, ErrMayNot; ErrPast18 for a guardian of who is
// grown up, whose door is shut to the second (edge case 4).
func (d Desk) Withdraw(ctx context.Context, tx *db.Tx, by family.Guardian, child family.Child, purpose string) (Answer, error) {
	return d.withdraw(ctx, tx, by, child, purpose, false)
}

func (d Desk) withdraw(ctx context.Context, tx *db.Tx, by family.Guardian, child family.Child, purpose string, again bool) (Answer, error) {
	if by.Child != child.ID {
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
	g, ok := guardian(guardians, by.ID)
	if !ok || !g.Proved() || by.Strength < family.OneTimeCode {
		return Answer{}, ErrMayNot
	}
	switch class, err := c.Class(d.Ring, tx.Now()); {
	case err != nil:
		return Answer{}, err
	case class == age.Adult && g.Relation != family.Self:
		return Answer{}, ErrPast18
	}
	// Edge case 4: a guardian takes back nothing that the minor has agreed to, nor the
	// other way round.
	answers = of(answers, guardians, classOf(g))
	mine := own(answers, g.ID, purpose)
	if mine.ID != "" && !mine.Granted {
		return Answer{}, ErrWithdrawn
	}
	grant := mine
	if mine.ID == "" {
		grant = theirs(answers, purpose)
	}
	if grant.ID == "" {
		return Answer{}, ErrNotFound
	}
	a := Answer{
		ID: id.New(id.Consent), Child: c.ID, Guardian: g.ID, Purpose: purpose, Charter: grant.Charter,
		Notice: grant.Notice, Page: grant.Page, Lang: grant.Lang, Channel: grant.Channel, ShownAt: grant.ShownAt,
		GivenAt: tx.Now(), Withdraws: grant.ID, Strength: min(by.Strength, g.Strength),
	}
	if a, err = a.write(ctx, tx, by.Ledger(), c, mine, EndedByWithdrawal, g.Relation == family.Self, false, again); err != nil {
		return Answer{}, err
	}
	return a, d.Review(ctx, tx, by.Ledger(), c)
}

// theirs returns the latest standing grant of anyone, or the zero Answer.
func theirs(answers []Answer, purpose string) (grant Answer) {
	for _, a := range answers {
		if a.Purpose == purpose && a.Granted && a.Stands() {
			grant = a
		}
	}
	return grant
}
