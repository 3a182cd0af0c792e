// Package incident keeps the cases in which children's information was, or may have been,
// leaked, changed or lost (Article 21): who reported it and when, how grave it is found to be,
// and how it ended.
//
// What the office has planned for it is a document of its own (Plan), which opening a case
// starts: who does what within how many minutes, and who is called.
//
// Its one invariant: a case is never deleted, and ends only by the word of somebody in office,
// with a reason, once what the law wants was done or decided against. What may have happened
// counts as what has; where nobody knows how grave it is, it is as grave as what has to be
// reported (edge case 21), and no one person makes it less. What is written about it is sealed,
// the ledger has a mark of each text, and who reads it is on record.
package incident

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
	"wardkeep/internal/ledger"
	"wardkeep/internal/party"
)

// What can be wrong with a case.
var (
	ErrKind     = errs.New(errs.Invalid, "incident.kind_unknown")
	ErrItem     = errs.New(errs.Invalid, "incident.item_unknown") // to the charter in force
	ErrChildren = errs.New(errs.Invalid, "incident.children_invalid")
	ErrTime     = errs.New(errs.Invalid, "incident.time_invalid")
	ErrWords    = errs.New(errs.Invalid, "incident.words_invalid")
	ErrMany     = errs.New(errs.TooMany, "incident.too_many_open")
	ErrMayNot   = errs.New(errs.Forbidden, "incident.may_not")
	ErrNotFound = errs.New(errs.NotFound, "incident.not_found")
	ErrGrade    = errs.New(errs.Invalid, "incident.grade_unknown")
	ErrTooMild  = errs.New(errs.Invalid, "incident.grade_too_mild") // for that many children
	ErrSecond   = errs.New(errs.Conflict, "incident.second_person")
	ErrUngraded = errs.New(errs.Conflict, "incident.not_graded")
	ErrOutcome  = errs.New(errs.Invalid, "incident.outcome_unknown")
	ErrReported = errs.New(errs.Conflict, "incident.not_reported") // to the authority, and it has to be
	ErrMissing  = errs.New(errs.Conflict, "incident.missing")      // see Case.Missing
	ErrStep     = errs.New(errs.Invalid, "incident.step_unknown")
	ErrClosed   = errs.New(errs.Conflict, "incident.closed")
	ErrFull     = errs.New(errs.Conflict, "incident.notes_full")
	ErrSealed   = errs.New(errs.Internal, "incident.not_intact")
	ErrDrill    = errs.New(errs.Conflict, "incident.drill") // nothing real is done about what is practised
	ErrPlan     = errs.New(errs.Invalid, "incident.plan_invalid")
	ErrNoPlan   = errs.New(errs.NotFound, "incident.no_plan")
	ErrTicked   = errs.New(errs.Conflict, "incident.ticked") // by another, a moment ago
)

// The terms. The law says immediately; each of these is one that a serious operator keeps, and
// those about the authority are of the incident reporting measures of 2025-11-01. None stands
// still at night, at weekends or on holidays. Days are calendar days: China has kept one time
// since 1991 (age.Zone), so thirty of them end at the hour at which they began.
const (
	TriageWithin = time.Hour           // from the report, until somebody says how grave it is
	ReportWithin = 4 * time.Hour       // from the report, until the authority is told of what is grave
	ReportAtOnce = time.Hour           // the same, of an operator of critical information infrastructure
	NoticeWithin = 24 * time.Hour      // from the report, until children and guardians are
	WrapWithin   = 30 * 24 * time.Hour // from the first grade, until all is done, and the authority told how it ended
)

// Larger is how many persons make a case one that has to be reported, whatever else is known
// of it (incident reporting measures: 较大).
const Larger = 1_000_000

const (
	// maxOpen bounds the open ones of one party: each wakes somebody.
	maxOpen     = 100
	maxNotes    = 1_000
	maxTheirs   = 200   // up to which a party adds some
	maxWords    = 4_000 // characters
	maxItems    = 200
	maxChildren = 2_000_000_000
	sealDomain  = "incident.words"
)

