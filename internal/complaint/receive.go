package complaint

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"slices"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
	"wardkeep/internal/ledger"
)

// A Report is what somebody sends.
type Report struct {
	Service string
	Whole   bool // it is about the operator as a whole
	Kind    Kind
	Words   pii.Text
	Name    pii.Text // or nothing
	Contact pii.Text // or nothing
	Files   []pii.Text
}

// A Text is a text of a report, opened.
type Text struct {
	Note
	Words, Name, Contact pii.Text
}

// sealed is what is sealed of a text.
type sealed struct {
	Words   string `json:"words"`
	Name    string `json:"name,omitempty"`
	Contact string `json:"contact,omitempty"`
}

// Receive takes a report, and returns the secret by which it is followed, which nobody can find
// out again. How it was proved that the form isn't sent by the thousand was looked at before:
// Solved; here it counts once. Errors: those of the report, ErrPuzzle, ErrStale, ErrSent,
// ErrMany, ErrFilesFull, catalog.ErrNotFound.
func (d Desk) Receive(ctx context.Context, tx *db.Tx, p Proof, r Report) (c Complaint, secret string, err error) {
	fail := func(err error) (Complaint, string, error) { return Complaint{}, "", err }
	now := tx.Now()
	if _, err := p.check(d.Ring, now); err != nil {
		return fail(err)
	}
	switch {
	case !slices.Contains(Kinds, r.Kind):
		return fail(ErrKind.At("kind"))
	case !isWords(r.Words):
		return fail(ErrWords.At("words"))
	case !isText(r.Name, MaxName):
		return fail(ErrName.At("name"))
	case !isText(r.Contact, MaxName):
		return fail(ErrName.At("contact"))
	}
	// A service that ends or has ended is reported all the same: what it did is a matter yet.
	if _, err := catalog.Find(ctx, tx, r.Service); err != nil {
		return fail(err)
	}
	switch n, err := lately(ctx, tx); {
	case err != nil:
		return fail(err)
	case n >= maxHour:
		return fail(ErrMany)
	}
	c = Complaint{ID: id.New(id.Complaint), Service: r.Service, Whole: r.Whole, Kind: r.Kind, ReceivedAt: now, DueAt: d.acknowledgeBy(now),
		EraseAt: now.Add(Kept), Notes: 1, Files: int64(len(r.Files)), challenge: p.used()}
	c.RemindAt = c.DueAt.Add(-LastCall)
	secret = newSecret()
	c.secret = d.secretHash(c.ID, secret)
	// Of one form that is sent twice, the first is a report.
	n, err := tx.Exec(ctx, `
		INSERT INTO complaint (id, service, whole, kind, received_at, due_at, remind_at, outcome, erase_at, linked, notes, files, secret, challenge)
		VALUES ($1, $2, $3, $4, $5, $6, $7, '', $8, '', $9, $10, $11, $12)
		ON CONFLICT (challenge) DO NOTHING`,
		c.ID, c.Service, c.Whole, c.Kind, (*db.Time)(&c.ReceivedAt), (*db.Time)(&c.DueAt), (*db.Time)(&c.RemindAt), (*db.Time)(&c.EraseAt), c.Notes, c.Files, c.secret, c.challenge)
	switch {
	case err != nil:
		return fail(err)
	case n != 1:
		return fail(ErrSent)
	}
	w, err := d.write(ctx, tx, c, ReporterOf(c.ID), sealed{r.Words.Reveal(), r.Name.Reveal(), r.Contact.Reveal()}, r.Files)
	if err != nil {
		return fail(err)
	}
	_, err = c.note(ctx, tx, KindReceived, ReporterOf(c.ID), ReceivedBody{Complaint: c.ID, Kind: c.Kind, Whole: c.Whole, Due: c.DueAt.UnixMicro(), Erase: c.EraseAt.UnixMicro(),
		Opens: c.Opens(), Written: w})
	if err != nil {
		return fail(err)
	}
	return c, secret, nil
}

