package replay

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	approvals "wardkeep/internal/approval"
	"wardkeep/internal/base/id"
	"wardkeep/internal/charter"
	"wardkeep/internal/family"
	"wardkeep/internal/family/age"
	"wardkeep/internal/gate"
	"wardkeep/internal/ledger"
	"wardkeep/internal/staff"
	"wardkeep/internal/verification"
)

// An asked is what the ledger says of what a person inside asked to see of a child.
type asked struct {
	id, asker, decider key
	first              key // of an export, who was the first to agree
	firstFor           approvals.Answer
	number             string
	purpose, reason    sym
	items, granted     []sym
	minutes            int
	state              approvals.State
	answer             approvals.Answer
	why                approvals.Why
	at, answerBy       int64
	from, until        int64
	quota, looks       int64
	ended              int64
	endedBy            string
	reply, glass       bool
	export, firstReply bool

	basis          approvals.Basis // names of ours alone, and times
	paper          string          // the mark of what is written of it
	officer        bool
	released, told int64
}

const minute = 60_000_000

// A standing is what a person inside held from a version on.
type standing struct {
	version int64
	state   staff.State
	country string
	grants  []staff.Grant
	behind  staff.Backing
	key     recipient
}

// An insideClaim rests on a version of a person and one of a service. Between
// those and the child it is about there is no order of entries, so it is judged when
// whatever it rests on must have come.
type insideClaim struct {
	source
	person  key
	version int64
	at      int64
	catalog int64
	action  staff.Action // of a decision
	apart   []key        // likewise: who may not stand behind who decides
	parties []partyThen  // likewise: who may not be one (approval.Apart)
	terms   []string     // likewise: of office, by which each of them acts
	alone   bool         // likewise: of a file, or without the office
	officer bool         // likewise: on a law, so one of those who agree holds an office
	office  bool         // likewise: one of the parties holds one
	outside bool         // likewise: by who holds no office, and is not suspended
	reviews *glass
	purpose string // that was asked for, with items: names of the charter
	items   []string
	look    *use                   // decided again; nil: who acts must have had the right
	seen    *verification.SeenBody // a document, which counts as a look does
	request approvals.Request
}

// A partyThen is one of those who have to be different persons, at a version.
type partyThen struct {
	person  key
	version int64
	does    staff.Action
}

// askedEntry folds a step of what a person inside asked to see.
func (f *fold) askedEntry(p ledger.Placed, s source, c *child) fault {
	switch p.Kind {
	case approvals.KindAsked, approvals.KindForeign:
		return f.asked(p, s, c)
	case approvals.KindReleased:
		return f.askedReleased(p, c)
	case approvals.KindTold:
		return f.askedTold(p, c)
	case approvals.KindEnded:
		return f.askedEnded(p, s, c)
	case approvals.KindBroken:
		return f.askedBroken(p, s, c)
	case approvals.KindAgreed:
		return f.askedAgreed(p, s, c)
	}
	return f.askedDecided(p, s, c)
}

// insider returns who of the persons inside has made an entry.
func insider(p ledger.Placed) (key, bool) {
	name, ok := strings.CutPrefix(p.Actor, "staff:")
	k, known := keyOf(id.Staff, name)
	return k, ok && known
}

// actedInside judges who has done something that the matrix lets persons inside do, beside
// those in office: a person inside rests on what it lets them at that version, with nobody
// of apart behind them, and nobody else names one.
func (f *fold) actedInside(p ledger.Placed, s source, on approvals.Inside, a staff.Action, apart ...key) fault {
	by, inside := insider(p)
	switch {
	case !inside && (on != (approvals.Inside{}) || strings.HasPrefix(p.Actor, "staff:")):
		return impossible(ruleActor)
	case !inside:
		return fault{}
	}
	f.inside.claims = append(f.inside.claims, &insideClaim{source: s, person: by, version: on.Person, at: p.At.UnixMicro(), catalog: on.Catalog, action: a, apart: apart})
	return fault{}
}

