package web

import (
	"context"
	"net/http"
	"slices"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/gate"
	"wardkeep/internal/rights"
	"wardkeep/internal/session"
)

// ErrClosed is all that a guardian hears from whom what is held is hidden (edge case 22): that
// it can't be shown here now, and that the office answers. It is the same for whatever was
// tried, and says neither that somebody has decided anything nor why: what would tell who is
// the threat that a child or the other parent has spoken could be paid for by the child. The
// ledger has the reason (gate.CodeHidden).
var ErrClosed = errs.New(errs.Conflict, "web.closed")

// closed turns the refusals that a hidden view has into that one.
func closed(err error) error {
	if gate.Hid(err) || errs.Of(err).Is(rights.ErrNotHere) {
		return ErrClosed
	}
	return err
}

// openTie is tie for what shows anything of the child, or lets somebody in to see it. Errors:
// ErrClosed, those of tie.
func (s *Server) openTie(r *http.Request, in session.Session, now time.Time) (family.Tie, int, error) {
	t, number, err := tie(r, in)
	if err == nil && t.Hidden(s.Ring, now) {
		err = ErrClosed
	}
	return t, number, err
}

// homeClosedPage is what guardian/home_closed.html shows in the place of a child's page: who
// answers, and what counts still.
type homeClosedPage struct {
	homeChild
	Officers             []catalog.Officer
	Complaint, Authority []route
	Withdraw             []homeConsent // what can be taken back
	Demands              []homeDemand  // the guardian's own
	Days                 int
}

// fillClosed reads nothing that is held, nothing that anybody else has done, and no state that
// others had a part in.
func (s *Server) fillClosed(ctx context.Context, tx *db.Tx, r *http.Request, t family.Tie, number int, page *homeClosedPage) error {
	l := lang(r)
	var answers []consent.Answer
	var guardians []family.Guardian
	if err := tx.Together(ctx, consent.ReadStanding(&answers, t.Child), family.ReadGuardians(&guardians, t.Child)); err != nil {
		return err
	}
	words, err := s.told(ctx, tx, t.Of.Service, answers, l)
	if err != nil {
		return err
	}
	if words.class, err = t.Of.Class(s.Ring, tx.Now()); err != nil {
		return err
	}
	*page = homeClosedPage{}
	if page.homeChild, err = s.homeChild(ctx, tx, t, number, l); err != nil {
		return err
	}
	if page.Officers, err = catalog.InOffice(ctx, tx, t.Of.Service); err != nil {
		return err
	}
	ways := words.now.Charter.Channels
	page.Complaint, page.Authority = routes(ways.Complaint, l), routes(ways.Authority, l)
	// Article 9: whoever may say yes may say no, and it counts at once.
	for _, c := range words.consents(t, answers, guardians) {
		if c.Withdraw {
			page.Withdraw = append(page.Withdraw, homeConsent{Purpose: c.Purpose, Label: c.Label, IfRefused: c.IfRefused})
		}
	}
	var all homeChildPage
	all.homeChild = page.homeChild
	if err := s.demands(ctx, tx, t, words, &all); err != nil {
		return err
	}
	page.Days = all.Days
	page.Demands = slices.DeleteFunc(all.Demands, func(d homeDemand) bool { return d.Who != "web.mine.demand.by.me" })
	return nil
}

// closedChild is a child on the list of a guardian from whom what is held is hidden.
func closedChild(t family.Tie, number int, p catalog.Published, end ending, l charter.Lang) homeChild {
	return homeChild{Tie: string(t.ID), Number: number, Service: p.Charter.Name.In(l), Relation: "web.mine.relation." + string(t.Relation),
		Rules: "/rules/" + t.Of.Service, Ending: end, Closed: true}
}
