package replay

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"wardkeep/internal/assistance"
	"wardkeep/internal/base/id"
	"wardkeep/internal/family"
	"wardkeep/internal/gate"
	"wardkeep/internal/ledger"
	"wardkeep/internal/rights"
	"wardkeep/internal/staff"
)

// A demand is what the ledger says of one demand of a child or a guardian.
type demand struct {
	id, guardian                 key // guardian is zero where none is named
	number, entry                string
	kind, door, item, owner      sym
	state                        rights.State
	reason, extended             rights.Reason
	received, due, erase, closed int64
	fetch                        int64
	froze, note, answer, paper   bool
	told, steps                  string
	reached                      rights.Reached
	port                         *ported    // of a copy that is carried over
	helps                        []*helping // that parties were asked for
}

// rightsEntry folds a step of a demand.
func (f *fold) rightsEntry(p ledger.Placed, s source, c *child) fault {
	switch p.Kind {
	case rights.KindReceived:
		return f.demanded(p, s, c)
	case rights.KindConfirmed:
		return f.takenOn(p, s, c)
	case rights.KindAssigned, rights.KindShown:
		return f.demandStaffed(p, s, c)
	case rights.KindTold:
		return f.demandTold(p, c)
	case rights.KindRecalled:
		return f.recalled(p, s, c)
	case rights.KindExtended:
		b, x := body[rights.ExtendedBody](p)
		d := c.demanded(b.Request)
		switch {
		case x != (fault{}):
			return x
		case d == nil || d.state != rights.Open || d.extended != "" || f.erases(d) || b.Due <= d.due:
			return impossible(ruleDemand)
		}
		d.extended, d.due = b.Reason, b.Due
		d.step(p)
		return f.handled(p, s, b.Inside)
	}
	return f.demandEnded(p, s, c)
}

// step keeps what became of a demand, as its row has it.
func (d *demand) step(p ledger.Placed) {
	d.steps = strings.TrimSpace(d.steps + " " + p.Kind + "/" + strconv.FormatInt(p.At.UnixMicro(), 10) + "/" + p.ID + "/" + p.Actor)
}

// handled judges who has done something about a demand.
func (f *fold) handled(p ledger.Placed, s source, on rights.Inside) fault {
	return f.actedInside(p, s, on, staff.HandleDemands)
}

// takenOn folds that a guardian has taken on a demand to erase that somebody else made,
// or the child one of who is neither.
func (f *fold) takenOn(p ledger.Placed, s source, c *child) fault {
	b, x := body[rights.ConfirmedBody](p)
	d, at := c.demanded(b.Request), p.At.UnixMicro()
	if x != (fault{}) {
		return x
	}
	if d == nil || d.state != rights.Open || !f.erases(d) {
		return impossible(ruleDemand)
	}
	switch kind, who, _ := strings.Cut(p.Actor, ":"); {
	case kind == "guardian" && who == string(b.Guardian) && b.Door == rights.ByGuardian:
	case kind != "app" && kind != "officer" && kind != "staff" && p.Actor != restorer:
		return impossible(ruleActor)
	}
	if b.Reached != "" && !slices.Contains(rights.Ways, b.Reached) {
		return fault{what: FoundBody, field: ruleDemand}
	}
	was := rights.Door(f.names.text(d.door))
	waits := was == rights.ByGuardian && d.erase == 0 // for the office (edge case 22)
	switch b.Door {
	case rights.ByGuardian:
		g := c.guardianNamed(b.Guardian)
		if g == nil || !g.mayAnswer(f.names) {
			return impossible(ruleGuardian)
		}
		byOffice := strings.HasPrefix(p.Actor, "officer:") && d.guardian == g.id && waits
		if was == rights.ByGuardian && !waits || b.Erase != at || g.hides(at) && !byOffice {
			return impossible(ruleDemand)
		}
		d.guardian = g.id
	case rights.ByChild:
		if was != rights.ByContact && !waits || b.Guardian != "" || b.Erase <= at {
			return impossible(ruleDemand)
		}
		d.guardian = key{}
	default:
		return fault{what: FoundBody, field: ruleDemand}
	}
	d.door, d.erase, d.entry = f.names.sym(string(b.Door)), b.Erase, d.entry+" "+p.ID
	d.note, d.paper, d.reached = d.note || b.Note, d.paper || b.Paper, cmp.Or(b.Reached, d.reached)
	d.step(p)
	return f.handled(p, s, b.Inside)
}

