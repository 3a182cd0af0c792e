package replay_test

import (
	"context"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/base/workday"
	"wardkeep/internal/complaint"
	"wardkeep/internal/vault/vaulttest"
)

// complaintChanges are changes by hand of what was reported to the desk, and what must be found.
var complaintChanges = []tampering{
	{name: "a report never was", query: `DELETE FROM complaint WHERE outcome <> ''`, found: "row_missing complaint "},
	{name: "a report has another name", query: `UPDATE complaint SET id = '王小明' WHERE outcome <> ''`, found: "row_extra complaint "},
	{name: "a report is another service's", query: `UPDATE complaint SET service = '王小明'`, found: "row_differs complaint service"},
	{name: "a report is about more", query: `UPDATE complaint SET whole = NOT whole`, found: "row_differs complaint whole"},
	{name: "a report is about something else", query: `UPDATE complaint SET kind = 'other'`, found: "row_differs complaint kind"},
	{name: "a report came later", query: `UPDATE complaint SET received_at = received_at + 1`, found: "row_differs complaint received_at"},
	{name: "a report was acknowledged", query: `UPDATE complaint SET acknowledged_at = 1`, found: "row_differs complaint acknowledged_at"},
	{name: "a report may wait longer", query: `UPDATE complaint SET due_at = due_at + 1`, found: "row_differs complaint due_at"},
	{name: "the office is reminded of a report once more", query: `UPDATE complaint SET remind_at = 1`, found: "row_differs complaint remind_at"},
	{name: "a report was unfounded", query: `UPDATE complaint SET outcome = 'unfounded' WHERE outcome <> ''`, found: "row_differs complaint outcome"},
	{name: "a report is closed", query: `UPDATE complaint SET closed_at = 1 WHERE closed_at IS NULL`, found: "row_differs complaint closed_at"},
	{name: "a report was never opened once more", query: `UPDATE complaint SET reopened_at = NULL`, found: "row_differs complaint reopened_at"},
	{name: "a report is kept longer", query: `UPDATE complaint SET erase_at = erase_at + 1`, found: "row_differs complaint erase_at"},
	{name: "a report was handed to nobody", query: `UPDATE complaint SET linked = ''`, found: "row_differs complaint linked"},
	{name: "a report has fewer texts", query: `UPDATE complaint SET notes = 1`, found: "row_differs complaint notes"},
	{name: "a report has fewer attachments", query: `UPDATE complaint SET files = 0`, found: "row_differs complaint files"},
	{name: "a report opens to another", query: `UPDATE complaint SET secret = challenge`, found: "row_sealed complaint secret, challenge"},
	{name: "a report was sent with another form", query: `UPDATE complaint SET challenge = secret`, found: "row_sealed complaint secret, challenge"},
	{name: "a text of a report never was", query: `DELETE FROM complaint_note WHERE number = 1`, found: "row_missing complaint_note "},
	{name: "a text is of another report", query: `UPDATE complaint_note SET complaint = '王小明' WHERE number = 1`, found: "row_extra complaint_note "},
	{name: "a text of a report is another", query: `UPDATE complaint_note SET number = 7 WHERE number = 1`, found: "row_extra complaint_note "},
	{name: "a text of a report is later", query: `UPDATE complaint_note SET written_at = written_at + 1`, found: "row_differs complaint_note written_at"},
	{name: "a text of a report is somebody else's", query: `UPDATE complaint_note SET written_by = '王小明'`, found: "row_differs complaint_note written_by"},
	{name: "a text of a report says something else", query: `UPDATE complaint_note SET sealed = salt WHERE number = 0`, found: "row_sealed complaint_note sealed, salt"},
	{name: "a text of a report has another salt", query: `UPDATE complaint_note SET salt = sealed WHERE number = 0`, found: "row_sealed complaint_note sealed, salt"},
	{name: "an attachment never was", query: `DELETE FROM complaint_file`, found: "row_missing complaint_file "},
	{name: "an attachment is of another report", query: `UPDATE complaint_file SET complaint = '王小明' WHERE complaint = (SELECT max(complaint) FROM complaint_file)`, found: "row_extra complaint_file "},
	{name: "an attachment is another", query: `UPDATE complaint_file SET number = 7`, found: "row_extra complaint_file "},
	{name: "an attachment came with another text", query: `UPDATE complaint_file SET note = 1`, found: "row_differs complaint_file note"},
	{name: "an attachment came later", query: `UPDATE complaint_file SET added_at = added_at + 1`, found: "row_differs complaint_file added_at"},
	{name: "an attachment is of another kind", query: `UPDATE complaint_file SET kind = 'image/png'`, found: "row_sealed complaint_file sealed, salt"},
	{name: "an attachment is larger", query: `UPDATE complaint_file SET size = size + 1`, found: "row_sealed complaint_file sealed, salt"},
	{name: "an attachment shows something else", query: `UPDATE complaint_file SET sealed = salt`, found: "row_sealed complaint_file sealed, salt"},
	{name: "an attachment has another salt", query: `UPDATE complaint_file SET salt = sealed`, found: "row_sealed complaint_file sealed, salt"},
}

