package party

import (
	"context"
	"errors"
	"slices"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/id"
	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
	"wardkeep/internal/ledger"
)

// What can be wrong with a seat.
var (
	ErrSeats        = errs.New(errs.Conflict, "party.seats_too_many")
	ErrSeatNotFound = errs.New(errs.NotFound, "party.seat_not_found")
)

// The kinds of entries about seats. Their version is that of the service, as of keys.
const (
	KindSeated   = "party.seat_given"
	KindUnseated = "party.seat_taken"
)

// A SeatedBody says that a person of a party may sign in, and what that is bound to. It names
// nobody.
type SeatedBody struct {
	Party string `json:"party"`
	Role  Role   `json:"role"`
	Seat  string `json:"seat"` // "ps_…"
	Paper string `json:"paper"`
	Until int64  `json:"until"` // microseconds

	Country string `json:"country"` // in which its person sits
}

// An UnseatedBody says that nobody signs in by a seat any more.
type UnseatedBody struct {
	Party string `json:"party"`
	Role  Role   `json:"role"`
	Seat  string `json:"seat"`
}

// MaxSeats bounds the seats of a party that hold at the same time.
const MaxSeats = 5

// A Seat is what one person of a party signs in by (Article 16): what a key is to a machine.
// It is bound to the paper that the party stood on when it was given, and ends with that. Who
// sits on it, packages above know.
type Seat struct {
	ID      string // "ps_…"
	Party   ID
	Version int64 // of its service, at its last change
	Paper   string
	Country string // in which its person sits, as somebody in office has declared
	GivenAt time.Time
	GivenBy string // as the ledger names actors
	Until   time.Time
	TakenAt time.Time // zero: it isn't
	UsedAt  time.Time // when its person signed in last; zero: never
}

// Holds reports whether the seat is good at a moment, as far as it says itself. At its last
// moment it is over.
func (s Seat) Holds(now time.Time) bool {
	return s.ID != "" && s.TakenAt.IsZero() && now.Before(s.Until)
}

// Client returns the party as it asks by its person: what it may is what it may by a key,
// Fault and Deaf say, but no value is pulled by it, for the gate knows no such key.
func (s Seat) Client(is Standing) Client {
	return Client{Key: Key{ID: s.ID, Party: s.Party, Version: s.Version, Paper: s.Paper, Country: s.Country, BoundAt: s.GivenAt, BoundBy: s.GivenBy, Until: s.Until, RevokedAt: s.TakenAt}, Standing: is}
}

const seatColumns = `id, service, role, party, version, paper, country, given_at, given_by, until_at, taken_at, used_at`

func scanSeat(row db.Row) (s Seat, err error) {
	err = row.Scan(&s.ID, &s.Party.Service, &s.Party.Role, &s.Party.Name, &s.Version, &s.Paper, &s.Country, (*db.Time)(&s.GivenAt), &s.GivenBy,
		(*db.Time)(&s.Until), (*db.Time)(&s.TakenAt), (*db.Time)(&s.UsedAt))
	return s, err
}

// FindSeat returns a seat, one too that was taken. Errors: ErrSeatNotFound.
func FindSeat(ctx context.Context, tx *db.Tx, seat string) (Seat, error) {
	if !id.Is(id.PartySeat, seat) {
		return Seat{}, ErrSeatNotFound
	}
	s, err := db.One(ctx, tx, scanSeat, `SELECT `+seatColumns+` FROM party_seat WHERE id = $1`, seat)
	if errors.Is(err, db.ErrNone) {
		err = ErrSeatNotFound
	}
	return s, err
}

// ClientAt returns the party that has a seat, whether it may do anything or not. Errors:
// ErrSeatNotFound.
func ClientAt(ctx context.Context, tx *db.Tx, seat string) (Client, error) {
	s, err := FindSeat(ctx, tx, seat)
	if err != nil {
		return Client{}, err
	}
	p, err := Find(ctx, tx, s.Party)
	return s.Client(p.Standing), err
}

