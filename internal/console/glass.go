package console

import (
	"context"
	"net/http"
	"slices"
	"time"

	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
	"wardkeep/internal/family"
	"wardkeep/internal/signin"
	"wardkeep/internal/staff"
)

// urgentPage is what urgent.html shows: what can't wait for the office (Article 15).
type urgentPage struct {
	accessPage
	Waits    []broken // for their review, of what the person has opened with another
	Alone    []string // services in which nobody could open a window with the person
	InOffice bool     // somewhere: who is doesn't join there
	Join     int      // minutes for a second person to join
	Minutes  int      // that a window lasts, at most
	Review   int      // hours for the office to review it
}

// A broken window is a row of a list.
type broken struct {
	approval.Glass
	Number    string // of the request; "" once it went with its child
	Who, With string // names
	Late      bool
	To        string
	ReviewTo  string
}

// reviewPath is the page on which the office reviews a window.
func reviewPath(g approval.Glass) string { return "/console/reviews/" + g.Service + "/" + g.Request }

// broken tells of windows in words.
func (v *visit) broken(ctx context.Context, tx *db.Tx, all []approval.Glass) (rows []broken, err error) {
	requests, err := approval.Requests(ctx, tx, all)
	if err != nil {
		return nil, err
	}
	names := make(map[string]string)
	for _, g := range all {
		for _, who := range []string{g.Asker, g.Second} {
			if _, known := names[who]; known {
				continue
			}
			p, err := person(ctx, tx, who)
			if err != nil {
				return nil, err
			}
			names[who] = p.Name
		}
		row := broken{Glass: g, Who: names[g.Asker], With: names[g.Second], Late: g.Late(tx.Now()), ReviewTo: reviewPath(g)}
		if r, here := requests[g.Request]; here {
			row.Number, row.To = r.Number, requestPath(r)
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// urgent lists what waits for a second person, and what of one's own waits for its review.
func (s *Server) urgent(v *visit) error {
	limits := s.Vault.Looks.Or(approval.Defaults).Asked(true, approval.OnConsent)
	page := urgentPage{Join: int(approval.JoinIn / time.Minute), Minutes: limits.MaxMinutes,
		Review: int(approval.ReviewIn / time.Hour)}
	err := v.view(func(ctx context.Context, tx *db.Tx) error {
		services, err := catalog.List(ctx, tx)
		if err != nil {
			return err
		}
		var joins []string
		joins, page.InOffice = joinsIn(v.in.Person, services)
		page.May, page.Services = len(joins) > 0, joins
		want, err := page.narrow(ctx, tx, v, listUrgent, decisionFields)
		if err != nil {
			return err
		}
		page.Alone = nil
		for _, s := range services {
			if slices.Contains(joins, s.Name) && len(joins) <= perPage {
				can, err := approval.CanJoin(ctx, tx, v.in.Person, s)
				if err != nil {
					return err
				}
				if !can {
					page.Alone = append(page.Alone, s.Name)
				}
			}
		}
		all, next, err := approval.ToJoin(ctx, tx, only(joins, want.Service), v.in.Person.ID, want, v.from(), perPage)
		if err != nil {
			return err
		}
		if err := page.fill(ctx, tx, v, all, next); err != nil {
			return err
		}
		waits, err := approval.OfBoth(ctx, tx, v.in.Person.ID, perPage)
		if err != nil {
			return err
		}
		page.Waits, err = v.broken(ctx, tx, waits)
		return err
	})
	if err != nil {
		return err
	}
	return v.show(http.StatusOK, "urgent", page)
}

// joinsIn returns the services in which the person may open a window with another, and
// whether there are some whose office keeps the person from it.
func joinsIn(p staff.Person, all []catalog.Service) (names []string, office bool) {
	for _, s := range all {
		switch {
		case !approval.May(p, staff.AskAccess, s):
		case approval.InOffice(p, s):
			office = true
		default:
			names = append(names, s.Name)
		}
	}
	return names, office
}

// joins reports whether the person is one who may open a window with who has asked: the
// page of the request is theirs to read, so that they know what they answer for.
func joins(p staff.Person, r approval.Request, s catalog.Service, now time.Time) bool {
	return r.Glass && r.State == approval.Open && !r.Closed(now) && r.Asker != p.ID && approval.May(p, staff.AskAccess, s) && !approval.InOffice(p, s)
}

// join opens a window with who has asked for it.
func (s *Server) join(v *visit) error {
	return v.changedRequest(func(ctx context.Context, tx *db.Tx, in signin.Session, service, request string) error {
		if err := in.IsFresh(tx.Now()); err != nil {
			return err
		}
		_, _, err := s.desk().Join(ctx, tx, in.Person, service, request)
		return err
	})
}

// reviewsPage is what reviews.html shows.
type reviewsPage struct {
	Waits []broken // what is due first first
	All   []broken
	pager
	Hours int
	By    narrowing
}

// reviewFields are the fields of the filter, as they stand in an address.
var reviewFields = []string{"service", "finding"}

// findings are what a window may have been found to be.
var findings = []approval.Finding{approval.Rightful, approval.Wrongful}

func (s *Server) reviews(v *visit) error {
	page := reviewsPage{Hours: int(approval.ReviewIn / time.Hour)}
	err := v.view(func(ctx context.Context, tx *db.Tx) error {
		services, err := catalog.List(ctx, tx)
		if err != nil {
			return err
		}
		mine := mayIn(v.in.Person, staff.ReviewAccess, services)
		by, filter, err := v.narrowing(ctx, tx, listReviews, mine, pick{"finding", "console.review.finding", "finding", texts(findings...)})
		if err != nil {
			return err
		}
		page.By, mine = by, only(mine, filter.Get("service"))
		finding := approval.Finding(filter.Get("finding"))
		if v.from().String() == "" && finding == "" {
			waits, err := approval.ToReview(ctx, tx, mine, perPage)
			if err == nil {
				page.Waits, err = v.broken(ctx, tx, waits)
			}
			if err != nil {
				return err
			}
		}
		all, next, err := approval.Broken(ctx, tx, mine, finding, v.from(), perPage)
		if err != nil {
			return err
		}
		page.pager = v.pager(v.from().String(), next.String())
		page.All, err = v.broken(ctx, tx, all)
		return err
	})
	if err != nil {
		return err
	}
	return v.show(http.StatusOK, "reviews", page)
}

// reviewPage is what review.html shows: what the office needs to say whether it was right.
type reviewPage struct {
	approval.Glass
	Path     string
	Late     bool
	Who      staff.Person // who had asked
	With     staff.Person // who has joined
	By       staff.Person // who has reviewed it
	Request  approval.Request
	Gone     bool // with its child
	Ref      string
	Subject  string
	Label    string
	Asked    []named
	Note     string
	Words    string // of the review
	Mine     bool   // who reads was one of the two
	Fresh    bool
	Findings []approval.Finding
	Finds    approval.Finding // that were typed, as the next
	Typed    string
	Field    string
	Problem  string
}

func (s *Server) showReview(v *visit) error { return v.reviewPage(nil) }

// broke returns a window of a service in which the person reviews. Of others nobody learns
// that there are any.
func (v *visit) broke(ctx context.Context, tx *db.Tx, in signin.Session) (approval.Glass, error) {
	service, err := catalog.Find(ctx, tx, v.r.PathValue("service"))
	if err == nil && !approval.May(in.Person, staff.ReviewAccess, service) {
		v.notTheirs()
		err = catalog.ErrNotFound
	}
	if errs.Of(err).Is(catalog.ErrNotFound) {
		err = approval.ErrNotFound
	}
	if err != nil {
		return approval.Glass{}, err
	}
	return approval.FindGlass(ctx, tx, service.Name, v.r.PathValue("request"))
}

func (v *visit) reviewPage(problem error) error {
	words, status, fault := v.problem(problem)
	if fault != nil {
		return fault
	}
	page := reviewPage{Problem: words, Fresh: v.in.IsFresh(v.now) == nil, Findings: findings}
	if problem != nil {
		page.Field, page.Finds, page.Typed = errs.Of(problem).Field, approval.Finding(v.r.PostFormValue("finding")), v.r.PostFormValue("words")
	}
	err := v.view(func(ctx context.Context, tx *db.Tx) error {
		g, err := v.broke(ctx, tx, v.in)
		if err != nil {
			return err
		}
		page.Glass, page.Path, page.Late = g, reviewPath(g), g.Late(tx.Now())
		page.Mine = slices.Contains([]string{g.Asker, g.Second}, v.in.Person.ID)
		for who, into := range map[string]*staff.Person{g.Asker: &page.Who, g.Second: &page.With} {
			if *into, err = person(ctx, tx, who); err != nil {
				return err
			}
		}
		if g.Reviewer != "" {
			if page.By, err = person(ctx, tx, g.Reviewer); err != nil {
				return err
			}
		}
		page.Request, err = approval.Find(ctx, tx, g.Service, g.Request)
		if errs.Of(err).Is(approval.ErrNotFound) {
			page.Gone = true
			return nil
		}
		if err != nil {
			return err
		}
		return page.about(ctx, tx, v)
	})
	if err != nil {
		return err
	}
	return v.show(status, "review", page)
}

// about tells of what was asked, while the child is here.
func (p *reviewPage) about(ctx context.Context, tx *db.Tx, v *visit) error {
	c, err := family.Find(ctx, tx, p.Request.Service, p.Request.Child)
	if err != nil {
		return err
	}
	ref, err := c.Ref(v.s.Ring)
	if err != nil {
		return err
	}
	note, _, err := p.Request.Text(v.s.Ring, c)
	if err != nil {
		return err
	}
	words, err := p.Request.ReviewText(v.s.Ring, c)
	if err != nil {
		return err
	}
	p.Ref, p.Subject, p.Note, p.Words = ref.Reveal(), c.Subject, note.Reveal(), words.Reveal()
	p.Label, p.Asked, _, err = v.words(ctx, tx, p.Request)
	return err
}

// review keeps what the office says of a window.
func (s *Server) review(v *visit) error {
	var done approval.Glass
	err := v.actFreshly(func(ctx context.Context, tx *db.Tx, in signin.Session) error {
		g, err := v.broke(ctx, tx, in)
		if err != nil {
			return err
		}
		done, _, err = s.desk().Review(ctx, tx, in.Person, g.Service, g.Request, approval.Review{
			Finding: approval.Finding(v.r.PostFormValue("finding")), Text: pii.New(v.r.PostFormValue("words"))})
		return err
	})
	if errs.Of(err).Is(approval.ErrNotFound) {
		return err
	}
	if err != nil {
		return v.reviewPage(err)
	}
	return v.to(reviewPath(done))
}
