package console

import (
	"context"
	"errors"
	"net/url"

	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
	"wardkeep/internal/signin"
	"wardkeep/internal/staff"
	"wardkeep/internal/takedown"
)

// takedownFields are the fields of the filter, as they stand in an address.
var takedownFields = []string{"service", "source", "harm", "owner", "stands"}

// takedownTerms are the working days of each step from the one before.
type takedownTerms struct{ Acknowledge, Decide, TakeDown int }

var terms = takedownTerms{takedown.Acknowledge, takedown.Decide, takedown.TakeDown}

// takedownsPage is what takedowns.html shows.
type takedownsPage struct {
	casePage[takedownRow]
	Sources []takedown.Source
	Harms   []takedown.Harm
	Terms   takedownTerms
	Reports bool // whoever looks may report one
}

// A takedownRow is a row of the list: nothing of the content.
type takedownRow struct {
	takedown.Case
	Who  string // looks after it
	Late bool
	To   string
}

func takedownPath(service, name string) string { return "/console/takedowns/" + service + "/" + name }

// takedownCases lists the published contents that harm a child's information.
var takedownCases = cases[takedownRow]{
	name: listTakedowns, page: "takedowns", parse: takedown.ParseCursor, read: harmful,
	columns: []string{"number", "id", "service", "source", "harm", "state", "opened_at", "taken_at", "decided_at", "due_by", "owner", "outcome", "stays_on", "closed_at"},
	cells: func(_ *visit, r takedownRow) []string {
		return []string{r.Number(), r.ID, r.Service, string(r.Source), string(r.Harm), string(r.State()), inFile(r.OpenedAt), inFile(r.TakenAt), inFile(r.DecidedAt), inFile(r.DueAt),
			r.Who, string(r.Outcome), string(r.Ground), inFile(r.ClosedAt)}
	},
}

func harmful(ctx context.Context, tx *db.Tx, v *visit, services []string, filter url.Values, from db.Cursor, limit int) (rows []takedownRow, next db.Cursor, err error) {
	want := takedown.Wanted{Closed: filter.Get("stands") == "closed", Source: takedown.Source(filter.Get("source")), Harm: takedown.Harm(filter.Get("harm")), Owner: v.owner(filter)}
	found, next, err := takedown.List(ctx, tx, services, want, from, limit)
	if err != nil {
		return nil, next, err
	}
	names := v.names(tx, "")
	for _, c := range found {
		who, err := names.in(c.Service).ofStaff(ctx, c.Owner)
		if err != nil {
			return nil, next, err
		}
		rows = append(rows, takedownRow{c, who, c.Late(tx.Now()), takedownPath(c.Service, c.ID)})
	}
	return rows, next, nil
}

// takedowns lists the published contents that harm a child's information (Article 4).
func (s *Server) takedowns(v *visit) error {
	return takedownCases.show(v, func(l casePage[takedownRow]) any {
		return takedownsPage{l, takedown.Sources, takedown.Harms, terms, v.in.Person.MaySomewhere(staff.ReportTakedowns)}
	})
}

func (s *Server) takedownsFile(v *visit) error { return takedownCases.file(v) }

// contentPage is what takedown_new.html shows: the form by which somebody of the staff
// reports published content.
type contentPage struct {
	Services choices
	Sources  []takedown.Source
	Harms    []takedown.Harm
	Service  string
	Source   takedown.Source
	Harm     takedown.Harm
	Ref      string
	Terms    takedownTerms
	Problem  string
	Field    string
}

func (s *Server) showContent(v *visit) error { return v.contentPage(nil) }

func (v *visit) contentPage(problem error) error {
	words, status, fault := v.problem(problem)
	if fault != nil {
		return fault
	}
	page := contentPage{Problem: words, Sources: takedown.Heard, Harms: takedown.Harms, Terms: terms,
		Service: v.value("service"), Source: takedown.Source(v.value("source")), Harm: takedown.Harm(v.value("harm"))}
	if problem != nil {
		page.Field, page.Ref = errs.Of(problem).Field, v.value("ref")
	}
	err := v.view(func(ctx context.Context, tx *db.Tx) error {
		services, err := catalog.List(ctx, tx)
		page.Services = mayIn(v.in.Person, staff.ReportTakedowns, services)
		return err
	})
	if err != nil {
		return err
	}
	return v.show(status, "takedown_new", page)
}

