package shield

import (
	"context"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/id"
	"wardkeep/internal/family"
)

// Find returns a shield of the service. Errors: ErrNotFound, also for one that went with its
// child.
func Find(ctx context.Context, tx *db.Tx, service, name string) (Shield, error) {
	return queue.Find(ctx, tx, service, name)
}

// FindIn returns a shield of one of the services. Errors: ErrNotFound.
func FindIn(ctx context.Context, tx *db.Tx, services []string, name string) (Shield, error) {
	return queue.FindIn(ctx, tx, services, name)
}

// Of returns the shields of a child, the newest first. There are few.
func Of(ctx context.Context, tx *db.Tx, child family.ID) ([]Shield, error) {
	return db.All(ctx, tx, scan, `SELECT `+columns+` FROM shield WHERE child = $1 ORDER BY asked_at DESC, id`, child)
}

// ReadRows reads the shields of the children of a stretch, in order, for an audit.
func ReadRows(into *[]Shield, of family.Stretch) db.Read {
	where, args := of.Where("child")
	return db.ReadInto(into, scan, `SELECT `+columns+` FROM shield WHERE `+where+` ORDER BY child, id`, args...)
}

// Forget removes the shields of a child. It is a part of erasing the child (Article 20).
func Forget(ctx context.Context, tx *db.Tx, child family.ID) error {
	return tx.Queue(ctx, `DELETE FROM shield WHERE child = $1`, child)
}

// ParseCursor reads where a list goes on, as an address has it.
func ParseCursor(s string) db.Cursor { return db.ParseCursor(id.Shield, s) }

// A Wanted says which shields of a list somebody wants to see. The zero Wanted is all that
// are asked for or raised.
type Wanted struct {
	Closed bool // instead of those
	Reason Reason
	State  State
}

func (w Wanted) fits() func(Shield) bool {
	if w.Reason == "" && w.State == "" {
		return nil
	}
	return func(s Shield) bool {
		return (w.Reason == "" || w.Reason == s.Reason) && (w.State == "" || w.State == s.State)
	}
}

// List returns the shields of services that are wanted, at most limit, and where the list
// goes on: nowhere, after the last. What is due first comes first, and of those that are over
// what was due last.
func List(ctx context.Context, tx *db.Tx, services []string, want Wanted, from db.Cursor, limit int) (page []Shield, next db.Cursor, err error) {
	return queue.List(ctx, tx, services, want.Closed, want.fits(), from, limit)
}

// CountLate returns of how many nobody has decided in time in a service, or of all if it is
// empty; 1000 at most.
func CountLate(ctx context.Context, tx *db.Tx, service string) (int64, error) {
	now := tx.Now()
	if service == "" {
		return db.One(ctx, tx, db.Single[int64], `
			SELECT count(*) FROM (SELECT id FROM shield WHERE due_at <= $1 AND closed_at IS NULL AND state = 'asked' LIMIT 1000) AS late`, (*db.Time)(&now))
	}
	return db.One(ctx, tx, db.Single[int64], `
		SELECT count(*) FROM (SELECT id FROM shield WHERE service = $1 AND due_at <= $2 AND closed_at IS NULL AND state = 'asked' LIMIT 1000) AS late`,
		service, (*db.Time)(&now))
}
