package catalog

import (
	"context"
	"encoding/hex"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/family/age"
	"wardkeep/internal/ledger"
)

// What can be wrong with a record of the offices.
var (
	ErrRecordKind     = errs.New(errs.Invalid, "catalog.record_kind_unknown")
	ErrRecordDay      = errs.New(errs.Invalid, "catalog.record_day_invalid") // none, or one to come
	ErrRecordTitle    = errs.New(errs.Invalid, "catalog.record_title_invalid")
	ErrRecordDocument = errs.New(errs.Invalid, "catalog.record_document_invalid") // an appointment and a plan have one; a PDF or a picture
	ErrRecordNotFound = errs.New(errs.NotFound, "catalog.record_not_found")
)

// A RecordKind is what a record is about.
type RecordKind string

// The kinds of records: of who holds an office (Article 8), and of what is to be done at once
// when something leaks (Article 21).
const (
	Appointment    RecordKind = "appointment" // the document by which somebody was appointed
	Training       RecordKind = "training"    // what somebody has learned for the office
	EmergencyPlan  RecordKind = "plan"        // the emergency plan that is in force from its day on
	EmergencyDrill RecordKind = "drill"       // that the plan was tried, and what was found
)

// RecordKinds are all of them.
var RecordKinds = []RecordKind{Appointment, Training, EmergencyPlan, EmergencyDrill}

// Known reports whether there is such a kind.
func (k RecordKind) Known() bool { return slices.Contains(RecordKinds, k) }

// OfService reports whether such a record is about the service, and nobody in office.
func (k RecordKind) OfService() bool { return k == EmergencyPlan || k == EmergencyDrill }

// PlanDays is for how many days from its own a plan counts, and a drill: a term of ours. Who
// wrote the plan, and who it names, has changed by then.
const PlanDays = 365

// KindRecorded is the kind of the entry that there is a record.
const KindRecorded = "officer.recorded"

// A RecordedBody is what the ledger keeps of a record.
type RecordedBody struct {
	ID      string     `json:"id"`
	Officer string     `json:"officer,omitempty"`
	Kind    RecordKind `json:"kind"`
	Mark    string     `json:"mark"` // of day, title and document: they may say more than the ledger may
}

// MaxDocument is how many bytes a document has at most.
const MaxDocument = 4 << 20

const maxTitle = 100 // characters

// A Record is about somebody who holds or held an office: by which document they were
// appointed, or what they have learned for it; or about the service: its emergency plan, or a
// drill of it.
type Record struct {
	Service string
	ID      string // "ro_…"
	Officer string // "st_…", the term of office; empty: it is about the service
	Kind    RecordKind
	Day     string // as in 2026-05-06
	Title   string
	File    string // the type of the document's file, "application/pdf"; empty: there is none
	Hash    string // the SHA-256 of the document, in hex
	AddedAt time.Time
	AddedBy string // as the ledger names actors

	sealed []byte
	salt   []byte
}

// Until is when a plan or a drill counts no more: the beginning of a day.
func (r Record) Until() time.Time {
	day, err := time.ParseInLocation(time.DateOnly, r.Day, age.Zone)
	if err != nil {
		return time.Time{} // changed by hand: it counts for nothing
	}
	return day.AddDate(0, 0, PlanDays)
}

// Mark is what the ledger has of the record: whoever has the record and its salt proves
// what it was.
func (r Record) Mark() string {
	return ledger.Mark(r.salt, r.Service, r.ID, r.Officer, string(r.Kind), r.Day, r.Title, r.File, r.Hash)
}

// Salt returns the salt of the mark, in hex.
func (r Record) Salt() string { return hex.EncodeToString(r.salt) }

// files are the types of documents.
var files = []string{"application/pdf", "image/png", "image/jpeg"}

// FileOf returns the type of a document's file, and whether it is one that can be kept: a PDF
// or a picture, of MaxDocument bytes at most.
func FileOf(document []byte) (file string, kept bool) {
	file = http.DetectContentType(document)
	return file, len(document) > 0 && len(document) <= MaxDocument && slices.Contains(files, file)
}

