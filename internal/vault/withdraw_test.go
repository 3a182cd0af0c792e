package vault_test

import (
	"context"
	"slices"
	"testing"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/family"
	"wardkeep/internal/vault"
	"wardkeep/internal/vault/vaulttest"
)

// withdraws takes a consent back, as an edge does, and returns what is erased.
func withdraws(w *vaulttest.World, g family.Guardian, c family.Child, purpose string) (items []string) {
	w.T.Helper()
	w.Do(func(ctx context.Context, tx *db.Tx) error {
		if _, err := w.Desk.Withdraw(ctx, tx, g, c, purpose); err != nil {
			return err
		}
		var err error
		items, err = w.Vault.EraseUnfounded(ctx, tx, g.Ledger(), c.Service, c.ID)
		return err
	})
	return items
}

func heldItems(w *vaulttest.World, c family.Child) (items []string) {
	w.T.Helper()
	w.Do(func(ctx context.Context, tx *db.Tx) error {
		held, err := vault.Holdings(ctx, tx, c)
		items = vault.Items(held)
		return err
	})
	return items
}

// Article 20 (3): what was collected for the purpose goes with its consent, and
// nothing else does.
func TestArticle20_AWithdrawalErasesWhatItsPurposeCollected(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		c := w.Child()
		w.Put(c, "speaking-practice", "voice", "AAAA")
		w.Put(c, "course-progress", "nickname", "小溪")
		if items := withdraws(w, w.Guardian(c), c, "speaking-practice"); !slices.Equal(items, []string{"voice"}) {
			t.Errorf("erased %v", items)
		}
		if items := heldItems(w, c); !slices.Equal(items, []string{"nickname"}) {
			t.Errorf("held %v", items)
		}
		if _, err := w.Read(c, "course-progress", "nickname"); err != nil {
			t.Errorf("another purpose: %v", err)
		}
	})
}

// Edge case 7: while another guardian says yes, it is kept and not used. When that
// one says no too, it goes.
func TestEdgeCase7_WhatIsInDisputeIsKeptUntilBothSayNo(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		c := w.Child()
		mother := w.Guardian(c)
		w.Put(c, "course-progress", "nickname", "小溪")
		var father family.Guardian
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			child, err := family.Lock(ctx, tx, c.Service, c.ID)
			if err != nil {
				return err
			}
			if father, _, err = w.Vault.Gate.AddGuardian(ctx, tx, w.App, child, family.Person{Relation: family.Parent, Phone: pii.New("13900139000")}); err != nil {
				return err
			}
			father, err = family.VerifyGuardian(ctx, tx, "test", child, father.ID, family.OneTimeCode)
			return err
		})
		if items := withdraws(w, father, c, "course-progress"); items != nil {
			t.Errorf("one of two said no, and %v are erased", items)
		}
		if _, err := w.Read(c, "course-progress", "nickname"); err == nil {
			t.Error("what is in dispute is read")
		}
		if items := withdraws(w, mother, c, "course-progress"); !slices.Equal(items, []string{"nickname"}) {
			t.Errorf("both said no, and %v are erased", items)
		}
	})
}

// What nobody has said no to is kept: a charter that changed asks anew, and a
// proof that was taken back may be given again.
func TestArticle10_WhatWaitsForAnAnswerIsKept(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		c := w.Child()
		mother := w.Guardian(c)
		w.Put(c, "course-progress", "nickname", "小溪")
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			child, err := family.Lock(ctx, tx, c.Service, c.ID)
			if err != nil {
				return err
			}
			if _, _, err := w.Desk.Unverify(ctx, tx, w.Officer, child, mother.ID); err != nil {
				return err
			}
			items, err := w.Vault.EraseUnfounded(ctx, tx, "test", c.Service, c.ID)
			if items != nil {
				t.Errorf("erased %v", items)
			}
			return err
		})
	})
}
