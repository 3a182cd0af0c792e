package catalog

import (
	"context"
	"errors"
	"slices"
	"strings"

	"wardkeep/internal/base/db"
	"wardkeep/internal/ledger"
)

// The kinds of entries about processors and recipients whose orders are overdue.
const (
	KindSuspended = "party.suspended"
	KindResumed   = "party.resumed"
)

// A PartyBody names the processor or recipient.
type PartyBody struct {
	Party string `json:"party"`
}

// IsOverdue reports whether a processor or recipient has an order overdue: it gets
// nothing new until it has attested (edge case 13).
func (s Service) IsOverdue(party string) bool {
	return party != "" && slices.Contains(strings.Fields(s.Overdue), party)
}

// CountOverdue returns how many processors and recipients, of all services, have an order
// overdue that a sweep has found.
func CountOverdue(ctx context.Context, tx *db.Tx) (n int64, err error) {
	all, err := List(ctx, tx)
	for _, s := range all {
		n += int64(len(strings.Fields(s.Overdue)))
	}
	return n, err
}

// WithOverdue returns the names with a party added or taken away, in their order.
func WithOverdue(names, party string, overdue bool) string {
	all := slices.DeleteFunc(strings.Fields(names), func(p string) bool { return p == party })
	if overdue {
		all = append(all, party)
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

// Hold returns a service and holds its row until the transaction ends, and changes
// nothing of it. Errors: ErrNotFound.
func Hold(ctx context.Context, tx *db.Tx, name string) (Service, error) {
	s, err := db.One(ctx, tx, scan, `
		UPDATE service SET service = $1 WHERE service = $1
		RETURNING `+columns, name)
	if errors.Is(err, db.ErrNone) {
		return Service{}, ErrNotFound
	}
	return s, err
}

// Suspend has a processor or recipient get nothing new until Resume. Whoever calls it
// holds the service, and has seen that it isn't suspended. Actor is as the ledger
// writes it. Errors: ErrNotFound.
func Suspend(ctx context.Context, tx *db.Tx, actor, service, party string) (string, error) {
	return setOverdue(ctx, tx, actor, service, party, true)
}

// Resume ends a Suspend, likewise.
func Resume(ctx context.Context, tx *db.Tx, actor, service, party string) (string, error) {
	return setOverdue(ctx, tx, actor, service, party, false)
}

func setOverdue(ctx context.Context, tx *db.Tx, actor, service, party string, overdue bool) (string, error) {
	s, err := lock(ctx, tx, service)
	if err != nil {
		return "", err
	}
	s.Overdue = WithOverdue(s.Overdue, party, overdue)
	if err := tx.Queue(ctx, `UPDATE service SET overdue = $1 WHERE service = $2`, s.Overdue, s.Name); err != nil {
		return "", err
	}
	kind := KindResumed
	if overdue {
		kind = KindSuspended
	}
	return ledger.Append(ctx, tx, ledger.Entry{Kind: kind, Service: s.Name, Version: s.Version, Actor: actor, Body: PartyBody{Party: party}})
}

// Change raises the version of a service and holds its row until the transaction ends, for
// a change that another package makes of what the gate reads about it. The entry about that
// has this version. Errors: ErrNotFound, ErrNotInOffice.
func Change(ctx context.Context, tx *db.Tx, by Actor, service string) (Service, error) {
	return lockBy(ctx, tx, by, service)
}

// Advance raises the version of a service and holds its row, for what another package records
// that nobody decides, since it follows. The entry about that has this version. Errors:
// ErrNotFound.
func Advance(ctx context.Context, tx *db.Tx, service string) (Service, error) {
	return lock(ctx, tx, service)
}
