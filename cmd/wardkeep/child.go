package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"wardkeep/internal/app"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
	"wardkeep/internal/family"
	"wardkeep/internal/family/age"
)

type childCmd struct {
	Show         childShowCmd    `cmd:"" help:"${child_show}"`
	CorrectBirth childCorrectCmd `cmd:"" help:"${child_correct}"`
}

// whichChild names a child: by its id, or by the operator's own reference.
type whichChild struct {
	Service string `required:"" short:"s" help:"${of_service}"`
	Child   string `required:"" xor:"child" placeholder:"ch_…" help:"${child_id}"`
	Ref     string `required:"" xor:"child" help:"${child_ref}"`
}

// find returns the living child.
func (c whichChild) find(ctx context.Context, tx *db.Tx, ring *keyring.Ring) (family.Child, error) {
	if _, err := catalog.Find(ctx, tx, c.Service); err != nil {
		return family.Child{}, err
	}
	if c.Ref != "" {
		return family.FindByRef(ctx, tx, ring, c.Service, pii.New(c.Ref))
	}
	return family.Find(ctx, tx, c.Service, family.ID(c.Child))
}

// lock is find for a change.
func (c whichChild) lock(ctx context.Context, tx *db.Tx, ring *keyring.Ring) (family.Child, error) {
	child, err := c.find(ctx, tx, ring)
	if err != nil {
		return family.Child{}, err
	}
	return family.Lock(ctx, tx, c.Service, child.ID)
}

type childShowCmd struct {
	whichChild `embed:""`
}

// Run prints how a child stands: no reference, no birth date, no value.
func (c childShowCmd) Run(ctx context.Context, s *session) error {
	return s.on(ctx, func(a *app.App) error {
		var child family.Child
		var class age.Class
		var guardians []family.Guardian
		err := a.Store.View(ctx, func(tx *db.Tx) (err error) {
			if child, err = c.find(ctx, tx, a.Ring); err != nil {
				return err
			}
			b, err := child.Birth(a.Ring)
			if err != nil {
				return err
			}
			class = b.ClassAt(tx.Now())
			return tx.Together(ctx, family.ReadGuardians(&guardians, child.ID))
		})
		if err != nil {
			return err
		}
		s.say("cmd.child.line", "ID", child.ID, "State", s.lang.T("cmd.child.state."+string(child.State)),
			"Age", s.lang.T("cmd.child.age."+string(class)), "From", child.CreatedAt.Format(time.DateOnly))
		if !child.ExpiresAt.IsZero() {
			s.say("cmd.child.until", "Until", child.ExpiresAt.Local().Format("2006-01-02 15:04 MST"))
		}
		if child.Frozen {
			s.say("cmd.child.frozen")
		}
		if child.Disputed {
			s.say("cmd.child.disputed")
		}
		s.guardians(guardians)
		return nil
	})
}

type childCorrectCmd struct {
	whichChild `embed:""`
	Birth      string `required:"" xor:"birth" placeholder:"2017-05-06" help:"${child_birth}"`
	BirthFile  string `required:"" xor:"birth" placeholder:"FILE" help:"${child_birth_file}"`
}

// Run corrects a birth date (Article 19). It never makes a child older.
func (c childCorrectCmd) Run(ctx context.Context, s *session) error {
	text, err := s.personal(c.Birth, c.BirthFile)
	if err != nil {
		return err
	}
	b, err := age.ParseBirth(text.Reveal())
	if err != nil {
		return err
	}
	return s.on(ctx, func(a *app.App) error {
		err := a.Store.Update(ctx, func(tx *db.Tx) error {
			child, err := c.lock(ctx, tx, a.Ring)
			if err != nil {
				return err
			}
			_, _, err = family.Correct(ctx, tx, a.Ring, operator, child, b, family.FromApp)
			return err
		})
		if err == nil {
			s.say("cmd.child.corrected")
		}
		return err
	})
}

// personal returns a personal value that was given as a flag, or is the one line
// of a file that only its owner may read, or of the standard input, "-", so that
// it need not be in the shell's history. Without either it is zero.
func (s *session) personal(flag, file string) (pii.Text, error) {
	switch file {
	case "":
		return pii.New(flag), nil
	case "-":
		b, err := io.ReadAll(io.LimitReader(s.in, 4096))
		text := strings.TrimRight(string(b), "\r\n")
		if err != nil || text == "" {
			return pii.Text{}, fmt.Errorf("%w: -", errSecret)
		}
		return pii.New(text), nil
	}
	text, err := secretFile(file)
	return pii.New(text), err
}
