package inspector

import (
	"errors"
	"net/http"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/inspection"
)

// outside says to who isn't in how to come in.
func (v *visit) outside() error { return v.show(http.StatusOK, "outside", nil) }

// doorPage is what door.html shows.
type doorPage struct {
	Number  string // of the invitation
	Until   time.Time
	Problem string // in words
}

func (v *visit) showDoor() error { return v.door(nil) }

// door shows the page where an inspector comes in, and what went wrong. Whose invitation it is a link
// doesn't tell: whoever found it learns a number.
func (v *visit) door(problem error) error {
	status, page := http.StatusOK, doorPage{}
	if problem != nil {
		e := errs.Of(problem)
		if e.Kind != errs.Forbidden && e.Kind != errs.Conflict {
			return problem
		}
		status, page.Problem, v.seen.Code = int(e.Kind), v.lang.T(e.Code), e.Code
	}
	ctx := v.r.Context()
	err := v.s.Store.View(ctx, func(tx *db.Tx) error {
		i, err := inspection.At(ctx, tx, v.s.Ring, v.r.PathValue("link"))
		if err == nil {
			page.Number, page.Until = i.Number(), i.Until
		}
		return err
	})
	if err != nil {
		return err
	}
	return v.show(status, "door", page)
}

// enter lets in who has the link and the code.
func (v *visit) enter() error {
	if !v.s.tries.Allow(v.r) {
		return ErrSlowDown
	}
	ctx := v.r.Context()
	var in inspection.Invitation
	var secret string
	err := v.s.Store.Update(ctx, func(tx *db.Tx) (err error) {
		in, secret, err = inspection.Enter(ctx, tx, v.s.Ring, v.r.PathValue("link"), v.r.PostFormValue("code"))
		return err
	})
	if err != nil {
		return v.door(err)
	}
	v.s.browser().Keep(v.w, cookie, secret, min(inspection.Most, in.Until.Sub(in.EnteredAt)))
	return v.to("/inspector")
}

// leave signs the inspector out.
func (v *visit) leave() error {
	ctx := v.r.Context()
	err := v.s.Store.Update(ctx, func(tx *db.Tx) error { return inspection.Leave(ctx, tx, v.s.Ring, v.kept()) })
	for _, out := range []error{inspection.ErrSignedOut, inspection.ErrEnded, inspection.ErrOver} {
		if errors.Is(err, out) {
			err = nil // it is over anyhow
		}
	}
	if err != nil {
		return err
	}
	v.s.browser().Keep(v.w, cookie, "", 0)
	return v.to("/inspector/in")
}

// EntryURL is the link of an invitation, at the site where the portal is.
func EntryURL(site, link string) string { return site + "/inspector/in/" + link }
