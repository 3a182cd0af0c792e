package consent

import (
	"context"
	"errors"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/family"
)

// keepLinks is how long a long link says that its request has ended, before it says
// that it leads nowhere. Those of answered requests stay: they lead back to
// withdrawing.
const keepLinks = 30 * 24 * time.Hour

// leads is how long a link that is made for a message leads to a request that ran
// out. It ends a day before the request is forgotten: until then the guardian may
// open it, and a node whose clock is late makes none that another has forgotten.
const leads = keepLinks - 24*time.Hour

// sweeper is the sweep's name in the ledger.
const sweeper = "system:retention"

// Cancel ends a request that waits. Errors: why it has ended already.
func Cancel(ctx context.Context, tx *db.Tx, by Asker, r Request) (Request, string, error) {
	if err := may(by, r.Service, r.Child); err != nil {
		return r, "", err
	}
	return CancelAgain(ctx, tx, by, r)
}

// CancelAgain is Cancel for a store that was put back, whose ledger tells that it was
// cancelled (edge case 15). Errors: why it has ended already.
func CancelAgain(ctx context.Context, tx *db.Tx, by family.Actor, r Request) (Request, string, error) {
	c, r, err := lock(ctx, tx, r)
	if err != nil {
		return r, "", err
	}
	if err := r.Refusal(); err != nil {
		return r, "", err
	}
	return end(ctx, tx, by.Ledger(), c, r, Cancelled, KindCancelled)
}

// end ends a request that waits, and comes back for its links later.
func end(ctx context.Context, tx *db.Tx, actor string, c family.Child, r Request, state State, kind string) (Request, string, error) {
	later := tx.Now().Add(keepLinks)
	err := stepped(tx.Exec(ctx, `
		UPDATE consent_request SET state = $1, due_at = $2, code = NULL, code_until = NULL, proof = NULL, proof_until = NULL
		WHERE child = $3 AND id = $4 AND state IN ('pending', 'opened', 'verified')`,
		state, (*db.Time)(&later), r.Child, r.ID))
	if err != nil {
		return r, "", err
	}
	if err := endCode(ctx, tx, r); err != nil {
		return r, "", err
	}
	r.State = state
	entry, err := note(ctx, tx, c, kind, actor, RequestBody{Request: r.ID})
	return r, entry, err
}

// A Due is a request with which the sweep has something to do, in that order.
type Due struct {
	At time.Time
	Request
}

// DueRequests returns requests that ran out, and those that ended so long ago that
// their links are forgotten: those behind after, the oldest first, at most limit. Its cost is what is due.
func DueRequests(ctx context.Context, tx *db.Tx, after Due, limit int) ([]Due, error) {
	now := tx.Now()
	return db.All(ctx, tx, func(row db.Row) (d Due, err error) {
		err = row.Scan((*db.Time)(&d.At), &d.Child, &d.ID, &d.Service, &d.State)
		return d, err
	}, `
		SELECT due_at, child, id, service, state FROM consent_request
		WHERE due_at <= $1 AND (due_at, child, id) > ($2, $3, $4)
		ORDER BY due_at, child, id LIMIT $5`,
		(*db.Time)(&now), after.At.UnixMicro(), after.Child, after.ID, int64(limit))
}

// Expire ends a request that ran out, or forgets the links of one that ended long ago.
// If we crash before the commit, it is still due.
func Expire(ctx context.Context, tx *db.Tx, due Due) error {
	if due.waits() {
		return expire(ctx, tx, due.Request)
	}
	return forget(ctx, tx, due.Request)
}

func expire(ctx context.Context, tx *db.Tx, r Request) error {
	c, r, err := lock(ctx, tx, r)
	switch {
	case errors.Is(err, family.ErrErased), errors.Is(err, family.ErrNotFound), errors.Is(err, ErrNoRequest):
		return nil // the erasure of the child took the request with it
	case err != nil:
		return err
	case r.State != Expired:
		return nil // it was answered since we looked
	}
	_, _, err = end(ctx, tx, sweeper, c, r, Expired, KindExpired)
	if errors.Is(err, ErrAnswered) {
		return nil // another sweep has ended it since
	}
	return err
}

func forget(ctx context.Context, tx *db.Tx, r Request) error {
	_, r, err := lock(ctx, tx, r) // as everywhere, the child before its request
	switch {
	case errors.Is(err, family.ErrErased), errors.Is(err, family.ErrNotFound), errors.Is(err, ErrNoRequest):
		return nil // the erasure of the child took the request with it
	case err != nil:
		return err
	}
	err = tx.Queue(ctx, `DELETE FROM consent_link WHERE child = $1 AND request = $2`, r.Child, r.ID)
	if err != nil {
		return err
	}
	return tx.Queue(ctx, `
		UPDATE consent_request SET due_at = NULL, payload = NULL
		WHERE child = $1 AND id = $2 AND state IN ('expired', 'cancelled')`, r.Child, r.ID)
}

// Forget removes all rows about a child: requests, links and answers. It is a
// part of erasing the child (Article 20); what remains is the ledger's, under a
// pseudonym (edge case 16).
func Forget(ctx context.Context, tx *db.Tx, child family.ID) error {
	for _, query := range []string{
		`DELETE FROM consent_link WHERE child = $1`,
		`DELETE FROM consent_request WHERE child = $1`,
		`DELETE FROM consent WHERE child = $1`,
	} {
		if err := tx.Queue(ctx, query, child); err != nil {
			return err
		}
	}
	return nil
}