// A Kind is what has happened to the information.
type Kind string

// The kinds.
const (
	Leaked  Kind = "leaked"  // somebody has seen it who mustn't
	Altered Kind = "altered" // it isn't what it was
	Lost    Kind = "lost"    // it is gone, or can't be come to
	Misused Kind = "misused" // it was used for what nobody has agreed to
)

// Kinds lists them.
var Kinds = []Kind{Leaked, Altered, Lost, Misused}

// A Source is who reports.
type Source string

// The sources.
const (
	Staff Source = "staff"
	Party Source = "party" // a processor or a recipient (Article 16(3))
	App   Source = "app"   // a system of the operator's, by its key
	Alarm Source = "alarm" // what Wardkeep has found by itself
)

// Sources lists them.
var Sources = []Source{Staff, Party, App, Alarm}

// A Grade is how grave a case is; empty until somebody has looked.
type Grade string

// The grades.
const (
	Minor   Grade = "minor"
	Unclear Grade = "unclear" // treated as serious (edge case 21)
	Serious Grade = "serious" // Article 21: it is reported, and children and guardians are told
)

// Grades lists them.
var Grades = []Grade{Minor, Unclear, Serious}

// Reportable reports whether the authority is told: of what isn't known to be minor, it is.
func (g Grade) Reportable() bool { return g != Minor }

// An Outcome is how a case ended; empty while it is open.
type Outcome string

// The outcomes.
const (
	Unfounded Outcome = "unfounded" // nothing of a child's was concerned
	Remedied  Outcome = "remedied"  // what was minor is put right
	Reported  Outcome = "reported"  // the authority was told, and all is done
)

// Outcomes lists them.
var Outcomes = []Outcome{Unfounded, Remedied, Reported}

// A Step is what was done about a case, or decided not to be, as whoever writes it down says.
// A text that is none of them has no step.
type Step string

// The steps that Article 21 wants.
const (
	StepPlan    Step = "plan"    // the emergency plan was started
	StepRemedy  Step = "remedy"  // what stops it and puts it right
	StepNotice  Step = "notice"  // children and guardians were told
	StepWarning Step = "warning" // the public was warned, where they can hardly be told
	StepUntold  Step = "untold"  // they aren't, for a reason (edge case 21)
)

// Steps lists them.
var Steps = []Step{StepPlan, StepRemedy, StepNotice, StepWarning, StepUntold}

// The steps about the authority. Nobody writes them down by hand: see Tell.
const (
	StepReport     Step = "report"     // the authority was told
	StepWrapped    Step = "wrapped"    // and how it ended
	StepUnreported Step = "unreported" // it isn't, for a reason: of what is minor alone
)

// Telling lists them.
var Telling = []Step{StepReport, StepWrapped, StepUnreported}

// The steps that are taken by a verb of their own, each with its text.
const (
	StepOpened Step = "opened"
	StepGraded Step = "graded"
	StepClosed Step = "closed"
)

// Decides reports whether it decides against something, and doesn't say that it was done: that
// is for who holds an office.
func (s Step) Decides() bool { return s == StepUnreported || s == StepUntold }

// A State is where a case stands.
type State string

// The states.
const (
	Opened  State = "opened"
	Triaged State = "triaged"
	Closed  State = "closed"
)

// A Case is one event.
type Case struct {
	ID        string // "in_…"
	Service   string
	Source    Source
	Party     party.ID // who has reported it, of a party; its Service is the case's
	Reporter  string   // as the ledger names actors
	Kind      Kind
	Suspected bool     // that it may have happened is all that is known
	Items     []string // as the charter calls them; none: nobody knows which
	Children  int64    // roughly; 0: nobody knows how many
	BeganAt   time.Time
	NoticedAt time.Time
	OpenedAt  time.Time
	Grade     Grade
	GradedBy  string    // as the ledger names actors
	TriagedAt time.Time // when somebody first said how grave it is
	DueAt     time.Time // the next step
	Outcome   Outcome
	ClosedBy  string
	ClosedAt  time.Time // zero while it is open
	Notes     int64     // how many texts there are
	Steps     []Step    // that were written down, each once, in their order
	Cause     Cause     // of the alarm that has opened it, or empty
	Suspect   string    // whose doing has raised that, as the ledger names actors, or empty
	Drill     bool      // it is practised: nothing has happened, and nobody outside is told
	Plan      int64     // the emergency plan that was started with it; 0: there was none
	ReportIn  time.Duration
}

