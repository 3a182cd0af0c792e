package console

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"wardkeep/internal/account"
	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/incident"
	"wardkeep/internal/party"
	"wardkeep/internal/rights"
	"wardkeep/internal/signin"
	"wardkeep/internal/staff"
)

// A planStep is a step of the plan by which a case is dealt with.
type planStep struct {
	incident.Task
	Number int64 // from 0 on
	By     time.Time
	Done   bool
	At     time.Time // when it was
	Who    string    // has done it
	Late   bool
}

// A taskPlan is the plan that was started with a case.
type taskPlan struct {
	Number   int64
	Steps    []planStep
	Contacts []incident.Contact
	Broken   bool // it was changed by hand
}

// containing is what can be stopped from the room of a case.
type containing struct {
	Apps    []account.Listed
	Parties []party.Party
	Suspect string // the app whose doing has raised the alarm
	Rotates bool   // the keys of the store can be rotated from here
	Listed  int64  // children on the list of the case
}

// mostLeft is up to how many children are counted to whom an order isn't carried out yet.
const mostLeft = 1000

// carries reads how far what was ordered for all on the list is carried out.
func (p *incidentPage) carries(ctx context.Context, tx *db.Tx) error {
	orders, err := incident.Orders(ctx, tx, p.ID)
	if err != nil || len(orders) == 0 {
		return err
	}
	p.Ordered = true
	n, err := incident.LeftOver(ctx, tx, p.ID, orders[len(orders)-1], mostLeft)
	p.Left, p.More = min(n, mostLeft), n > mostLeft
	return err
}

// mostApps is how many apps can be chosen from: whoever has more ends them where they are listed.
const mostApps = 200

// follows reads the plan that was started with a case, and what of it is done.
func (p *incidentPage) follows(ctx context.Context, tx *db.Tx, v *visit, names naming) error {
	plan, err := incident.PlanOf(ctx, tx, p.Case)
	if errors.Is(err, incident.ErrNoPlan) {
		return nil
	}
	if err != nil {
		return err
	}
	p.Tasks = &taskPlan{Number: plan.Number}
	sheet, err := plan.Sheet(v.s.Ring)
	if errors.Is(err, incident.ErrSealed) {
		p.Tasks.Broken = true
		return nil
	}
	if err != nil {
		return err
	}
	done, err := incident.Ticks(ctx, tx, p.Case)
	if err != nil {
		return err
	}
	p.Tasks.Contacts = sheet.Contacts
	for i, task := range sheet.Steps {
		step := planStep{Task: task, Number: int64(i), By: p.OpenedAt.Add(time.Duration(task.Minutes) * time.Minute)}
		for _, t := range done {
			if t.Step != step.Number {
				continue
			}
			step.Done, step.At = true, t.At
			if step.Who, err = names.of(ctx, t.By); err != nil {
				return err
			}
		}
		step.Late = !step.Done && p.Open() && !tx.Now().Before(step.By)
		p.Tasks.Steps = append(p.Tasks.Steps, step)
	}
	return nil
}

// stops reads what can be stopped.
func (p *incidentPage) stops(ctx context.Context, tx *db.Tx, rotates bool) (err error) {
	if !p.Judges || !p.Open() || p.Drill {
		return nil
	}
	p.Stops = &containing{Rotates: rotates}
	list, err := incident.ListOf(ctx, tx, p.ID)
	if err != nil {
		return err
	}
	p.Stops.Listed = list.Children
	p.Stops.Suspect, _ = strings.CutPrefix(p.Suspect, "app:")
	if p.Stops.Apps, err = account.List(ctx, tx, p.Service, "", mostApps); err != nil {
		return err
	}
	all, err := party.List(ctx, tx, p.Service)
	for _, one := range all {
		if one.Halted == "" {
			p.Stops.Parties = append(p.Stops.Parties, one)
		}
	}
	return err
}

// tickIncident says that a step of the plan is done.
func (s *Server) tickIncident(v *visit) error {
	return v.changedIncident(func(ctx context.Context, tx *db.Tx, by approval.Actor, service, name string) error {
		step, err := strconv.ParseInt(v.value("step"), 10, 64)
		if err != nil {
			return incident.ErrStep.At("step")
		}
		_, _, err = incident.Done(ctx, tx, by, service, name, step)
		return err
	})
}

