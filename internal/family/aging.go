package family

import (
	"context"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/family/age"
)

// An Aged is how far it was told that a child turns 14, and then 18.
type Aged int64

// The steps, in order.
const (
	AgedNot     Aged = 0
	AgedTurning Aged = 1 // it is told that the day comes
	AgedTurned  Aged = 2 // it is told that it has come: the guardian's yes carries nothing any more (edge case 4)
	AgedGrown   Aged = 3 // it is told that the person is 18: the guardian's door is closed
)

// TurningLead is how long before the end of the 14th birthday it is told, unless the
// operator sets another lead: the minor has to be asked.
const TurningLead = 30 * 24 * time.Hour

// Aging returns children who are no longer children from 00:00 of day on
// (edge case 1) and of whom less was told: those behind after, in the order of what was told
// and of their IDs, and at most limit. Of each it returns no more than that: one that can't
// be read hides nobody. Day is a date in Asia/Shanghai. It reads the index of keyed days: a day costs those who turn and
// haven't been told, and no birth date is opened. Who turns 18 is found by the same
// index: see age.ChildhoodEnds.
func Aging(ctx context.Context, tx *db.Tx, ring *keyring.Ring, day time.Time, told Aged, after Child, limit int) ([]Child, error) {
	return db.All(ctx, tx, func(row db.Row) (c Child, err error) {
		err = row.Scan(&c.ID, &c.Service, &c.Aged)
		return c, err
	}, `
		SELECT child, service, aged FROM child WHERE turns_14 = $1 AND aged < $2 AND (aged, child) > ($3, $4)
		ORDER BY aged, child LIMIT $5`, dayHash(ring, day), told, after.Aged, after.ID, int64(limit))
}

// Age records of a locked child what its birth date says by now: that it turns 14
// within the lead, that it has, or that it is 18. It returns what is new of it, AgedNot
// if nothing is. Errors: as Birth.
func Age(ctx context.Context, tx *db.Tx, ring *keyring.Ring, actor string, c Child, lead time.Duration) (Aged, error) {
	birth, err := c.Birth(ring)
	if err != nil || birth.IsZero() {
		return AgedNot, err
	}
	told, kind, body := AgedNot, "", any(nil)
	switch now := tx.Now(); birth.ClassAt(now) {
	case age.Adult:
		told, kind, body = AgedGrown, KindGrown, GrownBody{}
	case age.Minor:
		told, kind, body = AgedTurned, KindTurned, TurnedBody{}
	default:
		if birth.ClassAt(now.Add(lead)) != age.Child {
			told, kind, body = AgedTurning, KindTurning, TurningBody{}
		}
	}
	if told <= c.Aged {
		return AgedNot, nil
	}
	err = changed(tx.Exec(ctx, `UPDATE child SET aged = $1 WHERE child = $2 AND version = $3 AND state <> 'erased'`, told, c.ID, c.Version))
	if err != nil {
		return AgedNot, err
	}
	_, err = c.note(ctx, tx, actor, kind, body)
	return told, err
}

// Class returns what the child is by age at a moment. Errors: as Birth.
func (c Child) Class(ring *keyring.Ring, at time.Time) (age.Class, error) {
	birth, err := c.Birth(ring)
	return birth.ClassAt(at), err
}

// InDispute reports whether the guardians of a child disagree and that stops something: from
// the child's 14th birthday on their answers are no basis, and whoever looks at the child
// is told of no dispute (edge case 4). The birth date is opened of a disputed child alone.
// Where it can't be, the dispute stands: what lists many children isn't held up by one.
func (c Child) InDispute(ring *keyring.Ring, at time.Time) bool {
	if !c.Disputed {
		return false
	}
	class, err := c.Class(ring, at)
	return err != nil || class == age.Child
}
