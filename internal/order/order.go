// Package order tells processors and recipients what to do when a child is erased, a
// value is corrected or deleted, or a consent is withdrawn (Articles 16, 19 and 20,
// edge case 13), and keeps whether they have attested that they did it.
//
// Its one invariant: an order is issued in the transaction of what it follows from, is
// open until the party has attested, and outlives the child; from the attestation on,
// nothing in it leads to a child that was erased. Who has an order overdue gets
// nothing new: the gate reads it with the service.
//
// What a party was really given the operator may have done outside of Wardkeep, so an
// order goes to every party that a charter names for a purpose to which a guardian of
// the child has ever agreed. Orders leave by webhook, as events of the ledger.
package order

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/base/workday"
	"wardkeep/internal/catalog"
	"wardkeep/internal/family"
	"wardkeep/internal/ledger"
	"wardkeep/internal/party"
)

// What can be wrong with an attestation, or with what is asked for.
var (
	ErrNotFound = errs.New(errs.NotFound, "order.not_found") // or it is another service's
	ErrSeveral  = errs.New(errs.Conflict, "order.number_of_several")
	ErrParty    = errs.New(errs.Conflict, "order.of_another_party")
	ErrTwice    = errs.New(errs.Conflict, "order.attested_before")
	ErrDocument = errs.New(errs.Invalid, "order.document_invalid")
	ErrMayNot   = errs.New(errs.Forbidden, "order.may_not")
	ErrBare     = errs.New(errs.Invalid, "order.document_needed") // by which several are attested at once
	ErrState    = errs.New(errs.Invalid, "order.state_unknown")
)

// Term is within how many working days a party attests, after the day of the order. It
// is ours: the law says timely. The day stands in the order that the party got, and no
// holiday that is announced later moves it.
const Term = 10

// What a party is told to do.
type What string

// The things to do.
const (
	Delete  What = "delete"
	Correct What = "correct" // what is right it gets from the operator
	Stop    What = "stop"    // to use what it still needs for another purpose
)

// Whats has all of them.
var Whats = []What{Delete, Correct, Stop}

// A Role is why a party has something of a child.
type Role string

// The roles.
const (
	Processor Role = "processor" // it works for the operator (Article 16)
	Recipient Role = "recipient" // it has purposes of its own (Article 17)
)

// An Order is what one party is told to do about one child.
type Order struct {
	ID         string // "or_…"
	Number     string // what people call it, "7K2M-9QXT"
	Service    string
	Party      string // as the charter names it
	Role       Role
	What       What
	Items      []string
	Purposes   []string  // that were withdrawn, if that is why, or for which the party may have the items no longer
	Narrowed   int64     // the version in which the party narrowed, if that is why: see party.Party
	Child      family.ID // empty once the child is erased: see ChildOf
	IssuedAt   time.Time
	DueAt      time.Time
	OverdueAt  time.Time // zero: it isn't, or nobody has looked yet
	AttestedAt time.Time // zero while it is open
	AttestedBy string    // as the ledger names actors
	Document   string    // SHA-256 of what the party has written, in hex; or empty
	Salt       []byte    // of its mark
	Issued     string    // "le_…"
	Attested   string    // "le_…", or empty
	Reminded   int64     // how often the party was reminded: see Remind
	RemindAt   time.Time // when it is next; zero: no more

	sealed []byte
}

const columns = `id, number, service, party, role, what, items, purposes, narrowed, child, sealed, issued_at, due_at, overdue_at,
	attested_at, attested_by, document, salt, issued, attested, reminded, remind_at`

func scan(row db.Row) (o Order, err error) {
	var items, purposes string
	err = row.Scan(&o.ID, &o.Number, &o.Service, &o.Party, &o.Role, &o.What, &items, &purposes, &o.Narrowed, &o.Child, &o.sealed,
		(*db.Time)(&o.IssuedAt), (*db.Time)(&o.DueAt), (*db.Time)(&o.OverdueAt),
		(*db.Time)(&o.AttestedAt), &o.AttestedBy, &o.Document, &o.Salt, &o.Issued, &o.Attested, &o.Reminded, (*db.Time)(&o.RemindAt))
	o.Items, o.Purposes = strings.Fields(items), strings.Fields(purposes)
	return o, err
}

// Open reports whether the party still has to attest.
func (o Order) Open() bool { return o.AttestedAt.IsZero() }

// Mark is what the ledger keeps of what the party has written; empty where that is nothing.
// One paper may cover many orders: without the salts nobody sees which, nor tries out whose
// it is.
func (o Order) Mark() string {
	if o.Document == "" && o.Salt == nil {
		return ""
	}
	return ledger.Mark(o.Salt, o.ID, o.Document)
}

