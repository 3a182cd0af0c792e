package order

import (
	"context"
	"encoding/hex"
	"errors"
	"strings"
	"time"

	"wardkeep/internal/account"
	"wardkeep/internal/base/db"
	"wardkeep/internal/catalog"
	"wardkeep/internal/family"
	"wardkeep/internal/ledger"
	"wardkeep/internal/party"
)

// Attest ends an order: its party says that it has done it. Of is who says so, and
// must be the order's own; document is the SHA-256 of what it has written, in hex, or
// empty. By is the operator's app or officer who passes it on. With the party's last
// overdue order, the gate opens for it again. A party may say so by itself. Errors: ErrMayNot, ErrDocument,
// ErrNotFound, ErrParty, ErrTwice.
func (b Book) Attest(ctx context.Context, tx *db.Tx, by family.Actor, service, order, of, document string) (Order, string, error) {
	document = strings.ToLower(document)
	switch {
	case !handles(by, service):
		return Order{}, "", ErrMayNot
	case document != "" && !isHash(document):
		return Order{}, "", ErrDocument.At("document")
	}
	// The service first, as in Overdue: of two that end a party's last orders, one sees
	// that nothing is left.
	s, err := catalog.Hold(ctx, tx, service)
	if errors.Is(err, catalog.ErrNotFound) {
		err = ErrNotFound
	}
	if err != nil {
		return Order{}, "", err
	}
	o, err := Find(ctx, tx, service, order)
	if err == nil {
		err = own(by, tx.Now(), o)
	}
	switch {
	case err != nil:
		return Order{}, "", err
	case o.Party != of:
		return Order{}, "", ErrParty.At("party")
	case !o.Open():
		return Order{}, "", ErrTwice
	}
	o.AttestedAt, o.AttestedBy, o.Document, o.sealed = tx.Now(), by.Ledger(), document, nil
	if document != "" {
		o.Salt = ledger.NewSalt()
	}
	o.Attested, err = ledger.Append(ctx, tx, ledger.Entry{Kind: KindAttested, Service: service, Actor: by.Ledger(),
		Body: AttestedBody{Order: o.ID, Number: o.Number, Party: o.Party, Mark: o.Mark()}})
	if err != nil {
		return Order{}, "", err
	}
	// If the child was erased, nothing leads to it from here on.
	n, err := tx.Exec(ctx, `
		UPDATE party_order SET attested_at = $1, attested_by = $2, document = $3, salt = $4, attested = $5, sealed = NULL
		WHERE id = $6 AND attested_at IS NULL`,
		(*db.Time)(&o.AttestedAt), o.AttestedBy, o.Document, o.Salt, o.Attested, o.ID)
	switch {
	case err != nil:
		return Order{}, "", err
	case n != 1:
		return Order{}, "", ErrTwice
	}
	return o, o.Attested, resume(ctx, tx, by.Ledger(), s, o.Party)
}

