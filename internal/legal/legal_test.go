package legal_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/workday"
	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
	"wardkeep/internal/family"
	"wardkeep/internal/gate"
	"wardkeep/internal/legal"
	"wardkeep/internal/replay"
	"wardkeep/internal/retention"
	"wardkeep/internal/rights"
	"wardkeep/internal/vault"
	"wardkeep/internal/vault/vaulttest"
)

const (
	day      = 24 * time.Hour
	document = "aa"
)

// each runs fn in a world of its own, whose ledger must replay afterwards.
func each(t *testing.T, fn func(t *testing.T, w *world)) {
	vaulttest.Each(t, func(t *testing.T, v *vaulttest.World) {
		w := &world{v}
		fn(t, w)
		w.replays()
	})
}

type world struct{ *vaulttest.World }

func (w *world) replays() {
	w.T.Helper()
	report, err := replay.Audit(w.T.Context(), w.Store, w.Ring, catalog.NewCache(4), replay.Options{})
	if err != nil || !report.OK() {
		w.T.Errorf("%v, %v", report.Differences, err)
	}
}

// approval is one for two years, by a document that begins so.
func (w *world) approval(child family.ID, basis legal.Basis, paper string, items ...string) legal.Approval {
	return legal.Approval{Service: vaulttest.Service, Child: child, Items: items, Basis: basis,
		Paper: legal.Paper{Number: "〔2026〕12号", Document: paper + strings.Repeat("00", 31)}, Until: w.Store.Now().Add(2 * 365 * day)}
}

func (w *world) approve(a legal.Approval) (made legal.Approval, err error) {
	err = w.Try(func(ctx context.Context, tx *db.Tx) (err error) {
		made, _, err = legal.Approve(ctx, tx, w.Officer, a, func(item string) bool { _, ok := w.Charter.Item(item); return ok })
		return err
	})
	return made, err
}

func (w *world) must(a legal.Approval) legal.Approval {
	w.T.Helper()
	made, err := w.approve(a)
	if err != nil {
		w.T.Fatal(err)
	}
	return made
}

func (w *world) erase(c family.Child) {
	w.T.Helper()
	w.Do(func(ctx context.Context, tx *db.Tx) error {
		child, err := family.Lock(ctx, tx, c.Service, c.ID)
		if err != nil {
			return err
		}
		_, _, err = retention.Erase(ctx, tx, w.Vault, nil, w.App.Ledger(), child, family.UseEnded)
		return err
	})
}

func (w *world) sweep() retention.Swept {
	w.T.Helper()
	done, err := retention.Sweep(w.T.Context(), w.Store, w.Vault)
	if err != nil {
		w.T.Fatal(err)
	}
	return done
}

func (w *world) count(query string, args ...any) (n int64) {
	w.T.Helper()
	w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		n, err = db.One(ctx, tx, db.Single[int64], query, args...)
		return err
	})
	return n
}

