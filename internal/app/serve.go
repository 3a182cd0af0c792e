package app

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"wardkeep/internal/api"
	"wardkeep/internal/console"
	"wardkeep/internal/desk"
	"wardkeep/internal/inspector"
	"wardkeep/internal/rights"
	"wardkeep/internal/signin"
	"wardkeep/internal/web"
	"wardkeep/internal/webhook"
)

// Handler returns the server's edges: the JSON API, the pages and the ledger, and what
// machines ask to see how it does.
func (a *App) Handler() http.Handler {
	server := &api.Server{
		Store: a.Store, Ring: a.Ring, Vault: a.Vault, Charters: a.Charters, Ledger: a.Ledger, LedgerKey: a.LedgerKey,
		Messages: a.Messages, PublicURL: a.Config.PublicURL, Log: a.Log, Proxies: a.Config.proxies(),
		Metrics: a.Metrics, Traces: a.Traces, Publication: a.Publication,
		SweepEvery: a.Config.SweepEvery, Limits: a.Config.Limits.api(), Verification: a.Verification, Farewell: a.Farewell(), Calendar: a.Calendar, Clocks: rights.Clocks(a.Config.Clocks),
	}
	pages := &web.Server{
		Store: a.Store, Ring: a.Ring, Vault: a.Vault, Charters: a.Charters, Messages: a.Messages, LedgerKey: a.LedgerKey,
		PublicURL: a.Config.PublicURL, Log: a.Log, Outbox: a.Outbox, Proxies: a.Config.proxies(), Verification: a.Verification,
		Farewell: a.Farewell(), Calendar: a.Calendar, Clocks: rights.Clocks(a.Config.Clocks), Metrics: a.Metrics, Traces: a.Traces,
	}
	a.pages = pages
	a.state.edge.Store(server)
	inside := a.console()
	inside.Farewell = a.Farewell()
	return &edges{api: server.Handler(), pages: pages.Handler(), inside: inside.Handler(), parties: a.parties().Handler(), inspectors: a.inspectors().Handler(), live: a.state.probes(livePath), ready: a.state.probes(readyPath)}
}

// console serves the persons inside.
func (a *App) console() *console.Server {
	c := a.Config.Console
	return &console.Server{Store: a.Store, Ring: a.Ring, URL: c.URL, Idle: c.Idle, Most: c.Most, Log: a.Log, Proxies: a.Config.proxies(), Metrics: a.Metrics, Traces: a.Traces,
		Vault: a.Vault, LedgerKey: a.LedgerKey, Calendar: a.Calendar, Clocks: rights.Clocks(a.Config.Clocks), Provider: a.provider, Roles: a.roles, System: a.system(), Patience: a.patience(), Desk: a.Config.PublicURL, Warnings: a.Warnings(), Counter: &a.registers, Bundles: console.Maker{Wake: a.askBundle, Open: a.openBundle}}
}

// parties serves the persons of processors and recipients. It is where guardians' pages are: the
// console's address may be one that nobody outside can reach.
func (a *App) parties() *desk.Server {
	c := a.Config.Console
	return &desk.Server{Store: a.Store, Ring: a.Ring, Charters: a.Charters, Vault: a.Vault, Calendar: a.Calendar, URL: a.Config.PublicURL, Idle: c.Idle, Most: c.Most, Log: a.Log,
		Proxies: a.Config.proxies(), Metrics: a.Metrics, Traces: a.Traces}
}

// inspectors serves whom of an authority the office has invited: where guardians' pages are, too.
func (a *App) inspectors() *inspector.Server {
	return &inspector.Server{Store: a.Store, Ring: a.Ring, Charters: a.Charters, URL: a.Config.PublicURL, LedgerKey: a.LedgerKey, Log: a.Log,
		Proxies: a.Config.proxies(), Metrics: a.Metrics, Traces: a.Traces, Patience: a.patience()}
}

// patience is for how long the system may be late with what it does by itself.
func (a *App) patience() time.Duration { return max(retentionPatience, 2*a.Config.SweepEvery) }

// StaffDoor is how persons inside sign in.
func (a *App) StaffDoor() signin.Door { return a.console().Door() }

// PartyDoor is how persons of processors and recipients do.
func (a *App) PartyDoor() signin.Door { return a.parties().Door() }

