package retention_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"wardkeep/internal/access"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/id"
	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
	"wardkeep/internal/family"
	"wardkeep/internal/ledger"
	"wardkeep/internal/retention"
	"wardkeep/internal/rights"
	"wardkeep/internal/vault/vaulttest"
)

// An idleWorld is a world with a sequencer, whose charter has the rule for accounts that nobody
// uses.
type idleWorld struct {
	*vaulttest.World
	log *ledger.Log
}

func eachIdle(t *testing.T, fn func(t *testing.T, w *idleWorld)) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		signer, _, err := ledger.NewSigner("wardkeep.test", make([]byte, 32))
		if err != nil {
			t.Fatal(err)
		}
		fn(t, &idleWorld{w, ledger.Open(w.Store, "wardkeep.test", signer)})
	})
}

func (w *idleWorld) flush() {
	w.T.Helper()
	if err := w.log.Flush(context.Background()); err != nil {
		w.T.Fatal(err)
	}
}

// counted has the consumer count all that there is.
func (w *idleWorld) counted() {
	w.T.Helper()
	w.flush()
	for {
		n, err := access.Count(context.Background(), w.Store)
		if err != nil {
			w.T.Fatal(err)
		}
		if n == 0 {
			return
		}
	}
}

func (w *idleWorld) until(at time.Time) { w.Pass(at.Sub(w.Store.Now())) }

// sweeps wants of a sweep how many were told of, and how many were erased.
func (w *idleWorld) sweeps(what string, told, erased int) {
	w.T.Helper()
	done, err := retention.Sweep(context.Background(), w.Store, w.Vault)
	if err != nil || done.Idle != told || done.Inactive != erased {
		w.T.Errorf("%s: %d told and %d erased, %v; want %d and %d", what, done.Idle, done.Inactive, err, told, erased)
	}
	w.flush()
}

func (w *idleWorld) activity(c family.Child) (a access.Activity) {
	w.T.Helper()
	w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		a, err = access.ActivityOf(ctx, tx, c.ID)
		return err
	})
	return a
}

// ends returns when a child that is used now is erased, if it is used no more.
func (w *idleWorld) ends() time.Time {
	return access.Begin(access.IdleFrom(w.Charter.Inactive, access.DayOf(w.Store.Now())))
}

const lead = (charter.InactiveLead + 1) * day

func TestArticle12_AnUnusedAccountIsToldOfAndThenErased(t *testing.T) {
	eachIdle(t, func(t *testing.T, w *idleWorld) {
		c := w.Child()
		ends := w.ends()
		w.Pass(day)
		other := w.Child() // it is a day behind
		w.counted()
		w.sweeps("at first", 0, 0)
		w.until(ends.Add(-lead - time.Minute))
		w.sweeps("a minute early", 0, 0)
		w.until(ends.Add(-lead + time.Minute))
		w.sweeps("in time", 1, 0)
		w.sweeps("once more", 0, 0)
		if a := w.activity(c); access.Begin(a.EraseOn) != ends {
			t.Errorf("told of %v, want %v", access.Begin(a.EraseOn), ends)
		}
		w.until(ends.Add(-time.Minute))
		w.sweeps("a minute before the day", 1, 0) // the other is told of
		audit(t, w.World)
		w.until(ends.Add(time.Minute))
		w.sweeps("on the day", 0, 1)
		if n := count(t, w.World, `SELECT count(*) FROM child WHERE child = $1 AND state = 'erased' AND wrapped IS NULL`, c.ID); n != 1 {
			t.Error("it isn't erased")
		}
		if n := count(t, w.World, `SELECT count(*) FROM child WHERE child = $1 AND state = 'active'`, other.ID); n != 1 {
			t.Error("the other is")
		}
		if n := count(t, w.World, `SELECT count(*) FROM child_activity`); n != 1 {
			t.Errorf("%d rows are left, want that of the other", n)
		}
		audit(t, w.World)
	})
}

