package replay

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"wardkeep/internal/account"
	approvals "wardkeep/internal/approval"
	"wardkeep/internal/base/id"
	"wardkeep/internal/incident"
	"wardkeep/internal/ledger"
	"wardkeep/internal/party"
	"wardkeep/internal/staff"
)

// ofIncidents are the kinds about what was leaked, changed or lost.
var ofIncidents = []string{incident.KindOpened, incident.KindNoted, incident.KindGraded, incident.KindClosed, incident.KindRead,
	incident.KindContained, incident.KindPlanned, incident.KindTicked}

// A mishap is what the ledger says of a case, with the marks of what was written about it.
type mishap struct {
	service, source, role, party, reporter, kind, items string
	suspected                                           bool
	children, began, noticed, opened                    int64
	grade, gradedBy, outcome, closedBy                  string
	triaged, due, closed                                int64
	notes                                               []written
	steps                                               []string
	cause, suspect                                      string
	drill                                               bool
	plan, reportIn                                      int64
	ticks                                               map[int64]ticked
	seen                                                int64 // how many of them were compared
	list                                                reachedList
	reports                                             []*reported // to the authority
}

// A written is what the ledger says of a text.
type written struct {
	by, mark, step, target string
	at                     int64
}

// A ticked is what the ledger says of a step of a plan that is done.
type ticked struct {
	by string
	at int64
}

// An alert is an alarm that opens a case.
type alert struct {
	service, suspect string
	cause            incident.Cause
}

