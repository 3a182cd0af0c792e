package replay

import (
	"slices"
	"strings"

	"wardkeep/internal/base/id"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/family/age"
	"wardkeep/internal/gate"
	"wardkeep/internal/ledger"
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
	use := p.Kind == gate.KindPermitted || p.Kind == gate.KindDenied
	if x := c.follow(p, use); x != (fault{}) {
		return x
	}
	before := c.opening
	c.opening = nil
	if before != nil && before.collect && p.Kind != vault.KindCollected {
		// A collection and what it wrote are one transaction.
		f.blame(before.source, impossible(ruleCollected))
	}
	switch {
	case use:
		return f.use(p, s, c)
	case p.Kind == vault.KindCollected, p.Kind == vault.KindKept:
		return f.wrote(p, c, before)
	case strings.HasPrefix(p.Kind, "consent."):
		return f.consentEntry(p, s, c)
	case strings.HasPrefix(p.Kind, "guardian."):
		return f.guardianEntry(p, c)
	}
	return f.familyEntry(p, k, c)
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
	f.children[k] = &child{service: home, created: at, expires: b.Until, version: 1, at: at}
	if _, known := f.homes[home]; !known {
		f.homes[home] = s
	}
	if b.Class != age.Child || b.Until != p.At.Add(family.UnconsentedLife).UnixMicro() {
		return impossible(ruleRegistered) // edge case 5: a day, and not a moment more
	}
	return fault{}
}