// containIncident stops something, by the verb that does so anywhere, and notes that about the
// case in the same transaction (Article 21: remedies, immediately). If we crash before its commit
// neither is there.
func (s *Server) containIncident(v *visit) error {
	var of family.Child // that was found
	err := v.inRoom(func(ctx context.Context, tx *db.Tx, who approval.Actor, service, name string) error {
		by, is := who.(catalog.Officer)
		if !is {
			return incident.ErrMayNot
		}
		step := incident.Step(v.value("step"))
		child, target, done, err := v.contain(ctx, tx, by, step)
		if of = child; err == nil {
			_, _, err = incident.Contain(ctx, tx, s.Ring, by, service, name, step, target, done, v.written())
		}
		return err
	})
	// Article 15: a reference that was tried is on record, also where nothing comes of it.
	var fault error
	// Recorded before it begins; if we crash in between, or it can't be asked for, somebody asks again.
	if err == nil && incident.Step(v.value("step")) == incident.StepRotated {
		err = s.System.Rotate(v.r.Context())
	}
	switch {
	case err == nil:
		return v.to("/console/incidents/{service}/{incident}")
	case errs.Of(err).Is(staff.ErrMayNot):
		return err
	case errs.Of(err).Is(family.ErrNotFound):
		fault = v.foundNobody(v.value("ref"), v.r.PathValue("service"))
	case of.ID != "":
		fault = v.act(func(ctx context.Context, tx *db.Tx, in signin.Session) error {
			return approval.Searched(ctx, tx, s.Ring, in.Person, of)
		})
	}
	if fault != nil {
		return fault
	}
	return v.incidentPage(err, nil)
}

// contain stops what the form names, and returns what that was, as the case has it, and by which
// entry it was done; the child, where it was one that was looked for.
func (v *visit) contain(ctx context.Context, tx *db.Tx, by catalog.Officer, step incident.Step) (of family.Child, target, entry string, err error) {
	switch step {
	case incident.StepRevoked:
		entry, err = account.RevokeApp(ctx, tx, by, by.Service, v.value("app"))
		return of, v.value("app"), entry, err
	case incident.StepSuspended:
		role, name, _ := strings.Cut(v.value("party"), " ")
		_, entry, err = party.Suspend(ctx, tx, by, party.ID{Service: by.Service, Role: party.Role(role), Name: name}, party.Incident)
		return of, incident.PartyTarget(role, name), entry, err
	case incident.StepRotated:
		if v.s.System.Rotate == nil {
			err = incident.ErrStep.At("step")
		}
		return of, "", "", err
	case incident.StepFrozen, incident.StepReleased, incident.StepUnverified:
	default:
		return of, "", "", incident.ErrStep.At("step")
	}
	if v.value("everyone") != "" {
		return of, incident.Everyone, "", nil // done by a job, child by child
	}
	if err := v.looksUp(); err != nil {
		return of, "", "", err
	}
	of, err = family.FindByRef(ctx, tx, v.s.Ring, by.Service, pii.New(v.value("ref")))
	if errs.Of(err).Is(family.ErrNotFound) {
		err = family.ErrNotFound.At("ref")
	}
	if err == nil {
		err = approval.Searched(ctx, tx, v.s.Ring, v.in.Person, of)
	}
	if err != nil {
		return of, "", "", err
	}
	c, err := family.Lock(ctx, tx, by.Service, of.ID)
	if err != nil {
		return of, "", "", err
	}
	switch step {
	case incident.StepFrozen:
		entry, err = family.Freeze(ctx, tx, by, c, family.ByOfficer)
	case incident.StepReleased:
		entry, err = rights.Release(ctx, tx, by, c)
	case incident.StepUnverified:
		// What rests on a proof that may be somebody else's is worth nothing until it is made anew (edge
		// case 24).
		entry, err = consent.Desk{Ring: v.s.Ring, Charters: v.s.Vault.Gate.Charters}.UnverifyAll(ctx, tx, by, c)
	}
	return of, c.Subject, entry, err
}
