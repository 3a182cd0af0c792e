// Package vaulttest gives tests a store in which a service is in order: its
// charter is published, officer and deputy hold office, an app has a key.
//
// Its one invariant: everything in it was done through the domain packages, so
// the ledger of a World replays. For a World that begins within seconds of another of its
// test binary, it was done for that one, and is written anew as it was kept.
package vaulttest

import (
	"context"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	xiaoxi "wardkeep/examples/xiaoxi-english"
	"wardkeep/internal/account"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/db/dbtest"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
	"wardkeep/internal/catalog/catalogtest"
	"wardkeep/internal/charter"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/family/age"
	"wardkeep/internal/gate"
	"wardkeep/internal/party"
	"wardkeep/internal/vault"
)

// Service is the name of the world's service, a test service, so that its
// guardians' answers can be played.
const Service = "xiaoxi-english"

// A World is a store, its keys, and a service in order.
type World struct {
	T       testing.TB
	Store   *db.DB
	Ring    *keyring.Ring
	Vault   *vault.Vault
	Desk    consent.Desk
	App     account.App
	Key     string // the app's
	Officer catalog.Officer
	Charter *charter.Charter

	late atomic.Int64 // how far the world's clock is ahead
}

// Each runs fn in a world on SQLite and in one on PostgreSQL.
func Each(t *testing.T, fn func(t *testing.T, w *World)) {
	dbtest.Each(t, func(t *testing.T, store *db.DB) { fn(t, New(t, store)) })
}

// New makes a world in an empty store.
func New(t testing.TB, store *db.DB) *World {
	t.Helper()
	w := &World{T: t, Store: store}
	store.Now = func() time.Time { return time.Now().Add(time.Duration(w.late.Load())) }
	var err error
	if w.Charter, err = example(); err != nil {
		t.Fatal(err)
	}
	k := keptFor(store)
	if k != nil {
		w.Ring, w.App, w.Key, w.Officer = k.keys.ring(t), k.app, k.key, k.officer
		w.Do(k.rows.Write)
	} else {
		k = &kept{keys: newKeys(t), at: time.Now()}
		w.Ring = k.keys.ring(t)
		dbtest.PoolKey(t, store, w.Ring.CurrentPool())
		w.Do(func(ctx context.Context, tx *db.Tx) error { return w.setUp(ctx, tx) })
		k.app, k.key, k.officer, k.rows = w.App, w.Key, w.Officer, dbtest.Keep(t, store)
		keep(store, k)
	}
	charters := catalog.NewCache(16)
	w.Vault = &vault.Vault{Ring: w.Ring, Gate: &gate.Gate{Ring: w.Ring, Charters: charters}}
	w.Desk = consent.Desk{Ring: w.Ring, Charters: charters}
	return w
}

// example is the charter of every world: nobody changes one that is loaded.
var example = sync.OnceValues(func() (*charter.Charter, error) { return charter.Load(xiaoxi.Files) })

// Ring returns a ring of keys of its own.
func Ring(t testing.TB) *keyring.Ring {
	t.Helper()
	return newKeys(t).ring(t)
}

// keys are those of a ring, as they are stored.
type keys struct {
	kek    keyring.KEK
	stored []keyring.Stored
}

func newKeys(t testing.TB) keys {
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
	return keys{kek, stored}
}

