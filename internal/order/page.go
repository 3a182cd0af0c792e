package order

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/id"
	"wardkeep/internal/party"
)

// Wanted is what a page of orders is narrowed to. The zero Wanted is all that is open.
type Wanted struct {
	State State // empty: IsOpen
	Party string
	Role  Role
	What  What
	DueBy time.Time // zero: any; otherwise those that are due by then
}

// ParseCursor reads where a page of orders goes on.
func ParseCursor(s string) db.Cursor { return db.ParseCursor(id.Entry, s) }

// cursor is where a list that the order stands in goes on behind it.
func (w Wanted) cursor(o Order) db.Cursor {
	if w.State == IsAttested {
		return db.Cursor{At: o.IssuedAt, ID: o.Issued}
	}
	return db.Cursor{At: o.DueAt, ID: o.Issued}
}

// fits reports whether the order is wanted, by what no index orders.
func (w Wanted) fits(o Order) bool {
	return (w.Role == "" || o.Role == w.Role) && (w.What == "" || o.What == w.What) && (w.State != IsAttested || w.DueBy.IsZero() || !o.DueAt.After(w.DueBy))
}

// everything reports whether all that is read is wanted.
func (w Wanted) everything() bool {
	return (w.Role == "" || w.Party != "") && w.What == "" && (w.State != IsAttested || w.DueBy.IsZero())
}

// roles are those in which orders of the party are looked for, each in its part of the index.
func (w Wanted) roles() []Role {
	if w.Party == "" || w.Role != "" {
		return []Role{w.Role}
	}
	return []Role{Processor, Recipient}
}

// last is the moment by which an open order must be due to be wanted.
func (w Wanted) last(now time.Time) time.Time {
	last := w.DueBy
	if last.IsZero() {
		last = time.UnixMicro(1 << 61)
	}
	if w.State == IsOverdue && now.Before(last) {
		last = now
	}
	return last
}

// behind sorts behind the name of every entry.
const behind = "lf"

// read returns orders of one service behind a cursor, from an index in which they stand in
// the order of the page. What is overdue is so by its day, whether or not a sweep has found it.
func (w Wanted) read(ctx context.Context, tx *db.Tx, service string, role Role, from db.Cursor, limit int) ([]Order, error) {
	before, last := cmp.Or(from.ID, behind), w.last(tx.Now())
	switch {
	case w.State == IsAttested && w.Party == "":
		return db.All(ctx, tx, scan, `
			SELECT `+columns+` FROM party_order WHERE service = $1 AND attested_at IS NOT NULL AND issued < $2
			ORDER BY issued DESC LIMIT $3`, service, before, int64(limit))
	case w.State == IsAttested:
		return db.All(ctx, tx, scan, `
			SELECT `+columns+` FROM party_order
			WHERE service = $1 AND party = $2 AND role = $3 AND attested_at IS NOT NULL AND issued < $4
			ORDER BY issued DESC LIMIT $5`, service, w.Party, role, before, int64(limit))
	case w.Party == "":
		return db.All(ctx, tx, scan, `
			SELECT `+columns+` FROM party_order
			WHERE service = $1 AND attested_at IS NULL AND due_at <= $2 AND (due_at, issued) > ($3, $4)
			ORDER BY due_at, issued LIMIT $5`, service, (*db.Time)(&last), from.At.UnixMicro(), from.ID, int64(limit))
	}
	return db.All(ctx, tx, scan, `
		SELECT `+columns+` FROM party_order
		WHERE service = $1 AND party = $2 AND role = $3 AND attested_at IS NULL AND due_at <= $4 AND (due_at, issued) > ($5, $6)
		ORDER BY due_at, issued LIMIT $7`, service, w.Party, role, (*db.Time)(&last), from.At.UnixMicro(), from.ID, int64(limit))
}

// Page returns orders of services that are wanted, at most limit: of the open ones those that
// are due first, of the attested ones the newest; and where it goes on: nowhere, after the
// last. Errors: ErrState.
func Page(ctx context.Context, tx *db.Tx, services []string, w Wanted, from db.Cursor, limit int) (page []Order, next db.Cursor, err error) {
	w.State = cmp.Or(w.State, IsOpen)
	if _, known := lists[w.State]; !known {
		return nil, next, ErrState.At("state")
	}
	rows := db.Rows(limit, w.everything())
	var all []Order
	for _, service := range services {
		for _, role := range w.roles() {
			some, err := w.read(ctx, tx, service, role, from, rows)
			if err != nil {
				return nil, next, err
			}
			all = append(all, some...)
		}
	}
	slices.SortFunc(all, func(a, b Order) int {
		if w.State == IsAttested {
			return cmp.Compare(b.Issued, a.Issued)
		}
		return cmp.Or(a.DueAt.Compare(b.DueAt), cmp.Compare(a.Issued, b.Issued))
	})
	page, next = db.Cut(all, rows, limit, w.fits, w.cursor)
	return page, next, nil
}