func (f *fold) demanded(p ledger.Placed, s source, c *child) fault {
	b, x := body[rights.ReceivedBody](p)
	k, ok := keyOf(id.Rights, b.Request)
	at, n := p.At.UnixMicro(), f.names
	d := demand{
		id: k, number: b.Number, entry: p.ID, kind: n.sym(string(b.Kind)), door: n.sym(string(b.Door)), item: n.sym(b.Item), owner: n.sym(b.Owner),
		state: rights.Open, received: at, due: b.Due, erase: b.Erase, fetch: b.Fetch, froze: b.Froze, note: b.Note,
		reached: b.Reached, paper: b.Paper,
	}
	d.step(p)
	asking := c.guardianNamed(b.Guardian)
	hidden := b.Door == rights.ByGuardian && asking != nil && asking.hides(at)
	waits := hidden || p.Actor == restorer && b.Erase == 0 && b.Fetch == 0 // what waited when it was received first
	if b.Kind == rights.Port {
		d.port = &ported{items: strings.Join(b.Items, " ")}
	}
	switch {
	case x != (fault{}):
		return x
	case !f.mayPort(p, b):
		return impossible(rulePort)
	case !ok || c.demanded(b.Request) != nil || b.Due <= at, b.Fetch != 0 && (b.Fetch <= at || !b.Kind.Tells()), b.Kind.Tells() && (b.Door == rights.ByContact || b.Door == rights.ByGuardian && (b.Fetch == 0) != waits):
		return fault{what: FoundBody, field: ruleDemand}
	case b.Froze && !f.erases(&d), f.erases(&d) && !c.frozen, b.Erase != 0 && (b.Erase < at || !f.erases(&d)):
		return impossible(ruleDemand) // Article 20: nothing but keeping, from the demand on
	case b.Door == rights.ByContact && b.Erase != 0, b.Door == rights.ByGuardian && f.erases(&d) && (b.Erase != at) != waits, hidden && (b.Erase != 0 || b.Kind == rights.DeleteItem || b.Kind == rights.Port):
		return impossible(ruleDemand) // edge cases 11 and 22
	case slices.ContainsFunc(c.demands, func(o demand) bool { return o.state == rights.Open && f.erases(&o) && f.erases(&d) }):
		return impossible(ruleDemand)
	}
	if b.Guardian != "" || b.Door == rights.ByGuardian {
		g := c.guardianNamed(b.Guardian)
		if g == nil || b.Door == rights.ByGuardian && !g.mayAnswer(n) {
			return impossible(ruleGuardian)
		}
		d.guardian = g.id
	}
	c.demands = add(c.demands, d)
	return f.handled(p, s, b.Inside)
}

// demandStaffed folds who of the staff handles a demand, or has seen its words.
func (f *fold) demandStaffed(p ledger.Placed, s source, c *child) fault {
	b, x := body[struct {
		rights.AssignedBody
		Note, Answer bool
	}](p)
	d := c.demanded(b.Request)
	switch {
	case x != (fault{}):
		return x
	case d == nil:
		return impossible(ruleDemand)
	case !strings.HasPrefix(p.Actor, "officer:") && !strings.HasPrefix(p.Actor, "staff:"):
		return impossible(ruleActor)
	case p.Kind == rights.KindShown:
		if b.Note != d.note && (b.Note || !d.forgets(p.At.UnixMicro())) || b.Answer != d.answer {
			return impossible(ruleDemand)
		}
		d.step(p)
		return f.handled(p, s, b.Inside)
	case d.state != rights.Open || !id.Is(id.Staff, b.Owner):
		return impossible(ruleDemand)
	}
	d.owner = f.names.sym(b.Owner)
	d.step(p)
	return f.handled(p, s, b.Inside)
}

// demandTold folds that a guardian was told of a demand to erase the child.
func (f *fold) demandTold(p ledger.Placed, c *child) fault {
	b, x := body[rights.ToldBody](p)
	d := c.demanded(b.Request)
	switch {
	case x != (fault{}):
		return x
	case d == nil || d.state != rights.Open || !f.erases(d):
		return impossible(ruleDemand)
	case c.guardianNamed(b.Guardian) == nil:
		return impossible(ruleGuardian)
	case p.Actor != messenger:
		return impossible(ruleActor)
	}
	d.told = strings.TrimSpace(d.told + " " + string(b.Guardian) + "/" + b.Channel + "/" + strconv.FormatInt(p.At.UnixMicro(), 10))
	return fault{}
}

// demandEnded folds the end of a demand: once, and with a reason if it was refused.
func (f *fold) demandEnded(p ledger.Placed, s source, c *child) fault {
	b, x := body[rights.EndedBody](p)
	d := c.demanded(b.Request)
	state := map[string]rights.State{rights.KindDone: rights.Done, rights.KindRefused: rights.Refused, rights.KindCancelled: rights.Cancelled}[p.Kind]
	switch {
	case x != (fault{}):
		return x
	case d == nil || d.state != rights.Open || state == rights.Done && f.erases(d):
		return impossible(ruleDemand)
	case (b.Reason != "") != (state == rights.Refused):
		return fault{what: FoundBody, field: ruleDemand}
	case f.erases(d) && state == rights.Refused && (!strings.HasPrefix(p.Actor, "officer:") || b.Reason != rights.NotEntitled && (b.Reason != rights.KeptForNow || !d.waits(f.names))),
		state == rights.Cancelled && (!f.erases(d) || !strings.HasPrefix(p.Actor, "guardian:") || f.names.text(d.door) == string(rights.ByGuardian)):
		return impossible(ruleActor)
	case d.froze && c.frozen:
		return impossible(ruleState) // it is free again by the entry before
	case b.Again && f.missedDone[b.Request] != p.Kind: // else a guardian's taking back could pass for no use
		return impossible(ruleDemand)
	case b.Received != d.received:
		return fault{what: FoundBody, field: ruleDemand}
	}
	d.state, d.reason, d.answer, d.closed, d.erase = state, b.Reason, b.Answer, p.At.UnixMicro(), 0
	for _, h := range d.helps {
		if h.answered == 0 { // nobody waits for it any more
			h.answered, h.answer = d.closed, string(assistance.Lapsed)
		}
	}
	d.helps = nil
	d.step(p)
	if b.Again {
		return fault{} // who may was judged where it was said first
	}
	return f.handled(p, s, b.Inside)
}

