package api

import (
	"context"
	"errors"
	"time"

	"wardkeep/client"
	"wardkeep/internal/backup"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/border"
	"wardkeep/internal/catalog"
	"wardkeep/internal/cessation"
	"wardkeep/internal/incident"
	"wardkeep/internal/ledger"
	"wardkeep/internal/order"
	"wardkeep/internal/party"
	"wardkeep/internal/retention"
	"wardkeep/internal/rights"
	"wardkeep/internal/suspicion"
)

// What a health check can find beside the refusals of the store and the ledger.
var (
	ErrUnwell       = errs.New(errs.Unavailable, "api.unwell")         // some check fails; the answer lists all
	ErrLedgerBehind = errs.New(errs.Unavailable, "api.ledger_behind")  // entries wait longer than patience
	ErrSweepBehind  = errs.New(errs.Unavailable, "api.sweep_behind")   // what is due isn't erased
	ErrUnerased     = errs.New(errs.Unavailable, "api.erasures_late")  // children wait whom somebody has demanded to erase
	ErrUnended      = errs.New(errs.Unavailable, "api.cessation_late") // what was announced to end isn't erased
	ErrUnattested   = errs.New(errs.Unavailable, "api.orders_late")    // processors or recipients haven't done what they were told
	ErrBorders      = errs.New(errs.Unavailable, "api.borders_near")
	ErrUnsupervised = errs.New(errs.Unavailable, "api.parties_late")    // a check of a processor is owed, or the orders that follow an end
	ErrUnanswered   = errs.New(errs.Unavailable, "api.demands_late")    // demands are past their day
	ErrIncidents    = errs.New(errs.Unavailable, "api.incidents_late")  // nobody has said how grave a leak is, or done what follows
	ErrUnscreened   = errs.New(errs.Unavailable, "api.values_damaged")  // of children whose values can't be looked for in what is published
	ErrUndecided    = errs.New(errs.Unavailable, "api.suspicions_late") // nobody has decided about who may be a child
)

const (
	// patience is how long an entry may wait for its place: many times what a
	// round takes, or the hand-over to another node.
	patience = 30 * time.Second
	// sweepTime is how long one sweep may take.
	sweepTime = 10 * time.Minute
	// healthTime bounds the whole check: who asks gives up soon.
	healthTime = 5 * time.Second
)

// unwell is ErrUnwell with what was found.
type unwell struct{ checks []wardkeep.HealthCheck }

func (u *unwell) Error() string { return ErrUnwell.Error() }
func (u *unwell) Unwrap() error { return ErrUnwell }

