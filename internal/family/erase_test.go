package family_test

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/db/dbtest"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/family"
)

// Article 20, edge case 16: after an erasure there is a tombstone, and no column
// of any row holds more than that.
func TestArticle20_ErasureLeavesOnlyATombstone(t *testing.T) {
	each(t, func(w *world) {
		c, g := w.enrol(w.enrolment("ref-1"))
		other, _ := w.enrol(w.enrolment("ref-2"))
		w.must(c.ID, func(tx *db.Tx, c family.Child) error {
			_, err := family.Freeze(w.ctx, tx, app{}, c, family.DeletionRequested)
			return err
		})
		w.pass(time.Minute)
		w.erase(c.ID)

		left := map[string]bool{"child": true, "service": true, "version": true, "state": true, "created_at": true, "erased_at": true}
		tombs := 0
		for _, row := range w.dump("child") {
			if text(row["child"]) != string(c.ID) {
				continue
			}
			tombs++
			for column, v := range row {
				if !left[column] && v != nil && text(v) != "" && text(v) != "false" && text(v) != "0" {
					t.Errorf("column %s of the tombstone still holds something", column)
				}
			}
			if text(row["state"]) != "erased" || text(row["erased_at"]) == "" {
				t.Error("the tombstone doesn't say that it is one")
			}
		}
		if tombs != 1 {
			t.Errorf("%d tombstones", tombs)
		}
		for _, table := range []string{"guardian", "child_ref"} {
			rows := w.dump(table)
			if len(rows) != 1 || text(rows[0]["child"]) != string(other.ID) {
				t.Errorf("%s has %d rows, want that of the other child", table, len(rows))
			}
		}
		// What is remembered of a no (edge case 26) leads neither to the tombstone nor to
		// the entry of the erasure.
		refused, _ := w.enrol(w.enrolment("ref-3"))
		w.pass(time.Hour + time.Microsecond)
		w.eraseRefused(refused.ID, 2)
		rows := w.dump("refused_ref")
		if len(rows) != 1 {
			t.Fatalf("%d refusals are remembered", len(rows))
		}
		for column, v := range rows[0] {
			if strings.Contains(text(v), string(refused.ID)) || strings.Contains(text(v), refused.Subject) {
				t.Errorf("column %s of a refusal names the child", column)
			}
		}
		if until := rows[0]["until"].(int64); until%day.Microseconds() != 0 {
			t.Errorf("a refusal is kept to the microsecond of its erasure: %d", until)
		}
		if _, err := c.Ref(w.ring); err != nil {
			t.Error("the test's own copy should still open; nothing stored does")
		}
		w.do(func(tx *db.Tx) error {
			_, err := family.FindByRef(w.ctx, tx, w.ring, service, pii.New("ref-1"))
			w.is(err, family.ErrNotFound)
			var read []family.Child
			if err := tx.Together(w.ctx, family.ReadChild(&read, c.ID)); err != nil {
				return err
			}
			if len(read) != 1 || read[0].State != family.Erased || read[0].Subject != "" || read[0].ErasedAt.IsZero() {
				t.Errorf("the tombstone reads as %+v", read)
			}
			for _, open := range []func() error{
				func() error { _, err := read[0].Key(w.ring); return err },
				func() error { _, err := read[0].Birth(w.ring); return err },
				func() error { _, err := read[0].Ref(w.ring); return err },
			} {
				w.is(open(), family.ErrErased)
			}
			_, _, _, err = family.Contact(w.ctx, tx, w.ring, read[0], g.ID)
			w.is(err, family.ErrGuardianNotFound)
			return nil
		})
		again := w.with(c.ID, func(tx *db.Tx, c family.Child) error {
			_, err := family.Erase(w.ctx, tx, w.ring, "x", c, family.Requested, family.Undone{})
			return err
		})
		w.is(again, family.ErrErased)
		// The reference is free, and who comes under it is somebody else.
		anew, _ := w.enrol(w.enrolment("ref-1"))
		if anew.ID == c.ID || anew.Subject == c.Subject {
			t.Error("an erased child came back")
		}
		if ref, err := w.find(other.ID).Ref(w.ring); err != nil || ref.Reveal() != "ref-2" {
			t.Errorf("the other child: %v", err)
		}
	})
}

const day = 24 * time.Hour

// eraseRefused erases a child whose guardian refused all of a charter.
func (w *world) eraseRefused(id family.ID, charter int64) {
	w.Helper()
	w.must(id, func(tx *db.Tx, c family.Child) error {
		_, err := family.Erase(w.ctx, tx, w.ring, "system:test", c, family.Requested, family.Undone{Refused: charter})
		return err
	})
}

