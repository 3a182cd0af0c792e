package reach

import (
	"context"

	"wardkeep/internal/base/db"
)

// A Touch is a use as the index has it.
type Touch struct {
	Service, Actor, Party, Items string
	Charter                      int64
	Child                        Key
}

// Put writes the next of the shortest stretches, of uses that no ledger has, and what it completes.
func (x Index) Put(ctx context.Context, store *db.DB, n, minAt, maxAt int64, all []Touch) error {
	s := newSorter()
	s.minAt, s.maxAt = minAt, maxAt
	for _, u := range all {
		of := shape{Service: u.Service, Charter: u.Charter, Actor: u.Actor, Party: u.Party, Items: u.Items}
		s.keys[of] = append(s.keys[of], u.Child)
	}
	next, err := s.sheet(n)
	if err != nil {
		return err
	}
	err = store.Update(ctx, func(tx *db.Tx) error {
		for i, text := range next.parts {
			if err := putPart(ctx, tx, 0, n, int64(i), text); err != nil {
				return err
			}
		}
		return x.put(ctx, tx, next.segment)
	})
	if err != nil {
		return err
	}
	return x.join(ctx, store, (n+1)*x.span())
}