// askedNamed returns the request of that name, or nil.
func (c *child) askedNamed(name string) *asked {
	k, ok := keyOf(id.Look, name)
	if i := slices.IndexFunc(c.askings, func(r *asked) bool { return r.id == k }); ok && i >= 0 {
		return c.askings[i]
	}
	return nil
}

func (f *fold) asked(p ledger.Placed, s source, c *child) fault {
	b, x := body[approvals.AskedBody](p)
	k, ok := keyOf(id.Look, b.Request)
	by, inside := insider(p)
	at := p.At.UnixMicro()
	switch {
	case x != (fault{}):
		return x
	case !inside:
		return impossible(ruleActor)
	case !ok || c.askedNamed(b.Request) != nil || len(b.Items) == 0 || b.Minutes < 1 ||
		b.AnswerBy <= at || !slices.Contains(approvals.Reasons, b.Reason) || b.Glass && b.Export:
		return impossible(ruleApproval)
	}
	basis, paper, x := basisOf(b, p.At)
	most := approvals.Defaults.MaxMinutes
	if basis.Ground == approvals.OnLife {
		most = approvals.LongestLife
	}
	switch {
	case x != (fault{}):
		return x
	case b.Minutes > most || basis.Foreign() != (p.Kind == approvals.KindForeign):
		return impossible(ruleApproval)
	}
	r := &asked{id: k, asker: by, number: b.Number, purpose: f.names.sym(b.Purpose), reason: f.names.sym(string(b.Reason)), minutes: b.Minutes,
		glass: b.Glass, export: b.Export, state: approvals.Open, at: at, answerBy: b.AnswerBy, basis: basis, paper: paper}
	if basis.Foreign() {
		r.state, r.answer = approvals.Refused, approvals.ForeignAuthority
	}
	for _, item := range b.Items {
		r.items = append(r.items, f.names.sym(item))
	}
	c.askings = add(c.askings, r)
	f.raises(p, b.Alarms)
	f.inside.claims = append(f.inside.claims, &insideClaim{source: s, person: by, version: b.Person, at: at, catalog: b.Catalog,
		action: staff.AskAccess, purpose: b.Purpose, items: b.Items, outside: b.Glass})
	return fault{}
}

var verdicts = map[string]approvals.State{approvals.KindGranted: approvals.Granted, approvals.KindNarrowed: approvals.Narrowed, approvals.KindRefused: approvals.Refused}

// askedDecided folds a decision: once, in time, by another person, and of no more than was
// asked (Article 15).
func (f *fold) askedDecided(p ledger.Placed, s source, c *child) fault {
	b, x := body[approvals.DecidedBody](p)
	r := c.askedNamed(b.Request)
	by, inside := insider(p)
	at, state := p.At.UnixMicro(), verdicts[p.Kind]
	switch {
	case x != (fault{}):
		return x
	case !inside || r != nil && (by == r.asker || by == r.first):
		return impossible(ruleActor)
	case r == nil || r.glass || r.state != approvals.Open && r.state != approvals.Agreed || at >= r.answerBy || !slices.Contains(approvals.Answers[state], b.Reason):
		return impossible(ruleApproval)
	case r.export && r.state == approvals.Open && state != approvals.Refused:
		return impossible(ruleApproval) // one alone
	}
	left := r.items
	if r.state == approvals.Agreed {
		left = r.granted
	}
	most := int64(r.minutes) * minute
	if r.basis.Ground == approvals.OnLaw {
		most = min(most, r.basis.Ends.UnixMicro()-at)
	}
	if b.Officer != (r.basis.Ground == approvals.OnLaw && state != approvals.Refused) {
		return impossible(ruleApproval) // Article 18: one of the two is in charge
	}
	granted, ok := f.among(b.Items, left)
	if !ok {
		return impossible(ruleApproval)
	}
	if state == approvals.Refused {
		if len(b.Items) > 0 || b.From != 0 || b.Until != 0 || b.Quota != 0 {
			return impossible(ruleApproval)
		}
	} else {
		all := len(granted) == len(left) && b.Until-b.From == most
		if r.export && (b.Until-b.From != most || b.Quota != int64(len(granted))) {
			return impossible(ruleApproval)
		}
		if b.From != at || b.Until <= b.From || b.Until-b.From > most || b.Quota < 1 || len(granted) == 0 || all != (state == approvals.Granted) {
			return impossible(ruleApproval)
		}
		f.agreement(s, at, b, by, r)
	}
	r.state, r.decider, r.answer, r.granted, r.from, r.until, r.quota, r.reply = state, by, b.Reason, granted, b.From, b.Until, b.Quota, b.Text
	r.officer = b.Officer
	if state == approvals.Refused {
		f.inside.claims = append(f.inside.claims, &insideClaim{source: s, person: by, version: b.Person, at: at, catalog: b.Catalog, action: staff.DecideAccess, apart: []key{r.asker}})
	}
	return fault{}
}

