// Package complaint is the operator's own report desk: anybody reports what goes against the
// rules, of a service or of the whole operator, with or without a name (Articles 24 and
// 10(5)). The authority's own channels stand beside it and don't wait for it.
//
// Its one invariant: nobody learns who has reported but by what the reporter has written
// down, and that is sealed, is read by nobody inside without an entry of the ledger before,
// and is gone with its report after Kept (Article 12 holds for whoever reports, too). Of the
// visitor behind the report nothing is kept at all: neither table, nor ledger, nor log has an
// address, a browser or a session. What leads back is a number and a secret that are shown
// once.
package complaint

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/base/workday"
	"wardkeep/internal/ledger"
	"wardkeep/internal/staff"
)

// What can be wrong with a report.
var (
	ErrKind      = errs.New(errs.Invalid, "complaint.kind_unknown")
	ErrWords     = errs.New(errs.Invalid, "complaint.words_invalid")
	ErrName      = errs.New(errs.Invalid, "complaint.name_invalid") // or contact
	ErrFile      = errs.New(errs.Invalid, "complaint.file_kind")
	ErrFileSize  = errs.New(errs.Invalid, "complaint.file_size")
	ErrFiles     = errs.New(errs.Invalid, "complaint.files_many")
	ErrFilesFull = errs.New(errs.TooMany, "complaint.files_full") // of everybody today
	ErrMany      = errs.New(errs.TooMany, "complaint.too_many")   // of everybody within the hour
	ErrPuzzle    = errs.New(errs.Invalid, "complaint.puzzle")     // forged, or not solved
	ErrStale     = errs.New(errs.Conflict, "complaint.stale")     // the form is too old
	ErrSent      = errs.New(errs.Conflict, "complaint.sent")      // with this form, already
	ErrSecret    = errs.New(errs.NotFound, "complaint.secret_wrong")
	ErrMayNot    = errs.New(errs.Forbidden, "complaint.may_not")
	ErrNotFound  = errs.New(errs.NotFound, "complaint.not_found")
	ErrState     = errs.New(errs.Conflict, "complaint.state")
	ErrOutcome   = errs.New(errs.Invalid, "complaint.outcome_unknown")
	ErrLink      = errs.New(errs.Invalid, "complaint.link_unknown")
	ErrFull      = errs.New(errs.Conflict, "complaint.full")
	ErrSealed    = errs.New(errs.Internal, "complaint.not_intact")
)

// The limits of what a stranger sends.
const (
	MaxWords = 4_000   // characters
	MaxName  = 200     // characters, of a name and of a contact
	MaxFiles = 3       // with one text
	MaxFile  = 4 << 20 // bytes
	MaxForm  = MaxFiles*MaxFile + 64<<10

	maxTheirs = 20  // texts of the reporter
	maxNotes  = 200 // texts
	maxHour   = 300 // reports of everybody within an hour
	maxDay    = 300 // attachments of everybody within a day
)

// Kept is for how long a report is kept, with its name, contact and attachments, from the
// moment that it comes in: as long as it takes to see that it was dealt with, and as records of
// a platform are kept (E-Commerce Law 31).
const Kept = 3 * 365 * 24 * time.Hour

// Again is how many days the reporter has to open once more what was answered.
const Again = 30

const (
	sealDomain   = "complaint.words"
	fileDomain   = "complaint.file"
	secretDomain = "complaint.secret"
)

// LastCall is how long before its end the office is reminded of a clock: at nine in the morning
// of its last day.
const LastCall = 15 * time.Hour

// A Kind is what the report is about.
type Kind string

// The kinds.
const (
	Collects  Kind = "collects"  // more than is needed, or without a guardian's yes
	Discloses Kind = "discloses" // shows or passes on
	Refuses   Kind = "refuses"   // doesn't let people correct, delete or withdraw
	Unsafe    Kind = "unsafe"    // doesn't keep it safe
	Content   Kind = "content"   // what is published harms a child's information
	Other     Kind = "something"
)

// Kinds lists them.
var Kinds = []Kind{Collects, Discloses, Refuses, Unsafe, Content, Other}

// An Outcome is what an answer says, or why there is none; empty until then.
type Outcome string

// The outcomes. The last two close a report without an answer in words.
const (
	Founded   Outcome = "founded"
	Partly    Outcome = "partly"
	Unfounded Outcome = "unfounded"
	Elsewhere Outcome = "elsewhere" // another body is in charge, which the answer names
	Repeated  Outcome = "repeated"  // the same was reported before
	Senseless Outcome = "senseless" // advertising, or no report at all
)

