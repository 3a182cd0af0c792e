package replay

import (
	"strings"

	"wardkeep/internal/base/id"
	"wardkeep/internal/family"
	"wardkeep/internal/gate"
	"wardkeep/internal/ledger"
	"wardkeep/internal/rights"
)

// A ported is what the ledger says of a copy that waits for its recipient, or has.
type ported struct {
	items  string
	ending rights.PortEnding
	ended  int64
	entry  string
}

// mayPort judges a demand that a copy is carried over: it is a guardian's own, who has named
// somebody in the country (edge case 20) and has chosen items by their names.
func (f *fold) mayPort(p ledger.Placed, b rights.ReceivedBody) bool {
	if b.Kind != rights.Port {
		return len(b.Items) == 0 && !b.Home
	}
	for _, item := range b.Items {
		if _, held := f.names.syms[item]; !held {
			return false // invariant 6
		}
	}
	return b.Door == rights.ByGuardian && p.Actor == "guardian:"+string(b.Guardian) && b.Note && b.Home && b.Fetch != 0
}

// ported judges who has fetched a copy that waited, or was denied it: once, in its time, and
// what was chosen.
func (f *fold) ported(c *child, b gate.AccessBody, p ledger.Placed) fault {
	d := c.demanded(b.Demand)
	is, at := d.port, p.At.UnixMicro()
	if is.ending != "" || at >= d.fetch {
		return impossible(rulePort)
	}
	for _, item := range b.Items {
		if is.items != "" && !strings.Contains(" "+is.items+" ", " "+item+" ") {
			return impossible(rulePort)
		}
	}
	if p.Kind == gate.KindPorted {
		is.ending, is.ended, is.entry = rights.Fetched, at, p.ID
	}
	return fault{}
}

// recalled folds that nobody gets a copy any more that waited.
func (f *fold) recalled(p ledger.Placed, s source, c *child) fault {
	b, x := body[rights.RecalledBody](p)
	d, at := c.demanded(b.Request), p.At.UnixMicro()
	if x != (fault{}) {
		return x
	}
	if d == nil || d.port == nil || d.port.ending != "" {
		return impossible(rulePort)
	}
	late := at >= d.fetch
	switch who, name, _ := strings.Cut(p.Actor, ":"); b.Why {
	case rights.Recalled:
		if late || who != "guardian" && who != "app" && who != "officer" && who != "staff" {
			return impossible(rulePort)
		}
		if g := c.guardianNamed(family.GuardianID(name)); who == "guardian" && (g == nil || !g.mayAnswer(f.names)) {
			return impossible(ruleGuardian)
		}
	case rights.Guessed:
		if late || p.Actor != "port:"+b.Request {
			return impossible(rulePort)
		}
	case rights.Restored:
		if p.Actor != restorer {
			return impossible(ruleActor)
		}
	default:
		return fault{what: FoundBody, field: rulePort}
	}
	*d.port = ported{items: d.port.items, ending: b.Why, ended: at, entry: p.ID}
	d.note = false // nobody has it, and for whom it was is forgotten
	d.step(p)
	return f.handled(p, s, b.Inside)
}

// comparePort compares a row of rights_port.
func (a *audit) comparePort(t *tally, row rights.Ported) {
	r := a.of(t, "rights_port", string(row.Child), a.names.shown(row.ID))
	if t == nil {
		r.extra()
		return
	}
	d := t.child.demanded(row.ID)
	if d == nil || d.port == nil {
		r.extra()
		return
	}
	t.marks["port "+row.ID] = true
	r.text("items", d.port.items, strings.Join(row.Items, " "))
	r.text("ending", string(d.port.ending), string(row.Ending))
	r.time("ended_at", d.port.ended, micros(row.EndedAt))
	r.text("entry", d.port.entry, row.Entry)
	if d.port.ending != "" && !row.Forgotten() {
		r.found(FoundDiffers, "address, code", "–", "–") // it could be fetched again
	}
}

// forgets reports whether it may be forgotten by then to whom a copy was to be handed: its days are over.
func (d demand) forgets(at int64) bool { return d.port != nil && at >= d.fetch }

// comparePorts names those that the ledger knows and the table doesn't.
func (a *audit) comparePorts(t *tally) {
	for _, d := range t.child.demands {
		if name := d.id.name(id.Rights); d.port != nil && !t.marks["port "+name] {
			a.of(t, "rights_port", "", name).missing()
		}
	}
}