// write seals the last text of a report, and what came with it, and returns what the ledger
// has of them.
func (d Desk) write(ctx context.Context, tx *db.Tx, c Complaint, by string, text sealed, files []pii.Text) (w Written, err error) {
	now := tx.Now()
	plain, err := json.Marshal(text)
	if err != nil {
		return w, err
	}
	n := Note{Complaint: c.ID, Number: c.Notes - 1, salt: ledger.NewSalt()}
	if n.sealed, err = d.Ring.Seal(sealDomain, plain, n.Complaint, decimal(n.Number)); err != nil {
		return w, err
	}
	if _, err = tx.Exec(ctx, `INSERT INTO complaint_note (`+noteColumns+`) VALUES ($1, $2, $3, $4, $5, $6)`,
		n.Complaint, n.Number, (*db.Time)(&now), by, n.sealed, n.salt); err != nil {
		return w, err
	}
	w = Written{Note: n.Number, Mark: n.mark(string(plain))}
	if len(files) == 0 {
		return w, nil
	}
	if len(files) > MaxFiles {
		return w, ErrFiles.At("file")
	}
	if err := room(ctx, tx, len(files)); err != nil {
		return w, err
	}
	for i, file := range files {
		data := []byte(file.Reveal())
		f := File{Complaint: c.ID, Number: c.Files - int64(len(files)-i), Note: n.Number, Size: int64(len(data)), salt: ledger.NewSalt()}
		if f.Kind, err = kindOf(data); err != nil {
			return w, err
		}
		if f.sealed, err = d.Ring.Seal(fileDomain, data, f.Complaint, decimal(f.Number), f.Kind); err != nil {
			return w, err
		}
		if _, err := tx.Exec(ctx, `INSERT INTO complaint_file (`+fileColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
			f.Complaint, f.Number, f.Note, (*db.Time)(&now), f.Kind, f.Size, f.sealed, f.salt); err != nil {
			return w, err
		}
		w.Files = append(w.Files, f.mark(data))
	}
	return w, nil
}

// room refuses attachments where there were too many within a day, of everybody: so much of the
// disk strangers fill, and no more. What is written goes on. Errors: ErrFilesFull.
func room(ctx context.Context, tx *db.Tx, more int) error {
	since := tx.Now().Add(-24 * time.Hour)
	n, err := db.One(ctx, tx, db.Single[int64], `
		SELECT count(*) FROM (SELECT complaint FROM complaint_file WHERE added_at > $1 LIMIT $2) AS today`, (*db.Time)(&since), int64(maxDay))
	if err == nil && n+int64(more) > maxDay {
		err = ErrFilesFull.At("file")
	}
	return err
}

// Follow returns a report to whoever has its number and its secret. That there is none, and
// that the secret is another one, is the same answer. Errors: ErrSecret.
func (d Desk) Follow(ctx context.Context, tx *db.Tx, number, secret string) (Complaint, error) {
	number, ok := id.ParseNumber(number)
	if !ok || len(secret) > 100 {
		return Complaint{}, ErrSecret
	}
	first, last := id.Numbered(id.Complaint, number)
	all, err := db.All(ctx, tx, scan, `SELECT `+columns+` FROM complaint WHERE id >= $1 AND id <= $2 ORDER BY id`, first, last)
	if err != nil {
		return Complaint{}, err
	}
	for _, c := range all {
		if subtle.ConstantTimeCompare(d.secretHash(c.ID, secret), c.secret) == 1 && tx.Now().Before(c.EraseAt) {
			return c, nil
		}
	}
	return Complaint{}, ErrSecret
}

// Texts opens what was written in a report, for its reporter, whom Follow has let in; whoever
// is of the staff reads by Show. Errors: ErrSealed.
func (d Desk) Texts(ctx context.Context, tx *db.Tx, c Complaint) (all []Text, err error) {
	notes, err := db.All(ctx, tx, scanNote, `SELECT `+noteColumns+` FROM complaint_note WHERE complaint = $1 ORDER BY number`, c.ID)
	if err != nil {
		return nil, err
	}
	for _, n := range notes {
		plain, err := n.open(d.Ring)
		if err != nil {
			return nil, err
		}
		var s sealed
		if err := json.Unmarshal([]byte(plain), &s); err != nil {
			return nil, ErrSealed
		}
		all = append(all, Text{n, pii.New(s.Words), pii.New(s.Name), pii.New(s.Contact)})
	}
	return all, nil
}

