package replay

import (
	"slices"
	"strings"

	"wardkeep/internal/base/id"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/family/age"
	"wardkeep/internal/ledger"
)

// consentEntry folds what was asked, shown and answered. Only answers change what
// the gate decides; the rest is what they rest on.
func (f *fold) consentEntry(p ledger.Placed, s source, c *child) fault {
	switch p.Kind {
	case consent.KindGranted, consent.KindRefused, consent.KindWithdrawn:
		b, x := body[consent.AnswerBody](p)
		if x != (fault{}) {
			return x
		}
		return f.answer(p, s, c, b)
	case consent.KindOpened:
		b, x := body[consent.OpenedBody](p)
		if x != (fault{}) {
			return x
		}
		if b.Page != "" {
			f.pages[f.names.keep(b.Page)] = true
		}
	}
	return f.requestEntry(p, s, c)
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
	if y := f.answers(p, s, c, b); x == (fault{}) {
		x = y
	}
	a := answer{id: k, guardian: uint8(g), given: at, charter: int32(b.Charter), purpose: purpose,
		strength: uint8(b.Strength), granted: granted, takeover: b.Takeover, withdraws: withdraws}
	a.sum = f.names.sumAnswer(answerRow{
		id: b.Consent, guardian: string(b.Guardian), request: b.Request, purpose: b.Purpose, charter: b.Charter, notice: b.Notice, page: b.Page,
		lang: b.Lang, channel: b.Channel, shown: b.Shown, given: at, granted: granted, takeover: b.Takeover, withdraws: b.Withdraws,
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
// strength than was proved (Article 9), or the minor itself, each at its age (edge case
// 4). A former answer is taken back at any. An app may play one in a test service.
func (f *fold) mayAnswer(p ledger.Placed, s source, c *child, b consent.AnswerBody) fault {
	g := c.guardianNamed(b.Guardian)
	switch {
	case g == nil || !g.proved(f.names):
		return impossible(ruleGuardian)
	case b.Self != g.self(f.names):
		return fault{what: FoundBody, field: ruleAnswer}
	case b.Strength < family.OneTimeCode || b.Strength > family.Strength(g.strength):
		return impossible(ruleStrength)
	case p.Actor == "guardian:"+string(b.Guardian):
	case !strings.HasPrefix(p.Actor, "app:"):
		return impossible(ruleActor)
	default:
		if _, had := f.forced[p.Service]; !had {
			f.forced[p.Service] = s
		}
	}
	switch {
	case p.Kind == consent.KindWithdrawn:
		return fault{}
	case b.Self && c.birth == 0:
		return impossible(ruleClass)
	case b.Self:
		return c.sawAge(age.Minor, p.At.UnixMicro())
	}
	return c.sawAge(age.Child, p.At.UnixMicro())
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
	id, guardian, request, purpose, notice, page, lang, channel, withdraws, entry string
	charter, shown, given, strength                                               int64
	granted, takeover                                                             bool
}

func (n *names) sumAnswer(a answerRow) uint64 {
	granted, takeover := int64(0), int64(0)
	if a.granted {
		granted = 1
	}
	if a.takeover {
		takeover = 1
	}
	return n.sum([]string{a.id, a.guardian, a.request, a.purpose, a.notice, a.page, a.lang, a.channel, a.withdraws, a.entry},
		a.charter, a.shown, a.given, a.strength, granted, takeover)
}

// sumEnded is the sum of an answer that stands no more. Sums are added up, so
// their order doesn't matter.
func (n *names) sumEnded(answer uint64, at int64, ending string) uint64 {
	return n.sum([]string{ending}, int64(answer), at)
}
