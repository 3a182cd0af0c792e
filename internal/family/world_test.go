package family_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/db/dbtest"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/family"
	"wardkeep/internal/family/age"
)

const service = "xiaoxi"

// app is the operator's app as an actor.
type app struct{}

func (app) Ledger() string { return "app:ak_test" }

// A world is an empty store, a ring and a clock.
type world struct {
	*testing.T
	ctx   context.Context
	store *db.DB
	ring  *keyring.Ring
	clock atomic.Int64 // microseconds
}

func each(t *testing.T, fn func(w *world)) {
	dbtest.Each(t, func(t *testing.T, store *db.DB) { fn(newWorld(t, store)) })
}

func newWorld(t *testing.T, store *db.DB) *world {
	w := &world{T: t, ctx: t.Context(), store: store}
	w.ring, _, _ = newRing(t)
	w.at("2026-03-01 08:00:00")
	store.Now = func() time.Time { return time.UnixMicro(w.clock.Load()) }
	dbtest.PoolKey(t, store, w.ring.CurrentPool())
	return w
}

func newRing(t *testing.T) (*keyring.Ring, keyring.KEK, []keyring.Stored) {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "kek")
	if err := keyring.CreateKeyFile(file, filepath.Join(dir, "data")); err != nil {
		t.Fatal(err)
	}
	kek, err := keyring.OpenKeyFile(file)
	if err != nil {
		t.Fatal(err)
	}
	stored, err := keyring.Generate(t.Context(), kek, keyring.AES256GCM)
	if err != nil {
		t.Fatal(err)
	}
	ring, err := keyring.Open(t.Context(), kek, stored)
	if err != nil {
		t.Fatal(err)
	}
	return ring, kek, stored
}

// at sets the clock, in Asia/Shanghai.
func (w *world) at(s string) {
	w.Helper()
	when, err := time.ParseInLocation(time.DateTime, s, age.Zone)
	if err != nil {
		w.Fatal(err)
	}
	w.clock.Store(when.UnixMicro())
}

func (w *world) pass(d time.Duration) { w.clock.Add(d.Microseconds()) }

func (w *world) try(fn func(tx *db.Tx) error) error { return w.store.Update(w.ctx, fn) }

func (w *world) do(fn func(tx *db.Tx) error) {
	w.Helper()
	if err := w.try(fn); err != nil {
		w.Fatal(err)
	}
}

func (w *world) is(err, want error) {
	w.Helper()
	if !errors.Is(err, want) {
		w.Errorf("got %v, want %v", err, want)
	}
}

func birth(t testing.TB, s string) age.Birth {
	t.Helper()
	if s == "" {
		return age.Birth{}
	}
	b, err := age.ParseBirth(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// mother is a fictitious person, under a number that is never given out.
func mother() family.Person {
	return family.Person{Name: pii.New("欧阳霜华"), Phone: pii.New("138 0013 8000"), Email: pii.New("Shuanghua@Example.com"), Relation: family.Parent}
}

func (w *world) enrolment(ref string) family.Enrolment {
	return family.Enrolment{Service: service, Ref: pii.New(ref), Birth: birth(w, "2016-05-01"), BirthSource: family.FromApp, Guardian: mother()}
}

func (w *world) enrol(e family.Enrolment) (c family.Child, g family.Guardian) {
	w.Helper()
	w.do(func(tx *db.Tx) (err error) {
		c, g, _, err = family.Enrol(w.ctx, tx, w.ring, app{}, e)
		return err
	})
	return c, g
}

func (w *world) tryEnrol(e family.Enrolment) error {
	return w.try(func(tx *db.Tx) error {
		_, _, _, err := family.Enrol(w.ctx, tx, w.ring, app{}, e)
		return err
	})
}

// with runs fn on the locked child.
func (w *world) with(id family.ID, fn func(tx *db.Tx, c family.Child) error) error {
	return w.try(func(tx *db.Tx) error {
		c, err := family.Lock(w.ctx, tx, service, id)
		if err != nil {
			return err
		}
		return fn(tx, c)
	})
}

func (w *world) must(id family.ID, fn func(tx *db.Tx, c family.Child) error) {
	w.Helper()
	if err := w.with(id, fn); err != nil {
		w.Fatal(err)
	}
}

func (w *world) find(id family.ID) (c family.Child) {
	w.Helper()
	w.do(func(tx *db.Tx) (err error) {
		c, err = family.Find(w.ctx, tx, service, id)
		return err
	})
	return c
}

func (w *world) guardians(id family.ID) (all []family.Guardian) {
	w.Helper()
	w.do(func(tx *db.Tx) error { return tx.Together(w.ctx, family.ReadGuardians(&all, id)) })
	return all
}

func (w *world) erase(id family.ID) {
	w.Helper()
	w.must(id, func(tx *db.Tx, c family.Child) error {
		_, err := family.Erase(w.ctx, tx, w.ring, "system:test", c, family.Requested, family.Undone{})
		return err
	})
}

func (w *world) count(table string) (n int64) {
	w.Helper()
	w.do(func(tx *db.Tx) (err error) {
		n, err = db.One(w.ctx, tx, db.Single[int64], "SELECT count(*) FROM "+table)
		return err
	})
	return n
}

// dump returns every row of a table, column by column as the schema has them.
func (w *world) dump(table string) (rows []map[string]any) {
	w.Helper()
	query := "SELECT name FROM pragma_table_info('" + table + "') ORDER BY name"
	if w.store.Engine() == "postgres" {
		query = "SELECT column_name FROM information_schema.columns WHERE table_name = '" + table +
			"' AND table_schema = current_schema() ORDER BY column_name"
	}
	w.do(func(tx *db.Tx) error {
		names, err := db.All(w.ctx, tx, db.Single[string], query)
		if err != nil || len(names) == 0 {
			return fmt.Errorf("no columns of %s: %v", table, err)
		}
		list := names[0]
		for _, n := range names[1:] {
			list += ", " + n
		}
		return db.Each(w.ctx, tx, func(row db.Row) error {
			values, into := make([]any, len(names)), make([]any, len(names))
			for i := range values {
				into[i] = &values[i]
			}
			if err := row.Scan(into...); err != nil {
				return err
			}
			m := make(map[string]any, len(names))
			for i, n := range names {
				m[n] = values[i]
			}
			rows = append(rows, m)
			return nil
		}, "SELECT "+list+" FROM "+table)
	})
	return rows
}

// entries returns what the ledger was given about one child, in order.
func (w *world) entries() (texts []string) {
	w.Helper()
	w.do(func(tx *db.Tx) error {
		return db.Each(w.ctx, tx, func(row db.Row) error {
			var b []byte
			err := row.Scan(&b)
			texts = append(texts, string(b))
			return err
		}, "SELECT entry FROM ledger_pending ORDER BY version, id")
	})
	return texts
}
