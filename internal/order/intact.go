package order

import (
	"context"
	"errors"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/keyring"
)

// A Row is an order with the pseudonym of its living child, for an audit.
type Row struct {
	Order
	Subject string // empty where there is no such child
}

// Rows calls each with all orders, holding one at a time. Each must not use tx.
func Rows(ctx context.Context, tx *db.Tx, each func(Row)) error {
	return db.Each(ctx, tx, func(row db.Row) error {
		var r Row
		o, err := scan(withSubject{row, &r.Subject})
		if r.Order = o; err == nil {
			each(r)
		}
		return err
	}, `
		SELECT id, number, party_order.service, party, role, what, items, purposes, narrowed, party_order.child, sealed, issued_at, due_at, overdue_at,
			attested_at, attested_by, document, salt, issued, attested, reminded, remind_at, coalesce(child.subject, '')
		FROM party_order LEFT JOIN child ON child.child = party_order.child
		ORDER BY id`)
}

// withSubject scans one more column.
type withSubject struct {
	db.Row
	subject *string
}

func (r withSubject) Scan(into ...any) error { return r.Row.Scan(append(into, r.subject)...) }

// Sealed reports whether the child is kept sealed.
func (r Row) Sealed() bool { return r.sealed != nil }

// Intact reports whether what is sealed would open. Errors: those of the ring.
func (r Row) Intact(ring *keyring.Ring) error {
	if r.sealed == nil {
		return nil
	}
	_, err := r.Whose(ring)
	if errors.Is(err, ErrNotFound) {
		err = nil
	}
	return err
}
