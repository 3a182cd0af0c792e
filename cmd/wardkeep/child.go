package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"wardkeep/internal/app"
	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/family/age"
	"wardkeep/internal/rights"
)

type childCmd struct {
	Show         childShowCmd    `cmd:"" help:"${child_show}"`
	CorrectBirth childCorrectCmd `cmd:"" help:"${child_correct}"`
	BirthClaims  childClaimsCmd  `cmd:"" help:"${child_claims}"`
	ApproveBirth childApproveCmd `cmd:"" help:"${child_approve}"`
	RefuseBirth  childRefuseCmd  `cmd:"" help:"${child_refuse}"`
	Release      childReleaseCmd `cmd:"" help:"${child_release}"`
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

// look is find for what only shows the child: whoever looks at a decoy at the terminal raises
// an alarm first, and sees nothing of that. What changes a child is in the ledger, and is
// found there.
func (c whichChild) look(ctx context.Context, a *app.App) error {
	return a.Store.Update(ctx, func(tx *db.Tx) error {
		child, err := c.find(ctx, tx, a.Ring)
		if err != nil {
			return err
		}
		return approval.ShownAtTerminal(ctx, tx, a.Ring, operator, child)
	})
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
		if err := c.look(ctx, a); err != nil {
			return err
		}
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
		if child.Disputed && class == age.Child { // after it, guardians' answers are no basis (edge case 4)
			s.say("cmd.child.disputed")
		}
		s.guardians(guardians)
		return nil
	})
}

// seenBirth is a birth date, and the document that somebody has it from.
type seenBirth struct {
	Birth      string `required:"" xor:"birth" placeholder:"2017-05-06" help:"${child_birth}"`
	BirthFile  string `required:"" xor:"birth" placeholder:"FILE" help:"${child_birth_file}"`
	Paper      string `enum:",birth_certificate,household_register,identity_card,passport" default:"" help:"${child_paper}"`
	Number     string `xor:"number" help:"${child_number}"`
	NumberFile string `xor:"number" placeholder:"FILE" help:"${child_number_file}"`
}

func (c seenBirth) birth(s *session) (age.Birth, error) {
	text, err := s.personal(c.Birth, c.BirthFile)
	if err != nil {
		return age.Birth{}, err
	}
	return age.ParseBirth(text.Reveal())
}

func (c seenBirth) seen(s *session) (seen rights.Seen, err error) {
	seen.Paper = rights.Paper(c.Paper)
	if seen.Birth, err = c.birth(s); err != nil {
		return seen, err
	}
	seen.Number, err = s.personal(c.Number, c.NumberFile)
	return seen, err
}

type childCorrectCmd struct {
	whichChild `embed:""`
	seenBirth  `embed:""`
	As         string `placeholder:"st_…" help:"${child_as}"`
}

// Run corrects a birth date (Article 19). It never makes a child older, but for the
// officer or the deputy, who has seen a document: then it waits for the other one.
func (c childCorrectCmd) Run(ctx context.Context, s *session) error {
	if c.As != "" {
		return c.claim(ctx, s)
	}
	b, err := c.birth(s)
	if err != nil {
		return err
	}
	return s.on(ctx, func(a *app.App) error {
		err := a.Store.Update(ctx, func(tx *db.Tx) error {
			child, err := c.lock(ctx, tx, a.Ring)
			if err != nil {
				return err
			}
			if _, _, err = (consent.Desk{Ring: a.Ring, Charters: a.Charters}).Correct(ctx, tx, operator, child, b, family.FromApp); err != nil {
				return err
			}
			_, err = a.Vault.EraseUnfounded(ctx, tx, operator.Ledger(), child.Service, child.ID)
			return err
		})
		if err == nil {
			s.say("cmd.child.corrected")
		}
		return err
	})
}

