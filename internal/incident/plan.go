package incident

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/catalog"
	"wardkeep/internal/family/age"
	"wardkeep/internal/ledger"
	"wardkeep/internal/staff"
)

// A Plan is an emergency plan of a service (Article 21): opening a case starts the last that the
// office has adopted. What it says, and whom it names, is sealed; the ledger has a mark of it,
// and what the clocks of a case are computed from.
type Plan struct {
	Service   string
	Number    int64   // from 1 on
	Critical  bool    // the operator's is critical information infrastructure
	Minutes   []int64 // from the opening of a case, within which each step is done
	AdoptedAt time.Time
	AdoptedBy string // as the ledger names actors

	sealed, salt []byte
}

// A Sheet is what a plan says.
type Sheet struct {
	Critical bool      `json:"critical,omitempty"`
	Steps    []Task    `json:"steps"`
	Contacts []Contact `json:"contacts"`
}

// A Task is a step of a plan.
type Task struct {
	Minutes int64  `json:"minutes"`
	Who     string `json:"who"`
	What    string `json:"what"`
}

// A Contact is somebody who is called.
type Contact struct {
	Who string `json:"who"`
	How string `json:"how"`
}

// A PlannedBody is what the ledger keeps of a plan.
type PlannedBody struct {
	Plan     int64   `json:"plan"`
	Critical bool    `json:"critical,omitempty"`
	Minutes  []int64 `json:"minutes"`
	Mark     string  `json:"mark"`
	Second   *Second `json:"second,omitempty"` // of whom a longer clock is the word
}

const (
	maxTasks    = 50
	maxContacts = 50
	maxLine     = 200 // characters
	maxMinutes  = 30 * 24 * 60
	planDomain  = "incident.plan"
)

// ReportIn is within how long from its report the authority is told of what is grave: an operator
// of critical information infrastructure has one hour (incident reporting measures of 2025-11-01).
func (p Plan) ReportIn() time.Duration {
	if p.Critical {
		return ReportAtOnce
	}
	return ReportWithin
}

// Until is when a plan counts no more: as long after the day of its adoption as a document does
// after its own.
func (p Plan) Until() time.Time {
	return catalog.Record{Day: p.AdoptedAt.In(age.Zone).Format(time.DateOnly)}.Until()
}

// PlannedUntil returns until when a service has a plan that counts, of those with steps and of the
// documents of the office; the zero time where there is none.
func PlannedUntil(ctx context.Context, tx *db.Tx, service string) (until time.Time, err error) {
	p, err := InForce(ctx, tx, service)
	switch {
	case err == nil:
		until = p.Until()
	case !errors.Is(err, ErrNoPlan):
		return time.Time{}, err
	}
	r, err := catalog.LastPlan(ctx, tx, service, catalog.EmergencyPlan)
	switch {
	case errors.Is(err, catalog.ErrRecordNotFound):
		err = nil
	case err == nil && r.Until().After(until):
		until = r.Until()
	}
	return until, err
}

// SheetOf reads a plan from a form: critical; steps, a line each, "15 | who | what", the minutes
// first; and contacts, "who | how". Errors: ErrPlan.
func SheetOf(form url.Values) (s Sheet, err error) {
	s.Critical = form.Get("critical") != ""
	for _, fields := range rows(form.Get("steps")) {
		minutes, err := strconv.ParseInt(fields[0], 10, 64)
		if err != nil || len(fields) != 3 {
			return s, ErrPlan.At("steps")
		}
		s.Steps = append(s.Steps, Task{minutes, fields[1], fields[2]})
	}
	for _, fields := range rows(form.Get("contacts")) {
		if len(fields) != 2 {
			return s, ErrPlan.At("contacts")
		}
		s.Contacts = append(s.Contacts, Contact{fields[0], fields[1]})
	}
	return s, s.check()
}

// rows splits what somebody has typed into lines, and each at its bars.
func rows(text string) (all [][]string) {
	for line := range strings.SplitSeq(lines.Replace(text), "\n") {
		if strings.TrimSpace(line) == "" {
			continue
		}
		fields := strings.Split(strings.ReplaceAll(line, "｜", "|"), "|")
		for i := range fields {
			fields[i] = strings.TrimSpace(fields[i])
		}
		all = append(all, fields)
	}
	return all
}

// Typed is a plan's steps and contacts as SheetOf reads them.
func (s Sheet) Typed() (steps, contacts string) {
	for _, t := range s.Steps {
		steps += strconv.FormatInt(t.Minutes, 10) + " | " + t.Who + " | " + t.What + "\n"
	}
	for _, c := range s.Contacts {
		contacts += c.Who + " | " + c.How + "\n"
	}
	return steps, contacts
}

