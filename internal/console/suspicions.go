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
	"wardkeep/internal/family"
	"wardkeep/internal/signin"
	"wardkeep/internal/staff"
	"wardkeep/internal/suspicion"
)

// suspicionFields are the fields of the filter, as they stand in an address.
var suspicionFields = []string{"service", "source", "owner", "stands"}

// mine is the owner of what the person looks after, in a filter: it is another one for who
// keeps the same filter.
const mine = "mine"

// suspicionsPage is what suspicions.html shows.
type suspicionsPage struct {
	casePage[suspicionRow]
	Sources []suspicion.Source
	Term    int  // working days to decide
	Reports bool // whoever looks may report one
}

// A suspicionRow is a row of the list: nothing of the account.
type suspicionRow struct {
	suspicion.Suspicion
	Who  string // looks after it
	Late bool
	To   string
}

func suspicionPath(service, name string) string { return "/console/suspicions/" + service + "/" + name }

// suspicionCases lists the accounts that may be a child's.
var suspicionCases = cases[suspicionRow]{
	name: listSuspicions, page: "suspicions", parse: suspicion.ParseCursor, read: suspected,
	columns: []string{"number", "id", "service", "source", "opened_at", "answer_by", "owner", "outcome", "basis", "closed_at"},
	cells: func(_ *visit, r suspicionRow) []string {
		return []string{r.Number(), r.ID, r.Service, string(r.Source), inFile(r.OpenedAt), inFile(r.DueAt), r.Who, string(r.Outcome), string(r.Basis), inFile(r.ClosedAt)}
	},
}

func suspected(ctx context.Context, tx *db.Tx, v *visit, services []string, filter url.Values, from db.Cursor, limit int) (rows []suspicionRow, next db.Cursor, err error) {
	want := suspicion.Wanted{Decided: filter.Get("stands") == "decided", Source: suspicion.Source(filter.Get("source")), Owner: v.owner(filter)}
	found, next, err := suspicion.List(ctx, tx, services, want, from, limit)
	if err != nil {
		return nil, next, err
	}
	names := v.names(tx, "")
	for _, s := range found {
		who, err := names.in(s.Service).ofStaff(ctx, s.Owner)
		if err != nil {
			return nil, next, err
		}
		rows = append(rows, suspicionRow{s, who, s.Late(tx.Now()), suspicionPath(s.Service, s.ID)})
	}
	return rows, next, nil
}

// owner is whose cases a filter wants, if it says so.
func (v *visit) owner(filter url.Values) string {
	if owner := filter.Get("owner"); owner != mine {
		return owner
	}
	return v.in.Person.ID
}

// suspicions lists the accounts that may be a child's (Article 2).
func (s *Server) suspicions(v *visit) error {
	return suspicionCases.show(v, func(l casePage[suspicionRow]) any {
		return suspicionsPage{l, suspicion.Sources, suspicion.Term, v.in.Person.MaySomewhere(staff.ReportSuspicions)}
	})
}

func (s *Server) suspicionsFile(v *visit) error { return suspicionCases.file(v) }

// reportPage is what suspicion_new.html shows: the form by which somebody of the staff reports
// that an account may be a child's.
type reportPage struct {
	Services choices
	Sources  []suspicion.Source
	Service  string
	Source   suspicion.Source
	Ref      string
	Term     int
	Problem  string
	Field    string
}

func (s *Server) showReport(v *visit) error { return v.reportPage(nil) }

func (v *visit) reportPage(problem error) error {
	words, status, fault := v.problem(problem)
	if fault != nil {
		return fault
	}
	page := reportPage{Problem: words, Sources: suspicion.Heard, Term: suspicion.Term,
		Service: v.value("service"), Source: suspicion.Source(v.value("source"))}
	if problem != nil {
		page.Field, page.Ref = errs.Of(problem).Field, v.value("ref")
	}
	err := v.view(func(ctx context.Context, tx *db.Tx) error {
		services, err := catalog.List(ctx, tx)
		page.Services = mayIn(v.in.Person, staff.ReportSuspicions, services)
		return err
	})
	if err != nil {
		return err
	}
	return v.show(status, "suspicion_new", page)
}

