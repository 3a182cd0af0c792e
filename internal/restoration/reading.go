package restoration

import (
	"slices"
	"strings"

	"wardkeep/internal/consent"
	"wardkeep/internal/gate"
	"wardkeep/internal/ledger"
	"wardkeep/internal/party"
	"wardkeep/internal/rights"
)

func of[B any](take func(c *child, p ledger.Placed, b B)) reading {
	return reading{child: func(c *child, p ledger.Placed) error {
		var b B
		if err := p.Into(&b); err != nil {
			return err
		}
		take(c, p, b)
		return nil
	}}
}

func ofService[B any](take func(s *service, b B)) reading {
	return reading{rest: func(g *gap, p ledger.Placed) error {
		var b B
		if err := p.Into(&b); err != nil {
			return err
		}
		take(g.service(p.Service), b)
		return nil
	}}
}

func partyChanged[B any](which func(B) (string, party.Role)) reading {
	return reading{rest: func(g *gap, p ledger.Placed) error {
		var b B
		if err := p.Into(&b); err != nil {
			return err
		}
		s := g.service(p.Service)
		if name, role := which(b); !slices.Contains(s.parties, party.ID{Service: p.Service, Role: role, Name: name}) {
			s.parties = append(s.parties, party.ID{Service: p.Service, Role: role, Name: name})
		}
		return nil
	}}
}

func of0[B any](take func(g *gap, b B)) reading {
	return reading{rest: func(g *gap, p ledger.Placed) error {
		var b B
		if err := p.Into(&b); err != nil {
			return err
		}
		take(g, b)
		return nil
	}}
}

// conceals has the service closed that an entry is about.
func conceals(g *gap, p ledger.Placed) error {
	g.service(p.Service).conceals = true
	return nil
}

// answer keeps the last word of each guardian on each purpose.
var answer = of(func(c *child, p ledger.Placed, b consent.AnswerBody) {
	c.answers[word{b.Guardian, b.Purpose}] = said{p.Kind == consent.KindGranted, b}
	c.unclear = c.unclear || b.Over // nobody is asked any more: edge case 5
})

// ended keeps which approval opens nothing any more.
func ended[B any](request func(B) string) reading {
	return of(func(c *child, _ ledger.Placed, b B) { c.approvals = append(c.approvals, request(b)) })
}

// looked ends the approval by which a person inside has looked: how often isn't known here.
var looked = ended(func(b gate.UseBody) string {
	if b.Look == nil {
		return ""
	}
	return b.Look.Approval
})

// readingOf returns what is read of an entry, and why nothing is.
func readingOf(p ledger.Placed) (read reading, known bool, why string, adds bool) {
	if p.Kind == gate.KindPermitted && strings.HasPrefix(p.Actor, "staff:") {
		return looked, true, "", false
	}
	read, known = readings[p.Kind]
	why, adds = additions[p.Kind]
	return read, known, why, adds
}

func demandEnded(state rights.State) reading {
	return of(func(c *child, p ledger.Placed, b rights.EndedBody) {
		d := c.demand(b.Request)
		d.state, d.reason, d.actor, d.ended = state, b.Reason, actor(p.Actor), p.At
	})
}

// An actor is who did something, as the ledger names it.
type actor string

// Ledger returns the name.
func (a actor) Ledger() string { return string(a) }
