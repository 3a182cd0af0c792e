package register

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/catalog"
	"wardkeep/internal/consent"
)

// Counted is how long a count is taken for that of now: it reads every consent of a
// service, and isn't worth that to each who looks.
const Counted = time.Minute

// seldom is how many times as long as a count took none follows it: to be looked at all the
// time costs a processor a twentieth at most.
const seldom = 20

// A Counter counts of how many children somebody agrees to each purpose, and remembers it.
// The zero Counter has counted nothing.
type Counter struct {
	of     sync.Map    // by service: *count
	beside atomic.Bool // somebody counts anew for those who ask
	all    atomic.Bool // every service that there was then has been counted
}

// A count is made by whoever takes its turn.
type count struct {
	turn   chan struct{}
	known  atomic.Pointer[known]
	wanted atomic.Bool // somebody has seen an old one
}

// A known is what was counted.
type known struct {
	at       time.Time
	took     time.Duration
	children map[string]int64
}

// Count fills in of how many children somebody has a standing grant, and when that was
// counted. Where somebody counts beside (Beside), an old count is given as it is, with its
// time, and a new one asked for: nobody waits while every consent is read. Else who asks
// counts, and who asks meanwhile waits for that.
func (c *Counter) Count(ctx context.Context, tx *db.Tx, r *Register) error {
	n := c.count(r.Service)
	k := n.known.Load()
	if old(k, tx.Now()) {
		if k != nil && c.beside.Load() {
			n.wanted.Store(true)
		} else {
			var err error
			if k, err = n.make(ctx, tx, r.Service); err != nil {
				return err
			}
		}
	}
	r.CountedAt = k.at
	for i, p := range r.Purposes {
		r.Purposes[i].Children = k.children[p.Name]
	}
	return nil
}

// Beside counts every service that wasn't counted yet, and again those of which an old count
// was given. It is called every second or so by somebody whom nobody waits for; from its
// first call on Count relies on that.
func (c *Counter) Beside(ctx context.Context, store *db.DB) error {
	c.beside.Store(true)
	if !c.all.Load() {
		if err := c.first(ctx, store); err != nil {
			return err
		}
		c.all.Store(true)
	}
	var faults error
	c.of.Range(func(service, found any) bool {
		n := found.(*count)
		k := n.known.Load()
		if k == nil || !n.wanted.Load() {
			return true
		}
		if age := store.Now().Sub(k.at); age >= 0 && age < seldom*k.took {
			return true
		}
		n.wanted.Store(false)
		faults = errors.Join(faults, store.View(ctx, func(tx *db.Tx) error {
			_, err := n.make(ctx, tx, service.(string))
			return err
		}))
		return ctx.Err() == nil
	})
	return faults
}

// first counts each service once, before somebody asks.
func (c *Counter) first(ctx context.Context, store *db.DB) error {
	var services []catalog.Service
	err := store.View(ctx, func(tx *db.Tx) (err error) {
		services, err = catalog.List(ctx, tx)
		return err
	})
	for _, service := range services {
		if err == nil {
			err = store.View(ctx, func(tx *db.Tx) error {
				_, err := c.count(service.Name).make(ctx, tx, service.Name)
				return err
			})
		}
	}
	return err
}

func (c *Counter) count(service string) *count {
	found, _ := c.of.LoadOrStore(service, &count{turn: make(chan struct{}, 1)})
	return found.(*count)
}

// make counts, unless somebody has just done so: it isn't done twice at once, and nobody waits
// for another service's.
func (n *count) make(ctx context.Context, tx *db.Tx, service string) (*known, error) {
	select {
	case n.turn <- struct{}{}:
		defer func() { <-n.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if k := n.known.Load(); !old(k, tx.Now()) {
		return k, nil
	}
	began := time.Now()
	children, err := consent.Touched(ctx, tx, service)
	if err != nil {
		return nil, err
	}
	k := &known{at: tx.Now(), took: time.Since(began), children: children}
	n.known.Store(k)
	return k, nil
}

// old reports whether a count isn't that of now: nor is one of a time to come, after the
// clock was put back.
func old(k *known, now time.Time) bool {
	if k == nil {
		return true
	}
	age := now.Sub(k.at)
	return age < 0 || age >= Counted
}
