package rights

import (
	"context"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/family"
)

// MayFetch reports whether the guardian finds the answer to a demand at home: to its
// own, and to what its child has asked for, while it stands.
func (r Request) MayFetch(by family.Guardian, now time.Time) bool {
	return r.Kind.Tells() && r.Kind != Port && r.Child == by.Child && (r.Door == ByChild || r.Guardian == by.ID) && now.Before(r.FetchUntil)
}

// Fetch returns the demand for a copy that a guardian comes to fetch. That the
// guardian is one in office, and well enough verified, is for the gate to say. Errors:
// ErrNotFound, also for another guardian's; ErrNotOfKind; ErrFetched.
func Fetch(ctx context.Context, tx *db.Tx, by family.Guardian, service, request string) (Request, error) {
	r, err := Find(ctx, tx, service, request)
	switch {
	case err != nil:
		return r, err
	case r.Child != by.Child || r.Door != ByChild && r.Guardian != by.ID:
		return r, ErrNotFound
	case r.Kind != Copy:
		return r, ErrNotOfKind
	case !r.MayFetch(by, tx.Now()):
		return r, ErrFetched
	}
	return r, nil
}
