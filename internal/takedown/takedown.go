// Package takedown keeps the cases of content that was published and harms the security of
// children's information, until it is down (Article 4).
//
// Its one invariant: a case is over only when somebody of the staff has decided that the
// content may stay, on a ground that is in the ledger, or when the operator's app has said
// that it is down. No time ends one: what nobody does is late, and stays so. What leads to
// the content is sealed, and goes with the case.
package takedown

import (
	"context"
	"crypto/subtle"
	"errors"
	"slices"
	"strings"
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
	"wardkeep/internal/ledger"
	"wardkeep/internal/staff"
)

// What can be wrong with a case.
var (
	ErrRef      = errs.New(errs.Invalid, "takedown.ref_invalid")
	ErrSource   = errs.New(errs.Invalid, "takedown.source_unknown")
	ErrHarm     = errs.New(errs.Invalid, "takedown.harm_unknown")
	ErrTwice    = errs.New(errs.Conflict, "takedown.twice") // of the same content there is an open one
	ErrMany     = errs.New(errs.TooMany, "takedown.too_many_open")
	ErrMayNot   = errs.New(errs.Forbidden, "takedown.may_not")
	ErrNotTaken = errs.New(errs.Conflict, "takedown.not_taken") // by who decides
	ErrNotFound = errs.New(errs.NotFound, "takedown.not_found")
	ErrDecided  = errs.New(errs.Conflict, "takedown.decided")
	ErrNotDue   = errs.New(errs.Conflict, "takedown.not_to_come_down") // nobody has decided that
	ErrOutcome  = errs.New(errs.Invalid, "takedown.outcome_unknown")
	ErrGround   = errs.New(errs.Invalid, "takedown.ground_unknown") // why it may stay, and nothing else
	ErrSealed   = errs.New(errs.Internal, "takedown.not_intact")
)

// The terms are in working days: of each step from the one before. The law says none; each
// is one that a serious operator keeps.
const (
	Acknowledge = 1 // from the report, until somebody looks after it
	Decide      = 2 // from then on
	TakeDown    = 1 // from the decision, until it is down
)

const (
	// maxOpen bounds the open ones of one app and source.
	maxOpen    = 2_000
	refDomain  = "takedown.ref"
	sealDomain = "takedown.sealed"
	maxRef     = 500 // characters
)

// A Source is who or what reports.
type Source string

// The sources.
const (
	User      Source = "user"
	Guardian  Source = "guardian" // somebody who says to be one
	Staff     Source = "staff"
	Authority Source = "authority"
	Screening Source = "screening" // of what was published before
)

// Sources lists them.
var Sources = []Source{User, Guardian, Staff, Authority, Screening}

// Heard are those from which a person inside has it: what a search finds its app reports.
var Heard = []Source{User, Guardian, Staff, Authority}

// A Harm is what the content is said to do.
type Harm string

// The harms.
const (
	Identifiers Harm = "identifiers" // it tells numbers, names, addresses of a child
	Picture     Harm = "picture"     // it shows a child
	Whereabouts Harm = "whereabouts" // it tells where a child is
	Other       Harm = "other"
)

// Harms lists them.
var Harms = []Harm{Identifiers, Picture, Whereabouts, Other}

// An Outcome is what was decided; empty until then.
type Outcome string

// The outcomes.
const (
	Down      Outcome = "take_down" // it has to come down, and the case goes on until it is
	Stays     Outcome = "stays"
	Withdrawn Outcome = "withdrawn" // reported by mistake
	Lapsed    Outcome = "lapsed"    // the service ended before
)

// Decidable are those that somebody of the staff decides for.
var Decidable = []Outcome{Down, Stays, Withdrawn}

// A Ground is why content may stay.
type Ground string

// The grounds.
const (
	NoChild   Ground = "no_child"  // it is about nobody under 14
	Permitted Ground = "permitted" // a guardian's grant discloses it to those who see it (Article 18)
	ByLaw     Ground = "by_law"    // a law or an administrative regulation demands it (Article 18)
	Harmless  Ground = "harmless"  // nobody can be told by it
)

// Grounds lists them.
var Grounds = []Ground{NoChild, Permitted, ByLaw, Harmless}

// A State is where a case stands.
type State string

