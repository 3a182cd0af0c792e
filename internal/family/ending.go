package family

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
)

// ErrTooManyEvents refuses an event of a child about whom too many different ones
// are waiting to take effect.
var ErrTooManyEvents = errs.New(errs.Conflict, "family.too_many_events")

// maxEndings bounds what is kept of events, and with it the child's row.
const maxEndings = 64

// An Ending is what an event does to the values of one purpose: those that were
// collected until it happened end at Ends, or earlier (Article 12). It is kept
// with the child, so that whoever reads the child has it: a sealed value lies
// where nothing can be rewritten.
type Ending struct {
	Event, Purpose string // as a charter names them
	Happened, Ends time.Time
}

// Endings are the endings of one child, in the order in which the events
// happened. Adding one never makes anything live longer.
type Endings []Ending

// Of returns when a value of the purpose ends because of an event, and false if
// none has come for it.
func (all Endings) Of(purpose string, collected time.Time) (ends time.Time, ok bool) {
	for _, e := range all {
		if e.Purpose != purpose || e.Happened.Before(collected) {
			continue
		}
		if !ok || e.Ends.Before(ends) {
			ends, ok = e.Ends, true
		}
	}
	return ends, ok
}

// With returns the endings with some more, and without those that end nothing
// any more. Where that is too many, it merges: what is reported every night ends
// a little earlier, and is never refused. Errors: ErrTooManyEvents, for so many
// different events and purposes that nothing can be merged.
func (all Endings) With(now time.Time, more ...Ending) (Endings, error) {
	sum := slices.Clone(all)
	for _, e := range more {
		if !slices.ContainsFunc(sum, e.same) {
			sum = append(sum, e)
		}
	}
	sum.sort()
	var needed Endings
	for i, e := range sum {
		if sum.first(i) || !sum.outlived(e, now) {
			needed = append(needed, e)
		}
	}
	for len(needed) > maxEndings {
		a, b := needed.nearest()
		if b < 0 {
			return nil, ErrTooManyEvents
		}
		needed[b].Ends = needed[a].earlier(needed[b])
		needed = slices.Delete(needed, a, a+1)
		needed.sort()
	}
	return needed, nil
}

func (all Endings) sort() {
	slices.SortFunc(all, func(a, b Ending) int {
		return cmp.Or(a.Happened.Compare(b.Happened), cmp.Compare(a.Event, b.Event), cmp.Compare(a.Purpose, b.Purpose), a.Ends.Compare(b.Ends))
	})
}

// first reports whether the ending is the earliest of its event. It stays for as
// long as the child: a purpose that is declared later waits for the event too,
// and what was there before ends by it.
func (all Endings) first(i int) bool {
	return !slices.ContainsFunc(all[:i], func(e Ending) bool { return e.Event == all[i].Event })
}

// nearest returns the two endings, one after the other of the same event and
// purpose, whose merging shortens the least: what was collected between them then
// ends with what was collected before. B is -1 if there are none.
func (all Endings) nearest() (a, b int) {
	a, b = -1, -1
	var least time.Duration
	for i, e := range all {
		if all.first(i) {
			continue
		}
		next := slices.IndexFunc(all[i+1:], func(o Ending) bool { return o.Event == e.Event && o.Purpose == e.Purpose })
		if next < 0 {
			continue
		}
		next += i + 1
		if lost := all[next].Ends.Sub(e.earlier(all[next])); b < 0 || lost < least {
			a, b, least = i, next, lost
		}
	}
	return a, b
}

// earlier returns the end of e or of o, whichever comes first.
func (e Ending) earlier(o Ending) time.Time {
	if e.Ends.Before(o.Ends) {
		return e.Ends
	}
	return o.Ends
}

func (e Ending) same(o Ending) bool {
	return e.Event == o.Event && e.Purpose == o.Purpose && e.Happened.Equal(o.Happened) && e.Ends.Equal(o.Ends)
}

// outlived reports whether all that e ends has ended without it: for each
// purpose that waits for its event, a later one has come and its time is over.
func (all Endings) outlived(e Ending, now time.Time) bool {
	return !slices.ContainsFunc(all, func(waits Ending) bool {
		return waits.Event == e.Event && !slices.ContainsFunc(all, func(o Ending) bool {
			return o.Event == e.Event && o.Purpose == waits.Purpose && o.Happened.After(e.Happened) && !now.Before(o.Ends)
		})
	})
}

// String returns what the child's row keeps: a line for each.
func (all Endings) String() string {
	var b strings.Builder
	for _, e := range all {
		b.WriteString(e.Event + " " + e.Purpose + " " + strconv.FormatInt(e.Happened.UnixMicro(), 10) + " " + strconv.FormatInt(e.Ends.UnixMicro(), 10) + "\n")
	}
	return b.String()
}

var errEndings = errors.New("family: the endings of a child can't be read")

// parseEndings reads what String wrote. Anything else is an error: a value whose
// end can't be read must not be taken for one that has none (Invariant 3).
func parseEndings(text string) (all Endings, err error) {
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) != 4 {
			return nil, errEndings
		}
		happened, err := strconv.ParseInt(words[2], 10, 64)
		if err != nil {
			return nil, errEndings
		}
		ends, err := strconv.ParseInt(words[3], 10, 64)
		if err != nil {
			return nil, errEndings
		}
		all = append(all, Ending{words[0], words[1], time.UnixMicro(happened).UTC(), time.UnixMicro(ends).UTC()})
	}
	return all, nil
}

// End keeps what an event ends with a locked child. Package vault does the same
// to the values that lie here, and records it. Errors: ErrTooManyEvents.
func End(ctx context.Context, tx *db.Tx, c Child, more ...Ending) error {
	all, err := c.Endings.With(tx.Now(), more...)
	if err != nil {
		return err
	}
	return changed(tx.Exec(ctx, `
		UPDATE child SET endings = $1
		WHERE child = $2 AND version = $3 AND state <> 'erased'`, all.String(), c.ID, c.Version))
}
