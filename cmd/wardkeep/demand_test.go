package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"wardkeep/internal/account"
	"wardkeep/internal/app"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/gate"
)

// agreed registers a child of which a nickname is held, as the API would, and keeps
// the ids of the child and of its guardian, who has agreed to everything.
func agreed(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, args, 3, "agreed CONFIG CHILD GUARDIAN")
	ctx := context.Background()
	back := ts.MkAbs(".")
	c, err := app.LoadConfig(ts.MkAbs(args[0]))
	ts.Check(err)
	c.DataDir, c.KeyFile = ts.MkAbs(c.DataDir), ts.MkAbs(c.KeyFile)
	a, err := app.Open(ctx, c, slog.New(slog.DiscardHandler))
	ts.Check(err)
	defer a.Close()
	const service = "xiaoxi-english"
	var backend account.App
	var child family.Child
	for _, step := range []func(tx *db.Tx) error{
		func(tx *db.Tx) (err error) {
			backend, _, _, err = account.IssueApp(ctx, tx, operator, service, "backend", account.AllScopes(), time.Time{})
			return err
		},
		func(tx *db.Tx) (err error) {
			var g family.Guardian
			child, g, _, err = a.Vault.Gate.Register(ctx, tx, backend, family.Enrolment{Service: service, Ref: pii.New(id.Secret(16)),
				Guardian: family.Person{Phone: pii.New("13800138000"), Relation: family.Parent}})
			ts.Setenv(args[1], string(child.ID))
			ts.Setenv(args[2], string(g.ID))
			return err
		},
		func(tx *db.Tx) error {
			asks := consent.Desk{Ring: a.Ring, Charters: a.Charters}
			r, _, _, err := asks.Ask(ctx, tx, backend, child, consent.Asking{Channel: consent.Link, Locale: "en"})
			if err != nil {
				return err
			}
			_, _, err = asks.Force(ctx, tx, backend, r, consent.ForceGranted)
			return err
		},
		func(tx *db.Tx) error {
			_, err := a.Vault.Put(ctx, tx, gate.ByApp(backend), service, child.ID, "course-progress", map[string]pii.Text{"nickname": pii.New("Ami")})
			return err
		},
	} {
		ts.Check(a.Store.Update(ctx, step))
	}
	ts.Check(ts.Chdir(back))
}
