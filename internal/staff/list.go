package staff

import (
	"context"
	"errors"
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

// List returns every person inside, those who have left too, in the order in which they came.
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
	all, err := db.All(ctx, tx, scan, `SELECT `+columns+` FROM person WHERE seat = '' ORDER BY added_at, id`)
	for i := range all {
		all[i].Grants = of[all[i].ID]
	}
	return all, err
}

// atOnce is how many persons Each reads at a time.
const atOnce = 100

// Each calls fn with those who are here and may do that with a service, in the order in
// which they came, until it wants no more of them: it costs what is read till then.
func Each(ctx context.Context, tx *db.Tx, a Action, service string, fn func(Person) (more bool, err error)) error {
	for after := (db.Cursor{}); ; {
		all, err := db.All(ctx, tx, scan, `
			SELECT `+columns+` FROM person
			WHERE added_at >= $1 AND (added_at > $1 OR id > $2) AND state = 'active'
				AND EXISTS (SELECT 1 FROM person_role r WHERE r.person = person.id AND (r.service = $3 OR r.service = '') AND `+held+`)
			ORDER BY added_at, id LIMIT $4`, after.At.UnixMicro(), after.ID, service, int64(atOnce))
		if err != nil {
			return err
		}
		for _, p := range all {
			after = p.Cursor()
			if p.Grants, err = grants(ctx, tx, p.ID); err != nil {
				return err
			}
			if !p.May(a, service) {
				continue
			}
			if more, err := fn(p); err != nil || !more {
				return err
			}
		}
		if len(all) < atOnce {
			return nil
		}
	}
}

// Named returns at most limit persons inside whose name fits, those who have left too, in the order
// in which they came. Every name is read, and nothing else of whom it doesn't fit.
func Named(ctx context.Context, tx *db.Tx, fits func(name string) bool, limit int) (all []Person, err error) {
	var ids []string
	err = db.Each(ctx, tx, func(row db.Row) error {
		var id, name string
		err := row.Scan(&id, &name)
		if err == nil && len(ids) < limit && fits(name) {
			ids = append(ids, id)
		}
		return err
	}, `SELECT id, name FROM person WHERE seat = '' ORDER BY added_at, id`)
	for _, id := range ids {
		if err != nil {
			return nil, err
		}
		var p Person
		p, err = Find(ctx, tx, id)
		all = append(all, p)
	}
	return all, err
}

// Called returns the person inside of that id, or else those who have exactly that name.
func Called(ctx context.Context, tx *db.Tx, who string) ([]Person, error) {
	if id.Is(id.Staff, who) {
		p, err := Find(ctx, tx, who)
		if errors.Is(err, ErrNotFound) || p.Seat != "" {
			return nil, nil
		}
		return []Person{p}, err
	}
	return Named(ctx, tx, func(name string) bool { return name == who }, atOnce)
}

// ParseCursor reads where a list of persons goes on, as an address has it.
func ParseCursor(s string) db.Cursor { return db.ParseCursor(id.Staff, s) }

// Cursor is where a list goes on behind the person.
func (p Person) Cursor() db.Cursor { return db.Cursor{At: p.AddedAt, ID: p.ID} }

// Page returns at most limit persons inside, those who have left too, the newest first, from a
// cursor on.
func Page(ctx context.Context, tx *db.Tx, from db.Cursor, limit int) ([]Person, error) {
	at, person := from.At, from.ID
	if person == "" {
		at, person = tx.Now().Add(time.Second), "~" // behind every id
	}
	const behind = `person WHERE seat = '' AND added_at <= $1 AND (added_at < $1 OR id < $2) ORDER BY added_at DESC, id DESC LIMIT $3`
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
