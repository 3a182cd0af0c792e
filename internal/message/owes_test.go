package message_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/workday"
	"wardkeep/internal/family"
	"wardkeep/internal/order"
	"wardkeep/internal/party"
	"wardkeep/internal/retention"
	"wardkeep/internal/signin"
	"wardkeep/internal/vault/vaulttest"
)

// Article 16: a processor whose persons come to the desk hears by e-mail that it owes something: once a
// day however much it is, of nothing that is done, and not where nobody comes to the desk.
func TestArticle16_WhoComesToTheDeskHearsByEmailWhatIsOwed(t *testing.T) {
	alone(t, func(t *testing.T, o *offices) {
		o.Engage(o.Store.Now().Add(100 * 24 * time.Hour))
		of, book := vaulttest.ProcessorID(), order.Book{Ring: o.Ring, Charters: o.Desk.Charters, Calendar: workday.Default()}
		orders := func() {
			child := o.Child()
			o.Do(func(ctx context.Context, tx *db.Tx) error {
				locked, err := family.Lock(ctx, tx, vaulttest.Service, child.ID)
				if err != nil {
					return err
				}
				return book.Item(ctx, tx, o.App.Ledger(), locked, order.Correct, "voice")
			})
		}
		arrive := func(when string, want int) {
			t.Helper()
			if err := o.send(o.due()); err != nil {
				t.Fatal(err)
			}
			n := 0
			for _, l := range o.box.take() {
				if l.to != vaulttest.Identity().Contact {
					continue // to whoever holds an office
				}
				n++
				if !strings.Contains(l.text, site+"/party/orders?lang=zh-CN") || !strings.Contains(l.text, "北京时间") || !strings.Contains(l.text, "小溪英语") {
					t.Errorf("%s: %s\n%s", when, l.subject, l.text)
				}
			}
			if n != want {
				t.Errorf("%s: %d letters, want %d", when, n, want)
			}
		}
		next := func() { o.Pass(24 * time.Hour) }
		orders()
		arrive("while nobody comes to the desk", 0)
		o.Do(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := signin.Door{Ring: o.Ring}.Seat(ctx, tx, o.officer, of, "周舟")
			return err
		})
		next()
		orders()
		orders()
		arrive("of two orders of a day", 1)
		var open []order.Order
		o.Do(func(ctx context.Context, tx *db.Tx) (err error) {
			open, err = order.ListOf(ctx, tx, of, order.Order{}, 10)
			return err
		})
		o.Pass(open[0].DueAt.Sub(o.Store.Now()) + time.Second)
		if _, err := retention.Sweep(t.Context(), o.Store, o.Vault); err != nil {
			t.Fatal(err)
		}
		arrive("when one is overdue", 1)
		next()
		o.Do(func(ctx context.Context, tx *db.Tx) error {
			for _, one := range open {
				if _, _, err := book.Attest(ctx, tx, o.Officer, vaulttest.Service, one.ID, of.Name, strings.Repeat("ab", 32)); err != nil {
					return err
				}
			}
			return nil
		})
		orders()
		o.Do(func(ctx context.Context, tx *db.Tx) error {
			if _, err := tx.Exec(ctx, `UPDATE party SET contact = '电话 0571-88888888' WHERE service = $1 AND name = $2`, of.Service, of.Name); err != nil {
				return err
			}
			_, err := party.Find(ctx, tx, of)
			return err
		})
		arrive("where no address is known", 0)
	})
}
