package vault

import (
	"context"
	"slices"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/catalog"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/family/age"
)

// EraseUnfounded erases what was collected for purposes that a guardian has said no
// to since, and returns the items (Article 20 (3)). Whoever takes an answer or a
// withdrawal, or ends the office of who answered, calls it in the same transaction. Another purpose needs none of it:
// the gate opens a value to no purpose once its own has lost its consent. While
// another guardian still says yes, it is kept and not used (edge case 7). What is
// sealed in the operator's own databases opens no more unless a guardian agrees anew,
// and can't be removed from here. Processors and recipients are told (edge case 13).
//
// What has lost its ground by nobody's no but that of a guardian from whom it is hidden is
// kept, and used by nobody, for as long: who is the threat could otherwise erase the proof of
// that by taking a consent back, or by having an app end the tie that holds a value against
// another guardian's no (edge case 22; Article 1; PIPL 47). Whoever ends the hiding calls this
// again.
func (v *Vault) EraseUnfounded(ctx context.Context, tx *db.Tx, actor, service string, id family.ID) (items []string, err error) {
	// Who answers holds the child, so nothing comes in while we look.
	var values []stored
	var grants []consent.Grant
	if err := tx.Together(ctx, held(&values, id), consent.ReadGrants(&grants, id)); err != nil || len(values) == 0 && len(grants) == 0 {
		return nil, err
	}
	child, err := family.Lock(ctx, tx, service, id)
	if err != nil {
		return nil, err
	}
	published, err := v.Gate.Charters.Current(ctx, tx, service)
	if err != nil {
		return nil, err
	}
	var answers []consent.Answer
	var guardians []family.Guardian
	if err := tx.Together(ctx, consent.ReadStanding(&answers, id), family.ReadGuardians(&guardians, id)); err != nil {
		return nil, err
	}
	class, err := child.Class(v.Ring, tx.Now())
	if err != nil {
		return nil, err
	}
	if err := v.orderStop(ctx, tx, actor, child, published, answers, guardians, class, grants); err != nil {
		return nil, err
	}
	others, there := v.withoutThreat(answers, guardians, tx.Now())
	for _, s := range values {
		if unfounded(published, answers, guardians, class, s.purpose) && unfounded(published, others, there, class, s.purpose) {
			items = append(items, s.item)
		}
	}
	if len(items) == 0 {
		return nil, nil
	}
	kept, err := v.keepOf(ctx, tx, actor, child, items...)
	if err != nil {
		return nil, err
	}
	items = slices.DeleteFunc(items, func(item string) bool { return slices.Contains(kept, item) })
	for _, item := range items {
		if err := tx.Queue(ctx, `DELETE FROM value WHERE child = $1 AND item = $2`, id, item); err != nil {
			return nil, err
		}
	}
	if len(items) == 0 {
		return nil, nil
	}
	slices.Sort(items)
	_, err = v.erased(ctx, tx, actor, child, items, string(family.ConsentWithdrawn))
	return items, err
}

// withoutThreat returns the answers without a no of a guardian from whom what is held is hidden,
// and the guardians as if none of those had ended: by neither does a value go while it is
// hidden. A no that another guardian gives after that end is its own decision, and counts.
func (v *Vault) withoutThreat(answers []consent.Answer, guardians []family.Guardian, now time.Time) ([]consent.Answer, []family.Guardian) {
	ended := make(map[family.GuardianID]time.Time) // of those from whom it is hidden; zero: in office
	there := slices.Clone(guardians)
	for i, g := range there {
		if g.Hidden(v.Ring, now) {
			ended[g.ID], there[i].EndedAt = g.EndedAt, time.Time{}
		}
	}
	overtaken := func(yes consent.Answer, end time.Time) bool {
		return slices.ContainsFunc(answers, func(a consent.Answer) bool {
			_, hidden := ended[a.Guardian]
			return !hidden && a.Purpose == yes.Purpose && !a.Granted && a.Stands() && a.GivenAt.After(end)
		})
	}
	return slices.DeleteFunc(slices.Clone(answers), func(a consent.Answer) bool {
		end, hidden := ended[a.Guardian]
		return hidden && (!a.Granted || !end.IsZero() && overtaken(a, end))
	}), there
}

// orderStop tells processors and recipients of the purposes that have lost their
// consent.
func (v *Vault) orderStop(ctx context.Context, tx *db.Tx, actor string, c family.Child, p catalog.Published, answers []consent.Answer, guardians []family.Guardian, class age.Class, grants []consent.Grant) error {
	var lost []string
	for _, g := range grants {
		if !slices.Contains(lost, g.Purpose) && unfounded(p, answers, guardians, class, g.Purpose) {
			lost = append(lost, g.Purpose)
		}
	}
	if len(lost) == 0 {
		return nil
	}
	slices.Sort(lost)
	return v.orders().Withdrawn(ctx, tx, actor, c, grants, lost, func(purpose string) bool {
		return consent.Standing(answers, guardians, class, purpose, p.AskedSince[purpose]).Granted
	})
}

// unfounded reports whether a no stands against the purpose, and no yes of a
// guardian in office. After 14 it is what the minor says (edge case 4): what it hasn't
// answered is kept and not used until its time is over, unless a guardian says no to it.
// What the minor agreed to is erased on no guardian's word from 18 on either.
func unfounded(p catalog.Published, answers []consent.Answer, guardians []family.Guardian, class age.Class, purpose string) bool {
	if class == age.Adult {
		class = age.Minor
	}
	v := consent.Standing(answers, guardians, class, purpose, p.AskedSince[purpose])
	if class != age.Child && v == (consent.Verdict{}) {
		class = age.Child
		v = consent.Standing(answers, guardians, class, purpose, p.AskedSince[purpose])
	}
	if v.Granted || v.Why != consent.Refused && v.Why != consent.Withdrawn {
		return false
	}
	return !slices.ContainsFunc(answers, func(a consent.Answer) bool {
		return a.Purpose == purpose && a.Granted && a.Stands() && slices.ContainsFunc(guardians, func(g family.Guardian) bool {
			return g.ID == a.Guardian && g.MayAnswerFor(class)
		})
	})
}
