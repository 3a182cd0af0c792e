package vault_test

import (
	"context"
	"errors"
	"testing"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/family/age"
	"wardkeep/internal/gate"
	"wardkeep/internal/vault/vaulttest"
)

// A child is erased when its guardian refuses everything (edge case 5); the next
// import of the same row must not ask the same again.
func TestEdgeCase26_WhoRefusedEverythingIsNotAskedByTheNextImport(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		register := func() (c family.Child) {
			w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
				c, _, _, err = gate.Register(ctx, tx, w.Ring, w.App, family.Enrolment{Service: vaulttest.Service, Ref: pii.New("row-17"),
					Birth: age.Birth{Year: tx.Now().Year() - 9, Month: 6, Day: 1}, BirthSource: family.FromImport,
					Guardian: family.Person{Phone: pii.New("13800000000"), Relation: family.Parent}})
				return err
			})
			return c
		}
		ask := func(c family.Child) error {
			return w.Try(func(ctx context.Context, tx *db.Tx) error {
				_, _, _, err := w.Desk.Ask(ctx, tx, w.App, c, consent.Asking{Channel: consent.SMS, Locale: "zh-CN"})
				return err
			})
		}
		first := register()
		w.Answer(first, consent.ForceRefused)
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := w.Vault.Erase(ctx, tx, "system:retention", vaulttest.Service, first.ID, family.ExpiredUnconsented)
			return err
		})
		again := register()
		if err := ask(again); !errors.Is(err, consent.ErrRefused) {
			t.Errorf("right after the no: %v", err)
		}
		other, _ := w.Enrol()
		if err := ask(other); err != nil {
			t.Errorf("another child's guardian: %v", err)
		}
	})
}

// A request that was written before a no isn't sent after it.
func TestEdgeCase26_AQueuedRequestIsNotSentAfterANo(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		child := w.Child()
		var queued consent.Request
		w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
			queued, _, _, err = w.Desk.Ask(ctx, tx, w.App, child, consent.Asking{Purposes: []string{"speaking-practice"}, Channel: consent.SMS, Locale: "zh-CN"})
			return err
		})
		w.Answer(child, consent.ForceRefused, "speaking-practice")
		err := w.Try(func(ctx context.Context, tx *db.Tx) error {
			_, _, _, _, err := w.Desk.Send(ctx, tx, w.App, queued)
			return err
		})
		if !errors.Is(err, consent.ErrRefused) {
			t.Errorf("sent after the no: %v", err)
		}
	})
}
