package restoration_test

import (
	"context"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"wardkeep/internal/backup"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/db/dbtest"
	"wardkeep/internal/base/workday"
	"wardkeep/internal/catalog"
	"wardkeep/internal/family"
	"wardkeep/internal/ledger"
	"wardkeep/internal/message"
	"wardkeep/internal/replay"
	"wardkeep/internal/restoration"
	"wardkeep/internal/rights"
	"wardkeep/internal/vault/vaulttest"
)

const (
	service = vaulttest.Service
	origin  = "wardkeep.test"
)

var terminal = catalog.Operator{ID: "test"}

// A world is a service in order on a store that can be backed up and put back.
type world struct {
	*vaulttest.World
	url  string // of PostgreSQL, or ""
	log  *ledger.Log
	key  string // that verifies the ledger
	step func() // called before each transaction of a replay
	told *message.Farewell
	most int64 // entries about children that a replay has in memory at once; 0: as ever
}

// each runs fn on both databases.
func each(t *testing.T, fn func(t *testing.T, w *world)) {
	t.Run("sqlite", func(t *testing.T) {
		store, err := db.OpenSQLite(filepath.Join(t.TempDir(), "test.db"))
		fn(t, newWorld(t, store, err, ""))
	})
	t.Run("postgres", func(t *testing.T) {
		url := dbtest.PostgresURL(t)
		store, err := db.OpenPostgres(url)
		fn(t, newWorld(t, store, err, url))
	})
}

func newWorld(t *testing.T, store *db.DB, err error, url string) *world {
	t.Helper()
	if err == nil {
		err = store.Migrate(t.Context())
	}
	ok(t, err)
	w := &world{World: vaulttest.New(t, store), url: url}
	t.Cleanup(func() { w.Store.Close() })
	w.sequencer()
	return w
}

func (w *world) sequencer() {
	w.T.Helper()
	signer, key, err := ledger.NewSigner(origin, make([]byte, 32))
	ok(w.T, err)
	w.log, w.key = ledger.Open(w.Store, origin, signer), key
}

// backUp copies the store, and returns what puts it back.
func (w *world) backUp() (putBack func()) {
	w.T.Helper()
	now := w.Store.Now
	if w.url == "" {
		file := filepath.Join(w.T.TempDir(), "backup.db")
		ok(w.T, w.Store.Snapshot(w.T.Context(), file))
		return func() {
			ok(w.T, w.Store.Close())
			copied, err := os.ReadFile(file)
			ok(w.T, err)
			again := filepath.Join(w.T.TempDir(), "again.db")
			ok(w.T, os.WriteFile(again, copied, 0o600))
			store, err := db.OpenSQLite(again)
			ok(w.T, err)
			w.reopened(store, now)
		}
	}
	u, err := url.Parse(w.url)
	ok(w.T, err)
	schema := u.Query().Get("search_path")
	file := filepath.Join(w.T.TempDir(), "backup.sql")
	w.tool("pg_dump", "-d", os.Getenv("TEST_POSTGRES"), "-n", schema, "-f", file)
	return func() {
		ok(w.T, w.Store.Close())
		w.tool("psql", "-q", "-v", "ON_ERROR_STOP=1", "-d", os.Getenv("TEST_POSTGRES"), "-c", "DROP SCHEMA "+schema+" CASCADE", "-f", file)
		store, err := db.OpenPostgres(w.url)
		ok(w.T, err)
		w.reopened(store, now)
	}
}

func (w *world) tool(name string, args ...string) {
	w.T.Helper()
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), "PGOPTIONS=--client-min-messages=warning")
	if out, err := cmd.CombinedOutput(); err != nil {
		w.T.Fatalf("%s: %v\n%s", name, err, out)
	}
}

func (w *world) reopened(store *db.DB, now func() time.Time) {
	w.Store = store
	store.Now = now
	w.Desk.Charters = catalog.NewCache(4) // another process
	w.Vault.Gate.Charters = w.Desk.Charters
	w.sequencer()
	w.Do(func(ctx context.Context, tx *db.Tx) error {
		if _, err := tx.Exec(ctx, `DELETE FROM lease WHERE name = $1`, "ledger"); err != nil {
			return err
		}
		_, err := backup.Mark(ctx, tx, "")
		return err
	})
}

