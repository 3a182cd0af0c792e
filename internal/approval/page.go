package approval

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/id"
	"wardkeep/internal/family"
)

// ParseCursor reads where a list of requests goes on, as an address has it.
func ParseCursor(s string) db.Cursor { return db.ParseCursor(id.Look, s) }

// bounds are those of the rows behind a cursor.
func bounds(c db.Cursor, now time.Time) (at time.Time, request string) {
	if c.ID == "" {
		return now.Add(time.Second), "~" // behind every id
	}
	return c.At, c.ID
}

// A Wanted says which requests of a list somebody wants to see. The zero Wanted is all.
type Wanted struct {
	Service string
	Reason  Reason
	Stands  Stands
}

// A Stands is whether something can still come of a request.
type Stands string

// The two; empty is either.
const (
	Live Stands = "live"
	Over Stands = "over"
)

func (w Wanted) fits(r Request, now time.Time) bool {
	return (w.Service == "" || w.Service == r.Service) && (w.Reason == "" || w.Reason == r.Reason) && (w.Stands == "" || w.Stands == Over && r.Closed(now) || w.Stands == Live && !r.Closed(now))
}

func (w Wanted) rows(limit int) int { return db.Rows(limit, w == (Wanted{})) }

// cut returns a page of the wanted among requests that are in order, and where the next one
// begins.
func (w Wanted) cut(all []Request, now time.Time, limit int) (page []Request, next db.Cursor) {
	return db.Cut(all, w.rows(limit), limit, func(r Request) bool { return w.fits(r, now) }, func(r Request) db.Cursor { return db.Cursor{At: r.AskedAt, ID: r.ID} })
}

// OfAsker returns requests of a person that are wanted, the newest first, at most limit,
// from a cursor on, and where the next page begins: nowhere, after the last. Where few are
// wanted a page may have none, and go on all the same.
func OfAsker(ctx context.Context, tx *db.Tx, asker string, want Wanted, from db.Cursor, limit int) ([]Request, db.Cursor, error) {
	at, request := bounds(from, tx.Now())
	all, err := db.All(ctx, tx, scan, `
		SELECT `+columns+` FROM approval
		WHERE asker = $1 AND asked_at <= $2 AND (asked_at < $2 OR id < $3)
		ORDER BY asked_at DESC, id DESC LIMIT $4`, asker, (*db.Time)(&at), request, int64(want.rows(limit)))
	if err != nil {
		return nil, db.Cursor{}, err
	}
	all, next := want.cut(all, tx.Now(), limit)
	return all, next, nil
}

// ToDecide returns the open requests of services that are wanted and wait for the decision
// of somebody else than this person, the newest first, at most limit, from a cursor on, and
// where the next page begins: as of OfAsker.
func ToDecide(ctx context.Context, tx *db.Tx, services []string, person string, want Wanted, from db.Cursor, limit int) ([]Request, db.Cursor, error) {
	return waiting(ctx, tx, services, person, false, time.Time{}, want, from, limit)
}

// ToJoin returns likewise those that wait for a second person (Join). None is older than
// JoinIn, so what is read is short.
func ToJoin(ctx context.Context, tx *db.Tx, services []string, person string, want Wanted, from db.Cursor, limit int) ([]Request, db.Cursor, error) {
	return waiting(ctx, tx, services, person, true, tx.Now().Add(-JoinIn), want, from, limit)
}

func waiting(ctx context.Context, tx *db.Tx, services []string, person string, glass bool, since time.Time, want Wanted, from db.Cursor, limit int) ([]Request, db.Cursor, error) {
	at, request := bounds(from, tx.Now())
	now, least := tx.Now(), int64(0)
	if !since.IsZero() {
		least = since.UnixMicro()
	}
	var all []Request
	for _, service := range services {
		some, err := db.All(ctx, tx, scan, `
			SELECT `+columns+` FROM approval
			WHERE service = $1 AND state IN ('open', 'agreed') AND answer_by > $2 AND asker <> $3 AND first_by <> $3 AND glass = $4
				AND asked_at >= $5 AND asked_at <= $6 AND (asked_at < $6 OR id < $7)
			ORDER BY asked_at DESC, id DESC LIMIT $8`, service, (*db.Time)(&now), person, glass, least, (*db.Time)(&at), request, int64(want.rows(limit)))
		if err != nil {
			return nil, db.Cursor{}, err
		}
		all = append(all, some...)
	}
	slices.SortFunc(all, func(a, b Request) int {
		if c := b.AskedAt.Compare(a.AskedAt); c != 0 {
			return c
		}
		return strings.Compare(b.ID, a.ID)
	})
	all, next := want.cut(all, now, limit)
	return all, next, nil
}

