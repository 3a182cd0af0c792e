package replay

import (
	"slices"
	"strings"

	"wardkeep/internal/base/id"
	"wardkeep/internal/ledger"
	"wardkeep/internal/rights"
	"wardkeep/internal/shield"
	"wardkeep/internal/staff"
)

// A shielded is what the ledger says of what is hidden from a guardian, or is asked to be.
type shielded struct {
	id, guardian, asker, decider key // asker and decider are zero where a restore has said so
	reason                       shield.Reason
	state                        shield.State
	days                         int
	asked, decided, due, closed  int64
}

// shieldEntry folds what two of the staff have decided about a guardian (edge case 22).
func (f *fold) shieldEntry(p ledger.Placed, s source, c *child) fault {
	switch p.Kind {
	case shield.KindAsked:
		return f.shieldAsked(p, s, c)
	case shield.KindShown:
		b, x := body[shield.ShownBody](p)
		switch _, inside := insider(p); {
		case x != (fault{}):
			return x
		case c.shieldNamed(b.Shield) == nil:
			return impossible(ruleShield)
		case !inside:
			return impossible(ruleActor)
		}
		return f.actedInside(p, s, b.Inside, staff.DecideShield)
	case shield.KindRaised:
		return f.shieldRaised(p, s, c)
	case shield.KindRefused:
		b, x := body[shield.RefusedBody](p)
		w := c.shieldNamed(b.Shield)
		by, inside := insider(p)
		switch {
		case x != (fault{}):
			return x
		case w == nil || w.state != shield.Asked:
			return impossible(ruleShield)
		case !inside || by == w.asker:
			return impossible(ruleActor)
		}
		w.state, w.decider, w.decided, w.closed = shield.Refused, by, p.At.UnixMicro(), p.At.UnixMicro()
		f.decidedByTwo(p, s, by, w.asker, b.Person, b.Asker, b.Catalog)
		return fault{}
	}
	return f.shieldEnded(p, s, c)
}

func (f *fold) shieldAsked(p ledger.Placed, s source, c *child) fault {
	b, x := body[shield.AskedBody](p)
	k, ok := keyOf(id.Shield, b.Shield)
	by, inside := insider(p)
	at := p.At.UnixMicro()
	g := c.guardianNamed(b.Guardian)
	switch {
	case x != (fault{}):
		return x
	case !ok || c.shieldNamed(b.Shield) != nil || !slices.Contains(shield.Reasons, b.Reason) || b.Days < 1 || b.Days > shield.MostDays || b.Due <= at:
		return fault{what: FoundBody, field: ruleShield}
	case g == nil || !g.mayAnswer(f.names):
		return impossible(ruleGuardian)
	case !inside:
		return impossible(ruleActor)
	case slices.ContainsFunc(c.shields, func(w shielded) bool { return w.state == shield.Asked && w.guardian == g.id }):
		return impossible(ruleShield)
	}
	c.shields = add(c.shields, shielded{id: k, guardian: g.id, asker: by, reason: b.Reason, state: shield.Asked, days: b.Days, asked: at, due: b.Due})
	return f.actedInside(p, s, b.Inside, staff.AskShield)
}

// shieldRaised folds that something is hidden from now on: for as long as was asked for, by
// two who are two; or once more in a store that was put back.
func (f *fold) shieldRaised(p ledger.Placed, s source, c *child) fault {
	b, x := body[shield.RaisedBody](p)
	k, ok := keyOf(id.Shield, b.Shield)
	by, inside := insider(p)
	at := p.At.UnixMicro()
	g, w := c.guardianNamed(b.Guardian), c.shieldNamed(b.Shield)
	switch {
	case x != (fault{}):
		return x
	case !ok:
		return fault{what: FoundBody, field: ruleShield}
	case g == nil || g.ended != 0:
		return impossible(ruleGuardian)
	case b.Again && p.Actor != restorer, !b.Again && !inside, !b.Again && w != nil && by == w.asker:
		return impossible(ruleActor)
	case w != nil && (w.state != shield.Asked || w.guardian != g.id), w == nil && !b.Again,
		!b.Again && b.Until != at+int64(w.days)*24*60*minute, b.Again && (b.Until <= at || b.Until > at+shield.MostDays*24*60*minute):
		return impossible(ruleShield)
	}
	for i := range c.shields {
		if o := &c.shields[i]; o.id == g.hider && o.state == shield.Raised {
			o.state, o.closed = shield.Replaced, at
		}
	}
	if w == nil {
		c.shields = add(c.shields, shielded{id: k, guardian: g.id, asked: at})
		w = &c.shields[len(c.shields)-1]
	}
	w.state, w.decided, w.due = shield.Raised, at, b.Until
	before := g.hider
	for i := range c.guardians { // and the other ties of the same person
		if o := &c.guardians[i]; o.id == g.id || before != (key{}) && o.hider == before {
			o.hidden, o.hider = b.Until, k
		}
	}
	for i := range c.demands { // what isn't carried out yet waits for the office
		if d := &c.demands[i]; d.guardian == g.id && d.state == rights.Open && f.names.text(d.door) == string(rights.ByGuardian) {
			d.erase = 0
		}
	}
	if b.Again {
		return fault{}
	}
	w.decider = by
	f.decidedByTwo(p, s, by, w.asker, b.Person, b.Asker, b.Catalog)
	return fault{}
}

