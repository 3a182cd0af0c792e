package replay

import (
	"slices"

	approvals "wardkeep/internal/approval"
	"wardkeep/internal/base/id"
	"wardkeep/internal/catalog"
	"wardkeep/internal/ledger"
	"wardkeep/internal/staff"
)

// A glass is a window that two persons have opened without the office.
type glass struct {
	source
	broken           bool // its entry has come: those about its review stand in no order to it
	service          string
	asker, second    key
	opened, reviewBy int64
	versions         [2]int64 // of the two, when they opened it

	late     int64 // when that its review is late was said
	reviewer key
	finding  approvals.Finding
	reviewed int64
	text     bool
	released [2]int64 // versions of the two when it was reviewed; 0: had left
}

// of returns which of the two a person is, or -1.
func (g *glass) of(person key) int { return slices.Index([]key{g.asker, g.second}, person) }

// ofGlass are the kinds about a review, and of alarms. They are about no child.
var ofGlass = []string{approvals.KindReviewed, approvals.KindReviewLate, approvals.KindAlarm, approvals.KindSearched, approvals.KindDecoy, approvals.KindDecoyEnded}

func (f *fold) glass(k key, s source) *glass {
	g := f.inside.glasses[k]
	if g == nil {
		g = &glass{source: s}
		f.inside.glasses[k] = g
	}
	return g
}

// askedBroken folds that a second person has joined (Article 15): another one, with nobody
// behind both, in time, without the office, and for no more than was asked.
func (f *fold) askedBroken(p ledger.Placed, s source, c *child) fault {
	b, x := body[approvals.BrokenBody](p)
	r := c.askedNamed(b.Request)
	by, inside := insider(p)
	at := p.At.UnixMicro()
	switch {
	case x != (fault{}):
		return x
	case !inside || r != nil && by == r.asker:
		return impossible(ruleActor)
	case r == nil || !r.glass || r.state != approvals.Open || at >= r.answerBy:
		return impossible(ruleApproval)
	case b.From != at || b.Until-b.From != int64(r.minutes)*minute || b.Quota < 1 || b.ReviewBy <= at || len(b.Items) != len(r.items):
		return impossible(ruleApproval)
	}
	for i, item := range b.Items {
		if y, known := f.names.syms[item]; !known || r.items[i] != y {
			return impossible(ruleApproval)
		}
	}
	r.state, r.decider, r.answer, r.granted, r.from, r.until, r.quota = approvals.Granted, by, approvals.Joined, r.items, b.From, b.Until, b.Quota
	g := f.glass(r.id, s)
	g.source, g.broken, g.service, g.asker, g.second, g.opened, g.reviewBy, g.versions = s, true, p.Service, r.asker, by, at, b.ReviewBy, [2]int64{b.Asker, b.Person}
	f.inside.claims = append(f.inside.claims,
		&insideClaim{source: s, person: r.asker, version: b.Asker, at: at, catalog: b.Catalog, action: staff.AskAccess, outside: true},
		&insideClaim{source: s, person: by, version: b.Person, at: at, catalog: b.Catalog, action: staff.AskAccess, apart: []key{r.asker}, outside: true,
			parties: []partyThen{{r.asker, b.Asker, staff.AskAccess}, {by, b.Person, staff.AskAccess}}, alone: true})
	return fault{}
}

// searched folds that a person has looked a child up.
func (f *fold) searched(p ledger.Placed) fault {
	b, x := body[approvals.SearchedBody](p)
	if _, ok := keyOf(id.Staff, b.Person); x != (fault{}) || !ok {
		return fault{what: FoundBody, field: rulePerson}
	}
	if p.Actor != "staff:"+b.Person {
		return impossible(ruleActor)
	}
	if b.Nobody && len(b.Alarms) > 0 {
		return impossible(ruleAlarm) // nobody is no decoy
	}
	f.raises(p, b.Alarms)
	return fault{}
}