// Whatever shows that the account is used cancels what was told, and counts from that day.
func TestArticle12_AUseKeepsAnAccount(t *testing.T) {
	for name, use := range map[string]struct {
		keeps bool
		by    func(w *idleWorld, c family.Child)
	}{
		"the app uses a value": {true, func(w *idleWorld, c family.Child) {
			if _, err := w.Read(c, "account", "guardian_phone"); err != nil {
				w.T.Error(err)
			}
		}},
		"the app collects": {true, func(w *idleWorld, c family.Child) { w.Put(c, "course-progress", "nickname", "小满") }},
		"a guardian looks": {true, func(w *idleWorld, c family.Child) {
			mother := w.Guardian(c)
			w.Do(func(ctx context.Context, tx *db.Tx) error {
				_, err := w.Vault.View(ctx, tx, mother, vaulttest.Service, "guardian_phone")
				return err
			})
		}},
		"a guardian takes an answer back": {true, func(w *idleWorld, c family.Child) {
			mother := w.Guardian(c)
			w.Do(func(ctx context.Context, tx *db.Tx) error {
				_, err := w.Desk.Withdraw(ctx, tx, mother, c, "class-ranking")
				return err
			})
		}},
		"the app is denied a value": {false, func(w *idleWorld, c family.Child) {
			if _, err := w.Read(c, "account", "school"); err == nil {
				w.T.Error("permitted")
			}
		}},
		"the staff does something": {false, func(w *idleWorld, c family.Child) {
			w.Do(func(ctx context.Context, tx *db.Tx) error {
				c, err := family.Lock(ctx, tx, c.Service, c.ID)
				if err != nil {
					return err
				}
				if _, err = family.Freeze(ctx, tx, w.Officer, c, family.ByOfficer); err != nil {
					return err
				}
				c.Frozen = true
				_, err = family.Unfreeze(ctx, tx, w.Officer, c)
				return err
			})
		}},
	} {
		t.Run(name, func(t *testing.T) {
			eachIdle(t, func(t *testing.T, w *idleWorld) {
				c := w.Child()
				w.Put(c, "account", "guardian_phone", "13800138000")
				ends := w.ends()
				w.counted()
				w.until(ends.Add(-20 * day))
				w.sweeps("late by ten days", 1, 0)
				told := access.Begin(w.activity(c).EraseOn)
				if told.Sub(w.Store.Now()) < charter.InactiveLead*day {
					t.Errorf("told at %v of %v: less than the lead", w.Store.Now(), told)
				}
				w.until(told.Add(-time.Minute))
				use.by(w, c)
				next := w.ends()
				w.counted()
				w.until(told.Add(time.Minute))
				if !use.keeps {
					w.sweeps("on the day", 0, 1)
					audit(t, w.World)
					return
				}
				w.sweeps("on the day", 0, 0)
				if a := w.activity(c); a.EraseOn != 0 {
					t.Errorf("it is still told: %+v", a)
				}
				audit(t, w.World)
				w.until(next.Add(-lead + time.Minute))
				w.sweeps("after as long again", 1, 0)
				w.until(next.Add(time.Minute))
				w.sweeps("on that day", 0, 1)
				audit(t, w.World)
			})
		})
	}
}

// What isn't counted yet is looked for in the ledger, whether it has its place or waits for
// one; and where that can't be known, nobody is told or erased.
func TestArticle12_AUseThatIsNotCountedYetKeepsAnAccount(t *testing.T) {
	eachIdle(t, func(t *testing.T, w *idleWorld) {
		var all [3]family.Child
		for i := range all {
			all[i] = w.Child()
			w.Put(all[i], "account", "guardian_phone", "13800138000")
		}
		ends := w.ends()
		w.counted()
		w.until(ends.Add(-lead + time.Minute))
		if _, err := w.Read(all[0], "account", "guardian_phone"); err != nil {
			t.Fatal(err)
		}
		w.Pass(2 * time.Minute)
		w.sweeps("while the ledger stands still", 0, 0)
		w.flush()
		w.sweeps("while nothing is counted", 2, 0)
		w.until(ends.Add(-time.Hour))
		if _, err := w.Read(all[1], "account", "guardian_phone"); err != nil {
			t.Fatal(err)
		}
		w.flush()
		w.until(ends)
		_, err := w.Read(all[2], "account", "guardian_phone") // it waits for its place
		if err != nil {
			t.Fatal(err)
		}
		w.Pass(time.Second)
		w.sweeps("on the day", 0, 0)
		if n := count(t, w.World, `SELECT count(*) FROM child_activity WHERE erase_on <> 0`); n != 2 {
			t.Errorf("%d are counted to be unused, want 2: the consumer isn't behind, and the test proves nothing", n)
		}
		w.counted()
		w.sweeps("once it is counted", 0, 0)
		if n := count(t, w.World, `SELECT count(*) FROM child_activity WHERE erase_on <> 0`); n != 0 {
			t.Errorf("%d are still told", n)
		}
		audit(t, w.World)
	})
}

