package consent

import (
	"context"

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

// Force plays the guardian of a test service: it opens, verifies and answers a
// request, all of it recorded as done by the app. Errors: ErrNotATest for a live
// service; ErrOutcome; those of Open and Give.
func (d Desk) Force(ctx context.Context, tx *db.Tx, by account.App, r Request, outcome Outcome) (Request, []Answer, error) {
	if outcome != ForceVerified && outcome != ForceGranted && outcome != ForceRefused {
		return r, nil, ErrOutcome.At("outcome")
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
	if r, _, _, err = d.verified(ctx, tx, c, r, by.Ledger()); err != nil || outcome == ForceVerified {
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
	g.Strength = min(g.Strength, family.OneTimeCode)
	given, err := d.give(ctx, tx, by.Ledger(), g, c, r, answers)
	if err == nil {
		r.State, r.AnsweredAt = Answered, tx.Now()
	}
	return r, given, err
}
