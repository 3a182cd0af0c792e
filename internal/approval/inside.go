package approval

import (
	"context"
	"errors"
	"strings"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/id"
	"wardkeep/internal/catalog"
	"wardkeep/internal/staff"
)

// Inside is what the act of a person inside rests on, who holds no office: the version of
// the person by which the matrix lets them do that, and that of the service. The zero
// Inside is anybody else's.
type Inside struct {
	Person  int64 `json:"person,omitempty"`
	Catalog int64 `json:"catalog,omitempty"`
}

// InsideOf holds a person inside who acts to the end of the transaction, and returns what
// their act rests on; of anybody else, nothing. Errors: ErrMayNot where the matrix doesn't
// let them any more.
func InsideOf(ctx context.Context, tx *db.Tx, by any, a staff.Action, service string) (Inside, error) {
	who, is := by.(staff.Acting)
	if !is {
		return Inside{}, nil
	}
	held, err := staff.Acts(ctx, tx, who.Person, a)
	if errors.Is(err, staff.ErrNotFound) {
		err = ErrMayNot
	}
	if err != nil {
		return Inside{}, err
	}
	s, err := catalog.Find(ctx, tx, service)
	if err == nil && !May(held.Person, a, s) {
		err = ErrMayNot
	}
	return Inside{held.Version, s.Version}, err
}

// An Actor is somebody of the staff: who holds an office of the service, and acts at the
// terminal (catalog.Officer), or a person inside whom the access matrix lets
// (staff.Acting).
type Actor interface {
	Ledger() string // "officer:st_…" or "staff:st_…"
	Governs(service string) bool
}

// StaffOf returns who of the staff of a service it is, "st_…", and whether it is a person
// inside; "" for who is nobody of them.
func StaffOf(by Actor, service string) (name string, inside bool) {
	kind, name, _ := strings.Cut(by.Ledger(), ":")
	if kind != "officer" && kind != "staff" || !id.Is(id.Staff, name) || !by.Governs(service) {
		return "", false
	}
	return name, kind == "staff"
}
