package authority

import (
	"context"
	"errors"
	"slices"
	"time"

	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
	"wardkeep/internal/incident"
	"wardkeep/internal/ledger"
	"wardkeep/internal/staff"
)

// The kinds of entries about reports. They are about a case and no child, and no decision of the
// gate is computed from them: their version is 0.
const (
	KindDrafted   = "authority.drafted"
	KindSent      = "authority.sent"
	KindConfirmed = "authority.confirmed" // that it isn't told
	KindAnswered  = "authority.answered"
)

// About is what each entry says of its case, for who is told of events: whose doing has raised it isn't
// told of it, and of what is practised nobody is.
type About struct {
	Suspect string `json:"suspect,omitempty"`
	Drill   bool   `json:"drill,omitempty"`
}

func about(c incident.Case) About { return About{c.Suspect, c.Drill} }

// A DraftedBody says that a version of a report was made, and which: the mark is of all that it
// says.
type DraftedBody struct {
	Case   string `json:"case"`
	Number int64  `json:"number"`
	Kind   Kind   `json:"kind"`
	Mark   string `json:"mark"`
	About
	approval.Inside
}

// A SentBody says that a version was sent, by which way, and when, as who has sent it says, in
// microseconds.
type SentBody struct {
	Case    string  `json:"case"`
	Number  int64   `json:"number"`
	Channel Channel `json:"channel"`
	Sent    int64   `json:"sent"`
	About
	approval.Inside
}

// A ConfirmedBody says that another person has confirmed that the authority isn't told: which two
// they are.
type ConfirmedBody struct {
	Case   string `json:"case"`
	Number int64  `json:"number"`
	About
	approval.Pair
}

// Draft makes a report of the facts of a case as they are now, and of what somebody adds to them,
// as a person inside whom the matrix lets (staff.WriteIncidents); or writes down why the authority
// isn't told. Of what is practised it says so. What was drafted before stays. Errors: ErrMayNot,
// ErrWords, ErrKind, ErrMany, incident.ErrNotFound; of None, incident.ErrReported of what isn't
// known to be minor, incident.ErrClosed.
func Draft(ctx context.Context, tx *db.Tx, ring *keyring.Ring, charters *catalog.Cache, by staff.Acting, service, name string, kind Kind, words Words) (Report, string, error) {
	fail := func(err error) (Report, string, error) { return Report{}, "", err }
	inside, err := insideOf(ctx, tx, by, service)
	if err != nil {
		return fail(err)
	}
	if !slices.Contains(Kinds, kind) {
		return fail(ErrKind.At("kind"))
	}
	if err := words.check(kind); err != nil {
		return fail(err)
	}
	c, err := incident.Hold(ctx, tx, service, name)
	if err != nil {
		return fail(err)
	}
	all, err := Of(ctx, tx, c.ID)
	switch {
	case err != nil:
		return fail(err)
	case len(all) >= maxReports:
		return fail(ErrMany)
	case !slices.Contains(Next(all), kind):
		return fail(ErrKind.At("kind"))
	// Edge case 21: of what isn't known to be minor the authority is told.
	case kind == None && c.Grade != incident.Minor:
		return fail(incident.ErrReported)
	case kind == None && !c.Open():
		return fail(incident.ErrClosed)
	}
	r := Report{Incident: c.ID, Number: int64(len(all)) + 1, Service: c.Service, Kind: kind, DraftedAt: tx.Now(), DraftedBy: by.ID}
	facts, err := FactsOf(ctx, tx, charters, c)
	if err == nil && kind == None && facts.Children >= incident.Larger { // on its list, which has grown since it was graded
		err = incident.ErrReported
	}
	if err != nil {
		return fail(err)
	}
	mark, err := r.seal(ring, Sheet{facts, words})
	if err != nil {
		return fail(err)
	}
	if _, err := tx.Exec(ctx, `INSERT INTO authority_report (`+columns+`) VALUES ($1, $2, $3, $4, $5, $6, NULL, '', NULL, '', 0, $7, $8)`,
		r.Incident, r.Number, r.Service, r.Kind, (*db.Time)(&r.DraftedAt), r.DraftedBy, r.sealed, r.salt); err != nil {
		return fail(err)
	}
	entry, err := r.note(ctx, tx, KindDrafted, by.Ledger(), DraftedBody{r.Incident, r.Number, r.Kind, mark, about(c), inside})
	return r, entry, err
}

// SentFits reports whether something about a case that was noticed at a moment can have been sent
// at another, as somebody says at a third. People say it to the minute.
func SentFits(sent, noticed, now time.Time) bool {
	return !sent.Before(noticed.Truncate(time.Minute)) && !sent.After(now)
}