// report reports that an account may be a child's (Article 2): from then on it is treated as
// one. Whoever reports one that is registered learns that it is, as by a look-up, and so it
// is recorded as one (Article 15).
func (s *Server) report(v *visit) error {
	if v.value("service") == "" {
		return v.reportPage(suspicion.ErrRef.At("ref"))
	}
	if err := v.reports(); err != nil {
		return v.reportPage(err)
	}
	ref := pii.New(v.value("ref"))
	var one suspicion.Suspicion
	registered := false
	err := v.act(func(ctx context.Context, tx *db.Tx, in signin.Session) error {
		by, err := staff.Acts(ctx, tx, in.Person, staff.ReportSuspicions)
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
		c, err := family.FindByRef(ctx, tx, s.Ring, service.Name, ref)
		if registered = err == nil; registered {
			return approval.Searched(ctx, tx, s.Ring, by.Person, c)
		}
		if !errs.Of(err).Is(family.ErrNotFound) {
			return err
		}
		one, _, err = suspicion.ReportInside(ctx, tx, s.Ring, s.Calendar, by, service.Name, ref, suspicion.Source(v.value("source")))
		return err
	})
	if err == nil && registered {
		err = suspicion.ErrRegistered.At("ref")
	}
	switch {
	case err == nil:
		return v.to(suspicionPath(one.Service, one.ID))
	case errs.Of(err).Is(staff.ErrMayNot):
		return err
	}
	return v.reportPage(err)
}

// suspicionPage is what suspicion.html shows.
type suspicionPage struct {
	suspicion.Suspicion
	Path     string
	Who      string // looks after it
	Mine     bool   // whoever looks does
	May      bool   // whoever looks decides in this service
	Ref      string // what the operator calls the account, for who looks after it
	Late     bool
	Fresh    bool
	Others   []named // to whom it can be handed
	Many     bool    // there are more, and somebody is named
	Outcomes []suspicion.Outcome
	Bases    []suspicion.Basis
	Chosen   map[string]string // in the form that was sent
	Command  string            // by which the account is registered as a child's
	Problem  string
	Field    string
}

func (s *Server) suspicion(v *visit) error { return v.suspicionPage(nil) }

// suspect returns a suspicion of a service in which the person may see it. Of others
// nobody learns that there are any.
func (v *visit) suspect(ctx context.Context, tx *db.Tx) (suspicion.Suspicion, catalog.Service, error) {
	service, err := v.of(ctx, tx, staff.SeeSuspicions)
	if errs.Of(err).Is(catalog.ErrNotFound) {
		err = suspicion.ErrNotFound
	}
	if err != nil {
		return suspicion.Suspicion{}, service, err
	}
	one, err := suspicion.Find(ctx, tx, service.Name, v.r.PathValue("suspicion"))
	return one, service, err
}

func (v *visit) suspicionPage(problem error) error {
	words, status, fault := v.problem(problem)
	if fault != nil {
		return fault
	}
	page := suspicionPage{Problem: words, Fresh: v.in.IsFresh(v.now) == nil, Outcomes: suspicion.Decidable, Bases: suspicion.Bases, Chosen: make(map[string]string)}
	if problem != nil {
		page.Field = errs.Of(problem).Field
		for _, field := range []string{"outcome", "basis"} {
			page.Chosen[field] = v.r.PostFormValue(field)
		}
	}
	err := v.view(func(ctx context.Context, tx *db.Tx) error {
		one, service, err := v.suspect(ctx, tx)
		if err != nil {
			return err
		}
		page.Suspicion, page.Path, page.Late = one, suspicionPath(one.Service, one.ID), one.Late(tx.Now())
		page.May = one.Open() && approval.May(v.in.Person, staff.DecideSuspicions, service)
		page.Mine = page.May && one.Owner == v.in.Person.ID
		page.Command = "wardkeep suspicion decide --service " + one.Service + v.as(one.Service) + " " + one.ID + " --outcome child --phone-file FILE"
		if page.Who, err = v.names(tx, one.Service).ofStaff(ctx, one.Owner); err != nil {
			return err
		}
		if page.Mine {
			_, ref, err := suspicion.Show(ctx, tx, v.s.Ring, staff.Acting{Person: v.in.Person, Action: staff.DecideSuspicions}, one.Service, one.ID)
			if err != nil && !errors.Is(err, suspicion.ErrSealed) {
				return err
			}
			page.Ref = ref.Reveal() // of a row that was changed by hand, nothing
		}
		if page.May {
			page.Others, page.Many, err = others(ctx, tx, v.in.Person.ID, staff.DecideSuspicions, service)
		}
		return err
	})
	if err != nil {
		return err
	}
	return v.show(status, "suspicion", page)
}