// incidentEntry folds that a case was opened, what was written, how grave it is and how it
// ended: in this order, and after the end nothing but what is written.
func (f *fold) incidentEntry(p ledger.Placed, s source) fault {
	switch p.Kind {
	case incident.KindOpened:
		return f.mishapped(p, s)
	case incident.KindNoted:
		return f.mishapNoted(p, s)
	case incident.KindContained:
		return f.mishapContained(p)
	case incident.KindPlanned:
		return f.plannedFor(p, s)
	case incident.KindTicked:
		return f.mishapTicked(p, s)
	case incident.KindRead:
		b, x := body[incident.ReadBody](p)
		c := f.mishaps[b.Case]
		switch {
		case x != (fault{}):
			return x
		case c == nil || c.service != p.Service || b.Notes != int64(len(c.notes)) || b.Drill != c.drill || b.Suspect != c.suspect:
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
	case c == nil || c.service != p.Service || b.Note != int64(len(c.notes)) || b.Mark == "" || b.Drill != c.drill || b.Suspect != c.suspect:
		return impossible(ruleIncident)
	case !inOffice(p):
		return impossible(ruleActor)
	}
	before, less := c.gradedBy, c.reportable() && b.Grade == incident.Minor || b.Outcome == incident.Unfounded && c.so().Quiet()
	by, step := f.names.keep(p.Actor), incident.StepClosed
	switch p.Kind {
	case incident.KindGraded:
		step = incident.StepGraded
		switch {
		case c.closed != 0 || !slices.Contains(incident.Grades, b.Grade) || b.Due <= c.opened || b.Children < 0,
			b.Children == 0 && c.children != 0,
			b.Grade == incident.Minor && (b.Children >= incident.Larger || c.many()):
			return impossible(ruleIncident)
		}
		if c.triaged == 0 {
			c.triaged = at
		}
		c.grade, c.gradedBy, c.children, c.due = f.names.keep(string(b.Grade)), by, b.Children, b.Due
	case incident.KindClosed:
		switch {
		case c.closed != 0 || c.grade == "" || !slices.Contains(incident.Outcomes, b.Outcome),
			b.Outcome == incident.Remedied && (c.reportable() || c.many()),
			len(c.so().Missing(b.Outcome)) > 0:
			return impossible(ruleIncident)
		}
		c.outcome, c.closedBy, c.closed = f.names.keep(string(b.Outcome)), by, at
	}
	c.notes = append(c.notes, written{by: by, mark: b.Mark, step: f.names.keep(string(step)), at: at})
	if !less && b.Second == nil {
		return fault{}
	}
	if !less {
		return impossible(ruleIncident)
	}
	return f.bySecond(p, s, b.Second, before)
}

// bySecond judges that what somebody in office has said is taken back by another person: the
// terms differ, and where both have accounts, these aren't one person's (edge case 21).
func (f *fold) bySecond(p ledger.Placed, s source, two *incident.Second, said string) fault {
	if said == p.Actor {
		return impossible(ruleIncident)
	}
	if two == nil {
		return fault{}
	}
	by, ok := keyOf(id.Staff, two.By)
	other, is := keyOf(id.Staff, two.Other)
	if !ok || !is || by == other {
		return impossible(ruleActor)
	}
	f.inside.claims = append(f.inside.claims, &insideClaim{source: s, person: by, version: two.Person, at: p.At.UnixMicro(), catalog: two.Catalog, action: staff.JudgeIncidents,
		parties: []partyThen{{other, two.Asker, staff.JudgeIncidents}, {by, two.Person, staff.JudgeIncidents}}, terms: []string{strings.TrimPrefix(said, "officer:"), staffOf(p)}})
	return fault{}
}

// mishapContained folds that something was stopped.
func (f *fold) mishapContained(p ledger.Placed) fault {
	b, x := body[incident.ContainedBody](p)
	c := f.mishaps[b.Case]
	switch {
	case x != (fault{}):
		return x
	case c == nil || c.service != p.Service || c.closed != 0 || c.drill || b.Suspect != c.suspect || b.Note != int64(len(c.notes)) || b.Mark == "",
		!slices.Contains(incident.Containing, b.Step) || !b.Step.IsTarget(b.Target):
		return impossible(ruleIncident)
	case !inOffice(p):
		return impossible(ruleActor)
	}
	c.notes = append(c.notes, written{f.names.keep(p.Actor), b.Mark, f.names.keep(string(b.Step)), f.names.keep(b.Target), p.At.UnixMicro()})
	return fault{}
}

// mishapTicked folds that a step of the plan is done.
func (f *fold) mishapTicked(p ledger.Placed, s source) fault {
	b, x := body[incident.TickedBody](p)
	c := f.mishaps[b.Case]
	switch {
	case x != (fault{}):
		return x
	case c == nil || c.service != p.Service || c.closed != 0 || b.Drill != c.drill || b.Suspect != c.suspect:
		return impossible(ruleIncident)
	case !byStaff(p):
		return impossible(ruleActor)
	}
	plan := f.planned[planID{c.service, c.plan}]
	if _, twice := c.ticks[b.Step]; plan == nil || twice || b.Step < 0 || b.Step >= int64(len(plan.minutes)) {
		return impossible(ruleIncident)
	}
	if c.ticks == nil {
		c.ticks = make(map[int64]ticked)
	}
	c.ticks[b.Step] = ticked{f.names.keep(p.Actor), p.At.UnixMicro()}
	return f.actedInside(p, s, b.Inside, staff.WriteIncidents)
}

// A planID names an emergency plan.
type planID struct {
	service string
	number  int64
}

// A planned is what the ledger says of one.
type planned struct {
	critical, seen bool
	minutes        []int64
	at             int64
	by, mark       string
}

// plannedFor folds that a plan was adopted, in the place of the one before.
func (f *fold) plannedFor(p ledger.Placed, s source) fault {
	b, x := body[incident.PlannedBody](p)
	before := f.planned[planID{p.Service, b.Plan - 1}]
	switch {
	case x != (fault{}):
		return x
	case b.Mark == "" || len(b.Minutes) == 0 || slices.Min(b.Minutes) < 1:
		return fault{what: FoundBody, field: ruleIncident}
	case !inOffice(p):
		return impossible(ruleActor)
	case b.Plan < 1 || (b.Plan > 1) != (before != nil) || f.planned[planID{p.Service, b.Plan}] != nil:
		return impossible(ruleIncident)
	}
	f.planned[planID{f.names.keep(p.Service), b.Plan}] = &planned{critical: b.Critical, minutes: b.Minutes, at: p.At.UnixMicro(), by: f.names.keep(p.Actor), mark: b.Mark}
	longer := before != nil && before.critical && !b.Critical
	switch {
	case longer:
		return f.bySecond(p, s, b.Second, before.by)
	case b.Second != nil:
		return impossible(ruleIncident)
	}
	return fault{}
}

// A restsOnPlan is a case as its entry says which plan was in force.
type restsOnPlan struct {
	source
	plan, reportIn, at int64
}

// checkPlans judges them: a case that is opened beside the adoption of a plan may follow the one
// or the other.
func (f *fold) checkPlans() {
	for _, e := range f.follows {
		plan, next := f.planned[planID{e.service, e.plan}], f.planned[planID{e.service, e.plan + 1}]
		in := incident.Plan{Critical: plan != nil && plan.critical}.ReportIn()
		if (e.plan != 0) != (plan != nil) || plan != nil && plan.at > e.at+slack || next != nil && next.at < e.at-slack || e.reportIn != int64(in/time.Minute) {
			f.blame(e.source, impossible(ruleIncident))
		}
	}
	f.follows = nil
}

// mishapNoted folds what was written: by who has reported it, or by the staff, as what was done
// or decided against; of what the authority was told, once it was.
func (f *fold) mishapNoted(p ledger.Placed, s source) fault {
	b, x := body[incident.NotedBody](p)
	c, at := f.mishaps[b.Case], p.At.UnixMicro()
	switch {
	case x != (fault{}):
		return x
	case c == nil || c.service != p.Service || b.Note != int64(len(c.notes)) || b.Mark == "", (b.Step != "") != (b.Due != 0),
		b.Step != "" && (c.closed != 0 || b.Due <= c.opened || b.Drill != c.drill || !slices.Contains(incident.Steps, b.Step) && !c.told(b.Step)), b.Suspect != c.suspect:
		return impossible(ruleIncident)
	// Who has reported it may add what it has found since.
	case byStaff(p), b.Step == "" && c.source == string(incident.App) && c.reporter == p.Actor && f.byApp(p, account.IncidentsWrite),
		b.Step == "" && c.party != "" && f.speaks(p, s, party.ID{Service: c.service, Role: party.Role(c.role), Name: c.party}):
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
	c.notes = append(c.notes, written{by: f.names.keep(p.Actor), mark: b.Mark, step: step, at: at})
	return f.actedInside(p, s, b.Inside, staff.WriteIncidents)
}

// so is what of a case its end rests on.
func (c *mishap) so() (is incident.Case) {
	is.Grade, is.Drill = incident.Grade(c.grade), c.drill
	for _, step := range c.steps {
		is.Steps = append(is.Steps, incident.Step(step))
	}
	return is
}

// many reports whether it is of so many children that it has to be reported.
func (c *mishap) many() bool { return max(c.children, c.list.children) >= incident.Larger }

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
	case incident.App:
		if !f.byApp(p, account.IncidentsWrite) {
			return impossible(ruleActor)
		}
	case incident.Alarm:
		if x := f.raisedCase(p, b); x != (fault{}) {
			return x
		}
	default:
		return impossible(ruleIncident)
	}
	if b.Source != incident.Alarm && (b.Cause != "" || b.Suspect != "" || b.Alarm != "") || b.Drill && b.Source != incident.Staff || b.Source != incident.Party && (b.Role != "" || b.Party != "") {
		return impossible(ruleIncident)
	}
	f.follows = append(f.follows, restsOnPlan{s, b.Plan, b.ReportIn, at})
	by := n.keep(p.Actor)
	f.mishaps[n.keep(b.Case)] = &mishap{service: n.keep(p.Service), source: n.keep(string(b.Source)), role: n.keep(string(b.Role)), party: n.keep(b.Party),
		reporter: by, kind: n.keep(string(b.Kind)), suspected: b.Suspected, items: n.keep(strings.Join(b.Items, " ")), children: b.Children,
		began: b.Began, noticed: b.Noticed, opened: at, due: b.Due, notes: []written{{by: by, mark: b.Mark, step: n.keep(string(incident.StepOpened)), at: at}},
		cause: n.keep(string(b.Cause)), suspect: n.keep(b.Suspect), drill: b.Drill, plan: b.Plan, reportIn: b.ReportIn}
	if b.Plan != 0 {
		f.mishaps[b.Case].steps = []string{string(incident.StepPlan)}
	}
	return f.actedInside(p, s, b.Inside, staff.OpenIncidents)
}

