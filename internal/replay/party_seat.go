package replay

import (
	"maps"
	"slices"

	"wardkeep/internal/base/id"
	"wardkeep/internal/charter"
	"wardkeep/internal/ledger"
	"wardkeep/internal/party"
)

// seated folds that a person of a party may sign in: bound to what the party stands on.
func (f *fold) seated(p ledger.Placed, s *service, now *version, b party.SeatedBody) fault {
	of := party.ID{Service: s.name, Role: b.Role, Name: b.Party}
	r := s.parties[of]
	if r == nil || !charter.IsCountry(b.Country) || !id.Is(id.PartySeat, b.Seat) || f.bound[b.Seat] != nil {
		return impossible(ruleParty)
	}
	is := r.now()
	state, paper := is.State(p.At), is.Paper()
	f.bound[f.names.keep(b.Seat)] = &boundKey{party: is.ID, seat: true, paper: f.names.keep(b.Paper), country: f.names.keep(b.Country), by: f.names.keep(p.Actor), at: p.At.UnixMicro(),
		until: b.Until, version: now.number}
	if state != party.Active && state != party.Signed || b.Paper != paper.ID || b.Until != micros(paper.Until) {
		return impossible(ruleParty)
	}
	return fault{}
}

// unseated folds that nobody signs in by a seat any more. The sweep ends none before its time.
func (f *fold) unseated(p ledger.Placed, s *service, now *version, b party.UnseatedBody) fault {
	k := f.bound[b.Seat]
	if k == nil || !k.seat || k.revoked != 0 || k.party != (party.ID{Service: s.name, Role: b.Role, Name: b.Party}) ||
		p.Actor == sweeper && p.At.UnixMicro() < k.until+party.Lingers.Microseconds() {
		return impossible(ruleParty)
	}
	k.revoked, k.ended = p.At.UnixMicro(), now.number
	return fault{}
}

// checkSeats holds that each person of a party has a seat that was given, and nobody else has
// it, and that the sweep has nobody leave but with the seat. Between persons and services there is no
// order of entries.
func (f *fold) checkSeats() {
	has := make(map[string]bool)
	for _, k := range sorted(f.inside.persons) {
		who := f.inside.persons[k]
		if who.seat == "" {
			continue
		}
		if b := f.bound[who.seat]; b == nil || !b.seat || has[who.seat] {
			f.blame(who.seatedBy, impossible(rulePerson))
		}
		has[who.seat] = true
		if b := f.bound[who.seat]; who.sweptBy != (source{}) && (b == nil || b.revoked != who.left) {
			f.blame(who.sweptBy, impossible(rulePerson))
		}
	}
}

// seatRows compares the seats, and when their persons signed in last.
func (a *audit) seatRows() error {
	used := make(map[string]int64)
	for _, who := range a.fold.inside.persons {
		if who.seat != "" {
			used[who.seat] = who.seatUsed
		}
	}
	err := party.EachSeat(a.ctx, a.tx, func(row party.Seat) error {
		r := at{audit: a, table: "party_seat", service: a.names.shown(row.Party.Service), row: a.names.shown(row.ID)}
		is := a.fold.bound[row.ID]
		if is == nil || !is.seat {
			r.extra()
			return nil
		}
		is.seen = true
		r.text("service", is.party.Service, row.Party.Service)
		r.text("role", string(is.party.Role), string(row.Party.Role))
		r.text("party", is.party.Name, row.Party.Name)
		r.number("version", max(is.version, is.ended), row.Version)
		r.text("paper", is.paper, row.Paper)
		r.text("country", is.country, row.Country)
		r.time("given_at", is.at, micros(row.GivenAt))
		r.text("given_by", is.by, row.GivenBy)
		r.time("until_at", is.until, micros(row.Until))
		r.time("taken_at", is.revoked, micros(row.TakenAt))
		r.time("used_at", used[row.ID], micros(row.UsedAt))
		return a.ctx.Err()
	})
	for _, seat := range slices.Sorted(maps.Keys(a.fold.bound)) {
		if is := a.fold.bound[seat]; is.seat && !is.seen && err == nil {
			at{audit: a, table: "party_seat", service: is.party.Service, row: seat}.missing()
		}
	}
	return err
}
