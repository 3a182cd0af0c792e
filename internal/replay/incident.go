package replay

import (
	"maps"
	"slices"
	"strings"

	"wardkeep/internal/base/id"
	"wardkeep/internal/incident"
	"wardkeep/internal/ledger"
	"wardkeep/internal/party"
	"wardkeep/internal/staff"
)

// ofIncidents are the kinds about what was leaked, changed or lost.
var ofIncidents = []string{incident.KindOpened, incident.KindNoted, incident.KindGraded, incident.KindClosed, incident.KindRead}

// A mishap is what the ledger says of a case, with the marks of what was written about it.
type mishap struct {
	service, source, role, party, reporter, kind, items string
	suspected                                           bool
	children, began, noticed, opened                    int64
	grade, gradedBy, outcome, closedBy                  string
	triaged, due, closed                                int64
	notes                                               []written
	steps                                               []string
	seen                                                int64 // how many of them were compared
}

// A written is what the ledger says of a text.
type written struct {
	by, mark, step string
	at             int64
}

// incidentEntry folds that a case was opened, what was written, how grave it is and how it
// ended: in this order, and after the end nothing but what is written.
func (f *fold) incidentEntry(p ledger.Placed, s source) fault {
	switch p.Kind {
	case incident.KindOpened:
		return f.mishapped(p, s)
	case incident.KindNoted:
		return f.mishapNoted(p, s)
	case incident.KindRead:
		b, x := body[incident.ReadBody](p)
		c := f.mishaps[b.Case]
		switch {
		case x != (fault{}):
			return x
		case c == nil || c.service != p.Service || b.Notes != int64(len(c.notes)):
			return impossible(ruleIncident)
		case !byStaff(p):
			return impossible(ruleActor)
		}
		return f.actedInside(p, s, b.Inside, staff.WriteIncidents)
	}
	var b struct {
		incident.GradedBody
		Outcome incident.Outcome `json:"outcome"`
	}
	if p.Into(&b) != nil {
		return fault{what: FoundBody, field: p.Kind}
	}
	c, at := f.mishaps[b.Case], p.At.UnixMicro()
	switch {
	case c == nil || c.service != p.Service || b.Note != int64(len(c.notes)) || b.Mark == "":
		return impossible(ruleIncident)
	case !inOffice(p):
		return impossible(ruleActor)
	}
	by, step := f.names.keep(p.Actor), incident.StepClosed
	switch p.Kind {
	case incident.KindGraded:
		step = incident.StepGraded
		switch {
		case c.closed != 0 || !slices.Contains(incident.Grades, b.Grade) || b.Due <= c.opened || b.Children < 0,
			b.Children == 0 && c.children != 0,
			b.Grade == incident.Minor && (max(b.Children, c.children) >= incident.Larger || c.reportable() && c.gradedBy == p.Actor):
			return impossible(ruleIncident)
		}
		if c.triaged == 0 {
			c.triaged = at
		}
		c.grade, c.gradedBy, c.children, c.due = f.names.keep(string(b.Grade)), by, b.Children, b.Due
	case incident.KindClosed:
		switch {
		case c.closed != 0 || c.grade == "" || !slices.Contains(incident.Outcomes, b.Outcome),
			b.Outcome == incident.Remedied && c.reportable(),
			b.Outcome == incident.Unfounded && c.reportable() && c.gradedBy == p.Actor,
			len(c.so().Missing(b.Outcome)) > 0:
			return impossible(ruleIncident)
		}
		c.outcome, c.closedBy, c.closed = f.names.keep(string(b.Outcome)), by, at
	}
	c.notes = append(c.notes, written{by, b.Mark, f.names.keep(string(step)), at})
	return fault{}
}

// mishapNoted folds what was written: by who has reported it, or by the staff, as what was done
// or decided against.
func (f *fold) mishapNoted(p ledger.Placed, s source) fault {
	b, x := body[incident.NotedBody](p)
	c, at := f.mishaps[b.Case], p.At.UnixMicro()
	switch {
	case x != (fault{}):
		return x
	case c == nil || c.service != p.Service || b.Note != int64(len(c.notes)) || b.Mark == "", (b.Step != "") != (b.Due != 0),
		b.Step != "" && (c.closed != 0 || b.Due <= c.opened || !slices.Contains(incident.Steps, b.Step)),
		b.Step == incident.StepUnreported && incident.Grade(c.grade) != incident.Minor:
		return impossible(ruleIncident)
	// Who has reported it may add what it has found since.
	case byStaff(p), b.Step == "" && c.party != "" && f.speaks(p, s, party.ID{Service: c.service, Role: party.Role(c.role), Name: c.party}):
	default:
		return impossible(ruleActor)
	}
	if b.Step.Decides() && !inOffice(p) {
		return impossible(ruleActor)
	}
	step := f.names.keep(string(b.Step))
	if step != "" {
		if c.due = b.Due; !slices.Contains(c.steps, step) {
			c.steps = append(c.steps, step)
		}
	}
	c.notes = append(c.notes, written{f.names.keep(p.Actor), b.Mark, step, at})
	return f.actedInside(p, s, b.Inside, staff.WriteIncidents)
}

