package incident

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
	"wardkeep/internal/ledger"
	"wardkeep/internal/party"
	"wardkeep/internal/staff"
)

// The kinds of entries about cases. They are about an event and no child, and no decision of
// the gate is computed from them: their version is 0.
const (
	KindOpened = "incident.opened"
	KindNoted  = "incident.noted"
	KindGraded = "incident.graded"
	KindClosed = "incident.closed"
	KindRead   = "incident.read"
)

// The kinds about what contains a case, and about the plan for it.
const (
	KindContained = "incident.contained"
	KindPlanned   = "incident.planned"
	KindTicked    = "incident.ticked"
)

// An OpenedBody is what the ledger keeps of a report. Times are microseconds.
type OpenedBody struct {
	Case      string     `json:"case"`
	Source    Source     `json:"source"`
	Role      party.Role `json:"role,omitempty"`
	Party     string     `json:"party,omitempty"`
	Kind      Kind       `json:"kind"`
	Suspected bool       `json:"suspected,omitempty"`
	Items     []string   `json:"items,omitempty"`
	Children  int64      `json:"children,omitempty"`
	Began     int64      `json:"began,omitempty"`
	Noticed   int64      `json:"noticed"`
	Due       int64      `json:"due"`
	Mark      string     `json:"mark"` // of what was written: see Note.Mark
	Cause     Cause      `json:"cause,omitempty"`
	Suspect   string     `json:"suspect,omitempty"`
	Alarm     string     `json:"alarm,omitempty"` // the entry of it
	Drill     bool       `json:"drill,omitempty"`
	Plan      int64      `json:"plan,omitempty"`
	ReportIn  int64      `json:"report_in"` // minutes
	approval.Inside
}

// A NotedBody says that something was written, and of a step which, and until when what
// follows is done.
type NotedBody struct {
	Case    string `json:"case"`
	Note    int64  `json:"note"`
	Mark    string `json:"mark"`
	Step    Step   `json:"step,omitempty"`
	Due     int64  `json:"due,omitempty"`
	Drill   bool   `json:"drill,omitempty"`
	Suspect string `json:"suspect,omitempty"` // as OpenedBody's: who is one isn't told of any step
	approval.Inside
}

// A ReadBody says that somebody has read the texts of a case, and how many there were.
type ReadBody struct {
	Case    string `json:"case"`
	Notes   int64  `json:"notes"`
	Drill   bool   `json:"drill,omitempty"`
	Suspect string `json:"suspect,omitempty"`
	approval.Inside
}

// A GradedBody says how grave it is, of roughly how many children, and until when what follows
// is done.
type GradedBody struct {
	Case     string  `json:"case"`
	Note     int64   `json:"note"`
	Mark     string  `json:"mark"`
	Grade    Grade   `json:"grade"`
	Children int64   `json:"children,omitempty"`
	Due      int64   `json:"due"`
	Drill    bool    `json:"drill,omitempty"`
	Suspect  string  `json:"suspect,omitempty"`
	Second   *Second `json:"second,omitempty"`
}

// A ClosedBody says how it ended.
type ClosedBody struct {
	Case    string  `json:"case"`
	Note    int64   `json:"note"`
	Mark    string  `json:"mark"`
	Outcome Outcome `json:"outcome"`
	Drill   bool    `json:"drill,omitempty"`
	Suspect string  `json:"suspect,omitempty"`
	Second  *Second `json:"second,omitempty"`
}

// A Report is what is known of an event when it is reported.
type Report struct {
	Kind      Kind
	Suspected bool
	Items     []string  // as the charter in force calls them
	Children  int64     // roughly; 0: nobody knows
	BeganAt   time.Time // zero: nobody knows
	NoticedAt time.Time
	Words     pii.Text // what happened, and what was done
	Drill     bool     // it is practised: for the staff alone
}

