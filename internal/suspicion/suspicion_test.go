package suspicion_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"wardkeep/internal/account"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/base/workday"
	"wardkeep/internal/catalog"
	"wardkeep/internal/family"
	"wardkeep/internal/replay"
	"wardkeep/internal/retention"
	"wardkeep/internal/suspicion"
	"wardkeep/internal/vault/vaulttest"
)

type world struct {
	*vaulttest.World
	t *testing.T
}

func each(t *testing.T, fn func(t *testing.T, w *world)) {
	vaulttest.Each(t, func(t *testing.T, v *vaulttest.World) { fn(t, &world{v, t}) })
}

func (w *world) report(ref string, source suspicion.Source) (s suspicion.Suspicion, err error) {
	err = w.Try(func(ctx context.Context, tx *db.Tx) (err error) {
		s, _, err = suspicion.Report(ctx, tx, w.Ring, workday.Default(), w.App, pii.New(ref), source)
		return err
	})
	return s, err
}

func (w *world) decide(id string, outcome suspicion.Outcome, basis suspicion.Basis) error {
	return w.Try(func(ctx context.Context, tx *db.Tx) error {
		_, _, err := suspicion.Decide(ctx, tx, w.Officer, vaulttest.Service, id, outcome, basis)
		return err
	})
}

func (w *world) suspected(ref string) (so bool) {
	w.t.Helper()
	w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		so, err = suspicion.Suspected(ctx, tx, w.Ring, vaulttest.Service, pii.New(ref))
		return err
	})
	return so
}

func (w *world) find(id string) (s suspicion.Suspicion) {
	w.t.Helper()
	w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		s, err = suspicion.Find(ctx, tx, vaulttest.Service, id)
		return err
	})
	return s
}

func (w *world) refused(what string, err, want error) {
	w.t.Helper()
	if !errors.Is(err, want) {
		w.t.Errorf("%s: %v, want %v", what, err, want)
	}
}

func (w *world) audit() {
	w.t.Helper()
	report, err := replay.Audit(w.t.Context(), w.Store, w.Ring, catalog.NewCache(4), replay.Options{})
	if err != nil || !report.OK() {
		w.t.Errorf("%v, %v", report.Differences, err)
	}
}

// Article 2: whoever may be a child is treated as one until somebody of the staff has
// decided, and with the decision what leads to the account is gone.
func TestArticle2_WhoMayBeAChildIsTreatedAsOne(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for outcome, c := range map[suspicion.Outcome]struct {
			basis   suspicion.Basis
			treatAs string
		}{
			suspicion.NotAChild:       {suspicion.DocumentSeen, "as_before"},
			suspicion.ErasedElsewhere: {"", "closed"},
			suspicion.Withdrawn:       {"", "as_before"},
		} {
			ref := "account of " + string(outcome)
			s, err := w.report(ref, suspicion.Signal)
			if err != nil {
				t.Fatal(err)
			}
			if !s.Open() || s.TreatAs() != "child" || !w.suspected(ref) || w.suspected("another") || !s.DueAt.After(s.OpenedAt.Add(4*24*time.Hour)) {
				t.Errorf("%+v", s)
			}
			_, err = w.report(ref, suspicion.Parent)
			w.refused("twice", err, suspicion.ErrTwice)
			w.Do(func(ctx context.Context, tx *db.Tx) error {
				taken, _, err := suspicion.Take(ctx, tx, w.Officer, vaulttest.Service, s.ID)
				if taken.Owner != w.Officer.ID {
					t.Errorf("taken: %+v", taken)
				}
				got, shown, e := suspicion.Show(ctx, tx, w.Ring, w.Officer, vaulttest.Service, s.ID)
				if shown.Reveal() != ref || got.Owner != w.Officer.ID {
					t.Errorf("shown: %+v", got)
				}
				return errors.Join(err, e)
			})
			w.audit()
			w.refused("decided", w.decide(s.ID, outcome, c.basis), nil)
			w.refused("decided twice", w.decide(s.ID, suspicion.Withdrawn, ""), suspicion.ErrDecided)
			after := w.find(s.ID)
			if after.Open() || after.TreatAs() != c.treatAs || after.Outcome != outcome || after.Basis != c.basis || w.suspected(ref) {
				t.Errorf("%+v", after)
			}
			if got, err := after.Ref(w.Ring); err != nil || !got.IsZero() {
				t.Errorf("after the decision the account is %v, %v", got, err)
			}
			if _, err := w.report(ref, suspicion.Staff); err != nil {
				t.Errorf("suspected anew: %v", err)
			}
		}
		w.audit()
	})
}