// The states.
const (
	Reported State = "reported" // nobody looks after it
	Taken    State = "taken"    // somebody does
	Ordered  State = "ordered"  // it has to come down
	Closed   State = "closed"
)

// A Case is one report about one content of one service.
type Case struct {
	ID        string // "td_…"
	Service   string
	Source    Source
	Harm      Harm
	Reporter  string // the app, "ak_…", or the person inside, "st_…"
	Owner     string // who of the staff looks after it, "st_…", by an office or as a person inside; or empty
	Outcome   Outcome
	Ground    Ground
	OpenedAt  time.Time
	TakenAt   time.Time // when somebody first did
	DecidedAt time.Time
	DueAt     time.Time // the next step
	ClosedAt  time.Time // zero while it is open

	ref, refHash []byte // nil once it is closed
}

// Open reports whether something is left to do.
func (c Case) Open() bool { return c.ClosedAt.IsZero() }

// Late reports whether the next step wasn't taken by its day.
func (c Case) Late(now time.Time) bool { return c.Open() && !now.Before(c.DueAt) }

// State is where the case stands.
func (c Case) State() State {
	switch {
	case !c.Open():
		return Closed
	case !c.DecidedAt.IsZero():
		return Ordered
	case !c.TakenAt.IsZero():
		return Taken
	}
	return Reported
}

// Number is what people call it: "7K2M-9QXT".
func (c Case) Number() string { return id.NumberOf(c.ID) }

const columns = `id, service, source, harm, reporter, owner, outcome, ground, opened_at, taken_at, decided_at, due_at, closed_at, ref, ref_hash`

func scan(row db.Row) (c Case, err error) {
	err = row.Scan(&c.ID, &c.Service, &c.Source, &c.Harm, &c.Reporter, &c.Owner, &c.Outcome, &c.Ground, (*db.Time)(&c.OpenedAt), (*db.Time)(&c.TakenAt),
		(*db.Time)(&c.DecidedAt), (*db.Time)(&c.DueAt), (*db.Time)(&c.ClosedAt), &c.ref, &c.refHash)
	return c, err
}

func hashOf(ring *keyring.Ring, service string, ref pii.Text) []byte {
	return ring.Index(refDomain, service, ref.Reveal())
}

// Ref returns what the operator calls the content, or nothing once the case is closed.
// Errors: ErrSealed.
func (c Case) Ref(ring *keyring.Ring) (pii.Text, error) {
	if c.ref == nil {
		return pii.Text{}, nil
	}
	plain, err := ring.Open(sealDomain, c.ref, c.ID, c.Service)
	if errors.Is(err, keyring.ErrOpen) {
		err = ErrSealed
	}
	return pii.New(string(plain)), err
}

// Intact reports whether the row leads where it was made to lead, and nowhere once it is
// closed.
func (c Case) Intact(ring *keyring.Ring) bool {
	if !c.Open() {
		return c.ref == nil && c.refHash == nil
	}
	ref, err := c.Ref(ring)
	return err == nil && c.ref != nil && subtle.ConstantTimeCompare(hashOf(ring, c.Service, ref), c.refHash) == 1
}

var queue = db.Queue[Case]{
	Table: "takedown", Columns: columns, Prefix: id.Takedown, Scan: scan, None: ErrNotFound,
	At: func(c Case) db.Cursor { return db.Cursor{At: c.DueAt, ID: c.ID} },
}

// Find returns a case of the service. Errors: ErrNotFound.
func Find(ctx context.Context, tx *db.Tx, service, name string) (Case, error) {
	return queue.Find(ctx, tx, service, name)
}

// Show returns a case with what the operator calls the content, for who of the staff looks
// after it. A person inside has taken it first: so the ledger says who was led to the
// content. Errors: ErrMayNot, ErrNotFound, ErrNotTaken, ErrSealed.
func Show(ctx context.Context, tx *db.Tx, ring *keyring.Ring, by approval.Actor, service, name string) (Case, pii.Text, error) {
	fail := func(err error) (Case, pii.Text, error) { return Case{}, pii.Text{}, err }
	who, inside := approval.StaffOf(by, service)
	if who == "" {
		return fail(ErrMayNot)
	}
	c, err := Find(ctx, tx, service, name)
	switch {
	case err != nil:
		return fail(err)
	case inside && c.Owner != who:
		return fail(ErrNotTaken)
	}
	ref, err := c.Ref(ring)
	return c, ref, err
}

