package gate

import (
	"context"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/charter"
)

// A Term is how long the values of a purpose are kept, as a charter says it.
type Term struct {
	Purpose   string
	Retention charter.Retention
}

// Terms returns the terms that hold for a child's values: those of the charter
// in force, and those that its guardians have last answered to. After a change
// the two differ for whoever hasn't answered again, and what was told before
// still binds.
func (g *Gate) Terms(ctx context.Context, tx *db.Tx, l *Loaded) ([]Term, error) {
	if l.published.Charter == nil {
		return nil, nil
	}
	var all []Term
	for _, p := range l.published.Charter.Purposes {
		all = append(all, Term{p.Name, p.Retention})
	}
	for _, a := range l.answers {
		if a.Charter >= l.published.Number {
			continue
		}
		told, err := g.Charters.Version(ctx, tx, l.published.Charter.Service, a.Charter)
		if err != nil {
			return nil, err
		}
		if p, ok := told.Charter.Purpose(a.Purpose); ok {
			all = append(all, Term{p.Name, p.Retention})
		}
	}
	return all, nil
}

// Ends returns, per purpose that waits for the event, when what was collected
// until it happened ends: by the shortest of its terms. It is empty for an event
// that no term names. It is pure; the vault and the replay both call it.
func Ends(terms []Term, event string, happened time.Time) map[string]time.Time {
	ends := make(map[string]time.Time)
	for _, t := range terms {
		if t.Retention.From != charter.FromEvent || t.Retention.Event != event {
			continue
		}
		// At most is counted from collection, and is in the value's own end.
		end := t.Retention.Period.After(happened)
		if is, ok := ends[t.Purpose]; !ok || end.Before(is) {
			ends[t.Purpose] = end
		}
	}
	return ends
}
