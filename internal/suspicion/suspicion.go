// Package suspicion keeps what was reported of accounts that aren't registered as a
// child's and may be one's (Articles 2 and 9).
//
// Its one invariant: from the report on, whoever may be a child is treated as one, until
// somebody of the staff has decided, and on what ground is in the ledger. No time
// decides: what nobody has decided about stays open, is counted as late, and stays a
// child's. What leads to the account is sealed, and goes with the decision, or with the
// service.
package suspicion

import (
	"context"
	"crypto/subtle"
	"errors"
	"slices"
	"time"

	"wardkeep/internal/account"
	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/base/workday"
	"wardkeep/internal/catalog"
	"wardkeep/internal/family"
	"wardkeep/internal/ledger"
	"wardkeep/internal/staff"
)

// What can be wrong with a suspicion.
var (
	ErrRef        = errs.New(errs.Invalid, "suspicion.ref_invalid")
	ErrSource     = errs.New(errs.Invalid, "suspicion.source_unknown")
	ErrTwice      = errs.New(errs.Conflict, "suspicion.twice")        // the same account is suspected already
	ErrRegistered = errs.New(errs.Conflict, "suspicion.registered")   // it is a child's, and known to be
	ErrMany       = errs.New(errs.TooMany, "suspicion.too_many_open") // of this reporter and source
	ErrMayNot     = errs.New(errs.Forbidden, "suspicion.may_not")
	ErrNotTaken   = errs.New(errs.Conflict, "suspicion.not_taken") // by who would see the account, or decide
	ErrHandTo     = errs.New(errs.Invalid, "suspicion.hand_to")    // who can't decide in this service
	ErrNotFound   = errs.New(errs.NotFound, "suspicion.not_found")
	ErrDecided    = errs.New(errs.Conflict, "suspicion.decided")
	ErrOutcome    = errs.New(errs.Invalid, "suspicion.outcome_unknown")
	ErrBasis      = errs.New(errs.Invalid, "suspicion.basis_unknown") // what was checked, for who is no child and nobody else
	ErrSealed     = errs.New(errs.Internal, "suspicion.not_intact")
)

const (
	// Term is how many working days there are to decide.
	Term = 5

	// maxOpen bounds the open ones of one reporter and source. What one rule or one key floods
	// is its own share: a parent who calls is heard all the same. How many keys there are is
	// the operator's to say.
	maxOpen = 2_000

	refDomain  = "suspicion.ref"
	sealDomain = "suspicion.sealed"
)

// A Source is who or what suspects.
type Source string

// The sources.
const (
	Staff      Source = "staff"
	Parent     Source = "parent"      // somebody who says to be a parent
	Signal     Source = "signal"      // a rule or a model of the operator's
	UserReport Source = "user_report" // another user
)

// Sources lists them.
var Sources = []Source{Staff, Parent, Signal, UserReport}

// Heard are those from which a person inside has it: what a rule finds its app reports.
var Heard = []Source{Staff, Parent, UserReport}

func (s Source) known() bool { return slices.Contains(Sources, s) }

// An Outcome is what became of a suspicion; empty while it is open.
type Outcome string

// The outcomes.
const (
	NotAChild       Outcome = "not_a_child"
	Child           Outcome = "child"            // registered as one
	ErasedElsewhere Outcome = "erased_elsewhere" // a child's: the operator has closed the account and erased what it held
	Withdrawn       Outcome = "withdrawn"        // reported by mistake
	Lapsed          Outcome = "lapsed"           // nobody decided before the service ended
)

// Decidable are those that somebody of the staff decides for; the others come of what else
// is done.
var Decidable = []Outcome{NotAChild, ErasedElsewhere, Withdrawn}

// A Basis is what was checked of who is no child. What it said is nowhere.
type Basis string

// The bases.
const (
	DocumentSeen  Basis = "document_seen"
	OfficialCheck Basis = "official_check"
	ParentSaid    Basis = "parent_said"
)

// Bases lists them.
var Bases = []Basis{DocumentSeen, OfficialCheck, ParentSaid}

func (b Basis) known() bool { return slices.Contains(Bases, b) }

