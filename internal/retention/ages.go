package retention

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/family"
	"wardkeep/internal/vault"
)

// lateDays is how many days back the sweep looks for who has turned 14: a server
// may have stood still. Nobody is used as a child in the meantime: the gate reads the birth
// date at each use.
const lateDays = 60

// sweepAges records who turns 14, or has (edge case 4). It looks at the days around
// today in the index of keyed days: what it costs is those who turn in them. If we
// crash before a commit, the child is found again.
func sweepAges(ctx context.Context, store *db.DB, v *vault.Vault) (found, did int, err error) {
	var due []family.Child
	err = store.View(ctx, func(tx *db.Tx) error {
		due = nil
		today := tx.Now()
		last := int(family.TurningLead / (24 * time.Hour))
		for n := -lateDays; n <= last && len(due) < batch; n++ {
			told := family.AgedTurned
			if n > 0 {
				told = family.AgedTurning
			}
			some, err := family.Turning14(ctx, tx, v.Ring, today.AddDate(0, 0, n), told, batch-len(due))
			if err != nil {
				return err
			}
			due = append(due, some...)
		}
		return nil
	})
	var aged atomic.Int64
	err = errors.Join(err, each(due, atOnce, func(c family.Child) error {
		told := false
		err := store.Update(ctx, func(tx *db.Tx) error {
			c, err := family.Lock(ctx, tx, c.Service, c.ID)
			if err != nil {
				return err
			}
			told, err = family.Age(ctx, tx, v.Ring, actor, c)
			return err
		})
		if err == nil && told {
			aged.Add(1)
		}
		return gone(err)
	}))
	return len(due), int(aged.Load()), err
}
