package app

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/id"
	"wardkeep/internal/family"
	"wardkeep/internal/ledger"
)

// lettersPrefix begins the name of a file that lies in the data directory while a process
// has farewells on their way. It is empty: what they say is in memory alone (Article 20).
const lettersPrefix = "letters-on-their-way-"

// A mailbag is that file of this process.
type mailbag struct {
	mu   sync.Mutex
	file *os.File // nil: nothing is on its way
}

// going keeps the file as long as letters are on their way. Where it can't, a crash isn't
// noticed, and nothing else follows.
func (a *App) going(some bool) {
	b := &a.bag
	b.mu.Lock()
	defer b.mu.Unlock()
	var err error
	switch {
	case some && b.file == nil && a.Config.DataDir != "":
		if err = a.Config.makeDataDir(); err == nil { // on PostgreSQL nothing else may be in it
			b.file, err = holdNew(filepath.Join(a.Config.DataDir, lettersPrefix+id.New(id.Call)))
		}
	case !some && b.file != nil:
		err = errors.Join(os.Remove(b.file.Name()), b.file.Close())
		b.file = nil
	}
	if err != nil {
		a.Log.WarnContext(context.Background(), "message: that farewells are on their way isn't noted", "error", err)
	}
}

// lostLetters says of how many erasures farewells may be lost, with the links to their
// certificates, since a process ended while some were on their way: of those since the first of
// them, the last ones. It returns when all that was recorded until then has its place.
func (a *App) lostLetters(ctx context.Context) error {
	since, err := a.leftLetters()
	if err != nil || since.IsZero() {
		return err
	}
	began, tick := a.Store.Now(), time.NewTicker(messageWait)
	defer tick.Stop()
	for {
		n, whole := 0, false
		err := a.Store.View(ctx, func(tx *db.Tx) error {
			oldest, err := ledger.OldestPending(ctx, tx)
			if whole = err == nil && (oldest.IsZero() || oldest.After(began)); !whole {
				return err
			}
			n, err = erasedSince(ctx, tx, since.Add(-time.Second))
			return err
		})
		if err != nil || whole {
			if err == nil && n > 0 {
				a.Log.ErrorContext(ctx, "message: farewells may be lost", "erasures", n, "since", since)
			}
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// erasedSince counts the children that were erased since a moment.
func erasedSince(ctx context.Context, tx *db.Tx, since time.Time) (n int, err error) {
	from, err := ledger.PlaceAt(ctx, tx, since)
	if err != nil {
		return 0, err
	}
	head, err := ledger.Head(ctx, tx)
	if err != nil {
		return 0, err
	}
	err = ledger.ReadKinds(ctx, tx, from, head.Size, []string{family.KindErased}, func(ledger.Placed) error {
		n++
		return nil
	})
	return n, err
}

// leftLetters removes what processes that were killed have left, and returns since when
// letters had been on their way; zero: none were.
func (a *App) leftLetters() (since time.Time, err error) {
	left, err := filepath.Glob(filepath.Join(a.Config.DataDir, lettersPrefix+"*"))
	if err != nil {
		return since, err
	}
	for _, path := range left {
		f, open := os.OpenFile(path, os.O_RDWR, 0)
		if open != nil {
			continue // whoever wrote it has just removed it
		}
		if syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil && isAt(f, path) {
			info, stat := f.Stat()
			if err = errors.Join(err, stat, os.Remove(path)); stat == nil && (since.IsZero() || info.ModTime().Before(since)) {
				since = info.ModTime()
			}
		}
		err = errors.Join(err, f.Close())
	}
	return since, err
}
