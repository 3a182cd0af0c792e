package app

import (
	"context"
	"errors"
	"time"

	"wardkeep/internal/base/db"
)

// countRegisters counts for the registers of processing activities (Article 3), until ctx ends. Each
// process counts for itself: nothing of it is kept, and what is lost with a process is counted anew.
func (a *App) countRegisters(ctx context.Context) {
	tick := time.NewTicker(messageWait)
	defer tick.Stop()
	for {
		if err := a.registers.Beside(ctx, a.Store); err != nil && ctx.Err() == nil && !errors.Is(err, db.ErrClosed) {
			a.Log.ErrorContext(ctx, "register: the children aren't counted", "error", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}
