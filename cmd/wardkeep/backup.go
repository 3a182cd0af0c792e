package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"wardkeep/internal/app"
	"wardkeep/internal/backup"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/catalog"
)

// errBackupDir says that there is no folder to look in.
var errBackupDir = errs.New(errs.NotFound, "cmd.backup_dir")

// errMadeAt refuses what is no time.
var errMadeAt = errs.New(errs.Invalid, "cmd.backup_made")

type backupCmd struct {
	Make  backupMakeCmd  `cmd:"" default:"withargs" help:"${backup_make}"`
	List  backupListCmd  `cmd:"" help:"${backup_list}"`
	Note  backupNoteCmd  `cmd:"" help:"${backup_note}"`
	Gone  backupGoneCmd  `cmd:"" help:"${backup_gone}"`
	Prune backupPruneCmd `cmd:"" help:"${backup_prune}"`
}

// locking says who can open what is written.
type locking struct {
	Recipient      []string `placeholder:"age1…" xor:"lock" help:"${keys_recipient}"`
	PassphraseFile string   `placeholder:"FILE" xor:"lock" help:"${keys_passphrase}"`
}

type backupMakeCmd struct {
	To      string `required:"" placeholder:"FILE|DIR" help:"${backup_to}"`
	locking `embed:""`
}

// Run writes an encrypted copy of the store beside a running server, and has it
// watched. The name alone on the last line is what the backup is called.
func (c backupMakeCmd) Run(ctx context.Context, s *session) error {
	lock, err := keysBackupCmd{Recipient: c.Recipient, PassphraseFile: c.PassphraseFile}.lock()
	if err != nil {
		return err
	}
	return s.on(ctx, func(a *app.App) error {
		a.Settle(ctx, settle) // so that as little as can be waits for its place
		b, file, err := a.Backup(ctx, c.To, lock)
		if err != nil {
			return err
		}
		s.say("cmd.backup.made", "File", file, "Size", b.Size, "Until", b.Until.Format(time.DateOnly))
		s.note("cmd.backup.apart")
		s.print(b.ID)
		return nil
	})
}

type backupListCmd struct{}

// Run prints the copies that there are, and which of them should be gone.
func (backupListCmd) Run(ctx context.Context, s *session) error {
	return s.on(ctx, func(a *app.App) error {
		var all []backup.Backup
		err := a.Store.View(ctx, func(tx *db.Tx) (err error) {
			all, err = backup.List(ctx, tx)
			return err
		})
		now := a.Store.Now()
		for _, b := range all {
			state := "cmd.backup.kept"
			switch {
			case !b.GoneAt.IsZero():
				state = "cmd.backup.is_gone"
			case b.Late(now):
				state = "cmd.backup.late"
			}
			s.say("cmd.backup.line", "ID", b.ID, "Made", b.MadeAt.Format(time.RFC3339), "Until", b.Until.Format(time.DateOnly), "State", s.lang.T(state))
		}
		return err
	})
}

type backupNoteCmd struct {
	Made string `placeholder:"TIME" help:"${backup_made}"`
}

// Run has a backup watched that other tools have made, and prints its name.
func (c backupNoteCmd) Run(ctx context.Context, s *session) error {
	return s.on(ctx, func(a *app.App) error {
		made := a.Store.Now()
		if c.Made != "" {
			var err error
			if made, err = time.Parse(time.RFC3339, c.Made); err != nil {
				return errMadeAt
			}
		}
		var b backup.Backup
		err := a.Store.Update(ctx, func(tx *db.Tx) (err error) {
			b, err = backup.Record(ctx, tx, atTerminal, backup.New(), made, 0)
			return err
		})
		if err != nil {
			return err
		}
		s.say("cmd.backup.noted", "Until", b.Until.Format(time.DateOnly))
		s.print(b.ID)
		return nil
	})
}

// atTerminal is who says what became of a backup.
var atTerminal = catalog.Operator{ID: "cli"}

type backupGoneCmd struct {
	ID string `arg:"" help:"${backup_id}"`
}

// Run notes that a backup was destroyed.
func (c backupGoneCmd) Run(ctx context.Context, s *session) error {
	return s.on(ctx, func(a *app.App) error {
		err := a.Store.Update(ctx, func(tx *db.Tx) error { return backup.End(ctx, tx, atTerminal, c.ID, backup.Destroyed) })
		if err != nil {
			return err
		}
		s.say("cmd.backup.ended", "ID", c.ID)
		return nil
	})
}

type backupPruneCmd struct {
	Dir string `arg:"" help:"${backup_dir}"`
}

// Run deletes the files in a folder whose time is over.
func (c backupPruneCmd) Run(ctx context.Context, s *session) error {
	if _, err := os.ReadDir(c.Dir); err != nil {
		return fmt.Errorf("%w: %w", errBackupDir, err)
	}
	return s.on(ctx, func(a *app.App) error {
		gone, err := a.Prune(ctx, c.Dir)
		for _, name := range gone {
			s.say("cmd.backup.deleted", "File", name)
		}
		if err == nil {
			s.say("cmd.backup.pruned", "Count", len(gone))
		}
		return err
	})
}
