package restoration

import (
	"context"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/family"
	"wardkeep/internal/ledger"
	"wardkeep/internal/message"
)

const (
	// tried is how long a message is tried: what is older than that at the loss was sent, or
	// given up.
	tried = 24 * time.Hour
	// lookBack is how many entries one look back takes.
	lookBack = 10_000
)

// untold counts, by kind, the entries of the last day before the loss of which guardians
// are told by message. Messages that were on their way then are lost with the store, and
// which had arrived is known to the gateway alone; whoever put the store back can ask it.
// Of an end that was announced all are told again (catalog.TellAgain).
func untold(ctx context.Context, tx *db.Tx, to int64) (map[string]int64, error) {
	all := make(map[string]int64)
	lost, err := at(ctx, tx, to-1)
	if err != nil {
		return nil, err
	}
	for to > 0 && !lost.IsZero() {
		from := max(0, to-lookBack)
		err := ledger.Read(ctx, tx, from, to, func(p ledger.Placed) error {
			if tells(p.Kind) && lost.Sub(p.At) < tried {
				all[p.Kind]++
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		first, err := at(ctx, tx, from)
		if err != nil {
			return nil, err
		}
		if to = from; lost.Sub(first) >= tried {
			break
		}
	}
	return all, nil
}

// tells reports whether a message or a letter goes out with entries of this kind.
func tells(kind string) bool {
	switch kind {
	case family.KindErased, family.KindGrown:
		return true
	case family.KindCeasing:
		return false
	}
	return message.Tells(kind)
}

// at returns when the entry at a place was made; zero: there is none.
func at(ctx context.Context, tx *db.Tx, place int64) (when time.Time, err error) {
	err = ledger.Read(ctx, tx, place, place+1, func(p ledger.Placed) error {
		when = p.At
		return nil
	})
	return when, err
}
