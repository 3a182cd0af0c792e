package app

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/catalog"
	"wardkeep/internal/evidence"
)

// Archives that somebody asks for at the console are made beside all else, one at a time, into a folder of the data
// directory: for as long as one is being made it has another name there, by which it isn't given out.
const (
	bundleDir  = "evidence"
	bundleWait = 10 * time.Second // how often a node looks for one that another has taken down
)

// atConsole is who makes them: the row, and an entry, say who has asked.
var atConsole = catalog.Operator{ID: "console"}

func (a *App) bundlePath(name string) string { return filepath.Join(a.Config.DataDir, bundleDir, name) }

// askBundle wakes who makes archives.
func (a *App) askBundle() {
	select {
	case a.bundles <- struct{}{}:
	default: // it is awake
	}
}

// openBundle opens the file of an archive, to be read. Errors: those of os.Open.
func (a *App) openBundle(name string) (*os.File, error) {
	return os.Open(a.bundlePath(evidence.FileName(name)))
}

// makeBundles makes what is asked for, until ctx ends. If the process dies, the row stops giving signs of life, which is
// said, and what was written goes with the next look.
func (a *App) makeBundles(ctx context.Context) {
	tick := time.NewTicker(bundleWait)
	defer tick.Stop()
	for ctx.Err() == nil {
		made, err := a.makeBundle(ctx)
		if err != nil && ctx.Err() == nil && !errors.Is(err, db.ErrClosed) {
			a.Log.ErrorContext(ctx, "evidence: a bundle isn't made", "code", errs.Of(err).Code, "error", err)
		}
		if made {
			continue
		}
		select {
		case <-tick.C:
		case <-a.bundles:
		case <-ctx.Done():
		}
	}
}

// makeBundle makes the oldest archive that waits, and reports whether there was one.
func (a *App) makeBundle(ctx context.Context) (made bool, err error) {
	if err := a.tidyBundles(ctx); err != nil {
		return false, err
	}
	var b evidence.Bundle
	err = a.Store.Update(ctx, func(tx *db.Tx) (err error) {
		b, made, err = evidence.Begin(ctx, tx, a.Ring, a.Config.Node)
		return err
	})
	if err != nil || !made {
		return false, err
	}
	size, hash, m, err := a.writeBundle(ctx, b)
	failure := ""
	if err != nil {
		failure = unmade(ctx, err)
	}
	end := context.WithoutCancel(ctx) // who stops the server is told that it was given up
	return true, errors.Join(err, a.Store.Update(end, func(tx *db.Tx) error { return b.End(end, tx, a.Ring, size, hash, m, failure) }))
}

// unmade is the code of why one wasn't made, whose words fit on its page: the log has the rest.
func unmade(ctx context.Context, err error) string {
	switch e := errs.Of(full(err)); {
	case ctx.Err() != nil:
		return evidence.ErrTaken.Code
	case e.Kind == errs.Internal:
		return evidence.ErrUnmade.Code
	default:
		return e.Code
	}
}

// writeBundle writes the file, and returns how long it is, its hash and that of its manifest.
func (a *App) writeBundle(ctx context.Context, b evidence.Bundle) (size int64, hash, manifest string, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	f, err := os.OpenFile(a.bundlePath(evidence.PartName(b.ID)), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return 0, "", "", err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
			f.Close()
		}
	}()
	var done, total atomic.Int64
	beating := make(chan struct{})
	go func() {
		defer close(beating)
		for tick := time.NewTicker(evidence.Beat); ; {
			select {
			case <-ctx.Done():
				tick.Stop()
				return
			case <-tick.C:
				if err := a.Store.Update(ctx, func(tx *db.Tx) error { return b.Alive(ctx, tx, done.Load(), total.Load()) }); errors.Is(err, evidence.ErrTaken) {
					cancel() // it was taken for dead: nobody waits for it any more
				}
			}
		}
	}()
	sum, length := sha256.New(), &written{}
	m, err := evidence.Make(ctx, a.Store, a.Ledger, atConsole, evidence.Order{Scope: b.Scope, Bundle: b.ID, Origin: a.Config.LedgerOrigin, Recipient: b.Recipient,
		Progress: func(n, of int64) { done.Store(n); total.Store(of) }}, io.MultiWriter(f, sum, length))
	cancel()
	<-beating
	if err == nil {
		err = evidence.Place(f, a.bundlePath(evidence.FileName(b.ID)))
	}
	return length.n, hex.EncodeToString(sum.Sum(nil)), m.Hash(), err
}

// A written counts what is written to it.
type written struct{ n int64 }

func (c *written) Write(b []byte) (int, error) {
	c.n += int64(len(b))
	return len(b), nil
}

// tidyBundles removes the files of archives that aren't kept: what was given up, and what is over.
func (a *App) tidyBundles(ctx context.Context) error {
	dir := a.bundlePath("")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) == 0 {
		return err
	}
	var all []evidence.Bundle
	var now time.Time
	err = a.Store.View(ctx, func(tx *db.Tx) (err error) {
		now = tx.Now()
		all, err = evidence.Bundles(ctx, tx)
		return err
	})
	for _, f := range files {
		if err == nil && evidence.Stale(f.Name(), all, now) {
			err = cmp.Or(err, os.Remove(filepath.Join(dir, f.Name())))
		}
	}
	return err
}
