package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"wardkeep/internal/app"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/catalog"
)

// Refusals of the command line itself.
var (
	errInterrupted = errs.New(errs.Unavailable, "cmd.interrupted") // by a signal
	errConfirm     = errs.New(errs.Conflict, "cmd.not_confirmed")
	errUnassessed  = errs.New(errs.Conflict, "cmd.cease.unassessed") // who is to take over
	errSecret      = errs.New(errs.Invalid, "cmd.secret_file")       // missing, empty or unreadable
)

// A session is one run of a command: the language it speaks, its streams, and
// the configuration it was given.
type session struct {
	lang     i18n.Lang
	in       io.Reader
	out, err io.Writer
	config   string // a file, or "" for the one that is found
}

// operator is who sits at the terminal.
var operator = catalog.Operator{ID: "cli"}

// speaks returns the language of the output: --lang, then WARDKEEP_LANG and the
// usual variables. Chinese comes first; who says "C" asks for English.
func speaks(args []string, env func(string) string) i18n.Lang {
	for i, a := range args {
		if v, ok := strings.CutPrefix(a, "--lang="); ok {
			return i18n.Lang(v)
		}
		if a == "--lang" && i+1 < len(args) {
			return i18n.Lang(args[i+1])
		}
	}
	for _, name := range []string{"WARDKEEP_LANG", "LC_ALL", "LC_MESSAGES", "LANG"} {
		switch v := strings.ToLower(env(name)); {
		case v == "":
		case strings.HasPrefix(v, "zh"):
			return i18n.Chinese
		default:
			return i18n.English
		}
	}
	return i18n.Langs[0]
}

// errFile is what a command ends with that was given the name of a file it can't read.
var errFile = errs.New(errs.NotFound, "cmd.file")

// say writes a line of the answer.
func (s *session) say(key string, pairs ...any) {
	fmt.Fprintln(s.out, s.lang.T(key, pairs...))
}

// note writes a line about the work, which is no part of the answer.
func (s *session) note(key string, pairs ...any) {
	fmt.Fprintln(s.err, s.lang.T(key, pairs...))
}

// print writes a line that is data.
func (s *session) print(a ...any) { fmt.Fprintln(s.out, a...) }

// fail says why a command ends and returns its exit code. The sentence is that
// of the refusal; the details name files, addresses and places in them. An
// error without a code is told to the operator as it is: nobody else sees it.
func (s *session) fail(err error) int {
	refusal := errs.Of(err)
	if _, ok := errors.AsType[*fs.PathError](err); ok && refusal.Kind == errs.Internal && (errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission)) {
		refusal = errFile
	}
	sentence := s.lang.T(refusal.Code)
	if refusal.Kind == errs.Internal {
		sentence = s.lang.T("cmd.failed")
	}
	fmt.Fprintf(s.err, "wardkeep: %s (%s)\n", sentence, refusal.Code)
	if refusal.Field != "" {
		fmt.Fprintln(s.err, "  "+s.lang.T("cmd.field", "Field", refusal.Field))
	}
	if detail := s.details(err); detail != refusal.Code {
		for line := range strings.Lines(strings.TrimPrefix(detail, refusal.Code+": ")) {
			fmt.Fprintln(s.err, "  "+strings.TrimRight(line, "\n"))
		}
	}
	return exitFailed
}

// details returns what else an error says, in the session's language where it
// has words.
func (s *session) details(err error) string {
	if p, ok := errors.AsType[app.ConfigProblems](err); ok {
		return p.In(s.lang)
	}
	return err.Error()
}

// misuse says what is wrong with the command line.
func (s *session) misuse(err error) int {
	fmt.Fprintf(s.err, "wardkeep: %s (cmd.usage)\n  %v\n", s.lang.T("cmd.usage"), err)
	return exitUsage
}

// file returns the configuration file: the one that was named, or wardkeep.yaml
// where there is one, or "" for what holds without one.
func (s *session) file() string {
	const usual = "wardkeep.yaml"
	if s.config != "" {
		return s.config
	}
	if _, err := os.Stat(usual); err == nil {
		return usual
	}
	return ""
}

// load reads the configuration.
func (s *session) load() (app.Config, error) { return app.LoadConfig(s.file()) }

// A making says where a command may begin a new store.
type making int

const (
	makeNever   making = iota // a misspelt data_dir is no new beginning
	makeCareful               // unless there is a key already
	makeAnew                  // --new
)

// open opens the store and its keys. The caller closes it.
func (s *session) open(ctx context.Context, create making) (*app.App, error) {
	c, err := s.load()
	if err != nil {
		return nil, err
	}
	if path := c.Embedded(); path != "" && create == makeNever {
		if _, err := os.Stat(path); err != nil {
			return nil, fmt.Errorf("%w: %w", app.ErrNoStore, err)
		}
	}
	if create == makeCareful {
		if err := c.CheckStore(); err != nil {
			return nil, err
		}
	}
	return app.Open(ctx, c, s.logger())
}

// logger is for what goes wrong beside the work of a command.
func (s *session) logger() *slog.Logger {
	return s.loggerFrom(slog.LevelWarn)
}

func (s *session) loggerFrom(least slog.Level) *slog.Logger {
	return slog.New(slog.NewTextHandler(s.err, &slog.HandlerOptions{Level: least}))
}

// on runs fn with the opened store, and gives what it appended its place in the
// ledger before the command ends. Where a server is running, that is its work.
func (s *session) on(ctx context.Context, fn func(*app.App) error) error {
	return s.onStore(ctx, makeNever, fn)
}

// onNew is on for a command that may be the first one.
func (s *session) onNew(ctx context.Context, anew bool, fn func(*app.App) error) error {
	create := makeCareful
	if anew {
		create = makeAnew
	}
	return s.onStore(ctx, create, fn)
}

func (s *session) onStore(ctx context.Context, create making, fn func(*app.App) error) (err error) {
	a, err := s.open(ctx, create)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	if err := fn(a); err != nil {
		return err
	}
	a.Settle(ctx, settle)
	return nil
}

// settle is how long a command waits for the places of its entries.
const settle = 3 * time.Second

// onTerminal reports whether w is a terminal.
func onTerminal(w any) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// confirm asks for a word to be typed. Without a terminal there is nobody to
// ask, and the answer is no.
func (s *session) confirm(key, word string) error {
	if !onTerminal(s.in) {
		return fmt.Errorf("%w: --yes", errConfirm)
	}
	fmt.Fprint(s.err, s.lang.T(key, "Word", word)+" ")
	typed, err := bufio.NewReader(s.in).ReadString('\n')
	if err != nil || strings.TrimSpace(typed) != word {
		return errConfirm
	}
	return nil
}

// secretFile reads a passphrase, or what else shall not be seen, from a file that
// only its owner may read.
func secretFile(path string) (string, error) {
	info, err := os.Stat(path)
	if err == nil && info.Mode()&fs.FileMode(0o077) != 0 {
		return "", fmt.Errorf("%w: %s: chmod 600", errSecret, path)
	}
	if err != nil || !info.Mode().IsRegular() || info.Size() > 4096 {
		return "", fmt.Errorf("%w: %s", errSecret, path)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("%w: %w", errSecret, err)
	}
	secret := strings.TrimRight(string(b), "\r\n")
	if secret == "" {
		return "", fmt.Errorf("%w: %s", errSecret, path)
	}
	return secret, nil
}
