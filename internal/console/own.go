package console

import (
	"context"
	"net/http"
	"path"
	"strings"
	"time"

	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/visitor"
	"wardkeep/internal/catalog"
	"wardkeep/internal/signin"
	"wardkeep/internal/staff"
)

// homePage is what home.html shows.
type homePage struct {
	Roles     []staff.Grant
	Can       []can
	Suspended bool // see route.shut
	Review    bool // something that two have opened waits for the person's review
	Join      bool // somebody waits for a second person
}

// A can is something that the person may do, where, and at which page.
type can struct {
	Action   staff.Action
	Services []string // none: every service
	To       string
}

// pageOf returns the page at which something is done or looked at: the first that the table
// has for it, or else the nearest above where it is done.
func pageOf(action staff.Action) (to string) {
	for _, r := range table() {
		if r.action != action {
			continue
		}
		method, at, _ := strings.Cut(r.pattern, " ")
		at, within, _ := strings.Cut(at, "/{")
		if method == http.MethodGet && within == "" {
			return at
		}
		for to == "" && !hasPage(at) {
			at = path.Dir(at)
		}
		if to == "" {
			to = at
		}
	}
	return to
}

func (s *Server) home(v *visit) error {
	page := homePage{Roles: v.in.Person.Grants, Suspended: v.held}
	if v.held {
		return v.show(http.StatusOK, "home", page)
	}
	err := v.view(func(ctx context.Context, tx *db.Tx) error {
		all, err := catalog.List(ctx, tx)
		for _, r := range staff.Matrix {
			if !v.in.Person.MaySomewhere(r.Action) || r.Action == staff.ManageSystem && !v.in.Person.MayEverywhere(r.Action, all) {
				continue
			}
			c := can{Action: r.Action, To: pageOf(r.Action)}
			if !v.in.Person.May(r.Action, "") {
				c.Services = v.in.Person.Where(r.Action, all)
			}
			page.Can = append(page.Can, c)
		}
		if err != nil {
			return err
		}
		reviews, err := approval.ToReview(ctx, tx, mayIn(v.in.Person, staff.ReviewAccess, all), 1)
		if err != nil {
			return err
		}
		joins, _ := joinsIn(v.in.Person, all)
		waits, _, err := approval.ToJoin(ctx, tx, joins, v.in.Person.ID, approval.Wanted{}, db.Cursor{}, 1)
		page.Review, page.Join = len(reviews) > 0, len(waits) > 0
		return err
	})
	if err != nil {
		return err
	}
	return v.show(http.StatusOK, "home", page)
}

// accountPage is what account.html shows.
type accountPage struct {
	Me staff.Person
	signin.Own
	Here     string // the session
	Site     bool   // passkeys can be used here
	Provider bool   // the person comes in by the operator's, and by nothing else
	Files    bool   // the person may ask for some
	Key      fileKey
	Reach    reach
	Typed    string
	Wait     int // hours until a new key is good
	Fresh    bool
	Problem  string
	Done     string // a key: what has just been done
}

func (s *Server) account(v *visit) error { return v.accountPage(nil) }

func (v *visit) accountPage(problem error) error {
	words, status, fault := v.problem(problem)
	if fault != nil {
		return fault
	}
	page := accountPage{Me: v.in.Person, Site: v.s.door.Site != nil, Provider: v.in.Way == signin.ByProvider, Here: v.in.ID, Fresh: v.in.IsFresh(v.now) == nil, Problem: words}
	page.Files, page.Wait, page.Typed = v.in.Person.MaySomewhere(staff.AskAccess), int(staff.CoolingOff/time.Hour), v.r.PostFormValue("recipient")
	for _, done := range []string{"ended", "added", "removed", "keyed", "unkeyed", "reached", "unreached"} {
		if v.r.URL.Query().Has(done) {
			page.Done = done
		}
	}
	err := v.view(func(ctx context.Context, tx *db.Tx) (err error) {
		if page.Own, err = v.s.door.Own(ctx, tx, v.in); err != nil {
			return err
		}
		if page.Key, err = v.fileKey(ctx, tx); err != nil {
			return err
		}
		page.Reach, err = v.reach(ctx, tx)
		return err
	})
	if err != nil {
		return err
	}
	if page.Site && page.Fresh && !page.Own.Full && !page.Provider {
		visitor.Script(v.w)
	}
	return v.show(status, "account", page)
}

func (s *Server) endSession(v *visit) error {
	err := v.act(func(ctx context.Context, tx *db.Tx, in signin.Session) error {
		return signin.End(ctx, tx, in, v.r.PostFormValue("session"))
	})
	return v.accountDone("ended", err)
}

// accountDone leads back to the page, or says there what went wrong.
func (v *visit) accountDone(done string, err error) error {
	if err != nil {
		return v.accountPage(err)
	}
	return v.to("/console/account", done, "")
}

// renew leads to where password, authenticator and list are changed.
func (s *Server) renew(v *visit) error {
	var link string
	err := v.act(func(ctx context.Context, tx *db.Tx, in signin.Session) (err error) {
		link, err = s.door.Renew(ctx, tx, in)
		return err
	})
	if err != nil {
		return v.accountDone("", err)
	}
	return v.to("/console/setup/" + link)
}

func (s *Server) offerPasskey(v *visit) error {
	var options []byte
	var kept string
	err := v.view(func(ctx context.Context, tx *db.Tx) (err error) {
		options, kept, err = s.door.Offer(ctx, tx, v.in)
		return err
	})
	if err != nil {
		return err
	}
	return s.site.Ask(v.w, options, kept)
}

func (s *Server) addPasskey(v *visit) error {
	err := v.act(func(ctx context.Context, tx *db.Tx, in signin.Session) error {
		return s.site.Add(ctx, tx, v.r, in)
	})
	if err == nil {
		s.site.Added(v.w)
	}
	return v.accountDone("added", err)
}

func (s *Server) removePasskey(v *visit) error {
	err := v.act(func(ctx context.Context, tx *db.Tx, in signin.Session) error {
		return s.door.RemovePasskey(ctx, tx, in, v.r.PostFormValue("passkey"))
	})
	return v.accountDone("removed", err)
}
