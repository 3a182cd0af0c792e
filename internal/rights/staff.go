package rights

import (
	"context"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
	"wardkeep/internal/family"
)

// Assign has somebody in office handle an open demand from now on: whoever is in
// charge may give it to the other, or take it. Errors: ErrMayNot, ErrOwner, ErrEnded,
// those of family.Lock.
func (d Desk) Assign(ctx context.Context, tx *db.Tx, by catalog.Officer, r Request, to catalog.Officer) (Request, string, error) {
	c, r, err := lock(ctx, tx, r)
	switch {
	case err != nil:
		return r, "", err
	case !handles(by, r):
		return r, "", ErrMayNot
	case !to.Governs(r.Service):
		return r, "", ErrOwner.At("to")
	}
	r.Owner = to.ID
	if err := tx.Queue(ctx, `UPDATE rights_request SET owner = $1 WHERE child = $2 AND id = $3`, r.Owner, r.Child, r.ID); err != nil {
		return r, "", err
	}
	entry, err := record(ctx, tx, c, KindAssigned, by.Ledger(), AssignedBody{Request: r.ID, Owner: r.Owner})
	return r, entry, err
}

// Unclaimed reports whether an open demand should be somebody's by now, and is
// nobody's: an owner who left office is none.
func (d Desk) Unclaimed(r Request, inOffice []catalog.Officer, now time.Time) bool {
	if r.State != Open {
		return false
	}
	for _, o := range inOffice {
		if o.ID == r.Owner {
			return false
		}
	}
	return !now.Before(d.after(r.ReceivedAt, d.Clocks.Or(Defaults).Acknowledge))
}

// Show returns the words of a demand for one of the staff. Who sees them is recorded in
// the transaction before whose commit they must not be shown (Article 15). Errors:
// ErrMayNot, ErrNotFound, those of family.Lock and of the child's key.
func (d Desk) Show(ctx context.Context, tx *db.Tx, by catalog.Officer, r Request) (note, answer pii.Text, err error) {
	if !handles(by, r) {
		return note, answer, ErrMayNot
	}
	c, err := family.Lock(ctx, tx, r.Service, r.Child)
	if err != nil {
		return note, answer, err
	}
	if r, err = Find(ctx, tx, r.Service, r.ID); err != nil {
		return note, answer, err
	}
	if note, answer, err = r.Text(d.Ring, c); err != nil {
		return note, answer, err
	}
	_, err = record(ctx, tx, c, KindShown, by.Ledger(), ShownBody{Request: r.ID, Note: r.note != nil, Answer: r.answer != nil})
	return note, answer, err
}
