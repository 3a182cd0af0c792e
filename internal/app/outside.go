package app

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"wardkeep/internal/backup"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/ledger"
	"wardkeep/internal/witness"
)

const (
	outsideLook  = 5 * time.Second  // between two looks whether a round is due
	outsideAgain = time.Minute      // after one that failed
	outsideTime  = 30 * time.Second // for one round, whatever doesn't answer
)

// outside is what this process has done about the checkpoints outside.
type outside struct {
	next time.Time // when the next round is due
	told string    // what the log said last
}

// near are the places that are asked whenever the store is opened: those of this machine.
func (a *App) near() (all []witness.Place) {
	if folder := a.Config.Checkpoints.Folder; folder != "" {
		if whole, err := filepath.Abs(folder); err == nil {
			folder = whole
		}
		all = append(all, witness.Place{Name: "folder " + folder, Shelf: witness.Folder(folder), Key: a.LedgerKey})
	}
	return all
}

// places are all of them.
func (a *App) places() []witness.Place { return a.near() }

// checkOutside refuses a store that holds less than is kept outside of it, or something else.
// What can't be known refuses it, too (invariant 3).
func (a *App) checkOutside(ctx context.Context, places ...witness.Place) error {
	if len(places) == 0 {
		return nil
	}
	var known map[string]witness.Keeper
	if err := a.Store.View(ctx, func(tx *db.Tx) (err error) {
		known, err = witness.Keepers(ctx, tx)
		return err
	}); err != nil {
		return err
	}
	for _, p := range places {
		if _, err := a.compare(ctx, p, known[p.Name].Size); err != nil {
			return err
		}
	}
	return nil
}

// compare returns the newest checkpoint of a place, if the store holds what it says. From is the
// size of one that it must have. Errors: witness.ErrKeptMore; those of witness.Place.Newest.
func (a *App) compare(ctx context.Context, p witness.Place, from int64) (ledger.Checkpoint, error) {
	c, _, err := p.Newest(ctx, from)
	if err == nil {
		err = a.holds(ctx, p.Name, c)
	}
	return c, err
}

// holds returns witness.ErrKeptMore unless the store holds what a checkpoint says.
func (a *App) holds(ctx context.Context, where string, c ledger.Checkpoint) error {
	err := a.Store.View(ctx, func(tx *db.Tx) error { return backup.Reaches(ctx, tx, c) })
	if errors.Is(err, backup.ErrRolledBack) {
		err = fmt.Errorf("%w: %s: %w", witness.ErrKeptMore, where, err)
	}
	return err
}

// keptOutside returns the newest checkpoint of each place that has one.
func (a *App) keptOutside(ctx context.Context, places ...witness.Place) (texts []string, err error) {
	for _, p := range places {
		_, text, err := p.Newest(ctx, 0)
		if err != nil {
			return nil, err
		}
		if text != "" {
			texts = append(texts, text)
		}
	}
	return texts, nil
}

// KeptOutside returns the checkpoints that are kept outside, for an audit to compare with.
func (a *App) KeptOutside(ctx context.Context) ([]string, error) {
	return a.keptOutside(ctx, a.places()...)
}

// giveUpOutside has a store that was put back, and continued, hold what is kept outside, as
// giveUpSeen does. What the operator says is lost is marked there, for the places take nothing
// away, and returned as the size of the largest. If we crash, the next run marks the rest.
func (a *App) giveUpOutside(ctx context.Context, lost bool) (largest int64, err error) {
	for _, p := range a.places() {
		for {
			c, err := a.compare(ctx, p, 0)
			if err == nil {
				break
			}
			if !errors.Is(err, witness.ErrKeptMore) {
				return 0, err
			}
			if !lost {
				return 0, fmt.Errorf("%w: %w", backup.ErrNewest, err)
			}
			if err := p.GiveUp(ctx, c); err != nil {
				return 0, err
			}
		}
		size, err := p.GivenUp(ctx)
		if err != nil {
			return 0, err
		}
		largest = max(largest, size)
	}
	return largest, nil
}

