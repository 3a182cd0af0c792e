package db

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"wardkeep/internal/base/id"
)

// A Queue is a table of cases of services that wait for somebody: each has id, service,
// due_at, and closed_at, which is NULL while it is open.
type Queue[T any] struct {
	Table   string
	Columns string
	Prefix  id.Prefix // of the ids
	Scan    func(Row) (T, error)
	At      func(T) Cursor // when it is due, and its id
	None    error          // what Find says of what there isn't
}

// Find returns a case of the service.
func (q Queue[T]) Find(ctx context.Context, tx *Tx, service, name string) (none T, err error) {
	if !id.Is(q.Prefix, name) {
		return none, q.None
	}
	one, err := One(ctx, tx, q.Scan, `SELECT `+q.Columns+` FROM `+q.Table+` WHERE id = $1 AND service = $2`, name, service)
	if errors.Is(err, ErrNone) {
		err = q.None
	}
	return one, err
}

// FindIn returns a case of one of the services, however many they are.
func (q Queue[T]) FindIn(ctx context.Context, tx *Tx, services []string, name string) (none T, err error) {
	if !id.Is(q.Prefix, name) {
		return none, q.None
	}
	service, err := One(ctx, tx, Single[string], `SELECT service FROM `+q.Table+` WHERE id = $1`, name)
	if errors.Is(err, ErrNone) || err == nil && !slices.Contains(services, service) {
		err = q.None
	}
	if err != nil {
		return none, err
	}
	return q.Find(ctx, tx, service, name)
}

// NumberedIn returns those of the services, however many they are, that people call by that
// number: hardly ever more than one.
func (q Queue[T]) NumberedIn(ctx context.Context, tx *Tx, services []string, number string) (all []T, err error) {
	first, last := id.Numbered(q.Prefix, number)
	names, err := All(ctx, tx, Single[string], `SELECT id FROM `+q.Table+` WHERE id >= $1 AND id <= $2 ORDER BY id`, first, last)
	for _, name := range names {
		one, err := q.FindIn(ctx, tx, services, name)
		if errors.Is(err, q.None) {
			continue
		}
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, err
}

// Open returns the open ones of a service, those that are due first, at most limit.
func (q Queue[T]) Open(ctx context.Context, tx *Tx, service string, limit int) ([]T, error) {
	return q.open(ctx, tx, service, Cursor{}, limit)
}

func (q Queue[T]) open(ctx context.Context, tx *Tx, service string, from Cursor, limit int) ([]T, error) {
	return All(ctx, tx, q.Scan, `
		SELECT `+q.Columns+` FROM `+q.Table+`
		WHERE service = $1 AND closed_at IS NULL AND (due_at, id) > ($2, $3)
		ORDER BY due_at, id LIMIT $4`, service, from.At.UnixMicro(), from.ID, int64(limit))
}

func (q Queue[T]) closed(ctx context.Context, tx *Tx, service string, from Cursor, limit int) ([]T, error) {
	if from.ID == "" {
		return All(ctx, tx, q.Scan, `
			SELECT `+q.Columns+` FROM `+q.Table+` WHERE service = $1 AND closed_at IS NOT NULL
			ORDER BY due_at DESC, id DESC LIMIT $2`, service, int64(limit))
	}
	return All(ctx, tx, q.Scan, `
		SELECT `+q.Columns+` FROM `+q.Table+`
		WHERE service = $1 AND closed_at IS NOT NULL AND (due_at, id) < ($2, $3)
		ORDER BY due_at DESC, id DESC LIMIT $4`, service, from.At.UnixMicro(), from.ID, int64(limit))
}

// List returns those of services that are wanted, at most limit: of the open ones those
// that are due first, or of the closed ones those that were due last; and where the list
// goes on: nowhere, after the last. Where wanted is nil, all are.
func (q Queue[T]) List(ctx context.Context, tx *Tx, services []string, closed bool, wanted func(T) bool, from Cursor, limit int) (page []T, next Cursor, err error) {
	rows, read := Rows(limit, wanted == nil), q.open
	if closed {
		read = q.closed
	}
	var all []T
	for _, service := range services {
		some, err := read(ctx, tx, service, from, rows)
		if err != nil {
			return nil, Cursor{}, err
		}
		all = append(all, some...)
	}
	slices.SortFunc(all, func(a, b T) int {
		by := cmp.Or(q.At(a).At.Compare(q.At(b).At), cmp.Compare(q.At(a).ID, q.At(b).ID))
		if closed {
			return -by
		}
		return by
	})
	if wanted == nil {
		wanted = func(T) bool { return true }
	}
	page, next = Cut(all, rows, limit, wanted, q.At)
	return page, next, nil
}

// Each calls fn with every case, by its id.
func (q Queue[T]) Each(ctx context.Context, tx *Tx, fn func(T) error) error {
	return Each(ctx, tx, func(row Row) error {
		one, err := q.Scan(row)
		if err != nil {
			return err
		}
		return fn(one)
	}, `SELECT `+q.Columns+` FROM `+q.Table+` ORDER BY id`)
}

// mostLate is how many are counted, at most.
const mostLate = 1000

// Late returns how many of a service, or of all if it is empty, are past their day; 1000 at
// most.
func (q Queue[T]) Late(ctx context.Context, tx *Tx, service string) (int64, error) {
	now := tx.Now().UnixMicro()
	if service == "" {
		return One(ctx, tx, Single[int64], `
			SELECT count(*) FROM (SELECT id FROM `+q.Table+` WHERE due_at <= $1 AND closed_at IS NULL LIMIT $2) AS late`, now, int64(mostLate))
	}
	return One(ctx, tx, Single[int64], `
		SELECT count(*) FROM (SELECT id FROM `+q.Table+` WHERE service = $1 AND due_at <= $2 AND closed_at IS NULL LIMIT $3) AS late`,
		service, now, int64(mostLate))
}
