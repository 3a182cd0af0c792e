package board

import (
	"context"
	"slices"
	"time"

	"wardkeep/internal/assistance"
	"wardkeep/internal/base/db"
	"wardkeep/internal/charter"
	"wardkeep/internal/order"
	"wardkeep/internal/party"
	"wardkeep/internal/tally"
)

// What follows is how Articles 16 to 18 are computed: who else gets it.

// Article 16: without an assessment and an agreement on file nothing goes to a processor, and
// what it holds is ordered back.
func article16(ctx context.Context, tx *db.Tx, s *standing) ([]Figure, error) {
	open, overdue, err := order.CountOf(ctx, tx, s.Name)
	if err != nil {
		return nil, err
	}
	helps, helpsLate, err := assistance.Count(ctx, tx, s.Name)
	if err != nil {
		return nil, err
	}
	entrusted := told("entrusted", s.happened[tally.Permitted][string(charter.Entrust)])
	on, err := s.onFile(ctx, tx, party.Processor)
	if !on {
		entrusted.Else = Broken // on nothing
	}
	if err != nil {
		return nil, err
	}
	clocks, err := clocksOf(ctx, tx, s.Name, party.Processor)
	return append([]Figure{told("orders_open", open), seen("orders_overdue", overdue), told("helps_open", helps), seen("helps_late", helpsLate), entrusted, clocks.unordered(),
		seen("checks_late", clocks[party.Checked])}, clocks.ending()), err
}

// clocks are how much of parties is past its day or, of papers, ends within a month.
type clocks map[party.Kind]int64

func clocksOf(ctx context.Context, tx *db.Tx, service string, roles ...party.Role) (clocks, error) {
	now := tx.Now()
	all, err := party.ClocksOf(ctx, tx, service, now.Add(party.Soon))
	n := make(clocks)
	for _, c := range all {
		if slices.Contains(roles, c.Party.Role) && (!c.Owed() || !now.Before(c.At)) {
			n[c.What]++
		}
	}
	return n, err
}

// ending is how many papers have nothing in their place when they end.
func (n clocks) ending() Figure {
	sum := int64(0)
	for _, kind := range append([]party.Kind{party.Assessed, party.Agreed}, party.Mechanisms...) {
		sum += n[kind]
	}
	return seen("papers_ending", sum)
}

// unordered is of how many parties not everything was ordered in time that they must delete.
func (n clocks) unordered() Figure { return bad("partings_late", n[party.Parting]+n[party.Narrowing]) }

// Article 17: nothing is transferred but to whom an assessment is on file about; that of who
// takes over is in the announcement (edge case 18).
func article17(ctx context.Context, tx *db.Tx, s *standing) ([]Figure, error) {
	n := s.happened[tally.Permitted][string(charter.Transfer)]
	on, err := s.onFile(ctx, tx, party.Recipient)
	if err != nil {
		return nil, err
	}
	bare := n
	if on || s.Successor.Recipient != "" {
		bare = 0
	}
	clocks, err := clocksOf(ctx, tx, s.Name, party.Recipient)
	return []Figure{told("transferred", n), bad("transferred_bare", bare), clocks.unordered(), clocks.ending()}, err
}

// onFile reports whether every party to which one of the last uses went has its papers: an
// assessment, and, of a processor, an agreement. Of what went before those, the replay knows;
// here it counts whether there is any such party at all.
func (s *standing) onFile(ctx context.Context, tx *db.Tx, role party.Role) (bool, error) {
	var all []party.Standing
	err := tx.Together(ctx, party.ReadAll(&all, s.Name))
	has := func(p party.Standing) bool {
		return p.Role == role && p.Assessment.Exists() && (role == party.Recipient || p.Agreement.Exists())
	}
	for _, name := range s.uses.parties[role] {
		if !slices.ContainsFunc(all, func(p party.Standing) bool { return p.Name == name && has(p) }) {
			return false, err
		}
	}
	return slices.ContainsFunc(all, has), err
}

// Article 18: disclosed is what a declared audience sees, or what a law or a danger demands; of
// that the guardian is told, as soon as the silence that the law asks for is over.
func article18(ctx context.Context, tx *db.Tx, s *standing) ([]Figure, error) {
	untold, err := count(ctx, tx, `
		SELECT count(*) FROM (
			SELECT id FROM approval WHERE told_at IS NULL AND released_at IS NOT NULL AND silent_until <= $1 AND service = $2 LIMIT $3
		) AS untold`, micros(tx.Now().Add(-s.Patience)), s.Name, int64(Many))
	return []Figure{told("disclosed", s.happened[tally.Permitted][string(charter.Disclose)]), bad("uses_audience", s.uses.audiences), bad("disclosed_untold", untold)}, err
}

// soon is how long before its day a demand is to be looked at.
const soon = 3 * 24 * time.Hour

// demands counts the open demands, of kinds that erase or of the others, that are past their
// day, and those that are soon.
func (s *standing) demands(ctx context.Context, tx *db.Tx, erases bool) (near, late int64, err error) {
	now := tx.Now()
	between := func(from, to time.Time) (int64, error) {
		return count(ctx, tx, `
			SELECT count(*) FROM (
				SELECT id FROM rights_request WHERE service = $1 AND state = 'open' AND due_at > $2 AND due_at <= $3
					AND (kind IN ('delete', 'delete_item', 'close')) = $4 LIMIT $5
			) AS due`, s.Name, micros(from), micros(to), erases, int64(Many))
	}
	if late, err = between(time.Time{}, now); err != nil {
		return 0, 0, err
	}
	near, err = between(now, now.Add(soon))
	return near, late, err
}

// micros is a time as the store has it; the zero time lies before all others.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}
