package replay

import (
	"maps"
	"slices"
	"strings"
	"time"

	approvals "wardkeep/internal/approval"
	"wardkeep/internal/base/id"
	"wardkeep/internal/ledger"
	"wardkeep/internal/rectification"
	"wardkeep/internal/staff"
)

// ofRectifications are the kinds about what an authority demands, and what has to be put right.
var ofRectifications = []string{rectification.KindRecorded, rectification.KindHanded, rectification.KindPostponed, rectification.KindAppealed,
	rectification.KindProved, rectification.KindConfirmed, rectification.KindReopened, rectification.KindReminded, rectification.KindRead}

// A matter is what the ledger says of one, with the marks of what was written about it.
type matter struct {
	rectification.Matter
	remind int64 // µs; 0 once it is closed
	parts  []*matter
	notes  []written
	seen   int64 // how many of them were compared
}

func (m *matter) of() string { return m.Service }

// rectificationEntry folds that a matter was recorded, handed over, moved, proved and confirmed:
// by the one and then by another, and nothing without its text.
func (f *fold) rectificationEntry(p ledger.Placed, s source) fault {
	if p.Kind == rectification.KindRecorded {
		return f.recordedMatter(p, s)
	}
	var b struct {
		rectification.MovedBody
		Owner string             `json:"owner"`
		Asker int64              `json:"asker"` // the version of who has proved what is confirmed
		Notes int64              `json:"notes"`
		Paper int64              `json:"document"`
		What  rectification.What `json:"what"`
		Times int64              `json:"times"`
	}
	if p.Into(&b) != nil {
		return fault{what: FoundBody, field: p.Kind}
	}
	m, at := f.matters[b.Matter], p.At
	if m == nil || m.Service != p.Service {
		return impossible(ruleRectification)
	}
	if p.Kind == rectification.KindReminded {
		switch {
		case !strings.HasPrefix(p.Actor, "system:"):
			return impossible(ruleActor)
		case m.remind == 0 || at.UnixMicro() < m.remind || b.Times != m.Reminded+1 || b.What != m.What || b.Due != m.DueAt.UnixMicro():
			return impossible(ruleRectification)
		}
		m.Reminded, m.remind = b.Times, rectification.NextReminder(m.DueAt, at).UnixMicro()
		return fault{}
	}
	by, does := f.names.keep(staffOf(p)), staff.ManageRectifications
	if _, inside := insider(p); !inside {
		return impossible(ruleActor)
	}
	switch p.Kind {
	case rectification.KindHanded:
		if m.State() != rectification.Open || !id.Is(id.Staff, b.Owner) {
			return impossible(ruleRectification)
		}
		m.Owner = f.names.keep(b.Owner)
		return f.actedInside(p, s, b.Inside, does)
	case rectification.KindConfirmed:
		switch {
		case m.State() != rectification.Proved || m.What == rectification.Summons && m.partsOpen():
			return impossible(ruleRectification)
		case by == m.Owner || by == m.DoneBy:
			return impossible(ruleActor)
		}
		m.ClosedAt, m.ClosedBy, m.remind = at, by, 0
		return f.confirmedByAnother(p, s, b.Inside, staff.ManageRectifications, m.DoneBy, b.Asker, staff.ProveRectifications)
	case rectification.KindRead:
		if b.Notes != int64(len(m.notes)) || b.Paper < 0 || b.Paper >= b.Notes {
			return impossible(ruleRectification)
		}
		return f.actedInside(p, s, b.Inside, staff.SeeRectifications)
	}
	if b.Mark == "" || b.Note != int64(len(m.notes)) {
		return fault{what: FoundBody, field: ruleRectification}
	}
	due := time.UnixMicro(b.Due)
	switch p.Kind {
	case rectification.KindPostponed:
		if m.State() != rectification.Open || !due.After(at) || !due.After(m.DueAt) {
			return impossible(ruleRectification)
		}
		m.Postponed++
	case rectification.KindReopened:
		if whole := f.matters[m.PartOf]; m.State() == rectification.Open || !due.After(at) || m.What == rectification.Item && whole != nil && whole.State() != rectification.Open {
			return impossible(ruleRectification)
		}
		m.DoneAt, m.DoneBy, m.ClosedAt, m.ClosedBy = time.Time{}, "", time.Time{}, ""
		m.Reopened++
	case rectification.KindAppealed:
		if m.What != rectification.Sanction || m.Appealed || m.State() != rectification.Open {
			return impossible(ruleRectification)
		}
		m.Appealed, due = true, m.DueAt
	case rectification.KindProved:
		switch does = staff.ProveRectifications; {
		case m.State() != rectification.Open || m.What == rectification.Summons && m.partsOpen():
			return impossible(ruleRectification)
		case by != m.Owner:
			return impossible(ruleActor)
		}
		m.DoneAt, m.DoneBy, due = at, by, m.DueAt
	}
	if !due.Equal(m.DueAt) || p.Kind == rectification.KindReopened {
		m.DueAt, m.remind = due, rectification.NextReminder(due, at).UnixMicro()
	}
	m.notes = append(m.notes, written{by: f.names.keep(p.Actor), mark: b.Mark, at: at.UnixMicro()})
	return f.actedInside(p, s, b.Inside, does)
}

