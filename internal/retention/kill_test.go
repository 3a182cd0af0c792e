package retention_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/db/dbtest"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/retention"
	"wardkeep/internal/vault"
	"wardkeep/internal/vault/vaulttest"
)

// expiresOnly names the store of a process that sweeps values and does nothing else, a file
// or a URL, and expiresAt its time in microseconds.
const expiresOnly, expiresAt = "WARDKEEP_TEST_EXPIRES", "WARDKEEP_TEST_EXPIRES_AT"

func TestMain(m *testing.M) {
	if file := os.Getenv(expiresOnly); file != "" {
		os.Exit(expireOnly(file))
	}
	os.Exit(m.Run())
}

func openStore(at string) (*db.DB, error) {
	if strings.HasPrefix(at, "postgres") {
		return db.OpenPostgres(at)
	}
	return db.OpenSQLite(at)
}

func expireOnly(file string) int {
	at, err := strconv.ParseInt(os.Getenv(expiresAt), 10, 64)
	if err != nil {
		return 1
	}
	store, err := openStore(file)
	if err != nil {
		return 1
	}
	defer store.Close()
	store.Now = func() time.Time { return time.UnixMicro(at) }
	fmt.Println("sweeping")
	if _, err := retention.TakeTurns(context.Background(), time.Hour, retention.ValuesWork(store, &vault.Vault{})); err != nil {
		return 1
	}
	return 0
}

// A sweep that kill -9 ends in the middle has erased whole children's due values, each with its
// entry, and the next one erases the rest.
func TestArticle12_KillNineInASweepLeavesTheRestDue(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) { sweepKilled(t, filepath.Join(t.TempDir(), "store.db"), 400) })
	t.Run("postgres", func(t *testing.T) { sweepKilled(t, dbtest.PostgresURL(t), 100) })
}

func sweepKilled(t *testing.T, file string, children int) {
	store, err := openStore(file)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if err := store.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	w := vaulttest.New(t, store)
	const each = 3
	for range children {
		c := w.Child()
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := w.Vault.Put(ctx, tx, w.By(), vaulttest.Service, c.ID, "course-progress", map[string]pii.Text{
				"nickname": pii.New("小溪"), "grade": pii.New("三年级"), "lesson_progress": pii.New("12")})
			return err
		})
	}
	w.Pass(600 * day)
	left := func() int64 { return count(t, w, `SELECT count(*) FROM value`) }
	torn := 0
	for after := time.Millisecond; torn < 3 && left() > 0 && after < 200*time.Millisecond; after += 3 * time.Millisecond {
		before := left()
		sweep := exec.CommandContext(t.Context(), os.Args[0])
		sweep.Env = append(os.Environ(), expiresOnly+"="+file, expiresAt+"="+strconv.FormatInt(store.Now().UnixMicro(), 10))
		out, err := sweep.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := sweep.Start(); err != nil {
			t.Fatal(err)
		}
		if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
			t.Fatalf("no sweep begins: %v", err)
		}
		time.Sleep(after)
		sweep.Process.Kill() // it may have ended
		sweep.Wait()         // it was killed, or has ended
		n := left()
		if n%each != 0 {
			t.Errorf("%d values are left: half of a child's", n)
		}
		if n > 0 && n < before {
			torn++
		}
	}
	if torn == 0 {
		t.Error("no sweep was killed in the middle: the test proves nothing")
	}
	audit(t, w)
	if _, err := retention.Sweep(t.Context(), store, w.Vault); err != nil {
		t.Fatal(err)
	}
	if n := left(); n != 0 {
		t.Errorf("%d values are left after the next sweep", n)
	}
	audit(t, w)
}
