package complaint

import (
	"context"
	"errors"
	"slices"
	"time"

	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/pii"
)

// Show opens what was written in a report to somebody of the staff. That they read it is
// recorded in the same transaction: whoever calls shows it after the commit (Invariant 2).
// Errors: ErrMayNot, ErrNotFound, ErrSealed.
func (d Desk) Show(ctx context.Context, tx *db.Tx, by Actor, service, name string) (Complaint, []Text, error) {
	c, err := d.read(ctx, tx, by, service, name, 0)
	if err != nil {
		return c, nil, err
	}
	texts, err := d.Texts(ctx, tx, c)
	return c, texts, err
}

// Fetch opens an attachment, as Show does the texts. Errors: those of Show.
func (d Desk) Fetch(ctx context.Context, tx *db.Tx, by Actor, service, name string, number int64) (File, pii.Text, error) {
	if number < 0 {
		return File{}, pii.Text{}, ErrNotFound
	}
	c, err := d.read(ctx, tx, by, service, name, number+1)
	if err != nil {
		return File{}, pii.Text{}, err
	}
	f, err := db.One(ctx, tx, scanFile, `SELECT `+fileColumns+` FROM complaint_file WHERE complaint = $1 AND number = $2`, c.ID, number)
	if errors.Is(err, db.ErrNone) {
		err = ErrNotFound
	}
	if err != nil {
		return f, pii.Text{}, err
	}
	data, err := f.open(d.Ring)
	return f, pii.New(string(data)), err
}

func (d Desk) read(ctx context.Context, tx *db.Tx, by Actor, service, name string, file int64) (Complaint, error) {
	inside, err := insideOf(ctx, tx, by, service)
	if err != nil {
		return Complaint{}, err
	}
	c, err := Find(ctx, tx, service, name)
	if err == nil && file > c.Files {
		err = ErrNotFound
	}
	if err == nil {
		_, err = c.note(ctx, tx, KindRead, by.Ledger(), ReadBody{c.ID, file, inside})
	}
	return c, err
}

// Acknowledge tells the reporter, on the page where they follow it, that somebody has taken the
// report up; from then on the clock of the answer runs, which began with the report. Errors:
// ErrMayNot, ErrNotFound, ErrState.
func (d Desk) Acknowledge(ctx context.Context, tx *db.Tx, by Actor, service, name string) (Complaint, error) {
	c, inside, err := d.handles(ctx, tx, by, service, name)
	if err != nil {
		return c, err
	}
	c.AcknowledgedAt, c.DueAt = tx.Now(), d.answerBy(c.ReceivedAt)
	c.RemindAt = c.DueAt.Add(-LastCall)
	n, err := tx.Exec(ctx, `
		UPDATE complaint SET acknowledged_at = $1, due_at = $2, remind_at = $3 WHERE id = $4 AND acknowledged_at IS NULL AND closed_at IS NULL AND reopened_at IS NULL`,
		(*db.Time)(&c.AcknowledgedAt), (*db.Time)(&c.DueAt), (*db.Time)(&c.RemindAt), c.ID)
	switch {
	case err != nil:
		return c, err
	case n != 1:
		return c, ErrState
	}
	_, err = c.note(ctx, tx, KindAcknowledged, by.Ledger(), AcknowledgedBody{c.ID, c.DueAt.UnixMicro(), inside})
	return c, err
}

// Answer answers a report in words, which its reporter reads where they follow it, and closes
// it. Errors: ErrMayNot, ErrNotFound, ErrState, ErrOutcome, ErrWords, ErrFull.
func (d Desk) Answer(ctx context.Context, tx *db.Tx, by Actor, service, name string, outcome Outcome, words pii.Text) (Complaint, error) {
	switch {
	case !slices.Contains(Answers, outcome):
		return Complaint{}, ErrOutcome.At("outcome")
	case !isWords(words):
		return Complaint{}, ErrWords.At("words")
	}
	c, inside, err := d.handles(ctx, tx, by, service, name)
	if err == nil && c.Notes >= maxNotes {
		err = ErrFull
	}
	if err == nil {
		err = c.close(ctx, tx, outcome)
	}
	if err != nil {
		return c, err
	}
	w, err := d.append(ctx, tx, &c, by.Ledger(), words, nil)
	if err == nil {
		_, err = c.note(ctx, tx, KindAnswered, by.Ledger(), AnsweredBody{c.ID, c.Outcome, w, inside})
	}
	return c, err
}

// Dismiss closes what is no report, or one that was made before, without an answer in words:
// its reporter reads why, and may open it once more all the same. Errors: ErrMayNot,
// ErrNotFound, ErrState, ErrOutcome.
func (d Desk) Dismiss(ctx context.Context, tx *db.Tx, by Actor, service, name string, outcome Outcome) (Complaint, error) {
	if !slices.Contains(Dismissals, outcome) {
		return Complaint{}, ErrOutcome.At("outcome")
	}
	c, inside, err := d.handles(ctx, tx, by, service, name)
	if err == nil {
		err = c.close(ctx, tx, outcome)
	}
	if err == nil {
		_, err = c.note(ctx, tx, KindDismissed, by.Ledger(), DismissedBody{c.ID, c.Outcome, inside})
	}
	return c, err
}