// Open reports whether something is left to do.
func (c Case) Open() bool { return c.ClosedAt.IsZero() }

// Late reports whether the next step wasn't taken in its time.
func (c Case) Late(now time.Time) bool { return c.Open() && !now.Before(c.DueAt) }

// State is where the case stands.
func (c Case) State() State {
	switch {
	case !c.Open():
		return Closed
	case c.Grade != "":
		return Triaged
	}
	return Opened
}

// Number is what people call it: "7K2M-9QXT".
func (c Case) Number() string { return id.NumberOf(c.ID) }

// Took reports whether one of the steps was written down.
func (c Case) Took(any ...Step) bool {
	return slices.ContainsFunc(any, func(s Step) bool { return slices.Contains(c.Steps, s) })
}

// A Clock is until when something is done about a case.
type Clock struct {
	What string // triage, report, notice, wrap
	At   time.Time
	Done bool
}

// Late reports whether it wasn't done in its time.
func (k Clock) Late(now time.Time) bool { return !k.Done && !now.Before(k.At) }

// Clocks lists the clocks of a case, in the order of its steps: those that run, and those that
// were kept or missed. Each begins at a moment that is on record, and so runs on over whatever
// stops this process. What is minor owes the first and the last alone; what nobody has graded yet
// isn't known to be (edge case 21).
func (c Case) Clocks() []Clock {
	all := []Clock{{"triage", c.OpenedAt.Add(TriageWithin), c.Grade != ""}}
	if c.Grade.Reportable() {
		all = append(all, Clock{"report", c.OpenedAt.Add(c.ReportIn), c.Took(StepReport)}, Clock{"notice", c.OpenedAt.Add(NoticeWithin), c.Took(StepNotice, StepWarning, StepUntold)})
	}
	if c.Grade != "" {
		all = append(all, Clock{"wrap", c.TriagedAt.Add(WrapWithin), !c.Open()})
	}
	return all
}

// due is the first end of the clocks that run; of a case that is closed, of the last that ran.
func (c Case) due() (at time.Time) {
	for _, k := range c.Clocks() {
		if !k.Done && (at.IsZero() || k.At.Before(at)) {
			at = k.At
		}
	}
	if at.IsZero() {
		return c.DueAt
	}
	return at
}

// Missing lists what a case still lacks before it can end like that (Article 21): each by the
// step that is to be taken, where there are several by the first of them. Where nothing of a
// child's was concerned, nothing is owed; but whoever was told of it is told that, too.
func (c Case) Missing(as Outcome) (all []Step) {
	var owed [][]Step
	if as != Unfounded {
		told := []Step{StepReport, StepUnreported}
		if as == Reported || c.Grade.Reportable() {
			told = []Step{StepReport}
		}
		owed = [][]Step{{StepPlan}, {StepRemedy}, told, {StepNotice, StepWarning, StepUntold}}
	}
	if as == Reported || c.Took(StepReport) {
		owed = append(owed, []Step{StepWrapped})
	}
	for _, any := range owed {
		if !c.Took(any...) {
			all = append(all, any[0])
		}
	}
	return all
}

// Quiet reports whether one person's word that nothing had happened would end it unknown to anybody
// else: of what is minor the authority was told all the same, or two have decided that it isn't (edge
// case 21). Of what is practised nobody is to be told.
func (c Case) Quiet() bool {
	return c.Grade.Reportable() || !c.Drill && !c.Took(StepReport, StepUnreported)
}

const columns = `id, service, source, role, party, reporter, kind, suspected, items, children, began_at, noticed_at, opened_at,
	grade, graded_by, triaged_at, due_at, outcome, closed_by, closed_at, notes, steps, cause, suspect, drill, plan, report_in`

