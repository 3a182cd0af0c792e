package border_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"wardkeep/internal/account"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/border"
	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
	"wardkeep/internal/family"
	"wardkeep/internal/family/age"
	"wardkeep/internal/gate"
	"wardkeep/internal/party"
	"wardkeep/internal/replay"
	"wardkeep/internal/vault"
	"wardkeep/internal/vault/vaulttest"
)

type world struct {
	*vaulttest.World
	t *testing.T
}

// each runs fn on both engines, with so many children who were registered at home, and whose
// guardians have agreed since then that all is stored abroad; and one for whom nobody has.
func each(t *testing.T, children int, fn func(w *world, all []family.Child, unasked family.Child)) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		all := make([]family.Child, children)
		for i := range all {
			all[i], _ = w.Enrol()
		}
		unasked, _ := w.Enrol()
		w.StoreAbroad(charter.StandardContract, w.Store.Now().AddDate(4, 0, 0))
		for _, c := range all {
			w.AnswerProved(c)
		}
		fn(&world{w, t}, all, unasked)
	})
}

// register registers a child.
func (w *world) register() (family.Child, error) { return w.registerBy(w.App) }

func (w *world) registerBy(app account.App) (c family.Child, err error) {
	err = w.Try(func(ctx context.Context, tx *db.Tx) (err error) {
		c, _, _, err = w.Vault.Gate.Register(ctx, tx, app, family.Enrolment{Service: vaulttest.Service, Ref: pii.New(id.Secret(16)),
			Guardian: family.Person{Phone: pii.New("13800000001"), Relation: family.Parent}})
		return err
	})
	return c, err
}

func (w *world) put(c family.Child) error {
	return w.Try(func(ctx context.Context, tx *db.Tx) error {
		_, err := w.Vault.Put(ctx, tx, w.By(), vaulttest.Service, c.ID, "course-progress", map[string]pii.Text{"weekly_score": pii.New("77")})
		return err
	})
}

func (w *world) year() (y border.Year) {
	w.t.Helper()
	w.Do(func(ctx context.Context, tx *db.Tx) (err error) { y, err = border.ThisYear(ctx, tx); return err })
	return y
}

func (w *world) counted(c family.Child) (n int64) {
	w.t.Helper()
	w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		n, err = db.One(ctx, tx, db.Single[int64], `SELECT count(*) FROM border_child WHERE child = $1`, c.ID)
		return err
	})
	return n
}

func (w *world) replays() {
	w.t.Helper()
	report, err := replay.Audit(w.t.Context(), w.Store, w.Ring, catalog.NewCache(4), replay.Options{})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, d := range report.Differences {
		w.t.Errorf("%s (%s)", d, d.What)
	}
}

// fill has the year count so many children, of whom nobody knows.
func (w *world) fill(persons int64) {
	w.t.Helper()
	w.Do(func(ctx context.Context, tx *db.Tx) error {
		return tx.Queue(ctx, `INSERT INTO border_year (year, persons, marked_at) VALUES ($1, $2, NULL) ON CONFLICT (year) DO UPDATE SET persons = excluded.persons`, border.YearOf(tx.Now()), persons)
	})
}

func (w *world) stopped(c family.Child) {
	w.t.Helper()
	w.isDenied(w.put(c))
	_, err := w.register()
	w.isDenied(err)
}

func (w *world) isDenied(err error) {
	w.t.Helper()
	d, ok := errors.AsType[*gate.Denied](err)
	if !ok || !slices.Equal(d.Reasons, []gate.Denial{{Code: "gate.border_threshold", Article: "3"}}) {
		w.t.Errorf("one child more: %v", err)
	}
}

// The year begins at midnight in China, and a child that is counted already never needs an
// assessment.
func TestEdgeCase20_TheYearAndTheThresholdAreExact(t *testing.T) {
	midnight := time.Date(2026, 12, 31, 16, 0, 0, 0, time.UTC)
	if y := border.YearOf(midnight.Add(-time.Nanosecond)); y != 2026 {
		t.Errorf("the moment before is of %d", y)
	}
	if y := border.YearOf(midnight); y != 2027 {
		t.Errorf("midnight is of %d", y)
	}
	for n, want := range map[int64]bool{0: false, 9_998: false, 9_999: true, 1_000_000: true} {
		if got := (border.Count{Persons: n}).Assessed(); got != want {
			t.Errorf("after %d others an assessment is needed: %t", n, got)
		}
		if (border.Count{Persons: n, Crossed: true}).Assessed() {
			t.Errorf("who is counted among %d needs one", n)
		}
	}
	if border.WarnFrom != 8_000 || !border.Marks(8_000) || !border.Marks(9_999) || border.Marks(8_001) || border.Marks(10_000) {
		t.Error("other numbers are told of")
	}
}