// watchOutside keeps checkpoints outside until ctx ends, and once more then. A store that has lost
// what is kept there ends the server: whoever starts it again is told what to do. Anything else
// stops nothing: it is told, and tried again.
func (a *App) watchOutside(ctx context.Context) error {
	if len(a.places()) == 0 {
		return nil
	}
	tick := time.NewTicker(outsideLook)
	defer tick.Stop()
	for {
		err := a.passOutside(ctx)
		if errors.Is(err, witness.ErrKeptMore) {
			return err
		}
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastTime)
			defer cancel()
			if err := a.keepOutside(last); errors.Is(err, witness.ErrKeptMore) {
				return err
			}
			return nil
		case <-tick.C:
		}
	}
}

// passOutside keeps checkpoints if it is time. One that failed is tried again soon, but never all
// the time.
func (a *App) passOutside(ctx context.Context) error {
	if now := a.Store.Now(); now.Before(a.outside.next) {
		return nil
	}
	round, cancel := context.WithTimeout(ctx, outsideTime)
	defer cancel()
	err := a.keepOutside(round)
	wait := a.Config.Checkpoints.Every
	switch {
	case errors.Is(err, errNotLeading):
		return nil // another node does it, and this one when it leads
	case err != nil:
		wait = min(wait, outsideAgain)
	}
	a.outside.next = a.Store.Now().Add(wait)
	why := ""
	if err != nil {
		why = errs.Of(err).Code
	}
	if why != a.outside.told && ctx.Err() == nil { // once, and not with each round
		if a.outside.told = why; err != nil {
			a.Log.WarnContext(ctx, "checkpoints: not kept outside", "code", why, "error", err)
		} else {
			a.Log.InfoContext(ctx, "checkpoints: kept outside again")
		}
	}
	return err
}

// errNotLeading says that another process numbers the ledger, and keeps its checkpoints.
var errNotLeading = errors.New("app: another process leads")

// keepOutside is one round: every place that can be reached has the checkpoint of the ledger as it
// is now, which continues what it had. Only the process that numbers the ledger does it. If we
// crash in it, some have it, and the next round goes on.
func (a *App) keepOutside(ctx context.Context) error {
	var head ledger.Root
	var leads bool
	var known map[string]witness.Keeper
	err := a.Store.View(ctx, func(tx *db.Tx) (err error) {
		if leads, err = a.Ledger.Leads(ctx, tx); err != nil || !leads {
			return err
		}
		if head, err = ledger.Head(ctx, tx); err != nil {
			return err
		}
		known, err = witness.Keepers(ctx, tx)
		return err
	})
	switch {
	case err != nil:
		return err
	case !leads:
		return errNotLeading
	case head.Checkpoint == "" || head.Size == 0:
		return nil
	}
	now := ledger.Checkpoint{Origin: a.Config.LedgerOrigin, Size: head.Size, Root: head.Root}
	var all []error
	for _, p := range a.places() {
		err := a.keepIn(ctx, p, known[p.Name].Size, now, head.Checkpoint)
		if noted := a.noteKeeper(ctx, p.Name, now.Size, err); noted != nil {
			err = errors.Join(err, noted)
		}
		all = append(all, err)
	}
	// What ends the server is said first.
	slices.SortStableFunc(all, func(x, y error) int { return worse(y) - worse(x) })
	return errors.Join(all...)
}

func worse(err error) int {
	if errors.Is(err, witness.ErrKeptMore) {
		return 1
	}
	return 0
}

// keepIn keeps a checkpoint in one place, once it is known to continue what lies there.
func (a *App) keepIn(ctx context.Context, p witness.Place, from int64, c ledger.Checkpoint, text string) error {
	newest, has, err := p.Newest(ctx, from)
	if err == nil {
		err = a.holds(ctx, p.Name, newest)
	}
	if err != nil || newest.Size > c.Size || newest == c && len(has) >= len(text) {
		return err // another process was faster, or nothing is new
	}
	return p.Keep(ctx, c, text)
}

func (a *App) noteKeeper(ctx context.Context, name string, size int64, err error) error {
	return a.Store.Update(context.WithoutCancel(ctx), func(tx *db.Tx) error {
		if err != nil {
			return witness.Failed(ctx, tx, name, err)
		}
		return witness.Took(ctx, tx, name, size)
	})
}

// outsideLate counts the places that have taken nothing for too long.
func (a *App) outsideLate(ctx context.Context, tx *db.Tx) (late int64, err error) {
	known, err := witness.Keepers(ctx, tx)
	for _, p := range a.places() {
		if k, asked := known[p.Name]; asked && k.Late(tx.Now(), a.Config.Checkpoints.Within) {
			late++
		}
	}
	return late, err
}