// Open opens a case as who holds an office, or as a person inside whom the matrix lets
// (staff.OpenIncidents). Errors: ErrMayNot, and those of the report.
func (d Desk) Open(ctx context.Context, tx *db.Tx, by approval.Actor, service string, r Report) (Case, string, error) {
	if _, err := catalog.Find(ctx, tx, service); err != nil {
		return Case{}, "", err
	}
	inside, err := insideOf(ctx, tx, by, staff.OpenIncidents, service)
	if err != nil {
		return Case{}, "", err
	}
	return d.open(ctx, tx, Case{Service: service, Source: Staff, Reporter: by.Ledger(), Drill: r.Drill}, r, OpenedBody{Inside: inside})
}

// insideOf returns what the act of somebody of the staff rests on. Errors: ErrMayNot.
func insideOf(ctx context.Context, tx *db.Tx, by approval.Actor, a staff.Action, service string) (approval.Inside, error) {
	if who, is := by.(staff.Acting); !by.Governs(service) || is && who.Action != a {
		return approval.Inside{}, ErrMayNot
	}
	inside, err := approval.InsideOf(ctx, tx, by, a, service)
	if errors.Is(err, approval.ErrMayNot) {
		err = ErrMayNot
	}
	return inside, err
}

// Leak opens a case as a party reports it (Article 16(3)), whether it stands still or not: what
// it owes it owes the more when it is suspended or has ended. Errors: ErrMany, those of
// party.Client.Deaf and of the report.
func (d Desk) Leak(ctx context.Context, tx *db.Tx, by party.Client, r Report) (Case, string, error) {
	if err := by.Deaf(tx.Now()); err != nil {
		return Case{}, "", err
	}
	of := by.Key.Party
	if err := party.Hold(ctx, tx, of); err != nil { // so that of many at once none is one too many
		return Case{}, "", err
	}
	open, err := db.One(ctx, tx, db.Single[int64], `
		SELECT count(*) FROM (
			SELECT id FROM incident WHERE service = $1 AND role = $2 AND party = $3 AND closed_at IS NULL LIMIT $4
		) AS open`, of.Service, of.Role, of.Name, int64(maxOpen))
	switch {
	case err != nil:
		return Case{}, "", err
	case open >= maxOpen:
		return Case{}, "", ErrMany
	}
	return d.open(ctx, tx, Case{Service: of.Service, Source: Party, Party: of, Reporter: by.Ledger()}, r, OpenedBody{})
}

// sameWithin is how long a report that says the same again is the same.
const sameWithin = 10 * time.Minute

// Same returns the open case that the party has reported a moment ago in the same words, by the
// same key or seat: who presses twice, or loads a page anew, has one case, and the office one
// alarm. What was noticed at no moment that is told is compared by all else. It holds the party
// to the end of the transaction, so that of two that are sent at once, to two nodes, the second
// finds the first. Errors: ErrNotFound.
func Same(ctx context.Context, tx *db.Tx, ring *keyring.Ring, by party.Client, r Report) (Case, error) {
	if err := party.Hold(ctx, tx, by.Key.Party); err != nil {
		return Case{}, err
	}
	open, err := OpenOf(ctx, tx, by)
	if err != nil {
		return Case{}, err
	}
	return twin(ctx, tx, ring, open, by.Ledger(), r)
}

// SameOf is Same for somebody of the staff. It holds the service. Errors: ErrNotFound.
func SameOf(ctx context.Context, tx *db.Tx, ring *keyring.Ring, by approval.Actor, service string, r Report) (Case, error) {
	if _, err := catalog.Hold(ctx, tx, service); err != nil {
		return Case{}, err
	}
	open, err := db.All(ctx, tx, scan, `
		SELECT `+columns+` FROM incident WHERE service = $1 AND reporter = $2 AND opened_at > $3 AND closed_at IS NULL
		ORDER BY due_at, id LIMIT $4`, service, by.Ledger(), micros(tx.Now().Add(-sameWithin)), int64(maxOpen))
	if err != nil {
		return Case{}, err
	}
	return twin(ctx, tx, ring, open, by.Ledger(), r)
}

