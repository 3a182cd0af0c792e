package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"wardkeep/internal/app"
	"wardkeep/internal/backup"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/staff"
)

// What is missing for a command about keys.
var (
	errNoKeyFile = errs.New(errs.Invalid, "cmd.no_key_file")  // neither named nor configured
	errKeyTarget = errs.New(errs.Invalid, "cmd.rekey_target") // name one of --to and --to-config
)

type keysCmd struct {
	Create  keysCreateCmd  `cmd:"" help:"${keys_create}"`
	Backup  keysBackupCmd  `cmd:"" help:"${keys_backup}"`
	Restore keysRestoreCmd `cmd:"" help:"${keys_restore}"`
	Rotate  keysRotateCmd  `cmd:"" help:"${keys_rotate}"`
	Rekey   keysRekeyCmd   `cmd:"" help:"${keys_rekey}"`
	List    keysListCmd    `cmd:"" help:"${keys_list}"`
}

type keysCreateCmd struct {
	File string `arg:"" help:"${keys_file}"`
}

// Run makes a key file, for its owner alone, outside the data directory.
func (c keysCreateCmd) Run(s *session) error {
	settings, err := s.load()
	if err != nil {
		return err
	}
	if err := keyring.CreateKeyFile(c.File, settings.DataDir); err != nil {
		return err
	}
	s.say("cmd.keys.created", "File", c.File)
	s.say("cmd.keys.warning", "File", c.File)
	return nil
}

type keysBackupCmd struct {
	File           string   `arg:"" optional:"" help:"${keys_backup_file}"`
	To             string   `required:"" placeholder:"FILE" help:"${keys_backup_to}"`
	Recipient      []string `placeholder:"age1…" xor:"lock" help:"${keys_recipient}"`
	PassphraseFile string   `placeholder:"FILE" xor:"lock" help:"${keys_passphrase}"`
}

// Run writes an encrypted copy of the key file, to be kept somewhere else.
func (c keysBackupCmd) Run(ctx context.Context, s *session) error {
	file, err := s.keyFile(c.File)
	if err != nil {
		return err
	}
	lock, err := c.lock()
	if err != nil {
		return err
	}
	if err := keyring.BackupKeyFile(file, c.To, lock); err != nil {
		return err
	}
	s.say("cmd.keys.backed_up", "File", file, "To", c.To)
	s.say("cmd.keys.warning", "File", file)
	// The copy is there, whatever comes of this: where it isn't noted, the reminder stays.
	if err := s.noteCopy(ctx, file); err != nil {
		s.note("cmd.keys.not_noted")
	}
	return nil
}

// errOtherKey says that a key file isn't the one by which the keys of the store are wrapped.
var errOtherKey = errors.New("the store's keys are wrapped by another key")

// noteCopy notes in the store that the key file was copied by which its keys are wrapped.
func (s *session) noteCopy(ctx context.Context, file string) error {
	kek, err := keyring.OpenKeyFile(file)
	if err != nil {
		return err
	}
	return s.on(ctx, func(a *app.App) error {
		if kek.Name() != a.KEK.Name() {
			return errOtherKey
		}
		return a.Store.Update(ctx, func(tx *db.Tx) error {
			if err := backup.CopiedKey(ctx, tx, kek.Name()); err != nil {
				return err
			}
			return staff.AtTerminal(ctx, tx, operator, staff.CopiedKeys)
		})
	})
}

func (c keysBackupCmd) lock() (keyring.Lock, error) {
	if c.PassphraseFile == "" {
		return keyring.ForRecipients(c.Recipient...)
	}
	passphrase, err := secretFile(c.PassphraseFile)
	if err != nil {
		return keyring.Lock{}, err
	}
	return keyring.WithPassphrase(passphrase)
}

// keyFile returns the named key file, or the configured one.
func (s *session) keyFile(named string) (string, error) {
	if named != "" {
		return named, nil
	}
	settings, err := s.load()
	if err == nil && settings.KeyFile == "" {
		err = errNoKeyFile
	}
	return settings.KeyFile, err
}

type keysRestoreCmd struct {
	Backup         string `arg:"" help:"${keys_restore_backup}"`
	To             string `placeholder:"FILE" help:"${keys_restore_to}"`
	Identity       string `placeholder:"FILE" xor:"unlock" help:"${keys_identity}"`
	PassphraseFile string `placeholder:"FILE" xor:"unlock" help:"${keys_passphrase}"`
}

