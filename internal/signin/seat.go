package signin

import (
	"context"
	"errors"
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
	fail := func(err error) (string, time.Time, error) { return "", time.Time{}, err }
	office, err := approval.AsOfficer(ctx, tx, by, of.Service)
	if err != nil {
		return fail(err)
	}
	seat, err := party.GiveSeat(ctx, tx, office, of)
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
	sits, err := staff.OfSeat(ctx, tx, seat)
	if err != nil {
		return err
	}
	p, err := staff.Unseat(ctx, tx, by, sits.ID)
	if errors.Is(err, staff.ErrLeft) {
		return nil // at the terminal, before
	}
	if err != nil {
		return err
	}
	return forget(ctx, tx, p, by.Ledger(), HasLeft)
}
