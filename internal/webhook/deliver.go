package webhook

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/ledger"
	"wardkeep/internal/vault"
)

const (
	abreast   = 4                // events that one endpoint gets at once
	lookEvery = time.Second      // between two looks at the ledger and the queues
	restTime  = 30 * time.Second // of an endpoint whose queue couldn't be worked on
	leaseTime = 15 * time.Second // how long a node may be silent before another takes over
	leaseName = "webhooks"
)

// errBusy says that another node delivers.
var errBusy = errors.New("webhook: another node has the lease")

// A Deliverer works on the queues. Several nodes may have one: they take turns by a
// lease. Only order and efficiency rest on it: two who deliver at once send the same
// events under the same ids.
type Deliverer struct {
	store  *db.DB
	ring   *keyring.Ring
	vault  *vault.Vault
	client *Client
	log    *slog.Logger
	room   int64 // of one endpoint's queue

	holder string    // names this process in the lease
	until  time.Time // of the lease, as this process knows
}

// NewDeliverer sends nothing before Run.
func NewDeliverer(store *db.DB, v *vault.Vault, client *Client, log *slog.Logger) *Deliverer {
	return &Deliverer{store: store, ring: v.Ring, vault: v, client: client, log: log, room: usualRoom, holder: id.Secret(16)}
}

// Run delivers until ctx ends. Each endpoint is worked on by itself: one that hangs
// keeps nobody else waiting. A try that ctx cuts off is made again by the next
// process, under the same id.
func (d *Deliverer) Run(ctx context.Context) {
	defer d.release(context.WithoutCancel(ctx))
	wait := time.NewTicker(lookEvery)
	defer wait.Stop()
	for ctx.Err() == nil {
		d.term(ctx, wait.C)
	}
}

// term delivers as long as this process has the lease.
func (d *Deliverer) term(ctx context.Context, tick <-chan time.Time) {
	ctx, end := context.WithCancel(ctx)
	var working sync.WaitGroup
	defer working.Wait()
	defer end()
	var mu sync.Mutex
	next := map[string]time.Time{} // when an endpoint may be looked at; the zero time while it is
	for {
		endpoints, err := d.turn(ctx)
		switch {
		case ctx.Err() != nil || errors.Is(err, db.ErrClosed):
			<-ctx.Done()
			return
		case err != nil && !errors.Is(err, errBusy):
			d.log.ErrorContext(ctx, "webhook: the queues aren't worked on", "error", err)
		}
		for _, endpoint := range endpoints {
			mu.Lock()
			at, known := next[endpoint]
			free := !known || !at.IsZero() && !time.Now().Before(at)
			if free {
				next[endpoint] = time.Time{}
			}
			mu.Unlock()
			if !free {
				continue
			}
			working.Go(func() {
				rest := time.Duration(0)
				if err := d.work(ctx, endpoint); err != nil && ctx.Err() == nil {
					rest = restTime
					d.log.ErrorContext(ctx, "webhook: a queue isn't worked on", "endpoint", endpoint, "code", errs.Of(err).Code, "error", err)
				}
				mu.Lock()
				next[endpoint] = time.Now().Add(rest)
				mu.Unlock()
			})
		}
		select {
		case <-tick:
		case <-ctx.Done():
			return
		}
		if errors.Is(err, errBusy) {
			return
		}
	}
}

