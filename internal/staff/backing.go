package staff

import (
	"context"
	"maps"
	"slices"

	"wardkeep/internal/base/db"
)

// A Backing is who stands behind a person, of those who aren't at the terminal: who has
// made a link by which the person sets up how to sign in, and so may have used it, and
// who has given which role. It lasts until somebody else who may has confirmed the
// person, however long that takes; of the links it ends, too, with a reset by somebody
// else, for nothing that was set up before it signs anybody in.
type Backing struct {
	Makers []string // in order
	Given  map[Grant]string
}

// ByOthers reports whether anybody else than one stands behind the person.
func (b Backing) ByOthers(one string) bool {
	other := func(who string) bool { return who != "" && who != one }
	return slices.ContainsFunc(b.Makers, other) || slices.ContainsFunc(slices.Collect(maps.Values(b.Given)), other)
}

// BackingOf returns who stands behind a person.
func BackingOf(ctx context.Context, tx *db.Tx, person string) (b Backing, err error) {
	b.Makers, err = db.All(ctx, tx, db.Single[string], `SELECT maker FROM person_maker WHERE person = $1 ORDER BY maker`, person)
	if err != nil {
		return b, err
	}
	b.Given = make(map[Grant]string)
	return b, db.Each(ctx, tx, func(row db.Row) error {
		var g Grant
		var by string
		err := row.Scan(&g.Role, &g.Service, &g.Office, &by)
		b.Given[g] = by
		return err
	}, `SELECT role, service, office, granted_by FROM person_role WHERE person = $1 ORDER BY service, role, office`, person)
}

// RestsOn reports whether what the person does with a service rests on somebody else
// alone: who may be the one who signs in, or has given every role by which it may be done.
func (p Person) RestsOn(b Backing, who string, a Action, service string) bool {
	if slices.Contains(b.Makers, who) {
		return true
	}
	r := RuleOf(a)
	return !slices.ContainsFunc(p.Grants, func(g Grant) bool {
		return r.Allows(g.Role) && (g.Service == "" || g.Service == service) && b.Given[g] != who
	})
}

// Backers returns everybody of whom RestsOn says so, of a person who may do that.
func (p Person) Backers(b Backing, a Action, service string) (all []string) {
	for _, who := range slices.Concat(b.Makers, slices.Sorted(maps.Values(b.Given))) {
		if who != "" && p.RestsOn(b, who, a, service) {
			all = append(all, who)
		}
	}
	return all
}

// StandBehind keeps that by has made a link for the locked person. Who holds an office
// gets one at the terminal alone: nobody who decides there is made by another. Errors:
// ErrTerminal.
func StandBehind(ctx context.Context, tx *db.Tx, by Actor, p Person) error {
	maker := idOf(by)
	switch {
	case maker == "":
		return nil
	case slices.ContainsFunc(p.Grants, func(g Grant) bool { return g.Role.ByOffice() }):
		return ErrTerminal
	}
	return tx.Queue(ctx, `INSERT INTO person_maker (person, maker) VALUES ($1, $2) ON CONFLICT DO NOTHING`, p.ID, maker)
}

// A ConfirmedBody says that somebody who may manage a person knows that there is one, who
// signs in alone, and who holds these roles rightly.
type ConfirmedBody struct {
	Person string `json:"person"`
}

// Confirm says that a person is somebody of their own, and holds their roles rightly:
// nobody else stands behind them any more, but whoever confirms it, if they do.
// Nobody is, while a link to set up how they sign in is open: whoever has it may still use
// it. Errors: ErrMayNot, ErrSelf, ErrNotFound, ErrLeft, ErrLinkOpen, ErrBacked.
func Confirm(ctx context.Context, tx *db.Tx, by Actor, person string) (Person, error) {
	if self(by, person) {
		return Person{}, ErrSelf
	}
	p, err := Lock(ctx, tx, person)
	if err != nil {
		return Person{}, err
	}
	if err := Manages(ctx, tx, by, p); err != nil {
		return Person{}, err
	}
	now := tx.Now()
	open, err := db.One(ctx, tx, db.Single[int64], `
		SELECT count(*) FROM person_invite WHERE person = $1 AND session = '' AND until > $2`, p.ID, (*db.Time)(&now))
	if err == nil && open > 0 {
		err = ErrLinkOpen
	}
	if err != nil {
		return Person{}, err
	}
	links, err := tx.Exec(ctx, `DELETE FROM person_maker WHERE person = $1 AND maker <> $2`, p.ID, idOf(by))
	if err != nil {
		return Person{}, err
	}
	roles, err := tx.Exec(ctx, `
		UPDATE person_role SET granted_by = '' WHERE person = $1 AND granted_by <> '' AND granted_by <> $2`, p.ID, idOf(by))
	if err == nil && links+roles == 0 {
		err = ErrBacked
	}
	if err != nil {
		return Person{}, err
	}
	_, err = p.Note(ctx, tx, KindConfirmed, by.Ledger(), ConfirmedBody{Person: p.ID})
	return p, err
}

// EachMaker calls fn with every row, in order, for an audit.
func EachMaker(ctx context.Context, tx *db.Tx, fn func(person, maker string) error) error {
	return db.Each(ctx, tx, func(row db.Row) error {
		var person, maker string
		if err := row.Scan(&person, &maker); err != nil {
			return err
		}
		return fn(person, maker)
	}, `SELECT person, maker FROM person_maker ORDER BY person, maker`)
}
