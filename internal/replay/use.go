package replay

import (
	"slices"
	"strings"

	"wardkeep/internal/base/id"
	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/family/age"
	"wardkeep/internal/gate"
	"wardkeep/internal/ledger"
)

// A use is a recorded decision with the facts that it rested on.
type use struct {
	source
	child     *child
	facts     gate.Facts // without the service
	use       gate.Use
	body      gate.UseBody
	app       string  // "ak_…"
	key       string  // "kp_…", of a party that has asked by itself
	bundle    *bundle // of what was decided once more about one
	actor     string
	at        int64
	permitted bool
	opening   *opening
	missing   fault // why it could not be decided yet
}

// scratch are the slices of the use at hand, so that deciding makes no garbage.
type scratch struct {
	guardians []family.Guardian
	answers   []consent.Answer
	held      []gate.Held
	endings   family.Endings
}

// use decides a recorded use again, or keeps it until its service is known.
func (f *fold) use(p ledger.Placed, s source, c *child) fault {
	b, err := f.bodies.Of(p)
	if err != nil {
		return fault{what: FoundBody, field: p.Kind}
	}
	f.uses++
	if b.Look != nil || strings.HasPrefix(p.Actor, "staff:") {
		return f.looked(p, s, c, b)
	}
	u := &f.hand
	*u = use{source: s, child: c, body: b, actor: p.Actor, at: p.At.UnixMicro(), permitted: p.Kind == gate.KindPermitted}
	var ok bool
	if u.app, ok = strings.CutPrefix(p.Actor, "app:"); !ok {
		u.key, ok = strings.CutPrefix(p.Actor, "party:")
	}
	asks, pushes := b.Pull != nil && b.Pull.Bundle == "", b.Pull != nil && b.Pull.Bundle != ""
	if !ok || (u.key != "") != asks {
		return fault{what: FoundActor, field: "actor"}
	}
	if b.Pull != nil {
		if x := f.meters(p, u); x != (fault{}) {
			return x
		}
	}
	if pushes && u.permitted {
		if x := f.pushed(p, u); x != (fault{}) {
			return x
		}
	}
	// The pseudonym stands for the child's name, which the ledger doesn't have.
	u.use = gate.Use{Service: p.Service, Child: family.ID(p.Subject), Activity: charter.Activity(b.Activity),
		Purpose: b.Purpose, Items: b.Items, Party: b.Party}
	u.facts = f.factsOf(c, u)
	if x := c.sawAge(age.Class(b.Age), u.at); x != (fault{}) {
		return x
	}
	if x := f.crosses(c, u); x != (fault{}) {
		return x
	}
	switch collect := u.use.Activity == charter.Collect; {
	case !u.permitted:
	case collect:
		u.opening = &opening{version: p.Version, at: u.at, purpose: f.names.keep(b.Purpose), items: b.Items, collect: true, source: s}
		if c.opening != nil {
			f.blame(c.opening.source, impossible(ruleCollected)) // one lock, one collection
		}
		c.opening = u.opening
	case c.holdsFor(f.names, b.Purpose):
		u.opening = &opening{version: p.Version, at: u.at, purpose: f.names.keep(b.Purpose), items: b.Items}
	}
	x, wait := f.decide(u)
	if o := u.opening; o != nil && !o.collect && (wait || o.terms != nil) {
		f.recent[f.oldest] = open{c, o}
		f.oldest = (f.oldest + 1) % recent
	}
	if wait {
		f.keep(u, x)
		return fault{}
	}
	return x
}

// recent bounds how many uses are remembered that new ends of values may follow.
// What follows is of the same transaction, and so of the same round of the
// sequencer or of the next; other uses at the same version may stand between.
const recent = 1 << 13

// openingOf returns the use that the change at this version and time belongs to,
// or nil.
func (f *fold) openingOf(c *child, version, at int64) *opening {
	for i := range f.recent {
		o := f.recent[(f.oldest-1-i+2*recent)%recent]
		if o.child == c && o.opening.version == version-1 && o.opening.at == at {
			return o.opening
		}
	}
	return nil
}

// holdsFor reports whether a use for the purpose could prolong anything.
func (c *child) holdsFor(n *names, purpose string) bool {
	y, known := n.syms[purpose]
	return known && slices.ContainsFunc(c.values, func(v value) bool { return v.purpose == y })
}

// sawAge keeps what the entries say about the child's age: all of those as a child
// must lie before those as none, and those as a minor before those as an adult.
func (c *child) sawAge(class age.Class, at int64) fault {
	switch class {
	case age.Child:
		c.childAt = max(c.childAt, at)
	case age.Minor:
		c.grownAt, c.minorAt = earlier(c.grownAt, at), max(c.minorAt, at)
	case age.Adult:
		c.grownAt, c.adultAt = earlier(c.grownAt, at), earlier(c.adultAt, at)
	default:
		return fault{what: FoundBody, field: ruleClass}
	}
	if c.grownAt != 0 && c.childAt >= c.grownAt || c.adultAt != 0 && c.minorAt >= c.adultAt {
		return impossible(ruleClass)
	}
	return fault{}
}

