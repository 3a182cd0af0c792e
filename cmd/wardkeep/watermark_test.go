package main

import (
	"context"
	"log/slog"
	"os"

	"github.com/rogpeppe/go-internal/testscript"

	"wardkeep/internal/app"
	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/base/workday"
	"wardkeep/internal/family"
	"wardkeep/internal/rights"
	"wardkeep/internal/staff"
	"wardkeep/internal/watermark"
)

// seen draws what a worker would be shown of a child once a manager has agreed, and keeps
// the id of the request.
func seen(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, args, 4, "seen CONFIG CHILD FILE VAR")
	const service = "xiaoxi-english"
	ctx := context.Background()
	back := ts.MkAbs(".")
	c, err := app.LoadConfig(ts.MkAbs(args[0]))
	ts.Check(err)
	c.DataDir, c.KeyFile = ts.MkAbs(c.DataDir), ts.MkAbs(c.KeyFile)
	a, err := app.Open(ctx, c, slog.New(slog.DiscardHandler))
	ts.Check(err)
	defer a.Close()
	desk := approval.Desk{Ring: a.Ring, Charters: a.Charters}
	var worker, manager staff.Person
	var r approval.Request
	for _, step := range []func(tx *db.Tx) error{
		func(tx *db.Tx) (err error) {
			worker, err = staff.Add(ctx, tx, operator, "李雷", staff.Grant{Role: staff.Worker, Service: service})
			return err
		},
		func(tx *db.Tx) (err error) {
			manager, err = staff.Add(ctx, tx, operator, "韩梅梅", staff.Grant{Role: staff.Manager, Service: service})
			return err
		},
		func(tx *db.Tx) error {
			child, err := family.Find(ctx, tx, service, family.ID(args[1]))
			if err == nil {
				r, _, err = desk.Ask(ctx, tx, worker, child, approval.Asking{Purpose: "course-progress", Items: []string{"nickname"}, Reason: approval.ForSupport, Text: pii.New("x")})
			}
			return err
		},
		func(tx *db.Tx) (err error) {
			r, _, err = desk.Decide(ctx, tx, manager, service, r.ID, approval.Decision{Verdict: approval.Granted, Reason: approval.Needed})
			return err
		},
	} {
		ts.Check(a.Store.Update(ctx, step))
	}
	picture, err := watermark.Draw(watermark.Card{Label: "nickname", Value: pii.New("Ami"), Visible: "李雷", Mark: watermark.New(a.Ring, r.Number, 1)})
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), picture, 0o600))
	ts.Setenv(args[3], r.ID)
	ts.Check(ts.Chdir(back))
}

// worded keeps a picture of what was written with a demand, as somebody in office and then a
// worker had it shown.
func worded(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, args, 4, "worded CONFIG CHILD FILE VAR")
	const service = "xiaoxi-english"
	ctx := context.Background()
	back := ts.MkAbs(".")
	c, err := app.LoadConfig(ts.MkAbs(args[0]))
	ts.Check(err)
	c.DataDir, c.KeyFile = ts.MkAbs(c.DataDir), ts.MkAbs(c.KeyFile)
	a, err := app.Open(ctx, c, slog.New(slog.DiscardHandler))
	ts.Check(err)
	defer a.Close()
	desk := rights.Desk{Ring: a.Ring, Charters: a.Charters, Calendar: workday.Default()}
	var r rights.Request
	ts.Check(a.Store.Update(ctx, func(tx *db.Tx) error {
		child, err := family.Find(ctx, tx, service, family.ID(args[1]))
		if err != nil {
			return err
		}
		worker, err := staff.Add(ctx, tx, operator, "王芳", staff.Grant{Role: staff.Worker, Service: service})
		if err != nil {
			return err
		}
		inOffice, _, err := rights.Handlers(ctx, tx, service)
		if err != nil {
			return err
		}
		r, _, err = desk.Receive(ctx, tx, inOffice[0], child, rights.Demand{Kind: rights.Supplement, Door: rights.ByChild, Item: "nickname", Text: pii.New("Amilia")})
		for _, by := range []rights.Handler{inOffice[0], staff.Acting{Person: worker, Action: staff.HandleDemands}} {
			if err == nil {
				_, _, err = desk.Show(ctx, tx, by, r)
			}
		}
		return err
	}))
	picture, err := watermark.Draw(watermark.Card{Label: "nickname", Value: pii.New("Amilia"), Visible: "王芳", Mark: watermark.New(a.Ring, r.Number, 2)})
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), picture, 0o600))
	ts.Setenv(args[3], r.ID)
	ts.Check(ts.Chdir(back))
}

// marked draws a page as who first looked at a document has it.
func marked(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, args, 3, "marked CONFIG DOCUMENT FILE")
	back := ts.MkAbs(".")
	c, err := app.LoadConfig(ts.MkAbs(args[0]))
	ts.Check(err)
	c.DataDir, c.KeyFile = ts.MkAbs(c.DataDir), ts.MkAbs(c.KeyFile)
	a, err := app.Open(context.Background(), c, slog.New(slog.DiscardHandler))
	ts.Check(err)
	defer a.Close()
	picture, err := watermark.Draw(watermark.Card{Label: "page", Value: pii.New("1"), Visible: "王芳", Mark: watermark.New(a.Ring, id.NumberOf(args[1]), 1)})
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), picture, 0o600))
	ts.Check(ts.Chdir(back))
}
