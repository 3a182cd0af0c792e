package consent

import (
	"context"
	"errors"

	"wardkeep/internal/base/db"
	"wardkeep/internal/family"
)

// EndGuardian ends a person's tie to the locked child, and with it whatever waits
// for that person: old access ends at once (edge case 8). What the person refused
// still weighs, until a guardian has answered anew: see Standing. Errors: those
// of family.EndGuardian.
func (d Desk) EndGuardian(ctx context.Context, tx *db.Tx, by family.Actor, c family.Child, guardian family.GuardianID) (entry string, err error) {
	if _, entry, err = family.EndGuardian(ctx, tx, by, c, guardian); err != nil {
		return "", err
	}
	now := tx.Now()
	waiting, err := db.All(ctx, tx, scanRequest, `
		SELECT `+requestColumns+` FROM consent_request
		WHERE child = $1 AND guardian = $2 AND state IN ('pending', 'opened', 'verified') AND expires_at > $3
		ORDER BY id`, c.ID, guardian, (*db.Time)(&now))
	if err != nil {
		return "", err
	}
	for _, r := range waiting {
		if _, _, err := end(ctx, tx, by.Ledger(), c, r, Cancelled, KindCancelled); err != nil {
			return "", err
		}
	}
	if err := forgetProofs(ctx, tx, c, guardian); err != nil {
		return "", err
	}
	return entry, d.Review(ctx, tx, by.Ledger(), c)
}

// Unverify takes back the proof of who a guardian of the locked child is: what
// rests on it is worth nothing until the guardian proves it anew. There is no
// counterpart by which somebody else could raise a strength: that would be a way
// around the proof (edge case 24). Errors: those of family.ReverifyGuardian.
func (d Desk) Unverify(ctx context.Context, tx *db.Tx, by family.Actor, c family.Child, guardian family.GuardianID) (family.Guardian, string, error) {
	g, entry, err := family.ReverifyGuardian(ctx, tx, by, c, guardian, family.Unproved)
	if err != nil {
		return family.Guardian{}, "", err
	}
	if err := forgetProofs(ctx, tx, c, guardian); err != nil {
		return family.Guardian{}, "", err
	}
	return g, entry, d.Review(ctx, tx, by.Ledger(), c)
}

// forgetProofs voids the codes on their way to a guardian, and the proofs in its
// browsers.
func forgetProofs(ctx context.Context, tx *db.Tx, c family.Child, guardian family.GuardianID) error {
	return tx.Queue(ctx, `
		UPDATE consent_request SET code = NULL, code_until = NULL, proof = NULL, proof_until = NULL,
			reading = NULL, reading_until = NULL
		WHERE child = $1 AND guardian = $2`, c.ID, guardian)
}

// RefusedAll returns the number of the charter of which a guardian of the locked
// child refused all that it was asked, or 0: of a child that is erased before
// anybody agreed, this is kept, so that the same isn't asked again (edge case
// 26). Asking a second person at the same time makes no difference.
func RefusedAll(ctx context.Context, tx *db.Tx, c family.Child) (charter int64, err error) {
	charter, err = db.One(ctx, tx, db.Single[int64], `
		SELECT a.charter FROM consent a
		WHERE a.child = $1 AND a.ended_at IS NULL AND a.granted = false AND NOT EXISTS (
			SELECT 1 FROM consent_request r
			WHERE r.child = a.child AND r.guardian = a.guardian AND r.state NOT IN ('answered', 'cancelled'))
		ORDER BY a.charter DESC, a.id LIMIT 1`, c.ID)
	if errors.Is(err, db.ErrNone) {
		return 0, nil
	}
	return charter, err
}
