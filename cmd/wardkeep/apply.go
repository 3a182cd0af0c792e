package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"wardkeep/internal/app"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
	"wardkeep/internal/consent"
	"wardkeep/internal/party"
	"wardkeep/internal/staff"
)

// What is missing to apply a charter.
var (
	errState      = errs.New(errs.Invalid, "cmd.state_needed")   // of a new service
	errOtherState = errs.New(errs.Conflict, "cmd.state_other")   // the service has another one
	errOfficer    = errs.New(errs.Invalid, "cmd.officer_needed") // to publish

	errTurnedDown = errs.New(errs.Conflict, "cmd.apply_refused")    // somebody in office has refused it
	errTakenBack  = errs.New(errs.Conflict, "cmd.apply_taken_back") // who had proposed it has taken it back
	errOvertaken  = errs.New(errs.Conflict, "cmd.apply_overtaken")  // a later one came into force
)

type applyCmd struct {
	Dir     string `arg:"" help:"${apply_dir}"`
	State   string `enum:"live,test," default:"" placeholder:"live|test" help:"${apply_state}"`
	Publish bool   `help:"${apply_publish}"`
	Officer string `placeholder:"st_…" help:"${apply_officer}"`
	New     bool   `help:"${new_store}"`
	Yes     bool   `short:"y" help:"${yes}"`

	Wait    bool          `help:"${apply_wait}"`
	Timeout time.Duration `default:"24h" help:"${apply_timeout}"`
}

// Run proposes a charter as a draft and, when told so, publishes it as the
// officer, who signs the assessments that lie beside it of purposes that lack one. Each step is a transaction of its own: if it ends between them, the
// draft waits, and the same command goes on from there.
//
// Where somebody in office has an account, nothing is published here: Run says who may
// approve what it has proposed, and ends with code 3 if it was told to publish. Told to
// wait, it ends when the proposal is decided, and with code 3 if that takes too long.
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
			if p, err = planIn(ctx, tx, ch); err == nil && !p.NoChange {
				p.lacking, err = lacking(ctx, tx, a.Ring, ch, c.Dir)
			}
			return err
		})
		if err != nil {
			return err
		}
		p.print(s)
		if p.NoChange {
			return nil
		}
		inside, err := approvers(ctx, a, ch.Service)
		if err != nil {
			return err
		}
		if !c.Publish || len(inside) > 0 { // what lies in the folder isn't signed here
			s.printLacking(ch, c.Dir, p.lacking)
		}
		draft, err := propose(ctx, s, a, ch, len(inside) > 0)
		if err != nil {
			return err
		}
		if len(inside) > 0 {
			s.say("cmd.apply.needs", "URL", a.Config.Console.URL+"/console/charters/"+ch.Service+"/"+strconv.FormatInt(draft.Number, 10))
			for _, p := range inside {
				s.say("cmd.apply.approver", "Name", p.Name, "ID", p.ID)
			}
		}
		switch {
		case c.Wait && (len(inside) > 0 || !c.Publish):
			return c.await(ctx, s, a, ch.Service, draft.Number)
		case !c.Publish:
			return nil
		case len(inside) > 0:
			return exit(exitWaits)
		}
		return c.publish(ctx, s, a, ch, draft)
	})
}

// waitEvery is between two looks at what became of a proposal.
const waitEvery = time.Second

