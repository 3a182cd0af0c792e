package approval_test

import (
	"context"
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/catalog"
	"wardkeep/internal/family"
	"wardkeep/internal/ledger"
)

// Whoever asks about a child that nobody is, looks at it, or tries to, raises an alarm, and
// sees what everybody sees of any child. Which child it is no row tells.
func TestArticle15_WhoTouchesADecoyRaisesAnAlarm(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.Vault.Looks = always
		real := w.child
		decoy := w.Child()
		w.Put(decoy, "parent-reports", "nickname", "小雨")
		does := func(what string, want error, fn func(ctx context.Context, tx *db.Tx) error) {
			t.Helper()
			wants(t, what, w.Try(fn), want)
		}
		marks := func(by catalog.Officer, c family.ID) func(ctx context.Context, tx *db.Tx) error {
			return func(ctx context.Context, tx *db.Tx) error { return approval.Decoy(ctx, tx, w.Ring, by, c) }
		}
		does("nobody marks", approval.ErrMayNot, marks(catalog.Officer{Service: service}, decoy.ID))
		does("a child that isn't there", family.ErrNotFound, marks(w.Officer, "ch_x"))
		does("the officer marks", nil, marks(w.Officer, decoy.ID))
		does("twice", approval.ErrDecoy, marks(w.Officer, decoy.ID))
		var heard []approval.Cause
		w.Store.Announced = func(what any) {
			if a, is := what.(approval.Alarm); is {
				heard = append(heard, a.What)
			}
		}
		alarms := func(what string, n int) {
			t.Helper()
			told := 0
			w.Do(func(ctx context.Context, tx *db.Tx) error {
				told = 0
				return ledger.Pending(ctx, tx, func(p ledger.Placed) error {
					var b approval.AlarmBody
					if p.Kind != approval.KindAlarm {
						return nil
					}
					if err := p.Into(&b); err != nil || b.Cause != approval.Touched || p.Actor != w.worker.Ledger() {
						t.Errorf("%+v by %s, %v", b, p.Actor, err)
					}
					told++
					return nil
				})
			})
			if told != n || !slices.Equal(heard, slices.Repeat([]approval.Cause{approval.Touched}, n)) {
				t.Errorf("%s: %d told, heard %v, want %d", what, told, heard, n)
			}
		}
		r := w.granted(w.worker, w.manager)
		if _, err := w.look(w.worker, r, use(real, "nickname")); err != nil {
			t.Fatal(err)
		}
		alarms("another child", 0)
		v, err := w.look(w.worker, approval.Request{}, use(decoy, "nickname"))
		denied(t, "a try without an approval", v, err, "approval_missing")
		alarms("a try", 1)
		w.child = decoy
		asked := w.asked(w.worker)
		alarms("a request", 2)
		asked = w.grants(w.manager, asked)
		if v, err := w.look(w.worker, asked, use(decoy, "nickname")); err != nil || v != "小雨" {
			t.Errorf("a look shows what any look does: %v", err)
		}
		alarms("a look", 3)
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			all, err := approval.ReadDecoys(ctx, tx)
			if err != nil {
				return err
			}
			for _, m := range all {
				if b, err := hex.DecodeString(m.Mark); err != nil || len(b) != 32 || strings.Contains(string(b), decoy.Subject) {
					t.Errorf("a mark of %d bytes, %v", len(b), err)
				}
			}
			_, err = w.Vault.Erase(ctx, tx, "test", service, decoy.ID, family.Requested)
			return err
		})
		does("an erased child is no decoy", approval.ErrNoDecoy, func(ctx context.Context, tx *db.Tx) error {
			return approval.NoDecoy(ctx, tx, w.Ring, w.Officer, decoy.ID)
		})
		w.child = real
		does("the officer marks another", nil, marks(w.Officer, real.ID))
		does("and takes it back", nil, func(ctx context.Context, tx *db.Tx) error {
			return approval.NoDecoy(ctx, tx, w.Ring, w.Officer, real.ID)
		})
		w.asked(w.worker)
		alarms("what is a decoy no more", 3)
	})
}
