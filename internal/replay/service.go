package replay

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"wardkeep/internal/account"
	"wardkeep/internal/base/id"
	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
	"wardkeep/internal/impact"
	"wardkeep/internal/ledger"
	"wardkeep/internal/legal"
	"wardkeep/internal/order"
	"wardkeep/internal/party"
	"wardkeep/internal/staff"
	"wardkeep/internal/suspicion"
	"wardkeep/internal/vault"
	"wardkeep/internal/webhook"
)

// slack is how far the clocks of two nodes, and a transaction and the one before
// it, may be apart: a use that was on its way when its service or its credential
// changed counts as before.
const slack = 5_000_000 // microseconds

// serviceEntry folds an entry about a service, a credential, a webhook or a suspicion.
func (f *fold) serviceEntry(p ledger.Placed, s source) fault {
	switch p.Kind {
	case account.KindIssued:
		return f.issued(p)
	case account.KindRevoked:
		return f.revoked(p)
	case webhook.KindAdded, webhook.KindRotated, webhook.KindRemoved, webhook.KindReplayed, webhook.KindChanged, webhook.KindPaused, webhook.KindResumed:
		return f.webhookEntry(p)
	case suspicion.KindOpened, suspicion.KindTaken, suspicion.KindDecided:
		return f.suspicionEntry(p)
	case vault.KindSwept:
		return f.swept(p)
	case order.KindStated:
		return f.statedEntry(p, s)
	case order.KindAttested, order.KindReminded, order.KindOverdue:
		return f.orderEntry(p, s)
	case legal.KindApproved, legal.KindEnded:
		return f.approvalEntry(p, key{})
	case legal.KindErased:
		return f.keptErased(p, s)
	case catalog.KindCreated:
		return f.created(p)
	case party.KindAlarm:
		return f.alarmed(p, s)
	}
	sv := f.services[p.Service]
	if sv == nil {
		return impossible(ruleService)
	}
	now := sv.now()
	if p.Version != now.number+1 {
		// Every change of a service has one entry, so no number is left out.
		return fault{what: FoundOrder, field: "version", want: number(now.number + 1), got: number(p.Version)}
	}
	now.number, now.at = p.Version, p.At.UnixMicro()
	owing := sv.owing(p)
	x := cmp.Or(f.serviceChange(p, sv, &now), owing)
	sv.history = append(sv.history, now)
	return x
}

// swept folds a report on sweeps. What it says of the values is not compared: the
// entries about children have no order with it. It can't contradict itself, or come before what it tells.
func (f *fold) swept(p ledger.Placed) fault {
	b, x := body[vault.SweptBody](p)
	if x != (fault{}) {
		return x
	}
	bad := b.Erased < 0 || b.Until > p.At.UnixMicro()
	for _, s := range b.Purposes {
		bad = bad || s.Purpose == "" || s.Ends <= s.Collected || (s.Ends <= b.Until) != (s.Overdue > 0)
	}
	if bad {
		return impossible(ruleSwept)
	}
	return fault{}
}

func (f *fold) created(p ledger.Placed) fault {
	b, x := body[catalog.CreatedBody](p)
	switch {
	case x != (fault{}):
		return x
	case f.services[p.Service] != nil:
		return impossible(ruleService)
	case p.Version != 1:
		return fault{what: FoundOrder, field: "version", want: "1", got: number(p.Version)}
	}
	f.names.sym(p.Service)
	f.services[p.Service] = &service{
		name: p.Service, state: b.State, created: p.At.UnixMicro(),
		history:  []version{{number: 1, at: p.At.UnixMicro()}},
		editions: make(map[int64]*edition), officers: make(map[string]*officer), ends: make(map[string]*cessation), records: make(map[string]*record),
		parties: make(map[party.ID]*registered),
		impacts: make(map[string]*assessed),
	}
	return fault{}
}

