package warning

import (
	"context"
	"errors"

	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
	"wardkeep/internal/incident"
	"wardkeep/internal/ledger"
	"wardkeep/internal/staff"
)

// The kinds of entries about notices. They are about a case and no child that an entry names, and
// no decision of the gate is computed from them: their version is 0.
const (
	KindDrafted   = "warning.drafted"
	KindConfirmed = "warning.confirmed"
	KindPaused    = "warning.paused"
	KindResumed   = "warning.resumed"
	KindExtended  = "warning.extended" // the children of the case are gone through again, as there are more
	KindPrepared  = "warning.prepared" // a part of the addressees
	KindTold      = "warning.told"     // an addressee came to stand otherwise
	KindListed    = "warning.listed"   // somebody was shown whom to call or to write to
	KindPublished = "warning.published"
	KindWithdrawn = "warning.withdrawn"
)

// A DraftedBody says that a notice was drafted, or drafted anew.
type DraftedBody struct {
	Notice   string `json:"notice"`
	Case     string `json:"case"`
	Version  int64  `json:"version"`
	Withheld bool   `json:"withheld,omitempty"`
	Mark     string `json:"mark"`              // of what it says: see Notice.Mark
	Suspect  string `json:"suspect,omitempty"` // of the case: who is one isn't told of it
	approval.Inside
}

// A ConfirmedBody says that another person has confirmed a draft: which two they are.
type ConfirmedBody struct {
	Notice  string `json:"notice"`
	Version int64  `json:"version"`
	Suspect string `json:"suspect,omitempty"`
	approval.Pair
}

// An ActedBody says that somebody has done something about a notice that needs no more words.
type ActedBody struct {
	Notice  string `json:"notice"`
	Suspect string `json:"suspect,omitempty"`
	approval.Inside
}

