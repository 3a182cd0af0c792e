package replay_test

import (
	"context"
	"testing"
	"time"

	"wardkeep/internal/approval"
	"wardkeep/internal/authority"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
	"wardkeep/internal/incident"
	"wardkeep/internal/ledger"
	"wardkeep/internal/staff"
	"wardkeep/internal/vault/vaulttest"
)

// authorityChanges are changes by hand of what the authority was told, and what must be found.
var authorityChanges = []struct{ name, query, found string }{
	{"a report never was", `DELETE FROM authority_report WHERE number = 1`, "row_missing authority_report "},
	{"a report is of another case", `UPDATE authority_report SET incident = '王小明' WHERE number = 3`, "row_extra authority_report "},
	{"a report is another version", `UPDATE authority_report SET number = 7 WHERE number = 3`, "row_extra authority_report "},
	{"a report is another service's", `UPDATE authority_report SET service = '王小明'`, "row_differs authority_report service"},
	{"a report is the last", `UPDATE authority_report SET kind = 'wrap' WHERE kind = 'first'`, "row_differs authority_report kind"},
	{"a report was drafted later", `UPDATE authority_report SET drafted_at = drafted_at + 1`, "row_differs authority_report drafted_at"},
	{"somebody else has drafted it", `UPDATE authority_report SET drafted_by = '王小明'`, "row_differs authority_report drafted_by"},
	{"it was said later that it was sent", `UPDATE authority_report SET done_at = done_at + 1`, "row_differs authority_report done_at"},
	{"somebody else has sent it", `UPDATE authority_report SET done_by = '王小明' WHERE done_by <> ''`, "row_differs authority_report done_by"},
	{"it was sent in time", `UPDATE authority_report SET sent_at = sent_at - 1`, "row_differs authority_report sent_at"},
	{"it was sent by another way", `UPDATE authority_report SET channel = 'fax' WHERE channel <> ''`, "row_differs authority_report channel"},
	{"it has more answers", `UPDATE authority_report SET receipts = receipts + 1`, "row_differs authority_report receipts"},
	{"it says something else", `UPDATE authority_report SET sealed = salt`, "row_sealed authority_report sealed, salt"},
	{"it has another salt", `UPDATE authority_report SET salt = sealed`, "row_sealed authority_report sealed, salt"},
	{"an answer never came", `DELETE FROM authority_receipt WHERE number = 2`, "row_missing authority_receipt "},
	{"an answer is about another case", `UPDATE authority_receipt SET incident = '王小明' WHERE number = 1`, "row_extra authority_receipt "},
	{"an answer is to another report", `UPDATE authority_receipt SET report = 7 WHERE number = 1`, "row_extra authority_receipt "},
	{"an answer has another place", `UPDATE authority_receipt SET number = 7 WHERE number = 2`, "row_extra authority_receipt "},
	{"an answer came later", `UPDATE authority_receipt SET received_at = received_at + 1`, "row_differs authority_receipt received_at"},
	{"somebody else has received it", `UPDATE authority_receipt SET received_by = '王小明'`, "row_differs authority_receipt received_by"},
	{"its document is of another type", `UPDATE authority_receipt SET file = 'image/png'`, "row_sealed authority_receipt file, hash, sealed, salt, document"},
	{"its document has another hash", `UPDATE authority_receipt SET hash = 'x'`, "row_sealed authority_receipt file, hash, sealed, salt, document"},
	{"it has another number", `UPDATE authority_receipt SET sealed = salt`, "row_sealed authority_receipt file, hash, sealed, salt, document"},
	{"an answer has another salt", `UPDATE authority_receipt SET salt = sealed`, "row_sealed authority_receipt file, hash, sealed, salt, document"},
	{"its document is another", `UPDATE authority_receipt SET document = salt`, "row_sealed authority_receipt file, hash, sealed, salt, document"},
}