// getHealth says what the server can't do, and what people have left undone. What
// it can't find out counts as a failure. Demands that nobody has answered in time, orders
// that nobody has attested, and an end that waits for a gateway, are no reason to lead anybody elsewhere: the server
// works.
func getHealth(s *Server, ctx context.Context, _ *call, _ *nothing) (answer[wardkeep.Health], error) {
	ctx, cancel := context.WithTimeout(ctx, healthTime)
	defer cancel()
	var waiting, swept time.Time
	var late rights.Late
	var unended int64
	var orders int64
	var parties party.Late
	var copies backup.Watch
	var suspected, leaks, crossed int64
	read := s.Store.View(ctx, func(tx *db.Tx) (err error) {
		if waiting, err = ledger.OldestPending(ctx, tx); err != nil {
			return err
		}
		if swept, err = retention.LastSweep(ctx, tx); err != nil {
			return err
		}
		if late, err = rights.CountLate(ctx, tx, s.erasePatience()); err != nil {
			return err
		}
		if suspected, err = suspicion.CountLate(ctx, tx, ""); err != nil {
			return err
		}
		if _, leaks, err = incident.Count(ctx, tx, ""); err != nil {
			return err
		}
		if unended, err = catalog.CountLate(ctx, tx, "", cessation.Patience); err != nil {
			return err
		}
		if orders, err = order.CountOverdue(ctx, tx); err != nil {
			return err
		}
		if parties, err = party.CountLate(ctx, tx); err != nil {
			return err
		}
		if crossed, err = border.Near(ctx, tx); err != nil {
			return err
		}
		copies, err = backup.Look(ctx, tx)
		return err
	})
	now := s.Store.Now()
	numbered, erased, unerased := read, read, read
	if read == nil {
		numbered, erased, unerased = s.Numbering(now, waiting), s.sweeping(now, swept), s.erasing(now, late)
	}
	h := wardkeep.Health{Status: "ok"}
	bad := false
	for _, c := range []struct {
		name  string
		err   error
		count int64
	}{{"read", read, 0}, {"write", s.Store.Writable(ctx), 0}, {"ledger", numbered, 0}, {"sweep", erased, 0}, {"erasures", unerased, late.Erasures}} {
		check := wardkeep.HealthCheck{Check: c.name, Status: "ok"}
		if c.err != nil {
			bad = true
			check.Status, check.Code, check.Count = "failing", errs.Of(c.err).Code, int(c.count)
		}
		h.Checks = append(h.Checks, check)
	}
	h.Checks = append(h.Checks, lateCheck("demands", read, late.Demands, ErrUnanswered), lateCheck("cessations", read, unended, ErrUnended),
		lateCheck("orders", read, orders, ErrUnattested), lateCheck("suspicions", read, suspected, ErrUndecided), lateCheck("incidents", read, leaks, ErrIncidents),
		lateCheck("parties", read, parties.Checks+parties.Partings, ErrUnsupervised), lateCheck("borders", read, crossed, ErrBorders), lateCheck("backups", read, copies.Late, backup.ErrLate),
		lateCheck("screening", nil, int64(s.Publication.Sets.Size().Damaged), ErrUnscreened))
	if bad {
		return answer[wardkeep.Health]{}, &unwell{h.Checks}
	}
	return answer[wardkeep.Health]{Body: h}, nil
}

// lateCheck says how much is past its time, and what that is.
func lateCheck(name string, read error, late int64, what *errs.Error) wardkeep.HealthCheck {
	check := wardkeep.HealthCheck{Check: name, Status: "ok"}
	switch {
	case read != nil:
		check.Status, check.Code = "failing", errs.Of(read).Code
	case late > 0:
		check.Status, check.Code, check.Count = "late", what.Code, int(late)
	}
	return check
}

// Numbering returns why the ledger isn't numbered, or nil. That a round has
// failed is told once entries wait: one that fails may be followed by one that
// succeeds, on this node or another. Damage doesn't pass.
func (s *Server) Numbering(now, waiting time.Time) error {
	trouble := s.Ledger.Trouble()
	if errors.Is(trouble, ledger.ErrDamaged) {
		return trouble
	}
	if waiting.IsZero() || now.Sub(waiting) < patience {
		return nil
	}
	if trouble != nil {
		return trouble
	}
	return ErrLedgerBehind
}

// sweeping returns ErrSweepBehind if sweeps fail or don't take place. A server
// that has just started gets the time of one.
func (s *Server) sweeping(now, swept time.Time) error {
	if swept.Before(s.started) {
		swept = s.started
	}
	if now.Sub(swept) > 3*s.sweepEvery()+sweepTime {
		return ErrSweepBehind
	}
	return nil
}

func (s *Server) sweepEvery() time.Duration {
	if s.SweepEvery <= 0 {
		return time.Minute
	}
	return s.SweepEvery
}

// erasePatience is how long a child may be due to be erased: one sweep, or until
// there are some where they are rare.
func (s *Server) erasePatience() time.Duration { return max(sweepTime, 2*s.sweepEvery()) }

// erasing returns ErrUnerased if children wait whom the sweeps leave (Article 20).
// A server that has just started gets its time.
func (s *Server) erasing(now time.Time, late rights.Late) error {
	if late.Erasures > 0 && now.Sub(s.started) > s.erasePatience() {
		return ErrUnerased
	}
	return nil
}
