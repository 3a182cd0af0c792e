package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"wardkeep/internal/app"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
	"wardkeep/internal/consent"
)

// What can be wrong with a charter's folder.
var (
	errCharter  = errs.New(errs.Invalid, "cmd.charter_invalid")
	errNoFolder = errs.New(errs.NotFound, "cmd.charter_folder")
	errOther    = errs.New(errs.Invalid, "cmd.charter_other_service")
)

type planCmd struct {
	Dir     string `arg:"" help:"${plan_dir}"`
	Against string `placeholder:"DIR" help:"${plan_against}"`
}

// A plan is what a charter would change, and for how many guardians.
type plan struct {
	catalog.Planned
	charter *charter.Charter
	asked   map[string]int64 // purpose → guardians who must be asked again
	total   int64            // of them, each counted once
	lacking []lack           // purposes without an assessment
}

// Run prints what publishing a charter would change. It writes nothing. A
// material change ends it with exit code 2.
func (p planCmd) Run(ctx context.Context, s *session) error {
	c, err := loadCharter(s, p.Dir)
	if err != nil {
		return err
	}
	var planned plan
	if p.Against != "" {
		planned, err = planAgainst(s, c, p.Against)
	} else {
		planned, err = s.planInStore(ctx, c, p.Dir)
	}
	if err != nil {
		return err
	}
	planned.print(s)
	s.printLacking(c, p.Dir, planned.lacking)
	if len(planned.Material) > 0 && planned.Published.Charter != nil {
		return exit(exitMaterial)
	}
	return nil
}

// loadCharter reads a charter, or prints everything that is wrong with it as
// file:line:column sentences.
func loadCharter(s *session, dir string) (*charter.Charter, error) {
	info, err := os.Stat(dir)
	if err != nil || !info.IsDir() {
		return nil, fmt.Errorf("%w: %s", errNoFolder, dir)
	}
	c, err := charter.Load(os.DirFS(dir))
	problems, ok := errors.AsType[charter.Problems](err)
	if !ok {
		return c, err
	}
	s.problems(dir, problems)
	return nil, fmt.Errorf("%w: %s (%d)", errCharter, dir, len(problems))
}

// problems prints what is wrong with the files of a folder as file:line:column sentences.
func (s *session) problems(dir string, all charter.Problems) {
	for _, p := range all {
		at := filepath.Join(dir, p.File)
		if p.Line > 0 {
			at = fmt.Sprintf("%s:%d:%d", at, p.Line, p.Column)
		}
		fmt.Fprintf(s.err, "%s: %s\n", at, p.In(charter.Lang(s.lang)))
	}
}

func planAgainst(s *session, c *charter.Charter, dir string) (plan, error) {
	old, err := loadCharter(s, dir)
	if err != nil {
		return plan{}, err
	}
	if old.Service != c.Service {
		return plan{}, fmt.Errorf("%w: %s, %s", errOther, old.Service, c.Service)
	}
	changes := charter.Diff(old, c)
	return plan{charter: c, Planned: catalog.Planned{
		Hash: c.Hash(), Changes: changes, Material: charter.Material(changes), NoChange: len(changes) == 0,
		Published: catalog.Published{Charter: old, Hash: old.Hash()},
	}}, nil
}

// planInStore compares with what is in force. Without a store nothing is.
func (s *session) planInStore(ctx context.Context, c *charter.Charter, dir string) (p plan, err error) {
	settings, err := s.load()
	if err != nil {
		return plan{}, err
	}
	store, err := app.OpenStore(ctx, settings)
	if errors.Is(err, app.ErrNoStore) && errors.Is(err, fs.ErrNotExist) {
		changes := charter.Diff(nil, c)
		none, err := lacking(ctx, nil, nil, c, dir)
		return plan{charter: c, lacking: none, Planned: catalog.Planned{Hash: c.Hash(), Changes: changes, Material: charter.Material(changes)}}, err
	}
	if err != nil {
		return plan{}, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	err = store.View(ctx, func(tx *db.Tx) (err error) {
		if p, err = planIn(ctx, tx, c); err == nil && !p.NoChange {
			p.lacking, err = lacking(ctx, tx, nil, c, dir)
		}
		return err
	})
	return p, err
}

func planIn(ctx context.Context, tx *db.Tx, c *charter.Charter) (plan, error) {
	planned, err := catalog.Plan(ctx, tx, c)
	if err != nil {
		return plan{}, err
	}
	p := plan{Planned: planned, charter: c, asked: map[string]int64{}}
	if p.total, err = consent.Affected(ctx, tx, c.Service, p.Material); err != nil {
		return plan{}, err
	}
	for _, purpose := range p.Material {
		if p.asked[purpose], err = consent.Affected(ctx, tx, c.Service, []string{purpose}); err != nil {
			return plan{}, err
		}
	}
	return p, nil
}

// print writes the plan in words.
func (p plan) print(s *session) {
	lang := charter.Lang(s.lang)
	name := p.charter.Name.In(lang)
	switch {
	case p.NoChange:
		s.say("cmd.plan.same", "Service", p.charter.Service, "Name", name)
		return
	case p.Published.Charter == nil:
		s.say("cmd.plan.first", "Service", p.charter.Service, "Name", name, "Items", len(p.charter.Items), "Purposes", len(p.charter.Purposes))
		for _, purpose := range p.charter.Purposes {
			key := "cmd.plan.optional"
			if purpose.Necessary {
				key = "cmd.plan.necessary"
			}
			s.say(key, "Purpose", purpose.Label.In(lang), "Items", len(purpose.Items), "Period", purpose.Retention.In(lang))
		}
		return
	}
	s.say("cmd.plan.changes", "Service", p.charter.Service, "Name", name, "Count", len(p.Changes))
	for _, c := range p.Changes {
		key := "cmd.plan.change"
		if c.Material {
			key = "cmd.plan.material"
		}
		s.say(key, "What", c.Words.In(lang), "Why", c.Why.In(lang), "Path", c.Path)
	}
	if len(p.Material) == 0 {
		s.say("cmd.plan.nobody")
		return
	}
	s.say("cmd.plan.again")
	for _, purpose := range p.Material {
		s.say(p.sentence(purpose), "Purpose", p.label(purpose, lang), "Count", p.asked[purpose])
	}
	if p.asked != nil {
		s.say("cmd.plan.total", "Count", p.total)
	}
}

// sentence is what follows for a purpose: asked again, or gone. Without a store
// nobody can be counted.
func (p plan) sentence(purpose string) string {
	has := func(q charter.Purpose) bool { return q.Name == purpose }
	switch {
	case !slices.ContainsFunc(p.charter.Purposes, has):
		return "cmd.plan.gone"
	case p.asked == nil:
		return "cmd.plan.uncounted"
	case p.Published.Charter != nil && !slices.ContainsFunc(p.Published.Charter.Purposes, has):
		return "cmd.plan.new"
	}
	return "cmd.plan.purpose"
}

func (p plan) label(purpose string, lang charter.Lang) string {
	for _, c := range []*charter.Charter{p.charter, p.Published.Charter} {
		if c == nil {
			continue
		}
		if q, ok := c.Purpose(purpose); ok {
			return q.Label.In(lang)
		}
	}
	return purpose
}
