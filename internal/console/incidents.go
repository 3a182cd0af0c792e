package console

import (
	"context"
	"errors"
	"net/url"
	"path"
	"slices"
	"strconv"
	"time"

	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/catalog"
	"wardkeep/internal/incident"
	"wardkeep/internal/signin"
	"wardkeep/internal/staff"
)

// incidentFields are the fields of the filter, as they stand in an address.
var incidentFields = []string{"service", "kind", "source", "grade", "stands"}

// incidentTerms are the terms of a case, in the units in which a page says them.
type incidentTerms struct{ Triage, Report, Notice, Wrap int }

var mishapTerms = incidentTerms{int(incident.TriageWithin / time.Hour), int(incident.ReportWithin / time.Hour), int(incident.NoticeWithin / time.Hour), int(incident.WrapWithin / (24 * time.Hour))}

// incidentsPage is what incidents.html shows.
type incidentsPage struct {
	casePage[incidentRow]
	Kinds   []incident.Kind
	Sources []incident.Source
	Grades  []incident.Grade
	Terms   incidentTerms
	Opens   bool // whoever looks may open one
}

// An incidentRow is a row of the list: nothing of what was written.
type incidentRow struct {
	incident.Case
	Late bool
	To   string
}

func incidentPath(service, name string) string { return "/console/incidents/" + service + "/" + name }

// incidentCases lists what was, or may have been, leaked, changed or lost.
var incidentCases = cases[incidentRow]{
	name: listIncidents, page: "incidents", parse: incident.ParseCursor, read: mishaps,
	columns: []string{"number", "id", "service", "kind", "source", "party", "cause", "drill", "concerned", "state", "grade", "opened_at", "triaged_at", "steps", "due_by", "outcome", "closed_at"},
	cells: func(v *visit, r incidentRow) []string {
		if !v.hears(r.Service) {
			r.Cause = ""
		}
		concerned := ""
		if r.Children > 0 {
			concerned = strconv.FormatInt(r.Children, 10)
		}
		return []string{r.Number(), r.ID, r.Service, string(r.Kind), string(r.Source), r.Party.Name, string(r.Cause), strconv.FormatBool(r.Drill), concerned, string(r.State()), string(r.Grade), inFile(r.OpenedAt), inFile(r.TriagedAt),
			r.Written(), inFile(r.DueAt), string(r.Outcome), inFile(r.ClosedAt)}
	},
}

func mishaps(ctx context.Context, tx *db.Tx, _ *visit, services []string, filter url.Values, from db.Cursor, limit int) (rows []incidentRow, next db.Cursor, err error) {
	want := incident.Wanted{Closed: filter.Get("stands") == "closed", Source: incident.Source(filter.Get("source")), Kind: incident.Kind(filter.Get("kind")), Grade: incident.Grade(filter.Get("grade"))}
	found, next, err := incident.List(ctx, tx, services, want, from, limit)
	for _, c := range found {
		rows = append(rows, incidentRow{c, c.Late(tx.Now()), incidentPath(c.Service, c.ID)})
	}
	return rows, next, err
}

// hears reports whether the person is told by which alarm a case of the service was opened: who
// may write about it, or see the ledger. Anybody else, an engineer with an app's key above all,
// would learn from it which child is a decoy.
func (v *visit) hears(service string) bool {
	return v.in.Person.May(staff.WriteIncidents, service) || v.in.Person.May(staff.SeeLedger, service)
}

// incidents lists what was, or may have been, leaked, changed or lost (Article 21).
func (s *Server) incidents(v *visit) error {
	return incidentCases.show(v, func(l casePage[incidentRow]) any {
		return incidentsPage{l, incident.Kinds, incident.Sources, append([]incident.Grade{incident.Ungraded}, incident.Grades...), mishapTerms, v.in.Person.MaySomewhere(staff.OpenIncidents)}
	})
}

func (s *Server) incidentsFile(v *visit) error { return incidentCases.file(v) }

// incidentNewPage is what incident_new.html shows: the form by which somebody of the staff opens
// a case.
type incidentNewPage struct {
	Services choices
	Kinds    []incident.Kind
	Terms    incidentTerms
	Typed    map[string]string
	Problem  string
	Field    string
}

func (s *Server) showIncidentNew(v *visit) error { return v.incidentNewPage(nil) }

