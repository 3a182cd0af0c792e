package approval

import (
	"context"
	"errors"

	"wardkeep/internal/base/db"
	"wardkeep/internal/catalog"
	"wardkeep/internal/staff"
)

// Inside is what the act of a person inside rests on, who holds no office: the version of
// the person by which the matrix lets them do that, and that of the service. The zero
// Inside is anybody else's.
type Inside struct {
	Person  int64 `json:"person,omitempty"`
	Catalog int64 `json:"catalog,omitempty"`
}

// InsideOf holds a person inside who acts to the end of the transaction, and returns what
// their act rests on; of anybody else, nothing. Errors: ErrMayNot where the matrix doesn't
// let them any more.
func InsideOf(ctx context.Context, tx *db.Tx, by any, a staff.Action, service string) (Inside, error) {
	who, is := by.(staff.Acting)
	if !is {
		return Inside{}, nil
	}
	held, err := staff.Acts(ctx, tx, who.Person, a)
	if errors.Is(err, staff.ErrNotFound) {
		err = ErrMayNot
	}
	if err != nil {
		return Inside{}, err
	}
	s, err := catalog.Find(ctx, tx, service)
	if err == nil && !May(held.Person, a, s) {
		err = ErrMayNot
	}
	return Inside{held.Version, s.Version}, err
}
