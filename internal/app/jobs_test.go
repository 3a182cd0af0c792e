package app

import (
	"context"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/riverqueue/river"

	"wardkeep/internal/base/db"
	"wardkeep/internal/family"
	"wardkeep/internal/vault/vaulttest"
)

// Article 12, edge case 5: the sweep comes again and again, so that what falls
// due after the first one is erased, too.
func TestArticle12_TheSweepComesAgain(t *testing.T) {
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
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- a.runJobs(ctx) }()
	t.Cleanup(func() { stop(); <-ended })

	for round := range 3 {
		child, _ := w.Enrol()
		w.Pass(family.UnconsentedLife)
		for end := time.Now().Add(20 * time.Second); !erased(t, store, child.ID); time.Sleep(50 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("round %d: 20 sweeps later the child is still there", round)
			}
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
	for _, args := range []river.JobArgsWithInsertOpts{sweepArgs{}, countArgs{}} {
		if args.InsertOpts().Queue == queue {
			t.Errorf("%T waits with the messages", args)
		}
	}
}