// among returns items of those that there are, each once.
func (f *fold) among(items []string, there []sym) (some []sym, ok bool) {
	for _, item := range items {
		y, known := f.names.syms[item]
		if !known || !slices.Contains(there, y) || slices.Contains(some, y) {
			return nil, false
		}
		some = append(some, y)
	}
	return some, true
}

// agreement claims what has to hold when somebody agrees: of all who take part the right,
// and of them together that they are different persons.
func (f *fold) agreement(s source, at int64, b approvals.DecidedBody, by key, r *asked) {
	parties := []partyThen{{r.asker, b.Asker, staff.AskAccess}, {by, b.Person, staff.DecideAccess}}
	if r.first != (key{}) {
		parties = append(parties, partyThen{r.first, b.First, staff.DecideAccess})
	}
	for _, p := range parties {
		claim := &insideClaim{source: s, person: p.person, version: p.version, at: at, catalog: b.Catalog, action: p.does}
		if p.person == by {
			claim.apart, claim.parties, claim.alone, claim.officer = []key{r.asker}, parties, r.export, b.Officer
		}
		f.inside.claims = append(f.inside.claims, claim)
	}
}

// askedAgreed folds that the first of two has agreed to an export (Article 15). It opens
// nothing.
func (f *fold) askedAgreed(p ledger.Placed, s source, c *child) fault {
	b, x := body[approvals.DecidedBody](p)
	r := c.askedNamed(b.Request)
	by, inside := insider(p)
	at := p.At.UnixMicro()
	switch {
	case x != (fault{}):
		return x
	case !inside || r != nil && by == r.asker:
		return impossible(ruleActor)
	case r == nil || !r.export || r.state != approvals.Open || at >= r.answerBy || b.Officer || b.From != 0 || b.Until != 0 || b.Quota != 0:
		return impossible(ruleApproval)
	}
	granted, ok := f.among(b.Items, r.items)
	verdict := approvals.Narrowed
	if len(granted) == len(r.items) {
		verdict = approvals.Granted
	}
	if !ok || len(granted) == 0 || !slices.Contains(approvals.Answers[verdict], b.Reason) {
		return impossible(ruleApproval)
	}
	f.agreement(s, at, b, by, r)
	r.state, r.first, r.firstFor, r.granted, r.firstReply = approvals.Agreed, by, b.Reason, granted, b.Text
	return fault{}
}