// serviceChange applies a change to now, the service's next version.
func (f *fold) serviceChange(p ledger.Placed, s *service, now *version) fault {
	switch p.Kind {
	case catalog.KindCeasing:
		return s.ceasing(f.names, p, now, f.missedEnds[p.Service])
	case catalog.KindCeased:
		return s.ceased(p, now)
	case catalog.KindProposed:
		b, x := body[catalog.ProposedBody](p)
		if x != (fault{}) {
			return x
		}
		if b.Number != int64(len(s.editions))+1 {
			return impossible(ruleNumber)
		}
		if s.ends[""] != nil {
			return impossible(ruleCessation)
		}
		s.editions[b.Number] = &edition{number: b.Number, hash: f.names.keep(b.Hash), proposedAt: now.at, proposedBy: f.names.keep(p.Actor), touches: f.names.keep(b.Touches.String())}
		if _, inside := insider(p); inside {
			return f.decidesCharter(p, b.Person, staff.ProposeCharter, "", 0)
		}
	case catalog.KindApproved:
		b, x := body[catalog.ApprovedBody](p)
		if x != (fault{}) {
			return x
		}
		return f.charterApproved(p, s, now, b)
	case catalog.KindRefused:
		b, x := body[catalog.RefusedBody](p)
		if x != (fault{}) {
			return x
		}
		return f.charterRefused(p, s, now, b)
	case catalog.KindTakenBack:
		b, x := body[catalog.TakenBackBody](p)
		if x != (fault{}) {
			return x
		}
		return f.charterTakenBack(p, s, now, b)
	case catalog.KindPublished:
		b, x := body[catalog.PublishedBody](p)
		if x != (fault{}) {
			return x
		}
		return f.published(p, s, now, b)
	case catalog.KindRecalled:
		b, x := body[catalog.RecalledBody](p)
		if x == (fault{}) && (b.Number == 0 || b.Number != now.charter || now.recalled) {
			x = impossible(ruleNumber)
		}
		now.recalled = true
		return x
	case catalog.KindAppointed:
		b, x := body[catalog.AppointedBody](p)
		if x != (fault{}) {
			return x
		}
		return s.appointed(f.names, now, b)
	case catalog.KindEnded:
		b, x := body[catalog.EndedBody](p)
		if x != (fault{}) {
			return x
		}
		seat := now.seat(b.Role)
		if seat == nil || *seat != b.ID || b.ID == "" {
			return impossible(ruleOffice)
		}
		*seat = ""
		s.officers[b.ID].ended = now.at
	case catalog.KindReached:
		b, x := body[catalog.ReachedBody](p)
		if o := s.officers[b.ID]; x == (fault{}) && (o == nil || o.ended != 0) {
			x = impossible(ruleOffice)
		} else if x == (fault{}) {
			o.who = b.Who
		}
		return x
	case catalog.KindRecorded:
		b, x := body[catalog.RecordedBody](p)
		if x == (fault{}) && (s.records[b.ID] != nil || b.ID == "" || !b.Kind.Known() || b.Kind.OfService() != (b.Officer == "") || !b.Kind.OfService() && s.officers[b.Officer] == nil) {
			x = impossible(ruleOffice)
		} else if x == (fault{}) {
			s.records[f.names.keep(b.ID)] = &record{officer: f.names.keep(b.Officer), kind: b.Kind, mark: b.Mark, at: now.at, by: f.names.keep(p.Actor)}
		}
		return x
	case catalog.KindAssessed:
		b, x := body[catalog.AssessedBody](p)
		if x != (fault{}) {
			return x
		}
		return f.assessed(p, s, now, b)
	case catalog.KindSuspended, catalog.KindResumed:
		b, x := body[catalog.PartyBody](p)
		suspends := p.Kind == catalog.KindSuspended
		if x == (fault{}) && (catalog.Service{Overdue: now.overdue}).IsOverdue(b.Party) == suspends {
			x = impossible(ruleOrder)
		}
		now.overdue = f.names.keep(catalog.WithOverdue(now.overdue, b.Party, suspends))
		return x
	case party.KindRegistered, party.KindAssessed, party.KindAgreed, party.KindFiled, party.KindChecked, party.KindHalted, party.KindContinued, party.KindDeclared, party.KindEnded,
		party.KindBound, party.KindRevoked, party.KindNarrowed, party.KindSeated, party.KindUnseated:
		return f.partyEntry(p, s, now)
	case party.KindParted:
		return f.parted(p, s, now)
	case party.KindTrimmed:
		return f.trimmed(p, s, now)
	}
	return fault{}
}

// seat returns who holds an office, to be changed, or nil for none.
func (v *version) seat(r catalog.Role) *string {
	switch r {
	case catalog.RoleOfficer:
		return &v.officer
	case catalog.RoleDeputy:
		return &v.deputy
	}
	return nil
}

