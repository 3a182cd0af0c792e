package vault_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/workday"
	"wardkeep/internal/family"
	"wardkeep/internal/rights"
	"wardkeep/internal/vault"
	"wardkeep/internal/vault/vaulttest"
)

// What is held goes into as many files as it takes: none has more than its bound, but
// for a single value that is larger, and each value is in one.
func TestPIPL45_ACopyIsInPartsThatFitMemory(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		c := w.Child()
		parts := func() (all [][]string) {
			w.Do(func(ctx context.Context, tx *db.Tx) error {
				all = nil
				parts, err := vault.Parts(ctx, tx, c)
				for _, p := range parts {
					all = append(all, vault.Items(p.Held))
				}
				return err
			})
			return all
		}
		if all := parts(); len(all) != 1 || len(all[0]) != 0 {
			t.Errorf("of nothing: %v", all)
		}
		w.Put(c, "course-progress", "grade", "四年级")
		w.Put(c, "course-progress", "nickname", "小溪")
		w.Put(c, "course-progress", "weekly_score", "77")
		if all := parts(); len(all) != 1 || !slices.Equal(all[0], []string{"grade", "nickname", "weekly_score"}) {
			t.Errorf("%v", all)
		}
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := tx.Exec(ctx, `UPDATE value SET sealed = $1 WHERE child = $2 AND item <> 'weekly_score'`, make([]byte, vault.MaxPart*3/4), c.ID)
			return err
		})
		if all := parts(); len(all) != 2 || !slices.Equal(all[0], []string{"grade"}) || !slices.Equal(all[1], []string{"nickname", "weekly_score"}) {
			t.Errorf("%v", all)
		}
	})
}

func TestPIPL45_ACopyHoldsWhatIsHeld(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		c, other := w.Child(), w.Child()
		mother, stranger := w.Guardian(c), w.Guardian(other)
		w.Put(c, "course-progress", "nickname", "小溪")
		desk := rights.Desk{Ring: w.Ring, Charters: w.Desk.Charters, Calendar: workday.Default()}
		var r rights.Request
		w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
			r, _, err = w.Vault.Demand(ctx, tx, desk, mother, c, rights.Demand{Kind: rights.Copy, Door: rights.ByGuardian, Guardian: mother.ID})
			return err
		})
		take := func(by family.Guardian, items ...string) (out vault.Opened, err error) {
			err = w.Try(func(ctx context.Context, tx *db.Tx) (err error) {
				out, err = w.Vault.Copy(ctx, tx, by, r, family.OneTimeCode, items)
				return err
			})
			return out, err
		}
		if out, err := take(mother, "nickname"); err != nil || out.Values["nickname"].Reveal() != "小溪" || out.Entry == "" {
			t.Errorf("%v", err)
		}
		if _, err := take(stranger, "nickname"); err == nil {
			t.Error("another child's guardian takes a copy")
		}
		for _, items := range [][]string{{"grade"}, {"nickname", "grade"}, {"nick\x00name"}} {
			if _, err := take(mother, items...); !errors.Is(err, vault.ErrNotHeld) {
				t.Errorf("%q: %v", items, err)
			}
		}
	})
}