// claim records what one of the staff has seen. It prints the name of the claim, and
// nothing else, on standard output.
func (c childCorrectCmd) claim(ctx context.Context, s *session) error {
	seen, err := c.seen(s)
	if err != nil {
		return err
	}
	return s.atDesk(ctx, func(a *app.App, d rights.Desk) error {
		var claim rights.Claim
		err := a.Store.Update(ctx, func(tx *db.Tx) error {
			by, err := asStaff{c.Service, c.As}.officer(ctx, tx)
			if err != nil {
				return err
			}
			child, err := c.find(ctx, tx, a.Ring)
			if err != nil {
				return err
			}
			claim, _, err = d.ClaimOlder(ctx, tx, by, child, seen)
			return err
		})
		if err == nil {
			s.note("cmd.child.claimed", "Until", minute(claim.ExpiresAt))
			s.print(claim.ID)
		}
		return err
	})
}

type childClaimsCmd struct {
	asStaff `embed:""`
}

// Run prints the claims that wait for the second person: nothing of what was seen.
func (c childClaimsCmd) Run(ctx context.Context, s *session) error {
	return s.on(ctx, func(a *app.App) error {
		var all []rights.Claim
		err := a.Store.View(ctx, func(tx *db.Tx) error {
			err := c.inOffice(ctx, tx)
			if err != nil {
				return err
			}
			all, err = rights.Claims(ctx, tx, c.Service, maxWaiting)
			return err
		})
		for _, claim := range all {
			s.say("cmd.child.claim", "ID", claim.ID, "Child", claim.Child, "Paper", s.lang.T("cmd.child.paper."+string(claim.Paper)),
				"By", claim.By, "Until", minute(claim.ExpiresAt))
		}
		return err
	})
}

type childApproveCmd struct {
	asStaff   `embed:""`
	seenBirth `embed:""`
	Claim     string `arg:"" help:"${child_claim}"`
}

// Run has the second person type what it reads in the document: the claim holds if
// both have read the same (edge case 3).
func (c childApproveCmd) Run(ctx context.Context, s *session) error {
	seen, err := c.seen(s)
	if err != nil {
		return err
	}
	return s.atDesk(ctx, func(a *app.App, d rights.Desk) error {
		err := a.Store.Update(ctx, func(tx *db.Tx) error {
			by, err := c.officer(ctx, tx)
			if err != nil {
				return err
			}
			child, _, err := d.ApproveOlder(ctx, tx, by, c.Service, c.Claim, seen)
			if err != nil {
				return err
			}
			_, err = a.Vault.EraseUnfounded(ctx, tx, by.Ledger(), child.Service, child.ID)
			return err
		})
		if err == nil {
			s.say("cmd.child.approved", "ID", c.Claim)
		}
		return err
	})
}

type childRefuseCmd struct {
	asStaff `embed:""`
	Claim   string `arg:"" help:"${child_claim}"`
}

// Run ends a claim of which nothing comes.
func (c childRefuseCmd) Run(ctx context.Context, s *session) error {
	return s.atDesk(ctx, func(a *app.App, d rights.Desk) error {
		err := a.Store.Update(ctx, func(tx *db.Tx) error {
			by, err := c.officer(ctx, tx)
			if err != nil {
				return err
			}
			_, err = d.RefuseOlder(ctx, tx, by, c.Service, c.Claim)
			return err
		})
		if err == nil {
			s.say("cmd.child.refused", "ID", c.Claim)
		}
		return err
	})
}

type childReleaseCmd struct {
	whichChild `embed:""`
	As         string `required:"" placeholder:"st_…" help:"${verification_as}"`
}

// Run lets a frozen child's information be used again, if nobody demands to erase it.
func (c childReleaseCmd) Run(ctx context.Context, s *session) error {
	return s.on(ctx, func(a *app.App) error {
		err := a.Store.Update(ctx, func(tx *db.Tx) error {
			child, err := c.lock(ctx, tx, a.Ring)
			if err != nil {
				return err
			}
			by, err := catalog.FindOfficer(ctx, tx, c.Service, c.As)
			if err == nil {
				_, err = rights.Release(ctx, tx, by, child)
			}
			return err
		})
		if err == nil {
			s.say("cmd.child.released")
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
