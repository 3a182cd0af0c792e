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

// goesOn refuses purposes that nobody is asked about any more, or none of a service that
// ends. Of one that somebody takes over, the purpose that asks about it goes on by itself
// until the end of the window (edge case 18). Errors: ErrCeasing.
func goesOn(tx *db.Tx, s catalog.Service, purposes []string) error {
	if len(purposes) == 0 && s.Ceases("") || slices.ContainsFunc(purposes, func(p string) bool { return !s.Asks(p, tx.Now()) }) {
		return ErrCeasing
	}
	return nil
}

// mayAsk refuses to ask in a service that ends, but for who takes it over. Errors:
// ErrCeasing.
func mayAsk(ctx context.Context, tx *db.Tx, service string, named []string) error {
	s, err := catalog.Find(ctx, tx, service)
	if err != nil || !s.Ceases("") {
		return err // of a purpose that ends alone: see lasting
	}
	return goesOn(tx, s, named)
}

// goesOn refuses a request about what ends. One that was made before a takeover was
// announced says nothing of it, and asks nothing any more (edge case 18). Errors:
// ErrCeasing.
func (r Request) goesOn(ctx context.Context, tx *db.Tx) error {
	s, err := catalog.Find(ctx, tx, r.Service)
	if err != nil {
		return err
	}
	if r.predates(s) {
		return ErrCeasing
	}
	return goesOn(tx, s, r.Purposes)
}

// predates reports whether a request was made before a takeover was announced, or by who
// hadn't read of it.
func (r Request) predates(s catalog.Service) bool {
	return s.Successor.Recipient != "" && !r.Takeover
}

// MayProve refuses whatever else proves who a guardian is, once the service ends
// (Article 23): a name, a number or a document is collected, too. To the question about who
// takes over it takes such a proof (edge cases 18 and 24). Errors: ErrCeasing.
func MayProve(ctx context.Context, tx *db.Tx, r Request) error {
	s, err := catalog.Find(ctx, tx, r.Service)
	if err != nil || !s.Ceases("") {
		return err
	}
	return r.goesOn(ctx, tx)
}

// lasting returns those of the purposes that don't end, and whether they are about who
// takes over the service. Errors: ErrCeasing if none is left, or one of them was named.
//
// Edge case 18: the announcement that is read here is committed. A request that is marked
// was made after it was public, whatever the clocks of two nodes say, and however long
// either transaction took; so was each answer to it.
func lasting(ctx context.Context, tx *db.Tx, service string, purposes, named []string) (stay []string, takeover bool, err error) {
	s, err := catalog.Find(ctx, tx, service)
	if err != nil {
		return nil, false, err
	}
	stay = slices.DeleteFunc(slices.Clone(purposes), func(p string) bool { return !s.Asks(p, tx.Now()) })
	if len(stay) == 0 || len(named) > 0 && len(stay) < len(purposes) {
		return nil, false, ErrCeasing.At("purposes")
	}
	return stay, s.Succeeds(s.Successor.Purpose, tx.Now()), nil
}