// maxOthers is how many colleagues a form lists.
const maxOthers = 50

// others are those who may do that in a service, but for one, and whether there are more
// than are listed.
func others(ctx context.Context, tx *db.Tx, but string, a staff.Action, service catalog.Service) (all []named, many bool, err error) {
	err = staff.Each(ctx, tx, a, service.Name, func(p staff.Person) (bool, error) {
		if p.ID != but && approval.May(p, a, service) {
			all = append(all, named{Name: p.ID, Label: p.Name})
		}
		return len(all) < maxOthers, nil
	})
	return all, len(all) == maxOthers, err
}

// ErrNamesakes refuses a name that several go by who could be meant.
var ErrNamesakes = errs.New(errs.Conflict, "suspicion.namesakes")

// dealt does something with what the address names, as the person whom the matrix lets
// do that in its service, who is held to the end of the transaction and has shown within
// minutes who they are: the session that is found in this transaction counts. That somebody
// of another service tries is recorded.
func (v *visit) dealt(fn func(ctx context.Context, tx *db.Tx, by staff.Acting, service string) error) error {
	return v.actingAs(staff.Acts, fn)
}

// unheld returns the person as somebody who does that, for what holds the person itself,
// after the child: who is held before that, and counted then, could wait for who waits for them.
func unheld(_ context.Context, _ *db.Tx, p staff.Person, a staff.Action) (staff.Acting, error) {
	return staff.Acting{Person: p, Action: a}, nil
}

func (v *visit) actingAs(as func(context.Context, *db.Tx, staff.Person, staff.Action) (staff.Acting, error), fn func(ctx context.Context, tx *db.Tx, by staff.Acting, service string) error) error {
	return v.actFreshly(func(ctx context.Context, tx *db.Tx, in signin.Session) error {
		by, err := as(ctx, tx, in.Person, v.rule)
		if err != nil {
			return err
		}
		service, err := catalog.Find(ctx, tx, v.r.PathValue("service"))
		if err == nil && !approval.May(by.Person, v.rule, service) || errs.Of(err).Is(catalog.ErrNotFound) {
			err = staff.ErrMayNot
		}
		if err != nil {
			return err
		}
		v.in = in
		return fn(ctx, tx, by, service.Name)
	})
}

// changedSuspicion does something about the suspicion of the address, and shows what became
// of it.
func (v *visit) changedSuspicion(fn func(ctx context.Context, tx *db.Tx, by staff.Acting, service, name string) error) error {
	err := v.dealt(func(ctx context.Context, tx *db.Tx, by staff.Acting, service string) error {
		return fn(ctx, tx, by, service, v.r.PathValue("suspicion"))
	})
	switch e := errs.Of(err); {
	case err == nil:
		return v.to("/console/suspicions/{service}/{suspicion}")
	case e.Is(staff.ErrMayNot):
		return err
	}
	return v.suspicionPage(err)
}

// takeSuspicion makes who asks look after a suspicion: from then on the account is named to
// them.
func (s *Server) takeSuspicion(v *visit) error {
	return v.changedSuspicion(func(ctx context.Context, tx *db.Tx, by staff.Acting, service, name string) error {
		_, _, err := suspicion.Take(ctx, tx, by, service, name)
		return err
	})
}

// handSuspicion makes somebody else look after it.
func (s *Server) handSuspicion(v *visit) error {
	return v.changedSuspicion(func(ctx context.Context, tx *db.Tx, by staff.Acting, service, name string) error {
		to, err := meant(ctx, tx, v.value("to"), v.rule, service, suspicion.ErrHandTo.At("to"))
		if err != nil {
			return err
		}
		_, _, err = suspicion.Hand(ctx, tx, by, staff.Acting{Person: to, Action: v.rule}, service, name)
		return err
	})
}

// decideSuspicion says what became of it.
func (s *Server) decideSuspicion(v *visit) error {
	return v.changedSuspicion(func(ctx context.Context, tx *db.Tx, by staff.Acting, service, name string) error {
		_, _, err := suspicion.Decide(ctx, tx, by, service, name, suspicion.Outcome(v.value("outcome")), suspicion.Basis(v.value("basis")))
		return err
	})
}
