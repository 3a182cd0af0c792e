package rectification

import (
	"context"
	"errors"
	"slices"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/id"
)

var queue = db.Queue[Matter]{
	Table: "rectification", Columns: columns, Prefix: id.Rectification, Scan: scan, None: ErrNotFound,
	At: func(m Matter) db.Cursor { return db.Cursor{At: m.DueAt, ID: m.ID} },
}

// Find returns a matter of the service. Errors: ErrNotFound.
func Find(ctx context.Context, tx *db.Tx, service, name string) (Matter, error) {
	return queue.Find(ctx, tx, service, name)
}

// FindIn returns a matter of one of the services. Errors: ErrNotFound.
func FindIn(ctx context.Context, tx *db.Tx, services []string, name string) (Matter, error) {
	return queue.FindIn(ctx, tx, services, name)
}

// NumberedIn returns those of the services that people call by that number: hardly ever more
// than one.
func NumberedIn(ctx context.Context, tx *db.Tx, services []string, number string) ([]Matter, error) {
	return queue.NumberedIn(ctx, tx, services, number)
}

// All calls each with every matter, by its name.
func All(ctx context.Context, tx *db.Tx, each func(Matter) error) error {
	return queue.Each(ctx, tx, each)
}

// maxParts is how many parts of a matter are listed.
const maxParts = 200

// Parts returns what belongs to a matter: of a summons the items, of a sanction the entries in
// credit files; those that were recorded first, at most maxParts.
func Parts(ctx context.Context, tx *db.Tx, m Matter) ([]Matter, error) {
	return db.All(ctx, tx, scan, `
		SELECT `+columns+` FROM rectification WHERE part_of = $1 AND service = $2 ORDER BY opened_at, id LIMIT $3`, m.ID, m.Service, int64(maxParts))
}

// ParseCursor reads where a list goes on, as an address has it.
func ParseCursor(s string) db.Cursor { return db.ParseCursor(id.Rectification, s) }

// A Wanted says which matters of a list somebody wants to see. The zero Wanted is all that
// are open.
type Wanted struct {
	Closed bool // instead of those that are open
	What   []What
	Owner  string // "st_…"; empty: whoever looks after it
}

func (w Wanted) fits() func(Matter) bool {
	if len(w.What) == 0 && w.Owner == "" {
		return nil
	}
	return func(m Matter) bool {
		return (len(w.What) == 0 || slices.Contains(w.What, m.What)) && (w.Owner == "" || w.Owner == m.Owner)
	}
}

// List returns the matters of services that are wanted, at most limit: of the open ones those
// that are due first, of the closed ones those that were due last; and where the list goes on:
// nowhere, after the last.
func List(ctx context.Context, tx *db.Tx, services []string, want Wanted, from db.Cursor, limit int) (page []Matter, next db.Cursor, err error) {
	return queue.List(ctx, tx, services, want.Closed, want.fits(), from, limit)
}

// A Tally is how many matters of one What a service has, most of each at most.
type Tally struct {
	Open, Late, Closed int64
	InTime             int64 // of those that are closed
}

// Count returns how many matters of one What a service has, most of each at most. It reads
// the indexes of what is open and of what is closed, by their What.
func Count(ctx context.Context, tx *db.Tx, service string, what What, most int64) (t Tally, err error) {
	now := tx.Now()
	if t.Open, err = db.One(ctx, tx, db.Single[int64], `
		SELECT count(*) FROM (SELECT id FROM rectification WHERE service = $1 AND what = $2 AND closed_at IS NULL LIMIT $3) AS open`,
		service, what, most); err != nil {
		return t, err
	}
	if t.Late, err = db.One(ctx, tx, db.Single[int64], `
		SELECT count(*) FROM (SELECT id FROM rectification WHERE service = $1 AND what = $2 AND due_at <= $3 AND closed_at IS NULL LIMIT $4) AS late`,
		service, what, (*db.Time)(&now), most); err != nil {
		return t, err
	}
	if t.Closed, err = db.One(ctx, tx, db.Single[int64], `
		SELECT count(*) FROM (SELECT id FROM rectification WHERE service = $1 AND what = $2 AND closed_at IS NOT NULL LIMIT $3) AS closed`,
		service, what, most); err != nil {
		return t, err
	}
	t.InTime, err = db.One(ctx, tx, db.Single[int64], `
		SELECT count(*) FROM (
			SELECT id FROM rectification WHERE service = $1 AND what = $2 AND closed_at IS NOT NULL AND closed_at < due_at LIMIT $3
		) AS in_time`, service, what, most)
	return t, err
}

// ToRemind returns matters of which somebody is to be reminded by now, those behind after and
// at most limit. It reads the index of those times.
func ToRemind(ctx context.Context, tx *db.Tx, after Matter, limit int) ([]Matter, error) {
	now, from := tx.Now(), int64(0)
	if after.ID != "" {
		from = after.RemindAt.UnixMicro()
	}
	return db.All(ctx, tx, scan, `
		SELECT `+columns+` FROM rectification
		WHERE remind_at IS NOT NULL AND remind_at <= $1 AND (remind_at, id) > ($2, $3)
		ORDER BY remind_at, id LIMIT $4`, (*db.Time)(&now), from, after.ID, int64(limit))
}

const noteColumns = `rectification, number, written_at, written_by, file, hash, sealed, salt`

func (n *Note) into() []any {
	return []any{&n.Matter, &n.Number, (*db.Time)(&n.At), &n.By, &n.File, &n.Hash, &n.sealed, &n.salt}
}

func scanNote(row db.Row) (n Note, err error) {
	err = row.Scan(n.into()...)
	return n, err
}

func scanWithDocument(row db.Row) (n Note, err error) {
	err = row.Scan(append(n.into(), &n.document)...)
	return n, err
}

// NotesOf returns what was written about a matter, in its order, without the documents.
func NotesOf(ctx context.Context, tx *db.Tx, m Matter) ([]Note, error) {
	return db.All(ctx, tx, scanNote, `SELECT `+noteColumns+` FROM rectification_note WHERE rectification = $1 ORDER BY number`, m.ID)
}

// First returns what a matter was recorded with. Errors: ErrSealed.
func First(ctx context.Context, tx *db.Tx, m Matter) (Note, error) {
	n, err := db.One(ctx, tx, scanNote, `SELECT `+noteColumns+` FROM rectification_note WHERE rectification = $1 AND number = 0`, m.ID)
	if errors.Is(err, db.ErrNone) {
		err = ErrSealed
	}
	return n, err
}

// AllNotes calls each with every text and its document, by its matter and number. Each must
// not use tx.
func AllNotes(ctx context.Context, tx *db.Tx, each func(Note) error) error {
	return db.Each(ctx, tx, func(row db.Row) error {
		n, err := scanWithDocument(row)
		if err != nil {
			return err
		}
		return each(n)
	}, `SELECT `+noteColumns+`, document FROM rectification_note ORDER BY rectification, number`)
}
