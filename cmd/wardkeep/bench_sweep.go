package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	xiaoxi "wardkeep/examples/xiaoxi-english"
	"wardkeep/internal/app"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/charter"
	"wardkeep/internal/family"
	"wardkeep/internal/gate"
	"wardkeep/internal/ledger"
	"wardkeep/internal/vault"
)

const (
	sweepHeader = "  children   values  seconds  values/s  reads/s before  while sweeping  after  kept %  read p99 ms before  while sweeping  server µs/value  ledger lag s  RSS MB  peak MB"
	sweepLine   = "%10d %8d %8.1f %9.0f %15.0f %15.0f %6.0f %7.0f %19.1f %15.1f %16.1f %13.1f %7.0f %8.0f"

	// readable is how many children have what is read while the others' values end.
	readable = 10_000
	// slice is how long a run of reads takes between two looks at the sweep.
	slice = 500 * time.Millisecond
	// sweepLimit ends a measurement in which the sweep doesn't.
	sweepLimit = 30 * time.Minute
)

// sweepValues are what a child has whose values end: every item of the purpose.
func sweepValues(n int) map[string]pii.Text {
	all := map[string]pii.Text{"nickname": pii.New("小树"), "grade": pii.New("三年级"), "lesson_progress": pii.New("12"),
		"weekly_score": pii.New("88"), "answers": pii.New("apple, pear, plum"), "birth_date": pii.New("2017-06-01")}
	for name := range all {
		if len(all) > n && name != benchItem {
			delete(all, name)
		}
	}
	return all
}

// sweep prints how fast values end that are due, and what is left for reads meanwhile.
// The values were collected so long ago that all of them end at one moment, while the
// server runs.
func (b *bench) sweep(ctx context.Context) error {
	if err := b.seed(ctx, min(b.Children, readable)); err != nil {
		return err
	}
	live := b.world.children
	if err := b.seed(ctx, len(live)+b.Children); err != nil {
		return err
	}
	due := b.world.children[len(live):]
	b.world.children = live
	// What follows the ledger catches up before.
	if err := b.serving(ctx, func(at *server) error { return b.settle(ctx, at) }); err != nil {
		return err
	}
	ends, values, err := b.collectLongAgo(ctx, due)
	if err != nil {
		return err
	}
	b.say("bench.sweep_columns")
	b.print(sweepHeader)
	return b.serving(ctx, func(at *server) error { return b.swept(ctx, at, ends, values) })
}

