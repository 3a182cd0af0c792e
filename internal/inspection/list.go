package inspection

import (
	"context"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/id"
)

var queue = db.Queue[Invitation]{
	Table: "inspection", Columns: columns, Prefix: id.Inspection, Scan: scan, None: ErrNotFound,
	At: func(i Invitation) db.Cursor { return db.Cursor{At: i.Until, ID: i.ID} },
}

// Named returns an invitation of the service. Errors: ErrNotFound.
func Named(ctx context.Context, tx *db.Tx, service, name string) (Invitation, error) {
	return queue.Find(ctx, tx, service, name)
}

// NamedIn returns an invitation of one of the services. Errors: ErrNotFound.
func NamedIn(ctx context.Context, tx *db.Tx, services []string, name string) (Invitation, error) {
	return queue.FindIn(ctx, tx, services, name)
}

// NumberedIn returns those of the services that people call by that number: hardly ever more
// than one.
func NumberedIn(ctx context.Context, tx *db.Tx, services []string, number string) ([]Invitation, error) {
	return queue.NumberedIn(ctx, tx, services, number)
}

// All calls each with every invitation, by its name. Each must not use tx.
func All(ctx context.Context, tx *db.Tx, each func(Invitation) error) error {
	return queue.Each(ctx, tx, each)
}

// ParseCursor reads where a list goes on, as an address has it.
func ParseCursor(s string) db.Cursor { return db.ParseCursor(id.Inspection, s) }

// List returns the invitations of services that nobody has ended, or those that somebody has, at
// most limit: of those that stand the ones that are over first, of the ended ones those that would
// have been over last; and where the list goes on: nowhere, after the last.
func List(ctx context.Context, tx *db.Tx, services []string, ended bool, from db.Cursor, limit int) (page []Invitation, next db.Cursor, err error) {
	return queue.List(ctx, tx, services, ended, nil, from, limit)
}

const lookColumns = `inspection, number, looked_at, page, article, about`

func scanLook(row db.Row) (l Look, err error) {
	var article int64
	err = row.Scan(&l.Inspection, &l.Number, (*db.Time)(&l.At), &l.Page, &article, &l.About)
	l.Article = int(article)
	return l, err
}

// LooksOf returns at what an inspector has looked, the last first: what was before a number, 0 for
// all, at most limit.
func LooksOf(ctx context.Context, tx *db.Tx, i Invitation, before int64, limit int) ([]Look, error) {
	if before <= 0 {
		before = MaxLooks + 1
	}
	return db.All(ctx, tx, scanLook, `
		SELECT `+lookColumns+` FROM inspection_look WHERE inspection = $1 AND number < $2 ORDER BY number DESC LIMIT $3`, i.ID, before, int64(limit))
}

// AllLooks calls each with every look, by its invitation and number. Each must not use tx.
func AllLooks(ctx context.Context, tx *db.Tx, each func(Look) error) error {
	return db.Each(ctx, tx, func(row db.Row) error {
		l, err := scanLook(row)
		if err != nil {
			return err
		}
		return each(l)
	}, `SELECT `+lookColumns+` FROM inspection_look ORDER BY inspection, number`)
}