// earlier is the earlier of two times, of which the first may be none.
func earlier(was, at int64) int64 {
	if was == 0 {
		return at
	}
	return min(was, at)
}

// factsOf puts the facts about a child together. They share f's slices.
func (f *fold) factsOf(c *child, u *use) gate.Facts {
	n, t := f.names, &f.facts
	t.guardians, t.answers, t.held = t.guardians[:0], t.answers[:0], t.held[:0]
	t.endings = c.appendEndings(t.endings[:0], n)
	for _, g := range c.guardians {
		t.guardians = append(t.guardians, g.family(n))
	}
	for _, a := range c.answers {
		t.answers = append(t.answers, a.consent(n, c.guardians[a.guardian].id))
	}
	switch {
	case len(u.body.Held) > 0:
		for _, s := range u.body.Held {
			t.held = append(t.held, gate.Held{Item: s.Item, Purpose: s.Purpose, Collected: moment(s.Collected), Expires: moment(s.Expires)})
		}
	case u.use.Activity != charter.Collect && u.use.Activity != charter.Store:
		// What is collected or sealed is new, whatever else is held.
		for _, item := range u.body.Items {
			if y, known := n.syms[item]; known {
				t.held = c.appendHeld(t.held, n, y)
			}
		}
	}
	return gate.Facts{
		Now: moment(u.at),
		Child: family.Child{ID: u.use.Child, Service: n.text(c.service), Version: c.version, State: states[c.state],
			Frozen: c.frozen, Disputed: c.disputed, ExpiresAt: moment(c.expires), Endings: t.endings},
		Border: u.count(), Age: age.Class(u.body.Age), Guardians: t.guardians, Answers: t.answers, Held: t.held,
	}
}

func (c *child) appendHeld(held []gate.Held, n *names, item sym) []gate.Held {
	for _, v := range c.values {
		if v.item == item {
			held = append(held, gate.Held{Item: n.text(v.item), Purpose: n.text(v.purpose), Collected: moment(v.collected), Expires: moment(v.expires)})
		}
	}
	return held
}

// consent returns the answer as the gate wants it. Its names are bytes that sort
// as the names do.
func (a answer) consent(n *names, by key) consent.Answer {
	out := consent.Answer{ID: string(a.id[:]), Guardian: family.GuardianID(by[:]), Purpose: n.text(a.purpose),
		Charter: int64(a.charter), GivenAt: moment(a.given), Granted: a.granted, Takeover: a.takeover, Strength: family.Strength(a.strength)}
	if a.withdraws {
		out.Withdraws = "co_"
	}
	return out
}

// maxLate bounds the uses that wait for an entry about their service.
const maxLate = 1 << 16

// keep puts a use aside with facts of its own.
func (f *fold) keep(u *use, why fault) {
	if len(f.late) >= maxLate {
		f.blame(u.source, why)
		return
	}
	late := *u // the one at hand is the next soon
	late.missing = why
	late.own()
	f.late = append(f.late, &late)
}

// own gives the use facts that it doesn't share.
func (u *use) own() {
	u.facts.Guardians = slices.Clone(u.facts.Guardians)
	u.facts.Answers = slices.Clone(u.facts.Answers)
	u.facts.Held = slices.Clone(u.facts.Held)
	u.facts.Child.Endings = slices.Clone(u.facts.Child.Endings)
}

// resolve decides what waited and now can be decided.
func (f *fold) resolve() {
	f.late = slices.DeleteFunc(f.late, func(u *use) bool {
		x, wait := f.decide(u)
		if wait {
			u.missing = x
			return false
		}
		if o := u.opening; x == (fault{}) && o != nil {
			x = o.check()
		}
		f.blame(u.source, x)
		return true
	})
}