// A charter that gets the rule erases nobody before the lead is over, however long nothing was used;
// and without a rule nothing happens.
func TestArticle12_ARuleThatComesLeavesTheLead(t *testing.T) {
	eachIdle(t, func(t *testing.T, w *idleWorld) {
		without := *w.Charter
		without.Inactive = charter.Period{}
		w.Publish(&without)
		w.Child()
		w.counted()
		w.Pass(4 * 365 * day)
		w.sweeps("without a rule", 0, 0)
		w.flush()
		w.Publish(w.Charter)
		w.flush()
		now := w.Store.Now()
		w.sweeps("with a rule", 1, 0)
		w.until(now.Add(charter.InactiveLead * day))
		w.sweeps("within the lead", 0, 0)
		w.Publish(&without)
		w.Pass(2 * day)
		w.flush()
		w.sweeps("after the rule has gone", 0, 0)
		w.Publish(w.Charter)
		w.flush()
		w.sweeps("after it has come again", 0, 1)
		audit(t, w.World)
	})
}

// A charter that leaves an account unused for longer holds for those who were told by the former one,
// too: they are told again, of the later day.
func TestArticle12_ALongerRulePutsTheEndOff(t *testing.T) {
	eachIdle(t, func(t *testing.T, w *idleWorld) {
		c := w.Child()
		first := w.ends()
		two, err := charter.ParsePeriod("2y")
		if err != nil {
			t.Fatal(err)
		}
		second := access.Begin(access.IdleFrom(two, access.DayOf(w.Store.Now())))
		w.counted()
		w.until(first.Add(-lead + time.Minute))
		w.sweeps("by the former", 1, 0)
		longer := *w.Charter
		longer.Inactive = two
		w.Publish(&longer)
		w.flush()
		w.until(first.Add(time.Minute))
		w.sweeps("on the former day", 0, 0)
		w.until(second.Add(-lead - time.Minute))
		w.sweeps("a minute early", 0, 0)
		w.until(second.Add(time.Minute))
		w.sweeps("late by a month", 1, 0)
		if told := access.Begin(w.activity(c).EraseOn).Sub(w.Store.Now()); told < charter.InactiveLead*day {
			t.Errorf("told %v before", told)
		}
		w.Pass(lead)
		w.flush()
		w.sweeps("on that day", 0, 1)
		audit(t, w.World)
	})
}

// Who can't be used, or is waiting for an answer, isn't said to be unused. What has kept a sweep from
// its day for more than a week has the guardians told once more.
func TestArticle12_WhoCanNotBeUsedIsNotSaidToBeUnused(t *testing.T) {
	eachIdle(t, func(t *testing.T, w *idleWorld) {
		lock := func(c family.Child, fn func(ctx context.Context, tx *db.Tx, c family.Child) error) {
			w.Do(func(ctx context.Context, tx *db.Tx) error {
				locked, err := family.Lock(ctx, tx, c.Service, c.ID)
				if err == nil {
					err = fn(ctx, tx, locked)
				}
				return err
			})
		}
		freeze := func(ctx context.Context, tx *db.Tx, c family.Child) error {
			_, err := family.Freeze(ctx, tx, w.Officer, c, family.ByOfficer)
			return err
		}
		unfreeze := func(ctx context.Context, tx *db.Tx, c family.Child) error {
			_, err := family.Unfreeze(ctx, tx, w.Officer, c)
			return err
		}
		free, frozen, disputed, waits := w.Child(), w.Child(), w.Child(), w.Child()
		ends := w.ends()
		lock(disputed, func(ctx context.Context, tx *db.Tx, c family.Child) error {
			_, err := family.Dispute(ctx, tx, w.App.Ledger(), c)
			return err
		})
		w.counted()
		w.until(ends.Add(-lead + time.Minute))
		lock(frozen, freeze)
		desk := rights.Desk{Ring: w.Ring, Charters: w.Vault.Gate.Charters}
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			c, err := family.Find(ctx, tx, vaulttest.Service, waits.ID)
			if err != nil {
				return err
			}
			_, _, err = desk.Receive(ctx, tx, w.Officer, c, rights.Demand{Kind: rights.Correct, Door: rights.ByContact, Item: "school", Held: []string{"school"}})
			return err
		})
		w.flush()
		w.sweeps("all but one must wait", 1, 0)
		w.Pass(time.Minute)
		lock(frozen, unfreeze)
		lock(free, freeze)
		w.flush()
		w.sweeps("one is free again", 1, 0)
		w.until(access.Begin(w.activity(frozen).EraseOn).Add(time.Minute))
		w.sweeps("one is frozen on its day", 0, 1)
		w.Pass(8 * day)
		lock(free, unfreeze)
		w.flush()
		w.sweeps("free long after its day: told once more", 1, 0)
		audit(t, w.World)

		// While the gate is closed to everybody, it says nothing that nobody uses anything.
		w.until(access.Begin(w.activity(free).EraseOn).Add(time.Minute))
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := catalog.EndOffice(ctx, tx, catalog.Operator{ID: "test"}, vaulttest.Service, w.Officer.ID)
			return err
		})
		w.flush()
		w.sweeps("in a vacancy", 0, 0)
		w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
			w.Officer, _, err = catalog.Appoint(ctx, tx, catalog.Operator{ID: "test"}, vaulttest.Service, catalog.RoleOfficer, "林静", "lin@xiaoxi-english.example")
			return err
		})
		w.flush()
		w.sweeps("after the vacancy", 0, 1)
		w.Enrol() // nobody has agreed: it has an end of its own
		w.counted()
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := tx.Exec(ctx, `UPDATE child SET expires_at = NULL WHERE state = 'unconsented'`)
			return err
		})
		w.Pass(2 * 365 * day)
		w.sweeps("nobody has agreed", 0, 0)
	})
}

