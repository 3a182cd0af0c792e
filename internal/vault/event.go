package vault

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/family"
	"wardkeep/internal/gate"
	"wardkeep/internal/ledger"
)

// What can be wrong with an event that the operator reports.
var (
	ErrEventUnknown = errs.New(errs.Invalid, "vault.event_unknown") // no purpose of the charter waits for it
	ErrEventFuture  = errs.New(errs.Invalid, "vault.event_future")
	ErrEventEarly   = errs.New(errs.Invalid, "vault.event_before_child") // nothing was held then
)

// KindEvent is the kind of the entry of an event that ends values.
const KindEvent = "child.event"

// An EventBody says what happened, and which values end because of it. The
// times are microseconds.
type EventBody struct {
	Event    string           `json:"event"` // as the charter names it
	Happened int64            `json:"happened"`
	Catalog  int64            `json:"catalog"` // the version of the service that was in force
	Charter  int64            `json:"charter"`
	Ends     map[string]int64 `json:"ends"`             // per purpose: of what was collected until then, sealed values too
	Values   []gate.Span      `json:"values,omitempty"` // those held here whose end has moved
}

// Ended is the answer to Event.
type Ended struct {
	Happened time.Time
	Expires  map[string]time.Time // per item that waited for the event, of those held here
	Version  int64                // the child's
	Entry    string
}

// clocks is how far the caller's clock may be from this one.
const clocks = time.Minute

// Event ends what waits for an event that has happened (Article 12): values of
// purposes whose retention names it, as far as they were collected before. Those
// held here get their new end; for those sealed elsewhere the gate applies it.
// No value's end ever moves away, however often and in whatever order events are
// reported. The zero time is now. Errors: ErrEventUnknown, ErrEventFuture,
// ErrEventEarly; family.ErrTooManyEvents.
func (v *Vault) Event(ctx context.Context, tx *db.Tx, by family.Actor, service string, id family.ID, event string, happened time.Time) (Ended, error) {
	child, err := family.Lock(ctx, tx, service, id)
	if err != nil {
		return Ended{}, err
	}
	if happened, err = plausible(happened, tx.Now(), child); err != nil {
		return Ended{}, err
	}
	var values []stored
	l, err := v.Gate.Load(ctx, tx, service, id, held(&values, id))
	if err != nil {
		return Ended{}, err
	}
	terms, err := v.Gate.Terms(ctx, tx, l)
	if err != nil {
		return Ended{}, err
	}
	ends := gate.Ends(terms, event, happened)
	if len(ends) == 0 {
		return Ended{}, ErrEventUnknown.At("event")
	}
	published, _ := l.Published()
	_, catalog := l.Versions()
	body := EventBody{Event: event, Happened: happened.UnixMicro(), Catalog: catalog, Charter: published.Number, Ends: make(map[string]int64, len(ends))}
	var endings []family.Ending
	for _, purpose := range slices.Sorted(maps.Keys(ends)) {
		body.Ends[purpose] = ends[purpose].UnixMicro()
		endings = append(endings, family.Ending{Event: event, Purpose: purpose, Happened: happened, Ends: ends[purpose]})
	}
	if err := family.End(ctx, tx, child, endings...); err != nil {
		return Ended{}, err
	}
	out := Ended{Happened: happened, Expires: make(map[string]time.Time), Version: child.Version}
	slices.SortFunc(values, func(a, b stored) int { return cmp.Compare(a.item, b.item) })
	for _, s := range values {
		end, waited := ends[s.purpose]
		if !waited || s.collected.After(happened) {
			continue
		}
		if end.Before(s.expires) {
			s.expires = end
			if err := moveEnd(ctx, tx, id, s); err != nil {
				return Ended{}, err
			}
			body.Values = append(body.Values, span(s))
		}
		out.Expires[s.item] = s.expires
	}
	out.Entry, err = ledger.Append(ctx, tx, ledger.Entry{Kind: KindEvent, Service: service, Subject: child.Subject,
		Version: child.Version, Actor: by.Ledger(), Body: body})
	return out, err
}

// plausible returns when the event happened, or why it can't have.
func plausible(happened, now time.Time, child family.Child) (time.Time, error) {
	switch {
	case happened.IsZero():
		return now, nil
	case happened.After(now.Add(clocks)):
		return happened, ErrEventFuture.At("happened_at")
	case happened.Before(child.CreatedAt.Add(-clocks)):
		return happened, ErrEventEarly.At("happened_at")
	case happened.After(now):
		return now, nil
	}
	return happened.UTC().Truncate(time.Microsecond), nil
}

// moveEnd writes the new end of a value that is held.
func moveEnd(ctx context.Context, tx *db.Tx, child family.ID, s stored) error {
	return tx.Queue(ctx, `UPDATE value SET expires_at = $1 WHERE child = $2 AND item = $3`, (*db.Time)(&s.expires), child, s.item)
}
