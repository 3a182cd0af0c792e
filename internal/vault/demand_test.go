package vault_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/base/workday"
	"wardkeep/internal/rights"
	"wardkeep/internal/vault/vaulttest"
)

// Article 20: a guardian has one value deleted, at once and on record, and nothing
// else changes.
func TestArticle20_OneValueIsDeletedAlone(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		c := w.Child()
		g := w.Guardian(c)
		w.Put(c, "course-progress", "nickname", "小溪")
		w.Put(c, "course-progress", "grade", "四年级")
		desk := rights.Desk{Ring: w.Ring, Charters: w.Desk.Charters, Calendar: workday.Default()}
		demand := func(ask rights.Demand) (r rights.Request, err error) {
			err = w.Try(func(ctx context.Context, tx *db.Tx) (err error) {
				r, _, err = w.Vault.Demand(ctx, tx, desk, g, c, ask)
				return err
			})
			return r, err
		}
		one := rights.Demand{Kind: rights.DeleteItem, Door: rights.ByGuardian, Guardian: g.ID, Item: "nickname"}
		r, err := demand(one)
		if err != nil || r.State != rights.Done || r.ClosedAt.IsZero() || r.Number == "" {
			t.Errorf("%+v, %v", r, err)
		}
		if items := heldItems(w, c); !slices.Equal(items, []string{"grade"}) {
			t.Errorf("held %v", items)
		}
		if _, err := w.Read(c, "course-progress", "grade"); err != nil {
			t.Errorf("the rest: %v", err)
		}
		if _, err := demand(one); !errors.Is(err, rights.ErrNotHeld) {
			t.Errorf("twice: %v", err)
		}
		if err := w.Try(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := w.Vault.Demand(ctx, tx, desk, w.App, c, rights.Demand{Kind: rights.DeleteItem, Door: rights.ByChild, Item: "grade"})
			return err
		}); !errors.Is(err, rights.ErrDoor) {
			t.Errorf("for the child alone: %v", err)
		}
	})
}

// Articles 12 and 19: what has expired is held no more, swept or not: nothing of it is
// corrected.
func TestArticle19_WhatHasExpiredIsNotCorrected(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		c := w.Child()
		g := w.Guardian(c)
		w.Put(c, "course-progress", "nickname", "小溪")
		desk := rights.Desk{Ring: w.Ring, Charters: w.Desk.Charters, Calendar: workday.Default()}
		correct := func() error {
			return w.Try(func(ctx context.Context, tx *db.Tx) error {
				_, _, err := w.Vault.Demand(ctx, tx, desk, g, c, rights.Demand{Kind: rights.Correct, Door: rights.ByGuardian, Guardian: g.ID, Item: "nickname", Text: pii.New("小满")})
				return err
			})
		}
		if err := correct(); err != nil {
			t.Fatal(err)
		}
		w.Pass(600 * 24 * time.Hour)
		if err := correct(); !errors.Is(err, rights.ErrNotHeld) {
			t.Errorf("%v", err)
		}
	})
}
