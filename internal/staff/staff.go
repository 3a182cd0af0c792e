// Package staff knows the persons inside: the officer and the deputy, those whom
// they authorise, who deals with demands, who runs the system, and who audits it
// (Articles 8 and 15).
//
// Its one invariant: what a person may is in one table (Matrix), by the roles that
// the person holds at this moment, service by service, and nowhere else. Nothing in
// it lets anybody read a value. Who has left may nothing, from the transaction on
// that says so.
//
// The ledger names nobody: it has a person's id, and a hash of the name with a salt
// that lies in the person's row (Who).
package staff

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/id"
	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
	"wardkeep/internal/ledger"
)

// What can be wrong with a person, and with who acts.
var (
	ErrMayNot   = errs.New(errs.Forbidden, "staff.may_not") // the matrix doesn't let whoever acts
	ErrNotFound = errs.New(errs.NotFound, "staff.not_found")
	ErrLeft     = errs.New(errs.Conflict, "staff.left")
	ErrName     = errs.New(errs.Invalid, "staff.name_invalid")
	ErrRole     = errs.New(errs.Invalid, "staff.role_unknown")
	ErrOffice   = errs.New(errs.Invalid, "staff.role_by_office") // officer and deputy come with an office
	ErrService  = errs.New(errs.Invalid, "staff.service_needed") // this role is of one service
	ErrHeld     = errs.New(errs.Conflict, "staff.role_held")
	ErrNotHeld  = errs.New(errs.Conflict, "staff.role_not_held")
	ErrLinked   = errs.New(errs.Conflict, "staff.office_linked") // to an account, this or another
	ErrSelf     = errs.New(errs.Forbidden, "staff.self")         // nobody changes what they may themselves
	ErrTerminal = errs.New(errs.Forbidden, "staff.terminal")     // accounts of an office are made at the terminal alone
	ErrUnknown  = errs.New(errs.Conflict, "staff.unconfirmed")   // somebody else may be who signs in
	ErrLinkOpen = errs.New(errs.Conflict, "staff.link_open")     // whoever has the link may still become the person
	ErrCountry  = errs.New(errs.Invalid, "staff.country_unknown")
	ErrThere    = errs.New(errs.Conflict, "staff.already_there") // the person is said to sit there
	ErrBacked   = errs.New(errs.Conflict, "staff.backed")        // nobody else stands behind the person
)

// A State is whether a person is one of us.
type State string

// The states.
const (
	Active State = "active"
	Left   State = "left"
)

// The kinds of entries about persons. They belong to no child and no service, for a
// person may have roles in several; their version is the person's.
const (
	KindAdded   = "staff.added"
	KindGranted = "staff.granted"
	KindRevoked = "staff.revoked"
	KindLeft    = "staff.left"
	KindLocated = "staff.located"
	KindTried   = "staff.tried" // what nobody lets them: nothing was done

	KindConfirmed = "staff.confirmed"
	KindOperated  = "staff.operated" // how the system runs, and no service of it
	KindExported  = "staff.exported" // a list that holds no values, as a file

	KindAtTerminal = "staff.at_terminal" // as KindOperated, by who is at the terminal: it is about no person
)

// An AddedBody is what the ledger keeps of a new person.
type AddedBody struct {
	Person string `json:"person"`
	Who    string `json:"who"`            // see Who
	Seat   string `json:"seat,omitempty"` // see Person.Seat
}

// A LeftBody says that a person left, and with it lost every role.
type LeftBody struct {
	Person string `json:"person"`
}

// A LocatedBody says in which country or region a person sits from now on. Who was added sits at
// home until one does.
type LocatedBody struct {
	Person  string `json:"person"`
	Country string `json:"country"`
}

// Who is what the ledger keeps of a person's name: a hash with a salt that lies in
// the person's row, as of an officer's (catalog.Who).
func Who(salt []byte, person, name string) string { return catalog.Who(salt, "", person, name, "") }

const saltLen = 32

// A Grant is a role that a person holds.
type Grant struct {
	Role    Role
	Service string // empty: every service
	Office  string // "st_…", the term of office by which it is held; empty: it was given
}

