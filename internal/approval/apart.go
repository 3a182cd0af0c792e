package approval

import (
	"context"
	"slices"

	"wardkeep/internal/base/db"
	"wardkeep/internal/catalog"
	"wardkeep/internal/staff"
)

// A Party is one of those who have to be different persons, and what is known of who may
// stand behind them, as of when something is decided.
type Party struct {
	Person staff.Person
	Does   staff.Action
	Behind staff.Backing
}

// party returns a held person as one of them.
func party(ctx context.Context, tx *db.Tx, p staff.Person, a staff.Action) (Party, error) {
	behind, err := staff.BackingOf(ctx, tx, p.ID)
	return Party{p, a, behind}, err
}

// Backers are those who may be the person, or have alone let them do what they do. Behind
// who may not do it there is nobody.
func (p Party) Backers(s catalog.Service) []string {
	if !May(p.Person, p.Does, s) {
		return nil
	}
	who := p.Person
	who.Grants = Standing(who, s) // a term that is over stands for nobody
	return who.Backers(p.Behind, p.Does, s.Name)
}

// Apart refuses where two of those who take part may be one person (Article 15). Of a file,
// and of a window that is opened without the office (alone), one stands behind another, or
// somebody else behind two of them: there is nobody besides who would see it. Of a look that
// the office decides about, the links alone count: who has made one for another, or who has
// made them for both, may have used them. Who has given a role may not, and a small office
// goes on. Errors: ErrBehind, of such a look ErrMaker.
func Apart(s catalog.Service, alone bool, parties ...Party) error {
	behind := func(p Party) []string {
		if alone {
			return p.Backers(s)
		}
		return p.Behind.Makers
	}
	for i, one := range parties {
		for j, other := range parties {
			theirs := append(slices.Clone(behind(other)), other.Person.ID)
			if i == j || !slices.ContainsFunc(behind(one), func(who string) bool { return slices.Contains(theirs, who) }) {
				continue
			}
			if alone {
				return ErrBehind
			}
			return ErrMaker
		}
	}
	return nil
}
