package consent

import (
	"context"

	"wardkeep/internal/base/db"
	"wardkeep/internal/family"
	"wardkeep/internal/family/age"
)

// Correct is family.Correct with what follows for those who answer, and whoever corrects a
// birth date goes this way. Errors: those of family.Correct.
func (d Desk) Correct(ctx context.Context, tx *db.Tx, by family.Actor, c family.Child, b age.Birth, from family.Source) (family.Child, string, error) {
	c, entry, err := family.Correct(ctx, tx, d.Ring, by, c, b, from)
	if err != nil {
		return c, "", err
	}
	return c, entry, d.childAgain(ctx, tx, by, c)
}

// CorrectByDocument is family.CorrectByDocument likewise.
func (d Desk) CorrectByDocument(ctx context.Context, tx *db.Tx, by family.Actor, c family.Child, b age.Birth, claim string) (family.Child, string, error) {
	c, entry, err := family.CorrectByDocument(ctx, tx, d.Ring, by, c, b, claim)
	if err != nil {
		return c, "", err
	}
	return c, entry, d.childAgain(ctx, tx, by, c)
}

// childAgain ends the tie of a minor that is a child by its new birth date, and what waits
// for its answer: a child doesn't answer (Article 9). What it has refused stands: see
// Counting. What its guardians differ about stops again what it stops of a child (edge
// case 7).
func (d Desk) childAgain(ctx context.Context, tx *db.Tx, by family.Actor, c family.Child) error {
	class, err := c.Class(d.Ring, tx.Now())
	if err != nil || class != age.Child {
		return err
	}
	var all []family.Guardian
	if err := tx.Together(ctx, family.ReadGuardians(&all, c.ID)); err != nil {
		return err
	}
	for _, g := range all {
		if g.Relation != family.Self || !g.EndedAt.IsZero() {
			continue
		}
		if _, err := endGuardian(ctx, tx, by, c, g.ID); err != nil {
			return err
		}
	}
	return d.Review(ctx, tx, by.Ledger(), c)
}
