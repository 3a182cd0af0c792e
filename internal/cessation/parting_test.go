package cessation_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/catalog"
	"wardkeep/internal/family"
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
		// Who moves the walk on by hand leaves nobody out of it.
		h.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := tx.Exec(ctx, `UPDATE party SET parted_upto = 'zz'`)
			return err
		})
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
			left, err := party.Walks(ctx, tx)
			if len(left) != 0 {
				t.Errorf("%+v", left)
			}
			return err
		})
		scope := party.ScopeOf(h.Charter, party.Processor, vaulttest.Processor)
		h.Pass(30 * day)
		h.Do(func(ctx context.Context, tx *db.Tx) error {
			late, err := order.Due(ctx, tx, order.Order{}, 1)
			if err == nil {
				_, err = order.Overdue(ctx, tx, "system:retention", late[0])
			}
			return err
		})
		if err := h.agrees(scope); !errors.Is(err, party.ErrOverdue) {
			t.Errorf("with an order overdue: %v", err)
		}
		h.Do(func(ctx context.Context, tx *db.Tx) error {
			book := order.Book{Ring: h.Ring, Charters: h.Vault.Gate.Charters, Calendar: h.Vault.Calendar}
			_, err := book.AttestOf(ctx, tx, h.Officer, vaulttest.Service, vaulttest.Processor, strings.Repeat("ab", 32), tx.Now(), order.Order{}, 100)
			return err
		})
		if err := h.agrees(scope); err != nil {
			t.Errorf("with all attested: %v", err)
		}
	})
}

// Whoever has one item deleted after the end, and before the walk comes by, takes the order
// about the others from nobody (Articles 16(4) and 20).
func TestArticle16_WhatWasOrderedSinceTheEndIsNotAllOfIt(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		child := h.agreed("13800000001")
		h.Engage(h.Store.Now().Add(time.Hour))
		h.Pass(time.Hour)
		book := order.Book{Ring: h.Ring, Charters: h.Vault.Gate.Charters, Calendar: h.Vault.Calendar}
		h.Do(func(ctx context.Context, tx *db.Tx) error {
			c, err := family.Lock(ctx, tx, vaulttest.Service, child.ID)
			if err != nil {
				return err
			}
			return book.Item(ctx, tx, h.App.Ledger(), c, order.Delete, "voice")
		})
		h.round()
		h.Do(func(ctx context.Context, tx *db.Tx) error {
			all, err := order.Of(ctx, tx, child.ID)
			var got []string
			for _, o := range all {
				got = append(got, strings.Join(o.Items, " "))
			}
			slices.Sort(got)
			if !slices.Equal(got, []string{"gender", "voice"}) {
				t.Errorf("%q", got)
			}
			return err
		})
	})
}

// A child that can't be come to is come to in a later round, though the one that failed was
// cut off behind it.
func TestArticle16_WhomARoundMissedIsComeToAgain(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		missed, other := h.agreed("13800000001"), h.agreed("13800000002")
		h.Engage(h.Store.Now().Add(time.Hour))
		h.Pass(time.Hour)
		change := func(query string, args ...any) {
			t.Helper()
			h.Do(func(ctx context.Context, tx *db.Tx) error { _, err := tx.Exec(ctx, query, args...); return err })
		}
		// More than a batch, behind both.
		h.Do(func(ctx context.Context, tx *db.Tx) error {
			for i := range 510 {
				err := tx.Queue(ctx, `
					INSERT INTO child (child, service, subject, version, state, frozen, disputed, birth_from, birth_version, endings, created_at, aged)
					VALUES ($1, $2, 'su_nobody', 1, 'active', false, false, '', 0, '', 0, 0)`, fmt.Sprintf("zz_%03d", i), vaulttest.Service)
				if err != nil {
					return err
				}
			}
			return nil
		})
		change(`UPDATE consent SET charter = charter + 99 WHERE child = $1`, missed.ID)
		change(`UPDATE child SET endings = 'none' WHERE child = 'zz_509'`) // which cuts the round off
		if _, err := h.tryRound(); err == nil {
			t.Error("no child was missed")
		}
		change(`UPDATE consent SET charter = charter - 99 WHERE child = $1`, missed.ID)
		change(`UPDATE child SET endings = '' WHERE child = 'zz_509'`)
		if done := h.round(); done.Parted != 0 {
			t.Errorf("whom it has missed, nobody has come to: %+v", done)
		}
		if done := h.round(); done.Parted != 1 {
			t.Errorf("%+v", done)
		}
		h.Do(func(ctx context.Context, tx *db.Tx) error {
			for _, c := range []family.Child{missed, other} {
				if all, err := order.Of(ctx, tx, c.ID); err != nil || len(all) != 1 {
					return errors.Join(err, fmt.Errorf("%d orders, want 1", len(all)))
				}
			}
			return nil
		})
		change(`DELETE FROM child WHERE subject = 'su_nobody'`)
	})
}
