package order

import (
	"context"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/ledger"
)

// lastCall is how long before its end a party is reminded of an order for the last time.
const lastCall = 24 * time.Hour

// A RemindedBody says that a party was reminded of what it hasn't attested, and for which time.
type RemindedBody struct {
	Order  string `json:"order"`
	Number string `json:"number"`
	Party  string `json:"party"`
	Times  int64  `json:"times"`
	Due    int64  `json:"due"` // microseconds
}

// NextReminder returns when a party is reminded of an order, the next time after a moment: at
// half of its time, and a day before it is over; the zero time where it isn't any more. So of
// two whose time has come together, as after a long stop, one is left out.
func NextReminder(issued, due, after time.Time) (next time.Time) {
	for _, at := range []time.Time{issued.Add(due.Sub(issued) / 2).Truncate(time.Microsecond), due.Add(-lastCall)} {
		if at.After(issued) && at.After(after) && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	return next
}

// ToRemind returns orders of which their parties are to be reminded by now, those behind
// after and at most limit. It reads the index of those times.
func ToRemind(ctx context.Context, tx *db.Tx, after Order, limit int) ([]Order, error) {
	now := tx.Now()
	return db.All(ctx, tx, scan, `
		SELECT `+columns+` FROM party_order
		WHERE attested_at IS NULL AND remind_at IS NOT NULL AND remind_at <= $1 AND (remind_at, id) > ($2, $3)
		ORDER BY remind_at, id LIMIT $4`, (*db.Time)(&now), after.RemindAt.UnixMicro(), after.ID, int64(limit))
}

// Remind reminds a party of an order that it hasn't attested, once for each time (Article 16),
// and returns whether it did: the entry is what its systems are told by. Of one that is overdue
// by now that is told, and nothing else. If we crash before the commit it wasn't, and the next
// sweep does.
func Remind(ctx context.Context, tx *db.Tx, actor string, o Order) (bool, error) {
	now := tx.Now()
	next, times := NextReminder(o.IssuedAt, o.DueAt, now), o.Reminded+1
	if !now.Before(o.DueAt) {
		next, times = time.Time{}, o.Reminded
	}
	n, err := tx.Exec(ctx, `
		UPDATE party_order SET reminded = $1, remind_at = $2 WHERE id = $3 AND remind_at = $4 AND attested_at IS NULL`,
		times, (*db.Time)(&next), o.ID, (*db.Time)(&o.RemindAt))
	if err != nil || n != 1 || times == o.Reminded {
		return false, err
	}
	_, err = ledger.Append(ctx, tx, ledger.Entry{Kind: KindReminded, Service: o.Service, Actor: actor,
		Body: RemindedBody{Order: o.ID, Number: o.Number, Party: o.Party, Times: times, Due: o.DueAt.UnixMicro()}})
	return err == nil, err
}