// Edge case 14: what a law demands to keep is sealed under a key of its own and read by
// nobody; all else of the child is erased at once, its key too; it ends on its date.
func TestEdgeCase14_WhatALawDemandsIsSealedAndEndsOnItsDate(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c := w.Child()
		g := w.Guardian(c)
		w.Put(c, "course-progress", "weekly_score", "77")
		w.Put(c, "course-progress", "nickname", "小溪")
		w.must(w.approval("", legal.NetworkLog, document, "weekly_score", "voice"))
		var wrapped []byte
		w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
			wrapped, err = db.One(ctx, tx, db.Single[[]byte], `SELECT wrapped FROM child WHERE child = $1`, c.ID)
			return err
		})
		w.erase(c)
		w.replays()
		if n := w.count(`SELECT count(*) FROM value WHERE child = $1`, c.ID); n != 0 {
			t.Errorf("%d values are in use", n)
		}
		if n := w.count(`SELECT count(*) FROM kept_value WHERE child = $1 AND item = 'weekly_score'`, c.ID); n != 1 {
			t.Errorf("%d are kept", n)
		}
		if n := w.count(`SELECT count(*) FROM child WHERE wrapped = $1`, wrapped); n != 0 {
			t.Error("the child's own key is still there: what is sealed elsewhere opens")
		}
		if n := w.count(`SELECT count(*) FROM guardian WHERE child = $1`, c.ID); n != 0 {
			t.Error("a contact is kept")
		}

		// Every door is shut: the app's, the guardian's, and that of changes.
		if _, err := w.Read(c, "course-progress", "weekly_score"); !errors.Is(err, family.ErrErased) {
			t.Errorf("an app reads it: %v", err)
		}
		for name, door := range map[string]func(ctx context.Context, tx *db.Tx) error{
			"a look": func(ctx context.Context, tx *db.Tx) error {
				_, err := w.Vault.View(ctx, tx, g, c.Service, "weekly_score")
				return err
			},
			"a lock": func(ctx context.Context, tx *db.Tx) error {
				_, err := family.Lock(ctx, tx, c.Service, c.ID)
				return err
			},
			"a find": func(ctx context.Context, tx *db.Tx) error {
				_, err := family.Find(ctx, tx, c.Service, c.ID)
				return err
			},
			"an erasure": func(ctx context.Context, tx *db.Tx) error {
				_, err := w.Vault.Erase(ctx, tx, "x", c.Service, c.ID, family.Requested)
				return err
			},
		} {
			if err := w.Try(door); !errors.Is(err, family.ErrErased) {
				t.Errorf("%s: %v", name, err)
			}
		}
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			l, err := w.Vault.Gate.Load(ctx, tx, c.Service, c.ID)
			if err != nil {
				return err
			}
			_, reasons := gate.Decide(l.Facts(tx.Now(), nil), w.By(), gate.Use{Service: c.Service, Child: c.ID, Activity: charter.Use, Purpose: "course-progress", Items: []string{"weekly_score"}})
			if !slices.ContainsFunc(reasons, func(d gate.Denial) bool { return d.Code == "gate.legally_retained" && d.Article == "20" }) {
				t.Errorf("%v", reasons)
			}
			return nil
		})

		until := w.Store.Now().AddDate(0, 6, 0)
		w.Pass(until.Sub(w.Store.Now()) - time.Hour)
		if done := w.sweep(); done.Kept != 0 {
			t.Errorf("an hour early: %+v", done)
		}
		w.Pass(2 * time.Hour)
		died := errors.New("killed before the commit")
		err := w.Try(func(ctx context.Context, tx *db.Tx) error {
			if _, err := w.Vault.EndKept(ctx, tx, "system:retention", vault.KeptDue{Child: c.ID, Service: c.Service}); err != nil {
				return err
			}
			return died
		})
		if !errors.Is(err, died) {
			t.Error(err)
		}
		if done := w.sweep(); done.Kept != 1 {
			t.Errorf("on its date: %+v", done)
		}
		if done := w.sweep(); done.Kept != 0 {
			t.Errorf("again: %+v", done)
		}
		if n := w.count(`SELECT count(*) FROM child WHERE child = $1 AND state = 'erased' AND wrapped IS NULL AND pool IS NULL AND kept_until IS NULL`, c.ID); n != 1 {
			t.Error("a key outlives what was kept under it")
		}
	})
}

// Edge case 14, invariant 6: the number of a case leads to whoever it is about, and so does a
// hash for whoever has the document. The ledger has a mark of both, which nobody can try out once the child is erased, and
// it is said to whoever may know.
func TestInvariant6_NothingOfADocumentIsInTheLedger(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c := w.Child()
		w.Put(c, "course-progress", "nickname", "小溪")
		asked := w.approval(c.ID, legal.Other, document, "nickname")
		a := w.must(asked)
		w.erase(c)
		entries := 0
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			return db.Each(ctx, tx, func(row db.Row) error {
				var entry []byte
				err := row.Scan(&entry)
				var e struct {
					Kind string
					Body struct {
						Mark   string
						Values []struct{ Mark string }
					}
				}
				if err == nil {
					err = json.Unmarshal(entry, &e)
				}
				if strings.Contains(string(entry), asked.Number) || strings.Contains(string(entry), asked.Document) {
					t.Errorf("%s: the ledger has the number, or a hash of the document", e.Kind)
				}
				mark := e.Body.Mark
				for _, v := range e.Body.Values {
					mark = v.Mark
				}
				if strings.HasPrefix(e.Kind, "legal.") {
					entries++
					if mark != a.Mark(a.ID) || mark == asked.Mark(a.ID) {
						t.Errorf("%s: the document doesn't give the mark, or does without the salt", e.Kind)
					}
				}
				return err
			}, `SELECT entry FROM ledger_pending ORDER BY id`)
		})
		if entries != 2 {
			t.Errorf("%d entries", entries)
		}
		if n := w.count(`SELECT count(*) FROM legal_approval WHERE salt = $1`, a.Salt); n != 0 {
			t.Error("the salt outlives the child")
		}
	})
}

