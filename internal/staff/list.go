package staff

import (
	"context"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/id"
)

// held is what makes a row of person_role hold now. A role by office is held while the
// office is: its end needs no other change.
const held = `(r.office = '' OR EXISTS (
			SELECT 1 FROM officer o WHERE o.service = r.service AND o.id = r.office AND o.role = r.role AND o.ended_at IS NULL))`

// grants returns what a person holds now.
func grants(ctx context.Context, tx *db.Tx, person string) ([]Grant, error) {
	return db.All(ctx, tx, func(row db.Row) (g Grant, err error) {
		err = row.Scan(&g.Role, &g.Service, &g.Office)
		return g, err
	}, `
		SELECT r.role, r.service, r.office FROM person_role r
		WHERE r.person = $1 AND `+held+`
		ORDER BY r.service, r.role, r.office`, person)
}

// List returns every person, those who have left too, in the order in which they came.
func List(ctx context.Context, tx *db.Tx) ([]Person, error) {
	of := make(map[string][]Grant)
	err := db.Each(ctx, tx, func(row db.Row) error {
		var person string
		var g Grant
		err := row.Scan(&person, &g.Role, &g.Service, &g.Office)
		of[person] = append(of[person], g)
		return err
	}, `
		SELECT r.person, r.role, r.service, r.office FROM person_role r
		WHERE `+held+`
		ORDER BY r.person, r.service, r.role, r.office`)
	if err != nil {
		return nil, err
	}
	all, err := db.All(ctx, tx, scan, `SELECT `+columns+` FROM person ORDER BY added_at, id`)
	for i := range all {
		all[i].Grants = of[all[i].ID]
	}
	return all, err
}

// ParseCursor reads where a list of persons goes on, as an address has it.
func ParseCursor(s string) db.Cursor { return db.ParseCursor(id.Staff, s) }

// Cursor is where a list goes on behind the person.
func (p Person) Cursor() db.Cursor { return db.Cursor{At: p.AddedAt, ID: p.ID} }

// Page returns at most limit persons, those who have left too, the newest first, from a
// cursor on.
func Page(ctx context.Context, tx *db.Tx, from db.Cursor, limit int) ([]Person, error) {
	at, person := from.At, from.ID
	if person == "" {
		at, person = tx.Now().Add(time.Second), "~" // behind every id
	}
	const behind = `person WHERE added_at <= $1 AND (added_at < $1 OR id < $2) ORDER BY added_at DESC, id DESC LIMIT $3`
	of := make(map[string][]Grant)
	err := db.Each(ctx, tx, func(row db.Row) error {
		var person string
		var g Grant
		err := row.Scan(&person, &g.Role, &g.Service, &g.Office)
		of[person] = append(of[person], g)
		return err
	}, `
		SELECT r.person, r.role, r.service, r.office FROM (SELECT id FROM `+behind+`) p JOIN person_role r ON r.person = p.id
		WHERE `+held+`
		ORDER BY r.person, r.service, r.role, r.office`, (*db.Time)(&at), person, int64(limit))
	if err != nil {
		return nil, err
	}
	all, err := db.All(ctx, tx, scan, `SELECT `+columns+` FROM `+behind, (*db.Time)(&at), person, int64(limit))
	for i := range all {
		all[i].Grants = of[all[i].ID]
	}
	return all, err
}