// Article 21: what the authority was told, when and by whom, and who has decided that it isn't,
// replays; what somebody changes of it, or writes into the ledger that nobody may have done, is
// found.
func TestInvariant7_WhatTheAuthorityIsToldReplays(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		s := &scene{story: begin(t, w)}
		var second catalog.Officer
		s.Do(func(ctx context.Context, tx *db.Tx) (err error) {
			second, err = catalog.Holder(ctx, tx, service, catalog.RoleDeputy)
			return err
		})
		officer, deputy := w.Inside(w.Officer), w.Inside(second)
		writes, judges := staff.Acting{Person: officer, Action: staff.WriteIncidents}, staff.Acting{Person: deputy, Action: staff.JudgeIncidents}
		words := authority.Words{To: "某市网信办", Harm: "诈骗", Measures: "已删除", Cause: "名单外传", Lessons: "专人审核"}
		first := words
		first.Lessons = ""
		var grave, minor string
		s.Do(func(ctx context.Context, tx *db.Tx) error {
			for _, of := range []struct {
				name  *string
				grade incident.Grade
			}{{&grave, incident.Serious}, {&minor, incident.Minor}} {
				c, _, err := incident.Desk{Ring: s.Ring, Charters: s.Desk.Charters}.Open(ctx, tx, s.Officer, service, incident.Report{Kind: incident.Leaked, Items: []string{"nickname"}, NoticedAt: tx.Now(), Words: pii.New("名单")})
				if err == nil {
					_, _, err = incident.Triage(ctx, tx, s.Ring, s.Officer, service, c.ID, of.grade, 3, pii.New("看过日志"))
				}
				if *of.name = c.ID; err != nil {
					return err
				}
			}
			return nil
		})
		for n, kind := range []authority.Kind{authority.First, authority.Wrap, authority.More} {
			s.Do(func(ctx context.Context, tx *db.Tx) error {
				says := words
				if kind != authority.Wrap {
					says = first
				}
				r, _, err := authority.Draft(ctx, tx, s.Ring, s.Desk.Charters, writes, service, grave, kind, says)
				if err == nil && n < 2 {
					_, _, err = authority.Send(ctx, tx, s.Ring, writes, service, grave, r.Number, "hotline", tx.Now())
				}
				for range max(0, 2-2*n) {
					if err == nil {
						_, _, err = authority.Answer(ctx, tx, s.Ring, writes, service, grave, r.Number, "2026-0001", []byte("%PDF-1.7"))
					}
				}
				return err
			})
		}
		s.Do(func(ctx context.Context, tx *db.Tx) error {
			r, _, err := authority.Draft(ctx, tx, s.Ring, s.Desk.Charters, writes, service, minor, authority.None, authority.Words{Reason: "没有涉及任何孩子"})
			if err == nil {
				_, _, err = authority.Confirm(ctx, tx, s.Ring, judges, service, minor, r.Number)
			}
			return err
		})
		ok(t, s.flush())
		s.replays(t)
		for _, c := range authorityChanges {
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
		now := s.Store.Now().UnixMicro()
		for name, f := range map[string]struct {
			kind, actor string
			body        any
			found       string
		}{
			"an app reports":                   {authority.KindDrafted, s.App.Ledger(), authority.DraftedBody{Case: grave, Number: 4, Kind: authority.More, Mark: "x"}, "impossible actor"},
			"a report without mark":            {authority.KindDrafted, officer.Ledger(), authority.DraftedBody{Case: grave, Number: 4, Kind: authority.More}, "body report"},
			"a first report after the first":   {authority.KindDrafted, officer.Ledger(), authority.DraftedBody{Case: grave, Number: 4, Kind: authority.First, Mark: "x"}, "impossible report"},
			"a version is left out":            {authority.KindDrafted, officer.Ledger(), authority.DraftedBody{Case: grave, Number: 5, Kind: authority.More, Mark: "x"}, "impossible report"},
			"a report about nothing":           {authority.KindDrafted, officer.Ledger(), authority.DraftedBody{Case: "in_nothing", Number: 1, Kind: authority.First, Mark: "x"}, "impossible report"},
			"it is sent twice":                 {authority.KindSent, officer.Ledger(), authority.SentBody{Case: grave, Number: 1, Channel: "fax", Sent: now}, "impossible report"},
			"it is sent by no way":             {authority.KindSent, officer.Ledger(), authority.SentBody{Case: grave, Number: 3, Channel: "pigeon", Sent: now}, "impossible report"},
			"it is sent before it was noticed": {authority.KindSent, officer.Ledger(), authority.SentBody{Case: grave, Number: 3, Channel: "fax", Sent: 1}, "impossible report"},
			"an answer to what wasn't sent":    {authority.KindAnswered, officer.Ledger(), authority.AnsweredBody{Case: grave, Number: 3, Receipt: 1, Mark: "x"}, "impossible report"},
			"a report is confirmed away":       {authority.KindConfirmed, deputy.Ledger(), authority.ConfirmedBody{Case: grave, Number: 3, Pair: approval.Pair{Person: 1, Asker: 1}}, "impossible report"},
			"the authority was told by hand": {incident.KindNoted, s.Officer.Ledger(), incident.NotedBody{Case: minor, Note: 3, Mark: "x", Step: incident.StepReport,
				Due: s.Store.Now().Add(time.Hour).UnixMicro()}, "impossible incident"},
		} {
			forgery(t, name, s.once(t, func() {
				s.do(func(ctx context.Context, tx *db.Tx) error {
					_, err := ledger.Append(ctx, tx, ledger.Entry{Kind: f.kind, Service: service, Actor: f.actor, Body: f.body})
					return err
				})
			}), f.found)
		}
		s.replays(t)
	})
}
