package restoration_test

import (
	"context"
	"errors"
	"testing"

	"wardkeep/internal/base/db"
	"wardkeep/internal/inspection"
	"wardkeep/internal/staff"
)

// An inspection that was ended since the backup is ended in the store that was put back; who had
// signed out isn't in, and a code that was used opens nothing once more (Article 22).
func TestEdgeCase15_AnInspectionThatWasEndedIsOver(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		var officer staff.Person
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			g, err := staff.OfOffice(ctx, tx, service, w.Officer.ID)
			if err == nil {
				officer, err = staff.Add(ctx, tx, terminal, "林静", g)
			}
			return err
		})
		invite := func() (i inspection.Invitation, keys inspection.Keys) {
			w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
				i, keys, err = inspection.Invite(ctx, tx, w.Ring, staff.Acting{Person: officer, Action: staff.InviteInspectors}, service, inspection.Scope{}, 10,
					inspection.NewText("赵督", "某市网信办", "第二十二条", "3号"))
				return err
			})
			return i, keys
		}
		enter := func(keys inspection.Keys) (secret string) {
			w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
				_, secret, err = inspection.Enter(ctx, tx, w.Ring, keys.Link, keys.Code)
				return err
			})
			return secret
		}
		ended, its := invite()
		stays, used := invite()
		_, left := invite()
		in, out := enter(its), enter(left)
		ok(t, w.log.Flush(t.Context()))
		putBack := w.backUp()
		enter(used)
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := inspection.End(ctx, tx, w.Ring, staff.Acting{Person: officer, Action: staff.ReceiveInspectors}, service, ended.ID)
			return errors.Join(err, inspection.Leave(ctx, tx, w.Ring, out))
		})
		source, latest := w.export()
		putBack()
		_, err := w.replay(t.Context(), source, latest)
		ok(t, err)
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			if _, err := inspection.At(ctx, tx, w.Ring, its.Link); !errors.Is(err, inspection.ErrEnded) {
				t.Errorf("the one that was ended: %v", err)
			}
			for _, secret := range []string{in, out} {
				if _, err := inspection.Find(ctx, tx, w.Ring, secret); !errors.Is(err, inspection.ErrSignedOut) {
					t.Errorf("somebody is in: %v", err)
				}
			}
			if _, err := inspection.At(ctx, tx, w.Ring, used.Link); err != nil {
				t.Errorf("the one that wasn't: %v", err)
			}
			if _, _, err := inspection.Enter(ctx, tx, w.Ring, used.Link, used.Code); !errors.Is(err, inspection.ErrNoCode) {
				t.Errorf("a code that was used: %v", err)
			}
			_, err := inspection.Named(ctx, tx, service, stays.ID)
			return err
		})
		w.holds()
	})
}
