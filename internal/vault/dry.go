package vault

import (
	"context"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/family"
	"wardkeep/internal/gate"
)

// A Decision is the answer to a dry question: nothing is released, and nothing
// is recorded.
type Decision struct {
	Permitted bool
	Reasons   []gate.Denial
}

// Decide answers whether the uses of one child would be permitted now.
func (v *Vault) Decide(ctx context.Context, tx *db.Tx, by gate.Actor, service string, id family.ID, uses []gate.Use) ([]Decision, error) {
	values := new([]stored)
	l, err := v.Gate.Load(ctx, tx, service, id, held(values, id))
	if err != nil {
		return nil, err
	}
	f := l.Facts(tx.Now(), (&Prepared{l, values}).held())
	published, _ := l.Published()
	out := make([]Decision, len(uses))
	for i, u := range uses {
		_, reasons := gate.Decide(f, by, u.Known(published.Charter))
		out[i] = Decision{len(reasons) == 0, reasons}
	}
	return out, nil
}

// held reads how old a child's values are, and not the values.
func held(values *[]stored, id family.ID) db.Read {
	return db.ReadInto(values, func(row db.Row) (s stored, err error) {
		err = row.Scan(&s.item, &s.purpose, (*db.Time)(&s.collected), (*db.Time)(&s.expires))
		return s, err
	}, `SELECT item, purpose, collected_at, expires_at FROM value WHERE child = $1`, id)
}

// A Holding says that a value is held, and how old it is: the kinds and amounts
// that a guardian may see.
type Holding struct {
	Item, Purpose      string
	Collected, Expires time.Time
}

// Holdings returns what is held about a child, without the values.
func Holdings(ctx context.Context, tx *db.Tx, id family.ID) ([]Holding, error) {
	var values []stored
	if err := tx.Together(ctx, held(&values, id)); err != nil {
		return nil, err
	}
	all := make([]Holding, 0, len(values))
	for _, s := range values {
		all = append(all, Holding{s.item, s.purpose, s.collected, s.expires})
	}
	return all, nil
}
