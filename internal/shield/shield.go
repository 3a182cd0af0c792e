// Package shield hides what is held of a child from a guardian who is the threat (edge case
// 22; Articles 1 and 15).
//
// Its one invariant: nothing is hidden but by two persons inside who are two, of whom one
// holds an office, for a reason that is on file, and until a day that they have named, at
// most ninety days from then. It ends in its second whatever runs, longer takes a new
// decision by two, and anybody who might decide lets it end before.
//
// What is hidden is hidden from a person: a tie that ends and is made anew with the same phone
// or address is hidden as long (family.AddGuardian), and shown again with it.
//
// The other guardians and the child are not touched by it. What the guardian says goes on
// counting: it can refuse and withdraw, and that stops every use at once (Articles 9 and 14).
// What can't be taken back waits for the office: a demand to erase the child is received, and
// freezes it, and is carried out or refused by the office within its clock (rights); values
// that have lost their ground by the guardian's own no are kept, and used by nobody, for as
// long as it lasts (vault). Otherwise who harms a child could have the proof of it erased
// (Article 1; Law on the Protection of Minors 4 and 11; PIPL 47, which lets what can't be
// erased yet be stored, and nothing else).
package shield

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/base/workday"
	"wardkeep/internal/family"
	"wardkeep/internal/ledger"
	"wardkeep/internal/rights"
	"wardkeep/internal/staff"
)

// What can be wrong with a shield. What is wrong with the two persons is approval's.
var (
	ErrMayNot   = errs.New(errs.Forbidden, "shield.may_not")
	ErrReason   = errs.New(errs.Invalid, "shield.reason_unknown")
	ErrDays     = errs.New(errs.Invalid, "shield.days_invalid")
	ErrText     = errs.New(errs.Invalid, "shield.text_invalid") // in the own words, and not none
	ErrGuardian = errs.New(errs.Invalid, "shield.guardian_unknown")
	ErrTwice    = errs.New(errs.Conflict, "shield.twice") // somebody has asked, and nobody decided
	ErrNotFound = errs.New(errs.NotFound, "shield.not_found")
	ErrDecided  = errs.New(errs.Conflict, "shield.decided")
	ErrOver     = errs.New(errs.Conflict, "shield.over") // or it isn't raised
	ErrForged   = errs.New(errs.Internal, "shield.not_intact")
)

const (
	// MostDays is how long a shield lasts at most, from the decision on.
	MostDays = 90
	// Term is how many working days there are to decide.
	Term = 1

	maxText = 500
)

// A Reason is why a guardian is taken for the threat. What happened is in the words alone.
type Reason string

// The reasons.
const (
	Violence  Reason = "violence"   // at home, reported or feared
	Abuse     Reason = "abuse"      // or neglect
	Custody   Reason = "custody"    // a court or an agreement keeps this one from the child
	ChildAsks Reason = "child_asks" // who is afraid
	Authority Reason = "authority"  // the police, a court or those who protect minors ask
)

// Reasons lists them.
var Reasons = []Reason{Violence, Abuse, Custody, ChildAsks, Authority}

// A State is how far a shield has come.
type State string

// The states. One that is raised hides until its time is over, whether or not the sweep has
// said so.
const (
	Asked    State = "asked"
	Refused  State = "refused"
	Raised   State = "raised"
	Lifted   State = "lifted"
	Replaced State = "replaced" // another was raised
	Over     State = "over"
)

// A Shield is what two persons inside have decided about one guardian of one child, or one of
// them has asked for.
type Shield struct {
	ID        string // "sh_…"
	Child     family.ID
	Service   string
	Guardian  family.GuardianID
	Reason    Reason
	Days      int
	State     State
	Asker     string // "st_…"
	Decider   string // likewise; empty: nobody has decided
	AskedAt   time.Time
	DecidedAt time.Time // zero until then
	DueAt     time.Time // until when it is to be decided; once it is raised, until when it hides
	ClosedAt  time.Time // zero while it is asked for or raised

	note []byte
}

// Open reports whether it is asked for, or raised.
func (s Shield) Open() bool { return s.ClosedAt.IsZero() }

// Hides reports whether it hides anything at that moment.
func (s Shield) Hides(now time.Time) bool { return s.State == Raised && now.Before(s.DueAt) }

// Late reports whether nobody has decided by its day.
func (s Shield) Late(now time.Time) bool { return s.State == Asked && !now.Before(s.DueAt) }

// Number is what people call it: "7K2M-9QXT".
func (s Shield) Number() string { return id.NumberOf(s.ID) }

