package console

import (
	"context"
	"errors"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/signin"
	"wardkeep/internal/staff"
)

// A reach is what account.html shows of where alarms are sent. Without an Address they are
// sent nowhere.
type reach struct {
	Shown   bool // the person is told of some, or has an address still
	Address string
	Lang    i18n.Lang
	SetAt   time.Time
	Forged  bool
}

// reach tells of the address of who visits.
func (v *visit) reach(ctx context.Context, tx *db.Tx) (reach, error) {
	r := reach{Shown: v.in.Person.MaySomewhere(staff.ReviewAccess)}
	c, err := staff.ContactOf(ctx, tx, v.s.Ring, v.in.Person.ID)
	if errors.Is(err, staff.ErrNoAddress) {
		return r, nil
	}
	return reach{true, c.Address.Reveal(), c.Lang, c.SetAt, !c.Intact(v.s.Ring)}, err
}

// setReach keeps where the person is told of alarms (Article 15), in the language of the
// page.
func (s *Server) setReach(v *visit) error {
	err := v.actFreshly(func(ctx context.Context, tx *db.Tx, in signin.Session) error {
		_, err := staff.Reach(ctx, tx, s.Ring, in.Person, in.Person.ID, pii.New(v.r.PostFormValue("address")), v.lang)
		return err
	})
	return v.accountDone("reached", err)
}

func (s *Server) endReach(v *visit) error {
	err := v.actFreshly(func(ctx context.Context, tx *db.Tx, in signin.Session) error {
		_, err := staff.Unreach(ctx, tx, in.Person, in.Person.ID)
		return err
	})
	return v.accountDone("unreached", err)
}
