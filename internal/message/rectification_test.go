package message_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
	"wardkeep/internal/family/age"
	"wardkeep/internal/rectification"
	"wardkeep/internal/staff"
	"wardkeep/internal/vault/vaulttest"
)

// Article 25: whoever looks after what has to be put right, and the office, are reminded by
// e-mail when its day is near, and read nothing of what was written; of what is closed by then
// nobody is.
func TestArticle25_WhatIsLateReachesItsOwnerByEmail(t *testing.T) {
	alone(t, func(t *testing.T, o *offices) {
		day := func(n int) string { return o.Store.Now().In(age.Zone).AddDate(0, 0, n).Format(time.DateOnly) }
		manages := func(p staff.Person) staff.Acting { return staff.Acting{Person: p, Action: staff.ManageRectifications} }
		var late, closed rectification.Matter
		o.Do(func(ctx context.Context, tx *db.Tx) (err error) {
			grant := staff.Grant{Role: staff.Manager, Service: vaulttest.Service}
			if o.worker, err = staff.Give(ctx, tx, catalog.Operator{ID: "test"}, o.worker.ID, grant); err != nil {
				return err
			}
			m := rectification.Matter{Service: vaulttest.Service, What: rectification.Item, Source: rectification.Own, Owner: o.worker.ID}
			text := rectification.Text{Words: pii.New("停止收集位置")}
			if late, _, err = rectification.Record(ctx, tx, o.Ring, manages(o.officer), m, day(1), text); err != nil {
				return err
			}
			closed, _, err = rectification.Record(ctx, tx, o.Ring, manages(o.officer), m, day(1), text)
			return err
		})
		o.Pass(late.DueAt.Sub(o.Store.Now()))
		o.Do(func(ctx context.Context, tx *db.Tx) error {
			due, err := rectification.ToRemind(ctx, tx, rectification.Matter{}, 10)
			for _, m := range due {
				if err == nil {
					_, err = rectification.Remind(ctx, tx, "system:retention", m)
				}
			}
			return err
		})
		due := o.due()
		o.Do(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := rectification.Prove(ctx, tx, o.Ring, staff.Acting{Person: o.worker, Action: staff.ProveRectifications}, vaulttest.Service, closed.ID, day(0), pii.New("已停止"), []byte("%PDF-1.7"))
			if err == nil {
				_, _, err = rectification.Confirm(ctx, tx, manages(o.deputy), vaulttest.Service, closed.ID)
			}
			return err
		})
		if err := o.send(due); err != nil {
			t.Fatal(err)
		}
		to := make(map[string]int)
		for _, l := range o.box.take() {
			to[l.to]++
			if !strings.Contains(l.text, inside+"/console/due?kind=rectification&lang=") || strings.Contains(l.text, "位置") {
				t.Errorf("a letter to %s says\n%s", l.to, l.text)
			}
		}
		if len(to) != 3 || to["lin@office.example"] != 1 || to["zhou@office.example"] != 1 || to["li@office.example"] != 1 {
			t.Errorf("letters: %v", to)
		}
	})
}