// Draft writes what is told about a case or, withheld, why nobody is told of it; with the name of
// a notice that isn't confirmed yet, it writes that one anew. Errors: ErrMayNot, ErrWords,
// ErrNotFound, ErrConfirmed, ErrMany, incident.ErrNotFound,
// incident.ErrDrill: nobody is told of what is only practised.
func Draft(ctx context.Context, tx *db.Tx, ring *keyring.Ring, by staff.Acting, service, about, name string, withheld bool, text Text) (Notice, string, error) {
	fail := func(err error) (Notice, string, error) { return Notice{}, "", err }
	inside, err := insideOf(ctx, tx, by, staff.WriteIncidents, service)
	if err != nil {
		return fail(err)
	}
	if err := text.check(withheld); err != nil {
		return fail(err)
	}
	c, err := incident.Find(ctx, tx, service, about)
	if err == nil && c.Drill {
		err = incident.ErrDrill
	}
	if err != nil {
		return fail(err)
	}
	n := Notice{ID: id.New(id.BreachNotice), Service: service, Incident: c.ID}
	if name != "" {
		if n, err = hold(ctx, tx, service, name); err == nil && n.Incident != c.ID {
			err = ErrNotFound
		}
		if err == nil && n.Confirmed() {
			err = ErrConfirmed
		}
	} else {
		var all []Notice
		if all, err = Of(ctx, tx, c.ID); len(all) >= maxNotices {
			err = ErrMany
		}
	}
	if err != nil {
		return fail(err)
	}
	n.Version, n.DraftedAt, n.DraftedBy, n.Withheld = n.Version+1, tx.Now(), by.ID, withheld
	mark, err := n.seal(ring, text)
	if err != nil {
		return fail(err)
	}
	_, err = tx.Exec(ctx, `
		INSERT INTO breach_notice (`+columns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, NULL, '', false, '', 0, 0, 0, NULL, 0, NULL, '', NULL, $8, $9)
		ON CONFLICT (id) DO UPDATE SET withheld = excluded.withheld, version = excluded.version, drafted_at = excluded.drafted_at,
			drafted_by = excluded.drafted_by, sealed = excluded.sealed, salt = excluded.salt`,
		n.ID, n.Service, n.Incident, n.Withheld, n.Version, (*db.Time)(&n.DraftedAt), n.DraftedBy, n.sealed, n.salt)
	if err != nil {
		return fail(err)
	}
	entry, err := n.note(ctx, tx, KindDrafted, by.Ledger(), DraftedBody{n.ID, n.Incident, n.Version, n.Withheld, mark, c.Suspect, inside})
	return n, entry, err
}

// Confirm decides that a notice goes out as it was drafted, or that nobody is told for the reason
// that it gives (edge case 21): as who holds an office, and another person than who has drafted
// it, not that one under a second account. The case has it as a step that was taken. Version is
// the draft that whoever confirms it has read. Errors: ErrMayNot, ErrNotFound, ErrConfirmed,
// ErrVersion, ErrSecond, ErrMaybeOne, ErrDrafter.
func Confirm(ctx context.Context, tx *db.Tx, ring *keyring.Ring, by staff.Acting, service, name string, version int64) (Notice, string, error) {
	fail := func(err error) (Notice, string, error) { return Notice{}, "", err }
	if by.Action != staff.JudgeIncidents || !by.Governs(service) {
		return fail(ErrMayNot)
	}
	n, err := hold(ctx, tx, service, name)
	switch {
	case err != nil:
		return fail(err)
	case n.Confirmed():
		return fail(ErrConfirmed)
	case n.Version != version:
		return fail(ErrVersion)
	}
	two, err := approval.Another(ctx, tx, by.ID, staff.JudgeIncidents, n.DraftedBy, staff.WriteIncidents, service)
	switch {
	case errors.Is(err, approval.ErrMayNot):
		return fail(ErrMayNot)
	case errors.Is(err, approval.ErrSelf):
		return fail(ErrSecond)
	case errors.Is(err, approval.ErrMaker):
		return fail(ErrMaybeOne)
	case errors.Is(err, approval.ErrAsker):
		return fail(ErrDrafter)
	case err != nil:
		return fail(err)
	}
	text, err := n.Text(ring)
	if err != nil {
		return fail(err)
	}
	n.ConfirmedAt, n.ConfirmedBy = tx.Now(), by.ID
	if _, err := tx.Exec(ctx, `UPDATE breach_notice SET confirmed_at = $1, confirmed_by = $2 WHERE id = $3`, (*db.Time)(&n.ConfirmedAt), n.ConfirmedBy, n.ID); err != nil {
		return fail(err)
	}
	step, words := incident.StepNotice, i18n.Chinese.T("warning.step.notice", "Number", n.Number())
	if n.Withheld {
		step, words = incident.StepUntold, text.Reason
	}
	c, err := incident.Find(ctx, tx, n.Service, n.Incident)
	if err != nil {
		return fail(err)
	}
	entry, err := n.note(ctx, tx, KindConfirmed, by.Ledger(), ConfirmedBody{n.ID, n.Version, c.Suspect, two})
	if err == nil {
		err = n.step(ctx, tx, ring, by, step, words)
	}
	return n, entry, err
}

// step writes down at the case what was done. To one that is closed more may become known, and
// is told: that is no step of it any more.
func (n Notice) step(ctx context.Context, tx *db.Tx, ring *keyring.Ring, by staff.Acting, step incident.Step, words string) error {
	c, err := incident.Find(ctx, tx, n.Service, n.Incident)
	if err != nil || !c.Open() {
		return err
	}
	office, err := catalog.FindOfficer(ctx, tx, n.Service, by.Office(n.Service))
	if err != nil {
		return err
	}
	_, _, err = incident.Write(ctx, tx, ring, office, n.Service, n.Incident, step, pii.New(words))
	return err
}

// Pause stops a notice: what is on its way arrives, and nobody else is told. Errors: ErrMayNot,
// ErrNotFound, ErrUnconfirmed, ErrWithheld, ErrState.
func Pause(ctx context.Context, tx *db.Tx, by staff.Acting, service, name string) (Notice, string, error) {
	return act(ctx, tx, by, staff.WriteIncidents, service, name, KindPaused, func(n *Notice) error { return n.pause(ctx, tx) })
}

func (n *Notice) pause(ctx context.Context, tx *db.Tx) error {
	if n.Paused {
		return ErrState
	}
	n.Paused = true
	_, err := tx.Exec(ctx, `UPDATE breach_notice SET paused = true WHERE id = $1`, n.ID)
	return err
}

// PauseAgain stops a notice once more after a restore, where somebody had stopped it since the
// copy was made: until somebody inside has it go on, nobody is told by it. Errors: ErrNotFound,
// ErrUnconfirmed, ErrWithheld, ErrState.
func PauseAgain(ctx context.Context, tx *db.Tx, by catalog.Operator, service, name string) error {
	_, _, err := change(ctx, tx, by.Ledger(), approval.Inside{}, service, name, KindPaused, func(n *Notice) error { return n.pause(ctx, tx) })
	return err
}

// Resume lets it go on where it was. Errors: as Pause.
func Resume(ctx context.Context, tx *db.Tx, by staff.Acting, service, name string) (Notice, string, error) {
	return act(ctx, tx, by, staff.WriteIncidents, service, name, KindResumed, func(n *Notice) (err error) {
		if !n.Paused {
			return ErrState
		}
		n.Paused = false
		_, err = tx.Exec(ctx, `UPDATE breach_notice SET paused = false WHERE id = $1`, n.ID)
		return err
	})
}

// Extend goes through the children of the case once more, since there are more of them by now:
// who has a row already isn't told again. Errors: as Pause; ErrState while it goes through them.
func Extend(ctx context.Context, tx *db.Tx, by staff.Acting, service, name string) (Notice, string, error) {
	return act(ctx, tx, by, staff.WriteIncidents, service, name, KindExtended, func(n *Notice) (err error) {
		if n.PreparedAt.IsZero() {
			return ErrState
		}
		_, err = tx.Exec(ctx, `UPDATE breach_notice SET after = '', children = 0, prepared_at = NULL WHERE id = $1`, n.ID)
		return err
	})
}

// Publish warns the public with what the notice says (Article 21): on a page, and in a feed. It
// is a step of the case. Errors: as Pause.
func Publish(ctx context.Context, tx *db.Tx, ring *keyring.Ring, by staff.Acting, service, name string) (Notice, string, error) {
	n, entry, err := act(ctx, tx, by, staff.JudgeIncidents, service, name, KindPublished, func(n *Notice) error {
		if n.Public() {
			return ErrState
		}
		now := tx.Now()
		n.WarnedAt, n.WarnedBy = now, by.ID
		_, err := tx.Exec(ctx, `UPDATE breach_notice SET warned_at = $1, warned_by = $2, warned_until = NULL WHERE id = $3`, (*db.Time)(&now), by.ID, n.ID)
		return err
	})
	if err == nil {
		err = n.step(ctx, tx, ring, by, incident.StepWarning, i18n.Chinese.T("warning.step.warning", "Number", n.Number()))
	}
	return n, entry, err
}

// Withdraw takes a warning back: it isn't listed any more, and stays on record. Errors: as Pause.
func Withdraw(ctx context.Context, tx *db.Tx, by staff.Acting, service, name string) (Notice, string, error) {
	return act(ctx, tx, by, staff.JudgeIncidents, service, name, KindWithdrawn, func(n *Notice) error {
		if !n.Public() {
			return ErrState
		}
		n.WarnedUntil = tx.Now()
		_, err := tx.Exec(ctx, `UPDATE breach_notice SET warned_until = $1 WHERE id = $2`, (*db.Time)(&n.WarnedUntil), n.ID)
		return err
	})
}

// act changes a confirmed notice as a person inside, and records that.
func act(ctx context.Context, tx *db.Tx, by staff.Acting, a staff.Action, service, name, kind string, how func(*Notice) error) (Notice, string, error) {
	inside, err := insideOf(ctx, tx, by, a, service)
	if err != nil {
		return Notice{}, "", err
	}
	return change(ctx, tx, by.Ledger(), inside, service, name, kind, how)
}

func change(ctx context.Context, tx *db.Tx, actor string, inside approval.Inside, service, name, kind string, how func(*Notice) error) (Notice, string, error) {
	n, err := hold(ctx, tx, service, name)
	switch {
	case err != nil:
		return n, "", err
	case !n.Confirmed():
		return n, "", ErrUnconfirmed
	case n.Withheld:
		return n, "", ErrWithheld
	}
	if err := how(&n); err != nil {
		return n, "", err
	}
	c, err := incident.Find(ctx, tx, n.Service, n.Incident)
	if err != nil {
		return n, "", err
	}
	entry, err := n.note(ctx, tx, kind, actor, ActedBody{n.ID, c.Suspect, inside})
	return n, entry, err
}

// insideOf holds who acts to the end of the transaction, and returns what that rests on.
// Errors: ErrMayNot.
func insideOf(ctx context.Context, tx *db.Tx, by staff.Acting, a staff.Action, service string) (approval.Inside, error) {
	if by.Action != a || !by.Governs(service) {
		return approval.Inside{}, ErrMayNot
	}
	inside, err := approval.InsideOf(ctx, tx, by, a, service)
	if errors.Is(err, approval.ErrMayNot) {
		err = ErrMayNot
	}
	return inside, err
}

// hold holds a notice to the end of the transaction: of two who act at once, one waits, and sees
// what the other has done.
func hold(ctx context.Context, tx *db.Tx, service, name string) (Notice, error) {
	if _, err := tx.Exec(ctx, `UPDATE breach_notice SET batches = batches WHERE id = $1 AND service = $2`, name, service); err != nil {
		return Notice{}, err
	}
	return Find(ctx, tx, service, name)
}

func (n Notice) note(ctx context.Context, tx *db.Tx, kind, actor string, body any) (string, error) {
	return ledger.Append(ctx, tx, ledger.Entry{Kind: kind, Service: n.Service, Actor: actor, Body: body})
}

func short(mac []byte) string { return id.Text(mac[:min(16, len(mac))]) }
