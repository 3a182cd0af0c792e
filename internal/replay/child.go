package replay

import (
	"slices"
	"strings"
	"time"

	"wardkeep/internal/base/id"
	"wardkeep/internal/family"
	"wardkeep/internal/family/age"
	"wardkeep/internal/gate"
	"wardkeep/internal/ledger"
	"wardkeep/internal/legal"
	"wardkeep/internal/order"
	"wardkeep/internal/vault"
)

// childEntry folds an entry about a child.
func (f *fold) childEntry(p ledger.Placed, s source, k key) fault {
	c := f.children[k]
	if p.Kind == family.KindRegistered {
		return f.registered(p, s, k, c)
	}
	switch {
	case c == nil:
		return impossible(ruleRegistered)
	case c.state == erased:
		return fault{what: FoundErased, field: p.Kind}
	case f.names.text(c.service) != p.Service:
		return impossible(ruleService)
	}
	f.lives(c, p)
	look := strings.HasPrefix(p.Kind, "access.")
	sent := p.Kind == gate.KindReleased || p.Kind == gate.KindWithheld
	use := look || sent || p.Kind == gate.KindPermitted || p.Kind == gate.KindDenied
	if x := c.follow(p, use); x != (fault{}) {
		return x
	}
	if use && !sent { // it counted when it was pushed
		f.counts.add(f.names, c, p, f.bodies)
	}
	o := c.opening
	if o != nil && (!use || p.Version > o.version) {
		c.opening = nil
		if p.Kind != vault.KindCollected {
			// A collection and what it wrote are one transaction, with one lock. Only
			// other uses at the same version can stand between.
			f.blame(o.source, impossible(ruleCollected))
		}
	}
	switch {
	case look:
		return f.look(p, c)
	case strings.HasPrefix(p.Kind, "bundle."):
		return f.bundleEntry(p, s, k, c)
	case use:
		return f.use(p, s, c)
	case p.Kind == vault.KindKept:
		return f.wrote(p, c, f.openingOf(c, p.Version, p.At.UnixMicro()))
	case p.Kind == vault.KindCollected:
		return f.wrote(p, c, o)
	case p.Kind == vault.KindEvent:
		return f.event(p, s, c)
	case strings.HasPrefix(p.Kind, "birth."):
		return f.claims(p, c)
	case strings.HasPrefix(p.Kind, "consent."):
		return f.consentEntry(p, s, c)
	case p.Kind == family.KindGuardianProved, p.Kind == family.KindProofExpired:
		return f.proofEntry(p, s, c)
	case strings.HasPrefix(p.Kind, "guardian."):
		return f.guardianEntry(p, c)
	case strings.HasPrefix(p.Kind, "verification."):
		return f.attemptEntry(p, s, c)
	case strings.HasPrefix(p.Kind, "approval."):
		return f.askedEntry(p, s, c)
	case strings.HasPrefix(p.Kind, "shield."):
		return f.shieldEntry(p, s, c)
	case strings.HasPrefix(p.Kind, "request."):
		return f.rightsEntry(p, s, c)
	case p.Kind == legal.KindApproved, p.Kind == legal.KindEnded:
		return f.approvalEntry(p, k)
	case p.Kind == legal.KindKept:
		return f.keeps(p, s, k, c)
	case p.Kind == order.KindIssued:
		return f.ordered(p, s, k, c)
	case strings.HasPrefix(p.Kind, "assistance."):
		return f.helpEntry(p, s, k, c)
	}
	return f.familyEntry(p, s, k, c)
}

// follow checks that the entry's version may come here, and takes it.
func (c *child) follow(p ledger.Placed, use bool) fault {
	v, at := p.Version, p.At.UnixMicro()
	least := max(c.version, c.used)
	right := v >= least
	if !use {
		right = v > c.used && (v > c.version || v == c.version && at == c.at)
		least = max(c.version, c.used+1)
	}
	if use {
		c.used = max(c.used, v)
	} else if v > c.version {
		c.version, c.at = v, at
	}
	if !right {
		return fault{what: FoundOrder, field: "version", want: "≥ " + number(least), got: number(v)}
	}
	return fault{}
}