// A child is counted once a year, however many of its values cross, by whom and at how many
// places at once; and after its erasure the number stays, and nothing that names it.
func TestEdgeCase20_AChildIsCountedOnceAYear(t *testing.T) {
	const children, uses = 6, 4
	each(t, children, func(w *world, all []family.Child, refused family.Child) {
		if y := w.year(); y.Persons != 0 {
			w.t.Errorf("%d are counted, and nothing was collected", y.Persons)
		}
		var at sync.WaitGroup
		for _, c := range all {
			for range uses {
				at.Go(func() {
					if err := w.put(c); err != nil {
						w.t.Error(err)
					}
					if _, err := w.Read(c, "course-progress", "weekly_score"); err != nil {
						w.t.Error(err)
					}
				})
			}
		}
		at.Wait()
		if y := w.year(); y.Persons != children {
			w.t.Errorf("%d children are %d", children, y.Persons)
		}
		gone := all[0]
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := w.Vault.Erase(ctx, tx, w.App.Ledger(), vaulttest.Service, gone.ID, family.UseEnded)
			return err
		})
		if n, y := w.counted(gone), w.year(); n != 0 || y.Persons != children || w.counted(all[1]) != 1 {
			w.t.Errorf("after the erasure %d rows name it, and %d are counted", n, y.Persons)
		}
		// Who is denied is counted by nobody.
		if err := w.put(refused); !errors.Is(err, gate.ErrDenied) || w.counted(refused) != 0 || w.year().Persons != children {
			w.t.Errorf("without a consent: %v", err)
		}
		// Who is registered where the storage is abroad is kept there from that on, and counted then.
		added := make([]family.Child, 3)
		for i := range added {
			at.Go(func() {
				var err error
				if added[i], err = w.register(); err != nil {
					w.t.Error(err)
				}
			})
		}
		at.Wait()
		w.AnswerProved(added[0])
		if err := w.put(added[0]); err != nil || w.counted(added[0]) != 1 || w.counted(added[1]) != 1 || w.year().Persons != children+int64(len(added)) {
			w.t.Errorf("after %d registrations: %v, %+v", len(added), err, w.year())
		}
		w.replays()
	})
}

// From 10,000 children on a standard contract lets nobody new through: who is counted goes on,
// others do by a security assessment, or from midnight on in China, when the year is new.
func TestEdgeCase20_TheThresholdClosesTheGate(t *testing.T) {
	each(t, 6, func(w *world, all []family.Child, _ family.Child) {
		first, last, more := all[0], all[1], all[2]
		if err := w.put(first); err != nil {
			w.t.Fatal(err)
		}
		w.replays()
		w.fill(border.WarnFrom - 1)
		if err := w.put(last); err != nil || w.year().Persons != border.WarnFrom || w.year().MarkedAt.IsZero() {
			w.t.Errorf("near the threshold: %v, %+v", err, w.year())
		}
		w.fill(border.AssessFrom - 2)
		last = all[3]
		if err := w.put(last); err != nil || w.year().Persons != border.AssessFrom-1 {
			w.t.Errorf("the last below it: %v, %+v", err, w.year())
		}
		w.stopped(more)
		asked := []vault.Question{}
		for _, c := range []family.Child{more, last, first} {
			asked = append(asked, vault.Question{By: w.By(), Uses: []gate.Use{{Service: vaulttest.Service, Child: c.ID, Activity: charter.Collect,
				Purpose: "course-progress", Items: []string{"weekly_score"}}}})
		}
		if err := w.Store.View(w.t.Context(), func(tx *db.Tx) error { // asked before, the answer is the same
			all, err := w.Vault.Decide(w.t.Context(), tx, asked)
			for i, d := range all {
				if d[0].Permitted != (i > 0) {
					w.t.Errorf("the dry decision %d is %+v", i, d)
				}
			}
			return err
		}); err != nil {
			w.t.Error(err)
		}
		for _, c := range []family.Child{first, last} {
			if err := w.put(c); err != nil {
				w.t.Errorf("who is counted: %v", err)
			}
		}
		now := w.Store.Now().In(age.Zone)
		midnight := time.Date(now.Year()+1, 1, 1, 0, 0, 0, 0, age.Zone)
		w.Pass(midnight.Add(-time.Minute).Sub(now))
		w.stopped(more)
		w.Pass(time.Minute)
		if err := w.put(more); err != nil || w.year().Persons != 1 || w.counted(more) != 1 {
			w.t.Errorf("in the new year: %v, %+v", err, w.year())
		}
		if err := w.put(first); err != nil || w.year().Persons != 2 || w.counted(first) != 1 {
			w.t.Errorf("who was counted in the year before: %v, %+v", err, w.year())
		}
		w.fill(border.AssessFrom)
		assessed, late := all[4], all[5]
		w.stopped(late)
		w.Publish(vaulttest.StoredAbroad(w.Charter, charter.SecurityAssessment))
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := party.File(ctx, tx, w.Officer, party.StorageOf(vaulttest.Service), w.MechanismUntil(charter.SecurityAssessment, w.Store.Now().AddDate(2, 0, 0)))
			return err
		})
		w.AnswerProved(assessed)
		if err := w.put(assessed); err != nil || w.year().Persons != border.AssessFrom+1 {
			w.t.Errorf("by an assessment: %v, %+v", err, w.year())
		}
		if c, err := w.register(); err != nil || w.counted(c) != 1 || w.year().Persons != border.AssessFrom+2 {
			w.t.Errorf("registered by an assessment: %v, %+v", err, w.year())
		}
	})
}

