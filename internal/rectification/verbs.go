package rectification

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
	"wardkeep/internal/ledger"
	"wardkeep/internal/staff"
)

// The kinds of entries about matters. They are about the operator and no child, and no decision
// of the gate is computed from them: their version is 0.
const (
	KindRecorded  = "rectification.recorded"
	KindHanded    = "rectification.handed"
	KindPostponed = "rectification.postponed"
	KindAppealed  = "rectification.appealed"
	KindProved    = "rectification.proved"
	KindConfirmed = "rectification.confirmed"
	KindReopened  = "rectification.reopened"
	KindReminded  = "rectification.reminded"
	KindRead      = "rectification.read"
)

// A RecordedBody is what the ledger keeps of what an authority demands, or of what was found:
// no name, no number of a document, and no words. Times are microseconds.
type RecordedBody struct {
	Matter   string `json:"matter"`
	What     What   `json:"what"`
	PartOf   string `json:"part_of,omitempty"`
	Source   Source `json:"source,omitempty"`
	Sort     Sort   `json:"sort,omitempty"`
	Amount   int64  `json:"amount,omitempty"` // fen
	Appealed bool   `json:"appealed,omitempty"`
	Owner    string `json:"owner"`
	Dated    string `json:"dated,omitempty"`
	Due      int64  `json:"due"`
	Mark     string `json:"mark"` // of what was written: see Note.Mark
	approval.Inside
}

// A HandedBody says who looks after it from now on.
type HandedBody struct {
	Matter string `json:"matter"`
	Owner  string `json:"owner"`
	approval.Inside
}

// A WrittenBody says that something was written: that a sanction is appealed against, or, with
// its document, by what a matter is proved.
type WrittenBody struct {
	Matter string `json:"matter"`
	Note   int64  `json:"note"`
	Mark   string `json:"mark"`
	approval.Inside
}

// A MovedBody says until when it is done now, with the reason: that it was postponed, or opened
// again.
type MovedBody struct {
	Matter string `json:"matter"`
	Due    int64  `json:"due"`
	Note   int64  `json:"note"`
	Mark   string `json:"mark"`
	approval.Inside
}

// A ConfirmedBody says that another person has confirmed the proof: which two they are.
type ConfirmedBody struct {
	Matter string `json:"matter"`
	approval.Pair
}

// A ReadBody says that somebody reads what was written about it, of how many texts; or takes the
// document that came with one of them, by its number.
type ReadBody struct {
	Matter   string `json:"matter"`
	Notes    int64  `json:"notes"`
	Document int64  `json:"document,omitempty"`
	approval.Inside
}

// A RemindedBody says that those who have to do with it were reminded.
type RemindedBody struct {
	Matter string `json:"matter"`
	What   What   `json:"what"`
	Times  int64  `json:"times"`
	Due    int64  `json:"due"`
}