// collectLongAgo gives each of the children values that end at one moment soon,
// later than all of them are written.
func (b *bench) collectLongAgo(ctx context.Context, children []string) (ends time.Time, values int, err error) {
	c, err := app.LoadConfig(b.file)
	if err != nil {
		return ends, 0, err
	}
	a, err := app.Open(ctx, c, b.loggerFrom(slog.LevelError))
	if err != nil {
		return ends, 0, err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	// A sample says how long the rest takes. Its values end with the others'.
	sample := max(len(children)/20, 1)
	ends = time.Now().Add(24 * time.Hour)
	began := time.Now()
	if err := b.collectAt(ctx, a, children[:sample], ends); err != nil {
		return ends, 0, err
	}
	each := time.Since(began) / time.Duration(sample)
	ends = time.Now().Add(each*time.Duration(len(children))*3/2 + time.Duration(len(children))*50*time.Microsecond + 6*b.Duration + 3*time.Second)
	if err := b.collectAt(ctx, a, children, ends); err != nil {
		return ends, 0, err
	}
	return ends, len(children) * b.Values, a.Ledger.Flush(ctx)
}

// collectAt collects values at that past moment from which on their period lasts until
// ends: those of each child a microsecond before those of the next.
func (b *bench) collectAt(ctx context.Context, a *app.App, children []string, ends time.Time) error {
	c, err := charter.Load(xiaoxi.Files)
	if err != nil {
		return err
	}
	purpose, _ := c.Purpose(benchPurpose)
	at := ends.AddDate(0, -18, 0)
	at = at.Add(ends.Sub(purpose.Retention.Expiry(at)))
	var later atomic.Int64
	a.Store.Now = func() time.Time { return at.Add(time.Duration(later.Add(1)) * time.Microsecond) }
	defer func() { a.Store.Now = time.Now }()
	values := sweepValues(b.Values)
	bar := b.progress("bench.seeding", len(children))
	defer bar.end()
	var group errgroup.Group
	group.SetLimit(seeders)
	for _, child := range children {
		group.Go(func() error {
			defer bar.add(1)
			return a.Store.Update(ctx, func(tx *db.Tx) error {
				_, err := a.Vault.Put(ctx, tx, gate.ByApp(b.world.app), benchService, family.ID(child), benchPurpose, values)
				return err
			})
		})
	}
	return group.Wait()
}

// swept measures reads before the values end, while they are swept, and afterwards.
func (b *bench) swept(ctx context.Context, at *server, ends time.Time, values int) (err error) {
	store, err := b.look(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	if err := b.warm(); err != nil {
		return err
	}
	l := b.load(at, slices.Max(b.Connections))
	defer l.close()
	read := operations[slices.IndexFunc(operations, func(o operation) bool { return o.name == "read" })]
	if time.Until(ends) < 2*b.Duration {
		return errBenchLate
	}
	before, err := l.reads(ctx, read, func() bool { return time.Until(ends) > b.Duration })
	if err != nil {
		return err
	}
	// Nothing is read between the two, so that what was waiting is done.
	time.Sleep(time.Until(ends))
	w := watch(ctx, store, ends)
	cpu := at.cpu()
	during, err := l.reads(ctx, read, w.running)
	cpu = at.cpu() - cpu
	if err = errors.Join(err, w.wait()); err != nil {
		return err
	}
	rest := time.Now()
	after, err := l.reads(ctx, read, func() bool { return time.Since(rest) < b.Duration*time.Duration(b.Runs) })
	if err != nil {
		return err
	}
	now, most := at.memory()
	took := w.ended.Sub(w.began).Seconds()
	alone := (before.perSecond() + after.perSecond()) / 2
	own := cpu - time.Duration(during.requests)*(before.perOne(before.server)+after.perOne(after.server))/2
	b.print(fmt.Sprintf(sweepLine, values/b.Values, values, took, float64(values)/took, before.perSecond(), during.perSecond(), after.perSecond(),
		100*during.perSecond()/alone, millis(before.quantile(0.99)), millis(during.quantile(0.99)), micros(own)/float64(values), w.lag.Seconds(), megabytes(now), megabytes(most)))
	return nil
}

// reads is many short runs while more says so.
func (l *load) reads(ctx context.Context, read operation, more func() bool) (sum result, err error) {
	sum.each = read.each
	for more() {
		r, err := l.run(ctx, read, slice)
		if err != nil {
			return sum, err
		}
		sum.latencies.add(&r.latencies)
		sum.requests += r.requests
		sum.took += r.took
		sum.server += r.server
	}
	return sum, nil
}

// look opens the store beside the server, to look at it.
func (b *bench) look(ctx context.Context) (*db.DB, error) {
	c, err := app.LoadConfig(b.file)
	if err != nil {
		return nil, err
	}
	return app.OpenStore(ctx, c)
}

// A watched is a sweep that is being watched: from when the first value is gone
// until none is due.
type watched struct {
	began, ended time.Time
	lag          time.Duration // that the oldest entry waited for its place, at most
	done         atomic.Bool
	group        sync.WaitGroup
	err          error
}

func (w *watched) running() bool { return !w.done.Load() }

func (w *watched) wait() error {
	w.group.Wait()
	return w.err
}

func watch(ctx context.Context, store *db.DB, ends time.Time) *watched {
	w := &watched{began: ends} // where it is over before the first look
	ctx, cancel := context.WithTimeout(ctx, sweepLimit)
	w.group.Go(func() {
		defer cancel()
		defer w.done.Store(true)
		var first []vault.Due
		for w.err == nil && w.ended.IsZero() {
			w.err = store.View(ctx, func(tx *db.Tx) error {
				due, err := vault.DueValues(ctx, tx, vault.Due{}, 1)
				if err != nil {
					return err
				}
				waiting, err := ledger.OldestPending(ctx, tx)
				now := time.Now()
				switch {
				case len(due) == 0:
					w.ended = now
				case first == nil:
					first, w.began = due, now
				case due[0] == first[0]:
					w.began = now
				}
				if !waiting.IsZero() {
					w.lag = max(w.lag, now.Sub(waiting))
				}
				return err
			})
			select {
			case <-ctx.Done():
				w.err = ctx.Err()
			case <-time.After(20 * time.Millisecond):
			}
		}
	})
	return w
}