// confirmedByAnother claims what approval.Another has looked at.
func (f *fold) confirmedByAnother(p ledger.Placed, s source, on approvals.Inside, confirms staff.Action, who string, version int64, did staff.Action) fault {
	by, _ := insider(p)
	other, ok := keyOf(id.Staff, who)
	if !ok {
		return impossible(ruleActor)
	}
	f.inside.claims = append(f.inside.claims, &insideClaim{source: s, person: by, version: on.Person, at: p.At.UnixMicro(), catalog: on.Catalog, action: confirms,
		parties: []partyThen{{other, version, did}, {by, on.Person, confirms}}})
	return fault{}
}

// partsOpen reports whether something that belongs to it isn't confirmed.
func (m *matter) partsOpen() bool {
	return slices.ContainsFunc(m.parts, func(p *matter) bool { return p.Open() })
}

func (f *fold) recordedMatter(p ledger.Placed, s source) fault {
	b, x := body[rectification.RecordedBody](p)
	n := f.names
	m := &matter{Matter: rectification.Matter{ID: n.keep(b.Matter), Service: n.keep(p.Service), What: rectification.What(n.keep(string(b.What))), PartOf: n.keep(b.PartOf),
		Source: rectification.Source(n.keep(string(b.Source))), Sort: rectification.Sort(n.keep(string(b.Sort))), Amount: b.Amount, Appealed: b.Appealed,
		Owner: n.keep(b.Owner), Dated: n.keep(b.Dated), OpenedAt: p.At, OpenedBy: n.keep(staffOf(p)), DueAt: time.UnixMicro(b.Due)}}
	_, inside := insider(p)
	switch {
	case x != (fault{}):
		return x
	case !id.Is(id.Rectification, b.Matter) || b.Mark == "" || !id.Is(id.Staff, b.Owner):
		return fault{what: FoundBody, field: ruleRectification}
	case !inside:
		return impossible(ruleActor)
	case f.matters[b.Matter] != nil || !m.Known() || m.What == rectification.Item && !m.DueAt.After(p.At):
		return impossible(ruleRectification)
	}
	if m.Dated != "" {
		if day, ok := rectification.DayOf(m.Dated); !ok || day.After(p.At) || !m.DueAt.After(day) {
			return impossible(ruleRectification)
		}
	}
	if m.PartOf != "" {
		whole, want := f.matters[m.PartOf], rectification.Sanction
		if m.What == rectification.Item {
			want = rectification.Summons
		}
		if whole == nil || whole.Service != m.Service || whole.What != want || want == rectification.Summons && whole.State() != rectification.Open {
			return impossible(ruleRectification)
		}
		whole.parts = append(whole.parts, m)
	}
	m.remind = rectification.NextReminder(m.DueAt, p.At).UnixMicro()
	m.notes = []written{{by: n.keep(p.Actor), mark: b.Mark, at: p.At.UnixMicro()}}
	f.matters[m.ID] = m
	return f.actedInside(p, s, b.Inside, staff.ManageRectifications)
}

// rectificationRows compares the matters.
func (a *audit) rectificationRows() error {
	return compareCases(a, "rectification", a.fold.matters, rectification.All, func(row rectification.Matter) (string, string, bool) {
		return row.ID, row.Service, true
	},
		func(r at, m *matter, row rectification.Matter) {
			r.text("service", m.Service, row.Service)
			r.text("what", string(m.What), string(row.What))
			r.text("part_of", m.PartOf, row.PartOf)
			r.text("source", string(m.Source), string(row.Source))
			r.text("sort", string(m.Sort), string(row.Sort))
			r.number("amount", m.Amount, row.Amount)
			r.flag("appealed", m.Appealed, row.Appealed)
			r.text("owner", m.Owner, row.Owner)
			r.text("dated", m.Dated, row.Dated)
			r.time("opened_at", micros(m.OpenedAt), micros(row.OpenedAt))
			r.text("opened_by", m.OpenedBy, row.OpenedBy)
			r.time("due_at", micros(m.DueAt), micros(row.DueAt))
			r.time("done_at", micros(m.DoneAt), micros(row.DoneAt))
			r.text("done_by", m.DoneBy, row.DoneBy)
			r.time("closed_at", micros(m.ClosedAt), micros(row.ClosedAt))
			r.text("closed_by", m.ClosedBy, row.ClosedBy)
			r.number("postponed", m.Postponed, row.Postponed)
			r.number("reopened", m.Reopened, row.Reopened)
			r.number("reminded", m.Reminded, row.Reminded)
			r.time("remind_at", m.remind, micros(row.RemindAt))
			r.number("notes", int64(len(m.notes)), row.Notes)
		})
}

// rectificationNoteRows compares what was written about the matters, and the documents, with
// their marks.
func (a *audit) rectificationNoteRows() error {
	err := rectification.AllNotes(a.ctx, a.tx, func(row rectification.Note) error {
		r := at{audit: a, table: "rectification_note", row: a.names.shown(row.Matter) + " " + number(row.Number)}
		m := a.fold.matters[row.Matter]
		if m == nil || row.Number < 0 || row.Number >= int64(len(m.notes)) {
			r.extra()
			return nil
		}
		n := m.notes[row.Number]
		m.seen++
		r.service = m.Service
		r.text("written_by", n.by, row.By)
		r.time("written_at", n.at, micros(row.At))
		if a.ring != nil && !row.Intact(a.ring, n.mark) {
			r.found(FoundSealed, "file, hash, sealed, salt, document", "–", "–")
		}
		return a.ctx.Err()
	})
	for _, name := range slices.Sorted(maps.Keys(a.fold.matters)) {
		if m := a.fold.matters[name]; err == nil && m.seen != int64(len(m.notes)) {
			at{audit: a, table: "rectification_note", service: m.Service, row: name}.missing()
		}
	}
	return err
}
