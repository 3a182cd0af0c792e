package register

import (
	"context"
	"sync"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/consent"
)

// Counted is how long a count is taken for that of now: it reads every consent of a
// service, and isn't worth that to each who looks.
const Counted = time.Minute

// A Counter counts of how many children somebody agrees to each purpose, and remembers it
// for a while. The zero Counter has counted nothing.
type Counter struct {
	of sync.Map // by service: *count
}

// A count is had by whoever takes its turn.
type count struct {
	turn     chan struct{}
	at       time.Time
	children map[string]int64
}

// Count fills in of how many children somebody has a standing grant, and when that was
// counted. Who asks while their service is counted waits for it: it isn't counted twice at
// once, and nobody waits for another's.
func (c *Counter) Count(ctx context.Context, tx *db.Tx, r *Register) error {
	found, _ := c.of.LoadOrStore(r.Service, &count{turn: make(chan struct{}, 1)})
	n := found.(*count)
	select {
	case n.turn <- struct{}{}:
		defer func() { <-n.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	now := tx.Now()
	if age := now.Sub(n.at); n.at.IsZero() || age < 0 || age >= Counted {
		children, err := consent.Touched(ctx, tx, r.Service)
		if err != nil {
			return err
		}
		n.at, n.children = now, children
	}
	r.CountedAt = n.at
	for i, p := range r.Purposes {
		r.Purposes[i].Children = n.children[p.Name]
	}
	return nil
}