// so is what of a case its end rests on.
func (c *mishap) so() (is incident.Case) {
	is.Grade = incident.Grade(c.grade)
	for _, step := range c.steps {
		is.Steps = append(is.Steps, incident.Step(step))
	}
	return is
}

func (c *mishap) reportable() bool { return c.grade != "" && incident.Grade(c.grade).Reportable() }

func (f *fold) mishapped(p ledger.Placed, s source) fault {
	b, x := body[incident.OpenedBody](p)
	n, at := f.names, p.At.UnixMicro()
	switch {
	case x != (fault{}):
		return x
	case !id.Is(id.Incident, b.Case) || b.Mark == "":
		return fault{what: FoundBody, field: ruleIncident}
	case f.mishaps[b.Case] != nil || b.Due <= at || b.Noticed <= 0 || b.Noticed > at || b.Began > b.Noticed || b.Children < 0, !slices.Contains(incident.Kinds, b.Kind):
		return impossible(ruleIncident)
	}
	switch b.Source {
	case incident.Staff:
		if !byStaff(p) || b.Role != "" || b.Party != "" {
			return impossible(ruleActor)
		}
	case incident.Party:
		// Article 16(3): a party reports for itself.
		of := party.ID{Service: n.keep(p.Service), Role: party.Role(n.keep(string(b.Role))), Name: n.keep(b.Party)}
		if of.Role == "" || !f.speaks(p, s, of) {
			return impossible(ruleActor)
		}
	default:
		return impossible(ruleIncident)
	}
	by := n.keep(p.Actor)
	f.mishaps[n.keep(b.Case)] = &mishap{service: n.keep(p.Service), source: n.keep(string(b.Source)), role: n.keep(string(b.Role)), party: n.keep(b.Party),
		reporter: by, kind: n.keep(string(b.Kind)), suspected: b.Suspected, items: n.keep(strings.Join(b.Items, " ")), children: b.Children,
		began: b.Began, noticed: b.Noticed, opened: at, due: b.Due, notes: []written{{by, b.Mark, n.keep(string(incident.StepOpened)), at}}}
	return f.actedInside(p, s, b.Inside, staff.OpenIncidents)
}

// incidentRows compares the cases.
func (a *audit) incidentRows() error {
	seen := make(map[string]bool)
	err := incident.All(a.ctx, a.tx, func(row incident.Case) error {
		r := at{audit: a, table: "incident", service: a.names.shown(row.Service), row: a.names.shown(row.ID)}
		c := a.fold.mishaps[row.ID]
		if c == nil {
			r.extra()
			return nil
		}
		seen[row.ID] = true
		r.text("service", c.service, row.Service)
		r.text("source", c.source, string(row.Source))
		r.text("role", c.role, string(row.Party.Role))
		r.text("party", c.party, row.Party.Name)
		r.text("reporter", c.reporter, row.Reporter)
		r.text("kind", c.kind, string(row.Kind))
		r.flag("suspected", c.suspected, row.Suspected)
		r.text("items", c.items, strings.Join(row.Items, " "))
		r.number("children", c.children, row.Children)
		r.time("began_at", c.began, micros(row.BeganAt))
		r.time("noticed_at", c.noticed, micros(row.NoticedAt))
		r.time("opened_at", c.opened, micros(row.OpenedAt))
		r.text("grade", c.grade, string(row.Grade))
		r.text("graded_by", c.gradedBy, row.GradedBy)
		r.time("triaged_at", c.triaged, micros(row.TriagedAt))
		r.time("due_at", c.due, micros(row.DueAt))
		r.text("outcome", c.outcome, string(row.Outcome))
		r.text("closed_by", c.closedBy, row.ClosedBy)
		r.time("closed_at", c.closed, micros(row.ClosedAt))
		r.number("notes", int64(len(c.notes)), row.Notes)
		r.text("steps", strings.Join(c.steps, " "), row.Written())
		return a.ctx.Err()
	})
	for _, name := range slices.Sorted(maps.Keys(a.fold.mishaps)) {
		if !seen[name] && err == nil {
			at{audit: a, table: "incident", service: a.fold.mishaps[name].service, row: name}.missing()
		}
	}
	return err
}

// incidentNoteRows compares what was written about the cases with its marks.
func (a *audit) incidentNoteRows() error {
	err := incident.AllNotes(a.ctx, a.tx, func(row incident.Note) error {
		r := at{audit: a, table: "incident_note", row: a.names.shown(row.Case) + " " + number(row.Number)}
		c := a.fold.mishaps[row.Case]
		if c == nil || row.Number < 0 || row.Number >= int64(len(c.notes)) {
			r.extra()
			return nil
		}
		n := c.notes[row.Number]
		c.seen++
		r.service = c.service
		r.text("written_by", n.by, row.By)
		r.time("written_at", n.at, micros(row.At))
		r.text("step", n.step, string(row.Step))
		r.sealed(a, n.mark, row.Mark)
		return a.ctx.Err()
	})
	for _, name := range slices.Sorted(maps.Keys(a.fold.mishaps)) {
		if c := a.fold.mishaps[name]; err == nil && c.seen != int64(len(c.notes)) {
			at{audit: a, table: "incident_note", service: c.service, row: name}.missing()
		}
	}
	return err
}