// Most is how many are counted, at most: a number that each order would have to change would
// have every erasure of a party's children wait for the one before.
const Most = 1000

// A Count is how many orders to a party are open, and how many of these past their day: Most
// at most of each.
type Count struct{ Open, Late int64 }

// CountTo counts the orders to a party in its role.
func CountTo(ctx context.Context, tx *db.Tx, of party.ID) (n Count, err error) {
	now := tx.Now()
	n.Open, err = db.One(ctx, tx, db.Single[int64], `
		SELECT count(*) FROM (
			SELECT id FROM party_order WHERE service = $1 AND party = $2 AND role = $3 AND attested_at IS NULL LIMIT $4) AS open`,
		of.Service, of.Name, of.Role, int64(Most))
	if err != nil || n.Open == 0 {
		return n, err
	}
	n.Late, err = db.One(ctx, tx, db.Single[int64], `
		SELECT count(*) FROM (
			SELECT id FROM party_order WHERE service = $1 AND party = $2 AND role = $3 AND attested_at IS NULL AND due_at <= $4 LIMIT $5) AS late`,
		of.Service, of.Name, of.Role, (*db.Time)(&now), int64(Most))
	return n, err
}

// StatementsOf returns what a party has stated after each of its ends, the newest first. There
// are few.
func StatementsOf(ctx context.Context, tx *db.Tx, of party.ID) ([]Statement, error) {
	return db.All(ctx, tx, scanStatement, `
		SELECT `+statementColumns+` FROM party_statement WHERE service = $1 AND role = $2 AND party = $3 ORDER BY ended_at DESC`,
		of.Service, of.Role, of.Name)
}

// A Place is where a list of statements goes on: behind what a party has stated after an end of
// it. The zero Place is the beginning.
type Place struct {
	Party party.ID
	Ended time.Time
}

// ParsePlace reads what Place.String has written. What it can't read is the beginning.
func ParsePlace(s string) Place {
	of := strings.Split(s, "/")
	if len(of) != 4 || !utf8.ValidString(s) || strings.IndexByte(s, 0) >= 0 {
		return Place{}
	}
	micros, err := strconv.ParseInt(of[0], 10, 64)
	if err != nil || micros <= 0 {
		return Place{}
	}
	return Place{party.ID{Service: of[1], Role: party.Role(of[2]), Name: of[3]}, time.UnixMicro(micros)}
}

// String returns the place for an address, and "" for the beginning.
func (p Place) String() string {
	if p.Ended.IsZero() {
		return ""
	}
	return strings.Join([]string{strconv.FormatInt(p.Ended.UnixMicro(), 10), p.Party.Service, string(p.Party.Role), p.Party.Name}, "/")
}

func (p Place) micros() int64 {
	if p.Ended.IsZero() {
		return 0
	}
	return p.Ended.UnixMicro()
}

// StatementsIn returns what parties of services have stated after their ends, by the parties and at
// most limit, narrowed to a role or a name that isn't empty; and where it goes on: nowhere, after
// the last. It reads the table in the order of its key.
func StatementsIn(ctx context.Context, tx *db.Tx, services []string, role party.Role, name string, from Place, limit int) (page []Statement, next Place, err error) {
	rows := db.Rows(limit, len(services) == 1 && role == "" && name == "")
	var all []Statement
	if len(services) == 1 {
		all, err = db.All(ctx, tx, scanStatement, `
			SELECT `+statementColumns+` FROM party_statement WHERE service = $1 AND (role, party, ended_at) > ($2, $3, $4)
			ORDER BY service, role, party, ended_at LIMIT $5`, services[0], from.Party.Role, from.Party.Name, from.micros(), int64(rows))
	} else {
		all, err = db.All(ctx, tx, scanStatement, `
			SELECT `+statementColumns+` FROM party_statement WHERE (service, role, party, ended_at) > ($1, $2, $3, $4)
			ORDER BY service, role, party, ended_at LIMIT $5`, from.Party.Service, from.Party.Role, from.Party.Name, from.micros(), int64(rows))
	}
	fits := func(s Statement) bool {
		return slices.Contains(services, s.Party.Service) && (role == "" || role == s.Party.Role) && (name == "" || name == s.Party.Name)
	}
	page, next = db.Cut(all, rows, limit, fits, func(s Statement) Place { return Place{s.Party, s.EndedAt} })
	return page, next, err
}

// ByEntry returns the order of a service that was issued by an entry. Errors: ErrNotFound.
func ByEntry(ctx context.Context, tx *db.Tx, service, entry string) (Order, error) {
	o, err := db.One(ctx, tx, scan, `SELECT `+columns+` FROM party_order WHERE issued = $1 AND service = $2`, entry, service)
	if errors.Is(err, db.ErrNone) {
		err = ErrNotFound
	}
	return o, err
}