// Edge case 26: two children of one reference on one day are remembered both; what
// counts is the later charter, for a year and no longer.
func TestEdgeCase26_ANoIsRememberedByTheDay(t *testing.T) {
	each(t, func(w *world) {
		for _, charter := range []int64{1, 2, 2} {
			c, _ := w.enrol(w.enrolment("ref-1"))
			w.eraseRefused(c.ID, charter)
			w.pass(time.Minute)
		}
		if n := w.count("refused_ref"); n != 2 {
			t.Errorf("%d rows for two charters", n)
		}
		c, _ := w.enrol(w.enrolment("ref-1"))
		before := func() (charter int64) {
			w.do(func(tx *db.Tx) (err error) { charter, err = family.RefusedBefore(w.ctx, tx, c); return err })
			return charter
		}
		if n := before(); n != 2 {
			t.Errorf("the refusal of charter 2 is remembered as of %d", n)
		}
		w.pass(364 * day)
		if n := before(); n != 2 {
			t.Errorf("after 364 days: %d", n)
		}
		w.pass(day)
		if n := before(); n != 0 {
			t.Errorf("after a year: %d", n)
		}
		w.do(func(tx *db.Tx) error { _, err := family.ForgetTraces(w.ctx, tx, 10); return err })
		if n := w.count("refused_ref"); n != 0 {
			t.Errorf("%d rows are kept for ever", n)
		}
	})
}

func text(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case []byte:
		return string(v)
	}
	return fmt.Sprint(v)
}

func TestArticle20_ErasureNeedsAGround(t *testing.T) {
	each(t, func(w *world) {
		for i, ground := range []family.Ground{family.Unlawful, family.BeyondPeriod, family.ConsentWithdrawn, family.UseEnded,
			family.Requested, family.ExpiredUnconsented, family.Cessation, "", "whim"} {
			c, _ := w.enrol(w.enrolment("ref-" + string(rune('a'+i))))
			err := w.with(c.ID, func(tx *db.Tx, c family.Child) error {
				_, err := family.Erase(w.ctx, tx, w.ring, "officer:st_1", c, ground, family.Undone{})
				return err
			})
			if known := i < 7; known && err != nil || !known && !errors.Is(err, family.ErrGround) {
				t.Errorf("ground %q: %v", ground, err)
			}
			if err == nil && !strings.Contains(strings.Join(w.entries(), "\n"), `"body":{"ground":"`+string(ground)+`"}`) {
				t.Errorf("ground %q is not what the ledger has", ground)
			}
		}
	})
}

// Edge case 16: the operator learns which child was erased, for 72 hours. After
// that nothing leads from the ledger to the child.
func TestInvariant6_AfterErasureThePseudonymLeadsNowhere(t *testing.T) {
	each(t, func(w *world) {
		c, _ := w.enrol(w.enrolment("ref-1"))
		child := func() (got family.ID, err error) {
			err = w.try(func(tx *db.Tx) (err error) {
				got, err = family.ChildOf(w.ctx, tx, w.ring, c.Subject)
				return err
			})
			return got, err
		}
		forget := func() (n int) {
			w.do(func(tx *db.Tx) (err error) { n, err = family.ForgetTraces(w.ctx, tx, 10); return err })
			return n
		}
		if got, err := child(); err != nil || got != c.ID {
			t.Errorf("living: %q, %v", got, err)
		}
		w.pass(time.Hour + time.Microsecond)
		w.eraseRefused(c.ID, 1)
		// Nothing that stays beside the trace has the time of the erasure.
		erased, left := w.store.Now().UnixMicro(), 0
		for _, table := range []string{"child", "refused_ref"} {
			for _, row := range w.dump(table) {
				for column, v := range row {
					at, ok := v.(int64)
					if left++; ok && at > 1e15 && at%day.Microseconds() != 0 {
						t.Errorf("%s.%s has a time of day, %v from that of the erasure", table, column, time.Duration(at-erased)*time.Microsecond)
					}
				}
			}
		}
		if left == 0 {
			t.Error("nothing stays")
		}
		for _, row := range w.dump("erased_subject") {
			if strings.Contains(text(row["subject"]), c.Subject) {
				t.Error("the pseudonym is kept in clear")
			}
		}
		w.pass(72*time.Hour - time.Microsecond)
		if got, err := child(); err != nil || got != c.ID || forget() != 0 {
			t.Errorf("just erased: %q, %v", got, err)
		}
		w.pass(time.Microsecond)
		_, err := child() // even before the sweep
		w.is(err, family.ErrNotFound)
		if forget() != 1 || forget() != 0 || w.count("erased_subject") != 0 {
			t.Error("the sweep didn't take exactly the one trace")
		}
		for _, wrong := range []string{"", "su_", string(c.ID), "su_00000000000000000000000000"} {
			err := w.try(func(tx *db.Tx) error { _, err := family.ChildOf(w.ctx, tx, w.ring, wrong); return err })
			w.is(err, family.ErrNotFound)
		}
	})
}

