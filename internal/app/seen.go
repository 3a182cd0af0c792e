package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"wardkeep/internal/backup"
	"wardkeep/internal/base/db"
	"wardkeep/internal/ledger"
)

// A node remembers, in a file of its own, the latest checkpoint of the ledger that it has
// seen, and works on no store that holds less: a database that was put back by other tools, or
// a replica that has lost what was acknowledged, has children in it who are erased (edge case 15).
const (
	seenFile  = "seen-checkpoint"
	seenEvery = time.Second
)

// seen is what this process has seen of its store.
type seen struct {
	mu    sync.Mutex
	whole bool              // the store isn't one that waits to be replayed
	last  ledger.Checkpoint // zero: nothing yet
}

// checkPlace refuses a store that was put back and not replayed, as far as the store itself
// says so: by its mark, or because it says that it lies elsewhere.
func checkPlace(ctx context.Context, store *db.DB) error {
	place, err := store.Place(ctx)
	if err != nil {
		return err
	}
	var was string
	err = store.View(ctx, func(tx *db.Tx) (err error) {
		if err = backup.Check(ctx, tx); err == nil {
			was, err = backup.Place(ctx, tx)
		}
		return err
	})
	switch {
	case err != nil || was == place:
		return err
	case was != "":
		return fmt.Errorf("%w: its place was %s, and is %s", backup.ErrNotReplayed, was, place)
	}
	return store.Update(ctx, func(tx *db.Tx) error { return backup.Settle(ctx, tx, place) })
}

func (a *App) seenPath() string { return filepath.Join(a.Config.DataDir, seenFile) }

// recall reads what this node has seen, and returns its text, or "" where there is none.
// Errors: backup.ErrSeenForeign, if it can't be known: what a node can't read may say that
// the store has lost something, and is neither passed over nor written over (invariant 3).
func (a *App) recall() (string, ledger.Checkpoint, error) {
	text, err := os.ReadFile(a.seenPath())
	if errors.Is(err, fs.ErrNotExist) {
		return "", ledger.Checkpoint{}, nil
	}
	var c ledger.Checkpoint
	if err == nil {
		c, err = ledger.OpenCheckpoint(string(text), a.LedgerKey)
	}
	if err != nil {
		return "", ledger.Checkpoint{}, fmt.Errorf("%w: %s: %w", backup.ErrSeenForeign, a.seenPath(), err)
	}
	return string(text), c, nil
}

// checkSeen refuses a store that holds less than this node has seen of it.
func (a *App) checkSeen(ctx context.Context) error {
	_, last, err := a.recall()
	if err == nil {
		err = a.Store.View(ctx, func(tx *db.Tx) error { return backup.Reaches(ctx, tx, last) })
	}
	a.seen.whole, a.seen.last = err == nil, last
	return err
}

// remember keeps the latest checkpoint. If we crash before the file has its name, the former
// is there. Errors: backup.ErrRolledBack, if the store has lost what was seen of it.
func (a *App) remember(ctx context.Context) error {
	a.seen.mu.Lock()
	defer a.seen.mu.Unlock()
	if !a.seen.whole {
		return nil
	}
	var head ledger.Root
	err := a.Store.View(ctx, func(tx *db.Tx) (err error) {
		if head, err = ledger.Head(ctx, tx); err != nil || head.Size == a.seen.last.Size && head.Root == a.seen.last.Root {
			return err
		}
		return backup.Reaches(ctx, tx, a.seen.last)
	})
	if err != nil || head.Size <= a.seen.last.Size {
		return err
	}
	return a.keepSeen(ctx, head)
}

// keepSeen writes down that the store held so much. Commands and a server share the file: one
// writes at a time, and none over what another has seen since.
func (a *App) keepSeen(ctx context.Context, head ledger.Root) error {
	if err := a.Config.makeDataDir(); err != nil {
		return err
	}
	lock, err := a.lockSeen(ctx)
	if err != nil {
		return err
	}
	defer lock.Close()
	_, last, err := a.recall()
	if err != nil {
		return err
	}
	if last.Size > head.Size {
		a.seen.last = last // the store has it, or has lost it: the next look says
		return nil
	}
	part := a.seenPath() + ".new"
	if err := writeSynced(part, []byte(head.Checkpoint)); err != nil {
		return full(err)
	}
	if err := os.Rename(part, a.seenPath()); err != nil {
		return err
	}
	a.seen.last = ledger.Checkpoint{Origin: a.Config.LedgerOrigin, Size: head.Size, Root: head.Root}
	return syncDir(a.Config.DataDir)
}

// lockSeen returns when no other process writes, and keeps others from it until what it
// returns is closed. It waits as long as a look takes its turn.
func (a *App) lockSeen(ctx context.Context) (*os.File, error) {
	ctx, cancel := context.WithTimeout(ctx, seenEvery)
	defer cancel()
	f, err := os.OpenFile(a.seenPath()+".lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, full(err)
	}
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return f, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			return nil, errors.Join(err, f.Close())
		}
		select {
		case <-time.After(time.Millisecond):
		case <-ctx.Done():
			return nil, errors.Join(ctx.Err(), f.Close())
		}
	}
}

// giveUpSeen has a store that was put back, and continued, hold what this node has seen: also
// where another node had continued it, and was interrupted. What the operator says is lost
// refuses the store no longer. Errors: backup.ErrNewest.
func (a *App) giveUpSeen(ctx context.Context, lost bool) error {
	_, last, err := a.recall()
	if err == nil {
		err = a.Store.View(ctx, func(tx *db.Tx) error { return backup.Reaches(ctx, tx, last) })
	}
	switch {
	case !errors.Is(err, backup.ErrRolledBack):
		return err
	case !lost:
		return fmt.Errorf("%w: %w", backup.ErrNewest, err)
	}
	if err := os.Remove(a.seenPath()); err != nil {
		return err
	}
	return syncDir(a.Config.DataDir)
}

func writeSynced(path string, b []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	return errors.Join(err, f.Sync(), f.Close())
}

// watchSeen remembers until ctx ends. A store that has lost what was seen of it ends the
// server: whoever starts it again is told what to do. Anything else is tried again.
func (a *App) watchSeen(ctx context.Context) error {
	tick := time.NewTicker(seenEvery)
	defer tick.Stop()
	failing := false // said once, and not every second
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		switch err := a.remember(ctx); {
		case errors.Is(err, backup.ErrRolledBack):
			return err
		case err == nil:
			failing = false
		case ctx.Err() == nil:
			if !failing {
				a.Log.WarnContext(ctx, "the latest checkpoint isn't remembered", "error", err)
			}
			failing = true
		}
	}
}