// A Book issues orders and takes attestations.
type Book struct {
	Ring     *keyring.Ring
	Charters *catalog.Cache
	Calendar workday.Calendar
}

// Of returns the orders about a living child, the newest first. There are few.
func Of(ctx context.Context, tx *db.Tx, child family.ID) ([]Order, error) {
	return db.All(ctx, tx, scan, `
		SELECT `+columns+` FROM party_order WHERE child = $1 AND child <> '' ORDER BY issued DESC`, child)
}

// Find returns an order of a service by its ID. Errors: ErrNotFound.
func Find(ctx context.Context, tx *db.Tx, service, order string) (Order, error) {
	return FindIn(ctx, tx, []string{service}, order)
}

// FindIn returns an order of one of the services by its ID. Errors: ErrNotFound.
func FindIn(ctx context.Context, tx *db.Tx, services []string, order string) (Order, error) {
	if !id.Is(id.Order, order) {
		return Order{}, ErrNotFound
	}
	o, err := db.One(ctx, tx, scan, `SELECT `+columns+` FROM party_order WHERE id = $1`, order)
	if errors.Is(err, db.ErrNone) || err == nil && !slices.Contains(services, o.Service) {
		return Order{}, ErrNotFound
	}
	return o, err
}

// ByNumber returns an order of a service by what people call it, as they say it. Errors:
// ErrNotFound; ErrSeveral, and then only its ID tells which.
func ByNumber(ctx context.Context, tx *db.Tx, service, said string) (Order, error) {
	number, ok := id.ParseNumber(said)
	if !ok {
		return Order{}, ErrNotFound
	}
	all, err := NumberedIn(ctx, tx, []string{service}, number)
	switch {
	case err != nil:
		return Order{}, err
	case len(all) == 0:
		return Order{}, ErrNotFound
	case len(all) > 1:
		return Order{}, ErrSeveral
	}
	return all[0], nil
}

// NumberedIn returns the orders of the services that people call by that number: hardly ever more
// than one.
func NumberedIn(ctx context.Context, tx *db.Tx, services []string, number string) ([]Order, error) {
	first, last := id.Numbered(id.Order, number)
	all, err := db.All(ctx, tx, scan, `
		SELECT `+columns+` FROM party_order WHERE id BETWEEN $1 AND $2 AND number = $3 ORDER BY id`, first, last, number)
	return slices.DeleteFunc(all, func(o Order) bool { return !slices.Contains(services, o.Service) }), err
}

// A State narrows a list.
type State string

// The states of a list.
const (
	IsOpen     State = "open" // the overdue ones too
	IsOverdue  State = "overdue"
	IsAttested State = "attested"
)

// A list has a text for its beginning and one for what comes after an order, by what
// orders it. The names of entries sort by their time, so where they end an index new
// orders are beside each other in it, however many there are.
type list struct {
	first, rest string
	after       func(Order) []any
}

func afterDue(o Order) []any { return []any{(*db.Time)(&o.DueAt), o.Issued} }

var lists = map[State]list{
	IsOpen: {first: `
		SELECT ` + columns + ` FROM party_order WHERE service = $1 AND attested_at IS NULL
		ORDER BY due_at, issued LIMIT $2`, rest: `
		SELECT ` + columns + ` FROM party_order WHERE service = $1 AND attested_at IS NULL AND (due_at, issued) > ($2, $3)
		ORDER BY due_at, issued LIMIT $4`, after: afterDue},
	IsOverdue: {first: `
		SELECT ` + columns + ` FROM party_order WHERE service = $1 AND attested_at IS NULL AND overdue_at IS NOT NULL
		ORDER BY due_at, issued LIMIT $2`, rest: `
		SELECT ` + columns + ` FROM party_order
		WHERE service = $1 AND attested_at IS NULL AND overdue_at IS NOT NULL AND (due_at, issued) > ($2, $3)
		ORDER BY due_at, issued LIMIT $4`, after: afterDue},
	IsAttested: {first: `
		SELECT ` + columns + ` FROM party_order WHERE service = $1 AND attested_at IS NOT NULL
		ORDER BY issued DESC LIMIT $2`, rest: `
		SELECT ` + columns + ` FROM party_order WHERE service = $1 AND attested_at IS NOT NULL AND issued < $2
		ORDER BY issued DESC LIMIT $3`, after: func(o Order) []any { return []any{o.Issued} }},
}

