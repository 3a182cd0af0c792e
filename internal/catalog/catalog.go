// Package catalog keeps what each service promises, and who answers for it:
// services, the versions of their charters with the rules, the agreement and
// the notice of each, and the officer and the deputy in office (Article 8).
//
// Its one invariant: a published charter never changes. Publishing raises one
// number per purpose, the charter since which consent must have been given; so
// a material change (Article 10, edge case 12) makes every older answer stale in
// the same transaction, and touches no row of a child.
package catalog

import (
	"context"
	"errors"
	"fmt"
	"regexp"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/ledger"
)

// What can be wrong with a service and with who acts on it.
var (
	ErrNotFound    = errs.New(errs.NotFound, "catalog.not_found")
	ErrExists      = errs.New(errs.Conflict, "catalog.exists")
	ErrName        = errs.New(errs.Invalid, "catalog.name_invalid")
	ErrState       = errs.New(errs.Invalid, "catalog.state_unknown")
	ErrNotInOffice = errs.New(errs.Forbidden, "catalog.not_in_office") // who acts doesn't hold an office of this service
)

// A State says whether a service is for real. It never changes, so that what
// was tried out never mixes with evidence.
type State string

// The states.
const (
	Live State = "live"
	Test State = "test"
)

// A Service is what the gate reads of one service. The zero Service is none.
type Service struct {
	Name      string
	State     State
	Version   int64     // grows with every change of what the gate reads
	Charter   int64     // the published number, 0 while there is none
	OfficerID string    // "" while the office is vacant
	DeputyID  string    // "" while the office is vacant
	Closed    string    // the purposes that end or have ended, separated by spaces; All: the service itself
	Successor Successor // who takes over the service that ends; zero: nobody
	Overdue   string    // names of processors and recipients whose orders are overdue, with spaces between
	Recalled  bool      // the charter isn't the last that was in force: see Recall
}

// What Missing names.
const (
	MissingCharter   = "charter"
	MissingRules     = "rules"
	MissingAgreement = "agreement"
	MissingOfficer   = "officer"
	MissingDeputy    = "deputy"
)

// Missing returns what the service still lacks before anything may be collected
// (Article 8), in a fixed order; none if it lacks nothing. Rules and agreement
// are published with the charter or the charter isn't, so they are missing
// exactly as long as it is.
func (s Service) Missing() (missing []string) {
	if s.Charter == 0 || s.Recalled {
		missing = append(missing, MissingCharter, MissingRules, MissingAgreement)
	}
	if s.OfficerID == "" {
		missing = append(missing, MissingOfficer)
	}
	if s.DeputyID == "" {
		missing = append(missing, MissingDeputy)
	}
	return missing
}

// An Actor is who may change a service: an Operator or one of its Officers.
// An app or a guardian has no Governs, so neither can be passed.
type Actor interface {
	Ledger() string
	Governs(service string) bool
}

// An Operator is the person at the server's terminal, who sets services up.
type Operator struct{ ID string }

// Ledger returns the actor's name in the ledger: "operator:cli".
func (o Operator) Ledger() string { return "operator:" + o.ID }

// Governs reports whether the operator may change the service: any, once named.
func (o Operator) Governs(string) bool { return o.ID != "" }

// admits returns nil if by may change the locked service. An officer's word
// counts only while the row says that the office is theirs: what the caller
// read before may be out of date.
func (s Service) admits(by Actor) error {
	switch by := by.(type) {
	case Operator:
		if by.Governs(s.Name) {
			return nil
		}
	case Officer:
		if by.Governs(s.Name) && (by.ID == s.OfficerID || by.ID == s.DeputyID) {
			return nil
		}
	}
	return ErrNotInOffice
}

// The kinds of entries about a service itself. Their version is the service's.
const (
	KindCreated = "service.created"
)

// A CreatedBody is what the ledger keeps of a new service.
type CreatedBody struct {
	State State `json:"state"`
}

const columns = `service, state, version, charter, officer, deputy, closed, successor, overdue, recalled`

