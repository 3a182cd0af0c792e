package main

import (
	"context"
	"time"

	"wardkeep/internal/app"
	"wardkeep/internal/base/db"
	"wardkeep/internal/ledger"
	"wardkeep/internal/replay"
)

type auditCmd struct {
	Checkpoint []string `placeholder:"FILE" help:"${verify_checkpoint}"`
}

// Run proves that the store is what its ledger tells: first that the ledger is
// what was signed, and then that it replays (invariant 7). It changes nothing, but keeps
// what it found for the console to show. Whatever is found ends it with exit code 1.
func (c auditCmd) Run(ctx context.Context, s *session) error {
	earlier, err := checkpoints(c.Checkpoint)
	if err != nil {
		return err
	}
	var signed ledger.Report
	var told replay.Report
	var kept error
	err = s.on(ctx, func(a *app.App) (err error) {
		began := time.Now()
		outside, away, err := a.KeptOutside(ctx) // before the ledger is looked at: it may grow meanwhile
		if err != nil {
			return err
		}
		for _, name := range away {
			s.note("cmd.audit.away", "Name", name)
		}
		earlier = append(earlier, outside...)
		if signed, err = ledger.Verify(ctx, ledger.FromStore(a.Store), a.LedgerKey, earlier...); err != nil {
			return err
		}
		bar := s.progress("cmd.progress.audit", -1)
		defer bar.end()
		told, err = replay.Audit(ctx, a.Store, a.Ring, a.Charters, replay.Options{Progress: bar.set})
		if err == nil {
			run := replay.Run{Took: time.Since(began), Size: told.Size, Root: told.Root, Entries: told.Entries, Uses: told.Uses, Children: told.Children,
				Findings: int64(len(signed.Findings) + signed.More), Differences: int64(len(told.Differences)) + told.More}
			kept = a.Store.Update(ctx, func(tx *db.Tx) error { return replay.Keep(ctx, tx, a.Ring, run) })
		}
		return err
	})
	if err != nil {
		return err
	}
	if kept != nil { // what was found counts all the same
		s.note("cmd.audit.not_kept")
	}
	verified := s.verified(signed, len(earlier))
	if err := s.replayed(told); err != nil {
		return err
	}
	return verified
}

// replayed prints what a replay found and returns how it ends the command.
func (s *session) replayed(r replay.Report) error {
	s.say("cmd.audit.folded", "Entries", r.Entries, "Pending", r.Pending, "Children", r.Children, "Uses", r.Uses)
	if r.Missed > 0 {
		s.say("cmd.audit.missed", "Count", r.Missed)
	}
	if r.OK() {
		s.say("cmd.audit.good")
		return nil
	}
	for _, d := range r.Differences {
		s.say("cmd.audit.difference", "Difference", d.In(s.lang), "Code", d.What)
	}
	if r.More > 0 {
		s.say("cmd.verify.more", "Count", r.More)
	}
	s.say("cmd.audit.bad", "Count", int64(len(r.Differences))+r.More)
	return exit(exitFailed)
}