func (v *visit) incidentNewPage(problem error) error {
	words, status, fault := v.problem(problem)
	if fault != nil {
		return fault
	}
	page := incidentNewPage{Problem: words, Kinds: incident.Kinds, Terms: mishapTerms, Typed: make(map[string]string)}
	if problem != nil {
		page.Field = errs.Of(problem).Field
		for _, field := range []string{"service", "kind", "suspected", "drill", "item", "children", "began", "noticed", "words"} {
			page.Typed[field] = v.r.PostFormValue(field)
		}
	}
	err := v.view(func(ctx context.Context, tx *db.Tx) error {
		services, err := catalog.List(ctx, tx)
		page.Services = mayIn(v.in.Person, staff.OpenIncidents, services)
		return err
	})
	if err != nil {
		return err
	}
	return v.show(status, "incident_new", page)
}

// actor returns who the person is to what an action does in a service: who holds an office acts
// by it, as at the terminal; anybody else as the person. Errors: staff.ErrMayNot, whether there
// is such a service or not.
func actor(ctx context.Context, tx *db.Tx, p staff.Person, a staff.Action, name string) (approval.Actor, error) {
	service, err := catalog.Find(ctx, tx, name)
	switch {
	case errs.Of(err).Is(catalog.ErrNotFound), err == nil && !approval.May(p, a, service):
		return nil, staff.ErrMayNot
	case err != nil:
		return nil, err
	case approval.InOffice(p, service):
		return catalog.FindOfficer(ctx, tx, service.Name, p.Office(service.Name))
	}
	return staff.Acting{Person: p, Action: a}, nil
}

// openIncident opens a case (Article 21): from this moment its clocks run. Nobody is asked to
// show once more who they are before that.
func (s *Server) openIncident(v *visit) error {
	if v.value("service") == "" {
		return v.incidentNewPage(incident.ErrKind.At("service"))
	}
	if err := v.reports(); err != nil {
		return v.incidentNewPage(err)
	}
	report, err := incident.ReportOf(v.r.PostForm)
	if err != nil {
		return v.incidentNewPage(err)
	}
	var one incident.Case
	err = v.act(func(ctx context.Context, tx *db.Tx, in signin.Session) error {
		by, err := actor(ctx, tx, in.Person, v.rule, v.value("service"))
		if err != nil {
			return err
		}
		// Who presses twice is led to the one case.
		if one, err = incident.SameOf(ctx, tx, s.Ring, by, v.value("service"), report); !errs.Of(err).Is(incident.ErrNotFound) {
			return err
		}
		r := report
		if r.NoticedAt.IsZero() {
			r.NoticedAt = tx.Now()
		}
		one, _, err = incident.Desk{Ring: s.Ring, Charters: s.Vault.Gate.Charters}.Open(ctx, tx, by, v.value("service"), r)
		return err
	})
	switch {
	case err == nil:
		return v.to(incidentPath(one.Service, one.ID))
	case errs.Of(err).Is(staff.ErrMayNot):
		return err
	}
	return v.incidentNewPage(err)
}

// incidentPage is what incident.html shows: the room of one case.
type incidentPage struct {
	incident.Case
	Path     string
	Reporter string
	Grader   string
	Closer   string
	Runs     []incidentClock
	Owed     []incidentStep
	Line     []incidentNote
	Read     bool // its texts were read a moment ago, and are shown
	Late     bool
	Reads    bool // whoever looks may read them, and add to them
	Judges   bool // whoever looks may grade and close it
	Fresh    bool
	Steps    []incident.Step
	Grades   []incident.Grade
	Outcomes []incident.Outcome
	Paper    *emergencyPlan  // in force; nil: none is on record
	Tasks    *taskPlan       // that was started with it; nil: there was none with steps
	Stops    *containing     // nil: nothing can be stopped
	Ordered  bool            // something was ordered for all on its list
	Left     int64           // of whom it isn't carried out yet
	More     bool            // there are more than were counted
	Doer     string          // whose doing has raised the alarm
	Lacks    []incident.Step // that kept it from being closed
	Form     string          // which form was sent
	Typed    map[string]string
	Terms    incidentTerms
	Problem  string
	Field    string
}

// An incidentClock is one of the clocks of a case.
type incidentClock struct {
	incident.Clock
	Late bool
}

// An incidentStep is what the law wants to be done before a case ends, and whether it was.
type incidentStep struct {
	Step incident.Step
	Done bool
}

