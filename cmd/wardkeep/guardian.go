package main

import (
	"context"
	"strconv"
	"time"

	"wardkeep/internal/app"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/notify"
)

type guardianCmd struct {
	List     guardianListCmd     `cmd:"" help:"${guardian_list}"`
	Add      guardianAddCmd      `cmd:"" help:"${guardian_add}"`
	End      guardianEndCmd      `cmd:"" help:"${guardian_end}"`
	Unverify guardianUnverifyCmd `cmd:"" help:"${guardian_unverify}"`
}

type guardianListCmd struct {
	whichChild `embed:""`
}

// Run prints who speaks, or spoke, for a child, and never how to reach anybody.
func (c guardianListCmd) Run(ctx context.Context, s *session) error {
	return s.on(ctx, func(a *app.App) error {
		var all []family.Guardian
		if err := c.look(ctx, a); err != nil {
			return err
		}
		err := a.Store.View(ctx, func(tx *db.Tx) error {
			child, err := c.find(ctx, tx, a.Ring)
			if err != nil {
				return err
			}
			return tx.Together(ctx, family.ReadGuardians(&all, child.ID))
		})
		s.guardians(all)
		return err
	})
}

// guardians prints a line for each.
func (s *session) guardians(all []family.Guardian) {
	for _, g := range all {
		until := s.lang.T("cmd.guardian.tied")
		if !g.EndedAt.IsZero() {
			until = s.lang.T("cmd.guardian.until", "Day", g.EndedAt.Format(time.DateOnly))
		}
		s.say("cmd.guardian.line", "ID", g.ID, "Relation", g.Relation,
			"Strength", s.lang.T("cmd.guardian.strength."+strconv.Itoa(int(g.Strength))), "Until", until)
	}
}

type guardianAddCmd struct {
	whichChild `embed:""`
	Relation   string `required:"" enum:"parent,legal_guardian,institution,grandparent,teacher,other" help:"${guardian_relation}"`
	Name       string `help:"${guardian_name}"`
	Phone      string `xor:"phone" help:"${guardian_phone}"`
	PhoneFile  string `xor:"phone" placeholder:"FILE" help:"${guardian_file}"`
	Email      string `xor:"email" help:"${guardian_email}"`
	EmailFile  string `xor:"email" placeholder:"FILE" help:"${guardian_file}"`
	Ask        bool   `help:"${guardian_ask}"`
	Locale     string `enum:"zh-CN,en" default:"zh-CN" help:"${guardian_locale}"`
}

// Run ties a person to a child. It prints the person's id, and nothing else, on
// standard output: that of the one who is tied by this contact already, if there is
// one. The person can't answer until a code has shown that the
// contact is its own.
func (c guardianAddCmd) Run(ctx context.Context, s *session) error {
	phone, err := s.personal(c.Phone, c.PhoneFile)
	if err != nil {
		return err
	}
	email, err := s.personal(c.Email, c.EmailFile)
	if err != nil {
		return err
	}
	p := family.Person{Name: pii.New(c.Name), Phone: phone, Email: email, Relation: family.Relation(c.Relation)}
	return s.on(ctx, func(a *app.App) error {
		var g family.Guardian
		var r consent.Request
		said := "cmd.guardian.added"
		err := a.Store.Update(ctx, func(tx *db.Tx) error {
			child, err := c.lock(ctx, tx, a.Ring)
			if err != nil {
				return err
			}
			var entry string
			if g, entry, err = a.Vault.Gate.AddGuardian(ctx, tx, operator, child, p); err == nil && entry == "" {
				said = "cmd.guardian.known"
			}
			if err != nil || !c.Ask {
				return err
			}
			channel := consent.SMS
			if p.Phone.IsZero() {
				channel = consent.Email
			}
			r, _, _, err = deskOf(a).AskOnce(ctx, tx, operator, child, consent.Asking{Guardian: g.ID, Channel: channel, Locale: c.Locale})
			return err
		})
		if err != nil {
			return err
		}
		if c.Ask {
			s.note("cmd.guardian.asked", "Request", r.ID, "Service", c.Service)
		}
		s.note(said)
		s.print(g.ID)
		return nil
	})
}

type whichGuardian struct {
	whichChild `embed:""`
	ID         string `arg:"" help:"${guardian_id}"`
}

// change changes one guardian of a child and says so.
func (c whichGuardian) change(ctx context.Context, s *session, said string, fn func(a *app.App, tx *db.Tx, child family.Child, guardian family.GuardianID) error) error {
	return s.on(ctx, func(a *app.App) error {
		err := a.Store.Update(ctx, func(tx *db.Tx) error {
			child, err := c.lock(ctx, tx, a.Ring)
			if err != nil {
				return err
			}
			return fn(a, tx, child, family.GuardianID(c.ID))
		})
		if err == nil {
			s.say(said, "ID", c.ID)
		}
		return err
	})
}

func deskOf(a *app.App) consent.Desk { return consent.Desk{Ring: a.Ring, Charters: a.Charters} }

type guardianEndCmd struct {
	whichGuardian `embed:""`
}

// Run ends a person's tie to a child, at once, and cancels what waits for it. The
// person is told, if there is a way: that there is none keeps nobody from ending.
func (c guardianEndCmd) Run(ctx context.Context, s *session) error {
	var letters []notify.Message
	return s.on(ctx, func(a *app.App) error {
		if err := a.OpenSenders(); err != nil {
			s.note("cmd.guardian.not_told")
		}
		err := a.Store.Update(ctx, func(tx *db.Tx) error {
			child, err := c.lock(ctx, tx, a.Ring)
			if err != nil {
				return err
			}
			letters = a.Farewell().Released(ctx, tx, child, family.GuardianID(c.ID))
			if _, err := deskOf(a).EndGuardian(ctx, tx, operator, child, family.GuardianID(c.ID)); err != nil {
				return err
			}
			_, err = a.Vault.EraseUnfounded(ctx, tx, operator.Ledger(), child.Service, child.ID)
			return err
		})
		if err != nil {
			return err
		}
		a.Farewell().Send(ctx, letters)
		a.Farewell().Wait()
		s.say("cmd.guardian.ended", "ID", c.ID)
		return nil
	})
}

type guardianUnverifyCmd struct {
	whichGuardian `embed:""`
}

// Run takes back the proof of who a guardian is. No command gives one.
func (c guardianUnverifyCmd) Run(ctx context.Context, s *session) error {
	return c.change(ctx, s, "cmd.guardian.unverified", func(a *app.App, tx *db.Tx, child family.Child, guardian family.GuardianID) error {
		_, _, err := deskOf(a).Unverify(ctx, tx, operator, child, guardian)
		return err
	})
}