func (s *service) appointed(n *names, now *version, b catalog.AppointedBody) fault {
	seat := now.seat(b.Role)
	if seat == nil || *seat != b.Replaces || b.ID == "" || s.officers[b.ID] != nil {
		return impossible(ruleOffice)
	}
	if former := s.officers[b.Replaces]; former != nil {
		former.ended = now.at
	}
	*seat = n.keep(b.ID)
	s.officers[*seat] = &officer{role: b.Role, who: b.Who, appointed: now.at}
	return fault{}
}

// assessed folds that the office has signed an assessment of a purpose, against a charter
// that is in force or waits.
func (f *fold) assessed(p ledger.Placed, s *service, now *version, b catalog.AssessedBody) fault {
	e := s.editions[b.Charter]
	switch {
	case s.impacts[b.ID] != nil || !id.Is(id.Impact, b.ID) || b.Purpose == "" || b.Until <= now.at:
		return impossible(ruleImpact)
	case e == nil || e.refusedAt != 0 || b.Charter < now.charter:
		return impossible(ruleNumber)
	case p.Actor != "officer:"+now.officer && p.Actor != "officer:"+now.deputy:
		return impossible(ruleActor)
	}
	if c := f.text(s, b.Charter); c != nil && c.Described(b.Purpose) != b.Described {
		return impossible(ruleImpact)
	}
	n := f.names
	s.impacts[n.keep(b.ID)] = &assessed{purpose: n.keep(b.Purpose), described: n.keep(b.Described), outcome: n.keep(string(b.Outcome)), mark: b.Mark, by: n.keep(p.Actor),
		charter: b.Charter, at: now.at, until: b.Until}
	return fault{}
}

// isAssessed reports whether the assessment of a purpose that counts for a charter had passed
// and was good at a moment, as catalog.Standings decides it: the newest of what that charter
// says of the purpose. What can't be read any more, which the tables say, is held against
// nobody.
func (f *fold) isAssessed(s *service, number int64, purpose string, at int64) bool {
	ids := slices.DeleteFunc(slices.Collect(maps.Keys(s.impacts)), func(id string) bool { return s.impacts[id].purpose != purpose })
	slices.SortFunc(ids, func(x, y string) int { return cmp.Or(cmp.Compare(s.impacts[y].at, s.impacts[x].at), cmp.Compare(y, x)) })
	for _, id := range ids {
		a := s.impacts[id]
		good := a.outcome == string(impact.Passed) && at < a.until
		if same, readable := f.same(s, a, number); same || !readable && good {
			return good
		}
	}
	return false
}

// same reports whether a purpose is, in a charter, the one that was assessed: nothing of it
// has changed materially from version to version that came into force between (edge case 12).
func (f *fold) same(s *service, a *assessed, number int64) (same, readable bool) {
	c := f.text(s, number)
	switch {
	case c == nil:
		return false, false
	case a.described == c.Described(a.purpose):
		return true, true
	}
	was := f.text(s, a.charter)
	for _, n := range slices.Sorted(maps.Keys(s.editions)) {
		if n <= a.charter || n >= number || s.editions[n].publishedAt == 0 {
			continue
		}
		next := f.text(s, n)
		if was == nil || next == nil {
			return false, false
		}
		if charter.Redescribed(was, next, a.purpose) {
			return false, true
		}
		was = next
	}
	return was != nil && !charter.Redescribed(was, c, a.purpose), was != nil
}

// text returns what a version says, or nil if its row isn't what was proposed.
func (f *fold) text(s *service, number int64) *charter.Charter {
	row, e := f.rows[charterID{s.name, number}], s.editions[number]
	if e == nil || row.charter == nil || row.charter.Hash() != e.hash {
		return nil
	}
	return row.charter
}

// charterApproved folds that somebody in office lets a proposal come into force: who
// hasn't proposed it (Article 8).
func (f *fold) charterApproved(p ledger.Placed, s *service, now *version, b catalog.ApprovedBody) fault {
	e := s.editions[b.Number]
	switch {
	case e == nil || e.publishedAt != 0 || e.refusedAt != 0 || e.decidedBy != "" || b.Number <= now.charter:
		return impossible(ruleNumber)
	case e.hash != b.Hash:
		return impossible(ruleHash)
	case e.proposedBy == p.Actor:
		return impossible(ruleActor)
	case b.Office == "" || b.Office != now.officer && b.Office != now.deputy:
		return impossible(ruleOffice)
	}
	e.decidedBy, e.office, e.words = f.names.keep(p.Actor), f.names.keep(b.Office), b.Words
	return f.decidesCharter(p, b.Person, staff.PublishCharter, e.proposedBy, b.Proposer)
}

