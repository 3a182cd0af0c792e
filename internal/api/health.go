package api

import (
	"context"
	"errors"
	"time"

	"wardkeep/client"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/ledger"
	"wardkeep/internal/retention"
)

// What a health check can find beside the refusals of the store and the ledger.
var (
	ErrUnwell       = errs.New(errs.Unavailable, "api.unwell")        // some check fails; the answer lists all
	ErrLedgerBehind = errs.New(errs.Unavailable, "api.ledger_behind") // entries wait longer than patience
	ErrSweepBehind  = errs.New(errs.Unavailable, "api.sweep_behind")  // what is due isn't erased
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

// getHealth says what the server can't do. What it can't find out counts as a
// failure.
func getHealth(s *Server, ctx context.Context, _ *call, _ *nothing) (answer[wardkeep.Health], error) {
	ctx, cancel := context.WithTimeout(ctx, healthTime)
	defer cancel()
	var waiting, swept time.Time
	read := s.Store.View(ctx, func(tx *db.Tx) (err error) {
		if waiting, err = ledger.OldestPending(ctx, tx); err != nil {
			return err
		}
		swept, err = retention.LastSweep(ctx, tx)
		return err
	})
	now := s.Store.Now()
	numbered, erased := read, read
	if read == nil {
		numbered, erased = s.numbering(now, waiting), s.sweeping(now, swept)
	}
	h := wardkeep.Health{Status: "ok"}
	bad := false
	for _, c := range []struct {
		name string
		err  error
	}{{"read", read}, {"write", s.Store.Writable(ctx)}, {"ledger", numbered}, {"sweep", erased}} {
		check := wardkeep.HealthCheck{Check: c.name, Status: "ok"}
		if c.err != nil {
			bad = true
			check.Status, check.Code = "failing", errs.Of(c.err).Code
		}
		h.Checks = append(h.Checks, check)
	}
	if bad {
		return answer[wardkeep.Health]{}, &unwell{h.Checks}
	}
	return answer[wardkeep.Health]{Body: h}, nil
}

// numbering returns why the ledger isn't numbered, or nil. That a round has
// failed is told once entries wait: one that fails may be followed by one that
// succeeds, on this node or another. Damage doesn't pass.
func (s *Server) numbering(now, waiting time.Time) error {
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
	every := s.SweepEvery
	if every <= 0 {
		every = time.Minute
	}
	if swept.Before(s.started) {
		swept = s.started
	}
	if now.Sub(swept) > 3*every+sweepTime {
		return ErrSweepBehind
	}
	return nil
}