func TestForgetTracesIsBounded(t *testing.T) {
	each(t, func(w *world) {
		for i := range 5 {
			c, _ := w.enrol(w.enrolment("ref-" + string(rune('a'+i))))
			w.erase(c.ID)
		}
		w.pass(73 * time.Hour)
		for _, want := range []int{2, 2, 1, 0} {
			w.do(func(tx *db.Tx) error {
				n, err := family.ForgetTraces(w.ctx, tx, 2)
				if n != want {
					t.Errorf("%d forgotten, want %d", n, want)
				}
				return err
			})
		}
	})
}

// Invariant 6: the ledger names nobody, whatever happens in a family.
func TestInvariant6_EntriesOfAFamilyNameNobody(t *testing.T) {
	each(t, func(w *world) {
		c, g := w.enrol(w.enrolment("ref-canary"))
		if _, err := w.verify(c.ID, g.ID, family.OneTimeCode); err != nil {
			t.Fatal(err)
		}
		w.must(c.ID, func(tx *db.Tx, c family.Child) error {
			if _, _, err := family.Correct(w.ctx, tx, w.ring, app{}, c, birth(t, "2017-06-02"), family.FromApp); err != nil {
				return err
			}
			_, _, err := family.EndGuardian(w.ctx, tx, app{}, c, g.ID)
			return err
		})
		w.erase(c.ID)
		log := strings.Join(w.entries(), "\n")
		for _, canary := range append(canaries, "ref-canary", "2016", "2017", string(c.ID)) {
			if strings.Contains(log, canary) {
				t.Error("the ledger has a personal value or the child's name")
			}
		}
		var kinds []string
		for _, e := range w.entries() {
			_, rest, _ := strings.Cut(e, `"kind":"`)
			kind, _, _ := strings.Cut(rest, `"`)
			kinds = append(kinds, kind)
			if !strings.Contains(e, `"subject":"`+c.Subject+`"`) {
				t.Errorf("%s is not about the child", kind)
			}
		}
		want := "child.registered guardian.added guardian.verified child.corrected guardian.ended child.erased"
		if got := strings.Join(kinds, " "); got != want {
			t.Errorf("the ledger tells\n%s, want\n%s", got, want)
		}
	})
}

// canaries are the values of mother, in each form.
var canaries = []string{"欧阳霜华", "13800138000", "138 0013 8000", "huanghua", "xample.com"}

// Article 13, invariant 9: nothing in plain on disk; Article 20, invariant 8: an
// erased child's key is not in the file any more.
func TestArticle13_NothingInPlainInTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "raw.db")
	store, err := db.OpenSQLite(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	if err := store.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, store)
	kept, _ := w.enrol(w.enrolment("canary-ref-kept"))
	gone, _ := w.enrol(w.enrolment("canary-ref-gone"))
	keys := map[family.ID][]byte{}
	for _, row := range w.dump("child") {
		keys[family.ID(text(row["child"]))] = []byte(text(row["wrapped"]))
	}
	look := func() []byte {
		var all []byte
		for _, suffix := range []string{"", "-wal", "-shm"} {
			b, err := os.ReadFile(path + suffix)
			if err != nil && !errors.Is(err, os.ErrNotExist) {
				t.Fatal(err)
			}
			all = append(all, b...)
		}
		for _, canary := range append(canaries, "canary-ref", "2016-05-01") {
			if bytes.Contains(all, []byte(canary)) {
				t.Error("a personal value lies in plain in the file")
			}
		}
		return all
	}
	if !bytes.Contains(look(), keys[gone.ID]) || len(keys[gone.ID]) == 0 {
		t.Error("the test doesn't find the wrapped key where it must be")
	}
	w.erase(gone.ID)
	look()
	fold(t, path)
	raw := look()
	if bytes.Contains(raw, keys[gone.ID]) {
		t.Error("the wrapped key of an erased child is still in the file")
	}
	if !bytes.Contains(raw, keys[kept.ID]) {
		t.Error("the key of another child is gone")
	}
}

