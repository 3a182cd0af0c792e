package desk

import (
	"context"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/visitor"
	"wardkeep/internal/signin"
)

// accountPage is what account.html shows.
type accountPage struct {
	Name string
	signin.Own
	Here    string // the session
	Site    bool   // passkeys can be used here
	Fresh   bool
	Problem string
	Done    string // a key: what has just been done
}

func (s *Server) account(v *visit) error { return v.accountPage(nil) }

func (v *visit) accountPage(problem error) error {
	words, _, status, fault := v.problem(problem)
	if fault != nil {
		return fault
	}
	page := accountPage{Name: v.in.Person.Name, Site: v.s.door.Site != nil, Here: v.in.ID, Fresh: v.in.IsFresh(v.now) == nil, Problem: words}
	for _, done := range []string{"ended", "added", "removed"} {
		if v.r.URL.Query().Has(done) {
			page.Done = done
		}
	}
	err := v.view(func(ctx context.Context, tx *db.Tx) (err error) {
		page.Own, err = v.s.door.Own(ctx, tx, v.in)
		return err
	})
	if err != nil {
		return err
	}
	if page.Site && page.Fresh && !page.Own.Full {
		visitor.Script(v.w)
	}
	return v.show(status, "account", page)
}

// accountDone leads back to the page, or says there what went wrong.
func (v *visit) accountDone(done string, err error) error {
	if err != nil {
		return v.accountPage(err)
	}
	return v.to("/party/account", done, "")
}

func (s *Server) endSession(v *visit) error {
	err := v.act(func(ctx context.Context, tx *db.Tx) error {
		return signin.End(ctx, tx, v.in, v.r.PostFormValue("session"))
	})
	return v.accountDone("ended", err)
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
	err := v.act(func(ctx context.Context, tx *db.Tx) error {
		return s.site.Add(ctx, tx, v.r, v.in)
	})
	if err == nil {
		s.site.Added(v.w)
	}
	return v.accountDone("added", err)
}

func (s *Server) removePasskey(v *visit) error {
	err := v.act(func(ctx context.Context, tx *db.Tx) error {
		return s.door.RemovePasskey(ctx, tx, v.in, v.r.PostFormValue("passkey"))
	})
	return v.accountDone("removed", err)
}
