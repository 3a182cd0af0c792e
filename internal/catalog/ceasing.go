package catalog

import (
	"context"
	"time"

	"wardkeep/internal/base/db"
)

// The steps between the announcement and the end. Of two who take one at once, one
// gets ErrCeasingMoved; nothing of what they did is lost or counted twice.

// TellUpto records that the guardians of so many more children are being told, those
// up to a key, and, with done, of all. Errors: ErrCeasingMoved.
func (c *Cessation) TellUpto(ctx context.Context, tx *db.Tx, upto string, more int64, done bool) error {
	next := *c
	next.ToldUpto, next.Told = upto, c.Told+more
	if done {
		next.ToldAt = tx.Now()
	}
	err := moved(tx.Exec(ctx, `
		UPDATE cessation SET told_upto = $1, told = $2, told_at = $3
		WHERE service = $4 AND purpose = $5 AND told_upto = $6 AND told_at IS NULL`,
		next.ToldUpto, next.Told, (*db.Time)(&next.ToldAt), c.Service, c.Purpose, c.ToldUpto))
	if err == nil {
		*c = next
	}
	return err
}

// Late returns until when guardians can look who are told only now: they have as much time
// as all others had, and LeastWindow at least.
func (c Cessation) Late(now time.Time) time.Time {
	return now.Add(max(c.EndsAt.Sub(c.AnnouncedAt), LeastWindow))
}

// TellLate records that the guardians of one more child are being told, which had been
// left, and until when they can look. Errors: ErrCeasingMoved.
func (c Cessation) TellLate(ctx context.Context, tx *db.Tx, ends time.Time) error {
	now := tx.Now()
	return moved(tx.Exec(ctx, `
		UPDATE cessation SET told = told + 1, told_at = $1, told_place = NULL, last_at = CASE WHEN last_at > $2 THEN last_at ELSE $2 END
		WHERE service = $3 AND purpose = $4 AND told_at IS NOT NULL AND ended_at IS NULL`, (*db.Time)(&now), (*db.Time)(&ends), c.Service, c.Purpose))
}

// CountUntold returns how many children were left when guardians were told: the row says
// that all were, but for them.
func CountUntold(ctx context.Context, tx *db.Tx, service, purpose string) (int64, error) {
	return db.One(ctx, tx, db.Single[int64], `
		SELECT count(*) FROM ceasing_left WHERE service = $1 AND purpose = $2 AND told = false`, service, purpose)
}

// TellPlaced records how long the ledger was once all entries about it had a place.
// Errors: ErrCeasingMoved.
func (c *Cessation) TellPlaced(ctx context.Context, tx *db.Tx, size int64) error {
	err := moved(tx.Exec(ctx, `
		UPDATE cessation SET told_place = $1 WHERE service = $2 AND purpose = $3 AND told_place IS NULL`, size, c.Service, c.Purpose))
	if err == nil {
		c.ToldPlace = size
	}
	return err
}

// BeginErasing records how many children there are, and what became of the question
// about who takes over. Errors: ErrCeasingMoved.
func (c *Cessation) BeginErasing(ctx context.Context, tx *db.Tx, held int64, t Tally) error {
	err := moved(tx.Exec(ctx, `
		UPDATE cessation SET held = $1, asked = $2, agreed = $3, refused = $4, handed = $5
		WHERE service = $6 AND purpose = $7 AND held IS NULL`, held, t.Asked, t.Agreed, t.Refused, t.Handed, c.Service, c.Purpose))
	if err == nil {
		c.Held, c.Tally = held, t
	}
	return err
}

// EraseUpto records that the values of a purpose are erased for children up to a key;
// with an empty one, that all are come by again. Errors: ErrCeasingMoved.
func (c *Cessation) EraseUpto(ctx context.Context, tx *db.Tx, upto string) error {
	err := moved(tx.Exec(ctx, `
		UPDATE cessation SET erased_upto = $1
		WHERE service = $2 AND purpose = $3 AND erased_upto = $4 AND ended_at IS NULL`,
		upto, c.Service, c.Purpose, c.ErasedUpto))
	if err == nil {
		c.ErasedUpto = upto
	}
	return err
}

// CountErased records that something of one more child was erased for a purpose, in the
// transaction that does it: of whoever is come by again, it counts nothing. Errors:
// ErrCeasingMoved.
func (c Cessation) CountErased(ctx context.Context, tx *db.Tx) error {
	return moved(tx.Exec(ctx, `
		UPDATE cessation SET children = children + 1 WHERE service = $1 AND purpose = $2 AND ended_at IS NULL`, c.Service, c.Purpose))
}

// TellAgain has the guardians of all children told once more of what ends and hasn't
// ended, in a store that was put back: what was on its way to them may be lost (edge case
// 15).
func TellAgain(ctx context.Context, tx *db.Tx) error {
	err := tx.Queue(ctx, `
		UPDATE cessation SET told_upto = $1, told = $2, told_at = NULL, told_place = NULL WHERE ended_at IS NULL`, "", 0)
	if err != nil {
		return err
	}
	// Who was told late is told late again, with as much time: the window may be over.
	return tx.Queue(ctx, `UPDATE ceasing_left SET told = false, ends_at = NULL WHERE ends_at IS NOT NULL`)
}

// Undelivered is the condition by which a cessation c has ended and some of the service's
// systems haven't taken what they were told: its events are parked.
const Undelivered = `c.purpose = '' AND c.ended_at IS NOT NULL AND EXISTS (
	SELECT 1 FROM webhook_endpoint e JOIN webhook_delivery d ON d.endpoint = e.endpoint WHERE e.service = c.service AND d.due_at IS NULL)`

func moved(n int64, err error) error {
	if err == nil && n != 1 {
		err = ErrCeasingMoved
	}
	return err
}

// CountLate returns how many ends of services and purposes should be over: they have
// waited for longer than patience after the last window of a guardian, or all is erased and
// an event, which may be an order to delete, is parked (Article 20). With a name, of that
// service.
func CountLate(ctx context.Context, tx *db.Tx, service string, patience time.Duration) (int64, error) {
	since := tx.Now().Add(-patience)
	return db.One(ctx, tx, db.Single[int64], `
		SELECT count(*) FROM cessation c WHERE (c.ended_at IS NULL AND c.ends_at <= $1 AND (c.last_at IS NULL OR c.last_at <= $1) OR `+Undelivered+`) AND (c.service = $2 OR $2 = '')`, (*db.Time)(&since), service)
}
