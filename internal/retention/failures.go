package retention

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"wardkeep/internal/base/db"
)

// mostFailures is how many errors are told: a sweep may meet as many as there are
// children.
const mostFailures = 16

// failures collects what went wrong on the way, where the rest goes on. It is safe for
// concurrent use.
type failures struct {
	mu   sync.Mutex
	all  []error
	more int
	away bool
}

func (f *failures) add(err error) {
	if err == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.away = f.away || Away(err)
	if len(f.all) == mostFailures {
		f.more++
		return
	}
	f.all = append(f.all, err)
}

// Away reports whether it was the store itself that failed: then it is about nothing that
// is in it.
func Away(err error) bool {
	return slices.ContainsFunc([]error{db.ErrAway, db.ErrClosed, db.ErrFull, db.ErrDamaged}, func(whole error) bool { return errors.Is(err, whole) })
}

// storeIsAway reports whether it was the store itself that failed, and not what was
// to be erased: then nothing else would succeed.
func (f *failures) storeIsAway() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.away
}

// joined returns what went wrong, or nil.
func (f *failures) joined() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.more > 0 {
		return errors.Join(append(f.all, fmt.Errorf("and %d more", f.more))...)
	}
	return errors.Join(f.all...)
}
