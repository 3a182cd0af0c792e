package api_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"wardkeep/client"
	"wardkeep/internal/backup"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/db/dbtest"
	"wardkeep/internal/catalog"
	"wardkeep/internal/retention"
)

// health returns the status of the answer and, for each check, its code or "ok".
func (w *world) health() (int, map[string]string) {
	w.T.Helper()
	x := w.send("GET", "/v1/health", "", "Authorization", "")
	var h struct{ Checks []wardkeep.HealthCheck }
	if err := json.Unmarshal([]byte(x.body), &h); err != nil {
		w.T.Fatal(err)
	}
	found := map[string]string{}
	for _, c := range h.Checks {
		found[c.Check] = c.Status
		if c.Code != "" {
			found[c.Check] = c.Code
		}
		if c.Count > 0 {
			found[c.Check] += " " + strconv.Itoa(c.Count)
		}
	}
	if x.status >= 400 {
		x.refused(w.T, 503, "api.unwell")
	}
	return x.status, found
}

// only fails the test unless this check fails with this code, and no other.
func (w *world) only(check, code string) {
	w.T.Helper()
	status, found := w.health()
	for _, name := range []string{"read", "write", "ledger", "sweep", "erasures", "demands", "cessations", "orders", "parties", "backups"} {
		want := "ok"
		if name == check {
			want = code
		}
		if found[name] != want {
			w.T.Errorf("%s: %s, want %s", name, found[name], want)
		}
	}
	if (status == 200) != (check == "" || check == "demands" || check == "cessations" || check == "orders" || check == "parties" || check == "backups") {
		w.T.Errorf("status %d", status)
	}
}

// measures fails the test unless the metrics of the service have these lines.
func (w *world) measures(lines ...string) {
	w.T.Helper()
	x := w.send("GET", "/v1/metrics", "")
	for _, line := range lines {
		if x.status != 200 || !strings.Contains(x.body, "\n"+line+"\n") {
			w.T.Errorf("%d: no line %q", x.status, line)
		}
	}
}

func TestHealthNeedsNoKey(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.only("", "")
		r, err := http.Head(w.server.URL + "/v1/health")
		if err != nil || r.StatusCode != 200 {
			t.Errorf("HEAD: %v %v", r, err)
		}
		io.Copy(io.Discard, r.Body)
		r.Body.Close()
	})
}

func TestHealthTellsOfALedgerThatIsNotNumbered(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.child("waits")
		w.only("", "")
		w.Pass(31 * time.Second)
		w.only("ledger", "api.ledger_behind")
		w.sequence()
		w.only("", "")
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := tx.Exec(ctx, `UPDATE ledger_head SET size = size - 1 WHERE id = $1`, 1)
			return err
		})
		if _, err := w.ledger.Sequence(t.Context()); err == nil {
			t.Fatal("a round was built upon damage")
		}
		w.only("ledger", "ledger.damaged")
	})
}

func TestHealthTellsOfASweepThatIsBehind(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.sequence()
		w.Pass(12 * time.Minute)
		w.only("", "") // just started
		w.Pass(2 * time.Minute)
		w.only("sweep", "api.sweep_behind")
		if _, err := retention.Sweep(t.Context(), w.Store, w.Vault); err != nil {
			t.Fatal(err)
		}
		w.sequence()
		w.only("", "")
		w.Pass(14 * time.Minute)
		w.only("sweep", "api.sweep_behind")
	})
}

// Article 19: that people let a demand lie is seen from outside, and how many; the
// server works all the same.
func TestArticle19_HealthTellsOfOverdueDemands(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		var r wardkeep.Demand
		amy, ben := w.register("amy").ID, w.register("ben").ID
		w.says(amy, "", true)
		w.says(ben, "", true)
		for _, child := range []string{amy, ben} { // on one day: time goes by in what is said
			r = w.must(w.client.Demand(t.Context(), child, wardkeep.Demanding{Kind: "supplement", Door: "child", Item: "nickname"})).(wardkeep.Demand)
		}
		quiet := func() {
			t.Helper()
			if _, err := retention.Sweep(t.Context(), w.Store, w.Vault); err != nil {
				t.Fatal(err)
			}
			w.sequence()
		}
		w.Pass(r.DueAt.Sub(w.Store.Now()) - time.Minute)
		quiet()
		w.only("", "")
		w.Pass(time.Minute + time.Second)
		quiet()
		w.only("demands", "api.demands_late 2")
		w.measures("wardkeep_demands_overdue 2", "wardkeep_erasures_late 0")
		w.must(w.client.FinishDemand(t.Context(), r.ID, wardkeep.Finish{}))
		w.sequence()
		w.only("demands", "api.demands_late 1")
	})
}

