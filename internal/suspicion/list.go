package suspicion

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/id"
)

// Number is what people call it: "7K2M-9QXT".
func (s Suspicion) Number() string { return id.NumberOf(s.ID) }

// Late reports whether nobody has decided by its day.
func (s Suspicion) Late(now time.Time) bool { return s.Open() && !now.Before(s.DueAt) }

// ByNumber returns those of a service that people call by that number: hardly ever more
// than one.
func ByNumber(ctx context.Context, tx *db.Tx, service, number string) ([]Suspicion, error) {
	first, last := id.Numbered(id.Suspicion, number)
	return db.All(ctx, tx, scan, `
		SELECT `+columns+` FROM suspicion WHERE id >= $1 AND id <= $2 AND service = $3 ORDER BY id`, first, last, service)
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

func (w Wanted) fits(s Suspicion) bool {
	return (w.Source == "" || w.Source == s.Source) && (w.Owner == "" || w.Owner == s.Owner || w.Owner == Nobody && s.Owner == "")
}

// List returns the suspicions of services that are wanted, at most limit: of the open ones
// those that are due first, of those that are decided the ones that were due last; and
// where the list goes on: nowhere, after the last.
func List(ctx context.Context, tx *db.Tx, services []string, want Wanted, from db.Cursor, limit int) (page []Suspicion, next db.Cursor, err error) {
	rows := db.Rows(limit, want.Source == "" && want.Owner == "")
	var all []Suspicion
	for _, service := range services {
		var some []Suspicion
		switch {
		case !want.Decided:
			some, err = db.All(ctx, tx, scan, `
				SELECT `+columns+` FROM suspicion
				WHERE service = $1 AND closed_at IS NULL AND (due_at, id) > ($2, $3)
				ORDER BY due_at, id LIMIT $4`, service, from.At.UnixMicro(), from.ID, int64(rows))
		case from.ID == "":
			some, err = db.All(ctx, tx, scan, `
				SELECT `+columns+` FROM suspicion WHERE service = $1 AND closed_at IS NOT NULL
				ORDER BY due_at DESC, id DESC LIMIT $2`, service, int64(rows))
		default:
			some, err = db.All(ctx, tx, scan, `
				SELECT `+columns+` FROM suspicion
				WHERE service = $1 AND closed_at IS NOT NULL AND (due_at, id) < ($2, $3)
				ORDER BY due_at DESC, id DESC LIMIT $4`, service, from.At.UnixMicro(), from.ID, int64(rows))
		}
		if err != nil {
			return nil, db.Cursor{}, err
		}
		all = append(all, some...)
	}
	slices.SortFunc(all, func(a, b Suspicion) int {
		by := cmp.Or(a.DueAt.Compare(b.DueAt), strings.Compare(a.ID, b.ID))
		if want.Decided {
			return -by
		}
		return by
	})
	page, next = db.Cut(all, rows, limit, want.fits, Suspicion.cursor)
	return page, next, nil
}

func (s Suspicion) cursor() db.Cursor { return db.Cursor{At: s.DueAt, ID: s.ID} }

// FindIn returns a suspicion of one of the services. Errors: ErrNotFound.
func FindIn(ctx context.Context, tx *db.Tx, services []string, name string) (Suspicion, error) {
	for _, service := range services {
		if s, err := Find(ctx, tx, service, name); !errors.Is(err, ErrNotFound) {
			return s, err
		}
	}
	return Suspicion{}, ErrNotFound
}