func (f *fold) registered(p ledger.Placed, s source, k key, c *child) fault {
	b, x := body[family.RegisteredBody](p)
	switch {
	case x != (fault{}):
		return x
	case c != nil:
		return impossible(ruleRegistered)
	case p.Version != 1:
		return fault{what: FoundOrder, field: "version", want: "1", got: number(p.Version)}
	}
	at := p.At.UnixMicro()
	home := f.names.sym(p.Service)
	is := &child{service: home, created: at, expires: b.Until, version: 1, at: at, birthFrom: f.names.sym(string(b.Source))}
	if b.Source != "" {
		is.birth = 1
	}
	f.children[k] = is
	f.lives(is, p)
	if _, known := f.homes[home]; !known {
		f.homes[home] = s
	}
	if b.Class != age.Child || b.Until != p.At.Add(family.UnconsentedLife).UnixMicro() {
		return impossible(ruleRegistered) // edge case 5: a day, and not a moment more
	}
	return f.enrols(is, b.Person, at)
}

// familyEntry folds a change of the child itself.
func (f *fold) familyEntry(p ledger.Placed, s source, k key, c *child) fault {
	var x fault
	var was, is *bool
	t, fl := true, false
	switch p.Kind {
	case family.KindCorrected:
		var b family.CorrectedBody
		if b, x = body[family.CorrectedBody](p); x == (fault{}) {
			x = c.claimed(p, b)
		}
		if b.What == "birth" {
			c.childAt, c.grownAt, c.minorAt, c.adultAt, c.aged = 0, 0, 0, 0, uint8(family.AgedNot)
			c.birth, c.birthFrom = p.Version, f.names.sym(string(b.Source))
		}
	case family.KindFrozen:
		_, x = body[family.FrozenBody](p)
		was, is = &c.frozen, &t
		f.onAccount(p, s, k)
	case family.KindUnfrozen:
		_, x = body[family.UnfrozenBody](p)
		was, is = &c.frozen, &fl
		f.onAccount(p, s, k)
	case family.KindDisputed:
		_, x = body[family.DisputedBody](p)
		was, is = &c.disputed, &t
	case family.KindSettled:
		_, x = body[family.SettledBody](p)
		was, is = &c.disputed, &fl
	case family.KindTurning, family.KindTurned, family.KindGrown:
		return f.ages(p, c)
	case family.KindCeasing:
		return f.childCeases(p, s, c)
	case family.KindInactive:
		return f.inactive(p, s, c)
	case family.KindHandedOver:
		return f.handsOver(p, s, c)
	case family.KindErased:
		return f.erase(p, s, k, c)
	case vault.KindErased:
		return f.lost(p, c)
	default:
		return fault{what: FoundKind, got: f.names.shown(p.Kind)}
	}
	if x == (fault{}) && was != nil {
		if *was == *is {
			return impossible(ruleState)
		}
		*was = *is
	}
	return x
}

// ages folds that a child turns 14, that it has, and that it is 18: each once, in that
// order, and as its birth date says, which is compared with the table's later.
func (f *fold) ages(p ledger.Placed, c *child) fault {
	told, class := family.AgedTurning, age.Child
	_, x := body[family.TurningBody](p)
	switch p.Kind {
	case family.KindTurned:
		told, class = family.AgedTurned, age.Minor
	case family.KindGrown:
		told, class = family.AgedGrown, age.Adult
	}
	switch {
	case x != (fault{}):
		return x
	case c.birth == 0 || uint8(told) <= c.aged:
		return impossible(ruleClass)
	}
	c.aged = uint8(told)
	return c.sawAge(class, p.At.UnixMicro())
}

