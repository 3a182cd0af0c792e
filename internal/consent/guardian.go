package consent

import (
	"cmp"
	"context"

	"wardkeep/internal/base/db"
	"wardkeep/internal/family"
)

// EndGuardian ends a person's tie to the locked child, and with it whatever waits
// for that person: old access ends at once (edge case 8). What the person refused
// still weighs, until a guardian has answered anew: see Standing. Errors: those
// of family.EndGuardian.
func (d Desk) EndGuardian(ctx context.Context, tx *db.Tx, by family.Actor, c family.Child, guardian family.GuardianID) (entry string, err error) {
	if entry, err = endGuardian(ctx, tx, by, c, guardian); err != nil {
		return "", err
	}
	return entry, d.Review(ctx, tx, by.Ledger(), c)
}

// endGuardian is EndGuardian without what it does to a dispute.
func endGuardian(ctx context.Context, tx *db.Tx, by family.Actor, c family.Child, guardian family.GuardianID) (entry string, err error) {
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
	return entry, nil
}

// Unverify takes back the proof of who a guardian of the locked child is: what
// rests on it is worth nothing until the guardian proves it anew. A code on its
// way to the guardian does so, and stays good: else whoever may call this could
// keep the guardian from withdrawing, code by code (Article 9). There is no
// counterpart by which somebody else could raise a strength: that would be a way
// around the proof (edge case 24). Where nothing is proved nothing changes, and
// there is no entry. Errors: those of family.ReverifyGuardian.
func (d Desk) Unverify(ctx context.Context, tx *db.Tx, by family.Actor, c family.Child, guardian family.GuardianID) (family.Guardian, string, error) {
	g, entry, err := family.ReverifyGuardian(ctx, tx, by, c, guardian, family.Unproved)
	if err != nil || entry == "" {
		return g, "", err
	}
	// What lies in browsers would be worth something again with the next proof.
	err = tx.Queue(ctx, `
		UPDATE consent_request SET proof = NULL, proof_until = NULL, reading = NULL, reading_until = NULL
		WHERE child = $1 AND guardian = $2`, c.ID, guardian)
	if err != nil {
		return family.Guardian{}, "", err
	}
	return g, entry, d.Review(ctx, tx, by.Ledger(), c)
}

// UnverifyAll does so with every guardian of the locked child who has proved anything and is in
// office, and returns the first entry: empty, where there was nobody.
func (d Desk) UnverifyAll(ctx context.Context, tx *db.Tx, by family.Actor, c family.Child) (entry string, err error) {
	var guardians []family.Guardian
	if err := tx.Together(ctx, family.ReadGuardians(&guardians, c.ID)); err != nil {
		return "", err
	}
	for _, g := range guardians {
		if g.Strength == family.Unproved || !g.EndedAt.IsZero() {
			continue
		}
		_, one, err := d.Unverify(ctx, tx, by, c, g.ID)
		if err != nil {
			return "", err
		}
		entry = cmp.Or(entry, one)
	}
	return entry, nil
}

// RefusedAll returns the number of the latest charter that a guardian of the
// locked child refused while nobody had agreed to anything, or 0: of a child that
// is erased then, this is kept, so that the same isn't asked again (edge case 26).
// Only answers count: what else was asked, of this guardian or another, and is
// still open or ran out, takes no answer back.
func RefusedAll(ctx context.Context, tx *db.Tx, c family.Child) (charter int64, err error) {
	if c.State != family.Unconsented {
		return 0, nil
	}
	// The first yes makes a child active, so whatever stands here is a no.
	return db.One(ctx, tx, db.Single[int64], `
		SELECT coalesce(max(charter), 0) FROM consent
		WHERE child = $1 AND ended_at IS NULL AND granted = false`, c.ID)
}