// Add takes more from whoever has reported. Errors: ErrSecret, ErrWords, ErrState where it is
// closed, ErrFull, those of attachments.
func (d Desk) Add(ctx context.Context, tx *db.Tx, number, secret string, words pii.Text, files []pii.Text) (Complaint, error) {
	c, err := d.theirs(ctx, tx, number, secret, words, files)
	switch {
	case err != nil:
		return c, err
	case !c.Open():
		return c, ErrState
	}
	w, err := d.append(ctx, tx, &c, ReporterOf(c.ID), words, files)
	if err == nil {
		_, err = c.note(ctx, tx, KindAdded, ReporterOf(c.ID), AddedBody{Complaint: c.ID, Written: w})
	}
	return c, err
}

// Reopen opens a report once more that was answered, once, and says why: its clock runs anew.
// Errors: those of Add; ErrState where it is open, or was opened once more, or too long ago.
func (d Desk) Reopen(ctx context.Context, tx *db.Tx, number, secret string, words pii.Text) (Complaint, error) {
	c, err := d.theirs(ctx, tx, number, secret, words, nil)
	now := tx.Now()
	switch {
	case err != nil:
		return c, err
	case !c.MayReopen(now):
		return c, ErrState
	}
	c.Outcome, c.ClosedAt, c.ReopenedAt, c.DueAt = "", time.Time{}, now, d.answerBy(now)
	c.RemindAt = c.DueAt.Add(-LastCall)
	n, err := tx.Exec(ctx, `
		UPDATE complaint SET outcome = '', closed_at = NULL, reopened_at = $1, due_at = $2, remind_at = $3
		WHERE id = $4 AND closed_at IS NOT NULL AND reopened_at IS NULL`,
		(*db.Time)(&c.ReopenedAt), (*db.Time)(&c.DueAt), (*db.Time)(&c.RemindAt), c.ID)
	switch {
	case err != nil:
		return c, err
	case n != 1:
		return c, ErrState
	}
	w, err := d.append(ctx, tx, &c, ReporterOf(c.ID), words, nil)
	if err == nil {
		_, err = c.note(ctx, tx, KindReopened, ReporterOf(c.ID), AddedBody{Complaint: c.ID, Due: c.DueAt.UnixMicro(), Written: w})
	}
	return c, err
}

// theirs holds the report that its reporter writes about: of two who write at once, one waits,
// and sees what the other has written.
func (d Desk) theirs(ctx context.Context, tx *db.Tx, number, secret string, words pii.Text, files []pii.Text) (Complaint, error) {
	c, err := d.Follow(ctx, tx, number, secret)
	switch {
	case err != nil:
		return c, err
	case !isWords(words):
		return c, ErrWords.At("words")
	case len(files) > MaxFiles:
		return c, ErrFiles.At("file")
	}
	if c, err = hold(ctx, tx, c.Service, c.ID); err != nil {
		return c, err
	}
	n, err := db.One(ctx, tx, db.Single[int64], `SELECT count(*) FROM complaint_note WHERE complaint = $1 AND written_by = $2`, c.ID, ReporterOf(c.ID))
	if err == nil && (n >= maxTheirs || c.Notes >= maxNotes) {
		err = ErrFull
	}
	return c, err
}

// append writes the next text of a report that is held.
func (d Desk) append(ctx context.Context, tx *db.Tx, c *Complaint, by string, words pii.Text, files []pii.Text) (w Written, err error) {
	c.Notes, c.Files = c.Notes+1, c.Files+int64(len(files))
	if _, err := tx.Exec(ctx, `UPDATE complaint SET notes = $1, files = $2 WHERE id = $3`, c.Notes, c.Files, c.ID); err != nil {
		return w, err
	}
	return d.write(ctx, tx, *c, by, sealed{Words: words.Reveal()}, files)
}

// hold holds a report to the end of the transaction, and reads it as it is then.
func hold(ctx context.Context, tx *db.Tx, service, name string) (Complaint, error) {
	if _, err := tx.Exec(ctx, `UPDATE complaint SET notes = notes WHERE id = $1 AND service = $2`, name, service); err != nil {
		return Complaint{}, err
	}
	return Find(ctx, tx, service, name)
}