// Seats returns the seats of a party, those too that were taken: the newest first.
func Seats(ctx context.Context, tx *db.Tx, of ID) ([]Seat, error) {
	return db.All(ctx, tx, scanSeat, `
		SELECT `+seatColumns+` FROM party_seat
		WHERE service = $1 AND role = $2 AND party = $3
		ORDER BY given_at DESC, id`, of.Service, of.Role, of.Name)
}

// Comes reports whether the party can come for what was pushed to it: it has a key that it
// signs with, or a seat, which holds under what it stands on now.
func Comes(ctx context.Context, tx *db.Tx, is Standing) (bool, error) {
	now, paper := tx.Now(), is.Paper().ID
	seats, err := Seats(ctx, tx, is.ID)
	if err != nil || slices.ContainsFunc(seats, func(s Seat) bool { return s.Holds(now) && s.Paper == paper }) {
		return err == nil, err
	}
	keys, err := Keys(ctx, tx, is.ID)
	return slices.ContainsFunc(keys, func(k Key) bool { return !k.Seals() && k.Holds(now) && k.Paper == paper }), err
}

// EachSeat calls fn with every seat of the store, for an audit. It must not use tx.
func EachSeat(ctx context.Context, tx *db.Tx, fn func(Seat) error) error {
	return db.Each(ctx, tx, func(row db.Row) error {
		s, err := scanSeat(row)
		if err != nil {
			return err
		}
		return fn(s)
	}, `SELECT `+seatColumns+` FROM party_seat ORDER BY id`)
}

// GiveSeat lets one person of a party sign in for as long as what the party stands on holds.
// Errors: those of catalog.Change, ErrNotFound, ErrRole, ErrSubs, ErrSuspended, ErrUnready, ErrSeats.
func GiveSeat(ctx context.Context, tx *db.Tx, by catalog.Officer, of ID) (Seat, error) {
	return GiveSeatIn(ctx, tx, by, of, "")
}

