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
	mu    sync.Mutex
	known map[string]count
}

type count struct {
	at       time.Time
	children map[string]int64
}

// Count fills in of how many children somebody has a standing grant, and when that was
// counted. Who asks while it is counted waits for it: it isn't counted twice at once.
func (c *Counter) Count(ctx context.Context, tx *db.Tx, r *Register) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	n, now := c.known[r.Service], tx.Now()
	if age := now.Sub(n.at); n.at.IsZero() || age < 0 || age >= Counted {
		children, err := consent.Touched(ctx, tx, r.Service)
		if err != nil {
			return err
		}
		n = count{now, children}
		if c.known == nil {
			c.known = make(map[string]count)
		}
		c.known[r.Service] = n
	}
	r.CountedAt = n.at
	for i, p := range r.Purposes {
		r.Purposes[i].Children = n.children[p.Name]
	}
	return nil
}