func scan(row db.Row) (s Service, err error) {
	var successor string
	err = row.Scan(&s.Name, &s.State, &s.Version, &s.Charter, &s.OfficerID, &s.DeputyID, &s.Closed, &successor, &s.Overdue, &s.Recalled)
	s.Successor = parseSuccessor(successor)
	return s, err
}

var nameShape = regexp.MustCompile(`^[a-z][a-z0-9]*([-_][a-z0-9]+)*$`)

// Create makes a service, which collects nothing yet: see Missing. Its name is
// the charter's: lower-case letters, digits, - and _, at most 64. Errors:
// ErrName, ErrState, ErrExists.
func Create(ctx context.Context, tx *db.Tx, by Operator, name string, state State) (Service, string, error) {
	s := Service{Name: name, State: state, Version: 1}
	switch {
	case len(name) > 64 || !nameShape.MatchString(name):
		return Service{}, "", ErrName.At("service")
	case state != Live && state != Test:
		return Service{}, "", ErrState.At("state")
	case !by.Governs(name):
		return Service{}, "", ErrNotInOffice
	}
	now := tx.Now()
	n, err := tx.Exec(ctx, `
		INSERT INTO service (service, state, version, charter, officer, deputy, closed, successor, overdue, recalled, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
		ON CONFLICT (service) DO NOTHING`,
		s.Name, s.State, s.Version, s.Charter, s.OfficerID, s.DeputyID, s.Closed, s.Successor.String(), s.Overdue, s.Recalled, (*db.Time)(&now))
	switch {
	case err != nil:
		return Service{}, "", fmt.Errorf("create %s: %w", name, err)
	case n == 0:
		return Service{}, "", ErrExists.At("service")
	}
	entry, err := s.note(ctx, tx, KindCreated, by, CreatedBody{State: state})
	return s, entry, err
}

// Find returns a service, or ErrNotFound.
func Find(ctx context.Context, tx *db.Tx, name string) (Service, error) {
	s, err := db.One(ctx, tx, scan, `SELECT `+columns+` FROM service WHERE service = $1`, name)
	if errors.Is(err, db.ErrNone) {
		return Service{}, ErrNotFound
	}
	return s, err
}

// List returns all services by name.
func List(ctx context.Context, tx *db.Tx) ([]Service, error) {
	return db.All(ctx, tx, scan, `SELECT `+columns+` FROM service ORDER BY service`)
}

// ReadService appends the service of that name to into, or nothing if there is
// none.
func ReadService(into *[]Service, name string) db.Read {
	return db.ReadInto(into, scan, `SELECT `+columns+` FROM service WHERE service = $1`, name)
}

// ReadSteady is ReadService of a service that nobody changes from here to the commit, where
// somebody else could.
func ReadSteady(tx *db.Tx, into *[]Service, name string) db.Read {
	return db.ReadInto(into, scan, `SELECT `+columns+` FROM service WHERE service = $1`+tx.ForShare(), name)
}

// lock raises the version of a service and holds its row until the transaction
// ends. It is the first statement of every change, so that the order of locks
// is the order of versions. Errors: ErrNotFound.
func lock(ctx context.Context, tx *db.Tx, name string) (Service, error) {
	s, err := db.One(ctx, tx, scan, `
		UPDATE service SET version = version + 1 WHERE service = $1
		RETURNING `+columns, name)
	if errors.Is(err, db.ErrNone) {
		return Service{}, ErrNotFound
	}
	return s, err
}

// lockBy is lock for a change that by makes. Errors: ErrNotFound, ErrNotInOffice.
func lockBy(ctx context.Context, tx *db.Tx, by Actor, name string) (Service, error) {
	s, err := lock(ctx, tx, name)
	if err == nil {
		err = s.admits(by)
	}
	return s, err
}

// note records a change of the locked service.
func (s Service) note(ctx context.Context, tx *db.Tx, kind string, by Actor, body any) (string, error) {
	return ledger.Append(ctx, tx, ledger.Entry{
		Kind: kind, Service: s.Name, Version: s.Version, Actor: by.Ledger(), Body: body,
	})
}