// Report opens a case. Errors: ErrMayNot, ErrSource, ErrHarm, ErrRef, ErrTwice, ErrMany.
// A service that ends takes them still: what it has published is read until then.
func Report(ctx context.Context, tx *db.Tx, ring *keyring.Ring, days workday.Calendar, by account.App, ref pii.Text, source Source, harm Harm) (Case, string, error) {
	if !by.May(account.TakedownsWrite) {
		return Case{}, "", ErrMayNot
	}
	c := Case{Service: by.Service, Source: source, Harm: harm, Reporter: by.ID}
	return c.report(ctx, tx, ring, days, by.Ledger(), ref, approval.Inside{})
}

// ReportInside is Report by a person inside whom the matrix lets (staff.ReportTakedowns): for
// themselves, or for who has told them of it. Errors: those of Report.
func ReportInside(ctx context.Context, tx *db.Tx, ring *keyring.Ring, days workday.Calendar, by staff.Acting, service string, ref pii.Text, source Source, harm Harm) (Case, string, error) {
	switch {
	case by.Action != staff.ReportTakedowns || !by.Governs(service):
		return Case{}, "", ErrMayNot
	case !slices.Contains(Heard, source):
		return Case{}, "", ErrSource.At("source")
	}
	inside, err := insideOf(ctx, tx, by, staff.ReportTakedowns, service)
	if err != nil {
		return Case{}, "", err
	}
	c := Case{Service: service, Source: source, Harm: harm, Reporter: by.ID}
	return c.report(ctx, tx, ring, days, by.Ledger(), ref, inside)
}

// insideOf returns what the act of a person inside rests on. Errors: ErrMayNot.
func insideOf(ctx context.Context, tx *db.Tx, by approval.Actor, a staff.Action, service string) (approval.Inside, error) {
	inside, err := approval.InsideOf(ctx, tx, by, a, service)
	if errors.Is(err, approval.ErrMayNot) {
		err = ErrMayNot
	}
	return inside, err
}

func (c Case) report(ctx context.Context, tx *db.Tx, ring *keyring.Ring, days workday.Calendar, actor string, ref pii.Text, inside approval.Inside) (Case, string, error) {
	fail := func(err error) (Case, string, error) { return Case{}, "", err }
	switch {
	case !slices.Contains(Sources, c.Source):
		return fail(ErrSource.At("source"))
	case !slices.Contains(Harms, c.Harm):
		return fail(ErrHarm.At("harm"))
	case !isRef(ref):
		return fail(ErrRef.At("ref"))
	}
	if _, err := catalog.Find(ctx, tx, c.Service); err != nil {
		return fail(err)
	}
	open, err := db.One(ctx, tx, db.Single[int64], `
		SELECT count(*) FROM (
			SELECT id FROM takedown WHERE service = $1 AND reporter = $2 AND source = $3 AND closed_at IS NULL LIMIT $4
		) AS waiting`, c.Service, c.Reporter, c.Source, int64(maxOpen))
	switch {
	case err != nil:
		return fail(err)
	case open >= maxOpen:
		return fail(ErrMany)
	}
	c.ID, c.OpenedAt, c.refHash = id.New(id.Takedown), tx.Now(), hashOf(ring, c.Service, ref)
	c.DueAt = after(days, c.OpenedAt, Acknowledge)
	if c.ref, err = ring.Seal(sealDomain, []byte(ref.Reveal()), c.ID, c.Service); err != nil {
		return fail(err)
	}
	// Of two who report the same content at once, one does.
	n, err := tx.Exec(ctx, `
		INSERT INTO takedown (id, service, source, harm, reporter, owner, outcome, ground, opened_at, due_at, ref, ref_hash)
		VALUES ($1, $2, $3, $4, $5, '', '', '', $6, $7, $8, $9)
		ON CONFLICT (service, ref_hash) DO NOTHING`,
		c.ID, c.Service, c.Source, c.Harm, c.Reporter, (*db.Time)(&c.OpenedAt), (*db.Time)(&c.DueAt), c.ref, c.refHash)
	switch {
	case err != nil:
		return fail(err)
	case n != 1:
		return fail(ErrTwice.At("ref"))
	}
	entry, err := c.note(ctx, tx, KindOpened, actor, OpenedBody{Case: c.ID, Source: c.Source, Harm: c.Harm, Due: c.DueAt.UnixMicro(), Inside: inside})
	return c, entry, err
}

