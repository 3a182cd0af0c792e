package desk

import (
	"context"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/visitor"
	"wardkeep/internal/signin"
)

// accountPage is what account.html shows.
type accountPage struct {
	Name     string
	Sessions []ownSession
	Passkeys []ownPasskey
	Site     bool // passkeys can be used here
	Full     bool
	Recovery int64 // codes that are left
	Fresh    bool
	Problem  string
	Done     string // a key: what has just been done
}

type ownSession struct {
	ID            string
	Way           signin.Way
	Created, Seen time.Time
	Here          bool
}

type ownPasskey struct {
	ID     string
	Number int64
	Added  time.Time
}

func (s *Server) account(v *visit) error { return v.accountPage(nil) }

func (v *visit) accountPage(problem error) error {
	words, _, status, fault := v.problem(problem)
	if fault != nil {
		return fault
	}
	page := accountPage{Name: v.in.Person.Name, Site: v.s.door.Site != nil, Fresh: v.in.IsFresh(v.now) == nil, Problem: words}
	for _, done := range []string{"ended", "added", "removed"} {
		if v.r.URL.Query().Has(done) {
			page.Done = done
		}
	}
	err := v.view(func(ctx context.Context, tx *db.Tx) error {
		all, err := signin.Sessions(ctx, tx, v.in)
		if err != nil {
			return err
		}
		page.Sessions, page.Passkeys = nil, nil
		for _, one := range all {
			page.Sessions = append(page.Sessions, ownSession{one.ID, one.Way, one.CreatedAt, one.SeenAt, one.ID == v.in.ID})
		}
		keys, err := v.s.door.Passkeys(ctx, tx, v.in)
		if err != nil {
			return err
		}
		for _, k := range keys {
			page.Passkeys = append(page.Passkeys, ownPasskey{k.ID, k.Number, k.AddedAt})
		}
		page.Full = len(keys) >= signin.MaxPasskeys
		page.Recovery, err = signin.RecoveryLeft(ctx, tx, v.in)
		return err
	})
	if err != nil {
		return err
	}
	if page.Site && page.Fresh && !page.Full {
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
