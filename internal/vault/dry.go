package vault

import (
	"cmp"
	"context"
	"slices"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/border"
	"wardkeep/internal/family"
	"wardkeep/internal/gate"
	"wardkeep/internal/party"
)

// A Decision is the answer to a dry question: nothing is released, and nothing
// is recorded.
type Decision struct {
	Permitted bool
	Reasons   []gate.Denial
}

// A Question is what somebody asks about one child.
type Question struct {
	By   gate.Actor
	Uses []gate.Use // at least one, all of one service and child
}

func (q Question) whose() gate.Whose {
	return gate.Whose{Service: q.Uses[0].Service, Child: q.Uses[0].Child}
}

// Decide answers whether the uses would be permitted now, for each question in
// order, on one snapshot: tx is a View.
func (v *Vault) Decide(ctx context.Context, tx *db.Tx, all []Question) ([][]Decision, error) {
	out := make([][]Decision, 0, len(all))
	parties := make(map[string][]party.Standing)
	for some := range slices.Chunk(all, together) {
		loaded, values, err := v.facts(ctx, tx, some)
		if err != nil {
			return nil, err
		}
		var crossing []family.ID
		for i, q := range some {
			if published, _ := loaded[i].Published(); gate.MayCross(published.Charter) {
				crossing = append(crossing, q.whose().Child)
			}
		}
		var counts border.Counts
		if len(crossing) > 0 {
			if counts, err = border.ReadMany(ctx, tx, crossing); err != nil {
				return nil, err
			}
		}
		for i, q := range some {
			f := loaded[i].Facts(tx.Now(), values[q.whose().Child])
			published, _ := loaded[i].Published()
			if err := standings(ctx, tx, parties, q, f.StoredAbroad() || q.By.Abroad()); err != nil {
				return nil, err
			}
			f.Border = counts.Of(f.Child.ID)
			decisions := make([]Decision, len(q.Uses))
			for j, u := range q.Uses {
				_, reasons := gate.Decide(f.Among(parties[u.Service], q.By, u), q.By, u.Known(published.Charter))
				decisions[j] = Decision{len(reasons) == 0, reasons}
			}
			out = append(out, decisions)
		}
	}
	return out, nil
}

// standings reads how the parties of a service stand, once, where a question is about one, or
// about what is stored or read abroad.
func standings(ctx context.Context, tx *db.Tx, read map[string][]party.Standing, q Question, abroad bool) error {
	service := q.whose().Service
	if _, known := read[service]; known || !abroad && !slices.ContainsFunc(q.Uses, func(u gate.Use) bool { return u.Party != "" }) {
		return nil
	}
	var some []party.Standing
	err := tx.Together(ctx, party.ReadAll(&some, service))
	read[service] = some
	return err
}

// together is how many children's facts are in memory at once.
const together = 4 * db.Chunk

// facts reads what Decide needs: of one child as a use does, of many together.
func (v *Vault) facts(ctx context.Context, tx *db.Tx, all []Question) ([]*gate.Loaded, map[family.ID][]gate.Held, error) {
	if len(all) == 1 {
		var values []stored
		of := all[0].whose()
		l, err := v.Gate.Load(ctx, tx, of.Service, of.Child, held(&values, of.Child))
		if err != nil {
			return nil, nil, err
		}
		return []*gate.Loaded{l}, map[family.ID][]gate.Held{of.Child: (&Prepared{l, &values}).held()}, nil
	}
	whose := make([]gate.Whose, len(all))
	for i, q := range all {
		whose[i] = q.whose()
	}
	values := make(map[family.ID][]gate.Held, len(all))
	loaded, err := v.Gate.LoadMany(ctx, tx, whose, func(some []family.ID) db.Read { return heldOf(values, some) })
	return loaded, values, err
}

// heldOf is held for several children.
func heldOf(into map[family.ID][]gate.Held, children []family.ID) db.Read {
	in, args := db.Placeholders(children)
	return db.ReadInto(new([]struct{}), func(row db.Row) (none struct{}, err error) {
		var child family.ID
		var h gate.Held
		err = row.Scan(&child, &h.Item, &h.Purpose, (*db.Time)(&h.Collected), (*db.Time)(&h.Expires))
		into[child] = append(into[child], h)
		return none, err
	}, `SELECT child, item, purpose, collected_at, expires_at FROM value WHERE child IN `+in, args...)
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

// Holdings returns what can still be read of what is held about a child, by item,
// without the values. A value past its time is gone for everybody, swept or not
// (Article 12).
func Holdings(ctx context.Context, tx *db.Tx, c family.Child) ([]Holding, error) {
	var values []stored
	if err := tx.Together(ctx, held(&values, c.ID)); err != nil {
		return nil, err
	}
	all := make([]Holding, 0, len(values))
	for _, s := range values {
		h := Holding{s.item, s.purpose, s.collected, gate.HeldUntil(c, s.held())}
		if tx.Now().Before(h.Expires) {
			all = append(all, h)
		}
	}
	slices.SortFunc(all, func(a, b Holding) int { return cmp.Compare(a.Item, b.Item) })
	return all, nil
}

// Items returns the names of what is held.
func Items(all []Holding) []string {
	names := make([]string, 0, len(all))
	for _, h := range all {
		names = append(names, h.Item)
	}
	return names
}
