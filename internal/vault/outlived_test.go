package vault_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/gate"
	"wardkeep/internal/party"
	"wardkeep/internal/vault/vaulttest"
)

// Article 16: who asks before the last second of an agreement, and has waited into it for what
// another transaction held, gets nothing.
func TestArticle16_WhoWaitsIntoTheEndGetsNothing(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		c, of := w.Child(), vaulttest.ProcessorID()
		w.Put(c, "speaking-practice", "gender", "女")
		until := w.Store.Now().Add(time.Hour).Truncate(time.Second)
		w.Engage(until)
		key, _ := w.Bind(of)
		pull := func() error {
			return w.Try(func(ctx context.Context, tx *db.Tx) error {
				by, err := party.ClientOf(ctx, tx, key.ID)
				if err == nil {
					_, err = w.Vault.Pull(ctx, tx, by, c.ID, "speaking-practice", []string{"gender"})
				}
				return err
			})
		}
		w.Pass(until.Add(-30 * time.Second).Sub(w.Store.Now()))
		if err := pull(); err != nil {
			t.Fatal(err)
		}
		holds, ends := make(chan bool), make(chan struct{})
		var both sync.WaitGroup
		both.Go(func() {
			err := w.Try(func(ctx context.Context, tx *db.Tx) error {
				_, err := party.HoldMeter(ctx, tx, of)
				holds <- tx.ForShare() != ""
				<-ends
				return err
			})
			if err != nil {
				t.Error(err)
			}
		})
		waits := <-holds // on SQLite the other doesn't even begin
		both.Go(func() {
			if err := pull(); !errors.Is(err, gate.ErrDenied) {
				t.Errorf("a pull that waited into the end: %v", err)
			}
		})
		for n := int64(0); waits && n == 0; {
			err := w.Store.View(t.Context(), func(tx *db.Tx) (err error) {
				n, err = db.One(t.Context(), tx, db.Single[int64], `SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%party_meter%'`)
				return err
			})
			if err != nil {
				t.Error(err)
				break
			}
			time.Sleep(5 * time.Millisecond)
		}
		w.Pass(time.Minute)
		close(ends)
		both.Wait()
	})
}
