package main

import (
	"context"

	"wardkeep/internal/app"
	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/catalog"
	"wardkeep/internal/family"
)

type decoyCmd struct {
	Add decoyAddCmd `cmd:"" help:"${decoy_add}"`
	End decoyEndCmd `cmd:"" help:"${decoy_end}"`
}

// A whichDecoy names a child that nobody is.
type whichDecoy struct {
	asStaff `embed:""`
	Child   string `required:"" placeholder:"ch_…" help:"${decoy_child}"`
}

func (c whichDecoy) change(ctx context.Context, s *session, said string, fn func(tx *db.Tx, a *app.App, by catalog.Officer, child family.ID) error) error {
	return s.on(ctx, func(a *app.App) error {
		err := a.Store.Update(ctx, func(tx *db.Tx) error {
			by, err := c.officer(ctx, tx)
			if err != nil {
				return err
			}
			return fn(tx, a, by, family.ID(c.Child))
		})
		if err == nil {
			s.say(said)
		}
		return err
	})
}

type decoyAddCmd struct{ whichDecoy }

// Run marks a child as a decoy.
func (c decoyAddCmd) Run(ctx context.Context, s *session) error {
	return c.change(ctx, s, "cmd.decoy.added", func(tx *db.Tx, a *app.App, by catalog.Officer, child family.ID) error {
		return approval.Decoy(ctx, tx, a.Ring, by, child)
	})
}

type decoyEndCmd struct{ whichDecoy }

// Run has a child be a decoy no more.
func (c decoyEndCmd) Run(ctx context.Context, s *session) error {
	return c.change(ctx, s, "cmd.decoy.ended", func(tx *db.Tx, a *app.App, by catalog.Officer, child family.ID) error {
		return approval.NoDecoy(ctx, tx, a.Ring, by, child)
	})
}