func (r Record) check(now time.Time, document []byte) error {
	day, err := time.ParseInLocation(time.DateOnly, r.Day, age.Zone)
	_, kept := FileOf(document)
	switch {
	case !r.Kind.Known():
		return ErrRecordKind.At("kind")
	case err != nil || day.After(now):
		return ErrRecordDay.At("day")
	case !isLine(r.Title, maxTitle):
		return ErrRecordTitle.At("title")
	case len(document) == 0 && (r.Kind == Training || r.Kind == EmergencyDrill):
		return nil
	case !kept:
		return ErrRecordDocument.At("document")
	}
	return nil
}

const (
	recordColumns  = `service, id, officer, kind, day, title, file, hash, added_at, added_by, salt`
	documentDomain = "catalog.record"
)

func (r *Record) into() []any {
	return []any{&r.Service, &r.ID, &r.Officer, &r.Kind, &r.Day, &r.Title, &r.File, &r.Hash, (*db.Time)(&r.AddedAt), &r.AddedBy, &r.salt}
}

func scanRecord(row db.Row) (r Record, err error) {
	err = row.Scan(r.into()...)
	return r, err
}

// Keep keeps a record about somebody who holds or held an office of the service, or about the
// service itself, with a document of at most MaxDocument bytes, sealed: an appointment and a
// plan have one. Of r, Officer, Kind, Day and Title count; where it is about the service, no
// Officer. Errors: ErrNotFound, ErrNotInOffice, ErrOfficerNotFound,
// ErrRecordKind, ErrRecordDay, ErrRecordTitle, ErrRecordDocument.
func Keep(ctx context.Context, tx *db.Tx, ring *keyring.Ring, by Actor, service string, r Record, document []byte) (Record, string, error) {
	s, err := lockBy(ctx, tx, by, service)
	if err != nil {
		return Record{}, "", err
	}
	return s.keep(ctx, tx, ring, by, r, document)
}

