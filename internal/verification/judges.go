package verification

import (
	"context"
	"errors"
	"slices"
	"strings"

	"wardkeep/internal/base/db"
	"wardkeep/internal/catalog"
	"wardkeep/internal/staff"
)

// An identity is what is known of somebody of the staff: an account, the terms of office
// that they hold or held, or both.
type identity struct {
	name   string // "st_…": of the term or of the person
	person staff.Person
	terms  []catalog.Officer
}

func identityOf(ctx context.Context, tx *db.Tx, service, name string) (who identity, err error) {
	who.name = name
	o, err := catalog.FindOfficer(ctx, tx, service, name)
	if err == nil {
		who.terms = append(who.terms, o)
		return who, nil
	}
	if !errors.Is(err, catalog.ErrOfficerNotFound) {
		return who, err
	}
	if who.person, err = staff.Find(ctx, tx, name); err != nil {
		return who, err
	}
	terms, err := staff.Terms(ctx, tx, name, service)
	for _, term := range terms {
		if o, err = catalog.FindOfficer(ctx, tx, service, term); err != nil {
			return who, err
		}
		who.terms = append(who.terms, o)
	}
	return who, err
}

// is reports whether two are one person: who has held an office twice, or has approved at
// the terminal, by the office, and comes back at the console, by an account. Where no
// account is known to be the office's, the same name is taken for the same person.
func (who identity) is(other identity) bool {
	if who.name == other.name {
		return true
	}
	for _, a := range who.terms {
		if slices.ContainsFunc(other.terms, func(b catalog.Officer) bool {
			return a.ID == b.ID || a.Name == b.Name && a.Contact == b.Contact
		}) {
			return true
		}
	}
	return who.called(other.person) || other.called(who.person)
}

// called reports whether a person has the name of a term.
func (who identity) called(p staff.Person) bool {
	return p.ID != "" && slices.ContainsFunc(who.terms, func(o catalog.Officer) bool { return strings.EqualFold(o.Name, p.Name) })
}

// twoPersons refuses where whoever approved first and whoever approves now are one, or may
// be: of two persons inside neither made the other's way to sign in, nor gave the role by
// which they judge (edge case 24). Errors: ErrSameStaff, ErrMaybeOne.
func twoPersons(ctx context.Context, tx *db.Tx, service, first, second string) error {
	one, err := identityOf(ctx, tx, service, first)
	if err != nil {
		return err
	}
	two, err := identityOf(ctx, tx, service, second)
	switch {
	case err != nil:
		return err
	case one.is(two):
		return ErrSameStaff
	}
	for _, pair := range [][2]identity{{one, two}, {two, one}} {
		behind, err := standsBehind(ctx, tx, service, pair[0], pair[1])
		if err == nil && behind {
			err = ErrMaybeOne
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// standsBehind reports whether what a person may judge rests on the other alone.
func standsBehind(ctx context.Context, tx *db.Tx, service string, other, who identity) (bool, error) {
	if who.person.ID == "" || who.person.State != staff.Active {
		return false, nil
	}
	by, err := staff.BackingOf(ctx, tx, who.person.ID)
	return err == nil && who.person.May(staff.JudgeEvidence, service) && who.person.RestsOn(by, other.name, staff.JudgeEvidence, service), err
}
