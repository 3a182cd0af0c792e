package staff

import (
	"context"
	"slices"

	"wardkeep/internal/base/db"
	"wardkeep/internal/catalog"
)

// A RoleBody says which role was given or taken.
type RoleBody struct {
	Person  string `json:"person"`
	Role    Role   `json:"role"`
	Service string `json:"service,omitempty"` // empty: of every service
	Office  string `json:"office,omitempty"`  // the term of office by which it is held
}

// Give gives a role to a person. That of an office is given at the terminal alone.
// Errors: ErrMayNot, ErrTerminal, ErrUnknown, ErrSelf, ErrNotFound, ErrLeft, ErrRole,
// ErrOffice, ErrService, ErrHeld, ErrLinked, catalog.ErrNotFound.
func Give(ctx context.Context, tx *db.Tx, by Actor, person string, g Grant) (Person, error) {
	if self(by, person) {
		return Person{}, ErrSelf
	}
	if err := gives(ctx, tx, by, g); err != nil {
		return Person{}, err
	}
	return give(ctx, tx, by, person, g)
}

// gives returns nil if by may give the role.
func gives(ctx context.Context, tx *db.Tx, by Actor, g Grant) error {
	if err := admits(ctx, tx, by, g.Service); err != nil {
		return err
	}
	if idOf(by) != "" && g.Office != "" {
		return ErrTerminal
	}
	return nil
}

func give(ctx context.Context, tx *db.Tx, by Actor, person string, g Grant) (Person, error) {
	if err := g.check(ctx, tx); err != nil {
		return Person{}, err
	}
	p, err := Lock(ctx, tx, person)
	if err == nil && p.Seat != "" {
		err = ErrNotFound // among those inside
	}
	if err != nil {
		return Person{}, err
	}
	if g.Office != "" { // whoever holds it confirms others
		makers, err := db.One(ctx, tx, db.Single[int64], `SELECT count(*) FROM person_maker WHERE person = $1`, p.ID)
		if err == nil && makers > 0 {
			err = ErrUnknown
		}
		if err != nil {
			return Person{}, err
		}
	}
	now := tx.Now()
	n, err := tx.Exec(ctx, `
		INSERT INTO person_role (person, service, role, office, granted_at, granted_by) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT DO NOTHING`, p.ID, g.Service, g.Role, g.Office, (*db.Time)(&now), idOf(by))
	switch {
	case err == nil && n == 0 && g.Office != "":
		err = ErrLinked
	case err == nil && n == 0:
		err = ErrHeld
	}
	if err != nil {
		return Person{}, err
	}
	p.Grants = append(p.Grants, g)
	_, err = p.Note(ctx, tx, KindGranted, by.Ledger(), RoleBody{Person: p.ID, Role: g.Role, Service: g.Service, Office: g.Office})
	return p, err
}

func (g Grant) check(ctx context.Context, tx *db.Tx) error {
	switch {
	case !g.Role.Known():
		return ErrRole.At("role")
	case g.Role.ByOffice() != (g.Office != ""):
		return ErrOffice.At("role")
	case g.Service == "" && !g.Role.Everywhere():
		return ErrService.At("service")
	case g.Service == "":
		return nil
	}
	_, err := catalog.Find(ctx, tx, g.Service)
	return err
}

// OfOffice returns the role that a term of office gives to the account of its holder.
// Office and account are two things: the office is public and of one service; the
// account signs in. Errors: catalog.ErrNotFound, catalog.ErrOfficerNotFound, also
// when the term has ended; ErrLinked, when it is somebody else's.
func OfOffice(ctx context.Context, tx *db.Tx, service, office string) (Grant, error) {
	if _, err := catalog.Find(ctx, tx, service); err != nil {
		return Grant{}, err
	}
	o, err := catalog.FindOfficer(ctx, tx, service, office)
	if err == nil && !o.EndedAt.IsZero() {
		err = catalog.ErrOfficerNotFound
	}
	if err != nil {
		return Grant{}, err
	}
	return Grant{Role: Role(o.Role), Service: service, Office: o.ID}, nil
}

// Take takes a role from a person. Errors: ErrMayNot, ErrSelf, ErrNotFound, ErrLeft,
// ErrNotHeld.
func Take(ctx context.Context, tx *db.Tx, by Actor, person string, g Grant) (Person, error) {
	if self(by, person) {
		return Person{}, ErrSelf
	}
	if err := admits(ctx, tx, by, g.Service); err != nil {
		return Person{}, err
	}
	p, err := Lock(ctx, tx, person)
	if err != nil {
		return Person{}, err
	}
	n, err := tx.Exec(ctx, `
		DELETE FROM person_role WHERE person = $1 AND service = $2 AND role = $3 AND office = $4`, p.ID, g.Service, g.Role, g.Office)
	if err == nil && n != 1 {
		err = ErrNotHeld
	}
	if err != nil {
		return Person{}, err
	}
	p.Grants = slices.DeleteFunc(p.Grants, func(held Grant) bool { return held == g })
	_, err = p.Note(ctx, tx, KindRevoked, by.Ledger(), RoleBody{Person: p.ID, Role: g.Role, Service: g.Service, Office: g.Office})
	return p, err
}

// Manages returns nil if by may manage people of every service that the person has a
// role in, so that no officer shuts another service's people out. Who has no role is
// the terminal's. Errors: ErrMayNot.
func Manages(ctx context.Context, tx *db.Tx, by Actor, p Person) error {
	if len(p.Grants) == 0 {
		return admits(ctx, tx, by, "")
	}
	for _, g := range p.Grants {
		if err := admits(ctx, tx, by, g.Service); err != nil {
			return err
		}
	}
	return nil
}

// Follow gives who has an account by one term of office the role of another: the person
// is the same, and only the office is another. By has passed that office on, which only
// its holder can (catalog.HandToDeputy), and answers for the role. Where nobody has an
// account by the former, nothing is done. Errors: ErrLinked, ErrUnknown.
func Follow(ctx context.Context, tx *db.Tx, by Person, former, now catalog.Officer) error {
	held, err := db.All(ctx, tx, db.Single[string], `
		SELECT r.person FROM person_role r
		JOIN person p ON p.id = r.person
		WHERE r.service = $1 AND r.office = $2 AND p.state = 'active'`, former.Service, former.ID)
	if err != nil || len(held) == 0 {
		return err
	}
	_, err = give(ctx, tx, by, held[0], Grant{Role: Role(now.Role), Service: now.Service, Office: now.ID})
	return err
}
