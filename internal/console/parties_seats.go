package console

import (
	"context"
	"strings"

	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/desk"
	"wardkeep/internal/message"
	"wardkeep/internal/notify"
	"wardkeep/internal/party"
	"wardkeep/internal/signin"
	"wardkeep/internal/staff"
)

// A seatRow is a seat of a party and who sits there, or sat.
type seatRow struct {
	party.Seat
	Who   string
	Holds bool
}

func (v *visit) seats(ctx context.Context, tx *db.Tx, of party.ID) (rows []seatRow, err error) {
	all, err := party.Seats(ctx, tx, of)
	if err != nil {
		return nil, err
	}
	for _, s := range all {
		who, err := staff.OfSeat(ctx, tx, s.ID)
		if err != nil {
			return nil, err
		}
		rows = append(rows, seatRow{s, who.Name, s.Holds(tx.Now())})
	}
	return rows, nil
}

// giveSeat invites a person of the party (Article 16). The link goes to the person's own address
// where one is given, and else is shown once.
func (s *Server) giveSeat(v *visit) error {
	name, to := v.value("name"), pii.New(v.value("mail"))
	if !to.IsZero() && (!s.Farewell.Writes() || !notify.IsAddress(to.Reveal())) {
		return v.seatsRefused(staff.ErrAddress.At("mail"))
	}
	var link setUpLink
	err := v.actFreshly(func(ctx context.Context, tx *db.Tx, in signin.Session) error {
		secret, until, err := s.door.SeatIn(ctx, tx, in.Person, v.which(v.r.PathValue("service")), name, strings.ToUpper(v.value("country")))
		link = setUpLink{name, desk.SetUpURL(s.Desk, secret), until}
		return err
	})
	switch {
	case err != nil:
		return v.seatsRefused(err)
	case to.IsZero():
		return v.partyPage(&link, nil)
	}
	s.Farewell.Send(v.r.Context(), []notify.Message{message.Seat(to, v.lang, s.Desk, link.URL, link.Until)})
	link.URL = ""
	return v.partyPage(&link, nil)
}

// takeSeat takes a seat back, at once.
func (s *Server) takeSeat(v *visit) error {
	err := v.actFreshly(func(ctx context.Context, tx *db.Tx, in signin.Session) error {
		return signin.Unseat(ctx, tx, in.Person, v.which(v.r.PathValue("service")), v.value("seat"))
	})
	if err != nil {
		return v.seatsRefused(err)
	}
	return v.to("/console/parties/{service}/{role}/{party}")
}

func (v *visit) seatsRefused(err error) error {
	if errs.Of(err).Is(approval.ErrMayNot) {
		return err
	}
	return v.partyPage(nil, err)
}
