package console

import (
	"context"
	"errors"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/notify"
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
	to := pii.New(v.r.PostFormValue("address"))
	return v.moved("reached", to, func(ctx context.Context, tx *db.Tx, in signin.Session) error {
		_, err := staff.Reach(ctx, tx, s.Ring, in.Person, in.Person.ID, to, v.lang)
		return err
	})
}

func (s *Server) endReach(v *visit) error {
	return v.moved("unreached", pii.Text{}, func(ctx context.Context, tx *db.Tx, in signin.Session) error {
		_, err := staff.Unreach(ctx, tx, in.Person, in.Person.ID)
		return err
	})
}

// moved changes where the person is told of alarms, and has a letter go to where they were
// told until now, after the commit.
func (v *visit) moved(said string, to pii.Text, fn func(ctx context.Context, tx *db.Tx, in signin.Session) error) error {
	var former []notify.Message
	err := v.actFreshly(func(ctx context.Context, tx *db.Tx, in signin.Session) error {
		former = v.s.Farewell.Moved(ctx, tx, v.s.URL, in.Person.ID, to)
		return fn(ctx, tx, in)
	})
	if err == nil {
		v.s.Farewell.Send(v.r.Context(), former)
	}
	return v.accountDone(said, err)
}
