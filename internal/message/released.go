package message

import (
	"context"

	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/ledger"
	"wardkeep/internal/notify"
)

// disclosed is which letter tells of what went out on a ground.
var disclosed = map[approval.Ground]string{approval.OnLaw: notify.KindDisclosedLaw, approval.OnLife: notify.KindDisclosedLife}

// released tells all guardians of what went to somebody to whom none of them has agreed,
// unless a law keeps it from them for now (Article 18, edge case 23).
func released(ctx context.Context, tx *db.Tx, ring *keyring.Ring, p ledger.Placed) ([]Due, error) {
	var b approval.ReleasedBody
	if err := p.Into(&b); err != nil || b.Tell != 0 || disclosed[b.Ground] == "" {
		return nil, err
	}
	return others(ctx, tx, ring, p, disclosed[b.Ground], "")
}

// releasedBefore tells them when the silence about it is over.
func releasedBefore(ctx context.Context, tx *db.Tx, ring *keyring.Ring, p ledger.Placed) ([]Due, error) {
	var b approval.ToldBody
	if err := p.Into(&b); err != nil || disclosed[b.Ground] == "" {
		return nil, err
	}
	return others(ctx, tx, ring, p, disclosed[b.Ground], "")
}
