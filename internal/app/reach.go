package app

import (
	"context"
	"errors"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/reach"
)

// Reach returns the index by which it is found whom something has reached.
func (a *App) Reach() reach.Index { return reach.Index{Ring: a.Ring} }

// indexReach puts what the ledger has more into the index, and whom questions find on the lists of
// cases, until ctx ends. It is no job, as
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