// alerted keeps an alarm that opens a case.
func (f *fold) alerted(p ledger.Placed, b approvals.AlarmBody) {
	if cause := incident.Of(b.Cause); cause != "" {
		f.alerts[p.ID] = alert{f.names.keep(p.Service), f.names.keep(p.Actor), cause}
	}
}

// raisedCase judges a case that an alarm has opened: of what the ledger tells once for each, of
// what the store itself says about nobody.
func (f *fold) raisedCase(p ledger.Placed, b incident.OpenedBody) fault {
	switch {
	case p.Actor != "system:incident":
		return impossible(ruleActor)
	case !slices.Contains(incident.Causes, b.Cause) || b.Kind != b.Cause.Kind() || !b.Suspected:
		return impossible(ruleIncident)
	case b.Cause == incident.Audited || b.Cause == incident.Unswept:
		if b.Alarm != "" || b.Suspect != "" {
			return impossible(ruleIncident)
		}
		return fault{}
	}
	if a, is := f.alerts[b.Alarm]; !is || a != (alert{p.Service, b.Suspect, b.Cause}) {
		return impossible(ruleAlarm)
	}
	delete(f.alerts, b.Alarm) // one case for each
	return fault{}
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
		r.text("cause", c.cause, string(row.Cause))
		r.text("suspect", c.suspect, row.Suspect)
		r.flag("drill", c.drill, row.Drill)
		r.number("plan", c.plan, row.Plan)
		r.number("report_in", c.reportIn, int64(row.ReportIn/time.Minute))
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
		r.text("target", n.target, row.Target)
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

// planRows compares the emergency plans with what the ledger says of them.
func (a *audit) planRows() error {
	err := incident.AllPlans(a.ctx, a.tx, func(row incident.Plan) error {
		r := at{audit: a, table: "incident_plan", service: a.names.shown(row.Service), row: a.names.shown(row.Service) + " " + number(row.Number)}
		p := a.fold.planned[planID{row.Service, row.Number}]
		if p == nil {
			r.extra()
			return nil
		}
		p.seen = true
		r.flag("critical", p.critical, row.Critical)
		r.text("minutes", incident.Plan{Minutes: p.minutes}.Written(), row.Written())
		r.time("adopted_at", p.at, micros(row.AdoptedAt))
		r.text("adopted_by", p.by, row.AdoptedBy)
		r.sealed(a, p.mark, row.Mark)
		return a.ctx.Err()
	})
	missing := slices.Collect(maps.Keys(a.fold.planned))
	slices.SortFunc(missing, func(x, y planID) int {
		return cmp.Or(strings.Compare(x.service, y.service), cmp.Compare(x.number, y.number))
	})
	for _, of := range missing {
		if !a.fold.planned[of].seen && err == nil {
			at{audit: a, table: "incident_plan", service: of.service, row: of.service + " " + number(of.number)}.missing()
		}
	}
	return err
}

// tickRows compares which steps of the plans are done.
func (a *audit) tickRows() error {
	seen := make(map[string]int)
	err := incident.AllTicks(a.ctx, a.tx, func(row incident.Tick) error {
		r := at{audit: a, table: "incident_tick", row: a.names.shown(row.Case) + " " + number(row.Step)}
		c := a.fold.mishaps[row.Case]
		if c == nil {
			r.extra()
			return nil
		}
		r.service = c.service
		t, is := c.ticks[row.Step]
		if !is {
			r.extra()
			return nil
		}
		seen[row.Case]++
		r.time("ticked_at", t.at, micros(row.At))
		r.text("ticked_by", t.by, row.By)
		return a.ctx.Err()
	})
	for _, name := range slices.Sorted(maps.Keys(a.fold.mishaps)) {
		if c := a.fold.mishaps[name]; err == nil && seen[name] != len(c.ticks) {
			at{audit: a, table: "incident_tick", service: c.service, row: name}.missing()
		}
	}
	return err
}
