package rights_test

import (
	"context"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/family"
	"wardkeep/internal/rights"
)

// PIPL 45: what is held is told, and a copy given, at once, for seven days, to a
// verified guardian, whoever of guardian and child has asked; a contact gets none.
func TestPIPL45_ACopyIsForAVerifiedGuardian(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c, other := w.Child(), w.Child()
		mother, stranger, grandmother := w.Guardian(c), w.Guardian(other), w.grandmother(c)
		fetch := func(by family.Guardian, r rights.Request) (err error) {
			return w.Try(func(ctx context.Context, tx *db.Tx) error {
				_, err := rights.Fetch(ctx, tx, by, c.Service, r.ID)
				return err
			})
		}
		for _, kind := range []rights.Kind{rights.Access, rights.Copy} {
			_, err := w.receive(w.App, c, rights.Demand{Kind: kind, Door: rights.ByContact, Guardian: grandmother.ID})
			refuses(t, string(kind)+" for a grandmother", err, rights.ErrContact)
			_, err = w.receive(w.Officer, c, rights.Demand{Kind: kind, Door: rights.ByContact})
			refuses(t, string(kind)+" for a school", err, rights.ErrContact)
			_, err = w.receive(mother, c, rights.Demand{Kind: kind, Door: rights.ByGuardian, Guardian: mother.ID, Item: "nickname"})
			refuses(t, string(kind)+" of one item", err, rights.ErrItem)
			mine := rights.Demand{Kind: kind, Door: rights.ByGuardian, Guardian: mother.ID}
			r := w.received(mother, c, mine)
			if r.State != rights.Done || r.Number == "" || r.ClosedAt.IsZero() || !r.FetchUntil.Equal(r.ReceivedAt.Add(7*day)) || !r.DueAt.After(r.ReceivedAt) {
				t.Errorf("%+v", r)
			}
			_, err = w.receive(w.Officer, c, mine)
			refuses(t, "the same again", err, rights.ErrStands)
			w.received(w.App, c, rights.Demand{Kind: kind, Door: rights.ByChild})
		}
		w.isFrozen(c, false)
		var all []rights.Request
		w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
			all, err = rights.Of(ctx, tx, c.ID)
			return err
		})
		if len(all) != 4 {
			t.Fatalf("%d demands", len(all))
		}
		for _, r := range all {
			want := error(nil)
			if r.Kind == rights.Access {
				want = rights.ErrNotOfKind
			}
			refuses(t, "fetched by the mother", fetch(mother, r), want)
			refuses(t, "fetched by a stranger", fetch(stranger, r), rights.ErrNotFound)
			father := mother
			father.ID = "gu_00000000000000000000000000"
			if r.Door == rights.ByGuardian {
				want = rights.ErrNotFound
			}
			refuses(t, "fetched by another guardian", fetch(father, r), want)
		}
		w.Pass(7*day + time.Second)
		for _, r := range all {
			if r.Kind == rights.Copy {
				refuses(t, "fetched too late", fetch(mother, r), rights.ErrFetched)
			}
		}
		w.received(mother, c, rights.Demand{Kind: rights.Copy, Door: rights.ByGuardian, Guardian: mother.ID})
	})
}

// What nobody could fetch isn't done: where no verified guardian is, and from 18 on, the
// demand waits for the staff, with its number and clock.
func TestPIPL45_WhatNobodyCanFetchWaitsForTheStaff(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		alone, _ := w.Enrol()
		grown := w.Child()
		w.waits(alone)
		w.Pass(10 * 366 * day)
		w.waits(grown)
	})
}

// waits demands a copy for whoever nobody speaks for, and has the staff answer it.
func (w *world) waits(c family.Child) {
	w.T.Helper()
	r := w.received(w.App, c, rights.Demand{Kind: rights.Copy, Door: rights.ByChild})
	if r.State != rights.Open || !r.FetchUntil.IsZero() || r.DueAt.IsZero() {
		w.T.Errorf("%+v", r)
	}
	_, err := w.receive(w.App, c, rights.Demand{Kind: rights.Copy, Door: rights.ByChild})
	refuses(w.T, "the same again", err, rights.ErrTwice)
	r, err = w.do(func(ctx context.Context, tx *db.Tx) (rights.Request, string, error) {
		return w.desk.Finish(ctx, tx, w.Officer, r, pii.New("handed over"))
	})
	if err != nil || r.State != rights.Done {
		w.T.Errorf("%+v, %v", r, err)
	}
}

// Edge case 4: from 14 on a guardian keeps nothing that the young person wants to be gone.
func TestEdgeCase4_NoGuardianKeepsWhatAMinorWantsGone(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c := w.Child()
		mother := w.Guardian(c)
		w.Pass(7 * 366 * day)
		r := w.received(w.App, c, rights.Demand{Kind: rights.Close, Door: rights.ByChild})
		_, err := w.do(func(ctx context.Context, tx *db.Tx) (rights.Request, string, error) {
			return w.desk.Keep(ctx, tx, mother, r)
		})
		refuses(t, "a mother's word", err, rights.ErrMayNot)
	})
}
