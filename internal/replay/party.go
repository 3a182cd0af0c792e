package replay

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"wardkeep/internal/base/id"
	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
	"wardkeep/internal/gate"
	"wardkeep/internal/ledger"
	"wardkeep/internal/party"
)

// A registered is what the ledger says of a party, at each version of its service that
// changed it. There are few.
type registered struct {
	by       string
	at       int64
	mark     string // of who it is
	subs     int
	subsMark string
	history  []party.Standing // in order; the last is what holds
	parted   int64            // when all was ordered that followed an end
	partings map[int64]int64  // when that was, by the moments of the ends
	checkBy  time.Time        // when the next check of it is owed; zero: none ever was
	owed     []time.Time      // each such day that it had
	toldAt   time.Time        // since when somebody in office has yet to look at what it told of by itself; zero: nobody has to
	told     []time.Time      // each such moment that it had
	every    int              // months between two checks, by its agreement
	raised   map[string]bool  // what had an alarm, see clockName; true: its row was found
	seen     bool             // its row was found
	holding
}

// clockName tells the clocks of a party apart.
func clockName(what party.Kind, at int64) string { return string(what) + " " + number(at) }

// begins reports whether the party may begin anew: if it had ended, all was ordered that follows
// (Article 16(4)).
func (r *registered) begins(was party.Standing, at time.Time) bool {
	ended := was.EndedAt(at)
	return ended.IsZero() || r.parted >= ended.UnixMicro()
}

// owes notes when the next check of the party is owed.
func (r *registered) owes(next time.Time) {
	r.checkBy = next
	r.owed = append(r.owed, next)
}

func (r *registered) now() party.Standing { return r.history[len(r.history)-1] }

// A paper is what the ledger says of one that a party stands on.
type paper struct {
	party party.ID
	term  party.Term
	mark  string
	by    string
	entry string
	at    int64
	every int // months between two checks, of an agreement
	seen  bool
}

// party returns how the party stood whom a use names, when its service had that version.
func (s *service) party(u gate.Use, version int64) party.Standing {
	role := party.Processor
	switch u.Activity {
	case charter.Entrust:
	case charter.Transfer:
		role = party.Recipient
	default:
		return party.Standing{}
	}
	return s.stood(party.ID{Service: s.name, Role: role, Name: u.Party}, version)
}

// storage returns how the storage stood when its service had that version.
func (s *service) storage(version int64) party.Standing {
	return s.stood(party.StorageOf(s.name), version)
}

// access returns how a country stood from which somebody reads, when its service had that version.
func (s *service) access(country string, version int64) party.Standing {
	return s.stood(party.AccessFrom(s.name, country), version)
}

// stood returns how a party stood when its service had that version.
func (s *service) stood(of party.ID, version int64) party.Standing {
	r := s.parties[of]
	if r == nil {
		return party.Standing{}
	}
	for _, is := range slices.Backward(r.history) {
		if is.Version <= version {
			return is
		}
	}
	return party.Standing{}
}

// whose is what every entry about a party begins with.
type whose struct {
	Party string     `json:"party"`
	Role  party.Role `json:"role"`
}