func TestArticle2_WhatASuspicionRefuses(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		s, err := w.report("a", suspicion.UserReport)
		if err != nil {
			t.Fatal(err)
		}
		w.refused("no basis", w.decide(s.ID, suspicion.NotAChild, ""), suspicion.ErrBasis)
		w.refused("a basis nobody knows", w.decide(s.ID, suspicion.NotAChild, "looks old"), suspicion.ErrBasis)
		w.refused("a basis of something else", w.decide(s.ID, suspicion.Withdrawn, suspicion.ParentSaid), suspicion.ErrBasis)
		w.refused("a child that nobody registered", w.decide(s.ID, suspicion.Child, ""), suspicion.ErrOutcome)
		w.refused("lapsed by hand", w.decide(s.ID, suspicion.Lapsed, ""), suspicion.ErrOutcome)
		w.refused("nobody's", w.decide("sp_nothing", suspicion.Withdrawn, ""), suspicion.ErrNotFound)
		for what, source := range map[string]suspicion.Source{"no source": "", "another source": "rumour"} {
			_, err := w.report("b", source)
			w.refused(what, err, suspicion.ErrSource)
		}
		for what, ref := range map[string]string{"no account": "", "two lines": "a\nb", "spaces": " a", "too long": string(bytes.Repeat([]byte("x"), 201))} {
			_, err := w.report(ref, suspicion.Staff)
			w.refused(what, err, suspicion.ErrRef)
		}
		narrow := w.App
		narrow.Scopes, _ = account.NewScopes(account.ChildrenWrite)
		w.refused("without the scope", w.Try(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := suspicion.Report(ctx, tx, w.Ring, workday.Default(), narrow, pii.New("c"), suspicion.Staff)
			return err
		}), suspicion.ErrMayNot)
		former := w.Officer
		former.EndedAt = w.Store.Now()
		w.refused("out of office", w.Try(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := suspicion.Decide(ctx, tx, former, vaulttest.Service, s.ID, suspicion.Withdrawn, "")
			return err
		}), suspicion.ErrMayNot)
	})
}

// Whoever registers the account as a child's answers the suspicion; who is registered
// already isn't suspected.
func TestArticle2_WhoIsRegisteredIsNoSuspicion(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		s, err := w.report("a", suspicion.Parent)
		if err != nil {
			t.Fatal(err)
		}
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, _, _, err := w.Vault.Gate.Register(ctx, tx, w.App, family.Enrolment{Service: vaulttest.Service, Ref: pii.New("a"),
				Guardian: family.Person{Phone: pii.New("13800138000"), Relation: family.Parent}})
			return errors.Join(err, suspicion.Registered(ctx, tx, w.Ring, w.App, vaulttest.Service, pii.New("a")),
				suspicion.Registered(ctx, tx, w.Ring, w.App, vaulttest.Service, pii.New("nobody suspects")))
		})
		if after := w.find(s.ID); after.Outcome != suspicion.Child || after.TreatAs() != "child" || after.Open() {
			t.Errorf("%+v", after)
		}
		_, err = w.report("a", suspicion.Staff)
		w.refused("registered", err, suspicion.ErrRegistered)
		w.audit()
	})
}

// What is past its day is counted, and no time decides: what nobody has decided about
// stays open and a child's, whatever the sweep does.
func TestArticle2_WhatNobodyDecidesStaysAChilds(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		s, err := w.report("a", suspicion.Signal)
		if err != nil {
			t.Fatal(err)
		}
		late := func(want int64) {
			t.Helper()
			w.Do(func(ctx context.Context, tx *db.Tx) error {
				all, err := suspicion.CountLate(ctx, tx, "")
				of, e := suspicion.CountLate(ctx, tx, vaulttest.Service)
				other, e2 := suspicion.CountLate(ctx, tx, "another")
				if all != want || of != want || other != 0 {
					t.Errorf("late: %d, %d and %d, want %d", all, of, other, want)
				}
				return errors.Join(err, e, e2)
			})
		}
		late(0)
		w.Pass(s.DueAt.Sub(w.Store.Now()) + time.Second)
		late(1)
		for range 3 {
			w.Pass(365 * 24 * time.Hour)
			if _, err := retention.Sweep(t.Context(), w.Store, w.Vault); err != nil {
				t.Fatal(err)
			}
			if after := w.find(s.ID); !after.Open() || after.TreatAs() != "child" || !w.suspected("a") {
				t.Errorf("%+v", after)
			}
			late(1)
		}
		w.refused("decided late", w.decide(s.ID, suspicion.ErasedElsewhere, ""), nil)
		late(0)
		w.audit()
	})
}