func (f *fold) charterRefused(p ledger.Placed, s *service, now *version, b catalog.RefusedBody) fault {
	e := s.editions[b.Number]
	switch {
	case e == nil || e.publishedAt != 0 || e.refusedAt != 0 || e.decidedBy != "":
		return impossible(ruleNumber)
	case e.hash != b.Hash:
		return impossible(ruleHash)
	case b.Office == "" || b.Office != now.officer && b.Office != now.deputy:
		return impossible(ruleOffice)
	}
	e.refusedAt, e.decidedBy, e.words = now.at, f.names.keep(p.Actor), b.Words
	return f.decidesCharter(p, b.Person, staff.PublishCharter, "", 0)
}

// charterTakenBack folds that who has proposed a charter takes it back.
func (f *fold) charterTakenBack(p ledger.Placed, s *service, now *version, b catalog.TakenBackBody) fault {
	e := s.editions[b.Number]
	atTerminal := func(actor string) bool { return strings.HasPrefix(actor, "operator:") }
	switch {
	case e == nil || e.publishedAt != 0 || e.refusedAt != 0 || e.decidedBy != "":
		return impossible(ruleNumber)
	case e.hash != b.Hash:
		return impossible(ruleHash)
	case e.proposedBy != p.Actor && !(atTerminal(e.proposedBy) && atTerminal(p.Actor)):
		return impossible(ruleActor)
	}
	e.refusedAt, e.decidedBy = now.at, f.names.keep(p.Actor)
	if atTerminal(p.Actor) {
		return fault{}
	}
	return f.decidesCharter(p, b.Person, staff.ProposeCharter, "", 0)
}

// decidesCharter keeps, until whatever it rests on must have come, that a person inside
// did something with a charter that the matrix must let them; and of who approves one that
// another person inside has proposed, that the two are different persons.
func (f *fold) decidesCharter(p ledger.Placed, version int64, a staff.Action, proposer string, proposed int64) fault {
	by, ok := insider(p)
	if !ok {
		return impossible(ruleActor)
	}
	claim := &insideClaim{source: source{place: p.Place, entry: p.ID, service: p.Service},
		person: by, version: version, at: p.At.UnixMicro(), catalog: p.Version, action: a}
	if k, ok := keyOf(id.Staff, strings.TrimPrefix(proposer, "staff:")); ok {
		claim.apart, claim.parties = []key{k}, []partyThen{{k, proposed, staff.ProposeCharter}, {by, version, a}}
	}
	f.inside.claims = append(f.inside.claims, claim)
	return fault{}
}

func (f *fold) published(p ledger.Placed, s *service, now *version, b catalog.PublishedBody) fault {
	e := s.editions[b.Number]
	switch {
	case s.ends[""] != nil:
		return impossible(ruleCessation)
	case e == nil || e.publishedAt != 0 || e.refusedAt != 0 || b.Number <= now.charter:
		return impossible(ruleNumber)
	case e.hash != b.Hash:
		return impossible(ruleHash)
	case b.Terminal != (e.decidedBy == ""), !b.Terminal && p.Actor != "officer:"+e.office:
		return impossible(ruleApproval) // Article 8: nothing comes into force beside who answers for it
	}
	for purpose := range b.AskedSince {
		if !f.isAssessed(s, b.Number, purpose, now.at) { // PIPL 55: before it is done
			return impossible(ruleImpact)
		}
	}
	if b.Terminal {
		f.inside.terminal = append(f.inside.terminal, terminally{source{place: p.Place, entry: p.ID, service: p.Service}, now.at, now.officer, now.deputy})
	}
	e.publishedAt, e.publishedBy = now.at, f.names.keep(p.Actor)
	e.documents = make(map[document]string, len(b.Documents))
	e.published = catalog.Published{Number: b.Number, Hash: e.hash, AskedSince: b.AskedSince, Notices: make(map[charter.Lang]string)}
	for _, d := range b.Documents {
		e.documents[document{d.Kind, d.Lang}] = f.names.keep(d.Hash)
		if d.Kind == catalog.Notice {
			e.published.Notices[d.Lang] = d.Hash
		}
	}
	for purpose := range b.AskedSince {
		f.names.sym(purpose)
	}
	now.charter, now.recalled = b.Number, false
	if c := f.text(s, b.Number); c != nil {
		e.published.Charter = c
		f.keepNames(c)
	}
	s.followAll(e.published.Charter, p.At)
	return fault{}
}

