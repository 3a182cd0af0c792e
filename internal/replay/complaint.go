package replay

import (
	"maps"
	"slices"

	"wardkeep/internal/base/id"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/complaint"
	"wardkeep/internal/ledger"
	"wardkeep/internal/staff"
)

// ofComplaints are the kinds about what anybody has reported.
var ofComplaints = []string{complaint.KindReceived, complaint.KindAdded, complaint.KindReopened, complaint.KindRead, complaint.KindAcknowledged, complaint.KindAnswered,
	complaint.KindDismissed, complaint.KindLinked, complaint.KindReminded, complaint.KindErased}

// A complained is what the ledger says of a report, with the marks of its texts and
// attachments.
type complained struct {
	service, kind, outcome, linked, opens                         string
	whole                                                         bool
	received, acknowledged, due, remind, closed, reopened, erased int64 // erased: when it is to be
	notes                                                         []written
	files                                                         []attachment
	seenNotes, seenFiles                                          int64 // how many of them were compared
}

// An attachment is what the ledger says of a file.
type attachment struct {
	mark     string
	note, at int64
}

// complaintEntry folds what was reported, what its reporter has added, and what the office has
// done about it: nobody but the office answers, nobody but the reporter reopens, once, and only
// its time erases it.
func (f *fold) complaintEntry(p ledger.Placed, s source) fault {
	if p.Kind == complaint.KindReceived {
		return f.complainedOf(p)
	}
	var b struct {
		complaint.AnsweredBody
		Case  string `json:"case"`
		File  int64  `json:"file"`
		Due   int64  `json:"due"`
		Erase int64  `json:"erase"`
	}
	if p.Into(&b) != nil {
		return fault{what: FoundBody, field: p.Kind}
	}
	c, at := f.complaints[b.Complaint], p.At.UnixMicro()
	if c == nil || c.service != p.Service {
		return impossible(ruleComplaint)
	}
	switch p.Kind {
	case complaint.KindAdded, complaint.KindReopened:
		if p.Actor != complaint.ReporterOf(b.Complaint) {
			return impossible(ruleActor)
		}
	case complaint.KindReminded, complaint.KindErased:
		if p.Actor != sweeper {
			return impossible(ruleActor)
		}
	default:
		if !byStaff(p) {
			return impossible(ruleActor)
		}
	}
	open := c.closed == 0
	switch p.Kind {
	case complaint.KindAdded:
		if !open || !c.wrote(f, p, b.Written) {
			return impossible(ruleComplaint)
		}
	case complaint.KindReopened:
		if open || c.reopened != 0 || b.Due <= at || !c.wrote(f, p, b.Written) {
			return impossible(ruleComplaint)
		}
		c.outcome, c.closed, c.reopened = "", 0, at
		c.runs(b.Due)
	case complaint.KindRead:
		if b.File < 0 || b.File > int64(len(c.files)) {
			return impossible(ruleComplaint)
		}
	case complaint.KindAcknowledged:
		if !open || c.acknowledged != 0 || c.reopened != 0 || b.Due <= c.received {
			return impossible(ruleComplaint)
		}
		c.acknowledged = at
		c.runs(b.Due)
	case complaint.KindAnswered:
		if !open || !slices.Contains(complaint.Answers, b.Outcome) || !c.wrote(f, p, b.Written) {
			return impossible(ruleComplaint)
		}
		c.outcome, c.closed, c.remind = f.names.keep(string(b.Outcome)), at, 0
	case complaint.KindDismissed:
		if !open || !slices.Contains(complaint.Dismissals, b.Outcome) {
			return impossible(ruleComplaint)
		}
		c.outcome, c.closed, c.remind = f.names.keep(string(b.Outcome)), at, 0
	case complaint.KindLinked:
		if !open || b.Case == "" {
			return impossible(ruleComplaint)
		}
		c.linked = f.names.keep(b.Case)
	case complaint.KindReminded:
		if !open || c.remind == 0 || at < c.remind || b.Due != c.due {
			return impossible(ruleComplaint)
		}
		c.remind = 0
	case complaint.KindErased:
		if at < c.erased {
			return impossible(ruleComplaint)
		}
		delete(f.complaints, b.Complaint)
	}
	return f.actedInside(p, s, b.Inside, staff.HandleReports)
}

func (f *fold) complainedOf(p ledger.Placed) fault {
	b, x := body[complaint.ReceivedBody](p)
	at := p.At.UnixMicro()
	switch {
	case x != (fault{}):
		return x
	case !id.Is(id.Complaint, b.Complaint) || b.Opens == "":
		return fault{what: FoundBody, field: ruleComplaint}
	case p.Actor != complaint.ReporterOf(b.Complaint):
		return impossible(ruleActor)
	case f.complaints[b.Complaint] != nil || !slices.Contains(complaint.Kinds, b.Kind) || b.Due <= at || b.Erase != at+complaint.Kept.Microseconds():
		return impossible(ruleComplaint)
	}
	c := &complained{service: f.names.keep(p.Service), kind: f.names.keep(string(b.Kind)), opens: f.names.keep(b.Opens), whole: b.Whole, received: at, erased: b.Erase}
	c.runs(b.Due)
	if !c.wrote(f, p, b.Written) {
		return impossible(ruleComplaint)
	}
	f.complaints[f.names.keep(b.Complaint)] = c
	return fault{}
}

