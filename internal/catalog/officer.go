package catalog

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/id"
)

// What can be wrong with an appointment.
var (
	ErrRole            = errs.New(errs.Invalid, "catalog.role_unknown")
	ErrOfficerName     = errs.New(errs.Invalid, "catalog.officer_name_invalid")
	ErrContact         = errs.New(errs.Invalid, "catalog.contact_invalid")
	ErrSamePerson      = errs.New(errs.Invalid, "catalog.same_person") // officer and deputy would be one
	ErrOfficerNotFound = errs.New(errs.NotFound, "catalog.officer_not_found")
)

// A Role is an office of a service.
type Role string

// The offices. The deputy acts for the officer in everything; both must be
// held, so that somebody always answers (Article 8).
const (
	RoleOfficer Role = "officer"
	RoleDeputy  Role = "deputy"
)

// The kinds of entries about offices.
const (
	KindAppointed = "officer.appointed"
	KindEnded     = "officer.ended"
)

// An AppointedBody is what the ledger keeps of an appointment. It has no names.
// Whoever held the office before is out of it by the same entry.
type AppointedBody struct {
	ID       string `json:"id"`
	Role     Role   `json:"role"`
	Replaces string `json:"replaces,omitempty"` // the id of the former holder
	Who      string `json:"who"`                // see Who
}

// Who is what the ledger keeps of a person's name and contact: a SHA-256 with a
// random salt that lies in the officer's row. While the row is there it proves
// both, and without the row nobody can try out names against it. It takes no key:
// name and contact are public, and anybody may check them.
func Who(salt []byte, service, id, name, contact string) string {
	h := sha256.New()
	for _, part := range []string{string(salt), service, id, name, contact} {
		fmt.Fprintf(h, "%d:%s", len(part), part) // so that no two rows read alike
	}
	return hex.EncodeToString(h.Sum(nil))
}

// saltLen is as long as the hash.
const saltLen = sha256.Size

// An EndedBody is what the ledger keeps of an office that became vacant.
type EndedBody struct {
	ID   string `json:"id"`
	Role Role   `json:"role"`
}

// An Officer is a person in charge of the protection of children's information
// in one service, or the deputy. Name and Contact are public (Article 8).
type Officer struct {
	ID          string // "st_…"
	Service     string
	Role        Role
	Name        string
	Contact     string
	AppointedAt time.Time
	EndedAt     time.Time // zero while in office
}

// Ledger returns the actor's name in the ledger: "officer:st_…".
func (o Officer) Ledger() string { return "officer:" + o.ID }

// Governs reports whether the officer holds an office of the service.
func (o Officer) Governs(service string) bool {
	return o.ID != "" && o.Service == service && o.EndedAt.IsZero()
}

const (
	maxName    = 100 // characters
	maxContact = 300
)

func (o Officer) check() error {
	switch {
	case o.Role != RoleOfficer && o.Role != RoleDeputy:
		return ErrRole.At("role")
	case !isLine(o.Name, maxName):
		return ErrOfficerName.At("name")
	case !isLine(o.Contact, maxContact):
		return ErrContact.At("contact")
	}
	return nil
}

// isLine reports whether s is one line that a reader can see.
func isLine(s string, limit int) bool {
	return utf8.ValidString(s) && utf8.RuneCountInString(s) <= limit && strings.TrimSpace(s) == s && s != "" &&
		strings.IndexFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) < 0
}

const officerColumns = `service, id, role, name, contact, appointed_at, ended_at`

func scanOfficer(row db.Row) (o Officer, err error) {
	err = row.Scan(&o.Service, &o.ID, &o.Role, &o.Name, &o.Contact, (*db.Time)(&o.AppointedAt), (*db.Time)(&o.EndedAt))
	return o, err
}

// Appoint puts a person into an office and, in the same transaction, whoever
// held it out of it. Name (at most 100 characters) and contact (300) are
// published. Errors: ErrNotFound, ErrNotInOffice, ErrRole, ErrOfficerName,
// ErrContact, ErrSamePerson.
func Appoint(ctx context.Context, tx *db.Tx, by Actor, service string, role Role, name, contact string) (Officer, string, error) {
	s, err := lockBy(ctx, tx, by, service)
	if err != nil {
		return Officer{}, "", err
	}
	return s.appoint(ctx, tx, by, role, name, contact)
}