// About returns requests about a child, the newest first, at most limit.
func About(ctx context.Context, tx *db.Tx, child family.ID, limit int) ([]Request, error) {
	return db.All(ctx, tx, scan, `
		SELECT `+columns+` FROM approval WHERE child = $1 ORDER BY asked_at DESC, id DESC LIMIT $2`, child, int64(limit))
}

// ByNumber returns the requests that people call by that number: random ones, so hardly
// ever more than one, and none once its child is erased.
func ByNumber(ctx context.Context, tx *db.Tx, number string) ([]Request, error) {
	return db.All(ctx, tx, scan, `SELECT `+columns+` FROM approval WHERE number = $1 ORDER BY id`, number)
}

// ToReview returns what two persons have opened in services and nobody has reviewed, what
// is due first first, at most limit.
func ToReview(ctx context.Context, tx *db.Tx, services []string, limit int) (all []Glass, err error) {
	for _, service := range services {
		some, err := db.All(ctx, tx, scanGlass, `
			SELECT `+glassColumns+` FROM broken_glass WHERE service = $1 AND reviewed_at IS NULL
			ORDER BY review_by, request LIMIT $2`, service, int64(limit))
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	slices.SortFunc(all, func(a, b Glass) int {
		return cmp.Or(a.ReviewBy.Compare(b.ReviewBy), strings.Compare(a.Request, b.Request))
	})
	return all[:min(limit, len(all))], nil
}

// Broken returns what two persons have opened in services and was found so, or all where
// nothing is asked for, the newest first, at most limit, from a cursor on, and where the next
// page begins: as of OfAsker.
func Broken(ctx context.Context, tx *db.Tx, services []string, found Finding, from db.Cursor, limit int) (all []Glass, next db.Cursor, err error) {
	at, request := bounds(from, tx.Now())
	rows := db.Rows(limit, found == "")
	for _, service := range services {
		some, err := db.All(ctx, tx, scanGlass, `
			SELECT `+glassColumns+` FROM broken_glass
			WHERE service = $1 AND opened_at <= $2 AND (opened_at < $2 OR request < $3)
			ORDER BY opened_at DESC, request DESC LIMIT $4`, service, (*db.Time)(&at), request, int64(rows))
		if err != nil {
			return nil, db.Cursor{}, err
		}
		all = append(all, some...)
	}
	slices.SortFunc(all, func(a, b Glass) int {
		return cmp.Or(b.OpenedAt.Compare(a.OpenedAt), strings.Compare(b.Request, a.Request))
	})
	all, next = db.Cut(all, rows, limit, func(g Glass) bool { return found == "" || g.Finding == found }, func(g Glass) db.Cursor { return db.Cursor{At: g.OpenedAt, ID: g.Request} })
	return all, next, nil
}

// Requests returns those of windows, by their names: one that went with its child is
// missing.
func Requests(ctx context.Context, tx *db.Tx, all []Glass) (map[string]Request, error) {
	var found []Request
	reads := make([]db.Read, len(all))
	for i, g := range all {
		reads[i] = db.ReadInto(&found, scan, `SELECT `+columns+` FROM approval WHERE id = $1 AND service = $2`, g.Request, g.Service)
	}
	if err := tx.Together(ctx, reads...); err != nil {
		return nil, err
	}
	by := make(map[string]Request, len(found))
	for _, r := range found {
		by[r.ID] = r
	}
	return by, nil
}

// OfBoth returns what a person has opened with another that waits for its review, the
// oldest first, at most limit.
func OfBoth(ctx context.Context, tx *db.Tx, person string, limit int) ([]Glass, error) {
	return db.All(ctx, tx, scanGlass, `
		SELECT `+glassColumns+` FROM broken_glass WHERE (asker = $1 OR second = $1) AND reviewed_at IS NULL
		ORDER BY review_by, request LIMIT $2`, person, int64(limit))
}