// Answers are those of an answer, and Dismissals those of what closes without one.
var (
	Answers    = []Outcome{Founded, Partly, Unfounded, Elsewhere}
	Dismissals = []Outcome{Repeated, Senseless}
)

// A State is how far a report has come.
type State string

// The states.
const (
	Received     State = "received"
	Acknowledged State = "acknowledged"
	Reopened     State = "reopened" // by the reporter, once
	Answered     State = "answered" // or dismissed: the reporter may reopen it still
	Closed       State = "closed"
)

// A Complaint is one report.
type Complaint struct {
	ID             string // "rp_…"
	Service        string // whose office deals with it
	Whole          bool   // it is about the operator as a whole
	Kind           Kind
	ReceivedAt     time.Time
	AcknowledgedAt time.Time // zero until somebody has
	DueAt          time.Time // the next step
	RemindAt       time.Time // when the office is reminded of it; zero: it was, or nothing is due
	Outcome        Outcome   // empty while it is open
	ClosedAt       time.Time // zero while it is open
	ReopenedAt     time.Time // zero: it wasn't
	EraseAt        time.Time
	Linked         string // the case that was made of it, or empty
	Notes, Files   int64  // how many texts and attachments there are

	secret, challenge []byte
}

// Open reports whether it waits for the office.
func (c Complaint) Open() bool { return c.ClosedAt.IsZero() }

// Late reports whether the next step wasn't taken by its day.
func (c Complaint) Late(now time.Time) bool { return c.Open() && !now.Before(c.DueAt) }

// Number is what people call it: "7K2M-9QXT".
func (c Complaint) Number() string { return id.NumberOf(c.ID) }

// MayReopen reports whether its reporter may open it once more.
func (c Complaint) MayReopen(now time.Time) bool {
	return !c.Open() && c.ReopenedAt.IsZero() && now.Before(c.ClosedAt.AddDate(0, 0, Again))
}

// State is where it stands at that moment.
func (c Complaint) State(now time.Time) State {
	switch {
	case c.MayReopen(now):
		return Answered
	case !c.Open():
		return Closed
	case !c.ReopenedAt.IsZero():
		return Reopened
	case !c.AcknowledgedAt.IsZero():
		return Acknowledged
	}
	return Received
}

// Opens is what the ledger has of what opens the report to its reporter.
func (c Complaint) Opens() string {
	return ledger.Mark(nil, c.ID, string(c.secret), string(c.challenge))
}

const columns = `id, service, whole, kind, received_at, acknowledged_at, due_at, remind_at, outcome, closed_at, reopened_at, erase_at, linked, notes, files, secret, challenge`

func scan(row db.Row) (c Complaint, err error) {
	err = row.Scan(&c.ID, &c.Service, &c.Whole, &c.Kind, (*db.Time)(&c.ReceivedAt), (*db.Time)(&c.AcknowledgedAt), (*db.Time)(&c.DueAt), (*db.Time)(&c.RemindAt),
		&c.Outcome, (*db.Time)(&c.ClosedAt), (*db.Time)(&c.ReopenedAt), (*db.Time)(&c.EraseAt), &c.Linked, &c.Notes, &c.Files, &c.secret, &c.challenge)
	return c, err
}

var queue = db.Queue[Complaint]{
	Table: "complaint", Columns: columns, Prefix: id.Complaint, Scan: scan, None: ErrNotFound,
	At: func(c Complaint) db.Cursor { return db.Cursor{At: c.DueAt, ID: c.ID} },
}

// Find returns a report to a service, until its time is over, swept or not (Article 12).
// Errors: ErrNotFound.
func Find(ctx context.Context, tx *db.Tx, service, name string) (Complaint, error) {
	return FindIn(ctx, tx, []string{service}, name)
}

// over reports whether its time is over at a moment (Article 12).
func (c Complaint) over(now time.Time) bool { return !now.Before(c.EraseAt) }

// Waiting returns the open reports to a service, those that are due first, and at most limit.
func Waiting(ctx context.Context, tx *db.Tx, service string, limit int) ([]Complaint, error) {
	return queue.Open(ctx, tx, service, limit)
}

// All calls each with every report, by its name. Each must not use tx.
func All(ctx context.Context, tx *db.Tx, each func(Complaint) error) error {
	return queue.Each(ctx, tx, each)
}

// CountLate returns how many reports to a service, or to all if it is empty, are past their
// day; 1000 at most.
func CountLate(ctx context.Context, tx *db.Tx, service string) (int64, error) {
	return queue.Late(ctx, tx, service)
}

// CountOpen returns how many reports to a service wait for its office; 1000 at most.
func CountOpen(ctx context.Context, tx *db.Tx, service string) (int64, error) {
	return db.One(ctx, tx, db.Single[int64], `
		SELECT count(*) FROM (SELECT id FROM complaint WHERE service = $1 AND closed_at IS NULL LIMIT 1000) AS open`, service)
}

