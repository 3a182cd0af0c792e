// Package rectification keeps what an authority demands of the operator, and how it was
// answered: a summons and what has to be put right (Article 25), sanctions (Article 26),
// and entries in credit files (Article 27). What the operator finds itself, at an inspection,
// a yearly audit or after an incident, is put right in the same way.
//
// Its one invariant: nothing here is over by time, nor by one person's word. Each matter has an
// owner and a date; its owner brings a proof, another person confirms it, and no date is moved
// and nothing is opened again without a reason in the ledger. A summons is answered only once
// all that has to be put right for it is confirmed. What is written is sealed, for it may name
// somebody, the ledger has a mark of each text with its document, and who reads it is on record.
package rectification

import (
	"slices"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/family/age"
)

// What can be wrong with a matter.
var (
	ErrMayNot    = errs.New(errs.Forbidden, "rectification.may_not")
	ErrNotFound  = errs.New(errs.NotFound, "rectification.not_found")
	ErrWhat      = errs.New(errs.Invalid, "rectification.what_unknown")
	ErrSource    = errs.New(errs.Invalid, "rectification.source_unknown")
	ErrSort      = errs.New(errs.Invalid, "rectification.sort_unknown")
	ErrAmount    = errs.New(errs.Invalid, "rectification.amount_invalid")
	ErrPart      = errs.New(errs.Invalid, "rectification.part_unknown") // of no summons, or no sanction
	ErrOwner     = errs.New(errs.Invalid, "rectification.owner_invalid")
	ErrDay       = errs.New(errs.Invalid, "rectification.day_invalid")
	ErrDue       = errs.New(errs.Invalid, "rectification.due_invalid")
	ErrLine      = errs.New(errs.Invalid, "rectification.line_invalid") // an authority, a number, a provision, a file
	ErrWords     = errs.New(errs.Invalid, "rectification.words_invalid")
	ErrDocument  = errs.New(errs.Invalid, "rectification.document_invalid")
	ErrNotOwner  = errs.New(errs.Conflict, "rectification.not_owner")   // who proves it isn't who looks after it
	ErrSecond    = errs.New(errs.Conflict, "rectification.second")      // who confirms it is who has proved it, or looks after it
	ErrMaybeOne  = errs.New(errs.Conflict, "rectification.maybe_one")   // or may be the same person under another account
	ErrProver    = errs.New(errs.Conflict, "rectification.prover_left") // who has proved it has left: it is proved again
	ErrNotOpen   = errs.New(errs.Conflict, "rectification.not_open")    // it is proved, or closed
	ErrNotProved = errs.New(errs.Conflict, "rectification.not_proved")  // so it can't be confirmed
	ErrOpen      = errs.New(errs.Conflict, "rectification.open")        // so it can't be opened again
	ErrPartsOpen = errs.New(errs.Conflict, "rectification.parts_open")  // so the summons can't be answered
	ErrWholeDone = errs.New(errs.Conflict, "rectification.whole_done")  // the summons is answered: it is opened again first
	ErrEarlier   = errs.New(errs.Invalid, "rectification.not_later")    // than it is due already
	ErrAppealed  = errs.New(errs.Conflict, "rectification.appealed")    // already, or it is no sanction
	ErrFull      = errs.New(errs.Conflict, "rectification.notes_full")  // nothing more can be written about it
	ErrMany      = errs.New(errs.TooMany, "rectification.too_many")     // are open in this service
	ErrSealed    = errs.New(errs.Internal, "rectification.not_intact")  // it was changed by hand
	ErrNoPaper   = errs.New(errs.NotFound, "rectification.no_document") // with that text
)

const (
	maxOpen    = 10_000 // of a service
	maxNotes   = 200    // of a matter
	maxLine    = 200    // characters, as are the words
	maxWords   = 4_000
	maxAmount  = 10_000_000_000_000 // fen
	sealDomain = "rectification.words"
	fileDomain = "rectification.document"
)

// A What is what a matter is.
type What string

// What there is.
const (
	Summons  What = "summons"  // of an authority (Article 25): it is answered
	Item     What = "item"     // that has to be put right, for a summons or by one's own finding
	Sanction What = "sanction" // of an authority (Article 26): it is complied with
	Credit   What = "credit"   // an entry in a credit file (Article 27): its end, or its repair, is proved
)

// Whats lists it.
var Whats = []What{Summons, Item, Sanction, Credit}

// A Source is from where an item comes; of all else it is empty.
type Source string

// The sources.
const (
	BySummons  Source = "summons"
	Inspection Source = "inspection"
	Audit      Source = "audit" // the yearly one
	Incident   Source = "incident"
	Own        Source = "own" // somebody has found it
)

// Found are the sources of an item without a summons.
var Found = []Source{Inspection, Audit, Incident, Own}

// A Sort is what a sanction does; of all else it is empty.
type Sort string

// The sorts.
const (
	Warning      Sort = "warning"
	Fine         Sort = "fine"
	Confiscation Sort = "confiscation" // of what was earned unlawfully
	Ordered      Sort = "order"        // to put something right
	Suspension   Sort = "suspension"   // of the service
	Revocation   Sort = "revocation"   // of a licence
	Other        Sort = "other"
)

// Sorts lists them.
var Sorts = []Sort{Warning, Fine, Confiscation, Ordered, Suspension, Revocation, Other}

// Paid reports whether it has an amount.
func (s Sort) Paid() bool { return s == Fine || s == Confiscation }

// A State is where a matter stands.
type State string

// The states.
const (
	Open   State = "open"
	Proved State = "proved" // and nobody has confirmed it
	Closed State = "closed"
)