// Send says that the last version was sent to the authority, by which way and when, as a person
// inside whom the matrix lets (staff.WriteIncidents): one is enough for what has an hour. The case
// has it as a step that was taken. Errors: ErrMayNot, ErrNotFound, ErrKind, ErrDone, ErrDrafted,
// ErrChannel, ErrTime, incident.ErrNotFound.
func Send(ctx context.Context, tx *db.Tx, ring *keyring.Ring, by staff.Acting, service, name string, n int64, channel Channel, at time.Time) (Report, string, error) {
	fail := func(err error) (Report, string, error) { return Report{}, "", err }
	inside, err := insideOf(ctx, tx, by, service)
	if err != nil {
		return fail(err)
	}
	c, r, err := last(ctx, tx, service, name, n)
	at = at.UTC().Truncate(time.Microsecond)
	switch {
	case err != nil:
		return fail(err)
	case r.Kind == None:
		return fail(ErrKind)
	case !slices.Contains(Channels, channel):
		return fail(ErrChannel.At("channel"))
	case !SentFits(at, c.NoticedAt, tx.Now()):
		return fail(ErrTime.At("sent"))
	}
	r.DoneAt, r.DoneBy, r.SentAt, r.Channel = tx.Now(), by.ID, at, channel
	if err := r.done(ctx, tx); err != nil {
		return fail(err)
	}
	entry, err := r.note(ctx, tx, KindSent, by.Ledger(), SentBody{r.Incident, r.Number, r.Channel, r.SentAt.UnixMicro(), about(c), inside})
	if err != nil {
		return fail(err)
	}
	step := incident.StepReport
	if r.Kind == Wrap {
		step = incident.StepWrapped
	}
	_, _, err = incident.Tell(ctx, tx, ring, by, service, r.Incident, step, pii.New(i18n.Chinese.T("authority.step."+string(r.Kind), "N", r.Number)))
	return r, entry, err
}

// Confirm decides that the authority isn't told of a case that is minor, for the reason that the
// last version gives (edge case 21): as who holds an office, and another person than who has
// written it, not that one under a second account. The case has it as a step that was taken.
// Errors: ErrMayNot, ErrNotFound, ErrKind, ErrDone, ErrDrafted, ErrSecond, ErrMaybeOne, ErrDrafter,
// incident.ErrNotFound, incident.ErrReported, incident.ErrClosed.
func Confirm(ctx context.Context, tx *db.Tx, ring *keyring.Ring, by staff.Acting, service, name string, n int64) (Report, string, error) {
	fail := func(err error) (Report, string, error) { return Report{}, "", err }
	if by.Action != staff.JudgeIncidents || !by.Governs(service) {
		return fail(ErrMayNot)
	}
	c, r, err := last(ctx, tx, service, name, n)
	if err == nil && r.Kind != None {
		err = ErrKind
	}
	if err != nil {
		return fail(err)
	}
	two, err := approval.Another(ctx, tx, by.ID, staff.JudgeIncidents, r.DraftedBy, staff.WriteIncidents, service)
	for refusal, ours := range map[error]error{approval.ErrMayNot: ErrMayNot, approval.ErrSelf: ErrSecond, approval.ErrMaker: ErrMaybeOne, approval.ErrAsker: ErrDrafter} {
		if errors.Is(err, refusal) {
			return fail(ours)
		}
	}
	if err != nil {
		return fail(err)
	}
	sheet, err := r.Sheet(ring)
	if err != nil {
		return fail(err)
	}
	r.DoneAt, r.DoneBy = tx.Now(), by.ID
	if err := r.done(ctx, tx); err != nil {
		return fail(err)
	}
	entry, err := r.note(ctx, tx, KindConfirmed, by.Ledger(), ConfirmedBody{r.Incident, r.Number, about(c), two})
	if err != nil {
		return fail(err)
	}
	office, err := catalog.FindOfficer(ctx, tx, service, by.Office(service))
	if err == nil {
		_, _, err = incident.Tell(ctx, tx, ring, office, service, r.Incident, incident.StepUnreported, pii.New(sheet.Words.Reason))
	}
	return r, entry, err
}

// last holds a case, and returns it with the version of that number: the last one, of which nothing
// was done yet. Errors: ErrNotFound, ErrDone, ErrDrafted, incident.ErrNotFound.
func last(ctx context.Context, tx *db.Tx, service, name string, n int64) (incident.Case, Report, error) {
	c, err := incident.Hold(ctx, tx, service, name)
	if err != nil {
		return c, Report{}, err
	}
	all, err := Of(ctx, tx, c.ID)
	switch {
	case err != nil:
		return c, Report{}, err
	case n < 1 || n > int64(len(all)):
		return c, Report{}, ErrNotFound
	case all[n-1].Done():
		return c, Report{}, ErrDone
	case n != int64(len(all)):
		return c, Report{}, ErrDrafted
	}
	return c, all[n-1], nil
}

// done writes that it was sent, or decided.
func (r Report) done(ctx context.Context, tx *db.Tx) error {
	n, err := tx.Exec(ctx, `UPDATE authority_report SET done_at = $1, done_by = $2, sent_at = $3, channel = $4 WHERE incident = $5 AND number = $6 AND done_at IS NULL`,
		(*db.Time)(&r.DoneAt), r.DoneBy, (*db.Time)(&r.SentAt), r.Channel, r.Incident, r.Number)
	if err == nil && n != 1 {
		err = ErrDone
	}
	return err
}

// insideOf holds who drafts or sends to the end of the transaction, and returns what that rests on.
// Errors: ErrMayNot.
func insideOf(ctx context.Context, tx *db.Tx, by staff.Acting, service string) (approval.Inside, error) {
	if by.Action != staff.WriteIncidents || !by.Governs(service) {
		return approval.Inside{}, ErrMayNot
	}
	inside, err := approval.InsideOf(ctx, tx, by, staff.WriteIncidents, service)
	if errors.Is(err, approval.ErrMayNot) {
		err = ErrMayNot
	}
	return inside, err
}

func (r Report) note(ctx context.Context, tx *db.Tx, kind, actor string, body any) (string, error) {
	return ledger.Append(ctx, tx, ledger.Entry{Kind: kind, Service: r.Service, Actor: actor, Body: body})
}
