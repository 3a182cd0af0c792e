package incident_test

import (
	"context"
	"testing"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/base/workday"
	"wardkeep/internal/family"
	"wardkeep/internal/incident"
	"wardkeep/internal/ledger"
	"wardkeep/internal/rights"
	"wardkeep/internal/vault/vaulttest"
)

// Article 21: what somebody in office orders for all on the list of a case is done to each of them, and to
// whoever comes to it later; with the next order those are let go whom it has frozen, and nobody else.
func TestArticle21_AllOnAListAreContained(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		c, err := open(w, report(w))
		if err != nil {
			t.Fatal(err)
		}
		desk := rights.Desk{Ring: w.Ring, Charters: w.Desk.Charters, Calendar: workday.Default()}
		orders := func(step incident.Step) {
			t.Helper()
			w.Do(func(ctx context.Context, tx *db.Tx) error {
				_, _, err := incident.Contain(ctx, tx, w.Ring, w.Officer, service, c.ID, step, incident.Everyone, "", pii.New("手机被盗"))
				return err
			})
		}
		lists := func(some ...family.Child) {
			t.Helper()
			for _, child := range some {
				if _, _, err := reach(w, w.Officer, c.ID, incident.Found{Subject: child.Subject}); err != nil {
					t.Fatal(err)
				}
			}
		}
		carries := func() {
			t.Helper()
			for range 10 {
				n, err := incident.CarryOut(t.Context(), w.Store, desk.Carrying())
				if err != nil {
					t.Fatal(err)
				}
				if n == 0 {
					return
				}
			}
			t.Fatal("it comes to no end")
		}
		left := func() (n int64) {
			w.Do(func(ctx context.Context, tx *db.Tx) error {
				all, err := incident.Orders(ctx, tx, c.ID)
				if err == nil {
					n, err = incident.LeftOver(ctx, tx, c.ID, all[len(all)-1], 2)
				}
				return err
			})
			return n
		}
		are := func(when string, frozen bool, some ...family.Child) {
			t.Helper()
			for i, child := range some {
				w.Do(func(ctx context.Context, tx *db.Tx) error {
					now, err := family.Find(ctx, tx, service, child.ID)
					if err == nil && now.Frozen != frozen {
						t.Errorf("%s: the child %d is frozen: %v", when, i, now.Frozen)
					}
					return err
				})
			}
		}
		freezes := func(child family.Child) {
			w.Do(func(ctx context.Context, tx *db.Tx) error {
				locked, err := family.Lock(ctx, tx, service, child.ID)
				if err == nil {
					_, err = family.Freeze(ctx, tx, w.Officer, locked, family.ByOfficer)
				}
				return err
			})
		}
		signer, _, err := ledger.NewSigner("wardkeep.test", make([]byte, 32))
		if err != nil {
			t.Fatal(err)
		}
		log := ledger.Open(w.Store, "wardkeep.test", signer)
		places := func() { // as the sequencer does every second
			t.Helper()
			if err := log.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		ann, ben, cat, dan, eve := w.Child(), w.Child(), w.Child(), w.Child(), w.Child()
		places()
		lists(ann, ben, cat)
		freezes(ben) // for a reason of its own
		carries()
		are("before anything is ordered", false, ann, cat, dan)

		orders(incident.StepFrozen)
		if n := left(); n != 3 { // more than two
			t.Errorf("%d are left", n)
		}
		carries()
		if n := left(); n != 0 {
			t.Errorf("%d are left", n)
		}
		are("with the order", true, ann, ben, cat)
		are("who isn't on the list", false, dan, eve)
		lists(dan)
		carries()
		are("who has come later", true, dan)

		// Article 20: of whom it is demanded that it is erased, it stays frozen.
		g := w.Guardian(cat)
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			locked, err := family.Lock(ctx, tx, service, cat.ID)
			if err == nil {
				_, _, err = desk.Receive(ctx, tx, g, locked, rights.Demand{Kind: rights.Delete, Door: rights.ByGuardian, Guardian: g.ID})
			}
			return err
		})
		orders(incident.StepUnverified)
		orders(incident.StepReleased)
		lists(eve)
		carries()
		are("let go", false, ann, dan)
		are("frozen for another reason", true, ben, cat)
		are("who has come after that", false, eve)
		for _, child := range []family.Child{ann, eve} {
			if g := w.Guardian(child); g.Strength != family.Unproved {
				t.Errorf("a guardian is still known: %v", g.Strength)
			}
		}
		places()
		audited(w)
	})
}