// turn returns the endpoints that there are, if this process has the lease, or gets it.
func (d *Deliverer) turn(ctx context.Context) (endpoints []string, err error) {
	var others []db.Time // until when another process has the lease
	err = d.store.View(ctx, func(tx *db.Tx) error {
		endpoints, others = nil, nil
		return tx.Together(ctx,
			db.ReadInto(&endpoints, db.Single[string], `SELECT endpoint FROM webhook_endpoint WHERE paused_at IS NULL ORDER BY endpoint`),
			db.ReadInto(&others, db.Single[db.Time], `SELECT until FROM lease WHERE name = $1 AND holder <> $2`, leaseName, d.holder))
	})
	now := d.store.Now()
	switch {
	case err != nil, len(endpoints) == 0:
		return nil, err
	case len(others) > 0 && !time.Time(others[0]).Before(now):
		return nil, errBusy // seen without asking for the one writer
	case len(others) == 0 && now.Add(leaseTime/2).Before(d.until):
		return endpoints, nil
	}
	var until time.Time
	err = d.store.Update(ctx, func(tx *db.Tx) error {
		now := tx.Now()
		until = now.Add(leaseTime)
		n, err := tx.Exec(ctx, `
			INSERT INTO lease (name, holder, until) VALUES ($1, $2, $3)
			ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until
			WHERE lease.holder = excluded.holder OR lease.until < $4`,
			leaseName, d.holder, (*db.Time)(&until), (*db.Time)(&now))
		if err == nil && n != 1 {
			err = errBusy
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	d.until = until
	return endpoints, nil
}

// release gives the lease up, so that the next node need not wait until it runs out.
func (d *Deliverer) release(ctx context.Context) {
	if d.until.IsZero() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	err := d.store.Update(ctx, func(tx *db.Tx) error {
		return tx.Queue(ctx, `UPDATE lease SET until = $1 WHERE name = $2 AND holder = $3`, 0, leaseName, d.holder)
	})
	if err != nil && !errors.Is(err, db.ErrClosed) {
		d.log.WarnContext(ctx, "webhook: the lease wasn't given up", "error", err)
	}
}

// work fills an endpoint's queue and sends what is due, until nothing is.
func (d *Deliverer) work(ctx context.Context, endpoint string) error {
	for ctx.Err() == nil {
		began := time.Now()
		more, sent, err := d.step(ctx, endpoint)
		if errors.Is(err, ErrNotFound) {
			return nil // it was removed
		}
		if err != nil || sent == 0 && !more {
			return err
		}
		if sent == 0 {
			// Whoever has millions of entries to pass leaves the processors to others.
			select {
			case <-time.After(3 * time.Since(began)):
			case <-ctx.Done():
			}
		}
	}
	return nil
}

// step passes one stretch of the ledger and sends one batch.
func (d *Deliverer) step(ctx context.Context, endpoint string) (more bool, sent int, err error) {
	var e Endpoint
	var s stretch
	err = d.store.View(ctx, func(tx *db.Tx) (err error) {
		if e, err = find(ctx, tx, endpoint); err == nil {
			s, err = e.look(ctx, tx, d.room)
		}
		return err
	})
	if err != nil || !e.PausedAt.IsZero() {
		return false, 0, err
	}
	if _, err := e.open(d.ring); err != nil {
		return false, 0, err // before anything is passed in the ledger by what the row says
	}
	if s.to > s.from {
		err := d.store.Update(ctx, func(tx *db.Tx) error { return e.fill(ctx, tx, s) })
		if err != nil && !errors.Is(err, ledger.ErrCursorMoved) {
			return false, 0, err
		}
	}
	var due []Delivery
	var bundles []vault.Bundle
	err = d.store.View(ctx, func(tx *db.Tx) (err error) {
		if due, err = e.due(ctx, tx); err == nil {
			bundles, err = e.bundles(ctx, tx)
		}
		return err
	})
	if err != nil {
		return false, 0, err
	}
	// What a party is to delete comes before what it gets.
	err = errors.Join(
		send(due, func(one Delivery) error { return d.deliver(ctx, endpoint, one) }),
		send(bundles, func(one vault.Bundle) error { return d.deliverBundle(ctx, endpoint, one) }))
	return s.more, len(due) + len(bundles), err
}

// find returns an endpoint as it is now. Errors: ErrNotFound.
func find(ctx context.Context, tx *db.Tx, endpoint string) (Endpoint, error) {
	e, err := db.One(ctx, tx, scan, `SELECT `+columns+` FROM webhook_endpoint WHERE endpoint = $1`, endpoint)
	if errors.Is(err, db.ErrNone) {
		err = ErrNotFound
	}
	return e, err
}

// send sends a batch, some of it at once, and returns the first error that isn't the
// receiver's.
func send[T any](due []T, deliver func(T) error) error {
	var wrong error
	var once sync.Once
	var sending sync.WaitGroup
	turns := make(chan struct{}, abreast)
	for _, one := range due {
		turns <- struct{}{}
		sending.Go(func() {
			defer func() { <-turns }()
			if err := deliver(one); err != nil {
				once.Do(func() { wrong = err })
			}
		})
	}
	sending.Wait()
	return wrong
}

// deliver sends one event and writes down what became of it. If we crash in between,
// its row says that it was not sent, and it is sent again. The endpoint is read anew:
// a secret that was changed, a pause, or an end counts from the next event on.
func (d *Deliverer) deliver(ctx context.Context, endpoint string, one Delivery) error {
	var e Endpoint
	var event string
	var body []byte
	err := d.store.View(ctx, func(tx *db.Tx) (err error) {
		if e, err = find(ctx, tx, endpoint); err == nil {
			event, body, err = e.letterOf(ctx, tx, d.ring, one)
		}
		return err
	})
	if errors.Is(err, ErrNoEvent) {
		// Somebody wrote the row by hand: it is no event of this endpoint.
		return d.store.Update(ctx, func(tx *db.Tx) error { return e.drop(ctx, tx, one) })
	}
	var unread error
	if errors.Is(err, keyring.ErrOpen) {
		// What leads to one child was changed by hand: that holds up no other's events, and is parked in the end.
		unread, err = err, nil
	}
	if err != nil || !e.PausedAt.IsZero() {
		return err
	}
	l, err := e.open(d.ring)
	if err != nil {
		return err
	}
	keys, err := l.keys(d.store.Now())
	if err != nil {
		return err
	}
	status, failure := 0, unread
	if failure == nil {
		status, failure = d.client.try(ctx, Address{l.URL}, event, body, keys...)
	}
	if failure != nil && ctx.Err() != nil {
		return ctx.Err() // we cut it off; the receiver isn't to blame
	}
	// The answer is here: a server that is told to stop still writes it down.
	ctx = context.WithoutCancel(ctx)
	parked := false
	err = d.store.Update(ctx, func(tx *db.Tx) (err error) {
		if failure == nil {
			return e.taken(ctx, tx, one)
		}
		parked, err = e.failed(ctx, tx, one, failure, status)
		return err
	})
	if err == nil && parked {
		d.log.ErrorContext(ctx, "webhook: parked", "endpoint", e.ID, "service", e.Service, "event", event,
			"code", errs.Of(failure).Code, "status", status)
	}
	return err
}
