package replay_test

import (
	"context"
	"testing"
	"time"

	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
	"wardkeep/internal/family/age"
	"wardkeep/internal/ledger"
	"wardkeep/internal/rectification"
	"wardkeep/internal/staff"
	"wardkeep/internal/vault/vaulttest"
)

// rectificationChanges are changes by hand of what an authority demands, and what must be found.
var rectificationChanges = []struct{ name, query, found string }{
	{"an item never was", `DELETE FROM rectification WHERE what = 'item'`, "row_missing rectification "},
	{"an item has another name", `UPDATE rectification SET id = '王小明' WHERE what = 'item'`, "row_extra rectification "},
	{"a sanction is another service's", `UPDATE rectification SET service = '王小明' WHERE what = 'sanction'`, "row_differs rectification service"},
	{"an item is a summons", `UPDATE rectification SET what = 'summons' WHERE what = 'item'`, "row_differs rectification what"},
	{"an item is of no summons", `UPDATE rectification SET part_of = '' WHERE what = 'item'`, "row_differs rectification part_of"},
	{"an item was found elsewhere", `UPDATE rectification SET source = 'own' WHERE what = 'item'`, "row_differs rectification source"},
	{"a fine is a warning", `UPDATE rectification SET sort = 'warning' WHERE what = 'sanction'`, "row_differs rectification sort"},
	{"a fine is smaller", `UPDATE rectification SET amount = 1 WHERE what = 'sanction'`, "row_differs rectification amount"},
	{"a fine isn't appealed against", `UPDATE rectification SET appealed = NOT appealed WHERE what = 'sanction'`, "row_differs rectification appealed"},
	{"somebody else looks after an item", `UPDATE rectification SET owner = '王小明' WHERE what = 'item'`, "row_differs rectification owner"},
	{"a summons has another day", `UPDATE rectification SET dated = '2020-01-01' WHERE what = 'summons'`, "row_differs rectification dated"},
	{"an item came later", `UPDATE rectification SET opened_at = opened_at + 1 WHERE what = 'item'`, "row_differs rectification opened_at"},
	{"somebody else has recorded an item", `UPDATE rectification SET opened_by = '王小明' WHERE what = 'item'`, "row_differs rectification opened_by"},
	{"a summons may wait longer", `UPDATE rectification SET due_at = due_at + 1 WHERE what = 'summons'`, "row_differs rectification due_at"},
	{"an item was proved earlier", `UPDATE rectification SET done_at = done_at - 1 WHERE what = 'item'`, "row_differs rectification done_at"},
	{"somebody else has proved an item", `UPDATE rectification SET done_by = '王小明' WHERE what = 'item'`, "row_differs rectification done_by"},
	{"a sanction is closed without a proof", `UPDATE rectification SET closed_at = 1 WHERE what = 'sanction'`, "row_differs rectification closed_at"},
	{"somebody else has confirmed an item", `UPDATE rectification SET closed_by = '王小明' WHERE what = 'item'`, "row_differs rectification closed_by"},
	{"an item was never postponed", `UPDATE rectification SET postponed = 0 WHERE what = 'item'`, "row_differs rectification postponed"},
	{"an item was never opened again", `UPDATE rectification SET reopened = 0 WHERE what = 'item'`, "row_differs rectification reopened"},
	{"nobody was reminded", `UPDATE rectification SET reminded = 0 WHERE what = 'sanction'`, "row_differs rectification reminded"},
	{"nobody is reminded", `UPDATE rectification SET remind_at = NULL WHERE what = 'sanction'`, "row_differs rectification remind_at"},
	{"an item has fewer texts", `UPDATE rectification SET notes = 1 WHERE what = 'item'`, "row_differs rectification notes"},
	{"a text of an item never was", `DELETE FROM rectification_note WHERE file <> '' AND number = 2`, "row_missing rectification_note "},
	{"a text is of another", `UPDATE rectification_note SET rectification = '王小明' WHERE number = 1`, "row_extra rectification_note "},
	{"a text is another", `UPDATE rectification_note SET number = 17 WHERE number = 1 AND file = ''`, "row_extra rectification_note "},
	{"a text is later", `UPDATE rectification_note SET written_at = written_at + 1`, "row_differs rectification_note written_at"},
	{"a text is another's", `UPDATE rectification_note SET written_by = '王小明'`, "row_differs rectification_note written_by"},
	{"a proof is of another type", `UPDATE rectification_note SET file = 'image/png' WHERE file <> ''`, "row_sealed rectification_note file, hash, sealed, salt, document"},
	{"a proof has another hash", `UPDATE rectification_note SET hash = 'x' WHERE file <> ''`, "row_sealed rectification_note file, hash, sealed, salt, document"},
	{"a text says something else", `UPDATE rectification_note SET sealed = salt WHERE number = 1`, "row_sealed rectification_note file, hash, sealed, salt, document"},
	{"a text has another salt", `UPDATE rectification_note SET salt = sealed`, "row_sealed rectification_note file, hash, sealed, salt, document"},
	{"a proof is gone", `UPDATE rectification_note SET document = NULL WHERE file <> ''`, "row_sealed rectification_note file, hash, sealed, salt, document"},
}