func (s Sheet) check() error {
	if len(s.Steps) == 0 || len(s.Steps) > maxTasks || slices.ContainsFunc(s.Steps, func(t Task) bool {
		return t.Minutes < 1 || t.Minutes > maxMinutes || !isLine(t.Who) || !isLine(t.What)
	}) {
		return ErrPlan.At("steps")
	}
	if len(s.Contacts) == 0 || len(s.Contacts) > maxContacts || slices.ContainsFunc(s.Contacts, func(c Contact) bool { return !isLine(c.Who) || !isLine(c.How) }) {
		return ErrPlan.At("contacts")
	}
	return nil
}

func isLine(s string) bool {
	return utf8.ValidString(s) && strings.TrimSpace(s) != "" && utf8.RuneCountInString(s) <= maxLine && !strings.ContainsFunc(s, unicode.IsControl)
}

const planColumns = `service, number, critical, minutes, adopted_at, adopted_by, sealed, salt`

func scanPlan(row db.Row) (p Plan, err error) {
	var minutes string
	err = row.Scan(&p.Service, &p.Number, &p.Critical, &minutes, (*db.Time)(&p.AdoptedAt), &p.AdoptedBy, &p.sealed, &p.salt)
	for _, field := range strings.Fields(minutes) {
		n, _ := strconv.ParseInt(field, 10, 64) // what isn't one was changed by hand: the audit finds it
		p.Minutes = append(p.Minutes, n)
	}
	return p, err
}

// Written is how a row has the minutes: separated by spaces.
func (p Plan) Written() string {
	all := make([]string, len(p.Minutes))
	for i, n := range p.Minutes {
		all[i] = number(n)
	}
	return strings.Join(all, " ")
}

// Adopt puts a plan in force, in the place of the one before, by who holds an office: cases that
// are opened after it follow it. That the authority has to be told later than before no one
// person says. Errors: ErrMayNot, ErrPlan, ErrSecond, catalog.ErrNotFound.
func Adopt(ctx context.Context, tx *db.Tx, ring *keyring.Ring, by catalog.Officer, service string, s Sheet) (Plan, string, error) {
	if !by.Governs(service) {
		return Plan{}, "", ErrMayNot
	}
	if err := s.check(); err != nil {
		return Plan{}, "", err
	}
	if _, err := catalog.Hold(ctx, tx, service); err != nil {
		return Plan{}, "", err
	}
	before, err := InForce(ctx, tx, service)
	if err != nil && !errors.Is(err, ErrNoPlan) {
		return Plan{}, "", err
	}
	p := Plan{Service: service, Number: before.Number + 1, Critical: s.Critical, AdoptedAt: tx.Now(), AdoptedBy: by.Ledger(), salt: ledger.NewSalt()}
	var second *Second
	if before.Critical && !p.Critical {
		if second, err = another(ctx, tx, by, before.AdoptedBy); err != nil {
			return Plan{}, "", err
		}
	}
	for _, t := range s.Steps {
		p.Minutes = append(p.Minutes, t.Minutes)
	}
	text, err := json.Marshal(s)
	if err != nil {
		return Plan{}, "", err
	}
	if p.sealed, err = ring.Seal(planDomain, text, service, number(p.Number)); err != nil {
		return Plan{}, "", err
	}
	_, err = tx.Exec(ctx, `INSERT INTO incident_plan (`+planColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		p.Service, p.Number, p.Critical, p.Written(), (*db.Time)(&p.AdoptedAt), p.AdoptedBy, p.sealed, p.salt)
	if err != nil {
		return Plan{}, "", err
	}
	entry, err := ledger.Append(ctx, tx, ledger.Entry{Kind: KindPlanned, Service: service, Actor: by.Ledger(),
		Body: PlannedBody{p.Number, p.Critical, p.Minutes, ledger.Mark(p.salt, service, number(p.Number), string(text)), second}})
	return p, entry, err
}

// InForce returns the plan of a service by which a case that is opened now is dealt with. Errors:
// ErrNoPlan.
func InForce(ctx context.Context, tx *db.Tx, service string) (Plan, error) {
	return onePlan(db.One(ctx, tx, scanPlan, `SELECT `+planColumns+` FROM incident_plan WHERE service = $1 ORDER BY number DESC LIMIT 1`, service))
}

// PlanOf returns the plan that was started with a case. Errors: ErrNoPlan.
func PlanOf(ctx context.Context, tx *db.Tx, c Case) (Plan, error) {
	return onePlan(db.One(ctx, tx, scanPlan, `SELECT `+planColumns+` FROM incident_plan WHERE service = $1 AND number = $2`, c.Service, c.Plan))
}