// partyEntry folds that a party was registered, that somebody in office has signed what it
// stands on, or that it was suspended, let on again, or ended.
func (f *fold) partyEntry(p ledger.Placed, s *service, now *version) fault {
	// Nobody but who is in office signs; a store that was put back suspends, and revokes, by itself.
	again := (p.Kind == party.KindHalted || p.Kind == party.KindRevoked || p.Kind == party.KindUnseated) && strings.HasPrefix(p.Actor, "operator:")
	// One that may do nothing any more ends by itself: see unseated.
	again = again || p.Kind == party.KindUnseated && p.Actor == sweeper
	// Of what it entrusts to others, a party tells itself.
	again = again || p.Kind == party.KindDeclared && strings.HasPrefix(p.Actor, "party:")
	if by, ok := strings.CutPrefix(p.Actor, "officer:"); !again && (!ok || by == "" || by != now.officer && by != now.deputy) {
		return impossible(ruleOffice)
	}
	switch p.Kind {
	case party.KindRegistered:
		b, x := body[party.RegisteredBody](p)
		if x == (fault{}) {
			x = f.partyRegistered(p, s, now, b)
		}
		return x
	case party.KindAssessed, party.KindAgreed, party.KindFiled, party.KindChecked:
		b, x := body[party.PaperBody](p)
		if x == (fault{}) {
			x = f.partySigned(p, s, now, b)
		}
		return x
	case party.KindHalted:
		b, x := body[party.HaltedBody](p)
		if x != (fault{}) {
			return x
		}
		return s.partyChanged(now, whose{b.Party, b.Role}, func(is *party.Standing) bool {
			ok := is.Halted == "" && b.Reason != "" && (b.Reason == party.Restored) == again
			is.Halted = party.Reason(f.names.keep(string(b.Reason)))
			return ok
		})
	case party.KindContinued:
		b, x := body[party.ContinuedBody](p)
		if x != (fault{}) {
			return x
		}
		return s.partyChanged(now, whose(b), func(is *party.Standing) bool {
			ok := is.Halted != "" && len(is.Subs) == 0
			is.Halted = ""
			return ok
		})
	case party.KindDeclared:
		b, x := body[party.DeclaredBody](p)
		if x != (fault{}) {
			return x
		}
		return s.partyChanged(now, whose{b.Party, b.Role}, func(is *party.Standing) bool {
			r := s.parties[is.ID]
			itself := strings.HasPrefix(p.Actor, "party:")
			ok := !itself || f.tells(p, is.ID) && b.Count >= max(r.subs, 1) // by its own word none goes
			switch {
			case !itself:
				r.toldAt = time.Time{}
			case r.toldAt.IsZero():
				r.toldAt = p.At
				r.told = append(r.told, p.At)
			}
			r.subs, r.subsMark = b.Count, b.Mark
			if is.Subs = nil; b.Count > 0 {
				is.Subs = []string{""} // the gate asks whether there is one; a count is anybody's
			}
			if b.Count > 0 && is.Halted == "" {
				is.Halted = party.SubProcessor // Article 16(5): at once
			}
			return ok && b.Count >= 0 && (b.Count > 0) == (b.Mark != "") && b.Role == party.Processor
		})
	case party.KindEnded:
		b, x := body[party.EndedBody](p)
		if x != (fault{}) {
			return x
		}
		return s.partyChanged(now, whose{b.Party, b.Role}, func(is *party.Standing) bool {
			if is.Role.Place() { // a charter has brought it home
				e := s.editions[now.charter]
				ok := is.Mechanism.Exists() && b.At == p.At.UnixMicro() && e != nil && (e.published.Charter == nil || party.CountryOf(e.published.Charter, is.ID) == "")
				is.Mechanism = party.Term{}
				return ok
			}
			ok := !is.Over(p.At) && b.At >= p.At.UnixMicro()
			is.EndsAt = moment(b.At)
			return ok
		})
	case party.KindNarrowed:
		return f.narrows(p, s, now)
	case party.KindBound:
		b, x := body[party.BoundBody](p)
		if x == (fault{}) {
			x = f.keyBound(p, s, now, b)
		}
		return x
	case party.KindRevoked:
		b, x := body[party.RevokedBody](p)
		if x == (fault{}) {
			x = f.keyRevoked(p, s, now, b)
		}
		return x
	case party.KindSeated:
		b, x := body[party.SeatedBody](p)
		if x == (fault{}) {
			x = f.seated(p, s, now, b)
		}
		return x
	case party.KindUnseated:
		b, x := body[party.UnseatedBody](p)
		if x == (fault{}) {
			x = f.unseated(p, s, now, b)
		}
		return x
	}
	return fault{}
}

// tells reports whether a party itself has made an entry about its service, by a key or a seat that
// was its own then: see checkSaid, which judges those about a child.
func (f *fold) tells(p ledger.Placed, of party.ID) bool {
	k := f.bound[strings.TrimPrefix(p.Actor, "party:")]
	return k != nil && k.party == of && k.revoked == 0 && p.At.UnixMicro() < k.until+party.Lingers.Microseconds()
}

func (f *fold) partyRegistered(p ledger.Placed, s *service, now *version, b party.RegisteredBody) fault {
	c := s.editions[now.charter]
	switch {
	case b.Party == "" || b.Country == "" || b.Mark == "" || b.Role != party.Processor && b.Role != party.Recipient && !b.Role.Place():
		return fault{what: FoundBody, field: ruleParty}
	case c == nil || c.published.Charter != nil && (!b.Role.Place() && len(party.ScopeOf(c.published.Charter, b.Role, b.Party)) == 0 ||
		party.CountryOf(c.published.Charter, party.ID{Role: b.Role, Name: b.Party}) != b.Country):
		return impossible(ruleParty)
	}
	of := party.ID{Service: s.name, Role: party.Role(f.names.keep(string(b.Role))), Name: f.names.keep(b.Party)}
	is := party.Standing{ID: of}
	r := s.parties[of]
	if r == nil {
		r = &registered{by: f.names.keep(p.Actor), at: p.At.UnixMicro(), raised: make(map[string]bool), partings: make(map[int64]int64),
			holding: holding{narrowings: make(map[int64]*narrowing)}}
		s.parties[of] = r
	} else {
		is = r.now()
	}
	if filed := of.Role.Place() && is.Mechanism.Exists(); b.Anew && !filed || filed && is.Country != b.Country && !b.Anew {
		return impossible(ruleParty)
	}
	if b.Anew { // what was agreed with another, or of another place, carries nothing
		is.Mechanism = party.Term{}
	}
	r.mark = b.Mark
	is.Country, is.Version = f.names.keep(b.Country), now.number
	r.history = append(r.history, is)
	return fault{}
}

