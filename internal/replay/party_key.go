package replay

import (
	"crypto/sha256"
	"maps"
	"slices"

	"wardkeep/internal/base/id"
	"wardkeep/internal/charter"
	"wardkeep/internal/ledger"
	"wardkeep/internal/party"
)

// A boundKey is what the ledger says of a key that a party signs with, or of a seat by which a
// person of it signs in.
type boundKey struct {
	party   party.ID
	seat    bool
	paper   string
	print   string
	country string // in which it is used
	by      string
	at      int64
	until   int64
	revoked int64 // 0: it isn't
	version int64 // of its service, when it was bound
	ended   int64 // … when it was revoked; 0: it wasn't
	seen    bool
}

// keyAt returns a key as it was when its service had that version; the zero Key if it was
// nobody's. Its public half is of no account here: the row is compared with the ledger's print.
func (f *fold) keyAt(s *service, key string, version int64) party.Key {
	k := f.bound[key]
	if k == nil || k.seat || k.party.Service != s.name || k.version > version {
		return party.Key{}
	}
	out := party.Key{ID: key, Party: k.party, Paper: k.paper, Country: k.country, Until: moment(k.until)}
	if k.ended != 0 && k.ended <= version {
		out.RevokedAt = moment(k.revoked)
	}
	return out
}

// keyBound folds that a key was bound: to what the party stands on, and to no key's second
// party.
func (f *fold) keyBound(p ledger.Placed, s *service, now *version, b party.BoundBody) fault {
	of := party.ID{Service: s.name, Role: b.Role, Name: b.Party}
	r := s.parties[of]
	if r == nil || !id.Is(id.PartyKey, b.Key) && !id.Is(id.PartySeal, b.Key) || f.bound[b.Key] != nil || len(b.Print) != 2*sha256.Size || !charter.IsCountry(b.Country) {
		return impossible(ruleParty)
	}
	for _, k := range f.bound { // few
		if k.print == b.Print {
			return impossible(ruleParty)
		}
	}
	is := r.now()
	state, paper := is.State(p.At), is.Paper()
	f.bound[f.names.keep(b.Key)] = &boundKey{party: is.ID, paper: f.names.keep(b.Paper), print: b.Print, country: f.names.keep(b.Country), by: f.names.keep(p.Actor), at: p.At.UnixMicro(),
		until: b.Until, version: now.number}
	if state != party.Active && state != party.Signed || b.Paper != paper.ID || b.Until <= p.At.UnixMicro() || b.Until > micros(paper.Until) {
		return impossible(ruleParty)
	}
	return fault{}
}

// keyRevoked folds that a key is none any more.
func (f *fold) keyRevoked(p ledger.Placed, s *service, now *version, b party.RevokedBody) fault {
	k := f.bound[b.Key]
	if k == nil || k.seat || k.revoked != 0 || k.party != (party.ID{Service: s.name, Role: b.Role, Name: b.Party}) {
		return impossible(ruleParty)
	}
	k.revoked, k.ended = p.At.UnixMicro(), now.number
	return fault{}
}

// keyRows compares the keys. A public half that was put in the place of another would let
// somebody else ask: its print is in the ledger.
func (a *audit) keyRows() error {
	err := party.EachKey(a.ctx, a.tx, func(row party.Key) error {
		r := at{audit: a, table: "party_key", service: a.names.shown(row.Party.Service), row: a.names.shown(row.ID)}
		is := a.fold.bound[row.ID]
		if is == nil || is.seat {
			r.extra()
			return nil
		}
		is.seen = true
		r.text("service", is.party.Service, row.Party.Service)
		r.text("role", string(is.party.Role), string(row.Party.Role))
		r.text("party", is.party.Name, row.Party.Name)
		r.number("version", max(is.version, is.ended), row.Version)
		r.text("paper", is.paper, row.Paper)
		if is.print != row.Print() {
			r.found(FoundHash, "public", "–", "–")
		}
		r.text("country", is.country, row.Country)
		r.time("bound_at", is.at, micros(row.BoundAt))
		r.text("bound_by", is.by, row.BoundBy)
		r.time("until_at", is.until, micros(row.Until))
		r.time("revoked_at", is.revoked, micros(row.RevokedAt))
		return a.ctx.Err()
	})
	for _, key := range slices.Sorted(maps.Keys(a.fold.bound)) {
		if is := a.fold.bound[key]; !is.seat && !is.seen && err == nil {
			at{audit: a, table: "party_key", service: is.party.Service, row: key}.missing()
		}
	}
	return err
}
