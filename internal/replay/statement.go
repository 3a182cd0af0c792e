package replay

import (
	"cmp"
	"maps"
	"slices"

	"wardkeep/internal/ledger"
	"wardkeep/internal/order"
	"wardkeep/internal/party"
)

// A stated names what a party says once: that after this end it has deleted all.
type stated struct {
	of    party.ID
	ended int64
}

// A statement is what the ledger says of that.
type statement struct {
	source
	by, mark string
	at       int64
	seen     bool
}

// statedEntry folds that a party says to have deleted all after an end (Article 16(4)). Whether it had
// ended is judged at the end, as who spoke is: its entry has no version of the service.
func (f *fold) statedEntry(p ledger.Placed, s source) fault {
	b, x := body[order.StatedBody](p)
	n := f.names
	k := stated{party.ID{Service: n.keep(p.Service), Role: party.Role(n.keep(string(b.Role))), Name: n.keep(b.Party)}, b.Ended}
	switch {
	case x != (fault{}):
		return x
	case b.Role == "" || b.Party == "" || b.Mark == "" || b.Ended <= 0 || b.Ended > p.At.UnixMicro():
		return fault{what: FoundBody, field: ruleOrder}
	case f.stated[k] != nil:
		return impossible(ruleOrder)
	case !f.speaks(p, s, k.of):
		return impossible(ruleActor)
	}
	f.stated[k] = &statement{source: s, by: n.keep(p.Actor), mark: b.Mark, at: p.At.UnixMicro()}
	return fault{}
}

// checkStated holds that nobody says to have deleted all but a party that has ended, and after it was
// ordered all that follows that end: what isn't ordered nobody has deleted.
func (f *fold) checkStated() {
	for k, st := range f.stated {
		ordered := int64(0)
		if s := f.services[k.of.Service]; s != nil && s.parties[k.of] != nil {
			ordered = s.parties[k.of].partings[k.ended]
		}
		if ordered == 0 || st.at+slack < ordered {
			f.blame(st.source, impossible(ruleOrder))
		}
	}
}

// statementRows compares the statements.
func (a *audit) statementRows() error {
	err := order.Statements(a.ctx, a.tx, func(row order.Statement) error {
		r := at{audit: a, table: "party_statement", service: a.names.shown(row.Party.Service), row: a.names.shown(row.Party.Name)}
		s := a.fold.stated[stated{row.Party, micros(row.EndedAt)}]
		if s == nil {
			r.extra()
			return nil
		}
		s.seen = true
		r.time("attested_at", s.at, micros(row.AttestedAt))
		r.text("attested_by", s.by, row.AttestedBy)
		r.text("document", s.mark, row.Mark())
		return a.ctx.Err()
	})
	for _, k := range slices.SortedFunc(maps.Keys(a.fold.stated), func(a, b stated) int {
		return cmp.Or(byParty(a.of, b.of), cmp.Compare(a.ended, b.ended))
	}) {
		if !a.fold.stated[k].seen && err == nil {
			at{audit: a, table: "party_statement", service: k.of.Service, row: k.of.Name}.missing()
		}
	}
	return err
}