// What one source of one app floods is its own share: the others are heard, and a
// decision makes room.
func TestArticle2_AFloodOfSuspicionsKeepsNobodyElseOut(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		first, err := w.report("a", suspicion.Signal)
		if err != nil {
			t.Fatal(err)
		}
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			for i := range suspicion.MaxOpen - 1 {
				if err := tx.Queue(ctx, `
					INSERT INTO suspicion (id, service, source, reporter, owner, outcome, basis, opened_at, due_at, ref_hash)
					VALUES ($1, $2, $3, $4, '', '', '', 1, 2, $5)`,
					fmt.Sprint("sp_", i), vaulttest.Service, suspicion.Signal, w.App.ID, fmt.Append(nil, i)); err != nil {
					return err
				}
			}
			return nil
		})
		_, err = w.report("b", suspicion.Signal)
		w.refused("one too many", err, suspicion.ErrMany)
		_, err = w.report("b", suspicion.Parent)
		w.refused("a parent", err, nil)
		other := w.App
		other.ID = "ak_other"
		w.refused("another app", w.Try(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := suspicion.Report(ctx, tx, w.Ring, workday.Default(), other, pii.New("c"), suspicion.Signal)
			return err
		}), nil)
		w.refused("decided", w.decide(first.ID, suspicion.Withdrawn, ""), nil)
		_, err = w.report("d", suspicion.Signal)
		w.refused("there is room", err, nil)
	})
}

// Invariant 9: what leads to the account is sealed, and a row that was turned to
// another one leads nowhere.
func TestInvariant9_ASuspectedAccountIsSealed(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		s, err := w.report("account-of-somebody", suspicion.Signal)
		if err != nil {
			t.Fatal(err)
		}
		other, err := w.report("account-of-another", suspicion.Signal)
		if err != nil {
			t.Fatal(err)
		}
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			both, err := db.All(ctx, tx, db.Single[[]byte], `SELECT ref FROM suspicion ORDER BY id`)
			for _, sealed := range both {
				if bytes.Contains(sealed, []byte("account-of")) {
					t.Error("an account is kept in plain")
				}
			}
			if _, e := tx.Exec(ctx, `UPDATE suspicion SET ref = (SELECT ref FROM suspicion WHERE id = $1) WHERE id = $2`, other.ID, s.ID); e != nil {
				return e
			}
			return err
		})
		w.refused("turned to another", w.Try(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := suspicion.Show(ctx, tx, w.Ring, w.Officer, vaulttest.Service, s.ID)
			return err
		}), suspicion.ErrSealed)
	})
}

// Nobody but the staff of the service looks after a suspicion, is led to its account, or
// decides: not who sets services up, and no app.
func TestArticle15_NobodyButTheStaffDecides(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		s, err := w.report("a", suspicion.Staff)
		if err != nil {
			t.Fatal(err)
		}
		elsewhere := w.Officer
		elsewhere.Service = "another"
		for name, by := range map[string]suspicion.Actor{"the operator": catalog.Operator{ID: "test"}, "another service's officer": elsewhere, "nobody": catalog.Officer{}} {
			w.refused(name, w.Try(func(ctx context.Context, tx *db.Tx) error {
				_, _, err := suspicion.Take(ctx, tx, by, vaulttest.Service, s.ID)
				return err
			}), suspicion.ErrMayNot)
			w.refused(name, w.Try(func(ctx context.Context, tx *db.Tx) error {
				_, _, err := suspicion.Show(ctx, tx, w.Ring, by, vaulttest.Service, s.ID)
				return err
			}), suspicion.ErrMayNot)
			w.refused(name, w.Try(func(ctx context.Context, tx *db.Tx) error {
				_, _, err := suspicion.Decide(ctx, tx, by, vaulttest.Service, s.ID, suspicion.Withdrawn, "")
				return err
			}), suspicion.ErrMayNot)
			w.refused(name, w.Try(func(ctx context.Context, tx *db.Tx) error {
				_, _, err := suspicion.Hand(ctx, tx, w.Officer, by, vaulttest.Service, s.ID)
				return err
			}), suspicion.ErrHandTo)
		}
		if after := w.find(s.ID); after.Owner != "" || !after.Open() {
			t.Errorf("%+v", after)
		}
	})
}
