package app

import (
	"context"
	"errors"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/incident"
	"wardkeep/internal/reach"
	"wardkeep/internal/rights"
)

// Reach returns the index by which it is found whom something has reached.
func (a *App) Reach() reach.Index { return reach.Index{Ring: a.Ring} }

// indexReach puts what the ledger has more into the index, whom questions find on the lists of
// cases, and does to all on a list what was ordered, until ctx ends. It is no job, as
// watchDecoys is none: where it isn't made, the entries are read, up to a bound, and so it keeps up
// with whatever is written.
func (a *App) indexReach(ctx context.Context) {
	tick := time.NewTicker(messageWait)
	defer tick.Stop()
	for {
		began := time.Now()
		n, err := a.Reach().Make(ctx, a.Store)
		if err != nil && ctx.Err() == nil && !errors.Is(err, db.ErrClosed) {
			a.Log.ErrorContext(ctx, "reach: the index isn't made", "error", err)
		}
		went := false
		if err == nil {
			if went, err = a.Reach().Extend(ctx, a.Store); err != nil && ctx.Err() == nil && !errors.Is(err, db.ErrClosed) {
				a.Log.ErrorContext(ctx, "reach: whom a case has reached isn't on its list", "error", err)
			}
		}
		// Article 21: whom a case has reached is kept from more, before anybody waits for a list to be whole.
		carried, failed := incident.CarryOut(ctx, a.Store, rights.Desk{Ring: a.Ring, Charters: a.Charters}.Carrying())
		if failed != nil && ctx.Err() == nil && !errors.Is(failed, db.ErrClosed) {
			a.Log.ErrorContext(ctx, "incident: what was ordered for all on a list isn't carried out", "error", failed)
		}
		went, err = went || carried > 0, errors.Join(err, failed)
		if (n > 0 || went) && err == nil {
			breathe(ctx, time.Since(began))
			if ctx.Err() == nil {
				continue
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}