// await looks at the proposal until it is decided. It holds nothing meanwhile, and whoever
// ends it ends nothing else: the proposal waits on.
func (c applyCmd) await(ctx context.Context, s *session, a *app.App, service string, number int64) error {
	s.note("cmd.apply.awaiting", "Number", number, "Service", service)
	over := time.NewTimer(c.Timeout)
	defer over.Stop()
	look := time.NewTicker(waitEvery)
	defer look.Stop()
	for {
		decided, err := decidedAbout(ctx, a, service, number)
		if err != nil {
			return err
		}
		if decided {
			s.say("cmd.apply.in_force", "Service", service, "Number", number)
			return nil
		}
		select {
		case <-look.C:
		case <-over.C:
			return exit(exitWaits)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// decidedAbout reports whether a proposal has come into force; that it won't is an error.
func decidedAbout(ctx context.Context, a *app.App, service string, number int64) (in bool, err error) {
	return in, a.Store.View(ctx, func(tx *db.Tx) error {
		now, err := catalog.Find(ctx, tx, service)
		if err != nil {
			return err
		}
		e, err := catalog.EditionOf(ctx, tx, service, number)
		in = !e.PublishedAt.IsZero()
		switch {
		case err != nil || in:
			return err
		case e.TakenBack():
			return errTakenBack
		case !e.RefusedAt.IsZero():
			return errTurnedDown
		case number < now.Charter:
			return errOvertaken
		}
		return nil
	})
}

type takeBackCmd struct {
	Service string `short:"s" required:"" help:"${of_service}"`
	Number  int64  `arg:"" help:"${take_back_number}"`
}

// Run takes back a charter that was proposed at a terminal.
func (c takeBackCmd) Run(ctx context.Context, s *session) error {
	return s.on(ctx, func(a *app.App) error {
		err := a.Store.Update(ctx, func(tx *db.Tx) error {
			_, err := catalog.TakeBack(ctx, tx, a.Ring, operator, c.Service, c.Number)
			return err
		})
		if err == nil {
			s.say("cmd.taken_back", "Service", c.Service, "Number", c.Number)
		}
		return err
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

// approvers returns who holds an office of the service and has an account.
func approvers(ctx context.Context, a *app.App, service string) (all []staff.Person, err error) {
	return all, a.Store.View(ctx, func(tx *db.Tx) error {
		now, err := catalog.Find(ctx, tx, service)
		if err != nil {
			return err
		}
		ids, err := catalog.Approvers(ctx, tx, now)
		for _, one := range ids {
			p, err := staff.Find(ctx, tx, one)
			if err != nil {
				return err
			}
			all = append(all, p)
		}
		return err
	})
}

func propose(ctx context.Context, s *session, a *app.App, ch *charter.Charter, inside bool) (draft catalog.Draft, err error) {
	var touches catalog.Touches
	err = a.Store.View(ctx, func(tx *db.Tx) (err error) {
		touches, err = consent.Touched(ctx, tx, ch.Service)
		return err
	})
	if err != nil {
		return draft, err
	}
	err = a.Store.Update(ctx, func(tx *db.Tx) (err error) {
		draft, _, err = catalog.Propose(ctx, tx, a.Ring, operator, ch, touches)
		return err
	})
	key := "cmd.apply.proposed"
	if inside {
		key = "cmd.apply.proposed_inside"
	}
	switch {
	case errors.Is(err, catalog.ErrProposed): // nothing was written
		key = "cmd.apply.waiting"
	case err != nil:
		return draft, err
	}
	s.say(key, "Number", draft.Number, "Hash", draft.Hash, "Service", ch.Service)
	return draft, nil
}

func (c applyCmd) publish(ctx context.Context, s *session, a *app.App, ch *charter.Charter, draft catalog.Draft) error {
	service := ch.Service
	if !c.Yes {
		if err := s.confirm("cmd.apply.confirm", service); err != nil {
			return err
		}
	}
	var published catalog.Published
	var signed []catalog.Assessment
	var without []lack
	var missing []string
	err := a.Store.Update(ctx, func(tx *db.Tx) error {
		officer, err := catalog.FindOfficer(ctx, tx, service, c.Officer)
		if err != nil {
			return err
		}
		// PIPL 55: who publishes the charter signs what lies beside it of each purpose.
		if signed, err = catalog.AssessFrom(ctx, tx, a.Ring, officer, service, draft.Number, os.DirFS(c.Dir), time.Time{}); err != nil {
			return err
		}
		if without, err = lacking(ctx, tx, a.Ring, ch, c.Dir); err != nil {
			return err
		}
		if published, _, err = party.Publish(ctx, tx, a.Ring, officer, service, draft.Number); err != nil {
			return err
		}
		now, err := catalog.Find(ctx, tx, service)
		missing = now.Missing()
		return err
	})
	if errors.Is(err, catalog.ErrUnassessed) {
		s.printLacking(ch, c.Dir, without)
	}
	if err != nil {
		return s.impactProblems(c.Dir, err)
	}
	s.signed(signed)
	s.say("cmd.apply.published", "Service", service, "Number", published.Number, "Officer", c.Officer)
	for _, what := range missing {
		s.say("cmd.service.missing", "What", s.lang.T("cmd.missing."+what))
	}
	return nil
}