// keepNames lets what a charter declares be shown.
func (f *fold) keepNames(c *charter.Charter) {
	for _, p := range c.Purposes {
		f.names.sym(p.Name)
	}
	for _, it := range c.Items {
		f.names.sym(it.Name)
	}
}

// keep is sym for a text that is wanted as such.
func (n *names) keep(s string) string { return n.text(n.sym(s)) }

func (f *fold) issued(p ledger.Placed) fault {
	b, x := body[account.IssuedBody](p)
	if x != (fault{}) {
		return x
	}
	scopes, err := account.NewScopes(b.Scopes...)
	if err != nil || b.ID == "" {
		return fault{what: FoundBody, field: "scopes"}
	}
	if !charter.IsCountry(b.Country) {
		return fault{what: FoundBody, field: "country"}
	}
	at := p.At.UnixMicro()
	c := f.apps[b.ID]
	switch {
	case c == nil && b.FormerEnd == 0:
		c = &credential{service: f.names.keep(p.Service), scopes: scopes, country: f.names.keep(b.Country)}
		f.apps[f.names.keep(b.ID)] = c
	case c == nil || c.service != p.Service || c.scopes != scopes || c.country != b.Country || c.revoked != 0 || b.FormerEnd == 0:
		return impossible(ruleActor)
	default:
		c.rotate(at, b.FormerEnd)
	}
	c.keys = append(c.keys, appKey{mark: b.Key, shown: f.names.keep(account.ShownTo(p.Actor)), since: at, expires: b.Expires})
	return fault{}
}

// rotate ends the keys that would outlive end.
func (c *credential) rotate(at, end int64) {
	for i, k := range c.keys {
		if k.until == 0 && (k.expires == 0 || k.expires > end) {
			c.keys[i].until = at + slack
			c.keys = append(c.keys, appKey{mark: k.mark, shown: k.shown, since: k.since, expires: end})
		}
	}
}

func (f *fold) revoked(p ledger.Placed) fault {
	b, x := body[account.RevokedBody](p)
	if x != (fault{}) {
		return x
	}
	c := f.apps[b.ID]
	if c == nil || c.revoked != 0 || c.service != p.Service {
		return impossible(ruleActor)
	}
	c.revoked = p.At.UnixMicro()
	return fault{}
}

// at returns the version of the service with that number, and what came after
// it, which is zero for the newest.
func (s *service) at(number int64) (v, next version, ok bool) {
	i, ok := slices.BinarySearchFunc(s.history, number, func(v version, n int64) int { return int(v.number - n) })
	if !ok {
		return version{}, version{}, false
	}
	if i+1 < len(s.history) {
		next = s.history[i+1]
	}
	return s.history[i], next, true
}

// good returns the keys that the app may have used at a moment.
func (c *credential) good(at int64) (all []appKey) {
	if c == nil || c.revoked != 0 && at > c.revoked+slack {
		return nil
	}
	for _, k := range c.keys {
		if at >= k.since-slack && (k.until == 0 || at <= k.until) {
			all = append(all, k)
		}
	}
	return all
}

func (f *fold) reportUndecided() {
	for _, name := range slices.Sorted(maps.Keys(f.services)) {
		for _, n := range slices.Sorted(maps.Keys(f.services[name].editions)) {
			if e := f.services[name].editions[n]; e.undecided > 0 {
				f.report(Difference{Place: -1, What: FoundUndecided, Service: name, Table: "charter", Row: number(n), Got: number(e.undecided)})
			}
		}
	}
}

// checkNotices holds invariant 4: the notice that every answer names is the one
// that was published with its charter, and the one that its charter yields.
func (f *fold) checkNotices() {
	for v, s := range f.shown {
		sv := f.services[v.service]
		if sv == nil || sv.editions[v.charter] == nil || sv.editions[v.charter].published.Notices[charter.Lang(v.lang)] != v.hash {
			f.blame(s, fault{what: FoundNotice, field: "notice"})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(f.services)) {
		for _, n := range slices.Sorted(maps.Keys(f.services[name].editions)) {
			e := f.services[name].editions[n]
			if e.publishedAt == 0 || e.published.Charter == nil {
				continue
			}
			for _, lang := range charter.Langs {
				doc, err := charter.Notice(e.published.Charter, lang)
				if err != nil || doc.Hash() != e.published.Notices[lang] {
					f.report(Difference{Place: -1, What: FoundNotice, Service: name, Table: "charter", Row: number(n), Field: string(lang)})
				}
			}
		}
	}
}
