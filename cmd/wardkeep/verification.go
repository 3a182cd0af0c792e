package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"wardkeep/internal/app"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/catalog"
	"wardkeep/internal/consent"
	"wardkeep/internal/family/age"
	"wardkeep/internal/verification"
)

// errFolder says that the pages of a document can't be written there.
var errFolder = errs.New(errs.Invalid, "cmd.folder")

type proofsCmd struct {
	List    verificationListCmd    `cmd:"" help:"${verification_list}"`
	Show    verificationShowCmd    `cmd:"" help:"${verification_show}"`
	Approve verificationApproveCmd `cmd:"" help:"${verification_approve}"`
	Refuse  verificationRefuseCmd  `cmd:"" help:"${verification_refuse}"`
}

// asStaff names who looks: the officer or the deputy of a service.
type asStaff struct {
	Service string `required:"" short:"s" help:"${of_service}"`
	As      string `required:"" placeholder:"st_…" help:"${verification_as}"`
}

// officer returns who it is. Whoever isn't in office is refused by the verbs.
func (c asStaff) officer(ctx context.Context, tx *db.Tx) (catalog.Officer, error) {
	if _, err := catalog.Find(ctx, tx, c.Service); err != nil {
		return catalog.Officer{}, err
	}
	return catalog.FindOfficer(ctx, tx, c.Service, c.As)
}

// desk decides about documents, whether or not guardians are offered to send any.
func desk(a *app.App) verification.Desk {
	return verification.Desk{Consent: consent.Desk{Ring: a.Ring, Charters: a.Charters}, Documents: true}
}

type verificationListCmd struct {
	asStaff `embed:""`
}

// maxWaiting bounds one list.
const maxWaiting = 200

// Run prints the documents that wait, the oldest first: nothing that is in them.
func (c verificationListCmd) Run(ctx context.Context, s *session) error {
	return s.on(ctx, func(a *app.App) error {
		var all []verification.Attempt
		err := a.Store.View(ctx, func(tx *db.Tx) error {
			by, err := c.officer(ctx, tx)
			if err != nil {
				return err
			}
			all, err = verification.Waiting(ctx, tx, by, maxWaiting)
			return err
		})
		for _, v := range all {
			state := s.lang.T("cmd.verification.first")
			if v.First != "" {
				state = s.lang.T("cmd.verification.second", "First", v.First, "Proof", s.day(v.Until))
			}
			s.say("cmd.verification.line", "ID", v.ID, "Guardian", v.Guardian, "Since", v.StartedAt.Format(time.DateOnly),
				"Until", v.ExpiresAt.Format(time.DateOnly), "State", state)
		}
		return err
	})
}

// day prints the last day of a proof: it ends with it.
func (s *session) day(t time.Time) string {
	if t.IsZero() {
		return s.lang.T("cmd.verification.no_end")
	}
	return t.In(age.Zone).AddDate(0, 0, -1).Format(time.DateOnly)
}

type verificationShowCmd struct {
	asStaff `embed:""`
	ID      string `arg:"" help:"${verification_id}"`
	To      string `required:"" placeholder:"DIR" help:"${verification_to}"`
}

// Run records that somebody looks, and then writes the pages into a folder that
// nobody else can read. They are to be deleted there after the decision: what is
// kept here is erased with it.
func (c verificationShowCmd) Run(ctx context.Context, s *session) error {
	info, err := os.Stat(c.To)
	if err != nil || !info.IsDir() || info.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("%w: %s: chmod 700", errFolder, c.To)
	}
	return s.on(ctx, func(a *app.App) error {
		var pages []verification.Page
		err := a.Store.Update(ctx, func(tx *db.Tx) error {
			by, err := c.officer(ctx, tx)
			if err != nil {
				return err
			}
			_, pages, _, err = desk(a).Show(ctx, tx, by, c.ID)
			return err
		})
		if err != nil {
			return err
		}
		// Invariant 2: that it was looked at is durable before a page is out.
		for i, p := range pages {
			name := filepath.Join(c.To, fmt.Sprintf("%s-%d.%s", c.ID, i+1, p.Kind))
			if err := write(name, p.Data.Reveal()); err != nil {
				return err
			}
			s.print(name)
		}
		s.note("cmd.verification.shown")
		return nil
	})
}

// write makes a file for its owner alone, where there is none of that name.
func write(name, data string) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("%w: %w", errFolder, err)
	}
	_, err = f.WriteString(data)
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return fmt.Errorf("%w: %w", errFolder, err)
	}
	return nil
}

type verificationApproveCmd struct {
	asStaff `embed:""`
	ID      string `arg:"" help:"${verification_id}"`
	Until   string `placeholder:"2027-01-31" help:"${verification_until}"`
}

// Run approves a document, as the first of two or as the second.
func (c verificationApproveCmd) Run(ctx context.Context, s *session) error {
	var until time.Time
	if c.Until != "" {
		day, err := time.ParseInLocation(time.DateOnly, c.Until, age.Zone)
		if err != nil {
			return verification.ErrUntil.At("--until")
		}
		until = day.AddDate(0, 0, 1) // it ends with that day
	}
	return s.on(ctx, func(a *app.App) error {
		var v verification.Attempt
		err := a.Store.Update(ctx, func(tx *db.Tx) error {
			by, err := c.officer(ctx, tx)
			if err != nil {
				return err
			}
			v, _, err = desk(a).Approve(ctx, tx, by, c.ID, until)
			return err
		})
		if err != nil {
			return err
		}
		switch v.State {
		case verification.Succeeded:
			s.say("cmd.verification.approved", "ID", c.ID, "Guardian", v.Guardian)
		case verification.Failed:
			s.say("cmd.verification.other_person", "ID", c.ID)
		default:
			s.say("cmd.verification.approved_first", "ID", c.ID)
		}
		return nil
	})
}

type verificationRefuseCmd struct {
	asStaff `embed:""`
	ID      string `arg:"" help:"${verification_id}"`
	Flaw    string `required:"" enum:"unreadable,not_theirs,no_tie,out_of_date,doubtful" help:"${verification_flaw}"`
}

// Run refuses a document, and says what is wrong with it. One person is enough.
func (c verificationRefuseCmd) Run(ctx context.Context, s *session) error {
	return s.on(ctx, func(a *app.App) error {
		err := a.Store.Update(ctx, func(tx *db.Tx) error {
			by, err := c.officer(ctx, tx)
			if err != nil {
				return err
			}
			_, _, err = desk(a).Refuse(ctx, tx, by, c.ID, verification.Flaw(c.Flaw))
			return err
		})
		if err == nil {
			s.say("cmd.verification.refused", "ID", c.ID)
		}
		return err
	})
}
