package main

import (
	"context"
	"strings"
	"time"

	"wardkeep/internal/app"
	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/catalog"
	"wardkeep/internal/replay"
)

type looksCmd struct {
	List      approvalsListCmd      `cmd:"" help:"${approvals_list}"`
	Reconcile approvalsReconcileCmd `cmd:"" help:"${approvals_reconcile}"`
}

type approvalsListCmd struct {
	Service string `required:"" short:"s" help:"${of_service}"`
	Closed  bool   `help:"${approvals_closed}"`
}

// Run prints what persons inside asked to see, the newest first: codes and names of items,
// no value, no child and nothing that somebody wrote.
func (c approvalsListCmd) Run(ctx context.Context, s *session) error {
	return s.on(ctx, func(a *app.App) error {
		var all []approval.Request
		err := a.Store.View(ctx, func(tx *db.Tx) error {
			_, err := catalog.Find(ctx, tx, c.Service)
			if err == nil {
				all, err = approval.List(ctx, tx, c.Service, c.Closed, maxWaiting+1)
			}
			return err
		})
		if err == nil && len(all) == 0 {
			s.note("cmd.nothing")
		}
		for _, r := range all[:min(len(all), maxWaiting)] {
			if !r.Intact(a.Ring) {
				s.say("cmd.approvals.forged") // what it says is nobody's word
				continue
			}
			s.approval(a.Store.Now(), r)
		}
		if len(all) > maxWaiting {
			s.note("cmd.demand.more", "Count", maxWaiting)
		}
		return err
	})
}

// approval prints a line about a request.
func (s *session) approval(now time.Time, r approval.Request) {
	state := string(r.State)
	if r.Closed(now) && r.State != approval.Refused && r.State != approval.Ended {
		state = "over"
	}
	items, decider := r.Items, r.Decider
	if len(r.Granted) > 0 {
		items = r.Granted
	}
	if decider == "" {
		decider = "–"
	}
	s.say("cmd.approvals.line", "Number", r.Number, "ID", r.ID, "Asked", s.day(r.AskedAt), "State", s.lang.T("cmd.approvals.state."+state),
		"Asker", r.Asker, "Decider", decider, "Purpose", r.Purpose, "Items", strings.Join(items, " "), "Looks", r.Looks, "Quota", r.Quota)
}

type approvalsReconcileCmd struct{}

// Run matches what was approved with what was looked at, by the ledger alone (Article 15).
// Whatever doesn't match ends it with exit code 1. How much it found is kept for the board.
func (approvalsReconcileCmd) Run(ctx context.Context, s *session) error {
	var r replay.Reconciliation
	var kept error
	err := s.on(ctx, func(a *app.App) (err error) {
		if r, err = replay.Reconcile(ctx, a.Store); err == nil {
			kept = a.Store.Update(ctx, func(tx *db.Tx) error { return replay.KeepMatched(ctx, tx, a.Ring, r) })
		}
		return err
	})
	if err != nil {
		return err
	}
	if kept != nil { // what was found counts all the same
		s.note("cmd.approvals.not_kept")
	}
	s.say("cmd.approvals.counts", "Asked", r.Asked, "Approved", r.Approved, "Refused", r.Refused, "Looks", r.Looks, "Denied", r.Denied, "Unused", r.Unused)
	s.say("cmd.approvals.glass", "Broken", r.Broken, "Reviewed", r.Reviewed)
	s.say("cmd.approvals.exported", "Exported", r.Exported)
	for _, m := range r.Mismatches {
		s.say("cmd.approvals.mismatch", "Why", s.lang.T("cmd.approvals.why."+string(m.Why)), "Entry", m.Entry, "Service", plain(m.Service), "Actor", plain(m.Actor))
	}
	s.say("cmd.approvals.unmatched", "Count", len(r.Mismatches))
	if len(r.Mismatches) > 0 {
		return exit(exitFailed)
	}
	return nil
}
