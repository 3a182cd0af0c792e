package retention

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/family/age"
	"wardkeep/internal/message"
	"wardkeep/internal/notify"
	"wardkeep/internal/vault"
)

// lateDays is how many days back the sweep looks for who has turned 14, or 18: a server
// may have stood still. Nobody is used as a child in the meantime: the gate reads the birth
// date at each use.
const lateDays = 60

// sweeper acts on what the sweep finds.
type sweeper struct{}

// Ledger returns the actor's name in the ledger.
func (sweeper) Ledger() string { return actor }

// sweepAges records who turns 14, or has, and who is 18 (edge case 4). It looks at the days around
// today in the index of keyed days: what it costs is those who turn in them. If we
// crash before a commit, the child is found again.
func sweepAges(ctx context.Context, store *db.DB, v *vault.Vault, f *message.Farewell, lead time.Duration) (found, did int, err error) {
	var due []family.Child
	err = store.View(ctx, func(tx *db.Tx) error {
		due = nil
		look := func(day time.Time, told family.Aged) error {
			some, err := family.Aging(ctx, tx, v.Ring, day, told, batch-len(due))
			due = append(due, some...)
			return err
		}
		today := tx.Now()
		last := int(lead / (24 * time.Hour))
		for n := -lateDays; n <= last && len(due) < batch; n++ {
			told := family.AgedTurned
			if n > 0 {
				told = family.AgedTurning
			}
			day := today.AddDate(0, 0, n)
			if err := look(day, told); err != nil {
				return err
			}
			for _, then := range age.ChildhoodEnds(day) {
				if n <= 0 && len(due) < batch {
					if err := look(then, family.AgedGrown); err != nil {
						return err
					}
				}
			}
		}
		return nil
	})
	var aged atomic.Int64
	err = errors.Join(err, Each(due, AtOnce, func(c family.Child) error {
		var letters []notify.Message
		told := family.AgedNot
		err := store.Update(ctx, func(tx *db.Tx) error {
			letters = nil // it may run again
			c, err := family.Lock(ctx, tx, c.Service, c.ID)
			if err != nil {
				return err
			}
			if told, err = family.Age(ctx, tx, v.Ring, actor, c, lead); err != nil || told != family.AgedGrown {
				return err
			}
			letters, err = grown(ctx, tx, v, f, c)
			return err
		})
		if err == nil && told != family.AgedNot {
			f.Send(ctx, letters)
			aged.Add(1)
		}
		return Gone(err)
	}))
	return len(due), int(aged.Load()), err
}

// grown ends the office of everybody who is tied to a locked child that is 18 now, and
// returns what its guardians are told: nobody speaks for it any more, and whatever they
// began ends with it (edge cases 4 and 8). What is held is used by nobody and ends when
// its time is over; the person demands for itself.
func grown(ctx context.Context, tx *db.Tx, v *vault.Vault, f *message.Farewell, c family.Child) (letters []notify.Message, err error) {
	var guardians []family.Guardian
	if err := tx.Together(ctx, family.ReadGuardians(&guardians, c.ID)); err != nil {
		return nil, err
	}
	letters = f.Grown(ctx, tx, c, guardians)
	desk := consent.Desk{Ring: v.Ring, Charters: v.Gate.Charters}
	for _, g := range guardians {
		if !g.EndedAt.IsZero() {
			continue
		}
		if _, err := desk.EndGuardian(ctx, tx, sweeper{}, c, g.ID); err != nil {
			return nil, err
		}
	}
	_, err = v.EraseUnfounded(ctx, tx, actor, c.Service, c.ID)
	return letters, err
}
