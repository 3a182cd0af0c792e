package restoration_test

import (
	"context"
	"errors"
	"testing"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/family"
	"wardkeep/internal/rights"
)

// Edge case 15, PIPL 45: a copy that somebody has fetched in the gap, or that was recalled, is
// fetched by nobody again; one that waited then waits on.
func TestEdgeCase15_ACopyThatWasHandedOverIsNotFetchedAgain(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c := w.Child()
		w.Put(c, "course-progress", "nickname", "小溪")
		mother := w.Guardian(c)
		var demands []rights.Request
		var secrets []rights.Secrets
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			demands, secrets = nil, nil
			for range 3 {
				r, s, err := w.Vault.DemandPort(ctx, tx, w.rights(), mother, c, rights.Demand{To: rights.Recipient{Name: pii.New("Dr. Li"), Contact: pii.New("li@dentist.example"), Home: true}})
				if err != nil {
					return err
				}
				demands, secrets = append(demands, r), append(secrets, s)
			}
			return nil
		})
		fetch := func(s rights.Secrets) error {
			return w.Try(func(ctx context.Context, tx *db.Tx) error {
				p, r, err := w.rights().TryPort(ctx, tx, s.Address, s.Code)
				if err == nil {
					_, err = w.Vault.Port(ctx, tx, r, p, family.OneTimeCode, []string{"nickname"})
				}
				return err
			})
		}
		ok(t, w.log.Flush(t.Context()))
		putBack := w.backUp()
		ok(t, fetch(secrets[0]))
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := w.rights().Recall(ctx, tx, mother, demands[1])
			return err
		})
		source, latest := w.export()
		putBack()
		_, err := w.replay(t.Context(), source, latest)
		ok(t, err)
		for _, s := range secrets[:2] {
			if err := fetch(s); !errors.Is(err, rights.ErrNoPort) {
				t.Errorf("fetched again: %v", err)
			}
		}
		ok(t, fetch(secrets[2]))
		w.holds()
	})
}