// runs begins a clock.
func (c *complained) runs(due int64) {
	c.due, c.remind = due, due-complaint.LastCall.Microseconds()
}

// wrote folds the next text with what came with it, and reports whether it is the next.
func (c *complained) wrote(f *fold, p ledger.Placed, w complaint.Written) bool {
	if w.Note != int64(len(c.notes)) || w.Mark == "" || len(w.Files) > complaint.MaxFiles {
		return false
	}
	c.notes = append(c.notes, written{by: f.names.keep(p.Actor), mark: w.Mark, at: p.At.UnixMicro()})
	for _, mark := range w.Files {
		c.files = append(c.files, attachment{mark, w.Note, p.At.UnixMicro()})
	}
	return true
}

// complaintRows compares the reports.
func (a *audit) complaintRows() error {
	seen := make(map[string]bool)
	err := complaint.All(a.ctx, a.tx, func(row complaint.Complaint) error {
		r := at{audit: a, table: "complaint", service: a.names.shown(row.Service), row: a.names.shown(row.ID)}
		c := a.fold.complaints[row.ID]
		if c == nil {
			r.extra()
			return nil
		}
		seen[row.ID] = true
		r.text("service", c.service, row.Service)
		r.flag("whole", c.whole, row.Whole)
		r.text("kind", c.kind, string(row.Kind))
		r.time("received_at", c.received, micros(row.ReceivedAt))
		r.time("acknowledged_at", c.acknowledged, micros(row.AcknowledgedAt))
		r.time("due_at", c.due, micros(row.DueAt))
		r.time("remind_at", c.remind, micros(row.RemindAt))
		r.text("outcome", c.outcome, string(row.Outcome))
		r.time("closed_at", c.closed, micros(row.ClosedAt))
		r.time("reopened_at", c.reopened, micros(row.ReopenedAt))
		r.time("erase_at", c.erased, micros(row.EraseAt))
		r.text("linked", c.linked, row.Linked)
		r.number("notes", int64(len(c.notes)), row.Notes)
		r.number("files", int64(len(c.files)), row.Files)
		if row.Opens() != c.opens {
			r.found(FoundSealed, "secret, challenge", "–", "–")
		}
		return a.ctx.Err()
	})
	for _, name := range slices.Sorted(maps.Keys(a.fold.complaints)) {
		if !seen[name] && err == nil {
			at{audit: a, table: "complaint", service: a.fold.complaints[name].service, row: name}.missing()
		}
	}
	return err
}

// complaintNoteRows compares what was written in the reports with its marks.
func (a *audit) complaintNoteRows() error {
	err := complaint.AllNotes(a.ctx, a.tx, func(row complaint.Note) error {
		r := at{audit: a, table: "complaint_note", row: a.names.shown(row.Complaint) + " " + number(row.Number)}
		c := a.fold.complaints[row.Complaint]
		if c == nil || row.Number < 0 || row.Number >= int64(len(c.notes)) {
			r.extra()
			return nil
		}
		n := c.notes[row.Number]
		c.seenNotes++
		r.service = c.service
		r.text("written_by", n.by, row.By)
		r.time("written_at", n.at, micros(row.At))
		r.sealed(a, n.mark, row.Mark)
		return a.ctx.Err()
	})
	if err == nil {
		a.lostOfComplaints("complaint_note", func(c *complained) bool { return c.seenNotes == int64(len(c.notes)) })
	}
	return err
}

// complaintFileRows compares what came with them.
func (a *audit) complaintFileRows() error {
	err := complaint.AllFiles(a.ctx, a.tx, func(row complaint.File) error {
		r := at{audit: a, table: "complaint_file", row: a.names.shown(row.Complaint) + " " + number(row.Number)}
		c := a.fold.complaints[row.Complaint]
		if c == nil || row.Number < 0 || row.Number >= int64(len(c.files)) {
			r.extra()
			return nil
		}
		file := c.files[row.Number]
		c.seenFiles++
		r.service = c.service
		r.number("note", file.note, row.Note)
		r.time("added_at", file.at, micros(row.At))
		r.sealed(a, file.mark, row.Mark)
		return a.ctx.Err()
	})
	if err == nil {
		a.lostOfComplaints("complaint_file", func(c *complained) bool { return c.seenFiles == int64(len(c.files)) })
	}
	return err
}

// lostOfComplaints names the reports of which the ledger knows more than a table.
func (a *audit) lostOfComplaints(table string, whole func(*complained) bool) {
	for _, name := range slices.Sorted(maps.Keys(a.fold.complaints)) {
		if c := a.fold.complaints[name]; !whole(c) {
			at{audit: a, table: table, service: c.service, row: name}.missing()
		}
	}
}

// sealed compares what is sealed with its mark, where there are keys to open it.
func (r at) sealed(a *audit, want string, mark func(*keyring.Ring) (string, error)) {
	if a.ring == nil {
		return
	}
	if got, err := mark(a.ring); err != nil || got != want {
		r.found(FoundSealed, "sealed, salt", "–", "–")
	}
}
