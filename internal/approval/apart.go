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

// backers are those who may be the person, or have alone let them do what they do. Behind
// who may not do it there is nobody.
func (p Party) backers(s catalog.Service) []string {
	if !May(p.Person, p.Does, s) {
		return nil
	}
	who := p.Person
	who.Grants = Standing(who, s) // a term that is over stands for nobody
	return who.Backers(p.Behind, p.Does, s.Name)
}

// Apart refuses a file where two of the three may be one person: one stands behind
// another, or somebody else behind two of them, who may then have all their links
// (Article 15). Errors: ErrBehind.
func Apart(s catalog.Service, parties ...Party) error {
	for i, one := range parties {
		for j, other := range parties {
			behind := one.backers(s)
			if i != j && (slices.Contains(behind, other.Person.ID) || slices.ContainsFunc(other.backers(s), func(who string) bool { return slices.Contains(behind, who) })) {
				return ErrBehind
			}
		}
	}
	return nil
}