// Edge case 14: one value that a guardian wants to be gone, and what a withdrawal leaves,
// is kept as well, while the child lives and beyond.
func TestEdgeCase14_WhatIsKeptOfALivingChildOutlivesIt(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c := w.Child()
		g := w.Guardian(c)
		w.must(w.approval(c.ID, legal.Other, document, "nickname", "voice"))
		w.Put(c, "course-progress", "nickname", "小溪")
		w.Put(c, "speaking-practice", "voice", "AAAA")
		desk := rights.Desk{Ring: w.Ring, Charters: w.Desk.Charters, Calendar: workday.Default()}
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := w.Vault.Demand(ctx, tx, desk, g, c, rights.Demand{Kind: rights.DeleteItem, Door: rights.ByGuardian, Guardian: g.ID, Item: "nickname"})
			return err
		})
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			if _, err := w.Desk.Withdraw(ctx, tx, g, c, "speaking-practice"); err != nil {
				return err
			}
			items, err := w.Vault.EraseUnfounded(ctx, tx, g.Ledger(), c.Service, c.ID)
			if len(items) > 0 {
				t.Errorf("erased %v", items)
			}
			return err
		})
		if held, err := w.Read(c, "course-progress", "nickname"); err != nil || held != "" {
			t.Errorf("what is kept is read: %v", err)
		}
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			all, err := vault.Kept(ctx, tx, c.ID)
			if len(all) != 2 || all[0].Number != "〔2026〕12号" {
				t.Errorf("the guardian sees %+v", all)
			}
			return err
		})
		w.replays()
		w.Put(c, "course-progress", "nickname", "小河")
		w.erase(c)
		if n := w.count(`SELECT count(*) FROM kept_value WHERE child = $1`, c.ID); n != 3 {
			t.Errorf("%d are kept", n)
		}
		if n := w.count(`SELECT count(*) FROM legal_approval`); n != 0 {
			t.Error("an approval outlives the child that it is about")
		}
		w.replays()
		w.Pass(2*365*day + time.Hour)
		if done := w.sweep(); done.Kept != 3 {
			t.Errorf("%+v", done)
		}
	})
}

// Edge case 14: a document that is known doesn't prolong anything, nor does any other
// without an officer, a basis, an end.
func TestEdgeCase14_WhatIsNoApproval(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c := w.Child()
		good := w.approval("", legal.ECommerce, document, "weekly_score")
		for name, x := range map[string]struct {
			change func(a *legal.Approval)
			want   error
		}{
			"a basis that nobody knows": {func(a *legal.Approval) { a.Basis = "useful" }, legal.ErrBasis},
			"no item":                   {func(a *legal.Approval) { a.Items = nil }, legal.ErrItems},
			"an item that nobody knows": {func(a *legal.Approval) { a.Items = []string{"diary"} }, legal.ErrItems},
			"no document":               {func(a *legal.Approval) { a.Document = "" }, legal.ErrDocument},
			"a number of many lines":    {func(a *legal.Approval) { a.Number = "1\n2" }, legal.ErrNumber},
			"other without a number":    {func(a *legal.Approval) { a.Basis, a.Number = legal.Other, "" }, legal.ErrNumber},
			"no end":                    {func(a *legal.Approval) { a.Until = time.Time{} }, legal.ErrUntil},
			"an end that is over":       {func(a *legal.Approval) { a.Until = w.Store.Now() }, legal.ErrUntil},
			"an end in ten years":       {func(a *legal.Approval) { a.Until = w.Store.Now().Add(3650 * day) }, legal.ErrUntil},
			"another service":           {func(a *legal.Approval) { a.Service = "another" }, legal.ErrMayNot},
			"a child that is unknown":   {func(a *legal.Approval) { a.Child = "ch_unknown" }, family.ErrNotFound},
		} {
			a := good
			x.change(&a)
			if _, err := w.approve(a); !errors.Is(err, x.want) {
				t.Errorf("%s: %v", name, err)
			}
		}
		made := w.must(good)
		later := good
		later.Until = later.Until.Add(day)
		if _, err := w.approve(later); !errors.Is(err, legal.ErrTwice) {
			t.Errorf("prolonged by the same document: %v", err)
		}
		end := func() error {
			return w.Try(func(ctx context.Context, tx *db.Tx) error {
				_, err := legal.End(ctx, tx, w.Officer, vaulttest.Service, made.ID)
				return err
			})
		}
		if err := end(); err != nil {
			t.Error(err)
		}
		if err := end(); !errors.Is(err, legal.ErrEnded) {
			t.Errorf("taken back twice: %v", err)
		}
		w.Put(c, "course-progress", "weekly_score", "77")
		w.erase(c)
		if n := w.count(`SELECT count(*) FROM kept_value`); n != 0 {
			t.Error("something is kept by an approval that was taken back")
		}
	})
}