// What fails half-way leaves the child whole, and due.
func TestArticle12_AnErasureOfAnUnusedAccountIsWholeOrNot(t *testing.T) {
	eachIdle(t, func(t *testing.T, w *idleWorld) {
		c := w.Child()
		ends := w.ends()
		w.counted()
		w.until(ends.Add(-lead + time.Minute))
		w.sweeps("in time", 1, 0)
		rename := func(from, to string) {
			w.Do(func(ctx context.Context, tx *db.Tx) error {
				_, err := tx.Exec(ctx, `ALTER TABLE `+from+` RENAME TO `+to)
				return err
			})
		}
		w.until(ends.Add(time.Minute))
		rename("child_ref", "away") // an erasure gets there after its values and answers are gone
		if _, err := retention.Sweep(t.Context(), w.Store, w.Vault); err == nil {
			t.Error("a sweep that failed says nothing")
		}
		rename("away", "child_ref")
		if n := count(t, w.World, `SELECT count(*) FROM consent WHERE child = $1`, c.ID); n == 0 {
			t.Error("half of it is erased")
		}
		w.sweeps("after that", 0, 1)
		audit(t, w.World)
	})
}

// A row alone erases nobody: what it says must be in the ledger, of this child.
func TestArticle12_ARowAloneErasesNoUnusedAccount(t *testing.T) {
	eachIdle(t, func(t *testing.T, w *idleWorld) {
		c, other := w.Child(), w.Child()
		ends := w.ends()
		w.counted()
		w.until(ends.Add(-lead + time.Minute))
		w.sweeps("in time", 2, 0)
		is, others := w.activity(c), w.activity(other)
		put := func(a access.Activity) {
			w.Do(func(ctx context.Context, tx *db.Tx) error {
				_, err := tx.Exec(ctx, `UPDATE child_activity SET last = $1, erase_on = $2, entry = $3 WHERE child = $4`, a.Last, a.EraseOn, a.Entry, c.ID)
				return err
			})
		}
		stays := func(what string, a access.Activity) {
			t.Helper()
			put(a)
			w.flush()
			if _, err := retention.Sweep(t.Context(), w.Store, w.Vault); err == nil {
				t.Errorf("%s: the sweep says nothing", what)
			}
			if n := count(t, w.World, `SELECT count(*) FROM child WHERE child = $1 AND state = 'active'`, c.ID); n != 1 {
				t.Fatalf("%s: erased", what)
			}
		}
		today := access.DayOf(w.Store.Now())
		stays("an entry of other days", access.Activity{Last: is.Last - 40, EraseOn: today, Entry: is.Entry})
		stays("no entry", access.Activity{Last: is.Last - 40, EraseOn: today})
		stays("an entry that there isn't", access.Activity{Last: is.Last - 40, EraseOn: today, Entry: id.New(id.Entry)})
		w.until(ends.Add(time.Minute))
		stays("an entry of another child", access.Activity{Last: is.Last, EraseOn: is.EraseOn, Entry: others.Entry})
		put(is)
		w.flush()
		w.sweeps("what the ledger says", 0, 1)
		audit(t, w.World)
	})
}