// erase keeps of a child only that there was one.
func (f *fold) erase(p ledger.Placed, s source, k key, c *child) fault {
	b, x := body[family.ErasedBody](p)
	held := len(c.values) > 0
	early := b.Ground == family.ExpiredUnconsented &&
		(c.state != unconsented || c.expires == 0 || p.At.UnixMicro() < c.expires)
	demanded := f.demandedErasure(p, c, b.Ground)
	inUse := b.Ground == family.Inactive && !c.unused(p)
	orders, kept := c.orderedBy(p.Version), f.keptBeyond(k, p.At.UnixMicro())
	f.forgetApprovals(k)
	no, again := f.missed[k]
	if again { // it rests on an erasure that this store has missed
		early, inUse, demanded = false, false, true
	}
	f.children[k] = &child{service: c.service, state: erased, version: c.version, used: c.used}
	unlike := b.Refused != c.refusedAll()
	if b.Refused != 0 || !again {
		no = b.Refused
	}
	if until := family.RefusedUntil(p.At).UnixMicro(); no != 0 && until > f.now {
		f.refusals[refusal{service: c.service, charter: int32(no), until: until}]++
	}
	f.erased[tomb{f.names.text(c.service), p.At.Truncate(24 * time.Hour).UnixMicro()}]++
	if until := p.At.Add(family.TraceLife).UnixMicro(); until > f.now && f.trace != nil {
		f.traces[string(f.trace(p.Subject))] = &trace{service: c.service, subject: k, until: until}
	}
	switch {
	case x != (fault{}):
		return x
	case unlike:
		return impossible(ruleState)
	case inUse:
		return impossible(ruleInactive)
	case b.Orders != orders:
		return impossible(ruleOrder) // each is told before the child is gone
	case held:
		return impossible(ruleHeld) // its values must be told to be gone first
	case b.Kept != kept:
		return impossible(ruleKept)
	case early:
		return impossible(ruleExpiry)
	case !demanded:
		return impossible(ruleDemand)
	case b.Handed != c.handed:
		return impossible(ruleHandover)
	case b.Ground == family.Cessation && !again && p.At.UnixMicro() < c.told:
		return impossible(ruleCessation) // they can look still
	case b.Ground == family.Cessation && !again:
		return f.afterEnd(restsOnEnd{source: s, at: p.At.UnixMicro(), told: true, to: b.Successor})
	case b.Successor != "" && !again:
		return f.afterEnd(restsOnEnd{source: s, told: true, to: b.Successor})
	}
	return fault{}
}

// refusedAll is consent's rule (edge case 26): the latest charter that was
// refused while nobody had agreed to anything, or 0.
func (c *child) refusedAll() (charter int64) {
	if c.state != unconsented {
		return 0
	}
	for _, a := range c.answers {
		if !a.granted {
			charter = max(charter, int64(a.charter))
		}
	}
	return charter
}

// lost folds the end of values.
func (f *fold) lost(p ledger.Placed, c *child) fault {
	b, x := body[vault.ErasedBody](p)
	for _, item := range b.Items {
		y := f.names.sym(item)
		i := slices.IndexFunc(c.values, func(v value) bool { return v.item == y })
		if i < 0 {
			x = impossible(ruleHeld)
			continue
		}
		if b.Ground == "expired" && c.values[i].expires > p.At.UnixMicro() {
			x = impossible(ruleExpiry)
		}
		c.values = slices.Delete(c.values, i, i+1)
	}
	return x
}

// guardianEntry folds who is tied to the child.
func (f *fold) guardianEntry(p ledger.Placed, c *child) fault {
	at := p.At.UnixMicro()
	switch p.Kind {
	case family.KindGuardianAdded:
		b, x := body[family.GuardianAddedBody](p)
		k, ok := keyOf(id.Guardian, string(b.Guardian))
		if _, err := family.ParseRelation(string(b.Relation)); x == (fault{}) && (!ok || err != nil && b.Relation != family.Self) {
			x = fault{what: FoundBody, field: ruleGuardian}
		}
		if x != (fault{}) {
			return x
		}
		if c.which(k) >= 0 || len(c.guardians) >= maxGuardians {
			return impossible(ruleGuardian)
		}
		g := guardian{id: k, relation: f.names.sym(string(b.Relation)), created: at}
		if b.HiddenBy != "" { // edge case 22: from the same person as before
			if x := c.hides(&g, b.HiddenBy, at); x != (fault{}) {
				return x
			}
		}
		for i, what := range family.Known {
			if slices.Contains(b.Known, what) {
				g.known |= 1 << i
			}
		}
		c.guardians = add(c.guardians, g)
	case family.KindGuardianVerified:
		b, x := body[family.GuardianVerifiedBody](p)
		g := c.guardianNamed(b.Guardian)
		switch {
		case x != (fault{}):
			return x
		case g == nil || g.ended != 0:
			return impossible(ruleGuardian)
		case b.Strength < family.Unproved || b.Strength > family.Document:
			return fault{what: FoundBody, field: ruleStrength}
		}
		g.strength, g.verified = uint8(b.Strength), at
		if b.Strength == family.Unproved {
			g.verified = 0 // all that was proved was taken back
			c.unprove(c.which(g.id))
		}
	case family.KindGuardianEnded:
		b, x := body[family.GuardianEndedBody](p)
		g := c.guardianNamed(b.Guardian)
		switch {
		case x != (fault{}):
			return x
		case g == nil || g.ended != 0:
			return impossible(ruleGuardian)
		case b.Remembered && g.hidden <= at: // edge case 22: nothing is kept of whom nothing is hidden from
			return impossible(ruleShield)
		}
		g.ended, g.recalled = at, b.Remembered
		c.unprove(c.which(g.id))
	}
	return fault{}
}

