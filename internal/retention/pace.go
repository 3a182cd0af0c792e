package retention

import (
	"context"
	"time"

	"wardkeep/internal/base/db"
)

// A pace makes updates that can wait. On SQLite, which has one writer, it leaves that to others
// for a multiple of the time that it takes, as long as there are others: reads are
// recorded, and so they write.
type pace struct {
	store *db.DB
	seen  int64 // updates so far
}

const (
	// rests is for how many times of what an update took the writer is left to others.
	// What it writes and what follows it in the ledger is about as much again.
	rests = 3.1
	// quiet is how many updates of others in the meantime are none: the ledger's rounds.
	quiet = 3
)

func newPace(store *db.DB) *pace { return &pace{store: store, seen: store.Updates()} }

// update runs fn as an update of the store, and then rests.
func (p *pace) update(ctx context.Context, fn func(*db.Tx) error) error {
	if p.store.Abreast() > 0 { // there is more than one writer
		return p.store.Update(ctx, fn)
	}
	asked := time.Now()
	var waited, took time.Duration
	err := p.store.Update(ctx, func(tx *db.Tx) error {
		began := time.Now()
		waited = began.Sub(asked)
		defer func() { took = time.Since(began) }()
		return fn(tx)
	})
	seen := p.store.Updates()
	others := seen - p.seen - 1
	p.seen = seen
	if others <= quiet {
		return err
	}
	select {
	case <-time.After(time.Duration(rests*float64(took)) - waited): // the wait for its turn was a rest, too
	case <-ctx.Done():
	}
	return err
}