// demandedErasure reports whether an erasure that the sweep made for a demand rests on one,
// whose time had come. What an app does by itself needs none.
func (f *fold) demandedErasure(p ledger.Placed, c *child, ground family.Ground) bool {
	if p.Actor != sweeper || ground != family.Requested && ground != family.UseEnded {
		return true
	}
	return slices.ContainsFunc(c.demands, func(d demand) bool {
		return d.state == rights.Open && f.erases(&d) && d.erase != 0 && d.erase <= p.At.UnixMicro() &&
			rights.Kind(f.names.text(d.kind)).Ground() == ground
	})
}

// waits reports whether a guardian's demand to erase waits for the office (edge case 22).
func (d *demand) waits(n *names) bool {
	return d.state == rights.Open && d.erase == 0 && n.text(d.door) == string(rights.ByGuardian) && rights.Kind(n.text(d.kind)).Erases()
}

// hides reports whether what is held was hidden from the guardian at that moment.
func (g guardian) hides(at int64) bool { return at < g.hidden }

// The names of what runs by itself, in the ledger.
const (
	sweeper   = "system:retention"
	messenger = "system:messages"
	restorer  = "operator:restore"
)

func (f *fold) erases(d *demand) bool { return rights.Kind(f.names.text(d.kind)).Erases() }

// demanded returns the demand of that name, or nil.
func (c *child) demanded(name string) *demand {
	k, ok := keyOf(id.Rights, name)
	if i := slices.IndexFunc(c.demands, func(d demand) bool { return d.id == k }); ok && i >= 0 {
		return &c.demands[i]
	}
	return nil
}

// compareDemand compares a row of rights_request.
func (a *audit) compareDemand(t *tally, row rights.Request) {
	r := a.of(t, "rights_request", string(row.Child), a.names.shown(row.ID))
	if t == nil {
		r.extra()
		return
	}
	d := t.child.demanded(row.ID)
	if d == nil {
		r.extra()
		return
	}
	t.marks[row.ID] = true
	guardian := ""
	if d.guardian != (key{}) {
		guardian = d.guardian.name(id.Guardian)
	}
	says := row.Says()
	r.text("service", a.names.text(t.child.service), row.Service)
	r.text("number", d.number, row.Number)
	r.text("kind", a.names.text(d.kind), string(row.Kind))
	r.text("door", a.names.text(d.door), string(row.Door))
	r.text("guardian", guardian, string(row.Guardian))
	r.text("item", a.names.text(d.item), row.Item)
	r.text("owner", a.names.text(d.owner), row.Owner)
	r.text("state", string(d.state), string(row.State))
	r.text("reason", string(d.reason), string(row.Reason))
	r.text("extended", string(d.extended), string(row.Extended))
	r.time("received_at", d.received, micros(row.ReceivedAt))
	r.time("due_at", d.due, micros(row.DueAt))
	r.time("erase_at", d.erase, micros(row.EraseAt))
	r.time("closed_at", d.closed, micros(row.ClosedAt))
	r.time("fetch_until", d.fetch, micros(row.FetchUntil))
	r.text("entry", d.entry, row.Entry)
	r.text("told", d.told, says.Told)
	r.text("steps", d.steps, says.Steps)
	r.text("reached", string(d.reached), string(row.Reached))
	r.flag("froze", d.froze, says.Froze)
	r.flag("note", d.note && (says.Note || !d.forgets(micros(a.tx.Now()))), says.Note)
	r.flag("answer", d.answer, says.Answer)
	r.flag("paper", d.paper, says.Paper)
	if a.ring != nil && !t.locked && row.Intact(a.ring, t.record.Child) != nil {
		r.found(FoundSealed, "note, answer, paper", "–", "–")
	}
}

// compareDemands names the demands that the ledger knows and the table doesn't.
func (a *audit) compareDemands(t *tally) {
	for _, d := range t.child.demands {
		if name := d.id.name(id.Rights); !t.marks[name] {
			a.of(t, "rights_request", "", name).missing()
		}
	}
}

// copied judges by which demand a guardian took a copy away, or was denied one.
func (f *fold) copied(c *child, b gate.AccessBody, guardian key, at int64) fault {
	d := c.demanded(b.Demand)
	switch {
	case d == nil || f.names.text(d.kind) != string(rights.Copy) || at >= d.fetch:
		return impossible(ruleDemand)
	case f.names.text(d.door) != string(rights.ByChild) && d.guardian != guardian:
		return impossible(ruleGuardian)
	}
	return fault{}
}
