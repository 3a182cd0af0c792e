package main

import (
	"context"
	"fmt"
	"os"

	"wardkeep/internal/app"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/ledger"
)

// errNotEmpty refuses to export among other files.
var errNotEmpty = errs.New(errs.Conflict, "cmd.ledger_dir")

type ledgerCmd struct {
	Export ledgerExportCmd `cmd:"" help:"${ledger_export}"`
	Key    ledgerKeyCmd    `cmd:"" help:"${ledger_key}"`
}

type ledgerExportCmd struct {
	Dir string `arg:"" help:"${ledger_export_dir}"`
}

// Run writes a copy of the ledger that anyone can verify without this server.
func (c ledgerExportCmd) Run(ctx context.Context, s *session) error {
	if files, _ := os.ReadDir(c.Dir); len(files) > 0 { // why it can't be read, the export says
		return fmt.Errorf("%w: %s", errNotEmpty, c.Dir)
	}
	return s.on(ctx, func(a *app.App) error {
		a.Settle(ctx, settle)
		if err := ledger.Export(ctx, a.Store, c.Dir); err != nil {
			return err
		}
		s.say("cmd.ledger.exported", "Dir", c.Dir)
		s.say("cmd.ledger.verify", "Dir", c.Dir, "Key", a.LedgerKey)
		return nil
	})
}

type ledgerKeyCmd struct{}

// Run prints the public key that verifies the ledger, alone.
func (ledgerKeyCmd) Run(ctx context.Context, s *session) error {
	return s.on(ctx, func(a *app.App) error {
		s.print(a.LedgerKey)
		return nil
	})
}