// Run writes the key file in a backup to where there is none.
func (c keysRestoreCmd) Run(s *session) error {
	settings, err := s.load()
	if err != nil {
		return err
	}
	to, err := s.keyFile(c.To)
	if err != nil {
		return err
	}
	unlock, err := c.unlock()
	if err != nil {
		return err
	}
	if err := keyring.RestoreKeyFile(c.Backup, to, settings.DataDir, unlock); err != nil {
		return err
	}
	s.say("cmd.keys.restored", "File", to)
	return nil
}

func (c keysRestoreCmd) unlock() (keyring.Unlock, error) {
	if c.Identity == "" {
		passphrase, err := secretFile(c.PassphraseFile)
		if err != nil {
			return keyring.Unlock{}, err
		}
		return keyring.ByPassphrase(passphrase)
	}
	f, err := os.Open(c.Identity)
	if err != nil {
		return keyring.Unlock{}, fmt.Errorf("%w: %w", errSecret, err)
	}
	defer f.Close()
	return keyring.ByIdentities(f)
}

type keysRotateCmd struct{}

// Run makes a new pool key and moves every child's key to it while servers run.
// If it is interrupted, running it again is enough.
func (keysRotateCmd) Run(ctx context.Context, s *session) error {
	return s.on(ctx, func(a *app.App) error {
		total, err := wrapped(ctx, a)
		if err != nil {
			return err
		}
		// Before it is done, as in the console: if we crash in between, it is rotated again by
		// whoever sees that it wasn't.
		err = a.Store.Update(ctx, func(tx *db.Tx) error { return staff.AtTerminal(ctx, tx, operator, staff.RotatedKeys) })
		if err != nil {
			return err
		}
		s.note("cmd.keys.rotating")
		bar := s.progress("cmd.progress.keys", int(total))
		defer bar.end()
		moved := 0
		left, err := a.Rotate(ctx, func(n int) { moved += n; bar.add(n) })
		if err != nil {
			return err
		}
		s.say("cmd.keys.rotated", "Key", a.Ring.CurrentPool(), "Count", moved)
		if left > 0 {
			s.say("cmd.keys.left", "Count", left)
		}
		return nil
	})
}

// wrapped counts the children who have a key.
func wrapped(ctx context.Context, a *app.App) (n int64, err error) {
	keys, err := a.Keys(ctx)
	for _, k := range keys {
		n += k.Children
	}
	return n, err
}

type keysRekeyCmd struct {
	To       string `placeholder:"FILE" xor:"to" help:"${keys_rekey_to}"`
	ToConfig string `placeholder:"FILE" xor:"to" help:"${keys_rekey_config}"`
}

// Run wraps the stored keys under another key-encryption key. It is all or
// nothing; the configuration has to follow.
func (c keysRekeyCmd) Run(ctx context.Context, s *session) error {
	to, name, err := c.target()
	if err != nil {
		return err
	}
	return s.on(ctx, func(a *app.App) error {
		if err := a.Rekey(ctx, operator, to); err != nil {
			return err
		}
		s.say("cmd.keys.rekeyed", "From", a.KEK.Name(), "To", to.Name())
		s.say("cmd.keys.follow", "File", name)
		s.say("cmd.keys.restart")
		return nil
	})
}

func (c keysRekeyCmd) target() (keyring.KEK, string, error) {
	if c.To != "" {
		kek, err := keyring.OpenKeyFile(c.To)
		return kek, c.To, err
	}
	if c.ToConfig == "" {
		return nil, "", errKeyTarget
	}
	other, err := app.LoadConfig(c.ToConfig)
	if err != nil {
		return nil, "", err
	}
	if other.Transit != nil {
		kek, err := keyring.OpenTransit(*other.Transit)
		return kek, c.ToConfig, err
	}
	kek, err := keyring.OpenKeyFile(other.KeyFile)
	return kek, other.KeyFile, err
}

type keysListCmd struct{}

// Run prints what may be told of the stored keys.
func (keysListCmd) Run(ctx context.Context, s *session) error {
	return s.on(ctx, func(a *app.App) error {
		keys, err := a.Keys(ctx)
		for _, k := range keys {
			s.say("cmd.keys.line", "ID", k.ID, "Purpose", s.lang.T("cmd.keys.purpose."+k.Purpose), "Suite", k.Suite,
				"State", s.lang.T("cmd.keys.state."+k.State), "KEK", k.KEK, "Since", k.CreatedAt.Format(time.DateOnly))
			if k.Purpose == keyring.PurposePool {
				s.say("cmd.keys.wraps", "Count", k.Children)
			}
		}
		return err
	})
}
