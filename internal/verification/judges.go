package verification

import (
	"context"
	"errors"
	"slices"
	"strings"

	"wardkeep/internal/approval"
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
		holder, err := staff.Holder(ctx, tx, service, name)
		if err == nil && holder != "" {
			who.person, err = staff.Find(ctx, tx, holder)
		}
		return who, err
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

// behind returns who else may be that one of the staff: the account of the office, who made
// the way to sign in, and who alone gave the role by which they judge.
func (who identity) behind(ctx context.Context, tx *db.Tx, s catalog.Service) ([]string, error) {
	if who.person.ID == "" {
		return nil, nil
	}
	backing, err := staff.BackingOf(ctx, tx, who.person.ID)
	if err != nil {
		return nil, err
	}
	all := approval.Party{Person: who.person, Does: staff.JudgeEvidence, Behind: backing}.Backers(s)
	if who.person.ID != who.name {
		all = append(all, who.person.ID)
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}

// behindJudge returns who else somebody of the staff may be who judges now. It is kept with
// what they say: a role that is taken from them, or another link, doesn't undo who that was.
func behindJudge(ctx context.Context, tx *db.Tx, service, name string) ([]string, error) {
	s, err := catalog.Find(ctx, tx, service)
	if err != nil {
		return nil, err
	}
	who, err := identityOf(ctx, tx, service, name)
	if err != nil {
		return nil, err
	}
	return who.behind(ctx, tx, s)
}

// twoPersons refuses where whoever approved first and whoever approves now are one, or may
// be: neither stands, or stood at the first approval, behind the other, and nobody else
// behind both (edge case 24). Errors: ErrSameStaff, ErrMaybeOne.
func twoPersons(ctx context.Context, tx *db.Tx, a Attempt, second string) error {
	s, err := catalog.Find(ctx, tx, a.Service)
	if err != nil {
		return err
	}
	one, err := identityOf(ctx, tx, a.Service, a.First)
	if err != nil {
		return err
	}
	two, err := identityOf(ctx, tx, a.Service, second)
	switch {
	case err != nil:
		return err
	case one.is(two):
		return ErrSameStaff
	}
	theirs, err := one.behind(ctx, tx, s)
	if err != nil {
		return err
	}
	mine, err := two.behind(ctx, tx, s)
	theirs, mine = append(append(theirs, a.behind...), a.First), append(mine, second)
	if err == nil && slices.ContainsFunc(mine, func(who string) bool { return slices.Contains(theirs, who) }) {
		err = ErrMaybeOne
	}
	return err
}
