package replay

import (
	"maps"
	"slices"
	"strings"

	"wardkeep/internal/assistance"
	"wardkeep/internal/base/id"
	"wardkeep/internal/charter"
	"wardkeep/internal/ledger"
	"wardkeep/internal/party"
	"wardkeep/internal/rights"
)

// A helping is what the ledger says of a task.
type helping struct {
	child                      key
	of                         party.ID
	demand                     key
	kind, item, items, askedBy string
	asked, due, answered       int64
	answeredBy, answer         string
	words, seen                bool
}

// helpEntry folds that a party is asked about a demand of the child, and that it has answered: once, by
// itself, and before the demand ended. One that is answered at home, all else than by parties, ends as it
// comes, and they are asked about it then.
func (f *fold) helpEntry(p ledger.Placed, s source, k key, c *child) fault {
	at, n := p.At.UnixMicro(), f.names
	if p.Kind == assistance.KindAsked {
		b, x := body[assistance.AskedBody](p)
		task, ok := keyOf(id.Assistance, b.Task)
		d := c.demanded(b.Demand)
		of := party.ID{Service: n.keep(p.Service), Role: party.Role(n.keep(string(b.Role))), Name: n.keep(b.Party)}
		switch {
		case x != (fault{}):
			return x
		case !ok || of.Name == "" || b.Role != party.Processor && b.Role != party.Recipient || len(b.Items) == 0 || b.Due <= at:
			return fault{what: FoundBody, field: ruleHelp}
		case d == nil || d.state != rights.Open && (d.closed != at || !rights.Kind(b.Kind).Tells()) || n.text(d.kind) != b.Kind || n.text(d.item) != b.Item || f.helps[task] != nil:
			return impossible(ruleHelp)
		}
		h := &helping{child: k, of: of, demand: d.id, kind: n.keep(b.Kind), item: n.keep(b.Item), items: n.keep(strings.Join(b.Items, " ")),
			askedBy: n.keep(p.Actor), asked: at, due: b.Due}
		f.helps[task], d.helps = h, append(d.helps, h)
		return f.handled(p, s, b.Inside)
	}
	b, x := body[assistance.AnsweredBody](p)
	task, ok := keyOf(id.Assistance, b.Task)
	t := f.helps[task]
	switch {
	case x != (fault{}):
		return x
	case !ok || t == nil || t.child != k || t.answered != 0 || !slices.Contains(assistance.Answers, b.Answer) || b.Answer == assistance.Has && !b.Words:
		return impossible(ruleHelp)
	case !f.speaks(p, s, t.of):
		return impossible(ruleActor)
	}
	t.answered, t.answeredBy, t.answer, t.words = at, n.keep(p.Actor), n.keep(string(b.Answer)), b.Words
	return fault{}
}

// A said is an entry that a party has made by itself, and who that had to be. Its role is empty
// where the entry doesn't say it.
type said struct {
	source
	of  party.ID
	key string
	at  int64
	// Of a bundle that it came for: the key that opens it, and the version of the service by which
	// it was decided that it may go.
	opens   string
	version int64
}

// speaks reports whether a party has made the entry; whether it is that one, by a key of its
// own, is judged at the end: between an entry about a child and one about its service there is
// no order.
func (f *fold) speaks(p ledger.Placed, s source, of party.ID) bool {
	name, is := strings.CutPrefix(p.Actor, "party:")
	if is {
		f.said = append(f.said, said{source: s, of: of, key: f.names.keep(name), at: p.At.UnixMicro()})
	}
	return is
}

// checkSaid judges them. A key says what its party owes for a while after its end
// (party.Lingers), and nothing once it is revoked.
func (f *fold) checkSaid() {
	for _, e := range f.said {
		k := f.bound[e.key]
		if e.of.Role == "" && k != nil {
			e.of.Role = k.party.Role
		}
		if k == nil || k.party != e.of || e.at+slack < k.at || e.at-slack >= k.until+party.Lingers.Microseconds() || k.revoked != 0 && e.at-slack >= k.revoked {
			f.blame(e.source, impossible(ruleActor))
		} else if e.opens != "" && !f.staysHome(e, k.country) {
			f.blame(e.source, impossible(ruleBorder))
		}
	}
	f.said = nil
}

// staysHome holds that a bundle went to no country beside those that the gate has decided about:
// where its party is, and where what opens it is used (edge case 20).
func (f *fold) staysHome(e said, country string) bool {
	opens := f.bound[e.opens]
	return country == charter.Home || opens != nil && country == opens.country ||
		f.services[e.of.Service] != nil && country == f.services[e.of.Service].stood(e.of, e.version).Country
}

// compareHelp compares a row of party_task.
func (a *audit) compareHelp(t *tally, row assistance.Task) {
	r := a.of(t, "party_task", string(row.Child), a.names.shown(row.ID))
	k, ok := keyOf(id.Assistance, row.ID)
	h := a.fold.helps[k]
	if t == nil || !ok || h == nil || a.fold.children[h.child] != t.child {
		r.extra()
		return
	}
	h.seen = true
	r.text("service", h.of.Service, row.Party.Service)
	r.text("role", string(h.of.Role), string(row.Party.Role))
	r.text("party", h.of.Name, row.Party.Name)
	r.text("demand", h.demand.name(id.Rights), row.Demand)
	r.text("kind", h.kind, row.Kind)
	r.text("item", h.item, row.Item)
	r.text("items", h.items, strings.Join(row.Items, " "))
	r.text("asked_by", h.askedBy, row.AskedBy)
	r.time("asked_at", h.asked, micros(row.AskedAt))
	r.time("due_at", h.due, micros(row.DueAt))
	r.time("answered_at", h.answered, micros(row.AnsweredAt))
	r.text("answered_by", h.answeredBy, row.AnsweredBy)
	r.text("answer", h.answer, string(row.Answer))
	r.flag("words", h.words, row.Written())
	if a.ring != nil && !t.locked && row.Intact(a.ring, t.record.Child) != nil {
		r.found(FoundSealed, "words", "–", "–")
	}
}

// missingHelp names the tasks of living children that the ledger knows and the table doesn't.
func (a *audit) missingHelp() {
	for _, k := range slices.SortedFunc(maps.Keys(a.fold.helps), func(a, b key) int { return slices.Compare(a[:], b[:]) }) {
		h := a.fold.helps[k]
		if c := a.fold.children[h.child]; !h.seen && c != nil && c.state != erased {
			at{audit: a, table: "party_task", service: h.of.Service, subject: h.child.name(id.Subject), row: k.name(id.Assistance)}.missing()
		}
	}
}
