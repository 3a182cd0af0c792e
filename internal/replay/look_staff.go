package replay

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	approvals "wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/id"
	"wardkeep/internal/catalog"
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
	alone   bool         // likewise: of a file, or without the office
	officer bool         // likewise: on a law, so one of those who agree holds an office
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
	u := &use{source: s, body: b, actor: p.Actor, at: p.At.UnixMicro(), permitted: p.Kind == gate.KindPermitted}
	u.use = gate.Use{Service: p.Service, Child: family.ID(p.Subject), Activity: charter.Activity(b.Activity),
		Purpose: b.Purpose, Items: b.Items, Party: b.Party}
	u.facts = f.factsOf(c, u)
	u.own()
	if x := c.sawAge(age.Class(b.Age), u.at); x != (fault{}) {
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

// settle judges the claims that nothing can come for any more: those that are older than
// now by more than clocks and transactions may differ, and of the same person those of a
// lower version. At the end, now is 0, and all are judged.
func (f *fold) settle(now int64) {
	claims := f.inside.claims
	if len(claims) == 0 || now != 0 && now-claims[0].at <= 2*slack {
		return
	}
	due := make(map[key]int64) // person → up to which version
	for _, c := range claims {
		if now == 0 || now-c.at > 2*slack {
			due[c.person] = max(due[c.person], c.version)
		}
	}
	var ripe []*insideClaim
	f.inside.claims = slices.DeleteFunc(claims, func(c *insideClaim) bool {
		if c.version > due[c.person] {
			return false
		}
		ripe = append(ripe, c)
		return true
	})
	slices.SortStableFunc(ripe, func(x, y *insideClaim) int {
		// What a person did about several children has its place as it may, and was counted as it came.
		return cmp.Or(slices.Compare(x.person[:], y.person[:]), cmp.Compare(x.version, y.version), cmp.Compare(x.at, y.at))
	})
	for _, c := range ripe {
		f.blame(c.source, f.judge(c))
	}
}

// judge says what is wrong with what somebody inside did, or what is missing of it.
func (f *fold) judge(c *insideClaim) fault {
	who := f.inside.persons[c.person]
	if who == nil {
		return fault{what: FoundActor, field: "actor"}
	}
	p, behind := f.then(c.person, c.version)
	var s *service
	if s = f.services[c.source.service]; s == nil {
		return fault{what: FoundCatalog, field: "catalog", want: "–", got: number(c.catalog)}
	}
	v, _, ok := s.at(c.catalog)
	if !ok {
		return fault{what: FoundCatalog, field: "catalog", want: number(s.now().number), got: number(c.catalog)}
	}
	now := v.catalog(s)
	if c.look != nil {
		return f.lookAgain(c, who, p, now)
	}
	if !approvals.May(p, c.action, now) {
		return impossible(ruleActor)
	}
	p.Grants = approvals.Standing(p, now) // a term that is over stands for nobody
	for _, other := range c.apart {
		if p.RestsOn(behind, other.name(id.Staff), c.action, now.Name) {
			return impossible(ruleActor)
		}
	}
	var parties []approvals.Party
	for _, of := range c.parties {
		one, behind := f.then(of.person, of.version)
		if one.State != staff.Active {
			return impossible(ruleActor)
		}
		parties = append(parties, approvals.Party{Person: one, Does: of.does, Behind: behind})
	}
	if approvals.Apart(now, c.alone, parties...) != nil {
		return impossible(ruleActor)
	}
	if c.officer && !slices.ContainsFunc(parties, func(one approvals.Party) bool {
		return one.Does == staff.DecideAccess && approvals.InOffice(one.Person, now)
	}) {
		return impossible(ruleActor)
	}
	if x := f.apart(c, p, now); x != (fault{}) {
		return x
	}
	if e := s.editions[v.charter]; e != nil && e.published.Charter != nil && len(c.items) > 0 {
		purpose, ok := e.published.Charter.Purpose(c.purpose)
		if !ok || slices.ContainsFunc(c.items, func(item string) bool { return !purpose.Has(item) }) {
			return fault{what: FoundStrange, field: "items"} // invariant 6
		}
	}
	if c.seen != nil {
		looks := who.looks.At(moment(c.at))
		who.looks, who.looked = looks.PlusDocument(), true
		if looks.InHour >= c.seen.PerHour || looks.InDay >= c.seen.PerDay {
			return impossible(ruleApproval)
		}
	}
	return fault{}
}

// then returns a person as they were at a version, and who stood behind them. Whom nobody
// knows may nothing.
func (f *fold) then(person key, version int64) (staff.Person, staff.Backing) {
	var then standing
	if who := f.inside.persons[person]; who != nil {
		then = who.at(version)
	}
	return staff.Person{ID: person.name(id.Staff), Version: version, State: then.state, Grants: then.grants}, then.behind
}

// catalog is the service as it was at that version.
func (v version) catalog(s *service) catalog.Service {
	return catalog.Service{Name: s.name, State: s.state, Version: v.number, Charter: v.charter, OfficerID: v.officer, DeputyID: v.deputy,
		Closed: v.closed, Successor: v.succeeds, Overdue: v.overdue, Recalled: v.recalled}
}

// lookAgain decides a look again, and counts it.
func (f *fold) lookAgain(c *insideClaim, who *person, p staff.Person, now catalog.Service) fault {
	u := c.look
	s, v, x, _ := f.inForce(u.service, u.body.Catalog, u.body.Charter, u.at)
	if x != (fault{}) {
		return x
	}
	u.facts.Service = now
	if e := s.editions[v.charter]; e != nil {
		if e.published.Charter == nil {
			e.undecided++
			return fault{}
		}
		u.facts.Published = e.published
	}
	if k := u.use.KnownInside(u.facts.Published.Charter); k.Purpose != u.use.Purpose || k.Party != u.use.Party || k.Activity != u.use.Activity || !slices.Equal(k.Items, u.use.Items) {
		return fault{what: FoundStrange, field: "items"} // invariant 6
	}
	looks := who.looks.At(moment(u.at)).Within(moment(u.at), time.Duration(u.body.Look.BurstIn)*time.Microsecond)
	look := gate.Look{Person: p, Request: c.request, Intact: !u.body.Look.Forged, Suspended: f.suspended(c.person, c.version, u.at), Looks: looks, PerHour: u.body.Look.PerHour, PerDay: u.body.Look.PerDay,
		Export: u.body.Look.Export, Key: staff.Recipient{GoodFrom: moment(who.at(c.version).key.good)}}
	_, reasons := gate.Decide(u.facts, gate.ByStaff(look), u.use)
	if u.permitted {
		n := counted(u.body)
		who.looks, who.looked = looks.Plus(n), true
		if slices.Contains(u.body.Look.Alarms, approvals.Burst) != looks.Bursts(n, u.body.Look.Burst) ||
			slices.Contains(u.body.Look.Alarms, approvals.Exported) != u.body.Look.Export {
			return impossible(ruleAlarm)
		}
	}
	if slices.Contains(u.body.Look.Alarms, approvals.Forged) != u.body.Look.Forged {
		return impossible(ruleAlarm)
	}
	if u.permitted != (len(reasons) == 0) || !slices.Equal(reasons, u.body.Reasons) {
		return fault{what: FoundVerdict, want: verdict(len(reasons) == 0, reasons), got: verdict(u.permitted, u.body.Reasons)}
	}
	if u.body.Look.Role != approvals.RoleFor(p, staff.AskAccess, now) {
		return impossible(ruleActor) // looks are tallied by it
	}
	return fault{}
}

// stands keeps what the person holds from this version on.
func (who *person) stands(version int64) {
	s := standing{version: version, state: staff.Active, key: who.recipient, grants: slices.Collect(maps.Keys(who.roles)),
		behind: staff.Backing{Makers: who.makers, Given: make(map[staff.Grant]string, len(who.roles))}}
	for g, is := range who.roles {
		s.behind.Given[g] = is.by
	}
	if who.left != 0 {
		s.state = staff.Left
	}
	who.history = add(who.history, s)
}

// at returns what the person held at a version.
func (who *person) at(version int64) (then standing) {
	for _, s := range who.history {
		if s.version <= version {
			then = s
		}
	}
	return then
}

// compareApproval compares a row of approval.
func (a *audit) compareApproval(t *tally, row approvals.Request) {
	r := a.of(t, "approval", string(row.Child), a.names.shown(row.ID))
	if t == nil {
		r.extra()
		return
	}
	is := t.child.askedNamed(row.ID)
	if is == nil {
		r.extra()
		return
	}
	t.marks[row.ID] = true
	first, decider := "", ""
	if is.first != (key{}) {
		first = is.first.name(id.Staff)
	}
	if is.decider != (key{}) {
		decider = is.decider.name(id.Staff)
	}
	r.text("service", a.names.text(t.child.service), row.Service)
	r.text("number", is.number, row.Number)
	r.text("asker", is.asker.name(id.Staff), row.Asker)
	r.text("purpose", a.names.text(is.purpose), row.Purpose)
	r.text("items", a.names.all(is.items), strings.Join(row.Items, " "))
	r.text("reason", a.names.text(is.reason), string(row.Reason))
	r.number("minutes", int64(is.minutes), int64(row.Minutes))
	r.flag("glass", is.glass, row.Glass)
	r.flag("export", is.export, row.Export)
	r.text("first_by", first, row.First)
	r.text("first_for", string(is.firstFor), string(row.FirstFor))
	r.text("state", string(is.state), string(row.State))
	r.time("asked_at", is.at, micros(row.AskedAt))
	r.time("answer_by", is.answerBy, micros(row.AnswerBy))
	r.text("decider", decider, row.Decider)
	r.text("granted", a.names.all(is.granted), strings.Join(row.Granted, " "))
	r.text("answer", string(is.answer), string(row.Answer))
	r.time("from_at", is.from, micros(row.From))
	r.time("until_at", is.until, micros(row.Until))
	r.number("quota", is.quota, row.Quota)
	r.number("looks", is.looks, row.Looks)
	r.time("ended_at", is.ended, micros(row.EndedAt))
	r.text("ended_by", is.endedBy, row.EndedBy)
	r.text("why", string(is.why), string(row.Why))
	r.text("ground", string(is.basis.Ground), string(row.Ground))
	r.text("receiver", string(is.basis.Receiver), string(row.Receiver))
	r.text("level", string(is.basis.Level), string(row.Level))
	r.text("country", is.basis.Country, row.Country)
	r.time("ends_at", micros(is.basis.Ends), micros(row.Ends))
	r.text("silence", string(is.basis.Silence), string(row.Silence))
	r.time("silent_until", micros(is.basis.SilentUntil), micros(row.SilentUntil))
	r.flag("officer", is.officer, row.Officer)
	r.time("released_at", is.released, micros(row.ReleasedAt))
	r.time("told_at", is.told, micros(row.ToldAt))
	note, firstReply, reply, review := row.Written()
	r.flag("note", true, note)
	r.flag("first_reply", is.firstReply, firstReply)
	r.flag("reply", is.reply, reply)
	g := a.fold.inside.glasses[is.id]
	r.flag("review", g != nil && g.text, review)
	if a.ring != nil && !row.Intact(a.ring) {
		r.found(FoundHash, "bound", "–", "–")
	}
	if a.ring != nil && !t.locked && row.IntactText(a.ring, t.record.Child) != nil {
		r.found(FoundSealed, "note, reply", "–", "–")
	}
	if a.ring != nil && !t.locked && is.paper != row.PaperMark(a.ring, t.record.Child) {
		r.found(FoundHash, "paper", "–", "–")
	}
}

// all returns the texts, with spaces between.
func (n *names) all(list []sym) string {
	texts := make([]string, len(list))
	for i, y := range list {
		texts[i] = n.text(y)
	}
	return strings.Join(texts, " ")
}

// compareApprovals names the requests that the ledger knows and the table doesn't.
func (a *audit) compareApprovals(t *tally) {
	for _, r := range t.child.askings {
		if name := r.id.name(id.Look); !t.marks[name] {
			a.of(t, "approval", "", name).missing()
		}
	}
}

// looksRows compares how often persons inside have looked.
func (a *audit) looksRows() error {
	seen := make(map[key]bool)
	err := db.Each(a.ctx, a.tx, func(row db.Row) error {
		var name string
		var l approvals.Looks
		if err := row.Scan(&name, &l.Hour, &l.InHour, &l.Day, &l.InDay, &l.Since, &l.InBurst); err != nil {
			return err
		}
		r := at{audit: a, table: "person_looks", row: a.names.shown(name)}
		k, who := a.person(name)
		if who == nil || !who.looked {
			r.extra()
			return nil
		}
		seen[k] = true
		r.number("hour", who.looks.Hour, l.Hour)
		r.number("in_hour", who.looks.InHour, l.InHour)
		r.number("day", who.looks.Day, l.Day)
		r.number("in_day", who.looks.InDay, l.InDay)
		r.time("since", who.looks.Since, l.Since)
		r.number("in_burst", who.looks.InBurst, l.InBurst)
		return nil
	}, `SELECT person, hour, in_hour, day, in_day, since, in_burst FROM person_looks ORDER BY person`)
	if err == nil {
		a.lost("person_looks", seen, func(p *person) bool { return p.looked })
	}
	return err
}