// decidedByTwo claims what approval.Pairs has looked at.
func (f *fold) decidedByTwo(p ledger.Placed, s source, by, asker key, person, asked, version int64) {
	parties := []partyThen{{asker, asked, staff.AskShield}, {by, person, staff.DecideShield}}
	for _, one := range parties {
		claim := &insideClaim{source: s, person: one.person, version: one.version, at: p.At.UnixMicro(), catalog: version, action: one.does}
		if one.does == staff.DecideShield {
			claim.apart, claim.parties, claim.alone, claim.office = []key{asker}, parties, true, true
		}
		f.inside.claims = append(f.inside.claims, claim)
	}
}

// shieldEnded folds that something is shown again: before its time by who may decide, or
// because its time is over.
func (f *fold) shieldEnded(p ledger.Placed, s source, c *child) fault {
	b, x := body[shield.LiftedBody](p)
	w, at := c.shieldNamed(b.Shield), p.At.UnixMicro()
	switch {
	case x != (fault{}):
		return x
	case p.Kind != shield.KindLifted && p.Kind != shield.KindOver:
		return fault{what: FoundKind, got: f.names.shown(p.Kind)}
	case w == nil || w.state != shield.Raised:
		return impossible(ruleShield)
	case p.Kind == shield.KindOver && at < w.due, p.Kind == shield.KindLifted && at >= w.due && p.Actor != restorer:
		return impossible(ruleShield)
	case p.Kind == shield.KindOver && p.Actor != sweeper, p.Kind == shield.KindLifted && p.Actor != restorer && !strings.HasPrefix(p.Actor, "staff:"):
		return impossible(ruleActor)
	}
	w.closed, w.state = at, shield.Over
	if p.Kind == shield.KindLifted {
		w.state = shield.Lifted
	}
	for i := range c.guardians {
		g := &c.guardians[i]
		if g.hider != w.id {
			continue
		}
		if g.recalled = false; w.state == shield.Lifted { // Article 12: who it was is forgotten either way
			g.hidden, g.hider = 0, key{}
		}
	}
	return f.actedInside(p, s, b.Inside, staff.DecideShield)
}

// hides has something hidden from a tie as from a former one of the same person.
func (c *child) hides(g *guardian, by string, at int64) fault {
	w := c.shieldNamed(by)
	if w == nil || w.state != shield.Raised || at >= w.due {
		return impossible(ruleShield)
	}
	g.hidden, g.hider = w.due, w.id
	return fault{}
}

// shieldNamed returns the shield of that name, or nil.
func (c *child) shieldNamed(name string) *shielded {
	k, ok := keyOf(id.Shield, name)
	if i := slices.IndexFunc(c.shields, func(w shielded) bool { return w.id == k }); ok && i >= 0 {
		return &c.shields[i]
	}
	return nil
}

// compareShield compares a row of shield.
func (a *audit) compareShield(t *tally, row shield.Shield) {
	r := a.of(t, "shield", string(row.Child), a.names.shown(row.ID))
	if t == nil {
		r.extra()
		return
	}
	w := t.child.shieldNamed(row.ID)
	if w == nil {
		r.extra()
		return
	}
	t.marks[row.ID] = true
	r.text("service", a.names.text(t.child.service), row.Service)
	r.text("guardian", w.guardian.name(id.Guardian), string(row.Guardian))
	r.text("reason", string(w.reason), string(row.Reason))
	r.number("days", int64(w.days), int64(row.Days))
	r.text("state", string(w.state), string(row.State))
	r.text("asker", maybe(w.asker, id.Staff), row.Asker)
	r.text("decider", maybe(w.decider, id.Staff), row.Decider)
	r.time("asked_at", w.asked, micros(row.AskedAt))
	r.time("decided_at", w.decided, micros(row.DecidedAt))
	r.time("due_at", w.due, micros(row.DueAt))
	r.time("closed_at", w.closed, micros(row.ClosedAt))
	r.flag("note", w.asker != (key{}), row.HasText())
	if a.ring != nil && !t.locked && row.Intact(a.ring, t.record.Child) != nil {
		r.unlike("note")
	}
}

// maybe returns a name, or nothing for nobody's.
func maybe(k key, kind id.Prefix) string {
	if k == (key{}) {
		return ""
	}
	return k.name(kind)
}

// compareShields names the shields that the ledger knows and the table doesn't.
func (a *audit) compareShields(t *tally) {
	for _, w := range t.child.shields {
		if name := w.id.name(id.Shield); !t.marks[name] {
			a.of(t, "shield", "", name).missing()
		}
	}
}