func (f *fold) askedEnded(p ledger.Placed, s source, c *child) fault {
	b, x := body[approvals.EndedBody](p)
	r := c.askedNamed(b.Request)
	by, inside := insider(p)
	at := p.At.UnixMicro()
	switch {
	case x != (fault{}):
		return x
	case r == nil, r.over(at):
		return impossible(ruleApproval)
	}
	switch b.Why {
	case approvals.GivenBack:
		if !inside || by != r.asker {
			return impossible(ruleActor)
		}
	case approvals.Revoked:
		if !inside || by == r.asker {
			return impossible(ruleActor)
		}
		f.inside.claims = append(f.inside.claims, &insideClaim{source: s, person: by, version: b.Person, at: at, catalog: b.Catalog, action: staff.DecideAccess})
	case approvals.Restored:
		if inside {
			return impossible(ruleActor)
		}
	default:
		return fault{what: FoundBody, field: ruleApproval}
	}
	r.state, r.ended, r.endedBy, r.why = approvals.Ended, at, p.Actor, b.Why
	return fault{}
}

// basisOf returns what a request rests on in place of a guardian's yes, and the mark of what
// is written of it.
func basisOf(b approvals.AskedBody, at time.Time) (basis approvals.Basis, paper string, x fault) {
	if b.Basis == nil {
		return basis, "", fault{}
	}
	basis = b.Basis.Basis()
	fits := basis.Ground == approvals.OnLaw && b.Export && b.Reason == approvals.ForAuthority ||
		basis.Ground == approvals.OnLife && b.Glass && b.Reason == approvals.ForSafety
	if !fits || basis.Fault(at) != nil || b.Basis.Mark == "" {
		return basis, "", impossible(ruleApproval)
	}
	return basis, b.Basis.Mark, fault{}
}

// askedReleased folds that something leaves on a basis: the first of it, by who has asked,
// in the window. The use comes after it.
func (f *fold) askedReleased(p ledger.Placed, c *child) fault {
	b, x := body[approvals.ReleasedBody](p)
	r := c.askedNamed(b.Request)
	by, inside := insider(p)
	at := p.At.UnixMicro()
	switch {
	case x != (fault{}):
		return x
	case !inside || r != nil && by != r.asker:
		return impossible(ruleActor)
	case r == nil || r.basis.Ground == approvals.OnConsent || r.released != 0 || r.state != approvals.Granted && r.state != approvals.Narrowed ||
		at < r.from || at >= r.until || b.Ground != r.basis.Ground || b.Receiver != r.basis.Receiver:
		return impossible(ruleApproval)
	}
	if items, ok := f.among(b.Items, r.granted); !ok || len(items) != len(r.granted) {
		return impossible(ruleApproval)
	}
	r.released, r.told = at, at
	if tell := micros(r.basis.SilentUntil); tell > at {
		r.told = 0
		if b.Tell != tell {
			return impossible(ruleApproval)
		}
	} else if b.Tell != 0 {
		return impossible(ruleApproval)
	}
	return fault{}
}

// askedTold folds that the silence about it is over.
func (f *fold) askedTold(p ledger.Placed, c *child) fault {
	b, x := body[approvals.ToldBody](p)
	r := c.askedNamed(b.Request)
	_, inside := insider(p)
	switch at := p.At.UnixMicro(); {
	case x != (fault{}):
		return x
	case inside:
		return impossible(ruleActor)
	case r == nil || r.released == 0 || r.told != 0 || b.Ground != r.basis.Ground || at < micros(r.basis.SilentUntil):
		return impossible(ruleApproval)
	default:
		r.told = at
	}
	return fault{}
}

// over reports whether nothing can come of it any more at that moment.
func (r *asked) over(at int64) bool {
	switch r.state {
	case approvals.Open, approvals.Agreed:
		return at >= r.answerBy
	case approvals.Granted, approvals.Narrowed:
		return at >= r.until
	}
	return true
}