// Record records a summons, what has to be put right, a sanction, or an entry in a credit file,
// with who looks after it and by which day: of m, its service, What, PartOf, Source, Sort,
// Amount, Appealed, Owner and Dated count. Errors: ErrMayNot, ErrMany, and those of the form.
func Record(ctx context.Context, tx *db.Tx, ring *keyring.Ring, by staff.Acting, m Matter, due string, text Text) (Matter, string, error) {
	fail := func(err error) (Matter, string, error) { return Matter{}, "", err }
	inside, err := insideOf(ctx, tx, by, staff.ManageRectifications, m.Service)
	if err != nil {
		return fail(err)
	}
	m = Matter{ID: id.New(id.Rectification), Service: m.Service, What: m.What, PartOf: m.PartOf, Source: m.Source, Sort: m.Sort, Amount: m.Amount,
		Appealed: m.Appealed, Owner: m.Owner, Dated: m.Dated, OpenedAt: tx.Now(), OpenedBy: by.ID}
	if m.What == Item && m.PartOf != "" {
		m.Source = BySummons
	}
	if m.DueAt, err = m.check(tx.Now(), due, text); err != nil {
		return fail(err)
	}
	if err := mayOwn(ctx, tx, m.Service, m.Owner, "owner"); err != nil {
		return fail(err)
	}
	if m.PartOf != "" {
		if err := m.holdWhole(ctx, tx); err != nil {
			return fail(err)
		}
	}
	open, err := db.One(ctx, tx, db.Single[int64], `
		SELECT count(*) FROM (SELECT id FROM rectification WHERE service = $1 AND closed_at IS NULL LIMIT $2) AS open`, m.Service, int64(maxOpen))
	switch {
	case err != nil:
		return fail(err)
	case open >= maxOpen:
		return fail(ErrMany)
	}
	m.RemindAt, m.Notes = NextReminder(m.DueAt, m.OpenedAt), 1
	_, err = tx.Exec(ctx, `
		INSERT INTO rectification (`+columns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, NULL, '', NULL, '', 0, 0, 0, $14, 1)`,
		m.ID, m.Service, m.What, m.PartOf, m.Source, m.Sort, m.Amount, m.Appealed, m.Owner, m.Dated, (*db.Time)(&m.OpenedAt), m.OpenedBy,
		(*db.Time)(&m.DueAt), (*db.Time)(&m.RemindAt))
	if err != nil {
		return fail(err)
	}
	mark, err := m.write(ctx, tx, ring, by.Ledger(), text, nil)
	if err != nil {
		return fail(err)
	}
	entry, err := m.note(ctx, tx, KindRecorded, by.Ledger(), RecordedBody{Matter: m.ID, What: m.What, PartOf: m.PartOf, Source: m.Source, Sort: m.Sort,
		Amount: m.Amount, Appealed: m.Appealed, Owner: m.Owner, Dated: m.Dated, Due: m.DueAt.UnixMicro(), Mark: mark, Inside: inside})
	return m, entry, err
}

// check says what is wrong with what is recorded, and returns when it is late. What came before
// it is recorded may be late at once; what has to be put right is yet to be.
func (m Matter) check(now time.Time, due string, text Text) (time.Time, error) {
	if err := m.known(); err != nil {
		return time.Time{}, err
	}
	from := now
	if m.What != Item {
		day, ok := DayOf(m.Dated)
		if !ok || day.After(now) {
			return time.Time{}, ErrDay.At("dated")
		}
		from = day
	}
	last, ok := DayOf(due)
	if !ok || !DueOn(last).After(from) {
		return time.Time{}, ErrDue.At("due")
	}
	byAuthority := m.What != Item
	for _, line := range []struct {
		field string
		text  pii.Text
		must  bool
	}{
		{"authority", text.Authority, byAuthority}, // of an entry, who keeps the file
		{"document", text.Document, m.What == Summons || m.What == Sanction},
		{"provision", text.Provision, m.What == Sanction},
	} {
		if s := line.text.Reveal(); s == "" && line.must || !isLine(s) {
			return time.Time{}, ErrLine.At(line.field)
		}
	}
	if !isWords(text.Words) {
		return time.Time{}, ErrWords.At("words")
	}
	return DueOn(last), nil
}

func isLine(s string) bool {
	return utf8.ValidString(s) && strings.TrimSpace(s) == s && utf8.RuneCountInString(s) <= maxLine && !strings.ContainsFunc(s, unicode.IsControl)
}

func isWords(t pii.Text) bool {
	s := t.Reveal()
	return utf8.ValidString(s) && strings.TrimSpace(s) != "" && utf8.RuneCountInString(s) <= maxWords &&
		!strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' && r != '\r' })
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

// mayOwn refuses a person who can't look after a matter of the service, whom a field of the
// form names. Errors: ErrOwner.
func mayOwn(ctx context.Context, tx *db.Tx, service, person, field string) error {
	p, err := staff.Find(ctx, tx, person)
	if errors.Is(err, staff.ErrNotFound) {
		return ErrOwner.At(field)
	}
	if err != nil {
		return err
	}
	s, err := catalog.Find(ctx, tx, service)
	if err == nil && !approval.May(p, staff.ProveRectifications, s) {
		err = ErrOwner.At(field)
	}
	return err
}

// holdWhole holds that which something belongs to: a summons that isn't answered yet, or a
// sanction. So no item joins one, or is opened again, while it is being answered.
func (m Matter) holdWhole(ctx context.Context, tx *db.Tx) error {
	want := Summons
	if m.What == Credit {
		want = Sanction
	}
	n, err := tx.Exec(ctx, `UPDATE rectification SET notes = notes WHERE id = $1 AND service = $2 AND what = $3`, m.PartOf, m.Service, want)
	if err != nil {
		return err
	}
	if n != 1 {
		return ErrPart.At("part_of")
	}
	whole, err := Find(ctx, tx, m.Service, m.PartOf)
	if err == nil && want == Summons && whole.State() != Open {
		err = ErrWholeDone
	}
	return err
}

// hold holds a matter to the end of the transaction: of two who act at once, one waits, and
// sees what the other has done.
func hold(ctx context.Context, tx *db.Tx, by staff.Acting, a staff.Action, service, name string) (m Matter, inside approval.Inside, err error) {
	if inside, err = insideOf(ctx, tx, by, a, service); err != nil {
		return m, inside, err
	}
	if _, err = tx.Exec(ctx, `UPDATE rectification SET notes = notes WHERE id = $1 AND service = $2`, name, service); err != nil {
		return m, inside, err
	}
	m, err = Find(ctx, tx, service, name)
	return m, inside, err
}

// Hand makes somebody else the owner, who from then on proves it. Errors: ErrMayNot,
// ErrNotFound, ErrNotOpen, ErrOwner.
func Hand(ctx context.Context, tx *db.Tx, by staff.Acting, service, name, to string) (Matter, string, error) {
	m, inside, err := hold(ctx, tx, by, staff.ManageRectifications, service, name)
	switch {
	case err != nil:
		return m, "", err
	case m.State() != Open:
		return m, "", ErrNotOpen
	}
	if err := mayOwn(ctx, tx, service, to, "to"); err != nil {
		return m, "", err
	}
	m.Owner = to
	if _, err := tx.Exec(ctx, `UPDATE rectification SET owner = $1 WHERE id = $2`, m.Owner, m.ID); err != nil {
		return m, "", err
	}
	entry, err := m.note(ctx, tx, KindHanded, by.Ledger(), HandedBody{m.ID, m.Owner, inside})
	return m, entry, err
}

// Postpone moves the day of what is open, with a reason: only to a later one that is yet to
// come. Errors: ErrMayNot, ErrNotFound, ErrNotOpen, ErrDue, ErrEarlier, ErrWords, ErrFull.
func Postpone(ctx context.Context, tx *db.Tx, ring *keyring.Ring, by staff.Acting, service, name, due string, reason pii.Text) (Matter, string, error) {
	m, inside, err := hold(ctx, tx, by, staff.ManageRectifications, service, name)
	switch {
	case err != nil:
		return m, "", err
	case m.State() != Open:
		return m, "", ErrNotOpen
	}
	was := m.DueAt
	if err := m.moveTo(tx.Now(), due); err != nil {
		return m, "", err
	}
	if !m.DueAt.After(was) {
		return m, "", ErrEarlier.At("due")
	}
	m.Postponed++
	return m.moved(ctx, tx, ring, by, KindPostponed, reason, inside)
}

// Reopen opens what is proved, or confirmed, again, with a reason and a day. An item of a
// summons is opened again while the summons isn't answered: that is opened again first. Errors:
// ErrMayNot, ErrNotFound, ErrOpen, ErrWholeDone, ErrDue, ErrWords, ErrFull.
func Reopen(ctx context.Context, tx *db.Tx, ring *keyring.Ring, by staff.Acting, service, name, due string, reason pii.Text) (Matter, string, error) {
	m, inside, err := hold(ctx, tx, by, staff.ManageRectifications, service, name)
	switch {
	case err != nil:
		return m, "", err
	case m.State() == Open:
		return m, "", ErrOpen
	}
	if m.PartOf != "" {
		if err := m.holdWhole(ctx, tx); err != nil {
			return m, "", err
		}
	}
	if err := m.moveTo(tx.Now(), due); err != nil {
		return m, "", err
	}
	m.DoneAt, m.DoneBy, m.ClosedAt, m.ClosedBy = time.Time{}, "", time.Time{}, ""
	m.Reopened++
	return m.moved(ctx, tx, ring, by, KindReopened, reason, inside)
}

// moveTo sets the day by which it is done, and when who has to do with it is reminded.
func (m *Matter) moveTo(now time.Time, due string) error {
	day, ok := DayOf(due)
	if !ok || !DueOn(day).After(now) {
		return ErrDue.At("due")
	}
	m.DueAt = DueOn(day)
	m.RemindAt = NextReminder(m.DueAt, now)
	return nil
}

func (m Matter) moved(ctx context.Context, tx *db.Tx, ring *keyring.Ring, by staff.Acting, kind string, reason pii.Text, inside approval.Inside) (Matter, string, error) {
	mark, err := m.add(ctx, tx, ring, by, Text{Words: reason}, nil)
	if err != nil {
		return m, "", err
	}
	if err := m.save(ctx, tx); err != nil {
		return m, "", err
	}
	m.Notes++
	entry, err := m.note(ctx, tx, kind, by.Ledger(), MovedBody{m.ID, m.DueAt.UnixMicro(), m.Notes - 1, mark, inside})
	return m, entry, err
}

// save writes where a held matter stands.
func (m Matter) save(ctx context.Context, tx *db.Tx) error {
	_, err := tx.Exec(ctx, `
		UPDATE rectification SET due_at = $1, done_at = $2, done_by = $3, closed_at = $4, closed_by = $5, postponed = $6, reopened = $7,
			appealed = $8, remind_at = $9
		WHERE id = $10`,
		(*db.Time)(&m.DueAt), (*db.Time)(&m.DoneAt), m.DoneBy, (*db.Time)(&m.ClosedAt), m.ClosedBy, m.Postponed, m.Reopened,
		m.Appealed, (*db.Time)(&m.RemindAt), m.ID)
	return err
}

// Appeal says that a sanction is appealed against, which by itself changes no day. Errors:
// ErrMayNot, ErrNotFound, ErrAppealed, ErrNotOpen, ErrWords, ErrFull.
func Appeal(ctx context.Context, tx *db.Tx, ring *keyring.Ring, by staff.Acting, service, name string, words pii.Text) (Matter, string, error) {
	m, inside, err := hold(ctx, tx, by, staff.ManageRectifications, service, name)
	switch {
	case err != nil:
		return m, "", err
	case m.What != Sanction || m.Appealed:
		return m, "", ErrAppealed
	case m.State() != Open:
		return m, "", ErrNotOpen
	}
	m.Appealed = true
	return m.written(ctx, tx, ring, by, KindAppealed, Text{Words: words}, nil, inside)
}

// Prove says that it is done, as its owner and with the document that proves it: what was put
// right, the answer to the authority, that a sanction is complied with, that an entry has ended
// or is repaired. Day is that of the document. A summons is answered once all that has to be put
// right for it is confirmed (Article 25). Errors: ErrMayNot, ErrNotFound, ErrNotOpen,
// ErrNotOwner, ErrPartsOpen, ErrDay, ErrDocument, ErrWords, ErrFull.
func Prove(ctx context.Context, tx *db.Tx, ring *keyring.Ring, by staff.Acting, service, name, day string, words pii.Text, document []byte) (Matter, string, error) {
	m, inside, err := hold(ctx, tx, by, staff.ProveRectifications, service, name)
	switch {
	case err != nil:
		return m, "", err
	case m.State() != Open:
		return m, "", ErrNotOpen
	case m.Owner != by.ID:
		return m, "", ErrNotOwner
	}
	if begins, ok := DayOf(day); !ok || begins.After(tx.Now()) {
		return m, "", ErrDay.At("day")
	}
	if _, kept := catalog.FileOf(document); !kept {
		return m, "", ErrDocument.At("document")
	}
	if m.What == Summons {
		switch open, err := db.One(ctx, tx, db.Single[int64], `
			SELECT count(*) FROM (SELECT id FROM rectification WHERE part_of = $1 AND closed_at IS NULL LIMIT 1) AS open`, m.ID); {
		case err != nil:
			return m, "", err
		case open > 0:
			return m, "", ErrPartsOpen
		}
	}
	m.DoneAt, m.DoneBy = tx.Now(), by.ID
	return m.written(ctx, tx, ring, by, KindProved, Text{Words: words, Day: day}, document, inside)
}

func (m Matter) written(ctx context.Context, tx *db.Tx, ring *keyring.Ring, by staff.Acting, kind string, text Text, document []byte, inside approval.Inside) (Matter, string, error) {
	mark, err := m.add(ctx, tx, ring, by, text, document)
	if err != nil {
		return m, "", err
	}
	if err := m.save(ctx, tx); err != nil {
		return m, "", err
	}
	m.Notes++
	entry, err := m.note(ctx, tx, kind, by.Ledger(), WrittenBody{m.ID, m.Notes - 1, mark, inside})
	return m, entry, err
}

// Confirm says that the proof holds, and ends it: another person than its owner, and than who
// has proved it, not that one under a second account. Errors: ErrMayNot, ErrNotFound,
// ErrNotProved, ErrSecond, ErrMaybeOne, ErrProver.
func Confirm(ctx context.Context, tx *db.Tx, by staff.Acting, service, name string) (Matter, string, error) {
	m, _, err := hold(ctx, tx, by, staff.ManageRectifications, service, name)
	switch {
	case err != nil:
		return m, "", err
	case m.State() != Proved:
		return m, "", ErrNotProved
	case by.ID == m.Owner || by.ID == m.DoneBy:
		return m, "", ErrSecond
	}
	two, err := approval.Another(ctx, tx, by.ID, staff.ManageRectifications, m.DoneBy, staff.ProveRectifications, service)
	switch {
	case errors.Is(err, approval.ErrMayNot):
		return m, "", ErrMayNot
	case errors.Is(err, approval.ErrMaker):
		return m, "", ErrMaybeOne
	case errors.Is(err, approval.ErrAsker):
		return m, "", ErrProver
	case err != nil:
		return m, "", err
	}
	m.ClosedAt, m.ClosedBy, m.RemindAt = tx.Now(), by.ID, time.Time{}
	if err := m.save(ctx, tx); err != nil {
		return m, "", err
	}
	entry, err := m.note(ctx, tx, KindConfirmed, by.Ledger(), ConfirmedBody{m.ID, two})
	return m, entry, err
}

// Remind reminds those who have to do with a matter, once for each time, and returns whether it
// did: the entry is what they are told by. If we crash before the commit it wasn't, and the next
// sweep does.
func Remind(ctx context.Context, tx *db.Tx, actor string, m Matter) (bool, error) {
	next := NextReminder(m.DueAt, tx.Now())
	n, err := tx.Exec(ctx, `UPDATE rectification SET reminded = $1, remind_at = $2 WHERE id = $3 AND remind_at = $4`,
		m.Reminded+1, (*db.Time)(&next), m.ID, (*db.Time)(&m.RemindAt))
	if err != nil || n != 1 {
		return false, err
	}
	_, err = m.note(ctx, tx, KindReminded, actor, RemindedBody{m.ID, m.What, m.Reminded + 1, m.DueAt.UnixMicro()})
	return err == nil, err
}

// Read records that somebody whom the matrix lets (staff.SeeRectifications) reads what was written
// about a matter, and returns it, without the documents. It is shown once that is committed, and
// not before (Invariant 2). Errors: ErrMayNot, ErrNotFound.
func Read(ctx context.Context, tx *db.Tx, by staff.Acting, service, name string) (Matter, []Note, error) {
	m, inside, err := hold(ctx, tx, by, staff.SeeRectifications, service, name)
	if err != nil {
		return m, nil, err
	}
	if _, err := m.note(ctx, tx, KindRead, by.Ledger(), ReadBody{Matter: m.ID, Notes: m.Notes, Inside: inside}); err != nil {
		return m, nil, err
	}
	notes, err := NotesOf(ctx, tx, m)
	return m, notes, err
}

// Fetch records, as Read does, that somebody takes the document that came with a text, and returns
// it. Errors: those of Read, ErrNoPaper, ErrSealed.
func Fetch(ctx context.Context, tx *db.Tx, ring *keyring.Ring, by staff.Acting, service, name string, n int64) (Note, []byte, error) {
	m, inside, err := hold(ctx, tx, by, staff.SeeRectifications, service, name)
	if err != nil {
		return Note{}, nil, err
	}
	note, document, err := m.document(ctx, tx, ring, n)
	if err != nil {
		return note, nil, err
	}
	_, err = m.note(ctx, tx, KindRead, by.Ledger(), ReadBody{Matter: m.ID, Notes: m.Notes, Document: n, Inside: inside})
	return note, document, err
}

func (m Matter) document(ctx context.Context, tx *db.Tx, ring *keyring.Ring, n int64) (Note, []byte, error) {
	note, err := db.One(ctx, tx, scanWithDocument, `
		SELECT `+noteColumns+`, document FROM rectification_note WHERE rectification = $1 AND number = $2`, m.ID, n)
	if errors.Is(err, db.ErrNone) || err == nil && note.File == "" {
		err = ErrNoPaper
	}
	if err != nil {
		return note, nil, err
	}
	document, err := note.open(ring)
	return note, document, err
}

// open returns the document of a text that was read with it, or nothing where there is none.
// Errors: ErrSealed.
func (n Note) open(ring *keyring.Ring) ([]byte, error) {
	if n.File == "" {
		if n.Hash != "" || len(n.document) > 0 {
			return nil, ErrSealed
		}
		return nil, nil
	}
	document, err := ring.Open(fileDomain, n.document, n.Matter, number(n.Number))
	if errors.Is(err, keyring.ErrOpen) {
		return nil, ErrSealed
	}
	if file, kept := catalog.FileOf(document); err == nil && (!kept || file != n.File || hashOf(document) != n.Hash) {
		err = ErrSealed
	}
	return document, err
}

// Intact reports whether a text of AllNotes and its document are those of which the ledger has
// that mark.
func (n Note) Intact(ring *keyring.Ring, mark string) bool {
	if _, err := n.open(ring); err != nil {
		return false
	}
	is, err := n.mark(ring)
	return err == nil && is == mark
}

// said is how a Text is sealed.
type said struct {
	Authority string `json:"authority,omitempty"`
	Document  string `json:"document,omitempty"`
	Provision string `json:"provision,omitempty"`
	Words     string `json:"words,omitempty"`
	Day       string `json:"day,omitempty"`
}

// Text returns what was written. Errors: ErrSealed.
func (n Note) Text(ring *keyring.Ring) (Text, error) {
	plain, err := n.plain(ring)
	var s said
	if err == nil && json.Unmarshal([]byte(plain), &s) != nil {
		err = ErrSealed
	}
	return Text{pii.New(s.Authority), pii.New(s.Document), pii.New(s.Provision), pii.New(s.Words), s.Day}, err
}

func (n Note) plain(ring *keyring.Ring) (string, error) {
	plain, err := ring.Open(sealDomain, n.sealed, n.Matter, number(n.Number))
	if errors.Is(err, keyring.ErrOpen) {
		err = ErrSealed
	}
	return string(plain), err
}

// mark is what the ledger has of the text and its document.
func (n Note) mark(ring *keyring.Ring) (string, error) {
	plain, err := n.plain(ring)
	return ledger.Mark(n.salt, n.Matter, number(n.Number), plain, n.File, n.Hash), err
}

// add raises the number of texts about a held matter, and writes the next one.
func (m Matter) add(ctx context.Context, tx *db.Tx, ring *keyring.Ring, by staff.Acting, text Text, document []byte) (string, error) {
	if !isWords(text.Words) {
		return "", ErrWords.At("words")
	}
	if m.Notes >= maxNotes {
		return "", ErrFull
	}
	m.Notes++
	if _, err := tx.Exec(ctx, `UPDATE rectification SET notes = $1 WHERE id = $2`, m.Notes, m.ID); err != nil {
		return "", err
	}
	return m.write(ctx, tx, ring, by.Ledger(), text, document)
}

// write seals what is written about a matter as its last note, and returns its mark.
func (m Matter) write(ctx context.Context, tx *db.Tx, ring *keyring.Ring, by string, t Text, document []byte) (string, error) {
	n := Note{Matter: m.ID, Number: m.Notes - 1, At: tx.Now(), By: by, salt: ledger.NewSalt()}
	plain, err := json.Marshal(said{t.Authority.Reveal(), t.Document.Reveal(), t.Provision.Reveal(), t.Words.Reveal(), t.Day})
	if err != nil {
		return "", err
	}
	if n.sealed, err = ring.Seal(sealDomain, plain, n.Matter, number(n.Number)); err != nil {
		return "", err
	}
	if len(document) > 0 {
		n.File, _ = catalog.FileOf(document)
		n.Hash = hashOf(document)
		if n.document, err = ring.Seal(fileDomain, document, n.Matter, number(n.Number)); err != nil {
			return "", err
		}
	}
	_, err = tx.Exec(ctx, `INSERT INTO rectification_note (`+noteColumns+`, document) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		n.Matter, n.Number, (*db.Time)(&n.At), n.By, n.File, n.Hash, n.sealed, n.salt, n.document)
	return ledger.Mark(n.salt, n.Matter, number(n.Number), string(plain), n.File, n.Hash), err
}

func hashOf(document []byte) string {
	sum := sha256.Sum256(document)
	return hex.EncodeToString(sum[:])
}

func number(n int64) string { return strconv.FormatInt(n, 10) }

func (m Matter) note(ctx context.Context, tx *db.Tx, kind, actor string, body any) (string, error) {
	return ledger.Append(ctx, tx, ledger.Entry{Kind: kind, Service: m.Service, Actor: actor, Body: body})
}