// GiveSeatIn is GiveSeat for a person who sits in a country or region, given by its two-letter
// code; empty: where the party is. What is fetched there crosses a border as by a key that is
// used there (edge case 20). Whoever moves is given another. Errors: those of GiveSeat,
// ErrKeyCountry.
func GiveSeatIn(ctx context.Context, tx *db.Tx, by catalog.Officer, of ID, country string) (Seat, error) {
	p, err := change(ctx, tx, by, of)
	if err != nil {
		return Seat{}, err
	}
	now, paper := tx.Now(), p.Standing.Paper()
	if err := p.binds(now); err != nil {
		return Seat{}, err
	}
	if country == "" {
		country = p.Standing.Country
	}
	if !charter.IsCountry(country) {
		return Seat{}, ErrKeyCountry.At("country")
	}
	all, err := Seats(ctx, tx, of)
	if err != nil {
		return Seat{}, err
	}
	held := 0
	for _, s := range all {
		if s.Holds(now) && s.Paper == paper.ID {
			held++
		}
	}
	if held >= MaxSeats {
		return Seat{}, ErrSeats
	}
	s := Seat{ID: id.New(id.PartySeat), Party: of, Version: p.Version, Paper: paper.ID, Country: country, GivenAt: now, GivenBy: by.Ledger(), Until: paper.Until}
	err = tx.Queue(ctx, `
		INSERT INTO party_seat (id, service, role, party, version, paper, country, given_at, given_by, until_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		s.ID, of.Service, of.Role, of.Name, s.Version, s.Paper, s.Country, (*db.Time)(&now), s.GivenBy, (*db.Time)(&s.Until))
	if err != nil {
		return Seat{}, err
	}
	_, err = p.note(ctx, tx, by, KindSeated, SeatedBody{Party: of.Name, Role: of.Role, Seat: s.ID, Paper: s.Paper, Until: s.Until.UnixMicro(), Country: s.Country})
	return s, err
}

// TakeSeat ends a seat at once. Errors: those of catalog.Change, ErrNotFound, ErrSeatNotFound,
// which is that of a seat that is taken already, too.
func TakeSeat(ctx context.Context, tx *db.Tx, by catalog.Officer, of ID, seat string) error {
	return takeSeat(ctx, tx, by, of, seat)
}

// TakeSeatAgain ends a seat in a store that was put back to when it held (edge case 15).
// Errors: as TakeSeat.
func TakeSeatAgain(ctx context.Context, tx *db.Tx, by catalog.Operator, of ID, seat string) error {
	// First, so that whoever goes on after a refusal has changed nothing.
	s, err := FindSeat(ctx, tx, seat)
	switch {
	case err != nil:
		return err
	case s.Party != of || !s.TakenAt.IsZero():
		return ErrSeatNotFound
	}
	return takeSeat(ctx, tx, by, of, seat)
}

func takeSeat(ctx context.Context, tx *db.Tx, by catalog.Actor, of ID, seat string) error {
	p, err := change(ctx, tx, by, of)
	if err != nil {
		return err
	}
	return p.unseat(ctx, tx, by.Ledger(), seat)
}

// SeatsOver returns the seats by which nobody may even tell us anything any more (Lingers), and that
// nobody has taken: those behind after, the oldest first, and at most limit. It reads the index of
// those times.
func SeatsOver(ctx context.Context, tx *db.Tx, after Seat, limit int) ([]Seat, error) {
	since := tx.Now().Add(-Lingers)
	return db.All(ctx, tx, scanSeat, `
		SELECT `+seatColumns+` FROM party_seat
		WHERE taken_at IS NULL AND until_at <= $1 AND (until_at, id) > ($2, $3)
		ORDER BY until_at, id LIMIT $4`, (*db.Time)(&since), after.Until.UnixMicro(), after.ID, int64(limit))
}

// EndSeat ends a seat that is over by itself: nobody has to, for it to be refused. Errors:
// ErrSeatNotFound, which is that of a seat that is taken, or isn't over, too.
func EndSeat(ctx context.Context, tx *db.Tx, actor, seat string) error {
	s, err := FindSeat(ctx, tx, seat)
	if err == nil && tx.Now().Before(s.Until.Add(Lingers)) {
		err = ErrSeatNotFound
	}
	if err != nil {
		return err
	}
	service, err := catalog.Advance(ctx, tx, s.Party.Service)
	if err != nil {
		return err
	}
	return Party{Standing: Standing{ID: s.Party, Version: service.Version}}.unseat(ctx, tx, actor, seat)
}

// unseat takes a seat of the party, whose service is locked at its version.
func (p Party) unseat(ctx context.Context, tx *db.Tx, actor, seat string) error {
	of, now := p.ID, tx.Now()
	n, err := tx.Exec(ctx, `
		UPDATE party_seat SET taken_at = $1, version = $2
		WHERE id = $3 AND service = $4 AND role = $5 AND party = $6 AND taken_at IS NULL`,
		(*db.Time)(&now), p.Version, seat, of.Service, of.Role, of.Name)
	switch {
	case err != nil:
		return err
	case n != 1:
		return ErrSeatNotFound
	}
	_, err = ledger.Append(ctx, tx, ledger.Entry{Kind: KindUnseated, Service: of.Service, Version: p.Version, Actor: actor,
		Body: UnseatedBody{Party: of.Name, Role: of.Role, Seat: seat}})
	return err
}

// UsedSeat notes that the person of a seat has signed in at this moment.
func UsedSeat(ctx context.Context, tx *db.Tx, seat string) error {
	now := tx.Now()
	return tx.Queue(ctx, `UPDATE party_seat SET used_at = $1 WHERE id = $2`, (*db.Time)(&now), seat)
}