// Articles 25 to 27: who has recorded, proved and confirmed what replays with its day; what
// somebody changes of it, or writes into the ledger that nobody may have done, is found.
func TestInvariant7_WhatHasToBePutRightReplays(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		s := &scene{story: begin(t, w)}
		hire := func(role catalog.Role) (p staff.Person) {
			s.Do(func(ctx context.Context, tx *db.Tx) error {
				held, err := catalog.Holder(ctx, tx, service, role)
				var g staff.Grant
				if err == nil {
					g, err = staff.OfOffice(ctx, tx, service, held.ID)
				}
				if err == nil {
					p, err = staff.Add(ctx, tx, catalog.Operator{ID: "test"}, string(role), g)
				}
				return err
			})
			return p
		}
		officer, deputy := hire(catalog.RoleOfficer), hire(catalog.RoleDeputy)
		manages := func(p staff.Person) staff.Acting { return staff.Acting{Person: p, Action: staff.ManageRectifications} }
		day := func(n int) string { return s.Store.Now().In(age.Zone).AddDate(0, 0, n).Format(time.DateOnly) }
		text := rectification.Text{Authority: pii.New("某市网信办"), Document: pii.New("7号"), Provision: pii.New("第二十五条"), Words: pii.New("收集位置")}
		record := func(m rectification.Matter, days int) rectification.Matter {
			m.Service, m.Owner = service, deputy.ID
			s.Do(func(ctx context.Context, tx *db.Tx) (err error) {
				m, _, err = rectification.Record(ctx, tx, s.Ring, manages(officer), m, day(days), text)
				return err
			})
			return m
		}
		prove := func(m rectification.Matter) {
			s.Do(func(ctx context.Context, tx *db.Tx) error {
				_, _, err := rectification.Prove(ctx, tx, s.Ring, staff.Acting{Person: deputy, Action: staff.ProveRectifications}, service, m.ID, day(0), pii.New("改了"), []byte("%PDF-1.7"))
				return err
			})
		}
		summons := record(rectification.Matter{What: rectification.Summons, Dated: day(-1)}, 30)
		item := record(rectification.Matter{What: rectification.Item, PartOf: summons.ID}, 10)
		fine := record(rectification.Matter{What: rectification.Sanction, Sort: rectification.Fine, Amount: 100, Dated: day(-1)}, 1)
		s.Do(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := rectification.Postpone(ctx, tx, s.Ring, manages(officer), service, item.ID, day(12), pii.New("等版本"))
			return err
		})
		prove(item)
		s.Do(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := rectification.Reopen(ctx, tx, s.Ring, manages(officer), service, item.ID, day(15), pii.New("截图不全"))
			return err
		})
		prove(item)
		s.Do(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := rectification.Confirm(ctx, tx, manages(officer), service, item.ID)
			return err
		})
		s.Do(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := rectification.Read(ctx, tx, staff.Acting{Person: deputy, Action: staff.SeeRectifications}, service, item.ID)
			return err
		})
		ok(t, s.flush())
		s.Pass(fine.DueAt.Sub(s.Store.Now()))
		ok(t, s.sweep(), s.flush())
		s.replays(t)
		for _, c := range rectificationChanges {
			found(t, c.name, s.once(t, func() {
				s.do(func(ctx context.Context, tx *db.Tx) error {
					n, err := tx.Exec(ctx, c.query)
					if err == nil && n == 0 {
						t.Errorf("%s: nothing was changed", c.name)
					}
					return err
				})
			}), c.found)
		}
		second := record(rectification.Matter{What: rectification.Item, Source: rectification.Own}, 60)
		prove(second)
		ok(t, s.flush())
		var at catalog.Service
		s.Do(func(ctx context.Context, tx *db.Tx) (err error) {
			at, err = catalog.Find(ctx, tx, service)
			return err
		})
		later := func() int64 { return s.Store.Now().Add(90 * 24 * time.Hour).UnixMicro() }
		for name, f := range map[string]struct {
			kind, actor string
			body        func() any
			found       string
		}{
			"an app records a summons": {rectification.KindRecorded, s.App.Ledger(), func() any {
				return rectification.RecordedBody{Matter: id.New(id.Rectification), What: rectification.Summons, Owner: deputy.ID, Dated: day(0), Due: later(), Mark: "x"}
			}, "impossible actor"},
			"a credit entry of no sanction": {rectification.KindRecorded, officer.Ledger(), func() any {
				return rectification.RecordedBody{Matter: id.New(id.Rectification), What: rectification.Credit, PartOf: summons.ID, Owner: deputy.ID, Dated: day(0), Due: later(), Mark: "x"}
			}, "impossible rectification"},
			"it is recorded twice": {rectification.KindRecorded, officer.Ledger(), func() any {
				return rectification.RecordedBody{Matter: item.ID, What: rectification.Item, Source: rectification.Own, Owner: deputy.ID, Due: later(), Mark: "x"}
			}, "impossible rectification"},
			"it is confirmed unproved":     {rectification.KindConfirmed, officer.Ledger(), func() any { return rectification.ConfirmedBody{Matter: fine.ID} }, "impossible rectification"},
			"it is proved by another":      {rectification.KindProved, officer.Ledger(), func() any { return rectification.WrittenBody{Matter: fine.ID, Note: 1, Mark: "x"} }, "impossible actor"},
			"it is proved without a text":  {rectification.KindProved, deputy.Ledger(), func() any { return rectification.WrittenBody{Matter: fine.ID, Note: 1} }, "body rectification"},
			"it is postponed to yesterday": {rectification.KindPostponed, officer.Ledger(), func() any { return rectification.MovedBody{Matter: fine.ID, Due: 1, Note: 1, Mark: "x"} }, "impossible rectification"},
			"what is open is opened again": {rectification.KindReopened, officer.Ledger(), func() any {
				return rectification.MovedBody{Matter: fine.ID, Due: later(), Note: 1, Mark: "x"}
			}, "impossible rectification"},
			"a summons is appealed against": {rectification.KindAppealed, officer.Ledger(), func() any { return rectification.WrittenBody{Matter: summons.ID, Note: 1, Mark: "x"} }, "impossible rectification"},
			"what is closed is handed over": {rectification.KindHanded, officer.Ledger(), func() any { return rectification.HandedBody{Matter: item.ID, Owner: officer.ID} }, "impossible rectification"},
			"somebody is reminded too early": {rectification.KindReminded, actorOfSweeps, func() any {
				return rectification.RemindedBody{Matter: summons.ID, What: rectification.Summons, Times: 1, Due: summons.DueAt.UnixMicro()}
			}, "impossible rectification"},
			"a person reminds": {rectification.KindReminded, officer.Ledger(), func() any {
				return rectification.RemindedBody{Matter: fine.ID, What: rectification.Sanction, Times: 2, Due: fine.DueAt.UnixMicro()}
			}, "impossible actor"},
			"more was read than there is": {rectification.KindRead, deputy.Ledger(), func() any { return rectification.ReadBody{Matter: item.ID, Notes: 17} }, "impossible rectification"},
			"a document without its text": {rectification.KindRead, deputy.Ledger(), func() any { return rectification.ReadBody{Matter: item.ID, Notes: 5, Document: 5} }, "impossible rectification"},
			"an app reads":                {rectification.KindRead, s.App.Ledger(), func() any { return rectification.ReadBody{Matter: item.ID, Notes: 5} }, "impossible actor"},
			"it is confirmed of whom nobody knows": {rectification.KindConfirmed, officer.Ledger(), func() any {
				return rectification.ConfirmedBody{Matter: second.ID, Pair: approval.Pair{Person: officer.Version, Catalog: at.Version}}
			}, "impossible actor"},
			"nobody's": {rectification.KindConfirmed, officer.Ledger(), func() any { return rectification.ConfirmedBody{Matter: id.New(id.Rectification)} }, "impossible rectification"},
		} {
			forgery(t, name, s.once(t, func() {
				s.do(func(ctx context.Context, tx *db.Tx) error {
					_, err := ledger.Append(ctx, tx, ledger.Entry{Kind: f.kind, Service: service, Actor: f.actor, Body: f.body()})
					return err
				})
			}), f.found)
		}
		s.replays(t)
	})
}
