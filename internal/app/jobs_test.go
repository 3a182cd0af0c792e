package app

import (
	"context"
	"database/sql"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/riverqueue/river"

	"wardkeep/internal/base/db"
	"wardkeep/internal/family"
	"wardkeep/internal/notify"
	"wardkeep/internal/vault/vaulttest"
)

// Article 12, edge case 5: the sweep comes again and again, so that what falls
// due after the first one is erased, too.
func TestArticle12_TheSweepComesAgain(t *testing.T) {
	t.Parallel() // it waits
	w, a := newSweeper(t)
	t.Cleanup(runJobs(t, a))
	for range 3 {
		child, _ := w.Enrol()
		w.Pass(family.UnconsentedLife)
		sweptSoon(t, w, child.ID)
	}
}

// A sweep that was killed keeps no other from coming: what it left is erased by the
// next, once its time is over.
func TestArticle12_ASweepThatWasKilledHoldsUpNone(t *testing.T) {
	t.Parallel() // it waits
	w, a := newSweeper(t)
	stop := runJobs(t, a)
	first, _ := w.Enrol()
	w.Pass(family.UnconsentedLife)
	sweptSoon(t, w, first.ID)
	stop()
	jobs, err := sql.Open("sqlite", "file:"+filepath.Join(a.Config.DataDir, "jobs.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer jobs.Close()
	// As kill -9 leaves it: nobody works on it, and it is running.
	began := time.Now().Add(-(&sweeper{}).Timeout(nil) - time.Second).UTC().Format("2006-01-02 15:04:05.000")
	n, err := jobs.Exec(`UPDATE river_job SET state = 'running', attempt = 1, attempted_at = $1, finalized_at = NULL
		WHERE id = (SELECT max(id) FROM river_job WHERE kind = $2)`, began, sweepArgs{}.Kind())
	if err != nil {
		t.Fatal(err)
	}
	if changed, err := n.RowsAffected(); changed != 1 || err != nil {
		t.Fatalf("no sweep was running: %v", err)
	}
	second, _ := w.Enrol()
	w.Pass(family.UnconsentedLife)
	t.Cleanup(runJobs(t, a))
	sweptSoon(t, w, second.ID)
}

// newSweeper makes an app that sweeps each second once it works.
func newSweeper(t *testing.T) (*vaulttest.World, *App) {
	t.Helper()
	dir := t.TempDir()
	store, err := db.OpenSQLite(filepath.Join(dir, "wardkeep.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	if err := store.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	w := vaulttest.New(t, store)
	a := &App{Store: store, Vault: w.Vault, Ring: w.Ring, Log: slog.New(slog.DiscardHandler)}
	a.Config.DataDir, a.Config.SweepEvery = dir, time.Second
	return w, a
}

// runJobs has an app work on its jobs until stop is called.
func runJobs(t *testing.T, a *App) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- a.runJobs(ctx) }()
	return sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// sweptSoon fails the test unless a sweep erases the child.
func sweptSoon(t *testing.T, w *vaulttest.World, child family.ID) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !erased(t, w.Store, child); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("many sweeps later the child is still there")
		}
	}
}

func erased(t *testing.T, store *db.DB, child family.ID) bool {
	t.Helper()
	var rows []family.Child
	err := store.View(t.Context(), func(tx *db.Tx) error {
		rows = nil
		return tx.Together(t.Context(), family.ReadChild(&rows, child))
	})
	if err != nil {
		t.Fatal(err)
	}
	return len(rows) == 1 && rows[0].State == family.Erased
}

// Article 12: no sweep waits behind messages for a gateway that answers nobody.
func TestArticle12_SweepsDontQueueBehindMessages(t *testing.T) {
	queue := messageArgs{}.InsertOpts().Queue
	if ceasing := (messageArgs{What: notify.KindCeasing}).InsertOpts().Queue; ceasing == queue {
		t.Error("a receipt waits with a million messages of an end")
	}
	for _, args := range []river.JobArgsWithInsertOpts{sweepArgs{}, countArgs{}, endArgs{}} {
		if args.InsertOpts().Queue == queue {
			t.Errorf("%T waits with the messages", args)
		}
	}
}
