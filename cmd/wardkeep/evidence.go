package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"filippo.io/age"

	"wardkeep/internal/app"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/evidence"
)

// What can be wrong with the words of the two commands.
var (
	errBundleThere    = errs.New(errs.Conflict, "cmd.evidence_there")   // a file of that name
	errBundleIdentity = errs.New(errs.Invalid, "cmd.evidence_identity") // no age identity
)

type bundleCmd struct {
	To        string   `required:"" placeholder:"FILE" help:"${evidence_to}"`
	From      string   `placeholder:"TIME" help:"${evidence_from}"`
	Before    string   `placeholder:"TIME" help:"${evidence_before}"`
	Article   []int    `placeholder:"N" help:"${evidence_article}"`
	Service   []string `placeholder:"SERVICE" help:"${evidence_service}"`
	Recipient string   `placeholder:"age1…" help:"${evidence_recipient}"`
}

// Run writes an evidence bundle (Article 22). Under its name there is only a whole one: if we
// crash, a file beside it is left that no verification takes for one. Its name alone is on the
// last line.
func (c bundleCmd) Run(ctx context.Context, s *session) error {
	o := evidence.Order{Recipient: c.Recipient}
	slices.Sort(c.Article)
	slices.Sort(c.Service)
	o.Articles, o.Services = slices.Compact(c.Article), slices.Compact(c.Service)
	var err error
	if o.From, err = moment(c.From, time.Time{}); err == nil {
		o.To, err = moment(c.Before, time.Time{})
	}
	if err != nil {
		return err
	}
	if _, err := os.Lstat(c.To); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %s", errBundleThere, c.To)
	}
	return s.on(ctx, func(a *app.App) (err error) {
		f, err := os.CreateTemp(filepath.Dir(c.To), filepath.Base(c.To)+".part-*")
		if err != nil {
			return err
		}
		defer func() {
			if err != nil {
				f.Close()
				os.Remove(f.Name())
			}
		}()
		bar := s.progress("cmd.progress.evidence", -1)
		defer bar.end()
		o.Origin, o.Progress = a.Config.LedgerOrigin, bar.set
		m, err := evidence.Make(ctx, a.Store, a.Ledger, atTerminal, o, f)
		if err != nil {
			return err
		}
		if err := evidence.Place(f, c.To); err != nil {
			return err
		}
		s.say("cmd.evidence.made", "File", c.To, "Key", a.LedgerKey)
		s.note("cmd.evidence.apart")
		s.print(m.Bundle)
		return nil
	})
}

// isBundle reports whether a file may be an evidence bundle, whole or cut off.
func isBundle(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	var b [4]byte
	n, _ := f.Read(b[:])
	return string(b[:n]) == "PK\x03\x04" || strings.HasSuffix(path, ".zip")
}

// bundle verifies an evidence bundle offline, by a key that doesn't come with it.
func (c verifyCmd) bundle(ctx context.Context, s *session, earlier []string) error {
	key, err := verifierKey(c.Key)
	if err != nil {
		return err
	}
	check := evidence.Check{Key: key, Checkpoints: earlier}
	if c.Identity != "" {
		text, err := readNote(c.Identity)
		if err != nil {
			return err
		}
		all, err := age.ParseIdentities(strings.NewReader(text))
		if err != nil || len(all) != 1 {
			return fmt.Errorf("%w: %s", errBundleIdentity, c.Identity)
		}
		check.Identity = all[0]
	}
	f, err := os.Open(c.Dir)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	bar := s.progress("cmd.progress.verify", -1)
	check.Progress = bar.set
	report, err := evidence.Verify(ctx, f, info.Size(), check)
	bar.end()
	if err != nil {
		return fmt.Errorf("%w: %s", err, c.Dir)
	}
	return s.verifiedBundle(report, len(earlier))
}

// verifiedBundle says of each part of a bundle what holds and what doesn't, and returns how
// it ends the command.
func (s *session) verifiedBundle(r evidence.Report, earlier int) error {
	m := r.Manifest
	if m.Bundle != "" {
		s.say("cmd.evidence.bundle", "Bundle", m.Bundle, "Origin", printable(m.Origin), "Made", time.UnixMicro(m.Made).UTC().Format(time.RFC3339))
		s.scope(m)
	}
	s.say("cmd.evidence.files")
	for _, f := range r.Findings {
		f.Part = printable(f.Part)
		s.say("cmd.verify.finding", "Finding", f.In(s.lang), "Code", f.Code)
	}
	if r.More > 0 {
		s.say("cmd.verify.more", "Count", r.More)
	}
	if len(r.Findings) == 0 {
		s.say("cmd.evidence.files_good", "Count", len(m.Files))
	}
	s.say("cmd.evidence.ledger")
	wrong := s.verified(r.Ledger, earlier) != nil
	s.say("cmd.evidence.decisions")
	if !r.Decided {
		s.say("cmd.evidence.unjudged")
	} else if s.replayedOffline(r) != nil {
		wrong = true
	}
	s.say("cmd.evidence.states")
	for _, v := range r.States {
		s.verdict(v)
	}
	if r.Samples.Register != "" {
		s.verdict(r.Samples)
	}
	s.say("cmd.evidence.never")
	if wrong || !r.OK() {
		s.say("cmd.evidence.bad")
		return exit(exitFailed)
	}
	s.say("cmd.evidence.good")
	return nil
}

// scope says of what a bundle states something: of nothing else anything was found.
func (s *session) scope(m evidence.Manifest) {
	articles, services, from, to := s.lang.T("evidence.readme.all"), s.lang.T("evidence.readme.all"), s.lang.T("evidence.readme.first"), s.lang.T("evidence.readme.last")
	if m.Articles != nil {
		articles = numbers(m.Articles)
	}
	if m.Services != nil {
		services = printable(strings.Join(m.Services, ", "))
	}
	if m.From != 0 {
		from = time.UnixMicro(m.From).UTC().Format(time.RFC3339)
	}
	if m.To != 0 {
		to = time.UnixMicro(m.To).UTC().Format(time.RFC3339)
	}
	s.say("cmd.evidence.scope", "From", from, "To", to, "Articles", articles, "Services", services)
}

func numbers(all []int) string {
	texts := make([]string, len(all))
	for i, n := range all {
		texts[i] = fmt.Sprint(n)
	}
	return strings.Join(texts, ", ")
}

// replayedOffline says how the decisions stand.
func (s *session) replayedOffline(r evidence.Report) error {
	d := r.Decisions
	if d.Missed > 0 {
		s.say("cmd.audit.missed", "Count", d.Missed)
	}
	if d.OK() {
		s.say("cmd.evidence.decided", "Entries", d.Entries, "Children", d.Children, "Uses", d.Uses)
		return nil
	}
	for _, one := range d.Differences {
		s.say("cmd.audit.difference", "Difference", printable(one.In(s.lang)), "Code", one.What)
	}
	if d.More > 0 {
		s.say("cmd.verify.more", "Count", d.More)
	}
	return exit(exitFailed)
}

// verdict says how one statement stands.
func (s *session) verdict(v evidence.Verdict) {
	s.say("cmd.evidence.state."+string(v.Standing), "What", s.lang.T(v.Name()), "Articles", numbers(v.Articles), "Rows", v.Rows)
	for _, d := range v.Differences {
		s.say("cmd.verify.finding", "Finding", printable(d.In(s.lang)), "Code", d.Code)
	}
	if v.More > 0 {
		s.say("cmd.verify.more", "Count", v.More)
	}
}