// List returns orders of a service, at most limit: the open ones by when they are due,
// the attested ones the newest first; those that come after an order in that order, or
// from the first one on where after is empty. An order that was attested since serves as
// well. Errors: ErrState; ErrNotFound, that of after.
func List(ctx context.Context, tx *db.Tx, service string, state State, after string, limit int) ([]Order, error) {
	l, known := lists[state]
	if !known {
		return nil, ErrState.At("state")
	}
	if after == "" {
		return db.All(ctx, tx, scan, l.first, service, int64(limit))
	}
	last, err := Find(ctx, tx, service, after)
	if err != nil {
		return nil, err
	}
	args := slices.Concat([]any{service}, l.after(last), []any{int64(limit)})
	return db.All(ctx, tx, scan, l.rest, args...)
}

// ListOf returns the open orders to one party in its role, those that are due first behind
// after, the zero Order at the beginning, and at most limit.
func ListOf(ctx context.Context, tx *db.Tx, of party.ID, after Order, limit int) ([]Order, error) {
	return db.All(ctx, tx, scan, `
		SELECT `+columns+` FROM party_order
		WHERE service = $1 AND party = $2 AND role = $3 AND attested_at IS NULL AND (due_at, issued) > ($4, $5)
		ORDER BY due_at, issued LIMIT $6`, of.Service, of.Name, of.Role, after.due(), after.Issued, int64(limit))
}

// FindOf returns an order to the party. Errors: ErrNotFound.
func FindOf(ctx context.Context, tx *db.Tx, of party.ID, order string) (Order, error) {
	o, err := Find(ctx, tx, of.Service, order)
	if err == nil && (o.Party != of.Name || string(o.Role) != string(of.Role)) {
		return Order{}, ErrNotFound
	}
	return o, err
}

// Attested returns the orders that were issued by one of the entries and attested since,
// in the order in which they were.
func Attested(ctx context.Context, tx *db.Tx, issued []string) (attested []Order, err error) {
	for some := range slices.Chunk(issued, db.Chunk) {
		in, args := db.Placeholders(some)
		more, err := db.All(ctx, tx, scan, `
			SELECT `+columns+` FROM party_order WHERE issued IN `+in+` AND attested_at IS NOT NULL ORDER BY attested_at, id`, args...)
		if err != nil {
			return nil, err
		}
		attested = append(attested, more...)
	}
	slices.SortStableFunc(attested, func(a, b Order) int { return a.AttestedAt.Compare(b.AttestedAt) })
	return attested, nil
}

// Knows reports whether a party of the service ever had an order.
func Knows(ctx context.Context, tx *db.Tx, service, party string) (bool, error) {
	n, err := db.One(ctx, tx, db.Single[int64], `
		SELECT count(*) FROM (SELECT id FROM party_order WHERE service = $1 AND party = $2 LIMIT 1) AS any_order`, service, party)
	return n > 0, err
}

// Owes reports whether a party of the service has an order that it hasn't attested.
func Owes(ctx context.Context, tx *db.Tx, service, party string) (bool, error) {
	n, err := db.One(ctx, tx, db.Single[int64], `
		SELECT count(*) FROM (SELECT id FROM party_order WHERE service = $1 AND party = $2 AND attested_at IS NULL LIMIT 1) AS any_order`, service, party)
	return n > 0, err
}

// domain separates what is sealed here.
const domain = "order.child"

// ChildOf returns the child of an order: of one that was erased, as long as the party
// has not attested. Errors: ErrNotFound, also when nothing leads to it any more.
func ChildOf(ctx context.Context, tx *db.Tx, ring *keyring.Ring, service, order string) (family.ID, error) {
	o, err := Find(ctx, tx, service, order)
	if err != nil {
		return "", err
	}
	return o.Whose(ring)
}

// Whose is ChildOf of an order that was read.
func (o Order) Whose(ring *keyring.Ring) (family.ID, error) {
	if o.Child != "" {
		return o.Child, nil
	}
	if o.sealed == nil {
		return "", ErrNotFound
	}
	child, err := ring.Open(domain, o.sealed, o.Service, o.ID)
	return family.ID(child), err
}

// forget takes the child out of its orders, as a part of erasing it (Article 20). An
// open one keeps it sealed, so that the party can still be told whom to delete.
func (b Book) forget(ctx context.Context, tx *db.Tx, child family.ID) error {
	all, err := Of(ctx, tx, child)
	if err != nil {
		return err
	}
	for _, o := range all {
		if !o.Open() {
			continue
		}
		if o.sealed, err = b.Ring.Seal(domain, []byte(child), o.Service, o.ID); err != nil {
			return err
		}
		err = tx.Queue(ctx, `UPDATE party_order SET sealed = $1 WHERE id = $2 AND attested_at IS NULL`, o.sealed, o.ID)
		if err != nil {
			return err
		}
	}
	return tx.Queue(ctx, `UPDATE party_order SET child = '' WHERE child = $1 AND child <> ''`, child)
}