// Article 24: what was reported, answered, opened once more and erased replays; what somebody
// changes of it by hand, or writes into the ledger that can't have been, is found.
func TestInvariant7_WhatWasReportedReplays(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		s := &scene{story: begin(t, w)}
		desk := complaint.Desk{Ring: s.Ring, Calendar: workday.Default()}
		report := func() (c complaint.Complaint, secret string) {
			s.Do(func(ctx context.Context, tx *db.Tx) (err error) {
				p, err := complaint.NewPuzzle(ctx, tx, s.Ring)
				if err != nil {
					return err
				}
				c, secret, err = desk.Receive(ctx, tx, p.Solve(), complaint.Report{Service: service, Kind: complaint.Collects, Words: pii.New("孩子没有同意就被录音"),
					Contact: pii.New("13800000000"), Files: []pii.Text{pii.New("%PDF-1.7 录音说明")}})
				return err
			})
			return c, secret
		}
		old, _ := report()
		gone, secret := report()
		s.Do(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := desk.Show(ctx, tx, s.Officer, service, gone.ID)
			if err == nil {
				_, err = desk.Acknowledge(ctx, tx, s.Officer, service, gone.ID)
			}
			if err == nil {
				_, err = desk.Answer(ctx, tx, s.Officer, service, gone.ID, complaint.Founded, pii.New("已改正"))
			}
			if err == nil {
				_, err = desk.Reopen(ctx, tx, gone.Number(), secret, pii.New("没有改正"))
			}
			return err
		})
		s.Pass(complaint.Kept) // and nothing of them is left
		ok(t, s.sweep())
		ok(t, s.flush())
		s.replays(t)

		first, secret := report()
		second, _ := report()
		s.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := desk.Dismiss(ctx, tx, s.Officer, service, first.ID, complaint.Repeated)
			if err == nil {
				_, err = desk.Reopen(ctx, tx, first.Number(), secret, pii.New("不是重复的"))
			}
			if err == nil {
				_, err = desk.Link(ctx, tx, s.Officer, service, first.ID, id.New(id.Incident))
			}
			if err == nil {
				_, _, err = desk.Fetch(ctx, tx, s.Officer, service, first.ID, 0)
			}
			if err == nil {
				_, err = desk.Answer(ctx, tx, s.Officer, service, first.ID, complaint.Partly, pii.New("部分属实"))
			}
			return err
		})
		s.Pass(48 * time.Hour * 5) // of the second the office is reminded
		ok(t, s.sweep())
		ok(t, s.flush())
		s.replays(t)
		s.tampered(t, complaintChanges)
		by, officer := complaint.ReporterOf(second.ID), s.Officer.Ledger()
		next := complaint.Written{Note: 1, Mark: "x"}
		for name, c := range map[string]struct {
			found, actor, kind string
			body               any
		}{
			"a report that an app makes": {"impossible actor", s.App.Ledger(), complaint.KindReceived,
				complaint.ReceivedBody{Complaint: id.New(id.Complaint), Kind: complaint.Other, Due: 1 << 60, Opens: "x"}},
			"a report that nobody made":               {"impossible complaint", officer, complaint.KindLinked, complaint.LinkedBody{Complaint: id.New(id.Complaint), Case: "in_x"}},
			"a report that is over":                   {"impossible complaint", officer, complaint.KindRead, complaint.ReadBody{Complaint: old.ID}},
			"a report that another adds to":           {"impossible actor", complaint.ReporterOf(first.ID), complaint.KindAdded, complaint.AddedBody{Complaint: second.ID, Written: next}},
			"a report that its reporter answers":      {"impossible actor", by, complaint.KindAnswered, complaint.AnsweredBody{Complaint: second.ID, Outcome: complaint.Founded, Written: next}},
			"a report that is opened while it is":     {"impossible complaint", by, complaint.KindReopened, complaint.AddedBody{Complaint: second.ID, Due: 1 << 60, Written: next}},
			"a report that is opened twice":           {"impossible complaint", complaint.ReporterOf(first.ID), complaint.KindReopened, complaint.AddedBody{Complaint: first.ID, Due: 1 << 60, Written: complaint.Written{Note: 3, Mark: "x"}}},
			"an attachment that there isn't":          {"impossible complaint", officer, complaint.KindRead, complaint.ReadBody{Complaint: second.ID, File: 2}},
			"a report that is erased before its time": {"impossible complaint", "system:retention", complaint.KindErased, complaint.ErasedBody{Complaint: second.ID}},
			"a report that the office erases":         {"impossible actor", officer, complaint.KindErased, complaint.ErasedBody{Complaint: second.ID}},
			"an answer that says nothing":             {"impossible complaint", officer, complaint.KindAnswered, complaint.AnsweredBody{Complaint: second.ID, Outcome: complaint.Repeated, Written: next}},
			"a report read by whom nothing lets":      {"actor actor", "staff:" + id.New(id.Staff), complaint.KindRead, complaint.ReadBody{Complaint: second.ID}},
		} {
			forgery(t, name, s.once(t, func() { s.forgeAs(c.actor, c.kind, c.body) }), c.found)
		}
	})
}
