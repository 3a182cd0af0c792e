package stream

import (
	"context"
	"errors"
	"slices"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/id"
	"wardkeep/internal/catalog"
)

// ParseCursor reads where a list goes on, as an address has it.
func ParseCursor(s string) db.Cursor { return db.ParseCursor(id.Stream, s) }

// A Wanted says which streams of a list somebody wants to see. The zero Wanted is all that are
// on the register.
type Wanted struct {
	Closed bool // instead: those that have left it
	State  State
	Reason Reason
}

// List returns the streams of services that are wanted, at most limit: of those on the
// register the ones that count as a child's first; and where the list goes on: nowhere, after
// the last.
func List(ctx context.Context, tx *db.Tx, services []string, want Wanted, from db.Cursor, limit int) ([]Stream, db.Cursor, error) {
	var fits func(Stream) bool
	if now := tx.Now(); want.State != "" || want.Reason != "" {
		fits = func(s Stream) bool {
			return (want.State == "" || want.State == s.State(now)) && (want.Reason == "" || want.Reason == s.Reason)
		}
	}
	return queue.List(ctx, tx, services, want.Closed, fits, from, limit)
}

// All calls each with every stream, by its name.
func All(ctx context.Context, tx *db.Tx, each func(Stream) error) error {
	return queue.Each(ctx, tx, each)
}

// FindIn returns a stream of one of the services. Errors: ErrNotFound.
func FindIn(ctx context.Context, tx *db.Tx, services []string, name string) (Stream, error) {
	return queue.FindIn(ctx, tx, services, name)
}

// NumberedIn returns those of the services that people call by that number: hardly ever more
// than one.
func NumberedIn(ctx context.Context, tx *db.Tx, services []string, number string) ([]Stream, error) {
	return queue.NumberedIn(ctx, tx, services, number)
}

// Tests returns the tests of a stream, the newest first, at most limit.
func Tests(ctx context.Context, tx *db.Tx, s Stream, limit int) ([]Made, error) {
	return db.All(ctx, tx, scanMade, `
		SELECT `+madeColumns+` FROM join_test WHERE stream = $1 ORDER BY made_at DESC, id DESC LIMIT $2`, s.ID, int64(limit))
}

// EachTest calls each with every test, by its name. It must not use tx.
func EachTest(ctx context.Context, tx *db.Tx, each func(Made) error) error {
	return db.Each(ctx, tx, func(row db.Row) error {
		m, err := scanMade(row)
		if err != nil {
			return err
		}
		return each(m)
	}, `SELECT `+madeColumns+` FROM join_test ORDER BY id`)
}

// Clocks returns the streams of a service that somebody has to look at by a moment: those that
// count as a child's by then, and those that the charter in force doesn't cover any more. There
// are few.
func Clocks(ctx context.Context, tx *db.Tx, of catalog.Service, by time.Time) (all []Stream, err error) {
	open, err := queue.Open(ctx, tx, of.Name, maxStreams)
	if err != nil {
		return nil, err
	}
	for _, s := range open {
		if !s.DueAt.After(by) {
			all = append(all, s)
		}
	}
	bare, err := Uncovered(ctx, tx, of)
	return append(all, bare...), err
}

// Uncovered returns the streams of a service that have left the register for a purpose that
// the charter in force doesn't have any more, but for a service that ends: they are a child's,
// and nothing says what for.
func Uncovered(ctx context.Context, tx *db.Tx, of catalog.Service) ([]Stream, error) {
	if of.Ceases("") {
		return nil, nil
	}
	all, err := db.All(ctx, tx, scan, `
		SELECT `+columns+` FROM log_stream WHERE service = $1 AND purpose <> '' AND closed_at IS NOT NULL ORDER BY due_at, id LIMIT $2`, of.Name, int64(maxStreams))
	if err != nil || len(all) == 0 {
		return nil, err
	}
	in, err := InForce(ctx, tx, of)
	if errors.Is(err, catalog.ErrDamaged) {
		err = nil // what can't be read covers nothing
	}
	return slices.DeleteFunc(all, func(s Stream) bool { return slices.Contains(in, s.Purpose) }), err
}

// A Count is how the streams on a register stand.
type Count struct {
	Open     int64
	Linkable int64 // that count as a child's
	Ending   int64 // whose test shows nothing any more within Soon
}

func (c *Count) add(now time.Time, all []Stream) {
	for _, s := range all {
		c.Open++
		switch {
		case s.Late(now):
			c.Linkable++
		case !s.DueAt.After(now.Add(Soon)):
			c.Ending++
		}
	}
}

// CountOf counts the streams of a service, but for those that others write to, too.
func CountOf(ctx context.Context, tx *db.Tx, service string) (n Count, err error) {
	all, err := queue.Open(ctx, tx, service, maxStreams)
	n.add(tx.Now(), slices.DeleteFunc(all, func(s Stream) bool { return s.Shared }))
	return n, err
}

// SharedAny reports whether there is one that several services write to.
func SharedAny(ctx context.Context, tx *db.Tx) (bool, error) {
	n, err := db.One(ctx, tx, db.Single[int64], `
		SELECT count(*) FROM (SELECT id FROM log_stream WHERE shared AND closed_at IS NULL LIMIT 1) AS shared`)
	return n > 0, err
}

// CountShared counts those that several services write to.
func CountShared(ctx context.Context, tx *db.Tx) (n Count, err error) {
	all, err := db.All(ctx, tx, scan, `
		SELECT `+columns+` FROM log_stream WHERE shared AND closed_at IS NULL ORDER BY due_at, id LIMIT $1`, int64(maxStreams))
	n.add(tx.Now(), all)
	return n, err
}