func scan(row db.Row) (c Case, err error) {
	var items, steps string
	var minutes int64
	err = row.Scan(&c.ID, &c.Service, &c.Source, &c.Party.Role, &c.Party.Name, &c.Reporter, &c.Kind, &c.Suspected, &items, &c.Children,
		(*db.Time)(&c.BeganAt), (*db.Time)(&c.NoticedAt), (*db.Time)(&c.OpenedAt), &c.Grade, &c.GradedBy, (*db.Time)(&c.TriagedAt),
		(*db.Time)(&c.DueAt), &c.Outcome, &c.ClosedBy, (*db.Time)(&c.ClosedAt), &c.Notes, &steps, &c.Cause, &c.Suspect, &c.Drill, &c.Plan, &minutes)
	c.ReportIn = time.Duration(minutes) * time.Minute
	c.Items = strings.Fields(items)
	for _, step := range strings.Fields(steps) {
		c.Steps = append(c.Steps, Step(step))
	}
	if c.Party.Name != "" {
		c.Party.Service = c.Service
	}
	return c, err
}

// Written is how a row has the steps: separated by spaces.
func (c Case) Written() string {
	all := make([]string, len(c.Steps))
	for i, step := range c.Steps {
		all[i] = string(step)
	}
	return strings.Join(all, " ")
}

var queue = db.Queue[Case]{
	Table: "incident", Columns: columns, Prefix: id.Incident, Scan: scan, None: ErrNotFound,
	At: func(c Case) db.Cursor { return db.Cursor{At: c.DueAt, ID: c.ID} },
}

// A Note is a text about a case: with its report, with a grade, at its end, or in between.
// The ledger has a mark of it.
type Note struct {
	Case   string
	Number int64 // from 0 on: the report's
	At     time.Time
	By     string // as the ledger names actors
	Step   Step   // or empty
	Target string // of what was contained: see Contain

	sealed, salt []byte
}

const noteColumns = `incident, number, written_at, written_by, step, target, sealed, salt`

func scanNote(row db.Row) (n Note, err error) {
	err = row.Scan(&n.Case, &n.Number, (*db.Time)(&n.At), &n.By, &n.Step, &n.Target, &n.sealed, &n.salt)
	return n, err
}

// Words returns what was written. Errors: ErrSealed.
func (n Note) Words(ring *keyring.Ring) (pii.Text, error) {
	plain, err := ring.Open(sealDomain, n.sealed, n.Case, number(n.Number))
	if errors.Is(err, keyring.ErrOpen) {
		err = ErrSealed
	}
	return pii.New(string(plain)), err
}

// Mark is what the ledger has of the text. Errors: ErrSealed.
func (n Note) Mark(ring *keyring.Ring) (string, error) {
	words, err := n.Words(ring)
	if err != nil {
		return "", err
	}
	return mark(n.salt, n, words), nil
}

func mark(salt []byte, n Note, words pii.Text) string {
	return ledger.Mark(salt, n.Case, number(n.Number), words.Reveal())
}

// Find returns a case of the service. Errors: ErrNotFound.
func Find(ctx context.Context, tx *db.Tx, service, name string) (Case, error) {
	return queue.Find(ctx, tx, service, name)
}

// FindIn returns a case of one of the services. Errors: ErrNotFound.
func FindIn(ctx context.Context, tx *db.Tx, services []string, name string) (Case, error) {
	return queue.FindIn(ctx, tx, services, name)
}

// NumberedIn returns those of the services that people call by that number: hardly ever more
// than one.
func NumberedIn(ctx context.Context, tx *db.Tx, services []string, number string) ([]Case, error) {
	return queue.NumberedIn(ctx, tx, services, number)
}

// FindOf returns a case that the party has reported. Errors: ErrNotFound.
func FindOf(ctx context.Context, tx *db.Tx, by party.Client, name string) (Case, error) {
	c, err := Find(ctx, tx, by.Key.Party.Service, name)
	if err == nil && c.Party != by.Key.Party {
		return Case{}, ErrNotFound
	}
	return c, err
}