// A Person is somebody inside, or with a Seat somebody of a party, who is nobody inside. The
// zero Person is nobody, and may nothing.
type Person struct {
	ID      string // "st_…"
	Name    string // as colleagues see it
	State   State
	Version int64  // grows with every change
	Seat    string // "ps_…", of party.Seat: whoever has one has no role, ever; empty of who is inside
	Country string // in which the person sits, by its two-letter code, as somebody has declared; of who has a seat it says nothing
	AddedAt time.Time
	LeftAt  time.Time // zero: has not left
	Grants  []Grant   // those that hold now: of a role by office, while the office is held
}

// Ledger returns the actor's name in the ledger: "staff:st_…".
func (p Person) Ledger() string { return "staff:" + p.ID }

// May reports whether the person may do that with a service. An empty service asks
// for a role in every service.
func (p Person) May(a Action, service string) bool {
	if p.ID == "" || p.State != Active || p.Seat != "" {
		return false
	}
	r := RuleOf(a)
	return slices.ContainsFunc(p.Grants, func(g Grant) bool {
		return r.Allows(g.Role) && (g.Service == "" || g.Service == service)
	})
}

// MaySomewhere reports whether there is a service with which the person may do that.
func (p Person) MaySomewhere(a Action) bool {
	return p.May(a, "") || slices.ContainsFunc(p.Grants, func(g Grant) bool { return p.May(a, g.Service) })
}

// MayEverywhere reports whether the person may do that with every service that there is,
// of which all are given: what runs or shows the whole installation asks for it, so that
// who has a role in one service has no hand in another.
func (p Person) MayEverywhere(a Action, all []catalog.Service) bool {
	return p.May(a, "") || len(all) > 0 && len(p.Where(a, all)) == len(all)
}

// Where returns the services with which the person may do that, of all that there are.
func (p Person) Where(a Action, all []catalog.Service) (services []string) {
	for _, s := range all {
		if p.May(a, s.Name) {
			services = append(services, s.Name)
		}
	}
	return services
}

// Office returns the term of office by which the person is officer or deputy of the
// service, "st_…", or "": what catalog.FindOfficer takes.
func (p Person) Office(service string) string {
	for _, g := range p.Grants {
		if g.Role.ByOffice() && g.Service == service {
			return g.Office
		}
	}
	return ""
}

// Terms returns the terms of office of a service, "st_…", by which the person has a role, or
// had one until the term ended.
func Terms(ctx context.Context, tx *db.Tx, person, service string) ([]string, error) {
	return db.All(ctx, tx, db.Single[string], `
		SELECT office FROM person_role WHERE person = $1 AND service = $2 AND office <> '' ORDER BY office`, person, service)
}

// An Acting is a person who does one kind of thing, for packages that ask whether who
// acts governs a service: so the matrix decides there, too.
type Acting struct {
	Person
	Action Action
}

// Governs reports whether the matrix lets the person do that with the service.
func (a Acting) Governs(service string) bool { return a.May(a.Action, service) }

// An Actor is who changes what others may: a Person whom the matrix lets, or the
// operator at the terminal, who sets everything up.
type Actor interface{ Ledger() string }

// A Provider is the operator's OpenID provider: to who comes in by it, it gives the roles
// that the operator's configuration says of its groups, and takes all others.
type Provider struct{ Issuer string }

// Ledger returns the actor's name in the ledger.
func (Provider) Ledger() string { return "system:provider" }

// admits returns nil if by may manage people of the service. A person is held to the end
// of the transaction, and its roles are read after that: who leaves, or loses a role,
// does so before what they did or after it.
func admits(ctx context.Context, tx *db.Tx, by Actor, service string) error {
	switch by := by.(type) {
	case catalog.Operator:
		if by.ID != "" {
			return nil
		}
	case Provider:
		if by.Issuer != "" {
			return nil
		}
	case Person:
		now, err := find(ctx, tx, by.ID, tx.ForShare())
		if err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
		if now.May(ManagePeople, service) {
			return nil
		}
	}
	return ErrMayNot
}

// idOf returns the person that by is, or "": it is at the terminal.
func idOf(by Actor) string {
	p, _ := by.(Person)
	return p.ID
}

// self reports whether by is the person.
func self(by Actor, person string) bool {
	_, is := by.(Person)
	return is && idOf(by) == person
}

const columns = `id, name, state, version, seat, country, added_at, left_at`

func scan(row db.Row) (p Person, err error) {
	err = row.Scan(&p.ID, &p.Name, &p.State, &p.Version, &p.Seat, &p.Country, (*db.Time)(&p.AddedAt), (*db.Time)(&p.LeftAt))
	return p, err
}

