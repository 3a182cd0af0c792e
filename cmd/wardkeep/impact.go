package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"wardkeep/internal/app"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
	"wardkeep/internal/family/age"
	"wardkeep/internal/impact"
)

var (
	errPurpose   = errs.New(errs.NotFound, "cmd.impact_purpose") // the charter has none of that name
	errInside    = errs.New(errs.Forbidden, "cmd.impact_inside") // somebody in office has an account, and signs there
	errNoImpacts = errs.New(errs.NotFound, "cmd.impact_nothing") // nothing in the folder is to be signed
)

type impactCmd struct {
	Template impactTemplateCmd `cmd:"" help:"${impact_template}"`
	Sign     impactSignCmd     `cmd:"" help:"${impact_sign}"`
	List     impactListCmd     `cmd:"" help:"${impact_list}"`
	Show     impactShowCmd     `cmd:"" help:"${impact_show}"`
}

type impactTemplateCmd struct {
	Dir     string `arg:"" help:"${plan_dir}"`
	Purpose string `arg:"" help:"${impact_purpose}"`
}

// Run prints a form of an assessment of a purpose, to be filled in.
func (c impactTemplateCmd) Run(_ context.Context, s *session) error {
	ch, err := loadCharter(s, c.Dir)
	if err != nil {
		return err
	}
	text := impact.Template(ch, c.Purpose, s.lang)
	if text == "" {
		return fmt.Errorf("%w: %s", errPurpose, c.Purpose)
	}
	_, err = fmt.Fprint(s.out, text)
	return err
}

type impactSignCmd struct {
	asStaff  `embed:""`
	Dir      string   `arg:"" help:"${plan_dir}"`
	Purposes []string `arg:"" optional:"" help:"${impact_sign_purposes}"`
	Number   int64    `help:"${impact_number}"`
	Until    string   `placeholder:"2027-05-06" help:"${impact_until}"`
}

// Run has somebody in office sign assessments that lie in a charter's folder: of the
// purposes that are named, or of all that lack one. While somebody in office has an account,
// nobody signs in their name here, as nobody publishes (Article 8).
func (c impactSignCmd) Run(ctx context.Context, s *session) error {
	var until time.Time
	if c.Until != "" {
		last, err := time.ParseInLocation(time.DateOnly, c.Until, age.Zone)
		if err != nil {
			return catalog.ErrImpactUntil.At("until")
		}
		until = last.AddDate(0, 0, 1).UTC()
	}
	return s.on(ctx, func(a *app.App) error {
		inside, err := approvers(ctx, a, c.Service)
		if err != nil {
			return err
		}
		if len(inside) > 0 {
			s.say("cmd.impact.inside", "URL", a.Config.Console.URL+"/console/charters/"+c.Service)
			for _, p := range inside {
				s.say("cmd.apply.approver", "Name", p.Name, "ID", p.ID)
			}
			return errInside
		}
		var signed []catalog.Assessment
		err = a.Store.Update(ctx, func(tx *db.Tx) error {
			by, err := c.officer(ctx, tx)
			if err != nil {
				return err
			}
			number, err := c.version(ctx, tx)
			if err != nil {
				return err
			}
			signed, err = catalog.AssessFrom(ctx, tx, a.Ring, by, c.Service, number, os.DirFS(c.Dir), until, c.Purposes...)
			return err
		})
		if err != nil {
			return s.impactProblems(c.Dir, err)
		}
		if len(signed) == 0 {
			return errNoImpacts
		}
		s.signed(signed)
		return nil
	})
}

// version is the one that the assessments are about: the newest that waits, or else the one
// in force.
func (c impactSignCmd) version(ctx context.Context, tx *db.Tx) (int64, error) {
	if c.Number != 0 {
		return c.Number, nil
	}
	now, err := catalog.Find(ctx, tx, c.Service)
	if err != nil {
		return 0, err
	}
	waiting, err := catalog.Waiting(ctx, tx, now)
	if err != nil || len(waiting) == 0 {
		return now.Charter, err
	}
	return waiting[0].Number, nil
}

// signed prints what was signed, a line for each.
func (s *session) signed(all []catalog.Assessment) {
	for _, a := range all {
		s.say("cmd.impact.signed", "ID", a.ID, "Purpose", a.Purpose, "Charter", a.Charter, "Outcome", s.lang.T("cmd.impact.outcome."+string(a.Outcome)), "Until", s.day(a.Until))
	}
}

// impactProblems prints what is wrong with the files of assessments as sentences with their
// places; other errors it returns.
func (s *session) impactProblems(dir string, err error) error {
	problems, ok := errors.AsType[charter.Problems](err)
	if !ok {
		return err
	}
	s.problems(dir, problems)
	return fmt.Errorf("%w: %s (%d)", catalog.ErrImpactInvalid, filepath.Join(dir, impact.Dir), len(problems))
}

