package party_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/base/workday"
	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
	"wardkeep/internal/family"
	"wardkeep/internal/gate"
	"wardkeep/internal/ledger"
	"wardkeep/internal/party"
	"wardkeep/internal/replay"
	"wardkeep/internal/rights"
	"wardkeep/internal/vault/vaulttest"
)

var storage = party.StorageOf(vaulttest.Service)

// denied fails the test unless a use was denied for that reason, among others, or, for "",
// permitted.
func denied(t *testing.T, err error, code string) {
	t.Helper()
	if code == "" && err != nil {
		t.Errorf("denied: %v", err)
	}
	d, ok := errors.AsType[*gate.Denied](err)
	if code != "" && (!ok || !slices.ContainsFunc(d.Reasons, func(r gate.Denial) bool { return r.Code == code && r.Article == "3" })) {
		t.Errorf("%v, want %s", err, code)
	}
}

// What is stored abroad stands on a mechanism of the storage, on file and in its period to the
// second: without one nothing is collected, sealed or opened, while guardians look and have
// erased as ever.
func TestEdgeCase20_WhatIsStoredAbroadStandsOnItsMechanism(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		register := func(want error, change func(*party.Identity)) {
			is := vaulttest.StorageIdentity()
			change(&is)
			w.verb(want, func(ctx context.Context, tx *db.Tx, by catalog.Officer) (party.Party, string, error) {
				return party.Register(ctx, tx, by, storage, is)
			})
		}
		file := func(by charter.Mechanism, until time.Time) {
			w.verb(nil, func(ctx context.Context, tx *db.Tx, officer catalog.Officer) (party.Party, string, error) {
				return party.File(ctx, tx, officer, storage, w.MechanismUntil(by, until))
			})
		}
		stands := func(want party.State) (p party.Party) {
			w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
				if p, err = party.Find(ctx, tx, storage); err == nil && p.State(tx.Now()) != want {
					t.Errorf("the storage is %q, want %q", p.State(tx.Now()), want)
				}
				return err
			})
			return p
		}
		as := func(*party.Identity) {}
		register(party.ErrUnnamed, as) // it is at home
		child, _ := w.Enrol()
		w.Publish(vaulttest.StoredAbroad(w.Charter, charter.StandardContract))
		w.AnswerProved(child)
		put := func() error {
			return w.Try(func(ctx context.Context, tx *db.Tx) error {
				_, err := w.Vault.Put(ctx, tx, w.By(), vaulttest.Service, child.ID, "course-progress", map[string]pii.Text{"weekly_score": pii.New("77")})
				return err
			})
		}
		read := func() error { _, err := w.Read(child, "course-progress", "weekly_score"); return err }
		enrol := func() error {
			return w.Try(func(ctx context.Context, tx *db.Tx) error {
				_, _, _, err := w.Vault.Gate.Register(ctx, tx, w.App, family.Enrolment{Service: vaulttest.Service, Ref: pii.New(id.Secret(16)),
					Guardian: family.Person{Phone: pii.New("13800000001"), Relation: family.Parent}})
				return err
			})
		}

		denied(t, put(), "gate.storage_mechanism_missing")
		denied(t, enrol(), "gate.storage_mechanism_missing")
		register(party.ErrCountry, func(i *party.Identity) { i.Country = "HK" })
		register(nil, as)
		denied(t, put(), "gate.storage_mechanism_missing")
		stands(party.Unfiled)
		file(charter.Certification, w.Store.Now().Add(time.Hour))
		denied(t, put(), "gate.storage_mechanism_missing") // guardians were told of a contract
		until := w.Store.Now().Add(40 * 24 * time.Hour).Truncate(time.Second)
		file(charter.StandardContract, until)
		stands(party.Active)
		denied(t, put(), "")
		denied(t, read(), "")
		denied(t, enrol(), "")

		// It is neither assessed, agreed with, nor ended: the charter says where it is.
		for name, verb := range map[string]func(ctx context.Context, tx *db.Tx, by catalog.Officer) (party.Party, string, error){
			"assess": func(ctx context.Context, tx *db.Tx, by catalog.Officer) (party.Party, string, error) {
				return party.Assess(ctx, tx, by, storage, w.Assessment(w.scope))
			},
			"agree": func(ctx context.Context, tx *db.Tx, by catalog.Officer) (party.Party, string, error) {
				return party.Agree(ctx, tx, by, storage, w.Deed(w.scope, w.Store.Now(), until))
			},
			"give a seat": func(ctx context.Context, tx *db.Tx, by catalog.Officer) (party.Party, string, error) {
				_, err := party.GiveSeat(ctx, tx, by, storage)
				return party.Party{}, "", err
			},
			"end": func(ctx context.Context, tx *db.Tx, by catalog.Officer) (party.Party, string, error) {
				return party.End(ctx, tx, by, storage, time.Time{})
			},
		} {
			t.Run(name, func(*testing.T) { w.verb(party.ErrRole, verb) })
		}

		// It is reminded and alarmed of as what parties stand on is.
		w.Pass(12 * 24 * time.Hour)
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			clocks, err := party.ClocksOf(ctx, tx, vaulttest.Service, tx.Now().Add(party.Soon))
			if len(clocks) != 1 || clocks[0].Party != storage || clocks[0].What != party.Contract || !clocks[0].At.Equal(until) {
				t.Errorf("the clocks are %v", clocks)
			}
			return err
		})
		w.Pass(until.Add(-time.Hour).Sub(w.Store.Now()))
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			due, err := party.ToRaise(ctx, tx)
			if len(due) != 1 || err != nil {
				t.Errorf("%d alarms, %v", len(due), err)
				return err
			}
			_, err = party.Raise(ctx, tx, "system:retention", due[0])
			return err
		})
		denied(t, read(), "")
		w.Pass(until.Sub(w.Store.Now()))
		denied(t, read(), "gate.storage_mechanism_over")
		denied(t, put(), "gate.storage_mechanism_over")
		g := w.Guardian(child)
		if err := w.Try(func(ctx context.Context, tx *db.Tx) error {
			_, err := w.Vault.View(ctx, tx, g, vaulttest.Service, "weekly_score")
			return err
		}); err != nil {
			t.Errorf("a guardian can't look: %v", err)
		}
		// Who comes to speak for it waits for nothing, and new children do.
		denied(t, enrol(), "gate.storage_mechanism_over")
		if err := w.Try(func(ctx context.Context, tx *db.Tx) error {
			c, err := family.Lock(ctx, tx, vaulttest.Service, child.ID)
			if err == nil {
				_, _, err = w.Vault.Gate.AddGuardian(ctx, tx, w.App, c, family.Person{Phone: pii.New("13800000002"), Relation: family.Parent})
			}
			return err
		}); err != nil {
			t.Errorf("nobody else can speak for it: %v", err)
		}
		// Article 19: a correction is taken and has its day, while nothing wrong is used; who won't
		// wait has it erased.
		demand := func(kind rights.Kind) (r rights.Request) {
			w.Do(func(ctx context.Context, tx *db.Tx) error {
				c, err := family.Find(ctx, tx, vaulttest.Service, child.ID)
				if err == nil {
					r, _, err = w.Vault.Demand(ctx, tx, rights.Desk{Ring: w.Ring, Charters: w.Desk.Charters, Calendar: workday.Default()}, g, c,
						rights.Demand{Kind: kind, Door: rights.ByGuardian, Guardian: g.ID, Item: "weekly_score"})
				}
				return err
			})
			return r
		}
		if r := demand(rights.Correct); r.State != rights.Open || !r.DueAt.After(w.Store.Now()) {
			t.Errorf("a correction is %s, due %s", r.State, r.DueAt)
		}
		denied(t, put(), "gate.storage_mechanism_over")
		if r := demand(rights.DeleteItem); r.State != rights.Done {
			t.Errorf("to delete it is %s", r.State)
		}

		// A mechanism is of one company and one place. Under another it is gone.
		file(charter.StandardContract, w.Store.Now().Add(time.Hour))
		register(nil, func(i *party.Identity) { i.Address = "2 Example Road, Singapore" })
		denied(t, read(), "")
		register(nil, func(i *party.Identity) { i.Registration = "201912345Z" })
		denied(t, read(), "gate.storage_mechanism_missing")
		file(charter.StandardContract, w.Store.Now().Add(time.Hour))
		forged := w.Proved()
		w.verb(nil, func(ctx context.Context, tx *db.Tx, by catalog.Officer) (party.Party, string, error) {
			return party.Suspend(ctx, tx, by, storage, party.Authority)
		})
		denied(t, read(), "gate.storage_suspended")
		denied(t, enrol(), "gate.storage_suspended")
		if err := w.Try(func(ctx context.Context, tx *db.Tx) error {
			_, err := w.Vault.Erase(ctx, tx, w.App.Ledger(), vaulttest.Service, child.ID, family.UseEnded)
			return err
		}); err != nil {
			t.Errorf("it can't be erased: %v", err)
		}
		w.replays()

		// A use that an entry says was permitted, under a mechanism that isn't, is found.
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			s, err := catalog.Find(ctx, tx, vaulttest.Service)
			if err != nil {
				return err
			}
			_, err = ledger.Append(ctx, tx, ledger.Entry{Kind: gate.KindPermitted, Service: s.Name, Subject: forged.Subject, Version: forged.Version, Actor: w.App.Ledger(),
				Body: gate.UseBody{Activity: "use", Purpose: "course-progress", Items: []string{"weekly_score"}, Catalog: s.Version, Charter: s.Charter, Age: "child"}})
			return err
		})
		report, err := replay.Audit(t.Context(), w.Store, w.Ring, catalog.NewCache(4), replay.Options{})
		if err != nil || len(report.Differences) != 1 || report.Differences[0].What != replay.FoundVerdict {
			t.Errorf("%v, %v", report.Differences, err)
		}
	})
}

