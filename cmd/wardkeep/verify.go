package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	"wardkeep/internal/app"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/ledger"
	"wardkeep/internal/witness"
)

// What a verification can't begin without.
var (
	errVerifierKey = errs.New(errs.Invalid, "cmd.verify_key")  // missing, or not one
	errCopy        = errs.New(errs.NotFound, "cmd.verify_dir") // no such copy
	errCheckpoint  = errs.New(errs.Invalid, "cmd.verify_checkpoint")
)

type verifyCmd struct {
	Dir        string   `arg:"" optional:"" help:"${verify_dir}"`
	Key        string   `placeholder:"KEY|FILE" help:"${verify_key}"`
	Checkpoint []string `placeholder:"FILE" help:"${verify_checkpoint}"`
	Witness    []string `placeholder:"KEY|FILE" help:"${verify_witness}"`
	Charter    string   `placeholder:"DIR" help:"${verify_charter}"`
	Identity   string   `placeholder:"FILE" help:"${verify_identity}"`
}

// Run recomputes the ledger, an evidence bundle or a consent record from its bytes and says in
// words what holds and what doesn't. It changes nothing. Findings end it with
// exit code 1.
func (c verifyCmd) Run(ctx context.Context, s *session) error {
	earlier, err := checkpoints(c.Checkpoint)
	if err != nil {
		return err
	}
	cosigned, err := s.cosigned(c.Witness, earlier)
	if err != nil {
		return err
	}
	if err := c.verify(ctx, s, earlier); err != nil {
		return err
	}
	if !cosigned {
		return exit(exitFailed)
	}
	return nil
}

func (c verifyCmd) verify(ctx context.Context, s *session, earlier []string) (err error) {
	if info, err := os.Stat(c.Dir); err == nil && info.Mode().IsRegular() {
		if isBundle(c.Dir) {
			return c.bundle(ctx, s, earlier)
		}
		return c.record(s, earlier)
	}
	var report ledger.Report
	if c.Dir != "" {
		report, err = c.copy(ctx, earlier)
	} else {
		report, err = c.store(ctx, s, earlier)
	}
	if err != nil {
		return err
	}
	return s.verified(report, len(earlier))
}

// cosigned says of each witness when it has cosigned one of the checkpoints last, and reports whether each has.
func (s *session) cosigned(witnesses, checkpoints []string) (all bool, err error) {
	all = true
	for _, named := range witnesses {
		text := named
		if _, err := witness.Verifier(text); err != nil {
			if text, err = readNote(named); err != nil {
				return false, fmt.Errorf("%w: %w", witness.ErrKey, err)
			}
		}
		key, err := witness.Verifier(strings.TrimSpace(text))
		if err != nil {
			return false, err
		}
		var at time.Time
		for _, checkpoint := range checkpoints {
			if t, err := witness.Cosigned(checkpoint, key); err == nil && t.After(at) {
				at = t
			}
		}
		if at.IsZero() {
			s.say("cmd.verify.not_cosigned", "Name", key.Name())
			all = false
			continue
		}
		s.say("cmd.verify.cosigned", "Name", key.Name(), "Time", at.Format("2006-01-02 15:04:05 MST"))
	}
	return all, nil
}

// copy verifies an exported ledger. Its key has to come from somewhere else: a
// key that travels with the copy would prove nothing.
func (c verifyCmd) copy(ctx context.Context, earlier []string) (ledger.Report, error) {
	key, err := verifierKey(c.Key)
	if err != nil {
		return ledger.Report{}, err
	}
	if info, err := os.Stat(c.Dir); err != nil || !info.IsDir() {
		return ledger.Report{}, fmt.Errorf("%w: %s", errCopy, c.Dir)
	}
	return ledger.Verify(ctx, ledger.FromDir(c.Dir), key, earlier...)
}

// store verifies the ledger of the store; with a key given, without opening the
// store's own keys.
func (c verifyCmd) store(ctx context.Context, s *session, earlier []string) (report ledger.Report, err error) {
	if c.Key == "" {
		err = s.on(ctx, func(a *app.App) (err error) {
			report, err = ledger.Verify(ctx, ledger.FromStore(a.Store), a.LedgerKey, earlier...)
			return err
		})
		return report, err
	}
	key, err := verifierKey(c.Key)
	if err != nil {
		return report, err
	}
	settings, err := s.load()
	if err != nil {
		return report, err
	}
	store, err := app.OpenStore(ctx, settings)
	if err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	return ledger.Verify(ctx, ledger.FromStore(store), key, earlier...)
}

// verified prints a report and returns how it ends the command.
func (s *session) verified(r ledger.Report, earlier int) error {
	s.say("cmd.verify.read", "Size", r.Size, "Root", r.Root.String())
	if r.OK() {
		s.say("cmd.verify.entries")
		s.say("cmd.verify.signature")
		if earlier > 0 {
			s.say("cmd.verify.earlier", "Count", earlier)
		}
		s.say("cmd.verify.good")
		return nil
	}
	for _, f := range r.Findings {
		s.say("cmd.verify.finding", "Finding", f.In(s.lang), "Code", f.Code)
	}
	if r.More > 0 {
		s.say("cmd.verify.more", "Count", r.More)
	}
	s.say("cmd.verify.bad", "Count", len(r.Findings)+r.More)
	return exit(exitFailed)
}

// maxNote bounds a key or a checkpoint, in bytes.
const maxNote = 1 << 16

func readNote(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxNote))
	return string(b), err
}

// verifierKey returns the key that is named: the key itself, or a file with it.
func verifierKey(named string) (string, error) {
	if _, err := note.NewVerifier(named); err == nil {
		return named, nil
	}
	if named == "" {
		return "", errVerifierKey
	}
	text, err := readNote(named)
	if err != nil {
		return "", fmt.Errorf("%w: %w", errVerifierKey, err)
	}
	key := strings.TrimSpace(text)
	if _, err := note.NewVerifier(key); err != nil {
		return "", fmt.Errorf("%w: %s", errVerifierKey, named)
	}
	return key, nil
}

func checkpoints(files []string) (texts []string, err error) {
	for _, name := range files {
		text, err := readNote(name)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errCheckpoint, err)
		}
		// Of a file that is no checkpoint, the ledger isn't to blame.
		if _, err := note.Open([]byte(text), note.VerifierList()); !unverified(err) {
			return nil, fmt.Errorf("%w: %s", errCheckpoint, name)
		}
		texts = append(texts, text)
	}
	return texts, nil
}

// unverified reports whether a note has the form of one; who signed it is for
// the verification to say.
func unverified(err error) bool {
	_, ok := errors.AsType[*note.UnverifiedNoteError](err)
	return ok
}