// Edge case 14, invariant 7: whoever waits for a child has an earlier time and a later
// version than who held it. What is approved, taken back and kept side by side replays.
func TestInvariant7_WhatIsApprovedBesideAnErasureReplays(t *testing.T) {
	for name, x := range map[string]struct {
		of     func(c family.Child) family.ID
		before bool // it is approved before, and taken back beside the erasure
	}{
		"of one child, approved":     {func(c family.Child) family.ID { return c.ID }, false},
		"of one child, taken back":   {func(c family.Child) family.ID { return c.ID }, true},
		"of all children, approved":  {func(family.Child) family.ID { return "" }, false},
		"of all children, took back": {func(family.Child) family.ID { return "" }, true},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, w *world) {
				if w.Store.Engine() != "postgres" {
					return // it has one writer: nobody begins before who commits before
				}
				c := w.Child()
				w.Put(c, "course-progress", "nickname", "小溪")
				asked, a := w.approval(x.of(c), legal.Other, document, "nickname"), legal.Approval{}
				if x.before {
					a = w.must(asked)
				}
				second := time.Second
				// The first to begin is the last to lock.
				err := w.Try(func(ctx context.Context, tx *db.Tx) error {
					w.Pass(second)
					second = 0 // it may run again
					if !x.before {
						w.must(asked)
						child, err := family.Lock(ctx, tx, c.Service, c.ID)
						if err != nil {
							return err
						}
						_, _, err = retention.Erase(ctx, tx, w.Vault, nil, w.App.Ledger(), child, family.UseEnded)
						return err
					}
					w.erase(c)
					_, err := legal.End(ctx, tx, w.Officer, c.Service, a.ID)
					return err
				})
				if x.before && a.Child != "" {
					if !errors.Is(err, legal.ErrNotFound) {
						t.Errorf("it went with the child: %v", err)
					}
				} else if err != nil {
					t.Error(err)
				}
				if n := w.count(`SELECT count(*) FROM kept_value WHERE child = $1`, c.ID); n != 1 {
					t.Errorf("%d are kept", n)
				}
			})
		})
	}
}

// Invariants 8 and 10: when the date has come, neither what was kept nor the key that it
// lay under is anywhere in the store's files.
func TestInvariant8_TheDiskForgetsWhatWasKept(t *testing.T) {
	dir := t.TempDir()
	store, err := db.OpenSQLite(filepath.Join(dir, "store.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if err := store.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	w := &world{vaulttest.New(t, store)}
	c := w.Child()
	w.must(w.approval("", legal.ServiceLog, document, "weekly_score"))
	w.Put(c, "course-progress", "weekly_score", "77")
	w.erase(c)
	var wrapped, sealed []byte
	w.Do(func(ctx context.Context, tx *db.Tx) error {
		return db.Each(ctx, tx, func(row db.Row) error { return row.Scan(&wrapped, &sealed) },
			`SELECT child.wrapped, kept_value.sealed FROM child JOIN kept_value ON kept_value.child = child.child`)
	})
	holds := func(what []byte) (found bool) {
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
			found = found || bytes.Contains(b, what)
		}
		return found
	}
	if !holds(wrapped) || !holds(sealed) {
		t.Fatal("neither is on the disk to begin with: the test proves nothing")
	}
	w.Pass(61 * day)
	w.sweep()
	if holds(wrapped) || holds(sealed) {
		t.Error("what was kept, or its key, is still on the disk")
	}
	w.replays()
}
