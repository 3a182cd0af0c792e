package signin

import (
	"context"
	"time"

	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/party"
	"wardkeep/internal/staff"
)

// Seat gives a person of a party a seat, an account that may nothing inside, and the link by
// which the person sets up how to sign in at the door of parties (Article 16). By holds an
// office of the service. A link that was lost isn't made anew: the seat is taken, and another
// given. Errors: approval.ErrMayNot, those of party.GiveSeat and staff.Seat.
func (d Door) Seat(ctx context.Context, tx *db.Tx, by staff.Person, of party.ID, name string) (link string, until time.Time, err error) {
	return d.SeatIn(ctx, tx, by, of, name, "")
}

// SeatIn is Seat for a person who sits in a country, as party.GiveSeatIn has it.
func (d Door) SeatIn(ctx context.Context, tx *db.Tx, by staff.Person, of party.ID, name, country string) (link string, until time.Time, err error) {
	fail := func(err error) (string, time.Time, error) { return "", time.Time{}, err }
	office, err := approval.AsOfficer(ctx, tx, by, of.Service)
	if err != nil {
		return fail(err)
	}
	seat, err := party.GiveSeatIn(ctx, tx, office, of, country)
	if err != nil {
		return fail(err)
	}
	p, err := staff.Seat(ctx, tx, by, name, seat.ID)
	if err != nil {
		return fail(err)
	}
	if p, err = staff.Lock(ctx, tx, p.ID); err == nil {
		err = staff.StandBehind(ctx, tx, by, p)
	}
	if err != nil {
		return fail(err)
	}
	return d.invite(ctx, tx, p, by.Ledger(), "", inviteLife)
}

// Unseat takes a seat from its person, with all that the person signs in with and every session,
// at once. Errors: approval.ErrMayNot, those of party.TakeSeat.
func Unseat(ctx context.Context, tx *db.Tx, by staff.Person, of party.ID, seat string) error {
	office, err := approval.AsOfficer(ctx, tx, by, of.Service)
	if err != nil {
		return err
	}
	if err := party.TakeSeat(ctx, tx, office, of, seat); err != nil {
		return err
	}
	return rise(ctx, tx, by, seat)
}

// A sweep is what ends by itself what nobody has ended.
type sweep string

// Ledger returns its name in the ledger.
func (s sweep) Ledger() string { return string(s) }

// EndSeat ends a seat by which its person may do nothing any more, not even tell us what its party
// owes (party.Lingers), as Unseat does: of who sat there no way to sign in is left, nor an account that
// looks as if it held. Errors: party.ErrSeatNotFound, where somebody was first.
func EndSeat(ctx context.Context, tx *db.Tx, actor, seat string) error {
	if err := party.EndSeat(ctx, tx, actor, seat); err != nil {
		return err
	}
	return rise(ctx, tx, sweep(actor), seat)
}

// rise ends the account of who sits on a seat that was taken.
func rise(ctx context.Context, tx *db.Tx, by staff.Actor, seat string) error {
	sits, err := staff.OfSeat(ctx, tx, seat)
	if err != nil || sits.State != staff.Active { // it has left at the terminal, before
		return err
	}
	p, err := staff.Unseat(ctx, tx, by, sits.ID)
	if err != nil {
		return err
	}
	return forget(ctx, tx, p, by.Ledger(), HasLeft)
}