// familyEntry folds a change of the child itself.
func (f *fold) familyEntry(p ledger.Placed, k key, c *child) fault {
	var x fault
	var was, is *bool
	t, fl := true, false
	switch p.Kind {
	case family.KindCorrected:
		var b family.CorrectedBody
		b, x = body[family.CorrectedBody](p)
		if b.What == "birth" {
			c.childAt, c.grownAt = 0, 0
		}
	case family.KindFrozen:
		_, x = body[family.FrozenBody](p)
		was, is = &c.frozen, &t
	case family.KindUnfrozen:
		_, x = body[family.UnfrozenBody](p)
		was, is = &c.frozen, &fl
	case family.KindDisputed:
		_, x = body[family.DisputedBody](p)
		was, is = &c.disputed, &t
	case family.KindSettled:
		_, x = body[family.SettledBody](p)
		was, is = &c.disputed, &fl
	case family.KindErased:
		return f.erase(p, k, c)
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

// erase keeps of a child only that there was one.
func (f *fold) erase(p ledger.Placed, k key, c *child) fault {
	b, x := body[family.ErasedBody](p)
	held := len(c.values) > 0
	early := b.Ground == family.ExpiredUnconsented &&
		(c.state != unconsented || c.expires == 0 || p.At.UnixMicro() < c.expires)
	f.children[k] = &child{service: c.service, state: erased, version: c.version, used: c.used}
	f.erased[c.service]++
	switch {
	case x != (fault{}):
		return x
	case held:
		return impossible(ruleHeld) // its values must be told to be gone first
	case early:
		return impossible(ruleExpiry)
	}
	return fault{}
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
		if _, err := family.ParseRelation(string(b.Relation)); x == (fault{}) && (!ok || err != nil) {
			x = fault{what: FoundBody, field: ruleGuardian}
		}
		if x != (fault{}) {
			return x
		}
		if c.which(k) >= 0 || len(c.guardians) >= maxGuardians {
			return impossible(ruleGuardian)
		}
		c.guardians = add(c.guardians, guardian{id: k, relation: f.names.sym(string(b.Relation))})
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
			g.verified = 0 // the proof was taken back
		}
	case family.KindGuardianEnded:
		b, x := body[family.GuardianEndedBody](p)
		g := c.guardianNamed(b.Guardian)
		if x == (fault{}) && (g == nil || g.ended != 0) {
			x = impossible(ruleGuardian)
		}
		if x != (fault{}) {
			return x
		}
		g.ended = at
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

// consentEntry folds what was asked, shown and answered. Only answers change
// what the gate decides.
func (f *fold) consentEntry(p ledger.Placed, s source, c *child) fault {
	var x fault
	switch p.Kind {
	case consent.KindGranted, consent.KindRefused, consent.KindWithdrawn:
		b, x := body[consent.AnswerBody](p)
		if x != (fault{}) {
			return x
		}
		return f.answer(p, s, c, b)
	case consent.KindRequested:
		_, x = body[consent.RequestedBody](p)
	case consent.KindOpened:
		_, x = body[consent.OpenedBody](p)
	case consent.KindVerified:
		_, x = body[consent.VerifiedBody](p)
	default:
		_, x = body[consent.RequestBody](p)
	}
	return x
}

func (f *fold) answer(p ledger.Placed, s source, c *child, b consent.AnswerBody) fault {
	x := f.mayAnswer(p, s, c, b)
	at := p.At.UnixMicro()
	granted := p.Kind == consent.KindGranted
	withdraws := p.Kind == consent.KindWithdrawn
	k, ok := keyOf(id.Consent, b.Consent)
	person, _ := keyOf(id.Guardian, string(b.Guardian))
	g := c.which(person)
	if g < 0 {
		return impossible(ruleGuardian)
	}
	if !ok || withdraws != (b.Withdraws != "") || b.Over && granted || b.Charter < 1 || b.Charter > 1<<31-1 {
		return fault{what: FoundBody, field: ruleAnswer}
	}
	seen := shown{p.Service, b.Charter, b.Lang, b.Notice}
	if _, had := f.shown[seen]; !had {
		f.shown[seen] = s
	}
	purpose := f.names.sym(b.Purpose)
	if x == (fault{}) {
		x = c.withdraws(b, purpose)
	}
	if y := c.replace(f.names, b, uint8(g), purpose, at, withdraws); x == (fault{}) {
		x = y
	}
	a := answer{id: k, guardian: uint8(g), given: at, charter: int32(b.Charter), purpose: purpose,
		strength: uint8(b.Strength), granted: granted, withdraws: withdraws}
	a.sum = f.names.sumAnswer(answerRow{
		id: b.Consent, guardian: string(b.Guardian), request: b.Request, purpose: b.Purpose, charter: b.Charter, notice: b.Notice,
		lang: b.Lang, channel: b.Channel, shown: b.Shown, given: at, granted: granted, withdraws: b.Withdraws,
		strength: int64(b.Strength), entry: p.ID,
	})
	c.answers = add(c.answers, a)
	c.answered++
	switch {
	case granted && c.state == unconsented:
		c.state, c.expires = active, 0
	case b.Over && c.state != unconsented:
		return impossible(ruleState)
	case b.Over:
		c.expires = at // edge case 5: the answer is no, and nobody else is asked
	}
	return x
}

// mayAnswer checks who answers: a verified guardian of this child, with no more
// strength than was proved (Article 9). An app may play one in a test service.
func (f *fold) mayAnswer(p ledger.Placed, s source, c *child, b consent.AnswerBody) fault {
	g := c.guardianNamed(b.Guardian)
	switch {
	case g == nil || !g.mayAnswer(f.names):
		return impossible(ruleGuardian)
	case b.Strength < family.OneTimeCode || b.Strength > family.Strength(g.strength):
		return impossible(ruleStrength)
	case p.Actor == "guardian:"+string(b.Guardian):
		return fault{}
	case !strings.HasPrefix(p.Actor, "app:"):
		return impossible(ruleActor)
	}
	if _, had := f.forced[p.Service]; !had {
		f.forced[p.Service] = s
	}
	return fault{}
}

// withdraws checks that what is taken back is a grant that stands.
func (c *child) withdraws(b consent.AnswerBody, purpose sym) fault {
	if b.Withdraws == "" {
		return fault{}
	}
	k, ok := keyOf(id.Consent, b.Withdraws)
	if !ok || !slices.ContainsFunc(c.answers, func(a answer) bool { return a.id == k && a.granted && a.purpose == purpose }) {
		return impossible(ruleAnswer)
	}
	return fault{}
}

// replace ends the guardian's former answer to the purpose. There is one exactly
// if the entry names it.
func (c *child) replace(n *names, b consent.AnswerBody, g uint8, purpose sym, at int64, withdraws bool) fault {
	i := slices.IndexFunc(c.answers, func(a answer) bool { return a.guardian == g && a.purpose == purpose })
	former, named := keyOf(id.Consent, b.Ends)
	x := fault{}
	if i >= 0 != named || i >= 0 && c.answers[i].id != former || b.Ends != "" && !named {
		x = impossible(ruleAnswer)
	}
	if i < 0 {
		return x
	}
	ending := consent.EndedByNewAnswer
	if withdraws {
		ending = consent.EndedByWithdrawal
	}
	c.past += n.sumEnded(c.answers[i].sum, at, string(ending))
	c.answers = slices.Delete(c.answers, i, i+1)
	return x
}

// An answerRow is all that a row of consent says of an answer but its end.
type answerRow struct {
	id, guardian, request, purpose, notice, lang, channel, withdraws, entry string
	charter, shown, given, strength                                         int64
	granted                                                                 bool
}

func (n *names) sumAnswer(a answerRow) uint64 {
	granted := int64(0)
	if a.granted {
		granted = 1
	}
	return n.sum([]string{a.id, a.guardian, a.request, a.purpose, a.notice, a.lang, a.channel, a.withdraws, a.entry},
		a.charter, a.shown, a.given, a.strength, granted)
}

// sumEnded is the sum of an answer that stands no more. Sums are added up, so
// their order doesn't matter.
func (n *names) sumEnded(answer uint64, at int64, ending string) uint64 {
	return n.sum([]string{ending}, int64(answer), at)
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
		if was.purpose != is.purpose || was.collected != is.collected || is.expires < was.expires {
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
