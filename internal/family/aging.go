package family

import (
	"context"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/family/age"
)

// An Aged is how far it was told that a child turns 14.
type Aged int64

// The steps, in order.
const (
	AgedNot     Aged = 0
	AgedTurning Aged = 1 // it is told that the day comes
	AgedTurned  Aged = 2 // it is told that it has come: the guardian's yes carries nothing any more (edge case 4)
)

// TurningLead is how long before the end of the 14th birthday it is told: the
// operator has to ask the minor.
const TurningLead = 30 * 24 * time.Hour

// Turning14 returns children who are no longer children from 00:00 of day on
// (edge case 1) and of whom less was told, by ID and at most limit. Day is a date in
// Asia/Shanghai. It reads the index of keyed days: a day costs those who turn and
// haven't been told, and no birth date is opened.
func Turning14(ctx context.Context, tx *db.Tx, ring *keyring.Ring, day time.Time, told Aged, limit int) ([]Child, error) {
	return db.All(ctx, tx, scan, `
		SELECT `+columns+` FROM child WHERE turns_14 = $1 AND aged < $2
		ORDER BY aged, child LIMIT $3`, dayHash(ring, day), told, int64(limit))
}

// Age records of a locked child what its birth date says by now: that it turns 14
// within TurningLead, or that it has. It reports whether anything was new. Errors: as
// Birth.
func Age(ctx context.Context, tx *db.Tx, ring *keyring.Ring, actor string, c Child) (bool, error) {
	birth, err := c.Birth(ring)
	if err != nil || birth.IsZero() {
		return false, err
	}
	told, kind, body := AgedNot, "", any(nil)
	switch now := tx.Now(); {
	case birth.ClassAt(now) != age.Child:
		told, kind, body = AgedTurned, KindTurned, TurnedBody{}
	case birth.ClassAt(now.Add(TurningLead)) != age.Child:
		told, kind, body = AgedTurning, KindTurning, TurningBody{}
	}
	if told <= c.Aged {
		return false, nil
	}
	err = changed(tx.Exec(ctx, `UPDATE child SET aged = $1 WHERE child = $2 AND version = $3 AND state <> 'erased'`, told, c.ID, c.Version))
	if err != nil {
		return false, err
	}
	_, err = c.note(ctx, tx, actor, kind, body)
	return true, err
}