// Article 20: a child that a sweep leaves, though somebody has demanded to erase
// it, is seen from outside.
func TestArticle20_HealthTellsOfErasuresThatWait(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.sequence()
		w.Pass(time.Hour)
		child := w.register("amy").ID
		w.says(child, "", true)
		w.must(w.client.Demand(t.Context(), child, wardkeep.Demanding{Kind: "delete", Door: "guardian", Guardian: w.status(child).Guardians[0].ID}))
		beat := func() { // the other sweeps go well
			w.sequence()
			w.Do(func(ctx context.Context, tx *db.Tx) error { return db.Beat(ctx, tx, "sweep") })
		}
		w.Pass(9 * time.Minute)
		beat()
		w.only("", "")
		w.Pass(2 * time.Minute)
		beat()
		w.only("erasures", "api.erasures_late 1")
		w.measures("wardkeep_demands_overdue 0", "wardkeep_erasures_late 1")
		if done, err := retention.Sweep(t.Context(), w.Store, w.Vault); err != nil || done.Demanded != 1 {
			t.Fatal(done, err)
		}
		w.sequence()
		w.only("", "")
	})
}

func TestHealthTellsOfAFullDisk(t *testing.T) {
	w := newWorld(t, storeOf(t), noLimits)
	w.sequence()
	w.only("", "")
	pages := func(limit string) {
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			return db.Each(ctx, tx, func(db.Row) error { return nil }, `PRAGMA max_page_count = `+limit)
		})
	}
	pages("10")
	err := w.Store.Update(t.Context(), func(tx *db.Tx) error {
		_, err := tx.Exec(t.Context(), `INSERT INTO ledger_tile (level, n, hashes) VALUES ($1, $2, $3)`, 9, 1, make([]byte, 1<<20))
		return err
	})
	if !errors.Is(err, db.ErrFull) {
		t.Fatalf("the disk isn't full: %v", err)
	}
	w.only("write", "db.full")
	w.Pass(30 * time.Second)
	w.only("write", "db.full")
	pages("1000000")
	w.Pass(31 * time.Second)
	w.only("", "")
}

func TestHealthTellsOfAStoreThatTakesNoWrites(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.db")
	store, err := db.OpenSQLite(path)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if err := store.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, store, noLimits)
	w.sequence()
	w.only("", "")
	other, err := sql.Open("sqlite", "file:"+path+"?_txlock=immediate")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	tx, err := other.Begin()
	if err != nil {
		t.Fatal(err)
	}
	w.only("", "") // it was written just now
	w.Pass(11 * time.Second)
	w.only("write", "db.locked")
	tx.Rollback()
	w.Pass(11 * time.Second)
	w.only("", "")
}

func TestHealthTellsOfALostDatabase(t *testing.T) {
	store, wire := dbtest.Wired(t)
	w := newWorld(t, store, noLimits)
	w.sequence()
	wire.Cut()
	status, found := w.health()
	if status != 503 || found["read"] != "db.away" || found["write"] != "db.away" || found["ledger"] != "db.away" || found["sweep"] != "db.away" ||
		found["erasures"] != "db.away" || found["demands"] != "db.away" || found["orders"] != "db.away" || found["backups"] != "db.away" {
		t.Errorf("%d %v", status, found)
	}
	wire.Mend()
	w.Pass(11 * time.Second)
	w.only("", "")
	if strings.Contains(w.log.String(), `"level":"ERROR"`) {
		t.Errorf("%s", w.log)
	}
}

// Edge case 15: a backup that should be gone is seen from outside, and until when the
// newest one reaches.
func TestEdgeCase15_ALateBackupIsSeen(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		var b backup.Backup
		w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
			b, err = backup.Record(ctx, tx, catalog.Operator{ID: "test"}, backup.New(), tx.Now().Add(-time.Hour), 7)
			return err
		})
		w.sequence()
		w.only("", "")
		w.measures("wardkeep_backups_late 0")
		if x := w.send("GET", "/v1/metrics", ""); !strings.Contains(x.body, "\nwardkeep_backup_age_seconds 36") { // an hour
			t.Error("nothing says how old the newest is")
		}
		w.Pass(backup.Life)
		w.Do(func(ctx context.Context, tx *db.Tx) error { return db.Beat(ctx, tx, "sweep") })
		w.only("backups", "backup.late 1")
		w.measures("wardkeep_backups_late 1")
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			return backup.End(ctx, tx, catalog.Operator{ID: "test"}, b.ID, backup.Destroyed)
		})
		w.sequence()
		w.only("", "")
	})
}
