package retention

import (
	"context"

	"wardkeep/internal/base/db"
	"wardkeep/internal/family"
	"wardkeep/internal/message"
	"wardkeep/internal/notify"
	"wardkeep/internal/vault"
)

// SweepValues is the sweep of values alone, which needs no keys.
var SweepValues = sweepValues

// EraseLater is EraseAll for one child, of whom something happens between its letters and
// its erasure. It returns the letters.
func EraseLater(ctx context.Context, store *db.DB, v *vault.Vault, f *message.Farewell, ground family.Ground, child family.Child, meanwhile func()) ([]notify.Message, error) {
	c := prepare(ctx, store, f, ground, []family.Child{child})[0]
	meanwhile()
	err := c.erase(ctx, store, v, f, actor, ground)
	return c.letters, err
}