// looked folds a look of a person inside. What was looked at is decided again later, with
// what stood of the approval at this place.
func (f *fold) looked(p ledger.Placed, s source, c *child, b gate.UseBody) fault {
	k, ok := insider(p)
	if !ok || b.Look == nil {
		return fault{what: FoundActor, field: "actor"}
	}
	u := &use{source: s, child: c, body: b, actor: p.Actor, at: p.At.UnixMicro(), permitted: p.Kind == gate.KindPermitted}
	u.use = gate.Use{Service: p.Service, Child: family.ID(p.Subject), Activity: charter.Activity(b.Activity),
		Purpose: b.Purpose, Items: b.Items, Party: b.Party}
	u.facts = f.factsOf(c, u)
	u.own()
	if x := c.sawAge(age.Class(b.Age), u.at); x != (fault{}) {
		return x
	}
	if x := f.crosses(c, u); x != (fault{}) {
		return x
	}
	claim := &insideClaim{source: s, person: k, version: b.Look.Person, at: u.at, catalog: b.Catalog, look: u}
	if r := c.askedNamed(b.Look.Approval); r != nil {
		claim.request = r.request(f.names, u.use.Child, p.Service)
		if u.permitted {
			if r.basis.Ground != approvals.OnConsent && r.released == 0 {
				return impossible(ruleApproval) // it went out, and nobody would be told
			}
			r.looks += counted(b)
		}
	} else if b.Look.Forged && id.Is(id.Look, b.Look.Approval) {
		claim.request.ID = b.Look.Approval // a row that was written by hand
	} else if b.Look.Approval != "" {
		return impossible(ruleApproval)
	}
	f.inside.claims = append(f.inside.claims, claim)
	f.raises(p, b.Look.Alarms)
	return fault{}
}

// counted is how many looks a look is: of an export, one at each item.
func counted(b gate.UseBody) int64 { return int64(max(1, len(b.Items))) }

// raises keeps which alarms a look or a request says that it raised.
func (f *fold) raises(p ledger.Placed, causes []approvals.Cause) {
	for _, cause := range causes {
		f.inside.alarms[raised{p.ID, cause, p.Actor, p.Service}]++
	}
}

// request returns the approval as the gate wants it, as of now.
func (r *asked) request(n *names, child family.ID, service string) approvals.Request {
	out := approvals.Request{ID: r.id.name(id.Look), Child: child, Service: service, Asker: r.asker.name(id.Staff), Purpose: n.text(r.purpose),
		Export: r.export, State: r.state, From: moment(r.from), Until: moment(r.until), Quota: r.quota, Looks: r.looks,
		Glass: r.glass, AskedAt: moment(r.at), Basis: r.basis, Officer: r.officer}
	if r.first != (key{}) {
		out.First = r.first.name(id.Staff)
	}
	if r.decider != (key{}) {
		out.Decider = r.decider.name(id.Staff)
	}
	for _, y := range r.granted {
		out.Granted = append(out.Granted, n.text(y))
	}
	return out
}

// A raised alarm is of a look.
type raised struct {
	use            string
	cause          approvals.Cause
	actor, service string
}

// alarm folds that a look has raised one. Of the two entries either may stand first.
func (f *fold) alarm(p ledger.Placed, s source) fault {
	b, x := body[approvals.AlarmBody](p)
	if x != (fault{}) {
		return x
	}
	f.alerted(p, b)
	if ofTouch(p, b) {
		if b.Use == "" && !atTerminal(p) {
			return impossible(ruleAlarm)
		}
		return fault{} // see audit.touch
	}
	r := raised{b.Use, b.Cause, p.Actor, p.Service}
	f.inside.alarms[r]--
	f.inside.alarmed[r] = s
	return fault{}
}

// checkAlarms finds the looks without the entry of an alarm that they have raised, and
// those entries without a look.
func (f *fold) checkAlarms() {
	order := func(x, y raised) int { return cmp.Or(cmp.Compare(x.use, y.use), cmp.Compare(x.cause, y.cause)) }
	for _, r := range slices.SortedFunc(maps.Keys(f.inside.alarms), order) {
		if f.inside.alarms[r] == 0 {
			continue
		}
		s, told := f.inside.alarmed[r]
		if !told {
			s.entry = r.use
		}
		f.blame(s, impossible(ruleAlarm))
	}
}