// decide compares a recorded decision with the one that the facts give. Wait
// says that what is missing may still come.
func (f *fold) decide(u *use) (x fault, wait bool) {
	s, v, x, wait := f.inForce(u.service, u.body.Catalog, u.body.Charter, u.at)
	if x != (fault{}) {
		return x, wait
	}
	c := f.apps[u.app]
	byApp := u.key == "" && u.bundle == nil
	if c == nil && byApp {
		return fault{what: FoundActor, field: "actor"}, true
	}
	keys := c.good(u.at)
	if len(keys) == 0 && byApp {
		return fault{what: FoundActor, field: "actor"}, false
	}
	u.facts.Service = v.catalog(s)
	u.facts.Published = catalog.Published{}
	if e := s.editions[v.charter]; e != nil {
		if e.published.Charter == nil {
			e.undecided++
			return fault{}, false
		}
		u.facts.Published = e.published
	}
	u.facts.Party, u.facts.Storage = s.party(u.use, v.number), s.storage(v.number)
	switch b := u.bundle; {
	case u.key != "":
		u.facts.Key = f.keyAt(s, u.key, v.number)
		u.facts.Access = s.access(u.facts.Key.Country, v.number)
		return f.compareWith(u, gate.ByParty(u.body.Pull.Pull(s.name, u.key))), false
	case b != nil:
		u.facts.Key = f.keyAt(s, b.key, v.number)
		u.facts.Access = s.access(u.facts.Key.Country, v.number)
		return f.compareWith(u, gate.ByBundle(gate.Pull{Key: b.key, Party: b.of, Bundle: b.id.name(id.Bundle)})), false
	case u.body.Pull != nil:
		u.facts.Key = f.keyAt(s, u.body.Pull.Key, v.number)
	}
	u.facts.Access = s.access(c.country, v.number)
	if u.body.Pull != nil {
		u.facts.Access = s.access(u.facts.Key.Country, v.number) // who opens what is pushed is at the key
	}
	var room [2]gate.Actor
	actors := room[:0]
	for _, k := range keys {
		by := gate.Replayed(u.actor, c.service, c.scopes, c.country, moment(k.expires))
		if u.body.Pull != nil {
			by = by.Pushing(u.body.Pull.Pull(s.name, ""))
		}
		actors = append(actors, by)
	}
	return f.compareWith(u, actors...), false
}

// inForce returns the service at the version that an entry of that moment rests
// on, or what is wrong with it. Wait says that the version may still come.
func (f *fold) inForce(name string, catalog, charter, at int64) (s *service, v version, x fault, wait bool) {
	if s = f.services[name]; s == nil {
		return nil, v, fault{what: FoundCatalog, field: "catalog", want: "–", got: number(catalog)}, true
	}
	v, next, ok := s.at(catalog)
	now := number(s.now().number)
	switch {
	case !ok:
		return s, v, fault{what: FoundCatalog, field: "catalog", want: now, got: number(catalog)}, catalog > s.now().number
	case next.at != 0 && at-next.at > slack, v.at-at > slack:
		return s, v, fault{what: FoundCatalog, field: "catalog", want: now, got: number(catalog)}, false
	case v.charter != charter:
		return s, v, fault{what: FoundCatalog, field: "charter", want: number(v.charter), got: number(charter)}, false
	}
	return s, v, fault{}, false
}

// compareWith decides with each actor that it may have been: of an app during the overlap of
// a rotation there are two keys, and the entry doesn't say which it was.
func (f *fold) compareWith(u *use, actors ...gate.Actor) fault {
	published := u.facts.Published.Charter
	if k := u.use.Known(published); k.Purpose != u.use.Purpose || k.Party != u.use.Party || k.Activity != u.use.Activity || !slices.Equal(k.Items, u.use.Items) {
		return fault{what: FoundStrange, field: "items"} // invariant 6
	}
	if u.opening != nil && published != nil {
		u.allow(published)
	}
	var first fault
	for i, by := range actors {
		_, reasons := gate.Decide(u.facts, by, u.use)
		if u.permitted == (len(reasons) == 0) && slices.Equal(reasons, u.body.Reasons) {
			return f.counted(u, by)
		}
		if i == 0 {
			first = fault{what: FoundVerdict, want: verdict(len(reasons) == 0, reasons), got: verdict(u.permitted, u.body.Reasons)}
		}
	}
	return first
}

// allow says what may be written after the use.
func (u *use) allow(c *charter.Charter) {
	purpose, ok := c.Purpose(u.body.Purpose)
	switch o := u.opening; {
	case ok && (o.collect || purpose.Retention.From == charter.FromLastUse):
		o.terms = &purpose.Retention
	case o.written:
		o.terms = &charter.Retention{} // nothing was to be prolonged: any new end differs
	}
}

// verdict is a decision in codes: "permitted", "9:consent_missing 12:value_expired(voice)".
func verdict(permitted bool, reasons []gate.Denial) string {
	if permitted && len(reasons) == 0 {
		return "permitted"
	}
	var b strings.Builder
	for i, r := range reasons {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(r.Article + ":" + strings.TrimPrefix(r.Code, "gate."))
		if r.Item != "" {
			b.WriteString("(" + r.Item + ")")
		}
	}
	if b.Len() == 0 {
		return "denied"
	}
	if permitted {
		return "permitted, " + b.String()
	}
	return b.String()
}
