package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/family"
	"wardkeep/internal/ledger"
)

const (
	// Patience is how long an event is tried. Then it is parked.
	Patience = 72 * time.Hour
	// firstWait is after the first try that failed; the waits double up to mostWait.
	firstWait = 5 * time.Second
	mostWait  = 6 * time.Hour

	// usualRoom bounds how many events of one endpoint are being tried. What it doesn't hold
	// waits in the ledger. What is parked takes no room, so that it holds up nothing: its
	// number is watched (wardkeep_webhooks_parked), and any is an alarm.
	usualRoom = 10_000
	// round bounds how many entries one look at the ledger passes.
	round = 25_600
	// together is how many events are put into a queue at once: SQLite has one writer.
	together = 1000
	// batch is how many events are taken from the queue at once, each of another child.
	batch = 64
)

// errEnough ends the reading of the ledger.
var errEnough = errors.New("webhook: enough events")

// A stretch of the ledger, with the events for one endpoint that are in it.
type stretch struct {
	from, to int64
	more     bool // there may be more behind it
	events   []ledger.Placed
}

// look returns what the ledger has more for an endpoint than its queue, as far as that
// has room.
func (e Endpoint) look(ctx context.Context, tx *db.Tx, room int64) (s stretch, err error) {
	if s.from, err = ledger.Cursor(ctx, tx, cursor(e.ID)); err != nil {
		return s, err
	}
	s.to = s.from
	head, err := ledger.Head(ctx, tx)
	if err != nil || head.Size <= s.from {
		return s, err
	}
	held, err := db.One(ctx, tx, db.Single[int64], `SELECT count(*) FROM webhook_delivery WHERE endpoint = $1 AND due_at IS NOT NULL`, e.ID)
	if err != nil || held >= room {
		return s, err
	}
	s.to = min(head.Size, s.from+round)
	s.more = s.to < head.Size
	err = ledger.ReadKinds(ctx, tx, s.from, s.to, e.prefixes(), func(p ledger.Placed) error {
		switch {
		case !e.tells(p):
			return nil
		case held+int64(len(s.events)) >= room:
			s.to, s.more = p.Place, false
			return errEnough
		case len(s.events) == together:
			s.to, s.more = p.Place, true
			return errEnough
		}
		s.events = append(s.events, p)
		return nil
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return s, err
}

// fill puts a stretch into the queue. Rows and place change together: if we crash,
// the stretch is looked at again, or isn't. The endpoint stays as it is to the commit,
// so that no row outlives it. Errors: ErrNotFound, ledger.ErrCursorMoved.
func (e Endpoint) fill(ctx context.Context, tx *db.Tx, s stretch) error {
	_, err := db.One(ctx, tx, db.Single[string], `SELECT endpoint FROM webhook_endpoint WHERE endpoint = $1`+tx.ForShare(), e.ID)
	if errors.Is(err, db.ErrNone) {
		return ErrNotFound
	}
	if err != nil {
		return err
	}
	for _, p := range s.events {
		if err := e.queue(ctx, tx, p); err != nil {
			return err
		}
	}
	return ledger.Advance(ctx, tx, cursor(e.ID), s.from, s.to)
}

// queue puts one event into the queue, with all of its patience before it. One that
// waits or is parked there begins anew.
func (e Endpoint) queue(ctx context.Context, tx *db.Tx, p ledger.Placed) error {
	now := tx.Now()
	return tx.Queue(ctx, `
		INSERT INTO webhook_delivery (endpoint, place, subject, queued_at, tries, due_at, failure, status)
		VALUES ($1, $2, $3, $4, $5, $4, $6, $5)
		ON CONFLICT (endpoint, place) DO UPDATE SET queued_at = excluded.queued_at, tries = excluded.tries, due_at = excluded.due_at`,
		e.ID, p.Place, p.Subject, (*db.Time)(&now), 0, "")
}

// A Delivery is an event that an endpoint hasn't taken.
type Delivery struct {
	Place    int64 // of its entry in the ledger
	QueuedAt time.Time
	DueAt    time.Time // zero: parked
	Tries    int64
	Failure  string // the code of why the last try failed, or ""
	Status   int64  // that was answered to it, or 0

	subject string
}

const deliveryColumns = `place, subject, queued_at, due_at, tries, failure, status`

func scanDelivery(row db.Row) (d Delivery, err error) {
	err = row.Scan(&d.Place, &d.subject, (*db.Time)(&d.QueuedAt), (*db.Time)(&d.DueAt), &d.Tries, &d.Failure, &d.Status)
	return d, err
}

// due returns the events that may be sent now. Of one child (and of the service) it is
// the first that waits: the others stay behind it until it was taken or parked.
func (e Endpoint) due(ctx context.Context, tx *db.Tx) ([]Delivery, error) {
	now := tx.Now()
	return db.All(ctx, tx, scanDelivery, `
		SELECT `+deliveryColumns+` FROM webhook_delivery AS d
		WHERE endpoint = $1 AND due_at <= $2 AND NOT EXISTS (
			SELECT 1 FROM webhook_delivery AS b
			WHERE b.endpoint = d.endpoint AND b.subject = d.subject AND b.place < d.place AND b.due_at IS NOT NULL)
		ORDER BY place LIMIT $3`, e.ID, (*db.Time)(&now), batch)
}

// letterOf writes what is sent of a delivery: id and body. What the row says is not
// believed: the entry itself must be one that the endpoint is told of. Errors:
// ErrNoEvent.
func (e Endpoint) letterOf(ctx context.Context, tx *db.Tx, ring *keyring.Ring, d Delivery) (id string, body []byte, err error) {
	found, err := ledger.Since(ctx, tx, d.Place, 1)
	if err != nil {
		return "", nil, err
	}
	if len(found) != 1 || !e.tells(found[0]) {
		return "", nil, ErrNoEvent
	}
	event, err := Event(ctx, tx, ring, found[0], map[string]family.ID{})
	if err != nil {
		return "", nil, err
	}
	if e.Party != "" {
		if event, err = toParty(event); err != nil {
			return "", nil, err
		}
	}
	body, err = json.Marshal(event)
	return event.ID, body, err
}

// taken ends a delivery.
func (e Endpoint) taken(ctx context.Context, tx *db.Tx, d Delivery) error {
	if err := tx.Queue(ctx, `UPDATE webhook_endpoint SET delivered = delivered + 1 WHERE endpoint = $1`, e.ID); err != nil {
		return err
	}
	return e.drop(ctx, tx, d)
}

func (e Endpoint) drop(ctx context.Context, tx *db.Tx, d Delivery) error {
	return tx.Queue(ctx, `DELETE FROM webhook_delivery WHERE endpoint = $1 AND place = $2`, e.ID, d.Place)
}

// failed plans the next try, or parks the event, and reports which. Whoever waits
// behind it waits as long.
func (e Endpoint) failed(ctx context.Context, tx *db.Tx, d Delivery, failure error, status int) (parked bool, err error) {
	next := d.next(tx.Now())
	if err := tx.Queue(ctx, `UPDATE webhook_endpoint SET failed = failed + 1 WHERE endpoint = $1`, e.ID); err != nil {
		return false, err
	}
	err = tx.Queue(ctx, `
		UPDATE webhook_delivery SET tries = tries + 1, due_at = $1, failure = $2, status = $3
		WHERE endpoint = $4 AND place = $5 AND tries = $6`,
		(*db.Time)(&next), errs.Of(failure).Code, int64(status), e.ID, d.Place, d.Tries)
	if err != nil || next.IsZero() {
		return next.IsZero(), err
	}
	return false, tx.Queue(ctx, `
		UPDATE webhook_delivery SET due_at = $1
		WHERE endpoint = $2 AND subject = $3 AND place > $4 AND due_at < $1`,
		(*db.Time)(&next), e.ID, d.subject, d.Place)
}

// next returns when a delivery whose try has just failed is tried again; zero: never.
// The last try is when its patience ends, and each event gets one.
func (d Delivery) next(now time.Time) time.Time {
	end := d.QueuedAt.Add(Patience)
	if !now.Before(end) {
		return time.Time{}
	}
	if next := now.Add(waitAfter(d.Tries)); next.Before(end) {
		return next
	}
	return end
}

// waitAfter is how long it is to the next try after so many that failed.
func waitAfter(tries int64) time.Duration {
	wait := mostWait
	if tries < 13 { // 5 s doubled 13 times is more than 6 h
		wait = min(mostWait, firstWait<<tries)
	}
	// So that not all come at once to a receiver that is back.
	return wait + time.Duration((rand.Float64()-0.5)*0.4*float64(wait))
}

// Numbers are what of an endpoint is watched.
type Numbers struct {
	Waiting int64
	Parked  int64
	Oldest  time.Time // since when the oldest waits; zero: none does
	Behind  int64     // entries of the ledger that weren't looked at yet
}

// Count returns the numbers of an endpoint.
func (e Endpoint) Count(ctx context.Context, tx *db.Tx) (n Numbers, err error) {
	err = db.Each(ctx, tx, func(row db.Row) error {
		var all int64
		err := row.Scan(&all, &n.Waiting, (*db.Time)(&n.Oldest))
		n.Parked = all - n.Waiting
		return err
	}, `
		SELECT count(*), count(due_at), min(CASE WHEN due_at IS NOT NULL THEN queued_at END)
		FROM webhook_delivery WHERE endpoint = $1`, e.ID)
	if err != nil {
		return n, err
	}
	head, err := ledger.Head(ctx, tx)
	if err != nil {
		return n, err
	}
	at, err := ledger.Cursor(ctx, tx, cursor(e.ID))
	n.Behind = head.Size - at
	return n, err
}

// CountAll returns the numbers of all endpoints together, but for how far each is behind
// in the ledger.
func CountAll(ctx context.Context, tx *db.Tx) (n Numbers, err error) {
	err = db.Each(ctx, tx, func(row db.Row) error {
		var all int64
		err := row.Scan(&all, &n.Waiting, (*db.Time)(&n.Oldest))
		n.Parked = all - n.Waiting
		return err
	}, `SELECT count(*), count(due_at), min(CASE WHEN due_at IS NOT NULL THEN queued_at END) FROM webhook_delivery`)
	return n, err
}

// Through reports whether the endpoint has taken all events up to a moment. One that is
// paused hasn't, nor one of which some are parked: what waits there may be an order to
// delete (Article 20), and nothing drops it but who removes the endpoint.
func (e Endpoint) Through(ctx context.Context, tx *db.Tx, at time.Time) (bool, error) {
	if !e.PausedAt.IsZero() {
		return false, nil
	}
	oldest, err := ledger.OldestPending(ctx, tx)
	if err != nil || !oldest.IsZero() && !oldest.After(at) {
		return false, err
	}
	after, err := ledger.PlaceAt(ctx, tx, at.Add(time.Microsecond))
	if err != nil {
		return false, err
	}
	place, err := ledger.Cursor(ctx, tx, cursor(e.ID))
	if err != nil || place < after {
		return false, err
	}
	n, err := e.Count(ctx, tx)
	return n.Waiting == 0 && n.Parked == 0, err
}

// Waiting returns at most limit events that the endpoint hasn't taken: those that are
// parked, or else those that failed at least once.
func (e Endpoint) Waiting(ctx context.Context, tx *db.Tx, parked bool, limit int) ([]Delivery, error) {
	return db.All(ctx, tx, scanDelivery, `
		SELECT `+deliveryColumns+` FROM webhook_delivery
		WHERE endpoint = $1 AND (due_at IS NULL) = $2 AND tries > 0 ORDER BY place LIMIT $3`, e.ID, parked, int64(limit))
}

// Deliveries returns at most limit events that the endpoint hasn't taken, those behind a
// place in the ledger, in its order: all, or those alone that are parked.
func (e Endpoint) Deliveries(ctx context.Context, tx *db.Tx, parked bool, after int64, limit int) ([]Delivery, error) {
	which := ``
	if parked {
		which = `AND due_at IS NULL `
	}
	return db.All(ctx, tx, scanDelivery, `
		SELECT `+deliveryColumns+` FROM webhook_delivery
		WHERE endpoint = $1 `+which+`AND place > $2 ORDER BY place LIMIT $3`, e.ID, after, int64(limit))
}

// ReplayEvent sends one event once more, whatever became of it. Errors: ErrMayNot,
// ErrNotFound, ErrNoEvent.
func ReplayEvent(ctx context.Context, tx *db.Tx, by Actor, service, endpoint, event string) (string, error) {
	e, err := hold(ctx, tx, by, service, endpoint)
	if err != nil {
		return "", err
	}
	p, err := ledger.Find(ctx, tx, event)
	if errors.Is(err, ledger.ErrNotFound) || err == nil && !e.tells(p) {
		return "", ErrNoEvent.At("event")
	}
	if err != nil {
		return "", err
	}
	if err := e.queue(ctx, tx, p); err != nil {
		return "", err
	}
	return e.note(ctx, tx, KindReplayed, by, ReplayedBody{Endpoint: e.ID, What: "event", Place: p.Place})
}

// ReplaySince sends what happened since a moment once more. Errors: ErrMayNot,
// ErrNotFound.
func ReplaySince(ctx context.Context, tx *db.Tx, by Actor, service, endpoint string, since time.Time) (string, error) {
	e, err := hold(ctx, tx, by, service, endpoint)
	if err != nil {
		return "", err
	}
	from, err := ledger.Cursor(ctx, tx, cursor(e.ID))
	if err != nil {
		return "", err
	}
	to, err := ledger.PlaceAt(ctx, tx, since)
	if err != nil {
		return "", err
	}
	if to = min(from, to); to < from {
		if err := ledger.Advance(ctx, tx, cursor(e.ID), from, to); err != nil {
			return "", err
		}
	}
	return e.note(ctx, tx, KindReplayed, by, ReplayedBody{Endpoint: e.ID, What: "since", Place: to})
}

// ReplayParked has all that is parked tried for another 72 hours, and returns how much
// that is. Errors: ErrMayNot, ErrNotFound.
func ReplayParked(ctx context.Context, tx *db.Tx, by Actor, service, endpoint string) (n int64, entry string, err error) {
	e, err := hold(ctx, tx, by, service, endpoint)
	if err != nil {
		return 0, "", err
	}
	now := tx.Now()
	n, err = tx.Exec(ctx, `
		UPDATE webhook_delivery SET queued_at = $1, tries = $2, due_at = $1 WHERE endpoint = $3 AND due_at IS NULL`,
		(*db.Time)(&now), 0, e.ID)
	if err != nil {
		return 0, "", err
	}
	entry, err = e.note(ctx, tx, KindReplayed, by, ReplayedBody{Endpoint: e.ID, What: "parked", Place: 0})
	return n, entry, err
}
