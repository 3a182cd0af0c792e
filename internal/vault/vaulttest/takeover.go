package vaulttest

import (
	"context"
	"slices"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
	"wardkeep/internal/party"
)

// The recipient that takes over a service, and the purpose that asks about it (edge case
// 18).
const (
	Successor = "haixing"
	Handover  = "handover"
)

// Takeover returns the charter with both.
func Takeover(c *charter.Charter) *charter.Charter {
	words := func(zh, en string) charter.Words { return charter.Words{ZH: zh, EN: en} }
	year, err := charter.ParsePeriod("1y")
	if err != nil {
		panic(err)
	}
	to := *c
	to.Recipients = append(slices.Clone(c.Recipients), charter.Recipient{
		Name: Successor, Label: words("海星少儿教育", "Haixing Education for Children"), Contact: "privacy@haixing.example", Country: charter.Home,
		Why: words("接手课程，让孩子接着学", "To carry on the lessons"), Items: []string{"nickname", "weekly_score"},
	})
	to.Purposes = append(slices.Clone(c.Purposes), charter.Purpose{
		Name: Handover, Label: words("转给接手的公司", "Going to the company that takes over"),
		Why:        words("海星少儿教育接手后，孩子可以接着学。", "So that your child can go on learning once Haixing Education has taken over."),
		Manner:     words("由应用加密传给海星少儿教育，只传一次。", "The app sends it to Haixing Education, encrypted, once."),
		Activities: []charter.Activity{charter.Transfer}, Items: []string{"nickname", "weekly_score"}, Recipients: []string{Successor},
		Retention: charter.Retention{From: charter.FromCollection, Period: year},
		AtExpiry:  words("自动删除。", "It is deleted automatically."),
		IfRefused: words("不转移，这里的信息到期删除。", "Nothing is transferred, and what is here is deleted at the end."),
	})
	return &to
}

// SuccessorID is the ID of that.
func SuccessorID() party.ID {
	return party.ID{Service: Service, Role: party.Recipient, Name: Successor}
}

// AssessSuccessor registers who takes over, and has it pass an assessment of what the charter
// gives it (Article 17), if nobody has.
func (w *World) AssessSuccessor(ctx context.Context, tx *db.Tx) error {
	var known []party.Standing
	if err := tx.Together(ctx, party.ReadStanding(&known, SuccessorID())); err != nil {
		return err
	}
	if len(known) == 0 {
		if _, _, err := party.Register(ctx, tx, w.Officer, SuccessorID(), Identity()); err != nil {
			return err
		}
	} else if known[0].Assessment.Holds(tx.Now()) {
		return nil
	}
	p, err := catalog.Current(ctx, tx, Service)
	if err == nil {
		_, _, err = party.Assess(ctx, tx, w.Officer, SuccessorID(), w.Assessment(party.ScopeOf(p.Charter, party.Recipient, Successor)))
	}
	return err
}

// CeaseTo has the officer announce the end of the service, which Successor takes over.
func (w *World) CeaseTo(window time.Duration) (c catalog.Cessation) {
	w.T.Helper()
	w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		if err := w.AssessSuccessor(ctx, tx); err != nil {
			return err
		}
		c, _, err = catalog.CeaseTo(ctx, tx, w.Officer, Service, catalog.ClosingDown, tx.Now().Add(window),
			catalog.Takeover{Recipient: Successor, Document: "PIA-2026-18", Assessed: "2026-03-02"})
		return err
	})
	return c
}