// NumberedIn returns those to the services that people call by that number, until their time is
// over, swept or not: hardly ever more than one.
func NumberedIn(ctx context.Context, tx *db.Tx, services []string, number string) ([]Complaint, error) {
	all, err := queue.NumberedIn(ctx, tx, services, number)
	return slices.DeleteFunc(all, func(c Complaint) bool { return c.over(tx.Now()) }), err
}

// FindIn is Find in one of the services. Errors: ErrNotFound.
func FindIn(ctx context.Context, tx *db.Tx, services []string, name string) (Complaint, error) {
	c, err := queue.FindIn(ctx, tx, services, name)
	if err == nil && c.over(tx.Now()) {
		return Complaint{}, ErrNotFound
	}
	return c, err
}

// ParseCursor reads where a list goes on, as an address has it.
func ParseCursor(s string) db.Cursor { return db.ParseCursor(id.Complaint, s) }

// A Wanted says which reports of a list somebody wants to see. The zero Wanted is all that are
// open.
type Wanted struct {
	Closed bool // instead of those that are open
	Late   bool // of those that are open, those past their day
	Kind   Kind
}

func (w Wanted) fits(now time.Time) func(Complaint) bool {
	if w.Kind == "" && !w.Late {
		return nil
	}
	return func(c Complaint) bool { return (w.Kind == "" || w.Kind == c.Kind) && (!w.Late || c.Late(now)) }
}

// List returns the reports to services that are wanted, at most limit: of the open ones those
// that are due first, of the closed ones those that were due last; and where the list goes on:
// nowhere, after the last.
func List(ctx context.Context, tx *db.Tx, services []string, want Wanted, from db.Cursor, limit int) (page []Complaint, next db.Cursor, err error) {
	return queue.List(ctx, tx, services, want.Closed, want.fits(tx.Now()), from, limit)
}

// reporter begins the name of who has reported, as the ledger has it. It says no more than
// which report it was.
const reporter = "reporter:"

// ReporterOf returns how the ledger names who has made a report.
func ReporterOf(name string) string { return reporter + name }

// A Note is one text of a report: the reporter's, or an answer to them. Number 0 is the report.
type Note struct {
	Complaint string
	Number    int64
	At        time.Time
	By        string // as the ledger names actors: see ReporterOf

	sealed, salt []byte
}

const noteColumns = `complaint, number, written_at, written_by, sealed, salt`

func scanNote(row db.Row) (n Note, err error) {
	err = row.Scan(&n.Complaint, &n.Number, (*db.Time)(&n.At), &n.By, &n.sealed, &n.salt)
	return n, err
}

// open returns what is sealed, as it was sealed. Errors: ErrSealed.
func (n Note) open(ring *keyring.Ring) (string, error) {
	plain, err := ring.Open(sealDomain, n.sealed, n.Complaint, decimal(n.Number))
	if errors.Is(err, keyring.ErrOpen) {
		err = ErrSealed
	}
	return string(plain), err
}

// Theirs reports whether its reporter has written it.
func (n Note) Theirs() bool { return strings.HasPrefix(n.By, reporter) }

// Mark is what the ledger has of the text. Errors: ErrSealed.
func (n Note) Mark(ring *keyring.Ring) (string, error) {
	plain, err := n.open(ring)
	if err != nil {
		return "", err
	}
	return n.mark(plain), nil
}

func (n Note) mark(plain string) string {
	return ledger.Mark(n.salt, n.Complaint, decimal(n.Number), plain)
}

// AllNotes calls each with every text, by its report and number. Each must not use tx.
func AllNotes(ctx context.Context, tx *db.Tx, each func(Note) error) error {
	return db.Each(ctx, tx, func(row db.Row) error {
		n, err := scanNote(row)
		if err != nil {
			return err
		}
		return each(n)
	}, `SELECT `+noteColumns+` FROM complaint_note ORDER BY complaint, number`)
}

// A File is an attachment. What it is called nobody keeps: a name may name somebody.
type File struct {
	Complaint string
	Number    int64 // from 0 on
	Note      int64 // the text that it came with
	At        time.Time
	Kind      string // "application/pdf"
	Size      int64

	sealed, salt []byte
}

// Nth is what people call it: from 1 on.
func (f File) Nth() int64 { return f.Number + 1 }

const fileColumns = `complaint, number, note, added_at, kind, size, sealed, salt`

func scanFile(row db.Row) (f File, err error) {
	err = row.Scan(&f.Complaint, &f.Number, &f.Note, (*db.Time)(&f.At), &f.Kind, &f.Size, &f.sealed, &f.salt)
	return f, err
}

