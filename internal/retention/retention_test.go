package retention_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/retention"
	"wardkeep/internal/vault/vaulttest"
)

const day = 24 * time.Hour

func count(t *testing.T, w *vaulttest.World, query string, args ...any) (n int64) {
	t.Helper()
	w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		n, err = db.One(ctx, tx, db.Single[int64], query, args...)
		return err
	})
	return n
}

func TestArticle12_TheSweepErasesWhatIsDueAndNothingElse(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		a, b := w.Child(), w.Child()
		w.Put(a, "speaking-practice", "voice", "AAAA") // 90 days
		w.Put(b, "speaking-practice", "voice", "AAAA")
		w.Put(a, "course-progress", "nickname", "小溪") // longer
		w.Pass(60 * day)
		w.Put(b, "speaking-practice", "voice", "BBBB") // collected anew: its time begins again
		w.Pass(30 * day)
		done, err := retention.Sweep(t.Context(), w.Store, w.Vault)
		if err != nil || done.Values != 1 {
			t.Fatalf("swept %+v, %v", done, err)
		}
		if n := count(t, w, `SELECT count(*) FROM value WHERE child = $1`, a.ID); n != 1 {
			t.Errorf("%d values are left of the first child, want 1", n)
		}
		if n := count(t, w, `SELECT count(*) FROM value WHERE child = $1`, b.ID); n != 1 {
			t.Errorf("%d values are left of the second child, want 1", n)
		}
		if done, err := retention.Sweep(t.Context(), w.Store, w.Vault); err != nil || done != (retention.Swept{}) {
			t.Errorf("a second sweep did %+v, %v", done, err)
		}
	})
}

// What an event ended is due when it ends, and not a second earlier.
func TestArticle12_TheSweepErasesWhatAnEventHasEnded(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		closed, open := w.Child(), w.Child()
		for _, c := range []family.Child{closed, open} {
			w.Put(c, "account", "guardian_phone", "13800138000") // until 15 days after the account is closed
		}
		w.Pass(day)
		if _, err := w.Event(closed, "account-closed", time.Time{}); err != nil {
			t.Fatal(err)
		}
		for want, pass := range []time.Duration{15*day - time.Minute, time.Minute} {
			w.Pass(pass)
			if done, err := retention.Sweep(t.Context(), w.Store, w.Vault); err != nil || done.Values != want {
				t.Errorf("swept %+v, %v; want %d", done, err, want)
			}
		}
		if n := count(t, w, `SELECT count(*) FROM value WHERE child = $1`, closed.ID); n != 0 {
			t.Errorf("%d values are left", n)
		}
		if n := count(t, w, `SELECT count(*) FROM value WHERE child = $1`, open.ID); n != 1 {
			t.Errorf("%d values are left of a child with an account", n)
		}
	})
}

func TestEdgeCase5_WhoGetsNoAnswerInADayIsErased(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		silent, _ := w.Enrol()
		refused, _ := w.Enrol()
		w.Answer(refused, consent.ForceRefused)
		agreed := w.Child()
		sweep := func() retention.Swept {
			t.Helper()
			done, err := retention.Sweep(t.Context(), w.Store, w.Vault)
			if err != nil {
				t.Fatal(err)
			}
			return done
		}
		if done := sweep(); done.Unanswered != 1 {
			t.Errorf("after a no at once: swept %+v", done)
		}
		w.Pass(day - time.Minute)
		if done := sweep(); done.Unanswered != 0 {
			t.Errorf("a minute early: swept %+v", done)
		}
		w.Pass(time.Minute)
		if done := sweep(); done.Unanswered != 1 {
			t.Errorf("after a day: swept %+v", done)
		}
		for _, c := range []family.Child{silent, refused} {
			if n := count(t, w, `SELECT count(*) FROM child WHERE child = $1 AND state = 'erased' AND wrapped IS NULL`, c.ID); n != 1 {
				t.Error("a child that nobody agreed for is still there")
			}
		}
		if n := count(t, w, `SELECT count(*) FROM child WHERE child = $1 AND state = 'active'`, agreed.ID); n != 1 {
			t.Error("the child whose guardian agreed is gone")
		}
		if n := count(t, w, `SELECT count(*) FROM erased_subject`); n != 2 {
			t.Errorf("%d traces of erased children, want 2 for three days", n)
		}
		w.Pass(3*day + time.Minute)
		if done := sweep(); done.Traces != 2 {
			t.Errorf("after three days: swept %+v", done)
		}
	})
}

// Invariant 8: after an erasure and a sweep the child's wrapped key lies nowhere
// in the store's files, the write-ahead log included.
func TestInvariant8_TheDiskForgetsAnErasedKey(t *testing.T) {
	dir := t.TempDir()
	store, err := db.OpenSQLite(filepath.Join(dir, "store.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if err := store.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	w := vaulttest.New(t, store)
	child := w.Child()
	var wrapped []byte
	w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		wrapped, err = db.One(ctx, tx, db.Single[[]byte], `SELECT wrapped FROM child WHERE child = $1`, child.ID)
		return err
	})
	holds := func() (found bool) {
		t.Helper()
		files, err := filepath.Glob(filepath.Join(dir, "store.db*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range files {
			b, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			found = found || bytes.Contains(b, wrapped)
		}
		return found
	}
	if !holds() {
		t.Fatal("the key isn't on the disk to begin with: the test proves nothing")
	}
	w.Do(func(ctx context.Context, tx *db.Tx) error {
		_, err := w.Vault.Erase(ctx, tx, w.App.Ledger(), vaulttest.Service, child.ID, family.Requested)
		return err
	})
	if _, err := retention.Sweep(t.Context(), store, w.Vault); err != nil {
		t.Fatal(err)
	}
	if holds() {
		t.Error("the erased child's wrapped key is still on the disk")
	}
}