// An Actor is somebody of the staff, who acts by an office or as a person inside.
type Actor = approval.Actor

// takes refuses who isn't of the staff of the service.
func takes(by Actor, service string) error {
	if name, _ := approval.StaffOf(by, service); name == "" {
		return ErrMayNot
	}
	return nil
}

// insideOf returns what the act of a person inside rests on. Errors: ErrMayNot.
func insideOf(ctx context.Context, tx *db.Tx, by Actor, service string) (approval.Inside, error) {
	inside, err := approval.InsideOf(ctx, tx, by, staff.DecideSuspicions, service)
	if errors.Is(err, approval.ErrMayNot) {
		err = ErrMayNot
	}
	return inside, err
}

// A Suspicion is one report about one account of one service.
type Suspicion struct {
	ID       string // "sp_…"
	Service  string
	Source   Source
	Reporter string // the app, "ak_…", or the person inside, "st_…"
	Owner    string // who of the staff looks after it, "st_…", by an office or as a person inside; or empty
	Outcome  Outcome
	Basis    Basis
	OpenedAt time.Time
	DueAt    time.Time
	ClosedAt time.Time // zero while it is open

	ref, refHash []byte // nil once it is closed
}

// Open reports whether nobody has decided yet.
func (s Suspicion) Open() bool { return s.ClosedAt.IsZero() }

// TreatAs says what the operator's app does with the account: "child" while it may be
// one's, or is, "closed", or "as_before".
func (s Suspicion) TreatAs() string {
	switch s.Outcome {
	case NotAChild, Withdrawn:
		return "as_before"
	case ErasedElsewhere:
		return "closed"
	}
	return "child" // nobody's word has made it anything else
}

const columns = `id, service, source, reporter, owner, outcome, basis, opened_at, due_at, closed_at, ref, ref_hash`

func scan(row db.Row) (s Suspicion, err error) {
	err = row.Scan(&s.ID, &s.Service, &s.Source, &s.Reporter, &s.Owner, &s.Outcome, &s.Basis,
		(*db.Time)(&s.OpenedAt), (*db.Time)(&s.DueAt), (*db.Time)(&s.ClosedAt), &s.ref, &s.refHash)
	return s, err
}

func hashOf(ring *keyring.Ring, service string, ref pii.Text) []byte {
	return ring.Index(refDomain, service, ref.Reveal())
}

// Ref returns what the operator calls the account, or nothing once it is closed.
// Errors: ErrSealed.
func (s Suspicion) Ref(ring *keyring.Ring) (pii.Text, error) {
	if s.ref == nil {
		return pii.Text{}, nil
	}
	plain, err := ring.Open(sealDomain, s.ref, s.ID, s.Service)
	if errors.Is(err, keyring.ErrOpen) {
		err = ErrSealed
	}
	return pii.New(string(plain)), err
}

// Intact reports whether the row leads where it was made to lead, and nowhere once it
// is closed.
func (s Suspicion) Intact(ring *keyring.Ring) bool {
	if !s.Open() {
		return s.ref == nil && s.refHash == nil
	}
	ref, err := s.Ref(ring)
	return err == nil && s.ref != nil && subtle.ConstantTimeCompare(hashOf(ring, s.Service, ref), s.refHash) == 1
}

var queue = db.Queue[Suspicion]{
	Table: "suspicion", Columns: columns, Prefix: id.Suspicion, Scan: scan, None: ErrNotFound,
	At: func(s Suspicion) db.Cursor { return db.Cursor{At: s.DueAt, ID: s.ID} },
}

// Find returns a suspicion of the service. Errors: ErrNotFound.
func Find(ctx context.Context, tx *db.Tx, service, name string) (Suspicion, error) {
	return queue.Find(ctx, tx, service, name)
}