// A storage that a charter has brought home is reminded of until somebody takes its mechanism off,
// and stands on nothing if it goes abroad again.
func TestEdgeCase20_AStorageThatCameHomeIsRemindedOfNoMore(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.StoreAbroad(charter.StandardContract, w.Store.Now().AddDate(0, 0, 29))
		ends := func(want error) {
			t.Helper()
			w.verb(want, func(ctx context.Context, tx *db.Tx, by catalog.Officer) (party.Party, string, error) {
				return party.End(ctx, tx, by, storage, tx.Now().Add(time.Hour))
			})
		}
		reminds := func(want int) {
			t.Helper()
			w.Do(func(ctx context.Context, tx *db.Tx) error {
				clocks, err := party.ClocksOf(ctx, tx, vaulttest.Service, tx.Now().Add(party.Soon))
				if len(clocks) != want {
					t.Errorf("the clocks are %v", clocks)
				}
				return err
			})
		}
		child := w.Proved()
		ends(party.ErrRole)
		w.Publish(w.Charter)
		reminds(1)
		ends(nil)
		reminds(0)
		ends(party.ErrEnded)
		w.Publish(vaulttest.StoredAbroad(w.Charter, charter.StandardContract))
		_, err := w.Read(child, "course-progress", "weekly_score")
		denied(t, err, "gate.storage_mechanism_missing")
		ends(party.ErrRole)
		w.replays()
	})
}
