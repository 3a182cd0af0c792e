package gate_test

import (
	"context"
	"errors"
	"testing"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
	"wardkeep/internal/family"
	"wardkeep/internal/gate"
	"wardkeep/internal/vault/vaulttest"
)

func TestArticle8_NotEvenAContactIsCollectedDuringAVacancy(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		child := w.Child()
		operator := catalog.Operator{ID: "test"}
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := catalog.EndOffice(ctx, tx, operator, vaulttest.Service, w.Officer.ID)
			return err
		})
		enrol := func(ref string) error {
			return w.Try(func(ctx context.Context, tx *db.Tx) error {
				_, _, _, err := w.Vault.Gate.Register(ctx, tx, w.App, family.Enrolment{Service: vaulttest.Service, Ref: pii.New(ref),
					Guardian: family.Person{Phone: pii.New("13800000001"), Relation: family.Parent}})
				return err
			})
		}
		tie := func() error {
			return w.Try(func(ctx context.Context, tx *db.Tx) error {
				c, err := family.Lock(ctx, tx, vaulttest.Service, child.ID)
				if err != nil {
					return err
				}
				_, _, err = w.Vault.Gate.AddGuardian(ctx, tx, w.App, c, family.Person{Phone: pii.New("13800000002"), Relation: family.Parent})
				return err
			})
		}
		for _, err := range []error{enrol("a"), tie()} {
			denied, ok := errors.AsType[*gate.Denied](err)
			if !ok || len(denied.Reasons) != 1 || denied.Reasons[0].Code != "gate.no_officer" {
				t.Errorf("during the vacancy: %v", denied)
			}
		}
		if _, err := w.Read(child, "course-progress", "nickname"); !errors.Is(err, gate.ErrDenied) {
			t.Errorf("a use during the vacancy: %v", err)
		}
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := catalog.Appoint(ctx, tx, operator, vaulttest.Service, catalog.RoleOfficer, "吴宁", "wu@xiaoxi-english.example")
			return err
		})
		if err := errors.Join(enrol("a"), tie()); err != nil {
			t.Errorf("after the appointment: %v", err)
		}
		if _, err := w.Read(child, "course-progress", "nickname"); err != nil {
			t.Errorf("a use after the appointment: %v", err)
		}
	})
}