func isRef(ref pii.Text) bool {
	s := ref.Reveal()
	return s != "" && strings.TrimSpace(s) == s && len([]rune(s)) <= maxRef && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f })
}

func after(days workday.Calendar, t time.Time, n int) time.Time {
	due, _ := days.Add(t, n) // whether or not the holidays of that year are known yet
	return due.UTC()
}

// Take makes somebody of the staff the owner of a case that waits for a decision, in the
// place of whoever was it; that the first does acknowledges it. Errors: ErrMayNot,
// ErrNotFound, ErrDecided.
func Take(ctx context.Context, tx *db.Tx, days workday.Calendar, by approval.Actor, service, name string) (Case, string, error) {
	c, inside, err := dealt(ctx, tx, by, service, name)
	if err != nil {
		return c, "", err
	}
	c.Owner, _ = approval.StaffOf(by, service)
	was := c.TakenAt
	if was.IsZero() {
		c.TakenAt, c.DueAt = tx.Now(), after(days, tx.Now(), Decide)
	}
	// Of two who take it at once, the second takes it over, and the clock is the first's.
	n, err := tx.Exec(ctx, `
		UPDATE takedown SET owner = $1, taken_at = $2, due_at = $3
		WHERE id = $4 AND closed_at IS NULL AND decided_at IS NULL AND coalesce(taken_at, 0) = $5`,
		c.Owner, (*db.Time)(&c.TakenAt), (*db.Time)(&c.DueAt), c.ID, micros(was))
	switch {
	case err != nil:
		return c, "", err
	case n != 1:
		return c, "", ErrDecided
	}
	entry, err := c.note(ctx, tx, KindTaken, by.Ledger(), TakenBody{c.ID, c.Owner, c.DueAt.UnixMicro(), inside})
	return c, entry, err
}

// dealt returns a case with which somebody of the staff of its service deals, and what
// that rests on.
func dealt(ctx context.Context, tx *db.Tx, by approval.Actor, service, name string) (c Case, inside approval.Inside, err error) {
	if c, err = Find(ctx, tx, service, name); err != nil {
		return c, inside, err
	}
	if who, _ := approval.StaffOf(by, service); who == "" {
		return c, inside, ErrMayNot
	}
	inside, err = insideOf(ctx, tx, by, staff.DecideTakedowns, service)
	return c, inside, err
}

func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// Settle decides: content that has to come down is waited for, and what may stay ends the
// case, on a ground. Who looks after it decides. Errors: ErrMayNot,
// ErrNotTaken, ErrOutcome, ErrGround, ErrNotFound, ErrDecided.
func Settle(ctx context.Context, tx *db.Tx, days workday.Calendar, by approval.Actor, service, name string, outcome Outcome, ground Ground) (Case, string, error) {
	c, inside, err := dealt(ctx, tx, by, service, name)
	switch {
	case err != nil:
		return c, "", err
	case !slices.Contains(Decidable, outcome):
		return c, "", ErrOutcome.At("outcome")
	case (outcome == Stays) != slices.Contains(Grounds, ground) || outcome != Stays && ground != "":
		return c, "", ErrGround.At("ground")
	case !c.Open() || !c.DecidedAt.IsZero():
		return c, "", ErrDecided
	}
	if who, _ := approval.StaffOf(by, service); c.Owner != who {
		return c, "", ErrNotTaken
	}
	c.Outcome, c.Ground, c.DecidedAt = outcome, ground, tx.Now()
	if outcome == Down {
		c.DueAt = after(days, tx.Now(), TakeDown)
	} else {
		c.ClosedAt, c.ref, c.refHash = tx.Now(), nil, nil
	}
	n, err := tx.Exec(ctx, `
		UPDATE takedown SET outcome = $1, ground = $2, decided_at = $3, due_at = $4, closed_at = $5, ref = $6, ref_hash = $7
		WHERE id = $8 AND owner = $9 AND closed_at IS NULL AND decided_at IS NULL`,
		c.Outcome, c.Ground, (*db.Time)(&c.DecidedAt), (*db.Time)(&c.DueAt), (*db.Time)(&c.ClosedAt), c.ref, c.refHash, c.ID, c.Owner)
	switch {
	case err != nil:
		return c, "", err
	case n != 1:
		return c, "", ErrDecided
	}
	entry, err := c.note(ctx, tx, KindDecided, by.Ledger(), DecidedBody{c.ID, c.Outcome, c.Ground, c.DueAt.UnixMicro(), inside})
	return c, entry, err
}