// partyChanged applies a change to a party that is registered.
func (s *service) partyChanged(now *version, b whose, change func(is *party.Standing) bool) fault {
	r := s.parties[party.ID{Service: s.name, Role: b.Role, Name: b.Party}]
	if r == nil {
		return impossible(ruleParty)
	}
	is := r.now()
	ok := change(&is)
	is.Version = now.number
	if r.history = append(r.history, is); !ok {
		return impossible(ruleParty)
	}
	return fault{}
}

// parted folds that all was ordered that follows an end: the party holds nothing any more.
func (f *fold) parted(p ledger.Placed, s *service, now *version) fault {
	b, x := body[party.PartedBody](p)
	if x != (fault{}) {
		return x
	}
	return s.partyChanged(now, whose{b.Party, b.Role}, func(is *party.Standing) bool {
		r := s.parties[is.ID]
		ok := p.Actor == "system:cessation" && b.Children >= 0 && b.Ended > 0 && is.EndedAt(p.At).UnixMicro() == b.Ended && r.parted < b.Ended
		r.parted = p.At.UnixMicro()
		r.partings[b.Ended] = r.parted
		r.Holding, r.narrowed, r.since = party.Holding{}, 0, moment(0)
		return ok
	})
}

// A partyAlarm is one that an entry tells of. It has no order with what it is about.
type partyAlarm struct {
	source
	of    party.ID
	clock party.Clock
	at    time.Time
}

// alarmed folds that something of a party has come to its alarm.
func (f *fold) alarmed(p ledger.Placed, s source) fault {
	b, x := body[party.AlarmBody](p)
	if x != (fault{}) {
		return x
	}
	c := party.Clock{What: b.What, At: moment(b.At)}
	if p.Actor != sweeper || p.At.Before(c.Raises()) {
		return impossible(ruleParty)
	}
	f.alarms = append(f.alarms, partyAlarm{s, party.ID{Service: p.Service, Role: b.Role, Name: b.Party}, c, p.At})
	return fault{}
}

// checkRaised judges the alarms of parties: each once, of what the party stood on.
func (f *fold) checkRaised() {
	for _, a := range f.alarms {
		var r *registered
		if s := f.services[a.of.Service]; s != nil {
			r = s.parties[a.of]
		}
		name := clockName(a.clock.What, micros(a.clock.At))
		if r == nil || !r.had(a.clock, a.at) {
			f.blame(a.source, impossible(ruleParty))
			continue
		}
		if _, twice := r.raised[name]; twice {
			f.blame(a.source, impossible(ruleParty))
		}
		r.raised[name] = false
	}
}

// had reports whether the party ever had a clock.
func (r *registered) had(c party.Clock, at time.Time) bool {
	switch c.What {
	case party.Checked:
		return slices.ContainsFunc(r.owed, c.At.Equal)
	case party.Told:
		return slices.ContainsFunc(r.told, c.At.Add(-party.LookWithin).Equal)
	case party.Narrowing:
		for _, n := range r.narrowings {
			if moment(n.at).Add(party.PartWithin).Equal(c.At) {
				return true
			}
		}
		return false
	}
	return slices.ContainsFunc(r.history, func(is party.Standing) bool {
		switch c.What {
		case party.Assessed:
			return is.Assessment.Until.Equal(c.At)
		case party.Agreed:
			return is.Agreement.Until.Equal(c.At)
		case party.Parting:
			return is.EndedAt(at).Add(party.PartWithin).Equal(c.At)
		}
		return is.Mechanism.Kind == c.What && is.Mechanism.Until.Equal(c.At)
	})
}

