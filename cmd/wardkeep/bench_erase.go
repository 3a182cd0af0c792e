package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"wardkeep/internal/app"
	"wardkeep/internal/base/db"
	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
	"wardkeep/internal/family"
	"wardkeep/internal/gate"
	"wardkeep/internal/ledger"
	"wardkeep/internal/notify"
	"wardkeep/internal/retention"
	"wardkeep/internal/vault"
)

const (
	eraseAllHeader = "    erased  seconds  children/s  ledger lag s  CPU µs/child  written KB/child  RSS MB  peak MB"
	eraseAllLine   = "%10d %8.1f %11.0f %13.1f %13.1f %17.1f %7.0f %8.0f"

	// steps is into how many lines the measurement is cut, at least.
	steps = 10
)

// A postbox is a gateway that takes everything.
type postbox struct{ letters atomic.Int64 }

// Send counts the letter.
func (t *postbox) Send(context.Context, notify.Message) error {
	t.letters.Add(1)
	return nil
}

// eraseAll erases every child of a store in this process, each with its letters and its
// certificate, while the ledger is numbered.
func (b *bench) eraseAll(ctx context.Context) (err error) {
	if err := b.seed(ctx, b.Children); err != nil {
		return err
	}
	c, err := app.LoadConfig(b.file)
	if err != nil {
		return err
	}
	a, err := app.Open(ctx, c, b.loggerFrom(slog.LevelError))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	if err := b.warm(); err != nil {
		return err
	}
	sink := new(postbox)
	a.Messages = notify.Router{notify.SMS: sink, notify.Email: sink}
	if b.CPUProfile != "" {
		end, err := profile(b.CPUProfile)
		if err != nil {
			return err
		}
		defer end()
	}
	run, stop := context.WithCancel(ctx)
	numbered := make(chan error, 1)
	go func() { numbered <- a.Ledger.Run(run) }()
	if err := b.closed(ctx, a); err != nil {
		return errors.Join(err, stopped(stop, numbered))
	}
	e := &erasing{bench: b, app: a, began: time.Now(), line: time.Now(), cpu: ownCPU(), written: written()}
	b.say("bench.erase_all_columns")
	b.print(eraseAllHeader)
	if err := errors.Join(e.all(ctx), stopped(stop, numbered)); err != nil {
		return err
	}
	if err := a.Ledger.Flush(ctx); err != nil {
		return err
	}
	a.Farewell().Wait()
	b.say("bench.erased_all", "Children", e.done, "Seconds", fmt.Sprintf("%.1f", time.Since(e.began).Seconds()), "Letters", sink.letters.Load())
	return nil
}

// stopped ends what numbers the ledger.
func stopped(stop context.CancelFunc, numbered <-chan error) error {
	stop()
	return <-numbered
}

// closed announces the end of the service, and says how long that took until a use was
// denied that was permitted before.
func (b *bench) closed(ctx context.Context, a *app.App) error {
	use := gate.Use{Service: benchService, Child: family.ID(b.world.children[0]), Activity: charter.Use, Purpose: benchPurpose, Items: []string{benchItem}}
	permitted := func() (is bool, err error) {
		err = a.Store.View(ctx, func(tx *db.Tx) error {
			all, err := a.Vault.Decide(ctx, tx, []vault.Question{{By: gate.ByApp(b.world.app), Uses: []gate.Use{use}}})
			is = err == nil && all[0][0].Permitted
			return err
		})
		return is, err
	}
	before, err := permitted()
	if err != nil {
		return err
	}
	began := time.Now()
	err = a.Store.Update(ctx, func(tx *db.Tx) error {
		_, _, err := catalog.Cease(ctx, tx, b.world.officer, benchService, "", catalog.Discontinued, tx.Now().Add(2*catalog.LeastWindow))
		return err
	})
	if err != nil {
		return err
	}
	after, err := permitted()
	if err != nil {
		return err
	}
	if !before || after {
		return errBenchAnswer
	}
	b.say("bench.closed", "Children", b.Children, "Milliseconds", millis(time.Since(began)))
	return nil
}

// erasing is an erasure of all children that is under way.
type erasing struct {
	*bench
	app         *app.App
	began, line time.Time
	done, said  int
	cpu         time.Duration
	lag         time.Duration
	written     int64
}

// eraseLook is how many children are looked up at once.
const eraseLook = 1000

func (e *erasing) all(ctx context.Context) error {
	for {
		var children []family.Child
		var waiting time.Time
		err := e.app.Store.View(ctx, func(tx *db.Tx) (err error) {
			if waiting, err = ledger.OldestPending(ctx, tx); err != nil {
				return err
			}
			children, err = family.List(ctx, tx, benchService, "", eraseLook)
			return err
		})
		if err != nil {
			return err
		}
		if !waiting.IsZero() {
			e.lag = max(e.lag, time.Since(waiting))
		}
		if len(children) > 0 {
			n, err := retention.EraseAll(ctx, e.app.Store, e.app.Vault, e.app.Farewell(), "system:bench", family.Cessation, children)
			if err != nil {
				return err
			}
			e.done += n
		}
		if e.done-e.said >= e.Children/steps || len(children) == 0 && e.done > e.said {
			e.report()
		}
		if len(children) == 0 {
			return nil
		}
	}
}

func (e *erasing) report() {
	now, cpu, bytes := time.Now(), ownCPU(), written()
	n := e.done - e.said
	e.print(fmt.Sprintf(eraseAllLine, e.done, now.Sub(e.began).Seconds(), float64(n)/now.Sub(e.line).Seconds(), e.lag.Seconds(),
		micros(cpu-e.cpu)/float64(n), float64(bytes-e.written)/float64(n)/1024, megabytes(procStatus(os.Getpid(), "VmRSS:")), megabytes(procStatus(os.Getpid(), "VmHWM:"))))
	e.line, e.said, e.cpu, e.lag, e.written = now, e.done, cpu, 0, bytes
}