const maxName = 100 // characters

// isLine reports whether s is one line that a reader can see.
func isLine(s string) bool {
	return utf8.ValidString(s) && utf8.RuneCountInString(s) <= maxName && strings.TrimSpace(s) == s && s != "" &&
		strings.IndexFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) < 0
}

// Add makes an account for a person, with a first role: an account that may nothing
// is nobody's. Name is at most 100 characters. Errors: ErrName, those of Grant.
func Add(ctx context.Context, tx *db.Tx, by Actor, name string, first Grant) (Person, error) {
	if !isLine(name) {
		return Person{}, ErrName.At("name")
	}
	if err := gives(ctx, tx, by, first); err != nil {
		return Person{}, err
	}
	p, err := add(ctx, tx, by, name, "")
	if err != nil {
		return Person{}, err
	}
	return give(ctx, tx, by, p.ID, first)
}

// Seat makes an account for a person of a party, who gets no role: what the person may comes
// with the seat. Whether by may give that one is asked where it is given (signin.Seat).
// Errors: ErrName.
func Seat(ctx context.Context, tx *db.Tx, by Person, name, seat string) (Person, error) {
	if !isLine(name) {
		return Person{}, ErrName.At("name")
	}
	return add(ctx, tx, by, name, seat)
}

func add(ctx context.Context, tx *db.Tx, by Actor, name, seat string) (Person, error) {
	p := Person{ID: id.New(id.Staff), Name: name, State: Active, Version: 1, Seat: seat, Country: charter.Home, AddedAt: tx.Now()}
	salt := make([]byte, saltLen)
	rand.Read(salt) // never fails (crypto/rand)
	err := tx.Queue(ctx, `
		INSERT INTO person (id, name, salt, state, version, seat, country, added_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		p.ID, p.Name, salt, p.State, p.Version, p.Seat, p.Country, (*db.Time)(&p.AddedAt))
	if err != nil {
		return Person{}, err
	}
	_, err = p.Note(ctx, tx, KindAdded, by.Ledger(), AddedBody{Person: p.ID, Who: Who(salt, p.ID, p.Name), Seat: seat})
	return p, err
}

// OfSeat returns the person of a party that has a seat, or had it. Errors: ErrNotFound.
func OfSeat(ctx context.Context, tx *db.Tx, seat string) (Person, error) {
	if seat == "" {
		return Person{}, ErrNotFound // of whoever is inside there are many
	}
	p, err := db.One(ctx, tx, scan, `SELECT `+columns+` FROM person WHERE seat = $1`, seat)
	return p, missing(err)
}

// Note records something about the locked person.
func (p Person) Note(ctx context.Context, tx *db.Tx, kind, actor string, body any) (string, error) {
	return ledger.Append(ctx, tx, ledger.Entry{Kind: kind, Version: p.Version, Actor: actor, Body: body})
}

// Find returns a person, also one who has left, or ErrNotFound.
func Find(ctx context.Context, tx *db.Tx, person string) (Person, error) {
	return find(ctx, tx, person, "")
}

func find(ctx context.Context, tx *db.Tx, person, share string) (Person, error) {
	p, err := db.One(ctx, tx, scan, `SELECT `+columns+` FROM person WHERE id = $1`+share, person)
	if err != nil {
		return Person{}, missing(err)
	}
	p.Grants, err = grants(ctx, tx, p.ID)
	return p, err
}

func missing(err error) error {
	if errors.Is(err, db.ErrNone) {
		return ErrNotFound
	}
	return err
}

// Holder returns the person who holds, or held, a term of office of a service by an
// account, or "".
func Holder(ctx context.Context, tx *db.Tx, service, office string) (string, error) {
	all, err := db.All(ctx, tx, db.Single[string], `SELECT person FROM person_role WHERE service = $1 AND office = $2 ORDER BY person`, service, office)
	if err != nil || len(all) == 0 {
		return "", err
	}
	return all[0], nil
}

// Lock raises the version of a person and holds the row until the transaction ends.
// It is the first statement of every change about the person. Errors: ErrNotFound,
// ErrLeft.
func Lock(ctx context.Context, tx *db.Tx, person string) (Person, error) {
	p, err := db.One(ctx, tx, scan, `
		UPDATE person SET version = version + 1 WHERE id = $1
		RETURNING `+columns, person)
	switch {
	case err != nil:
		return Person{}, missing(err)
	case p.State != Active:
		return Person{}, ErrLeft
	}
	p.Grants, err = grants(ctx, tx, p.ID)
	return p, err
}

// Acts holds a person to the end of the transaction, and returns it as somebody who does
// that: who leaves, or loses a role, does so before what they did or after it. What they
// may is as the row says that is held. Errors: ErrNotFound.
func Acts(ctx context.Context, tx *db.Tx, by Person, a Action) (Acting, error) {
	now, err := find(ctx, tx, by.ID, tx.ForShare())
	return Acting{Person: now, Action: a}, err
}

// Locate writes down in which country or region a person sits, by its two-letter code: what it
// reads is read there from now on (edge case 20). Nobody says it of themselves. It is a
// declaration, which no network confirms. Errors: ErrMayNot, unless by manages every service that
// the person has a role in; ErrSelf, ErrNotFound, also of who has a seat; ErrLeft, ErrCountry, ErrThere.
func Locate(ctx context.Context, tx *db.Tx, by Actor, person, country string) (Person, error) {
	if self(by, person) {
		return Person{}, ErrSelf
	}
	if !charter.IsCountry(country) {
		return Person{}, ErrCountry.At("country")
	}
	p, err := Lock(ctx, tx, person)
	if err == nil && p.Seat != "" {
		err = ErrNotFound
	}
	if err == nil {
		err = Manages(ctx, tx, by, p)
	}
	switch {
	case err != nil:
		return Person{}, err
	case p.Country == country:
		return Person{}, ErrThere.At("country")
	}
	p.Country = country
	if err := tx.Queue(ctx, `UPDATE person SET country = $1 WHERE id = $2`, p.Country, p.ID); err != nil {
		return Person{}, err
	}
	_, err = p.Note(ctx, tx, KindLocated, by.Ledger(), LocatedBody{Person: p.ID, Country: p.Country})
	return p, err
}

// Leave ends a person's account: every role is gone with the same transaction, and
// nobody is signed in by it any more, since that is looked up each time. What the
// person signed in with goes by signin.Leave, which calls this. An office that the
// person holds stays held until it ends or passes on (catalog): the two are different
// things, and only one of them closes the gate. Errors: ErrMayNot, unless by manages
// every service that the person has a role in; ErrSelf, ErrNotFound, ErrLeft.
func Leave(ctx context.Context, tx *db.Tx, by Actor, person string) (Person, error) {
	if self(by, person) {
		return Person{}, ErrSelf
	}
	p, err := Lock(ctx, tx, person)
	if err != nil {
		return Person{}, err
	}
	if err := Manages(ctx, tx, by, p); err != nil {
		return Person{}, err
	}
	return leave(ctx, tx, by, p)
}

// Unseat ends the account of a person of a party as Leave does that of one inside. Whether by
// may take the seat is asked where it is taken (signin.Unseat). Errors: ErrNotFound, also of who
// has no seat; ErrLeft.
func Unseat(ctx context.Context, tx *db.Tx, by Actor, person string) (Person, error) {
	p, err := Lock(ctx, tx, person)
	if err == nil && p.Seat == "" {
		err = ErrNotFound
	}
	if err != nil {
		return Person{}, err
	}
	return leave(ctx, tx, by, p)
}

// leave ends the account of a locked person.
func leave(ctx context.Context, tx *db.Tx, by Actor, p Person) (Person, error) {
	p.State, p.LeftAt, p.Grants = Left, tx.Now(), nil
	for _, statement := range []string{`DELETE FROM person_role WHERE person = $1`, `DELETE FROM person_filter WHERE person = $1`,
		`DELETE FROM person_contact WHERE person = $1`} {
		if err := tx.Queue(ctx, statement, p.ID); err != nil {
			return Person{}, err
		}
	}
	if err := ForgetRecipient(ctx, tx, p); err != nil {
		return Person{}, err
	}
	err := tx.Queue(ctx, `UPDATE person SET state = $1, left_at = $2 WHERE id = $3`, p.State, (*db.Time)(&p.LeftAt), p.ID)
	if err != nil {
		return Person{}, err
	}
	_, err = p.Note(ctx, tx, KindLeft, by.Ledger(), LeftBody{Person: p.ID})
	return p, err
}