// Limits of the server. A stranger who says nothing, or says it slowly, is let
// go.
const (
	headerTime = 5 * time.Second
	bodyTime   = 60 * time.Second
	answerTime = 120 * time.Second
	idleTime   = 120 * time.Second
	headerSize = 32 << 10
	drainTime  = 15 * time.Second
	lastTime   = 2 * time.Second // for the last traces
)

// server answers with a handler, within the limits. What net/http would write in a log of
// its own names whoever connected: it is counted.
func (a *App) server(h http.Handler) *http.Server {
	var lines io.Writer = io.Discard
	if a.Metrics != nil {
		lines = a.Metrics
	}
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: headerTime,
		ReadTimeout:       bodyTime,
		WriteTimeout:      answerTime,
		IdleTimeout:       idleTime,
		MaxHeaderBytes:    headerSize,
		ErrorLog:          log.New(lines, "", 0),
	}
}

// Serve answers on l, sequences the ledger, works on jobs and posts events, until ctx ends or
// one of them fails. When ctx ends, /readyz says no, for as long as the configuration has
// it (drain), while everything is still answered: so load balancers lead nobody here any
// more before a connection is refused. Then requests that are running get drainTime to end.
func (a *App) Serve(told context.Context, l net.Listener) (err error) {
	if err := a.openTraces(told); err != nil {
		return err
	}
	if err := a.checkFar(told); err != nil {
		if told.Err() != nil {
			return nil // told to stop before anything was served
		}
		return err
	}
	ctx, end := context.WithCancel(context.WithoutCancel(told))
	defer end()
	defer context.AfterFunc(told, func() {
		a.state.drain()
		if a.Config.Drain > 0 {
			a.Log.InfoContext(ctx, "draining", "for", a.Config.Drain)
			time.AfterFunc(a.Config.Drain, end)
			return
		}
		end()
	})()
	defer func() {
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastTime)
		defer cancel()
		if lost := a.Traces.Close(last); lost != nil {
			a.Log.WarnContext(last, "traces: not sent", "error", lost)
		}
	}()
	server := a.server(a.Handler())
	if err := a.Tidy(); err != nil {
		a.Log.WarnContext(ctx, "backup: what one that was killed has left is not removed", "error", err)
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		var err error
		if t := a.Config.TLS; t.CertificateFile != "" {
			err = server.ServeTLS(l, t.CertificateFile, t.KeyFile)
		} else {
			err = server.Serve(l)
		}
		if errors.Is(err, http.ErrServerClosed) {
			return nil
		}
		return err
	})
	group.Go(func() error {
		<-ctx.Done()
		drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
		defer cancel()
		return server.Shutdown(drain)
	})
	group.Go(func() error { return a.serveOperators(ctx) })
	group.Go(func() error { return a.Ledger.Run(ctx) })
	group.Go(func() error {
		err := a.runJobs(ctx)
		if ctx.Err() != nil {
			return nil // told to stop, perhaps while it was still starting
		}
		return err
	})
	group.Go(func() error {
		if err := a.lostLetters(ctx); err != nil && ctx.Err() == nil {
			a.Log.WarnContext(ctx, "message: whether farewells were lost isn't known", "error", err)
		}
		return nil
	})
	group.Go(func() error { return a.watchKeys(ctx) })
	group.Go(func() error { return a.watchSeen(ctx) })
	group.Go(func() error { return a.watchOutside(ctx) })
	group.Go(func() error { return a.watchUses(ctx) })
	group.Go(func() error { return a.Publication.Sets.Run(ctx) })
	if a.Webhooks != nil {
		group.Go(func() error {
			webhook.NewDeliverer(a.Store, a.Vault, a.Webhooks, a.Log).Run(ctx)
			return nil
		})
	}
	err = group.Wait()
	a.pages.Wait()      // codes that are on their way
	a.Farewell().Wait() // and letters
	// So that the next process need not wait for the lease to run out.
	return errors.Join(err, a.Ledger.Release(context.WithoutCancel(ctx)))
}

// usesEvery is how often it is written down which keys of apps were used.
const usesEvery = 5 * time.Minute

// watchUses writes it down until ctx ends, and once more then.
func (a *App) watchUses(ctx context.Context) error {
	tick := time.NewTicker(usesEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastTime)
		err := a.state.edge.Load().NoteUses(last)
		cancel()
		if err != nil {
			a.Log.WarnContext(ctx, "account: when keys were used isn't noted", "error", err)
		}
		if ctx.Err() != nil {
			return nil
		}
	}
}