// It costs what is due: both looks read an index, and sort nothing.
func TestArticle12_LookingForUnusedAccountsReadsAnIndex(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		if w.Store.Engine() != "sqlite" {
			w.Do(func(ctx context.Context, tx *db.Tx) error {
				for i := range 5000 {
					name := "ch_" + string(rune('a'+i%26)) + strings.Repeat("x", i/26)
					if err := tx.Queue(ctx, `INSERT INTO child_activity (child, service, last, erase_on, entry) VALUES ($1, $2, $3, $4, '')`,
						name, vaulttest.Service, int64(20000+i), int64((i%2)*(21000+i))); err != nil {
						return err
					}
				}
				return tx.Queue(ctx, `ANALYZE child_activity`)
			})
			w.Do(func(ctx context.Context, tx *db.Tx) error {
				read := func() (n int64) {
					n, err := db.One(ctx, tx, db.Single[int64], `
						SELECT CAST(coalesce(sum(seq_tup_read + coalesce(idx_tup_fetch, 0)), 0) AS bigint) FROM pg_stat_xact_user_tables
						WHERE relname = 'child_activity' AND schemaname = current_schema()`)
					if err != nil {
						t.Fatal(err)
					}
					return n
				}
				before := read()
				idle, err := access.Idle(ctx, tx, vaulttest.Service, 20010, access.Activity{}, 10)
				if err != nil {
					return err
				}
				ending, err := access.Ending(ctx, tx, vaulttest.Service, 21011, 30000, access.Activity{}, 10)
				if n := read() - before; n > 40 || len(idle) != 6 || len(ending) != 6 {
					t.Errorf("%d rows were read for %d and %d", n, len(idle), len(ending))
				}
				return err
			})
			return
		}
		for index, query := range map[string]string{
			"child_activity_idle (service=? AND (last,child)>(?,?) AND last<?)": `SELECT child, last, erase_on, entry FROM child_activity
				WHERE service = $1 AND erase_on = 0 AND last <= $2 AND (last, child) > ($3, $4) ORDER BY last, child LIMIT $5`,
			"child_activity_told (service=? AND (erase_on,child)>(?,?) AND erase_on<?)": `SELECT child, last, erase_on, entry FROM child_activity
				WHERE service = $1 AND erase_on <> 0 AND erase_on <= $2 AND last <= $3 AND (erase_on, child) > ($4, $5) ORDER BY erase_on, child LIMIT $6`,
		} {
			w.Do(func(ctx context.Context, tx *db.Tx) error {
				args := []any{"x", int64(1), int64(1), "", int64(1)}
				if strings.Contains(query, "$6") {
					args = slices.Insert(args, 2, any(int64(1)))
				}
				plan, err := db.All(ctx, tx, func(row db.Row) (s string, err error) {
					var a, b, c int64
					err = row.Scan(&a, &b, &c, &s)
					return s, err
				}, "EXPLAIN QUERY PLAN "+query, args...)
				if text := strings.Join(plan, "; "); !strings.Contains(text, index) || strings.Contains(text, "TEMP") {
					t.Errorf("%s: %s", index, text)
				}
				return err
			})
		}
	})
}

// Nobody is erased of whom no guardian could hear, since the messages stood still: they are
// told once more, and have the lead again.
func TestArticle12_NobodyIsErasedBeforeTheGuardiansAreTold(t *testing.T) {
	eachIdle(t, func(t *testing.T, w *idleWorld) {
		w.Child()
		ends := w.ends()
		w.counted()
		sweeps := func(what string, told, erased int) {
			t.Helper()
			done, err := retention.SweepTelling(t.Context(), w.Store, w.Vault, nil, retention.Terms{Teller: "messages"})
			if err != nil || done.Idle != told || done.Inactive != erased {
				t.Errorf("%s: %d told and %d erased, %v; want %d and %d", what, done.Idle, done.Inactive, err, told, erased)
			}
			w.flush()
		}
		w.until(ends.Add(-lead + time.Minute))
		sweeps("in time", 1, 0)
		w.until(ends.Add(time.Minute))
		sweeps("on the day", 0, 0)
		w.Pass(day)
		sweeps("a day later", 1, 0)
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			head, err := ledger.Head(ctx, tx)
			if err != nil {
				return err
			}
			return ledger.Advance(ctx, tx, "messages", 0, head.Size)
		})
		sweeps("once they were told", 0, 0)
		w.Pass(lead)
		sweeps("after the lead", 0, 1)
		audit(t, w.World)
	})
}
