package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"wardkeep/internal/account"
	"wardkeep/internal/app"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/base/workday"
	"wardkeep/internal/takedown"
)

// harmful has an app report content that is published.
func harmful(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, args, 3, "harmful CONFIG REF VAR")
	ctx := context.Background()
	c, err := app.LoadConfig(ts.MkAbs(args[0]))
	ts.Check(err)
	c.DataDir, c.KeyFile = ts.MkAbs(c.DataDir), ts.MkAbs(c.KeyFile)
	a, err := app.Open(ctx, c, slog.New(slog.DiscardHandler))
	ts.Check(err)
	defer a.Close()
	ts.Check(a.Store.Update(ctx, func(tx *db.Tx) error {
		backend, _, _, err := account.IssueApp(ctx, tx, operator, "xiaoxi-english", "backend", account.AllScopes(), time.Time{})
		if err != nil {
			return err
		}
		one, _, err := takedown.Report(ctx, tx, a.Ring, workday.Default(), backend, pii.New(args[1]), takedown.User, takedown.Picture)
		ts.Setenv(args[2], one.ID)
		return err
	}))
}
