package vault

import (
	"context"
	"maps"
	"slices"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/charter"
	"wardkeep/internal/family"
	"wardkeep/internal/gate"
	"wardkeep/internal/ledger"
)

// The kinds of entries that the vault writes.
const (
	KindCollected = "value.collected"
	KindKept      = "value.kept"
	KindErased    = "value.erased"
)

// A CollectedBody says which values were written, and until when they live.
type CollectedBody struct {
	Values []gate.Span `json:"values"`
}

// A KeptBody says that a use prolonged values whose time counts from the last.
type KeptBody struct {
	Values []gate.Span `json:"values"`
}

// An ErasedBody says which values are gone, and why.
type ErasedBody struct {
	Items  []string `json:"items"`
	Ground string   `json:"ground"`
}

// Written is the answer to Put.
type Written struct {
	Expires map[string]time.Time // per item (Article 12)
	Entry   string
}

// Put collects values: each is checked against its item, sealed under the
// child's key, and written with its end. Values of a denied collection are not
// kept in any form.
func (v *Vault) Put(ctx context.Context, tx *db.Tx, by gate.Actor, service string, id family.ID, purpose string, values map[string]pii.Text) (Written, error) {
	if len(values) > MaxItems {
		return Written{}, ErrTooMany
	}
	items := slices.Sorted(maps.Keys(values))
	u := gate.Use{Service: service, Child: id, Activity: charter.Collect, Purpose: purpose, Items: items}
	child, err := family.Lock(ctx, tx, service, id)
	if err != nil {
		return Written{}, err
	}
	l, err := v.Gate.Load(ctx, tx, service, id)
	if err != nil {
		return Written{}, err
	}
	// The lock made child.Version; the decision rests on the one before.
	permit, entry, err := gate.Check(ctx, tx, by, u, l, child.Version-1, nil, nil)
	if err != nil {
		return Written{Entry: entry}, err
	}
	published, _ := l.Published()
	out := Written{Expires: make(map[string]time.Time, len(items))}
	body := CollectedBody{}
	for _, item := range items {
		declared, _ := published.Charter.Item(item)
		if err := check(declared, item, values[item], tx.Now()); err != nil {
			return Written{}, err
		}
		s := stored{item: item, purpose: purpose, version: child.Version, collected: tx.Now(),
			expires: time.UnixMicro(permit.Expires(item)).UTC()}
		if err := v.write(ctx, tx, permit, child, s, values[item]); err != nil {
			return Written{}, err
		}
		out.Expires[item] = s.expires
		body.Values = append(body.Values, span(s))
	}
	out.Entry, err = ledger.Append(ctx, tx, ledger.Entry{Kind: KindCollected, Service: service, Subject: child.Subject,
		Version: child.Version, Actor: by.Ledger(), Body: body})
	return out, err
}

func span(s stored) gate.Span {
	return gate.Span{Item: s.item, Purpose: s.purpose, Collected: s.collected.UnixMicro(), Expires: s.expires.UnixMicro()}
}

func (v *Vault) write(ctx context.Context, tx *db.Tx, permit gate.Permit, child family.Child, s stored, value pii.Text) error {
	if !permit.Allows(child.ID, charter.Collect, s.item) {
		return gate.ErrDenied
	}
	key, err := child.Key(v.Ring)
	if err != nil {
		return err
	}
	s.sealed = key.Seal([]byte(value.Reveal()), s.ad(child)...)
	return tx.Queue(ctx, `
		INSERT INTO value (child, item, service, purpose, version, sealed, collected_at, expires_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
		ON CONFLICT (child, item) DO UPDATE SET purpose = excluded.purpose, version = excluded.version,
			sealed = excluded.sealed, collected_at = excluded.collected_at, expires_at = excluded.expires_at`,
		child.ID, s.item, child.Service, s.purpose, s.version, s.sealed, (*db.Time)(&s.collected), (*db.Time)(&s.expires))
}

// leastGain is how much longer a use must let a value live before its row is
// written again: a value that is read all day is prolonged once.
const leastGain = 24 * time.Hour

// longer returns those values that a use now prolongs, with their new ends. An
// end that an event has set stays.
func (p *Prepared) longer(child family.Child, u gate.Use, now time.Time) (kept []stored) {
	published, ok := p.loaded.Published()
	if !ok {
		return nil
	}
	purpose, _ := published.Charter.Purpose(u.Purpose)
	if purpose.Retention.From != charter.FromLastUse {
		return nil
	}
	for _, s := range *p.values {
		later := purpose.Retention.AfterUse(s.collected, now)
		_, ended := child.Endings.Of(s.purpose, s.collected)
		if s.purpose == u.Purpose && !ended && later.Sub(s.expires) >= leastGain {
			s.expires = later
			kept = append(kept, s)
		}
	}
	return kept
}

// prolong moves the end of values whose time counts from the last use, for the
// purpose that they were collected for.
func (v *Vault) prolong(ctx context.Context, tx *db.Tx, by gate.Actor, u gate.Use, p *Prepared, child family.Child) error {
	kept := p.longer(child, u, tx.Now())
	if len(kept) == 0 {
		return nil
	}
	if err := tx.Exclusive(); err != nil {
		return err
	}
	child, err := family.Lock(ctx, tx, u.Service, u.Child)
	if err != nil {
		return err
	}
	var body KeptBody
	for _, s := range kept {
		if err := moveEnd(ctx, tx, u.Child, s); err != nil {
			return err
		}
		body.Values = append(body.Values, span(s))
	}
	_, err = ledger.Append(ctx, tx, ledger.Entry{Kind: KindKept, Service: u.Service, Subject: child.Subject,
		Version: child.Version, Actor: by.Ledger(), Body: body})
	return err
}