type impactListCmd struct {
	Service string `required:"" short:"s" help:"${of_service}"`
}

// Run prints every assessment that was signed, the newest first, and of the charter in force
// which purposes lack one.
func (c impactListCmd) Run(ctx context.Context, s *session) error {
	return s.on(ctx, func(a *app.App) error {
		return a.Store.View(ctx, func(tx *db.Tx) error {
			now, err := catalog.Find(ctx, tx, c.Service)
			if err != nil {
				return err
			}
			all, err := catalog.Assessments(ctx, tx, c.Service)
			if err != nil {
				return err
			}
			if len(all) == 0 {
				s.note("cmd.nothing")
			}
			s.signed(all)
			if now.Charter == 0 {
				return nil
			}
			published, err := catalog.Current(ctx, tx, c.Service)
			if err != nil {
				return err
			}
			lacking, err := catalog.Unassessed(ctx, tx, a.Ring, c.Service, published.Number, published.Charter)
			for _, l := range lacking {
				s.say("cmd.impact.lacking", "Purpose", l.Purpose, "Why", s.lang.T("cmd.impact.lack."+string(l.Lack)))
			}
			return err
		})
	})
}

type impactShowCmd struct {
	asStaff `embed:""`
	ID      string `arg:"" placeholder:"ia_…" help:"${impact_id}"`
}

// Run prints an assessment as its file was.
func (c impactShowCmd) Run(ctx context.Context, s *session) error {
	return s.on(ctx, func(a *app.App) error {
		return a.Store.View(ctx, func(tx *db.Tx) error {
			if err := c.inOffice(ctx, tx); err != nil {
				return err
			}
			one, form, err := catalog.FindAssessment(ctx, tx, a.Ring, c.Service, c.ID)
			if err != nil {
				return err
			}
			s.note("cmd.impact.signed", "ID", one.ID, "Purpose", one.Purpose, "Charter", one.Charter, "Outcome", s.lang.T("cmd.impact.outcome."+string(one.Outcome)), "Until", s.day(one.Until))
			s.note("cmd.impact.by", "By", one.SignedBy, "At", minute(one.SignedAt))
			_, err = fmt.Fprint(s.out, charter.FormSource(form))
			return err
		})
	})
}

// A lack is a purpose of a charter in a folder that has no assessment that counts, and what
// the folder has of it.
type lack struct {
	catalog.Standing
	file    bool             // there is one that can be signed
	wrong   charter.Problems // of one that can't
	against []string         // what in it speaks against the purpose
}

// lacking returns the purposes of a charter that have no assessment in the store; without
// one it is all of them. The ring is nil where a row's own mark isn't asked.
func lacking(ctx context.Context, tx *db.Tx, ring *keyring.Ring, c *charter.Charter, dir string) (all []lack, err error) {
	var standings []catalog.Standing
	if tx == nil {
		for _, p := range c.Purposes {
			standings = append(standings, catalog.Standing{Purpose: p.Name, Lack: catalog.NeverAssessed})
		}
	} else if standings, err = catalog.Unassessed(ctx, tx, ring, c.Service, 0, c); err != nil {
		return nil, err
	}
	folder := os.DirFS(dir)
	for _, st := range standings {
		form, err := impact.Read(folder, impact.File(st.Purpose), c)
		l := lack{Standing: st, file: err == nil}
		if _, absent := fs.Stat(folder, impact.File(st.Purpose)); absent == nil {
			l.wrong, _ = errors.AsType[charter.Problems](err)
		}
		if l.file {
			l.against = form.Against()
		}
		all = append(all, l)
	}
	return all, nil
}

// printLacking says which purposes can't be published yet, and what to do about each.
func (s *session) printLacking(c *charter.Charter, dir string, all []lack) {
	if len(all) == 0 {
		return
	}
	s.say("cmd.plan.unassessed")
	folder, first := filepath.Join(dir, impact.Dir), "" // the folder has to be there before a file is written into it
	if _, err := os.Stat(folder); errors.Is(err, fs.ErrNotExist) {
		first = "mkdir -p " + folder + " && "
	}
	for _, l := range all {
		key := "cmd.plan.unassessed_none"
		switch {
		case len(l.against) > 0:
			key = "cmd.plan.unassessed_against"
		case l.file:
			key = "cmd.plan.unassessed_file"
		case l.wrong != nil:
			s.problems(dir, l.wrong)
			key = "cmd.plan.unassessed_wrong"
		}
		i := slices.IndexFunc(c.Purposes, func(p charter.Purpose) bool { return p.Name == l.Purpose })
		s.say(key, "Purpose", c.Purposes[i].Label.In(charter.Lang(s.lang)), "Name", l.Purpose, "Why", s.lang.T("cmd.impact.lack."+string(l.Lack)),
			"Against", strings.Join(l.against, ", "), "First", first, "Dir", dir, "File", filepath.Join(dir, filepath.FromSlash(impact.File(l.Purpose))))
	}
}