// A Matter is one thing that an authority demands, or that has to be put right.
type Matter struct {
	ID        string // "rc_…"
	Service   string
	What      What
	PartOf    string // of an item the summons, or empty; of an entry in a credit file the sanction
	Source    Source
	Sort      Sort
	Amount    int64  // in fen: what has to be paid
	Appealed  bool   // a sanction
	Owner     string // a person inside, "st_…"
	Dated     string // the day of the document, or from which an entry stands; of an item empty
	OpenedAt  time.Time
	OpenedBy  string    // a person inside
	DueAt     time.Time // at this moment it is late; of an entry in a credit file, that it ends
	DoneAt    time.Time // when its owner proved it
	DoneBy    string
	ClosedAt  time.Time // when another confirmed it; zero while it isn't
	ClosedBy  string
	Postponed int64     // how often
	Reopened  int64     // how often
	Reminded  int64     // how often
	RemindAt  time.Time // the next time; zero once it is closed
	Notes     int64     // how many texts there are
}

// Number is what people call it: "7K2M-9QXT".
func (m Matter) Number() string { return id.NumberOf(m.ID) }

// Open reports whether something is left to do.
func (m Matter) Open() bool { return m.ClosedAt.IsZero() }

// Late reports whether it isn't confirmed by its day.
func (m Matter) Late(now time.Time) bool { return m.Open() && !now.Before(m.DueAt) }

// State is where it stands.
func (m Matter) State() State {
	switch {
	case !m.Open():
		return Closed
	case !m.DoneAt.IsZero():
		return Proved
	}
	return Open
}

// LastDay is the last day on which it isn't late.
func (m Matter) LastDay() string {
	return m.DueAt.Add(-time.Microsecond).In(age.Zone).Format(time.DateOnly)
}

// A Text is what is written about a matter. Which fields it has its note says: a reason has
// words alone.
type Text struct {
	Authority pii.Text // that demands it, or keeps the file
	Document  pii.Text // its number
	Provision pii.Text // of the law
	Words     pii.Text
	Day       string // of the document that proves it
}

// A Note is a text about a matter, with the document that proves what it says. The ledger has
// a mark of both.
type Note struct {
	Matter string
	Number int64 // from 0 on: what it was recorded with
	At     time.Time
	By     string // as the ledger names actors
	File   string // the type of the document's file, "application/pdf"; empty: there is none
	Hash   string // the SHA-256 of the document, in hex

	sealed, salt, document []byte
}

const columns = `id, service, what, part_of, source, sort, amount, appealed, owner, dated, opened_at, opened_by, due_at,
	done_at, done_by, closed_at, closed_by, postponed, reopened, reminded, remind_at, notes`

func scan(row db.Row) (m Matter, err error) {
	err = row.Scan(&m.ID, &m.Service, &m.What, &m.PartOf, &m.Source, &m.Sort, &m.Amount, &m.Appealed, &m.Owner, &m.Dated,
		(*db.Time)(&m.OpenedAt), &m.OpenedBy, (*db.Time)(&m.DueAt), (*db.Time)(&m.DoneAt), &m.DoneBy, (*db.Time)(&m.ClosedAt), &m.ClosedBy,
		&m.Postponed, &m.Reopened, &m.Reminded, (*db.Time)(&m.RemindAt), &m.Notes)
	return m, err
}

// DayOf returns the beginning of a day, as in "2026-05-06", and whether it is one. The law's
// days are China's.
func DayOf(day string) (time.Time, bool) {
	t, err := time.ParseInLocation(time.DateOnly, day, age.Zone)
	return t, err == nil && t.Year() >= 2000 && t.Year() < 2200
}

// DueOn returns when what is to be done by a day is late: at its end.
func DueOn(day time.Time) time.Time { return day.AddDate(0, 0, 1).UTC() }

// Again is how long after one reminder of what is late the next one comes.
const Again = 7 * 24 * time.Hour

// lastCall is how long before its time its owner is reminded first.
const lastCall = 24 * time.Hour

// NextReminder returns when those who have to do with a matter are reminded, the next time
// after a moment: a day before it is late, when it is, and each week until it is confirmed. So
// of several whose time has come together, as after a long stop, one is made.
func NextReminder(due, after time.Time) time.Time {
	for _, at := range []time.Time{due.Add(-lastCall), due} {
		if at.After(after) {
			return at
		}
	}
	return due.Add(Again * (1 + after.Sub(due)/Again))
}

// known reports whether the words by which programs know a matter fit together.
func (m Matter) known() error {
	switch {
	case !slices.Contains(Whats, m.What):
		return ErrWhat.At("what")
	case m.What == Item && m.PartOf == "" && !slices.Contains(Found, m.Source), m.What == Item && m.PartOf != "" && m.Source != BySummons,
		m.What != Item && m.Source != "":
		return ErrSource.At("source")
	case m.What == Credit && m.PartOf == "", (m.What == Summons || m.What == Sanction) && m.PartOf != "":
		return ErrPart.At("part_of")
	case (m.What == Sanction) != slices.Contains(Sorts, m.Sort) || m.What != Sanction && m.Sort != "":
		return ErrSort.At("sort")
	case m.Amount < 0 || m.Amount > maxAmount || m.Sort.Paid() != (m.Amount > 0):
		return ErrAmount.At("amount")
	case m.Appealed && m.What != Sanction:
		return ErrAppealed.At("appealed")
	case (m.What == Item) != (m.Dated == ""):
		return ErrDay.At("dated")
	}
	return nil
}

// Known reports whether the words by which programs know a matter fit together, for who reads
// them from the ledger.
func (m Matter) Known() bool { return m.known() == nil }