// maxGuardians bounds whom one child may have, so that a byte tells which.
const maxGuardians = 256

// which returns the number of a guardian of the child, or -1.
func (c *child) which(k key) int {
	return slices.IndexFunc(c.guardians, func(g guardian) bool { return g.id == k })
}

func (c *child) guardianNamed(name family.GuardianID) *guardian {
	k, ok := keyOf(id.Guardian, string(name))
	if i := c.which(k); ok && i >= 0 {
		return &c.guardians[i]
	}
	return nil
}

// wrote folds the lives of values that a permitted use allowed to write: new
// ones of a collection, or new ends after a use.
func (f *fold) wrote(p ledger.Placed, c *child, o *opening) fault {
	var b vault.CollectedBody
	var x fault
	collect := p.Kind == vault.KindCollected
	if collect {
		b, x = body[vault.CollectedBody](p)
	} else {
		var k vault.KeptBody
		k, x = body[vault.KeptBody](p)
		b.Values = k.Values
	}
	if x != (fault{}) {
		return x
	}
	if o == nil || o.collect != collect || o.version != p.Version-1 || o.at != p.At.UnixMicro() || len(b.Values) == 0 ||
		collect && len(b.Values) != len(o.items) {
		x = impossible(rulePermit) // a collection writes all that it was permitted, at once
	}
	for i, v := range b.Values {
		again := slices.ContainsFunc(b.Values[:i], func(w gate.Span) bool { return w.Item == v.Item })
		fits := o != nil && v.Purpose == o.purpose && slices.Contains(o.items, v.Item)
		if x == (fault{}) && (again || !fits || collect && v.Collected != p.At.UnixMicro()) {
			x = impossible(rulePermit)
		}
		if y := c.keep(f.names, v, collect, p.Version); x == (fault{}) {
			x = y
		}
	}
	if o == nil {
		return x
	}
	o.written = true
	for _, v := range b.Values {
		o.spans = append(o.spans, span{v.Collected, v.Expires})
	}
	if y := o.check(); x == (fault{}) {
		x = y
	}
	return x
}

// keep folds the life of one value.
func (c *child) keep(n *names, v gate.Span, collect bool, version int64) fault {
	is := value{item: n.sym(v.Item), purpose: n.sym(v.Purpose), version: version, collected: v.Collected, expires: v.Expires}
	i := slices.IndexFunc(c.values, func(w value) bool { return w.item == is.item })
	switch {
	case i < 0:
		c.values = add(c.values, is)
		if !collect {
			return impossible(ruleHeld)
		}
	case collect:
		c.values[i] = is
	default:
		was := c.values[i]
		is.version = was.version // a new end is no new value
		c.values[i] = is
		if c.endedBy(was) || was.purpose != is.purpose || was.collected != is.collected || is.expires < was.expires {
			return impossible(ruleHeld)
		}
	}
	return fault{}
}

// check compares what was written with what the charter gives (Article 12), as
// soon as both are known.
func (o *opening) check() fault {
	if o.terms == nil || !o.written {
		return fault{}
	}
	at := moment(o.at)
	for _, s := range o.spans {
		want := o.terms.Expiry(at)
		if !o.collect {
			want = o.terms.AfterUse(moment(s.collected), at)
		}
		if s.expires != want.UnixMicro() {
			return fault{what: FoundImpossible, field: ruleExpiry, want: instant(want.UnixMicro()), got: instant(s.expires)}
		}
	}
	return fault{}
}