// What is pushed to a processor abroad counts its child as it is pushed, by whatever then becomes
// of it; what waits over New Year counts it in the year in which it goes, and doesn't go where the
// threshold is reached by then.
func TestEdgeCase20_WhatIsPushedAbroadIsCountedAsItLeaves(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, v *vaulttest.World) {
		w := &world{v, t}
		now := w.Store.Now().In(age.Zone)
		w.Pass(time.Date(now.Year()+1, 1, 1, 0, 0, 0, 0, age.Zone).Add(-time.Hour).Sub(now))
		c := *w.Charter
		c.Processors, c.Purposes = slices.Clone(c.Processors), slices.Clone(c.Purposes)
		c.Processors[0].Country = "SG"
		for i, p := range c.Purposes {
			if p.Name == "speaking-practice" {
				c.Purposes[i].SeparateConsent, c.Purposes[i].Necessary = true, false
				c.Purposes[i].CrossBorder = &charter.CrossBorder{Mechanism: charter.StandardContract, Reference: "12"}
			}
		}
		w.Publish(&c)
		of, scope := vaulttest.ProcessorID(), party.ScopeOf(&c, party.Processor, vaulttest.Processor)
		until := w.Store.Now().AddDate(0, 6, 0)
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			if _, _, err := party.Register(ctx, tx, w.Officer, of, vaulttest.StorageIdentity()); err != nil {
				return err
			}
			if _, _, err := party.Assess(ctx, tx, w.Officer, of, w.Assessment(scope)); err != nil {
				return err
			}
			if _, _, err := party.Agree(ctx, tx, w.Officer, of, w.Deed(scope, tx.Now().Add(-time.Minute), until)); err != nil {
				return err
			}
			_, _, err := party.File(ctx, tx, w.Officer, of, w.MechanismUntil(charter.StandardContract, until))
			return err
		})
		w.BindSeal(of)
		first, late := w.Proved(), w.Proved()
		for _, c := range []family.Child{first, late} {
			w.Put(c, "speaking-practice", "gender", "女")
		}
		counts := func(persons int64) {
			t.Helper()
			if y := w.year(); y.Persons != persons {
				t.Errorf("in %d there are %d, want %d", y.Year, y.Persons, persons)
			}
		}
		push := func(c family.Child) (name string) {
			t.Helper()
			out, err := w.Push(c.ID, "gender")
			if err != nil {
				t.Fatal(err)
			}
			return out.Bundle
		}
		send := func(bundle string) (sent bool) {
			t.Helper()
			for _, b := range w.Waiting() {
				if b.ID == bundle {
					w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
						_, sent, err = w.Vault.Send(ctx, tx, b, func(int64) time.Duration { return time.Minute })
						return err
					})
				}
			}
			return sent
		}
		counts(0) // it is stored at home
		one, two := push(first), push(first)
		counts(1)
		if !send(one) || w.counted(first) != 1 {
			t.Error("what was pushed doesn't go")
		}
		over := push(late)
		counts(2)
		w.replays()
		w.Pass(time.Hour)
		counts(0)
		if !send(two) {
			t.Error("what waits doesn't go in the new year")
		}
		counts(1)
		w.replays()
		w.fill(border.AssessFrom - 1)
		if send(over) || len(w.Waiting()) != 2 {
			t.Error("it goes beyond the threshold, or waits still")
		}
		if !send(one) {
			t.Error("what goes once more of who is counted doesn't")
		}
	})
}