func (k keys) ring(t testing.TB) *keyring.Ring {
	t.Helper()
	ring, err := keyring.Open(t.Context(), k.kek, k.stored)
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

func (w *World) setUp(ctx context.Context, tx *db.Tx) error {
	operator := catalog.Operator{ID: "test"}
	if _, _, err := catalog.Create(ctx, tx, operator, Service, catalog.Test); err != nil {
		return err
	}
	var err error
	if w.Officer, _, err = catalog.Appoint(ctx, tx, operator, Service, catalog.RoleOfficer, "林静", "lin@xiaoxi-english.example"); err != nil {
		return err
	}
	if _, _, err := catalog.Appoint(ctx, tx, operator, Service, catalog.RoleDeputy, "周远", "zhou@xiaoxi-english.example"); err != nil {
		return err
	}
	if err := w.publish(ctx, tx, w.Charter); err != nil {
		return err
	}
	w.App, w.Key, _, err = account.IssueApp(ctx, tx, operator, Service, "app", account.AllScopes(), time.Time{})
	return err
}

func (w *World) publish(ctx context.Context, tx *db.Tx, c *charter.Charter) error {
	draft, _, err := catalog.Propose(ctx, tx, w.Ring, catalog.Operator{ID: "test"}, c, nil)
	if err != nil {
		return err
	}
	p, _, err := catalogtest.Publish(ctx, tx, w.Ring, w.Officer, Service, draft.Number)
	if err != nil {
		return err
	}
	return party.Follow(ctx, tx, w.Officer, Service, p.Charter)
}

// Publish publishes another version of the charter.
func (w *World) Publish(c *charter.Charter) {
	w.T.Helper()
	w.Do(func(ctx context.Context, tx *db.Tx) error { return w.publish(ctx, tx, c) })
}

// Try runs fn in a transaction.
func (w *World) Try(fn func(ctx context.Context, tx *db.Tx) error) error {
	ctx := context.Background() // a fuzz target has a context of its own
	return w.Store.Update(ctx, func(tx *db.Tx) error { return fn(ctx, tx) })
}

// Do runs fn in a transaction that must succeed.
func (w *World) Do(fn func(ctx context.Context, tx *db.Tx) error) {
	w.T.Helper()
	if err := w.Try(fn); err != nil {
		w.T.Fatal(err)
	}
}

// Pass lets time go by.
func (w *World) Pass(d time.Duration) { w.late.Add(int64(d)) }

// PassToHalfPast lets time go by until half past, so that no hour ends in what follows, nor a
// day in Asia/Shanghai, whose hours are UTC's, within four more.
func (w *World) PassToHalfPast() {
	now := w.Store.Now()
	half := now.Truncate(time.Hour).Add(30 * time.Minute)
	for half.Before(now) || half.In(age.Zone).Hour() >= 20 {
		half = half.Add(time.Hour)
	}
	w.Pass(half.Sub(now))
}

// By is the world's app as the gate sees it.
func (w *World) By() gate.Actor { return gate.ByApp(w.App) }

// Enrol registers a nine-year-old whom nobody has answered for.
func (w *World) Enrol() (child family.Child, guardian family.Guardian) {
	w.T.Helper()
	w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		child, guardian, _, err = w.Vault.Gate.Register(ctx, tx, w.App, family.Enrolment{
			Service: Service, Ref: pii.New(id.Secret(16)),
			Birth: age.Birth{Year: tx.Now().Year() - 9, Month: 6, Day: 1}, BirthSource: family.FromApp,
			Guardian: family.Person{Phone: pii.New("13800000000"), Relation: family.Parent},
		})
		return err
	})
	return child, guardian
}

// Answer plays the guardian's answer to all purposes, or to those named.
func (w *World) Answer(child family.Child, outcome consent.Outcome, purposes ...string) {
	w.T.Helper()
	w.Do(func(ctx context.Context, tx *db.Tx) error {
		child, err := family.Find(ctx, tx, Service, child.ID)
		if err != nil {
			return err
		}
		r, _, _, err := w.Desk.Ask(ctx, tx, w.App, child, consent.Asking{Purposes: purposes, Channel: consent.Link, Locale: "zh-CN"})
		if err != nil {
			return err
		}
		_, _, err = w.Desk.Force(ctx, tx, w.App, r, outcome)
		return err
	})
}

// Child registers a child whose guardian has agreed to everything.
func (w *World) Child() family.Child {
	w.T.Helper()
	child, _ := w.Enrol()
	w.Answer(child, consent.ForceGranted)
	return child
}

// Guardian returns who was tied to the child first, as it is now.
func (w *World) Guardian(child family.Child) (g family.Guardian) {
	w.T.Helper()
	w.Do(func(ctx context.Context, tx *db.Tx) error {
		var all []family.Guardian
		if err := tx.Together(ctx, family.ReadGuardians(&all, child.ID)); err != nil {
			return err
		}
		g = all[0]
		return nil
	})
	return g
}

// Put collects one value, which must be permitted.
func (w *World) Put(child family.Child, purpose, item, value string) {
	w.T.Helper()
	w.Do(func(ctx context.Context, tx *db.Tx) error {
		_, err := w.Vault.Put(ctx, tx, w.By(), Service, child.ID, purpose, map[string]pii.Text{item: pii.New(value)})
		return err
	})
}

// Read uses one value and returns it, or why not.
func (w *World) Read(child family.Child, purpose, item string) (string, error) {
	u := gate.Use{Service: Service, Child: child.ID, Activity: charter.Use, Purpose: purpose, Items: []string{item}}
	var out vault.Opened
	err := w.Try(func(ctx context.Context, tx *db.Tx) (err error) {
		out, err = w.Vault.Open(ctx, tx, w.By(), u, nil)
		return err
	})
	if err != nil {
		return "", err
	}
	return out.Values[item].Reveal(), nil
}

// Event reports that something has happened, at the zero time now.
func (w *World) Event(child family.Child, event string, happened time.Time) (ended vault.Ended, err error) {
	err = w.Try(func(ctx context.Context, tx *db.Tx) (err error) {
		ended, err = w.Vault.Event(ctx, tx, w.By(), Service, child.ID, event, happened)
		return err
	})
	return ended, err
}
