package consent

import (
	"context"
	"slices"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/catalog"
)

// ErrCeasing says that nobody is asked any more: the service ends, or one of the
// purposes in question does (Article 23). What was agreed to can still be withdrawn.
var ErrCeasing = errs.New(errs.Gone, "consent.ceasing")

// GoesOn refuses a service whose end was announced, or that of one of the purposes.
// Errors: ErrCeasing.
func GoesOn(ctx context.Context, tx *db.Tx, service string, purposes ...string) error {
	s, err := catalog.Find(ctx, tx, service)
	if err != nil {
		return err
	}
	if s.Ceases("") || slices.ContainsFunc(purposes, s.Ceases) {
		return ErrCeasing
	}
	return nil
}

// lasting returns those of the purposes that don't end. Errors: ErrCeasing if none is
// left, or one of them was named.
func lasting(ctx context.Context, tx *db.Tx, service string, purposes, named []string) ([]string, error) {
	s, err := catalog.Find(ctx, tx, service)
	if err != nil {
		return nil, err
	}
	stay := slices.DeleteFunc(slices.Clone(purposes), s.Ceases)
	if len(stay) == 0 || len(named) > 0 && len(stay) < len(purposes) {
		return nil, ErrCeasing.At("purposes")
	}
	return stay, nil
}