// AttestOf attests open orders of one party that were issued by a moment, all of which one
// document covers: at most limit, those that are due first behind after, the zero Order at
// the beginning. Each has the record of its own that Attest makes. It returns them; fewer
// than limit are the last. Errors: ErrBare, and those of Attest.
func (b Book) AttestOf(ctx context.Context, tx *db.Tx, by family.Actor, service, of, document string, until time.Time, after Order, limit int) ([]Order, error) {
	switch {
	case !handles(by, service):
		return nil, ErrMayNot
	case document == "":
		return nil, ErrBare
	}
	// The service first, as in Attest: what somebody else attests meanwhile isn't ours.
	if _, err := catalog.Hold(ctx, tx, service); errors.Is(err, catalog.ErrNotFound) {
		return nil, ErrNotFound
	} else if err != nil {
		return nil, err
	}
	all, err := db.All(ctx, tx, scan, `
		SELECT `+columns+` FROM party_order
		WHERE service = $1 AND party = $2 AND issued_at <= $3 AND attested_at IS NULL AND (due_at, issued) > ($4, $5)
		ORDER BY due_at, issued LIMIT $6`, service, of, (*db.Time)(&until), after.due(), after.Issued, int64(limit))
	if err != nil {
		return nil, err
	}
	for i, o := range all {
		if all[i], _, err = b.Attest(ctx, tx, by, service, o.ID, of, document); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// due is when the order is due as a list has it: the zero Order before any.
func (o Order) due() int64 {
	if o.DueAt.IsZero() {
		return 0
	}
	return o.DueAt.UnixMicro()
}

// resume opens the gate for a party that has no overdue order left. The service is
// held.
func resume(ctx context.Context, tx *db.Tx, actor string, s catalog.Service, party string) error {
	if !s.IsOverdue(party) {
		return nil
	}
	left, err := db.One(ctx, tx, db.Single[int64], `
		SELECT count(*) FROM (
			SELECT id FROM party_order
			WHERE service = $1 AND party = $2 AND attested_at IS NULL AND overdue_at IS NOT NULL LIMIT 1) AS late`, s.Name, party)
	if err != nil || left > 0 {
		return err
	}
	_, err = catalog.Resume(ctx, tx, actor, s.Name, party)
	return err
}

// handles reports whether the actor takes attestations for the service.
func handles(by family.Actor, service string) bool {
	switch by := by.(type) {
	case account.App:
		return by.Service == service && by.May(account.OrdersWrite)
	case catalog.Officer:
		return by.Governs(service)
	case party.Client: // for itself: see own
		return by.Key.Party.Service == service
	}
	return false
}

// own reports whether who attests may do so for the party of an order: a party only for
// itself, in the role in which it got what it deletes. What it owes it owes the more when it
// is suspended or has ended.
func own(by family.Actor, now time.Time, o Order) error {
	is, ok := by.(party.Client)
	switch {
	case !ok:
		return nil
	case is.Key.Party.Name != o.Party || string(is.Key.Party.Role) != string(o.Role):
		return ErrNotFound // another's orders are none to it
	}
	return is.Deaf(now)
}

func isHash(s string) bool {
	b, err := hex.DecodeString(s)
	return err == nil && len(b) == 32
}

// Due returns orders whose day is over and that weren't attested, nor found before: at most
// limit, those that are due first behind after, the zero Order at the beginning.
func Due(ctx context.Context, tx *db.Tx, after Order, limit int) ([]Order, error) {
	now := tx.Now()
	return db.All(ctx, tx, scan, `
		SELECT `+columns+` FROM party_order
		WHERE due_at <= $1 AND attested_at IS NULL AND overdue_at IS NULL AND (due_at, issued) > ($2, $3)
		ORDER BY due_at, issued LIMIT $4`, (*db.Time)(&now), after.due(), after.Issued, int64(limit))
}

// Overdue records that the day of an order is over, and closes the gate for its party (edge
// case 13); found is false where it was attested, or recorded, since it was read. If we
// crash before the commit, it is due again.
func Overdue(ctx context.Context, tx *db.Tx, actor string, o Order) (found bool, err error) {
	s, err := catalog.Hold(ctx, tx, o.Service)
	if err != nil {
		return false, err
	}
	now := tx.Now()
	n, err := tx.Exec(ctx, `
		UPDATE party_order SET overdue_at = $1
		WHERE id = $2 AND due_at <= $1 AND attested_at IS NULL AND overdue_at IS NULL`, (*db.Time)(&now), o.ID)
	if err != nil || n != 1 {
		return false, err
	}
	_, err = ledger.Append(ctx, tx, ledger.Entry{Kind: KindOverdue, Service: o.Service, Actor: actor,
		Body: OverdueBody{Order: o.ID, Number: o.Number, Party: o.Party}})
	if err == nil && !s.IsOverdue(o.Party) {
		_, err = catalog.Suspend(ctx, tx, actor, o.Service, o.Party)
	}
	return err == nil, err
}

// CountOverdue returns how many orders of all services are past their day, whether or
// not a sweep has found it: 1000 at most.
func CountOverdue(ctx context.Context, tx *db.Tx) (int64, error) {
	now := tx.Now()
	return db.One(ctx, tx, db.Single[int64], `
		SELECT count(*) FROM (SELECT id FROM party_order WHERE due_at <= $1 AND attested_at IS NULL LIMIT 1000) AS late`, (*db.Time)(&now))
}

// CountOfParty returns how many orders of one party were found to be past their day: 1000 at
// most.
func CountOfParty(ctx context.Context, tx *db.Tx, service, party string) (int64, error) {
	return db.One(ctx, tx, db.Single[int64], `
		SELECT count(*) FROM (
			SELECT id FROM party_order WHERE service = $1 AND party = $2 AND attested_at IS NULL AND overdue_at IS NOT NULL LIMIT 1000) AS late`, service, party)
}

// CountOf returns how many orders of a service are open, and how many of them past
// their day: 1000 at most of each.
func CountOf(ctx context.Context, tx *db.Tx, service string) (open, overdue int64, err error) {
	now := tx.Now()
	open, err = db.One(ctx, tx, db.Single[int64], `
		SELECT count(*) FROM (SELECT id FROM party_order WHERE service = $1 AND attested_at IS NULL LIMIT 1000) AS open`, service)
	if err != nil {
		return 0, 0, err
	}
	overdue, err = db.One(ctx, tx, db.Single[int64], `
		SELECT count(*) FROM (SELECT id FROM party_order WHERE service = $1 AND due_at <= $2 AND attested_at IS NULL LIMIT 1000) AS late`,
		service, (*db.Time)(&now))
	return open, overdue, err
}