// Show returns a suspicion with what the operator calls the account, for who of the
// staff looks after it. A person inside has taken it first: so the ledger says who was
// led to the account. Errors: ErrMayNot, ErrNotFound, ErrNotTaken, ErrSealed.
func Show(ctx context.Context, tx *db.Tx, ring *keyring.Ring, by Actor, service, name string) (Suspicion, pii.Text, error) {
	if err := takes(by, service); err != nil {
		return Suspicion{}, pii.Text{}, err
	}
	s, err := Find(ctx, tx, service, name)
	if name, inside := approval.StaffOf(by, service); err == nil && inside && s.Owner != name {
		err = ErrNotTaken
	}
	if err != nil {
		return s, pii.Text{}, err
	}
	ref, err := s.Ref(ring)
	return s, ref, err
}

// byRef returns the open suspicion about an account.
func byRef(ctx context.Context, tx *db.Tx, ring *keyring.Ring, service string, ref pii.Text) (Suspicion, bool, error) {
	s, err := db.One(ctx, tx, scan, `
		SELECT `+columns+` FROM suspicion WHERE service = $1 AND ref_hash = $2`, service, hashOf(ring, service, ref))
	if errors.Is(err, db.ErrNone) {
		return s, false, nil
	}
	return s, err == nil, err
}

// Suspected reports whether the account is suspected to be a child's: until that is
// decided its age is unknown, whatever the operator was told, and so a child's
// (Article 2).
func Suspected(ctx context.Context, tx *db.Tx, ring *keyring.Ring, service string, ref pii.Text) (bool, error) {
	_, open, err := byRef(ctx, tx, ring, service, ref)
	return open, err
}

// Report opens a suspicion about an account that isn't registered as a child's. It
// tells the person nothing, and registers nobody. Errors: ErrMayNot, ErrRef,
// ErrSource, ErrTwice, ErrRegistered, ErrMany, catalog.ErrCeasing.
func Report(ctx context.Context, tx *db.Tx, ring *keyring.Ring, days workday.Calendar, by account.App, ref pii.Text, source Source) (Suspicion, string, error) {
	if !by.May(account.SuspicionsWrite) {
		return Suspicion{}, "", ErrMayNot
	}
	s := Suspicion{Service: by.Service, Source: source, Reporter: by.ID}
	return s.report(ctx, tx, ring, days, by.Ledger(), ref, approval.Inside{})
}

// ReportInside is Report by a person inside whom the matrix lets (staff.ReportSuspicions):
// for themselves, or for who has told them of it. That an account is a child's already they
// learn by it, as by a look-up: whoever calls records that. Errors: those of Report.
func ReportInside(ctx context.Context, tx *db.Tx, ring *keyring.Ring, days workday.Calendar, by staff.Acting, service string, ref pii.Text, source Source) (Suspicion, string, error) {
	if by.Action != staff.ReportSuspicions || !by.Governs(service) {
		return Suspicion{}, "", ErrMayNot
	}
	if !slices.Contains(Heard, source) {
		return Suspicion{}, "", ErrSource.At("source")
	}
	inside, err := approval.InsideOf(ctx, tx, by, staff.ReportSuspicions, service)
	if errors.Is(err, approval.ErrMayNot) {
		err = ErrMayNot
	}
	if err != nil {
		return Suspicion{}, "", err
	}
	s := Suspicion{Service: service, Source: source, Reporter: by.ID}
	return s.report(ctx, tx, ring, days, by.Ledger(), ref, inside)
}

