package receipt_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/receipt"
	"wardkeep/internal/rights"
	"wardkeep/internal/vault/vaulttest"
)

// Edge case 16: what is left of a demand leads whoever asked to the certificate, for 90
// days, by its id and by its number, and within its service; and nobody to the child.
func TestEdgeCase16_WhatIsLeftOfADemandLeadsToNobody(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		secret, child, r := d.erased()
		other, _, second := d.erased()
		d.Do(func(ctx context.Context, tx *db.Tx) error {
			return errors.Join(receipt.KeepDemand(ctx, tx, d.Ring, r, secret), receipt.KeepDemand(ctx, tx, d.Ring, second, other))
		})
		find := func(service, id string) (c receipt.CarriedOut, err error) {
			err = d.Store.View(t.Context(), func(tx *db.Tx) error {
				c, err = receipt.FindDemand(t.Context(), tx, d.Ring, service, id)
				return err
			})
			return c, err
		}
		c, err := find(r.Service, r.ID)
		if err != nil || c.Secret != secret || c.Number != r.Number || c.Kind != rights.Delete || c.ErasedAt.IsZero() || !c.ReceivedAt.Equal(r.ReceivedAt) {
			t.Errorf("%+v, %v", c, err)
		}
		d.Do(func(ctx context.Context, tx *db.Tx) error {
			all, err := receipt.DemandsOfNumber(ctx, tx, d.Ring, r.Service, r.Number, 10)
			if err != nil || len(all) != 1 || all[0].ID != r.ID {
				t.Errorf("by its number: %+v, %v", all, err)
			}
			return err
		})
		for _, missed := range [][2]string{{vaulttest.Service + "2", r.ID}, {r.Service, "rr_00000000000000000000000000"}, {r.Service, r.Number}, {r.Service, ""}} {
			if _, err := find(missed[0], missed[1]); !errors.Is(err, rights.ErrNotFound) {
				t.Errorf("%v: %v", missed, err)
			}
		}
		text, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		for _, leads := range []string{string(child.ID), child.Subject, child.Service + "/", "gu_", "le_"} {
			if bytes.Contains(text, []byte(leads)) {
				t.Errorf("it has %.3s… in it", leads)
			}
		}
		d.Do(func(ctx context.Context, tx *db.Tx) error {
			return db.Each(ctx, tx, func(row db.Row) error {
				var demand, number, sealed []byte
				var until db.Time
				err := row.Scan(&demand, &number, &sealed, &until)
				for _, leads := range []string{r.ID, r.Number, second.ID, second.Number, secret, other} {
					if bytes.Contains(bytes.Join([][]byte{demand, number, sealed}, nil), []byte(leads)) {
						t.Errorf("a row of the store has %.3s… in it", leads)
					}
				}
				if at := time.Time(until); !at.Equal(at.Truncate(24 * time.Hour)) {
					t.Errorf("the end tells the moment of the erasure: %s", at)
				}
				return err
			}, `SELECT demand, number, sealed, until FROM carried_out`)
		})
		// Who swaps two rows has nobody sent a wrong certificate.
		d.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := tx.Exec(ctx, `UPDATE carried_out SET sealed = (SELECT sealed FROM carried_out ORDER BY demand LIMIT 1)`)
			return err
		})
		_, one := find(r.Service, r.ID)
		_, two := find(second.Service, second.ID)
		if (one == nil) == (two == nil) {
			t.Errorf("one row in two places: %v, %v", one, two)
		}
		d.Pass(90*24*time.Hour + time.Hour)
		for _, r := range []rights.Request{r, second} {
			if _, err := find(r.Service, r.ID); !errors.Is(err, rights.ErrNotFound) {
				t.Errorf("after its time: %v", err)
			}
		}
		d.Do(func(ctx context.Context, tx *db.Tx) error {
			n, err := receipt.ForgetDemands(ctx, tx, 10)
			if n != 2 {
				t.Errorf("%d forgotten", n)
			}
			return err
		})
		d.flush()
		if c, err := d.certificate(secret); err != nil || !strings.EqualFold(c.Number, r.Number) {
			t.Errorf("the link is good for longer: %+v, %v", c, err)
		}
	})
}