// linkable are the types of cases that are made of a report.
var linkable = []id.Prefix{id.Incident, id.Takedown, id.Suspicion, id.Rights}

// Link says which case was made of a report: what may have leaked, content that has to come
// down, an account that may be a child's, or a demand. Whoever calls has found the case in the
// same service. Errors: ErrMayNot, ErrNotFound, ErrState, ErrLink.
func (d Desk) Link(ctx context.Context, tx *db.Tx, by Actor, service, name, to string) (Complaint, error) {
	if !slices.ContainsFunc(linkable, func(p id.Prefix) bool { return id.Is(p, to) }) {
		return Complaint{}, ErrLink.At("case")
	}
	c, inside, err := d.handles(ctx, tx, by, service, name)
	if err != nil {
		return c, err
	}
	c.Linked = to
	n, err := tx.Exec(ctx, `UPDATE complaint SET linked = $1 WHERE id = $2 AND closed_at IS NULL`, c.Linked, c.ID)
	if err == nil && n != 1 {
		err = ErrState
	}
	if err == nil {
		_, err = c.note(ctx, tx, KindLinked, by.Ledger(), LinkedBody{c.ID, c.Linked, inside})
	}
	return c, err
}

// handles holds an open report that somebody of the staff acts on.
func (d Desk) handles(ctx context.Context, tx *db.Tx, by Actor, service, name string) (c Complaint, on approval.Inside, err error) {
	if on, err = insideOf(ctx, tx, by, service); err != nil {
		return c, on, err
	}
	if c, err = hold(ctx, tx, service, name); err == nil && !c.Open() {
		err = ErrState
	}
	return c, on, err
}

func (c *Complaint) close(ctx context.Context, tx *db.Tx, outcome Outcome) error {
	c.Outcome, c.ClosedAt, c.RemindAt = outcome, tx.Now(), time.Time{}
	n, err := tx.Exec(ctx, `UPDATE complaint SET outcome = $1, closed_at = $2, remind_at = NULL WHERE id = $3 AND closed_at IS NULL`,
		c.Outcome, (*db.Time)(&c.ClosedAt), c.ID)
	if err == nil && n != 1 {
		err = ErrState
	}
	return err
}

// ToRemind returns the reports of whose clock the office is to be reminded by now, those behind
// after, and at most limit.
func ToRemind(ctx context.Context, tx *db.Tx, after Complaint, limit int) ([]Complaint, error) {
	now := tx.Now()
	return db.All(ctx, tx, scan, `
		SELECT `+columns+` FROM complaint WHERE remind_at IS NOT NULL AND remind_at <= $1 AND (remind_at, id) > ($2, $3)
		ORDER BY remind_at, id LIMIT $4`, (*db.Time)(&now), after.RemindAt.UnixMicro(), after.ID, int64(limit))
}

// Remind reminds the office of a clock that ends soon, once, and returns whether it did: the
// entry is what the letter is written by, also of a clock that is over by now. If we crash before
// the commit it wasn't, and the next sweep does.
func Remind(ctx context.Context, tx *db.Tx, actor string, c Complaint) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE complaint SET remind_at = NULL WHERE id = $1 AND remind_at = $2`, c.ID, (*db.Time)(&c.RemindAt))
	if err != nil || n != 1 {
		return false, err
	}
	_, err = c.note(ctx, tx, KindReminded, actor, RemindedBody{c.ID, c.DueAt.UnixMicro()})
	return err == nil, err
}

// ToErase returns the reports whose time is over, those behind after, and at most limit.
func ToErase(ctx context.Context, tx *db.Tx, after Complaint, limit int) ([]Complaint, error) {
	now := tx.Now()
	return db.All(ctx, tx, scan, `
		SELECT `+columns+` FROM complaint WHERE erase_at <= $1 AND (erase_at, id) > ($2, $3) ORDER BY erase_at, id LIMIT $4`,
		(*db.Time)(&now), after.EraseAt.UnixMicro(), after.ID, int64(limit))
}

// Erase erases a report with all that came with it, answered or not, and returns whether it did
// (Article 12). If we crash before the commit, nobody reads it all the same, and the next sweep
// erases it.
func Erase(ctx context.Context, tx *db.Tx, actor string, c Complaint) (bool, error) {
	n, err := tx.Exec(ctx, `DELETE FROM complaint WHERE id = $1`, c.ID)
	if err != nil || n != 1 {
		return false, err
	}
	for _, query := range []string{`DELETE FROM complaint_note WHERE complaint = $1`, `DELETE FROM complaint_file WHERE complaint = $1`} {
		if _, err := tx.Exec(ctx, query, c.ID); err != nil {
			return false, err
		}
	}
	_, err = c.note(ctx, tx, KindErased, actor, ErasedBody{c.ID})
	return err == nil, err
}
