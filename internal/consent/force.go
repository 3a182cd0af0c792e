package consent

import (
	"context"
	"time"

	"wardkeep/internal/account"
	"wardkeep/internal/base/db"
	"wardkeep/internal/catalog"
	"wardkeep/internal/family"
)

// An Outcome is how a request of a test service shall end.
type Outcome string

// The outcomes.
const (
	ForceVerified Outcome = "verified"
	ForceGranted  Outcome = "granted"
	ForceRefused  Outcome = "refused"
)

// Force is ForceAt for a guardian who returned a one-time code.
func (d Desk) Force(ctx context.Context, tx *db.Tx, by account.App, r Request, outcome Outcome) (Request, []Answer, error) {
	return d.ForceAt(ctx, tx, by, r, outcome, family.OneTimeCode)
}

// ForceAt plays the guardian of a test service: it opens, verifies with that
// strength and answers a request, all of it recorded as done by the app. Errors:
// ErrNotATest for a live service; ErrOutcome; family.ErrStrength; those of Open,
// Give and family.Prove.
func (d Desk) ForceAt(ctx context.Context, tx *db.Tx, by account.App, r Request, outcome Outcome, strength family.Strength) (Request, []Answer, error) {
	if outcome != ForceVerified && outcome != ForceGranted && outcome != ForceRefused {
		return r, nil, ErrOutcome.At("outcome")
	}
	if strength < family.OneTimeCode || strength > family.Document {
		return r, nil, family.ErrStrength.At("strength")
	}
	if err := may(by, r.Service, r.Child); err != nil {
		return r, nil, err
	}
	s, err := catalog.Find(ctx, tx, r.Service)
	if err != nil {
		return r, nil, err
	}
	if s.State != catalog.Test {
		return r, nil, ErrNotATest
	}
	if r, _, _, err = d.open(ctx, tx, r, r.Locale, OnTest, by.Ledger()); err != nil {
		return r, nil, err
	}
	c, r, err := lock(ctx, tx, r)
	if err != nil {
		return r, nil, err
	}
	if err := r.takesCode(); err != nil {
		return r, nil, err
	}
	r, proof, _, err := d.verified(ctx, tx, c, r, by.Ledger())
	if err != nil {
		return r, nil, err
	}
	if err := d.forceProofs(ctx, tx, by, c, r, proof, strength); err != nil || outcome == ForceVerified {
		return r, nil, err
	}
	answers := make(map[string]bool, len(r.Purposes))
	for _, p := range r.Purposes {
		answers[p] = outcome == ForceGranted
	}
	g, err := asked(ctx, tx, r)
	if err != nil {
		return r, nil, err
	}
	g.Strength = min(g.Strength, strength)
	r.Shown, _ = r.shownOn(r.Locale, OnTest)
	given, err := d.give(ctx, tx, by.Ledger(), g, c, r, answers)
	if err == nil {
		r.State, r.AnsweredAt = Answered, tx.Now()
	}
	return r, given, err
}

// forceLife is how long what was forced proves anything of an institution (edge
// case 10), so that a test sees an end, too.
const forceLife = 365 * 24 * time.Hour

// forceProofs makes a test's guardian as well proved as it asks for.
func (d Desk) forceProofs(ctx context.Context, tx *db.Tx, by account.App, c family.Child, r Request, proof string, strength family.Strength) error {
	if strength == family.OneTimeCode {
		return nil
	}
	found := []family.Evidence{{Kind: family.Adulthood, Method: family.Played, Strength: min(strength, family.OfficialIdentity)}}
	if strength == family.Document {
		found = append(found, family.Evidence{Kind: family.Guardianship, Method: family.Played, Strength: strength, ExpiresAt: tx.Now().Add(forceLife)})
	}
	if _, err := family.Prove(ctx, tx, d.Ring, by.Ledger(), c, r.Guardian, found...); err != nil {
		return err
	}
	return d.Raise(ctx, tx, r, d.Session(r, proof), strength)
}
