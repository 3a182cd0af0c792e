package catalog

import (
	"context"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/family/age"
	"wardkeep/internal/ledger"
)

// What can be wrong when an office passes on.
var (
	ErrOfficeHeld = errs.New(errs.Conflict, "catalog.office_held") // by somebody who may lay it down, or whom the terminal replaces
	ErrNoDeputy   = errs.New(errs.Conflict, "catalog.no_deputy")
)

// KindReached is the kind of the entry that somebody in office is reached elsewhere.
const KindReached = "officer.contact_changed"

// A ReachedBody is what the ledger keeps of a new contact.
type ReachedBody struct {
	ID  string `json:"id"`
	Who string `json:"who"` // see Who
}

// Whoever holds an office lays it down, passes it on, and fills the other one while that is
// vacant. Nobody takes somebody else out of office but the operator, at the terminal: else
// one of the two could choose alone who the other is.

// Each keeps the document by which somebody is appointed: see Keep.

// Fill appoints somebody to an office that is vacant, as who holds the other one. Errors:
// ErrOfficeHeld, and those of Appoint and Keep.
func Fill(ctx context.Context, tx *db.Tx, ring *keyring.Ring, by Officer, service string, role Role, name, contact string, document []byte) (Officer, string, error) {
	s, err := lockBy(ctx, tx, by, service)
	if err != nil {
		return Officer{}, "", err
	}
	if seat := s.seatOf(role); seat == nil {
		return Officer{}, "", ErrRole.At("role")
	} else if *seat != "" {
		return Officer{}, "", ErrOfficeHeld
	}
	o, entry, err := s.appoint(ctx, tx, by, role, name, contact)
	return o, entry, o.prove(ctx, tx, ring, by, document, err)
}

// HandOver passes the office of by on to somebody who holds none. Errors: those of Appoint
// and Keep.
func HandOver(ctx context.Context, tx *db.Tx, ring *keyring.Ring, by Officer, service, name, contact string, document []byte) (Officer, string, error) {
	return AppointWith(ctx, tx, ring, by, service, by.Role, name, contact, document)
}

// AppointWith is Appoint, and keeps the document by which the person is appointed. Errors: those of
// Appoint and Keep.
func AppointWith(ctx context.Context, tx *db.Tx, ring *keyring.Ring, by Actor, service string, role Role, name, contact string, document []byte) (Officer, string, error) {
	o, entry, err := Appoint(ctx, tx, by, service, role, name, contact)
	return o, entry, o.prove(ctx, tx, ring, by, document, err)
}

// Unproved returns the terms of office, "st_…", of who is in office in a service while no document is
// kept by which they were appointed (Article 8).
func Unproved(ctx context.Context, tx *db.Tx, service string) ([]string, error) {
	return db.All(ctx, tx, db.Single[string], `
		SELECT o.id FROM officer o
		WHERE o.service = $1 AND o.ended_at IS NULL
			AND NOT EXISTS (SELECT 1 FROM officer_record r WHERE r.service = o.service AND r.officer = o.id AND r.kind = $2)
		ORDER BY o.id`, service, Appointment)
}

// HandToDeputy passes the office of the officer on to the deputy, whose own is vacant from
// then on, and with it the gate is closed until somebody fills it (Article 8). Former is
// the term of the deputy that has ended. Errors: ErrNoDeputy, and those of Appoint and Keep.
func HandToDeputy(ctx context.Context, tx *db.Tx, ring *keyring.Ring, by Officer, service string, document []byte) (former, now Officer, entry string, err error) {
	s, err := Find(ctx, tx, service)
	switch {
	case err != nil:
		return former, now, "", err
	case by.Role != RoleOfficer:
		return former, now, "", ErrRole
	case s.DeputyID == "":
		return former, now, "", ErrNoDeputy
	}
	if former, _, err = EndOffice(ctx, tx, by, service, s.DeputyID); err != nil {
		return former, now, "", err
	}
	now, entry, err = Appoint(ctx, tx, by, service, RoleOfficer, former.Name, former.Contact)
	return former, now, entry, now.prove(ctx, tx, ring, by, document, err)
}

// prove keeps the document by which o was appointed, in the name of who has appointed: that
// may be whoever handed the office over, and is out of it by now.
func (o Officer) prove(ctx context.Context, tx *db.Tx, ring *keyring.Ring, by Actor, document []byte, err error) error {
	if err != nil {
		return err
	}
	s, err := lock(ctx, tx, o.Service)
	if err != nil {
		return err
	}
	_, _, err = s.keep(ctx, tx, ring, by, Record{Officer: o.ID, Kind: Appointment, Day: o.AppointedAt.In(age.Zone).Format(time.DateOnly), Title: o.Name}, document)
	return err
}

// Reach changes how somebody in office is reached in public. Errors: ErrNotFound,
// ErrNotInOffice, ErrOfficerNotFound, ErrContact.
func Reach(ctx context.Context, tx *db.Tx, by Actor, service, officer, contact string) (Officer, string, error) {
	s, err := lockBy(ctx, tx, by, service)
	if err != nil {
		return Officer{}, "", err
	}
	o, err := FindOfficer(ctx, tx, service, officer)
	switch {
	case err != nil:
		return Officer{}, "", err
	case !o.EndedAt.IsZero():
		return Officer{}, "", ErrOfficerNotFound
	}
	o.Contact = contact
	if err := o.check(); err != nil {
		return Officer{}, "", err
	}
	salt := ledger.NewSalt()
	n, err := tx.Exec(ctx, `
		UPDATE officer SET contact = $1, salt = $2 WHERE service = $3 AND id = $4 AND ended_at IS NULL`, o.Contact, salt, s.Name, o.ID)
	if err == nil && n != 1 {
		err = ErrOfficerNotFound
	}
	if err != nil {
		return Officer{}, "", err
	}
	entry, err := s.note(ctx, tx, KindReached, by, ReachedBody{ID: o.ID, Who: Who(salt, o.Service, o.ID, o.Name, o.Contact)})
	return o, entry, err
}

// seatOf returns who holds an office, to be changed, or nil: there is no such office.
func (s *Service) seatOf(role Role) *string {
	switch role {
	case RoleOfficer:
		return &s.OfficerID
	case RoleDeputy:
		return &s.DeputyID
	}
	return nil
}
