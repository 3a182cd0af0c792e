package retention

import (
	"errors"

	"golang.org/x/sync/errgroup"

	"wardkeep/internal/family"
)

// AtOnce is how many children are dealt with at once: on SQLite they share a
// transaction, and so one fsync.
const AtOnce = 16

// Each calls fn for every one, so many at once, and returns what went wrong: the first few
// errors, and how many there were besides.
func Each[T any](all []T, most int, fn func(T) error) error {
	var failed failures
	var group errgroup.Group
	group.SetLimit(most)
	for _, one := range all {
		group.Go(func() error {
			failed.add(fn(one))
			return nil
		})
	}
	group.Wait() // fn's errors are in failed
	return failed.joined()
}

// Gone takes it for done when somebody else has erased the child meanwhile.
func Gone(err error) error {
	if errors.Is(err, family.ErrErased) {
		return nil
	}
	return err
}
