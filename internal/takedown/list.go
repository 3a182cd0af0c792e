package takedown

import (
	"context"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/id"
)

// Waiting returns the open cases of a service, those that are due first, and at most limit.
func Waiting(ctx context.Context, tx *db.Tx, service string, limit int) ([]Case, error) {
	return queue.Open(ctx, tx, service, limit)
}

// All calls each with every case, by its name.
func All(ctx context.Context, tx *db.Tx, each func(Case) error) error {
	return queue.Each(ctx, tx, each)
}

// CountLate returns how many cases of a service, or of all if it is empty, are past the day
// of their next step; 1000 at most.
func CountLate(ctx context.Context, tx *db.Tx, service string) (int64, error) {
	return queue.Late(ctx, tx, service)
}

// NumberedIn returns those of the services that people call by that number: hardly ever more
// than one.
func NumberedIn(ctx context.Context, tx *db.Tx, services []string, number string) ([]Case, error) {
	return queue.NumberedIn(ctx, tx, services, number)
}

// FindIn returns a case of one of the services. Errors: ErrNotFound.
func FindIn(ctx context.Context, tx *db.Tx, services []string, name string) (Case, error) {
	return queue.FindIn(ctx, tx, services, name)
}

// ParseCursor reads where a list goes on, as an address has it.
func ParseCursor(s string) db.Cursor { return db.ParseCursor(id.Takedown, s) }

// A Wanted says which cases of a list somebody wants to see. The zero Wanted is all that
// are open.
type Wanted struct {
	Closed bool // instead of those that are open
	Source Source
	Harm   Harm
	Owner  string // "st_…", or Nobody; empty: whoever looks after it
}

// Nobody is the owner of what nobody looks after.
const Nobody = "nobody"

func (w Wanted) fits() func(Case) bool {
	if w.Source == "" && w.Harm == "" && w.Owner == "" {
		return nil
	}
	return func(c Case) bool {
		return (w.Source == "" || w.Source == c.Source) && (w.Harm == "" || w.Harm == c.Harm) &&
			(w.Owner == "" || w.Owner == c.Owner || w.Owner == Nobody && c.Owner == "")
	}
}

// List returns the cases of services that are wanted, at most limit: of the open ones those
// that are due first, of the closed ones those that were due last; and where the list goes
// on: nowhere, after the last.
func List(ctx context.Context, tx *db.Tx, services []string, want Wanted, from db.Cursor, limit int) (page []Case, next db.Cursor, err error) {
	return queue.List(ctx, tx, services, want.Closed, want.fits(), from, limit)
}