func (f File) open(ring *keyring.Ring) ([]byte, error) {
	plain, err := ring.Open(fileDomain, f.sealed, f.Complaint, decimal(f.Number), f.Kind)
	if errors.Is(err, keyring.ErrOpen) {
		err = ErrSealed
	}
	return plain, err
}

// Mark is what the ledger has of the attachment. Errors: ErrSealed.
func (f File) Mark(ring *keyring.Ring) (string, error) {
	plain, err := f.open(ring)
	if err != nil {
		return "", err
	}
	return f.mark(plain), nil
}

func (f File) mark(plain []byte) string {
	return ledger.Mark(f.salt, f.Complaint, decimal(f.Number), decimal(f.Note), f.Kind, decimal(f.Size), string(plain))
}

// FilesOf lists the attachments of a report, in their order, without what is in them: all that
// a stranger has sent with one doesn't fit into memory.
func FilesOf(ctx context.Context, tx *db.Tx, c Complaint) ([]File, error) {
	return db.All(ctx, tx, func(row db.Row) (f File, err error) {
		err = row.Scan(&f.Complaint, &f.Number, &f.Note, (*db.Time)(&f.At), &f.Kind, &f.Size)
		return f, err
	}, `SELECT complaint, number, note, added_at, kind, size FROM complaint_file WHERE complaint = $1 ORDER BY number`, c.ID)
}

// AllFiles calls each with every attachment, by its report and number. Each must not use tx.
func AllFiles(ctx context.Context, tx *db.Tx, each func(File) error) error {
	return db.Each(ctx, tx, func(row db.Row) error {
		f, err := scanFile(row)
		if err != nil {
			return err
		}
		return each(f)
	}, `SELECT `+fileColumns+` FROM complaint_file ORDER BY complaint, number`)
}

// fileKinds are what is taken, by what the bytes are and not by how they are called.
var fileKinds = []string{"application/pdf", "image/png", "image/jpeg", "image/webp"}

// kindOf says what the bytes of an attachment are. Errors: ErrFile, ErrFileSize.
func kindOf(data []byte) (string, error) {
	if len(data) == 0 || len(data) > MaxFile {
		return "", ErrFileSize.At("file")
	}
	kind := http.DetectContentType(data)
	if !slices.Contains(fileKinds, kind) {
		return "", ErrFile.At("file")
	}
	return kind, nil
}

// Clocks are how many working days there are for each step, after the day on which it begins.
// A zero is its default.
type Clocks struct {
	Acknowledge int
	Finish      int
}

// Defaults are the clocks where nothing else is said.
var Defaults = Clocks{Acknowledge: 1, Finish: 15}

// Or returns the clocks, with the others where one is zero.
func (c Clocks) Or(others Clocks) Clocks {
	return Clocks{cmp.Or(c.Acknowledge, others.Acknowledge), cmp.Or(c.Finish, others.Finish)}
}

// A Desk takes reports and what is done about them.
type Desk struct {
	Ring     *keyring.Ring
	Calendar workday.Calendar
	Clocks   Clocks
}

func (d Desk) after(from time.Time, n int) time.Time {
	due, _ := d.Calendar.Add(from, n) // whether or not the holidays of that year are known yet
	return due.UTC()
}

// acknowledgeBy and answerBy are the ends of the two clocks.
func (d Desk) acknowledgeBy(from time.Time) time.Time {
	return d.after(from, d.Clocks.Or(Defaults).Acknowledge)
}

func (d Desk) answerBy(from time.Time) time.Time {
	return d.after(from, d.Clocks.Or(Defaults).Finish)
}

// An Actor is somebody of the staff, who acts by an office or as a person inside.
type Actor = approval.Actor

// insideOf returns what the act of somebody of the staff rests on. Errors: ErrMayNot.
func insideOf(ctx context.Context, tx *db.Tx, by Actor, service string) (approval.Inside, error) {
	if name, _ := approval.StaffOf(by, service); name == "" {
		return approval.Inside{}, ErrMayNot
	}
	inside, err := approval.InsideOf(ctx, tx, by, staff.HandleReports, service)
	if errors.Is(err, approval.ErrMayNot) {
		err = ErrMayNot
	}
	return inside, err
}

func isText(t pii.Text, most int) bool {
	s := t.Reveal()
	return utf8.ValidString(s) && utf8.RuneCountInString(s) <= most &&
		!strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\r' && r != '\t' })
}

func isWords(t pii.Text) bool { return isText(t, MaxWords) && strings.TrimSpace(t.Reveal()) != "" }

func decimal(n int64) string { return strconv.FormatInt(n, 10) }
