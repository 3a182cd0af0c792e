package cessation_test

import (
	"context"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/catalog"
	"wardkeep/internal/order"
	"wardkeep/internal/party"
	"wardkeep/internal/vault/vaulttest"
)

// Article 16(4): with the end of its agreement a processor is ordered to delete what it may
// have, of each child once, however often it is come by; and what is overdue of that keeps it
// from signing anew.
func TestArticle16_TheEndOfAnAgreementOrdersDeletion(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		of := vaulttest.ProcessorID()
		children := []string{}
		for _, phone := range []string{"13800000001", "13800000002", "13800000003"} {
			children = append(children, string(h.agreed(phone).ID))
		}
		h.Enrol() // whose guardian has agreed to nothing
		h.Engage(h.Store.Now().Add(time.Hour))
		open := func(want int) {
			t.Helper()
			h.Do(func(ctx context.Context, tx *db.Tx) error {
				all, err := order.List(ctx, tx, vaulttest.Service, order.IsOpen, "", 100)
				for _, o := range all {
					if o.Party != vaulttest.Processor || o.Role != order.Processor || o.What != order.Delete || len(o.Items) != 2 {
						t.Errorf("%+v", o)
					}
				}
				if len(all) != want {
					t.Errorf("%d orders, want %d", len(all), want)
				}
				return err
			})
		}
		if done := h.round(); done.Parted != 0 {
			t.Errorf("%+v", done)
		}
		open(0)
		h.Pass(time.Hour)
		if done := h.round(); done.Parted != 1 {
			t.Errorf("%+v", done)
		}
		open(len(children))
		if done := h.round(); done.Parted != 0 {
			t.Errorf("once more: %+v", done)
		}
		open(len(children))
		// A word about a party that has ended orders nothing anew.
		h.Do(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := party.Suspend(ctx, tx, h.Officer, of, party.Other)
			if err == nil {
				_, _, err = party.Resume(ctx, tx, h.Officer, of)
			}
			return err
		})
		h.round()
		open(len(children))
		// It begins anew, ends by somebody's word, and is ordered anew.
		h.Do(func(ctx context.Context, tx *db.Tx) error {
			scope := party.ScopeOf(h.Charter, party.Processor, vaulttest.Processor)
			_, _, err := party.Agree(ctx, tx, h.Officer, of, h.Deed(scope, tx.Now().Add(-time.Minute), tx.Now().Add(time.Hour)))
			if err == nil {
				_, _, err = party.End(ctx, tx, h.Officer, of, time.Time{})
			}
			return err
		})
		if done := h.round(); done.Parted != 1 {
			t.Errorf("%+v", done)
		}
		open(2 * len(children))
		h.Do(func(ctx context.Context, tx *db.Tx) error {
			if _, err := catalog.Find(ctx, tx, vaulttest.Service); err != nil {
				return err
			}
			left, err := party.Leaving(ctx, tx)
			if len(left) != 0 {
				t.Errorf("%+v", left)
			}
			return err
		})
	})
}