func (s Suspicion) report(ctx context.Context, tx *db.Tx, ring *keyring.Ring, days workday.Calendar, actor string, ref pii.Text, inside approval.Inside) (Suspicion, string, error) {
	fail := func(err error) (Suspicion, string, error) { return Suspicion{}, "", err }
	switch {
	case !s.Source.known():
		return fail(ErrSource.At("source"))
	case !family.IsRef(ref):
		return fail(ErrRef.At("ref"))
	}
	// Article 23: with the announcement that a service ends, nothing more comes in.
	switch service, err := catalog.Find(ctx, tx, s.Service); {
	case err != nil:
		return fail(err)
	case service.Ceases(""):
		return fail(catalog.ErrCeasing)
	}
	switch _, err := family.FindByRef(ctx, tx, ring, s.Service, ref); {
	case err == nil:
		return fail(ErrRegistered.At("ref"))
	case !errors.Is(err, family.ErrNotFound):
		return fail(err)
	}
	open, err := db.One(ctx, tx, db.Single[int64], `
		SELECT count(*) FROM (
			SELECT id FROM suspicion WHERE service = $1 AND reporter = $2 AND source = $3 AND closed_at IS NULL LIMIT $4
		) AS waiting`, s.Service, s.Reporter, s.Source, int64(maxOpen))
	switch {
	case err != nil:
		return fail(err)
	case open >= maxOpen:
		return fail(ErrMany)
	}
	s.ID, s.OpenedAt, s.refHash = id.New(id.Suspicion), tx.Now(), hashOf(ring, s.Service, ref)
	due, _ := days.Add(s.OpenedAt, Term) // whether or not the holidays of that year are known yet
	s.DueAt = due.UTC()
	if s.ref, err = ring.Seal(sealDomain, []byte(ref.Reveal()), s.ID, s.Service); err != nil {
		return fail(err)
	}
	// Of two who report the same account at once, one does.
	n, err := tx.Exec(ctx, `
		INSERT INTO suspicion (id, service, source, reporter, owner, outcome, basis, opened_at, due_at, ref, ref_hash)
		VALUES ($1, $2, $3, $4, '', '', '', $5, $6, $7, $8)
		ON CONFLICT (service, ref_hash) DO NOTHING`,
		s.ID, s.Service, s.Source, s.Reporter, (*db.Time)(&s.OpenedAt), (*db.Time)(&s.DueAt), s.ref, s.refHash)
	switch {
	case err != nil:
		return fail(err)
	case n != 1:
		return fail(ErrTwice.At("ref"))
	}
	entry, err := s.note(ctx, tx, KindOpened, actor, OpenedBody{Suspicion: s.ID, Source: s.Source, Due: s.DueAt.UnixMicro(), Inside: inside})
	return s, entry, err
}

// Take makes somebody of the staff the owner of an open suspicion, in the place of
// whoever was it. Errors: ErrMayNot, ErrNotFound, ErrDecided.
func Take(ctx context.Context, tx *db.Tx, by Actor, service, name string) (Suspicion, string, error) {
	return Hand(ctx, tx, by, by, service, name)
}

// Hand makes somebody else of the staff the owner, who from then on decides. Errors:
// ErrMayNot, ErrHandTo, ErrNotFound, ErrDecided.
func Hand(ctx context.Context, tx *db.Tx, by, to Actor, service, name string) (Suspicion, string, error) {
	s, err := Find(ctx, tx, service, name)
	switch {
	case err != nil:
		return s, "", err
	case takes(by, service) != nil:
		return s, "", ErrMayNot
	case takes(to, service) != nil:
		return s, "", ErrHandTo.At("to")
	}
	inside, err := insideOf(ctx, tx, by, service)
	if err != nil {
		return s, "", err
	}
	s.Owner, _ = approval.StaffOf(to, service)
	n, err := tx.Exec(ctx, `UPDATE suspicion SET owner = $1 WHERE id = $2 AND closed_at IS NULL`, s.Owner, s.ID)
	switch {
	case err != nil:
		return s, "", err
	case n != 1:
		return s, "", ErrDecided
	}
	entry, err := s.note(ctx, tx, KindTaken, by.Ledger(), TakenBody{s.ID, s.Owner, inside})
	return s, entry, err
}

// Decide ends a suspicion: who is no child isn't one on the basis of what was checked,
// and a child's account was closed by the operator, unless it is registered: see
// Registered. A person inside decides about what they look after: who hasn't been led to
// the account can't know. Errors: ErrMayNot, ErrNotTaken, ErrOutcome, ErrBasis,
// ErrNotFound, ErrDecided.
func Decide(ctx context.Context, tx *db.Tx, by Actor, service, name string, outcome Outcome, basis Basis) (Suspicion, string, error) {
	s, err := Find(ctx, tx, service, name)
	switch {
	case err != nil:
		return s, "", err
	case takes(by, service) != nil:
		return s, "", ErrMayNot
	case !slices.Contains(Decidable, outcome):
		return s, "", ErrOutcome.At("outcome")
	case (outcome == NotAChild) != basis.known() || outcome != NotAChild && basis != "":
		return s, "", ErrBasis.At("basis")
	case !s.Open():
		return s, "", ErrDecided
	}
	inside, err := insideOf(ctx, tx, by, service)
	if err != nil {
		return s, "", err
	}
	if name, inside := approval.StaffOf(by, service); inside {
		// It holds the row: of who decides and who takes it over at once, the first is first.
		n, err := tx.Exec(ctx, `UPDATE suspicion SET owner = $1 WHERE id = $2 AND owner = $1 AND closed_at IS NULL`, name, s.ID)
		if err == nil && n != 1 {
			err = ErrNotTaken
		}
		if err != nil {
			return s, "", err
		}
	}
	return s.close(ctx, tx, by.Ledger(), outcome, basis, inside)
}