func onePlan(p Plan, err error) (Plan, error) {
	if errors.Is(err, db.ErrNone) {
		err = ErrNoPlan
	}
	return p, err
}

// Sheet returns what the plan says. Errors: ErrSealed.
func (p Plan) Sheet(ring *keyring.Ring) (s Sheet, err error) {
	text, err := p.text(ring)
	if err == nil && (json.Unmarshal(text, &s) != nil || s.check() != nil || len(s.Steps) != len(p.Minutes)) {
		err = ErrSealed
	}
	return s, err
}

func (p Plan) text(ring *keyring.Ring) ([]byte, error) {
	text, err := ring.Open(planDomain, p.sealed, p.Service, number(p.Number))
	if errors.Is(err, keyring.ErrOpen) {
		err = ErrSealed
	}
	return text, err
}

// Mark is what the ledger has of the plan. Errors: ErrSealed.
func (p Plan) Mark(ring *keyring.Ring) (string, error) {
	text, err := p.text(ring)
	if err != nil {
		return "", err
	}
	return ledger.Mark(p.salt, p.Service, number(p.Number), string(text)), nil
}

// AllPlans calls each with every plan. Each must not use tx.
func AllPlans(ctx context.Context, tx *db.Tx, each func(Plan) error) error {
	return db.Each(ctx, tx, func(row db.Row) error {
		p, err := scanPlan(row)
		if err != nil {
			return err
		}
		return each(p)
	}, `SELECT `+planColumns+` FROM incident_plan ORDER BY service, number`)
}

// A Tick says who has done a step of the plan, and when.
type Tick struct {
	Case string
	Step int64 // from 0 on
	At   time.Time
	By   string // as the ledger names actors
}

// A TickedBody says that a step of the plan is done.
type TickedBody struct {
	Case    string `json:"case"`
	Step    int64  `json:"step"`
	Drill   bool   `json:"drill,omitempty"`
	Suspect string `json:"suspect,omitempty"`
	approval.Inside
}

const tickColumns = `incident, step, ticked_at, ticked_by`

func scanTick(row db.Row) (t Tick, err error) {
	err = row.Scan(&t.Case, &t.Step, (*db.Time)(&t.At), &t.By)
	return t, err
}

// Done says that a step of the plan by which an open case is dealt with is done, once, as who
// holds an office or as a person inside whom the matrix lets (staff.WriteIncidents). Errors:
// ErrMayNot, ErrNotFound, ErrStep, ErrClosed, ErrTicked.
func Done(ctx context.Context, tx *db.Tx, by approval.Actor, service, name string, step int64) (Case, string, error) {
	inside, err := insideOf(ctx, tx, by, staff.WriteIncidents, service)
	if err != nil {
		return Case{}, "", err
	}
	// It is held, so that nobody closes it meanwhile.
	c, err := Hold(ctx, tx, service, name)
	switch {
	case err != nil:
		return c, "", err
	case !c.Open():
		return c, "", ErrClosed
	}
	plan, err := PlanOf(ctx, tx, c)
	if err != nil {
		return c, "", err
	}
	if step < 0 || step >= int64(len(plan.Minutes)) {
		return c, "", ErrStep.At("step")
	}
	now := tx.Now()
	n, err := tx.Exec(ctx, `INSERT INTO incident_tick (`+tickColumns+`) VALUES ($1, $2, $3, $4) ON CONFLICT (incident, step) DO NOTHING`,
		c.ID, step, (*db.Time)(&now), by.Ledger())
	if err == nil && n != 1 {
		err = ErrTicked
	}
	if err != nil {
		return c, "", err
	}
	entry, err := c.note(ctx, tx, KindTicked, by.Ledger(), TickedBody{c.ID, step, c.Drill, c.Suspect, inside})
	return c, entry, err
}

// Ticks returns which steps of the plan are done about a case, in their order.
func Ticks(ctx context.Context, tx *db.Tx, c Case) ([]Tick, error) {
	return db.All(ctx, tx, scanTick, `SELECT `+tickColumns+` FROM incident_tick WHERE incident = $1 ORDER BY step`, c.ID)
}

// AllTicks calls each with every one. Each must not use tx.
func AllTicks(ctx context.Context, tx *db.Tx, each func(Tick) error) error {
	return db.Each(ctx, tx, func(row db.Row) error {
		t, err := scanTick(row)
		if err != nil {
			return err
		}
		return each(t)
	}, `SELECT `+tickColumns+` FROM incident_tick ORDER BY incident, step`)
}
