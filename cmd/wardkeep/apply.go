package main

import (
	"context"
	"errors"
	"fmt"

	"wardkeep/internal/app"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
)

// What is missing to apply a charter.
var (
	errState      = errs.New(errs.Invalid, "cmd.state_needed")   // of a new service
	errOtherState = errs.New(errs.Conflict, "cmd.state_other")   // the service has another one
	errOfficer    = errs.New(errs.Invalid, "cmd.officer_needed") // to publish
)

type applyCmd struct {
	Dir     string `arg:"" help:"${apply_dir}"`
	State   string `enum:"live,test," default:"" placeholder:"live|test" help:"${apply_state}"`
	Publish bool   `help:"${apply_publish}"`
	Officer string `placeholder:"st_…" help:"${apply_officer}"`
	New     bool   `help:"${new_store}"`
	Yes     bool   `short:"y" help:"${yes}"`
}

// Run proposes a charter as a draft and, when told so, publishes it as the
// officer. Each step is a transaction of its own: if it ends between them, the
// draft waits, and the same command goes on from there.
func (c applyCmd) Run(ctx context.Context, s *session) error {
	if c.Publish && c.Officer == "" {
		return errOfficer
	}
	ch, err := loadCharter(s, c.Dir)
	if err != nil {
		return err
	}
	return s.onNew(ctx, c.New, func(a *app.App) error {
		if err := c.ensure(ctx, s, a, ch.Service); err != nil {
			return err
		}
		var p plan
		err := a.Store.View(ctx, func(tx *db.Tx) (err error) {
			p, err = planIn(ctx, tx, ch)
			return err
		})
		if err != nil {
			return err
		}
		p.print(s)
		if p.NoChange {
			return nil
		}
		draft, err := propose(ctx, s, a, ch)
		if err != nil || !c.Publish {
			return err
		}
		return c.publish(ctx, s, a, ch.Service, draft)
	})
}

// ensure creates the service on first use. Whether it is for real is said once
// and stays.
func (c applyCmd) ensure(ctx context.Context, s *session, a *app.App, service string) error {
	created := false
	err := a.Store.Update(ctx, func(tx *db.Tx) error {
		created = false
		now, err := catalog.Find(ctx, tx, service)
		switch {
		case err == nil && c.State != "" && now.State != catalog.State(c.State):
			return fmt.Errorf("%w: %s: %s", errOtherState, service, now.State)
		case !errors.Is(err, catalog.ErrNotFound):
			return err
		case c.State == "":
			return errState
		}
		created = true
		_, _, err = catalog.Create(ctx, tx, operator, service, catalog.State(c.State))
		return err
	})
	if err == nil && created {
		s.say("cmd.apply.created", "Service", service, "State", s.lang.T("cmd.state."+c.State))
	}
	return err
}

func propose(ctx context.Context, s *session, a *app.App, ch *charter.Charter) (draft catalog.Draft, err error) {
	err = a.Store.Update(ctx, func(tx *db.Tx) (err error) {
		draft, _, err = catalog.Propose(ctx, tx, operator, ch)
		return err
	})
	key := "cmd.apply.proposed"
	switch {
	case errors.Is(err, catalog.ErrProposed): // nothing was written
		key = "cmd.apply.waiting"
	case err != nil:
		return draft, err
	}
	s.say(key, "Number", draft.Number, "Hash", draft.Hash, "Service", ch.Service)
	return draft, nil
}

func (c applyCmd) publish(ctx context.Context, s *session, a *app.App, service string, draft catalog.Draft) error {
	if !c.Yes {
		if err := s.confirm("cmd.apply.confirm", service); err != nil {
			return err
		}
	}
	var published catalog.Published
	var missing []string
	err := a.Store.Update(ctx, func(tx *db.Tx) error {
		officer, err := catalog.FindOfficer(ctx, tx, service, c.Officer)
		if err != nil {
			return err
		}
		if published, _, err = catalog.Publish(ctx, tx, officer, service, draft.Number); err != nil {
			return err
		}
		now, err := catalog.Find(ctx, tx, service)
		missing = now.Missing()
		return err
	})
	if err != nil {
		return err
	}
	s.say("cmd.apply.published", "Service", service, "Number", published.Number, "Officer", c.Officer)
	for _, what := range missing {
		s.say("cmd.service.missing", "What", s.lang.T("cmd.missing."+what))
	}
	return nil
}
