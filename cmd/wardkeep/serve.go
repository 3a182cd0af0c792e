package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"runtime/debug"
	"runtime/pprof"
	"syscall"

	"wardkeep/internal/app"
	"wardkeep/internal/base/errs"
)

// Why a server can't listen.
var (
	errAddressInUse  = errs.New(errs.Unavailable, "cmd.address_in_use")
	errAddressDenied = errs.New(errs.Unavailable, "cmd.address_denied")
	errAddress       = errs.New(errs.Invalid, "cmd.address_invalid")
	errCertificate   = errs.New(errs.Invalid, "cmd.certificate") // or its key: missing, unreadable, or not a pair
)

type serveCmd struct {
	New        bool   `help:"${new_store}"`
	CPUProfile string `name:"cpuprofile" placeholder:"FILE" help:"${cpuprofile}"`
}

// Run serves until it is told to stop (SIGTERM, SIGINT). Requests that are
// running may end; a second signal ends the process at once.
func (c serveCmd) Run(ctx context.Context, s *session) (err error) {
	if c.CPUProfile != "" {
		end, err := profile(c.CPUProfile)
		if err != nil {
			return err
		}
		defer end()
	}
	return c.serve(ctx, s)
}

// profile writes what the process computes into a file, until end is called.
func profile(file string) (end func(), err error) {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return func() { pprof.StopCPUProfile(); f.Close() }, nil
}

func (c serveCmd) serve(ctx context.Context, s *session) (err error) {
	collectLess()
	context.AfterFunc(ctx, func() { signal.Reset(os.Interrupt, syscall.SIGTERM) })
	log := slog.New(slog.NewJSONHandler(s.err, nil))
	slog.SetDefault(log)
	settings, err := s.load()
	if err != nil {
		return err
	}
	if !c.New {
		if err := settings.CheckStore(); err != nil {
			return err
		}
	}
	if t := settings.TLS; t.CertificateFile != "" {
		if _, err := tls.LoadX509KeyPair(t.CertificateFile, t.KeyFile); err != nil {
			return fmt.Errorf("%w: %w", errCertificate, err)
		}
	}
	// First the address: a second server is refused before it touches the store.
	l, err := listen(ctx, settings.Listen)
	if err != nil {
		return err
	}
	defer l.Close()
	a, err := app.Open(ctx, settings, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	if err := a.OpenSenders(); err != nil {
		return err
	}
	log.InfoContext(ctx, "serving", "address", l.Addr().String(), "url", settings.PublicURL, "store", a.Store.Engine(),
		"kek", a.KEK.Name(), "ledger_key", a.LedgerKey)
	err = a.Serve(ctx, l)
	log.InfoContext(ctx, "stopped")
	return err
}

// collectLess lets garbage collection wait until three times of what lives is on
// the heap, unless the environment says otherwise. What lives is some ten
// megabytes, however many children there are, and collecting at twice of it
// takes a fifth of the processor (docs/performance.md).
func collectLess() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(200)
	}
}

func listen(ctx context.Context, address string) (net.Listener, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("%w: %s", errAddressInUse, address)
	case errors.Is(err, syscall.EACCES):
		return nil, fmt.Errorf("%w: %s", errAddressDenied, address)
	case err != nil:
		return nil, fmt.Errorf("%w: %w", errAddress, err)
	}
	return l, nil
}