// fold brings what lies in the write-ahead log into the file and empties the log.
func fold(t *testing.T, path string) {
	t.Helper()
	conn, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	var busy, log, done int
	if err := conn.QueryRow("PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &log, &done); err != nil || busy != 0 {
		t.Fatalf("the write-ahead log was not folded in: %v, busy %d", err, busy)
	}
}

// Keys rotate in batches while the server works; no value and no version changes.
func TestArticle13_RewrapMovesEveryKeyAndNothingElse(t *testing.T) {
	each(t, func(w *world) {
		ring, kek, stored := newRing(t)
		w.ring = ring
		dbtest.PoolKey(t, w.store, ring.CurrentPool())
		var ids []family.ID
		for i := range 5 {
			c, _ := w.enrol(w.enrolment("ref-" + string(rune('a'+i))))
			ids = append(ids, c.ID)
		}
		w.erase(ids[4])
		before := w.find(ids[0])
		next, err := ring.NewPool(w.ctx, kek)
		if err != nil {
			t.Fatal(err)
		}
		for i := range stored {
			if stored[i].Purpose == keyring.PurposePool {
				stored[i].State = keyring.StateRetiring
			}
		}
		if err := ring.Reload(w.ctx, kek, append(stored, next)); err != nil {
			t.Fatal(err)
		}
		dbtest.PoolKey(t, w.store, next.ID)
		fresh, _ := w.enrol(w.enrolment("ref-fresh"))
		ids = append(ids[:4], fresh.ID)
		for _, want := range []int{3, 1, 0} {
			w.do(func(tx *db.Tx) error {
				n, err := family.Rewrap(w.ctx, tx, ring, 3)
				if n != want {
					t.Errorf("moved %d, want %d", n, want)
				}
				return err
			})
		}
		if _, err := before.Ref(ring); err != nil {
			t.Error("a child read before the rotation doesn't open while the pool retires")
		}
		// The old pool is gone for good.
		var alone []keyring.Stored
		for _, s := range append(stored, next) {
			if s.State == keyring.StateCurrent {
				alone = append(alone, s)
			}
		}
		if err := ring.Reload(w.ctx, kek, alone); err != nil {
			t.Fatal(err)
		}
		for _, id := range ids {
			c := w.find(id)
			if _, err := c.Ref(ring); err != nil || c.Version != 1 {
				t.Errorf("after the rotation: version %d, %v", c.Version, err)
			}
		}
		if _, err := before.Ref(ring); err == nil {
			t.Error("a key under the retired pool still opens")
		}
	})
}

func TestEveryRefusalHasItsWords(t *testing.T) {
	for _, e := range []*errs.Error{family.ErrNotFound, family.ErrErased, family.ErrRefTaken, family.ErrRef, family.ErrNotAChild,
		family.ErrBirthFuture, family.ErrBirthSource, family.ErrFrozen, family.ErrNotFrozen, family.ErrFreezeReason, family.ErrDisputed,
		family.ErrNotDisputed, family.ErrNotWaiting, family.ErrNeedsDocument, family.ErrTooWeak, family.ErrNoBirth, family.ErrNoContact,
		family.ErrName, family.ErrPhone, family.ErrEmail, family.ErrGuardianNotFound, family.ErrGuardianEnded, family.ErrGuardians,
		family.ErrRelation, family.ErrStrength, family.ErrNoOfficer, family.ErrGround} {
		for _, lang := range i18n.Langs {
			if !lang.Has(e.Code) {
				t.Errorf("%s has no words in %s", e.Code, lang)
			}
		}
	}
}

// For three days an erasure is told by the child's name. Turned to another child
// by hand, it is told of nobody.
func TestATraceLeadsOnlyToTheErasedChild(t *testing.T) {
	each(t, func(w *world) {
		gone, _ := w.enrol(w.enrolment("ref-1"))
		other, _ := w.enrol(w.enrolment("ref-2"))
		w.erase(gone.ID)
		for i, want := range []error{nil, family.ErrNotFound} {
			w.do(func(tx *db.Tx) error {
				if i == 1 {
					if _, err := tx.Exec(w.ctx, `UPDATE erased_subject SET child = $1`, other.ID); err != nil {
						return err
					}
				}
				got, err := family.ChildOf(w.ctx, tx, w.ring, gone.Subject)
				if w.is(err, want); err == nil && got != gone.ID {
					t.Errorf("it leads to %s", got)
				}
				return nil
			})
		}
	})
}
