package incident

import (
	"context"
	"errors"
	"strings"

	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/catalog"
	"wardkeep/internal/staff"
)

// A Second says by which accounts two persons act of whom one takes back what the other has
// said, as approval.Another has looked at them. There is none where one of them acts at the
// terminal alone.
type Second struct {
	By    string `json:"by"`    // who takes it back, "st_…"
	Other string `json:"other"` // who had said so
	approval.Pair
}

// another holds the two to the end of the transaction, and refuses who is the person that had
// said so: in that term of office, in another one, or by a second account (edge case 21). Of who
// has no account the name says who they are. Errors: ErrSecond.
func another(ctx context.Context, tx *db.Tx, by catalog.Officer, said string) (*Second, error) {
	term := strings.TrimPrefix(said, "officer:")
	if term == by.ID {
		return nil, ErrSecond
	}
	before, err := catalog.FindOfficer(ctx, tx, by.Service, term)
	if errors.Is(err, catalog.ErrOfficerNotFound) { // changed by hand
		err = ErrSecond
	}
	if err != nil {
		return nil, err
	}
	var held [2]string
	for i, term := range []string{by.ID, term} {
		if held[i], err = staff.Holder(ctx, tx, by.Service, term); err != nil {
			return nil, err
		}
	}
	if held[0] == "" || held[1] == "" {
		if strings.EqualFold(before.Name, by.Name) {
			return nil, ErrSecond
		}
		return nil, nil
	}
	two, err := approval.Another(ctx, tx, held[0], staff.JudgeIncidents, held[1], staff.JudgeIncidents, by.Service)
	for _, one := range []error{approval.ErrSelf, approval.ErrMaker, approval.ErrAsker} {
		if errors.Is(err, one) {
			return nil, ErrSecond
		}
	}
	if errors.Is(err, approval.ErrMayNot) {
		err = ErrMayNot
	}
	return &Second{held[0], held[1], two}, err
}
