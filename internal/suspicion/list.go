package suspicion

import (
	"context"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/id"
)

// Number is what people call it: "7K2M-9QXT".
func (s Suspicion) Number() string { return id.NumberOf(s.ID) }

// Late reports whether nobody has decided by its day.
func (s Suspicion) Late(now time.Time) bool { return s.Open() && !now.Before(s.DueAt) }

// Waiting returns the open suspicions of a service, those that are due first, and at
// most limit.
func Waiting(ctx context.Context, tx *db.Tx, service string, limit int) ([]Suspicion, error) {
	return queue.Open(ctx, tx, service, limit)
}

// All calls each with every suspicion, by its name.
func All(ctx context.Context, tx *db.Tx, each func(Suspicion) error) error {
	return queue.Each(ctx, tx, each)
}

// CountLate returns how many suspicions of a service, or of all if it is empty, are
// past their day; 1000 at most.
func CountLate(ctx context.Context, tx *db.Tx, service string) (int64, error) {
	return queue.Late(ctx, tx, service)
}

// NumberedIn returns those of the services that people call by that number: hardly ever more
// than one.
func NumberedIn(ctx context.Context, tx *db.Tx, services []string, number string) ([]Suspicion, error) {
	return queue.NumberedIn(ctx, tx, services, number)
}

// FindIn returns a suspicion of one of the services. Errors: ErrNotFound.
func FindIn(ctx context.Context, tx *db.Tx, services []string, name string) (Suspicion, error) {
	return queue.FindIn(ctx, tx, services, name)
}

// ParseCursor reads where a list goes on, as an address has it.
func ParseCursor(s string) db.Cursor { return db.ParseCursor(id.Suspicion, s) }

// A Wanted says which suspicions of a list somebody wants to see. The zero Wanted is all
// that are open.
type Wanted struct {
	Decided bool // instead of those that are open
	Source  Source
	Owner   string // "st_…", or Nobody; empty: whoever looks after it
}

// Nobody is the owner of what nobody looks after.
const Nobody = "nobody"

func (w Wanted) fits() func(Suspicion) bool {
	if w.Source == "" && w.Owner == "" {
		return nil
	}
	return func(s Suspicion) bool {
		return (w.Source == "" || w.Source == s.Source) && (w.Owner == "" || w.Owner == s.Owner || w.Owner == Nobody && s.Owner == "")
	}
}

// List returns the suspicions of services that are wanted, at most limit: of the open ones
// those that are due first, of those that are decided the ones that were due last; and
// where the list goes on: nowhere, after the last.
func List(ctx context.Context, tx *db.Tx, services []string, want Wanted, from db.Cursor, limit int) (page []Suspicion, next db.Cursor, err error) {
	return queue.List(ctx, tx, services, want.Decided, want.fits(), from, limit)
}
