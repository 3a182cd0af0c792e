package main

import (
	"context"
	"log/slog"

	"github.com/rogpeppe/go-internal/testscript"

	"wardkeep/internal/app"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/verification"
)

// document walks a guardian to a document that waits, as the pages would.
func document(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, args, 2, "document CONFIG VAR")
	ctx := context.Background()
	back := ts.MkAbs(".")
	c, err := app.LoadConfig(ts.MkAbs(args[0]))
	ts.Check(err)
	c.DataDir, c.KeyFile = ts.MkAbs(c.DataDir), ts.MkAbs(c.KeyFile)
	a, err := app.Open(ctx, c, slog.New(slog.DiscardHandler))
	ts.Check(err)
	defer a.Close()
	asks := consent.Desk{Ring: a.Ring, Charters: a.Charters}
	var r consent.Request
	var code consent.OneTime
	var proof string
	for _, step := range []func(tx *db.Tx) error{
		func(tx *db.Tx) error {
			child, _, _, err := a.Vault.Gate.Register(ctx, tx, operator, family.Enrolment{Service: "xiaoxi-english", Ref: pii.New(id.Secret(16)),
				Guardian: family.Person{Phone: pii.New("13800138000"), Relation: family.Parent}})
			if err != nil {
				return err
			}
			r, _, _, err = asks.Ask(ctx, tx, operator, child, consent.Asking{Channel: consent.Link, Locale: "en"})
			return err
		},
		func(tx *db.Tx) (err error) {
			r, _, _, err = asks.Open(ctx, tx, r, "en", consent.OnPage)
			return err
		},
		func(tx *db.Tx) (err error) {
			code, err = asks.SendCode(ctx, tx, r)
			return err
		},
		func(tx *db.Tx) (err error) {
			r, proof, _, err = asks.VerifyCode(ctx, tx, r, code.Code)
			return err
		},
		func(tx *db.Tx) error {
			sent, err := desk(a).SendDocument(ctx, tx, r, proof, verification.Upload{Pages: []pii.Text{pii.New("%PDF-1.7 a page")}})
			ts.Setenv(args[1], sent.ID)
			return err
		},
	} {
		ts.Check(a.Store.Update(ctx, step))
	}
	ts.Check(ts.Chdir(back))
}