const columns = `child, id, service, guardian, reason, days, note, state, asker, decider, asked_at, decided_at, due_at, closed_at`

func scan(row db.Row) (s Shield, err error) {
	var days int64
	err = row.Scan(&s.Child, &s.ID, &s.Service, &s.Guardian, &s.Reason, &days, &s.note, &s.State, &s.Asker, &s.Decider,
		(*db.Time)(&s.AskedAt), (*db.Time)(&s.DecidedAt), (*db.Time)(&s.DueAt), (*db.Time)(&s.ClosedAt))
	s.Days = int(days)
	return s, err
}

var queue = db.Queue[Shield]{
	Table: "shield", Columns: columns, Prefix: id.Shield, Scan: scan, None: ErrNotFound,
	At: func(s Shield) db.Cursor { return db.Cursor{At: s.DueAt, ID: s.ID} },
}

// The kinds of entries about shields. Each has the version of its child: who sees something
// of it hangs on them.
const (
	KindAsked   = "shield.asked"
	KindShown   = "shield.shown" // its words, to who may decide
	KindRaised  = "shield.raised"
	KindRefused = "shield.refused"
	KindLifted  = "shield.lifted"
	KindOver    = "shield.over"
)

// An AskedBody is what the ledger keeps of what was asked: the reason's code, and no word.
type AskedBody struct {
	Shield   string            `json:"shield"`
	Guardian family.GuardianID `json:"guardian"`
	Reason   Reason            `json:"reason"`
	Days     int               `json:"days"`
	Due      int64             `json:"due"` // µs
	approval.Inside
}

// A RaisedBody says until when what is held is hidden. Again is set where a store that was put
// back hides what was hidden (edge case 15), of which it knows nothing else.
type RaisedBody struct {
	Shield   string            `json:"shield"`
	Guardian family.GuardianID `json:"guardian"`
	Until    int64             `json:"until"` // µs
	Again    bool              `json:"again,omitempty"`
	approval.Pair
}

// A RefusedBody says that somebody has decided against it.
type RefusedBody struct {
	Shield string `json:"shield"`
	approval.Pair
}

// A LiftedBody says that it ended before its time, an OverBody that it has; a ShownBody that
// somebody has read its words.
type (
	ShownBody struct {
		Shield string `json:"shield"`
		approval.Inside
	}
	LiftedBody struct {
		Shield string `json:"shield"`
		approval.Inside
	}
	OverBody struct {
		Shield string `json:"shield"`
	}
)

// An Asking is what somebody asks for.
type Asking struct {
	Guardian family.GuardianID
	Reason   Reason
	Days     int
	Text     pii.Text // what happened, in the own words
}

// Ask asks that what is held of a child be hidden from one of its guardians. It changes
// nothing until another person has decided. Errors: ErrMayNot, ErrReason, ErrDays, ErrText,
// ErrGuardian, ErrTwice, those of family.Lock.
func Ask(ctx context.Context, tx *db.Tx, ring *keyring.Ring, days workday.Calendar, by staff.Acting, service string, child family.ID, ask Asking) (Shield, string, error) {
	fail := func(err error) (Shield, string, error) { return Shield{}, "", err }
	if by.Action != staff.AskShield || !by.Governs(service) {
		return fail(ErrMayNot)
	}
	if err := ask.check(); err != nil {
		return fail(err)
	}
	c, err := family.Lock(ctx, tx, service, child)
	if err != nil {
		return fail(err)
	}
	inside, err := insideOf(ctx, tx, by, staff.AskShield, service)
	if err != nil {
		return fail(err)
	}
	g, err := family.FindGuardian(ctx, tx, c.ID, ask.Guardian)
	if err == nil && !g.MayAnswer() || errors.Is(err, family.ErrGuardianNotFound) || errors.Is(err, family.ErrGuardianEnded) {
		err = ErrGuardian.At("guardian") // nobody else is shown anything
	}
	if err != nil {
		return fail(err)
	}
	all, err := Of(ctx, tx, c.ID)
	if err != nil {
		return fail(err)
	}
	if slices.ContainsFunc(all, func(s Shield) bool { return s.State == Asked && s.Guardian == g.ID }) {
		return fail(ErrTwice)
	}
	due, _ := days.Add(tx.Now(), Term)
	s := Shield{ID: id.New(id.Shield), Child: c.ID, Service: service, Guardian: g.ID, Reason: ask.Reason, Days: ask.Days, State: Asked,
		Asker: by.ID, AskedAt: tx.Now(), DueAt: due.UTC()}
	if s.note, err = c.SealNote(ring, ask.Text, s.bound()...); err != nil {
		return fail(err)
	}
	if err := s.insert(ctx, tx); err != nil {
		return fail(err)
	}
	entry, err := note(ctx, tx, c, KindAsked, by.Ledger(), AskedBody{s.ID, s.Guardian, s.Reason, s.Days, s.DueAt.UnixMicro(), inside})
	return s, entry, err
}