// An emergencyPlan is the plan by which a case is dealt with (Article 21).
type emergencyPlan struct {
	catalog.Record
	Over bool   // it counts no more, and is all that there is
	To   string // where its document is, for who may see the records of the office
}

// An incidentNote is a moment of a case: who wrote, when, at which step; and what, where it was
// read on record before.
type incidentNote struct {
	incident.Note
	Who    string
	Text   string
	Broken bool // it was changed by hand
}

func (s *Server) incident(v *visit) error { return v.incidentPage(nil, nil) }

// readIncident shows, with the room, what was written about a case. That it is read is on record
// before (invariant 2).
func (s *Server) readIncident(v *visit) error {
	var read []incident.Note
	err := v.inRoom(func(ctx context.Context, tx *db.Tx, by approval.Actor, service, name string) (err error) {
		_, read, err = incident.Read(ctx, tx, by, service, name)
		return err
	})
	if errs.Of(err).Is(staff.ErrMayNot) {
		return err
	}
	return v.incidentPage(err, read)
}

func (v *visit) incidentPage(problem error, read []incident.Note) error {
	words, status, fault := v.problem(problem)
	if fault != nil {
		return fault
	}
	page := incidentPage{Problem: words, Fresh: v.in.IsFresh(v.now) == nil, Steps: incident.Steps, Grades: incident.Grades, Outcomes: incident.Outcomes,
		Terms: mishapTerms, Read: read != nil, Typed: make(map[string]string)}
	if problem != nil {
		page.Field, page.Form = errs.Of(problem).Field, path.Base(v.r.URL.Path)
		for _, field := range []string{"step", "grade", "children", "outcome", "app", "party", "ref", "words"} {
			page.Typed[field] = v.r.PostFormValue(field)
		}
	}
	err := v.view(func(ctx context.Context, tx *db.Tx) error {
		// Of services in which the person sees none, nobody learns that there are any.
		service, err := v.of(ctx, tx, staff.SeeIncidents)
		if errs.Of(err).Is(catalog.ErrNotFound) {
			err = incident.ErrNotFound
		}
		if err != nil {
			return err
		}
		one, err := incident.Find(ctx, tx, service.Name, v.r.PathValue("incident"))
		if err != nil {
			return err
		}
		page.Reads, page.Judges = approval.May(v.in.Person, staff.WriteIncidents, service), approval.May(v.in.Person, staff.JudgeIncidents, service)
		if errors.Is(problem, incident.ErrMissing) {
			page.Lacks = one.Missing(incident.Outcome(page.Typed["outcome"]))
		}
		if err := page.plan(ctx, tx, v, service); err != nil {
			return err
		}
		return page.fill(ctx, tx, v, one, read)
	})
	if err != nil {
		return err
	}
	return v.show(status, "incident", page)
}

// plan looks for the plan of the service: at three in the morning nobody looks for a folder.
func (p *incidentPage) plan(ctx context.Context, tx *db.Tx, v *visit, service catalog.Service) error {
	r, err := catalog.LastPlan(ctx, tx, service.Name, catalog.EmergencyPlan)
	if errors.Is(err, catalog.ErrRecordNotFound) {
		return nil
	}
	p.Paper = &emergencyPlan{Record: r, Over: !tx.Now().Before(r.Until())}
	if approval.May(v.in.Person, staff.SeeOffice, service) {
		p.Paper.To = "/console/offices/" + service.Name + "/records/" + r.ID
	}
	return err
}

