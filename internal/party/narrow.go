package party

import (
	"context"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
)

// The kinds of the entries that a party may have less than before, by a charter or a paper, and
// that everything was ordered that follows.
const (
	KindNarrowed = "party.narrowed"
	KindTrimmed  = "party.trimmed"
)

// A NarrowedBody says which party, and what it may have no longer of what it may hold.
type NarrowedBody struct {
	Party  string `json:"party"`
	Role   Role   `json:"role"`
	Excess Scope  `json:"excess"`
}

// A TrimmedBody says of which narrowing, of how many children the party was looked for, and how
// many orders it got.
type TrimmedBody struct {
	Party    string `json:"party"`
	Role     Role   `json:"role"`
	Narrowed int64  `json:"narrowed"` // the version of the entry that it narrowed
	Children int64  `json:"children"`
	Orders   int64  `json:"orders"`
}

// plus returns what is in either scope.
func (s Scope) plus(other Scope) Scope {
	out := make(Scope)
	for _, some := range []Scope{s, other} {
		for purpose, items := range some {
			if len(items) > 0 {
				out[purpose] = append(out[purpose], items...)
			}
		}
	}
	return out.sorted()
}

// where returns what of the scope keep is true of.
func (s Scope) where(keep func(purpose, item string) bool) Scope {
	out := make(Scope)
	for purpose, items := range s {
		for _, item := range items {
			if keep(purpose, item) {
				out[purpose] = append(out[purpose], item)
			}
		}
	}
	return out.sorted()
}

// minus returns what of the scope isn't in another.
func (s Scope) minus(other Scope) Scope {
	return s.where(func(purpose, item string) bool { return !other.Has(purpose, item) })
}

// May returns what a charter and the papers that the party stands on give it together. A
// suspension takes nothing away, nor does a paper that is over or an assessment that failed:
// then nothing goes there, and what is there may stay until an end, or a paper that covers less.
// It is pure.
func (s Standing) May(c *charter.Charter) Scope {
	return ScopeOf(c, s.Role, s.Name).where(func(purpose, item string) bool {
		return s.Assessment.Scope.Has(purpose, item) && (s.Role == Recipient || s.Agreement.Scope.Has(purpose, item))
	})
}

// A Holding is what a party may hold of children: all that it may have, and what it might have
// before and wasn't ordered yet to delete. The zero Holding is nothing.
type Holding struct {
	Held   Scope
	Excess Scope // what of it the party may have no longer
}

// Under returns the holding from the moment on when a party may have just that. It narrows if
// something is in excess now that wasn't: of that, the orders begin anew. It is pure.
func (h Holding) Under(may Scope) (next Holding, narrows bool) {
	next.Held = h.Held.plus(may)
	next.Excess = next.Held.minus(may)
	return next, !next.Excess.Within(h.Excess)
}

// Trimmed returns the holding once the party was ordered to delete what is in excess.
func (h Holding) Trimmed() Holding { return Holding{Held: h.Held.minus(h.Excess)} }

// Keeps returns what of the holding the party may have.
func (h Holding) Keeps() Scope { return h.Trimmed().Held }

// Equal reports whether both are the same.
func (h Holding) Equal(other Holding) bool {
	return h.Held.String() == other.Held.String() && h.Excess.String() == other.Excess.String()
}

// Narrowing reports whether a party may have less than before, and not all that follows was
// ordered yet. What follows an end is more, and takes its place.
func (p Party) Narrowing(now time.Time) bool { return p.Narrowed != 0 && p.EndedAt(now).IsZero() }

// Publish is catalog.Publish, after which every party holds what the charter gives it.
func Publish(ctx context.Context, tx *db.Tx, ring *keyring.Ring, by catalog.Officer, service string, number int64) (catalog.Published, string, error) {
	p, entry, err := catalog.Publish(ctx, tx, ring, by, service, number)
	if err == nil {
		err = Follow(ctx, tx, by, service, p.Charter)
	}
	return p, entry, err
}

// Follow has every party of a service hold what a charter gives it that comes into force in this
// transaction. Whoever is left out of a purpose, or gets an item less, is ordered to delete
// what it has of that (Articles 16(5) and 20); the ledger says so beside the publication.
func Follow(ctx context.Context, tx *db.Tx, by catalog.Officer, service string, c *charter.Charter) error {
	all, err := List(ctx, tx, service)
	for _, p := range all {
		if err == nil {
			_, err = p.follow(ctx, tx, by, c)
		}
	}
	return err
}

// follow writes what the party may hold from now on, and records that it may have less. The
// service is held. If we crash before the commit, nothing has narrowed; after it, the row
// says that orders have to follow, and goes on saying so until they have.
func (p Party) follow(ctx context.Context, tx *db.Tx, by catalog.Officer, c *charter.Charter) (Party, error) {
	if !p.EndedAt(tx.Now()).IsZero() {
		return p, nil // it has to delete all: see Part
	}
	next, narrows := p.Under(p.Standing.May(c))
	if next.Equal(p.Holding) {
		return p, nil
	}
	p.Holding = next
	if !narrows { // a walk goes on where it is, with what it finds in excess
		return p, tx.Queue(ctx, `
			UPDATE party SET held = $1, excess = $2
			WHERE service = $3 AND role = $4 AND name = $5`, p.Held.String(), p.Excess.String(), p.Service, p.Role, p.Name)
	}
	s, err := catalog.Advance(ctx, tx, p.Service)
	if err != nil {
		return p, err
	}
	p.Version, p.Narrowed, p.NarrowedAt = s.Version, s.Version, tx.Now()
	if err := p.turn(ctx, tx); err != nil {
		return p, err
	}
	_, err = p.note(ctx, tx, by, KindNarrowed, NarrowedBody{Party: p.Name, Role: p.Role, Excess: p.Excess})
	return p, err
}

// turn writes that a walk begins anew, or is at its end. The service is held.
func (p Party) turn(ctx context.Context, tx *db.Tx) error {
	return tx.Queue(ctx, `
		UPDATE party SET version = $1, held = $2, excess = $3, narrowed = $4, narrowed_at = $5, parted_upto = '', parted_at = $6
		WHERE service = $7 AND role = $8 AND name = $9`,
		p.Version, p.Held.String(), p.Excess.String(), p.Narrowed, (*db.Time)(&p.NarrowedAt), (*db.Time)(&p.PartedAt), p.Service, p.Role, p.Name)
}