// OpenOf returns the open cases that the party has reported, those that are due first. There
// are few.
func OpenOf(ctx context.Context, tx *db.Tx, by party.Client) ([]Case, error) {
	of := by.Key.Party
	return db.All(ctx, tx, scan, `
		SELECT `+columns+` FROM incident WHERE service = $1 AND role = $2 AND party = $3 AND closed_at IS NULL
		ORDER BY due_at, id LIMIT $4`, of.Service, of.Role, of.Name, int64(maxOpen))
}

// NotesOf returns what was written about a case, in its order.
func NotesOf(ctx context.Context, tx *db.Tx, c Case) ([]Note, error) {
	return db.All(ctx, tx, scanNote, `SELECT `+noteColumns+` FROM incident_note WHERE incident = $1 ORDER BY number`, c.ID)
}

// Waiting returns the open cases of a service, those that are due first, and at most limit.
func Waiting(ctx context.Context, tx *db.Tx, service string, limit int) ([]Case, error) {
	return queue.Open(ctx, tx, service, limit)
}

// ParseCursor reads where a list goes on, as an address has it.
func ParseCursor(s string) db.Cursor { return db.ParseCursor(id.Incident, s) }

// A Wanted says which cases of a list somebody wants to see. The zero Wanted is all that are
// open.
type Wanted struct {
	Closed bool // instead of those that are open
	Source Source
	Kind   Kind
	Grade  Grade // or Ungraded
}

// Ungraded is the grade of what nobody has graded yet, for a filter.
const Ungraded Grade = "ungraded"

func (w Wanted) fits() func(Case) bool {
	if w.Source == "" && w.Kind == "" && w.Grade == "" {
		return nil
	}
	return func(c Case) bool {
		return (w.Source == "" || w.Source == c.Source) && (w.Kind == "" || w.Kind == c.Kind) &&
			(w.Grade == "" || w.Grade == c.Grade || w.Grade == Ungraded && c.Grade == "")
	}
}

// List returns the cases of services that are wanted, at most limit: of the open ones those
// that are due first, of the closed ones those that were due last; and where the list goes on:
// nowhere, after the last.
func List(ctx context.Context, tx *db.Tx, services []string, want Wanted, from db.Cursor, limit int) (page []Case, next db.Cursor, err error) {
	return queue.List(ctx, tx, services, want.Closed, want.fits(), from, limit)
}

// All calls each with every case, by its name. Each must not use tx.
func All(ctx context.Context, tx *db.Tx, each func(Case) error) error {
	return queue.Each(ctx, tx, each)
}

// AllNotes calls each with every text, by its case and number. Each must not use tx.
func AllNotes(ctx context.Context, tx *db.Tx, each func(Note) error) error {
	return db.Each(ctx, tx, func(row db.Row) error {
		n, err := scanNote(row)
		if err != nil {
			return err
		}
		return each(n)
	}, `SELECT `+noteColumns+` FROM incident_note ORDER BY incident, number`)
}

// Count returns how many cases of a service are open, and how many of them past the time of
// their next step; of all services, where it is empty. 1000 at most of each. What is practised
// counts as nothing that has happened.
func Count(ctx context.Context, tx *db.Tx, service string) (open, late int64, err error) {
	now := tx.Now()
	open, err = db.One(ctx, tx, db.Single[int64], `
		SELECT count(*) FROM (SELECT id FROM incident WHERE ($1 = '' OR service = $1) AND closed_at IS NULL AND NOT drill LIMIT 1000) AS open`, service)
	if err != nil {
		return 0, 0, err
	}
	late, err = db.One(ctx, tx, db.Single[int64], `
		SELECT count(*) FROM (SELECT id FROM incident WHERE due_at <= $1 AND ($2 = '' OR service = $2) AND closed_at IS NULL AND NOT drill LIMIT 1000) AS late`,
		(*db.Time)(&now), service)
	return open, late, err
}

// A Desk takes reports of cases.
type Desk struct {
	Ring     *keyring.Ring
	Charters *catalog.Cache
}
