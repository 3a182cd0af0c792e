package verification

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/id"
	"wardkeep/internal/family"
	"wardkeep/internal/ledger"
)

// Number is what people call it: "7K2M-9QXT".
func (a Attempt) Number() string { return id.NumberOf(a.ID) }

// HasNumber reports whether the number of a document was typed, and is still here to be
// compared.
func (a Attempt) HasNumber() bool { return a.identity != nil }

// DocumentsNumberedIn returns the documents of the services that people call by that number:
// hardly ever more than one, and none once it was decided about for some days.
func DocumentsNumberedIn(ctx context.Context, tx *db.Tx, services []string, number string) ([]Attempt, error) {
	first, last := id.Numbered(id.Verification, number)
	all, err := db.All(ctx, tx, scan, `
		SELECT `+columns+` FROM verification WHERE id >= $1 AND id <= $2 AND method = 'document'
		ORDER BY id, child`, first, last)
	all = slices.DeleteFunc(all, func(a Attempt) bool { return !slices.Contains(services, a.Service) })
	for i := range all {
		all[i] = all[i].at(tx.Now())
	}
	return all, err
}

// Document returns an attempt by a document of the service, with the kinds of its pages:
// nothing that is in them. Errors: ErrNotFound.
func Document(ctx context.Context, tx *db.Tx, service, attempt string) (a Attempt, pages []string, err error) {
	a, err = find(ctx, tx, attempt)
	if err == nil && (a.Service != service || a.Method != family.ByDocument) {
		err = ErrNotFound
	}
	if err != nil {
		return Attempt{}, nil, err
	}
	pages, err = db.All(ctx, tx, db.Single[string], `
		SELECT kind FROM verification_document WHERE child = $1 AND verification = $2 ORDER BY n`, a.Child, a.ID)
	return a, pages, err
}

// DocumentIn returns an attempt by a document of one of the services. Errors: ErrNotFound.
func DocumentIn(ctx context.Context, tx *db.Tx, services []string, attempt string) (Attempt, error) {
	a, err := find(ctx, tx, attempt)
	if err == nil && (a.Method != family.ByDocument || !slices.Contains(services, a.Service)) {
		err = ErrNotFound
	}
	if err != nil {
		return Attempt{}, err
	}
	return a, nil
}

// ParseCursor reads where a list goes on, as an address has it.
func ParseCursor(s string) db.Cursor { return db.ParseCursor(id.Verification, s) }

// A Waits is for whom a document waits.
type Waits string

// The two; empty is either.
const (
	ForFirst  Waits = "first"
	ForSecond Waits = "second"
)

func (w Waits) fits(a Attempt) bool { return w == "" || (w == ForSecond) == (a.First != "") }

// Documents returns the documents of services that wait for the staff, those that are
// erased first first, at most limit, and where the list goes on: nowhere, after the last.
func Documents(ctx context.Context, tx *db.Tx, services []string, want Waits, from db.Cursor, limit int) (page []Attempt, next db.Cursor, err error) {
	rows := db.Rows(limit, want == "")
	if now := tx.Now(); !from.At.After(now) {
		from = db.Cursor{At: now.Add(time.Microsecond)} // what has run out waits for nobody
	}
	var all []Attempt
	for _, service := range services {
		some, err := db.All(ctx, tx, scan, `
			SELECT `+columns+` FROM verification
			WHERE service = $1 AND method = 'document' AND state = 'started' AND (expires_at, id) > ($2, $3)
			ORDER BY expires_at, id LIMIT $4`, service, from.At.UnixMicro(), from.ID, int64(rows))
		if err != nil {
			return nil, db.Cursor{}, err
		}
		all = append(all, some...)
	}
	slices.SortFunc(all, func(a, b Attempt) int { return cmp.Or(a.ExpiresAt.Compare(b.ExpiresAt), strings.Compare(a.ID, b.ID)) })
	page, next = db.Cut(all, rows, limit, want.fits, Attempt.cursor)
	return page, next, nil
}

func (a Attempt) cursor() db.Cursor { return db.Cursor{At: a.ExpiresAt, ID: a.ID} }

// WaitsUntil is when nobody can decide about it any more: with its time, or with the time of a
// child that nobody has answered for (edge case 5).
func (a Attempt) WaitsUntil(c family.Child) time.Time {
	if !c.ExpiresAt.IsZero() && c.ExpiresAt.Before(a.ExpiresAt) {
		return c.ExpiresAt
	}
	return a.ExpiresAt
}

// FirstOf returns a document that people call by that number, of whatever service, for who
// reads a mark. Errors: ErrNotFound.
func FirstOf(ctx context.Context, tx *db.Tx, number string) (Attempt, error) {
	first, last := id.Numbered(id.Verification, number)
	a, err := db.One(ctx, tx, scan, `
		SELECT `+columns+` FROM verification WHERE id >= $1 AND id <= $2 AND method = 'document'
		ORDER BY id, child LIMIT 1`, first, last)
	if errors.Is(err, db.ErrNone) {
		err = ErrNotFound
	}
	return a, err
}

// SeenBy returns who of the staff has seen a document, each once and in the order in which they
// first did, as the ledger tells. Seen is a column that anybody may have written.
func (a Attempt) SeenBy(ctx context.Context, tx *db.Tx) (all []string, err error) {
	from, err := ledger.PlaceAt(ctx, tx, a.StartedAt)
	if err != nil {
		return nil, err
	}
	head, err := ledger.Head(ctx, tx)
	if err != nil {
		return nil, err
	}
	err = ledger.ReadKinds(ctx, tx, from, head.Size, []string{KindSeen}, func(p ledger.Placed) error {
		var b SeenBody
		if err := p.Into(&b); err != nil {
			return err
		}
		if _, who, _ := strings.Cut(p.Actor, ":"); b.Verification == a.ID && p.Service == a.Service && !slices.Contains(all, who) {
			all = append(all, who)
		}
		return nil
	})
	return all, err
}