// reportContent reports content that is published (Article 4): a case with its clock.
func (s *Server) reportContent(v *visit) error {
	if v.value("service") == "" {
		return v.contentPage(takedown.ErrRef.At("ref"))
	}
	if err := v.reports(); err != nil {
		return v.contentPage(err)
	}
	var one takedown.Case
	err := v.act(func(ctx context.Context, tx *db.Tx, in signin.Session) error {
		by, err := staff.Acts(ctx, tx, in.Person, staff.ReportTakedowns)
		if err != nil {
			return err
		}
		service, err := catalog.Find(ctx, tx, v.value("service"))
		if err == nil && !approval.May(by.Person, by.Action, service) || errs.Of(err).Is(catalog.ErrNotFound) {
			err = staff.ErrMayNot
		}
		if err != nil {
			return err
		}
		one, _, err = takedown.ReportInside(ctx, tx, s.Ring, s.Calendar, by, service.Name, pii.New(v.value("ref")), takedown.Source(v.value("source")), takedown.Harm(v.value("harm")))
		return err
	})
	switch {
	case err == nil:
		return v.to(takedownPath(one.Service, one.ID))
	case errs.Of(err).Is(staff.ErrMayNot):
		return err
	}
	return v.contentPage(err)
}

// takedownPage is what takedown.html shows.
type takedownPage struct {
	takedown.Case
	Path     string
	Who      string // looks after it
	Mine     bool   // whoever looks does
	May      bool   // whoever looks decides in this service, and it waits for that
	Ref      string // what the operator calls the content, for who looks after it
	Broken   bool   // it was changed by hand
	Late     bool
	Fresh    bool
	Outcomes []takedown.Outcome
	Grounds  []takedown.Ground
	Chosen   map[string]string // in the form that was sent
	Problem  string
	Field    string
}

func (s *Server) takedown(v *visit) error { return v.takedownPage(nil) }

func (v *visit) takedownPage(problem error) error {
	words, status, fault := v.problem(problem)
	if fault != nil {
		return fault
	}
	page := takedownPage{Problem: words, Fresh: v.in.IsFresh(v.now) == nil, Outcomes: takedown.Decidable, Grounds: takedown.Grounds, Chosen: make(map[string]string)}
	if problem != nil {
		page.Field = errs.Of(problem).Field
		for _, field := range []string{"outcome", "ground"} {
			page.Chosen[field] = v.r.PostFormValue(field)
		}
	}
	err := v.view(func(ctx context.Context, tx *db.Tx) error {
		// Of services in which the person sees none, nobody learns that there are any.
		service, err := v.of(ctx, tx, staff.SeeTakedowns)
		if errs.Of(err).Is(catalog.ErrNotFound) {
			err = takedown.ErrNotFound
		}
		if err != nil {
			return err
		}
		one, err := takedown.Find(ctx, tx, service.Name, v.r.PathValue("takedown"))
		if err != nil {
			return err
		}
		page.Case, page.Path, page.Late = one, takedownPath(one.Service, one.ID), one.Late(tx.Now())
		decides := approval.May(v.in.Person, staff.DecideTakedowns, service)
		page.May = decides && one.Open() && one.Outcome == ""
		page.Mine = decides && one.Open() && one.Owner == v.in.Person.ID
		if page.Mine {
			_, ref, err := takedown.Show(ctx, tx, v.s.Ring, staff.Acting{Person: v.in.Person, Action: staff.DecideTakedowns}, one.Service, one.ID)
			if page.Broken = errors.Is(err, takedown.ErrSealed); err != nil && !page.Broken {
				return err
			}
			page.Ref = ref.Reveal()
		}
		page.Who, err = v.names(tx, one.Service).ofStaff(ctx, one.Owner)
		return err
	})
	if err != nil {
		return err
	}
	return v.show(status, "takedown", page)
}

// changedTakedown does something about the case of the address, and shows what became of it.
func (v *visit) changedTakedown(fn func(ctx context.Context, tx *db.Tx, by staff.Acting, service, name string) error) error {
	err := v.dealt(func(ctx context.Context, tx *db.Tx, by staff.Acting, service string) error {
		return fn(ctx, tx, by, service, v.r.PathValue("takedown"))
	})
	switch e := errs.Of(err); {
	case err == nil:
		return v.to("/console/takedowns/{service}/{takedown}")
	case e.Is(staff.ErrMayNot):
		return err
	}
	return v.takedownPage(err)
}

// takeTakedown makes who asks look after a case: from then on the content is named to them.
func (s *Server) takeTakedown(v *visit) error {
	return v.changedTakedown(func(ctx context.Context, tx *db.Tx, by staff.Acting, service, name string) error {
		_, _, err := takedown.Take(ctx, tx, s.Calendar, by, service, name)
		return err
	})
}

// decideTakedown says whether the content comes down, or why it may stay.
func (s *Server) decideTakedown(v *visit) error {
	return v.changedTakedown(func(ctx context.Context, tx *db.Tx, by staff.Acting, service, name string) error {
		_, _, err := takedown.Settle(ctx, tx, s.Calendar, by, service, name, takedown.Outcome(v.value("outcome")), takedown.Ground(v.value("ground")))
		return err
	})
}