func (p *incidentPage) fill(ctx context.Context, tx *db.Tx, v *visit, one incident.Case, read []incident.Note) (err error) {
	p.Case, p.Path, p.Late = one, incidentPath(one.Service, one.ID), one.Late(tx.Now())
	if !v.hears(one.Service) {
		p.Cause, p.Suspect = "", ""
	}
	names := v.names(tx, one.Service)
	for name, actor := range map[*string]string{&p.Reporter: one.Reporter, &p.Grader: one.GradedBy, &p.Closer: one.ClosedBy, &p.Doer: p.Suspect} { // of whom two may be one
		if *name, err = names.of(ctx, actor); err != nil {
			return err
		}
	}
	p.Terms.Report = int(one.ReportIn / time.Hour)
	if err := errors.Join(p.follows(ctx, tx, v, names), p.stops(ctx, tx, v.s.System.Rotate != nil), p.carries(ctx, tx)); err != nil {
		return err
	}
	p.Runs, p.Owed, p.Line = nil, nil, nil
	for _, k := range one.Clocks() {
		p.Runs = append(p.Runs, incidentClock{k, k.Late(tx.Now())})
	}
	missing := one.Missing(p.likely())
	owed := []incident.Step{incident.StepPlan, incident.StepRemedy, incident.StepReport, incident.StepNotice}
	if p.likely() == incident.Reported || one.Took(incident.StepReport) {
		owed = append(owed, incident.StepWrapped)
	}
	for _, step := range owed {
		p.Owed = append(p.Owed, incidentStep{step, !slices.Contains(missing, step)})
	}
	notes := read
	if notes == nil {
		if notes, err = incident.NotesOf(ctx, tx, one); err != nil {
			return err
		}
	}
	for _, n := range notes {
		line := incidentNote{Note: n}
		if line.Who, err = names.of(ctx, n.By); err != nil {
			return err
		}
		if read != nil {
			words, err := n.Words(v.s.Ring)
			if line.Broken = errors.Is(err, incident.ErrSealed); err != nil && !line.Broken {
				return err
			}
			line.Text = words.Reveal()
		}
		p.Line = append(p.Line, line)
	}
	return nil
}

// likely is how a case ends that isn't found to be nothing.
func (p *incidentPage) likely() incident.Outcome {
	if p.Grade.Reportable() {
		return incident.Reported
	}
	return incident.Remedied
}

// inRoom does something about the case of the address, as who the matrix lets do that: who holds
// an office by it, anybody else as the person; who it is was shown within minutes. That somebody
// of another service tries is recorded.
func (v *visit) inRoom(fn func(ctx context.Context, tx *db.Tx, by approval.Actor, service, name string) error) error {
	return v.actFreshly(func(ctx context.Context, tx *db.Tx, in signin.Session) error {
		by, err := actor(ctx, tx, in.Person, v.rule, v.r.PathValue("service"))
		if err != nil {
			return err
		}
		return fn(ctx, tx, by, v.r.PathValue("service"), v.r.PathValue("incident"))
	})
}

// changedIncident is inRoom, and shows what became of the case.
func (v *visit) changedIncident(fn func(ctx context.Context, tx *db.Tx, by approval.Actor, service, name string) error) error {
	switch err := v.inRoom(fn); {
	case err == nil:
		return v.to("/console/incidents/{service}/{incident}")
	case errs.Of(err).Is(staff.ErrMayNot):
		return err
	default:
		return v.incidentPage(err, nil)
	}
}

// inOfficeOf is changedIncident for who holds an office: nobody else grades or closes a case.
func (v *visit) inOfficeOf(fn func(ctx context.Context, tx *db.Tx, by catalog.Officer, service, name string) error) error {
	return v.changedIncident(func(ctx context.Context, tx *db.Tx, by approval.Actor, service, name string) error {
		office, is := by.(catalog.Officer)
		if !is {
			return incident.ErrMayNot
		}
		return fn(ctx, tx, office, service, name)
	})
}

// noteIncident adds what was found, done, or decided not to be.
func (s *Server) noteIncident(v *visit) error {
	return v.changedIncident(func(ctx context.Context, tx *db.Tx, by approval.Actor, service, name string) error {
		_, _, err := incident.Write(ctx, tx, s.Ring, by, service, name, incident.Step(v.value("step")), v.written())
		return err
	})
}

// gradeIncident says how grave it is; while nobody knows, it counts as serious (edge case 21).
func (s *Server) gradeIncident(v *visit) error {
	return v.inOfficeOf(func(ctx context.Context, tx *db.Tx, by catalog.Officer, service, name string) error {
		children := int64(0)
		if n := v.value("children"); n != "" {
			var err error
			if children, err = strconv.ParseInt(n, 10, 64); err != nil {
				return incident.ErrChildren.At("children")
			}
		}
		_, _, err := incident.Triage(ctx, tx, s.Ring, by, service, name, incident.Grade(v.value("grade")), children, v.written())
		return err
	})
}

// closeIncident ends a case, or says what it still lacks.
func (s *Server) closeIncident(v *visit) error {
	return v.inOfficeOf(func(ctx context.Context, tx *db.Tx, by catalog.Officer, service, name string) error {
		_, _, err := incident.Close(ctx, tx, s.Ring, by, service, name, incident.Outcome(v.value("outcome")), v.written())
		return err
	})
}