// export writes a copy of the ledger, with all that waits in it.
func (w *world) export() (ledger.Source, ledger.Checkpoint) {
	w.T.Helper()
	ok(w.T, w.log.Flush(w.T.Context()))
	dir := w.T.TempDir()
	ok(w.T, ledger.Export(w.T.Context(), w.Store, dir))
	text, err := os.ReadFile(filepath.Join(dir, "checkpoint"))
	ok(w.T, err)
	c, err := ledger.OpenCheckpoint(string(text), w.key)
	ok(w.T, err)
	return ledger.FromDir(dir), c
}

func (w *world) desk() restoration.Desk {
	return restoration.Desk{Store: w.Store, Vault: w.Vault, Calendar: workday.Default(), Farewell: w.told, Step: w.step}.InParts(w.most)
}

// replay continues the ledger and replays.
func (w *world) replay(ctx context.Context, source ledger.Source, latest ledger.Checkpoint) (restoration.Report, error) {
	if err := w.desk().Continue(ctx, w.log, source, latest, "messages"); err != nil {
		return restoration.Report{}, err
	}
	return w.desk().Replay(ctx)
}

// holds wants the ledger to hold the checkpoints, and to give the tables.
func (w *world) holds(checkpoints ...string) {
	w.T.Helper()
	ok(w.T, w.log.Flush(w.T.Context()))
	signed, err := ledger.Verify(w.T.Context(), ledger.FromStore(w.Store), w.key, checkpoints...)
	if err != nil || !signed.OK() {
		w.T.Errorf("%v, %v", signed.Findings, err)
	}
	told, err := replay.Audit(w.T.Context(), w.Store, w.Ring, catalog.NewCache(4), replay.Options{})
	if err != nil || !told.OK() {
		w.T.Errorf("%v, %v", told.Differences, err)
	}
}

func (w *world) checkpoint() (text string) {
	w.T.Helper()
	w.Do(func(ctx context.Context, tx *db.Tx) error {
		head, err := ledger.Head(ctx, tx)
		text = head.Checkpoint
		return err
	})
	return text
}

// locked runs fn with the locked child.
func (w *world) locked(c family.Child, fn func(ctx context.Context, tx *db.Tx, c family.Child) error) {
	w.T.Helper()
	w.Do(func(ctx context.Context, tx *db.Tx) error {
		c, err := family.Lock(ctx, tx, service, c.ID)
		if err != nil {
			return err
		}
		return fn(ctx, tx, c)
	})
}

func (w *world) find(c family.Child) (is family.Child, err error) {
	w.Do(func(ctx context.Context, tx *db.Tx) error {
		is, err = family.Find(ctx, tx, service, c.ID)
		return nil
	})
	return is, err
}

// demand takes a demand as a guardian, or as the app for the child.
func (w *world) demand(c family.Child, by family.Actor, ask rights.Demand) (r rights.Request) {
	w.T.Helper()
	w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		r, _, err = w.Vault.Demand(ctx, tx, w.rights(), by, c, ask)
		return err
	})
	return r
}

func (w *world) rights() rights.Desk {
	return rights.Desk{Ring: w.Ring, Charters: w.Desk.Charters, Calendar: workday.Default()}
}

func (w *world) withdraw(c family.Child, purpose string) {
	w.T.Helper()
	g := w.Guardian(c)
	w.Do(func(ctx context.Context, tx *db.Tx) error {
		c, err := family.Find(ctx, tx, service, c.ID)
		if err != nil {
			return err
		}
		if _, err = w.Desk.Withdraw(ctx, tx, g, c, purpose); err != nil {
			return err
		}
		_, err = w.Vault.EraseUnfounded(ctx, tx, g.Ledger(), service, c.ID)
		return err
	})
}

// lacks fails the test unless a value isn't held.
func (w *world) lacks(c family.Child, purpose, item string) {
	w.T.Helper()
	if v, err := w.Read(c, purpose, item); err != nil || v != "" {
		w.T.Errorf("%s for %s is held: %v", item, purpose, err)
	}
}

// denied fails the test unless a value can't be used for this reason.
func (w *world) denied(c family.Child, purpose, item, code string) {
	w.T.Helper()
	_, err := w.Read(c, purpose, item)
	if err == nil || !strings.Contains(err.Error(), code) {
		w.T.Errorf("%s for %s: %v, want %s", item, purpose, err, code)
	}
}

func ok(t testing.TB, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}