// twin returns the one of these cases that the reporter has opened a moment ago by the same
// report.
func twin(ctx context.Context, tx *db.Tx, ring *keyring.Ring, open []Case, reporter string, r Report) (Case, error) {
	items := slices.Compact(slices.Sorted(slices.Values(r.Items)))
	for _, c := range open {
		if c.Reporter != reporter || tx.Now().Sub(c.OpenedAt) >= sameWithin || c.Kind != r.Kind || c.Suspected != r.Suspected || c.Drill != r.Drill || c.Children != r.Children ||
			!slices.Equal(c.Items, items) || !c.BeganAt.Equal(r.BeganAt) || !r.NoticedAt.IsZero() && !c.NoticedAt.Equal(r.NoticedAt) {
			continue
		}
		notes, err := NotesOf(ctx, tx, c)
		if err != nil {
			return Case{}, err
		}
		if len(notes) == 0 {
			continue
		}
		// One that was changed by hand is no other's twin, and keeps nobody from reporting.
		if words, err := notes[0].Words(ring); err == nil && words.Reveal() == r.Words.Reveal() {
			return c, nil
		}
	}
	return Case{}, ErrNotFound
}

// Add adds what the party that has reported a case has found or done since: as Write, but it
// leaves room for those in office. Errors: ErrNotFound, ErrWords, ErrFull, those of
// party.Client.Deaf.
func Add(ctx context.Context, tx *db.Tx, ring *keyring.Ring, by party.Client, name string, words pii.Text) (Case, string, error) {
	if err := by.Deaf(tx.Now()); err != nil {
		return Case{}, "", err
	}
	if !isWords(words) {
		return Case{}, "", ErrWords.At("words")
	}
	return add(ctx, tx, ring, by.Ledger(), by.Key.Party.Service, name, func(c Case) bool { return c.Party == by.Key.Party }, words)
}

// add writes what somebody outside has found or done since, about a case that is theirs.
func add(ctx context.Context, tx *db.Tx, ring *keyring.Ring, by, service, name string, theirs func(Case) bool, words pii.Text) (Case, string, error) {
	c, err := hold(ctx, tx, service, name, maxTheirs)
	if err == nil && !theirs(c) {
		err = ErrNotFound
	}
	if err != nil {
		return Case{}, "", err
	}
	mark, err := c.write(ctx, tx, ring, by, "", "", words)
	if err != nil {
		return c, "", err
	}
	entry, err := c.note(ctx, tx, KindNoted, by, NotedBody{Case: c.ID, Note: c.Notes - 1, Mark: mark})
	return c, entry, err
}

