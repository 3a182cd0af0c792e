package web

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"wardkeep/internal/base/errs"
	"wardkeep/internal/family"
	"wardkeep/internal/vault"
)

// Refusals of a file of a copy for the time being.
var (
	ErrCopying = errs.New(errs.TooMany, "web.copying") // another large one of this guardian's is being sent
	ErrCopies  = errs.New(errs.TooMany, "web.copies")  // too many large ones are
)

// How many copies there are in the memory of a node. One that is being made is there
// some five times, 200 MiB at most in all. One that is made is there once, as
// ciphertext, until its reader has it.
const (
	copiesMade = 2
	copiesSent = 8 * vault.MaxPart // bytes of the large ones
	largeCopy  = 1 << 20           // bytes of values; a smaller one is sent as any page is
)

// copies is the room for them. Making one takes a moment, and waits for nobody who
// reads. Of the large ones each guardian takes one at a time, and all together what
// memory bears; so whoever reads slowly, from however many phones, holds up its own.
type copies struct {
	patience time.Duration
	making   *semaphore.Weighted // both let in who has waited longest
	sending  *semaphore.Weighted
	mu       sync.Mutex
	taken    map[family.GuardianID]chan struct{} // by whom; closed when it has it
}

func newCopies() copies {
	return copies{
		patience: 15 * time.Second, making: semaphore.NewWeighted(copiesMade), sending: semaphore.NewWeighted(copiesSent),
		taken: make(map[family.GuardianID]chan struct{}),
	}
}

// enter waits until there is room for a file of so many bytes of values for a guardian.
// The caller leaves when it was sent. Errors: ErrCopying, ErrCopies.
func (c *copies) enter(ctx context.Context, guardian family.GuardianID, size int64) (leave func(), err error) {
	if size <= largeCopy {
		return func() {}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, c.patience)
	defer cancel()
	taken, err := c.alone(ctx, guardian)
	if err != nil {
		return nil, err
	}
	size = min(size, copiesSent)
	if c.sending.Acquire(ctx, size) != nil {
		taken()
		return nil, ErrCopies
	}
	return func() {
		c.sending.Release(size)
		taken()
	}, nil
}

// alone waits until a guardian takes no other large file.
func (c *copies) alone(ctx context.Context, guardian family.GuardianID) (taken func(), err error) {
	for {
		c.mu.Lock()
		other, busy := c.taken[guardian]
		if !busy {
			mine := make(chan struct{})
			c.taken[guardian] = mine
			c.mu.Unlock()
			return func() {
				c.mu.Lock()
				defer c.mu.Unlock()
				delete(c.taken, guardian)
				close(mine)
			}, nil
		}
		c.mu.Unlock()
		select {
		case <-other:
		case <-ctx.Done():
			return nil, ErrCopying
		}
	}
}

// turn waits for its turn to make a file. The caller is done before the file is sent.
// Errors: ErrCopies.
func (c *copies) turn(ctx context.Context) (done func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, c.patience)
	defer cancel()
	if c.making.Acquire(ctx, 1) != nil {
		return nil, ErrCopies
	}
	return func() { c.making.Release(1) }, nil
}

// How fast a copy must be taken: a phone far from the town does. It is let go of
// otherwise, so that it holds memory for six minutes at most.
const (
	pace      = 64 << 10 // bytes a second
	headStart = 30 * time.Second
	pieces    = 64 << 10 // bytes that are sent at once
)

// A pacer writes to a reader who keeps pace, after a head start.
type pacer struct {
	w     http.ResponseWriter
	until time.Time // what was written is read by then
}

func paced(w http.ResponseWriter) *pacer { return &pacer{w, time.Now().Add(headStart)} }

func (p *pacer) Write(b []byte) (int, error) {
	p.until = p.until.Add(time.Duration(len(b)) * time.Second / pace)
	if err := http.NewResponseController(p.w).SetWriteDeadline(p.until); err != nil && !errors.Is(err, errors.ErrUnsupported) {
		return 0, err
	}
	return p.w.Write(b)
}
