package main

import (
	"context"
	"time"

	"wardkeep/internal/app"
	"wardkeep/internal/base/db"
	"wardkeep/internal/catalog"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/suspicion"
)

type suspectsCmd struct {
	List   suspicionListCmd   `cmd:"" help:"${suspicion_list}"`
	Show   suspicionShowCmd   `cmd:"" help:"${suspicion_show}"`
	Take   suspicionTakeCmd   `cmd:"" help:"${suspicion_take}"`
	Decide suspicionDecideCmd `cmd:"" help:"${suspicion_decide}"`
}

type suspicionListCmd struct {
	asStaff `embed:""`
}

// Run prints the open suspicions, those that are due first: nothing of the accounts.
func (c suspicionListCmd) Run(ctx context.Context, s *session) error {
	return s.on(ctx, func(a *app.App) error {
		var all []suspicion.Suspicion
		err := a.Store.View(ctx, func(tx *db.Tx) error {
			err := c.inOffice(ctx, tx)
			if err != nil {
				return err
			}
			all, err = suspicion.Waiting(ctx, tx, c.Service, maxWaiting+1)
			return err
		})
		if err == nil && len(all) == 0 {
			s.note("cmd.nothing")
		}
		for _, one := range all[:min(len(all), maxWaiting)] {
			s.suspicion(a.Store.Now(), one)
		}
		if len(all) > maxWaiting {
			s.note("cmd.demand.more", "Count", maxWaiting)
		}
		return err
	})
}

// suspicion prints a line about a suspicion.
func (s *session) suspicion(now time.Time, one suspicion.Suspicion) {
	state := s.lang.T("cmd.suspicion.open")
	switch {
	case !one.Open():
		state = s.lang.T("cmd.suspicion.outcome." + string(one.Outcome))
	case !now.Before(one.DueAt):
		state = s.lang.T("cmd.demand.overdue")
	}
	owner := one.Owner
	if owner == "" {
		owner = s.lang.T("cmd.suspicion.nobody")
	}
	s.say("cmd.suspicion.line", "ID", one.ID, "Source", s.lang.T("cmd.suspicion.source."+string(one.Source)), "Owner", owner,
		"Due", s.day(one.DueAt), "State", state)
}

// A whichSuspicion names a suspicion of a service, and who of the staff deals with it.
type whichSuspicion struct {
	asStaff   `embed:""`
	Suspicion string `arg:"" placeholder:"sp_…" help:"${suspicion_id}"`
}

type suspicionShowCmd struct {
	whichSuspicion `embed:""`
}

// Run prints a suspicion with what the operator calls the account, on standard output
// and nowhere else.
func (c suspicionShowCmd) Run(ctx context.Context, s *session) error {
	return s.on(ctx, func(a *app.App) error {
		return a.Store.View(ctx, func(tx *db.Tx) error {
			by, err := c.officer(ctx, tx)
			if err != nil {
				return err
			}
			one, ref, err := suspicion.Show(ctx, tx, a.Ring, by, c.Service, c.Suspicion)
			if err != nil {
				return err
			}
			s.suspicion(a.Store.Now(), one)
			if !ref.IsZero() {
				s.say("cmd.suspicion.ref", "Ref", plain(ref.Reveal()))
			}
			if one.Basis != "" {
				s.say("cmd.suspicion.basis", "Basis", s.lang.T("cmd.suspicion.basis."+string(one.Basis)))
			}
			return nil
		})
	})
}

type suspicionTakeCmd struct {
	whichSuspicion `embed:""`
}

// Run makes somebody of the staff look after a suspicion.
func (c suspicionTakeCmd) Run(ctx context.Context, s *session) error {
	return s.on(ctx, func(a *app.App) error {
		var one suspicion.Suspicion
		err := a.Store.Update(ctx, func(tx *db.Tx) error {
			by, err := c.officer(ctx, tx)
			if err != nil {
				return err
			}
			one, _, err = suspicion.Take(ctx, tx, by, c.Service, c.Suspicion)
			return err
		})
		if err == nil {
			s.suspicion(a.Store.Now(), one)
		}
		return err
	})
}

type suspicionDecideCmd struct {
	whichSuspicion `embed:""`
	Outcome        string `required:"" enum:"not_a_child,child,erased_elsewhere,withdrawn" help:"${suspicion_outcome}"`
	Basis          string `enum:"document_seen,official_check,parent_said," default:"" help:"${suspicion_basis}"`
	Relation       string `enum:"parent,legal_guardian,institution,grandparent,teacher,other" default:"parent" help:"${guardian_relation}"`
	PhoneFile      string `placeholder:"FILE" help:"${guardian_file}"`
	EmailFile      string `placeholder:"FILE" help:"${guardian_file}"`
}

// Run decides about a suspicion. Who is a child is registered as one in the same
// transaction, with its guardian's contact and no birth date: it prints the child's id,
// and nothing else, on standard output.
func (c suspicionDecideCmd) Run(ctx context.Context, s *session) error {
	phone, err := s.personal("", c.PhoneFile)
	if err != nil {
		return err
	}
	email, err := s.personal("", c.EmailFile)
	if err != nil {
		return err
	}
	guardian := family.Person{Phone: phone, Email: email, Relation: family.Relation(c.Relation)}
	if c.Outcome != string(suspicion.Child) && !(phone.IsZero() && email.IsZero()) {
		return suspicion.ErrOutcome.At("outcome")
	}
	return s.on(ctx, func(a *app.App) error {
		var one suspicion.Suspicion
		var child family.Child
		err := a.Store.Update(ctx, func(tx *db.Tx) error {
			by, err := c.officer(ctx, tx)
			if err != nil {
				return err
			}
			if suspicion.Outcome(c.Outcome) == suspicion.Child {
				child, one, err = c.register(ctx, tx, a, by, guardian)
				return err
			}
			one, _, err = suspicion.Decide(ctx, tx, by, c.Service, c.Suspicion, suspicion.Outcome(c.Outcome), suspicion.Basis(c.Basis))
			return err
		})
		switch {
		case err != nil:
			return err
		case child.ID != "":
			s.note("cmd.suspicion.registered", "Until", minute(child.ExpiresAt), "Service", c.Service)
			s.print(string(child.ID))
		default:
			s.suspicion(a.Store.Now(), one)
		}
		return nil
	})
}

// register registers the child, which ends the suspicion, and leaves a request to be sent
// to whoever may be its guardian.
func (c suspicionDecideCmd) register(ctx context.Context, tx *db.Tx, a *app.App, by catalog.Officer, guardian family.Person) (child family.Child, one suspicion.Suspicion, err error) {
	one, ref, err := suspicion.Show(ctx, tx, a.Ring, by, c.Service, c.Suspicion)
	switch {
	case err != nil:
		return child, one, err
	case !one.Open():
		return child, one, suspicion.ErrDecided
	case c.Basis != "":
		return child, one, suspicion.ErrBasis.At("basis")
	}
	child, g, _, err := a.Vault.Gate.Register(ctx, tx, by, family.Enrolment{Service: c.Service, Ref: ref, Guardian: guardian})
	if err != nil {
		return child, one, err
	}
	if err := suspicion.Registered(ctx, tx, a.Ring, by, c.Service, ref); err != nil || !g.Relation.MaySpeak() {
		return child, one, err
	}
	channel := consent.SMS
	if guardian.Phone.IsZero() {
		channel = consent.Email
	}
	_, _, _, err = consent.Desk{Ring: a.Ring, Charters: a.Charters}.Ask(ctx, tx, by, child, consent.Asking{Guardian: g.ID, Channel: channel, Locale: "zh-CN"})
	return child, one, err
}