// Registered ends the suspicion about an account that was registered as a child's in
// the same transaction, if there is one: whoever registers answers it.
func Registered(ctx context.Context, tx *db.Tx, ring *keyring.Ring, by family.Actor, service string, ref pii.Text) error {
	s, open, err := byRef(ctx, tx, ring, service, ref)
	if err != nil || !open {
		return err
	}
	_, _, err = s.close(ctx, tx, by.Ledger(), Child, "", approval.Inside{})
	return err
}

// Lapse ends suspicions of a service that has ended, at most limit, and returns how
// many: nobody's age is asked for there any more (Article 23). Nothing else than a
// decision and this ends one. Otherwise an account of whose age nothing is known would be
// taken for grown up because nobody had the time (Article 2).
func Lapse(ctx context.Context, tx *db.Tx, actor, service string, limit int) (int, error) {
	open, err := Waiting(ctx, tx, service, limit)
	if err != nil {
		return 0, err
	}
	for _, s := range open {
		if _, _, err := s.close(ctx, tx, actor, Lapsed, "", approval.Inside{}); err != nil && !errors.Is(err, ErrDecided) {
			return 0, err
		}
	}
	return len(open), nil
}

// close ends an open suspicion once. From the commit on nothing leads to the account.
func (s Suspicion) close(ctx context.Context, tx *db.Tx, actor string, outcome Outcome, basis Basis, by approval.Inside) (Suspicion, string, error) {
	s.Outcome, s.Basis, s.ClosedAt, s.ref, s.refHash = outcome, basis, tx.Now(), nil, nil
	n, err := tx.Exec(ctx, `
		UPDATE suspicion SET outcome = $1, basis = $2, closed_at = $3, ref = NULL, ref_hash = NULL
		WHERE id = $4 AND closed_at IS NULL`, s.Outcome, s.Basis, (*db.Time)(&s.ClosedAt), s.ID)
	switch {
	case err != nil:
		return s, "", err
	case n != 1:
		return s, "", ErrDecided
	}
	entry, err := s.note(ctx, tx, KindDecided, actor, DecidedBody{s.ID, s.Outcome, s.Basis, by})
	return s, entry, err
}

// The kinds of entries about suspicions. They are about an account and no child, and no
// decision of the gate is computed from them: their version is 0.
const (
	KindOpened  = "suspicion.opened"
	KindTaken   = "suspicion.taken"
	KindDecided = "suspicion.decided"
)

// An OpenedBody is what the ledger keeps of a report: nothing of the account.
type OpenedBody struct {
	Suspicion string `json:"suspicion"`
	Source    Source `json:"source"`
	Due       int64  `json:"due"` // µs
	approval.Inside
}

// A TakenBody says who looks after it.
type TakenBody struct {
	Suspicion string `json:"suspicion"`
	Owner     string `json:"owner"`
	approval.Inside
}

// A DecidedBody says how it ended, and what was checked.
type DecidedBody struct {
	Suspicion string  `json:"suspicion"`
	Outcome   Outcome `json:"outcome"`
	Basis     Basis   `json:"basis,omitempty"`
	approval.Inside
}

func (s Suspicion) note(ctx context.Context, tx *db.Tx, kind, actor string, body any) (string, error) {
	return ledger.Append(ctx, tx, ledger.Entry{Kind: kind, Service: s.Service, Actor: actor, Body: body})
}