// partySigned folds a paper, and has the party stand on it. What an agreement must rest on,
// Article 16 says: an assessment that was passed and is valid, and covers it.
func (f *fold) partySigned(p ledger.Placed, s *service, now *version, b party.PaperBody) fault {
	at := p.At
	t := party.Term{ID: f.names.keep(b.Paper), Kind: party.Kind(f.names.keep(string(b.Kind))), Passed: b.Passed, Scope: b.Scope, From: moment(b.From), Until: moment(b.Until)}
	if !id.Is(id.Paper, b.Paper) || f.papers[b.Paper] != nil || b.Mark == "" || !t.Until.After(at) || !t.Until.After(t.From) {
		return fault{what: FoundBody, field: ruleParty}
	}
	of := party.ID{Service: s.name, Role: b.Role, Name: b.Party}
	x := s.partyChanged(now, whose{b.Party, b.Role}, func(is *party.Standing) bool {
		r := s.parties[of]
		switch p.Kind {
		case party.KindChecked:
			if !t.Passed && is.Halted == "" {
				is.Halted = party.Supervision // at once
			}
			r.owes(t.Until)
			return t.Kind == party.Checked && is.Role == party.Processor && is.Checkable(t.From) && is.State(at) != party.Ended && !t.From.After(at) &&
				t.Until.Equal(party.NextCheck(t.From, r.every)) && b.Assessment == "" && b.Every == 0 && len(t.Scope) == 0
		case party.KindAssessed:
			is.Assessment = t
			begins := true
			if is.Role == party.Recipient && is.Over(at) {
				begins = r.begins(*is, at)
				is.EndsAt = moment(0)
			}
			return begins && t.Kind == party.Assessed && t.From.Equal(at) && s.gives(now, of, t.Scope) && b.Assessment == "" && b.Every == 0
		case party.KindAgreed:
			was := *is
			r.every = b.Every
			r.owes(party.Party{Standing: was, CheckBy: r.checkBy}.Owes(at, t.From, b.Every))
			is.Agreement, is.EndsAt = t, moment(0)
			return r.begins(was, at) && t.Kind == party.Agreed && is.Role == party.Processor && b.Every > 0 && b.Assessment == was.Assessment.ID && was.Assessment.Passed && was.Assessment.Holds(at) &&
				t.Scope.Within(was.Assessment.Scope) && s.gives(now, of, t.Scope) && was.Halted == "" && len(was.Subs) == 0 &&
				!(catalog.Service{Overdue: now.overdue}).IsOverdue(of.Name) && (was.Over(at) || !was.Agreement.Holds(at) || !t.From.After(at))
		}
		is.Mechanism = t
		return slices.Contains(party.Mechanisms, t.Kind) && b.Assessment == "" && b.Every == 0 && len(t.Scope) == 0
	})
	if e := s.editions[now.charter]; e != nil {
		s.follow(of, e.published.Charter, at)
	}
	if r := s.parties[of]; r != nil {
		f.papers[t.ID] = &paper{party: r.now().ID, term: t, mark: b.Mark, by: f.names.keep(p.Actor), entry: p.ID, at: at.UnixMicro(), every: b.Every}
	}
	return x
}

// gives reports whether the charter in force gives a party all of a scope.
func (s *service) gives(now *version, of party.ID, scope party.Scope) bool {
	e := s.editions[now.charter]
	return len(scope) > 0 && e != nil && (e.published.Charter == nil || scope.Within(party.ScopeOf(e.published.Charter, of.Role, of.Name)))
}

// partyRows compares who is on the register, and what each stands on.
func (a *audit) partyRows() error {
	err := party.Each(a.ctx, a.tx, func(row party.Party) error {
		r := at{audit: a, table: "party", service: a.names.shown(row.Service), row: a.names.shown(row.Name)}
		var is *registered
		if s := a.fold.services[row.Service]; s != nil {
			is = s.parties[row.ID]
		}
		if is == nil || is.seen {
			r.extra()
			return nil
		}
		is.seen = true
		now := is.now()
		if row.Mark() != is.mark {
			r.found(FoundHash, "identity", "–", "–")
		}
		r.number("version", now.Version, row.Version)
		r.text("country", now.Country, row.Standing.Country)
		r.time("registered_at", is.at, micros(row.RegisteredAt))
		r.text("registered_by", is.by, row.RegisteredBy)
		r.text("halted", string(now.Halted), string(row.Halted))
		if len(row.Subs) != is.subs || row.SubsMark() != is.subsMark {
			r.found(FoundHash, "subs", "–", "–")
		}
		r.time("ends_at", micros(now.EndsAt), micros(row.EndsAt))
		r.text("assessment", now.Assessment.ID, row.Assessment.ID)
		r.text("agreement", now.Agreement.ID, row.Agreement.ID)
		r.time("check_by", micros(is.checkBy), micros(row.CheckBy))
		r.time("told_at", micros(is.toldAt), micros(row.ToldAt))
		r.time("parted_at", is.parted, micros(row.PartedAt))
		is.compare(r, row)
		r.text("mechanism", now.Mechanism.ID, row.Mechanism.ID)
		if a.ring != nil {
			of := row
			of.Standing = now // the row has the names of its papers alone
			if _, _, ok := of.Walked(a.ring, a.tx.Now()); !ok {
				r.found(FoundSealed, "parted_upto", "–", "–")
			}
		}
		return a.ctx.Err()
	})
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(a.fold.services)) {
		parties := a.fold.services[name].parties
		for _, of := range sortedParties(parties) {
			if !parties[of].seen {
				at{audit: a, table: "party", service: name, row: of.Name}.missing()
			}
		}
	}
	return nil
}