// Article 21: a child that a case wants frozen stays so when whatever had frozen it before is over, a demand
// that is refused or another case that lets it go; and is free when that case lets it go, too. What freezes it
// after it was let go by hand no case undoes.
func TestArticle21_AnOrderOutlastsWhatElseFroze(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		desk := rights.Desk{Ring: w.Ring, Charters: w.Desk.Charters, Calendar: workday.Default()}
		signer, _, err := ledger.NewSigner("wardkeep.test", make([]byte, 32))
		if err != nil {
			t.Fatal(err)
		}
		log := ledger.Open(w.Store, "wardkeep.test", signer)
		asked, both, own := w.Child(), w.Child(), w.Child()
		if err := log.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		var cases [2]incident.Case
		for i := range cases {
			if cases[i], err = open(w, report(w)); err == nil {
				_, _, err = reach(w, w.Officer, cases[i].ID, incident.Found{Subject: asked.Subject}, incident.Found{Subject: both.Subject}, incident.Found{Subject: own.Subject})
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		orders := func(step incident.Step, of ...incident.Case) {
			t.Helper()
			for _, c := range of {
				w.Do(func(ctx context.Context, tx *db.Tx) error {
					_, _, err := incident.Contain(ctx, tx, w.Ring, w.Officer, service, c.ID, step, incident.Everyone, "", pii.New("手机被盗"))
					return err
				})
				if _, err := incident.CarryOut(t.Context(), w.Store, desk.Carrying()); err != nil {
					t.Fatal(err)
				}
			}
		}
		are := func(when string, frozen bool, some ...family.Child) {
			t.Helper()
			for i, child := range some {
				w.Do(func(ctx context.Context, tx *db.Tx) error {
					now, err := family.Find(ctx, tx, service, child.ID)
					if err == nil && now.Frozen != frozen {
						t.Errorf("%s: the child %d is frozen: %v", when, i, now.Frozen)
					}
					return err
				})
			}
		}
		var demand rights.Request
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			locked, err := family.Lock(ctx, tx, service, asked.ID)
			if err == nil {
				demand, _, err = desk.Receive(ctx, tx, w.Officer, locked, rights.Demand{Kind: rights.Delete, Door: rights.ByContact})
			}
			return err
		})
		orders(incident.StepFrozen, cases[:]...)
		are("with the orders", true, asked, both, own)
		// One of them is let go by hand, and then frozen for a reason of its own.
		for _, do := range []func(ctx context.Context, tx *db.Tx, c family.Child) (string, error){
			func(ctx context.Context, tx *db.Tx, c family.Child) (string, error) {
				return rights.Release(ctx, tx, w.Officer, c)
			},
			func(ctx context.Context, tx *db.Tx, c family.Child) (string, error) {
				return family.Freeze(ctx, tx, w.Officer, c, family.ByOfficer)
			},
		} {
			w.Do(func(ctx context.Context, tx *db.Tx) error {
				locked, err := family.Lock(ctx, tx, service, own.ID)
				if err == nil {
					_, err = do(ctx, tx, locked)
				}
				return err
			})
		}
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := desk.Refuse(ctx, tx, w.Officer, demand, rights.NotEntitled, pii.New("不是监护人"))
			return err
		})
		are("when the demand is over", true, asked)
		orders(incident.StepReleased, cases[0])
		are("let go by one case of two", true, asked, both)
		orders(incident.StepReleased, cases[1])
		are("let go by both", false, asked, both)
		are("frozen for a reason of its own", true, own)
		if err := log.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		audited(w)
	})
}