// glassEntry folds what became of the review, and an alarm.
func (f *fold) glassEntry(p ledger.Placed, s source) fault {
	switch p.Kind {
	case approvals.KindAlarm:
		return f.alarm(p, s)
	case approvals.KindSearched:
		return f.searched(p)
	case approvals.KindDecoy, approvals.KindDecoyEnded:
		return f.decoy(p)
	}
	b, x := body[approvals.ReviewedBody](p)
	k, ok := keyOf(id.Look, b.Request)
	switch {
	case x != (fault{}):
		return x
	case !ok:
		return fault{what: FoundBody, field: ruleApproval}
	}
	g, at := f.glass(k, s), p.At.UnixMicro()
	if p.Kind == approvals.KindReviewLate {
		if _, inside := insider(p); inside || g.late != 0 || g.broken && at < g.reviewBy {
			return impossible(ruleApproval)
		}
		g.late = at
		return fault{}
	}
	by, inside := insider(p)
	switch {
	case !inside:
		return impossible(ruleActor)
	case g.reviewed != 0 || b.Finding != approvals.Rightful && b.Finding != approvals.Wrongful:
		return impossible(ruleApproval)
	}
	g.reviewer, g.finding, g.reviewed, g.text, g.released = by, b.Finding, at, b.Text, [2]int64{b.Asker, b.Second}
	f.inside.claims = append(f.inside.claims, &insideClaim{source: s, person: by, version: b.Person, at: at, catalog: b.Catalog,
		action: staff.ReviewAccess, reviews: g})
	return fault{}
}

// suspended reports whether the person, at that version and moment, may look at nothing:
// what they opened wasn't reviewed in time.
func (f *fold) suspended(person key, version, at int64) bool {
	for _, g := range f.inside.glasses {
		i := g.of(person)
		if !g.broken || i < 0 || g.versions[i] >= version || at < g.reviewBy {
			continue
		}
		if g.reviewed == 0 || g.released[i] > version || g.released[i] == 0 && g.reviewed > at {
			return true
		}
	}
	return false
}

// apart says what is wrong with who opened a window without the office, or reviewed one.
func (f *fold) apart(c *insideClaim, p staff.Person, now catalog.Service) fault {
	if c.outside && (approvals.InOffice(p, now) || f.suspended(c.person, c.version, c.at)) {
		return impossible(ruleActor)
	}
	g := c.reviews
	if g == nil {
		return fault{}
	}
	if !g.broken || g.service != c.source.service {
		return impossible(ruleApproval)
	}
	if g.of(c.person) >= 0 {
		return impossible(ruleActor)
	}
	for i, person := range []key{g.asker, g.second} {
		if who := f.inside.persons[person]; who != nil && slices.Contains(who.at(g.released[i]).behind.Makers, p.ID) {
			return impossible(ruleActor)
		}
	}
	return fault{}
}

// checkGlass finds what was reviewed, or late, and never opened.
func (f *fold) checkGlass() {
	for _, k := range sorted(f.inside.glasses) {
		if g := f.inside.glasses[k]; !g.broken {
			f.blame(g.source, impossible(ruleApproval))
		}
	}
}

// glassRows compares what two persons have opened without the office.
func (a *audit) glassRows() error {
	seen := make(map[key]bool)
	err := approvals.EachGlass(a.ctx, a.tx, func(row approvals.Glass) error {
		r := at{audit: a, table: "broken_glass", service: a.names.shown(row.Service), row: a.names.shown(row.Request)}
		k, ok := keyOf(id.Look, row.Request)
		g := a.fold.inside.glasses[k]
		if !ok || g == nil || !g.broken {
			r.extra()
			return nil
		}
		seen[k] = true
		reviewer := ""
		if g.reviewer != (key{}) {
			reviewer = g.reviewer.name(id.Staff)
		}
		r.text("service", g.service, row.Service)
		r.text("asker", g.asker.name(id.Staff), row.Asker)
		r.text("second", g.second.name(id.Staff), row.Second)
		r.time("opened_at", g.opened, micros(row.OpenedAt))
		r.time("review_by", g.reviewBy, micros(row.ReviewBy))
		r.time("late_at", g.late, micros(row.LateAt))
		r.text("reviewer", reviewer, row.Reviewer)
		r.text("finding", string(g.finding), string(row.Finding))
		r.time("reviewed_at", g.reviewed, micros(row.ReviewedAt))
		if a.ring != nil && !row.Intact(a.ring) {
			r.found(FoundHash, "bound", "–", "–")
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, k := range sorted(a.fold.inside.glasses) {
		if g := a.fold.inside.glasses[k]; g.broken && !seen[k] {
			at{audit: a, table: "broken_glass", service: g.service, row: k.name(id.Look)}.missing()
		}
	}
	return nil
}