// sortedParties returns the names of parties, in order.
func sortedParties[V any](parties map[party.ID]V) []party.ID {
	return slices.SortedFunc(maps.Keys(parties), byParty)
}

// byParty is an order of parties.
func byParty(a, b party.ID) int {
	return cmp.Or(cmp.Compare(a.Service, b.Service), cmp.Compare(a.Role, b.Role), cmp.Compare(a.Name, b.Name))
}

// raisedRows compares of what of parties an alarm was raised.
func (a *audit) raisedRows() error {
	err := party.EachRaised(a.ctx, a.tx, func(row party.Clock) error {
		r := at{audit: a, table: "party_alarm", service: a.names.shown(row.Party.Service), row: a.names.shown(row.Party.Name)}
		var is *registered
		if s := a.fold.services[row.Party.Service]; s != nil {
			is = s.parties[row.Party]
		}
		name := clockName(row.What, row.At.UnixMicro())
		if is == nil {
			r.extra()
			return nil
		}
		if _, was := is.raised[name]; !was {
			r.extra()
			return nil
		}
		is.raised[name] = true
		return a.ctx.Err()
	})
	for _, name := range slices.Sorted(maps.Keys(a.fold.services)) {
		parties := a.fold.services[name].parties
		for _, of := range sortedParties(parties) {
			r := parties[of]
			for _, clock := range slices.Sorted(maps.Keys(r.raised)) {
				if !r.raised[clock] && err == nil {
					at{audit: a, table: "party_alarm", service: name, row: of.Name}.missing()
				}
			}
		}
	}
	return err
}

// paperRows compares the papers, and has each form give its result again: that an assessment
// was passed is computed of what was answered, here as when it was signed.
func (a *audit) paperRows() error {
	err := party.EachPaper(a.ctx, a.tx, func(row party.Paper) error {
		r := at{audit: a, table: "party_paper", service: a.names.shown(row.Party.Service), row: a.names.shown(row.ID)}
		is := a.fold.papers[row.ID]
		if is == nil {
			r.extra()
			return nil
		}
		is.seen = true
		r.row = row.ID
		r.text("service", is.party.Service, row.Party.Service)
		r.text("role", string(is.party.Role), string(row.Party.Role))
		r.text("party", is.party.Name, row.Party.Name)
		r.text("kind", string(is.term.Kind), string(row.Kind))
		r.flag("passed", is.term.Passed, row.Passed)
		if is.term.Scope.String() != row.Scope.String() {
			r.found(FoundDiffers, "scope", "–", "–")
		}
		r.time("from_at", micros(is.term.From), micros(row.From))
		r.time("until_at", micros(is.term.Until), micros(row.Until))
		r.time("signed_at", is.at, micros(row.SignedAt))
		r.text("signed_by", is.by, row.SignedBy)
		r.text("entry", is.entry, row.Entry)
		switch said, err := row.Says(); {
		case row.Mark() != is.mark:
			r.found(FoundHash, "form", "–", "–")
		case err != nil || row.Every() != is.every || !said.Is(row.Term) && is.term.Is(row.Term):
			r.found(FoundDiffers, "form", "–", "–") // it was never what the ledger says that it gives
		}
		return a.ctx.Err()
	})
	for _, name := range slices.Sorted(maps.Keys(a.fold.papers)) {
		if is := a.fold.papers[name]; !is.seen && err == nil {
			at{audit: a, table: "party_paper", service: is.party.Service, row: name}.missing()
		}
	}
	return err
}
