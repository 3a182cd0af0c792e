package main

import (
	"context"
	"time"

	"wardkeep/internal/app"
	"wardkeep/internal/base/db"
	"wardkeep/internal/catalog"
	"wardkeep/internal/takedown"
)

type takedownsCmd struct {
	List   takedownListCmd   `cmd:"" help:"${takedown_list}"`
	Show   takedownShowCmd   `cmd:"" help:"${takedown_show}"`
	Take   takedownTakeCmd   `cmd:"" help:"${takedown_take}"`
	Decide takedownDecideCmd `cmd:"" help:"${takedown_decide}"`
}

type takedownListCmd struct {
	asStaff `embed:""`
}

// Run prints the open cases, those that are due first: nothing of the contents.
func (c takedownListCmd) Run(ctx context.Context, s *session) error {
	return s.on(ctx, func(a *app.App) error {
		var all []takedown.Case
		err := a.Store.View(ctx, func(tx *db.Tx) error {
			err := c.inOffice(ctx, tx)
			if err != nil {
				return err
			}
			all, err = takedown.Waiting(ctx, tx, c.Service, maxWaiting+1)
			return err
		})
		if err == nil && len(all) == 0 {
			s.note("cmd.nothing")
		}
		for _, one := range all[:min(len(all), maxWaiting)] {
			s.takedown(a.Store.Now(), one)
		}
		if len(all) > maxWaiting {
			s.note("cmd.demand.more", "Count", maxWaiting)
		}
		return err
	})
}

// takedown prints a line about a case.
func (s *session) takedown(now time.Time, one takedown.Case) {
	state := s.lang.T("cmd.takedown.state." + string(one.State()))
	switch {
	case !one.Open():
		state = s.lang.T("cmd.takedown.outcome." + string(one.Outcome))
	case one.Late(now):
		state += ", " + s.lang.T("cmd.demand.overdue")
	}
	owner := one.Owner
	if owner == "" {
		owner = s.lang.T("cmd.suspicion.nobody")
	}
	s.say("cmd.takedown.line", "ID", one.ID, "Harm", s.lang.T("cmd.takedown.harm."+string(one.Harm)), "Owner", owner, "Due", s.day(one.DueAt), "State", state)
}

// A whichTakedown names a case of a service, and who in office deals with it.
type whichTakedown struct {
	asStaff `embed:""`
	Case    string `arg:"" placeholder:"td_…" help:"${takedown_id}"`
}

type takedownShowCmd struct {
	whichTakedown `embed:""`
}

// Run prints a case with what the operator calls the content, on standard output and
// nowhere else.
func (c takedownShowCmd) Run(ctx context.Context, s *session) error {
	return s.on(ctx, func(a *app.App) error {
		return a.Store.View(ctx, func(tx *db.Tx) error {
			if _, err := c.officer(ctx, tx); err != nil {
				return err
			}
			one, err := takedown.Find(ctx, tx, c.Service, c.Case)
			if err != nil {
				return err
			}
			ref, err := one.Ref(a.Ring)
			if err != nil {
				return err
			}
			s.takedown(a.Store.Now(), one)
			if !ref.IsZero() {
				s.say("cmd.takedown.ref", "Ref", plain(ref.Reveal()))
			}
			if one.Ground != "" {
				s.say("cmd.takedown.ground", "Ground", s.lang.T("cmd.takedown.ground."+string(one.Ground)))
			}
			return nil
		})
	})
}

type takedownTakeCmd struct {
	whichTakedown `embed:""`
}

// Run makes somebody in office look after a case.
func (c takedownTakeCmd) Run(ctx context.Context, s *session) error {
	return c.change(ctx, s, func(tx *db.Tx, a *app.App, by catalog.Officer) (takedown.Case, error) {
		one, _, err := takedown.Take(ctx, tx, a.Calendar, by, c.Service, c.Case)
		return one, err
	})
}

type takedownDecideCmd struct {
	whichTakedown `embed:""`
	Outcome       string `required:"" enum:"take_down,stays,withdrawn" help:"${takedown_outcome}"`
	Ground        string `enum:"no_child,permitted,by_law,harmless," default:"" help:"${takedown_ground}"`
}

// Run decides about a case.
func (c takedownDecideCmd) Run(ctx context.Context, s *session) error {
	return c.change(ctx, s, func(tx *db.Tx, a *app.App, by catalog.Officer) (takedown.Case, error) {
		one, _, err := takedown.Settle(ctx, tx, a.Calendar, by, c.Service, c.Case, takedown.Outcome(c.Outcome), takedown.Ground(c.Ground))
		return one, err
	})
}

// change does something about the case as who holds the office, and prints what became of it.
func (c whichTakedown) change(ctx context.Context, s *session, fn func(tx *db.Tx, a *app.App, by catalog.Officer) (takedown.Case, error)) error {
	return s.on(ctx, func(a *app.App) error {
		if err := a.OpenCalendar(); err != nil {
			return err
		}
		var one takedown.Case
		err := a.Store.Update(ctx, func(tx *db.Tx) error {
			by, err := c.officer(ctx, tx)
			if err != nil {
				return err
			}
			one, err = fn(tx, a, by)
			return err
		})
		if err == nil {
			s.takedown(a.Store.Now(), one)
		}
		return err
	})
}