// Done says that the content is down, and ends the case. Errors: ErrMayNot, ErrNotFound,
// ErrNotDue.
func Done(ctx context.Context, tx *db.Tx, by account.App, name string) (Case, string, error) {
	if !by.May(account.TakedownsWrite) {
		return Case{}, "", ErrMayNot
	}
	c, err := Find(ctx, tx, by.Service, name)
	if err != nil {
		return c, "", err
	}
	c.ClosedAt, c.ref, c.refHash = tx.Now(), nil, nil
	n, err := tx.Exec(ctx, `
		UPDATE takedown SET closed_at = $1, ref = NULL, ref_hash = NULL
		WHERE id = $2 AND closed_at IS NULL AND outcome = 'take_down'`, (*db.Time)(&c.ClosedAt), c.ID)
	switch {
	case err != nil:
		return c, "", err
	case n != 1:
		return c, "", ErrNotDue
	}
	entry, err := c.note(ctx, tx, KindDone, by.Ledger(), DoneBody{c.ID})
	return c, entry, err
}

// Lapse ends cases of a service that has ended, at most limit, and returns how many: what
// it has published is gone with it (Article 23).
func Lapse(ctx context.Context, tx *db.Tx, actor, service string, limit int) (int, error) {
	open, err := Waiting(ctx, tx, service, limit)
	if err != nil {
		return 0, err
	}
	for _, c := range open {
		c.Outcome, c.Ground, c.ClosedAt = Lapsed, "", tx.Now()
		n, err := tx.Exec(ctx, `
			UPDATE takedown SET outcome = $1, ground = '', closed_at = $2, ref = NULL, ref_hash = NULL
			WHERE id = $3 AND closed_at IS NULL`, c.Outcome, (*db.Time)(&c.ClosedAt), c.ID)
		if err != nil {
			return 0, err
		}
		if n != 1 {
			continue // somebody has ended it
		}
		if _, err := c.note(ctx, tx, KindLapsed, actor, DoneBody{c.ID}); err != nil {
			return 0, err
		}
	}
	return len(open), nil
}

// The kinds of entries about cases. They are about a content and no child, and no decision
// of the gate is computed from them: their version is 0.
const (
	KindOpened  = "takedown.opened"
	KindTaken   = "takedown.taken"
	KindDecided = "takedown.decided"
	KindDone    = "takedown.done"
	KindLapsed  = "takedown.lapsed"
)

// An OpenedBody is what the ledger keeps of a report: nothing of the content.
type OpenedBody struct {
	Case   string `json:"case"`
	Source Source `json:"source"`
	Harm   Harm   `json:"harm"`
	Due    int64  `json:"due"` // µs
	approval.Inside
}

// A TakenBody says who looks after it, and until when they have to decide.
type TakenBody struct {
	Case  string `json:"case"`
	Owner string `json:"owner"`
	Due   int64  `json:"due"`
	approval.Inside
}

// A DecidedBody says what was decided, and until when the content has to be down.
type DecidedBody struct {
	Case    string  `json:"case"`
	Outcome Outcome `json:"outcome"`
	Ground  Ground  `json:"ground,omitempty"`
	Due     int64   `json:"due"`
	approval.Inside
}

// A DoneBody names the case that is over.
type DoneBody struct {
	Case string `json:"case"`
}

func (c Case) note(ctx context.Context, tx *db.Tx, kind, actor string, body any) (string, error) {
	return ledger.Append(ctx, tx, ledger.Entry{Kind: kind, Service: c.Service, Actor: actor, Body: body})
}