// appoint appoints somebody to an office of the locked service.
func (s Service) appoint(ctx context.Context, tx *db.Tx, by Actor, role Role, name, contact string) (Officer, string, error) {
	o := Officer{ID: id.New(id.Staff), Service: s.Name, Role: role, Name: name, Contact: contact, AppointedAt: tx.Now()}
	if err := o.check(); err != nil {
		return Officer{}, "", err
	}
	service := s.Name
	holder, other := &s.OfficerID, s.DeputyID
	if role == RoleDeputy {
		holder, other = &s.DeputyID, s.OfficerID
	}
	if err := o.differs(ctx, tx, other); err != nil {
		return Officer{}, "", err
	}
	former := *holder
	if former != "" {
		if err := end(ctx, tx, service, former); err != nil {
			return Officer{}, "", err
		}
	}
	salt := make([]byte, saltLen)
	rand.Read(salt) // never fails (crypto/rand)
	err := tx.Queue(ctx, `
		INSERT INTO officer (service, id, role, name, contact, salt, appointed_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		o.Service, o.ID, o.Role, o.Name, o.Contact, salt, (*db.Time)(&o.AppointedAt))
	if err != nil {
		return Officer{}, "", err
	}
	*holder = o.ID
	if err := s.seat(ctx, tx); err != nil {
		return Officer{}, "", err
	}
	entry, err := s.note(ctx, tx, KindAppointed, by, AppointedBody{
		ID: o.ID, Role: role, Replaces: former, Who: Who(salt, o.Service, o.ID, o.Name, o.Contact)})
	return o, entry, err
}

// differs refuses to let the holder of one office hold the other as well: with
// one person in both, one person's absence leaves nobody in charge.
func (o Officer) differs(ctx context.Context, tx *db.Tx, other string) error {
	if other == "" {
		return nil
	}
	held, err := FindOfficer(ctx, tx, o.Service, other)
	if err == nil && strings.EqualFold(held.Name, o.Name) && strings.EqualFold(held.Contact, o.Contact) {
		return ErrSamePerson.At("name")
	}
	return err
}

// EndOffice takes a person out of office. The office is vacant from then on,
// and the gate is closed until somebody is appointed (Article 8). Errors:
// ErrNotFound, ErrNotInOffice, ErrOfficerNotFound.
func EndOffice(ctx context.Context, tx *db.Tx, by Actor, service, officer string) (Officer, string, error) {
	s, err := lockBy(ctx, tx, by, service)
	if err != nil {
		return Officer{}, "", err
	}
	switch {
	case officer == "":
		return Officer{}, "", ErrOfficerNotFound
	case officer == s.OfficerID:
		s.OfficerID = ""
	case officer == s.DeputyID:
		s.DeputyID = ""
	default:
		return Officer{}, "", ErrOfficerNotFound
	}
	if err := end(ctx, tx, service, officer); err != nil {
		return Officer{}, "", err
	}
	if err := s.seat(ctx, tx); err != nil {
		return Officer{}, "", err
	}
	o, err := FindOfficer(ctx, tx, service, officer)
	if err != nil {
		return Officer{}, "", err
	}
	entry, err := s.note(ctx, tx, KindEnded, by, EndedBody{ID: o.ID, Role: o.Role})
	return o, entry, err
}

// end writes the end of one term of office.
func end(ctx context.Context, tx *db.Tx, service, officer string) error {
	now := tx.Now()
	n, err := tx.Exec(ctx, `
		UPDATE officer SET ended_at = $1 WHERE service = $2 AND id = $3 AND ended_at IS NULL`,
		(*db.Time)(&now), service, officer)
	if err == nil && n != 1 {
		err = fmt.Errorf("%s holds an office of %s and has no term: %w", officer, service, ErrDamaged)
	}
	return err
}

// seat writes who holds the offices of the locked service.
func (s Service) seat(ctx context.Context, tx *db.Tx) error {
	return tx.Queue(ctx, `
		UPDATE service SET officer = $1, deputy = $2 WHERE service = $3`, s.OfficerID, s.DeputyID, s.Name)
}

// FindOfficer returns a person who holds or held an office of the service, or
// ErrOfficerNotFound.
func FindOfficer(ctx context.Context, tx *db.Tx, service, officer string) (Officer, error) {
	o, err := db.One(ctx, tx, scanOfficer, `
		SELECT `+officerColumns+` FROM officer WHERE service = $1 AND id = $2`, service, officer)
	if errors.Is(err, db.ErrNone) {
		return Officer{}, ErrOfficerNotFound
	}
	return o, err
}

// Holder returns who holds that office. Errors: ErrNotFound, ErrOfficerNotFound.
func Holder(ctx context.Context, tx *db.Tx, service string, role Role) (Officer, error) {
	s, err := Find(ctx, tx, service)
	if err != nil {
		return Officer{}, err
	}
	seat := s.seatOf(role)
	if seat == nil {
		return Officer{}, ErrRole
	}
	return FindOfficer(ctx, tx, service, *seat)
}

// Former returns at most limit terms of office that are over, the latest first.
func Former(ctx context.Context, tx *db.Tx, service string, limit int) ([]Officer, error) {
	return db.All(ctx, tx, scanOfficer, `
		SELECT `+officerColumns+` FROM officer
		WHERE service = $1 AND ended_at IS NOT NULL
		ORDER BY appointed_at DESC, id LIMIT $2`, service, int64(limit))
}

// InOffice returns who is in office, the officer before the deputy: at most one
// of each.
func InOffice(ctx context.Context, tx *db.Tx, service string) ([]Officer, error) {
	return db.All(ctx, tx, scanOfficer, `
		SELECT `+officerColumns+` FROM officer
		WHERE service = $1 AND ended_at IS NULL
		ORDER BY role DESC, id`, service)
}

// Offices returns every term of office of the service, the oldest first.
func Offices(ctx context.Context, tx *db.Tx, service string) ([]Officer, error) {
	return db.All(ctx, tx, scanOfficer, `
		SELECT `+officerColumns+` FROM officer
		WHERE service = $1
		ORDER BY appointed_at, id`, service)
}