func (ask Asking) check() error {
	text := ask.Text.Reveal()
	switch {
	case !slices.Contains(Reasons, ask.Reason):
		return ErrReason.At("reason")
	case ask.Days < 1 || ask.Days > MostDays:
		return ErrDays.At("days")
	case strings.TrimSpace(text) == "" || !utf8.ValidString(text) || utf8.RuneCountInString(text) > maxText || strings.IndexByte(text, 0) >= 0:
		return ErrText.At("text")
	}
	return nil
}

// bound is what the words are sealed with.
func (s Shield) bound() []string { return []string{"shield", s.ID, string(s.Guardian)} }

func (s Shield) insert(ctx context.Context, tx *db.Tx) error {
	return tx.Queue(ctx, `
		INSERT INTO shield (`+columns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, NULL)`,
		s.Child, s.ID, s.Service, s.Guardian, s.Reason, int64(s.Days), s.note, s.State, s.Asker, s.Decider,
		(*db.Time)(&s.AskedAt), (*db.Time)(&s.DecidedAt), (*db.Time)(&s.DueAt))
}

// Show returns what was written with a shield, for who may decide about it. It is on record
// before it is shown (Article 15, invariant 2): whoever calls it waits for the commit. Errors:
// ErrMayNot, ErrNotFound, ErrForged.
func Show(ctx context.Context, tx *db.Tx, ring *keyring.Ring, by staff.Acting, service, shield string) (pii.Text, error) {
	c, s, err := lock(ctx, tx, by, staff.DecideShield, service, shield)
	if err != nil {
		return pii.Text{}, err
	}
	inside, err := insideOf(ctx, tx, by, staff.DecideShield, service)
	if err != nil {
		return pii.Text{}, err
	}
	text, err := s.Text(ring, c)
	if err != nil {
		return pii.Text{}, ErrForged
	}
	_, err = note(ctx, tx, c, KindShown, by.Ledger(), ShownBody{s.ID, inside})
	return text, err
}

// Raise hides what is held, from the commit on: another person than who has asked decides
// (approval.Pairs). A shield that was raised before about the same guardian ends with it, and
// what this guardian had demanded to erase waits for the office. Errors: ErrMayNot,
// ErrNotFound, ErrDecided, ErrGuardian, those of approval.Pairs.
func Raise(ctx context.Context, tx *db.Tx, ring *keyring.Ring, by staff.Acting, service, shield string) (Shield, string, error) {
	c, s, err := lock(ctx, tx, by, staff.DecideShield, service, shield)
	if err != nil {
		return s, "", err
	}
	pair, err := approval.Pairs(ctx, tx, by.ID, staff.DecideShield, s.Asker, staff.AskShield, service)
	if err != nil {
		return s, "", err
	}
	now := tx.Now()
	s.Decider, s.DecidedAt, s.State, s.DueAt = by.ID, now, Raised, now.Add(time.Duration(s.Days)*24*time.Hour)
	if err := s.hide(ctx, tx, ring, c); err != nil {
		return s, "", err
	}
	if err := s.raised(ctx, tx); err != nil {
		return s, "", err
	}
	entry, err := note(ctx, tx, c, KindRaised, by.Ledger(), RaisedBody{Shield: s.ID, Guardian: s.Guardian, Until: s.DueAt.UnixMicro(), Pair: pair})
	return s, entry, err
}

// hide hides what is held until the end of the shield, in the place of one that was raised
// before: longer takes a new decision. What the guardian wants to be erased waits from then on.
func (s Shield) hide(ctx context.Context, tx *db.Tx, ring *keyring.Ring, c family.Child) error {
	before, err := family.Hide(ctx, tx, ring, c, s.Guardian, s.ID, s.DueAt)
	if errors.Is(err, family.ErrGuardianNotFound) || errors.Is(err, family.ErrGuardianEnded) {
		err = ErrGuardian // there is nobody any more to hide it from
	}
	if err != nil {
		return err
	}
	now := tx.Now() // of a tie that was changed by hand before is anything: there it is the one that was raised about it
	if err := tx.Queue(ctx, `UPDATE shield SET state = $1, closed_at = $2 WHERE child = $3 AND (id = $4 OR guardian = $5) AND state = $6`,
		Replaced, (*db.Time)(&now), c.ID, before, s.Guardian, Raised); err != nil {
		return err
	}
	return rights.Withhold(ctx, tx, c, s.Guardian)
}

// raised writes the decision about what was asked, once.
func (s Shield) raised(ctx context.Context, tx *db.Tx) error {
	n, err := tx.Exec(ctx, `
		UPDATE shield SET state = $1, decider = $2, decided_at = $3, due_at = $4
		WHERE child = $5 AND id = $6 AND state = $7`, s.State, s.Decider, (*db.Time)(&s.DecidedAt), (*db.Time)(&s.DueAt), s.Child, s.ID, Asked)
	if err == nil && n != 1 {
		err = ErrDecided
	}
	return err
}

// RaiseAgain hides what was hidden in entries that a store lacks that was put back: by whom,
// and why, is in the ledger alone. What hides it here already stays as it is. Errors:
// ErrGuardian, where that tie is lost or has ended.
func RaiseAgain(ctx context.Context, tx *db.Tx, ring *keyring.Ring, actor string, c family.Child, b RaisedBody) error {
	s, err := queue.Find(ctx, tx, c.Service, b.Shield)
	known := err == nil
	switch {
	case err != nil && !errors.Is(err, ErrNotFound):
		return err
	case known && s.State != Asked:
		return nil
	case !known:
		s = Shield{ID: b.Shield, Child: c.ID, Service: c.Service, Guardian: b.Guardian, AskedAt: tx.Now(), note: []byte{}}
	}
	s.State, s.DecidedAt, s.DueAt = Raised, tx.Now(), time.UnixMicro(b.Until).UTC()
	if err := s.hide(ctx, tx, ring, c); err != nil {
		return err
	}
	if !known {
		err = s.insert(ctx, tx)
	} else {
		err = s.raised(ctx, tx)
	}
	if err != nil {
		return err
	}
	_, err = note(ctx, tx, c, KindRaised, actor, RaisedBody{Shield: s.ID, Guardian: s.Guardian, Until: b.Until, Again: true})
	return err
}

// Refuse decides against what was asked. Errors: those of Raise.
func Refuse(ctx context.Context, tx *db.Tx, by staff.Acting, service, shield string) (Shield, string, error) {
	c, s, err := lock(ctx, tx, by, staff.DecideShield, service, shield)
	if err != nil {
		return s, "", err
	}
	pair, err := approval.Pairs(ctx, tx, by.ID, staff.DecideShield, s.Asker, staff.AskShield, service)
	if err != nil {
		return s, "", err
	}
	s.Decider, s.DecidedAt, s.State, s.ClosedAt = by.ID, tx.Now(), Refused, tx.Now()
	n, err := tx.Exec(ctx, `
		UPDATE shield SET state = $1, decider = $2, decided_at = $3, closed_at = $3 WHERE child = $4 AND id = $5 AND state = $6`,
		s.State, s.Decider, (*db.Time)(&s.DecidedAt), c.ID, s.ID, Asked)
	if err == nil && n != 1 {
		err = ErrDecided
	}
	if err != nil {
		return s, "", err
	}
	entry, err := note(ctx, tx, c, KindRefused, by.Ledger(), RefusedBody{s.ID, pair})
	return s, entry, err
}

// Lift shows again what was hidden, before its time: anybody who may decide does so alone,
// also who has asked, for it only opens what a guardian has a right to see (PIPL 45). Whoever
// calls it erases what has lost its ground meanwhile (vault.EraseUnfounded). Errors:
// ErrMayNot, ErrNotFound, ErrOver.
func Lift(ctx context.Context, tx *db.Tx, ring *keyring.Ring, by staff.Acting, service, shield string) (Shield, string, error) {
	c, s, err := lock(ctx, tx, by, staff.DecideShield, service, shield)
	if err != nil {
		return s, "", err
	}
	inside, err := insideOf(ctx, tx, by, staff.DecideShield, service)
	if err == nil && !s.Hides(tx.Now()) {
		err = ErrOver
	}
	if err != nil {
		return s, "", err
	}
	if s, err = s.end(ctx, tx, c, Lifted); err != nil {
		return s, "", err
	}
	if err := family.Show(ctx, tx, ring, c, s.ID); err != nil {
		return s, "", err
	}
	entry, err := note(ctx, tx, c, KindLifted, by.Ledger(), LiftedBody{s.ID, inside})
	return s, entry, err
}

// LiftAgain shows again what was shown again in entries that a store lacks that was put back.
// One that isn't raised here is lifted already.
func LiftAgain(ctx context.Context, tx *db.Tx, ring *keyring.Ring, actor string, c family.Child, shield string) error {
	s, err := queue.Find(ctx, tx, c.Service, shield)
	if errors.Is(err, ErrNotFound) || err == nil && s.State != Raised {
		return nil
	}
	if err != nil {
		return err
	}
	if s, err = s.end(ctx, tx, c, Lifted); err != nil {
		return err
	}
	if err := family.Show(ctx, tx, ring, c, s.ID); err != nil {
		return err
	}
	_, err = note(ctx, tx, c, KindLifted, actor, LiftedBody{Shield: s.ID})
	return err
}

// Due returns shields whose time is over and of which nobody has said so, those behind after
// and at most limit: they hide nothing any more. It reads the index of those times.
func Due(ctx context.Context, tx *db.Tx, after Shield, limit int) ([]Shield, error) {
	now := tx.Now()
	return db.All(ctx, tx, scan, `
		SELECT `+columns+` FROM shield WHERE closed_at IS NULL AND state = $1 AND due_at <= $2 AND (due_at, id) > ($3, $4)
		ORDER BY due_at, id LIMIT $5`, Raised, (*db.Time)(&now), after.DueAt.UnixMicro(), after.ID, int64(limit))
}

// End says of a shield whose time is over that it is, once. Whoever calls it erases what has
// lost its ground meanwhile. Errors: ErrOver, those of family.Lock.
func End(ctx context.Context, tx *db.Tx, actor string, s Shield) error {
	c, err := family.Lock(ctx, tx, s.Service, s.Child)
	if err != nil {
		return err
	}
	if s, err = queue.Find(ctx, tx, s.Service, s.ID); err == nil && (s.State != Raised || s.Hides(tx.Now())) {
		err = ErrOver
	}
	if err != nil {
		return err
	}
	if s, err = s.end(ctx, tx, c, Over); err != nil {
		return err
	}
	if err := family.ForgetHidden(ctx, tx, c, s.ID); err != nil {
		return err
	}
	_, err = note(ctx, tx, c, KindOver, actor, OverBody{s.ID})
	return err
}

func (s Shield) end(ctx context.Context, tx *db.Tx, c family.Child, state State) (Shield, error) {
	s.State, s.ClosedAt = state, tx.Now()
	n, err := tx.Exec(ctx, `UPDATE shield SET state = $1, closed_at = $2 WHERE child = $3 AND id = $4 AND state = $5`,
		s.State, (*db.Time)(&s.ClosedAt), c.ID, s.ID, Raised)
	if err == nil && n != 1 {
		err = ErrOver
	}
	return s, err
}

// lock locks the child of a shield, and reads it.
func lock(ctx context.Context, tx *db.Tx, by staff.Acting, a staff.Action, service, shield string) (family.Child, Shield, error) {
	if by.Action != a || !by.Governs(service) {
		return family.Child{}, Shield{}, ErrMayNot
	}
	s, err := queue.Find(ctx, tx, service, shield)
	if err != nil {
		return family.Child{}, s, err
	}
	c, err := family.Lock(ctx, tx, service, s.Child)
	if errors.Is(err, family.ErrErased) {
		err = ErrNotFound // it went with the child
	}
	if err != nil {
		return c, s, err
	}
	s, err = queue.Find(ctx, tx, service, shield)
	return c, s, err
}

// insideOf returns what the act of a person inside rests on. Errors: ErrMayNot.
func insideOf(ctx context.Context, tx *db.Tx, by staff.Acting, a staff.Action, service string) (approval.Inside, error) {
	inside, err := approval.InsideOf(ctx, tx, by, a, service)
	if errors.Is(err, approval.ErrMayNot) {
		err = ErrMayNot
	}
	return inside, err
}

func note(ctx context.Context, tx *db.Tx, c family.Child, kind, actor string, body any) (string, error) {
	return ledger.Append(ctx, tx, ledger.Entry{Kind: kind, Service: c.Service, Subject: c.Subject, Version: c.Version, Actor: actor, Body: body})
}

// Text returns what was written with it. One that a store was put back without has none.
func (s Shield) Text(ring *keyring.Ring, c family.Child) (pii.Text, error) {
	if len(s.note) == 0 {
		return pii.Text{}, nil
	}
	return c.OpenNote(ring, s.note, s.bound()...)
}

// Intact reports whether the words are those that were written.
func (s Shield) Intact(ring *keyring.Ring, c family.Child) error {
	if len(s.note) == 0 {
		return nil
	}
	return c.IntactNote(ring, s.note, s.bound()...)
}

// HasText reports whether something was written with it.
func (s Shield) HasText() bool { return len(s.note) > 0 }
