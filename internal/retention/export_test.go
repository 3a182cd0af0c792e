package retention

import (
	"context"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/family"
	"wardkeep/internal/message"
	"wardkeep/internal/notify"
	"wardkeep/internal/vault"
)

// Work is one kind of what is due.
type Work = work

// Batch is how much one look takes.
const Batch = batch

// ValuesWork is the sweep of values alone, which needs no keys.
func ValuesWork(store *db.DB, v *vault.Vault) Work { return sweepValues(store, v, new(time.Time)) }

// Through is through.
func Through[T any](store *db.DB, look func(context.Context, *db.Tx, T, int) ([]T, error), fn func(context.Context, T) (int, error)) Work {
	return through(store, look, fn)
}

// TakeTurns is takeTurns, and returns how much each has done.
func TakeTurns(ctx context.Context, slice time.Duration, works ...Work) ([]int, error) {
	did := make([]int, len(works))
	var tasks []task
	for i, w := range works {
		tasks = append(tasks, task{&did[i], w})
	}
	return did, takeTurns(ctx, slice, tasks)
}

// EraseLater is EraseAll for one child, of whom something happens between its letters and
// its erasure. It returns the letters.
func EraseLater(ctx context.Context, store *db.DB, v *vault.Vault, f *message.Farewell, ground family.Ground, child family.Child, meanwhile func()) ([]notify.Message, error) {
	c := prepare(ctx, store, f, ground, []family.Child{child})[0]
	meanwhile()
	err := c.erase(ctx, store, v, f, actor, ground)
	return c.letters, err
}
