package retention

import (
	"context"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/family/age"
	"wardkeep/internal/message"
	"wardkeep/internal/notify"
	"wardkeep/internal/vault"
)

// lateDays is how many days back the sweep looks for who has turned 14, or 18, and
// further where no sweep was complete since: a server may have stood still, and who fails must
// not be lost from sight, nor the alarm. Nobody is used as a child in the meantime: the gate
// reads the birth date at each use.
const (
	lateDays  = 60
	neverDays = 4 * 365 // where there was none at all
)

// sweeper acts on what the sweep finds.
type sweeper struct{}

// Ledger returns the actor's name in the ledger.
func (sweeper) Ledger() string { return actor }

// An aging is a child that is found on one of the days at which the sweep looks.
type aging struct {
	step  int // of agingSteps
	child family.Child
}

// An agingStep is a day in the index of keyed days, and what is told of who is found there.
type agingStep struct {
	day  time.Time
	told family.Aged
}

// agingSteps are the days around today, in order. Last is when a sweep was last complete.
func agingSteps(today, last time.Time, lead time.Duration) (all []agingStep) {
	back := neverDays
	if !last.IsZero() {
		back = max(lateDays, 2+int(today.Sub(last)/(24*time.Hour)))
	}
	for n := -back; n <= int(lead/(24*time.Hour)); n++ {
		day := today.AddDate(0, 0, n)
		if n > 0 {
			all = append(all, agingStep{day, family.AgedTurning})
			continue
		}
		all = append(all, agingStep{day, family.AgedTurned})
		for _, then := range age.ChildhoodEnds(day) {
			all = append(all, agingStep{then, family.AgedGrown})
		}
	}
	return all
}

// sweepAges records who turns 14, or has, and who is 18 (edge case 4). It looks at the days around
// today in the index of keyed days: what it costs is those who turn in them. If we
// crash before a commit, the child is found again.
func sweepAges(store *db.DB, v *vault.Vault, f *message.Farewell, lead time.Duration) work {
	var steps []agingStep
	look := func(ctx context.Context, tx *db.Tx, after aging, limit int) (due []aging, err error) {
		if steps == nil {
			last, err := LastSweep(ctx, tx)
			if err != nil {
				return nil, err
			}
			steps = agingSteps(tx.Now(), last, lead)
		}
		for step := after.step; step < len(steps) && len(due) < limit; step++ {
			some, err := family.Aging(ctx, tx, v.Ring, steps[step].day, steps[step].told, after.child, limit-len(due))
			if err != nil {
				return nil, err
			}
			for _, c := range some {
				due = append(due, aging{step, c})
			}
			after.child = family.Child{}
		}
		return due, nil
	}
	return through(store, look, func(ctx context.Context, a aging) (int, error) {
		f.Room(ctx)
		var letters []notify.Message
		told := family.AgedNot
		err := store.Update(ctx, func(tx *db.Tx) error {
			letters = nil // it may run again
			c, err := family.Lock(ctx, tx, a.child.Service, a.child.ID)
			if err != nil {
				return err
			}
			if told, err = family.Age(ctx, tx, v.Ring, actor, c, lead); err != nil || told != family.AgedGrown {
				return err
			}
			letters, err = grown(ctx, tx, v, f, c)
			return err
		})
		if err != nil || told == family.AgedNot {
			return 0, err
		}
		f.Send(ctx, letters)
		return 1, nil
	})
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
