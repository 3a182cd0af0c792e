package restoration_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/base/workday"
	"wardkeep/internal/family"
	"wardkeep/internal/gate"
	"wardkeep/internal/rights"
	"wardkeep/internal/shield"
	"wardkeep/internal/signin/signintest"
	"wardkeep/internal/staff"
)

// Edge cases 15 and 22: what was hidden from a guardian since the backup is hidden again before
// the store serves, whether or not that was asked for before, and what that guardian has
// demanded and taken back since erases nothing; what was shown again since is shown.
func TestEdgeCase15_WhatWasHiddenFromAGuardianIsHiddenAgain(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		var officer, manager staff.Person
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			g, err := staff.OfOffice(ctx, tx, service, w.Officer.ID)
			if err == nil {
				officer, err = staff.Add(ctx, tx, signintest.By, "林静", g)
			}
			if err == nil {
				manager, err = staff.Add(ctx, tx, signintest.By, "韩梅梅", staff.Grant{Role: staff.Manager, Service: service})
			}
			return err
		})
		threat := func(c family.Child) family.Guardian {
			g := w.Guardian(c)
			g.Strength = family.OneTimeCode
			return g
		}
		ask := func(c family.Child) (s shield.Shield) {
			g := threat(c)
			w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
				s, _, err = shield.Ask(ctx, tx, w.Ring, workday.Default(), staff.Acting{Person: manager, Action: staff.AskShield}, service, c.ID,
					shield.Asking{Guardian: g.ID, Reason: shield.Custody, Days: 30, Text: pii.New("法院裁定")})
				return err
			})
			return s
		}
		raise := func(s shield.Shield) error {
			return w.Try(func(ctx context.Context, tx *db.Tx) error {
				_, _, err := shield.Raise(ctx, tx, w.Ring, staff.Acting{Person: officer, Action: staff.DecideShield}, service, s.ID)
				return err
			})
		}
		sees := func(c family.Child) error {
			g := threat(c)
			return w.Try(func(ctx context.Context, tx *db.Tx) error {
				_, err := w.Vault.View(ctx, tx, g, service, "weekly_score")
				return err
			})
		}
		var children [3]family.Child // hidden of what was asked before, hidden from the beginning, shown again
		for i := range children {
			children[i] = w.Child()
			w.Put(children[i], "course-progress", "weekly_score", "77")
		}
		before, ended := ask(children[0]), ask(children[2])
		ok(t, raise(ended), w.log.Flush(t.Context()))
		putBack := w.backUp()

		w.Pass(time.Minute)
		ok(t, raise(before), raise(ask(children[1])))
		desk := rights.Desk{Ring: w.Ring, Charters: w.Vault.Gate.Charters, Calendar: workday.Default()}
		father := threat(children[1])
		ok(t, w.Try(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := w.Vault.Demand(ctx, tx, desk, father, children[1], rights.Demand{Kind: rights.Delete, Door: rights.ByGuardian, Guardian: father.ID})
			if err == nil {
				_, _, err = shield.Lift(ctx, tx, w.Ring, staff.Acting{Person: manager, Action: staff.DecideShield}, service, ended.ID)
			}
			return err
		}))
		source, latest := w.export()
		putBack()
		_, err := w.replay(t.Context(), source, latest)
		ok(t, err)

		w.Pass(time.Minute)
		for i, c := range children {
			if err := sees(c); gate.Hid(err) != (i < 2) || i == 2 && err != nil {
				t.Errorf("%d: %v", i, err)
			}
		}
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			all, err := rights.Of(ctx, tx, children[1].ID)
			if len(all) != 1 || !all[0].Waits() {
				t.Errorf("%+v", all)
			}
			c, e := family.Find(ctx, tx, service, children[1].ID)
			if !c.Frozen {
				t.Error("the child isn't frozen")
			}
			return errors.Join(err, e)
		})
		w.holds()
	})
}
