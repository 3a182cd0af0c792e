package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"os"
	"slices"
	"strings"

	"wardkeep/internal/app"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/restoration"
)

// errLedgerURL refuses to send a key in clear text.
var (
	errLedgerURL = errs.New(errs.Invalid, "cmd.restore_url")
	errSince     = errs.New(errs.Invalid, "cmd.restore_since")
)

type restoreCmd struct {
	Backup         string   `arg:"" optional:"" help:"${restore_backup}"`
	Identity       string   `placeholder:"FILE" xor:"unlock" help:"${keys_identity}"`
	PassphraseFile string   `placeholder:"FILE" xor:"unlock" help:"${keys_passphrase}"`
	Ledger         string   `placeholder:"DIR|URL" help:"${restore_ledger}"`
	LedgerKeyFile  string   `placeholder:"FILE" help:"${restore_ledger_key}"`
	Checkpoint     []string `placeholder:"FILE" help:"${restore_checkpoint}"`
	Newest         bool     `help:"${restore_newest}"`
	Expired        bool     `help:"${restore_expired}"`
	Restored       bool     `name:"database-restored" help:"${restore_database}"`
}

// Run puts the store back to a backup, or takes one that other tools have put back,
// and replays what happened since: who was erased stays erased. Interrupted, it goes
// on when it is run again; nothing is served before it has ended.
func (c restoreCmd) Run(ctx context.Context, s *session) (err error) {
	settings, err := s.load()
	if err != nil {
		return err
	}
	since, err := c.since()
	if err != nil {
		return err
	}
	// Asked before the store is closed: who only tries the command has lost nothing.
	if c.Restored && c.Ledger == "" && len(c.Checkpoint) == 0 {
		return errSince
	}
	if c.Backup != "" {
		unlock, err := keysRestoreCmd{Identity: c.Identity, PassphraseFile: c.PassphraseFile}.unlock()
		if err != nil {
			return err
		}
		m, err := app.Unpack(ctx, settings, c.Backup, unlock, c.Expired)
		if err != nil {
			return err
		}
		s.say("cmd.restore.unpacked", "Made", m.CreatedAt.Format("2006-01-02 15:04:05 MST"), "Size", m.Size)
	}
	if path := settings.Embedded(); path != "" {
		if _, err := os.Stat(path); err != nil {
			return fmt.Errorf("%w: %w", app.ErrNoStore, err)
		}
	}
	a, err := app.OpenRestoring(ctx, settings, s.logger(), c.Restored)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	if c.Ledger != "" && len(c.Checkpoint) == 0 && c.Newest {
		s.note("cmd.restore.newest")
	}
	if err := a.OpenSenders(); err != nil || len(a.Messages) == 0 {
		s.note("cmd.restore.not_told")
	}
	report, err := a.Restore(ctx, since)
	if err != nil {
		s.note("cmd.restore.again")
		return err
	}
	s.restored(report)
	return nil
}

func (c restoreCmd) since() (since app.Since, err error) {
	since = app.Since{Ledger: c.Ledger, Newest: c.Newest}
	if strings.Contains(c.Ledger, "://") && !private(c.Ledger) {
		return since, errLedgerURL
	}
	if c.LedgerKeyFile != "" {
		if since.Key, err = secretFile(c.LedgerKeyFile); err != nil {
			return since, err
		}
	}
	since.Checkpoints, err = checkpoints(c.Checkpoint)
	return since, err
}

// private reports whether nobody on the way reads what is sent to the URL.
func private(text string) bool {
	u, err := url.Parse(text)
	if err != nil || u.User != nil {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Scheme == "https" || u.Scheme == "http" && (u.Hostname() == "localhost" || ip != nil && ip.IsLoopback())
}

// restored prints what a replay has done.
func (s *session) restored(r restoration.Report) {
	s.say("cmd.restore.replayed", "Entries", r.Entries, "Children", r.Children, "Erased", r.Erased)
	s.say("cmd.restore.done", "Items", r.Items, "No", r.No, "Frozen", r.Frozen, "Demands", r.Demands)
	for _, name := range r.Services {
		s.say("cmd.restore.closed", "Service", name)
	}
	for _, kind := range slices.Sorted(maps.Keys(r.Lost)) {
		s.say("cmd.restore.lost", "Kind", kind, "Count", r.Lost[kind])
	}
	for _, kind := range slices.Sorted(maps.Keys(r.Untold)) {
		s.say("cmd.restore.untold", "Kind", kind, "Count", r.Untold[kind])
	}
	if r.GivenUp > 0 {
		s.say("cmd.restore.given_up", "Size", r.GivenUp)
	}
	s.say("cmd.restore.audit")
}