// open writes a case with its first note, and starts the plan that is in force. Of body, what
// the opening rests on counts.
func (d Desk) open(ctx context.Context, tx *db.Tx, c Case, r Report, body OpenedBody) (Case, string, error) {
	now := tx.Now()
	if ahead := r.NoticedAt.Sub(now); ahead > 0 && ahead < drift {
		r.NoticedAt = now // another's clock is a bit ahead: no reason to refuse a report
	}
	if err := d.check(ctx, tx, c.Service, r, now); err != nil {
		return Case{}, "", err
	}
	c.ID, c.Kind, c.Suspected, c.Children, c.OpenedAt = id.New(id.Incident), r.Kind, r.Suspected, r.Children, now
	c.Items = slices.Compact(slices.Sorted(slices.Values(r.Items)))
	c.BeganAt, c.NoticedAt, c.DueAt = r.BeganAt.UTC().Truncate(time.Microsecond), r.NoticedAt.UTC().Truncate(time.Microsecond), now.Add(TriageWithin)
	if r.BeganAt.IsZero() {
		c.BeganAt = time.Time{}
	}
	c.Notes = 1
	mark, err := c.write(ctx, tx, d.Ring, c.Reporter, StepOpened, "", r.Words)
	if err != nil {
		return Case{}, "", err
	}
	// Article 21: the plan is started at once. That it was is no word of anybody's.
	plan, err := InForce(ctx, tx, c.Service)
	if err != nil && !errors.Is(err, ErrNoPlan) {
		return Case{}, "", err
	}
	if c.Plan, c.ReportIn = plan.Number, plan.ReportIn(); c.Plan != 0 {
		c.Steps = []Step{StepPlan}
	}
	_, err = tx.Exec(ctx, `
		INSERT INTO incident (`+columns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, '', '', NULL, $14, '', '', NULL, $15, $16, $17, $18, $19, $20, $21)`,
		c.ID, c.Service, c.Source, c.Party.Role, c.Party.Name, c.Reporter, c.Kind, c.Suspected, strings.Join(c.Items, " "), c.Children,
		(*db.Time)(&c.BeganAt), (*db.Time)(&c.NoticedAt), (*db.Time)(&c.OpenedAt), (*db.Time)(&c.DueAt), c.Notes,
		c.Written(), c.Cause, c.Suspect, c.Drill, c.Plan, int64(c.ReportIn/time.Minute))
	if err != nil {
		return Case{}, "", err
	}
	entry, err := c.note(ctx, tx, KindOpened, c.Reporter, OpenedBody{Case: c.ID, Source: c.Source, Role: c.Party.Role, Party: c.Party.Name, Kind: c.Kind,
		Suspected: c.Suspected, Items: c.Items, Children: c.Children, Began: micros(c.BeganAt), Noticed: micros(c.NoticedAt), Due: micros(c.DueAt), Mark: mark,
		Cause: c.Cause, Suspect: c.Suspect, Alarm: body.Alarm, Drill: c.Drill, Plan: c.Plan, ReportIn: int64(c.ReportIn / time.Minute), Inside: body.Inside})
	return c, entry, err
}

// check says what is wrong with a report. What was noticed is long ago at times, and reported
// all the same.
func (d Desk) check(ctx context.Context, tx *db.Tx, service string, r Report, now time.Time) error {
	switch {
	case !slices.Contains(Kinds, r.Kind):
		return ErrKind.At("kind")
	case !isCount(r.Children):
		return ErrChildren.At("children")
	case r.NoticedAt.IsZero() || r.NoticedAt.After(now) || r.NoticedAt.Before(first):
		return ErrTime.At("noticed_at")
	case !r.BeganAt.IsZero() && (r.BeganAt.After(r.NoticedAt) || r.BeganAt.Before(first)):
		return ErrTime.At("began_at")
	case !isWords(r.Words):
		return ErrWords.At("words")
	case len(r.Items) > maxItems:
		return ErrItem.At("items")
	case len(r.Items) == 0:
		return nil
	}
	in, err := d.Charters.Current(ctx, tx, service)
	if errors.Is(err, catalog.ErrNoCharter) {
		return ErrItem.At("items.0")
	}
	if err != nil {
		return err
	}
	for i, item := range r.Items {
		// A stranger's name may be a child's data: none that the charter lacks is kept.
		if _, known := in.Charter.Item(item); !known {
			return ErrItem.At("items." + strconv.Itoa(i))
		}
	}
	return nil
}

// drift is how far the clock of who reports may be ahead.
const drift = 5 * time.Minute

// first is before anything that can be reported here.
var first = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

func isCount(n int64) bool { return n >= 0 && n <= maxChildren }

func isWords(t pii.Text) bool {
	s := t.Reveal()
	return utf8.ValidString(s) && strings.TrimSpace(s) != "" && utf8.RuneCountInString(s) <= maxWords &&
		!strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' })
}

// Write adds what somebody of the staff has found or done, as who holds an office or as a
// person inside whom the matrix lets (staff.WriteIncidents); also to a case that is closed, of
// which more may become known. With a step it says that this was done, or decided against: that
// children and guardians aren't told, who holds an office decides alone. Errors: ErrMayNot,
// ErrNotFound, ErrWords, ErrFull; with a step, ErrStep, ErrClosed.
func Write(ctx context.Context, tx *db.Tx, ring *keyring.Ring, by approval.Actor, service, name string, step Step, words pii.Text) (Case, string, error) {
	if step != "" && !slices.Contains(Steps, step) {
		return Case{}, "", ErrStep.At("step")
	}
	return step.write(ctx, tx, ring, by, service, name, words)
}

// Tell notes about a case what the authority was told of it, or that it isn't, which who holds an
// office decides: whoever calls it has done that in this transaction, and has an entry of it, so
// that neither is there without the other. What it is told of a case that is closed is no step of
// that any more. Errors: as Write; ErrReported.
func Tell(ctx context.Context, tx *db.Tx, ring *keyring.Ring, by approval.Actor, service, name string, step Step, words pii.Text) (Case, string, error) {
	if !slices.Contains(Telling, step) {
		return Case{}, "", ErrStep.At("step")
	}
	return step.write(ctx, tx, ring, by, service, name, words)
}

func (step Step) write(ctx context.Context, tx *db.Tx, ring *keyring.Ring, by approval.Actor, service, name string, words pii.Text) (Case, string, error) {
	inside, err := insideOf(ctx, tx, by, staff.WriteIncidents, service)
	if err != nil {
		return Case{}, "", err
	}
	if _, office := by.(catalog.Officer); step.Decides() && !office {
		return Case{}, "", ErrMayNot
	}
	if !isWords(words) {
		return Case{}, "", ErrWords.At("words")
	}
	c, err := hold(ctx, tx, service, name, maxNotes)
	switch {
	case err != nil:
		return c, "", err
	case !c.Open() && (step == StepReport || step == StepWrapped):
		step = ""
	case !c.Open() && step != "":
		return c, "", ErrClosed
	// Edge case 21: of what isn't known to be minor the authority is told.
	case step == StepUnreported && c.Grade != Minor:
		return c, "", ErrReported
	}
	if step == StepUnreported {
		if err := c.small(ctx, tx); err != nil {
			return c, "", err
		}
	}
	mark, err := c.write(ctx, tx, ring, by.Ledger(), step, "", words)
	if err != nil {
		return c, "", err
	}
	body := NotedBody{Case: c.ID, Note: c.Notes - 1, Mark: mark, Step: step, Drill: c.Drill, Suspect: c.Suspect, Inside: inside}
	if step != "" {
		if !c.Took(step) {
			c.Steps = append(c.Steps, step)
		}
		c.DueAt = c.due()
		body.Due = micros(c.DueAt)
		if _, err := tx.Exec(ctx, `UPDATE incident SET steps = $1, due_at = $2 WHERE id = $3 AND closed_at IS NULL`, c.Written(), (*db.Time)(&c.DueAt), c.ID); err != nil {
			return c, "", err
		}
	}
	entry, err := c.note(ctx, tx, KindNoted, by.Ledger(), body)
	return c, entry, err
}

// Read records that somebody of the staff reads what was written about a case, and returns it:
// as who holds an office, or as a person inside whom the matrix lets (staff.WriteIncidents).
// It is shown once that is committed, and not before. Errors: ErrMayNot, ErrNotFound.
func Read(ctx context.Context, tx *db.Tx, by approval.Actor, service, name string) (Case, []Note, error) {
	inside, err := insideOf(ctx, tx, by, staff.WriteIncidents, service)
	if err != nil {
		return Case{}, nil, err
	}
	// It is held, so that the entry has its place behind the texts that there are, and before the next.
	c, err := Hold(ctx, tx, service, name)
	if err != nil {
		return c, nil, err
	}
	if _, err := c.note(ctx, tx, KindRead, by.Ledger(), ReadBody{c.ID, c.Notes, c.Drill, c.Suspect, inside}); err != nil {
		return c, nil, err
	}
	notes, err := NotesOf(ctx, tx, c)
	return c, notes, err
}

// Triage says how grave a case is, with what was found and done so far, and of roughly how
// many children, 0 for what was known before. It may be said anew as facts arrive; but what has
// to be reported isn't made minor by whoever said so, nor by one person (edge case 21).
// Errors: ErrMayNot, ErrNotFound, ErrWords, ErrGrade, ErrChildren, ErrTooMild, ErrSecond,
// ErrClosed, ErrFull.
func Triage(ctx context.Context, tx *db.Tx, ring *keyring.Ring, by catalog.Officer, service, name string, grade Grade, children int64, words pii.Text) (Case, string, error) {
	c, err := find(ctx, tx, by, service, name, words)
	switch {
	case err != nil:
		return c, "", err
	case !slices.Contains(Grades, grade):
		return c, "", ErrGrade.At("grade")
	case !isCount(children):
		return c, "", ErrChildren.At("children")
	case !c.Open():
		return c, "", ErrClosed
	}
	before := c.Children
	if children != 0 {
		c.Children = children
	}
	if grade == Minor { // that there are fewer is said first, and by another person; of those whom the ledger names, by nobody
		many, err := c.many(ctx, tx)
		if err == nil && (many || before >= Larger) {
			err = ErrTooMild.At("grade")
		}
		if err != nil {
			return c, "", err
		}
	}
	var second *Second
	if grade == Minor && c.Grade != "" && c.Grade.Reportable() {
		if second, err = another(ctx, tx, by, c.GradedBy); err != nil {
			return c, "", err
		}
	}
	c.Grade, c.GradedBy = grade, by.Ledger()
	if c.TriagedAt.IsZero() {
		c.TriagedAt = tx.Now()
	}
	c.DueAt = c.due()
	mark, err := c.write(ctx, tx, ring, by.Ledger(), StepGraded, "", words)
	if err != nil {
		return c, "", err
	}
	_, err = tx.Exec(ctx, `
		UPDATE incident SET grade = $1, graded_by = $2, triaged_at = $3, due_at = $4, children = $5 WHERE id = $6 AND closed_at IS NULL`,
		c.Grade, c.GradedBy, (*db.Time)(&c.TriagedAt), (*db.Time)(&c.DueAt), c.Children, c.ID)
	if err != nil {
		return c, "", err
	}
	entry, err := c.note(ctx, tx, KindGraded, by.Ledger(), GradedBody{c.ID, c.Notes - 1, mark, c.Grade, c.Children, micros(c.DueAt), c.Drill, c.Suspect, second})
	return c, entry, err
}

// Close ends a case that was graded, with the reason, once nothing is missing. What has to be
// reported ends when it was; or when another person than who graded it finds that nothing had
// happened, whatever its grade: else one could be silent about anything by calling it minor, and
// then nothing. Errors: ErrMayNot, ErrNotFound, ErrWords, ErrOutcome, ErrUngraded, ErrReported,
// ErrSecond, ErrMissing (see Case.Missing, of the case that is returned), ErrClosed, ErrFull.
func Close(ctx context.Context, tx *db.Tx, ring *keyring.Ring, by catalog.Officer, service, name string, outcome Outcome, words pii.Text) (Case, string, error) {
	c, err := find(ctx, tx, by, service, name, words)
	switch {
	case err != nil:
		return c, "", err
	case !slices.Contains(Outcomes, outcome):
		return c, "", ErrOutcome.At("outcome")
	case !c.Open():
		return c, "", ErrClosed
	case c.Grade == "":
		return c, "", ErrUngraded
	case outcome == Remedied && c.Grade.Reportable():
		return c, "", ErrReported
	case len(c.Missing(outcome)) > 0:
		return c, "", ErrMissing
	}
	if outcome == Remedied {
		if err := c.small(ctx, tx); err != nil {
			return c, "", err
		}
	}
	var second *Second
	if outcome == Unfounded && c.Quiet() {
		if second, err = another(ctx, tx, by, c.GradedBy); err != nil {
			return c, "", err
		}
	}
	c.Outcome, c.ClosedBy, c.ClosedAt = outcome, by.Ledger(), tx.Now()
	mark, err := c.write(ctx, tx, ring, by.Ledger(), StepClosed, "", words)
	if err != nil {
		return c, "", err
	}
	_, err = tx.Exec(ctx, `UPDATE incident SET outcome = $1, closed_by = $2, closed_at = $3 WHERE id = $4 AND closed_at IS NULL`,
		c.Outcome, c.ClosedBy, (*db.Time)(&c.ClosedAt), c.ID)
	if err != nil {
		return c, "", err
	}
	entry, err := c.note(ctx, tx, KindClosed, by.Ledger(), ClosedBody{c.ID, c.Notes - 1, mark, c.Outcome, c.Drill, c.Suspect, second})
	if err != nil || !c.Drill {
		return c, entry, err
	}
	_, _, err = catalog.Keep(ctx, tx, ring, by, service, c.drilled(), nil)
	return c, entry, err
}

// many reports whether a case is of so many children that it has to be reported: as somebody has said, or
// by its list, which grows after the grade.
func (c Case) many(ctx context.Context, tx *db.Tx) (bool, error) {
	list, err := ListOf(ctx, tx, c.ID)
	return max(c.Children, list.Children) >= Larger, err
}

// small refuses to be silent about a case that has to be reported for its children alone. Errors: ErrReported.
func (c Case) small(ctx context.Context, tx *db.Tx) error {
	many, err := c.many(ctx, tx)
	if err == nil && many {
		err = ErrReported
	}
	return err
}

// find holds the case that somebody in office writes about, for what is written as its next
// note: of two who write at once, one waits, and sees what the other has written.
func find(ctx context.Context, tx *db.Tx, by catalog.Officer, service, name string, words pii.Text) (Case, error) {
	if !by.Governs(service) {
		return Case{}, ErrMayNot
	}
	if !isWords(words) {
		return Case{}, ErrWords.At("words")
	}
	return hold(ctx, tx, service, name, maxNotes)
}

// Hold returns a case of the service, and holds it to the end of the transaction: of two who do
// something about it at once, one waits, and sees what the other has done. Errors: ErrNotFound.
func Hold(ctx context.Context, tx *db.Tx, service, name string) (Case, error) {
	if _, err := tx.Exec(ctx, `UPDATE incident SET notes = notes WHERE id = $1 AND service = $2`, name, service); err != nil {
		return Case{}, err
	}
	return Find(ctx, tx, service, name)
}

func hold(ctx context.Context, tx *db.Tx, service, name string, most int64) (Case, error) {
	if _, err := tx.Exec(ctx, `UPDATE incident SET notes = notes + 1 WHERE id = $1 AND service = $2`, name, service); err != nil {
		return Case{}, err
	}
	c, err := Find(ctx, tx, service, name)
	if err == nil && c.Notes > most {
		err = ErrFull
	}
	return c, err
}

// write seals what is written about a case as its last note, and returns its mark.
func (c Case) write(ctx context.Context, tx *db.Tx, ring *keyring.Ring, by string, step Step, target string, words pii.Text) (string, error) {
	now, n := tx.Now(), Note{Case: c.ID, Number: c.Notes - 1, Step: step, Target: target, salt: ledger.NewSalt()}
	sealed, err := ring.Seal(sealDomain, []byte(words.Reveal()), n.Case, number(n.Number))
	if err != nil {
		return "", err
	}
	_, err = tx.Exec(ctx, `INSERT INTO incident_note (`+noteColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		n.Case, n.Number, (*db.Time)(&now), by, n.Step, n.Target, sealed, n.salt)
	return mark(n.salt, n, words), err
}

func number(n int64) string { return strconv.FormatInt(n, 10) }

func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func (c Case) note(ctx context.Context, tx *db.Tx, kind, actor string, body any) (string, error) {
	return ledger.Append(ctx, tx, ledger.Entry{Kind: kind, Service: c.Service, Actor: actor, Body: body})
}
