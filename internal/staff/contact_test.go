package staff_test

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/staff"
	"wardkeep/internal/vault/vaulttest"
)

// Article 15: where somebody is told of alarms is their own to say, or the terminal's; it
// lies sealed, and goes when they leave.
func TestArticle15_WhereAlarmsAreSentIsThePersonsOwn(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		var one, other staff.Person
		w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
			if one, err = staff.Add(ctx, tx, terminal, "林静", staff.Grant{Role: staff.Manager, Service: vaulttest.Service}); err == nil {
				other, err = staff.Add(ctx, tx, terminal, "李雷", staff.Grant{Role: staff.Manager, Service: vaulttest.Service})
			}
			return err
		})
		reach := func(by staff.Actor, address string) error {
			return w.Try(func(ctx context.Context, tx *db.Tx) error {
				_, err := staff.Reach(ctx, tx, w.Ring, by, one.ID, pii.New(address), i18n.Chinese)
				return err
			})
		}
		for address, want := range map[string]error{"": staff.ErrAddress, "lin": staff.ErrAddress, "林静 <lin@office.example>": staff.ErrAddress,
			"lin@office.example, li@office.example": staff.ErrAddress, "lin@office.example\r\nBcc: li@office.example": staff.ErrAddress} {
			if err := reach(one, address); !errors.Is(err, want) {
				t.Errorf("%q: %v", address, err)
			}
		}
		if err := reach(other, "li@office.example"); !errors.Is(err, staff.ErrMayNot) {
			t.Errorf("another's: %v", err)
		}
		for _, by := range []staff.Actor{one, terminal} {
			if err := reach(by, " lin@"+by.Ledger()[:5]+".example "); err != nil {
				t.Errorf("%s: %v", by.Ledger(), err)
			}
		}
		if err := reach(one, "lin@"+terminal.Ledger()[:5]+".example"); !errors.Is(err, staff.ErrAddressHeld) {
			t.Errorf("the same: %v", err)
		}
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			c, err := staff.ContactOf(ctx, tx, w.Ring, one.ID)
			if err != nil || c.Address.Reveal() != "lin@"+terminal.Ledger()[:5]+".example" || c.Lang != i18n.Chinese {
				t.Errorf("%+v, %v", c, err)
			}
			sealed, err := db.One(ctx, tx, db.Single[[]byte], `SELECT sealed FROM person_contact WHERE person = $1`, one.ID)
			if bytes.Contains(sealed, []byte("lin@")) {
				t.Error("it lies in plain")
			}
			return err
		})
		if err := w.Try(func(ctx context.Context, tx *db.Tx) error {
			_, err := staff.Unreach(ctx, tx, other, one.ID)
			return err
		}); !errors.Is(err, staff.ErrMayNot) {
			t.Errorf("another ends it: %v", err)
		}
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			if _, err := staff.Leave(ctx, tx, terminal, one.ID); err != nil {
				return err
			}
			n, err := db.One(ctx, tx, db.Single[int64], `SELECT count(*) FROM person_contact`)
			if n != 0 {
				t.Error("it outlives the account")
			}
			return err
		})
	})
}