// keep keeps a record about the locked service.
func (s Service) keep(ctx context.Context, tx *db.Tx, ring *keyring.Ring, by Actor, r Record, document []byte) (Record, string, error) {
	fail := func(err error) (Record, string, error) { return Record{}, "", err }
	r = Record{Service: s.Name, ID: id.New(id.Record), Officer: r.Officer, Kind: r.Kind, Day: r.Day, Title: r.Title,
		AddedAt: tx.Now(), AddedBy: by.Ledger(), salt: ledger.NewSalt()}
	if r.Kind.OfService() {
		r.Officer = ""
	}
	if len(document) > 0 {
		r.File, r.Hash = http.DetectContentType(document), hashOf(string(document))
	}
	if err := r.check(tx.Now(), document); err != nil {
		return fail(err)
	}
	var err error
	if !r.Kind.OfService() {
		if _, err = FindOfficer(ctx, tx, s.Name, r.Officer); err != nil {
			return fail(err)
		}
	}
	if r.File != "" {
		if r.sealed, err = ring.Seal(documentDomain, document, r.Service, r.ID); err != nil {
			return fail(err)
		}
	}
	err = tx.Queue(ctx, `
		INSERT INTO officer_record (service, id, officer, kind, day, title, file, hash, document, salt, added_at, added_by)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
		r.Service, r.ID, r.Officer, r.Kind, r.Day, r.Title, r.File, r.Hash, r.sealed, r.salt, (*db.Time)(&r.AddedAt), r.AddedBy)
	if err != nil {
		return fail(err)
	}
	entry, err := s.note(ctx, tx, KindRecorded, by, RecordedBody{ID: r.ID, Officer: r.Officer, Kind: r.Kind, Mark: r.Mark()})
	return r, entry, err
}

// FindRecord returns a record of a service with its document. Errors: ErrRecordNotFound;
// ErrDamaged when the document isn't what its hash says.
func FindRecord(ctx context.Context, tx *db.Tx, ring *keyring.Ring, service, record string) (Record, []byte, error) {
	r, err := db.One(ctx, tx, scanWithDocument, `
		SELECT `+recordColumns+`, document FROM officer_record WHERE service = $1 AND id = $2`, service, record)
	if errors.Is(err, db.ErrNone) {
		err = ErrRecordNotFound
	}
	if err != nil || r.File == "" {
		return r, nil, err
	}
	document, err := r.open(ring)
	return r, document, err
}

func (r Record) open(ring *keyring.Ring) ([]byte, error) {
	document, err := ring.Open(documentDomain, r.sealed, r.Service, r.ID)
	if err == nil && (hashOf(string(document)) != r.Hash || http.DetectContentType(document) != r.File) {
		err = ErrDamaged
	}
	return document, err
}

func scanWithDocument(row db.Row) (r Record, err error) {
	err = row.Scan(append(r.into(), &r.sealed)...)
	return r, err
}

// A RecordCursor is where a list of records goes on. The zero RecordCursor is its
// beginning.
type RecordCursor struct{ Day, ID string }

// String writes it for an address; that of the beginning is empty.
func (c RecordCursor) String() string {
	if c.ID == "" {
		return ""
	}
	return c.Day + "." + c.ID
}

// ParseRecordCursor reads what String wrote; what isn't one is the beginning.
func ParseRecordCursor(s string) RecordCursor {
	day, record, _ := strings.Cut(s, ".")
	if !id.Is(id.Record, record) || len(day) != len(time.DateOnly) {
		return RecordCursor{}
	}
	return RecordCursor{day, record}
}

// Records returns at most limit records of a service, without their documents, the latest
// day first, and where the list goes on.
func Records(ctx context.Context, tx *db.Tx, service string, from RecordCursor, limit int) ([]Record, RecordCursor, error) {
	if from.ID == "" {
		from = RecordCursor{Day: "9", ID: ""} // after every day
	}
	all, err := db.All(ctx, tx, scanRecord, `
		SELECT `+recordColumns+` FROM officer_record
		WHERE service = $1 AND (day < $2 OR day = $2 AND id < $3)
		ORDER BY day DESC, id DESC LIMIT $4`, service, from.Day, from.ID, int64(limit+1))
	if err != nil || len(all) <= limit {
		return all, RecordCursor{}, err
	}
	last := all[limit-1]
	return all[:limit], RecordCursor{last.Day, last.ID}, nil
}

// LastPlan returns the newest plan of a service, or with EmergencyDrill the newest drill, of one day
// the one that was recorded last; whether it still counts or not (see Record.Until), and without its
// document. Errors: ErrRecordNotFound.
func LastPlan(ctx context.Context, tx *db.Tx, service string, kind RecordKind) (Record, error) {
	r, err := db.One(ctx, tx, scanRecord, `
		SELECT `+recordColumns+` FROM officer_record WHERE service = $1 AND kind = $2
		ORDER BY day DESC, added_at DESC, id DESC LIMIT 1`, service, kind)
	if errors.Is(err, db.ErrNone) {
		err = ErrRecordNotFound
	}
	return r, err
}

// OwesPlan reports whether the service must have an emergency plan (Article 21): from its first
// charter on, with which it may hold something of a child's, until all of it is erased.
func (s Service) OwesPlan(ctx context.Context, tx *db.Tx) (bool, error) {
	if s.Charter == 0 || !s.Ceases("") {
		return s.Charter != 0, nil
	}
	c, err := FindCessation(ctx, tx, s.Name, "")
	if errors.Is(err, ErrNotCeasing) {
		err = nil // lost in a restore: it has not ended
	}
	return c.EndedAt.IsZero(), err
}

// EachRecord calls fn with every record, and whether its document is there and is what its
// hash says, for an audit; without a ring the latter isn't asked.
func EachRecord(ctx context.Context, tx *db.Tx, ring *keyring.Ring, fn func(r Record, opens bool) error) error {
	return db.Each(ctx, tx, func(row db.Row) error {
		r, err := scanWithDocument(row)
		if err != nil {
			return err
		}
		opens := (r.File == "") == (len(r.sealed) == 0)
		if opens && r.File != "" && ring != nil {
			_, err := r.open(ring)
			opens = err == nil
		}
		return fn(r, opens)
	}, `SELECT `+recordColumns+`, document FROM officer_record ORDER BY service, id`)
}
